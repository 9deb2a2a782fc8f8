#![expect(
    clippy::inline_always,
    reason = "a call a cell costs more than the cell"
)]

use std::marker::PhantomData;

use arrow::datatypes::i256;

use crate::CellReason;
use crate::cell::{Fault, ReadCell, split_cell};
use crate::words;

/// Reads DECIMAL(p, s), which is text in both forms of rows, as an integer of 10^-s.
///
/// A number of up to 16 bytes and up to seven digits behind the point is read by words; any other
/// digit by digit.
pub(crate) struct Decimals<V> {
    precision: u8,
    scale: u8,
    /// In the word of a cell's last eight bytes: the digits in front of the point, those behind it,
    /// and the point. Where the scale is too great for a word, no word has such a point.
    whole: u64,
    fraction: u64,
    point: u64,
    point_mask: u64,
    /// What the digits in front of that word count.
    high_unit: u64,
    /// The greatest magnitude, or that of a word.
    max: u64,
    value: PhantomData<V>,
}

/// An integer that an array of decimals is made of.
pub(crate) trait Unscaled: Copy + Default + Send + Sync {
    fn from_word(word: u64) -> Self;

    /// `high` × 10^38 + `low`.
    fn from_digits(high: u128, low: u128, negative: bool) -> Option<Self>;
}

impl Unscaled for i128 {
    #[inline(always)]
    fn from_word(word: u64) -> Self {
        word.into()
    }

    fn from_digits(high: u128, low: u128, negative: bool) -> Option<Self> {
        let low = Self::try_from(low).ok().filter(|_| high == 0)?;
        Some(if negative { -low } else { low })
    }
}

impl Unscaled for i256 {
    #[inline(always)]
    fn from_word(word: u64) -> Self {
        Self::from_i128(word.into())
    }

    fn from_digits(high: u128, low: u128, negative: bool) -> Option<Self> {
        let unit = Self::from_i128(10_i128.pow(LOW_DIGITS));
        let high = Self::from_parts(high, 0).checked_mul(unit)?;
        let value = high.checked_add(Self::from_parts(low, 0))?;
        if negative {
            value.checked_neg()
        } else {
            Some(value)
        }
    }
}

impl<V> Decimals<V> {
    pub(crate) fn new(precision: u8, scale: u8) -> Self {
        let max = 10_u64.checked_pow(precision.into());
        let (whole, fraction, point_mask, point) = match scale {
            0 => (0, u64::MAX, 0, 0),
            1..=7 => {
                let place = 8 * (7 - u32::from(scale));
                let whole = (1 << place) - 1;
                // The point among characters less '0'.
                (whole, !(whole << 8 | 0xff), 0xff << place, 0x1e << place)
            }
            _ => (0, 0, 0, 1),
        };
        Self {
            precision,
            scale,
            whole,
            fraction,
            point,
            point_mask,
            high_unit: if scale == 0 { 100_000_000 } else { 10_000_000 },
            max: max.map_or(u64::MAX, |limit| limit - 1),
            value: PhantomData,
        }
    }

    const fn digits(&self) -> CellReason {
        CellReason::Digits {
            precision: self.precision,
            scale: self.scale,
        }
    }

    /// The magnitude of the number that a cell of this length at the front of `wide` is.
    #[inline(always)]
    fn by_words(&self, wide: &[u8], length: usize) -> Option<u64> {
        let value = if length.wrapping_sub(1) < 8 {
            self.low(words::at_the_end(wide, length))?
        } else if length <= 16 {
            let cell = wide.get(..length)?;
            let high = words::at_the_end(cell, length.wrapping_sub(8));
            if words::not_digits(high) != 0 {
                return None;
            }
            let low = self.low(words::whole(*cell.last_chunk()?))?;
            words::number(high) * self.high_unit + low
        } else {
            return None;
        };
        (value <= self.max).then_some(value)
    }

    /// The number of a cell's last word.
    #[inline(always)]
    const fn low(&self, word: u64) -> Option<u64> {
        let digits = (word & self.whole) << 8 | word & self.fraction;
        if words::not_digits(digits) | (word & self.point_mask) ^ self.point == 0 {
            Some(words::number(digits))
        } else {
            None
        }
    }
}

impl<V: Unscaled> Decimals<V> {
    /// Reads any number, such as one with a minus.
    #[inline(never)]
    fn any<'a>(&self, rest: &'a [u8]) -> Result<(V, &'a [u8]), Fault> {
        let (cell, behind) = split_cell(rest)?;
        let (unsigned, negative) = match cell {
            [b'-', unsigned @ ..] => (unsigned, true),
            unsigned => (unsigned, false),
        };
        let value = match self.by_words(unsigned, unsigned.len()) {
            Some(word) => V::from_digits(0, word.into(), negative),
            None => self.by_digits(unsigned, negative)?,
        };
        let value = value.ok_or_else(|| self.digits())?;
        Ok((value, behind))
    }

    fn by_digits(&self, unsigned: &[u8], negative: bool) -> Result<Option<V>, CellReason> {
        let mut parts = unsigned.splitn(2, |byte| *byte == b'.');
        let whole = parts.next().unwrap_or_default();
        let fraction = parts.next();
        let is_number = |digits: &[u8]| !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
        if !is_number(whole) || !fraction.is_none_or(is_number) {
            return Err(CellReason::Malformed);
        }
        // The value of an expression may have other digits than its column says.
        let scale = usize::from(self.scale);
        let fraction = fraction.unwrap_or_default();
        let (kept, beyond) = fraction.split_at_checked(scale).unwrap_or((fraction, b""));
        if beyond.iter().any(|digit| *digit != b'0') {
            return Err(self.digits());
        }
        let added = std::iter::repeat_n(&b'0', scale.saturating_sub(kept.len()));
        let digits = whole.iter().chain(kept).chain(added);
        let digits = digits.skip_while(|digit| **digit == b'0');
        let count = digits.clone().count();
        if count > self.precision.into() {
            return Err(self.digits());
        }
        let (mut high, mut low) = (0_u128, 0_u128);
        let split = count.saturating_sub(usize::try_from(LOW_DIGITS).unwrap_or(usize::MAX));
        for (place, digit) in digits.enumerate() {
            let part = if place < split { &mut high } else { &mut low };
            *part = *part * 10 + u128::from(digit - b'0');
        }
        Ok(V::from_digits(high, low, negative))
    }
}

impl<V: Unscaled> ReadCell for Decimals<V> {
    type Value<'a> = V;

    #[inline(always)]
    fn binary<'a>(&self, rest: &'a [u8]) -> Result<(V, &'a [u8]), Fault> {
        self.text(rest)
    }

    #[inline(always)]
    fn text<'a>(&self, rest: &'a [u8]) -> Result<(V, &'a [u8]), Fault> {
        if let Some((&length, wide)) = rest.split_first()
            && let length = usize::from(length)
            && let Some(behind) = wide.get(length..)
            && let Some(value) = self.by_words(wide, length)
        {
            return Ok((V::from_word(value), behind));
        }
        self.any(rest)
    }
}

/// 10^38 is the greatest power of ten in an `i128`.
const LOW_DIGITS: u32 = 38;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read<V: Unscaled>(precision: u8, scale: u8, cell: &str) -> Result<V, Fault> {
        let row = short_cell(cell);
        let reader = Decimals::<V>::new(precision, scale);
        let alone = reader.text(&row).map(|(value, _)| value);
        let row = [&row, &b"0123456789.0123456789"[..]].concat();
        let within = reader.text(&row).map(|(value, behind)| {
            assert_eq!(behind, b"0123456789.0123456789");
            value
        });
        assert!(alone.is_ok() == within.is_ok());
        within
    }

    fn short_cell(cell: &str) -> Vec<u8> {
        [&[u8::try_from(cell.len()).unwrap()], cell.as_bytes()].concat()
    }

    fn small(precision: u8, scale: u8, cell: &str) -> Result<i128, Fault> {
        read::<i128>(precision, scale, cell)
    }

    #[test]
    fn a_decimal_is_an_integer_of_its_scale() {
        assert_eq!(small(15, 2, "12345.67"), Ok(1_234_567));
        assert_eq!(small(15, 2, "-12345.67"), Ok(-1_234_567));
        assert_eq!(small(15, 2, "0.05"), Ok(5));
        assert_eq!(small(15, 2, "1234567890123.45"), Ok(123_456_789_012_345));
        assert_eq!(small(10, 0, "1234567890"), Ok(1_234_567_890));
        assert_eq!(small(9, 7, "12.3456789"), Ok(123_456_789));
        assert_eq!(small(18, 9, "-0.000000001"), Ok(-1));
        assert_eq!(
            small(38, 38, "-0.99999999999999999999999999999999999999"),
            Ok(1 - 10_i128.pow(38))
        );
    }

    #[test]
    fn the_greatest_decimals_are_exact() {
        let nines = "9".repeat(35) + "." + &"9".repeat(30);
        let greatest = i256::from_string(&"9".repeat(65)).unwrap();
        assert_eq!(read::<i256>(65, 30, &nines), Ok(greatest));
        let least = greatest.checked_neg().unwrap();
        assert_eq!(read::<i256>(65, 30, &("-".to_owned() + &nines)), Ok(least));
        assert_eq!(small(38, 0, &"9".repeat(38)), Ok(10_i128.pow(38) - 1));
    }

    #[test]
    fn other_digits_than_declared_are_exact_or_refused() {
        assert_eq!(small(5, 2, "1.5"), Ok(150));
        assert_eq!(small(5, 2, "1"), Ok(100));
        assert_eq!(small(5, 2, "1.5000"), Ok(150));
        let digits = |precision, scale| Err(CellReason::Digits { precision, scale }.into());
        assert_eq!(small(5, 2, "1.005"), digits(5, 2));
        assert_eq!(small(5, 2, "1000.00"), digits(5, 2));
        assert_eq!(small(5, 2, "-1000.00"), digits(5, 2));
        assert_eq!(small(5, 2, "999.99"), Ok(99_999));
    }

    #[test]
    fn what_is_no_decimal_is_malformed() {
        for cell in [
            "",
            "-",
            ".",
            "1.",
            "+1",
            "1e5",
            "1,5",
            "--1",
            "1.2.3",
            "x",
            "12345678x",
            "1 .50",
            "1-.50",
            "/.00",
            ":.00",
            "0x.00",
        ] {
            assert_eq!(
                small(10, 2, cell),
                Err(CellReason::Malformed.into()),
                "{cell}"
            );
        }
    }

    proptest! {
        #[test]
        fn all_ways_of_reading_agree(value in any::<i64>(), scale in 0_u8..20) {
            let digits = format!("{:0width$}", value.unsigned_abs(), width = usize::from(scale) + 1);
            let (whole, fraction) = digits.split_at(digits.len() - usize::from(scale));
            let point = if scale == 0 { "" } else { "." };
            let sign = if value < 0 { "-" } else { "" };
            let cell = format!("{sign}{whole}{point}{fraction}");
            prop_assert_eq!(small(38, scale, &cell), Ok(value.into()));
            prop_assert_eq!(read::<i256>(65, scale, &cell), Ok(i256::from_i128(value.into())));
        }
    }
}
