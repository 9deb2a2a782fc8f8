//! Record batches to files of several formats.

mod csv;
mod destination;
mod format;
mod ipc;
mod json;
mod parquet;
mod table;

use std::io;

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use arrow::error::ArrowError;

use crate::zones::{batch_by_offset, schema_by_offset};

pub(crate) use destination::{Destination, Place, Target};
pub(crate) use format::{Compression, Format};

/// How a file is written, beside its format.
#[derive(Clone, Debug)]
pub(crate) struct Style {
    pub(crate) compression: Compression,
    /// What stands for NULL in CSV.
    pub(crate) null: String,
    /// Whether CSV begins with the names of the columns.
    pub(crate) header: bool,
}

/// Why a batch cannot be written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WriteError {
    /// What is written to takes no more.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The format has no place for such values.
    #[error("{0}")]
    Unsupported(String),
}

/// What batches are written to, one after the other.
pub(crate) trait BatchWriter: Send {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), WriteError>;

    /// Writes what stands behind the last batch.
    fn finish(&mut self) -> Result<(), WriteError>;
}

/// A writer of batches of `schema`. It has written nothing but a head so far.
pub(crate) fn writer(
    format: Format,
    style: &Style,
    schema: &SchemaRef,
    destination: Destination,
) -> Result<Box<dyn BatchWriter>, WriteError> {
    if format.needs_distinct_names() {
        check_names(schema)?;
    }
    if format.is_text() {
        let schema = schema_by_offset(schema);
        let writer = text_writer(format, style, &schema, destination)?;
        return Ok(Box::new(ByOffset { writer, schema }));
    }
    Ok(match format {
        Format::Parquet => Box::new(parquet::Parquet::try_new(style, schema, destination)?),
        Format::ArrowStream => Box::new(ipc::ArrowStream::try_new(schema, destination)?),
        _ => Box::new(ipc::ArrowFile::try_new(schema, destination)?),
    })
}

fn text_writer(
    format: Format,
    style: &Style,
    schema: &Schema,
    destination: Destination,
) -> Result<Box<dyn BatchWriter>, WriteError> {
    Ok(match format {
        Format::Json => Box::new(json::Array::new(destination)),
        Format::Ndjson => Box::new(json::Lines::new(destination)),
        Format::Table => Box::new(table::Table::new(schema, destination)),
        _ => Box::new(csv::Csv::try_new(style, schema, destination)?),
    })
}

/// Writes text, in which zones are known by their offsets.
struct ByOffset {
    writer: Box<dyn BatchWriter>,
    schema: SchemaRef,
}

impl BatchWriter for ByOffset {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), WriteError> {
        self.writer.write(&batch_by_offset(batch, &self.schema)?)
    }

    fn finish(&mut self) -> Result<(), WriteError> {
        self.writer.finish()
    }
}

fn check_names(schema: &Schema) -> Result<(), WriteError> {
    let mut names: Vec<&str> = schema
        .fields()
        .iter()
        .map(|field| field.name().as_str())
        .collect();
    names.sort_unstable();
    let mut pairs = names.iter().zip(names.iter().skip(1));
    match pairs.find(|(name, next)| name == next) {
        Some((name, _)) => Err(WriteError::Unsupported(format!(
            "two columns are called `{name}`, which this format cannot tell apart: give one another \
             name by AS"
        ))),
        None => Ok(()),
    }
}

impl From<ArrowError> for WriteError {
    fn from(error: ArrowError) -> Self {
        match error {
            ArrowError::IoError(_, source) => Self::Io(source),
            ArrowError::ExternalError(source) => match source.downcast::<io::Error>() {
                Ok(source) => Self::Io(*source),
                Err(source) => Self::Unsupported(source.to_string()),
            },
            other => Self::Unsupported(other.to_string()),
        }
    }
}

#[cfg(test)]
mod tests;
