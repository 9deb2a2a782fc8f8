//! What a real server says before it closes the connection while more is on its way to it.

use otaria::{Config, Connection, Error, Executed, Pipeline};
use protocol_tests::fixture::chain;
use protocol_tests::live::LiveServer;

/// More than sockets hold.
const LONG: usize = 3 * 1024 * 1024;
const TIMES: usize = 10;

fn told(result: &Result<Executed, Error>) -> String {
    result.as_ref().err().map(chain).unwrap_or_default()
}

/// The server answers the first command, whatever it is, and closes.
#[tokio::test]
async fn private_server_a_failed_init_connect_is_told_to_the_first_call_of_any_kind() {
    let server = LiveServer::start().unwrap();
    for sql in [
        "CREATE USER plain@'%'",
        "GRANT SELECT ON *.* TO plain@'%'",
        "SET GLOBAL init_connect = 'no SQL'",
    ] {
        server.sql(sql).unwrap();
    }
    let config: Config = server.url("").parse().unwrap();
    let config = config.to_builder().user("plain").password("");
    let prepared = config.clone().build().unwrap();
    let text = config.server_prepared_statements(false).build().unwrap();
    let long = format!("SELECT '{}'", "x".repeat(LONG));
    for _ in 0..TIMES {
        let mut connection = Connection::connect(&prepared).await.unwrap();
        let result = connection.execute("SELECT ?", (1,)).await;
        assert!(told(&result).contains("1184"), "{result:?}");
        for config in [&prepared, &text] {
            let mut connection = Connection::connect(config).await.unwrap();
            let mut pipeline = Pipeline::new();
            pipeline.push("SELECT 1", ()).push(&*long, ());
            let results = connection.execute_pipeline(&pipeline).await.unwrap();
            assert!(told(&results[0]).contains("1184"), "{results:?}");
            assert!(connection.close_reason().is_some());
        }
    }
}

#[tokio::test]
async fn private_server_a_statement_before_one_that_is_too_long_has_its_own_result() {
    let server = LiveServer::builder().option("--max-allowed-packet=1M");
    let server = server.start().unwrap();
    let schema = server.schema("last_words").unwrap();
    let config: Config = schema.url().parse().unwrap();
    let config = config.to_builder().server_prepared_statements(false);
    let config = config.build().unwrap();
    let mut connection = Connection::connect(&config).await.unwrap();
    connection
        .simple_execute("CREATE TABLE t (a INT)")
        .await
        .unwrap();
    let long = format!("SELECT '{}'", "x".repeat(LONG));
    for _ in 0..TIMES {
        let mut connection = Connection::connect(&config).await.unwrap();
        let mut pipeline = Pipeline::new();
        pipeline
            .push("INSERT INTO t VALUES (1)", ())
            .push(&*long, ());
        let results = connection.execute_pipeline(&pipeline).await.unwrap();
        let executed = results[0].as_ref().unwrap();
        assert_eq!(executed.affected_rows, 1);
        assert!(told(&results[1]).contains("1153"), "{results:?}");
    }
    let sql = "SELECT COUNT(*) FROM t";
    let (rows,): (usize,) = connection.query_one(sql, ()).await.unwrap();
    assert_eq!(rows, TIMES);
}
