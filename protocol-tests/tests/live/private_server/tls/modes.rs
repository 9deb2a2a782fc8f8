//! What each mode of TLS makes of each kind of server.

use otaria::{
    CertificateProblem, Config, ConfigBuilder, Connection, Error, PasswordProblem, Pem, SslMode,
    TlsError, TlsProof,
};
use protocol_tests::certificates::{Authority, Identity, Leaf};
use protocol_tests::live::LiveServer;

/// A server, and what clients know of it.
struct Subject {
    server: LiveServer,
    ca: Option<String>,
}

impl Subject {
    fn without_tls() -> Self {
        let server = LiveServer::builder().option("--skip-ssl");
        Self::of(server.start().unwrap(), None)
    }

    fn showing(identity: &Identity, authority: Option<&Authority>) -> Self {
        let server = LiveServer::builder().tls(identity).start().unwrap();
        Self::of(server, authority.map(Authority::pem))
    }

    fn of(server: LiveServer, ca: Option<String>) -> Self {
        // A password would prove servers from 11.4 on; here the certificate is to do it.
        server.sql("CREATE USER nobody").unwrap();
        Self { server, ca }
    }

    fn config(&self, mode: SslMode) -> ConfigBuilder {
        let config = Config::builder().host("127.0.0.1").port(self.server.port());
        let config = config.user("nobody").ssl_mode(mode);
        match &self.ca {
            // With an authority it makes no sense to disable TLS, and the configuration says so.
            Some(ca) if mode != SslMode::Disable => config.ssl_ca(Pem::bytes(ca.as_bytes())),
            _ => config,
        }
    }
}

/// What becomes of a connection.
#[derive(Clone, Debug, PartialEq)]
enum Outcome {
    Plain,
    Tls(TlsProof),
    NotOffered,
    Refused(CertificateProblem),
    /// For want of a password to prove it by.
    NothingToProveBy,
}

async fn outcome(config: ConfigBuilder) -> Outcome {
    match Connection::connect(&config.build().unwrap()).await {
        Ok(mut connection) => {
            connection.ping().await.unwrap();
            let rows = connection.simple_query("SHOW STATUS LIKE 'Ssl_cipher'");
            let rows: Vec<(String, String)> = rows.await.unwrap().collect().await.unwrap();
            let tls = connection.tls();
            let cipher = tls.map_or("", |tls| &tls.cipher_suite);
            assert_eq!(rows[0].1, cipher, "the server sees the same");
            let outcome = tls.map_or(Outcome::Plain, |tls| Outcome::Tls(tls.proof.clone()));
            connection.close().await.unwrap();
            outcome
        }
        Err(Error::Tls(TlsError::Certificate(problem))) => Outcome::Refused(problem),
        Err(Error::Auth(error)) => match error {
            otaria::AuthError::TlsNotOffered => Outcome::NotOffered,
            otaria::AuthError::NoPasswordToProveBy => Outcome::NothingToProveBy,
            error => panic!("{error}"),
        },
        Err(error) => panic!("{error:?}"),
    }
}

fn unproven(certificate: CertificateProblem, password: PasswordProblem) -> Outcome {
    Outcome::Tls(TlsProof::Unproven {
        certificate,
        password,
    })
}

/// Disable, prefer, trust, verify-ca, verify-full.
async fn assert_outcomes(subject: &Subject, expected: [Outcome; 5]) {
    let modes = [
        SslMode::Disable,
        SslMode::Prefer,
        SslMode::Trust,
        SslMode::VerifyCa,
        SslMode::VerifyFull,
    ];
    for (mode, expected) in modes.into_iter().zip(expected) {
        let outcome = outcome(subject.config(mode)).await;
        assert_eq!(outcome, expected, "{mode}");
    }
}

#[tokio::test]
async fn a_server_without_tls() {
    let subject = Subject::without_tls();
    let refused = Outcome::NotOffered;
    let expected = [
        Outcome::Plain,
        Outcome::Plain,
        refused.clone(),
        refused.clone(),
        refused,
    ];
    assert_outcomes(&subject, expected).await;
}

#[tokio::test]
async fn a_server_with_a_certificate_of_a_trusted_authority() {
    let authority = Authority::new("trusted");
    let identity = authority.issue(&Leaf::server(["127.0.0.1"]));
    let subject = Subject::showing(&identity, Some(&authority));
    let proven = Outcome::Tls(TlsProof::Certificate);
    let expected = [
        Outcome::Plain,
        proven.clone(),
        proven.clone(),
        Outcome::Tls(TlsProof::CertificateAuthority),
        proven,
    ];
    assert_outcomes(&subject, expected).await;
}

#[tokio::test]
async fn a_server_with_a_certificate_for_another_name() {
    let authority = Authority::new("trusted");
    let identity = authority.issue(&Leaf::server(["db.example.org"]));
    let subject = Subject::showing(&identity, Some(&authority));
    let wrong = CertificateProblem::WrongName;
    let unproven = unproven(wrong.clone(), PasswordProblem::NotWanted);
    let expected = [
        Outcome::Plain,
        unproven.clone(),
        unproven,
        Outcome::Tls(TlsProof::CertificateAuthority),
        Outcome::Refused(wrong),
    ];
    assert_outcomes(&subject, expected).await;
}

#[tokio::test]
async fn a_server_with_an_expired_cert() {
    let authority = Authority::new("trusted");
    let identity = authority.issue(&Leaf::server(["127.0.0.1"]).expired());
    let subject = Subject::showing(&identity, Some(&authority));
    let refused = Outcome::Refused(CertificateProblem::Expired);
    let expected = [
        Outcome::Plain,
        refused.clone(),
        refused.clone(),
        refused.clone(),
        refused,
    ];
    assert_outcomes(&subject, expected).await;
}

#[tokio::test]
async fn a_server_with_a_self_signed_certificate() {
    let identity = Identity::self_signed(&Leaf::server(["127.0.0.1"]));
    let subject = Subject::showing(&identity, None);
    let unknown = CertificateProblem::UntrustedIssuer;
    let unproven = unproven(unknown, PasswordProblem::NothingToProve);
    let expected = [
        Outcome::Plain,
        unproven.clone(),
        unproven,
        Outcome::NothingToProveBy,
        Outcome::NothingToProveBy,
    ];
    assert_outcomes(&subject, expected).await;

    // Its fingerprint proves it, whatever its name, and another one refuses it in every mode.
    let fingerprint = |sha256: [u8; 32]| {
        let digits: Vec<_> = sha256.iter().map(|byte| format!("{byte:02X}")).collect();
        digits.join(":").parse().unwrap()
    };
    for mode in [SslMode::Prefer, SslMode::Trust, SslMode::VerifyFull] {
        let config = subject.config(mode);
        let right = config
            .clone()
            .ssl_fingerprint(fingerprint(identity.fingerprint()));
        assert_eq!(outcome(right).await, Outcome::Tls(TlsProof::Fingerprint));
        let wrong = config.ssl_fingerprint(fingerprint([7; 32]));
        let refused = Outcome::Refused(CertificateProblem::WrongFingerprint);
        assert_eq!(outcome(wrong).await, refused);
    }
}

#[tokio::test]
async fn a_server_whose_certificate_is_x509_v1_is_refused_by_a_message_of_its_own() {
    let identity = Identity::version_1(&Leaf::server(["127.0.0.1"]));
    let subject = Subject::showing(&identity, None);
    for mode in [SslMode::Prefer, SslMode::VerifyFull] {
        let refused = Outcome::Refused(CertificateProblem::Version1);
        assert_eq!(outcome(subject.config(mode)).await, refused, "{mode}");
    }
}

#[tokio::test]
async fn a_server_over_a_unix_socket_with_and_without_tls() {
    let identity = Identity::self_signed(&Leaf::server(["elsewhere"]));
    let subject = Subject::showing(&identity, None);
    let socket = subject.server.socket().unwrap();
    let local = Outcome::Tls(TlsProof::LocalSocket);
    for (mode, expected) in [
        (SslMode::Disable, Outcome::Plain),
        (SslMode::Prefer, Outcome::Plain),
        (SslMode::Trust, local.clone()),
        (SslMode::VerifyCa, local.clone()),
        (SslMode::VerifyFull, local),
    ] {
        let config = subject.config(mode).socket(socket);
        assert_eq!(outcome(config).await, expected, "{mode}");
    }
}
