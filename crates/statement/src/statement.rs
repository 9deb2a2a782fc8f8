use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::{ComStmtPrepareOk, Leftovers, StatementId, may_change_meaning, may_set_schema};

/// A statement that is prepared on one connection.
///
/// Clones stand for the same statement. When the last of them is dropped, wherever that is, the
/// connection closes the statement with its next command; nothing is awaited.
///
/// `Debug` does not show the SQL.
#[derive(Clone)]
pub struct Statement {
    inner: Arc<StatementInner>,
}

struct StatementInner {
    closes: Arc<Closes>,
    epoch: Epoch,
    id: StatementId,
    parameters: u16,
    may_change_meaning: bool,
    may_set_schema: bool,
    leftovers: Leftovers,
    sql: Arc<str>,
}

impl Statement {
    pub(crate) fn new(
        closes: Arc<Closes>,
        epoch: Epoch,
        sql: Arc<str>,
        ok: &ComStmtPrepareOk,
    ) -> Self {
        Self {
            inner: Arc::new(StatementInner {
                closes,
                epoch,
                id: ok.statement,
                parameters: ok.parameters,
                may_change_meaning: may_change_meaning(&sql, false),
                may_set_schema: may_set_schema(&sql, false),
                leftovers: Leftovers::of(&sql),
                sql,
            }),
        }
    }

    /// What the statement is called on its connection, as long as that has not forgotten it.
    pub fn id(&self) -> StatementId {
        self.inner.id
    }

    /// How many placeholders it has.
    pub fn parameters(&self) -> u16 {
        self.inner.parameters
    }

    /// The SQL that it was prepared from.
    pub fn sql(&self) -> &Arc<str> {
        &self.inner.sql
    }

    /// Whether the session may have another `sql_mode` behind it: see [`may_change_meaning`].
    pub fn may_change_meaning(&self) -> bool {
        self.inner.may_change_meaning
    }

    /// Whether the session may have another default database behind it: see [`may_set_schema`].
    pub fn may_set_schema(&self) -> bool {
        self.inner.may_set_schema
    }

    /// What it may leave behind in the session: see [`Leftovers::of`].
    pub fn leftovers(&self) -> Leftovers {
        self.inner.leftovers
    }

    pub(crate) fn epoch(&self) -> Epoch {
        self.inner.epoch
    }

    pub(crate) fn belongs_to(&self, closes: &Arc<Closes>) -> bool {
        Arc::ptr_eq(&self.inner.closes, closes)
    }
}

impl fmt::Debug for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Statement")
            .field("id", &self.inner.id)
            .field("parameters", &self.inner.parameters)
            .finish_non_exhaustive()
    }
}

impl Drop for StatementInner {
    fn drop(&mut self) {
        self.closes.push(self.epoch, self.id);
    }
}

/// The time between two moments at which a connection forgets its statements.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Epoch(u32);

impl Epoch {
    pub(crate) const fn next(self) -> Self {
        Self(self.0.wrapping_add(1))
    }
}

/// What one connection has to close. It is also what tells connections apart: no two share one.
#[derive(Debug, Default)]
pub(crate) struct Closes {
    due: Mutex<Due>,
    /// Whether there may be one in `due`, which every execution asks: mostly there is none, and no
    /// lock has to be taken to know. Written only under the lock.
    is_due: AtomicBool,
}

#[derive(Debug, Default)]
struct Due {
    epoch: Epoch,
    ids: Vec<StatementId>,
}

impl Closes {
    /// Whether there is one.
    #[inline]
    pub(crate) fn is_due(&self) -> bool {
        self.is_due.load(Ordering::Relaxed)
    }

    /// Takes the next one.
    pub(crate) fn pop(&self) -> Option<StatementId> {
        let mut due = self.due();
        let next = due.ids.pop();
        self.is_due.store(!due.ids.is_empty(), Ordering::Relaxed);
        next
    }

    pub(crate) fn len(&self) -> usize {
        self.due().ids.len()
    }

    /// The server has forgotten every statement: those of the epochs before need no close.
    pub(crate) fn begin_epoch(&self, epoch: Epoch) {
        let mut due = self.due();
        due.epoch = epoch;
        due.ids.clear();
        self.is_due.store(false, Ordering::Relaxed);
    }

    fn push(&self, epoch: Epoch, id: StatementId) {
        let mut due = self.due();
        if due.epoch == epoch {
            due.ids.push(id);
            self.is_due.store(true, Ordering::Relaxed);
        }
    }

    /// Nothing that is done under this lock panics, and a list is whole at any time.
    fn due(&self) -> MutexGuard<'_, Due> {
        self.due.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
