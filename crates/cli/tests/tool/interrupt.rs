use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use protocol_tests::live;

use crate::support::{Done, names, otaria, url};

/// The tool on a statement that goes on for long. Whoever runs this test in the background may have
/// it ignore Ctrl-C, which the tool would then do, too.
fn start(sql: &str, arguments: &[&str]) -> Child {
    let url = url("mysql");
    let all = ["query", &url, sql]
        .into_iter()
        .chain(arguments.iter().copied());
    let tool = otaria(all);
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
    let command = command.stdout(Stdio::null()).stderr(Stdio::piped());
    command.spawn().expect("the tool starts")
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
    let deadline = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < deadline, "not in a minute: {what}");
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
        let child = start(&format!("SELECT SLEEP(600) AS {mark}"), &[]);
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
        let child = start(&sql, &["-o", file.to_str().unwrap()]);
        wait_until("rows are written", || has_part(directory.path()));
        signal(&child, "-INT");
        let done = Done::of(&child.wait_with_output().unwrap());
        done.assert(130, &["interrupted; the server has stopped the statement"]);
        assert!(names(directory.path()).is_empty());
        wait_until("it is gone", || running(&mark) == 0);
    }
}
