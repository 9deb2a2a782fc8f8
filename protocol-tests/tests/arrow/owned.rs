//! Batches that own a connection of a pool.

use std::time::Duration;

use futures_util::TryStreamExt;
use otaria::{Pool, PoolQueryArrow, RecordBatchError, RecordBatchStream};
use protocol_tests::pipe::Cut;
use protocol_tests::polls::{at_every_poll, poll_times};
use tokio::time::timeout;

use crate::{
    BROKEN, FAILING, INSERT, NEW, NUMBERS, batches, connected, next_query_is_whole, pairs, pool,
    values,
};

async fn next_user_finds_its_own(pool: &Pool) {
    let get = timeout(Duration::from_secs(60), pool.get()).await;
    next_query_is_whole(&mut get.expect("a connection").unwrap()).await;
}

#[tokio::test]
async fn the_connection_is_back_in_the_pool_behind_the_last_batch() -> Result<(), RecordBatchError>
{
    let pool = pool(&Cut::Every(3));
    let mut stream = pool.query_arrow_with(NUMBERS, (), &pairs()).await?;
    let mut read = Vec::new();
    while let Some(batch) = stream.next().await? {
        read.push(values(&batch));
        assert_eq!(pool.status().idle, 0);
    }
    assert_eq!(read, [vec![1, 2], vec![3, 4], vec![5]]);
    assert_eq!(pool.status().idle, 1, "and the stream is still there");
    assert_eq!(stream.rows(), 5);
    assert!(stream.next().await?.is_none());
    assert!(stream.into_connection().is_none(), "it is the pool's");

    let all: Vec<_> = pool.query_arrow(NUMBERS, ()).await?.try_collect().await?;
    assert_eq!(all.len(), 1);
    let mut none = pool.query_arrow(INSERT, ()).await?;
    assert_eq!(none.schema().fields().len(), 0);
    assert!(none.next().await?.is_none());
    Ok(())
}

#[tokio::test]
async fn the_connection_is_back_in_the_pool_behind_an_error() -> Result<(), RecordBatchError> {
    let pool = pool(&Cut::Whole);
    for sql in [FAILING, BROKEN] {
        let mut stream = pool.query_arrow_with(sql, (), &pairs()).await?;
        let mut errors = 0;
        for _ in 0..4 {
            errors += usize::from(stream.next().await.is_err());
        }
        assert_eq!(errors, 1, "{sql}");
        next_user_finds_its_own(&pool).await;
        drop(stream);
    }
    assert_eq!(pool.status().connected, 1);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_stream_dropped_at_every_poll_gives_the_connection_back() {
    let pool = pool(&Cut::Every(3));
    let polls = at_every_poll(async |polls| {
        let read = async {
            let stream = pool.query_arrow_with(NUMBERS, (), &pairs()).await.unwrap();
            stream.try_collect::<Vec<_>>().await.unwrap().len()
        };
        let batches = poll_times(read, polls).await;
        next_user_finds_its_own(&pool).await;
        batches.inspect(|batches| assert_eq!(*batches, 3)).is_some()
    })
    .await;
    assert!(polls > 20, "{polls}");
    assert_eq!((pool.status().size, pool.status().broken), (1, 0));
}

#[tokio::test]
async fn a_stream_can_be_moved_to_another_task() -> Result<(), RecordBatchError> {
    let pool = pool(&Cut::Every(3));
    let mut connection = pool.get().await?;
    connection.simple_query(NUMBERS).await.map(drop)?;
    let stream = RecordBatchStream::of_pooled(connection, &pairs()).await?;
    let read = tokio::spawn(stream.try_collect::<Vec<_>>());
    let read = read.await.expect("the task ends")?;
    assert_eq!(read.len(), 3);
    let (new,): (String,) = pool.query_one(NEW, ()).await?;
    assert_eq!(new, "new");
    Ok(())
}

#[tokio::test]
async fn a_connection_can_be_taken_back_while_batches_are_left() -> Result<(), RecordBatchError> {
    for read in 0..3 {
        let (mut connection, _) = connected(Cut::Whole).await;
        connection.simple_query(NUMBERS).await.map(drop)?;
        let mut stream = RecordBatchStream::of_connection(connection, &pairs()).await?;
        for _ in 0..read {
            assert!(stream.next().await?.is_some());
        }
        let mut connection = stream.into_connection().expect("it was given away");
        next_query_is_whole(&mut connection).await;
    }
    Ok(())
}

#[tokio::test]
async fn a_connection_that_is_waited_for_or_was_lent_is_not_given_back()
-> Result<(), RecordBatchError> {
    let (mut connection, handle) = connected(Cut::Every(1)).await;
    connection.simple_query(NUMBERS).await.map(drop)?;
    let mut stream = RecordBatchStream::of_connection(connection, &pairs()).await?;
    assert!(poll_times(stream.next(), 2).await.is_none());
    assert!(stream.into_connection().is_none());
    assert!(handle.client_is_gone());
    let (mut connection, _) = connected(Cut::Whole).await;
    let stream = batches(&mut connection, NUMBERS, &pairs())
        .await?
        .into_stream();
    assert!(stream.into_connection().is_none());
    next_query_is_whole(&mut connection).await;
    Ok(())
}
