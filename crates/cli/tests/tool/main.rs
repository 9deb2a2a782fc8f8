//! The tool as its users start it, against a real server.

#![expect(
    clippy::expect_used,
    reason = "a test ends where what it expects is not so"
)]

mod interrupt;
mod load;
mod login;
mod memory;
mod ping;
mod query;
mod support;
mod values;
mod words;
