use std::io;

use super::{Phase, Session};
use crate::error::{CloseReason, Error, ServerError, TimeoutPhase};

/// What a shell tells of its transport. All of it closes the session.
impl Session {
    /// The transport has reached its end.
    pub fn lost(&mut self) -> Error {
        let expected = self.expects();
        self.close(CloseReason::Lost);
        Error::ConnectionLost { expected }
    }

    /// The transport has failed.
    pub fn failed(&mut self, action: &str, source: io::Error) -> Error {
        self.close(CloseReason::Lost);
        Error::Io {
            action: action.to_owned(),
            source,
        }
    }

    /// The transport has failed, and the server has said why before.
    pub fn ended(&mut self, error: ServerError) -> Error {
        self.close(CloseReason::EndedByServer { code: error.code() });
        Error::EndedByServer(error)
    }

    /// Nothing could be sent for too long.
    pub fn write_timed_out(&mut self) -> Error {
        self.close(CloseReason::TimedOut);
        Error::Timeout {
            phase: TimeoutPhase::Write,
            statement_stopped: false,
        }
    }

    /// Nothing came for too long.
    pub fn read_timed_out(&mut self) -> Error {
        let phase = TimeoutPhase::Read(self.expects());
        self.close(CloseReason::TimedOut);
        Error::Timeout {
            phase,
            statement_stopped: false,
        }
    }

    /// Abandoned responses took too long to read.
    pub fn drain_timed_out(&mut self) -> Error {
        self.close(CloseReason::AbandonedResponse);
        Error::Closed {
            reason: CloseReason::AbandonedResponse,
        }
    }

    /// What the next packet should be, in the words of the protocol documentation.
    fn expects(&self) -> &'static str {
        match (&self.phase, self.expected.front()) {
            (Phase::Handshake(_), _) if self.received.packets().sequence_number() == 0 => {
                "Initial handshake packet"
            }
            #[cfg(feature = "tls")]
            (Phase::Tls(_), _) => "TLS handshake",
            (Phase::Handshake(_) | Phase::Paused(_), _) => "response to the login",
            (_, Some(expected)) => expected.expects(),
            (_, None) => "nothing",
        }
    }
}
