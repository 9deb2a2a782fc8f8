//! Prepared statements on a fake server, which counts what the client writes, keeps the statements,
//! and lies where it is told to.

mod as_text;
mod cancellation;
mod framing;
mod metadata;
mod pipelines;
mod round_trips;
mod sendable;

use otaria::Connection;
use otaria_codec::ServerStatus;
use protocol_tests::pipe::{Cut, PipeHandle};
use protocol_tests::script::{FakeStatement, FakeStatements, Layers, Reply, Script};

const OLD: &str = "SELECT a FROM t WHERE a > ?";
const NEW: &str = "SELECT b FROM t WHERE b = ?";
const SEVERAL: &str = "CALL several(?)";
const INSERT: &str = "INSERT INTO t VALUES (?, ?)";
const ONE: &str = "SELECT one FROM t WHERE a = ?";

/// The statements that most tests want.
fn statements() -> FakeStatements {
    let more = ServerStatus::MORE_RESULTS_EXISTS;
    let several = Reply::new()
        .binary_rows([["old 1"], ["old 2"]])
        .rows_end(more)
        .binary_result_set(&["older"], [["older 1"]], more)
        .followed_by(&Reply::ok());
    let old: [&[&str]; 3] = [&["old 1"], &["old 2"], &["old 3"]];
    FakeStatements::new()
        .with(OLD, FakeStatement::rows(1, &["old"], &old))
        .with(NEW, FakeStatement::rows(1, &["new"], &[&["new"]]))
        .with(ONE, FakeStatement::rows(1, &["old"], &[&["old"]]))
        .with(
            SEVERAL,
            FakeStatement::new(1, &["old"], several).told_late(),
        )
        .with(INSERT, FakeStatement::new(2, &[], Reply::ok()))
}

/// A connection without layers to a server with these statements.
async fn connected(statements: &FakeStatements) -> (Connection, PipeHandle) {
    let script = statements.serve(Script::new());
    let layers = Layers::None;
    layers.connect(script, &layers.config(), Cut::Whole).await
}

/// The next query gets its own rows, and all of them.
async fn next_query_is_whole(connection: &mut Connection) {
    let mut rows = connection.query(NEW, (1,)).await.unwrap();
    assert_eq!(rows.columns()[0].name(), "new");
    let row = rows.next().await.unwrap().expect("a row");
    assert_eq!(row.get::<&str>("new").unwrap(), "new");
    assert!(rows.next().await.unwrap().is_none());
    assert!(!rows.next_result_set().await.unwrap());
    assert!(connection.is_idle());
}
