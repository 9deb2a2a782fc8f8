use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use otaria_binary::Parameters;
use otaria_codec::ServerStatus;
use otaria_statement::{
    ComStmtPrepareOk, Epoch, Standing, Statement, StatementCache, StatementId, StatementKey,
    only_reads,
};
use otaria_types::Columns;
use rustc_hash::FxBuildHasher;

/// What is prepared on one connection.
#[derive(Debug)]
pub(crate) struct Statements {
    cache: StatementCache,
    /// The columns of each open statement's rows, as the server last told them. It does not tell
    /// them again before they change.
    columns: HashMap<StatementId, Arc<Columns>, FxBuildHasher>,
    /// The SQL of each open statement.
    sql: HashMap<StatementId, Sql<Arc<str>>, FxBuildHasher>,
    last_prepared: Option<LastPrepared>,
    /// How many commands have been queued behind which SQL may mean something else.
    meanings: u64,
    /// Those that the server holds a cursor or data sent ahead for, which somebody may have given
    /// up: they are reset in front of the next command that is not about that.
    unsettled: Vec<StatementId>,
    /// Those that are executed no more, though they are open.
    spent: HashSet<StatementId, FxBuildHasher>,
    /// Which parameters were given something else than text, on MySQL.
    given: HashMap<StatementId, Vec<bool>, FxBuildHasher>,
    sent_ahead: Option<SentAhead>,
    /// Those of the execution that is being queued.
    pub(crate) parameters: Parameters,
    /// The server's, once it has been asked for: the longest command. What makes the server forget
    /// statements may change it.
    pub(crate) max_allowed_packet: Option<usize>,
}

/// SQL, which may hold values: `Debug` does not show it.
#[derive(Clone)]
pub(crate) struct Sql<T>(pub(crate) T);

impl<T: Deref<Target = str>> Deref for Sql<T> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<T> fmt::Debug for Sql<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sql")
    }
}

/// The statement that the server knows as the one prepared last.
#[derive(Clone, Copy, Debug)]
struct LastPrepared {
    id: StatementId,
    only_reads: bool,
}

/// A prepare whose response is due, and what was known when it was queued.
#[derive(Debug)]
pub(crate) struct Prepare {
    pub(crate) sql: Sql<Arc<str>>,
    schema: Box<str>,
    status: ServerStatus,
    epoch: Epoch,
    meanings: u64,
    /// Whether it certainly does nothing but read.
    pub(crate) only_reads: bool,
    /// As soon as the server has named it.
    pub(crate) statement: Option<Statement>,
}

/// What was sent ahead of an execution.
#[derive(Debug)]
struct SentAhead {
    statement: StatementId,
    parameters: BTreeSet<u16>,
}

impl Statements {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            cache: StatementCache::new(capacity),
            columns: HashMap::default(),
            sql: HashMap::default(),
            last_prepared: None,
            meanings: 0,
            unsettled: Vec::new(),
            spent: HashSet::default(),
            given: HashMap::default(),
            sent_ahead: None,
            parameters: Parameters::new(),
            max_allowed_packet: None,
        }
    }

    pub(crate) fn cached(&mut self, key: StatementKey<'_>) -> Option<Statement> {
        let statement = self.cache.get(key)?.clone();
        if self.is_spent(statement.id()) {
            drop(self.cache.remove(key));
            return None;
        }
        Some(statement)
    }

    /// Whether the statement can be executed: one that is spent is as one that was forgotten.
    pub(crate) fn standing(&self, statement: &Statement) -> Standing {
        match self.cache.standing(statement) {
            Standing::Open if self.is_spent(statement.id()) => Standing::Forgotten,
            standing => standing,
        }
    }

    #[inline]
    fn is_spent(&self, id: StatementId) -> bool {
        !self.spent.is_empty() && self.spent.contains(&id)
    }

    /// Whether a parameter is text now, and was something else in an execution of the statement before.
    pub(crate) fn are_retyped(&self, id: StatementId) -> bool {
        let Some(given) = self.given.get(&id) else {
            return false;
        };
        let mut parameters = given.iter().zip(self.parameters.are_text());
        parameters.any(|(was_other, is_text)| *was_other && is_text == Some(true))
    }

    /// The statement is executed with the parameters that are encoded.
    pub(crate) fn note_given(&mut self, id: StatementId) {
        let given = self.given.entry(id).or_default();
        given.resize(self.parameters.len(), false);
        for (was_other, is_text) in given.iter_mut().zip(self.parameters.are_text()) {
            *was_other |= is_text == Some(false);
        }
    }

    /// The statement is to be prepared anew in front of its next execution.
    pub(crate) fn spend(&mut self, id: StatementId) {
        self.spent.insert(id);
    }

    pub(crate) fn prepare(&self, key: StatementKey<'_>) -> Prepare {
        Prepare {
            sql: Sql(key.sql.into()),
            schema: key.schema.into(),
            status: key.status,
            epoch: self.cache.epoch(),
            meanings: self.meanings,
            only_reads: only_reads(key.sql),
            statement: None,
        }
    }

    /// The server has named the statement.
    pub(crate) fn prepared(&mut self, prepare: &Prepare, ok: &ComStmtPrepareOk) -> Statement {
        self.last_prepared = Some(LastPrepared {
            id: ok.statement,
            only_reads: prepare.only_reads,
        });
        let sql = Arc::clone(&prepare.sql.0);
        self.sql.insert(ok.statement, prepare.sql.clone());
        self.cache.prepared(prepare.epoch, sql, ok)
    }

    /// A command is queued behind which SQL may mean something else to the server: nothing that was
    /// prepared in front of it is found again.
    pub(crate) fn meaning_may_change(&mut self) {
        self.meanings += 1;
        self.cache.clear();
    }

    /// The response to a prepare has ended. What the cache keeps no longer for it, and what it is not
    /// to keep, is closed, unless somebody holds it.
    pub(crate) fn keep(&mut self, prepare: &Prepare, statement: &Statement, columns: Columns) {
        self.set_columns(statement.id(), Arc::new(columns));
        if prepare.meanings != self.meanings || statement.may_change_meaning() {
            return;
        }
        let kept = statement.clone();
        drop(self.cache.insert(&prepare.schema, prepare.status, kept));
    }

    /// The server has refused a prepare by the error with this code, and with it forgotten which
    /// statement was the last, unless it had no room for another one.
    pub(crate) const fn not_prepared(&mut self, code: u16) {
        if code != TOO_MANY_STATEMENTS {
            self.last_prepared = None;
        }
    }

    /// Whether no harm is done if the server executes the statement prepared last once more: it only
    /// reads, or there is none.
    pub(crate) fn may_repeat_last(&self) -> bool {
        self.last_prepared.is_none_or(|last| last.only_reads)
    }

    /// The statement that `id` names at this moment.
    pub(crate) fn resolve(&self, id: StatementId) -> Option<StatementId> {
        if id == StatementId::LAST_PREPARED {
            self.last_prepared.map(|last| last.id)
        } else {
            Some(id)
        }
    }

    pub(crate) fn columns(&self, id: StatementId) -> Option<&Arc<Columns>> {
        self.columns.get(&self.resolve(id)?)
    }

    pub(crate) fn set_columns(&mut self, id: StatementId, columns: Arc<Columns>) {
        if let Some(id) = self.resolve(id) {
            self.columns.insert(id, columns);
        }
    }

    /// The SQL of an open statement.
    pub(crate) fn sql(&self, id: StatementId) -> Option<&Sql<Arc<str>>> {
        self.sql.get(&self.resolve(id)?)
    }

    /// How many statements are to be closed.
    pub(crate) fn closes_due(&self) -> usize {
        self.cache.closes_due()
    }

    /// Whether a statement is to be closed.
    #[inline]
    pub(crate) fn is_close_due(&self) -> bool {
        self.cache.is_close_due()
    }

    /// The next statement that is to be closed.
    pub(crate) fn next_close(&mut self) -> Option<StatementId> {
        let id = self.cache.next_close()?;
        self.columns.remove(&id);
        self.sql.remove(&id);
        self.spent.remove(&id);
        self.given.remove(&id);
        self.settled(id);
        if self.last_prepared.is_some_and(|last| last.id == id) {
            self.last_prepared = None;
        }
        Some(id)
    }

    /// The server holds something for the statement, until it is reset or executed.
    pub(crate) fn reset_due(&mut self, id: StatementId) {
        if !self.unsettled.contains(&id) {
            self.unsettled.push(id);
        }
    }

    /// The server holds nothing for the statement.
    pub(crate) fn settled(&mut self, id: StatementId) {
        self.unsettled.retain(|unsettled| *unsettled != id);
        self.sent_ahead.take_if(|sent| sent.statement == id);
    }

    /// The statement has been executed: what was sent ahead is used up.
    #[inline]
    pub(crate) fn data_taken(&mut self, id: StatementId) {
        if let (true, Some(id)) = (self.is_reset_due(), self.resolve(id)) {
            self.settled(id);
        }
    }

    /// Whether a statement is to be reset.
    #[inline]
    pub(crate) const fn is_reset_due(&self) -> bool {
        !self.unsettled.is_empty()
    }

    /// The next statement that is to be reset.
    pub(crate) fn next_reset(&mut self) -> Option<StatementId> {
        let id = self.unsettled.pop()?;
        self.sent_ahead = None;
        Some(id)
    }

    /// Whether a value was sent ahead for the next execution of the statement.
    pub(crate) fn has_sent_ahead(&self, id: StatementId) -> bool {
        let sent = self.sent_ahead.as_ref();
        sent.is_some_and(|sent| sent.statement == id)
    }

    /// A piece of this parameter's value is sent ahead.
    pub(crate) fn sends_ahead(&mut self, id: StatementId, parameter: u16) {
        self.reset_due(id);
        let sent = self.sent_ahead.get_or_insert_with(|| SentAhead {
            statement: id,
            parameters: BTreeSet::new(),
        });
        sent.parameters.insert(parameter);
    }

    /// The parameters whose values were sent ahead for the next execution of the statement.
    pub(crate) fn sent_ahead(&self, id: StatementId) -> impl Iterator<Item = u16> {
        let sent = self
            .sent_ahead
            .iter()
            .filter(move |sent| sent.statement == id);
        sent.flat_map(|sent| sent.parameters.iter().copied())
    }

    /// What was sent ahead is for no execution that is yet to be queued.
    pub(crate) fn forget_sent_ahead(&mut self) {
        self.sent_ahead = None;
    }

    /// The server has forgotten all statements.
    pub(crate) fn forget(&mut self) {
        self.max_allowed_packet = None;
        self.cache.forget();
        self.columns.clear();
        self.sql.clear();
        self.last_prepared = None;
        self.unsettled.clear();
        self.spent.clear();
        self.given.clear();
        self.sent_ahead = None;
    }
}

/// `ER_MAX_PREPARED_STMT_COUNT_REACHED`.
pub(crate) const TOO_MANY_STATEMENTS: u16 = 1461;
