//! Transactions that are run again.

use std::time::Duration;

use otaria::{Error, RetryPolicy, Transaction};
use tokio::time::Instant;

use crate::server::{Bank, Then};
use crate::{PAY, SUMS, connected};

async fn pay(transaction: &mut Transaction<'_>) -> Result<u64, Error> {
    transaction.execute(PAY, (1, 2)).await?;
    Ok(transaction.execute(PAY, (2, 1)).await?.affected_rows)
}

fn policy() -> RetryPolicy {
    RetryPolicy::new().attempts(3)
}

#[tokio::test(start_paused = true)]
async fn a_transaction_is_run_again_behind_a_deadlock_a_lock_timeout_and_a_changed_row() {
    for (code, then) in [
        (1213, Then::Ends),
        (1205, Then::Stays),
        (1205, Then::Ends),
        (1020, Then::Ends),
    ] {
        for at in ["UPDATE", "COMMIT"] {
            let bank = Bank::new();
            let (mut connection, _) = connected(&bank).await;
            bank.refuse(at, code, *b"HY000", then);
            bank.refuse(at, code, *b"HY000", then);
            let begun = Instant::now();
            connection
                .run_transaction(&policy(), async |transaction| pay(transaction).await)
                .await
                .unwrap();
            assert!(begun.elapsed() <= Duration::from_millis(30));
            let ran = bank.ran();
            let count = |sql: &str| ran.iter().filter(|ran| ran.starts_with(sql)).count();
            assert_eq!((count("START"), count("COMMIT")), (3, 1), "{ran:?}");
            assert!(bank.data().iter().all(|ran| ran.in_transaction));
            assert!(connection.is_idle());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_last_error_is_told_when_the_policy_allows_no_more_attempts() {
    let bank = Bank::new();
    let (mut connection, _) = connected(&bank).await;
    for _ in 0..4 {
        bank.refuse("UPDATE", 1213, *b"40001", Then::Ends);
    }
    let mut attempts = 0;
    let result = connection
        .run_transaction(&policy(), async |transaction| {
            attempts += 1;
            pay(transaction).await
        })
        .await;
    assert!(matches!(result, Err(Error::Server(error)) if error.code() == 1213));
    assert_eq!(attempts, 3);
    assert!(!bank.is_in_transaction());
    connection.ping().await.unwrap();
}

#[tokio::test]
async fn other_errors_roll_back_and_are_told_at_once() {
    let bank = Bank::new();
    let (mut connection, _) = connected(&bank).await;
    bank.refuse("UPDATE", 1062, *b"23000", Then::Stays);
    let result = connection
        .run_transaction(&policy(), async |transaction| pay(transaction).await)
        .await;
    assert!(matches!(result, Err(Error::Server(error)) if error.code() == 1062));
    assert!(!bank.is_in_transaction());
    let result: Result<(), Error> = connection
        .run_transaction(&policy(), async |_| Err(Error::NoInsertRow))
        .await;
    assert!(matches!(result, Err(Error::NoInsertRow)));
    assert!(!bank.is_in_transaction());
    assert_eq!(bank.ran().len(), 4);
}

#[tokio::test]
async fn nothing_is_run_again_of_which_a_part_may_be_committed() {
    let bank = Bank::new();
    let (mut connection, _) = connected(&bank).await;
    bank.refuse("CREATE", 1205, *b"HY000", Then::Ends);
    let result = connection
        .run_transaction(&policy(), async |transaction| {
            pay(transaction).await?;
            transaction.simple_execute("CREATE TABLE t").await
        })
        .await;
    assert!(matches!(result, Err(Error::Server(error)) if error.code() == 1205));
    assert_eq!(bank.data().len(), 2);
    // The procedure may have committed, and begun another transaction.
    for (code, then) in [(1205, Then::Stays), (1213, Then::Ends)] {
        let before = bank.data().len();
        bank.refuse("CALL", code, *b"HY000", then);
        let result = connection
            .run_transaction(&policy(), async |transaction| {
                pay(transaction).await?;
                transaction.simple_execute("CALL p()").await
            })
            .await;
        assert!(matches!(result, Err(Error::Server(error)) if error.code() == code));
        assert_eq!(bank.data().len(), before + 2);
    }
    bank.close_at("COMMIT");
    let result = connection
        .run_transaction(&policy(), async |transaction| pay(transaction).await)
        .await;
    assert!(matches!(result, Err(Error::CommitUnknown { .. })));
}

/// An error of a program.
#[derive(Debug)]
enum Failure {
    Database,
    Busy,
}

impl From<Error> for Failure {
    fn from(_: Error) -> Self {
        Self::Database
    }
}

#[tokio::test(start_paused = true)]
async fn it_is_run_again_whatever_error_the_program_makes_of_a_deadlock() {
    let bank = Bank::new();
    let (mut connection, _) = connected(&bank).await;
    bank.refuse("UPDATE", 1213, *b"40001", Then::Ends);
    connection
        .run_transaction(&policy(), async |transaction| {
            let paid = transaction.execute(PAY, (1, 2)).await;
            paid.map(drop).map_err(|_| Failure::Busy)
        })
        .await
        .unwrap();
    let result = connection
        .run_transaction(&policy(), async |transaction| {
            transaction.execute(PAY, (1, 2)).await?;
            Err::<(), _>(Failure::Busy)
        })
        .await;
    assert!(matches!(result, Err(Failure::Busy)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_can_be_run_in_a_spawned_task() {
    let bank = Bank::new();
    let (mut connection, _) = connected(&bank).await;
    let from = 7;
    let spawned = tokio::spawn(async move {
        let name = String::from("Ada");
        connection
            .run_transaction(&RetryPolicy::new(), async move |transaction| {
                transaction.execute(PAY, (1, from)).await?;
                transaction.execute(PAY, (name.len(), from)).await?;
                let mut rows = transaction.query(SUMS, (1,)).await?;
                let mut sums = Vec::new();
                while let Some(row) = rows.next().await? {
                    sums.push(row.get::<String>(0)?);
                }
                Ok::<_, Error>(sums)
            })
            .await
    });
    assert_eq!(spawned.await.unwrap().unwrap(), ["1", "2", "3"]);
    assert!(!bank.is_in_transaction());
}
