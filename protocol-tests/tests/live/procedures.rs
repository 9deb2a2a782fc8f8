//! Procedures called by the binary protocol on a real server.

use otaria::{Connection, Date, Decimal, Error};
use protocol_tests::live::{self, Schema};

use crate::connect;

async fn schema(hint: &str) -> Schema<'static> {
    let schema = live::shared().schema(hint).unwrap();
    let procedures = [
        "CREATE PROCEDURE nothing(IN a INT) SET @seen = a",
        "CREATE PROCEDURE several(IN a INT) BEGIN \
         SELECT a AS first; SELECT a + 1 AS second, 'x' AS text; SELECT 1 FROM DUAL WHERE FALSE; END",
        "CREATE PROCEDURE doubles(IN a INT, INOUT b BIGINT, OUT c VARCHAR(20), OUT d DECIMAL(20,3), \
         OUT e DATE) BEGIN SELECT a; SET b = b * 2, c = CONCAT('c', a), d = a + 0.125, \
         e = '2024-02-29'; SELECT seq FROM seq_1_to_3; END",
        "CREATE PROCEDURE leaves(OUT a INT, INOUT b VARCHAR(20)) SET b = NULL",
        "CREATE PROCEDURE fails(OUT a INT) BEGIN SET a = 1; SELECT 1; SELECT 2; \
         SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no further', MYSQL_ERRNO = 1644; SELECT 3; END",
        "CREATE PROCEDURE inner_one(OUT a INT) BEGIN SELECT 'inner'; SET a = 7; END",
        "CREATE PROCEDURE outer_one(OUT a INT) BEGIN DECLARE b INT; SELECT 'before'; \
         CALL inner_one(b); SELECT 'after'; SET a = b * 6; END",
    ];
    let mut connection = connect(schema.name()).await;
    for sql in procedures {
        let sql = live::shared().dialect(sql);
        connection.simple_execute(&sql).await.unwrap();
    }
    schema
}

async fn is_whole(connection: &mut Connection) {
    let row: (i64,) = connection.query_one("SELECT ?", (42,)).await.unwrap();
    assert_eq!(row, (42,));
    assert!(connection.is_idle());
}

#[tokio::test]
async fn a_procedure_without_results_says_what_it_did() -> Result<(), Error> {
    let schema = schema("procedures_nothing").await;
    let mut connection = connect(schema.name()).await;
    for value in [7, 8] {
        let mut rows = connection.query("CALL nothing(?)", (value,)).await?;
        assert!(rows.columns().is_empty() && rows.is_at_end());
        assert!(!rows.is_out_parameters());
        assert!(rows.next().await?.is_none());
        assert!(!rows.next_result_set().await?);
        let called = connection.query("CALL nothing(?)", (value,)).await?;
        assert_eq!(called.out_parameters::<(i32,)>().await?, None);
        let seen: (i64,) = connection.query_one("SELECT @seen", ()).await?;
        assert_eq!(seen, (value,));
    }
    Ok(())
}

#[tokio::test]
async fn several_results_come_in_order_with_columns_of_their_own() -> Result<(), Error> {
    let schema = schema("procedures_several").await;
    let mut connection = connect(schema.name()).await;
    // The second execution leaves out no definitions that the server sends again.
    for value in [1, 10] {
        let mut rows = connection.query("CALL several(?)", (value,)).await?;
        assert_eq!(rows.columns()[0].name(), "first");
        assert_eq!(rows.next().await?.unwrap().read::<(i32,)>()?, (value,));
        assert!(rows.next().await?.is_none());
        assert!(!rows.is_out_parameters());
        assert!(rows.next_result_set().await?);
        assert_eq!(rows.columns()[1].name(), "text");
        let row: (i64, String) = rows.next().await?.unwrap().read()?;
        assert_eq!(row, (i64::from(value) + 1, "x".to_owned()));
        assert!(rows.next_result_set().await?);
        assert_eq!(rows.columns().len(), 1);
        assert!(rows.next().await?.is_none());
        assert!(rows.next_result_set().await?, "the end of the call");
        assert!(rows.columns().is_empty());
        assert!(!rows.next_result_set().await?);
        let called = connection.query("CALL several(?)", (value,)).await?;
        assert_eq!(called.out_parameters::<(i32,)>().await?, None);
    }
    is_whole(&mut connection).await;
    Ok(())
}

type Doubled = (i64, String, Decimal, Date);

const DOUBLES: &str = "CALL doubles(?, ?, ?, ?, ?)";

#[tokio::test]
async fn out_and_inout_parameters_are_typed_values() -> Result<(), Error> {
    let schema = schema("procedures_out").await;
    let mut connection = connect(schema.name()).await;
    for value in [5, 6] {
        let params = (value, 1_i64 << 40, None::<&str>, None::<&str>, None::<&str>);
        let called = connection.query(DOUBLES, params).await?;
        let expected: Doubled = (
            1 << 41,
            format!("c{value}"),
            format!("{value}.125").parse().unwrap(),
            Date::new(2024, 2, 29).unwrap(),
        );
        let out: Option<Doubled> = called.out_parameters().await?;
        assert_eq!(out, Some(expected.clone()));
        // The same, with the results before them read.
        let mut called = connection.query(DOUBLES, params).await?;
        assert_eq!(called.next().await?.unwrap().get::<i32>("a")?, value);
        assert!(called.next_result_set().await?);
        let mut seq = Vec::new();
        while let Some(row) = called.next().await? {
            seq.push(row.get::<u64>(0)?);
        }
        assert_eq!(seq, [1, 2, 3]);
        assert!(!called.is_out_parameters());
        assert_eq!(called.out_parameters::<Doubled>().await?, Some(expected));
    }
    Ok(())
}

#[tokio::test]
async fn the_result_of_out_parameters_is_known_when_its_row_has_been_read() -> Result<(), Error> {
    let schema = schema("procedures_known").await;
    let mut connection = connect(schema.name()).await;
    let params = (5, 1, None::<&str>, None::<&str>, None::<&str>);
    let mut called = connection.query(DOUBLES, params).await?;
    let mut found = Vec::new();
    loop {
        let mut rows = 0;
        while called.next().await?.is_some() {
            rows += 1;
        }
        found.push((rows, called.is_out_parameters()));
        if !called.next_result_set().await? {
            break;
        }
    }
    assert_eq!(found, [(1, false), (3, false), (1, true), (0, false)]);
    // By the text protocol there are none.
    let sql = "CALL doubles(5, @b, @c, @d, @e)";
    let called = connection.simple_query(sql).await?;
    assert_eq!(called.out_parameters::<Doubled>().await?, None);
    // Nor where no argument is a placeholder.
    let called = connection.query(sql, ()).await?;
    assert_eq!(called.out_parameters::<Doubled>().await?, None);
    Ok(())
}

#[tokio::test]
async fn out_parameters_may_be_null() -> Result<(), Error> {
    let schema = schema("procedures_null").await;
    let mut connection = connect(schema.name()).await;
    let called = connection
        .query("CALL leaves(?, ?)", (None::<i32>, "b"))
        .await?;
    let out: Option<(Option<i32>, Option<String>)> = called.out_parameters().await?;
    assert_eq!(out, Some((None, None)));
    let called = connection.query("CALL leaves(?, ?)", (1, "b")).await?;
    let error = called.out_parameters::<(i32, String)>().await;
    assert!(matches!(error, Err(Error::FromSql(_))), "{error:?}");
    is_whole(&mut connection).await;
    Ok(())
}

#[tokio::test]
async fn an_error_after_the_first_result_ends_the_call() -> Result<(), Error> {
    let schema = schema("procedures_error").await;
    let mut connection = connect(schema.name()).await;
    let mut called = connection.query("CALL fails(?)", (None::<i32>,)).await?;
    assert_eq!(called.next().await?.unwrap().get::<i32>(0)?, 1);
    assert!(called.next_result_set().await?);
    let error = called.next_result_set().await;
    assert!(matches!(error, Err(Error::Server(error)) if error.code() == 1644));
    assert!(!called.is_out_parameters());
    let called = connection.query("CALL fails(?)", (None::<i32>,)).await?;
    let error = called.out_parameters::<(i32,)>().await;
    assert!(matches!(error, Err(Error::Server(error)) if error.code() == 1644));
    is_whole(&mut connection).await;
    Ok(())
}

#[tokio::test]
async fn a_call_that_is_dropped_in_the_middle_leaves_nothing_behind() -> Result<(), Error> {
    let schema = schema("procedures_dropped").await;
    let mut connection = connect(schema.name()).await;
    let params = (5, 1, None::<&str>, None::<&str>, None::<&str>);
    for results in 0..4 {
        let mut called = connection.query(DOUBLES, params).await?;
        for _ in 0..results {
            assert!(called.next_result_set().await?);
        }
        called.next().await?;
        drop(called);
        is_whole(&mut connection).await;
        let called = connection.query("CALL fails(?)", (None::<i32>,)).await?;
        drop(called);
        is_whole(&mut connection).await;
    }
    Ok(())
}

#[tokio::test]
async fn a_nested_call_sends_its_results_and_only_the_parameters_of_the_outer_one()
-> Result<(), Error> {
    let schema = schema("procedures_nested").await;
    let mut connection = connect(schema.name()).await;
    let mut called = connection
        .query("CALL outer_one(?)", (None::<i32>,))
        .await?;
    let mut texts = Vec::new();
    for _ in 0..3 {
        texts.push(called.next().await?.unwrap().get::<String>(0)?);
        assert!(called.next_result_set().await?);
    }
    assert_eq!(texts, ["before", "inner", "after"]);
    assert_eq!(called.out_parameters::<(i32,)>().await?, Some((42,)));
    is_whole(&mut connection).await;
    Ok(())
}
