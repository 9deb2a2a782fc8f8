//! Cursors on a real server.

use std::num::NonZeroU32;

use otaria::{Config, Connection, Error};
use protocol_tests::live::{self, Schema};

use crate::connect;

fn size(rows: u32) -> NonZeroU32 {
    NonZeroU32::new(rows).unwrap()
}

/// A table `t` with the ids 1 to 10.
fn schema(hint: &str) -> Schema<'static> {
    let schema = live::shared().schema(hint).unwrap();
    schema
        .sql("CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR(20))")
        .unwrap();
    schema
        .sql("INSERT INTO t SELECT seq, CONCAT('name ', seq) FROM seq_1_to_10")
        .unwrap();
    schema
}

/// How often the session has sent this command.
async fn count(connection: &mut Connection, command: &str) -> u64 {
    let sql = format!("SHOW SESSION STATUS LIKE 'Com_stmt_{command}'");
    let rows = connection.simple_query(&sql).await.unwrap();
    let rows: Vec<(String, String)> = rows.collect().await.unwrap();
    rows[0].1.parse().unwrap()
}

const ALL: &str = "SELECT id, name FROM t WHERE id <= ? ORDER BY id";

#[tokio::test]
async fn rows_come_in_fetches_and_those_that_end_exactly_on_a_batch_boundary_take_one_more()
-> Result<(), Error> {
    let schema = schema("cursors_fetches");
    let mut connection = connect(schema.name()).await;
    // Rows, how many at a time, and the fetches that takes.
    let cases = [
        (10, 3, 4),
        (9, 3, 4),
        (10, 1, 11),
        (3, 3, 2),
        (2, 3, 1),
        (0, 3, 1),
        (10, u32::MAX, 1),
    ];
    for (rows, at_a_time, fetches) in cases {
        let before = count(&mut connection, "fetch").await;
        let mut cursor = connection
            .query_with_cursor(ALL, (rows,), size(at_a_time))
            .await?;
        assert_eq!(cursor.columns()[1].name(), "name");
        for expected in 1..=rows {
            assert!(!cursor.is_at_end());
            let row = cursor.next().await?.unwrap();
            let (id, name): (i32, &str) = row.read()?;
            assert_eq!((id, name), (expected, &*format!("name {expected}")));
        }
        assert!(cursor.next().await?.is_none());
        assert!(cursor.is_at_end());
        assert!(cursor.next().await?.is_none(), "a fetch after the end");
        assert!(!cursor.next_result_set().await?);
        let fetched = count(&mut connection, "fetch").await - before;
        assert_eq!(fetched, fetches, "{rows} rows, {at_a_time} at a time");
    }
    assert_eq!(count(&mut connection, "reset").await, 0, "all were read");
    // MySQL answers by no rows where a statement had a cursor and is executed without one.
    let is_prepared_anew = live::shared().is_mysql();
    let prepares = if is_prepared_anew { 7 } else { 1 };
    assert_eq!(count(&mut connection, "prepare").await, prepares);
    Ok(())
}

#[tokio::test]
async fn a_cursor_is_read_by_chunks_and_all_at_once() -> Result<(), Error> {
    let schema = schema("cursors_chunks");
    let mut connection = connect(schema.name()).await;
    let statement = connection.prepare(ALL).await?;
    let rows = connection
        .query_with_cursor(&statement, (10,), size(4))
        .await?;
    let rows: Vec<(i32, String)> = rows.collect().await?;
    let ids: Vec<i32> = rows.iter().map(|row| row.0).collect();
    assert_eq!(ids, (1..=10).collect::<Vec<_>>());
    let mut chunks = Vec::new();
    let mut rows = connection
        .query_with_cursor(&statement, (10,), size(4))
        .await?;
    while let Some(chunk) = rows.next_chunk().await? {
        chunks.push(chunk.count());
    }
    assert_eq!(chunks.iter().sum::<usize>(), 10);
    assert!(chunks.len() >= 3, "{chunks:?}");
    let mut sum = 0;
    let rows = connection
        .query_with_cursor(&statement, (10,), size(4))
        .await?;
    rows.for_each(|row| {
        sum += row.get::<i32>(0)?;
        Ok::<_, Error>(())
    })
    .await?;
    assert_eq!(sum, 55);
    Ok(())
}

#[tokio::test]
async fn a_cursor_that_is_given_up_is_reset_in_front_of_the_next_command() -> Result<(), Error> {
    let schema = schema("cursors_given_up");
    let mut connection = connect(schema.name()).await;
    for taken in 0..4 {
        let mut rows = connection.query_with_cursor(ALL, (10,), size(2)).await?;
        for _ in 0..taken {
            rows.next().await?.unwrap();
        }
        drop(rows);
        assert_eq!(
            connection.query_one::<(i32,)>("SELECT 42", ()).await?,
            (42,)
        );
        assert_eq!(count(&mut connection, "reset").await, taken + 1);
        let all: Vec<(i32, String)> = connection.query_all(ALL, (10,)).await?;
        assert_eq!(all.len(), 10);
    }
    // The same statement at once.
    let mut rows = connection.query_with_cursor(ALL, (10,), size(2)).await?;
    rows.next().await?.unwrap();
    let all: Vec<(i32, String)> = connection.query_all(ALL, (10,)).await?;
    assert_eq!(all.len(), 10);
    assert_eq!(count(&mut connection, "reset").await, 5);
    let mut rows = connection.query_with_cursor(ALL, (10,), size(2)).await?;
    rows.next().await?.unwrap();
    rows.finish().await?;
    assert!(connection.is_idle());
    connection.ping().await?;
    assert_eq!(count(&mut connection, "reset").await, 6);
    Ok(())
}

#[tokio::test]
async fn a_cursor_lives_as_long_as_its_rows_without_a_statement_cache() -> Result<(), Error> {
    let schema = schema("cursors_without_cache");
    let config: Config = schema.url().parse().unwrap();
    let config = config
        .to_builder()
        .statement_cache_capacity(0)
        .build()
        .unwrap();
    let mut connection = Connection::connect(&config).await?;
    for _ in 0..2 {
        let rows = connection.query_with_cursor(ALL, (10,), size(3)).await?;
        assert_eq!(rows.collect::<(i32, String)>().await?.len(), 10);
        let mut rows = connection.query_with_cursor(ALL, (10,), size(3)).await?;
        rows.next().await?.unwrap();
    }
    connection.ping().await?;
    assert_eq!(count(&mut connection, "prepare").await, 4);
    assert_eq!(count(&mut connection, "close").await, 4);
    assert_eq!(
        count(&mut connection, "reset").await,
        0,
        "a close is enough"
    );
    Ok(())
}

#[tokio::test]
async fn an_open_cursor_is_gone_after_a_reset_and_another_user() -> Result<(), Error> {
    let schema = schema("cursors_reset");
    let user = format!("otaria_cursors_{}", std::process::id());
    let sql = format!(
        "CREATE OR REPLACE USER {user} IDENTIFIED BY 'of a test'; GRANT ALL ON {}.* TO {user}",
        schema.name()
    );
    live::shared().sql(&sql).unwrap();
    let mut connection = connect(schema.name()).await;
    let statement = connection.prepare(ALL).await?;
    for round in 0..4 {
        let mut rows = connection
            .query_with_cursor(&statement, (10,), size(2))
            .await?;
        rows.next().await?.unwrap();
        if round % 2 == 0 {
            connection.reset().await?;
        } else {
            let database = Some(schema.name());
            connection.change_user(&user, "of a test", database).await?;
        }
        assert_eq!(
            connection.query_one::<(i32,)>("SELECT 42", ()).await?,
            (42,)
        );
    }
    let rows = connection
        .query_with_cursor(&statement, (10,), size(2))
        .await?;
    assert_eq!(rows.collect::<(i32, String)>().await?.len(), 10);
    live::shared().sql(&format!("DROP USER {user}")).unwrap();
    Ok(())
}

#[tokio::test]
async fn a_cursor_is_refused_unless_the_statement_is_a_select_for_certain() -> Result<(), Error> {
    let schema = schema("cursors_refused");
    let mut connection = connect(schema.name()).await;
    let refused = [
        "DELETE FROM t RETURNING id",
        "INSERT INTO t VALUES (100, 'x') RETURNING id",
        "UPDATE t SET id = id",
        "CALL p()",
        "EXPLAIN SELECT 1",
        "SHOW TABLES",
        "SELECT id INTO @id FROM t LIMIT 1",
        "/*!50000 DELETE */ FROM t RETURNING id",
        "SELECT 1; DELETE FROM t RETURNING id",
        "",
    ];
    for sql in refused {
        let error = connection.query_with_cursor(sql, (), size(1)).await.err();
        assert!(matches!(error, Some(Error::CursorRefused)), "{sql}");
    }
    let delete = connection.prepare("DELETE FROM t WHERE id < ?").await?;
    let error = connection.query_with_cursor(&delete, (), size(1)).await;
    let message = error.err().unwrap().to_string();
    assert!(message.contains("by `query`"), "{message}");
    assert_eq!(count(&mut connection, "execute").await, 0);
    let taken = [
        "(SELECT id FROM t ORDER BY id LIMIT 3)",
        "WITH few AS (SELECT id FROM t WHERE id <= 3) SELECT id FROM few ORDER BY id",
        "SELECT id FROM t WHERE id = 1 UNION ALL SELECT 2 UNION ALL SELECT 3",
        "SELECT id FROM t ORDER BY id LIMIT 3 FOR UPDATE",
    ];
    for sql in taken {
        let rows = connection.query_with_cursor(sql, (), size(2)).await?;
        let rows: Vec<(i32,)> = rows.collect().await?;
        assert_eq!(rows, [(1,), (2,), (3,)], "{sql}");
    }
    assert_eq!(count(&mut connection, "fetch").await, 8);
    let error = connection
        .query_with_cursor("SELECT id FROM no_such", (), size(2))
        .await
        .err();
    assert!(matches!(error, Some(Error::Server(error)) if error.code() == 1146));
    Ok(())
}

#[tokio::test]
async fn where_nothing_is_prepared_the_rows_simply_come() -> Result<(), Error> {
    let schema = schema("cursors_as_text");
    let config: Config = schema.url().parse().unwrap();
    let config = config
        .to_builder()
        .server_prepared_statements(false)
        .build()
        .unwrap();
    let mut connection = Connection::connect(&config).await?;
    let rows = connection.query_with_cursor(ALL, (10,), size(3)).await?;
    assert_eq!(rows.collect::<(i32, String)>().await?.len(), 10);
    assert_eq!(count(&mut connection, "prepare").await, 0);
    let error = connection
        .query_with_cursor("DELETE FROM t RETURNING id", (), size(3))
        .await
        .err();
    assert!(matches!(error, Some(Error::CursorRefused)));
    Ok(())
}
