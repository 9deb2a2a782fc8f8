//! Starting the tool, and what came of it.

use std::ffi::{OsStr, OsString};
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio};

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

/// The tool with nothing of this process's environment. It is killed with the thread of its test, which
/// would otherwise leave it behind where the runner is killed.
pub(crate) fn bare<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", env!("CARGO_BIN_EXE_otaria")]);
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

/// The tool on a terminal. It is told the password of the shared server when it asks for it;
/// `arguments` as a shell takes them.
pub(crate) fn on_terminal(arguments: &str) -> Done {
    let mut terminal = Terminal::start(&format!("{} {arguments}", env!("CARGO_BIN_EXE_otaria")));
    // What is typed before the question is asked is shown by the terminal itself.
    terminal.wait_for(": ");
    terminal.type_in(&format!("{}\n", live::shared().password()));
    let done = terminal.end();
    done.assert_no_secret();
    done
}

/// A terminal that `script` gives a command of a shell.
pub(crate) struct Terminal {
    script: Child,
    /// It is closed only behind the end, which would end the terminal.
    keyboard: ChildStdin,
    screen: ChildStdout,
    shown: Vec<u8>,
}

impl Terminal {
    pub(crate) fn start(command: &str) -> Self {
        // Whoever runs a test in the background may have it ignore Ctrl-C, which the tool would then do, too.
        let mut script = Command::new("env")
            .args(["--default-signal=INT,TERM,HUP", "script", "--quiet"])
            .args(["--return", "--command", command, "/dev/null"])
            .env_remove("MARIADB_PASSWORD")
            .env("TERM", "xterm")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("`script` of util-linux is installed");
        Self {
            keyboard: script.stdin.take().expect("a pipe"),
            screen: script.stdout.take().expect("a pipe"),
            script,
            shown: Vec::new(),
        }
    }

    /// Waits until this is the last that is shown.
    pub(crate) fn wait_for(&mut self, end: &str) {
        while !self.shown.ends_with(end.as_bytes()) {
            let mut byte = [0];
            let read = self.screen.read(&mut byte).expect("a screen");
            assert_eq!(read, 1, "no question");
            self.shown.extend(byte);
        }
    }

    pub(crate) fn type_in(&mut self, text: &str) {
        let written = self.keyboard.write_all(text.as_bytes());
        written.expect("`script` reads what is typed");
    }

    /// The process that the command has started last.
    pub(crate) fn process(&self) -> u32 {
        let mut process = self.script.id();
        loop {
            let children = format!("/proc/{process}/task/{process}/children");
            let children = std::fs::read_to_string(children).expect("the processes of `script`");
            match children.split_whitespace().last() {
                Some(child) => process = child.parse().expect("a number"),
                None => return process,
            }
        }
    }

    pub(crate) fn end(mut self) -> Done {
        self.screen.read_to_end(&mut self.shown).expect("a screen");
        let status = self.script.wait().expect("`script` ends");
        Done {
            code: status.code(),
            out: String::from_utf8_lossy(&self.shown).into_owned(),
            err: String::new(),
        }
    }
}

/// The URL of `database` on the shared server, without a password.
pub(crate) fn url(database: &str) -> String {
    url_of(live::shared(), database)
}

pub(crate) fn url_of(server: &LiveServer, database: &str) -> String {
    let (user, host, port) = (server.user(), server.host(), server.port());
    let url = server.url(database);
    let open = format!("mariadb://{user}@{host}:{port}/{database}");
    match url.split_once('?') {
        Some((_, options)) => format!("{open}?{options}"),
        None => open,
    }
}

/// What is in a directory.
pub(crate) fn names(directory: &Path) -> Vec<OsString> {
    let entries = std::fs::read_dir(directory).expect("a directory");
    let names = entries.map(|entry| entry.expect("an entry").file_name());
    names.collect()
}
