use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use protocol_tests::live;

use crate::support::{Done, names, otaria, url};

/// The tool as it runs on. Whoever runs this test in the background may have it ignore Ctrl-C, which
/// the tool would then do, too.
fn start(arguments: &[&str]) -> Child {
    let tool = otaria(arguments);
    let mut command = Command::new("env");
    command
        .arg("--default-signal=INT,TERM,HUP")
        .arg(tool.get_program());
    command.args(tool.get_args()).env_clear();
    for (name, value) in tool.get_envs() {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    let command = command.stdin(Stdio::piped()).stdout(Stdio::null());
    let child = command.stderr(Stdio::piped()).spawn();
    child.expect("the tool starts")
}

/// How many statements run that have `mark` in them.
fn running(mark: &str) -> u32 {
    let sql = format!(
        "SELECT COUNT(*) FROM information_schema.PROCESSLIST \
         WHERE INFO LIKE '%{mark}%' AND ID <> CONNECTION_ID()"
    );
    let count = live::shared().sql(&sql).expect("the process list");
    count.trim().parse().expect("a number")
}

#[track_caller]
fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    // A machine with other work takes its time, and only what never comes is an error.
    let deadline = Instant::now() + Duration::from_secs(600);
    while !is_so() {
        assert!(Instant::now() < deadline, "not in ten minutes: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn signal(child: &Child, name: &str) {
    let id = child.id().to_string();
    let status = Command::new("kill").args([name, &id]).status();
    assert!(status.expect("kill is there").success());
}

fn has_part(directory: &Path) -> bool {
    let entries = std::fs::read_dir(directory).expect("a directory");
    let mut lengths = entries.map(|entry| entry.and_then(|entry| entry.metadata()));
    lengths.any(|metadata| metadata.is_ok_and(|metadata| metadata.len() > 0))
}

#[test]
fn ctrl_c_stops_a_statement_that_has_no_row_yet() {
    for (name, code) in [("-INT", 130), ("-TERM", 143), ("-HUP", 129)] {
        let mark = format!("interrupted_sleep_{code}");
        let child = start(&[
            "query",
            &url("mysql"),
            &format!("SELECT SLEEP(600) AS {mark}"),
        ]);
        wait_until("it runs", || running(&mark) == 1);
        signal(&child, name);
        let done = Done::of(&child.wait_with_output().unwrap());
        done.assert(code, &["interrupted; the server has stopped the statement"]);
        wait_until("it is gone", || running(&mark) == 0);
    }
}

#[test]
fn ctrl_c_in_the_middle_of_an_export_stops_the_statement_and_leaves_no_file() {
    for name in ["out.parquet", "out.csv"] {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join(name);
        let mark = format!("interrupted_export_{}", name.replace('.', "_"));
        let sql = format!(
            "SELECT a.seq AS {mark}, RAND() AS x FROM seq_1_to_1000000 AS a, seq_1_to_1000000 AS b"
        );
        let sql = live::shared().dialect(&sql);
        let child = start(&["query", &url("mysql"), &sql, "-o", file.to_str().unwrap()]);
        wait_until("rows are written", || has_part(directory.path()));
        signal(&child, "-INT");
        let done = Done::of(&child.wait_with_output().unwrap());
        done.assert(130, &["interrupted; the server has stopped the statement"]);
        assert!(names(directory.path()).is_empty());
        wait_until("it is gone", || running(&mark) == 0);
    }
}

#[test]
fn ctrl_c_in_the_middle_of_a_load_leaves_nothing_of_it() {
    let schema = live::shared().schema("interruptedload").unwrap();
    schema.sql("CREATE TABLE t (n INT)").unwrap();
    let url = url(schema.name());
    let mut child = start(&["load", &url, "t", "-", "--format", "csv"]);
    // It stays open: more rows may come.
    let mut input = child.stdin.take().unwrap();
    // More than one command's worth: a bulk command goes when it is full.
    let rows = "7\n".repeat(1_000_000);
    input.write_all(format!("n\n{rows}").as_bytes()).unwrap();
    let uncommitted =
        "SET TRANSACTION ISOLATION LEVEL READ UNCOMMITTED; SELECT EXISTS (SELECT 1 FROM t)";
    wait_until("rows are there", || {
        schema.sql(uncommitted).unwrap() == "1\n"
    });
    signal(&child, "-INT");
    let done = Done::of(&child.wait_with_output().unwrap());
    done.assert(130, &["interrupted"]);
    drop(input);
    wait_until("they are gone", || {
        schema.sql(uncommitted).unwrap() == "0\n"
    });
}

#[test]
fn ctrl_c_ends_a_wait_for_a_statement_or_for_the_reader_of_a_pipe() {
    let directory = tempfile::tempdir().unwrap();
    let pipe = directory.path().join("pipe.csv");
    let made = Command::new("mkfifo").arg(&pipe).status();
    assert!(made.expect("mkfifo is there").success());
    let url = url("mysql");
    let pipe = pipe.to_str().unwrap();
    for arguments in [
        &["query", &url, "-"][..],
        &["query", &url, "SELECT 1", "-o", pipe],
    ] {
        let child = start(arguments);
        let catches = || {
            let path = format!("/proc/{}/status", child.id());
            let status = std::fs::read_to_string(path).unwrap();
            let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
            let caught = u64::from_str_radix(caught.unwrap().trim(), 16).unwrap();
            caught >> 1 & 1 == 1
        };
        wait_until("it listens to Ctrl-C", catches);
        signal(&child, "-INT");
        let mut child = child;
        // Its end is not the answer that is waited for.
        let keyboard = child.stdin.take();
        Done::of(&child.wait_with_output().unwrap()).assert(130, &["interrupted"]);
        drop(keyboard);
    }
}
