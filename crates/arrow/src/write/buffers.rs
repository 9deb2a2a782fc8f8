//! The values of arrays, as their buffers have them.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, types};
use arrow::buffer::ScalarBuffer;
use arrow::datatypes::{ArrowPrimitiveType, DataType, TimeUnit};

use super::cells::{Blobs, Cells, Lists, Texts, Values};
use super::check::Check;
use super::plan::Meaning;

/// The buffers of `array`, if the server has its type; the values of a dictionary with the check.
pub(super) fn values(
    array: &dyn Array,
    meaning: Meaning,
    check: Option<&Arc<Check>>,
) -> Option<Values> {
    use DataType as D;

    let floats = meaning.floats();
    Some(match array.data_type() {
        D::Null => Values::Null,
        D::Boolean => Values::Bool(array.as_boolean_opt()?.clone()),
        D::Int8 => Values::Int8(buffer::<types::Int8Type>(array)?),
        D::Int16 => Values::Int16(buffer::<types::Int16Type>(array)?),
        D::Int32 => Values::Int32(buffer::<types::Int32Type>(array)?),
        D::Int64 => Values::Int64(buffer::<types::Int64Type>(array)?),
        D::UInt8 => Values::UInt8(buffer::<types::UInt8Type>(array)?),
        D::UInt16 => Values::UInt16(buffer::<types::UInt16Type>(array)?),
        D::UInt32 => Values::UInt32(buffer::<types::UInt32Type>(array)?),
        D::UInt64 => Values::UInt64(buffer::<types::UInt64Type>(array)?),
        D::Float16 => Values::Half(buffer::<types::Float16Type>(array)?, floats),
        D::Float32 => Values::Float(buffer::<types::Float32Type>(array)?, floats),
        D::Float64 => Values::Double(buffer::<types::Float64Type>(array)?, floats),
        D::Utf8 => Values::Text(Texts::Utf8(array.as_string_opt()?.clone())),
        D::LargeUtf8 => Values::Text(Texts::Large(array.as_string_opt()?.clone())),
        D::Utf8View => Values::Text(Texts::View(array.as_string_view_opt()?.clone())),
        D::Dictionary(_, _) => {
            let dictionary = array.as_any_dictionary_opt()?;
            let values = Cells::new(dictionary.values().as_ref(), meaning, check)?;
            Values::Dictionary(keys(dictionary), Box::new(values))
        }
        D::FixedSizeList(..) | D::List(_) | D::LargeList(_) => list_values(array, meaning)?,
        data_type if data_type.is_decimal() => decimals(array)?,
        data_type if data_type.is_temporal() => temporal_values(array, meaning)?,
        _ => byte_values(array, meaning)?,
    })
}

fn byte_values(array: &dyn Array, meaning: Meaning) -> Option<Values> {
    let blobs = match array.data_type() {
        DataType::Binary => Blobs::Binary(array.as_binary_opt()?.clone()),
        DataType::LargeBinary => Blobs::Large(array.as_binary_opt()?.clone()),
        DataType::BinaryView => Blobs::View(array.as_binary_view_opt()?.clone()),
        DataType::FixedSizeBinary(_) => Blobs::Fixed(array.as_fixed_size_binary_opt()?.clone()),
        _ => return None,
    };
    Some(match meaning {
        Meaning::Uuid => Values::Uuid(blobs),
        Meaning::Geometry { srid } => Values::Wkb(blobs, srid),
        _ => Values::Bytes(blobs),
    })
}

fn list_values(array: &dyn Array, meaning: Meaning) -> Option<Values> {
    let (lists, elements): (Lists, &ArrayRef) = match array.data_type() {
        DataType::FixedSizeList(_, len) => {
            let lists = array.as_fixed_size_list_opt()?;
            (Lists::Fixed(usize::try_from(*len).ok()?), lists.values())
        }
        DataType::List(_) => {
            let lists = array.as_list_opt::<i32>()?;
            (Lists::Offsets(lists.offsets().clone()), lists.values())
        }
        _ => {
            let lists = array.as_list_opt::<i64>()?;
            (Lists::Large(lists.offsets().clone()), lists.values())
        }
    };
    match elements.data_type() {
        DataType::Float32 => {
            let floats = elements.as_primitive_opt::<types::Float32Type>()?;
            Some(Values::Vector(lists, floats.clone()))
        }
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
            let members = Cells::new(elements.as_ref(), meaning, None)?;
            Some(Values::Set(lists, Box::new(members)))
        }
        _ => None,
    }
}

fn buffer<T: ArrowPrimitiveType>(array: &dyn Array) -> Option<ScalarBuffer<T::Native>> {
    Some(array.as_primitive_opt::<T>()?.values().clone())
}

fn timestamps(array: &dyn Array, unit: TimeUnit) -> Option<ScalarBuffer<i64>> {
    match unit {
        TimeUnit::Second => buffer::<types::TimestampSecondType>(array),
        TimeUnit::Millisecond => buffer::<types::TimestampMillisecondType>(array),
        TimeUnit::Microsecond => buffer::<types::TimestampMicrosecondType>(array),
        TimeUnit::Nanosecond => buffer::<types::TimestampNanosecondType>(array),
    }
}

fn durations(array: &dyn Array, unit: TimeUnit) -> Option<ScalarBuffer<i64>> {
    match unit {
        TimeUnit::Second => buffer::<types::DurationSecondType>(array),
        TimeUnit::Millisecond => buffer::<types::DurationMillisecondType>(array),
        TimeUnit::Microsecond => buffer::<types::DurationMicrosecondType>(array),
        TimeUnit::Nanosecond => buffer::<types::DurationNanosecondType>(array),
    }
}

fn times_32(array: &dyn Array, unit: TimeUnit) -> Option<ScalarBuffer<i32>> {
    match unit {
        TimeUnit::Second => buffer::<types::Time32SecondType>(array),
        _ => buffer::<types::Time32MillisecondType>(array),
    }
}

fn times_64(array: &dyn Array, unit: TimeUnit) -> Option<ScalarBuffer<i64>> {
    match unit {
        TimeUnit::Nanosecond => buffer::<types::Time64NanosecondType>(array),
        _ => buffer::<types::Time64MicrosecondType>(array),
    }
}

/// The place of each row's value; of no use for a row that is NULL.
fn keys(dictionary: &dyn arrow::array::AnyDictionaryArray) -> Box<[usize]> {
    if dictionary.values().is_empty() {
        // All rows are NULL.
        return Box::default();
    }
    dictionary.normalized_keys().into()
}

fn decimals(array: &dyn Array) -> Option<Values> {
    use DataType as D;

    Some(match array.data_type() {
        D::Decimal32(_, scale) => Values::Decimal32(buffer::<types::Decimal32Type>(array)?, *scale),
        D::Decimal64(_, scale) => Values::Decimal64(buffer::<types::Decimal64Type>(array)?, *scale),
        D::Decimal128(_, scale) => {
            Values::Decimal128(buffer::<types::Decimal128Type>(array)?, *scale)
        }
        D::Decimal256(_, scale) => {
            Values::Decimal256(buffer::<types::Decimal256Type>(array)?, *scale)
        }
        _ => return None,
    })
}

fn temporal_values(array: &dyn Array, meaning: Meaning) -> Option<Values> {
    use DataType as D;

    let clock = |unit: TimeUnit| meaning.clock(unit);
    Some(match array.data_type() {
        D::Date32 => Values::Date(buffer::<types::Date32Type>(array)?),
        D::Date64 => Values::DateMillis(buffer::<types::Date64Type>(array)?),
        D::Timestamp(unit, zone) => {
            Values::DateTime(timestamps(array, *unit)?, clock(*unit), zone.is_some())
        }
        D::Time32(unit) => Values::TimeOfDay(times_32(array, *unit)?, clock(*unit)),
        D::Time64(unit) => Values::Time(times_64(array, *unit)?, clock(*unit)),
        D::Duration(unit) => Values::Time(durations(array, *unit)?, clock(*unit)),
        _ => return None,
    })
}
