//! Statements that are given up, against a real server: they end there as well.

mod drops;
mod proxies;
mod room;
mod stop;
mod timeouts;
mod tokens;
mod ways;

use std::time::Duration;

use otaria::{Config, Connection, Error};
use protocol_tests::live;
use protocol_tests::traces::Watch;
use tokio::time::timeout;

use crate::connect;

/// Ends by itself long after every test has given up.
const BENCHMARK: &str = "SELECT BENCHMARK(2000000000, SHA2('x', 256))";
const SLEEP: &str = "SELECT SLEEP(600)";

/// For [`hold_rows`].
const HELD_TABLE: &str = "CREATE TABLE t (a INT PRIMARY KEY, b VARCHAR(20)) ENGINE=InnoDB";

/// Rows that are far more than the buffers of two sockets hold.
fn millions() -> String {
    live::shared().dialect("SELECT seq, REPEAT('x', 100) FROM mysql.seq_1_to_10000000")
}

/// The configuration for the shared server.
fn config(database: &str) -> Config {
    let url = live::shared().url(database);
    url.parse().expect("the server's URL")
}

/// A connection that stops its statements however busy the machine is.
async fn patient(database: &str) -> Connection {
    let config = config(database).to_builder();
    let config = config.stop_timeout(Duration::from_secs(60)).build();
    Connection::connect(&config.unwrap()).await.unwrap()
}

/// Another transaction in `schema`, with the rows 0 to 99 of `t`: what wants one of them can only be
/// ended. SLEEP will not do where each kill counts. All SLEEPs of a MariaDB server have one mutex, which a
/// KILL and the SLEEP that it ends can keep from the others for two seconds; a SLEEP that is killed before
/// it has come to its mutex returns, and the statement goes on.
async fn hold_rows(schema: &str) -> Connection {
    let mut holder = connect(schema).await;
    holder.simple_execute("START TRANSACTION").await.unwrap();
    let sql =
        live::shared().dialect("INSERT INTO t SELECT seq - 1, 'held' FROM mysql.seq_1_to_100");
    holder.simple_execute(&sql).await.unwrap();
    holder
}

/// Waits until `call` runs on the server, and drops it.
async fn give_up(call: impl Future<Output = Result<(), Error>>) {
    let given_up = timeout(Duration::from_millis(150), call).await;
    assert!(given_up.is_err(), "it should still run: {given_up:?}");
}

/// Waits until the server has run `call` for a while, on the connection with this id, and drops it. However
/// long it takes to come there: nothing of it is prepared or on its way any more.
async fn give_up_running(thread_id: u32, call: impl Future<Output = Result<(), Error>>) {
    tokio::select! {
        biased;
        done = call => panic!("it should still run: {done:?}"),
        () = runs_for_a_while(thread_id) => {}
    }
}

/// Waits until the server has run something for a while on the connection with this id.
async fn runs_for_a_while(thread_id: u32) {
    let mut watch = Watch::connect(&config("")).await.unwrap();
    let is_it = |process: &protocol_tests::traces::Process| {
        process.id == u64::from(thread_id)
            && process.info.is_some()
            && process.time >= Duration::from_millis(100)
    };
    while !watch.processes().await.unwrap().iter().any(is_it) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Makes sure that the connection is the one that it was, and that nothing runs on it.
async fn goes_on(connection: &mut Connection, thread_id: u32) {
    let (found,): (u32,) = connection
        .query_one("SELECT CONNECTION_ID()", ())
        .await
        .unwrap();
    assert_eq!((found, connection.thread_id()), (thread_id, thread_id));
    let (sum,): (i64,) = connection.query_one("SELECT 20 + ?", (22,)).await.unwrap();
    assert_eq!(sum, 42);
}

/// Waits until the server runs nothing for the connection with this id any more.
async fn is_gone(thread_id: u32, config: &Config) {
    let mut watch = Watch::connect(config).await.unwrap();
    let runs = |process: &protocol_tests::traces::Process| {
        process.id == u64::from(thread_id) && process.info.is_some()
    };
    let gone = watch.wait_until_gone("the statement", Duration::from_secs(10), runs);
    gone.await.unwrap();
}
