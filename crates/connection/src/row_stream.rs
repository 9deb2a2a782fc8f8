use std::fmt;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use otaria_session::{Error, OwnedRow, Row};

use crate::Rows;

/// The rows of one result as a [`Stream`], each with memory of its own:
/// see [`Rows::into_stream`].
pub struct RowStream<'c> {
    state: State<'c>,
}

enum State<'c> {
    /// What has been received is looked at first.
    Rows(Rows<'c>),
    Waiting(Pin<Box<dyn Future<Output = Received<'c>> + Send + 'c>>),
    Ended,
}

/// What a wait has brought, and the rows to go on with.
struct Received<'c> {
    rows: Rows<'c>,
    row: Result<Option<OwnedRow>, Error>,
}

impl<'c> Rows<'c> {
    /// The rows of the current result as a stream. It ends behind the last of them, or behind an
    /// error; further results of the statement are left to the connection's [next
    /// call](crate::Connection#cancel-safety).
    ///
    /// Each row is copied out of the receive buffer. [`next`](Self::next) and
    /// [`next_chunk`](Self::next_chunk) do without.
    ///
    /// ```no_run
    /// # async fn count(mut connection: otaria_connection::Connection)
    /// # -> Result<usize, otaria_session::Error> {
    /// # use std::{future::poll_fn, pin::pin};
    /// # use futures_core::Stream;
    /// let rows = connection.query("SELECT id FROM item", ()).await?;
    /// let mut rows = pin!(rows.into_stream());
    /// let mut count = 0;
    /// // Or `rows.try_next()`, by the traits of the crate `futures-util`.
    /// while let Some(row) = poll_fn(|context| rows.as_mut().poll_next(context)).await {
    ///     let id: u64 = row?.get(0)?;
    ///     count += usize::from(id > 7);
    /// }
    /// # Ok(count)
    /// # }
    /// ```
    ///
    /// # Errors
    /// The items are those of [`next`](Self::next).
    ///
    /// # Cancel safety
    /// Safe. A future that takes the next item may be dropped: no row is lost. If the stream is
    /// dropped, the rest is left to the connection's [next call](crate::Connection#cancel-safety).
    pub const fn into_stream(self) -> RowStream<'c> {
        RowStream {
            state: State::Rows(self),
        }
    }
}

impl Stream for RowStream<'_> {
    type Item = Result<OwnedRow, Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let state = &mut self.get_mut().state;
        let mut waiting = match mem::replace(state, State::Ended) {
            State::Ended => return Poll::Ready(None),
            State::Rows(mut rows) => match owned(rows.try_next()) {
                Ok(None) if !rows.is_at_end() => Box::pin(next(rows)),
                row => return Poll::Ready(state.go_on(Received { rows, row })),
            },
            State::Waiting(waiting) => waiting,
        };
        match waiting.as_mut().poll(context) {
            Poll::Ready(received) => Poll::Ready(state.go_on(received)),
            Poll::Pending => {
                *state = State::Waiting(waiting);
                Poll::Pending
            }
        }
    }
}

impl<'c> State<'c> {
    /// The item of what was received, behind which an error and the end are the last.
    fn go_on(&mut self, received: Received<'c>) -> Option<Result<OwnedRow, Error>> {
        if matches!(received.row, Ok(Some(_))) {
            *self = Self::Rows(received.rows);
        }
        received.row.transpose()
    }
}

async fn next(mut rows: Rows<'_>) -> Received<'_> {
    let row = owned(rows.next().await);
    Received { rows, row }
}

fn owned(received: Result<Option<Row<'_>>, Error>) -> Result<Option<OwnedRow>, Error> {
    received.map(|row| row.map(|row| row.to_owned()))
}

impl fmt::Debug for RowStream<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.state {
            State::Rows(_) => "RowStream(rows)",
            State::Waiting(_) => "RowStream(waiting)",
            State::Ended => "RowStream(ended)",
        })
    }
}
