use std::fmt;

use super::identifier::quoted;
use super::part::in_parentheses;
use super::{KeyBoundaries, Partition, PlanError};

/// What is read in parts: a table, or what a query returns.
#[derive(Clone, Eq, PartialEq)]
pub struct PartitionSource {
    pub(crate) relation: Relation,
    columns: Vec<Box<str>>,
    filter: Option<Box<str>>,
}

#[derive(Clone, Eq, PartialEq)]
pub(crate) enum Relation {
    Table {
        database: Option<Box<str>>,
        name: Box<str>,
    },
    Query(Box<str>),
}

impl PartitionSource {
    /// The table, or view, of exactly this name: dots and quotes belong to it.
    pub fn table(name: &str) -> Self {
        Self::of(Relation::Table {
            database: None,
            name: name.into(),
        })
    }

    /// What this SELECT returns. It is SQL of the program: nothing that comes from elsewhere
    /// belongs into it. It has no parameters, and no two of its columns have the same name. Tables
    /// that it does not name with their database are those of the database that the reading
    /// connection is in.
    ///
    /// Each part reads `SELECT … FROM (query) AS … WHERE …`. What that costs is up to the server:
    /// it takes the predicate into a query that only selects, joins and filters, so that an index
    /// of the key is used; a query with GROUP BY, DISTINCT, UNION, LIMIT or window functions is run
    /// as a whole **for each part**, unless the key is among what it groups by. It has to return
    /// the same rows each time: with `LIMIT` it needs an ORDER BY that leaves no choice, and
    /// `RAND()` or `NOW()` in it may put rows into several parts or into none.
    pub fn query(sql: &str) -> Self {
        let sql = sql.trim_end_matches(|end: char| end == ';' || end.is_whitespace());
        Self::of(Relation::Query(sql.into()))
    }

    const fn of(relation: Relation) -> Self {
        Self {
            relation,
            columns: Vec::new(),
            filter: None,
        }
    }

    /// The database that the table is in; by default, that of the connection. It says nothing about
    /// a query.
    #[must_use]
    pub fn in_database(mut self, database: &str) -> Self {
        if let Relation::Table { database: of, .. } = &mut self.relation {
            *of = Some(database.into());
        }
        self
    }

    /// Only these columns, by their exact names. The key need not be among them.
    #[must_use]
    pub fn with_columns<'n>(mut self, names: impl IntoIterator<Item = &'n str>) -> Self {
        self.columns = names.into_iter().map(Box::from).collect();
        self
    }

    /// Only rows for which this condition holds: what stands behind WHERE. It is SQL of the
    /// program, like a [`query`](Self::query).
    #[must_use]
    pub fn with_filter(mut self, condition: &str) -> Self {
        self.filter = Some(condition.into());
        self
    }

    /// The table's database, if it is named, and the table's name; `None` for a query.
    pub fn table_name(&self) -> Option<(Option<&str>, &str)> {
        match &self.relation {
            Relation::Table { database, name } => Some((database.as_deref(), name)),
            Relation::Query(_) => None,
        }
    }

    /// All of it as one part.
    ///
    /// # Errors
    /// [`PlanError`] if a name cannot be one, or SQL is empty or too long.
    pub fn whole(&self) -> Result<Partition, PlanError> {
        Partition::try_new(self.select()?, self.checked_filter()?, None)
    }

    /// A part for each range between the boundaries, in their order, and behind them one for the
    /// rows whose key is NULL if [the key says so](NullKeys::OwnPart). Each row is in exactly one
    /// part, whatever the boundaries are. Without boundaries it is [one part](Self::whole).
    ///
    /// # Errors
    /// [`PlanError`] if a name cannot be one, or SQL is empty or too long, or there are too many
    /// parts.
    pub fn partition_by_key(
        &self,
        key: &PartitionKey,
        boundaries: &KeyBoundaries,
    ) -> Result<Vec<Partition>, PlanError> {
        let column = key.quoted()?;
        let cuts = boundaries.values();
        let (Some(first), Some(last)) = (cuts.first(), cuts.last()) else {
            return Ok(vec![self.whole()?]);
        };
        let mut predicates = vec![match key.nulls {
            NullKeys::FirstPart => format!("{column} < {first} OR {column} IS NULL"),
            NullKeys::OwnPart | NullKeys::Never => format!("{column} < {first}"),
        }];
        let between = cuts.iter().zip(cuts.iter().skip(1));
        predicates.extend(
            between.map(|(from, before)| format!("{column} >= {from} AND {column} < {before}")),
        );
        predicates.push(format!("{column} >= {last}"));
        if key.nulls == NullKeys::OwnPart {
            predicates.push(format!("{column} IS NULL"));
        }
        self.numbered(predicates)
    }

    /// A part for each of these conditions, which are SQL of the program. It is not checked what
    /// they hold for: a row for which several are true is in several parts, and one for which none
    /// is true, such as one where they are NULL, is in none.
    ///
    /// # Errors
    /// [`PlanError`] if there are none, or one is empty or too long, or a name cannot be one.
    pub fn partition_by_predicates<P: AsRef<str>>(
        &self,
        predicates: impl IntoIterator<Item = P>,
    ) -> Result<Vec<Partition>, PlanError> {
        self.numbered(owned(predicates))
    }

    /// A part for each of these conditions, and behind them one with the rest: the rows for which
    /// none is true, so that no row is left out. Whether a row is in several parts is up to the
    /// conditions, as it is in [`partition_by_predicates`](Self::partition_by_predicates).
    ///
    /// # Errors
    /// Like [`partition_by_predicates`](Self::partition_by_predicates).
    pub fn partition_by_predicates_and_rest<P: AsRef<str>>(
        &self,
        predicates: impl IntoIterator<Item = P>,
    ) -> Result<Vec<Partition>, PlanError> {
        let mut predicates = owned(predicates);
        let mut rest = String::from("(");
        for predicate in &predicates {
            let or = if rest.len() > 1 { " OR " } else { "" };
            rest.push_str(or);
            rest.push_str(&in_parentheses(predicate));
        }
        rest.push_str(") IS NOT TRUE");
        if !predicates.is_empty() {
            predicates.push(rest);
        }
        self.numbered(predicates)
    }

    fn numbered(&self, predicates: Vec<String>) -> Result<Vec<Partition>, PlanError> {
        if predicates.is_empty() {
            return Err(PlanError::Empty {
                what: "list of predicates",
            });
        }
        if predicates.len() > PlanError::MAX_PARTS + 1 {
            return Err(PlanError::TooManyParts);
        }
        let (select, filter) = (self.select()?, self.checked_filter()?);
        let count = u32::try_from(predicates.len()).map_err(|_| PlanError::TooManyParts)?;
        let parts = (0..count).zip(predicates);
        let parts = parts.map(|(index, predicate)| {
            let part = Partition::try_new(select.clone(), filter, Some(&predicate))?;
            Ok(part.numbered(index, count))
        });
        parts.collect()
    }

    /// The columns and where they are from, without a condition.
    pub(crate) fn select(&self) -> Result<String, PlanError> {
        let mut columns = String::new();
        for name in &self.columns {
            if !columns.is_empty() {
                columns.push_str(", ");
            }
            columns.push_str(&quoted("column", name)?);
        }
        if columns.is_empty() {
            columns.push('*');
        }
        Ok(format!("SELECT {columns} FROM {}", self.from()?))
    }

    /// What stands behind FROM. A line ends behind foreign SQL, as may a comment in its last one.
    pub(crate) fn from(&self) -> Result<String, PlanError> {
        match &self.relation {
            Relation::Table { database, name } => {
                let name = quoted("table", name)?;
                Ok(match database {
                    Some(database) => format!("{}.{name}", quoted("database", database)?),
                    None => name,
                })
            }
            Relation::Query(sql) => {
                checked("query", sql)?;
                Ok(format!("(\n{sql}\n) AS `otaria_partition`"))
            }
        }
    }

    pub(crate) fn checked_filter(&self) -> Result<Option<&str>, PlanError> {
        let filter = self.filter.as_deref();
        filter.map(|filter| checked("filter", filter)).transpose()
    }
}

/// Shows the names of a table and of columns, not the SQL.
impl fmt::Debug for PartitionSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PartitionSource")
            .field("table", &self.table_name())
            .field("columns", &self.columns)
            .finish_non_exhaustive()
    }
}

/// The column by whose values rows are parted: an integer of any width, signed or not.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PartitionKey {
    column: Box<str>,
    nulls: NullKeys,
}

impl PartitionKey {
    /// The column of this name, which may be NULL.
    pub fn new(column: &str) -> Self {
        Self {
            column: column.into(),
            nulls: NullKeys::default(),
        }
    }

    /// Which part has the rows whose key is NULL.
    #[must_use]
    pub const fn with_nulls(mut self, nulls: NullKeys) -> Self {
        self.nulls = nulls;
        self
    }

    /// The column's name.
    pub const fn column(&self) -> &str {
        &self.column
    }

    /// Which part has the rows whose key is NULL.
    pub const fn nulls(&self) -> NullKeys {
        self.nulls
    }

    pub(crate) fn quoted(&self) -> Result<String, PlanError> {
        quoted("column", &self.column)
    }
}

/// Which part has the rows whose key is NULL.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum NullKeys {
    /// The first part, beside the lowest keys, where an index has them, too.
    #[default]
    FirstPart,
    /// A part of their own, behind the others: one more than there are ranges.
    OwnPart,
    /// None: the column is declared NOT NULL. If there are such rows all the same, they are read by
    /// no part, unless there is only one.
    Never,
}

/// SQL of the program, which is not looked into.
pub(crate) fn checked<'s>(what: &'static str, sql: &'s str) -> Result<&'s str, PlanError> {
    if sql.trim().is_empty() {
        return Err(PlanError::Empty { what });
    }
    if sql.len() > PlanError::MAX_SQL_BYTES {
        return Err(PlanError::TooLong { what });
    }
    Ok(sql)
}

fn owned<P: AsRef<str>>(predicates: impl IntoIterator<Item = P>) -> Vec<String> {
    let predicates = predicates.into_iter();
    predicates
        .map(|predicate| predicate.as_ref().to_owned())
        .collect()
}

#[cfg(test)]
mod tests;
