use std::future::poll_fn;
use std::sync::Arc;

use otaria_session::{
    Error, Event, Executable, Executed, Queued, ServerError, Statement, ToExecutable, place,
};
use otaria_types::{Columns, FromRow, Params};

use crate::Connection;
use crate::rows::{Head, Rows};

/// Statements with parameters, by the binary protocol.
impl Connection {
    /// Runs a statement with parameters and returns its first result.
    ///
    /// SQL is prepared on the server when it is first run, and the statement is kept
    /// ([`statement_cache_capacity`](otaria_session::ConfigBuilder::statement_cache_capacity)): a
    /// statement that is kept takes one round trip, and so does a new one on MariaDB where it is
    /// certain how many placeholders there are in it and the statement prepared before it only reads; else it
    /// takes two. Parameters are a tuple, a
    /// slice or whatever implements [`Params`]. Named ones stand as `:name` in SQL, and lists as
    /// `IN (?)` or `IN (:name)`.
    ///
    /// Statements that the server cannot prepare (error 1295) go by the text protocol, with the
    /// parameters written into the SQL as literals; so does all SQL where
    /// [`server_prepared_statements`](otaria_session::ConfigBuilder::server_prepared_statements) is off.
    /// Literals mean the same in every `sql_mode`, but depend on `character_set_client`: after a
    /// `SET NAMES` to other than UTF-8 they are refused. For literals, names and lists the statement
    /// must be clear: [`Error::Place`] says what is not, such as a quote behind a backslash.
    ///
    /// # Errors
    /// [`Error::Server`] if the server refuses the statement, [`Error::ParameterCount`],
    /// [`Error::Params`] and [`Error::Place`] if the parameters do not fit; the connection stays
    /// usable.
    ///
    /// # Cancel safety
    /// Safe. The statement may have run, wholly or in part; what is left of it is dealt with by the
    /// next call as [above](Connection#cancel-safety).
    pub fn query(
        &mut self,
        statement: &(impl ToExecutable + ?Sized),
        params: impl Params,
    ) -> impl Future<Output = Result<Rows<'_>, Error>> {
        self.begin_call();
        async move {
            let executed = self.run(statement.to_executable(), &params).await?;
            Ok(Rows::new(self, executed))
        }
    }

    /// Runs a statement with parameters, throws rows away, and says what the last of its results
    /// did.
    ///
    /// # Errors
    /// Those of [`query`](Self::query).
    ///
    /// # Cancel safety
    /// Like [`query`](Self::query).
    pub fn execute(
        &mut self,
        statement: &(impl ToExecutable + ?Sized),
        params: impl Params,
    ) -> impl Future<Output = Result<Executed, Error>> {
        self.begin_call();
        async move {
            let executed = self.run(statement.to_executable(), &params).await?;
            self.rest(executed).await
        }
    }

    /// Runs a statement and reads the one row that it returns. `T` owns what it holds: a row from which
    /// something is borrowed comes by [`query`](Self::query).
    ///
    /// # Errors
    /// [`Error::RowCount`] if there is no row, or more than one; those of [`query`](Self::query)
    /// and of [`Row::read`](otaria_session::Row::read).
    ///
    /// # Cancel safety
    /// Like [`query`](Self::query).
    pub fn query_one<T: for<'r> FromRow<'r>>(
        &mut self,
        statement: &(impl ToExecutable + ?Sized),
        params: impl Params,
    ) -> impl Future<Output = Result<T, Error>> {
        self.begin_call();
        async move {
            let executable = statement.to_executable();
            let is_begun = self.begin(executable, &params)?;
            // Here and not in a future of its own, which would cost a thirtieth of the call.
            if is_begun && self.is_patient() {
                match poll_fn(|context| self.poll_only_row(context)).await {
                    Ok(Some(row)) => return self.session.row(row).read(),
                    Ok(None) => {}
                    Err(step) => self.exchanged(step).await?,
                }
            }
            let row = self.only_row(is_begun, executable, &params).await?;
            row.ok_or(Error::RowCount {
                more_than_one: false,
            })
        }
    }

    /// Runs a statement and reads the one row that it returns, or `None` if it returns none.
    ///
    /// # Errors
    /// [`Error::RowCount`] if there is more than one row; those of [`query`](Self::query) and of
    /// [`Row::read`](otaria_session::Row::read).
    ///
    /// # Cancel safety
    /// Like [`query`](Self::query).
    pub fn query_opt<T: for<'r> FromRow<'r>>(
        &mut self,
        statement: &(impl ToExecutable + ?Sized),
        params: impl Params,
    ) -> impl Future<Output = Result<Option<T>, Error>> {
        self.begin_call();
        async move {
            let executable = statement.to_executable();
            let is_begun = self.begin(executable, &params)?;
            if is_begun && self.is_patient() {
                match poll_fn(|context| self.poll_only_row(context)).await {
                    Ok(Some(row)) => return self.session.row(row).read().map(Some),
                    Ok(None) => {}
                    Err(step) => self.exchanged(step).await?,
                }
            }
            self.only_row(is_begun, executable, &params).await
        }
    }

    /// Runs a statement, unless it `is_begun`, and reads the one row that it returns, if it returns
    /// one.
    async fn only_row<T: for<'r> FromRow<'r>>(
        &mut self,
        is_begun: bool,
        executable: Executable<'_>,
        params: &impl Params,
    ) -> Result<Option<T>, Error> {
        let mut executed = if is_begun {
            self.first_result().await?
        } else {
            self.run_unprepared(executable, params).await?
        };
        let mut first = None;
        loop {
            match self.buffered_packet(&mut executed)? {
                Some(_) if first.is_some() => {
                    return Err(Error::RowCount {
                        more_than_one: true,
                    });
                }
                Some(row) => first = Some(self.session.row(row).read()?),
                None if self.session.is_in_rows() => self.exchange().await?,
                None => break,
            }
        }
        if self.session.is_response_due() {
            self.rest(executed).await?;
        }
        Ok(first)
    }

    /// Runs a statement and reads all rows of its first result. All of them are held in memory, and `T`
    /// owns what it holds.
    ///
    /// # Errors
    /// Those of [`query`](Self::query) and of [`Row::read`](otaria_session::Row::read).
    ///
    /// # Cancel safety
    /// Like [`query`](Self::query).
    pub fn query_all<T: for<'r> FromRow<'r>>(
        &mut self,
        statement: &(impl ToExecutable + ?Sized),
        params: impl Params,
    ) -> impl Future<Output = Result<Vec<T>, Error>> {
        self.begin_call();
        async move {
            let executed = self.run(statement.to_executable(), &params).await?;
            Rows::new(self, executed).collect().await
        }
    }

    /// Prepares a statement on the server, or takes it from those that the connection keeps.
    ///
    /// The statement stays prepared as long as it is held, and means what it meant then, whatever
    /// `sql_mode` and default database are set later. It belongs to this connection.
    ///
    /// It is prepared, and executed by the binary protocol, also where
    /// [`server_prepared_statements`](otaria_session::ConfigBuilder::server_prepared_statements) is
    /// off: that is about SQL that is given to [`query`](Self::query) and the like.
    ///
    /// # Errors
    /// [`Error::Server`] if the server refuses the statement; the connection stays usable.
    ///
    /// # Cancel safety
    /// Safe. Nothing is executed. A statement whose prepare was sent is kept for the next time.
    pub fn prepare(&mut self, sql: &str) -> impl Future<Output = Result<Statement, Error>> {
        self.begin_call();
        async move {
            self.ready_within_call().await?;
            match self.session.prepare(sql)? {
                Some(statement) => Ok(statement),
                None => self.prepared().await?.map_err(Error::Server),
            }
        }
    }

    /// The columns of the rows that a statement would return, none if it returns no rows. Nothing is
    /// executed: the statement is prepared, and kept for [`query`](Self::query), which takes one round
    /// trip then. `None` if the server cannot prepare it, or
    /// [`server_prepared_statements`](otaria_session::ConfigBuilder::server_prepared_statements) is
    /// off.
    ///
    /// # Errors
    /// Those of [`query`](Self::query).
    ///
    /// # Cancel safety
    /// Like [`prepare`](Self::prepare).
    pub fn describe<S: ToExecutable + ?Sized, P: Params>(
        &mut self,
        statement: &S,
        params: P,
    ) -> impl Future<Output = Result<Option<Arc<Columns>>, Error>> {
        self.begin_call();
        async move {
            self.ready_within_call().await?;
            let sql = match statement.to_executable() {
                Executable::Statement(statement) => return Ok(self.columns_of(statement)),
                Executable::Sql(_) if !self.config.server_prepared_statements() => return Ok(None),
                Executable::Sql(sql) => place(sql, &params)?,
            };
            let prepared = match self.session.prepare(sql.sql())? {
                Some(statement) => Ok(statement),
                None => self.prepared().await?,
            };
            match prepared {
                Ok(statement) => Ok(self.columns_of(&statement)),
                Err(error) if error.code() == CANNOT_BE_PREPARED => Ok(None),
                Err(error) => Err(Error::Server(error)),
            }
        }
    }

    fn columns_of(&self, statement: &Statement) -> Option<Arc<Columns>> {
        self.session.statement_columns(statement).map(Arc::clone)
    }

    /// Queues the execution of a statement if that can be done at once: the connection is ready for
    /// it, and the statement is prepared and takes its parameters as they are.
    #[inline]
    fn begin<P: Params>(&mut self, executable: Executable<'_>, params: &P) -> Result<bool, Error> {
        if !self.is_ready() || !self.config.server_prepared_statements() {
            return Ok(false);
        }
        let is_plain = |index| params.name(index).is_none() && params.list_len(index).is_none();
        if !(0..params.len()).all(is_plain) {
            return Ok(false);
        }
        self.session.execute_prepared(executable, params)
    }

    /// Runs a statement up to its first result, as a part of a call.
    async fn run(
        &mut self,
        executable: Executable<'_>,
        params: &impl Params,
    ) -> Result<Executed, Error> {
        if self.begin(executable, params)? {
            return self.first_result().await;
        }
        self.run_unprepared(executable, params).await
    }

    /// Runs a statement up to its first result, if [`begin`](Self::begin) has not queued it.
    async fn run_unprepared(
        &mut self,
        executable: Executable<'_>,
        params: &impl Params,
    ) -> Result<Executed, Error> {
        self.ready_within_call().await?;
        let sql = match executable {
            Executable::Sql(sql) => sql,
            Executable::Statement(statement) => return self.run_prepared(statement, params).await,
        };
        let placed = place(sql, params)?;
        let (sql, params) = (placed.sql(), placed.params(params));
        if !self.config.server_prepared_statements() {
            return self.run_as_text(sql, &params).await;
        }
        let refused = match self.session.execute(Executable::Sql(sql), &params)? {
            Queued::Execute => match self.result_head().await? {
                Head::Result(executed) => return Ok(executed),
                Head::NotPrepared(error) => error,
            },
            Queued::Prepare => match self.prepared().await? {
                Ok(statement) => {
                    let executable = Executable::Statement(&statement);
                    self.session.execute(executable, &params)?;
                    return self.first_result().await;
                }
                Err(error) => error,
            },
        };
        if refused.code() == CANNOT_BE_PREPARED {
            return self.run_as_text(sql, &params).await;
        }
        Err(Error::Server(refused))
    }

    async fn run_prepared(
        &mut self,
        statement: &Statement,
        params: &impl Params,
    ) -> Result<Executed, Error> {
        let mut executable = Executable::Statement(statement);
        let again;
        // The server may have forgotten it in the meantime.
        if self.session.execute(executable, params)? == Queued::Prepare {
            again = self.prepared().await?.map_err(Error::Server)?;
            executable = Executable::Statement(&again);
            self.session.execute(executable, params)?;
        }
        self.first_result().await
    }

    /// Runs a statement by the text protocol, with its parameters written into the SQL.
    pub(crate) async fn run_as_text(
        &mut self,
        sql: &str,
        params: &impl Params,
    ) -> Result<Executed, Error> {
        self.session.query_with_literals(sql, params)?;
        self.first_result().await
    }

    /// Waits for the response to a prepare.
    pub(crate) async fn prepared(&mut self) -> Result<Result<Statement, ServerError>, Error> {
        loop {
            match self.event().await? {
                Event::Prepared(statement) => return Ok(Ok(statement)),
                Event::NotPrepared(error) => return Ok(Err(error)),
                // None of them answers a prepare.
                _ => {}
            }
        }
    }
}

/// "This command is not supported in the prepared statement protocol yet".
pub(crate) const CANNOT_BE_PREPARED: u16 = 1295;
