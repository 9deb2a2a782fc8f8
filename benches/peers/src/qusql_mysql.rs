//! qusql-mysql: rows as tuples of what lies in its buffer; decimals as their text.

use ::qusql_mysql::plain_types::{Date, Decimal};
use ::qusql_mysql::{Connection, ConnectionOptions, ExecutorExt};
use otaria_benches::{POINT, Sum, Task, Workload, point_key, scan_bin, scan_plain};

use crate::{Outcome, mysql_url, only_otaria};

pub async fn run(task: &Task) -> Outcome {
    let url = mysql_url(task);
    let mut connection = Connection::connect(&ConnectionOptions::from_url(&url)?).await?;
    match task.workload {
        Workload::ScanPlain => plain_rows(&mut connection, task.count).await,
        Workload::ScanBin => all_columns(&mut connection, task.count).await,
        Workload::Point => points(&mut connection, task.count).await,
        other => Err(only_otaria(other)),
    }
}

async fn plain_rows(connection: &mut Connection, count: u32) -> Outcome {
    let mut sum = Sum::default();
    let mut rows = connection.fetch(scan_plain(count), ()).await?;
    while let Some(row) = rows.next().await? {
        let row: (i64, i32, i32, i32, &str, &str, &str, &str, &str) = row.read()?;
        sum.integer(row.0);
        sum.integers([row.1, row.2, row.3]);
        sum.texts([row.4, row.5, row.6, row.7, row.8]);
    }
    Ok(sum)
}

async fn all_columns(connection: &mut Connection, count: u32) -> Outcome {
    let mut sum = Sum::default();
    let mut rows = connection.fetch(scan_bin(count), ()).await?;
    while let Some(row) = rows.next().await? {
        let row: AllColumns<'_> = row.read()?;
        sum.integer(row.0);
        sum.integers([row.1, row.2, row.3]);
        for decimal in [row.4, row.5, row.6, row.7] {
            sum.decimal(decimal.as_str().starts_with('-'));
        }
        sum.texts([row.8, row.9, row.13, row.14, row.15]);
        sum.integers([row.10.year, row.11.year, row.12.year]);
    }
    Ok(sum)
}

async fn points(connection: &mut Connection, count: u32) -> Outcome {
    let mut sum = Sum::default();
    for index in 0..count {
        let (id, ..): (i32, String, Option<String>, f64) =
            connection.fetch_one(POINT, (point_key(index),)).await?;
        sum.integer(id);
    }
    Ok(sum)
}

type AllColumns<'r> = (
    i64,
    i32,
    i32,
    i32,
    &'r Decimal,
    &'r Decimal,
    &'r Decimal,
    &'r Decimal,
    &'r str,
    &'r str,
    Date,
    Date,
    Date,
    &'r str,
    &'r str,
    &'r str,
);
