use std::fmt::Write;

use arrow::datatypes::{DataType, Field, Schema, TimeUnit};

use super::plan::{is_float_list, refused, value_type};
use super::table::Quoted;
use super::{ColumnRefusal, TableName, WriteError};
use crate::metadata;

/// Which types a server has.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct ServerTypes {
    /// UUID: MariaDB from 10.7 on. Else it is CHAR(36).
    pub uuid: bool,
    /// INET4: MariaDB from 10.10 on. Else it is VARCHAR(15).
    pub inet4: bool,
    /// VECTOR: MariaDB from 11.7 on. Else it is BLOB.
    pub vector: bool,
}

impl ServerTypes {
    /// Those of MariaDB of this version.
    pub const fn of_mariadb(major: u32, minor: u32) -> Self {
        Self {
            uuid: major > 10 || major == 10 && minor >= 7,
            inet4: major > 10 || major == 10 && minor >= 10,
            vector: major > 11 || major == 11 && minor >= 7,
        }
    }
}

/// How a table is made for a schema.
///
/// Columns have the types of the [table of this module](super#types), and are NOT NULL where the field
/// is not nullable. Text is LONGTEXT and bytes are LONGBLOB unless their [length](Self::text_length) is
/// said, for only all data tell how long they are, and a TEXT holds no more than 64 KiB. Where the
/// field's [metadata](crate::metadata) say what type it had on a server, and its values still are of
/// such a type, it gets that one again: MEDIUMINT, YEAR, BIT(n), CHAR(n), VARCHAR(n), VARBINARY(n),
/// INET4, INET6, POINT and the like, and as many digits of a second. The labels of ENUM and SET are
/// not known: they are VARCHAR.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct CreateTable {
    /// The types that the server has.
    pub types: ServerTypes,
    /// How many characters a text has at most, and bytes have, where nothing else tells it: they are
    /// then VARCHAR and VARBINARY. None is longer than a row may be.
    pub text_length: Option<u16>,
    /// The columns of the primary key, in its order; none for a table without one. They are NOT NULL.
    pub primary_key: Vec<Box<str>>,
    /// Whether the set of characters that the table would get from its database is `utf8mb4`: then it gets
    /// that, with the database's collation. Else the statement asks for `utf8mb4`, for other sets have
    /// no place for most texts.
    pub is_utf8mb4_by_default: bool,
}

impl CreateTable {
    /// The statement that creates the table.
    ///
    /// # Errors
    /// [`WriteError::Column`] if a column has no type of the server's, no name that a column can have, or
    /// a type that cannot be in a key. [`WriteError::PrimaryKey`] if a column of the key is none of the
    /// schema's.
    pub fn sql(&self, table: &TableName, schema: &Schema) -> Result<String, WriteError> {
        if schema.fields().is_empty() {
            return Err(WriteError::NoColumns);
        }
        let key = self.key(schema)?;
        let mut types = Types {
            server: self.types,
            text_length: self.text_length,
            row_bytes: 0,
        };
        let mut sql = format!("CREATE TABLE {table} (");
        for (index, field) in schema.fields().iter().enumerate() {
            let sql_type = check_name(field.name())
                .and_then(|()| types.of(field))
                .map_err(|reason| refused(index, field, reason))?;
            let is_key = key.contains(&index);
            if is_key && has_no_length(&sql_type) {
                return Err(refused(index, field, ColumnRefusal::KeyLength));
            }
            let separator = if index > 0 { ", " } else { "" };
            let null = if field.is_nullable() && !is_key {
                "NULL"
            } else {
                "NOT NULL"
            };
            let name = Quoted(field.name());
            // Writing into memory does not fail.
            let _ = write!(sql, "{separator}{name} {sql_type} {null}");
        }
        let names = key.iter().filter_map(|index| schema.fields().get(*index));
        let names: Vec<_> = names
            .map(|field| Quoted(field.name()).to_string())
            .collect();
        if !names.is_empty() {
            let _ = write!(sql, ", PRIMARY KEY ({})", names.join(", "));
        }
        sql.push(')');
        if !self.is_utf8mb4_by_default {
            sql.push_str(" CHARACTER SET utf8mb4");
        }
        Ok(sql)
    }

    /// The places of the key's columns. Names are compared as the server does.
    fn key(&self, schema: &Schema) -> Result<Vec<usize>, WriteError> {
        let place = |name: &str| {
            let name_in_lower_case = name.to_lowercase();
            let mut fields = schema.fields().iter();
            fields.position(|field| field.name().to_lowercase() == name_in_lower_case)
        };
        let places = self.primary_key.iter().map(|name| {
            place(name).ok_or_else(|| WriteError::PrimaryKey {
                column: name.clone(),
            })
        });
        places.collect()
    }
}

/// Whether values of the type can be of any length, so that no key can hold them.
fn has_no_length(sql_type: &str) -> bool {
    sql_type == "JSON" || sql_type.ends_with("TEXT") || sql_type.ends_with("BLOB")
}

/// "Identifiers … Unicode Basic Multilingual Plane (BMP), except U+0000 … Database, table and column
/// names can't end with space characters."
fn check_name(name: &str) -> Result<(), ColumnRefusal> {
    let fits = (1..=64).contains(&name.chars().count())
        && !name.ends_with(' ')
        && name
            .chars()
            .all(|character| ('\u{1}'..='\u{ffff}').contains(&character));
    fits.then_some(()).ok_or(ColumnRefusal::Name)
}

/// The types of a table's columns.
struct Types {
    server: ServerTypes,
    text_length: Option<u16>,
    /// How long a row is so far, at most: what has a length takes of it.
    row_bytes: u32,
}

impl Types {
    fn of(&mut self, field: &Field) -> Result<String, ColumnRefusal> {
        let known = |key| field.metadata().get(key).map(String::as_str);
        let origin = Origin {
            sql_type: known(metadata::TYPE).unwrap_or_default(),
            length: known(metadata::LENGTH).and_then(|length| length.parse().ok()),
            decimals: known(metadata::DECIMALS)
                .and_then(|decimals| decimals.parse().ok())
                .filter(|decimals| *decimals <= 6),
        };
        let data_type = value_type(field.data_type());
        match (known(metadata::EXTENSION_NAME), data_type) {
            (Some("arrow.uuid"), DataType::FixedSizeBinary(16)) => return Ok(self.uuid()),
            (Some("arrow.json"), data_type) if is_text(data_type) => return Ok("JSON".into()),
            (Some("geoarrow.wkb"), data_type) if is_bytes(data_type) => {
                return Ok(geometry(origin.sql_type).into());
            }
            _ => {}
        }
        match data_type {
            _ if is_text(data_type) => Ok(self.text(&origin)),
            _ if is_bytes(data_type) => Ok(self.bytes(data_type, &origin)),
            _ if is_float_list(data_type) => self.vector(data_type),
            DataType::List(item) | DataType::LargeList(item) if is_text(item.data_type()) => {
                Ok(self.text(&origin))
            }
            _ => scalar(data_type, &origin),
        }
    }

    fn uuid(&self) -> String {
        if self.server.uuid { "UUID" } else { "CHAR(36)" }.into()
    }

    fn text(&mut self, origin: &Origin<'_>) -> String {
        let characters = origin.length.map(|bytes| bytes.div_ceil(UTF8_BYTES));
        match origin.sql_type {
            "JSON" => return "JSON".into(),
            "UUID" => return self.uuid(),
            "INET6" => return "INET6".into(),
            "INET4" if self.server.inet4 => return "INET4".into(),
            "INET4" => return "VARCHAR(15)".into(),
            "CHAR" => {
                let characters = characters.filter(|characters| *characters <= 255);
                if let Some(length) = self.fitting(characters, UTF8_BYTES) {
                    return format!("CHAR({length})");
                }
            }
            "VARCHAR" | "ENUM" | "SET" => {
                if let Some(length) = self.fitting(characters, UTF8_BYTES) {
                    return format!("VARCHAR({length})");
                }
            }
            _ => {}
        }
        match self.fitting(self.text_length.map(u32::from), UTF8_BYTES) {
            Some(length) => format!("VARCHAR({length})"),
            None => "LONGTEXT".into(),
        }
    }

    fn bytes(&mut self, data_type: &DataType, origin: &Origin<'_>) -> String {
        if let DataType::FixedSizeBinary(length) = data_type {
            let length = u32::try_from(*length).ok();
            let short = length.filter(|length| *length <= 255);
            return match (self.fitting(short, 1), short) {
                (Some(length), _) => format!("BINARY({length})"),
                (None, _) => self.var_binary(length),
            };
        }
        match (origin.sql_type, origin.length) {
            ("BIT", Some(bits @ 1..=64)) => format!("BIT({bits})"),
            ("BINARY", Some(length @ 1..=255)) => match self.fitting(Some(length), 1) {
                Some(length) => format!("BINARY({length})"),
                None => "LONGBLOB".into(),
            },
            ("VARBINARY", length) => self.var_binary(length),
            _ => self.var_binary(self.text_length.map(u32::from)),
        }
    }

    fn var_binary(&mut self, length: Option<u32>) -> String {
        match self.fitting(length, 1) {
            Some(length) => format!("VARBINARY({length})"),
            None => "LONGBLOB".into(),
        }
    }

    fn vector(&self, data_type: &DataType) -> Result<String, ColumnRefusal> {
        let DataType::FixedSizeList(_, dimensions) = data_type else {
            return Err(ColumnRefusal::VectorLength);
        };
        match dimensions {
            1..=MAX_DIMENSIONS if self.server.vector => Ok(format!("VECTOR({dimensions})")),
            1..=MAX_DIMENSIONS => Ok("BLOB".into()),
            _ => Err(ColumnRefusal::VectorLength),
        }
    }

    /// `length`, if a row has room for that many, each of so many bytes.
    fn fitting(&mut self, length: Option<u32>, each: u32) -> Option<u32> {
        let length = length?;
        let bytes = length.checked_mul(each)?.checked_add(LENGTH_BYTES)?;
        let row_bytes = self.row_bytes.checked_add(bytes)?;
        if row_bytes > MAX_ROW_BYTES {
            return None;
        }
        self.row_bytes = row_bytes;
        Some(length)
    }
}

/// What the metadata say of a column's type on the server that it came from.
struct Origin<'a> {
    sql_type: &'a str,
    length: Option<u32>,
    decimals: Option<u8>,
}

/// The type of values of a fixed length.
fn scalar(data_type: &DataType, origin: &Origin<'_>) -> Result<String, ColumnRefusal> {
    let name = match data_type {
        DataType::Boolean => "TINYINT(1)",
        DataType::Null | DataType::Int8 => "TINYINT",
        DataType::Int16 if origin.sql_type == "YEAR" => "YEAR",
        DataType::Int16 => "SMALLINT",
        DataType::Int32 if origin.sql_type == "MEDIUMINT" => "MEDIUMINT",
        DataType::Int32 => "INT",
        DataType::Int64 => "BIGINT",
        DataType::UInt8 => "TINYINT UNSIGNED",
        DataType::UInt16 => "SMALLINT UNSIGNED",
        DataType::UInt32 if origin.sql_type == "MEDIUMINT UNSIGNED" => "MEDIUMINT UNSIGNED",
        DataType::UInt32 => "INT UNSIGNED",
        DataType::UInt64 => {
            return Ok(match (origin.sql_type, origin.length) {
                ("BIT", Some(bits @ 1..=64)) => format!("BIT({bits})"),
                _ => "BIGINT UNSIGNED".into(),
            });
        }
        DataType::Float16 | DataType::Float32 => "FLOAT",
        DataType::Float64 => "DOUBLE",
        DataType::Date32 | DataType::Date64 => "DATE",
        DataType::Timestamp(unit, None) => return Ok(temporal("DATETIME", *unit, origin)),
        DataType::Timestamp(unit, Some(_)) => return Ok(temporal("TIMESTAMP", *unit, origin)),
        DataType::Time32(unit) | DataType::Time64(unit) | DataType::Duration(unit) => {
            return Ok(temporal("TIME", *unit, origin));
        }
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale)
        | DataType::Decimal256(precision, scale) => return decimal(*precision, *scale),
        _ => return Err(ColumnRefusal::Type),
    };
    Ok(name.into())
}

/// A type with as many digits of a second as the unit has, or as the column had.
fn temporal(name: &str, unit: TimeUnit, origin: &Origin<'_>) -> String {
    let of_unit = match unit {
        TimeUnit::Second => 0,
        TimeUnit::Millisecond => 3,
        TimeUnit::Microsecond | TimeUnit::Nanosecond => 6,
    };
    let is_same = ["DATETIME", "TIMESTAMP", "TIME"].contains(&origin.sql_type);
    let decimals = origin.decimals.filter(|_| is_same).unwrap_or(of_unit);
    format!("{name}({decimals})")
}

fn decimal(precision: u8, scale: i8) -> Result<String, ColumnRefusal> {
    // A negative scale is so many zeros in front of the point.
    let (precision, scale) = match u8::try_from(scale) {
        Ok(scale) => (precision.max(scale), scale),
        Err(_) => (precision.saturating_add(scale.unsigned_abs()), 0),
    };
    if precision > MAX_DIGITS || scale > MAX_SCALE {
        return Err(ColumnRefusal::Digits);
    }
    Ok(format!("DECIMAL({precision},{scale})"))
}

/// The type of geometries that the column had, or that of all.
fn geometry(sql_type: &str) -> &str {
    match sql_type {
        "POINT" | "LINESTRING" | "POLYGON" | "MULTIPOINT" | "MULTILINESTRING" | "MULTIPOLYGON"
        | "GEOMETRYCOLLECTION" => sql_type,
        _ => "GEOMETRY",
    }
}

fn is_text(data_type: &DataType) -> bool {
    matches!(
        value_type(data_type),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View
    )
}

fn is_bytes(data_type: &DataType) -> bool {
    matches!(
        value_type(data_type),
        DataType::Binary
            | DataType::LargeBinary
            | DataType::BinaryView
            | DataType::FixedSizeBinary(_)
    )
}

/// Of a character in `utf8mb4`.
const UTF8_BYTES: u32 = 4;

/// What a column of a variable length needs beside its bytes.
const LENGTH_BYTES: u32 = 2;

/// Less than the 65,535 bytes that a row has at most, so that there is room for all other columns.
const MAX_ROW_BYTES: u32 = 32 * 1024;

/// The greatest DECIMAL of MariaDB.
const MAX_DIGITS: u8 = 65;
const MAX_SCALE: u8 = 38;

/// Of a VECTOR: "65,532 / 4".
const MAX_DIMENSIONS: i32 = 16_383;

#[cfg(test)]
mod tests {
    use super::*;

    /// The statement for a table `t` with a number and a text, and this key.
    fn sql(key: &[&str], text_length: Option<u16>) -> Result<String, WriteError> {
        let fields = vec![
            Field::new("Id`s", DataType::Int32, true),
            Field::new("name", DataType::Utf8, true),
        ];
        let create = CreateTable {
            text_length,
            primary_key: key.iter().map(|name| (*name).into()).collect(),
            ..CreateTable::default()
        };
        create.sql(&"t".parse()?, &Schema::new(fields))
    }

    #[test]
    fn columns_of_the_primary_key_are_not_null_and_in_its_order() {
        assert_eq!(
            sql(&["NAME", "id`s"], Some(20)).unwrap(),
            "CREATE TABLE `t` (`Id``s` INT NOT NULL, `name` VARCHAR(20) NOT NULL, \
             PRIMARY KEY (`name`, `Id``s`)) CHARACTER SET utf8mb4"
        );
        assert_eq!(
            sql(&["Id`s"], None).unwrap(),
            "CREATE TABLE `t` (`Id``s` INT NOT NULL, `name` LONGTEXT NULL, PRIMARY KEY (`Id``s`)) \
             CHARACTER SET utf8mb4"
        );
    }

    #[test]
    fn a_table_that_is_utf8mb4_without_a_word_keeps_its_collation() {
        let create = CreateTable {
            is_utf8mb4_by_default: true,
            ..CreateTable::default()
        };
        let schema = Schema::new(vec![Field::new("name", DataType::Utf8, true)]);
        assert_eq!(
            create.sql(&"t".parse().unwrap(), &schema).unwrap(),
            "CREATE TABLE `t` (`name` LONGTEXT NULL)"
        );
    }

    #[test]
    fn a_primary_key_of_unknown_columns_or_of_values_of_any_length_is_refused() {
        let error = sql(&["name", "nmae"], Some(20)).unwrap_err();
        assert!(matches!(error, WriteError::PrimaryKey { column } if &*column == "nmae"));
        match sql(&["name"], None).unwrap_err() {
            WriteError::Column { column, reason } => {
                assert_eq!((column.index(), reason), (1, ColumnRefusal::KeyLength));
            }
            error => panic!("{error}"),
        }
    }
}
