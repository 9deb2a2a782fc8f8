use otaria_codec::ColumnDefinition;
use otaria_session::{
    Chunk, Error, Event, Executed, LocalInfileError, PacketRange, Row, ServerError, SessionState,
};
use otaria_types::{FromRow, RowContext};

use crate::Connection;

/// The results of a statement, lent out of the connection one row at a time.
///
/// What is not read is left to the connection's [next call](Connection#cancel-safety), which stops the
/// statement if too much is left. [`finish`](Self::finish) reads all of it.
///
/// ```compile_fail,E0499
/// # async fn two(mut rows: otaria_connection::Rows<'_>) -> Result<(), otaria_session::Error> {
/// let first = rows.next().await?;
/// let second = rows.next().await?; // the first row lay where the second is read to
/// drop(first);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Rows<'c> {
    pub(crate) connection: &'c mut Connection,
    executed: Executed,
}

impl<'c> Rows<'c> {
    /// The results of which the head of the first has come.
    pub(crate) const fn new(connection: &'c mut Connection, executed: Executed) -> Self {
        Self {
            connection,
            executed,
        }
    }

    /// The columns of the current result, in order; none if it has no rows.
    pub fn columns(&self) -> &[ColumnDefinition] {
        self.connection.session.columns()
    }

    /// What the current result did. Known for a result set when its rows have been read.
    pub const fn executed(&self) -> &Executed {
        &self.executed
    }

    /// Whether the rows of the current result have been read to their end.
    pub fn is_at_end(&self) -> bool {
        let session = &self.connection.session;
        !session.is_in_rows() && !session.has_cursor()
    }

    /// Whether the payloads of the current result's rows are in the [binary form] that the answer to
    /// a prepared statement has, not in the [text form] of all others.
    ///
    /// [binary form]: https://mariadb.com/docs/server/reference/clientserver-protocol/4-server-response-packets/resultset-row#binary-resultset-row
    /// [text form]: https://mariadb.com/docs/server/reference/clientserver-protocol/4-server-response-packets/resultset-row#text-resultset-row
    pub const fn is_binary(&self) -> bool {
        self.connection.session.has_binary_rows()
    }

    /// What the values of the current result mean beyond their bytes: the zone of the session when it
    /// began, and what the configuration says of dates with zeros.
    pub const fn context(&self) -> RowContext {
        self.connection.session.row_context()
    }

    /// What the server has told about the session:
    /// see [`Connection::session_state`].
    pub const fn session_state(&self) -> &SessionState {
        self.connection.session.state()
    }

    /// The next row of the current result, or `None` after its last.
    ///
    /// # Errors
    /// [`Error::Server`] if the server ends the statement; the connection stays usable.
    ///
    /// # Cancel safety
    /// Safe. No row is lost: the next call returns the row that this one would have.
    pub async fn next(&mut self) -> Result<Option<Row<'_>>, Error> {
        // As nearly always: it has been received.
        let row = match self.connection.session.take_row() {
            Some(row) => Some(row),
            None => self.next_packet(Fetch::AtEnd).await?,
        };
        Ok(row.map(|row| self.connection.session.row(row)))
    }

    /// The next row of the current result if it has been received already; never waits. `None`
    /// also says that the rows have ended: [`is_at_end`](Self::is_at_end) tells which.
    ///
    /// # Errors
    /// Those of [`next`](Self::next).
    pub fn try_next(&mut self) -> Result<Option<Row<'_>>, Error> {
        let row = self.connection.buffered_packet(&mut self.executed)?;
        Ok(row.map(|row| self.connection.session.row(row)))
    }

    /// The next rows of the current result, as many as have been received when there is one, or
    /// `None` after its last. Where reading is what counts, this is the way: one wait for each read,
    /// and none for a row.
    ///
    /// ```no_run
    /// # async fn sum(mut rows: otaria_connection::Rows<'_>) -> Result<i64, otaria_session::Error> {
    /// let mut sum = 0;
    /// while let Some(chunk) = rows.next_chunk().await? {
    ///     for row in chunk {
    ///         let (id, name): (i64, &str) = row.read()?;
    ///         sum += id;
    ///     }
    /// }
    /// # Ok(sum)
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of [`next`](Self::next).
    ///
    /// # Cancel safety
    /// Safe. Rows that were not taken out of a chunk are in the next one.
    pub async fn next_chunk(&mut self) -> Result<Option<Chunk<'_>>, Error> {
        let first = self.next_packet(Fetch::AtEnd).await?;
        Ok(first.map(|first| self.connection.session.chunk(first)))
    }

    /// The next rows of the current result that have been received already, as by
    /// [`next_chunk`](Self::next_chunk); never waits. `None` also says that the rows have ended:
    /// [`is_at_end`](Self::is_at_end) tells which.
    ///
    /// # Errors
    /// Those of [`next`](Self::next).
    pub fn try_next_chunk(&mut self) -> Result<Option<Chunk<'_>>, Error> {
        let first = self.connection.buffered_packet(&mut self.executed)?;
        Ok(first.map(|first| self.connection.session.chunk(first)))
    }

    /// Goes to the next result of the statement and says whether there is one. Rows of the
    /// current one that have not been read are thrown away.
    ///
    /// # Errors
    /// [`Error::Server`] if the next result is an error, which ends the statement.
    ///
    /// # Cancel safety
    /// Safe. Call it again to go on: no result is passed over.
    pub async fn next_result_set(&mut self) -> Result<bool, Error> {
        while self.next_packet(Fetch::Never).await?.is_some() {}
        if !self.connection.session.is_in_response() {
            self.connection.session.leave_cursor();
            return Ok(false);
        }
        self.executed = self.connection.first_result().await?;
        Ok(true)
    }

    /// Reads what is left of all results and throws it away. A cursor whose rows have not all been
    /// fetched is closed on the server.
    ///
    /// # Errors
    /// [`Error::Server`] if one of the results is an error.
    ///
    /// # Cancel safety
    /// Safe. The rest is left to the connection's [next call](Connection#cancel-safety).
    pub async fn finish(self) -> Result<(), Error> {
        self.connection.rest(self.executed).await?;
        let session = &mut self.connection.session;
        if !session.is_response_due() && session.reset_statements()? {
            self.connection.executed().await?;
        }
        Ok(())
    }

    /// Reads the rows of the current result as `T`, such as a tuple, and throws further results
    /// away. All of them are held in memory.
    ///
    /// # Errors
    /// Those of [`next`](Self::next) and of [`Row::read`].
    ///
    /// # Cancel safety
    /// Safe for the connection. The rows that were read are lost, and the rest is left to its [next
    /// call](Connection#cancel-safety).
    pub async fn collect<T: for<'r> FromRow<'r>>(mut self) -> Result<Vec<T>, Error> {
        let mut collected = Vec::new();
        while let Some(chunk) = self.next_chunk().await? {
            for row in chunk.read::<T>()? {
                collected.push(row?);
            }
        }
        self.finish().await?;
        Ok(collected)
    }

    /// Calls `each` for every row of the current result, and throws further results away. An
    /// error that it returns ends the reading.
    ///
    /// # Errors
    /// Those of [`next`](Self::next) and of `each`.
    ///
    /// # Cancel safety
    /// Safe. No row is passed twice, and the rest is left to the connection's [next
    /// call](Connection#cancel-safety).
    pub async fn for_each<E: From<Error>>(
        mut self,
        mut each: impl FnMut(Row<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        while let Some(chunk) = self.next_chunk().await? {
            for row in chunk {
                each(row)?;
            }
        }
        Ok(self.finish().await?)
    }

    async fn next_packet(&mut self, fetch: Fetch) -> Result<Option<PacketRange>, Error> {
        loop {
            match self.connection.buffered_packet(&mut self.executed)? {
                Some(row) => return Ok(Some(row)),
                None if self.connection.session.is_in_rows() => self.connection.exchange().await?,
                None if fetch == Fetch::AtEnd && self.connection.session.fetch()? => {}
                None => return Ok(None),
            }
        }
    }
}

/// Whether more rows of a cursor are asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Fetch {
    /// When those that were fetched have been read.
    AtEnd,
    Never,
}

/// What came first in answer to a statement.
pub(crate) enum Head {
    /// What it has done, if it has no rows.
    Result(Executed),
    /// It could not be prepared, and was not executed.
    NotPrepared(ServerError),
}

impl Connection {
    /// The next row of the result, if it has been received; `executed` is what the result says at its
    /// end.
    pub(crate) fn buffered_packet(
        &mut self,
        executed: &mut Executed,
    ) -> Result<Option<PacketRange>, Error> {
        if let Some(row) = self.session.take_row() {
            return Ok(Some(row));
        }
        if let Some(end) = self.session.take_end() {
            *executed = end;
            return Ok(None);
        }
        self.other_packet(executed)
    }

    /// What comes in place of a row or of a simple end, or has not come whole.
    fn other_packet(&mut self, executed: &mut Executed) -> Result<Option<PacketRange>, Error> {
        while self.session.is_in_rows() {
            match self.session.poll() {
                Ok(Some(Event::Row(row))) => return Ok(Some(row)),
                Ok(Some(Event::Progress(progress))) => self.report(&progress),
                Ok(Some(Event::ResultSetEnd(end))) => {
                    *executed = end;
                    return Ok(None);
                }
                Ok(Some(Event::Err(error))) => return Err(self.closed(Error::Server(error))),
                Ok(_) => return Ok(None),
                Err(error) => return Err(self.closed(error)),
            }
        }
        self.check_whole().map(|()| None)
    }

    /// Waits for the head of the next result of a statement that is prepared, or need not be.
    pub(crate) async fn first_result(&mut self) -> Result<Executed, Error> {
        match self.result_head().await? {
            Head::Result(executed) => Ok(executed),
            Head::NotPrepared(error) => Err(Error::Server(error)),
        }
    }

    /// Waits for the head of the next result.
    pub(crate) async fn result_head(&mut self) -> Result<Head, Error> {
        loop {
            if let Some(head) = self.buffered_head()? {
                return Ok(head);
            }
            self.exchange().await?;
        }
    }

    /// The head of the next result, if it has been received.
    #[inline]
    pub(crate) fn buffered_head(&mut self) -> Result<Option<Head>, Error> {
        if self.session.take_known_head() {
            return Ok(Some(Head::Result(Executed::default())));
        }
        loop {
            match self.session.poll() {
                Ok(Some(Event::ResultSet | Event::CursorOpened)) => {
                    return Ok(Some(Head::Result(Executed::default())));
                }
                Ok(Some(Event::Ok(executed))) => return Ok(Some(Head::Result(executed))),
                Ok(Some(event)) => {
                    if let Some(error) = self.other_head(event)? {
                        return Ok(Some(Head::NotPrepared(error)));
                    }
                }
                Ok(None) => return Ok(None),
                Err(error) => return Err(self.closed(error)),
            }
        }
    }

    /// What comes in place of a head, or before it.
    #[cold]
    fn other_head(&mut self, event: Event) -> Result<Option<ServerError>, Error> {
        match event {
            Event::NotPrepared(error) => return Ok(Some(error)),
            Event::Err(error) => return Err(self.closed(Error::Server(error))),
            Event::LocalInfileRefused => {
                return Err(Error::LocalInfile(LocalInfileError::NotAttached));
            }
            Event::Progress(progress) => self.report(&progress),
            // A row of no interest, or an event of a login, which is over.
            _ => {}
        }
        Ok(None)
    }
}
