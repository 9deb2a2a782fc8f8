#![expect(
    clippy::inline_always,
    reason = "the loop over the cells of a column is to be one loop, without calls"
)]

use otaria_codec::InvalidPacket;

use crate::cell::{Binary, CellSink, CellSlots, Fault, Form, ReadCell, Text};
use crate::nulls::Nulls;

/// How the rows of a result set are written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RowForm {
    /// [Text](https://mariadb.com/docs/server/reference/clientserver-protocol/4-server-response-packets/resultset-row#text-resultset-row),
    /// the answer to `COM_QUERY`.
    Text,
    /// [Binary](https://mariadb.com/docs/server/reference/clientserver-protocol/4-server-response-packets/resultset-row#binary-resultset-row),
    /// the answer to `COM_STMT_EXECUTE`.
    Binary,
}

/// So many rows are decoded together, column by column: enough that what is done once for a column
/// costs little, few enough that they stay in the first cache. The values of a column are less than
/// 2 KiB, from where on memory is cleared by instructions that take long to begin.
pub(crate) const BLOCK_ROWS: usize = 120;

/// What is left of some rows while their columns are decoded from left to right.
pub(crate) struct Block<'b, 'a> {
    pub(crate) form: RowForm,
    /// Where the next cell of each row begins.
    pub(crate) rests: &'b mut [&'a [u8]],
    /// The whole payloads, where the rows' NULL-bitmaps are.
    pub(crate) payloads: &'b [&'a [u8]],
    /// The header and the NULL-bitmaps of all rows together; empty if no cell is NULL.
    pub(crate) nulls: &'b [u8],
    /// The place of the first row in the batch.
    pub(crate) first_row: u32,
    /// The column that is decoded, from 0.
    pub(crate) column: usize,
}

/// A cell that was not decoded.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct RowFault {
    /// The row's place in the batch.
    pub(crate) row: u32,
    pub(crate) fault: Fault,
}

impl<'a> Block<'_, 'a> {
    /// Decodes one cell of each row.
    #[inline(always)]
    pub(crate) fn each<R: ReadCell, S: CellSink<R::Value<'a>>>(
        &mut self,
        reader: &R,
        sink: &mut S,
        nulls: &mut Nulls,
    ) -> Result<(), RowFault> {
        sink.reserve(self.rests.len());
        match self.form {
            RowForm::Text => self.each_by::<Text, R, S>(reader, sink, nulls),
            RowForm::Binary if !is_set(self.nulls, self.column) => {
                self.each_by::<Binary, R, S>(reader, sink, nulls)
            }
            RowForm::Binary => self.each_by_bitmap(reader, sink, nulls),
        }
    }

    #[inline(always)]
    fn each_by<F: Form, R: ReadCell, S: CellSink<R::Value<'a>>>(
        &mut self,
        reader: &R,
        sink: &mut S,
        nulls: &mut Nulls,
    ) -> Result<(), RowFault> {
        let mut first = 0;
        while let Some((row, fault)) = sink.fill::<F, R>(first, self.rests, reader) {
            self.unusual(row, fault, sink, nulls)?;
            first = row + 1;
        }
        Ok(())
    }

    /// The same where the cell of at least one row is NULL.
    fn each_by_bitmap<R: ReadCell, S: CellSink<R::Value<'a>>>(
        &mut self,
        reader: &R,
        sink: &mut S,
        nulls: &mut Nulls,
    ) -> Result<(), RowFault> {
        for row in 0..self.rests.len() {
            let payload = self.payloads.get(row).copied().unwrap_or_default();
            if is_set(payload, self.column) {
                let place = self.place(row);
                sink.push_null();
                nulls
                    .push(place)
                    .map_err(|fault| RowFault { row: place, fault })?;
                continue;
            }
            let Some(rest) = self.rests.get_mut(row) else {
                break;
            };
            match reader.binary(rest) {
                Ok((value, behind)) => {
                    sink.put(row, value);
                    *rest = behind;
                }
                Err(fault) => self.unusual(row, fault, sink, nulls)?,
            }
        }
        Ok(())
    }

    /// Passes a cell that has no value.
    #[inline(never)]
    fn unusual<S: CellSlots>(
        &mut self,
        row: usize,
        fault: Fault,
        sink: &mut S,
        nulls: &mut Nulls,
    ) -> Result<(), RowFault> {
        let place = self.place(row);
        let failed = |fault| RowFault { row: place, fault };
        let rest = self
            .rests
            .get_mut(row)
            .ok_or_else(|| failed(Fault::Truncated))?;
        let (passed, noted) = match (fault, self.form) {
            (Fault::Null, RowForm::Text) => (1, nulls.push(place)),
            // Its length is one byte, that of a row of the binary protocol included.
            (Fault::MadeNull, _) => {
                let length = rest.first().copied().unwrap_or_default();
                (1 + usize::from(length), nulls.push_made(place))
            }
            // The NULL-bitmap has said that the cell has a value.
            (Fault::Null, RowForm::Binary) => return Err(failed(Fault::LengthPrefix)),
            (fault, _) => return Err(failed(fault)),
        };
        noted.map_err(failed)?;
        sink.push_null();
        *rest = rest.get(passed..).ok_or_else(|| failed(Fault::Truncated))?;
        Ok(())
    }

    /// The place of a row of this block in the batch.
    pub(crate) fn place(&self, row: usize) -> u32 {
        self.first_row
            .saturating_add(u32::try_from(row).unwrap_or(u32::MAX))
    }
}

/// Whether the bit of `column` is set in the NULL-bitmap of a row, or of all of them.
#[inline]
fn is_set(payload: &[u8], column: usize) -> bool {
    // The header is one byte, and the first two bits of the bitmap belong to no column.
    let bit = 8 + 2 + column;
    let byte = payload.get(bit / 8).copied().unwrap_or_default();
    byte >> (bit % 8) & 1 == 1
}

/// How the header and the NULL-bitmap of binary rows are read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RowHead {
    /// How many bytes they have together.
    bytes: usize,
    /// The bits of them that are 0 in a row without NULL, where they are in the first 8 bytes.
    mask: Option<u64>,
}

impl RowHead {
    pub(crate) fn new(columns: usize) -> Self {
        // "NULL-bitmap, length: (number_of_columns + 9) / 8"
        let bytes = 1 + (columns + 9) / 8;
        let used = 8 + 2 + columns;
        // Bits that belong to no column say nothing.
        let mask = (used <= 64).then(|| {
            let below = u64::MAX >> (64 - used);
            below & !0x300
        });
        Self { bytes, mask }
    }

    /// Where the cells of a row begin, and whether one of them is NULL.
    #[inline(always)]
    pub(crate) fn split<'a>(&self, payload: &'a [u8]) -> Result<(&'a [u8], bool), InvalidPacket> {
        if let (Some(mask), Some(first)) = (self.mask, payload.first_chunk())
            && u64::from_le_bytes(*first) & mask == 0
            && let Some(rest) = payload.get(self.bytes..)
        {
            return Ok((rest, false));
        }
        self.split_with_null(payload)
    }

    #[inline(never)]
    fn split_with_null<'a>(&self, payload: &'a [u8]) -> Result<(&'a [u8], bool), InvalidPacket> {
        match payload.first() {
            None => return Err(InvalidPacket::Empty { packet: BINARY_ROW }),
            Some(0) => {}
            Some(&found) => {
                return Err(InvalidPacket::Header {
                    packet: BINARY_ROW,
                    found,
                });
            }
        }
        let rest = payload.get(self.bytes..).ok_or(InvalidPacket::Truncated {
            packet: BINARY_ROW,
            missing: 1,
        })?;
        Ok((rest, true))
    }

    /// Adds the NULL-bitmap of a row to those of others.
    #[inline(never)]
    pub(crate) fn gather(&self, payload: &[u8], nulls: &mut Vec<u8>) {
        nulls.resize(self.bytes, 0);
        for (all, byte) in nulls.iter_mut().zip(payload) {
            *all |= byte;
        }
    }
}

/// The packet's name in errors.
pub(crate) const fn packet(form: RowForm) -> &'static str {
    match form {
        RowForm::Text => "text result set row",
        RowForm::Binary => BINARY_ROW,
    }
}

const BINARY_ROW: &str = "binary result set row";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_without_null_is_told_from_others() {
        for columns in [1, 6, 7, 14, 54, 55, 70] {
            let head = RowHead::new(columns);
            let mut payload = vec![0; 1 + (columns + 9) / 8];
            payload.push(7);
            assert_eq!(head.split(&payload).map(|split| split.0), Ok(&[7][..]));
            let nulls = (0..columns).filter(|column| is_set(&payload, *column));
            assert_eq!(nulls.count(), 0);
            let last = 8 + 2 + columns - 1;
            payload[last / 8] |= 1 << (last % 8);
            assert!(is_set(&payload, columns - 1));
            assert_eq!(head.split(&payload), Ok((&[7][..], true)), "{columns}");
        }
    }

    #[test]
    fn a_row_that_ends_in_its_bitmap_is_refused() {
        for columns in [1, 6, 7, 70] {
            let head = RowHead::new(columns);
            let bytes = 1 + (columns + 9) / 8;
            for length in 0..bytes {
                assert!(head.split(&vec![0; length]).is_err(), "{columns} {length}");
            }
            assert!(head.split(&vec![0; bytes]).is_ok());
            assert!(head.split(&vec![1; bytes]).is_err());
        }
    }
}
