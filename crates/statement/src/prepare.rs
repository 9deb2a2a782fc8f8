use std::fmt;

use otaria_codec::{Capabilities, Decode, Encode, InvalidPacket, PayloadReader, PayloadWriter};

use crate::StatementId;

/// [COM_STMT_PREPARE](https://mariadb.com/docs/server/reference/clientserver-protocol/3-binary-protocol-prepared-statements/com_stmt_prepare):
/// prepares a statement. [`PrepareReader`](crate::PrepareReader) reads the response.
///
/// `Debug` shows the length of the statement only, since values may stand in it.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct ComStmtPrepare<'a> {
    /// The statement, in the character set of the connection.
    pub sql: &'a [u8],
}

impl<'a> ComStmtPrepare<'a> {
    /// The command that prepares `sql`.
    pub fn new<T: AsRef<[u8]> + ?Sized>(sql: &'a T) -> Self {
        Self { sql: sql.as_ref() }
    }
}

impl fmt::Debug for ComStmtPrepare<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ComStmtPrepare({} bytes)", self.sql.len())
    }
}

impl<'a> Decode<'a> for ComStmtPrepare<'a> {
    fn decode(payload: &'a [u8], _: Capabilities) -> Result<Self, InvalidPacket> {
        let mut reader = PayloadReader::new("COM_STMT_PREPARE", payload);
        reader.header(0x16)?;
        Ok(Self {
            sql: reader.bytes_eof(),
        })
    }
}

impl Encode for ComStmtPrepare<'_> {
    fn encode(&self, _: Capabilities, out: &mut PayloadWriter<'_>) {
        out.int1(0x16);
        out.bytes(self.sql);
    }
}

/// [COM_STMT_PREPARE_OK](https://mariadb.com/docs/server/reference/clientserver-protocol/3-binary-protocol-prepared-statements/com_stmt_prepare#com_stmt_prepare-response):
/// the statement is prepared.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ComStmtPrepareOk {
    /// What the statement is called from here on; never [`StatementId::LAST_PREPARED`].
    pub statement: StatementId,
    /// How many columns its rows have. 0 does not mean that it has no rows: those of `RETURNING`
    /// and of procedures are only known when it is executed.
    pub columns: u16,
    /// How many placeholders it has.
    pub parameters: u16,
    /// How many warnings the prepare caused.
    pub warnings: u16,
}

impl Decode<'_> for ComStmtPrepareOk {
    fn decode(payload: &[u8], _: Capabilities) -> Result<Self, InvalidPacket> {
        let mut reader = PayloadReader::new("COM_STMT_PREPARE_OK", payload);
        reader.header(0x00)?;
        let statement = StatementId::read(&mut reader)?;
        // A command that names it would mean whatever was prepared last.
        if statement == StatementId::LAST_PREPARED {
            return Err(reader.invalid_field("statement ID", u64::from(statement.0)));
        }
        let columns = reader.int2()?;
        let parameters = reader.int2()?;
        // "string<1> -not used-"
        reader.array::<1>()?;
        let warnings = reader.int2()?;
        reader.finish()?;
        Ok(Self {
            statement,
            columns,
            parameters,
            warnings,
        })
    }
}

impl Encode for ComStmtPrepareOk {
    fn encode(&self, _: Capabilities, out: &mut PayloadWriter<'_>) {
        out.int1(0x00);
        self.statement.write(out);
        out.int2(self.columns);
        out.int2(self.parameters);
        out.int1(0);
        out.int2(self.warnings);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{prefixes_decode_from, round_trip};

    const OK: &[u8] = &[0, 7, 1, 0, 0, 2, 0, 3, 1, 0, 4, 0];

    #[test]
    fn com_stmt_prepare_comes_back() {
        let payload = b"\x16SELECT ?";
        let command = round_trip::<ComStmtPrepare<'_>>(payload);
        assert_eq!(command, ComStmtPrepare::new("SELECT ?"));
        assert_eq!(
            round_trip::<ComStmtPrepare<'_>>(b"\x16\xff\0").sql,
            b"\xff\0"
        );
        prefixes_decode_from::<ComStmtPrepare<'_>>(payload, 1);
    }

    #[test]
    fn debug_shows_no_sql() {
        let shown = format!("{:?}", ComStmtPrepare::new("SELECT 'secret'"));
        assert_eq!(shown, "ComStmtPrepare(15 bytes)");
    }

    #[test]
    fn com_stmt_prepare_ok_comes_back() {
        let ok = round_trip::<ComStmtPrepareOk>(OK);
        assert_eq!(ok.statement, StatementId(0x107));
        assert_eq!((ok.columns, ok.parameters, ok.warnings), (2, 0x103, 4));
    }

    #[test]
    fn truncated_com_stmt_prepare_ok_is_an_error() {
        prefixes_decode_from::<ComStmtPrepareOk>(OK, OK.len());
    }

    #[test]
    fn a_com_stmt_prepare_ok_that_goes_on_is_an_error() {
        let payload = [OK, &[0]].concat();
        let (packet, bytes) = ("COM_STMT_PREPARE_OK", 1);
        assert_eq!(
            ComStmtPrepareOk::decode(&payload, Capabilities::empty()),
            Err(InvalidPacket::TrailingData { packet, bytes })
        );
    }

    #[test]
    fn a_statement_that_is_called_as_the_last_prepared_one_is_an_error() {
        let payload = [&[0, 0xff, 0xff, 0xff, 0xff], &OK[5..]].concat();
        assert_eq!(
            ComStmtPrepareOk::decode(&payload, Capabilities::empty()),
            Err(InvalidPacket::Field {
                packet: "COM_STMT_PREPARE_OK",
                field: "statement ID",
                value: 0xffff_ffff
            })
        );
    }
}
