//! What the fuzz targets share: how an input is taken apart, and the check that a packet which
//! was decoded comes back.

use otaria_codec::{Capabilities, Encode, PayloadWriter, ServerStatus};

/// The bytes of one run, taken apart from the front. What is missing at the end is zero or empty.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    rest: &'a [u8],
}

impl<'a> Input<'a> {
    /// An input at its first byte.
    pub const fn new(data: &'a [u8]) -> Self {
        Self { rest: data }
    }

    /// Whether all has been taken.
    pub const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next byte.
    pub fn byte(&mut self) -> u8 {
        let Some((&byte, rest)) = self.rest.split_first() else {
            return 0;
        };
        self.rest = rest;
        byte
    }

    /// Bytes behind their length, which is two bytes.
    pub fn bytes(&mut self) -> &'a [u8] {
        let length = u16::from_le_bytes([self.byte(), self.byte()]);
        let (bytes, rest) = self.rest.split_at(self.rest.len().min(usize::from(length)));
        self.rest = rest;
        bytes
    }

    /// All that is left.
    pub const fn rest(self) -> &'a [u8] {
        self.rest
    }

    /// All that is left, as payloads behind their lengths.
    pub fn payloads(mut self) -> impl Iterator<Item = &'a [u8]> {
        std::iter::from_fn(move || (!self.is_empty()).then(|| self.bytes()))
    }

    /// One of the sets of capabilities that change the form of packets.
    pub fn capabilities(&mut self) -> Capabilities {
        CAPABILITIES[usize::from(self.byte()) % CAPABILITIES.len()]
    }
}

/// A status by whose modes the server reads statements.
pub fn modes(byte: u8) -> ServerStatus {
    let mut status = ServerStatus::AUTOCOMMIT;
    status.set(ServerStatus::ANSI_QUOTES, byte & 1 != 0);
    status.set(ServerStatus::NO_BACKSLASH_ESCAPES, byte & 2 != 0);
    status
}

/// The payload of `packet`.
pub fn encoded(packet: &impl Encode, capabilities: Capabilities) -> Vec<u8> {
    let mut payload = Vec::new();
    packet.encode(capabilities, &mut PayloadWriter::new(&mut payload));
    payload
}

/// Decodes `payload` as a packet, checks that what the packet encodes to is an equal packet, and
/// gives the packet if it is one.
#[macro_export]
macro_rules! comes_back {
    ($packet:ty, $payload:expr, $capabilities:expr) => {{
        let (payload, capabilities): (&[u8], otaria_codec::Capabilities) =
            ($payload, $capabilities);
        let packet = <$packet as otaria_codec::Decode<'_>>::decode(payload, capabilities).ok();
        if let Some(packet) = &packet {
            let again = $crate::encoded(packet, capabilities);
            let back = <$packet as otaria_codec::Decode<'_>>::decode(&again, capabilities);
            assert_eq!(back.as_ref(), Ok(packet));
        }
        packet
    }};
}

const CAPABILITIES: [Capabilities; 8] = [
    Capabilities::empty(),
    Capabilities::DEPRECATE_EOF,
    Capabilities::SESSION_TRACK,
    // What the driver negotiates.
    Capabilities::DEPRECATE_EOF
        .union(Capabilities::SESSION_TRACK)
        .union(Capabilities::MARIADB_CLIENT_EXTENDED_METADATA),
    Capabilities::DEPRECATE_EOF.union(Capabilities::MARIADB_CLIENT_CACHE_METADATA),
    Capabilities::LOCAL_FILES.union(Capabilities::MARIADB_CLIENT_CACHE_METADATA),
    Capabilities::PLUGIN_AUTH.union(Capabilities::CONNECT_ATTRS),
    Capabilities::all(),
];
