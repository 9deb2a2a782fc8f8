use std::fmt;

/// How a transaction is begun. What is not said is as the server has it.
///
/// ```
/// use otaria_session::{IsolationLevel, TransactionOptions};
///
/// let report = TransactionOptions::new()
///     .isolation_level(IsolationLevel::RepeatableRead)
///     .read_only(true)
///     .consistent_snapshot(true);
/// # drop(report);
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct TransactionOptions {
    isolation_level: Option<IsolationLevel>,
    read_only: Option<bool>,
    consistent_snapshot: bool,
}

impl TransactionOptions {
    /// All as the server has it.
    pub const fn new() -> Self {
        Self {
            isolation_level: None,
            read_only: None,
            consistent_snapshot: false,
        }
    }

    /// What the transaction sees of others.
    #[must_use]
    pub const fn isolation_level(mut self, level: IsolationLevel) -> Self {
        self.isolation_level = Some(level);
        self
    }

    /// Whether the server refuses statements that write, but for those to temporary tables; `false`
    /// begins one that may write even where `tx_read_only` is on.
    #[must_use]
    pub const fn read_only(mut self, read_only: bool) -> Self {
        self.read_only = Some(read_only);
        self
    }

    /// Whether the transaction sees what was committed when it began, and not only from its first
    /// statement on. It needs [`IsolationLevel::RepeatableRead`].
    #[must_use]
    pub const fn consistent_snapshot(mut self, wanted: bool) -> Self {
        self.consistent_snapshot = wanted;
        self
    }

    /// What has to go in front of [`start_sql`](Self::start_sql): it concerns the next transaction
    /// only.
    pub(crate) fn isolation_sql(self) -> Option<String> {
        let level = self.isolation_level?;
        Some(format!("SET TRANSACTION ISOLATION LEVEL {level}"))
    }

    pub(crate) const fn start_sql(self) -> &'static str {
        match (self.consistent_snapshot, self.read_only) {
            (false, None) => "START TRANSACTION",
            (false, Some(true)) => "START TRANSACTION READ ONLY",
            (false, Some(false)) => "START TRANSACTION READ WRITE",
            (true, None) => "START TRANSACTION WITH CONSISTENT SNAPSHOT",
            (true, Some(true)) => "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
            (true, Some(false)) => "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ WRITE",
        }
    }
}

/// What a transaction sees of what others do meanwhile: see [Isolation
/// Level](https://mariadb.com/docs/server/reference/sql-statements/transactions/set-transaction#isolation-level).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum IsolationLevel {
    /// Also what others have not committed.
    ReadUncommitted,
    /// What is committed when a statement begins.
    ReadCommitted,
    /// What was committed when the first statement began; the server's default.
    RepeatableRead,
    /// The same, and what is read is locked.
    Serializable,
}

/// The level's name in SQL.
impl fmt::Display for IsolationLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ReadUncommitted => "READ UNCOMMITTED",
            Self::ReadCommitted => "READ COMMITTED",
            Self::RepeatableRead => "REPEATABLE READ",
            Self::Serializable => "SERIALIZABLE",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_said_stands_in_no_sql() {
        let options = TransactionOptions::new();
        assert_eq!(options.isolation_sql(), None);
        assert_eq!(options.start_sql(), "START TRANSACTION");
        assert_eq!(options, TransactionOptions::default());
    }

    #[test]
    fn each_option_stands_in_the_sql() {
        let options = TransactionOptions::new()
            .isolation_level(IsolationLevel::Serializable)
            .read_only(true)
            .consistent_snapshot(true);
        assert_eq!(
            options.isolation_sql().unwrap(),
            "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE"
        );
        assert_eq!(
            options.start_sql(),
            "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"
        );
        let read_write = TransactionOptions::new().read_only(false);
        assert_eq!(read_write.start_sql(), "START TRANSACTION READ WRITE");
    }
}
