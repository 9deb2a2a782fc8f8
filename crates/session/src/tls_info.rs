use std::fmt;

/// How a connection is encrypted, and how far it is known who the server is.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct TlsInfo {
    /// The protocol's version, such as `TLSv1.3`.
    pub version: &'static str,
    /// The cipher suite by its IANA name, such as `TLS_AES_256_GCM_SHA384`.
    pub cipher_suite: String,
    /// Whether the keys of an earlier connection were used again.
    pub resumed: bool,
    /// How the server has proven who it is, or why it has not.
    pub proof: TlsProof,
}

/// How a server has proven who it is, or why it has not.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum TlsProof {
    /// By a certificate for its name from a trusted authority.
    Certificate,
    /// By a certificate from a trusted authority; the name was not compared
    /// ([`SslMode::VerifyCa`](crate::SslMode::VerifyCa)).
    CertificateAuthority,
    /// By a certificate with a fingerprint of the configuration.
    Fingerprint,
    /// By its knowledge of the password's hash, tied to its certificate: MariaDB's
    /// [zero-configuration TLS](https://mariadb.org/mission-impossible-zero-configuration-ssl/).
    Password,
    /// By being in the same machine: the connection is a Unix socket.
    LocalSocket,
    /// Not at all. What is sent is hidden from those who listen, not from one who stands between.
    Unproven {
        /// Why no certificate proves it.
        certificate: CertificateProblem,
        /// Why the password does not prove it either.
        password: PasswordProblem,
    },
}

impl TlsProof {
    /// Whether it is certain who the server is.
    pub const fn is_proven(&self) -> bool {
        !matches!(self, Self::Unproven { .. })
    }
}

/// Why a certificate does not prove who the server is.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum CertificateProblem {
    /// No trusted authority has issued it: it is self-signed, or of an authority of one's own.
    UntrustedIssuer,
    /// It is that of an authority (CA:TRUE), as `openssl req -x509` makes it, and not among the
    /// trusted ones.
    Authority,
    /// It is for another name than the host's.
    WrongName,
    /// Its time is over.
    Expired,
    /// Its time has not begun.
    NotYetValid,
    /// The authority has revoked it.
    Revoked,
    /// It has none of the fingerprints of the configuration.
    WrongFingerprint,
    /// It is of version 1 of X.509, which has no place for names.
    Version1,
    /// The server has sent none.
    Missing,
    /// It is broken or of a kind that cannot be used, in the words of the TLS library.
    Invalid(String),
}

impl fmt::Display for CertificateProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UntrustedIssuer => {
                "it is from no trusted authority: set ssl_ca to the one that issued it, or \
                 ssl_fingerprint to its SHA-256"
            }
            Self::Authority => {
                "it is that of an authority, made for itself: set ssl_ca to this very certificate, \
                 or ssl_fingerprint to its SHA-256"
            }
            Self::WrongName => {
                "it is for another name than the host's: connect by that name, or set ssl_mode \
                 to verify-ca"
            }
            Self::Expired => "it has expired: the server needs a new one",
            Self::NotYetValid => "its time has not begun: is this machine's clock right?",
            Self::Revoked => "its authority has revoked it: the server needs a new one",
            Self::WrongFingerprint => {
                "its fingerprint is not the configured one: if the server has got a new \
                 certificate, set ssl_fingerprint to that one's"
            }
            Self::Version1 => {
                "it is of version 1 of X.509, which cannot be checked: the server needs one of \
                 version 3"
            }
            Self::Missing => "the server has sent none",
            Self::Invalid(why) => return write!(f, "it cannot be used: {why}"),
        })
    }
}

/// Why a password does not prove who the server is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum PasswordProblem {
    /// It was not to be used: the configuration has an authority of its own, or the certificate
    /// has another fault than that nobody trusted has issued it.
    NotWanted,
    /// There is no password, or the authentication plugin has no hash that proves anything.
    NothingToProve,
    /// The server sent no proof: it is older than MariaDB 11.4.
    NotSent,
    /// The server's proof is for another certificate or another password: something between has
    /// a certificate of its own.
    Mismatch,
}
