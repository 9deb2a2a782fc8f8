//! Lengths, counts and numbers that are not what they say.

use std::num::NonZeroU32;

use otaria::{CloseReason, Connection, Error, InvalidPacket, ParamsError};
use otaria_auth::InitialHandshake;
use otaria_binary::{BinaryCell, BinaryRowPacket};
use otaria_codec::{
    Capabilities, ColumnCount, ColumnDefinition, ErrPacket, FieldFlags, FieldType, OkPacket,
    ServerStatus,
};
use otaria_text::{ComPing, ComQuery, TextRowPacket};
use protocol_tests::fixture::chain;
use protocol_tests::pipe::{Cut, PipeHandle};
use protocol_tests::script::{Layers, Reply, Script, greeting, text_columns};

use crate::calls::{At, Call, INSERT, SELECT, attacking, cause, config, prepare_ok};
use crate::exchange::{IO_TIMEOUT, assert_closed_or_usable, in_time};

const QUERY: &str = "SELECT 1";

async fn connected(layers: Layers, script: Script) -> (Connection, PipeHandle) {
    let builder = config().compression(layers.config().compression());
    layers
        .connect(script, &builder.build().unwrap(), Cut::Whole)
        .await
}

/// The error of `call` where `reply` is the answer, through every layer. The connection is then
/// closed.
async fn fatal(call: Call, at: At, reply: Reply) -> InvalidPacket {
    let mut errors = Vec::new();
    for layers in Layers::ALL {
        let (mut connection, _) = connected(layers, attacking(at, reply.clone())).await;
        let error = in_time(IO_TIMEOUT, call.run(&mut connection))
            .await
            .unwrap_err();
        let Error::InvalidPacket(invalid) = cause(&error) else {
            panic!("{call:?} through {layers:?}: {}", chain(&error))
        };
        errors.push(*invalid);
        assert_eq!(connection.close_reason(), Some(CloseReason::InvalidPacket));
        assert_closed_or_usable(&mut connection).await;
    }
    assert!(
        errors.windows(2).all(|pair| pair[0] == pair[1]),
        "{errors:?}"
    );
    errors[0]
}

async fn of_query(reply: Reply) -> InvalidPacket {
    fatal(Call::SimpleQuery, At::Command, reply).await
}

/// A payload of a packet, with the byte at `place` replaced.
fn with_byte(reply: &Reply, place: usize, byte: u8) -> Reply {
    let mut payload = reply.bytes()[4..].to_vec();
    payload[place] = byte;
    Reply::new().payload(payload)
}

fn count(columns: u16) -> Reply {
    Reply::new().packet(&ColumnCount {
        columns,
        metadata_follows: true,
    })
}

#[tokio::test(start_paused = true)]
async fn lenenc_larger_than_the_packet_is_an_error_wherever_it_stands() {
    let definition = Reply::new().packet(&ColumnDefinition::new("a", FieldType::VarString));
    let ok = Reply::new().packet(&OkPacket {
        status: ServerStatus::AUTOCOMMIT | ServerStatus::SESSION_STATE_CHANGED,
        info: b"info",
        session_state: b"\x01\x06\x05mysql",
        ..OkPacket::default()
    });
    let is_truncated = |invalid| matches!(invalid, InvalidPacket::Truncated { .. });
    // The catalog of a column.
    let head = count(1).followed_by(&with_byte(&definition, 0, 0xfa));
    assert!(is_truncated(of_query(head).await));
    // The information of an OK, behind its header, two numbers, the status and the warnings.
    assert!(is_truncated(of_query(with_byte(&ok, 7, 0xfa)).await));
    // The session's state, and what is in it.
    assert!(is_truncated(of_query(with_byte(&ok, 12, 0xfa)).await));
    assert!(is_truncated(of_query(with_byte(&ok, 14, 0xfa)).await));
    assert!(is_truncated(of_query(with_byte(&ok, 15, 0xfa)).await));
}

#[tokio::test(start_paused = true)]
async fn column_count_2_63_is_an_error_of_that_field() {
    for number in [1 << 16, 1 << 32, 1 << 63, u64::MAX] {
        let payload = [&[0xfe], &number.to_le_bytes()[..], &[1]].concat();
        let invalid = of_query(Reply::new().payload(payload)).await;
        let InvalidPacket::Field { packet, value, .. } = invalid else {
            panic!("{invalid:?}")
        };
        assert_eq!((packet, value), ("column count packet", number));
    }
    // None is an OK, and no column count.
    let none = Reply::new().payload(vec![0xfc, 0, 0, 1]);
    assert!(matches!(
        of_query(none).await,
        InvalidPacket::Field { value: 0, .. }
    ));
}

#[tokio::test(start_paused = true)]
async fn an_ok_in_the_middle_of_column_definitions_is_an_error() {
    let ok = Reply::ok();
    let packet = "column definition packet";
    let expected = InvalidPacket::Truncated { packet, missing: 1 };
    assert_eq!(of_query(count(2).followed_by(&ok)).await, expected);
}

/// A row of the text protocol cannot be told from an OK that begins with its first cell, so that one
/// in the middle of rows is a row, and no end.
#[tokio::test(start_paused = true)]
async fn an_ok_in_the_middle_of_rows_ends_nothing() {
    let rows = Reply::new().head(&["a"]).payload(b"\x011".to_vec());
    let rows = rows.followed_by(&Reply::ok()).payload(b"\x012".to_vec());
    let script = Script::new().on(
        &ComQuery::new(QUERY),
        rows.rows_end(ServerStatus::AUTOCOMMIT),
    );
    let (mut connection, _) = connected(Layers::None, script.on(&ComPing, Reply::ok())).await;
    let mut rows = connection.simple_query(QUERY).await.unwrap();
    for cell in ["1", "", "2"] {
        let row = rows.next().await.unwrap().unwrap();
        assert_eq!(row.get::<&str>(0).unwrap(), cell);
    }
    assert!(rows.next().await.unwrap().is_none());
    rows.finish().await.unwrap();
    // Whoever reads whole rows sees it.
    let rows = connection.simple_query(QUERY).await.unwrap();
    let error = rows.collect::<(String,)>().await.unwrap_err();
    assert!(matches!(error, Error::InvalidRow(_)), "{}", chain(&error));
    connection.ping().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn numbers_of_a_prepared_statement_that_lie_are_an_error() {
    // No statement has this number, which stands for the one prepared last.
    let none = prepare_ok(u32::MAX, 1, 1);
    let invalid = fatal(Call::Query, At::Command, none).await;
    assert!(
        matches!(invalid, InvalidPacket::Field { .. }),
        "{invalid:?}"
    );
    // Another number of placeholders than there are.
    for found in [0, 2, u16::MAX] {
        for call in [Call::Query, Call::Execute, Call::Batch] {
            let script = attacking(At::Command, prepare_ok(1, found, 1));
            let (mut connection, _) = connected(Layers::None, script).await;
            let error = in_time(IO_TIMEOUT, call.run(&mut connection))
                .await
                .unwrap_err();
            let miscounted = matches!(
                cause(&error),
                Error::MiscountedPlaceholders { sent: 1, found: told } if *told == usize::from(found)
            );
            assert!(miscounted, "{call:?}: {}", chain(&error));
            let reason = Some(CloseReason::MiscountedPlaceholders);
            assert_eq!(connection.close_reason(), reason);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn definitions_of_a_prepared_statement_that_do_not_come_are_waited_for_in_vain() {
    for (parameters, columns) in [(1, 0), (1, u16::MAX)] {
        let script = attacking(At::Command, prepare_ok(1, parameters, columns));
        let (mut connection, _) = connected(Layers::None, script).await;
        let call = Call::Prepare.run(&mut connection);
        let error = in_time(IO_TIMEOUT, call).await.unwrap_err();
        assert!(matches!(error, Error::Timeout { .. }), "{}", chain(&error));
    }
}

/// The head of a binary result of one column of this type, a row of these bytes behind its first
/// byte, and the end.
fn binary(field_type: FieldType, row: &[u8]) -> Reply {
    let column = ColumnDefinition::new("a", field_type);
    let head = Reply::new().head_of(&[column], true);
    let row = [&[0], row].concat();
    head.payload(row).rows_end(ServerStatus::AUTOCOMMIT)
}

#[tokio::test(start_paused = true)]
async fn lengths_and_null_bitmaps_of_binary_rows_that_lie_are_an_invalid_row() {
    let time = |length: u8| [&[0, length][..], &vec![1; usize::from(length)]].concat();
    let mut cases = vec![
        ("no NULL bitmap", FieldType::LongLong, vec![]),
        (
            "a number that is cut",
            FieldType::LongLong,
            vec![0, 1, 2, 3],
        ),
        (
            "a text longer than its row",
            FieldType::VarString,
            vec![0, 0xfa, b'x'],
        ),
        (
            "a text of 2^63 bytes",
            FieldType::VarString,
            vec![0, 0xfe, 0, 0, 0, 0, 0, 0, 0, 0x80],
        ),
        ("a NULL by a prefix", FieldType::VarString, vec![0, 0xfb]),
    ];
    for length in [1, 2, 3, 5, 6, 8, 9, 10, 12, 250] {
        cases.push(("a date and time", FieldType::DateTime, time(length)));
    }
    for length in [1, 7, 9, 11, 13, 250] {
        cases.push(("a time", FieldType::Time, time(length)));
    }
    for (name, field_type, row) in cases {
        let reply = binary(field_type, &row);
        let (mut connection, _) = connected(Layers::None, attacking(At::Execution, reply)).await;
        let rows = connection.query(SELECT, (1,)).await.unwrap();
        let error = rows.collect::<(Option<String>,)>().await.unwrap_err();
        let refused = matches!(error, Error::InvalidRow(_) | Error::FromSql(_));
        assert!(refused, "{name} {row:?}: {}", chain(&error));
        assert_eq!(connection.close_reason(), None, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn rows_with_more_or_fewer_cells_than_definitions_are_an_invalid_row() {
    let cell = |text: &str| BinaryCell::from(text);
    let row = |cells: Vec<BinaryCell>| {
        let head = Reply::new().head_of(&text_columns(&["a", "b"]), true);
        let row = head.packet(&BinaryRowPacket::of(cells));
        row.rows_end(ServerStatus::AUTOCOMMIT)
    };
    for cells in [
        vec![],
        vec![cell("1")],
        vec![cell("1"), cell("2"), cell("3")],
    ] {
        let number = cells.len();
        let script = attacking(At::Execution, row(cells));
        let (mut connection, _) = connected(Layers::None, script).await;
        let rows = connection.query(SELECT, (1,)).await.unwrap();
        let error = rows.collect::<(String, String)>().await.unwrap_err();
        assert!(
            matches!(error, Error::InvalidRow(_)),
            "{number}: {}",
            chain(&error)
        );
        assert_eq!(connection.close_reason(), None);
    }
    for cells in [vec!["1"], vec!["1", "2", "3"]] {
        let rows = Reply::rows(&["a", "b"], [cells]);
        let script = Script::new().on(&ComQuery::new(QUERY), rows);
        let (mut connection, _) = connected(Layers::None, script).await;
        let rows = connection.simple_query(QUERY).await.unwrap();
        let error = rows.collect::<(String, String)>().await.unwrap_err();
        assert!(matches!(error, Error::InvalidRow(_)), "{}", chain(&error));
    }
}

#[tokio::test(start_paused = true)]
async fn definitions_left_out_of_a_result_of_other_columns_are_an_error() {
    for told in [2, 1000] {
        let count = ColumnCount {
            columns: told,
            metadata_follows: false,
        };
        let invalid = fatal(Call::Query, At::Execution, Reply::new().packet(&count)).await;
        assert!(matches!(invalid, InvalidPacket::Field { value, .. } if value == u64::from(told)));
    }
}

#[tokio::test(start_paused = true)]
async fn an_err_that_is_cut_is_an_error_of_the_protocol() {
    for payload in [&b"\xff"[..], b"\xff\x15", b"\xff\x15\x04#280"] {
        let invalid = of_query(Reply::new().payload(payload.to_vec())).await;
        assert!(matches!(
            invalid,
            InvalidPacket::Truncated {
                packet: "ERR_Packet",
                ..
            }
        ));
    }
}

#[tokio::test(start_paused = true)]
async fn a_result_for_a_command_that_has_none_closes_the_connection() {
    let rows = Reply::rows(&["a"], [["1"]]);
    let switch = Reply::new().payload(b"\xfemysql_clear_password\0".to_vec());
    for (name, reply) in [("rows", rows), ("an auth switch", switch)] {
        for call in [Call::Ping, Call::Reset, Call::InitDb, Call::Prepare] {
            let invalid = fatal(call, At::Command, reply.clone()).await;
            let refused = matches!(
                invalid,
                InvalidPacket::Unexpected { .. } | InvalidPacket::Header { .. }
            );
            assert!(refused, "{name} for {call:?}: {invalid:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_sequence_number_that_lies_is_an_error_where_packets_are_not_compressed() {
    for sequence_number in [0, 2, 77, 255] {
        let wrong = Reply::new().raw(&[7, 0, 0, sequence_number, 0, 0, 0, 2, 0, 0, 0]);
        let (mut connection, _) = connected(Layers::None, attacking(At::Command, wrong)).await;
        let error = connection.ping().await.unwrap_err();
        let expected = InvalidPacket::SequenceNumber {
            expected: 1,
            found: sequence_number,
        };
        assert!(matches!(error, Error::InvalidPacket(found) if found == expected));
        assert_closed_or_usable(&mut connection).await;
    }
}

/// Servers and proxies number them in ways of their own.
#[tokio::test(start_paused = true)]
async fn inner_sequence_numbers_are_not_checked_where_packets_are_compressed() {
    for layers in [Layers::Compression, Layers::CompressionInTls] {
        for sequence_number in [0, 2, 77, 255] {
            let ok = Reply::new().raw(&[7, 0, 0, sequence_number, 0, 0, 0, 2, 0, 0, 0]);
            let (mut connection, _) = connected(layers, attacking(At::Command, ok)).await;
            connection.ping().await.unwrap();
            connection.ping().await.unwrap();
        }
    }
}

/// A server of 11.8, which can say what each row of a bulk execution did.
fn with_unit_results(reply: Reply) -> Script {
    let greeting = InitialHandshake {
        capabilities: greeting().capabilities - Capabilities::COMPRESS,
        ..greeting()
    };
    attacking(At::Execution, reply).greet(Reply::new().packet(&greeting))
}

fn units(rows: usize, affected_rows: u64) -> Reply {
    let columns =
        ["Id", "Affected_rows"].map(|name| ColumnDefinition::new(name, FieldType::LongLong));
    let cell = |number: u64| BinaryCell::from(number.cast_signed());
    let head = Reply::new().head_of(&columns, true);
    let rows = (0..rows).fold(head, |reply, _| {
        reply.packet(&BinaryRowPacket::of([cell(7), cell(affected_rows)]))
    });
    rows.rows_end(ServerStatus::AUTOCOMMIT)
}

#[tokio::test(start_paused = true)]
async fn bulk_unit_results_for_more_rows_than_were_sent_are_an_error_at_the_first_of_them() {
    for rows in [1, 3, 10_000] {
        let (mut connection, _) = connected(Layers::None, with_unit_results(units(rows, 1))).await;
        let batch = connection.batch(INSERT).unit_results(true);
        let error = batch.run([(1,), (2,)]).await.unwrap_err();
        let miscounted = matches!(
            cause(&error),
            Error::InvalidPacket(InvalidPacket::Field { value, .. }) if *value == rows.min(3) as u64
        );
        assert!(miscounted, "{rows}: {}", chain(&error));
        assert_eq!(connection.close_reason(), Some(CloseReason::InvalidPacket));
    }
}

#[tokio::test(start_paused = true)]
async fn numbers_of_affected_rows_beyond_all_numbers_are_the_greatest() {
    let (mut connection, _) =
        connected(Layers::None, with_unit_results(units(3, u64::MAX / 2))).await;
    let batch = connection.batch(INSERT).unit_results(true);
    let executed = batch.run([(1,), (2,), (3,)]).await.unwrap();
    assert_eq!(executed.affected_rows, u64::MAX);

    let done = |status| OkPacket {
        affected_rows: u64::MAX,
        status,
        ..OkPacket::default()
    };
    let more = done(ServerStatus::MORE_RESULTS_EXISTS);
    let twice = Reply::new()
        .packet(&more)
        .packet(&done(ServerStatus::AUTOCOMMIT));
    for way in ["bulk", "pipelined", "multi-row", "simple"] {
        let (mut connection, _) =
            connected(Layers::None, attacking(At::Execution, twice.clone())).await;
        let rows = || (0..1000).map(|number| (number,));
        let batch = connection.batch(INSERT);
        let affected_rows = match way {
            "bulk" => batch.run(rows()).await.unwrap().affected_rows,
            "pipelined" => batch.bulk(false).run(rows()).await.unwrap().affected_rows,
            "multi-row" => {
                let batch = batch.bulk(false).multi_row_values(true);
                batch.run(rows()).await.unwrap().affected_rows
            }
            _ => {
                connection
                    .simple_execute("DO 1")
                    .await
                    .unwrap()
                    .affected_rows
            }
        };
        assert_eq!(affected_rows, u64::MAX, "{way}");
    }
}

/// A server that answers a question for its `max_allowed_packet` by `reply`, and takes all else.
fn telling(reply: Reply) -> Script {
    let asked = ComQuery::new("SELECT @@max_allowed_packet");
    let script = Script::new().on(&asked, reply);
    script.answer(|payload| {
        Some(match payload[0] {
            0x16 => Reply::prepared(1, 1, &[]),
            _ => Reply::ok(),
        })
    })
}

#[tokio::test(start_paused = true)]
async fn a_max_allowed_packet_that_lies_limits_rows_and_breaks_nothing() {
    let row = "x".repeat(20_000);
    let column = ColumnDefinition::new("@@max_allowed_packet", FieldType::LongLong);
    let column = column.with_flags(FieldFlags::UNSIGNED);
    let one = |cell: &str| {
        let row = count(1).packet(&column).packet(&TextRowPacket::of([cell]));
        row.rows_end(ServerStatus::AUTOCOMMIT)
    };
    for (name, reply, fits) in [
        ("0", one("0"), false),
        ("1", one("1"), false),
        ("negative", one("-1"), false),
        ("2^64 - 1", one("18446744073709551615"), true),
        ("2^64", one("18446744073709551616"), false),
        ("no number", one("all of it"), false),
        ("an error", Reply::err(1193, *b"HY000", "no"), false),
        (
            "no row",
            Reply::rows(&["a"], Vec::<[&str; 1]>::new()),
            false,
        ),
        (
            "two columns",
            Reply::rows(&["a", "b"], [["1048576", "1"]]),
            false,
        ),
    ] {
        let (mut connection, _) = connected(Layers::None, telling(reply)).await;
        let result = connection.execute_batch(INSERT, [(row.as_str(),)]).await;
        match result {
            Ok(executed) => assert!(fits && executed.rows == 1, "{name}"),
            Err(error) => {
                let too_long =
                    matches!(cause(&error), Error::Params(ParamsError::RowTooLong { .. }));
                assert!(!fits && too_long, "{name}: {}", chain(&error));
            }
        }
        assert_closed_or_usable(&mut connection).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_cursor_that_never_ends_ends_with_the_call() {
    let row = || Reply::new().binary_rows([[Some("1")]]);
    let open = ServerStatus::AUTOCOMMIT | ServerStatus::CURSOR_EXISTS;
    let script = Script::new().answer(move |payload| {
        Some(match payload[0] {
            0x16 => Reply::prepared(1, 1, &text_columns(&["a"])),
            0x17 => Reply::new()
                .head_of(&text_columns(&["a"]), true)
                .rows_end(open),
            0x1c => row().rows_end(open),
            0x1a | 0x0e => Reply::ok(),
            _ => Reply::new(),
        })
    });
    let (mut connection, _) = connected(Layers::None, script).await;
    let mut rows = connection
        .query_with_cursor(SELECT, (1,), NonZeroU32::MIN)
        .await
        .unwrap();
    for _ in 0..1000 {
        assert!(rows.next().await.unwrap().is_some());
    }
    // Nothing more is fetched for nobody.
    drop(rows);
    connection.ping().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_version_that_lies_breaks_nothing() {
    for version in [
        &b""[..],
        b"-",
        b"5.5.5-",
        b"5.5.5-MariaDB",
        b"99999999999999999999.1.1",
        b"4294967296.0.0-MariaDB",
        b"\xff\xfe\x1b[2J",
        b"8.0.36",
        b"....",
    ] {
        for is_mysql in [false, true] {
            let mut greeting = greeting();
            greeting.server_version = version;
            greeting.capabilities -= Capabilities::COMPRESS;
            greeting
                .capabilities
                .set(Capabilities::CLIENT_MYSQL, is_mysql);
            let script = Script::new().greet(Reply::new().packet(&greeting));
            let script = script.on(&ComPing, Reply::ok());
            let pipe = protocol_tests::pipe::Pipe::new(script, Cut::Whole);
            let config = config().build().unwrap();
            let mut connection = Connection::connect_over(pipe, &config).await.unwrap();
            let told = connection.server_version().unwrap();
            assert_eq!(told.raw, String::from_utf8_lossy(version));
            connection.ping().await.unwrap();
        }
    }
}

/// It was never open, so that nothing in it can be committed.
#[tokio::test(start_paused = true)]
async fn a_transaction_whose_beginning_is_answered_by_nonsense_is_of_a_closed_connection() {
    for reply in [Reply::rows(&["a"], [["1"]]), Reply::new().close()] {
        let (mut connection, _) = connected(Layers::None, attacking(At::Command, reply)).await;
        let mut transaction = connection.transaction().await.unwrap();
        let statement = transaction.simple_execute("DO 1").await.unwrap_err();
        assert!(
            matches!(statement, Error::Closed { .. }),
            "{}",
            chain(&statement)
        );
        let commit = transaction.commit().await.unwrap_err();
        assert!(matches!(commit, Error::Closed { .. }), "{}", chain(&commit));
        assert!(connection.close_reason().is_some());
    }
}

/// The sessions of a pool and the clean-up behind a transaction rest on this: no statement of the
/// caller is behind it.
#[tokio::test(start_paused = true)]
async fn an_err_by_which_the_session_ends_is_no_error_of_the_statement() {
    for code in [1153, 1927] {
        let reply = Reply::new().packet(&ErrPacket::new(code, *b"08S01", "gone"));
        for layers in Layers::ALL {
            let (mut connection, _) =
                connected(layers, attacking(At::Command, reply.clone())).await;
            let error = connection.simple_execute("DO 1").await.unwrap_err();
            assert!(matches!(&error, Error::EndedByServer(error) if error.code() == code));
            let reason = Some(CloseReason::EndedByServer { code });
            assert_eq!(connection.close_reason(), reason);
        }
    }
}
