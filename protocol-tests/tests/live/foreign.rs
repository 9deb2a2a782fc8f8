//! Types of other crates, written to a real server's columns and read from them by both protocols.

use std::fmt::Debug;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use bigdecimal::BigDecimal;
use chrono::{NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};
use jiff::{SignedDuration, Timestamp, civil};
use otaria::{Config, Connection, Error, FromSql, FromSqlError, SessionTimeZone, ToSql, ZeroDates};
use otaria_types::{BinaryUuid, Json, Vector};
use protocol_tests::live;
use serde_json::json;
use time::{OffsetDateTime, PrimitiveDateTime, UtcDateTime};
use uuid::Uuid;

use crate::connect;

/// Writes the value to a column of the type, and expects `text` to be in it and the value to come
/// back by both protocols, and to be found by a comparison.
async fn stores<T>(
    connection: &mut Connection,
    column: &str,
    value: T,
    text: &str,
) -> Result<(), Error>
where
    T: for<'r> FromSql<'r> + ToSql + Debug + PartialEq,
{
    connection
        .simple_execute(&format!("CREATE TEMPORARY TABLE t (c {column})"))
        .await?;
    connection
        .execute("INSERT INTO t VALUES (?)", (&value,))
        .await?;
    let sql = "SELECT CAST(c AS CHAR) FROM t WHERE c = ?";
    let (stored,): (String,) = connection.query_one(sql, (&value,)).await?;
    assert_eq!(stored, text, "{column}");
    let (binary,): (T,) = connection.query_one("SELECT c FROM t", ()).await?;
    assert_eq!(binary, value, "{column}");
    let rows = connection.simple_query("SELECT c FROM t").await?;
    let rows: Vec<(T,)> = rows.collect().await?;
    assert_eq!(rows, [(value,)], "{column}");
    connection.simple_execute("DROP TEMPORARY TABLE t").await?;
    Ok(())
}

#[tokio::test]
async fn dates_and_times_of_every_crate_are_stored_and_read() -> Result<(), Error> {
    let schema = live::shared().schema("foreign_temporals").unwrap();
    let connection = &mut connect(schema.name()).await;
    for (date, text) in [
        (civil::date(0, 1, 1), "0000-01-01"),
        (civil::date(2024, 2, 29), "2024-02-29"),
        (civil::date(9999, 12, 31), "9999-12-31"),
    ] {
        stores(connection, "DATE", date, text).await?;
    }
    let date = NaiveDate::from_ymd_opt(2024, 2, 29).unwrap();
    stores(connection, "DATE", date, "2024-02-29").await?;
    let of_time = time::Date::from_calendar_date(2024, time::Month::February, 29).unwrap();
    stores(connection, "DATE", of_time, "2024-02-29").await?;

    let text = "2024-02-29 23:59:59.999999";
    let datetime: NaiveDateTime = date.and_hms_micro_opt(23, 59, 59, 999_999).unwrap();
    stores(connection, "DATETIME(6)", datetime, text).await?;
    stores(connection, "TIMESTAMP(6)", datetime, text).await?;
    let datetime: PrimitiveDateTime = of_time.with_hms_micro(23, 59, 59, 999_999).unwrap();
    stores(connection, "DATETIME(6)", datetime, text).await?;
    let datetime = civil::date(2024, 2, 29).at(23, 59, 59, 999_999_000);
    stores(connection, "DATETIME(6)", datetime, text).await?;

    stores(connection, "TIME", NaiveTime::MIN, "00:00:00").await?;
    let text = "23:59:59.999999";
    let time = time::Time::from_hms_micro(23, 59, 59, 999_999).unwrap();
    stores(connection, "TIME(6)", time, text).await?;
    stores(
        connection,
        "TIME(6)",
        civil::time(23, 59, 59, 999_999_000),
        text,
    )
    .await?;
    let interval = SignedDuration::from_micros(-500_000);
    stores(connection, "TIME(6)", interval, "-00:00:00.500000").await?;
    // Those of MySQL end earlier.
    let (longest, text) = if live::shared().is_mysql() {
        (3_016_800_000_000, "838:00:00.000000")
    } else {
        (3_020_399_999_999, "838:59:59.999999")
    };
    let longest = TimeDelta::microseconds(longest);
    stores(connection, "TIME(6)", longest, text).await?;
    stores(
        connection,
        "TIME",
        time::Duration::hours(-100),
        "-100:00:00",
    )
    .await?;
    stores(connection, "TIME", Duration::from_secs(90_000), "25:00:00").await
}

#[tokio::test]
async fn a_uuid_is_stored_as_its_column_has_it() -> Result<(), Error> {
    let schema = live::shared().schema("foreign_uuids").unwrap();
    let connection = &mut connect(schema.name()).await;
    let text = "01234567-89ab-1def-fedc-ba9876543210";
    let uuid = Uuid::parse_str(text).unwrap();
    stores(connection, "UUID", uuid, text).await?;
    stores(connection, "UUID", BinaryUuid(uuid), text).await?;
    stores(connection, "UUID", uuid.simple(), text).await?;
    stores(connection, "UUID", Uuid::nil(), &Uuid::nil().to_string()).await?;
    stores(connection, "UUID", Uuid::max(), &Uuid::max().to_string()).await?;
    stores(connection, "CHAR(36)", uuid, text).await?;
    let simple = text.replace('-', "");
    stores(connection, "CHAR(32)", uuid.simple(), &simple).await?;
    let bytes = Uuid::from_bytes(*b"sixteen bytes...");
    stores(
        connection,
        "BINARY(16)",
        BinaryUuid(bytes),
        "sixteen bytes...",
    )
    .await?;
    let error = stores(connection, "BINARY(16)", uuid, text).await;
    assert!(
        matches!(&error, Err(Error::Server(error)) if error.code() == 1406),
        "text is too long for sixteen bytes: {error:?}"
    );
    Ok(())
}

#[tokio::test]
async fn decimals_and_what_is_text_are_stored_and_read() -> Result<(), Error> {
    let schema = live::shared().schema("foreign_texts").unwrap();
    let connection = &mut connect(schema.name()).await;
    let text = format!("-{}.{}", "9".repeat(27), "9".repeat(38));
    let decimal: BigDecimal = text.parse().unwrap();
    stores(connection, "DECIMAL(65,38)", decimal, &text).await?;
    let text = "7.9228162514264337593543950335";
    let decimal = rust_decimal::Decimal::from_str_exact(text).unwrap();
    stores(connection, "DECIMAL(29,28)", decimal, text).await?;
    let least = i128::MIN.to_string();
    stores(connection, "DECIMAL(65)", i128::MIN, &least).await?;
    stores(connection, "DECIMAL(65)", u128::MAX, &u128::MAX.to_string()).await?;

    if live::shared().has_type("INET4") {
        stores(connection, "INET4", Ipv4Addr::LOCALHOST, "127.0.0.1").await?;
    }
    stores(connection, "INET6", Ipv6Addr::LOCALHOST, "::1").await?;
    stores(
        connection,
        "INET6",
        IpAddr::from(Ipv6Addr::LOCALHOST),
        "::1",
    )
    .await?;
    let mapped = Ipv4Addr::LOCALHOST.to_ipv6_mapped();
    stores(connection, "INET6", mapped, "::ffff:127.0.0.1").await?;
    stores(connection, "CHAR(1) CHARACTER SET utf8mb4", 'ß', "ß").await?;

    let value = json!({"a": [1, -2.5, true, null], "b": "größe"});
    stores(connection, "JSON", value.clone(), &value.to_string()).await?;
    stores(connection, "JSON", Json(vec![Some(1), None]), "[1,null]").await
}

#[tokio::test]
async fn a_vector_is_stored_where_the_server_has_the_type() -> Result<(), Error> {
    let schema = live::shared().schema("foreign_vectors").unwrap();
    let connection = &mut connect(schema.name()).await;
    let vector = Vector([0.5_f32, -1.25, f32::MIN_POSITIVE]);
    connection
        .simple_execute("CREATE TABLE bytes (c VARBINARY(12))")
        .await?;
    connection
        .execute("INSERT INTO bytes VALUES (?)", (vector,))
        .await?;
    let read: (Vector,) = connection.query_one("SELECT c FROM bytes", ()).await?;
    assert_eq!(read.0, Vector(vector.0.to_vec()));
    let created = connection
        .simple_execute("CREATE TABLE vectors (c VECTOR(3) NOT NULL)")
        .await;
    let (version,): (String,) = connection.query_one("SELECT VERSION()", ()).await?;
    if version.starts_with("10.") {
        assert!(matches!(created, Err(Error::Server(_))), "{version}");
        return Ok(());
    }
    created?;
    connection
        .execute("INSERT INTO vectors VALUES (?)", (vector,))
        .await?;
    let sql = "SELECT c, VEC_DISTANCE_EUCLIDEAN(c, ?) FROM vectors";
    let read: (Vector<[f32; 3]>, f64) = connection.query_one(sql, (vector,)).await?;
    assert_eq!(read, (vector, 0.0));
    Ok(())
}

fn config(time_zone: &str) -> Config {
    let config: Config = live::shared().url("").parse().unwrap();
    config.to_builder().time_zone(time_zone).build().unwrap()
}

#[tokio::test]
async fn a_point_in_time_is_the_same_whatever_the_offset_of_the_session() -> Result<(), Error> {
    let schema = live::shared().schema("foreign_instants").unwrap();
    let micros = 1_709_207_999_123_456;
    let nanos = i128::from(micros) * 1000;
    let chrono = chrono::DateTime::<Utc>::from_timestamp_micros(micros).unwrap();
    let jiff = Timestamp::from_microsecond(micros).unwrap();
    let time = UtcDateTime::from_unix_timestamp_nanos(nanos).unwrap();
    let offset = OffsetDateTime::from_unix_timestamp_nanos(nanos).unwrap();
    let mut connection = Connection::connect(&config("+05:30")).await?;
    connection.init_db(schema.name()).await?;
    let sql = "CREATE TABLE t (a TIMESTAMP(6), b TIMESTAMP(6), c TIMESTAMP(6), d TIMESTAMP(6))";
    connection.simple_execute(sql).await?;
    connection
        .execute(
            "INSERT INTO t VALUES (?, ?, ?, ?)",
            (chrono, jiff, time, offset),
        )
        .await?;
    let expected = (chrono, jiff, time, offset);
    for zone in ["+00:00", "-12:59", "+13:00"] {
        connection.execute("SET time_zone = ?", (zone,)).await?;
        assert_eq!(
            connection
                .query_one("SELECT * FROM t", ())
                .await
                .map(Some)?,
            Some(expected)
        );
        let rows = connection.simple_query("SELECT * FROM t").await?;
        assert_eq!(rows.collect().await.map(Some)?, Some(vec![expected]));
        let sql = "SELECT COUNT(*) FROM t WHERE a = ? AND b = ? AND c = ? AND d = ?";
        let (found,): (i64,) = connection.query_one(sql, expected).await?;
        assert_eq!(found, 1, "{zone}");
    }
    let sql = "SELECT UNIX_TIMESTAMP(a) FROM t";
    let (unix,): (BigDecimal,) = connection.query_one(sql, ()).await?;
    assert_eq!(unix, BigDecimal::new(micros.into(), 6));
    Ok(())
}

#[tokio::test]
async fn set_time_zone_mid_session_seen_via_tracking_ends_and_begins_points_in_time()
-> Result<(), Error> {
    let mut connection = Connection::connect(&config("+00:00")).await?;
    let utc = SessionTimeZone::Offset { seconds: 0 };
    let sql = "SELECT TIMESTAMP'1970-01-02 00:00:00'";
    assert_eq!(connection.session_state().time_zone(), utc);
    let now = Timestamp::UNIX_EPOCH;
    let seen: (String,) = connection
        .query_one("SELECT CAST(? AS CHAR)", (now,))
        .await?;
    assert_eq!(seen.0, "1970-01-01 00:00:00");
    let error = connection.query_one::<(Timestamp,)>(sql, ()).await;
    assert!(
        matches!(&error, Err(Error::FromSql(_))),
        "a DATETIME is no point in time: {error:?}"
    );
    connection
        .simple_execute("SET time_zone = 'SYSTEM'")
        .await?;
    assert_eq!(
        connection.session_state().time_zone(),
        SessionTimeZone::Unknown
    );
    let error = connection.query_one::<(String,)>("SELECT ?", (now,)).await;
    let text = format!("{:?}", error.unwrap_err());
    assert!(text.contains("TimeZone"), "{text}");
    connection.reset().await?;
    assert_eq!(connection.session_state().time_zone(), utc);
    connection.close().await
}

#[tokio::test]
async fn a_zone_that_nobody_has_set_or_told_is_unknown_after_a_reset() -> Result<(), Error> {
    let mut connection = connect("").await;
    connection
        .simple_execute("SET time_zone = '+01:00'")
        .await?;
    let offset = SessionTimeZone::Offset { seconds: 3600 };
    assert_eq!(connection.session_state().time_zone(), offset);
    connection.reset().await?;
    assert_eq!(
        connection.session_state().time_zone(),
        SessionTimeZone::Unknown
    );
    connection.close().await
}

#[tokio::test]
async fn zero_dates_are_an_error_or_null_as_configured() -> Result<(), Error> {
    let schema = live::shared().schema("foreign_zero_dates").unwrap();
    let config: Config = live::shared().url(schema.name()).parse()?;
    let mut connection = Connection::connect(&config).await?;
    connection.simple_execute("SET sql_mode = ''").await?;
    connection
        .simple_execute("CREATE TABLE t (d DATE, dt DATETIME, ts TIMESTAMP NULL)")
        .await?;
    connection
        .simple_execute("INSERT INTO t VALUES ('2024-02-00', '2024-00-00 01:02:03', 0)")
        .await?;
    let sql = "SELECT d, dt, ts FROM t";
    let error = connection
        .query_one::<(
            Option<NaiveDate>,
            Option<NaiveDateTime>,
            Option<NaiveDateTime>,
        )>(sql, ())
        .await
        .unwrap_err();
    let Error::FromSql(error) = error else {
        panic!("{error:?}");
    };
    let source = std::error::Error::source(&error).map(ToString::to_string);
    assert_eq!(source, Some(FromSqlError::ZeroDate.to_string()));
    connection.close().await?;
    let config = config.to_builder().zero_dates(ZeroDates::Null).build()?;
    let mut connection = Connection::connect(&config).await?;
    let nulls: (
        Option<civil::Date>,
        Option<civil::DateTime>,
        Option<PrimitiveDateTime>,
    ) = connection.query_one(sql, ()).await?;
    assert_eq!(nulls, (None, None, None));
    let mut rows = connection.simple_query(sql).await?;
    let row = rows.next().await?.expect("a row");
    assert_eq!(row.get::<Option<NaiveDate>>("d")?, None);
    assert_eq!(row.get::<Option<NaiveDateTime>>("dt")?, None);
    assert!(row.get::<NaiveDate>("d").is_err());
    rows.finish().await?;
    connection.close().await
}
