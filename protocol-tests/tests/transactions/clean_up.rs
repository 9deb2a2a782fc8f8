//! What a transaction that is dropped leaves behind.

use std::sync::Arc;
use std::time::Duration;

use otaria::{CloseReason, Error};
use protocol_tests::pipe::{Action, Cut};
use protocol_tests::polls::poll_times;
use protocol_tests::script::{Layers, Reply};
use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::server::{Bank, Then};
use crate::{PAY, SUMS, connected};

const ROLLBACK: &str = "ROLLBACK AND NO CHAIN NO RELEASE";

#[tokio::test]
async fn a_dropped_transaction_is_rolled_back_by_one_write_through_every_layer() {
    for layers in Layers::ALL {
        let bank = Bank::new();
        let config = layers.config();
        let (mut connection, handle) = layers.connect(bank.script(), &config, Cut::Whole).await;
        let mut transaction = connection.transaction().await.unwrap();
        transaction.execute(PAY, (1, 2)).await.unwrap();
        let writes = handle.writes();
        drop(transaction);
        assert_eq!(handle.writes(), writes + 1);
        assert!(!bank.is_in_transaction());
        assert_eq!(bank.ran().last().unwrap(), ROLLBACK);
    }
}

#[tokio::test]
async fn a_dropped_part_is_undone_and_released() {
    let bank = Bank::new();
    let (mut connection, _) = connected(&bank).await;
    let mut transaction = connection.transaction().await.unwrap();
    let mut part = transaction.transaction().await.unwrap();
    part.execute(PAY, (1, 2)).await.unwrap();
    drop(part);
    assert_eq!(
        bank.ran(),
        [
            "START TRANSACTION",
            "SAVEPOINT otaria_1",
            PAY,
            "ROLLBACK TO SAVEPOINT otaria_1",
            "RELEASE SAVEPOINT otaria_1",
        ]
    );
    transaction.execute(PAY, (1, 2)).await.unwrap();
    transaction.commit().await.unwrap();
}

#[tokio::test]
async fn a_transaction_whose_task_panics_is_rolled_back_at_once() {
    let bank = Bank::new();
    let (connection, _) = connected(&bank).await;
    let shared = Arc::new(Mutex::new(connection));
    let task = tokio::spawn({
        let shared = Arc::clone(&shared);
        async move {
            let mut connection = shared.lock().await;
            let mut transaction = connection.transaction().await.unwrap();
            transaction.execute(PAY, (1, 2)).await.unwrap();
            panic!("in the middle of it");
        }
    });
    assert!(task.await.unwrap_err().is_panic());
    assert!(!bank.is_in_transaction());
    let mut connection = shared.lock().await;
    let sums: Vec<(String,)> = connection.query_all(SUMS, (1,)).await.unwrap();
    assert_eq!(sums.len(), 3);
}

#[tokio::test]
async fn a_failed_rollback_to_never_lets_the_next_users_statement_run() {
    let bank = Bank::new();
    let (mut connection, _) = connected(&bank).await;
    let mut transaction = connection.transaction().await.unwrap();
    let part = transaction.transaction().await.unwrap();
    bank.refuse("ROLLBACK TO", 1317, *b"70100", Then::Stays);
    drop(part);
    let error = transaction.execute(PAY, (1, 2)).await.unwrap_err();
    let failed = CloseReason::CleanUpFailed { code: 1317 };
    assert!(matches!(error, Error::Closed { reason } if reason == failed));
    assert!(error.is_safe_to_retry());
    drop(transaction);
    assert_eq!(connection.close_reason(), Some(failed));
    assert!(bank.data().is_empty());
}

#[tokio::test]
async fn a_failed_rollback_never_lets_the_next_users_statement_run() {
    let bank = Bank::new();
    let (mut connection, handle) = connected(&bank).await;
    let transaction = connection.transaction().await.unwrap();
    bank.refuse("ROLLBACK", 1399, *b"XAE07", Then::Stays);
    drop(transaction);
    let error = connection.execute(PAY, (1, 2)).await.unwrap_err();
    let failed = CloseReason::CleanUpFailed { code: 1399 };
    assert!(matches!(error, Error::Closed { reason } if reason == failed));
    assert!(bank.data().is_empty() && handle.client_is_gone());
}

#[tokio::test]
async fn a_part_whose_savepoint_is_gone_with_the_transaction_ends_that_and_not_the_connection() {
    let bank = Bank::new();
    let (mut connection, _) = connected(&bank).await;
    let mut transaction = connection.transaction().await.unwrap();
    let mut part = transaction.transaction().await.unwrap();
    // It was rolled back as a whole, as with innodb_rollback_on_timeout, and the part is dropped
    // before anybody has asked.
    bank.refuse("UPDATE", 1205, *b"HY000", Then::Ends);
    let error = part.execute(PAY, (1, 2)).await.unwrap_err();
    assert!(matches!(error, Error::Server(error) if error.code() == 1205));
    drop(part);
    let error = transaction.execute(PAY, (1, 2)).await.unwrap_err();
    assert!(matches!(
        error,
        Error::TransactionAborted { code: Some(1205) }
    ));
    drop(transaction);
    connection.execute(PAY, (1, 2)).await.unwrap();
    assert_eq!(bank.data().len(), 1);
}

#[tokio::test]
async fn what_does_not_fit_into_the_transport_goes_with_the_next_call() {
    let bank = Bank::new();
    let (mut connection, handle) = connected(&bank).await;
    let mut transaction = connection.transaction().await.unwrap();
    transaction.execute(PAY, (1, 2)).await.unwrap();
    handle.set_cut(Cut::NoWrites);
    drop(transaction);
    assert!(bank.is_in_transaction());
    handle.set_cut(Cut::Whole);
    connection.ping().await.unwrap();
    assert!(!bank.is_in_transaction());
}

#[tokio::test]
async fn a_transaction_that_is_forgotten_is_an_error_for_the_next_one() {
    let bank = Bank::new();
    let (mut connection, _) = connected(&bank).await;
    let mut transaction = connection.transaction().await.unwrap();
    transaction.execute(PAY, (1, 2)).await.unwrap();
    std::mem::forget(transaction);
    let error = connection.transaction().await.err();
    assert!(matches!(error, Some(Error::TransactionOpen)));
    connection.reset().await.unwrap();
    let transaction = connection.transaction().await.unwrap();
    transaction.commit().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_rollback_may_take_longer_than_a_response_that_was_given_up() {
    let bank = Bank::new();
    let (mut connection, handle) = connected(&bank).await;
    let transaction = connection.transaction().await.unwrap();
    // The server takes it, and says nothing.
    bank.be_silent_at("ROLLBACK");
    drop(transaction);
    let next = timeout(Duration::from_secs(60), connection.ping()).await;
    assert!(next.is_err(), "it waits for the ROLLBACK");
    assert_eq!(connection.close_reason(), None);
    handle.act(vec![Action::Send(Reply::ok().bytes())]);
    connection.ping().await.unwrap();
}

/// What the server runs when a transaction is dropped in the middle of `sql`, which may ask for a file.
async fn ran_behind(sql: &str) -> Vec<String> {
    let bank = Bank::new();
    let layers = Layers::None;
    let config = layers.config().to_builder().local_infile(true);
    let config = config.build().unwrap();
    let (mut connection, _) = layers.connect(bank.script(), &config, Cut::Whole).await;
    let files = otaria_codec::Capabilities::LOCAL_FILES;
    assert!(connection.capabilities().contains(files));
    let mut transaction = connection.transaction().await.unwrap();
    transaction.execute(PAY, (1, 2)).await.unwrap();
    let word = sql.split(' ').next().unwrap();
    bank.be_silent_at(word);
    let call = transaction.simple_execute(sql);
    assert!(poll_times(call, 1).await.is_none());
    drop(transaction);
    bank.ran().split_off(3)
}

#[tokio::test]
async fn with_local_files_a_rollback_waits_only_behind_what_may_ask_for_one() {
    assert_eq!(ran_behind(PAY).await, [ROLLBACK]);
    assert_eq!(ran_behind("INSERT INTO t VALUES (1)").await, [ROLLBACK]);
    for sql in [
        "CALL p()",
        "LOAD DATA LOCAL INFILE 'f' INTO TABLE t",
        "EXECUTE s",
    ] {
        assert!(ran_behind(sql).await.is_empty(), "{sql}");
    }
}
