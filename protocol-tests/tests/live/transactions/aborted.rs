//! Transactions that the server, or a statement, ends before their end.

use otaria::{Connection, Error, Pipeline};
use protocol_tests::live::{self, Schema};

use super::{ADD, SUM, accounts, add, code, impatient, is_outside, sum};
use crate::connect;

/// Makes the transaction of the first connection the victim of a deadlock, which has then run `behind`
/// the statement that meets it.
async fn deadlock<T>(
    schema: &Schema<'_>,
    connection: &mut Connection,
    behind: impl AsyncFnOnce(&mut otaria::Transaction<'_>) -> T,
) -> T {
    let mut other = connect(schema.name()).await;
    let mut transaction = connection.transaction().await.unwrap();
    add(&mut transaction, 1, 1).await.unwrap();
    // It has changed more rows, so that it is not the victim.
    let mut winner = other.transaction().await.unwrap();
    for id in 2..=4 {
        add(&mut winner, 1, id).await.unwrap();
    }
    let (done, won) = tokio::join!(behind(&mut transaction), async {
        winner.execute(ADD, (1, 1)).await?;
        winner.rollback().await
    });
    won.unwrap();
    done
}

#[tokio::test]
async fn after_a_deadlock_1213_further_statements_are_refused_instead_of_running_in_autocommit() {
    let schema = accounts("tx_deadlock");
    let mut connection = connect(schema.name()).await;
    deadlock(&schema, &mut connection, async |transaction| {
        let error = add(transaction, 1, 2).await.unwrap_err();
        assert_eq!(code(&error), Some(1213));
        for _ in 0..3 {
            let error = add(transaction, 7, 3).await.unwrap_err();
            assert!(matches!(
                error,
                Error::TransactionAborted { code: Some(1213) }
            ));
        }
    })
    .await;
    assert!(is_outside(&mut connection).await);
    assert_eq!(sum(&mut connection, 1).await, 100);
    assert_eq!(sum(&mut connection, 3).await, 100);
}

#[tokio::test]
async fn no_statement_of_a_pipeline_or_batch_runs_in_autocommit_behind_a_deadlock() {
    let schema = accounts("tx_deadlock_pipeline");
    let mut connection = connect(schema.name()).await;
    let mut pipeline = Pipeline::new();
    pipeline
        .push(ADD, (1, 2))
        .push(ADD, (7, 3))
        .push(SUM, (3,))
        .push(ADD, (7, 4));
    let results = deadlock(&schema, &mut connection, async |transaction| {
        transaction.execute_pipeline(&pipeline).await.unwrap()
    })
    .await;
    assert_eq!(code(results[0].as_ref().unwrap_err()), Some(1213));
    let is_aborted = |at: usize| {
        matches!(
            results[at],
            Err(Error::TransactionAborted { code: Some(1213) })
        )
    };
    assert!(
        is_aborted(1) && is_aborted(2) && is_aborted(3),
        "{results:?}"
    );
    assert_eq!(sum(&mut connection, 3).await, 100);
    for bulk in [true, false] {
        let error = deadlock(&schema, &mut connection, async |transaction| {
            let batch = transaction.batch(ADD).bulk(bulk);
            batch.run([(1, 2), (7, 3), (7, 4)]).await.unwrap_err()
        })
        .await;
        assert!(matches!(error, Error::Batch(_)), "{error:?}");
        assert_eq!(sum(&mut connection, 3).await, 100);
        assert_eq!(sum(&mut connection, 4).await, 100);
    }
}

#[tokio::test]
async fn a_lock_that_cannot_be_had_in_time_leaves_the_transaction_open() -> Result<(), Error> {
    let schema = accounts("tx_lock_timeout");
    let mut connection = impatient(&schema, 1).await;
    let mut other = connect(schema.name()).await;
    let mut holder = other.transaction().await?;
    add(&mut holder, 1, 2).await?;
    let mut transaction = connection.transaction().await?;
    add(&mut transaction, 1, 1).await?;
    let error = add(&mut transaction, 1, 2).await.unwrap_err();
    assert_eq!(code(&error), Some(1205));
    add(&mut transaction, 1, 3).await?;
    transaction.commit().await?;
    drop(holder);
    assert_eq!(sum(&mut connection, 1).await, 101);
    assert_eq!(sum(&mut connection, 3).await, 101);
    Ok(())
}

#[tokio::test]
async fn a_part_that_has_met_a_lock_timeout_is_undone_and_the_rest_committed() -> Result<(), Error>
{
    let schema = accounts("tx_lock_timeout_part");
    let mut connection = impatient(&schema, 1).await;
    let mut other = connect(schema.name()).await;
    let mut holder = other.transaction().await?;
    add(&mut holder, 1, 2).await?;
    let mut transaction = connection.transaction().await?;
    add(&mut transaction, 1, 1).await?;
    let mut part = transaction.transaction().await?;
    add(&mut part, 1, 3).await?;
    assert_eq!(code(&add(&mut part, 1, 2).await.unwrap_err()), Some(1205));
    drop(part);
    transaction.commit().await?;
    drop(holder);
    assert_eq!(sum(&mut connection, 1).await, 101);
    assert_eq!(sum(&mut connection, 3).await, 100);
    Ok(())
}

#[tokio::test]
async fn errors_of_a_statement_leave_the_transaction_open() -> Result<(), Error> {
    let schema = accounts("tx_errors");
    let mut connection = connect(schema.name()).await;
    let mut transaction = connection.transaction().await?;
    add(&mut transaction, 1, 1).await?;
    let check_failed = if live::shared().is_mysql() {
        3819
    } else {
        4025
    };
    let refused = [
        ("INSERT INTO account VALUES (1, 1)", 1062),
        ("INSERT INTO account VALUES (9, NULL)", 1048),
        ("UPDATE account SET sum = -1 WHERE id = 2", check_failed),
        ("UPDATE account SET sum = 99999999999 WHERE id = 2", 1264),
        ("SELEKT", 1064),
        ("SELECT * FROM nowhere", 1146),
        ("CALL no_such_procedure()", 1305),
        ("SIGNAL SQLSTATE '45000'", 1644),
        ("KILL QUERY CONNECTION_ID()", 1317),
    ];
    for (sql, expected) in refused {
        for as_text in [true, false] {
            let error = if as_text {
                transaction.simple_execute(sql).await.unwrap_err()
            } else {
                transaction.execute(sql, ()).await.unwrap_err()
            };
            assert_eq!(code(&error), Some(expected), "{sql}");
            let (found,): (i32,) = transaction.query_one(SUM, (1,)).await?;
            assert_eq!(found, 101, "{sql}");
        }
    }
    transaction.commit().await?;
    assert_eq!(sum(&mut connection, 1).await, 101);
    Ok(())
}

#[tokio::test]
async fn an_implicit_commit_by_ddl_is_told_whether_it_succeeds_or_fails() -> Result<(), Error> {
    let schema = accounts("tx_ddl");
    let mut connection = connect(schema.name()).await;
    let statements = [
        ("CREATE TABLE other (a INT)", None),
        ("CREATE TABLE other (a INT)", Some(1050)),
        ("ALTER TABLE other ADD UNIQUE (nowhere)", Some(1072)),
        ("DROP TABLE nowhere", Some(1051)),
        ("DROP TABLE other", None),
        ("COMMIT", None),
    ];
    for (before, (sql, fails)) in (100..).zip(statements) {
        let mut transaction = connection.transaction().await?;
        add(&mut transaction, 1, 1).await?;
        let error = transaction.simple_execute(sql).await.err();
        assert_eq!(error.as_ref().and_then(code), fails, "{sql}");
        let next = add(&mut transaction, 7, 3).await;
        let is_told = matches!(next, Err(Error::TransactionAborted { code: None }));
        let ended = transaction.commit().await;
        let is_committed = sum(&mut connection, 1).await > before;
        assert!(is_told, "{sql}: {next:?}");
        assert!(matches!(
            ended,
            Err(Error::TransactionAborted { code: None })
        ));
        assert_eq!(sum(&mut connection, 3).await, 100, "{sql}");
        assert!(is_committed, "{sql}");
    }
    Ok(())
}

#[tokio::test]
async fn a_row_that_was_changed_since_the_beginning_leaves_nothing_to_run_outside()
-> Result<(), Error> {
    let schema = accounts("tx_changed_row");
    let mut connection = connect(schema.name()).await;
    let isolation = "SET innodb_snapshot_isolation = ON";
    let refused = connection.simple_execute(isolation).await.err();
    // MariaDB 10.5 and MySQL do not have it: the row is changed as it is, and all stays open.
    let has_isolation = refused.is_none();
    assert!(has_isolation || refused.as_ref().and_then(code) == Some(1193));
    let mut other = connect(schema.name()).await;
    let mut transaction = connection.transaction().await?;
    let (seen,): (i32,) = transaction.query_one(SUM, (1,)).await?;
    assert_eq!(seen, 100);
    other.execute(ADD, (1, 1)).await?;
    let changed = add(&mut transaction, 1, 1).await;
    let next = add(&mut transaction, 7, 3).await;
    if has_isolation {
        assert_eq!(code(&changed.unwrap_err()), Some(1020));
        println!("behind error 1020: {next:?}");
    } else {
        changed?;
        next?;
        let (seen,): (i32,) = transaction.query_one(SUM, (1,)).await?;
        assert_eq!(seen, 102);
    }
    drop(transaction);
    assert_eq!(sum(&mut other, 1).await, 101);
    assert_eq!(sum(&mut other, 3).await, 100);
    Ok(())
}

#[tokio::test]
async fn a_transaction_that_is_replaced_inside_a_procedure_is_aborted_where_the_server_tells() {
    let schema = accounts("tx_replaced");
    let mut connection = connect(schema.name()).await;
    let sql = "CREATE PROCEDURE replaces() BEGIN START TRANSACTION; END";
    connection.simple_execute(sql).await.unwrap();
    assert!(connection.track_changes().await.unwrap());
    let mut transaction = connection.transaction().await.unwrap();
    add(&mut transaction, 1, 1).await.unwrap();
    transaction.simple_execute("CALL replaces()").await.unwrap();
    let error = add(&mut transaction, 1, 2).await.unwrap_err();
    let is_aborted = matches!(error, Error::TransactionAborted { code: None });
    assert!(is_aborted, "{error:?}");
    drop(transaction);
    assert!(is_outside(&mut connection).await);
    assert_eq!(sum(&mut connection, 1).await, 101, "it was committed");
    assert_eq!(sum(&mut connection, 2).await, 100);
}

#[tokio::test]
async fn begin_by_sql_in_a_transaction_aborts_it_on_any_connection() {
    let schema = accounts("tx_begin");
    for tracks in [false, true] {
        let mut connection = connect(schema.name()).await;
        assert!(!tracks || connection.track_changes().await.unwrap());
        for sql in ["BEGIN", "START TRANSACTION", "COMMIT AND CHAIN"] {
            for is_prepared in [false, true] {
                let mut transaction = connection.transaction().await.unwrap();
                add(&mut transaction, 1, 1).await.unwrap();
                if is_prepared {
                    transaction.execute(sql, ()).await.unwrap();
                } else {
                    transaction.simple_execute(sql).await.unwrap();
                }
                let error = add(&mut transaction, 1, 2).await.unwrap_err();
                let is_aborted = matches!(error, Error::TransactionAborted { code: None });
                assert!(is_aborted, "{sql}: {error:?}");
                drop(transaction);
                assert!(is_outside(&mut connection).await);
            }
        }
        assert_eq!(sum(&mut connection, 2).await, 100);
    }
}

#[tokio::test]
async fn a_tracked_transaction_stays_open_whatever_is_read_and_written_in_it() {
    let schema = accounts("tx_tracked");
    let sql = "CREATE TABLE not_undone (a INT) ENGINE=MyISAM";
    schema.sql(sql).unwrap();
    let mut connection = connect(schema.name()).await;
    assert!(connection.track_changes().await.unwrap());
    for _ in 0..2 {
        let mut transaction = connection.transaction().await.unwrap();
        for sql in [
            "SELECT 1",
            "SELECT sum FROM account",
            "UPDATE account SET sum = 1 WHERE id = 99",
            "SAVEPOINT s",
            "UPDATE account SET sum = sum + 1 WHERE id = 1",
            "INSERT INTO not_undone VALUES (1)",
            "SELECT * FROM not_undone",
            "SELECT UUID(), RAND()",
            "DO 1",
            "ROLLBACK TO SAVEPOINT s",
            "SET @a = (SELECT COUNT(*) FROM account)",
            "SELECT * FROM account FOR UPDATE",
            "RELEASE SAVEPOINT s",
            "DELETE FROM account WHERE id = 4",
        ] {
            // By default, MySQL has none of it in a transaction.
            if live::shared().is_mysql() && sql.contains("not_undone") {
                continue;
            }
            transaction.simple_execute(sql).await.unwrap();
            let refused = transaction
                .simple_execute("INSERT INTO account VALUES (1, 1)")
                .await;
            assert_eq!(code(&refused.unwrap_err()), Some(1062), "{sql}");
        }
        drop(transaction);
    }
    assert_eq!(sum(&mut connection, 1).await, 100);
}
