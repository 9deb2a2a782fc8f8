//! Connections that come back inside a response.

use std::pin::pin;
use std::time::Duration;

use otaria::Error;
use protocol_tests::pipe::Cut;
use tokio::time::{Instant, sleep};

use crate::database::Database;
use crate::value;

#[tokio::test(start_paused = true)]
async fn a_short_rest_of_a_response_is_read_when_the_connection_comes_back() -> Result<(), Error> {
    let database = Database::new();
    let pool = database.pool().max_size(1).build();
    let mut connection = pool.get().await?;
    let mut rows = connection.simple_query("SELECT rows").await?;
    rows.next().await?;
    drop(connection);
    assert_eq!(pool.status().idle, 1, "without the reaper");
    assert_eq!(
        value(&mut *pool.get().await?, "SELECT connection").await?,
        "0"
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_rest_that_comes_slowly_is_drained_in_the_background() -> Result<(), Error> {
    let database = Database::new();
    let pool = database.pool().max_size(1).build();
    let mut connection = pool.get().await?;
    database.pipe(0).set_cut(Cut::Every(1));
    let mut rows = connection.simple_query("SELECT rows").await?;
    rows.next().await?;
    drop(connection);
    let status = pool.status();
    assert_eq!((status.size, status.idle), (1, 0), "its place is taken");
    assert_eq!(
        value(&mut *pool.get().await?, "SELECT connection").await?,
        "0"
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn one_whose_response_does_not_end_is_closed_shortly_after() -> Result<(), Error> {
    let database = Database::new();
    let pool = database.pool().max_size(1).reaper_limit(0).build();
    let mut connection = pool.get().await?;
    drop(connection.simple_query("SELECT endless").await?);
    let start = Instant::now();
    drop(connection);
    assert_eq!(database.open_connections(), 1);
    let mut next = pin!(pool.get());
    let mut next = next.as_mut().await?;
    let waited = start.elapsed();
    assert!(waited < Duration::from_millis(150), "{waited:?}");
    assert_eq!(value(&mut next, "SELECT connection").await?, "1");
    assert_eq!(database.open_connections(), 1);
    assert_eq!(pool.status().broken, 1);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_is_left_of_a_response_is_read_though_the_pool_is_gone() -> Result<(), Error> {
    // Before the connection comes back, or while its response is being read.
    for is_gone_before in [true, false] {
        let database = Database::new();
        let pool = database.pool().build();
        let mut connection = pool.get().await?;
        database.pipe(0).set_cut(Cut::Every(1));
        let mut rows = connection.simple_query("SELECT rows").await?;
        rows.next().await?;
        let mut pool = Some(pool);
        if is_gone_before {
            pool.take();
        }
        drop(connection);
        assert_eq!(database.open_connections(), 1);
        drop(pool);
        assert_eq!(database.open_connections(), 1);
        database.pipe(0).set_cut(Cut::Whole);
        sleep(Duration::from_millis(20)).await;
        assert_eq!(database.open_connections(), 0);
        assert!(database.pipe(0).sent() > 0, "it was read on");
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn one_whose_response_does_not_end_is_closed_though_the_pool_is_gone() -> Result<(), Error> {
    let database = Database::new();
    let pool = database.pool().reaper_limit(0).build();
    let mut connection = pool.get().await?;
    drop(connection.simple_query("SELECT endless").await?);
    drop(pool);
    drop(connection);
    sleep(Duration::from_millis(150)).await;
    assert_eq!(database.open_connections(), 0);
    let metrics = tokio::runtime::Handle::current().metrics();
    assert_eq!(metrics.num_alive_tasks(), 0);
    Ok(())
}

#[test]
fn with_no_runtime_left_the_socket_is_closed() {
    let database = Database::new();
    let runtime = || {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_all().build().unwrap()
    };
    let first = runtime();
    let (pool, connection) = first.block_on(async {
        let pool = database.pool().max_size(1).build();
        let mut connection = pool.get().await.unwrap();
        drop(connection.simple_query("SELECT endless").await.unwrap());
        (pool, connection)
    });
    drop(first);
    drop(connection);
    assert_eq!((database.open_connections(), pool.status().size), (0, 0));
    runtime().block_on(async {
        let mut connection = pool.get().await.unwrap();
        let number = value(&mut connection, "SELECT connection").await.unwrap();
        assert_eq!(number, "1");
    });
}
