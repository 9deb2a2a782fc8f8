//! The same rows by `execute_batch` and by `LOAD DATA LOCAL`, each in one transaction.

use std::fmt::Write;
use std::time::{Duration, Instant};

use otaria::{Connection, Error, Params};

/// A row of the table `batch`.
#[derive(Clone, Debug)]
pub struct BatchRow {
    id: u32,
    name: String,
    score: Option<f64>,
}

impl BatchRow {
    /// The parameters that insert it.
    pub fn params(&self) -> (u32, &str, Option<f64>) {
        (self.id, &self.name, self.score)
    }
}

/// So many rows; one in ten has no score.
pub fn rows(count: u32) -> Vec<BatchRow> {
    (1..=count)
        .map(|id| BatchRow {
            id,
            name: format!("name of {id}"),
            score: (id % 10 != 0).then(|| f64::from(id) / 4.0),
        })
        .collect()
}

/// The rows as `LOAD DATA` reads them.
pub fn text_of(rows: &[BatchRow]) -> String {
    let mut text = String::new();
    for BatchRow { id, name, score } in rows {
        let written = match score {
            Some(score) => writeln!(text, "{id}\t{name}\t{score}"),
            None => writeln!(text, "{id}\t{name}\t\\N"),
        };
        written.expect("a string takes all text");
    }
    text
}

/// Inserts the rows by `execute_batch` and says how long it took.
pub async fn by_batch(
    connection: &mut Connection,
    rows: impl IntoIterator<Item = impl Params>,
) -> Result<Duration, Error> {
    let start = begin(connection).await?;
    let sql = "INSERT INTO batch VALUES (?, ?, ?)";
    connection.execute_batch(sql, rows).await?;
    commit(connection, start).await
}

/// Inserts the rows by `LOAD DATA LOCAL` out of text that is made already, and says how long it
/// took.
pub async fn by_load_data(connection: &mut Connection, text: &str) -> Result<Duration, Error> {
    let start = begin(connection).await?;
    let sql = "LOAD DATA LOCAL INFILE 'batch' INTO TABLE batch";
    connection.load_data_local(sql, text.as_bytes()).await?;
    commit(connection, start).await
}

/// What is in the table: the number of rows, the sum of the ids, that of the scores and the length
/// of all names. Two ways that did the same come to the same.
pub async fn content(connection: &mut Connection) -> Result<(u64, u64, f64, u64), Error> {
    let sql = "SELECT COUNT(*), SUM(id), SUM(score), SUM(LENGTH(name)) FROM batch";
    connection.query_one(sql, ()).await
}

/// Empties the table and begins a transaction; the clock starts between the two.
async fn begin(connection: &mut Connection) -> Result<Instant, Error> {
    connection.simple_execute("TRUNCATE TABLE batch").await?;
    let start = Instant::now();
    connection.simple_execute("START TRANSACTION").await?;
    Ok(start)
}

async fn commit(connection: &mut Connection, start: Instant) -> Result<Duration, Error> {
    connection.simple_execute("COMMIT").await?;
    Ok(start.elapsed())
}
