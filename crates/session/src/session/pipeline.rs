//! Statements that are sent behind others whose responses are due.

use otaria_statement::{StatementId, StatementKind};
use otaria_types::Params;

use super::Session;
use super::expected::Expected;
use crate::error::Error;
use crate::{Executable, Queued};

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
    /// in front of a command that finds nothing due. Parameters that are points in time are written
    /// in the zone that the server has told last.
    ///
    /// # Errors
    /// Those of [`execute`](Self::execute). Nothing is queued then.
    pub fn execute_behind<P: Params>(
        &mut self,
        executable: Executable<'_>,
        params: &P,
    ) -> Result<Pipelined, Error> {
        self.check_open()?;
        if !self.is_kept() {
            return Ok(Pipelined::Wait);
        }
        self.encode_parameters_in(params, self.state.time_zone())?;
        let queued = match self.execute_known(executable, None)? {
            None => Queued::Execute,
            Some(sql) if self.expected.is_empty() => self.execute_new(sql, None),
            Some(sql) if self.execute_behind_prepare(sql) => Queued::Execute,
            Some(_) => return Ok(Pipelined::Wait),
        };
        let sql = match executable {
            Executable::Sql(sql) => sql,
            Executable::Statement(statement) => statement.sql(),
        };
        if queued == Queued::Execute && StatementKind::of(sql).keeps_session() {
            self.last_keeps_session();
        }
        Ok(Pipelined::Queued(queued))
    }

    /// Like [`query_with_literals`](Self::query_with_literals), behind statements whose responses
    /// are due. It has to wait behind a statement that may change the session.
    ///
    /// # Errors
    /// Those of [`query_with_literals`](Self::query_with_literals). Nothing is queued then.
    pub fn query_behind<P: Params>(&mut self, sql: &str, params: &P) -> Result<Pipelined, Error> {
        self.check_open()?;
        if !self.is_kept() {
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

    /// How many responses are due.
    pub fn responses_due(&self) -> usize {
        self.expected.len()
    }

    /// Whether a result of the first response that is due has come, and it is not at its end.
    pub fn is_in_response(&self) -> bool {
        self.expected.front().is_some_and(Expected::is_begun)
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

    /// Queues the execution of a statement that is not prepared, if that can be done while other
    /// responses are due.
    fn execute_behind_prepare(&mut self, sql: &str) -> bool {
        let count = self.statements.parameters.len();
        let mut prepares = self.expected.iter().rev().filter_map(Expected::prepare_due);
        let last = prepares.next();
        if last.is_some_and(|prepare| *prepare.sql == *sql) {
            let at_once = self.can_execute_last_prepared(sql, count);
            if at_once {
                self.push_execute(StatementId::LAST_PREPARED, None);
            }
            return at_once;
        }
        if prepares.any(|prepare| *prepare.sql == *sql)
            || self.statements.closes_due() >= MAX_CLOSES_DUE
            || !self.can_execute_unprepared(sql, count)
        {
            return false;
        }
        self.execute_new(sql, None) == Queued::Execute
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
