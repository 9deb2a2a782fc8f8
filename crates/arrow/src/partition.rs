//! A table or a query in parts that can be read side by side, each row in exactly one of them.
//!
//! A [`PartitionSource`] is what is read; it is split by the values of an integer column, a
//! [`PartitionKey`], that are cut at [`KeyBoundaries`], or by predicates. Each [`Partition`] is a
//! SELECT that can be written to bytes, sent to another process and read there. All of this is
//! pure: who asks the server for its keys, and who reads, is somewhere else.
//!
//! ```
//! use otaria_arrow::partition::{KeyBoundaries, PartitionKey, PartitionSource};
//!
//! let source = PartitionSource::table("item").with_columns(["id", "name"]);
//! let boundaries = KeyBoundaries::even(1, 300, 3)?;
//! let parts = source.partition_by_key(&PartitionKey::new("id"), &boundaries)?;
//! assert_eq!(parts[1].predicate(), Some("`id` >= 101 AND `id` < 201"));
//! assert_eq!(
//!     parts[2].sql(),
//!     "SELECT `id`, `name` FROM `item` WHERE (`id` >= 201)",
//! );
//! # Ok::<(), otaria_arrow::partition::PlanError>(())
//! ```
//!
//! # Which key
//! One that an index begins with: the first column of the primary key, where it is an integer.
//! Without an index each part reads the whole table. A column with few values makes few parts,
//! because rows of one value are never parted; of a primary key over several columns, take the one
//! that has many values, if it has an index of its own.
//!
//! # What the parts show
//! Each connection has a snapshot of its own, taken when its part begins to be read. What is
//! written meanwhile is seen by the parts that begin after it: a row whose key is changed may be
//! seen twice, or in no part. A key that never changes, as that of a primary key, rules that out;
//! rows that are added or deleted may then be missing or there, each by itself. Where all parts
//! have to show the same state, hold the writers back (`LOCK TABLES … READ` on a connection of its
//! own, or `FLUSH TABLES … WITH READ LOCK`), read a system-versioned table `FOR SYSTEM_TIME AS OF`
//! one time, or read a copy.

mod boundaries;
mod columns;
mod density;
mod error;
mod identifier;
mod part;
mod questions;
mod serialized;
mod source;

pub use boundaries::KeyBoundaries;
pub use columns::columns_hash;
pub use density::DensitySearch;
pub use error::{InvalidPartition, PlanError};
pub use part::Partition;
pub use source::{NullKeys, PartitionKey, PartitionSource};
