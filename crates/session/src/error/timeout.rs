use std::fmt;

/// What a call was waiting for when its time was over.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum TimeoutPhase {
    /// Name resolution, the connection, the login and the init commands.
    Connect,
    /// The server to take what is sent.
    Write,
    /// The server to send this packet.
    Read(&'static str),
}

impl fmt::Display for TimeoutPhase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect => f.write_str("connect"),
            Self::Write => f.write_str("send a command"),
            Self::Read(expected) => write!(f, "receive: {expected}"),
        }
    }
}
