//! Types of other crates, by the forms of rows and of parameters: the same value from both.

use std::fmt::Debug;
use std::str::FromStr;

use bigdecimal::BigDecimal;
use chrono::{NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};
use jiff::{SignedDuration, Timestamp, civil};
use otaria_binary::{BinaryCell, BinaryRow, BinaryRowPacket, Parameters};
use otaria_codec::{Capabilities, ColumnDefinition, Encode, FieldType, PayloadWriter};
use otaria_text::{TextRow, TextRowPacket};
use otaria_types::{
    CellError, Columns, Date, DateTime, Decimal, FromRow, FromRowError, FromSql, FromSqlError,
    Json, ParamsError, RowContext, RowReader, SessionTimeZone, Time, ToSql, ToSqlError, ValueRef,
    Vector, ZeroDates,
};
use time::{Duration, OffsetDateTime, PrimitiveDateTime, UtcDateTime};
use uuid::Uuid;

/// One cell in both forms, and its column.
struct Cell {
    columns: Columns,
    text: Vec<u8>,
    binary: Vec<u8>,
}

impl Cell {
    fn new(field_type: FieldType, text: &str, binary: impl Into<BinaryCell>) -> Self {
        Self::of(ColumnDefinition::new("c", field_type), text, binary)
    }

    fn of(column: ColumnDefinition, text: &str, binary: impl Into<BinaryCell>) -> Self {
        Self {
            columns: Columns::new(vec![column]),
            text: encoded(&TextRowPacket::of([text])),
            binary: encoded(&BinaryRowPacket::default().with(binary)),
        }
    }

    fn string(text: &str) -> Self {
        let column = ColumnDefinition::new("c", FieldType::VarString).with_collation(45);
        Self::of(column, text, text)
    }

    fn date(text: &str) -> Self {
        Self::new(FieldType::Date, text, Date::from_str(text).unwrap())
    }

    fn datetime(text: &str) -> Self {
        let datetime = DateTime::from_str(text).unwrap();
        Self::new(FieldType::DateTime, text, datetime)
    }

    fn timestamp(text: &str) -> Self {
        let datetime = DateTime::from_str(text).unwrap();
        Self::new(FieldType::Timestamp, text, datetime)
    }

    fn time(text: &str) -> Self {
        Self::new(FieldType::Time, text, Time::from_str(text).unwrap())
    }

    fn decimal(text: &str) -> Self {
        let decimal = Decimal::from_str(text).unwrap();
        Self::new(FieldType::NewDecimal, text, decimal)
    }

    /// Reads the cell from both forms, by its column and as a row whose columns are known.
    #[track_caller]
    fn reads<T>(&self, context: RowContext, expected: Result<&T, FromSqlError>)
    where
        T: for<'a> FromSql<'a> + Debug + PartialEq,
    {
        let read = [
            read::<T, TextRow<'_>>(&self.text, &self.columns, context),
            read_row::<T, TextRow<'_>>(&self.text, &self.columns, context),
            read::<T, BinaryRow<'_>>(&self.binary, &self.columns, context),
            read_row::<T, BinaryRow<'_>>(&self.binary, &self.columns, context),
        ];
        for read in &read {
            assert_eq!(read.as_ref().map_err(|error| *error), expected);
        }
    }

    #[track_caller]
    fn is<T>(&self, expected: T)
    where
        T: for<'a> FromSql<'a> + Debug + PartialEq,
    {
        self.reads(RowContext::default(), Ok(&expected));
        self.reads(RowContext::default(), Ok(&Some(expected)));
    }

    #[track_caller]
    fn is_no<T>(&self, error: FromSqlError)
    where
        T: for<'a> FromSql<'a> + Debug + PartialEq,
    {
        self.reads::<T>(RowContext::default(), Err(error));
        self.reads::<Option<T>>(RowContext::default(), Err(error));
    }
}

fn encoded(packet: &impl Encode) -> Vec<u8> {
    let mut out = Vec::new();
    packet.encode(Capabilities::empty(), &mut PayloadWriter::new(&mut out));
    out
}

fn read<'a, T: FromSql<'a>, R: RowReader<'a>>(
    payload: &'a [u8],
    columns: &'a Columns,
    context: RowContext,
) -> Result<T, FromSqlError> {
    let mut row = R::new(payload, 1).unwrap().with_context(context);
    let read = row.read(&columns[0]);
    assert_eq!(row.finish(), Ok(()), "the reader stands behind the cell");
    read.map_err(|error| match error {
        CellError::FromSql(error) => error,
        CellError::InvalidPacket(error) => panic!("{error}"),
    })
}

fn read_row<'a, T: FromSql<'a>, R: RowReader<'a>>(
    payload: &'a [u8],
    columns: &'a Columns,
    context: RowContext,
) -> Result<T, FromSqlError> {
    let plan = <(T,)>::plan(columns).unwrap();
    let mut row = R::new(payload, 1).unwrap().with_context(context);
    match <(T,)>::from_row(&mut row, columns, &plan) {
        Ok((value,)) => Ok(value),
        Err(FromRowError::Column { error, .. }) => Err(error),
        Err(other) => panic!("{other}"),
    }
}

const OUT_OF_RANGE: FromSqlError = FromSqlError::OutOfRange;
const ZERO_DATE: FromSqlError = FromSqlError::ZeroDate;

fn in_zone(seconds: i32) -> RowContext {
    RowContext {
        time_zone: SessionTimeZone::Offset { seconds },
        ..RowContext::default()
    }
}

#[test]
fn dates_are_the_same_from_both_forms() {
    for text in ["0000-01-01", "1970-01-01", "2024-02-29", "9999-12-31"] {
        let cell = Cell::date(text);
        let [year, month, day] = [&text[..4], &text[5..7], &text[8..]];
        let (year, day) = (year.parse().unwrap(), day.parse().unwrap());
        let month: u8 = month.parse().unwrap();
        let date = NaiveDate::from_ymd_opt(year, month.into(), day).unwrap();
        cell.is(date);
        cell.is(NaiveDateTime::from(date));
        let day = u8::try_from(day).unwrap();
        let month_of_time = time::Month::try_from(month).unwrap();
        cell.is(time::Date::from_calendar_date(year, month_of_time, day).unwrap());
        let year = i16::try_from(year).unwrap();
        cell.is(civil::date(year, month.cast_signed(), day.cast_signed()));
    }
    Cell::date("2024-02-31").is_no::<NaiveDate>(OUT_OF_RANGE);
    Cell::date("2023-02-29").is_no::<time::Date>(OUT_OF_RANGE);
    Cell::date("2024-04-31").is_no::<civil::Date>(OUT_OF_RANGE);
}

#[test]
fn datetimes_are_the_same_from_both_forms() {
    let cells = ["2024-02-29 00:00:00", "2024-02-29 00:00:00.000000"].map(Cell::datetime);
    for cell in cells
        .iter()
        .chain([&Cell::timestamp("2024-02-29 00:00:00")])
    {
        cell.is(NaiveDate::from_ymd_opt(2024, 2, 29)
            .unwrap()
            .and_time(NaiveTime::MIN));
        cell.is(civil::date(2024, 2, 29).at(0, 0, 0, 0));
    }
    let cell = Cell::datetime("9999-12-31 23:59:59.999999");
    let date = NaiveDate::from_ymd_opt(9999, 12, 31).unwrap();
    cell.is(date.and_hms_micro_opt(23, 59, 59, 999_999).unwrap());
    cell.is(civil::date(9999, 12, 31).at(23, 59, 59, 999_999_000));
    let date = time::Date::from_calendar_date(9999, time::Month::December, 31).unwrap();
    cell.is(date.with_hms_micro(23, 59, 59, 999_999).unwrap());
}

#[test]
fn times_are_the_same_from_both_forms() {
    let cell = Cell::time("00:00:00");
    cell.is(NaiveTime::MIN);
    cell.is(time::Time::MIDNIGHT);
    cell.is(civil::Time::midnight());
    cell.is(TimeDelta::zero());
    let cell = Cell::time("23:59:59.999999");
    cell.is(NaiveTime::from_hms_micro_opt(23, 59, 59, 999_999).unwrap());
    cell.is(time::Time::from_hms_micro(23, 59, 59, 999_999).unwrap());
    cell.is(civil::time(23, 59, 59, 999_999_000));
    for (text, micros) in [
        ("-838:59:59.999999", Time::MIN.as_micros()),
        ("-00:00:00.5", -500_000),
        ("838:59:59.999999", Time::MAX.as_micros()),
    ] {
        let cell = Cell::time(text);
        cell.is(TimeDelta::microseconds(micros));
        cell.is(Duration::microseconds(micros));
        cell.is(SignedDuration::from_micros(micros));
        cell.is_no::<NaiveTime>(OUT_OF_RANGE);
        cell.is_no::<time::Time>(OUT_OF_RANGE);
        cell.is_no::<civil::Time>(OUT_OF_RANGE);
    }
    let negative = Cell::time("-00:00:00.000001");
    negative.is_no::<std::time::Duration>(OUT_OF_RANGE);
}

/// Every type for each kind of cell that has zero dates.
#[track_caller]
fn assert_zero(context: RowContext, date: &str, is_null: bool) {
    fn check<T>(cell: &Cell, context: RowContext, is_null: bool)
    where
        T: for<'a> FromSql<'a> + Debug + PartialEq,
    {
        cell.reads::<T>(context, Err(ZERO_DATE));
        let option = if is_null { Ok(&None) } else { Err(ZERO_DATE) };
        cell.reads::<Option<T>>(context, option);
    }
    let cell = Cell::date(date);
    check::<NaiveDate>(&cell, context, is_null);
    check::<time::Date>(&cell, context, is_null);
    check::<civil::Date>(&cell, context, is_null);
    let midnight = format!("{date} 00:00:00");
    for cell in [Cell::datetime(&midnight), Cell::timestamp(&midnight)] {
        check::<NaiveDateTime>(&cell, context, is_null);
        check::<PrimitiveDateTime>(&cell, context, is_null);
        check::<civil::DateTime>(&cell, context, is_null);
    }
    let cell = Cell::timestamp(&midnight);
    check::<chrono::DateTime<Utc>>(&cell, context, is_null);
    check::<OffsetDateTime>(&cell, context, is_null);
    check::<UtcDateTime>(&cell, context, is_null);
    check::<Timestamp>(&cell, context, is_null);
}

#[test]
fn zero_dates_and_zero_in_date_under_all_policies() {
    for date in ["0000-00-00", "2024-00-00", "2024-02-00", "0000-00-01"] {
        let context = in_zone(0);
        assert_zero(context, date, false);
        let zero_dates = ZeroDates::Null;
        assert_zero(
            RowContext {
                zero_dates,
                ..context
            },
            date,
            true,
        );
        // Where the type has them, they are what they are.
        Cell::date(date).is(Date::from_str(date).unwrap());
    }
}

#[test]
fn a_timestamp_is_a_point_in_time_where_the_offset_is_known() {
    for (text, offset, micros) in [
        ("1970-01-01 00:00:01", 0, 1_000_000),
        ("1970-01-01 05:30:00.000001", 19_800, 1),
        ("1969-12-31 16:00:00", -28_800, 0),
        ("2038-01-19 03:14:07.999999", 0, 2_147_483_647_999_999),
        ("2106-02-07 06:28:15", 0, 4_294_967_295_000_000),
    ] {
        let (cell, context) = (Cell::timestamp(text), in_zone(offset));
        let utc = chrono::DateTime::from_timestamp_micros(micros).unwrap();
        cell.reads(context, Ok(&utc));
        cell.reads(context, Ok(&Some(utc)));
        let nanos = i128::from(micros) * 1000;
        let offset = OffsetDateTime::from_unix_timestamp_nanos(nanos).unwrap();
        cell.reads(context, Ok(&offset));
        let utc = UtcDateTime::from_unix_timestamp_nanos(nanos).unwrap();
        cell.reads(context, Ok(&utc));
        cell.reads(context, Ok(&Timestamp::from_microsecond(micros).unwrap()));
    }
}

#[test]
fn a_timestamp_is_no_point_in_time_where_the_zone_is_unknown_and_a_datetime_never_is() {
    fn check<T>()
    where
        T: for<'a> FromSql<'a> + Debug + PartialEq,
    {
        let text = "2024-02-29 12:00:00";
        Cell::timestamp(text).is_no::<T>(FromSqlError::TimeZone);
        let mismatch = FromSqlError::Mismatch { value: "datetime" };
        Cell::datetime(text).reads::<T>(in_zone(0), Err(mismatch));
        let mismatch = FromSqlError::Mismatch { value: "date" };
        Cell::date("2024-02-29").reads::<T>(in_zone(0), Err(mismatch));
        let alone = ValueRef::DateTime(DateTime::from_str(text).unwrap());
        assert_eq!(T::from_sql(alone), Err(FromSqlError::TimeZone));
        assert_eq!(T::from_sql(ValueRef::Null), Err(FromSqlError::Null));
    }
    check::<chrono::DateTime<Utc>>();
    check::<OffsetDateTime>();
    check::<UtcDateTime>();
    check::<Timestamp>();
    assert!(FromSqlError::TimeZone.to_string().contains("`time_zone`"));
}

#[test]
fn a_point_in_time_is_a_parameter_in_the_zone_of_the_session_and_comes_back() {
    fn check<T>(instant: &T)
    where
        T: for<'a> FromSql<'a> + ToSql + Debug + PartialEq,
    {
        let mut parameters = Parameters::new();
        let error = parameters.set(&(instant,)).unwrap_err();
        let ParamsError::Parameter { index: 0, error } = error else {
            panic!("{error:?}");
        };
        assert_eq!(error, ToSqlError::TimeZone);
        assert!(error.to_string().contains("`time_zone`"), "{error}");
        for seconds in [0, -46_740, 46_800] {
            parameters.set_time_zone(SessionTimeZone::Offset { seconds });
            parameters.set(&(instant,)).unwrap();
            let Some(Ok(ValueRef::DateTime(sent))) = parameters.values().next() else {
                panic!("it is sent as something else");
            };
            Cell::timestamp(&sent.to_string()).reads(in_zone(seconds), Ok(instant));
        }
    }
    let micros = 1_709_207_999_123_456;
    let utc = chrono::DateTime::from_timestamp_micros(micros).unwrap();
    check(&utc);
    let nanos = i128::from(micros) * 1000;
    check(&OffsetDateTime::from_unix_timestamp_nanos(nanos).unwrap());
    check(&UtcDateTime::from_unix_timestamp_nanos(nanos).unwrap());
    check(&Timestamp::from_microsecond(micros).unwrap());
}

#[test]
fn decimals_are_the_same_from_both_forms() {
    let (greatest, finest) = (
        "9".repeat(65),
        format!("-{}.{}", "9".repeat(27), "9".repeat(38)),
    );
    for text in ["0.00", "-1.50", &greatest, &finest] {
        Cell::decimal(text).is(BigDecimal::from_str(text).unwrap());
    }
    for text in ["0.00", "-1.50", "79228162514264337593543950335"] {
        Cell::decimal(text).is(rust_decimal::Decimal::from_str_exact(text).unwrap());
    }
    Cell::decimal(&greatest).is_no::<rust_decimal::Decimal>(OUT_OF_RANGE);
    Cell::decimal(&finest).is_no::<rust_decimal::Decimal>(FromSqlError::Inexact);
    Cell::decimal("-170141183460469231731687303715884105728").is(i128::MIN);
    Cell::decimal("340282366920938463463374607431768211455").is(u128::MAX);
    let int = Cell::new(FieldType::LongLong, "-9223372036854775808", i64::MIN);
    int.is(rust_decimal::Decimal::from(i64::MIN));
    int.is(BigDecimal::from(i64::MIN));
    int.is(i128::from(i64::MIN));
}

#[test]
fn what_is_text_is_the_same_from_both_forms() {
    let uuid = Uuid::from_u128(0x0123_4567_89ab_cdef_fedc_ba98_7654_3210);
    Cell::string(&uuid.to_string()).is(uuid);
    Cell::string(&uuid.simple().to_string()).is(uuid);
    Cell::string("not a UUID").is_no::<Uuid>(FromSqlError::Form);
    Cell::string("127.0.0.1").is(std::net::Ipv4Addr::LOCALHOST);
    Cell::string("::1").is(std::net::IpAddr::from(std::net::Ipv6Addr::LOCALHOST));
    Cell::string("ß").is('ß');
    Cell::string("größe").is(Box::<str>::from("größe"));
    let json = Cell::string(r#"{"a": [1, null]}"#);
    json.is(serde_json::json!({"a": [1, null]}));
    json.is_no::<Json<Vec<u8>>>(FromSqlError::Json { line: 1, column: 0 });
    Cell::string("[1, 2]").is(Json(vec![1, 2]));
}

#[test]
fn what_is_bytes_is_the_same_from_both_forms() {
    let blob = |text: &str| {
        let column = ColumnDefinition::new("c", FieldType::Blob);
        Cell::of(column, text, text)
    };
    blob("sixteen bytes...").is(Uuid::from_bytes(*b"sixteen bytes..."));
    blob("fifteen bytes..").is_no::<Uuid>(FromSqlError::Form);
    blob("\0\0\0?\0\0@@").is(Vector(vec![0.5_f32, 3.0]));
    blob("\0\0\0?\0\0@@").is(Vector([0.5_f32, 3.0]));
    blob("abc").is(*b"abc");
    blob("abc").is(Box::<[u8]>::from(*b"abc"));
    blob("abc").is_no::<[u8; 4]>(FromSqlError::Form);
}
