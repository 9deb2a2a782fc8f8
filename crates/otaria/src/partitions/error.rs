use otaria_arrow::partition::PlanError;
use otaria_connection::{Error, ErrorKind, Printable};

use crate::RecordBatchError;

/// Why a source cannot be split, or a part not be read. It never holds a value, nor SQL.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PartitionError {
    /// The server, the connection or the pool has failed while a plan was made.
    #[error(transparent)]
    Driver(#[from] Error),
    /// The source or the key cannot be one.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The table does not exist, or its columns may not be seen.
    #[error("there is no table `{table}` here, or its columns may not be seen")]
    UnknownTable {
        /// Its name.
        table: Box<str>,
    },
    /// No key is named, and none can be chosen: the source is a query or a view, or no index of the
    /// table begins with an integer.
    #[error(
        "there is no key to split by: name an integer column (PartitionOptions::with_key), or split by \
         predicates (PartitionSource::partition_by_predicates)"
    )]
    NoKey,
    /// The table has no such column.
    #[error("the table has no column `{column}`")]
    UnknownKey {
        /// The name of the key.
        column: Box<str>,
    },
    /// The key is not an integer.
    #[error(
        "the key `{column}` is {}, and only integers are split into ranges; \
         PartitionSource::partition_by_predicates takes any condition",
        Printable(.sql_type)
    )]
    KeyType {
        /// The name of the key.
        column: Box<str>,
        /// What it is.
        sql_type: Box<str>,
    },
    /// A part cannot be read. The reading of the others is ended.
    #[error("part {index} cannot be read")]
    Part {
        /// Its [place](crate::Partition::index) among the parts of its source.
        index: u32,
        /// Why it cannot.
        #[source]
        error: RecordBatchError,
    },
    /// A part has other columns than when it was planned: the table has been altered, or it is read
    /// from another database.
    #[error("part {index} has other columns than when it was planned")]
    ColumnsChanged {
        /// Its [place](crate::Partition::index) among the parts of its source.
        index: u32,
    },
    /// A part has another schema than the one before it.
    #[error(
        "part {index} has another schema than the parts before it; where its geometries are in \
         another reference system, or it has none, ColumnType::Geometry names one for all"
    )]
    SchemaDiffers {
        /// Its [place](crate::Partition::index) among the parts of its source.
        index: u32,
    },
    /// A [`BlockingPartitionBatches`](crate::BlockingPartitionBatches) was to wait on a thread that
    /// runs other tasks, which would all stand still. Nothing is lost: call it again elsewhere.
    #[error(
        "parts cannot be waited for on a thread of the runtime: read them in \
         `tokio::task::spawn_blocking`, or await their batches"
    )]
    OnRuntimeThread,
}

impl PartitionError {
    /// What the driver says, if it is the one that failed.
    pub const fn driver(&self) -> Option<&Error> {
        match self {
            Self::Driver(error) => Some(error),
            Self::Part { error, .. } => error.driver(),
            _ => None,
        }
    }

    /// What kind of error the driver's is, if it is the one that failed: see [`Error::kind`].
    pub fn kind(&self) -> Option<ErrorKind> {
        self.driver().map(Error::kind)
    }
}
