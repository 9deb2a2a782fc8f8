//! Results as Arrow record batches.

mod blocking;
mod error;
mod query;
mod reading;
mod record_batches;
mod stream;

pub use blocking::BlockingRecordBatches;
pub(crate) use blocking::wait;
pub use error::RecordBatchError;
pub use query::{PoolQueryArrow, QueryArrow};
pub use record_batches::RecordBatches;
pub use stream::RecordBatchStream;
