//! TLS between a session's bytes and those of its transport. No I/O: it is `rustls`' state machine
//! with buffers that survive a dropped future. `rustls` draws its own random numbers and reads
//! the clock for the validity of certificates.

mod context;
mod error;
mod judge;
mod layer;
mod verifier;

pub use context::{TlsContext, TlsMaterial};
pub use error::TlsError;

pub(crate) use judge::Verdict;
pub(crate) use layer::TlsLayer;
