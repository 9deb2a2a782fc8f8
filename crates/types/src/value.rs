use std::fmt;

use crate::{Date, DateTime, Time};

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

#[cfg(test)]
mod tests {
    use super::*;

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
