use otaria_codec::{FieldType, Printable};
use otaria_types::FromSqlError;

/// A value that does not fit: which column, how it travels, and what it was asked for as.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "column {index} `{}` ({field_type:?}) cannot be read as {rust_type}",
    Printable(.name)
)]
pub struct ColumnError {
    index: usize,
    name: String,
    field_type: FieldType,
    rust_type: &'static str,
    source: FromSqlError,
}

impl ColumnError {
    pub(crate) fn new(
        index: usize,
        column: &otaria_codec::ColumnDefinition,
        rust_type: &'static str,
        source: FromSqlError,
    ) -> Self {
        Self {
            index,
            name: column.name().to_owned(),
            field_type: column.field_type(),
            rust_type,
            source,
        }
    }

    /// The column's place in the row, from 0.
    pub const fn index(&self) -> usize {
        self.index
    }

    /// The column's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How the column's values travel.
    pub const fn field_type(&self) -> FieldType {
        self.field_type
    }

    /// The Rust type that the value was asked for as.
    pub const fn rust_type(&self) -> &'static str {
        self.rust_type
    }

    /// Why it does not fit.
    pub const fn reason(&self) -> FromSqlError {
        self.source
    }
}
