//! Whose limit it is: each call has its own, and what is no call has none.

use otaria::{Stopped, TimeoutPhase};
use protocol_tests::script::{FakeStatement, FakeStatements};

use super::*;

const HELD: &str = "SELECT 'held'";

/// A connection that keeps no statements, and has one to close in front of its next command, which it
/// cannot send.
async fn with_a_close_that_cannot_be_sent(policy: CancelPolicy) -> (Connection, PipeHandle) {
    let statements = FakeStatements::new()
        .with(HELD, FakeStatement::rows(0, &["held"], &[&["held"]]))
        .serve(script());
    let pipe = Pipe::new(statements, Cut::Whole);
    let handle = pipe.handle();
    let config = Config::builder()
        .statement_cache_capacity(0)
        .cancel_policy(policy);
    let connected = Connection::connect_over(pipe, &config.build().unwrap()).await;
    let mut connection = connected.unwrap();
    drop(connection.prepare(HELD).await.unwrap());
    handle.set_cut(Cut::NoWrites);
    (connection, handle)
}

/// Leaves the close behind, and the limit of the call whose query was taken back.
async fn give_up_with_a_limit(connection: &mut Connection) {
    let call = connection.with_timeout(SECOND).simple_execute(NEW);
    assert!(poll_times(call, 1).await.is_none());
    tokio::time::advance(5 * SECOND).await;
}

#[tokio::test(start_paused = true)]
async fn a_drain_does_not_end_by_the_limit_of_the_call_before() {
    let (mut connection, handle) = with_a_close_that_cannot_be_sent(CancelPolicy::Stop).await;
    give_up_with_a_limit(&mut connection).await;
    let start = Instant::now();
    let limit = DrainLimit {
        time: 3 * SECOND,
        bytes: None,
    };
    assert!(!connection.drain(limit).await.unwrap());
    assert_eq!(start.elapsed(), 3 * SECOND);
    assert_eq!(connection.close_reason(), None);
    handle.set_cut(Cut::Whole);
    assert!(connection.drain(limit).await.unwrap());
    next_query_is_whole(&mut connection).await;
}

#[tokio::test(start_paused = true)]
async fn a_stop_does_not_end_by_the_limit_of_the_call_before() {
    let (mut connection, _) = with_a_close_that_cannot_be_sent(CancelPolicy::Stop).await;
    give_up_with_a_limit(&mut connection).await;
    let start = Instant::now();
    let error = connection.stop().await.unwrap_err();
    let is_of_stop = matches!(
        error,
        Error::Timeout {
            phase: TimeoutPhase::Stop,
            ..
        }
    );
    assert!(is_of_stop, "{error:?}");
    assert_eq!(start.elapsed(), 5 * SECOND, "stop_timeout");
}

#[tokio::test(start_paused = true)]
async fn a_stop_with_nothing_to_stop_takes_the_limit_of_the_call_before_away() {
    let (mut connection, _) = connected(Config::builder(), Cut::Whole).await;
    let call = connection.with_timeout(SECOND).simple_query(OLD);
    drop(call.await.unwrap());
    assert_eq!(connection.stop().await.unwrap(), Stopped::NotRunning);
    tokio::time::advance(5 * SECOND).await;
    next_query_is_whole(&mut connection).await;
}

#[tokio::test(start_paused = true)]
async fn a_call_that_cannot_even_close_a_statement_ends_by_its_limit() {
    for policy in [CancelPolicy::Stop, CancelPolicy::Drain, CancelPolicy::Close] {
        let (mut connection, _) = with_a_close_that_cannot_be_sent(policy).await;
        let start = Instant::now();
        let call = connection.with_timeout(SECOND).simple_execute(NEW);
        let error = call.await.unwrap_err();
        assert!(matches!(error, Error::Timeout { .. }), "{error:?}");
        assert!(start.elapsed() <= 7 * SECOND, "{:?}", start.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn a_limit_belongs_to_the_call_that_it_was_made_for_even_if_that_is_never_polled() {
    let (mut connection, _) = connected(Config::builder(), Cut::Whole).await;
    drop(connection.with_timeout(SECOND).simple_query(NEW));
    drop(connection.with_timeout(SECOND).execute(NEW, ()));
    drop(
        connection
            .with_timeout(SECOND)
            .query_one::<(String,)>(NEW, ()),
    );
    drop(connection.with_timeout(SECOND).transaction());
    drop(connection.with_timeout(SECOND).warnings());
    let endless = connection.simple_execute(ENDLESS);
    assert!(tokio::time::timeout(100 * SECOND, endless).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn the_limit_that_is_over_first_ends_a_wait_be_it_of_the_call_or_of_a_read() {
    for (call, io) in [(1, 3), (3, 1), (1, 1)] {
        let config = Config::builder().call_timeout(call * SECOND);
        let (mut connection, _) = connected(config.io_timeout(io * SECOND), Cut::Whole).await;
        let start = Instant::now();
        let error = connection.simple_execute(ENDLESS).await.unwrap_err();
        assert_eq!(start.elapsed(), SECOND, "{call} {io}");
        assert!(matches!(error, Error::Timeout { .. }), "{error:?}");
        // A call ends what it has begun; a server that is too slow is given up.
        let reason = if call <= io {
            CloseReason::Cancelled
        } else {
            CloseReason::TimedOut
        };
        assert_eq!(connection.close_reason(), Some(reason), "{call} {io}");
    }
}

const LOAD: &str = "LOAD DATA LOCAL INFILE 'items.csv' INTO TABLE item";

#[tokio::test(start_paused = true)]
async fn a_call_ends_by_its_limit_while_the_caller_gives_no_data() {
    let script = script().on(
        &ComQuery::new(LOAD),
        Reply::new().then_file(b"items.csv", Reply::ok()),
    );
    // How long the server may take for a read does not count: it is not the one that takes long.
    let config = Config::builder().local_infile(true).io_timeout(SECOND / 2);
    let config = config.cancel_policy(CancelPolicy::Drain).build().unwrap();
    let pipe = Pipe::new(script, Cut::Whole);
    let mut connection = Connection::connect_over(pipe, &config).await.unwrap();
    let (_nobody, data) = tokio::io::duplex(1);
    let start = Instant::now();
    let call = connection.with_timeout(SECOND).load_data_local(LOAD, data);
    let error = tokio::time::timeout(100 * SECOND, call).await;
    let error = error.expect("it has a limit").unwrap_err();
    assert_eq!(start.elapsed(), SECOND);
    assert!(matches!(error, Error::Timeout { .. }), "{error:?}");
    next_query_is_whole(&mut connection).await;
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_first_polled_when_its_time_is_over_sends_nothing() {
    let (mut connection, handle) = connected(Config::builder(), Cut::Whole).await;
    let before = handle.received().len();
    let call = connection.with_timeout(SECOND).simple_execute(NEW);
    tokio::time::advance(2 * SECOND).await;
    let error = call.await.unwrap_err();
    let is_stopped = matches!(
        error,
        Error::Timeout {
            statement_stopped: true,
            ..
        }
    );
    assert!(is_stopped, "{error:?}");
    assert_eq!(handle.received().len(), before);
    next_query_is_whole(&mut connection).await;
}
