//! Conversions of types that are not of this crate.

mod standard;
mod text;
mod vector;

pub use self::vector::Vector;
