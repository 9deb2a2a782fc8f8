use otaria_session::{Error, Executable, Executed, LongDataError, Statement, ToExecutable};
use otaria_types::Params;
use tokio::io::AsyncRead;

use crate::Connection;
use crate::local_infile::{Source, State};
use crate::rows::Rows;

/// Values that are too long to be held in memory as a whole.
impl Connection {
    /// Begins the execution of a statement some of whose parameters are sent ahead, in pieces
    /// ([`COM_STMT_SEND_LONG_DATA`](https://mariadb.com/docs/server/reference/clientserver-protocol/3-binary-protocol-prepared-statements/com_stmt_send_long_data)).
    /// SQL is prepared first; its placeholders are `?`.
    ///
    /// A value may be longer than one packet may be, but not longer than the server's
    /// `max_allowed_packet`: it says so in answer to the execution (1105). The server holds it in
    /// memory until then.
    ///
    /// ```no_run
    /// use otaria_types::LongData;
    ///
    /// # async fn store(connection: &mut otaria_connection::Connection, file: impl tokio::io::AsyncRead + Unpin)
    /// # -> Result<(), otaria_session::Error> {
    /// let sql = "INSERT INTO document (id, content) VALUES (?, ?)";
    /// let mut insert = connection.long_data(sql).await?;
    /// insert.send_from(1, file).await?;
    /// insert.execute((7, LongData)).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Server`] if the server refuses the statement, [`Error::ForeignStatement`] if it was
    /// prepared on another connection; the connection stays usable.
    ///
    /// # Cancel safety
    /// Safe. Nothing has been executed.
    pub fn long_data(
        &mut self,
        statement: &(impl ToExecutable + ?Sized),
    ) -> impl Future<Output = Result<LongDataExecution<'_>, Error>> {
        self.begin_call();
        self.prepare_for_long_data(statement.to_executable())
    }

    async fn prepare_for_long_data(
        &mut self,
        executable: Executable<'_>,
    ) -> Result<LongDataExecution<'_>, Error> {
        self.ready_within_call().await?;
        // Values that were sent for an execution that was dropped.
        self.session.abandon();
        let prepared = match executable {
            Executable::Sql(sql) => self.session.prepare(sql)?,
            Executable::Statement(statement) => self.session.prepare_again(statement)?,
        };
        let statement = match prepared {
            Some(statement) => statement,
            None => self.prepared().await?.map_err(Error::Server)?,
        };
        Ok(LongDataExecution {
            connection: self,
            statement,
            unfinished: None,
        })
    }
}

/// An execution of a statement, some of whose parameters are sent ahead.
///
/// Values that were sent belong to this execution alone. If it is dropped, the server is told to
/// forget them ([`COM_STMT_RESET`](https://mariadb.com/docs/server/reference/clientserver-protocol/3-binary-protocol-prepared-statements))
/// before the connection's next command.
#[derive(Debug)]
pub struct LongDataExecution<'c> {
    connection: &'c mut Connection,
    statement: Statement,
    /// The parameter whose value is being sent, or was not sent to its end.
    unfinished: Option<usize>,
}

impl<'c> LongDataExecution<'c> {
    /// Sends a value for the parameter at `index`, from 0 on, or appends to what was sent for it.
    /// The server takes it for binary data.
    ///
    /// # Errors
    /// [`Error::LongData`] if there is no such parameter, or if a value before was not sent to its
    /// end; those of the transport. What the server has to say about the value it says in answer to
    /// the execution.
    ///
    /// # Cancel safety
    /// Safe, but a part of the value may have been sent: the execution cannot go on then, and
    /// nothing of it is ever executed.
    pub async fn send(&mut self, index: usize, data: &[u8]) -> Result<(), Error> {
        self.begin(index)?;
        let mut pieces = data.chunks(PIECE_BYTES);
        self.piece(index, pieces.next().unwrap_or_default()).await?;
        for piece in pieces {
            self.piece(index, piece).await?;
        }
        self.unfinished = None;
        Ok(())
    }

    /// Sends what can be read from `data` for the parameter at `index`, from 0 on, or appends it to
    /// what was sent for it, and says how many bytes that was. It is read as the server takes it,
    /// 64 KiB at a time.
    ///
    /// A server waits for `wait_timeout` (8 h by default) for more, and ends the session then.
    ///
    /// # Errors
    /// [`Error::LocalIo`] that says that `data` could not be read; the connection stays usable, the
    /// execution does not. Those of [`send`](Self::send).
    ///
    /// # Cancel safety
    /// Like [`send`](Self::send).
    pub async fn send_from(
        &mut self,
        index: usize,
        data: impl AsyncRead + Unpin,
    ) -> Result<u64, Error> {
        self.begin(index)?;
        let mut source = Source::new(data);
        source.state = State::Open;
        let mut bytes: u64 = 0;
        loop {
            self.connection.fill_chunk(&mut source).await?;
            let length = source.chunk().len();
            if length > 0 {
                self.piece(index, source.chunk()).await?;
                bytes = bytes.saturating_add(u64::try_from(length).unwrap_or(u64::MAX));
                source.sent();
            }
            match source.state {
                State::Unread | State::Open => {}
                State::AtEnd => break,
                State::Failed(source) => {
                    let action = format!("read the value of parameter {index}");
                    return Err(Error::LocalIo { action, source });
                }
            }
        }
        if bytes == 0 {
            // Without a piece the server would have no value, rather than an empty one.
            self.piece(index, &[]).await?;
        }
        self.unfinished = None;
        Ok(bytes)
    }

    /// Runs the statement and returns its first result. In `params`,
    /// [`LongData`](otaria_types::LongData) stands for each of the values that were sent.
    ///
    /// # Errors
    /// [`Error::LongData`] if `params` does not have `LongData` in just these places, or if a value
    /// was not sent to its end; nothing is executed then. [`Error::Server`], also for a value that
    /// the server does not take; [`Error::ParameterCount`] and [`Error::Params`]. The connection
    /// stays usable.
    ///
    /// # Cancel safety
    /// Like [`Connection::query`].
    pub async fn query(self, params: impl Params) -> Result<Rows<'c>, Error> {
        let connection = self.start(params)?;
        let executed = connection.first_result().await?;
        Ok(Rows::new(connection, executed))
    }

    /// Runs the statement like [`query`](Self::query), throws rows away, and says what the last of
    /// its results did.
    ///
    /// # Errors
    /// Those of [`query`](Self::query).
    ///
    /// # Cancel safety
    /// Like [`query`](Self::query).
    pub async fn execute(self, params: impl Params) -> Result<Executed, Error> {
        self.start(params)?.executed().await
    }

    /// How many parameters the statement has.
    pub fn parameters(&self) -> u16 {
        self.statement.parameters()
    }

    fn start(self, params: impl Params) -> Result<&'c mut Connection, Error> {
        self.check_finished()?;
        let Self {
            connection,
            statement,
            ..
        } = self;
        connection
            .session
            .execute_with_long_data(&statement, &params)?;
        Ok(connection)
    }

    fn begin(&mut self, index: usize) -> Result<(), Error> {
        self.check_finished()?;
        let parameters = usize::from(self.statement.parameters());
        if index >= parameters {
            let error = LongDataError::NoSuchParameter { index, parameters };
            return Err(Error::LongData(error));
        }
        self.unfinished = Some(index);
        Ok(())
    }

    fn check_finished(&self) -> Result<(), Error> {
        match self.unfinished {
            Some(index) => Err(Error::LongData(LongDataError::Incomplete { index })),
            None => Ok(()),
        }
    }

    async fn piece(&mut self, index: usize, data: &[u8]) -> Result<(), Error> {
        let session = &mut self.connection.session;
        session.send_long_data(&self.statement, index, data)?;
        self.connection.flush().await
    }
}

/// How much is sent at a time.
const PIECE_BYTES: usize = 64 * 1024;
