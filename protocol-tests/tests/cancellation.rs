//! Futures dropped at every poll, over a pipe that cuts at every byte: whatever a call leaves
//! behind, the next one gets its own response.

use std::time::Duration;

use otaria::{CloseReason, Compression, Config, Connection, Error, Rows, TimeoutPhase};
use otaria_codec::{ColumnCount, ColumnDefinition, FieldType, OkPacket, ServerStatus};
use otaria_text::{ComInitDb, ComPing, ComQuery, ComResetConnection, TextRowPacket};
use protocol_tests::pipe::{Cut, Pipe, PipeHandle};
use protocol_tests::polls::{at_every_byte, at_every_poll, poll_times};
use protocol_tests::script::{Compressed, Reply, Script};

const OLD: &str = "SELECT 'old'";
const NEW: &str = "SELECT 'new'";
const SEVERAL: &str = "CALL several()";
const FAILING: &str = "SELECT fails()";

fn old_rows() -> Reply {
    Reply::rows(&["old"], [["old 1"], ["old 2"], ["old 3"]])
}

fn several() -> Reply {
    Reply::new()
        .result_set(
            &["old"],
            [["old 1"], ["old 2"]],
            ServerStatus::MORE_RESULTS_EXISTS,
        )
        .result_set(&["older"], [["older 1"]], ServerStatus::MORE_RESULTS_EXISTS)
        .packet(&OkPacket::default())
}

/// `Code` is a number; the other columns of the fake server are text.
fn warnings() -> Reply {
    let text = |name| ColumnDefinition::new(name, FieldType::VarString).with_collation(45);
    Reply::new()
        .packet(&ColumnCount {
            columns: 3,
            metadata_follows: true,
        })
        .packet(&text("Level"))
        .packet(&ColumnDefinition::new("Code", FieldType::Long))
        .packet(&text("Message"))
        .packet(&TextRowPacket::of(["Warning", "1292", "Truncated"]))
        .packet(&OkPacket {
            ends_result_set: true,
            ..OkPacket::default()
        })
}

fn script() -> Script {
    Script::new()
        .on(&ComQuery::new(OLD), old_rows())
        .on(&ComQuery::new(NEW), Reply::rows(&["new"], [["new"]]))
        .on(&ComQuery::new(SEVERAL), several())
        .on(
            &ComQuery::new(FAILING),
            Reply::err(1305, *b"42000", "FUNCTION fails does not exist"),
        )
        .on(&ComQuery::new("SET @init = 1"), Reply::ok())
        .on(&ComQuery::new("SET @init = 2"), Reply::ok())
        .on(&ComQuery::new("SHOW WARNINGS"), warnings())
        .on(&ComInitDb::new("shop"), Reply::ok())
        .on(&ComPing, Reply::ok())
        .on(&ComResetConnection, Reply::ok())
}

fn config() -> Config {
    let builder = Config::builder().user("u").password("p");
    builder
        .init_command("SET @init = 1")
        .init_command("SET @init = 2")
        .build()
        .unwrap()
}

/// A connection that is cut as `cut` says from now on.
async fn connected(cut: Cut) -> (Connection, PipeHandle) {
    let pipe = Pipe::new(script(), Cut::Whole);
    let handle = pipe.handle();
    let connection = Connection::connect_over(pipe, &config()).await.unwrap();
    handle.set_cut(cut);
    (connection, handle)
}

/// A connection over compressed packets, cut likewise.
async fn compressed(cut: Cut) -> Connection {
    let pipe = Pipe::new(Compressed::new(script()), Cut::Whole);
    let handle = pipe.handle();
    let compression = Compression::default().with_threshold(0);
    let config = config()
        .to_builder()
        .compression(compression)
        .build()
        .unwrap();
    let connection = Connection::connect_over(pipe, &config).await.unwrap();
    handle.set_cut(cut);
    connection
}

/// The next query gets its own rows, and all of them.
async fn next_query_is_whole(connection: &mut Connection) {
    let mut rows = connection.simple_query(NEW).await.unwrap();
    assert_eq!(rows.columns()[0].name(), "new");
    assert_eq!(
        rows.next().await.unwrap().unwrap().get::<&str>(0).unwrap(),
        "new"
    );
    assert!(rows.next().await.unwrap().is_none());
    assert!(!rows.next_result_set().await.unwrap());
    assert!(connection.is_idle());
}

/// Drops the future of `call` at every poll, with every cut, and checks what follows.
async fn leaves_the_next_query_whole(call: impl AsyncFn(&mut Connection) -> Result<(), Error>) {
    for cut in [Cut::Whole, Cut::Every(1), Cut::Every(3)] {
        let polls = at_every_poll(async |polls| {
            let (mut connection, _) = connected(cut.clone()).await;
            let result = poll_times(call(&mut connection), polls).await;
            let done = result.is_some_and(|result| {
                result.expect("the call succeeds when it is not dropped");
                true
            });
            next_query_is_whole(&mut connection).await;
            done
        })
        .await;
        if matches!(cut, Cut::Every(1)) {
            assert!(polls > 10, "only {polls} polls: the future was not cut");
        }
    }
}

#[tokio::test]
async fn cancel_at_every_await_point_and_after_every_received_byte_simple_query() {
    leaves_the_next_query_whole(async |connection| connection.simple_query(OLD).await.map(drop))
        .await;
}

#[tokio::test]
async fn cancel_at_every_await_point_and_after_every_received_byte_simple_execute() {
    leaves_the_next_query_whole(async |connection| connection.simple_execute(OLD).await.map(drop))
        .await;
}

#[tokio::test]
async fn cancel_at_every_await_point_and_after_every_received_byte_ping() {
    leaves_the_next_query_whole(async |connection| connection.ping().await).await;
}

#[tokio::test]
async fn cancel_at_every_await_point_and_after_every_received_byte_reset() {
    leaves_the_next_query_whole(async |connection| connection.reset().await).await;
}

#[tokio::test]
async fn cancel_at_every_await_point_and_after_every_received_byte_init_db() {
    leaves_the_next_query_whole(async |connection| connection.init_db("shop").await).await;
}

#[tokio::test]
async fn cancel_at_every_await_point_and_after_every_received_byte_warnings() {
    leaves_the_next_query_whole(async |connection| {
        let warnings = connection.warnings().await?;
        assert_eq!(warnings[0].code, 1292);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn cancel_at_every_await_point_and_after_every_received_byte_rows_next() {
    leaves_the_next_query_whole(async |connection| {
        let mut rows = connection.simple_query(OLD).await?;
        while rows.next().await?.is_some() {}
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn cancel_at_every_await_point_and_after_every_received_byte_rows_next_result_set() {
    leaves_the_next_query_whole(async |connection| {
        let mut rows = connection.simple_query(SEVERAL).await?;
        while rows.next_result_set().await? {}
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn cancel_at_every_await_point_and_after_every_received_byte_rows_finish() {
    leaves_the_next_query_whole(async |connection| {
        connection.simple_query(SEVERAL).await?.finish().await
    })
    .await;
}

#[tokio::test]
async fn cancel_at_every_await_point_and_after_every_received_byte_rows_collect() {
    leaves_the_next_query_whole(async |connection| {
        let rows: Vec<(String,)> = connection.simple_query(SEVERAL).await?.collect().await?;
        assert_eq!(rows.len(), 2);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn cancel_at_every_await_point_and_after_every_received_byte_rows_for_each() {
    leaves_the_next_query_whole(async |connection| {
        let rows = connection.simple_query(OLD).await?;
        rows.for_each(|row| row.get::<&str>("old").map(drop)).await
    })
    .await;
}

#[tokio::test]
async fn cancel_at_every_await_point_and_after_every_received_byte_of_an_error() {
    leaves_the_next_query_whole(
        async |connection| match connection.simple_query(FAILING).await {
            Err(Error::Server(error)) if error.code() == 1305 => Ok(()),
            other => panic!("{other:?}"),
        },
    )
    .await;
}

#[tokio::test]
async fn cancel_at_every_await_point_and_after_every_received_byte_connect() {
    for cut in [Cut::Whole, Cut::Every(1)] {
        at_every_poll(async |polls| {
            let pipe = Pipe::new(script(), cut.clone());
            let handle = pipe.handle();
            let connected = poll_times(Connection::connect_over(pipe, &config()), polls).await;
            let Some(connected) = connected else {
                assert!(handle.client_is_gone(), "the socket is closed");
                return false;
            };
            next_query_is_whole(&mut connected.unwrap()).await;
            true
        })
        .await;
    }
}

#[tokio::test]
async fn cancel_at_every_await_point_and_after_every_received_byte_close() {
    for cut in [Cut::Whole, Cut::Every(1)] {
        at_every_poll(async |polls| {
            let (connection, handle) = connected(cut.clone()).await;
            let closed = poll_times(connection.close(), polls).await;
            assert!(handle.client_is_gone(), "the socket is closed");
            if let Some(result) = closed {
                result.unwrap();
                assert!(
                    handle.received().ends_with(&[1, 0, 0, 0, 1]),
                    "COM_QUIT was sent"
                );
                return true;
            }
            false
        })
        .await;
    }
}

#[tokio::test]
async fn cancel_at_every_await_point_and_after_every_received_byte_compressed() {
    for cut in [Cut::Whole, Cut::Every(1)] {
        at_every_poll(async |polls| {
            let mut connection = compressed(cut.clone()).await;
            let query = async {
                let rows = connection.simple_query(SEVERAL).await.unwrap();
                rows.collect::<(String,)>().await.unwrap()
            };
            let rows = poll_times(query, polls).await;
            next_query_is_whole(&mut connection).await;
            rows.is_some_and(|rows| rows.len() == 2)
        })
        .await;
    }
}

#[tokio::test]
async fn a_dropped_next_loses_no_row() {
    at_every_poll(async |polls| {
        let (mut connection, _) = connected(Cut::Every(1)).await;
        let mut rows = connection.simple_query(OLD).await.unwrap();
        let first = poll_times(rows.next(), polls).await;
        let done = first.is_some();
        let mut values: Vec<String> = Vec::new();
        if let Some(row) = first {
            values.push(row.unwrap().unwrap().get(0).unwrap());
        }
        while let Some(row) = rows.next().await.unwrap() {
            values.push(row.get(0).unwrap());
        }
        assert_eq!(values, ["old 1", "old 2", "old 3"]);
        done
    })
    .await;
}

#[tokio::test]
async fn a_dropped_next_result_set_passes_over_no_result() {
    async fn results(rows: &mut Rows<'_>) -> Vec<String> {
        let mut names = Vec::new();
        while rows.next_result_set().await.unwrap() {
            names.extend(rows.columns().iter().map(|column| column.name().to_owned()));
        }
        names
    }
    at_every_poll(async |polls| {
        let (mut connection, _) = connected(Cut::Every(1)).await;
        let mut rows = connection.simple_query(SEVERAL).await.unwrap();
        let dropped = poll_times(rows.next_result_set(), polls).await.is_none();
        if dropped {
            assert_eq!(results(&mut rows).await, ["older"]);
        } else {
            assert_eq!(rows.columns()[0].name(), "older");
        }
        !dropped
    })
    .await;
}

#[tokio::test]
async fn a_response_cut_at_every_byte_is_the_same_response() {
    at_every_byte(old_rows().bytes().len(), async |byte| {
        let (mut connection, _) = connected(Cut::Once(byte)).await;
        let rows = connection.simple_query(OLD).await.unwrap();
        let rows: Vec<(String,)> = rows.collect().await.unwrap();
        assert_eq!(rows.len(), 3);
        assert_eq!(rows[2].0, "old 3");
    })
    .await;
}

#[tokio::test]
async fn a_query_dropped_before_it_was_flushed_is_flushed_before_the_next() {
    at_every_poll(async |polls| {
        let (mut connection, _) = connected(Cut::UntilFlush).await;
        let done = poll_times(connection.simple_query(OLD), polls)
            .await
            .is_some();
        next_query_is_whole(&mut connection).await;
        done
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_takes_nothing_is_a_timeout_of_the_write() {
    let pipe = Pipe::new(script(), Cut::Whole);
    let handle = pipe.handle();
    let config = config()
        .to_builder()
        .io_timeout(Duration::from_secs(2))
        .build()
        .unwrap();
    let mut connection = Connection::connect_over(pipe, &config).await.unwrap();
    handle.set_cut(Cut::NoWrites);
    let start = tokio::time::Instant::now();
    let error = connection.simple_query(OLD).await.unwrap_err();
    assert!(
        matches!(
            error,
            Error::Timeout {
                phase: TimeoutPhase::Write,
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(start.elapsed().as_secs(), 2);
    assert_eq!(connection.close_reason(), Some(CloseReason::TimedOut));
}

#[tokio::test]
async fn rows_that_were_cut_never_look_like_rows_that_were_read_to_their_end() {
    let cut = Script::new().on(
        &ComQuery::new(OLD),
        Reply::new()
            .head(&["old"])
            .packet(&TextRowPacket::of(["1"]))
            .close(),
    );
    let config = Config::builder().build().unwrap();
    let mut connection = Connection::connect_over(Pipe::new(cut, Cut::Whole), &config)
        .await
        .unwrap();
    let mut rows = connection.simple_query(OLD).await.unwrap();
    assert!(rows.next().await.unwrap().is_some());
    assert!(matches!(
        rows.next().await,
        Err(Error::ConnectionLost { .. })
    ));
    let is_unknown = |error: Error| matches!(error, Error::OutcomeUnknown { .. });
    assert!(is_unknown(rows.next().await.unwrap_err()));
    assert!(is_unknown(rows.try_next().unwrap_err()));
    assert!(is_unknown(rows.next_result_set().await.unwrap_err()));
    assert!(is_unknown(rows.finish().await.unwrap_err()));
}

#[tokio::test]
async fn close_does_not_wait_for_a_response_that_is_under_way() {
    let endless = Script::new().on(&ComQuery::new(OLD), Reply::new().head(&["old"]));
    let pipe = Pipe::new(endless, Cut::Whole);
    let handle = pipe.handle();
    let config = Config::builder().build().unwrap();
    let mut connection = Connection::connect_over(pipe, &config).await.unwrap();
    drop(connection.simple_query(OLD).await.unwrap());
    connection.close().await.unwrap();
    assert!(handle.client_is_gone());
    assert!(
        handle.received().ends_with(OLD.as_bytes()),
        "no COM_QUIT inside a response"
    );
}

#[tokio::test]
async fn a_query_dropped_before_a_byte_was_written_is_never_sent() {
    let (mut connection, handle) = connected(Cut::Every(1)).await;
    let before = handle.received().len();
    // The pipe takes the first byte at the second poll.
    assert!(poll_times(connection.simple_query(OLD), 1).await.is_none());
    next_query_is_whole(&mut connection).await;
    let sent = handle.received()[before..].to_vec();
    assert_eq!(sent, [b"\x0d\x00\x00\x00\x03", NEW.as_bytes()].concat());
}

#[tokio::test]
async fn a_query_dropped_while_it_is_written_is_written_whole_before_the_next() {
    let (mut connection, handle) = connected(Cut::Every(1)).await;
    let before = handle.received().len();
    assert!(poll_times(connection.simple_query(OLD), 6).await.is_none());
    assert!(handle.received().len() > before);
    next_query_is_whole(&mut connection).await;
    let sent = handle.received()[before..].to_vec();
    let head = b"\x0d\x00\x00\x00\x03".as_slice();
    assert_eq!(sent, [head, OLD.as_bytes(), head, NEW.as_bytes()].concat());
}

#[tokio::test]
async fn a_connection_dropped_with_an_unsent_query_sends_only_com_quit() {
    let (mut connection, handle) = connected(Cut::Whole).await;
    let before = handle.received().len();
    handle.set_cut(Cut::Every(1));
    assert!(poll_times(connection.simple_query(OLD), 1).await.is_none());
    handle.set_cut(Cut::Whole);
    drop(connection);
    assert_eq!(handle.received()[before..], [1, 0, 0, 0, 1]);
}

#[tokio::test]
async fn a_connection_dropped_idle_says_goodbye_and_one_dropped_in_its_rows_does_not() {
    let (connection, handle) = connected(Cut::Whole).await;
    drop(connection);
    assert!(handle.received().ends_with(&[1, 0, 0, 0, 1]));

    let (mut connection, handle) = connected(Cut::Every(1)).await;
    drop(connection.simple_query(OLD).await.unwrap());
    drop(connection);
    assert!(handle.received().ends_with(OLD.as_bytes()));
    assert!(handle.client_is_gone());
}

#[tokio::test(start_paused = true)]
async fn an_abandoned_response_that_never_ends_closes_the_connection_within_the_limit() {
    let endless = Script::new()
        .on(&ComQuery::new(OLD), Reply::new().head(&["old"]))
        .on(&ComQuery::new(NEW), Reply::ok());
    let config = Config::builder()
        .drain_timeout(Duration::from_secs(3))
        .build()
        .unwrap();
    let pipe = Pipe::new(endless, Cut::Whole);
    let handle = pipe.handle();
    let mut connection = Connection::connect_over(pipe, &config).await.unwrap();
    drop(connection.simple_query(OLD).await.unwrap());

    let start = tokio::time::Instant::now();
    let error = connection.simple_query(NEW).await.unwrap_err();
    assert_eq!(start.elapsed().as_secs(), 3);
    let reason = CloseReason::AbandonedResponse;
    assert!(
        matches!(error, Error::Closed { reason: found } if found == reason),
        "{error}"
    );
    assert!(handle.client_is_gone(), "the socket is closed at once");
    assert_eq!(connection.close_reason(), Some(reason));
    assert!(matches!(connection.ping().await, Err(Error::Closed { .. })));
}

#[tokio::test]
async fn random_cuts_and_drops_never_give_a_query_the_rows_of_another() {
    let seed = protocol_tests::chaos::seed();
    let mut random = fastrand::Rng::with_seed(seed);
    let echo = Script::new().answer(|payload| {
        let sql = String::from_utf8(payload.get(1..)?.to_vec()).ok()?;
        let rows = (0..sql.len() % 7).map(|row| [format!("{sql} row {row}")]);
        Some(Reply::rows(&["c"], rows))
    });
    let pipe = Pipe::new(echo, Cut::Random(random.fork()));
    let config = Config::builder().build().unwrap();
    let mut connection = Connection::connect_over(pipe, &config).await.unwrap();
    for number in 0..3_000 {
        let sql = format!("query {number} {}", "x".repeat(random.usize(0..40)));
        let query = async {
            let rows = connection.simple_query(&sql).await.unwrap();
            rows.collect::<(String,)>().await.unwrap()
        };
        let polls = if random.bool() {
            usize::MAX
        } else {
            random.usize(0..30)
        };
        if let Some(rows) = poll_times(query, polls).await {
            assert_eq!(rows.len(), sql.len() % 7);
            let expected = (0..rows.len()).map(|row| (format!("{sql} row {row}"),));
            assert!(rows.iter().cloned().eq(expected), "{sql}: {rows:?}");
        }
    }
}
