use std::collections::HashMap;
use std::fmt;
use std::mem;
use std::sync::Arc;

use otaria_codec::ServerStatus;
use rustc_hash::FxBuildHasher;

use crate::statement::{Closes, Epoch};
use crate::{ComStmtPrepareOk, Statement, StatementId};

/// The statements that one connection has prepared and keeps, the most recently used ones.
///
/// It knows what is open on the server: each statement it makes is either kept here, held by
/// somebody, or due to be closed, and [`next_close`](Self::next_close) says which. So the server
/// has no more statements open than the capacity, those that are held, and those whose close is
/// due.
pub struct StatementCache {
    capacity: usize,
    closes: Arc<Closes>,
    epoch: Epoch,
    /// By SQL, then by what else makes a difference, which is one thing as a rule.
    entries: HashMap<Arc<str>, Vec<Entry>, FxBuildHasher>,
    kept: usize,
    uses: u64,
    /// The one that was used last, which is used again as a rule: it is found without hashing.
    last: Option<LastUsed>,
}

struct LastUsed {
    schema: Box<str>,
    modes: ServerStatus,
    statement: Statement,
}

struct Entry {
    schema: Box<str>,
    modes: ServerStatus,
    statement: Statement,
    /// The number of its last use.
    used: u64,
}

/// What a statement is kept under. The same SQL means something else in another default database,
/// and where other quotes enclose names: the server keeps to those of the prepare.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct StatementKey<'a> {
    /// The default database; empty for none.
    pub schema: &'a str,
    /// The statement.
    pub sql: &'a str,
    /// The server's status, of which only `ANSI_QUOTES` and `NO_BACKSLASH_ESCAPES` count. It may be
    /// wrong: see [`StatementCache::clear`].
    pub status: ServerStatus,
}

/// Whether a statement can be executed on a connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Standing {
    /// It can.
    Open,
    /// The connection has forgotten it since, by a reset or a change of user. It can be prepared
    /// again from its SQL.
    Forgotten,
    /// It was prepared on another connection.
    Foreign,
}

impl StatementCache {
    /// The cache of a new connection that keeps at most `capacity` statements.
    pub fn new(capacity: usize) -> Self {
        Self {
            capacity,
            closes: Arc::default(),
            epoch: Epoch::default(),
            entries: HashMap::default(),
            kept: 0,
            uses: 0,
            last: None,
        }
    }

    /// The statement kept under `key`, which becomes the most recently used one.
    pub fn get(&mut self, key: StatementKey<'_>) -> Option<&Statement> {
        if self.last.as_ref().is_some_and(|last| last.is(key)) {
            return self.last.as_ref().map(|last| &last.statement);
        }
        let entries = self.entries.get_mut(key.sql)?;
        let entry = entries.iter_mut().find(|entry| entry.is(key))?;
        self.uses += 1;
        entry.used = self.uses;
        self.last = Some(LastUsed {
            schema: entry.schema.clone(),
            modes: entry.modes,
            statement: entry.statement.clone(),
        });
        Some(&entry.statement)
    }

    /// What a prepare that is queued at this moment belongs to.
    pub const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// The statement that the server has prepared from `sql` by a command queued in `epoch`. To be
    /// called for each [`ComStmtPrepareOk`] that comes, whoever still waits for it: what is made of
    /// it and dropped is closed.
    pub fn prepared(
        &self,
        epoch: Epoch,
        sql: impl Into<Arc<str>>,
        ok: &ComStmtPrepareOk,
    ) -> Statement {
        Statement::new(Arc::clone(&self.closes), epoch, sql.into(), ok)
    }

    /// Keeps `statement` for the SQL it was prepared from, and returns what it no longer keeps for
    /// that: the least recently used one, the one that was kept under the same key, or `statement`
    /// itself where the capacity is 0 or it is not [`Open`](Standing::Open) here. If nobody else
    /// holds that, dropping it makes its close due.
    pub fn insert(
        &mut self,
        schema: &str,
        status: ServerStatus,
        statement: Statement,
    ) -> Option<Statement> {
        if self.capacity == 0 || self.standing(&statement) != Standing::Open {
            return Some(statement);
        }
        self.last = None;
        self.uses += 1;
        let sql = Arc::clone(statement.sql());
        let key = StatementKey {
            schema,
            sql: &sql,
            status,
        };
        let entries = self.entries.entry(Arc::clone(&sql)).or_default();
        if let Some(entry) = entries.iter_mut().find(|entry| entry.is(key)) {
            entry.used = self.uses;
            return Some(mem::replace(&mut entry.statement, statement));
        }
        entries.push(Entry {
            schema: schema.into(),
            modes: modes(status),
            statement,
            used: self.uses,
        });
        self.kept += 1;
        if self.kept > self.capacity {
            self.evict()
        } else {
            None
        }
    }

    /// Forgets the statement kept under `key`, and returns it.
    pub fn remove(&mut self, key: StatementKey<'_>) -> Option<Statement> {
        self.take(key.sql, |entry| entry.is(key))
    }

    /// Keeps no statement any longer, when a command is queued that
    /// [may set `sql_mode`](crate::may_change_meaning). Those that nobody holds are due to be closed.
    ///
    /// The status in the key does not tell for certain by which modes a statement was read: a stored
    /// function that sets `sql_mode` leaves its modes in the status, and the server restores the
    /// variable. If the client sets the same modes then, nothing in the key changes, and what was
    /// prepared in between means something else. With a lying status alone the same statement is
    /// prepared again under another key, which costs no more than that.
    pub fn clear(&mut self) {
        self.last = None;
        self.entries.clear();
        self.kept = 0;
    }

    /// Forgets all statements, and that their closes are due, when `COM_RESET_CONNECTION` or
    /// `COM_CHANGE_USER` is queued: the server does so too. Those that are held are
    /// [`Forgotten`](Standing::Forgotten), and so is what a prepare queued before brings yet.
    pub fn forget(&mut self) {
        self.epoch = self.epoch.next();
        // First, so that what is dropped here is not due either.
        self.closes.begin_epoch(self.epoch);
        self.last = None;
        self.entries.clear();
        self.kept = 0;
    }

    /// Whether a statement is to be closed.
    #[inline]
    pub fn is_close_due(&self) -> bool {
        self.closes.is_due()
    }

    /// How many statements are to be closed.
    pub fn closes_due(&self) -> usize {
        self.closes.len()
    }

    /// Takes the next statement that is to be closed before the next command.
    pub fn next_close(&self) -> Option<StatementId> {
        self.closes.pop()
    }

    /// Whether `statement` can be executed on this connection.
    pub fn standing(&self, statement: &Statement) -> Standing {
        if !statement.belongs_to(&self.closes) {
            Standing::Foreign
        } else if statement.epoch() == self.epoch {
            Standing::Open
        } else {
            Standing::Forgotten
        }
    }

    /// How many statements are kept.
    pub const fn len(&self) -> usize {
        self.kept
    }

    /// Whether no statement is kept.
    pub const fn is_empty(&self) -> bool {
        self.kept == 0
    }

    /// The greatest number of statements that are kept.
    pub const fn capacity(&self) -> usize {
        self.capacity
    }

    /// Looks at every statement: one is evicted where one was prepared, which took a round trip.
    fn evict(&mut self) -> Option<Statement> {
        let all = self.entries.values().flatten();
        let oldest = all.min_by_key(|entry| entry.used)?;
        let (used, sql) = (oldest.used, Arc::clone(oldest.statement.sql()));
        self.take(&sql, |entry| entry.used == used)
    }

    fn take(&mut self, sql: &str, which: impl Fn(&Entry) -> bool) -> Option<Statement> {
        self.last = None;
        let entries = self.entries.get_mut(sql)?;
        let at = entries.iter().position(which)?;
        let entry = entries.swap_remove(at);
        if entries.is_empty() {
            self.entries.remove(sql);
        }
        self.kept -= 1;
        Some(entry.statement)
    }
}

impl LastUsed {
    fn is(&self, key: StatementKey<'_>) -> bool {
        **self.statement.sql() == *key.sql
            && *self.schema == *key.schema
            && self.modes == modes(key.status)
    }
}

impl Entry {
    fn is(&self, key: StatementKey<'_>) -> bool {
        *self.schema == *key.schema && self.modes == modes(key.status)
    }
}

impl fmt::Debug for StatementCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StatementCache")
            .field("capacity", &self.capacity)
            .field("len", &self.kept)
            .finish_non_exhaustive()
    }
}

/// Shows the length of the SQL only, since values may stand in it.
impl fmt::Debug for StatementKey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StatementKey")
            .field("schema", &self.schema)
            .field("sql_bytes", &self.sql.len())
            .field("status", &self.status)
            .finish()
    }
}

/// What of `status` changes the meaning of a statement.
fn modes(status: ServerStatus) -> ServerStatus {
    status & (ServerStatus::ANSI_QUOTES | ServerStatus::NO_BACKSLASH_ESCAPES)
}

#[cfg(test)]
mod tests;
