//! Transactions on a real server.

mod aborted;
mod begin;
mod end;
mod locks;
mod run;

use otaria::{Connection, Error, Transaction};
use protocol_tests::live::{self, Schema};

use crate::connect;

const ADD: &str = "UPDATE account SET sum = sum + ? WHERE id = ?";
const SUM: &str = "SELECT sum FROM account WHERE id = ?";

/// A schema with accounts 1 to 4, each of which has 100.
fn accounts(name: &str) -> Schema<'static> {
    let schema = live::shared().schema(name).unwrap();
    let sql = "CREATE TABLE account (id INT PRIMARY KEY, sum INT NOT NULL CHECK (sum >= 0)) \
               ENGINE=InnoDB; INSERT INTO account VALUES (1, 100), (2, 100), (3, 100), (4, 100)";
    schema.sql(sql).unwrap();
    schema
}

/// A connection that waits no longer than this for a lock.
async fn impatient(schema: &Schema<'_>, seconds: u32) -> Connection {
    let mut connection = connect(schema.name()).await;
    let sql = format!("SET innodb_lock_wait_timeout = {seconds}");
    connection.simple_execute(&sql).await.unwrap();
    connection
}

async fn sum(connection: &mut Connection, id: i32) -> i32 {
    let (sum,) = connection.query_one(SUM, (id,)).await.unwrap();
    sum
}

async fn add(transaction: &mut Transaction<'_>, sum: i32, id: i32) -> Result<(), Error> {
    transaction.execute(ADD, (sum, id)).await.map(drop)
}

/// The session is outside any transaction, and commits each statement by itself.
async fn is_outside(connection: &mut Connection) -> bool {
    let sql = live::shared().dialect("SELECT @@in_transaction, @@autocommit");
    let state: (i32, i32) = connection.query_one(&sql, ()).await.unwrap();
    state == (0, 1)
}

fn code(error: &Error) -> Option<u16> {
    match error {
        Error::Server(error) => Some(error.code()),
        _ => None,
    }
}
