use std::io::Write;
use std::sync::Arc;

use ::parquet::arrow::ArrowWriter;
use arrow::array::{ArrayRef, AsArray, BinaryArray, Int64Array, StringArray};
use arrow::compute::cast;
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
        table: table.map(|table| expected_types(table, &[])),
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
    let long = "9".repeat(66);
    let text =
        format!("long,mixed,time\n{long},1.5,2024-02-29T12:30:00.1234567\n1,9007199254740993,\n");
    let batch = read(&file(".csv", text.as_bytes()), &reading(None)).unwrap();
    assert_eq!(
        types(&batch),
        [DataType::Utf8, DataType::Decimal256(17, 1), DataType::Utf8]
    );
}

#[test]
fn numbers_of_more_digits_than_a_double_has_are_decimals_and_keep_them_all() {
    let column = |texts: &[&str]| {
        let text = format!("n\n{}\n", texts.join("\n"));
        let batch = read(&file(".csv", text.as_bytes()), &reading(None)).unwrap();
        let column = batch.column(0);
        let shown = cast(column, &DataType::Utf8).unwrap();
        let shown = shown.as_string::<i32>().iter().flatten().map(str::to_owned);
        (column.data_type().clone(), shown.collect::<Vec<_>>())
    };
    let nines = format!("-{}.{}", "9".repeat(35), "9".repeat(30));
    for (texts, expected) in [
        (vec!["123456789.123456789012"], DataType::Decimal256(21, 12)),
        (
            vec!["-0.5", "123456789.123456789012"],
            DataType::Decimal256(21, 12),
        ),
        (vec![nines.as_str()], DataType::Decimal256(65, 30)),
        (vec!["9007199254740993.0"], DataType::Decimal256(17, 1)),
    ] {
        let (data_type, shown) = column(&texts);
        assert_eq!(data_type, expected, "{texts:?}");
        let zeros = |text: &str| text.trim_end_matches('0').to_owned();
        let shown: Vec<_> = shown.iter().map(|text| zeros(text)).collect();
        assert_eq!(
            shown,
            texts.iter().map(|text| zeros(text)).collect::<Vec<_>>()
        );
    }
    for texts in [
        ["0.1", "1e300"],
        ["0.30000000000000004", "5e-324"],
        ["-0.0", "2.2250738585072014e-308"],
        ["-0", "1.50"],
    ] {
        assert_eq!(column(&texts).0, DataType::Float64, "{texts:?}");
    }
    for texts in [
        ["-0", "123456789.123456789012"],
        ["1.23456789012345678e3", "1"],
    ] {
        assert_eq!(column(&texts).0, DataType::Utf8, "{texts:?}");
    }
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
        // That it has too many digits is for the library to say.
        (
            "price",
            Arc::new(StringArray::from(vec![Some("12.345"), None])),
        ),
        ("name", Arc::new(StringArray::from(vec![Some(""), None]))),
        (
            "at",
            // With its zone, which the library knows what to do with.
            Arc::new(StringArray::from(vec![Some("1970-01-01T00:00:01Z"), None])),
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
fn a_fraction_in_json_behind_whole_numbers_is_an_error() {
    let mut lines = "{\"n\":1}\n".repeat(inference::SAMPLE_ROWS);
    lines.push_str("{\"n\":2.5}\n");
    let file = file(".ndjson", lines.as_bytes());
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
fn whole_numbers_of_any_length_keep_their_digits() {
    let digits = "1".repeat(65);
    for (number, expected) in [
        ("9223372036854775807", DataType::Int64),
        ("9223372036854775808", DataType::UInt64),
        ("-9223372036854775809", DataType::Decimal256(19, 0)),
        (&*digits, DataType::Decimal256(65, 0)),
        (&*format!("{digits}1"), DataType::Utf8),
    ] {
        for (ending, text) in [
            (".csv", format!("n\n1\n{number}\n")),
            (".json", format!("[{{\"n\":1}},{{\"n\":{number}}}]")),
        ] {
            let batch = read(&file(ending, text.as_bytes()), &reading(None)).unwrap();
            assert_eq!(batch.column(0).data_type(), &expected, "{ending} {number}");
            let shown = arrow::util::display::array_value_to_string(batch.column(0), 1);
            assert_eq!(shown.unwrap(), number, "{ending}");
        }
    }
}

/// Rows that all decide, and one more.
fn behind_the_sample(first: &str, last: &str) -> Result<RecordBatch, String> {
    let rows = format!("{first}\n").repeat(inference::SAMPLE_ROWS + 6384);
    let text = format!("a\n{rows}{last}\n");
    read(&file(".csv", text.as_bytes()), &reading(None))
}

#[test]
fn rows_behind_those_that_decide_are_read_as_strictly_as_these() {
    for (first, last) in [
        ("2024-02-29", "2024-02-29T12:30:00"),
        ("2024-02-29", "2024-2-9"),
        ("2024-02-29 12:30:00", "2024-02-29 12:30:00.1234567"),
        ("2024-02-29 12:30:00", "2024-02-29 12:30:00+02:00"),
        ("2024-02-29 12:30:00", "2024-02-29 12:30:60"),
        ("2024-02-29T12:30:00Z", "2024-02-29T12:30:60Z"),
        ("2024-02-29T12:30:00Z", "2024-02-29T12:30:00"),
        ("true", "yes"),
        ("true", "1"),
        ("1", "007"),
        ("1", "+7"),
        ("1", "1.0"),
        ("1", "9223372036854775808"),
        ("1.5", "9007199254740993"),
        ("1.5", "1e400"),
    ] {
        let error = behind_the_sample(first, last).unwrap_err();
        assert!(
            error.contains("row 16385, column `a`: the text is no")
                && error.contains("as those of the first rows are"),
            "{first} {last}: {error}"
        );
    }
    let exact = behind_the_sample("2024-02-29 12:30:00", "2024-02-29 12:30:00.1200000");
    assert_eq!(types(&exact.unwrap()), [micros(None)]);
}

#[test]
fn json_that_would_lose_something_is_an_error_with_its_row() {
    let table = Schema::new(vec![
        Field::new("v", DataType::Utf8, true),
        Field::new("raw", DataType::Binary, true),
        Field::new("at", micros(None), true),
    ]);
    let columns = [
        ("v", "int(11)", false),
        ("raw", "blob", false),
        ("at", "datetime", true),
    ];
    let columns = columns.map(|(name, sql_type, has_default)| SqlColumn {
        name: name.to_owned(),
        sql_type: sql_type.to_owned(),
        has_default,
    });
    let mut reading = reading(None);
    reading.table = Some(expected_types(&table, &columns));
    for (text, part) in [
        ("[{\"v\":1,\"v\":2}]", "row 1 has the key `v` twice"),
        ("[{\"v\":1,\"\\u0076\":2}]", "row 1 has the key `v` twice"),
        (
            "[{\"v\":1}] {\"v\":2}",
            "behind the array, which ends with row 1",
        ),
        ("[{\"v\":1},{\"v\":2} {\"v\":3}]", "behind row 2"),
        ("{\"v\":1}\n{\"v\":01}\n", "row 2 is no JSON"),
        (
            "[{\"at\":1709209800000000}]",
            "row 1, column `at`: it is a number",
        ),
        ("[{\"raw\":55}]", "row 1, column `raw`: it is a number"),
        (
            "[{\"v\":[1]}]",
            "row 1, column `v`: it is an object or an array",
        ),
        (
            "[{\"v\":1,\"at\":null},{\"v\":2}]",
            "row 2, column `at`: the object lacks the key",
        ),
    ] {
        let error = read(&file(".json", text.as_bytes()), &reading).unwrap_err();
        assert!(error.contains(part), "{text}: {error}");
    }
    for (text, place) in [
        (
            "{\"v\":1}\n\n{\"v\":01}",
            "row 2 is no JSON: invalid number, at its character 7",
        ),
        (
            "[{\"v\":1},\n{\"v\":\n tru}]",
            "at character 5 of its line 2",
        ),
    ] {
        let error = read(&file(".json", text.as_bytes()), &reading).unwrap_err();
        assert!(error.contains(place), "{text}: {error}");
    }
    // A column without a default is NULL where there is no key.
    let batch = read(&file(".json", b"[{},{\"v\":1}]"), &reading).unwrap();
    let expected = StringArray::from(vec![None, Some("1")]);
    assert_eq!(*batch.column(0).as_string::<i32>(), expected);
}

#[test]
fn a_new_table_takes_of_json_what_all_of_the_first_objects_have() {
    let text = "\u{feff}[{\"n\":1.5,\"f\":true,\"j\":{\"a\":[1]},\"m\":1,\"z\":null},\
                 {\"m\":\"x\",\"j\":[]}]";
    let batch = read(&file(".json", text.as_bytes()), &reading(None)).unwrap();
    let expected = [
        DataType::Float64,
        DataType::Boolean,
        DataType::Utf8,
        DataType::Utf8,
        DataType::Utf8,
    ];
    assert_eq!(types(&batch), expected);
    let json = batch.schema_ref().field(2).metadata().clone();
    assert_eq!(json["ARROW:extension:name"], "arrow.json");
    let expected = StringArray::from(vec!["{\"a\":[1]}", "[]"]);
    assert_eq!(*batch.column(2).as_string::<i32>(), expected);
    for (first, last) in [
        ("1", "\"1\""),
        ("true", "1"),
        ("[1]", "\"x\""),
        ("1", "[1]"),
    ] {
        let rows = format!("{{\"a\":{first}}}\n").repeat(inference::SAMPLE_ROWS);
        let text = format!("{rows}{{\"a\":{last}}}\n");
        let error = read(&file(".ndjson", text.as_bytes()), &reading(None)).unwrap_err();
        assert!(error.contains("row 10001, column `a`: it is"), "{error}");
    }
}

#[test]
fn blank_lines_of_csv_are_no_rows() {
    let batch = read(&file(".csv", b"a\n1\n\n\"\"\n\n2\n"), &reading(None)).unwrap();
    assert_eq!(
        *batch.column(0).as_primitive(),
        Int64Array::from(vec![Some(1), None, Some(2)])
    );
}

#[test]
fn a_byte_order_mark_is_no_part_of_the_first_name() {
    for text in ["\u{feff}a,b\n1,2\n", "\u{feff}\"a\",\"b\"\n1,2\n"] {
        let batch = read(&file(".csv", text.as_bytes()), &reading(None)).unwrap();
        assert_eq!(batch.schema_ref().field(0).name(), "a");
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
