use std::fmt;
use std::str::FromStr;

use super::WriteError;

/// The name of a table, with or without that of its schema. It is written quoted.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct TableName {
    schema: Option<Box<str>>,
    table: Box<str>,
}

impl TableName {
    /// A table of the schema, or of the session's default one, by its exact name.
    pub fn new(schema: Option<&str>, table: &str) -> Self {
        Self {
            schema: schema.map(Into::into),
            table: table.into(),
        }
    }

    /// The schema, if one is named.
    pub fn schema(&self) -> Option<&str> {
        self.schema.as_deref()
    }

    /// The table.
    pub const fn table(&self) -> &str {
        &self.table
    }
}

/// Reads `table` or `schema.table`. A name with a dot or a backtick in it stands in backticks, with
/// those inside doubled, as in SQL.
impl FromStr for TableName {
    type Err = WriteError;

    fn from_str(text: &str) -> Result<Self, WriteError> {
        let (first, rest) = identifier(text)?;
        let (schema, table) = match rest.strip_prefix('.') {
            None => (None, (first, rest)),
            Some(rest) => (Some(first), identifier(rest)?),
        };
        if !table.1.is_empty() {
            return Err(WriteError::TableName);
        }
        Ok(Self {
            schema: schema.map(Into::into),
            table: table.0.into(),
        })
    }
}

/// Quoted, as SQL has it.
impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(schema) = &self.schema {
            write!(f, "{}.", Quoted(schema))?;
        }
        write!(f, "{}", Quoted(&self.table))
    }
}

/// The name that a text begins with, and what follows it.
fn identifier(text: &str) -> Result<(String, &str), WriteError> {
    let Some(mut rest) = text.strip_prefix('`') else {
        let end = text.find(['.', '`']).unwrap_or(text.len());
        return match text.split_at_checked(end) {
            Some((name, rest)) if !name.is_empty() => Ok((name.into(), rest)),
            _ => Err(WriteError::TableName),
        };
    };
    let mut name = String::new();
    loop {
        let (part, behind) = rest.split_once('`').ok_or(WriteError::TableName)?;
        name.push_str(part);
        match behind.strip_prefix('`') {
            Some(behind) => {
                name.push('`');
                rest = behind;
            }
            None if name.is_empty() => return Err(WriteError::TableName),
            None => return Ok((name, behind)),
        }
    }
}

/// An identifier in backticks.
pub(crate) struct Quoted<'a>(pub(crate) &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.0.replace('`', "``"))
    }
}

/// A column of a table that exists: a row of `SHOW COLUMNS`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TableColumn {
    pub(crate) name: Box<str>,
    /// In lower case, but for the words of an ENUM or a SET.
    pub(crate) sql_type: Box<str>,
    pub(crate) is_primary: bool,
    pub(crate) is_generated: bool,
    is_not_null: bool,
}

impl TableColumn {
    /// A column by what `SHOW COLUMNS` tells of it: `Field`, `Type`, `Key` and `Extra`.
    pub fn new(field: &str, sql_type: &str, key: &str, extra: &str) -> Self {
        let extra = extra.to_ascii_uppercase();
        Self {
            name: field.into(),
            sql_type: in_lower_case(sql_type).into(),
            is_primary: key == "PRI",
            // MySQL says DEFAULT_GENERATED of a default that is an expression.
            is_generated: extra.split(' ').any(|word| word == "GENERATED"),
            is_not_null: false,
        }
    }

    /// The same column, which takes no NULL: `Null` of `SHOW COLUMNS` is `NO`.
    #[must_use]
    pub const fn not_null(mut self) -> Self {
        self.is_not_null = true;
        self
    }

    /// Whether the server makes the present time of a NULL without a word.
    pub(crate) fn makes_time_of_null(&self) -> bool {
        self.is_not_null && self.kind() == "timestamp"
    }

    /// Its name.
    pub const fn name(&self) -> &str {
        &self.name
    }

    /// Its type, such as `int(11) unsigned`.
    pub const fn sql_type(&self) -> &str {
        &self.sql_type
    }

    /// The type without its lengths and what follows them.
    pub(crate) fn kind(&self) -> &str {
        let end = self.sql_type.find(['(', ' ']);
        let kind = self.sql_type.get(..end.unwrap_or(self.sql_type.len()));
        kind.unwrap_or_default()
    }

    /// The number in the brackets behind the type.
    pub(crate) fn length(&self) -> Option<u32> {
        let (_, behind) = self.sql_type.split_once('(')?;
        behind.split_once([')', ','])?.0.parse().ok()
    }

    /// The second number in the brackets.
    pub(crate) fn scale(&self) -> Option<u8> {
        let (_, behind) = self.sql_type.split_once('(')?;
        let (_, scale) = behind.split_once(')')?.0.split_once(',')?;
        scale.trim().parse().ok()
    }

    pub(crate) fn is_temporal(&self) -> bool {
        ["date", "datetime", "timestamp", "time"].contains(&self.kind())
    }

    pub(crate) fn class(&self) -> TypeClass {
        match self.kind() {
            "tinyint" | "smallint" | "mediumint" | "int" | "bigint" => TypeClass::Integer,
            "decimal" | "float" | "double" => TypeClass::Number,
            "bit" => TypeClass::Bits,
            "year" => TypeClass::Year,
            "enum" | "set" => TypeClass::Words,
            "datetime" | "timestamp" | "time" => TypeClass::Temporal,
            "uuid" | "inet4" | "inet6" => TypeClass::Rendered,
            "binary" | "varbinary" | "tinyblob" | "blob" | "mediumblob" | "longblob" => {
                TypeClass::Bytes
            }
            "vector" => TypeClass::Vector,
            "geometry" | "point" | "linestring" | "polygon" | "multipoint" | "multilinestring"
            | "multipolygon" | "geometrycollection" => TypeClass::Geometry,
            _ => TypeClass::Other,
        }
    }
}

fn in_lower_case(sql_type: &str) -> String {
    let (kind, rest) = sql_type.split_once('(').unwrap_or((sql_type, ""));
    let kind = kind.to_ascii_lowercase();
    if kind == "enum" || kind == "set" {
        return format!("{kind}({rest}");
    }
    sql_type.to_ascii_lowercase()
}

/// What matters of a column's type to what is sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum TypeClass {
    Integer,
    Number,
    /// A number's text is bytes to it, not bits.
    Bits,
    /// The text of a 0 is 2000 to it.
    Year,
    /// A number is the place of a word to it.
    Words,
    /// With a number of digits behind the second's point.
    Temporal,
    /// Kept as bytes, and written and read as text.
    Rendered,
    Bytes,
    Vector,
    Geometry,
    /// Text, and dates.
    Other,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn quoted(text: &str) -> Option<String> {
        text.parse::<TableName>().ok().map(|name| name.to_string())
    }

    #[test]
    fn names_are_quoted_exactly() {
        assert_eq!(quoted("item").as_deref(), Some("`item`"));
        assert_eq!(quoted("shop.item").as_deref(), Some("`shop`.`item`"));
        assert_eq!(quoted("größe x;--").as_deref(), Some("`größe x;--`"));
        assert_eq!(quoted("`a.b`.`c``d`").as_deref(), Some("`a.b`.`c``d`"));
        assert_eq!(TableName::new(None, "a`.b").to_string(), "`a``.b`");
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for text in [
            "", ".", "a.", ".a", "a.b.c", "`a", "``", "a`b", "`a`b", "a.``",
        ] {
            assert_eq!(quoted(text), None, "{text}");
        }
    }

    #[test]
    fn a_type_is_told_by_its_first_word() {
        let column = |sql_type| TableColumn::new("a", sql_type, "", "");
        for (sql_type, class, length) in [
            ("int(11) unsigned", TypeClass::Integer, Some(11)),
            ("BIGINT unsigned", TypeClass::Integer, None),
            ("decimal(10,2)", TypeClass::Number, Some(10)),
            ("datetime(3)", TypeClass::Temporal, Some(3)),
            ("timestamp", TypeClass::Temporal, None),
            ("vector(384)", TypeClass::Vector, Some(384)),
            ("bit(1)", TypeClass::Bits, Some(1)),
            ("year(4)", TypeClass::Year, Some(4)),
            ("SET('A','b')", TypeClass::Words, None),
            ("point", TypeClass::Geometry, None),
        ] {
            assert_eq!(column(sql_type).class(), class, "{sql_type}");
            assert_eq!(column(sql_type).length(), length, "{sql_type}");
        }
    }

    #[test]
    fn a_generated_column_is_told_by_its_extra() {
        for (extra, is_generated) in [
            ("STORED GENERATED", true),
            ("VIRTUAL GENERATED", true),
            ("STORED GENERATED INVISIBLE", true),
            ("DEFAULT_GENERATED on update CURRENT_TIMESTAMP", false),
            ("auto_increment", false),
            ("", false),
        ] {
            let column = TableColumn::new("a", "int", "PRI", extra);
            assert_eq!(
                (column.is_generated, column.is_primary),
                (is_generated, true)
            );
        }
    }
}
