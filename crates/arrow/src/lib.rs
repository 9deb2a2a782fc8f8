//! Result sets as Arrow record batches, straight from the rows' bytes.
//!
//! A [`RecordBatchDecoder`] is made for the columns of a result set. It takes the payloads of rows,
//! of the text or of the binary protocol, and gives [`RecordBatch`](arrow::array::RecordBatch)es of
//! limited length. There is no row and no value in between: cells are decoded column by column, over
//! blocks of rows, into the memory that the arrays then own. It does no I/O and knows no connection.
//!
//! ```
//! use otaria_arrow::{ArrowOptions, RecordBatchDecoder, RowForm};
//! use otaria_codec::{ColumnDefinition, FieldType};
//!
//! let columns = [ColumnDefinition::new("id", FieldType::Long)];
//! let mut decoder = RecordBatchDecoder::try_new(&columns, &ArrowOptions::default())?;
//! decoder.decode(RowForm::Text, [&b"\x017"[..], b"\x0242", b"\xfb"])?;
//! let batch = decoder.flush()?.expect("there are rows");
//! assert_eq!((batch.num_rows(), batch.column(0).null_count()), (3, 1));
//! # Ok::<(), otaria_arrow::DecodeError>(())
//! ```
//!
//! # Types
//! What each type becomes, and what [`ArrowOptions`] can make of it:
//!
//! | MariaDB | Arrow | option |
//! |---|---|---|
//! | TINYINT to BIGINT, `UNSIGNED` | Int8 to Int64, `UInt8` to `UInt64`; MEDIUMINT is Int32 | TINYINT(1) as Boolean |
//! | FLOAT, DOUBLE | Float32, Float64 | |
//! | DECIMAL(p, s) | Decimal128(p, s) up to 38 digits, Decimal256(p, s) beyond, exact | Float64, text |
//! | DATE | Date32 | |
//! | DATETIME | Timestamp(µs) without a zone | the unit that its digits ask for |
//! | TIMESTAMP | Timestamp(µs, `UTC`) where the session's zone is known, else without a zone | without a zone |
//! | TIME | Duration(µs) | Time64(µs), text |
//! | YEAR | Int16 | |
//! | BIT | `UInt64` | Binary; BIT(1) as Boolean |
//! | CHAR, VARCHAR, TEXT, ENUM, SET, INET4, INET6 | Utf8 | `LargeUtf8`, `Utf8View`; ENUM as Dictionary, SET as List |
//! | JSON | Utf8 with the extension `arrow.json` | as text |
//! | UUID | `FixedSizeBinary(16)` with the extension `arrow.uuid` | text |
//! | BINARY, VARBINARY, BLOB | Binary | `FixedSizeBinary` for BINARY(n) |
//! | GEOMETRY and its subtypes | Binary with the extension `geoarrow.wkb`, its SRID as `crs` | Binary as it is stored |
//! | VECTOR(n) | Binary: it travels as VARBINARY | `FixedSizeList` of Float32, see [`ColumnType::Vector`] and [`VectorLookup`] |
//! | the literal NULL | Null | |
//!
//! JSON, UUID, INET4 and INET6 are known as such only where the server sends extended metadata
//! (MariaDB from 10.5 on); else they are text. In the text protocol FLOAT comes with six digits: the
//! binary protocol has all of them.
//!
//! Dates that no calendar has, such as `0000-00-00` and `2024-02-00`, have no place in Arrow's types:
//! [`ZeroDateMode`] says what becomes of them.
//!
//! Each field carries [metadata] such as `MARIADB:type`. Names of columns are kept, also where
//! several are the same.

mod block;
mod bytes;
mod cell;
mod column;
mod decimal;
mod decoder;
mod enumerated;
mod error;
mod fixed;
mod geometry;
pub mod metadata;
mod nulls;
mod number;
mod options;
pub mod partition;
mod rendered;
mod schema;
mod sql_type;
mod temporal;
mod vector_lookup;
mod words;
pub mod write;

/// The crate of the batches, of the version that this crate is built with.
pub use arrow;
pub use block::RowForm;
pub use decoder::RecordBatchDecoder;
pub use error::{CellReason, ColumnLabel, ColumnReason, DecodeError};
pub use options::{
    ArrowOptions, BitType, ColumnType, DecimalType, EnumType, GeometryType, Nullability, SetType,
    StringType, TemporalUnit, TimeType, TimestampZone, UuidType, ZeroDateMode,
};
pub use vector_lookup::VectorLookup;
