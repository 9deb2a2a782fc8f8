//! Lists for `IN`, as text with literals and prepared.

use otaria::{Connection, Error};
use otaria_session::{place, with_literals};
use otaria_statement::placeholder_positions;
use otaria_text::SqlLiterals;
use otaria_types::{InList, Params, params};
use protocol_tests::live;

use crate::beside::Beside;
use crate::connect;

const NONE: InList<'_, i32> = InList(&[]);

/// What `sql` finds with `params` as literals.
async fn found(
    connection: &mut Connection,
    sql: &str,
    params: impl Params,
) -> Result<Vec<i32>, Error> {
    let placed = place(sql, &params).unwrap();
    let mut literals = SqlLiterals::new();
    literals.set(&placed.params(&params)).unwrap();
    let positions = placeholder_positions(placed.sql()).unwrap();
    let sql = with_literals(placed.sql(), &positions, &literals).unwrap();
    let rows: Vec<(i32,)> = connection.simple_query(&sql).await?.collect().await?;
    Ok(rows.into_iter().map(|(value,)| value).collect())
}

#[tokio::test]
async fn a_list_finds_what_is_in_it_and_an_empty_one_nothing() -> Result<(), Error> {
    let schema = live::shared().schema("in_lists").unwrap();
    let mut connection = connect(schema.name()).await;
    let sql = &live::shared().dialect("SELECT seq FROM seq_1_to_5 WHERE seq IN (?) AND seq < ?");
    let ids = [5, 3, 1];
    assert_eq!(
        found(&mut connection, sql, (InList(&ids), 5)).await?,
        [1, 3]
    );
    assert!(found(&mut connection, sql, (NONE, 5)).await?.is_empty());
    let sql = &live::shared()
        .dialect("SELECT seq FROM seq_1_to_5 WHERE seq NOT IN (:ids) AND seq < :less");
    let params = params! { less: 5, ids: InList(&ids) };
    assert_eq!(found(&mut connection, sql, params).await?, [2, 4]);
    let params = params! { less: 5, ids: NONE };
    assert_eq!(found(&mut connection, sql, params).await?, [1, 2, 3, 4]);
    Ok(())
}

#[tokio::test]
async fn values_of_every_type_are_in_no_empty_list() -> Result<(), Error> {
    let mut connection = connect("").await;
    for value in [
        "1",
        "NULL",
        "'a'",
        "'a' COLLATE utf8mb4_bin",
        "x'00'",
        "1.5",
        "1e0",
        "DATE'2024-02-29'",
        "TIME'00:00:00'",
        "TIMESTAMP'2024-02-29 00:00:00'",
        "CAST('::1' AS INET6)",
        "UUID()",
        "JSON_ARRAY(1)",
        "(SELECT NULL)",
    ] {
        let sql = format!("SELECT {value} IN (?)");
        assert_eq!(found(&mut connection, &sql, (NONE,)).await?, [0], "{value}");
        let sql = format!("SELECT {value} NOT IN (?)");
        assert_eq!(found(&mut connection, &sql, (NONE,)).await?, [1], "{value}");
    }
    Ok(())
}

#[tokio::test]
async fn lists_of_any_length_are_prepared_in_every_kind_of_statement() -> Result<(), Error> {
    let schema = live::shared().schema("lists").unwrap();
    let mut beside = Beside::connect(schema.name()).await;
    let tables = &live::shared().dialect("CREATE TABLE t AS SELECT seq AS a FROM seq_1_to_9");
    beside.connection.simple_execute(tables).await?;
    let left = "SELECT COUNT(*) FROM t";
    let many: Vec<i32> = (100..3_000).collect();
    for (sql, list, expected) in [
        ("DELETE FROM t WHERE a IN (?)", NONE, 9),
        ("UPDATE t SET a = 0 WHERE a IN (?)", NONE, 9),
        ("DELETE t FROM t WHERE a IN (?)", NONE, 9),
        ("INSERT INTO t SELECT 1 FROM DUAL WHERE 1 IN (?)", NONE, 9),
        (
            "INSERT INTO t SELECT 1 FROM DUAL WHERE 1 NOT IN (?)",
            NONE,
            10,
        ),
        ("DELETE FROM t WHERE a IN (?)", InList(&[1]), 8),
        ("DELETE FROM t WHERE a IN (?)", InList(&[2, 3, 4]), 5),
        ("DELETE FROM t WHERE a IN (?)", InList(&many), 5),
        ("DELETE FROM t WHERE a NOT IN (?)", InList(&many), 0),
    ] {
        let params = (list,);
        let placed = place(sql, &params).unwrap();
        let executed = beside.execute(placed.sql(), &placed.params(&params));
        assert_eq!(executed, Ok(()), "{sql}");
        let counted = found(&mut beside.connection, left, ()).await?;
        assert_eq!(counted, [expected], "{sql}");
    }
    Ok(())
}

#[tokio::test]
async fn the_server_counts_the_placeholders_of_a_list_as_they_are_written() {
    let schema = live::shared().schema("counted_lists").unwrap();
    let mut beside = Beside::connect(schema.name()).await;
    let values = vec![0; 65_534];
    for (list, expected) in [(&values[..0], 1), (&values[..3], 5), (&values, 65_535)] {
        let sql =
            &live::shared().dialect("SELECT seq FROM seq_1_to_5 WHERE seq IN (?) AND seq < ?");
        let placed = place(sql, &(InList(list), 5)).unwrap();
        assert_eq!(beside.placeholders(placed.sql()), Some(expected));
    }
}
