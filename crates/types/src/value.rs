use std::fmt;

use ascii::AsciiStr;
use otaria_codec::{ColumnDefinition, FieldType};

use crate::{Date, DateTime, FromSqlError, Time};

/// The value of one cell, lent from the row that it stands in.
///
/// `Debug` shows the kind and the length of a value and never the value, so that data does not end
/// up in logs.
#[derive(Clone, Copy, PartialEq)]
pub enum ValueRef<'a> {
    /// NULL.
    Null,
    /// TINYINT to BIGINT.
    Int(i64),
    /// TINYINT UNSIGNED to BIGINT UNSIGNED, YEAR, BIT.
    UInt(u64),
    /// FLOAT.
    Float(f32),
    /// DOUBLE.
    Double(f64),
    /// DECIMAL: an optional minus, digits, and where there is a scale a point and more digits.
    Decimal(&'a str),
    /// CHAR, VARCHAR, TEXT, ENUM, SET, JSON, UUID, INET4, INET6.
    Text(&'a str),
    /// BINARY, VARBINARY, BLOB, VECTOR, GEOMETRY.
    Bytes(&'a [u8]),
    /// DATE.
    Date(Date),
    /// DATETIME, TIMESTAMP.
    DateTime(DateTime),
    /// TIME.
    Time(Time),
}

impl<'a> ValueRef<'a> {
    /// The value of a cell that is the same bytes in both forms of rows: DECIMAL, BIT, and all that
    /// is a string, by the field type and the collation of `column`.
    ///
    /// # Errors
    /// [`FromSqlError::Malformed`] if the bytes are no such DECIMAL or BIT, [`FromSqlError::Utf8`]
    /// if they are text that is not UTF-8.
    #[inline]
    pub fn from_bytes(cell: &'a [u8], column: &ColumnDefinition) -> Result<Self, FromSqlError> {
        match column.field_type() {
            FieldType::NewDecimal | FieldType::OldDecimal => decimal(cell),
            FieldType::Bit => bit(cell),
            FieldType::Geometry | FieldType::Vector => Ok(Self::Bytes(cell)),
            // MySQL sends JSON with the collation of binary data.
            FieldType::Json => text(cell),
            _ if column.is_binary() => Ok(Self::Bytes(cell)),
            _ => text(cell),
        }
    }
}

impl ValueRef<'_> {
    /// The variant's name in lower case.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Int(_) => "int",
            Self::UInt(_) => "uint",
            Self::Float(_) => "float",
            Self::Double(_) => "double",
            Self::Decimal(_) => "decimal",
            Self::Text(_) => "text",
            Self::Bytes(_) => "bytes",
            Self::Date(_) => "date",
            Self::DateTime(_) => "datetime",
            Self::Time(_) => "time",
        }
    }

    /// Whether the value is NULL.
    pub const fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }
}

impl fmt::Debug for ValueRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let length = match self {
            Self::Text(text) => text.len(),
            Self::Bytes(bytes) => bytes.len(),
            _ => return f.write_str(self.kind()),
        };
        write!(f, "{}({length} bytes)", self.kind())
    }
}

/// Checks that the cell is an optional minus, digits, and optionally a point and more digits.
#[inline]
fn decimal(cell: &[u8]) -> Result<ValueRef<'_>, FromSqlError> {
    let unsigned = cell.strip_prefix(b"-").unwrap_or(cell);
    let mut parts = unsigned.splitn(2, |&byte| byte == b'.');
    let is_decimal = parts.all(|part| !part.is_empty() && part.iter().all(u8::is_ascii_digit));
    match std::str::from_utf8(cell) {
        Ok(text) if is_decimal => Ok(ValueRef::Decimal(text)),
        _ => Err(FromSqlError::Malformed),
    }
}

/// Reads a big-endian number of one to eight bytes.
#[inline]
fn bit(cell: &[u8]) -> Result<ValueRef<'_>, FromSqlError> {
    if cell.is_empty() || cell.len() > 8 {
        return Err(FromSqlError::Malformed);
    }
    let bits = cell
        .iter()
        .fold(0, |bits, &byte| bits << 8 | u64::from(byte));
    Ok(ValueRef::UInt(bits))
}

#[inline]
fn text(cell: &[u8]) -> Result<ValueRef<'_>, FromSqlError> {
    utf8(cell).map(ValueRef::Text)
}

/// The text that `bytes` are, if they are UTF-8. What is short and ASCII, as cells mostly are, is
/// checked several times as fast as the standard library does it.
///
/// # Errors
/// [`FromSqlError::Utf8`].
#[inline]
pub fn utf8(bytes: &[u8]) -> Result<&str, FromSqlError> {
    if bytes.len() <= SHORT_BYTES
        && let Ok(ascii) = AsciiStr::from_ascii(bytes)
    {
        return Ok(ascii.as_str());
    }
    utf8_by_std(bytes)
}

#[inline(never)]
fn utf8_by_std(bytes: &[u8]) -> Result<&str, FromSqlError> {
    std::str::from_utf8(bytes).map_err(|_| FromSqlError::Utf8)
}

/// The standard library checks longer text by blocks.
const SHORT_BYTES: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    const MALFORMED: FromSqlError = FromSqlError::Malformed;

    fn value(field_type: FieldType, cell: &[u8]) -> Result<ValueRef<'_>, FromSqlError> {
        ValueRef::from_bytes(cell, &ColumnDefinition::new("c", field_type))
    }

    #[test]
    fn only_digits_a_minus_and_a_point_make_a_decimal() {
        for text in ["0", "-15.50", "007", "12345678901234567890.12"] {
            let decimal = value(FieldType::NewDecimal, text.as_bytes());
            assert_eq!(decimal, Ok(ValueRef::Decimal(text)));
        }
        for text in [
            "", "-", ".5", "5.", "1.2.3", "+1", "1e5", "1,5", "--1", "\u{661}",
        ] {
            let decimal = value(FieldType::NewDecimal, text.as_bytes());
            assert_eq!(decimal, Err(MALFORMED), "{text}");
        }
    }

    #[test]
    fn bits_are_big_endian() {
        for (cell, bits) in [
            (&[1][..], 1),
            (&[0x0a, 0xaa], 0x0aaa),
            (&[0xff; 8], u64::MAX),
        ] {
            assert_eq!(value(FieldType::Bit, cell), Ok(ValueRef::UInt(bits)));
        }
        assert_eq!(value(FieldType::Bit, &[]), Err(MALFORMED));
        assert_eq!(value(FieldType::Bit, &[0; 9]), Err(MALFORMED));
    }

    #[test]
    fn debug_shows_no_value() {
        assert_eq!(format!("{:?}", ValueRef::Int(42)), "int");
        assert_eq!(format!("{:?}", ValueRef::Decimal("4.2")), "decimal");
        assert_eq!(format!("{:?}", ValueRef::Text("secret")), "text(6 bytes)");
        assert_eq!(format!("{:?}", ValueRef::Bytes(b"")), "bytes(0 bytes)");
    }

    #[test]
    fn a_value_is_three_words() {
        assert_eq!(size_of::<ValueRef<'_>>(), 3 * size_of::<u64>());
    }
}
