#![expect(
    clippy::inline_always,
    reason = "what takes a cell is part of the loop over the cells"
)]

use std::mem;
use std::sync::Arc;

use arrow::array::{ArrayRef, ArrowPrimitiveType, BooleanArray, NullArray, PrimitiveArray};
use arrow::buffer::{BooleanBuffer, NullBuffer, ScalarBuffer};
use arrow::datatypes::DataType;
use arrow::error::ArrowError;

use crate::CellReason;
use crate::block::{Block, RowFault};
use crate::cell::{CellSink, CellSlots, Fault, Form, ReadCell, split_cell};
use crate::nulls::Nulls;

/// A column under construction.
pub(crate) trait Column: Send + Sync {
    /// Takes a cell from each row of the block.
    fn decode(&mut self, block: &mut Block<'_, '_>) -> Result<(), RowFault>;

    /// The array of so many rows. The next batch begins.
    fn finish(&mut self, rows: usize) -> Result<ArrayRef, FinishError>;

    /// Drops what there is of a batch.
    fn clear(&mut self);

    /// How many values have been made NULL since the decoder was made.
    fn made_null(&self) -> u64;

    /// What the NULLs of the batch take, where that is more than their bits.
    fn null_bytes(&self) -> usize {
        0
    }

    /// The SRID of all geometries, as soon as it is settled; `settle` makes it that of none.
    fn srid(&mut self, _settle: bool) -> Option<u32> {
        None
    }
}

/// Why there is no array.
#[derive(Debug)]
pub(crate) enum FinishError {
    Row(RowFault),
    Arrow(ArrowError),
}

impl From<ArrowError> for FinishError {
    fn from(error: ArrowError) -> Self {
        Self::Arrow(error)
    }
}

/// Memory for the values of a column.
pub(crate) trait Values: Default + Send + Sync {
    /// An empty one for the next batch, with room for as much as there is.
    fn renew(&self) -> Self;

    /// How many bytes a NULL takes.
    fn null_bytes(&self) -> usize {
        0
    }

    /// What is wrong with the values so far.
    fn check(&self) -> Result<(), RowFault> {
        Ok(())
    }

    fn finish(
        self,
        data_type: &DataType,
        nulls: Option<NullBuffer>,
    ) -> Result<ArrayRef, FinishError>;
}

/// A column of values that a reader reads one by one.
pub(crate) struct Cells<R, S> {
    reader: R,
    values: S,
    nulls: Nulls,
    data_type: DataType,
}

impl<R, S> Cells<R, S> {
    pub(crate) const fn new(reader: R, values: S, nulls: Nulls, data_type: DataType) -> Self {
        Self {
            reader,
            values,
            nulls,
            data_type,
        }
    }
}

impl<R, S> Column for Cells<R, S>
where
    R: ReadCell + Send + Sync,
    S: Values + for<'a> CellSink<R::Value<'a>>,
{
    fn decode(&mut self, block: &mut Block<'_, '_>) -> Result<(), RowFault> {
        // As a local its length and its pointer are in registers while the loop runs.
        let mut values = mem::take(&mut self.values);
        let decoded = block.each(&self.reader, &mut values, &mut self.nulls);
        self.values = values;
        decoded?;
        self.values.check()
    }

    fn finish(&mut self, rows: usize) -> Result<ArrayRef, FinishError> {
        let next = self.values.renew();
        let nulls = self.nulls.finish(rows);
        mem::replace(&mut self.values, next).finish(&self.data_type, nulls)
    }

    fn clear(&mut self) {
        self.values = self.values.renew();
        self.nulls.clear();
    }

    fn made_null(&self) -> u64 {
        self.nulls.made()
    }

    fn null_bytes(&self) -> usize {
        self.values.null_bytes().saturating_mul(self.nulls.len())
    }
}

/// Values of one width.
pub(crate) struct Primitives<T: ArrowPrimitiveType> {
    values: Vec<T::Native>,
    /// Where the values of the block begin. They are zeros before they are written: to append one by
    /// one costs more.
    block: usize,
}

impl<T: ArrowPrimitiveType> Primitives<T> {
    const fn new(values: Vec<T::Native>) -> Self {
        Self { values, block: 0 }
    }
}

impl<T: ArrowPrimitiveType> Default for Primitives<T> {
    fn default() -> Self {
        Self::new(Vec::new())
    }
}

impl<T: ArrowPrimitiveType> CellSlots for Primitives<T> {
    #[inline(always)]
    fn reserve(&mut self, rows: usize) {
        self.block = self.values.len();
        self.values.resize(self.block + rows, T::Native::default());
    }

    #[inline(always)]
    fn push_null(&mut self) {}
}

impl<T: ArrowPrimitiveType> CellSink<T::Native> for Primitives<T> {
    #[inline(always)]
    fn put(&mut self, row: usize, value: T::Native) {
        if let Some(slot) = self.values.get_mut(self.block + row) {
            *slot = value;
        }
    }

    #[inline(always)]
    fn fill<'a, F: Form, R: ReadCell<Value<'a> = T::Native>>(
        &mut self,
        first: usize,
        rests: &mut [&'a [u8]],
        reader: &R,
    ) -> Option<(usize, Fault)> {
        let slots = self.values.get_mut(self.block + first..);
        let rests = rests.get_mut(first..).unwrap_or_default();
        let rows = rests.iter_mut().zip(slots.unwrap_or_default());
        for (row, (rest, slot)) in rows.enumerate() {
            match F::read(reader, rest) {
                Ok((value, behind)) => {
                    *slot = value;
                    *rest = behind;
                }
                Err(fault) => return Some((first + row, fault)),
            }
        }
        None
    }
}

impl<T: ArrowPrimitiveType> Values for Primitives<T> {
    fn renew(&self) -> Self {
        Self::new(Vec::with_capacity(self.values.len()))
    }

    fn finish(
        self,
        data_type: &DataType,
        nulls: Option<NullBuffer>,
    ) -> Result<ArrayRef, FinishError> {
        let array = PrimitiveArray::<T>::try_new(ScalarBuffer::from(trimmed(self.values)), nulls)?;
        if PrimitiveArray::<T>::is_compatible(data_type) {
            return Ok(Arc::new(array.with_data_type(data_type.clone())));
        }
        Err(unexpected_type(data_type))
    }
}

/// Truths.
#[derive(Default)]
pub(crate) struct Bools(Vec<bool>);

impl CellSlots for Bools {
    #[inline(always)]
    fn reserve(&mut self, rows: usize) {
        self.0.reserve(rows);
    }

    #[inline(always)]
    fn push_null(&mut self) {
        self.0.push(false);
    }
}

impl CellSink<bool> for Bools {
    #[inline(always)]
    fn put(&mut self, _: usize, value: bool) {
        self.0.push(value);
    }
}

impl Values for Bools {
    fn renew(&self) -> Self {
        Self(Vec::with_capacity(self.0.len()))
    }

    fn finish(self, _: &DataType, nulls: Option<NullBuffer>) -> Result<ArrayRef, FinishError> {
        let array = BooleanArray::new(BooleanBuffer::from(self.0), nulls);
        Ok(Arc::new(array))
    }
}

/// The column of the literal NULL, which has no values.
pub(crate) struct NullColumn;

impl Column for NullColumn {
    fn decode(&mut self, block: &mut Block<'_, '_>) -> Result<(), RowFault> {
        block.each(&NoValue, &mut Nothing, &mut Nulls::new(true))
    }

    fn finish(&mut self, rows: usize) -> Result<ArrayRef, FinishError> {
        Ok(Arc::new(NullArray::new(rows)))
    }

    fn clear(&mut self) {}

    fn made_null(&self) -> u64 {
        0
    }
}

/// Refuses every value.
struct NoValue;

impl ReadCell for NoValue {
    type Value<'a> = ();

    fn binary<'a>(&self, rest: &'a [u8]) -> Result<((), &'a [u8]), Fault> {
        self.text(rest)
    }

    fn text<'a>(&self, rest: &'a [u8]) -> Result<((), &'a [u8]), Fault> {
        split_cell(rest)?;
        Err(CellReason::Malformed.into())
    }
}

struct Nothing;

impl CellSlots for Nothing {
    fn reserve(&mut self, _: usize) {}

    fn push_null(&mut self) {}
}

impl CellSink<()> for Nothing {
    fn put(&mut self, _: usize, (): ()) {}
}

/// The same values, in not much more memory than they take.
pub(crate) fn trimmed<T>(mut values: Vec<T>) -> Vec<T> {
    if values.capacity() - values.len() > values.len() / 4 {
        values.shrink_to_fit();
    }
    values
}

/// A column's values and its type are made together, so that this is not seen.
#[cold]
pub(crate) fn unexpected_type(data_type: &DataType) -> FinishError {
    let error = format!("values of another type than {data_type}");
    ArrowError::InvalidArgumentError(error).into()
}

/// The number as Arrow counts bytes and elements.
pub(crate) fn offset(length: usize) -> Result<i32, FinishError> {
    i32::try_from(length).map_err(|_| {
        let fault = CellReason::BatchTooLong.into();
        FinishError::Row(RowFault { row: 0, fault })
    })
}
