//! Statements that are prepared and executed.

use std::num::NonZeroU32;

use otaria_codec::{Capabilities, Encode, ResponseReader};
use otaria_statement::{
    ComStmtClose, ComStmtExecute, ComStmtPrepare, CursorFlags, PrepareReader, Standing, Statement,
    StatementId, StatementKey, StatementKind, count_placeholders, may_change_meaning,
    may_set_schema, placeholder_positions,
};
use otaria_text::SqlLiterals;
use otaria_types::{Params, ParamsError, SessionTimeZone};

use super::Session;
use super::expected::{Execution, Expected};
use crate::Executable;
use crate::error::{Error, LongDataError};
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
    /// [`Error::ParameterCount`], [`Error::Params`], [`Error::LongData`] if a parameter is
    /// [`LongData`](otaria_types::LongData), [`Error::ForeignStatement`] and [`Error::Closed`].
    /// Nothing is queued then.
    pub fn execute<P: Params>(
        &mut self,
        executable: Executable<'_>,
        params: &P,
    ) -> Result<Queued, Error> {
        self.execute_by(executable, params, None)
    }

    /// The same; with a cursor whose rows are fetched so many at a time, if there is a number.
    pub(super) fn execute_by<P: Params>(
        &mut self,
        executable: Executable<'_>,
        params: &P,
        fetch_size: Option<NonZeroU32>,
    ) -> Result<Queued, Error> {
        self.check_open()?;
        self.encode_parameters(params)?;
        self.check_nothing_sent_ahead()?;
        self.leave_retyped(executable)?;
        let count = self.statements.parameters.len();
        let Some(statement) = self.open_statement(executable, count)? else {
            return Ok(Queued::Prepare);
        };
        self.push_execute(statement, fetch_size);
        Ok(Queued::Execute)
    }

    /// Has the statement prepared anew whose parameters MySQL would take for what they were before.
    pub(super) fn leave_retyped(&mut self, executable: Executable<'_>) -> Result<(), Error> {
        if self.is_mysql()
            && let Some(statement) = self.prepared(executable)?
            && self.is_retyped(&statement)
        {
            self.statements.spend(statement.id());
        }
        Ok(())
    }

    /// MySQL makes a text what the parameter was in an execution before, be it `7` of `007`.
    #[inline]
    fn is_retyped(&self, statement: &Statement) -> bool {
        self.is_mysql() && self.statements.are_retyped(statement.id())
    }

    /// The statement that an execution with `count` parameters is to name, which is that prepared
    /// last where its prepare had to be queued; `None` if the response to that has to come first.
    /// What has to go in front of the execution is queued.
    pub(super) fn open_statement(
        &mut self,
        executable: Executable<'_>,
        count: usize,
    ) -> Result<Option<StatementId>, Error> {
        if let Some(statement) = self.prepared(executable)? {
            self.before_execution(&statement, count)?;
            return Ok(Some(statement.id()));
        }
        let sql = executable.sql();
        // The statement prepared last may be among those that are closed.
        self.queue_closes();
        let at_once = self.can_execute_unprepared(sql, count);
        self.queue_prepare(sql);
        Ok(at_once.then_some(StatementId::LAST_PREPARED))
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
        self.encode_parameters(params)?;
        self.check_nothing_sent_ahead()?;
        if self.is_retyped(statement) {
            self.statements.spend(statement.id());
            return Ok(false);
        }
        self.before_execution(statement, self.statements.parameters.len())?;
        self.push_execute(statement.id(), None);
        Ok(true)
    }

    /// Queues SQL, sent by the text protocol, with `params` as literals in the places of its
    /// placeholders.
    ///
    /// What literals mean depends on `character_set_client`, and on nothing else that a session can
    /// change: it has to be `utf8mb4` or `utf8mb3`, as far as the server has told it, and no response
    /// may be due that could say otherwise. Those to SELECT, INSERT and the like, queued by this
    /// function, could not.
    ///
    /// # Errors
    /// [`Error::Place`], with [`PlaceError::ClientCharacterSet`] or [`PlaceError::ResponseDue`] for
    /// what is said above, [`Error::Params`] and [`Error::Closed`]. Nothing is queued then.
    pub fn query_with_literals<P: Params>(&mut self, sql: &str, params: &P) -> Result<(), Error> {
        self.query_in_zone(sql, params, self.certain_time_zone())
    }

    pub(super) fn query_in_zone<P: Params>(
        &mut self,
        sql: &str,
        params: &P,
        time_zone: SessionTimeZone,
    ) -> Result<(), Error> {
        self.check_open()?;
        self.check_literals()?;
        let mut literals = SqlLiterals::new();
        literals.set_time_zone(time_zone);
        literals.set(params)?;
        let positions = placeholder_positions(sql).map_err(PlaceError::from)?;
        let placed = with_literals(sql, &positions, &literals)?;
        let expected = Expected::response(ResponseReader::new(self.capabilities));
        let expected = if StatementKind::of(sql).keeps_session() {
            expected.keeping_session()
        } else {
            expected
        };
        self.query(&placed, expected)
    }

    /// Whether the server takes the bytes of literals for what they are.
    pub(super) fn check_literals(&self) -> Result<(), PlaceError> {
        if !self.expected.iter().all(Expected::keeps_session) {
            return Err(PlaceError::ResponseDue);
        }
        match self.state.foreign_client() {
            None => Ok(()),
            Some(charset) => Err(PlaceError::ClientCharacterSet {
                character_set_client: charset.to_owned(),
            }),
        }
    }

    /// Queues the prepare of a statement, unless the cache has it.
    ///
    /// # Errors
    /// [`Error::Closed`].
    pub fn prepare(&mut self, sql: &str) -> Result<Option<Statement>, Error> {
        self.check_open()?;
        let cached = self.cached(sql);
        match &cached {
            Some(statement) => self.note_leftovers_of(statement),
            None => self.queue_prepare(sql),
        }
        Ok(cached)
    }

    /// Queues the closes and resets that are due, in front of a command that finds nothing else
    /// queued: the server must not take them for the content of a file or for an answer to what it
    /// asks.
    pub(super) fn queue_closes(&mut self) {
        self.cursor = None;
        if !self.expected.is_empty() || !self.commands.is_empty() {
            return;
        }
        if self.statements.is_close_due() {
            self.queue_due_closes();
        }
        self.queue_resets();
    }

    #[cold]
    fn queue_due_closes(&mut self) {
        while let Some(statement) = self.statements.next_close() {
            self.commands
                .push_kept(&ComStmtClose { statement }, self.capabilities);
        }
    }

    /// The session's zone. A command whose response is due may change it, but for a reset of a
    /// statement.
    #[inline]
    fn certain_time_zone(&self) -> SessionTimeZone {
        let is_reset = |command: &Expected| command.reset_statement().is_some();
        if self.expected.is_empty() || self.expected.iter().all(is_reset) {
            self.state.time_zone()
        } else {
            SessionTimeZone::Unknown
        }
    }

    pub(super) fn encode_parameters<P: Params>(&mut self, params: &P) -> Result<(), ParamsError> {
        self.encode_parameters_in(params, self.certain_time_zone())
    }

    pub(super) fn encode_parameters_in<P: Params>(
        &mut self,
        params: &P,
        time_zone: SessionTimeZone,
    ) -> Result<(), ParamsError> {
        let parameters = &mut self.statements.parameters;
        parameters.set_time_zone(time_zone);
        parameters.set(params)
    }

    /// No value may have been sent ahead but for an execution that says so.
    #[inline]
    pub(super) fn check_nothing_sent_ahead(&self) -> Result<(), Error> {
        if self.statements.parameters.has_long_data() {
            return Err(self.not_sent_ahead());
        }
        Ok(())
    }

    #[cold]
    fn not_sent_ahead(&self) -> Error {
        let mut long_data = self.statements.parameters.long_data();
        let index = long_data.next().unwrap_or_default();
        Error::LongData(LongDataError::NotSent { index })
    }

    /// The statement that is prepared for `executable`, if there is one.
    ///
    /// # Errors
    /// [`Error::ForeignStatement`].
    pub fn prepared(&mut self, executable: Executable<'_>) -> Result<Option<Statement>, Error> {
        let sql = match executable {
            Executable::Statement(statement) => match self.statements.standing(statement) {
                Standing::Open => return Ok(Some(statement.clone())),
                Standing::Forgotten => statement.sql(),
                Standing::Foreign => return Err(Error::ForeignStatement),
            },
            Executable::Sql(sql) => sql,
        };
        Ok(self.cached(sql))
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
        let may_repeat =
            |due: &Expected| due.prepare_due().is_none_or(|prepare| prepare.only_reads);
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
            && count_placeholders(sql).map(usize::from) == Some(count)
    }

    /// Checks that an open statement takes `count` parameters, and queues what has to go in front
    /// of its execution.
    #[inline]
    fn before_execution(&mut self, statement: &Statement, count: usize) -> Result<(), Error> {
        check_parameters(statement, count)?;
        self.note_execution(statement);
        self.queue_closes();
        // The statement may be one of them, whatever else is queued.
        self.queue_resets();
        Ok(())
    }

    /// Notes that what is prepared may mean something else behind a command that is queued, if it
    /// may: in another `sql_mode`, or in another default database of which the server tells nothing.
    pub(super) fn note_meaning(&mut self, sets_mode: bool, sets_schema: impl FnOnce() -> bool) {
        if sets_mode {
            self.state.may_tell_less();
        }
        if sets_mode || !self.state.tells_schema() && sets_schema() {
            self.statements.meaning_may_change();
        }
    }

    /// Notes that the execution of `statement` may change what others mean, if it may.
    pub(super) fn note_execution(&mut self, statement: &Statement) {
        self.note_leftovers_of(statement);
        let sets_mode = statement.may_change_meaning();
        self.note_meaning(sets_mode, || statement.may_set_schema());
    }

    fn queue_prepare(&mut self, sql: &str) {
        // Its execution may follow at once.
        self.note_leftovers(sql);
        self.note_meaning(may_change_meaning(sql, false), || {
            may_set_schema(sql, false)
        });
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

    /// Queues the execution with the parameters that are encoded, and nothing in front of it.
    pub(super) fn push_execute(&mut self, statement: StatementId, fetch_size: Option<NonZeroU32>) {
        let (reader, flags) = match fetch_size {
            None => (ResponseReader::new(self.capabilities), CursorFlags::empty()),
            Some(_) => (
                ResponseReader::for_cursor(self.capabilities),
                CursorFlags::READ_ONLY,
            ),
        };
        let parameters = &self.statements.parameters;
        let execution = Execution {
            fetch_size,
            ..Execution::of(statement, parameters.len())
        };
        let expected = Expected::execution(reader, execution);
        let command = ComStmtExecute {
            flags,
            ..ComStmtExecute::new(statement, &[])
        };
        let ((), sequence_number) = self.commands.push_with(|out| {
            out.payload(|out| {
                command.encode(self.capabilities, out);
                parameters.encode(self.capabilities, out);
            });
        });
        self.expect(expected.numbered_from(sequence_number));
        if self.is_mysql() {
            self.statements.note_given(statement);
        }
    }
}

/// Checks that the statement takes `given` parameters.
pub(super) fn check_parameters(statement: &Statement, given: usize) -> Result<(), Error> {
    let expected = usize::from(statement.parameters());
    if given != expected {
        return Err(Error::ParameterCount { expected, given });
    }
    Ok(())
}
