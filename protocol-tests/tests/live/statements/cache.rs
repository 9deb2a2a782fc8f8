//! What stays prepared on the server.

use std::thread;

use otaria::{Config, Connection, Error, Statement};
use protocol_tests::live::{self, LiveServer};
use protocol_tests::polls::poll_times;

use super::{id, prepared};
use crate::connect;

async fn with_capacity(capacity: usize) -> Connection {
    let config: Config = live::shared().url("").parse().unwrap();
    let config = config.to_builder().statement_cache_capacity(capacity);
    Connection::connect(&config.build().unwrap()).await.unwrap()
}

#[tokio::test]
async fn statement_count_on_the_server_stays_bounded_cache_full() -> Result<(), Error> {
    let mut connection = with_capacity(3).await;
    for round in 0..3 {
        for number in 0..20_i64 {
            let sql = format!("SELECT ? + {number}");
            assert_eq!(id(&mut connection, &sql, (round,)).await?, round + number);
        }
        assert_eq!(prepared(&mut connection).await?, 3);
    }
    Ok(())
}

#[tokio::test]
async fn statement_count_on_the_server_stays_bounded_cache_0() -> Result<(), Error> {
    let mut connection = with_capacity(0).await;
    for number in 0..20_i64 {
        assert_eq!(
            id(&mut connection, "SELECT ? + 1", (number,)).await?,
            number + 1
        );
        assert_eq!(
            id(&mut connection, "SELECT ? /*! + 2 */", (number,)).await?,
            number + 2
        );
    }
    assert_eq!(prepared(&mut connection).await?, 0);
    let held = connection.prepare("SELECT ?").await?;
    assert_eq!(prepared(&mut connection).await?, 1);
    assert_eq!(connection.query_one::<(i64,)>(&held, (5,)).await?, (5,));
    drop(held);
    assert_eq!(prepared(&mut connection).await?, 0);
    Ok(())
}

#[tokio::test]
async fn statement_count_on_the_server_stays_bounded_cancelled_prepare() -> Result<(), Error> {
    let mut connection = with_capacity(2).await;
    let mut ready = 0;
    for round in 0..200_usize {
        let sql = format!("SELECT {round}, ?");
        let polls = round % 4;
        let dropped = poll_times(connection.prepare(&sql), polls).await;
        ready += usize::from(dropped.is_some());
        drop(dropped);
        let sql = format!("SELECT {round} + ?");
        poll_times(connection.query(&sql, (1,)), polls).await;
    }
    println!("{ready} of 200 prepares were ready in time");
    assert!(prepared(&mut connection).await? <= 2);
    assert_eq!(id(&mut connection, "SELECT ? + 199", (1,)).await?, 200);
    assert_eq!(prepared(&mut connection).await?, 2);
    Ok(())
}

#[tokio::test]
async fn private_server_statement_count_on_the_server_stays_bounded_failed_execute()
-> Result<(), Error> {
    // Of refused prepares and of those by the server itself the session's own counters say nothing
    // sure.
    let server = LiveServer::start().unwrap();
    let schema = server.schema("failed_execute").unwrap();
    let config: Config = schema.url().parse()?;
    let mut connection = Connection::connect(&config).await?;
    let create = "CREATE TABLE t (id INT PRIMARY KEY)";
    connection.simple_execute(create).await?;
    for _ in 0..20 {
        let error = connection
            .execute("INSERT INTO t VALUES (?), (?)", (1, 1))
            .await;
        assert!(matches!(error, Err(Error::Server(error)) if error.code() == 1062));
        let error = connection.execute("INSERT INTO t VALUES (?", (1,)).await;
        assert!(matches!(error, Err(Error::Server(error)) if error.code() == 1064));
        let error = connection.prepare("SELECT no_such_column, ?").await;
        assert!(matches!(error, Err(Error::Server(error)) if error.code() == 1054));
    }
    let count = "SHOW GLOBAL STATUS LIKE 'Prepared_stmt_count'";
    assert_eq!(server.sql(count).unwrap().trim(), "Prepared_stmt_count\t1");
    assert_eq!(id(&mut connection, "SELECT COUNT(*) FROM t", ()).await?, 0);
    Ok(())
}

#[tokio::test]
async fn statement_count_on_the_server_stays_bounded_evict_while_in_use() -> Result<(), Error> {
    let mut connection = with_capacity(1).await;
    let held = connection.prepare("SELECT ? * 2").await?;
    for number in 0..10_i64 {
        let sql = format!("SELECT ? + {number}");
        assert_eq!(id(&mut connection, &sql, (1,)).await?, 1 + number);
        assert_eq!(
            connection.query_one::<(i64,)>(&held, (number,)).await?,
            (2 * number,)
        );
    }
    // The one that is held and the one that is kept.
    assert_eq!(prepared(&mut connection).await?, 2);
    // The SQL of the one that is held is prepared a second time: it was evicted.
    assert_eq!(id(&mut connection, "SELECT ? * 2", (4,)).await?, 8);
    assert_eq!(prepared(&mut connection).await?, 2);
    drop(held);
    assert_eq!(prepared(&mut connection).await?, 1);
    Ok(())
}

#[tokio::test]
async fn two_users_of_the_same_evicted_statement_user_held_statement_survives_eviction()
-> Result<(), Error> {
    let mut connection = with_capacity(1).await;
    let one = connection.prepare("SELECT ? - 1").await?;
    let two = connection.prepare("SELECT ? - 1").await?;
    assert_eq!(one.id(), two.id());
    assert_eq!(id(&mut connection, "SELECT ? - 2", (2,)).await?, 0);
    assert_eq!(connection.query_one::<(i64,)>(&one, (7,)).await?, (6,));
    drop(one);
    assert_eq!(connection.query_one::<(i64,)>(&two, (8,)).await?, (7,));
    assert_eq!(prepared(&mut connection).await?, 2);
    drop(two);
    assert_eq!(prepared(&mut connection).await?, 1);
    Ok(())
}

#[tokio::test]
async fn a_statement_dropped_on_another_thread_is_closed_by_the_next_command() -> Result<(), Error>
{
    let mut connection = with_capacity(0).await;
    let statements: Vec<Statement> = vec![
        connection.prepare("SELECT ?").await?,
        connection.prepare("SELECT ? + 1").await?,
    ];
    assert_eq!(prepared(&mut connection).await?, 2);
    let clones = statements.clone();
    thread::spawn(move || drop(statements)).join().unwrap();
    assert_eq!(prepared(&mut connection).await?, 2);
    thread::spawn(move || drop(clones)).join().unwrap();
    assert_eq!(prepared(&mut connection).await?, 0);
    Ok(())
}

#[tokio::test]
async fn reset_and_change_user_forget_statements_and_those_held_across_are_prepared_again()
-> Result<(), Error> {
    let mut connection = connect("").await;
    let held = connection.prepare("SELECT ? * 3").await?;
    let closed = connection.prepare("SELECT ? * 4").await?;
    assert_eq!(id(&mut connection, "SELECT ? * 5", (1,)).await?, 5);
    connection.reset().await?;
    // Of what the reset has closed nothing is closed again.
    drop(closed);
    assert_eq!(connection.query_one::<(i64,)>(&held, (2,)).await?, (6,));
    assert_eq!(connection.query_one::<(i64,)>(&held, (3,)).await?, (9,));
    assert_eq!(id(&mut connection, "SELECT ? * 5", (2,)).await?, 10);
    let server = live::shared();
    let (user, password) = (server.user(), server.password());
    connection.change_user(user, password, None).await?;
    assert_eq!(connection.query_one::<(i64,)>(&held, (4,)).await?, (12,));
    assert_eq!(id(&mut connection, "SELECT ? * 5", (3,)).await?, 15);
    drop(held);
    connection.ping().await?;
    assert_eq!(id(&mut connection, "SELECT ? * 5", (3,)).await?, 15);
    Ok(())
}

#[tokio::test]
async fn a_statement_of_another_connection_is_refused_before_a_byte_is_sent() -> Result<(), Error> {
    let (mut one, mut other) = (connect("").await, connect("").await);
    let statement = one.prepare("SELECT ? * 6").await?;
    let own = other.prepare("SELECT ? * 7").await?;
    let before = prepared(&mut other).await?;
    for _ in 0..2 {
        let error = other.execute(&statement, (1,)).await.err();
        assert!(matches!(error, Some(Error::ForeignStatement)), "{error:?}");
        assert!(other.is_idle());
    }
    drop(one);
    let error = other.query(&statement, (1,)).await.err();
    assert!(matches!(error, Some(Error::ForeignStatement)));
    drop(statement);
    assert_eq!(prepared(&mut other).await?, before);
    assert_eq!(other.query_one::<(i64,)>(&own, (1,)).await?, (7,));
    Ok(())
}

#[tokio::test]
async fn use_db2_then_same_sql_text_is_not_the_old_statement_s_table() -> Result<(), Error> {
    let server = live::shared();
    let (one, two) = (
        server.schema("use_one").unwrap(),
        server.schema("use_two").unwrap(),
    );
    one.sql("CREATE TABLE t (c INT); INSERT INTO t VALUES (1)")
        .unwrap();
    two.sql("CREATE TABLE t (c INT, d INT); INSERT INTO t VALUES (2, 3)")
        .unwrap();
    let mut connection = connect(one.name()).await;
    let sql = "SELECT c FROM t WHERE c > ?";
    let held = connection.prepare(sql).await?;
    for _ in 0..2 {
        assert_eq!(id(&mut connection, sql, (0,)).await?, 1);
        connection
            .simple_execute(&format!("USE {}", two.name()))
            .await?;
        assert_eq!(id(&mut connection, sql, (0,)).await?, 2);
        // A statement keeps the default database of its prepare.
        assert_eq!(connection.query_one::<(i64,)>(&held, (0,)).await?, (1,));
        connection.init_db(one.name()).await?;
        assert_eq!(id(&mut connection, sql, (0,)).await?, 1);
        connection
            .execute(&format!("USE {}", two.name()), ())
            .await?;
        assert_eq!(id(&mut connection, sql, (0,)).await?, 2);
        connection.init_db(one.name()).await?;
    }
    Ok(())
}

#[tokio::test]
async fn sql_mode_that_changes_the_quotes_is_another_statement() -> Result<(), Error> {
    let mut connection = connect("").await;
    let sql = "SELECT \"a\", ? FROM (SELECT 'column' AS a) AS t";
    for (mode, expected) in [("", "a"), ("ANSI_QUOTES", "column"), ("", "a")] {
        let set = format!("SET sql_mode = '{mode}'");
        connection.simple_execute(&set).await?;
        let (text, _) = connection.query_one::<(String, i64)>(sql, (1,)).await?;
        assert_eq!(text, expected);
    }
    Ok(())
}
