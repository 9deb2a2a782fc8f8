//! Literals of parameters beside the binary parameters themselves: what the server makes of both.

use fastrand::Rng;
use otaria::{Connection, Date, DateTime, Decimal, Error, Time, ValueRef};
use otaria_session::with_literals;
use otaria_statement::placeholder_positions;
use otaria_text::SqlLiterals;
use otaria_types::{Indicated, Params, ToSql};
use protocol_tests::{chaos, live};

use crate::beside::Beside;
use crate::connect;

/// `sql` with `params` as literals.
fn literal_sql(sql: &str, params: &impl Params) -> String {
    let mut literals = SqlLiterals::new();
    literals.set(params).unwrap();
    let positions = placeholder_positions(sql).unwrap();
    with_literals(sql, &positions, &literals).unwrap()
}

/// The one value that `sql` gives, as a literal: its kind can be told from that.
async fn value_of(connection: &mut Connection, sql: &str) -> Result<String, Error> {
    let mut rows = connection.simple_query(sql).await?;
    let row = rows.next().await?.expect("a row");
    let value = literal_sql_of(row.get::<ValueRef<'_>>(0)?);
    rows.finish().await?;
    Ok(value)
}

fn literal_sql_of(value: ValueRef<'_>) -> String {
    let mut literals = SqlLiterals::new();
    literals.set(&[value]).unwrap();
    literals.iter().collect()
}

/// What became of a value: the error code, or what the column holds.
type Outcome = Result<String, u16>;

/// Stores `expression`, which has a `?`, in a column of this type: with `value` as a binary
/// parameter and as a literal.
async fn both(
    beside: &mut Beside,
    column: &str,
    expression: &str,
    value: &dyn ToSql,
) -> Result<[Outcome; 2], Error> {
    let drop = "DROP TEMPORARY TABLE IF EXISTS r";
    let table = format!("CREATE TEMPORARY TABLE r (a {column})");
    let insert = format!("INSERT INTO r VALUES ({expression})");
    let stored = "SELECT a FROM r";
    for sql in [drop, &table] {
        beside.connection.simple_execute(sql).await?;
    }
    let binary = match beside.execute(&insert, &[value]) {
        Ok(()) => Ok(value_of(&mut beside.connection, stored).await?),
        Err(code) => Err(code),
    };
    for sql in [drop, &table] {
        beside.connection.simple_execute(sql).await?;
    }
    let sql = literal_sql(&insert, &[value]);
    let literal = match beside.connection.simple_execute(&sql).await {
        Ok(_) => Ok(value_of(&mut beside.connection, stored).await?),
        Err(Error::Server(error)) => Err(error.code()),
        Err(error) => return Err(error),
    };
    Ok([binary, literal])
}

/// Which of two values is different, in an expression or a column, as a literal.
async fn differences(
    values: &[(&str, &dyn ToSql)],
    probes: impl Iterator<Item = (&str, &str)> + Clone,
) -> Result<Vec<String>, Error> {
    let schema = live::shared().schema("literals").unwrap();
    let mut beside = Beside::connect(schema.name()).await;
    beside.connection.simple_execute(COLUMNS).await?;
    beside.connection.simple_execute(ROW).await?;
    let mut found = Vec::new();
    for mode in MODES.iter().filter(|mode| live::shared().has_modes(mode)) {
        let sql = format!("SET sql_mode = '{mode}'");
        beside.connection.simple_execute(&sql).await?;
        for (name, value) in values {
            for (column, expression) in probes.clone() {
                let [binary, literal] = both(&mut beside, column, expression, *value).await?;
                if binary != literal {
                    found.push(format!(
                        "{mode}: {name} as {expression} in {column}: {binary:?}, as a literal \
                         {literal:?}"
                    ));
                }
            }
        }
    }
    Ok(found)
}

const COLUMNS: &str = "CREATE TABLE c (v VARCHAR(20), i INT, b VARBINARY(20), d DATE, t TIME, \
    n DECIMAL(10,2), l VARCHAR(20) CHARACTER SET latin1, f FLOAT)";
const ROW: &str =
    "INSERT INTO c VALUES ('abc', 12, 'abc', '2024-02-29', '01:02:03', 1.5, 'abc', 0.1)";

const MODES: [&str; 4] = [
    "STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO",
    "STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,NO_BACKSLASH_ESCAPES",
    "ANSI,EMPTY_STRING_IS_NULL",
    "ORACLE",
];

const COLUMN_TYPES: [&str; 20] = [
    "INT",
    "BIGINT UNSIGNED",
    "DOUBLE",
    "FLOAT",
    "DECIMAL(65,30)",
    "BIT(64)",
    "YEAR",
    "VARCHAR(99)",
    "VARCHAR(99) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
    "VARCHAR(99) CHARACTER SET latin1",
    "VARBINARY(99)",
    "BLOB",
    "DATE",
    "DATETIME(6)",
    "TIMESTAMP(6) NULL",
    "TIME(6)",
    "JSON",
    "ENUM('abc', '12')",
    "INET6",
    "UUID",
];

/// Their values depend on the type of the parameter and on its collation.
const EXPRESSIONS: [&str; 30] = [
    "CONCAT(?)",
    "CONCAT(?, 1)",
    "LENGTH(?)",
    "CHARSET(?)",
    "COLLATION(?)",
    "COERCIBILITY(?)",
    "HEX(?)",
    "CAST(? AS CHAR)",
    "CAST(? AS BINARY)",
    "CAST(? AS SIGNED)",
    "JSON_OBJECT('a', ?)",
    "? + 0",
    "? / 3",
    "7--?",
    "ABS(?)",
    "ROUND(?, 1)",
    "? | 0",
    "BIT_COUNT(?)",
    "? = 'abc'",
    "? = 12",
    "? IN ('ABC')",
    "? = (SELECT v FROM c)",
    "? = (SELECT i FROM c)",
    "? = (SELECT b FROM c)",
    "? = (SELECT d FROM c)",
    "? = (SELECT t FROM c)",
    "? = (SELECT n FROM c)",
    "? = (SELECT l FROM c)",
    "? = (SELECT f FROM c)",
    "DATE_ADD(?, INTERVAL 1 DAY)",
];

/// Their values depend on the collation of text, and on how easily it gives way to that of a column.
const TEXT_EXPRESSIONS: [&str; 14] = [
    "COLLATION(CONCAT(?, (SELECT l FROM c)))",
    "COERCIBILITY(CONCAT(?, (SELECT v FROM c)))",
    "(SELECT COUNT(*) FROM c WHERE v = ?)",
    "(SELECT COUNT(*) FROM c WHERE l IN (?, 'x'))",
    "(SELECT COUNT(*) FROM c WHERE v LIKE ?)",
    "(SELECT COUNT(*) FROM c WHERE l LIKE CONCAT(?, '%'))",
    "'a' LIKE 'b' ESCAPE ?",
    "? LIKE 'a%'",
    "? = USER()",
    "REPLACE(?, 'a', 'b')",
    "JSON_QUOTE(?)",
    "COALESCE(NULL, ?, (SELECT l FROM c))",
    "(SELECT ? UNION SELECT 'b' LIMIT 1)",
    "CHARSET(@a := ?)",
];

fn probes() -> impl Iterator<Item = (&'static str, &'static str)> + Clone {
    let server = live::shared();
    let columns = COLUMN_TYPES.into_iter();
    let columns = columns.filter(|column| server.has_type(column));
    let stored = columns.map(|column| (column, "?"));
    // On 10.5, NULL gives way more easily as a literal, which nothing but this shows.
    let is_same =
        |expression: &&str| server.is_at_least((10, 6)) || *expression != "COERCIBILITY(?)";
    let computed = EXPRESSIONS.into_iter().filter(is_same);
    stored.chain(computed.map(|expression| ("LONGBLOB", expression)))
}

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn date(text: &str) -> Date {
    text.parse().unwrap()
}

fn datetime(text: &str) -> DateTime {
    text.parse().unwrap()
}

fn time(text: &str) -> Time {
    text.parse().unwrap()
}

#[track_caller]
fn assert_none(found: &[String]) {
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[tokio::test]
async fn numbers_mean_the_same_as_literals_and_as_parameters() -> Result<(), Error> {
    let digits = "9".repeat(65);
    let small = format!("-0.{}1", "0".repeat(37));
    let values: [(&str, &dyn ToSql); 20] = [
        ("NULL", &None::<i32>),
        ("0", &0),
        ("5", &5),
        ("-5", &-5),
        ("i64::MAX", &i64::MAX),
        ("u64 5", &5_u64),
        ("u64::MAX", &u64::MAX),
        ("f32 0.1", &0.1_f32),
        ("f32 2^24", &16_777_216_f32),
        ("f32::MIN", &f32::MIN),
        ("0.1", &0.1),
        ("-1.5", &-1.5),
        ("-0.0", &-0.0),
        ("f64::MAX", &f64::MAX),
        ("5e-324", &f64::from_bits(1)),
        ("1.50", &decimal("1.50")),
        ("-15 decimal", &decimal("-15")),
        ("0 decimal", &Decimal::ZERO),
        ("65 digits", &decimal(&digits)),
        ("38 decimals", &decimal(&small)),
    ];
    assert_none(&differences(&values, probes()).await?);
    // Negated the parameter is out of range, and the literal a DECIMAL.
    let probes = probes().filter(|(_, expression)| *expression != "7--?");
    assert_none(&differences(&[("i64::MIN", &i64::MIN)], probes).await?);
    Ok(())
}

#[tokio::test]
async fn text_and_bytes_mean_the_same_as_literals_and_as_parameters() -> Result<(), Error> {
    let values: [(&str, &dyn ToSql); 18] = [
        ("abc", &"abc"),
        ("12", &"12"),
        ("date", &"2024-02-29"),
        ("unicode", &"größe 🦭"),
        ("special", &"a'b\\c\"d\0e\nf\x1ag%_\\%"),
        ("backslash", &"\\"),
        ("backslashes", &"\\\\\\"),
        ("backslash behind", &"abc\\"),
        ("backslash before", &"\\abc"),
        ("backslash and unicode", &"größe\\🦭"),
        ("many of them", &"\\é\\n'\\"),
        ("json", &r#"{"a": "\u00e9\n"}"#),
        ("bytes abc", b"abc"),
        ("bytes 12", b"12"),
        ("bytes empty", b""),
        ("bytes 00ff", b"\x00\xff"),
        ("bytes '\\", b"'\\"),
        ("bytes of a vector", b"\0\0\x80\x3f"),
    ];
    let of_text = TEXT_EXPRESSIONS.map(|expression| ("LONGBLOB", expression));
    assert_none(&differences(&values, probes().chain(of_text)).await?);
    // Where it is NULL the server forgets the character set of the parameter.
    let probes =
        probes().filter(|(_, expression)| !["CHARSET(?)", "COLLATION(?)"].contains(expression));
    assert_none(&differences(&[("empty", &"")], probes).await?);
    Ok(())
}

#[tokio::test]
async fn dates_and_times_mean_the_same_as_literals_and_as_parameters() -> Result<(), Error> {
    let values: [(&str, &dyn ToSql); 9] = [
        ("date", &date("2024-02-29")),
        ("first date", &date("0000-01-01")),
        ("last date", &date("9999-12-31")),
        ("datetime", &datetime("2024-02-29 01:02:03")),
        ("midnight", &datetime("2024-02-29 00:00:00")),
        ("microseconds", &datetime("2024-02-29 01:02:03.000004")),
        ("time", &time("01:02:03")),
        ("time in microseconds", &time("01:02:03.000004")),
        ("greatest time", &Time::MAX),
    ];
    assert_none(&differences(&values, probes()).await?);
    Ok(())
}

#[tokio::test]
async fn negative_times_mean_the_same_where_the_server_takes_their_sign() -> Result<(), Error> {
    // As integers they lose it in parameters of 10.11 and 11.8.
    let probes = probes().filter(|(column, expression)| {
        ![
            "? + 0",
            "CAST(? AS SIGNED)",
            "? | 0",
            "BIT_COUNT(?)",
            "7--?",
            "? / 3",
        ]
        .contains(expression)
            && !matches!(*column, "INT" | "BIGINT UNSIGNED" | "YEAR" | "BIT(64)")
    });
    let values: [(&str, &dyn ToSql); 2] = [("-100 h", &time("-100:02:03")), ("least", &Time::MIN)];
    assert_none(&differences(&values, probes).await?);
    Ok(())
}

#[tokio::test]
async fn dates_of_no_calendar_mean_the_same_where_dates_and_text_do() -> Result<(), Error> {
    let columns = [
        "VARCHAR(99)",
        "VARBINARY(99)",
        "BLOB",
        "DATE",
        "DATETIME(6)",
        "TIMESTAMP(6) NULL",
        "ENUM('abc', '12')",
    ];
    let probes = columns.into_iter().map(|column| (column, "?")).chain([
        ("LONGBLOB", "? = (SELECT d FROM c)"),
        ("LONGBLOB", "? < (SELECT d FROM c)"),
        ("LONGBLOB", "DATE_ADD(?, INTERVAL 1 DAY)"),
        ("LONGBLOB", "CONCAT(?, 1)"),
        ("LONGBLOB", "HEX(?)"),
    ]);
    let values: [(&str, &dyn ToSql); 5] = [
        ("zero date", &Date::ZERO),
        ("zero datetime", &DateTime::ZERO),
        ("year", &date("2024-00-00")),
        ("no day", &date("2023-02-29")),
        ("no day at", &datetime("2023-02-31 01:02:03.4")),
    ];
    assert_none(&differences(&values, probes).await?);
    Ok(())
}

#[tokio::test]
async fn vectors_mean_the_same_as_literals_and_as_parameters() -> Result<(), Error> {
    let schema = live::shared().schema("vectors").unwrap();
    let mut connection = connect(schema.name()).await;
    let table = "CREATE TEMPORARY TABLE v (v VECTOR(1))";
    let column = match connection.simple_execute(table).await {
        Ok(_) => "VECTOR(1)",
        // Where the type is unknown, vectors are bytes.
        Err(Error::Server(error)) if error.code() == 4161 => "VARBINARY(4)",
        Err(error) => return Err(error),
    };
    let values: [(&str, &dyn ToSql); 2] = [("vector", b"\0\0\x80\x3f"), ("text", &"[1]")];
    // An unknown function is the same error both ways.
    let probes = [
        (column, "?"),
        ("DOUBLE", "VEC_DISTANCE_EUCLIDEAN(?, x'00000000')"),
    ];
    assert_none(&differences(&values, probes.into_iter()).await?);
    Ok(())
}

#[tokio::test]
async fn limits_take_literals_of_integers() -> Result<(), Error> {
    let schema = live::shared().schema("limits").unwrap();
    let mut connection = connect(schema.name()).await;
    let sql = &live::shared().dialect("SELECT seq FROM seq_1_to_9 WHERE seq>? LIMIT?\nOFFSET?");
    let sql = literal_sql(sql, &(-1, 2_u64, 3_u8));
    let rows = connection.simple_query(&sql).await?;
    let found: Vec<(u64,)> = rows.collect().await?;
    assert_eq!(found, [(4,), (5,)]);
    Ok(())
}

#[tokio::test]
async fn columns_take_their_default_and_keep_their_value() -> Result<(), Error> {
    let schema = live::shared().schema("defaults").unwrap();
    let mut connection = connect(schema.name()).await;
    let table = "CREATE TABLE t (id INT, a INT DEFAULT 7)";
    connection.simple_execute(table).await?;
    let rows = [
        (1, Indicated::Default),
        (2, Indicated::Ignore),
        (3, Indicated::Null),
        (4, Indicated::Value(5)),
    ];
    for row in rows {
        let sql = literal_sql("INSERT INTO t VALUES (?, ?)", &row);
        connection.simple_execute(&sql).await?;
    }
    let sql = "UPDATE t SET a = ? WHERE id = 4";
    let sql = literal_sql(sql, &[Indicated::<i32>::Ignore]);
    connection.simple_execute(&sql).await?;
    let rows = connection
        .simple_query("SELECT a FROM t ORDER BY id")
        .await?;
    let found: Vec<(Option<i32>,)> = rows.collect().await?;
    assert_eq!(found, [(Some(7),), (Some(7),), (None,), (Some(5),)]);
    Ok(())
}

#[tokio::test]
async fn random_text_and_bytes_come_back_in_every_mode() -> Result<(), Error> {
    let mut random = Rng::with_seed(chaos::seed());
    let mut connection = connect("").await;
    let modes = ["", "NO_BACKSLASH_ESCAPES", "ANSI_QUOTES", "ORACLE"];
    for mode in modes.iter().filter(|mode| live::shared().has_modes(mode)) {
        let sql = format!("SET sql_mode = '{mode}'");
        connection.simple_execute(&sql).await?;
        for _ in 0..200 {
            let hostile = hostile_text(&mut random);
            let bytes: Vec<u8> = (0..random.usize(0..20)).map(|_| random.u8(..)).collect();
            let sql = "SELECT ?, ?, 'end'";
            let sql = literal_sql(sql, &(&hostile, &bytes));
            let rows = connection.simple_query(&sql).await?;
            let found: Vec<(String, Vec<u8>, String)> = rows.collect().await?;
            assert_eq!(found, [(hostile, bytes, "end".into())], "{mode}");
        }
    }
    Ok(())
}

fn hostile_text(random: &mut Rng) -> String {
    const SPECIAL: [char; 16] = [
        '\'', '"', '`', '\\', '\0', '\n', '\r', '\x1a', '-', '#', '/', '*', '?', ';', '¿', '你',
    ];
    (0..random.usize(0..30))
        .map(|_| {
            if random.bool() {
                SPECIAL[random.usize(..SPECIAL.len())]
            } else {
                random.char(..)
            }
        })
        .collect()
}
