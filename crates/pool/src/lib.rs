//! A pool of MariaDB connections on tokio, around [`deadpool`].

mod builder;
mod clock;
mod entry;
mod futures;
mod hooks;
mod idle;
mod maintenance;
mod manager;
mod phase;
mod pool;
mod pooled_connection;
mod reaper;
mod repeatable;
mod rows;
mod shared;
mod status;
mod transactions;
mod verbs;

pub use builder::PoolBuilder;
pub use otaria_connection::ResetPolicy;
pub use pool::Pool;
pub use pooled_connection::PooledConnection;
pub use repeatable::Repeatable;
pub use rows::PoolRows;
pub use status::PoolStatus;
