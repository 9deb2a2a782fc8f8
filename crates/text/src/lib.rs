//! The text protocol of MariaDB: commands that are not about prepared statements, and rows whose
//! values are text. Parameters go as literals.

mod command;
mod literal;
mod number;
mod row;
mod row_packet;
mod value;

pub use command::{ComInitDb, ComPing, ComQuery, ComQuit, ComResetConnection, ComStatistics};
pub use literal::SqlLiterals;
pub use row::TextRow;
pub use row_packet::{TextCell, TextRowPacket};
