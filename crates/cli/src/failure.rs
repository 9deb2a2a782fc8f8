//! Why the tool has not done what it was told to do.

use std::error::Error as _;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use otaria::{Config, Error, Stopped};

use crate::advice;
use crate::output::{Format, Place};
use crate::redaction::{redacted, without_controls};
use crate::signals::Signal;

/// Why the tool has not done what it was told to do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The arguments cannot be used.
    #[error("{message}")]
    Usage { message: String },
    /// The configuration, wherever it comes from, cannot be used.
    #[error("cannot use {origin}")]
    Config {
        origin: &'static str,
        source: Box<Error>,
    },
    /// There is no connection.
    #[error("{}", no_connection(place, source))]
    Connect {
        place: String,
        user: String,
        has_password: bool,
        source: Box<Error>,
    },
    /// The server has refused a statement, or the connection has failed in it.
    #[error(transparent)]
    Statement(Box<Error>),
    /// Something of this machine cannot be read or written.
    #[error("cannot {action}")]
    Local {
        action: String,
        source: io::Error,
        /// Whether there is a file of this name that is as it was before.
        is_kept: bool,
    },
    /// A file does not hold what it should.
    #[error("{}: {message}", path.display())]
    Content { path: PathBuf, message: String },
    /// The server has warned that it changes values or leaves rows out.
    #[error("the server has warned{}", first(*.code, .message))]
    Warned {
        /// The code of the first warning.
        code: Option<u16>,
        message: String,
    },
    /// Rows were not inserted, or not all.
    #[error("{failure}")]
    Insert { failure: Box<Self>, left: Left },
    /// The statement has run, and there is nothing to write to the file.
    #[error("the statement has run and returns no table, so {} was not written", .0.display())]
    NoTable(PathBuf),
    /// Values cannot be what they should become.
    #[error("{message}")]
    Data {
        message: String,
        advice: Option<String>,
    },
    /// Whoever read the output has closed it.
    #[error("the reader of the output has closed it")]
    BrokenPipe,
    /// A signal has come.
    #[error("{}", interrupted(*stopped))]
    Interrupted {
        signal: Signal,
        /// What became of the statement; `None` if there was none.
        stopped: Option<bool>,
    },
    /// The tool is at fault.
    #[error("a fault in otaria itself: {0}")]
    Internal(&'static str),
}

/// What an insertion that has failed leaves behind.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Left {
    pub(crate) rows_committed: u64,
    /// Whether the table that was made is still there.
    pub(crate) table: bool,
    /// The engine of the table, if it cannot undo what was inserted.
    pub(crate) engine: Option<String>,
    /// Whether that is known: not if the connection broke in a commit.
    pub(crate) is_known: bool,
}

/// The exit codes of the tool.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Exit {
    Done,
    /// The server has refused the statement, or the connection has failed in it.
    Statement,
    /// The arguments or the configuration cannot be used.
    Usage,
    /// There is no connection.
    Connect,
    /// A file cannot be read or written.
    Local,
    /// Values cannot be what they should become.
    Data,
    /// The tool is at fault.
    Internal,
    /// The reader of the output has closed it.
    BrokenPipe,
    Signal(Signal),
}

impl Exit {
    pub(crate) fn code(self) -> ExitCode {
        ExitCode::from(match self {
            Self::Done => 0,
            Self::Statement => 1,
            Self::Usage => 2,
            Self::Connect => 3,
            Self::Local => 4,
            Self::Data => 5,
            Self::Internal => 70,
            // As a shell gives it for a program that the signal SIGPIPE has ended.
            Self::BrokenPipe => 128 + 13,
            Self::Signal(signal) => 128 + signal.number(),
        })
    }
}

impl Failure {
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::Usage {
            message: message.into(),
        }
    }

    pub(crate) fn of_system(source: io::Error) -> Self {
        let action = "get from the operating system what it takes to run".to_owned();
        Self::Local {
            action,
            source,
            is_kept: false,
        }
    }

    pub(crate) fn connect(config: &Config, source: Error) -> Self {
        let places: Vec<String> = config.endpoints().iter().map(ToString::to_string).collect();
        Self::Connect {
            place: places.join(", "),
            user: match config.user() {
                "" => "the anonymous user".to_owned(),
                user => format!("`{user}`"),
            },
            has_password: config.has_password(),
            source: Box::new(source),
        }
    }

    pub(crate) fn content(path: &Path, message: impl Into<String>) -> Self {
        Self::Content {
            path: path.to_owned(),
            message: message.into(),
        }
    }

    pub(crate) fn unknown_ending(path: &Path) -> Self {
        Self::usage(format!(
            "the name {} does not tell the format: let it end with one of {}, or give --format",
            path.display(),
            Format::ENDINGS
        ))
    }

    /// Nothing can be read from or written to `path`.
    pub(crate) fn local(action: &str, path: &Path, source: io::Error) -> Self {
        if source.kind() == io::ErrorKind::BrokenPipe {
            return Self::BrokenPipe;
        }
        Self::Local {
            action: format!("{action} {}", path.display()),
            source,
            is_kept: false,
        }
    }

    /// Nothing can be written to `place`.
    pub(crate) fn output(place: &Place, source: io::Error) -> Self {
        let mut failure = Self::local("write to", &place.path, source);
        if let Self::Local { is_kept, .. } = &mut failure {
            *is_kept = place.keeps_file;
        }
        failure
    }

    /// This failure of a load that has sent no row yet.
    pub(crate) fn before_any_row(self) -> Self {
        match self {
            Self::Content { .. } => Self::Insert {
                failure: Box::new(self),
                left: Left {
                    is_known: true,
                    ..Left::default()
                },
            },
            other => other,
        }
    }

    pub(crate) const fn exit(&self) -> Exit {
        match self {
            Self::Usage { .. } | Self::Config { .. } => Exit::Usage,
            Self::Connect { .. } => Exit::Connect,
            Self::Statement(_) | Self::Warned { .. } | Self::NoTable(_) => Exit::Statement,
            Self::Local { .. } => Exit::Local,
            Self::Content { .. } | Self::Data { .. } => Exit::Data,
            Self::Insert { failure, .. } => failure.exit(),
            Self::BrokenPipe => Exit::BrokenPipe,
            Self::Interrupted { signal, .. } => Exit::Signal(*signal),
            Self::Internal(_) => Exit::Internal,
        }
    }

    /// Tells whoever started the tool, and what to do.
    pub(crate) fn show(&self) {
        if matches!(self, Self::BrokenPipe) {
            return;
        }
        let mut text = format!("error: {self}");
        let mut cause = match self {
            Self::Insert { failure, .. } => failure.source(),
            other => other.source(),
        };
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        text = without_controls(&text);
        if let Some(advice) = advice::of(self) {
            text.push_str("\n\n");
            text.push_str(&advice);
        }
        // A URL may stand where a file was meant to.
        let given: Vec<_> = std::env::args_os().collect();
        text = redacted(&text, &given);
        text.push('\n');
        // Whoever has closed it does not want to read it.
        let _ = io::stderr().write_all(text.as_bytes());
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Statement(Box::new(error))
    }
}

/// Whether the server runs nothing of it any more.
pub(crate) fn is_stopped(stopped: &Result<Stopped, Error>) -> bool {
    matches!(stopped, Ok(Stopped::Killed | Stopped::NotRunning))
}

/// The place is told once, by the error if it knows it.
fn no_connection(place: &str, source: &Error) -> String {
    match source {
        Error::Io { .. } | Error::Endpoints(_) => "no connection".to_owned(),
        _ => format!("no connection to {place}"),
    }
}

fn first(code: Option<u16>, message: &str) -> String {
    code.map_or_else(String::new, |code| format!(": warning {code}: {message}"))
}

fn interrupted(stopped: Option<bool>) -> &'static str {
    match stopped {
        None => "interrupted",
        Some(true) => "interrupted; the server has stopped the statement",
        Some(false) => "interrupted; the statement may still run on the server",
    }
}
