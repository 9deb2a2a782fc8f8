//! What failures of an insertion mean to whoever has started the tool.

use std::path::Path;

use arrow::error::ArrowError;
use otaria::{CellRefusal, ColumnRefusal, FieldLabel, InsertErrorKind, WriteError};

use crate::failure::Failure;
use crate::input::Origins;

/// `origins` know which row is of which file.
pub(crate) fn of_insert(kind: InsertErrorKind, origins: &Origins) -> Failure {
    match kind {
        InsertErrorKind::Driver(error) => Failure::from(error),
        InsertErrorKind::Source(error) => of_source(error),
        InsertErrorKind::Write(error) => of_write(error, origins),
        InsertErrorKind::RowTooLong {
            row,
            payload_bytes,
            limit_bytes,
        } => Failure::Data {
            message: format!(
                "{}: it makes a command of {payload_bytes} bytes, and the server takes no more than \
                 {limit_bytes}",
                origins.row(row)
            ),
            advice: Some(MAX_PACKET.to_owned()),
        },
        InsertErrorKind::Warnings { warnings, .. } => {
            let first = warnings.first();
            Failure::Warned {
                code: first.map(|warning| warning.code),
                message: first.map_or_else(String::new, |warning| warning.message.clone()),
            }
        }
        InsertErrorKind::Way { why_not } => {
            Failure::usage(format!("--way load-data is not possible: {why_not}"))
        }
        InsertErrorKind::TimeZone { column } => Failure::usage(format!(
            "column `{}` holds points in time, and the session's time zone is neither UTC nor an offset: \
             leave time_zone out of the URL",
            column.name()
        )),
        kind => Failure::usage(kind.to_string()),
    }
}

fn of_write(error: WriteError, origins: &Origins) -> Failure {
    match error {
        WriteError::Cell {
            row,
            column,
            reason,
        } => {
            let (what, advice) = of_cell(reason);
            Failure::Data {
                message: format!("{}, column `{}`: {what}", origins.row(row), column.name()),
                advice: advice.map(str::to_owned),
            }
        }
        WriteError::Column { column, reason } => of_column(&column, &reason),
        WriteError::PrimaryKey { column } => Failure::Data {
            message: format!("--primary-key names `{column}`, which is no column of the file"),
            advice: None,
        },
        error => Failure::Data {
            message: error.to_string(),
            advice: None,
        },
    }
}

/// What is wrong with a cell, and what to do about it.
fn of_cell(reason: CellRefusal) -> (String, Option<&'static str>) {
    match reason {
        CellRefusal::NotFinite => (
            "the number is not finite".to_owned(),
            Some("MariaDB has neither NaN nor infinite numbers: make them NULL in the file."),
        ),
        CellRefusal::SecondDigits { decimals } => (
            format!("the second has more digits than the {decimals} of the table's column"),
            Some(if decimals < MAX_DECIMALS {
                "Give the column more digits, as DATETIME(6) has, or round them in the file."
            } else {
                "MariaDB has no more: round them in the file."
            }),
        ),
        CellRefusal::TimeZone => (
            "the session's time zone is neither UTC nor an offset".to_owned(),
            Some("Leave time_zone out of the URL."),
        ),
        other => (other.to_string(), None),
    }
}

fn of_column(column: &FieldLabel, reason: &ColumnRefusal) -> Failure {
    let name = column.name();
    match reason {
        ColumnRefusal::KeyLength => Failure::Data {
            message: format!("column `{name}`: text of any length cannot be in a primary key"),
            advice: Some("--text-length 100 makes it VARCHAR(100).".to_owned()),
        },
        reason => Failure::Data {
            message: format!("column `{name}` ({}): {reason}", column.data_type()),
            advice: None,
        },
    }
}

fn of_source(error: ArrowError) -> Failure {
    match error {
        ArrowError::ExternalError(source) => match source.downcast::<Failure>() {
            Ok(failure) => *failure,
            Err(source) => Failure::content(Path::new("the file"), source.to_string()),
        },
        other => Failure::content(Path::new("the file"), other.to_string()),
    }
}

/// The most that a second has on a server.
const MAX_DECIMALS: u8 = 6;
const MAX_PACKET: &str = "Have the server's max_allowed_packet raised (SET GLOBAL max_allowed_packet = …), \
    and connect again.";
