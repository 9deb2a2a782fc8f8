use std::fmt;

use otaria_codec::{Capabilities, ColumnDefinition, Encode, InvalidPacket, PayloadWriter};
use otaria_types::{Date, DateTime, Decimal, RowReader, Time};

use crate::{BinaryRow, NullBitmap, value};

/// A [binary result set
/// row](https://mariadb.com/docs/server/reference/clientserver-protocol/4-server-response-packets/resultset-row#binary-resultset-row)
/// as a whole, for whoever sends one; [`BinaryRow`] reads rows without copying them.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct BinaryRowPacket {
    cells: Vec<BinaryCell>,
}

impl BinaryRowPacket {
    /// A row of these cells, all of one type; [`with`](Self::with) adds cells of other types.
    pub fn of<T: Into<BinaryCell>>(cells: impl IntoIterator<Item = T>) -> Self {
        Self {
            cells: cells.into_iter().map(T::into).collect(),
        }
    }

    /// The same row with one more cell.
    #[must_use]
    pub fn with(mut self, cell: impl Into<BinaryCell>) -> Self {
        self.cells.push(cell.into());
        self
    }

    /// Reads a row of these columns; without them the cells of a row cannot be told apart.
    ///
    /// # Errors
    /// [`InvalidPacket`] if `payload` is no such row.
    pub fn decode(payload: &[u8], columns: &[ColumnDefinition]) -> Result<Self, InvalidPacket> {
        let mut row = BinaryRow::new(payload, columns.len())?;
        let mut cells = Vec::new();
        for column in columns {
            let mut passed = row;
            if passed.is_null()? {
                cells.push(BinaryCell::NULL);
                row = passed;
                continue;
            }
            let from = row.position();
            row.skip(column)?;
            let bytes = payload.get(from..row.position()).unwrap_or_default();
            cells.push(BinaryCell(Some(bytes.into())));
        }
        row.finish()?;
        Ok(Self { cells })
    }

    /// The cells in column order as the row has them, `None` for NULL.
    pub fn cells(&self) -> impl ExactSizeIterator<Item = Option<&[u8]>> {
        self.cells.iter().map(|cell| cell.0.as_deref())
    }
}

impl Encode for BinaryRowPacket {
    fn encode(&self, _: Capabilities, out: &mut PayloadWriter<'_>) {
        out.int1(0x00);
        NullBitmap::encode_row(self.cells().map(|cell| cell.is_none()), out);
        for bytes in self.cells().flatten() {
            out.bytes(bytes);
        }
    }
}

/// A cell of a [`BinaryRowPacket`], in the form of its type.
///
/// An integer takes as many bytes as its type has: a cell of MEDIUMINT is made of an `i32` or `u32`,
/// one of YEAR of a `u16`. BIT is made of bytes, most significant first. Dates and times take the
/// shortest form. `Debug` shows the length of a cell and never its value.
#[derive(Clone, Default, Eq, PartialEq)]
pub struct BinaryCell(Option<Vec<u8>>);

impl BinaryCell {
    /// NULL.
    pub const NULL: Self = Self(None);

    /// A cell in a form that no type here has, as the row is to have it.
    pub fn raw(bytes: &[u8]) -> Self {
        Self(Some(bytes.into()))
    }

    fn new(write: impl FnOnce(&mut PayloadWriter<'_>)) -> Self {
        let mut bytes = Vec::new();
        write(&mut PayloadWriter::new(&mut bytes));
        Self(Some(bytes))
    }
}

impl fmt::Debug for BinaryCell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            None => f.write_str("NULL"),
            Some(bytes) => write!(f, "{} bytes", bytes.len()),
        }
    }
}

macro_rules! cells {
    ($($type:ty: |$value:ident, $out:ident| $write:expr;)+) => {$(
        impl From<$type> for BinaryCell {
            fn from($value: $type) -> Self {
                Self::new(|$out| $write)
            }
        }

        impl From<Option<$type>> for BinaryCell {
            fn from(value: Option<$type>) -> Self {
                value.map_or(Self::NULL, Self::from)
            }
        }
    )+};
}

cells! {
    i8: |value, out| out.bytes(&value.to_le_bytes());
    i16: |value, out| out.bytes(&value.to_le_bytes());
    i32: |value, out| out.bytes(&value.to_le_bytes());
    i64: |value, out| out.bytes(&value.to_le_bytes());
    u8: |value, out| out.int1(value);
    u16: |value, out| out.int2(value);
    u32: |value, out| out.int4(value);
    u64: |value, out| out.int8(value);
    f32: |value, out| out.bytes(&value.to_le_bytes());
    f64: |value, out| out.bytes(&value.to_le_bytes());
    &str: |value, out| out.bytes_lenenc(value.as_bytes());
    String: |value, out| out.bytes_lenenc(value.as_bytes());
    &[u8]: |value, out| out.bytes_lenenc(value);
    Vec<u8>: |value, out| out.bytes_lenenc(&value);
    Decimal: |value, out| out.bytes_lenenc(value.to_string().as_bytes());
    Date: |value, out| value::write_date(value, out);
    DateTime: |value, out| value::write_datetime(value, out);
    Time: |value, out| value::write_time(value, out);
}

#[cfg(test)]
mod tests {
    use otaria_codec::FieldType;

    use super::*;

    fn encoded(row: &BinaryRowPacket) -> Vec<u8> {
        let mut out = Vec::new();
        row.encode(Capabilities::empty(), &mut PayloadWriter::new(&mut out));
        out
    }

    fn example() -> BinaryRowPacket {
        BinaryRowPacket::of([-3_i32])
            .with(None::<i64>)
            .with("abc")
            .with(Some(Date::new(2024, 0, 0).unwrap()))
    }

    const EXAMPLE: &[u8] = b"\x00\x08\xfd\xff\xff\xff\x03abc\x04\xe8\x07\x00\x00";

    fn columns() -> [ColumnDefinition; 4] {
        [
            FieldType::Int24,
            FieldType::LongLong,
            FieldType::Blob,
            FieldType::Date,
        ]
        .map(|field_type| ColumnDefinition::new("c", field_type))
    }

    #[test]
    fn a_row_comes_back() {
        assert_eq!(encoded(&example()), EXAMPLE);
        let row = BinaryRowPacket::decode(EXAMPLE, &columns()).unwrap();
        assert_eq!(row, example());
        let cells: Vec<_> = row.cells().collect();
        assert_eq!(cells[1..3], [None, Some(&b"\x03abc"[..])]);
    }

    #[test]
    fn every_cut_row_is_an_error() {
        for end in 0..EXAMPLE.len() {
            assert!(BinaryRowPacket::decode(&EXAMPLE[..end], &columns()).is_err());
        }
    }

    #[test]
    fn a_row_that_goes_on_is_an_error() {
        let error = BinaryRowPacket::decode(&[EXAMPLE, &[0]].concat(), &columns()).unwrap_err();
        assert!(matches!(error, InvalidPacket::TrailingData { .. }));
    }

    #[test]
    fn a_row_without_columns_comes_back() {
        let payload = encoded(&BinaryRowPacket::default());
        assert_eq!(payload, [0, 0]);
        assert_eq!(
            BinaryRowPacket::decode(&payload, &[]),
            Ok(BinaryRowPacket::default())
        );
    }

    #[test]
    fn dates_and_times_take_the_shortest_form() {
        let date = Date::new(2024, 2, 29).unwrap();
        let datetime = |second, micros| DateTime::new(date, 0, 0, second, micros).unwrap();
        let lengths = [
            BinaryCell::from(Date::ZERO),
            date.into(),
            DateTime::ZERO.into(),
            datetime(0, 0).into(),
            datetime(1, 0).into(),
            datetime(0, 1).into(),
            Time::ZERO.into(),
            Time::from_micros(1_000_000).unwrap().into(),
            Time::from_micros(1).unwrap().into(),
        ]
        .map(|cell| cell.0.unwrap()[0]);
        assert_eq!(lengths, [0, 4, 0, 4, 7, 11, 0, 8, 12]);
    }

    #[test]
    fn debug_shows_no_values() {
        let shown = format!("{:?}", BinaryRowPacket::of([Some("secret"), None]));
        assert_eq!(shown, "BinaryRowPacket { cells: [7 bytes, NULL] }");
    }
}
