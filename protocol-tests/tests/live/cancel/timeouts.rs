//! Calls that take too long.

use std::num::NonZeroU32;
use std::time::Instant;

use otaria::{CancelPolicy, CloseReason, Pipeline, TimeoutPhase};

use super::*;
use crate::connect;

const LIMIT: Duration = Duration::from_millis(300);

/// Checks that `call` ends by its timeout, soon, and that the connection goes on.
async fn times_out(
    connection: &mut Connection,
    call: impl AsyncFn(&mut Connection) -> Result<(), Error>,
) -> Error {
    let thread_id = connection.thread_id();
    let start = Instant::now();
    let error = call(connection.with_timeout(LIMIT)).await.unwrap_err();
    assert!(
        (LIMIT..LIMIT * 15).contains(&start.elapsed()),
        "{:?}: {error}",
        start.elapsed()
    );
    let inner = match &error {
        Error::Batch(batch) => &batch.source,
        error => error,
    };
    let Error::Timeout {
        phase: TimeoutPhase::Read(_),
        statement_stopped: true,
    } = inner
    else {
        panic!("{error:?}");
    };
    goes_on(connection, thread_id).await;
    error
}

#[tokio::test]
async fn a_call_that_takes_too_long_is_stopped_and_the_connection_goes_on() {
    let mut connection = connect("").await;
    let connection = &mut connection;
    times_out(connection, async |c| {
        c.simple_execute(SLEEP).await.map(drop)
    })
    .await;
    times_out(connection, async |c| {
        c.execute(BENCHMARK, ()).await.map(drop)
    })
    .await;
    times_out(connection, async |c| {
        c.query_one::<(i64,)>(SLEEP, ()).await.map(drop)
    })
    .await;
    // Prepared already, it takes a shorter way.
    let sql = "SELECT SLEEP(?)";
    let (slept,): (i64,) = connection.query_one(sql, (0,)).await.unwrap();
    assert_eq!(slept, 0);
    times_out(connection, async |c| {
        c.query_one::<(i64,)>(sql, (600,)).await.map(drop)
    })
    .await;
    times_out(connection, async |c| {
        c.query_all::<(u64, String)>(&millions(), ())
            .await
            .map(drop)
    })
    .await;
    times_out(connection, async |c| {
        let mut rows = c.query(&millions(), ()).await?;
        while rows.next().await?.is_some() {}
        Ok(())
    })
    .await;
    times_out(connection, async |c| {
        let mut rows = c.query(&millions(), ()).await?;
        while let Some(chunk) = rows.next_chunk().await? {
            chunk.for_each(drop);
        }
        Ok(())
    })
    .await;
    times_out(connection, async |c| {
        let sql = &live::shared().dialect("SELECT seq FROM mysql.seq_1_to_3000000");
        let one = NonZeroU32::new(1).unwrap();
        let mut rows = c.query_with_cursor(sql, (), one).await?;
        while rows.next().await?.is_some() {}
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn of_many_statements_in_a_call_that_takes_too_long_it_is_known_which_have_run() {
    let schema = live::shared().schema("timeouts_many").unwrap();
    schema.sql(HELD_TABLE).unwrap();
    let mut connection = connect(schema.name()).await;
    let connection = &mut connection;
    let _holder = hold_rows(schema.name()).await;
    let error = times_out(connection, async |c| {
        let rows = (0..100).map(|number| (number, "value"));
        let sql = "INSERT INTO t VALUES (?, ?)";
        c.execute_batch(sql, rows).await.map(drop)
    })
    .await;
    let Error::Batch(batch) = error else {
        panic!("{error:?}")
    };
    assert_eq!((batch.rows_confirmed, batch.rows_unknown), (0, 100));
    let error = times_out(connection, async |c| {
        // Each is stopped by itself.
        let rows = (0..30).map(|number| ("value", number));
        let sql = "UPDATE t SET b = ? WHERE a = ?";
        c.batch(sql).bulk(false).run(rows).await.map(drop)
    })
    .await;
    let Error::Batch(batch) = error else {
        panic!("{error:?}")
    };
    assert_eq!(batch.rows_confirmed, 0);
    assert!(batch.rows_unknown > 0);
    times_out(connection, async |c| {
        let mut pipeline = Pipeline::new();
        for seconds in [0, 600, 0] {
            pipeline.push("SELECT SLEEP(?)", (seconds,));
        }
        let mut results = c.execute_pipeline(&pipeline).await?.into_iter();
        assert!(results.next().unwrap().is_ok());
        let second = results.next().unwrap().unwrap_err();
        let third = results.next().unwrap().unwrap_err();
        assert_eq!(format!("{second:?}"), format!("{third:?}"));
        Err(second)
    })
    .await;
}

#[tokio::test]
async fn every_call_of_a_connection_has_its_timeout_and_one_may_have_its_own() {
    let limited = config("").to_builder().call_timeout(LIMIT).build().unwrap();
    let mut connection = Connection::connect(&limited).await.unwrap();
    for _ in 0..2 {
        let error = connection.execute(SLEEP, ()).await.unwrap_err();
        assert!(
            matches!(
                error,
                Error::Timeout {
                    statement_stopped: true,
                    ..
                }
            ),
            "{error:?}"
        );
        let (slept,): (i64,) = connection
            .query_one("SELECT SLEEP(0.05)", ())
            .await
            .unwrap();
        assert_eq!(slept, 0);
    }
    let longer = connection.with_timeout(Duration::from_secs(60));
    let (slept,): (i64,) = longer.query_one("SELECT SLEEP(0.6)", ()).await.unwrap();
    assert_eq!(slept, 0);
    let error = connection.execute(SLEEP, ()).await.unwrap_err();
    assert!(
        matches!(error, Error::Timeout { .. }),
        "the next has that of the connection again"
    );
}

#[tokio::test]
async fn a_transaction_stays_open_when_a_call_of_it_takes_too_long() {
    let schema = live::shared().schema("timeout_transaction").unwrap();
    schema
        .sql("CREATE TABLE t (a INT PRIMARY KEY) ENGINE=InnoDB; INSERT INTO t VALUES (1)")
        .unwrap();
    let mut other = connect(schema.name()).await;
    other.simple_execute("START TRANSACTION").await.unwrap();
    other
        .simple_execute("UPDATE t SET a = 3 WHERE a = 1")
        .await
        .unwrap();
    let mut connection = connect(schema.name()).await;
    connection
        .simple_execute("START TRANSACTION")
        .await
        .unwrap();
    connection
        .simple_execute("INSERT INTO t VALUES (2)")
        .await
        .unwrap();
    // It waits for the lock.
    times_out(&mut connection, async |c| {
        c.simple_execute("UPDATE t SET a = 4 WHERE a = 1")
            .await
            .map(drop)
    })
    .await;
    assert!(connection.status().is_in_transaction());
    connection.simple_execute("COMMIT").await.unwrap();
    other.simple_execute("ROLLBACK").await.unwrap();
    assert_eq!(schema.sql("SELECT a FROM t ORDER BY a").unwrap(), "1\n2\n");
}

#[tokio::test]
async fn by_policy_the_connection_is_closed_when_a_call_takes_too_long() {
    for policy in [CancelPolicy::Close, CancelPolicy::Drain] {
        let config = config("").to_builder().cancel_policy(policy);
        let config = config
            .drain_timeout(Duration::from_millis(100))
            .build()
            .unwrap();
        let mut connection = Connection::connect(&config).await.unwrap();
        let thread_id = connection.thread_id();
        let error = connection
            .with_timeout(LIMIT)
            .execute(SLEEP, ())
            .await
            .unwrap_err();
        let is_stopped = matches!(
            error,
            Error::Timeout {
                statement_stopped: true,
                ..
            }
        );
        assert!(!is_stopped, "{error:?}");
        assert_eq!(connection.close_reason(), Some(CloseReason::TimedOut));
        // A server looks at the socket in SLEEP.
        is_gone(thread_id, &config).await;
    }
}

#[tokio::test]
async fn calls_too_short_to_notice_a_silent_server_stop_together_what_was_left_behind() {
    let mut connection = connect("").await;
    let thread_id = connection.thread_id();
    for is_dropped in [false, true] {
        give_up(async { connection.simple_execute(SLEEP).await.map(drop) }).await;
        let limit = Duration::from_millis(60);
        let mut calls = 1;
        loop {
            let ended = if is_dropped {
                timeout(limit, connection.ping()).await.ok()
            } else {
                match connection.with_timeout(limit).ping().await {
                    // Where the machine is busy, the time may be over behind the stop as well.
                    Err(Error::Timeout {
                        statement_stopped: true,
                        ..
                    }) => None,
                    ended => Some(ended),
                }
            };
            match ended {
                Some(ended) => break ended.unwrap(),
                None => calls += 1,
            }
            assert!(calls < 100, "the statement is never stopped");
        }
        assert!(calls > 1, "one call had time enough");
        goes_on(&mut connection, thread_id).await;
    }
}
