//! What a record batch has for the value of a typed row.

use otaria::arrow::datatypes::{DataType, Field};
use otaria::{ColumnDefinition, Date, ValueRef, ZeroDateMode};

use crate::arrow::cells::of_row;

/// The words for a value of a row in the words of the batch's field.
pub(super) fn words(
    (field, column): (&Field, &ColumnDefinition),
    value: ValueRef<'_>,
    zero_dates: ZeroDateMode,
) -> String {
    let is_null = zero_dates == ZeroDateMode::Null && is_no_date(value);
    match (field.data_type(), value) {
        _ if is_null => "NULL".into(),
        // As the server prints it.
        (DataType::Utf8, ValueRef::DateTime(datetime)) => {
            with_digits(&datetime.to_string(), column.decimals())
        }
        _ => of_row(field, value),
    }
}

/// A time with as many digits behind the point as its column has: a value keeps six, or none.
fn with_digits(time: &str, decimals: u8) -> String {
    let (seconds, fraction) = time.split_once('.').unwrap_or((time, ""));
    match usize::from(decimals) {
        0 => seconds.to_owned(),
        digits => format!("{seconds}.{fraction:0<digits$.digits$}"),
    }
}

/// Whether the value is a date that no calendar has.
fn is_no_date(value: ValueRef<'_>) -> bool {
    let date = match value {
        ValueRef::Date(date) => date,
        ValueRef::DateTime(datetime) => datetime.date(),
        _ => return false,
    };
    chrono_date(date).is_none()
}

fn chrono_date(date: Date) -> Option<chrono::NaiveDate> {
    chrono::NaiveDate::from_ymd_opt(date.year().into(), date.month().into(), date.day().into())
}
