use otaria_codec::{ColumnDefinition, InvalidPacket};

use crate::{CellError, Date, DateTime, FromSql, FromSqlError, RowContext, Time, ValueRef, utf8};

macro_rules! narrow_integers {
    ($($narrow:ident: $wide:ident),+) => {$(
        /// Reads a cell that is not NULL.
        ///
        /// # Errors
        /// [`CellError`] if the row is cut, or the cell no such integer.
        #[inline]
        fn $narrow(&mut self) -> Result<$narrow, CellError> {
            $narrow::try_from(self.$wide()?).map_err(|_| FromSqlError::OutOfRange.into())
        }
    )+};
}

/// Reads the cells of one row in column order.
///
/// There are two forms of rows, those of the text and those of the binary protocol, and a reader
/// for each. A cell is read by [`value`](Self::value), passed by [`skip`](Self::skip), or read as a
/// known type: [`is_null`](Self::is_null) first, and if it is not NULL by the method that the
/// column's field type calls for. The binary form says nothing about a cell's type, so that the
/// method must be the right one:
///
/// - `Tiny`: [`i8`](Self::i8); `Short`: [`i16`](Self::i16); `Int24`, `Long`: [`i32`](Self::i32);
///   `LongLong`: [`i64`](Self::i64); with `UNSIGNED` [`u8`](Self::u8) to [`u64`](Self::u64);
/// - `Year`: [`u16`](Self::u16); `Float`: [`f32`](Self::f32); `Double`: [`f64`](Self::f64);
/// - `Date`: [`date`](Self::date); `DateTime`, `Timestamp`: [`datetime`](Self::datetime);
///   `Time`: [`time`](Self::time);
/// - all others: [`bytes`](Self::bytes), or [`str`](Self::str) for text. DECIMAL is digits in both
///   forms, and BIT a big-endian number.
///
/// After a [`CellError::FromSql`] the reader stands behind the cell. A clone reads the same cells
/// once more.
pub trait RowReader<'a>: Clone {
    /// A reader at the first cell of a row with so many columns.
    ///
    /// # Errors
    /// [`InvalidPacket`] if `payload` cannot be such a row.
    fn new(payload: &'a [u8], columns: usize) -> Result<Self, InvalidPacket>;

    /// A reader at a cell in the middle of a row: that of the column `index`, from 0, which begins
    /// where [`position`](Self::position) was `position` on the same payload.
    ///
    /// # Errors
    /// [`InvalidPacket`] if `position` is beyond the payload.
    fn at(payload: &'a [u8], position: usize, index: usize) -> Result<Self, InvalidPacket>;

    /// The same, for a row of a session that has said so much about its values.
    #[must_use]
    fn with_context(self, context: RowContext) -> Self;

    /// What the session has said about its values.
    fn context(&self) -> RowContext;

    /// Where the next cell begins, in bytes from the start of the payload.
    fn position(&self) -> usize;

    /// Whether the next cell is NULL. If so, it has been read.
    ///
    /// # Errors
    /// [`InvalidPacket`] if the row has ended.
    fn is_null(&mut self) -> Result<bool, InvalidPacket>;

    /// Reads a cell that is not NULL, as bytes.
    ///
    /// # Errors
    /// [`InvalidPacket`] if the payload ends inside the cell.
    fn bytes(&mut self) -> Result<&'a [u8], InvalidPacket>;

    /// Reads a cell that is not NULL.
    ///
    /// # Errors
    /// [`CellError`] if the row is cut, or the cell no such integer.
    fn i64(&mut self) -> Result<i64, CellError>;

    /// Reads a cell that is not NULL.
    ///
    /// # Errors
    /// [`CellError`] if the row is cut, or the cell no such integer.
    fn u64(&mut self) -> Result<u64, CellError>;

    /// Reads a cell that is not NULL.
    ///
    /// # Errors
    /// [`CellError`] if the row is cut, or the cell no number.
    fn f32(&mut self) -> Result<f32, CellError>;

    /// Reads a cell that is not NULL.
    ///
    /// # Errors
    /// [`CellError`] if the row is cut, or the cell no number.
    fn f64(&mut self) -> Result<f64, CellError>;

    /// Reads a cell that is not NULL.
    ///
    /// # Errors
    /// [`CellError`] if the row is cut, or the cell no date.
    fn date(&mut self) -> Result<Date, CellError>;

    /// Reads a cell that is not NULL.
    ///
    /// # Errors
    /// [`CellError`] if the row is cut, or the cell no date and time.
    fn datetime(&mut self) -> Result<DateTime, CellError>;

    /// Reads a cell that is not NULL.
    ///
    /// # Errors
    /// [`CellError`] if the row is cut, or the cell no time.
    fn time(&mut self) -> Result<Time, CellError>;

    /// Reads the next cell, NULL or not, as what `column` says that it is.
    ///
    /// # Errors
    /// [`CellError`] if the row is cut, or the cell not what its column promises.
    fn value(&mut self, column: &ColumnDefinition) -> Result<ValueRef<'a>, CellError>;

    /// Passes the next cell, NULL or not.
    ///
    /// # Errors
    /// [`InvalidPacket`] if the payload ends inside the cell.
    fn skip(&mut self, column: &ColumnDefinition) -> Result<(), InvalidPacket>;

    /// Whether any cell of the row may be NULL. If not, none has to be asked whether it is.
    #[inline]
    fn has_null(&self) -> bool {
        true
    }

    /// Takes all that is left of the row as one text, if it is UTF-8 as a whole: the cells and the
    /// lengths before them, which are one byte each. Else it takes nothing and returns `""`.
    ///
    /// Checking short cells one by one costs several times as much.
    #[inline]
    fn take_text(&mut self) -> &'a str {
        ""
    }

    /// Goes back to where `rest`, the end of what [`take_text`](Self::take_text) has returned,
    /// begins.
    #[inline]
    fn put_back(&mut self, rest: &'a str) {
        debug_assert!(rest.is_empty(), "nothing was taken");
    }

    /// Checks, after the last cell has been read, that the payload ends there.
    ///
    /// # Errors
    /// [`InvalidPacket::TrailingData`] if it does not.
    fn finish(&self) -> Result<(), InvalidPacket>;

    narrow_integers! { i8: i64, i16: i64, i32: i64, u8: u64, u16: u64, u32: u64 }

    /// Reads a cell that is not NULL, as text.
    ///
    /// # Errors
    /// [`CellError`] if the row is cut, or the cell not UTF-8.
    #[inline]
    fn str(&mut self) -> Result<&'a str, CellError> {
        Ok(utf8(self.bytes()?)?)
    }

    /// Reads the next cell, NULL or not, as the type that the caller asks for.
    ///
    /// # Errors
    /// [`CellError`] if the row is cut, or the cell does not convert.
    #[inline]
    fn read<T: FromSql<'a>>(&mut self, column: &ColumnDefinition) -> Result<T, CellError> {
        if self.is_null()? {
            return Ok(T::from_sql(ValueRef::Null)?);
        }
        T::from_cell(self, column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{ByteRow, columns};

    fn row(payload: &[u8]) -> ByteRow<'_> {
        ByteRow::new(payload, payload.len()).unwrap()
    }

    #[test]
    fn an_integer_out_of_the_narrower_type_s_range_is_an_error() {
        assert_eq!(row(&[127]).i8(), Ok(127));
        assert_eq!(row(&[128]).i8(), Err(FromSqlError::OutOfRange.into()));
        assert_eq!(row(&[255]).u8(), Ok(255));
        assert_eq!(row(&[255]).i16(), Ok(255));
    }

    #[test]
    fn text_that_is_not_utf_8_is_an_error_and_the_row_goes_on() {
        let mut row = row(b"\xe4b");
        assert_eq!(row.str(), Err(FromSqlError::Utf8.into()));
        assert_eq!(row.str(), Ok("b"));
    }

    #[test]
    fn a_cell_is_read_as_the_type_that_is_asked_for() {
        let columns = columns(1);
        assert_eq!(row(&[7]).read::<u16>(&columns[0]), Ok(7));
        assert_eq!(row(&[0xff]).read::<Option<u16>>(&columns[0]), Ok(None));
        assert_eq!(
            row(&[0xff]).read::<u16>(&columns[0]),
            Err(FromSqlError::Null.into())
        );
    }
}
