//! A server that breaks the protocol, goes away at any byte, or attacks: every call ends in time with
//! a result or with an error that names what is wrong, nothing panics, and memory stays bounded.
//!
//! | attack | where |
//! |---|---|
//! | packets and bytes spoiled, cut, delayed | `mutations`, `random`, `framing` |
//! | requests for files | `files`; beside an upload `tests/local_infile.rs` |
//! | less TLS or another plugin than was agreed | `downgrade`, `login`; certificates `tests/tls.rs` |
//! | lengths, counts and numbers that lie | `lies`, `framing` |
//! | answers before the question | `early` |
//! | what does not end | `endless`, `login`; drains and stops `tests/timeouts` |
//! | decompression bombs | `bombs` |
//! | words that command a terminal | `words` |
//! | redirections | `tests/redirect.rs` |
//! | a charset in which literals mean something else | `tests/live/literals.rs`, `crates/session` |

mod bombs;
mod calls;
mod downgrade;
mod early;
mod endless;
mod exchange;
mod files;
mod flood;
mod framing;
mod lies;
mod login;
mod mutations;
mod random;
mod words;
