//! A server that has no room for another statement.

use otaria::{CloseReason, Config, Connection, Error};
use protocol_tests::live::LiveServer;

#[tokio::test]
async fn private_server_a_prepare_for_which_there_is_no_room_executes_no_other_statement()
-> Result<(), Error> {
    let server = LiveServer::start().unwrap();
    let schema = server.schema("full").unwrap();
    let config: Config = schema.url().parse()?;
    let mut connection = Connection::connect(&config).await?;
    let create = "CREATE TABLE t (id INT PRIMARY KEY)";
    connection.simple_execute(create).await?;
    let sql = "INSERT INTO t VALUES (1), (2), (3)";
    connection.simple_execute(sql).await?;
    // It is the last that was prepared, and has as many placeholders as the next.
    let delete = connection.prepare("DELETE FROM t WHERE id = ?").await?;
    server
        .sql("SET GLOBAL max_prepared_stmt_count = 1")
        .unwrap();
    let error = connection.query("SELECT ?", (1,)).await.err();
    let rows = schema.sql("SELECT COUNT(*) FROM t").unwrap();
    println!("{error:?}, {rows}");
    assert_eq!(
        rows.trim(),
        "3",
        "a statement that nobody wanted has run: {error:?}"
    );
    assert!(matches!(error, Some(Error::Server(error)) if error.code() == 1461));
    connection.execute(&delete, (1,)).await?;
    assert_eq!(schema.sql("SELECT COUNT(*) FROM t").unwrap().trim(), "2");
    Ok(())
}

#[tokio::test]
async fn private_server_a_prepare_for_which_there_is_no_room_is_told_as_that() -> Result<(), Error>
{
    let server = LiveServer::start().unwrap();
    let config: Config = server.url("").parse()?;
    let mut connection = Connection::connect(&config).await?;
    server
        .sql("SET GLOBAL max_prepared_stmt_count = 0")
        .unwrap();
    for _ in 0..3 {
        let error = connection.query("SELECT ?", (1,)).await.err();
        assert!(matches!(error, Some(Error::Server(error)) if error.code() == 1461));
        assert!(connection.is_idle());
    }
    server
        .sql("SET GLOBAL max_prepared_stmt_count = 1")
        .unwrap();
    let (number,): (i64,) = connection.query_one("SELECT ? + 1", (1,)).await?;
    assert_eq!(number, 2);
    // The server executes the SELECT that was prepared before, whose answer is taken for none.
    let error = connection.query("SELECT ? + 2", (1,)).await.err();
    let told = matches!(&error, Some(Error::EndedByServer(error)) if error.code() == 1461);
    assert!(told, "{error:?}");
    let reason = CloseReason::EndedByServer { code: 1461 };
    assert_eq!(connection.close_reason(), Some(reason));
    Ok(())
}

#[tokio::test]
async fn private_server_a_select_that_writes_is_not_run_in_place_of_one_without_room()
-> Result<(), Error> {
    let server = LiveServer::start().unwrap();
    let schema = server.schema("writes").unwrap();
    let config: Config = schema.url().parse()?;
    let mut connection = Connection::connect(&config).await?;
    for sql in [
        "CREATE TABLE log (v INT) ENGINE = MyISAM",
        "CREATE FUNCTION w(v INT) RETURNS INT BEGIN INSERT INTO log VALUES (v); RETURN v; END",
    ] {
        connection.simple_execute(sql).await?;
    }
    let written = connection.query_one::<(i64,)>("SELECT w(?)", (1,)).await?;
    assert_eq!(written, (1,));
    server
        .sql("SET GLOBAL max_prepared_stmt_count = 1")
        .unwrap();
    let error = connection.query("SELECT ? + 1", (2,)).await.err();
    assert!(matches!(error, Some(Error::Server(error)) if error.code() == 1461));
    assert_eq!(schema.sql("SELECT v FROM log").unwrap().trim(), "1");
    Ok(())
}
