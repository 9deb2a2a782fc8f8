//! Connections that the server ends, and pools that are closed.

use std::time::{Duration, Instant};

use otaria::{Error, Pool};
use protocol_tests::live;
use tokio::time::sleep;

use super::{pool_of_one, value};
use crate::connect;

#[tokio::test]
async fn a_connection_that_was_killed_while_idle_is_never_handed_out() -> Result<(), Error> {
    let pool = pool_of_one("").build();
    let killed = pool.get().await?.thread_id();
    let mut other = connect("").await;
    other.simple_execute(&format!("KILL {killed}")).await?;
    // The server's word for it is on the way, or its end of the socket.
    let start = Instant::now();
    while value::<i64>(
        &mut other,
        &format!("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE ID = {killed}"),
    )
    .await?
        > 0
    {
        assert!(start.elapsed() < Duration::from_secs(10));
        sleep(Duration::from_millis(5)).await;
    }
    sleep(Duration::from_millis(50)).await;
    let mut connection = pool.get().await?;
    assert_ne!(connection.thread_id(), killed);
    assert_eq!(value::<i64>(&mut connection, "SELECT 1").await?, 1);
    Ok(())
}

#[tokio::test]
async fn a_closed_pool_leaves_no_connection_and_no_aborted_client_on_the_server()
-> Result<(), Error> {
    let schema = live::shared().schema("pool_closed").unwrap();
    let config: otaria::Config = live::shared().url(schema.name()).parse().unwrap();
    let pool = Pool::builder(config).max_size(4).min_size(4).build();
    pool.prewarm().await?;
    let mut other = connect("").await;
    let count = format!(
        "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE DB = '{}'",
        schema.name()
    );
    assert_eq!(value::<i64>(&mut other, &count).await?, 4);
    pool.close().await;
    let start = Instant::now();
    while value::<i64>(&mut other, &count).await? > 0 {
        assert!(start.elapsed() < Duration::from_secs(10));
        sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}
