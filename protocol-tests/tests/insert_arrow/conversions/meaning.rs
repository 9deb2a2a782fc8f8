//! What a value means, and whether a column has kept it.

use super::Target;

/// How the values of a column are compared with those that were sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    Number,
    /// Numbers, and `true` and `false`.
    Flag,
    Float,
    Double,
    Bits,
    Temporal,
    /// Temporal ones of the zone UTC.
    Instant,
    Text,
    Set,
    Bytes,
    Address,
}

impl Kind {
    /// The expression that shows a value whole.
    pub fn shown(self, name: &str) -> String {
        match self {
            Self::Bits => format!("CAST(`{name}` + 0 AS CHAR)"),
            Self::Float => format!("CAST(CAST(`{name}` AS DOUBLE) AS CHAR)"),
            Self::Bytes => format!("HEX(`{name}`)"),
            _ => format!("CAST(`{name}` AS CHAR CHARACTER SET utf8mb4)"),
        }
    }
}

/// What is sent.
#[derive(Clone, Debug)]
pub enum Meant {
    Flag(bool),
    /// A number of a type of whole ones, or of decimals, in its own digits.
    Exact(String),
    /// The shortest digits of a binary number.
    Binary(String),
    Single(f32),
    /// A date, a date and time, or a time, as the server writes it.
    Temporal(String),
    Text(String),
    Bytes(Vec<u8>),
}

impl Meant {
    /// Whether a column that shows `found` holds it.
    pub fn is(&self, target: &Target, found: &str) -> bool {
        match self {
            Self::Flag(flag) => match target.kind {
                Kind::Flag => found == if *flag { "1" } else { "0" },
                Kind::Bits => target.sql_type == "BIT(1)" && (found == "1") == *flag,
                Kind::Text => found == flag.to_string(),
                _ => false,
            },
            Self::Exact(digits) => is_number(digits, true, target, found),
            Self::Single(number) => is_single(*number, target, found),
            Self::Binary(digits) => is_number(digits, false, target, found),
            Self::Temporal(text) => match target.kind {
                Kind::Temporal | Kind::Instant | Kind::Text => {
                    parts(text, target) == parts(found, target)
                }
                _ => false,
            },
            Self::Text(text) => is_text(text, target, found),
            Self::Bytes(bytes) => match target.kind {
                Kind::Bytes => found == hex(bytes),
                Kind::Text if target.name == "l" => found
                    .chars()
                    .map(u32::from)
                    .eq(bytes.iter().map(|byte| u32::from(*byte))),
                Kind::Text => found.as_bytes() == bytes,
                Kind::Bits => {
                    let number = bytes
                        .iter()
                        .fold(0_u128, |n, byte| n << 8 | u128::from(*byte));
                    found == number.to_string()
                }
                _ => false,
            },
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().map(|byte| format!("{byte:02X}"));
    digits.collect::<Vec<_>>().concat()
}

fn is_number(digits: &str, is_exact: bool, target: &Target, found: &str) -> bool {
    match target.kind {
        Kind::Float | Kind::Double if !is_exact || digits.contains('.') => {
            is_nearest(digits, target.kind, found)
        }
        Kind::Float | Kind::Double => {
            let found = found.parse::<f64>().map(|found| format!("{found:.0}"));
            found.as_deref() == Ok(digits)
        }
        Kind::Number | Kind::Flag | Kind::Bits | Kind::Text => {
            normal(digits).is_some() && normal(digits) == normal(found)
        }
        Kind::Set => digits == found,
        _ => false,
    }
}

fn is_single(number: f32, target: &Target, found: &str) -> bool {
    match target.kind {
        Kind::Double => is_nearest(&f64::from(number).to_string(), Kind::Double, found),
        Kind::Number | Kind::Flag | Kind::Float | Kind::Bits | Kind::Text => {
            found.parse() == Ok(number)
        }
        _ => false,
    }
}

fn is_nearest(digits: &str, kind: Kind, found: &str) -> bool {
    let (Ok(expected), Ok(found)) = (digits.parse::<f64>(), found.parse::<f64>()) else {
        return false;
    };
    if !expected.is_finite() || (expected == 0.0) != (found == 0.0) {
        return false;
    }
    // The digits that the server shows of a double are not always those that make it again.
    let is_double = ((expected - found) / expected.abs().max(f64::MIN_POSITIVE)).abs() < 1e-15;
    let is_float = digits.parse() == Ok(found as f32);
    if kind == Kind::Double {
        is_double
    } else {
        is_float
    }
}

fn is_text(text: &str, target: &Target, found: &str) -> bool {
    match target.kind {
        Kind::Text => text == found,
        Kind::Bytes => found == hex(text.as_bytes()),
        Kind::Set => {
            let members = |list: &str| {
                let mut members: Vec<_> = list.split(',').map(str::to_owned).collect();
                members.sort();
                members
            };
            members(text) == members(found)
        }
        Kind::Address => text.to_lowercase() == found,
        Kind::Temporal => !has_zone(text) && parts(text, target) == parts(found, target),
        Kind::Instant if has_zone(text) => {
            text.starts_with("2024-02-29T12:30:00") && {
                let hour = if text.ends_with('Z') { "12" } else { "10" };
                let text = text.trim_end_matches('Z').trim_end_matches("+02:00");
                let expected = text.replacen("12:", &format!("{hour}:"), 1);
                parts(&expected, target) == parts(found, target)
            }
        }
        Kind::Instant => parts(text, target) == parts(found, target),
        Kind::Flag | Kind::Bits if ["true", "false"].contains(&text) => {
            (target.kind == Kind::Flag || target.sql_type == "BIT(1)")
                && (text == "true") == (found == "1")
        }
        Kind::Float | Kind::Double if text.contains(['.', 'e']) => {
            is_nearest(text, target.kind, found)
        }
        _ => normal(text).is_some() && normal(text) == normal(found),
    }
}

fn has_zone(text: &str) -> bool {
    text.ends_with('Z') || text.ends_with("+02:00")
}

/// A number as its sign, its digits without zeros around them, and the power of ten of the last.
fn normal(text: &str) -> Option<(bool, String, i64)> {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let is_negative = mantissa.starts_with('-');
    let mantissa = mantissa.strip_prefix(['-', '+']).unwrap_or(mantissa);
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let exponent = exponent.parse::<i64>().ok()? - i64::try_from(fraction.len()).ok()?;
    let digits = digits.trim_start_matches('0');
    if digits.is_empty() {
        return Some((false, String::new(), 0));
    }
    let short = digits.trim_end_matches('0');
    let zeros = i64::try_from(digits.len() - short.len()).ok()?;
    Some((is_negative, short.to_owned(), exponent + zeros))
}

/// A time whose days are hours: `1 10:00:00` is `34:00:00`.
fn without_days(text: &str) -> String {
    let days = text.split_once(' ').filter(|(days, _)| days.len() < 3);
    let hours = days.and_then(|(days, rest)| {
        let (hour, rest) = rest.split_once(':')?;
        let hour = hour.parse::<u32>().ok()? + 24 * days.parse::<u32>().ok()?;
        Some(format!("{hour}:{rest}"))
    });
    hours.unwrap_or_else(|| text.to_owned())
}

/// The numbers of a date and time, without zeros at the end and in front. One without a date is of no day.
fn parts(text: &str, target: &Target) -> Option<Vec<String>> {
    if target.kind == Kind::Text {
        return Some(vec![text.to_owned()]);
    }
    let text = without_days(text.trim());
    let (text, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let sign = if text.starts_with('-') { "-" } else { "" };
    let text = text.trim_start_matches('-');
    let compact = |text: &str| {
        let places: &[std::ops::Range<usize>] = &[0..4, 4..6, 6..8, 8..10, 10..12, 12..14];
        let found = places.iter().map_while(|place| text.get(place.clone()));
        found.map(str::to_owned).collect::<Vec<_>>()
    };
    let mut parts = if [8, 14].contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit()) {
        compact(text)
    } else {
        let parts = text.split(|c: char| !c.is_ascii_digit());
        parts.map(str::to_owned).collect()
    };
    let is_date = parts.first()?.len() == 4;
    // Digits alone are no time of day.
    if !is_date && !text.contains(':') {
        return None;
    }
    parts.push(format!("0{}", fraction.trim_end_matches('0')));
    for part in &mut parts {
        part.parse::<u64>().ok()?;
    }
    let last = parts.len() - 1;
    for part in &mut parts[..last] {
        *part = part.trim_start_matches('0').to_owned();
    }
    while parts
        .last()
        .is_some_and(|part| part.trim_matches('0').is_empty())
    {
        parts.pop();
    }
    parts.push(format!("{is_date}{sign}"));
    Some(parts)
}
