//! The same value for the same column, whatever the format of the file.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Decimal128Array, Float64Array, Int64Array, RecordBatch, StringArray,
};
use parquet::arrow::ArrowWriter;
use protocol_tests::live::{self, Schema};

use crate::support::{Done, bare, otaria, run, url};

fn schema(name: &str, sql: &str) -> Schema<'static> {
    let schema = live::shared().schema(name).expect("a schema");
    schema.sql(sql).expect("its tables");
    schema
}

fn load(schema: &Schema<'_>, file: &Path, options: &[&str]) -> Done {
    let url = url(schema.name());
    let mut command = otaria(["load", &url, "t"]);
    run(command.arg(file).args(options))
}

fn parquet(path: &Path, array: ArrayRef) {
    let batch = RecordBatch::try_from_iter([("a", array)]).expect("a batch");
    let file = File::create(path).expect("a file");
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).expect("a writer");
    writer.write(&batch).expect("rows");
    writer.close().expect("the end");
}

/// Files with a value in their column `a`.
struct Files {
    directory: tempfile::TempDir,
}

impl Files {
    fn new() -> Self {
        Self {
            directory: tempfile::tempdir().expect("a directory"),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).expect("a file");
        path
    }

    /// The text in each format.
    fn of_text(&self, text: &str) -> Vec<PathBuf> {
        let parquet_path = self.path("text.parquet");
        parquet(&parquet_path, Arc::new(StringArray::from(vec![text])));
        vec![
            self.write("text.csv", &format!("a\n\"{text}\"\n")),
            self.write("text.json", &format!("[{{\"a\":\"{text}\"}}]")),
            parquet_path,
        ]
    }

    /// A number or a flag, as it is written in JSON, and as a column of Parquet.
    fn of_value(&self, text: &str, array: ArrayRef) -> Vec<PathBuf> {
        let parquet_path = self.path("value.parquet");
        parquet(&parquet_path, array);
        let json = format!("{{\"a\":{text}}}\n");
        vec![self.write("value.ndjson", &json), parquet_path]
    }
}

/// What each file leaves in the table's column of this type, or the code of the exit.
#[track_caller]
fn assert_stored(schema: &Schema<'_>, sql_type: &str, files: &[PathBuf], expected: Option<&str>) {
    let sql = format!("DROP TABLE IF EXISTS t; CREATE TABLE t (a {sql_type})");
    schema.sql(&sql).expect("a table");
    for file in files {
        for way in ["bulk", "load-data"] {
            let done = load(schema, file, &["--way", way]);
            let found = schema.sql("SELECT a FROM t").expect("rows");
            schema.sql("DELETE FROM t").expect("no rows");
            let shown = format!("{sql_type} {} {way}: {done:#?}", file.display());
            let Some(expected) = expected else {
                assert_eq!(found, "", "{shown}");
                assert_ne!(done.code, Some(0), "{shown}");
                continue;
            };
            assert_eq!(found, format!("{expected}\n"), "{shown}");
            done.assert(0, &["1 rows"]);
        }
    }
}

#[test]
fn a_text_is_the_same_value_in_every_format_or_is_refused_in_all() {
    let schema = schema("texts", "SELECT 1");
    let files = Files::new();
    for (sql_type, text, expected) in [
        ("INT", "7", Some("7")),
        ("INT", "1.5", None),
        ("INT", "true", None),
        ("TINYINT(1)", "true", Some("1")),
        ("TINYINT(1)", "False", Some("0")),
        ("DECIMAL(4,1)", "1.25", None),
        ("DECIMAL(4,1)", "1.500", Some("1.5")),
        ("FLOAT", "1e39", None),
        ("DOUBLE", "9007199254740993", None),
        ("YEAR", "70", None),
        ("YEAR", "1970", Some("1970")),
        ("ENUM('a','b')", "2", None),
        ("SET('a','b')", "3", None),
        ("DATE", "2024-02-29 12:30:00", None),
        ("DATE", "20240229", Some("2024-02-29")),
        ("DATETIME", "2024-02-29T12:30:00Z", None),
        ("DATETIME", "2024-02-29 12:30:60", None),
        (
            "DATETIME(3)",
            "2024-02-29 12:30:00.1230000",
            Some("2024-02-29 12:30:00.123"),
        ),
        ("TIMESTAMP(6) NULL", "2024-02-29T12:30:00.1234567Z", None),
        ("TIMESTAMP NULL", "2024-02-29T12:30:60Z", None),
        ("TIME", "12:00:00.0000000", Some("12:00:00")),
        ("TIME", "12:30:60", None),
        ("CHAR(3)", "a ", None),
    ] {
        assert_stored(&schema, sql_type, &files.of_text(text), expected);
    }
}

#[test]
fn a_number_is_the_same_value_in_json_and_parquet_or_is_refused_in_both() {
    let schema = schema("numbers", "SELECT 1");
    let files = Files::new();
    let doubles = |number| -> ArrayRef { Arc::new(Float64Array::from(vec![number])) };
    let longs = |number| -> ArrayRef { Arc::new(Int64Array::from(vec![number])) };
    let flags = || -> ArrayRef { Arc::new(BooleanArray::from(vec![true])) };
    let prices = Decimal128Array::from(vec![15]).with_precision_and_scale(3, 1);
    let prices: ArrayRef = Arc::new(prices.unwrap());
    for (sql_type, text, array, expected) in [
        ("INT", "1.5", prices.clone(), None),
        ("INT", "1.5", doubles(1.5), None),
        ("DECIMAL(4,1)", "1.5", prices, Some("1.5")),
        ("DECIMAL(4,1)", "0.05", doubles(0.05), None),
        ("VARCHAR(9)", "2.5", doubles(2.5), Some("2.5")),
        (
            "TIMESTAMP NULL",
            "1709209800000000",
            longs(1_709_209_800_000_000),
            None,
        ),
        (
            "DATETIME",
            "20240229123000",
            longs(20_240_229_123_000),
            None,
        ),
        ("DATE", "20240229", longs(20_240_229), None),
        ("TIME", "123000", longs(123_000), None),
        ("YEAR", "70", longs(70), None),
        ("YEAR", "2024", longs(2024), Some("2024")),
        ("ENUM('a','b')", "2", longs(2), None),
        ("ENUM('a','2')", "2", longs(2), Some("2")),
        (
            "DOUBLE",
            "9007199254740993",
            longs(9_007_199_254_740_993),
            None,
        ),
        ("BLOB", "55", longs(55), None),
        ("TINYINT(1)", "true", flags(), Some("1")),
        ("INT", "true", flags(), None),
        ("VARCHAR(9)", "true", flags(), Some("true")),
    ] {
        assert_stored(&schema, sql_type, &files.of_value(text, array), expected);
    }
}

#[test]
fn a_value_that_is_refused_is_told_by_file_row_column_and_what_it_should_be() {
    let schema = schema("told", "CREATE TABLE t (a INT, d DATE)");
    let files = Files::new();
    let good = files.write("good.csv", "a,d\n1,2024-02-29\n2,\n");
    let bad = files.write("bad.csv", "a,d\n1,\n2,2024-02-29\n2.5,\n");
    let url = url(schema.name());
    for way in ["bulk", "load-data"] {
        let mut command = otaria(["load", &url, "t"]);
        let done = run(command.arg(&good).arg(&bad).args(["--way", way]));
        done.assert(
            5,
            &["bad.csv", "row 3, column `a`: the number has a fraction"],
        );
        assert_eq!(schema.sql("SELECT * FROM t").unwrap(), "");
    }
}

#[test]
fn json_of_any_shape_is_stored_as_its_text_in_a_column_of_json() {
    let schema = schema("json", "CREATE TABLE t (a JSON, n INT)");
    let files = Files::new();
    let text = "\u{feff}[{\"a\":{\"x\": [1, \"ä\"]},\"n\":1},{\"a\":[],\"n\":2},{\"a\":1.50,\"n\":3},\
                {\"a\":\"{}\",\"n\":4},{\"n\":5}]";
    let file = files.write("t.json", text);
    let expected = "{\"x\": [1, \"ä\"]}\n[]\n1.50\n{}\nNULL\n";
    for way in ["bulk", "load-data"] {
        load(&schema, &file, &["--way", way]).assert(0, &["5 rows"]);
        assert_eq!(schema.sql("SELECT a FROM t ORDER BY n").unwrap(), expected);
        schema.sql("DELETE FROM t").unwrap();
    }
    schema.sql("DROP TABLE t").unwrap();
    let text = "{\"a\":{\"x\":1},\"n\":18446744073709551615}\n{\"a\":[2],\"n\":0}\n";
    let file = files.write("t.ndjson", text);
    load(&schema, &file, &["--mode", "create"]).assert(0, &["2 rows"]);
    let found = schema.sql("SELECT JSON_VALID(a), n FROM t").unwrap();
    assert_eq!(found, "1\t18446744073709551615\n1\t0\n");
}

#[test]
fn a_new_table_has_columns_for_whole_numbers_of_any_length() {
    let schema = schema("long", "SELECT 1");
    let files = Files::new();
    let digits = "1234567890".repeat(4);
    let text = format!("big,more,d\n18446744073709551615,-{digits},1.5\n1,2,3\n");
    let file = files.write("t.csv", &text);
    load(&schema, &file, &["--mode", "create"]).assert(0, &["2 rows"]);
    let types = "SELECT GROUP_CONCAT(COLUMN_TYPE ORDER BY ORDINAL_POSITION SEPARATOR ';') FROM \
                 information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE()";
    let found = schema.sql(types).unwrap();
    assert_eq!(found, "bigint(20) unsigned;decimal(40,0);double\n");
    let found = schema.sql("SELECT big, more FROM t WHERE d = 1.5").unwrap();
    assert_eq!(found, format!("18446744073709551615\t-{digits}\n"));
}

#[test]
fn a_key_that_only_some_objects_lack_does_not_hide_a_default() {
    let schema = schema("lacks", "CREATE TABLE t (n INT, v INT DEFAULT 7, w INT)");
    let files = Files::new();
    let some = files.write("some.json", "[{\"n\":1},{\"n\":2,\"v\":1}]");
    load(&schema, &some, &[]).assert(5, &["some.json", "row 1, column `v`", "default"]);
    let none = files.write("none.json", "[{\"n\":1},{\"n\":2,\"w\":1}]");
    load(&schema, &none, &[]).assert(0, &["2 rows"]);
    let found = schema.sql("SELECT * FROM t ORDER BY n").unwrap();
    assert_eq!(found, "1\t7\tNULL\n2\t7\t1\n");
}

#[test]
fn blank_lines_of_a_file_of_one_column_are_no_rows() {
    let schema = schema("blank", "CREATE TABLE t (a VARCHAR(9))");
    let files = Files::new();
    let file = files.write("t.csv", "a\n\nx\n\"\"\n\n");
    load(&schema, &file, &[]).assert(0, &["2 rows"]);
    let found = schema.sql("SELECT CONCAT('<', a, '>') FROM t ORDER BY a");
    assert_eq!(found.unwrap(), "<>\n<x>\n");
    let help = run(&mut bare(["load", "--help"]));
    assert!(help.out.contains("A blank line of CSV is no row"));
}
