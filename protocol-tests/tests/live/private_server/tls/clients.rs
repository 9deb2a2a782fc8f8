//! What servers ask of clients, and what connections over TLS can do.

use otaria::{AuthError, Connection, Error, Pem, SslMode};
use protocol_tests::certificates::{Authority, Files, Leaf};
use protocol_tests::live::LiveServer;

use super::{place, tls_of};

/// The code of the server's refusal.
fn refusal(result: Result<otaria::TlsInfo, Error>) -> u16 {
    match result {
        Err(Error::Auth(AuthError::Server { code, .. })) => code,
        other => panic!("not refused by the server: {other:?}"),
    }
}

#[tokio::test]
async fn an_account_may_require_a_certificate_of_its_users() -> Result<(), Error> {
    let authority = &place().authority;
    let user = place().user("IDENTIFIED BY 'secret' REQUIRE SUBJECT '/CN=the one'");
    let the_one = authority.issue(&Leaf::client("the one"));
    let another = authority.issue(&Leaf::client("another"));
    let files = Files::new(authority, &the_one);
    let config = || place().verified().user(&user).password("secret");

    let by_files = config().ssl_cert(Pem::from(files.certificate()));
    tls_of(by_files.ssl_key(Pem::from(files.key()))).await?;
    let pem = |text: String| Pem::bytes(text.into_bytes());
    let with = |identity: &protocol_tests::certificates::Identity| {
        let config = config().ssl_cert(pem(identity.certificate_pem()));
        config.ssl_key(pem(identity.key_pem()))
    };
    tls_of(with(&the_one)).await?;
    assert_eq!(refusal(tls_of(with(&another)).await), 1045);
    assert_eq!(refusal(tls_of(config()).await), 1045);
    Ok(())
}

#[tokio::test]
async fn a_client_certificate_of_a_stranger_is_an_error_of_connect() {
    let stranger = Authority::new("a stranger").issue(&Leaf::client("the one"));
    let pem = |text: String| Pem::bytes(text.into_bytes());
    let config = place().verified().ssl_cert(pem(stranger.certificate_pem()));
    let error = tls_of(config.ssl_key(pem(stranger.key_pem()))).await;
    // With TLS 1.3 the server says so when the client's handshake is done.
    let error = error.unwrap_err();
    let expected = matches!(
        error,
        Error::Tls(_) | Error::ConnectionLost { .. } | Error::Io { .. }
    );
    assert!(expected, "{error:?}");
}

#[tokio::test]
async fn an_account_that_requires_tls_is_refused_without() -> Result<(), Error> {
    let user = place().user("IDENTIFIED BY 'secret' REQUIRE SSL");
    let config = || place().config().user(&user).password("secret");
    assert_eq!(
        refusal(tls_of(config().ssl_mode(SslMode::Disable)).await),
        1045
    );
    tls_of(config().ssl_mode(SslMode::Prefer)).await?;
    Ok(())
}

#[tokio::test]
async fn a_server_that_requires_tls_refuses_clients_without() -> Result<(), Error> {
    let authority = Authority::new("root");
    let identity = authority.issue(&Leaf::server(["127.0.0.1"]));
    let server = LiveServer::builder().tls(&identity);
    let server = server
        .option("--require-secure-transport=ON")
        .start()
        .unwrap();
    let config = || {
        let config = place().config().port(server.port());
        config.password(server.password())
    };
    // ER_SECURE_TRANSPORT_REQUIRED before the login, where the server has that.
    let code = if place().proves_itself() { 3159 } else { 1045 };
    assert_eq!(
        refusal(tls_of(config().ssl_mode(SslMode::Disable)).await),
        code
    );
    tls_of(config().ssl_mode(SslMode::Prefer)).await?;
    Ok(())
}

#[tokio::test]
async fn a_second_connection_resumes_the_tls_of_the_first_unless_that_is_off() -> Result<(), Error>
{
    for resumption in [true, false] {
        let config = place().verified().ssl_resumption(resumption).build()?;
        let mut resumed = Vec::new();
        for _ in 0..3 {
            let mut connection = Connection::connect(&config).await?;
            // The tickets come behind the handshake.
            connection.ping().await?;
            let tls = connection.tls().expect("TLS");
            assert!(tls.proof.is_proven());
            resumed.push(tls.resumed);
            connection.close().await?;
        }
        assert_eq!(resumed, [false, resumption, resumption]);
    }
    Ok(())
}
