//! Starting the tool, and what came of it.

use std::ffi::OsStr;
use std::process::{Command, Output};

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
    let mut command = bare(arguments);
    command
        .env("MARIADB_PASSWORD", live::shared().password())
        .arg("--no-defaults");
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

/// The URL of `database` on the shared server, without a password.
pub(crate) fn url(database: &str) -> String {
    url_of(live::shared(), database)
}

pub(crate) fn url_of(server: &LiveServer, database: &str) -> String {
    let (user, host, port) = (server.user(), server.host(), server.port());
    format!("mariadb://{user}@{host}:{port}/{database}")
}
