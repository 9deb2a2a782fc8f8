use otaria_session::{Error, Event, Executable, Executed, Queued, Statement, ToExecutable};
use otaria_types::{FromRow, Params};

use crate::Connection;
use crate::rows::Rows;

/// Statements with parameters, by the binary protocol.
impl Connection {
    /// Runs a statement with parameters and returns its first result.
    ///
    /// SQL is prepared on the server when it is first run, and the statement is kept
    /// ([`statement_cache_capacity`](otaria_session::ConfigBuilder::statement_cache_capacity)): a
    /// statement that is kept takes one round trip, and so does a new one on MariaDB where it is
    /// certain how many placeholders there are in it; else it takes two. Parameters are a tuple, a
    /// slice or whatever implements [`Params`].
    ///
    /// # Errors
    /// [`Error::Server`] if the server refuses the statement, [`Error::ParameterCount`] and
    /// [`Error::Params`] if the parameters do not fit; the connection stays usable.
    ///
    /// # Cancel safety
    /// Safe. The statement may have run; its response is thrown away by the next call.
    pub async fn query(
        &mut self,
        statement: &(impl ToExecutable + ?Sized),
        params: impl Params,
    ) -> Result<Rows<'_>, Error> {
        self.start(statement.to_executable(), &params).await?;
        Rows::of(self).await
    }

    /// Runs a statement with parameters, throws rows away, and says what the last of its results
    /// did.
    ///
    /// # Errors
    /// Those of [`query`](Self::query).
    ///
    /// # Cancel safety
    /// Like [`query`](Self::query).
    pub async fn execute(
        &mut self,
        statement: &(impl ToExecutable + ?Sized),
        params: impl Params,
    ) -> Result<Executed, Error> {
        self.start(statement.to_executable(), &params).await?;
        self.executed().await
    }

    /// Runs a statement and reads the one row that it returns.
    ///
    /// # Errors
    /// [`Error::RowCount`] if there is no row, or more than one; those of [`query`](Self::query)
    /// and of [`Row::read`](otaria_session::Row::read).
    ///
    /// # Cancel safety
    /// Like [`query`](Self::query).
    pub async fn query_one<T: for<'r> FromRow<'r>>(
        &mut self,
        statement: &(impl ToExecutable + ?Sized),
        params: impl Params,
    ) -> Result<T, Error> {
        let row = self.query_opt(statement, params).await?;
        row.ok_or(Error::RowCount {
            more_than_one: false,
        })
    }

    /// Runs a statement and reads the one row that it returns, or `None` if it returns none.
    ///
    /// # Errors
    /// [`Error::RowCount`] if there is more than one row; those of [`query`](Self::query) and of
    /// [`Row::read`](otaria_session::Row::read).
    ///
    /// # Cancel safety
    /// Like [`query`](Self::query).
    pub async fn query_opt<T: for<'r> FromRow<'r>>(
        &mut self,
        statement: &(impl ToExecutable + ?Sized),
        params: impl Params,
    ) -> Result<Option<T>, Error> {
        let mut rows = self.query(statement, params).await?;
        let first = match rows.next().await? {
            Some(row) => Some(row.read()?),
            None => None,
        };
        if first.is_some() && rows.next().await?.is_some() {
            return Err(Error::RowCount {
                more_than_one: true,
            });
        }
        rows.finish().await?;
        Ok(first)
    }

    /// Runs a statement and reads all rows of its first result. All of them are held in memory.
    ///
    /// # Errors
    /// Those of [`query`](Self::query) and of [`Row::read`](otaria_session::Row::read).
    ///
    /// # Cancel safety
    /// Like [`query`](Self::query).
    pub async fn query_all<T: for<'r> FromRow<'r>>(
        &mut self,
        statement: &(impl ToExecutable + ?Sized),
        params: impl Params,
    ) -> Result<Vec<T>, Error> {
        self.query(statement, params).await?.collect().await
    }

    /// Prepares a statement on the server, or takes it from those that the connection keeps.
    ///
    /// The statement stays prepared as long as it is held. It belongs to this connection.
    ///
    /// # Errors
    /// [`Error::Server`] if the server refuses the statement; the connection stays usable.
    ///
    /// # Cancel safety
    /// Safe. A statement whose prepare was sent is kept for the next time.
    pub async fn prepare(&mut self, sql: &str) -> Result<Statement, Error> {
        self.ready().await?;
        match self.session.prepare(sql)? {
            Some(statement) => Ok(statement),
            None => self.prepared().await,
        }
    }

    /// Queues the execution of a statement, if need be after its prepare has been answered.
    async fn start(
        &mut self,
        executable: Executable<'_>,
        params: &impl Params,
    ) -> Result<(), Error> {
        self.ready().await?;
        if self.session.execute(executable, params)? == Queued::Prepare {
            let statement = self.prepared().await?;
            let executable = Executable::Statement(&statement);
            self.session.execute(executable, params)?;
        }
        Ok(())
    }

    /// Waits for the response to a prepare.
    async fn prepared(&mut self) -> Result<Statement, Error> {
        loop {
            match self.event().await? {
                Event::Prepared(statement) => return Ok(statement),
                Event::NotPrepared(error) | Event::Err(error) => {
                    return Err(self.closed(Error::Server(error)));
                }
                // None of them answers a prepare.
                _ => {}
            }
        }
    }
}
