//! What the server runs at this moment.

use super::Session;
use super::expected::{Expected, Reply, Subject};
use crate::statements::Sql;

impl Session {
    /// The beginning of the SQL that the server runs, prepares or fetches rows of, as it was sent:
    /// that of the first response that is due, or of the one behind a reset of a statement. `None` if
    /// no response is due, or if it is not that to SQL, such as `COM_PING`.
    ///
    /// It is cut behind 200 bytes, or less where a character would be cut.
    pub fn running_sql(&self) -> Option<&str> {
        let is_reset = |due: &&Expected| due.reset_statement().is_some();
        let due = self.expected.iter().find(|due| !is_reset(due))?;
        self.sql_of(due).map(cut)
    }

    /// The SQL that a response is due to, if it is that to SQL: the beginning of it, where it was sent
    /// by the text protocol.
    pub(super) fn sql_of<'a>(&'a self, due: &'a Expected) -> Option<&'a str> {
        match &due.reply {
            Reply::Prepare(reply) => Some(&reply.prepare.sql),
            Reply::Response(response) => match (&response.execution, &response.subject) {
                (Some(execution), _) => Some(self.statements.sql(execution.statement)?),
                (None, Subject::Sql(sql)) => Some(sql),
                (None, Subject::Fetch(statement)) => Some(self.statements.sql(*statement)?),
                (None, Subject::None | Subject::Schema(_)) => None,
            },
            Reply::ChangeUser(_)
            | Reply::StatementReset(_)
            | Reply::CleanUp(_)
            | Reply::Transaction(_) => None,
        }
    }

    /// Whether a response is due that nobody waits for, once [`abandon`](Self::abandon) has been
    /// called: another one than those to what cleans up, or begins a transaction.
    pub fn is_abandoned(&self) -> bool {
        let is_ours = |due: &Expected| due.is_wanted() || due.reset_statement().is_some();
        self.is_in_command() || !self.expected.iter().all(is_ours)
    }

    /// Whether a part of a command or of a file has been sent, and the rest has not: the server waits
    /// for that.
    pub fn is_in_command(&self) -> bool {
        #[cfg(feature = "tls")]
        if self.tls.as_ref().is_some_and(|tls| !tls.is_written()) {
            return true;
        }
        self.commands.is_begun()
    }
}

/// What is to be known of SQL while the server runs it.
pub(super) fn beginning(sql: &str) -> Subject {
    Subject::Sql(Sql(cut(sql).into()))
}

fn cut(sql: &str) -> &str {
    let end = (0..=MAX_BYTES).rev().find(|end| sql.is_char_boundary(*end));
    match sql.len() {
        0..=MAX_BYTES => sql,
        _ => sql.get(..end.unwrap_or_default()).unwrap_or_default(),
    }
}

/// Enough to tell statements apart.
pub(super) const MAX_BYTES: usize = 200;
