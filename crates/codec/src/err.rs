use std::borrow::Cow;

use crate::{Capabilities, Decode, Encode, InvalidPacket, PayloadReader, PayloadWriter};

/// [ERR_Packet](https://mariadb.com/docs/server/reference/clientserver-protocol/4-server-response-packets/err_packet):
/// the server refuses or ends a command. Nothing else of that command follows.
///
/// Code `0xffff` is no error but a [progress report](crate::ProgressReport).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ErrPacket<'a> {
    /// The server's error code, such as 1045.
    pub code: u16,
    /// The SQLSTATE; absent in an error that comes in place of the greeting.
    pub sqlstate: Option<[u8; 5]>,
    /// The server's words. They may be cut inside a character and need not be UTF-8.
    pub message: &'a [u8],
}

impl<'a> ErrPacket<'a> {
    /// An error as a server sends it.
    pub const fn new(code: u16, sqlstate: [u8; 5], message: &'a str) -> Self {
        Self {
            code,
            sqlstate: Some(sqlstate),
            message: message.as_bytes(),
        }
    }

    /// The server's words, with replacement characters for what is not UTF-8, cut behind 64 KiB.
    pub fn message_lossy(&self) -> Cow<'a, str> {
        let words = self.message.get(..MAX_MESSAGE_BYTES);
        String::from_utf8_lossy(words.unwrap_or(self.message))
    }
}

impl<'a> Decode<'a> for ErrPacket<'a> {
    fn decode(payload: &'a [u8], _: Capabilities) -> Result<Self, InvalidPacket> {
        let mut reader = PayloadReader::new("ERR_Packet", payload);
        reader.header(0xff)?;
        let code = reader.int2()?;
        // "If (next byte = '#')": an error sent before the handshake carries no SQLSTATE.
        let sqlstate = reader
            .take_if(b'#')
            .then(|| reader.array::<5>())
            .transpose()?;
        Ok(Self {
            code,
            sqlstate,
            message: reader.bytes_eof(),
        })
    }
}

impl Encode for ErrPacket<'_> {
    fn encode(&self, _: Capabilities, out: &mut PayloadWriter<'_>) {
        out.int1(0xff);
        out.int2(self.code);
        if let Some(sqlstate) = &self.sqlstate {
            out.int1(b'#');
            out.bytes(sqlstate);
        }
        out.bytes(self.message);
    }
}

/// Servers have 512 bytes for it, and proxies some thousands. An error is kept and told on.
const MAX_MESSAGE_BYTES: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{never_panics_on_a_prefix, round_trip};

    const EXAMPLE: &[u8] = b"\xff\x15\x04#28000Access denied for user 'x'@'localhost'";

    #[test]
    fn an_err_packet_comes_back() {
        let packet = round_trip::<ErrPacket<'_>>(EXAMPLE, Capabilities::empty());
        assert_eq!(packet.code, 1045);
        assert_eq!(packet.sqlstate, Some(*b"28000"));
        assert_eq!(
            packet.message_lossy(),
            "Access denied for user 'x'@'localhost'"
        );
    }

    #[test]
    fn err_as_the_very_first_packet_without_sqlstate_keeps_its_words() {
        let payload = b"\xff\x10\x04Too many connections";
        let packet = round_trip::<ErrPacket<'_>>(payload, Capabilities::empty());
        assert_eq!(packet.code, 1040);
        assert_eq!(packet.sqlstate, None);
        assert_eq!(packet.message_lossy(), "Too many connections");
    }

    #[test]
    fn an_err_packet_cut_inside_its_sqlstate_is_an_error() {
        let error = ErrPacket::decode(b"\xff\x15\x04#280", Capabilities::empty()).unwrap_err();
        assert_eq!(
            error,
            InvalidPacket::Truncated {
                packet: "ERR_Packet",
                missing: 2
            }
        );
    }

    #[test]
    fn a_message_without_end_is_cut() {
        let message = vec![0xff; 10 * MAX_MESSAGE_BYTES];
        let packet = ErrPacket {
            code: 1045,
            sqlstate: None,
            message: &message,
        };
        let words = packet.message_lossy();
        assert_eq!(words.chars().count(), MAX_MESSAGE_BYTES);
    }

    #[test]
    fn a_message_cut_inside_a_character_is_read_lossily() {
        let packet = ErrPacket::decode(b"\xff\x15\x04#28000caf\xc3", Capabilities::empty());
        assert_eq!(packet.unwrap().message_lossy(), "caf\u{fffd}");
    }

    #[test]
    fn truncated_err_packet_never_panics() {
        never_panics_on_a_prefix::<ErrPacket<'_>>(EXAMPLE, Capabilities::empty());
    }
}
