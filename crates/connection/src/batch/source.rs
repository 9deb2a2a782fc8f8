use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use otaria_session::CallbackError;
use otaria_types::Params;

/// What the rows of a batch come from.
pub(super) trait Source {
    type Row: Params;

    /// The next row, or `None` after the last.
    fn poll_row(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Self::Row, CallbackError>>>;
}

/// Rows that are there.
pub(super) struct Iterated<I>(pub(super) I);

/// Rows that come.
pub(super) struct Streamed<'s, S>(pub(super) Pin<&'s mut S>);

impl<I: Iterator<Item: Params>> Source for Iterated<I> {
    type Row = I::Item;

    #[inline]
    fn poll_row(&mut self, _: &mut Context<'_>) -> Poll<Option<Result<I::Item, CallbackError>>> {
        Poll::Ready(self.0.next().map(Ok))
    }
}

impl<S, P, E> Source for Streamed<'_, S>
where
    S: Stream<Item = Result<P, E>>,
    P: Params,
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Row = P;

    fn poll_row(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<P, CallbackError>>> {
        let next = self.0.as_mut().poll_next(context);
        next.map(|row| row.map(|row| row.map_err(CallbackError::new)))
    }
}
