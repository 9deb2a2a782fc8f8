//! Statements that are sent behind others whose responses are due.

use otaria_statement::{StatementId, StatementKind, only_reads};
use otaria_types::Params;

use super::Session;
use super::expected::Expected;
use crate::error::Error;
use crate::{Executable, Queued, TransactionWatch};

/// What became of a statement of a pipeline.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Pipelined {
    /// It was queued.
    Queued(Queued),
    /// Nothing was queued. What it means, or how it is to be sent, is known when the responses that
    /// are due have come: ask again then.
    Wait,
}

impl Session {
    /// Like [`execute`](Self::execute), behind statements whose responses are due.
    ///
    /// It has to wait behind a statement that may change the session, such as USE and CALL; where
    /// the server's answer to its prepare is needed; behind the first prepare of the same SQL,
    /// unless it can be executed by that; and while many statements are to be closed, which is done
    /// in front of a command that finds nothing due. In a transaction that is watched
    /// ([`begin_transaction`](Self::begin_transaction)) it has to wait behind any other, unless it only
    /// reads: an error such as a deadlock ends the transaction, and it would run outside. Parameters that are points in time are written
    /// in the zone that the server has told last.
    ///
    /// # Errors
    /// Those of [`execute`](Self::execute) and of [`check_transaction`](Self::check_transaction).
    /// Nothing is queued then.
    pub fn execute_behind<P: Params>(
        &mut self,
        executable: Executable<'_>,
        params: &P,
    ) -> Result<Pipelined, Error> {
        self.check_open()?;
        if !self.is_kept() || self.waits_for_transaction(executable.sql())? {
            return Ok(Pipelined::Wait);
        }
        self.encode_parameters_in(params, self.state.time_zone())?;
        self.check_nothing_sent_ahead()?;
        self.leave_retyped(executable)?;
        let count = self.statements.parameters.len();
        let sql = executable.sql();
        let statement = if self.expected.is_empty() || self.prepared(executable)?.is_some() {
            self.open_statement(executable, count)?
        } else if self.is_prepared_last(sql) && self.can_execute_last_prepared(sql, count) {
            Some(StatementId::LAST_PREPARED)
        } else if self.can_prepare_behind(sql, count) {
            self.open_statement(executable, count)?
        } else {
            return Ok(Pipelined::Wait);
        };
        let Some(statement) = statement else {
            return Ok(Pipelined::Queued(Queued::Prepare));
        };
        self.push_execute(statement, None);
        if StatementKind::of(sql).keeps_session() {
            self.last_keeps_session();
        }
        Ok(Pipelined::Queued(Queued::Execute))
    }

    /// Like [`query_with_literals`](Self::query_with_literals), behind statements whose responses
    /// are due. It has to wait behind a statement that may change the session.
    ///
    /// # Errors
    /// Those of [`query_with_literals`](Self::query_with_literals) and of
    /// [`check_transaction`](Self::check_transaction). Nothing is queued then.
    pub fn query_behind<P: Params>(&mut self, sql: &str, params: &P) -> Result<Pipelined, Error> {
        self.check_open()?;
        if !self.is_kept() || self.waits_for_transaction(sql)? {
            return Ok(Pipelined::Wait);
        }
        self.query_in_zone(sql, params, self.state.time_zone())?;
        Ok(Pipelined::Queued(Queued::Execute))
    }

    /// Whether the commands whose responses are due certainly leave the session as it is, so that
    /// [`state`](Self::state) is what a command behind them will find. One that may not can only be
    /// the last, for others wait for it.
    pub fn is_kept(&self) -> bool {
        self.expected.back().is_none_or(Expected::keeps_session)
    }

    /// Whether a result of the first response that is due has come, and it is not at its end.
    pub fn is_in_response(&self) -> bool {
        self.expected.front().is_some_and(Expected::is_begun)
    }

    /// How many responses are due, those to resets of statements included.
    pub fn all_responses_due(&self) -> usize {
        self.expected.len()
    }

    /// The bytes of commands that are to be sent, before compression and encryption.
    pub fn queued_bytes(&self) -> usize {
        self.commands.unwritten().len()
    }

    /// How many commands are queued of which no byte has been sent. It stays known when the session
    /// is closed: the server has not seen these.
    pub fn unsent_commands(&self) -> usize {
        self.commands.unbegun()
    }

    /// Whether the statement might run outside of the transaction that is watched, as long as responses
    /// are due. Where its state is in doubt and none is due, nothing takes the doubt away.
    fn waits_for_transaction(&mut self, sql: &str) -> Result<bool, Error> {
        match self.transaction() {
            TransactionWatch::Outside => Ok(false),
            TransactionWatch::Open => {
                // Without autocommit, what is read behind the end of the transaction would begin
                // another one, which looks like it.
                let may_follow = self.state.status().is_autocommit() && only_reads(sql);
                Ok(!self.expected.is_empty() && !may_follow)
            }
            TransactionWatch::InDoubt { .. } if !self.expected.is_empty() => Ok(true),
            TransactionWatch::InDoubt { .. }
            | TransactionWatch::Starting
            | TransactionWatch::Aborted { .. } => self.check_transaction().map(|()| true),
        }
    }

    /// Whether the last of the prepares that are due is that of `sql`.
    fn is_prepared_last(&self, sql: &str) -> bool {
        let mut prepares = self.expected.iter().rev().filter_map(Expected::prepare_due);
        prepares.next().is_some_and(|prepare| *prepare.sql == *sql)
    }

    /// Whether a statement that is not prepared can be prepared and executed while other responses
    /// are due, none of which is that of its own prepare.
    fn can_prepare_behind(&self, sql: &str, count: usize) -> bool {
        let mut prepares = self.expected.iter().filter_map(Expected::prepare_due);
        prepares.all(|prepare| *prepare.sql != *sql)
            && self.statements.closes_due() < MAX_CLOSES_DUE
            && self.can_execute_unprepared(sql, count)
    }

    /// The command that was queued last leaves the session as it is.
    fn last_keeps_session(&mut self) {
        if let Some(due) = self.expected.pop_back() {
            self.expected.push_back(due.keeping_session());
        }
    }
}

/// Statements that a connection no longer wants stay open on the server up to this number while a
/// pipeline goes on.
const MAX_CLOSES_DUE: usize = 64;
