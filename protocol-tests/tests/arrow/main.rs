//! Results as record batches, on a fake server.

mod blocking;
mod blocking_parts;
mod calls;
mod cancellation;
mod load_data;
mod owned;
mod partitions;
mod planning;
mod reading;
mod sendable;

use otaria::arrow::array::{AsArray, RecordBatch};
use otaria::arrow::datatypes::{DataType, Int32Type};
use otaria::{ArrowOptions, Config, Connection, Pool, RecordBatchError, RecordBatches};
use otaria_codec::{ColumnCount, ColumnDefinition, ErrPacket, FieldType, OkPacket, ServerStatus};
use otaria_text::{ComQuery, TextRowPacket};
use protocol_tests::pipe::{Cut, Pipe, PipeHandle};
use protocol_tests::script::{FakeStatement, FakeStatements, Layers, Reply, Script};

/// Five rows, each of a number, by the text protocol.
const NUMBERS: &str = "SELECT n FROM t";
/// Three rows, and an error in place of the fourth.
const FAILING: &str = "SELECT n FROM t WHERE fails(n)";
/// Five rows, of which the fourth is none.
const BROKEN: &str = "SELECT n FROM broken";
/// Three rows, and nothing after them.
const ENDLESS: &str = "SELECT n FROM endless";
/// Two results of text, and an OK.
const SEVERAL: &str = "CALL several()";
/// A geometry, by which the schema is known.
const PLACES: &str = "SELECT place FROM t";
const NEW: &str = "SELECT 'new'";
const INSERT: &str = "INSERT INTO t VALUES (1)";
/// Five rows of text, prepared.
const PREPARED: &str = "SELECT a FROM t WHERE a > ?";
/// An INSERT, prepared.
const PREPARED_INSERT: &str = "INSERT INTO t VALUES (?)";

fn numbers_head() -> Reply {
    Reply::new()
        .packet(&ColumnCount {
            columns: 1,
            metadata_follows: true,
        })
        .packet(&ColumnDefinition::new("n", FieldType::Long))
}

fn numbers(rows: &[&str]) -> Reply {
    rows.iter().fold(numbers_head(), |reply, row| {
        reply.packet(&TextRowPacket::of([*row]))
    })
}

/// A point with an SRID.
fn places() -> Reply {
    let mut place = vec![0xe6, 0x10, 0, 0, 1, 1, 0, 0, 0];
    place.extend([0; 16]);
    Reply::new()
        .packet(&ColumnCount {
            columns: 1,
            metadata_follows: true,
        })
        .packet(&ColumnDefinition::new("place", FieldType::Geometry).with_collation(63))
        .packet(&TextRowPacket::of([place.as_slice()]))
        .packet(&rows_end())
}

fn rows_end() -> OkPacket<'static> {
    OkPacket {
        ends_result_set: true,
        ..OkPacket::default()
    }
}

fn script() -> Script {
    let more = ServerStatus::MORE_RESULTS_EXISTS;
    let several = Reply::new()
        .result_set(&["old"], [["old 1"], ["old 2"]], more)
        .result_set(&["older", "text"], [["older 1", "a"]], more)
        .packet(&OkPacket::default());
    let failing = numbers(&["1", "2", "3"]).packet(&ErrPacket {
        code: 1365,
        sqlstate: Some(*b"22012"),
        message: b"Division by 0",
    });
    let script = Script::new()
        .on(
            &ComQuery::new(NUMBERS),
            numbers(&["1", "2", "3", "4", "5"]).packet(&rows_end()),
        )
        .on(&ComQuery::new(FAILING), failing)
        .on(
            &ComQuery::new(BROKEN),
            numbers(&["1", "2", "3", "many", "5"]).packet(&rows_end()),
        )
        .on(&ComQuery::new(PLACES), places())
        .on(&ComQuery::new(ENDLESS), numbers(&["1", "2", "3"]))
        .on(&ComQuery::new(SEVERAL), several)
        .on(&ComQuery::new(NEW), Reply::rows(&["new"], [["new"]]))
        .on(&ComQuery::new(INSERT), Reply::ok());
    let rows: [&[&str]; 5] = [&["1"], &["2"], &["3"], &["4"], &["5"]];
    FakeStatements::new()
        .with(PREPARED, FakeStatement::rows(1, &["a"], &rows))
        .with(PREPARED_INSERT, FakeStatement::new(1, &[], Reply::ok()))
        .serve(script)
}

/// A connection whose server is cut as `cut` says from the login on.
async fn connected(cut: Cut) -> (Connection, PipeHandle) {
    let layers = Layers::None;
    layers.connect(script(), &layers.config(), cut).await
}

/// A pool of one connection to the same server; each is cut likewise.
fn pool(cut: &Cut) -> Pool {
    let config = Config::builder().server_prepared_statements(false);
    let cut = cut.clone();
    Pool::builder(config.build().unwrap())
        .max_size(1)
        .connect_with(move |config| {
            let cut = cut.clone();
            async move {
                // What a pool asks of a new connection is answered by an OK.
                let script = script().answer(|_| Some(Reply::ok()));
                let pipe = Pipe::new(script, Cut::Whole);
                let handle = pipe.handle();
                let connection = Connection::connect_over(pipe, &config).await?;
                handle.set_cut(cut);
                Ok(connection)
            }
        })
        .build()
}

/// The rows of `sql` by the text protocol, as batches.
async fn batches<'c>(
    connection: &'c mut Connection,
    sql: &str,
    options: &ArrowOptions,
) -> Result<RecordBatches<'c>, RecordBatchError> {
    let rows = connection.simple_query(sql).await?;
    RecordBatches::from_rows(rows, options).await
}

/// Batches of two rows.
fn pairs() -> ArrowOptions {
    ArrowOptions::default().with_max_rows(2)
}

/// The first column.
fn values(batch: &RecordBatch) -> Vec<i32> {
    match batch.column(0).data_type() {
        DataType::Int32 => batch
            .column(0)
            .as_primitive::<Int32Type>()
            .values()
            .to_vec(),
        _ => batch
            .column(0)
            .as_string::<i32>()
            .iter()
            .map(|value| value.unwrap().parse().unwrap())
            .collect(),
    }
}

/// The next query gets its own rows, and all of them.
async fn next_query_is_whole(connection: &mut Connection) {
    let rows = connection.simple_query(NEW).await.unwrap();
    let rows: Vec<(String,)> = rows.collect().await.unwrap();
    assert_eq!(rows, [("new".to_owned(),)]);
    assert!(connection.is_idle());
}
