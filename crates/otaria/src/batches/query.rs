use std::future::Future;

use otaria_arrow::ArrowOptions;
use otaria_connection::{Connection, Error, Params, ToExecutable, Transaction};
use otaria_pool::{Pool, PooledConnection};

use crate::sealed::Sealed;
use crate::{RecordBatchError, RecordBatchStream, RecordBatches};

/// Asks for the VECTOR columns of the tables of a statement that are not known yet, where the options
/// want that. Nothing can be asked when the rows have begun, so the statement is prepared for it.
macro_rules! look_up_vectors {
    ($connection:expr, $call:expr, $statement:expr, $params:expr, $options:expr) => {
        if let Some(lookup) = $options.vector_lookup()
            && let Some(columns) = $connection
                .within($call)
                .describe($statement, $params)
                .await?
        {
            for (schema, table) in lookup.unknown_tables(&columns) {
                let names = (schema.as_str(), table.as_str());
                let found: Vec<(String, String, String)> =
                    $connection.within($call).query_all(VECTORS, names).await?;
                let found = found.into_iter();
                let found = found.filter(|found| (found.0.as_str(), found.1.as_str()) == names);
                lookup.learn(&schema, &table, found.map(|(_, _, column)| column));
            }
        }
    };
}

/// Queries whose results are record batches, on a [`Connection`], one of a pool included, and in a
/// [`Transaction`].
///
/// ```no_run
/// use otaria::{Connection, QueryArrow, RecordBatchError};
///
/// # async fn items(mut connection: Connection) -> Result<(), RecordBatchError> {
/// let sql = "SELECT id, name, price FROM item WHERE price < ?";
/// let mut batches = connection.query_arrow(sql, (100,)).await?;
/// println!("{}", batches.schema());
/// while let Some(batch) = batches.next().await? {
///     println!("{} rows", batch.num_rows());
/// }
/// # Ok(())
/// # }
/// ```
pub trait QueryArrow: Sealed + Send {
    /// Runs a statement with parameters and returns its first result as record batches, with all
    /// options at their defaults: see [`query_arrow_with`](Self::query_arrow_with).
    ///
    /// # Errors
    /// Those of [`query_arrow_with`](Self::query_arrow_with).
    ///
    /// # Cancel safety
    /// Like [`query_arrow_with`](Self::query_arrow_with).
    fn query_arrow(
        &mut self,
        statement: &(impl ToExecutable + ?Sized),
        params: impl Params + Send + Sync,
    ) -> impl Future<Output = Result<RecordBatches<'_>, RecordBatchError>> + Send;

    /// Runs a statement with parameters, as [`Connection::query`] does, and returns its first result
    /// as record batches. One without rows, such as an INSERT, has a schema without fields and no
    /// batch. Further results come by [`RecordBatches::next_result_set`].
    ///
    /// With [`ArrowOptions::with_vector_lookup`] the statement is prepared before it is run, and for
    /// each table that is not known yet `information_schema` is asked for its VECTOR columns, all in the
    /// [time](Connection::with_timeout) of one call. It does not
    /// have those of temporary tables, and those of derived tables and of `WITH` are not found, for the
    /// server says of what table they are by the name that the query gives it: such columns are named by
    /// [`ArrowOptions::with_column`]. A statement that cannot be prepared, or rows that have begun, are
    /// read by what is known.
    ///
    /// # Errors
    /// [`RecordBatchError::Driver`] with the errors of [`Connection::query`], and those of
    /// [`RecordBatches::from_rows`]. The connection stays usable.
    ///
    /// # Cancel safety
    /// Like [`Connection::query`].
    fn query_arrow_with(
        &mut self,
        statement: &(impl ToExecutable + ?Sized),
        params: impl Params + Send + Sync,
        options: &ArrowOptions,
    ) -> impl Future<Output = Result<RecordBatches<'_>, RecordBatchError>> + Send;
}

macro_rules! query_arrow {
    ($($place:ty),+) => {$(
        impl QueryArrow for $place {
            fn query_arrow(
                &mut self,
                statement: &(impl ToExecutable + ?Sized),
                params: impl Params + Send + Sync,
            ) -> impl Future<Output = Result<RecordBatches<'_>, RecordBatchError>> + Send {
                // As all calls do, it begins here and not when it is first polled.
                let call = self.begin_calls();
                async move {
                    let rows = self.within(call).query(statement, params).await?;
                    RecordBatches::from_rows(rows, &ArrowOptions::default()).await
                }
            }

            fn query_arrow_with(
                &mut self,
                statement: &(impl ToExecutable + ?Sized),
                params: impl Params + Send + Sync,
                options: &ArrowOptions,
            ) -> impl Future<Output = Result<RecordBatches<'_>, RecordBatchError>> + Send {
                let call = self.begin_calls();
                async move {
                    look_up_vectors!(self, call, statement, &params, options);
                    let rows = self.within(call).query(statement, params).await?;
                    RecordBatches::from_rows(rows, options).await
                }
            }
        }
    )+};
}

query_arrow!(Connection, Transaction<'_>);

/// Queries whose results are record batches, on a [`Pool`].
pub trait PoolQueryArrow: Sealed + Sync {
    /// Runs a statement on a connection of the pool and returns its first result as record batches
    /// that own the connection, with all options at their defaults: see
    /// [`query_arrow_with`](Self::query_arrow_with).
    ///
    /// ```no_run
    /// use otaria::{Pool, PoolQueryArrow, RecordBatchError};
    ///
    /// # async fn items(pool: Pool) -> Result<u64, RecordBatchError> {
    /// let mut batches = pool.query_arrow("SELECT id, name FROM item", ()).await?;
    /// while let Some(batch) = batches.next().await? {
    ///     println!("{} rows", batch.num_rows());
    /// }
    /// Ok(batches.rows())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of [`query_arrow_with`](Self::query_arrow_with).
    ///
    /// # Cancel safety
    /// Like [`query_arrow_with`](Self::query_arrow_with).
    fn query_arrow(
        &self,
        sql: &str,
        params: impl Params + Send + Sync,
    ) -> impl Future<Output = Result<RecordBatchStream<'static>, RecordBatchError>> + Send {
        async move {
            let options = ArrowOptions::default();
            self.query_arrow_with(sql, params, &options).await
        }
    }

    /// Runs a statement on a connection of the pool and returns its first result as record batches
    /// that own the connection.
    ///
    /// A statement that finds its connection closed by the server, before anything of it was sent, is
    /// run on another connection, once.
    ///
    /// # Errors
    /// [`RecordBatchError::Driver`] with the errors of [`Pool::get`] and of [`Connection::query`], and
    /// those of [`RecordBatches::from_rows`]. The connection goes back to the pool.
    ///
    /// # Cancel safety
    /// Like [`Pool::query_one`].
    fn query_arrow_with(
        &self,
        sql: &str,
        params: impl Params + Send + Sync,
        options: &ArrowOptions,
    ) -> impl Future<Output = Result<RecordBatchStream<'static>, RecordBatchError>> + Send;
}

impl PoolQueryArrow for Pool {
    async fn query_arrow_with(
        &self,
        sql: &str,
        params: impl Params + Send + Sync,
        options: &ArrowOptions,
    ) -> Result<RecordBatchStream<'static>, RecordBatchError> {
        let connection = match begin(self, sql, &params, options).await {
            Err(Error::Closed { .. }) => begin(self, sql, &params, options).await?,
            begun => begun?,
        };
        RecordBatchStream::of_pooled(connection, options).await
    }
}

/// Begins a statement on a connection of the pool.
async fn begin(
    pool: &Pool,
    sql: &str,
    params: &(impl Params + Sync),
    options: &ArrowOptions,
) -> Result<PooledConnection, Error> {
    let mut connection = pool.get().await?;
    let call = connection.begin_calls();
    look_up_vectors!(connection, call, sql, params, options);
    connection.within(call).query(sql, params).await.map(drop)?;
    Ok(connection)
}

/// The VECTOR columns of a table. Names are compared here: by the server's collation some are equal
/// that are not.
const VECTORS: &str = "SELECT TABLE_SCHEMA, TABLE_NAME, COLUMN_NAME \
    FROM information_schema.COLUMNS \
    WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? AND DATA_TYPE = 'vector'";
