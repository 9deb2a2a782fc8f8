mod change_user;
mod client;
mod plugins;
mod server_proof;
mod tls;

use std::sync::Arc;

use otaria_codec::{Encode, LocalInfilePacket, ServerStatus};
use proptest::prelude::*;

use super::*;
use crate::testing::{self, Clear, Echo, SCRAMBLE, hex, respond};
use crate::{
    AuthMoreData, AuthPluginFactory, ClearPassword, Dialog, Ed25519, HandshakeResponse,
    NativePassword, Parsec, PluginRegistry, SCRAMBLE_BYTES, TlsRequest,
};
use client::Client;

fn login() -> LoginConfig {
    let mut login = LoginConfig::new("user", "secret");
    login.capabilities = Capabilities::SESSION_TRACK | Capabilities::DEPRECATE_EOF;
    login
}

/// A login that may send the password in clear.
fn clear_login() -> LoginConfig {
    let mut login = login();
    login.plugins = login.plugins.with(Arc::new(Clear::new("clear")));
    login
}

fn greeting() -> InitialHandshake<'static> {
    InitialHandshake {
        server_version: b"11.8.6-MariaDB",
        thread_id: 42,
        scramble: SCRAMBLE,
        capabilities: Capabilities::from_words(0x81ff_fffe, 0x3d),
        collation: 45,
        status: ServerStatus::AUTOCOMMIT,
        default_auth_plugin: "mysql_native_password",
    }
}

fn ok() -> OkPacket<'static> {
    OkPacket {
        status: ServerStatus::AUTOCOMMIT,
        ..OkPacket::default()
    }
}

fn switch<'a>(auth_plugin: &'a str, plugin_data: &'a [u8]) -> AuthSwitchRequest<'a> {
    AuthSwitchRequest {
        auth_plugin,
        plugin_data,
    }
}

fn payload(packet: &impl Encode) -> Vec<u8> {
    testing::encoded(packet, Capabilities::SESSION_TRACK)
}

/// What the client's plugin of `factory` answers to `data`.
fn answer(factory: &impl AuthPluginFactory, data: &[u8]) -> Vec<u8> {
    respond(
        factory
            .start(&Password::from("secret"), &testing::NONCE)
            .as_mut(),
        data,
    )
    .unwrap()
}

fn invalid(error: AuthError) -> InvalidPacket {
    match error {
        AuthError::InvalidPacket(invalid) => invalid,
        other => panic!("{other:?}"),
    }
}

const NONCE: [u8; 32] = [0xaa; 32];

#[test]
fn the_response_to_the_greeting_carries_the_login() {
    let mut login = login();
    login.database = Some("test".to_owned());
    login.attributes = vec![("_client_name".to_owned(), "otaria".to_owned())];
    let client = Client::greeted(login.clone());
    let response = client.response();
    assert_eq!(response.user, "user");
    assert_eq!(response.database, "test");
    assert_eq!(response.auth_plugin, "mysql_native_password");
    assert_eq!(*response.attributes, login.attributes);
    assert_eq!(
        *response.auth_response,
        hex("b32bb3a583e1340c0a1108d58b1be49781ad8c2f")
    );
    let capabilities = response.header.capabilities;
    assert!(capabilities.contains(login.capabilities));
    assert!(!capabilities.contains(Capabilities::SSL));
}

#[test]
fn native_password_then_ok_is_a_login() {
    let info = Client::greeted(login()).connect(&ok());
    assert_eq!(info.version.major, 11);
    assert_eq!(info.thread_id, 42);
    assert_eq!(info.status, ServerStatus::AUTOCOMMIT);
    assert!(info.capabilities.contains(Capabilities::DEPRECATE_EOF));
    assert!(!info.capabilities.contains(Capabilities::LOCAL_FILES));
}

#[test]
fn the_final_ok_keeps_its_info_and_its_session_state() {
    let info = Client::greeted(login()).connect(&OkPacket {
        status: ServerStatus::SESSION_STATE_CHANGED,
        info: b"\x01abc",
        session_state: b"\x01\x05\x04test",
        ..OkPacket::default()
    });
    assert_eq!(info.info, b"\x01abc");
    assert_eq!(info.session_state, b"\x01\x05\x04test");
}

#[test]
fn err_as_the_very_first_packet_without_sqlstate_is_the_servers_error() {
    let error = Client::new(login()).fail(&ErrPacket {
        code: 1040,
        sqlstate: None,
        message: b"Too many connections",
    });
    assert_eq!(
        error,
        AuthError::Server {
            code: 1040,
            sqlstate: None,
            message: "Too many connections".to_owned()
        }
    );
}

#[test]
fn an_empty_or_truncated_greeting_is_an_error() {
    for payload in [b"".as_slice(), b"\x0a", b"\x0a11.8.6", b"\xff", b"\xff\x10"] {
        invalid(Client::new(login()).fail_bytes(payload));
    }
}

#[test]
fn an_ok_packet_in_place_of_the_greeting_is_an_error() {
    let error = invalid(Client::new(login()).fail(&ok()));
    assert!(matches!(error, InvalidPacket::Field { value: 0, .. }));
}

#[test]
fn a_server_without_protocol_41_is_an_error_that_names_it() {
    let mut greeting = greeting();
    greeting.capabilities -= Capabilities::PROTOCOL_41;
    assert_eq!(
        Client::new(login()).fail(&greeting).to_string(),
        "the server does not offer PROTOCOL_41, which is needed"
    );
}

#[test]
fn a_login_that_cannot_be_written_is_refused_before_anything_is_sent() {
    let mut login = login();
    "root\0".clone_into(&mut login.user);
    let error = Client::new(login).fail(&greeting());
    assert!(matches!(error, AuthError::NulCharacter { .. }));
}

#[test]
fn unknown_default_plugin_in_the_greeting_but_known_user_plugin_is_a_login() {
    let mut greeting = greeting();
    greeting.default_auth_plugin = "auth_of_tomorrow";
    let client = Client::new(login()).receive(&greeting);
    let response = client.response();
    assert_eq!(response.auth_plugin, "mysql_native_password");
    assert_eq!(*response.auth_response, answer(&NativePassword, &SCRAMBLE));
    client
        .receive(&switch("client_ed25519", &NONCE))
        .connect(&ok());
}

#[test]
fn a_default_plugin_that_needs_a_longer_scramble_gives_way_to_native_password() {
    let mut greeting = greeting();
    greeting.default_auth_plugin = "client_ed25519";
    let client = Client::new(login()).receive(&greeting);
    assert_eq!(client.response().auth_plugin, "mysql_native_password");
}

#[test]
fn a_default_plugin_that_reveals_the_password_gives_way_on_an_unproven_channel() {
    let mut greeting = greeting();
    greeting.default_auth_plugin = "clear";
    for (channel, plugin) in [
        (Channel::Plain, "mysql_native_password"),
        (Channel::Tls { proven: false }, "mysql_native_password"),
        (Channel::Tls { proven: true }, "clear"),
        (Channel::UnixSocket, "clear"),
    ] {
        let client = Client::new(clear_login()).over(channel).receive(&greeting);
        assert_eq!(client.response().auth_plugin, plugin, "{channel:?}");
    }
}

#[test]
fn without_any_usable_plugin_the_first_response_is_empty() {
    let mut login = login();
    login.plugins = PluginRegistry::empty().with(Arc::new(Ed25519));
    let client = Client::greeted(login);
    assert!(client.response().auth_response.is_empty());
    client
        .receive(&switch("client_ed25519", &NONCE))
        .connect(&ok());
}

#[test]
fn a_response_too_long_for_its_length_is_refused_before_anything_is_sent() {
    let mut login = clear_login();
    login.password = Password::new(vec![b'x'; 0xff]);
    let mut greeting = greeting();
    greeting.default_auth_plugin = "clear";
    let client = || Client::new(login.clone()).over(Channel::UnixSocket);
    assert_eq!(
        client().receive(&greeting).response().auth_response.len(),
        256
    );
    greeting.capabilities -= Capabilities::PLUGIN_AUTH_LENENC_CLIENT_DATA;
    assert!(matches!(
        client().fail(&greeting),
        AuthError::ResponseTooLong { limit: 255, .. }
    ));
}

#[test]
fn a_switch_to_ed25519_is_answered() {
    let client = Client::greeted(login()).receive(&switch("client_ed25519", &NONCE));
    assert_eq!(client.last(), answer(&Ed25519, &NONCE));
    client.connect(&ok());
}

#[test]
fn nonce_of_the_switch_used_with_its_trailing_nul_cut() {
    let data = [[0xbb; SCRAMBLE_BYTES].as_slice(), &[0]].concat();
    let client = Client::greeted(login()).receive(&switch("mysql_native_password", &data));
    assert_eq!(
        client.last(),
        answer(&NativePassword, &[0xbb; SCRAMBLE_BYTES])
    );
    assert_ne!(client.last(), answer(&NativePassword, &SCRAMBLE));
}

#[test]
fn a_switch_without_a_password_is_answered_by_an_empty_packet() {
    let mut login = login();
    login.password = Password::default();
    let client = Client::greeted(login).receive(&switch("mysql_native_password", &SCRAMBLE));
    assert_eq!(client.sent.len(), 2);
    assert_eq!(client.last(), b"");
}

#[test]
fn a_second_switch_begins_anew() {
    let client = Client::greeted(login())
        .receive(&switch("client_ed25519", &NONCE))
        .receive(&switch("client_ed25519", &[0xcc; 32]));
    assert_eq!(client.last(), answer(&Ed25519, &[0xcc; 32]));
    let client = client.receive(&switch("mysql_native_password", &SCRAMBLE));
    assert_eq!(client.last(), answer(&NativePassword, &SCRAMBLE));
    client.connect(&ok());
}

#[test]
fn more_switches_than_the_limit_are_an_error() {
    let mut login = login();
    login.max_auth_switches = 2;
    let request = switch("client_ed25519", &NONCE);
    let client = Client::greeted(login).receive(&request).receive(&request);
    assert_eq!(
        client.fail(&request),
        AuthError::TooManySwitches { limit: 2 }
    );
}

#[test]
fn unknown_user_plugin_is_a_named_error() {
    let error = Client::greeted(login()).fail(&switch("auth_gssapi_client", b""));
    assert!(error.to_string().contains("auth_gssapi_client"), "{error}");
    assert!(error.to_string().contains("ALTER USER"), "{error}");
    assert!(matches!(error, AuthError::UnknownPlugin { plugin } if plugin == "auth_gssapi_client"));
}

#[test]
fn a_plugin_that_reveals_the_password_is_refused_on_an_unproven_channel() {
    for channel in [Channel::Plain, Channel::Tls { proven: false }] {
        let client = Client::greeted(clear_login()).over(channel);
        let error = client.fail(&switch("clear", b""));
        assert!(error.to_string().contains("Unix socket"), "{error}");
        assert!(matches!(error, AuthError::UnprovenChannel { plugin } if plugin == "clear"));
    }
}

#[test]
fn a_plugin_that_reveals_the_password_runs_on_a_proven_channel() {
    for channel in [Channel::UnixSocket, Channel::Tls { proven: true }] {
        let client = Client::greeted(clear_login()).over(channel);
        let client = client.receive(&switch("clear", b""));
        assert_eq!(client.last(), b"secret\0");
    }
}

#[test]
fn the_switch_to_the_old_password_is_refused() {
    let error = Client::greeted(login()).fail_bytes(b"\xfe");
    assert_eq!(error, AuthError::OldPassword);
}

#[test]
fn a_switch_with_a_short_scramble_is_an_error() {
    for (name, length) in [("mysql_native_password", 20), ("client_ed25519", 32)] {
        for found in [0, length - 1] {
            let data = vec![1; found];
            let error = Client::greeted(login()).fail(&switch(name, &data));
            assert_eq!(
                error,
                AuthError::ScrambleTooShort {
                    plugin: name.to_owned(),
                    expected: length,
                    found
                }
            );
        }
    }
}

#[test]
fn a_truncated_switch_is_an_error() {
    let error = invalid(Client::greeted(login()).fail_bytes(b"\xfeclient_ed25519"));
    assert!(matches!(error, InvalidPacket::Truncated { missing: 1, .. }));
}

#[test]
fn more_data_reaches_the_plugin_with_and_without_0x01_prefix() {
    for (payload, data) in [
        (b"\x01P123".as_slice(), b"P123".as_slice()),
        (b"P123", b"P123"),
        (b"\x01\x01x", b"\x01x"),
        (b"\x01", b""),
        (b"\x02x", b"\x02x"),
    ] {
        let mut login = login();
        login.plugins = login.plugins.with(Arc::new(Echo));
        let client = Client::greeted(login)
            .receive(&switch("echo", b"hello"))
            .receive_bytes(payload);
        assert_eq!(client.sent[1..], [b"hello".to_vec(), data.to_vec()]);
    }
}

#[test]
fn a_plugin_that_waits_sends_nothing() {
    let mut login = login();
    login.plugins = login.plugins.with(Arc::new(Echo));
    let client = Client::greeted(login).receive(&switch("echo", b"wait"));
    assert_eq!(client.sent.len(), 1);
    client.connect(&ok());
}

#[test]
fn more_data_without_a_plugin_is_an_error() {
    let mut login = login();
    login.plugins = PluginRegistry::empty();
    for first in [0x01, 0x02, b'P'] {
        let client = Client::greeted(login.clone());
        let error = invalid(client.fail_bytes(&[first, 1, 2]));
        assert_eq!(error, unexpected(first));
    }
}

#[test]
fn more_data_for_a_plugin_that_is_done_is_an_error() {
    for payload in [b"\x01\x03".as_slice(), b"\x04", &[0x7f; 64]] {
        let error = Client::greeted(login()).fail_bytes(payload);
        assert!(
            matches!(&error, AuthError::UnexpectedPluginData { plugin }
                if plugin == "mysql_native_password"),
            "{error:?}"
        );
    }
}

#[test]
fn more_data_without_an_end_is_an_error() {
    let mut login = clear_login();
    login.plugins = login.plugins.with(Arc::new(Echo));
    let mut client = Client::greeted(login).receive(&switch("echo", b""));
    let more = AuthMoreData { plugin_data: b"x" };
    for _ in 0..64 {
        client = client.receive(&more);
    }
    assert_eq!(
        client.fail(&more),
        AuthError::TooMuchPluginData { limit: 64 }
    );
}

#[test]
fn a_file_is_not_sent_during_login() {
    let error = invalid(Client::greeted(login()).fail(&LocalInfilePacket {
        file_name: b"/etc/passwd",
    }));
    assert_eq!(error, unexpected(0xfb));
}

#[test]
fn an_err_packet_ends_the_exchange() {
    let denied = ErrPacket::new(1045, *b"28000", "Access denied");
    let expected = AuthError::Server {
        code: 1045,
        sqlstate: Some(*b"28000"),
        message: "Access denied".to_owned(),
    };
    assert_eq!(Client::greeted(login()).fail(&denied), expected);
    let client = Client::greeted(login()).receive(&switch("client_ed25519", &NONCE));
    assert_eq!(client.fail(&denied), expected);
}

#[test]
fn an_empty_packet_is_an_error() {
    let error = invalid(Client::greeted(login()).fail_bytes(b""));
    assert_eq!(error, InvalidPacket::Empty { packet: PHASE });
}

#[test]
fn a_truncated_ok_packet_is_an_error() {
    let payload = payload(&ok());
    for end in 1..payload.len() {
        invalid(Client::greeted(login()).fail_bytes(&payload[..end]));
    }
}

#[test]
fn a_handshake_shows_no_secret() {
    let client = Client::greeted(login()).receive(&switch("client_ed25519", &NONCE));
    let shown = format!("{:?}", client.handshake);
    assert!(
        !shown.contains("secret") && !shown.contains("115, 101, 99"),
        "{shown}"
    );
}

proptest! {
    #[test]
    fn no_payload_panics(
        payloads in prop::collection::vec(hostile(), 1..6),
        greeted: bool,
        proven: bool,
        tls in prop::sample::select(vec![TlsRequest::Never, TlsRequest::IfOffered]),
    ) {
        let mut login = all_plugins();
        login.tls = if greeted { TlsRequest::Never } else { tls };
        let mut client = if greeted { Client::greeted(login) } else { Client::new(login) };
        if proven {
            client.channel = Channel::UnixSocket;
        }
        for payload in payloads {
            let Some(next) = client.endure(&payload) else {
                break;
            };
            client = next;
        }
    }
}

fn all_plugins() -> LoginConfig {
    let mut login = login();
    let plugins: [Arc<dyn AuthPluginFactory>; 4] = [
        Arc::new(Echo),
        Arc::new(Dialog),
        Arc::new(ClearPassword),
        Arc::new(Parsec::default().with_max_iteration_factor(0)),
    ];
    for plugin in plugins {
        login.plugins = login.plugins.with(plugin);
    }
    login
}

/// Any bytes, and packets with any bytes changed.
fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let packets = vec![
        payload(&greeting()),
        payload(&ok()),
        payload(&switch("client_ed25519", &NONCE)),
        payload(&switch("mysql_native_password", &SCRAMBLE)),
        payload(&switch("echo", b"hello")),
        payload(&switch("parsec", &NONCE)),
        payload(&switch("dialog", b"\x04Password: ")),
        payload(&switch("caching_sha2_password", &SCRAMBLE)),
        payload(&switch("sha256_password", &SCRAMBLE)),
        b"P\0abcdefghijklmnopqr".to_vec(),
        b"\x02Name: ".to_vec(),
        b"\x01\x04".to_vec(),
        payload(&AuthMoreData { plugin_data: b"x" }),
        payload(&ErrPacket::new(1045, *b"28000", "Access denied")),
    ];
    let damaged = (
        prop::sample::select(packets),
        0..200_usize,
        any::<u8>(),
        0..200_usize,
    );
    let damaged = damaged.prop_map(|(mut packet, place, byte, length)| {
        if let Some(place) = packet.get_mut(place) {
            *place = byte;
        }
        packet.truncate(length);
        packet
    });
    prop_oneof![prop::collection::vec(any::<u8>(), 0..80), damaged]
}
