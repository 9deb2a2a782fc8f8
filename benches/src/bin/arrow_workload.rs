//! Results as record batches: `arrow_workload HOW COUNT`, on the server of `OTARIA_BENCH_URL`. Prints
//! nanoseconds on the wall, nanoseconds of the processor, and how many cells it has read.
//!
//! `binary` and `text` read so many rows of `lineitem`, all of its columns, by `query_arrow` and by the
//! text protocol. `vectors` reads those of the table `embedding`, which `fill_vectors` makes, as lists
//! of floats. What begins with `floor_` walks over the headers of the same packets and looks at no value.

use std::env;
use std::error::Error;

use otaria::{ArrowOptions, ColumnType, Connection, QueryArrow, RecordBatches, Vector};
use otaria_benches::{Measure, URL, driver, floor, scan_bin};
use tokio::runtime::Builder;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let how = arguments.next().ok_or(USAGE)?;
    let count = arguments.next().ok_or(USAGE)?.parse()?;
    let url = env::var(URL)?;
    let (measure, cells) = Measure::of(|| match how.as_str() {
        "floor_binary" => floor::scan(&url, &scan_bin(count)).map(|()| 0),
        "floor_text" => floor::scan_text(&url, &scan_bin(count)).map(|()| 0),
        "floor_vectors" => floor::scan(&url, &vectors(count)).map(|()| 0),
        how => {
            let runtime = Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(run(how, count, &url))
        }
    });
    println!("{measure} {}", cells?);
    Ok(())
}

async fn run(how: &str, count: u32, url: &str) -> Result<usize, Box<dyn Error>> {
    let mut connection = Connection::connect(&driver::config(url)?).await?;
    let options = ArrowOptions::default();
    let cells = match how {
        "binary" => {
            let sql = scan_bin(count);
            let batches = connection.query_arrow(sql.as_str(), ()).await?;
            cells(batches).await?
        }
        "text" => {
            let rows = connection.simple_query(&scan_bin(count)).await?;
            cells(RecordBatches::from_rows(rows, &options).await?).await?
        }
        "vectors" => {
            let options = options.with_column("embedding", ColumnType::Vector { dimensions: None });
            let sql = vectors(count);
            let batches = connection.query_arrow_with(sql.as_str(), (), &options);
            cells(batches.await?).await?
        }
        "fill_vectors" => {
            fill_vectors(&mut connection, count).await?;
            0
        }
        _ => return Err(USAGE.into()),
    };
    connection.close().await?;
    Ok(cells)
}

async fn cells(mut batches: RecordBatches<'_>) -> Result<usize, Box<dyn Error>> {
    let mut cells = 0;
    while let Some(batch) = batches.next().await? {
        cells += batch.num_rows() * batch.num_columns();
    }
    Ok(cells)
}

fn vectors(count: u32) -> String {
    format!("SELECT id, embedding FROM embedding LIMIT {count}")
}

async fn fill_vectors(connection: &mut Connection, count: u32) -> Result<(), otaria::Error> {
    let sql = format!(
        "CREATE OR REPLACE TABLE embedding (
             id INT NOT NULL PRIMARY KEY, embedding VECTOR({DIMENSIONS}) NOT NULL)"
    );
    connection.simple_execute(&sql).await?;
    let rows = (1..=count).map(|id| {
        let seed = u16::try_from(id % 1009).map_or(0.0, f32::from) / 1009.0;
        let numbers = (0..DIMENSIONS).map(|place| {
            let number = seed + f32::from(place) / f32::from(DIMENSIONS);
            number.fract() - 0.5
        });
        (id, Vector(numbers.collect::<Vec<f32>>()))
    });
    let sql = "INSERT INTO embedding VALUES (?, ?)";
    connection.execute_batch(sql, rows).await.map(drop)
}

/// How many numbers an embedding has, as those of many models.
const DIMENSIONS: u16 = 384;

const USAGE: &str = "usage: arrow_workload binary|text|vectors|floor_binary|floor_text|floor_vectors|fill_vectors COUNT";
