#![expect(
    clippy::inline_always,
    reason = "as calls, cell readers send whole tuples through memory"
)]

use std::fmt;

use otaria_codec::{ColumnDefinition, InvalidPacket, PayloadReader};
use otaria_types::{
    CellError, Date, DateTime, FromSql, RowContext, RowReader, Time, ValueRef, utf8,
};

use crate::{NullBitmap, value};

/// Reads a [binary result set
/// row](https://mariadb.com/docs/server/reference/clientserver-protocol/4-server-response-packets/resultset-row#binary-resultset-row):
/// `0x00`, the [`NullBitmap`], and the values of the columns that are not NULL.
#[derive(Clone, Copy)]
pub struct BinaryRow<'a> {
    reader: PayloadReader<'a>,
    /// The NULL-bitmap, and of a reader made in the middle of a row also the cells read before.
    bitmap: &'a [u8],
    /// The column of the next cell.
    index: usize,
    payload_bytes: usize,
    context: RowContext,
}

impl BinaryRow<'_> {
    #[inline(always)]
    fn array<const N: usize>(&mut self) -> Result<[u8; N], CellError> {
        self.pass();
        Ok(self.reader.array()?)
    }

    /// Goes on to the next column.
    #[inline(always)]
    const fn pass(&mut self) {
        self.index = self.index.wrapping_add(1);
    }
}

macro_rules! numbers {
    ($($number:ident)+) => {$(
        #[inline(always)]
        fn $number(&mut self) -> Result<$number, CellError> {
            self.array().map($number::from_le_bytes)
        }
    )+};
}

impl<'a> RowReader<'a> for BinaryRow<'a> {
    #[inline(always)]
    fn new(payload: &'a [u8], columns: usize) -> Result<Self, InvalidPacket> {
        let mut reader = PayloadReader::new(PACKET, payload);
        if !reader.take_if(0x00) {
            return Err(unexpected_header(reader));
        }
        Ok(Self {
            bitmap: reader.bytes(NullBitmap::row_bytes(columns))?,
            reader,
            index: 0,
            payload_bytes: payload.len(),
            context: RowContext::default(),
        })
    }

    #[inline]
    fn at(payload: &'a [u8], position: usize, index: usize) -> Result<Self, InvalidPacket> {
        let mut reader = PayloadReader::new(PACKET, payload);
        let before = reader.bytes(position)?;
        Ok(Self {
            reader,
            bitmap: before.get(1..).unwrap_or_default(),
            index,
            payload_bytes: payload.len(),
            context: RowContext::default(),
        })
    }

    #[inline(always)]
    fn with_context(self, context: RowContext) -> Self {
        Self { context, ..self }
    }

    #[inline(always)]
    fn context(&self) -> RowContext {
        self.context
    }

    #[inline(always)]
    fn position(&self) -> usize {
        self.payload_bytes.saturating_sub(self.reader.remaining())
    }

    #[inline(always)]
    fn is_null(&mut self) -> Result<bool, InvalidPacket> {
        match NullBitmap::in_row(self.bitmap).is_null(self.index) {
            Some(false) => Ok(false),
            Some(true) => {
                self.pass();
                Ok(true)
            }
            None => Err(no_such_column()),
        }
    }

    #[inline(always)]
    fn bytes(&mut self) -> Result<&'a [u8], InvalidPacket> {
        self.pass();
        value::read_bytes(&mut self.reader)
    }

    numbers! { i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 }

    #[inline]
    fn date(&mut self) -> Result<Date, CellError> {
        self.pass();
        value::read_date(&mut self.reader)
    }

    #[inline]
    fn datetime(&mut self) -> Result<DateTime, CellError> {
        self.pass();
        value::read_datetime(&mut self.reader)
    }

    #[inline]
    fn time(&mut self) -> Result<Time, CellError> {
        self.pass();
        value::read_time(&mut self.reader)
    }

    #[inline(always)]
    fn read<T: FromSql<'a>>(&mut self, column: &ColumnDefinition) -> Result<T, CellError> {
        if self.is_null()? {
            return Ok(T::from_sql(ValueRef::Null)?);
        }
        T::from_cell(self, column)
    }

    #[inline(always)]
    fn value(&mut self, column: &ColumnDefinition) -> Result<ValueRef<'a>, CellError> {
        if self.is_null()? {
            return Ok(ValueRef::Null);
        }
        self.pass();
        value::read(&mut self.reader, column)
    }

    #[inline]
    fn skip(&mut self, column: &ColumnDefinition) -> Result<(), InvalidPacket> {
        if self.is_null()? {
            return Ok(());
        }
        self.pass();
        value::skip(&mut self.reader, column.field_type())
    }

    /// A reader that was made [`at`](RowReader::at) a later cell may say yes where none is.
    #[inline(always)]
    fn has_null(&self) -> bool {
        NullBitmap::in_row(self.bitmap).has_null()
    }

    #[inline(always)]
    fn take_text(&mut self) -> &'a str {
        match utf8(self.reader.rest()) {
            Ok(text) => {
                self.reader.bytes_eof();
                text
            }
            Err(_) => "",
        }
    }

    #[inline]
    fn put_back(&mut self, rest: &'a str) {
        if !rest.is_empty() {
            self.reader = PayloadReader::new(PACKET, rest.as_bytes());
        }
    }

    #[inline(always)]
    fn finish(&self) -> Result<(), InvalidPacket> {
        self.reader.finish()
    }
}

impl fmt::Debug for BinaryRow<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "BinaryRow({} of {} bytes)",
            self.position(),
            self.payload_bytes
        )
    }
}

#[cold]
fn unexpected_header(mut reader: PayloadReader<'_>) -> InvalidPacket {
    reader
        .header(0x00)
        .err()
        .unwrap_or(InvalidPacket::Empty { packet: PACKET })
}

#[cold]
fn no_such_column() -> InvalidPacket {
    InvalidPacket::Truncated {
        packet: PACKET,
        missing: 1,
    }
}

pub(crate) const PACKET: &str = "binary result set row";

#[cfg(test)]
mod tests;
