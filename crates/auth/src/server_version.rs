use otaria_codec::Capabilities;

/// The server's version, as its greeting tells it.
///
/// Proxies report what they like. Where a [capability](Capabilities) tells the same, ask it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct ServerVersion {
    /// The version as it came, such as `5.5.5-10.11.19-MariaDB-0+deb12u1`.
    pub raw: String,
    /// Whether the server is MariaDB, not MySQL.
    pub is_mariadb: bool,
    /// The 10 of `10.11.19`; 0 if the version cannot be read.
    pub major: u32,
    /// The 11 of `10.11.19`.
    pub minor: u32,
    /// The 19 of `10.11.19`.
    pub patch: u32,
}

impl ServerVersion {
    /// The version that `raw` stands for, from a server that offers `capabilities`.
    pub fn new(raw: &[u8], capabilities: Capabilities) -> Self {
        let raw = String::from_utf8_lossy(raw).into_owned();
        // Releases 10.x put the prefix before their version, for replicas that knew only one
        // digit. A server may as well be a 5.5.5 of its own right.
        let prefixed = raw.strip_prefix(REPLICATION_PREFIX).and_then(numbers);
        let (major, minor, patch) = prefixed.or_else(|| numbers(&raw)).unwrap_or_default();
        let is_mariadb = capabilities.is_mariadb()
            || prefixed.is_some()
            || raw.to_ascii_lowercase().contains("mariadb");
        Self {
            raw,
            is_mariadb,
            major,
            minor,
            patch,
        }
    }
}

/// The three numbers that `version` begins with; the last may be missing.
fn numbers(version: &str) -> Option<(u32, u32, u32)> {
    let is_end = |character: char| !character.is_ascii_digit() && character != '.';
    let mut numbers = version.split(is_end).next()?.split('.');
    let major = numbers.next()?.parse().ok()?;
    let minor = numbers.next()?.parse().ok()?;
    let patch = numbers.next().and_then(|patch| patch.parse().ok());
    Some((major, minor, patch.unwrap_or_default()))
}

const REPLICATION_PREFIX: &str = "5.5.5-";

#[cfg(test)]
mod tests {
    use super::*;

    fn version(raw: &str) -> (u32, u32, u32, bool) {
        let version = ServerVersion::new(raw.as_bytes(), Capabilities::CLIENT_MYSQL);
        assert_eq!(version.raw, raw);
        (
            version.major,
            version.minor,
            version.patch,
            version.is_mariadb,
        )
    }

    #[test]
    fn the_prefix_of_10_x_is_cut() {
        assert_eq!(
            version("5.5.5-10.11.19-MariaDB-0+deb12u1"),
            (10, 11, 19, true)
        );
    }

    #[test]
    fn a_version_of_11_has_no_prefix() {
        assert_eq!(
            version("11.8.6-MariaDB-0+deb13u1 from Debian-log"),
            (11, 8, 6, true)
        );
    }

    #[test]
    fn a_prefix_before_no_version_is_the_version() {
        assert_eq!(version("5.5.5-log"), (5, 5, 5, false));
    }

    #[test]
    fn mysql_is_not_mariadb() {
        assert_eq!(version("8.0.36-0ubuntu0.22.04.1"), (8, 0, 36, false));
    }

    #[test]
    fn a_clear_bit_0_makes_a_server_mariadb_whatever_its_version() {
        let version = ServerVersion::new(b"5.6.0-azure", Capabilities::empty());
        assert!(version.is_mariadb);
    }

    #[test]
    fn an_unreadable_version_is_0() {
        for raw in ["", "x", "10", "-1.2.3", "99999999999.1.1", "."] {
            assert_eq!(version(raw), (0, 0, 0, false), "{raw}");
        }
        assert_eq!(version("10.6"), (10, 6, 0, false));
    }

    #[test]
    fn a_version_that_is_not_utf_8_is_read_lossily() {
        let version = ServerVersion::new(b"11.4.1-caf\xe9", Capabilities::empty());
        assert_eq!(version.raw, "11.4.1-caf\u{fffd}");
        assert_eq!((version.major, version.minor, version.patch), (11, 4, 1));
    }
}
