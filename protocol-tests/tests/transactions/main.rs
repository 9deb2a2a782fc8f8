//! Transactions on a fake server that knows whether one is open, and which statements ran in it.

mod aborted;
mod cancellation;
mod clean_up;
mod commit;
mod pipelines;
mod run;
mod sendable;
mod server;

use otaria::Connection;
use protocol_tests::pipe::{Cut, PipeHandle};
use protocol_tests::script::Layers;
use server::Bank;

const PAY: &str = "UPDATE account SET sum = sum - ? WHERE id = ?";
const SUMS: &str = "SELECT sum FROM account WHERE id > ?";

/// A connection without layers.
async fn connected(bank: &Bank) -> (Connection, PipeHandle) {
    let layers = Layers::None;
    let (connection, handle) = layers
        .connect(bank.script(), &layers.config(), Cut::Whole)
        .await;
    (connection, handle)
}
