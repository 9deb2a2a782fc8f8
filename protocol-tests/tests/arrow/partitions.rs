//! Parts that are read side by side, of servers that are cut.

use std::time::Duration;

use futures_util::TryStreamExt;
use otaria::{Partition, PartitionError, Pool, PoolPartitions};
use protocol_tests::pipe::Cut;
use protocol_tests::polls::{at_every_poll, poll_times};
use tokio::time::timeout;

use crate::{ENDLESS, FAILING, NUMBERS, next_query_is_whole, pairs, pool, values};

/// A part that is this statement, as another process may send it.
pub(crate) fn part(index: u8, sql: &str) -> Partition {
    let length = u32::try_from(sql.len()).unwrap().to_le_bytes();
    let head = [b'O', b'T', b'R', b'P', 1, 0, index, 0, 0, 0, 9, 0, 0, 0];
    let bytes = [&head[..], &length, sql.as_bytes()].concat();
    Partition::from_bytes(&bytes).unwrap()
}

pub(crate) fn pool_of_two(cut: &Cut) -> Pool {
    let pool = pool(cut);
    pool.resize(2);
    pool
}

/// Nobody else holds a connection, and those of the pool are in order.
pub(crate) async fn both_connections_are_whole(pool: &Pool) {
    let get = async { (pool.get().await.unwrap(), pool.get().await.unwrap()) };
    let got = timeout(Duration::from_secs(60), get).await;
    let (mut one, mut other) = got.expect("two connections");
    next_query_is_whole(&mut one).await;
    next_query_is_whole(&mut other).await;
}

#[tokio::test(start_paused = true)]
async fn a_reading_dropped_at_every_poll_gives_all_connections_back() {
    let pool = pool_of_two(&Cut::Every(3));
    let polls = at_every_poll(async |polls| {
        let parts = (0..5).map(|index| part(index, NUMBERS));
        let batches = pool.read_partitions(parts, 2, &pairs());
        let read = poll_times(batches.try_collect::<Vec<_>>(), polls).await;
        both_connections_are_whole(&pool).await;
        read.inspect(|read| assert_eq!(read.as_ref().unwrap().len(), 15))
            .is_some()
    })
    .await;
    assert!(polls > 50, "{polls}");
    assert_eq!((pool.status().size, pool.status().broken), (2, 0));
}

#[tokio::test]
async fn a_next_dropped_behind_each_poll_loses_no_batch() {
    let pool = pool_of_two(&Cut::Every(1));
    let parts = (0..3).map(|index| part(index, NUMBERS));
    let mut batches = pool.read_partitions(parts, 2, &pairs());
    let mut read = vec![Vec::new(); 3];
    let mut dropped = 0;
    loop {
        match poll_times(batches.next(), 1).await {
            None => dropped += 1,
            Some(Ok(Some((part, batch)))) => {
                read[usize::try_from(part).unwrap()].extend(values(&batch));
            }
            Some(Ok(None)) => break,
            Some(Err(error)) => panic!("{error}"),
        }
    }
    assert_eq!(read, vec![vec![1, 2, 3, 4, 5]; 3]);
    assert!(dropped > 50, "{dropped}");
    assert_eq!(batches.rows(), 15);
    assert_eq!(pool.status().idle, 2, "and the batches are still there");
}

#[tokio::test(start_paused = true)]
async fn an_error_behind_some_rows_ends_all_parts() {
    let pool = pool_of_two(&Cut::Every(3));
    let parts = [part(0, ENDLESS), part(7, FAILING), part(8, NUMBERS)];
    let mut batches = pool.read_partitions(parts, 2, &pairs());
    let mut rows_of_the_failing_one = 0;
    let error = loop {
        match batches.next().await {
            Ok(Some((part, batch))) => {
                assert_ne!(part, 8, "it has no connection yet");
                rows_of_the_failing_one += if part == 7 { batch.num_rows() } else { 0 };
            }
            Ok(None) => panic!("no error"),
            Err(error) => break error,
        }
    };
    assert!(
        matches!(error, PartitionError::Part { index: 7, .. }),
        "{error}"
    );
    assert_eq!(rows_of_the_failing_one, 3);
    assert!(batches.next().await.unwrap().is_none());
    assert_eq!(batches.schema().unwrap().fields().len(), 1);
    // That of the endless one is stopped, or closed and made again.
    both_connections_are_whole(&pool).await;
}
