use std::num::NonZeroU32;

use otaria_session::{Error, Executable, Executed, Queued, ToExecutable, place};
use otaria_types::Params;

use crate::Connection;
use crate::rows::{Head, Rows};
use crate::statements::CANNOT_BE_PREPARED;

/// Rows that the server keeps until they are asked for.
impl Connection {
    /// Runs a SELECT like [`query`](Self::query), with a [cursor on the
    /// server](https://mariadb.com/docs/server/reference/clientserver-protocol/3-binary-protocol-prepared-statements/com_stmt_execute#flag):
    /// its rows come `fetch_size` at a time, each time that those before have been read.
    ///
    /// The server runs the statement to its end before the first row comes, and keeps the result in
    /// memory or in a temporary file. So a cursor is for a reader that takes its time: the statement
    /// holds no locks while it reads, and nothing lies in the network. Else [`query`](Self::query) is
    /// faster, and needs no more memory here. Each fetch takes a round trip.
    ///
    /// A server that opens no cursor, or a proxy that does not pass the wish on, sends all rows at
    /// once, and they are read just so. With a cursor that is not read to its end,
    /// [`Rows::finish`] closes it; without that it is closed in front of the connection's next
    /// command.
    ///
    /// ```no_run
    /// use std::num::NonZeroU32;
    ///
    /// # async fn archive(connection: &mut otaria_connection::Connection)
    /// # -> Result<(), otaria_session::Error> {
    /// let fetch_size = NonZeroU32::new(1_000).expect("not 0");
    /// let sql = "SELECT id, body FROM mail WHERE year = ?";
    /// let mut rows = connection.query_with_cursor(sql, (2024,), fetch_size).await?;
    /// while let Some(row) = rows.next().await? {
    ///     let (id, body): (u64, &str) = row.read()?;
    ///     // what takes its time
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::CursorRefused`] if the statement is not for certain a SELECT that sends its rows, in
    /// which case nothing was sent: MariaDB servers crash if they are asked for a cursor of
    /// `DELETE … RETURNING`. Those of [`query`](Self::query).
    ///
    /// # Cancel safety
    /// Like [`query`](Self::query).
    pub fn query_with_cursor(
        &mut self,
        statement: &(impl ToExecutable + ?Sized),
        params: impl Params,
        fetch_size: NonZeroU32,
    ) -> impl Future<Output = Result<Rows<'_>, Error>> {
        self.begin_call();
        async move {
            self.ready_within_call().await?;
            let executable = statement.to_executable();
            self.session.check_cursor(executable)?;
            let executed = match executable {
                Executable::Statement(_) => {
                    match self.open_cursor(executable, &params, fetch_size).await? {
                        Head::Result(executed) => executed,
                        Head::NotPrepared(error) => return Err(Error::Server(error)),
                    }
                }
                Executable::Sql(sql) => self.open_cursor_for(sql, &params, fetch_size).await?,
            };
            Ok(Rows::new(self, executed))
        }
    }

    /// Where nothing can be prepared, the statement runs without a cursor.
    async fn open_cursor_for(
        &mut self,
        sql: &str,
        params: &impl Params,
        fetch_size: NonZeroU32,
    ) -> Result<Executed, Error> {
        let placed = place(sql, params)?;
        let (sql, params) = (placed.sql(), placed.params(params));
        if !self.config.server_prepared_statements() {
            return self.run_as_text(sql, &params).await;
        }
        let executable = Executable::Sql(sql);
        match self.open_cursor(executable, &params, fetch_size).await? {
            Head::Result(executed) => Ok(executed),
            Head::NotPrepared(error) if error.code() == CANNOT_BE_PREPARED => {
                self.run_as_text(sql, &params).await
            }
            Head::NotPrepared(error) => Err(Error::Server(error)),
        }
    }

    async fn open_cursor(
        &mut self,
        executable: Executable<'_>,
        params: &impl Params,
        fetch_size: NonZeroU32,
    ) -> Result<Head, Error> {
        let queued = self.session.open_cursor(executable, params, fetch_size)?;
        if queued == Queued::Prepare {
            let statement = match self.prepared().await? {
                Ok(statement) => statement,
                Err(error) => return Ok(Head::NotPrepared(error)),
            };
            let executable = Executable::Statement(&statement);
            self.session.open_cursor(executable, params, fetch_size)?;
        }
        self.result_head().await
    }
}
