use std::fmt;

use otaria_binary::Push;
use otaria_statement::InsertRows;
use otaria_text::SqlLiterals;
use otaria_types::{Params, ParamsError, SessionTimeZone};

use crate::literals::push_with_literals;
use crate::{Error, PlaceError};

/// An INSERT or REPLACE of one row that is written as one of many, with the parameters as literals:
/// for servers that take no `COM_STMT_BULK_EXECUTE`. It goes by the text protocol.
pub struct MultiRowInsert {
    /// Up to the row.
    head: Box<str>,
    row: Box<str>,
    /// From the row on.
    tail: Box<str>,
    /// Of the placeholders in the row.
    placeholders: Box<[usize]>,
    literals: SqlLiterals,
    /// The head, then rows; the tail as well once it is complete.
    sql: String,
    rows: usize,
}

impl MultiRowInsert {
    /// The statement without rows, of `sql`, whose row is `insert`.
    pub(crate) fn new(sql: &str, insert: &InsertRows, time_zone: SessionTimeZone) -> Option<Self> {
        let range = insert.row();
        let mut literals = SqlLiterals::new();
        literals.set_time_zone(time_zone);
        Some(Self {
            head: sql.get(..range.start)?.into(),
            row: sql.get(range.clone())?.into(),
            tail: sql.get(range.end..)?.into(),
            placeholders: insert.placeholders().into(),
            literals,
            sql: String::new(),
            rows: 0,
        })
    }

    /// Adds `row`, if the payload of the whole command has no more than `limit_bytes` with it. A row
    /// that is not taken leaves those before it as they are.
    ///
    /// # Errors
    /// [`Error::Params`] and [`Error::ParameterCount`] if the row does not fit the statement, or is
    /// longer than the limit by itself.
    pub fn push(&mut self, row: &impl Params, limit_bytes: usize) -> Result<Push, Error> {
        self.literals.set(row)?;
        let before = self.sql.len();
        self.sql
            .push_str(if before == 0 { &self.head } else { "," });
        let placed =
            push_with_literals(&mut self.sql, &self.row, &self.placeholders, &self.literals);
        let payload_bytes = 1 + self.sql.len() + self.tail.len();
        let push = match placed {
            Ok(()) if payload_bytes <= limit_bytes => Ok(Push::Taken),
            Ok(()) if self.rows > 0 => Ok(Push::Full),
            Ok(()) => Err(Error::Params(ParamsError::RowTooLong {
                payload_bytes,
                limit_bytes,
            })),
            Err(PlaceError::Count { expected, given }) => {
                Err(Error::ParameterCount { expected, given })
            }
            Err(error) => Err(Error::Place(error)),
        };
        match push {
            Ok(Push::Taken) => self.rows += 1,
            _ => self.sql.truncate(before),
        }
        push
    }

    /// Removes the rows.
    pub fn clear(&mut self) {
        self.sql.clear();
        self.rows = 0;
    }

    /// How many rows there are.
    pub const fn rows(&self) -> usize {
        self.rows
    }

    /// The whole statement; no row may be added to it before [`clear`](Self::clear).
    pub(crate) fn complete(&mut self) -> &str {
        self.sql.push_str(&self.tail);
        &self.sql
    }
}

/// Shows how much there is and no value.
impl fmt::Debug for MultiRowInsert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (rows, bytes) = (self.rows, self.sql.len());
        write!(f, "MultiRowInsert({rows} rows, {bytes} bytes)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn insert(sql: &str) -> MultiRowInsert {
        let found = InsertRows::find(sql).unwrap();
        MultiRowInsert::new(sql, &found, SessionTimeZone::Unknown).unwrap()
    }

    #[test]
    fn rows_stand_between_what_is_before_and_behind_the_row() {
        let mut insert = insert("INSERT INTO t VALUES (?, f(?)) RETURNING id");
        for row in [(1, "a"), (2, "?")] {
            assert_eq!(insert.push(&row, 1000).unwrap(), Push::Taken);
        }
        assert_eq!(insert.rows(), 2);
        assert_eq!(
            insert.complete(),
            "INSERT INTO t VALUES ( 1 , f( ('a') )),( 2 , f( ('?') )) RETURNING id"
        );
        insert.clear();
        assert_eq!(insert.rows(), 0);
        assert_eq!(insert.push(&(-3, None::<u8>), 1000).unwrap(), Push::Taken);
        assert_eq!(
            insert.complete(),
            "INSERT INTO t VALUES ( (-3) , f( (NULL) )) RETURNING id"
        );
    }

    #[test]
    fn the_last_row_lands_exactly_on_the_limit() {
        let sql = "INSERT INTO t VALUES ( 7 ),( 7 )";
        let one = "INSERT INTO t VALUES ( 7 )";
        for (limit, expected, complete) in [
            (sql.len() + 1, Push::Taken, sql),
            (sql.len(), Push::Full, one),
        ] {
            let mut insert = insert("INSERT INTO t VALUES (?)");
            assert_eq!(insert.push(&(7,), limit).unwrap(), Push::Taken);
            assert_eq!(insert.push(&(7,), limit).unwrap(), expected);
            assert_eq!(insert.complete(), complete);
        }
    }

    #[test]
    fn a_row_that_does_not_fit_is_an_error_and_leaves_the_others() {
        let mut insert = insert("INSERT INTO t VALUES (?)");
        assert_eq!(insert.push(&(7,), 1000).unwrap(), Push::Taken);
        let error = insert.push(&(7, 8), 1000).unwrap_err();
        assert!(matches!(
            error,
            Error::ParameterCount {
                expected: 1,
                given: 2
            }
        ));
        let error = insert.push(&(f64::NAN,), 1000).unwrap_err();
        assert!(matches!(error, Error::Params(_)));
        assert_eq!(insert.complete(), "INSERT INTO t VALUES ( 7 )");
        insert.clear();
        let error = insert.push(&("long",), 30).unwrap_err();
        assert!(matches!(
            error,
            Error::Params(ParamsError::RowTooLong {
                payload_bytes: 34,
                limit_bytes: 30
            })
        ));
        assert_eq!(insert.push(&(1,), 30).unwrap(), Push::Taken);
    }

    #[test]
    fn values_are_not_shown() {
        let mut insert = insert("INSERT INTO t VALUES (?)");
        let _ = insert.push(&("secret",), 1000).unwrap();
        assert_eq!(format!("{insert:?}"), "MultiRowInsert(1 rows, 35 bytes)");
    }
}
