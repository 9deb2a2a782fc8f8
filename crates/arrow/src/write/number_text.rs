//! Numbers as text, without the machinery of `fmt` where that costs.

/// Writes an integer.
#[inline]
pub(crate) fn push_int(out: &mut Vec<u8>, value: i64) {
    if value < 0 {
        out.push(b'-');
    }
    push_uint(out, value.unsigned_abs());
}

/// Writes an integer without a sign.
#[inline]
pub(crate) fn push_uint(out: &mut Vec<u8>, mut value: u64) {
    let mut digits = [0; MAX_DIGITS];
    let mut start = MAX_DIGITS;
    for digit in digits.iter_mut().rev() {
        *digit = ascii(value % 10);
        value /= 10;
        start -= 1;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(digits.get(start..).unwrap_or_default());
}

/// Writes the last `N` digits of a number.
#[inline]
pub(crate) fn push_digits<const N: usize>(out: &mut Vec<u8>, mut value: u32) {
    let mut digits = [0; N];
    for digit in digits.iter_mut().rev() {
        *digit = ascii((value % 10).into());
        value /= 10;
    }
    out.extend_from_slice(&digits);
}

#[inline]
fn ascii(digit: u64) -> u8 {
    // A digit is less than 10.
    b'0' + digit.to_le_bytes()[0]
}

/// Of a `u64`.
const MAX_DIGITS: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn int(value: i64) -> String {
        let mut out = Vec::new();
        push_int(&mut out, value);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn integers_are_written_as_fmt_does() {
        for value in [0, 1, -1, 9, 10, 99, 100, -1234, i64::MIN, i64::MAX] {
            assert_eq!(int(value), value.to_string());
        }
        let mut out = Vec::new();
        push_uint(&mut out, u64::MAX);
        assert_eq!(out, u64::MAX.to_string().into_bytes());
        out.clear();
        push_digits::<6>(&mut out, 42);
        assert_eq!(out, b"000042");
    }
}
