//! How long queries and insertions may take, of which each is one call of several.

use std::time::Duration;

use otaria::arrow::array::{Int32Array, RecordBatch, RecordBatchIterator};
use otaria::{
    ArrowOptions, Connection, Error, InsertArrow, InsertErrorKind, InsertMode, QueryArrow,
    RecordBatchError, TimeoutPhase, VectorLookup,
};
use otaria_codec::{ColumnDefinition, FieldType, OkPacket, ServerStatus};
use otaria_statement::ComStmtPrepare;
use otaria_text::ComQuery;
use protocol_tests::pipe::{Cut, PipeHandle};
use protocol_tests::script::{Layers, Reply, Script};
use tokio::time::{Instant, advance, timeout};

use crate::{NEW, PREPARED, connected, next_query_is_whole, pairs};

const SECOND: Duration = Duration::from_secs(1);
const VECTORS: &str = "SELECT e FROM item";

/// A server that says what columns [`VECTORS`] has, and nothing more of it.
async fn silent() -> (Connection, PipeHandle) {
    let vector = ColumnDefinition::new("e", FieldType::VarString)
        .with_collation(63)
        .with_length(12, 0)
        .with_origin("shop", "item", "e");
    let script = Script::new()
        .on(
            &ComStmtPrepare::new(VECTORS),
            Reply::prepared(1, 0, &[vector]),
        )
        .on(&ComQuery::new(NEW), Reply::rows(&["new"], [["new"]]))
        .answer(|_| Some(Reply::new()));
    let layers = Layers::None;
    layers.connect(script, &layers.config(), Cut::Whole).await
}

fn is_timeout(error: Option<&Error>) -> bool {
    matches!(error, Some(Error::Timeout { .. }))
}

#[tokio::test(start_paused = true)]
async fn a_query_for_batches_begins_when_its_method_is_called() {
    let (mut connection, handle) = connected(Cut::Whole).await;
    let options = pairs();
    let sent = handle.received().len();
    let late = connection.with_timeout(SECOND).query_arrow(PREPARED, (0,));
    advance(2 * SECOND).await;
    let error = late.await.unwrap_err();
    assert!(is_timeout(error.driver()), "{error}");
    let late = connection
        .with_timeout(SECOND)
        .query_arrow_with(PREPARED, (0,), &options);
    advance(2 * SECOND).await;
    let error = late.await.unwrap_err();
    assert!(is_timeout(error.driver()), "{error}");
    assert_eq!(handle.received().len(), sent, "nothing was sent");
}

#[tokio::test(start_paused = true)]
async fn the_limit_of_a_query_for_batches_that_is_never_polled_is_not_that_of_the_next_call() {
    let (mut connection, _) = connected(Cut::Whole).await;
    drop(connection.with_timeout(SECOND).query_arrow(PREPARED, (0,)));
    let options = pairs();
    let vectors = options.clone().with_vector_lookup(&VectorLookup::new());
    for options in [options, vectors] {
        let query = connection
            .with_timeout(SECOND)
            .query_arrow_with(PREPARED, (0,), &options);
        drop(query);
        let query = connection.simple_query(NEW);
        advance(5 * SECOND).await;
        query.await.map(drop).unwrap();
        next_query_is_whole(&mut connection).await;
    }
}

#[tokio::test(start_paused = true)]
async fn looking_up_vectors_takes_its_time_from_that_of_the_query() {
    let (mut connection, _) = silent().await;
    let options = ArrowOptions::default().with_vector_lookup(&VectorLookup::new());
    let start = Instant::now();
    let query = connection
        .with_timeout(SECOND)
        .query_arrow_with(VECTORS, (), &options);
    advance(SECOND / 2).await;
    let error = timeout(60 * SECOND, query)
        .await
        .expect("it ends")
        .unwrap_err();
    assert!(matches!(
        error,
        RecordBatchError::Driver(Error::Timeout {
            phase: TimeoutPhase::Read(_),
            ..
        })
    ));
    assert_eq!(start.elapsed(), SECOND);
}

#[tokio::test(start_paused = true)]
async fn the_limit_of_an_insertion_is_for_all_of_it() {
    let columns = ["Field", "Type", "Null", "Key", "Default", "Extra"];
    let id = [["id", "int(11)", "NO", "", "", ""]];
    let begun = OkPacket {
        status: ServerStatus::IN_TRANS | ServerStatus::AUTOCOMMIT,
        ..OkPacket::default()
    };
    let script = Script::new()
        .on(
            &ComQuery::new("SHOW COLUMNS FROM `item`"),
            Reply::rows(&columns, id),
        )
        .on(
            &ComQuery::new("START TRANSACTION"),
            Reply::new().packet(&begun),
        )
        .answer(|_| Some(Reply::new()));
    let layers = Layers::None;
    let (mut connection, _) = layers.connect(script, &layers.config(), Cut::Whole).await;
    let ids = Int32Array::from(vec![1, 2]);
    let batch = RecordBatch::try_from_iter([("id", std::sync::Arc::new(ids) as _)]).unwrap();
    let schema = batch.schema();
    let batches = RecordBatchIterator::new([Ok(batch)], schema);
    let start = Instant::now();
    let insertion =
        connection
            .with_timeout(SECOND)
            .insert_arrow("item", batches, InsertMode::Append);
    let error = timeout(60 * SECOND, insertion).await;
    let error = error.expect("it ends").unwrap_err();
    assert!(
        matches!(error.kind, InsertErrorKind::Driver(Error::Timeout { .. })),
        "{error:?}"
    );
    assert_eq!(start.elapsed(), SECOND);
}
