use otaria_codec::{
    Capabilities, Decode, Encode, InvalidPacket, PayloadReader, PayloadWriter, ServerStatus,
};

use crate::ServerVersion;

/// [Initial handshake packet](https://mariadb.com/docs/server/reference/clientserver-protocol/1-connecting/connection#initial-handshake-packet)
/// of protocol version 10: the server's greeting.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct InitialHandshake<'a> {
    /// The server's version as it came; [`version`](Self::version) reads it.
    pub server_version: &'a [u8],
    /// The low 32 bits of the connection's id.
    pub thread_id: u32,
    /// The authentication plugin data: what the password is hashed with. Without
    /// `SECURE_CONNECTION` its last 12 bytes are missing, and zero here.
    pub scramble: [u8; SCRAMBLE_BYTES],
    /// What the server offers. The extended word is MariaDB's; towards MySQL it is zero.
    pub capabilities: Capabilities,
    /// The low byte of the server's default collation.
    pub collation: u8,
    /// The server's status.
    pub status: ServerStatus,
    /// The plugin that the scramble was made for; empty without `PLUGIN_AUTH`. The account's
    /// own may be another one.
    pub default_auth_plugin: &'a str,
}

impl InitialHandshake<'_> {
    /// The server's version.
    pub fn version(&self) -> ServerVersion {
        ServerVersion::new(self.server_version, self.capabilities)
    }
}

impl<'a> Decode<'a> for InitialHandshake<'a> {
    fn decode(payload: &'a [u8], _: Capabilities) -> Result<Self, InvalidPacket> {
        let mut reader = PayloadReader::new("Initial handshake packet", payload);
        if reader.is_empty() {
            reader.header(PROTOCOL_VERSION)?;
        }
        let protocol_version = reader.int1()?;
        if protocol_version != PROTOCOL_VERSION {
            return Err(reader.invalid_field("protocol version", protocol_version.into()));
        }
        let server_version = reader.bytes_nul()?;
        let thread_id = reader.int4()?;
        let scramble_start = reader.array::<SCRAMBLE_START_BYTES>()?;
        reader.array::<1>()?;
        let capabilities_low = reader.int2()?;
        let collation = reader.int1()?;
        let status = ServerStatus::from_bits_retain(reader.int2()?);
        let capabilities_high = reader.int2()?;
        let classic = u32::from(capabilities_high) << 16 | u32::from(capabilities_low);
        let plugin_data_bytes = reader.int1()?;
        reader.array::<6>()?;
        let extended = reader.int4()?;
        // "If (server_capabilities & CLIENT_MYSQL): string<4> filler"
        let capabilities = match Capabilities::from_words(classic, 0) {
            mysql if !mysql.is_mariadb() => mysql,
            _ => Capabilities::from_words(classic, extended),
        };
        let mut scramble = [0; SCRAMBLE_BYTES];
        let (start, end) = scramble.split_at_mut(SCRAMBLE_START_BYTES);
        start.copy_from_slice(&scramble_start);
        if capabilities.contains(Capabilities::SECURE_CONNECTION) {
            // "authentication plugin data 2nd part. Length = max(12, plugin data length - 9)"
            end.copy_from_slice(&reader.array::<SCRAMBLE_END_BYTES>()?);
            reader.bytes(usize::from(plugin_data_bytes).saturating_sub(SCRAMBLE_BYTES + 1))?;
            reader.array::<1>()?;
        }
        Ok(Self {
            server_version,
            thread_id,
            scramble,
            capabilities,
            collation,
            status,
            default_auth_plugin: default_auth_plugin(reader, capabilities)?,
        })
    }
}

impl Encode for InitialHandshake<'_> {
    fn encode(&self, _: Capabilities, out: &mut PayloadWriter<'_>) {
        let (scramble_start, scramble_end) = self.scramble.split_at(SCRAMBLE_START_BYTES);
        let [a, b, c, d] = self.capabilities.classic().to_le_bytes();
        let has_plugin = self.capabilities.contains(Capabilities::PLUGIN_AUTH);
        out.int1(PROTOCOL_VERSION);
        out.bytes_nul(self.server_version);
        out.int4(self.thread_id);
        out.bytes(scramble_start);
        out.int1(0);
        out.bytes(&[a, b]);
        out.int1(self.collation);
        out.int2(self.status.bits());
        out.bytes(&[c, d]);
        out.int1(if has_plugin { PLUGIN_DATA_BYTES } else { 0 });
        out.bytes(&[0; 6]);
        out.int4(if self.capabilities.is_mariadb() {
            self.capabilities.extended()
        } else {
            0
        });
        if self.capabilities.contains(Capabilities::SECURE_CONNECTION) {
            out.bytes(scramble_end);
            out.int1(0);
        }
        if has_plugin {
            out.bytes_nul(self.default_auth_plugin.as_bytes());
        }
    }
}

/// Reads the last field. MySQL 5.5.7 to 5.5.9 end it without a NUL (their bug 59453).
fn default_auth_plugin(
    mut reader: PayloadReader<'_>,
    capabilities: Capabilities,
) -> Result<&str, InvalidPacket> {
    if !capabilities.contains(Capabilities::PLUGIN_AUTH) {
        reader.finish()?;
        return Ok("");
    }
    let mut terminated = reader;
    if let Ok(name) = terminated.str_nul() {
        terminated.finish()?;
        return Ok(name);
    }
    std::str::from_utf8(reader.bytes_eof()).map_err(|_| InvalidPacket::Utf8 {
        packet: "Initial handshake packet",
    })
}

/// The length of the scramble of a greeting.
pub const SCRAMBLE_BYTES: usize = SCRAMBLE_START_BYTES + SCRAMBLE_END_BYTES;

const PROTOCOL_VERSION: u8 = 10;
const SCRAMBLE_START_BYTES: usize = 8;
const SCRAMBLE_END_BYTES: usize = 12;
/// The scramble and its NUL.
const PLUGIN_DATA_BYTES: u8 = 21;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{encoded, every_prefix_is_refused, hex, round_trip};

    /// The greeting of a MariaDB 10.11.19 without TLS.
    fn example() -> Vec<u8> {
        hex(
            "0a 352e352e352d31302e31312e31392d4d6172696144422d302b646562313275 3100
             06000000 24702b24702b2163 00 fef7 08 0200 ff81 15 000000000000 1d000000
             524f752244702872286f7624 00 6d7973716c5f6e61746976655f70617373776f726400",
        )
    }

    fn decode(payload: &[u8]) -> Result<InitialHandshake<'_>, InvalidPacket> {
        InitialHandshake::decode(payload, Capabilities::empty())
    }

    #[test]
    fn the_greeting_of_10_11_comes_back() {
        let payload = example();
        let packet = round_trip::<InitialHandshake<'_>>(&payload, Capabilities::empty());
        assert_eq!(
            packet,
            InitialHandshake {
                server_version: b"5.5.5-10.11.19-MariaDB-0+deb12u1",
                thread_id: 6,
                scramble: *b"$p+$p+!cROu\"Dp(r(ov$",
                capabilities: Capabilities::from_words(0x81ff_f7fe, 0x1d),
                collation: 8,
                status: ServerStatus::AUTOCOMMIT,
                default_auth_plugin: "mysql_native_password",
            }
        );
        assert_eq!(packet.version().minor, 11);
    }

    #[test]
    fn a_truncated_greeting_is_an_error_up_to_the_plugin_name() {
        let payload = example();
        let name = payload.len() - "mysql_native_password\0".len();
        for end in 0..payload.len() {
            assert_eq!(decode(&payload[..end]).is_ok(), end >= name, "{end} bytes");
        }
    }

    #[test]
    fn a_plugin_name_without_nul_is_read_to_the_end() {
        let mut payload = example();
        payload.pop();
        let packet = decode(&payload).unwrap();
        assert_eq!(packet.default_auth_plugin, "mysql_native_password");
    }

    #[test]
    fn a_greeting_of_another_protocol_version_is_an_error_that_names_it() {
        let mut payload = example();
        payload[0] = 9;
        let error = decode(&payload).unwrap_err();
        assert_eq!(
            error.to_string(),
            "Initial handshake packet: protocol version cannot be 9"
        );
    }

    #[test]
    fn an_empty_greeting_is_an_error() {
        assert!(matches!(decode(b""), Err(InvalidPacket::Empty { .. })));
    }

    #[test]
    fn data_after_the_plugin_name_is_an_error() {
        let mut payload = example();
        payload.push(b'x');
        assert!(matches!(
            decode(&payload),
            Err(InvalidPacket::TrailingData { bytes: 1, .. })
        ));
    }

    #[test]
    fn a_plugin_name_that_is_not_utf_8_is_an_error() {
        let mut payload = example();
        let end = payload.len() - 2;
        payload[end] = 0xff;
        assert!(matches!(decode(&payload), Err(InvalidPacket::Utf8 { .. })));
    }

    #[test]
    fn the_filler_of_mysql_is_not_read_as_extended_capabilities() {
        let mut payload = example();
        let capabilities = payload.iter().position(|&byte| byte == 0xfe).unwrap();
        payload[capabilities] |= 1;
        let packet = decode(&payload).unwrap();
        assert_eq!(packet.capabilities.extended(), 0);
        assert!(!packet.capabilities.is_mariadb());
    }

    #[test]
    fn a_greeting_without_plugins_has_no_plugin_name() {
        let payload = example();
        let mut packet = decode(&payload).unwrap();
        packet.capabilities -= Capabilities::PLUGIN_AUTH;
        packet.default_auth_plugin = "";
        let payload = encoded(&packet, Capabilities::empty());
        assert_eq!(decode(&payload), Ok(packet));
        every_prefix_is_refused::<InitialHandshake<'_>>(&payload, Capabilities::empty());
    }

    #[test]
    fn a_greeting_without_secure_connection_has_half_a_scramble() {
        let payload = example();
        let mut packet = decode(&payload).unwrap();
        packet.capabilities -= Capabilities::SECURE_CONNECTION;
        let shorter = encoded(&packet, Capabilities::empty());
        assert_eq!(shorter.len(), payload.len() - 13);
        assert_eq!(decode(&shorter).unwrap().scramble[7..9], *b"c\0");
    }

    #[test]
    fn of_longer_plugin_data_the_first_20_bytes_are_the_scramble() {
        let payload = example();
        let start = payload.len() - "\0mysql_native_password\0".len();
        let mut longer = payload.clone();
        longer.splice(start..start, [0xaa; 12]);
        let length = payload.iter().position(|&byte| byte == 0x15).unwrap();
        longer[length] += 12;
        assert_eq!(decode(&longer), decode(&payload));
    }
}
