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
    // What the table computes is in no file.
    let computed = "ALTER TABLE t ADD c INT AS (n + 1) STORED FIRST";
    schema.sql(computed).unwrap();
    piped(&["-f", "csv", "--no-header"], "5\n").assert(0, &["1 rows"]);
    piped(&["-f", "csv"], "n,c\n6,7\n").assert(5, &["`c`", "generated"]);
    assert_eq!(schema.sql("SELECT c FROM t WHERE n >= 5").unwrap(), "6\n");
}

#[test]
fn a_load_without_table_or_files_is_a_usage_error() {
    run(&mut otaria(["load", &url(""), "t", "--mode", "append"]))
        .assert(2, &["a table and one or more files"]);
    run(&mut otaria(["load", "t", "file.csv"])).assert(2, &["no URL"]);
}

#[test]
fn a_quotation_that_does_not_end_is_an_error_with_its_line_and_nothing_is_inserted() {
    let schema = schema("quotes", "CREATE TABLE t (id INT, name TEXT)");
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("t.csv");
    for (text, said) in [
        (
            "id,name\n1,a\n2,\"b\n3,c\n",
            "begins in line 3 does not end",
        ),
        (
            "id,name\n1,\"a\n2,\"b\"\n",
            "begins in line 2 is followed by text",
        ),
    ] {
        fs::write(&file, text).unwrap();
        load(&schema, "t", &file, &[]).assert(5, &["t.csv", said]);
        load(&schema, "new", &file, &["--mode", "create"]).assert(5, &["t.csv", said]);
    }
    assert_eq!(schema.sql("SELECT COUNT(*) FROM t").unwrap(), "0\n");
    assert_eq!(schema.sql("SHOW TABLES").unwrap(), "t\n");
}

#[test]
fn a_text_of_which_the_server_would_make_something_else_is_an_error() {
    let schema = schema("silent", "SELECT 1");
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("t.csv");
    for (sql_type, text, is_taken) in [
        ("DATETIME", "2024-02-29 12:30:00.5", false),
        ("DATETIME(1)", "2024-02-29 12:30:00.5", true),
        ("DATETIME", "24-02-29 12:30:00", false),
        ("DATETIME", "2024-02-29T12:30:00Z", false),
        ("TIMESTAMP NULL", "2024-02-29T12:30:00.5Z", false),
        ("TIMESTAMP(3) NULL", "2024-02-29T12:30:00.5Z", true),
        ("DATE", "70-01-01", false),
        ("DATE", "2024-02-29 12:30:00", false),
        ("TIME(2)", "12:30:00.123", false),
        ("TIME", "1230", false),
        ("YEAR", "70", false),
        ("YEAR", "1970", true),
        ("ENUM('a', 'b')", "2", false),
        ("ENUM('a', '2')", "2", true),
        ("SET('a', 'b')", "3", false),
        ("SET('a', 'b')", "a,b", true),
        ("FLOAT", "1e39", false),
        ("FLOAT", "3.4028235e38", true),
        ("DOUBLE", "1e400", false),
        ("DECIMAL(4, 1)", "1.25", false),
        ("INT", "1.5", false),
        ("TINYINT", "300", false),
        ("VARCHAR(3)", "four", false),
        ("BIT(3)", "9", false),
    ] {
        let sql = format!("DROP TABLE IF EXISTS t; CREATE TABLE t (a {sql_type})");
        schema.sql(&sql).unwrap();
        fs::write(&file, format!("a\n\"{text}\"\n")).unwrap();
        for way in ["bulk", "load-data"] {
            let done = load(&schema, "t", &file, &["--way", way]);
            let found = schema.sql("SELECT a FROM t").unwrap();
            if is_taken {
                done.assert(0, &["1 rows"]);
                schema.sql("DELETE FROM t").unwrap();
            } else {
                let code = done.code.unwrap();
                assert!(
                    [1, 5].contains(&code),
                    "{sql_type} {text} {way}: {done:#?} {found}"
                );
                assert_eq!(found, "", "{sql_type} {text} {way}");
                done.assert(
                    code,
                    &["`a`"].map(|name| if code == 5 { name } else { "error" }),
                );
            }
        }
    }
}

#[test]
fn the_greatest_and_the_least_floats_come_back_as_they_were() {
    let schema = schema(
        "floats",
        "CREATE TABLE t (f FLOAT, d DOUBLE);
         INSERT INTO t VALUES (340282346638528859811704183484516925440, 1.7976931348623157e308),
             (-340282346638528859811704183484516925440, -1.7976931348623157e308),
             (1.1754943508222875e-38, 2.2250738585072014e-308), (1e-45, 0), (16777216, 0.1)",
    );
    let directory = tempfile::tempdir().unwrap();
    let bits = |table: &str| {
        let sql = format!("SELECT CAST(f AS DOUBLE), f * 1.0, d FROM {table}");
        schema.sql(&sql).unwrap()
    };
    let expected = bits("t");
    for ending in ["csv", "ndjson", "json", "parquet"] {
        let file = directory.path().join(format!("t.{ending}"));
        export(&schema, "SELECT * FROM t", &file);
        for way in ["bulk", "load-data"] {
            schema
                .sql("DROP TABLE IF EXISTS copy; CREATE TABLE copy LIKE t")
                .unwrap();
            load(&schema, "copy", &file, &["--way", way]).assert(0, &["5 rows"]);
            assert_eq!(bits("copy"), expected, "{ending} by {way}");
        }
    }
}

#[test]
fn a_damaged_file_is_an_error_that_names_it() {
    let schema = schema(
        "damaged",
        "CREATE TABLE t (id INT, name VARCHAR(20));
         INSERT INTO t SELECT seq, CONCAT('name ', seq) FROM seq_1_to_200",
    );
    let directory = tempfile::tempdir().unwrap();
    schema.sql("CREATE TABLE copy LIKE t").unwrap();
    for ending in ["parquet", "arrow", "arrows"] {
        let name = format!("t.{ending}");
        let file = directory.path().join(&name);
        export(&schema, "SELECT * FROM t", &file);
        let whole = fs::read(&file).unwrap();
        let mut refused = 0;
        for place in (0..whole.len()).step_by(whole.len() / 12) {
            let mut damaged = whole.clone();
            let end = damaged.len().min(place + 16);
            damaged[place..end].fill(0xff);
            fs::write(&file, &damaged).unwrap();
            let done = load(&schema, "copy", &file, &[]);
            if done.code != Some(0) {
                let code = done.code.unwrap();
                assert!([1, 2, 5].contains(&code), "{name} at {place}: {done:#?}");
                done.assert(code, &["error"]);
                refused += 1;
            }
        }
        assert!(refused > 3, "{name}: {refused}");
        schema.sql("DELETE FROM copy").unwrap();
        // The last of them in front of the end of a stream.
        for length in [8, 12, whole.len() / 2, whole.len() - 2, whole.len() - 8] {
            fs::write(&file, &whole[..length]).unwrap();
            let done = load(&schema, "copy", &file, &[]);
            done.assert(5, &[&name, "its end is missing", "Nothing was inserted."]);
        }
        assert_eq!(schema.sql("SELECT COUNT(*) FROM copy").unwrap(), "0\n");
    }
}

#[test]
fn files_without_a_row_load_none() {
    let schema = schema("none", "CREATE TABLE t (id INT)");
    let directory = tempfile::tempdir().unwrap();
    let loaded = |ending: &str, text: &str, table: &str, options: &[&str]| {
        let file = directory.path().join(format!("t.{ending}"));
        fs::write(&file, text).unwrap();
        load(&schema, table, &file, options)
    };
    for (ending, text) in [
        ("json", "[]\n"),
        ("json", "[\n]"),
        ("ndjson", ""),
        ("csv", "id\n"),
    ] {
        loaded(ending, text, "t", &[]).assert(0, &["t: 0 rows"]);
    }
    loaded("json", "", "t", &[]).assert(5, &["t.json", "it is empty"]);
    loaded("ndjson", "{}\n", "t", &[]).assert(5, &["t.ndjson", "no keys"]);
    loaded("json", "[]", "no_such_table", &[]).assert(1, &["1146"]);
    loaded("json", "[]", "new", &["--mode", "create"]).assert(5, &["t.json", "new table"]);
    assert_eq!(schema.sql("SHOW TABLES").unwrap(), "t\n");
}

#[test]
fn a_new_table_has_the_primary_key_that_is_asked_for() {
    let schema = schema("primarykey", "SELECT 1");
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("t.csv");
    fs::write(&file, "id,name\n1,Ada\n2,Bo\n").unwrap();
    let create = |table: &str, options: &[&str]| {
        let all = [&["--mode", "create"], options].concat();
        load(&schema, table, &file, &all)
    };
    create("t", &["--primary-key", "ID,name", "--text-length", "20"]).assert(0, &["2 rows"]);
    let sql = "SELECT COLUMN_NAME FROM information_schema.STATISTICS \
         WHERE TABLE_SCHEMA = DATABASE() AND INDEX_NAME = 'PRIMARY' ORDER BY SEQ_IN_INDEX";
    assert_eq!(schema.sql(sql).unwrap(), "id\nname\n");
    create("u", &["--primary-key", "nmae"]).assert(5, &["`nmae`"]);
    create("u", &["--primary-key", "name"]).assert(5, &["`name`", "--text-length"]);
    load(&schema, "t", &file, &["--primary-key", "id"]).assert(2, &["--mode create"]);
    assert_eq!(schema.sql("SHOW TABLES").unwrap(), "t\n");
}

#[test]
fn what_the_server_rounds_is_an_error_also_where_it_is_told_to_keep_quiet() {
    let schema = schema("quietnotes", "CREATE TABLE t (a DECIMAL(4, 1))");
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("t.csv");
    fs::write(&file, "a\n1.25\n").unwrap();
    let mut url = url(schema.name());
    url.push(if url.contains('?') { '&' } else { '?' });
    url.push_str("init_command=SET%20sql_notes%3D0");
    for way in ["bulk", "load-data"] {
        let mut command = otaria(["load", &url, "t", "--way", way]);
        run(command.arg(&file)).assert(5, &["row 1, column `a`: the number has digits beyond"]);
        assert_eq!(schema.sql("SELECT * FROM t").unwrap(), "");
    }
}

#[test]
fn vectors_come_back_as_they_were_in_every_format() {
    // Where there are none, the same bytes do.
    let has_vectors = live::shared().has_type("VECTOR");
    let column = if has_vectors {
        "VECTOR(3)"
    } else {
        "VARBINARY(12)"
    };
    // 1, -0.5 and 1e18; the least, 0.1 and 16777216. Of greater ones the server takes no square.
    let schema = schema(
        "vectors",
        &format!(
            "CREATE TABLE t (id INT PRIMARY KEY, v {column});
             INSERT INTO t VALUES (1, x'0000803f000000bf6b0b5e5d'), (2, NULL),
                 (3, x'01000000cdcccc3d0000804b')"
        ),
    );
    let directory = tempfile::tempdir().unwrap();
    let rows = |table: &str| {
        let sql = format!("SELECT id, HEX(v) FROM {table} ORDER BY id");
        schema.sql(&sql).unwrap()
    };
    for (ending, options) in [
        ("csv", &[][..]),
        ("csv", &["--vectors", "binary"]),
        ("ndjson", &[]),
        ("json", &[]),
        ("parquet", &[]),
        ("parquet", &["--vectors", "binary"]),
        ("arrow", &[]),
    ] {
        let file = directory.path().join(format!("t.{ending}"));
        let url = url(schema.name());
        let mut export = otaria(["query", &url, "SELECT * FROM t", "-o"]);
        run(export.arg(&file).args(options)).assert(0, &["3 rows"]);
        for way in ["bulk", "load-data"] {
            schema
                .sql("DROP TABLE IF EXISTS copy; CREATE TABLE copy LIKE t")
                .unwrap();
            load(&schema, "copy", &file, &["--way", way]).assert(0, &["3 rows"]);
            assert_eq!(rows("copy"), rows("t"), "{ending} {options:?} by {way}");
        }
    }
    let file = directory.path().join("t.csv");
    let wrong = ["[1,2]", "[1,2,x]", "[1,2,1e39]", "1,2,3", "00"];
    // The last one is of too few bytes for a vector only.
    let count = if has_vectors { 5 } else { 4 };
    for wrong in &wrong[..count] {
        fs::write(&file, format!("id,v\n7,\"{wrong}\"\n")).unwrap();
        load(&schema, "t", &file, &[]).assert(5, &["row 1, column `v`"]);
    }
}
