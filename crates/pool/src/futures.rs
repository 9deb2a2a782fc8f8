use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Futures that are polled side by side, each whenever one of them is woken: there are no more than a
/// pool has connections.
pub(crate) struct Futures<T>(Vec<Pin<Box<dyn Future<Output = T> + Send>>>);

impl<T> Futures<T> {
    pub(crate) const fn new() -> Self {
        Self(Vec::new())
    }

    pub(crate) fn push(&mut self, future: impl Future<Output = T> + Send + 'static) {
        self.0.push(Box::pin(future));
    }

    /// The output of one that is done; `None` if there are none.
    pub(crate) fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<T>> {
        let mut outputs =
            self.0.iter_mut().enumerate().filter_map(|(index, future)| {
                match future.as_mut().poll(context) {
                    Poll::Ready(output) => Some((index, output)),
                    Poll::Pending => None,
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
