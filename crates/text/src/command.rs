use std::fmt;

use otaria_codec::{Capabilities, Decode, Encode, InvalidPacket, PayloadReader, PayloadWriter};

/// [COM_QUERY](https://mariadb.com/docs/server/reference/clientserver-protocol/2-text-protocol/com_query):
/// runs a statement, whose rows come back as text.
///
/// `Debug` shows the length of the statement only, since values stand in it.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct ComQuery<'a> {
    /// The statement, in the character set of the connection.
    pub sql: &'a [u8],
}

impl<'a> ComQuery<'a> {
    /// The command that runs `sql`.
    pub fn new<T: AsRef<[u8]> + ?Sized>(sql: &'a T) -> Self {
        Self { sql: sql.as_ref() }
    }
}

impl fmt::Debug for ComQuery<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ComQuery({} bytes)", self.sql.len())
    }
}

impl<'a> Decode<'a> for ComQuery<'a> {
    fn decode(payload: &'a [u8], _: Capabilities) -> Result<Self, InvalidPacket> {
        let mut reader = PayloadReader::new("COM_QUERY", payload);
        reader.header(0x03)?;
        Ok(Self {
            sql: reader.bytes_eof(),
        })
    }
}

impl Encode for ComQuery<'_> {
    fn encode(&self, _: Capabilities, out: &mut PayloadWriter<'_>) {
        out.int1(0x03);
        out.bytes(self.sql);
    }
}

/// [COM_INIT_DB](https://mariadb.com/docs/server/reference/clientserver-protocol/2-text-protocol/com_init_db):
/// makes another database the default.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ComInitDb<'a> {
    /// The database's name, in the character set of the connection.
    pub schema: &'a [u8],
}

impl<'a> ComInitDb<'a> {
    /// The command that makes `schema` the default.
    pub fn new<T: AsRef<[u8]> + ?Sized>(schema: &'a T) -> Self {
        Self {
            schema: schema.as_ref(),
        }
    }
}

impl<'a> Decode<'a> for ComInitDb<'a> {
    fn decode(payload: &'a [u8], _: Capabilities) -> Result<Self, InvalidPacket> {
        let mut reader = PayloadReader::new("COM_INIT_DB", payload);
        reader.header(0x02)?;
        Ok(Self {
            schema: reader.bytes_eof(),
        })
    }
}

impl Encode for ComInitDb<'_> {
    fn encode(&self, _: Capabilities, out: &mut PayloadWriter<'_>) {
        out.int1(0x02);
        out.bytes(self.schema);
    }
}

macro_rules! one_byte_commands {
    ($($(#[$documentation:meta])+ $command:ident, $packet:literal, $header:literal;)+) => {$(
        $(#[$documentation])+
        #[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
        pub struct $command;

        impl Decode<'_> for $command {
            fn decode(payload: &[u8], _: Capabilities) -> Result<Self, InvalidPacket> {
                let mut reader = PayloadReader::new($packet, payload);
                reader.header($header)?;
                reader.finish()?;
                Ok(Self)
            }
        }

        impl Encode for $command {
            fn encode(&self, _: Capabilities, out: &mut PayloadWriter<'_>) {
                out.int1($header);
            }
        }
    )+};
}

one_byte_commands! {
    /// [COM_QUIT](https://mariadb.com/docs/server/reference/clientserver-protocol/2-text-protocol):
    /// says goodbye. The server closes the connection and sends nothing.
    ComQuit, "COM_QUIT", 0x01;

    /// [COM_STATISTICS](https://mariadb.com/docs/server/reference/clientserver-protocol/2-text-protocol/com_statistics):
    /// asks for a line about the server. The response is that line and nothing around it.
    ComStatistics, "COM_STATISTICS", 0x09;

    /// [COM_PING](https://mariadb.com/docs/server/reference/clientserver-protocol/2-text-protocol/com_ping):
    /// asks whether the server is there.
    ComPing, "COM_PING", 0x0e;

    /// [COM_RESET_CONNECTION](https://mariadb.com/docs/server/reference/clientserver-protocol/2-text-protocol/com_reset_connection):
    /// puts the session back to the state after the login, except for the default database.
    ComResetConnection, "COM_RESET_CONNECTION", 0x1f;
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Decodes `payload` and checks that encoding gives the same bytes again.
    fn round_trip<'a, P: Decode<'a> + Encode>(payload: &'a [u8]) -> P {
        let packet = P::decode(payload, Capabilities::empty()).unwrap();
        let mut out = Vec::new();
        packet.encode(Capabilities::empty(), &mut PayloadWriter::new(&mut out));
        assert_eq!(out, payload);
        packet
    }

    fn refusal<'a, P: Decode<'a> + fmt::Debug>(payload: &'a [u8]) -> InvalidPacket {
        P::decode(payload, Capabilities::empty()).unwrap_err()
    }

    #[test]
    fn com_query_comes_back() {
        let command = round_trip::<ComQuery<'_>>(b"\x03SELECT 1");
        assert_eq!(command, ComQuery::new("SELECT 1"));
        assert_eq!(command, ComQuery::new(b"SELECT 1"));
    }

    #[test]
    fn com_query_takes_bytes_that_are_not_utf_8_and_none() {
        assert_eq!(round_trip::<ComQuery<'_>>(b"\x03\xff\x00").sql, b"\xff\0");
        assert_eq!(round_trip::<ComQuery<'_>>(b"\x03").sql, b"");
    }

    #[test]
    fn debug_shows_no_sql() {
        let shown = format!("{:?}", ComQuery::new("SET PASSWORD = 'x'"));
        assert_eq!(shown, "ComQuery(18 bytes)");
    }

    #[test]
    fn com_init_db_comes_back() {
        let command = round_trip::<ComInitDb<'_>>(b"\x02test");
        assert_eq!(command, ComInitDb::new("test"));
    }

    #[test]
    fn one_byte_commands_come_back() {
        round_trip::<ComQuit>(&[0x01]);
        round_trip::<ComStatistics>(&[0x09]);
        round_trip::<ComPing>(&[0x0e]);
        round_trip::<ComResetConnection>(&[0x1f]);
    }

    #[test]
    fn a_command_that_goes_on_is_an_error() {
        let (packet, bytes) = ("COM_PING", 1);
        let error = InvalidPacket::TrailingData { packet, bytes };
        assert_eq!(refusal::<ComPing>(&[0x0e, 0]), error);
    }

    #[test]
    fn another_command_is_an_error() {
        let (packet, found) = ("COM_QUERY", 0x0e);
        let error = InvalidPacket::Header { packet, found };
        assert_eq!(refusal::<ComQuery<'_>>(&[0x0e]), error);
        let packet = "COM_INIT_DB";
        assert_eq!(
            refusal::<ComInitDb<'_>>(&[0x0e]),
            InvalidPacket::Header { packet, found }
        );
    }

    #[test]
    fn an_empty_command_is_an_error() {
        for error in [
            refusal::<ComQuery<'_>>(&[]),
            refusal::<ComInitDb<'_>>(&[]),
            refusal::<ComPing>(&[]),
        ] {
            assert!(matches!(error, InvalidPacket::Empty { .. }));
        }
    }
}
