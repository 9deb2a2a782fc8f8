//! The binary protocol of MariaDB: the rows that prepared statements send, and the parameters that
//! they take.
//!
//! A value travels in the form of its type: integers and floats in as many bytes as the type has,
//! dates and times in the shortest of their forms, all else behind its length. NULL is a bit in a
//! [`NullBitmap`] and has no bytes.

mod bulk_parameters;
mod null_bitmap;
mod parameter_type;
mod parameters;
mod row;
mod row_packet;
mod value;

pub use bulk_parameters::{BulkParameters, Push};
pub use null_bitmap::NullBitmap;
pub use parameters::{MAX_PARAMETERS, Parameters};
pub use row::BinaryRow;
pub use row_packet::{BinaryCell, BinaryRowPacket};
