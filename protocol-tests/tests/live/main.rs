//! Tests against a real server: a private one, or that of `OTARIA_TEST_URL`.

mod arrow;
mod batch;
mod beside;
mod cancel;
mod change_user;
mod cursors;
mod errors;
mod foreign;
mod last_words;
mod lists;
mod literals;
mod local_infile;
mod login;
mod long_data;
mod own_plugin;
mod partitions;
mod payloads;
mod pipelined_statements;
mod pipelines;
mod placeholders;
mod pool;
mod procedures;
mod progress;
mod reaper;
mod session;
mod settings;
mod sql_modes;
mod statements;
mod transactions;
mod values;

/// What needs a server of its own, whatever `OTARIA_TEST_URL` says.
mod private_server {
    mod batch;
    mod hosts;
    mod replica;
    mod tls;
    mod transactions;
}

use otaria::{Config, Connection};
use protocol_tests::live;

/// A connection to the shared server, with this default database if the name is not empty.
async fn connect(database: &str) -> Connection {
    let config: Config = live::shared()
        .url(database)
        .parse()
        .expect("the server's URL");
    Connection::connect(&config)
        .await
        .expect("the shared server can be reached")
}
