use std::fmt;
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use zeroize::Zeroizing;

use super::verifier::DeferringVerifier;
use crate::{Config, ConfigError, Fingerprint, SslMode};

/// What the files of a configuration hold, in PEM: a shell reads them.
#[derive(Default)]
pub struct TlsMaterial {
    /// The trusted authorities, in place of those of the system.
    pub ca: Option<Vec<u8>>,
    /// The trusted authorities of the system, in DER.
    pub system_roots: Vec<Vec<u8>>,
    /// The client's certificate and those between it and the authority.
    pub certificate: Option<Vec<u8>>,
    /// The client's private key.
    pub key: Option<Zeroizing<Vec<u8>>>,
    /// What tells these files from later ones of the same names, such as when they were changed.
    pub version: Vec<u128>,
}

/// Shows no key.
impl fmt::Debug for TlsMaterial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsMaterial")
            .field("has_ca", &self.ca.is_some())
            .field("system_roots", &self.system_roots.len())
            .field("has_certificate", &self.certificate.is_some())
            .finish_non_exhaustive()
    }
}

/// What the TLS of all connections of one configuration shares: authorities, the client's
/// certificate, and the tickets by which sessions are resumed.
#[derive(Clone, Debug)]
pub struct TlsContext {
    pub(super) client: Arc<ClientConfig>,
    version: Arc<[u128]>,
    pub(super) policy: Arc<Policy>,
}

/// What a server's certificate must be.
#[derive(Debug)]
pub(super) struct Policy {
    pub(super) mode: SslMode,
    pub(super) fingerprints: Vec<Fingerprint>,
    /// The authorities that the configuration names; `None` for those of the system.
    pub(super) ca: Option<Vec<CertificateDer<'static>>>,
    /// The trusted authorities.
    pub(super) roots: RootCertStore,
    /// The algorithms by which authorities may sign.
    pub(super) algorithms: WebPkiSupportedAlgorithms,
}

impl TlsContext {
    /// Takes a configuration's certificates and keys.
    ///
    /// # Errors
    /// [`ConfigError::InvalidOption`] names the option whose file is not what it should be.
    pub fn new(config: &Config, material: &TlsMaterial) -> Result<Self, ConfigError> {
        let provider = provider()?;
        let ca = material.ca.as_ref().map(|ca| certificates("ssl_ca", ca));
        let ca = ca.transpose()?;
        let roots = roots(material, ca.as_deref())?;
        let algorithms = provider.signature_verification_algorithms;
        let unusable = |_| invalid("crypto provider", "one that can do TLS 1.2 or 1.3");
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(unusable)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(DeferringVerifier { algorithms }));
        let mut client = match (&material.certificate, &material.key) {
            (Some(certificate), Some(key)) => {
                let chain = certificates("ssl_cert", certificate)?;
                let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| {
                    invalid(
                        "ssl_key",
                        "a private key in PEM that no passphrase protects",
                    )
                })?;
                builder
                    .with_client_auth_cert(chain, key)
                    .map_err(|_| invalid("ssl_key", "the private key that belongs to ssl_cert"))?
            }
            _ => builder.with_no_client_auth(),
        };
        if !config.ssl_resumption() {
            client.resumption = Resumption::disabled();
        }
        Ok(Self {
            client: Arc::new(client),
            version: material.version.as_slice().into(),
            policy: Arc::new(Policy {
                mode: config.ssl_mode(),
                fingerprints: config.ssl_fingerprints().to_vec(),
                ca,
                roots,
                algorithms,
            }),
        })
    }
}

impl TlsContext {
    /// The [`version`](TlsMaterial::version) of the files that it was made of.
    pub fn version(&self) -> &[u128] {
        &self.version
    }
}

/// The authorities that `ssl_ca` names, else those of the system, of which some may be of no use.
fn roots(
    material: &TlsMaterial,
    ca: Option<&[CertificateDer<'static>]>,
) -> Result<RootCertStore, ConfigError> {
    let mut roots = RootCertStore::empty();
    let Some(ca) = ca else {
        let system = material.system_roots.iter();
        roots.add_parsable_certificates(system.map(|der| CertificateDer::from_slice(der)));
        return Ok(roots);
    };
    for certificate in ca {
        roots
            .add(certificate.clone())
            .map_err(|_| invalid("ssl_ca", "certificates that can be used as authorities"))?;
    }
    Ok(roots)
}

fn certificates(
    option: &'static str,
    pem: &[u8],
) -> Result<Vec<CertificateDer<'static>>, ConfigError> {
    let expected = "certificates in PEM";
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|_| invalid(option, expected))?;
    if certificates.is_empty() {
        return Err(invalid(option, expected));
    }
    Ok(certificates)
}

/// That of the application, if it has installed one, else the one that was built in.
fn provider() -> Result<Arc<CryptoProvider>, ConfigError> {
    let provider = CryptoProvider::get_default().cloned();
    #[cfg(feature = "tls-aws-lc")]
    let provider =
        provider.or_else(|| Some(Arc::new(rustls::crypto::aws_lc_rs::default_provider())));
    #[cfg(all(feature = "tls-ring", not(feature = "tls-aws-lc")))]
    let provider = provider.or_else(|| Some(Arc::new(rustls::crypto::ring::default_provider())));
    provider.ok_or_else(|| {
        invalid(
            "ssl_mode",
            "disable: this program has no crypto provider (the feature tls-ring or tls-aws-lc, \
             or rustls' CryptoProvider::install_default)",
        )
    })
}

const fn invalid(option: &'static str, expected: &'static str) -> ConfigError {
    ConfigError::InvalidOption { option, expected }
}
