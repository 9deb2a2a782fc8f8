//! sqlx: values got out of rows by index, texts as they lie in the row.

use ::sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlRow, MySqlSslMode};
use ::sqlx::{AssertSqlSafe, Connection, Row, query, query_as};
use chrono::{Datelike, NaiveDate};
use futures_util::TryStreamExt;
use otaria_benches::{POINT, Sum, Task, Workload, point_key, scan_bin, scan_plain};
use rust_decimal::Decimal;

use crate::{Outcome, mysql_url, only_otaria};

pub async fn run(task: &Task) -> Outcome {
    let options: MySqlConnectOptions = mysql_url(task).parse()?;
    let options = options.ssl_mode(MySqlSslMode::Disabled);
    let mut connection = MySqlConnection::connect_with(&options).await?;
    let sum = match task.workload {
        Workload::ScanPlain => scan(&mut connection, scan_plain(task.count), plain_row).await,
        Workload::ScanBin => scan(&mut connection, scan_bin(task.count), all_columns).await,
        Workload::Point => points(&mut connection, task.count).await,
        other => Err(only_otaria(other)),
    }?;
    connection.close().await?;
    Ok(sum)
}

async fn scan(
    connection: &mut MySqlConnection,
    sql: String,
    read: impl Fn(&MySqlRow, &mut Sum) -> Result<(), ::sqlx::Error>,
) -> Outcome {
    let mut sum = Sum::default();
    let mut rows = query(AssertSqlSafe(sql)).fetch(connection);
    while let Some(row) = rows.try_next().await? {
        read(&row, &mut sum)?;
    }
    Ok(sum)
}

fn plain_row(row: &MySqlRow, sum: &mut Sum) -> Result<(), ::sqlx::Error> {
    integers(row, sum)?;
    for column in 4..9 {
        sum.texts([row.try_get(column)?]);
    }
    Ok(())
}

fn all_columns(row: &MySqlRow, sum: &mut Sum) -> Result<(), ::sqlx::Error> {
    integers(row, sum)?;
    for column in 4..8 {
        sum.decimal(row.try_get::<Decimal, _>(column)?.is_sign_negative());
    }
    for column in [8, 9, 13, 14, 15] {
        sum.texts([row.try_get(column)?]);
    }
    for column in 10..13 {
        sum.integer(row.try_get::<NaiveDate, _>(column)?.year());
    }
    Ok(())
}

fn integers(row: &MySqlRow, sum: &mut Sum) -> Result<(), ::sqlx::Error> {
    sum.integer(row.try_get::<i64, _>(0)?);
    for column in 1..4 {
        sum.integer(row.try_get::<i32, _>(column)?);
    }
    Ok(())
}

async fn points(connection: &mut MySqlConnection, count: u32) -> Outcome {
    let mut sum = Sum::default();
    for index in 0..count {
        let (id, ..): (i32, String, Option<String>, f64) = query_as(POINT)
            .bind(point_key(index))
            .fetch_one(&mut *connection)
            .await?;
        sum.integer(id);
    }
    Ok(sum)
}
