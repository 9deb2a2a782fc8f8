//! Rows on their way into batches.

use std::future::Future;

use otaria_arrow::arrow::array::RecordBatch;
use otaria_arrow::arrow::datatypes::SchemaRef;
use otaria_arrow::{ArrowOptions, DecodeError, RecordBatchDecoder, RowForm};
use otaria_connection::{Chunk, Error, Rows};

use crate::RecordBatchError;

/// What rows are read from.
pub(super) trait Source: Send {
    /// A decoder for the rows of the current result, and their form.
    fn decoder(
        &mut self,
        options: &ArrowOptions,
    ) -> Result<(RecordBatchDecoder, RowForm), DecodeError>;

    /// Passes on the rows that have been received, if any have.
    fn with_received<T>(&mut self, take: impl FnOnce(Chunk<'_>) -> T) -> Result<Option<T>, Error>;

    /// Waits until more have been received, or their end.
    fn wait(&mut self) -> impl Future<Output = Result<(), Error>> + Send;

    /// Whether the rows have been read to their end.
    fn is_at_end(&mut self) -> bool;
}

/// The rows of one result that are being read. It is what a dropped future leaves as it is.
pub(super) struct Reading<S> {
    pub(super) source: S,
    decoder: RecordBatchDecoder,
    form: RowForm,
    /// The first batch, if it had to be made for the schema.
    ahead: Option<RecordBatch>,
    /// No more rows are to be taken from the source.
    is_at_end: bool,
    /// What ended the rows, behind those of the batch that was begun.
    failed: Option<Error>,
    rows: u64,
}

impl<S: Source> Reading<S> {
    /// Begins with the current result. Waits for the first batch if the schema depends on it.
    pub(super) async fn new(
        mut source: S,
        options: &ArrowOptions,
    ) -> Result<Self, RecordBatchError> {
        let (decoder, form) = source.decoder(options)?;
        let mut reading = Self {
            source,
            decoder,
            form,
            ahead: None,
            is_at_end: false,
            failed: None,
            rows: 0,
        };
        reading.settle_schema().await?;
        Ok(reading)
    }

    async fn settle_schema(&mut self) -> Result<(), RecordBatchError> {
        if !self.decoder.is_schema_final() {
            self.ahead = self.read().await?;
        }
        Ok(())
    }

    pub(super) const fn schema(&self) -> &SchemaRef {
        self.decoder.schema()
    }

    pub(super) const fn rows(&self) -> u64 {
        self.rows
    }

    pub(super) fn values_made_null(&self) -> u64 {
        self.decoder.values_made_null()
    }

    pub(super) async fn next(&mut self) -> Result<Option<RecordBatch>, RecordBatchError> {
        loop {
            if let Some(next) = self.take() {
                return next;
            }
            self.wait().await;
        }
    }

    /// The next batch, or `None` behind the last, if what has been received makes it full or is the
    /// end.
    pub(super) fn take(&mut self) -> Option<Result<Option<RecordBatch>, RecordBatchError>> {
        let next = match self.ahead.take() {
            Some(batch) => Ok(Some(batch)),
            None => self.decode()?,
        };
        if let Ok(Some(batch)) = &next {
            self.rows += u64::try_from(batch.num_rows()).unwrap_or_default();
        }
        Some(next)
    }

    /// Waits until [`take`](Self::take) has something to look at.
    pub(super) async fn wait(&mut self) {
        if let Err(error) = self.source.wait().await {
            self.fail(error);
        }
    }

    async fn read(&mut self) -> Result<Option<RecordBatch>, RecordBatchError> {
        loop {
            if let Some(next) = self.decode() {
                return next;
            }
            self.wait().await;
        }
    }

    fn decode(&mut self) -> Option<Result<Option<RecordBatch>, RecordBatchError>> {
        while !self.is_at_end && !self.decoder.is_full() {
            let (decoder, form) = (&mut self.decoder, self.form);
            let decode = |chunk: Chunk<'_>| decoder.decode(form, chunk.payloads());
            match self.source.with_received(decode) {
                Ok(Some(Ok(_))) => {}
                Ok(Some(Err(error))) => {
                    self.is_at_end = true;
                    return Some(Err(error.into()));
                }
                Ok(None) if self.source.is_at_end() => self.is_at_end = true,
                Ok(None) => return None,
                Err(error) => self.fail(error),
            }
        }
        Some(self.flush())
    }

    fn flush(&mut self) -> Result<Option<RecordBatch>, RecordBatchError> {
        match self.decoder.flush() {
            Ok(None) => self
                .failed
                .take()
                .map_or(Ok(None), |error| Err(error.into())),
            Ok(batch) => Ok(batch),
            Err(error) => {
                self.is_at_end = true;
                self.failed = None;
                Err(error.into())
            }
        }
    }

    fn fail(&mut self, error: Error) {
        self.is_at_end = true;
        self.failed = Some(error);
    }
}

impl<'c> Reading<Rows<'c>> {
    /// Gives up what is left of the current result and goes to the next one, if there is one.
    pub(super) async fn next_result_set(
        &mut self,
        options: &ArrowOptions,
    ) -> Result<bool, RecordBatchError> {
        self.is_at_end = true;
        self.failed = None;
        self.ahead = None;
        // What was begun of a batch.
        self.decoder.flush().map(drop).unwrap_or_default();
        if !self.source.next_result_set().await? {
            return Ok(false);
        }
        (self.decoder, self.form) = self.source.decoder(options)?;
        self.is_at_end = false;
        self.rows = 0;
        self.settle_schema().await?;
        Ok(true)
    }

    /// The same, read from what the rows become.
    pub(super) fn map<S>(self, source: impl FnOnce(Rows<'c>) -> S) -> Reading<S> {
        Reading {
            source: source(self.source),
            decoder: self.decoder,
            form: self.form,
            ahead: self.ahead,
            is_at_end: self.is_at_end,
            failed: self.failed,
            rows: self.rows,
        }
    }
}
