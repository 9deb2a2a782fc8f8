//! Batches that are lent by a connection.

use futures_util::TryStreamExt;
use otaria::arrow::array::AsArray;
use otaria::{
    ArrowOptions, CellReason, ColumnType, DecodeError, Error, QueryArrow, RecordBatchError,
    RecordBatches,
};
use protocol_tests::pipe::Cut;
use protocol_tests::polls::poll_times;

use crate::{
    BROKEN, ENDLESS, FAILING, INSERT, NUMBERS, PLACES, PREPARED, PREPARED_INSERT, SEVERAL, batches,
    connected, next_query_is_whole, pairs, values,
};

type Result<T = (), E = RecordBatchError> = std::result::Result<T, E>;

#[tokio::test]
async fn batches_have_the_rows_in_order_and_as_many_as_the_options_allow() -> Result {
    for cut in [Cut::Whole, Cut::Every(1), Cut::Every(7)] {
        let (mut connection, _) = connected(cut).await;
        let mut batches = batches(&mut connection, NUMBERS, &pairs()).await?;
        let schema = batches.schema();
        let mut read = Vec::new();
        while let Some(batch) = batches.next().await? {
            assert_eq!(batch.schema(), schema);
            read.push(values(&batch));
        }
        assert_eq!(read, [vec![1, 2], vec![3, 4], vec![5]]);
        assert_eq!(batches.rows(), 5);
        assert!(batches.next().await?.is_none(), "the end stays the end");
        drop(batches);
        assert!(connection.is_idle());
        next_query_is_whole(&mut connection).await;
    }
    Ok(())
}

#[tokio::test]
async fn a_prepared_query_gives_batches_on_connections_and_in_transactions() -> Result {
    let (mut connection, _) = connected(Cut::Every(3)).await;
    let mut batches = connection.query_arrow(PREPARED, (0,)).await?;
    let batch = batches.next().await?.expect("five rows");
    assert_eq!(values(&batch), [1, 2, 3, 4, 5]);
    assert!(batches.next().await?.is_none());

    let statement = connection.prepare(PREPARED).await?;
    let batches = connection
        .query_arrow_with(&statement, [0], &pairs())
        .await?;
    let read: Vec<_> = batches.into_stream().try_collect().await?;
    assert_eq!(read.len(), 3, "as a stream");
    Ok(())
}

#[tokio::test]
async fn what_has_been_received_is_decoded_before_the_socket_is_read_again() -> Result {
    let (mut connection, _) = connected(Cut::Whole).await;
    let one = ArrowOptions::default().with_max_rows(1);
    let mut three = batches(&mut connection, ENDLESS, &one).await?;
    for expected in 1..=3 {
        let batch = poll_times(three.next(), 1).await.expect("it is here")?;
        assert_eq!(values(&batch.expect("a batch")), [expected]);
    }
    assert!(
        poll_times(three.next(), 1).await.is_none(),
        "no row is here"
    );
    Ok(())
}

#[tokio::test]
async fn an_error_of_the_server_in_the_middle_of_rows_comes_once_and_behind_the_rows() -> Result {
    for cut in [Cut::Whole, Cut::Every(1)] {
        let (mut connection, _) = connected(cut).await;
        let mut batches = batches(&mut connection, FAILING, &pairs()).await?;
        let mut read = Vec::new();
        let error = loop {
            match batches.next().await {
                Ok(batch) => read.push(values(&batch.expect("no end before the error"))),
                Err(error) => break error,
            }
        };
        assert_eq!(read, [vec![1, 2], vec![3]]);
        let code = error.driver().map(|error| match error {
            Error::Server(error) => error.code(),
            other => panic!("{other:?}"),
        });
        assert_eq!(code, Some(1365));
        assert!(batches.next().await?.is_none(), "once");
        next_query_is_whole(&mut connection).await;
    }
    Ok(())
}

#[tokio::test]
async fn a_cell_that_cannot_be_decoded_is_named_once_and_the_connection_stays_usable() -> Result {
    for cut in [Cut::Whole, Cut::Every(1)] {
        let (mut connection, _) = connected(cut).await;
        let mut batches = batches(&mut connection, BROKEN, &pairs()).await?;
        assert_eq!(values(&batches.next().await?.expect("two rows")), [1, 2]);
        let error = batches.next().await.unwrap_err();
        assert!(error.driver().is_none());
        let RecordBatchError::Decode(DecodeError::Cell {
            row,
            column,
            reason,
        }) = error
        else {
            panic!("{error:?}");
        };
        assert_eq!((row, column.name()), (3, "n"));
        assert_eq!(reason, CellReason::Malformed);
        assert!(batches.next().await?.is_none(), "once");
        next_query_is_whole(&mut connection).await;
    }
    Ok(())
}

#[tokio::test]
async fn options_that_do_not_fit_the_columns_are_an_error_before_the_first_row() {
    let (mut connection, _) = connected(Cut::Whole).await;
    let options =
        ArrowOptions::default().with_column("embedding", ColumnType::Vector { dimensions: None });
    let error = batches(&mut connection, NUMBERS, &options).await.err();
    let Some(RecordBatchError::Decode(DecodeError::UnknownColumn { name })) = error else {
        panic!("{error:?}");
    };
    assert_eq!(&*name, "embedding");
    next_query_is_whole(&mut connection).await;
}

#[tokio::test]
async fn a_statement_without_rows_has_no_fields_and_no_batch() -> Result {
    let (mut connection, _) = connected(Cut::Whole).await;
    connection.query_arrow(PREPARED, (0,)).await.map(drop)?;
    let options =
        ArrowOptions::default().with_column("embedding", ColumnType::Vector { dimensions: None });
    let mut none = connection
        .query_arrow_with(PREPARED_INSERT, (1,), &options)
        .await?;
    assert_eq!(none.schema().fields().len(), 0);
    assert!(none.next().await?.is_none());
    let mut none = batches(&mut connection, INSERT, &options).await?;
    assert!(none.next().await?.is_none());
    next_query_is_whole(&mut connection).await;
    Ok(())
}

#[tokio::test]
async fn each_result_of_a_procedure_has_a_schema_of_its_own() -> Result {
    for is_read in [true, false] {
        let (mut connection, _) = connected(Cut::Every(5)).await;
        let mut several = batches(&mut connection, SEVERAL, &pairs()).await?;
        assert_eq!(several.schema().field(0).name(), "old");
        if is_read {
            assert_eq!(several.next().await?.expect("two rows").num_rows(), 2);
            assert!(several.next().await?.is_none());
        }
        assert!(several.next_result_set().await?);
        assert_eq!(several.schema().fields().len(), 2);
        let batch = several.next().await?.expect("a row");
        assert_eq!(batch.column(1).as_string::<i32>().value(0), "a");
        assert_eq!(several.rows(), 1, "counted anew");
        assert!(several.next().await?.is_none());
        assert!(several.next_result_set().await?, "the OK of the procedure");
        assert_eq!(several.schema().fields().len(), 0);
        assert!(!several.next_result_set().await?);
        next_query_is_whole(&mut connection).await;
    }
    Ok(())
}

#[tokio::test]
async fn rows_that_were_read_before_are_not_in_the_batches() -> Result {
    let (mut connection, _) = connected(Cut::Whole).await;
    let mut rows = connection.simple_query(NUMBERS).await?;
    assert_eq!(rows.next().await?.expect("a row").get::<i32>(0)?, 1);
    let mut batches = RecordBatches::from_rows(rows, &ArrowOptions::default()).await?;
    let batch = batches.next().await?.expect("four rows");
    assert_eq!(values(&batch), [2, 3, 4, 5]);
    Ok(())
}

#[tokio::test]
async fn what_was_begun_of_the_last_result_is_thrown_away_by_asking_for_another() -> Result {
    for sql in [NUMBERS, FAILING] {
        for polls in (1..60).step_by(3) {
            let (mut connection, _) = connected(Cut::Every(1)).await;
            let mut batches = batches(&mut connection, sql, &pairs()).await?;
            drop(poll_times(batches.next(), polls).await);
            match batches.next_result_set().await {
                Ok(is_another) => assert!(!is_another),
                Err(error) => assert!(sql == FAILING, "{error}"),
            }
            assert!(batches.next().await?.is_none(), "{sql} at {polls}");
            next_query_is_whole(&mut connection).await;
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_batch_that_was_read_for_the_schema_is_thrown_away_with_its_result() -> Result {
    let (mut connection, _) = connected(Cut::Every(5)).await;
    let mut batches = batches(&mut connection, PLACES, &pairs()).await?;
    assert!(!batches.next_result_set().await?);
    assert!(batches.next().await?.is_none());
    next_query_is_whole(&mut connection).await;
    Ok(())
}
