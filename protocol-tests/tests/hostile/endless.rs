//! What never ends: packets of every kind that may be repeated, and bytes that come one at a time.

use std::time::Duration;

use allocation_counter::measure;
use otaria::{AuthError, CloseReason, Config, Connection, Error, InvalidPacket, TimeoutPhase};
use otaria_codec::{
    ColumnCount, ColumnDefinition, Encode, FieldType, OkPacket, PacketEncoder, PayloadWriter,
    ProgressReport, ServerStatus, SessionChange,
};
use protocol_tests::fixture::chain;
use protocol_tests::pipe::{Cut, Pipe};
use protocol_tests::script::{CAPABILITIES, Reply, Script};
use tokio::time::Instant;

use crate::calls::{INSERT, cause, config};
use crate::exchange::{
    CONNECT_TIMEOUT, IO_TIMEOUT, assert_closed_or_usable, in_time, paused_clock,
};
use crate::flood::{Flood, bytes, packets};

const MILLISECOND: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
/// How long a call may take here.
const CALL_TIMEOUT: Duration = Duration::from_secs(8);

fn payload(packet: &impl Encode) -> Vec<u8> {
    let mut encoder = PacketEncoder::new();
    encoder.packet(packet, CAPABILITIES);
    encoder.bytes()[4..].to_vec()
}

/// An OK behind which another result follows, with this change of the session's state.
fn ok(change: Option<&SessionChange<'_>>) -> Vec<u8> {
    let mut session_state = Vec::new();
    let mut status = ServerStatus::AUTOCOMMIT | ServerStatus::MORE_RESULTS_EXISTS;
    if let Some(change) = change {
        change.encode(&mut PayloadWriter::new(&mut session_state));
        status |= ServerStatus::SESSION_STATE_CHANGED;
    }
    payload(&OkPacket {
        status,
        session_state: &session_state,
        ..OkPacket::default()
    })
}

fn column() -> ColumnDefinition {
    ColumnDefinition::new("a", FieldType::VarString).with_collation(45)
}

/// The error of a statement that is answered by `first`, in packets of so many numbers, and `more`
/// for ever. It ends in time, and the connection is closed.
fn error_of(
    first: &Reply,
    config: &Config,
    more: impl FnMut() -> Vec<u8> + Send + Sync + Unpin + 'static,
) -> Error {
    let clock = paused_clock();
    let first = first.clone();
    let mut error = None;
    let used = measure(|| {
        error = Some(clock.block_on(async {
            let script = Script::new().answer(move |_| Some(first.clone()));
            let flood = Flood::new(script, 2, MILLISECOND, more);
            let mut connection = Connection::connect_over(flood, config).await.unwrap();
            let start = Instant::now();
            let error = connection.simple_execute("DO 1").await.unwrap_err();
            let elapsed = start.elapsed();
            assert!(
                elapsed <= CALL_TIMEOUT + SECOND,
                "{elapsed:?}: {}",
                chain(&error)
            );
            assert!(connection.close_reason().is_some(), "{}", chain(&error));
            assert_closed_or_usable(&mut connection).await;
            error
        }));
    });
    assert!(used.bytes_max <= MAX_BYTES, "{} bytes", used.bytes_max);
    error.unwrap()
}

/// It is a limit of time that ends it, though something comes all the time.
#[track_caller]
fn times_out(first: &Reply, more: impl FnMut() -> Vec<u8> + Send + Sync + Unpin + 'static) {
    let config = config().call_timeout(CALL_TIMEOUT).build().unwrap();
    let error = error_of(first, &config, more);
    let phase = TimeoutPhase::Read("response");
    let in_rows = TimeoutPhase::Read("result set row");
    let timed_out =
        matches!(error, Error::Timeout { phase: found, .. } if found == phase || found == in_rows);
    assert!(timed_out, "{}", chain(&error));
}

#[test]
fn endless_oks_end_by_the_time_of_the_call_and_take_no_memory() {
    times_out(&Reply::new(), packets(1, || ok(None)));
}

#[test]
fn endless_oks_of_the_same_session_state_end_by_the_time_of_the_call_and_take_no_memory() {
    let change = SessionChange::SystemVariable {
        name: b"autocommit",
        value: b"OFF",
    };
    times_out(&Reply::new(), packets(1, move || ok(Some(&change))));
    let change = SessionChange::Schema(b"shop");
    times_out(&Reply::new(), packets(1, move || ok(Some(&change))));
}

#[test]
fn endless_session_state_is_an_error_at_its_limit() {
    let mut number = 0;
    let more = packets(1, move || {
        number += 1;
        let name = format!("variable {number}");
        ok(Some(&SessionChange::SystemVariable {
            name: name.as_bytes(),
            value: &[b'x'; 1000],
        }))
    });
    let error = error_of(&Reply::new(), &config().build().unwrap(), more);
    let field = "length of all system variables";
    let refused = matches!(error, Error::InvalidPacket(InvalidPacket::Field { field: found, .. }) if found == field);
    assert!(refused, "{}", chain(&error));
}

#[test]
fn endless_progress_reports_end_by_the_time_of_the_call_and_take_no_memory() {
    let report = payload(&ProgressReport {
        stage: 1,
        max_stage: 2,
        progress: 0,
        info: b"copy",
    });
    let config = config().call_timeout(CALL_TIMEOUT).on_progress(|_| {});
    let error = error_of(
        &Reply::new(),
        &config.build().unwrap(),
        packets(1, move || report.clone()),
    );
    assert!(matches!(error, Error::Timeout { .. }), "{}", chain(&error));
}

#[test]
fn endless_rows_that_nobody_wants_end_by_the_time_of_the_call_and_take_no_memory() {
    times_out(
        &Reply::new().head(&["a"]),
        packets(3, || vec![b'\x01', b'x']),
    );
}

#[test]
fn endless_result_sets_end_by_the_time_of_the_call_and_take_no_memory() {
    let count = payload(&ColumnCount {
        columns: 1,
        metadata_follows: true,
    });
    let end = payload(&OkPacket {
        ends_result_set: true,
        status: ServerStatus::MORE_RESULTS_EXISTS,
        ..OkPacket::default()
    });
    let results = [count, payload(&column()), end];
    let mut next = results.into_iter().cycle();
    let error = error_of(
        &Reply::new(),
        &config().call_timeout(CALL_TIMEOUT).build().unwrap(),
        packets(1, move || next.next().unwrap()),
    );
    assert!(matches!(error, Error::Timeout { .. }), "{}", chain(&error));
}

#[test]
fn endless_column_definitions_are_an_error_at_their_limit() {
    let count = ColumnCount {
        columns: u16::MAX,
        metadata_follows: true,
    };
    let long = "x".repeat(60_000);
    let definition = payload(&ColumnDefinition::new(&long, FieldType::VarString));
    let clock = paused_clock();
    let mut error = None;
    let used = measure(|| {
        error = Some(clock.block_on(async {
            let head = Reply::new().packet(&count);
            let script = Script::new().answer(move |_| Some(head.clone()));
            let flood = Flood::new(
                script,
                2,
                MILLISECOND,
                packets(2, move || definition.clone()),
            );
            let mut connection = Connection::connect_over(flood, &config().build().unwrap())
                .await
                .unwrap();
            let error = in_time(SECOND, connection.simple_execute("DO 1"))
                .await
                .unwrap_err();
            assert_eq!(connection.close_reason(), Some(CloseReason::InvalidPacket));
            error
        }));
    });
    let error = error.unwrap();
    let field = "length of all definitions";
    let refused = matches!(error, Error::InvalidPacket(InvalidPacket::Field { field: found, .. }) if found == field);
    assert!(refused, "{}", chain(&error));
    assert!(
        used.bytes_max <= 40 * 1024 * 1024,
        "{} bytes",
        used.bytes_max
    );
}

#[test]
fn an_endless_payload_is_an_error_at_max_payload_bytes() {
    let config = config().max_payload_bytes(100_000).build().unwrap();
    // Each chunk of a payload that goes on has 16 MiB.
    let error = error_of(&Reply::new(), &config, bytes(vec![0xff, 0xff, 0xff, 1, 0]));
    let refused = Error::InvalidPacket(InvalidPacket::PayloadTooLong { limit: 100_000 });
    assert_eq!(chain(&error), chain(&refused));
}

#[test]
fn endless_rows_of_a_call_that_was_dropped_are_not_read_for_the_next() {
    let clock = paused_clock();
    clock.block_on(async {
        let head = Reply::new().head(&["a"]);
        let script = Script::new().answer(move |_| Some(head.clone()));
        let rows = packets(3, || vec![b'\x01', b'x']);
        let flood = Flood::new(script, 2, MILLISECOND, rows);
        let config = config().build().unwrap();
        let mut connection = Connection::connect_over(flood, &config).await.unwrap();
        drop(connection.simple_query("SELECT 1").await.unwrap());
        let error = in_time(2 * SECOND, connection.ping()).await.unwrap_err();
        assert!(matches!(error, Error::Closed { .. }), "{}", chain(&error));
    });
}

#[test]
fn endless_warnings_are_left_out_at_their_limit() {
    let clock = paused_clock();
    let used = measure(|| {
        clock.block_on(async {
            let count = ColumnCount {
                columns: 3,
                metadata_follows: true,
            };
            let code = ColumnDefinition::new("Code", FieldType::Long);
            let head = Reply::new().packet(&count).packet(&column());
            let head = head.packet(&code).packet(&column());
            let script = Script::new().answer(move |_| Some(head.clone()));
            let cells = |message: &str| {
                let [low, high, ..] = message.len().to_le_bytes();
                [
                    b"\x07Warning\x041265\xfc",
                    &[low, high][..],
                    message.as_bytes(),
                ]
                .concat()
            };
            let row = cells(&"x".repeat(60_000));
            let flood = Flood::new(script, 2, MILLISECOND, packets(5, move || row.clone()));
            let config = config().build().unwrap();
            let mut connection = Connection::connect_over(flood, &config).await.unwrap();
            let warnings = connection.warnings().await.unwrap();
            assert_eq!(
                warnings.len(),
                64 * 1024 * 1024 / (60_000 + 7 + size_of::<otaria::Warning>())
            );
            let error = in_time(2 * SECOND, connection.ping()).await.unwrap_err();
            assert!(matches!(error, Error::Closed { .. }), "{}", chain(&error));
        });
    });
    assert!(
        used.bytes_max <= 70 * 1024 * 1024,
        "{} bytes",
        used.bytes_max
    );
}

#[test]
fn endless_rows_in_answer_to_a_question_of_ours_take_no_memory() {
    let clock = paused_clock();
    let used = measure(|| {
        clock.block_on(async {
            let head = Reply::new().head(&["@@max_allowed_packet"]);
            let script = Script::new().answer(move |payload| {
                Some(match payload[0] {
                    0x16 => Reply::prepared(1, 1, &[]),
                    _ => head.clone(),
                })
            });
            let rows = packets(3, || b"\x071048576".to_vec());
            let flood = Flood::new(script, 2, MILLISECOND, rows);
            let config = config().call_timeout(CALL_TIMEOUT).build().unwrap();
            let mut connection = Connection::connect_over(flood, &config).await.unwrap();
            // It has to be known how long a command may be.
            let row = "x".repeat(20_000);
            let batch = connection.execute_batch(INSERT, [(row.as_str(),)]);
            let error = in_time(CALL_TIMEOUT + IO_TIMEOUT, batch).await.unwrap_err();
            let timed_out = matches!(cause(&error), Error::Timeout { .. });
            assert!(timed_out, "{}", chain(&error));
        });
    });
    assert!(used.bytes_max <= MAX_BYTES, "{} bytes", used.bytes_max);
}

#[test]
fn definitions_of_statements_that_are_kept_no_longer_take_no_memory() {
    let clock = paused_clock();
    let used = measure(|| {
        clock.block_on(async {
            let column = ColumnDefinition::new(&"x".repeat(10_000), FieldType::VarString);
            let mut statements = 0;
            let script = Script::new().answer(move |payload| {
                Some(match payload[0] {
                    0x16 => {
                        statements += 1;
                        Reply::prepared(statements, 0, std::slice::from_ref(&column))
                    }
                    // COM_STMT_CLOSE has no answer.
                    _ => Reply::new(),
                })
            });
            let pipe = Pipe::new(script, Cut::Whole);
            let config = config().statement_cache_capacity(2).build().unwrap();
            let mut connection = Connection::connect_over(pipe, &config).await.unwrap();
            for number in 0..2_000 {
                let sql = format!("SELECT {number}");
                connection.prepare(&sql).await.unwrap();
            }
        });
    });
    assert!(used.bytes_max <= MAX_BYTES, "{} bytes", used.bytes_max);
}

/// The error of a login to a server that sends a byte a second.
fn trickled_login(sent: Vec<u8>, after_writes: usize) -> Error {
    let clock = paused_clock();
    clock.block_on(async {
        let script = Script::new();
        let script = if after_writes == 0 {
            script.greet(Reply::new())
        } else {
            script.login(Reply::new())
        };
        let flood = Flood::new(script, after_writes, SECOND, bytes(sent));
        let config = Config::builder().user("u").connect_timeout(CONNECT_TIMEOUT);
        let config = config.build().unwrap();
        let connecting = Connection::connect_over(flood, &config);
        in_time(CONNECT_TIMEOUT, connecting).await.unwrap_err()
    })
}

#[test]
fn a_server_that_trickles_its_greeting_or_its_answer_ends_by_the_time_of_connecting() {
    let greeting = Reply::new().packet(&protocol_tests::script::greeting());
    let greeting: Vec<u8> = [&[0x4a, 0, 0, 0], &greeting.bytes()[4..]].concat();
    for error in [
        trickled_login(greeting, 0),
        trickled_login(vec![7, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0], 1),
    ] {
        assert!(matches!(error, Error::Timeout { .. }), "{}", chain(&error));
    }
}

#[test]
fn a_server_that_trickles_an_answer_ends_by_the_time_of_the_call() {
    let clock = paused_clock();
    clock.block_on(async {
        let script = Script::new().answer(|_| Some(Reply::new()));
        let flood = Flood::new(script, 2, SECOND / 2, bytes(vec![200, 0, 0, 1, 0]));
        // Something comes in time for `io_timeout`.
        let config = config().call_timeout(CALL_TIMEOUT).build().unwrap();
        let mut connection = Connection::connect_over(flood, &config).await.unwrap();
        let error = in_time(CALL_TIMEOUT + IO_TIMEOUT, connection.ping())
            .await
            .unwrap_err();
        assert!(matches!(error, Error::Timeout { .. }), "{}", chain(&error));
        assert!(connection.close_reason().is_some());
    });
}

#[test]
fn endless_data_for_a_plugin_that_is_done_end_the_login_at_the_first() {
    // A plugin that is never done has a limit: `endless_plugin_data_ends_the_login`.
    let clock = paused_clock();
    let error = clock.block_on(async {
        let script = Script::new().login(Reply::new());
        let more = packets(2, || b"\x01more".to_vec());
        let flood = Flood::new(script, 1, MILLISECOND, more);
        let config = config().build().unwrap();
        in_time(CONNECT_TIMEOUT, Connection::connect_over(flood, &config))
            .await
            .unwrap_err()
    });
    let plugin = "mysql_native_password".to_owned();
    let expected = AuthError::UnexpectedPluginData { plugin };
    let refused = matches!(&error, Error::Auth(found) if *found == expected);
    assert!(refused, "{}", chain(&error));
}

/// The buffers of a connection, and what the fake server holds. Tracked variables may take 1 MiB.
const MAX_BYTES: u64 = 3 * 1024 * 1024;
