//! The request for TLS and the handshake response inside it.

use super::*;
use crate::SslRequest;

fn tls_login(tls: TlsRequest) -> LoginConfig {
    let mut login = login();
    login.tls = tls;
    login
}

fn without_tls() -> InitialHandshake<'static> {
    let mut greeting = greeting();
    greeting.capabilities -= Capabilities::SSL;
    greeting
}

#[test]
fn an_ssl_request_is_the_first_32_bytes_of_the_handshake_response() {
    for tls in [TlsRequest::IfOffered, TlsRequest::Required] {
        let client = Client::new(tls_login(tls)).start_tls(&greeting());
        assert_eq!(client.sent.len(), 1);
        assert_eq!(client.sent[0].len(), 32);
        let client = client.establish(true, ServerProof::NotNeeded);
        assert_eq!(client.sent.len(), 2);
        assert_eq!(client.sent[1][..32], client.sent[0]);
        let request = SslRequest::decode(&client.sent[0], Capabilities::empty()).unwrap();
        assert!(request.capabilities.contains(Capabilities::SSL));
        assert_eq!(request.collation, 45);
    }
}

#[test]
fn the_handshake_response_inside_tls_carries_the_login() {
    let client = Client::new(tls_login(TlsRequest::Required)).start_tls(&greeting());
    let client = client.establish(false, ServerProof::NotNeeded);
    let response = HandshakeResponse::decode(client.last(), Capabilities::empty()).unwrap();
    assert_eq!(response.user, "user");
    assert_eq!(*response.auth_response, answer(&NativePassword, &SCRAMBLE));
    let info = client.connect(&ok());
    assert!(info.capabilities.contains(Capabilities::SSL));
    assert_eq!(info.scramble, SCRAMBLE);
    assert_eq!(info.server_proof, ServerProofOutcome::NotAsked);
}

#[test]
fn tls_that_is_not_offered_is_done_without_if_it_may_be() {
    for (tls, greeting) in [
        (TlsRequest::Never, greeting()),
        (TlsRequest::Never, without_tls()),
        (TlsRequest::IfOffered, without_tls()),
    ] {
        let client = Client::new(tls_login(tls)).receive(&greeting);
        assert_eq!(client.response().user, "user");
        let capabilities = client.response().header.capabilities;
        assert!(!capabilities.contains(Capabilities::SSL), "{tls:?}");
    }
}

#[test]
fn tls_that_is_required_and_not_offered_is_an_error_before_anything_is_sent() {
    let error = Client::new(tls_login(TlsRequest::Required)).fail(&without_tls());
    assert_eq!(error, AuthError::TlsNotOffered);
}

#[test]
fn an_error_in_place_of_the_greeting_is_the_servers_where_tls_is_required() {
    let client = Client::new(tls_login(TlsRequest::Required));
    let error = client.fail(&ErrPacket::new(1040, *b"08004", "Too many connections"));
    assert!(matches!(error, AuthError::Server { code: 1040, .. }));
}

#[test]
fn a_login_that_cannot_be_written_is_refused_before_tls_begins() {
    let mut login = tls_login(TlsRequest::Required);
    "root\0".clone_into(&mut login.user);
    let error = Client::new(login).fail(&greeting());
    assert!(matches!(error, AuthError::NulCharacter { .. }));
}

#[test]
fn a_packet_in_clear_while_tls_is_awaited_is_an_error() {
    for payload in [
        payload(&ok()),
        payload(&ErrPacket::new(1045, *b"28000", "Access denied")),
        payload(&switch("mysql_native_password", &SCRAMBLE)),
    ] {
        let client = Client::new(tls_login(TlsRequest::Required)).start_tls(&greeting());
        let error = client.fail_bytes(&payload);
        assert_eq!(error, AuthError::OutOfTurn { awaited: "TLS" });
    }
}

#[test]
fn tls_is_not_established_on_another_channel() {
    for channel in [Channel::Plain, Channel::UnixSocket] {
        let client = Client::new(tls_login(TlsRequest::Required)).start_tls(&greeting());
        let step = client.over(channel).step(|handshake, channel, out| {
            handshake.tls_established(channel, ServerProof::NotNeeded, out)
        });
        let error = step.unwrap_err();
        assert_eq!(error, AuthError::OutOfTurn { awaited: "TLS" });
    }
}

#[test]
fn tls_that_is_not_awaited_is_an_error() {
    let channel = Channel::Tls { proven: true };
    for client in [Client::new(login()), Client::greeted(login())] {
        let step = client.over(channel).step(|handshake, channel, out| {
            handshake.tls_established(channel, ServerProof::NotNeeded, out)
        });
        let awaited = "a packet of the server";
        assert_eq!(step.unwrap_err(), AuthError::OutOfTurn { awaited });
    }
}
