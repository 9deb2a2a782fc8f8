use std::fmt;

use arrow::error::ArrowError;
use otaria_codec::{ColumnDefinition, InvalidPacket, Printable};

use crate::sql_type::sql_type;

/// Rows that cannot be decoded. It never holds a value.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// A row is not one of its columns. The connection stays usable, for where the row ends is known.
    #[error("row {number} is broken", number = row.saturating_add(1))]
    InvalidRow {
        /// The row, from 0, counted over all batches. The message counts from 1.
        row: u64,
        /// What is wrong with it.
        #[source]
        invalid: InvalidPacket,
    },
    /// A cell has no value of its column's Arrow type.
    #[error("row {number}, {column}: {reason}", number = row.saturating_add(1))]
    Cell {
        /// The row, from 0, counted over all batches. The message counts from 1.
        row: u64,
        /// The column.
        column: Box<ColumnLabel>,
        /// What is wrong with the cell.
        reason: CellReason,
    },
    /// The options ask for what a column cannot be.
    #[error("{column}: {reason}")]
    Column {
        /// The column.
        column: Box<ColumnLabel>,
        /// Why it cannot be.
        reason: ColumnReason,
    },
    /// The options name a column that the result set does not have.
    #[error("the options name a column `{name}`, and the result set has none of that name")]
    UnknownColumn {
        /// The name.
        name: Box<str>,
    },
    /// Arrow refuses the arrays.
    #[error("no record batch can be made of the columns")]
    Arrow(#[from] ArrowError),
}

/// Which column an error is about.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ColumnLabel {
    index: usize,
    name: Box<str>,
    sql_type: Box<str>,
}

impl ColumnLabel {
    pub(crate) fn new(index: usize, column: &ColumnDefinition) -> Self {
        Self {
            index,
            name: column.name().into(),
            sql_type: sql_type(column).into(),
        }
    }

    /// The column's place, from 0.
    pub const fn index(&self) -> usize {
        self.index
    }

    /// The column's name.
    pub const fn name(&self) -> &str {
        &self.name
    }

    /// The type that the server has said, such as `INT UNSIGNED`.
    pub const fn sql_type(&self) -> &str {
        &self.sql_type
    }
}

impl fmt::Display for ColumnLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (index, name) = (self.index, Printable(&self.name));
        let sql_type = Printable(&self.sql_type);
        write!(f, "column {index} `{name}` ({sql_type})")
    }
}

/// Why a cell has no value of its column's Arrow type.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CellReason {
    /// The cell does not hold what the column's type promises.
    #[error("the cell is not in the form of the column's type")]
    Malformed,
    /// A number or a part of a date is beyond the column's type.
    #[error("the value is out of the range of the column's type")]
    OutOfRange,
    /// The date has zeros in it, or a day that its month does not have.
    #[error(
        "no calendar has this date; ZeroDateMode::Null makes it NULL, ZeroDateMode::Utf8 the \
         column text"
    )]
    ZeroDate,
    /// A TIME is negative or a day or longer.
    #[error(
        "the time is no time of day; TimeType::Duration and TimeType::Utf8 hold it, \
         TimeType::Time64OrNull makes it NULL"
    )]
    TimeOfDay,
    /// A DECIMAL has other digits than its column declares.
    #[error(
        "the number does not fit DECIMAL({precision},{scale}), which the server says that it is; \
         DecimalType::Utf8 holds it"
    )]
    Digits {
        /// How many digits the column has.
        precision: u8,
        /// How many of them are behind the point.
        scale: u8,
    },
    /// A column that is declared NOT NULL has a NULL.
    #[error(
        "the cell is NULL in a column that is declared NOT NULL, as WITH ROLLUP makes some; \
         Nullability::All takes it"
    )]
    NotNull,
    /// Text is not UTF-8.
    #[error("the text is not UTF-8, as which the session should get it (SET NAMES utf8mb4)")]
    Utf8,
    /// A value has another length than all of its column.
    #[error(
        "the value has {found} bytes and the column's values have {expected}; without the option \
         that makes it a list or a binary of fixed length the column takes any"
    )]
    Length {
        /// How long all values of the column are, in bytes.
        expected: u32,
        /// How long this one is.
        found: u32,
    },
    /// A geometry is in another reference system than the ones before it.
    #[error(
        "the geometry's SRID is {found} and the column's is {expected}: name it by \
         ColumnType::Geometry, or take mixed ones with GeometryType::Binary"
    )]
    Srid {
        /// The SRID of the column: that of its first geometry, or that of the options.
        expected: u32,
        /// The SRID of this geometry.
        found: u32,
    },
    /// An ENUM has more labels than a dictionary has keys, which none of a server has.
    #[error("the column has more labels than a dictionary has keys; EnumType::Utf8 takes them")]
    DictionaryFull,
    /// The values of one column in one batch are too long for its offsets.
    #[error("the column's values have over 2 GiB in one batch; lower the batch's limit of bytes")]
    BatchTooLong,
}

/// Why a column cannot be what the options ask for.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ColumnReason {
    /// Only binary data can be taken as VECTOR.
    #[error("only a column of binary data can be taken as a vector")]
    NotBinary,
    /// The column's length does not say how many dimensions a vector has.
    #[error(
        "values of up to {bytes} bytes are no vector of {} dimensions at most; say how many it has",
        ColumnReason::MAX_DIMENSIONS
    )]
    Dimensions {
        /// The column's length, or that of the dimensions that were asked for.
        bytes: u64,
    },
    /// Only a GEOMETRY can be taken as one.
    #[error("only a GEOMETRY has an SRID")]
    NotGeometry,
}

impl ColumnReason {
    /// The server's limit is 16,383; more are only to be had from BLOBs.
    pub(crate) const MAX_DIMENSIONS: u32 = 65_536;
}

#[cfg(test)]
mod tests {
    use otaria_codec::{FieldFlags, FieldType};

    use super::*;

    #[test]
    fn an_error_names_row_column_and_what_to_do() {
        let column = ColumnDefinition::new("day", FieldType::Date).with_flags(FieldFlags::NOT_NULL);
        let error = DecodeError::Cell {
            row: 7,
            column: Box::new(ColumnLabel::new(2, &column)),
            reason: CellReason::ZeroDate,
        };
        let text = error.to_string();
        assert!(text.starts_with("row 8, column 2 `day` (DATE): no calendar"));
        assert!(text.contains("ZeroDateMode::Null"));
    }

    #[test]
    fn an_error_is_small() {
        assert!(size_of::<DecodeError>() <= 64);
    }
}
