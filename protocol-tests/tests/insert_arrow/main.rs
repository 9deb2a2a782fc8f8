//! Record batches inserted into a real server.

mod cancellation;
mod conversions;
mod either_way;
mod failures;
mod keys;
mod modes;
mod new_tables;
mod sessions;
mod types;

use std::sync::Arc;

use otaria::arrow::array::{ArrayRef, Int32Array, RecordBatch, RecordBatchIterator, StringArray};
use otaria::arrow::error::ArrowError;
use otaria::{Config, Connection, InsertWay};
use protocol_tests::live::{self, Schema};

/// Each way that rows can go.
const WAYS: [InsertWay; 2] = [InsertWay::Bulk, InsertWay::LoadData];

/// A schema of its own, and a connection to it that may load files.
async fn with_schema(name_hint: &str) -> (Connection, Schema<'static>) {
    let schema = live::shared().schema(name_hint).unwrap();
    let connection = connect(&schema).await;
    (connection, schema)
}

async fn connect(schema: &Schema<'_>) -> Connection {
    Connection::connect(&config(schema)).await.unwrap()
}

fn config(schema: &Schema<'_>) -> Config {
    let config: Config = schema.url().parse().unwrap();
    config.to_builder().local_infile(true).build().unwrap()
}

/// Items of these ids, each named after its id.
fn items(ids: impl IntoIterator<Item = i32>) -> RecordBatch {
    let ids: Vec<_> = ids.into_iter().collect();
    let names: Vec<_> = ids.iter().map(|id| format!("name of {id}")).collect();
    let ids: ArrayRef = Arc::new(Int32Array::from(ids));
    let names: ArrayRef = Arc::new(StringArray::from(names));
    RecordBatch::try_from_iter([("id", ids), ("name", names)]).unwrap()
}

type Reader = RecordBatchIterator<std::vec::IntoIter<Result<RecordBatch, ArrowError>>>;

/// A reader of batches, of which there is one at least.
fn reader(batches: impl IntoIterator<Item = RecordBatch>) -> Reader {
    let batches: Vec<_> = batches.into_iter().map(Ok).collect();
    let schema = batches.first().unwrap().as_ref().unwrap().schema();
    RecordBatchIterator::new(batches.into_iter(), schema)
}

/// The table of [`items`].
async fn item_table(connection: &mut Connection) {
    let sql = "CREATE TABLE item (id INT PRIMARY KEY, name VARCHAR(50), price INT DEFAULT 7)";
    connection.simple_execute(sql).await.unwrap();
}

/// What is in the table of items: how many, the sum of the ids, and how many are named after theirs.
async fn content(connection: &mut Connection) -> (u64, i64, u64) {
    let sql = "SELECT COUNT(*), COALESCE(CAST(SUM(id) AS SIGNED), 0), \
               CAST(COALESCE(SUM(name = CONCAT('name of ', id)), 0) AS UNSIGNED) FROM item";
    connection.query_one(sql, ()).await.unwrap()
}
