//! Batches for code that is not async.

use std::thread;

use otaria::arrow::array::RecordBatchReader;
use otaria::arrow::error::ArrowError;
use otaria::{BlockingRecordBatches, PoolQueryArrow, RecordBatchError, RecordBatchStream};
use protocol_tests::pipe::Cut;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::{LocalSet, block_in_place, spawn_blocking, unconstrained};

use crate::{FAILING, NUMBERS, connected, pairs, pool, values};

async fn reader() -> BlockingRecordBatches<'static> {
    let (pool, options) = (pool(&Cut::Every(3)), pairs());
    let stream = pool.query_arrow_with(NUMBERS, (), &options).await;
    stream.unwrap().into_reader(Handle::current())
}

fn read(reader: impl RecordBatchReader) -> Vec<Vec<i32>> {
    let schema = reader.schema();
    reader
        .map(|batch| {
            let batch = batch.unwrap();
            assert_eq!(batch.schema(), schema);
            values(&batch)
        })
        .collect()
}

fn all() -> Vec<Vec<i32>> {
    vec![vec![1, 2], vec![3, 4], vec![5]]
}

/// Asks for a batch where that is an error, and reads them all elsewhere.
fn is_refused(reader: &mut BlockingRecordBatches<'_>) {
    for _ in 0..3 {
        let error = reader.next().expect("an error").unwrap_err();
        let ArrowError::ExternalError(error) = error else {
            panic!("{error:?}");
        };
        let error = error.downcast_ref::<RecordBatchError>();
        assert!(matches!(error, Some(RecordBatchError::OnRuntimeThread)));
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
fn on_a_thread_that_runs_tasks_a_reader_says_so_and_goes_on_elsewhere() {
    for runtime in runtimes() {
        runtime.block_on(async {
            let mut reader = reader().await;
            is_refused(&mut reader);
            tokio::spawn(async move {
                is_refused(&mut reader);
                tokio::task::yield_now().await;
                is_refused(&mut reader);
                let rest = spawn_blocking(move || read(reader)).await.unwrap();
                assert_eq!(rest, all());
            })
            .await
            .unwrap();
        });
    }
}

#[test]
fn in_a_local_set_a_reader_says_so_too() {
    for runtime in runtimes() {
        LocalSet::new().block_on(&runtime, async {
            let mut reader = reader().await;
            is_refused(&mut reader);
            let task = tokio::task::spawn_local(async move { is_refused(&mut reader) });
            task.await.unwrap();
        });
    }
}

#[test]
fn in_an_unconstrained_task_a_reader_says_so_and_does_not_panic() {
    for runtime in runtimes() {
        let mut reader = runtime.block_on(reader());
        reader = runtime.block_on(unconstrained(async {
            is_refused(&mut reader);
            reader
        }));
        let task = runtime.spawn(unconstrained(async move {
            is_refused(&mut reader);
            tokio::task::yield_now().await;
            is_refused(&mut reader);
            spawn_blocking(move || read(reader)).await.unwrap()
        }));
        assert_eq!(runtime.block_on(task).unwrap(), all());
    }
}

#[test]
fn a_task_that_was_refused_a_batch_can_go_on_as_before() {
    for runtime in runtimes() {
        runtime.block_on(async {
            let mut refused = reader().await;
            is_refused(&mut refused);
            assert!(tokio::task::coop::has_budget_remaining());
        });
    }
}

#[test]
fn a_thread_of_its_own_may_wait_for_batches() {
    for runtime in runtimes() {
        let read = runtime.block_on(async {
            let reader = reader().await;
            let (sender, receiver) = tokio::sync::oneshot::channel();
            let thread = thread::spawn(move || sender.send(read(reader)).unwrap());
            let read = receiver.await.unwrap();
            thread.join().unwrap();
            read
        });
        assert_eq!(read, all());
    }
}

#[test]
fn a_program_that_is_not_async_may_wait_for_batches() {
    let [runtime, _] = runtimes();
    let reader = runtime.block_on(reader());
    assert_eq!(read(reader), all());
    let in_context = runtime.block_on(self::reader());
    let _entered = runtime.enter();
    assert_eq!(read(in_context), all());
}

#[test]
fn where_blocking_is_allowed_in_place_a_reader_may_wait() {
    let [runtime, _] = runtimes();
    runtime.block_on(async {
        let reader = reader().await;
        let task = tokio::spawn(async { block_in_place(move || read(reader)) });
        assert_eq!(task.await.unwrap(), all());
    });
}

#[test]
fn an_error_of_the_server_comes_once_and_the_connection_can_be_taken_back() {
    let [runtime, _] = runtimes();
    let stream = runtime.block_on(async {
        let (mut connection, _) = connected(Cut::Every(3)).await;
        connection.simple_query(FAILING).await.map(drop).unwrap();
        RecordBatchStream::of_connection(connection, &pairs()).await
    });
    let mut reader = stream.unwrap().into_reader(runtime.handle().clone());
    assert_eq!(reader.schema().fields().len(), 1);
    assert_eq!(values(&reader.next().unwrap().unwrap()), [1, 2]);
    assert_eq!(values(&reader.next().unwrap().unwrap()), [3]);
    let error = reader.next().unwrap().unwrap_err();
    assert!(error.to_string().contains("Division by 0"), "{error}");
    assert!(reader.next().is_none());
    assert_eq!(reader.rows(), 3);
    let connection = reader.into_stream().into_connection();
    assert!(connection.expect("it is not a pool's").is_idle());
}
