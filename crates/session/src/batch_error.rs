use crate::Error;

/// How the rows of a batch go to the server.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum BatchWay {
    /// Many rows in each
    /// [`COM_STMT_BULK_EXECUTE`](https://mariadb.com/docs/server/reference/clientserver-protocol/3-binary-protocol-prepared-statements/com_stmt_bulk_execute).
    Bulk,
    /// One execution a row, sent ahead of the answers to those before.
    Pipelined,
    /// Many rows in each `INSERT … VALUES (…), (…)`, written as literals.
    MultiRow,
}

/// A batch that has not run to its end, and what is known of its rows.
///
/// Rows are sent in commands: many rows in each, or one where the way is [`BatchWay::Pipelined`]. Of
/// the commands before the one that failed the server has confirmed all. No command follows one that
/// failed, but for those that were sent ahead of its answer, which is so with
/// [`BatchWay::Pipelined`] only: they have run as well, and their answers are counted here.
///
/// In a transaction all that was done is part of it until it is committed or rolled back, unless the
/// error has ended the transaction, as a deadlock (1213) does; without one, what was confirmed stays.
#[derive(Debug, thiserror::Error)]
#[error(
    "a batch failed{} when {rows_confirmed} rows had been executed{}{}",
    .row.map_or_else(String::new, |row| format!(" at row {row}, counted from 0,")),
    of_those(*.rows_refused, "refused"),
    of_those(*.rows_unknown, "sent without an answer")
)]
#[non_exhaustive]
pub struct BatchError {
    /// Why it has ended.
    pub source: Error,
    /// How the rows were sent.
    pub way: BatchWay,
    /// The number of the row that failed, from 0, where it is known: of a row that could not be sent,
    /// and with [`BatchWay::Pipelined`] of the first that the server refused. The server does not say
    /// which row of a command it was.
    pub row: Option<u64>,
    /// How many rows were in commands that the server has executed.
    pub rows_confirmed: u64,
    /// How many rows were in commands that the server has refused.
    pub rows_refused: u64,
    /// How many rows were in commands that were sent, or begun to be sent, and have no answer: the
    /// connection is closed, and the server may have executed them.
    pub rows_unknown: u64,
    /// Whether some rows of a refused command may have been executed. An UPDATE or DELETE in bulk
    /// leaves the rows before the one that failed; INSERT and REPLACE are one statement a command,
    /// of which a table of a transactional engine such as `InnoDB` keeps nothing, and one of another
    /// engine the rows before.
    pub may_remain: bool,
}

impl BatchError {
    /// A batch that has ended by `source` before any row was sent.
    pub const fn new(source: Error, way: BatchWay) -> Self {
        Self {
            source,
            way,
            row: None,
            rows_confirmed: 0,
            rows_refused: 0,
            rows_unknown: 0,
            may_remain: false,
        }
    }
}

fn of_those(rows: u64, what: &str) -> String {
    if rows == 0 {
        String::new()
    } else {
        format!(", {rows} {what}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CloseReason;

    fn error(row: Option<u64>, rows_refused: u64, rows_unknown: u64) -> BatchError {
        let reason = CloseReason::Lost;
        BatchError {
            row,
            rows_confirmed: 100,
            rows_refused,
            rows_unknown,
            ..BatchError::new(Error::Closed { reason }, BatchWay::Bulk)
        }
    }

    #[test]
    fn a_batch_that_failed_says_what_is_known_of_its_rows() {
        assert_eq!(
            error(Some(103), 0, 0).to_string(),
            "a batch failed at row 103, counted from 0, when 100 rows had been executed"
        );
        assert_eq!(
            error(None, 7, 2).to_string(),
            "a batch failed when 100 rows had been executed, 7 refused, 2 sent without an answer"
        );
    }
}
