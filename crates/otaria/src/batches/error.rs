use otaria_arrow::DecodeError;
use otaria_connection::{Error, ErrorKind};

/// Why there are no record batches, or no more of them. It never holds a value.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordBatchError {
    /// The server, the connection or the pool has failed.
    #[error(transparent)]
    Driver(#[from] Error),
    /// The rows cannot be what the options ask for, or a row cannot be decoded: the error names the
    /// row and the column. The connection stays usable.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// A [`BlockingRecordBatches`](crate::BlockingRecordBatches) was to wait on a thread that runs
    /// other tasks, which would all stand still. Nothing is lost: call it again elsewhere.
    #[error(
        "record batches cannot be waited for on a thread of the runtime: read them in \
         `tokio::task::spawn_blocking`, or await those of the stream"
    )]
    OnRuntimeThread,
}

impl RecordBatchError {
    /// What the driver says, if it is the one that failed.
    pub const fn driver(&self) -> Option<&Error> {
        match self {
            Self::Driver(error) => Some(error),
            _ => None,
        }
    }

    /// What kind of error the driver's is, if it is the one that failed: see [`Error::kind`].
    pub fn kind(&self) -> Option<ErrorKind> {
        self.driver().map(Error::kind)
    }
}
