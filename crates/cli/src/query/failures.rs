//! What failures of batches mean to whoever has started the tool.

use otaria::{CellReason, DecodeError, RecordBatchError};

use crate::failure::Failure;

pub(crate) fn of_batches(error: RecordBatchError) -> Failure {
    match error {
        RecordBatchError::Driver(error) => Failure::from(error),
        RecordBatchError::Decode(error) => of_decode(&error),
        _ => Failure::Internal("batches are read on the wrong thread"),
    }
}

fn of_decode(error: &DecodeError) -> Failure {
    let DecodeError::Cell {
        row,
        column,
        reason,
    } = error
    else {
        return Failure::Data {
            message: error.to_string(),
            advice: None,
        };
    };
    // People count from 1.
    let row = row + 1;
    let (what, advice) = match reason {
        CellReason::ZeroDate => (
            "no calendar has this date",
            "--zero-dates null makes such dates NULL, --zero-dates text gives all columns of dates as \
             text.",
        ),
        CellReason::TimeOfDay => (
            "the time is no time of day",
            "--time duration and --time text have a place for it.",
        ),
        CellReason::Digits { .. } => (
            "the number has other digits than its column declares",
            "--decimal text gives it as it is.",
        ),
        CellReason::NotNull => (
            "the cell is NULL in a column that is declared NOT NULL, as WITH ROLLUP makes some",
            "Without --keep-not-null it is taken.",
        ),
        CellReason::Srid { .. } => (
            "the geometry has another SRID than those before it",
            "--geometry binary gives each with its own.",
        ),
        other => {
            return Failure::Data {
                message: format!("row {row}, column `{}`: {other}", column.name()),
                advice: None,
            };
        }
    };
    Failure::Data {
        message: format!("row {row}, column `{}`: {what}", column.name()),
        advice: Some(advice.to_owned()),
    }
}
