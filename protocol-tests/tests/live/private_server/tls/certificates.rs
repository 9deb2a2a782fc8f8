//! What certificates prove, and which are refused before anything is sent.

use std::process::Command;

use otaria::{
    CertificateProblem, Error, Fingerprint, PasswordProblem, Pem, SslMode, TlsError, TlsProof,
};
use protocol_tests::certificates::{Authority, Files, Identity, Leaf};
use protocol_tests::live;
use protocol_tests::tls_proxy::TlsProxy;
use tokio_rustls::rustls::version::{TLS12, TLS13};

use super::{TLS_MODES, by, connect, place, tls_of};

#[tokio::test]
async fn the_authority_of_its_certificate_proves_a_server_by_address_and_by_name()
-> Result<(), Error> {
    for host in ["127.0.0.1", "localhost"] {
        let tls = tls_of(place().verified().host(host)).await?;
        assert_eq!(tls.proof, TlsProof::Certificate, "{host}");
    }
    Ok(())
}

#[tokio::test]
async fn an_authority_in_a_file_proves_a_server() -> Result<(), Error> {
    let unused = Identity::self_signed(&Leaf::client("unused"));
    let files = Files::new(&place().authority, &unused);
    let config = place().config().ssl_mode(SslMode::VerifyFull);
    let tls = tls_of(config.ssl_ca(Pem::from(files.ca()))).await?;
    assert_eq!(tls.proof, TlsProof::Certificate);
    Ok(())
}

#[tokio::test]
async fn an_authority_below_the_known_one_proves_a_server() -> Result<(), Error> {
    let middle = place().authority.subordinate("middle");
    let identity = middle.issue(&Leaf::server(["127.0.0.1"]));
    let proxy = TlsProxy::showing(&place().server, &identity);
    let (_proxy, config) = by(proxy, place().verified()).await;
    assert_eq!(tls_of(config).await?.proof, TlsProof::Certificate);
    Ok(())
}

#[tokio::test]
async fn the_server_knows_of_the_same_version_and_cipher_suite() -> Result<(), Error> {
    let mut connection = connect(place().verified()).await?;
    let sql = "SELECT VARIABLE_VALUE FROM information_schema.SESSION_STATUS \
        WHERE VARIABLE_NAME IN ('Ssl_version', 'Ssl_cipher') ORDER BY VARIABLE_NAME";
    let rows: Vec<(String,)> = connection.simple_query(sql).await?.collect().await?;
    let tls = connection.tls().expect("TLS");
    assert_eq!(rows[0].0, tls.cipher_suite);
    assert_eq!(rows[1].0, tls.version);
    assert_eq!(tls.version, "TLSv1.3");
    connection.close().await
}

#[tokio::test]
async fn tls_1_2_and_1_3_are_spoken() -> Result<(), Error> {
    let identity = place().authority.issue(&Leaf::server(["127.0.0.1"]));
    for (version, name) in [(&TLS12, "TLSv1.2"), (&TLS13, "TLSv1.3")] {
        let config = identity.server_config_with(&[version]);
        let proxy = TlsProxy::showing(&place().server, &identity).with_config(config);
        let (_proxy, config) = by(proxy, place().verified()).await;
        assert_eq!(tls_of(config).await?.version, name);
    }
    Ok(())
}

#[tokio::test]
async fn a_known_fingerprint_proves_a_self_signed_certificate() -> Result<(), Error> {
    let identity = Identity::self_signed(&Leaf::server(["elsewhere"]));
    let proxy = TlsProxy::showing(&place().server, &identity);
    let config = place().config().ssl_mode(SslMode::VerifyFull);
    let config = config.ssl_fingerprint(fingerprint(&identity));
    let (_proxy, config) = by(proxy, config).await;
    assert_eq!(tls_of(config).await?.proof, TlsProof::Fingerprint);
    Ok(())
}

#[tokio::test]
async fn verify_ca_does_not_compare_names() -> Result<(), Error> {
    let identity = place().authority.issue(&Leaf::server(["elsewhere"]));
    let proxy = TlsProxy::showing(&place().server, &identity);
    let config = place().verified().ssl_mode(SslMode::VerifyCa);
    let (_proxy, config) = by(proxy, config).await;
    assert_eq!(tls_of(config).await?.proof, TlsProof::CertificateAuthority);
    Ok(())
}

/// A server that is not in its certificate, of another authority, of none: `prefer` and `trust`
/// encrypt, and say that they do not know with whom.
#[tokio::test]
async fn what_proves_nothing_is_accepted_by_prefer_and_trust_and_told() -> Result<(), Error> {
    let server = Leaf::server(["127.0.0.1"]);
    let elsewhere = place().authority.issue(&Leaf::server(["elsewhere"]));
    for (identity, expected) in [
        (&elsewhere, CertificateProblem::WrongName),
        (
            &Authority::new("other").issue(&server),
            CertificateProblem::UntrustedIssuer,
        ),
        (
            &Identity::self_signed(&server),
            CertificateProblem::UntrustedIssuer,
        ),
    ] {
        for mode in [SslMode::Prefer, SslMode::Trust] {
            let proxy = TlsProxy::showing(&place().server, identity);
            let config = place().verified().ssl_mode(mode);
            let (_proxy, config) = by(proxy, config).await;
            let TlsProof::Unproven {
                certificate,
                password,
            } = tls_of(config).await?.proof
            else {
                panic!("{mode}: {expected:?} is proven");
            };
            assert_eq!(certificate, expected, "{mode}");
            assert_eq!(password, PasswordProblem::NotWanted, "{mode}");
        }
    }
    Ok(())
}

/// Expired cert, x509 v1 cert message and the other bad ones of the list, each in every mode that
/// refuses it: not a byte of the login is sent.
#[tokio::test]
async fn a_bad_certificate_is_refused_before_anything_else_is_sent() {
    let authority = &place().authority;
    let server = Leaf::server(["127.0.0.1"]);
    let verifying = &TLS_MODES[2..];
    for (identity, modes, expected) in [
        (
            authority.issue(&server.clone().expired()),
            &TLS_MODES[..],
            "it has expired",
        ),
        (
            authority.issue(&server.clone().not_yet_valid()),
            &TLS_MODES,
            "its time has not begun",
        ),
        (
            Identity::version_1(&server),
            &TLS_MODES,
            "version 1 of X.509",
        ),
        (
            authority.issue(&Leaf::server(["elsewhere"])),
            &TLS_MODES[3..],
            "for another name",
        ),
        (
            Authority::new("other").issue(&server),
            verifying,
            "from no trusted authority",
        ),
        (
            Identity::self_signed(&server),
            verifying,
            "from no trusted authority",
        ),
        (
            authority.issue(&Leaf::client("127.0.0.1")),
            verifying,
            "it cannot be used",
        ),
    ] {
        for mode in modes {
            let proxy = TlsProxy::showing(&place().server, &identity);
            let (proxy, config) = by(proxy, place().verified().ssl_mode(*mode)).await;
            let error = tls_of(config).await.unwrap_err();
            let Error::Tls(TlsError::Certificate(problem)) = &error else {
                panic!("{mode}, {expected}: {error:?}");
            };
            assert!(problem.to_string().contains(expected), "{mode}: {problem}");
            let seen = proxy.seen_once().await;
            assert!(seen.is_silent_but_for_tls(), "{mode}, {expected}: {seen:?}");
        }
    }
}

#[tokio::test]
async fn another_fingerprint_is_refused_in_every_mode_before_anything_else_is_sent() {
    // A good certificate, but not that one.
    let identity = place().authority.issue(&Leaf::server(["127.0.0.1"]));
    let pinned = Identity::self_signed(&Leaf::server(["127.0.0.1"]));
    for mode in TLS_MODES {
        let proxy = TlsProxy::showing(&place().server, &identity);
        let config = place().config().ssl_mode(mode);
        let (proxy, config) = by(proxy, config.ssl_fingerprint(fingerprint(&pinned))).await;
        let error = tls_of(config).await.unwrap_err();
        let expected = CertificateProblem::WrongFingerprint;
        assert!(
            matches!(&error, Error::Tls(TlsError::Certificate(problem)) if *problem == expected),
            "{mode}: {error:?}"
        );
        assert!(proxy.seen_once().await.is_silent_but_for_tls(), "{mode}");
    }
}

/// Zero-config TLS with the certificate that a server of 11.4 and later makes for itself; an older
/// one offers no TLS without a configuration.
#[tokio::test]
async fn a_server_without_a_configuration_proves_itself_by_the_password_or_has_no_tls()
-> Result<(), Error> {
    let server = live::LiveServer::start().unwrap();
    let config = otaria::Config::builder()
        .host("127.0.0.1")
        .port(server.port());
    let config = config.user(server.user()).password(server.password());
    let result = tls_of(config.ssl_mode(SslMode::VerifyFull)).await;
    if place().proves_itself() {
        assert_eq!(result?.proof, TlsProof::Password);
    } else {
        let refused = matches!(result, Err(Error::Auth(otaria::AuthError::TlsNotOffered)));
        assert!(refused);
    }
    Ok(())
}

fn fingerprint(identity: &Identity) -> Fingerprint {
    let digits = identity.fingerprint().map(|byte| format!("{byte:02x}"));
    digits.concat().parse().unwrap()
}

/// `SSL_CERT_FILE` names the authorities of the system, like those of other programs.
#[test]
fn an_authority_of_the_system_proves_a_server_without_any_configuration() {
    let user = place().user("IDENTIFIED BY ''");
    let authorities = tempfile::NamedTempFile::new().unwrap();
    let url = format!(
        "mariadb://{user}@127.0.0.1:{}/?ssl_mode=verify-full",
        place().server.port()
    );
    let proof = |pem: String| {
        std::fs::write(authorities.path(), pem).unwrap();
        let mut program = Command::new(env!("CARGO_BIN_EXE_tls_proof"));
        let output = program
            .arg(&url)
            .env("SSL_CERT_FILE", authorities.path())
            .output();
        String::from_utf8(output.unwrap().stdout).unwrap()
    };
    assert_eq!(proof(place().authority.pem()), "Some(Certificate)\n");
    let stranger = Authority::new("of another system");
    assert_eq!(proof(stranger.pem()), "Auth(NoPasswordToProveBy)\n");
}
