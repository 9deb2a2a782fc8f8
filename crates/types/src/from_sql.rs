#![expect(
    clippy::inline_always,
    reason = "as calls, cell readers send whole tuples through memory"
)]

use std::num::{IntErrorKind, ParseIntError};
use std::str::FromStr;

use otaria_codec::{ColumnDefinition, FieldType};

use crate::{
    CellError, CellKind, Date, DateTime, Decimal, FromSqlError, RowReader, Time, ValueRef,
    ZeroDates,
};

/// A type that values convert to.
///
/// A conversion never loses anything silently: integers must fit, and text is made of text and
/// DECIMAL only. The one exception is DECIMAL as `f64`, which takes the nearest number.
#[diagnostic::on_unimplemented(
    message = "a column cannot be read as `{Self}`",
    note = "types of other crates are behind features, such as `chrono-04` and `uuid-1`; a type of your own \
            implements `FromSql`"
)]
pub trait FromSql<'a>: Sized {
    /// The cells that [`from_known_cell`](Self::from_known_cell) reads, if there are any that it
    /// reads without looking at the column.
    const CELLS: Option<CellKind> = None;

    /// Converts `value`.
    ///
    /// # Errors
    /// [`FromSqlError`] says why the value does not convert.
    fn from_sql(value: ValueRef<'a>) -> Result<Self, FromSqlError>;

    /// Reads a cell that is not NULL and converts it, as [`from_sql`](Self::from_sql) does. Types of
    /// which many are read ask the row for what they need, without a [`ValueRef`] in between.
    ///
    /// # Errors
    /// [`CellError`] if the row is cut, or the cell does not convert.
    #[inline]
    fn from_cell<R: RowReader<'a>>(
        row: &mut R,
        column: &ColumnDefinition,
    ) -> Result<Self, CellError> {
        Ok(Self::from_sql(row.value(column)?)?)
    }

    /// Reads a cell that is not NULL and is of the kind [`CELLS`](Self::CELLS).
    ///
    /// # Errors
    /// [`CellError`] if the row is cut, or the cell does not convert, which none does where there is
    /// no such kind.
    #[inline]
    fn from_known_cell<R: RowReader<'a>>(row: &mut R) -> Result<Self, CellError> {
        row.bytes()?;
        Err(FromSqlError::Malformed.into())
    }

    /// Converts text, as [`from_sql`](Self::from_sql) does.
    ///
    /// # Errors
    /// [`FromSqlError`] says why it does not convert.
    #[inline]
    fn from_text(text: &'a str) -> Result<Self, FromSqlError> {
        Self::from_sql(ValueRef::Text(text))
    }
}

impl<'a> FromSql<'a> for ValueRef<'a> {
    #[inline]
    fn from_sql(value: Self) -> Result<Self, FromSqlError> {
        Ok(value)
    }
}

impl<'a, T: FromSql<'a>> FromSql<'a> for Option<T> {
    const CELLS: Option<CellKind> = T::CELLS;

    #[inline]
    fn from_sql(value: ValueRef<'a>) -> Result<Self, FromSqlError> {
        match value {
            ValueRef::Null => Ok(None),
            value => T::from_sql(value).map(Some),
        }
    }

    #[inline]
    fn from_cell<R: RowReader<'a>>(
        row: &mut R,
        column: &ColumnDefinition,
    ) -> Result<Self, CellError> {
        match T::from_cell(row, column) {
            Ok(value) => Ok(Some(value)),
            Err(error) => null_or(error, row),
        }
    }

    #[inline(always)]
    fn from_known_cell<R: RowReader<'a>>(row: &mut R) -> Result<Self, CellError> {
        match T::from_known_cell(row) {
            Ok(value) => Ok(Some(value)),
            Err(error) => null_or(error, row),
        }
    }

    #[inline(always)]
    fn from_text(text: &'a str) -> Result<Self, FromSqlError> {
        T::from_text(text).map(Some)
    }
}

macro_rules! integers {
    ($($integer:ident: $kind:ident,)+) => {$(
        impl<'a> FromSql<'a> for $integer {
            const CELLS: Option<CellKind> = Some(CellKind::$kind);

            #[inline(always)]
            fn from_known_cell<R: RowReader<'a>>(row: &mut R) -> Result<Self, CellError> {
                row.$integer()
            }

            /// Takes integers in range, and DECIMAL (the type of `SUM`) without a fraction.
            #[inline]
            fn from_sql(value: ValueRef<'_>) -> Result<Self, FromSqlError> {
                match value {
                    ValueRef::Int(value) => Self::try_from(value).ok(),
                    ValueRef::UInt(value) => Self::try_from(value).ok(),
                    ValueRef::Decimal(text) => Self::try_from(integer::<i128>(text)?).ok(),
                    other => return Err(mismatch(other)),
                }
                .ok_or(FromSqlError::OutOfRange)
            }

            #[inline]
            fn from_cell<R: RowReader<'a>>(
                row: &mut R,
                column: &ColumnDefinition,
            ) -> Result<Self, CellError> {
                match (column.field_type(), column.is_unsigned()) {
                    (FieldType::LongLong, false) => Self::try_from(row.i64()?).ok(),
                    (FieldType::LongLong, true) => Self::try_from(row.u64()?).ok(),
                    (FieldType::Long, false) => Self::try_from(row.i32()?).ok(),
                    (FieldType::Long, true) => Self::try_from(row.u32()?).ok(),
                    _ => return Ok(Self::from_sql(row.value(column)?)?),
                }
                .ok_or_else(|| FromSqlError::OutOfRange.into())
            }
        }
    )+};
}

integers! {
    i8: I8, i16: I16, i32: I32, i64: I64,
    u8: U8, u16: U16, u32: U32, u64: U64,
}

impl FromSql<'_> for bool {
    /// Takes the integers 0 and 1.
    #[inline]
    fn from_sql(value: ValueRef<'_>) -> Result<Self, FromSqlError> {
        match value {
            ValueRef::Int(0) | ValueRef::UInt(0) => Ok(false),
            ValueRef::Int(1) | ValueRef::UInt(1) => Ok(true),
            ValueRef::Int(_) | ValueRef::UInt(_) => Err(FromSqlError::OutOfRange),
            other => Err(mismatch(other)),
        }
    }
}

impl<'a> FromSql<'a> for f32 {
    const CELLS: Option<CellKind> = Some(CellKind::F32);

    #[inline(always)]
    fn from_known_cell<R: RowReader<'a>>(row: &mut R) -> Result<Self, CellError> {
        row.f32()
    }

    /// Takes FLOAT, and integers that need no rounding.
    #[inline]
    fn from_sql(value: ValueRef<'_>) -> Result<Self, FromSqlError> {
        let (negative, magnitude) = match value {
            ValueRef::Float(value) => return Ok(value),
            ValueRef::Int(value) => (value < 0, value.unsigned_abs()),
            ValueRef::UInt(value) => (false, value),
            other => return Err(mismatch(other)),
        };
        exact(magnitude, Self::MANTISSA_DIGITS)?;
        // Each step holds the upper bits of `magnitude`, so none of them rounds.
        let float = magnitude
            .to_be_bytes()
            .into_iter()
            .fold(0.0, |float, byte| float * 256.0 + Self::from(byte));
        Ok(if negative { -float } else { float })
    }
}

impl<'a> FromSql<'a> for f64 {
    const CELLS: Option<CellKind> = Some(CellKind::F64);

    #[inline(always)]
    fn from_known_cell<R: RowReader<'a>>(row: &mut R) -> Result<Self, CellError> {
        row.f64()
    }

    /// Takes FLOAT, DOUBLE, integers that need no rounding, and the nearest number to a DECIMAL.
    #[inline]
    fn from_sql(value: ValueRef<'_>) -> Result<Self, FromSqlError> {
        let (negative, magnitude) = match value {
            ValueRef::Double(value) => return Ok(value),
            ValueRef::Float(value) => return Ok(Self::from(value)),
            ValueRef::Decimal(text) => return nearest(text),
            ValueRef::Int(value) => (value < 0, value.unsigned_abs()),
            ValueRef::UInt(value) => (false, value),
            other => return Err(mismatch(other)),
        };
        exact(magnitude, Self::MANTISSA_DIGITS)?;
        // Each step holds the upper bits of `magnitude`, so none of them rounds.
        let float = magnitude
            .to_be_bytes()
            .into_iter()
            .fold(0.0, |float, byte| float * 256.0 + Self::from(byte));
        Ok(if negative { -float } else { float })
    }
}

impl<'a> FromSql<'a> for &'a str {
    const CELLS: Option<CellKind> = Some(CellKind::Text);

    #[inline(always)]
    fn from_known_cell<R: RowReader<'a>>(row: &mut R) -> Result<Self, CellError> {
        row.str()
    }

    #[inline(always)]
    fn from_text(text: &'a str) -> Result<Self, FromSqlError> {
        Ok(text)
    }

    /// Takes text, and DECIMAL as it is written.
    #[inline]
    fn from_sql(value: ValueRef<'a>) -> Result<Self, FromSqlError> {
        match value {
            ValueRef::Text(text) | ValueRef::Decimal(text) => Ok(text),
            other => Err(mismatch(other)),
        }
    }

    #[inline]
    fn from_cell<R: RowReader<'a>>(
        row: &mut R,
        column: &ColumnDefinition,
    ) -> Result<Self, CellError> {
        match column.field_type() {
            FieldType::VarString | FieldType::String | FieldType::Blob if !column.is_binary() => {
                row.str()
            }
            _ => Ok(Self::from_sql(row.value(column)?)?),
        }
    }
}

impl<'a> FromSql<'a> for String {
    const CELLS: Option<CellKind> = Some(CellKind::Text);

    #[inline(always)]
    fn from_known_cell<R: RowReader<'a>>(row: &mut R) -> Result<Self, CellError> {
        row.str().map(Self::from)
    }

    #[inline(always)]
    fn from_text(text: &'a str) -> Result<Self, FromSqlError> {
        Ok(text.into())
    }

    /// Takes text, and DECIMAL as it is written.
    #[inline]
    fn from_sql(value: ValueRef<'_>) -> Result<Self, FromSqlError> {
        <&str>::from_sql(value).map(Self::from)
    }

    #[inline]
    fn from_cell<R: RowReader<'a>>(
        row: &mut R,
        column: &ColumnDefinition,
    ) -> Result<Self, CellError> {
        <&str>::from_cell(row, column).map(Self::from)
    }
}

impl<'a> FromSql<'a> for &'a [u8] {
    const CELLS: Option<CellKind> = Some(CellKind::Bytes);

    #[inline(always)]
    fn from_known_cell<R: RowReader<'a>>(row: &mut R) -> Result<Self, CellError> {
        Ok(row.bytes()?)
    }

    /// Takes bytes, and the bytes of text.
    #[inline]
    fn from_sql(value: ValueRef<'a>) -> Result<Self, FromSqlError> {
        match value {
            ValueRef::Bytes(bytes) => Ok(bytes),
            ValueRef::Text(text) => Ok(text.as_bytes()),
            other => Err(mismatch(other)),
        }
    }

    #[inline]
    fn from_cell<R: RowReader<'a>>(
        row: &mut R,
        column: &ColumnDefinition,
    ) -> Result<Self, CellError> {
        match column.field_type() {
            FieldType::VarString | FieldType::String | FieldType::Blob if column.is_binary() => {
                Ok(row.bytes()?)
            }
            _ => Ok(Self::from_sql(row.value(column)?)?),
        }
    }
}

impl<'a> FromSql<'a> for Vec<u8> {
    const CELLS: Option<CellKind> = Some(CellKind::Bytes);

    #[inline(always)]
    fn from_known_cell<R: RowReader<'a>>(row: &mut R) -> Result<Self, CellError> {
        Ok(row.bytes()?.into())
    }

    /// Takes bytes, and the bytes of text.
    #[inline]
    fn from_sql(value: ValueRef<'_>) -> Result<Self, FromSqlError> {
        <&[u8]>::from_sql(value).map(Self::from)
    }

    #[inline]
    fn from_cell<R: RowReader<'a>>(
        row: &mut R,
        column: &ColumnDefinition,
    ) -> Result<Self, CellError> {
        <&[u8]>::from_cell(row, column).map(Self::from)
    }
}

impl FromSql<'_> for Decimal {
    /// Takes DECIMAL and integers.
    #[inline]
    fn from_sql(value: ValueRef<'_>) -> Result<Self, FromSqlError> {
        match value {
            ValueRef::Decimal(text) => Ok(Self::parse(text.as_bytes())?),
            ValueRef::Int(value) => Ok(Self::from(value)),
            ValueRef::UInt(value) => Ok(Self::from(value)),
            other => Err(mismatch(other)),
        }
    }
}

impl<'a> FromSql<'a> for Date {
    const CELLS: Option<CellKind> = Some(CellKind::Date);

    #[inline(always)]
    fn from_known_cell<R: RowReader<'a>>(row: &mut R) -> Result<Self, CellError> {
        row.date()
    }

    /// Takes DATE, the dates with zeros in them included.
    #[inline]
    fn from_sql(value: ValueRef<'_>) -> Result<Self, FromSqlError> {
        match value {
            ValueRef::Date(date) => Ok(date),
            other => Err(mismatch(other)),
        }
    }
}

impl<'a> FromSql<'a> for DateTime {
    const CELLS: Option<CellKind> = Some(CellKind::DateTime);

    #[inline(always)]
    fn from_known_cell<R: RowReader<'a>>(row: &mut R) -> Result<Self, CellError> {
        row.datetime()
    }

    /// Takes DATETIME and TIMESTAMP, and DATE as its midnight.
    #[inline]
    fn from_sql(value: ValueRef<'_>) -> Result<Self, FromSqlError> {
        match value {
            ValueRef::DateTime(datetime) => Ok(datetime),
            ValueRef::Date(date) => Ok(Self::midnight(date)),
            other => Err(mismatch(other)),
        }
    }
}

impl<'a> FromSql<'a> for Time {
    const CELLS: Option<CellKind> = Some(CellKind::Time);

    #[inline(always)]
    fn from_known_cell<R: RowReader<'a>>(row: &mut R) -> Result<Self, CellError> {
        row.time()
    }

    /// Takes TIME.
    #[inline]
    fn from_sql(value: ValueRef<'_>) -> Result<Self, FromSqlError> {
        match value {
            ValueRef::Time(time) => Ok(time),
            other => Err(mismatch(other)),
        }
    }
}

/// What an `Option` makes of a cell that did not convert: `None` of a zero date, where it is to be.
#[cold]
fn null_or<'a, T, R: RowReader<'a>>(error: CellError, row: &R) -> Result<Option<T>, CellError> {
    match (error, row.context().zero_dates) {
        (CellError::FromSql(FromSqlError::ZeroDate), ZeroDates::Null) => Ok(None),
        (error, _) => Err(error),
    }
}

#[cold]
pub(crate) fn mismatch(value: ValueRef<'_>) -> FromSqlError {
    match value {
        ValueRef::Null => FromSqlError::Null,
        other => FromSqlError::Mismatch {
            value: other.kind(),
        },
    }
}

/// The integer that a DECIMAL is.
pub(crate) fn integer<T: FromStr<Err = ParseIntError>>(text: &str) -> Result<T, FromSqlError> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(FromSqlError::Malformed);
    }
    if fraction.bytes().any(|byte| byte != b'0') {
        return Err(FromSqlError::Inexact);
    }
    whole.parse::<T>().map_err(|error| match error.kind() {
        IntErrorKind::PosOverflow | IntErrorKind::NegOverflow => FromSqlError::OutOfRange,
        _ => FromSqlError::Malformed,
    })
}

/// The nearest number to a DECIMAL. The words that the parser knows, such as `inf`, are none.
fn nearest(text: &str) -> Result<f64, FromSqlError> {
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(value),
        _ => Err(FromSqlError::Malformed),
    }
}

/// Refuses integers that have more significant bits than a float.
fn exact(magnitude: u64, mantissa_bits: u32) -> Result<(), FromSqlError> {
    let significant = u64::BITS
        .saturating_sub(magnitude.leading_zeros())
        .saturating_sub(magnitude.trailing_zeros());
    if significant > mantissa_bits {
        return Err(FromSqlError::Inexact);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
