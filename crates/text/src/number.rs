use otaria_types::FromSqlError;

/// Reads digits, with zeros in front or without.
#[inline]
pub(crate) fn parse_u64(text: &[u8]) -> Result<u64, FromSqlError> {
    if text.is_empty() || text.len() > ALWAYS_FITS_DIGITS {
        return parse_u64_checked(text);
    }
    text.iter().try_fold(0, |value: u64, &byte| {
        Ok(value * 10 + u64::from(digit(byte)?))
    })
}

/// Reads digits with or without a minus in front.
#[inline]
pub(crate) fn parse_i64(text: &[u8]) -> Result<i64, FromSqlError> {
    if let [b'-', digits @ ..] = text {
        0_i64.checked_sub_unsigned(parse_u64(digits)?)
    } else {
        i64::try_from(parse_u64(text)?).ok()
    }
    .ok_or(FromSqlError::OutOfRange)
}

/// Reads a number with or without a fraction and an exponent.
#[inline]
pub(crate) fn parse_f32(text: &[u8]) -> Result<f32, FromSqlError> {
    match fast_float2::parse::<f32, _>(text) {
        Ok(value) if value.is_finite() => Ok(value),
        other => Err(not_finite(other.is_ok(), text)),
    }
}

/// Reads a number with or without a fraction and an exponent.
#[inline]
pub(crate) fn parse_f64(text: &[u8]) -> Result<f64, FromSqlError> {
    match fast_float2::parse::<f64, _>(text) {
        Ok(value) if value.is_finite() => Ok(value),
        other => Err(not_finite(other.is_ok(), text)),
    }
}

/// Reads digits of any number; none are an error.
#[cold]
fn parse_u64_checked(text: &[u8]) -> Result<u64, FromSqlError> {
    if text.is_empty() {
        return Err(FromSqlError::Malformed);
    }
    text.iter().try_fold(0, |value: u64, &byte| {
        let digit = u64::from(digit(byte)?);
        value
            .checked_mul(10)
            .and_then(|value| value.checked_add(digit))
            .ok_or(FromSqlError::OutOfRange)
    })
}

#[inline]
fn digit(byte: u8) -> Result<u8, FromSqlError> {
    match byte.wrapping_sub(b'0') {
        digit @ 0..=9 => Ok(digit),
        _ => Err(FromSqlError::Malformed),
    }
}

/// Why `text` is no finite number. The words that the parser knows, such as `inf`, are none.
#[cold]
fn not_finite(parsed: bool, text: &[u8]) -> FromSqlError {
    if parsed && text.iter().any(u8::is_ascii_digit) {
        FromSqlError::OutOfRange
    } else {
        FromSqlError::Malformed
    }
}

/// No number of so many digits is beyond `u64`.
const ALWAYS_FITS_DIGITS: usize = 19;

#[cfg(test)]
mod tests {
    use super::*;

    const MALFORMED: FromSqlError = FromSqlError::Malformed;
    const OUT_OF_RANGE: FromSqlError = FromSqlError::OutOfRange;

    #[test]
    fn integers_are_read_up_to_their_limits() {
        assert_eq!(parse_u64(b"0"), Ok(0));
        assert_eq!(
            parse_u64(b"9999999999999999999"),
            Ok(9_999_999_999_999_999_999)
        );
        assert_eq!(parse_u64(b"18446744073709551615"), Ok(u64::MAX));
        assert_eq!(
            parse_u64(b"00000000000000000000018446744073709551615"),
            Ok(u64::MAX)
        );
        assert_eq!(parse_i64(b"9223372036854775807"), Ok(i64::MAX));
        assert_eq!(parse_i64(b"-9223372036854775808"), Ok(i64::MIN));
        assert_eq!(parse_i64(b"-0"), Ok(0));
    }

    #[test]
    fn integers_beyond_their_limits_are_an_error() {
        assert_eq!(parse_u64(b"18446744073709551616"), Err(OUT_OF_RANGE));
        assert_eq!(parse_u64(b"99999999999999999999"), Err(OUT_OF_RANGE));
        assert_eq!(parse_i64(b"9223372036854775808"), Err(OUT_OF_RANGE));
        assert_eq!(parse_i64(b"-9223372036854775809"), Err(OUT_OF_RANGE));
        assert_eq!(parse_i64(b"-99999999999999999999999"), Err(OUT_OF_RANGE));
    }

    #[test]
    fn what_is_no_integer_is_an_error() {
        for text in [
            "",
            "-",
            "+1",
            " 1",
            "1 ",
            "1.0",
            "12x",
            "--1",
            "0x1",
            "/",
            ":",
            "1234567890123456789x0",
        ] {
            assert_eq!(parse_i64(text.as_bytes()), Err(MALFORMED), "{text}");
            assert_eq!(parse_u64(text.as_bytes()), Err(MALFORMED), "{text}");
        }
        assert_eq!(parse_u64(b"-1"), Err(MALFORMED));
    }

    #[test]
    fn floats_are_read_as_the_server_prints_them() {
        assert_eq!(parse_f64(b"-1.5e+30"), Ok(-1.5e30));
        assert_eq!(parse_f64(b"1e-5"), Ok(1e-5));
        assert_eq!(parse_f64(b"1.7976931348623157e308"), Ok(f64::MAX));
        assert_eq!(parse_f64(b"2.2250738585072014e-308"), Ok(f64::MIN_POSITIVE));
        assert_eq!(parse_f64(b"0001.5"), Ok(1.5));
        assert_eq!(parse_f32(b"3.40282e38"), Ok(3.40282e38));
        assert_eq!(parse_f32(b"0.1"), Ok(0.1));
        assert!(parse_f64(b"-0").is_ok_and(|zero| zero == 0.0 && zero.is_sign_negative()));
    }

    #[test]
    fn what_is_no_finite_float_is_an_error() {
        for text in ["", "-", "x", "1.5x", " 1", "inf", "nan", "-Infinity", "1e"] {
            assert_eq!(parse_f64(text.as_bytes()), Err(MALFORMED), "{text}");
            assert_eq!(parse_f32(text.as_bytes()), Err(MALFORMED), "{text}");
        }
        assert_eq!(parse_f64(b"1e309"), Err(OUT_OF_RANGE));
        assert_eq!(parse_f32(b"-1e39"), Err(OUT_OF_RANGE));
    }
}
