//! The writer of a file on a thread of its own, so that rows come in while others are written.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::{JoinHandle, spawn_blocking};

use crate::failure::Failure;
use crate::output::{Destination, Format, Place, Style, WriteError, writer};

/// A file that is being written. When this is dropped nothing more is.
pub(crate) struct Sink {
    sender: Sender<Message>,
    thread: JoinHandle<Result<(), WriteError>>,
    place: Place,
}

enum Message {
    Batch(RecordBatch),
    /// There are no more. Without this word the file is not complete.
    End,
}

impl Sink {
    pub(crate) fn start(
        format: Format,
        style: Style,
        schema: SchemaRef,
        destination: Destination,
        place: Place,
    ) -> Self {
        let (sender, receiver) = channel(WAITING_BATCHES);
        let write = move || write(format, &style, &schema, destination, receiver);
        Self {
            sender,
            thread: spawn_blocking(write),
            place,
        }
    }

    /// Waits until there is room for `batch`. Says whether more are of use: [`finish`](Self::finish)
    /// tells why not.
    pub(crate) async fn send(&mut self, batch: RecordBatch) -> bool {
        self.sender.send(Message::Batch(batch)).await.is_ok()
    }

    /// Completes the file.
    pub(crate) async fn finish(self) -> Result<(), Failure> {
        // The thread has ended before only if it has failed.
        let _ = self.sender.send(Message::End).await;
        match self.thread.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(WriteError::Io(source))) => Err(Failure::output(&self.place, source)),
            Ok(Err(WriteError::Unsupported(message))) => Err(Failure::Data {
                message,
                advice: None,
            }),
            Err(_) => Err(Failure::Internal("the writer of the file has panicked")),
        }
    }
}

fn write(
    format: Format,
    style: &Style,
    schema: &SchemaRef,
    destination: Destination,
    mut receiver: Receiver<Message>,
) -> Result<(), WriteError> {
    let mut writer = writer(format, style, schema, destination)?;
    while let Some(message) = receiver.blocking_recv() {
        match message {
            Message::Batch(batch) => writer.write(&batch)?,
            Message::End => return writer.finish(),
        }
    }
    Ok(())
}

/// How many batches wait for the writer: enough for neither side to wait for the other without need.
const WAITING_BATCHES: usize = 2;
