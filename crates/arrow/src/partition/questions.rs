//! What a planner asks a server, as SQL.

use std::fmt::Write as _;
use std::ops::RangeInclusive;

use super::identifier::quoted;
use super::part::in_parentheses;
use super::{PartitionKey, PartitionSource, PlanError};

impl PartitionSource {
    /// The lowest key and the highest one, both NULL if there is none. Of a table they are those of
    /// all rows, which an index has at its ends, whatever the filter.
    ///
    /// # Errors
    /// [`PlanError`] if a name cannot be one, or SQL is empty or too long.
    pub fn key_range_sql(&self, key: &PartitionKey) -> Result<String, PlanError> {
        let column = key.quoted()?;
        let from = self.from()?;
        let filter = match self.table_name() {
            Some(_) => None,
            None => self.checked_filter()?,
        };
        let condition = filter.map_or_else(String::new, |filter| {
            format!(" WHERE {}", in_parentheses(filter))
        });
        Ok(format!(
            "SELECT MIN({column}), MAX({column}) FROM {from}{condition}"
        ))
    }

    /// A statement that has the columns of all parts and no rows.
    ///
    /// # Errors
    /// [`PlanError`] if a name cannot be one, or SQL is empty or too long.
    pub fn columns_sql(&self) -> Result<String, PlanError> {
        Ok(format!("{} LIMIT 0", self.select()?))
    }

    /// A statement that returns a row for each of the ranges, by which the server says how many
    /// rows it expects to find there by this index, filter included; it does not look at them. With
    /// `nulls` there is another one behind them, for the rows whose key is NULL. The columns are
    /// those of EXPLAIN: `id` is the number of the range, from 1, and `rows` the estimate, NULL for
    /// none. Rows of other numbers, or of none, are about nothing.
    ///
    /// # Errors
    /// [`PlanError`] if a name cannot be one, or SQL is empty or too long, or there is no range.
    pub fn density_sql(
        &self,
        (key, index): (&PartitionKey, &str),
        ranges: impl IntoIterator<Item = RangeInclusive<i128>>,
        nulls: bool,
    ) -> Result<String, PlanError> {
        let column = key.quoted()?;
        let ranges = ranges.into_iter().map(|range| {
            let (first, last) = range.into_inner();
            format!("{column} >= {first} AND {column} <= {last}")
        });
        let null = nulls.then(|| format!("{column} IS NULL"));
        let from = format!("{} FORCE INDEX ({})", self.from()?, quoted("index", index)?);
        let filter = self.checked_filter()?.map(in_parentheses);
        // The format of EXPLAIN without one is that of a variable on MySQL.
        let mut sql = String::from("EXPLAIN FORMAT=TRADITIONAL ");
        let mut count = 0;
        for (number, condition) in ranges.chain(null).enumerate() {
            let union = if number == 0 { "" } else { " UNION ALL " };
            let _ = write!(sql, "{union}(SELECT {column} FROM {from} WHERE {condition}");
            if let Some(filter) = &filter {
                let _ = write!(sql, " AND {filter}");
            }
            sql.push(')');
            count = number + 1;
        }
        if count == 1 {
            // MySQL does not look into an index that is forced on it, except in parts of a UNION.
            sql += " UNION ALL (SELECT NULL)";
        }
        Ok(sql)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_of_a_table_are_asked_for_without_the_filter_and_those_of_a_query_with_it() {
        let key = PartitionKey::new("k");
        let table = PartitionSource::table("t")
            .in_database("d")
            .with_filter("x");
        assert_eq!(
            table.key_range_sql(&key).unwrap(),
            "SELECT MIN(`k`), MAX(`k`) FROM `d`.`t`"
        );
        let query = PartitionSource::query("SELECT k FROM t").with_filter("x");
        assert_eq!(
            query.key_range_sql(&key).unwrap(),
            "SELECT MIN(`k`), MAX(`k`) FROM (\nSELECT k FROM t\n) AS `otaria_partition` WHERE (x)"
        );
    }

    #[test]
    fn one_statement_estimates_the_rows_of_many_ranges() {
        let source = PartitionSource::table("t").with_filter("x > 1 # or so");
        let sql = source
            .density_sql((&PartitionKey::new("k"), "PRIMARY"), [-5..=5, 6..=9], true)
            .unwrap();
        assert_eq!(
            sql,
            "EXPLAIN FORMAT=TRADITIONAL \
             (SELECT `k` FROM `t` FORCE INDEX (`PRIMARY`) WHERE `k` >= -5 AND `k` <= 5 AND (x > 1 # or so\n)) \
             UNION ALL \
             (SELECT `k` FROM `t` FORCE INDEX (`PRIMARY`) WHERE `k` >= 6 AND `k` <= 9 AND (x > 1 # or so\n)) \
             UNION ALL \
             (SELECT `k` FROM `t` FORCE INDEX (`PRIMARY`) WHERE `k` IS NULL AND (x > 1 # or so\n))"
        );
    }

    #[test]
    fn a_single_estimate_is_a_part_of_a_union_as_well() {
        let source = PartitionSource::table("t");
        let nothing: [RangeInclusive<i128>; 0] = [];
        assert_eq!(
            source
                .density_sql((&PartitionKey::new("k"), "k"), nothing, true)
                .unwrap(),
            "EXPLAIN FORMAT=TRADITIONAL (SELECT `k` FROM `t` FORCE INDEX (`k`) WHERE `k` IS NULL) \
             UNION ALL (SELECT NULL)"
        );
    }

    #[test]
    fn columns_are_asked_for_without_rows() {
        let source = PartitionSource::table("t").with_columns(["a", "b"]);
        assert_eq!(
            source.columns_sql().unwrap(),
            "SELECT `a`, `b` FROM `t` LIMIT 0"
        );
    }
}
