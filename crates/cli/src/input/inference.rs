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

/// The first type whose form all texts of these columns have.
pub(crate) fn data_type(columns: &[&StringArray]) -> DataType {
    let texts = || columns.iter().flat_map(|column| column.iter().flatten());
    let texts = || texts().filter(|text| !text.is_empty());
    if texts().next().is_none() {
        return DataType::Utf8;
    }
    let kinds = [
        DataType::Boolean,
        DataType::Int64,
        DataType::UInt64,
        decimal(texts().map(whole_digits)),
        DataType::Float64,
        decimal(texts().map(digits)),
        DataType::Date32,
        DataType::Timestamp(TimeUnit::Microsecond, None),
        DataType::Timestamp(TimeUnit::Microsecond, Some(UTC.into())),
    ];
    let fits = |data_type: &DataType| {
        texts().all(|text| has_form(data_type, text))
            && columns.iter().all(|column| converts(column, data_type))
    };
    let mut kinds = kinds.into_iter().filter(|kind| *kind != DataType::Utf8);
    kinds.find(fits).unwrap_or(DataType::Utf8)
}

/// Whether a text is written as the values of the type are, and none of it would get lost.
pub(crate) fn has_form(data_type: &DataType, text: &str) -> bool {
    match data_type {
        DataType::Boolean => is_boolean(text),
        DataType::Int64 => is_integer(text) && text.parse::<i64>().is_ok(),
        DataType::UInt64 => is_integer(text) && text.parse::<u64>().is_ok(),
        DataType::Decimal256(precision, scale) => digits(text).is_some_and(|(whole, fraction)| {
            let scale = usize::try_from(*scale).unwrap_or(0);
            fraction <= scale && whole + scale <= usize::from(*precision)
        }),
        DataType::Float64 => is_number(text),
        DataType::Date32 => is_date(text),
        DataType::Timestamp(_, None) => is_datetime(text),
        DataType::Timestamp(_, Some(_)) => is_instant(text),
        _ => true,
    }
}

/// Whether all texts that are not empty are values of the type.
fn converts(column: &StringArray, data_type: &DataType) -> bool {
    if matches!(data_type, DataType::Decimal256(..)) {
        return true;
    }
    let Ok(converted) = cast_with_options(column, data_type, &CastOptions::default()) else {
        return false;
    };
    let mut texts = column.iter().enumerate();
    texts.all(|(row, text)| text.is_none_or(str::is_empty) || converted.is_valid(row))
}

fn is_boolean(text: &str) -> bool {
    text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false")
}

/// The DECIMAL that has room for as many digits in front of the point and behind it as any of the texts;
/// none, and so text, if one is no such number, or there is no DECIMAL like that.
fn decimal(digits: impl Iterator<Item = Option<(usize, usize)>>) -> DataType {
    let most = digits.reduce(|most, next| {
        let ((whole, fraction), (other_whole, other_fraction)) = (most?, next?);
        Some((whole.max(other_whole), fraction.max(other_fraction)))
    });
    let (whole, scale) = most.flatten().unwrap_or((usize::MAX, 0));
    let precision = u8::try_from(whole.saturating_add(scale)).unwrap_or(u8::MAX);
    match i8::try_from(scale) {
        Ok(scale) if precision <= MAX_DIGITS && scale <= MAX_SCALE => {
            DataType::Decimal256(precision, scale)
        }
        _ => DataType::Utf8,
    }
}

/// How many digits a number without an exponent has in front of the point and behind it. A DECIMAL has
/// no negative zero.
fn digits(text: &str) -> Option<(usize, usize)> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_zero = text.bytes().all(|byte| matches!(byte, b'0' | b'.' | b'-'));
    let is_number = are_digits_of_number(unsigned(whole)) && all_digits(fraction);
    let decimals = if text.contains('.') {
        fraction.len()
    } else {
        0
    };
    (is_number && !(is_zero && text.starts_with('-'))).then_some((unsigned(whole).len(), decimals))
}

/// The same of a whole number, which is written without a point.
fn whole_digits(text: &str) -> Option<(usize, usize)> {
    digits(text).filter(|_| is_integer(text))
}

/// An integer has no negative zero.
fn is_integer(text: &str) -> bool {
    text != "-0" && are_digits_of_number(unsigned(text))
}

/// Digits that begin with a zero are a number of a house or a post office.
fn are_digits_of_number(digits: &str) -> bool {
    digits == "0" || !digits.starts_with('0') && all_digits(digits)
}

fn unsigned(text: &str) -> &str {
    text.strip_prefix('-').unwrap_or(text)
}

/// A number that 64 bits hold to the last digit: exactly if it is a whole one, and if it is another, as
/// that which is written so.
fn is_number(text: &str) -> bool {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    let exponent = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
    if !(are_digits_of_number(unsigned(whole)) && all_digits(fraction) && all_digits(exponent)) {
        return false;
    }
    let nearest: f64 = text.parse().unwrap_or(f64::NAN);
    let is_zero = mantissa
        .bytes()
        .all(|byte| matches!(byte, b'0' | b'.' | b'-'));
    let is_whole = !text.contains(['.', 'e', 'E']);
    let is_kept = if is_whole {
        format!("{nearest:.0}") == text
    } else {
        significant(mantissa) == significant(&format!("{nearest:e}"))
    };
    nearest.is_finite() && (nearest == 0.0) == is_zero && (is_zero || is_kept)
}

/// The digits of a number but for zeros at its ends, wherever the point is.
fn significant(number: &str) -> String {
    let (mantissa, _) = number.split_once('e').unwrap_or((number, ""));
    let digits = mantissa.replace(['-', '.'], "");
    digits.trim_matches('0').to_owned()
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
    // A second of 60 would be the first of the next minute.
    let mut parts = time
        .splitn(3, ':')
        .map(|part| part.len() == 2 && all_digits(part) && part < "60");
    let is_time = (0..3).all(|_| parts.next() == Some(true));
    // What is beyond microseconds would get lost.
    let digits = fraction.trim_end_matches('0');
    is_date(date) && is_time && all_digits(fraction) && digits.len() <= 6
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
/// Of a DECIMAL, and of these behind the point.
const MAX_DIGITS: u8 = 65;
const MAX_SCALE: i8 = 38;
