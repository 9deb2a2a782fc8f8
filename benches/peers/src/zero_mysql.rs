//! zero-mysql: a handler that is called with each row, values read as they lie in it.

use ::zero_mysql::error::Result;
use ::zero_mysql::protocol::BinaryRowPayload;
use ::zero_mysql::protocol::command::ColumnDefinition;
use ::zero_mysql::protocol::response::OkPayloadBytes;
use ::zero_mysql::protocol::r#trait::BinaryResultSetHandler;
use ::zero_mysql::raw::{FromRawValue, FromRow, parse_value};
use ::zero_mysql::tokio::Conn;
use ::zero_mysql::value::NullBitmap;
use chrono::{Datelike, NaiveDate};
use otaria_benches::{POINT, Sum, Task, Workload, point_key, scan_bin, scan_plain};
use rust_decimal::Decimal;

use crate::{Outcome, mysql_url, only_otaria};

pub async fn run(task: &Task) -> Outcome {
    let mut options = ::zero_mysql::Opts::try_from(mysql_url(task).as_str())?;
    options.upgrade_to_unix_socket = false;
    let mut connection = Conn::new(options).await?;
    match task.workload {
        Workload::ScanPlain => scan(&mut connection, &scan_plain(task.count), plain_row).await,
        Workload::ScanBin => scan(&mut connection, &scan_bin(task.count), all_columns).await,
        Workload::Point => points(&mut connection, task.count).await,
        other => Err(only_otaria(other)),
    }
}

async fn scan(connection: &mut Conn, sql: &str, read: ReadRow) -> Outcome {
    let mut statement = connection.prepare(sql).await?;
    let mut rows = Rows {
        read,
        sum: Sum::default(),
    };
    connection.exec(&mut statement, (), &mut rows).await?;
    Ok(rows.sum)
}

async fn points(connection: &mut Conn, count: u32) -> Outcome {
    let mut sum = Sum::default();
    let mut statement = connection.prepare(POINT).await?;
    for index in 0..count {
        let row: Option<(i32, String, Option<String>, f64)> = connection
            .exec_first(&mut statement, (point_key(index),))
            .await?;
        let (id, ..) = row.ok_or("no row")?;
        sum.integer(id);
    }
    Ok(sum)
}

fn plain_row(
    columns: &[ColumnDefinition<'_>],
    row: BinaryRowPayload<'_>,
    sum: &mut Sum,
) -> Result<()> {
    type Plain<'r> = (
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
    let row = Plain::from_row(columns, row)?;
    sum.integer(row.0);
    sum.integers([row.1, row.2, row.3]);
    sum.texts([row.4, row.5, row.6, row.7, row.8]);
    Ok(())
}

/// Its tuples have twelve elements at most.
fn all_columns(
    columns: &[ColumnDefinition<'_>],
    row: BinaryRowPayload<'_>,
    sum: &mut Sum,
) -> Result<()> {
    let mut cells = Cells {
        columns: columns.iter().enumerate(),
        nulls: row.null_bitmap(),
        rest: row.values(),
    };
    sum.integer(cells.next::<i64>()?);
    sum.integers([cells.next::<i32>()?, cells.next()?, cells.next()?]);
    for _ in 0..4 {
        sum.decimal(cells.next::<Decimal>()?.is_sign_negative());
    }
    sum.texts([cells.next()?, cells.next()?]);
    for _ in 0..3 {
        sum.integer(cells.next::<NaiveDate>()?.year());
    }
    sum.texts([cells.next()?, cells.next()?, cells.next()?]);
    Ok(())
}

type ReadRow = fn(&[ColumnDefinition<'_>], BinaryRowPayload<'_>, &mut Sum) -> Result<()>;

struct Rows {
    read: ReadRow,
    sum: Sum,
}

impl BinaryResultSetHandler for Rows {
    fn no_result_set(&mut self, _: OkPayloadBytes) -> Result<()> {
        Ok(())
    }

    fn resultset_start(&mut self, _: &[ColumnDefinition<'_>]) -> Result<()> {
        Ok(())
    }

    fn row(&mut self, columns: &[ColumnDefinition<'_>], row: BinaryRowPayload<'_>) -> Result<()> {
        (self.read)(columns, row, &mut self.sum)
    }

    fn resultset_end(&mut self, _: OkPayloadBytes) -> Result<()> {
        Ok(())
    }
}

struct Cells<'r, C> {
    columns: C,
    nulls: NullBitmap<'r>,
    rest: &'r [u8],
}

impl<'r, 'c, C: Iterator<Item = (usize, &'c ColumnDefinition<'c>)>> Cells<'r, C> {
    fn next<T: FromRawValue<'r>>(&mut self) -> Result<T> {
        let missing = || ::zero_mysql::error::Error::BadUsageError("a column is missing".into());
        let (index, column) = self.columns.next().ok_or_else(missing)?;
        let (value, rest) = parse_value(column.tail, self.nulls.is_null(index), self.rest)?;
        self.rest = rest;
        Ok(value)
    }
}
