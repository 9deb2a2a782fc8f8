use otaria_codec::FieldFlags;

use super::*;

const MALFORMED: FromSqlError = FromSqlError::Malformed;
const OUT_OF_RANGE: FromSqlError = FromSqlError::OutOfRange;
const UTF8MB4: u16 = 45;

/// The cell as a value of a column of this type, with the collation of binary data.
fn value(field_type: FieldType, cell: &str) -> Result<ValueRef<'_>, FromSqlError> {
    parse(cell.as_bytes(), &ColumnDefinition::new("c", field_type))
}

fn unsigned(field_type: FieldType, cell: &str) -> Result<ValueRef<'_>, FromSqlError> {
    let flags = FieldFlags::UNSIGNED | FieldFlags::ZEROFILL;
    let column = ColumnDefinition::new("c", field_type).with_flags(flags);
    parse(cell.as_bytes(), &column)
}

/// The cell as a value of a column with a collation of text.
fn string(field_type: FieldType, cell: &[u8]) -> Result<ValueRef<'_>, FromSqlError> {
    let column = ColumnDefinition::new("c", field_type).with_collation(UTF8MB4);
    parse(cell, &column)
}

#[test]
fn every_integer_type_is_read() {
    for (field_type, least, greatest) in [
        (FieldType::Tiny, "-128", "255"),
        (FieldType::Short, "-32768", "65535"),
        (FieldType::Int24, "-8388608", "16777215"),
        (FieldType::Long, "-2147483648", "4294967295"),
        (
            FieldType::LongLong,
            "-9223372036854775808",
            "18446744073709551615",
        ),
    ] {
        let (min, max) = (least.parse().unwrap(), greatest.parse().unwrap());
        assert_eq!(value(field_type, least), Ok(ValueRef::Int(min)));
        assert_eq!(value(field_type, "0"), Ok(ValueRef::Int(0)));
        assert_eq!(unsigned(field_type, greatest), Ok(ValueRef::UInt(max)));
        assert_eq!(unsigned(field_type, "007"), Ok(ValueRef::UInt(7)));
        assert_eq!(value(field_type, "12x"), Err(MALFORMED));
        assert_eq!(unsigned(field_type, "-1"), Err(MALFORMED));
    }
    assert_eq!(
        value(FieldType::LongLong, "9223372036854775808"),
        Err(OUT_OF_RANGE)
    );
}

#[test]
fn year_is_unsigned_whatever_its_flags() {
    assert_eq!(value(FieldType::Year, "0000"), Ok(ValueRef::UInt(0)));
    assert_eq!(value(FieldType::Year, "2155"), Ok(ValueRef::UInt(2155)));
    assert_eq!(unsigned(FieldType::Year, "1901"), Ok(ValueRef::UInt(1901)));
    assert_eq!(value(FieldType::Year, "-1"), Err(MALFORMED));
}

#[test]
fn float_and_double_are_read() {
    assert_eq!(value(FieldType::Float, "0"), Ok(ValueRef::Float(0.0)));
    assert_eq!(
        value(FieldType::Float, "-3.40282e38"),
        Ok(ValueRef::Float(-3.40282e38))
    );
    assert_eq!(value(FieldType::Double, "1e-5"), Ok(ValueRef::Double(1e-5)));
    assert_eq!(
        value(FieldType::Double, "-1.5e+30"),
        Ok(ValueRef::Double(-1.5e30))
    );
    assert_eq!(
        value(FieldType::Double, "1.7976931348623157e308"),
        Ok(ValueRef::Double(f64::MAX))
    );
    assert_eq!(value(FieldType::Float, "x"), Err(MALFORMED));
    assert_eq!(value(FieldType::Double, ""), Err(MALFORMED));
}

#[test]
fn decimal_is_read_as_it_is_written() {
    for text in ["0.00", "-15.50", &"9".repeat(65)] {
        for field_type in [FieldType::NewDecimal, FieldType::OldDecimal] {
            assert_eq!(value(field_type, text), Ok(ValueRef::Decimal(text)));
        }
    }
    assert_eq!(value(FieldType::NewDecimal, "1e5"), Err(MALFORMED));
}

#[test]
fn date_is_read_with_zeros_in_it() {
    for text in ["0000-00-00", "2024-00-00", "9999-12-31"] {
        let date = text.parse().unwrap();
        assert_eq!(value(FieldType::Date, text), Ok(ValueRef::Date(date)));
    }
    assert_eq!(value(FieldType::Date, "2024-13-01"), Err(OUT_OF_RANGE));
    assert_eq!(value(FieldType::Date, "2024-01"), Err(MALFORMED));
}

#[test]
fn datetime_and_timestamp_are_read_with_any_fraction() {
    for text in [
        "0000-00-00 00:00:00",
        "2024-00-00 00:00:00.000",
        "2024-02-29 01:02:03.5",
        "9999-12-31 23:59:59.999999",
    ] {
        let datetime = text.parse().unwrap();
        for field_type in [FieldType::DateTime, FieldType::Timestamp] {
            assert_eq!(value(field_type, text), Ok(ValueRef::DateTime(datetime)));
            assert_eq!(unsigned(field_type, text), Ok(ValueRef::DateTime(datetime)));
        }
    }
    assert_eq!(value(FieldType::DateTime, "2024-02-29"), Err(MALFORMED));
}

#[test]
fn time_is_read_with_its_sign_and_over_a_day() {
    for (text, micros) in [
        ("00:00:00", 0),
        ("-838:59:59.999999", Time::MIN.as_micros()),
        ("-00:00:00.5", -500_000),
        ("100:01:02.50", 360_062_500_000),
    ] {
        let time = Time::from_micros(micros).unwrap();
        assert_eq!(value(FieldType::Time, text), Ok(ValueRef::Time(time)));
    }
    assert_eq!(value(FieldType::Time, "839:00:00"), Err(OUT_OF_RANGE));
    assert_eq!(value(FieldType::Time, "noon"), Err(MALFORMED));
}

#[test]
fn bit_of_1_to_64_is_big_endian() {
    let bit = ColumnDefinition::new("c", FieldType::Bit);
    assert_eq!(parse(&[0x01], &bit), Ok(ValueRef::UInt(1)));
    assert_eq!(parse(&[0x0a, 0xaa], &bit), Ok(ValueRef::UInt(0x0aaa)));
    assert_eq!(parse(&[0xff; 8], &bit), Ok(ValueRef::UInt(u64::MAX)));
    assert_eq!(parse(&[], &bit), Err(MALFORMED));
    assert_eq!(parse(&[0; 9], &bit), Err(MALFORMED));
}

#[test]
fn the_collation_tells_text_from_bytes() {
    for field_type in [
        FieldType::String,
        FieldType::VarString,
        FieldType::VarChar,
        FieldType::Blob,
        FieldType::TinyBlob,
        FieldType::MediumBlob,
        FieldType::LongBlob,
        FieldType::Enum,
        FieldType::Set,
        FieldType::Null,
        FieldType::Other(17),
    ] {
        let text = "größe";
        assert_eq!(
            string(field_type, text.as_bytes()),
            Ok(ValueRef::Text(text))
        );
        assert_eq!(string(field_type, b""), Ok(ValueRef::Text("")));
        assert_eq!(string(field_type, b"caf\xe9"), Err(FromSqlError::Utf8));
        assert_eq!(
            value(field_type, text),
            Ok(ValueRef::Bytes(text.as_bytes()))
        );
    }
}

#[test]
fn the_binary_flag_does_not_make_text_bytes() {
    let uuid = ColumnDefinition::new("c", FieldType::String)
        .with_collation(UTF8MB4)
        .with_flags(FieldFlags::BINARY | FieldFlags::UNSIGNED);
    assert_eq!(parse(b"123e4567", &uuid), Ok(ValueRef::Text("123e4567")));
}

#[test]
fn json_is_text_and_geometry_is_bytes_whatever_the_collation() {
    assert_eq!(value(FieldType::Json, "{}"), Ok(ValueRef::Text("{}")));
    assert_eq!(
        string(FieldType::Geometry, b"\xff"),
        Ok(ValueRef::Bytes(b"\xff"))
    );
    assert_eq!(
        string(FieldType::Vector, b"\xff"),
        Ok(ValueRef::Bytes(b"\xff"))
    );
}
