use std::fmt::Write as _;
use std::io::Write;

use arrow::array::{Array, RecordBatch};
use arrow::datatypes::{DataType, Schema};
use arrow::util::display::{ArrayFormatter, FormatOptions};

use super::{BatchWriter, Destination, Style, WriteError};

/// Writes CSV: RFC 4180 with line feeds, dates and times by ISO 8601, binary values as hexadecimal
/// digits. Where nothing at all stands for NULL, an empty text is `""`.
pub(crate) struct Csv {
    destination: Destination,
    null: String,
    cell: String,
    /// What has not been sent yet.
    rows: Vec<u8>,
}

impl Csv {
    pub(crate) fn try_new(
        style: &Style,
        schema: &Schema,
        destination: Destination,
    ) -> Result<Self, WriteError> {
        let mut fields = schema.fields().iter();
        if let Some(field) = fields.find(|field| !has_text(field.data_type())) {
            return Err(WriteError::Unsupported(format!(
                "the column `{}` holds lists, for which CSV has no place: write another format, or \
                 have it as text or binary",
                field.name()
            )));
        }
        let mut csv = Self {
            destination,
            null: style.null.clone(),
            cell: String::new(),
            rows: Vec::new(),
        };
        if style.header {
            let names = schema.fields().iter().map(|field| field.name().as_str());
            let is_alone = schema.fields().len() == 1;
            for (index, name) in names.enumerate() {
                csv.separate(index);
                push_quoted(&mut csv.rows, name, name.is_empty() && is_alone);
            }
            csv.rows.push(b'\n');
        }
        Ok(csv)
    }

    /// Ends the value before the one at `index`.
    fn separate(&mut self, index: usize) {
        if index > 0 {
            self.rows.push(b',');
        }
    }

    fn push_null(&mut self, is_alone: bool) -> Result<(), WriteError> {
        if self.null.is_empty() && is_alone {
            return Err(WriteError::Unsupported(EMPTY_LINE.to_owned()));
        }
        push_quoted(&mut self.rows, &self.null, false);
        Ok(())
    }

    /// A value that reads as NULL would get lost.
    fn push_cell(&mut self, is_alone: bool) -> Result<(), WriteError> {
        let is_empty = self.cell.is_empty();
        if self.cell == self.null && !is_empty {
            return Err(WriteError::Unsupported(NULL_AS_TEXT.to_owned()));
        }
        let quotes_empty = is_empty && (is_alone || self.null.is_empty());
        push_quoted(&mut self.rows, &self.cell, quotes_empty);
        Ok(())
    }

    fn send(&mut self) -> Result<(), WriteError> {
        self.destination.write_all(&self.rows)?;
        self.rows.clear();
        Ok(self.destination.flush()?)
    }
}

/// A value, in quotation marks where it would be another one without.
fn push_quoted(rows: &mut Vec<u8>, value: &str, has_marks: bool) {
    if !has_marks && !value.bytes().any(|byte| b",\"\r\n".contains(&byte)) {
        rows.extend_from_slice(value.as_bytes());
        return;
    }
    rows.push(b'"');
    for (index, part) in value.split('"').enumerate() {
        if index > 0 {
            rows.extend_from_slice(b"\"\"");
        }
        rows.extend_from_slice(part.as_bytes());
    }
    rows.push(b'"');
}

/// Whether values have a text that is read again as what they are: lists of numbers have one.
fn has_text(data_type: &DataType) -> bool {
    match data_type {
        DataType::FixedSizeList(item, _) => item.data_type().is_numeric(),
        other => !other.is_nested(),
    }
}

impl BatchWriter for Csv {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), WriteError> {
        let options = FormatOptions::new();
        let columns = batch.columns().iter().map(|column| {
            let formatter = ArrayFormatter::try_new(column, &options)?;
            Ok((column.logical_nulls(), formatter))
        });
        let columns = columns.collect::<Result<Vec<_>, WriteError>>()?;
        let is_alone = columns.len() == 1;
        for row in 0..batch.num_rows() {
            for (index, (nulls, formatter)) in columns.iter().enumerate() {
                self.separate(index);
                if nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
                    self.push_null(is_alone)?;
                    continue;
                }
                self.cell.clear();
                let value = formatter.value(row);
                write!(self.cell, "{value}").map_err(|_| {
                    WriteError::Unsupported("a value cannot be written as text".to_owned())
                })?;
                self.push_cell(is_alone)?;
            }
            self.rows.push(b'\n');
            if self.rows.len() > PIECE_BYTES {
                self.destination.write_all(&self.rows)?;
                self.rows.clear();
            }
        }
        self.send()
    }

    fn finish(&mut self) -> Result<(), WriteError> {
        self.send()
    }
}

const PIECE_BYTES: usize = 64 << 10;
const NULL_AS_TEXT: &str =
    "a value is the very text that stands for NULL: choose another one by --null";
const EMPTY_LINE: &str = "NULL in the only column would be an empty line, which is no row: choose a text for it \
    by --null";
