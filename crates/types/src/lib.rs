//! Values of MariaDB's columns and parameters: between the wire and the types of Rust.
//!
//! A [`RowReader`] reads the cells of one row in column order, from either form that rows travel
//! in. A cell is read as a [`ValueRef`], which [`FromSql`] turns into a type of Rust; [`FromRow`]
//! does so for a whole row. [`ToSql`] writes a value of Rust to a [`ParameterSink`], and [`Params`]
//! writes all those of a statement. [`Date`], [`DateTime`], [`Time`] and [`Decimal`] hold every value that
//! the server can send, the dates with zeros in them included.

mod columns;
mod context;
mod decimal;
mod error;
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
pub use from_row::{FromRow, RowPlan};
pub use from_sql::FromSql;
pub use params::{Params, write_parameter};
pub use row::RowReader;
pub use temporal::{Date, DateTime, Time};
pub use to_sql::{Indicated, LongData, ParameterSink, ToSql};
pub use value::ValueRef;
