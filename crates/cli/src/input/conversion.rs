//! Text into what the columns of a table are.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryBuilder, RecordBatch, StringArray};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema};
use arrow::error::ArrowError;

use crate::zones::UTC;

/// The types as which text is given to a table whose columns are `table`. What the server reads from
/// text as well as anybody stays text, to the last digit; points in time and binary values do not.
pub(crate) fn expected_types(table: &Schema) -> Schema {
    let fields = table.fields().iter().map(|field| {
        let data_type = match field.data_type() {
            DataType::Timestamp(unit, Some(_)) => DataType::Timestamp(*unit, Some(UTC.into())),
            DataType::Binary | DataType::FixedSizeBinary(_) => DataType::Binary,
            // Of BIT the server would take the digits for bytes.
            integer if integer.is_integer() => integer.clone(),
            _ => DataType::Utf8,
        };
        let has_empty =
            matches!(data_type, DataType::Binary) || *field.data_type() == DataType::Utf8;
        let metadata = [(EMPTY_IS_NULL.to_owned(), (!has_empty).to_string())];
        Field::new(field.name(), data_type, true).with_metadata(metadata.into())
    });
    Schema::new(fields.collect::<Fields>())
}

/// The column of this name, as the server compares them.
pub(crate) fn find<'s>(schema: &'s Schema, name: &str) -> Option<&'s FieldRef> {
    let mut fields = schema.fields().iter();
    fields.find(|field| field.name().to_lowercase() == name.to_lowercase())
}

/// Whether an empty text is NULL: in all columns that hold neither text nor bytes.
pub(crate) fn is_empty_null(field: &Field) -> bool {
    match field.metadata().get(EMPTY_IS_NULL) {
        Some(word) => word == "true",
        None => *field.data_type() != DataType::Utf8,
    }
}

/// `batch`, whose columns are text or have their types already, with the types of `schema`. `first_row` is the number of its first
/// row, for errors.
pub(crate) fn converted(
    batch: &RecordBatch,
    schema: &Arc<Schema>,
    first_row: u64,
) -> Result<RecordBatch, ArrowError> {
    let columns = batch.columns().iter().zip(schema.fields());
    let columns = columns.map(|(column, field)| {
        let converted = convert(column, field.data_type())?;
        let lost = (0..column.len()).find(|&row| column.is_valid(row) && converted.is_null(row));
        match lost {
            Some(row) => {
                let row = first_row + u64::try_from(row).unwrap_or(u64::MAX);
                Err(ArrowError::ParseError(format!(
                    "row {row}, column `{}`: the text is no {}",
                    field.name(),
                    called(field.data_type())
                )))
            }
            None => Ok(converted),
        }
    });
    RecordBatch::try_new(Arc::clone(schema), columns.collect::<Result<_, _>>()?)
}

/// A text that is no such value becomes NULL.
fn convert(column: &ArrayRef, data_type: &DataType) -> Result<ArrayRef, ArrowError> {
    match data_type {
        same if same == column.data_type() => Ok(Arc::clone(column)),
        DataType::Binary => Ok(Arc::new(decoded(column.as_string()))),
        other => cast_with_options(column, other, &CastOptions::default()),
    }
}

fn decoded(column: &StringArray) -> arrow::array::BinaryArray {
    let mut builder = BinaryBuilder::new();
    for text in column {
        builder.append_option(text.and_then(bytes));
    }
    builder.finish()
}

/// The bytes that hexadecimal digits stand for.
fn bytes(text: &str) -> Option<Vec<u8>> {
    let mut digits = text.chars().map(|digit| digit.to_digit(16));
    let mut bytes = Vec::with_capacity(text.len() / 2);
    while let Some(high) = digits.next() {
        let byte = high? << 4 | digits.next()??;
        bytes.push(u8::try_from(byte).ok()?);
    }
    Some(bytes)
}

/// What people call it.
fn called(data_type: &DataType) -> &'static str {
    match data_type {
        DataType::Float64 => "number",
        DataType::Boolean => "`true` or `false`",
        DataType::Date32 => "date",
        DataType::Timestamp(_, None) => "date with a time",
        DataType::Timestamp(_, Some(_)) => "point in time such as 2024-02-29T12:30:00Z",
        DataType::Binary => "even number of hexadecimal digits",
        _ => "whole number that the column takes",
    }
}

/// In the metadata of a field of text that goes into a column of another type.
const EMPTY_IS_NULL: &str = "otaria:empty-is-null";
