use otaria_codec::{ColumnDefinition, FieldFlags, FieldType};

/// What stands for a parameter among the types: a field type and a flag, `0x80` for integers
/// without a sign.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct ParameterType(pub(crate) [u8; Self::BYTES]);

impl ParameterType {
    pub(crate) const NULL: Self = Self([0x06, 0]);
    pub(crate) const INT: Self = Self([0x08, 0]);
    pub(crate) const UINT: Self = Self([0x08, UNSIGNED]);
    pub(crate) const FLOAT: Self = Self([0x04, 0]);
    pub(crate) const DOUBLE: Self = Self([0x05, 0]);
    pub(crate) const DECIMAL: Self = Self([0xf6, 0]);
    /// The server reads it in the character set of the connection.
    pub(crate) const TEXT: Self = Self([0xfd, 0]);
    /// A BLOB: bytes of another type would be text to the server.
    pub(crate) const BLOB: Self = Self([0xfc, 0]);
    /// A `LONG_BLOB`, which no other value is sent as.
    pub(crate) const LONG_DATA: Self = Self([0xfb, 0]);
    pub(crate) const DATE: Self = Self([0x0a, 0]);
    pub(crate) const DATETIME: Self = Self([0x0c, 0]);
    pub(crate) const TIME: Self = Self([0x0b, 0]);

    /// How many bytes it has.
    pub(crate) const BYTES: usize = 2;

    /// The column that a value of this type could stand in.
    pub(crate) fn column(self) -> ColumnDefinition {
        let Self([field_type, flag]) = self;
        let column = ColumnDefinition::new("?", FieldType::from(field_type));
        let column = if flag & UNSIGNED == 0 {
            column
        } else {
            column.with_flags(FieldFlags::UNSIGNED)
        };
        match column.field_type() {
            FieldType::VarChar
            | FieldType::VarString
            | FieldType::String
            | FieldType::Enum
            | FieldType::Set => column.with_collation(TEXT_COLLATION),
            _ => column,
        }
    }
}

const UNSIGNED: u8 = 0x80;

/// `utf8mb4_general_ci`, for values that are text.
const TEXT_COLLATION: u16 = 45;
