use crate::{Capabilities, Decode, Encode, InvalidPacket, PayloadReader, PayloadWriter};

/// [LOCAL_INFILE
/// Packet](https://mariadb.com/docs/server/reference/clientserver-protocol/4-server-response-packets/packet_local_infile):
/// the server asks for the content of a file. The name is the server's word: it must never be
/// opened on its account.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct LocalInfilePacket<'a> {
    /// The name in the statement, or whatever a hostile server wrote.
    pub file_name: &'a [u8],
}

impl<'a> Decode<'a> for LocalInfilePacket<'a> {
    fn decode(payload: &'a [u8], _: Capabilities) -> Result<Self, InvalidPacket> {
        let mut reader = PayloadReader::new("LOCAL_INFILE Packet", payload);
        reader.header(0xfb)?;
        Ok(Self {
            file_name: reader.bytes_eof(),
        })
    }
}

impl Encode for LocalInfilePacket<'_> {
    fn encode(&self, _: Capabilities, out: &mut PayloadWriter<'_>) {
        out.int1(0xfb);
        out.bytes(self.file_name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{never_panics_on_a_prefix, round_trip};

    #[test]
    fn a_local_infile_packet_comes_back() {
        let example = b"\xfb/tmp/data.csv";
        let packet = round_trip::<LocalInfilePacket<'_>>(example, Capabilities::empty());
        assert_eq!(packet.file_name, b"/tmp/data.csv");
        never_panics_on_a_prefix::<LocalInfilePacket<'_>>(example, Capabilities::empty());
    }
}
