use std::fmt;

/// What a call was waiting for when its time was over.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum TimeoutPhase {
    /// Name resolution, the connection, the login and the init commands.
    Connect,
    /// The response to an earlier call, which nobody waits for, to end. Nothing was sent.
    Ready,
    /// The server to take what is sent.
    Write,
    /// The server to send this packet.
    Read(&'static str),
    /// A statement to be stopped.
    Stop,
}

impl fmt::Display for TimeoutPhase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect => f.write_str("connect"),
            Self::Ready => f.write_str("use the connection, for an earlier call is not done"),
            Self::Write => f.write_str("send a command"),
            Self::Stop => f.write_str("stop a statement"),
            Self::Read(expected) => write!(f, "receive: {expected}"),
        }
    }
}
