use std::fmt;

use arrow::datatypes::{DataType, Field};
use otaria_types::ToSqlError;

/// Record batches that cannot be written. It never holds a value.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// A column has no meaning to the server, or none to the table's column of its name. Nothing is
    /// sent.
    #[error("{column}: {reason}")]
    Column {
        /// The column.
        column: Box<FieldLabel>,
        /// Why it cannot be written.
        reason: ColumnRefusal,
    },
    /// A cell has no value that the server holds.
    #[error("row {number}, {column}: {reason}", number = row.saturating_add(1))]
    Cell {
        /// The row, from 0, counted over all batches. The message counts from 1.
        row: u64,
        /// The column.
        column: Box<FieldLabel>,
        /// What is wrong with the cell.
        reason: CellRefusal,
    },
    /// A batch has other columns than the schema that was given for all.
    #[error("the batch that begins with row {number} has another schema than was said", number = row.saturating_add(1))]
    Schema {
        /// The first row of the batch, from 0, counted over all batches.
        row: u64,
    },
    /// The name of a table is not one.
    #[error(
        "the table's name is `table` or `schema.table`; names with other characters stand in \
         backticks"
    )]
    TableName,
    /// A column of the primary key is none of the schema's.
    #[error("the schema has no column `{column}` for the primary key")]
    PrimaryKey {
        /// Its name.
        column: Box<str>,
    },
    /// There are no columns.
    #[error("the schema has no columns, and a table has one at least")]
    NoColumns,
}

/// Which column an error is about.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FieldLabel {
    index: usize,
    name: Box<str>,
    data_type: DataType,
}

impl FieldLabel {
    pub(crate) fn new(index: usize, field: &Field) -> Self {
        Self {
            index,
            name: field.name().as_str().into(),
            data_type: field.data_type().clone(),
        }
    }

    /// The column's place in the schema, from 0.
    pub const fn index(&self) -> usize {
        self.index
    }

    /// The column's name.
    pub const fn name(&self) -> &str {
        &self.name
    }

    /// Its type in Arrow.
    pub const fn data_type(&self) -> &DataType {
        &self.data_type
    }
}

impl fmt::Display for FieldLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            index,
            name,
            data_type,
        } = self;
        write!(f, "column {index} `{name}` ({data_type})")
    }
}

/// Why a column cannot be written.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ColumnRefusal {
    /// The server has no type for it.
    #[error("MariaDB has no such type: cast the column, to text if need be, or leave it out")]
    Type,
    /// The table has no column of the name.
    #[error("the table has no column of this name: rename the column, or leave it out")]
    NotInTable,
    /// Two columns have the same name, as the server compares them.
    #[error("another column has the same name, for case does not count: rename one of them")]
    Twice,
    /// The table's column is computed by the server.
    #[error("the table's column is generated, and takes no values: leave the column out")]
    Generated,
    /// A date or time would become a number that nobody wants.
    #[error("a date or time cannot go into the table's column of the type {sql_type}: cast one")]
    TemporalAsNumber {
        /// The type of the table's column.
        sql_type: Box<str>,
    },
    /// A number would become a date or time by its digits, and by each way another one.
    #[error("a number cannot go into the table's column of the type {sql_type}: cast it")]
    NumberAsTemporal {
        /// The type of the table's column.
        sql_type: Box<str>,
    },
    /// A time would become a date that nobody wants.
    #[error("a time cannot go into the table's column of the type {sql_type}: cast one")]
    TimeAsDate {
        /// The type of the table's column.
        sql_type: Box<str>,
    },
    /// The server would make other values of these, or has no place for them in such a column.
    #[error(
        "values of this type cannot go into the table's column of the type {sql_type} as they are: \
         cast the column to what the table has"
    )]
    Kind {
        /// The type of the table's column.
        sql_type: Box<str>,
    },
    /// The reference system of geometries is not one that has an SRID.
    #[error(
        "the `crs` of the geometries names no SRID: set it to the number, with a `crs_type` of \
         `srid`, or leave it out for 0"
    )]
    Crs,
    /// A list has no length that a VECTOR could be declared with.
    #[error("a list without a fixed length makes no VECTOR(n): cast the column to FixedSizeList")]
    VectorLength,
    /// A decimal has more digits than a DECIMAL.
    #[error("a DECIMAL has 65 digits at most, 38 of them behind the point: cast the column")]
    Digits,
    /// Values of any length are to be in a primary key.
    #[error(
        "a text or bytes of any length cannot be in a primary key: say how long they are at most \
         (`text_length`)"
    )]
    KeyLength,
    /// The name is none that a column can have.
    #[error(
        "a column's name has 1 to 64 characters of the Basic Multilingual Plane, and no space at \
         its end: rename the column"
    )]
    Name,
}

/// Why a cell has no value that the server holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CellRefusal {
    /// The value is NULL, of which the server would make the present time.
    #[error(
        "the value is NULL, of which the server makes the present time in a TIMESTAMP NOT NULL: \
         leave the column out if that is meant, or make the table's column TIMESTAMP NULL"
    )]
    Null,
    /// A number is NaN or infinite.
    #[error("the number is not finite; NonFinite::Null makes it NULL, but in a vector")]
    NotFinite,
    /// A number goes into a column of integers, and is none.
    #[error("the number has a fraction, and the table's column holds integers")]
    Fraction,
    /// A number has more digits behind the point than the table's column.
    #[error(
        "the number has digits beyond the {decimals} behind the point that the table's column holds"
    )]
    FractionDigits {
        /// How many digits there are behind the point.
        decimals: u8,
    },
    /// A whole number is none that a FLOAT or DOUBLE has.
    #[error(
        "the whole number has more digits than the table's FLOAT or DOUBLE keeps: take BIGINT or \
         DECIMAL"
    )]
    Inexact,
    /// A number is greater than the greatest of the table's column, or nearer to 0 than the least.
    #[error("the number is beyond those that the table's column holds")]
    Range,
    /// A number has a sign that a column of bits has no place for.
    #[error("the number is negative, and the table's column holds bits")]
    Negative,
    /// A text or a number is no value of the table's column, or one of which the server would make
    /// another.
    #[error("the value is no {expected}")]
    Text {
        /// What it should be.
        expected: &'static str,
    },
    /// A text is no word of an ENUM, or no list of words of a SET.
    #[error(
        "the value is no word that the table's column has, letter by letter; those of a SET stand \
         between commas, each once"
    )]
    Word,
    /// A text for a CHAR ends with a space.
    #[error(
        "the text ends with a space, which the table's CHAR would lose: take VARCHAR, or trim the \
         text"
    )]
    Padding,
    /// Bytes for a BINARY are fewer or more than it has.
    #[error(
        "the value has not the {bytes} bytes of the table's BINARY, which would fill it up: take \
         VARBINARY"
    )]
    Length {
        /// How many bytes it has to have.
        bytes: u32,
    },
    /// A date is not of the years 0 to 9999.
    #[error("the date is not of the years 0 to 9999 of the server's calendar")]
    Date,
    /// A time is longer than the server's TIME.
    #[error("the time is beyond 838:59:59.999999, the longest of the server's")]
    Time,
    /// A Date64, or a date with a time for a column of dates, is no whole number of days.
    #[error("the value is no whole number of days, and the column holds dates")]
    PartOfDay,
    /// A second has more digits than the server's type.
    #[error(
        "the second has digits beyond the {decimals} that the table's column holds; \
         SubMicroseconds::Truncate cuts them"
    )]
    SecondDigits {
        /// How many digits there are behind the point.
        decimals: u8,
    },
    /// A decimal has more digits than a DECIMAL.
    #[error("the number has more than 65 digits, or more than 38 behind the point")]
    Digits,
    /// A point in time has no date and time in the session's zone, for the zone is not known.
    #[error(
        "the session's `time_zone` is neither UTC nor a fixed offset, or not known: set it, \
         such as by SET time_zone = '+00:00'"
    )]
    TimeZone,
    /// A member of a SET has a comma.
    #[error("a member has a comma or is empty, which no member of a SET is")]
    Member,
    /// A list has a NULL in it.
    #[error("the list has a NULL in it, which the server's type has no place for")]
    NullElement,
    /// A geometry is no WKB.
    #[error("the value is too short to be WKB")]
    Wkb,
}

impl From<CellRefusal> for ToSqlError {
    fn from(refusal: CellRefusal) -> Self {
        match refusal {
            CellRefusal::NotFinite => Self::NotFinite,
            CellRefusal::TimeZone => Self::TimeZone,
            CellRefusal::Member
            | CellRefusal::NullElement
            | CellRefusal::Wkb
            | CellRefusal::Text { .. }
            | CellRefusal::Word => Self::Malformed,
            _ => Self::OutOfRange,
        }
    }
}
