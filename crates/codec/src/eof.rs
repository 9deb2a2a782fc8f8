use crate::{
    Capabilities, Decode, Encode, InvalidPacket, PayloadReader, PayloadWriter, ServerStatus,
};

/// [EOF_Packet](https://mariadb.com/docs/server/reference/clientserver-protocol/4-server-response-packets/eof_packet):
/// ends column definitions and rows where `DEPRECATE_EOF` was not negotiated.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct EofPacket {
    /// How many warnings the statement caused.
    pub warnings: u16,
    /// The server's status.
    pub status: ServerStatus,
}

impl Decode<'_> for EofPacket {
    fn decode(payload: &[u8], _: Capabilities) -> Result<Self, InvalidPacket> {
        let mut reader = PayloadReader::new("EOF_Packet", payload);
        reader.header(0xfe)?;
        let warnings = reader.int2()?;
        let status = ServerStatus::from_bits_retain(reader.int2()?);
        reader.finish()?;
        Ok(Self { warnings, status })
    }
}

impl Encode for EofPacket {
    fn encode(&self, _: Capabilities, out: &mut PayloadWriter<'_>) {
        out.int1(0xfe);
        out.int2(self.warnings);
        out.int2(self.status.bits());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{every_prefix_is_refused, round_trip};

    const EXAMPLE: &[u8] = &[0xfe, 0x01, 0x00, 0x22, 0x00];

    #[test]
    fn an_eof_packet_comes_back() {
        let packet = round_trip::<EofPacket>(EXAMPLE, Capabilities::empty());
        assert_eq!(packet.warnings, 1);
        assert_eq!(
            packet.status,
            ServerStatus::AUTOCOMMIT | ServerStatus::NO_INDEX_USED
        );
    }

    #[test]
    fn truncated_eof_packet_is_an_error() {
        every_prefix_is_refused::<EofPacket>(EXAMPLE, Capabilities::empty());
    }

    #[test]
    fn an_eof_packet_that_goes_on_is_an_error() {
        let error = EofPacket::decode(&[0xfe, 0, 0, 2, 0, 0], Capabilities::empty()).unwrap_err();
        assert_eq!(
            error,
            InvalidPacket::TrailingData {
                packet: "EOF_Packet",
                bytes: 1
            }
        );
    }
}
