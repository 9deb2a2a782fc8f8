//! Certificates for the servers and clients of tests: good ones, and each of the ways to be bad.
//!
//! ```
//! use protocol_tests::certificates::{Authority, Leaf};
//!
//! let authority = Authority::new("Otaria tests");
//! let server = authority.issue(&Leaf::server(["localhost", "127.0.0.1"]));
//! assert_ne!(server.fingerprint(), authority.issue(&Leaf::server(["localhost"])).fingerprint());
//! ```

mod version_1;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use pem::Pem;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, date_time_ymd,
};
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::sign::{CertifiedKey, SingleCertAndKey};
use tokio_rustls::rustls::{
    ClientConfig, DEFAULT_VERSIONS, RootCertStore, ServerConfig, SupportedProtocolVersion,
};

/// What a certificate that belongs to no authority says.
#[derive(Clone, Debug)]
pub struct Leaf {
    name: String,
    subject_names: Vec<String>,
    usage: ExtendedKeyUsagePurpose,
    years: (i32, i32),
}

impl Leaf {
    /// A server's, for these host names and addresses.
    pub fn server<const N: usize>(names: [&str; N]) -> Self {
        let usage = ExtendedKeyUsagePurpose::ServerAuth;
        Self {
            name: "a server of Otaria's tests".to_owned(),
            subject_names: names.map(str::to_owned).to_vec(),
            usage,
            years: VALID,
        }
    }

    /// A client's, with this common name.
    pub fn client(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            subject_names: Vec::new(),
            usage: ExtendedKeyUsagePurpose::ClientAuth,
            years: VALID,
        }
    }

    /// The same, valid until a year that is over.
    #[must_use]
    pub fn expired(mut self) -> Self {
        self.years = EXPIRED;
        self
    }

    /// The same, valid from a year that is to come.
    #[must_use]
    pub fn not_yet_valid(mut self) -> Self {
        self.years = NOT_YET_VALID;
        self
    }

    fn params(&self) -> CertificateParams {
        let mut params = params(&self.name, self.subject_names.clone());
        params.not_before = date_time_ymd(self.years.0, 1, 1);
        params.not_after = date_time_ymd(self.years.1, 1, 1);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![self.usage.clone()];
        params
    }
}

/// Who vouches for certificates.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    /// From this one to below the root.
    intermediates: Vec<CertificateDer<'static>>,
}

impl Authority {
    /// A root of this name.
    pub fn new(name: &str) -> Self {
        let issuer = CertifiedIssuer::self_signed(authority_params(name), key());
        Self {
            issuer: issuer.expect("a root"),
            intermediates: Vec::new(),
        }
    }

    /// An authority that this one vouches for. The identities it issues come with its certificate.
    #[must_use]
    pub fn subordinate(&self, name: &str) -> Self {
        let issuer = CertifiedIssuer::signed_by(authority_params(name), key(), &self.issuer);
        let issuer = issuer.expect("an intermediate");
        let mut intermediates = vec![issuer.der().clone()];
        intermediates.extend(self.intermediates.iter().cloned());
        Self {
            issuer,
            intermediates,
        }
    }

    /// A certificate that this authority vouches for, and its key.
    pub fn issue(&self, leaf: &Leaf) -> Identity {
        let key = key();
        let certificate = leaf.params().signed_by(&key, &self.issuer);
        let mut chain = vec![certificate.expect("a leaf").der().clone()];
        chain.extend(self.intermediates.iter().cloned());
        Identity { chain, key }
    }

    /// Its own certificate, as a CA file has it.
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// What a TLS client needs to trust this authority alone.
    pub fn client_config(&self) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.der().clone()).expect("a root");
        let config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .expect("the provider has these versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        Arc::new(config)
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority")
            .field("intermediates", &self.intermediates.len())
            .finish_non_exhaustive()
    }
}

/// A certificate, those between it and the root, and its private key.
pub struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: KeyPair,
}

impl Identity {
    /// A certificate that vouches for itself.
    pub fn self_signed(leaf: &Leaf) -> Self {
        let key = key();
        let certificate = leaf.params().self_signed(&key).expect("a leaf");
        let chain = vec![certificate.der().clone()];
        Self { chain, key }
    }

    /// A self-signed certificate of X.509 version 1, which has no extensions and so no names: what
    /// MariaDB 11.4.0 and 11.4.1 make for themselves.
    pub fn version_1(leaf: &Leaf) -> Self {
        let Self { mut chain, key } = Self::self_signed(leaf);
        chain[0] = version_1::version_1(&chain[0], &key);
        Self { chain, key }
    }

    /// The certificate.
    pub fn der(&self) -> &[u8] {
        &self.chain[0]
    }

    /// The SHA-256 of the certificate.
    pub fn fingerprint(&self) -> [u8; 32] {
        Sha256::digest(self.der()).into()
    }

    /// The certificate and those between it and the root, as a certificate file has them.
    pub fn certificate_pem(&self) -> String {
        let blocks = self.chain.iter().map(|der| Pem::new("CERTIFICATE", &**der));
        pem::encode_many(&blocks.collect::<Vec<_>>())
    }

    /// The private key, in PKCS#8.
    pub fn key_pem(&self) -> String {
        self.key.serialize_pem()
    }

    /// What a TLS server needs to show this certificate, in TLS 1.2 and 1.3.
    pub fn server_config(&self) -> Arc<ServerConfig> {
        self.server_config_with(DEFAULT_VERSIONS)
    }

    /// The same, in these versions of TLS alone.
    pub fn server_config_with(
        &self,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Arc<ServerConfig> {
        let provider = provider();
        let key = PrivateKeyDer::Pkcs8(self.key.serialize_der().into());
        let key = provider.key_provider.load_private_key(key).expect("a key");
        // `with_single_cert` looks into the certificate, and does not like version 1 either.
        let identity = CertifiedKey::new(self.chain.clone(), key);
        let config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .expect("the provider has these versions")
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(identity)));
        Arc::new(config)
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("fingerprint", &self.fingerprint())
            .finish_non_exhaustive()
    }
}

/// An authority's certificate, an identity's and its key as files, which go when this is dropped.
#[derive(Debug)]
pub struct Files {
    directory: TempDir,
}

impl Files {
    /// Writes the files.
    pub fn new(authority: &Authority, identity: &Identity) -> Self {
        let directory = tempfile::Builder::new().prefix("otaria-tls-").tempdir();
        let directory = directory.expect("a directory for certificates");
        let files = Self { directory };
        for (path, text) in [
            (files.ca(), authority.pem()),
            (files.certificate(), identity.certificate_pem()),
            (files.key(), identity.key_pem()),
        ] {
            std::fs::write(path, text).expect("a file for a certificate");
        }
        files
    }

    /// The authority's certificate.
    pub fn ca(&self) -> PathBuf {
        self.path().join("ca.pem")
    }

    /// The identity's certificate and those between it and the root.
    pub fn certificate(&self) -> PathBuf {
        self.path().join("certificate.pem")
    }

    /// The identity's private key.
    pub fn key(&self) -> PathBuf {
        self.path().join("key.pem")
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }
}

/// The cryptography of the fake servers, whatever the client under test has.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn params(name: &str, subject_names: Vec<String>) -> CertificateParams {
    let mut params = CertificateParams::new(subject_names).expect("names and addresses");
    params.distinguished_name.push(DnType::CommonName, name);
    params.use_authority_key_identifier_extension = true;
    params
}

fn authority_params(name: &str) -> CertificateParams {
    let mut params = params(name, Vec::new());
    params.not_before = date_time_ymd(VALID.0, 1, 1);
    params.not_after = date_time_ymd(VALID.1, 1, 1);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn key() -> KeyPair {
    KeyPair::generate().expect("an ECDSA key")
}

/// From the first of January of the one year to that of the other.
const VALID: (i32, i32) = (2020, 2099);
const EXPIRED: (i32, i32) = (2020, 2021);
const NOT_YET_VALID: (i32, i32) = (2090, 2099);

#[cfg(test)]
mod tests {
    use super::*;

    /// What openssl, which the servers use, thinks of `identity` as a server that `authority`
    /// vouches for.
    fn openssl_verify(authority: &Authority, identity: &Identity, options: &[&str]) -> String {
        let files = Files::new(authority, identity);
        let mut command = std::process::Command::new("openssl");
        command.args(["verify", "-CAfile"]).arg(files.ca());
        command.arg("-untrusted").arg(files.certificate());
        command.args(options).arg(files.certificate());
        let output = command.output().expect("openssl");
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into()
    }

    #[test]
    fn openssl_takes_the_good_certificates() {
        let authority = Authority::new("root");
        let server = Leaf::server(["localhost", "127.0.0.1"]);
        let named = ["-purpose", "sslserver", "-verify_hostname", "localhost"];
        let addressed = ["-purpose", "sslserver", "-verify_ip", "127.0.0.1"];
        let direct = authority.issue(&server);
        let behind = authority.subordinate("middle").issue(&server);
        let client = authority.issue(&Leaf::client("someone"));
        for (identity, options) in [
            (&direct, &named[..]),
            (&direct, &addressed),
            (&behind, &named),
            (&client, &["-purpose", "sslclient"]),
        ] {
            let said = openssl_verify(&authority, identity, options);
            assert!(said.contains(": OK"), "{said}");
        }
    }

    #[test]
    fn openssl_refuses_each_bad_certificate_for_its_own_reason() {
        let authority = Authority::new("root");
        let server = Leaf::server(["localhost"]);
        for (identity, reason) in [
            (authority.issue(&server.clone().expired()), "expired"),
            (
                authority.issue(&server.clone().not_yet_valid()),
                "not yet valid",
            ),
            (
                authority.issue(&Leaf::server(["elsewhere"])),
                "hostname mismatch",
            ),
            (authority.issue(&Leaf::client("localhost")), "purpose"),
            (Identity::self_signed(&server), "self-signed"),
            (
                Authority::new("other").issue(&server),
                "unable to get local issuer",
            ),
        ] {
            let options = ["-purpose", "sslserver", "-verify_hostname", "localhost"];
            let said = openssl_verify(&authority, &identity, &options);
            assert!(said.contains(reason), "{reason}: {said}");
        }
    }

    #[test]
    fn openssl_sees_version_1_and_a_good_signature() {
        let identity = Identity::version_1(&Leaf::server(["localhost"]));
        let files = Files::new(&Authority::new("unrelated"), &identity);
        let openssl = |arguments: &[&str]| {
            let mut command = std::process::Command::new("openssl");
            command.args(arguments).arg(files.certificate());
            let output = command.output().expect("openssl");
            String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
        };
        let text = openssl(&["x509", "-noout", "-text", "-in"]);
        assert!(text.contains("Version: 1 (0x0)"), "{text}");
        assert!(!text.contains("X509v3"), "{text}");
        let certificate = files.certificate();
        let certificate = certificate.to_str().unwrap();
        let said = openssl(&["verify", "-check_ss_sig", "-CAfile", certificate]);
        assert!(said.contains(": OK"), "{said}");
    }
}
