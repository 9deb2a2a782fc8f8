//! `lineitem` as record batches in parts: `partitions ROUNDS`, on the server of `OTARIA_BENCH_URL`. In
//! turns all of the table is read by `query_arrow`, and in 1, 2 and 4 parts side by side over a pool, by
//! one task on one thread. Prints the median times, and the medians of the ratios of runs that followed
//! each other: above 1, the parts took less time than the query. Connections are made and the table is
//! split before the clock starts.

use std::env;
use std::error::Error;
use std::time::{Duration, Instant};

use otaria::{
    ArrowOptions, Config, Connection, PartitionOptions, PartitionSource, Pool, PoolPartitions,
    QueryArrow,
};
use otaria_benches::{URL, driver, scan_bin};
use tokio::runtime::Builder;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let rounds: usize = arguments.next().ok_or(USAGE)?.parse()?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(compare(rounds))
}

async fn compare(rounds: usize) -> Result<(), Box<dyn Error>> {
    let config = driver::config(&env::var(URL)?)?;
    let pool = pool(&config).await?;
    let mut whole = Vec::new();
    let mut parts = PARTS.map(|_| Vec::new());
    let mut rows = Vec::new();
    for _ in 0..rounds {
        let (time, read) = by_query(&config).await?;
        whole.push(time);
        rows.push(read);
        for (count, times) in PARTS.into_iter().zip(&mut parts) {
            let (time, read) = by_parts(&pool, count).await?;
            times.push(time);
            rows.push(read);
        }
    }
    pool.close().await;
    let read = rows.first().copied().unwrap_or_default();
    if rows.iter().any(|rows| *rows != read) {
        return Err(format!("the ways came to different numbers of rows: {rows:?}").into());
    }
    println!("{read} rows: by query_arrow {:.3} s", seconds(&whole));
    for (count, times) in PARTS.into_iter().zip(&parts) {
        let ratios = whole
            .iter()
            .zip(times)
            .map(|(whole, time)| whole.as_secs_f64() / time.as_secs_f64());
        println!(
            "in parts, {count}: {:.3} s, ratio {:.2}",
            seconds(times),
            median(ratios)
        );
    }
    Ok(())
}

/// One with as many open connections as there are parts at most.
async fn pool(config: &Config) -> Result<Pool, Box<dyn Error>> {
    let pool = Pool::new(config.clone());
    let mut connections = Vec::new();
    for _ in 0..MOST_PARTS {
        connections.push(pool.get().await?);
    }
    Ok(pool)
}

async fn by_query(config: &Config) -> Result<(Duration, usize), Box<dyn Error>> {
    let mut connection = Connection::connect(config).await?;
    let sql = scan_bin(u32::MAX);
    let start = Instant::now();
    let mut batches = connection.query_arrow(sql.as_str(), ()).await?;
    let mut rows = 0;
    while let Some(batch) = batches.next().await? {
        rows += batch.num_rows();
    }
    let time = start.elapsed();
    drop(batches);
    connection.close().await?;
    Ok((time, rows))
}

async fn by_parts(pool: &Pool, count: usize) -> Result<(Duration, usize), Box<dyn Error>> {
    let source = PartitionSource::table("lineitem");
    let plan = pool
        .plan_partitions(&source, &PartitionOptions::new(count))
        .await?;
    if plan.partitions().len() != count {
        return Err(format!("{count} parts became {}", plan.partitions().len()).into());
    }
    let start = Instant::now();
    let options = ArrowOptions::default();
    let mut batches = pool.read_partitions(plan.into_partitions(), count, &options);
    let mut rows = 0;
    while let Some((_, batch)) = batches.next().await? {
        rows += batch.num_rows();
    }
    Ok((start.elapsed(), rows))
}

fn seconds(times: &[Duration]) -> f64 {
    median(times.iter().map(Duration::as_secs_f64))
}

fn median(numbers: impl Iterator<Item = f64>) -> f64 {
    let mut numbers: Vec<_> = numbers.collect();
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or_default()
}

const PARTS: [usize; 3] = [1, 2, MOST_PARTS];
const MOST_PARTS: usize = 4;

const USAGE: &str = "usage: partitions ROUNDS";
