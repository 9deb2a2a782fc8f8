//! Starting the tool, and what came of it.

use std::ffi::{OsStr, OsString};
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use protocol_tests::live::{self, LiveServer};

/// What the tool has done.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Done {
    pub(crate) fn of(output: &Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// That it has ended with this exit code, said all of this, and shown no password.
    #[track_caller]
    pub(crate) fn assert(&self, code: i32, said: &[&str]) {
        assert_eq!(self.code, Some(code), "{self:#?}");
        for text in said {
            assert!(self.err.contains(text), "{text:?} is not in {self:#?}");
        }
        self.assert_no_secret();
        assert!(!self.err.contains("panicked"), "{self:#?}");
    }

    #[track_caller]
    pub(crate) fn assert_no_secret(&self) {
        for secret in [SECRET, live::shared().password()] {
            let shown = self.out.contains(secret) || self.err.contains(secret);
            assert!(!shown, "a password is shown: {self:#?}");
        }
    }
}

/// A password that no output may show.
pub(crate) const SECRET: &str = "hunter2hunter2";

/// The tool with nothing of this process's environment, no option files, and the password of the
/// shared server.
pub(crate) fn otaria<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    let mut arguments = arguments.into_iter();
    let mut command = bare(arguments.next());
    command.arg("--no-defaults").args(arguments);
    command.env("MARIADB_PASSWORD", live::shared().password());
    command
}

/// The tool with nothing of this process's environment.
pub(crate) fn bare<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_otaria"));
    command.args(arguments).env_clear();
    for name in ["PATH", "TMPDIR"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command
}

pub(crate) fn run(command: &mut Command) -> Done {
    Done::of(&command.output().expect("the tool starts"))
}

/// The tool on a terminal, which `script` gives it. It is told the password of the shared server when
/// it asks for it; `arguments` as a shell takes them.
pub(crate) fn on_terminal(arguments: &str) -> Done {
    let command = format!("{} {arguments}", env!("CARGO_BIN_EXE_otaria"));
    let mut script = Command::new("script")
        .args(["--quiet", "--return", "--command", &command, "/dev/null"])
        .env_remove("MARIADB_PASSWORD")
        .env("TERM", "xterm")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("`script` of util-linux is installed");
    // It is closed only behind the end, which would end the terminal.
    let mut keyboard = script.stdin.take().expect("a pipe");
    let mut screen = script.stdout.take().expect("a pipe");
    let mut shown = Vec::new();
    // What is typed before the question is asked is shown by the terminal itself.
    while !shown.ends_with(b": ") {
        let mut byte = [0];
        assert_eq!(screen.read(&mut byte).expect("a screen"), 1, "no question");
        shown.extend(byte);
    }
    wait_until_typing_is_hidden(script.id());
    let written = writeln!(keyboard, "{}", live::shared().password());
    written.expect("`script` reads what is typed");
    screen.read_to_end(&mut shown).expect("a screen");
    let status = script.wait().expect("`script` ends");
    let done = Done {
        code: status.code(),
        out: String::from_utf8_lossy(&shown).into_owned(),
        err: String::new(),
    };
    done.assert_no_secret();
    done
}

/// Waits until the terminal that a `script` gives its command shows no more what is typed, which is
/// somewhat later than the question.
fn wait_until_typing_is_hidden(script: u32) {
    let children = std::fs::read_to_string(format!("/proc/{script}/task/{script}/children"));
    let command = children.expect("the processes of `script`");
    let terminal = format!("/proc/{}/fd/0", command.trim());
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        let stty = Command::new("stty")
            .args(["--all", "--file", &terminal])
            .output()
            .expect("`stty` of coreutils is installed");
        let settings = String::from_utf8_lossy(&stty.stdout);
        if settings
            .split_whitespace()
            .any(|setting| setting == "-echo")
        {
            return;
        }
        assert!(Instant::now() < until, "what is typed is shown: {stty:?}");
    }
}

/// The URL of `database` on the shared server, without a password.
pub(crate) fn url(database: &str) -> String {
    url_of(live::shared(), database)
}

pub(crate) fn url_of(server: &LiveServer, database: &str) -> String {
    let (user, host, port) = (server.user(), server.host(), server.port());
    format!("mariadb://{user}@{host}:{port}/{database}")
}

/// What is in a directory.
pub(crate) fn names(directory: &Path) -> Vec<OsString> {
    let entries = std::fs::read_dir(directory).expect("a directory");
    let names = entries.map(|entry| entry.expect("an entry").file_name());
    names.collect()
}
