//! `insert_arrow` beside the server's own client: `insert_arrow ROWS ROUNDS`, on the server of
//! `OTARIA_BENCH_URL`, whose `local_infile` is on. In turns the program `mariadb` loads a file of the rows
//! by `LOAD DATA LOCAL INFILE`, and `insert_arrow` inserts the same rows as record batches by each of its
//! ways. Prints the median times, and the medians of the ratios of runs that followed each other: above
//! 1, `insert_arrow` took less time.

use std::env;
use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use otaria::arrow::array::{
    ArrayRef, Float64Array, Int32Array, Int64Array, RecordBatch, RecordBatchIterator, StringArray,
    TimestampMicrosecondArray,
};
use otaria::{Connection, InsertArrow, InsertOptions, InsertWay};
use otaria_benches::{URL, driver};
use tokio::runtime::Builder;
use url::Url;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let rows: i64 = arguments.next().ok_or(USAGE)?.parse()?;
    let rounds: usize = arguments.next().ok_or(USAGE)?.parse()?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(compare(rows, rounds))
}

async fn compare(rows: i64, rounds: usize) -> Result<(), Box<dyn Error>> {
    let url = Url::parse(&env::var(URL)?)?;
    let mut connection = Connection::connect(&driver::config(url.as_str())?).await?;
    let sql = "CREATE OR REPLACE TABLE inserted (id BIGINT PRIMARY KEY, name VARCHAR(40), \
               score DOUBLE, made DATETIME(6), quantity INT) ENGINE=InnoDB";
    connection.simple_execute(sql).await?;
    let directory = tempfile_directory()?;
    let file = directory.join("rows");
    write_file(&file, rows)?;
    let batches = batches(rows);
    let mut times = [const { Vec::new() }; 3];
    let mut sums = Vec::new();
    for _ in 0..rounds {
        connection.simple_execute("TRUNCATE TABLE inserted").await?;
        times[0].push(by_client(&url, &file)?);
        sums.push(content(&mut connection).await?);
        for (way, times) in [InsertWay::LoadData, InsertWay::Bulk]
            .into_iter()
            .zip(&mut times[1..])
        {
            connection.simple_execute("TRUNCATE TABLE inserted").await?;
            times.push(by_insert(&mut connection, &batches, way).await?);
            sums.push(content(&mut connection).await?);
        }
    }
    std::fs::remove_dir_all(&directory)?;
    connection.close().await?;
    if sums.iter().any(|sum| *sum != sums[0]) {
        return Err(format!("the ways came to different rows: {sums:?}").into());
    }
    let [client, load, bulk] = &times;
    let ratio = |times: &[Duration]| {
        let ratios = client.iter().zip(times);
        median(ratios.map(|(client, time)| client.as_secs_f64() / time.as_secs_f64()))
    };
    let seconds = |times: &[Duration]| median(times.iter().map(Duration::as_secs_f64));
    println!(
        "{rows} rows: mariadb {:.3} s; LOAD DATA of insert_arrow {:.3} s, ratio {:.2}; in bulk \
         {:.3} s, ratio {:.2}",
        seconds(client),
        seconds(load),
        ratio(load),
        seconds(bulk),
        ratio(bulk)
    );
    Ok(())
}

/// The rows as batches of 65,536.
fn batches(rows: i64) -> Vec<RecordBatch> {
    let starts = (0..rows).step_by(BATCH_ROWS);
    let step = i64::try_from(BATCH_ROWS).expect("a small number");
    starts
        .map(|start| {
            let ids = || start..(start + step).min(rows);
            let columns: [(&str, ArrayRef); 5] = [
                ("id", Arc::new(Int64Array::from_iter_values(ids()))),
                (
                    "name",
                    Arc::new(StringArray::from_iter_values(ids().map(name))),
                ),
                (
                    "score",
                    Arc::new(ids().map(score).collect::<Float64Array>()),
                ),
                (
                    "made",
                    Arc::new(TimestampMicrosecondArray::from_iter_values(ids().map(made))),
                ),
                (
                    "quantity",
                    Arc::new(Int32Array::from_iter_values(ids().map(quantity))),
                ),
            ];
            RecordBatch::try_from_iter(columns).expect("columns of one length")
        })
        .collect()
}

/// The rows as the client loads them.
fn write_file(file: &Path, rows: i64) -> Result<(), Box<dyn Error>> {
    let mut out = BufWriter::new(File::create(file)?);
    for id in 0..rows {
        let score = score(id).map_or("\\N".to_owned(), |score| score.to_string());
        let made = made(id);
        let second = made / 1_000_000 - 1_700_000_000;
        writeln!(
            out,
            "{id}\t{}\t{score}\t2023-11-{:02} {:02}:{:02}:{:02}.{:06}\t{}",
            name(id),
            14 + (second + 80_000) / 86_400,
            (second + 80_000) / 3600 % 24,
            (second + 80_000) / 60 % 60,
            (second + 80_000) % 60,
            made % 1_000_000,
            quantity(id)
        )?;
    }
    out.flush()?;
    Ok(())
}

fn name(id: i64) -> String {
    format!("the name of {id}")
}

/// One in ten has none.
fn score(id: i64) -> Option<f64> {
    (id % 10 != 0).then(|| f64::from(i32::try_from(id).expect("few rows")) / 4.0)
}

/// Of some days from 14 November 2023, 22:13:20 on, which is 80,000 seconds into the day.
fn made(id: i64) -> i64 {
    1_700_000_000_000_000 + id * 977_777 % 600_000_000_000
}

fn quantity(id: i64) -> i32 {
    i32::try_from(id * 7 % 1000).expect("a small number") - 500
}

/// Loads the file by the server's own client.
fn by_client(url: &Url, file: &Path) -> Result<Duration, Box<dyn Error>> {
    let host = url.host_str().ok_or("the server's URL names no host")?;
    let port = url.port().unwrap_or(3306).to_string();
    let database = url.path().trim_start_matches('/');
    let sql = format!(
        "LOAD DATA LOCAL INFILE '{}' INTO TABLE inserted",
        file.display()
    );
    let mut client = Command::new("mariadb");
    client.args(["--no-defaults", "--local-infile=1", "--protocol=tcp"]);
    client.args(["--default-character-set=utf8mb4", "--skip-ssl"]);
    client.args(["--host", host, "--port", &port]);
    client.args(["--user", url.username(), database, "-e", &sql]);
    // Not among the arguments, which everybody can read.
    client.env("MYSQL_PWD", url.password().unwrap_or_default());
    let start = Instant::now();
    let status = client.stdin(Stdio::null()).status()?;
    if !status.success() {
        return Err("the client has failed".into());
    }
    Ok(start.elapsed())
}

async fn by_insert(
    connection: &mut Connection,
    batches: &[RecordBatch],
    way: InsertWay,
) -> Result<Duration, Box<dyn Error>> {
    let schema = batches.first().ok_or("there are no rows")?.schema();
    let batches = RecordBatchIterator::new(batches.iter().cloned().map(Ok), schema);
    let options = InsertOptions::new().with_way(way);
    let start = Instant::now();
    connection
        .insert_arrow("inserted", batches, options)
        .await?;
    Ok(start.elapsed())
}

/// What is in the table: ways that did the same come to the same.
async fn content(connection: &mut Connection) -> Result<(u64, u64, i64), Box<dyn Error>> {
    let sql = "SELECT COUNT(*), BIT_XOR(CRC32(CONCAT_WS('|', id, name, score, made, quantity))), \
               CAST(SUM(quantity) AS SIGNED) FROM inserted";
    Ok(connection.query_one(sql, ()).await?)
}

fn tempfile_directory() -> Result<std::path::PathBuf, Box<dyn Error>> {
    let path = env::temp_dir().join(format!("otaria-insert-arrow-{}", std::process::id()));
    std::fs::create_dir(&path)?;
    Ok(path)
}

fn median(numbers: impl Iterator<Item = f64>) -> f64 {
    let mut numbers: Vec<_> = numbers.collect();
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or_default()
}

const BATCH_ROWS: usize = 65_536;

const USAGE: &str = "usage: insert_arrow ROWS ROUNDS";
