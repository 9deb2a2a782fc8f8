//! Values of every type, as a real server sends them.

pub mod protocols;

use otaria::{Date, DateTime, Decimal, Error, FieldType, FromSqlError, Time, ValueRef};
use protocol_tests::live;

use crate::connect;
use protocols::{VARIANTS, check, check_conversions, connect_without};

/// A column of a type, a literal stored in it, and the value that must come back.
pub struct Case(&'static str, &'static str, ValueRef<'static>);

fn date(year: u16, month: u8, day: u8) -> ValueRef<'static> {
    ValueRef::Date(Date::new(year, month, day).unwrap())
}

fn datetime(text: &str) -> ValueRef<'static> {
    ValueRef::DateTime(text.parse().unwrap())
}

fn time(text: &str) -> ValueRef<'static> {
    ValueRef::Time(text.parse().unwrap())
}

fn numbers() -> Vec<Case> {
    use ValueRef::{Decimal, Double, Float, Int, UInt};
    vec![
        Case("TINYINT", "0", Int(0)),
        Case("TINYINT UNSIGNED", "0", UInt(0)),
        Case("SMALLINT", "32767", Int(32767)),
        Case("SMALLINT", "0", Int(0)),
        Case("MEDIUMINT", "8388607", Int(8_388_607)),
        Case("MEDIUMINT", "-3", Int(-3)),
        Case("MEDIUMINT", "0", Int(0)),
        Case("INT", "2147483647", Int(2_147_483_647)),
        Case("INT UNSIGNED", "0", UInt(0)),
        Case("BIGINT", "0", Int(0)),
        Case("BIGINT UNSIGNED", "0", UInt(0)),
        Case("FLOAT", "0", Float(0.0)),
        Case("DOUBLE", "0", Double(0.0)),
        Case("DOUBLE", "-1.7976931348623157e308", Double(f64::MIN)),
        Case(
            "DECIMAL(65,0)",
            "99999999999999999999999999999999999999999999999999999999999999999",
            Decimal("99999999999999999999999999999999999999999999999999999999999999999"),
        ),
        Case(
            "DECIMAL(65,30)",
            "-99999999999999999999999999999999999.999999999999999999999999999999",
            Decimal("-99999999999999999999999999999999999.999999999999999999999999999999"),
        ),
        Case(
            "DECIMAL(38,38)",
            "-0.00000000000000000000000000000000000001",
            Decimal("-0.00000000000000000000000000000000000001"),
        ),
        Case("YEAR", "1901", UInt(1901)),
        Case("YEAR", "2155", UInt(2155)),
        Case("TINYINT", "-128", Int(-128)),
        Case("TINYINT", "127", Int(127)),
        Case("TINYINT UNSIGNED", "255", UInt(255)),
        Case("BOOLEAN", "TRUE", Int(1)),
        Case("SMALLINT", "-32768", Int(-32768)),
        Case("SMALLINT UNSIGNED", "65535", UInt(65535)),
        Case("MEDIUMINT", "-8388608", Int(-8_388_608)),
        Case("MEDIUMINT UNSIGNED", "16777215", UInt(16_777_215)),
        Case("INT", "-2147483648", Int(-2_147_483_648)),
        Case("INT", "0", Int(0)),
        Case("INT UNSIGNED", "4294967295", UInt(4_294_967_295)),
        Case("INT(8) ZEROFILL", "42", UInt(42)),
        Case("BIGINT", "-9223372036854775808", Int(i64::MIN)),
        Case("BIGINT", "9223372036854775807", Int(i64::MAX)),
        Case("BIGINT UNSIGNED", "18446744073709551615", UInt(u64::MAX)),
        Case("FLOAT", "1.5", Float(1.5)),
        Case("FLOAT", "-3.40282e38", Float(-3.402_82e38)),
        Case("DOUBLE", "-0.1", Double(-0.1)),
        Case("DOUBLE", "1.7976931348623157e308", Double(f64::MAX)),
        Case(
            "DOUBLE",
            "2.2250738585072014e-308",
            Double(f64::MIN_POSITIVE),
        ),
        Case("DECIMAL(5,2)", "-15.5", Decimal("-15.50")),
        Case("DECIMAL(10,0)", "0", Decimal("0")),
        Case(
            "DECIMAL(65,30)",
            "99999999999999999999999999999999999.999999999999999999999999999999",
            Decimal("99999999999999999999999999999999999.999999999999999999999999999999"),
        ),
        Case("YEAR", "2024", UInt(2024)),
        Case("YEAR", "0", UInt(0)),
        Case("BIT(1)", "b'1'", UInt(1)),
        Case("BIT(12)", "b'101010101010'", UInt(0xaaa)),
        Case("BIT(64)", "~0", UInt(u64::MAX)),
    ]
}

fn temporals() -> Vec<Case> {
    vec![
        Case("DATE", "'2024-02-29'", date(2024, 2, 29)),
        Case("DATE", "'9999-12-31'", date(9999, 12, 31)),
        Case("DATE", "'0000-00-00'", date(0, 0, 0)),
        Case("DATE", "'2024-00-00'", date(2024, 0, 0)),
        Case("DATE", "'0000-01-01'", date(0, 1, 1)),
        Case("DATE", "'2024-05-00'", date(2024, 5, 0)),
        Case(
            "DATETIME",
            "'2024-00-00 10:20:30'",
            datetime("2024-00-00 10:20:30"),
        ),
        Case(
            "DATETIME(6)",
            "'0000-00-00'",
            datetime("0000-00-00 00:00:00.000000"),
        ),
        Case(
            "DATETIME(6)",
            "'2024-02-29'",
            datetime("2024-02-29 00:00:00.000000"),
        ),
        Case(
            "DATETIME(6)",
            "'2024-02-29 00:00:00.000001'",
            datetime("2024-02-29 00:00:00.000001"),
        ),
        Case(
            "TIMESTAMP NULL",
            "'2038-01-19 00:00:00'",
            datetime("2038-01-19 00:00:00"),
        ),
        Case("TIME", "'24:00:00'", time("24:00:00")),
        Case("TIME", "'-24:00:00'", time("-24:00:00")),
        Case("TIME(6)", "'00:00:00.000001'", time("00:00:00.000001")),
        Case("TIME(6)", "'0'", time("00:00:00.000000")),
        Case(
            "DATETIME",
            "'2024-02-29 00:00:00'",
            datetime("2024-02-29 00:00:00"),
        ),
        Case(
            "DATETIME(3)",
            "'2024-02-29 01:02:03.4'",
            datetime("2024-02-29 01:02:03.400"),
        ),
        Case(
            "DATETIME(6)",
            "'9999-12-31 23:59:59.999999'",
            datetime("9999-12-31 23:59:59.999999"),
        ),
        Case("DATETIME", "'0000-00-00'", datetime("0000-00-00 00:00:00")),
        Case("TIMESTAMP(6) NULL", "'2024-02-29 01:02:03.000001'", {
            datetime("2024-02-29 01:02:03.000001")
        }),
        Case("TIME", "'00:00:00'", time("00:00:00")),
        Case("TIME", "'838:59:59'", time("838:59:59")),
        Case("TIME(6)", "'-838:59:59.999999'", time("-838:59:59.999999")),
        Case("TIME(1)", "'-00:00:00.5'", time("-00:00:00.5")),
        Case("TIME(2)", "'-100:01:02.50'", time("-100:01:02.50")),
    ]
}

/// Those that the server can store: decimals of MySQL have 30 digits of a fraction at most, and its
/// times end at a whole second.
fn storable(mut cases: Vec<Case>) -> Vec<Case> {
    let is_too_much =
        |column: &str, literal: &str| column == "DECIMAL(38,38)" || literal.contains("838:59:59.9");
    cases.retain(|Case(column, literal, _)| {
        !(live::shared().is_mysql() && is_too_much(column, literal))
    });
    cases
}

fn strings() -> Vec<Case> {
    use ValueRef::{Bytes, Text};
    let mut cases = vec![
        Case("CHAR(10)", "'abc'", Text("abc")),
        Case("VARCHAR(10)", "''", Text("")),
        Case(
            "VARCHAR(20) CHARACTER SET utf8mb4",
            "'größe 🦭'",
            Text("größe 🦭"),
        ),
        Case("VARCHAR(20) COLLATE utf8mb4_bin", "'bin'", Text("bin")),
        Case("VARCHAR(20) CHARACTER SET latin1", "'größe'", Text("größe")),
        Case("TINYTEXT", "'tiny'", Text("tiny")),
        Case("LONGTEXT", "''", Text("")),
        Case("LONGBLOB", "''", Bytes(b"")),
        Case("VARBINARY(4)", "''", Bytes(b"")),
        Case("SET('x','y','z')", "''", Text("")),
        Case(
            "UUID",
            "'00000000-0000-0000-0000-000000000000'",
            Text("00000000-0000-0000-0000-000000000000"),
        ),
        Case("INET6", "'::'", Text("::")),
        Case("INET4", "'255.255.255.255'", Text("255.255.255.255")),
        Case("LONGTEXT", "'long'", Text("long")),
        Case("BINARY(4)", "x'00ff'", Bytes(b"\x00\xff\x00\x00")),
        Case("VARBINARY(4)", "x'00ff'", Bytes(b"\x00\xff")),
        Case("BLOB", "x'fe'", Bytes(b"\xfe")),
        Case("ENUM('a','b')", "'b'", Text("b")),
        Case("SET('x','y','z')", "'x,z'", Text("x,z")),
        Case("JSON", "'{\"a\": [1]}'", Text("{\"a\": [1]}")),
        Case(
            "UUID",
            "'123e4567-e89b-12d3-a456-426655440000'",
            Text("123e4567-e89b-12d3-a456-426655440000"),
        ),
        Case(
            "INET6",
            "'2001:db8::ff00:42:8329'",
            Text("2001:db8::ff00:42:8329"),
        ),
        Case("INET4", "'192.0.2.1'", Text("192.0.2.1")),
        Case(
            "POINT",
            "ST_GeomFromText('POINT(1 2)')",
            Bytes(b"\0\0\0\0\x01\x01\0\0\0\0\0\0\0\0\0\xf0\x3f\0\0\0\0\0\0\0\x40"),
        ),
    ];
    cases.retain(|Case(column, ..)| live::shared().has_type(column));
    cases
}

/// Runs `cases` on connections that have negotiated more and less.
async fn check_variants(schema: &str, cases: &[Case]) -> Result<(), Error> {
    check(&mut connect(schema).await, cases).await?;
    for without in VARIANTS {
        check(&mut connect_without(schema, without).await, cases).await?;
    }
    Ok(())
}

#[tokio::test]
async fn every_type_of_number_comes_back_at_its_limits() -> Result<(), Error> {
    let schema = live::shared().schema("numbers").unwrap();
    check_variants(schema.name(), &storable(numbers())).await
}

#[tokio::test]
async fn bit_1_to_64_comes_back_at_its_limits() -> Result<(), Error> {
    let cases = (1..=64_u32).flat_map(|bits| {
        let column: &'static str = format!("BIT({bits})").leak();
        let all = u64::MAX >> (64 - bits);
        [0, 1, all, all >> 1]
            .map(|value| Case(column, value.to_string().leak(), ValueRef::UInt(value)))
    });
    let cases: Vec<Case> = cases.collect();
    let schema = live::shared().schema("bits").unwrap();
    check(&mut connect(schema.name()).await, &cases).await
}

#[tokio::test]
async fn every_temporal_type_comes_back_with_zero_and_partial_zero_dates() -> Result<(), Error> {
    let schema = live::shared().schema("temporals").unwrap();
    check_variants(schema.name(), &storable(temporals())).await
}

#[tokio::test]
async fn every_type_of_string_comes_back_as_text_or_bytes_with_and_without_extended_metadata()
-> Result<(), Error> {
    let schema = live::shared().schema("strings").unwrap();
    let mut cases = strings();
    let vector = Case(
        "VECTOR(2)",
        "VEC_FromText('[1,-2]')",
        ValueRef::Bytes(b"\0\0\x80\x3f\0\0\0\xc0"),
    );
    if live::shared().has_type(vector.0) {
        cases.push(vector);
    }
    check_variants(schema.name(), &cases).await
}

#[tokio::test]
async fn out_of_range_conversions_are_the_same_error_in_both_protocols() -> Result<(), Error> {
    let schema = live::shared().schema("conversions").unwrap();
    let mut connection = connect(schema.name()).await;
    for cases in [storable(numbers()), storable(temporals()), strings()] {
        let (values, errors) = check_conversions(&mut connection, &cases).await?;
        println!("{values} values, {errors} errors");
        assert!(
            values > 100 && errors > 500,
            "{values} values, {errors} errors"
        );
    }
    Ok(())
}

/// One of each Rust type that a value can be read as.
type Eleven<'r> = (
    i32,
    u8,
    Decimal,
    f64,
    &'r str,
    &'r [u8],
    Date,
    DateTime,
    Time,
    Option<String>,
    i64,
);

#[tokio::test]
async fn values_are_read_as_rust_types() -> Result<(), Error> {
    let mut connection = connect("").await;
    let sql = "SELECT 1, CAST(200 AS UNSIGNED), 1.25, 0.5e0, 'text', x'00ff', DATE '2024-02-29', \
         TIMESTAMP '2024-02-29 01:02:03', TIME '-25:00:00', NULL, SUM(3)";
    let mut rows = connection.simple_query(sql).await?;
    let row = rows.next().await?.expect("a row");
    let (one, byte, decimal, double, text, bytes, date, datetime, time, null, sum) =
        row.read::<Eleven<'_>>()?;
    assert_eq!(
        (one, byte, double, text, bytes),
        (1, 200, 0.5, "text", b"\x00\xff".as_slice())
    );
    assert_eq!(
        (decimal.to_string(), date.to_string()),
        ("1.25".into(), "2024-02-29".into())
    );
    assert_eq!(datetime.to_string(), "2024-02-29 01:02:03");
    assert_eq!((time.to_string(), null, sum), ("-25:00:00".into(), None, 3));
    // In any order, by index and by name, and kept.
    assert_eq!(row.get::<String>(4)?, "text");
    assert_eq!(row.get::<i64>(0)?, 1);
    assert_eq!(row.get::<&str>("text")?, "text");
    let kept = row.to_owned();
    rows.finish().await?;
    assert_eq!(kept.get::<i64>("SUM(3)")?, 3);
    assert!(kept.get::<bool>(0)?);
    Ok(())
}

type Aggregates = (i64, u64, Decimal, u8, bool, bool, i8);

#[tokio::test]
async fn sum_is_u64_and_i64_avg_is_a_decimal_and_bool_is_a_tinyint_1() -> Result<(), Error> {
    let schema = live::shared().schema("aggregates").unwrap();
    let mut connection = connect(schema.name()).await;
    connection
        .simple_execute(
            "CREATE TEMPORARY TABLE aggregate (a BIGINT, u BIGINT UNSIGNED, b BOOL, t TINYINT(1))",
        )
        .await?;
    let values = "(-2, 3, TRUE, 1), (1, 18446744073709551612, FALSE, 0), (-8, NULL, NULL, -128)";
    connection
        .simple_execute(&format!("INSERT INTO aggregate VALUES {values}"))
        .await?;
    let sql = "SELECT SUM(a), SUM(u), AVG(a), SUM(b), MIN(b), MAX(b), MIN(t) FROM aggregate";
    let average: Decimal = "-3.0000".parse().unwrap();
    let expected = (-9, u64::MAX, average, 1, false, true, -128);
    let text = connection
        .simple_query(sql)
        .await?
        .collect::<Aggregates>()
        .await?;
    let binary = connection.query_all::<Aggregates>(sql, ()).await?;
    assert_eq!([text, binary], [vec![expected], vec![expected]]);
    // As a decimal it is exact, and what does not fit is an error.
    let error = connection
        .query_one::<(i64,)>("SELECT SUM(u) FROM aggregate", ())
        .await;
    assert!(matches!(error, Err(Error::FromSql(_))), "{error:?}");
    Ok(())
}

#[tokio::test]
async fn conversion_errors_name_the_column_the_wire_type_and_the_rust_type() -> Result<(), Error> {
    let mut connection = connect("").await;
    let mut rows = connection
        .simple_query("SELECT 300 AS a, NULL AS b, 'secret' AS c")
        .await?;
    let row = rows.next().await?.expect("a row");
    let cases = [
        (
            row.get::<u8>("a").unwrap_err(),
            0,
            FieldType::Long,
            "u8",
            FromSqlError::OutOfRange,
        ),
        (
            row.get::<i32>("b").unwrap_err(),
            1,
            FieldType::Null,
            "i32",
            FromSqlError::Null,
        ),
        (
            row.read::<(i32, Option<i32>, i64)>().unwrap_err(),
            2,
            FieldType::VarString,
            "i64",
            FromSqlError::Mismatch { value: "text" },
        ),
    ];
    for (error, index, field_type, rust_type, reason) in cases {
        let shown = format!("{error} {error:?}");
        let Error::FromSql(error) = error else {
            panic!("{error:?}")
        };
        assert_eq!(
            (error.index(), error.name()),
            (index, ["a", "b", "c"][index])
        );
        assert_eq!(
            (error.field_type(), error.rust_type()),
            (field_type, rust_type)
        );
        assert_eq!(error.reason(), reason);
        assert!(
            !shown.contains("secret") && !shown.contains("300"),
            "{shown}"
        );
    }
    let error = row.get::<i32>(3).unwrap_err();
    assert_eq!(error.to_string(), "no column 3; the row has 3 columns");
    let error = row.get::<i32>("d").unwrap_err();
    assert_eq!(error.to_string(), "no column `d`; the row has 3 columns");
    let error = row.read::<(i32,)>().unwrap_err();
    assert!(
        matches!(
            error,
            Error::ColumnCount {
                expected: 1,
                found: 3
            }
        ),
        "{error:?}"
    );
    rows.finish().await?;
    connection.ping().await
}

#[tokio::test]
async fn columns_tell_their_definitions() -> Result<(), Error> {
    let schema = live::shared().schema("columns").unwrap();
    let mut connection = connect(schema.name()).await;
    connection
        .simple_execute(
            "CREATE TABLE t (id INT UNSIGNED PRIMARY KEY, a INET6, j JSON, d DECIMAL(9,3))",
        )
        .await?;
    let rows = connection
        .simple_query("SELECT id AS x, a, j, d, 1 + 1 FROM t AS a")
        .await?;
    let [id, address, json, decimal, sum] = rows.columns() else {
        panic!("{:?}", rows.columns())
    };
    assert_eq!((id.name(), id.original_name()), ("x", "id"));
    assert_eq!(
        (id.table(), id.original_table(), id.schema()),
        ("a", "t", schema.name())
    );
    assert!(id.is_unsigned() && id.flags().contains(otaria::FieldFlags::NOT_NULL));
    assert_eq!(address.type_name(), Some("inet6"));
    assert_eq!(json.format_name(), Some("json"));
    assert_eq!(decimal.decimals(), 3);
    assert_eq!((sum.name(), sum.table()), ("1 + 1", ""));
    Ok(())
}
