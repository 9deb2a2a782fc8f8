//! What a transaction holds once its owner is gone.

use std::sync::Arc;

use otaria::{Connection, Error};
use protocol_tests::live::Schema;
use protocol_tests::polls::{at_every_poll, poll_times};
use tokio::sync::Mutex;

use super::{ADD, SUM, accounts, add, impatient, is_outside, sum};
use crate::connect;

/// Updates the row that the transaction had locked, without any further use of its connection.
async fn row_is_free(schema: &Schema<'_>) {
    let mut other = impatient(schema, 5).await;
    let executed = other.execute(ADD, (0, 1)).await.expect("no lock is held");
    drop(executed);
    assert_eq!(sum(&mut other, 1).await, 100, "it was rolled back");
}

async fn left_open(schema: &Schema<'_>, leave: impl AsyncFnOnce(&mut Connection)) {
    let mut connection = connect(schema.name()).await;
    leave(&mut connection).await;
    row_is_free(schema).await;
    assert!(is_outside(&mut connection).await);
}

#[tokio::test]
async fn a_transaction_left_open_holds_no_row_lock_once_its_owner_is_gone() {
    let schema = accounts("tx_left_open");
    left_open(&schema, async |connection| {
        let mut transaction = connection.transaction().await.unwrap();
        add(&mut transaction, 1, 1).await.unwrap();
    })
    .await;
    // With rows that nobody has read.
    left_open(&schema, async |connection| {
        let mut transaction = connection.transaction().await.unwrap();
        add(&mut transaction, 1, 1).await.unwrap();
        drop(transaction.query(SUM, (1,)).await.unwrap());
    })
    .await;
    // In a part of it.
    left_open(&schema, async |connection| {
        let mut transaction = connection.transaction().await.unwrap();
        let mut part = transaction.transaction().await.unwrap();
        add(&mut part, 1, 1).await.unwrap();
        part.commit().await.unwrap();
    })
    .await;
    // With a COMMIT that was never begun.
    left_open(&schema, async |connection| {
        let mut transaction = connection.transaction().await.unwrap();
        add(&mut transaction, 1, 1).await.unwrap();
        drop(transaction.commit());
    })
    .await;
}

#[tokio::test]
async fn a_part_that_is_dropped_is_undone_before_anything_else_happens() -> Result<(), Error> {
    let schema = accounts("tx_part_left_open");
    let mut connection = connect(schema.name()).await;
    let mut transaction = connection.transaction().await?;
    add(&mut transaction, 5, 2).await?;
    let mut part = transaction.transaction().await?;
    add(&mut part, 1, 1).await?;
    drop(part);
    // InnoDB keeps the locks of what is undone to a savepoint.
    let (undone,): (i32,) = transaction.query_one(SUM, (1,)).await?;
    assert_eq!(undone, 100);
    transaction.commit().await?;
    assert_eq!(sum(&mut connection, 2).await, 105);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_dropped_panicked_or_cancelled_is_rolled_back_at_once() {
    let schema = accounts("tx_panicked");
    for cancels in [false, true] {
        let connection = connect(schema.name()).await;
        let shared = Arc::new(Mutex::new(connection));
        let (begun, is_begun) = tokio::sync::oneshot::channel();
        let task = tokio::spawn({
            let shared = Arc::clone(&shared);
            async move {
                let mut connection = shared.lock().await;
                let mut transaction = connection.transaction().await.unwrap();
                add(&mut transaction, 1, 1).await.unwrap();
                begun.send(()).unwrap();
                assert!(cancels, "in the middle of it");
                std::future::pending::<()>().await;
            }
        });
        is_begun.await.unwrap();
        if cancels {
            task.abort();
        }
        assert_eq!(task.await.unwrap_err().is_panic(), !cancels);
        row_is_free(&schema).await;
        let mut connection = shared.lock().await;
        assert!(is_outside(&mut connection).await);
    }
}

#[tokio::test]
async fn begin_dropped_at_every_await_the_connection_is_outside_any_transaction_autocommit_on() {
    let schema = accounts("tx_begin_dropped");
    let mut connection = connect(schema.name()).await;
    let mut other = impatient(&schema, 5).await;
    let polls = at_every_poll(async |polls| {
        let work = async {
            let mut transaction = connection.transaction().await?;
            transaction.execute(ADD, (1, 1)).await?;
            transaction
                .simple_execute("UPDATE account SET sum = sum + 1")
                .await?;
            let mut part = transaction.transaction().await?;
            part.execute(ADD, (1, 2)).await?;
            part.commit().await?;
            transaction.rollback().await
        };
        let done = poll_times(work, polls).await;
        other.execute(ADD, (0, 1)).await.expect("no lock is held");
        assert!(is_outside(&mut connection).await);
        assert_eq!(sum(&mut connection, 1).await, 100);
        done.is_some_and(|done| done.is_ok())
    })
    .await;
    assert!(polls > 3, "{polls}");
}
