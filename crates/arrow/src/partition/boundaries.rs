use std::fmt;

use super::PlanError;

/// Where the values of a key are cut: the first value of each part but the first, ascending. It has
/// at least one part.
///
/// The first part and the last are open: they take all values below the first cut, and from the
/// last one on, so that the parts cover all keys, also those that come meanwhile.
#[derive(Clone, Eq, PartialEq)]
pub struct KeyBoundaries(Vec<i128>);

impl KeyBoundaries {
    /// No cut: one part with all of it.
    pub const fn none() -> Self {
        Self(Vec::new())
    }

    /// At most so many parts (from 1 to 65,536) for keys between these two, each as wide as the
    /// others. It is one a key if there are fewer keys than parts.
    ///
    /// # Errors
    /// [`PlanError::Reversed`], and [`PlanError::KeyRange`] if a key is neither an `i64` nor a
    /// `u64`.
    pub fn even(
        first: impl Into<i128>,
        last: impl Into<i128>,
        parts: usize,
    ) -> Result<Self, PlanError> {
        let (first, last) = key_range(first.into(), last.into())?;
        let width = last - first + 1;
        let parts = number_of_parts(parts).min(width);
        let cuts = (1..parts).map(|part| first + width * part / parts);
        Ok(Self(cuts.collect()))
    }

    /// At most so many parts (from 1 to 65,536), with about as many samples in each: keys of rows
    /// that were drawn evenly, in any order, each as often as it was drawn.
    ///
    /// Of S samples in N parts a part has at most ⌈S / N⌉ + d − 1, where d is how often the most
    /// frequent sample is there.
    ///
    /// # Errors
    /// [`PlanError::KeyRange`] if a key is neither an `i64` nor a `u64`.
    pub fn of_samples<K: Into<i128>>(
        samples: impl IntoIterator<Item = K>,
        parts: usize,
    ) -> Result<Self, PlanError> {
        let mut samples: Vec<i128> = samples.into_iter().map(Into::into).collect();
        samples.sort_unstable();
        let (Some(&first), Some(&last)) = (samples.first(), samples.last()) else {
            return Ok(Self::none());
        };
        key_range(first, last)?;
        let parts = usize::try_from(number_of_parts(parts)).unwrap_or(1);
        let cut = |part: usize| samples.get(samples.len() * part / parts).copied();
        Ok(Self::ascending(first, (1..parts).filter_map(cut)))
    }

    /// Parts of the same weight, which is taken to lie evenly within each of the ranges. They are
    /// ascending and do not overlap.
    pub(crate) fn of_weights(ranges: &[WeightedRange], parts: usize) -> Self {
        let total: u128 = ranges.iter().map(WeightedRange::weight).sum();
        let Some(first) = ranges.first().map(|range| range.first) else {
            return Self::none();
        };
        let parts = number_of_parts(parts).unsigned_abs();
        let mut ranges = ranges.iter();
        let mut range = ranges.next();
        let mut before = 0;
        let cuts = (1..parts).filter_map(|part| {
            let target = total * part / parts;
            while let Some(passed) = range.take_if(|range| before + range.weight() <= target) {
                before += passed.weight();
                range = ranges.next();
            }
            range.map(|range| range.at(target - before))
        });
        let cuts: Vec<i128> = cuts.collect();
        Self::ascending(first, cuts)
    }

    /// The first value of each part but the first.
    pub fn values(&self) -> &[i128] {
        &self.0
    }

    /// How many parts there are.
    pub const fn parts(&self) -> usize {
        self.0.len() + 1
    }

    /// The cuts that part something from what is before them.
    fn ascending(first: i128, cuts: impl IntoIterator<Item = i128>) -> Self {
        let mut before = first;
        let parts_something = |cut: &i128| {
            let parts = *cut > before;
            before = before.max(*cut);
            parts
        };
        Self(cuts.into_iter().filter(parts_something).collect())
    }
}

/// Shows how many parts there are, not the keys.
impl fmt::Debug for KeyBoundaries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyBoundaries({} parts)", self.parts())
    }
}

/// Keys from `first` to `last`, and how many rows are said to have one of them.
#[derive(Clone, Copy)]
pub(crate) struct WeightedRange {
    pub(crate) first: i128,
    pub(crate) last: i128,
    pub(crate) rows: u64,
}

impl WeightedRange {
    /// How many keys there can be; at most 2^64 + 2^63.
    pub(crate) const fn width(&self) -> u128 {
        self.last.abs_diff(self.first) + 1
    }

    /// The rows as what can be multiplied with a width: more than a server can hold do not count.
    fn weight(&self) -> u128 {
        u128::from(self.rows.min(MAX_ROWS))
    }

    /// The key before which there is this part of the weight.
    fn at(&self, weight: u128) -> i128 {
        let step = self.width() * weight / self.weight().max(1);
        self.first + i128::try_from(step).unwrap_or_default()
    }
}

pub(crate) const fn key_range(first: i128, last: i128) -> Result<(i128, i128), PlanError> {
    if first > last {
        return Err(PlanError::Reversed);
    }
    if first < MIN_KEY || last > MAX_KEY {
        return Err(PlanError::KeyRange);
    }
    Ok((first, last))
}

/// Within the limits of what is a number of parts.
pub(crate) fn number_of_parts(parts: usize) -> i128 {
    i128::try_from(parts.clamp(1, PlanError::MAX_PARTS)).unwrap_or(1)
}

/// That of a BIGINT.
const MIN_KEY: i128 = -(1 << 63);
/// That of a BIGINT UNSIGNED.
const MAX_KEY: i128 = (1 << 64) - 1;
/// More than a tablespace has room for.
const MAX_ROWS: u64 = 1 << 48;

#[cfg(test)]
mod tests;
