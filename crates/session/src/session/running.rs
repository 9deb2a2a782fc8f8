//! What the server runs at this moment.

use super::Session;
use super::expected::{Expected, Reply, Subject};
use crate::statements::Sql;

impl Session {
    /// The beginning of the SQL that the server runs, prepares or fetches rows of, as it was sent:
    /// that of the first response that is due, or of the one behind a reset of a statement. `None` if
    /// no response is due, or if it is not that to SQL, such as `COM_PING`.
    ///
    /// It is cut behind 200 bytes, or less where a character would be cut; several statements that were
    /// sent as one behind 64 KiB, for each of them may be the one that runs.
    pub fn running_sql(&self) -> Option<&str> {
        let is_reset = |due: &&Expected| due.reset_statement().is_some();
        let due = self.expected.iter().find(|due| !is_reset(due))?;
        let is_execution =
            matches!(&due.reply, Reply::Response(response) if response.execution.is_some());
        let is_cut = matches!(&due.reply, Reply::Response(_)) && !is_execution;
        let sql = self.sql_of(due)?;
        Some(if is_cut { sql } else { cut(sql, MAX_BYTES) })
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
                (None, Subject::None | Subject::Schema(_) | Subject::Commit) => None,
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

/// What is to be known of SQL while the server runs it, which may be `several` statements.
pub(super) fn beginning(sql: &str, several: bool) -> Subject {
    let max_bytes = if several && sql.contains(';') {
        MAX_SEVERAL_BYTES
    } else {
        MAX_BYTES
    };
    Subject::Sql(Sql(cut(sql, max_bytes).into()))
}

/// The beginning of `sql`, of so many bytes at most.
pub(crate) fn cut(sql: &str, max_bytes: usize) -> &str {
    if sql.len() <= max_bytes {
        return sql;
    }
    let end = (0..=max_bytes).rev().find(|end| sql.is_char_boundary(*end));
    sql.get(..end.unwrap_or_default()).unwrap_or_default()
}

/// Enough to tell statements apart.
pub(crate) const MAX_BYTES: usize = 200;
/// What is longer is a file of statements rather than some that belong together.
const MAX_SEVERAL_BYTES: usize = 64 * 1024;
