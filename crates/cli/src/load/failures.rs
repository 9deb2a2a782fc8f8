//! What failures of an insertion mean to whoever has started the tool.

use std::path::Path;

use arrow::error::ArrowError;
use otaria::{ColumnRefusal, InsertError, InsertErrorKind, WriteError};

use crate::failure::Failure;

pub(crate) fn of_insert(error: InsertError) -> Failure {
    match error.kind {
        InsertErrorKind::Driver(error) => Failure::from(error),
        InsertErrorKind::Source(error) => of_source(error),
        InsertErrorKind::Write(WriteError::Column {
            column,
            reason: ColumnRefusal::KeyLength,
        }) => Failure::Data {
            message: format!("{column}: text of any length cannot be in a primary key"),
            advice: Some("--text-length 100 makes it VARCHAR(100)."),
        },
        InsertErrorKind::Write(error) => Failure::Data {
            message: error.to_string(),
            advice: None,
        },
        InsertErrorKind::Warnings { warnings, .. } => {
            let first = warnings.first();
            Failure::Warned {
                code: first.map(|warning| warning.code),
                message: first.map_or_else(String::new, |warning| warning.message.clone()),
            }
        }
        kind => Failure::usage(kind.to_string()),
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
