use std::path::Path;

use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::json::ReaderBuilder;
use arrow::json::reader::infer_json_schema;

use super::elements::Elements;
use super::inference::SAMPLE_ROWS;
use super::{BATCH_ROWS, Batches, Reading, source};
use crate::failure::Failure;

/// Objects, one a line or those of one array. Their keys are the columns; types are those of the
/// table, or of the first objects.
pub(crate) fn open(
    path: &Path,
    reading: &Reading,
    fails: impl Fn(ArrowError) -> Failure,
) -> Result<Batches, Failure> {
    // To know what there is, it is read twice.
    if path == Path::new("-") && reading.table.is_none() {
        return Err(Failure::usage(STDIN_NEEDS_TABLE));
    }
    let schema = match &reading.table {
        Some(table) if path == Path::new("-") => Schema::new(table.fields().clone()),
        table => {
            let sample = Elements::new(source(path)?);
            let inferred = infer_json_schema(sample, Some(SAMPLE_ROWS))
                .map_err(&fails)?
                .0;
            if inferred.fields().is_empty() {
                return Err(Failure::content(path, "there is no object in it"));
            }
            of_table(&inferred, table.as_ref())
        }
    };
    let reader = ReaderBuilder::new(SchemaRef::new(schema))
        .with_batch_size(BATCH_ROWS)
        // Numbers of columns that take text go as they are written: no digit of them is lost.
        .with_coerce_primitive(true)
        // A key that the first objects did not have must not get lost.
        .with_strict_mode(true)
        .build(Elements::new(source(path)?));
    Ok(Box::new(reader.map_err(fails)?))
}

/// The columns of the file with the types of the table's, where it has such columns.
fn of_table(inferred: &Schema, table: Option<&Schema>) -> Schema {
    let fields = inferred.fields().iter().map(|field| {
        let data_type = table
            .and_then(|table| super::conversion::find(table, field.name()))
            .map_or_else(
                || field.data_type().clone(),
                |known| known.data_type().clone(),
            );
        // Of a column that was null in all of them nothing is known.
        let data_type = match data_type {
            DataType::Null => DataType::Utf8,
            known => known,
        };
        Field::new(field.name(), data_type, true)
    });
    Schema::new(fields.collect::<Fields>())
}

const STDIN_NEEDS_TABLE: &str = "what columns JSON has is found by reading it twice, which standard input \
    cannot be: write it to a file, or load it into a table that is there";
