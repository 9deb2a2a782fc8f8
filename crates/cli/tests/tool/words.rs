//! What the tool says: where something is wrong, in words of its own, and what to do.

use std::fs;
use std::path::Path;

use protocol_tests::live::{self, LiveServer, Schema};

use crate::support::{Done, otaria, run, url, url_of};

fn schema(name: &str, sql: &str) -> Schema<'static> {
    let schema = live::shared().schema(name).expect("a schema");
    schema.sql(sql).expect("its tables");
    schema
}

fn load(schema: &Schema<'_>, table: &str, files: &[&Path], options: &[&str]) -> Done {
    let url = url(schema.name());
    let mut command = otaria(["load", &url, table]);
    run(command.args(files).args(options))
}

fn export(schema: &Schema<'_>, sql: &str, file: &Path, options: &[&str]) {
    let url = url(schema.name());
    let mut command = otaria(["query", &url, sql, "-o"]);
    run(command.arg(file).args(options)).assert(0, &[]);
}

/// That nothing of the library's own names is shown.
#[track_caller]
fn assert_no_rust(done: &Done) {
    assert!(!done.err.contains("::"), "{done:#?}");
}

#[test]
fn a_parameter_without_a_value_is_named_with_the_option_that_gives_it_one() {
    let url = url("");
    for (sql, given, said) in [
        ("SELECT :city", None, "--param city=…"),
        ("SELECT :a, :b", Some("a=1"), "--param b=…"),
        ("SELECT ?", None, "write :name in place of ?"),
    ] {
        let mut command = otaria(["query", &url, sql]);
        command.args(given.map(|given| ["--param", given]).into_iter().flatten());
        run(&mut command).assert(1, &[said]);
    }
}

#[test]
fn what_the_server_warns_of_in_a_query_is_told() {
    let url = url("");
    let sql = "SELECT CAST('7x' AS SIGNED) AS n UNION ALL SELECT CAST('8y' AS SIGNED)";
    let done = run(&mut otaria(["query", &url, sql]));
    done.assert(0, &["warning 1292: ", "7x", "(and 1 more)"]);
    assert_eq!(done.out, "n\n7\n8\n");
    let done = run(&mut otaria(["query", &url, sql, "--quiet"]));
    assert_eq!((done.code, &*done.err), (Some(0), ""));
    let done = run(&mut otaria(["query", &url, "SELECT 1 AS n"]));
    assert_eq!((done.code, &*done.err), (Some(0), ""));
}

#[test]
fn a_row_is_told_by_its_file_and_its_place_from_1_in_words_of_the_tool() {
    let schema = schema("row_words", "CREATE TABLE t (id INT, at DATETIME)");
    let directory = tempfile::tempdir().unwrap();
    let [good, bad] = ["good.parquet", "bad.parquet"].map(|name| directory.path().join(name));
    let sql = |fraction: &str| {
        format!(
            "SELECT 1 AS id, CAST('2024-01-01 12:00:00' AS DATETIME(6)) AS at
             UNION ALL SELECT 2, CAST('2024-01-01 12:00:00{fraction}' AS DATETIME(6))"
        )
    };
    export(&schema, &sql(""), &good, &[]);
    export(&schema, &sql(".5"), &bad, &[]);
    for way in ["bulk", "load-data"] {
        let done = load(&schema, "t", &[&good, &bad], &["--way", way]);
        let place = "bad.parquet: row 2, column `at`: the second has more digits than the 0";
        done.assert(5, &[place, "DATETIME(6)", "Nothing was inserted."]);
        assert_no_rust(&done);
    }
    assert_eq!(schema.sql("SELECT COUNT(*) FROM t").unwrap(), "0\n");
}

#[test]
fn what_is_left_behind_an_error_is_said() {
    let schema = schema(
        "left",
        "CREATE TABLE t (id INT PRIMARY KEY);
         CREATE TABLE old (id INT PRIMARY KEY) ENGINE = MyISAM",
    );
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("t.csv");
    let ids: Vec<String> = (0..20_000).map(|id| id.to_string()).collect();
    fs::write(&file, format!("id\n{}\n7\n", ids.join("\n"))).unwrap();
    let done = load(&schema, "t", &[&file], &["--commit-every", "1"]);
    done.assert(
        1,
        &["1062", "The first 16,384 rows are committed, and stay."],
    );
    schema.sql("DELETE FROM t").unwrap();
    load(&schema, "t", &[&file], &[]).assert(1, &["1062", "Nothing was inserted."]);
    let done = load(&schema, "old", &[&file], &[]);
    done.assert(1, &["1062", "engine MyISAM have no transactions"]);
    assert!(!done.err.contains("Nothing was inserted"), "{done:#?}");
    let done = load(
        &schema,
        "new",
        &[&file],
        &["--mode", "create", "--primary-key", "id"],
    );
    done.assert(1, &["1062", "Nothing was inserted."]);
}

#[test]
fn private_server_a_row_or_statement_of_more_than_max_allowed_packet_says_so() {
    let server = LiveServer::builder()
        .option("--max_allowed_packet=65536")
        .start()
        .unwrap();
    server
        .sql("CREATE TABLE mysql.t (id INT, name LONGTEXT)")
        .unwrap();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("t.csv");
    let long = "x".repeat(200_000);
    fs::write(&file, format!("id,name\n1,a\n2,{long}\n")).unwrap();
    let url = url_of(&server, "mysql");
    let tool = |arguments: &[&str]| {
        let mut command = otaria(arguments);
        run(command.env("MARIADB_PASSWORD", server.password()))
    };
    let file = file.to_str().unwrap();
    let done = tool(&["load", &url, "t", file, "--way", "bulk"]);
    done.assert(
        5,
        &["t.csv: row 2: it makes a command of", "max_allowed_packet"],
    );
    // One argument takes less than 128 KiB.
    let statement = format!("SELECT LENGTH('{}')", "x".repeat(100_000));
    for arguments in [
        &["load", &url, "t", file, "--way", "load-data"][..],
        &["query", &url, &statement],
    ] {
        let done = tool(arguments);
        assert!(done.err.contains("max_allowed_packet"), "{done:#?}");
        assert_ne!(done.code, Some(0));
    }
}

#[test]
fn an_address_that_nobody_listens_on_is_said_once() {
    let done = run(&mut otaria(["ping", "mariadb://ada@127.0.0.1:1/"]));
    assert_eq!(done.err.matches("127.0.0.1:1").count(), 1, "{done:#?}");
    let done = run(&mut otaria([
        "ping",
        "mariadb://ada@127.0.0.1:1,127.0.0.1:2/",
    ]));
    done.assert(
        3,
        &["127.0.0.1:1", "127.0.0.1:2", "No server listens there"],
    );
}

#[test]
fn null_and_empty_texts_are_two_things_also_where_nothing_stands_for_null() {
    let schema = schema(
        "empty_null",
        "CREATE TABLE t (id INT, name VARCHAR(9), note VARCHAR(9));
         INSERT INTO t VALUES (1, '', NULL), (2, NULL, ''), (NULL, '\"', ','), (4, NULL, NULL);
         CREATE TABLE copy LIKE t",
    );
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("t.csv");
    for null in ["", "\\N", "nothing"] {
        let null = ["--null", null];
        export(&schema, "SELECT * FROM t", &file, &null);
        load(&schema, "copy", &[&file], &null).assert(0, &["4 rows"]);
        let sql = "SELECT * FROM t EXCEPT ALL SELECT * FROM copy";
        assert_eq!(schema.sql(sql).unwrap(), "", "{null:?}");
        schema.sql("DELETE FROM copy").unwrap();
    }
    export(&schema, "SELECT * FROM t", &file, &["--null", ""]);
    let text = fs::read_to_string(&file).unwrap();
    assert_eq!(
        text,
        "id,name,note\n1,\"\",\n2,,\"\"\n,\"\"\"\",\",\"\n4,,\n"
    );
    let url = url(schema.name());
    let mut command = otaria(["query", &url, "SELECT name FROM t", "--null", ""]);
    run(&mut command).assert(5, &["empty line", "--null"]);
}

#[test]
fn arguments_of_no_use_to_a_load_are_refused_and_not_in_its_help() {
    let schema = schema("arguments", "SELECT 1");
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("t.csv");
    fs::write(&file, "id,v\n1,a\n").unwrap();
    load(&schema, "t", &[&file], &["--text-length", "0"]).assert(2, &["--text-length"]);
    load(&schema, "t", &[&file], &["--format", "table"]).assert(2, &["ndjson"]);
    let help = run(&mut otaria(["load", "--help"]));
    assert!(!help.out.contains("A table for people"), "{}", help.out);
    assert!(help.out.contains("An object a line"), "{}", help.out);
    let packed = directory.path().join("t.csv.gz");
    fs::write(&packed, "").unwrap();
    load(&schema, "t", &[&packed], &[]).assert(2, &["zcat ", "--format csv"]);
    let options = [
        "--mode",
        "create",
        "--text-length",
        "9",
        "--primary-key",
        "v, id",
    ];
    load(&schema, "t", &[&file], &options).assert(0, &["1 rows"]);
}
