use otaria_types::SessionTimeZone;

/// Reads the value of the system variable `time_zone`.
pub(super) fn parse(value: &[u8]) -> SessionTimeZone {
    let seconds = if UTC.iter().any(|name| value.eq_ignore_ascii_case(name)) {
        Some(0)
    } else {
        offset_seconds(value)
    };
    seconds.map_or(SessionTimeZone::Unknown, |seconds| {
        SessionTimeZone::Offset { seconds }
    })
}

/// The offset that text such as `+02:00` or `-7:00` is.
fn offset_seconds(text: &[u8]) -> Option<i32> {
    let (sign, digits) = match text {
        [b'+', digits @ ..] => (1, digits),
        [b'-', digits @ ..] => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = match *digits {
        [h, b':', m1, m2] => (digit(h)?, 10 * digit(m1)? + digit(m2)?),
        [h1, h2, b':', m1, m2] => (10 * digit(h1)? + digit(h2)?, 10 * digit(m1)? + digit(m2)?),
        _ => return None,
    };
    let is_offset = hours <= MAX_HOURS && minutes <= 59;
    is_offset.then_some(sign * (3600 * hours + 60 * minutes))
}

fn digit(byte: u8) -> Option<i32> {
    byte.is_ascii_digit().then(|| i32::from(byte - b'0'))
}

/// Names of zones that have never had another offset. Most others change theirs, or have.
const UTC: [&[u8]; 4] = [b"UTC", b"Etc/UTC", b"GMT", b"Etc/GMT"];
/// MariaDB goes up to 13 hours, MySQL up to 14.
const MAX_HOURS: i32 = 14;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_are_read_at_their_limits() {
        for (value, seconds) in [
            ("+00:00", 0),
            ("-00:00", 0),
            ("+0:00", 0),
            ("+13:00", 46_800),
            ("-12:59", -46_740),
            ("+14:00", 50_400),
            ("-05:30", -19_800),
            ("+2:45", 9_900),
        ] {
            let expected = SessionTimeZone::Offset { seconds };
            assert_eq!(parse(value.as_bytes()), expected, "{value}");
        }
    }

    #[test]
    fn names_of_utc_are_its_offset() {
        for value in ["UTC", "utc", "Etc/UTC", "GMT", "Etc/GMT"] {
            let expected = SessionTimeZone::Offset { seconds: 0 };
            assert_eq!(parse(value.as_bytes()), expected, "{value}");
        }
    }

    #[test]
    fn what_is_no_fixed_offset_is_unknown() {
        for value in [
            "",
            "SYSTEM",
            "Europe/Berlin",
            "Etc/GMT+2",
            "right/UTC",
            "CET",
            "+",
            "+:",
            "00:00",
            "+00:60",
            "+15:00",
            "+99:99",
            "+000:00",
            "+0a:00",
            "+00-00",
            "+00:0",
        ] {
            let zone = parse(value.as_bytes());
            assert_eq!(zone, SessionTimeZone::Unknown, "{value}");
        }
    }
}
