#![expect(
    clippy::inline_always,
    reason = "as calls, cell readers send slices and values through memory"
)]

use crate::CellReason;

/// Why a cell was not read like most. Small, for it leaves the loop over the cells.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Fault {
    /// A row of text has `0xfb` in place of the cell.
    Null,
    /// The cell is short, and an option makes a NULL of it.
    MadeNull,
    /// The row ends inside the cell.
    Truncated,
    /// `0xff` begins no cell.
    LengthPrefix,
    /// The cell has no value of the column's type.
    Cell(CellReason),
}

impl From<CellReason> for Fault {
    #[inline(always)]
    fn from(reason: CellReason) -> Self {
        Self::Cell(reason)
    }
}

/// Reads the cells of a column, each from the front of what is left of its row.
pub(crate) trait ReadCell {
    type Value<'a>;

    /// Reads a cell that is not NULL of a row of the binary protocol.
    fn binary<'a>(&self, rest: &'a [u8]) -> Result<(Self::Value<'a>, &'a [u8]), Fault>;

    /// Reads a cell of a row of the text protocol.
    fn text<'a>(&self, rest: &'a [u8]) -> Result<(Self::Value<'a>, &'a [u8]), Fault>;
}

/// Takes the cells of a column, block by block.
pub(crate) trait CellSlots {
    /// A block of so many rows begins.
    fn reserve(&mut self, rows: usize);

    /// The cell of the next row is NULL.
    fn push_null(&mut self);
}

/// Takes the values of the cells of a column, in the order of the rows.
pub(crate) trait CellSink<V>: CellSlots {
    /// The value of the cell in this row of the block.
    fn put(&mut self, row: usize, value: V);

    /// Takes the cells of the rows from `first` on, up to one that has no value; says which that is.
    #[inline(always)]
    fn fill<'a, F: Form, R: ReadCell<Value<'a> = V>>(
        &mut self,
        first: usize,
        rests: &mut [&'a [u8]],
        reader: &R,
    ) -> Option<(usize, Fault)> {
        let rests = rests.get_mut(first..).unwrap_or_default();
        for (row, rest) in rests.iter_mut().enumerate() {
            match F::read(reader, rest) {
                Ok((value, behind)) => {
                    self.put(first + row, value);
                    *rest = behind;
                }
                Err(fault) => return Some((first + row, fault)),
            }
        }
        None
    }
}

/// A form of rows as a type: a closure in its place would be a call a cell.
pub(crate) trait Form {
    fn read<'a, R: ReadCell>(reader: &R, rest: &'a [u8])
    -> Result<(R::Value<'a>, &'a [u8]), Fault>;
}

pub(crate) struct Text;

impl Form for Text {
    #[inline(always)]
    fn read<'a, R: ReadCell>(
        reader: &R,
        rest: &'a [u8],
    ) -> Result<(R::Value<'a>, &'a [u8]), Fault> {
        reader.text(rest)
    }
}

pub(crate) struct Binary;

impl Form for Binary {
    #[inline(always)]
    fn read<'a, R: ReadCell>(
        reader: &R,
        rest: &'a [u8],
    ) -> Result<(R::Value<'a>, &'a [u8]), Fault> {
        reader.binary(rest)
    }
}

/// The cell behind its length, and what is left of the row.
#[inline(always)]
pub(crate) fn split_cell(rest: &[u8]) -> Result<(&[u8], &[u8]), Fault> {
    match rest.split_first() {
        Some((&length @ ..=0xfa, behind)) => behind
            .split_at_checked(length.into())
            .ok_or(Fault::Truncated),
        _ => split_long_cell(rest),
    }
}

/// Any cell, NULL in text included.
#[inline(never)]
pub(crate) fn split_long_cell(rest: &[u8]) -> Result<(&[u8], &[u8]), Fault> {
    let (length, behind) = match *rest {
        [length @ ..=0xfa, ref behind @ ..] => (length.into(), behind),
        [0xfb, ..] => return Err(Fault::Null),
        [0xfc, a, b, ref behind @ ..] => (u64::from(u16::from_le_bytes([a, b])), behind),
        [0xfd, a, b, c, ref behind @ ..] => (u32::from_le_bytes([a, b, c, 0]).into(), behind),
        [0xfe, ref behind @ ..] => {
            let (length, behind) = behind.split_first_chunk().ok_or(Fault::Truncated)?;
            (u64::from_le_bytes(*length), behind)
        }
        [0xff, ..] => return Err(Fault::LengthPrefix),
        _ => return Err(Fault::Truncated),
    };
    usize::try_from(length)
        .ok()
        .and_then(|length| behind.split_at_checked(length))
        .ok_or(Fault::Truncated)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_ends_where_its_length_says() {
        assert_eq!(split_cell(b"\x00"), Ok((&b""[..], &b""[..])));
        assert_eq!(split_cell(b"\x02abc"), Ok((&b"ab"[..], &b"c"[..])));
        assert_eq!(split_cell(b"\xfc\x02\x00abc"), Ok((&b"ab"[..], &b"c"[..])));
        assert_eq!(
            split_cell(b"\xfd\x01\x00\x00ab"),
            Ok((&b"a"[..], &b"b"[..]))
        );
        let eight = b"\xfe\x01\x00\x00\x00\x00\x00\x00\x00ab";
        assert_eq!(split_cell(eight), Ok((&b"a"[..], &b"b"[..])));
    }

    #[test]
    fn a_cell_that_goes_beyond_its_row_is_truncated() {
        for rest in [
            &b""[..],
            b"\x01",
            b"\xfa",
            b"\xfc",
            b"\xfc\x01\x00",
            b"\xfd\xff\xff\xff",
            b"\xfe\xff\xff\xff\xff\xff\xff\xff\xffabc",
        ] {
            assert_eq!(split_cell(rest), Err(Fault::Truncated), "{rest:?}");
        }
        assert_eq!(split_cell(b"\xfb"), Err(Fault::Null));
        assert_eq!(split_cell(b"\xff"), Err(Fault::LengthPrefix));
    }
}
