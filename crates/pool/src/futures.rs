use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::thread;

/// Futures that are polled side by side, each whenever one of them is woken: there are no more than a
/// pool has connections. One that panics, which a hook may do, leaves the others alone.
pub(crate) struct Futures<T>(Vec<Pin<Box<dyn Future<Output = T> + Send>>>);

impl<T> Futures<T> {
    pub(crate) const fn new() -> Self {
        Self(Vec::new())
    }

    pub(crate) fn push(&mut self, future: impl Future<Output = T> + Send + 'static) {
        self.0.push(Box::pin(future));
    }

    /// The output of one that is done, or what it has panicked with; `None` if there are none.
    pub(crate) fn poll_next(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<thread::Result<T>>> {
        let mut outputs = self.0.iter_mut().enumerate().filter_map(|(index, future)| {
            // It is dropped when it has panicked, and what it shares with others is whole: a
            // hook is not called while anything of it is half changed.
            let poll = AssertUnwindSafe(|| future.as_mut().poll(context));
            match catch_unwind(poll) {
                Ok(Poll::Ready(output)) => Some((index, Ok(output))),
                Ok(Poll::Pending) => None,
                Err(panic) => Some((index, Err(panic))),
            }
        });
        match outputs.next() {
            Some((index, output)) => {
                drop(self.0.swap_remove(index));
                Poll::Ready(Some(output))
            }
            None if self.0.is_empty() => Poll::Ready(None),
            None => Poll::Pending,
        }
    }
}

impl<T> fmt::Debug for Futures<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Futures({})", self.0.len())
    }
}
