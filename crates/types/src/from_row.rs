use otaria_codec::ColumnDefinition;

use crate::{FromRowError, FromSql, RowReader};

/// A type that whole rows convert to. Tuples of up to 16 elements do, in column order.
pub trait FromRow<'a>: Sized {
    /// Converts the row that `row` stands at the start of.
    ///
    /// # Errors
    /// [`FromRowError`] names the column that does not convert.
    fn from_row<R: RowReader<'a>>(
        row: &mut R,
        columns: &'a [ColumnDefinition],
    ) -> Result<Self, FromRowError>;
}

macro_rules! tuple {
    ($count:literal $(($index:literal $element:ident $column:ident))+) => {
        impl<'a, $($element: FromSql<'a>),+> FromRow<'a> for ($($element,)+) {
            #[inline]
            fn from_row<R: RowReader<'a>>(
                row: &mut R,
                columns: &'a [ColumnDefinition],
            ) -> Result<Self, FromRowError> {
                let [$($column),+] = columns else {
                    let found = columns.len();
                    return Err(FromRowError::ColumnCount { expected: $count, found });
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
        T::from_row(&mut ByteRow::new(payload, count)?, &columns)
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
