use std::sync::Arc;

use arrow::array::{ArrayRef, FixedSizeBinaryArray, FixedSizeListArray, Float32Array};
use arrow::buffer::{Buffer, NullBuffer, ScalarBuffer};
use arrow::datatypes::DataType;

use crate::CellReason;
use crate::cell::{CellSink, CellSlots, Fault, ReadCell, split_cell};
use crate::column::{FinishError, Values, offset, trimmed, unexpected_type};

/// Reads cells of so many bytes.
pub(crate) struct FixedBytes {
    pub(crate) bytes: u32,
}

impl ReadCell for FixedBytes {
    type Value<'a> = &'a [u8];

    #[inline]
    fn binary<'a>(&self, rest: &'a [u8]) -> Result<(&'a [u8], &'a [u8]), Fault> {
        self.text(rest)
    }

    #[inline]
    fn text<'a>(&self, rest: &'a [u8]) -> Result<(&'a [u8], &'a [u8]), Fault> {
        let (cell, behind) = split_cell(rest)?;
        let found = u32::try_from(cell.len()).unwrap_or(u32::MAX);
        if found == self.bytes {
            return Ok((cell, behind));
        }
        let expected = self.bytes;
        Err(CellReason::Length { expected, found }.into())
    }
}

/// Bytes, the same number for each cell.
#[derive(Default)]
pub(crate) struct FixedBinaries {
    width: usize,
    data: Vec<u8>,
}

impl FixedBinaries {
    pub(crate) const fn new(width: usize) -> Self {
        Self {
            width,
            data: Vec::new(),
        }
    }
}

impl CellSlots for FixedBinaries {
    fn reserve(&mut self, rows: usize) {
        self.data.reserve(rows.saturating_mul(self.width));
    }

    fn push_null(&mut self) {
        self.data.resize(self.data.len() + self.width, 0);
    }
}

impl CellSink<&[u8]> for FixedBinaries {
    fn put(&mut self, _: usize, cell: &[u8]) {
        self.data.extend_from_slice(cell);
    }
}

impl Values for FixedBinaries {
    fn renew(&self) -> Self {
        Self {
            width: self.width,
            data: Vec::with_capacity(self.data.len()),
        }
    }

    fn null_bytes(&self) -> usize {
        self.width
    }

    fn finish(
        self,
        data_type: &DataType,
        nulls: Option<NullBuffer>,
    ) -> Result<ArrayRef, FinishError> {
        let DataType::FixedSizeBinary(width) = data_type else {
            return Err(unexpected_type(data_type));
        };
        let data = Buffer::from_vec(trimmed(self.data));
        Ok(Arc::new(FixedSizeBinaryArray::try_new(
            *width, data, nulls,
        )?))
    }
}

/// Reads UUIDs, which come as 36 characters in both forms of rows.
pub(crate) struct Uuids;

impl ReadCell for Uuids {
    type Value<'a> = [u8; 16];

    fn binary<'a>(&self, rest: &'a [u8]) -> Result<([u8; 16], &'a [u8]), Fault> {
        self.text(rest)
    }

    fn text<'a>(&self, rest: &'a [u8]) -> Result<([u8; 16], &'a [u8]), Fault> {
        let (cell, behind) = split_cell(rest)?;
        let uuid = parse_uuid(cell).ok_or(CellReason::Malformed)?;
        Ok((uuid, behind))
    }
}

fn parse_uuid(text: &[u8]) -> Option<[u8; 16]> {
    if text.len() != 36 {
        return None;
    }
    let mut uuid = [0; 16];
    let mut rest = text;
    for (place, byte) in uuid.iter_mut().enumerate() {
        if matches!(place, 4 | 6 | 8 | 10) {
            rest = rest.strip_prefix(b"-")?;
        }
        let (&[high, low], behind) = rest.split_first_chunk()?;
        *byte = hex(high)? << 4 | hex(low)?;
        rest = behind;
    }
    Some(uuid)
}

const fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

impl CellSink<[u8; 16]> for FixedBinaries {
    fn put(&mut self, _: usize, cell: [u8; 16]) {
        self.data.extend_from_slice(&cell);
    }
}

/// Vectors: numbers of four bytes, the least significant first, the same number of them for each
/// cell.
#[derive(Default)]
pub(crate) struct Vectors {
    dimensions: usize,
    values: Vec<f32>,
}

impl Vectors {
    pub(crate) const fn new(dimensions: usize) -> Self {
        Self {
            dimensions,
            values: Vec::new(),
        }
    }
}

impl CellSlots for Vectors {
    fn reserve(&mut self, rows: usize) {
        self.values.reserve(rows.saturating_mul(self.dimensions));
    }

    fn push_null(&mut self) {
        self.values.resize(self.values.len() + self.dimensions, 0.0);
    }
}

impl CellSink<&[u8]> for Vectors {
    fn put(&mut self, _: usize, cell: &[u8]) {
        let (numbers, _) = cell.as_chunks();
        let numbers = numbers.iter().map(|bytes| f32::from_le_bytes(*bytes));
        self.values.extend(numbers);
    }
}

impl Values for Vectors {
    fn renew(&self) -> Self {
        Self {
            dimensions: self.dimensions,
            values: Vec::with_capacity(self.values.len()),
        }
    }

    fn null_bytes(&self) -> usize {
        self.dimensions.saturating_mul(size_of::<f32>())
    }

    fn finish(
        self,
        data_type: &DataType,
        nulls: Option<NullBuffer>,
    ) -> Result<ArrayRef, FinishError> {
        let DataType::FixedSizeList(item, _) = data_type else {
            return Err(unexpected_type(data_type));
        };
        let size = offset(self.dimensions)?;
        let values = Float32Array::new(ScalarBuffer::from(trimmed(self.values)), None);
        let array = FixedSizeListArray::try_new(Arc::clone(item), size, Arc::new(values), nulls)?;
        Ok(Arc::new(array))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_is_16_bytes() {
        let text = b"123e4567-E89b-12d3-a456-426655440000";
        let bytes = 0x123e_4567_e89b_12d3_a456_4266_5544_0000_u128.to_be_bytes();
        assert_eq!(parse_uuid(text), Some(bytes));
        for text in [
            "",
            "123e4567-e89b-12d3-a456-42665544000",
            "123e4567-e89b-12d3-a456-4266554400000",
            "123e4567ae89b-12d3-a456-426655440000",
            "g23e4567-e89b-12d3-a456-426655440000",
            "123e4567--e89b12d3-a456-426655440000",
        ] {
            assert_eq!(parse_uuid(text.as_bytes()), None, "{text}");
        }
    }
}
