//! The text protocol of MariaDB: commands that are not about prepared statements, and rows whose
//! values are text.

mod command;
mod number;
mod row;
mod row_packet;
mod value;

pub use command::{ComInitDb, ComPing, ComQuery, ComQuit, ComResetConnection, ComStatistics};
pub use row::TextRow;
pub use row_packet::{TextCell, TextRowPacket};
