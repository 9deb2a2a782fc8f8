use std::fmt;
use std::ops::RangeInclusive;

use super::boundaries::{WeightedRange, key_range, number_of_parts};
use super::{KeyBoundaries, PlanError};

/// Finds out where the keys are dense, by few questions about how many rows there are between two
/// of them, so that parts get about as many rows as each other.
///
/// An index answers such a question in a time that hardly grows with the table, by an estimate.
/// Ranges that hold more than a quarter of what a part is to have are split and asked about again:
///
/// ```
/// use otaria_arrow::partition::DensitySearch;
///
/// // Half of the rows have keys below 100, and the others up to a million.
/// let rows_until = |key: i128| key.min(100) + key * 100 / 1_000_000;
/// let mut search = DensitySearch::new(0, 1_000_000, 4)?;
/// while search.ranges().next().is_some() {
///     let rows = |range: std::ops::RangeInclusive<i128>| {
///         u64::try_from(rows_until(range.end() + 1) - rows_until(*range.start())).unwrap()
///     };
///     let estimates: Vec<u64> = search.ranges().map(rows).collect();
///     search.refine(estimates);
/// }
/// let cuts = search.boundaries();
/// assert!((45..=55).contains(&cuts.values()[0]), "{:?}", cuts.values());
/// # Ok::<(), otaria_arrow::partition::PlanError>(())
/// ```
///
/// If the estimates are right, a part has at most half of its share too many (or 32 rows), and the
/// rows of the most frequent key, for those of one key are never parted. It may have more where
/// keys lie so unevenly that [`MAX_ESTIMATES`](Self::MAX_ESTIMATES) do not suffice.
#[derive(Clone)]
pub struct DensitySearch {
    parts: usize,
    /// Ascending, without gaps between them.
    leaves: Vec<Leaf>,
    /// How many estimates were asked for, with those that are still to come.
    asked: usize,
}

#[derive(Clone, Copy)]
struct Leaf {
    range: WeightedRange,
    /// Whether its rows are only its part of those of a greater range.
    is_open: bool,
}

impl DensitySearch {
    /// How many estimates are asked for at most, of one source.
    pub const MAX_ESTIMATES: usize = 8192;

    /// A search between these keys, for so many parts.
    ///
    /// # Errors
    /// [`PlanError::Reversed`], and [`PlanError::KeyRange`] if a key is neither an `i64` nor a
    /// `u64`.
    pub fn new(
        first: impl Into<i128>,
        last: impl Into<i128>,
        parts: usize,
    ) -> Result<Self, PlanError> {
        let (first, last) = key_range(first.into(), last.into())?;
        let parts = usize::try_from(number_of_parts(parts)).unwrap_or(1);
        let whole = WeightedRange {
            first,
            last,
            rows: u64::MAX,
        };
        let pieces = (parts * LEAVES_PER_PART).clamp(MIN_FIRST_PIECES, MAX_FIRST_PIECES);
        let mut leaves = Vec::new();
        split(&whole, pieces, &mut leaves);
        Ok(Self {
            parts,
            asked: leaves.len(),
            leaves,
        })
    }

    /// The ranges of keys whose rows are to be estimated next; none at the end.
    pub fn ranges(&self) -> impl Iterator<Item = RangeInclusive<i128>> {
        let open = self.leaves.iter().filter(|leaf| leaf.is_open);
        open.map(|leaf| leaf.range.first..=leaf.range.last)
    }

    /// Takes the estimates for all [`ranges`](Self::ranges), in their order; 0 for those that are
    /// missing. What is dense is split.
    pub fn refine(&mut self, estimates: impl IntoIterator<Item = u64>) {
        let mut estimates = estimates.into_iter();
        for leaf in self.leaves.iter_mut().filter(|leaf| leaf.is_open) {
            leaf.range.rows = estimates.next().unwrap_or(0);
            leaf.is_open = false;
        }
        let Some(limit) = self.rows_of_a_leaf() else {
            return;
        };
        let mut leaves = Vec::with_capacity(self.leaves.len());
        for leaf in &self.leaves {
            if leaf.range.rows > limit && leaf.range.width() > 1 {
                split(&leaf.range, PIECES, &mut leaves);
            } else {
                leaves.push(*leaf);
            }
        }
        self.asked += leaves.iter().filter(|leaf| leaf.is_open).count();
        self.leaves = leaves;
    }

    /// The boundaries of parts that have about as many rows as each other, by all that is known.
    pub fn boundaries(&self) -> KeyBoundaries {
        let ranges: Vec<WeightedRange> = self.leaves.iter().map(|leaf| leaf.range).collect();
        KeyBoundaries::of_weights(&ranges, self.parts)
    }

    /// How many rows there are by the estimates.
    pub fn rows(&self) -> u64 {
        let rows = self.leaves.iter().map(|leaf| leaf.range.rows);
        rows.fold(0, u64::saturating_add)
    }

    /// How many rows a leaf may have that is not split, so that no more is asked than may be;
    /// `None` if nothing may.
    fn rows_of_a_leaf(&self) -> Option<u64> {
        let room = Self::MAX_ESTIMATES.saturating_sub(self.asked) / PIECES;
        if room == 0 {
            return None;
        }
        let leaves = u64::try_from(self.parts * LEAVES_PER_PART).unwrap_or(u64::MAX);
        let limit = (self.rows() / leaves).max(MIN_ROWS);
        let divisible = self.leaves.iter().filter(|leaf| leaf.range.width() > 1);
        let mut rows: Vec<u64> = divisible.map(|leaf| leaf.range.rows).collect();
        rows.sort_unstable_by(|a, b| b.cmp(a));
        // That many are split which are heavier than this one.
        let next = rows.get(room).copied().unwrap_or(0);
        Some(limit.max(next))
    }
}

/// Shows how many ranges there are, not the keys.
impl fmt::Debug for DensitySearch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DensitySearch")
            .field("parts", &self.parts)
            .field("ranges", &self.leaves.len())
            .field("asked", &self.asked)
            .finish()
    }
}

/// Adds up to so many pieces of the range, which are as wide as each other.
fn split(range: &WeightedRange, pieces: usize, leaves: &mut Vec<Leaf>) {
    let width = range.last - range.first + 1;
    let pieces = i128::try_from(pieces).unwrap_or(1).min(width);
    let rows = range.rows / u64::try_from(pieces).unwrap_or(1).max(1);
    let start = |piece: i128| range.first + width * piece / pieces;
    leaves.extend((0..pieces).map(|piece| Leaf {
        range: WeightedRange {
            first: start(piece),
            last: start(piece + 1) - 1,
            rows,
        },
        is_open: true,
    }));
}

/// With a quarter of a part's rows in a range, a part has half of its share too many at most: a
/// quarter at each end.
const LEAVES_PER_PART: usize = 4;
/// So few rows are not worth a question, and servers may say of an empty range that it has one.
const MIN_ROWS: u64 = 16;
/// Few pieces ask often, many ask for what is empty.
const PIECES: usize = 8;
const MIN_FIRST_PIECES: usize = 16;
/// So many parts are no more even than their ranges.
const MAX_FIRST_PIECES: usize = 1024;

#[cfg(test)]
mod tests;
