//! Batches on a fake server, which keeps what it was sent and refuses what it is told to.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};

use futures_core::Stream;
use otaria::{
    BatchError, BatchWay, CloseReason, Config, Connection, Error, InvalidPacket, ParamsError,
    ToSql, ValueRef,
};
use otaria_binary::{BinaryCell, BinaryRowPacket, BulkParameters};
use otaria_codec::{
    Capabilities, ColumnCount, ColumnDefinition, Decode, FieldType, OkPacket, ServerStatus,
};
use otaria_statement::{BulkFlags, ComStmtBulkExecute, ComStmtPrepareOk, StatementId};
use otaria_text::{ComQuery, TextRowPacket};
use protocol_tests::pipe::{Cut, Pipe, PipeHandle};
use protocol_tests::polls::{at_every_poll, poll_times};
use protocol_tests::script::{CAPABILITIES, Reply, Script, greeting};

const INSERT: &str = "INSERT INTO t VALUES (?, ?)";
const UNCERTAIN: &str = "INSERT INTO t VALUES (?, ? /*!, 1 */)";
const NEW: &str = "SELECT 'new'";

/// A server with a table that takes any row.
#[derive(Clone, Default)]
struct Table(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    statements: BTreeMap<u32, u16>,
    next: u32,
    last: Option<u32>,
    /// Each command that came, by what it is.
    commands: Vec<Command>,
    /// Refuses the command of this number, from 0, of those that have rows.
    refused: Option<usize>,
    /// Closes the connection in place of an answer to the command of this number.
    lost: Option<usize>,
    /// Names itself MySQL, and refuses to prepare a statement behind the first.
    is_mysql: bool,
    /// Refuses bulk executes.
    knows_no_bulk: bool,
    /// Unit results of so many rows less than there are.
    units_left_out: usize,
    max_allowed_packet: usize,
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum Command {
    Prepare,
    /// So many rows, in a payload of so many bytes.
    Bulk(usize, usize),
    Execute,
    Text(String),
}

impl Table {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// How many rows each bulk execute had.
    fn bulks(&self) -> Vec<usize> {
        let state = self.state();
        let rows = state.commands.iter().filter_map(|command| match command {
            Command::Bulk(rows, _) => Some(*rows),
            _ => None,
        });
        rows.collect()
    }

    fn script(&self, capabilities: Capabilities) -> Script {
        let server_version: &[u8] = if self.state().is_mysql {
            b"9.7.0"
        } else {
            b"11.8.6-MariaDB"
        };
        let greeting = otaria_auth::InitialHandshake {
            capabilities,
            server_version,
            ..greeting()
        };
        let table = self.clone();
        Script::new()
            .greet(Reply::new().packet(&greeting))
            .on(&ComQuery::new(NEW), Reply::rows(&["new"], [["new"]]))
            .answer(move |payload| Some(table.state().answer(payload)))
    }
}

impl State {
    fn answer(&mut self, payload: &[u8]) -> Reply {
        match payload[0] {
            0x16 => self.prepare(&payload[1..]),
            0x17 => self.execute(payload),
            0xfa => self.bulk(payload),
            0x19 => {
                let id = u32::from_le_bytes(payload[1..5].try_into().unwrap());
                assert!(self.statements.remove(&id).is_some(), "it was open");
                Reply::new()
            }
            0x1f => Reply::ok(),
            0x03 => self.text(std::str::from_utf8(&payload[1..]).unwrap()),
            other => panic!("command {other:#x}"),
        }
    }

    fn prepare(&mut self, sql: &[u8]) -> Reply {
        self.commands.push(Command::Prepare);
        if sql.starts_with(b"SELEKT") || self.is_mysql && self.next > 0 {
            self.last = None;
            return Reply::err(1064, *b"42000", "You have an error in your SQL syntax");
        }
        let parameters = sql.split(|byte| *byte == b'?').count() as u16 - 1;
        self.next += 1;
        self.last = Some(self.next);
        self.statements.insert(self.next, parameters);
        let ok = ComStmtPrepareOk {
            statement: StatementId(self.next),
            columns: 0,
            parameters,
            warnings: 0,
        };
        let definition = ColumnDefinition::new("?", FieldType::Null);
        let capabilities = if self.is_mysql {
            of_mysql()
        } else {
            CAPABILITIES
        };
        (0..parameters).fold(Reply::new().packet(&ok), |reply, _| {
            reply.packet_for(&definition, capabilities)
        })
    }

    /// The parameters of the statement, if there is one.
    fn parameters(&self, statement: StatementId) -> Option<u16> {
        let id = match statement {
            StatementId::LAST_PREPARED => self.last?,
            StatementId(id) => id,
        };
        self.statements.get(&id).copied()
    }

    fn bulk(&mut self, payload: &[u8]) -> Reply {
        let command = ComStmtBulkExecute::decode(payload, Capabilities::empty()).unwrap();
        let Some(parameters) = self.parameters(command.statement) else {
            return unknown_statement();
        };
        assert!(command.flags.contains(BulkFlags::SEND_TYPES_TO_SERVER));
        let rows = BulkParameters::decode(command.parameters, usize::from(parameters)).unwrap();
        self.commands
            .push(Command::Bulk(rows.rows(), payload.len()));
        if self.knows_no_bulk {
            return Reply::err(1295, *b"HY000", "This command is not supported");
        }
        if let Some(reply) = self.trouble() {
            return reply;
        }
        if command.flags.contains(BulkFlags::SEND_UNIT_RESULTS) {
            return units(rows.rows() - self.units_left_out);
        }
        done(rows.rows() as u64)
    }

    fn execute(&mut self, payload: &[u8]) -> Reply {
        let id = u32::from_le_bytes(payload[1..5].try_into().unwrap());
        if self.parameters(StatementId(id)).is_none() {
            return unknown_statement();
        }
        self.commands.push(Command::Execute);
        self.trouble().unwrap_or_else(|| done(1))
    }

    fn text(&mut self, sql: &str) -> Reply {
        self.commands.push(Command::Text(sql.to_owned()));
        if sql == "SELECT @@max_allowed_packet" {
            return match self.max_allowed_packet {
                0 => Reply::err(1193, *b"HY000", "Unknown system variable"),
                bytes => number(bytes),
            };
        }
        self.trouble()
            .unwrap_or_else(|| done(sql.matches("),(").count() as u64 + 1))
    }

    /// What is answered in place of an OK.
    fn trouble(&self) -> Option<Reply> {
        let with_rows = |command: &&Command| **command != Command::Prepare;
        let number = self.commands.iter().filter(with_rows).count() - 1;
        if self.lost == Some(number) {
            return Some(Reply::new().close());
        }
        (self.refused == Some(number)).then(|| Reply::err(1062, *b"23000", "Duplicate entry"))
    }
}

fn unknown_statement() -> Reply {
    Reply::err(1243, *b"HY000", "Unknown prepared statement handler")
}

fn done(affected_rows: u64) -> Reply {
    Reply::new().packet(&OkPacket {
        affected_rows,
        last_insert_id: 5,
        warnings: 1,
        status: ServerStatus::AUTOCOMMIT,
        ..OkPacket::default()
    })
}

/// A result of one number, by the text protocol.
fn number(number: usize) -> Reply {
    let count = ColumnCount {
        columns: 1,
        metadata_follows: true,
    };
    Reply::new()
        .packet(&count)
        .packet(&ColumnDefinition::new("n", FieldType::LongLong))
        .packet(&TextRowPacket::of([number.to_string().as_str()]))
        .packet(&OkPacket {
            ends_result_set: true,
            status: ServerStatus::AUTOCOMMIT,
            ..OkPacket::default()
        })
}

fn units(rows: usize) -> Reply {
    let column = |name| ColumnDefinition::new(name, FieldType::LongLong);
    let head = Reply::new()
        .packet(&ColumnCount {
            columns: 2,
            metadata_follows: true,
        })
        .packet(&column("Id"))
        .packet(&column("Affected_rows"));
    let row = |number: i64| [BinaryCell::from(number + 10), BinaryCell::from(1_i64)];
    (0..i64::try_from(rows).unwrap())
        .fold(head, |reply, number| {
            reply.packet(&BinaryRowPacket::of(row(number)))
        })
        .packet(&OkPacket {
            ends_result_set: true,
            status: ServerStatus::AUTOCOMMIT,
            ..OkPacket::default()
        })
}

async fn connected_with(table: &Table, capabilities: Capabilities) -> (Connection, PipeHandle) {
    let pipe = Pipe::new(table.script(capabilities), Cut::Whole);
    let handle = pipe.handle();
    let config = Config::builder().user("u").password("p").build().unwrap();
    let connection = Connection::connect_over(pipe, &config).await.unwrap();
    (connection, handle)
}

async fn connected(table: &Table) -> (Connection, PipeHandle) {
    connected_with(table, greeting().capabilities).await
}

fn without_bulk() -> Capabilities {
    greeting().capabilities - Capabilities::MARIADB_CLIENT_STMT_BULK_OPERATIONS
}

fn of_mysql() -> Capabilities {
    let common = greeting().capabilities & Capabilities::from_words(u32::MAX, 0);
    common | Capabilities::CLIENT_MYSQL
}

/// Rows of 9 + 1 + 1 + 8 = 19 bytes in bulk.
fn rows(count: i64) -> impl Iterator<Item = (i64, &'static str)> + Clone {
    (0..count).map(|id| (id, "12345678"))
}

/// What a payload of so many of these rows has.
const fn payload_bytes(rows: usize) -> usize {
    7 + 4 + 19 * rows
}

async fn next_query_is_whole(connection: &mut Connection) {
    let rows = connection.simple_query(NEW).await.unwrap();
    let rows: Vec<(String,)> = rows.collect().await.unwrap();
    assert_eq!(rows, [("new".to_owned(),)]);
    assert!(connection.is_idle());
}

#[track_caller]
fn batch_error<T: std::fmt::Debug>(result: Result<T, Error>) -> BatchError {
    match result {
        Err(Error::Batch(error)) => *error,
        other => panic!("{other:?}"),
    }
}

/// Gives rows, `Pending` before each.
struct Slowly<I>(I, bool);

impl<I: Iterator + Unpin> Stream for Slowly<I> {
    type Item = I::Item;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<I::Item>> {
        self.1 = !self.1;
        if self.1 {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(self.0.next())
    }
}

/// Drops a batch at every poll, with every cut, and checks what follows.
async fn leaves_the_next_query_whole(
    capabilities: Capabilities,
    knows_no_bulk: bool,
    batch: impl AsyncFn(&mut Connection) -> Result<u64, Error>,
) {
    for cut in [Cut::Whole, Cut::Every(1), Cut::Every(7)] {
        let polls = at_every_poll(async |polls| {
            let table = Table::default();
            table.state().knows_no_bulk = knows_no_bulk;
            let (mut connection, handle) = connected_with(&table, capabilities).await;
            handle.set_cut(cut.clone());
            let result = poll_times(batch(&mut connection), polls).await;
            let is_done = result.is_some_and(|result| {
                assert_eq!(result.unwrap(), 12);
                true
            });
            next_query_is_whole(&mut connection).await;
            handle.set_cut(Cut::Whole);
            let again = connection.execute_batch(INSERT, rows(3)).await.unwrap();
            assert_eq!((again.rows, again.affected_rows), (3, 3));
            assert_eq!(
                table.state().statements.len(),
                1,
                "statements on the server"
            );
            is_done
        })
        .await;
        if matches!(cut, Cut::Every(1)) {
            assert!(polls > 100, "only {polls} polls: the future was not cut");
        }
    }
}

#[tokio::test]
async fn cancel_at_every_await_point_and_after_every_received_byte_bulk() {
    leaves_the_next_query_whole(greeting().capabilities, false, async |connection| {
        let batch = connection.batch(INSERT).max_command_bytes(payload_bytes(5));
        Ok(batch.run(rows(12)).await?.rows)
    })
    .await;
}

#[tokio::test]
async fn cancel_at_every_await_point_and_after_every_received_byte_bulk_unit_results() {
    leaves_the_next_query_whole(greeting().capabilities, false, async |connection| {
        let batch = connection.batch(INSERT).max_command_bytes(payload_bytes(5));
        let executed = batch.unit_results(true).run(rows(12)).await?;
        Ok(executed.unit_results.len() as u64)
    })
    .await;
}

#[tokio::test]
async fn cancel_at_every_await_point_and_after_every_received_byte_bulk_of_a_stream() {
    leaves_the_next_query_whole(greeting().capabilities, false, async |connection| {
        let batch = connection.batch(INSERT).max_command_bytes(payload_bytes(5));
        let rows = Slowly(rows(12).map(Ok::<_, Infallible>), false);
        Ok(batch.run_stream(rows).await?.rows)
    })
    .await;
}

#[tokio::test]
async fn cancel_at_every_await_point_and_after_every_received_byte_bulk_that_falls_back() {
    leaves_the_next_query_whole(greeting().capabilities, true, async |connection| {
        Ok(connection.execute_batch(INSERT, rows(12)).await?.rows)
    })
    .await;
}

#[tokio::test]
async fn cancel_at_every_await_point_and_after_every_received_byte_pipelined_batch() {
    leaves_the_next_query_whole(without_bulk(), false, async |connection| {
        Ok(connection.execute_batch(INSERT, rows(12)).await?.rows)
    })
    .await;
}

#[tokio::test]
async fn the_first_batch_of_a_statement_is_one_write() {
    let table = Table::default();
    let (mut connection, handle) = connected(&table).await;
    let before = handle.writes();
    let executed = connection.execute_batch(INSERT, rows(100)).await.unwrap();
    assert_eq!((executed.rows, executed.affected_rows), (100, 100));
    assert_eq!((executed.last_insert_id, executed.warnings), (5, 1));
    assert_eq!(handle.writes() - before, 1);
    connection.execute_batch(INSERT, rows(100)).await.unwrap();
    assert_eq!(handle.writes() - before, 2);
    connection
        .execute_batch(UNCERTAIN, rows(100))
        .await
        .unwrap();
    assert_eq!(
        handle.writes() - before,
        4,
        "the prepare has to be answered"
    );
    assert_eq!(table.bulks(), [100, 100, 100]);
}

#[tokio::test]
async fn last_row_lands_exactly_on_the_limit_of_a_command() {
    for (limit, expected) in [
        (payload_bytes(5), vec![5, 5, 2]),
        (payload_bytes(5) - 1, vec![4, 4, 4]),
        (payload_bytes(12), vec![12]),
        (payload_bytes(12) - 1, vec![11, 1]),
        (0, vec![1; 12]),
    ] {
        let table = Table::default();
        let (mut connection, _) = connected(&table).await;
        let batch = connection.batch(INSERT).max_command_bytes(limit);
        let executed = batch.run(rows(12)).await.unwrap();
        assert_eq!((executed.rows, executed.affected_rows), (12, 12));
        assert_eq!(table.bulks(), expected, "{limit}");
    }
}

#[tokio::test]
async fn max_allowed_packet_is_asked_for_once_a_session_and_never_reached() {
    let table = Table::default();
    let exact = payload_bytes(1000);
    table.state().max_allowed_packet = exact;
    let (mut connection, _) = connected(&table).await;
    let asked = || {
        let asks = Command::Text("SELECT @@max_allowed_packet".to_owned());
        let state = table.state();
        state
            .commands
            .iter()
            .filter(|command| **command == asks)
            .count()
    };
    connection.execute_batch(INSERT, rows(800)).await.unwrap();
    assert_eq!((asked(), table.bulks()), (0, vec![800]));
    for _ in 0..2 {
        connection.execute_batch(INSERT, rows(1000)).await.unwrap();
        assert_eq!(asked(), 1);
    }
    assert_eq!(table.bulks(), [800, 999, 1, 999, 1]);
    connection.reset().await.unwrap();
    connection.execute_batch(INSERT, rows(999)).await.unwrap();
    assert_eq!(asked(), 2);
}

#[tokio::test]
async fn single_row_larger_than_max_allowed_packet_is_not_sent() {
    let table = Table::default();
    table.state().max_allowed_packet = 50_000;
    let (mut connection, _) = connected(&table).await;
    // Head, types, the ID, the indicator and the length of the text.
    let longest = 49_999 - 11 - 9 - 4;
    let texts = |length: usize| ["a".to_owned(), "b".repeat(length), "c".to_owned()];
    let batch = connection.batch(INSERT).max_command_bytes(1000);
    let executed = batch.run((0..).zip(texts(longest))).await.unwrap();
    assert_eq!(executed.rows, 3);
    assert!(table.state().commands.contains(&Command::Bulk(1, 49_999)));
    let result = connection
        .execute_batch(INSERT, (0..).zip(texts(longest + 1)))
        .await;
    let error = batch_error(result);
    assert!(matches!(
        error.source,
        Error::Params(ParamsError::RowTooLong {
            payload_bytes: 50_000,
            limit_bytes: 49_999
        })
    ));
    assert_eq!((error.row, error.rows_confirmed), (Some(1), 1));
    next_query_is_whole(&mut connection).await;
}

#[tokio::test]
async fn a_server_that_does_not_tell_max_allowed_packet_gets_16_kib() {
    let table = Table::default();
    let (mut connection, _) = connected(&table).await;
    connection.execute_batch(INSERT, rows(2000)).await.unwrap();
    assert_eq!(table.bulks(), [861, 861, 278]);
    assert!(payload_bytes(861) < 16 * 1024 && payload_bytes(862) >= 16 * 1024);
}

#[tokio::test]
async fn error_in_row_k_later_chunks_are_not_sent_and_nothing_is_left_to_read() {
    for refused in 0..3 {
        let table = Table::default();
        table.state().refused = Some(refused);
        let (mut connection, _) = connected(&table).await;
        let batch = connection.batch("UPDATE t SET a = ? WHERE b = ?");
        let result = batch
            .max_command_bytes(payload_bytes(5))
            .run(rows(15))
            .await;
        let error = batch_error(result);
        assert!(matches!(&error.source, Error::Server(error) if error.code() == 1062));
        assert_eq!((error.way, error.row), (BatchWay::Bulk, None));
        let known = (error.rows_confirmed, error.rows_refused, error.rows_unknown);
        assert_eq!(known, (5 * refused as u64, 5, 0));
        assert!(error.may_remain);
        assert_eq!(table.bulks().len(), refused + 1);
        next_query_is_whole(&mut connection).await;
    }
}

#[tokio::test]
async fn rows_without_an_answer_are_counted_when_the_connection_is_lost() {
    let table = Table::default();
    table.state().lost = Some(1);
    let (mut connection, _) = connected(&table).await;
    let batch = connection.batch(INSERT).max_command_bytes(payload_bytes(5));
    let error = batch_error(batch.run(rows(15)).await);
    assert!(matches!(error.source, Error::ConnectionLost { .. }));
    let known = (error.rows_confirmed, error.rows_refused, error.rows_unknown);
    assert_eq!(known, (5, 0, 5));
    assert_eq!(connection.close_reason(), Some(CloseReason::Lost));
}

#[tokio::test]
async fn a_refused_prepare_is_one_error_and_nothing_was_executed() {
    let table = Table::default();
    let (mut connection, _) = connected(&table).await;
    for _ in 0..2 {
        let error = batch_error(connection.execute_batch("SELEKT ?, ?", rows(3)).await);
        assert!(matches!(&error.source, Error::Server(error) if error.code() == 1064));
        assert_eq!((error.rows_confirmed, error.may_remain), (0, false));
        next_query_is_whole(&mut connection).await;
    }
    assert!(table.bulks().is_empty());
}

#[tokio::test]
async fn unit_results_that_are_not_one_a_row_close_the_connection() {
    let table = Table::default();
    table.state().units_left_out = 1;
    let (mut connection, _) = connected(&table).await;
    let batch = connection.batch(INSERT).unit_results(true);
    let error = batch_error(batch.run(rows(3)).await);
    assert!(matches!(
        error.source,
        Error::InvalidPacket(InvalidPacket::Field { value: 2, .. })
    ));
    assert_eq!(connection.close_reason(), Some(CloseReason::InvalidPacket));
}

#[tokio::test]
async fn unit_results_of_all_commands_are_told_in_order() {
    let table = Table::default();
    let (mut connection, _) = connected(&table).await;
    let batch = connection.batch(INSERT).max_command_bytes(payload_bytes(2));
    let executed = batch.unit_results(true).run(rows(5)).await.unwrap();
    let ids: Vec<_> = executed
        .unit_results
        .iter()
        .map(|unit| unit.last_insert_id)
        .collect();
    assert_eq!(ids, [10, 11, 10, 11, 10]);
    assert_eq!((executed.affected_rows, executed.last_insert_id), (5, 10));
}

#[tokio::test]
async fn without_bulk_rows_are_executed_in_a_pipeline() {
    let table = Table::default();
    let (mut connection, handle) = connected_with(&table, without_bulk()).await;
    let before = handle.writes();
    let executed = connection
        .execute_batch(INSERT, rows(10_000))
        .await
        .unwrap();
    assert_eq!((executed.rows, executed.affected_rows), (10_000, 10_000));
    assert_eq!(executed.way, BatchWay::Pipelined);
    let writes = handle.writes() - before;
    assert!(writes <= 2 + 10_000 / 256, "{writes} writes");
}

#[tokio::test]
async fn error_in_row_k_of_a_pipeline_names_it_and_its_replies_are_consumed() {
    let table = Table::default();
    table.state().refused = Some(300);
    let (mut connection, _) = connected_with(&table, without_bulk()).await;
    let error = batch_error(connection.execute_batch(INSERT, rows(1000)).await);
    assert!(matches!(&error.source, Error::Server(error) if error.code() == 1062));
    assert_eq!(error.row, Some(300));
    let executed = table.state().commands.len() as u64 - 1;
    let known = (error.rows_confirmed, error.rows_refused, error.rows_unknown);
    assert_eq!(known, (executed - 1, 1, 0));
    assert!(executed <= 300 + 256);
    next_query_is_whole(&mut connection).await;
}

#[tokio::test]
async fn rows_of_a_pipeline_without_an_answer_are_counted_when_the_connection_is_lost() {
    let table = Table::default();
    table.state().lost = Some(300);
    let (mut connection, _) = connected_with(&table, without_bulk()).await;
    let error = batch_error(connection.execute_batch(INSERT, rows(1000)).await);
    assert!(!matches!(error.source, Error::Server(_)), "{error:?}");
    assert_eq!((error.rows_confirmed, error.rows_refused), (300, 0));
    assert!((1..=256).contains(&error.rows_unknown));
}

#[tokio::test]
async fn multi_row_values_are_one_statement_for_many_rows() {
    let table = Table::default();
    let (mut connection, _) = connected_with(&table, without_bulk()).await;
    let batch = connection.batch(INSERT).multi_row_values(true);
    let executed = batch.max_command_bytes(80).run(rows(3)).await.unwrap();
    assert_eq!((executed.rows, executed.affected_rows), (3, 3));
    assert_eq!(executed.way, BatchWay::MultiRow);
    let text = |sql: &str| Command::Text(sql.to_owned());
    assert_eq!(
        table.state().commands,
        [
            text("INSERT INTO t VALUES ( 0 ,  ('12345678') ),( 1 ,  ('12345678') )"),
            text("INSERT INTO t VALUES ( 2 ,  ('12345678') )"),
        ]
    );
}

#[tokio::test]
async fn empty_input_sends_nothing() {
    let table = Table::default();
    let (mut connection, handle) = connected(&table).await;
    let before = handle.writes();
    let executed = connection.execute_batch(INSERT, rows(0)).await.unwrap();
    assert_eq!(executed.rows, 0);
    assert_eq!(handle.writes(), before);
}

#[tokio::test]
async fn rows_of_another_length_are_an_error_with_their_number() {
    let table = Table::default();
    let (mut connection, _) = connected(&table).await;
    let rows = [vec![1, 2], vec![3, 4], vec![5]];
    let error = batch_error(connection.execute_batch(INSERT, &rows).await);
    assert!(matches!(
        error.source,
        Error::Params(ParamsError::RowLength {
            expected: 2,
            found: 1
        })
    ));
    assert_eq!(error.row, Some(2));
    assert!(
        table.bulks().is_empty(),
        "the rows before it were in the same command"
    );
}

/// For text in the place of a number MySQL is asked to prepare the statement once more.
#[tokio::test]
async fn the_row_is_named_for_which_a_statement_cannot_be_prepared_once_more() {
    let table = Table::default();
    table.state().is_mysql = true;
    let (mut connection, _) = connected_with(&table, of_mysql()).await;
    let rows = [7, 8].map(ValueRef::Int).into_iter();
    let rows = rows.chain([ValueRef::Text("007"), ValueRef::Int(9)]);
    let rows = rows.map(|value| (value, "12345678"));
    let error = batch_error(connection.execute_batch(INSERT, rows).await);
    assert!(
        matches!(&error.source, Error::Server(refused) if refused.code() == 1064),
        "{error:?}"
    );
    assert_eq!((error.rows_confirmed, error.rows_unknown), (2, 0));
    assert_eq!(error.row, Some(2));
    connection.reset().await.unwrap();
    assert!(connection.is_idle());
}

#[tokio::test]
async fn an_error_of_the_stream_ends_the_batch_behind_what_was_sent() {
    for capabilities in [greeting().capabilities, without_bulk()] {
        let table = Table::default();
        let (mut connection, _) = connected_with(&table, capabilities).await;
        let stream = rows(7).map(Ok).chain([Err("the file is broken")]);
        let batch = connection.batch(INSERT).max_command_bytes(payload_bytes(5));
        let error = batch_error(batch.run_stream(Slowly(stream, false)).await);
        assert!(
            matches!(&error.source, Error::BatchRows(error) if error.to_string() == "the file is broken")
        );
        let in_bulk = error.way == BatchWay::Bulk;
        assert_eq!(error.rows_confirmed, if in_bulk { 5 } else { 7 });
        assert_eq!(
            (error.row, error.rows_refused, error.rows_unknown),
            (None, 0, 0)
        );
        next_query_is_whole(&mut connection).await;
    }
}

#[tokio::test]
async fn rows_that_go_one_by_one_are_sent_while_the_stream_has_no_other() {
    let table = Table::default();
    let (mut connection, _) = connected_with(&table, without_bulk()).await;
    let mut sent = Vec::new();
    let watched = rows(3).map(|row| {
        let state = table.state();
        let commands = state.commands.iter();
        sent.push(
            commands
                .filter(|command| **command == Command::Execute)
                .count(),
        );
        Ok::<_, Infallible>(row)
    });
    let executed = connection
        .batch(INSERT)
        .run_stream(Slowly(watched, false))
        .await
        .unwrap();
    assert_eq!(executed.rows, 3);
    assert_eq!(sent, [0, 1, 2]);
}

#[tokio::test]
async fn futures_of_batches_are_send() {
    fn sent<F: Future + Send>(future: F) -> F {
        future
    }
    let table = Table::default();
    let (mut connection, _) = connected(&table).await;
    let (id, name) = (1_i64, "a");
    let borrowed: [&(dyn ToSql + Sync); 2] = [&id, &name];
    sent(connection.execute_batch(INSERT, [&borrowed[..]]))
        .await
        .unwrap();
    let boxed: Vec<Box<dyn ToSql + Send + Sync>> = vec![Box::new(id), Box::new(name)];
    sent(connection.batch(INSERT).run(vec![boxed]))
        .await
        .unwrap();
    let stream = Slowly(rows(3).map(Ok::<_, Infallible>), false);
    sent(connection.batch(INSERT).run_stream(stream))
        .await
        .unwrap();
}
