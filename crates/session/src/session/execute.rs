//! Statements that are prepared and executed.

use otaria_codec::{Capabilities, Encode, ResponseReader};
use otaria_statement::{
    ComStmtClose, ComStmtExecute, ComStmtPrepare, PrepareReader, Standing, Statement, StatementId,
    StatementKey, count_placeholders, placeholder_positions,
};
use otaria_text::SqlLiterals;
use otaria_types::{Params, ParamsError, SessionTimeZone};

use super::Session;
use super::expected::{Execution, Expected};
use crate::Executable;
use crate::error::Error;
use crate::{PlaceError, with_literals};

/// What was queued to execute a statement.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Queued {
    /// All of it: the response is due.
    Execute,
    /// Its prepare, whose response has to come first: by [`Event::Prepared`](crate::Event::Prepared)
    /// or [`Event::NotPrepared`](crate::Event::NotPrepared). Nothing has been executed.
    Prepare,
}

impl Session {
    /// Queues the execution of a statement by the binary protocol. One that is not prepared is
    /// prepared first: in front of the execution where it is certain how many placeholders the
    /// server will find in it, else by a prepare alone, after which
    /// [`execute`](Self::execute) is to be called for the statement it brings.
    ///
    /// # Errors
    /// [`Error::ParameterCount`], [`Error::Params`], [`Error::ForeignStatement`] and
    /// [`Error::Closed`]. Nothing is queued then.
    pub fn execute<P: Params>(
        &mut self,
        executable: Executable<'_>,
        params: &P,
    ) -> Result<Queued, Error> {
        self.check_open()?;
        self.encode_parameters(params, self.certain_time_zone())?;
        match self.execute_known(executable)? {
            Some(sql) => Ok(self.execute_new(sql)),
            None => Ok(Queued::Execute),
        }
    }

    /// Queues the execution of a statement that is prepared, with the parameters that were encoded;
    /// else returns the SQL that is to be prepared.
    pub(super) fn execute_known<'a>(
        &mut self,
        executable: Executable<'a>,
    ) -> Result<Option<&'a str>, Error> {
        let sql: &str = match executable {
            Executable::Statement(statement) => match self.statements.standing(statement) {
                Standing::Open => return self.execute_open(statement).map(|()| None),
                Standing::Forgotten => statement.sql(),
                Standing::Foreign => return Err(Error::ForeignStatement),
            },
            Executable::Sql(sql) => sql,
        };
        match self.cached(sql) {
            Some(statement) => self.execute_open(&statement).map(|()| None),
            None => Ok(Some(sql)),
        }
    }

    /// Queues the prepare of a statement, and its execution with the parameters that were encoded
    /// where that may follow at once.
    pub(super) fn execute_new(&mut self, sql: &str) -> Queued {
        let count = self.statements.parameters.len();
        // The statement prepared last may be among those that are closed.
        self.queue_closes();
        let at_once = self.can_execute_unprepared(sql, count);
        self.queue_prepare(sql);
        if !at_once {
            return Queued::Prepare;
        }
        self.queue_execute(StatementId::LAST_PREPARED);
        Queued::Execute
    }

    /// Queues the execution of a statement that is prepared, and says so; else queues nothing.
    ///
    /// # Errors
    /// Those of [`execute`](Self::execute).
    pub fn execute_prepared<P: Params>(
        &mut self,
        executable: Executable<'_>,
        params: &P,
    ) -> Result<bool, Error> {
        let cached;
        let statement = match executable {
            Executable::Statement(statement) => statement,
            Executable::Sql(sql) => match self.cached(sql) {
                Some(statement) => {
                    cached = statement;
                    &cached
                }
                None => return Ok(false),
            },
        };
        if self.statements.standing(statement) != Standing::Open {
            return Ok(false);
        }
        self.check_open()?;
        self.encode_parameters(params, self.certain_time_zone())?;
        self.execute_open(statement)?;
        Ok(true)
    }

    /// Queues SQL, sent by the text protocol, with `params` as literals in the places of its
    /// placeholders.
    ///
    /// # Errors
    /// [`Error::Place`], [`Error::Params`] and [`Error::Closed`]. Nothing is queued then.
    pub fn query_with_literals<P: Params>(&mut self, sql: &str, params: &P) -> Result<(), Error> {
        self.query_in_zone(sql, params, self.certain_time_zone())
    }

    pub(super) fn query_in_zone<P: Params>(
        &mut self,
        sql: &str,
        params: &P,
        time_zone: SessionTimeZone,
    ) -> Result<(), Error> {
        let status = self.state.status();
        let mut literals = SqlLiterals::new();
        literals.set_time_zone(time_zone);
        literals.set(params, status)?;
        let positions = placeholder_positions(sql, status).map_err(PlaceError::from)?;
        self.simple_query(&with_literals(sql, &positions, &literals)?)
    }

    /// Queues the prepare of a statement, unless the cache has it.
    ///
    /// # Errors
    /// [`Error::Closed`].
    pub fn prepare(&mut self, sql: &str) -> Result<Option<Statement>, Error> {
        self.check_open()?;
        let cached = self.cached(sql);
        if cached.is_none() {
            self.queue_prepare(sql);
        }
        Ok(cached)
    }

    /// Queues the closes that are due, in front of a command that finds nothing else queued: they
    /// have no response, and the server must not take them for the content of a file or for an
    /// answer to what it asks.
    pub(super) fn queue_closes(&mut self) {
        if !self.expected.is_empty() || !self.commands.is_empty() {
            return;
        }
        while let Some(statement) = self.statements.next_close() {
            self.commands
                .push_kept(&ComStmtClose { statement }, self.capabilities);
        }
    }

    /// The session's zone. A command whose response is due may change it.
    fn certain_time_zone(&self) -> SessionTimeZone {
        if self.expected.is_empty() {
            self.state.time_zone()
        } else {
            SessionTimeZone::Unknown
        }
    }

    pub(super) fn encode_parameters<P: Params>(
        &mut self,
        params: &P,
        time_zone: SessionTimeZone,
    ) -> Result<(), ParamsError> {
        let parameters = &mut self.statements.parameters;
        parameters.set_time_zone(time_zone);
        parameters.set(params)
    }

    fn cached(&mut self, sql: &str) -> Option<Statement> {
        let key = StatementKey {
            schema: self.state.schema().unwrap_or_default(),
            sql,
            status: self.state.status(),
        };
        self.statements.cached(key)
    }

    /// Whether the execution may follow the prepare at once: the server knows it as that of the
    /// statement prepared last, and takes as many parameters from it as there are placeholders.
    /// If that number were another, it would read the values from the wrong places.
    ///
    /// A server that has no room for another statement (error 1461) executes in its place the one
    /// prepared before, which must not write anything then.
    pub(super) fn can_execute_unprepared(&self, sql: &str, count: usize) -> bool {
        let may_repeat = |due: &Expected| due.prepare_due().is_none_or(|prepare| prepare.is_select);
        self.statements.may_repeat_last()
            && self.expected.iter().all(may_repeat)
            && self.can_execute_last_prepared(sql, count)
    }

    /// Whether `sql` can be executed as the statement prepared last, of which the server has not
    /// said how many placeholders it has found.
    pub(super) fn can_execute_last_prepared(&self, sql: &str, count: usize) -> bool {
        let knows_last_prepared = self
            .capabilities
            .contains(Capabilities::MARIADB_CLIENT_STMT_BULK_OPERATIONS);
        knows_last_prepared
            && self.state.has_utf8_client()
            && count_placeholders(sql, self.state.status()).map(usize::from) == Some(count)
    }

    fn execute_open(&mut self, statement: &Statement) -> Result<(), Error> {
        let given = self.statements.parameters.len();
        let expected = usize::from(statement.parameters());
        if given != expected {
            return Err(Error::ParameterCount { expected, given });
        }
        self.queue_execute(statement.id());
        Ok(())
    }

    fn queue_prepare(&mut self, sql: &str) {
        let prepare = self.statements.prepare(StatementKey {
            schema: self.state.schema().unwrap_or_default(),
            sql,
            status: self.state.status(),
        });
        let reader = PrepareReader::new(self.capabilities);
        let expected = Expected::prepare(reader, prepare);
        self.queue_closes();
        let command = ComStmtPrepare::new(sql);
        let sequence_number = self.commands.push(&command, self.capabilities);
        self.expect(expected.numbered_from(sequence_number));
    }

    pub(super) fn queue_execute(&mut self, statement: StatementId) {
        self.queue_closes();
        let reader = ResponseReader::new(self.capabilities);
        let parameters = &self.statements.parameters;
        let execution = Execution::of(statement, parameters.len());
        let expected = Expected::execution(reader, execution);
        let ((), sequence_number) = self.commands.push_with(|out| {
            out.payload(|out| {
                ComStmtExecute::new(statement, &[]).encode(self.capabilities, out);
                parameters.encode(self.capabilities, out);
            });
        });
        self.expect(expected.numbered_from(sequence_number));
    }
}
