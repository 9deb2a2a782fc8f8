use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use otaria_arrow::arrow::array::{RecordBatch, RecordBatchReader};
use otaria_arrow::arrow::datatypes::SchemaRef;
use otaria_arrow::arrow::error::ArrowError;
use otaria_arrow::write::{BatchRow, BatchRows, WritePlan};
use otaria_connection::CallLimit;

use super::InsertErrorKind;

/// The batches of a reader, which are there when they are asked for.
pub(super) struct Reader<R>(pub(super) R);

impl<R: RecordBatchReader> Stream for Reader<R> {
    type Item = Result<RecordBatch, ArrowError>;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        // A reader is nothing that would have to stay where it is.
        Poll::Ready(self.get_mut().0.next())
    }
}

impl<R> Unpin for Reader<R> {}

/// The batches that are to be inserted, and how far they are.
pub(super) struct Input<'a> {
    pub(super) schema: SchemaRef,
    /// What limits the insertion.
    pub(super) call: CallLimit,
    batches: Pin<&'a mut (dyn Stream<Item = Result<RecordBatch, ArrowError>> + Send)>,
    has_ended: bool,
    /// The batch whose rows are being sent.
    rows: Option<Arc<BatchRows>>,
    /// The next of its rows.
    row: usize,
    /// How many rows there were in all batches.
    pub(super) pulled: u64,
    /// How many batches may be begun before a commit.
    allowance: u64,
    /// How many values are sent other than they are.
    pub(super) changed: u64,
    /// Why there are no more.
    pub(super) failure: Option<InsertErrorKind>,
}

/// Where rows are sent from next, and how.
pub(super) struct Rows<'i, 'a> {
    pub(super) input: &'i mut Input<'a>,
    pub(super) plan: &'i WritePlan,
    /// Whether values may be sent other than they are, and are counted.
    pub(super) counts: bool,
}

/// Where the next row is.
pub(super) struct Next {
    pub(super) rows: Arc<BatchRows>,
    /// Its place in the batch.
    pub(super) row: usize,
}

/// The source has failed; what has happened is kept where it can be told.
#[derive(Debug, thiserror::Error)]
#[error("there are no more record batches")]
pub(super) struct Failed;

impl<'a> Input<'a> {
    pub(super) fn new(
        schema: SchemaRef,
        batches: Pin<&'a mut (dyn Stream<Item = Result<RecordBatch, ArrowError>> + Send)>,
        call: CallLimit,
    ) -> Self {
        Self {
            schema,
            call,
            batches,
            has_ended: false,
            rows: None,
            row: 0,
            pulled: 0,
            allowance: 0,
            changed: 0,
            failure: None,
        }
    }
}

impl Input<'_> {
    /// How many rows have been taken.
    pub(super) fn sent(&self) -> u64 {
        let ahead = self.rows.as_ref().map_or(0, |rows| rows.len() - self.row);
        self.pulled - u64::try_from(ahead).unwrap_or_default()
    }
}

impl Rows<'_, '_> {
    /// Whether there is another row; then so many more batches may be begun.
    pub(super) async fn has_more(&mut self, batches: u64) -> Result<bool, InsertErrorKind> {
        self.input.allowance = batches;
        let found = poll_fn(|context| self.poll_rows(context)).await;
        match found {
            Ok(rows) => Ok(rows.is_some()),
            Err(Failed) => Err(self.take_failure()),
        }
    }

    /// What has happened, if the source has failed.
    pub(super) fn take_failure(&mut self) -> InsertErrorKind {
        let failure = self.input.failure.take();
        failure
            .unwrap_or_else(|| InsertErrorKind::Source(ArrowError::ExternalError(Box::new(Failed))))
    }

    /// The next row, or `None` where there is none before a commit.
    pub(super) fn poll_rows(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Result<Option<Next>, Failed>> {
        loop {
            let input = &mut *self.input;
            if let Some(rows) = &input.rows {
                if input.row < rows.len() {
                    let (rows, row) = (Arc::clone(rows), input.row);
                    return Poll::Ready(Ok(Some(Next { rows, row })));
                }
                input.rows = None;
            }
            if input.has_ended || input.allowance == 0 {
                return Poll::Ready(Ok(None));
            }
            let failure = match ready!(input.batches.as_mut().poll_next(context)) {
                None => {
                    input.has_ended = true;
                    continue;
                }
                Some(Ok(batch)) => match self.begin(&batch) {
                    Ok(()) => continue,
                    Err(failure) => failure,
                },
                Some(Err(error)) => InsertErrorKind::Source(error),
            };
            self.input.has_ended = true;
            self.input.failure = Some(failure);
            return Poll::Ready(Err(Failed));
        }
    }

    /// Goes on with the next batch.
    fn begin(&mut self, batch: &RecordBatch) -> Result<(), InsertErrorKind> {
        let input = &mut *self.input;
        let rows = self.plan.rows(batch, input.pulled)?;
        if self.counts {
            input.changed += rows.changed_values();
        }
        input.pulled += u64::try_from(rows.len()).unwrap_or(u64::MAX);
        input.allowance -= 1;
        input.row = 0;
        input.rows = Some(Arc::new(rows));
        Ok(())
    }

    /// The batch of the row that was given last, and its place in it.
    pub(super) fn last(&self) -> Option<(&BatchRows, usize)> {
        let rows = self.input.rows.as_ref()?;
        Some((rows, self.input.row.checked_sub(1)?))
    }

    /// So many rows have been taken.
    pub(super) const fn take(&mut self, rows: usize) {
        self.input.row += rows;
    }
}

/// The rows, one by one.
impl Stream for Rows<'_, '_> {
    type Item = Result<BatchRow, Failed>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let input = &mut *self.input;
        if let Some(rows) = &input.rows
            && let Some(row) = BatchRow::new(rows, input.row)
        {
            input.row += 1;
            return Poll::Ready(Some(Ok(row)));
        }
        let found = match ready!(self.poll_rows(context)) {
            Ok(found) => found,
            Err(failed) => return Poll::Ready(Some(Err(failed))),
        };
        let row = found.and_then(|next| BatchRow::new(&next.rows, next.row));
        self.take(1);
        Poll::Ready(row.map(Ok))
    }
}
