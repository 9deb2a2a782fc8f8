//! Rows as a stream.

use std::pin::Pin;
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt};
use otaria::{Error, OwnedRow, Pipeline};
use protocol_tests::pipe::Cut;
use protocol_tests::polls::{at_every_poll, poll_times};
use protocol_tests::script::{FakeStatement, Layers, Reply, Script};

use crate::{ONE, SEVERAL, connected, next_query_is_whole, statements, texts};

fn text(row: &OwnedRow) -> String {
    row.get(0).unwrap()
}

#[tokio::test]
async fn a_stream_has_the_rows_of_the_current_result_and_ends() {
    let (mut connection, handle) = connected(&statements()).await;
    for cut in [Cut::Whole, Cut::Every(1), Cut::Every(7)] {
        handle.set_cut(cut);
        let mut stream = connection.query(SEVERAL, (1,)).await.unwrap().into_stream();
        let first = stream.try_next().await.unwrap().unwrap();
        let rest: Vec<OwnedRow> = (&mut stream).try_collect().await.unwrap();
        assert_eq!(text(&first), "several 1");
        assert_eq!(rest.iter().map(text).collect::<Vec<_>>(), ["several 2"]);
        assert!(stream.next().await.is_none());
        drop(stream);
        next_query_is_whole(&mut connection).await;
    }
}

#[tokio::test]
async fn a_stream_works_with_the_traits_of_futures() {
    let (mut connection, _) = connected(&statements()).await;
    let rows = connection.query(ONE, (1,)).await.unwrap().into_stream();
    let lengths = rows.map(|row| row.map(|row| text(&row).len()));
    assert_eq!(
        lengths
            .try_fold(0, async |sum, len| Ok(sum + len))
            .await
            .unwrap(),
        10
    );
    let boxed: Pin<Box<dyn futures_core::Stream<Item = Result<OwnedRow, Error>> + Send + '_>> =
        Box::pin(connection.query(ONE, (1,)).await.unwrap().into_stream());
    assert_eq!(boxed.count().await, 2);
}

#[tokio::test]
async fn an_error_among_the_rows_ends_the_stream() {
    let statements = statements();
    let rest = Reply::new().binary_rows([["a"]]);
    let error = Reply::err(1317, *b"70100", "Query execution was interrupted");
    statements.set(ONE, FakeStatement::new(1, &["a"], rest.followed_by(&error)));
    let (mut connection, _) = connected(&statements).await;
    let mut stream = connection.query(ONE, (1,)).await.unwrap().into_stream();
    assert_eq!(text(&stream.next().await.unwrap().unwrap()), "a");
    let error = stream.next().await.unwrap().unwrap_err();
    assert!(matches!(error, Error::Server(error) if error.code() == 1317));
    assert!(stream.next().await.is_none());
    drop(stream);
    next_query_is_whole(&mut connection).await;
}

#[tokio::test]
async fn a_stream_dropped_at_every_poll_leaves_the_next_query_whole() {
    for cut in [Cut::Whole, Cut::Every(1)] {
        at_every_poll(async |polls| {
            let statements = statements();
            let script = statements.serve(Script::new());
            let config = Layers::None.config();
            let (mut connection, _) = Layers::None.connect(script, &config, cut.clone()).await;
            let stream = connection.query(SEVERAL, (1,)).await.unwrap().into_stream();
            let collected = poll_times(stream.try_collect::<Vec<_>>(), polls).await;
            let done = collected.is_some_and(|rows| rows.unwrap().len() == 2);
            next_query_is_whole(&mut connection).await;
            done
        })
        .await;
    }
}

#[tokio::test]
async fn a_dropped_wait_for_an_item_loses_no_row() {
    for polls in 1..5 {
        let (mut connection, handle) = connected(&statements()).await;
        handle.set_cut(Cut::Every(1));
        let mut stream = connection.query(ONE, (1,)).await.unwrap().into_stream();
        let mut values = Vec::new();
        loop {
            match poll_times(stream.next(), polls).await {
                None => {}
                Some(Some(row)) => values.push(text(&row.unwrap())),
                Some(None) => break,
            }
        }
        assert_eq!(Ok(values), texts(&["one 1", "one 2"]));
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_has_the_time_limit_of_its_connection() {
    let statements = statements();
    statements.set(
        ONE,
        FakeStatement::new(1, &["a"], Reply::new().binary_rows([["a"]])),
    );
    let config = Layers::None.config().to_builder();
    let config = config.io_timeout(Duration::from_secs(7)).build().unwrap();
    let script = statements.serve(Script::new());
    let (mut connection, _) = Layers::None.connect(script, &config, Cut::Whole).await;
    let mut stream = connection.query(ONE, (1,)).await.unwrap().into_stream();
    assert_eq!(text(&stream.next().await.unwrap().unwrap()), "a");
    let error = stream.next().await.unwrap().unwrap_err();
    assert!(matches!(error, Error::Timeout { .. }), "{error}");
    assert!(stream.next().await.is_none());
}

#[tokio::test]
async fn a_result_of_a_pipeline_can_be_a_stream() {
    let (mut connection, _) = connected(&statements()).await;
    let mut pipeline = Pipeline::new();
    pipeline.push(ONE, (1,)).push(SEVERAL, (1,)).push(ONE, (2,));
    let mut results = connection.query_pipeline(&pipeline).await.unwrap();
    let mut counts = Vec::new();
    while let Some(rows) = results.next().await {
        counts.push(
            rows.unwrap()
                .into_stream()
                .try_collect::<Vec<_>>()
                .await
                .unwrap()
                .len(),
        );
    }
    assert_eq!(counts, [2, 2, 2]);
}
