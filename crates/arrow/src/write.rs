//! The way back: rows of record batches as the parameters of statements, as the text of
//! `LOAD DATA LOCAL`, and tables to hold them.
//!
//! A [`WritePlan`] is made once for a schema, and for the columns of the table that its rows go into
//! where they are known. It refuses what has no meaning to the server before anything is sent, naming
//! the column. Of each batch it makes [`BatchRows`], whose rows are [`Params`](otaria_types::Params):
//! values go straight from Arrow's buffers into the packet, without a value in between.
//!
//! ```
//! use std::sync::Arc;
//!
//! use arrow::array::{ArrayRef, Int32Array, RecordBatch, StringArray};
//! use otaria_arrow::write::{LoadDataText, WriteOptions, WritePlan};
//!
//! let ids: ArrayRef = Arc::new(Int32Array::from(vec![1, 2]));
//! let names: ArrayRef = Arc::new(StringArray::from(vec![Some("a\tb"), None]));
//! let batch = RecordBatch::try_from_iter([("id", ids), ("name", names)])?;
//! let plan = WritePlan::try_new(&batch.schema(), None, &WriteOptions::default())?;
//! let rows = plan.rows(&batch, 0)?;
//! let mut text = LoadDataText::new(&plan);
//! for row in 0..rows.len() {
//!     text.push(&rows, row)?;
//! }
//! assert_eq!(text.as_bytes(), b"1\ta\\\tb\n2\t\\N\n");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Types
//! | Arrow | is sent as | a new table gets |
//! |---|---|---|
//! | Boolean | 0 or 1 | TINYINT(1) |
//! | Int8 to Int64, `UInt8` to `UInt64` | integer | TINYINT to BIGINT, `UNSIGNED` |
//! | Float16, Float32, Float64 | FLOAT, DOUBLE | FLOAT, DOUBLE |
//! | Decimal32 to Decimal256 | DECIMAL, exact | DECIMAL(p, s) |
//! | Date32, Date64 | DATE | DATE |
//! | Timestamp without a zone | DATETIME | DATETIME(f) |
//! | Timestamp with a zone | DATETIME in the session's zone, which must be known | TIMESTAMP(f) |
//! | Time32, Time64, Duration | TIME | TIME(f) |
//! | Utf8, `LargeUtf8`, `Utf8View` | text | LONGTEXT, or VARCHAR(n) on request |
//! | Binary, `LargeBinary`, `BinaryView`, `FixedSizeBinary` | bytes | LONGBLOB, BINARY(n) |
//! | Dictionary | its values | what its values get |
//! | List of Utf8 | text, its members with commas between them, as SET has them | LONGTEXT |
//! | `FixedSizeList` or List of Float32 | the bytes of a VECTOR | VECTOR(n), BLOB before 11.7 |
//! | the extension `arrow.uuid` | text; bytes into a column of bytes | UUID, CHAR(36) before 10.7 |
//! | the extension `arrow.json` | text | JSON |
//! | the extension `geoarrow.wkb` | SRID and WKB; WKB into a column of other bytes | GEOMETRY |
//! | Null | NULL | TINYINT |
//!
//! # Columns of a table that exists
//! A value is stored as it is, or refused, whatever the session's `sql_mode` and the way it takes:
//!
//! | Into | goes |
//! |---|---|
//! | integers, BIT | whole numbers of any type, and text that is one; Boolean and `true`, `false` into TINYINT(1) and BIT(1) alone |
//! | DECIMAL(p, s) | numbers, and text that is one, of up to s digits behind the point, but for zeros; of a FLOAT or DOUBLE its shortest digits count |
//! | FLOAT, DOUBLE | whole numbers that it has exactly, and of all other numbers the nearest |
//! | DATE, DATETIME, TIMESTAMP, TIME | values with a date, or without one into TIME, whose seconds have no more digits than the column; text of this form: `2024-02-29 12:30:00`, `20240229123000`, `12:30`; with a zone (`Z`, `+02:00`) into TIMESTAMP alone |
//! | YEAR | integers and text of four digits, and 0 |
//! | ENUM, SET | its words, letter by letter; no numbers of their places |
//! | CHAR, VARCHAR, TEXT, JSON | text and bytes; numbers, dates and times as text, Boolean as `true` or `false`; into CHAR nothing with a space at its end |
//! | BINARY, VARBINARY, BLOB | bytes and the bytes of text, as many as a BINARY has |
//! | VECTOR, GEOMETRY | bytes, and the types that are made for them |
//!
//! Others are refused. [`WriteOptions`] say what becomes of numbers that are not finite, and of
//! digits of a second that the server does not hold; everything else that a column cannot hold is an
//! error that names the row and the column.

mod buffers;
mod calendar;
mod cells;
mod check;
mod checked;
mod composed;
mod ddl;
mod digits;
mod error;
mod load_data;
mod number_text;
mod plan;
mod rows;
mod sql;
mod srid;
mod table;
mod temporal;
mod words;

pub use ddl::{CreateTable, ServerTypes};
pub use error::{CellRefusal, ColumnRefusal, FieldLabel, WriteError};
pub use load_data::LoadDataText;
pub use plan::{NonFinite, SubMicroseconds, WriteOptions, WritePlan};
pub use rows::{BatchRow, BatchRows};
pub use sql::{LoadDuplicates, OnDuplicate};
pub use table::{TableColumn, TableName};

#[cfg(test)]
mod tests;
