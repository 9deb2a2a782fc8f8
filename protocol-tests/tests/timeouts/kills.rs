//! What is sent while a kill that was meant for an earlier call is on its way.

use std::num::NonZeroU32;
use std::pin::Pin;

use otaria::{CancelToken, Pipeline, Pool, ResetPolicy};
use tokio::time::timeout;

use super::stops::{Host, LONG, NEWER, Numbers};
use super::*;

/// A connection whose statement has come to its end, and a token of it.
async fn just_done(host: &Host, config: ConfigBuilder) -> (Connection, CancelToken) {
    let mut connection = Connection::connect(&config.build().unwrap()).await.unwrap();
    let token = connection.cancel_token();
    connection.simple_execute(OLD).await.unwrap();
    assert_eq!(host.kills(), (0, 0));
    (connection, token)
}

type Cancel = Pin<Box<dyn Future<Output = Result<Stopped, Error>> + Send>>;

/// The same, when the token's kill has been sent and not been answered.
async fn late_kill(host: &Host, config: ConfigBuilder) -> (Connection, Cancel) {
    let (connection, token) = just_done(host, config).await;
    let mut cancel: Cancel = Box::pin(async move { token.cancel().await });
    host.until_kill_is_sent(&mut cancel).await;
    (connection, cancel)
}

#[tokio::test]
async fn kill_arrives_late_the_next_command_waits_until_the_server_has_answered_the_kill() {
    let host = Host::start(Numbers::Kept, OLD).await;
    let (mut connection, cancel) = late_kill(&host, host.config()).await;
    let mut next = Box::pin(connection.simple_execute(NEWER));
    // Long enough for a command to come to the server and back.
    let early = timeout(Duration::from_millis(100), &mut next).await;
    assert!(early.is_err(), "{early:?}");
    assert_eq!(host.news(), 0);
    let (stopped, next) = tokio::join!(cancel, next);
    assert_eq!(stopped.unwrap(), Stopped::Killed);
    next.unwrap();
    assert_eq!((host.news(), host.kills()), (1, (1, 0)));
    // Nothing is waited for any more.
    connection.simple_execute(NEWER).await.unwrap();
    assert_eq!(connection.close_reason(), None);
}

#[tokio::test]
async fn a_call_that_waits_for_the_answer_to_a_kill_may_be_dropped_at_every_poll() {
    at_every_poll(async |polls| {
        let host = Host::start(Numbers::Kept, OLD).await;
        let (mut connection, cancel) = late_kill(&host, host.config()).await;
        let call = async {
            let news = host.news();
            assert!(
                poll_times(connection.simple_execute(NEWER), 1)
                    .await
                    .is_none()
            );
            assert_eq!(host.news(), news);
            connection.simple_execute(NEWER).await
        };
        let done = poll_times(async { tokio::join!(cancel, call) }, polls).await;
        match &done {
            Some((stopped, executed)) => {
                assert_eq!(*stopped.as_ref().unwrap(), Stopped::Killed);
                executed.as_ref().unwrap();
                next_query_is_whole(&mut connection).await;
            }
            // The token may have been dropped with it.
            None => next_query_is_whole(&mut connection).await,
        }
        done.is_some()
    })
    .await;
}

#[tokio::test]
async fn a_call_has_no_more_time_to_wait_for_the_answer_to_a_kill_than_it_has_in_all() {
    let host = Host::start(Numbers::Kept, OLD).await;
    let (mut connection, cancel) = late_kill(&host, host.config()).await;
    let call = connection.with_timeout(Duration::from_millis(20));
    let error = call.simple_execute(NEWER).await.unwrap_err();
    let Error::Timeout {
        phase,
        statement_stopped,
    } = error
    else {
        panic!("{error:?}");
    };
    assert_eq!((phase, statement_stopped), (TimeoutPhase::Ready, true));
    assert_eq!((host.news(), connection.close_reason()), (0, None));
    assert_eq!(cancel.await.unwrap(), Stopped::Killed);
    next_query_is_whole(&mut connection).await;
}

#[tokio::test]
async fn the_answer_to_the_kill_of_a_token_that_was_dropped_is_read_by_the_next_call() {
    at_every_poll(async |polls| {
        let host = Host::start(Numbers::Kept, OLD).await;
        let (mut connection, cancel) = late_kill(&host, host.config()).await;
        drop(cancel);
        let done = poll_times(connection.simple_execute(NEWER), polls).await;
        if let Some(executed) = &done {
            executed.as_ref().unwrap();
        }
        connection.simple_execute(NEWER).await.unwrap();
        next_query_is_whole(&mut connection).await;
        assert_eq!(connection.close_reason(), None);
        done.is_some()
    })
    .await;
}

#[tokio::test]
async fn several_kills_are_all_waited_for_whether_their_tokens_are_dropped_or_not() {
    let host = Host::start(Numbers::Kept, OLD).await;
    let (mut connection, token) = just_done(&host, host.config()).await;
    let other = token.clone();
    let (mut first, mut second) = (Box::pin(token.cancel()), Box::pin(other.cancel()));
    let mut third = Box::pin(token.cancel());
    host.until_kills_are_sent(1, &mut first).await;
    host.until_kills_are_sent(2, &mut second).await;
    host.until_kills_are_sent(3, &mut third).await;
    drop(first);
    let mut next = Box::pin(connection.simple_execute(NEWER));
    let early = timeout(Duration::from_millis(50), &mut next).await;
    assert!(early.is_err(), "{early:?}");
    assert_eq!(second.await.unwrap(), Stopped::Killed);
    let early = timeout(Duration::from_millis(50), &mut next).await;
    assert!(early.is_err(), "{early:?}");
    assert_eq!(host.news(), 0);
    // It hears of what has become of this one while it waits.
    drop(third);
    next.await.unwrap();
    assert_eq!((host.news(), connection.close_reason()), (1, None));
}

#[tokio::test]
async fn a_kill_that_is_never_answered_closes_the_connection_also_where_its_token_is_gone() {
    let host = Host::start(Numbers::Unanswered, OLD).await;
    let config = host.config().stop_timeout(Duration::from_millis(700));
    let (mut connection, cancel) = late_kill(&host, config).await;
    drop(cancel);
    // The time counts from the first call on.
    let mut calls = 0;
    let error = loop {
        let call = connection.with_timeout(Duration::from_millis(100));
        let error = call.simple_execute(NEWER).await.unwrap_err();
        if connection.close_reason().is_some() {
            break error;
        }
        let is_not_sent = matches!(
            error,
            Error::Timeout {
                phase: TimeoutPhase::Ready,
                ..
            }
        );
        assert!(is_not_sent, "{error:?}");
        calls += 1;
        assert!(calls < 20, "nothing comes to an end");
    };
    assert!(calls > 0, "{error:?}");
    assert!(error.is_safe_to_retry(), "{error:?}");
    assert_eq!(connection.close_reason(), Some(CloseReason::Cancelled));
    assert_eq!(host.news(), 0);
}

#[tokio::test]
async fn a_kill_whose_connection_is_lost_closes_the_one_that_it_was_sent_for() {
    for is_dropped in [false, true] {
        let host = Host::start(Numbers::Lost, OLD).await;
        let (mut connection, mut cancel) = late_kill(&host, host.config()).await;
        if !is_dropped {
            cancel.as_mut().await.unwrap_err();
        }
        drop(cancel);
        let error = connection.simple_execute(NEWER).await.unwrap_err();
        assert!(error.is_safe_to_retry(), "{error:?}");
        assert_eq!(connection.close_reason(), Some(CloseReason::Cancelled));
        assert_eq!(host.news(), 0);
    }
}

#[tokio::test]
async fn the_answer_to_the_kill_of_a_stop_that_was_dropped_is_waited_for_by_what_comes_next() {
    for drains in [false, true] {
        let host = Host::start(Numbers::Unanswered, ENDLESS).await;
        let config = host.config().stop_timeout(Duration::from_millis(700));
        let mut connection = Connection::connect(&config.build().unwrap()).await.unwrap();
        drop(connection.simple_query(ENDLESS).await.unwrap());
        host.until_kill_is_sent(Box::pin(connection.stop())).await;
        if drains {
            let limit = DrainLimit {
                time: Duration::from_millis(50),
                bytes: None,
            };
            assert!(!connection.drain(limit).await.unwrap());
            assert_eq!(connection.close_reason(), None);
        }
        // Nobody answers.
        let error = connection.simple_execute(NEWER).await.unwrap_err();
        assert!(error.is_safe_to_retry(), "{error:?}");
        assert_eq!(connection.close_reason(), Some(CloseReason::Cancelled));
        assert_eq!((host.news(), host.kills()), (0, (1, 0)));
    }
}

#[tokio::test]
async fn a_token_that_was_dropped_holds_up_nobody_who_has_something_to_stop() {
    let host = Host::start(Numbers::Kept, OLD).await;
    let config = host.config().stop_timeout(60 * SECOND).build().unwrap();
    let pool = Pool::builder(config).max_size(2).reaper_limit(1);
    let pool = pool.reset_policy(ResetPolicy::Never).build();
    let mut first = pool.get().await.unwrap();
    let mut second = pool.get().await.unwrap();
    let (token, other) = (first.cancel_token(), second.cancel_token());
    first.simple_execute(OLD).await.unwrap();
    second.simple_execute(OLD).await.unwrap();
    let mut cancel = Box::pin(token.cancel());
    host.until_kill_is_sent(&mut cancel).await;
    let waits = timeout(Duration::from_millis(50), other.cancel()).await;
    assert!(waits.is_err(), "{waits:?}");
    drop(cancel);
    // The list shows another one in its place, but it has been read.
    let looked = timeout(10 * SECOND, other.cancel()).await;
    assert_eq!(looked.expect("a place").unwrap(), Stopped::NotFound);
    next_query_is_whole(&mut first).await;
}

#[tokio::test]
async fn a_kill_that_the_server_refuses_does_not_close_the_connection() {
    let host = Host::start(Numbers::Refused, OLD).await;
    let (mut connection, token) = just_done(&host, host.config()).await;
    let error = token.cancel().await.unwrap_err();
    assert!(matches!(error, Error::Server(_)), "{error:?}");
    connection.simple_execute(NEWER).await.unwrap();
    assert_eq!((host.news(), host.kills()), (1, (1, 0)));
}

#[tokio::test]
async fn a_call_waits_for_a_token_that_nobody_polls_no_longer_than_stopping_may_take() {
    let host = Host::start(Numbers::Kept, OLD).await;
    let config = host.config().stop_timeout(Duration::from_millis(700));
    let (mut connection, _unpolled) = late_kill(&host, config).await;
    let call = timeout(60 * SECOND, connection.simple_execute(NEWER)).await;
    let error = call.expect("an end").unwrap_err();
    assert!(error.is_safe_to_retry(), "{error:?}");
    assert_eq!(connection.close_reason(), Some(CloseReason::Cancelled));
    assert_eq!(host.news(), 0);
}

#[tokio::test]
async fn kill_arrives_late_the_next_borrower_waits_until_the_server_has_answered_the_kill() {
    let host = Host::start(Numbers::Kept, OLD).await;
    let pool = Pool::builder(host.config().build().unwrap());
    let pool = pool.max_size(1).reset_policy(ResetPolicy::Never).build();
    let mut connection = pool.get().await.unwrap();
    let token = connection.cancel_token();
    connection.simple_execute(OLD).await.unwrap();
    let mut cancel = Box::pin(token.cancel());
    host.until_kill_is_sent(&mut cancel).await;
    drop(connection);
    let mut next = Box::pin(async { pool.get().await.unwrap().simple_execute(NEWER).await });
    let early = timeout(Duration::from_millis(100), &mut next).await;
    assert!(early.is_err(), "{early:?}");
    assert_eq!(host.news(), 0);
    let (stopped, next) = tokio::join!(cancel, next);
    assert_eq!(stopped.unwrap(), Stopped::Killed);
    next.unwrap();
    // The connection, that beside it, and no other in its place.
    assert_eq!((host.news(), host.server.visits()), (1, 2));
}

/// Begins `call` on a connection whose earlier call a kill was meant for, and gives it time to send
/// something.
async fn sends_nothing(name: &str, call: impl AsyncFnOnce(&mut Connection)) {
    let host = Host::start(Numbers::Kept, OLD).await;
    let (mut connection, cancel) = late_kill(&host, host.config().local_infile(true)).await;
    let before = host.bytes();
    let early = timeout(Duration::from_millis(30), call(&mut connection)).await;
    assert!(early.is_err(), "{name} is done");
    assert_eq!(host.bytes(), before, "{name} was sent");
    assert_eq!(cancel.await.unwrap(), Stopped::Killed);
    next_query_is_whole(&mut connection).await;
}

#[tokio::test]
async fn no_call_sends_a_byte_before_the_kill_that_was_meant_for_an_earlier_one_is_answered() {
    macro_rules! send_nothing {
        ($connection:ident: $($call:expr;)*) => {
            $(sends_nothing(stringify!($call), async |$connection| drop($call.await)).await;)*
        };
    }
    send_nothing! {connection:
        connection.simple_query(NEWER);
        connection.simple_execute(NEWER);
        connection.query(NEWER, ());
        connection.execute(NEWER, ());
        connection.query_one::<(String,)>(NEWER, ());
        connection.query_opt::<(String,)>(NEWER, ());
        connection.query_all::<(String,)>(NEWER, ());
        connection.query_with_cursor(NEWER, (), NonZeroU32::MIN);
        connection.prepare(NEWER);
        connection.describe(NEWER, ());
        connection.long_data(NEWER);
        connection.load_data_local(NEWER, b"1".as_slice());
        connection.execute_batch("INSERT INTO item VALUES (?)", [(1,), (2,)]);
        connection.query_pipeline(Pipeline::new().push(NEWER, ()));
        connection.execute_pipeline(Pipeline::new().push(NEWER, ()));
        connection.transaction();
        connection.run_transaction(&RetryPolicy::new(), async |_| Ok::<_, Error>(()));
        connection.ping();
        connection.reset();
        connection.init_db("shop");
        connection.warnings();
        connection.change_user("other", "secret", None);
        connection.with_timeout(SECOND).ping();
    }
    sends_nothing("a part of a call", async |connection| {
        let whole = connection.begin_calls();
        drop(connection.within(whole).ping().await);
    })
    .await;
}

#[tokio::test]
async fn a_rollback_that_is_hit_by_a_kill_closes_the_connection_and_nothing_runs_behind_it() {
    for waits in [false, true] {
        let host = Host::start(Numbers::Kept, LONG).await;
        let mut connection = host.connect().await;
        let token = connection.cancel_token();
        let mut transaction = connection.transaction().await.unwrap();
        transaction.simple_execute(LONG).await.unwrap();
        let mut cancel = Box::pin(token.cancel());
        host.until_kill_is_sent(&mut cancel).await;
        if waits {
            // It is told at once, for its locks.
            let (undone, stopped) = tokio::join!(transaction.rollback(), cancel);
            assert!(matches!(undone, Err(Error::Closed { .. })), "{undone:?}");
            assert_eq!(stopped.unwrap(), Stopped::Killed);
        } else {
            drop(transaction);
            assert_eq!(cancel.await.unwrap(), Stopped::Killed);
        }
        let error = connection.simple_execute(NEWER).await.unwrap_err();
        assert!(error.is_safe_to_retry(), "{error:?}");
        assert_eq!(
            connection.close_reason(),
            Some(CloseReason::CleanUpFailed { code: 1317 })
        );
        assert_eq!(host.news(), 0);
    }
}
