//! mysql_async: rows as its `Value`s, which costs less than tuples of owned values; texts as UTF-8.

use ::mysql_async::prelude::Queryable;
use ::mysql_async::{Conn, Opts, OptsBuilder, Row, Value};
use futures_util::StreamExt;
use otaria_benches::{POINT, Sum, Task, Workload, point_key, scan_bin, scan_plain};

use crate::{Outcome, mysql_url, only_otaria};

pub async fn run(task: &Task) -> Outcome {
    let options = OptsBuilder::from_opts(Opts::from_url(&mysql_url(task))?).prefer_socket(false);
    let mut connection = Conn::new(options).await?;
    let sum = match task.workload {
        Workload::ScanPlain => scan(&mut connection, scan_plain(task.count), 0).await,
        Workload::ScanBin => scan(&mut connection, scan_bin(task.count), 4).await,
        Workload::Point => points(&mut connection, task.count).await,
        other => Err(only_otaria(other)),
    }?;
    connection.disconnect().await?;
    Ok(sum)
}

/// Reads rows that have so many decimals behind their four integers.
async fn scan(connection: &mut Conn, sql: String, decimals: usize) -> Outcome {
    let mut sum = Sum::default();
    let statement = connection.prep(sql).await?;
    let mut rows = connection.exec_stream::<Row, _, _>(statement, ()).await?;
    while let Some(row) = rows.next().await {
        let row = row?;
        for index in 0..row.len() {
            match row.as_ref(index) {
                Some(Value::Int(value)) => sum.integer(*value),
                Some(Value::Bytes(bytes)) if index < 4 + decimals => {
                    sum.decimal(bytes.starts_with(b"-"));
                }
                Some(Value::Bytes(bytes)) => sum.texts([str::from_utf8(bytes)?]),
                Some(Value::Date(year, ..)) => sum.integer(*year),
                _ => return Err("a value of another kind".into()),
            }
        }
    }
    Ok(sum)
}

async fn points(connection: &mut Conn, count: u32) -> Outcome {
    let mut sum = Sum::default();
    for index in 0..count {
        let row: Option<(i32, String, Option<String>, f64)> =
            connection.exec_first(POINT, (point_key(index),)).await?;
        let (id, ..) = row.ok_or("no row")?;
        sum.integer(id);
    }
    Ok(sum)
}
