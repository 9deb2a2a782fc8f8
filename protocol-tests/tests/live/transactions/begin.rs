//! How transactions begin.

use std::time::Duration;

use otaria::{Error, IsolationLevel, Transaction, TransactionOptions};
use protocol_tests::live;
use tokio::time::sleep;

use super::{ADD, SUM, accounts, add, code, is_outside};
use crate::connect;

/// The level that the transaction has, which is another one than the `last`.
async fn level(transaction: &mut Transaction<'_>, last: &mut u64) -> String {
    let sql = "SELECT CAST(trx_id AS UNSIGNED), trx_isolation_level \
               FROM information_schema.INNODB_TRX WHERE trx_mysql_thread_id = CONNECTION_ID()";
    loop {
        // The server shows what it has looked up before, until it was not asked for a tenth of a second.
        sleep(Duration::from_millis(110)).await;
        let found: Option<(u64, String)> = transaction.query_opt(sql, ()).await.unwrap();
        match found {
            Some((id, level)) if id > *last => {
                *last = id;
                return level;
            }
            _ => {}
        }
    }
}

#[tokio::test]
async fn a_transaction_has_the_isolation_level_that_was_asked_for_and_the_next_one_has_not()
-> Result<(), Error> {
    let schema = accounts("tx_isolation");
    let mut connection = connect(schema.name()).await;
    let mut last = 0;
    let levels = [
        IsolationLevel::ReadUncommitted,
        IsolationLevel::ReadCommitted,
        IsolationLevel::Serializable,
        IsolationLevel::RepeatableRead,
    ];
    for asked in levels {
        for commits in [false, true] {
            let options = TransactionOptions::new().isolation_level(asked);
            let mut transaction = connection.transaction_with(&options).await?;
            add(&mut transaction, 0, 1).await?;
            add(&mut transaction, 1, 1).await?;
            assert_eq!(level(&mut transaction, &mut last).await, asked.to_string());
            if commits {
                transaction.commit().await?;
            } else {
                drop(transaction);
            }
            let mut next = connection.transaction().await?;
            add(&mut next, 1, 1).await?;
            assert_eq!(level(&mut next, &mut last).await, "REPEATABLE READ");
            next.rollback().await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_transaction_that_only_reads_refuses_to_write_and_stays_open() -> Result<(), Error> {
    let schema = accounts("tx_read_only");
    let mut connection = connect(schema.name()).await;
    let options = TransactionOptions::new().read_only(true);
    let mut transaction = connection.transaction_with(&options).await?;
    let error = add(&mut transaction, 1, 1).await.unwrap_err();
    assert_eq!(code(&error), Some(1792));
    let (sum,): (i32,) = transaction.query_one(SUM, (1,)).await?;
    assert_eq!(sum, 100);
    assert!(
        transaction
            .session_state()
            .status()
            .is_in_read_only_transaction()
    );
    transaction.commit().await?;
    connection
        .simple_execute(&live::shared().dialect("SET SESSION tx_read_only = 1"))
        .await?;
    let options = TransactionOptions::new().read_only(false);
    let mut transaction = connection.transaction_with(&options).await?;
    add(&mut transaction, 1, 1).await?;
    transaction.commit().await
}

#[tokio::test]
async fn a_consistent_snapshot_is_that_of_the_beginning() -> Result<(), Error> {
    let schema = accounts("tx_snapshot");
    let mut connection = connect(schema.name()).await;
    let mut other = connect(schema.name()).await;
    for (wanted, seen) in [(true, 0), (false, 1)] {
        let options = TransactionOptions::new()
            .isolation_level(IsolationLevel::RepeatableRead)
            .consistent_snapshot(wanted);
        let mut transaction = connection.transaction_with(&options).await?;
        // It has begun.
        transaction.query_one::<(i32,)>("SELECT 1", ()).await?;
        other.execute(ADD, (1, 3)).await?;
        let (found,): (i32,) = transaction.query_one(SUM, (3,)).await?;
        transaction.commit().await?;
        let (now,): (i32,) = connection.query_one(SUM, (3,)).await?;
        assert_eq!(found - now + 1, seen, "{wanted}");
    }
    Ok(())
}

#[tokio::test]
async fn a_transaction_that_is_open_is_not_committed_by_the_beginning_of_another()
-> Result<(), Error> {
    let schema = accounts("tx_open");
    let mut connection = connect(schema.name()).await;
    for begin in ["BEGIN", "SET autocommit = 0"] {
        connection.simple_execute(begin).await?;
        connection.execute(ADD, (1, 1)).await?;
        let error = connection.transaction().await.err();
        assert!(matches!(error, Some(Error::TransactionOpen)));
        connection.simple_execute("ROLLBACK").await?;
        let (sum,): (i32,) = connection.query_one(SUM, (1,)).await?;
        assert_eq!(sum, 100);
        connection.simple_execute("COMMIT").await?;
    }
    // With autocommit off a transaction is begun and ended all the same.
    let mut transaction = connection.transaction().await?;
    add(&mut transaction, 1, 1).await?;
    transaction.commit().await?;
    connection.simple_execute("SET autocommit = 1").await?;
    assert!(is_outside(&mut connection).await);
    let (sum,): (i32,) = connection.query_one(SUM, (1,)).await?;
    assert_eq!(sum, 101);
    Ok(())
}
