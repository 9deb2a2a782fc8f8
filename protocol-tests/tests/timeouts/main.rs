//! How long calls may take, and what they leave behind, over a fake server and with paused time.

mod kills;
mod limits;
mod proof;
mod room;
mod stops;

use std::time::Duration;

use otaria::{
    CancelPolicy, CloseReason, Config, ConfigBuilder, Connection, DrainLimit, Error, RetryPolicy,
    Role,
};
use otaria::{SslMode, Stopped, TimeoutPhase};
use otaria_codec::{ColumnCount, ColumnDefinition, FieldType};
use otaria_text::{ComQuery, TextRowPacket};
use protocol_tests::fake_server::FakeServer;
use protocol_tests::pipe::{Action, Cut, Peer, Pipe, PipeHandle};
use protocol_tests::polls::{at_every_poll, poll_times};
use protocol_tests::script::{Reply, Script};
use tokio::time::Instant;

const OLD: &str = "SELECT 'old'";
const NEW: &str = "SELECT 'new'";
const ENDLESS: &str = "SELECT 'endless'";
/// The server never answers it.
const INIT: &str = "DO SLEEP(600)";

fn script() -> Script {
    Script::new()
        .on(
            &ComQuery::new(OLD),
            Reply::rows(&["old"], [["old 1"], ["old 2"]]),
        )
        .on(&ComQuery::new(NEW), Reply::rows(&["new"], [["new"]]))
        .on(&ComQuery::new(ENDLESS), Reply::new().head(&["endless"]))
}

/// A connection to which no other one leads, so that nothing can be stopped.
async fn connected(config: ConfigBuilder, cut: Cut) -> (Connection, PipeHandle) {
    let pipe = Pipe::new(script(), Cut::Whole);
    let handle = pipe.handle();
    let connection = Connection::connect_over(pipe, &config.build().unwrap()).await;
    handle.set_cut(cut);
    (connection.unwrap(), handle)
}

async fn next_query_is_whole(connection: &mut Connection) {
    let rows = connection.simple_query(NEW).await.unwrap();
    let rows: Vec<(String,)> = rows.collect().await.unwrap();
    assert_eq!(rows, [("new".to_owned(),)]);
}

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn a_call_ends_when_its_time_is_over_and_the_connection_is_closed_if_nothing_can_be_stopped()
{
    let (mut connection, handle) =
        connected(Config::builder().call_timeout(2 * SECOND), Cut::Whole).await;
    next_query_is_whole(&mut connection).await;
    tokio::time::advance(10 * SECOND).await;
    let start = Instant::now();
    let mut rows = connection.simple_query(ENDLESS).await.unwrap();
    let error = rows.next().await.unwrap_err();
    assert_eq!(start.elapsed().as_secs(), 2);
    let Error::Timeout {
        phase: TimeoutPhase::Read(_),
        statement_stopped: false,
    } = error
    else {
        panic!("{error:?}");
    };
    assert!(rows.next().await.is_err(), "rows that were cut do not end");
    // Not by the timeout itself: the statement could not be ended.
    assert_eq!(connection.close_reason(), Some(CloseReason::Cancelled));
    assert!(handle.client_is_gone());
}

#[tokio::test(start_paused = true)]
async fn the_time_of_a_call_covers_its_rows_and_writing() {
    let (mut connection, handle) = connected(Config::builder(), Cut::Whole).await;
    let mut rows = connection
        .with_timeout(SECOND)
        .simple_query(OLD)
        .await
        .unwrap();
    assert!(rows.next().await.unwrap().is_some());
    tokio::time::advance(5 * SECOND).await;
    // What has been received is there all the same.
    assert!(rows.next().await.unwrap().is_some());
    assert!(rows.next().await.unwrap().is_none());
    handle.set_cut(Cut::NoWrites);
    let start = Instant::now();
    let error = connection
        .with_timeout(SECOND)
        .simple_query(OLD)
        .await
        .unwrap_err();
    assert_eq!(start.elapsed().as_secs(), 1);
    assert!(
        matches!(
            error,
            Error::Timeout {
                phase: TimeoutPhase::Write,
                ..
            }
        ),
        "{error:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_timeout_of_its_own_is_for_the_next_call_only() {
    let (mut connection, _) = connected(Config::builder(), Cut::Whole).await;
    connection.with_timeout(Duration::from_nanos(1));
    connection.with_timeout(SECOND);
    next_query_is_whole(&mut connection).await;
    tokio::time::advance(5 * SECOND).await;
    let endless = connection.simple_execute(ENDLESS);
    assert!(tokio::time::timeout(100 * SECOND, endless).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn connecting_is_not_limited_by_the_time_of_a_call_whatever_the_role() {
    for role in [Role::Any, Role::Writer] {
        let read_only = ComQuery::new("SELECT @@read_only");
        let script = script()
            .on(&read_only, Reply::rows(&["read_only"], [["0"]]))
            .on(&ComQuery::new(INIT), Reply::new());
        let config = Config::builder()
            .role(role)
            .init_command(INIT)
            .call_timeout(SECOND)
            .connect_timeout(60 * SECOND);
        let pipe = Pipe::new(script, Cut::Whole);
        let start = Instant::now();
        let connected = Connection::connect_over(pipe, &config.build().unwrap()).await;
        assert!(connected.is_err());
        assert_eq!(start.elapsed().as_secs(), 60, "{role}: {connected:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_drain_by_the_next_call_respects_the_time_of_that_call_and_goes_on_with_the_next() {
    let config = Config::builder().drain_timeout(60 * SECOND);
    let (mut connection, handle) = connected(config, Cut::Whole).await;
    drop(connection.simple_query(ENDLESS).await.unwrap());
    let start = Instant::now();
    let error = connection
        .with_timeout(SECOND)
        .simple_query(NEW)
        .await
        .unwrap_err();
    assert_eq!(start.elapsed().as_secs(), 1);
    assert!(
        matches!(
            error,
            Error::Timeout {
                phase: TimeoutPhase::Ready,
                ..
            }
        ),
        "{error:?}"
    );
    assert!(error.is_safe_to_retry() && !error.is_disconnect());
    let sent = handle.received();
    assert!(
        !sent.windows(NEW.len()).any(|part| part == NEW.as_bytes()),
        "it was not sent"
    );
    assert_eq!(connection.close_reason(), None);
    let reached = connection
        .drain(DrainLimit {
            time: SECOND,
            bytes: None,
        })
        .await;
    assert!(
        !reached.unwrap(),
        "the limit is reached, and the connection open"
    );
    assert_eq!(connection.close_reason(), None);
}

#[tokio::test(start_paused = true)]
async fn by_policy_a_connection_is_closed_at_once_and_not_before_it_is_used() {
    let config = Config::builder().cancel_policy(CancelPolicy::Close);
    let (mut connection, _) = connected(config, Cut::Whole).await;
    drop(connection.simple_query(OLD).await.unwrap());
    // Its response has come already.
    next_query_is_whole(&mut connection).await;
    drop(connection.simple_query(ENDLESS).await.unwrap());
    let start = Instant::now();
    assert!(matches!(
        connection.simple_query(NEW).await,
        Err(Error::Closed { .. })
    ));
    assert_eq!(start.elapsed(), Duration::ZERO);
    assert_eq!(
        connection.close_reason(),
        Some(CloseReason::AbandonedResponse)
    );
}

#[tokio::test]
async fn a_drain_ends_at_its_bytes() {
    let (mut connection, _) = connected(Config::builder(), Cut::Every(1)).await;
    drop(connection.simple_query(OLD).await.unwrap());
    let limit = |bytes| DrainLimit {
        time: 60 * SECOND,
        bytes,
    };
    assert!(!connection.drain(limit(Some(3))).await.unwrap());
    assert!(connection.drain(limit(None)).await.unwrap());
    next_query_is_whole(&mut connection).await;
}

#[tokio::test]
async fn a_dropped_drain_and_a_dropped_stop_leave_the_next_query_whole() {
    for stops in [false, true] {
        at_every_poll(async |polls| {
            let (mut connection, _) = connected(Config::builder(), Cut::Every(1)).await;
            drop(connection.simple_query(OLD).await.unwrap());
            let done = if stops {
                // Nothing that has been answered needs to be stopped.
                connection
                    .drain(DrainLimit {
                        time: 60 * SECOND,
                        bytes: None,
                    })
                    .await
                    .unwrap();
                let stopped = poll_times(connection.stop(), polls).await;
                stopped.is_some_and(|stopped| stopped.unwrap() == Stopped::NotRunning)
            } else {
                let limit = DrainLimit {
                    time: 60 * SECOND,
                    bytes: None,
                };
                poll_times(connection.drain(limit), polls).await.is_some()
            };
            next_query_is_whole(&mut connection).await;
            done
        })
        .await;
    }
}

#[tokio::test]
async fn a_call_with_a_timeout_dropped_at_every_poll_leaves_the_next_query_whole() {
    at_every_poll(async |polls| {
        let config = Config::builder().call_timeout(60 * SECOND);
        let (mut connection, _) = connected(config, Cut::Every(1)).await;
        let call = async {
            let rows = connection.simple_query(OLD).await.unwrap();
            rows.collect::<(String,)>().await.unwrap().len()
        };
        let done = poll_times(call, polls).await;
        next_query_is_whole(&mut connection).await;
        done == Some(2)
    })
    .await;
}

#[tokio::test]
async fn over_a_stream_that_was_given_nothing_is_stopped_and_the_connection_is_closed() {
    let (mut connection, handle) = connected(Config::builder(), Cut::Whole).await;
    drop(connection.simple_query(ENDLESS).await.unwrap());
    let token = connection.cancel_token();
    assert_eq!(token.cancel().await.unwrap(), Stopped::NotRunning);
    assert_eq!(connection.stop().await.unwrap(), Stopped::NotFound);
    assert!(handle.client_is_gone());
    assert_eq!(connection.close_reason(), Some(CloseReason::Cancelled));
}

#[tokio::test]
async fn a_process_list_that_does_not_end_stops_nothing_and_is_not_read_on() {
    // An id, whether it is that of the connection beside, user, host, command, number and statement.
    let line = ["7", "0", "u", "h:1", "Query", "1", ENDLESS];
    let column = |index| {
        let (kind, collation) = if matches!(index, 0 | 1 | 5) {
            (FieldType::LongLong, 63)
        } else {
            (FieldType::VarString, 45)
        };
        ColumnDefinition::new("c", kind).with_collation(collation)
    };
    let script = move || {
        script().answer(move |command| {
            let is_list = command.windows(11).any(|part| part == b"PROCESSLIST");
            let count = ColumnCount {
                columns: 7,
                metadata_follows: true,
            };
            let head = (0..7).fold(Reply::new().packet(&count), |head, index| {
                head.packet(&column(index))
            });
            let line = TextRowPacket::of(line);
            let list = (0..100).fold(head, |list, _| list.packet(&line));
            is_list.then_some(list)
        })
    };
    let server = FakeServer::start(script).await;
    let config = Config::builder()
        .host("127.0.0.1")
        .port(server.port())
        .ssl_mode(SslMode::Disable)
        .stop_timeout(600 * SECOND);
    let mut connection = Connection::connect(&config.build().unwrap()).await.unwrap();
    drop(connection.simple_query(ENDLESS).await.unwrap());
    let stopped = tokio::time::timeout(60 * SECOND, connection.stop()).await;
    assert_eq!(stopped.unwrap().unwrap(), Stopped::NotFound);
    assert_eq!(server.visits(), 2);
}

/// Accepts a client and never says a word.
struct Silent;

impl Peer for Silent {
    fn greet(&mut self) -> Vec<Action> {
        Vec::new()
    }

    fn receive(&mut self, _: &[u8]) -> Vec<Action> {
        Vec::new()
    }
}

#[tokio::test]
async fn a_call_is_not_held_up_by_a_server_that_takes_no_connection_to_stop_it_by() {
    let mut is_first = true;
    let server = FakeServer::start(move || -> Box<dyn Peer> {
        if std::mem::take(&mut is_first) {
            Box::new(script())
        } else {
            Box::new(Silent)
        }
    })
    .await;
    let config = Config::builder().host("127.0.0.1").port(server.port());
    let config = config.ssl_mode(SslMode::Disable).stop_timeout(60 * SECOND);
    let mut connection = Connection::connect(&config.build().unwrap()).await.unwrap();
    let start = Instant::now();
    let call = connection.with_timeout(SECOND / 10).simple_execute(ENDLESS);
    let error = call.await.unwrap_err();
    let elapsed = start.elapsed();
    let is_not_stopped = matches!(
        error,
        Error::Timeout {
            statement_stopped: false,
            ..
        }
    );
    assert!(is_not_stopped, "{error:?}");
    assert_eq!(
        server.visits(),
        2,
        "the connection beside came as far as to be accepted"
    );
    assert!((SECOND..20 * SECOND).contains(&elapsed), "{elapsed:?}");
    assert_eq!(connection.close_reason(), Some(CloseReason::Cancelled));
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_server_never_lets_it_wait_ends_all_the_same() {
    let (mut connection, _) = connected(Config::builder(), Cut::Every(1)).await;
    let connection = connection.with_timeout(SECOND);
    let mut rows = connection.simple_query(OLD).await.unwrap();
    tokio::time::advance(5 * SECOND).await;
    let error = rows.next().await.unwrap_err();
    assert!(matches!(error, Error::Timeout { .. }), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn a_drain_does_not_wait_longer_for_a_read_than_a_read_may_wait() {
    let config = Config::builder().io_timeout(SECOND);
    let config = config.drain_timeout(60 * SECOND);
    let (mut connection, _) = connected(config, Cut::Whole).await;
    drop(connection.simple_query(ENDLESS).await.unwrap());
    let start = Instant::now();
    let error = connection.simple_query(NEW).await.unwrap_err();
    assert_eq!(start.elapsed().as_secs(), 1);
    assert!(matches!(error, Error::Closed { .. }), "{error:?}");
    assert_eq!(connection.close_reason(), Some(CloseReason::TimedOut));
}

#[tokio::test]
async fn where_stopping_may_take_no_time_no_connection_is_made_for_it() {
    let server = FakeServer::start(script).await;
    let config = Config::builder()
        .host("127.0.0.1")
        .port(server.port())
        .ssl_mode(SslMode::Disable)
        .drain_timeout(Duration::from_millis(300))
        .stop_timeout(Duration::ZERO);
    let mut connection = Connection::connect(&config.build().unwrap()).await.unwrap();
    drop(connection.simple_query(ENDLESS).await.unwrap());
    let error = connection.simple_query(NEW).await.unwrap_err();
    assert!(matches!(error, Error::Closed { .. }), "{error:?}");
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(server.visits(), 1);
}
