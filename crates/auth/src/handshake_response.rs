use std::borrow::Cow;
use std::fmt;

use otaria_codec::{Capabilities, Decode, Encode, InvalidPacket, PayloadReader, PayloadWriter};

use crate::attributes;

/// [SSLRequest packet](https://mariadb.com/docs/server/reference/clientserver-protocol/1-connecting/connection#sslrequest-packet):
/// the first 32 bytes of the handshake response, after which TLS begins.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct SslRequest {
    /// What the client and the server have in common.
    pub capabilities: Capabilities,
    /// The longest payload that the client takes. Servers only note it.
    pub max_packet_bytes: u32,
    /// The low byte of a collation, which selects the connection's character set.
    pub collation: u8,
}

impl SslRequest {
    fn read(reader: &mut PayloadReader<'_>) -> Result<Self, InvalidPacket> {
        let classic = reader.int4()?;
        let max_packet_bytes = reader.int4()?;
        let collation = reader.int1()?;
        reader.array::<19>()?;
        let extended = reader.int4()?;
        // "If not (server_capabilities & CLIENT_MYSQL): int<4> extended client capabilities"
        let capabilities = match Capabilities::from_words(classic, 0) {
            mysql if !mysql.is_mariadb() => mysql,
            _ => Capabilities::from_words(classic, extended),
        };
        Ok(Self {
            capabilities,
            max_packet_bytes,
            collation,
        })
    }
}

impl Decode<'_> for SslRequest {
    fn decode(payload: &[u8], _: Capabilities) -> Result<Self, InvalidPacket> {
        let mut reader = PayloadReader::new("SSLRequest packet", payload);
        let packet = Self::read(&mut reader)?;
        reader.finish()?;
        Ok(packet)
    }
}

impl Encode for SslRequest {
    fn encode(&self, _: Capabilities, out: &mut PayloadWriter<'_>) {
        out.int4(self.capabilities.classic());
        out.int4(self.max_packet_bytes);
        out.int1(self.collation);
        out.bytes(&[0; 19]);
        out.int4(if self.capabilities.is_mariadb() {
            self.capabilities.extended()
        } else {
            0
        });
    }
}

/// [Handshake response packet](https://mariadb.com/docs/server/reference/clientserver-protocol/1-connecting/connection#handshake-response-packet):
/// who the client is, and a first response to the scramble of the greeting.
#[derive(Clone, Default, Eq, PartialEq)]
pub struct HandshakeResponse<'a> {
    /// The fields that an `SSLRequest` sends ahead. Their capabilities give this packet its form.
    pub header: SslRequest,
    /// The user's name.
    pub user: &'a str,
    /// What the plugin made of the scramble.
    pub auth_response: Cow<'a, [u8]>,
    /// The database to begin in; empty without `CONNECT_WITH_DB`.
    pub database: &'a str,
    /// The plugin that made the response; empty without `PLUGIN_AUTH`.
    pub auth_plugin: &'a str,
    /// What the client tells of itself; empty without `CONNECT_ATTRS`.
    pub attributes: Cow<'a, [(String, String)]>,
    /// The level of zstd for what the server sends; 0 without `ZSTD_COMPRESSION_ALGORITHM`.
    pub zstd_level: u8,
}

/// Shows the length of the response and not what it is: some plugins send the password.
impl fmt::Debug for HandshakeResponse<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandshakeResponse")
            .field("header", &self.header)
            .field("user", &self.user)
            .field("auth_response_bytes", &self.auth_response.len())
            .field("database", &self.database)
            .field("auth_plugin", &self.auth_plugin)
            .field("attributes", &self.attributes)
            .field("zstd_level", &self.zstd_level)
            .finish()
    }
}

impl<'a> Decode<'a> for HandshakeResponse<'a> {
    fn decode(payload: &'a [u8], _: Capabilities) -> Result<Self, InvalidPacket> {
        let mut reader = PayloadReader::new(PACKET, payload);
        let header = SslRequest::read(&mut reader)?;
        let has = |capability| header.capabilities.contains(capability);
        let mut packet = Self {
            header,
            user: reader.str_nul()?,
            auth_response: Cow::Borrowed(read_auth_response(&mut reader, header.capabilities)?),
            ..Self::default()
        };
        if has(Capabilities::CONNECT_WITH_DB) {
            packet.database = reader.str_nul()?;
        }
        if has(Capabilities::PLUGIN_AUTH) {
            packet.auth_plugin = reader.str_nul()?;
        }
        if has(Capabilities::CONNECT_ATTRS) {
            packet.attributes = Cow::Owned(attributes::decode(PACKET, &mut reader)?);
        }
        if has(Capabilities::ZSTD_COMPRESSION_ALGORITHM) {
            packet.zstd_level = reader.int1()?;
        }
        reader.finish()?;
        Ok(packet)
    }
}

impl Encode for HandshakeResponse<'_> {
    fn encode(&self, capabilities: Capabilities, out: &mut PayloadWriter<'_>) {
        let has = |capability| self.header.capabilities.contains(capability);
        self.header.encode(capabilities, out);
        out.bytes_nul(self.user.as_bytes());
        if has(Capabilities::PLUGIN_AUTH_LENENC_CLIENT_DATA) {
            out.bytes_lenenc(&self.auth_response);
        } else if has(Capabilities::SECURE_CONNECTION) {
            bytes_int1(&self.auth_response, out);
        } else {
            out.bytes_nul(&self.auth_response);
        }
        if has(Capabilities::CONNECT_WITH_DB) {
            out.bytes_nul(self.database.as_bytes());
        }
        if has(Capabilities::PLUGIN_AUTH) {
            out.bytes_nul(self.auth_plugin.as_bytes());
        }
        if has(Capabilities::CONNECT_ATTRS) {
            attributes::encode(&self.attributes, out);
        }
        if has(Capabilities::ZSTD_COMPRESSION_ALGORITHM) {
            out.int1(self.zstd_level);
        }
    }
}

fn read_auth_response<'a>(
    reader: &mut PayloadReader<'a>,
    capabilities: Capabilities,
) -> Result<&'a [u8], InvalidPacket> {
    if capabilities.contains(Capabilities::PLUGIN_AUTH_LENENC_CLIENT_DATA) {
        reader.bytes_lenenc()
    } else if capabilities.contains(Capabilities::SECURE_CONNECTION) {
        read_bytes_int1(reader)
    } else {
        reader.bytes_nul()
    }
}

/// Reads bytes after their length in one byte.
pub(crate) fn read_bytes_int1<'a>(
    reader: &mut PayloadReader<'a>,
) -> Result<&'a [u8], InvalidPacket> {
    let length = reader.int1()?;
    reader.bytes(length.into())
}

/// Writes `bytes` after their length in one byte; there must be no more than 255.
pub(crate) fn bytes_int1(bytes: &[u8], out: &mut PayloadWriter<'_>) {
    debug_assert!(
        bytes.len() <= MAX_INT1_BYTES,
        "bytes too long for an int<1>"
    );
    let length = u8::try_from(bytes.len()).unwrap_or(u8::MAX);
    out.int1(length);
    out.bytes(bytes.get(..length.into()).unwrap_or_default());
}

/// The greatest length that one byte can tell.
pub(crate) const MAX_INT1_BYTES: usize = 0xff;

const PACKET: &str = "Handshake response packet";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{encoded, every_prefix_is_refused, hex, round_trip};

    /// Bits 9, 15, 19, 20 and 21, the database, and MariaDB's extended word.
    const EXAMPLE: &str = "08823800 00000040 2d 00000000000000000000000000000000000000 1c000000
         7573657200 03aabbcc 7465737400 6d7973716c5f6e61746976655f70617373776f726400
         12 0c5f636c69656e745f6e616d65 04746573 74";

    fn decode(payload: &[u8]) -> Result<HandshakeResponse<'_>, InvalidPacket> {
        HandshakeResponse::decode(payload, Capabilities::empty())
    }

    /// The bytes between the user's name and the database.
    fn auth_response(capabilities: Capabilities) -> Vec<u8> {
        let packet = HandshakeResponse {
            header: SslRequest {
                capabilities,
                ..SslRequest::default()
            },
            auth_response: Cow::Borrowed(b"ab"),
            ..HandshakeResponse::default()
        };
        let payload = encoded(&packet, Capabilities::empty());
        assert_eq!(decode(&payload), Ok(packet.clone()));
        payload[33..].to_vec()
    }

    #[test]
    fn a_handshake_response_comes_back() {
        let payload = hex(EXAMPLE);
        let packet = round_trip::<HandshakeResponse<'_>>(&payload, Capabilities::empty());
        assert_eq!(packet.header.capabilities.extended(), 0x1c);
        assert_eq!(packet.header.max_packet_bytes, 0x4000_0000);
        assert_eq!(packet.header.collation, 45);
        assert_eq!(packet.user, "user");
        assert_eq!(&*packet.auth_response, b"\xaa\xbb\xcc");
        assert_eq!(packet.database, "test");
        assert_eq!(packet.auth_plugin, "mysql_native_password");
        let attribute = ("_client_name".to_owned(), "test".to_owned());
        assert_eq!(*packet.attributes, [attribute]);
        every_prefix_is_refused::<HandshakeResponse<'_>>(&payload, Capabilities::empty());
    }

    #[test]
    fn the_first_32_bytes_of_a_handshake_response_are_an_ssl_request() {
        let payload = hex(EXAMPLE);
        let packet = round_trip::<SslRequest>(&payload[..32], Capabilities::empty());
        assert_eq!(packet, decode(&payload).unwrap().header);
        every_prefix_is_refused::<SslRequest>(&payload[..32], Capabilities::empty());
    }

    #[test]
    fn an_ssl_request_that_goes_on_is_an_error() {
        let payload = hex(EXAMPLE);
        assert!(matches!(
            SslRequest::decode(&payload[..33], Capabilities::empty()),
            Err(InvalidPacket::TrailingData { bytes: 1, .. })
        ));
    }

    #[test]
    fn the_form_of_the_response_follows_the_capabilities() {
        let int1 = Capabilities::SECURE_CONNECTION;
        let lenenc = Capabilities::PLUGIN_AUTH_LENENC_CLIENT_DATA;
        assert_eq!(auth_response(int1), b"\x02ab");
        assert_eq!(auth_response(int1 | lenenc), b"\x02ab");
        assert_eq!(auth_response(Capabilities::empty()), b"ab\0");
    }

    #[test]
    fn a_long_response_takes_a_long_length() {
        let packet = HandshakeResponse {
            header: SslRequest {
                capabilities: Capabilities::PLUGIN_AUTH_LENENC_CLIENT_DATA,
                ..SslRequest::default()
            },
            auth_response: Cow::Owned(vec![0; 0x100]),
            ..HandshakeResponse::default()
        };
        let payload = encoded(&packet, Capabilities::empty());
        assert_eq!(payload[33..36], [0xfc, 0, 1]);
        assert_eq!(decode(&payload), Ok(packet));
    }

    #[test]
    fn extended_capabilities_are_not_sent_to_mysql() {
        let header = SslRequest {
            capabilities: Capabilities::from_words(1, 0x1c),
            ..SslRequest::default()
        };
        let payload = encoded(&header, Capabilities::empty());
        assert_eq!(payload[28..], [0; 4]);
    }

    #[test]
    fn the_level_of_zstd_is_one_byte_behind_the_attributes() {
        let mut payload = hex(EXAMPLE);
        payload[3] |= 0x04;
        assert!(matches!(
            decode(&payload),
            Err(InvalidPacket::Truncated { missing: 1, .. })
        ));
        payload.push(7);
        let packet = round_trip::<HandshakeResponse<'_>>(&payload, Capabilities::empty());
        assert_eq!(packet.zstd_level, 7);
        every_prefix_is_refused::<HandshakeResponse<'_>>(&payload, Capabilities::empty());
    }

    #[test]
    fn a_response_longer_than_the_packet_is_an_error() {
        let mut payload = hex(EXAMPLE);
        payload[37] = 0xfa;
        assert!(matches!(
            decode(&payload),
            Err(InvalidPacket::Truncated { .. })
        ));
    }

    #[test]
    fn attributes_longer_than_the_packet_are_an_error() {
        let mut payload = hex(EXAMPLE);
        let length = payload.len() - 19;
        payload[length] += 1;
        assert!(matches!(
            decode(&payload),
            Err(InvalidPacket::Truncated { missing: 1, .. })
        ));
    }

    #[test]
    fn data_after_the_attributes_is_an_error() {
        let mut payload = hex(EXAMPLE);
        payload.push(0);
        assert!(matches!(
            decode(&payload),
            Err(InvalidPacket::TrailingData { bytes: 1, .. })
        ));
    }
}
