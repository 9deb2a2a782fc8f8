use std::fmt;

use otaria_codec::{Capabilities, Decode, Encode, InvalidPacket, PayloadReader, PayloadWriter};

use crate::row::PACKET;

/// A [text result set
/// row](https://mariadb.com/docs/server/reference/clientserver-protocol/4-server-response-packets/resultset-row#text-resultset-row)
/// as a whole, for whoever sends one; [`TextRow`](crate::TextRow) reads rows without copying them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TextRowPacket {
    /// The cells in column order; never none.
    cells: Vec<TextCell>,
}

impl TextRowPacket {
    /// A row of these cells, each of them text, bytes, or an `Option` of either. A row without a
    /// cell does not decode.
    pub fn of<T: Into<TextCell>>(cells: impl IntoIterator<Item = T>) -> Self {
        Self {
            cells: cells.into_iter().map(T::into).collect(),
        }
    }

    /// The cells in column order, `None` for NULL.
    pub fn cells(&self) -> impl ExactSizeIterator<Item = Option<&[u8]>> {
        self.cells.iter().map(|cell| cell.0.as_deref())
    }
}

impl Decode<'_> for TextRowPacket {
    fn decode(payload: &[u8], _: Capabilities) -> Result<Self, InvalidPacket> {
        let mut reader = PayloadReader::new(PACKET, payload);
        let mut cells = Vec::new();
        if reader.is_empty() {
            return Err(InvalidPacket::Empty { packet: PACKET });
        }
        while !reader.is_empty() {
            cells.push(TextCell::from(reader.bytes_lenenc_or_null()?));
        }
        Ok(Self { cells })
    }
}

impl Encode for TextRowPacket {
    fn encode(&self, _: Capabilities, out: &mut PayloadWriter<'_>) {
        for cell in self.cells() {
            match cell {
                None => out.int1(0xfb),
                Some(bytes) => out.bytes_lenenc(bytes),
            }
        }
    }
}

/// A cell of a [`TextRowPacket`].
///
/// `Debug` shows its length and never its value.
#[derive(Clone, Default, Eq, PartialEq)]
pub struct TextCell(Option<Vec<u8>>);

impl fmt::Debug for TextCell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            None => f.write_str("NULL"),
            Some(bytes) => write!(f, "{} bytes", bytes.len()),
        }
    }
}

macro_rules! text_cells {
    ($($bytes:ty),+) => {$(
        impl From<$bytes> for TextCell {
            fn from(bytes: $bytes) -> Self {
                Self(Some(bytes.into()))
            }
        }

        impl From<Option<$bytes>> for TextCell {
            fn from(bytes: Option<$bytes>) -> Self {
                Self(bytes.map(<$bytes>::into))
            }
        }
    )+};
}

text_cells!(&str, &[u8], String, Vec<u8>);

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &[u8] = b"\x011\xfb\x00\x03abc";

    fn encoded(row: &TextRowPacket) -> Vec<u8> {
        let mut out = Vec::new();
        row.encode(Capabilities::empty(), &mut PayloadWriter::new(&mut out));
        out
    }

    #[test]
    fn a_row_comes_back() {
        let row = TextRowPacket::decode(EXAMPLE, Capabilities::empty()).unwrap();
        assert_eq!(
            row,
            TextRowPacket::of([Some("1"), None, Some(""), Some("abc")])
        );
        assert_eq!(encoded(&row), EXAMPLE);
        let cells: Vec<_> = row.cells().collect();
        assert_eq!(cells, [Some(&b"1"[..]), None, Some(b""), Some(b"abc")]);
    }

    #[test]
    fn a_row_is_made_of_text_or_bytes() {
        assert_eq!(encoded(&TextRowPacket::of(["1"])), b"\x011");
        assert_eq!(encoded(&TextRowPacket::of([vec![0xff]])), b"\x01\xff");
    }

    #[test]
    fn a_long_cell_comes_back() {
        let row = TextRowPacket::of([vec![b'x'; 0x1_0000]]);
        let bytes = encoded(&row);
        assert_eq!(bytes.first_chunk(), Some(&[0xfd, 0, 0, 1]));
        assert_eq!(
            TextRowPacket::decode(&bytes, Capabilities::empty()),
            Ok(row)
        );
    }

    #[test]
    fn an_empty_row_is_an_error() {
        let error = TextRowPacket::decode(&[], Capabilities::empty()).unwrap_err();
        assert!(matches!(error, InvalidPacket::Empty { .. }));
    }

    #[test]
    fn a_row_that_is_cut_inside_a_cell_is_an_error() {
        for payload in [&b"\x03ab"[..], b"\x011\xfc\x00", b"\xff"] {
            assert!(TextRowPacket::decode(payload, Capabilities::empty()).is_err());
        }
    }

    #[test]
    fn debug_shows_no_values() {
        let shown = format!("{:?}", TextRowPacket::of([Some("secret"), None]));
        assert_eq!(shown, "TextRowPacket { cells: [6 bytes, NULL] }");
    }
}
