use std::mem;

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;

use crate::CellReason;
use crate::block::{Block, RowFault};
use crate::bytes::ByteValues;
use crate::cell::{CellSink, CellSlots, Fault, ReadCell, split_cell};
use crate::column::{Column, FinishError, Values};
use crate::nulls::Nulls;

/// A column of geometries as WKB, all of one SRID.
pub(crate) struct Geometries {
    values: ByteValues,
    srid: Srid,
    nulls: Nulls,
}

/// The SRID of a column's geometries.
#[derive(Clone, Copy, Default)]
struct Srid {
    /// That of the options, or of the first geometry.
    expected: Option<u32>,
    /// The first geometry with another one: its place in the batch, and its SRID.
    other: Option<(usize, u32)>,
}

impl Geometries {
    pub(crate) fn new(srid: Option<u32>, nulls: Nulls) -> Self {
        Self {
            values: ByteValues::default(),
            srid: Srid {
                expected: srid,
                other: None,
            },
            nulls,
        }
    }
}

impl Column for Geometries {
    fn decode(&mut self, block: &mut Block<'_, '_>) -> Result<(), RowFault> {
        let mut sink = WkbSink {
            values: mem::take(&mut self.values),
            srid: self.srid,
        };
        let decoded = block.each(&Geometry, &mut sink, &mut self.nulls);
        self.values = sink.values;
        self.srid = sink.srid;
        decoded?;
        if let (Some(expected), Some((row, found))) = (self.srid.expected, self.srid.other) {
            return Err(RowFault {
                row: u32::try_from(row).unwrap_or(u32::MAX),
                fault: CellReason::Srid { expected, found }.into(),
            });
        }
        self.values.check()
    }

    fn finish(&mut self, rows: usize) -> Result<ArrayRef, FinishError> {
        let next = self.values.renew();
        let nulls = self.nulls.finish(rows);
        mem::replace(&mut self.values, next).finish(&DataType::Binary, nulls)
    }

    fn clear(&mut self) {
        self.values = self.values.renew();
        self.srid.other = None;
        self.nulls.clear();
    }

    fn made_null(&self) -> u64 {
        0
    }

    fn srid(&mut self, settle: bool) -> Option<u32> {
        if settle {
            self.srid.expected.get_or_insert(0);
        }
        self.srid.expected
    }
}

/// Reads a geometry: its SRID, and its WKB.
struct Geometry;

impl ReadCell for Geometry {
    type Value<'a> = (u32, &'a [u8]);

    fn binary<'a>(&self, rest: &'a [u8]) -> Result<(Self::Value<'a>, &'a [u8]), Fault> {
        self.text(rest)
    }

    fn text<'a>(&self, rest: &'a [u8]) -> Result<(Self::Value<'a>, &'a [u8]), Fault> {
        let (cell, behind) = split_cell(rest)?;
        match cell.split_first_chunk() {
            Some((srid, wkb)) if wkb.len() >= SHORTEST_WKB => {
                Ok(((u32::from_le_bytes(*srid), wkb), behind))
            }
            _ => Err(CellReason::Malformed.into()),
        }
    }
}

struct WkbSink {
    values: ByteValues,
    srid: Srid,
}

impl CellSlots for WkbSink {
    fn reserve(&mut self, rows: usize) {
        self.values.reserve(rows);
    }

    fn push_null(&mut self) {
        self.values.push_null();
    }
}

impl CellSink<(u32, &[u8])> for WkbSink {
    fn put(&mut self, _: usize, (srid, wkb): (u32, &[u8])) {
        let expected = *self.srid.expected.get_or_insert(srid);
        if srid != expected && self.srid.other.is_none() {
            self.srid.other = Some((self.values.rows(), srid));
        }
        self.values.push(wkb);
    }
}

/// Byte order, type, and a count of points or the like.
const SHORTEST_WKB: usize = 9;
