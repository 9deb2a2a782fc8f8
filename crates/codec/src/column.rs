use bitflags::bitflags;

use crate::{Capabilities, Decode, Encode, InvalidPacket, PayloadReader, PayloadWriter};

/// [Field
/// types](https://mariadb.com/docs/server/reference/clientserver-protocol/4-server-response-packets/result-set-packets#field-types):
/// how the values of a column travel.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum FieldType {
    /// DECIMAL of servers before 5.0.
    OldDecimal,
    /// TINYINT, BOOLEAN.
    Tiny,
    /// SMALLINT.
    Short,
    /// INT.
    Long,
    /// FLOAT.
    Float,
    /// DOUBLE.
    Double,
    /// The literal NULL, and a placeholder without a type.
    Null,
    /// TIMESTAMP.
    Timestamp,
    /// BIGINT.
    LongLong,
    /// MEDIUMINT.
    Int24,
    /// DATE.
    Date,
    /// TIME.
    Time,
    /// DATETIME.
    DateTime,
    /// YEAR.
    Year,
    /// VARCHAR of a parameter.
    VarChar,
    /// BIT.
    Bit,
    /// VECTOR of MySQL; MariaDB sends `VarString`.
    Vector,
    /// JSON of MySQL; MariaDB sends `Blob`.
    Json,
    /// DECIMAL.
    NewDecimal,
    /// ENUM of a parameter; columns are `String` with [`FieldFlags::ENUM`].
    Enum,
    /// SET of a parameter; columns are `String` with [`FieldFlags::SET`].
    Set,
    /// TINYBLOB of a parameter.
    TinyBlob,
    /// MEDIUMBLOB of a parameter.
    MediumBlob,
    /// LONGBLOB of a parameter.
    LongBlob,
    /// All BLOB and TEXT columns, and JSON.
    Blob,
    /// VARCHAR, VARBINARY, VECTOR.
    VarString,
    /// CHAR, BINARY, ENUM, SET, UUID, INET4, INET6.
    String,
    /// GEOMETRY and its subtypes.
    Geometry,
    /// A type that is not known here.
    Other(u8),
}

impl From<u8> for FieldType {
    fn from(byte: u8) -> Self {
        match FIELD_TYPES.iter().find(|(number, _)| *number == byte) {
            Some((_, field_type)) => *field_type,
            None => Self::Other(byte),
        }
    }
}

impl From<FieldType> for u8 {
    fn from(field_type: FieldType) -> Self {
        match field_type {
            FieldType::Other(byte) => byte,
            known => FIELD_TYPES
                .iter()
                .find(|(_, field_type)| *field_type == known)
                .map_or(0, |(number, _)| *number),
        }
    }
}

bitflags! {
    /// [Field details
    /// flags](https://mariadb.com/docs/server/reference/clientserver-protocol/4-server-response-packets/result-set-packets#field-details-flag)
    /// of a column.
    #[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
    pub struct FieldFlags: u16 {
        /// The column is never NULL.
        const NOT_NULL = 0x0001;
        /// Part of the primary key.
        const PRIMARY_KEY = 0x0002;
        /// Part of a unique key.
        const UNIQUE_KEY = 0x0004;
        /// Part of a key that is not unique.
        const MULTIPLE_KEY = 0x0008;
        /// BLOB or TEXT.
        const BLOB = 0x0010;
        /// Numbers have no sign.
        const UNSIGNED = 0x0020;
        /// ZEROFILL.
        const ZEROFILL = 0x0040;
        /// A binary collation, which does not mean binary data.
        const BINARY = 0x0080;
        /// ENUM.
        const ENUM = 0x0100;
        /// AUTO_INCREMENT.
        const AUTO_INCREMENT = 0x0200;
        /// TIMESTAMP.
        const TIMESTAMP = 0x0400;
        /// SET.
        const SET = 0x0800;
        /// The column has no default.
        const NO_DEFAULT_VALUE = 0x1000;
        /// The column is set to the current time on update.
        const ON_UPDATE_NOW = 0x2000;
        /// Part of some key.
        const PART_KEY = 0x4000;
    }
}

/// [Column definition
/// packet](https://mariadb.com/docs/server/reference/clientserver-protocol/4-server-response-packets/result-set-packets#column-definition-packet):
/// a column of a result set, or a parameter of a statement.
///
/// Names that are not UTF-8 are read with replacement characters.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ColumnDefinition {
    /// All names, one after the other, and where each of them ends.
    names: Box<str>,
    ends: [usize; NAMES],
    collation: u16,
    column_length: u32,
    field_type: FieldType,
    flags: FieldFlags,
    decimals: u8,
}

impl ColumnDefinition {
    /// A column called `name`, with the collation of binary data and nothing else set.
    pub fn new(name: &str, field_type: FieldType) -> Self {
        Self {
            ends: [
                3,
                3,
                3,
                3,
                3 + name.len(),
                3 + name.len(),
                3 + name.len(),
                3 + name.len(),
            ],
            names: ["def", name].concat().into_boxed_str(),
            collation: BINARY_COLLATION,
            column_length: 0,
            field_type,
            flags: FieldFlags::empty(),
            decimals: 0,
        }
    }

    /// The same column with these flags.
    #[must_use]
    pub const fn with_flags(mut self, flags: FieldFlags) -> Self {
        self.flags = flags;
        self
    }

    /// The same column with this collation.
    #[must_use]
    pub const fn with_collation(mut self, collation: u16) -> Self {
        self.collation = collation;
        self
    }

    /// The same column with this length in bytes and these decimals.
    #[must_use]
    pub const fn with_length(mut self, column_length: u32, decimals: u8) -> Self {
        self.column_length = column_length;
        self.decimals = decimals;
        self
    }

    /// The same column with the extended metadata's name of its type, such as `uuid`, and of its
    /// format, such as `json`; empty for none.
    #[must_use]
    pub fn with_extended_metadata(mut self, type_name: &str, format_name: &str) -> Self {
        let kept = self.part(0, TYPE_NAME);
        let names = [kept, type_name, format_name].concat();
        let [.., before, end_of_type, end_of_format] = &mut self.ends;
        *end_of_type = *before + type_name.len();
        *end_of_format = *end_of_type + format_name.len();
        self.names = names.into_boxed_str();
        self
    }

    /// The same column as that of a table.
    #[must_use]
    pub fn with_origin(mut self, schema: &str, table: &str, name: &str) -> Self {
        let names = [
            self.catalog(),
            schema,
            table,
            table,
            self.name(),
            name,
            self.type_name().unwrap_or_default(),
            self.format_name().unwrap_or_default(),
        ];
        let mut end = 0;
        let ends = names.map(|name| {
            end += name.len();
            end
        });
        self.names = names.concat().into_boxed_str();
        self.ends = ends;
        self
    }

    /// The catalog, always `def`.
    pub fn catalog(&self) -> &str {
        self.part(CATALOG, CATALOG + 1)
    }

    /// The database of the table, empty for an expression.
    pub fn schema(&self) -> &str {
        self.part(SCHEMA, SCHEMA + 1)
    }

    /// The alias of the table, or its name.
    pub fn table(&self) -> &str {
        self.part(TABLE, TABLE + 1)
    }

    /// The name of the table, empty for an expression.
    pub fn original_table(&self) -> &str {
        self.part(ORIGINAL_TABLE, ORIGINAL_TABLE + 1)
    }

    /// The alias of the column, or its name.
    pub fn name(&self) -> &str {
        self.part(NAME, NAME + 1)
    }

    /// The name of the column, empty for an expression.
    pub fn original_name(&self) -> &str {
        self.part(ORIGINAL_NAME, ORIGINAL_NAME + 1)
    }

    /// The name of a type that has no number of its own, such as `uuid` or `inet6`; `None`
    /// without extended metadata.
    pub fn type_name(&self) -> Option<&str> {
        Some(self.part(TYPE_NAME, TYPE_NAME + 1)).filter(|name| !name.is_empty())
    }

    /// The name of the value's format, such as `json`; `None` without extended metadata.
    pub fn format_name(&self) -> Option<&str> {
        Some(self.part(FORMAT_NAME, FORMAT_NAME + 1)).filter(|name| !name.is_empty())
    }

    /// The number of the collation; 63 is binary data.
    pub const fn collation(&self) -> u16 {
        self.collation
    }

    /// The greatest length of a value in bytes.
    pub const fn column_length(&self) -> u32 {
        self.column_length
    }

    /// How the values travel.
    pub const fn field_type(&self) -> FieldType {
        self.field_type
    }

    /// Flags such as [`FieldFlags::NOT_NULL`].
    pub const fn flags(&self) -> FieldFlags {
        self.flags
    }

    /// The scale of a DECIMAL, the fractional digits of a temporal type; 31 or 39 where there is
    /// no fixed number.
    pub const fn decimals(&self) -> u8 {
        self.decimals
    }

    /// Whether numbers have no sign.
    pub const fn is_unsigned(&self) -> bool {
        self.flags.contains(FieldFlags::UNSIGNED)
    }

    /// Whether strings are bytes and not text. The collation alone tells: text of a binary
    /// collation, JSON and UUID carry [`FieldFlags::BINARY`] as well.
    pub const fn is_binary(&self) -> bool {
        self.collation == BINARY_COLLATION
    }

    fn part(&self, first: usize, end: usize) -> &str {
        let offset = |index: usize| {
            index
                .checked_sub(1)
                .map_or(Some(0), |before| self.ends.get(before).copied())
        };
        offset(first)
            .zip(offset(end))
            .and_then(|(from, to)| self.names.get(from..to))
            .unwrap_or_default()
    }
}

impl Decode<'_> for ColumnDefinition {
    fn decode(payload: &[u8], capabilities: Capabilities) -> Result<Self, InvalidPacket> {
        let mut reader = PayloadReader::new(PACKET, payload);
        let mut names = String::new();
        let mut ends = [0; NAMES];
        let (sent, extended) = ends.split_at_mut(TYPE_NAME);
        for end in sent {
            names.push_str(&String::from_utf8_lossy(reader.bytes_lenenc()?));
            *end = names.len();
        }
        let mut metadata = ExtendedMetadata::default();
        if capabilities.contains(Capabilities::MARIADB_CLIENT_EXTENDED_METADATA) {
            metadata = ExtendedMetadata::decode(reader.bytes_lenenc()?, capabilities)?;
        }
        for (end, name) in extended
            .iter_mut()
            .zip([metadata.type_name, metadata.format_name])
        {
            names.push_str(&String::from_utf8_lossy(name));
            *end = names.len();
        }
        // "length of fixed fields (=0xC)"
        match reader.int_lenenc()? {
            0x0c => {}
            length => return Err(reader.invalid_field("length of fixed fields", length)),
        }
        let column = Self {
            names: names.into_boxed_str(),
            ends,
            collation: reader.int2()?,
            column_length: reader.int4()?,
            field_type: FieldType::from(reader.int1()?),
            flags: FieldFlags::from_bits_retain(reader.int2()?),
            decimals: reader.int1()?,
        };
        reader.int2()?;
        reader.finish()?;
        Ok(column)
    }
}

impl Encode for ColumnDefinition {
    fn encode(&self, capabilities: Capabilities, out: &mut PayloadWriter<'_>) {
        for index in 0..TYPE_NAME {
            out.bytes_lenenc(self.part(index, index + 1).as_bytes());
        }
        if capabilities.contains(Capabilities::MARIADB_CLIENT_EXTENDED_METADATA) {
            let mut extended = Vec::new();
            let metadata = ExtendedMetadata {
                type_name: self.type_name().unwrap_or_default().as_bytes(),
                format_name: self.format_name().unwrap_or_default().as_bytes(),
            };
            metadata.encode(capabilities, &mut PayloadWriter::new(&mut extended));
            out.bytes_lenenc(&extended);
        }
        out.int_lenenc(0x0c);
        out.int2(self.collation);
        out.int4(self.column_length);
        out.int1(self.field_type.into());
        out.int2(self.flags.bits());
        out.int1(self.decimals);
        out.int2(0);
    }
}

/// [Extended
/// metadata](https://mariadb.com/docs/server/reference/clientserver-protocol/4-server-response-packets/result-set-packets#extended-metadata)
/// of a column: names for what field types have no number for. Entries of a kind that is not
/// known here are skipped.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct ExtendedMetadata<'a> {
    /// The data type's name, such as `uuid`; empty if there is none.
    pub type_name: &'a [u8],
    /// The format's name, such as `json`; empty if there is none.
    pub format_name: &'a [u8],
}

impl<'a> Decode<'a> for ExtendedMetadata<'a> {
    fn decode(payload: &'a [u8], _: Capabilities) -> Result<Self, InvalidPacket> {
        let mut reader = PayloadReader::new("extended metadata", payload);
        let mut metadata = Self::default();
        while !reader.is_empty() {
            match (reader.int1()?, reader.bytes_lenenc()?) {
                (0, type_name) => metadata.type_name = type_name,
                (1, format_name) => metadata.format_name = format_name,
                _ => {}
            }
        }
        Ok(metadata)
    }
}

impl Encode for ExtendedMetadata<'_> {
    fn encode(&self, _: Capabilities, out: &mut PayloadWriter<'_>) {
        for (kind, name) in [(0, self.type_name), (1, self.format_name)] {
            if !name.is_empty() {
                out.int1(kind);
                out.bytes_lenenc(name);
            }
        }
    }
}

/// The collation of binary data.
pub const BINARY_COLLATION: u16 = 63;

const PACKET: &str = "column definition packet";

/// The places of a definition's names in the order of the packet.
const CATALOG: usize = 0;
const SCHEMA: usize = 1;
const TABLE: usize = 2;
const ORIGINAL_TABLE: usize = 3;
const NAME: usize = 4;
const ORIGINAL_NAME: usize = 5;
const TYPE_NAME: usize = 6;
const FORMAT_NAME: usize = 7;
const NAMES: usize = 8;

const FIELD_TYPES: [(u8, FieldType); 28] = [
    (0, FieldType::OldDecimal),
    (1, FieldType::Tiny),
    (2, FieldType::Short),
    (3, FieldType::Long),
    (4, FieldType::Float),
    (5, FieldType::Double),
    (6, FieldType::Null),
    (7, FieldType::Timestamp),
    (8, FieldType::LongLong),
    (9, FieldType::Int24),
    (10, FieldType::Date),
    (11, FieldType::Time),
    (12, FieldType::DateTime),
    (13, FieldType::Year),
    (15, FieldType::VarChar),
    (16, FieldType::Bit),
    (242, FieldType::Vector),
    (245, FieldType::Json),
    (246, FieldType::NewDecimal),
    (247, FieldType::Enum),
    (248, FieldType::Set),
    (249, FieldType::TinyBlob),
    (250, FieldType::MediumBlob),
    (251, FieldType::LongBlob),
    (252, FieldType::Blob),
    (253, FieldType::VarString),
    (254, FieldType::String),
    (255, FieldType::Geometry),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{encoded, every_prefix_is_refused, round_trip};

    const EXTENDED: Capabilities = Capabilities::MARIADB_CLIENT_EXTENDED_METADATA;

    /// `SELECT u FROM t` on MariaDB 11.8, where `u` is a UUID.
    const UUID: &[u8] = b"\x03def\x04test\x01a\x01t\x01x\x01u\x06\x00\x04uuid\x0c\x2d\x00\x90\x00\
        \x00\x00\xfe\xa0\x00\x00\x00\x00";

    #[test]
    fn a_column_definition_comes_back() {
        let column = round_trip::<ColumnDefinition>(UUID, EXTENDED);
        assert_eq!(column.catalog(), "def");
        assert_eq!(column.schema(), "test");
        assert_eq!((column.table(), column.original_table()), ("a", "t"));
        assert_eq!((column.name(), column.original_name()), ("x", "u"));
        assert_eq!(
            (column.type_name(), column.format_name()),
            (Some("uuid"), None)
        );
        assert_eq!(column.collation(), 45);
        assert_eq!(column.column_length(), 144);
        assert_eq!(column.field_type(), FieldType::String);
        assert_eq!(column.flags(), FieldFlags::BINARY | FieldFlags::UNSIGNED);
        assert!(!column.is_binary());
    }

    /// Those of `nopad` and `uca1400` have numbers above 1,000, of which new servers have new ones.
    #[test]
    fn utf8mb4_bin_text_is_text_for_charset_63_is_the_only_binary_among_all_collations() {
        const UTF8MB4_BIN: u16 = 46;
        let is_binary = |collation| {
            let column =
                ColumnDefinition::new("a", FieldType::VarString).with_flags(FieldFlags::BINARY);
            let bytes = encoded(&column.with_collation(collation), EXTENDED);
            let column = ColumnDefinition::decode(&bytes, EXTENDED).unwrap();
            assert_eq!(column.collation(), collation);
            column.is_binary()
        };
        assert!(!is_binary(UTF8MB4_BIN));
        let binary: Vec<_> = (0..=u16::MAX)
            .filter(|&collation| is_binary(collation))
            .collect();
        assert_eq!(binary, [63]);
    }

    #[test]
    fn truncated_column_definition_is_an_error() {
        every_prefix_is_refused::<ColumnDefinition>(UUID, EXTENDED);
    }

    #[test]
    fn a_built_column_comes_back() {
        let column = ColumnDefinition::new("größe", FieldType::NewDecimal)
            .with_length(12, 2)
            .with_flags(FieldFlags::NOT_NULL)
            .with_extended_metadata("", "json")
            .with_collation(224);
        let bytes = encoded(&column, EXTENDED);
        assert_eq!(round_trip::<ColumnDefinition>(&bytes, EXTENDED), column);
        assert_eq!(column.name(), "größe");
        assert_eq!(column.format_name(), Some("json"));
    }

    #[test]
    fn every_field_type_comes_back() {
        for byte in 0..=255 {
            assert_eq!(u8::from(FieldType::from(byte)), byte);
        }
        assert_eq!(FieldType::from(17), FieldType::Other(17));
    }

    #[test]
    fn an_unknown_kind_of_extended_metadata_is_skipped() {
        let metadata =
            ExtendedMetadata::decode(b"\x07\x02??\x01\x04json", Capabilities::empty()).unwrap();
        assert_eq!(metadata.format_name, b"json");
        assert!(ExtendedMetadata::decode(b"\x01\x05json", Capabilities::empty()).is_err());
    }

    #[test]
    fn a_name_that_is_not_utf_8_is_read_lossily() {
        let payload = b"\x03def\x00\x00\x00\x04caf\xe9\x00\x0c\x3f\x00\x01\x00\x00\x00\x03\x00\x00\
            \x00\x00\x00";
        let column = ColumnDefinition::decode(payload, Capabilities::empty()).unwrap();
        assert_eq!(column.name(), "caf\u{fffd}");
    }
}
