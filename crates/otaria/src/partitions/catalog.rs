//! What the server knows of a table.

use otaria_arrow::partition::PartitionSource;
use otaria_connection::{Connection, Error};

use super::{PartitionError, PartitionOptions};

/// The key of a table.
#[derive(Debug)]
pub(super) struct KeyColumn {
    pub(super) name: Box<str>,
    /// It is declared NOT NULL in a table, not in a view.
    pub(super) is_never_null: bool,
    /// An index that begins with it.
    pub(super) index: Option<Box<str>>,
    /// Whether the index tells how many rows there are between two keys.
    pub(super) has_estimates: bool,
}

/// The source, with the database that its table is in.
pub(super) async fn with_database(
    connection: &mut Connection,
    source: PartitionSource,
) -> Result<PartitionSource, Error> {
    if !matches!(source.table_name(), Some((None, _))) {
        return Ok(source);
    }
    let (database,): (Option<String>,) = connection.query_one("SELECT DATABASE()", ()).await?;
    Ok(match database {
        Some(database) => source.in_database(&database),
        None => source,
    })
}

/// The column of the options, or the one that is best to split by.
pub(super) async fn key_column(
    connection: &mut Connection,
    names: (&str, &str),
    options: &PartitionOptions,
) -> Result<KeyColumn, PartitionError> {
    let columns: Vec<(String, String, String, bool, bool)> =
        connection.query_all(COLUMNS, names).await?;
    let columns: Vec<Column> = columns.into_iter().map(Column::from).collect();
    if columns.is_empty() {
        return Err(PartitionError::UnknownTable {
            table: names.1.into(),
        });
    }
    let indexes: Vec<(String, String, Option<i64>)> = connection.query_all(INDEXES, names).await?;
    let indexes: Vec<Index> = indexes.into_iter().map(Index::from).collect();
    let column = match &options.key {
        Some(key) => named(&columns, key)?,
        None => best(&columns, &indexes).ok_or(PartitionError::NoKey)?,
    };
    let index = indexes.iter().find(|index| index.column == column.name);
    Ok(KeyColumn {
        name: column.name.as_str().into(),
        is_never_null: column.is_never_null,
        index: index.map(|index| index.name.as_str().into()),
        has_estimates: index.is_some() && column.has_estimates,
    })
}

struct Column {
    name: String,
    data_type: String,
    sql_type: String,
    is_never_null: bool,
    /// The engine of its table finds out what is between two keys of an index without going through
    /// it, on this server.
    has_estimates: bool,
}

impl From<(String, String, String, bool, bool)> for Column {
    fn from(row: (String, String, String, bool, bool)) -> Self {
        let (name, data_type, sql_type, is_never_null, has_estimates) = row;
        Self {
            name,
            data_type,
            sql_type,
            is_never_null,
            has_estimates,
        }
    }
}

impl Column {
    fn is_integer(&self) -> bool {
        let integers = ["tinyint", "smallint", "mediumint", "int", "bigint"];
        integers.contains(&self.data_type.as_str())
    }
}

/// An index, and the column that it begins with.
struct Index {
    name: String,
    column: String,
    /// How many values the column has, as far as the server has counted.
    values: i64,
}

impl From<(String, String, Option<i64>)> for Index {
    fn from((name, column, values): (String, String, Option<i64>)) -> Self {
        Self {
            name,
            column,
            values: values.unwrap_or(0),
        }
    }
}

/// The column of this name. The server compares names without regard to case.
fn named<'c>(columns: &'c [Column], key: &str) -> Result<&'c Column, PartitionError> {
    let key_in_lower_case = key.to_lowercase();
    let is_key = |column: &&Column| column.name.to_lowercase() == key_in_lower_case;
    let column = columns.iter().find(is_key);
    let column = column.ok_or_else(|| PartitionError::UnknownKey { column: key.into() })?;
    if column.is_integer() {
        Ok(column)
    } else {
        Err(PartitionError::KeyType {
            column: key.into(),
            sql_type: column.sql_type.as_str().into(),
        })
    }
}

/// The integer with the most values of those that an index begins with; the first of several.
fn best<'c>(columns: &'c [Column], indexes: &[Index]) -> Option<&'c Column> {
    let candidates = indexes.iter().rev().filter_map(|index| {
        let column = columns.iter().find(|column| column.name == index.column)?;
        column.is_integer().then_some((index.values, column))
    });
    let best = candidates.max_by_key(|(values, _)| *values);
    best.map(|(_, column)| column)
}

const COLUMNS: &str = "\
    SELECT c.COLUMN_NAME, c.DATA_TYPE, c.COLUMN_TYPE, \
        c.IS_NULLABLE = 'NO' AND t.TABLE_TYPE = 'BASE TABLE', \
        COALESCE(t.ENGINE IN ('InnoDB', 'Aria', 'MyISAM'), FALSE) \
    FROM information_schema.COLUMNS c \
    JOIN information_schema.TABLES t USING (TABLE_SCHEMA, TABLE_NAME) \
    WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? ORDER BY c.ORDINAL_POSITION";
/// Those that are sorted, the primary key first.
const INDEXES: &str = "\
    SELECT INDEX_NAME, COLUMN_NAME, CARDINALITY FROM information_schema.STATISTICS \
    WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? AND SEQ_IN_INDEX = 1 AND INDEX_TYPE = 'BTREE' \
    ORDER BY INDEX_NAME <> 'PRIMARY', INDEX_NAME";
