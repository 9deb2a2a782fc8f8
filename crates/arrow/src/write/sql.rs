use std::fmt::Write;

use super::plan::{LoadForm, PlannedColumn};
use super::table::Quoted;
use super::{TableName, WritePlan};

/// What an INSERT does with a row whose key is in the table.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum OnDuplicate {
    /// It fails.
    #[default]
    Error,
    /// It deletes the row that is there (`REPLACE`).
    Replace,
    /// It leaves the row that is there as it is, by an `ON DUPLICATE KEY UPDATE` that changes nothing:
    /// other than `INSERT IGNORE` it forgives nothing else.
    Keep,
    /// It changes the row that is there to the new values, but for those of the primary key.
    Update,
}

/// What `LOAD DATA LOCAL` does with a row whose key is in the table.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum LoadDuplicates {
    /// It leaves the row out, with a warning, as a file of the client's cannot be stopped.
    #[default]
    Skip,
    /// It deletes the row that is there (`REPLACE`).
    Replace,
}

impl WritePlan {
    /// The statement that inserts a row of parameters.
    pub fn insert(&self, table: &TableName, on_duplicate: OnDuplicate) -> String {
        let verb = match on_duplicate {
            OnDuplicate::Replace => "REPLACE",
            _ => "INSERT",
        };
        let names = listed(&self.columns, |column| Quoted(&column.name).to_string());
        let values = listed(&self.columns, |_| "?".into());
        let mut sql = format!("{verb} INTO {table} ({names}) VALUES ({values})");
        match on_duplicate {
            OnDuplicate::Update => sql.push_str(&self.update()),
            OnDuplicate::Keep => sql.push_str(&self.keep()),
            OnDuplicate::Error | OnDuplicate::Replace => {}
        }
        sql
    }

    fn update(&self) -> String {
        let others: Vec<_> = self
            .columns
            .iter()
            .filter(|column| !column.is_primary)
            .collect();
        if others.is_empty() {
            return self.keep();
        }
        let values = listed(others, |column| {
            let name = Quoted(&column.name);
            format!("{name}=VALUES({name})")
        });
        format!("{ON_DUPLICATE} {values}")
    }

    fn keep(&self) -> String {
        let first = self.columns.first();
        let name = first.map(|column| Quoted(&column.name).to_string());
        let name = name.unwrap_or_default();
        // The column in front of the sign is that of the table's row, as is the one behind it.
        format!("{ON_DUPLICATE} {name}={name}")
    }

    /// The statement that loads what [`LoadDataText`](super::LoadDataText) writes.
    pub fn load_data(&self, table: &TableName, duplicates: LoadDuplicates) -> String {
        let replace = match duplicates {
            LoadDuplicates::Replace => "REPLACE ",
            LoadDuplicates::Skip => "",
        };
        let mut set = String::new();
        let fields = self.columns.iter().enumerate().map(|(index, column)| {
            let name = Quoted(&column.name);
            let function = match column.load_form {
                LoadForm::Field => return name.to_string(),
                LoadForm::Hex => format!("UNHEX(@`otaria {index}`)"),
                LoadForm::Integer => format!("CAST(@`otaria {index}` AS SIGNED)"),
                LoadForm::Unsigned => format!("CAST(@`otaria {index}` AS UNSIGNED)"),
            };
            let separator = if set.is_empty() { " SET " } else { ", " };
            // Writing into memory does not fail.
            let _ = write!(set, "{separator}{name}={function}");
            format!("@`otaria {index}`")
        });
        let fields = fields.collect::<Vec<_>>().join(", ");
        // In hexadecimal, so that no `sql_mode` reads them otherwise.
        format!(
            "LOAD DATA LOCAL INFILE 'record batches' {replace}INTO TABLE {table} CHARACTER SET utf8mb4 \
             FIELDS TERMINATED BY 0x09 ESCAPED BY 0x5C LINES TERMINATED BY 0x0A ({fields}){set}"
        )
    }
}

fn listed<'p>(
    columns: impl IntoIterator<Item = &'p PlannedColumn>,
    of: impl Fn(&PlannedColumn) -> String,
) -> String {
    let parts: Vec<_> = columns.into_iter().map(of).collect();
    parts.join(", ")
}

const ON_DUPLICATE: &str = " ON DUPLICATE KEY UPDATE";

#[cfg(test)]
mod tests {
    use arrow::datatypes::{DataType, Field, Schema};

    use super::*;
    use crate::write::{TableColumn, WriteOptions};

    fn plan(columns: &[(&str, &str, &str)]) -> WritePlan {
        let fields: Vec<_> = columns
            .iter()
            .map(|(name, sql_type, _)| {
                let is_bytes = ["vector(1)", "blob"].contains(sql_type);
                let data_type = if is_bytes {
                    DataType::Binary
                } else {
                    DataType::Int32
                };
                Field::new(name.to_lowercase(), data_type, true)
            })
            .collect();
        let table: Vec<_> = columns
            .iter()
            .map(|(name, sql_type, key)| TableColumn::new(name, sql_type, key, ""))
            .collect();
        WritePlan::try_new(&Schema::new(fields), Some(&table), &WriteOptions::default()).unwrap()
    }

    #[test]
    fn an_insert_names_its_columns_as_the_table_does() {
        let plan = plan(&[("Id", "int(11)", "PRI"), ("a`b", "int(11)", "")]);
        let table = "s.t".parse().unwrap();
        assert_eq!(
            plan.insert(&table, OnDuplicate::Error),
            "INSERT INTO `s`.`t` (`Id`, `a``b`) VALUES (?, ?)"
        );
        assert_eq!(
            plan.insert(&table, OnDuplicate::Replace),
            "REPLACE INTO `s`.`t` (`Id`, `a``b`) VALUES (?, ?)"
        );
        assert_eq!(
            plan.insert(&table, OnDuplicate::Update),
            "INSERT INTO `s`.`t` (`Id`, `a``b`) VALUES (?, ?) ON DUPLICATE KEY UPDATE \
             `a``b`=VALUES(`a``b`)"
        );
        assert_eq!(
            plan.insert(&table, OnDuplicate::Keep),
            "INSERT INTO `s`.`t` (`Id`, `a``b`) VALUES (?, ?) ON DUPLICATE KEY UPDATE `Id`=`Id`"
        );
    }

    #[test]
    fn an_update_of_the_key_only_changes_nothing() {
        let plan = plan(&[("id", "int(11)", "PRI")]);
        let table = "t".parse().unwrap();
        assert_eq!(
            plan.insert(&table, OnDuplicate::Update),
            plan.insert(&table, OnDuplicate::Keep)
        );
    }

    #[test]
    fn load_data_reads_fields_as_they_are_written() {
        let columns = [
            ("a", "blob", ""),
            ("v", "vector(1)", ""),
            ("b", "bit(3)", ""),
        ];
        let table = "t".parse().unwrap();
        assert_eq!(
            plan(&columns).load_data(&table, LoadDuplicates::Replace),
            "LOAD DATA LOCAL INFILE 'record batches' REPLACE INTO TABLE `t` CHARACTER SET utf8mb4 \
             FIELDS TERMINATED BY 0x09 ESCAPED BY 0x5C LINES TERMINATED BY 0x0A \
             (`a`, @`otaria 1`, @`otaria 2`) SET `v`=UNHEX(@`otaria 1`), \
             `b`=CAST(@`otaria 2` AS UNSIGNED)"
        );
    }

    #[test]
    fn bytes_are_loaded_as_digits_where_the_server_would_take_them_for_text() {
        let columns = [("a", "blob", ""), ("b", "int(11)", "")];
        let plan = plan(&columns).with_hex_bytes();
        let sql = plan.load_data(&"t".parse().unwrap(), LoadDuplicates::Skip);
        assert!(
            sql.ends_with("(@`otaria 0`, `b`) SET `a`=UNHEX(@`otaria 0`)"),
            "{sql}"
        );
    }
}
