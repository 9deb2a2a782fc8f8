//! The pool, over connections to a fake database.

mod checkout;
mod clean_up;
mod database;
mod maintenance;
mod panics;
mod reaper;
mod repeatable;
mod verbs;

use otaria::{Connection, Error};

/// The one value of the one row.
async fn value(connection: &mut Connection, sql: &str) -> Result<String, Error> {
    let rows: Vec<(String,)> = connection.simple_query(sql).await?.collect().await?;
    Ok(rows.into_iter().next().expect("a row").0)
}
