use std::io::Write;

use arrow::array::RecordBatch;
use arrow::json::WriterBuilder;
use arrow::json::writer::{JsonArray, LineDelimited, Writer};

use super::{BatchWriter, Destination, WriteError};

/// Writes one array of objects, NULL as `null`.
pub(crate) struct Array {
    writer: Writer<Destination, JsonArray>,
}

impl Array {
    pub(crate) fn new(destination: Destination) -> Self {
        let builder = WriterBuilder::new().with_explicit_nulls(true);
        Self {
            writer: builder.build(destination),
        }
    }
}

impl BatchWriter for Array {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), WriteError> {
        Ok(self.writer.write(batch)?)
    }

    fn finish(&mut self) -> Result<(), WriteError> {
        self.writer.finish()?;
        let destination = self.writer.get_mut();
        destination.write_all(b"\n")?;
        Ok(destination.flush()?)
    }
}

/// Writes an object a line, NULL as `null`. Each batch is sent on when it is there.
pub(crate) struct Lines {
    writer: Writer<Destination, LineDelimited>,
}

impl Lines {
    pub(crate) fn new(destination: Destination) -> Self {
        let builder = WriterBuilder::new().with_explicit_nulls(true);
        Self {
            writer: builder.build(destination),
        }
    }
}

impl BatchWriter for Lines {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), WriteError> {
        self.writer.write(batch)?;
        Ok(self.writer.get_mut().flush()?)
    }

    fn finish(&mut self) -> Result<(), WriteError> {
        self.writer.finish()?;
        Ok(self.writer.get_mut().flush()?)
    }
}
