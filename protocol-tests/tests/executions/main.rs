//! Executions that take more than one command, and calls with several results, against a fake
//! server: what is sent, and what is left behind by futures dropped at every poll.

mod cursors;
mod long_data;
mod procedures;
mod server;
