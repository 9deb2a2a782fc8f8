use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use sha2::{Digest, Sha256, Sha384, Sha512};
use subtle::ConstantTimeEq;

use crate::ConfigError;

/// Whether a connection is encrypted, and what its server has to prove.
///
/// A server proves who it is by a certificate of a known authority, by one with a known
/// [`Fingerprint`], or, where nothing else is configured, by showing that it knows the user's
/// password. A certificate that has expired, or whose fingerprint is another, is an error in every
/// mode but `Disable`.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum SslMode {
    /// No TLS: `disable`.
    Disable,
    /// TLS where the server offers it: `prefer`. Who can change what is sent on the way can keep
    /// the connection in clear.
    #[default]
    Prefer,
    /// TLS or an error: `trust`, also called `require`. A server that proves nothing is accepted,
    /// but is told no password in clear.
    Trust,
    /// TLS, and a certificate that proves itself, whatever host it names: `verify-ca`.
    VerifyCa,
    /// TLS, and a certificate that proves itself and names the host: `verify-full`, also called
    /// `verify_identity`.
    VerifyFull,
}

impl SslMode {
    /// Whether a server without TLS is refused.
    pub const fn is_required(self) -> bool {
        matches!(self, Self::Trust | Self::VerifyCa | Self::VerifyFull)
    }

    /// Whether a server that proves nothing is refused.
    pub const fn is_verified(self) -> bool {
        matches!(self, Self::VerifyCa | Self::VerifyFull)
    }
}

impl fmt::Display for SslMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Disable => "disable",
            Self::Prefer => "prefer",
            Self::Trust => "trust",
            Self::VerifyCa => "verify-ca",
            Self::VerifyFull => "verify-full",
        })
    }
}

impl FromStr for SslMode {
    type Err = ConfigError;

    /// The names of MariaDB's connectors and those of MySQL's, in any case and with `-` or `_`.
    fn from_str(name: &str) -> Result<Self, ConfigError> {
        match name.to_ascii_lowercase().replace('_', "-").as_str() {
            "disable" | "disabled" | "false" => Ok(Self::Disable),
            "prefer" | "preferred" => Ok(Self::Prefer),
            "trust" | "require" | "required" | "skip-verify" => Ok(Self::Trust),
            "verify-ca" => Ok(Self::VerifyCa),
            "verify-full" | "verify-identity" | "true" => Ok(Self::VerifyFull),
            _ => Err(ConfigError::InvalidOption {
                option: "ssl_mode",
                expected: MODES,
            }),
        }
    }
}

/// Certificates or a key in the form of PEM: in memory, or in a file, which is read when a
/// connection is made, and again for a later one when it has changed.
#[derive(Clone, Eq, PartialEq)]
pub enum Pem {
    /// The path of a file.
    File(PathBuf),
    /// The text itself.
    Bytes(Arc<[u8]>),
}

impl Pem {
    /// The text itself, such as a secret of the environment.
    pub fn bytes(text: impl Into<Arc<[u8]>>) -> Self {
        Self::Bytes(text.into())
    }
}

impl From<&str> for Pem {
    /// A file.
    fn from(path: &str) -> Self {
        Self::File(path.into())
    }
}

impl From<&Path> for Pem {
    fn from(path: &Path) -> Self {
        Self::File(path.to_owned())
    }
}

impl From<PathBuf> for Pem {
    fn from(path: PathBuf) -> Self {
        Self::File(path)
    }
}

impl fmt::Debug for Pem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
            // It may be a key.
            Self::Bytes(_) => f.debug_struct("Bytes").finish_non_exhaustive(),
        }
    }
}

/// The fingerprint of a server's certificate: a hash of its DER form by SHA-256, SHA-384 or
/// SHA-512.
///
/// ```
/// # use otaria_session::{ConfigError, Fingerprint};
/// // openssl x509 -in server-cert.pem -noout -fingerprint -sha256
/// let shown = "C7:9D:A0:51:3E:0D:1C:3E:1A:A4:1B:9A:96:9E:7C:8B:\
///              6D:0C:27:6F:23:6A:D4:94:51:E2:8A:64:E1:74:42:05";
/// let fingerprint: Fingerprint = shown.parse()?;
/// assert!(!fingerprint.matches(b"another certificate"));
/// # Ok::<(), ConfigError>(())
/// ```
#[derive(Clone, Eq, Hash, PartialEq)]
pub struct Fingerprint {
    hash: Hash,
}

#[derive(Clone, Eq, Hash, PartialEq)]
enum Hash {
    Sha256([u8; 32]),
    Sha384([u8; 48]),
    Sha512([u8; 64]),
}

impl Fingerprint {
    /// Whether it is that of a certificate, given in the form of DER. Takes the same time wherever
    /// they differ.
    pub fn matches(&self, der: &[u8]) -> bool {
        let equal = match &self.hash {
            Hash::Sha256(hash) => hash.as_slice().ct_eq(Sha256::digest(der).as_ref()),
            Hash::Sha384(hash) => hash.as_slice().ct_eq(Sha384::digest(der).as_ref()),
            Hash::Sha512(hash) => hash.as_slice().ct_eq(Sha512::digest(der).as_ref()),
        };
        equal.into()
    }

    fn as_bytes(&self) -> &[u8] {
        match &self.hash {
            Hash::Sha256(hash) => hash,
            Hash::Sha384(hash) => hash,
            Hash::Sha512(hash) => hash,
        }
    }
}

impl FromStr for Fingerprint {
    type Err = ConfigError;

    /// Hexadecimal digits in any case, with or without colons between the bytes.
    fn from_str(text: &str) -> Result<Self, ConfigError> {
        let bytes = hexadecimal(text).ok_or(INVALID_FINGERPRINT)?;
        let bytes = bytes.as_slice();
        let hash = bytes
            .try_into()
            .map(Hash::Sha256)
            .or_else(|_| bytes.try_into().map(Hash::Sha384))
            .or_else(|_| bytes.try_into().map(Hash::Sha512))
            .map_err(|_| INVALID_FINGERPRINT)?;
        Ok(Self { hash })
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.as_bytes().iter().enumerate() {
            let colon = if index == 0 { "" } else { ":" };
            write!(f, "{colon}{byte:02X}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

/// The bytes of `AB:cd` or `abcd`; colons stand between all bytes or none.
fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| {
        char::from(byte)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
    };
    let byte = |pair: &[u8]| match pair {
        [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    };
    let text = text.as_bytes();
    if text.contains(&b':') {
        text.split(|&byte| byte == b':').map(byte).collect()
    } else {
        text.chunks(2).map(byte).collect()
    }
}

const INVALID_FINGERPRINT: ConfigError = ConfigError::InvalidOption {
    option: "ssl_fingerprint",
    expected: FINGERPRINT,
};

/// What a mode is expected to be.
pub(super) const MODES: &str = "disable, prefer, trust, verify-ca or verify-full";
/// What a fingerprint is expected to be.
pub(super) const FINGERPRINT: &str = "the SHA-256, SHA-384 or SHA-512 of a certificate in \
                                      hexadecimal digits (SHA-1 can be forged)";

#[cfg(test)]
mod tests {
    use super::*;

    /// The hash of `abc`, from FIPS 180-4.
    const SHA_256: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn a_fingerprint_is_read_with_and_without_colons_in_any_case() {
        let plain: Fingerprint = SHA_256.parse().unwrap();
        let pairs: Vec<_> = SHA_256.as_bytes().chunks(2).collect();
        let colons = String::from_utf8(pairs.join(&b':')).unwrap().to_uppercase();
        assert_eq!(colons.parse::<Fingerprint>().unwrap(), plain);
        assert_eq!(plain.to_string(), colons);
        assert!(plain.matches(b"abc"));
        assert!(!plain.matches(b"abd"));
    }

    #[test]
    fn a_fingerprint_of_each_hash_matches_its_certificate_only() {
        let der = b"a certificate";
        for hash in [
            Sha256::digest(der).to_vec(),
            Sha384::digest(der).to_vec(),
            Sha512::digest(der).to_vec(),
        ] {
            let digits = hash.iter().flat_map(|byte| [byte >> 4, byte & 15]);
            let text: String = digits
                .map(|digit| char::from_digit(digit.into(), 16).unwrap())
                .collect();
            let fingerprint: Fingerprint = text.parse().unwrap();
            assert!(fingerprint.matches(der), "{text}");
            assert!(!fingerprint.matches(b""), "{text}");
        }
    }

    #[test]
    fn a_fingerprint_of_another_length_or_form_is_an_error() {
        let (sha1, longer) = ("ab".repeat(20), format!("{SHA_256}0"));
        let odd = format!("abc:{}", "ab".repeat(31));
        let shorter = SHA_256.strip_prefix('b').unwrap();
        for text in ["", ":", "zz", &sha1, shorter, &longer, &odd, "é"] {
            let parsed = text.parse::<Fingerprint>();
            assert_eq!(parsed, Err(INVALID_FINGERPRINT), "{text}");
        }
    }

    #[test]
    fn modes_have_the_names_of_both_families_of_connectors() {
        for (name, mode) in [
            ("disable", SslMode::Disable),
            ("DISABLED", SslMode::Disable),
            ("prefer", SslMode::Prefer),
            ("PREFERRED", SslMode::Prefer),
            ("trust", SslMode::Trust),
            ("REQUIRED", SslMode::Trust),
            ("verify-ca", SslMode::VerifyCa),
            ("VERIFY_CA", SslMode::VerifyCa),
            ("verify-full", SslMode::VerifyFull),
            ("VERIFY_IDENTITY", SslMode::VerifyFull),
        ] {
            assert_eq!(name.parse(), Ok(mode), "{name}");
            assert_eq!(mode.to_string().parse(), Ok(mode));
        }
        assert!("verify".parse::<SslMode>().is_err());
    }

    #[test]
    fn a_key_in_memory_is_not_shown() {
        let pem = Pem::bytes(b"-----BEGIN PRIVATE KEY-----".as_slice());
        assert_eq!(format!("{pem:?}"), "Bytes { .. }");
        assert_eq!(format!("{:?}", Pem::from("/k")), "File(\"/k\")");
    }
}
