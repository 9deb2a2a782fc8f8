use std::fmt::Write as _;
use std::io;

use arrow::array::{Array, RecordBatch};
use arrow::datatypes::{DataType, Schema};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use csv::Writer;

use super::{BatchWriter, Destination, Style, WriteError};

/// Writes CSV: RFC 4180 with line feeds, dates and times by ISO 8601, binary values as hexadecimal
/// digits.
pub(crate) struct Csv {
    writer: Writer<Destination>,
    null: String,
    cell: String,
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
        let mut writer = Writer::from_writer(destination);
        if style.header {
            let names = schema.fields().iter().map(|field| field.name());
            writer.write_record(names)?;
        }
        Ok(Self {
            writer,
            null: style.null.clone(),
            cell: String::new(),
        })
    }

    /// A value that reads as NULL would get lost, unless that is what was asked for.
    fn check(&self) -> Result<(), WriteError> {
        if self.cell == self.null && !self.null.is_empty() {
            return Err(WriteError::Unsupported(
                "a value is the very text that stands for NULL: choose another one by --null"
                    .to_owned(),
            ));
        }
        Ok(())
    }
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
        for row in 0..batch.num_rows() {
            for (nulls, formatter) in &columns {
                if nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
                    self.writer.write_field(&self.null)?;
                    continue;
                }
                self.cell.clear();
                let value = formatter.value(row);
                write!(self.cell, "{value}").map_err(|_| {
                    WriteError::Unsupported("a value cannot be written as text".to_owned())
                })?;
                self.check()?;
                self.writer.write_field(&self.cell)?;
            }
            self.writer.write_record(None::<&[u8]>)?;
        }
        Ok(self.writer.flush()?)
    }

    fn finish(&mut self) -> Result<(), WriteError> {
        Ok(self.writer.flush()?)
    }
}

impl From<csv::Error> for WriteError {
    fn from(error: csv::Error) -> Self {
        match error.into_kind() {
            csv::ErrorKind::Io(source) => Self::Io(source),
            _ => Self::Io(io::Error::other("it is no CSV")),
        }
    }
}
