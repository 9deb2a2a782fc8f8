use std::io::{self, BufRead, Chain, Cursor, Read};
use std::path::Path;

use arrow::array::{RecordBatch, RecordBatchReader};
use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::json::reader::infer_json_schema;
use arrow::json::{Reader, ReaderBuilder};

use super::conversion::{converted, find};
use super::elements::Elements;
use super::inference::SAMPLE_ROWS;
use super::{BATCH_ROWS, Batches, Reading, Source, source};
use crate::failure::Failure;

/// Objects, one a line or those of one array. Their keys are the columns; types are those of the
/// table, or of the first objects.
pub(crate) fn open(
    path: &Path,
    reading: &Reading,
    fails: impl Fn(ArrowError) -> Failure,
) -> Result<Option<Batches>, Failure> {
    let mut sample = Sample {
        elements: Elements::new(source(path)?),
        read: Vec::new(),
    };
    let inferred = infer_json_schema(&mut sample, Some(SAMPLE_ROWS)).map_err(&fails)?;
    if inferred.0.fields().is_empty() {
        return sample.nothing(path);
    }
    let schema = of_table(&inferred.0, reading.table.as_ref());
    let reader = ReaderBuilder::new(SchemaRef::new(as_read(&schema)))
        .with_batch_size(BATCH_ROWS)
        // Numbers of columns that take text go as they are written: no digit of them is lost.
        .with_coerce_primitive(true)
        // A key that the first objects did not have must not get lost.
        .with_strict_mode(true)
        .build(Cursor::new(sample.read).chain(sample.elements));
    Ok(Some(Box::new(Json {
        reader: reader.map_err(fails)?,
        schema: SchemaRef::new(schema),
        rows: 0,
    })))
}

/// Numbers that have limits as text: read as numbers they would lose fractions, or become infinite.
fn as_read(schema: &Schema) -> Schema {
    let fields = schema.fields().iter().map(|field| {
        let is_text = field.data_type().is_integer() || *field.data_type() == DataType::Float32;
        let data_type = if is_text {
            DataType::Utf8
        } else {
            field.data_type().clone()
        };
        Field::new(field.name(), data_type, true)
    });
    Schema::new(fields.collect::<Fields>())
}

struct Json {
    reader: Reader<Chain<Cursor<Vec<u8>>, Elements<Source>>>,
    schema: SchemaRef,
    rows: u64,
}

impl Iterator for Json {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = match self.reader.next()? {
            Ok(batch) => batch,
            Err(error) => return Some(Err(error)),
        };
        let first_row = self.rows + 1;
        self.rows += u64::try_from(batch.num_rows()).unwrap_or(0);
        Some(converted(&batch, &self.schema, first_row))
    }
}

impl RecordBatchReader for Json {
    fn schema(&self) -> SchemaRef {
        SchemaRef::clone(&self.schema)
    }
}

/// Elements that are remembered when they are read: what comes through a pipe comes once.
struct Sample {
    elements: Elements<Source>,
    read: Vec<u8>,
}

impl Sample {
    /// What a file is in which no object has a key: an array without objects, or no lines.
    fn nothing(&self, path: &Path) -> Result<Option<Batches>, Failure> {
        let is_blank = self.read.iter().all(u8::is_ascii_whitespace);
        if !is_blank {
            return Err(Failure::content(path, "its objects have no keys"));
        }
        let is_json = path.extension().is_some_and(|ending| ending == "json");
        if is_json && !self.elements.has_array() {
            return Err(Failure::content(
                path,
                "it is empty: JSON has an array at least",
            ));
        }
        Ok(None)
    }
}

impl BufRead for Sample {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.elements.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        self.elements.consume_into(count, &mut self.read);
    }
}

impl Read for Sample {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(out)?;
        self.consume(count);
        Ok(count)
    }
}

/// The columns of the file with the types of the table's, where it has such columns.
fn of_table(inferred: &Schema, table: Option<&Schema>) -> Schema {
    let fields = inferred.fields().iter().map(|field| {
        if let Some(known) = table.and_then(|table| find(table, field.name())) {
            return known.as_ref().clone().with_name(field.name());
        }
        // Of a column that was null in all of them nothing is known.
        let data_type = match field.data_type() {
            DataType::Null => DataType::Utf8,
            known => known.clone(),
        };
        Field::new(field.name(), data_type, true)
    });
    Schema::new(fields.collect::<Fields>())
}
