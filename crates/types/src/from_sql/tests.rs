use super::*;

const INEXACT: FromSqlError = FromSqlError::Inexact;
const MALFORMED: FromSqlError = FromSqlError::Malformed;
const NULL: FromSqlError = FromSqlError::Null;
const OUT_OF_RANGE: FromSqlError = FromSqlError::OutOfRange;

fn wrong_kind<T>(value: &'static str) -> Result<T, FromSqlError> {
    Err(FromSqlError::Mismatch { value })
}

#[test]
fn integers_are_held_up_to_their_limits() {
    assert_eq!(i8::from_sql(ValueRef::Int(-128)), Ok(i8::MIN));
    assert_eq!(i8::from_sql(ValueRef::UInt(127)), Ok(i8::MAX));
    assert_eq!(i16::from_sql(ValueRef::Int(-32_768)), Ok(i16::MIN));
    assert_eq!(i32::from_sql(ValueRef::Int(0)), Ok(0));
    assert_eq!(i64::from_sql(ValueRef::Int(i64::MIN)), Ok(i64::MIN));
    assert_eq!(u8::from_sql(ValueRef::Int(255)), Ok(u8::MAX));
    assert_eq!(u16::from_sql(ValueRef::UInt(65_535)), Ok(u16::MAX));
    assert_eq!(u32::from_sql(ValueRef::UInt(0)), Ok(0));
    assert_eq!(u64::from_sql(ValueRef::UInt(u64::MAX)), Ok(u64::MAX));
}

#[test]
fn integers_beyond_their_limits_are_an_error() {
    assert_eq!(i8::from_sql(ValueRef::Int(-129)), Err(OUT_OF_RANGE));
    assert_eq!(u8::from_sql(ValueRef::UInt(256)), Err(OUT_OF_RANGE));
    assert_eq!(u64::from_sql(ValueRef::Int(-1)), Err(OUT_OF_RANGE));
    assert_eq!(i64::from_sql(ValueRef::UInt(1 << 63)), Err(OUT_OF_RANGE));
}

#[test]
fn a_decimal_without_a_fraction_is_an_integer() {
    assert_eq!(
        u64::from_sql(ValueRef::Decimal("18446744073709551615")),
        Ok(u64::MAX)
    );
    assert_eq!(
        i64::from_sql(ValueRef::Decimal("-9223372036854775808")),
        Ok(i64::MIN)
    );
    assert_eq!(i32::from_sql(ValueRef::Decimal("-12.00")), Ok(-12));
    assert_eq!(i32::from_sql(ValueRef::Decimal("007")), Ok(7));
    assert_eq!(i32::from_sql(ValueRef::Decimal("-0.0")), Ok(0));
}

#[test]
fn a_decimal_that_is_no_such_integer_is_an_error() {
    assert_eq!(i32::from_sql(ValueRef::Decimal("12.50")), Err(INEXACT));
    assert_eq!(u8::from_sql(ValueRef::Decimal("256")), Err(OUT_OF_RANGE));
    let digits = "9".repeat(65);
    assert_eq!(i64::from_sql(ValueRef::Decimal(&digits)), Err(OUT_OF_RANGE));
    for text in ["", "-", "x", "1.x", ".", "1.0.0"] {
        assert_eq!(
            i64::from_sql(ValueRef::Decimal(text)),
            Err(MALFORMED),
            "{text}"
        );
    }
}

#[test]
fn floats_and_text_are_no_integers() {
    assert_eq!(i32::from_sql(ValueRef::Double(1.0)), wrong_kind("double"));
    assert_eq!(i32::from_sql(ValueRef::Float(1.0)), wrong_kind("float"));
    assert_eq!(i32::from_sql(ValueRef::Text("1")), wrong_kind("text"));
}

#[test]
fn null_is_none_or_an_error_that_says_so() {
    assert_eq!(Option::<i32>::from_sql(ValueRef::Null), Ok(None));
    assert_eq!(Option::<i32>::from_sql(ValueRef::Int(1)), Ok(Some(1)));
    assert_eq!(i32::from_sql(ValueRef::Null), Err(NULL));
    assert_eq!(bool::from_sql(ValueRef::Null), Err(NULL));
    assert_eq!(f32::from_sql(ValueRef::Null), Err(NULL));
    assert_eq!(f64::from_sql(ValueRef::Null), Err(NULL));
    assert_eq!(String::from_sql(ValueRef::Null), Err(NULL));
    assert_eq!(Vec::<u8>::from_sql(ValueRef::Null), Err(NULL));
    assert_eq!(Decimal::from_sql(ValueRef::Null), Err(NULL));
    assert_eq!(Date::from_sql(ValueRef::Null), Err(NULL));
    assert_eq!(DateTime::from_sql(ValueRef::Null), Err(NULL));
    assert_eq!(Time::from_sql(ValueRef::Null), Err(NULL));
    assert_eq!(ValueRef::from_sql(ValueRef::Null), Ok(ValueRef::Null));
}

#[test]
fn only_0_and_1_are_bool() {
    assert_eq!(bool::from_sql(ValueRef::Int(0)), Ok(false));
    assert_eq!(bool::from_sql(ValueRef::UInt(1)), Ok(true));
    assert_eq!(bool::from_sql(ValueRef::Int(2)), Err(OUT_OF_RANGE));
    assert_eq!(bool::from_sql(ValueRef::Int(-1)), Err(OUT_OF_RANGE));
    assert_eq!(bool::from_sql(ValueRef::Text("1")), wrong_kind("text"));
}

#[test]
fn integers_that_need_no_rounding_are_floats() {
    assert_eq!(f64::from_sql(ValueRef::Int(-1)), Ok(-1.0));
    assert_eq!(f64::from_sql(ValueRef::Int(0)), Ok(0.0));
    assert_eq!(
        f64::from_sql(ValueRef::UInt(1 << 53)),
        Ok(9_007_199_254_740_992.0)
    );
    assert_eq!(f64::from_sql(ValueRef::UInt((1 << 53) + 1)), Err(INEXACT));
    assert_eq!(
        f64::from_sql(ValueRef::Int(i64::MIN)),
        Ok(-9_223_372_036_854_775_808.0)
    );
    assert_eq!(f64::from_sql(ValueRef::UInt(u64::MAX)), Err(INEXACT));
    assert_eq!(f32::from_sql(ValueRef::Int(-16_777_216)), Ok(-16_777_216.0));
    assert_eq!(f32::from_sql(ValueRef::Int(16_777_217)), Err(INEXACT));
    assert_eq!(
        f32::from_sql(ValueRef::UInt(0xffff_ff00_0000_0000)),
        Ok(18_446_742_974_197_923_840.0)
    );
}

#[test]
fn floats_are_not_narrowed() {
    assert_eq!(f64::from_sql(ValueRef::Double(f64::MAX)), Ok(f64::MAX));
    assert_eq!(f64::from_sql(ValueRef::Float(0.5)), Ok(0.5));
    assert_eq!(f32::from_sql(ValueRef::Float(f32::MIN)), Ok(f32::MIN));
    assert_eq!(f32::from_sql(ValueRef::Double(0.5)), wrong_kind("double"));
    assert_eq!(
        f32::from_sql(ValueRef::Decimal("0.5")),
        wrong_kind("decimal")
    );
}

#[test]
fn a_decimal_is_the_nearest_float() {
    assert_eq!(f64::from_sql(ValueRef::Decimal("-0.10")), Ok(-0.1));
    for text in ["inf", "NaN", "", "x"] {
        assert_eq!(
            f64::from_sql(ValueRef::Decimal(text)),
            Err(MALFORMED),
            "{text}"
        );
    }
}

#[test]
fn strings_are_made_of_text_and_decimals_only() {
    assert_eq!(<&str>::from_sql(ValueRef::Text("größe")), Ok("größe"));
    assert_eq!(
        String::from_sql(ValueRef::Decimal("1.50")),
        Ok("1.50".to_owned())
    );
    assert_eq!(String::from_sql(ValueRef::Bytes(b"a")), wrong_kind("bytes"));
    assert_eq!(
        String::from_sql(ValueRef::Date(Date::ZERO)),
        wrong_kind("date")
    );
    assert_eq!(String::from_sql(ValueRef::Int(1)), wrong_kind("int"));
}

#[test]
fn bytes_are_made_of_bytes_and_text() {
    assert_eq!(
        <&[u8]>::from_sql(ValueRef::Bytes(b"\xff")),
        Ok(&b"\xff"[..])
    );
    assert_eq!(Vec::<u8>::from_sql(ValueRef::Text("a")), Ok(vec![b'a']));
    assert_eq!(Vec::<u8>::from_sql(ValueRef::UInt(1)), wrong_kind("uint"));
}

#[test]
fn decimals_are_made_of_decimals_and_integers() {
    let half = Decimal::from_i128(-50, 2).unwrap();
    assert_eq!(Decimal::from_sql(ValueRef::Decimal("-0.50")), Ok(half));
    assert_eq!(
        Decimal::from_sql(ValueRef::UInt(u64::MAX)),
        Ok(Decimal::from(u64::MAX))
    );
    assert_eq!(Decimal::from_sql(ValueRef::Decimal("x")), Err(MALFORMED));
    assert_eq!(
        Decimal::from_sql(ValueRef::Double(0.5)),
        wrong_kind("double")
    );
}

#[test]
fn a_date_is_the_midnight_of_a_datetime_and_not_the_other_way_round() {
    let date = Date::new(2024, 2, 29).unwrap();
    let noon = DateTime::new(date, 12, 0, 0, 0).unwrap();
    assert_eq!(Date::from_sql(ValueRef::Date(date)), Ok(date));
    assert_eq!(DateTime::from_sql(ValueRef::DateTime(noon)), Ok(noon));
    assert_eq!(
        DateTime::from_sql(ValueRef::Date(date)),
        Ok(DateTime::midnight(date))
    );
    assert_eq!(
        Date::from_sql(ValueRef::DateTime(noon)),
        wrong_kind("datetime")
    );
    assert_eq!(Time::from_sql(ValueRef::Time(Time::MIN)), Ok(Time::MIN));
    assert_eq!(
        Time::from_sql(ValueRef::DateTime(noon)),
        wrong_kind("datetime")
    );
}
