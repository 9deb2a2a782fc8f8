//! A stream that is slow in the extreme: it passes a few bytes a poll, and makes its reader wait
//! before each of them. Over a real socket it is what lets a future be dropped at every few bytes.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// How many bytes pass a poll. Clones are the same.
#[derive(Clone, Debug)]
pub struct Pace(Arc<AtomicUsize>);

impl Pace {
    /// As many as there are, without a wait.
    pub fn fast() -> Self {
        Self(Arc::new(AtomicUsize::new(usize::MAX)))
    }

    /// From now on `bytes` pass a poll, and the poll before each passes nothing.
    ///
    /// # Panics
    /// If they are none.
    pub fn slow_down(&self, bytes: usize) {
        assert!(bytes > 0, "nothing would ever pass");
        self.0.store(bytes, Ordering::SeqCst);
    }

    /// From now on all pass at once.
    pub fn speed_up(&self) {
        self.0.store(usize::MAX, Ordering::SeqCst);
    }

    fn bytes(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

/// Passes what `stream` has at a pace.
#[derive(Debug)]
pub struct Dribble<S> {
    stream: S,
    pace: Pace,
    /// Whether the next read, and the next write, waits.
    waits: [bool; 2],
}

impl<S> Dribble<S> {
    /// Passes what `stream` has at `pace`.
    pub fn new(stream: S, pace: &Pace) -> Self {
        Self {
            stream,
            pace: pace.clone(),
            waits: [true; 2],
        }
    }

    /// Whether it is time to pass something; if not, the next poll is.
    fn is_time(&mut self, direction: usize, context: &Context<'_>) -> bool {
        let is_slow = self.pace.bytes() < usize::MAX;
        let waits = std::mem::replace(&mut self.waits[direction], false) && is_slow;
        if waits {
            context.waker().wake_by_ref();
        }
        !waits
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Dribble<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.is_time(0, context) {
            return Poll::Pending;
        }
        let mut bytes = vec![0; self.pace.bytes().min(buffer.remaining())];
        let mut few = ReadBuf::new(&mut bytes);
        let read = Pin::new(&mut self.stream).poll_read(context, &mut few);
        if read.is_ready() {
            self.waits[0] = true;
            buffer.put_slice(few.filled());
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Dribble<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if !self.is_time(1, context) {
            return Poll::Pending;
        }
        let few = &bytes[..self.pace.bytes().min(bytes.len())];
        let written = Pin::new(&mut self.stream).poll_write(context, few);
        self.waits[1] = written.is_ready();
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;
    use crate::polls::at_every_poll;

    #[tokio::test]
    async fn every_few_bytes_take_two_polls() {
        let pace = Pace::fast();
        pace.slow_down(3);
        let polls = at_every_poll(async |polls| {
            let (one, mut other) = tokio::io::duplex(64);
            other.write_all(&[7; 10]).await.unwrap();
            let mut dribble = Dribble::new(one, &pace);
            let reads = async {
                let mut bytes = [0; 10];
                dribble.read_exact(&mut bytes).await.unwrap();
                bytes
            };
            let read = crate::polls::poll_times(reads, polls).await;
            read.is_some_and(|bytes| bytes == [7; 10])
        })
        .await;
        assert_eq!(polls, 5, "each of four reads is pending once");
    }

    #[tokio::test]
    async fn a_few_bytes_are_written_at_once_and_all_when_it_is_fast() {
        let (one, mut other) = tokio::io::duplex(64);
        let pace = Pace::fast();
        let mut dribble = Dribble::new(one, &pace);
        pace.slow_down(3);
        assert_eq!(dribble.write(&[1; 10]).await.unwrap(), 3);
        pace.speed_up();
        assert_eq!(dribble.write(&[1; 10]).await.unwrap(), 10);
        drop(dribble);
        let mut bytes = Vec::new();
        other.read_to_end(&mut bytes).await.unwrap();
        assert_eq!(bytes, [1; 13]);
    }
}
