use std::io::Write;
use std::sync::{Arc, Mutex};

use ::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use arrow::array::{
    ArrayRef, BinaryArray, Date32Array, Decimal128Array, Int64Array, StringArray,
    TimestampMicrosecondArray,
};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Field};
use arrow::ipc::reader::{FileReader, StreamReader};

use super::*;

/// What is written stays readable when its writer is gone.
#[derive(Clone, Default)]
struct Memory {
    bytes: Arc<Mutex<Vec<u8>>>,
}

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes
            .lock()
            .map_err(|_| io::ErrorKind::Other)?
            .write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn batch() -> RecordBatch {
    let decimal = Decimal128Array::from(vec![Some(-1), None, Some(12_345)]);
    let decimal = decimal.with_precision_and_scale(7, 2).unwrap();
    let instant = TimestampMicrosecondArray::from(vec![Some(1), None, Some(1_700_000_000_000_000)]);
    let columns: [(&str, ArrayRef); 6] = [
        (
            "id",
            Arc::new(Int64Array::from(vec![Some(i64::MIN), None, Some(i64::MAX)])),
        ),
        (
            "name",
            Arc::new(StringArray::from(vec![Some("a,\"b\"\n"), None, Some("")])),
        ),
        ("price", Arc::new(decimal)),
        (
            "day",
            Arc::new(Date32Array::from(vec![Some(0), None, Some(19_000)])),
        ),
        ("at", Arc::new(instant.with_timezone("UTC"))),
        (
            "raw",
            Arc::new(BinaryArray::from(vec![
                Some(&b"\0\xff"[..]),
                None,
                Some(b""),
            ])),
        ),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, array)| (name, array, true)))
        .unwrap()
}

fn style() -> Style {
    Style {
        compression: Compression::Zstd,
        null: "\\N".to_owned(),
        header: true,
    }
}

fn written(format: Format, schema: &SchemaRef, batches: &[RecordBatch]) -> Vec<u8> {
    let memory = Memory::default();
    let destination = Destination::new(memory.clone());
    let counter = destination.counter();
    let mut writer = writer(format, &style(), schema, destination).unwrap();
    for batch in batches {
        writer.write(batch).unwrap();
    }
    writer.finish().unwrap();
    let bytes = memory.bytes.lock().unwrap().clone();
    let counted = counter.load(std::sync::atomic::Ordering::Relaxed);
    assert_eq!(usize::try_from(counted).unwrap(), bytes.len(), "{format:?}");
    bytes
}

fn text(format: Format, batches: &[RecordBatch]) -> String {
    String::from_utf8(written(format, &batch().schema(), batches)).unwrap()
}

#[test]
fn binary_formats_come_back_as_they_were() {
    let batch = batch();
    let schema = batch.schema();
    let twice = [batch.clone(), batch.clone()];
    let expected = concat_batches(&schema, &twice).unwrap();

    let bytes = written(Format::Parquet, &schema, &twice);
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes::of(&bytes)).unwrap();
    let read: Vec<_> = reader.build().unwrap().map(Result::unwrap).collect();
    assert_eq!(concat_batches(&schema, &read).unwrap(), expected);

    let bytes = written(Format::Arrow, &schema, &twice);
    let reader = FileReader::try_new(io::Cursor::new(bytes), None).unwrap();
    let read: Vec<_> = reader.map(Result::unwrap).collect();
    assert_eq!(concat_batches(&schema, &read).unwrap(), expected);

    let bytes = written(Format::ArrowStream, &schema, &twice);
    let reader = StreamReader::try_new(io::Cursor::new(bytes), None).unwrap();
    let read: Vec<_> = reader.map(Result::unwrap).collect();
    assert_eq!(concat_batches(&schema, &read).unwrap(), expected);
}

/// Parquet is read from a file, or from a type of a crate that is not among the dependencies.
mod bytes {
    use std::io::{Seek, Write};

    pub(super) fn of(bytes: &[u8]) -> std::fs::File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file.rewind().unwrap();
        file
    }
}

#[test]
fn csv_tells_null_from_the_empty_text() {
    let expected = "id,name,price,day,at,raw\n\
        -9223372036854775808,\"a,\"\"b\"\"\n\",-0.01,1970-01-01,1970-01-01T00:00:00.000001Z,00ff\n\
        \\N,\\N,\\N,\\N,\\N,\\N\n\
        9223372036854775807,,123.45,2022-01-08,2023-11-14T22:13:20Z,\n";
    assert_eq!(text(Format::Csv, &[batch()]), expected);
}

#[test]
fn csv_does_not_write_a_value_that_would_be_read_as_null() {
    let column: ArrayRef = Arc::new(StringArray::from(vec!["\\N"]));
    let batch = RecordBatch::try_from_iter([("c", column)]).unwrap();
    let destination = Destination::new(io::sink());
    let mut writer = writer(Format::Csv, &style(), &batch.schema(), destination).unwrap();
    assert!(matches!(
        writer.write(&batch),
        Err(WriteError::Unsupported(_))
    ));
}

#[test]
fn json_is_one_array_or_an_object_a_line() {
    let rows = [
        "{\"id\":-9223372036854775808,\"name\":\"a,\\\"b\\\"\\n\",\"price\":-0.01,\
         \"day\":\"1970-01-01\",\"at\":\"1970-01-01T00:00:00.000001Z\",\"raw\":\"00ff\"}",
        "{\"id\":null,\"name\":null,\"price\":null,\"day\":null,\"at\":null,\"raw\":null}",
        "{\"id\":9223372036854775807,\"name\":\"\",\"price\":123.45,\"day\":\"2022-01-08\",\
         \"at\":\"2023-11-14T22:13:20Z\",\"raw\":\"\"}",
    ];
    let lines = format!("{}\n", rows.join("\n"));
    assert_eq!(text(Format::Ndjson, &[batch()]), lines);
    let array = format!("[{}]\n", rows.join(","));
    assert_eq!(text(Format::Json, &[batch()]), array);
}

#[test]
fn a_table_is_as_wide_as_its_cells_and_commands_no_terminal() {
    let names = StringArray::from(vec![Some("日本"), None, Some("\x1b[2J\n")]);
    let columns: [(&str, ArrayRef); 2] = [
        ("n", Arc::new(Int64Array::from(vec![1, 22, 333]))),
        ("name", Arc::new(names)),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let bytes = written(Format::Table, &batch.schema(), &[batch]);
    let expected = "\x20 n  name\n\
        ──────────\n\
        \x20 1  日本\n\
        \x2022  NULL\n\
        333  \u{fffd}[2J␊\n";
    assert_eq!(String::from_utf8(bytes).unwrap(), expected);
}

#[test]
fn long_cells_of_a_table_are_cut() {
    let long: ArrayRef = Arc::new(StringArray::from(vec!["x".repeat(1000)]));
    let batch = RecordBatch::try_from_iter([("c", long)]).unwrap();
    let bytes = written(Format::Table, &batch.schema(), &[batch]);
    let text = String::from_utf8(bytes).unwrap();
    assert!(
        text.ends_with(&format!("\n{}…\n", "x".repeat(64))),
        "{text}"
    );
}

#[test]
fn a_result_without_rows_is_a_whole_file() {
    let schema = batch().schema();
    assert_eq!(text(Format::Csv, &[]), "id,name,price,day,at,raw\n");
    assert_eq!(text(Format::Json, &[]), "[]\n");
    assert_eq!(text(Format::Ndjson, &[]), "");
    let parquet = bytes::of(&written(Format::Parquet, &schema, &[]));
    let reader = ParquetRecordBatchReaderBuilder::try_new(parquet).unwrap();
    assert_eq!(reader.schema().fields(), schema.fields());
    assert_eq!(reader.build().unwrap().count(), 0);
    let arrow = io::Cursor::new(written(Format::Arrow, &schema, &[]));
    assert_eq!(FileReader::try_new(arrow, None).unwrap().schema(), schema);
}

#[test]
fn columns_of_one_name_are_refused_where_only_names_tell_them_apart() {
    let field = || Field::new("x", DataType::Int64, true);
    let schema = Arc::new(Schema::new(vec![field(), field()]));
    for format in [Format::Parquet, Format::Json, Format::Ndjson] {
        let refused = writer(format, &style(), &schema, Destination::new(io::sink()));
        let Err(WriteError::Unsupported(text)) = refused else {
            panic!("{format:?} takes two columns of one name");
        };
        assert!(text.contains("`x`"), "{text}");
    }
    assert!(writer(Format::Csv, &style(), &schema, Destination::new(io::sink())).is_ok());
}

#[test]
fn a_full_disk_is_known_as_one_by_every_format() {
    let batch = batch();
    for format in [
        Format::Parquet,
        Format::Arrow,
        Format::ArrowStream,
        Format::Csv,
        Format::Json,
        Format::Ndjson,
        Format::Table,
    ] {
        let full = std::fs::OpenOptions::new()
            .write(true)
            .open("/dev/full")
            .unwrap();
        let outcome = writer(format, &style(), &batch.schema(), Destination::new(full)).and_then(
            |mut writer| {
                writer.write(&batch)?;
                writer.finish()
            },
        );
        let Err(WriteError::Io(error)) = outcome else {
            panic!("{format:?}: {outcome:?}");
        };
        assert_eq!(error.kind(), io::ErrorKind::StorageFull, "{format:?}");
    }
}

#[test]
fn every_ending_of_a_name_that_is_listed_is_known() {
    let endings = Format::ENDINGS.replace(" and ", ", ");
    for ending in endings.split(", ") {
        let path = format!("some.file{ending}");
        assert!(Format::of_path(path.as_ref()).is_some(), "{ending}");
    }
    assert_eq!(
        Format::of_path("OUT.PARQUET".as_ref()),
        Some(Format::Parquet)
    );
    assert_eq!(Format::of_path("out.xlsx".as_ref()), None);
    assert_eq!(Format::of_path("parquet".as_ref()), None);
}
