/// What cannot be split as it was asked for. It never holds SQL, nor a key's value.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// A name is empty, or has a NUL in it.
    #[error("the name of a {what} is empty, or has a NUL in it")]
    Name {
        /// What it names.
        what: &'static str,
    },
    /// There is no SQL where some is needed.
    #[error("the {what} is empty")]
    Empty {
        /// What is empty.
        what: &'static str,
    },
    /// SQL is longer than a statement may be.
    #[error("the {what} is longer than {} bytes", PlanError::MAX_SQL_BYTES)]
    TooLong {
        /// What is too long.
        what: &'static str,
    },
    /// There are more parts than [`Partition::MAX_COUNT`](super::Partition::MAX_COUNT).
    #[error("there are more than {} parts", PlanError::MAX_PARTS)]
    TooManyParts,
    /// The first key is behind the last.
    #[error("the first key is behind the last")]
    Reversed,
    /// A key is no BIGINT, signed or not.
    #[error("a key is beyond the range of BIGINT, signed and unsigned")]
    KeyRange,
}

impl PlanError {
    /// What a server takes at most as one statement, if its `max_allowed_packet` is the default.
    pub(crate) const MAX_SQL_BYTES: usize = 16 << 20;
    /// Far more than connections that a server has.
    pub(crate) const MAX_PARTS: usize = 65_536;
}

/// Bytes that are no [`Partition`](super::Partition).
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidPartition {
    /// The bytes do not begin as those of a partition.
    #[error("the bytes are no partition")]
    NotAPartition,
    /// The partition is of a version that is not known here.
    #[error("a partition of version {found}, and only version {known} is known")]
    UnknownVersion {
        /// Its version.
        found: u8,
        /// The one that is known.
        known: u8,
    },
    /// The partition has parts that are not known here.
    #[error("a partition with unknown flags, {found:#04x}")]
    UnknownFlags {
        /// The flags that are not known.
        found: u8,
    },
    /// The bytes end inside a field.
    #[error("the bytes end inside the partition's {field}")]
    Truncated {
        /// The field.
        field: &'static str,
    },
    /// A field is longer than a statement may be.
    #[error("the partition's {field} is said to have {found} bytes, over the limit of {limit}")]
    TooLong {
        /// The field.
        field: &'static str,
        /// How long it is said to be.
        found: u32,
        /// How long it may be.
        limit: u32,
    },
    /// A field is not UTF-8.
    #[error("the partition's {field} is not UTF-8")]
    NotUtf8 {
        /// The field.
        field: &'static str,
    },
    /// There is no SQL where some is needed.
    #[error("the partition's {field} is empty")]
    Empty {
        /// The field.
        field: &'static str,
    },
    /// A partition's index is not below the number of partitions, or there are too many of them.
    #[error("partition {index} of {count}")]
    Index {
        /// The index, from 0.
        index: u32,
        /// How many there are said to be.
        count: u32,
    },
    /// There are bytes behind the partition.
    #[error("{bytes} bytes follow the partition")]
    TrailingData {
        /// How many.
        bytes: usize,
    },
}
