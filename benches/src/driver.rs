//! Otaria's way through the workloads.

use otaria::{Config, Connection, Date, Decimal, Error, Pool, SslMode, ToExecutable};

use crate::{POINT, Sum, Task, Workload, batch, point_key, scan_bin, scan_plain};

/// The configuration of all workloads.
pub fn config(url: &str) -> Result<Config, Error> {
    let config: Config = url.parse()?;
    let builder = config.to_builder().ssl_mode(SslMode::Disable);
    Ok(builder.local_infile(true).build()?)
}

/// Does the task and says what it summed up.
pub async fn run(task: &Task) -> Result<Sum, Error> {
    let config = config(&task.url)?;
    match task.workload {
        Workload::Pool => return pooled_points(&Pool::new(config), task.count).await,
        Workload::PoolVerb => return points_of_pool(&Pool::new(config), task.count).await,
        _ => {}
    }
    let mut connection = Connection::connect(&config).await?;
    let sum = match task.workload {
        Workload::ScanPlain => plain_rows(&mut connection, task.count).await?,
        Workload::ScanBin => all_columns(&mut connection, task.count).await?,
        Workload::Point => points(&mut connection, POINT, task.count).await?,
        Workload::PointHeld => {
            let statement = connection.prepare(POINT).await?;
            points(&mut connection, &statement, task.count).await?
        }
        Workload::ScanRows => plain_rows_of_chunks(&mut connection, task.count).await?,
        Workload::ScanNext => plain_rows_one_by_one(&mut connection, task.count).await?,
        Workload::Batch => {
            let rows = (1..=task.count).map(|id| (id, "the name of a row", f64::from(id) / 4.0));
            batch::by_batch(&mut connection, rows).await?;
            Sum::default()
        }
        Workload::Pool | Workload::PoolVerb => Sum::default(),
    };
    connection.close().await?;
    Ok(sum)
}

async fn plain_rows(connection: &mut Connection, count: u32) -> Result<Sum, Error> {
    let mut sum = Sum::default();
    let mut rows = connection.query(scan_plain(count).as_str(), ()).await?;
    while let Some(chunk) = rows.next_chunk().await? {
        for row in chunk.read()? {
            add_plain_row(&mut sum, row?);
        }
    }
    Ok(sum)
}

async fn plain_rows_of_chunks(connection: &mut Connection, count: u32) -> Result<Sum, Error> {
    let mut sum = Sum::default();
    let mut rows = connection.query(scan_plain(count).as_str(), ()).await?;
    while let Some(chunk) = rows.next_chunk().await? {
        for row in chunk {
            add_plain_row(&mut sum, row.read()?);
        }
    }
    Ok(sum)
}

async fn plain_rows_one_by_one(connection: &mut Connection, count: u32) -> Result<Sum, Error> {
    let mut sum = Sum::default();
    let mut rows = connection.query(scan_plain(count).as_str(), ()).await?;
    while let Some(row) = rows.next().await? {
        add_plain_row(&mut sum, row.read()?);
    }
    Ok(sum)
}

#[inline]
fn add_plain_row(sum: &mut Sum, row: PlainRow<'_>) {
    sum.integer(row.0);
    sum.integers([row.1, row.2, row.3]);
    sum.texts([row.4, row.5, row.6, row.7, row.8]);
}

async fn all_columns(connection: &mut Connection, count: u32) -> Result<Sum, Error> {
    let mut sum = Sum::default();
    let mut rows = connection.query(scan_bin(count).as_str(), ()).await?;
    while let Some(chunk) = rows.next_chunk().await? {
        for row in chunk.read::<AllColumns<'_>>()? {
            let row = row?;
            sum.integer(row.0);
            sum.integers([row.1, row.2, row.3]);
            for decimal in [row.4, row.5, row.6, row.7] {
                sum.decimal(decimal.is_negative());
            }
            sum.texts([row.8, row.9, row.13, row.14, row.15]);
            sum.integers([row.10, row.11, row.12].map(Date::year));
        }
    }
    Ok(sum)
}

async fn points(
    connection: &mut Connection,
    statement: &(impl ToExecutable + ?Sized),
    count: u32,
) -> Result<Sum, Error> {
    let mut sum = Sum::default();
    for index in 0..count {
        let (id, ..): (i32, String, Option<String>, f64) =
            connection.query_one(statement, (point_key(index),)).await?;
        sum.integer(id);
    }
    Ok(sum)
}

async fn pooled_points(pool: &Pool, count: u32) -> Result<Sum, Error> {
    let mut sum = Sum::default();
    for index in 0..count {
        let mut connection = pool.get().await?;
        let (id, ..): (i32, String, Option<String>, f64) =
            connection.query_one(POINT, (point_key(index),)).await?;
        sum.integer(id);
    }
    Ok(sum)
}

async fn points_of_pool(pool: &Pool, count: u32) -> Result<Sum, Error> {
    let mut sum = Sum::default();
    for index in 0..count {
        let (id, ..): (i32, String, Option<String>, f64) =
            pool.query_one(POINT, (point_key(index),)).await?;
        sum.integer(id);
    }
    Ok(sum)
}

type PlainRow<'r> = (
    i64,
    i32,
    i32,
    i32,
    &'r str,
    &'r str,
    &'r str,
    &'r str,
    &'r str,
);

type AllColumns<'r> = (
    i64,
    i32,
    i32,
    i32,
    Decimal,
    Decimal,
    Decimal,
    Decimal,
    &'r str,
    &'r str,
    Date,
    Date,
    Date,
    &'r str,
    &'r str,
    &'r str,
);
