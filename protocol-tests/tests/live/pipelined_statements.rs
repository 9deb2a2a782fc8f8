//! Pipelines of statements against a real server.

use std::net::SocketAddr;

use futures_util::TryStreamExt;
use otaria::{Connection, Error, Pipeline};
use protocol_tests::live;
use tokio::net::TcpSocket;

use crate::connect;
use crate::statements::prepared;

#[tokio::test]
async fn the_same_sql_behind_a_use_reads_the_other_database() -> Result<(), Error> {
    let (first, second) = (live::shared().schema("pipe"), live::shared().schema("pipe"));
    let (first, second) = (first.unwrap(), second.unwrap());
    let mut connection = connect(first.name()).await;
    for (schema, value) in [(&first, 1), (&second, 2)] {
        let name = schema.name();
        connection
            .simple_execute(&format!("CREATE TABLE `{name}`.t (a INT)"))
            .await?;
        connection
            .simple_execute(&format!("INSERT INTO `{name}`.t VALUES ({value})"))
            .await?;
    }
    let other = format!("USE `{}`", second.name());
    let back = format!("USE `{}`", first.name());
    for _ in 0..3 {
        let mut pipeline = Pipeline::new();
        let sql = "SELECT a FROM t WHERE a > ?";
        pipeline.push(sql, (0,)).push(&other, ()).push(sql, (0,));
        pipeline.push(&back, ()).push(sql, (0,));
        let mut results = connection.query_pipeline(&pipeline).await?;
        let mut values = Vec::new();
        while let Some(rows) = results.next().await {
            let rows = rows?;
            if !rows.columns().is_empty() {
                values.extend(rows.collect::<(i32,)>().await?);
            }
        }
        assert_eq!(values, [(1,), (2,), (1,)]);
    }
    Ok(())
}

#[tokio::test]
async fn statements_of_a_pipeline_fail_and_succeed_each_for_itself() -> Result<(), Error> {
    let schema = live::shared().schema("pipe").unwrap();
    let mut connection = connect(schema.name()).await;
    connection
        .simple_execute("CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(20))")
        .await?;
    connection
        .simple_execute("CREATE PROCEDURE two() BEGIN SELECT 1; SELECT 2 FROM no_such; END")
        .await?;
    let insert = "INSERT INTO t VALUES (?, ?)";
    let mut pipeline = Pipeline::new();
    pipeline
        .push("START TRANSACTION", ())
        .push(insert, (1, "a"))
        .push(insert, (1, "again"));
    pipeline
        .push("SELECT no_such FROM t WHERE id = ?", (1,))
        .push("CALL two()", ());
    pipeline
        .push(insert, (2, "b"))
        .push("SELECT COUNT(*) FROM t", ())
        .push("COMMIT", ());
    let mut codes = Vec::new();
    for result in connection.execute_pipeline(&pipeline).await? {
        codes.push(match result {
            Ok(executed) => Ok(executed.affected_rows),
            Err(Error::Server(error)) => Err(error.code()),
            Err(error) => return Err(error),
        });
    }
    let expected = [
        Ok(0),
        Ok(1),
        Err(1062),
        Err(1054),
        Err(1146),
        Ok(1),
        Ok(0),
        Ok(0),
    ];
    assert_eq!(codes, expected);
    let rows: Vec<(i32, String)> = connection.query_all("SELECT * FROM t", ()).await?;
    assert_eq!(rows, [(1, "a".to_owned()), (2, "b".to_owned())]);
    Ok(())
}

#[tokio::test]
async fn points_in_time_are_parameters_behind_statements_that_keep_the_session() -> Result<(), Error>
{
    let schema = live::shared().schema("pipe").unwrap();
    let mut connection = connect(schema.name()).await;
    connection
        .simple_execute("SET time_zone = '+02:00'")
        .await?;
    connection
        .simple_execute("CREATE TABLE t (at TIMESTAMP)")
        .await?;
    let (first, second) = (at(1_000_000_000), at(1_100_000_000));
    let insert = "INSERT INTO t VALUES (?)";
    let mut pipeline = Pipeline::new();
    pipeline.push(insert, (first,)).push(insert, (second,));
    pipeline
        .push("SET time_zone = '-05:00'", ())
        .push(insert, (first,));
    for result in connection.execute_pipeline(&pipeline).await? {
        result?;
    }
    let sql = "SELECT UNIX_TIMESTAMP(at) FROM t ORDER BY 1";
    let rows: Vec<(i64,)> = connection.query_all(sql, ()).await?;
    assert_eq!(rows, [(1_000_000_000,), (1_000_000_000,), (1_100_000_000,)]);
    Ok(())
}

fn at(seconds: i64) -> chrono::DateTime<chrono::Utc> {
    chrono::DateTime::from_timestamp(seconds, 0).unwrap()
}

#[tokio::test]
async fn many_executes_over_small_socket_buffers_come_to_their_end() -> Result<(), Error> {
    let server = live::shared();
    let config = server.in_clear("").unwrap().build()?;
    let address: SocketAddr = format!("{}:{}", server.host(), server.port())
        .parse()
        .unwrap();
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    socket.set_send_buffer_size(4096).unwrap();
    let stream = socket.connect(address).await.unwrap();
    let mut connection = Connection::connect_over(stream, &config).await?;
    let before = prepared(&mut connection).await?;
    let mut pipeline = Pipeline::new();
    for number in 0..5_000_u32 {
        pipeline.push("SELECT ?, REPEAT('x', 1024)", (number,));
    }
    let mut results = connection.query_pipeline(&pipeline).await?;
    let mut next = 0;
    while let Some(rows) = results.next().await {
        let rows: Vec<_> = rows?.into_stream().try_collect().await?;
        assert_eq!(rows.len(), 1);
        let (number, long): (u32, &str) = rows[0].read()?;
        assert_eq!((number, long.len()), (next, 1024));
        next += 1;
    }
    assert_eq!(next, 5_000);
    assert_eq!(prepared(&mut connection).await?, before + 1);
    Ok(())
}
