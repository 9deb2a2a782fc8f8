use std::any::type_name;

use otaria_codec::InvalidPacket;

/// A value that does not convert to the type that was asked for. It never holds the value.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FromSqlError {
    /// The value is NULL and the type is not an `Option`.
    #[error("the value is NULL, which only an Option holds")]
    Null,
    /// Values of this kind do not convert to the type.
    #[error("a value of the kind {value} does not convert to this type")]
    Mismatch {
        /// The kind of the value, see [`ValueRef::kind`](crate::ValueRef::kind).
        value: &'static str,
    },
    /// The value is less than the least of the type, or greater than its greatest.
    #[error("the value is out of the type's range")]
    OutOfRange,
    /// The type could hold the value only after rounding.
    #[error("the value would have to be rounded")]
    Inexact,
    /// The date has zeros in it, and the type has no such dates.
    #[error("the date is zero, or its month or day is")]
    ZeroDate,
    /// A TIMESTAMP is a point in time only where the offset of the session's zone is known.
    #[error("the session's `time_zone` is neither UTC nor a fixed offset, or not known")]
    TimeZone,
    /// Text is not UTF-8.
    #[error("the text is not UTF-8")]
    Utf8,
    /// Text or bytes are not a value of this type, such as text that is to be a UUID.
    #[error("the value is not in the form of this type")]
    Form,
    /// Text is not JSON, or other JSON than that of the type.
    #[error("the text is not JSON of this type, seen at line {line}, column {column} of it")]
    Json {
        /// The line in the text, from 1.
        line: u32,
        /// How many bytes of the line had been read.
        column: u32,
    },
    /// The cell does not hold what its column's type promises.
    #[error("the cell is not in the form of its column's type")]
    Malformed,
    /// The type's own `TryFrom` fails for the value. Its error is dropped, for it may hold the value.
    #[error("the type refuses the value by an error of the type {error}")]
    Refused {
        /// The type of the error.
        error: &'static str,
    },
}

/// A date or time that cannot be one.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TemporalError {
    /// The text is not in MariaDB's form.
    #[error("the text is not in the form of this type")]
    Malformed,
    /// A part, or the whole, is greater than MariaDB allows.
    #[error("the value is out of the range of this type")]
    OutOfRange,
}

/// A decimal that cannot be one, or does not convert to an integer.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DecimalError {
    /// The text is not a decimal number.
    #[error("the text is not a decimal number")]
    Malformed,
    /// The number has more than 65 digits, or more than 38 of them after the point.
    #[error("the number has more digits than a decimal holds")]
    TooManyDigits,
    /// The number has a fraction that the integer cannot hold.
    #[error("the number has a fraction")]
    Inexact,
    /// The number is less than the least integer of the type, or greater than its greatest.
    #[error("the number is out of the integer's range")]
    OutOfRange,
}

/// A cell that was not read.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CellError {
    /// The row's packet is broken. The connection cannot be used after it.
    #[error(transparent)]
    InvalidPacket(#[from] InvalidPacket),
    /// The cell does not convert. It has been read, and the row goes on behind it.
    #[error(transparent)]
    FromSql(#[from] FromSqlError),
}

/// A row that does not convert to the type that was asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum FromRowError {
    /// The type takes another number of columns than the row has.
    #[error("the type takes {expected} columns and the row has {found}")]
    ColumnCount {
        /// How many columns the type takes.
        expected: usize,
        /// How many the row has.
        found: usize,
    },
    /// The type takes a column by its name, and the row has none of that name.
    #[error("the type takes a column `{name}`, which is none of the row's {columns} columns")]
    MissingColumn {
        /// The column's name.
        name: &'static str,
        /// How many columns the row has.
        columns: usize,
    },
    /// The value of one column does not convert.
    #[error("column {index} does not convert to {rust_type}")]
    Column {
        /// The column's place, from 0.
        index: usize,
        /// The Rust type that its value was asked for as.
        rust_type: &'static str,
        /// What is wrong with the value.
        #[source]
        error: FromSqlError,
    },
    /// The row's packet is broken. The connection cannot be used after it.
    #[error(transparent)]
    InvalidPacket(#[from] InvalidPacket),
}

/// A value that the server has no type for. It never holds the value.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ToSqlError {
    /// The number is NaN or infinite.
    #[error("the number is not finite, and the server has finite numbers only")]
    NotFinite,
    /// The value is beyond what the server's type holds, such as a year after 9999 or a decimal of
    /// more than 65 digits.
    #[error("the value is out of the range of the server's type")]
    OutOfRange,
    /// The value is not in the form of the server's type.
    #[error("the value is not in the form of the server's type")]
    Malformed,
    /// A point in time can be sent only where the offset of the session's zone is known, for the
    /// server has dates and times of that zone.
    #[error(
        "a point in time cannot be sent, for the session's `time_zone` is neither UTC nor a fixed \
         offset, or not known"
    )]
    TimeZone,
    /// There is no such value in this form of parameters.
    #[error("{value} cannot be sent here, only in {place}")]
    NotHere {
        /// What was to be written.
        value: &'static str,
        /// Where it is possible.
        place: &'static str,
    },
    /// An implementation of [`ToSql`](crate::ToSql) wrote no value, or more than one; or, for a
    /// list, not as many as it has.
    #[error("the type has written {found} values, which is not as many as are due")]
    ValueCount {
        /// How many were written.
        found: usize,
    },
}

/// Parameters that cannot be sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ParamsError {
    /// A statement takes no more than 65,535 parameters.
    #[error("{found} parameters are more than the 65535 that a statement takes")]
    TooMany {
        /// How many there are.
        found: usize,
    },
    /// A bulk execution is one of a statement with parameters.
    #[error("a row without parameters cannot be executed in bulk: execute the statement by itself")]
    NoParameters,
    /// A row of a bulk execution has another number of parameters than the rows before it, or than
    /// it says.
    #[error("the row has {found} parameters where {expected} are due")]
    RowLength {
        /// How many are due.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// A row of a bulk execution is too long by itself.
    #[error(
        "the row makes a payload of {payload_bytes} bytes and the greatest is one of {limit_bytes}"
    )]
    RowTooLong {
        /// The length of a payload with this row only.
        payload_bytes: usize,
        /// The greatest length of a payload.
        limit_bytes: usize,
    },
    /// There are not so many parameters.
    #[error("there is no parameter {index}, only {len} of them, counted from 0")]
    NoParameter {
        /// The place that was asked for, from 0.
        index: usize,
        /// How many there are.
        len: usize,
    },
    /// One of the values cannot be sent.
    #[error("parameter {index} cannot be sent")]
    Parameter {
        /// The parameter's place, from 0.
        index: usize,
        /// What is wrong with the value.
        #[source]
        error: ToSqlError,
    },
}

impl FromRowError {
    /// The error for the column at `index`, from 0, whose cell was not read as a `T`.
    #[cold]
    pub fn new<T>(index: usize, error: CellError) -> Self {
        match error {
            CellError::InvalidPacket(error) => Self::InvalidPacket(error),
            CellError::FromSql(error) => {
                let rust_type = type_name::<T>();
                Self::Column {
                    index,
                    rust_type,
                    error,
                }
            }
        }
    }
}

impl From<TemporalError> for FromSqlError {
    fn from(error: TemporalError) -> Self {
        match error {
            TemporalError::Malformed => Self::Malformed,
            TemporalError::OutOfRange => Self::OutOfRange,
        }
    }
}

impl From<DecimalError> for FromSqlError {
    fn from(error: DecimalError) -> Self {
        match error {
            DecimalError::Malformed => Self::Malformed,
            DecimalError::TooManyDigits | DecimalError::OutOfRange => Self::OutOfRange,
            DecimalError::Inexact => Self::Inexact,
        }
    }
}

impl From<DecimalError> for ToSqlError {
    fn from(error: DecimalError) -> Self {
        match error {
            DecimalError::Malformed => Self::Malformed,
            DecimalError::TooManyDigits | DecimalError::Inexact | DecimalError::OutOfRange => {
                Self::OutOfRange
            }
        }
    }
}

impl From<TemporalError> for CellError {
    fn from(error: TemporalError) -> Self {
        Self::FromSql(error.into())
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use super::*;

    #[test]
    fn an_error_is_small() {
        assert!(size_of::<FromSqlError>() <= 3 * size_of::<u64>());
        assert!(size_of::<CellError>() <= 6 * size_of::<u64>());
    }

    #[test]
    fn a_column_s_error_has_the_cause_as_its_source() {
        let error = FromRowError::new::<u8>(3, FromSqlError::Null.into());
        assert_eq!(error.to_string(), "column 3 does not convert to u8");
        let source = error.source().unwrap().to_string();
        assert_eq!(source, "the value is NULL, which only an Option holds");
    }

    #[test]
    fn a_broken_packet_is_no_column_s_error() {
        let broken = InvalidPacket::Empty { packet: "test" };
        let error = FromRowError::new::<u8>(3, broken.into());
        assert_eq!(error, FromRowError::InvalidPacket(broken));
    }
}
