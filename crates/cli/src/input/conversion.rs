//! Text into what the columns of a table are.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryBuilder, FixedSizeListArray, Float32Array, RecordBatch,
    StringArray,
};
use arrow::buffer::NullBuffer;
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, FieldRef, Fields, Float32Type, Schema};
use arrow::error::ArrowError;

use super::rules::Rule;
use crate::zones::UTC;

/// The types as which text is given to a table whose columns are `table`, and of the `sql_types` that
/// the server calls them by. What the server reads from text as well as anybody stays text, to the last
/// digit; points in time, binary values and vectors do not.
pub(crate) fn expected_types(table: &Schema, sql_types: &HashMap<String, String>) -> Schema {
    let fields = table.fields().iter().map(|field| {
        let data_type = match field.data_type() {
            DataType::Timestamp(unit, Some(_)) => DataType::Timestamp(*unit, Some(UTC.into())),
            DataType::Binary | DataType::FixedSizeBinary(_) => DataType::Binary,
            // The server takes the text of the greatest for more than the greatest.
            DataType::Float32 => DataType::Float32,
            vector @ DataType::FixedSizeList(..) => vector.clone(),
            // Of BIT the server would take the digits for bytes.
            integer if integer.is_integer() => integer.clone(),
            _ => DataType::Utf8,
        };
        let has_empty =
            matches!(data_type, DataType::Binary) || *field.data_type() == DataType::Utf8;
        let mut metadata = HashMap::from([(EMPTY_IS_NULL.to_owned(), (!has_empty).to_string())]);
        if let Some(sql_type) = sql_types.get(field.name()) {
            metadata.insert(SQL_TYPE.to_owned(), sql_type.clone());
        }
        Field::new(field.name(), data_type, true).with_metadata(metadata)
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
        let wrong = |row: usize, expected: &str| {
            let row = first_row + u64::try_from(row).unwrap_or(u64::MAX);
            let name = field.name();
            ArrowError::ParseError(format!(
                "row {row}, column `{name}`: the text is no {expected}"
            ))
        };
        if let Some((row, expected)) = refused(column, field) {
            return Err(wrong(row, expected));
        }
        let converted = convert(column, field.data_type())?;
        let lost = (0..column.len()).find(|&row| column.is_valid(row) && converted.is_null(row));
        match lost {
            Some(row) => Err(wrong(row, called(field.data_type()))),
            None => Ok(converted),
        }
    });
    RecordBatch::try_new(Arc::clone(schema), columns.collect::<Result<_, _>>()?)
}

/// The first text of which the server would make something else without a word, and what it should be.
fn refused(column: &ArrayRef, field: &Field) -> Option<(usize, &'static str)> {
    let rule = Rule::of(field.metadata().get(SQL_TYPE)?)?;
    let texts = column.as_string_opt::<i32>()?;
    let mut texts = texts.iter().enumerate();
    texts.find_map(|(row, text)| Some((row, rule.refuses(text?)?)))
}

/// A text that is no such value becomes NULL.
fn convert(column: &ArrayRef, data_type: &DataType) -> Result<ArrayRef, ArrowError> {
    match data_type {
        same if same == column.data_type() => Ok(Arc::clone(column)),
        DataType::Binary => Ok(Arc::new(decoded(column.as_string()))),
        DataType::FixedSizeList(item, length) => vectors(column.as_string(), item, *length),
        DataType::Float32 => {
            let numbers = cast_with_options(column, data_type, &CastOptions::default())?;
            let numbers = numbers.as_primitive::<Float32Type>();
            let finite = numbers
                .iter()
                .map(|number| number.filter(|number| number.is_finite()));
            Ok(Arc::new(finite.collect::<Float32Array>()))
        }
        other => cast_with_options(column, other, &CastOptions::default()),
    }
}

/// Vectors of so many numbers, written as `[1.5, 2]` or as the hexadecimal digits of their bytes.
fn vectors(column: &StringArray, item: &FieldRef, length: i32) -> Result<ArrayRef, ArrowError> {
    let count = usize::try_from(length).unwrap_or(0);
    let mut numbers = Vec::with_capacity(column.len() * count);
    let mut is_valid = Vec::with_capacity(column.len());
    for text in column {
        let vector = text.and_then(|text| numbers_of(text.trim()));
        let vector = vector.filter(|vector| vector.len() == count);
        is_valid.push(vector.is_some());
        numbers.extend(vector.unwrap_or_else(|| vec![0.0; count]));
    }
    let numbers = Arc::new(Float32Array::from(numbers));
    let nulls = Some(NullBuffer::from(is_valid));
    let vectors = FixedSizeListArray::try_new(Arc::clone(item), length, numbers, nulls)?;
    Ok(Arc::new(vectors))
}

fn numbers_of(text: &str) -> Option<Vec<f32>> {
    let Some(list) = text.strip_prefix('[') else {
        let bytes = bytes(text)?;
        let (numbers, rest) = bytes.as_chunks::<4>();
        let numbers = numbers.iter().map(|number| f32::from_le_bytes(*number));
        return rest.is_empty().then(|| numbers.collect());
    };
    let numbers = list.strip_suffix(']')?.split(',');
    let numbers = numbers.map(|number| number.trim().parse().ok());
    numbers
        .map(|number: Option<f32>| number.filter(|number| number.is_finite()))
        .collect()
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
        DataType::Float32 => "number that a FLOAT holds",
        DataType::FixedSizeList(..) => {
            "vector of as many numbers as the column has, such as [1.5, 2]"
        }
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
/// In the metadata of a field: what the server calls the type of the column that it goes into.
const SQL_TYPE: &str = "otaria:sql-type";
