use std::ops::Range;
use std::sync::Arc;

use arrow::array::{
    Array, BinaryViewArray, BooleanArray, FixedSizeBinaryArray, Float32Array, GenericBinaryArray,
    GenericStringArray, OffsetSizeTrait, StringViewArray, types,
};
use arrow::buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{ArrowNativeType, ArrowPrimitiveType, i256};
use otaria_types::ParameterSink;

use super::CellRefusal;
use super::buffers::values;
use super::check::Check;
use super::checked::Checking;
use super::composed::{
    uuid_text, write_decimal, write_geometry, write_long_decimal, write_long_integer, write_set,
    write_vector,
};
use super::plan::Meaning;
use super::temporal::{Clock, DAY_MILLIS, date};

/// The values of a column of one batch, in Arrow's own buffers.
pub(crate) struct Cells {
    values: Values,
    nulls: Option<NullBuffer>,
}

/// A variant for each way to a value, so that a cell costs one `match`.
pub(super) enum Values {
    Null,
    Bool(BooleanArray),
    Int8(ScalarBuffer<i8>),
    Int16(ScalarBuffer<i16>),
    Int32(ScalarBuffer<i32>),
    Int64(ScalarBuffer<i64>),
    UInt8(ScalarBuffer<u8>),
    UInt16(ScalarBuffer<u16>),
    UInt32(ScalarBuffer<u32>),
    UInt64(ScalarBuffer<u64>),
    Half(
        ScalarBuffer<<types::Float16Type as ArrowPrimitiveType>::Native>,
        Floats,
    ),
    Float(ScalarBuffer<f32>, Floats),
    Double(ScalarBuffer<f64>, Floats),
    Decimal32(ScalarBuffer<i32>, i8),
    Decimal64(ScalarBuffer<i64>, i8),
    Decimal128(ScalarBuffer<i128>, i8),
    Decimal256(ScalarBuffer<i256>, i8),
    Date(ScalarBuffer<i32>),
    DateMillis(ScalarBuffer<i64>),
    /// Points in time if it is so said, else dates and times of no zone.
    DateTime(ScalarBuffer<i64>, Clock, bool),
    Time(ScalarBuffer<i64>, Clock),
    TimeOfDay(ScalarBuffer<i32>, Clock),
    Text(Texts),
    /// Texts for a CHAR.
    Unpadded(Texts),
    Bytes(Blobs),
    Uuid(Blobs),
    Wkb(Blobs, u32),
    Vector(Lists, Float32Array),
    Set(Lists, Box<Cells>),
    Dictionary(Box<[usize]>, Box<Cells>),
    Checked(Box<Cells>, Arc<Check>),
}

/// How floating-point numbers are taken.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Floats {
    /// Those that are not finite are NULL.
    pub(crate) odd_are_null: bool,
    /// They go into a column of integers.
    pub(crate) are_whole: bool,
}

pub(super) enum Texts {
    Utf8(GenericStringArray<i32>),
    Large(GenericStringArray<i64>),
    View(StringViewArray),
}

pub(super) enum Blobs {
    Binary(GenericBinaryArray<i32>),
    Large(GenericBinaryArray<i64>),
    View(BinaryViewArray),
    Fixed(FixedSizeBinaryArray),
}

/// Where each list has its elements.
pub(super) enum Lists {
    Fixed(usize),
    Offsets(OffsetBuffer<i32>),
    Large(OffsetBuffer<i64>),
}

impl Cells {
    /// The values of `array`, each of which is looked at if there is a check; `None` if the server has
    /// no such type.
    pub(crate) fn new(
        array: &dyn Array,
        meaning: Meaning,
        check: Option<&Arc<Check>>,
    ) -> Option<Self> {
        let nulls = array.nulls().cloned();
        let values = match (values(array, meaning, check)?, check) {
            // The values of a dictionary are checked, not its keys.
            (values @ Values::Dictionary(..), _) | (values, None) => values,
            (Values::Text(texts), Some(check)) if **check == Check::Unpadded => {
                Values::Unpadded(texts)
            }
            (values, Some(check)) => {
                let nulls = nulls.clone();
                Values::Checked(Box::new(Self { values, nulls }), Arc::clone(check))
            }
        };
        Some(Self { values, nulls })
    }

    #[inline]
    pub(crate) fn is_null(&self, row: usize) -> bool {
        self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row))
    }

    /// Writes the value of a row as one parameter.
    #[inline]
    pub(crate) fn write<S: ParameterSink>(
        &self,
        row: usize,
        out: &mut S,
    ) -> Result<(), CellRefusal> {
        if self.is_null(row) {
            out.null();
            return Ok(());
        }
        match &self.values {
            Values::Null => out.null(),
            Values::Bool(values) => out.int(values.value(row).into()),
            Values::Int8(values) => out.int(at(values, row).into()),
            Values::Int16(values) => out.int(at(values, row).into()),
            Values::Int32(values) => out.int(at(values, row).into()),
            Values::Int64(values) => out.int(at(values, row)),
            Values::UInt8(values) => out.uint(at(values, row).into()),
            Values::UInt16(values) => out.uint(at(values, row).into()),
            Values::UInt32(values) => out.uint(at(values, row).into()),
            Values::UInt64(values) => out.uint(at(values, row)),
            Values::Half(values, floats) => return floats.write(at(values, row).to_f32(), out),
            Values::Float(values, floats) => return floats.write(at(values, row), out),
            Values::Double(values, floats) => return floats.write_double(at(values, row), out),
            Values::Date(values) => {
                out.date(date(at(values, row)).ok_or(CellRefusal::Date)?);
            }
            Values::DateTime(values, clock, is_instant) => {
                let zone = is_instant.then(|| out.time_zone());
                out.datetime(clock.datetime(at(values, row), zone)?);
            }
            Values::Time(values, clock) => out.time(clock.time(at(values, row))?),
            Values::TimeOfDay(values, clock) => out.time(clock.time(at(values, row).into())?),
            Values::Text(texts) => out.text(texts.get(row)),
            Values::Bytes(blobs) => out.bytes(blobs.get(row)),
            Values::Unpadded(texts) => {
                let text = texts.get(row);
                if text.as_bytes().last() == Some(&b' ') {
                    return Err(CellRefusal::Padding);
                }
                out.text(text);
            }
            Values::Dictionary(keys, values) => {
                let key = keys.get(row).copied().unwrap_or_default();
                return values.write_value(key, out);
            }
            _ => return self.write_rare(row, out),
        }
        Ok(())
    }

    /// Writes a value of a dictionary.
    fn write_value<S: ParameterSink>(&self, key: usize, out: &mut S) -> Result<(), CellRefusal> {
        self.write(key, out)
    }

    fn write_rare<S: ParameterSink>(&self, row: usize, out: &mut S) -> Result<(), CellRefusal> {
        match &self.values {
            Values::Decimal32(values, scale) => write_decimal(at(values, row).into(), *scale, out),
            Values::Decimal64(values, scale) => write_decimal(at(values, row).into(), *scale, out),
            Values::Decimal128(values, scale) => write_decimal(at(values, row), *scale, out),
            Values::Decimal256(values, scale) => write_long_decimal(at(values, row), *scale, out),
            Values::DateMillis(values) => {
                let millis = at(values, row);
                if millis % DAY_MILLIS != 0 {
                    return Err(CellRefusal::PartOfDay);
                }
                let days = i32::try_from(millis / DAY_MILLIS).ok().and_then(date);
                out.date(days.ok_or(CellRefusal::Date)?);
                Ok(())
            }
            Values::Uuid(blobs) => {
                let text = uuid_text(blobs.get(row));
                out.text(std::str::from_utf8(&text).unwrap_or_default());
                Ok(())
            }
            Values::Wkb(blobs, srid) => write_geometry(blobs.get(row), *srid, out),
            Values::Vector(lists, floats) => write_vector(lists.range(row), floats, out),
            Values::Set(lists, members) => write_set(lists.range(row), members, out),
            Values::Checked(cells, check) => {
                let mut checking = Checking::new(out, check);
                cells.write(row, &mut checking)?;
                checking.refusal()
            }
            // The others have been written.
            _ => Ok(()),
        }
    }

    /// The text at `row`, if this is text and not NULL.
    pub(super) fn text(&self, row: usize) -> Option<&str> {
        match &self.values {
            Values::Text(texts) if !self.is_null(row) => Some(texts.get(row)),
            _ => None,
        }
    }

    /// How many values lose digits of a second, or are NULL because they are not finite.
    pub(crate) fn changed(&self, rows: usize) -> u64 {
        let count = |is_changed: &dyn Fn(usize) -> bool| {
            let changed = (0..rows).filter(|row| !self.is_null(*row) && is_changed(*row));
            u64::try_from(changed.count()).unwrap_or(u64::MAX)
        };
        match &self.values {
            Values::Half(
                values,
                Floats {
                    odd_are_null: true, ..
                },
            ) => count(&|row| !at(values, row).to_f32().is_finite()),
            Values::Float(
                values,
                Floats {
                    odd_are_null: true, ..
                },
            ) => count(&|row| !at(values, row).is_finite()),
            Values::Double(
                values,
                Floats {
                    odd_are_null: true, ..
                },
            ) => count(&|row| !at(values, row).is_finite()),
            Values::DateTime(values, clock, _) if clock.truncates => {
                count(&|row| clock.cuts(at(values, row)))
            }
            Values::Time(values, clock) if clock.truncates => {
                count(&|row| clock.cuts(at(values, row)))
            }
            Values::TimeOfDay(values, clock) if clock.truncates => {
                count(&|row| clock.cuts(at(values, row).into()))
            }
            Values::Checked(cells, _) => cells.changed(rows),
            _ => 0,
        }
    }
}

/// 2^53: from here on the shortest text of a floating-point number need not be its own digits, and the
/// server takes 2^63 for the greatest BIGINT.
const EXACT_INTEGERS: f64 = 9_007_199_254_740_992.0;

/// The number at `row`, which is one of the buffer's.
#[inline]
fn at<T: ArrowNativeType>(values: &ScalarBuffer<T>, row: usize) -> T {
    values.get(row).copied().unwrap_or_default()
}

impl Floats {
    #[inline]
    fn write(self, value: f32, out: &mut impl ParameterSink) -> Result<(), CellRefusal> {
        if !value.is_finite() || self.are_whole {
            return self.write_double(value.into(), out);
        }
        out.float(value);
        Ok(())
    }

    #[inline]
    fn write_double(self, value: f64, out: &mut impl ParameterSink) -> Result<(), CellRefusal> {
        if !value.is_finite() {
            if !self.odd_are_null {
                return Err(CellRefusal::NotFinite);
            }
            out.null();
            return Ok(());
        }
        if self.are_whole {
            if value.fract() != 0.0 {
                return Err(CellRefusal::Fraction);
            }
            if value.abs() >= EXACT_INTEGERS {
                write_long_integer(value, out);
                return Ok(());
            }
        }
        out.double(value);
        Ok(())
    }
}

impl Texts {
    #[inline]
    fn get(&self, row: usize) -> &str {
        match self {
            Self::Utf8(array) => array.value(row),
            Self::Large(array) => array.value(row),
            Self::View(array) => array.value(row),
        }
    }
}

impl Blobs {
    #[inline]
    fn get(&self, row: usize) -> &[u8] {
        match self {
            Self::Binary(array) => array.value(row),
            Self::Large(array) => array.value(row),
            Self::View(array) => array.value(row),
            Self::Fixed(array) => array.value(row),
        }
    }
}

impl Lists {
    fn range(&self, row: usize) -> Range<usize> {
        match self {
            Self::Fixed(len) => row * len..(row + 1) * len,
            Self::Offsets(offsets) => between(offsets, row),
            Self::Large(offsets) => between(offsets, row),
        }
    }
}

fn between<O: OffsetSizeTrait>(offsets: &OffsetBuffer<O>, row: usize) -> Range<usize> {
    let offset = |row: usize| offsets.get(row).map_or(0, |offset| offset.as_usize());
    offset(row)..offset(row + 1)
}
