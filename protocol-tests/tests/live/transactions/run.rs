//! Transactions that are run again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use otaria::{Error, RetryPolicy};

use super::{ADD, accounts, add, code, impatient, sum};
use crate::connect;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn transfers_that_deadlock_are_run_again_in_spawned_tasks_and_none_is_lost() {
    let schema = accounts("tx_run");
    let attempts = Arc::new(AtomicU32::new(0));
    let tasks: Vec<_> = (0..6)
        .map(|task: i32| {
            let (name, attempts) = (schema.name().to_owned(), Arc::clone(&attempts));
            tokio::spawn(async move {
                let mut connection = connect(&name).await;
                let policy = RetryPolicy::new()
                    .attempts(100)
                    .max(Duration::from_millis(50));
                for round in 0..20 {
                    let from = 1 + (task + round) % 4;
                    let to = 1 + (task + round * 3 + 1) % 4;
                    let attempts = Arc::clone(&attempts);
                    connection
                        .run_transaction(&policy, async move |transaction| {
                            attempts.fetch_add(1, Ordering::Relaxed);
                            add(transaction, 1, to).await?;
                            tokio::task::yield_now().await;
                            transaction.execute(ADD, (-1, from)).await
                        })
                        .await?;
                }
                Ok::<_, Error>(())
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    let mut connection = connect(schema.name()).await;
    let (all,): (i64,) = connection
        .query_one("SELECT CAST(SUM(sum) AS SIGNED) FROM account", ())
        .await
        .unwrap();
    assert_eq!(all, 400);
    let attempts = attempts.load(Ordering::Relaxed);
    println!("{attempts} attempts for 120 transactions");
    assert!(attempts > 120, "nothing was in the way");
}

#[tokio::test]
async fn a_lock_timeout_is_tried_again_until_the_lock_is_free() -> Result<(), Error> {
    let schema = accounts("tx_run_timeout");
    let mut connection = impatient(&schema, 1).await;
    let mut other = connect(schema.name()).await;
    let mut holder = Some(other.transaction().await?);
    if let Some(holder) = &mut holder {
        add(holder, 50, 1).await?;
    }
    let mut attempts = 0;
    let policy = RetryPolicy::new().base(Duration::from_millis(1));
    connection
        .run_transaction(&policy, async |transaction| {
            attempts += 1;
            if attempts == 2 {
                holder = None;
            }
            add(transaction, 1, 2).await?;
            add(transaction, 1, 1).await
        })
        .await?;
    assert_eq!(attempts, 2);
    assert_eq!(
        sum(&mut connection, 2).await,
        101,
        "what the first attempt did is undone"
    );
    Ok(())
}

#[tokio::test]
async fn without_another_attempt_the_error_is_told() -> Result<(), Error> {
    let schema = accounts("tx_run_never");
    let mut connection = impatient(&schema, 1).await;
    let mut other = connect(schema.name()).await;
    let mut holder = other.transaction().await?;
    add(&mut holder, 1, 1).await?;
    let error = connection
        .run_transaction(&RetryPolicy::never(), async |transaction| {
            add(transaction, 1, 1).await
        })
        .await
        .unwrap_err();
    assert_eq!(code(&error), Some(1205));
    Ok(())
}

#[tokio::test]
async fn a_deadlock_of_a_statement_that_has_committed_before_is_not_run_again() -> Result<(), Error>
{
    let schema = accounts("tx_run_committed");
    schema
        .sql("CREATE TABLE heavy (a INT) ENGINE=InnoDB")
        .unwrap();
    let mut connection = connect(schema.name()).await;
    let mut other = connect(schema.name()).await;
    // It has changed more rows, so that it is not the victim.
    let mut winner = other.transaction().await?;
    winner
        .execute(
            &protocol_tests::live::shared()
                .dialect("INSERT INTO heavy SELECT seq FROM seq_1_to_5000"),
            (),
        )
        .await?;
    add(&mut winner, 1, 4).await?;
    let copy = "CREATE TABLE copy AS SELECT * FROM account";
    let victim = connection.thread_id();
    let mut attempts = 0;
    let policy = RetryPolicy::new();
    let run = connection.run_transaction(&policy, async |transaction| {
        attempts += 1;
        add(transaction, -5, 2).await?;
        transaction.simple_execute(copy).await.map(drop)
    });
    let deadlock = async {
        let mut third = connect(schema.name()).await;
        let waits = "SELECT COUNT(*) FROM information_schema.INNODB_TRX \
                     WHERE trx_mysql_thread_id = ? AND trx_state = 'LOCK WAIT'";
        while third.query_one::<(i64,)>(waits, (victim,)).await?.0 == 0 {
            // The server looks no more often.
            tokio::time::sleep(Duration::from_millis(150)).await;
        }
        add(&mut winner, 1, 1).await?;
        winner.rollback().await
    };
    let (done, is_met) = tokio::join!(run, deadlock);
    is_met?;
    assert_eq!(code(&done.unwrap_err()), Some(1213));
    assert_eq!(attempts, 1);
    assert_eq!(sum(&mut connection, 2).await, 95, "it is committed once");
    Ok(())
}
