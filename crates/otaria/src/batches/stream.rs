use std::fmt;
use std::future::poll_fn;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;
use otaria_arrow::arrow::array::RecordBatch;
use otaria_arrow::arrow::datatypes::SchemaRef;
use otaria_arrow::{ArrowOptions, DecodeError, RecordBatchDecoder, RowForm};
use otaria_connection::{Chunk, Connection, Error, Rows};
use otaria_pool::PooledConnection;
use tokio::runtime::Handle;

use super::reading::{Reading, Source};
use super::record_batches::decoder;
use crate::{BlockingRecordBatches, RecordBatchError};

/// The rows of a result as a [`Stream`] of record batches.
///
/// It owns its connection where it comes from a pool
/// ([`PoolQueryArrow::query_arrow`](crate::PoolQueryArrow::query_arrow)) or where the connection was
/// given away ([`of_connection`](Self::of_connection)): it is `'static` then, and can be moved to
/// another task. [`RecordBatches::into_stream`](crate::RecordBatches::into_stream) makes one that does
/// not.
///
/// A pool's connection goes back to it behind the last batch, behind an error, or when this is
/// dropped. What is left of the statement is then ended in the background, as when a call of the pool
/// is dropped ([`Pool::query_one`](crate::Pool::query_one)). One that was given away is kept for
/// [`into_connection`](Self::into_connection), and closed when this is dropped.
#[must_use]
pub struct RecordBatchStream<'c> {
    state: State<'c>,
    /// As they were when the state last was known.
    schema: SchemaRef,
    rows: u64,
    values_made_null: u64,
}

enum State<'c> {
    /// What has been received is looked at first.
    Open(Box<Reading<Owner<'c>>>),
    Waiting(Pin<Box<dyn Future<Output = Box<Reading<Owner<'c>>>> + Send + 'c>>),
    Ended(Option<Box<Connection>>),
}

impl RecordBatchStream<'static> {
    /// Batches of the result that has begun on `connection`, which is given away: that of a query
    /// whose rows were dropped and behind which nothing else was called.
    ///
    /// ```no_run
    /// # use otaria::{ArrowOptions, Connection, RecordBatchError, RecordBatchStream};
    /// # async fn owned(mut connection: Connection)
    /// # -> Result<RecordBatchStream<'static>, RecordBatchError> {
    /// connection.query("SELECT id, name FROM item", ()).await.map(drop)?;
    /// RecordBatchStream::of_connection(connection, &ArrowOptions::default()).await
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of [`RecordBatches::from_rows`](crate::RecordBatches::from_rows). The connection is
    /// closed.
    ///
    /// # Cancel safety
    /// The connection is closed.
    pub async fn of_connection(
        connection: Connection,
        options: &ArrowOptions,
    ) -> Result<Self, RecordBatchError> {
        let owner = Owner::Own(Box::new(connection));
        Ok(Self::new(Reading::new(owner, options).await?))
    }

    /// The same with a connection of a pool, which gets it back.
    ///
    /// # Errors
    /// Those of [`RecordBatches::from_rows`](crate::RecordBatches::from_rows).
    ///
    /// # Cancel safety
    /// Like [`Pool::query_one`](crate::Pool::query_one).
    pub async fn of_pooled(
        connection: PooledConnection,
        options: &ArrowOptions,
    ) -> Result<Self, RecordBatchError> {
        let owner = Owner::Pooled(connection);
        Ok(Self::new(Reading::new(owner, options).await?))
    }
}

impl<'c> RecordBatchStream<'c> {
    pub(super) fn of_rows(reading: Reading<Rows<'c>>) -> Self {
        Self::new(reading.map(Owner::Lent))
    }

    fn new(reading: Reading<Owner<'c>>) -> Self {
        Self {
            schema: Arc::clone(reading.schema()),
            rows: reading.rows(),
            values_made_null: reading.values_made_null(),
            state: State::Open(Box::new(reading)),
        }
    }

    /// The schema of all batches; without fields if the statement has no rows, such as an INSERT.
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// The next batch, or `None` behind the last and behind an error. It has at least one row.
    ///
    /// # Errors
    /// Those of [`RecordBatches::next`](crate::RecordBatches::next).
    ///
    /// # Cancel safety
    /// Safe. No row is lost: the next call goes on where this one was.
    pub async fn next(&mut self) -> Result<Option<RecordBatch>, RecordBatchError> {
        let next = poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await;
        next.transpose()
    }

    /// How many rows the batches have had so far.
    pub const fn rows(&self) -> u64 {
        self.rows
    }

    /// How many values have become NULL because the options say so: dates that no calendar has, and
    /// times that are none of a day.
    pub const fn values_made_null(&self) -> u64 {
        self.values_made_null
    }

    /// The same batches for code that is not async, which waits for them on its own thread.
    ///
    /// ```no_run
    /// # use otaria::arrow::array::RecordBatchReader;
    /// # use otaria::arrow::error::ArrowError;
    /// # use otaria::{Pool, PoolQueryArrow, RecordBatchError};
    /// # use tokio::runtime::Handle;
    /// # async fn export(pool: Pool) -> Result<(), RecordBatchError> {
    /// let stream = pool.query_arrow("SELECT id, name FROM item", ()).await?;
    /// let reader = stream.into_reader(Handle::current());
    /// let written = tokio::task::spawn_blocking(move || write(reader)).await;
    /// # drop(written);
    /// # Ok(())
    /// # }
    /// # fn write(reader: impl RecordBatchReader) -> Result<(), ArrowError> {
    /// #     reader.map(|batch| batch.map(drop)).collect()
    /// # }
    /// ```
    pub const fn into_reader(self, runtime: Handle) -> BlockingRecordBatches<'c> {
        BlockingRecordBatches::new(self, runtime)
    }

    /// The connection that was given away, as it is: what is left of the statement is left to its
    /// [next call](Connection#cancel-safety). `None` if none was given away, or if the last call of
    /// [`next`](Self::next) was dropped while it waited: it is closed then.
    pub fn into_connection(self) -> Option<Connection> {
        let connection = match self.state {
            State::Open(reading) => reading.source.into_own(),
            State::Waiting(_) => None,
            State::Ended(connection) => connection,
        };
        connection.map(|connection| *connection)
    }

    /// Notes what was read, behind which an error and the end are the last.
    fn go_on(
        &mut self,
        reading: Box<Reading<Owner<'c>>>,
        next: Result<Option<RecordBatch>, RecordBatchError>,
    ) -> Option<Result<RecordBatch, RecordBatchError>> {
        self.rows = reading.rows();
        self.values_made_null = reading.values_made_null();
        self.state = match next {
            Ok(Some(_)) => State::Open(reading),
            _ => State::Ended(reading.source.into_own()),
        };
        next.transpose()
    }
}

impl Stream for RecordBatchStream<'_> {
    type Item = Result<RecordBatch, RecordBatchError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            this.state = match mem::replace(&mut this.state, State::Ended(None)) {
                State::Open(mut reading) => match reading.take() {
                    Some(next) => return Poll::Ready(this.go_on(reading, next)),
                    None => State::Waiting(Box::pin(wait(reading))),
                },
                State::Waiting(mut waiting) => match waiting.as_mut().poll(context) {
                    Poll::Ready(reading) => State::Open(reading),
                    Poll::Pending => {
                        this.state = State::Waiting(waiting);
                        return Poll::Pending;
                    }
                },
                State::Ended(connection) => {
                    this.state = State::Ended(connection);
                    return Poll::Ready(None);
                }
            };
        }
    }
}

async fn wait<S: Source>(mut reading: Box<Reading<S>>) -> Box<Reading<S>> {
    reading.wait().await;
    reading
}

impl fmt::Debug for RecordBatchStream<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.state {
            State::Open(_) => "RecordBatchStream(open)",
            State::Waiting(_) => "RecordBatchStream(waiting)",
            State::Ended(_) => "RecordBatchStream(ended)",
        })
    }
}

/// Whose connection the rows come on.
enum Owner<'c> {
    Lent(Rows<'c>),
    Pooled(PooledConnection),
    Own(Box<Connection>),
}

impl Owner<'_> {
    fn with_rows<T>(&mut self, call: impl FnOnce(&mut Rows<'_>) -> T) -> T {
        match self {
            Self::Lent(rows) => call(rows),
            Self::Pooled(connection) => call(&mut connection.resume_rows()),
            Self::Own(connection) => call(&mut connection.resume_rows()),
        }
    }

    /// The connection that was given away.
    fn into_own(self) -> Option<Box<Connection>> {
        match self {
            Self::Own(connection) => Some(connection),
            Self::Lent(_) | Self::Pooled(_) => None,
        }
    }
}

impl Source for Owner<'_> {
    fn decoder(
        &mut self,
        options: &ArrowOptions,
    ) -> Result<(RecordBatchDecoder, RowForm), DecodeError> {
        self.with_rows(|rows| decoder(rows, options))
    }

    fn with_received<T>(&mut self, take: impl FnOnce(Chunk<'_>) -> T) -> Result<Option<T>, Error> {
        self.with_rows(|rows| rows.with_received(take))
    }

    async fn wait(&mut self) -> Result<(), Error> {
        match self {
            Self::Lent(rows) => rows.wait().await,
            Self::Pooled(connection) => connection.resume_rows().wait().await,
            Self::Own(connection) => connection.resume_rows().wait().await,
        }
    }

    fn is_at_end(&mut self) -> bool {
        self.with_rows(|rows| rows.is_at_end())
    }
}
