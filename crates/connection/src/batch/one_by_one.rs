//! One execution a row, sent ahead of the answers to those before.

use std::future::poll_fn;
use std::task::Poll;

use otaria_codec::InvalidPacket;
use otaria_session::{BatchWay, BulkParameters, Error, Queued, ServerError, TransactionWatch};
use otaria_types::{CellError, Params};

use super::UnitResult;
use super::run::{Answer, Run};
use super::source::Source;
use crate::deadline::until;

impl<R: Source> Run<'_, '_, R> {
    /// Executes `taken`, rows that have been encoded already, and all others one by one.
    pub(super) async fn one_by_one(&mut self, taken: Option<&BulkParameters>) -> Result<(), Error> {
        self.tally.executed.way = BatchWay::Pipelined;
        let as_text = !self.prepare().await?;
        let result = self.execute_rows(taken, as_text).await;
        // What was sent ahead is answered, whatever is wrong with a row; unless the time is over, and
        // the answers were thrown away.
        let is_over = matches!(result, Err(Error::Timeout { .. }));
        if self.connection.close_reason().is_none() && !is_over {
            self.settle_to(0).await?;
        }
        result
    }

    async fn execute_rows(
        &mut self,
        taken: Option<&BulkParameters>,
        as_text: bool,
    ) -> Result<(), Error> {
        if let Some(taken) = taken {
            let mut row = Vec::with_capacity(taken.parameters());
            for value in taken.values() {
                row.push(value.map_err(unreadable)?);
                if row.len() == taken.parameters() {
                    self.execute_row(&row, as_text).await?;
                    row.clear();
                }
            }
        }
        while let Some(row) = self.next_row().await? {
            self.execute_row(&row, as_text).await?;
        }
        Ok(())
    }

    /// The next row. What is queued is sent before it is waited for, and answered.
    async fn next_row(&mut self) -> Result<Option<R::Row>, Error> {
        let polled = poll_fn(|context| {
            Poll::Ready(match self.poll_row(context) {
                Poll::Ready(row) => Some(row),
                Poll::Pending => None,
            })
        });
        if let Some(row) = polled.await {
            return row;
        }
        self.settle_to(0).await?;
        let limit = self.connection.call_limit();
        match until(limit, poll_fn(|context| self.poll_row(context))).await {
            Some(row) => row,
            None => Err(self.connection.call_timed_out().await),
        }
    }

    /// Prepares the statement; `false` if it goes as text.
    async fn prepare(&mut self) -> Result<bool, Error> {
        if self.target.statement.is_some() {
            return Ok(true);
        }
        let is_text = !self.connection.config.server_prepared_statements();
        if is_text && !self.target.is_statement() {
            return Ok(false);
        }
        let Some(statement) = self.connection.session.prepare(self.target.sql())? else {
            return match self.connection.prepared().await? {
                Ok(statement) => {
                    self.target.statement = Some(statement);
                    Ok(true)
                }
                Err(error) if Answer::NotPrepared(error.clone()).is_unsupported() => Ok(false),
                Err(error) => Err(Error::Server(error)),
            };
        };
        self.target.statement = Some(statement);
        Ok(true)
    }

    /// Queues the execution of a row, and sends and reads so much that neither side's queue grows
    /// beyond its limit.
    async fn execute_row(&mut self, row: &impl Params, as_text: bool) -> Result<(), Error> {
        self.connection.session.check_transaction()?;
        let mut queued = self.queue_row(row, as_text);
        if matches!(queued, Err(Error::Params(_) | Error::Place(_))) && self.tally.in_flight > 0 {
            // Points in time and literals are sent only while nothing is under way that may change
            // the zone or the character set.
            self.settle_to(0).await?;
            queued = self.queue_row(row, as_text);
        }
        if matches!(queued, Ok(Queued::Prepare)) {
            // Its answer comes behind those to the rows.
            self.settle_to(0).await?;
            queued = match self.connection.prepared().await? {
                Ok(statement) => {
                    self.target.statement = Some(statement);
                    self.queue_row(row, as_text)
                }
                Err(error) => Err(Error::Server(error)),
            };
        }
        if let Err(error) = queued {
            self.tally.row = Some(self.tally.answered() + self.tally.in_flight);
            return Err(error);
        }
        self.tally.in_flight += 1;
        if self.connection.session.unwritten().len() >= MAX_QUEUED_BYTES {
            self.connection.send_queued().await?;
        }
        let ahead = if self.would_commit() {
            0
        } else {
            MAX_IN_FLIGHT - 1
        };
        self.settle_to(ahead).await
    }

    /// Whether rows that are sent ahead would be committed, each by itself, behind an error that ends
    /// the transaction, such as a deadlock: no `ROLLBACK` would undo them. Where `autocommit` is off,
    /// they would begin another transaction, which would be taken for the one that is watched.
    fn would_commit(&self) -> bool {
        let session = &self.connection.session;
        let status = session.state().status();
        let is_watched = session.transaction() != TransactionWatch::Outside;
        is_watched || status.is_in_transaction() && status.is_autocommit()
    }

    fn queue_row(&mut self, row: &impl Params, as_text: bool) -> Result<Queued, Error> {
        let session = &mut self.connection.session;
        let params = self.target.params(row)?;
        if as_text {
            session.query_with_literals(self.target.sql(), &params)?;
            return Ok(Queued::Execute);
        }
        session.execute(self.target.executable(), &params)
    }

    /// Reads answers until no more than so many rows are without one.
    async fn settle_to(&mut self, in_flight: u64) -> Result<(), Error> {
        while self.tally.in_flight > in_flight {
            if let Some(error) = self.read_row_answer().await? {
                self.tally.row = Some(self.tally.answered() - 1);
                self.stop().await?;
                return Err(Error::Server(error));
            }
        }
        Ok(())
    }

    /// Takes back what was not sent, and reads the answers to what was.
    async fn stop(&mut self) -> Result<(), Error> {
        let due = self.connection.session.responses_due();
        self.connection.session.abandon();
        let withdrawn = due.saturating_sub(self.connection.session.responses_due());
        let withdrawn = u64::try_from(withdrawn).unwrap_or(u64::MAX);
        self.tally.take_back(withdrawn);
        while self.tally.in_flight > 0 {
            self.read_row_answer().await?;
        }
        Ok(())
    }

    /// Reads the answer to the row that is next to be answered, and returns the error that it is.
    async fn read_row_answer(&mut self) -> Result<Option<ServerError>, Error> {
        let due = self.connection.session.responses_due().saturating_sub(1);
        match self.read_answer(due).await? {
            Answer::Done(executed) => {
                if self.options.unit_results {
                    self.tally.executed.unit_results.push(UnitResult {
                        last_insert_id: executed.last_insert_id,
                        affected_rows: executed.affected_rows,
                    });
                }
                self.tally.confirm(1, &executed);
                Ok(None)
            }
            Answer::Refused(error) | Answer::NotPrepared(error) => {
                self.tally.refuse(1, false);
                Ok(Some(error))
            }
        }
    }
}

/// The error for parameters that were encoded here and cannot be read.
fn unreadable(error: CellError) -> Error {
    match error {
        CellError::InvalidPacket(invalid) => Error::InvalidRow(invalid),
        CellError::FromSql(_) => Error::InvalidRow(InvalidPacket::Field {
            packet: "bulk parameters",
            field: "value",
            value: 0,
        }),
    }
}

/// How many rows are sent ahead of their answers at most.
const MAX_IN_FLIGHT: u64 = 256;

/// How many bytes are queued at most, but for the last row, before they are sent.
const MAX_QUEUED_BYTES: usize = 1024 * 1024;
