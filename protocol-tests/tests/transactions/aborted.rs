//! Transactions that end before their end: nothing runs outside of them.

use otaria::{Connection, Error, IsolationLevel, TransactionOptions};

use crate::server::{Bank, Then};
use crate::{PAY, SUMS, connected};

fn is_server(error: &Error, code: u16) -> bool {
    matches!(error, Error::Server(error) if error.code() == code)
}

#[tokio::test]
async fn start_transaction_fails_1290_and_the_first_statement_does_not_run_outside_the_transaction()
{
    let bank = Bank::new();
    let (mut connection, _) = connected(&bank).await;
    bank.refuse("START", 1290, *b"HY000", Then::Stays);
    let mut transaction = connection.transaction().await.unwrap();
    let error = transaction.execute(PAY, (1, 2)).await.unwrap_err();
    assert!(is_server(&error, 1290));
    for _ in 0..2 {
        let error = transaction.execute(PAY, (1, 2)).await.unwrap_err();
        assert!(matches!(
            error,
            Error::TransactionAborted { code: Some(1290) }
        ));
    }
    let error = transaction.commit().await.unwrap_err();
    assert!(matches!(
        error,
        Error::TransactionAborted { code: Some(1290) }
    ));
    assert!(bank.data().is_empty());
    connection.execute(PAY, (1, 2)).await.unwrap();
}

#[tokio::test]
async fn a_transaction_that_could_not_be_begun_cannot_be_committed() {
    let bank = Bank::new();
    let (mut connection, _) = connected(&bank).await;
    bank.refuse("START", 1290, *b"HY000", Then::Stays);
    let transaction = connection.transaction().await.unwrap();
    let error = transaction.commit().await.unwrap_err();
    assert!(is_server(&error, 1290));
    let transaction = connection.transaction().await.unwrap();
    transaction.commit().await.unwrap();
}

#[tokio::test]
async fn a_refused_isolation_level_keeps_the_statements_from_running_at_another() {
    let bank = Bank::new();
    let (mut connection, _) = connected(&bank).await;
    bank.refuse("SET TRANSACTION", 1568, *b"25001", Then::Stays);
    let level = IsolationLevel::ReadCommitted;
    let options = TransactionOptions::new().isolation_level(level);
    let mut transaction = connection.transaction_with(&options).await.unwrap();
    let error = transaction.execute(PAY, (1, 2)).await.unwrap_err();
    assert!(is_server(&error, 1568));
    let error = transaction.simple_query(SUMS).await.err();
    assert!(matches!(
        error,
        Some(Error::TransactionAborted { code: Some(1568) })
    ));
    drop(transaction);
    assert!(bank.data().is_empty() && !bank.is_in_transaction());
    connection.execute(PAY, (1, 2)).await.unwrap();
}

/// All that can be done in a transaction is refused, and nothing is sent.
async fn all_is_refused(connection: &mut Connection, bank: &Bank, code: Option<u16>) {
    let before = bank.ran().len();
    let mut transaction = connection.transaction().await.unwrap();
    transaction.execute(PAY, (0, 0)).await.unwrap();
    let error = transaction.simple_execute("UPDATE deadlock").await;
    assert!(error.is_err() || code.is_none());
    let ran = bank.ran();
    assert!(ran.len() > before);
    let is_aborted = |error: Option<Error>| matches!(error, Some(Error::TransactionAborted { code: found }) if found == code);
    assert!(is_aborted(transaction.query(SUMS, (1,)).await.err()));
    assert!(is_aborted(transaction.execute(PAY, (1, 2)).await.err()));
    assert!(is_aborted(
        transaction.query_one::<(String,)>(SUMS, (1,)).await.err()
    ));
    assert!(is_aborted(
        transaction.query_opt::<(String,)>(SUMS, (1,)).await.err()
    ));
    assert!(is_aborted(
        transaction.query_all::<(String,)>(SUMS, (1,)).await.err()
    ));
    assert!(is_aborted(transaction.simple_query("SELECT 1").await.err()));
    assert!(is_aborted(
        transaction.simple_execute("UPDATE t").await.err()
    ));
    assert!(is_aborted(transaction.prepare("UPDATE new").await.err()));
    assert!(is_aborted(
        transaction.execute_batch(PAY, [(1, 2)]).await.err()
    ));
    assert!(is_aborted(transaction.transaction().await.err()));
    assert!(is_aborted(transaction.commit().await.err()));
    let since = &bank.ran()[ran.len()..];
    assert!(
        since.iter().all(|sql| sql.starts_with("ROLLBACK")),
        "{since:?}"
    );
    connection.execute(PAY, (1, 2)).await.unwrap();
}

#[tokio::test]
async fn after_a_deadlock_1213_further_statements_are_refused_by_the_client_instead_of_in_autocommit()
 {
    let bank = Bank::new();
    let (mut connection, _) = connected(&bank).await;
    bank.refuse("UPDATE deadlock", 1213, *b"40001", Then::Ends);
    all_is_refused(&mut connection, &bank, Some(1213)).await;
    assert_eq!(bank.pings(), 0, "the error alone tells");
}

#[tokio::test]
async fn a_lock_timeout_that_has_rolled_all_back_is_found_out_by_a_ping() {
    let bank = Bank::new();
    let (mut connection, _) = connected(&bank).await;
    bank.refuse("UPDATE deadlock", 1205, *b"HY000", Then::Ends);
    all_is_refused(&mut connection, &bank, Some(1205)).await;
    assert_eq!(bank.pings(), 1);
}

#[tokio::test]
async fn a_statement_that_commits_ends_the_transaction_and_is_told() {
    let bank = Bank::new();
    let (mut connection, _) = connected(&bank).await;
    let mut transaction = connection.transaction().await.unwrap();
    transaction.execute(PAY, (1, 2)).await.unwrap();
    transaction.simple_execute("CREATE TABLE t").await.unwrap();
    let error = transaction.execute(PAY, (1, 2)).await.unwrap_err();
    assert!(matches!(error, Error::TransactionAborted { code: None }));
    assert!(!error.is_safe_to_retry(), "a part of it is committed");
    let error = transaction.commit().await.unwrap_err();
    assert!(matches!(error, Error::TransactionAborted { code: None }));
    assert_eq!(bank.pings(), 0);
}

#[tokio::test]
async fn a_statement_that_commits_and_fails_is_told_as_one_that_may_have_committed() {
    for code in [1050, 1205] {
        let bank = Bank::new();
        let (mut connection, _) = connected(&bank).await;
        let mut transaction = connection.transaction().await.unwrap();
        transaction.execute(PAY, (1, 2)).await.unwrap();
        bank.refuse("CREATE", code, *b"42S01", Then::Ends);
        let error = transaction
            .simple_execute("CREATE TABLE t")
            .await
            .unwrap_err();
        assert!(is_server(&error, code));
        let error = transaction.execute(PAY, (1, 2)).await.unwrap_err();
        assert!(matches!(error, Error::TransactionAborted { code: None }));
        assert_eq!(bank.pings(), 1);
    }
}

#[tokio::test]
async fn errors_of_values_constraints_and_syntax_leave_the_transaction_open_without_a_question() {
    for sqlstate in [*b"22003", *b"23000", *b"42000"] {
        let bank = Bank::new();
        let (mut connection, _) = connected(&bank).await;
        let mut transaction = connection.transaction().await.unwrap();
        for _ in 0..2 {
            bank.refuse("UPDATE", 1062, sqlstate, Then::Stays);
            let error = transaction.execute(PAY, (1, 2)).await.unwrap_err();
            assert!(is_server(&error, 1062));
        }
        transaction.execute(PAY, (1, 2)).await.unwrap();
        transaction.commit().await.unwrap();
        assert_eq!(bank.pings(), 0);
    }
}

#[tokio::test]
async fn an_error_that_leaves_the_transaction_open_costs_a_ping_where_it_does_not_say_so() {
    let bank = Bank::new();
    let (mut connection, _) = connected(&bank).await;
    let mut transaction = connection.transaction().await.unwrap();
    bank.refuse("UPDATE", 1205, *b"HY000", Then::Stays);
    assert!(transaction.execute(PAY, (1, 2)).await.is_err());
    transaction.execute(PAY, (1, 2)).await.unwrap();
    transaction.execute(PAY, (1, 2)).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(bank.pings(), 1);
    assert!(bank.data().iter().all(|ran| ran.in_transaction));
}

#[tokio::test]
async fn an_error_nobody_has_read_ends_the_transaction_all_the_same() {
    let bank = Bank::new();
    let (mut connection, _) = connected(&bank).await;
    let mut transaction = connection.transaction().await.unwrap();
    transaction.execute(PAY, (1, 2)).await.unwrap();
    bank.refuse("UPDATE", 1213, *b"40001", Then::Ends);
    let dropped = protocol_tests::polls::poll_times(transaction.execute(PAY, (1, 2)), 0).await;
    assert!(dropped.is_none());
    let rows = transaction.simple_query("SELECT 1").await.unwrap();
    drop(rows);
    let error = transaction.execute(PAY, (1, 2)).await.unwrap_err();
    assert!(is_server(&error, 1213));
    let error = transaction.execute(PAY, (1, 2)).await.unwrap_err();
    assert!(matches!(
        error,
        Error::TransactionAborted { code: Some(1213) }
    ));
}

#[tokio::test]
async fn an_aborted_transaction_can_be_rolled_back_and_so_can_its_part() {
    let bank = Bank::new();
    let (mut connection, _) = connected(&bank).await;
    let mut transaction = connection.transaction().await.unwrap();
    let mut part = transaction.transaction().await.unwrap();
    bank.refuse("UPDATE", 1213, *b"40001", Then::Ends);
    assert!(part.execute(PAY, (1, 2)).await.is_err());
    part.rollback().await.unwrap();
    let error = transaction.execute(PAY, (1, 2)).await.unwrap_err();
    assert!(matches!(
        error,
        Error::TransactionAborted { code: Some(1213) }
    ));
    transaction.rollback().await.unwrap();
    assert_eq!(
        bank.ran(),
        [
            "START TRANSACTION",
            "SAVEPOINT otaria_1",
            "ROLLBACK AND NO CHAIN NO RELEASE"
        ]
    );
    connection.execute(PAY, (1, 2)).await.unwrap();
}

#[tokio::test]
async fn a_refused_savepoint_ends_the_transaction() {
    let bank = Bank::new();
    let (mut connection, _) = connected(&bank).await;
    let mut transaction = connection.transaction().await.unwrap();
    bank.refuse("SAVEPOINT", 1317, *b"70100", Then::Stays);
    let mut part = transaction.transaction().await.unwrap();
    let error = part.execute(PAY, (1, 2)).await.unwrap_err();
    assert!(is_server(&error, 1317));
    drop(part);
    let error = transaction.execute(PAY, (1, 2)).await.unwrap_err();
    assert!(matches!(
        error,
        Error::TransactionAborted { code: Some(1317) }
    ));
    drop(transaction);
    assert!(bank.data().is_empty());
    connection.execute(PAY, (1, 2)).await.unwrap();
}

#[tokio::test]
async fn a_transaction_that_was_begun_by_sql_is_not_committed_by_the_beginning_of_another() {
    let bank = Bank::new();
    let (mut connection, _) = connected(&bank).await;
    connection
        .simple_execute("START TRANSACTION")
        .await
        .unwrap();
    let error = connection.transaction().await.err();
    assert!(matches!(error, Some(Error::TransactionOpen)));
    assert_eq!(bank.ran(), ["START TRANSACTION"]);
    connection.simple_execute("ROLLBACK").await.unwrap();
    connection
        .transaction()
        .await
        .unwrap()
        .commit()
        .await
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_call_that_takes_too_long_in_a_transaction_rolls_it_back_with_its_connection() {
    let bank = Bank::new();
    let (mut connection, handle) = connected(&bank).await;
    let mut transaction = connection.transaction().await.unwrap();
    bank.be_silent_at("UPDATE");
    let limit = std::time::Duration::from_secs(1);
    let call = transaction.with_timeout(limit).execute(PAY, (1, 2));
    let error = call.await.unwrap_err();
    assert!(matches!(error, Error::Timeout { .. }), "{error:?}");
    let error = transaction.commit().await.unwrap_err();
    assert!(matches!(error, Error::Closed { .. }), "{error:?}");
    assert!(handle.client_is_gone());
}

#[tokio::test]
async fn a_transaction_that_sql_replaces_by_another_is_aborted_and_that_one_rolled_back() {
    for sql in ["BEGIN", "START TRANSACTION READ WRITE", "COMMIT AND CHAIN"] {
        for is_prepared in [false, true] {
            let bank = Bank::new();
            let (mut connection, _) = connected(&bank).await;
            let mut transaction = connection.transaction().await.unwrap();
            transaction.execute(PAY, (1, 2)).await.unwrap();
            if is_prepared {
                transaction.execute(sql, ()).await.unwrap();
            } else {
                transaction.simple_execute(sql).await.unwrap();
            }
            let error = transaction.execute(PAY, (1, 2)).await.unwrap_err();
            assert!(matches!(error, Error::TransactionAborted { code: None }));
            let error = transaction.commit().await.unwrap_err();
            assert!(matches!(error, Error::TransactionAborted { code: None }));
            assert!(!bank.is_in_transaction());
            assert_eq!(bank.data().len(), 1);
            connection.execute(PAY, (1, 2)).await.unwrap();
        }
    }
}

#[tokio::test]
async fn statements_that_change_nothing_and_savepoints_leave_the_transaction_what_it_is() {
    let bank = Bank::new();
    let (mut connection, _) = connected(&bank).await;
    let mut transaction = connection.transaction().await.unwrap();
    for sql in [
        "SAVEPOINT s",
        "ROLLBACK TO SAVEPOINT s",
        "DO 1",
        "ROLLBACK TO SAVEPOINT s",
        "RELEASE SAVEPOINT s",
    ] {
        transaction.simple_execute(sql).await.unwrap();
    }
    transaction.execute(PAY, (1, 2)).await.unwrap();
    transaction.commit().await.unwrap();
}
