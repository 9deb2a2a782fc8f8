//! UUIDs of uuid 1.

use uuid::Uuid;
use uuid::fmt::{Hyphenated, Simple};

use crate::from_sql::mismatch;
use crate::{
    CellError, CellKind, FromSql, FromSqlError, ParameterSink, RowReader, ToSql, ToSqlError,
    ValueRef,
};

impl<'a> FromSql<'a> for Uuid {
    const CELLS: Option<CellKind> = Some(CellKind::Text);

    #[inline]
    fn from_known_cell<R: RowReader<'a>>(row: &mut R) -> Result<Self, CellError> {
        Ok(parse(row.str()?)?)
    }

    /// Takes text with hyphens, as that of the type UUID is, or without them; and sixteen bytes, as
    /// BINARY(16) has.
    #[inline]
    fn from_sql(value: ValueRef<'_>) -> Result<Self, FromSqlError> {
        match value {
            ValueRef::Text(text) => parse(text),
            ValueRef::Bytes(bytes) => Self::from_slice(bytes).map_err(|_| FromSqlError::Form),
            other => Err(mismatch(other)),
        }
    }
}

impl ToSql for Uuid {
    /// Writes text with hyphens: for columns of the types UUID and CHAR(36). [`BinaryUuid`] is for
    /// BINARY(16).
    #[inline]
    fn to_sql(&self, out: &mut dyn ParameterSink) -> Result<(), ToSqlError> {
        out.text(self.hyphenated().encode_lower(&mut Self::encode_buffer()));
        Ok(())
    }
}

/// A UUID that is written as sixteen bytes: for a column of the type BINARY(16).
///
/// The bytes are those of the text, in its order; the server does not swap those of version 1.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct BinaryUuid(pub Uuid);

impl FromSql<'_> for BinaryUuid {
    /// Takes what [`Uuid`] takes.
    #[inline]
    fn from_sql(value: ValueRef<'_>) -> Result<Self, FromSqlError> {
        Uuid::from_sql(value).map(Self)
    }
}

impl ToSql for BinaryUuid {
    /// Writes sixteen bytes.
    #[inline]
    fn to_sql(&self, out: &mut dyn ParameterSink) -> Result<(), ToSqlError> {
        out.bytes(self.0.as_bytes());
        Ok(())
    }
}

macro_rules! forms {
    ($($form:ident: $written:literal;)+) => {$(
        impl FromSql<'_> for $form {
            /// Takes what [`Uuid`] takes.
            #[inline]
            fn from_sql(value: ValueRef<'_>) -> Result<Self, FromSqlError> {
                Uuid::from_sql(value).map(Self::from_uuid)
            }
        }

        impl ToSql for $form {
            #[doc = $written]
            #[inline]
            fn to_sql(&self, out: &mut dyn ParameterSink) -> Result<(), ToSqlError> {
                out.text(self.encode_lower(&mut Uuid::encode_buffer()));
                Ok(())
            }
        }
    )+};
}

forms! {
    Hyphenated: "Writes text with hyphens.";
    Simple: "Writes text without hyphens: for a column of the type CHAR(32).";
}

fn parse(text: &str) -> Result<Uuid, FromSqlError> {
    Uuid::try_parse(text).map_err(|_| FromSqlError::Form)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{Written, read_back, written};

    const HYPHENATED: &str = "01234567-89ab-cdef-fedc-ba9876543210";
    const SIMPLE: &str = "0123456789abcdeffedcba9876543210";
    const BYTES: [u8; 16] = [
        0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32,
        0x10,
    ];

    #[test]
    fn a_uuid_is_read_from_text_with_and_without_hyphens_and_from_bytes() {
        let uuid = Uuid::from_bytes(BYTES);
        assert_eq!(Uuid::from_sql(ValueRef::Text(HYPHENATED)), Ok(uuid));
        assert_eq!(Uuid::from_sql(ValueRef::Text(SIMPLE)), Ok(uuid));
        let upper = SIMPLE.to_uppercase();
        assert_eq!(Uuid::from_sql(ValueRef::Text(&upper)), Ok(uuid));
        let bytes = ValueRef::Bytes(&BYTES);
        assert_eq!(Uuid::from_sql(bytes), Ok(uuid));
        assert_eq!(BinaryUuid::from_sql(bytes), Ok(BinaryUuid(uuid)));
        assert_eq!(Simple::from_sql(bytes), Ok(uuid.simple()));
        assert_eq!(Hyphenated::from_sql(bytes), Ok(uuid.hyphenated()));
    }

    #[test]
    fn a_uuid_is_written_in_the_form_of_its_type() {
        let uuid = Uuid::from_bytes(BYTES);
        let hyphenated = Written::Text(HYPHENATED.into());
        assert_eq!(written(&uuid), hyphenated);
        assert_eq!(written(&uuid.hyphenated()), hyphenated);
        assert_eq!(written(&uuid.simple()), Written::Text(SIMPLE.into()));
        assert_eq!(written(&BinaryUuid(uuid)), Written::Bytes(BYTES.into()));
        assert_eq!(written(&None::<Uuid>), Written::Null);
    }

    #[test]
    fn what_is_no_uuid_is_an_error() {
        for text in [
            "",
            "x",
            &HYPHENATED.replace("01", ""),
            &SIMPLE.replace("01", ""),
        ] {
            let read = Uuid::from_sql(ValueRef::Text(text));
            assert_eq!(read, Err(FromSqlError::Form), "{text}");
        }
        let cut = ValueRef::Bytes(&BYTES[1..]);
        assert_eq!(Uuid::from_sql(cut), Err(FromSqlError::Form));
        assert_eq!(Uuid::from_sql(ValueRef::Null), Err(FromSqlError::Null));
        let mismatch = FromSqlError::Mismatch { value: "uint" };
        assert_eq!(Uuid::from_sql(ValueRef::UInt(0)), Err(mismatch));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(bytes: [u8; 16]) {
            let uuid = Uuid::from_bytes(bytes);
            prop_assert_eq!(read_back(&uuid), Ok(uuid));
            prop_assert_eq!(read_back(&BinaryUuid(uuid)), Ok(BinaryUuid(uuid)));
            prop_assert_eq!(read_back(&uuid.simple()), Ok(uuid.simple()));
        }
    }

    #[test]
    fn the_least_and_the_greatest_uuid_are_read_back() {
        for uuid in [Uuid::nil(), Uuid::max()] {
            assert_eq!(read_back(&uuid), Ok(uuid));
            assert_eq!(read_back(&BinaryUuid(uuid)), Ok(BinaryUuid(uuid)));
        }
    }
}
