use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use tokio::io::AsyncWrite;

use crate::Connection;

impl Connection {
    /// Writes what is queued, such as what cleans up, as far as that can be done without waiting. The rest stays queued, and
    /// goes with the next call. A failure is for that one as well.
    pub(crate) fn write_clean_up(&mut self) {
        let Some(transport) = &mut self.transport else {
            return;
        };
        let mut context = Context::from_waker(Waker::noop());
        // With TLS each command is a record of its own.
        while self.session.close_reason().is_none() {
            let bytes = self.session.unwritten();
            if bytes.is_empty() {
                break;
            }
            let Poll::Ready(Ok(written @ 1..)) = transport.poll_write_now(&mut context, bytes)
            else {
                break;
            };
            self.session.written(written);
            self.needs_flush = transport.holds_back();
        }
        if self.needs_flush
            && let Poll::Ready(Ok(())) = Pin::new(transport).poll_flush(&mut context)
        {
            self.needs_flush = false;
        }
    }
}
