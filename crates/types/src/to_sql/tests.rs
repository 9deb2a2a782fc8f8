use super::*;
use crate::testing::{Written, written};

fn error(value: impl ToSql) -> ToSqlError {
    value.to_sql(&mut Vec::new()).unwrap_err()
}

#[test]
fn integers_of_every_width_are_written_at_their_limits() {
    let signed: [(&dyn ToSql, i64); 6] = [
        (&i8::MIN, i8::MIN.into()),
        (&i16::MIN, i16::MIN.into()),
        (&i32::MIN, i32::MIN.into()),
        (&i64::MIN, i64::MIN),
        (&i64::MAX, i64::MAX),
        (&-1_isize, -1),
    ];
    for (value, expected) in signed {
        assert_eq!(written(value), Written::Int(expected));
    }
    let unsigned: [(&dyn ToSql, u64); 6] = [
        (&u8::MAX, u8::MAX.into()),
        (&u16::MAX, u16::MAX.into()),
        (&u32::MAX, u32::MAX.into()),
        (&u64::MAX, u64::MAX),
        (&1_usize, 1),
        (&0_u64, 0),
    ];
    for (value, expected) in unsigned {
        assert_eq!(written(value), Written::UInt(expected));
    }
}

#[test]
fn bool_is_an_integer() {
    assert_eq!(written(&true), Written::Int(1));
    assert_eq!(written(&false), Written::Int(0));
}

#[test]
fn finite_floats_are_written_at_their_limits() {
    for float in [f32::MIN, -0.0, 0.0, f32::MIN_POSITIVE, f32::MAX] {
        assert_eq!(written(&float), Written::Float(float));
    }
    for double in [f64::MIN, -0.0, 0.0, f64::MIN_POSITIVE, f64::MAX] {
        assert_eq!(written(&double), Written::Double(double));
    }
}

#[test]
fn nan_and_infinity_are_an_error() {
    for float in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        assert_eq!(error(float), ToSqlError::NotFinite);
        assert_eq!(error(f64::from(float)), ToSqlError::NotFinite);
        assert_eq!(error(Some(float)), ToSqlError::NotFinite);
        assert_eq!(error(ValueRef::Float(float)), ToSqlError::NotFinite);
    }
}

#[test]
fn text_and_bytes_are_told_apart_by_their_type() {
    let text = Written::Text("größe".into());
    assert_eq!(written("größe"), text);
    assert_eq!(written(&String::from("größe")), text);
    assert_eq!(written(&Cow::Borrowed("größe")), text);
    assert_eq!(written(&Cow::<str>::Owned("größe".into())), text);
    let bytes = Written::Bytes(b"abc".into());
    assert_eq!(written(&b"abc"[..]), bytes);
    assert_eq!(written(b"abc"), bytes);
    assert_eq!(written(&b"abc".to_vec()), bytes);
    assert_eq!(written(&Cow::Borrowed(&b"abc"[..])), bytes);
    assert_eq!(written(&Vec::<u8>::new()), Written::Bytes(vec![]));
}

#[test]
fn none_is_null() {
    assert_eq!(written(&None::<i32>), Written::Null);
    assert_eq!(written(&None::<&str>), Written::Null);
    assert_eq!(written(&Some(None::<Vec<u8>>)), Written::Null);
    assert_eq!(written(&Some(5_u8)), Written::UInt(5));
}

#[test]
fn pointers_are_what_they_point_to() {
    let expected = Written::Text("a".into());
    assert_eq!(written(&&"a"), expected);
    assert_eq!(written(&&mut String::from("a")), expected);
    assert_eq!(written(&Box::<str>::from("a")), expected);
    assert_eq!(written(&Rc::<str>::from("a")), expected);
    assert_eq!(written(&Arc::<str>::from("a")), expected);
    let boxed: Box<dyn ToSql + Send + Sync> = Box::new("a");
    assert_eq!(written(&boxed), expected);
}

#[test]
fn dates_times_and_decimals_are_written_with_zeros_in_them() {
    let date = Date::new(2024, 0, 0).unwrap();
    assert_eq!(written(&date), Written::Date(date));
    assert_eq!(written(&DateTime::ZERO), Written::DateTime(DateTime::ZERO));
    for time in [Time::MIN, Time::ZERO, Time::MAX] {
        assert_eq!(written(&time), Written::Time(time));
    }
    let decimal: Decimal = "-1.50".parse().unwrap();
    assert_eq!(written(&decimal), Written::Decimal("-1.50".into()));
}

#[test]
fn a_value_that_was_read_is_written_as_it_is() {
    for (value, expected) in [
        (ValueRef::Null, Written::Null),
        (ValueRef::Int(-1), Written::Int(-1)),
        (ValueRef::UInt(u64::MAX), Written::UInt(u64::MAX)),
        (ValueRef::Float(0.5), Written::Float(0.5)),
        (ValueRef::Double(0.5), Written::Double(0.5)),
        (ValueRef::Decimal("1.50"), Written::Decimal("1.50".into())),
        (ValueRef::Text("a"), Written::Text("a".into())),
        (ValueRef::Bytes(b"a"), Written::Bytes(b"a".into())),
        (ValueRef::Date(Date::ZERO), Written::Date(Date::ZERO)),
        (
            ValueRef::DateTime(DateTime::ZERO),
            Written::DateTime(DateTime::ZERO),
        ),
        (ValueRef::Time(Time::MIN), Written::Time(Time::MIN)),
    ] {
        assert_eq!(written(&value), expected);
    }
}

#[test]
fn a_decimal_that_was_read_and_has_too_many_digits_is_an_error() {
    let digits = "9".repeat(66);
    assert_eq!(error(ValueRef::Decimal(&digits)), ToSqlError::OutOfRange);
    assert_eq!(error(ValueRef::Decimal("1 or 1")), ToSqlError::Malformed);
}
