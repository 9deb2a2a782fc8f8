//! Column definitions that the server leaves out, and what makes it tell them again.

use otaria::{Connection, Error, FieldType, ValueRef};
use protocol_tests::live;
use protocol_tests::polls::poll_times;

use crate::connect;

/// The names and the values, as text, of all rows of the first result.
async fn table(
    connection: &mut Connection,
    sql: &str,
    params: &[&str],
) -> Result<(String, Vec<String>), Error> {
    let mut rows = connection.query(sql, params).await?;
    let names: Vec<String> = rows.columns().iter().map(|c| c.name().to_owned()).collect();
    let mut lines = Vec::new();
    while let Some(row) = rows.next().await? {
        let mut cells = Vec::new();
        for name in &names {
            let cell: Option<String> = match row.get::<ValueRef<'_>>(name.as_str())? {
                ValueRef::Null => None,
                ValueRef::Int(value) => Some(value.to_string()),
                ValueRef::UInt(value) => Some(value.to_string()),
                ValueRef::Text(value) => Some(value.to_owned()),
                other => panic!("{other:?}"),
            };
            cells.push(cell.unwrap_or_else(|| "NULL".to_owned()));
        }
        lines.push(cells.join(" "));
    }
    rows.finish().await?;
    Ok((names.join(" "), lines))
}

fn is(found: &(String, Vec<String>), names: &str, rows: &[&str]) {
    assert_eq!(
        (found.0.as_str(), &found.1[..]),
        (
            names,
            &rows.iter().map(|&r| r.to_owned()).collect::<Vec<_>>()[..]
        )
    );
}

#[tokio::test]
async fn alter_table_between_executes_with_metadata_skip_on() -> Result<(), Error> {
    let schema = live::shared().schema("alter").unwrap();
    let mut connection = connect(schema.name()).await;
    let create = "CREATE TABLE t (a INT, b INT)";
    connection.simple_execute(create).await?;
    connection
        .simple_execute("INSERT INTO t VALUES (1, 2)")
        .await?;
    let sql = "SELECT * FROM t WHERE 'x' = ?";
    let steps: [(&str, &str, &[&str]); 6] = [
        ("DO 0", "a b", &["1 2"]),
        ("ALTER TABLE t MODIFY a BIGINT", "a b", &["1 2"]),
        (
            "ALTER TABLE t ADD COLUMN c VARCHAR(10) DEFAULT 'c' FIRST",
            "c a b",
            &["c 1 2"],
        ),
        ("ALTER TABLE t MODIFY b VARCHAR(20)", "c a b", &["c 1 2"]),
        ("ALTER TABLE t DROP COLUMN a", "c b", &["c 2"]),
        ("ALTER TABLE t CHANGE b d TINYINT UNSIGNED", "c d", &["c 2"]),
    ];
    for (alter, names, rows) in steps {
        connection.simple_execute(alter).await?;
        for _ in 0..3 {
            is(&table(&mut connection, sql, &["x"]).await?, names, rows);
        }
    }
    Ok(())
}

#[tokio::test]
async fn metadata_re_sent_by_an_execute_whose_reply_was_dropped_is_what_the_next_decodes_by()
-> Result<(), Error> {
    let schema = live::shared().schema("dropped_reply").unwrap();
    let mut connection = connect(schema.name()).await;
    connection.simple_execute("CREATE TABLE t (a INT)").await?;
    connection
        .simple_execute("INSERT INTO t VALUES (1)")
        .await?;
    let sql = "SELECT * FROM t WHERE 'x' = ?";
    is(&table(&mut connection, sql, &["x"]).await?, "a", &["1"]);
    for round in 0..24_usize {
        let alter = if round.is_multiple_of(2) {
            "ALTER TABLE t ADD COLUMN b VARCHAR(10) DEFAULT 'b' FIRST"
        } else {
            "ALTER TABLE t DROP COLUMN b"
        };
        connection.simple_execute(alter).await?;
        poll_times(connection.query(sql, ["x"]), round % 5).await;
        let (names, row) = if round.is_multiple_of(2) {
            ("b a", "b 1")
        } else {
            ("a", "1")
        };
        for _ in 0..2 {
            is(&table(&mut connection, sql, &["x"]).await?, names, &[row]);
        }
    }
    Ok(())
}

#[tokio::test]
async fn set_names_between_executes_tells_the_columns_again() -> Result<(), Error> {
    let mut connection = connect("").await;
    let sql = "SELECT CONCAT(?, 'ß') AS größe";
    is(
        &table(&mut connection, sql, &["Maß"]).await?,
        "größe",
        &["Maßß"],
    );
    for charset in ["utf8mb4 COLLATE utf8mb4_bin", "utf8mb3", "utf8mb4"] {
        let set = format!("SET NAMES {charset}");
        connection.simple_execute(&set).await?;
        for _ in 0..2 {
            is(
                &table(&mut connection, sql, &["Maß"]).await?,
                "größe",
                &["Maßß"],
            );
        }
    }
    Ok(())
}

#[tokio::test]
async fn select_placeholder_whose_type_changes_between_executes() -> Result<(), Error> {
    let mut connection = connect("").await;
    let statement = connection.prepare("SELECT ?").await?;
    for _ in 0..3 {
        let mut rows = connection.query(&statement, (1_i64,)).await?;
        assert_eq!(rows.columns()[0].field_type(), FieldType::LongLong);
        let value = rows.next().await?.expect("a row").get::<i64>(0)?;
        assert_eq!(value, 1);
        rows.finish().await?;
        let text: (String,) = connection.query_one(&statement, ("text",)).await?;
        assert_eq!(text.0, "text");
        let number: (f64,) = connection.query_one(&statement, (1.5_f64,)).await?;
        assert!((number.0 - 1.5).abs() < f64::EPSILON);
        let bytes: (Vec<u8>,) = connection
            .query_one(&statement, (b"\x00\xff".as_slice(),))
            .await?;
        assert_eq!(bytes.0, b"\x00\xff");
        let null: (Option<i32>,) = connection.query_one(&statement, (None::<i32>,)).await?;
        assert_eq!(null.0, None);
        let unsigned: (u64,) = connection.query_one(&statement, (u64::MAX,)).await?;
        assert_eq!(unsigned.0, u64::MAX);
    }
    Ok(())
}

#[tokio::test]
async fn returning_columns_by_name_of_insert_delete_and_replace() -> Result<(), Error> {
    let schema = live::shared().schema("returning").unwrap();
    let mut connection = connect(schema.name()).await;
    let create = "CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(10))";
    connection.simple_execute(create).await?;
    for round in 1..4 {
        let sql = "INSERT INTO t (v) VALUES (?), (CONCAT(?, '2')) RETURNING id, v AS named";
        let id = 2 * round - 1;
        let rows = [format!("{id} x"), format!("{} x2", id + 1)];
        let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
        is(
            &table(&mut connection, sql, &["x", "x"]).await?,
            "id named",
            &rows,
        );
    }
    for round in 0..3 {
        let v = format!("r{round}");
        let sql = "REPLACE INTO t VALUES (1, ?) RETURNING v, id + 0 AS number";
        is(
            &table(&mut connection, sql, &[&v]).await?,
            "v number",
            &[&format!("{v} 1")],
        );
    }
    for (id, row) in [("1", "1 r2"), ("2", "2 x2"), ("3", "3 x")] {
        let sql = "DELETE FROM t WHERE id = ? RETURNING *";
        is(&table(&mut connection, sql, &[id]).await?, "id v", &[row]);
        is(&table(&mut connection, sql, &[id]).await?, "id v", &[]);
    }
    connection
        .simple_execute("ALTER TABLE t ADD COLUMN w INT DEFAULT 9")
        .await?;
    let sql = "DELETE FROM t WHERE id = ? RETURNING *";
    is(
        &table(&mut connection, sql, &["4"]).await?,
        "id v w",
        &["4 x2 9"],
    );
    is(
        &table(&mut connection, sql, &["5"]).await?,
        "id v w",
        &["5 x 9"],
    );
    Ok(())
}

#[tokio::test]
async fn call_tells_the_columns_of_every_result_each_time() -> Result<(), Error> {
    let schema = live::shared().schema("call").unwrap();
    let mut connection = connect(schema.name()).await;
    connection
        .simple_execute(
            "CREATE PROCEDURE several(n INT) BEGIN \
             IF n > 1 THEN SELECT n AS one; SELECT 'two' AS two, n AS n; \
             ELSE SELECT 'other' AS other, 'more' AS more; END IF; END",
        )
        .await?;
    for n in [2, 1, 3, 1, 1, 2] {
        let mut rows = connection.query("CALL several(?)", (n,)).await?;
        if n == 1 {
            assert_eq!(
                (rows.columns().len(), rows.columns()[0].name()),
                (2, "other")
            );
            let row = rows.next().await?.expect("a row");
            assert_eq!(row.get::<&str>("more")?, "more");
        } else {
            assert_eq!(rows.columns()[0].name(), "one");
            assert_eq!(rows.next().await?.expect("a row").get::<i64>("one")?, n);
            assert!(rows.next_result_set().await?);
            let row = rows.next().await?.expect("a row");
            assert_eq!(row.get::<&str>("two")?, "two");
            assert_eq!(row.get::<i64>("n")?, n);
        }
        assert!(rows.next_result_set().await?, "what the CALL itself did");
        assert!(rows.columns().is_empty());
        assert!(!rows.next_result_set().await?);
    }
    Ok(())
}

#[tokio::test]
async fn a_view_that_is_replaced_between_executes_has_its_new_columns() -> Result<(), Error> {
    let schema = live::shared().schema("view").unwrap();
    let mut connection = connect(schema.name()).await;
    for (select, names, row) in [
        ("SELECT 1 AS a", "a", "1"),
        ("SELECT 'x' AS a, 2 AS b", "a b", "x 2"),
        ("SELECT 3 AS b", "b", "3"),
    ] {
        let replace = format!("CREATE OR REPLACE VIEW v AS {select}");
        connection.simple_execute(&replace).await?;
        for _ in 0..2 {
            let found = table(&mut connection, "SELECT * FROM v WHERE 'x' = ?", &["x"]).await?;
            is(&found, names, &[row]);
        }
    }
    Ok(())
}

#[tokio::test]
async fn use_db2_then_same_sql_text_not_the_old_statement_s_table_untracked() -> Result<(), Error> {
    let (one, two) = (
        live::shared().schema("untracked_one").unwrap(),
        live::shared().schema("untracked_two").unwrap(),
    );
    let mut connection = connect(one.name()).await;
    for schema in [one.name(), two.name()] {
        let sql = format!("CREATE TABLE {schema}.t AS SELECT '{schema}' AS name");
        connection.simple_execute(&sql).await?;
    }
    for by_text in [true, false] {
        for tracked in ["OFF", "ON", "OFF"] {
            let sql = format!("SET session_track_schema = {tracked}");
            connection.simple_execute(&sql).await?;
            for schema in [one.name(), two.name(), one.name(), two.name()] {
                let sql = format!("USE {schema}");
                if by_text {
                    connection.simple_execute(&sql).await?;
                } else {
                    connection.execute(&sql, ()).await?;
                }
                for _ in 0..2 {
                    let sql = "SELECT name FROM t WHERE name > ?";
                    let (name,): (String,) = connection.query_one(sql, ("",)).await?;
                    assert_eq!(name, schema, "tracking {tracked}, by text: {by_text}");
                }
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn the_same_text_means_something_else_behind_a_set() -> Result<(), Error> {
    let cases = [
        (
            "SELECT CAST('a' = 'A' AS CHAR)",
            "SET collation_connection = utf8mb4_bin",
        ),
        (
            "SELECT CAST('a' = 'A' AS CHAR)",
            "SET NAMES utf8mb4 COLLATE utf8mb4_bin",
        ),
        (
            "SELECT CHARSET('x')",
            "SET character_set_connection = latin1",
        ),
        ("SELECT CHARSET('x')", "SET CHARACTER SET utf8mb3"),
        (
            "SELECT CHARSET(CONVERT('a' USING utf8))",
            "SET old_mode = ''",
        ),
        (
            "SELECT CAST('a' || 'b' AS CHAR)",
            "SET sql_mode = 'PIPES_AS_CONCAT'",
        ),
    ];
    for (sql, set) in cases {
        for between in ["SELECT 'between'", sql] {
            let mut connection = connect("").await;
            let _: (String,) = connection.query_one(sql, ()).await?;
            let _: (String,) = connection.query_one(between, ()).await?;
            connection.simple_execute(set).await?;
            let kept: (String,) = connection.query_one(sql, ()).await?;
            let fresh: Vec<(String,)> = connection.simple_query(sql).await?.collect().await?;
            assert_eq!(fresh, [kept], "{sql} behind {set}");
        }
    }
    Ok(())
}
