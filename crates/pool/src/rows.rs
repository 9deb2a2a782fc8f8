use std::fmt;
use std::future::poll_fn;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use otaria_connection::{Error, OwnedRow, Row};

use crate::PooledConnection;

/// The rows of a statement that a pool runs, each with memory of its own: see
/// [`Pool::stream`](crate::Pool::stream). It is a [`Stream`], too.
///
/// The connection goes back to the pool behind the last row, behind an error, or when this is
/// dropped; what is left of the statement is then ended in the background, as when a call of the
/// pool is dropped ([`Pool::query_one`](crate::Pool::query_one)).
#[must_use]
pub struct PoolRows {
    state: State,
}

enum State {
    /// What has been received is looked at first.
    Open(PooledConnection),
    Waiting(Pin<Box<dyn Future<Output = Received> + Send>>),
    Ended,
}

/// What a wait has brought, and the connection to go on with.
struct Received {
    connection: PooledConnection,
    row: Result<Option<OwnedRow>, Error>,
}

impl PoolRows {
    /// The rows of the result that has begun on `connection`.
    pub(crate) const fn new(connection: PooledConnection) -> Self {
        Self {
            state: State::Open(connection),
        }
    }

    /// The next row, or `None` after the last.
    ///
    /// # Errors
    /// Those of [`Rows::next`](otaria_connection::Rows::next). No row comes behind one.
    ///
    /// # Cancel safety
    /// Safe. No row is lost: the next call returns the row that this one would have.
    pub async fn next(&mut self) -> Result<Option<OwnedRow>, Error> {
        let row = poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await;
        row.transpose()
    }
}

impl Stream for PoolRows {
    type Item = Result<OwnedRow, Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let state = &mut self.get_mut().state;
        let mut waiting = match mem::replace(state, State::Ended) {
            State::Ended => return Poll::Ready(None),
            State::Open(mut connection) => {
                let mut rows = connection.resume_rows();
                match owned(rows.try_next()) {
                    Ok(None) if !rows.is_at_end() => Box::pin(next(connection)),
                    row => return Poll::Ready(state.go_on(Received { connection, row })),
                }
            }
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

impl State {
    /// The item of what was received, behind which an error and the end are the last.
    fn go_on(&mut self, received: Received) -> Option<Result<OwnedRow, Error>> {
        if matches!(received.row, Ok(Some(_))) {
            *self = Self::Open(received.connection);
        }
        received.row.transpose()
    }
}

async fn next(mut connection: PooledConnection) -> Received {
    let row = owned(connection.resume_rows().next().await);
    Received { connection, row }
}

fn owned(received: Result<Option<Row<'_>>, Error>) -> Result<Option<OwnedRow>, Error> {
    received.map(|row| row.map(|row| row.to_owned()))
}

impl fmt::Debug for PoolRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.state {
            State::Open(_) => "PoolRows(open)",
            State::Waiting(_) => "PoolRows(waiting)",
            State::Ended => "PoolRows(ended)",
        })
    }
}
