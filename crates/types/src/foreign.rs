//! Conversions of types that are not of this crate: a file for each crate that they are of.

#[cfg(feature = "bigdecimal-04")]
mod bigdecimal;
#[cfg(feature = "chrono-04")]
mod chrono;
#[cfg(feature = "jiff-02")]
mod jiff;
#[cfg(feature = "rust_decimal-1")]
mod rust_decimal;
#[cfg(feature = "serde_json-1")]
mod serde_json;
mod standard;
#[cfg(any(feature = "chrono-04", feature = "jiff-02", feature = "time-03"))]
mod temporal;
mod text;
#[cfg(feature = "time-03")]
mod time;
#[cfg(feature = "uuid-1")]
mod uuid;
mod vector;

#[cfg(feature = "serde_json-1")]
pub use self::serde_json::Json;
#[cfg(feature = "uuid-1")]
pub use self::uuid::BinaryUuid;
pub use self::vector::Vector;
