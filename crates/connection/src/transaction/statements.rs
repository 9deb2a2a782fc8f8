//! What can be done in a transaction, all of it as on a connection of its own.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use otaria_session::{
    Config, Error, Executed, ServerVersion, SessionState, Statement, ToExecutable,
};
use otaria_types::{Columns, FromRow, Params};
use tokio::io::AsyncRead;

use super::Transaction;
use crate::{
    Batch, BatchExecuted, CallLimit, CancelToken, Pipeline, PipelineResults, Rows, Warning,
};

/// Statements, as on a [`Connection`](crate::Connection). Each fails with
/// [`Error::TransactionAborted`], and is not sent, if it would run outside of the transaction.
impl Transaction<'_> {
    /// Runs a statement with parameters and returns its first result: see
    /// [`Connection::query`](crate::Connection::query). The rows are lent out of the transaction.
    ///
    /// # Errors
    /// Those of [`Connection::query`](crate::Connection::query), and [`Error::TransactionAborted`].
    ///
    /// # Cancel safety
    /// Safe. The statement may have run, as part of the transaction.
    pub fn query(
        &mut self,
        statement: &(impl ToExecutable + ?Sized),
        params: impl Params,
    ) -> impl Future<Output = Result<Rows<'_>, Error>> {
        self.connection.query(statement, params)
    }

    /// Runs a statement with parameters and says what it did: see
    /// [`Connection::execute`](crate::Connection::execute).
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
        self.connection.execute(statement, params)
    }

    /// Runs a statement and reads the one row that it returns: see
    /// [`Connection::query_one`](crate::Connection::query_one).
    ///
    /// # Errors
    /// [`Error::RowCount`] and those of [`query`](Self::query).
    ///
    /// # Cancel safety
    /// Like [`query`](Self::query).
    pub fn query_one<T: for<'r> FromRow<'r>>(
        &mut self,
        statement: &(impl ToExecutable + ?Sized),
        params: impl Params,
    ) -> impl Future<Output = Result<T, Error>> {
        self.connection.query_one(statement, params)
    }

    /// Runs a statement and reads the one row that it returns, or `None`: see
    /// [`Connection::query_opt`](crate::Connection::query_opt).
    ///
    /// # Errors
    /// [`Error::RowCount`] and those of [`query`](Self::query).
    ///
    /// # Cancel safety
    /// Like [`query`](Self::query).
    pub fn query_opt<T: for<'r> FromRow<'r>>(
        &mut self,
        statement: &(impl ToExecutable + ?Sized),
        params: impl Params,
    ) -> impl Future<Output = Result<Option<T>, Error>> {
        self.connection.query_opt(statement, params)
    }

    /// Runs a statement and reads all rows of its first result: see
    /// [`Connection::query_all`](crate::Connection::query_all).
    ///
    /// # Errors
    /// Those of [`query`](Self::query).
    ///
    /// # Cancel safety
    /// Like [`query`](Self::query).
    pub fn query_all<T: for<'r> FromRow<'r>>(
        &mut self,
        statement: &(impl ToExecutable + ?Sized),
        params: impl Params,
    ) -> impl Future<Output = Result<Vec<T>, Error>> {
        self.connection.query_all(statement, params)
    }

    /// Runs a SELECT with a cursor on the server: see
    /// [`Connection::query_with_cursor`](crate::Connection::query_with_cursor).
    ///
    /// # Errors
    /// [`Error::CursorRefused`] and those of [`query`](Self::query).
    ///
    /// # Cancel safety
    /// Like [`query`](Self::query).
    pub fn query_with_cursor(
        &mut self,
        statement: &(impl ToExecutable + ?Sized),
        params: impl Params,
        fetch_size: NonZeroU32,
    ) -> impl Future<Output = Result<Rows<'_>, Error>> {
        let connection = &mut *self.connection;
        connection.query_with_cursor(statement, params, fetch_size)
    }

    /// Runs SQL by the text protocol and returns its first result: see
    /// [`Connection::simple_query`](crate::Connection::simple_query).
    ///
    /// # Errors
    /// Those of [`query`](Self::query).
    ///
    /// # Cancel safety
    /// Like [`query`](Self::query).
    pub fn simple_query(&mut self, sql: &str) -> impl Future<Output = Result<Rows<'_>, Error>> {
        self.connection.simple_query(sql)
    }

    /// Runs SQL by the text protocol and says what it did: see
    /// [`Connection::simple_execute`](crate::Connection::simple_execute).
    ///
    /// # Errors
    /// Those of [`query`](Self::query).
    ///
    /// # Cancel safety
    /// Like [`query`](Self::query).
    pub fn simple_execute(&mut self, sql: &str) -> impl Future<Output = Result<Executed, Error>> {
        self.connection.simple_execute(sql)
    }

    /// Prepares a statement: see [`Connection::prepare`](crate::Connection::prepare). It stays so when
    /// the transaction has ended.
    ///
    /// # Errors
    /// Those of [`query`](Self::query).
    ///
    /// # Cancel safety
    /// Like [`Connection::prepare`](crate::Connection::prepare).
    pub fn prepare(&mut self, sql: &str) -> impl Future<Output = Result<Statement, Error>> {
        self.connection.prepare(sql)
    }

    /// The columns of the rows that a statement would return: see
    /// [`Connection::describe`](crate::Connection::describe).
    ///
    /// # Errors
    /// Those of [`query`](Self::query).
    ///
    /// # Cancel safety
    /// Like [`Connection::prepare`](crate::Connection::prepare).
    pub fn describe<S: ToExecutable + ?Sized, P: Params>(
        &mut self,
        statement: &S,
        params: P,
    ) -> impl Future<Output = Result<Option<Arc<Columns>>, Error>> {
        self.connection.describe(statement, params)
    }

    /// Executes a statement for each of `rows`: see
    /// [`Connection::execute_batch`](crate::Connection::execute_batch). Rows that cannot be sent in bulk
    /// wait for each other's answers: behind an error that ends the transaction they would run outside
    /// of it.
    ///
    /// # Errors
    /// Those of [`Connection::execute_batch`](crate::Connection::execute_batch), and
    /// [`Error::TransactionAborted`].
    ///
    /// # Cancel safety
    /// Safe. Rows that were sent may have been executed, as part of the transaction.
    pub fn execute_batch<R>(
        &mut self,
        statement: &(impl ToExecutable + ?Sized),
        rows: R,
    ) -> impl Future<Output = Result<BatchExecuted, Error>>
    where
        R: IntoIterator<Item: Params>,
    {
        self.connection.execute_batch(statement, rows)
    }

    /// A statement to be executed for many rows as [`execute_batch`](Self::execute_batch) does it, with
    /// options.
    pub fn batch<'b, 's>(
        &'b mut self,
        statement: &'s (impl ToExecutable + ?Sized),
    ) -> Batch<'b, 's> {
        self.connection.batch(statement)
    }

    /// Sends the statements of a pipeline, and returns what reads their results: see
    /// [`Connection::query_pipeline`](crate::Connection::query_pipeline). In a transaction only
    /// statements that certainly do nothing but read are sent before the results of others have come:
    /// behind an error that ends the transaction all others would run outside of it. Those that are left
    /// then fail with [`Error::TransactionAborted`].
    ///
    /// # Errors
    /// Those of [`Connection::query_pipeline`](crate::Connection::query_pipeline), and
    /// [`Error::TransactionAborted`].
    ///
    /// # Cancel safety
    /// Like [`Connection::query_pipeline`](crate::Connection::query_pipeline).
    pub fn query_pipeline<'b, 'p>(
        &'b mut self,
        pipeline: &'b Pipeline<'p>,
    ) -> impl Future<Output = Result<PipelineResults<'b, 'p>, Error>> {
        self.connection.query_pipeline(pipeline)
    }

    /// Runs the statements of a pipeline and says what each has done: see
    /// [`Connection::execute_pipeline`](crate::Connection::execute_pipeline) and
    /// [`query_pipeline`](Self::query_pipeline).
    ///
    /// # Errors
    /// Those of [`query_pipeline`](Self::query_pipeline).
    ///
    /// # Cancel safety
    /// Safe. Statements that were sent may have run, as part of the transaction.
    pub fn execute_pipeline(
        &mut self,
        pipeline: &Pipeline<'_>,
    ) -> impl Future<Output = Result<Vec<Result<Executed, Error>>, Error>> {
        self.connection.execute_pipeline(pipeline)
    }

    /// Runs `LOAD DATA LOCAL INFILE` with the content that `data` has: see
    /// [`Connection::load_data_local`](crate::Connection::load_data_local).
    ///
    /// # Errors
    /// Those of [`Connection::load_data_local`](crate::Connection::load_data_local), and
    /// [`Error::TransactionAborted`].
    ///
    /// # Cancel safety
    /// Like [`Connection::load_data_local`](crate::Connection::load_data_local), as part of the
    /// transaction. If that is dropped as well, it is rolled back by the connection's next call.
    pub fn load_data_local(
        &mut self,
        sql: &str,
        data: impl AsyncRead + Unpin,
    ) -> impl Future<Output = Result<Executed, Error>> {
        self.connection.load_data_local(sql, data)
    }

    /// The warnings of the latest statement: see [`Connection::warnings`](crate::Connection::warnings).
    ///
    /// # Errors
    /// Those of [`query`](Self::query).
    ///
    /// # Cancel safety
    /// Like [`query`](Self::query).
    pub fn warnings(&mut self) -> impl Future<Output = Result<Vec<Warning>, Error>> {
        self.connection.warnings()
    }

    /// Gives the next call at most so much time: see
    /// [`Connection::with_timeout`](crate::Connection::with_timeout).
    pub const fn with_timeout(&mut self, limit: Duration) -> &mut Self {
        self.connection.with_timeout(limit);
        self
    }

    /// Begins a call that consists of several: see
    /// [`Connection::begin_calls`](crate::Connection::begin_calls).
    pub fn begin_calls(&mut self) -> CallLimit {
        self.connection.begin_calls()
    }

    /// Makes the next call one of those: see [`Connection::within`](crate::Connection::within).
    pub const fn within(&mut self, whole: CallLimit) -> &mut Self {
        self.connection.within(whole);
        self
    }

    /// What ends a call from another task: see
    /// [`Connection::cancel_token`](crate::Connection::cancel_token).
    pub fn cancel_token(&mut self) -> CancelToken {
        self.connection.cancel_token()
    }

    /// What the server has told about the session.
    pub const fn session_state(&self) -> &SessionState {
        self.connection.session_state()
    }

    /// The configuration of the connection: see [`Connection::config`](crate::Connection::config).
    pub const fn config(&self) -> &Config {
        self.connection.config()
    }

    /// The server's version.
    pub fn server_version(&self) -> Option<&ServerVersion> {
        self.connection.server_version()
    }
}
