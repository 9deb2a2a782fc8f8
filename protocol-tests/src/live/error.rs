//! Why there is no server, or no answer from it.

use std::error::Error;
use std::path::PathBuf;
use std::{fmt, io};

/// Why there is no server, or no answer from it.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum LiveError {
    /// A program is not installed.
    #[error(
        "there is no {program}: install one (`apt-get install {package}`), let OTARIA_MARIADBD \
         name a mariadbd, or let OTARIA_TEST_URL name a running server \
         (mariadb://user:password@host:port/, an account that may create schemas and users)"
    )]
    MissingProgram {
        /// The program, or the path of it that `OTARIA_MARIADBD` gives.
        program: String,
        /// The Debian package that has it.
        package: &'static str,
    },
    /// A program could not be run.
    #[error("cannot run {program}", program = program.display())]
    Program {
        /// The program.
        program: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A private server's directory or port could not be made.
    #[error("cannot make room for a private server")]
    Room(#[from] io::Error),
    /// A private server ended before it accepted connections.
    #[error("the server ended before it accepted connections; its last words:\n{log}")]
    Exited {
        /// The end of its error log.
        log: String,
    },
    /// A private server did not accept connections in time.
    #[error("the server does not accept connections; its last words:\n{log}")]
    TimedOut {
        /// The end of its error log.
        log: String,
    },
    /// The command-line client failed.
    #[error("{message}")]
    Sql {
        /// What it wrote to its standard error: `ERROR 1064 (42000) at line 1: …`.
        message: String,
    },
    /// `OTARIA_TEST_URL` is not a URL of a server.
    #[error("OTARIA_TEST_URL is not mariadb://user:password@host:port/")]
    Url,
}

/// The message and its causes: a test that returns an error prints this form.
impl fmt::Debug for LiveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")?;
        let mut cause = self.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}
