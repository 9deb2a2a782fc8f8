use std::collections::VecDeque;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, RecordBatchReader, StringArray, StringBuilder};
use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef};
use arrow::error::ArrowError;
use csv::{Reader, ReaderBuilder, StringRecord};

use super::conversion::{converted, find, is_empty_null};
use super::inference::{SAMPLE_ROWS, infer};
use super::quotes::Quotes;
use super::{BATCH_BYTES, BATCH_ROWS, Batches, Reading, Source};

/// The dialect of a CSV file.
#[derive(Clone, Debug)]
pub(crate) struct CsvStyle {
    /// What stands for NULL.
    pub(crate) null: String,
    pub(crate) delimiter: u8,
    /// Whether it begins with the names of the columns. If not, they are those of the table.
    pub(crate) header: bool,
}

pub(crate) fn open(source: Source, reading: &Reading) -> Result<Batches, ArrowError> {
    let style = reading.csv.clone();
    let mut reader = ReaderBuilder::new()
        .delimiter(style.delimiter)
        .has_headers(style.header)
        .flexible(true)
        .from_reader(quotes(source, &style));
    let names = names(&mut reader, reading)?;
    let mut texts = Texts {
        reader,
        style,
        fields: names.iter().map(as_text).collect(),
        record: StringRecord::new(),
    };
    let (schema, sample) = if let Some(table) = &reading.table {
        (of_table(&names, table), VecDeque::new())
    } else {
        let sample = texts.sample()?;
        (infer(&names, &sample), VecDeque::from(sample))
    };
    let keeps_empty = schema.fields().iter().map(|field| !is_empty_null(field));
    Ok(Box::new(Csv {
        keeps_empty: keeps_empty.collect(),
        is_inferred: reading.table.is_none(),
        texts,
        schema: Arc::new(schema),
        sample,
        rows: 0,
    }))
}

/// Rows of a CSV file with a type a column: that of the table's column of the name, else the one that
/// the first rows have.
struct Csv {
    texts: Texts,
    schema: SchemaRef,
    keeps_empty: Vec<bool>,
    /// Whether the types are those of the first rows.
    is_inferred: bool,
    /// Rows that were read to see what they hold.
    sample: VecDeque<RecordBatch>,
    rows: u64,
}

impl Csv {
    fn convert(&mut self, batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
        let first_row = self.rows + 1;
        self.rows += u64::try_from(batch.num_rows()).unwrap_or(0);
        let columns = batch.columns().iter().zip(&self.keeps_empty);
        let columns = columns.map(|(column, keeps_empty)| {
            if *keeps_empty {
                Arc::clone(column)
            } else {
                without_empty(column)
            }
        });
        let batch = RecordBatch::try_new(batch.schema(), columns.collect())?;
        converted(&batch, &self.schema, first_row, self.is_inferred)
    }
}

impl Iterator for Csv {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = match self.sample.pop_front() {
            Some(batch) => Ok(Some(batch)),
            None => self.texts.next_batch(),
        };
        match batch.transpose()? {
            Ok(batch) => Some(self.convert(&batch)),
            Err(error) => Some(Err(error)),
        }
    }
}

impl RecordBatchReader for Csv {
    fn schema(&self) -> SchemaRef {
        SchemaRef::clone(&self.schema)
    }
}

/// Rows of a CSV file as text.
struct Texts {
    reader: Reader<Quotes<Source>>,
    style: CsvStyle,
    fields: Fields,
    record: StringRecord,
}

impl Texts {
    fn next_batch(&mut self) -> Result<Option<RecordBatch>, ArrowError> {
        let mut columns: Vec<StringBuilder> =
            self.fields.iter().map(|_| StringBuilder::new()).collect();
        let (mut rows, mut bytes) = (0, 0);
        while rows < BATCH_ROWS && bytes < BATCH_BYTES {
            if !self.reader.read_record(&mut self.record).map_err(broken)? {
                break;
            }
            if self.record.len() != columns.len() {
                return Err(self.of_other_length(columns.len()));
            }
            for (column, text) in columns.iter_mut().zip(&self.record) {
                // Where nothing at all is NULL, an empty text has quotation marks.
                let is_null = text == self.style.null
                    && !(text.is_empty() && self.reader.get_mut().next_empty_is_quoted());
                column.append_option((!is_null).then_some(text));
            }
            rows += 1;
            bytes += self.record.as_slice().len();
        }
        if rows == 0 {
            return Ok(None);
        }
        let columns = columns
            .iter_mut()
            .map(|column| -> ArrayRef { Arc::new(column.finish()) });
        let schema = Arc::new(Schema::new(self.fields.clone()));
        RecordBatch::try_new(schema, columns.collect()).map(Some)
    }

    /// Enough rows to see what they hold.
    fn sample(&mut self) -> Result<Vec<RecordBatch>, ArrowError> {
        let mut sample = Vec::new();
        let mut rows = 0;
        while rows < SAMPLE_ROWS {
            let Some(batch) = self.next_batch()? else {
                break;
            };
            rows += batch.num_rows();
            sample.push(batch);
        }
        Ok(sample)
    }

    fn of_other_length(&self, expected: usize) -> ArrowError {
        let line = self.record.position().map_or(0, csv::Position::line);
        ArrowError::ParseError(format!(
            "line {line} has {} values in place of {expected}: is `{}` what separates them (--delimiter)?",
            self.record.len(),
            char::from(self.style.delimiter),
        ))
    }
}

/// The bytes of the file, of whose empty values it is noted what they are if that tells NULL from text.
fn quotes(source: Source, style: &CsvStyle) -> Quotes<Source> {
    let quotes = Quotes::new(source, style.delimiter);
    if style.null.is_empty() {
        quotes.noting_empty()
    } else {
        quotes
    }
}

fn names(
    reader: &mut Reader<Quotes<Source>>,
    reading: &Reading,
) -> Result<Vec<String>, ArrowError> {
    if reading.csv.header {
        let names: Vec<String> = reader
            .headers()
            .map_err(broken)?
            .iter()
            .map(str::to_owned)
            .collect();
        for _ in names.iter().filter(|name| name.is_empty()) {
            reader.get_mut().next_empty_is_quoted();
        }
        if names.is_empty() {
            return Err(ArrowError::ParseError(
                "it is empty: not even a header is in it".to_owned(),
            ));
        }
        return Ok(names);
    }
    let table = reading.table.as_ref().ok_or_else(|| {
        ArrowError::ParseError(
            "without a header the columns have no names for a new table".to_owned(),
        )
    })?;
    Ok(table
        .fields()
        .iter()
        .map(|field| field.name().clone())
        .collect())
}

/// The columns of the file with the types of the table's; one that the table does not have is text.
fn of_table(names: &[String], table: &Schema) -> Schema {
    let fields = names.iter().map(|name| match find(table, name) {
        Some(field) => field.as_ref().clone().with_name(name),
        None => as_text(name),
    });
    Schema::new(fields.collect::<Fields>())
}

fn as_text(name: &String) -> Field {
    Field::new(name, DataType::Utf8, true)
}

fn without_empty(column: &ArrayRef) -> ArrayRef {
    let texts = column.as_string::<i32>().iter();
    let texts = texts.map(|text| text.filter(|text| !text.is_empty()));
    Arc::new(texts.collect::<StringArray>())
}

fn broken(error: csv::Error) -> ArrowError {
    match error.into_kind() {
        csv::ErrorKind::Io(source) => ArrowError::from(source),
        csv::ErrorKind::Utf8 { pos, .. } => {
            let line = pos.map_or(0, |position| position.line());
            ArrowError::ParseError(format!("line {line} is not UTF-8"))
        }
        csv::ErrorKind::UnequalLengths {
            pos,
            expected_len,
            len,
        } => {
            let line = pos.map_or(0, |position| position.line());
            ArrowError::ParseError(format!(
                "line {line} has {len} values in place of {expected_len}"
            ))
        }
        _ => ArrowError::ParseError("it is no CSV".to_owned()),
    }
}
