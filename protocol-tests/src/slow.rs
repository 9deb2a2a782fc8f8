//! A reader that takes its time.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, ReadBuf};

/// Gives at most so many bytes a poll, with `Pending` before each.
#[derive(Debug)]
pub struct Slow<R> {
    data: R,
    at_a_time: usize,
    is_ready: bool,
}

impl<R> Slow<R> {
    /// Gives what `data` gives.
    pub const fn new(data: R, at_a_time: usize) -> Self {
        Self {
            data,
            at_a_time,
            is_ready: false,
        }
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for Slow<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.is_ready = !self.is_ready;
        if self.is_ready {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let mut part = buffer.take(self.at_a_time);
        let read = Pin::new(&mut self.data).poll_read(context, &mut part);
        let filled = part.filled().len();
        buffer.set_filled(buffer.filled().len() + filled);
        read
    }
}
