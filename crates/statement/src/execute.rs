use std::fmt;

use bitflags::bitflags;
use otaria_codec::{Capabilities, Decode, Encode, InvalidPacket, PayloadReader, PayloadWriter};

use crate::StatementId;

bitflags! {
    /// The [flags of an
    /// execute](https://mariadb.com/docs/server/reference/clientserver-protocol/3-binary-protocol-prepared-statements/com_stmt_execute#flag):
    /// what cursor it opens on the server. MariaDB opens a read-only one or none.
    #[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
    pub struct CursorFlags: u8 {
        /// Rows are sent when [`ComStmtFetch`](crate::ComStmtFetch) asks for them. For a SELECT
        /// only: MariaDB 10.11 and 11.8 crash on `DELETE … RETURNING` with this flag.
        const READ_ONLY = 0x01;
        /// Has no effect.
        const FOR_UPDATE = 0x02;
        /// Has no effect.
        const SCROLLABLE = 0x04;

        /// Bits without a name here are kept.
        const _ = !0;
    }
}

/// [COM_STMT_EXECUTE](https://mariadb.com/docs/server/reference/clientserver-protocol/3-binary-protocol-prepared-statements/com_stmt_execute):
/// runs a prepared statement. [`ResponseReader`](otaria_codec::ResponseReader) reads the response.
///
/// `Debug` shows the length of the parameters only.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct ComStmtExecute<'a> {
    /// The statement, or [`StatementId::LAST_PREPARED`].
    pub statement: StatementId,
    /// What cursor is opened.
    pub flags: CursorFlags,
    /// The iteration count; "always 1".
    pub iterations: u32,
    /// The parameters from their NULL bitmap on, as [`ExecuteParameters`] has them; nothing for a
    /// statement without parameters. The packet does not say how many there are.
    pub parameters: &'a [u8],
}

impl<'a> ComStmtExecute<'a> {
    /// The command that runs `statement` once, without a cursor.
    pub const fn new(statement: StatementId, parameters: &'a [u8]) -> Self {
        Self {
            statement,
            flags: CursorFlags::empty(),
            iterations: 1,
            parameters,
        }
    }
}

impl fmt::Debug for ComStmtExecute<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ComStmtExecute")
            .field("statement", &self.statement)
            .field("flags", &self.flags)
            .field("iterations", &self.iterations)
            .field("parameter_bytes", &self.parameters.len())
            .finish()
    }
}

impl<'a> Decode<'a> for ComStmtExecute<'a> {
    fn decode(payload: &'a [u8], _: Capabilities) -> Result<Self, InvalidPacket> {
        let mut reader = PayloadReader::new("COM_STMT_EXECUTE", payload);
        reader.header(0x17)?;
        Ok(Self {
            statement: StatementId::read(&mut reader)?,
            flags: CursorFlags::from_bits_retain(reader.int1()?),
            iterations: reader.int4()?,
            parameters: reader.bytes_eof(),
        })
    }
}

impl Encode for ComStmtExecute<'_> {
    #[inline]
    fn encode(&self, _: Capabilities, out: &mut PayloadWriter<'_>) {
        let [s1, s2, s3, s4] = self.statement.0.to_le_bytes();
        let [i1, i2, i3, i4] = self.iterations.to_le_bytes();
        let flags = self.flags.bits();
        out.bytes(&[0x17, s1, s2, s3, s4, flags, i1, i2, i3, i4]);
        out.bytes(self.parameters);
    }
}

/// The parameters of a [`ComStmtExecute`], taken apart; one or more.
///
/// `Debug` shows the length of the values only.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct ExecuteParameters<'a> {
    /// A bit for each parameter, lowest first: whether it is NULL.
    pub null_bitmap: &'a [u8],
    /// Two bytes for each parameter, its field type and `0x80` if it is unsigned; absent if they
    /// are those of the execute before, which is not possible with
    /// [`StatementId::LAST_PREPARED`].
    pub types: Option<&'a [u8]>,
    /// The values of those that are not NULL and were not sent by
    /// [`ComStmtSendLongData`](crate::ComStmtSendLongData), one after the other.
    pub values: &'a [u8],
}

impl<'a> ExecuteParameters<'a> {
    /// Takes the bytes of [`ComStmtExecute::parameters`] apart, which are those of `count`
    /// parameters.
    ///
    /// # Errors
    /// [`InvalidPacket`] if they end before the values, or if the byte before the types is neither
    /// 0 nor 1.
    pub fn split(parameters: &'a [u8], count: u16) -> Result<Self, InvalidPacket> {
        let count = usize::from(count);
        let mut reader = PayloadReader::new("COM_STMT_EXECUTE", parameters);
        let null_bitmap = reader.bytes(count.div_ceil(8))?;
        // "byte<1>: send type to server (0 / 1)"
        let types = match reader.int1()? {
            0 => None,
            1 => Some(reader.bytes(2 * count)?),
            other => return Err(reader.invalid_field("send type to server", u64::from(other))),
        };
        Ok(Self {
            null_bitmap,
            types,
            values: reader.bytes_eof(),
        })
    }
}

impl fmt::Debug for ExecuteParameters<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExecuteParameters")
            .field("null_bitmap", &self.null_bitmap)
            .field("types", &self.types)
            .field("value_bytes", &self.values.len())
            .finish()
    }
}

impl Encode for ExecuteParameters<'_> {
    fn encode(&self, _: Capabilities, out: &mut PayloadWriter<'_>) {
        out.bytes(self.null_bitmap);
        out.int1(u8::from(self.types.is_some()));
        out.bytes(self.types.unwrap_or_default());
        out.bytes(self.values);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{encoded, prefixes_decode_from, round_trip};

    /// Executes the last prepared statement with an INT 5, a NULL and a VARCHAR `ab`.
    const EXAMPLE: &[u8] =
        b"\x17\xff\xff\xff\xff\x01\x01\0\0\0\x02\x01\x03\0\x06\0\xfd\0\x05\0\0\0\x02ab";

    #[test]
    fn com_stmt_execute_comes_back() {
        let command = round_trip::<ComStmtExecute<'_>>(EXAMPLE);
        assert_eq!(command.statement, StatementId::LAST_PREPARED);
        assert_eq!(command.flags, CursorFlags::READ_ONLY);
        assert_eq!(command.iterations, 1);
        let parameters = ExecuteParameters::split(command.parameters, 3).unwrap();
        assert_eq!(parameters.null_bitmap, [0b10]);
        assert_eq!(parameters.types, Some([3, 0, 6, 0, 0xfd, 0].as_slice()));
        assert_eq!(parameters.values, b"\x05\0\0\0\x02ab");
        assert_eq!(
            encoded(&parameters, Capabilities::empty()),
            command.parameters
        );
    }

    #[test]
    fn an_execute_of_a_statement_without_parameters_is_ten_bytes() {
        let payload = [0x17, 7, 0, 0, 0, 0, 1, 0, 0, 0];
        let command = round_trip::<ComStmtExecute<'_>>(&payload);
        assert_eq!(command, ComStmtExecute::new(StatementId(7), &[]));
    }

    #[test]
    fn truncated_com_stmt_execute_is_an_error_up_to_its_parameters() {
        prefixes_decode_from::<ComStmtExecute<'_>>(EXAMPLE, 10);
    }

    #[test]
    fn truncated_parameters_are_an_error_up_to_their_values() {
        let parameters = &EXAMPLE[10..];
        for end in 0..=parameters.len() {
            let split = ExecuteParameters::split(&parameters[..end], 3);
            assert_eq!(split.is_ok(), end >= 8, "{end} bytes");
        }
    }

    #[test]
    fn parameters_may_leave_out_their_types() {
        let parameters = ExecuteParameters::split(&[0, 0, 5], 8).unwrap();
        assert_eq!(parameters.types, None);
        assert_eq!(parameters.values, [5]);
        assert_eq!(encoded(&parameters, Capabilities::empty()), [0, 0, 5]);
    }

    #[test]
    fn a_null_bitmap_has_a_byte_for_each_eight_parameters() {
        for (count, bytes) in [(1, 1), (8, 1), (9, 2), (16, 2), (17, 3), (65_535, 8_192)] {
            let parameters = vec![0; 8_193];
            let split = ExecuteParameters::split(&parameters, count).unwrap();
            assert_eq!(split.null_bitmap.len(), bytes, "{count}");
        }
    }

    #[test]
    fn types_that_are_neither_sent_nor_left_out_are_an_error() {
        let (packet, field) = ("COM_STMT_EXECUTE", "send type to server");
        assert_eq!(
            ExecuteParameters::split(&[0, 2, 3, 0], 1),
            Err(InvalidPacket::Field {
                packet,
                field,
                value: 2
            })
        );
    }

    #[test]
    fn debug_shows_no_values() {
        let command = ComStmtExecute::new(StatementId(1), b"\0\0\xfd\x06secret");
        let parameters = ExecuteParameters::split(command.parameters, 1).unwrap();
        let shown = format!("{command:?} {parameters:?}");
        assert!(
            shown.contains("value_bytes: 8") && !shown.contains("115"),
            "{shown}"
        );
    }
}
