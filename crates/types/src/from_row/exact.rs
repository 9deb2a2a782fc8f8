#![expect(
    clippy::inline_always,
    reason = "as calls, rows and their cells go through memory"
)]

use crate::columns::{code_of, text_tail};
use crate::{CellError, FromRowError, FromSql, RowReader};

/// Reads the cells of a row without a NULL whose columns have just the cells that the types read,
/// so that the columns need not be looked at.
#[derive(Clone, Copy, Debug)]
pub struct ExactCells<'a> {
    /// The first of the columns at the end that are all text.
    tail: usize,
    /// What is left of the row from there on.
    text: &'a str,
}

impl<'a> ExactCells<'a> {
    /// For columns of the kinds of [`kind`].
    #[inline(always)]
    pub const fn new(kinds: &[u8]) -> Self {
        Self {
            tail: text_tail(kinds),
            text: "",
        }
    }

    /// Reads the cell of the column at `index`, from 0, which is the next one.
    ///
    /// # Errors
    /// [`FromRowError`] if the row is cut, or the cell does not convert.
    #[inline(always)]
    pub fn read<T: FromSql<'a>, R: RowReader<'a>>(
        &mut self,
        row: &mut R,
        index: usize,
    ) -> Result<T, FromRowError> {
        if index == self.tail {
            self.text = row.take_text();
        }
        let value = if index < self.tail {
            T::from_known_cell(row)
        } else {
            from_text(row, &mut self.text)
        };
        value.map_err(|error| FromRowError::new::<T>(index, error))
    }

    /// Checks that the row ends behind its last cell, and so does what was taken of it as text.
    ///
    /// # Errors
    /// [`FromRowError::InvalidPacket`] if it does not.
    #[inline(always)]
    pub fn end<R: RowReader<'a>>(self, row: &mut R) -> Result<(), FromRowError> {
        if !self.text.is_empty() {
            row.put_back(self.text);
        }
        Ok(row.finish()?)
    }
}

/// Which cells a type reads without looking at the column; 0 if there are none.
pub const fn kind<'a, T: FromSql<'a>>() -> u8 {
    code_of(T::CELLS)
}

/// Reads the cell that `text` begins with: its length and the text itself. Where it does not, the
/// row is read on without it.
#[inline(always)]
fn from_text<'a, T: FromSql<'a>, R: RowReader<'a>>(
    row: &mut R,
    text: &mut &'a str,
) -> Result<T, CellError> {
    match split_cell(text) {
        Some((cell, rest)) => {
            *text = rest;
            Ok(T::from_text(cell)?)
        }
        None => from_rest(row, text),
    }
}

#[cold]
#[inline(never)]
fn from_rest<'a, T: FromSql<'a>, R: RowReader<'a>>(
    row: &mut R,
    text: &mut &'a str,
) -> Result<T, CellError> {
    row.put_back(std::mem::take(text));
    T::from_known_cell(row)
}

#[inline(always)]
fn split_cell(text: &str) -> Option<(&str, &str)> {
    let length = *text.as_bytes().first()?;
    let (_, rest) = text.split_at_checked(1)?;
    rest.split_at_checked(usize::from(length))
}
