use std::{
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
    str::FromStr,
};

use crate::DecimalError;

/// A DECIMAL: up to 65 digits, up to 38 of them after the point.
///
/// The scale is kept, so that a number comes out as it came in (`1.50` stays `1.50`), and does not
/// matter to comparisons (`1.50 == 1.5`). There is no negative zero.
#[derive(Clone, Copy)]
pub struct Decimal {
    /// The digits without the point, least significant word first; less than 10^65.
    magnitude: [u64; 4],
    /// Never set where the magnitude is 0.
    negative: bool,
    /// How many of the digits stand after the point; at most [`MAX_SCALE`].
    scale: u8,
}

impl Decimal {
    /// 0.
    pub const ZERO: Self = Self {
        magnitude: [0; 4],
        negative: false,
        scale: 0,
    };

    /// The number `unscaled` / 10^`scale`, or `None` if the scale is over 38.
    pub fn from_i128(unscaled: i128, scale: u8) -> Option<Self> {
        if scale > MAX_SCALE {
            return None;
        }
        let (low, high) = halves(unscaled.unsigned_abs());
        Some(Self {
            magnitude: [low, high, 0, 0],
            negative: unscaled < 0,
            scale,
        })
    }

    /// How many digits stand after the point.
    pub const fn scale(&self) -> u8 {
        self.scale
    }

    /// Whether the number is less than 0.
    pub const fn is_negative(&self) -> bool {
        self.negative
    }

    /// The number times 10^scale, or `None` if it does not fit.
    pub fn unscaled(&self) -> Option<i128> {
        signed(self.negative, self.magnitude)
    }

    /// The nearest `f64`.
    pub fn to_f64(&self) -> f64 {
        let parsed = self.to_string().parse();
        debug_assert!(parsed.is_ok(), "a decimal is a number");
        parsed.unwrap_or(f64::NAN)
    }

    /// Reads a number: an optional sign, digits, and optionally a point among them.
    ///
    /// # Errors
    /// [`DecimalError::Malformed`] if it is in another form, [`DecimalError::TooManyDigits`] if it
    /// has more than 65 digits (zeros in front not counted) or more than 38 after the point.
    pub fn parse(text: &[u8]) -> Result<Self, DecimalError> {
        let (negative, unsigned) = match text {
            [b'-', unsigned @ ..] => (true, unsigned),
            [b'+', unsigned @ ..] | unsigned => (false, unsigned),
        };
        let mut parts = unsigned.splitn(2, |&byte| byte == b'.');
        let whole = parts.next().unwrap_or_default();
        let fraction = parts.next().unwrap_or_default();
        let mut digits = whole.iter().chain(fraction).peekable();
        if digits.peek().is_none() || !digits.clone().all(u8::is_ascii_digit) {
            return Err(DecimalError::Malformed);
        }
        let scale = match u8::try_from(fraction.len()) {
            Ok(scale) if scale <= MAX_SCALE => scale,
            _ => return Err(DecimalError::TooManyDigits),
        };
        if digits.skip_while(|&&digit| digit == b'0').count() > MAX_DIGITS {
            return Err(DecimalError::TooManyDigits);
        }
        let mut magnitude = [0; 4];
        for group in whole
            .chunks(GROUP_DIGITS)
            .chain(fraction.chunks(GROUP_DIGITS))
        {
            let (factor, value) = group.iter().fold((1, 0), |(factor, value), digit| {
                (factor * 10, value * 10 + u64::from(digit - b'0'))
            });
            multiply_add(&mut magnitude, factor, value);
        }
        Ok(Self {
            magnitude,
            negative: negative && magnitude != [0; 4],
            scale,
        })
    }

    /// The integer that the number is.
    fn to_integer(self) -> Result<i128, DecimalError> {
        let mut magnitude = self.magnitude;
        for _ in 0..self.scale {
            if divide(&mut magnitude, 10) != 0 {
                return Err(DecimalError::Inexact);
            }
        }
        signed(self.negative, magnitude).ok_or(DecimalError::OutOfRange)
    }

    /// The magnitude times 10^`exponent`, which is at most [`MAX_SCALE`].
    fn scaled_magnitude(&self, exponent: u8) -> [u64; 6] {
        let [a, b, c, d] = self.magnitude;
        let mut scaled = [a, b, c, d, 0, 0];
        for _ in 0..exponent {
            multiply_add(&mut scaled, 10, 0);
        }
        scaled
    }

    /// The digits, most significant first, with zeros in front.
    fn digits(&self) -> [u8; 4 * GROUP_DIGITS] {
        let mut magnitude = self.magnitude;
        let mut digits = [b'0'; 4 * GROUP_DIGITS];
        for group in digits.rchunks_exact_mut(GROUP_DIGITS) {
            let mut value = divide(&mut magnitude, GROUP);
            for digit in group.iter_mut().rev() {
                *digit += u8::try_from(value % 10).unwrap_or_default();
                value /= 10;
            }
        }
        digits
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.digits();
        let digits = std::str::from_utf8(&digits).map_err(|_| fmt::Error)?;
        let point = digits.len().saturating_sub(usize::from(self.scale));
        let (whole, fraction) = digits.split_at_checked(point).ok_or(fmt::Error)?;
        if self.negative {
            f.write_str("-")?;
        }
        match whole.trim_start_matches('0') {
            "" => f.write_str("0")?,
            whole => f.write_str(whole)?,
        }
        if !fraction.is_empty() {
            write!(f, ".{fraction}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Decimal({self})")
    }
}

impl FromStr for Decimal {
    type Err = DecimalError;

    fn from_str(text: &str) -> Result<Self, DecimalError> {
        Self::parse(text.as_bytes())
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        let magnitudes = || {
            let ours = self.scaled_magnitude(other.scale.saturating_sub(self.scale));
            let theirs = other.scaled_magnitude(self.scale.saturating_sub(other.scale));
            ours.iter().rev().cmp(theirs.iter().rev())
        };
        match (self.negative, other.negative) {
            (false, false) => magnitudes(),
            (true, true) => magnitudes().reverse(),
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
        }
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Eq for Decimal {}

impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Hash for Decimal {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let mut magnitude = self.magnitude;
        let mut scale = self.scale;
        let mut shorter = magnitude;
        while scale > 0 && divide(&mut shorter, 10) == 0 {
            magnitude = shorter;
            scale -= 1;
        }
        (self.negative, magnitude, scale).hash(state);
    }
}

macro_rules! integers {
    ($($integer:ident)+) => {$(
        impl From<$integer> for Decimal {
            fn from(integer: $integer) -> Self {
                Self::from_i128(i128::from(integer), 0).unwrap_or(Self::ZERO)
            }
        }

        impl TryFrom<Decimal> for $integer {
            type Error = DecimalError;

            /// The integer that the number is, if it has no fraction and is in range.
            fn try_from(decimal: Decimal) -> Result<Self, DecimalError> {
                Self::try_from(decimal.to_integer()?).map_err(|_| DecimalError::OutOfRange)
            }
        }
    )+};
}

integers!(i8 i16 i32 i64 u8 u16 u32 u64);

impl From<i128> for Decimal {
    fn from(integer: i128) -> Self {
        Self::from_i128(integer, 0).unwrap_or(Self::ZERO)
    }
}

impl From<u128> for Decimal {
    fn from(integer: u128) -> Self {
        let (low, high) = halves(integer);
        Self {
            magnitude: [low, high, 0, 0],
            ..Self::ZERO
        }
    }
}

impl TryFrom<Decimal> for i128 {
    type Error = DecimalError;

    /// The integer that the number is, if it has no fraction and is in range.
    fn try_from(decimal: Decimal) -> Result<Self, DecimalError> {
        decimal.to_integer()
    }
}

/// The number of a sign and a magnitude.
fn signed(negative: bool, magnitude: [u64; 4]) -> Option<i128> {
    let [low, high, 0, 0] = magnitude else {
        return None;
    };
    let magnitude = u128::from(high) << 64 | u128::from(low);
    if negative {
        0_i128.checked_sub_unsigned(magnitude)
    } else {
        i128::try_from(magnitude).ok()
    }
}

/// Multiplies by `factor` and adds `addend`. The result must fit.
fn multiply_add(words: &mut [u64], factor: u64, addend: u64) {
    let mut carry = addend;
    for word in words {
        let product = u128::from(*word) * u128::from(factor) + u128::from(carry);
        (*word, carry) = halves(product);
    }
    debug_assert_eq!(carry, 0, "the product needs another word");
}

/// Divides by `divisor` and returns the remainder.
fn divide(words: &mut [u64], divisor: u64) -> u64 {
    let divisor = u128::from(divisor);
    let mut remainder = 0;
    for word in words.iter_mut().rev() {
        let dividend = u128::from(remainder) << 64 | u128::from(*word);
        (*word, _) = halves(dividend / divisor);
        (remainder, _) = halves(dividend % divisor);
    }
    remainder
}

/// The lower and the upper half.
#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    reason = "truncation is what is asked for"
)]
const fn halves(value: u128) -> (u64, u64) {
    (value as u64, (value >> 64) as u64)
}

/// The most digits of a DECIMAL, of which the most after the point.
const MAX_DIGITS: usize = 65;
const MAX_SCALE: u8 = 38;

/// The most digits that always fit in a word, and the power of ten that has one digit more.
const GROUP_DIGITS: usize = 19;
const GROUP: u64 = 10_000_000_000_000_000_000;

#[cfg(test)]
mod tests;
