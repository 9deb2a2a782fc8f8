use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use protocol_tests::live::{self, Schema};

use crate::support::{Done, names, on_terminal, otaria, run, url};

fn schema(name: &str, sql: &str) -> Schema<'static> {
    let schema = live::shared().schema(name).expect("a schema");
    schema.sql(sql).expect("its tables");
    schema
}

/// `otaria query` with these arguments; in some database, without which there are no sequences.
fn query(arguments: &[&str]) -> Done {
    let url = url("mysql");
    let all = ["query", &url].into_iter().chain(arguments.iter().copied());
    run(&mut otaria(all))
}

#[test]
fn rows_go_to_standard_output_as_csv_unless_another_format_is_asked_for() {
    let sql = "SELECT 1 AS a, 'x,y' AS b, NULL AS c";
    let done = query(&[sql]);
    done.assert(0, &[]);
    assert_eq!(
        (done.out.as_str(), done.err.as_str()),
        ("a,b,c\n1,\"x,y\",\\N\n", "")
    );
    let out = |arguments: &[&str]| query(&[&[sql], arguments].concat()).out;
    assert_eq!(
        out(&["--format", "ndjson"]),
        "{\"a\":1,\"b\":\"x,y\",\"c\":null}\n"
    );
    assert_eq!(
        out(&["-o", "-", "-f", "json"]),
        "[{\"a\":1,\"b\":\"x,y\",\"c\":null}]\n"
    );
    assert_eq!(out(&["--null", "", "--no-header"]), "1,\"x,y\",\n");
    assert_eq!(
        out(&["-f", "table"]),
        "a  b    c\n───────────\n1  x,y  NULL\n".replace("───────────", "────────────")
    );
    assert_eq!(out(&["--text"]), "a,b,c\n1,\"x,y\",\\N\n");
}

#[test]
fn a_statement_is_read_from_standard_input_and_the_url_from_the_environment() {
    let sql = tempfile::NamedTempFile::new().unwrap();
    fs::write(sql.path(), "SELECT 7 AS n").unwrap();
    let mut command = otaria(["query", "-"]);
    let file = fs::File::open(sql.path()).unwrap();
    let done = run(command.env("OTARIA_URL", url("")).stdin(file));
    done.assert(0, &[]);
    assert_eq!(done.out, "n\n7\n");
}

#[test]
fn parameters_go_by_their_names_as_text_or_as_numbers() {
    let sql = &live::shared()
        .dialect("SELECT :s AS s, :n + 1 AS n, :x IS NULL AS x FROM seq_1_to_3 LIMIT :n");
    let done = query(&[sql, "-p", "s=a'b", "-p", "n:=1", "-p", "x:=null"]);
    done.assert(0, &[]);
    assert_eq!(done.out, "s,n,x\na'b,2,1\n");
    query(&[sql, "-p", "s"]).assert(2, &["name=text"]);
    query(&[sql, "-p", "s=x"]).assert(1, &[]);
    query(&[sql, "-p", "s=x", "--text"]).assert(2, &["--text"]);
}

#[test]
fn timestamps_are_points_in_time_and_datetimes_are_not() {
    let schema = schema(
        "zones",
        "SET time_zone = '+02:00'; CREATE TABLE t (a TIMESTAMP, b DATETIME);
         INSERT INTO t VALUES ('2024-02-29 12:30:00', '2024-02-29 12:30:00')",
    );
    let url = url(schema.name());
    let done = run(&mut otaria(["query", &url, "SELECT * FROM t"]));
    assert_eq!(
        done.out, "a,b\n2024-02-29T10:30:00Z,2024-02-29T12:30:00\n",
        "{done:?}"
    );
    let done = run(&mut otaria([
        "query",
        &url,
        "SELECT * FROM t",
        "--time-zone",
        "+01:00",
    ]));
    assert_eq!(
        done.out, "a,b\n2024-02-29T10:30:00Z,2024-02-29T12:30:00\n",
        "{done:?}"
    );
}

#[test]
fn dates_that_no_calendar_has_are_errors_null_or_text() {
    let schema = schema(
        "zerodates",
        "SET sql_mode = ''; CREATE TABLE t (d DATE NOT NULL);
         INSERT INTO t VALUES ('2024-02-29'), ('0000-00-00'), ('2024-02-00')",
    );
    let url = url(schema.name());
    let zero = |how: &str| {
        run(&mut otaria([
            "query",
            &url,
            "SELECT * FROM t",
            "--zero-dates",
            how,
        ]))
    };
    let done = run(&mut otaria(["query", &url, "SELECT * FROM t"]));
    done.assert(
        5,
        &[
            "row 2, column `d`: no calendar has this date",
            "--zero-dates null",
            "--zero-dates text",
        ],
    );
    let done = zero("null");
    done.assert(0, &["2 values became NULL"]);
    assert_eq!(done.out, "d\n2024-02-29\n\\N\n\\N\n");
    assert_eq!(zero("text").out, "d\n2024-02-29\n0000-00-00\n2024-02-00\n");
}

#[test]
fn null_in_a_column_that_is_declared_not_null_is_an_error_only_if_that_is_asked_for() {
    let schema = schema(
        "rollup",
        "CREATE TABLE t (a INT NOT NULL); INSERT INTO t VALUES (1)",
    );
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("out.parquet");
    let url = url(schema.name());
    let sql = "SELECT a, COUNT(*) AS n FROM t GROUP BY a WITH ROLLUP";
    let mut export = otaria(["query", &url, sql, "-o"]);
    run(export.arg(&file)).assert(0, &["2 rows"]);
    let mut export = otaria(["query", &url, sql, "--keep-not-null", "-o"]);
    let done = run(export.arg(&file));
    if done.code != Some(0) {
        done.assert(5, &["--keep-not-null"]);
    }
}

#[test]
fn columns_that_are_declared_not_null_are_that_in_a_new_table_if_it_is_asked_for() {
    let schema = schema(
        "notnull",
        "CREATE TABLE t (a INT NOT NULL, b INT); INSERT INTO t VALUES (1, NULL)",
    );
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("out.parquet");
    let url = url(schema.name());
    for (option, copy, expected) in [
        ("--keep-not-null", "kept", "NO\nYES\n"),
        ("--quiet", "lost", "YES\nYES\n"),
    ] {
        let mut export = otaria(["query", &url, "SELECT * FROM t", option, "-o"]);
        run(export.arg(&file)).assert(0, &[]);
        let mut load = otaria(["load", &url, copy]);
        run(load.arg(&file).args(["--mode", "create"])).assert(0, &["1 rows"]);
        let sql = format!(
            "SELECT IS_NULLABLE FROM information_schema.COLUMNS \
             WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = '{copy}' ORDER BY ORDINAL_POSITION"
        );
        assert_eq!(schema.sql(&sql).unwrap(), expected, "{option}");
    }
}

#[test]
fn a_named_vector_is_a_list_of_numbers_and_else_bytes() {
    // 1.0 and -0.5: of an expression no server tells the type.
    let sql = "SELECT CAST(x'0000803f000000bf' AS BINARY(8)) AS v";
    let out = |arguments: &[&str]| query(&[&[sql], arguments].concat()).out;
    assert_eq!(out(&[]), "v\n0000803f000000bf\n");
    assert_eq!(out(&["--vector", "v"]), "v\n\"[1.0, -0.5]\"\n");
    let text = ["--vector", "v", "-f", "ndjson", "--text"];
    assert_eq!(out(&text), "{\"v\":[1.0,-0.5]}\n");
    query(&[sql, "--vector", "w"]).assert(5, &["w"]);
}

#[test]
fn a_statement_that_the_server_refuses_says_what_to_do_and_leaves_no_file() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("out.csv");
    let refused = |database: &str, sql: &str, said: &[&str]| {
        let url = url(database);
        let mut export = otaria(["query", &url, sql, "-o"]);
        run(export.arg(&file)).assert(1, said);
        assert!(names(directory.path()).is_empty());
    };
    refused(
        "mysql",
        "SELECT * FROM no_such_table",
        &["1146", "SHOW TABLES"],
    );
    refused("", "SELEKT 1", &["1064", "no SQL"]);
    refused(
        "mysql",
        "SELECT no_such_column FROM db",
        &["1054", "SHOW COLUMNS"],
    );
    refused("", "SELECT * FROM t", &["1046", "Name the database"]);
}

#[test]
fn an_error_in_the_middle_of_the_rows_leaves_the_file_that_was_there() {
    let directory = tempfile::tempdir().unwrap();
    let sql = &live::shared().dialect(
        "SELECT seq, IF(seq = 50000, (SELECT 1 UNION SELECT 2), 1) AS x FROM seq_1_to_60000",
    );
    for name in ["out.csv", "out.parquet", "out.arrow", "out.json"] {
        let file = directory.path().join(name);
        fs::write(&file, "before").unwrap();
        let url = url("mysql");
        let mut export = otaria(["query", &url, sql, "-o"]);
        run(export.arg(&file)).assert(1, &["1242"]);
        assert_eq!(fs::read_to_string(&file).unwrap(), "before");
        fs::remove_file(&file).unwrap();
    }
    assert!(names(directory.path()).is_empty());
}

#[test]
fn a_file_that_was_there_is_replaced_by_a_whole_one() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("out.csv");
    fs::write(&file, "before").unwrap();
    let done = query(&["SELECT 1 AS n", "-o", file.to_str().unwrap()]);
    done.assert(0, &["1 rows", "out.csv"]);
    assert_eq!(
        (
            fs::read_to_string(&file).unwrap().as_str(),
            done.out.as_str()
        ),
        ("n\n1\n", "")
    );
    let done = query(&["SELECT 1 AS n", "--quiet", "-o", file.to_str().unwrap()]);
    assert_eq!(done.err, "");
    assert_eq!(names(directory.path()), ["out.csv"]);
}

#[test]
fn a_result_without_rows_is_a_whole_file_of_every_format() {
    let directory = tempfile::tempdir().unwrap();
    for name in [
        "o.csv",
        "o.parquet",
        "o.arrow",
        "o.arrows",
        "o.json",
        "o.ndjson",
    ] {
        let file = directory.path().join(name);
        let sql = "SELECT 1 AS n FROM DUAL WHERE FALSE";
        query(&[sql, "-o", file.to_str().unwrap()]).assert(0, &["0 rows"]);
        assert!(file.exists(), "{name}");
    }
}

#[test]
fn a_statement_that_returns_no_table_runs_and_writes_no_file() {
    let schema = schema("norows", "CREATE TABLE t (a INT)");
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("out.csv");
    let url = url(schema.name());
    let insert = "INSERT INTO t VALUES (1)";
    run(&mut otaria(["query", &url, insert])).assert(0, &["returns no table"]);
    let done = run(otaria(["query", &url, insert, "-o"]).arg(&file));
    done.assert(1, &["was not written"]);
    assert!(!file.exists());
    assert_eq!(schema.sql("SELECT COUNT(*) FROM t").unwrap(), "2\n");
}

#[test]
fn names_that_tell_no_format_and_folders_that_cannot_be_written_are_known_before_the_server_works()
{
    // Nobody listens there: a connection would be another error.
    let nowhere = "mariadb://ada@127.0.0.1:1/";
    let to = |file: &str| run(&mut otaria(["query", nowhere, "SELECT 1", "-o", file]));
    to("out.xlsx").assert(2, &["out.xlsx", ".parquet", "--format"]);
    to("out").assert(2, &["--format"]);
    to("/no/such/folder/out.csv").assert(4, &["/no/such/folder/out.csv", "check the path"]);
    to("/sys/out.csv").assert(4, &["/sys/out.csv", "choose another one"]);
    let directory = tempfile::Builder::new().suffix(".csv").tempdir().unwrap();
    to(directory.path().to_str().unwrap()).assert(4, &["directory"]);
}

#[test]
fn a_full_disk_is_an_error_that_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let sql = &live::shared().dialect("SELECT seq, REPEAT('x', 100) AS x FROM seq_1_to_100000");
    for name in ["out.csv", "out.parquet", "out.arrow", "out.ndjson"] {
        let file = directory.path().join(name);
        std::os::unix::fs::symlink("/dev/full", &file).unwrap();
        let done = query(&[sql, "-o", file.to_str().unwrap()]);
        done.assert(4, &["cannot write to", name, "The disk is full: make room"]);
        assert!(
            !done.err.contains("before"),
            "a device has no before: {done:#?}"
        );
    }
    let full = fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let url = url("mysql");
    let mut command = otaria(["query", &url, sql]);
    let output = command.stdout(full).stderr(Stdio::piped()).spawn().unwrap();
    let done = Done::of(&output.wait_with_output().unwrap());
    done.assert(4, &["standard output", "The disk is full"]);
}

#[test]
fn a_reader_that_goes_away_ends_the_export_quietly() {
    let url = url("mysql");
    let sql = &live::shared().dialect("SELECT seq FROM seq_1_to_10000000");
    let mut command = otaria(["query", &url, sql]);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "seq");
    drop(lines);
    let done = Done::of(&child.wait_with_output().unwrap());
    assert_eq!((done.code, done.err.as_str()), (Some(141), ""));
}

#[test]
fn rows_beyond_the_limit_are_not_waited_for() {
    let done = query(&["SELECT seq FROM seq_1_to_1000000000000", "--max-rows", "2"]);
    done.assert(0, &[]);
    assert_eq!(done.out, "seq\n1\n2\n");
    assert_eq!(query(&["SELECT 1 AS n", "--max-rows", "0"]).out, "n\n");
}

#[test]
fn columns_of_one_name_are_refused_where_only_names_tell_them_apart() {
    let sql = "SELECT 1 AS x, 2 AS x";
    query(&[sql, "-f", "json"]).assert(5, &["`x`", "AS"]);
    assert_eq!(query(&[sql]).out, "x,x\n1,2\n");
}

#[test]
fn what_the_options_ask_of_columns_is_done() {
    let sql = "SELECT CAST('1.50' AS DECIMAL(4,2)) AS d, CAST('-25:00:00' AS TIME) AS t";
    let out = |arguments: &[&str]| query(&[&[sql], arguments].concat()).out;
    assert_eq!(out(&[]), "d,t\n1.50,-25:00:00\n");
    assert_eq!(out(&["--decimal", "float"]), "d,t\n1.5,-25:00:00\n");
    query(&[sql, "--time", "day"]).assert(5, &["--time duration"]);
}

#[test]
fn on_a_terminal_rows_are_a_table_and_a_file_has_a_progress_bar() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("out.csv");
    let url = url("mysql");
    let sql = &live::shared().dialect("SELECT seq AS n FROM seq_1_to_300000");
    let table = format!("query --no-defaults -W '{url}' '{sql} LIMIT 2'");
    let done = on_terminal(&table);
    assert!(done.out.contains("\r\nn\r\n─\r\n1\r\n2\r\n"), "{done:#?}");
    let export = format!(
        "query --no-defaults -W '{url}' '{sql}' -o {}",
        file.display()
    );
    let done = on_terminal(&export);
    assert!(done.out.contains("waiting for the server"), "{done:#?}");
    assert!(done.out.contains("300,000 rows"), "{done:#?}");
    let done = on_terminal(&format!("{export} --quiet"));
    assert!(!done.out.contains("rows"), "{done:#?}");
}

#[test]
fn a_procedure_runs_to_its_end_and_its_late_errors_are_errors() {
    let schema = schema("procedures", "CREATE TABLE t (n INT)");
    let bodies = [
        (
            "late",
            "SELECT 1 AS a; DO SLEEP(0.3); INSERT INTO t VALUES (1)",
        ),
        (
            "fails",
            "SELECT 1 AS a; SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'too late'",
        ),
        (
            "two",
            "SELECT 1 AS a; SELECT 2 AS b; INSERT INTO t VALUES (2)",
        ),
    ];
    for (name, body) in bodies {
        let sql = format!("DELIMITER //\nCREATE PROCEDURE {name}() BEGIN {body}; END//");
        schema.sql(&sql).unwrap();
    }
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("out.csv");
    let call = |name: &str| {
        let sql = format!("CALL {name}()");
        let arguments = [
            "query",
            &url(schema.name()),
            &sql,
            "-o",
            file.to_str().unwrap(),
        ];
        run(&mut otaria(arguments))
    };
    call("fails").assert(1, &["too late"]);
    call("two").assert(5, &["2 tables"]);
    assert!(names(directory.path()).is_empty());
    call("late").assert(0, &["1 rows"]);
    assert_eq!(fs::read_to_string(&file).unwrap(), "a\n1\n");
    assert_eq!(schema.sql("SELECT SUM(n) FROM t").unwrap(), "3\n");
}

#[test]
fn of_two_exports_to_one_file_at_a_time_each_is_whole_and_one_is_left() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("out.csv");
    let url = url("mysql");
    let export = |text: &str| {
        let sql = format!("SELECT seq, REPEAT('{text}', 50) AS x FROM mysql.seq_1_to_100000");
        let mut export = otaria(["query", &url, &live::shared().dialect(&sql), "-o"]);
        let export = export.arg(&file).stderr(Stdio::piped());
        export.spawn().unwrap()
    };
    let both = [export("a"), export("b")];
    for child in both {
        let done = Done::of(&child.wait_with_output().unwrap());
        done.assert(0, &["100,000 rows"]);
    }
    let text = fs::read_to_string(&file).unwrap();
    assert_eq!(text.lines().count(), 100_001);
    let of_a = text.lines().filter(|line| line.ends_with("aa")).count();
    assert!([0, 100_000].contains(&of_a), "{of_a} rows of one export");
    assert_eq!(names(directory.path()), ["out.csv"]);
}
