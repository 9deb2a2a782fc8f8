use otaria_codec::{Capabilities, Decode, Encode, InvalidPacket, PayloadReader, PayloadWriter};

use crate::StatementId;

/// [COM_STMT_FETCH](https://mariadb.com/docs/server/reference/clientserver-protocol/3-binary-protocol-prepared-statements):
/// asks for rows of the statement's cursor. The response is up to so many rows and their end,
/// whose status has `LAST_ROW_SENT` when there are no more.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ComStmtFetch {
    /// The statement, executed with [`CursorFlags::READ_ONLY`](crate::CursorFlags::READ_ONLY).
    pub statement: StatementId,
    /// The greatest number of rows that are sent.
    pub rows: u32,
}

impl Decode<'_> for ComStmtFetch {
    fn decode(payload: &[u8], _: Capabilities) -> Result<Self, InvalidPacket> {
        let mut reader = PayloadReader::new("COM_STMT_FETCH", payload);
        reader.header(0x1c)?;
        let statement = StatementId::read(&mut reader)?;
        let rows = reader.int4()?;
        reader.finish()?;
        Ok(Self { statement, rows })
    }
}

impl Encode for ComStmtFetch {
    fn encode(&self, _: Capabilities, out: &mut PayloadWriter<'_>) {
        out.int1(0x1c);
        self.statement.write(out);
        out.int4(self.rows);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{prefixes_decode_from, round_trip};

    #[test]
    fn com_stmt_fetch_comes_back() {
        let payload = [0x1c, 1, 0, 0, 0, 0xe8, 3, 0, 0];
        let command = round_trip::<ComStmtFetch>(&payload);
        assert_eq!(command.statement, StatementId(1));
        assert_eq!(command.rows, 1000);
        prefixes_decode_from::<ComStmtFetch>(&payload, payload.len());
    }

    #[test]
    fn a_com_stmt_fetch_that_goes_on_is_an_error() {
        let payload = [0x1c, 1, 0, 0, 0, 1, 0, 0, 0, 0];
        let (packet, bytes) = ("COM_STMT_FETCH", 1);
        assert_eq!(
            ComStmtFetch::decode(&payload, Capabilities::empty()),
            Err(InvalidPacket::TrailingData { packet, bytes })
        );
    }
}
