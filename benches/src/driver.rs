//! Otaria's way through the workloads.

use otaria::{Config, Connection, Date, Decimal, Error};

use crate::{Sum, Task, Workload, point_key, scan_bin, scan_plain};

/// Does the task and says what it summed up.
pub async fn run(task: &Task) -> Result<Sum, Error> {
    let config: Config = task.url.parse()?;
    let config = config
        .to_builder()
        .ssl_mode(otaria::SslMode::Disable)
        .build()?;
    let mut connection = Connection::connect(&config).await?;
    let sum = match task.workload {
        Workload::ScanPlain => plain_rows(&mut connection, task.count).await?,
        Workload::ScanBin => all_columns(&mut connection, task.count).await?,
        Workload::Point => points(&mut connection, task.count).await?,
    };
    connection.close().await?;
    Ok(sum)
}

async fn plain_rows(connection: &mut Connection, count: u32) -> Result<Sum, Error> {
    let mut sum = Sum::default();
    let mut rows = connection.simple_query(&scan_plain(count)).await?;
    while let Some(row) = rows.next().await? {
        let row: (i64, i32, i32, i32, &str, &str, &str, &str, &str) = row.read()?;
        sum.integer(row.0);
        sum.integers([row.1, row.2, row.3]);
        sum.texts([row.4, row.5, row.6, row.7, row.8]);
    }
    Ok(sum)
}

async fn all_columns(connection: &mut Connection, count: u32) -> Result<Sum, Error> {
    let mut sum = Sum::default();
    let mut rows = connection.simple_query(&scan_bin(count)).await?;
    while let Some(row) = rows.next().await? {
        let row: AllColumns<'_> = row.read()?;
        sum.integer(row.0);
        sum.integers([row.1, row.2, row.3]);
        for decimal in [row.4, row.5, row.6, row.7] {
            sum.decimal(decimal.is_negative());
        }
        sum.texts([row.8, row.9, row.13, row.14, row.15]);
        sum.integers([row.10, row.11, row.12].map(Date::year));
    }
    Ok(sum)
}

async fn points(connection: &mut Connection, count: u32) -> Result<Sum, Error> {
    let mut sum = Sum::default();
    for index in 0..count {
        let sql = format!(
            "SELECT id, name, email, score FROM users WHERE id = {}",
            point_key(index)
        );
        let rows = connection.simple_query(&sql).await?;
        let found: Vec<(i32, String, Option<String>, f64)> = rows.collect().await?;
        for (id, ..) in found {
            sum.integer(id);
        }
    }
    Ok(sum)
}

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
