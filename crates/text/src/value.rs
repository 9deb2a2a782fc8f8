use otaria_codec::{ColumnDefinition, FieldType};
use otaria_types::{Date, DateTime, FromSqlError, Time, ValueRef};

use crate::number::{parse_f32, parse_f64, parse_i64, parse_u64};

/// Reads a cell that is not NULL as what `column` says that it is.
#[inline]
pub(crate) fn parse<'a>(
    cell: &'a [u8],
    column: &ColumnDefinition,
) -> Result<ValueRef<'a>, FromSqlError> {
    Ok(match column.field_type() {
        FieldType::Tiny
        | FieldType::Short
        | FieldType::Int24
        | FieldType::Long
        | FieldType::LongLong => integer(cell, column.is_unsigned())?,
        FieldType::Year => ValueRef::UInt(parse_u64(cell)?),
        FieldType::Float => ValueRef::Float(parse_f32(cell)?),
        FieldType::Double => ValueRef::Double(parse_f64(cell)?),
        FieldType::Date => ValueRef::Date(Date::parse(cell)?),
        FieldType::DateTime | FieldType::Timestamp => ValueRef::DateTime(DateTime::parse(cell)?),
        FieldType::Time => ValueRef::Time(Time::parse(cell)?),
        _ => ValueRef::from_bytes(cell, column)?,
    })
}

#[inline]
fn integer(cell: &[u8], is_unsigned: bool) -> Result<ValueRef<'_>, FromSqlError> {
    if is_unsigned {
        parse_u64(cell).map(ValueRef::UInt)
    } else {
        parse_i64(cell).map(ValueRef::Int)
    }
}

#[cfg(test)]
mod tests;
