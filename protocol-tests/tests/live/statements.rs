//! Prepared statements against a real server.

mod cache;
mod cut;
mod full;
mod limits;
mod metadata;

use otaria::{Config, Connection, Error, InList, Params, Rows, Statement, ToSql};
use protocol_tests::live;

use crate::connect;

/// How many statements of this session are open on the server.
pub async fn prepared(connection: &mut Connection) -> Result<u64, Error> {
    if live::shared().is_mysql() {
        // It counts one that is prepared again, for other types of its parameters, as another one.
        let sql = "SELECT COUNT(*) FROM performance_schema.prepared_statements_instances \
                   WHERE OWNER_THREAD_ID = PS_CURRENT_THREAD_ID()";
        let rows: Vec<(u64,)> = connection.simple_query(sql).await?.collect().await?;
        return Ok(rows[0].0);
    }
    let sql = "SHOW SESSION STATUS LIKE 'Com_stmt_%'";
    let rows: Vec<(String, String)> = connection.simple_query(sql).await?.collect().await?;
    let count = |name: &str| {
        let row = rows.iter().find(|(found, _)| found == name);
        row.unwrap().1.parse::<u64>().unwrap()
    };
    Ok(count("Com_stmt_prepare") - count("Com_stmt_close"))
}

async fn id(connection: &mut Connection, sql: &str, params: impl Params) -> Result<i64, Error> {
    Ok(connection.query_one::<(i64,)>(sql, params).await?.0)
}

#[tokio::test]
async fn a_statement_is_prepared_once_and_takes_parameters() -> Result<(), Error> {
    let mut connection = connect("").await;
    let before = prepared(&mut connection).await?;
    for number in 0..10_i64 {
        let sql = "SELECT ? + 1, CONCAT(?, 'x'), ?";
        let row: (i64, String, Option<String>) = connection
            .query_one(sql, (number, format!("\u{e4}{number}"), None::<&str>))
            .await?;
        assert_eq!(row, (number + 1, format!("\u{e4}{number}x"), None));
    }
    assert_eq!(prepared(&mut connection).await?, before + 1);
    Ok(())
}

#[tokio::test]
async fn what_is_written_by_parameters_is_read_back() -> Result<(), Error> {
    let schema = live::shared().schema("statements").unwrap();
    let mut connection = connect(schema.name()).await;
    connection
        .execute("CREATE TABLE t (id BIGINT PRIMARY KEY, v VARCHAR(20))", ())
        .await?;
    for id in 0..100_i64 {
        let executed = connection
            .execute("INSERT INTO t VALUES (?, ?)", (id, format!("v{id}")))
            .await?;
        assert_eq!(executed.affected_rows, 1);
    }
    let sql = "SELECT id, v FROM t WHERE id >= ? ORDER BY id";
    let rows: Vec<(i64, String)> = connection.query_all(sql, (90,)).await?;
    let expected: Vec<_> = (90..100).map(|id| (id, format!("v{id}"))).collect();
    assert_eq!(rows, expected);
    assert_eq!(
        connection.query_opt::<(i64, String)>(sql, (100,)).await?,
        None
    );
    assert!(matches!(
        connection.query_one::<(i64, String)>(sql, (100,)).await,
        Err(Error::RowCount {
            more_than_one: false
        })
    ));
    assert!(matches!(
        connection.query_one::<(i64, String)>(sql, (98,)).await,
        Err(Error::RowCount {
            more_than_one: true
        })
    ));
    assert_eq!(
        id(&mut connection, "SELECT COUNT(*) FROM t", ()).await?,
        100
    );
    Ok(())
}

#[tokio::test]
async fn a_refused_statement_is_one_error_and_leaves_the_connection_usable() -> Result<(), Error> {
    let mut connection = connect("").await;
    for _ in 0..3 {
        let error = connection.query("SELECT ? FROM no.such", (1,)).await.err();
        assert!(
            matches!(&error, Some(Error::Server(error)) if error.code() == 1142 || error.code() == 1049 || error.code() == 1146),
            "{error:?}"
        );
        assert!(connection.is_idle());
        assert_eq!(id(&mut connection, "SELECT ?", (7,)).await?, 7);
        let error = connection.prepare("SELEKT ?").await.err();
        assert!(matches!(error, Some(Error::Server(error)) if error.code() == 1064));
    }
    Ok(())
}

#[tokio::test]
async fn a_wrong_number_of_parameters_is_an_error_before_anything_runs() -> Result<(), Error> {
    let mut connection = connect("").await;
    for _ in 0..2 {
        let error = connection.query("SELECT ? + ?", (1,)).await.err();
        assert!(
            matches!(
                error,
                Some(Error::ParameterCount {
                    expected: 2,
                    given: 1
                })
            ),
            "{error:?}"
        );
        let error = connection.query("SELECT ?", (1, 2)).await.err();
        assert!(matches!(
            error,
            Some(Error::ParameterCount {
                expected: 1,
                given: 2
            })
        ));
    }
    let sum = "SELECT CAST(? + ? AS SIGNED)";
    assert_eq!(id(&mut connection, sum, (1, 2)).await?, 3);
    Ok(())
}

#[tokio::test]
async fn a_statement_of_another_connection_or_after_a_reset() -> Result<(), Error> {
    let (mut one, mut other) = (connect("").await, connect("").await);
    let statement: Statement = one.prepare("SELECT ? * 2").await?;
    assert_eq!(one.query_one::<(i64,)>(&statement, (21,)).await?, (42,));
    let error = other.query(&statement, (21,)).await.err();
    assert!(matches!(error, Some(Error::ForeignStatement)));
    one.reset().await?;
    assert_eq!(one.query_one::<(i64,)>(&statement, (21,)).await?, (42,));
    Ok(())
}

#[tokio::test]
async fn chunks_hold_all_rows_in_order() -> Result<(), Error> {
    let schema = live::shared().schema("chunks").unwrap();
    let mut connection = connect(schema.name()).await;
    let sql = &live::shared()
        .dialect("SELECT seq, CONCAT('row ', seq) FROM seq_1_to_100000 WHERE seq > ?");
    let mut rows = connection.query(sql, (0,)).await?;
    let (mut next, mut chunks) = (1, 0);
    while let Some(chunk) = rows.next_chunk().await? {
        chunks += 1;
        for row in chunk {
            let (seq, text): (u64, &str) = row.read()?;
            assert_eq!(seq, next);
            assert_eq!(text, format!("row {next}"));
            next += 1;
        }
    }
    assert_eq!(next, 100_001);
    assert!((10..10_000).contains(&chunks), "{chunks}");
    Ok(())
}

#[tokio::test]
async fn names_and_lists_go_into_their_places() -> Result<(), Error> {
    let mut connection = connect("").await;
    let params: [(&str, &(dyn ToSql + Sync)); 2] = [("b", &2), ("a", &40)];
    let sql = "SELECT :a + :b + LENGTH(':b'), :b";
    let row: (i64, i64) = connection.query_one(sql, params).await?;
    assert_eq!(row, (44, 2));
    let sql = "SELECT ? IN (?), ? NOT IN (?)";
    let none: [i64; 0] = [];
    let row: (i64, i64) = connection
        .query_one(sql, (3, InList(&[1, 2, 3]), 3, InList(&none)))
        .await?;
    assert_eq!(row, (1, 1));
    Ok(())
}

#[tokio::test]
async fn what_the_server_cannot_prepare_goes_as_text() -> Result<(), Error> {
    let mut connection = connect("").await;
    connection
        .execute("PREPARE s FROM 'SELECT 1 + 2'", ())
        .await?;
    assert_eq!(id(&mut connection, "EXECUTE s", ()).await?, 3);
    connection
        .execute("PREPARE s FROM ?", ("SELECT 'it''s' = ?",))
        .await?;
    assert_eq!(
        id(&mut connection, "EXECUTE s USING ?", ("it's",)).await?,
        1
    );
    assert!(connection.is_idle());
    Ok(())
}

#[tokio::test]
async fn nothing_is_prepared_where_the_configuration_says_so() -> Result<(), Error> {
    let config: Config = live::shared().url("").parse()?;
    let config = config
        .to_builder()
        .server_prepared_statements(false)
        .build()?;
    let mut connection = Connection::connect(&config).await?;
    let before = prepared(&mut connection).await?;
    let text = "\u{e4}'\\\"\0\n";
    let row: (i64, String, Option<String>) = connection
        .query_one("SELECT ? - ?, ?, ?", (1, -2, text, None::<&str>))
        .await?;
    assert_eq!(row, (3, text.to_owned(), None));
    assert_eq!(prepared(&mut connection).await?, before);
    Ok(())
}

/// The rest of the rows, which have one number each.
async fn numbers(rows: &mut Rows<'_>) -> Result<Vec<u64>, Error> {
    let mut numbers = Vec::new();
    while let Some(chunk) = rows.next_chunk().await? {
        for row in chunk {
            numbers.push(row.get(0)?);
        }
    }
    Ok(numbers)
}

#[tokio::test]
async fn rows_that_are_not_taken_out_of_a_chunk_are_in_the_next_one() -> Result<(), Error> {
    let schema = live::shared().schema("untaken").unwrap();
    let mut connection = connect(schema.name()).await;
    for sql in [
        "SELECT seq FROM seq_1_to_5",
        "SELECT seq FROM seq_1_to_20000",
    ] {
        let sql = &live::shared().dialect(sql);
        for binary in [true, false] {
            let mut rows = if binary {
                connection.query(sql, ()).await?
            } else {
                connection.simple_query(sql).await?
            };
            assert_eq!(rows.next_chunk().await?.unwrap().columns().len(), 1);
            assert!(
                rows.next_chunk()
                    .await?
                    .unwrap()
                    .read::<(u64, u64)>()
                    .is_err()
            );
            let first: Vec<u64> = {
                let chunk = rows.next_chunk().await?.unwrap();
                chunk
                    .take(2)
                    .map(|row| row.get(0))
                    .collect::<Result<_, _>>()?
            };
            assert_eq!(first, [1, 2]);
            assert!(rows.next_chunk().await?.is_some());
            let third: u64 = rows.next().await?.unwrap().get(0)?;
            assert_eq!(third, 3);
            assert!(rows.next_chunk().await?.is_some());
            let fourth: u64 = rows.try_next()?.unwrap().get(0)?;
            assert_eq!(fourth, 4);
            assert!(rows.next_chunk().await?.is_some());
            let rest = numbers(&mut rows).await?;
            assert_eq!((rest.first(), rest.len() % 5), (Some(&5), 1));
            rows.finish().await?;
            assert!(connection.is_idle());
        }
    }
    // The rest of one that was lent is thrown away like any other.
    let mut rows = connection
        .query(&live::shared().dialect("SELECT seq FROM seq_1_to_5"), ())
        .await?;
    assert!(rows.next_chunk().await?.is_some());
    assert_eq!(id(&mut connection, "SELECT ?", (7,)).await?, 7);
    Ok(())
}

#[tokio::test]
async fn the_first_row_of_a_chunk_may_be_longer_than_a_packet() -> Result<(), Error> {
    let config: Config = live::shared().url("").parse()?;
    let mut connection = Connection::connect(&config).await?;
    let long = 0xff_ffff + 10;
    let sql = format!("SELECT REPEAT('x', {long}) UNION ALL SELECT 'y'");
    connection
        .simple_execute(&live::shared().dialect("SET max_statement_time = 0"))
        .await?;
    let mut rows = connection.query(&sql, ()).await?;
    assert!(rows.next_chunk().await?.is_some());
    let lengths: Vec<usize> = rows
        .collect::<(String,)>()
        .await?
        .into_iter()
        .map(|(text,)| text.len())
        .collect();
    assert_eq!(lengths, [long, 1]);
    Ok(())
}

#[tokio::test]
async fn the_status_is_that_of_the_latest_response_however_short_it_is() -> Result<(), Error> {
    let schema = live::shared().schema("status").unwrap();
    let mut connection = connect(schema.name()).await;
    connection
        .execute("CREATE TABLE t (id INT) ENGINE = InnoDB", ())
        .await?;
    connection
        .execute("INSERT INTO t VALUES (1), (2)", ())
        .await?;
    connection.execute("SET autocommit = 0", ()).await?;
    for _ in 0..3 {
        assert!(!connection.status().is_in_transaction());
        assert_eq!(
            id(&mut connection, "SELECT id FROM t LIMIT 1", ()).await?,
            1
        );
        assert!(connection.status().is_in_transaction());
        connection.execute("ROLLBACK", ()).await?;
        assert!(!connection.status().is_in_transaction());
        let rows: Vec<(i64,)> = connection.query_all("SELECT id FROM t", ()).await?;
        assert_eq!(rows, [(1,), (2,)]);
        assert!(connection.status().is_in_transaction());
        connection.execute("ROLLBACK", ()).await?;
    }
    Ok(())
}
