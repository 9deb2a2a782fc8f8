use std::collections::HashMap;
use std::io::Write;
use std::sync::Arc;

use ::parquet::arrow::ArrowWriter;
use arrow::array::{
    ArrayRef, AsArray, BinaryArray, Int64Array, StringArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Field, TimeUnit};
use arrow::ipc::writer::{FileWriter, StreamWriter};
use tempfile::NamedTempFile;

use super::*;

fn file(ending: &str, text: &[u8]) -> NamedTempFile {
    let mut file = tempfile::Builder::new().suffix(ending).tempfile().unwrap();
    file.write_all(text).unwrap();
    file
}

fn reading(table: Option<&Schema>) -> Reading {
    let csv = CsvStyle {
        null: "\\N".to_owned(),
        delimiter: b',',
        header: true,
    };
    Reading {
        csv,
        table: table.map(|table| expected_types(table, &HashMap::new())),
        origins: Origins::default(),
    }
}

fn read(file: &NamedTempFile, reading: &Reading) -> Result<RecordBatch, String> {
    read_all(&[file.path().to_owned()], reading)
}

fn read_all(paths: &[PathBuf], reading: &Reading) -> Result<RecordBatch, String> {
    let files = open(paths, None, reading).map_err(|failure| failure.to_string())?;
    let files = files.expect("not nothing");
    let schema = files.schema();
    let batches = files
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| error.to_string())?;
    arrow::compute::concat_batches(&schema, &batches).map_err(|error| error.to_string())
}

fn types(batch: &RecordBatch) -> Vec<DataType> {
    let fields = batch.schema_ref().fields().clone();
    fields
        .iter()
        .map(|field| field.data_type().clone())
        .collect()
}

fn micros(zone: Option<&str>) -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, zone.map(Into::into))
}

#[test]
fn csv_for_a_new_table_has_the_types_that_its_rows_show() {
    let text = "flag,n,x,day,at,then,zip,name,none\n\
        true,-1,1.5,2024-02-29,2024-02-29T12:30:00,2024-02-29T12:30:00.000001Z,01234,,\n\
        False,0,2,1999-12-31,2024-02-29 12:30:00.5,2024-02-29T12:30:00+02:00,5,\\N,\\N\n\
        ,,,,,,,x,\n";
    let batch = read(&file(".csv", text.as_bytes()), &reading(None)).unwrap();
    let expected = [
        DataType::Boolean,
        DataType::Int64,
        DataType::Float64,
        DataType::Date32,
        micros(None),
        micros(Some("+00:00")),
        DataType::Utf8,
        DataType::Utf8,
        DataType::Utf8,
    ];
    assert_eq!(types(&batch), expected);
    for column in &batch.columns()[..6] {
        assert_eq!(
            column.null_count(),
            1,
            "an empty text is NULL where there is no text"
        );
    }
    let names = [Some(""), None, Some("x")];
    assert_eq!(
        batch.column(7).as_string::<i32>(),
        &StringArray::from(names.to_vec())
    );
    let then = batch
        .column(5)
        .as_primitive::<arrow::datatypes::TimestampMicrosecondType>();
    assert_eq!(then.value(0), 1_709_209_800_000_001);
    assert_eq!(then.value(1), 1_709_202_600_000_000);
}

#[test]
fn digits_beyond_what_a_type_holds_stay_text() {
    let text = "big,time\n9223372036854775808,2024-02-29T12:30:00.1234567\n";
    let batch = read(&file(".csv", text.as_bytes()), &reading(None)).unwrap();
    // As a number of 64 bits it would lose its last digits, but it may also be meant as one.
    assert_eq!(types(&batch), [DataType::Float64, DataType::Utf8]);
}

#[test]
fn a_value_that_is_not_like_the_first_ones_is_an_error_with_its_row_and_column() {
    let rows = "7,x\n".repeat(20_000);
    let text = format!("n,c\n{rows}many,x\n");
    let error = read(&file(".csv", text.as_bytes()), &reading(None)).unwrap_err();
    assert!(
        error.contains("row 20001, column `n`: the text is no whole number"),
        "{error}"
    );
    assert!(!error.contains("many"), "{error}");
}

#[test]
fn csv_for_a_table_has_the_types_that_its_columns_ask_for() {
    let table = Schema::new(vec![
        Field::new("Price", DataType::Decimal128(10, 2), true),
        Field::new("raw", DataType::Binary, true),
        Field::new("name", DataType::Utf8, true),
        Field::new("at", micros(Some("UTC")), true),
    ]);
    let text = "raw,price,name,at\n00ff,12.345,,1970-01-01T00:00:01Z\n\\N,,\\N,\n";
    let batch = read(&file(".csv", text.as_bytes()), &reading(Some(&table))).unwrap();
    let columns: [(&str, ArrayRef); 4] = [
        (
            "raw",
            Arc::new(BinaryArray::from(vec![Some(&b"\0\xff"[..]), None])),
        ),
        // The server rounds, and says so.
        (
            "price",
            Arc::new(StringArray::from(vec![Some("12.345"), None])),
        ),
        ("name", Arc::new(StringArray::from(vec![Some(""), None]))),
        (
            "at",
            Arc::new(
                TimestampMicrosecondArray::from(vec![Some(1_000_000), None])
                    .with_timezone("+00:00"),
            ),
        ),
    ];
    for ((name, expected), column) in columns.iter().zip(batch.columns()) {
        assert_eq!(column, expected, "{name}");
    }
    let odd = file(".csv", b"raw\n00f\n");
    let error = read(&odd, &reading(Some(&table))).unwrap_err();
    assert!(
        error.contains("row 1, column `raw`: the text is no even number"),
        "{error}"
    );
}

#[test]
fn csv_without_a_header_has_the_columns_of_the_table() {
    let table = Schema::new(vec![Field::new("a", DataType::Utf8, true)]);
    let mut reading = reading(Some(&table));
    reading.csv.header = false;
    let batch = read(&file(".csv", b"1\n2\n"), &reading).unwrap();
    assert_eq!(
        (
            batch.schema_ref().field(0).name().as_str(),
            batch.num_rows()
        ),
        ("a", 2)
    );
    reading.table = None;
    assert!(read(&file(".csv", b"1\n"), &reading).is_err());
}

#[test]
fn what_is_no_csv_is_an_error_with_its_line() {
    for (text, part) in [
        (&b""[..], "not even a header"),
        (b"a,b\n1,2\n3\n", "line 3 has 1 values in place of 2"),
        (b"a\n\xff\n", "line 2 is not UTF-8"),
    ] {
        let error = read(&file(".csv", text), &reading(None)).unwrap_err();
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn json_is_read_as_an_array_and_as_lines() {
    let array = "[{\"n\": 1, \"s\": \"a\\n\"},\n {\"s\": null, \"n\": 2}]";
    let lines = "{\"n\":1,\"s\":\"a\\n\"}\n{\"n\":2,\"s\":null}\n";
    for (ending, text) in [(".json", array), (".json", lines), (".ndjson", lines)] {
        let batch = read(&file(ending, text.as_bytes()), &reading(None)).unwrap();
        assert_eq!(types(&batch), [DataType::Int64, DataType::Utf8], "{ending}");
        assert_eq!(
            *batch.column(0).as_primitive(),
            Int64Array::from(vec![1, 2])
        );
        assert_eq!(
            *batch.column(1).as_string(),
            StringArray::from(vec![Some("a\n"), None])
        );
    }
}

#[test]
fn json_for_a_table_keeps_every_digit_of_its_numbers() {
    let table = Schema::new(vec![
        Field::new("n", DataType::Decimal256(65, 30), true),
        Field::new("raw", DataType::Binary, true),
    ]);
    let digits = "12345678901234567890.123456789012345678901234567890";
    let text = format!("[{{\"n\":{digits},\"raw\":\"00ff\"}},{{\"n\":null,\"raw\":null}}]");
    let batch = read(&file(".json", text.as_bytes()), &reading(Some(&table))).unwrap();
    assert_eq!(
        *batch.column(0).as_string(),
        StringArray::from(vec![Some(digits), None])
    );
    assert_eq!(
        *batch.column(1).as_binary(),
        BinaryArray::from(vec![Some(&b"\0\xff"[..]), None])
    );
}

#[test]
fn a_key_that_only_later_objects_have_is_an_error_and_not_lost() {
    let rows = "{\"a\":1}\n".repeat(inference::SAMPLE_ROWS);
    let late = file(".ndjson", format!("{rows}{{\"a\":1,\"b\":2}}\n").as_bytes());
    assert!(read(&late, &reading(None)).is_err());
}

#[test]
fn arrow_and_parquet_are_read_as_they_are() {
    let column: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None]));
    let batch = RecordBatch::try_from_iter_with_nullable([("n", column, true)]).unwrap();
    let schema = batch.schema();
    let parquet = file(".parquet", b"");
    let mut writer = ArrowWriter::try_new(parquet.reopen().unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    let arrow = file(".arrow", b"");
    let mut writer = FileWriter::try_new(arrow.reopen().unwrap(), &schema).unwrap();
    writer.write(&batch).unwrap();
    writer.finish().unwrap();
    let streams = [".arrow", ".arrows"].map(|ending| {
        let stream = file(ending, b"");
        let mut writer = StreamWriter::try_new(stream.reopen().unwrap(), &schema).unwrap();
        writer.write(&batch).unwrap();
        writer.finish().unwrap();
        stream
    });
    for file in [&parquet, &arrow].into_iter().chain(&streams) {
        assert_eq!(read(file, &reading(None)).unwrap(), batch, "{file:?}");
    }
    let paths = [&parquet, &arrow].map(|file| file.path().to_owned());
    assert_eq!(read_all(&paths, &reading(None)).unwrap().num_rows(), 4);
}

#[test]
fn files_that_are_not_what_their_names_say_are_errors() {
    for ending in [".parquet", ".arrow", ".arrows", ".json"] {
        let error = read(&file(ending, b"nonsense"), &reading(None)).unwrap_err();
        assert!(error.contains(ending), "{error}");
        assert!(
            read(&file(ending, b""), &reading(None)).is_err(),
            "{ending}"
        );
    }
    assert!(read(&file(".xlsx", b""), &reading(None)).is_err());
}

#[test]
fn files_of_other_columns_are_not_mixed() {
    let files = [file(".csv", b"a\n1\n"), file(".csv", b"b\n1\n")];
    let paths = files.each_ref().map(|file| file.path().to_owned());
    let error = read_all(&paths, &reading(None)).unwrap_err();
    assert!(
        error.contains("other columns than the first file"),
        "{error}"
    );
}

#[test]
fn a_fraction_in_json_that_a_whole_number_has_no_place_for_is_an_error() {
    let table = Schema::new(vec![Field::new("n", DataType::Int32, true)]);
    let file = file(".ndjson", b"{\"n\":1}\n{\"n\":1.5}\n");
    let error = read(&file, &reading(Some(&table))).unwrap_err();
    assert!(error.contains("row 2, column `n`"), "{error}");
    let mut lines = "{\"n\":1}\n".repeat(inference::SAMPLE_ROWS);
    lines.push_str("{\"n\":2.5}\n");
    let file = self::file(".ndjson", lines.as_bytes());
    let error = read(&file, &reading(None)).unwrap_err();
    assert!(error.contains("row 10001, column `n`"), "{error}");
}

/// A file of each format that libraries read, and how it ends.
fn written() -> [(Vec<u8>, &'static str); 3] {
    let numbers: ArrayRef = Arc::new((0..50).map(Some).collect::<Int64Array>());
    let texts: ArrayRef = Arc::new(
        (0..50)
            .map(|n| Some(format!("text {n}")))
            .collect::<StringArray>(),
    );
    let batch = RecordBatch::try_from_iter([("n", numbers), ("s", texts)]).unwrap();
    let mut parquet = ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap();
    parquet.write(&batch).unwrap();
    let mut arrow = FileWriter::try_new(Vec::new(), &batch.schema()).unwrap();
    arrow.write(&batch).unwrap();
    let mut stream = StreamWriter::try_new(Vec::new(), &batch.schema()).unwrap();
    stream.write(&batch).unwrap();
    [
        (parquet.into_inner().unwrap(), ".parquet"),
        (arrow.into_inner().unwrap(), ".arrow"),
        (stream.into_inner().unwrap(), ".arrows"),
    ]
}

#[test]
fn no_damage_of_a_file_is_more_than_an_error_that_names_it() {
    keep_quiet();
    for (whole, ending) in written() {
        let mut refused = 0;
        for place in (0..whole.len()).step_by(5) {
            for wrong in [&[0xff; 8][..], &[0x7f; 4], &[0, 0, 0, 0x7f], &[0x80]] {
                let mut damaged = whole.clone();
                let end = damaged.len().min(place + wrong.len());
                damaged[place..end].copy_from_slice(&wrong[..end - place]);
                let file = file(ending, &damaged);
                if let Err(error) = read(&file, &reading(None)) {
                    let name = file.path().to_str().unwrap();
                    assert!(error.contains(name), "{ending} at {place}: {error}");
                    refused += 1;
                }
            }
        }
        assert!(refused > 30, "{ending}: {refused}");
    }
}

#[test]
fn every_beginning_of_a_file_of_arrow_or_parquet_is_an_error_and_never_a_shorter_file() {
    let ids: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3]));
    let batch = RecordBatch::try_from_iter([("id", ids)]).unwrap();
    for ending in ["arrow", "arrows", "parquet"] {
        let whole = file_of(ending, &batch);
        for length in 0..whole.len() {
            let file = file(&format!(".{ending}"), &whole[..length]);
            let error = read(&file, &reading(None)).unwrap_err();
            let is_said = ["its end is missing", "it is empty", "it is no "];
            let is_said = is_said.iter().any(|said| error.contains(said));
            assert!(
                is_said,
                "{ending}, {length} of {} bytes: {error}",
                whole.len()
            );
        }
    }
}

/// Two batches in a file.
fn file_of(ending: &str, batch: &RecordBatch) -> Vec<u8> {
    let mut bytes = Vec::new();
    let schema = batch.schema();
    match ending {
        "arrow" => {
            let mut writer = FileWriter::try_new(&mut bytes, &schema).unwrap();
            writer
                .write(batch)
                .and_then(|()| writer.write(batch))
                .unwrap();
            writer.finish().unwrap();
        }
        "arrows" => {
            let mut writer = StreamWriter::try_new(&mut bytes, &schema).unwrap();
            writer
                .write(batch)
                .and_then(|()| writer.write(batch))
                .unwrap();
            writer.finish().unwrap();
        }
        _ => {
            let mut writer = ArrowWriter::try_new(&mut bytes, schema, None).unwrap();
            writer
                .write(batch)
                .and_then(|()| writer.write(batch))
                .unwrap();
            writer.close().unwrap();
        }
    }
    bytes
}

#[test]
fn what_follows_the_end_of_a_stream_is_an_error() {
    let ids: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    let stream = file_of(
        "arrows",
        &RecordBatch::try_from_iter([("id", ids)]).unwrap(),
    );
    let file = file(".arrows", &[&*stream, &*stream].concat());
    let error = read(&file, &reading(None)).unwrap_err();
    assert!(error.contains("more follows behind the end"), "{error}");
}
