//! What becomes of a pool's connection that comes back while the server is busy with its statement.

use std::time::Duration;

use otaria::{CancelPolicy, Config, Error, Pool, PoolBuilder};
use protocol_tests::live;
use protocol_tests::traces::Watch;
use tokio::time::{Instant, timeout};

fn pool(policy: CancelPolicy) -> PoolBuilder {
    let config: Config = live::shared().url("mysql").parse().unwrap();
    let config = config.to_builder().cancel_policy(policy);
    let config = config.drain_timeout(Duration::from_millis(300));
    Pool::builder(config.build().unwrap()).max_size(1)
}

/// Gives `sql` up when the server runs it, and returns the number of the connection that the next
/// user gets, and that of this one.
async fn give_up(pool: &Pool, sql: &str) -> Result<(u32, u32), Error> {
    let mut connection = pool.get().await?;
    let id = connection.thread_id();
    let query = connection.simple_query(sql);
    assert!(timeout(Duration::from_millis(100), query).await.is_err());
    drop(connection);
    let mut next = pool.get().await?;
    let (own,): (u32,) = next.query_one("SELECT CONNECTION_ID()", ()).await?;
    Ok((id, own))
}

/// A statement that only a kill ends, with a mark.
fn endless(mark: &str) -> String {
    format!("SELECT BENCHMARK(2000000000, SHA2('{mark}', 256))")
}

async fn is_gone(mark: &str) -> Result<(), Error> {
    let config: Config = live::shared().url("").parse()?;
    let mut watch = Watch::connect(&config).await?;
    let limit = Duration::from_secs(10);
    watch
        .wait_until_gone(mark, limit, |one| one.runs(mark))
        .await?;
    Ok(())
}

#[tokio::test]
async fn a_statement_that_runs_on_is_stopped_and_its_connection_goes_back() -> Result<(), Error> {
    let pool = pool(CancelPolicy::Stop).build();
    let (id, next) = give_up(&pool, &endless("stopped")).await?;
    is_gone("stopped").await?;
    assert_eq!(id, next, "the connection stays in use");
    assert_eq!(pool.status().broken, 0);
    Ok(())
}

#[tokio::test]
async fn a_statement_that_runs_on_is_stopped_though_the_pool_is_dropped() -> Result<(), Error> {
    for (mark, is_gone_before) in [("dropped behind", false), ("dropped before", true)] {
        let pool = pool(CancelPolicy::Stop).build();
        let mut connection = pool.get().await?;
        let mut pool = Some(pool);
        if is_gone_before {
            pool.take();
        }
        let sql = endless(mark);
        let query = connection.simple_query(&sql);
        assert!(timeout(Duration::from_millis(100), query).await.is_err());
        drop(connection);
        drop(pool);
        is_gone(mark).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_transaction_whose_statement_was_stopped_is_rolled_back() -> Result<(), Error> {
    let schema = live::shared().schema("stopped").unwrap();
    schema
        .sql("CREATE TABLE t (id INT) ENGINE = InnoDB")
        .unwrap();
    let pool = pool(CancelPolicy::Stop).build();
    let table = format!("{}.t", schema.name());
    let mut connection = pool.get().await?;
    connection.simple_execute("START TRANSACTION").await?;
    let sql = format!("INSERT INTO {table} VALUES (1)");
    connection.simple_execute(&sql).await?;
    let sql = endless("in a transaction");
    let query = connection.simple_query(&sql);
    assert!(timeout(Duration::from_millis(100), query).await.is_err());
    drop(connection);
    let mut next = pool.get().await?;
    let sql = format!("SELECT @@in_transaction, (SELECT COUNT(*) FROM {table})");
    let sql = live::shared().dialect(&sql);
    let row: (u8, u64) = next.query_one(&sql, ()).await?;
    assert_eq!(row, (0, 0));
    is_gone("in a transaction").await
}

#[tokio::test]
async fn a_long_result_is_given_up_after_1_mib_and_its_connection_goes_back() -> Result<(), Error> {
    let pool = pool(CancelPolicy::Stop).build();
    let mut connection = pool.get().await?;
    let id = connection.thread_id();
    let sent = sent_bytes().await;
    let sql = &live::shared().dialect("SELECT REPEAT('x', 1000) FROM seq_1_to_1000000");
    let mut rows = connection.simple_query(sql).await?;
    rows.next().await?.expect("a million rows");
    drop(connection);
    let start = Instant::now();
    let next = pool.get().await?;
    assert_eq!(next.thread_id(), id, "the connection stays in use");
    drop(next);
    let sent = sent_bytes().await - sent;
    println!("{sent} bytes in {:?}", start.elapsed());
    // A gigabyte, if it were read to its end.
    assert!(sent < 100 << 20, "{sent} bytes");
    Ok(())
}

/// What the server has sent to all of its clients.
async fn sent_bytes() -> u64 {
    let config: Config = live::shared().url("").parse().unwrap();
    let mut watch = Watch::connect(&config).await.unwrap();
    watch.status("Bytes_sent").await.unwrap()
}

#[tokio::test]
async fn without_connections_beside_the_pool_s_the_connection_is_closed() -> Result<(), Error> {
    let pool = pool(CancelPolicy::Stop).reaper_limit(0).build();
    let (id, next) = give_up(&pool, "SELECT SLEEP(20), 'no place'").await?;
    assert_ne!(id, next);
    assert_eq!(pool.status().broken, 1);
    Ok(())
}

#[tokio::test]
async fn the_cancel_policy_of_the_configuration_holds_in_a_pool() -> Result<(), Error> {
    for (policy, least) in [(CancelPolicy::Drain, 300), (CancelPolicy::Close, 0)] {
        let pool = pool(policy).build();
        let start = Instant::now();
        let (id, next) = give_up(&pool, "SELECT SLEEP(20), 'closed'").await?;
        assert_ne!(id, next, "{policy:?}");
        assert!(
            start.elapsed() >= Duration::from_millis(least),
            "{policy:?}"
        );
    }
    Ok(())
}
