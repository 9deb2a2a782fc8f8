//! Record batches into tables.

mod error;
mod input;
mod keys;
mod options;
mod place;
mod run;
mod text;
mod way;

use std::future::Future;
use std::pin::pin;

use futures_core::Stream;
use otaria_arrow::arrow::array::{RecordBatch, RecordBatchReader};
use otaria_arrow::arrow::datatypes::SchemaRef;
use otaria_arrow::arrow::error::ArrowError;
use otaria_connection::{Connection, Transaction};
use otaria_pool::Pool;

pub use error::{InsertError, InsertErrorKind};
pub use options::{Commit, InsertMode, InsertOptions, InsertWay};
pub use run::Inserted;
pub use way::{SentBy, WhyNot};

use crate::sealed::Sealed;
use input::{Input, Reader};

/// Inserts record batches into a table.
///
/// ```no_run
/// use otaria::arrow::array::RecordBatchReader;
/// use otaria::{Connection, InsertArrow, InsertError, InsertMode};
///
/// # async fn load(
/// #     connection: &mut Connection,
/// #     batches: impl RecordBatchReader + Send,
/// # ) -> Result<(), InsertError> {
/// let inserted = connection.insert_arrow("shop.item", batches, InsertMode::Append).await?;
/// println!("{} rows by {:?}, and not otherwise: {}", inserted.rows, inserted.sent_by, inserted.why_not);
/// # Ok(())
/// # }
/// ```
///
/// # Columns
/// The table is `table` or `schema.table`; names with a dot or a backtick stand in backticks. Columns
/// go by their names, which are compared without case where none is exactly the same. Columns of the
/// table that the batches lack get their defaults. What each type of Arrow's becomes stands in
/// [`otaria_arrow::write`](otaria_arrow::write#types): what the server has no type for is refused
/// before anything is sent, and a value that it cannot hold is an error that names row and column.
///
/// # All or nothing
/// The rows are one transaction, or a part of the caller's that can be undone by itself, unless
/// [`Commit`] says otherwise. An error undoes them; so does a drop of the future, at once, and the
/// connection stays usable. That holds for tables of a transactional engine such as `InnoDB`; others keep
/// what was done. A table that [`InsertMode::Create`] has made is dropped again after an error; a
/// dropped future leaves it behind, empty unless batches were committed.
///
/// # Nothing is lost silently
/// Warnings of the server, by which it says that it has changed values or left rows out, are errors:
/// in `LOAD DATA LOCAL`, and with a `sql_mode` that is not strict, it says no more than that. The
/// exception is [`InsertOptions::allow_warnings`].
///
/// What the server means by a value is not a change: NULL in an `AUTO_INCREMENT` column is its next
/// number (0 is 0, whatever the `sql_mode`, which is not changed for that), NULL in a `TIMESTAMP NOT NULL` is the present, 70 in a `YEAR` is 1970, a number is rounded
/// to what a FLOAT or a DOUBLE holds, and a trigger may write what it will. With `EMPTY_STRING_IS_NULL` in
/// `sql_mode` an empty text is NULL, but for one that goes by `LOAD DATA LOCAL`.
///
/// Of what a trigger warns the server tells the number, and no more: that is an error, too. By
/// `LOAD DATA LOCAL` it does not tell even that.
///
/// That it has rounded a DECIMAL the server tells by a note, and not at all where `sql_notes` is 0 in the
/// session.
///
/// # Time
/// The [limit of a call](Connection::with_timeout) is that of the whole insertion, the time that the
/// source of the batches takes included. Undoing has its own.
///
/// # Ways
/// Rows go by [`COM_STMT_BULK_EXECUTE`](https://mariadb.com/docs/server/reference/clientserver-protocol/3-binary-protocol-prepared-statements/com_stmt_bulk_execute),
/// which is the faster way, or by `LOAD DATA LOCAL` out of memory where [`InsertWay`] asks for it, or the
/// server has no bulk, and where the configuration and the server both allow `local_infile`. [`Inserted`] tells which it was, and why not the other. Neither holds more than some
/// megabytes beside the batch that is sent.
pub trait InsertArrow: Sealed + Send {
    /// Inserts the batches of a reader into a table. The reader is run on the task of the caller: one
    /// that reads files blocks it for as long.
    ///
    /// # Errors
    /// [`InsertError`] says what went wrong and what is left behind.
    ///
    /// # Cancel safety
    /// Safe for the connection, and nothing is inserted but what was committed before: see
    /// [above](InsertArrow#all-or-nothing). Whether a commit that was under way was done is not known.
    fn insert_arrow<R: RecordBatchReader + Send>(
        &mut self,
        table: &str,
        batches: R,
        options: impl Into<InsertOptions> + Send,
    ) -> impl Future<Output = Result<Inserted, InsertError>> + Send;

    /// Inserts the batches of a stream, all of `schema`, into a table.
    ///
    /// # Errors
    /// Like [`insert_arrow`](Self::insert_arrow).
    ///
    /// # Cancel safety
    /// Like [`insert_arrow`](Self::insert_arrow).
    fn insert_arrow_stream<S>(
        &mut self,
        table: &str,
        schema: SchemaRef,
        batches: S,
        options: impl Into<InsertOptions> + Send,
    ) -> impl Future<Output = Result<Inserted, InsertError>> + Send
    where
        S: Stream<Item = Result<RecordBatch, ArrowError>> + Send;
}

/// Inserts record batches into a table on a connection of a pool, which has them for as long.
pub trait PoolInsertArrow: Sealed + Sync {
    /// Inserts the batches of a reader: see [`InsertArrow::insert_arrow`].
    ///
    /// # Errors
    /// Like [`InsertArrow::insert_arrow`], and those of [`Pool::get`].
    ///
    /// # Cancel safety
    /// Like [`InsertArrow::insert_arrow`].
    fn insert_arrow<R: RecordBatchReader + Send>(
        &self,
        table: &str,
        batches: R,
        options: impl Into<InsertOptions> + Send,
    ) -> impl Future<Output = Result<Inserted, InsertError>> + Send;

    /// Inserts the batches of a stream: see [`InsertArrow::insert_arrow_stream`].
    ///
    /// # Errors
    /// Like [`InsertArrow::insert_arrow`], and those of [`Pool::get`].
    ///
    /// # Cancel safety
    /// Like [`InsertArrow::insert_arrow`].
    fn insert_arrow_stream<S>(
        &self,
        table: &str,
        schema: SchemaRef,
        batches: S,
        options: impl Into<InsertOptions> + Send,
    ) -> impl Future<Output = Result<Inserted, InsertError>> + Send
    where
        S: Stream<Item = Result<RecordBatch, ArrowError>> + Send;
}

macro_rules! insert_arrow {
    ($($place:ty),+) => {$(
        impl InsertArrow for $place {
            fn insert_arrow<R: RecordBatchReader + Send>(
                &mut self,
                table: &str,
                batches: R,
                options: impl Into<InsertOptions> + Send,
            ) -> impl Future<Output = Result<Inserted, InsertError>> + Send {
                let schema = batches.schema();
                self.insert_arrow_stream(table, schema, Reader(batches), options)
            }

            fn insert_arrow_stream<S>(
                &mut self,
                table: &str,
                schema: SchemaRef,
                batches: S,
                options: impl Into<InsertOptions> + Send,
            ) -> impl Future<Output = Result<Inserted, InsertError>> + Send
            where
                S: Stream<Item = Result<RecordBatch, ArrowError>> + Send,
            {
                // As all calls do, it begins here and not when it is first polled.
                let call = self.begin_calls();
                async move {
                    let batches = pin!(batches);
                    let input = Input::new(schema, batches, call);
                    run::run(self, table, input, options.into()).await
                }
            }
        }
    )+};
}

insert_arrow!(Connection, Transaction<'_>);

impl PoolInsertArrow for Pool {
    async fn insert_arrow<R: RecordBatchReader + Send>(
        &self,
        table: &str,
        batches: R,
        options: impl Into<InsertOptions> + Send,
    ) -> Result<Inserted, InsertError> {
        let mut connection = self.get().await?;
        connection.insert_arrow(table, batches, options).await
    }

    async fn insert_arrow_stream<S>(
        &self,
        table: &str,
        schema: SchemaRef,
        batches: S,
        options: impl Into<InsertOptions> + Send,
    ) -> Result<Inserted, InsertError>
    where
        S: Stream<Item = Result<RecordBatch, ArrowError>> + Send,
    {
        let mut connection = self.get().await?;
        connection
            .insert_arrow_stream(table, schema, batches, options)
            .await
    }
}
