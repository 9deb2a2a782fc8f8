use std::collections::HashMap;
use std::sync::Arc;

use otaria_binary::Parameters;
use otaria_codec::ServerStatus;
use otaria_statement::{
    ComStmtPrepareOk, Epoch, Standing, Statement, StatementCache, StatementId, StatementKey,
    StatementKind,
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
    last_prepared: Option<LastPrepared>,
    /// Those of the execution that is being queued.
    pub(crate) parameters: Parameters,
}

/// The statement that the server knows as the one prepared last.
#[derive(Clone, Copy, Debug)]
struct LastPrepared {
    id: StatementId,
    is_select: bool,
}

/// A prepare whose response is due, and what was known when it was queued.
#[derive(Debug)]
pub(crate) struct Prepare {
    pub(crate) sql: Arc<str>,
    schema: Box<str>,
    status: ServerStatus,
    epoch: Epoch,
    /// Whether it is a SELECT for certain.
    pub(crate) is_select: bool,
    /// As soon as the server has named it.
    pub(crate) statement: Option<Statement>,
}

impl Statements {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            cache: StatementCache::new(capacity),
            columns: HashMap::default(),
            last_prepared: None,
            parameters: Parameters::new(),
        }
    }

    pub(crate) fn cached(&mut self, key: StatementKey<'_>) -> Option<Statement> {
        self.cache.get(key).cloned()
    }

    pub(crate) fn standing(&self, statement: &Statement) -> Standing {
        self.cache.standing(statement)
    }

    pub(crate) fn prepare(&self, key: StatementKey<'_>) -> Prepare {
        Prepare {
            sql: key.sql.into(),
            schema: key.schema.into(),
            status: key.status,
            epoch: self.cache.epoch(),
            is_select: StatementKind::of(key.sql, key.status) == StatementKind::Select,
            statement: None,
        }
    }

    /// The server has named the statement.
    pub(crate) fn prepared(&mut self, prepare: &Prepare, ok: &ComStmtPrepareOk) -> Statement {
        self.last_prepared = Some(LastPrepared {
            id: ok.statement,
            is_select: prepare.is_select,
        });
        let sql = Arc::clone(&prepare.sql);
        self.cache.prepared(prepare.epoch, sql, ok)
    }

    /// The response to a prepare has ended. What the cache keeps no longer for it is closed, unless
    /// somebody holds it.
    pub(crate) fn keep(&mut self, prepare: &Prepare, statement: &Statement, columns: Columns) {
        self.set_columns(statement.id(), Arc::new(columns));
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

    /// Whether no harm is done if the server executes the statement prepared last once more: it
    /// returns rows, or there is none.
    pub(crate) fn may_repeat_last(&self) -> bool {
        self.last_prepared.is_none_or(|last| last.is_select)
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

    /// How many statements are to be closed.
    pub(crate) fn closes_due(&self) -> usize {
        self.cache.closes_due()
    }

    /// The next statement that is to be closed.
    pub(crate) fn next_close(&mut self) -> Option<StatementId> {
        let id = self.cache.next_close()?;
        self.columns.remove(&id);
        if self.last_prepared.is_some_and(|last| last.id == id) {
            self.last_prepared = None;
        }
        Some(id)
    }

    /// The server has forgotten all statements.
    pub(crate) fn forget(&mut self) {
        self.cache.forget();
        self.columns.clear();
        self.last_prepared = None;
    }
}

/// `ER_MAX_PREPARED_STMT_COUNT_REACHED`.
pub(crate) const TOO_MANY_STATEMENTS: u16 = 1461;
