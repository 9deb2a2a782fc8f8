use otaria_codec::{Capabilities, Decode, Encode, InvalidPacket, PayloadReader, PayloadWriter};

use crate::StatementId;

macro_rules! commands_about_a_statement {
    ($($(#[$documentation:meta])+ $command:ident, $packet:literal, $header:literal;)+) => {$(
        $(#[$documentation])+
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        pub struct $command {
            /// The statement.
            pub statement: StatementId,
        }

        impl Decode<'_> for $command {
            fn decode(payload: &[u8], _: Capabilities) -> Result<Self, InvalidPacket> {
                let mut reader = PayloadReader::new($packet, payload);
                reader.header($header)?;
                let statement = StatementId::read(&mut reader)?;
                reader.finish()?;
                Ok(Self { statement })
            }
        }

        impl Encode for $command {
            fn encode(&self, _: Capabilities, out: &mut PayloadWriter<'_>) {
                out.int1($header);
                self.statement.write(out);
            }
        }
    )+};
}

commands_about_a_statement! {
    /// [COM_STMT_CLOSE](https://mariadb.com/docs/server/reference/clientserver-protocol/3-binary-protocol-prepared-statements/3-binary-protocol-prepared-statements-com_stmt_close):
    /// the server forgets the statement, and its cursor. There is no response.
    ComStmtClose, "COM_STMT_CLOSE", 0x19;

    /// [COM_STMT_RESET](https://mariadb.com/docs/server/reference/clientserver-protocol/3-binary-protocol-prepared-statements):
    /// closes the statement's cursor and drops what `COM_STMT_SEND_LONG_DATA` has sent for it. The
    /// response is an OK.
    ComStmtReset, "COM_STMT_RESET", 0x1a;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{prefixes_decode_from, round_trip};

    #[test]
    fn com_stmt_close_comes_back() {
        let payload = [0x19, 2, 1, 0, 0];
        let command = round_trip::<ComStmtClose>(&payload);
        assert_eq!(command.statement, StatementId(0x102));
        prefixes_decode_from::<ComStmtClose>(&payload, payload.len());
    }

    #[test]
    fn com_stmt_reset_comes_back() {
        let payload = [0x1a, 2, 1, 0, 0];
        let command = round_trip::<ComStmtReset>(&payload);
        assert_eq!(command.statement, StatementId(0x102));
        prefixes_decode_from::<ComStmtReset>(&payload, payload.len());
    }

    #[test]
    fn another_command_is_an_error() {
        let (packet, found) = ("COM_STMT_CLOSE", 0x1a);
        assert_eq!(
            ComStmtClose::decode(&[0x1a, 2, 1, 0, 0], Capabilities::empty()),
            Err(InvalidPacket::Header { packet, found })
        );
    }

    #[test]
    fn a_command_that_goes_on_is_an_error() {
        let (packet, bytes) = ("COM_STMT_RESET", 1);
        assert_eq!(
            ComStmtReset::decode(&[0x1a, 2, 1, 0, 0, 0], Capabilities::empty()),
            Err(InvalidPacket::TrailingData { packet, bytes })
        );
    }
}
