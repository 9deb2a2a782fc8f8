use std::fmt;
use std::sync::Arc;

use otaria_arrow::arrow::array::{RecordBatch, RecordBatchReader};
use otaria_arrow::arrow::datatypes::{Schema, SchemaRef};
use otaria_arrow::arrow::error::ArrowError;
use tokio::runtime::Handle;

use super::{PartitionBatches, PartitionError};
use crate::batches::wait;

/// The record batches of parts that are read side by side, for code that is not async, such as a writer
/// of files: see [`PartitionBatches::into_reader`]. It is a [`RecordBatchReader`].
///
/// It waits like a [`BlockingRecordBatches`](crate::BlockingRecordBatches), on the same threads; where
/// tasks run it is [`PartitionError::OnRuntimeThread`], behind which the reader goes on elsewhere.
/// Between two batches nobody reads: the parts stand still until the next one is asked for.
///
/// Errors are [`ArrowError::ExternalError`]s around a [`PartitionError`]. No batch comes behind one,
/// but for the one that says that the thread is wrong.
#[must_use]
pub struct BlockingPartitionBatches {
    batches: PartitionBatches,
    schema: SchemaRef,
    part: Option<u32>,
    runtime: Handle,
}

impl BlockingPartitionBatches {
    /// `batches` know their schema, if there are any.
    pub(super) fn new(batches: PartitionBatches, runtime: Handle) -> Self {
        Self {
            schema: batches
                .schema()
                .unwrap_or_else(|| Arc::new(Schema::empty())),
            batches,
            part: None,
            runtime,
        }
    }

    /// The batches that have not been read, for async code.
    pub fn into_batches(self) -> PartitionBatches {
        self.batches
    }

    /// The [place](crate::Partition::index) of the part that the last batch was of; `None` before the
    /// first.
    pub const fn part(&self) -> Option<u32> {
        self.part
    }

    /// How many rows the batches have had so far.
    pub const fn rows(&self) -> u64 {
        self.batches.rows()
    }
}

impl Iterator for BlockingPartitionBatches {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = wait(&self.runtime, self.batches.next());
        match next.unwrap_or(Err(PartitionError::OnRuntimeThread)) {
            Ok(None) => None,
            Ok(Some((part, batch))) => {
                self.part = Some(part);
                Some(Ok(batch))
            }
            Err(error) => Some(Err(ArrowError::ExternalError(Box::new(error)))),
        }
    }
}

/// Its schema has no fields where there were no parts.
impl RecordBatchReader for BlockingPartitionBatches {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }
}

impl fmt::Debug for BlockingPartitionBatches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("BlockingPartitionBatches")
            .field(&self.batches)
            .finish()
    }
}
