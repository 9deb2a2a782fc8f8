//! Rows of both protocols, made by the encoders of the other crates, as record batches.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    reason = "tests say by a panic what is wrong"
)]

mod batches;
mod errors;
mod options;
mod recorded;
mod rows;
mod types;
