use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use arrow::error::ArrowError;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::damaged::cut;
use super::{BATCH_ROWS, Batches};

pub(super) fn open(mut file: File) -> Result<Batches, ArrowError> {
    check(&mut file)?;
    let builder = ParquetRecordBatchReaderBuilder::try_new(file)?;
    Ok(Box::new(builder.with_batch_size(BATCH_ROWS).build()?))
}

/// That it begins and ends as Parquet does, whose index stands at the end.
fn check(file: &mut File) -> Result<(), ArrowError> {
    let mut head = Vec::new();
    file.by_ref().take(MAGIC_BYTES).read_to_end(&mut head)?;
    if !MAGICS.contains(&head.as_slice()) {
        let message = "it is no Parquet: it does not begin as such a file does".to_owned();
        return Err(ArrowError::ParseError(message));
    }
    let mut tail = Vec::new();
    let bytes = file.metadata()?.len();
    file.seek(SeekFrom::Start(bytes.saturating_sub(MAGIC_BYTES)))?;
    file.read_to_end(&mut tail)?;
    if bytes < SHORTEST || !MAGICS.contains(&tail.as_slice()) {
        return Err(cut().into());
    }
    file.rewind()?;
    Ok(())
}

/// What it begins and ends with; the second if it is encrypted.
const MAGICS: [&[u8]; 2] = [b"PAR1", b"PARE"];
const MAGIC_BYTES: u64 = 4;
/// Both, and between them the length of an index.
const SHORTEST: u64 = 12;
