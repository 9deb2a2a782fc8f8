//! A server that breaks the protocol, or goes away, at any byte: every call ends in time with a
//! result or with an error that names a packet, nothing panics, and memory stays bounded.

mod exchange;
mod framing;
mod login;
mod mutations;
mod random;
