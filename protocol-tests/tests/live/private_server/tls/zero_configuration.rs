//! MariaDB's zero-configuration TLS: a server proves itself by the password, and one that stands
//! between does not. Servers before 11.4 prove nothing.

use otaria::{
    AuthError, CertificateProblem, Config, ConfigBuilder, Connection, Error, PasswordProblem,
    SslMode, TlsProof,
};
use protocol_tests::certificates::{Identity, Leaf};
use protocol_tests::live::LiveServer;
use protocol_tests::tls_proxy::{Seen, TlsProxy};

const PASSWORD: &str = "the password that proves";
/// The modes in which a server has to prove itself.
const VERIFIED: [SslMode; 2] = [SslMode::VerifyCa, SslMode::VerifyFull];
/// Those in which it need not.
const TRUSTING: [SslMode; 2] = [SslMode::Prefer, SslMode::Trust];

/// A server that shows a certificate of its own making, or a self-signed one if it makes none.
struct Subject {
    server: LiveServer,
    /// Whether it proves itself: from 11.4 on.
    proves: bool,
}

impl Subject {
    fn start() -> Self {
        let identity = Identity::self_signed(&Leaf::server(["MariaDB Server"]));
        let server = LiveServer::builder().tls(&identity).start().unwrap();
        let proves = server.is_at_least((11, 4));
        server
            .sql(&format!(
                "CREATE USER native IDENTIFIED BY '{PASSWORD}'; CREATE USER empty;
                 CREATE USER ed25519 IDENTIFIED VIA ed25519 USING PASSWORD('{PASSWORD}');
                 CREATE USER several IDENTIFIED VIA ed25519 USING PASSWORD('another')
                     OR mysql_native_password USING PASSWORD('{PASSWORD}')"
            ))
            .unwrap();
        if proves {
            server
                .sql(&format!(
                    "INSTALL SONAME 'auth_parsec';
                     CREATE USER parsec IDENTIFIED VIA parsec USING PASSWORD('{PASSWORD}')"
                ))
                .unwrap();
        }
        Self { server, proves }
    }

    fn users(&self) -> &'static [&'static str] {
        if self.proves {
            &["native", "ed25519", "several", "parsec"]
        } else {
            &["native", "ed25519", "several"]
        }
    }

    fn config(&self, user: &str, mode: SslMode) -> ConfigBuilder {
        let config = Config::builder().host("127.0.0.1").port(self.server.port());
        config.user(user).password(PASSWORD).ssl_mode(mode)
    }
}

async fn proof(config: ConfigBuilder) -> Result<TlsProof, Error> {
    let mut connection = Connection::connect(&config.build()?).await?;
    connection.ping().await?;
    let proof = connection.tls().expect("it is encrypted").proof.clone();
    connection.close().await?;
    Ok(proof)
}

const fn unproven(password: PasswordProblem) -> TlsProof {
    TlsProof::Unproven {
        certificate: CertificateProblem::UntrustedIssuer,
        password,
    }
}

#[tokio::test]
async fn zero_config_tls_good() {
    let subject = Subject::start();
    for user in subject.users() {
        for mode in TRUSTING {
            let expected = if subject.proves {
                TlsProof::Password
            } else {
                unproven(PasswordProblem::NotSent)
            };
            let proof = proof(subject.config(user, mode)).await.unwrap();
            assert_eq!(proof, expected, "{user} {mode}");
        }
        for mode in VERIFIED {
            let proof = proof(subject.config(user, mode)).await;
            if subject.proves {
                assert_eq!(proof.unwrap(), TlsProof::Password, "{user} {mode}");
            } else {
                let refused = matches!(proof, Err(Error::Auth(AuthError::ServerNotProven { .. })));
                assert!(refused, "{user} {mode}");
            }
        }
    }
}

#[tokio::test]
async fn zero_config_tls_wrong_fingerprint() {
    let subject = Subject::start();
    let stranger = Identity::self_signed(&Leaf::server(["MariaDB Server"]));
    for user in subject.users() {
        for mode in VERIFIED {
            let (error, seen) = through(&subject, &stranger, user, mode).await;
            let Err(Error::Auth(AuthError::ServerNotProven { .. })) = error else {
                panic!("{user} {mode}: {error:?}")
            };
            // What was sent is the login, by a hash: no statement, and never the password.
            assert!(seen.tls && !seen.contains(PASSWORD.as_bytes()), "{seen:?}");
            assert!(
                seen.contains(user.as_bytes()) && !seen.contains(b"hidden"),
                "{seen:?}"
            );
        }
        for mode in TRUSTING {
            let (proof, seen) = through(&subject, &stranger, user, mode).await;
            let why = if subject.proves {
                PasswordProblem::Mismatch
            } else {
                PasswordProblem::NotSent
            };
            assert_eq!(proof.unwrap(), unproven(why), "{user} {mode}");
            assert!(!seen.contains(PASSWORD.as_bytes()), "{seen:?}");
        }
    }
}

#[tokio::test]
async fn zero_config_tls_empty_password_refused() {
    let subject = Subject::start();
    let stranger = Identity::self_signed(&Leaf::server(["MariaDB Server"]));
    for mode in VERIFIED {
        let config = subject.config("empty", mode).password("");
        let error = proof(config).await.unwrap_err();
        let refused = matches!(error, Error::Auth(AuthError::NoPasswordToProveBy));
        assert!(refused, "{mode}: {error:?}");

        let proxy = TlsProxy::showing(&subject.server, &stranger);
        let proxy = proxy.start().await.unwrap();
        let config = subject.config("empty", mode).password("");
        let error = proof(config.port(proxy.port())).await.unwrap_err();
        let refused = matches!(error, Error::Auth(AuthError::NoPasswordToProveBy));
        assert!(refused, "{mode}: {error:?}");
        assert!(proxy.seen_once().await.is_silent_but_for_tls());
    }
    for mode in TRUSTING {
        let config = subject.config("empty", mode).password("");
        let expected = unproven(PasswordProblem::NothingToProve);
        assert_eq!(proof(config).await.unwrap(), expected, "{mode}");
    }
}

#[tokio::test]
async fn wrong_password_before_proof_says_that_nobody_has_proven_anything() {
    let subject = Subject::start();
    for mode in VERIFIED {
        let config = subject.config("native", mode).password("wrong");
        let error = proof(config).await.unwrap_err();
        let Error::Auth(AuthError::UnprovenServer { code: 1045, .. }) = error else {
            panic!("{mode}: {error:?}")
        };
    }
}

/// A login with somebody in the middle who shows a certificate of `identity`, and a statement if
/// it succeeds; and what he has seen.
async fn through(
    subject: &Subject,
    identity: &Identity,
    user: &str,
    mode: SslMode,
) -> (Result<TlsProof, Error>, Seen) {
    let proxy = TlsProxy::showing(&subject.server, identity);
    let proxy = proxy.start().await.unwrap();
    let config = subject.config(user, mode).init_command("DO 'hidden'");
    let proof = proof(config.port(proxy.port())).await;
    let seen = proxy.seen_once().await;
    (proof, seen)
}
