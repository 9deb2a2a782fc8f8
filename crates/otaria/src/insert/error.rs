use std::fmt;

use otaria_arrow::arrow::error::ArrowError;
use otaria_arrow::write::{FieldLabel, WriteError};
use otaria_connection::{Error, Warning};

use super::WhyNot;

/// Record batches that were not inserted, or not all of them. It says what its [kind](Self::kind) says,
/// whose source is its source.
#[derive(Debug)]
#[non_exhaustive]
pub struct InsertError {
    /// What went wrong.
    pub kind: InsertErrorKind,
    /// How many rows are committed: none, unless [`Commit`](super::Commit) asks for commits in
    /// between.
    pub rows_committed: u64,
    /// Whether the table that [`InsertMode::Create`](super::InsertMode::Create) has made is still
    /// there: because rows in it are committed, or because it could not be dropped.
    pub table_is_left: bool,
}

/// Why record batches were not inserted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InsertErrorKind {
    /// The server has refused something, or the connection is lost.
    #[error("the record batches were not inserted")]
    Driver(#[source] Error),
    /// A column or a value has no place on the server.
    #[error("the record batches cannot be written")]
    Write(#[source] WriteError),
    /// A row makes a longer command than the server takes.
    #[error(
        "row {number} makes a command of {payload_bytes} bytes, and the server takes no more than \
         {limit_bytes} (max_allowed_packet)",
        number = .row.saturating_add(1)
    )]
    RowTooLong {
        /// The row, from 0, counted over all batches. The message counts from 1.
        row: u64,
        /// How long the command would be.
        payload_bytes: usize,
        /// How long the server takes one.
        limit_bytes: usize,
    },
    /// The source of the batches has failed.
    #[error("the record batches could not be read")]
    Source(#[source] ArrowError),
    /// The server has changed values or left rows out.
    #[error(
        "the server has warned {count} times, as for a value that was changed or a row that was left \
         out{}",
        first(.warnings)
    )]
    Warnings {
        /// How often, at least.
        count: u64,
        /// The first of the warnings, as far as the server tells them: none of those of a trigger. They
        /// may quote values.
        warnings: Vec<Warning>,
    },
    /// Points in time cannot be written in a zone that is not known.
    #[error(
        "{column} holds points in time, and the session's `time_zone` is neither UTC nor a fixed \
         offset, or not known: set it, such as by SET time_zone = '+00:00'"
    )]
    TimeZone {
        /// The first column of points in time.
        column: Box<FieldLabel>,
    },
    /// The rows cannot go the way that the options ask for.
    #[error("the rows cannot go by the way that the options ask for: {why_not}")]
    Way {
        /// Why not.
        why_not: WhyNot,
    },
    /// The options ask for a commit, which a transaction of the caller's does not allow.
    #[error(
        "in a transaction a table cannot be made, and batches cannot be committed in between: both \
         would commit the transaction"
    )]
    WouldCommit,
}

impl InsertError {
    /// The error of the driver, if it is one.
    pub const fn driver(&self) -> Option<&Error> {
        match &self.kind {
            InsertErrorKind::Driver(error) => Some(error),
            _ => None,
        }
    }
}

impl std::error::Error for InsertError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        std::error::Error::source(&self.kind)
    }
}

impl fmt::Display for InsertError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.kind)?;
        if self.rows_committed > 0 {
            let rows = self.rows_committed;
            write!(f, "; the {rows} rows before are committed")?;
        }
        if self.table_is_left {
            f.write_str("; the table that was made is still there")?;
        }
        Ok(())
    }
}

impl From<InsertErrorKind> for InsertError {
    fn from(kind: InsertErrorKind) -> Self {
        Self {
            kind,
            rows_committed: 0,
            table_is_left: false,
        }
    }
}

impl From<Error> for InsertError {
    fn from(error: Error) -> Self {
        InsertErrorKind::from(error).into()
    }
}

impl From<Error> for InsertErrorKind {
    fn from(error: Error) -> Self {
        match error {
            // What it knows of its rows is of no use where they have been undone.
            Error::Batch(batch) => Self::Driver(batch.source),
            error => Self::Driver(error),
        }
    }
}

impl From<WriteError> for InsertErrorKind {
    fn from(error: WriteError) -> Self {
        Self::Write(error)
    }
}

/// The code of the first warning: its words may quote values.
fn first(warnings: &[Warning]) -> String {
    match warnings.first() {
        Some(warning) => format!(", the first time with the code {}", warning.code),
        None => String::new(),
    }
}
