use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, DictionaryArray, ListArray, PrimitiveArray};
use arrow::buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, UInt16Type};

use crate::CellReason;
use crate::block::RowFault;
use crate::bytes::ByteValues;
use crate::cell::{CellSink, CellSlots, Fault, ReadCell, split_cell};
use crate::column::{FinishError, Values, offset, trimmed, unexpected_type};

/// Labels of an ENUM: each is kept once a batch.
#[derive(Default)]
pub(crate) struct Labels {
    keys: Vec<u16>,
    texts: ByteValues,
    known: HashMap<Box<[u8]>, u16>,
    /// The place of the first label for which there was no key.
    full: Option<usize>,
}

impl CellSlots for Labels {
    fn reserve(&mut self, rows: usize) {
        self.keys.reserve(rows);
        self.texts.reserve(1);
    }

    fn push_null(&mut self) {
        self.keys.push(0);
    }
}

impl CellSink<&[u8]> for Labels {
    fn put(&mut self, _: usize, label: &[u8]) {
        let key = self.known.get(label).copied().unwrap_or_else(|| {
            let Ok(key) = u16::try_from(self.known.len()) else {
                self.full.get_or_insert(self.keys.len());
                return 0;
            };
            self.known.insert(label.into(), key);
            self.texts.push(label);
            key
        });
        self.keys.push(key);
    }
}

impl Values for Labels {
    fn renew(&self) -> Self {
        Self {
            keys: Vec::with_capacity(self.keys.len()),
            ..Self::default()
        }
    }

    fn check(&self) -> Result<(), RowFault> {
        self.texts.check()?;
        self.full.map_or(Ok(()), |row| {
            Err(RowFault {
                row: u32::try_from(row).unwrap_or(u32::MAX),
                fault: CellReason::DictionaryFull.into(),
            })
        })
    }

    fn finish(
        self,
        data_type: &DataType,
        nulls: Option<NullBuffer>,
    ) -> Result<ArrayRef, FinishError> {
        let DataType::Dictionary(_, label_type) = data_type else {
            return Err(unexpected_type(data_type));
        };
        let labels = self.texts.finish(label_type, None);
        // Which row has the label matters, not which label it is.
        let labels = labels.map_err(|error| match error {
            FinishError::Row(fault) => {
                let key = u16::try_from(fault.row).ok();
                let row = self.keys.iter().position(|known| Some(*known) == key);
                let row = row.and_then(|row| u32::try_from(row).ok());
                FinishError::Row(RowFault {
                    row: row.unwrap_or(fault.row),
                    ..fault
                })
            }
            FinishError::Arrow(error) => error.into(),
        })?;
        let keys = ScalarBuffer::from(trimmed(self.keys));
        let keys = PrimitiveArray::<UInt16Type>::try_new(keys, nulls)?;
        Ok(Arc::new(DictionaryArray::try_new(keys, labels)?))
    }
}

/// Reads SETs, which have at most 64 members.
pub(crate) struct Sets;

impl ReadCell for Sets {
    type Value<'a> = &'a [u8];

    fn binary<'a>(&self, rest: &'a [u8]) -> Result<(&'a [u8], &'a [u8]), Fault> {
        self.text(rest)
    }

    fn text<'a>(&self, rest: &'a [u8]) -> Result<(&'a [u8], &'a [u8]), Fault> {
        let (cell, behind) = split_cell(rest)?;
        let commas = cell.iter().filter(|byte| **byte == b',');
        if commas.count() >= MAX_MEMBERS {
            return Err(CellReason::Malformed.into());
        }
        Ok((cell, behind))
    }
}

/// The members of SETs.
#[derive(Default)]
pub(crate) struct Members {
    /// How many members there are in front of each set, and in all.
    ends: Vec<i32>,
    members: ByteValues,
}

impl Members {
    fn end(&mut self) {
        let members = i32::try_from(self.members.rows());
        self.ends.push(members.unwrap_or(i32::MAX));
    }
}

impl CellSlots for Members {
    fn reserve(&mut self, rows: usize) {
        self.ends.reserve(rows + 1);
        self.members.reserve(rows);
        if self.ends.is_empty() {
            self.ends.push(0);
        }
    }

    fn push_null(&mut self) {
        self.end();
    }
}

impl CellSink<&[u8]> for Members {
    fn put(&mut self, _: usize, set: &[u8]) {
        if !set.is_empty() {
            for member in set.split(|byte| *byte == b',') {
                self.members.push(member);
            }
        }
        self.end();
    }
}

impl Values for Members {
    fn renew(&self) -> Self {
        Self {
            ends: Vec::with_capacity(self.ends.len()),
            members: self.members.renew(),
        }
    }

    fn check(&self) -> Result<(), RowFault> {
        self.members.check()
    }

    fn finish(
        self,
        data_type: &DataType,
        nulls: Option<NullBuffer>,
    ) -> Result<ArrayRef, FinishError> {
        let DataType::List(item) = data_type else {
            return Err(unexpected_type(data_type));
        };
        offset(self.members.rows())?;
        let members = self.members.finish(item.data_type(), None);
        let members = members.map_err(|error| match error {
            FinishError::Row(fault) => {
                let member = i32::try_from(fault.row).unwrap_or(i32::MAX);
                let row = self.ends.iter().skip(1).position(|end| *end > member);
                let row = row.and_then(|row| u32::try_from(row).ok());
                FinishError::Row(RowFault {
                    row: row.unwrap_or(fault.row),
                    ..fault
                })
            }
            FinishError::Arrow(error) => error.into(),
        })?;
        let mut ends = self.ends;
        if ends.is_empty() {
            ends.push(0);
        }
        let offsets = OffsetBuffer::new(ScalarBuffer::from(trimmed(ends)));
        let array = ListArray::try_new(Arc::clone(item), offsets, members, nulls)?;
        Ok(Arc::new(array))
    }
}

/// "A SET column can have a maximum of 64 members."
const MAX_MEMBERS: usize = 64;
