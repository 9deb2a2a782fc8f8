//! What is told of statements that were not executed, or perhaps were.

use otaria::{CloseReason, Error, Pipeline};
use protocol_tests::pipe::{Action, Cut};
use protocol_tests::polls::poll_times;
use protocol_tests::script::{FakeStatement, Reply};

use crate::{FAILS, INSERT, LOCK, ONE, TWO, connected, next_query_is_whole, statements};

#[tokio::test]
async fn a_wrong_number_of_parameters_is_an_error_before_anything_is_sent() {
    let statements = statements();
    let (mut connection, handle) = connected(&statements).await;
    let held = connection.prepare(TWO).await.unwrap();
    connection.prepare(ONE).await.unwrap();
    let mut by_sql = Pipeline::new();
    by_sql
        .push(&held, (1,))
        .push(INSERT, (1, "x"))
        .push(ONE, (1, 2));
    let mut by_statement = Pipeline::new();
    by_statement
        .push(&held, (1,))
        .push(ONE, (1,))
        .push(&held, ());
    let before = handle.writes();
    for pipeline in [by_sql, by_statement] {
        let error = connection.execute_pipeline(&pipeline).await.unwrap_err();
        let Error::Pipeline { number: 3, source } = error else {
            panic!("{error:?}");
        };
        assert!(matches!(*source, Error::ParameterCount { expected: 1, .. }));
    }
    assert_eq!(handle.writes(), before);
    assert!(statements.executed().is_empty());
    next_query_is_whole(&mut connection).await;
}

#[tokio::test]
async fn a_wrong_number_that_the_server_finds_is_the_error_of_that_result() {
    let statements = statements();
    let (mut connection, _) = connected(&statements).await;
    let mut pipeline = Pipeline::new();
    pipeline.push(ONE, (1,)).push(TWO, (1, 2)).push(ONE, (3,));
    let executed = connection.execute_pipeline(&pipeline).await.unwrap();
    let [Ok(_), Err(error), Ok(_)] = executed.as_slice() else {
        panic!("{executed:?}");
    };
    assert!(
        matches!(
            error,
            Error::ParameterCount {
                expected: 1,
                given: 2
            }
        ),
        "{error}"
    );
    assert_eq!(statements.executed(), [ONE, ONE]);
    next_query_is_whole(&mut connection).await;
}

#[tokio::test]
async fn a_statement_of_another_connection_is_an_error_before_anything_is_sent() {
    let statements = statements();
    let (mut connection, handle) = connected(&statements).await;
    let (mut other, _) = connected(&statements).await;
    let foreign = other.prepare(ONE).await.unwrap();
    let mut pipeline = Pipeline::new();
    pipeline.push(TWO, (1,)).push(&foreign, (1,));
    let before = handle.writes();
    let error = connection.query_pipeline(&pipeline).await.unwrap_err();
    let Error::Pipeline { number: 2, source } = error else {
        panic!("{error:?}");
    };
    assert!(matches!(*source, Error::ForeignStatement));
    assert_eq!(handle.writes(), before);
}

#[tokio::test]
async fn behind_a_lost_connection_every_result_says_whether_its_statement_may_have_run() {
    let statements = statements();
    statements.set(FAILS, FakeStatement::new(1, &[], Reply::new().close()));
    let (mut connection, _) = connected(&statements).await;
    connection.prepare(ONE).await.unwrap();
    let mut pipeline = Pipeline::new();
    pipeline.push(ONE, (1,)).push(FAILS, (1,)).push(ONE, (2,));
    pipeline.push(LOCK, ()).push(TWO, (3,));
    let executed = connection.execute_pipeline(&pipeline).await.unwrap();
    let reason = CloseReason::Lost;
    let [Ok(_), Err(failed), Err(sent), Err(last_sent), Err(not_sent)] = executed.as_slice() else {
        panic!("{executed:?}");
    };
    assert!(matches!(failed, Error::ConnectionLost { .. }), "{failed}");
    for error in [sent, last_sent] {
        let unknown = matches!(error, Error::OutcomeUnknown { reason: found } if *found == reason);
        assert!(unknown, "{error}");
    }
    let closed = matches!(not_sent, Error::Closed { reason: found } if *found == reason);
    assert!(closed, "{not_sent}");
    assert_eq!(
        sent.to_string(),
        "whether the statement has run is not known, for the connection \
        is closed: it was lost"
    );
}

#[tokio::test]
async fn statements_whose_command_was_not_begun_have_certainly_not_run() {
    let statements = statements();
    let (mut connection, handle) = connected(&statements).await;
    let held = connection.prepare(INSERT).await.unwrap();
    let mut pipeline = Pipeline::new();
    for number in 0..5 {
        pipeline.push(&held, (number, "x"));
    }
    // An execution takes 34 bytes: the second is begun when the connection is lost.
    handle.set_cut(Cut::Every(40));
    let mut results = connection.query_pipeline(&pipeline).await.unwrap();
    let polled = poll_times(results.next(), 2).await;
    assert!(polled.is_none_or(|result| result.unwrap().is_ok()));
    handle.act(vec![Action::Close]);
    let mut rest = Vec::new();
    while let Some(result) = results.next().await {
        rest.push(
            result
                .map(|_| ())
                .map_err(|error| matches!(error, Error::Closed { .. })),
        );
    }
    let not_run = rest.iter().filter(|result| **result == Err(true)).count();
    let unknown = rest.iter().filter(|result| **result == Err(false)).count();
    let ran = statements.executed().len();
    assert!(not_run >= 1 && unknown >= 1, "{rest:?}");
    assert!(ran <= 5 - not_run, "{ran} have run: {rest:?}");
}
