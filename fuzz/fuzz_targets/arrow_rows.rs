//! Rows as Arrow record batches: whatever the bytes, the batch holds what a row reader reads, or both
//! refuse.
#![no_main]

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Float32Type, Float64Type, Int64Type, UInt64Type};
use libfuzzer_sys::fuzz_target;
use otaria_arrow::{
    ArrowOptions, BitType, DecimalType, DecodeError, EnumType, GeometryType, Nullability,
    RecordBatchDecoder, RowForm, SetType, StringType, TemporalUnit, TimeType, UuidType,
    ZeroDateMode,
};
use otaria_binary::BinaryRow;
use otaria_codec::{ColumnDefinition, FieldFlags, FieldType};
use otaria_fuzz::Input;
use otaria_text::TextRow;
use otaria_types::{RowReader, SessionTimeZone, ValueRef};

fuzz_target!(|data: &[u8]| {
    let mut input = Input::new(data);
    let form = if input.byte() & 1 == 0 {
        RowForm::Text
    } else {
        RowForm::Binary
    };
    let options = options(input.byte(), input.byte());
    let count = usize::from(input.byte() % 12) + 1;
    let columns: Vec<_> = (0..count).map(|_| column(&mut input)).collect();
    let rows: Vec<&[u8]> = input.payloads().collect();
    let mut decoder =
        RecordBatchDecoder::try_new(&columns, &options).expect("no column is asked for");
    match decode(&mut decoder, form, &rows) {
        Err(DecodeError::Arrow(error)) => panic!("{error}"),
        Err(_) => assert_eq!(decoder.rows(), 0),
        Ok(None) => assert!(rows.is_empty()),
        Ok(Some(batch)) => {
            assert_eq!(batch.num_rows(), rows.len());
            assert_eq!(batch.schema(), *decoder.schema());
            for (index, row) in rows.iter().enumerate() {
                match form {
                    RowForm::Text => compare::<TextRow<'_>>(&batch, index, row, &columns),
                    RowForm::Binary => compare::<BinaryRow<'_>>(&batch, index, row, &columns),
                }
            }
        }
    }
});

fn decode(
    decoder: &mut RecordBatchDecoder,
    form: RowForm,
    rows: &[&[u8]],
) -> Result<Option<RecordBatch>, DecodeError> {
    assert_eq!(decoder.decode(form, rows.iter().copied())?, rows.len());
    decoder.flush()
}

fn options(types: u8, others: u8) -> ArrowOptions {
    let strings = [
        StringType::Utf8,
        StringType::LargeUtf8,
        StringType::Utf8View,
    ];
    let dates = [ZeroDateMode::Error, ZeroDateMode::Null, ZeroDateMode::Utf8];
    let times = [
        TimeType::Duration,
        TimeType::Time64,
        TimeType::Time64OrNull,
        TimeType::Utf8,
    ];
    let mut options = ArrowOptions::default()
        .with_nullability(Nullability::All)
        .with_string_type(strings[usize::from(types) % 3])
        .with_zero_dates(dates[usize::from(types / 3) % 3])
        .with_time_type(times[usize::from(types / 9) % 4])
        .with_tinyint1_as_bool(others & 1 != 0)
        .with_bit1_as_bool(others & 1 != 0)
        .with_fixed_size_binary(others & 2 != 0);
    if others & 4 != 0 {
        options = options
            .with_bit_type(BitType::Binary)
            .with_geometry_type(GeometryType::Binary);
    }
    if others & 8 != 0 {
        options = options
            .with_enum_type(EnumType::Dictionary)
            .with_set_type(SetType::List);
    }
    if others & 16 != 0 {
        options = options
            .with_temporal_unit(TemporalUnit::Native)
            .with_uuid_type(UuidType::Utf8);
    }
    if others & 32 != 0 {
        let seconds = 7200;
        options = options.with_time_zone(SessionTimeZone::Offset { seconds });
    }
    match others >> 6 {
        0 => options.with_decimal_type(DecimalType::Float64),
        1 => options.with_decimal_type(DecimalType::Utf8),
        _ => options,
    }
}

fn column(input: &mut Input<'_>) -> ColumnDefinition {
    let field_type = FieldType::from(input.byte());
    let flags = u16::from_le_bytes([input.byte(), input.byte()]);
    let shape = input.byte();
    let column = ColumnDefinition::new("c", field_type)
        .with_flags(FieldFlags::from_bits_retain(flags))
        .with_collation(if shape & 1 == 0 { 63 } else { 45 })
        .with_length((shape >> 2).into(), input.byte() % 40);
    match shape >> 1 & 1 {
        0 => column,
        _ => column.with_extended_metadata("uuid", ""),
    }
}

/// A batch must not hold what a reader of the row refuses, nor a NULL where that reads a value
/// (unless an option makes it one).
fn compare<'a, R: RowReader<'a>>(
    batch: &RecordBatch,
    row: usize,
    payload: &'a [u8],
    columns: &[ColumnDefinition],
) {
    let mut reader = R::new(payload, columns.len()).expect("it has been decoded");
    for (column, array) in columns.iter().zip(batch.columns()) {
        let mut passed = reader.clone();
        passed.skip(column).expect("it has been decoded");
        let is_null = reader.is_null().expect("it has been decoded");
        let array_null = array.data_type() == &DataType::Null || array.is_null(row);
        if is_null {
            assert!(array_null);
        } else if !array_null {
            value(reader, column, array, row);
        }
        reader = passed;
    }
    reader.finish().expect("it has been decoded");
}

fn value<'a, R: RowReader<'a>>(
    mut reader: R,
    column: &ColumnDefinition,
    array: &dyn Array,
    row: usize,
) {
    let Ok(value) = reader.value(column) else {
        // A type that this reader is stricter about: it is kept as the bytes that it is, or text.
        return assert!(matches!(
            array.data_type(),
            DataType::Binary
                | DataType::FixedSizeBinary(_)
                | DataType::Utf8
                | DataType::LargeUtf8
                | DataType::Utf8View
                | DataType::Dictionary(..)
                | DataType::List(_)
                | DataType::Float64
                | DataType::Decimal128(..)
                | DataType::Decimal256(..)
        ));
    };
    match (array.data_type(), value) {
        (DataType::Int64, ValueRef::Int(value)) => {
            assert_eq!(array.as_primitive::<Int64Type>().value(row), value);
        }
        (DataType::UInt64, ValueRef::UInt(value)) => {
            assert_eq!(array.as_primitive::<UInt64Type>().value(row), value);
        }
        (DataType::Float32, ValueRef::Float(value)) => {
            let found = array.as_primitive::<Float32Type>().value(row);
            assert_eq!(found.to_bits(), value.to_bits());
        }
        (DataType::Float64, ValueRef::Double(value)) => {
            let found = array.as_primitive::<Float64Type>().value(row);
            assert_eq!(found.to_bits(), value.to_bits());
        }
        (DataType::Utf8, ValueRef::Text(value)) => {
            assert_eq!(array.as_string::<i32>().value(row), value);
        }
        (DataType::Utf8View, ValueRef::Text(value)) => {
            assert_eq!(array.as_string_view().value(row), value);
        }
        (DataType::Binary, ValueRef::Bytes(value))
            if column.field_type() != FieldType::Geometry =>
        {
            assert_eq!(array.as_binary::<i32>().value(row), value);
        }
        (DataType::Decimal128(_, scale), ValueRef::Decimal(text)) => {
            let found = array
                .as_primitive::<arrow::datatypes::Decimal128Type>()
                .value(row);
            let scale = u8::try_from(*scale).expect("no scale is negative");
            let found = otaria_types::Decimal::from_i128(found, scale);
            assert_eq!(found, otaria_types::Decimal::parse(text.as_bytes()).ok());
        }
        (DataType::Date32, ValueRef::Date(date)) => assert!(date.is_calendar_date()),
        _ => {}
    }
}
