//! Futures that are dropped at every poll: no row is lost, and the next query gets its own rows.

use futures_util::{StreamExt, TryStreamExt};
use otaria::{ArrowOptions, QueryArrow, RecordBatchStream};
use protocol_tests::pipe::Cut;
use protocol_tests::polls::{at_every_poll, poll_times};

use crate::{
    BROKEN, FAILING, NUMBERS, PREPARED, SEVERAL, batches, connected, next_query_is_whole, pairs,
    values,
};

#[tokio::test]
async fn a_dropped_next_loses_no_row() {
    for sql in [NUMBERS, FAILING, BROKEN] {
        let mut polls = 0;
        // The future of each `next` is dropped behind its first poll, again and again.
        let (mut connection, _) = connected(Cut::Every(1)).await;
        let mut cut = batches(&mut connection, sql, &pairs()).await.unwrap();
        let mut read = Vec::new();
        let mut errors = 0;
        loop {
            polls += 1;
            match poll_times(cut.next(), 1).await {
                None => {}
                Some(Ok(Some(batch))) => read.push(values(&batch)),
                Some(Ok(None)) => break,
                Some(Err(_)) => errors += 1,
            }
        }
        let expected: &[&[i32]] = match sql {
            NUMBERS => &[&[1, 2], &[3, 4], &[5]],
            FAILING => &[&[1, 2], &[3]],
            _ => &[&[1, 2]],
        };
        assert_eq!(read, expected);
        assert_eq!(errors, usize::from(sql != NUMBERS), "each error comes once");
        assert!(polls > 20, "{polls}");
        next_query_is_whole(&mut connection).await;
    }
}

#[tokio::test]
async fn a_next_dropped_at_every_poll_goes_on_by_next_and_as_a_stream() {
    for is_stream in [false, true] {
        let polls = at_every_poll(async |polls| {
            let (mut connection, _) = connected(Cut::Every(1)).await;
            let mut batches = batches(&mut connection, NUMBERS, &pairs()).await.unwrap();
            let first = poll_times(batches.next(), polls).await;
            let is_done = first.is_some();
            let mut read: Vec<_> = first
                .into_iter()
                .map(|batch| batch.unwrap().expect("two rows"))
                .collect();
            if is_stream {
                let rest: Vec<_> = batches.into_stream().try_collect().await.unwrap();
                read.extend(rest);
            } else {
                while let Some(batch) = batches.next().await.unwrap() {
                    read.push(batch);
                }
            }
            let read: Vec<_> = read.iter().map(values).collect();
            assert_eq!(read, [vec![1, 2], vec![3, 4], vec![5]]);
            is_done
        })
        .await;
        assert!(polls > 10, "{polls}");
    }
}

#[tokio::test]
async fn query_arrow_dropped_at_every_poll_leaves_the_next_query_whole() {
    let polls = at_every_poll(async |polls| {
        let (mut connection, _) = connected(Cut::Every(1)).await;
        let read = async {
            let mut batches = connection.query_arrow(PREPARED, (0,)).await.unwrap();
            batches.next().await.unwrap().expect("five rows");
        };
        let is_done = poll_times(read, polls).await.is_some();
        next_query_is_whole(&mut connection).await;
        is_done
    })
    .await;
    assert!(polls > 50, "{polls}");
}

#[tokio::test]
async fn a_dropped_next_result_set_passes_over_no_result() {
    // As it is, and behind a `next` that was dropped in the middle of a row.
    for is_begun in [false, true] {
        let polls = at_every_poll(async |polls| {
            let (mut connection, _) = connected(Cut::Every(1)).await;
            let mut several = batches(&mut connection, SEVERAL, &pairs()).await.unwrap();
            if is_begun {
                assert!(poll_times(several.next(), 9).await.is_none());
            }
            let went = poll_times(several.next_result_set(), polls).await;
            match &went {
                Some(went) => assert!(went.as_ref().unwrap()),
                None => assert!(several.next_result_set().await.unwrap()),
            }
            assert_eq!(several.schema().field(0).name(), "older");
            went.is_some()
        })
        .await;
        assert!(polls > 10, "{polls}");
    }
}

#[tokio::test]
async fn of_connection_reads_the_result_that_has_begun_and_gives_the_connection_back() {
    let polls = at_every_poll(async |polls| {
        let (mut connection, _) = connected(Cut::Every(1)).await;
        connection.simple_query(NUMBERS).await.map(drop).unwrap();
        let options = pairs();
        let stream = RecordBatchStream::of_connection(connection, &options).await;
        let mut stream = stream.unwrap();
        let first = poll_times(stream.next(), polls).await;
        let is_done = first.is_some();
        let mut rows = first.map_or(0, |batch| batch.unwrap().expect("two rows").num_rows());
        while let Some(batch) = StreamExt::next(&mut stream).await {
            rows += batch.unwrap().num_rows();
        }
        assert_eq!((rows, stream.rows()), (5, 5));
        let mut connection = stream.into_connection().expect("it is not a pool's");
        next_query_is_whole(&mut connection).await;
        is_done
    })
    .await;
    assert!(polls > 10, "{polls}");
}

#[tokio::test]
async fn from_rows_that_waits_for_no_row_is_ready_at_once() {
    let (mut connection, _) = connected(Cut::Every(1)).await;
    let rows = connection.simple_query(NUMBERS).await.unwrap();
    let options = ArrowOptions::default();
    let batches = otaria::RecordBatches::from_rows(rows, &options);
    let batches = poll_times(batches, 1).await.expect("no row is needed");
    assert_eq!(batches.unwrap().schema().fields().len(), 1);
}
