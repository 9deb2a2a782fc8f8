//! Cells of batches and of rows in words that are the same for both.

use chrono::DateTime;
use otaria::arrow::array::{Array, ArrayRef, AsArray};
use otaria::arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Decimal256Type, DurationMicrosecondType, Field,
    Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, TimeUnit,
    TimestampMicrosecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use otaria::{Time, ValueRef};

/// A cell of a batch.
pub fn of_array(field: &Field, array: &ArrayRef, row: usize) -> String {
    macro_rules! number {
        ($type:ty) => {
            array.as_primitive::<$type>().value(row).to_string()
        };
    }
    if array.is_null(row) {
        return "NULL".into();
    }
    match array.data_type() {
        DataType::Null => "NULL".into(),
        DataType::Boolean => array.as_boolean().value(row).to_string(),
        DataType::Int8 => number!(Int8Type),
        DataType::Int16 => number!(Int16Type),
        DataType::Int32 => number!(Int32Type),
        DataType::Int64 => number!(Int64Type),
        DataType::UInt8 => number!(UInt8Type),
        DataType::UInt16 => number!(UInt16Type),
        DataType::UInt32 => number!(UInt32Type),
        DataType::UInt64 => number!(UInt64Type),
        DataType::Float32 => format!("{:e}", array.as_primitive::<Float32Type>().value(row)),
        DataType::Float64 => format!("{:e}", array.as_primitive::<Float64Type>().value(row)),
        DataType::Decimal128(..) => array.as_primitive::<Decimal128Type>().value_as_string(row),
        DataType::Decimal256(..) => array.as_primitive::<Decimal256Type>().value_as_string(row),
        DataType::Date32 => {
            let days = i64::from(array.as_primitive::<Date32Type>().value(row));
            let instant = DateTime::from_timestamp(days * 86_400, 0).unwrap();
            instant.format("%Y-%m-%d").to_string()
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            let micros = array.as_primitive::<TimestampMicrosecondType>().value(row);
            let instant = DateTime::from_timestamp_micros(micros).unwrap();
            instant.format("%Y-%m-%d %H:%M:%S%.6f").to_string()
        }
        DataType::Duration(TimeUnit::Microsecond) => {
            duration(array.as_primitive::<DurationMicrosecondType>().value(row))
        }
        DataType::Utf8 => array.as_string::<i32>().value(row).to_owned(),
        DataType::Binary => hex(array.as_binary::<i32>().value(row)),
        DataType::FixedSizeBinary(_) => {
            let digits = hex(array.as_fixed_size_binary().value(row));
            match field.extension_type_name() {
                Some("arrow.uuid") => uuid(&digits),
                _ => digits,
            }
        }
        DataType::FixedSizeList(..) => {
            let list = array.as_fixed_size_list().value(row);
            format!("{:?}", list.as_primitive::<Float32Type>().values().to_vec())
        }
        other => panic!("no words for {other}"),
    }
}

/// A cell of a row, in the words of the batch's field.
pub fn of_row(field: &Field, value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => "NULL".into(),
        ValueRef::Int(number) => number.to_string(),
        ValueRef::UInt(number) => number.to_string(),
        ValueRef::Float(number) => format!("{number:e}"),
        ValueRef::Double(number) => format!("{number:e}"),
        ValueRef::Decimal(text) | ValueRef::Text(text) => text.into(),
        ValueRef::Date(date) => date.to_string(),
        ValueRef::DateTime(datetime) => six_digits(&datetime.to_string()),
        ValueRef::Time(time) => duration(micros(time)),
        // Of a geometry the first four bytes are its SRID.
        ValueRef::Bytes(bytes) if field.extension_type_name() == Some("geoarrow.wkb") => {
            hex(&bytes[4..])
        }
        ValueRef::Bytes(bytes) => match field.data_type() {
            DataType::FixedSizeList(..) => {
                let numbers = bytes.chunks_exact(4);
                let numbers = numbers.map(|number| f32::from_le_bytes(number.try_into().unwrap()));
                format!("{:?}", numbers.collect::<Vec<_>>())
            }
            _ => hex(bytes),
        },
    }
}

fn micros(time: Time) -> i64 {
    let text = six_digits(&time.to_string());
    let (sign, text) = match text.strip_prefix('-') {
        Some(text) => (-1, text),
        None => (1, text.as_str()),
    };
    let parts: Vec<i64> = text
        .split([':', '.'])
        .map(|part| part.parse().unwrap())
        .collect();
    let [hours, minutes, seconds, micros] = parts[..] else {
        panic!("{text}");
    };
    sign * ((hours * 3600 + minutes * 60 + seconds) * 1_000_000 + micros)
}

fn duration(micros: i64) -> String {
    let sign = if micros < 0 { "-" } else { "" };
    let (seconds, micros) = (
        micros.unsigned_abs() / 1_000_000,
        micros.unsigned_abs() % 1_000_000,
    );
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    format!(
        "{sign}{hours:02}:{minutes:02}:{:02}.{micros:06}",
        seconds % 60
    )
}

/// A time with all six digits behind the point.
fn six_digits(text: &str) -> String {
    let (whole, digits) = text.split_once('.').unwrap_or((text, ""));
    format!("{whole}.{digits:0<6}")
}

fn hex(bytes: &[u8]) -> String {
    let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("0x{}", digits.concat())
}

fn uuid(digits: &str) -> String {
    let digits = &digits[2..];
    let parts = [
        &digits[..8],
        &digits[8..12],
        &digits[12..16],
        &digits[16..20],
        &digits[20..],
    ];
    parts.join("-")
}
