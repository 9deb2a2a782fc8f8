use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression as Codec, GzipLevel, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use super::{BatchWriter, Compression, Destination, Style, WriteError};

/// Writes Parquet. What it holds is limited: a row group ends when it has so many bytes.
pub(crate) struct Parquet {
    writer: ArrowWriter<Destination>,
}

impl Parquet {
    pub(crate) fn try_new(
        style: &Style,
        schema: &SchemaRef,
        destination: Destination,
    ) -> Result<Self, WriteError> {
        let properties = WriterProperties::builder()
            .set_compression(codec(style.compression))
            .set_max_row_group_bytes(Some(ROW_GROUP_BYTES))
            .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
            .set_created_by(concat!("otaria ", env!("CARGO_PKG_VERSION")).to_owned())
            .build();
        let schema = SchemaRef::clone(schema);
        let writer = ArrowWriter::try_new(destination, schema, Some(properties))?;
        Ok(Self { writer })
    }
}

impl BatchWriter for Parquet {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), WriteError> {
        self.writer.write(batch)?;
        // The limit above is one of what is encoded, which dictionaries go beyond.
        if self.writer.memory_size() > MEMORY_BYTES {
            self.writer.flush()?;
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), WriteError> {
        self.writer.finish()?;
        Ok(self.writer.sync()?)
    }
}

impl From<ParquetError> for WriteError {
    fn from(error: ParquetError) -> Self {
        match error {
            ParquetError::External(source) => match source.downcast::<std::io::Error>() {
                Ok(source) => Self::Io(*source),
                Err(source) => Self::Unsupported(source.to_string()),
            },
            other => Self::Unsupported(other.to_string()),
        }
    }
}

fn codec(compression: Compression) -> Codec {
    match compression {
        Compression::Snappy => Codec::SNAPPY,
        Compression::Zstd => Codec::ZSTD(ZstdLevel::default()),
        Compression::Lz4 => Codec::LZ4_RAW,
        Compression::Gzip => Codec::GZIP(GzipLevel::default()),
        Compression::None => Codec::UNCOMPRESSED,
    }
}

/// Readers take a row group at a time, and writers hold one.
const ROW_GROUP_BYTES: usize = 32 << 20;
const ROW_GROUP_ROWS: usize = 1 << 20;
const MEMORY_BYTES: usize = 48 << 20;
