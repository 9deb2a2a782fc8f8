//! Each type of MariaDB at its limits, in both forms, by default.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BooleanArray, Date32Array, Decimal128Array,
    Decimal256Array, DurationMicrosecondArray, FixedSizeBinaryArray, Float32Array, Float64Array,
    Int8Array, Int16Array, Int32Array, Int64Array, NullArray, StringArray,
    TimestampMicrosecondArray, UInt8Array, UInt16Array, UInt32Array, UInt64Array,
};
use arrow::datatypes::{DataType, i256};
use otaria_arrow::ArrowOptions;
use otaria_binary::BinaryCell;
use otaria_codec::{ColumnDefinition, FieldFlags, FieldType};
use otaria_types::{Date, DateTime, Time};

use crate::rows::{Cell, cell, column, column_of, decimal, null, same, text_column, unsigned};

fn expect(definition: &ColumnDefinition, cells: &[Cell], expected: impl Array + 'static) {
    let array = column_of(definition, &ArrowOptions::default(), cells).unwrap();
    let expected: ArrayRef = Arc::new(expected);
    assert_eq!(array.as_ref(), expected.as_ref());
    assert_eq!(array.data_type(), expected.data_type());
}

/// Cells of numbers, which text prints, and NULL.
fn numbers<T: ToString + Into<BinaryCell> + Copy>(values: &[Option<T>]) -> Vec<Cell> {
    let number = |value: &Option<T>| match value {
        Some(value) => cell(value.to_string(), *value),
        None => null(),
    };
    values.iter().map(number).collect()
}

macro_rules! integers {
    ($($name:ident: $type:ty, $array:ident, $definition:expr;)+) => {$(
        #[test]
        fn $name() {
            let values = [Some(<$type>::MIN), Some(<$type>::MAX), Some(0), None, Some(7)];
            expect(&$definition, &numbers(&values), $array::from(values.to_vec()));
        }
    )+};
}

integers! {
    tinyint_is_int8: i8, Int8Array, column(FieldType::Tiny);
    tinyint_unsigned_is_uint8: u8, UInt8Array, unsigned(FieldType::Tiny);
    smallint_is_int16: i16, Int16Array, column(FieldType::Short);
    smallint_unsigned_is_uint16: u16, UInt16Array, unsigned(FieldType::Short);
    int_is_int32: i32, Int32Array, column(FieldType::Long);
    int_unsigned_is_uint32: u32, UInt32Array, unsigned(FieldType::Long);
    bigint_is_int64: i64, Int64Array, column(FieldType::LongLong);
    bigint_unsigned_is_uint64: u64, UInt64Array, unsigned(FieldType::LongLong);
}

#[test]
fn mediumint_is_int32() {
    let values = [Some(-8_388_608), Some(8_388_607), Some(0), None, Some(-3)];
    let array = Int32Array::from(values.to_vec());
    expect(&column(FieldType::Int24), &numbers(&values), array);
}

#[test]
fn mediumint_unsigned_is_uint32() {
    let values = [Some(0), Some(16_777_215_u32), None];
    let array = UInt32Array::from(values.to_vec());
    expect(&unsigned(FieldType::Int24), &numbers(&values), array);
}

#[test]
fn zeros_in_front_do_not_count() {
    let cells = [cell("007", 7_i32), cell("0000000000000042", 42_i32)];
    expect(
        &column(FieldType::Long),
        &cells,
        Int32Array::from(vec![7, 42]),
    );
}

#[test]
fn float_is_float32() {
    let values = [
        Some(3.402_82e38_f32),
        Some(-1.5),
        Some(0.0),
        None,
        Some(1e-30),
    ];
    let cells = numbers(&values);
    expect(
        &column(FieldType::Float),
        &cells,
        Float32Array::from(values.to_vec()),
    );
}

#[test]
fn double_is_float64() {
    let values = [
        Some(f64::MAX),
        Some(f64::MIN),
        Some(0.0),
        None,
        Some(f64::MIN_POSITIVE),
    ];
    let cells = numbers(&values);
    expect(
        &column(FieldType::Double),
        &cells,
        Float64Array::from(values.to_vec()),
    );
}

#[test]
fn decimal_of_up_to_38_digits_is_decimal128() {
    let nines = "9".repeat(38);
    for (precision, scale, texts, values) in [
        (
            15,
            2,
            vec!["9999999999999.99", "-9999999999999.99", "0.00", "-0.01"],
            vec![999_999_999_999_999, -999_999_999_999_999, 0, -1],
        ),
        (38, 0, vec![&*nines], vec![10_i128.pow(38) - 1]),
        (
            38,
            10,
            vec!["1234567890123456789012345678.0123456789"],
            vec![12_345_678_901_234_567_890_123_456_780_123_456_789],
        ),
        (1, 0, vec!["7", "-7"], vec![7, -7]),
        (4, 4, vec!["0.1234", "-0.9999"], vec![1234, -9999]),
    ] {
        let mut cells: Vec<Cell> = texts.iter().map(same).collect();
        cells.push(null());
        let values = values.into_iter().map(Some).chain([None]);
        let array: Decimal128Array = values.collect();
        let scale_of_arrow = i8::try_from(scale).unwrap();
        let array = array
            .with_precision_and_scale(precision, scale_of_arrow)
            .unwrap();
        expect(&decimal(precision, scale), &cells, array);
    }
}

#[test]
fn decimal_of_more_digits_is_decimal256() {
    let nines = "9".repeat(35) + "." + &"9".repeat(30);
    let cells = [
        same(&nines),
        same("-".to_owned() + &nines),
        same("0.".to_owned() + &"0".repeat(30)),
        null(),
    ];
    let greatest = i256::from_string(&"9".repeat(65)).unwrap();
    let values = [
        Some(greatest),
        Some(greatest.wrapping_neg()),
        Some(i256::ZERO),
        None,
    ];
    let array = Decimal256Array::from_iter(values).with_precision_and_scale(65, 30);
    expect(&decimal(65, 30), &cells, array.unwrap());
}

#[test]
fn decimal_unsigned_has_no_sign_in_its_length() {
    let definition = unsigned(FieldType::NewDecimal).with_length(11, 2);
    let array = Decimal128Array::from(vec![9_999_999_999]);
    let array = array.with_precision_and_scale(10, 2).unwrap();
    expect(&definition, &[same("99999999.99")], array);
}

fn date(text: &str) -> Cell {
    cell(text, text.parse::<Date>().unwrap())
}

fn datetime(text: &str) -> Cell {
    cell(text, text.parse::<DateTime>().unwrap())
}

fn time(text: &str) -> Cell {
    cell(text, text.parse::<Time>().unwrap())
}

#[test]
fn date_is_date32() {
    let cells = [
        date("0001-01-01"),
        date("9999-12-31"),
        date("1970-01-01"),
        null(),
        date("2024-02-29"),
    ];
    let days = [Some(-719_162), Some(2_932_896), Some(0), None, Some(19_782)];
    expect(
        &column(FieldType::Date),
        &cells,
        Date32Array::from(days.to_vec()),
    );
}

#[test]
fn datetime_is_a_timestamp_without_a_zone() {
    let cells = [
        datetime("0001-01-01 00:00:00.000000"),
        datetime("9999-12-31 23:59:59.999999"),
        datetime("1970-01-01 00:00:00"),
        null(),
        datetime("2024-02-29 12:00:00.5"),
        datetime("1969-12-31 23:59:59"),
    ];
    let micros = [
        Some(-62_135_596_800_000_000),
        Some(253_402_300_799_999_999),
        Some(0),
        None,
        Some(1_709_208_000_500_000),
        Some(-1_000_000),
    ];
    let array = TimestampMicrosecondArray::from(micros.to_vec());
    expect(
        &column(FieldType::DateTime).with_length(26, 6),
        &cells,
        array,
    );
}

#[test]
fn timestamp_of_an_unknown_zone_is_without_a_zone() {
    let cells = [datetime("2038-01-19 03:14:07"), null()];
    let array = TimestampMicrosecondArray::from(vec![Some(2_147_483_647_000_000), None]);
    expect(&column(FieldType::Timestamp), &cells, array);
}

#[test]
fn time_is_a_duration() {
    let cells = [
        time("-838:59:59.999999"),
        time("838:59:59.999999"),
        time("00:00:00"),
        null(),
        time("25:00:00"),
        time("-01:00:00"),
        time("-00:00:00.5"),
    ];
    let micros = [
        Some(-3_020_399_999_999),
        Some(3_020_399_999_999),
        Some(0),
        None,
        Some(90_000_000_000),
        Some(-3_600_000_000),
        Some(-500_000),
    ];
    let array = DurationMicrosecondArray::from(micros.to_vec());
    expect(&column(FieldType::Time), &cells, array);
}

#[test]
fn year_is_int16() {
    let definition =
        column(FieldType::Year).with_flags(FieldFlags::UNSIGNED | FieldFlags::ZEROFILL);
    let cells = [
        cell("0000", 0_u16),
        cell("1901", 1901_u16),
        cell("2155", 2155_u16),
        null(),
    ];
    let array = Int16Array::from(vec![Some(0), Some(1901), Some(2155), None]);
    expect(&definition, &cells, array);
}

#[test]
fn bit_is_uint64() {
    let cells = [same([0]), same([0x0a, 0xaa]), same([0xff; 8]), null()];
    let array = UInt64Array::from(vec![Some(0), Some(0x0aaa), Some(u64::MAX), None]);
    expect(&unsigned(FieldType::Bit).with_length(64, 0), &cells, array);
}

#[test]
fn text_is_utf8() {
    let long = "x".repeat(70_000);
    let texts = [
        "",
        "a",
        "größe 🦭",
        &"y".repeat(250),
        &"y".repeat(251),
        &long,
    ];
    let cells: Vec<Cell> = texts.iter().map(same).chain([null()]).collect();
    let array: StringArray = texts.iter().map(Some).chain([None]).collect();
    for field_type in [FieldType::String, FieldType::VarString, FieldType::Blob] {
        expect(&text_column(field_type), &cells, array.clone());
    }
}

#[test]
fn binary_data_is_binary() {
    let long = vec![0xff; 66_000];
    let values = [&b""[..], b"\0", b"\xff\xfe", &long];
    let cells: Vec<Cell> = values.iter().map(same).chain([null()]).collect();
    let array: BinaryArray = values.iter().map(Some).chain([None]).collect();
    for field_type in [FieldType::String, FieldType::VarString, FieldType::Blob] {
        expect(&column(field_type), &cells, array.clone());
    }
}

#[test]
fn enum_and_set_are_utf8() {
    let array = StringArray::from(vec![Some(""), Some("a,b"), None]);
    for flags in [FieldFlags::ENUM, FieldFlags::SET] {
        let definition = text_column(FieldType::String).with_flags(flags);
        expect(&definition, &[same(""), same("a,b"), null()], array.clone());
    }
}

#[test]
fn json_and_inet_are_utf8() {
    let json = text_column(FieldType::Blob).with_extended_metadata("", "json");
    let array = StringArray::from(vec![Some(r#"{"a": [1, null]}"#), None]);
    expect(&json, &[same(r#"{"a": [1, null]}"#), null()], array);
    let inet = text_column(FieldType::String).with_extended_metadata("inet6", "");
    let array = StringArray::from(vec![Some("::"), Some("2001:db8::1"), None]);
    expect(&inet, &[same("::"), same("2001:db8::1"), null()], array);
}

#[test]
fn json_of_mysql_is_utf8_whatever_its_collation() {
    expect(
        &column(FieldType::Json),
        &[same("[]")],
        StringArray::from(vec!["[]"]),
    );
}

#[test]
fn uuid_is_16_bytes() {
    let definition = text_column(FieldType::String).with_extended_metadata("uuid", "");
    let cells = [
        same("00000000-0000-0000-0000-000000000000"),
        same("ffffffff-ffff-ffff-ffff-ffffffffffff"),
        null(),
        same("123e4567-e89b-12d3-a456-426655440000"),
    ];
    let last = 0x123e_4567_e89b_12d3_a456_4266_5544_0000_u128.to_be_bytes();
    let values = [Some([0; 16]), Some([0xff; 16]), None, Some(last)];
    let array = FixedSizeBinaryArray::try_from_sparse_iter_with_size(values.into_iter(), 16);
    expect(&definition, &cells, array.unwrap());
}

#[test]
fn geometry_is_its_wkb() {
    let wkb = b"\x01\x01\0\0\0\0\0\0\0\0\0\xf0\x3f\0\0\0\0\0\0\0\x40";
    let stored = [&[0; 4], &wkb[..]].concat();
    let array = BinaryArray::from(vec![Some(&wkb[..]), None]);
    expect(
        &column(FieldType::Geometry),
        &[same(&stored), null()],
        array,
    );
}

#[test]
fn the_literal_null_is_null() {
    let cells = [null(), null()];
    expect(&column(FieldType::Null), &cells, NullArray::new(2));
}

#[test]
fn a_type_that_is_not_known_is_bytes_or_text_by_its_collation() {
    expect(
        &column(FieldType::Other(200)),
        &[same(b"\xff")],
        BinaryArray::from(vec![&b"\xff"[..]]),
    );
    expect(
        &text_column(FieldType::Other(200)),
        &[same("a")],
        StringArray::from(vec!["a"]),
    );
}

#[test]
fn a_column_of_nulls_only_is_all_null() {
    for byte in 0..=255 {
        for definition in [
            column(FieldType::from(byte)),
            text_column(FieldType::from(byte)),
        ] {
            let definition = definition.with_length(12, 2);
            let cells = vec![null(); 9];
            let array = column_of(&definition, &ArrowOptions::default(), &cells).unwrap();
            let nulls = array.logical_nulls().unwrap();
            assert_eq!(nulls.null_count(), 9, "{:?}", array.data_type());
        }
    }
}

#[test]
fn boolean_is_int8_unless_asked_for() {
    let definition = column(FieldType::Tiny).with_length(1, 0);
    let cells = [
        cell("0", 0_i8),
        cell("1", 1_i8),
        cell("-1", -1_i8),
        cell("2", 2_i8),
        null(),
    ];
    let array = Int8Array::from(vec![Some(0), Some(1), Some(-1), Some(2), None]);
    expect(&definition, &cells, array);
    let options = ArrowOptions::default().with_tinyint1_as_bool(true);
    let array = column_of(&definition, &options, &cells).unwrap();
    let expected = BooleanArray::from(vec![Some(false), Some(true), Some(true), Some(true), None]);
    assert_eq!(array.as_boolean(), &expected);
    let wide = definition.with_length(4, 0);
    let array = column_of(&wide, &options, &cells).unwrap();
    assert_eq!(array.data_type(), &DataType::Int8);
}
