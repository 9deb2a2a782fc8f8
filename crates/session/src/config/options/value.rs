//! Values of options. An error is what was expected.

use std::time::Duration;

use otaria_types::ZeroDates;

use crate::{CancelPolicy, HostOrder, Role};

/// Yes or no.
pub(super) fn boolean(value: &str) -> Result<bool, &'static str> {
    match value.to_ascii_lowercase().as_str() {
        "true" | "1" | "on" => Ok(true),
        "false" | "0" | "off" => Ok(false),
        _ => Err("true or false"),
    }
}

/// How long something may take, or `None` for 0. A bare number is one of seconds, unless it is as
/// great as those that other drivers take, under the same names, for milliseconds.
pub(super) fn timeout(value: &str) -> Result<Option<Duration>, &'static str> {
    let timeout = duration(value)?;
    let is_bare = value.bytes().all(|byte| byte.is_ascii_digit());
    if is_bare && timeout >= Some(AMBIGUOUS) {
        return Err("given with its unit from 1000 on, as in 3s or 3000ms");
    }
    Ok(timeout)
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

/// What becomes of dates with zeros in them, in our words or in those of Java's drivers.
pub(super) fn zero_dates(value: &str) -> Result<ZeroDates, &'static str> {
    match super::plain(value).as_str() {
        "error" | "exception" => Ok(ZeroDates::Error),
        "null" | "converttonull" => Ok(ZeroDates::Null),
        _ => Err("error or null"),
    }
}

/// In which order hosts are tried.
pub(super) fn host_order(value: &str) -> Result<HostOrder, &'static str> {
    match super::plain(value).as_str() {
        "inorder" => Ok(HostOrder::InOrder),
        "spread" => Ok(HostOrder::Spread),
        _ => Err("in-order or spread"),
    }
}

/// What a server has to be, in our words or in those of drivers of other databases.
pub(super) fn role(value: &str) -> Result<Role, &'static str> {
    match super::plain(value).as_str() {
        "any" => Ok(Role::Any),
        "writer" | "primary" => Ok(Role::Writer),
        "reader" | "secondary" => Ok(Role::Reader),
        _ => Err("any, writer or reader"),
    }
}

/// What becomes of a statement that nobody waits for.
pub(super) fn cancel_policy(value: &str) -> Result<CancelPolicy, &'static str> {
    match value.to_ascii_lowercase().as_str() {
        "drain" => Ok(CancelPolicy::Drain),
        "stop" => Ok(CancelPolicy::Stop),
        "close" => Ok(CancelPolicy::Close),
        _ => Err("drain, stop or close"),
    }
}

/// Names between commas.
pub(super) fn list(value: &str) -> impl Iterator<Item = &str> {
    value.split(',').map(str::trim)
}

/// Hosts between commas, each with its port if it has one: `a,b:3307,[::1]:3308,::2`.
pub(super) fn hosts(value: &str) -> Result<Vec<(String, Option<u16>)>, &'static str> {
    list(value)
        .map(|host| parse_host(host).ok_or("hosts such as a.example.org,b.example.org:3307"))
        .collect()
}

fn parse_host(text: &str) -> Option<(String, Option<u16>)> {
    let (host, port) = if let Some(rest) = text.strip_prefix('[') {
        let (address, rest) = rest.split_once(']')?;
        let port = match rest {
            "" => None,
            _ => Some(rest.strip_prefix(':')?),
        };
        (address, port)
    } else {
        match text.split_once(':') {
            Some((host, port)) if !port.contains(':') => (host, Some(port)),
            // An IPv6 address without brackets has no port.
            _ => (text, None),
        }
    };
    let port = port.map(|port| port.parse().ok().filter(|port| *port != 0));
    match port {
        _ if host.is_empty() => None,
        None => Some((host.to_owned(), None)),
        Some(port) => Some((host.to_owned(), Some(port?))),
    }
}

/// Nobody means so many seconds.
const AMBIGUOUS: Duration = Duration::from_secs(1000);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_read_with_and_without_ports() {
        let found = hosts("a,b:3307, [::1]:3308,::2,[::3]").unwrap();
        let expected = [
            ("a", None),
            ("b", Some(3307)),
            ("::1", Some(3308)),
            ("::2", None),
            ("::3", None),
        ];
        assert_eq!(found, expected.map(|(host, port)| (host.to_owned(), port)));
        for text in [
            "",
            "a,",
            "a:",
            "a:x",
            "a:0",
            "a:99999",
            "[::1",
            "[::1]3306",
            ":1",
        ] {
            assert!(hosts(text).is_err(), "{text}");
        }
    }

    #[test]
    fn zero_dates_are_an_error_or_null() {
        for value in ["null", "NULL", "convertToNull", "CONVERT_TO_NULL"] {
            assert_eq!(zero_dates(value), Ok(ZeroDates::Null), "{value}");
        }
        for value in ["error", "exception"] {
            assert_eq!(zero_dates(value), Ok(ZeroDates::Error), "{value}");
        }
        for value in ["", "round", "none"] {
            assert!(zero_dates(value).is_err(), "{value}");
        }
    }

    #[test]
    fn the_order_of_hosts_and_the_role_of_a_server_have_their_words() {
        for value in ["in-order", "in_order", "InOrder"] {
            assert_eq!(host_order(value), Ok(HostOrder::InOrder), "{value}");
        }
        assert_eq!(host_order("spread"), Ok(HostOrder::Spread));
        for value in ["", "random", "round-robin"] {
            assert!(host_order(value).is_err(), "{value}");
        }
        for (value, expected) in [
            ("any", Role::Any),
            ("Writer", Role::Writer),
            ("primary", Role::Writer),
            ("reader", Role::Reader),
            ("secondary", Role::Reader),
        ] {
            assert_eq!(role(value), Ok(expected), "{value}");
        }
        assert!(role("master").is_err());
    }

    #[test]
    fn a_cancel_policy_is_one_of_three_words() {
        assert_eq!(cancel_policy("drain"), Ok(CancelPolicy::Drain));
        assert_eq!(cancel_policy("Stop"), Ok(CancelPolicy::Stop));
        assert_eq!(cancel_policy("CLOSE"), Ok(CancelPolicy::Close));
        assert!(cancel_policy("kill").is_err());
    }

    #[test]
    fn bytes_have_units() {
        assert_eq!(bytes("16M"), Ok(16 << 20));
        assert_eq!(bytes("1k"), Ok(1024));
        for text in [
            "",
            "-1",
            "1T",
            "99999999999999999999",
            "18446744073709551615G",
        ] {
            assert!(bytes(text).is_err(), "{text}");
        }
    }
}
