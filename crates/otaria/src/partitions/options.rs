use otaria_arrow::partition::{NullKeys, Partition};

/// How a source is to be split.
///
/// ```
/// use otaria::PartitionOptions;
///
/// let options = PartitionOptions::new(8).with_key("order_id");
/// ```
#[derive(Clone, Debug)]
pub struct PartitionOptions {
    pub(super) parts: usize,
    pub(super) key: Option<Box<str>>,
    pub(super) nulls: Option<NullKeys>,
    pub(super) depth: PartitionDepth,
}

impl PartitionOptions {
    /// Into at most so many parts, from 1 to 65,536, and one more if the rows whose key is NULL get
    /// a part of their own. There are fewer if the key has fewer values.
    pub const fn new(parts: usize) -> Self {
        Self {
            parts,
            key: None,
            nulls: None,
            depth: PartitionDepth::Even,
        }
    }

    /// By this column, which is an integer.
    #[must_use]
    pub fn with_key(mut self, column: &str) -> Self {
        self.key = Some(column.into());
        self
    }

    /// Which part has the rows whose key is NULL. By default, there are none in a table whose key
    /// is NOT NULL; else it is the first part, or one of their own if an index says that they are
    /// many.
    #[must_use]
    pub const fn with_nulls(mut self, nulls: NullKeys) -> Self {
        self.nulls = Some(nulls);
        self
    }

    /// Whether the parts are to have the same number of rows or the same range of keys.
    #[must_use]
    pub const fn with_depth(mut self, depth: PartitionDepth) -> Self {
        self.depth = depth;
        self
    }
}

/// What parts have in common.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum PartitionDepth {
    /// About the same number of rows, by the estimates of an index.
    #[default]
    Even,
    /// The same range of keys, however many rows have them.
    EvenWidth,
}

/// The parts of a source, and how they were found.
#[derive(Clone, Debug)]
pub struct PartitionPlan {
    pub(super) partitions: Vec<Partition>,
    pub(super) key: Option<Box<str>>,
    pub(super) index: Option<Box<str>>,
    pub(super) depth: PartitionDepth,
    pub(super) estimates: usize,
}

impl PartitionPlan {
    /// The parts, of which there is at least one.
    pub fn partitions(&self) -> &[Partition] {
        &self.partitions
    }

    /// The parts, to be read.
    pub fn into_partitions(self) -> Vec<Partition> {
        self.partitions
    }

    /// The column by which the source was split; `None` if it is one part because no more were
    /// asked for.
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// The index that begins with the key. Without one each part of a table reads all of it.
    pub fn index(&self) -> Option<&str> {
        self.index.as_deref()
    }

    /// What the parts have in common. It is the width where there is no index that estimates how
    /// many rows there are.
    pub const fn depth(&self) -> PartitionDepth {
        self.depth
    }

    /// How many estimates the server was asked for.
    pub const fn estimates(&self) -> usize {
        self.estimates
    }
}
