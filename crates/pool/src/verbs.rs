//! What a pool does by itself, on a connection that it takes and gives back at once.

use otaria_connection::{BatchExecuted, Error, Executed, FromRow, Params};

use crate::{Pool, PoolRows};

/// Evaluates `$call` with `$connection` bound to a connection of `$pool`; on another one if the first
/// was found closed before anything was sent, which can be when the server closes it just then.
macro_rules! with_connection {
    ($pool:expr, $connection:ident => $call:expr) => {{
        let mut is_second = false;
        loop {
            // What `get` does, without a future of its own.
            let mut $connection = match $pool.take() {
                Ok(connection) => connection,
                Err(unfit) => Box::pin($pool.checkout(unfit, $pool.get_timeout())).await?,
            };
            let done = $call.await;
            if is_second || !matches!(done, Err(Error::Closed { .. })) {
                break done;
            }
            is_second = true;
        }
    }};
}

/// Statements, each on a connection of its own choice, which is back in the pool when the call
/// returns. Each is a transaction by itself.
///
/// One that finds its connection closed by the server, before anything of the statement was sent, is
/// run on another connection, once.
///
/// Each may be dropped at any time. The connection then goes back to the pool, which ends what is left
/// of the statement in the background, as
/// [`Connection`](otaria_connection::Connection#cancel-safety) says, but sooner: it is read for a tenth
/// of a second and up to 1 MiB before it is stopped.
impl Pool {
    /// Runs a statement and reads the one row that it returns.
    ///
    /// ```no_run
    /// # async fn name(pool: otaria_pool::Pool) -> Result<(), otaria_connection::Error> {
    /// let (name,): (String,) = pool.query_one("SELECT name FROM item WHERE id = ?", (7,)).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of [`get`](Self::get) and of
    /// [`Connection::query_one`](otaria_connection::Connection::query_one).
    ///
    /// # Cancel safety
    /// Safe. The statement may have run, wholly or in part. What it still does is ended in the
    /// background, by [`cancel_policy`](otaria_connection::ConfigBuilder::cancel_policy): by default it
    /// is stopped if it takes longer than a tenth of a second more.
    pub async fn query_one<T: for<'r> FromRow<'r>>(
        &self,
        sql: &str,
        params: impl Params,
    ) -> Result<T, Error> {
        with_connection!(self, connection => connection.query_one(sql, &params))
    }

    /// Runs a statement and reads the one row that it returns, or `None` if it returns none.
    ///
    /// # Errors
    /// Those of [`get`](Self::get) and of
    /// [`Connection::query_opt`](otaria_connection::Connection::query_opt).
    ///
    /// # Cancel safety
    /// Like [`query_one`](Self::query_one).
    pub async fn query_opt<T: for<'r> FromRow<'r>>(
        &self,
        sql: &str,
        params: impl Params,
    ) -> Result<Option<T>, Error> {
        with_connection!(self, connection => connection.query_opt(sql, &params))
    }

    /// Runs a statement and reads all rows of its first result, which are held in memory.
    ///
    /// # Errors
    /// Those of [`get`](Self::get) and of
    /// [`Connection::query_all`](otaria_connection::Connection::query_all).
    ///
    /// # Cancel safety
    /// Like [`query_one`](Self::query_one).
    pub async fn query_all<T: for<'r> FromRow<'r>>(
        &self,
        sql: &str,
        params: impl Params,
    ) -> Result<Vec<T>, Error> {
        with_connection!(self, connection => connection.query_all(sql, &params))
    }

    /// Runs a statement, throws rows away, and says what it did.
    ///
    /// # Errors
    /// Those of [`get`](Self::get) and of
    /// [`Connection::execute`](otaria_connection::Connection::execute).
    ///
    /// # Cancel safety
    /// Like [`query_one`](Self::query_one).
    pub async fn execute(&self, sql: &str, params: impl Params) -> Result<Executed, Error> {
        with_connection!(self, connection => connection.execute(sql, &params))
    }

    /// Executes a statement for each of `rows`: see
    /// [`Connection::execute_batch`](otaria_connection::Connection::execute_batch). It is not run on
    /// another connection, since rows are gone once they were pulled.
    ///
    /// # Errors
    /// Those of [`get`](Self::get) and [`Error::Batch`].
    ///
    /// # Cancel safety
    /// Safe for the pool. Rows that were sent may have been executed, all or some of them, and rows
    /// that were pulled are lost.
    pub async fn execute_batch<R>(&self, sql: &str, rows: R) -> Result<BatchExecuted, Error>
    where
        R: IntoIterator<Item: Params>,
    {
        self.get().await?.execute_batch(sql, rows).await
    }

    /// Runs a statement whose rows come one by one and own their memory. The connection goes back to
    /// the pool behind the last of them, behind an error, or when the rows are dropped.
    ///
    /// ```no_run
    /// # async fn read(pool: otaria_pool::Pool) -> Result<(), otaria_connection::Error> {
    /// let mut rows = pool.stream("SELECT id, name FROM item", ()).await?;
    /// while let Some(row) = rows.next().await? {
    ///     let (id, name): (u64, &str) = row.read()?;
    ///     println!("{id} {name}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of [`get`](Self::get) and of
    /// [`Connection::query`](otaria_connection::Connection::query).
    ///
    /// # Cancel safety
    /// Like [`query_one`](Self::query_one).
    pub async fn stream(&self, sql: &str, params: impl Params) -> Result<PoolRows, Error> {
        let mut connection = self.get().await?;
        let begun = connection.query(sql, &params).await.map(drop);
        if let Err(Error::Closed { .. }) = begun {
            drop(connection);
            connection = self.get().await?;
            connection.query(sql, &params).await.map(drop)?;
        } else {
            begun?;
        }
        Ok(PoolRows::new(connection))
    }
}
