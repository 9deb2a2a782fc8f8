//! Results of other shapes than a table's.

use std::num::NonZeroU32;

use otaria::arrow::array::AsArray;
use otaria::arrow::datatypes::{DataType, Int32Type, Int64Type};
use otaria::{
    ArrowOptions, Config, Error, Pool, PoolQueryArrow, QueryArrow, RecordBatchError, RecordBatches,
};
use protocol_tests::live;
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;

use super::{PROTOCOLS, read};
use crate::connect;

type Result<T = (), E = RecordBatchError> = std::result::Result<T, E>;

#[tokio::test]
async fn an_empty_result_has_a_schema_and_no_batch() -> Result {
    let schema = live::shared().schema("batches").unwrap();
    let mut connection = connect(schema.name()).await;
    let sql =
        &live::shared().dialect("SELECT 1 AS one, 'text' AS text FROM seq_1_to_1 WHERE seq > 1");
    for protocol in PROTOCOLS {
        let options = ArrowOptions::default();
        let (batch, _) = read(&mut connection, sql, (protocol, &options)).await?;
        let schema = batch.schema();
        let names: Vec<_> = schema
            .fields()
            .iter()
            .map(|field| field.name().as_str())
            .collect();
        assert_eq!((names, batch.num_rows()), (vec!["one", "text"], 0));
    }
    Ok(())
}

#[tokio::test]
async fn columns_of_the_same_name_are_kept() -> Result {
    let schema = live::shared().schema("batches").unwrap();
    let mut connection = connect(schema.name()).await;
    let sql = "SELECT 1 AS x, 'two' AS x, 3e0 AS x";
    for protocol in PROTOCOLS {
        let options = ArrowOptions::default();
        let (batch, _) = read(&mut connection, sql, (protocol, &options)).await?;
        let schema = batch.schema();
        assert!(schema.fields().iter().all(|field| field.name() == "x"));
        assert_eq!(batch.column(1).as_string::<i32>().value(0), "two");
        assert_eq!(batch.column(2).data_type(), &DataType::Float64);
    }
    Ok(())
}

#[tokio::test]
async fn statements_without_rows_have_no_fields() -> Result {
    let schema = live::shared().schema("norows").unwrap();
    schema.sql("CREATE TABLE t (id INT)").unwrap();
    let mut connection = connect(schema.name()).await;
    connection
        .query_arrow("SELECT * FROM t", ())
        .await
        .map(drop)?;
    for sql in ["INSERT INTO t VALUES (?)", "UPDATE t SET id = id + ?"] {
        let mut none = connection.query_arrow(sql, (1,)).await?;
        assert_eq!(none.schema().fields().len(), 0, "{sql}");
        assert!(none.next().await?.is_none());
    }
    let (sum,): (i64,) = connection.query_one("SELECT SUM(id) FROM t", ()).await?;
    assert_eq!(sum, 2, "they have run");
    Ok(())
}

#[tokio::test]
async fn what_an_insertion_returns_has_fields() -> Result {
    let schema = live::shared().schema("returned").unwrap();
    schema.sql("CREATE TABLE t (id INT)").unwrap();
    let mut connection = connect(schema.name()).await;
    let mut returned = connection
        .query_arrow("INSERT INTO t VALUES (?) RETURNING id", (7,))
        .await?;
    let batch = returned.next().await?.expect("a row");
    assert_eq!(batch.column(0).as_primitive::<Int32Type>().value(0), 7);
    Ok(())
}

#[tokio::test]
async fn each_result_of_a_procedure_can_be_read() -> Result {
    let schema = live::shared().schema("procedures").unwrap();
    let body = "BEGIN SELECT 1 AS one; SELECT seq, 'x' AS x FROM seq_1_to_3; END";
    schema
        .sql(&format!("DELIMITER //\nCREATE PROCEDURE p() {body} //"))
        .unwrap();
    let mut connection = connect(schema.name()).await;
    let mut batches = connection.query_arrow("CALL p()", ()).await?;
    assert_eq!(batches.next().await?.expect("a row").num_columns(), 1);
    assert!(batches.next_result_set().await?);
    let batch = batches.next().await?.expect("three rows");
    assert_eq!((batch.num_rows(), batch.num_columns()), (3, 2));
    assert!(batches.next_result_set().await?, "what the CALL did");
    assert!(!batches.next_result_set().await?);

    // What is not read does not concern the next query.
    connection.query_arrow("CALL p()", ()).await.map(drop)?;
    let (two,): (i64,) = connection.query_one("SELECT 2", ()).await?;
    assert_eq!(two, 2);
    Ok(())
}

#[tokio::test]
async fn rows_of_a_cursor_come_as_batches() -> Result {
    let schema = live::shared().schema("batches").unwrap();
    let mut connection = connect(schema.name()).await;
    let fetch_size = NonZeroU32::new(7).unwrap();
    let rows = connection
        .query_with_cursor(
            &live::shared().dialect("SELECT seq FROM seq_1_to_100"),
            (),
            fetch_size,
        )
        .await?;
    let options = ArrowOptions::default().with_max_rows(30);
    let mut batches = RecordBatches::from_rows(rows, &options).await?;
    let mut read = Vec::new();
    while let Some(batch) = batches.next().await? {
        read.push(batch.num_rows());
    }
    assert_eq!(read, [30, 30, 30, 10]);
    Ok(())
}

#[tokio::test]
async fn an_error_in_the_middle_of_rows_comes_behind_them_and_the_connection_goes_on() -> Result {
    let schema = live::shared().schema("batches").unwrap();
    let mut connection = connect(schema.name()).await;
    // The subquery has two rows for the last.
    let sql = &*live::shared().dialect(
        "SELECT seq, (SELECT 1 FROM seq_1_to_2 AS x WHERE x.seq < 2 + (t.seq = 50000)) AS one \
         FROM seq_1_to_50000 AS t",
    );
    for protocol in PROTOCOLS {
        let options = ArrowOptions::default().with_max_rows(1000);
        let mut batches = match protocol {
            super::Protocol::Text => {
                let rows = connection.simple_query(sql).await?;
                RecordBatches::from_rows(rows, &options).await?
            }
            super::Protocol::Binary => connection.query_arrow_with(sql, (), &options).await?,
        };
        let error = loop {
            match batches.next().await {
                Ok(batch) => assert!(batch.is_some(), "the error comes before the end"),
                Err(error) => break error,
            }
        };
        let Some(Error::Server(error)) = error.driver() else {
            panic!("{error:?}");
        };
        assert_eq!(error.code(), 1242);
        assert!(
            batches.rows() > 10_000,
            "{} rows came before",
            batches.rows()
        );
        assert!(batches.next().await?.is_none(), "once");
        connection.ping().await?;
    }
    Ok(())
}

#[tokio::test]
async fn geometries_name_their_reference_system_in_the_schema_from_the_beginning() -> Result {
    let schema = live::shared().schema("geometry").unwrap();
    schema
        .sql(
            "CREATE TABLE t (id INT, g GEOMETRY);
             INSERT INTO t SELECT seq, NULL FROM seq_1_to_5000;
             INSERT INTO t VALUES (5001, ST_GeomFromText('POINT(1 2)', 4326))",
        )
        .unwrap();
    let mut connection = connect(schema.name()).await;
    let batches = connection
        .query_arrow("SELECT g FROM t ORDER BY id", ())
        .await?;
    let schema = batches.schema();
    let field = schema.field(0);
    assert_eq!(field.extension_type_name(), Some("geoarrow.wkb"));
    let crs = field.extension_type_metadata().unwrap_or_default();
    assert!(crs.contains("4326"), "{crs}");
    let mut stream = batches.into_stream();
    let mut rows = 0;
    while let Some(batch) = stream.next().await? {
        assert_eq!(batch.schema(), schema);
        rows += batch.num_rows();
    }
    assert_eq!((rows, stream.rows()), (5001, 5001));
    Ok(())
}

#[tokio::test]
async fn a_pool_reads_in_another_thread_and_has_its_connection_back() -> Result {
    let schema = live::shared().schema("batches").unwrap();
    let config: Config = schema.url().parse().unwrap();
    let pool = Pool::builder(config).max_size(1).build();
    let sql = &live::shared()
        .dialect("SELECT seq, CONCAT('row ', seq) AS text FROM seq_1_to_100000 WHERE seq > ?");
    let stream = pool.query_arrow(sql, (0,)).await?;
    let reader = stream.into_reader(Handle::current());
    let sum = spawn_blocking(move || {
        let sums = reader.map(|batch| {
            let batch = batch.unwrap();
            let numbers = batch.column(0);
            assert_eq!(*numbers.data_type(), DataType::UInt64);
            let numbers = numbers.as_primitive::<otaria::arrow::datatypes::UInt64Type>();
            numbers.values().iter().sum::<u64>()
        });
        sums.sum::<u64>()
    });
    assert_eq!(sum.await.unwrap(), 5_000_050_000);
    assert_eq!(pool.status().idle, 1);
    let (one,): (i64,) = pool.query_one("SELECT 1", ()).await?;
    assert_eq!(one, 1);

    // One that is given up in the middle comes back as well.
    let mut stream = pool.query_arrow(sql, (0,)).await?;
    stream.next().await?;
    drop(stream);
    let mut stream = pool.query_arrow("SELECT 2 AS two", ()).await?;
    let batch = stream.next().await?.expect("a row");
    assert_eq!(batch.num_rows(), 1);
    Ok(())
}

#[tokio::test]
async fn batches_are_bounded_by_bytes_too() -> Result {
    let schema = live::shared().schema("batches").unwrap();
    let mut connection = connect(schema.name()).await;
    let options = ArrowOptions::default().with_max_bytes(1 << 20);
    let sql = &live::shared()
        .dialect("SELECT REPEAT('x', 200000) AS text, CAST(seq AS SIGNED) AS n FROM seq_1_to_50");
    let mut batches = connection.query_arrow_with(sql, (), &options).await?;
    let (mut sum, mut count) = (0, 0);
    while let Some(batch) = batches.next().await? {
        assert!(batch.num_rows() <= 6, "{}", batch.num_rows());
        let numbers = batch.column(1).as_primitive::<Int64Type>();
        sum += numbers.values().iter().sum::<i64>();
        count += 1;
    }
    assert_eq!(sum, 1275);
    assert!(count >= 9, "{count}");
    Ok(())
}
