use std::fmt;

use otaria_codec::{ColumnDefinition, InvalidPacket, PayloadReader};
use otaria_types::{CellError, Date, DateTime, RowContext, RowReader, Time, ValueRef};

use crate::{
    number::{parse_f32, parse_f64, parse_i64, parse_u64},
    value,
};

/// Reads a [text result set
/// row](https://mariadb.com/docs/server/reference/clientserver-protocol/4-server-response-packets/resultset-row#text-resultset-row):
/// for each column NULL (`0xfb`) or the value as text.
#[derive(Clone, Copy)]
pub struct TextRow<'a> {
    reader: PayloadReader<'a>,
    payload_bytes: usize,
    context: RowContext,
}

impl<'a> RowReader<'a> for TextRow<'a> {
    #[inline]
    fn new(payload: &'a [u8], columns: usize) -> Result<Self, InvalidPacket> {
        let mut reader = PayloadReader::new(PACKET, payload);
        let row = Self {
            reader,
            payload_bytes: payload.len(),
            context: RowContext::default(),
        };
        // A cell has at least one byte.
        if payload.len() < columns {
            reader.bytes(columns)?;
        }
        Ok(row)
    }

    #[inline]
    fn at(payload: &'a [u8], position: usize, _: usize) -> Result<Self, InvalidPacket> {
        let mut reader = PayloadReader::new(PACKET, payload);
        reader.bytes(position)?;
        Ok(Self {
            reader,
            payload_bytes: payload.len(),
            context: RowContext::default(),
        })
    }

    #[inline]
    fn with_context(self, context: RowContext) -> Self {
        Self { context, ..self }
    }

    #[inline]
    fn context(&self) -> RowContext {
        self.context
    }

    #[inline]
    fn position(&self) -> usize {
        self.payload_bytes.saturating_sub(self.reader.remaining())
    }

    #[inline]
    fn is_null(&mut self) -> Result<bool, InvalidPacket> {
        if self.reader.is_empty() {
            self.reader.bytes(1)?;
        }
        Ok(self.reader.take_if(0xfb))
    }

    #[inline]
    fn bytes(&mut self) -> Result<&'a [u8], InvalidPacket> {
        self.reader.bytes_lenenc()
    }

    #[inline]
    fn i64(&mut self) -> Result<i64, CellError> {
        Ok(parse_i64(self.bytes()?)?)
    }

    #[inline]
    fn u64(&mut self) -> Result<u64, CellError> {
        Ok(parse_u64(self.bytes()?)?)
    }

    #[inline]
    fn f32(&mut self) -> Result<f32, CellError> {
        Ok(parse_f32(self.bytes()?)?)
    }

    #[inline]
    fn f64(&mut self) -> Result<f64, CellError> {
        Ok(parse_f64(self.bytes()?)?)
    }

    #[inline]
    fn date(&mut self) -> Result<Date, CellError> {
        Ok(Date::parse(self.bytes()?)?)
    }

    #[inline]
    fn datetime(&mut self) -> Result<DateTime, CellError> {
        Ok(DateTime::parse(self.bytes()?)?)
    }

    #[inline]
    fn time(&mut self) -> Result<Time, CellError> {
        Ok(Time::parse(self.bytes()?)?)
    }

    #[inline]
    fn value(&mut self, column: &ColumnDefinition) -> Result<ValueRef<'a>, CellError> {
        match self.reader.bytes_lenenc_or_null()? {
            None => Ok(ValueRef::Null),
            Some(cell) => Ok(value::parse(cell, column)?),
        }
    }

    #[inline]
    fn skip(&mut self, _: &ColumnDefinition) -> Result<(), InvalidPacket> {
        self.reader.bytes_lenenc_or_null().map(|_| ())
    }

    #[inline]
    fn finish(&self) -> Result<(), InvalidPacket> {
        self.reader.finish()
    }
}

impl fmt::Debug for TextRow<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "TextRow({} of {} bytes)",
            self.position(),
            self.payload_bytes
        )
    }
}

pub(crate) const PACKET: &str = "text result set row";

#[cfg(test)]
mod tests {
    use otaria_codec::{Capabilities, Encode, FieldType, PayloadWriter};
    use otaria_types::{Columns, FromRow, FromRowError, FromSqlError};

    use super::*;
    use crate::{TextCell, TextRowPacket};

    fn encoded<T: Into<TextCell>>(cells: impl IntoIterator<Item = T>) -> Vec<u8> {
        let mut out = Vec::new();
        TextRowPacket::of(cells).encode(Capabilities::empty(), &mut PayloadWriter::new(&mut out));
        out
    }

    fn row(payload: &[u8]) -> TextRow<'_> {
        TextRow::new(payload, 1).unwrap()
    }

    fn columns() -> Columns {
        let types = [FieldType::LongLong, FieldType::Double, FieldType::Blob];
        let columns = types.map(|field_type| ColumnDefinition::new("c", field_type));
        Columns::new(columns.into())
    }

    fn tuple<'a, T: FromRow<'a>>(
        payload: &'a [u8],
        columns: &'a Columns,
    ) -> Result<T, FromRowError> {
        let plan = T::plan(columns)?;
        T::from_row(&mut TextRow::new(payload, columns.len())?, columns, &plan)
    }

    #[test]
    fn cells_are_read_by_type_in_column_order() {
        let payload = encoded([
            "-1",
            "18446744073709551615",
            "1.5",
            "1e-5",
            "abc",
            "0000-00-00",
            "2024-02-29 01:02:03.5",
            "-00:00:00.5",
        ]);
        let mut row = TextRow::new(&payload, 8).unwrap();
        assert_eq!(row.i64(), Ok(-1));
        assert_eq!(row.u64(), Ok(u64::MAX));
        assert_eq!(row.f32(), Ok(1.5));
        assert_eq!(row.f64(), Ok(1e-5));
        assert_eq!(row.bytes(), Ok(&b"abc"[..]));
        assert_eq!(row.date(), Ok(Date::ZERO));
        assert_eq!(row.datetime().unwrap().microsecond(), 500_000);
        assert_eq!(row.time().unwrap().as_micros(), -500_000);
        assert_eq!(row.finish(), Ok(()));
    }

    #[test]
    fn null_is_read_by_asking_for_it() {
        let payload = encoded([None, Some("7"), None]);
        let mut row = row(&payload);
        assert_eq!(row.is_null(), Ok(true));
        assert_eq!(row.is_null(), Ok(false));
        assert_eq!(row.i8(), Ok(7));
        assert_eq!(row.is_null(), Ok(true));
        assert!(row.is_null().is_err());
    }

    #[test]
    fn null_of_every_type_is_a_null_value() {
        for byte in 0..=255 {
            let column = ColumnDefinition::new("c", FieldType::from(byte));
            assert_eq!(row(&[0xfb]).value(&column), Ok(ValueRef::Null));
        }
    }

    #[test]
    fn a_row_is_read_as_a_tuple() {
        let payload = encoded([Some("42"), None, Some("abc")]);
        let columns = columns();
        let tuple: (i32, Option<f64>, &[u8]) = tuple(&payload, &columns).unwrap();
        assert_eq!(tuple, (42, None, &b"abc"[..]));
    }

    #[test]
    fn a_cell_that_does_not_convert_leaves_the_rest_readable() {
        let payload = encoded(["12x", "8"]);
        let mut row = row(&payload);
        assert_eq!(row.i64(), Err(FromSqlError::Malformed.into()));
        assert_eq!(row.i64(), Ok(8));
    }

    #[test]
    fn reading_goes_on_where_a_cell_begins() {
        let payload = encoded([Some("1"), None, Some("abc")]);
        let columns = columns();
        let mut reader = row(&payload);
        for (index, column) in columns.iter().enumerate() {
            let mut resumed = TextRow::at(&payload, reader.position(), index).unwrap();
            let value = reader.value(column).unwrap();
            assert_eq!(resumed.value(column), Ok(value));
        }
        assert_eq!(reader.position(), payload.len());
        assert!(TextRow::at(&payload, payload.len() + 1, 3).is_err());
    }

    #[test]
    fn a_skipped_cell_ends_where_a_read_one_does() {
        let payload = encoded([Some("1"), None, Some("abc")]);
        let (mut read, mut skipped) = (row(&payload), row(&payload));
        for column in columns().iter() {
            read.value(column).unwrap();
            skipped.skip(column).unwrap();
            assert_eq!(read.position(), skipped.position());
        }
    }

    #[test]
    fn every_cut_row_is_an_invalid_packet() {
        let payload = encoded([Some("42"), None, Some("abc")]);
        let columns = columns();
        for end in 0..payload.len() {
            let result = tuple::<(i64, Option<f64>, &[u8])>(&payload[..end], &columns);
            assert!(
                matches!(result, Err(FromRowError::InvalidPacket(_))),
                "{end}"
            );
        }
    }

    #[test]
    fn a_row_that_goes_on_is_an_invalid_packet() {
        let payload = encoded(["1", "2"]);
        let mut row = row(&payload);
        assert_eq!(row.i64(), Ok(1));
        assert_eq!(
            row.finish(),
            Err(InvalidPacket::TrailingData {
                packet: PACKET,
                bytes: 2
            })
        );
    }

    #[test]
    fn a_length_beyond_the_row_is_an_invalid_packet() {
        let mut row = row(&[0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, b'a']);
        assert!(matches!(row.bytes(), Err(InvalidPacket::Truncated { .. })));
    }

    #[test]
    fn debug_shows_no_values() {
        let payload = encoded(["secret"]);
        assert_eq!(format!("{:?}", row(&payload)), "TextRow(0 of 7 bytes)");
    }
}
