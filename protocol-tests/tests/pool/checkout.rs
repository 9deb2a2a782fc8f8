//! Getting connections, and waiting for them.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use otaria::{CallbackFuture, Error, Pool, PoolError, PoolPhase};
use protocol_tests::pipe::{Action, Cut};
use protocol_tests::polls::{at_every_poll, poll_times};
use tokio::time::{Instant, sleep, timeout};

use crate::database::Database;
use crate::value;

fn is_pending<F: Future>(future: Pin<&mut F>) -> bool {
    let mut context = Context::from_waker(Waker::noop());
    matches!(future.poll(&mut context), Poll::Pending)
}

#[tokio::test]
async fn the_connection_that_came_back_last_is_taken_first() -> Result<(), Error> {
    let database = Database::new();
    let pool = database.pool().build();
    let (first, second) = (pool.get().await?, pool.get().await?);
    drop(second);
    drop(first);
    assert_eq!(
        value(&mut *pool.get().await?, "SELECT connection").await?,
        "0"
    );
    let (mut first, mut second) = (pool.get().await?, pool.get().await?);
    assert_eq!(value(&mut first, "SELECT connection").await?, "0");
    assert_eq!(value(&mut second, "SELECT connection").await?, "1");
    assert_eq!(database.connections(), 2);
    Ok(())
}

#[tokio::test]
async fn a_checkout_of_an_unchanged_connection_takes_no_round_trip() -> Result<(), Error> {
    let database = Database::new();
    let pool = database.pool().build();
    value(&mut *pool.get().await?, "SELECT connection").await?;
    database.take_commands();
    for _ in 0..3 {
        value(&mut *pool.get().await?, "SELECT connection").await?;
    }
    assert_eq!(database.take_commands(), ["0: SELECT connection"; 3]);
    Ok(())
}

#[tokio::test]
async fn a_pool_adds_one_query_to_the_login_and_no_other() -> Result<(), Error> {
    let database = Database::new();
    let pool = database.pool().build();
    drop(pool.get().await?);
    let added = "0: SET session_track_state_change=1, session_track_transaction_info='STATE'";
    assert_eq!(database.take_commands(), [added]);
    drop(pool);
    let pool = database
        .pool()
        .reset_policy(otaria::ResetPolicy::Never)
        .build();
    drop(pool.get().await?);
    assert!(database.take_commands().is_empty());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn who_waits_gets_a_connection_in_the_order_of_coming() -> Result<(), Error> {
    let pool = Database::new().pool().max_size(1).build();
    let held = pool.get().await?;
    let mut waiting: Vec<_> = (0..5).map(|_| Box::pin(pool.get())).collect();
    assert!(waiting.iter_mut().all(|get| is_pending(get.as_mut())));
    assert_eq!(pool.status().waiting, 5);
    drop(held);
    while !waiting.is_empty() {
        // All but the first have to wait on.
        let mut behind = waiting.iter_mut().skip(1);
        assert!(behind.all(|get| is_pending(get.as_mut())));
        drop(waiting.remove(0).await?);
    }
    assert_eq!(pool.status().waiting, 0);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_waiter_that_is_dropped_loses_no_wake_up() -> Result<(), Error> {
    let pool = Database::new().pool().max_size(1).build();
    let held = pool.get().await?;
    let mut dropped = Box::pin(pool.get());
    let mut next = pin!(pool.get());
    assert!(is_pending(dropped.as_mut()) && is_pending(next.as_mut()));
    drop(held);
    // The connection is its by now, and it has not looked.
    drop(dropped);
    drop(
        timeout(Duration::from_secs(1), next)
            .await
            .expect("it is woken")?,
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn one_deadline_covers_waiting_and_connecting() -> Result<(), Error> {
    let database = Database::new();
    let pool = database
        .pool()
        .max_size(1)
        .get_timeout(Duration::from_secs(3))
        .build();
    let held = pool.get().await?;
    let start = Instant::now();
    let error = pool.get().await.unwrap_err();
    assert!(
        matches!(
            error,
            Error::Pool(PoolError::Timeout {
                phase: PoolPhase::Wait
            })
        ),
        "{error:?}"
    );
    assert_eq!(start.elapsed().as_secs(), 3);

    // Two seconds of waiting, and two of connecting.
    database.set_connect_time(Duration::from_secs(2));
    let start = Instant::now();
    let (got, ()) = tokio::join!(pool.get(), async {
        sleep(Duration::from_secs(2)).await;
        drop(held.detach());
    });
    assert!(
        matches!(
            got,
            Err(Error::Pool(PoolError::Timeout {
                phase: PoolPhase::Create
            }))
        ),
        "{got:?}"
    );
    assert_eq!(start.elapsed().as_secs(), 3);
    assert_eq!(pool.status().timeouts, 2);
    drop(pool.get().await?);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_deadline_covers_a_hook_and_says_so() -> Result<(), Error> {
    let database = Database::new();
    let pool = database
        .pool()
        .get_timeout(Duration::from_secs(3))
        .before_get(|_| CallbackFuture::new(std::future::pending()))
        .build();
    drop(pool.get().await?);
    let error = pool.get().await.unwrap_err();
    assert!(
        matches!(
            error,
            Error::Pool(PoolError::Timeout {
                phase: PoolPhase::Recycle
            })
        ),
        "{error:?}"
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn connect_failure_does_not_leak_the_slot() -> Result<(), Error> {
    let database = Database::new();
    let pool = database.pool().max_size(1).build();
    database.set_refuses(true);
    for _ in 0..10 {
        let error = pool.get().await.unwrap_err();
        assert!(error.is_safe_to_retry(), "no statement was sent");
        assert!(
            matches!(&error, Error::Pool(PoolError::Connect(source))
                if matches!(**source, Error::Auth(_))),
            "{error:?}"
        );
    }
    database.set_refuses(false);
    drop(
        timeout(Duration::from_secs(1), pool.get())
            .await
            .expect("a slot")?,
    );
    let status = pool.status();
    assert_eq!((status.size, status.connect_failures), (1, 10));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_get_that_is_dropped_while_it_connects_leaves_its_slot() -> Result<(), Error> {
    let database = Database::new();
    database.set_connect_time(Duration::from_secs(1));
    let pool = database.pool().max_size(1).build();
    for _ in 0..3 {
        assert!(poll_times(pool.get(), 1).await.is_none());
    }
    assert_eq!(pool.status().size, 0);
    drop(pool.get().await?);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_get_dropped_at_every_poll_leaves_the_pool_whole() -> Result<(), Error> {
    let database = Database::new();
    let pool = database.pool().max_size(1).build();
    let polls = at_every_poll(async |polls| {
        // The next checkout has answers to read.
        database.set_cut(Cut::Every(3));
        {
            let mut connection = pool.get().await.unwrap();
            connection.simple_execute("BEGIN").await.unwrap();
            connection.simple_execute("SET variable").await.unwrap();
        }
        let got = poll_times(pool.get(), polls).await;
        let is_done = got.is_some();
        drop(got);
        let get = timeout(Duration::from_secs(60), pool.get()).await;
        let mut connection = get.expect("a connection").unwrap();
        assert!(!connection.status().is_in_transaction());
        assert_eq!(value(&mut connection, "SELECT variable").await.unwrap(), "");
        is_done
    })
    .await;
    assert!(polls > 20, "{polls}");
    assert_eq!(database.open_connections(), 1);
    Ok(())
}

#[tokio::test]
async fn panic_in_user_code_with_a_checked_out_connection_gives_it_back_clean() -> Result<(), Error>
{
    let database = Database::new();
    let pool = database.pool().max_size(1).build();
    let task = tokio::spawn({
        let pool = pool.clone();
        async move {
            let mut connection = pool.get().await.unwrap();
            connection.simple_execute("BEGIN").await.unwrap();
            panic!("as any code may");
        }
    });
    assert!(task.await.unwrap_err().is_panic());
    let mut connection = pool.get().await?;
    assert_eq!(value(&mut connection, "SELECT connection").await?, "0");
    assert!(!connection.status().is_in_transaction());
    Ok(())
}

#[tokio::test]
async fn a_connection_that_the_server_has_closed_is_never_handed_out() -> Result<(), Error> {
    for end in [Action::Close, Action::Reset] {
        let database = Database::new();
        let pool = database.pool().build();
        drop(pool.get().await?);
        database.act(0, end);
        assert_eq!(
            value(&mut *pool.get().await?, "SELECT connection").await?,
            "1"
        );
        let status = pool.status();
        assert_eq!((status.size, status.broken), (1, 1));
    }
    Ok(())
}

#[tokio::test]
async fn a_connection_that_says_what_nobody_asked_for_is_never_handed_out() -> Result<(), Error> {
    // "KILL CONNECTION while idle": ERR 1927 with sequence number 0; half a packet; a packet that is
    // none.
    for said in [
        b"\x1a\0\0\0\xff\x87\x07#70100Connection killed".as_slice(),
        b"\x1a\0\0",
        b"\x01\0\0\0\0",
    ] {
        let database = Database::new();
        let pool = database.pool().build();
        drop(pool.get().await?);
        database.act(0, Action::Send(said.to_vec()));
        assert_eq!(
            value(&mut *pool.get().await?, "SELECT connection").await?,
            "1"
        );
        assert_eq!(database.open_connections(), 1);
    }
    Ok(())
}

#[tokio::test]
async fn a_connection_that_was_lost_in_use_does_not_come_back() -> Result<(), Error> {
    let database = Database::new();
    let pool = database.pool().max_size(1).build();
    let mut connection = pool.get().await?;
    database.act(0, Action::Close);
    assert!(connection.ping().await.is_err());
    drop(connection);
    let status = pool.status();
    assert_eq!((status.size, status.idle, status.broken), (0, 0, 1));
    assert_eq!(
        value(&mut *pool.get().await?, "SELECT connection").await?,
        "1"
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn one_that_was_idle_for_longer_than_verify_after_is_pinged() -> Result<(), Error> {
    let database = Database::new();
    let pool = database
        .pool()
        .verify_after(Duration::from_secs(20))
        .build();
    drop(pool.get().await?);
    database.take_commands();
    sleep(Duration::from_secs(15)).await;
    drop(pool.get().await?);
    assert!(database.take_commands().is_empty());
    sleep(Duration::from_secs(21)).await;
    drop(pool.get().await?);
    assert_eq!(database.take_commands(), ["0: PING"]);

    // One that does not answer does not take all of the time that a get has.
    database.hang_on_ping();
    sleep(Duration::from_secs(21)).await;
    let start = Instant::now();
    assert_eq!(
        value(&mut *pool.get().await?, "SELECT connection").await?,
        "1"
    );
    assert_eq!(start.elapsed().as_secs(), 2);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn close_waits_until_the_last_connection_is_gone() -> Result<(), Error> {
    let database = Database::new();
    let pool = database.pool().max_size(2).build();
    let (mut held, idle) = (pool.get().await?, pool.get().await?);
    let full = pool.clone();
    let waiting = tokio::spawn(async move { full.get().await.map(drop) });
    tokio::task::yield_now().await;
    drop(idle);
    waiting.await.unwrap()?;
    let mut close = pin!(pool.close());
    assert!(is_pending(close.as_mut()));
    // One that is idle is closed at once, with a farewell.
    assert_eq!(database.open_connections(), 1);
    assert!(database.pipe(1).received().ends_with(&[1, 0, 0, 0, 1]));
    assert!(matches!(
        pool.get().await,
        Err(Error::Pool(PoolError::Closed))
    ));
    assert!(pool.is_closed());
    assert_eq!(value(&mut held, "SELECT connection").await?, "0");
    assert!(is_pending(close.as_mut()));
    drop(held);
    assert!(!is_pending(close.as_mut()));
    assert_eq!(database.open_connections(), 0);
    assert_eq!(pool.status().size, 0);
    pool.close().await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn who_waits_when_the_pool_is_closed_is_told_so() -> Result<(), Error> {
    let database = Database::new();
    let pool = database.pool().max_size(1).build();
    let held = pool.get().await?;
    let mut waiting = pin!(pool.get());
    assert!(is_pending(waiting.as_mut()));
    let mut close = pin!(pool.close());
    assert!(is_pending(close.as_mut()));
    let error = waiting.await.unwrap_err();
    assert!(matches!(error, Error::Pool(PoolError::Closed)), "{error:?}");
    drop(held);
    close.await;

    // Nor is a connection handed out that was being made.
    database.set_connect_time(Duration::from_secs(1));
    let pool = database.pool().build();
    let mut connecting = pin!(pool.get());
    assert!(is_pending(connecting.as_mut()));
    let mut close = pin!(pool.close());
    assert!(is_pending(close.as_mut()));
    let error = connecting.await.unwrap_err();
    assert!(matches!(error, Error::Pool(PoolError::Closed)), "{error:?}");
    close.await;
    assert_eq!(database.open_connections(), 0);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_dropped_pool_closes_what_is_idle_and_later_what_is_in_use() -> Result<(), Error> {
    let database = Database::new();
    let pool = database.pool().build();
    let (mut held, idle) = (pool.get().await?, pool.get().await?);
    drop(idle);
    drop(pool);
    assert_eq!(database.open_connections(), 1);
    assert_eq!(value(&mut held, "SELECT connection").await?, "0");
    drop(held);
    assert_eq!(database.open_connections(), 0);
    Ok(())
}

#[tokio::test]
async fn a_detached_connection_makes_room_for_another() -> Result<(), Error> {
    let database = Database::new();
    let pool = database.pool().max_size(1).build();
    let mut detached = pool.get().await?.detach();
    assert_eq!(pool.status().size, 0);
    assert_eq!(
        value(&mut *pool.get().await?, "SELECT connection").await?,
        "1"
    );
    assert_eq!(value(&mut detached, "SELECT connection").await?, "0");
    Ok(())
}

#[tokio::test]
async fn a_smaller_pool_closes_idle_connections_and_a_larger_one_has_room() -> Result<(), Error> {
    let database = Database::new();
    let pool = database.pool().max_size(3).build();
    let held = [pool.get().await?, pool.get().await?, pool.get().await?];
    drop(held);
    pool.resize(1);
    assert_eq!(
        (pool.status().max_size, database.open_connections()),
        (1, 1)
    );
    let first = pool.get().await?;
    assert!(is_pending(pin!(pool.get())));
    pool.resize(2);
    let second = pool.get().await?;
    pool.resize(1);
    drop((first, second));
    assert_eq!(database.open_connections(), 1);
    Ok(())
}

#[test]
fn a_connection_whose_runtime_is_gone_is_not_handed_out_by_another() {
    let server = protocol_tests::live::shared();
    let config: otaria::Config = server.url("").parse().unwrap();
    let pool = Arc::new(Pool::new(config));
    for _ in 0..2 {
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_all().build().unwrap();
        runtime.block_on(async {
            let mut connection = pool.get().await.unwrap();
            connection.ping().await.unwrap();
        });
    }
}
