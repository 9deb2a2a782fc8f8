//! The futures of transactions can be moved to other threads.

use std::num::NonZeroU32;

use otaria::{Error, FromRow, Pipeline, Transaction, TransactionOptions};

use crate::server::Bank;
use crate::{PAY, SUMS, connected};

fn is_send<T: Send>(future: T) {
    drop(future);
}

fn of_transaction(transaction: &mut Transaction<'_>, pipeline: &Pipeline<'_>) {
    fn read<T: for<'r> FromRow<'r> + Send>(transaction: &mut Transaction<'_>) {
        is_send(transaction.query_one::<T>(SUMS, (1,)));
        is_send(transaction.query_opt::<T>(SUMS, (1,)));
        is_send(transaction.query_all::<T>(SUMS, (1,)));
    }
    read::<(String,)>(transaction);
    is_send(transaction.query(SUMS, (1,)));
    is_send(transaction.execute(PAY, (1, 2)));
    is_send(transaction.simple_query(SUMS));
    is_send(transaction.simple_execute(PAY));
    is_send(transaction.prepare(PAY));
    is_send(transaction.execute_batch(PAY, [(1, 2)]));
    is_send(transaction.batch(PAY).run([(1, 2)]));
    is_send(transaction.query_pipeline(pipeline));
    is_send(transaction.execute_pipeline(pipeline));
    is_send(transaction.query_with_cursor(SUMS, (1,), NonZeroU32::MIN));
    is_send(transaction.load_data_local(SUMS, b"1\n".as_slice()));
    is_send(transaction.warnings());
    is_send(transaction.transaction());
}

#[tokio::test]
async fn the_future_of_every_method_of_a_transaction_is_send() {
    let bank = Bank::new();
    let (mut connection, handle) = connected(&bank).await;
    is_send(connection.transaction());
    is_send(connection.transaction_with(&TransactionOptions::new()));
    let mut transaction = connection.transaction().await.unwrap();
    let before = handle.writes();
    of_transaction(&mut transaction, &Pipeline::new());
    // A future that was not polled has done nothing.
    assert_eq!(handle.writes(), before);
    is_send(transaction.commit());
    let transaction = connection.transaction().await.unwrap();
    is_send(transaction.rollback());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_can_be_used_in_a_spawned_task() {
    let bank = Bank::new();
    let (mut connection, _) = connected(&bank).await;
    let spawned = tokio::spawn(async move {
        let mut transaction = connection.transaction().await?;
        let mut part = transaction.transaction().await?;
        part.execute(PAY, (1, 2)).await?;
        part.commit().await?;
        transaction.commit().await?;
        Ok::<_, Error>(connection)
    });
    let connection = spawned.await.unwrap().unwrap();
    assert!(connection.is_idle());
}
