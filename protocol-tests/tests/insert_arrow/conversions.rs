//! Values of every type for columns of every type: each is stored as it is, or refused.

mod meaning;
mod sources;

use std::collections::BTreeMap;
use std::sync::Arc;

use otaria::arrow::array::{ArrayRef, RecordBatch, StringArray};
use otaria::{Connection, InsertArrow, InsertErrorKind, InsertOptions, WriteError};
use protocol_tests::chaos::seed;
use protocol_tests::live::{self, Schema};

use crate::{WAYS, reader, with_schema};
use meaning::Kind;

/// A column of the table, what its values are, and the expression that shows them whole.
pub struct Target {
    pub name: &'static str,
    pub sql_type: &'static str,
    pub kind: Kind,
}

const fn target(name: &'static str, sql_type: &'static str, kind: Kind) -> Target {
    Target {
        name,
        sql_type,
        kind,
    }
}

const TARGETS: &[Target] = &[
    target("tiny", "TINYINT", Kind::Number),
    target("flag", "TINYINT(1)", Kind::Flag),
    target("i", "INT", Kind::Number),
    target("u", "INT UNSIGNED", Kind::Number),
    target("big", "BIGINT", Kind::Number),
    target("ubig", "BIGINT UNSIGNED", Kind::Number),
    target("price", "DECIMAL(10,2)", Kind::Number),
    target("digits", "DECIMAL(65,0)", Kind::Number),
    target("f", "FLOAT", Kind::Float),
    target("d", "DOUBLE", Kind::Double),
    target("b1", "BIT(1)", Kind::Bits),
    target("b12", "BIT(12)", Kind::Bits),
    target("b64", "BIT(64)", Kind::Bits),
    target("y", "YEAR", Kind::Number),
    target("e", "ENUM('a', '2', 'Word', 'b c', 'true')", Kind::Text),
    target("s", "SET('x', 'y', '3', 'Z')", Kind::Set),
    target("day", "DATE", Kind::Temporal),
    target("at", "DATETIME", Kind::Temporal),
    target("at3", "DATETIME(3)", Kind::Temporal),
    target("point", "TIMESTAMP NULL", Kind::Instant),
    target("point6", "TIMESTAMP(6) NULL", Kind::Instant),
    target("t", "TIME", Kind::Temporal),
    target("t6", "TIME(6)", Kind::Temporal),
    target("c", "CHAR(5)", Kind::Text),
    target("v", "VARCHAR(30)", Kind::Text),
    target("l", "VARCHAR(30) CHARACTER SET latin1", Kind::Text),
    target("text", "LONGTEXT", Kind::Text),
    target("j", "JSON", Kind::Text),
    target("fixed", "BINARY(4)", Kind::Bytes),
    target("vb", "VARBINARY(30)", Kind::Bytes),
    target("raw", "BLOB", Kind::Bytes),
    target("address", "INET6", Kind::Address),
];

/// The columns that the server has. MySQL makes other text of JSON.
fn targets() -> impl Iterator<Item = &'static Target> {
    let server = live::shared();
    TARGETS.iter().filter(|target| {
        server.has_type(target.sql_type) && (target.sql_type != "JSON" || !server.is_mysql())
    })
}

async fn table(connection: &mut Connection) {
    let columns = targets().map(|target| format!("`{}` {}", target.name, target.sql_type));
    let columns = columns.collect::<Vec<_>>().join(", ");
    let sql = format!("CREATE TABLE t ({columns}) CHARACTER SET utf8mb4");
    for sql in [&*sql, "SET time_zone = '+00:00'"] {
        connection.simple_execute(sql).await.unwrap();
    }
}

/// What is stored of a value, or `None` if it is refused.
async fn stored(
    connection: &mut Connection,
    target: &Target,
    array: &ArrayRef,
    options: &InsertOptions,
) -> Option<String> {
    let batch = RecordBatch::try_from_iter([(target.name, array.clone())]).unwrap();
    let inserted = connection.insert_arrow("t", reader([batch]), options).await;
    let shown = target.kind.shown(target.name);
    let sql = format!("SELECT COUNT(*), MIN({shown}) FROM t");
    let (rows, found): (u64, Option<String>) = connection.query_one(&*sql, ()).await.unwrap();
    connection.simple_execute("DELETE FROM t").await.unwrap();
    if let Err(error) = inserted {
        assert_eq!(rows, 0, "{error}");
        return None;
    }
    assert_eq!(rows, 1);
    Some(found.expect("no NULL"))
}

#[tokio::test]
async fn a_random_value_of_any_type_for_any_column_is_stored_as_it_is_or_refused() {
    let seed = seed();
    let mut wrong = Vec::new();
    let mut taken = BTreeMap::<_, usize>::new();
    let (mut connection, _schema) = with_schema("conversions").await;
    table(&mut connection).await;
    let mut random = fastrand::Rng::with_seed(seed);
    // A part of all pairs, or all of them so many times.
    let rounds = std::env::var("OTARIA_ROUNDS");
    let is_part = rounds.is_err();
    for _ in 0..rounds.map_or(1, |rounds| rounds.parse().unwrap()) {
        for (name, array, meant) in sources::values(&mut random, is_part) {
            for target in targets() {
                if is_part && random.u8(0..4) > 0 {
                    continue;
                }
                let mut both = Vec::new();
                for way in WAYS {
                    let options = InsertOptions::new().with_way(way);
                    let found = stored(&mut connection, target, &array, &options).await;
                    if let Some(found) = &found
                        && !meant.is(target, found)
                    {
                        wrong.push(format!(
                            "{name} {meant:?} in {} by {way:?} is {found}",
                            target.sql_type
                        ));
                    }
                    both.push(found);
                }
                if both[0] != both[1] {
                    let sql_type = target.sql_type;
                    wrong.push(format!("{name} {meant:?} in {sql_type}: {both:?}"));
                }
                *taken.entry(name).or_default() += usize::from(both[0].is_some());
            }
        }
    }
    assert!(wrong.is_empty(), "{}\n{}", wrong.len(), wrong.join("\n"));
    // Not all is refused.
    let total: usize = taken.values().sum();
    assert!(total > 30, "{taken:?}");
}

/// What is stored of a text in a column of this type by both ways, or the refusal.
async fn of_text(
    (connection, schema): &mut (Connection, Schema<'static>),
    sql_type: &str,
    text: &str,
) -> Result<String, String> {
    let sql = format!("CREATE TABLE t (a {sql_type})");
    for sql in ["DROP TABLE IF EXISTS t", &*sql, "SET time_zone = '+00:00'"] {
        connection.simple_execute(sql).await.unwrap();
    }
    let mut outcomes = Vec::new();
    for way in WAYS {
        let array: ArrayRef = Arc::new(StringArray::from(vec![text]));
        let batch = RecordBatch::try_from_iter([("a", array)]).unwrap();
        let options = InsertOptions::new().with_way(way);
        let inserted = connection
            .insert_arrow("t", reader([batch]), &options)
            .await;
        let found = schema.sql("SELECT a + 0, a FROM t").unwrap();
        outcomes.push(match inserted {
            Ok(_) => Ok(found.split_once('\t').unwrap().1.trim_end().to_owned()),
            Err(error) => {
                assert_eq!(found, "");
                match error.kind {
                    InsertErrorKind::Write(WriteError::Cell { reason, .. }) => {
                        Err(reason.to_string())
                    }
                    InsertErrorKind::Write(error) => Err(error.to_string()),
                    // The server's own.
                    _ => Err("server".to_owned()),
                }
            }
        });
        connection.simple_execute("DELETE FROM t").await.unwrap();
    }
    assert_eq!(outcomes[0], outcomes[1], "{sql_type} {text:?}");
    outcomes.remove(0)
}

#[tokio::test]
async fn text_that_is_a_value_of_the_column_is_stored_as_that_value() {
    let mut place = with_schema("text").await;
    for (sql_type, text, expected) in [
        ("INT", "7", "7"),
        ("INT", "007", "7"),
        ("INT", "-2147483648", "-2147483648"),
        ("INT", "2.00", "2"),
        ("INT", "12e2", "1200"),
        (
            "BIGINT UNSIGNED",
            "18446744073709551615",
            "18446744073709551615",
        ),
        ("TINYINT(1)", "true", "1"),
        ("TINYINT(1)", "False", "0"),
        ("DECIMAL(4,1)", "1.500", "1.5"),
        ("DOUBLE", "0.1", "0.1"),
        ("YEAR", "2024", "2024"),
        ("YEAR", "0", "0000"),
        ("TIME", "12:00:00.0000000", "12:00:00"),
        ("TIME(6)", "-838:59:58.999999", "-838:59:58.999999"),
        ("TIME", "1 10:00:00", "34:00:00"),
        ("DATETIME", "2024-02-29T12:30:00.000", "2024-02-29 12:30:00"),
        ("DATETIME(3)", "20240229123000.5", "2024-02-29 12:30:00.500"),
        ("DATE", "2024/2/9", "2024-02-09"),
        ("DATE", "2024-02-29 00:00:00", "2024-02-29"),
        (
            "TIMESTAMP NULL",
            "2024-02-29T12:30:00+02:00",
            "2024-02-29 10:30:00",
        ),
        (
            "TIMESTAMP(3) NULL",
            "2024-02-29T12:30:00.5Z",
            "2024-02-29 12:30:00.500",
        ),
        (
            "TIMESTAMP NULL",
            "2024-02-29 12:30:00",
            "2024-02-29 12:30:00",
        ),
        ("ENUM('a','2')", "2", "2"),
        ("ENUM('it''s','b\\\\c','Ä')", "it's", "it's"),
        ("ENUM('it''s','b\\\\c','Ä')", "Ä", "Ä"),
        ("SET('a','b')", "b,a", "a,b"),
        ("SET('a','b')", "", ""),
        ("CHAR(3)", " a", " a"),
    ] {
        let stored = of_text(&mut place, sql_type, text).await;
        assert_eq!(stored.as_deref(), Ok(expected), "{sql_type} {text:?}");
    }
}

#[tokio::test]
async fn text_of_which_the_server_would_make_another_value_is_refused() {
    let mut place = with_schema("refused").await;
    for (sql_type, text, part) in [
        ("INT", "1.5", "fraction"),
        ("INT", "true", "whole number"),
        ("INT", "", "whole number"),
        ("INT", "1,000", "whole number"),
        ("DECIMAL(4,1)", "1.25", "digits"),
        ("DECIMAL(4,1)", "1.2x", "number"),
        ("FLOAT", "1e39", "number"),
        ("FLOAT", "16777217", "whole number"),
        ("DOUBLE", "9007199254740993", "whole number"),
        ("DOUBLE", "1e400", "number"),
        ("DOUBLE", "1e-400", "number"),
        ("DOUBLE", "nan", "number"),
        ("BIT(3)", "x", "whole number"),
        ("BIT(64)", "-1", "negative"),
        ("YEAR", "70", "four digits"),
        ("YEAR", "00", "four digits"),
        ("ENUM('a','b')", "2", "word"),
        ("ENUM('a','b')", "A", "word"),
        ("ENUM('a','b')", "a ", "word"),
        ("SET('a','b')", "3", "word"),
        ("SET('a','b')", "a,a", "word"),
        ("DATE", "70-01-01", "four digits"),
        ("DATE", "2024-02-29 12:30:00", "date"),
        ("DATETIME", "2024-02-29T12:30:00Z", "zone"),
        ("DATETIME", "2024-02-29 12:30:60", "date"),
        ("DATETIME", "2024-02-29 12:30:00.5", "second"),
        ("DATETIME", "12:30:00", "date"),
        ("TIMESTAMP NULL", "2024-02-29T12:30:60Z", "date"),
        (
            "TIMESTAMP(6) NULL",
            "2024-02-29T12:30:00.1234567Z",
            "second",
        ),
        ("TIME", "12:30:60", "time"),
        ("TIME", "1230", "time"),
        ("TIME", "12:30:00.5", "second"),
        ("TIME", "2024-02-29 12:30:00", "time"),
        ("CHAR(3)", "a ", "space"),
    ] {
        let refusal = of_text(&mut place, sql_type, text).await.unwrap_err();
        assert!(refusal.contains(part), "{sql_type} {text:?}: {refusal}");
    }
}
