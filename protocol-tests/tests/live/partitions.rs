//! Tables and queries that are read in parts.

mod ends;
mod keys;
mod plans;
mod sources;

use std::collections::BTreeMap;

use otaria::arrow::array::{AsArray, RecordBatch};
use otaria::arrow::datatypes::{DataType, Int32Type, Int64Type, UInt64Type};
use otaria::partition::PartitionSource;
use otaria::{
    ArrowOptions, Config, Partition, PartitionError, PartitionOptions, PartitionPlan, Pool,
    PoolPartitions,
};
use protocol_tests::live::Schema;

/// A pool of so many connections with this default database.
fn pool(schema: &Schema<'_>, max_size: usize) -> Pool {
    let config: Config = schema.url().parse().expect("the URL");
    Pool::builder(config).max_size(max_size).build()
}

/// The first column of the rows of each part that has rows, sorted; NULL is the lowest.
type Keys = BTreeMap<u32, Vec<Option<i128>>>;

async fn read(pool: &Pool, parts: Vec<Partition>) -> Result<Keys, PartitionError> {
    let mut batches = pool.read_partitions(parts, 3, &ArrowOptions::default());
    let mut keys = Keys::new();
    while let Some((part, batch)) = batches.next().await? {
        keys.entry(part).or_default().extend(first_column(&batch));
    }
    for keys in keys.values_mut() {
        keys.sort_unstable();
    }
    Ok(keys)
}

fn first_column(batch: &RecordBatch) -> Vec<Option<i128>> {
    let column = batch.column(0);
    match column.data_type() {
        DataType::Int32 => {
            let keys = column.as_primitive::<Int32Type>().iter();
            keys.map(|key| key.map(Into::into)).collect()
        }
        DataType::Int64 => {
            let keys = column.as_primitive::<Int64Type>().iter();
            keys.map(|key| key.map(Into::into)).collect()
        }
        DataType::UInt64 => {
            let keys = column.as_primitive::<UInt64Type>().iter();
            keys.map(|key| key.map(Into::into)).collect()
        }
        other => panic!("a key of {other}"),
    }
}

async fn plan(pool: &Pool, source: &PartitionSource, parts: usize) -> PartitionPlan {
    let options = PartitionOptions::new(parts);
    pool.plan_partitions(source, &options)
        .await
        .expect("a plan")
}

/// All keys of a plan's parts, sorted.
async fn all(pool: &Pool, plan: PartitionPlan) -> Vec<Option<i128>> {
    let parts = read(pool, plan.into_partitions()).await.expect("the rows");
    let mut all: Vec<_> = parts.into_values().flatten().collect();
    all.sort_unstable();
    all
}

/// What the server says that the rows are, by the first column of `sql`, which is `DECIMAL(30)` or
/// NULL.
async fn expected(pool: &Pool, sql: &str) -> Vec<Option<i128>> {
    let keys: Vec<(Option<String>,)> = pool.query_all(sql, ()).await.expect("the rows");
    let keys = keys.into_iter();
    let mut keys: Vec<Option<i128>> = keys
        .map(|(key,)| key.map(|key| key.parse().expect("an integer")))
        .collect();
    keys.sort_unstable();
    keys
}
