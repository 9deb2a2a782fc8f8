//! A new login on an open connection.

use super::*;
use crate::ComChangeUser;

/// What the login of another user has told.
fn server() -> ServerInfo {
    let mut login = login();
    login.attributes = vec![("_client_name".to_owned(), "otaria".to_owned())];
    Client::greeted(login).connect(&ok())
}

fn other_login() -> LoginConfig {
    let mut login = LoginConfig::new("other", "secret");
    login.database = Some("shop".to_owned());
    login.attributes = vec![("program_name".to_owned(), "test".to_owned())];
    login
}

fn begin(
    login: LoginConfig,
    server: &ServerInfo,
    channel: Channel,
) -> Result<(Client, Vec<u8>), AuthError> {
    let mut out = PacketEncoder::new();
    out.set_sequence_number(9);
    let handshake = Handshake::change_user(login, server, [0; 32], channel, &mut out)?;
    let (header, payload) = out.bytes().split_at(4);
    assert_eq!(header[3], 0, "sequence number");
    let client = Client {
        handshake,
        channel,
        sent: vec![payload.to_vec()],
    };
    Ok((client, payload.to_vec()))
}

fn begun(login: LoginConfig) -> Client {
    begin(login, &server(), Channel::Plain).unwrap().0
}

#[test]
fn the_command_carries_the_login_and_a_response_to_the_greetings_scramble() {
    let server = server();
    let login = other_login();
    let (_, payload) = begin(login.clone(), &server, Channel::Plain).unwrap();
    let command = ComChangeUser::decode(&payload, server.capabilities).unwrap();
    assert_eq!(command.user, "other");
    assert_eq!(command.database, "shop");
    assert_eq!(command.collation, 45);
    assert_eq!(command.auth_plugin, "mysql_native_password");
    assert_eq!(command.auth_response, answer(&NativePassword, &SCRAMBLE));
    assert_eq!(*command.attributes, login.attributes);
}

#[test]
fn the_servers_switch_is_answered_and_ok_ends_the_change() {
    let server = server();
    let (client, _) = begin(other_login(), &server, Channel::Plain).unwrap();
    let client = client.receive(&switch("mysql_native_password", &SCRAMBLE));
    assert_eq!(client.last(), answer(&NativePassword, &SCRAMBLE));
    assert_eq!(client.connect(&ok()), server);
}

#[test]
fn a_change_of_user_may_go_by_any_plugin() {
    let client = begun(other_login()).receive(&switch("client_ed25519", &NONCE));
    assert_eq!(client.last(), answer(&Ed25519, &NONCE));
    let client = client.receive(&switch("parsec", &NONCE));
    let client = client.derive(b"\x01P\0abcdefghijklmnopqr");
    assert_eq!(client.last().len(), 96);
    client.connect(&ok());
}

#[test]
fn what_was_proven_stays_proven_and_no_proof_is_looked_for() {
    let mut server = server();
    for outcome in [
        ServerProofOutcome::NotAsked,
        ServerProofOutcome::Proven,
        ServerProofOutcome::Unproven(Unproven::Missing),
    ] {
        server.server_proof = outcome;
        let (client, _) = begin(other_login(), &server, Channel::Plain).unwrap();
        let client = client.receive(&switch("mysql_native_password", &SCRAMBLE));
        let info = client.connect(&OkPacket {
            info: b"\x010000",
            ..ok()
        });
        assert_eq!(info.server_proof, outcome);
    }
}

#[test]
fn a_refusal_is_the_servers_error() {
    let client = begun(other_login()).receive(&switch("mysql_native_password", &SCRAMBLE));
    let error = client.fail(&ErrPacket::new(1045, *b"28000", "Access denied"));
    assert!(matches!(error, AuthError::Server { code: 1045, .. }));
}

#[test]
fn a_plugin_that_reveals_the_password_is_refused_on_an_unproven_channel() {
    let mut login = other_login();
    login.plugins = login.plugins.with(Arc::new(ClearPassword));
    let error = begun(login).fail(&switch("mysql_clear_password", b""));
    assert!(matches!(error, AuthError::UnprovenChannel { .. }));
}

#[test]
fn a_change_that_cannot_be_written_is_refused_before_anything_is_sent() {
    let mut login = other_login();
    "a\0".clone_into(&mut login.user);
    let error = begin(login, &server(), Channel::Plain).unwrap_err();
    assert!(matches!(error, AuthError::NulCharacter { .. }));
}

#[test]
fn a_response_too_long_for_its_one_byte_is_refused() {
    let mut login = other_login();
    login.password = Password::new(vec![b'x'; 0xff]);
    let clear = Arc::new(Clear::new("mysql_native_password"));
    login.plugins = login.plugins.with(clear);
    let error = begin(login, &server(), Channel::UnixSocket).unwrap_err();
    assert!(matches!(
        error,
        AuthError::ResponseTooLong { limit: 255, .. }
    ));
}

#[test]
fn without_native_password_the_first_response_is_empty() {
    let mut login = other_login();
    login.plugins = PluginRegistry::empty().with(Arc::new(Ed25519));
    let server = server();
    let (client, payload) = begin(login, &server, Channel::Plain).unwrap();
    let command = ComChangeUser::decode(&payload, server.capabilities).unwrap();
    assert_eq!(command.auth_response, b"");
    client
        .receive(&switch("client_ed25519", &NONCE))
        .connect(&ok());
}
