use std::fmt;
use std::ops::Deref;

use otaria_codec::{ColumnDefinition, FieldType};

use crate::from_row::FoundFieldsCache;

/// The columns of a result set, with what is worked out once for all of its rows.
#[derive(Default)]
pub struct Columns {
    definitions: Box<[ColumnDefinition]>,
    /// The code of each column's [`CellKind`]: bytes are compared faster than enums.
    kinds: Box<[u8]>,
    found_fields: FoundFieldsCache,
}

impl Columns {
    /// The columns with these definitions, in order.
    pub fn new(definitions: Vec<ColumnDefinition>) -> Self {
        Self {
            kinds: definitions
                .iter()
                .map(CellKind::of)
                .map(CellKind::code)
                .collect(),
            definitions: definitions.into(),
            found_fields: FoundFieldsCache::default(),
        }
    }

    /// Whether the cells of the columns are of just these kinds; kind 0 stands for none.
    #[inline]
    pub(crate) fn are<const N: usize>(&self, kinds: &[u8; N]) -> bool {
        *self.kinds == kinds[..]
    }

    /// Where the fields of the types that rows have been read as were found.
    #[inline]
    pub(crate) const fn found_fields(&self) -> &FoundFieldsCache {
        &self.found_fields
    }
}

impl Clone for Columns {
    fn clone(&self) -> Self {
        Self {
            definitions: self.definitions.clone(),
            kinds: self.kinds.clone(),
            found_fields: FoundFieldsCache::default(),
        }
    }
}

impl Eq for Columns {}

impl PartialEq for Columns {
    fn eq(&self, other: &Self) -> bool {
        self.definitions == other.definitions
    }
}

impl Deref for Columns {
    type Target = [ColumnDefinition];

    #[inline]
    fn deref(&self) -> &[ColumnDefinition] {
        &self.definitions
    }
}

impl From<Vec<ColumnDefinition>> for Columns {
    fn from(definitions: Vec<ColumnDefinition>) -> Self {
        Self::new(definitions)
    }
}

impl fmt::Debug for Columns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.definitions.iter()).finish()
    }
}

/// How the cells of a column are read: which method of a [`RowReader`](crate::RowReader) reads
/// those that are not NULL.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CellKind {
    /// By [`i8`](crate::RowReader::i8): TINYINT.
    I8,
    /// By [`u8`](crate::RowReader::u8): TINYINT UNSIGNED.
    U8,
    /// By [`i16`](crate::RowReader::i16): SMALLINT.
    I16,
    /// By [`u16`](crate::RowReader::u16): SMALLINT UNSIGNED, YEAR.
    U16,
    /// By [`i32`](crate::RowReader::i32): MEDIUMINT, INT.
    I32,
    /// By [`u32`](crate::RowReader::u32): MEDIUMINT UNSIGNED, INT UNSIGNED.
    U32,
    /// By [`i64`](crate::RowReader::i64): BIGINT.
    I64,
    /// By [`u64`](crate::RowReader::u64): BIGINT UNSIGNED.
    U64,
    /// By [`f32`](crate::RowReader::f32): FLOAT.
    F32,
    /// By [`f64`](crate::RowReader::f64): DOUBLE.
    F64,
    /// By [`str`](crate::RowReader::str): strings that are text.
    Text,
    /// By [`bytes`](crate::RowReader::bytes): strings that are binary data.
    Bytes,
    /// By [`date`](crate::RowReader::date): DATE.
    Date,
    /// By [`datetime`](crate::RowReader::datetime): DATETIME, TIMESTAMP.
    DateTime,
    /// By [`time`](crate::RowReader::time): TIME.
    Time,
    /// By [`value`](crate::RowReader::value): DECIMAL, BIT, and what is not known here.
    Other,
}

impl CellKind {
    /// That of the cells of `column`.
    pub const fn of(column: &ColumnDefinition) -> Self {
        match (column.field_type(), column.is_unsigned()) {
            (FieldType::Tiny, false) => Self::I8,
            (FieldType::Tiny, true) => Self::U8,
            (FieldType::Short, false) => Self::I16,
            (FieldType::Short, true) | (FieldType::Year, _) => Self::U16,
            (FieldType::Long | FieldType::Int24, false) => Self::I32,
            (FieldType::Long | FieldType::Int24, true) => Self::U32,
            (FieldType::LongLong, false) => Self::I64,
            (FieldType::LongLong, true) => Self::U64,
            (FieldType::Float, _) => Self::F32,
            (FieldType::Double, _) => Self::F64,
            (FieldType::Date, _) => Self::Date,
            (FieldType::DateTime | FieldType::Timestamp, _) => Self::DateTime,
            (FieldType::Time, _) => Self::Time,
            (FieldType::VarString | FieldType::String | FieldType::Blob, _) => {
                if column.is_binary() {
                    Self::Bytes
                } else {
                    Self::Text
                }
            }
            _ => Self::Other,
        }
    }

    /// The number that stands for it, never 0.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::I8 => 1,
            Self::U8 => 2,
            Self::I16 => 3,
            Self::U16 => 4,
            Self::I32 => 5,
            Self::U32 => 6,
            Self::I64 => 7,
            Self::U64 => 8,
            Self::F32 => 9,
            Self::F64 => 10,
            Self::Text => TEXT,
            Self::Bytes => 12,
            Self::Date => 13,
            Self::DateTime => 14,
            Self::Time => 15,
            Self::Other => 16,
        }
    }
}

/// The code of a type's kind, or 0 for a type that looks at the column.
pub(crate) const fn code_of(kind: Option<CellKind>) -> u8 {
    match kind {
        Some(kind) => kind.code(),
        None => 0,
    }
}

/// The first of the columns at the end that are all text.
pub(crate) const fn text_tail(kinds: &[u8]) -> usize {
    let mut rest = kinds;
    while let Some((&TEXT, before)) = rest.split_last() {
        rest = before;
    }
    rest.len()
}

const TEXT: u8 = 11;

#[cfg(test)]
mod tests {
    use otaria_codec::FieldFlags;

    use super::*;

    fn column(field_type: FieldType) -> ColumnDefinition {
        ColumnDefinition::new("c", field_type)
    }

    #[test]
    fn every_kind_has_a_code_of_its_own() {
        use CellKind::*;
        let kinds = [
            I8, U8, I16, U16, I32, U32, I64, U64, F32, F64, Text, Bytes, Date, DateTime, Time,
            Other,
        ];
        for (place, kind) in kinds.into_iter().enumerate() {
            assert_eq!(usize::from(kind.code()), place + 1, "{kind:?}");
        }
    }

    #[test]
    fn columns_are_of_the_kinds_that_they_are_of() {
        let unsigned = column(FieldType::Long).with_flags(FieldFlags::UNSIGNED);
        let columns = Columns::new(vec![unsigned, column(FieldType::Year)]);
        assert!(columns.are(&[CellKind::U32.code(), CellKind::U16.code()]));
        assert!(!columns.are(&[CellKind::I32.code(), CellKind::U16.code()]));
        assert!(!columns.are(&[CellKind::U32.code()]));
        assert!(!columns.are(&[CellKind::U32.code(), 0]));
        assert!(Columns::default().are(&[]));
    }

    #[test]
    fn the_tail_begins_behind_the_last_column_that_is_no_text() {
        let (text, int) = (CellKind::Text.code(), CellKind::I32.code());
        for (kinds, tail) in [
            (&[][..], 0),
            (&[text], 0),
            (&[int], 1),
            (&[text, int, text, text], 2),
        ] {
            assert_eq!(text_tail(kinds), tail, "{kinds:?}");
        }
    }
}
