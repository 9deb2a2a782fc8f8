use otaria_codec::{InvalidPacket, PayloadReader, PayloadWriter};

/// [Statement
/// ID](https://mariadb.com/docs/server/reference/clientserver-protocol/3-binary-protocol-prepared-statements/com_stmt_execute#statement-id):
/// the number by which a server knows a statement of one connection.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct StatementId(pub u32);

impl StatementId {
    /// The statement that was prepared last on the connection, written as -1. Only where
    /// `MARIADB_CLIENT_STMT_BULK_OPERATIONS` was negotiated.
    pub const LAST_PREPARED: Self = Self(0xffff_ffff);

    pub(crate) fn read(reader: &mut PayloadReader<'_>) -> Result<Self, InvalidPacket> {
        reader.int4().map(Self)
    }

    pub(crate) fn write(self, out: &mut PayloadWriter<'_>) {
        out.int4(self.0);
    }
}
