//! Files of several formats to record batches.

mod conversion;
mod csv;
mod damaged;
mod inference;
mod ipc;
mod json;
mod members;
mod objects;
mod origins;
mod parquet;
mod quotes;

use std::fs::{File, Metadata};
use std::io::{self, BufRead, BufReader, stdin};
use std::path::{Path, PathBuf};

use arrow::array::{RecordBatch, RecordBatchReader};
use arrow::datatypes::{Schema, SchemaRef};
use arrow::error::ArrowError;

use crate::failure::Failure;
use crate::output::Format;
use damaged::caught;

pub(crate) use conversion::{SqlColumn, expected_types};
pub(crate) use csv::CsvStyle;
pub(crate) use damaged::keep_quiet;
pub(crate) use origins::Origins;

/// Batches of a file.
pub(crate) type Batches = Box<dyn RecordBatchReader + Send>;

/// How files are read, beside their format.
pub(crate) struct Reading {
    pub(crate) csv: CsvStyle,
    /// What the columns of the table are, where there is one.
    pub(crate) table: Option<Schema>,
    /// Where it is noted which rows are of which file.
    pub(crate) origins: Origins,
}

/// The batches of all `files`, one after the other. Their schemas must be the same. `None` if all are
/// JSON without an object, which tells no columns.
pub(crate) fn open(
    files: &[PathBuf],
    format: Option<Format>,
    reading: &Reading,
) -> Result<Option<Files>, Failure> {
    let mut opened = Vec::new();
    for path in files {
        if let Some(batches) = open_one(path, format, reading)? {
            opened.push(Opened {
                path: path.clone(),
                batches,
            });
        }
    }
    let schema = match (opened.first(), files.first()) {
        (Some(first), _) => first.batches.schema(),
        (None, Some(path)) if reading.table.is_none() => {
            return Err(Failure::content(path, NO_COLUMNS));
        }
        (None, Some(_)) => return Ok(None),
        (None, None) => return Err(Failure::usage("no file is named")),
    };
    let mut others = opened.iter().skip(1);
    if let Some(other) = others.find(|other| other.batches.schema().fields() != schema.fields()) {
        return Err(other.fails("it has other columns than the first file: load it by itself"));
    }
    opened.reverse();
    Ok(Some(Files {
        schema,
        rest: opened,
        current: None,
        rows: 0,
        origins: reading.origins.clone(),
    }))
}

/// The batches of several files as those of one.
pub(crate) struct Files {
    schema: SchemaRef,
    /// The next at the end.
    rest: Vec<Opened>,
    current: Option<Opened>,
    /// How many there have been.
    rows: u64,
    origins: Origins,
}

struct Opened {
    path: PathBuf,
    batches: Batches,
}

impl Opened {
    fn fails(&self, message: impl Into<String>) -> Failure {
        Failure::content(&self.path, message)
    }
}

impl Iterator for Files {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let schema = SchemaRef::clone(&self.schema);
            let file = self.current()?;
            let batch = caught(|| file.batches.next().transpose());
            // Metadata of a schema may be another in each file.
            let batch = batch.and_then(|batch| {
                let batch =
                    batch.map(|batch| RecordBatch::try_new(schema, batch.columns().to_vec()));
                batch.transpose()
            });
            match batch.transpose() {
                Some(Ok(batch)) => {
                    self.rows += u64::try_from(batch.num_rows()).unwrap_or(0);
                    return Some(Ok(batch));
                }
                Some(Err(error)) => {
                    let failure = file.fails(message(error));
                    (self.current, self.rest) = (None, Vec::new());
                    return Some(Err(ArrowError::ExternalError(Box::new(failure))));
                }
                None => self.current = None,
            }
        }
    }
}

impl Files {
    /// The file that is being read, if one is left.
    fn current(&mut self) -> Option<&mut Opened> {
        if self.current.is_none() {
            self.current = self.rest.pop();
            if let Some(file) = &self.current {
                self.origins.begin(self.rows, file.path.clone());
            }
        }
        self.current.as_mut()
    }
}

impl RecordBatchReader for Files {
    fn schema(&self) -> SchemaRef {
        SchemaRef::clone(&self.schema)
    }
}

/// The format of the file at `path`, if it is not `asked` for.
pub(crate) fn format_of(path: &Path, asked: Option<Format>) -> Result<Format, Failure> {
    match asked {
        // --format does not know it here.
        Some(Format::Table) => Err(Failure::usage("a table for people cannot be loaded")),
        Some(format) => Ok(format),
        None if path == Path::new("-") => Err(Failure::usage(STDIN_NEEDS_FORMAT)),
        None => match (Format::of_path(path), unpacking(path)) {
            (Some(format), _) => Ok(format),
            (None, Some(program)) => Err(Failure::usage(format!(
                "{path} is packed: unpack it, as by `{program} {path} | otaria load TABLE - --format csv`",
                path = path.display()
            ))),
            (None, None) => Err(Failure::unknown_ending(path)),
        },
    }
}

/// The program that unpacks a file.
fn unpacking(path: &Path) -> Option<&'static str> {
    let ending = path.extension()?.to_str()?.to_ascii_lowercase();
    Some(match ending.as_str() {
        "gz" => "zcat",
        "bz2" => "bzcat",
        "xz" => "xzcat",
        "zst" => "zstdcat",
        _ => return None,
    })
}

fn open_one(
    path: &Path,
    format: Option<Format>,
    reading: &Reading,
) -> Result<Option<Batches>, Failure> {
    let is_stdin = path == Path::new("-");
    let format = format_of(path, format)?;
    let fails = |error| Failure::content(path, message(error));
    let batches = match format {
        Format::Parquet | Format::Arrow if is_stdin => {
            return Err(Failure::usage(STDIN_CANNOT_SEEK));
        }
        Format::Parquet => {
            let file = file(path)?;
            caught(|| parquet::open(file))
        }
        Format::Arrow => {
            let file = file(path)?;
            caught(|| ipc::file(file))
        }
        Format::ArrowStream => {
            let bytes = if is_stdin { None } else { path.metadata().ok() };
            let bytes = bytes.filter(Metadata::is_file);
            let max_bytes = bytes.map_or(MAX_PIPED_BYTES, |file| file.len());
            let source = source(path)?;
            caught(|| ipc::stream(source, max_bytes))
        }
        Format::Csv => csv::open(source(path)?, reading),
        Format::Json | Format::Ndjson | Format::Table => {
            return json::open(path, reading, fails);
        }
    };
    batches.map(Some).map_err(fails)
}

/// What is read from the beginning to the end.
type Source = Box<dyn BufRead + Send>;

fn source(path: &Path) -> Result<Source, Failure> {
    if path == Path::new("-") {
        return Ok(Box::new(BufReader::new(stdin())));
    }
    Ok(Box::new(BufReader::with_capacity(
        BUFFER_BYTES,
        file(path)?,
    )))
}

fn file(path: &Path) -> Result<File, Failure> {
    let opened = File::open(path).and_then(|file| {
        // Opening one is no error, reading from it is.
        if file.metadata()?.is_dir() {
            return Err(io::Error::from(io::ErrorKind::IsADirectory));
        }
        Ok(file)
    });
    opened.map_err(|source| Failure::local("read", path, source))
}

/// What is wrong with a file, without the name of the kind of error.
fn message(error: ArrowError) -> String {
    match error {
        ArrowError::IoError(_, source) => source.to_string(),
        ArrowError::ParseError(text)
        | ArrowError::CsvError(text)
        | ArrowError::JsonError(text)
        | ArrowError::IpcError(text)
        | ArrowError::SchemaError(text)
        | ArrowError::CastError(text)
        | ArrowError::ParquetError(text)
        | ArrowError::InvalidArgumentError(text) => text,
        other => other.to_string(),
    }
}

const NO_COLUMNS: &str = "it has no object, whose keys would be the columns of a new table";
/// How long the body of a batch may be where nobody knows how much follows.
const MAX_PIPED_BYTES: u64 = 4 << 30;
const BATCH_ROWS: usize = 8192;
const BATCH_BYTES: usize = 8 << 20;
const BUFFER_BYTES: usize = 256 << 10;
const STDIN_NEEDS_FORMAT: &str = "standard input has no name that tells its format: give --format";
const STDIN_CANNOT_SEEK: &str = "this format is not read from standard input: write it to a file, or \
    use the stream format of Arrow (--format arrows)";

#[cfg(test)]
mod tests;
