//! What the fuzz targets share: how an input is taken apart, and the check that a packet which
//! was decoded comes back.

use otaria_codec::{Capabilities, Encode, PayloadWriter};

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

/// Whether a server that reads by any of the modes finds each `?` of `sql` where `positions` say:
/// where strings, names and comments end is all that is looked at.
pub fn are_placeholders_in_all_modes(sql: &str, positions: &[usize]) -> bool {
    let modes = [(false, false), (false, true), (true, false), (true, true)];
    let read = |(escapes, ansi_quotes)| marks(sql.as_bytes(), escapes, ansi_quotes);
    modes.into_iter().all(|modes| read(modes) == positions)
}

/// Where each `?` outside strings, names and comments stands, in one combination of the modes.
fn marks(sql: &[u8], escapes: bool, ansi_quotes: bool) -> Vec<usize> {
    let mut found = Vec::new();
    let mut at = 0;
    let find = |from: usize, what: &[u8]| {
        let rest = sql.get(from..).unwrap_or_default();
        let end = rest.windows(what.len()).position(|window| window == what);
        end.map_or(sql.len(), |end| from + end + what.len())
    };
    while let Some(&byte) = sql.get(at) {
        let behind = sql.get(at + 1).copied();
        let ends_dashes = sql
            .get(at + 2)
            .is_none_or(|&byte| byte == b' ' || byte.is_ascii_control());
        at = match byte {
            b'\'' | b'"' | b'`' => {
                let is_string = byte == b'\'' || byte == b'"' && !ansi_quotes;
                quoted_end(sql, at, escapes && is_string)
            }
            b'#' => find(at, b"\n"),
            b'-' if behind == Some(b'-') && ends_dashes => find(at + 2, b"\n"),
            b'/' if behind == Some(b'*') => find(at + 2, b"*/"),
            _ => {
                found.extend((byte == b'?').then_some(at));
                at + 1
            }
        };
    }
    found
}

/// Where what begins with the quote at `start` ends.
fn quoted_end(sql: &[u8], start: usize, escapes: bool) -> usize {
    let mut at = start + 1;
    while let Some(&byte) = sql.get(at) {
        if byte == sql[start] {
            if sql.get(at + 1) != Some(&byte) {
                return at + 1;
            }
            at += 1;
        } else if byte == b'\\' && escapes {
            at += 1;
        }
        at += 1;
    }
    sql.len()
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
        .union(Capabilities::MARIADB_CLIENT_EXTENDED_METADATA)
        .union(Capabilities::MARIADB_CLIENT_CACHE_METADATA),
    Capabilities::DEPRECATE_EOF.union(Capabilities::MARIADB_CLIENT_CACHE_METADATA),
    Capabilities::LOCAL_FILES.union(Capabilities::MARIADB_CLIENT_CACHE_METADATA),
    Capabilities::PLUGIN_AUTH.union(Capabilities::CONNECT_ATTRS),
    Capabilities::all(),
];
