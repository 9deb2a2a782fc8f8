//! What `stop` finds and ends.

use std::num::NonZeroU32;
use std::time::Instant;

use otaria::{CancelPolicy, CloseReason, Pipeline, Stopped};
use protocol_tests::live::LiveServer;

use super::*;

/// Gives `call` up, stops it, and goes on with the connection.
async fn is_stopped(
    connection: &mut Connection,
    call: impl AsyncFn(&mut Connection) -> Result<(), Error>,
) {
    let thread_id = connection.thread_id();
    give_up_running(thread_id, call(connection)).await;
    let start = Instant::now();
    assert_eq!(connection.stop().await.unwrap(), Stopped::Killed);
    println!("stopped in {:?}", start.elapsed());
    assert!(connection.is_idle());
    goes_on(connection, thread_id).await;
}

#[tokio::test]
async fn a_statement_is_found_and_stopped_however_it_was_sent() {
    let schema = live::shared().schema("stop").unwrap();
    schema.sql(HELD_TABLE).unwrap();
    let mut connection = patient(schema.name()).await;
    let connection = &mut connection;
    is_stopped(connection, async |c| {
        c.simple_execute(BENCHMARK).await.map(drop)
    })
    .await;
    is_stopped(connection, async |c| {
        c.execute(BENCHMARK, ()).await.map(drop)
    })
    .await;
    is_stopped(connection, async |c| {
        c.simple_execute(SLEEP).await.map(drop)
    })
    .await;
    let padded = " \r\n\t/* why */ SELECT SLEEP(600), '😀?' ; ";
    is_stopped(connection, async |c| {
        c.simple_execute(padded).await.map(drop)
    })
    .await;
    is_stopped(connection, async |c| c.execute(padded, ()).await.map(drop)).await;
    let sql = "SELECT SLEEP(?), ?, 'ä'";
    is_stopped(connection, async |c| {
        c.execute(sql, (600, "x'y?")).await.map(drop)
    })
    .await;
    // By the cache, and by a statement that is held.
    is_stopped(connection, async |c| {
        c.execute(sql, (600, "x'y?")).await.map(drop)
    })
    .await;
    let statement = connection.prepare(sql).await.unwrap();
    is_stopped(connection, async |c| {
        c.execute(&statement, (600, 1)).await.map(drop)
    })
    .await;
    let long = format!("SELECT SLEEP(600), '{}'", "long ".repeat(100_000));
    is_stopped(connection, async |c| {
        c.simple_execute(&long).await.map(drop)
    })
    .await;
    let holder = hold_rows(schema.name()).await;
    let bulk = "INSERT INTO t VALUES (?, ?)";
    is_stopped(connection, async |c| {
        let rows = (0..100).map(|number| (number, "value"));
        c.execute_batch(bulk, rows).await.map(drop)
    })
    .await;
    is_stopped(connection, async |c| {
        let rows = (0..100).map(|number| (number, "value"));
        c.batch(bulk).bulk(false).run(rows).await.map(drop)
    })
    .await;
    holder.close().await.unwrap();
    assert_eq!(schema.sql("SELECT COUNT(*) FROM t").unwrap(), "0\n");
}

#[tokio::test]
async fn a_statement_in_another_character_set_is_found() {
    let mut connection = patient("").await;
    for charset in ["latin1", "cp1250", "utf8mb3"] {
        connection
            .simple_execute(&format!("SET NAMES {charset}"))
            .await
            .unwrap();
        is_stopped(&mut connection, async |c| {
            c.simple_execute("SELECT 'äß', SLEEP(600)").await.map(drop)
        })
        .await;
    }
}

#[tokio::test]
async fn a_result_that_is_read_by_half_is_stopped() {
    let mut connection = patient("").await;
    let thread_id = connection.thread_id();
    for binary in [false, true] {
        let mut rows = if binary {
            connection.query(&millions(), ()).await.unwrap()
        } else {
            connection.simple_query(&millions()).await.unwrap()
        };
        for _ in 0..1_000 {
            assert!(rows.next().await.unwrap().is_some());
        }
        assert_eq!(connection.stop().await.unwrap(), Stopped::Killed);
        goes_on(&mut connection, thread_id).await;
    }
    let fetch_size = NonZeroU32::new(5_000_000).unwrap();
    let sql = &live::shared().dialect("SELECT seq, REPEAT('x', 20) FROM mysql.seq_1_to_1000000");
    let mut rows = connection
        .query_with_cursor(sql, (), fetch_size)
        .await
        .unwrap();
    assert!(rows.next().await.unwrap().is_some());
    assert_eq!(connection.stop().await.unwrap(), Stopped::Killed);
    goes_on(&mut connection, thread_id).await;
}

#[tokio::test]
async fn what_a_procedure_runs_is_stopped() {
    let schema = live::shared().schema("procedure").unwrap();
    let mut connection = patient(schema.name()).await;
    for sql in [
        "CREATE PROCEDURE sleeps(n INT) BEGIN SELECT 1; SELECT SLEEP(n); SELECT 2; END",
        "CREATE PROCEDURE hurries() BEGIN DECLARE i BIGINT DEFAULT 0; \
         WHILE i < 100000000000 DO SET i = i + 1; SET @a = i; END WHILE; END",
    ] {
        connection.simple_execute(sql).await.unwrap();
    }
    let connection = &mut connection;
    is_stopped(connection, async |c| {
        c.simple_execute("CALL sleeps(600)").await.map(drop)
    })
    .await;
    is_stopped(connection, async |c| {
        c.execute("CALL sleeps(?)", (600,)).await.map(drop)
    })
    .await;
    is_stopped(connection, async |c| {
        c.simple_execute("CALL hurries()").await.map(drop)
    })
    .await;
    is_stopped(connection, async |c| {
        c.execute("CALL hurries()", ()).await.map(drop)
    })
    .await;
}

#[tokio::test]
async fn what_a_function_runs_is_not_told_from_others_and_the_connection_is_closed() {
    let schema = live::shared().schema("function").unwrap();
    let mut connection = patient(schema.name()).await;
    let thread_id = connection.thread_id();
    let create = "CREATE FUNCTION waits(n INT) RETURNS INT \
                  BEGIN DECLARE x INT; SELECT SLEEP(n) INTO x; RETURN x; END";
    connection.simple_execute(create).await.unwrap();
    let call = async { connection.execute("SELECT waits(?)", (60,)).await.map(drop) };
    give_up_running(thread_id, call).await;
    assert_eq!(connection.stop().await.unwrap(), Stopped::NotFound);
    assert!(connection.close_reason().is_some());
    is_gone(thread_id, &config("")).await;
}

#[tokio::test]
async fn statements_behind_the_first_are_stopped_one_by_one() {
    let several = config("")
        .to_builder()
        .multi_statements(true)
        .build()
        .unwrap();
    let mut connection = Connection::connect(&several).await.unwrap();
    is_stopped(&mut connection, async |c| {
        let sql = "SELECT 1; SELECT SLEEP(600); SELECT 2";
        c.simple_execute(sql).await.map(drop)
    })
    .await;
    // Each of them, however far behind the first it stands.
    for padding in [200, 20_000] {
        let padding = "x".repeat(padding);
        let sql = format!("SELECT '{padding}'; SELECT SLEEP(600), '{padding}'; SELECT 2");
        is_stopped(&mut connection, async |c| {
            c.simple_execute(&sql).await.map(drop)
        })
        .await;
    }
    let mut pipeline = Pipeline::new();
    for seconds in [0, 600, 601, 602] {
        pipeline.push("SELECT SLEEP(?)", (seconds,));
    }
    is_stopped(&mut connection, async |c| {
        c.execute_pipeline(&pipeline).await.map(drop)
    })
    .await;
    let mut pipeline = Pipeline::new();
    pipeline.push("SELECT SLEEP(?), 1", (0.2,));
    pipeline.push("SELECT SLEEP(?), 2", (600,));
    pipeline.push("SELECT SLEEP(?), 3", (600,));
    is_stopped(&mut connection, async |c| {
        c.execute_pipeline(&pipeline).await.map(drop)
    })
    .await;
}

#[tokio::test]
async fn a_transaction_stays_open_when_its_statement_is_stopped() {
    let schema = live::shared().schema("stop_transaction").unwrap();
    schema.sql("CREATE TABLE t (a INT) ENGINE=InnoDB").unwrap();
    let mut connection = patient(schema.name()).await;
    connection
        .simple_execute("START TRANSACTION")
        .await
        .unwrap();
    connection
        .execute("INSERT INTO t VALUES (?)", (1,))
        .await
        .unwrap();
    is_stopped(&mut connection, async |c| {
        let sql =
            &live::shared().dialect("INSERT INTO t SELECT seq + SLEEP(1) FROM mysql.seq_1_to_1000");
        c.execute(sql, ()).await.map(drop)
    })
    .await;
    assert!(connection.status().is_in_transaction());
    let (count,): (u64,) = connection
        .query_one("SELECT COUNT(*) FROM t", ())
        .await
        .unwrap();
    assert_eq!(count, 1, "of the statement that was stopped nothing stays");
    connection.simple_execute("COMMIT").await.unwrap();
    assert_eq!(schema.sql("SELECT a FROM t").unwrap(), "1\n");
}

#[tokio::test]
async fn nothing_is_stopped_where_nothing_runs() {
    let mut connection = patient("").await;
    let thread_id = connection.thread_id();
    assert_eq!(connection.stop().await.unwrap(), Stopped::NotRunning);
    let mut rows = connection
        .simple_query("SELECT 1 UNION SELECT 2")
        .await
        .unwrap();
    assert!(rows.next().await.unwrap().is_some());
    assert_eq!(connection.stop().await.unwrap(), Stopped::NotRunning);
    goes_on(&mut connection, thread_id).await;
}

#[tokio::test]
async fn a_kill_that_comes_when_nothing_runs_does_not_end_the_next_statement() {
    let mut connection = patient("").await;
    let mut other = patient("").await;
    for _ in 0..50 {
        let sql = format!("KILL QUERY {}", connection.thread_id());
        other.simple_execute(&sql).await.unwrap();
        let (sum,): (i64,) = connection
            .query_one("SELECT 1 + SLEEP(0.001)", ())
            .await
            .unwrap();
        assert_eq!(sum, 1);
    }
}

#[tokio::test]
async fn a_dropped_statement_is_stopped_by_the_next_call_and_the_connection_stays() {
    let mut connection = patient("").await;
    let thread_id = connection.thread_id();
    for sql in [BENCHMARK, SLEEP] {
        give_up(async { connection.execute(sql, ()).await.map(drop) }).await;
        let start = Instant::now();
        goes_on(&mut connection, thread_id).await;
        assert!(
            start.elapsed() < Duration::from_secs(30),
            "{:?}",
            start.elapsed()
        );
    }
}

#[tokio::test]
async fn drop_a_stream_after_1_row_of_a_10_m_row_result_bounded_time_and_bytes_no_full_drain() {
    let mut connection = patient("").await;
    let thread_id = connection.thread_id();
    let mut rows = connection.query(&millions(), ()).await.unwrap();
    assert!(rows.next().await.unwrap().is_some());
    let start = Instant::now();
    goes_on(&mut connection, thread_id).await;
    // All of it is more than a gigabyte.
    assert!(
        start.elapsed() < Duration::from_secs(5),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test]
async fn by_policy_the_connection_is_closed_at_once() {
    let closing = config("").to_builder().cancel_policy(CancelPolicy::Close);
    let closing = closing.build().unwrap();
    let mut connection = Connection::connect(&closing).await.unwrap();
    give_up(async { connection.execute(SLEEP, ()).await.map(drop) }).await;
    let start = Instant::now();
    assert!(matches!(connection.ping().await, Err(Error::Closed { .. })));
    assert!(start.elapsed() < Duration::from_millis(500));
    assert_eq!(
        connection.close_reason(),
        Some(CloseReason::AbandonedResponse)
    );
}

#[tokio::test]
async fn by_policy_a_response_is_read_to_its_end() {
    let draining = config("").to_builder().cancel_policy(CancelPolicy::Drain);
    let draining = draining.build().unwrap();
    let mut connection = Connection::connect(&draining).await.unwrap();
    let thread_id = connection.thread_id();
    give_up(async {
        connection
            .execute("SELECT SLEEP(0.5), @a := 7", ())
            .await
            .map(drop)
    })
    .await;
    goes_on(&mut connection, thread_id).await;
    let (set,): (Option<i64>,) = connection.query_one("SELECT @a", ()).await.unwrap();
    assert_eq!(set, Some(7), "the statement has run to its end");
}

/// A ping takes the number of the server's next statement, and of two connections that have it the one
/// that came last is hit by KILL QUERY ID.
#[tokio::test]
async fn private_server_a_statement_is_stopped_whose_number_a_newer_connection_has_by_a_ping() {
    let server = LiveServer::builder().start().unwrap();
    let config: Config = server.url("").parse().unwrap();
    for by_token in [false, true] {
        let mut connection = Connection::connect(&config).await.unwrap();
        let mut newer = Connection::connect(&config).await.unwrap();
        let thread_id = connection.thread_id();
        let token = connection.cancel_token();
        newer.ping().await.unwrap();
        give_up(async { connection.simple_execute(SLEEP).await.map(drop) }).await;
        let numbers =
            "SELECT COUNT(DISTINCT QUERY_ID) FROM information_schema.PROCESSLIST WHERE ID IN";
        let numbers = format!("{numbers} ({thread_id}, {})", newer.thread_id());
        assert_eq!(server.sql(&numbers).unwrap(), "1\n", "both have one");
        let stopped = if by_token {
            token.cancel().await
        } else {
            connection.stop().await
        };
        assert_eq!(stopped.unwrap(), Stopped::Killed);
        goes_on(&mut connection, thread_id).await;
    }
}
