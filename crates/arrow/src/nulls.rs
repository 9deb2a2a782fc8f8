use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer};

use crate::CellReason;
use crate::cell::Fault;

/// Which rows of a batch are NULL in one column: a list, for most columns have few or none.
#[derive(Debug)]
pub(crate) struct Nulls {
    rows: Vec<u32>,
    allowed: bool,
    /// How many values an option has made NULL since the decoder was made.
    made: u64,
}

impl Nulls {
    pub(crate) const fn new(allowed: bool) -> Self {
        Self {
            rows: Vec::new(),
            allowed,
            made: 0,
        }
    }

    /// Notes a NULL that the server has sent.
    #[inline]
    pub(crate) fn push(&mut self, row: u32) -> Result<(), Fault> {
        if !self.allowed {
            return Err(CellReason::NotNull.into());
        }
        self.rows.push(row);
        Ok(())
    }

    /// Notes a NULL in place of a value.
    pub(crate) fn push_made(&mut self, row: u32) -> Result<(), Fault> {
        self.made += 1;
        self.push(row)
    }

    pub(crate) const fn made(&self) -> u64 {
        self.made
    }

    pub(crate) const fn len(&self) -> usize {
        self.rows.len()
    }

    pub(crate) fn clear(&mut self) {
        self.rows.clear();
    }

    /// The validity of a batch of so many rows, and begins the next batch.
    pub(crate) fn finish(&mut self, rows: usize) -> Option<NullBuffer> {
        if self.rows.is_empty() {
            return None;
        }
        let mut valid = vec![0xff_u8; rows.div_ceil(8)];
        for row in self.rows.drain(..) {
            let byte = usize::try_from(row / 8)
                .ok()
                .and_then(|at| valid.get_mut(at));
            if let Some(byte) = byte {
                *byte &= !(1 << (row % 8));
            }
        }
        let valid = BooleanBuffer::new(Buffer::from_vec(valid), 0, rows);
        Some(NullBuffer::new(valid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rows_that_were_noted_are_null() {
        let mut nulls = Nulls::new(true);
        assert_eq!(nulls.finish(3), None);
        for row in [0, 8, 9] {
            nulls.push(row).unwrap();
        }
        let buffer = nulls.finish(10).unwrap();
        assert_eq!(buffer.null_count(), 3);
        assert!(buffer.is_null(0) && buffer.is_null(8) && buffer.is_null(9) && buffer.is_valid(7));
        assert_eq!(nulls.finish(10), None);
    }

    #[test]
    fn a_null_that_is_not_allowed_is_refused() {
        assert!(Nulls::new(false).push(0).is_err());
    }
}
