//! The certificates that MySQL makes for itself: X.509, of an authority of its own, no host names.

use std::fs;

use otaria::{
    CertificateProblem, ConfigBuilder, Connection, Error, Fingerprint, Pem, SslMode, TlsError,
    TlsProof,
};
use sha2::{Digest, Sha256};

use crate::server::{connect, server};

/// The way by TLS that proves the server by the fingerprint of its certificate.
pub(super) fn by_fingerprint() -> ConfigBuilder {
    let certificate = fs::read(server().own_file("server-cert.pem")).unwrap();
    let certificate = pem::parse(certificate).unwrap();
    let fingerprint = sha256_hex(certificate.contents());
    let fingerprint: Fingerprint = fingerprint.parse().unwrap();
    server().tcp().ssl_fingerprint(fingerprint)
}

fn sha256_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

async fn cipher(connection: &mut Connection) -> String {
    let rows = connection
        .simple_query("SHOW STATUS LIKE 'Ssl_cipher'")
        .await
        .unwrap();
    let rows: Vec<(String, String)> = rows.collect().await.unwrap();
    rows[0].1.clone()
}

#[tokio::test]
async fn each_mode_of_tls_with_the_servers_own_certificates() {
    let user = server().account("caching_sha2_password", "").await;
    let ca = || Pem::File(server().own_file("ca.pem"));
    let outcome = async |config: ConfigBuilder| {
        let mut connection = connect(config.user(&user)).await?;
        let tls = connection.tls().cloned();
        let cipher = cipher(&mut connection).await;
        assert_eq!(tls.as_ref().map_or("", |tls| &tls.cipher_suite), cipher);
        Ok::<_, Error>(tls.map(|tls| tls.proof))
    };
    let tcp = || server().tcp();
    assert_eq!(outcome(server().plain()).await.unwrap(), None);
    assert_eq!(outcome(server().unix()).await.unwrap(), None);
    for mode in [SslMode::Prefer, SslMode::Trust] {
        let proof = outcome(tcp().ssl_mode(mode)).await.unwrap();
        assert!(
            matches!(proof, Some(TlsProof::Unproven { .. })),
            "{proof:?}"
        );
    }
    let proof = outcome(server().proven()).await.unwrap();
    assert_eq!(proof, Some(TlsProof::CertificateAuthority));
    let proof = outcome(by_fingerprint()).await.unwrap();
    assert_eq!(proof, Some(TlsProof::Fingerprint));
    let fingerprint = sha256_hex(b"of another").parse::<Fingerprint>().unwrap();
    let error = outcome(tcp().ssl_fingerprint(fingerprint))
        .await
        .unwrap_err();
    assert_eq!(problem(&error), Some(&CertificateProblem::WrongFingerprint));
    let error = outcome(tcp().ssl_mode(SslMode::VerifyFull).ssl_ca(ca()))
        .await
        .unwrap_err();
    assert_eq!(problem(&error), Some(&CertificateProblem::WrongName));
}

fn problem(error: &Error) -> Option<&CertificateProblem> {
    match error {
        Error::Tls(TlsError::Certificate(problem)) => Some(problem),
        _ => None,
    }
}

/// A resumed session is as good as the first one: the password itself goes over it.
#[tokio::test]
async fn a_second_connection_resumes_the_tls_of_the_first_unless_that_is_off() {
    for resumption in [true, false] {
        let config = server()
            .proven()
            .ssl_resumption(resumption)
            .build()
            .unwrap();
        let mut resumed = Vec::new();
        for _ in 0..3 {
            // Of an account of its own, which is in no cache.
            let user = server().account("caching_sha2_password", "secret").await;
            let config = config.for_user(&user, "secret", None).unwrap();
            let mut connection = Connection::connect(&config).await.unwrap();
            connection.ping().await.unwrap();
            resumed.push(connection.tls().unwrap().resumed);
            connection.close().await.unwrap();
        }
        assert_eq!(resumed, [false, resumption, resumption]);
    }
}
