//! Transactions that are watched, so that no statement of one runs outside of it.

use std::ops::Range;

use otaria_codec::{Capabilities, ResponseEvent, ResponseReader};
use otaria_statement::{StatementKind, replaces_transaction};
use otaria_text::ComQuery;

use super::clean_up::SavepointId;
use super::expected::{Expected, Reply, Subject};
use super::{Session, running};
use crate::error::{Error, ServerError};
use crate::event::Event;
use crate::tracking::Harm;
use crate::{TransactionOptions, TransactionWatch};

/// The response to a command that begins or ends a transaction or a part of it.
#[derive(Debug)]
pub(super) struct TransactionReply {
    reader: ResponseReader,
    step: Step,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Step {
    Start,
    /// What goes in front of it, or concerns a savepoint.
    Other,
}

impl TransactionReply {
    pub(super) const fn expects(&self) -> &'static str {
        self.reader.expects()
    }
}

impl Session {
    /// Queues the beginning of a transaction, and watches it: from here on
    /// [`transaction`](Self::transaction) tells what has become of it.
    ///
    /// What is queued is not taken back. **No statement of the transaction may be queued before the
    /// responses have been read**, which [`discard`](Self::discard) does: the server would run it
    /// outside of a transaction that it has refused to begin.
    ///
    /// # Errors
    /// [`Error::TransactionOpen`] if one is open, which would be committed; [`Error::Closed`].
    /// Nothing is queued then.
    pub fn begin_transaction(&mut self, options: &TransactionOptions) -> Result<(), Error> {
        self.check_open()?;
        let is_open = self.state.status().is_in_transaction();
        if is_open || self.transaction() != TransactionWatch::Outside {
            return Err(Error::TransactionOpen);
        }
        self.queue_closes();
        if let Some(sql) = options.isolation_sql() {
            self.push_step(&sql, Step::Other);
        }
        self.push_step(options.start_sql(), Step::Start);
        self.state.watch_transaction(TransactionWatch::Starting);
        Ok(())
    }

    /// Queues the beginning of a part of the transaction that can be undone by itself. What is said of
    /// [`begin_transaction`](Self::begin_transaction) holds; if the server refuses it, the whole
    /// transaction is [aborted](TransactionWatch::Aborted).
    ///
    /// # Errors
    /// [`Error::Closed`].
    pub fn set_savepoint(&mut self, savepoint: SavepointId) -> Result<(), Error> {
        self.check_open()?;
        self.queue_closes();
        self.push_step(&format!("SAVEPOINT {savepoint}"), Step::Other);
        Ok(())
    }

    /// Queues the end of that part, whose work is now the transaction's: like
    /// [`set_savepoint`](Self::set_savepoint).
    ///
    /// # Errors
    /// [`Error::Closed`].
    pub fn release_savepoint(&mut self, savepoint: SavepointId) -> Result<(), Error> {
        self.check_open()?;
        self.queue_closes();
        self.push_step(&format!("RELEASE SAVEPOINT {savepoint}"), Step::Other);
        Ok(())
    }

    /// Queues the COMMIT of the transaction, which begins no other, whatever `completion_type` says.
    /// When its OK has come, the transaction is to be [left](Self::leave_transaction).
    ///
    /// # Errors
    /// [`Error::Closed`].
    pub fn commit(&mut self) -> Result<(), Error> {
        let reader = ResponseReader::for_ok(self.capabilities);
        let expected = Expected::response(reader).about(Subject::Commit);
        self.command(&ComQuery::new(COMMIT), expected)
    }

    /// What is known of the transaction that is watched.
    pub fn transaction(&self) -> TransactionWatch {
        self.state.transaction()
    }

    /// Whether a statement would run in the transaction that is watched, as far as the server has
    /// told; or none is watched.
    #[inline]
    pub fn is_transaction_open(&self) -> bool {
        match self.state.watched() {
            TransactionWatch::Outside => true,
            TransactionWatch::Open => self.state.status().is_in_transaction(),
            _ => false,
        }
    }

    /// Says why no statement can run in the transaction that is watched, if none can.
    ///
    /// # Errors
    /// [`Error::Server`] if the server has refused to begin or to end it or a part of it, which is
    /// told once; then, and if it has ended otherwise, [`Error::TransactionAborted`].
    pub fn check_transaction(&mut self) -> Result<(), Error> {
        if let Some(error) = self.transaction_refused.take() {
            return Err(Error::Server(error));
        }
        let code = match self.transaction() {
            TransactionWatch::Outside | TransactionWatch::Open => return Ok(()),
            TransactionWatch::Aborted { code } => code,
            TransactionWatch::InDoubt {
                code,
                may_be_committed,
            } => (!may_be_committed).then_some(code),
            TransactionWatch::Starting => {
                // Nothing was ended that has not begun.
                self.check_open()?;
                None
            }
        };
        Err(Error::TransactionAborted { code })
    }

    /// The transaction is no longer watched: it has ended, or is about to.
    pub fn leave_transaction(&mut self) {
        self.transaction_refused = None;
        self.state.watch_transaction(TransactionWatch::Outside);
    }

    /// Notes what the statement that the server has refused may have done to the transaction that is
    /// watched.
    pub(super) fn note_refusal(&mut self, error: &ServerError) {
        if self.state.watched() == TransactionWatch::Outside {
            return;
        }
        let class = error.sqlstate().and_then(|sqlstate| sqlstate.get(..2));
        let harm = match (self.may_commit(), class) {
            // Nothing was executed.
            _ if self.is_refused_before(error) => Harm::None,
            (true, _) => Harm::Committed,
            // Values, constraints, and syntax or rights: the statement alone is undone.
            (false, Some("22" | "23" | "42")) => Harm::None,
            (false, _) => Harm::RolledBack,
        };
        self.state.statement_refused(error.code(), harm);
    }

    /// Whether the server has refused to prepare the statement for its kind, or refuses an execution
    /// since it has refused to prepare that.
    fn is_refused_before(&self, error: &ServerError) -> bool {
        self.expected.front().is_some_and(|due| match &due.reply {
            Reply::Response(response) => response.is_refused(),
            Reply::Prepare(_) => error.code() == CANNOT_BE_PREPARED,
            _ => false,
        })
    }

    /// Whether the statement whose response is due may commit, before it fails or at its end.
    fn may_commit(&self) -> bool {
        self.expected.front().is_none_or(|due| match &due.reply {
            Reply::Prepare(_) => false,
            // It has failed as a whole.
            Reply::Response(response) if matches!(response.subject, Subject::Commit) => false,
            _ => !self.is_certainly_data(due),
        })
    }

    /// Whether the response is that to one statement which reads or writes rows, or begins or ends a
    /// transaction, and does nothing else.
    pub(super) fn is_certainly_data(&self, due: &Expected) -> bool {
        let several = self.capabilities.contains(Capabilities::MULTI_STATEMENTS);
        let sql = self.sql_of(due);
        let is_cut = sql.is_some_and(|sql| sql.len() + 4 > running::MAX_BYTES);
        match sql {
            Some(sql) if !(several && is_cut) => StatementKind::of(sql).keeps_session(),
            _ => false,
        }
    }

    /// A statement of the transaction that is watched has succeeded. One that has begun another
    /// transaction, or has ended this one and begun another, leaves a status that says nothing of it.
    #[cold]
    pub(super) fn note_replaced(&mut self) {
        let due = self.expected.front();
        let sql = due.and_then(|due| self.sql_of(due));
        if sql.is_some_and(replaces_transaction) {
            self.state.transaction_is_replaced();
        }
    }

    fn push_step(&mut self, sql: &str, step: Step) {
        let reader = ResponseReader::for_ok(self.capabilities);
        let sequence_number = self
            .commands
            .push_kept(&ComQuery::new(sql), self.capabilities);
        let expected = Expected::transaction(TransactionReply { reader, step });
        self.expect(expected.numbered_from(sequence_number));
    }

    pub(super) fn read_transaction(
        &mut self,
        packet: Range<usize>,
    ) -> Result<Option<Event>, Error> {
        let payload = self.received.packets().payload(packet);
        let Some(Reply::Transaction(reply)) = self.expected.front_mut().map(|due| &mut due.reply)
        else {
            return Ok(None);
        };
        let updated = match reply.reader.read(payload) {
            Ok(ResponseEvent::Ok(ok)) => {
                let is_starting = self.state.watched() == TransactionWatch::Starting;
                let updated = self.state.update(ok.status, ok.session_state);
                // Behind what it says of the transaction before.
                if is_starting && reply.step == Step::Start {
                    self.state.watch_transaction(TransactionWatch::Open);
                }
                updated
            }
            Ok(ResponseEvent::Progress(report)) => return Ok(Some(Event::Progress(report.into()))),
            Ok(ResponseEvent::Err(err)) => {
                let error = ServerError::from(err);
                return self.step_refused(error).map(Some);
            }
            // None of them comes where an OK is due.
            Ok(_) => Ok(()),
            Err(invalid) => Err(invalid),
        };
        updated.map_err(|invalid| self.invalid(invalid))?;
        Ok(Some(self.end_response(Event::TransactionStep)))
    }

    /// What runs from here on would run outside of the transaction, at another isolation level, or
    /// without the savepoint.
    fn step_refused(&mut self, error: ServerError) -> Result<Event, Error> {
        let is_watched = self.state.watched() != TransactionWatch::Outside;
        self.refused(error.clone(), false)?;
        if is_watched {
            let code = Some(error.code());
            self.state
                .watch_transaction(TransactionWatch::Aborted { code });
            self.transaction_refused.get_or_insert(error);
        }
        Ok(Event::TransactionStep)
    }
}

/// "This command is not supported in the prepared statement protocol yet".
const CANNOT_BE_PREPARED: u16 = 1295;
const COMMIT: &str = "COMMIT AND NO CHAIN NO RELEASE";
