use std::io;

use super::{Error, ErrorKind, PoolError, ServerError, TimeoutPhase};

impl Error {
    /// Whether the call can be made again without anything being done twice: nothing of its
    /// statement was sent or taken up, or the server says that nothing of it stays, as it does of a
    /// deadlock (1213) and of a lock that could not be had in time (1205). It does not say whether
    /// that is of use, which [`is_transient`](Self::is_transient) does, nor on which connection, for
    /// which see [`is_disconnect`](Self::is_disconnect).
    ///
    /// Where the statement was part of a transaction, the transaction is what is made again, from
    /// its beginning. A call of several statements, or of a procedure, is judged by the one that
    /// failed: those before it may have been committed, unless a transaction is around them. So may
    /// the changes of a table without transactions, such as one of `Aria`.
    pub fn is_safe_to_retry(&self) -> bool {
        match self {
            Self::Server(error) => nothing_stays(error),
            // A login, of which no statement is part.
            Self::Auth(_)
            | Self::Credentials(_)
            | Self::Prompt { .. }
            | Self::Endpoints(_)
            | Self::WrongRole { .. }
            | Self::SessionSettings(_)
            | Self::Timeout {
                phase: TimeoutPhase::Connect | TimeoutPhase::Ready,
                ..
            }
            // Nothing was sent.
            | Self::Closed { .. }
            | Self::Pool(_)
            | Self::TransactionAborted { code: Some(_) }
            | Self::TransactionOpen
            // The caller's mistakes, found before anything was sent or run.
            | Self::Config(_)
            | Self::Pipeline { .. }
            | Self::Params(_)
            | Self::Place(_)
            | Self::ParameterCount { .. }
            | Self::NoInsertRow
            | Self::ForeignStatement
            | Self::CursorRefused
            | Self::LongData(_)
            | Self::Redirect(_) => true,
            Self::Batch(batch) => {
                let nothing_ran =
                    batch.rows_confirmed == 0 && batch.rows_unknown == 0 && !batch.may_remain;
                nothing_ran && batch.source.is_safe_to_retry()
            }
            _ => false,
        }
    }

    /// Whether the same may succeed a little later, with nothing changed on this side: the server
    /// was busy, out of reach or about to be replaced, or another transaction was in the way.
    /// Whether it may be done again at all is said by
    /// [`is_safe_to_retry`](Self::is_safe_to_retry).
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Server(error)
            | Self::EndedByServer(error)
            | Self::SessionSettings(error)
            | Self::InitCommand { source: error, .. } => {
                passes(error.kind()) || error.is_of_read_only_server()
            }
            Self::Io { source, .. } => !is_permanent(source),
            Self::Closed { .. }
            | Self::ConnectionLost { .. }
            | Self::OutcomeUnknown { .. }
            | Self::Timeout { .. }
            | Self::TransactionAborted { code: Some(_) }
            | Self::WrongRole { .. }
            | Self::Pool(PoolError::Timeout { .. }) => true,
            Self::Auth(_) => passes(self.kind()),
            Self::Batch(batch) => batch.source.is_transient(),
            Self::Pipeline { source, .. }
            | Self::CommitUnknown { source }
            | Self::Pool(PoolError::Connect(source)) => source.is_transient(),
            Self::Endpoints(errors) => errors.iter().any(|error| error.error().is_transient()),
            _ => false,
        }
    }

    /// Whether the connection on which the call was made is closed, or could not be opened: what
    /// comes next needs another one.
    pub fn is_disconnect(&self) -> bool {
        match self {
            Self::EndedByServer(_)
            | Self::Auth(_)
            | Self::Prompt { .. }
            | Self::InvalidPacket(_)
            | Self::Io { .. }
            | Self::ConnectionLost { .. }
            | Self::OutcomeUnknown { .. }
            | Self::Closed { .. }
            | Self::Endpoints(_)
            | Self::WrongRole { .. }
            | Self::MiscountedPlaceholders { .. }
            | Self::StatementNotReset(_) => true,
            #[cfg(feature = "tls")]
            Self::Tls(_) => true,
            Self::Timeout {
                statement_stopped, ..
            } => !statement_stopped,
            Self::Pipeline { source, .. }
            | Self::CommitUnknown { source }
            | Self::Pool(PoolError::Connect(source)) => source.is_disconnect(),
            Self::Batch(batch) => batch.source.is_disconnect(),
            _ => false,
        }
    }
}

/// Whether the server has undone the statement, or has not begun it.
fn nothing_stays(error: &ServerError) -> bool {
    match error.kind() {
        ErrorKind::Deadlock
        | ErrorKind::LockTimeout
        | ErrorKind::Conflict
        | ErrorKind::TooManyConnections => true,
        // Not 1036: another table may have been written before. Not 1053, which ends statements.
        ErrorKind::ReadOnly => error.is_of_read_only_server() || error.code() == 1792,
        ErrorKind::Unavailable => error.code() == 1047,
        _ => false,
    }
}

/// Whether what the server says may be otherwise a little later.
const fn passes(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::Deadlock
            | ErrorKind::LockTimeout
            | ErrorKind::Conflict
            | ErrorKind::TooManyConnections
            | ErrorKind::Unavailable
            | ErrorKind::Timeout
            | ErrorKind::Disconnected
    )
}

/// Whether a transport fails so every time. A Unix socket that does not exist may be there when
/// its server has started, and a name that cannot be resolved when the network has.
fn is_permanent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::PermissionDenied
            | io::ErrorKind::InvalidInput
            | io::ErrorKind::Unsupported
            | io::ErrorKind::OutOfMemory
    )
}

#[cfg(test)]
mod tests;
