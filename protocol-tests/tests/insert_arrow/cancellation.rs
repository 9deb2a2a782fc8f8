//! Insertions that are given up.

use std::num::NonZeroU64;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use otaria::arrow::array::RecordBatch;
use otaria::arrow::error::ArrowError;
use otaria::{
    Commit, Connection, InsertArrow, InsertError, InsertMode, InsertOptions, Inserted,
    PoolInsertArrow,
};
use protocol_tests::live;
use protocol_tests::polls::{at_every_poll, poll_times};

use crate::{WAYS, config, content, item_table, items, reader, with_schema};

/// Batches that are there at every second poll only.
struct Halting {
    batches: Vec<RecordBatch>,
    waits: bool,
}

impl Halting {
    fn new(batches: impl IntoIterator<Item = RecordBatch>) -> Self {
        let mut batches: Vec<_> = batches.into_iter().collect();
        batches.reverse();
        Self {
            batches,
            waits: true,
        }
    }
}

impl Stream for Halting {
    type Item = Result<RecordBatch, ArrowError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.waits = !self.waits;
        if !self.waits {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(self.batches.pop().map(Ok))
    }
}

/// How many rows there are but the last ten: so many that they are more than a command, which MySQL
/// has one of for each row.
fn many() -> i32 {
    if live::shared().is_mysql() { 50 } else { 3000 }
}

/// Inserts three batches, the second of them longer than a command.
async fn insert(
    connection: &mut Connection,
    options: &InsertOptions,
) -> Result<Inserted, InsertError> {
    let batches = Halting::new([items(0..10), items(10..many()), items(many()..many() + 10)]);
    let schema = items([]).schema();
    connection
        .insert_arrow_stream("item", schema, batches, options)
        .await
}

#[tokio::test]
async fn an_insertion_dropped_at_every_poll_leaves_nothing_and_a_connection_of_use() {
    let all = u64::try_from(many() + 10).unwrap();
    for way in WAYS {
        let (mut connection, schema) = with_schema("dropped").await;
        let (mut other, options) = (
            crate::connect(&schema).await,
            InsertOptions::new().with_way(way),
        );
        item_table(&mut connection).await;
        let polls = at_every_poll(async |polls| {
            let ended = poll_times(insert(&mut connection, &options), polls).await;
            let rows = content(&mut connection).await.0;
            // Nobody waits for a lock that was left, nor sees what was not committed.
            assert_eq!(content(&mut other).await.0, rows);
            match ended {
                None => {
                    // The commit may have been on its way.
                    assert!(
                        rows == 0 || rows == all,
                        "{rows} rows by {way:?} at poll {polls}"
                    );
                    other.simple_execute("DELETE FROM item").await.unwrap();
                    false
                }
                Some(inserted) => {
                    assert_eq!((inserted.unwrap().rows, rows), (all, all));
                    true
                }
            }
        })
        .await;
        assert!(polls > 5, "{polls} polls by {way:?}");
        assert!(connection.close_reason().is_none());
    }
}

#[tokio::test]
async fn an_insertion_dropped_between_commits_leaves_whole_batches() {
    let all = u64::try_from(many() + 10).unwrap();
    for way in WAYS {
        let (mut connection, _schema) = with_schema("dropped_between").await;
        item_table(&mut connection).await;
        let batches = NonZeroU64::MIN;
        let options = InsertOptions::new()
            .with_way(way)
            .with_commit(Commit::Every { batches });
        at_every_poll(async |polls| {
            let ended = poll_times(insert(&mut connection, &options), polls).await;
            let rows = content(&mut connection).await.0;
            assert!(
                [0, 10, all - 10, all].contains(&rows),
                "{rows} rows by {way:?} at poll {polls}"
            );
            connection.simple_execute("DELETE FROM item").await.unwrap();
            ended.is_some()
        })
        .await;
    }
}

#[tokio::test]
async fn an_insertion_into_a_new_table_dropped_at_every_poll_leaves_it_empty_or_none() {
    let all = u64::try_from(many() + 10).unwrap();
    for way in WAYS {
        let (mut connection, schema) = with_schema("dropped_new").await;
        let options = InsertOptions::from(InsertMode::Create).with_way(way);
        at_every_poll(async |polls| {
            let ended = poll_times(insert(&mut connection, &options), polls).await;
            connection.ping().await.unwrap();
            let is_made = !schema.sql("SHOW TABLES").unwrap().is_empty();
            if is_made {
                let rows = content(&mut connection).await.0;
                assert!(
                    rows == 0 || rows == all,
                    "{rows} rows by {way:?} at poll {polls}"
                );
                connection.simple_execute("DROP TABLE item").await.unwrap();
            }
            assert!(is_made || ended.is_none());
            ended.is_some()
        })
        .await;
    }
}

#[tokio::test]
async fn an_insertion_of_a_pool_dropped_at_every_poll_gives_its_connection_back() {
    let all = u64::try_from(many() + 10).unwrap();
    for way in WAYS {
        let (mut connection, schema) = with_schema("dropped_pool").await;
        item_table(&mut connection).await;
        let pool = otaria::Pool::builder(config(&schema)).max_size(1).build();
        let options = InsertOptions::new().with_way(way);
        at_every_poll(async |polls| {
            let inserted = pool.insert_arrow("item", reader([items(0..many())]), &options);
            let ended = poll_times(inserted, polls).await;
            let mut next = pool.get().await.unwrap();
            let rows = content(&mut next).await.0;
            assert!(
                rows == 0 || rows == all - 10,
                "{rows} rows by {way:?} at poll {polls}"
            );
            next.simple_execute("DELETE FROM item").await.unwrap();
            ended.is_some()
        })
        .await;
        pool.close().await;
    }
}
