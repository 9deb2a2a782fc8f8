use otaria_auth::AuthError;

use super::{Error, PoolError, ServerError};
use crate::Role;

/// What a user of the driver tells errors apart by. It is found by the codes of MariaDB and of
/// MySQL, and where one code means several things by the SQLSTATE or by what the server's words
/// name.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A row would have the value of a unique key that another row has, such as 1062.
    UniqueViolation,
    /// A row refers to one that does not exist, or is referred to, such as 1451 and 1452.
    ForeignKeyViolation,
    /// A column that takes no NULL would get one, or no value at all (1048, 1364).
    NotNullViolation,
    /// A CHECK constraint is not met (4025, on MySQL 3819).
    CheckViolation,
    /// Two transactions waited for each other, and this one was rolled back (1213).
    Deadlock,
    /// A lock could not be had in time, or not at once with NOWAIT (1205).
    LockTimeout,
    /// Another transaction has changed the row since this one began (1020, which `InnoDB` says if
    /// `innodb_snapshot_isolation` is on), or committed before it in a cluster.
    Conflict,
    /// The transaction had ended before the call: [`Error::TransactionAborted`].
    TransactionAborted,
    /// The server refused the login, or the user may not do this.
    AccessDenied,
    /// The server, the transaction or the table takes no writes, or a server that takes them was
    /// asked for and there is none.
    ReadOnly,
    /// The server, or the account, has no room for another connection (1040, 1203, 1226).
    TooManyConnections,
    /// The server, or each of several, serves nobody for now: it is starting, shutting down, or cut
    /// off from its cluster.
    Unavailable,
    /// The statement was killed (1317), or its call given up.
    Cancelled,
    /// It took longer than the configuration or the server's `max_statement_time` allows.
    Timeout,
    /// The connection could not be made, or is lost or closed.
    Disconnected,
    /// The server broke the protocol.
    Protocol,
    /// None of these.
    Other,
}

impl Error {
    /// What kind of error it is. That of one that says where another occurred, such as
    /// [`Error::Batch`] or [`Error::InitCommand`], is that of the other.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Server(error)
            | Self::SessionSettings(error)
            | Self::InitCommand { source: error, .. } => error.kind(),
            Self::EndedByServer(error) => match error.kind() {
                ErrorKind::Other => ErrorKind::Disconnected,
                kind => kind,
            },
            Self::Auth(error) => auth_kind(error),
            Self::Pipeline { source, .. }
            | Self::CommitUnknown { source }
            | Self::Pool(PoolError::Connect(source)) => source.kind(),
            Self::Batch(batch) => batch.source.kind(),
            Self::Endpoints(errors) => {
                let mut kinds = errors.iter().map(|endpoint| endpoint.error().kind());
                let first = kinds.next().unwrap_or(ErrorKind::Unavailable);
                if kinds.all(|kind| kind == first) {
                    first
                } else {
                    ErrorKind::Unavailable
                }
            }
            Self::Timeout { .. } | Self::Pool(PoolError::Timeout { .. }) => ErrorKind::Timeout,
            Self::Io { .. }
            | Self::ConnectionLost { .. }
            | Self::OutcomeUnknown { .. }
            | Self::Closed { .. } => ErrorKind::Disconnected,
            Self::WrongRole {
                wanted: Role::Writer,
                ..
            } => ErrorKind::ReadOnly,
            Self::WrongRole { .. } => ErrorKind::Unavailable,
            Self::TransactionAborted { .. } => ErrorKind::TransactionAborted,
            Self::InvalidPacket(_) | Self::InvalidRow(_) | Self::MiscountedPlaceholders { .. } => {
                ErrorKind::Protocol
            }
            #[cfg(feature = "tls")]
            Self::Tls(crate::TlsError::Record(_)) => ErrorKind::Protocol,
            _ => ErrorKind::Other,
        }
    }
}

impl ServerError {
    /// What kind of error it is.
    pub fn kind(&self) -> ErrorKind {
        server_kind(self.code(), self.sqlstate(), self.message())
    }

    /// Whether the server says that it is of no more use to connections that write, or to any: it
    /// has become read-only, shuts down, is taken out of service, or has fallen out of its cluster.
    pub(crate) fn retires_connection(&self, is_for_reading: bool) -> bool {
        match self.code() {
            // Offline mode, a commit that the group's plugin has not let through.
            1053 | 1152 | 1184 | 3032 | 3100 | 3168 | 3169 => true,
            1047 => self.kind() == ErrorKind::Unavailable,
            _ => !is_for_reading && self.is_of_read_only_server(),
        }
    }

    /// Whether the server as a whole takes no writes, and not this transaction or table alone.
    pub(crate) fn is_of_read_only_server(&self) -> bool {
        self.kind() == ErrorKind::ReadOnly && matches!(self.code(), 1290 | 1836 | 1874)
    }
}

fn auth_kind(error: &AuthError) -> ErrorKind {
    match error {
        AuthError::Server {
            code,
            sqlstate,
            message,
        }
        | AuthError::UnprovenServer {
            code,
            sqlstate,
            message,
        } => {
            let sqlstate = sqlstate.as_ref();
            let sqlstate = sqlstate.and_then(|sqlstate| std::str::from_utf8(sqlstate).ok());
            server_kind(*code, sqlstate, message)
        }
        AuthError::InvalidPacket(_) => ErrorKind::Protocol,
        _ => ErrorKind::Other,
    }
}

/// The kind of what a server of MariaDB or MySQL says. The two share the codes below 1900; where
/// one code means different things above, the SQLSTATE decides.
fn server_kind(code: u16, sqlstate: Option<&str>, message: &str) -> ErrorKind {
    match code {
        1022 | 1062 | 1169 | 1557 | 1586 | 1761 | 1762 | 1859 => ErrorKind::UniqueViolation,
        1216 | 1217 | 1451 | 1452 | 1701 | 1834 | 3730 => ErrorKind::ForeignKeyViolation,
        1048 | 1263 | 1364 => ErrorKind::NotNullViolation,
        3819 => ErrorKind::CheckViolation,
        // On MySQL it is another error.
        4025 if sqlstate == Some("23000") => ErrorKind::CheckViolation,
        1213 | 1614 | 3058 => ErrorKind::Deadlock,
        1205 | 1613 | 3572 => ErrorKind::LockTimeout,
        1020 | 3101 => ErrorKind::Conflict,
        1044 | 1045 | 1095 | 1130 | 1142 | 1143 | 1227 | 1370 | 1698 | 1820 | 1862 | 1873
        | 3118 | 3955 | 4150 | 4151 => ErrorKind::AccessDenied,
        1036 | 1792 | 1836 | 1874 => ErrorKind::ReadOnly,
        // The option is named in every language: `--read-only`, `--super-read-only`.
        1290 if message.contains("read-only") || message.contains("read_only") => {
            ErrorKind::ReadOnly
        }
        1040 | 1203 => ErrorKind::TooManyConnections,
        1226 if LIMITS_OF_CONNECTIONS.iter().any(|it| message.contains(it)) => {
            ErrorKind::TooManyConnections
        }
        1053 | 1129 | 3032 | 3168 => ErrorKind::Unavailable,
        // "Unknown command" but for Galera, whose nodes say so while they are not in sync.
        1047 if message.starts_with("WSREP") => ErrorKind::Unavailable,
        1317 => ErrorKind::Cancelled,
        1969 | 3024 => ErrorKind::Timeout,
        1152 | 1158..=1161 | 1184 | 1927 | 3169 => ErrorKind::Disconnected,
        _ => ErrorKind::Other,
    }
}

/// The resources of an account, as error 1226 names them, that are counted in connections.
const LIMITS_OF_CONNECTIONS: [&str; 2] = ["'max_user_connections'", "'max_connections_per_hour'"];

#[cfg(test)]
mod tests;
