//! Statements with values in them on a session whose status names other modes than those by which
//! the server reads, and in character sets whose characters hold quotes.

use otaria::{Config, Connection, Error, InList, PlaceError, ServerStatus, params};
use protocol_tests::live;

use crate::connect;

const MODES: [&str; 6] = [
    "",
    "NO_BACKSLASH_ESCAPES",
    "ANSI_QUOTES",
    "ANSI_QUOTES,NO_BACKSLASH_ESCAPES",
    "ORACLE",
    "MSSQL",
];

/// Those of them that the server has.
fn modes() -> impl Iterator<Item = &'static str> + Clone {
    let modes = MODES.into_iter();
    modes.filter(|mode| live::shared().has_modes(mode))
}

/// What would end a string, open or close another, or begin a comment, in one of the modes.
const ATTEMPTS: [&str; 14] = [
    "'",
    "''",
    "\"",
    "\\",
    "\\'",
    "\\\\'",
    "\\\"",
    "\\' OR 1=1 -- ",
    "' OR 1=1 -- ",
    "\" OR 1=1 -- ",
    "\\'; DROP TABLE t -- ",
    "\\'/*",
    "]'[",
    "\u{bf}'\\\u{5c}'",
];

/// A connection that prepares statements, and one that writes parameters into the SQL.
async fn connections(schema: &str) -> [Connection; 2] {
    let config: Config = live::shared().url(schema).parse().unwrap();
    let as_text = config.to_builder().server_prepared_statements(false);
    let as_text = Connection::connect(&as_text.build().unwrap()).await;
    [connect(schema).await, as_text.unwrap()]
}

/// A table with one row, and functions that set each of [`modes`] for themselves.
async fn set_up(connection: &mut Connection) -> Result<(), Error> {
    let table = "CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR(50))";
    connection.simple_execute(table).await?;
    let row = "INSERT INTO t VALUES (1, 'one')";
    connection.simple_execute(row).await?;
    for (number, mode) in modes().enumerate() {
        let function = format!(
            "CREATE FUNCTION lie{number}() RETURNS INT BEGIN SET sql_mode = '{mode}'; RETURN 1; END"
        );
        connection.simple_execute(&function).await?;
    }
    Ok(())
}

/// Brings the session into one mode and its status to show another.
async fn lie(connection: &mut Connection, mode: &str, shown: usize) -> Result<(), Error> {
    let sql = format!("SET sql_mode = '{mode}'");
    connection.simple_execute(&sql).await?;
    let sql = format!("SELECT lie{shown}()");
    connection.simple_execute(&sql).await?;
    Ok(())
}

#[tokio::test]
async fn the_status_names_modes_of_a_stored_function_that_are_not_in_force() -> Result<(), Error> {
    let schema = live::shared().schema("lying_status").unwrap();
    let mut connection = connect(schema.name()).await;
    set_up(&mut connection).await?;
    let modes = ServerStatus::ANSI_QUOTES | ServerStatus::NO_BACKSLASH_ESCAPES;
    lie(&mut connection, "", 3).await?;
    let mode: (String,) = connection.query_one("SELECT @@sql_mode", ()).await?;
    assert_eq!(mode.0, "");
    let status = connection.session_state().status();
    // What the other tests here are about; a server that says the truth makes them easier.
    println!(
        "the status names {:?}, and none is in force",
        status & modes
    );
    let read: (String,) = connection.query_one(r#"SELECT "a\\""#, ()).await?;
    assert_eq!(read.0, "a\\");
    Ok(())
}

#[tokio::test]
async fn values_are_values_in_every_mode_whatever_the_status_says() -> Result<(), Error> {
    let schema = live::shared().schema("any_mode").unwrap();
    for (number, mut connection) in connections(schema.name()).await.into_iter().enumerate() {
        if number == 0 {
            set_up(&mut connection).await?;
        }
        for mode in modes() {
            for shown in 0..modes().count() {
                lie(&mut connection, mode, shown).await?;
                for attempt in ATTEMPTS {
                    let sql = "SELECT ?, '''?', ?";
                    let found: (String, String, String) =
                        connection.query_one(sql, (attempt, attempt)).await?;
                    assert_eq!(
                        found,
                        (attempt.into(), "'?".into(), attempt.into()),
                        "{mode}"
                    );
                    let sql = "SELECT COUNT(*) FROM t WHERE name IN (:names) OR name = :name";
                    let names = [attempt, "'"];
                    let params = params! { name: attempt, names: InList(&names) };
                    let found: (i64,) = connection.query_one(sql, params).await?;
                    assert_eq!(found.0, 0, "{mode}: {attempt}");
                }
            }
        }
        let left: (i64,) = connection.query_one("SELECT COUNT(*) FROM t", ()).await?;
        assert_eq!(left.0, 1);
    }
    Ok(())
}

#[tokio::test]
async fn strings_whose_end_depends_on_the_mode_take_no_values_but_by_the_server()
-> Result<(), Error> {
    let schema = live::shared().schema("unclear_strings").unwrap();
    let [mut prepared, mut as_text] = connections(schema.name()).await;
    set_up(&mut prepared).await?;
    // By one of the modes the second string is the first one's rest, and the value is SQL.
    let sql = r"SELECT '\'', ?, '' -- '";
    for (mode, shown) in [("", 1), ("NO_BACKSLASH_ESCAPES", 0)] {
        lie(&mut as_text, mode, shown).await?;
        let error = as_text.query(sql, (", 1 -- ",)).await.err();
        assert!(
            matches!(&error, Some(Error::Place(PlaceError::Placeholders(_)))),
            "{error:?}"
        );
        let named = r"SELECT 'it\'s', :name";
        let error = as_text.query(named, params! { name: 1 }).await.err();
        assert!(
            matches!(&error, Some(Error::Place(PlaceError::Named(_)))),
            "{error:?}"
        );
        assert!(as_text.is_idle());
    }
    lie(&mut prepared, "", 1).await?;
    let found: (String, String, String) = prepared.query_one(sql, ("' --",)).await?;
    assert_eq!(found, ("'".into(), "' --".into(), String::new()));
    Ok(())
}

#[tokio::test]
async fn values_are_values_where_a_statement_cannot_be_prepared_whatever_the_status_says()
-> Result<(), Error> {
    let schema = live::shared().schema("not_preparable").unwrap();
    let mut connection = connect(schema.name()).await;
    set_up(&mut connection).await?;
    for mode in modes() {
        for shown in 0..modes().count() {
            lie(&mut connection, mode, shown).await?;
            let prepare = "PREPARE s FROM 'SELECT ? AS a'";
            connection.execute(prepare, ()).await?;
            for attempt in ATTEMPTS {
                let sql = "EXECUTE s USING ?";
                let found: (String,) = connection.query_one(sql, (attempt,)).await?;
                assert_eq!(found.0, attempt, "{mode}");
                let sql = "EXECUTE s USING :value";
                let params = params! { value: attempt };
                let found: (String,) = connection.query_one(sql, params).await?;
                assert_eq!(found.0, attempt, "{mode}");
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn charset_switched_to_gbk_no_literals_are_sent() -> Result<(), Error> {
    let [_, mut connection] = connections("").await;
    // The first two bytes are one character of gbk, by which the quote would end the string.
    let value = "\u{bf}'\\' OR 1=1 -- ";
    connection.simple_execute("SET NAMES gbk").await?;
    for sql in ["SELECT ?", "EXECUTE s USING ?"] {
        let error = connection.query(sql, (value,)).await.err();
        assert!(
            matches!(
                &error,
                Some(Error::Place(PlaceError::ClientCharacterSet { character_set_client }))
                    if character_set_client == "gbk"
            ),
            "{error:?}"
        );
        assert!(connection.is_idle());
    }
    for names in ["utf8mb3", "utf8mb4"] {
        let sql = format!("SET NAMES {names}");
        connection.simple_execute(&sql).await?;
        let found: (String,) = connection.query_one("SELECT ?", (value,)).await?;
        assert_eq!(found.0, value);
    }
    Ok(())
}

#[tokio::test]
async fn text_with_a_backslash_needs_a_connection_collation_of_unicode() -> Result<(), Error> {
    let [_, mut connection] = connections("").await;
    let sql = "SET collation_connection = latin1_german1_ci";
    connection.simple_execute(sql).await?;
    let found: (String,) = connection.query_one("SELECT ?", ("a'\u{e9}",)).await?;
    assert_eq!(found.0, "a'\u{e9}");
    let error = connection.query("SELECT ?", ("a\\b",)).await.err();
    assert!(
        matches!(&error, Some(Error::Server(error)) if [1267, 1270].contains(&error.code())),
        "no mix of collations: {error:?}"
    );
    Ok(())
}

#[tokio::test]
async fn a_kept_statement_of_another_mode_is_not_found_whatever_the_status_says()
-> Result<(), Error> {
    let schema = live::shared().schema("kept_of_another_mode").unwrap();
    let mut connection = connect(schema.name()).await;
    set_up(&mut connection).await?;
    let sql = r#"SELECT "name" FROM t WHERE id = ?"#;
    let statement = connection.prepare("SET sql_mode = ?").await?;
    connection
        .execute(r#"PREPARE s FROM "SET sql_mode = 'ANSI_QUOTES'""#, ())
        .await?;
    for way in 0..4 {
        lie(&mut connection, "", 2).await?;
        let found: (String,) = connection.query_one(sql, (1,)).await?;
        assert_eq!(found.0, "name");
        match way {
            0 => drop(
                connection
                    .simple_execute("SET sql_mode = 'ANSI_QUOTES'")
                    .await?,
            ),
            1 => drop(
                connection
                    .execute("SET sql_mode = ?", ("ANSI_QUOTES",))
                    .await?,
            ),
            2 => drop(connection.execute(&statement, ("ANSI_QUOTES",)).await?),
            _ => drop(connection.execute("EXECUTE s", ()).await?),
        }
        let found: (String,) = connection.query_one(sql, (1,)).await?;
        assert_eq!(found.0, "one", "{way}");
    }
    Ok(())
}
