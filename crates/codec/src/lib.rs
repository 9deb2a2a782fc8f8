//! The MariaDB client/server protocol: bytes to packets and back.
//!
//! A *packet* is a 4-byte header and its *body*; a *payload* is the bodies of one split packet
//! joined. [`PacketDecoder`] and [`PacketEncoder`] go between bytes and payloads, [`Decode`] and
//! [`Encode`] between payloads and the protocol's packets, and [`ResponseReader`] knows which
//! packet may come when in the response to a command. Nothing here does I/O.

mod capabilities;
mod column;
mod column_count;
#[cfg(feature = "compression")]
mod compress;
mod eof;
mod err;
mod error;
mod local_infile;
mod ok;
mod packet;
mod payload;
mod printable;
mod progress;
mod response;
mod session_change;
mod status;
#[cfg(test)]
mod testing;

pub use capabilities::Capabilities;
pub use column::{BINARY_COLLATION, ColumnDefinition, ExtendedMetadata, FieldFlags, FieldType};
pub use column_count::ColumnCount;
#[cfg(feature = "compression")]
pub use compress::{CompressedDecoder, CompressedEncoder};
pub use eof::EofPacket;
pub use err::ErrPacket;
pub use error::InvalidPacket;
pub use local_infile::LocalInfilePacket;
pub use ok::OkPacket;
pub use packet::{MAX_BODY_BYTES, PacketDecoder, PacketEncoder, WholePackets};
pub use payload::{Decode, Encode, PayloadReader, PayloadWriter};
pub use printable::Printable;
pub use progress::ProgressReport;
pub use response::{ResponseEvent, ResponseReader};
pub use session_change::{SessionChange, SessionChanges};
pub use status::ServerStatus;
