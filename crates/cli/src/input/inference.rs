//! What columns of text hold.

use crate::zones::UTC;
use arrow::array::{Array, AsArray, RecordBatch, StringArray};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, Fields, Schema, TimeUnit};

/// The schema that the texts of `batches` fit: the first of the types below whose form all texts of a
/// column have, and text if none is such a type, or there are none.
pub(crate) fn infer(names: &[String], batches: &[RecordBatch]) -> Schema {
    let fields = names.iter().enumerate().map(|(index, name)| {
        let columns = batches
            .iter()
            .filter_map(|batch| batch.columns().get(index));
        let columns: Vec<&StringArray> = columns.map(AsArray::as_string).collect();
        Field::new(name, data_type(&columns), true)
    });
    Schema::new(fields.collect::<Fields>())
}

/// A type, and whether a text has its form.
type Kind = (DataType, fn(&str) -> bool);

fn data_type(columns: &[&StringArray]) -> DataType {
    let texts = || columns.iter().flat_map(|column| column.iter().flatten());
    let texts = || texts().filter(|text| !text.is_empty());
    if texts().next().is_none() {
        return DataType::Utf8;
    }
    let kinds: [Kind; 6] = [
        (DataType::Boolean, is_boolean),
        (DataType::Int64, is_integer),
        (DataType::Float64, is_number),
        (DataType::Date32, is_date),
        (
            DataType::Timestamp(TimeUnit::Microsecond, None),
            is_datetime,
        ),
        (
            DataType::Timestamp(TimeUnit::Microsecond, Some(UTC.into())),
            is_instant,
        ),
    ];
    let fits = |(data_type, has_form): &Kind| {
        texts().all(has_form) && columns.iter().all(|column| converts(column, data_type))
    };
    let found = kinds.iter().find(|kind| fits(kind));
    found.map_or(DataType::Utf8, |(data_type, _)| data_type.clone())
}

/// Whether all texts that are not empty are values of the type.
fn converts(column: &StringArray, data_type: &DataType) -> bool {
    let Ok(converted) = cast_with_options(column, data_type, &CastOptions::default()) else {
        return false;
    };
    let mut texts = column.iter().enumerate();
    texts.all(|(row, text)| text.is_none_or(str::is_empty) || converted.is_valid(row))
}

fn is_boolean(text: &str) -> bool {
    text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false")
}

/// Digits that begin with a zero are a number of a house or a post office.
fn is_integer(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    digits == "0" || !digits.starts_with('0') && all_digits(digits)
}

fn is_number(text: &str) -> bool {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    let exponent = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
    is_integer(whole) && all_digits(fraction) && all_digits(exponent)
}

fn is_date(text: &str) -> bool {
    let mut parts = text
        .splitn(3, '-')
        .map(|part| (part.len(), all_digits(part)));
    let expected = [(4, true), (2, true), (2, true)];
    expected.into_iter().all(|part| parts.next() == Some(part))
}

fn is_datetime(text: &str) -> bool {
    let Some((date, time)) = text.split_once(['T', ' ']) else {
        return false;
    };
    let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let mut parts = time
        .splitn(3, ':')
        .map(|part| (part.len(), all_digits(part)));
    let is_time = (0..3).all(|_| parts.next() == Some((2, true)));
    // What is beyond microseconds would get lost.
    is_date(date) && is_time && all_digits(fraction) && fraction.len() <= 6
}

fn is_instant(text: &str) -> bool {
    let offset = |text: &str| {
        let (hours, minutes) = text.split_once(':')?;
        Some((hours.len(), minutes.len()) == (2, 2) && all_digits(hours) && all_digits(minutes))
    };
    if let Some(text) = text.strip_suffix('Z') {
        return is_datetime(text);
    }
    let split = text.len().checked_sub("+00:00".len());
    match split.and_then(|at| text.split_at_checked(at)) {
        Some((datetime, zone)) => {
            let digits = zone.strip_prefix(['+', '-']);
            is_datetime(datetime) && digits.and_then(offset) == Some(true)
        }
        None => false,
    }
}

fn all_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// How many rows decide what columns hold.
pub(crate) const SAMPLE_ROWS: usize = 10_000;
