use std::io::Write;

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use arrow::ipc::writer::{FileWriter, StreamWriter};

use super::{BatchWriter, Destination, WriteError};

/// Writes Arrow's file format.
pub(crate) struct ArrowFile {
    writer: FileWriter<Destination>,
}

impl ArrowFile {
    pub(crate) fn try_new(schema: &Schema, destination: Destination) -> Result<Self, WriteError> {
        let writer = FileWriter::try_new(destination, schema)?;
        Ok(Self { writer })
    }
}

impl BatchWriter for ArrowFile {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), WriteError> {
        Ok(self.writer.write(batch)?)
    }

    fn finish(&mut self) -> Result<(), WriteError> {
        Ok(self.writer.finish()?)
    }
}

/// Writes Arrow's stream format. Each batch is sent on when it is there.
pub(crate) struct ArrowStream {
    writer: StreamWriter<Destination>,
}

impl ArrowStream {
    pub(crate) fn try_new(schema: &Schema, destination: Destination) -> Result<Self, WriteError> {
        let writer = StreamWriter::try_new(destination, schema)?;
        Ok(Self { writer })
    }
}

impl BatchWriter for ArrowStream {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), WriteError> {
        self.writer.write(batch)?;
        Ok(self.writer.get_mut().flush()?)
    }

    fn finish(&mut self) -> Result<(), WriteError> {
        self.writer.finish()?;
        Ok(self.writer.get_mut().flush()?)
    }
}
