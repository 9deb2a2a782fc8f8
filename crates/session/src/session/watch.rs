//! What the users of a session leave behind in it.

use otaria_statement::{Leftovers, Statement};

use super::Session;

impl Session {
    /// Watches from now on whether the session changes: what it is now is what its next user expects.
    /// The server must have been told to track its state (`session_track_state_change`) and that of
    /// its transactions (`session_track_transaction_info`), and must have said so: see
    /// [`tells_changes`](Self::tells_changes).
    pub fn watch_changes(&mut self) {
        self.state.watch();
        self.is_watched = true;
        self.leftovers = Leftovers::None;
    }

    /// Whether the server has shown that it tells of changes of the session's state.
    pub const fn tells_changes(&self) -> bool {
        self.state.is_changed()
    }

    /// Whether the session may be another one than when [`watch_changes`](Self::watch_changes) was
    /// called: the server has told of a change that was not taken back, or what was run may have left
    /// something behind of which it does not tell. A transaction that is open does not count; the
    /// status tells of it.
    #[inline]
    pub fn may_have_changed(&self) -> bool {
        !self.is_watched || self.leftovers >= Leftovers::Some || self.state.differs()
    }

    /// Whether no reset makes the session what it was: another user may have been logged in, or
    /// another role may have been taken.
    pub fn is_beyond_reset(&self) -> bool {
        self.has_changed_user || self.leftovers == Leftovers::Lasting
    }

    /// Whether of all responses only those are due, if any, that nobody waits for because they
    /// [clean up](Self::clean_up), or begin a transaction that was given up.
    pub fn is_only_clean_up_due(&self) -> bool {
        !self.is_abandoned_due()
    }

    /// Whether a change of the user has been tried since the login.
    pub const fn has_changed_user(&self) -> bool {
        self.has_changed_user
    }

    /// Notes what a command that is queued may leave behind.
    pub(super) fn note_leftovers(&mut self, sql: &str) {
        if self.is_watched {
            self.leftovers = self.leftovers.max(Leftovers::of(sql));
        }
    }

    /// The same of a statement that is prepared.
    #[inline]
    pub(super) fn note_leftovers_of(&mut self, statement: &Statement) {
        self.leftovers = self.leftovers.max(statement.leftovers());
    }

    /// Notes that a command has failed.
    pub(super) fn note_failure(&mut self) {
        if self.leftovers == Leftovers::IfRefused {
            self.leftovers = Leftovers::Some;
        }
    }
}
