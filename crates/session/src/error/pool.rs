use std::fmt;

use super::Error;
use crate::CallbackError;

/// Why a pool gives no connection. No statement was sent in any case.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PoolError {
    /// The time for getting a connection was over.
    #[error("no connection of the pool could be had in time: timed out {phase}")]
    Timeout {
        /// What was waited for when it was over.
        phase: PoolPhase,
    },
    /// The pool was closed.
    #[error("the pool is closed")]
    Closed,
    /// A connection could not be made.
    #[error("the pool cannot make a connection")]
    Connect(#[source] Box<Error>),
    /// A hook of the pool's user has failed.
    #[error("a hook of the pool has failed")]
    Hook(#[source] CallbackError),
}

/// What getting a connection from a pool waits for.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum PoolPhase {
    /// Somebody to give a connection back.
    Wait,
    /// A new connection.
    Create,
    /// An idle connection to be found well and cleaned up.
    Recycle,
}

impl fmt::Display for PoolPhase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Wait => "while all were in use",
            Self::Create => "while one was made",
            Self::Recycle => "while one was cleaned up",
        })
    }
}
