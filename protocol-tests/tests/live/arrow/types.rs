//! Every type by both protocols: the same schema, the same array, and the value of the typed row.

use otaria::arrow::array::{Array, RecordBatch};
use otaria::arrow::datatypes::{DataType, Field, TimeUnit};
use otaria::{
    ArrowOptions, CellReason, ColumnType, Connection, DecodeError, RecordBatchError, ValueRef,
    ZeroDateMode,
};
use protocol_tests::live;

use super::cells::{of_array, of_row};
use super::{PROTOCOLS, Protocol, has_vectors, read};
use crate::connect;

/// A type of a column, what it becomes, and literals with the words for what they become; NULL is
/// stored behind them.
pub struct Case {
    pub sql_type: &'static str,
    pub data_type: DataType,
    pub values: Vec<(&'static str, &'static str)>,
}

pub fn case(
    sql_type: &'static str,
    data_type: DataType,
    values: &[(&'static str, &'static str)],
) -> Case {
    Case {
        sql_type,
        data_type,
        values: values.to_vec(),
    }
}

/// The same where the literals are the words.
fn plain(sql_type: &'static str, data_type: DataType, values: &[&'static str]) -> Case {
    let values: Vec<_> = values.iter().map(|value| (*value, *value)).collect();
    case(sql_type, data_type, &values)
}

pub fn micros() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, None)
}

pub fn integers() -> Vec<Case> {
    vec![
        plain("TINYINT", DataType::Int8, &["-128", "127", "0"]),
        plain("TINYINT UNSIGNED", DataType::UInt8, &["0", "128", "255"]),
        plain("TINYINT(1)", DataType::Int8, &["2", "-1", "0", "1"]),
        plain("SMALLINT", DataType::Int16, &["-32768", "32767", "0"]),
        plain("SMALLINT UNSIGNED", DataType::UInt16, &["0", "65535"]),
        plain("MEDIUMINT", DataType::Int32, &["-8388608", "8388607", "0"]),
        plain("MEDIUMINT UNSIGNED", DataType::UInt32, &["0", "16777215"]),
        plain("INT", DataType::Int32, &["-2147483648", "2147483647", "0"]),
        plain("INT UNSIGNED", DataType::UInt32, &["0", "4294967295"]),
        plain(
            "BIGINT",
            DataType::Int64,
            &["-9223372036854775808", "9223372036854775807", "0"],
        ),
        plain(
            "BIGINT UNSIGNED",
            DataType::UInt64,
            &["0", "9223372036854775808", "18446744073709551615"],
        ),
        plain("YEAR", DataType::Int16, &["1901", "2155", "0"]),
        case("BIT(1)", DataType::UInt64, &[("b'0'", "0"), ("b'1'", "1")]),
        case(
            "BIT(64)",
            DataType::UInt64,
            &[("0", "0"), ("~0", "18446744073709551615")],
        ),
    ]
}

pub fn fractions() -> Vec<Case> {
    vec![
        case(
            "FLOAT",
            DataType::Float32,
            &[
                ("-3.40282e38", "-3.40282e38"),
                ("1.5", "1.5e0"),
                ("0", "0e0"),
            ],
        ),
        case(
            "DOUBLE",
            DataType::Float64,
            &[
                ("-1.7976931348623157e308", "-1.7976931348623157e308"),
                ("2.2250738585072014e-308", "2.2250738585072014e-308"),
                ("-0.1", "-1e-1"),
                ("0", "0e0"),
            ],
        ),
        plain(
            "DECIMAL(10,2)",
            DataType::Decimal128(10, 2),
            &["-99999999.99", "99999999.99", "0.00"],
        ),
        plain(
            "DECIMAL(38,10)",
            DataType::Decimal128(38, 10),
            &[
                "-9999999999999999999999999999.9999999999",
                "9999999999999999999999999999.9999999999",
                "0.0000000001",
            ],
        ),
        plain(
            "DECIMAL(65,30)",
            DataType::Decimal256(65, 30),
            &[
                "-99999999999999999999999999999999999.999999999999999999999999999999",
                "99999999999999999999999999999999999.999999999999999999999999999999",
                "0.000000000000000000000000000001",
            ],
        ),
        plain(
            "DECIMAL(5,0) UNSIGNED",
            DataType::Decimal128(5, 0),
            &["0", "99999"],
        ),
    ]
}

fn microsecond_times(duration: DataType) -> Case {
    let least = ("'-00:00:00.000001'", "-00:00:00.000001");
    // Those of MySQL end at a whole second.
    let values = if live::shared().is_mysql() {
        [
            ("'838:59:58.999999'", "838:59:58.999999"),
            ("'-838:59:58.999999'", "-838:59:58.999999"),
            least,
        ]
    } else {
        [
            ("'838:59:59.999999'", "838:59:59.999999"),
            ("'-838:59:59.999999'", "-838:59:59.999999"),
            least,
        ]
    };
    case("TIME(6)", duration, &values)
}

pub fn temporals() -> Vec<Case> {
    let duration = DataType::Duration(TimeUnit::Microsecond);
    let mut cases = vec![
        case(
            "DATE",
            DataType::Date32,
            &[
                ("'0001-01-01'", "0001-01-01"),
                ("'9999-12-31'", "9999-12-31"),
                ("'1970-01-01'", "1970-01-01"),
                ("'2024-02-29'", "2024-02-29"),
            ],
        ),
        case(
            "DATETIME",
            micros(),
            &[
                ("'0001-01-01 00:00:00'", "0001-01-01 00:00:00.000000"),
                ("'9999-12-31 23:59:59'", "9999-12-31 23:59:59.000000"),
                ("'1969-12-31 23:59:59'", "1969-12-31 23:59:59.000000"),
            ],
        ),
        case(
            "TIMESTAMP NULL",
            DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            &[
                ("'1970-01-01 00:00:01'", "1970-01-01 00:00:01.000000"),
                ("'2038-01-19 03:14:07'", "2038-01-19 03:14:07.000000"),
            ],
        ),
        case(
            "TIMESTAMP(6) NULL",
            DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            &[("'2024-02-29 01:02:03.000001'", "2024-02-29 01:02:03.000001")],
        ),
        case(
            "TIME",
            duration.clone(),
            &[
                ("'25:00:00'", "25:00:00.000000"),
                ("'-01:00:00'", "-01:00:00.000000"),
                ("'00:00:00'", "00:00:00.000000"),
                ("'838:59:59'", "838:59:59.000000"),
            ],
        ),
        microsecond_times(duration),
    ];
    for digits in 1..=6 {
        let sql_type = format!("DATETIME({digits})").leak();
        let fraction = &"123456"[..digits];
        let literal = format!("'2024-02-29 23:59:59.{fraction}'").leak();
        let words = format!("2024-02-29 23:59:59.{fraction:0<6}").leak();
        cases.push(case(sql_type, micros(), &[(literal, words)]));
    }
    cases
}

pub fn strings() -> Vec<Case> {
    let text = |sql_type, values| case(sql_type, DataType::Utf8, values);
    let bytes = |sql_type, values| case(sql_type, DataType::Binary, values);
    let uuid = "123e4567-e89b-12d3-a456-426655440000";
    let nil = "00000000-0000-0000-0000-000000000000";
    let point = "0x0101000000000000000000f03f0000000000000040";
    let mut cases = vec![
        text("CHAR(10)", &[("'abc'", "abc"), ("''", "")]),
        text("VARCHAR(20)", &[("'größe 🦭'", "größe 🦭"), ("''", "")]),
        text("VARCHAR(20) CHARACTER SET latin1", &[("'größe'", "größe")]),
        text("TINYTEXT", &[("'tiny'", "tiny")]),
        text("TEXT", &[("'some text'", "some text"), ("''", "")]),
        text("MEDIUMTEXT", &[("'medium'", "medium")]),
        text("LONGTEXT", &[("'long'", "long"), ("''", "")]),
        text("ENUM('a','b')", &[("'b'", "b"), ("'none of them'", "")]),
        text("SET('x','y','z')", &[("'x,z'", "x,z"), ("''", "")]),
        text(
            "JSON",
            &[("'{\"a\": [1]}'", "{\"a\": [1]}"), ("'null'", "null")],
        ),
        text(
            "INET4",
            &[
                ("'0.0.0.0'", "0.0.0.0"),
                ("'255.255.255.255'", "255.255.255.255"),
            ],
        ),
        text(
            "INET6",
            &[
                ("'::'", "::"),
                ("'2001:db8::ff00:42:8329'", "2001:db8::ff00:42:8329"),
            ],
        ),
        case(
            "UUID",
            DataType::FixedSizeBinary(16),
            &[
                ("'123e4567-e89b-12d3-a456-426655440000'", uuid),
                ("'00000000-0000-0000-0000-000000000000'", nil),
            ],
        ),
        bytes(
            "BINARY(4)",
            &[("x'00ff'", "0x00ff0000"), ("''", "0x00000000")],
        ),
        bytes("VARBINARY(4)", &[("x'00ff'", "0x00ff"), ("''", "0x")]),
        bytes("TINYBLOB", &[("x'fe'", "0xfe")]),
        bytes("BLOB", &[("x'fffe00'", "0xfffe00"), ("''", "0x")]),
        bytes("MEDIUMBLOB", &[("x'fb'", "0xfb")]),
        bytes("LONGBLOB", &[("x'00'", "0x00"), ("''", "0x")]),
        bytes("POINT", &[("ST_GeomFromText('POINT(1 2)')", point)]),
        bytes(
            "GEOMETRY",
            // Of one whose coordinates every server keeps in this order.
            &[("ST_GeomFromText('POINT(1 2)', 3857)", point)],
        ),
    ];
    cases.retain(|case| live::shared().has_type(case.sql_type));
    cases
}

/// VECTOR(2), by the option that names the column; elsewhere VARBINARY(8), which is the same on the
/// wire.
pub fn vector() -> Case {
    let item = Field::new("item", DataType::Float32, true);
    let data_type = DataType::FixedSizeList(item.into(), 2);
    if has_vectors() {
        case(
            "VECTOR(2)",
            data_type,
            &[("VEC_FromText('[1,-2.5]')", "[1.0, -2.5]")],
        )
    } else {
        case(
            "VARBINARY(8)",
            data_type,
            &[("x'0000803f000020c0'", "[1.0, -2.5]")],
        )
    }
}

/// Stores the values of a case, and NULL, in a table of the session.
async fn store(connection: &mut Connection, case: &Case) -> Result<(), otaria::Error> {
    let create = format!(
        "CREATE TEMPORARY TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, c {})",
        case.sql_type
    );
    for sql in ["DROP TEMPORARY TABLE IF EXISTS t", &create] {
        connection.simple_execute(sql).await?;
    }
    let values = case.values.iter().map(|(literal, _)| *literal);
    for literal in values.chain(["NULL"]) {
        let insert = format!("INSERT INTO t (c) VALUES ({literal})");
        connection.simple_execute(&insert).await?;
    }
    Ok(())
}

/// The words of the batch's column.
fn words(batch: &RecordBatch) -> Vec<String> {
    let (schema, column) = (batch.schema(), batch.column(0));
    let words = (0..batch.num_rows()).map(|row| of_array(schema.field(0), column, row));
    words.collect()
}

/// The words of the typed rows.
async fn rows(
    connection: &mut Connection,
    field: &Field,
    protocol: Protocol,
) -> Result<Vec<String>, otaria::Error> {
    let mut rows = match protocol {
        Protocol::Text => connection.simple_query(SELECT).await?,
        Protocol::Binary => connection.query(SELECT, ()).await?,
    };
    let mut words = Vec::new();
    while let Some(row) = rows.next().await? {
        words.push(of_row(field, row.get::<ValueRef<'_>>(0)?));
    }
    Ok(words)
}

/// A connection whose session takes all values and has a zone that is known.
pub async fn connected(schema: &str) -> Connection {
    let mut connection = connect(schema).await;
    let session = "SET sql_mode = '', time_zone = '+00:00'";
    connection.simple_execute(session).await.unwrap();
    connection
}

/// Checks a case and says what is wrong with it.
pub async fn check(
    connection: &mut Connection,
    case: &Case,
    options: &ArrowOptions,
) -> Result<(), String> {
    let failed = |error: &dyn std::error::Error| format!("{}: {error}", case.sql_type);
    store(connection, case)
        .await
        .map_err(|error| failed(&error))?;
    let expected = case.values.iter().map(|(_, words)| *words).chain(["NULL"]);
    let expected: Vec<&str> = expected.collect();
    let mut batches = Vec::new();
    for protocol in PROTOCOLS {
        let (batch, _) = read(connection, SELECT, (protocol, options))
            .await
            .map_err(|error| failed(&error))?;
        let schema = batch.schema();
        let field = schema.field(0);
        if *field.data_type() != case.data_type {
            return Err(format!("{} is {}", case.sql_type, field.data_type()));
        }
        let found = words(&batch);
        let typed = rows(connection, field, protocol).await;
        let typed = typed.map_err(|error| failed(&error))?;
        if found != expected || typed != expected {
            let sql_type = case.sql_type;
            return Err(format!(
                "{protocol:?} {sql_type}: {found:?} and as rows {typed:?} for {expected:?}"
            ));
        }
        batches.push(batch);
    }
    if batches[0] != batches[1] || batches[0].schema() != batches[1].schema() {
        return Err(format!("{}: {batches:?}", case.sql_type));
    }
    Ok(())
}

async fn check_all(name: &str, cases: &[Case], options: &ArrowOptions) {
    let schema = live::shared().schema(name).unwrap();
    let mut connection = connected(schema.name()).await;
    let mut wrong = Vec::new();
    for case in cases {
        wrong.extend(check(&mut connection, case, options).await.err());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn every_integer_type_is_the_same_array_by_text_and_binary() {
    check_all("arrow", &integers(), &ArrowOptions::default()).await;
}

#[tokio::test]
async fn every_decimal_and_float_type_is_the_same_array_by_text_and_binary() {
    check_all("arrow", &fractions(), &ArrowOptions::default()).await;
}

#[tokio::test]
async fn every_temporal_type_is_the_same_array_by_text_and_binary() {
    check_all("arrow", &temporals(), &ArrowOptions::default()).await;
}

#[tokio::test]
async fn every_string_type_is_the_same_array_by_text_and_binary() {
    check_all("arrow", &strings(), &ArrowOptions::default()).await;
}

#[tokio::test]
async fn vectors_are_lists_of_floats_where_the_column_is_named() {
    let options = ArrowOptions::default();
    let options = options.with_column("c", ColumnType::Vector { dimensions: None });
    check_all("arrow", &[vector()], &options).await;
}

const ZERO_DATES: [(&str, &str, &str); 6] = [
    ("DATE", "'0000-00-00'", "0000-00-00"),
    ("DATE", "'2024-02-00'", "2024-02-00"),
    ("DATE", "'2024-00-00'", "2024-00-00"),
    ("DATETIME", "'0000-00-00'", "0000-00-00 00:00:00"),
    (
        "DATETIME(3)",
        "'2024-00-00 10:20:30'",
        "2024-00-00 10:20:30.000",
    ),
    ("TIMESTAMP NULL", "'0000-00-00'", "0000-00-00 00:00:00"),
];

#[tokio::test]
async fn zero_and_partial_dates_are_errors_or_counted_nulls_or_text() {
    let schema = live::shared().schema("arrow").unwrap();
    let mut connection = connected(schema.name()).await;
    for (sql_type, literal, text) in ZERO_DATES {
        let case = case(sql_type, DataType::Null, &[(literal, text)]);
        store(&mut connection, &case).await.unwrap();
        for protocol in PROTOCOLS {
            let options = ArrowOptions::default();
            let error = read(&mut connection, SELECT, (protocol, &options)).await;
            let Err(RecordBatchError::Decode(DecodeError::Cell {
                row,
                column,
                reason,
            })) = error
            else {
                panic!("{sql_type} {literal}: {error:?}");
            };
            assert_eq!((row, column.name()), (0, "c"));
            assert_eq!(reason, CellReason::ZeroDate);
            connection.ping().await.expect("the connection is usable");

            let options = ArrowOptions::default().with_zero_dates(ZeroDateMode::Null);
            let read_null = read(&mut connection, SELECT, (protocol, &options)).await;
            let (batch, made_null) = read_null.unwrap();
            assert_eq!((batch.column(0).null_count(), made_null), (2, 1));

            let options = ArrowOptions::default().with_zero_dates(ZeroDateMode::Utf8);
            let read_text = read(&mut connection, SELECT, (protocol, &options)).await;
            assert_eq!(words(&read_text.unwrap().0), [text, "NULL"]);
        }
    }
}

pub const SELECT: &str = "SELECT c FROM t ORDER BY id";
