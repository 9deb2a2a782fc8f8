use std::fmt;

use otaria_codec::{InvalidPacket, PayloadReader, PayloadWriter};

/// A NULL-bitmap: a bit for each column of a [binary result set
/// row](https://mariadb.com/docs/server/reference/clientserver-protocol/4-server-response-packets/resultset-row#binary-resultset-row)
/// or each parameter of a statement, set where there is no value.
///
/// In rows the first two bits are unused, so that the bitmap has (columns + 9) / 8 bytes; the
/// protocol's documentation says (columns + 7) / 8, which is true of parameters.
#[derive(Clone, Copy)]
pub struct NullBitmap<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> NullBitmap<'a> {
    /// Reads the bitmap of a row with so many columns.
    ///
    /// # Errors
    /// [`InvalidPacket::Truncated`] if the payload ends inside it.
    #[inline]
    pub fn of_row(reader: &mut PayloadReader<'a>, columns: usize) -> Result<Self, InvalidPacket> {
        let bytes = reader.bytes(Self::row_bytes(columns))?;
        Ok(Self::in_row(bytes))
    }

    /// Reads the bitmap of so many parameters.
    ///
    /// # Errors
    /// [`InvalidPacket::Truncated`] if the payload ends inside it.
    pub fn of_parameters(
        reader: &mut PayloadReader<'a>,
        parameters: usize,
    ) -> Result<Self, InvalidPacket> {
        let bytes = reader.bytes(parameters.div_ceil(8))?;
        Ok(Self { bytes, offset: 0 })
    }

    /// The bitmap of a row, which is at the start of `bytes`.
    #[inline]
    pub(crate) const fn in_row(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            offset: ROW_OFFSET,
        }
    }

    /// How many bytes the bitmap of a row with so many columns has.
    #[inline]
    pub const fn row_bytes(columns: usize) -> usize {
        columns.saturating_add(ROW_OFFSET).div_ceil(8)
    }

    /// Writes the bitmap of a row.
    pub fn encode_row(is_null: impl IntoIterator<Item = bool>, out: &mut PayloadWriter<'_>) {
        encode([false; ROW_OFFSET].into_iter().chain(is_null), out);
    }

    /// Writes the bitmap of parameters.
    pub fn encode_parameters(is_null: impl IntoIterator<Item = bool>, out: &mut PayloadWriter<'_>) {
        encode(is_null.into_iter(), out);
    }

    /// Whether the column or parameter at `index`, from 0, is NULL; `None` if the bitmap does not
    /// reach so far.
    #[inline]
    pub fn is_null(&self, index: usize) -> Option<bool> {
        let bit = index.checked_add(self.offset)?;
        let byte = self.bytes.get(bit / 8)?;
        Some(byte >> (bit % 8) & 1 != 0)
    }

    /// Whether any bit is set.
    #[inline]
    pub fn has_null(&self) -> bool {
        self.bytes.iter().any(|&byte| byte != 0)
    }
}

impl fmt::Debug for NullBitmap<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NullBitmap({} bytes)", self.bytes.len())
    }
}

fn encode(bits: impl Iterator<Item = bool>, out: &mut PayloadWriter<'_>) {
    let mut byte = 0;
    let mut mask = 1_u8;
    for bit in bits {
        byte |= if bit { mask } else { 0 };
        mask = mask.rotate_left(1);
        if mask == 1 {
            out.int1(byte);
            byte = 0;
        }
    }
    if mask != 1 {
        out.int1(byte);
    }
}

/// How many bits of a row's bitmap are in front of that of the first column.
const ROW_OFFSET: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;

    fn row(is_null: &[bool]) -> Vec<u8> {
        let mut out = Vec::new();
        NullBitmap::encode_row(is_null.iter().copied(), &mut PayloadWriter::new(&mut out));
        out
    }

    fn parameters(is_null: &[bool]) -> Vec<u8> {
        let mut out = Vec::new();
        NullBitmap::encode_parameters(is_null.iter().copied(), &mut PayloadWriter::new(&mut out));
        out
    }

    #[test]
    fn the_bits_of_a_row_begin_behind_two_unused_ones() {
        assert_eq!(row(&[true]), [0b100]);
        assert_eq!(row(&[false, true, true]), [0b1_1000]);
        assert_eq!(row(&[true; 6]), [0xfc]);
        assert_eq!(row(&[true; 7]), [0xfc, 1]);
    }

    #[test]
    fn the_bits_of_parameters_begin_with_the_first() {
        assert!(parameters(&[]).is_empty());
        assert_eq!(parameters(&[true]), [1]);
        assert_eq!(parameters(&[false, true, true]), [0b110]);
        assert_eq!(parameters(&[true; 8]), [0xff]);
        assert_eq!(parameters(&[true; 9]), [0xff, 1]);
    }

    #[test]
    fn null_bitmap_beyond_8_or_32_columns_or_parameters_is_right() {
        for count in 0..=70_usize {
            for null in 0..count {
                let is_null: Vec<_> = (0..count).map(|index| index == null).collect();
                let (row, parameters) = (row(&is_null), parameters(&is_null));
                assert_eq!(row.len(), (count + 2).div_ceil(8));
                assert_eq!(parameters.len(), count.div_ceil(8));
                let of_row =
                    NullBitmap::of_row(&mut PayloadReader::new("test", &row), count).unwrap();
                let of_parameters =
                    NullBitmap::of_parameters(&mut PayloadReader::new("test", &parameters), count)
                        .unwrap();
                for (index, &is_null) in is_null.iter().enumerate() {
                    assert_eq!(of_row.is_null(index), Some(is_null));
                    assert_eq!(of_parameters.is_null(index), Some(is_null));
                }
            }
        }
    }

    #[test]
    fn a_bitmap_knows_whether_any_is_null() {
        let has_null = |is_null: &[bool]| NullBitmap::in_row(&row(is_null)).has_null();
        assert!(!has_null(&[false; 20]));
        assert!(has_null(&[&[false; 19][..], &[true]].concat()));
    }

    #[test]
    fn an_index_beyond_the_bitmap_has_no_bit() {
        let bitmap = NullBitmap::in_row(&[0xfc]);
        assert_eq!(bitmap.is_null(5), Some(true));
        assert_eq!(bitmap.is_null(6), None);
        assert_eq!(bitmap.is_null(usize::MAX), None);
    }

    #[test]
    fn a_cut_bitmap_is_an_error() {
        let error = NullBitmap::of_row(&mut PayloadReader::new("test", &[0]), 7).unwrap_err();
        let truncated = InvalidPacket::Truncated {
            packet: "test",
            missing: 1,
        };
        assert_eq!(error, truncated);
        assert!(NullBitmap::of_parameters(&mut PayloadReader::new("test", &[]), 1).is_err());
    }

    #[test]
    fn debug_shows_no_bits() {
        let shown = format!("{:?}", NullBitmap::in_row(&[0xff]));
        assert_eq!(shown, "NullBitmap(1 bytes)");
    }
}
