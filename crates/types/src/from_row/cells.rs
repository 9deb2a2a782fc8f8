use std::any::type_name;

use otaria_codec::ColumnDefinition;

use crate::{Columns, FromRowError, FromSql, FromSqlError, RowReader};

/// A type that is read from columns in their order, whatever their names.
pub trait FromCells<'a>: Sized {
    /// How many columns it takes.
    const COLUMNS: usize;

    /// Reads the next cells of `row`, which are those of the next columns of `cells`.
    ///
    /// # Errors
    /// [`FromRowError`] names the column that does not convert.
    fn from_cells<R: RowReader<'a>>(
        row: &mut R,
        cells: &mut Cells<'a>,
    ) -> Result<Self, FromRowError>;
}

/// A type that takes columns by their position, so that another one that does may contain it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be flattened into a struct that is read by position",
    label = "neither a tuple nor a struct that derives `FromRow` by position",
    note = "a struct with named fields is read by position if it has `#[otaria(by_position)]`"
)]
pub trait ByPosition<'a>: FromCells<'a> {}

/// The columns whose cells have not been read.
#[derive(Clone, Copy, Debug)]
pub struct Cells<'c> {
    rest: &'c [ColumnDefinition],
    index: usize,
}

impl<'c> Cells<'c> {
    /// Goes on to the next column.
    ///
    /// # Errors
    /// [`FromRowError::ColumnCount`] if there is none.
    #[inline]
    pub fn next_cell(&mut self) -> Result<Cell<'c>, FromRowError> {
        let Some((column, rest)) = self.rest.split_first() else {
            return Err(column_count(self.index.saturating_add(1), self.index));
        };
        let index = self.index;
        self.rest = rest;
        self.index = index.saturating_add(1);
        Ok(Cell { index, column })
    }
}

/// The place of a cell that is to be read.
#[derive(Clone, Copy, Debug)]
pub struct Cell<'c> {
    /// The column's index, from 0.
    pub index: usize,
    /// The column.
    pub column: &'c ColumnDefinition,
}

impl Cell<'_> {
    /// Reads the cell from the row, which stands before it.
    ///
    /// # Errors
    /// [`FromRowError`] if the row is cut, or the cell does not convert.
    #[inline]
    pub fn read<'a, T: FromSql<'a>, R: RowReader<'a>>(
        self,
        row: &mut R,
    ) -> Result<T, FromRowError> {
        row.read::<T>(self.column)
            .map_err(|error| FromRowError::new::<T>(self.index, error))
    }
}

/// Converts what was read from the column at `index`, from 0.
///
/// # Errors
/// [`FromSqlError::Refused`] if the type's `TryFrom` fails.
#[inline]
pub fn try_from<U, T: TryFrom<U>>(value: U, index: usize) -> Result<T, FromRowError> {
    T::try_from(value).map_err(|_| refused::<T, T::Error>(index))
}

/// Reads the cells of a part of a row.
///
/// # Errors
/// [`FromRowError`] names the column that does not convert.
#[inline]
pub fn flattened<'a, T: ByPosition<'a>, R: RowReader<'a>>(
    row: &mut R,
    cells: &mut Cells<'a>,
) -> Result<T, FromRowError> {
    T::from_cells(row, cells)
}

/// Reads a whole row of so many columns as the type takes.
///
/// # Errors
/// [`FromRowError`] names the column that does not convert.
#[inline(never)]
pub fn from_cells<'a, T: FromCells<'a>, R: RowReader<'a>>(
    row: &mut R,
    columns: &'a Columns,
) -> Result<T, FromRowError> {
    check_count(columns, T::COLUMNS)?;
    let mut cells = Cells {
        rest: columns,
        index: 0,
    };
    let value = T::from_cells(row, &mut cells)?;
    row.finish()?;
    Ok(value)
}

/// Whether there are so many columns.
#[inline]
pub(crate) fn check_count(columns: &Columns, expected: usize) -> Result<(), FromRowError> {
    if columns.len() == expected {
        return Ok(());
    }
    Err(column_count(expected, columns.len()))
}

#[cold]
const fn column_count(expected: usize, found: usize) -> FromRowError {
    FromRowError::ColumnCount { expected, found }
}

#[cold]
fn refused<T, E>(index: usize) -> FromRowError {
    let error = FromSqlError::Refused {
        error: type_name::<E>(),
    };
    FromRowError::new::<T>(index, error.into())
}
