//! A server with seeded faults.

use otaria::{Config, Connection, Error};
use otaria_codec::{OkPacket, ServerStatus};
use otaria_text::{ComPing, ComQuery, ComResetConnection};
use protocol_tests::chaos::{Chaos, seed};
use protocol_tests::fixture::Command;
use protocol_tests::pipe::{Cut, Pipe};
use protocol_tests::script::{Layers, Reply, Script, text_columns, unknown_statement};

use crate::calls::{Call, SELECT, config};
use crate::exchange::{
    CONNECT_TIMEOUT, Case, IO_TIMEOUT, assert_closed_if_fatal, assert_closed_or_usable,
    assert_names_a_packet, in_time,
};

fn script() -> Script {
    let rows = [
        [Some("1"), Some("one")],
        [Some("2"), None],
        [None, Some("")],
    ];
    let several = Reply::new()
        .result_set(&["a"], [["1"], ["2"]], ServerStatus::MORE_RESULTS_EXISTS)
        .result_set(&["b"], [["x"]], ServerStatus::MORE_RESULTS_EXISTS)
        .packet(&OkPacket::default());
    let fails_late = Reply::new()
        .head(&["a"])
        .payload(b"\x011".to_vec())
        .payload(b"\xff\x15\x04#28000no more".to_vec());
    Script::new()
        .on(&ComQuery::new("SELECT"), Reply::rows(&["a", "b"], rows))
        .on(&ComQuery::new("CALL"), several)
        .on(&ComQuery::new("FAIL"), fails_late)
        .on(&ComQuery::new("INSERT"), Reply::ok())
        .on(&ComQuery::new("ERROR"), Reply::err(1064, *b"42000", "no"))
        .on(&ComPing, Reply::ok())
        .on(&ComResetConnection, Reply::ok())
}

/// Statements with one parameter, of which that in capitals cannot be prepared.
fn with_statements(script: Script) -> Script {
    let columns = text_columns(&["a", "b"]);
    let (mut prepared, mut refused) = (0, false);
    script.answer(move |payload| match payload[0] {
        0x16 => {
            refused = payload == b"\x16REFUSED ?";
            if refused {
                return Some(Reply::err(1064, *b"42000", "no"));
            }
            prepared += 1;
            Some(Reply::prepared(prepared, 1, &columns))
        }
        0x17 if refused => Some(unknown_statement()),
        0x17 => Some(
            Reply::new()
                .head_of(&columns, prepared % 2 == 0)
                .binary_rows([[Some("1"), None], [None, Some("two")]])
                .rows_end(ServerStatus::AUTOCOMMIT),
        ),
        0x19 => Some(Reply::new()),
        _ => None,
    })
}

/// Logs in and runs commands until the connection is closed.
async fn run(seed: u64) {
    let mut random = fastrand::Rng::with_seed(seed);
    let faults = random.u32(1..300);
    let cut = if random.bool() {
        Cut::Whole
    } else {
        Cut::Random(random.fork())
    };
    let pipe = Pipe::new(Chaos::new(with_statements(script()), seed, faults), cut);
    let config = Config::builder()
        .user("u")
        .password("p")
        .connect_timeout(CONNECT_TIMEOUT)
        .io_timeout(IO_TIMEOUT)
        .drain_timeout(IO_TIMEOUT)
        .statement_cache_capacity(random.usize(0..3))
        .build()
        .unwrap();
    let connecting = Connection::connect_over(pipe, &config);
    let mut connection = match in_time(CONNECT_TIMEOUT, connecting).await {
        Ok(connection) => connection,
        Err(error) => return assert_names_a_packet(&error),
    };
    for _ in 0..8 {
        let command = COMMANDS[random.usize(..COMMANDS.len())];
        let outcome = in_time(2 * IO_TIMEOUT, command.run(&mut connection)).await;
        let Some(error) = outcome.error else {
            continue;
        };
        // What came unasked behind the last response is noticed before the next command.
        if !matches!(error, Error::Closed { .. }) {
            assert_names_a_packet(&error);
        }
        assert_closed_if_fatal(&connection, &error);
        if connection.close_reason().is_some() {
            break;
        }
    }
    assert_closed_or_usable(&mut connection).await;
}

#[tokio::test(start_paused = true)]
async fn two_thousand_random_faults_neither_panic_nor_hang() {
    let seed = seed();
    for run_number in 0..RUNS {
        let _case = Case(format!("run {run_number}"));
        run(seed.wrapping_add(run_number)).await;
    }
}

const RUNS: u64 = 2000;

const fn statement(sql: &'static str, times: usize) -> Command<'static> {
    Command::Statement {
        sql,
        parameter: Some("x"),
        times,
    }
}

const COMMANDS: [Command<'static>; 11] = [
    statement("SELECT ?", 1),
    statement("SELECT ?, 2", 3),
    statement("SELECT ? /*! , 2 */", 2),
    statement("REFUSED ?", 1),
    Command::Query("SELECT"),
    Command::Query("CALL"),
    Command::Query("FAIL"),
    Command::Query("INSERT"),
    Command::Query("ERROR"),
    Command::Ping,
    Command::Reset,
];

/// A server that takes every call of [`Call::ALL`], whatever numbers its statements have.
fn taking_all_calls() -> Script {
    let columns = text_columns(&["a"]);
    let mut has_rows = false;
    Script::new().answer(move |payload| {
        let rows = || {
            let head = Reply::new().head_of(&text_columns(&["a"]), true);
            let rows = head.binary_rows([[Some("1")], [None]]);
            rows.rows_end(ServerStatus::AUTOCOMMIT)
        };
        Some(match payload {
            [0x16, sql @ ..] => {
                has_rows = sql == SELECT.as_bytes();
                Reply::prepared(1, 1, if has_rows { &columns } else { &[] })
            }
            [0x17, ..] if has_rows => rows(),
            [0x19, ..] => Reply::new(),
            b"\x03SHOW WARNINGS" => {
                Reply::rows(&["Level", "Code", "Message"], [["Note", "1", "m"]])
            }
            b"\x03START TRANSACTION" => Reply::new().packet(&OkPacket {
                status: ServerStatus::AUTOCOMMIT | ServerStatus::IN_TRANS,
                ..OkPacket::default()
            }),
            _ => Reply::ok(),
        })
    })
}

/// Makes calls until the connection is closed. Returns how many of them have succeeded.
async fn call(layers: Layers, seed: u64) -> usize {
    let mut random = fastrand::Rng::with_seed(seed);
    let faults = random.u32(1..200);
    let cut = if random.bool() {
        Cut::Whole
    } else {
        Cut::Random(random.fork())
    };
    let pipe = Pipe::new(
        Chaos::new(layers.peer(taking_all_calls()), seed, faults),
        cut,
    );
    let config = config()
        .statement_cache_capacity(random.usize(0..3))
        .compression(layers.config().compression())
        .build()
        .unwrap();
    let connecting = Connection::connect_over(pipe, &config);
    let Ok(mut connection) = in_time(CONNECT_TIMEOUT, connecting).await else {
        return 0;
    };
    let mut succeeded = 0;
    for _ in 0..12 {
        let call = Call::ALL[random.usize(..Call::ALL.len())];
        let result = in_time(4 * IO_TIMEOUT, call.run(&mut connection)).await;
        succeeded += usize::from(result.is_ok());
        if connection.close_reason().is_some() {
            break;
        }
    }
    assert_closed_or_usable(&mut connection).await;
    succeeded
}

#[tokio::test(start_paused = true)]
async fn random_faults_in_every_call_through_every_layer_neither_panic_nor_hang() {
    let seed = seed();
    // The handshakes of TLS take their time.
    for (layers, runs) in Layers::ALL.into_iter().zip([600, 600, 30, 30]) {
        let mut succeeded = 0;
        for run_number in 0..runs {
            let _case = Case(format!("run {run_number} through {layers:?}"));
            succeeded += call(layers, seed.wrapping_add(run_number)).await;
        }
        assert!(succeeded > 10, "{succeeded} calls through {layers:?}");
    }
}
