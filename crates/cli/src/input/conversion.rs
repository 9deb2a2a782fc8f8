//! Text into what the columns of a table are.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryBuilder, Decimal256Array, FixedSizeListArray, Float32Array,
    RecordBatch, StringArray,
};
use arrow::buffer::NullBuffer;
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema, i256};
use arrow::error::ArrowError;

use super::inference::has_form;

/// A column of a table, as `SHOW COLUMNS` tells of it.
pub(crate) struct SqlColumn {
    pub(crate) name: String,
    pub(crate) sql_type: String,
    /// Whether it has a value of its own where a row has none.
    pub(crate) has_default: bool,
}

/// The types as which text is given to a table whose columns are `table`, as the server calls them in
/// `columns`. What the library makes values of stays text, to the last digit; binary values and vectors
/// do not.
pub(crate) fn expected_types(table: &Schema, columns: &[SqlColumn]) -> Schema {
    let fields = table.fields().iter().map(|field| {
        let data_type = match field.data_type() {
            DataType::Binary | DataType::FixedSizeBinary(_) => DataType::Binary,
            vector @ DataType::FixedSizeList(..) => vector.clone(),
            _ => DataType::Utf8,
        };
        let has_empty =
            matches!(data_type, DataType::Binary) || *field.data_type() == DataType::Utf8;
        let mut metadata = HashMap::from([(EMPTY_IS_NULL.to_owned(), (!has_empty).to_string())]);
        let known = columns.iter().find(|column| column.name == *field.name());
        if let Some(known) = known {
            metadata.insert(SQL_TYPE.to_owned(), known.sql_type.clone());
            metadata.insert(HAS_DEFAULT.to_owned(), known.has_default.to_string());
        }
        Field::new(field.name(), data_type, true).with_metadata(metadata)
    });
    Schema::new(fields.collect::<Fields>())
}

/// What the server calls the type of the column that a field goes into, without its lengths.
pub(crate) fn sql_kind(field: &Field) -> Option<&str> {
    let sql_type = field.metadata().get(SQL_TYPE)?;
    sql_type.split(['(', ' ']).next()
}

/// Whether the column that a field goes into has a value of its own where a row has none.
pub(crate) fn has_default(field: &Field) -> bool {
    let known = field.metadata().get(HAS_DEFAULT);
    known.is_some_and(|known| known == "true")
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

/// `batch`, whose columns are text, with the types of `schema`, which are those of the first rows if it
/// is so said. `first_row` is the number of its first row, for errors.
pub(crate) fn converted(
    batch: &RecordBatch,
    schema: &Arc<Schema>,
    first_row: u64,
    is_inferred: bool,
) -> Result<RecordBatch, ArrowError> {
    let columns = batch.columns().iter().zip(schema.fields());
    let columns = columns.map(|(column, field)| {
        let converted = convert(column, field.data_type())?;
        let lost = (0..column.len()).find(|&row| column.is_valid(row) && converted.is_null(row));
        let Some(row) = lost else {
            return Ok(converted);
        };
        let row = first_row + u64::try_from(row).unwrap_or(u64::MAX);
        let (name, expected) = (field.name(), called(field.data_type()));
        let first = if is_inferred { AS_THE_FIRST_ONES } else { "" };
        Err(ArrowError::ParseError(format!(
            "row {row}, column `{name}`: the text is no {expected}{first}"
        )))
    });
    RecordBatch::try_new(Arc::clone(schema), columns.collect::<Result<_, _>>()?)
}

/// A text that is no such value becomes NULL.
fn convert(column: &ArrayRef, data_type: &DataType) -> Result<ArrayRef, ArrowError> {
    let texts = column.as_string::<i32>();
    match data_type {
        DataType::Utf8 => Ok(Arc::clone(column)),
        DataType::Binary => Ok(Arc::new(decoded(texts))),
        DataType::FixedSizeList(item, length) => vectors(texts, item, *length),
        other => {
            // What is written in another form is no such value, though it may be read as one.
            let texts = texts.iter();
            let texts = texts.map(|text| text.filter(|text| has_form(other, text)));
            let texts: StringArray = texts.collect();
            if let DataType::Decimal256(digits, scale) = other {
                let scale_digits = usize::try_from(*scale).unwrap_or(0);
                let numbers = texts.iter().map(|text| unscaled(text?, scale_digits));
                let numbers: Decimal256Array = numbers.collect();
                return Ok(Arc::new(numbers.with_precision_and_scale(*digits, *scale)?));
            }
            cast_with_options(&texts, other, &CastOptions::default())
        }
    }
}

/// The number that the digits are with so many of them behind the point.
fn unscaled(text: &str, scale: usize) -> Option<i256> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    i256::from_string(&format!("{whole}{fraction:0<scale$}"))
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
        DataType::FixedSizeList(..) => {
            "vector of as many numbers as the column has, such as [1.5, 2]"
        }
        DataType::Boolean => "`true` or `false`",
        DataType::Date32 => "date",
        DataType::Timestamp(_, None) => "date with a time",
        DataType::Timestamp(_, Some(_)) => "point in time such as 2024-02-29T12:30:00Z",
        DataType::Binary => "even number of hexadecimal digits",
        DataType::Decimal256(_, 1..) => "number of no more digits than the column has",
        _ => "whole number that the column takes",
    }
}

/// In the metadata of a field of text that goes into a column of another type.
const EMPTY_IS_NULL: &str = "otaria:empty-is-null";
/// In the metadata of a field: what the server calls the type of the column that it goes into.
const SQL_TYPE: &str = "otaria:sql-type";
/// In the metadata of a field: whether the column that it goes into has a default.
const HAS_DEFAULT: &str = "otaria:has-default";
pub(crate) const AS_THE_FIRST_ONES: &str = ", as those of the first rows are: make the table by hand, \
    and load into it without --mode create";
