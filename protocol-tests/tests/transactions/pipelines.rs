//! Pipelines and batches in a transaction: no statement is on its way behind one that may end it.

use std::time::Duration;

use otaria::{BatchWay, Error, Pipeline};
use otaria_text::ComPing;
use protocol_tests::pipe::Cut;
use protocol_tests::script::{Layers, Reply, Script};

use crate::server::{Bank, Then, UNPREPARABLE};
use crate::{PAY, SUMS, connected};

fn code(result: &Result<otaria::Executed, Error>) -> Option<u16> {
    match result {
        Err(Error::Server(error)) => Some(error.code()),
        _ => None,
    }
}

fn is_aborted(result: &Result<otaria::Executed, Error>) -> bool {
    matches!(result, Err(Error::TransactionAborted { code: Some(1213) }))
}

#[tokio::test]
async fn no_statement_of_a_pipeline_runs_in_autocommit_behind_a_deadlock() {
    let bank = Bank::new();
    let (mut connection, _) = connected(&bank).await;
    let mut transaction = connection.transaction().await.unwrap();
    transaction.prepare(PAY).await.unwrap();
    let mut pipeline = Pipeline::new();
    for id in 0..5 {
        pipeline.push(PAY, (1, id));
    }
    bank.refuse("UPDATE", 1213, *b"40001", Then::Ends);
    let results = transaction.execute_pipeline(&pipeline).await.unwrap();
    assert_eq!(results.len(), 5);
    assert_eq!(code(&results[0]), Some(1213));
    assert!(results[1..].iter().all(is_aborted), "{results:?}");
    drop(transaction);
    assert!(bank.data().is_empty());
}

#[tokio::test]
async fn statements_that_only_read_are_sent_together() {
    let bank = Bank::new();
    let (mut connection, handle) = connected(&bank).await;
    let mut transaction = connection.transaction().await.unwrap();
    transaction.prepare(SUMS).await.unwrap();
    transaction.prepare(PAY).await.unwrap();
    let mut pipeline = Pipeline::new();
    pipeline.push(PAY, (1, 1)).push(SUMS, (1,)).push(SUMS, (2,));
    pipeline.push(PAY, (2, 2)).push(SUMS, (3,));
    let before = handle.writes();
    let results = transaction.execute_pipeline(&pipeline).await.unwrap();
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    assert_eq!(handle.writes() - before, 2);
    transaction.commit().await.unwrap();
    assert_eq!(bank.data().len(), 5);
}

#[tokio::test]
async fn a_statement_behind_an_error_that_leaves_the_transaction_in_doubt_waits_for_the_answer() {
    for (then, ran) in [(Then::Stays, 3), (Then::Ends, 0)] {
        let bank = Bank::new();
        let (mut connection, _) = connected(&bank).await;
        let mut transaction = connection.transaction().await.unwrap();
        let mut pipeline = Pipeline::new();
        pipeline.push(PAY, (1, 1)).push(PAY, (2, 2));
        pipeline.push(SUMS, (3,)).push(PAY, (4, 4));
        bank.refuse("UPDATE", 1205, *b"HY000", then);
        let results = transaction.execute_pipeline(&pipeline).await.unwrap();
        assert_eq!(code(&results[0]), Some(1205));
        let done = results.iter().filter(|result| result.is_ok()).count();
        assert_eq!(done, ran, "{results:?}");
        assert_eq!(bank.pings(), 1);
        assert!(bank.data().iter().all(|ran| ran.in_transaction));
        drop(transaction);
    }
}

#[tokio::test(start_paused = true)]
async fn a_pipeline_ends_where_the_ping_that_resolves_a_doubt_is_refused() {
    for sql in [PAY, SUMS] {
        let bank = Bank::new();
        let refused = Reply::err(1317, *b"70100", "interrupted");
        let script = Script::new().on(&ComPing, refused);
        let layers = Layers::None;
        let script = bank.behind(script);
        let (mut connection, _) = layers.connect(script, &layers.config(), Cut::Whole).await;
        let mut transaction = connection.transaction().await.unwrap();
        let mut pipeline = Pipeline::new();
        pipeline.push(PAY, (1, 1));
        if sql == PAY {
            pipeline.push(PAY, (2, 2)).push(PAY, (3, 3));
        } else {
            pipeline.push(SUMS, (2,)).push(SUMS, (3,));
        }
        bank.refuse("UPDATE", 1205, *b"HY000", Then::Stays);
        let call = transaction.execute_pipeline(&pipeline);
        let ended = tokio::time::timeout(Duration::from_secs(3600), call).await;
        let results = ended.expect("an end").unwrap();
        assert_eq!(results.len(), 3);
        assert_eq!(code(&results[0]), Some(1205));
        let is_aborted =
            |result: &Result<_, Error>| matches!(result, Err(Error::TransactionAborted { .. }));
        assert!(results[1..].iter().all(is_aborted), "{results:?}");
        let error = transaction.commit().await.unwrap_err();
        assert!(matches!(error, Error::TransactionAborted { .. }), "{error}");
    }
}

#[tokio::test]
async fn outside_a_transaction_pipelines_go_in_one_write_as_ever() {
    let bank = Bank::new();
    let (mut connection, handle) = connected(&bank).await;
    let transaction = connection.transaction().await.unwrap();
    transaction.commit().await.unwrap();
    connection.prepare(PAY).await.unwrap();
    let mut pipeline = Pipeline::new();
    pipeline.push(PAY, (1, 1)).push(PAY, (2, 2));
    let before = handle.writes();
    connection.execute_pipeline(&pipeline).await.unwrap();
    assert_eq!(handle.writes() - before, 1);
}

#[tokio::test]
async fn no_row_of_a_batch_runs_in_autocommit_behind_a_deadlock() {
    let bank = Bank::new();
    let (mut connection, _) = connected(&bank).await;
    let mut transaction = connection.transaction().await.unwrap();
    bank.refuse("UPDATE", 1213, *b"40001", Then::Ends);
    let batch = transaction.batch(PAY).bulk(false);
    let error = batch.run((0..100).map(|id| (1, id))).await.unwrap_err();
    let Error::Batch(error) = error else {
        panic!("{error:?}");
    };
    assert!(matches!(error.source, Error::Server(ref error) if error.code() == 1213));
    drop(transaction);
    assert!(bank.data().is_empty());
}

#[tokio::test]
async fn no_row_of_a_batch_runs_behind_one_that_has_committed_the_transaction() {
    let bank = Bank::new();
    let (mut connection, _) = connected(&bank).await;
    let mut transaction = connection.transaction().await.unwrap();
    let batch = transaction
        .batch("CREATE TABLE t (a INT DEFAULT ?)")
        .bulk(false);
    let error = batch.run([(1,), (2,), (3,)]).await.unwrap_err();
    let Error::Batch(error) = error else {
        panic!("{error:?}");
    };
    assert_eq!(error.way, BatchWay::Pipelined);
    assert!(
        matches!(error.source, Error::TransactionAborted { code: None }),
        "{error:?}"
    );
    drop(transaction);
    assert_eq!(bank.data().len(), 1);
}

/// A write, and two SELECTs that are on their way behind it.
async fn reads_behind(
    transaction: &mut otaria::Transaction<'_>,
) -> Vec<Result<otaria::Executed, Error>> {
    transaction.prepare(SUMS).await.unwrap();
    transaction.prepare(PAY).await.unwrap();
    let mut pipeline = Pipeline::new();
    pipeline.push(PAY, (1, 1)).push(SUMS, (1,)).push(SUMS, (2,));
    transaction.execute_pipeline(&pipeline).await.unwrap()
}

#[tokio::test]
async fn a_select_behind_a_deadlocked_write_in_a_pipeline_returns_no_rows_from_outside() {
    let bank = Bank::new();
    let (mut connection, handle) = connected(&bank).await;
    let mut transaction = connection.transaction().await.unwrap();
    bank.refuse("UPDATE", 1213, *b"40001", Then::Ends);
    let before = handle.writes();
    let results = reads_behind(&mut transaction).await;
    assert_eq!(handle.writes() - before, 3, "two prepares and the pipeline");
    assert_eq!(code(&results[0]), Some(1213));
    assert!(results[1..].iter().all(is_aborted), "{results:?}");
    drop(transaction);
    assert!(
        bank.data().iter().all(|ran| !ran.in_transaction),
        "they ran, outside"
    );
}

#[tokio::test]
async fn a_select_behind_a_write_that_may_have_ended_the_transaction_is_read_again_inside_it() {
    for (then, ran) in [(Then::Stays, 2), (Then::Ends, 0)] {
        let bank = Bank::new();
        let (mut connection, _) = connected(&bank).await;
        let mut transaction = connection.transaction().await.unwrap();
        bank.refuse("UPDATE", 1205, *b"HY000", then);
        let results = reads_behind(&mut transaction).await;
        assert_eq!(code(&results[0]), Some(1205));
        let done = results.iter().filter(|result| result.is_ok()).count();
        assert_eq!((results.len(), done), (3, ran), "{results:?}");
        let is_aborted = |result: &Result<_, Error>| {
            matches!(
                result,
                Ok(_) | Err(Error::TransactionAborted { code: Some(1205) })
            )
        };
        assert!(results[1..].iter().all(is_aborted), "{results:?}");
        let data = bank.data();
        assert!(data.iter().rev().take(ran).all(|ran| ran.in_transaction));
        drop(transaction);
    }
}

#[tokio::test]
async fn a_pipeline_dropped_where_reads_are_repeated_passes_no_statement_over() {
    protocol_tests::polls::at_every_poll(async |polls| {
        let bank = Bank::new();
        let (mut connection, handle) = connected(&bank).await;
        let mut transaction = connection.transaction().await.unwrap();
        transaction.prepare(SUMS).await.unwrap();
        transaction.prepare(PAY).await.unwrap();
        let mut pipeline = Pipeline::new();
        pipeline.push(PAY, (1, 1)).push(SUMS, (1,)).push(SUMS, (2,));
        bank.refuse("UPDATE", 1205, *b"HY000", Then::Stays);
        let mut results = transaction.query_pipeline(&pipeline).await.unwrap();
        handle.set_cut(Cut::Every(3));
        let first = results.next().await.unwrap();
        assert!(matches!(first, Err(Error::Server(error)) if error.code() == 1205));
        let next = protocol_tests::polls::poll_times(results.next(), polls).await;
        let is_done = next.is_some_and(|next| next.unwrap().is_ok());
        assert_eq!(results.remaining(), if is_done { 1 } else { 2 });
        while let Some(rows) = results.next().await {
            let rows: Vec<(String,)> = rows.unwrap().collect().await.unwrap();
            assert_eq!(rows.len(), 3);
        }
        transaction.commit().await.unwrap();
        is_done
    })
    .await;
}

#[tokio::test]
async fn a_select_behind_a_commit_in_a_pipeline_is_outside_of_the_transaction_and_says_so() {
    let bank = Bank::new();
    let (mut connection, _) = connected(&bank).await;
    let mut transaction = connection.transaction().await.unwrap();
    transaction.prepare(SUMS).await.unwrap();
    let mut pipeline = Pipeline::new();
    pipeline.push("COMMIT", ()).push(SUMS, (1,));
    let results = transaction.execute_pipeline(&pipeline).await.unwrap();
    assert!(results[0].is_ok(), "{results:?}");
    let ended = matches!(results[1], Err(Error::TransactionAborted { code: None }));
    assert!(ended, "{results:?}");
    drop(transaction);
}

#[tokio::test]
async fn a_statement_that_cannot_be_prepared_leaves_the_transaction_of_a_pipeline_open() {
    let bank = Bank::new();
    let (mut connection, _) = connected(&bank).await;
    let mut transaction = connection.transaction().await.unwrap();
    let mut pipeline = Pipeline::new();
    pipeline
        .push(PAY, (1, 1))
        .push(UNPREPARABLE, ())
        .push(PAY, (2, 2));
    let results = transaction.execute_pipeline(&pipeline).await.unwrap();
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    transaction.commit().await.unwrap();
    assert_eq!(bank.pings(), 0);
}

#[tokio::test]
async fn a_select_that_ran_outside_of_the_transaction_and_is_lost_with_the_connection_may_have_run()
{
    for then in [Then::Stays, Then::Ends] {
        let bank = Bank::new();
        let (mut connection, _) = connected(&bank).await;
        let mut transaction = connection.transaction().await.unwrap();
        transaction.prepare(SUMS).await.unwrap();
        transaction.prepare(PAY).await.unwrap();
        let mut pipeline = Pipeline::new();
        pipeline.push(PAY, (1, 1)).push(SUMS, (1,)).push(SUMS, (2,));
        pipeline.push(PAY, (2, 2));
        bank.refuse("UPDATE", 1205, *b"HY000", then);
        bank.close_at("SELECT");
        let results = transaction.execute_pipeline(&pipeline).await.unwrap();
        assert_eq!(code(&results[0]), Some(1205));
        let may_have_run = |result: &Result<_, Error>| match result {
            Err(Error::OutcomeUnknown { .. }) => Some(true),
            Err(Error::Closed { .. }) => Some(false),
            _ => None,
        };
        let found: Vec<_> = results[1..].iter().map(may_have_run).collect();
        let expected = [Some(true), Some(true), Some(false)];
        assert_eq!(found, expected, "{results:?}");
    }
}
