use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use otaria_arrow::arrow::array::RecordBatch;
use otaria_arrow::arrow::datatypes::SchemaRef;
use otaria_arrow::partition::Partition;
use otaria_arrow::{ArrowOptions, Nullability};
use otaria_pool::Pool;
use tokio::runtime::Handle;

use super::slot::{Progress, Slot};
use super::{BlockingPartitionBatches, PartitionError};

/// The record batches of parts that are read side by side, each with the
/// [place](Partition::index) of its part: see
/// [`PoolPartitions::read_partitions`](crate::PoolPartitions::read_partitions). It is a [`Stream`],
/// too. It borrows nothing, so that it can be moved to another task.
///
/// Batches of a part come in their order, those of different parts in any. All have one schema,
/// whose fields may all be NULL, whatever the options say: what a server declares NOT NULL may
/// differ from part to part (of an outer join, a condition on a column makes it that). All is done
/// by the task that polls this, which has at most one batch under way for each part that is being
/// read; nothing is read ahead. A task that is slow to ask for batches holds up the server.
///
/// Each part takes a connection from the pool when it begins, and gives it back when it has been
/// read. Where the pool has none in time, the part waits until another one of these is done; only
/// if there is none it is an error.
///
/// An error of one part ends the reading of all: the connections go back to the pool, which stops
/// the statements that are still running. So does dropping this.
#[must_use]
pub struct PartitionBatches {
    pool: Pool,
    options: Arc<ArrowOptions>,
    waiting: VecDeque<Arc<Partition>>,
    slots: Vec<Slot>,
    /// How many parts are read at a time.
    concurrency: usize,
    /// The slot that is looked at first, so that none is starved by another that always has a
    /// batch.
    first: usize,
    schema: Schemas,
    /// A batch that was waited for only to know the schema.
    ahead: Option<(u32, RecordBatch)>,
    rows: u64,
}

/// Only what has rows is sure of its schema: geometries tell their reference system.
#[derive(Default)]
struct Schemas {
    begun: Option<SchemaRef>,
    of_batches: Option<SchemaRef>,
}

impl PartitionBatches {
    pub(super) fn new(
        pool: Pool,
        partitions: Vec<Partition>,
        concurrency: usize,
        options: ArrowOptions,
    ) -> Self {
        let concurrency = concurrency.clamp(1, pool.status().max_size.max(1));
        Self {
            pool,
            // What the server declares may differ from part to part.
            options: Arc::new(options.with_nullability(Nullability::All)),
            waiting: partitions.into_iter().map(Arc::new).collect(),
            slots: Vec::with_capacity(concurrency),
            concurrency,
            first: 0,
            schema: Schemas::default(),
            ahead: None,
            rows: 0,
        }
    }

    /// The schema of all batches; `None` until a part has begun to be read.
    pub fn schema(&self) -> Option<SchemaRef> {
        let schema = self.schema.of_batches.as_ref();
        schema.or(self.schema.begun.as_ref()).cloned()
    }

    /// How many rows the batches have had so far.
    pub const fn rows(&self) -> u64 {
        self.rows
    }

    /// The next batch of any part, and the place of the part, or `None` behind the last and behind
    /// an error. It has at least one row.
    ///
    /// # Errors
    /// [`PartitionError::Part`] with the error of one part, [`PartitionError::ColumnsChanged`] and
    /// [`PartitionError::SchemaDiffers`].
    ///
    /// # Cancel safety
    /// Safe. No row is lost: the next call goes on where this one was.
    pub async fn next(&mut self) -> Result<Option<(u32, RecordBatch)>, PartitionError> {
        let next = poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await;
        next.transpose()
    }

    /// The same batches for code that is not async, which waits for them on its own thread. A reader
    /// has its schema from the beginning: this waits for the first batch, or the end.
    ///
    /// ```no_run
    /// # use otaria::arrow::array::RecordBatchReader;
    /// # use otaria::arrow::error::ArrowError;
    /// # use otaria::{ArrowOptions, PartitionError, PartitionPlan, Pool, PoolPartitions};
    /// # use tokio::runtime::Handle;
    /// # async fn export(pool: Pool, plan: PartitionPlan) -> Result<(), PartitionError> {
    /// let batches = pool.read_partitions(plan.into_partitions(), 4, &ArrowOptions::default());
    /// let reader = batches.into_reader(Handle::current()).await?;
    /// let written = tokio::task::spawn_blocking(move || write(reader)).await;
    /// # drop(written);
    /// # Ok(())
    /// # }
    /// # fn write(reader: impl RecordBatchReader) -> Result<(), ArrowError> {
    /// #     reader.map(|batch| batch.map(drop)).collect()
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of [`next`](Self::next). The reading of all parts is ended.
    ///
    /// # Cancel safety
    /// As when this is dropped: the connections go back to the pool, which stops the statements.
    pub async fn into_reader(
        mut self,
        runtime: Handle,
    ) -> Result<BlockingPartitionBatches, PartitionError> {
        if self.ahead.is_none() {
            self.ahead = poll_fn(|context| self.poll_read(context)).await?;
        }
        Ok(BlockingPartitionBatches::new(self, runtime))
    }

    /// Reads on, unless there was an error.
    fn poll_read(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Result<Option<(u32, RecordBatch)>, PartitionError>> {
        let next = self.poll_slots(context);
        if let Poll::Ready(Err(_)) = next {
            self.waiting.clear();
            self.slots.clear();
        }
        next
    }

    /// Fills the slots, as far as there are parts for them.
    fn begin(&mut self) {
        while self.slots.len() < self.concurrency
            && let Some(partition) = self.waiting.pop_front()
        {
            let options = Arc::clone(&self.options);
            self.slots
                .push(Slot::new(self.pool.clone(), partition, options));
        }
    }

    /// Goes on with each slot until one has a batch.
    fn poll_slots(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Result<Option<(u32, RecordBatch)>, PartitionError>> {
        self.begin();
        let mut still = 0;
        while still < self.slots.len() {
            if self.first >= self.slots.len() {
                self.first = 0;
            }
            let Some(slot) = self.slots.get_mut(self.first) else {
                break;
            };
            let index = slot.partition().index();
            match slot.poll(context) {
                Poll::Pending => {
                    self.first += 1;
                    still += 1;
                }
                Poll::Ready(progress) => {
                    still = 0;
                    if let Some(batch) = self.take(index, progress?)? {
                        return Poll::Ready(Ok(Some((index, batch))));
                    }
                }
            }
        }
        if self.slots.is_empty() {
            return Poll::Ready(Ok(None));
        }
        Poll::Pending
    }

    /// What the first slot has come to, which may be a batch.
    fn take(
        &mut self,
        index: u32,
        progress: Progress,
    ) -> Result<Option<RecordBatch>, PartitionError> {
        match progress {
            Progress::Begun(schema) => drop(self.schema.begun.get_or_insert(schema)),
            Progress::Batch(batch) => {
                self.schema.check(index, &batch.schema())?;
                self.first += 1;
                return Ok(Some(batch));
            }
            Progress::Ended => {
                drop(self.slots.swap_remove(self.first));
                self.begin();
            }
            // There is another one that will give back its connection.
            Progress::NoConnection(_) if self.slots.len() > 1 => {
                let slot = self.slots.swap_remove(self.first);
                self.waiting.push_front(Arc::clone(slot.partition()));
                self.concurrency = self.slots.len();
            }
            Progress::NoConnection(error) => {
                return Err(PartitionError::Part { index, error });
            }
        }
        Ok(None)
    }
}

impl Stream for PartitionBatches {
    type Item = Result<(u32, RecordBatch), PartitionError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let batches = self.get_mut();
        let next = match batches.ahead.take() {
            Some(batch) => Ok(Some(batch)),
            None => ready!(batches.poll_read(context)),
        };
        if let Ok(Some((_, batch))) = &next {
            batches.rows += u64::try_from(batch.num_rows()).unwrap_or_default();
        }
        Poll::Ready(next.transpose())
    }
}

impl Schemas {
    fn check(&mut self, index: u32, schema: &SchemaRef) -> Result<(), PartitionError> {
        let first = self.of_batches.get_or_insert_with(|| Arc::clone(schema));
        if Arc::ptr_eq(first, schema) || first == schema {
            Ok(())
        } else {
            Err(PartitionError::SchemaDiffers { index })
        }
    }
}

/// Shows how many parts wait and are being read.
impl fmt::Debug for PartitionBatches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PartitionBatches")
            .field("waiting", &self.waiting.len())
            .field("reading", &self.slots.len())
            .field("rows", &self.rows)
            .finish_non_exhaustive()
    }
}
