//! Hooks that panic.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use otaria::{CallbackFuture, Error, Pool};
use protocol_tests::pipe::Cut;
use tokio::time::{sleep, timeout};

use crate::database::Database;
use crate::value;

/// Panics so many times.
#[derive(Clone)]
struct Panics(Arc<AtomicUsize>);

impl Panics {
    fn times(times: usize) -> Self {
        Self(Arc::new(AtomicUsize::new(times)))
    }

    fn set(&self, times: usize) {
        self.0.store(times, Ordering::Relaxed);
    }

    fn or_go_on(&self) {
        let less = |left: usize| left.checked_sub(1);
        let left = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
        assert!(left.is_err(), "a panic of the test");
    }
}

/// Where a hook panics.
#[derive(Clone, Copy)]
enum Place {
    Hook,
    Future,
}

fn after_connect(database: &Database, panics: &Panics, place: Place) -> otaria::PoolBuilder {
    let panics = panics.clone();
    database.pool().after_connect(move |_| {
        let panics = panics.clone();
        if let Place::Hook = place {
            panics.or_go_on();
        }
        CallbackFuture::new(async move {
            panics.or_go_on();
            Ok(())
        })
    })
}

#[tokio::test(start_paused = true)]
async fn a_hook_that_panics_in_the_background_does_not_end_what_goes_on_there() -> Result<(), Error>
{
    for place in [Place::Hook, Place::Future] {
        let database = Database::new();
        let pool = after_connect(&database, &Panics::times(2), place)
            .max_size(2)
            .min_size(2)
            .max_lifetime(Duration::from_secs(100))
            .lifetime_jitter(Duration::ZERO)
            .build();
        sleep(Duration::from_secs(5)).await;
        let status = pool.status();
        assert_eq!((status.size, status.idle), (2, 2));
        assert_eq!((status.connected, status.connect_failures), (2, 2));
        assert_eq!(database.open_connections(), 2);
        // They are made anew when they are old, and what is inside a response is read.
        sleep(Duration::from_secs(150)).await;
        assert_eq!((pool.status().retired, pool.status().size), (2, 2));
        let mut connection = pool.get().await?;
        let number = value(&mut connection, "SELECT connection").await?;
        database
            .pipe(number.parse().unwrap())
            .set_cut(Cut::Every(1));
        connection.simple_query("SELECT rows").await?.next().await?;
        drop(connection);
        sleep(Duration::from_secs(1)).await;
        assert_eq!((pool.status().idle, pool.status().broken), (2, 0));
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn one_that_panics_every_time_is_called_again_in_a_while_and_not_at_once() {
    let database = Database::new();
    let panics = Panics::times(usize::MAX);
    let pool = after_connect(&database, &panics, Place::Future).min_size(1);
    let pool = pool.build();
    sleep(Duration::from_secs(10)).await;
    let failures = pool.status().connect_failures;
    assert!((5..=11).contains(&failures), "{failures}");
    assert_eq!((pool.status().size, database.open_connections()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_a_hook_is_that_of_the_call_and_loses_no_place() -> Result<(), Error> {
    let database = Database::new();
    let (connecting, before) = (Panics::times(1), Panics::times(0));
    let looking = before.clone();
    let pool = after_connect(&database, &connecting, Place::Future)
        .max_size(1)
        .min_size(1)
        .before_get(move |_| {
            looking.or_go_on();
            CallbackFuture::new(async { Ok(()) })
        })
        .build();
    assert!(panics(pool.prewarm()).await, "while it makes one ahead");
    assert_eq!((pool.status().size, database.open_connections()), (0, 0));
    connecting.set(1);
    assert!(panics(pool.get()).await, "while one is made");
    drop(get(&pool).await?);
    before.set(1);
    assert!(panics(pool.get()).await, "while one is looked at");
    let mut connection = get(&pool).await?;
    assert_eq!(value(&mut connection, "SELECT variable").await?, "");
    drop(connection);
    assert_eq!((pool.status().size, database.open_connections()), (1, 1));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_judge_that_panics_has_the_connection_closed_and_hurts_nobody() -> Result<(), Error> {
    let database = Database::new();
    let panics_next = Panics::times(1);
    let judge = panics_next.clone();
    let pool = database
        .pool()
        .max_size(1)
        .after_return(move |_| {
            judge.or_go_on();
            true
        })
        .build();
    drop(get(&pool).await?);
    assert_eq!((pool.status().size, pool.status().retired), (0, 1));

    // Not even one who panics himself.
    panics_next.set(1);
    let connection = get(&pool).await?;
    let user = async move {
        let _held = connection;
        panic!("a panic of the user");
    };
    assert!(panics(user).await);
    assert_eq!((pool.status().size, pool.status().retired), (0, 2));

    // Nor in the background.
    panics_next.set(1);
    let mut connection = get(&pool).await?;
    database.pipe(2).set_cut(Cut::Every(1));
    connection.simple_query("SELECT rows").await?.next().await?;
    drop(connection);
    assert_eq!(pool.status().size, 1);
    sleep(Duration::from_secs(1)).await;
    assert_eq!((pool.status().size, pool.status().retired), (0, 3));
    assert_eq!(
        value(&mut *get(&pool).await?, "SELECT connection").await?,
        "3"
    );
    Ok(())
}

async fn panics(call: impl Future) -> bool {
    let mut call = Box::pin(call);
    poll_fn(|context| {
        let poll = AssertUnwindSafe(|| call.as_mut().poll(context));
        match catch_unwind(poll) {
            Ok(Poll::Pending) => Poll::Pending,
            done => Poll::Ready(done.is_err()),
        }
    })
    .await
}

async fn get(pool: &Pool) -> Result<otaria::PooledConnection, Error> {
    let get = timeout(Duration::from_secs(5), pool.get()).await;
    get.expect("there is a place")
}
