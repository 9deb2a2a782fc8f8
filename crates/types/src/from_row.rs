#![expect(
    clippy::inline_always,
    reason = "as calls, rows and their cells go through memory"
)]

mod cells;
mod exact;
mod named;

use crate::{Columns, FromRowError, FromSql, RowReader};

pub use cells::{ByPosition, Cell, Cells, FromCells, flattened, from_cells, try_from};
pub use exact::{ExactCells, kind};
pub(crate) use named::FoundFieldsCache;
pub use named::{ByName, NamedField, NamedPlan, from_named_cells, missing_column};

/// A type that whole rows convert to. Tuples of up to 16 elements do, in column order.
#[diagnostic::on_unimplemented(
    message = "rows cannot be read as `{Self}`",
    note = "a row is read as a tuple, `({Self},)` for one column, or as a struct with `#[derive(FromRow)]`"
)]
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

/// How a tuple, or a struct that takes columns by position, is read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RowPlan {
    /// Each column has just the cells that its element reads, so the columns need not be looked at
    /// again.
    is_exact: bool,
}

impl RowPlan {
    /// For types that read cells of these [`kind`]s in column order.
    ///
    /// # Errors
    /// [`FromRowError::ColumnCount`] if there is another number of columns.
    #[doc(hidden)]
    #[inline(always)]
    pub fn new<const N: usize>(columns: &Columns, kinds: &[u8; N]) -> Result<Self, FromRowError> {
        cells::check_count(columns, N)?;
        let is_exact = columns.are(kinds);
        Ok(Self { is_exact })
    }

    /// For a type that looks at each of its columns.
    ///
    /// # Errors
    /// [`FromRowError::ColumnCount`] if there is another number of columns.
    #[doc(hidden)]
    #[inline]
    pub fn converting(columns: &Columns, expected: usize) -> Result<Self, FromRowError> {
        cells::check_count(columns, expected)?;
        Ok(Self { is_exact: false })
    }

    /// Whether [`ExactCells`] read the rows without a NULL.
    #[doc(hidden)]
    #[inline(always)]
    pub const fn is_exact(&self) -> bool {
        self.is_exact
    }
}

macro_rules! tuple {
    ($count:literal $(($index:literal $element:ident))+) => {
        impl<'a, $($element: FromSql<'a>),+> FromRow<'a> for ($($element,)+) {
            type Plan = RowPlan;

            #[inline(always)]
            fn plan(columns: &Columns) -> Result<RowPlan, FromRowError> {
                RowPlan::new(columns, const { &[$(kind::<$element>()),+] })
            }

            #[inline(always)]
            fn from_row<Reader: RowReader<'a>>(
                row: &mut Reader,
                columns: &'a Columns,
                plan: &RowPlan,
            ) -> Result<Self, FromRowError> {
                if !plan.is_exact || row.has_null() {
                    return from_cells(row, columns);
                }
                let mut cells = const { ExactCells::new(&[$(kind::<$element>()),+]) };
                let tuple = ($(cells.read::<$element, _>(row, $index)?,)+);
                cells.end(row)?;
                Ok(tuple)
            }
        }

        impl<'a, $($element: FromSql<'a>),+> FromCells<'a> for ($($element,)+) {
            const COLUMNS: usize = $count;

            #[inline]
            fn from_cells<Reader: RowReader<'a>>(
                row: &mut Reader,
                cells: &mut Cells<'a>,
            ) -> Result<Self, FromRowError> {
                Ok(($(cells.next_cell()?.read::<$element, _>(row)?,)+))
            }
        }

        impl<'a, $($element: FromSql<'a>),+> ByPosition<'a> for ($($element,)+) {}
    };
}

/// Implements each tuple from that of the first element to that of them all.
macro_rules! tuples {
    ([$($done:tt)*]) => {};
    ([$($done:tt)*] ($count:literal $index:literal $element:ident) $($rest:tt)*) => {
        tuple!($count $($done)* ($index $element));
        tuples!([$($done)* ($index $element)] $($rest)*);
    };
}

tuples! {
    []
    (1 0 T0) (2 1 T1) (3 2 T2) (4 3 T3) (5 4 T4) (6 5 T5) (7 6 T6) (8 7 T7) (9 8 T8) (10 9 T9)
    (11 10 T10) (12 11 T11) (13 12 T12) (14 13 T13) (15 14 T14) (16 15 T15)
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
