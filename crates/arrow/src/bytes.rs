#![expect(
    clippy::inline_always,
    reason = "a call a cell costs more than the cell"
)]

use std::mem;
use std::str;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, LargeStringArray, OffsetSizeTrait, StringArray, StringViewArray,
};
use arrow::buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::DataType;

use crate::CellReason;
use crate::block::RowFault;
use crate::cell::{CellSink, CellSlots, Fault, Form, ReadCell, split_cell};
use crate::column::{FinishError, Values, trimmed, unexpected_type};

/// Reads cells as the bytes that they are.
pub(crate) struct Bytes;

impl ReadCell for Bytes {
    type Value<'a> = &'a [u8];

    #[inline(always)]
    fn binary<'a>(&self, rest: &'a [u8]) -> Result<(&'a [u8], &'a [u8]), Fault> {
        split_cell(rest)
    }

    #[inline(always)]
    fn text<'a>(&self, rest: &'a [u8]) -> Result<(&'a [u8], &'a [u8]), Fault> {
        split_cell(rest)
    }
}

/// Bytes or text, one cell behind the other. Text is checked once a batch: to check cells one by one
/// costs several times as much.
#[derive(Default)]
pub(crate) struct ByteValues {
    /// Where the first cell begins, and where each ends.
    ends: Vec<i32>,
    data: Vec<u8>,
}

impl ByteValues {
    /// Where the data ends; less than zero beyond what an `i32` counts, which is found behind the block.
    #[inline(always)]
    fn end(&self) -> i32 {
        let [a, b, c, d, ..] = self.data.len().to_le_bytes();
        i32::from_le_bytes([a, b, c, d])
    }

    #[inline(always)]
    pub(crate) fn push(&mut self, cell: &[u8]) {
        self.data.extend_from_slice(cell);
        self.ends.push(self.end());
    }

    /// How many cells there are.
    pub(crate) fn rows(&self) -> usize {
        self.ends.len().saturating_sub(1)
    }

    fn offsets(ends: Vec<i32>) -> OffsetBuffer<i32> {
        OffsetBuffer::new(ScalarBuffer::from(trimmed(ends)))
    }

    fn wide_offsets(ends: &[i32]) -> OffsetBuffer<i64> {
        OffsetBuffer::new(ends.iter().map(|end| i64::from(*end)).collect())
    }
}

impl CellSlots for ByteValues {
    #[inline(always)]
    fn reserve(&mut self, rows: usize) {
        self.ends.reserve(rows + 1);
        if self.ends.is_empty() {
            self.ends.push(0);
        }
    }

    #[inline(always)]
    fn push_null(&mut self) {
        self.ends.push(self.end());
    }
}

impl<'c> CellSink<&'c [u8]> for ByteValues {
    #[inline(always)]
    fn put(&mut self, _: usize, cell: &'c [u8]) {
        self.push(cell);
    }

    /// Writes the ends into zeros, as to append one by one costs more.
    #[inline(always)]
    fn fill<'a, F: Form, R: ReadCell<Value<'a> = &'c [u8]>>(
        &mut self,
        first: usize,
        rests: &mut [&'a [u8]],
        reader: &R,
    ) -> Option<(usize, Fault)> {
        let rests = rests.get_mut(first..).unwrap_or_default();
        let mut ends = mem::take(&mut self.ends);
        let before = ends.len();
        ends.resize(before + rests.len(), 0);
        let slots = ends.get_mut(before..).unwrap_or_default();
        let mut odd = None;
        for (row, (rest, slot)) in rests.iter_mut().zip(slots).enumerate() {
            match F::read(reader, rest) {
                Ok((cell, behind)) => {
                    self.data.extend_from_slice(cell);
                    *slot = self.end();
                    *rest = behind;
                }
                Err(fault) => {
                    odd = Some((row, fault));
                    break;
                }
            }
        }
        if let Some((row, _)) = odd {
            ends.truncate(before + row);
        }
        self.ends = ends;
        odd.map(|(row, fault)| (first + row, fault))
    }
}

impl Values for ByteValues {
    fn renew(&self) -> Self {
        Self {
            ends: Vec::with_capacity(self.ends.len()),
            data: Vec::with_capacity(self.data.len()),
        }
    }

    fn check(&self) -> Result<(), RowFault> {
        if i32::try_from(self.data.len()).is_ok() {
            return Ok(());
        }
        let row = self.ends.iter().position(|end| *end < 0);
        let row = row.and_then(|row| u32::try_from(row.saturating_sub(1)).ok());
        Err(RowFault {
            row: row.unwrap_or_default(),
            fault: CellReason::BatchTooLong.into(),
        })
    }

    fn finish(
        self,
        data_type: &DataType,
        nulls: Option<NullBuffer>,
    ) -> Result<ArrayRef, FinishError> {
        let Self { mut ends, data } = self;
        if ends.is_empty() {
            ends.push(0);
        }
        let data = Buffer::from_vec(trimmed(data));
        if *data_type == DataType::Binary {
            let array = BinaryArray::try_new(Self::offsets(ends), data, nulls)?;
            return Ok(Arc::new(array));
        }
        if *data_type == DataType::LargeUtf8 {
            let offsets = Self::wide_offsets(&ends);
            let array = LargeStringArray::try_new(offsets.clone(), data.clone(), nulls);
            return match array {
                Ok(array) => Ok(Arc::new(array)),
                Err(error) => Err(not_utf8(&offsets, &data).unwrap_or_else(|| error.into())),
            };
        }
        let offsets = Self::offsets(ends);
        let array = match StringArray::try_new(offsets.clone(), data.clone(), nulls) {
            Ok(array) => array,
            Err(error) => return Err(not_utf8(&offsets, &data).unwrap_or_else(|| error.into())),
        };
        match data_type {
            DataType::Utf8 => Ok(Arc::new(array)),
            DataType::Utf8View => Ok(Arc::new(StringViewArray::from(&array))),
            other => Err(unexpected_type(other)),
        }
    }
}

/// The first cell that is no text.
#[cold]
fn not_utf8<O: OffsetSizeTrait>(offsets: &OffsetBuffer<O>, data: &[u8]) -> Option<FinishError> {
    let mut cells = offsets.windows(2).map(|cell| match cell {
        [start, end] => data.get(start.as_usize()..end.as_usize()),
        _ => None,
    });
    let is_no_text = |cell: Option<&[u8]>| cell.is_none_or(|cell| str::from_utf8(cell).is_err());
    let row = cells.position(is_no_text)?;
    Some(FinishError::Row(RowFault {
        row: u32::try_from(row).ok()?,
        fault: CellReason::Utf8.into(),
    }))
}

#[cfg(test)]
mod tests {
    use arrow::array::{Array, AsArray};

    use super::*;
    use crate::cell::Text;

    fn values(cells: &[&[u8]]) -> ByteValues {
        let mut values = ByteValues::default();
        values.reserve(cells.len());
        for cell in cells {
            values.push(cell);
        }
        values
    }

    #[test]
    fn text_is_an_array_of_each_type() {
        let cells = || values(&[b"", "gr\u{fc}n".as_bytes(), b"text beyond twelve bytes"]);
        let array = cells().finish(&DataType::Utf8, None).unwrap();
        assert_eq!(array.as_string::<i32>().value(1), "gr\u{fc}n");
        let array = cells().finish(&DataType::LargeUtf8, None).unwrap();
        assert_eq!(
            array.as_string::<i64>().value(2),
            "text beyond twelve bytes"
        );
        let array = cells().finish(&DataType::Utf8View, None).unwrap();
        assert_eq!(array.as_string_view().value(2), "text beyond twelve bytes");
        assert_eq!(array.len(), 3);
    }

    #[test]
    fn the_first_cell_that_is_no_text_is_named() {
        // Both halves of a character make no text, though they do together.
        for cells in [[&b"a"[..], b"\xc3", b"\xbc"], [b"a", b"\xff", b"b"]] {
            for data_type in [DataType::Utf8, DataType::LargeUtf8, DataType::Utf8View] {
                let error = values(&cells).finish(&data_type, None).unwrap_err();
                let FinishError::Row(fault) = error else {
                    panic!("{error:?}");
                };
                assert_eq!((fault.row, fault.fault), (1, CellReason::Utf8.into()));
            }
            assert!(values(&cells).finish(&DataType::Binary, None).is_ok());
        }
    }

    #[test]
    fn the_first_cell_beyond_what_offsets_count_is_named() {
        let mut values = ByteValues {
            ends: vec![0, i32::MAX],
            // Zeros that are never touched take no memory.
            data: vec![0; 0x7fff_ffff],
        };
        assert_eq!(values.check(), Ok(()));
        values.push(b"");
        assert_eq!(values.check(), Ok(()));
        values.data = vec![0; 0x8000_0000];
        values.push(b"");
        let fault = CellReason::BatchTooLong.into();
        assert_eq!(values.check(), Err(RowFault { row: 2, fault }));
    }

    #[test]
    fn cells_behind_one_without_a_value_follow_those_before_it() {
        let mut values = ByteValues::default();
        values.reserve(3);
        let mut rests = [&b"\x01ax"[..], b"\xfb", b"\x02bc"];
        let odd = values.fill::<Text, Bytes>(0, &mut rests, &Bytes);
        assert_eq!(odd, Some((1, Fault::Null)));
        values.push_null();
        assert_eq!(values.fill::<Text, Bytes>(2, &mut rests, &Bytes), None);
        assert_eq!(rests, [&b"x"[..], b"\xfb", b""]);
        assert_eq!(
            (values.ends, values.data),
            (vec![0, 1, 1, 3], b"abc".to_vec())
        );
    }

    #[test]
    fn no_rows_are_an_empty_array() {
        for data_type in [DataType::Utf8, DataType::LargeUtf8, DataType::Binary] {
            let array = ByteValues::default().finish(&data_type, None).unwrap();
            assert!(array.is_empty());
        }
    }
}
