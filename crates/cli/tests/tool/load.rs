use std::fs;
use std::io::Write;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;
use std::process::Stdio;

use protocol_tests::live::{self, Schema};

use crate::support::{Done, otaria, run, url};

fn schema(name: &str, sql: &str) -> Schema<'static> {
    let schema = live::shared().schema(name).expect("a schema");
    schema.sql(sql).expect("its tables");
    schema
}

/// `otaria load` into a table of `schema`.
fn load(schema: &Schema<'_>, table: &str, file: &Path, options: &[&str]) -> Done {
    let url = url(schema.name());
    let mut command = otaria(["load", &url, table]);
    run(command.arg(file).args(options))
}

fn export(schema: &Schema<'_>, sql: &str, file: &Path) {
    let url = url(schema.name());
    let mut command = otaria(["query", &url, sql, "-o"]);
    run(command.arg(file)).assert(0, &[]);
}

const TYPES: &str = "
    CREATE TABLE t (
        id INT NOT NULL PRIMARY KEY, tiny TINYINT UNSIGNED, small SMALLINT, medium MEDIUMINT,
        big BIGINT UNSIGNED, f FLOAT, d DOUBLE, price DECIMAL(65,30), b BIT(10), y YEAR,
        day DATE, at DATETIME(6), instant TIMESTAMP(6) NULL, time TIME(6), c CHAR(5), name VARCHAR(50),
        note LONGTEXT, raw BLOB, fixed BINARY(4), e ENUM('a', 'b'), s SET('x', 'y'), j JSON,
        address INET6, id36 UUID, place POINT
    ) CHARACTER SET utf8mb4;
    SET time_zone = '+00:00';
    INSERT INTO t VALUES
        (-2147483648, 0, -32768, -8388608, 18446744073709551615, 1.5e-38, 2.2250738585072014e-308,
         -99999999999999999999999999999999999.999999999999999999999999999999, 1023, 1901, '1000-01-01',
         '1000-01-01 00:00:00', '1970-01-01 00:00:01', '-838:59:59.999999', 'a', '', '\"quoted\", \\n',
         0x00ff, 0x01020304, 'a', 'x,y', '{\"a\": [1, \"ä\"]}', '::1',
         '123e4567-e89b-12d3-a456-426614174000', ST_GeomFromText('POINT(1 2)', 4326)),
        (2147483647, 255, 32767, 8388607, 0, 3.4e38, 1.7976931348623157e308,
         0.000000000000000000000000000001, 0, 2155, '9999-12-31', '9999-12-31 23:59:59.999999',
         '2038-01-19 03:14:07.999999', '838:59:59.999999', 'ÄÖ', 'NULL', '日本 🎁', '', 0, 'b', '',
         'null', 'fe80::1', '00000000-0000-0000-0000-000000000000',
         ST_GeomFromText('POINT(-1e300 0)', 4326)),
        (0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
         NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)";

#[test]
fn what_is_exported_and_loaded_again_is_the_same_in_every_format() {
    let schema = schema("roundtrip", TYPES);
    let directory = tempfile::tempdir().unwrap();
    let checksum = |table: &str| {
        let sum = schema.sql(&format!("CHECKSUM TABLE {table}")).unwrap();
        sum.split_whitespace().last().unwrap().to_owned()
    };
    let expected = checksum("t");
    for ending in ["parquet", "arrow", "arrows", "csv", "json", "ndjson"] {
        let file = directory.path().join(format!("t.{ending}"));
        export(&schema, "SELECT * FROM t", &file);
        for way in ["bulk", "load-data"] {
            let copy = format!("{ending}_{}", way.replace('-', "_"));
            schema.sql(&format!("CREATE TABLE {copy} LIKE t")).unwrap();
            let done = load(&schema, &copy, &file, &["--way", way]);
            done.assert(0, &[&format!("{copy}: 3 rows")]);
            assert_eq!(
                checksum(&copy),
                expected,
                "{copy}: {}",
                difference(&schema, &copy)
            );
        }
    }
}

/// What of a copy is not as in the original.
fn difference(schema: &Schema<'_>, copy: &str) -> String {
    let sql = |table: &str| format!("SELECT * FROM {table} ORDER BY id");
    let rows = |table: &str| schema.sql(&sql(table)).expect("both are there");
    format!("\n{}\n{}", rows("t"), rows(copy))
}

#[test]
fn a_table_is_made_for_what_is_in_the_file() {
    let schema = schema("create", "SELECT 1");
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("t.csv");
    fs::write(&file, "id,name,day,price\n1,Ada,2024-02-29,1.5\n2,,\\N,\n").unwrap();
    load(&schema, "t", &file, &["--mode", "create"]).assert(0, &["t: 2 rows"]);
    let rows = schema
        .sql("SELECT id, name, day, price FROM t ORDER BY id")
        .unwrap();
    assert_eq!(rows, "1\tAda\t2024-02-29\t1.5\n2\t\tNULL\tNULL\n");
    load(&schema, "t", &file, &["--mode", "create"]).assert(1, &["1050"]);
    assert_eq!(schema.sql("SELECT COUNT(*) FROM t").unwrap(), "2\n");
}

#[test]
fn keys_that_are_there_are_errors_replaced_left_out_or_changed() {
    let schema = schema(
        "modes",
        "CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(9), b INT DEFAULT 7);
         INSERT INTO t VALUES (1, 'old', 1)",
    );
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("t.ndjson");
    fs::write(
        &file,
        "{\"id\":1,\"a\":\"new\"}\n{\"id\":2,\"a\":\"two\"}\n",
    )
    .unwrap();
    let rows = || schema.sql("SELECT * FROM t ORDER BY id").unwrap();
    for way in ["bulk", "load-data"] {
        load(&schema, "t", &file, &["--way", way]).assert(1, &["1062", "--mode replace"]);
        assert_eq!(rows(), "1\told\t1\n");
    }
    load(&schema, "t", &file, &["--mode", "ignore"]).assert(0, &["1 rows were left out"]);
    assert_eq!(rows(), "1\told\t1\n2\ttwo\t7\n");
    load(&schema, "t", &file, &["--mode", "on-duplicate-update"]).assert(0, &["2 rows"]);
    assert_eq!(rows(), "1\tnew\t1\n2\ttwo\t7\n");
    load(&schema, "t", &file, &["--mode", "replace"]).assert(0, &["2 rows"]);
    assert_eq!(rows(), "1\tnew\t7\n2\ttwo\t7\n");
}

#[test]
fn a_file_that_cannot_be_loaded_says_why_and_nothing_is_inserted() {
    let schema = schema(
        "refused",
        "CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR(3))",
    );
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("t.csv");
    let refused = |text: &str, code, said: &[&str]| {
        fs::write(&file, text).unwrap();
        for way in ["bulk", "load-data"] {
            load(&schema, "t", &file, &["--way", way]).assert(code, said);
            assert_eq!(schema.sql("SELECT COUNT(*) FROM t").unwrap(), "0\n");
        }
    };
    refused(
        "id,name\n1,a\n2,b,c\n",
        5,
        &["t.csv", "line 3 has 3 values in place of 2"],
    );
    refused("id,nmae\n1,a\n", 5, &["`nmae`", "no column of this name"]);
    load(&schema, "t", &directory.path().join("none.csv"), &[]).assert(4, &["none.csv"]);
    load(&schema, "no_such_table", &file, &[]).assert(1, &["1146", "SHOW TABLES"]);
    let xlsx = directory.path().join("t.xlsx");
    fs::write(&xlsx, "").unwrap();
    load(&schema, "t", &xlsx, &[]).assert(2, &["t.xlsx", "--format"]);
    fs::write(&xlsx, "PAR1").unwrap();
    load(&schema, "t", &xlsx, &["--format", "parquet"]).assert(5, &["t.xlsx"]);
}

#[test]
fn a_value_that_the_server_would_change_is_an_error_unless_that_is_allowed() {
    let schema = schema(
        "warned",
        "CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR(3))",
    );
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("t.csv");
    fs::write(&file, "id,name\n1,much too long\n").unwrap();
    for way in ["bulk", "load-data"] {
        load(&schema, "t", &file, &["--way", way]).assert(1, &["name"]);
        assert_eq!(schema.sql("SELECT COUNT(*) FROM t").unwrap(), "0\n");
    }
    let allowed = ["--way", "load-data", "--allow-warnings"];
    load(&schema, "t", &file, &allowed).assert(0, &["the server warned 1 times"]);
    assert_eq!(schema.sql("SELECT name FROM t").unwrap(), "muc\n");
}

#[test]
fn several_files_and_names_that_are_not_utf_8_are_loaded() {
    let schema = schema("several", "CREATE TABLE `a.b` (n INT)");
    let directory = tempfile::tempdir().unwrap();
    let odd = std::ffi::OsString::from_vec(b"\xff.csv".to_vec());
    let files = [directory.path().join("one.csv"), directory.path().join(odd)];
    for file in &files {
        fs::write(file, "n\n1\n2\n").unwrap();
    }
    let url = url(schema.name());
    let mut command = otaria(["load", &url, "`a.b`"]);
    run(command.args(&files)).assert(0, &["4 rows"]);
    assert_eq!(schema.sql("SELECT SUM(n) FROM `a.b`").unwrap(), "6\n");
}

#[test]
fn standard_input_is_loaded_if_its_format_is_named() {
    let schema = schema("stdin", "CREATE TABLE t (n INT)");
    let url = url(schema.name());
    let piped = |options: &[&str], text: &str| {
        let mut command = otaria(["load", &url, "t", "-"]);
        let command = command.args(options).stdin(Stdio::piped());
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        // The tool may end before it has read all, or anything.
        let _ = child.stdin.take().unwrap().write_all(text.as_bytes());
        Done::of(&child.wait_with_output().unwrap())
    };
    piped(&["--format", "csv"], "n\n1\n2\n").assert(0, &["2 rows"]);
    piped(&["-f", "ndjson"], "{\"n\":3}\n").assert(0, &["1 rows"]);
    piped(&[], "n\n1\n").assert(2, &["--format"]);
    // More than is read ahead, and without a table: what was read to see the types is not lost.
    let objects: Vec<String> = (1..=12_000).map(|n| format!("{{\"n\":{n}}}\n")).collect();
    let objects = objects.concat();
    piped(&["-f", "ndjson", "--way", "bulk"], &objects).assert(0, &["12,000 rows"]);
    schema.sql("DELETE FROM t WHERE n > 3").unwrap();
    piped(&["-f", "parquet"], "n\n1\n").assert(2, &["standard input"]);
    piped(&["-f", "csv", "--no-header", "--delimiter", ";"], "4\n").assert(0, &["1 rows"]);
    assert_eq!(schema.sql("SELECT SUM(n) FROM t").unwrap(), "16\n");
}

#[test]
fn a_load_without_table_or_files_is_a_usage_error() {
    run(&mut otaria(["load", &url(""), "t"])).assert(2, &["a table and one or more files"]);
    run(&mut otaria(["load", "t", "file.csv"])).assert(2, &["no URL"]);
}
