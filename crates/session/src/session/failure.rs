use std::io;

use super::{Phase, Session};
use crate::error::{CloseReason, Error, ServerError, TimeoutPhase};

/// What a shell tells of its transport. All of it closes the session.
impl Session {
    /// The transport has reached its end.
    pub fn lost(&mut self) -> Error {
        if let Some(error) = self.prepare_refused_by_leaving_server() {
            return self.ended(error);
        }
        let expected = self.expects();
        self.disconnected(CloseReason::Lost, Error::ConnectionLost { expected })
    }

    /// The transport has failed.
    pub fn failed(&mut self, action: &str, source: io::Error) -> Error {
        let action = action.to_owned();
        self.disconnected(CloseReason::Lost, Error::Io { action, source })
    }

    /// The transport has failed, and the server has said why before.
    pub fn ended(&mut self, error: ServerError) -> Error {
        let reason = CloseReason::EndedByServer { code: error.code() };
        self.disconnected(reason, Error::EndedByServer(error))
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

    /// A call took too long, and what it has sent could not be ended.
    pub fn timed_out(&mut self) {
        self.close(CloseReason::TimedOut);
    }

    /// A call was given up, and what it has sent could not be ended.
    pub fn cancelled(&mut self) {
        self.close(CloseReason::Cancelled);
    }

    /// What is waited for.
    pub fn timeout_phase(&self) -> TimeoutPhase {
        if self.is_written() {
            TimeoutPhase::Read(self.expects())
        } else {
            TimeoutPhase::Write
        }
    }

    /// Abandoned responses took too long to read.
    pub fn drain_timed_out(&mut self) -> Error {
        self.close(CloseReason::AbandonedResponse);
        Error::Closed {
            reason: CloseReason::AbandonedResponse,
        }
    }

    /// Why the server has refused the prepare of an execution that has got no answer, if it has said by
    /// that that it goes.
    fn prepare_refused_by_leaving_server(&mut self) -> Option<ServerError> {
        let execution = self.expected.front_mut()?.execution_mut()?;
        let error = execution.prepare_error.take()?;
        error.retires_connection(true).then_some(*error)
    }

    /// Closes the session for `reason`. That is `error` for the caller, unless nothing of its
    /// command has left: to it the connection was closed before.
    fn disconnected(&mut self, reason: CloseReason, error: Error) -> Error {
        let has_left = self.has_left || !matches!(self.phase, Phase::Ready);
        self.close(reason);
        if has_left {
            error
        } else {
            Error::Closed { reason }
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
