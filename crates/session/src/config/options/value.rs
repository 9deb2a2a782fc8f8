//! Values of options. An error is what was expected.

use std::time::Duration;

/// Yes or no.
pub(super) fn boolean(value: &str) -> Result<bool, &'static str> {
    match value.to_ascii_lowercase().as_str() {
        "true" | "1" | "on" => Ok(true),
        "false" | "0" | "off" => Ok(false),
        _ => Err("true or false"),
    }
}

/// A duration, or `None` for 0.
pub(super) fn duration(value: &str) -> Result<Option<Duration>, &'static str> {
    let expected = "a duration such as 500ms, 10s or 2m";
    let digits = value.trim_end_matches(|character: char| character.is_ascii_alphabetic());
    let number: u64 = digits.parse().map_err(|_| expected)?;
    let duration = match value.strip_prefix(digits).unwrap_or_default() {
        "ms" => Duration::from_millis(number),
        "" | "s" => Duration::from_secs(number),
        "m" => Duration::from_secs(number.checked_mul(60).ok_or(expected)?),
        _ => return Err(expected),
    };
    Ok((!duration.is_zero()).then_some(duration))
}

/// A number of bytes.
pub(super) fn bytes(value: &str) -> Result<usize, &'static str> {
    let expected = "a number of bytes such as 4096, 64K or 16M";
    let digits = value.trim_end_matches(|character: char| character.is_ascii_alphabetic());
    let number: usize = digits.parse().map_err(|_| expected)?;
    let unit: usize = match value.strip_prefix(digits).unwrap_or_default() {
        "" => 1,
        "k" | "K" => 1 << 10,
        "m" | "M" => 1 << 20,
        "g" | "G" => 1 << 30,
        _ => return Err(expected),
    };
    number.checked_mul(unit).ok_or(expected)
}

/// Names between commas.
pub(super) fn list(value: &str) -> impl Iterator<Item = &str> {
    value.split(',').map(str::trim)
}
