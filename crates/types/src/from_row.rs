#![expect(
    clippy::inline_always,
    reason = "as calls, rows and their cells go through memory"
)]

use crate::columns::{code_of, text_tail};
use crate::{CellError, Columns, FromRowError, FromSql, RowReader};

/// A type that whole rows convert to. Tuples of up to 16 elements do, in column order.
pub trait FromRow<'a>: Sized {
    /// What is worked out about the columns, once for all rows of a result set.
    type Plan: Copy + Send + Sync;

    /// Looks at the columns.
    ///
    /// # Errors
    /// [`FromRowError`] if no row with such columns converts.
    fn plan(columns: &Columns) -> Result<Self::Plan, FromRowError>;

    /// Converts the row that `row` stands at the start of, by the plan made for `columns`.
    ///
    /// # Errors
    /// [`FromRowError`] names the column that does not convert.
    fn from_row<R: RowReader<'a>>(
        row: &mut R,
        columns: &'a Columns,
        plan: &Self::Plan,
    ) -> Result<Self, FromRowError>;
}

/// How a tuple is read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RowPlan {
    /// Each column has just the cells that its element reads, so the columns need not be looked at
    /// again.
    is_exact: bool,
}

macro_rules! tuple {
    ($count:literal $(($index:literal $element:ident $column:ident))+) => {
        impl<'a, $($element: FromSql<'a>),+> FromRow<'a> for ($($element,)+) {
            type Plan = RowPlan;

            #[inline(always)]
            fn plan(columns: &Columns) -> Result<RowPlan, FromRowError> {
                if columns.len() != $count {
                    return Err(column_count($count, columns.len()));
                }
                let is_exact = columns.are(&[$(const { code_of($element::CELLS) }),+]);
                Ok(RowPlan { is_exact })
            }

            #[inline(always)]
            fn from_row<Reader: RowReader<'a>>(
                row: &mut Reader,
                columns: &'a Columns,
                plan: &RowPlan,
            ) -> Result<Self, FromRowError> {
                if !plan.is_exact || row.has_null() {
                    return convert(row, columns);
                }
                let tail = const { text_tail(&[$(code_of($element::CELLS)),+]) };
                let mut text = "";
                let tuple = ($({
                    if $index == tail {
                        text = row.take_text();
                    }
                    let element = if $index < tail {
                        $element::from_known_cell(row)
                    } else {
                        from_text(row, &mut text)
                    };
                    element.map_err(|error| FromRowError::new::<$element>($index, error))?
                },)+);
                end(row, text)?;
                Ok(tuple)
            }
        }

        impl<'a, $($element: FromSql<'a>),+> Convert<'a> for ($($element,)+) {
            fn convert<Reader: RowReader<'a>>(
                row: &mut Reader,
                columns: &'a Columns,
            ) -> Result<Self, FromRowError> {
                let [$($column),+] = &**columns else {
                    return Err(column_count($count, columns.len()));
                };
                let tuple = ($(
                    row.read::<$element>($column)
                        .map_err(|error| FromRowError::new::<$element>($index, error))?,
                )+);
                row.finish()?;
                Ok(tuple)
            }
        }
    };
}

/// Reads rows whose columns have to be looked at, or that have NULLs.
trait Convert<'a>: Sized {
    fn convert<R: RowReader<'a>>(row: &mut R, columns: &'a Columns) -> Result<Self, FromRowError>;
}

#[inline(never)]
fn convert<'a, T: Convert<'a>, R: RowReader<'a>>(
    row: &mut R,
    columns: &'a Columns,
) -> Result<T, FromRowError> {
    T::convert(row, columns)
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

/// Checks that the row ends behind its last cell, and so does what was taken of it as text.
#[inline(always)]
fn end<'a, R: RowReader<'a>>(row: &mut R, text: &'a str) -> Result<(), FromRowError> {
    if !text.is_empty() {
        row.put_back(text);
    }
    Ok(row.finish()?)
}

#[cold]
const fn column_count(expected: usize, found: usize) -> FromRowError {
    FromRowError::ColumnCount { expected, found }
}

/// Implements each tuple from that of the first element to that of them all.
macro_rules! tuples {
    ([$($done:tt)*]) => {};
    ([$($done:tt)*] ($count:literal $index:literal $element:ident $column:ident) $($rest:tt)*) => {
        tuple!($count $($done)* ($index $element $column));
        tuples!([$($done)* ($index $element $column)] $($rest)*);
    };
}

tuples! {
    []
    (1 0 T0 c0) (2 1 T1 c1) (3 2 T2 c2) (4 3 T3 c3) (5 4 T4 c4) (6 5 T5 c5) (7 6 T6 c6) (8 7 T7 c7)
    (9 8 T8 c8) (10 9 T9 c9) (11 10 T10 c10) (12 11 T11 c11) (13 12 T12 c12) (14 13 T13 c13)
    (15 14 T14 c14) (16 15 T15 c15)
}

#[cfg(test)]
mod tests {
    use otaria_codec::InvalidPacket;

    use super::*;
    use crate::{
        FromSqlError,
        testing::{ByteRow, columns},
    };

    fn read<T: for<'a> FromRow<'a>>(payload: &[u8], count: usize) -> Result<T, FromRowError> {
        let columns = columns(count);
        let plan = T::plan(&columns)?;
        T::from_row(&mut ByteRow::new(payload, count)?, &columns, &plan)
    }

    #[test]
    fn a_row_is_read_in_column_order() {
        assert_eq!(read(&[1], 1), Ok((1_u8,)));
        assert_eq!(read(&[1, 0xff, 3], 3), Ok((true, None::<i64>, Some(3_i32))));
    }

    #[test]
    fn sixteen_columns_are_read() {
        let payload: Vec<u8> = (1..=16).collect();
        let (c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14, c15) =
            read(&payload, 16).unwrap();
        let cells: [u8; 16] = [
            c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14, c15,
        ];
        assert_eq!(cells, payload[..]);
    }

    #[test]
    fn another_number_of_columns_is_an_error_that_says_both_numbers() {
        let error = read::<(u8, u8)>(&[1, 2, 3], 3).unwrap_err();
        assert_eq!(
            error,
            FromRowError::ColumnCount {
                expected: 2,
                found: 3
            }
        );
        assert_eq!(
            error.to_string(),
            "the type takes 2 columns and the row has 3"
        );
    }

    #[test]
    fn a_value_that_does_not_convert_is_an_error_that_names_the_column() {
        let error = FromSqlError::Null;
        assert_eq!(
            read::<(u8, u8)>(&[1, 0xff], 2),
            Err(FromRowError::Column {
                index: 1,
                rust_type: "u8",
                error
            })
        );
    }

    #[test]
    fn a_cut_row_is_an_invalid_packet() {
        assert!(matches!(
            read::<(u8, u8)>(&[1], 2),
            Err(FromRowError::InvalidPacket(InvalidPacket::Truncated { .. }))
        ));
    }

    #[test]
    fn a_row_that_goes_on_behind_its_last_cell_is_an_invalid_packet() {
        assert!(matches!(
            read::<(u8, u8)>(&[1, 2, 3], 2),
            Err(FromRowError::InvalidPacket(
                InvalidPacket::TrailingData { .. }
            ))
        ));
    }
}
