/// A packet that cannot be what it claims to be. The connection cannot be used after it.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidPacket {
    /// The payload ended inside a field.
    #[error("{packet}: {missing} more bytes expected")]
    Truncated {
        /// The packet's name in the protocol documentation.
        packet: &'static str,
        /// How many bytes were missing.
        missing: u64,
    },
    /// The payload went on after its last field.
    #[error("{packet}: {bytes} bytes after the last field")]
    TrailingData {
        /// The packet's name in the protocol documentation.
        packet: &'static str,
        /// How many bytes were left over.
        bytes: usize,
    },
    /// The packet began with a byte that such a packet does not begin with.
    #[error("{packet}: unexpected first byte {found:#04x}")]
    Header {
        /// The packet's name in the protocol documentation.
        packet: &'static str,
        /// The byte that was found.
        found: u8,
    },
    /// A length-encoded integer began with a byte that has no meaning where it stood.
    #[error("{packet}: {found:#04x} does not begin a length-encoded integer")]
    LengthPrefix {
        /// The packet's name in the protocol documentation.
        packet: &'static str,
        /// The byte that was found.
        found: u8,
    },
    /// A field held a value that it cannot have.
    #[error("{packet}: {field} cannot be {value}")]
    Field {
        /// The packet's name in the protocol documentation.
        packet: &'static str,
        /// The field's name in the protocol documentation.
        field: &'static str,
        /// The value that was found.
        value: u64,
    },
    /// A field that must be UTF-8 was not.
    #[error("{packet}: text that is not UTF-8")]
    Utf8 {
        /// The packet's name in the protocol documentation.
        packet: &'static str,
    },
    /// A packet came where the protocol has no place for it.
    #[error("{packet}: an unexpected packet came, its first byte is {found:#04x}")]
    Unexpected {
        /// What was expected.
        packet: &'static str,
        /// The first byte of what came instead.
        found: u8,
    },
    /// The packet has no body where one is required.
    #[error("{packet}: the packet is empty")]
    Empty {
        /// What was expected.
        packet: &'static str,
    },
    /// The server used something that was not negotiated.
    #[error("{packet}: {capability} was not negotiated")]
    NotNegotiated {
        /// The packet's name in the protocol documentation.
        packet: &'static str,
        /// The capability that would have allowed it.
        capability: &'static str,
    },
    /// A packet was lost, repeated, or belongs to another exchange.
    #[error("packet header: sequence number {found} where {expected} was expected")]
    SequenceNumber {
        /// The number that was due.
        expected: u8,
        /// The number that was found.
        found: u8,
    },
    /// The payload is longer than the limit.
    #[error("packet header: the payload is longer than the limit of {limit} bytes")]
    PayloadTooLong {
        /// The limit in bytes.
        limit: usize,
    },
}
