//! Men in the middle: what they get of a client.

use otaria::{AuthError, Error, PasswordProblem, SslMode, TlsError, TlsProof};
use otaria_codec::{Capabilities, ErrPacket, OkPacket, PacketEncoder};
use protocol_tests::certificates::{Identity, Leaf};
use protocol_tests::live::{self, PamService};
use protocol_tests::tls_proxy::{self, TlsProxy};

use super::{by, connect, place, tls_of};

#[tokio::test]
async fn prefer_and_trust_tell_that_the_proof_is_for_another_certificate() -> Result<(), Error> {
    for mode in [SslMode::Prefer, SslMode::Trust] {
        let (_proxy, config) = by(in_the_middle(), place().config().ssl_mode(mode)).await;
        let TlsProof::Unproven { password, .. } = tls_of(config).await?.proof else {
            panic!("{mode}: a man in the middle is proven");
        };
        let expected = if place().proves_itself() {
            PasswordProblem::Mismatch
        } else {
            PasswordProblem::NotSent
        };
        assert_eq!(password, expected, "{mode}");
    }
    Ok(())
}

/// Zero-config TLS: clear/dialog refused before proof.
#[tokio::test]
async fn a_man_in_the_middle_gets_no_password_in_clear_by_dialog() {
    let Some(service) = PamService::for_test() else {
        return live::not_applicable("there is no service of PAM");
    };
    place().server.sql("INSTALL SONAME 'auth_pam'").unwrap();
    let user = place().user(&format!("IDENTIFIED VIA pam USING '{}'", service.name()));
    let password = "a-password-in-clear";
    service.set_password(&user, password).unwrap();
    let config = || {
        let config = place().config().user(&user).password(password);
        config.clear_password(true)
    };
    for mode in [SslMode::Prefer, SslMode::Trust, SslMode::VerifyFull] {
        let (proxy, config) = by(in_the_middle(), config().ssl_mode(mode)).await;
        let error = tls_of(config).await.unwrap_err();
        assert!(matches!(error, Error::Auth(_)), "{mode}: {error:?}");
        let seen = proxy.seen_once().await;
        assert!(!seen.contains(password.as_bytes()), "{mode}: {seen:?}");
    }
    // Without anybody in the middle it goes through, to a server that is known.
    let config = config().ssl_mode(SslMode::VerifyFull).ssl_ca(place().ca());
    tls_of(config).await.unwrap();
}

#[tokio::test]
async fn a_server_that_seems_to_have_no_tls_is_sent_nothing_where_tls_is_required() {
    for mode in [SslMode::Trust, SslMode::VerifyCa, SslMode::VerifyFull] {
        let proxy = TlsProxy::stripping(&place().server);
        let (proxy, config) = by(proxy, place().config().ssl_mode(mode)).await;
        let error = tls_of(config).await.unwrap_err();
        let expected = matches!(error, Error::Auth(AuthError::TlsNotOffered));
        assert!(expected, "{mode}: {error:?}");
        let seen = proxy.seen_once().await;
        assert!(seen.in_clear.is_empty(), "{mode}: {seen:?}");
    }
}

/// What `prefer` promises, and no more.
#[tokio::test]
async fn prefer_goes_on_in_clear_where_tls_is_not_offered() -> Result<(), Error> {
    let proxy = TlsProxy::stripping(&place().server);
    let (proxy, config) = by(proxy, place().config().ssl_mode(SslMode::Prefer)).await;
    let connection = connect(config).await?;
    assert!(connection.tls().is_none());
    connection.close().await?;
    let seen = proxy.seen_once().await;
    assert!(!seen.contains(place().server.password().as_bytes()));
    Ok(())
}

#[tokio::test]
async fn an_ok_in_clear_behind_the_greeting_is_an_error_and_nothing_is_sent_inside_tls() {
    let mut encoder = PacketEncoder::new();
    encoder.set_sequence_number(1);
    encoder.packet(&OkPacket::default(), Capabilities::PROTOCOL_41);
    let proxy = in_the_middle().inject(encoder.bytes());
    let (proxy, config) = by(proxy, place().config().ssl_mode(SslMode::Trust)).await;
    let error = tls_of(config).await.unwrap_err();
    let expected = matches!(error, Error::Tls(TlsError::BytesBeforeTls { bytes: 11 }));
    assert!(expected, "{error:?}");
    let seen = proxy.seen_once().await;
    assert!(seen.inside_tls.is_empty(), "{seen:?}");
}

#[tokio::test]
async fn an_err_in_clear_in_place_of_tls_is_an_error_of_tls() {
    let mut encoder = PacketEncoder::new();
    encoder.set_sequence_number(2);
    encoder.packet(
        &ErrPacket::new(1045, *b"28000", "log in elsewhere"),
        Capabilities::PROTOCOL_41,
    );
    let proxy = in_the_middle().answer_ssl_request(encoder.bytes());
    let (proxy, config) = by(proxy, place().config().ssl_mode(SslMode::Trust)).await;
    let error = tls_of(config).await.unwrap_err();
    assert!(
        matches!(error, Error::Tls(TlsError::Handshake(_))),
        "{error:?}"
    );
    // Before it knew, the client has begun its TLS; nothing of the login is in that.
    let seen = proxy.seen_once().await;
    for secret in [place().server.user(), place().server.password()] {
        assert!(!seen.contains(secret.as_bytes()), "{seen:?}");
    }
}

/// One with a certificate of his own making.
fn in_the_middle() -> tls_proxy::Builder {
    let identity = Identity::self_signed(&Leaf::server(["127.0.0.1"]));
    TlsProxy::showing(&place().server, &identity)
}
