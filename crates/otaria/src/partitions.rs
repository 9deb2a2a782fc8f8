//! Tables and queries read in parts, side by side over the connections of a pool.

mod blocking;
mod catalog;
mod density;
mod error;
mod options;
mod plan;
mod read;
mod slot;

use std::future::Future;

use otaria_arrow::ArrowOptions;
use otaria_arrow::partition::{Partition, PartitionSource};
use otaria_pool::Pool;

use crate::sealed::Sealed;

pub use blocking::BlockingPartitionBatches;
pub use error::PartitionError;
pub use options::{PartitionDepth, PartitionOptions, PartitionPlan};
pub use read::PartitionBatches;

/// Reading in parts over a [`Pool`]: each row of a table or a query is in one of them, and they are
/// read side by side.
///
/// ```no_run
/// use otaria::{ArrowOptions, PartitionError, PartitionOptions, PartitionSource, Pool,
/// PoolPartitions};
///
/// # async fn read(pool: Pool) -> Result<u64, PartitionError> {
/// let source = PartitionSource::table("measurement").with_columns(["id", "taken_at", "value"]);
/// let plan = pool.plan_partitions(&source, &PartitionOptions::new(4)).await?;
/// let mut batches = pool.read_partitions(plan.into_partitions(), 4, &ArrowOptions::default());
/// let mut rows = 0;
/// while let Some((part, batch)) = batches.next().await? {
///     println!("{} rows of part {part}", batch.num_rows());
///     rows += batch.num_rows() as u64;
/// }
/// # Ok(rows)
/// # }
/// ```
///
/// Which key to take, and what the parts show of a table that is written meanwhile, says
/// [`partition`](crate::partition). Parts are read faster than the whole where the server has
/// processors to spare: where it shares two with the program, two parts take two thirds to three
/// quarters of the time, and more parts save hardly more.
///
/// A [`Partition`] can be written to bytes, and be read by a pool of another process:
///
/// ```no_run
/// # use otaria::{ArrowOptions, Partition, PartitionError, Pool, PoolPartitions};
/// # use std::error::Error;
/// # async fn read(pool: Pool, bytes: &[u8]) -> Result<(), Box<dyn Error>> {
/// let partition = Partition::from_bytes(bytes)?;
/// let mut batches = pool.read_partitions([partition], 1, &ArrowOptions::default());
/// # while let Some(batch) = batches.next().await? { drop(batch); }
/// # Ok(())
/// # }
/// ```
pub trait PoolPartitions: Sealed + Sync {
    /// Asks the server for what is needed to split a source, and splits it.
    ///
    /// Of a table it is asked, on one connection: for columns and indexes (of which it chooses the
    /// key, if the options name none: the one with the most values of those integers that an index
    /// begins with), for the lowest key and the highest, and by EXPLAIN, some hundred ranges in a
    /// few statements, for how many rows there are between some keys. No rows are read for that,
    /// and a greater table takes hardly longer. The table is named with its database in the parts,
    /// so that they do not depend on that of a connection.
    ///
    /// Of a query, or by a key without an index, the server has to look at all rows for the lowest
    /// key and the highest; the parts are of the same width then, not of the same depth.
    ///
    /// # Errors
    /// [`PartitionError`]; the connection goes back to the pool.
    ///
    /// # Cancel safety
    /// Safe. Nothing is kept of what was asked.
    fn plan_partitions(
        &self,
        source: &PartitionSource,
        options: &PartitionOptions,
    ) -> impl Future<Output = Result<PartitionPlan, PartitionError>> + Send;

    /// Reads parts, up to `concurrency` of them at a time, each on a connection of its own: at
    /// least one, and at most as many as the pool may have. They begin in the order given. Nothing
    /// is done until the first batch is asked for.
    fn read_partitions(
        &self,
        partitions: impl IntoIterator<Item = Partition>,
        concurrency: usize,
        options: &ArrowOptions,
    ) -> PartitionBatches;
}

impl PoolPartitions for Pool {
    async fn plan_partitions(
        &self,
        source: &PartitionSource,
        options: &PartitionOptions,
    ) -> Result<PartitionPlan, PartitionError> {
        let mut connection = self.get().await?;
        plan::plan(&mut connection, source.clone(), options).await
    }

    fn read_partitions(
        &self,
        partitions: impl IntoIterator<Item = Partition>,
        concurrency: usize,
        options: &ArrowOptions,
    ) -> PartitionBatches {
        let partitions = partitions.into_iter().collect();
        PartitionBatches::new(self.clone(), partitions, concurrency, options.clone())
    }
}
