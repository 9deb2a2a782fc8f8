//! The types of MariaDB's columns, as far as the protocol tells them.

use std::collections::HashMap;

use otaria_codec::{ColumnDefinition, FieldFlags, FieldType};

use crate::metadata;

/// Whether it is an ENUM, which the protocol tells by a flag.
pub(crate) fn is_enum(definition: &ColumnDefinition) -> bool {
    definition.flags().contains(FieldFlags::ENUM) || definition.field_type() == FieldType::Enum
}

/// Whether it is a SET, which the protocol tells by a flag.
pub(crate) fn is_set(definition: &ColumnDefinition) -> bool {
    definition.flags().contains(FieldFlags::SET) || definition.field_type() == FieldType::Set
}

/// What is kept of every column's type.
pub(crate) fn common_metadata(definition: &ColumnDefinition) -> HashMap<String, String> {
    let mut metadata = HashMap::new();
    metadata.insert(metadata::TYPE.into(), sql_type(definition));
    match definition.field_type() {
        FieldType::DateTime | FieldType::Timestamp | FieldType::Time => {
            let decimals = definition.decimals().to_string();
            metadata.insert(metadata::DECIMALS.into(), decimals);
        }
        FieldType::Bit | FieldType::VarString | FieldType::String | FieldType::Blob => {
            let length = definition.column_length().to_string();
            metadata.insert(metadata::LENGTH.into(), length);
        }
        _ => {}
    }
    metadata
}

/// The server's name of a column's type, as far as the protocol tells it: BLOB and TEXT stand for
/// all their lengths.
pub(crate) fn sql_type(definition: &ColumnDefinition) -> String {
    let is_number = matches!(
        definition.field_type(),
        FieldType::Tiny
            | FieldType::Short
            | FieldType::Int24
            | FieldType::Long
            | FieldType::LongLong
            | FieldType::Float
            | FieldType::Double
            | FieldType::NewDecimal
            | FieldType::OldDecimal
    );
    let name = match definition.type_name() {
        Some(name) => return name.to_uppercase(),
        None if definition.format_name() == Some("json") => return "JSON".into(),
        None => type_name(definition),
    };
    if is_number && definition.is_unsigned() {
        return format!("{name} UNSIGNED");
    }
    name.into()
}

fn type_name(definition: &ColumnDefinition) -> &'static str {
    let bytes_or_text = |bytes, text| if definition.is_binary() { bytes } else { text };
    match definition.field_type() {
        FieldType::Tiny => "TINYINT",
        FieldType::Short => "SMALLINT",
        FieldType::Int24 => "MEDIUMINT",
        FieldType::Long => "INT",
        FieldType::LongLong => "BIGINT",
        FieldType::Float => "FLOAT",
        FieldType::Double => "DOUBLE",
        FieldType::NewDecimal | FieldType::OldDecimal => "DECIMAL",
        FieldType::Null => "NULL",
        FieldType::Date => "DATE",
        FieldType::DateTime => "DATETIME",
        FieldType::Timestamp => "TIMESTAMP",
        FieldType::Time => "TIME",
        FieldType::Year => "YEAR",
        FieldType::Bit => "BIT",
        FieldType::Geometry => "GEOMETRY",
        FieldType::Json => "JSON",
        FieldType::Vector => "VECTOR",
        _ if is_enum(definition) => "ENUM",
        _ if is_set(definition) => "SET",
        FieldType::String => bytes_or_text("BINARY", "CHAR"),
        FieldType::VarString | FieldType::VarChar => bytes_or_text("VARBINARY", "VARCHAR"),
        FieldType::Blob | FieldType::TinyBlob | FieldType::MediumBlob | FieldType::LongBlob => {
            bytes_or_text("BLOB", "TEXT")
        }
        _ => "UNKNOWN",
    }
}
