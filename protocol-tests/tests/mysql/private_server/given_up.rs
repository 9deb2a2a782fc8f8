//! Statements, transactions and connections that are given up. MySQL gives statements no numbers, so
//! that a kill may hit the next one: the connection is closed once it was sent.

use std::time::Duration;

use otaria::{
    CloseReason, ConfigBuilder, Connection, Error, ErrorKind, Pool, PooledConnection, ResetPolicy,
    ServerStatus, Stopped,
};
use protocol_tests::polls::{at_every_poll, poll_times};
use tokio::time::{Instant, sleep, timeout};

use crate::server::{connect, server, value};

const SLEEP: &str = "SELECT SLEEP(600)";

/// The ways to the server by which the process list shows another origin each.
async fn ways() -> [ConfigBuilder; 2] {
    let user = server().account("caching_sha2_password", "secret").await;
    let by_tcp = server().proven().user(user).password("secret");
    [by_tcp, server().unix().user("root")]
}

/// Waits until `call` runs on the server, and drops it.
async fn give_up(call: impl Future<Output = Result<(), Error>>) {
    let given_up = timeout(Duration::from_millis(300), call).await;
    assert!(given_up.is_err(), "it should still run: {given_up:?}");
}

/// Waits until the server runs nothing for the connection with this id any more.
async fn is_gone(thread_id: u32) {
    let sql = format!(
        "SELECT COALESCE(MAX(CONCAT(COMMAND, ': ', COALESCE(INFO, ''))), 'nothing')
         FROM performance_schema.processlist WHERE ID = {thread_id} AND INFO IS NOT NULL"
    );
    let end = Instant::now() + Duration::from_secs(10);
    loop {
        let (found,) = server().administer(&[&sql]).await.remove(0);
        if found == "nothing" {
            return;
        }
        assert!(Instant::now() < end, "{found}");
        sleep(Duration::from_millis(20)).await;
    }
}

async fn is_closed(connection: &mut Connection) {
    let error = connection.ping().await.unwrap_err();
    let reason = CloseReason::Cancelled;
    assert!(
        matches!(error, Error::Closed { reason: found } if found == reason),
        "{error:?}"
    );
    assert!(error.is_safe_to_retry());
}

#[tokio::test]
async fn a_statement_is_stopped_and_its_connection_closed() {
    for way in ways().await {
        let mut connection = connect(way).await.unwrap();
        let thread_id = connection.thread_id();
        give_up(async { connection.execute(SLEEP, ()).await.map(drop) }).await;
        assert_eq!(connection.stop().await.unwrap(), Stopped::Killed);
        assert_eq!(connection.close_reason(), Some(CloseReason::Cancelled));
        is_gone(thread_id).await;
        is_closed(&mut connection).await;
    }
}

#[tokio::test]
async fn where_nothing_runs_nothing_is_stopped_and_the_connection_stays() {
    for way in ways().await {
        let mut connection = connect(way).await.unwrap();
        assert_eq!(connection.stop().await.unwrap(), Stopped::NotRunning);
        drop(connection.simple_query("SELECT 1").await.unwrap());
        assert_eq!(connection.stop().await.unwrap(), Stopped::NotRunning);
        assert_eq!(value(&mut connection, "SELECT '42'").await, "42");
    }
}

#[tokio::test]
async fn a_call_that_takes_too_long_is_stopped_and_its_connection_closed() {
    for way in ways().await {
        let mut connection = connect(way).await.unwrap();
        let thread_id = connection.thread_id();
        let limit = Duration::from_millis(300);
        let start = Instant::now();
        let call = connection.with_timeout(limit).execute(SLEEP, ());
        let error = call.await.unwrap_err();
        // The connection cannot be used, so that it does not say that all is well.
        let is_closed_with = matches!(
            error,
            Error::Timeout {
                statement_stopped: false,
                ..
            }
        );
        assert!(is_closed_with, "{error:?}");
        assert!(
            start.elapsed() < Duration::from_secs(4),
            "{:?}",
            start.elapsed()
        );
        is_gone(thread_id).await;
        is_closed(&mut connection).await;
    }
}

#[tokio::test]
async fn a_dropped_statement_is_stopped_by_the_next_call_which_finds_the_connection_closed() {
    for way in ways().await {
        let mut connection = connect(way).await.unwrap();
        let thread_id = connection.thread_id();
        give_up(async { connection.execute(SLEEP, ()).await.map(drop) }).await;
        let error = connection.ping().await.unwrap_err();
        assert!(matches!(error, Error::Closed { .. }), "{error:?}");
        assert!(error.is_safe_to_retry());
        is_gone(thread_id).await;
    }
}

#[tokio::test]
async fn a_token_ends_what_runs_and_the_connection_is_closed_by_its_next_call() {
    for way in ways().await {
        let mut connection = connect(way).await.unwrap();
        let thread_id = connection.thread_id();
        let token = connection.cancel_token();
        let cancel = async {
            sleep(Duration::from_millis(300)).await;
            token.cancel().await.unwrap()
        };
        // One that the server interrupts by an error.
        let sql = "SELECT SLEEP(600) FROM (SELECT 1 UNION SELECT 2) AS t";
        let (result, stopped) = tokio::join!(connection.query_all::<(i64,)>(sql, ()), cancel);
        assert_eq!(stopped, Stopped::Killed);
        if let Err(error) = result {
            assert_eq!(error.kind(), ErrorKind::Cancelled, "{error:?}");
        }
        is_gone(thread_id).await;
        is_closed(&mut connection).await;
    }
}

#[tokio::test]
async fn a_dropped_stop_leaves_the_next_query_whole_or_the_connection_closed() {
    let [_, way] = ways().await;
    let mut closed = 0;
    let polls = at_every_poll(async |polls| {
        let mut connection = connect(way.clone()).await.unwrap();
        let thread_id = connection.thread_id();
        let sleep = connection.simple_execute("SELECT SLEEP(600)");
        assert!(timeout(Duration::from_millis(100), sleep).await.is_err());
        let stopped = poll_times(connection.stop(), polls).await;
        match connection.query_one::<(i64,)>("SELECT 20 + ?", (22,)).await {
            Ok((sum,)) => assert_eq!(sum, 42),
            Err(Error::Closed { .. }) => closed += 1,
            Err(error) => panic!("{error:?}"),
        }
        is_gone(thread_id).await;
        stopped.is_some()
    })
    .await;
    println!("{polls} polls, {closed} times closed");
    assert!(polls > 5 && closed > 0);
}

#[tokio::test]
async fn a_dropped_transaction_is_rolled_back() {
    let schema = server().schema().await;
    for (way, table) in ways().await.into_iter().zip(["a", "b"]) {
        let mut connection = connect(way.database(&schema)).await.unwrap();
        let create = format!("CREATE TABLE {table} (id INT PRIMARY KEY)");
        connection.simple_execute(&create).await.unwrap();
        let insert = format!("INSERT INTO {table} VALUES (?)");
        let mut transaction = connection.transaction().await.unwrap();
        transaction.execute(&insert, (1,)).await.unwrap();
        drop(transaction);
        assert!(!connection.status().is_in_transaction() || !connection.is_idle());
        connection.execute(&insert, (2,)).await.unwrap();
        let transaction = connection.transaction().await.unwrap();
        transaction.commit().await.unwrap();
        let mut transaction = connection.transaction().await.unwrap();
        transaction.execute(&insert, (3,)).await.unwrap();
        transaction.commit().await.unwrap();
        let sql = format!("SELECT CAST(GROUP_CONCAT(id ORDER BY id) AS CHAR) FROM {table}");
        assert_eq!(value(&mut connection, &sql).await, "2,3");
        assert!(!connection.status().is_in_transaction());
    }
}

async fn pool_of_one(schema: &str, policy: ResetPolicy) -> Pool {
    let config = server().unix().user("root").database(schema).build();
    let pool = Pool::builder(config.unwrap()).max_size(1);
    pool.reset_policy(policy).build()
}

async fn get(pool: &Pool) -> PooledConnection {
    pool.get().await.unwrap()
}

/// The answer to `sql`, which may be NULL.
async fn text(pool: &Pool, sql: &str) -> Option<String> {
    let (value,) = pool.query_one(sql, ()).await.unwrap();
    value
}

#[tokio::test]
async fn the_next_user_of_a_pooled_connection_finds_nothing_of_the_one_before() {
    let schema = server().schema().await;
    for policy in [ResetPolicy::WhenChanged, ResetPolicy::Always] {
        let pool = pool_of_one(&schema, policy).await;
        for sql in [
            "DROP TABLE IF EXISTS t",
            "CREATE TABLE t (v INT)",
            "INSERT INTO t VALUES (1)",
        ] {
            pool.execute(sql, ()).await.unwrap();
        }
        let id = get(&pool).await.thread_id();
        for (left_behind, asked) in [
            ("SET @u = 1", "SELECT CAST(@u AS CHAR)"),
            ("SELECT 1 INTO @u", "SELECT CAST(@u AS CHAR)"),
            ("SET sql_mode = 'ANSI'", "SELECT @@sql_mode"),
            ("SET NAMES latin1", "SELECT @@character_set_client"),
            ("SET time_zone = '+07:00'", "SELECT @@time_zone"),
            ("SET autocommit = 0", "SELECT CAST(@@autocommit AS CHAR)"),
            ("USE mysql", "SELECT DATABASE()"),
            (
                "SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE",
                "SELECT @@transaction_isolation",
            ),
            (
                "CREATE TEMPORARY TABLE t AS SELECT 'hidden' AS v",
                "SELECT CAST(MAX(v) AS CHAR) FROM t",
            ),
            (
                "SELECT GET_LOCK('otaria_mysql', 0)",
                "SELECT CAST(IS_USED_LOCK('otaria_mysql') AS CHAR)",
            ),
        ] {
            let expected = text(&pool, asked).await;
            let mut connection = get(&pool).await;
            connection.simple_execute(left_behind).await.unwrap();
            drop(connection);
            assert_eq!(
                text(&pool, asked).await,
                expected,
                "{policy:?}: {left_behind}"
            );
        }
        let mut connection = get(&pool).await;
        connection
            .simple_execute("START TRANSACTION")
            .await
            .unwrap();
        connection
            .simple_execute("INSERT INTO t VALUES (2)")
            .await
            .unwrap();
        drop(connection);
        let connection = get(&pool).await;
        assert!(!connection.status().contains(ServerStatus::IN_TRANS));
        assert_eq!(
            connection.thread_id(),
            id,
            "{policy:?}: it is the same connection"
        );
        drop(connection);
        let count = text(&pool, "SELECT CAST(COUNT(*) AS CHAR) FROM t").await;
        assert_eq!(count.as_deref(), Some("1"));
        pool.close().await;
    }
}

#[tokio::test]
async fn a_pooled_connection_that_nobody_has_changed_is_not_reset() {
    let schema = server().schema().await;
    // A reset forgets the statement, and how often it was executed.
    let executions = "SELECT CAST(SUM(COUNT_EXECUTE) AS CHAR)
        FROM performance_schema.prepared_statements_instances AS s
        JOIN performance_schema.threads AS t ON t.THREAD_ID = s.OWNER_THREAD_ID
        WHERE t.PROCESSLIST_ID = CONNECTION_ID() AND s.SQL_TEXT = 'SELECT 20 + ?'";
    for (policy, expected) in [
        (ResetPolicy::WhenChanged, Some("3")),
        (ResetPolicy::Always, None),
    ] {
        let pool = pool_of_one(&schema, policy).await;
        for _ in 0..3 {
            let (sum,): (i64,) = pool.query_one("SELECT 20 + ?", (22,)).await.unwrap();
            assert_eq!(sum, 42);
        }
        let found = text(&pool, executions).await;
        assert_eq!(found.as_deref(), expected, "{policy:?}");
    }
}

#[tokio::test]
async fn what_a_dropped_call_of_a_pool_runs_is_stopped_and_its_place_is_free() {
    let schema = server().schema().await;
    let pool = pool_of_one(&schema, ResetPolicy::WhenChanged).await;
    let mut connection = get(&pool).await;
    let thread_id = connection.thread_id();
    give_up(async { connection.execute(SLEEP, ()).await.map(drop) }).await;
    drop(connection);
    let start = Instant::now();
    assert_eq!(text(&pool, "SELECT '42'").await.as_deref(), Some("42"));
    assert!(
        start.elapsed() < Duration::from_secs(5),
        "{:?}",
        start.elapsed()
    );
    assert_ne!(get(&pool).await.thread_id(), thread_id);
    is_gone(thread_id).await;
}
