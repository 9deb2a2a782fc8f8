//! Parts for code that is not async.

use std::time::Duration;

use otaria::arrow::array::RecordBatchReader;
use otaria::arrow::error::ArrowError;
use otaria::{BlockingPartitionBatches, PartitionError, PoolPartitions};
use protocol_tests::pipe::Cut;
use protocol_tests::polls::{at_every_poll, poll_times};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::{spawn_blocking, unconstrained};

use crate::partitions::{both_connections_are_whole, part, pool_of_two};
use crate::{ENDLESS, FAILING, NUMBERS, PLACES, pairs, values};

async fn reader(parts: &[&str]) -> Result<BlockingPartitionBatches, PartitionError> {
    let parts = (0..).zip(parts).map(|(index, sql)| part(index, sql));
    let batches = pool_of_two(&Cut::Every(3)).read_partitions(parts, 2, &pairs());
    batches.into_reader(Handle::current()).await
}

/// All rows of three parts, in order of the parts.
fn read(mut reader: BlockingPartitionBatches) -> Vec<Vec<i32>> {
    let schema = reader.schema();
    assert_eq!((reader.rows(), reader.part()), (0, None));
    let mut read = vec![Vec::new(); 3];
    while let Some(batch) = reader.next() {
        let batch = batch.unwrap();
        assert_eq!(batch.schema(), schema);
        let part = usize::try_from(reader.part().unwrap()).unwrap();
        read[part].extend(values(&batch));
    }
    assert_eq!(reader.rows(), 15);
    read
}

/// Asks for a batch where that is an error.
fn is_refused(reader: &mut BlockingPartitionBatches) {
    for _ in 0..3 {
        let error = reader.next().expect("an error").unwrap_err();
        assert!(matches!(
            cause(&error),
            Some(PartitionError::OnRuntimeThread)
        ));
    }
}

fn cause(error: &ArrowError) -> Option<&PartitionError> {
    match error {
        ArrowError::ExternalError(error) => error.downcast_ref(),
        _ => None,
    }
}

fn runtimes() -> [Runtime; 2] {
    let several = Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build();
    let one = Builder::new_current_thread().enable_all().build();
    [several.unwrap(), one.unwrap()]
}

#[test]
fn on_a_thread_that_runs_tasks_a_reader_of_parts_says_so_and_goes_on_elsewhere() {
    for runtime in runtimes() {
        runtime.block_on(async {
            let mut reader = reader(&[NUMBERS; 3]).await.unwrap();
            is_refused(&mut reader);
            let task = unconstrained(async move {
                is_refused(&mut reader);
                spawn_blocking(move || read(reader)).await.unwrap()
            });
            let read = tokio::spawn(task).await.unwrap();
            assert_eq!(read, vec![vec![1, 2, 3, 4, 5]; 3]);
        });
    }
}

#[test]
fn a_program_that_is_not_async_may_wait_for_parts() {
    let [runtime, _] = runtimes();
    let reader = runtime.block_on(reader(&[NUMBERS; 3])).unwrap();
    assert_eq!(read(reader), vec![vec![1, 2, 3, 4, 5]; 3]);
}

#[test]
fn a_reader_of_parts_knows_what_only_a_row_tells_of_its_schema() {
    let [runtime, _] = runtimes();
    let reader = runtime.block_on(reader(&[PLACES])).unwrap();
    let schema = reader.schema();
    let batches: Result<Vec<_>, _> = reader.collect();
    let batches = batches.unwrap();
    assert_eq!(batches.len(), 1);
    assert_eq!(batches[0].schema(), schema);
    assert!(
        schema
            .field(0)
            .metadata()
            .values()
            .any(|text| text.contains("4326"))
    );
}

#[test]
fn a_reader_of_no_parts_has_neither_columns_nor_batches() {
    let [runtime, _] = runtimes();
    let mut reader = runtime.block_on(reader(&[])).unwrap();
    assert_eq!(reader.schema().fields().len(), 0);
    assert!(reader.next().is_none());
}

#[test]
fn an_error_of_one_part_comes_once_behind_the_batches_before_it() {
    let [runtime, _] = runtimes();
    let mut reader = runtime.block_on(reader(&[FAILING])).unwrap();
    assert_eq!(values(&reader.next().unwrap().unwrap()), [1, 2]);
    assert_eq!(values(&reader.next().unwrap().unwrap()), [3]);
    let error = reader.next().unwrap().unwrap_err();
    let part = cause(&error);
    assert!(matches!(part, Some(PartitionError::Part { index: 0, .. })));
    assert!(reader.next().is_none());
    assert_eq!(reader.rows(), 3);
}

#[test]
fn batches_that_were_not_read_can_be_awaited_again() {
    let [runtime, _] = runtimes();
    let reader = runtime.block_on(reader(&[NUMBERS])).unwrap();
    let mut batches = reader.into_batches();
    runtime.block_on(async {
        let (part, batch) = batches.next().await.unwrap().unwrap();
        assert_eq!((part, values(&batch)), (0, vec![1, 2]));
        assert_eq!(batches.rows(), 2);
    });
}

#[tokio::test(start_paused = true)]
async fn a_reader_of_parts_dropped_at_every_poll_gives_all_connections_back() {
    let pool = pool_of_two(&Cut::Every(3));
    let polls = at_every_poll(async |polls| {
        let parts = [part(0, ENDLESS), part(1, NUMBERS)];
        let batches = pool.read_partitions(parts, 2, &pairs());
        let reader = poll_times(batches.into_reader(Handle::current()), polls).await;
        let has_ended = reader.is_some();
        drop(reader);
        let limit = Duration::from_secs(600);
        let whole = tokio::time::timeout(limit, both_connections_are_whole(&pool));
        whole.await.expect("two connections");
        has_ended
    })
    .await;
    assert!(polls > 5, "{polls}");
}
