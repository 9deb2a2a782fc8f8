use std::borrow::Cow;
use std::fmt;

use otaria_codec::{Capabilities, Decode, Encode, InvalidPacket, PayloadReader, PayloadWriter};

use crate::attributes;
use crate::handshake_response::{bytes_int1, read_bytes_int1};

/// [COM_CHANGE_USER](https://mariadb.com/docs/server/reference/clientserver-protocol/2-text-protocol/com_change_user):
/// a new login on an open connection, which forgets the state of the session.
///
/// The documentation lets an OK packet follow. Servers of 10.11 and 11.8 ask for a switch first,
/// whatever the response was.
#[derive(Clone, Default, Eq, PartialEq)]
pub struct ComChangeUser<'a> {
    /// The user's name.
    pub user: &'a str,
    /// What the plugin made of the scramble: 255 bytes at most.
    pub auth_response: &'a [u8],
    /// The database to begin in; empty for none.
    pub database: &'a str,
    /// The collation of the connection, which selects its character set.
    pub collation: u16,
    /// The plugin that made the response; empty without `PLUGIN_AUTH`.
    pub auth_plugin: &'a str,
    /// What the client tells of itself; empty without `CONNECT_ATTRS`.
    pub attributes: Cow<'a, [(String, String)]>,
}

/// Shows the length of the response and not what it is: some plugins send the password.
impl fmt::Debug for ComChangeUser<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ComChangeUser")
            .field("user", &self.user)
            .field("auth_response_bytes", &self.auth_response.len())
            .field("database", &self.database)
            .field("collation", &self.collation)
            .field("auth_plugin", &self.auth_plugin)
            .field("attributes", &self.attributes)
            .finish()
    }
}

impl<'a> Decode<'a> for ComChangeUser<'a> {
    fn decode(payload: &'a [u8], capabilities: Capabilities) -> Result<Self, InvalidPacket> {
        let mut reader = PayloadReader::new(PACKET, payload);
        reader.header(0x11)?;
        let mut packet = Self {
            user: reader.str_nul()?,
            auth_response: read_bytes_int1(&mut reader)?,
            database: reader.str_nul()?,
            collation: reader.int2()?,
            ..Self::default()
        };
        if capabilities.contains(Capabilities::PLUGIN_AUTH) {
            packet.auth_plugin = reader.str_nul()?;
        }
        if capabilities.contains(Capabilities::CONNECT_ATTRS) {
            packet.attributes = Cow::Owned(attributes::decode(PACKET, &mut reader)?);
        }
        reader.finish()?;
        Ok(packet)
    }
}

impl Encode for ComChangeUser<'_> {
    fn encode(&self, capabilities: Capabilities, out: &mut PayloadWriter<'_>) {
        out.int1(0x11);
        out.bytes_nul(self.user.as_bytes());
        bytes_int1(self.auth_response, out);
        out.bytes_nul(self.database.as_bytes());
        out.int2(self.collation);
        if capabilities.contains(Capabilities::PLUGIN_AUTH) {
            out.bytes_nul(self.auth_plugin.as_bytes());
        }
        if capabilities.contains(Capabilities::CONNECT_ATTRS) {
            attributes::encode(&self.attributes, out);
        }
    }
}

const PACKET: &str = "COM_CHANGE_USER";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{every_prefix_is_refused, hex, round_trip};

    const EXAMPLE: &str = "11 7573657200 03aabbcc 7465737400 e000
         6d7973716c5f6e61746976655f70617373776f726400 05 016b 0276 76";

    const CAPABILITIES: Capabilities = Capabilities::PLUGIN_AUTH.union(Capabilities::CONNECT_ATTRS);

    #[test]
    fn a_change_of_user_comes_back() {
        let payload = hex(EXAMPLE);
        let packet = round_trip::<ComChangeUser<'_>>(&payload, CAPABILITIES);
        assert_eq!(
            packet,
            ComChangeUser {
                user: "user",
                auth_response: b"\xaa\xbb\xcc",
                database: "test",
                collation: 224,
                auth_plugin: "mysql_native_password",
                attributes: Cow::Owned(vec![("k".to_owned(), "vv".to_owned())]),
            }
        );
        every_prefix_is_refused::<ComChangeUser<'_>>(&payload, CAPABILITIES);
    }

    #[test]
    fn a_change_of_user_without_capabilities_ends_with_the_collation() {
        let payload = hex("11 7573657200 00 00 2d00");
        let packet = round_trip::<ComChangeUser<'_>>(&payload, Capabilities::empty());
        assert_eq!(packet.user, "user");
        assert_eq!(packet.collation, 45);
        every_prefix_is_refused::<ComChangeUser<'_>>(&payload, Capabilities::empty());
    }

    #[test]
    fn the_length_of_the_response_is_one_byte_never_an_int_lenenc() {
        let packet = ComChangeUser {
            auth_response: &[0xaa; 0xff],
            ..ComChangeUser::default()
        };
        let lenenc = Capabilities::PLUGIN_AUTH_LENENC_CLIENT_DATA;
        let payload = crate::testing::encoded(&packet, lenenc);
        assert_eq!(payload[..4], [0x11, 0, 0xff, 0xaa]);
        assert_eq!(ComChangeUser::decode(&payload, lenenc), Ok(packet));
    }

    #[test]
    fn another_command_is_not_a_change_of_user() {
        assert_eq!(
            ComChangeUser::decode(b"\x0e", CAPABILITIES),
            Err(InvalidPacket::Header {
                packet: PACKET,
                found: 0x0e
            })
        );
    }

    #[test]
    fn data_after_the_last_field_is_an_error() {
        let payload = hex("11 7573657200 00 00 2d00 00");
        assert!(matches!(
            ComChangeUser::decode(&payload, Capabilities::empty()),
            Err(InvalidPacket::TrailingData { bytes: 1, .. })
        ));
    }
}
