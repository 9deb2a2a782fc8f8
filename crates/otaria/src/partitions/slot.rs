use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;
use otaria_arrow::ArrowOptions;
use otaria_arrow::arrow::array::RecordBatch;
use otaria_arrow::arrow::datatypes::SchemaRef;
use otaria_arrow::partition::Partition;
use otaria_connection::{Error, PoolError};
use otaria_pool::{Pool, PooledConnection};

use super::PartitionError;
use crate::{RecordBatchError, RecordBatchStream};

/// A part that is being read.
pub(super) struct Slot {
    partition: Arc<Partition>,
    state: State,
}

enum State {
    Beginning(Pin<Box<dyn Future<Output = Result<RecordBatchStream<'static>, NotBegun>> + Send>>),
    Reading(RecordBatchStream<'static>),
}

/// Why a part has no batches.
enum NotBegun {
    Failed(RecordBatchError),
    ColumnsChanged,
}

impl From<Error> for NotBegun {
    fn from(error: Error) -> Self {
        Self::Failed(error.into())
    }
}

/// What a part has come to.
pub(super) enum Progress {
    /// It has begun, with this schema.
    Begun(SchemaRef),
    Batch(RecordBatch),
    /// It has been read to its end.
    Ended,
    /// The pool had no connection for it in time.
    NoConnection(RecordBatchError),
}

impl Slot {
    pub(super) fn new(pool: Pool, partition: Arc<Partition>, options: Arc<ArrowOptions>) -> Self {
        let beginning = begin(pool, Arc::clone(&partition), options);
        Self {
            partition,
            state: State::Beginning(Box::pin(beginning)),
        }
    }

    pub(super) const fn partition(&self) -> &Arc<Partition> {
        &self.partition
    }

    pub(super) fn poll(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Result<Progress, PartitionError>> {
        let index = self.partition.index();
        match &mut self.state {
            State::Beginning(beginning) => beginning.as_mut().poll(context).map(|begun| {
                let stream = match begun {
                    Ok(stream) => stream,
                    Err(NotBegun::ColumnsChanged) => {
                        return Err(PartitionError::ColumnsChanged { index });
                    }
                    Err(NotBegun::Failed(error)) if is_timeout_of_pool(&error) => {
                        return Ok(Progress::NoConnection(error));
                    }
                    Err(NotBegun::Failed(error)) => {
                        return Err(PartitionError::Part { index, error });
                    }
                };
                let schema = stream.schema();
                self.state = State::Reading(stream);
                Ok(Progress::Begun(schema))
            }),
            State::Reading(stream) => Pin::new(stream).poll_next(context).map(|next| match next {
                Some(Ok(batch)) => Ok(Progress::Batch(batch)),
                Some(Err(error)) => Err(PartitionError::Part { index, error }),
                None => Ok(Progress::Ended),
            }),
        }
    }
}

const fn is_timeout_of_pool(error: &RecordBatchError) -> bool {
    matches!(error.driver(), Some(Error::Pool(PoolError::Timeout { .. })))
}

/// Begins a part on a connection of the pool; on another one if the first was found closed before
/// anything was sent.
async fn begin(
    pool: Pool,
    partition: Arc<Partition>,
    options: Arc<ArrowOptions>,
) -> Result<RecordBatchStream<'static>, NotBegun> {
    let sql = partition.sql();
    let mut connection = pool.get().await?;
    let is_as_planned = match query(&mut connection, &sql, &partition).await {
        Err(Error::Closed { .. }) => {
            drop(connection);
            connection = pool.get().await?;
            query(&mut connection, &sql, &partition).await?
        }
        begun => begun?,
    };
    if !is_as_planned {
        return Err(NotBegun::ColumnsChanged);
    }
    let batches = RecordBatchStream::of_pooled(connection, &options).await;
    batches.map_err(NotBegun::Failed)
}

/// Begins the statement, and says whether its columns are those that were planned.
async fn query(
    connection: &mut PooledConnection,
    sql: &str,
    partition: &Partition,
) -> Result<bool, Error> {
    let rows = connection.query(sql, ()).await?;
    Ok(partition.is_of_columns(rows.columns()))
}
