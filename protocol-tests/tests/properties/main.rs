//! What holds for all packets, values and splits, and not only for those that somebody thought of.

mod commands;
mod packets;
mod splits;
mod values;
