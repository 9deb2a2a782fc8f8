use std::fmt;

/// A number by its decimal digits, exactly.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Digits {
    is_negative: bool,
    /// Those in front of the point, without zeros at the beginning.
    whole: String,
    /// Those behind it, without zeros at the end.
    fraction: String,
}

impl Digits {
    /// Reads `-12.50`, `7` or `1e-3`; `None` if the text is no number, or one of more digits than any
    /// column has.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (is_negative, text) = match text.strip_prefix('-') {
            Some(text) => (true, text),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let mut digits = format!("{whole}{fraction}");
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let exponent: i32 = exponent.parse().ok()?;
        if exponent.unsigned_abs() > MAX_EXPONENT {
            return None;
        }
        // Where the point is in the digits.
        let mut point = i32::try_from(whole.len()).ok()?.checked_add(exponent)?;
        while point < 0 {
            digits.insert(0, '0');
            point += 1;
        }
        let point = usize::try_from(point).ok()?;
        while digits.len() < point {
            digits.push('0');
        }
        let (whole, fraction) = digits.split_at_checked(point)?;
        let whole = whole.trim_start_matches('0');
        let fraction = fraction.trim_end_matches('0');
        Some(Self {
            is_negative: is_negative && !(whole.is_empty() && fraction.is_empty()),
            whole: whole.to_owned(),
            fraction: fraction.to_owned(),
        })
    }

    pub(crate) const fn is_negative(&self) -> bool {
        self.is_negative
    }

    pub(crate) const fn is_whole(&self) -> bool {
        self.fraction.is_empty()
    }

    pub(crate) const fn is_zero(&self) -> bool {
        self.whole.is_empty() && self.fraction.is_empty()
    }

    /// How many digits stand behind the point.
    pub(crate) const fn decimals(&self) -> usize {
        self.fraction.len()
    }
}

/// Without an exponent, and without digits that say nothing.
impl fmt::Display for Digits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            is_negative,
            whole,
            fraction,
        } = self;
        let sign = if *is_negative { "-" } else { "" };
        let whole = if whole.is_empty() { "0" } else { whole };
        let point = if fraction.is_empty() { "" } else { "." };
        write!(f, "{sign}{whole}{point}{fraction}")
    }
}

/// Beyond that of any number of 64 bits.
const MAX_EXPONENT: u32 = 400;

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Option<String> {
        Digits::parse(text).map(|digits| digits.to_string())
    }

    #[test]
    fn a_number_is_written_with_the_digits_that_count() {
        for (text, expected) in [
            ("7", "7"),
            ("+007", "7"),
            ("-0", "0"),
            ("-0.050", "-0.05"),
            ("1.00", "1"),
            (".5", "0.5"),
            ("5.", "5"),
            ("1e3", "1000"),
            ("12.5E+1", "125"),
            ("1.5e-3", "0.0015"),
            ("-12e-1", "-1.2"),
        ] {
            assert_eq!(shown(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_number_has_no_digits() {
        for text in [
            "", "-", ".", "e1", "1e", "1e1.5", "0x1", " 1", "1 ", "1,5", "nan", "--1", "1e999999",
        ] {
            assert_eq!(shown(text), None, "{text}");
        }
    }
}
