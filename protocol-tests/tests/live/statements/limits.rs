//! The greatest numbers of parameters, and wrong ones.

use otaria::{Error, ParamsError};

use super::{id, prepared};
use crate::connect;

fn sql_of(count: usize) -> String {
    let mut sql = "SELECT ?".to_owned();
    sql.push_str(&"+?".repeat(count - 1));
    sql
}

#[tokio::test]
async fn parameters_65_535_of_them_work_and_65_536_are_rejected_client_side() -> Result<(), Error> {
    let mut connection = connect("").await;
    // As a sum they would be an expression deeper than the server's stack.
    let sql = format!("SELECT 1 FROM DUAL WHERE 7 IN (?{})", ",?".repeat(65_534));
    let mut params = vec![1_i64; 65_535];
    assert_eq!(
        connection
            .query_opt::<(i64,)>(sql.as_str(), &params)
            .await?,
        None
    );
    params[65_534] = 7;
    for _ in 0..2 {
        assert_eq!(id(&mut connection, sql.as_str(), &params).await?, 1);
    }
    let statements = prepared(&mut connection).await?;
    let sql = format!("SELECT 1 FROM DUAL WHERE 7 IN (?{})", ",?".repeat(65_535));
    params.push(1);
    let error = connection.query(sql.as_str(), &params).await.err();
    assert!(
        matches!(error, Some(Error::Params(ParamsError::TooMany { .. }))),
        "{error:?}"
    );
    assert!(connection.is_idle());
    assert_eq!(prepared(&mut connection).await?, statements);
    // The server says so itself where nobody counts.
    let error = connection.prepare(&sql).await.err();
    assert!(matches!(error, Some(Error::Server(error)) if error.code() == 1390));
    assert_eq!(id(&mut connection, "SELECT ?", (3,)).await?, 3);
    Ok(())
}

#[tokio::test]
async fn placeholders_never_a_wrong_count_two_round_trips_where_unsure() -> Result<(), Error> {
    let mut connection = connect("").await;
    let certain: [(&str, &[i64], i64); 5] = [
        ("SELECT '\\\\', ?, '' LIMIT 1", &[7], 7),
        ("SELECT 1 --?\n, ?", &[7, 7], 7),
        ("SELECT 1 -- ?\n, ?", &[7], 7),
        ("SELECT '?', ? /* ? */ # ?\n", &[7], 7),
        ("SELECT 1, ? /*!50000 + ? */", &[3, 4], 7),
    ];
    for (sql, params, expected) in certain {
        for _ in 0..2 {
            let mut rows = connection.query(sql, params).await?;
            let row = rows.next().await?.expect("a row");
            let last = (0..row.len())
                .find_map(|index| row.get::<i64>(index).ok().filter(|v| *v == expected));
            assert_eq!(last, Some(expected), "{sql}");
            rows.finish().await?;
        }
    }
    // A comment for a server that is newer than any.
    assert_eq!(
        id(&mut connection, "SELECT ? /*M!999999 , ? */", (7,)).await?,
        7
    );
    connection
        .simple_execute("SET sql_mode = 'NO_BACKSLASH_ESCAPES'")
        .await?;
    let (text, number): (String, i64) = connection.query_one("SELECT '\\', ?", (7,)).await?;
    assert_eq!((text.as_str(), number), ("\\", 7));
    Ok(())
}

#[tokio::test]
async fn wrong_placeholder_counts_are_errors_that_leave_the_count_of_statements_bounded()
-> Result<(), Error> {
    let mut connection = connect("").await;
    let before = prepared(&mut connection).await?;
    for given in 0..4_usize {
        for sql in ["SELECT ? + ?", "SELECT ? + ? /*! + 0 */"] {
            let params = vec![1; given];
            let result = connection.query(sql, &params).await.map(drop);
            match result {
                Ok(()) => assert_eq!(given, 2),
                Err(Error::ParameterCount {
                    expected: 2,
                    given: told,
                }) => assert_eq!(told, given),
                Err(error) => panic!("{error:?}"),
            }
        }
        let held = connection.prepare("SELECT ?").await?;
        let result = connection.execute(&held, &vec![1; given]).await;
        assert_eq!(result.is_ok(), given == 1);
    }
    assert_eq!(prepared(&mut connection).await?, before + 3);
    // A sum of parameters is a DOUBLE on MySQL.
    let sum = sql_of(20).replace("SELECT ", "SELECT CAST(") + " AS SIGNED)";
    assert_eq!(id(&mut connection, sum.as_str(), vec![1; 20]).await?, 20);
    Ok(())
}

#[tokio::test]
async fn a_statement_prepared_after_a_failed_prepare_is_the_one_that_is_executed()
-> Result<(), Error> {
    let mut connection = connect("").await;
    connection.simple_execute("SET @deleted = 0").await?;
    // If the statement before were executed in place of one that is refused, it would count.
    let count = "SET @deleted = @deleted + ?";
    connection.execute(count, (1,)).await?;
    for _ in 0..3 {
        let error = connection.execute("SELEKT ?", (1,)).await;
        assert!(matches!(error, Err(Error::Server(error)) if error.code() == 1064));
        let error = connection.execute("SELECT ?; SELECT 2", (1,)).await;
        assert!(matches!(error, Err(Error::Server(error)) if error.code() == 1064));
    }
    assert_eq!(id(&mut connection, "SELECT @deleted", ()).await?, 1);
    Ok(())
}
