use otaria_codec::{Capabilities, Decode, Encode, InvalidPacket, PayloadReader, PayloadWriter};

/// [Authentication switch request](https://mariadb.com/docs/server/reference/clientserver-protocol/1-connecting/connection#authentication-switch-request):
/// the server goes on with another plugin, from the start.
///
/// The byte `0xfe` alone, which asks for the hash of before MySQL 4.1, is not one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct AuthSwitchRequest<'a> {
    /// The plugin's name.
    pub auth_plugin: &'a str,
    /// What the plugin is to answer: for most, a scramble. Some servers end it with a NUL.
    pub plugin_data: &'a [u8],
}

impl<'a> Decode<'a> for AuthSwitchRequest<'a> {
    fn decode(payload: &'a [u8], _: Capabilities) -> Result<Self, InvalidPacket> {
        let mut reader = PayloadReader::new("Authentication switch request", payload);
        reader.header(0xfe)?;
        let auth_plugin = reader.str_nul()?;
        if auth_plugin.len() > MAX_NAME_BYTES {
            let length = u64::try_from(auth_plugin.len()).unwrap_or(u64::MAX);
            return Err(reader.invalid_field("length of the plugin's name", length));
        }
        Ok(Self {
            auth_plugin,
            plugin_data: reader.bytes_eof(),
        })
    }
}

impl Encode for AuthSwitchRequest<'_> {
    fn encode(&self, _: Capabilities, out: &mut PayloadWriter<'_>) {
        out.int1(0xfe);
        out.bytes_nul(self.auth_plugin.as_bytes());
        out.bytes(self.plugin_data);
    }
}

/// [Authentication more data](https://mariadb.com/docs/server/reference/clientserver-protocol/1-connecting/connection#server-response-to-handshake-response-packet):
/// the plugin's dialogue goes on. Servers before 11.4.9 and 11.8.4 mostly send the bare data.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct AuthMoreData<'a> {
    /// What the plugin is to answer.
    pub plugin_data: &'a [u8],
}

impl<'a> Decode<'a> for AuthMoreData<'a> {
    fn decode(payload: &'a [u8], _: Capabilities) -> Result<Self, InvalidPacket> {
        let mut reader = PayloadReader::new("Authentication more data", payload);
        reader.header(0x01)?;
        Ok(Self {
            plugin_data: reader.bytes_eof(),
        })
    }
}

impl Encode for AuthMoreData<'_> {
    fn encode(&self, _: Capabilities, out: &mut PayloadWriter<'_>) {
        out.int1(0x01);
        out.bytes(self.plugin_data);
    }
}

/// Servers take 64 characters for the name of a plugin. That of one which is not known is told on.
const MAX_NAME_BYTES: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{hex, round_trip};

    /// What a MariaDB 10.11.19 sends for an account of `ed25519`.
    const EXAMPLE: &str = "fe 636c69656e745f6564323535313900
         d74c1e7067543d01d261c9a41c71b57778d5f3c6fa4f31c149aecf3a889b45dd";

    fn decode(payload: &[u8]) -> Result<AuthSwitchRequest<'_>, InvalidPacket> {
        AuthSwitchRequest::decode(payload, Capabilities::empty())
    }

    #[test]
    fn a_name_that_no_plugin_has_is_an_error() {
        let payload = |bytes: usize| [&[0xfe], "x".repeat(bytes).as_bytes(), &[0]].concat();
        assert!(decode(&payload(MAX_NAME_BYTES)).is_ok());
        let invalid = InvalidPacket::Field {
            packet: "Authentication switch request",
            field: "length of the plugin's name",
            value: 257,
        };
        assert_eq!(decode(&payload(257)), Err(invalid));
    }

    #[test]
    fn the_switch_of_10_11_to_ed25519_comes_back() {
        let payload = hex(EXAMPLE);
        let packet = round_trip::<AuthSwitchRequest<'_>>(&payload, Capabilities::empty());
        assert_eq!(packet.auth_plugin, "client_ed25519");
        assert_eq!(packet.plugin_data, &payload[16..]);
        assert_eq!(packet.plugin_data.len(), 32);
    }

    #[test]
    fn a_switch_cut_inside_the_plugin_name_is_an_error() {
        let payload = hex(EXAMPLE);
        for end in 0..payload.len() {
            assert_eq!(decode(&payload[..end]).is_ok(), end >= 16, "{end} bytes");
        }
    }

    #[test]
    fn a_switch_to_a_plugin_that_is_not_utf_8_is_an_error() {
        assert!(matches!(
            decode(b"\xfe\xff\0data"),
            Err(InvalidPacket::Utf8 { .. })
        ));
    }

    #[test]
    fn more_data_comes_back() {
        let packet = round_trip::<AuthMoreData<'_>>(b"\x01\x01ab", Capabilities::empty());
        assert_eq!(packet.plugin_data, b"\x01ab");
        round_trip::<AuthMoreData<'_>>(b"\x01", Capabilities::empty());
    }

    #[test]
    fn other_packets_are_neither_a_switch_nor_more_data() {
        for payload in [b"".as_slice(), b"\x00ab\0", b"\xffab\0"] {
            assert!(decode(payload).is_err());
            assert!(AuthMoreData::decode(payload, Capabilities::empty()).is_err());
        }
    }
}
