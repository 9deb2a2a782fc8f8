use crate::{
    Capabilities, Decode, Encode, InvalidPacket, PayloadReader, PayloadWriter, ServerStatus,
    SessionChanges,
};

/// [OK_Packet](https://mariadb.com/docs/server/reference/clientserver-protocol/4-server-response-packets/ok_packet):
/// a command without rows has ended, or, where `DEPRECATE_EOF` was negotiated, the rows have.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct OkPacket<'a> {
    /// Whether the packet begins with `0xfe` because it ends the rows of a result set.
    pub ends_result_set: bool,
    /// How many rows were changed (found, with `FOUND_ROWS`).
    pub affected_rows: u64,
    /// The first value generated for an `AUTO_INCREMENT` column, or 0.
    pub last_insert_id: u64,
    /// The server's status.
    pub status: ServerStatus,
    /// How many warnings the statement caused.
    pub warnings: u16,
    /// The server's words about the statement, such as `Rows matched: 1  Changed: 0`.
    pub info: &'a [u8],
    /// What changed in the session's state, undecoded.
    pub session_state: &'a [u8],
}

impl<'a> OkPacket<'a> {
    /// What changed in the session's state, in the order of the packet.
    pub const fn session_changes(&self) -> SessionChanges<'a> {
        SessionChanges::new(self.session_state)
    }

    fn has_session_state(status: ServerStatus, capabilities: Capabilities) -> bool {
        capabilities.contains(Capabilities::SESSION_TRACK)
            && status.contains(ServerStatus::SESSION_STATE_CHANGED)
    }
}

impl<'a> Decode<'a> for OkPacket<'a> {
    fn decode(payload: &'a [u8], capabilities: Capabilities) -> Result<Self, InvalidPacket> {
        let mut reader = PayloadReader::new("OK_Packet", payload);
        let ends_result_set = reader.take_if(0xfe);
        if !ends_result_set {
            reader.header(0x00)?;
        }
        let mut packet = Self {
            ends_result_set,
            affected_rows: reader.int_lenenc()?,
            last_insert_id: reader.int_lenenc()?,
            status: ServerStatus::from_bits_retain(reader.int2()?),
            warnings: reader.int2()?,
            info: &[],
            session_state: &[],
        };
        // "if (packet has more data)"
        if !reader.is_empty() {
            packet.info = reader.bytes_lenenc()?;
        }
        if !reader.is_empty() && Self::has_session_state(packet.status, capabilities) {
            packet.session_state = reader.bytes_lenenc()?;
        }
        reader.finish()?;
        Ok(packet)
    }
}

impl Encode for OkPacket<'_> {
    fn encode(&self, capabilities: Capabilities, out: &mut PayloadWriter<'_>) {
        out.int1(if self.ends_result_set { 0xfe } else { 0x00 });
        out.int_lenenc(self.affected_rows);
        out.int_lenenc(self.last_insert_id);
        out.int2(self.status.bits());
        out.int2(self.warnings);
        let with_state =
            !self.session_state.is_empty() && Self::has_session_state(self.status, capabilities);
        if with_state || !self.info.is_empty() {
            out.bytes_lenenc(self.info);
        }
        if with_state {
            out.bytes_lenenc(self.session_state);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{encoded, every_prefix_is_refused, never_panics_on_a_prefix, round_trip};

    #[test]
    fn a_plain_ok_packet_comes_back() {
        let example = &[0x00, 0x01, 0x00, 0x02, 0x00, 0x03, 0x00];
        let packet = round_trip::<OkPacket<'_>>(example, Capabilities::empty());
        assert_eq!(packet.affected_rows, 1);
        assert_eq!(packet.status, ServerStatus::AUTOCOMMIT);
        assert_eq!(packet.warnings, 3);
        assert!(!packet.ends_result_set);
        every_prefix_is_refused::<OkPacket<'_>>(example, Capabilities::empty());
    }

    #[test]
    fn an_ok_packet_with_info_and_session_state_comes_back() {
        let packet = OkPacket {
            ends_result_set: true,
            last_insert_id: u64::MAX,
            status: ServerStatus::SESSION_STATE_CHANGED,
            info: b"Rows matched: 1",
            session_state: b"\x01\x06\x05mysql",
            ..OkPacket::default()
        };
        let bytes = encoded(&packet, Capabilities::SESSION_TRACK);
        assert_eq!(
            round_trip::<OkPacket<'_>>(&bytes, Capabilities::SESSION_TRACK),
            packet
        );
        never_panics_on_a_prefix::<OkPacket<'_>>(&bytes, Capabilities::SESSION_TRACK);
    }

    #[test]
    fn session_state_without_info_is_preceded_by_an_empty_info() {
        let payload = b"\x00\x00\x00\x02\x40\x00\x00\x00\x08\x01\x06\x05mysql";
        let packet = round_trip::<OkPacket<'_>>(payload, Capabilities::SESSION_TRACK);
        assert_eq!(packet.info, b"");
        assert_eq!(packet.session_state, b"\x01\x06\x05mysql");
    }

    #[test]
    fn session_state_that_was_not_negotiated_is_trailing_data() {
        let payload = b"\x00\x00\x00\x02\x40\x00\x00\x00\x08\x01\x06\x05mysql";
        let error = OkPacket::decode(payload, Capabilities::empty()).unwrap_err();
        assert_eq!(
            error,
            InvalidPacket::TrailingData {
                packet: "OK_Packet",
                bytes: 9
            }
        );
    }
}
