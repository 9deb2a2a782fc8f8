//! Dialogues of plugins with a server, a person and a key.

use super::*;

fn with_dialog(password: &str) -> LoginConfig {
    let mut login = LoginConfig::new("user", password);
    let plugins = login.plugins.with(Arc::new(Dialog));
    login.plugins = plugins.with(Arc::new(ClearPassword));
    login
}

fn proven(login: LoginConfig) -> Client {
    let client = Client::new(login).over(Channel::Tls { proven: true });
    client.receive(&greeting())
}

/// `data` as servers have sent it before 11.4.9 and 11.8.4, and as they do since.
fn with_and_without_0x01(data: &[u8]) -> [Vec<u8>; 2] {
    [data.to_vec(), [b"\x01", data].concat()]
}

const EXT_SALT: &[u8] = b"P\0abcdefghijklmnopqr";

#[test]
fn parsec_asks_for_the_salt_and_signs_0x01_prefix_or_not() {
    for ext_salt in with_and_without_0x01(EXT_SALT) {
        let client = Client::greeted(login()).receive(&switch("parsec", &NONCE));
        assert_eq!(client.sent.len(), 2);
        assert_eq!(client.last(), b"");
        let client = client.derive(&ext_salt);
        assert_eq!(client.sent.len(), 3);
        assert_eq!(client.last().len(), 96);
        client.connect(&ok());
    }
}

#[test]
fn each_switch_has_random_bytes_of_its_own() {
    let client = Client::greeted(login())
        .receive(&switch("parsec", &NONCE))
        .derive(EXT_SALT)
        .receive(&switch("parsec", &NONCE))
        .derive(EXT_SALT);
    let (first, second) = (&client.sent[2][..32], &client.sent[4][..32]);
    assert_ne!(first, second);
    assert_ne!(first, [0; 32]);
    let mut other = Client::new(login());
    other.handshake = Handshake::new(login(), [1; 32]);
    let other = other.receive(&greeting());
    let other = other.receive(&switch("parsec", &NONCE)).derive(EXT_SALT);
    assert_ne!(&other.last()[..32], first);
}

#[test]
fn several_plugins_of_an_account_are_tried_in_turn() {
    let client = Client::greeted(login())
        .receive(&switch("parsec", &NONCE))
        .derive(EXT_SALT)
        .receive(&switch("client_ed25519", &NONCE));
    assert_eq!(client.last(), answer(&Ed25519, &NONCE));
    let client = client.receive(&switch("caching_sha2_password", &SCRAMBLE));
    let client = client.receive(&switch("mysql_native_password", &SCRAMBLE));
    assert_eq!(client.last(), answer(&NativePassword, &SCRAMBLE));
    client.connect(&ok());
}

#[test]
fn a_later_switch_to_a_plugin_that_reveals_the_password_is_refused() {
    for name in ["mysql_clear_password", "dialog"] {
        let client = Client::greeted(with_dialog("secret"));
        let client = client.receive(&switch("client_ed25519", &NONCE));
        let error = client.fail(&switch(name, b""));
        assert!(matches!(error, AuthError::UnprovenChannel { plugin } if plugin == name));
    }
}

#[test]
fn the_refusal_to_reveal_the_password_names_the_ways_out() {
    let client = Client::greeted(with_dialog("secret"));
    let error = client.fail(&switch("dialog", b"")).to_string();
    for way in ["ssl_mode=verify-full", "CA", "fingerprint", "Unix socket"] {
        assert!(error.contains(way), "{way}: {error}");
    }
}

#[test]
fn plugins_that_reveal_the_password_are_not_there_by_default() {
    for name in ["mysql_clear_password", "dialog"] {
        let error = proven(login()).fail(&switch(name, b""));
        assert!(matches!(error, AuthError::UnknownPlugin { .. }), "{name}");
    }
}

#[test]
fn a_person_answers_what_the_password_does_not() {
    for question in with_and_without_0x01(b"\x04One-time password: ") {
        let client = proven(with_dialog("secret"));
        let client = client.receive(&switch("dialog", b"\x04Password: "));
        assert_eq!(client.last(), b"secret\0");
        let (client, prompt) = client.ask(&question, "123456");
        assert_eq!(prompt, Prompt::new("One-time password: ", false));
        assert_eq!(client.last(), b"123456\0");
        client.connect(&ok());
    }
}

#[test]
fn a_question_in_the_switch_can_go_to_a_person() {
    let (client, prompt) =
        proven(with_dialog("")).ask(&payload(&switch("dialog", b"\x02Name: ")), "Ada");
    assert_eq!(prompt, Prompt::new("Name: ", true));
    assert_eq!(client.last(), b"Ada\0");
}

#[test]
fn a_packet_while_an_answer_or_a_key_is_awaited_is_an_error() {
    let asked = payload(&switch("dialog", b"\x02Name: "));
    let (asked, _) = proven(with_dialog("")).receive_due(&asked);
    let deriving = Client::greeted(login()).receive(&switch("parsec", &NONCE));
    let (deriving, _) = deriving.receive_due(EXT_SALT);
    for (client, awaited) in [
        (asked, "the answer to a question"),
        (deriving, "a derived key"),
    ] {
        assert_eq!(client.fail(&ok()), AuthError::OutOfTurn { awaited });
    }
}

#[test]
fn an_answer_or_a_key_that_is_not_awaited_is_an_error() {
    let due = AuthError::OutOfTurn {
        awaited: "a packet of the server",
    };
    let answer = Password::from("secret");
    let step = Client::greeted(login())
        .step(|handshake, channel, out| handshake.answer(&answer, channel, out));
    assert_eq!(step.unwrap_err(), due);
    let key = KeyDerivation::new(answer, Vec::new(), 1).derive();
    let step = Client::greeted(login())
        .step(|handshake, channel, out| handshake.derived(key, channel, out));
    assert_eq!(step.unwrap_err(), due);
}

#[test]
fn an_iteration_factor_above_the_limit_is_an_error() {
    let client = Client::greeted(login()).receive(&switch("parsec", &NONCE));
    let error = client.fail_bytes(b"P\x0babcdefghijklmnopqr");
    let (factor, limit) = (11, 10);
    assert_eq!(error, AuthError::TooManyRounds { factor, limit });
}

#[test]
fn an_error_may_follow_a_fast_login_by_sha2() {
    for verdict in with_and_without_0x01(b"\x03") {
        let client = Client::greeted(login());
        let client = client.receive(&switch("caching_sha2_password", &SCRAMBLE));
        let client = client.receive_bytes(&verdict);
        assert_eq!(client.sent.len(), 2);
        let error = client.fail(&ErrPacket::new(1045, *b"28000", "Access denied"));
        assert!(matches!(error, AuthError::Server { code: 1045, .. }));
    }
}

#[test]
fn second_connect_uses_the_sha2_cache() {
    let mut greeting = greeting();
    greeting.default_auth_plugin = "caching_sha2_password";
    let client = Client::new(login()).receive(&greeting);
    assert_eq!(client.response().auth_plugin, "caching_sha2_password");
    assert_eq!(client.response().auth_response.len(), 32);
    let client = client.receive_bytes(b"\x01\x03");
    assert_eq!(client.sent.len(), 1);
    client.connect(&ok());
}

#[test]
fn sha2_full_authentication_sends_the_password_where_the_server_is_proven() {
    for verdict in with_and_without_0x01(b"\x04") {
        let request = switch("caching_sha2_password", &SCRAMBLE);
        let client = proven(login()).receive(&request).receive_bytes(&verdict);
        assert_eq!(client.last(), b"secret\0");
        let client = Client::greeted(login()).receive(&request);
        let error = client.fail_bytes(&verdict);
        assert!(matches!(error, AuthError::UnprovenChannel { .. }));
    }
}

#[test]
fn a_first_response_that_would_reveal_the_password_gives_way() {
    let mut greeting = greeting();
    greeting.default_auth_plugin = "sha256_password";
    let client = Client::new(login()).receive(&greeting);
    assert_eq!(client.response().auth_plugin, "mysql_native_password");
    let error = client.fail(&switch("sha256_password", &SCRAMBLE));
    assert!(matches!(error, AuthError::UnprovenChannel { .. }));
}

#[test]
fn a_question_of_the_greeting_is_not_asked() {
    let mut greeting = greeting();
    greeting.default_auth_plugin = "dialog";
    greeting.scramble[0] = 2;
    let client = Client::new(with_dialog("secret")).over(Channel::UnixSocket);
    let client = client.receive(&greeting);
    assert_eq!(client.response().auth_plugin, "mysql_native_password");
}

#[test]
fn a_handshake_in_any_dialogue_shows_no_secret() {
    let (asked, _) = proven(with_dialog("secret"))
        .receive(&switch("dialog", b"\x04Password: "))
        .receive_due(b"\x02Name: ");
    let deriving = Client::greeted(login()).receive(&switch("parsec", &NONCE));
    let (deriving, key) = deriving.receive_due(EXT_SALT);
    let sha2 = Client::greeted(login()).receive(&switch("caching_sha2_password", &SCRAMBLE));
    for shown in [
        format!("{:?}", asked.handshake),
        format!("{:?}{key:?}", deriving.handshake),
        format!("{:?}", sha2.handshake),
    ] {
        let secret = shown.contains("secret") || shown.contains("115, 101, 99");
        assert!(!secret, "{shown}");
    }
}
