//! Ending, from another task, what a connection runs.

use std::cell::Cell;

use otaria::{ErrorKind, Stopped};
use tokio::time::sleep;

use super::*;

/// Runs `sql` and ends it by a token while it runs.
async fn is_cancelled(connection: &mut Connection, sql: &str) {
    let token = connection.cancel_token();
    let cancel = async {
        sleep(Duration::from_millis(150)).await;
        token.cancel().await.unwrap()
    };
    let (result, stopped) = tokio::join!(connection.query_all::<(u64,)>(sql, ()), cancel);
    assert_eq!(stopped, Stopped::Killed, "{sql}");
    // It may come to its end all the same, as BENCHMARK does.
    if let Err(error) = result {
        assert_eq!(error.kind(), ErrorKind::Cancelled, "{sql}: {error}");
    }
}

#[tokio::test]
async fn a_token_ends_the_statement_that_runs_and_the_connection_goes_on() {
    let mut connection = patient("").await;
    let thread_id = connection.thread_id();
    let sleeps = live::shared().dialect("SELECT SLEEP(600) FROM mysql.seq_1_to_2");
    for sql in [BENCHMARK, &sleeps] {
        is_cancelled(&mut connection, sql).await;
        goes_on(&mut connection, thread_id).await;
    }
    let token = connection.cancel_token();
    assert_eq!(token.cancel().await.unwrap(), Stopped::NotRunning);
    goes_on(&mut connection, thread_id).await;
}

#[tokio::test]
async fn a_token_works_from_another_thread_and_when_the_call_was_dropped() {
    let mut connection = patient("").await;
    let thread_id = connection.thread_id();
    let token = connection.cancel_token();
    give_up(async { connection.execute(SLEEP, ()).await.map(drop) }).await;
    let other = tokio::spawn(async move { token.cancel().await });
    assert_eq!(other.await.unwrap().unwrap(), Stopped::Killed);
    goes_on(&mut connection, thread_id).await;
}

#[tokio::test]
async fn kill_arrives_late_the_next_command_of_the_same_connection_is_not_the_one_that_dies() {
    let mut connection = patient("").await;
    let thread_id = connection.thread_id();
    let token = connection.cancel_token();
    let mut killed = 0;
    let mut ended = 0;
    for round in 0..400_u64 {
        // Where no kill has come in time the statements last longer, up to two seconds.
        let longer = 1 << (round.saturating_sub(300) / 10);
        if longer > 1 && killed > 0 {
            break;
        }
        // The same text, so that nothing but the number of the statement tells one from the next.
        let length = Duration::from_millis(4) * longer;
        let sql = &format!("SELECT SLEEP({})", length.as_secs_f64());
        let wait = Duration::from_micros(round * 37 % 6_000) * longer;
        let call = Cell::new(0);
        let cancel = async {
            sleep(wait).await;
            let meant = call.get();
            (meant, token.cancel().await.unwrap())
        };
        let calls = async {
            call.set(1);
            let first = connection.query_one::<(i64,)>(sql, ()).await;
            let is_first = !matches!(first, Ok((0,)));
            call.set(2);
            let next = connection.query_one::<(i64,)>(sql, ()).await;
            let is_next = !matches!(next, Ok((0,)));
            (is_first, is_next)
        };
        let ((is_first, is_next), (meant, stopped)) = tokio::join!(calls, cancel);
        // One kill ends one statement, and none that it was not meant for.
        let ends = u32::from(is_first) + u32::from(is_next);
        assert!(
            ends <= u32::from(stopped == Stopped::Killed),
            "round {round}: {stopped:?}"
        );
        assert!(
            !is_first || meant == 1,
            "round {round}: the first call died for another"
        );
        assert!(
            !is_next || meant == 2,
            "round {round}: the next call died for the first"
        );
        killed += u32::from(stopped == Stopped::Killed);
        ended += ends;
    }
    println!("{killed} kills, {ended} statements ended");
    assert!(killed > 0, "no kill came in time");
    goes_on(&mut connection, thread_id).await;
}

#[tokio::test]
async fn what_runs_under_a_procedure_is_ended_by_a_token() {
    let schema = live::shared().schema("token_procedure").unwrap();
    let mut connection = patient(schema.name()).await;
    let thread_id = connection.thread_id();
    schema.sql(HELD_TABLE).unwrap();
    let create = "CREATE PROCEDURE waits(n INT) BEGIN SELECT 1; DELETE FROM t WHERE a = n; END";
    connection.simple_execute(create).await.unwrap();
    let _holder = hold_rows(schema.name()).await;
    let token = connection.cancel_token();
    let cancel = async {
        runs_for_a_while(thread_id).await;
        token.cancel().await.unwrap()
    };
    let (result, stopped) = tokio::join!(connection.execute("CALL waits(6)", ()), cancel);
    assert_eq!(stopped, Stopped::Killed);
    assert_eq!(result.unwrap_err().kind(), ErrorKind::Cancelled);
    goes_on(&mut connection, thread_id).await;
}

#[tokio::test]
async fn a_token_that_is_dropped_as_soon_as_its_call_has_ended_leaves_the_transaction_open() {
    let mut connection = patient("").await;
    let thread_id = connection.thread_id();
    let mut transaction = connection.transaction().await.unwrap();
    for round in 0..60 {
        let token = transaction.cancel_token();
        let cancel = async {
            // The statement may not have begun.
            while token.cancel().await.unwrap() != Stopped::Killed {
                sleep(Duration::from_millis(1)).await;
            }
        };
        if round % 2 == 0 {
            tokio::select! {
                _ = transaction.query_one::<(i64,)>(SLEEP, ()) => {}
                () = cancel => {}
            }
        } else {
            tokio::select! {
                biased;
                _ = transaction.query_one::<(i64,)>(SLEEP, ()) => {}
                () = cancel => {}
            }
        }
        let sum = transaction.query_one::<(i64,)>("SELECT 20 + ?", (22,));
        assert_eq!(sum.await.unwrap(), (42,), "round {round}");
    }
    transaction.commit().await.unwrap();
    goes_on(&mut connection, thread_id).await;
}
