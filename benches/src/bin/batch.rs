//! `execute_batch` beside `LOAD DATA LOCAL`: `batch ROWS ROUNDS`, on the server of
//! `OTARIA_BENCH_URL`. Both insert the same rows in turns; prints their median times, and the median
//! of the ratios of two runs that followed each other.

use std::env;
use std::error::Error;

use otaria::Connection;
use otaria_benches::batch::{self, BatchRow};
use otaria_benches::{URL, driver};
use tokio::runtime::Builder;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let rows = arguments.next().ok_or(USAGE)?.parse()?;
    let rounds = arguments.next().ok_or(USAGE)?.parse()?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(compare(rows, rounds))
}

async fn compare(count: u32, rounds: usize) -> Result<(), Box<dyn Error>> {
    let mut connection = Connection::connect(&driver::config(&env::var(URL)?)?).await?;
    let rows = batch::rows(count);
    let text = batch::text_of(&rows);
    let (mut batches, mut loads, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        let by_batch = batch::by_batch(&mut connection, rows.iter().map(BatchRow::params)).await?;
        let inserted = batch::content(&mut connection).await?;
        let by_load_data = batch::by_load_data(&mut connection, &text).await?;
        let loaded = batch::content(&mut connection).await?;
        if inserted != loaded || inserted.0 != u64::from(count) {
            return Err(format!("{inserted:?} were inserted and {loaded:?} loaded").into());
        }
        batches.push(by_batch.as_secs_f64());
        loads.push(by_load_data.as_secs_f64());
        ratios.push(by_load_data.as_secs_f64() / by_batch.as_secs_f64());
    }
    connection.close().await?;
    println!(
        "{count} rows: execute_batch {:.3} s, LOAD DATA LOCAL {:.3} s, ratio {:.2}",
        median(batches),
        median(loads),
        median(ratios)
    );
    Ok(())
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or_default()
}

const USAGE: &str = "usage: batch ROWS ROUNDS";
