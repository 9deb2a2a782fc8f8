//! Futures dropped at every poll, and with them their transaction: the server is told at once, and
//! whatever a call leaves behind, the next one is outside any transaction and gets its own response.

use otaria::{Connection, Error, Pipeline, RetryPolicy, Transaction};
use protocol_tests::pipe::{Cut, PipeHandle};
use protocol_tests::polls::{at_every_poll, poll_times};
use protocol_tests::script::Layers;

use crate::server::Bank;
use crate::{PAY, SUMS};

/// Ways to cut a stream. What takes many bytes, as TLS does, is not cut at each of them: that would
/// take minutes.
fn cuts(layers: Layers, bytes: usize) -> [Cut; 2] {
    match layers {
        Layers::None | Layers::Compression => [Cut::Whole, Cut::Every(bytes)],
        Layers::Tls | Layers::CompressionInTls => [Cut::Whole, Cut::Every(13 * bytes)],
    }
}

/// The transport takes all that is written from here on. Nobody has to use the connection for that.
fn is_rolled_back_at_once(bank: &Bank, handle: &PipeHandle, cut: &Cut) {
    // A pipe that takes a byte a poll does not take a ROLLBACK in one.
    if matches!(cut, Cut::Whole) {
        assert!(!bank.is_in_transaction(), "after {:?}", bank.ran());
    }
    handle.set_cut(Cut::Whole);
}

async fn next_user_is_outside(connection: &mut Connection, bank: &Bank) {
    let sums: Vec<(String,)> = connection.query_all(SUMS, (1,)).await.unwrap();
    assert_eq!(sums.len(), 3);
    assert!(connection.is_idle());
    // The rest of a command that was begun is run as well, in front of the ROLLBACK.
    let ran = bank.data();
    let (last, before) = ran.split_last().unwrap();
    assert!(last.sql == SUMS && !last.in_transaction, "{ran:?}");
    assert!(before.iter().all(|ran| ran.in_transaction), "{ran:?}");
    assert!(!connection.status().is_in_transaction());
}

/// Drops the future of `call` at every poll, with every cut and layer, and checks that all it has
/// run was run in a transaction, and what follows was not.
async fn leaves_no_transaction(
    bytes: usize,
    call: impl AsyncFn(&mut Connection) -> Result<(), Error>,
) {
    for layers in Layers::ALL {
        for cut in cuts(layers, bytes) {
            let polls = at_every_poll(async |polls| {
                let bank = Bank::new();
                let config = layers.config();
                let (mut connection, handle) =
                    layers.connect(bank.script(), &config, cut.clone()).await;
                let result = poll_times(call(&mut connection), polls).await;
                let done = result.is_some_and(|result| {
                    result.expect("the call succeeds when it is not dropped");
                    true
                });
                is_rolled_back_at_once(&bank, &handle, &cut);
                let ran = bank.data();
                assert!(ran.iter().all(|ran| ran.in_transaction), "{ran:?}");
                next_user_is_outside(&mut connection, &bank).await;
                done
            })
            .await;
            let is_plain = matches!(layers, Layers::None | Layers::Compression);
            if is_plain && matches!(cut, Cut::Every(_)) {
                assert!(polls > 30, "only {polls} polls: the future was not cut");
            }
        }
    }
}

/// The same for a verb, with and without a transaction inside the transaction.
async fn verb_leaves_no_transaction(verb: impl AsyncFn(&mut Transaction<'_>) -> Result<(), Error>) {
    leaves_no_transaction(5, async |connection| {
        let mut transaction = connection.transaction().await?;
        verb(&mut transaction).await?;
        transaction.commit().await
    })
    .await;
    leaves_no_transaction(5, async |connection| {
        let mut transaction = connection.transaction().await?;
        transaction.execute(PAY, (1, 2)).await?;
        let mut part = transaction.transaction().await?;
        verb(&mut part).await?;
        drop(part);
        verb(&mut transaction).await?;
        transaction.rollback().await
    })
    .await;
}

#[tokio::test]
async fn cancel_at_every_await_point_and_after_every_received_byte_begin_and_commit() {
    leaves_no_transaction(1, async |connection| {
        let mut transaction = connection.transaction().await?;
        transaction.execute(PAY, (1, 2)).await?;
        transaction.commit().await
    })
    .await;
}

#[tokio::test]
async fn cancel_at_every_await_point_and_after_every_received_byte_begin_with_options_and_rollback()
{
    let options = otaria::TransactionOptions::new()
        .isolation_level(otaria::IsolationLevel::Serializable)
        .read_only(false);
    leaves_no_transaction(1, async |connection| {
        let mut transaction = connection.transaction_with(&options).await?;
        transaction
            .simple_execute("UPDATE account SET sum = 0")
            .await?;
        transaction.rollback().await
    })
    .await;
}

#[tokio::test]
async fn cancel_at_every_await_point_in_a_transaction_commit_and_rollback_of_a_part() {
    verb_leaves_no_transaction(async |transaction| {
        let mut part = transaction.transaction().await?;
        part.execute(PAY, (1, 2)).await?;
        part.commit().await?;
        let part = transaction.transaction().await?;
        part.rollback().await
    })
    .await;
}

#[tokio::test]
async fn cancel_at_every_await_point_in_a_transaction_query_rows() {
    verb_leaves_no_transaction(async |transaction| {
        let mut rows = transaction.query(SUMS, (1,)).await?;
        while rows.next().await?.is_some() {}
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn cancel_at_every_await_point_in_a_transaction_query_one_opt_all() {
    verb_leaves_no_transaction(async |transaction| {
        let all: Vec<(String,)> = transaction.query_all(SUMS, (1,)).await?;
        assert_eq!(all.len(), 3);
        let one = transaction.query_one::<(String,)>(SUMS, (1,)).await;
        assert!(matches!(
            one,
            Err(Error::RowCount {
                more_than_one: true
            })
        ));
        let opt = transaction.query_opt::<(String,)>(SUMS, (1,)).await;
        assert!(matches!(
            opt,
            Err(Error::RowCount {
                more_than_one: true
            })
        ));
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn cancel_at_every_await_point_in_a_transaction_simple_query_and_execute() {
    verb_leaves_no_transaction(async |transaction| {
        let rows = transaction.simple_query("SELECT sum FROM account").await?;
        assert_eq!(rows.collect::<(String,)>().await?.len(), 3);
        transaction
            .simple_execute("UPDATE account SET sum = 0")
            .await?;
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn cancel_at_every_await_point_in_a_transaction_prepare() {
    verb_leaves_no_transaction(async |transaction| {
        let statement = transaction.prepare(PAY).await?;
        transaction.execute(&statement, (1, 2)).await.map(drop)
    })
    .await;
}

#[tokio::test]
async fn cancel_at_every_await_point_in_a_transaction_batch() {
    verb_leaves_no_transaction(async |transaction| {
        let batch = transaction.batch(PAY).bulk(false);
        let executed = batch.run([(1, 1), (2, 2), (3, 3)]).await?;
        assert_eq!(executed.rows, 3);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn cancel_at_every_await_point_in_a_transaction_pipelines() {
    let mut pipeline = Pipeline::new();
    pipeline
        .push(PAY, (1, 1))
        .push(PAY, (2, 2))
        .push(SUMS, (1,));
    verb_leaves_no_transaction(async |transaction| {
        let all = transaction.execute_pipeline(&pipeline).await?;
        assert!(all.len() == 3 && all.iter().all(Result::is_ok), "{all:?}");
        let mut results = transaction.query_pipeline(&pipeline).await?;
        while let Some(result) = results.next().await {
            result?.finish().await?;
        }
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn cancel_at_every_await_point_run_transaction() {
    let policy = RetryPolicy::never();
    leaves_no_transaction(1, async |connection| {
        connection
            .run_transaction(&policy, async |transaction| {
                transaction.execute(PAY, (1, 2)).await?;
                let rows = transaction.query(SUMS, (1,)).await?;
                rows.finish().await
            })
            .await
    })
    .await;
}

#[tokio::test]
async fn a_part_dropped_at_every_poll_leaves_the_whole_as_it_was() {
    for layers in Layers::ALL {
        for cut in cuts(layers, 3) {
            at_every_poll(async |polls| {
                let bank = Bank::new();
                let config = layers.config();
                let (mut connection, handle) =
                    layers.connect(bank.script(), &config, cut.clone()).await;
                let mut whole = connection.transaction().await.unwrap();
                let part = async {
                    let mut part = whole.transaction().await?;
                    part.execute(PAY, (1, 2)).await?;
                    let mut inner = part.transaction().await?;
                    inner.execute(PAY, (2, 3)).await?;
                    inner.commit().await?;
                    part.commit().await
                };
                let part = poll_times(part, polls).await;
                handle.set_cut(Cut::Whole);
                let sums: Vec<(String,)> = whole.query_all(SUMS, (1,)).await.unwrap();
                assert_eq!(sums.len(), 3);
                whole.commit().await.unwrap();
                assert!(bank.data().iter().all(|ran| ran.in_transaction));
                let ran = bank.ran();
                let count = |beginning: &str| {
                    let begins = |sql: &&String| sql.starts_with(beginning);
                    ran.iter().filter(begins).count()
                };
                assert_eq!(count("SAVEPOINT"), count("RELEASE SAVEPOINT"), "{ran:?}");
                assert_eq!(count("COMMIT"), 1);
                assert_eq!(count("ROLLBACK AND"), 0);
                part.is_some()
            })
            .await;
        }
    }
}
