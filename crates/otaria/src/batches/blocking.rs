use std::cell::Cell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::task::{Context, Waker};

use otaria_arrow::arrow::array::{RecordBatch, RecordBatchReader};
use otaria_arrow::arrow::datatypes::SchemaRef;
use otaria_arrow::arrow::error::ArrowError;
use tokio::runtime::Handle;
use tokio::task::coop::poll_proceed;

use crate::{RecordBatchError, RecordBatchStream};

/// Record batches for code that is not async, such as a writer of files: see
/// [`RecordBatchStream::into_reader`]. It is a [`RecordBatchReader`].
///
/// It waits on the thread that asks for the next batch. That may be a thread of one's own, or one of
/// `tokio::task::spawn_blocking`; where tasks run it is an error
/// ([`RecordBatchError::OnRuntimeThread`]), behind which the reader goes on elsewhere. Nothing
/// else than the runtime reads the socket, so a runtime of one thread must be running meanwhile,
/// on another thread: by itself this waits for ever. In a task inside of `tokio::task::unconstrained` it
/// takes a panic of tokio's to find out; it is caught, but the program's panic hook prints it.
///
/// Errors are [`ArrowError::ExternalError`]s around a [`RecordBatchError`]. No batch comes behind
/// one, but for the one that says that the thread is wrong.
#[must_use]
pub struct BlockingRecordBatches<'c> {
    stream: RecordBatchStream<'c>,
    runtime: Handle,
}

impl<'c> BlockingRecordBatches<'c> {
    pub(super) const fn new(stream: RecordBatchStream<'c>, runtime: Handle) -> Self {
        Self { stream, runtime }
    }

    /// The batches that have not been read, for async code.
    pub fn into_stream(self) -> RecordBatchStream<'c> {
        self.stream
    }

    /// How many rows the batches have had so far.
    pub const fn rows(&self) -> u64 {
        self.stream.rows()
    }

    /// How many values have become NULL because the options say so:
    /// see [`RecordBatches::values_made_null`](crate::RecordBatches::values_made_null).
    pub const fn values_made_null(&self) -> u64 {
        self.stream.values_made_null()
    }
}

impl Iterator for BlockingRecordBatches<'_> {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = wait(&self.runtime, self.stream.next());
        let next = next.unwrap_or(Err(RecordBatchError::OnRuntimeThread));
        next.map_err(|error| ArrowError::ExternalError(Box::new(error)))
            .transpose()
    }
}

impl RecordBatchReader for BlockingRecordBatches<'_> {
    fn schema(&self) -> SchemaRef {
        self.stream.schema()
    }
}

impl fmt::Debug for BlockingRecordBatches<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("BlockingRecordBatches")
            .field(&self.stream)
            .finish()
    }
}

/// What `next` comes to, waited for on this thread; `None` where tasks run, and nothing of it is done
/// then.
pub(crate) fn wait<T>(runtime: &Handle, next: impl Future<Output = T>) -> Option<T> {
    if runs_tasks() {
        return None;
    }
    let has_begun = Cell::new(false);
    let next = async {
        has_begun.set(true);
        next.await
    };
    // That a task in `unconstrained` is being run shows in nothing else than this panic, which comes
    // before anything is done.
    match catch_unwind(AssertUnwindSafe(|| runtime.block_on(next))) {
        Ok(next) => Some(next),
        Err(_) if !has_begun.get() => None,
        Err(panic) => resume_unwind(panic),
    }
}

/// Whether this thread is just running a task, so that `block_on` would panic.
///
/// The runtime has no word for that. But it limits how often a task may go on without giving way, and
/// nothing else: neither a thread of one's own, nor one of `spawn_blocking`.
fn runs_tasks() -> bool {
    if Handle::try_current().is_err() {
        return false;
    }
    let mut context = Context::from_waker(Waker::noop());
    // What was taken of the limit is given back in reverse order, the first last.
    let mut taken = Vec::new();
    let is_limited = (0..MORE_THAN_ANY_LIMIT).any(|_| match poll_proceed(&mut context) {
        std::task::Poll::Ready(some) => {
            taken.push(some);
            false
        }
        std::task::Poll::Pending => true,
    });
    while taken.pop().is_some() {}
    is_limited
}

/// A task of tokio's has 128 steps.
const MORE_THAN_ANY_LIMIT: usize = 1024;
