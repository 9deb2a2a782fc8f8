//! Results of a real server as record batches.

mod cells;
mod nullability;
mod probes;
mod queries;
mod random_tables;
mod time_zones;
mod types;
mod vectors;

use otaria::arrow::array::RecordBatch;
use otaria::arrow::compute::concat_batches;
use otaria::{ArrowOptions, Connection, QueryArrow, RecordBatchError, RecordBatches};

/// By which protocol rows come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Protocol {
    Text,
    Binary,
}

const PROTOCOLS: [Protocol; 2] = [Protocol::Text, Protocol::Binary];

/// All rows of the first result of `sql` as one batch, and how many values were made NULL.
async fn read(
    connection: &mut Connection,
    sql: &str,
    (protocol, options): (Protocol, &ArrowOptions),
) -> Result<(RecordBatch, u64), RecordBatchError> {
    let mut batches = match protocol {
        Protocol::Text => {
            let rows = connection.simple_query(sql).await?;
            RecordBatches::from_rows(rows, options).await?
        }
        Protocol::Binary => connection.query_arrow_with(sql, (), options).await?,
    };
    let mut read = Vec::new();
    while let Some(batch) = batches.next().await? {
        read.push(batch);
    }
    let batch = concat_batches(&batches.schema(), &read).expect("all have that schema");
    Ok((batch, batches.values_made_null()))
}

/// Whether the server knows VECTOR.
fn has_vectors() -> bool {
    let mut parts = protocol_tests::live::shared().version().split('.');
    let mut part = || parts.next().and_then(|part| part.parse::<u32>().ok());
    (part(), part()) >= (Some(11), Some(7))
}
