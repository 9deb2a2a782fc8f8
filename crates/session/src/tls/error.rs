use rustls::CertificateError;

use crate::CertificateProblem;

/// Why there is no TLS connection to the server. But for [`Record`](Self::Record) nothing was sent
/// over it.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// The server's certificate does not prove who it is.
    #[error("the server's certificate is refused: {0}")]
    Certificate(CertificateProblem),
    /// Client and server could not agree, or one of them broke the protocol.
    #[error("the TLS handshake failed: {0}")]
    Handshake(String),
    /// The server broke the TLS protocol after the handshake.
    #[error("TLS failed: {0}")]
    Record(String),
    /// Bytes came in clear where TLS was to begin: somebody may have put them there.
    #[error("the server sent {bytes} bytes in clear before TLS began")]
    BytesBeforeTls {
        /// How many.
        bytes: usize,
    },
    /// A host name that TLS cannot carry.
    #[error("the host is no name that a certificate can be for")]
    InvalidServerName,
}

impl TlsError {
    pub(super) fn handshake(error: &rustls::Error) -> Self {
        match error {
            rustls::Error::InvalidCertificate(CertificateError::BadSignature) => {
                Self::Handshake("the server has not the key of its certificate".to_owned())
            }
            rustls::Error::InvalidCertificate(error) => Self::Certificate(problem(error)),
            rustls::Error::NoCertificatesPresented => {
                Self::Certificate(CertificateProblem::Missing)
            }
            error => Self::Handshake(error.to_string()),
        }
    }
}

/// What `error` means for the server's proof.
pub(super) fn problem(error: &CertificateError) -> CertificateProblem {
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            CertificateProblem::Expired
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            CertificateProblem::NotYetValid
        }
        CertificateError::Revoked => CertificateProblem::Revoked,
        // An authority may have the name of a trusted one, and not its key.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            CertificateProblem::UntrustedIssuer
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            CertificateProblem::WrongName
        }
        CertificateError::Other(other) => match other.0.downcast_ref::<webpki::Error>() {
            Some(webpki::Error::UnsupportedCertVersion) => CertificateProblem::Version1,
            Some(webpki::Error::CaUsedAsEndEntity) => CertificateProblem::Authority,
            _ => CertificateProblem::Invalid(error.to_string()),
        },
        error => CertificateProblem::Invalid(error.to_string()),
    }
}
