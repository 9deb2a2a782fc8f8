//! What goes on in the background.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use otaria::{CallbackError, CallbackFuture, Error, PoolError};
use protocol_tests::pipe::Action;
use tokio::time::{Instant, sleep};

use crate::database::Database;
use crate::value;

#[tokio::test(start_paused = true)]
async fn a_connection_is_closed_when_it_is_too_old() -> Result<(), Error> {
    let database = Database::new();
    let pool = database
        .pool()
        .max_lifetime(Duration::from_secs(100))
        .lifetime_jitter(Duration::ZERO)
        .idle_timeout(None)
        .build();
    drop(pool.get().await?);
    sleep(Duration::from_secs(99)).await;
    assert_eq!(pool.status().idle, 1);
    sleep(Duration::from_secs(12)).await;
    let status = pool.status();
    assert_eq!((status.size, status.idle, status.retired), (0, 0, 1));
    assert_eq!(database.open_connections(), 0);

    // One that is in use is closed when it comes back.
    let held = pool.get().await?;
    sleep(Duration::from_secs(200)).await;
    assert_eq!(database.open_connections(), 1);
    drop(held);
    assert_eq!((database.open_connections(), pool.status().retired), (0, 2));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn lifetimes_are_shortened_by_different_times() -> Result<(), Error> {
    let database = Database::new();
    let pool = database
        .pool()
        .max_size(50)
        .max_lifetime(Duration::from_secs(1000))
        .lifetime_jitter(Duration::from_secs(500))
        .idle_timeout(None)
        .build();
    let mut held = Vec::new();
    for _ in 0..50 {
        held.push(pool.get().await?);
    }
    drop(held);
    sleep(Duration::from_secs(490)).await;
    assert_eq!(pool.status().size, 50);
    sleep(Duration::from_secs(250)).await;
    let size = pool.status().size;
    assert!((10..40).contains(&size), "{size}");
    sleep(Duration::from_secs(300)).await;
    assert_eq!(pool.status().size, 0);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn idle_connections_are_closed_but_for_min_size() -> Result<(), Error> {
    let database = Database::new();
    let pool = database
        .pool()
        .min_size(2)
        .idle_timeout(Duration::from_secs(60))
        .build();
    let mut held = Vec::new();
    for _ in 0..5 {
        held.push(pool.get().await?);
    }
    drop(held);
    sleep(Duration::from_secs(55)).await;
    assert_eq!(pool.status().size, 5);
    sleep(Duration::from_secs(15)).await;
    assert_eq!((pool.status().size, database.open_connections()), (2, 2));
    sleep(Duration::from_secs(1000)).await;
    let status = pool.status();
    assert_eq!((status.size, status.retired), (2, 3));
    assert_eq!(database.connections(), 5, "none is closed and made anew");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn one_that_is_too_old_is_not_taken_in_front_of_the_next_round() -> Result<(), Error> {
    let database = Database::new();
    let pool = database
        .pool()
        .max_lifetime(Duration::from_secs(100))
        .lifetime_jitter(Duration::ZERO)
        .idle_timeout(None)
        .verify_after(None)
        .build();
    // Rounds are each 10 seconds.
    sleep(Duration::from_secs(5)).await;
    let (old, lost) = (pool.get().await?, pool.get().await?);
    drop(old);
    drop(lost);
    sleep(Duration::from_millis(100_500)).await;
    assert_eq!(pool.status().size, 2, "the round is yet to come");
    // Who has to wait looks at the clock.
    database.act(1, Action::Close);
    let mut waited = pool.get().await?;
    assert_eq!(value(&mut waited, "SELECT connection").await?, "2");
    let mut next = pool.get().await?;
    assert_eq!(value(&mut next, "SELECT connection").await?, "3");
    assert_eq!(pool.status().retired, 2);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn min_size_is_made_in_the_background_and_kept() -> Result<(), Error> {
    let database = Database::new();
    database.set_connect_time(Duration::from_secs(1));
    let pool = database.pool().min_size(3).build();
    sleep(Duration::from_secs(2)).await;
    let status = pool.status();
    assert_eq!((status.size, status.idle), (3, 3));
    let start = Instant::now();
    let mut connection = pool.get().await?;
    assert_eq!(start.elapsed(), Duration::ZERO);
    let number = value(&mut connection, "SELECT connection").await?;
    database.act(number.parse().unwrap(), Action::Close);
    assert!(connection.ping().await.is_err());
    drop(connection);
    sleep(Duration::from_secs(2)).await;
    assert_eq!((pool.status().size, database.open_connections()), (3, 3));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn prewarm_waits_for_min_size_and_tells_why_it_cannot() -> Result<(), Error> {
    let database = Database::new();
    database.set_connect_time(Duration::from_secs(1));
    let pool = database.pool().min_size(3).build();
    let start = Instant::now();
    pool.prewarm().await?;
    assert_eq!(start.elapsed(), Duration::from_secs(1), "side by side");
    assert_eq!((pool.status().idle, database.connections()), (3, 3));
    pool.prewarm().await?;
    pool.close().await;
    let error = pool.prewarm().await.unwrap_err();
    assert!(matches!(error, Error::Pool(PoolError::Closed)), "{error:?}");

    database.set_refuses(true);
    let pool = database.pool().min_size(3).build();
    let error = pool.prewarm().await.unwrap_err();
    assert!(
        matches!(&error, Error::Pool(PoolError::Connect(source))
            if matches!(**source, Error::Auth(_))),
        "{error:?}"
    );
    assert_eq!(pool.status().size, 0);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_server_that_refuses_is_tried_again_in_a_while_and_not_at_once() -> Result<(), Error> {
    let database = Database::new();
    database.set_refuses(true);
    let pool = database.pool().min_size(1).build();
    sleep(Duration::from_secs(10)).await;
    let failures = pool.status().connect_failures;
    assert!((5..=11).contains(&failures), "{failures}");
    database.set_refuses(false);
    sleep(Duration::from_secs(2)).await;
    assert_eq!(pool.status().idle, 1);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn connections_made_ahead_and_asked_for_are_never_more_than_max_size() -> Result<(), Error> {
    let database = Database::new();
    database.set_connect_time(Duration::from_secs(1));
    let pool = database.pool().max_size(2).min_size(2).build();
    // They are being made by the time that two tasks ask for them.
    sleep(Duration::from_millis(500)).await;
    let (one, other) = tokio::join!(pool.get(), pool.get());
    assert_eq!(database.connections(), 2);
    drop((one?, other?));
    assert_eq!(pool.status().size, 2);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_background_ends_with_the_pool_and_its_last_connection() -> Result<(), Error> {
    let database = Database::new();
    let pool = database.pool().min_size(1).build();
    pool.prewarm().await?;
    let metrics = tokio::runtime::Handle::current().metrics();
    assert_eq!(metrics.num_alive_tasks(), 1);
    drop(pool);
    sleep(Duration::from_millis(1)).await;
    assert_eq!(metrics.num_alive_tasks(), 0);
    assert_eq!(database.open_connections(), 0);

    // Who has a connection yet may give a statement up on it.
    let pool = database.pool().max_size(2).build();
    let (first, second) = (pool.get().await?, pool.get().await?);
    drop(pool);
    drop(first);
    sleep(Duration::from_millis(1)).await;
    assert_eq!(metrics.num_alive_tasks(), 1);
    drop(second);
    sleep(Duration::from_millis(1)).await;
    assert_eq!(metrics.num_alive_tasks(), 0);
    assert_eq!(database.open_connections(), 0);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_close_does_not_wait_for_a_connection_that_is_made_in_the_background() -> Result<(), Error>
{
    let database = Database::new();
    database.set_connect_time(Duration::from_secs(1));
    let pool = database.pool().min_size(2).build();
    sleep(Duration::from_millis(500)).await;
    let start = Instant::now();
    pool.close().await;
    assert!(start.elapsed() <= Duration::from_secs(1));
    assert_eq!((pool.status().size, database.open_connections()), (0, 0));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_pool_that_is_dropped_while_it_makes_connections_leaves_none() -> Result<(), Error> {
    let database = Database::new();
    database.set_connect_time(Duration::from_secs(1));
    for waits in [500, 1000, 1500] {
        let pool = database.pool().min_size(2).build();
        sleep(Duration::from_millis(waits)).await;
        drop(pool);
        sleep(Duration::from_secs(2)).await;
        assert_eq!(database.open_connections(), 0, "after {waits} ms");
        let metrics = tokio::runtime::Handle::current().metrics();
        assert_eq!(metrics.num_alive_tasks(), 0, "after {waits} ms");
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_smaller_pool_closes_connections_that_nobody_has_taken_yet() -> Result<(), Error> {
    let database = Database::new();
    let pool = database.pool().max_size(4).min_size(4).build();
    pool.prewarm().await?;
    drop([pool.get().await?, pool.get().await?]);
    pool.resize(1);
    assert_eq!((pool.status().size, database.open_connections()), (1, 1));
    Ok(())
}

#[tokio::test]
async fn after_connect_prepares_a_session_again_behind_a_reset() -> Result<(), Error> {
    let database = Database::new();
    let pool = database
        .pool()
        .after_connect(|connection| {
            CallbackFuture::new(async move {
                let set = connection.simple_execute("SET variable").await;
                set.map(|_| ()).map_err(CallbackError::new)
            })
        })
        .build();
    for sql in ["SELECT connection", "DO @y := 1"] {
        let mut connection = pool.get().await?;
        connection.simple_execute(sql).await?;
        assert_eq!(value(&mut connection, "SELECT variable").await?, "set");
    }
    database.take_commands();
    let mut connection = pool.get().await?;
    assert_eq!(value(&mut connection, "SELECT variable").await?, "set");
    drop(connection);
    // What the hook does is no change.
    assert_eq!(
        database.take_commands(),
        ["0: SET variable", "0: SELECT variable"]
    );
    Ok(())
}

#[tokio::test]
async fn a_hook_that_fails_after_connect_is_the_error_of_the_get() -> Result<(), Error> {
    let database = Database::new();
    let pool = database
        .pool()
        .max_size(1)
        .after_connect(|_| CallbackFuture::new(async { Err(CallbackError::new("no tenant")) }))
        .build();
    for _ in 0..3 {
        let error = pool.get().await.unwrap_err();
        assert!(
            matches!(error, Error::Pool(PoolError::Hook(_))),
            "{error:?}"
        );
    }
    assert_eq!((pool.status().size, database.open_connections()), (0, 0));
    Ok(())
}

#[tokio::test]
async fn a_connection_that_before_get_refuses_is_replaced() -> Result<(), Error> {
    let database = Database::new();
    let looked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&looked);
    let pool = database
        .pool()
        .before_get(move |_| {
            let is_first = counter.fetch_add(1, Ordering::Relaxed) == 0;
            CallbackFuture::new(async move {
                if is_first {
                    return Err(CallbackError::new("not this one"));
                }
                Ok(())
            })
        })
        .build();
    drop(pool.get().await?);
    assert_eq!(looked.load(Ordering::Relaxed), 0, "it is not idle");
    for _ in 0..2 {
        assert_eq!(
            value(&mut *pool.get().await?, "SELECT connection").await?,
            "1"
        );
    }
    assert_eq!(looked.load(Ordering::Relaxed), 2);
    Ok(())
}

#[tokio::test]
async fn after_return_says_which_connections_are_kept() -> Result<(), Error> {
    let database = Database::new();
    let pool = database.pool().after_return(|_| false).build();
    drop(pool.get().await?);
    assert_eq!((pool.status().retired, database.open_connections()), (1, 0));
    Ok(())
}
