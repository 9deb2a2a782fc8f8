#![expect(
    clippy::inline_always,
    reason = "a call a cell costs more than the cell"
)]

use std::marker::PhantomData;

use crate::CellReason;
use crate::cell::{Fault, ReadCell, split_cell};
use crate::words;

/// Reads integers; also YEAR, as `i16`.
pub(crate) struct Integers<V>(PhantomData<V>);

impl<V> Integers<V> {
    pub(crate) const NEW: Self = Self(PhantomData);
}

/// An integer of some width.
pub(crate) trait Integer: Copy + Default + Send + Sync {
    /// The first bytes of the row.
    fn split(rest: &[u8]) -> Option<(Self, &[u8])>;

    fn from_magnitude(magnitude: u64) -> Option<Self>;

    fn from_negative(magnitude: u64) -> Option<Self>;
}

macro_rules! integers {
    ($($integer:ty),+) => {$(
        impl Integer for $integer {
            #[inline(always)]
            fn split(rest: &[u8]) -> Option<(Self, &[u8])> {
                let (bytes, behind) = rest.split_first_chunk()?;
                Some((Self::from_le_bytes(*bytes), behind))
            }

            #[inline(always)]
            fn from_magnitude(magnitude: u64) -> Option<Self> {
                Self::try_from(magnitude).ok()
            }

            fn from_negative(magnitude: u64) -> Option<Self> {
                let value = 0_i64.checked_sub_unsigned(magnitude)?;
                Self::try_from(value).ok()
            }
        }
    )+};
}

integers!(i8, i16, i32, i64, u8, u16, u32, u64);

impl<V: Integer> ReadCell for Integers<V> {
    type Value<'a> = V;

    #[inline(always)]
    fn binary<'a>(&self, rest: &'a [u8]) -> Result<(V, &'a [u8]), Fault> {
        V::split(rest).ok_or(Fault::Truncated)
    }

    #[inline(always)]
    fn text<'a>(&self, rest: &'a [u8]) -> Result<(V, &'a [u8]), Fault> {
        if let Some((magnitude, behind)) = words::unsigned(rest)
            && let Some(value) = V::from_magnitude(magnitude)
        {
            return Ok((value, behind));
        }
        signed_or_long(rest)
    }
}

/// Reads an integer with a minus, or of many digits.
#[inline(never)]
fn signed_or_long<V: Integer>(rest: &[u8]) -> Result<(V, &[u8]), Fault> {
    let (cell, behind) = split_cell(rest)?;
    let (digits, negative) = match cell {
        [b'-', digits @ ..] => (digits, true),
        digits => (digits, false),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(CellReason::Malformed.into());
    }
    let magnitude = digits.iter().try_fold(0_u64, |value, digit| {
        value.checked_mul(10)?.checked_add(u64::from(digit - b'0'))
    });
    magnitude
        .and_then(if negative {
            V::from_negative
        } else {
            V::from_magnitude
        })
        .map(|value| (value, behind))
        .ok_or_else(|| CellReason::OutOfRange.into())
}

/// Reads FLOAT or DOUBLE.
pub(crate) struct Floats<V>(PhantomData<V>);

impl<V> Floats<V> {
    pub(crate) const NEW: Self = Self(PhantomData);
}

/// A floating-point number of some width.
pub(crate) trait Float: Copy + Default + Send + Sync + fast_float2::FastFloat {
    /// The first bytes of the row.
    fn split(rest: &[u8]) -> Option<(Self, &[u8])>;

    fn is_finite(self) -> bool;
}

macro_rules! floats {
    ($($float:ty),+) => {$(
        impl Float for $float {
            #[inline(always)]
            fn split(rest: &[u8]) -> Option<(Self, &[u8])> {
                let (bytes, behind) = rest.split_first_chunk()?;
                Some((Self::from_le_bytes(*bytes), behind))
            }

            fn is_finite(self) -> bool {
                Self::is_finite(self)
            }
        }
    )+};
}

floats!(f32, f64);

impl<V: Float> ReadCell for Floats<V> {
    type Value<'a> = V;

    #[inline(always)]
    fn binary<'a>(&self, rest: &'a [u8]) -> Result<(V, &'a [u8]), Fault> {
        V::split(rest).ok_or(Fault::Truncated)
    }

    fn text<'a>(&self, rest: &'a [u8]) -> Result<(V, &'a [u8]), Fault> {
        let (cell, behind) = split_cell(rest)?;
        Ok((parse_float(cell)?, behind))
    }
}

/// Reads DECIMAL, which is text in both forms of rows, as the nearest number.
pub(crate) struct DecimalFloats;

impl ReadCell for DecimalFloats {
    type Value<'a> = f64;

    fn binary<'a>(&self, rest: &'a [u8]) -> Result<(f64, &'a [u8]), Fault> {
        self.text(rest)
    }

    fn text<'a>(&self, rest: &'a [u8]) -> Result<(f64, &'a [u8]), Fault> {
        Floats::<f64>::NEW.text(rest)
    }
}

fn parse_float<V: Float>(cell: &[u8]) -> Result<V, CellReason> {
    match fast_float2::parse::<V, _>(cell) {
        Ok(value) if value.is_finite() => Ok(value),
        // The words that the parser knows, such as `inf`, are no numbers here.
        Ok(_) if cell.iter().any(u8::is_ascii_digit) => Err(CellReason::OutOfRange),
        _ => Err(CellReason::Malformed),
    }
}

/// Reads TINYINT as a truth.
pub(crate) struct TinyBools;

impl ReadCell for TinyBools {
    type Value<'a> = bool;

    #[inline(always)]
    fn binary<'a>(&self, rest: &'a [u8]) -> Result<(bool, &'a [u8]), Fault> {
        let (value, behind) = Integers::<u8>::NEW.binary(rest)?;
        Ok((value != 0, behind))
    }

    #[inline(always)]
    fn text<'a>(&self, rest: &'a [u8]) -> Result<(bool, &'a [u8]), Fault> {
        // With a sign or without, a TINYINT is an i16.
        let (value, behind) = Integers::<i16>::NEW.text(rest)?;
        Ok((value != 0, behind))
    }
}

/// Reads BIT, which is big-endian bytes in both forms of rows.
pub(crate) struct Bits;

impl ReadCell for Bits {
    type Value<'a> = u64;

    #[inline(always)]
    fn binary<'a>(&self, rest: &'a [u8]) -> Result<(u64, &'a [u8]), Fault> {
        self.text(rest)
    }

    #[inline(always)]
    fn text<'a>(&self, rest: &'a [u8]) -> Result<(u64, &'a [u8]), Fault> {
        let (cell, behind) = split_cell(rest)?;
        if cell.is_empty() || cell.len() > 8 {
            return Err(CellReason::Malformed.into());
        }
        let bits = cell
            .iter()
            .fold(0, |bits, byte| bits << 8 | u64::from(*byte));
        Ok((bits, behind))
    }
}

/// Reads BIT(1) as a truth.
pub(crate) struct BitBools;

impl ReadCell for BitBools {
    type Value<'a> = bool;

    fn binary<'a>(&self, rest: &'a [u8]) -> Result<(bool, &'a [u8]), Fault> {
        self.text(rest)
    }

    fn text<'a>(&self, rest: &'a [u8]) -> Result<(bool, &'a [u8]), Fault> {
        let (bits, behind) = Bits.text(rest)?;
        Ok((bits != 0, behind))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text<V: Integer>(cell: &str) -> Result<V, Fault> {
        let row = short_cell(cell);
        Integers::<V>::NEW.text(&row).map(|(value, _)| value)
    }

    fn short_cell(cell: &str) -> Vec<u8> {
        [&[u8::try_from(cell.len()).unwrap()], cell.as_bytes()].concat()
    }

    #[test]
    fn integers_are_read_up_to_their_limits() {
        assert_eq!(text("-128"), Ok(i8::MIN));
        assert_eq!(text("0127"), Ok(i8::MAX));
        assert_eq!(text("255"), Ok(u8::MAX));
        assert_eq!(text("-9223372036854775808"), Ok(i64::MIN));
        assert_eq!(text("18446744073709551615"), Ok(u64::MAX));
        assert_eq!(
            text("00000000000000000000018446744073709551615"),
            Ok(u64::MAX)
        );
        assert_eq!(text("-0"), Ok(0_u16));
    }

    #[test]
    fn integers_beyond_their_limits_are_out_of_range() {
        let out = Fault::from(CellReason::OutOfRange);
        assert_eq!(text::<i8>("128"), Err(out));
        assert_eq!(text::<i8>("-129"), Err(out));
        assert_eq!(text::<u8>("-1"), Err(out));
        assert_eq!(text::<i64>("9223372036854775808"), Err(out));
        assert_eq!(text::<u64>("18446744073709551616"), Err(out));
    }

    #[test]
    fn what_is_no_integer_is_malformed() {
        for cell in [
            "",
            "-",
            "+1",
            " 1",
            "1 ",
            "1.0",
            "--1",
            "0x1",
            "12345678x",
            "/",
            ":",
        ] {
            assert_eq!(
                text::<i64>(cell),
                Err(CellReason::Malformed.into()),
                "{cell}"
            );
        }
    }

    #[test]
    fn what_is_no_finite_float_is_refused() {
        for cell in ["", "x", "1.5x", "inf", "nan", "-Infinity"] {
            assert_eq!(
                parse_float::<f64>(cell.as_bytes()),
                Err(CellReason::Malformed)
            );
        }
        assert_eq!(parse_float::<f32>(b"1e39"), Err(CellReason::OutOfRange));
        assert_eq!(parse_float(b"-1.5e+30"), Ok(-1.5e30));
    }
}
