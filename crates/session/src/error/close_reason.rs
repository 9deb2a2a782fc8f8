use std::fmt;

/// Why a connection was closed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum CloseReason {
    /// The server closed it, or the transport failed.
    Lost,
    /// The server broke the protocol.
    InvalidPacket,
    /// The server ended the session by an error of its own, such as 1927.
    EndedByServer {
        /// The server's error code.
        code: u16,
    },
    /// A read or write took too long.
    TimedOut,
    /// The server found other placeholders in a statement than parameters were sent for.
    MiscountedPlaceholders,
    /// The server did not reset a statement that was to be used again.
    StatementNotReset {
        /// The server's error code.
        code: u16,
    },
    /// A response that nobody wanted any more could not be read to its end within the limit.
    AbandonedResponse,
    /// The server refused a command that was to make the session what its next user expects, such as
    /// `ROLLBACK`.
    CleanUpFailed {
        /// The server's error code.
        code: u16,
    },
    /// A call was given up, and by the configuration the connection with it.
    Cancelled,
    /// It was of no use any more, as when its server became read-only.
    Retired,
    /// The login did not succeed.
    LoginFailed,
    /// The login is not done: the session is not open yet.
    NotLoggedIn,
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lost => f.write_str("it was lost"),
            Self::InvalidPacket => f.write_str("the server broke the protocol"),
            Self::EndedByServer { code } => write!(f, "the server ended it with error {code}"),
            Self::TimedOut => f.write_str("an earlier call timed out"),
            Self::MiscountedPlaceholders => {
                f.write_str("parameters were sent for another number of placeholders")
            }
            Self::StatementNotReset { code } => {
                write!(f, "the server did not reset a statement, with error {code}")
            }
            Self::AbandonedResponse => {
                f.write_str("an abandoned response was too long to be read to its end")
            }
            Self::CleanUpFailed { code } => {
                write!(
                    f,
                    "the server did not clean the session up, with error {code}"
                )
            }
            Self::Cancelled => f.write_str("an earlier call was given up"),
            Self::Retired => f.write_str("it was retired"),
            Self::LoginFailed => f.write_str("the login failed"),
            Self::NotLoggedIn => f.write_str("the login is not done"),
        }
    }
}
