use std::future::poll_fn;
use std::task::{Context, Poll, ready};

use otaria_codec::FieldType;
use otaria_session::{
    BatchWay, Error, Event, Executed, LocalInfileError, PacketRange, ServerError,
};

use super::commands::Command;
use super::source::Source;
use super::tally::Tally;
use super::target::Target;
use super::{Batch, BatchExecuted, Options, UnitResult};
use crate::Connection;
use crate::deadline::until;
use crate::statements::CANNOT_BE_PREPARED;

/// A batch under way.
pub(super) struct Run<'c, 's, R: Source> {
    pub(super) connection: &'c mut Connection,
    pub(super) target: Target<'s>,
    pub(super) options: Options,
    pub(super) source: R,
    /// Whether it has given its last row.
    pub(super) has_ended: bool,
    /// The row that was pulled last, if it is in no command yet.
    pub(super) row: Option<R::Row>,
    pub(super) tally: Tally,
}

/// What the server has answered to a command.
pub(super) enum Answer {
    Done(Executed),
    Refused(ServerError),
    /// The statement cannot be prepared; nothing was executed.
    NotPrepared(ServerError),
}

impl Answer {
    /// Whether the statement cannot be executed in this way, and nothing was.
    pub(super) const fn is_unsupported(&self) -> bool {
        match self {
            Self::Done(_) => false,
            Self::Refused(error) | Self::NotPrepared(error) => error.code() == CANNOT_BE_PREPARED,
        }
    }
}

/// Executes a batch, as a part of a call.
pub(super) async fn run<R: Source>(
    batch: Batch<'_, '_>,
    mut source: R,
) -> Result<BatchExecuted, Error> {
    let Batch {
        connection,
        executable,
        options,
    } = batch;
    connection.ready_within_call().await?;
    let mut tally = Tally::new();
    let limit = connection.call_limit();
    let Some(first) = until(limit, poll_fn(|context| source.poll_row(context))).await else {
        return Err(tally.error(connection.call_timed_out().await));
    };
    let row = match first {
        None => return Ok(tally.executed),
        Some(Err(error)) => return Err(tally.error(Error::BatchRows(error))),
        Some(Ok(row)) => row,
    };
    tally.pulled = 1;
    let target = match Target::new(executable, &row) {
        Ok(target) => target,
        Err(error) => return Err(tally.error(error)),
    };
    let mut run = Run {
        connection,
        target,
        options,
        source,
        has_ended: false,
        row: Some(row),
        tally,
    };
    match run.execute().await {
        Ok(()) => Ok(run.tally.executed),
        Err(error) => Err(run.tally.error(error)),
    }
}

impl<R: Source> Run<'_, '_, R> {
    async fn execute(&mut self) -> Result<(), Error> {
        let executable = self.target.executable();
        self.target.statement = self.connection.session.prepared(executable)?;
        if self.goes_in_bulk() {
            let command = Command::bulk(&self.connection.session);
            return self.in_commands(command).await;
        }
        if self.options.multi_row_values && !self.options.unit_results {
            self.tally.executed.way = BatchWay::MultiRow;
            let insert = self
                .connection
                .session
                .multi_row_insert(self.target.sql())?;
            return self.in_commands(Command::MultiRow(insert)).await;
        }
        self.one_by_one(None).await
    }

    fn goes_in_bulk(&self) -> bool {
        let session = &self.connection.session;
        let is_prepared =
            self.target.is_statement() || self.connection.config.server_prepared_statements();
        self.options.bulk
            && is_prepared
            && session.can_execute_bulk()
            && (!self.needs_unit_results() || session.has_unit_results())
            // A row that is found and not changed counts as a changed one, with an ID of another.
            && !(self.connection.config.found_rows()
                && self.needs_unit_results()
                && self.target.may_skip_rows())
    }

    /// Whether the batch goes in bulk only with unit results. Without them the ID that a server tells
    /// may be that of a row which was there before, and was updated.
    pub(super) fn needs_unit_results(&self) -> bool {
        let matters = self.options.last_insert_id;
        self.options.unit_results || matters && self.target.may_update_duplicates()
    }

    /// The next row that is in no command, or `None` after the last.
    #[inline]
    pub(super) fn poll_row(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Result<Option<R::Row>, Error>> {
        if let Some(row) = self.row.take() {
            return Poll::Ready(Ok(Some(row)));
        }
        if self.has_ended {
            return Poll::Ready(Ok(None));
        }
        Poll::Ready(match ready!(self.source.poll_row(context)) {
            Some(Ok(row)) => {
                self.tally.pulled += 1;
                Ok(Some(row))
            }
            Some(Err(error)) => Err(Error::BatchRows(error)),
            None => {
                self.has_ended = true;
                Ok(None)
            }
        })
    }

    /// Reads answers until so many responses are due, and says what the last command did.
    pub(super) async fn read_answer(&mut self, due: usize) -> Result<Answer, Error> {
        self.connection.check_whole()?;
        let mut answer = Answer::Done(Executed::default());
        let mut in_units = false;
        self.tally.units.clear();
        while self.connection.session.responses_due() > due {
            match self.connection.event().await? {
                Event::Prepared(statement) => self.target.statement = Some(statement),
                Event::Ok(done) | Event::ResultSetEnd(done) => {
                    in_units = false;
                    if let Answer::Done(executed) = &mut answer {
                        add(executed, &done);
                    }
                }
                Event::ResultSet => {
                    // Those of the rows that the statement returns come before.
                    self.tally.units.clear();
                    in_units = self.is_in_units();
                }
                Event::Row(row) if in_units => self.read_unit(row)?,
                Event::Err(error) => answer = Answer::Refused(error),
                Event::NotPrepared(error) => answer = Answer::NotPrepared(error),
                Event::LocalInfileRefused => {
                    return Err(Error::LocalInfile(LocalInfileError::NotAttached));
                }
                // A row of no interest, or an event of a login, which is over.
                _ => {}
            }
        }
        Ok(answer)
    }

    /// Whether the result set is that of unit results.
    fn is_in_units(&self) -> bool {
        let columns = self.connection.session.columns();
        let is = |index: usize, name| {
            columns.get(index).is_some_and(|column| {
                column.name() == name && column.field_type() == FieldType::LongLong
            })
        };
        let asked = self.needs_unit_results() && self.tally.executed.way == BatchWay::Bulk;
        asked && columns.len() == 2 && is(0, "Id") && is(1, "Affected_rows")
    }

    fn read_unit(&mut self, row: PacketRange) -> Result<(), Error> {
        let (id, affected_rows): (u64, u64) = self.connection.session.row(row).read()?;
        self.tally.units.push(UnitResult {
            // The server tells the ID of another row for one that it has left as it was.
            last_insert_id: if affected_rows == 0 { 0 } else { id },
            affected_rows,
        });
        let found = self.tally.units.len();
        if u64::try_from(found).is_ok_and(|found| found <= self.tally.in_flight) {
            return Ok(());
        }
        let error = self.connection.session.unit_results_miscounted(found);
        Err(self.connection.closed(error))
    }
}

/// Adds what one of a command's results did to what those before did.
fn add(executed: &mut Executed, done: &Executed) {
    executed.affected_rows = executed.affected_rows.saturating_add(done.affected_rows);
    executed.warnings = executed.warnings.max(done.warnings);
    if executed.last_insert_id == 0 {
        executed.last_insert_id = done.last_insert_id;
    }
}
