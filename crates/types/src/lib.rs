//! Values of MariaDB's columns and parameters: between the wire and the types of Rust.
//!
//! A [`RowReader`] reads the cells of one row in column order, from either form that rows travel
//! in. A cell is read as a [`ValueRef`], which [`FromSql`] turns into a type of Rust; [`FromRow`]
//! does so for a whole row. [`ToSql`] writes a value of Rust to a [`ParameterSink`], and [`Params`]
//! writes all those of a statement. [`Date`], [`DateTime`], [`Time`] and [`Decimal`] hold every value that
//! the server can send, the dates with zeros in them included.
//!
//! # Types of other crates
//! Each crate has a feature that names its major.
//!
//! | feature | for |
//! |---|---|
//! | `chrono-04` | `NaiveDate`, `NaiveDateTime`, `NaiveTime`, `TimeDelta`; `DateTime<Utc>` |
//! | `time-03` | `Date`, `PrimitiveDateTime`, `Time`, `Duration`; `UtcDateTime`, `OffsetDateTime` |
//! | `jiff-02` | `civil::Date`, `civil::DateTime`, `civil::Time`, `SignedDuration`; `Timestamp` |
//! | `uuid-1` | `Uuid`, `fmt::Hyphenated`, `fmt::Simple`, and `BinaryUuid` for BINARY(16) |
//! | `rust_decimal-1` | `Decimal`, exact or an error |
//! | `bigdecimal-04` | `BigDecimal`, exact or an error |
//! | `serde_json-1` | `Value`, and `Json` of any type of serde's |
//!
//! A type for a time of day takes TIME from `00:00:00` to `23:59:59.999999`, one for an interval
//! any TIME. Parameters go without what is less than a microsecond of them.
//!
//! A point in time (`DateTime<Utc>`, `UtcDateTime`, `OffsetDateTime`, `Timestamp`) is read from
//! TIMESTAMP only, for a DATETIME is in no zone; and it is read and written only where the session's
//! `time_zone` is known to be UTC or a fixed offset ([`SessionTimeZone`]): the server sends and
//! takes dates and times of that zone. To MariaDB 10.11 `NOW()` is a DATETIME.
//!
//! Dates with zeros in them are errors to these types, or NULL where [`ZeroDates`] says so. Dates
//! that no calendar has, such as `2024-02-31`, are out of range.

mod columns;
mod context;
mod decimal;
mod error;
mod foreign;
mod from_row;
mod from_sql;
mod params;
mod row;
mod temporal;
#[cfg(test)]
mod testing;
mod to_sql;
mod value;

pub use columns::{CellKind, Columns};
pub use context::{RowContext, SessionTimeZone, ZeroDates};
pub use decimal::Decimal;
pub use error::{
    CellError, DecimalError, FromRowError, FromSqlError, ParamsError, TemporalError, ToSqlError,
};
#[cfg(feature = "uuid-1")]
pub use foreign::BinaryUuid;
#[cfg(feature = "serde_json-1")]
pub use foreign::Json;
pub use foreign::Vector;
pub use from_row::{FromRow, RowPlan};
pub use from_sql::FromSql;
pub use params::{InList, NamedValues, Params, write_parameter};
pub use row::RowReader;
pub use temporal::{Date, DateTime, Time};
pub use to_sql::{Indicated, LongData, ParameterSink, ToSql};
pub use value::{ValueRef, utf8};

/// What derived code is made of. It may change with any version.
#[doc(hidden)]
pub mod derive {
    pub use crate::from_row::{
        ByName, ByPosition, Cell, Cells, ExactCells, FromCells, NamedField, NamedPlan, flattened,
        from_cells, from_named_cells, kind, missing_column, try_from,
    };
    pub use crate::{
        Columns, FromRow, FromRowError, FromSql, ParameterSink, Params, ParamsError, RowPlan,
        RowReader, ToSql, write_parameter,
    };
}
