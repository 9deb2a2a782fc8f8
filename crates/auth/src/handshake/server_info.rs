use otaria_codec::{Capabilities, ServerStatus};

use super::ServerProofOutcome;
use crate::{SCRAMBLE_BYTES, ServerVersion};

/// What a login has told about the server and the connection.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct ServerInfo {
    /// The server's version.
    pub version: ServerVersion,
    /// The low 32 bits of the connection's id.
    pub thread_id: u32,
    /// The scramble of the greeting, which stays that of the connection.
    pub scramble: [u8; SCRAMBLE_BYTES],
    /// What the client and the server have in common: what all packets from here on go by.
    pub capabilities: Capabilities,
    /// Whether the server has proven by the password who it is.
    pub server_proof: ServerProofOutcome,
    /// The server's status, from the final OK packet.
    pub status: ServerStatus,
    /// What the login has changed in the session's state, undecoded, from the final OK packet.
    pub session_state: Vec<u8>,
    /// The information of the final OK packet.
    pub info: Vec<u8>,
}
