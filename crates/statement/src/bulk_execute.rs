use std::fmt;

use bitflags::bitflags;
use otaria_codec::{Capabilities, Decode, Encode, InvalidPacket, PayloadReader, PayloadWriter};

use crate::StatementId;

bitflags! {
    /// [Bulk
    /// flags](https://mariadb.com/docs/server/reference/clientserver-protocol/3-binary-protocol-prepared-statements/com_stmt_bulk_execute#bulk-flags).
    #[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
    pub struct BulkFlags: u16 {
        /// The response says for each row what it did. Only where
        /// `MARIADB_CLIENT_BULK_UNIT_RESULTS` was negotiated.
        const SEND_UNIT_RESULTS = 0x40;
        /// The types of the parameters stand before the rows.
        const SEND_TYPES_TO_SERVER = 0x80;

        /// Bits without a name here are kept.
        const _ = !0;
    }
}

/// [Parameter
/// indicator](https://mariadb.com/docs/server/reference/clientserver-protocol/3-binary-protocol-prepared-statements/com_stmt_bulk_execute#parameter-indicator):
/// the byte before each parameter of a bulk execute.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum ParameterIndicator {
    /// The value follows.
    #[default]
    None,
    /// NULL.
    Null,
    /// The default of the column.
    Default,
    /// The default of the column in an INSERT; in an UPDATE the column stays as it is.
    Ignore,
}

impl ParameterIndicator {
    /// The indicator that `byte` stands for, if any.
    pub const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            0 => Some(Self::None),
            1 => Some(Self::Null),
            2 => Some(Self::Default),
            3 => Some(Self::Ignore),
            _ => None,
        }
    }

    /// The byte that stands for it.
    pub const fn to_byte(self) -> u8 {
        match self {
            Self::None => 0,
            Self::Null => 1,
            Self::Default => 2,
            Self::Ignore => 3,
        }
    }
}

/// [COM_STMT_BULK_EXECUTE](https://mariadb.com/docs/server/reference/clientserver-protocol/3-binary-protocol-prepared-statements/com_stmt_bulk_execute):
/// runs a prepared statement for many rows of parameters. Only where
/// `MARIADB_CLIENT_STMT_BULK_OPERATIONS` was negotiated, and for statements with parameters.
///
/// `Debug` shows the length of the parameters only.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct ComStmtBulkExecute<'a> {
    /// The statement, or [`StatementId::LAST_PREPARED`].
    pub statement: StatementId,
    /// What stands in the packet, and what the response shall hold.
    pub flags: BulkFlags,
    /// With [`BulkFlags::SEND_TYPES_TO_SERVER`] two bytes for each parameter, its field type and
    /// `0x80` if it is unsigned. Then the rows: for each parameter a [`ParameterIndicator`] and,
    /// behind [`ParameterIndicator::None`], its value. The packet says neither how many parameters
    /// nor how many rows there are.
    pub parameters: &'a [u8],
}

impl<'a> ComStmtBulkExecute<'a> {
    /// The types, if there are any, and the rows, of a statement with `count` parameters.
    ///
    /// # Errors
    /// [`InvalidPacket::Truncated`] if the packet ends inside the types.
    pub fn types_and_rows(
        &self,
        count: u16,
    ) -> Result<(Option<&'a [u8]>, &'a [u8]), InvalidPacket> {
        let mut reader = PayloadReader::new("COM_STMT_BULK_EXECUTE", self.parameters);
        let types = self
            .flags
            .contains(BulkFlags::SEND_TYPES_TO_SERVER)
            .then(|| reader.bytes(2 * usize::from(count)))
            .transpose()?;
        Ok((types, reader.bytes_eof()))
    }
}

impl fmt::Debug for ComStmtBulkExecute<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ComStmtBulkExecute")
            .field("statement", &self.statement)
            .field("flags", &self.flags)
            .field("parameter_bytes", &self.parameters.len())
            .finish()
    }
}

impl<'a> Decode<'a> for ComStmtBulkExecute<'a> {
    fn decode(payload: &'a [u8], _: Capabilities) -> Result<Self, InvalidPacket> {
        let mut reader = PayloadReader::new("COM_STMT_BULK_EXECUTE", payload);
        reader.header(0xfa)?;
        Ok(Self {
            statement: StatementId::read(&mut reader)?,
            flags: BulkFlags::from_bits_retain(reader.int2()?),
            parameters: reader.bytes_eof(),
        })
    }
}

impl Encode for ComStmtBulkExecute<'_> {
    fn encode(&self, _: Capabilities, out: &mut PayloadWriter<'_>) {
        out.int1(0xfa);
        self.statement.write(out);
        out.int2(self.flags.bits());
        out.bytes(self.parameters);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{prefixes_decode_from, round_trip};

    /// Two rows of an INT and a VARCHAR, for the last prepared statement.
    const EXAMPLE: &[u8] =
        b"\xfa\xff\xff\xff\xff\x80\0\x03\0\xfd\0\0\x01\0\0\0\0\x01a\0\x02\0\0\0\x01";

    #[test]
    fn com_stmt_bulk_execute_comes_back() {
        let command = round_trip::<ComStmtBulkExecute<'_>>(EXAMPLE);
        assert_eq!(command.statement, StatementId::LAST_PREPARED);
        assert_eq!(command.flags, BulkFlags::SEND_TYPES_TO_SERVER);
        let (types, rows) = command.types_and_rows(2).unwrap();
        assert_eq!(types, Some([3, 0, 0xfd, 0].as_slice()));
        assert_eq!(rows, b"\0\x01\0\0\0\0\x01a\0\x02\0\0\0\x01");
    }

    #[test]
    fn a_bulk_execute_without_types_has_rows_only() {
        let payload = b"\xfa\x01\0\0\0\x40\0\x02\x03";
        let command = round_trip::<ComStmtBulkExecute<'_>>(payload);
        assert_eq!(command.flags, BulkFlags::SEND_UNIT_RESULTS);
        assert_eq!(
            command.types_and_rows(2),
            Ok((None, b"\x02\x03".as_slice()))
        );
    }

    #[test]
    fn truncated_com_stmt_bulk_execute_is_an_error_up_to_its_rows() {
        prefixes_decode_from::<ComStmtBulkExecute<'_>>(EXAMPLE, 7);
        for end in 7..EXAMPLE.len() {
            let decoded = ComStmtBulkExecute::decode(&EXAMPLE[..end], Capabilities::empty());
            let types = decoded.unwrap().types_and_rows(2);
            assert_eq!(types.is_ok(), end >= 11, "{end} bytes");
        }
    }

    #[test]
    fn parameter_indicators_come_back_and_there_are_four() {
        use ParameterIndicator::{Default, Ignore, None, Null};

        let known = (0..=0xff).filter_map(|byte| {
            let indicator = ParameterIndicator::from_byte(byte)?;
            assert_eq!(indicator.to_byte(), byte);
            Some(indicator)
        });
        assert_eq!(known.collect::<Vec<_>>(), [None, Null, Default, Ignore]);
    }

    #[test]
    fn debug_shows_no_values() {
        let shown = format!("{:?}", round_trip::<ComStmtBulkExecute<'_>>(EXAMPLE));
        assert!(
            shown.contains("parameter_bytes: 18") && !shown.contains("97"),
            "{shown}"
        );
    }
}
