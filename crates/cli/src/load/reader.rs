//! The reader of files on a thread of its own, so that rows are read while others are sent, and a file
//! that does not come, such as a pipe, holds nothing up.

use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use arrow::array::{RecordBatch, RecordBatchReader};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use futures_core::Stream;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;

use crate::failure::Failure;
use crate::input::{Reading, open};
use crate::output::Format;
use crate::progress::Progress;

/// A batch, or at the end `None`: without this word the files have not been read to their end.
type Message = Option<Result<RecordBatch, ArrowError>>;

/// Files that are being read.
pub(crate) struct ReaderThread {
    schema: oneshot::Receiver<Result<Option<SchemaRef>, Failure>>,
    batches: Receiver<Message>,
}

/// The batches of the files, as they are read.
pub(crate) struct Batches {
    receiver: Receiver<Message>,
    has_ended: bool,
    progress: Progress,
    bytes: Arc<AtomicU64>,
}

impl ReaderThread {
    pub(crate) fn start(files: Vec<PathBuf>, format: Option<Format>, reading: Reading) -> Self {
        let (tell_schema, schema) = oneshot::channel();
        let (sender, batches) = channel(WAITING_BATCHES);
        spawn_blocking(move || read(&files, format, &reading, tell_schema, &sender));
        Self { schema, batches }
    }

    /// Waits for the files to be opened. `None` if there is nothing in them, not even columns.
    pub(crate) async fn schema(
        self,
        mut progress: Progress,
    ) -> Result<Option<(SchemaRef, Batches)>, Failure> {
        let Some(schema) = self.schema.await.unwrap_or(Err(PANICKED))? else {
            return Ok(None);
        };
        let bytes = Arc::<AtomicU64>::default();
        progress.count_bytes(Arc::clone(&bytes));
        let batches = Batches {
            receiver: self.batches,
            has_ended: false,
            progress,
            bytes,
        };
        Ok(Some((schema, batches)))
    }
}

impl Stream for Batches {
    type Item = Result<RecordBatch, ArrowError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let batches = self.get_mut();
        if batches.has_ended {
            return Poll::Ready(None);
        }
        let next = match ready!(batches.receiver.poll_recv(context)) {
            Some(message) => message,
            None => Some(Err(ArrowError::ExternalError(Box::new(PANICKED)))),
        };
        match &next {
            Some(Ok(batch)) => batches.count(batch),
            _ => batches.has_ended = true,
        }
        Poll::Ready(next)
    }
}

impl Batches {
    fn count(&mut self, batch: &RecordBatch) {
        let bytes = u64::try_from(batch.get_array_memory_size()).unwrap_or(0);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.progress
            .add(u64::try_from(batch.num_rows()).unwrap_or(0));
    }
}

fn read(
    files: &[PathBuf],
    format: Option<Format>,
    reading: &Reading,
    tell_schema: oneshot::Sender<Result<Option<SchemaRef>, Failure>>,
    sender: &Sender<Message>,
) {
    let files = match open(files, format, reading) {
        Ok(Some(files)) => files,
        nothing => {
            // Nobody waits for it behind a Ctrl-C.
            let _ = tell_schema.send(nothing.map(|_| None));
            return;
        }
    };
    let _ = tell_schema.send(Ok(Some(files.schema())));
    for message in files.map(Some).chain([None]) {
        if sender.blocking_send(message).is_err() {
            return;
        }
    }
}

/// How many batches wait to be sent.
const WAITING_BATCHES: usize = 2;
const PANICKED: Failure = Failure::Internal("the reader of the files has panicked");
