use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use otaria_codec::{ColumnDefinition, FieldType};

/// Which columns of the tables of one server are of the type VECTOR, which the protocol does not tell
/// from VARBINARY. Clones know the same.
///
/// What a table has is asked for once, when a result with such a column of it comes first, and then
/// kept: [`forget`](Self::forget) it when a column became a VECTOR, or is one no more. At most 1,000
/// tables are known at a time.
#[derive(Clone, Debug, Default)]
pub struct VectorLookup {
    tables: Arc<Mutex<Tables>>,
}

/// The VECTOR columns of tables, by schema and table.
type Tables = HashMap<(Box<str>, Box<str>), Box<[Box<str>]>>;

impl VectorLookup {
    /// One that knows no table.
    pub fn new() -> Self {
        Self::default()
    }

    /// The tables, by schema and name, that must be known for these columns and are not.
    pub fn unknown_tables(&self, columns: &[ColumnDefinition]) -> Vec<(String, String)> {
        let tables = self.tables();
        let mut unknown = Vec::new();
        for column in columns.iter().filter(|column| may_be_vector(column)) {
            let table = (column.schema().into(), column.original_table().into());
            let is_known = tables.contains_key(&table);
            let table = (table.0.into(), table.1.into());
            if !is_known && !unknown.contains(&table) {
                unknown.push(table);
            }
        }
        unknown
    }

    /// Notes which columns of a table are VECTORs.
    pub fn learn(&self, schema: &str, table: &str, columns: impl IntoIterator<Item = String>) {
        let mut tables = self.tables();
        if tables.len() >= MAX_TABLES {
            tables.clear();
        }
        let columns = columns.into_iter().map(Into::into).collect();
        tables.insert((schema.into(), table.into()), columns);
    }

    /// Knows no table any more.
    pub fn forget(&self) {
        self.tables().clear();
    }

    pub(crate) fn is_vector(&self, column: &ColumnDefinition) -> bool {
        if !may_be_vector(column) {
            return false;
        }
        let table = (column.schema().into(), column.original_table().into());
        let tables = self.tables();
        let columns = tables.get(&table);
        columns.is_some_and(|columns| {
            let mut columns = columns.iter();
            columns.any(|name| **name == *column.original_name())
        })
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether it is a column of a table that has the form of a VECTOR.
fn may_be_vector(column: &ColumnDefinition) -> bool {
    column.is_binary()
        && column.field_type() == FieldType::VarString
        && column.column_length() > 0
        && column.column_length().is_multiple_of(4)
        && !column.original_table().is_empty()
}

const MAX_TABLES: usize = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    fn column(name: &str, bytes: u32) -> ColumnDefinition {
        ColumnDefinition::new("alias", FieldType::VarString)
            .with_collation(63)
            .with_length(bytes, 0)
            .with_origin("shop", "item", name)
    }

    #[test]
    fn a_table_is_unknown_until_it_was_learnt() {
        let lookup = VectorLookup::new();
        let columns = [
            column("embedding", 12),
            column("hash", 20),
            column("odd", 7),
        ];
        let item = ("shop".to_owned(), "item".to_owned());
        assert_eq!(lookup.unknown_tables(&columns), [item]);
        assert!(!lookup.is_vector(&columns[0]));

        lookup
            .clone()
            .learn("shop", "item", ["embedding".to_owned()]);
        assert!(lookup.unknown_tables(&columns).is_empty());
        let vectors = columns.each_ref().map(|column| lookup.is_vector(column));
        assert_eq!(vectors, [true, false, false]);

        lookup.forget();
        assert!(!lookup.is_vector(&columns[0]));
    }

    #[test]
    fn what_is_no_column_of_a_table_needs_no_table() {
        let lookup = VectorLookup::new();
        let expression = ColumnDefinition::new("x", FieldType::VarString).with_collation(63);
        let text = column("name", 12).with_collation(45);
        assert!(lookup.unknown_tables(&[expression, text]).is_empty());
    }

    #[test]
    fn a_thousand_tables_are_known_at_most() {
        let lookup = VectorLookup::new();
        for table in 0..2500 {
            lookup.learn("shop", &table.to_string(), []);
            assert!(lookup.tables().len() <= MAX_TABLES);
        }
    }
}
