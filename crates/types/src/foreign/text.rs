//! What types that are read from text, and written as text, have in common.

/// Implements [`FromSql`](crate::FromSql) for a type by the function that reads it from text.
macro_rules! from_text {
    ($($(#[$doc:meta])* $type:ty: $parse:path;)+) => {$(
        impl<'a> $crate::FromSql<'a> for $type {
            const CELLS: Option<$crate::CellKind> = Some($crate::CellKind::Text);

            #[inline]
            fn from_known_cell<R: $crate::RowReader<'a>>(
                row: &mut R,
            ) -> Result<Self, $crate::CellError> {
                Ok($parse(row.str()?)?)
            }

            #[inline]
            fn from_text(text: &'a str) -> Result<Self, $crate::FromSqlError> {
                $parse(text)
            }

            $(#[$doc])*
            #[inline]
            fn from_sql(value: $crate::ValueRef<'a>) -> Result<Self, $crate::FromSqlError> {
                match value {
                    $crate::ValueRef::Text(text) => $parse(text),
                    other => Err($crate::from_sql::mismatch(other)),
                }
            }
        }
    )+};
}

/// Implements [`ToSql`](crate::ToSql) for types that have a text.
macro_rules! to_text {
    ($($(#[$doc:meta])* $type:ty;)+) => {$(
        impl $crate::ToSql for $type {
            $(#[$doc])*
            fn to_sql(
                &self,
                out: &mut dyn $crate::ParameterSink,
            ) -> Result<(), $crate::ToSqlError> {
                out.text(&self.to_string());
                Ok(())
            }
        }
    )+};
}

pub(super) use {from_text, to_text};
