use std::fmt;

use otaria_codec::{Capabilities, Decode, Encode, InvalidPacket, PayloadReader, PayloadWriter};

use crate::StatementId;

/// [COM_STMT_SEND_LONG_DATA](https://mariadb.com/docs/server/reference/clientserver-protocol/3-binary-protocol-prepared-statements/com_stmt_send_long_data):
/// appends to the value that a parameter has in the next execute. There is no response; what is
/// wrong is said in the response to the execute, if at all.
///
/// The execute leaves the value out, and its bit in the NULL bitmap is 0. A value of no bytes takes
/// one such command, without data.
///
/// `Debug` shows the length of the data only.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct ComStmtSendLongData<'a> {
    /// The statement.
    pub statement: StatementId,
    /// The index of the parameter, from 0 on.
    pub parameter: u16,
    /// Bytes of the value.
    pub data: &'a [u8],
}

impl fmt::Debug for ComStmtSendLongData<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ComStmtSendLongData")
            .field("statement", &self.statement)
            .field("parameter", &self.parameter)
            .field("bytes", &self.data.len())
            .finish()
    }
}

impl<'a> Decode<'a> for ComStmtSendLongData<'a> {
    fn decode(payload: &'a [u8], _: Capabilities) -> Result<Self, InvalidPacket> {
        let mut reader = PayloadReader::new("COM_STMT_SEND_LONG_DATA", payload);
        reader.header(0x18)?;
        Ok(Self {
            statement: StatementId::read(&mut reader)?,
            parameter: reader.int2()?,
            data: reader.bytes_eof(),
        })
    }
}

impl Encode for ComStmtSendLongData<'_> {
    fn encode(&self, _: Capabilities, out: &mut PayloadWriter<'_>) {
        out.int1(0x18);
        self.statement.write(out);
        out.int2(self.parameter);
        out.bytes(self.data);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{prefixes_decode_from, round_trip};

    const EXAMPLE: &[u8] = b"\x18\x01\0\0\0\x02\x01secret";

    #[test]
    fn com_stmt_send_long_data_comes_back() {
        let command = round_trip::<ComStmtSendLongData<'_>>(EXAMPLE);
        assert_eq!(command.statement, StatementId(1));
        assert_eq!(command.parameter, 0x102);
        assert_eq!(command.data, b"secret");
    }

    #[test]
    fn com_stmt_send_long_data_may_carry_nothing_but_is_whole() {
        prefixes_decode_from::<ComStmtSendLongData<'_>>(EXAMPLE, 7);
    }

    #[test]
    fn debug_shows_no_data() {
        let command = round_trip::<ComStmtSendLongData<'_>>(EXAMPLE);
        let shown = format!("{command:?}");
        assert!(
            shown.contains("bytes: 6") && !shown.contains("115"),
            "{shown}"
        );
    }
}
