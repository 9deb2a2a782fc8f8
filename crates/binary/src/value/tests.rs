use otaria_codec::FieldFlags;
use proptest::prelude::*;

use super::*;

const MALFORMED: CellError = CellError::FromSql(FromSqlError::Malformed);
const OUT_OF_RANGE: CellError = CellError::FromSql(FromSqlError::OutOfRange);
const UTF8MB4: u16 = 45;

/// The cell as a value of `column`, and where it ends for the one who skips it.
fn read_whole<'a>(column: &ColumnDefinition, cell: &'a [u8]) -> Result<ValueRef<'a>, CellError> {
    let (mut reader, mut skipped) = (
        PayloadReader::new("test", cell),
        PayloadReader::new("test", cell),
    );
    let value = read(&mut reader, column);
    if !matches!(value, Err(CellError::InvalidPacket(_))) {
        assert_eq!(skip(&mut skipped, column.field_type()), Ok(()));
        assert_eq!(reader.remaining(), skipped.remaining());
        assert!(reader.is_empty());
    }
    value
}

/// The cell as a value of a column of this type, with the collation of binary data.
fn value(field_type: FieldType, cell: &[u8]) -> Result<ValueRef<'_>, CellError> {
    read_whole(&ColumnDefinition::new("c", field_type), cell)
}

fn unsigned(field_type: FieldType, cell: &[u8]) -> Result<ValueRef<'_>, CellError> {
    let flags = FieldFlags::UNSIGNED | FieldFlags::ZEROFILL;
    read_whole(
        &ColumnDefinition::new("c", field_type).with_flags(flags),
        cell,
    )
}

fn written<T>(write: impl FnOnce(T, &mut PayloadWriter<'_>), value: T) -> Vec<u8> {
    let mut out = Vec::new();
    write(value, &mut PayloadWriter::new(&mut out));
    out
}

#[test]
fn signed_tinyint_to_bigint_are_read_at_their_limits() {
    for (field_type, bytes, min, max) in [
        (FieldType::Tiny, 1, i8::MIN.into(), i8::MAX.into()),
        (FieldType::Short, 2, i16::MIN.into(), i16::MAX.into()),
        (FieldType::Int24, 4, -0x80_0000, 0x7f_ffff),
        (FieldType::Long, 4, i32::MIN.into(), i32::MAX.into()),
        (FieldType::LongLong, 8, i64::MIN, i64::MAX),
    ] {
        for integer in [min, -1, 0, 1, max] {
            let cell = &integer.to_le_bytes()[..bytes];
            assert_eq!(value(field_type, cell), Ok(ValueRef::Int(integer)));
        }
    }
}

#[test]
fn unsigned_tinyint_to_bigint_are_read_at_their_limits() {
    for (field_type, bytes, max) in [
        (FieldType::Tiny, 1, u8::MAX.into()),
        (FieldType::Short, 2, u16::MAX.into()),
        (FieldType::Int24, 4, 0xff_ffff),
        (FieldType::Long, 4, u32::MAX.into()),
        (FieldType::LongLong, 8, u64::MAX),
    ] {
        for integer in [0, 1, max] {
            let cell = &integer.to_le_bytes()[..bytes];
            assert_eq!(unsigned(field_type, cell), Ok(ValueRef::UInt(integer)));
        }
    }
}

#[test]
fn mediumint_binary_sign_extension_is_read() {
    let cell = [0xfd, 0xff, 0xff, 0xff];
    assert_eq!(value(FieldType::Int24, &cell), Ok(ValueRef::Int(-3)));
}

#[test]
fn year_is_two_bytes_and_unsigned_whatever_its_flags() {
    for year in [0, 1901, 2155_u16] {
        let cell = year.to_le_bytes();
        let expected = Ok(ValueRef::UInt(year.into()));
        assert_eq!(value(FieldType::Year, &cell), expected);
        assert_eq!(unsigned(FieldType::Year, &cell), expected);
    }
}

#[test]
fn float_and_double_are_read_at_their_limits() {
    for float in [f32::MIN, -0.0, 0.0, 0.1, f32::MIN_POSITIVE, f32::MAX] {
        let cell = float.to_le_bytes();
        assert_eq!(value(FieldType::Float, &cell), Ok(ValueRef::Float(float)));
        // FLOAT UNSIGNED has the flag of integers.
        assert_eq!(
            unsigned(FieldType::Float, &cell),
            Ok(ValueRef::Float(float))
        );
    }
    for double in [f64::MIN, -0.0, 0.0, 0.1, f64::MIN_POSITIVE, f64::MAX] {
        let cell = double.to_le_bytes();
        let expected = Ok(ValueRef::Double(double));
        assert_eq!(value(FieldType::Double, &cell), expected);
        assert_eq!(unsigned(FieldType::Double, &cell), expected);
    }
}

#[test]
fn decimal_of_65_digits_is_read_as_it_is_written() {
    for text in ["0.00", "-15.50", &"9".repeat(65)] {
        let cell = written(|text: &str, out| out.bytes_lenenc(text.as_bytes()), text);
        for field_type in [FieldType::NewDecimal, FieldType::OldDecimal] {
            assert_eq!(value(field_type, &cell), Ok(ValueRef::Decimal(text)));
        }
    }
    assert_eq!(value(FieldType::NewDecimal, b"\x031e5"), Err(MALFORMED));
    assert_eq!(value(FieldType::NewDecimal, b"\x00"), Err(MALFORMED));
}

#[test]
fn date_length_0_and_4_with_and_without_zeros_in_it() {
    for (cell, text) in [
        (&[0][..], "0000-00-00"),
        (&[4, 0xe8, 0x07, 0, 0], "2024-00-00"),
        (&[4, 0, 0, 0, 1], "0000-00-01"),
        (&[4, 0x0f, 0x27, 12, 31], "9999-12-31"),
        // An implementation may send the zero date in full.
        (&[4, 0, 0, 0, 0], "0000-00-00"),
    ] {
        let date = text.parse().unwrap();
        assert_eq!(value(FieldType::Date, cell), Ok(ValueRef::Date(date)));
    }
}

#[test]
fn datetime_length_0_4_7_and_11() {
    for (cell, text) in [
        (&[0][..], "0000-00-00 00:00:00"),
        (&[4, 0xe8, 0x07, 0, 0], "2024-00-00 00:00:00"),
        (&[7, 0xe8, 0x07, 2, 29, 1, 2, 3], "2024-02-29 01:02:03"),
        (&[7, 0, 0, 0, 0, 0, 0, 1], "0000-00-00 00:00:01"),
        (
            &[11, 0x0f, 0x27, 12, 31, 23, 59, 59, 0x3f, 0x42, 0x0f, 0],
            "9999-12-31 23:59:59.999999",
        ),
    ] {
        let datetime = text.parse().unwrap();
        for field_type in [FieldType::DateTime, FieldType::Timestamp] {
            let expected = Ok(ValueRef::DateTime(datetime));
            assert_eq!(value(field_type, cell), expected);
            // TIMESTAMP has the flag of unsigned integers.
            assert_eq!(unsigned(field_type, cell), expected);
        }
    }
}

#[test]
fn time_length_0_8_and_12_negative_and_over_24_h() {
    for (cell, micros) in [
        (&[0][..], 0),
        (&[8, 0, 0, 0, 0, 0, 1, 2, 3], 3_723_000_000),
        (&[8, 0, 34, 0, 0, 0, 22, 59, 59], 3_020_399_000_000),
        (
            &[12, 1, 34, 0, 0, 0, 22, 59, 59, 0x3f, 0x42, 0x0f, 0],
            Time::MIN.as_micros(),
        ),
        (&[12, 1, 0, 0, 0, 0, 0, 0, 0, 0x20, 0xa1, 0x07, 0], -500_000),
        // A zero with a sign is zero.
        (&[8, 1, 0, 0, 0, 0, 0, 0, 0], 0),
    ] {
        let time = Time::from_micros(micros).unwrap();
        assert_eq!(value(FieldType::Time, cell), Ok(ValueRef::Time(time)));
    }
}

#[test]
fn a_date_or_time_of_another_length_is_malformed_and_the_row_goes_on() {
    for field_type in [
        FieldType::Date,
        FieldType::DateTime,
        FieldType::Timestamp,
        FieldType::Time,
    ] {
        let lengths: &[u8] = match field_type {
            FieldType::Date => &[0, 4],
            FieldType::Time => &[0, 8, 12],
            _ => &[0, 4, 7, 11],
        };
        for length in 0..=u8::MAX {
            let cell = [vec![length], vec![0; length.into()]].concat();
            let value = value(field_type, &cell);
            if lengths.contains(&length) {
                assert!(value.is_ok(), "{field_type:?} {length}");
            } else {
                assert_eq!(value, Err(MALFORMED), "{field_type:?} {length}");
            }
        }
    }
}

#[test]
fn a_date_or_time_with_a_part_out_of_range_is_an_error_and_the_row_goes_on() {
    for (field_type, cell) in [
        (FieldType::Date, &[4, 0x10, 0x27, 1, 1][..]),
        (FieldType::Date, &[4, 0xe8, 0x07, 13, 1]),
        (FieldType::Date, &[4, 0xe8, 0x07, 12, 32]),
        (FieldType::DateTime, &[4, 0xe8, 0x07, 13, 1]),
        (FieldType::DateTime, &[7, 0xe8, 0x07, 1, 1, 24, 0, 0]),
        (FieldType::DateTime, &[7, 0xe8, 0x07, 1, 1, 0, 60, 0]),
        (FieldType::DateTime, &[7, 0xe8, 0x07, 1, 1, 0, 0, 60]),
        (
            FieldType::DateTime,
            &[11, 0xe8, 0x07, 1, 1, 0, 0, 0, 0x40, 0x42, 0x0f, 0],
        ),
        (FieldType::Time, &[8, 0, 34, 0, 0, 0, 23, 0, 0]),
        (FieldType::Time, &[8, 0, 0, 0, 1, 0, 0, 0, 0]),
        (FieldType::Time, &[8, 0, 0xff, 0xff, 0xff, 0xff, 255, 0, 0]),
        (FieldType::Time, &[8, 0, 0xab, 0x0a, 0, 0, 255, 0, 0]),
        (FieldType::Time, &[8, 0, 0, 0, 0, 0, 0, 60, 0]),
        (
            FieldType::Time,
            &[12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff],
        ),
    ] {
        assert_eq!(
            value(field_type, cell),
            Err(OUT_OF_RANGE),
            "{field_type:?} {cell:?}"
        );
    }
}

#[test]
fn bit_of_1_to_64_is_big_endian() {
    for bits in 1..=64_u32 {
        let greatest = u64::MAX >> (64 - bits);
        let bytes = &greatest.to_be_bytes()[8 - usize::try_from(bits.div_ceil(8)).unwrap()..];
        let cell = written(|bytes: &[u8], out| out.bytes_lenenc(bytes), bytes);
        assert_eq!(
            unsigned(FieldType::Bit, &cell),
            Ok(ValueRef::UInt(greatest))
        );
    }
    assert_eq!(
        value(FieldType::Bit, &[2, 0x0a, 0xaa]),
        Ok(ValueRef::UInt(0x0aaa))
    );
    assert_eq!(value(FieldType::Bit, &[0]), Err(MALFORMED));
}

#[test]
fn the_collation_tells_text_from_bytes_in_json_uuid_inet_and_vector() {
    let flags = FieldFlags::BINARY | FieldFlags::UNSIGNED;
    for (field_type, cell) in [
        (FieldType::Blob, &b"\x02{}"[..]),
        (
            FieldType::String,
            b"\x24123e4567-e89b-12d3-a456-426614174000",
        ),
        (FieldType::String, b"\x03::1"),
        (FieldType::String, b"\x0910.0.0.10"),
        (FieldType::VarString, b"\x00"),
    ] {
        let column = ColumnDefinition::new("c", field_type).with_flags(flags);
        let text = std::str::from_utf8(&cell[1..]).unwrap();
        let bytes = read_whole(&column, cell);
        assert_eq!(bytes, Ok(ValueRef::Bytes(text.as_bytes())));
        let column = column.with_collation(UTF8MB4);
        assert_eq!(read_whole(&column, cell), Ok(ValueRef::Text(text)));
    }
    let vector = b"\x08\x00\x00\x80\x3f\x00\x00\x00\xff";
    for field_type in [FieldType::VarString, FieldType::Vector, FieldType::Geometry] {
        let bytes = value(field_type, vector);
        assert_eq!(bytes, Ok(ValueRef::Bytes(&vector[1..])));
    }
}

#[test]
fn text_that_is_not_utf_8_is_an_error_and_the_row_goes_on() {
    let column = ColumnDefinition::new("c", FieldType::VarString).with_collation(UTF8MB4);
    let error = CellError::FromSql(FromSqlError::Utf8);
    assert_eq!(read_whole(&column, b"\x01\xe4"), Err(error));
}

#[test]
fn a_type_that_is_not_known_is_a_string() {
    for field_type in [FieldType::Null, FieldType::Other(17), FieldType::Enum] {
        assert_eq!(value(field_type, b"\x01a"), Ok(ValueRef::Bytes(b"a")));
    }
}

#[test]
fn every_cut_value_of_every_type_is_an_invalid_packet() {
    for byte in 0..=u8::MAX {
        let field_type = FieldType::from(byte);
        let column = ColumnDefinition::new("c", field_type);
        // As a length it is 11 or more; of all lengths it is the first byte.
        let whole = [11; 12];
        let mut reader = PayloadReader::new("test", &whole);
        skip(&mut reader, field_type).unwrap();
        let length = whole.len() - reader.remaining();
        for end in 0..length {
            let cut = read_whole(&column, &whole[..end]);
            assert!(
                matches!(
                    cut,
                    Err(CellError::InvalidPacket(InvalidPacket::Truncated { .. }))
                ),
                "{field_type:?} {end}"
            );
        }
    }
}

proptest! {
    #[test]
    fn every_date_comes_back(year in 0..=9999_u16, month in 0..=12_u8, day in 0..=31_u8) {
        let date = Date::new(year, month, day).unwrap();
        let cell = written(write_date, date);
        prop_assert_eq!(value(FieldType::Date, &cell), Ok(ValueRef::Date(date)));
        let midnight = DateTime::midnight(date);
        prop_assert_eq!(value(FieldType::DateTime, &cell), Ok(ValueRef::DateTime(midnight)));
    }

    #[test]
    fn every_datetime_comes_back(
        date in (0..=9999_u16, 0..=12_u8, 0..=31_u8),
        time in (0..=23_u8, 0..=59_u8, 0..=59_u8),
        micros in prop_oneof![Just(0), 0..=999_999_u32],
    ) {
        let date = Date::new(date.0, date.1, date.2).unwrap();
        let datetime = DateTime::new(date, time.0, time.1, time.2, micros).unwrap();
        let cell = written(write_datetime, datetime);
        prop_assert_eq!(value(FieldType::Timestamp, &cell), Ok(ValueRef::DateTime(datetime)));
    }

    #[test]
    fn every_time_comes_back(micros in Time::MIN.as_micros()..=Time::MAX.as_micros(), whole: bool) {
        let micros = if whole { micros / 1_000_000 * 1_000_000 } else { micros };
        let time = Time::from_micros(micros).unwrap();
        let cell = written(write_time, time);
        prop_assert_eq!(value(FieldType::Time, &cell), Ok(ValueRef::Time(time)));
    }

    #[test]
    fn no_bytes_make_the_reader_panic_and_what_is_read_is_what_is_skipped(
        byte: u8,
        flags: u16,
        bytes in proptest::collection::vec(any::<u8>(), 0..40),
    ) {
        let field_type = FieldType::from(byte);
        let column = ColumnDefinition::new("c", field_type)
            .with_flags(FieldFlags::from_bits_retain(flags));
        let mut reader = PayloadReader::new("test", &bytes);
        let mut skipped = PayloadReader::new("test", &bytes);
        let is_cut = matches!(read(&mut reader, &column), Err(CellError::InvalidPacket(_)));
        prop_assert_eq!(skip(&mut skipped, field_type).is_err(), is_cut);
        prop_assert!(is_cut || reader.remaining() == skipped.remaining());
    }
}
