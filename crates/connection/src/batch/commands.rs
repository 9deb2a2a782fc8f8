//! Many rows in each command.

use std::future::poll_fn;
use std::task::{Context, Poll, ready};

use otaria_session::{
    BatchWay, BulkParameters, Error, Executed, MultiRowInsert, Push, Queued, Session,
};
use otaria_types::{Params, ParamsError};

use super::run::{Answer, Run};
use super::source::Source;
use crate::Connection;
use crate::deadline::until;
use crate::rows::Rows;

/// A command that rows are encoded into.
pub(super) enum Command {
    Bulk(BulkParameters),
    MultiRow(MultiRowInsert),
}

/// Why no more rows go into a command.
enum Filled {
    /// The next row goes into the next one.
    Full,
    /// There are no more.
    End,
    /// How long it may be has to be asked first.
    LimitIsUnknown,
    /// The rows have no parameters.
    NoParameters,
}

impl Command {
    pub(super) fn bulk(session: &Session) -> Self {
        let mut parameters = BulkParameters::new();
        parameters.set_time_zone(session.state().time_zone());
        Self::Bulk(parameters)
    }

    #[inline]
    fn push(&mut self, row: &impl Params, limit_bytes: usize) -> Result<Push, Error> {
        match self {
            Self::Bulk(parameters) => Ok(parameters.push(row, limit_bytes)?),
            Self::MultiRow(insert) => insert.push(row, limit_bytes),
        }
    }

    const fn rows(&self) -> usize {
        match self {
            Self::Bulk(parameters) => parameters.rows(),
            Self::MultiRow(insert) => insert.rows(),
        }
    }

    fn clear(&mut self) {
        match self {
            Self::Bulk(parameters) => parameters.clear(),
            Self::MultiRow(insert) => insert.clear(),
        }
    }
}

/// How long the payload of a command may be.
#[derive(Clone, Copy)]
struct Limits {
    /// With several rows.
    several: usize,
    /// With one row.
    one: usize,
    /// Whether the server may take more, and has not been asked.
    unknown: bool,
}

impl<R: Source> Run<'_, '_, R> {
    /// Executes the rows in commands, of which the next is encoded while the server works on one.
    pub(super) async fn in_commands(&mut self, mut command: Command) -> Result<(), Error> {
        let mut is_first = true;
        loop {
            let limits = self.limits();
            let limit = self.connection.call_limit();
            let fill = poll_fn(|context| self.poll_fill(&mut command, limits, context));
            let Some(filled) = until(limit, fill).await else {
                return Err(self.connection.call_timed_out().await);
            };
            self.settle().await?;
            if self.is_stopped() {
                return Ok(());
            }
            let ends = match self.of_last_row(filled)? {
                Filled::LimitIsUnknown => {
                    self.connection.ask_max_allowed_packet().await?;
                    continue;
                }
                Filled::NoParameters => return self.one_by_one(None).await,
                Filled::Full => false,
                Filled::End => true,
            };
            if command.rows() > 0 {
                let is_sent = self.send(&mut command).await?;
                // Until the server has taken one, the rows may have to be sent in another way.
                if std::mem::take(&mut is_first)
                    && let Command::Bulk(rows) = &command
                    && !(is_sent && self.is_taken().await?)
                {
                    return self.one_by_one(Some(rows)).await;
                }
                command.clear();
            }
            if ends {
                return self.settle().await;
            }
        }
    }

    /// Whether a command had warnings behind which no more is sent.
    const fn is_stopped(&self) -> bool {
        self.options.stop_at_warnings && self.tally.executed.warnings > 0
    }

    /// `filled`, which is about the row that was pulled last if it is an error.
    fn of_last_row(&mut self, filled: Result<Filled, Error>) -> Result<Filled, Error> {
        if matches!(&filled, Err(error) if !matches!(error, Error::BatchRows(_))) {
            self.tally.row = self.tally.pulled.checked_sub(1);
        }
        filled
    }

    fn limits(&self) -> Limits {
        let several = self.options.max_command_bytes;
        let (one, unknown) = match self.connection.session.max_allowed_packet() {
            // A payload of exactly so many bytes is refused.
            Some(bytes) => (bytes.saturating_sub(1), false),
            None => (ALWAYS_TAKEN_BYTES, true),
        };
        Limits {
            several: several.min(one),
            one,
            unknown,
        }
    }

    /// Encodes rows into `command` until it is full.
    fn poll_fill(
        &mut self,
        command: &mut Command,
        limits: Limits,
        context: &mut Context<'_>,
    ) -> Poll<Result<Filled, Error>> {
        loop {
            let Some(row) = ready!(self.poll_row(context))? else {
                return Poll::Ready(Ok(Filled::End));
            };
            let params = self.target.params(&row)?;
            let push = match command.push(&params, limits.several) {
                Err(Error::Params(ParamsError::RowTooLong { .. })) => {
                    command.push(&params, limits.one)
                }
                push => push,
            };
            let filled = match push {
                Ok(Push::Taken) => continue,
                Ok(Push::Full) if limits.unknown && limits.several == limits.one => {
                    Filled::LimitIsUnknown
                }
                Ok(Push::Full | Push::TypesDiffer) => Filled::Full,
                Err(Error::Params(ParamsError::RowTooLong { .. })) if limits.unknown => {
                    Filled::LimitIsUnknown
                }
                Err(Error::Params(ParamsError::NoParameters)) => Filled::NoParameters,
                Err(error) => return Poll::Ready(Err(error)),
            };
            self.row = Some(row);
            return Poll::Ready(Ok(filled));
        }
    }

    /// Sends a command. `false` if its statement cannot be prepared, and nothing was executed.
    async fn send(&mut self, command: &mut Command) -> Result<bool, Error> {
        self.connection.session.check_transaction()?;
        let rows = u64::try_from(command.rows()).unwrap_or(u64::MAX);
        match command {
            Command::Bulk(parameters) => {
                if self.queue_bulk(parameters)? == Queued::Prepare {
                    match self.read_answer(0).await? {
                        Answer::Done(_) => {}
                        answer if answer.is_unsupported() => return Ok(false),
                        Answer::Refused(error) | Answer::NotPrepared(error) => {
                            return Err(Error::Server(error));
                        }
                    }
                    self.queue_bulk(parameters)?;
                }
            }
            Command::MultiRow(insert) => self.connection.session.insert_rows(insert)?,
        }
        self.tally.in_flight = rows;
        self.connection.send_queued().await?;
        Ok(true)
    }

    fn queue_bulk(&mut self, parameters: &BulkParameters) -> Result<Queued, Error> {
        let executable = self.target.executable();
        let units = self.needs_unit_results();
        let session = &mut self.connection.session;
        session.execute_bulk(executable, parameters, units)
    }

    /// Waits for the answer to the first command of a batch in bulk. `false` if the statement is none
    /// that can be executed so, and nothing has been.
    async fn is_taken(&mut self) -> Result<bool, Error> {
        let answer = self.read_answer(0).await?;
        if answer.is_unsupported() {
            self.tally.take_back(self.tally.in_flight);
            return Ok(false);
        }
        self.note(answer)?;
        Ok(true)
    }

    /// Waits for the answer to the command that was sent, if one was.
    async fn settle(&mut self) -> Result<(), Error> {
        if self.tally.in_flight == 0 {
            return Ok(());
        }
        let answer = self.read_answer(0).await?;
        self.note(answer)
    }

    /// Notes the answer to the command that was sent.
    fn note(&mut self, answer: Answer) -> Result<(), Error> {
        let rows = self.tally.in_flight;
        let in_bulk = self.tally.executed.way == BatchWay::Bulk;
        match answer {
            Answer::Done(mut executed) => {
                if in_bulk && self.needs_unit_results() {
                    self.add_units(rows, &mut executed)?;
                }
                self.tally.confirm(rows, &executed);
                Ok(())
            }
            Answer::Refused(error) => {
                let may_remain = in_bulk && rows > 1 && !self.target.is_insert();
                self.tally.refuse(rows, may_remain);
                Err(Error::Server(error))
            }
            Answer::NotPrepared(error) => {
                self.tally.refuse(rows, false);
                Err(Error::Server(error))
            }
        }
    }

    /// Checks that each of the rows has said what it did, and adds that up.
    fn add_units(&mut self, rows: u64, executed: &mut Executed) -> Result<(), Error> {
        if self.tally.units.is_empty() {
            // The server has none for an UPDATE of several tables.
            self.tally.lacks_units = true;
            self.tally.executed.unit_results = Vec::new();
            return Ok(());
        }
        let units = &self.tally.units;
        if u64::try_from(units.len()) != Ok(rows) {
            let error = self.connection.session.unit_results_miscounted(units.len());
            return Err(self.connection.closed(error));
        }
        let affected_rows = units.iter().map(|unit| unit.affected_rows);
        executed.affected_rows = affected_rows.fold(0, u64::saturating_add);
        let mut ids = units.iter().map(|unit| unit.last_insert_id);
        executed.last_insert_id = ids.find(|id| *id != 0).unwrap_or_default();
        if self.options.unit_results && !self.tally.lacks_units {
            self.tally.executed.unit_results.extend(units);
        }
        Ok(())
    }
}

impl Connection {
    /// Sends all that is queued, and takes in what comes meanwhile.
    pub(super) async fn send_queued(&mut self) -> Result<(), Error> {
        while !self.is_flushed() {
            self.exchange().await?;
        }
        Ok(())
    }

    /// Asks the server for its `max_allowed_packet`. If it does not tell it, what is always taken
    /// is the most.
    async fn ask_max_allowed_packet(&mut self) -> Result<(), Error> {
        self.session.simple_query("SELECT @@max_allowed_packet")?;
        let bytes = match self.told_max_allowed_packet().await {
            Ok(bytes) => bytes,
            Err(Error::Server(_) | Error::FromSql(_) | Error::ColumnCount { .. }) => None,
            Err(error) => return Err(error),
        };
        let bytes = bytes.unwrap_or(ALWAYS_TAKEN_BYTES + 1);
        self.session.set_max_allowed_packet(bytes);
        Ok(())
    }

    /// The only number in the result; none is kept of more rows than one.
    async fn told_max_allowed_packet(&mut self) -> Result<Option<usize>, Error> {
        let executed = self.first_result().await?;
        let mut rows = Rows::new(self, executed);
        let mut told = None;
        while let Some(row) = rows.next().await? {
            told.get_or_insert_with(|| row.read::<(usize,)>());
        }
        rows.finish().await?;
        Ok(told.transpose()?.map(|(bytes,)| bytes))
    }
}

/// The longest payload that every server takes, whatever its `max_allowed_packet`: less than its
/// `net_buffer_length`, as long as nobody has made that less than the 16 KiB that it is by default.
const ALWAYS_TAKEN_BYTES: usize = 16 * 1024 - 1;
