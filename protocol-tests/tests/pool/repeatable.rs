//! Statements that may be run more than once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use otaria::{CancelPolicy, Error, ErrorKind, Pool, PoolError, PoolPhase, RetryPolicy};
use protocol_tests::pipe::Cut;
use protocol_tests::polls::{at_every_poll, poll_times};
use tokio::time::{Instant, sleep, timeout};

use crate::database::Database;
use crate::value;

type Row = (String,);

/// Waits 10, 20, 40 ms and so on, as often as it takes.
fn policy() -> RetryPolicy {
    RetryPolicy::new().attempts(u32::MAX).jitter(0.0)
}

#[tokio::test(start_paused = true)]
async fn each_verb_is_run_again_on_another_connection_when_its_own_is_lost() -> Result<(), Error> {
    let database = Database::new();
    let pool = database.pool().max_size(1).build();
    let policy = policy();
    let again = pool.repeatable(&policy);
    for verb in 0..4 {
        database.lose(2);
        database.take_commands();
        let start = Instant::now();
        match verb {
            0 => assert_eq!(
                again.query_one::<Row>("SELECT rows or lose", ()).await?.0,
                "1"
            ),
            1 => assert!(
                again
                    .query_opt::<Row>("SELECT rows or lose", ())
                    .await?
                    .is_some()
            ),
            2 => assert_eq!(
                again
                    .query_all::<Row>("SELECT rows or lose", ())
                    .await?
                    .len(),
                1
            ),
            _ => drop(again.execute("SELECT rows or lose", ()).await?),
        }
        let commands = database.take_commands();
        let runs = commands.iter().filter(|it| it.ends_with("or lose"));
        assert_eq!(runs.count(), 3, "{commands:?}");
        assert_eq!(start.elapsed().as_millis(), 30, "10 and 20 ms");
        assert_eq!((pool.status().idle, database.open_connections()), (1, 1));
    }
    assert_eq!(pool.status().broken, 8);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_nobody_has_marked_is_not_run_again() -> Result<(), Error> {
    let database = Database::new();
    let pool = database.pool().max_size(1).build();
    database.lose(1);
    let lost = pool.query_all::<Row>("SELECT rows or lose", ()).await;
    assert!(
        matches!(lost, Err(Error::ConnectionLost { .. })),
        "{lost:?}"
    );
    database.contend(1);
    let error = pool.execute("UPDATE contended", ()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Deadlock);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_victim_of_a_deadlock_is_run_again_as_often_as_the_policy_says() -> Result<(), Error> {
    let database = Database::new();
    let pool = database.pool().max_size(1).build();
    let policy = policy().attempts(3);
    let again = pool.repeatable(&policy);
    database.contend(2);
    again.execute("UPDATE contended", ()).await?;
    assert_eq!(database.contended(), 0);
    database.contend(3);
    let error = again.execute("UPDATE contended", ()).await.unwrap_err();
    assert_eq!(
        (error.kind(), database.contended()),
        (ErrorKind::Deadlock, 0)
    );
    assert_eq!(pool.status().connected, 1);
    // What does not pass is not run again.
    database.take_commands();
    let error = again.execute("FAIL", ()).await.unwrap_err();
    assert!(matches!(error, Error::Server(_)), "{error:?}");
    let commands = database.take_commands();
    let runs = commands.iter().filter(|command| *command == "0: FAIL");
    assert_eq!(runs.count(), 1, "{commands:?}");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_server_that_has_no_room_is_asked_again() -> Result<(), Error> {
    let database = Database::new();
    database.set_refuses(true);
    let pool = database.pool().max_size(1).build();
    let back = async {
        sleep(Duration::from_secs(5)).await;
        database.set_refuses(false);
    };
    let policy = policy();
    let again = pool.repeatable(&policy);
    let (number, ()) = tokio::join!(again.query_one::<Row>("SELECT connection", ()), back);
    number?;
    assert!(pool.status().connect_failures > 5);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn one_deadline_is_over_all_attempts() -> Result<(), Error> {
    let database = Database::new();
    database.set_refuses(true);
    let pool = database
        .pool()
        .max_size(1)
        .get_timeout(Duration::from_secs(3))
        .build();
    let policy = policy();
    let again = pool.repeatable(&policy);
    for (again, seconds) in [(again, 3), (again.within(Duration::from_secs(7)), 7)] {
        // The error is what kept it from succeeding, and not that the time is over.
        let start = Instant::now();
        let error = again.execute("DO 1", ()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TooManyConnections, "{error:?}");
        assert!((seconds - 1..seconds).contains(&start.elapsed().as_secs()));
    }
    database.set_refuses(false);
    for (again, seconds) in [(again, 3), (again.within(Duration::from_secs(7)), 7)] {
        let held = pool.get().await?;
        let start = Instant::now();
        let error = again.execute("DO 1", ()).await.unwrap_err();
        let phase = PoolPhase::Wait;
        assert!(
            matches!(error, Error::Pool(PoolError::Timeout { phase: in_phase }) if in_phase == phase),
            "{error:?}"
        );
        assert_eq!(start.elapsed().as_secs(), seconds);
        drop(held);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_statement_has_the_time_that_is_left_and_no_more_than_a_call() -> Result<(), Error> {
    let seconds = Duration::from_secs;
    for (call_timeout, within, takes) in [
        (None, Some(seconds(5)), 5),
        (Some(seconds(2)), Some(seconds(5)), 5),
        (Some(seconds(20)), Some(seconds(5)), 5),
        // Four attempts begin within the time for a connection.
        (Some(seconds(1)), None, 4),
    ] {
        let database = Database::new();
        let pool = database
            .pool_with(|config| {
                let config = config.cancel_policy(CancelPolicy::Close);
                config.call_timeout(call_timeout)
            })
            .max_size(1)
            .get_timeout(Duration::from_millis(3500))
            .build();
        let policy = policy().base(Duration::ZERO);
        let mut again = pool.repeatable(&policy);
        if let Some(within) = within {
            again = again.within(within);
        }
        let start = Instant::now();
        let error = again.query_all::<Row>("SELECT endless", ()).await;
        let error = error.unwrap_err();
        assert!(matches!(error, Error::Timeout { .. }), "{error:?}");
        let took = start.elapsed();
        assert_eq!(
            took.as_millis() / 100,
            takes * 10,
            "{took:?}: {call_timeout:?}"
        );
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_connection_found_closed_is_replaced_at_once_and_is_no_attempt() -> Result<(), Error> {
    let database = Database::new();
    let resets = Arc::new(AtomicUsize::new(1));
    let (closing, left) = (database.clone(), Arc::clone(&resets));
    let pool = database
        .pool()
        .before_get(move |_| {
            // Behind the look at the socket, and in front of the statement.
            if left.swap(0, Ordering::Relaxed) > 0 {
                closing.act(0, protocol_tests::pipe::Action::Reset);
            }
            otaria::CallbackFuture::new(async { Ok(()) })
        })
        .build();
    drop(pool.get().await?);
    let start = Instant::now();
    let never = RetryPolicy::never();
    let again = pool.repeatable(&never);
    let (number,) = again.query_one::<Row>("SELECT connection", ()).await?;
    assert_eq!((number.as_str(), start.elapsed()), ("1", Duration::ZERO));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn one_dropped_at_every_poll_leaves_the_next_user_its_own_rows() {
    let database = Database::new();
    database.set_cut(Cut::Every(3));
    let pool = database.pool().max_size(1).build();
    let policy = policy();
    let polls = at_every_poll(async |polls| {
        database.contend(1);
        let again = pool.repeatable(&policy);
        let done = poll_times(again.execute("UPDATE contended", ()), polls).await;
        next_user_sees_its_own(&pool).await;
        done.map(Result::unwrap).is_some()
    })
    .await;
    assert!(polls > 20, "{polls}");
    let polls = at_every_poll(async |polls| {
        database.lose(1);
        let again = pool.repeatable(&policy);
        let rows = again.query_all::<Row>("SELECT rows or lose", ());
        let done = poll_times(rows, polls).await;
        database.lose(0);
        next_user_sees_its_own(&pool).await;
        done.map(Result::unwrap).is_some()
    })
    .await;
    assert!(polls > 20, "{polls}");
}

async fn next_user_sees_its_own(pool: &Pool) {
    let get = timeout(Duration::from_secs(60), pool.get()).await;
    let mut connection = get.expect("a connection").unwrap();
    let variable = value(&mut connection, "SELECT variable").await;
    assert_eq!(variable.unwrap(), "");
    assert!(!connection.status().is_in_transaction());
}

#[test]
fn the_futures_can_be_moved_to_other_threads() {
    fn is_send<T: Send>(future: T) {
        drop(future);
    }
    let pool = Database::new().pool().build();
    let policy = policy();
    let again = pool.repeatable(&policy);
    is_send(again.query_one::<Row>("SELECT ?", (1,)));
    is_send(again.query_opt::<Row>("SELECT ?", (1, String::new())));
    is_send(again.query_all::<Row>("SELECT ?", [1]));
    is_send(again.execute("SELECT ?", ("Ada",)));
}
