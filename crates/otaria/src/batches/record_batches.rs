use std::fmt;
use std::sync::Arc;

use otaria_arrow::arrow::array::RecordBatch;
use otaria_arrow::arrow::datatypes::SchemaRef;
use otaria_arrow::{ArrowOptions, DecodeError, RecordBatchDecoder, RowForm};
use otaria_connection::{Chunk, Error, Rows};

use super::reading::{Reading, Source};
use crate::{RecordBatchError, RecordBatchStream};

/// The rows of a result as record batches: see [`QueryArrow::query_arrow`](crate::QueryArrow::query_arrow).
///
/// A batch is made of what has been received; the connection is read from again only when all of
/// that is decoded and the batch is not full. Where the statement ends with an error, the rows that
/// came before it are a batch of their own in front of it.
///
/// What is not read is left to the connection's [next
/// call](crate::Connection#cancel-safety).
pub struct RecordBatches<'c> {
    reading: Box<Reading<Rows<'c>>>,
    options: ArrowOptions,
}

impl<'c> RecordBatches<'c> {
    /// Batches of the current result of `rows`, whichever call it comes from: one by the text
    /// protocol, by a cursor, of a procedure. Rows that were read before are not in them.
    ///
    /// ```no_run
    /// # use otaria::{ArrowOptions, Connection, RecordBatchError, RecordBatches};
    /// # async fn text(mut connection: Connection) -> Result<(), RecordBatchError> {
    /// let rows = connection.simple_query("SHOW PROCESSLIST").await?;
    /// let mut batches = RecordBatches::from_rows(rows, &ArrowOptions::default()).await?;
    /// while let Some(batch) = batches.next().await? {
    ///     println!("{} rows", batch.num_rows());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// This waits for the first batch if there is a column of geometries whose SRID the options do
    /// not name, and for nothing else.
    ///
    /// # Errors
    /// [`RecordBatchError::Decode`] if the options ask of a column what it cannot be, and where this
    /// waits for the first batch those of [`next`](Self::next).
    ///
    /// # Cancel safety
    /// Safe for the connection. The rows are left to its [next
    /// call](crate::Connection#cancel-safety).
    pub async fn from_rows(
        rows: Rows<'c>,
        options: &ArrowOptions,
    ) -> Result<Self, RecordBatchError> {
        Ok(Self {
            reading: Box::new(Reading::new(rows, options).await?),
            options: options.clone(),
        })
    }

    /// The schema of all batches; without fields if the statement has no rows, such as an INSERT.
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(self.reading.schema())
    }

    /// The next batch, or `None` behind the last and behind an error. It has at least one row.
    ///
    /// # Errors
    /// [`RecordBatchError::Decode`], with the row and the column, if a cell has no value in its
    /// column's type. The rows of that batch are lost; the connection stays usable.
    /// [`RecordBatchError::Driver`] with the errors of [`Rows::next`].
    ///
    /// # Cancel safety
    /// Safe. No row is lost: the next call goes on where this one was.
    pub async fn next(&mut self) -> Result<Option<RecordBatch>, RecordBatchError> {
        self.reading.next().await
    }

    /// How many rows the batches have had so far.
    pub fn rows(&self) -> u64 {
        self.reading.rows()
    }

    /// How many values have become NULL because the options say so: dates that no calendar has, and
    /// times that are none of a day.
    pub fn values_made_null(&self) -> u64 {
        self.reading.values_made_null()
    }

    /// Goes to the next result of the statement, such as a procedure's, and says whether there is
    /// one. Its schema is another, and the counts begin anew. Batches of the current one that have
    /// not been read are thrown away.
    ///
    /// # Errors
    /// Those of [`Rows::next_result_set`] and of [`from_rows`](Self::from_rows).
    ///
    /// # Cancel safety
    /// Safe. Call it again to go on: no result is passed over.
    pub async fn next_result_set(&mut self) -> Result<bool, RecordBatchError> {
        self.reading.next_result_set(&self.options).await
    }

    /// The batches of the current result as a [`Stream`](futures_core::Stream). Further results of the
    /// statement are left to the connection's [next call](crate::Connection#cancel-safety).
    pub fn into_stream(self) -> RecordBatchStream<'c> {
        RecordBatchStream::of_rows(*self.reading)
    }
}

impl Source for Rows<'_> {
    fn decoder(
        &mut self,
        options: &ArrowOptions,
    ) -> Result<(RecordBatchDecoder, RowForm), DecodeError> {
        decoder(self, options)
    }

    fn with_received<T>(&mut self, take: impl FnOnce(Chunk<'_>) -> T) -> Result<Option<T>, Error> {
        Ok(self.try_next_chunk()?.map(take))
    }

    async fn wait(&mut self) -> Result<(), Error> {
        // The rows that are not taken out of a chunk are in the next one.
        self.next_chunk().await.map(drop)
    }

    fn is_at_end(&mut self) -> bool {
        Rows::is_at_end(self)
    }
}

/// A decoder for the current result of `rows`, and their form.
pub(super) fn decoder(
    rows: &Rows<'_>,
    options: &ArrowOptions,
) -> Result<(RecordBatchDecoder, RowForm), DecodeError> {
    let form = if rows.is_binary() {
        RowForm::Binary
    } else {
        RowForm::Text
    };
    // A statement without rows has none of the columns that the options may name.
    if rows.columns().is_empty() {
        let decoder = RecordBatchDecoder::try_new(&[], &ArrowOptions::default())?;
        return Ok((decoder, form));
    }
    let time_zone_name = rows.session_state().system_variable("time_zone");
    let options = options.in_session(rows.context(), time_zone_name);
    let decoder = RecordBatchDecoder::try_new(rows.columns(), &options)?;
    Ok((decoder, form))
}

impl fmt::Debug for RecordBatches<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordBatches")
            .field("rows", &self.rows())
            .finish_non_exhaustive()
    }
}
