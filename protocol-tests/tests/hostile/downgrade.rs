//! Servers, and who stands between, that want less than was agreed: no TLS, TLS that proves nothing,
//! the password in clear.

use std::sync::OnceLock;

use otaria::{
    AuthError, CertificateProblem, ConfigBuilder, Connection, Error, Fingerprint, Pem, SslMode,
    TlsError, TlsProof,
};
use otaria_auth::{AuthSwitchRequest, InitialHandshake, Unproven};
use otaria_codec::{Capabilities, ErrPacket, OkPacket};
use otaria_text::ComPing;
use protocol_tests::certificates::{Identity, Leaf};
use protocol_tests::fixture::chain;
use protocol_tests::pipe::{Cut, Pipe, PipeHandle};
use protocol_tests::script::{Reply, Script, Tls, greeting};

use crate::calls::config;

const MODES: [SslMode; 4] = [
    SslMode::Prefer,
    SslMode::Trust,
    SslMode::VerifyCa,
    SslMode::VerifyFull,
];
const USER: &[u8] = b"ada lovelace";
const PASSWORD: &[u8] = b"correct horse battery staple";

/// One for all: to make a key takes time.
fn identity() -> &'static Identity {
    static IDENTITY: OnceLock<Identity> = OnceLock::new();
    IDENTITY.get_or_init(|| Identity::self_signed(&Leaf::server(["db.example.org"])))
}

/// Every plugin may be used where that is safe.
fn login(mode: SslMode) -> ConfigBuilder {
    config()
        .host("db.example.org")
        .user(String::from_utf8_lossy(USER))
        .password(String::from_utf8_lossy(PASSWORD).as_ref())
        .clear_password(true)
        .ssl_mode(mode)
}

fn switch_to(auth_plugin: &str, plugin_data: &[u8]) -> Reply {
    Reply::new().packet(&AuthSwitchRequest {
        auth_plugin,
        plugin_data,
    })
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

async fn refused(pipe: Pipe, config: ConfigBuilder) -> (Error, PipeHandle) {
    let handle = pipe.handle();
    let config = config.build().unwrap();
    let connected = Connection::connect_over(pipe, &config).await;
    (connected.unwrap_err(), handle)
}

#[tokio::test]
async fn a_greeting_without_tls_sends_nothing_to_a_server_where_tls_is_required() {
    for mode in [SslMode::Trust, SslMode::VerifyCa, SslMode::VerifyFull] {
        let (error, handle) = refused(Pipe::new(Script::new(), Cut::Whole), login(mode)).await;
        let not_offered = matches!(error, Error::Auth(AuthError::TlsNotOffered));
        assert!(not_offered, "{mode}: {error:?}");
        assert!(handle.received().is_empty(), "{mode}");
    }
}

#[tokio::test]
async fn disable_goes_in_clear_though_tls_is_offered() {
    let mut greeting = greeting();
    greeting.capabilities |= Capabilities::SSL;
    let script = Script::new().greet(Reply::new().packet(&greeting));
    let pipe = Pipe::new(script.on(&ComPing, Reply::ok()), Cut::Whole);
    let handle = pipe.handle();
    let config = login(SslMode::Disable).build().unwrap();
    let mut connection = Connection::connect_over(pipe, &config).await.unwrap();
    connection.ping().await.unwrap();
    assert_eq!(connection.tls(), None);
    assert!(contains(&handle.received(), USER));
    assert!(!contains(&handle.received(), PASSWORD));
}

/// Whoever stands between cannot have the login in clear by an answer in clear.
#[tokio::test]
async fn an_answer_in_clear_to_the_request_for_tls_is_no_login_in_any_mode() {
    let answers = [
        Reply::ok(),
        Reply::err(1045, *b"28000", "Access denied"),
        switch_to("mysql_native_password", b"ssssssssssssssssssss\0"),
        switch_to("mysql_clear_password", b""),
        Reply::new().payload(Vec::new()),
        Reply::new().payload(b"\xfb/etc/passwd".to_vec()),
    ];
    for answer in answers {
        for mode in MODES {
            // The server takes the request for TLS for a login.
            let mut greeting = greeting();
            greeting.capabilities |= Capabilities::SSL;
            let script = Script::new().greet(Reply::new().packet(&greeting));
            let pipe = Pipe::new(script.login(answer.clone()), Cut::Whole);
            let (error, handle) = refused(pipe, login(mode)).await;
            let failed = matches!(error, Error::Tls(TlsError::Handshake(_)));
            assert!(failed, "{mode}: {error:?}");
            let sent = handle.received();
            assert!(
                !contains(&sent, USER) && !contains(&sent, PASSWORD),
                "{mode}"
            );
        }
    }
}

/// Neither by the greeting nor by a switch comes a server to a plugin that is not allowed.
#[tokio::test]
async fn a_plugin_that_is_not_allowed_gets_nothing_of_the_password() {
    let allowed = ["client_ed25519"];
    for forbidden in ["mysql_native_password", "mysql_clear_password", "dialog"] {
        let greeted = InitialHandshake {
            default_auth_plugin: forbidden,
            ..greeting()
        };
        let switched = InitialHandshake {
            default_auth_plugin: allowed[0],
            ..greeting()
        };
        for greeting in [greeted, switched] {
            let script = Script::new().greet(Reply::new().packet(&greeting));
            let script = script.login(switch_to(forbidden, b"ssssssssssssssssssss\0"));
            let config = login(SslMode::Disable).restrict_auth(allowed);
            let (error, handle) = refused(Pipe::new(script, Cut::Whole), config).await;
            assert!(
                matches!(&error, Error::Auth(AuthError::UnknownPlugin { plugin }) if plugin == forbidden),
                "{error:?}"
            );
            // The response to the challenge is empty.
            let sent = handle.received();
            assert!(contains(&sent, &[USER, b"\0\0"].concat()), "{forbidden}");
            assert_eq!(
                sent.len(),
                4 + usize::from(sent[0]),
                "{forbidden}: one packet"
            );
        }
    }
}

#[tokio::test]
async fn bytes_behind_the_greeting_are_never_read_as_if_they_had_come_by_tls_in_any_mode() {
    let mut greeting = greeting();
    greeting.capabilities |= Capabilities::SSL;
    for mode in MODES {
        let injected = Reply::new()
            .packet(&greeting)
            .raw(&[7, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0]);
        let peer = Tls::new(Script::new().behind_tls().greet(injected), identity());
        let (error, handle) = refused(Pipe::new(peer, Cut::Whole), login(mode)).await;
        let injected = TlsError::BytesBeforeTls { bytes: 11 };
        assert!(
            matches!(&error, Error::Tls(error) if *error == injected),
            "{mode}: {error:?}"
        );
        assert!(!contains(&handle.received(), USER), "{mode}");
    }
}

/// A plugin that gives the password away, and the data that makes it do so.
const REVEALING: [(&str, &[u8]); 4] = [
    ("mysql_clear_password", b""),
    ("dialog", b"\x04Password: "),
    ("sha256_password", b"ssssssssssssssssssss\0"),
    ("caching_sha2_password", b"ssssssssssssssssssss\0"),
];

/// The server asks for the password itself.
fn asks_for_password(plugin: &str, data: &[u8]) -> Reply {
    let full = Reply::new()
        .payload(vec![0x01, 0x04])
        .then_answer(Reply::ok());
    match plugin {
        "caching_sha2_password" => switch_to(plugin, data).then_answer(full),
        _ => switch_to(plugin, data).then_answer(Reply::ok()),
    }
}

fn is_refusal_to_reveal(error: &Error) -> bool {
    matches!(
        error,
        Error::Auth(
            AuthError::UnprovenChannel { .. }
                | AuthError::PluginProvesNothing { .. }
                | AuthError::UnknownPlugin { .. }
        )
    )
}

#[tokio::test]
async fn a_clear_text_request_before_proof_is_refused_and_the_password_is_not_sent() {
    for (plugin, data) in REVEALING {
        let script = || Script::new().login(asks_for_password(plugin, data));
        // In clear, by a server that offers no TLS or a man who has taken the offer out.
        for mode in [SslMode::Disable, SslMode::Prefer] {
            let script = script();
            let heard = script.heard();
            let (error, handle) = refused(Pipe::new(script, Cut::Whole), login(mode)).await;
            assert!(is_refusal_to_reveal(&error), "{plugin} {mode}: {error:?}");
            let said = [handle.received(), heard.take().concat()].concat();
            assert!(!contains(&said, PASSWORD), "{plugin} {mode}");
        }
        // By TLS that proves nothing: that of a man in the middle.
        for mode in MODES {
            let script = script().behind_tls();
            let heard = script.heard();
            let pipe = Pipe::new(Tls::new(script, identity()), Cut::Whole);
            let (error, _) = refused(pipe, login(mode)).await;
            assert!(is_refusal_to_reveal(&error), "{plugin} {mode}: {error:?}");
            let said = heard.take().concat();
            assert!(!contains(&said, PASSWORD), "{plugin} {mode}: {said:?}");
        }
    }
}

#[tokio::test]
async fn a_clear_text_request_behind_the_proof_is_answered_so_that_the_tests_see_passwords() {
    for (plugin, data) in REVEALING {
        let script = Script::new().login(asks_for_password(plugin, data));
        let script = script.on(&ComPing, Reply::ok()).behind_tls();
        let heard = script.heard();
        let pipe = Pipe::new(Tls::new(script, identity()), Cut::Whole);
        let ca = Pem::bytes(identity().certificate_pem().into_bytes());
        let config = login(SslMode::VerifyFull).ssl_ca(ca).build().unwrap();
        let mut connection = Connection::connect_over(pipe, &config).await.unwrap();
        connection.ping().await.unwrap();
        assert!(contains(&heard.take().concat(), PASSWORD), "{plugin}");
    }
}

#[tokio::test]
async fn a_server_is_asked_for_its_public_key_only_where_that_is_allowed() {
    for (plugin, data, request) in [
        ("sha256_password", REVEALING[2].1, b"\x01"),
        ("caching_sha2_password", REVEALING[3].1, b"\x02"),
    ] {
        // No client can allow it without the feature.
        for is_allowed in [false, cfg!(feature = "mysql")] {
            let script = Script::new().login(asks_for_password(plugin, data));
            let heard = script.heard();
            let config = login(SslMode::Disable);
            let config = if is_allowed {
                config.public_key_retrieval(true)
            } else {
                config
            };
            let pipe = Pipe::new(script, Cut::Whole);
            let _ = Connection::connect_over(pipe, &config.build().unwrap()).await;
            let is_asked = heard.take().iter().any(|said| said == request);
            assert_eq!(is_asked, is_allowed, "{plugin}");
        }
    }
}

#[tokio::test]
async fn the_hash_of_before_mysql_4_1_is_never_sent() {
    for mode in MODES {
        let asks = Reply::new().payload(vec![0xfe]).then_answer(Reply::ok());
        let script = Script::new().login(asks).behind_tls();
        let heard = script.heard();
        let pipe = Pipe::new(Tls::new(script, identity()), Cut::Whole);
        let (error, _) = refused(pipe, login(mode)).await;
        assert!(
            matches!(error, Error::Auth(AuthError::OldPassword)),
            "{mode}: {error:?}"
        );
        assert!(heard.take().is_empty(), "{mode}");
    }
    let named = Script::new().login(switch_to("mysql_old_password", b"ssssssss\0"));
    let (error, _) = refused(Pipe::new(named, Cut::Whole), login(SslMode::Prefer)).await;
    assert!(
        matches!(error, Error::Auth(AuthError::UnknownPlugin { .. })),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_switch_from_what_proves_the_server_to_what_does_not_is_refused() {
    for plugin in [
        "mysql_clear_password",
        "dialog",
        "sha256_password",
        "caching_sha2_password",
    ] {
        // It begins with a plugin by which it could prove itself.
        let native = switch_to("mysql_native_password", b"tttttttttttttttttttt\0");
        let other = switch_to(plugin, b"ssssssssssssssssssss\0").then_answer(Reply::ok());
        let script = Script::new().login(native.then_answer(other)).behind_tls();
        let heard = script.heard();
        let pipe = Pipe::new(Tls::new(script, identity()), Cut::Whole);
        let (error, _) = refused(pipe, login(SslMode::VerifyFull)).await;
        let AuthError::PluginProvesNothing { plugin: told } = auth(&error) else {
            panic!("{plugin}: {error:?}")
        };
        assert_eq!(told, plugin);
        // The hash by the first, and nothing else.
        let lengths: Vec<_> = heard.take().iter().map(Vec::len).collect();
        assert_eq!(lengths, [20], "{plugin}");
    }
}

#[tokio::test]
async fn a_login_that_is_let_in_without_the_proof_that_is_due_is_refused() {
    let wrong = format!("\x01{}", "0".repeat(64));
    let short = format!("\x01{}", "0".repeat(63));
    for (info, unproven) in [
        ("", Unproven::Missing),
        ("hello", Unproven::Missing),
        (short.as_str(), Unproven::Missing),
        (wrong.as_str(), Unproven::Mismatch),
    ] {
        let ok = OkPacket {
            info: info.as_bytes(),
            ..OkPacket::default()
        };
        let script = || Script::new().login(Reply::new().packet(&ok)).behind_tls();
        let pipe = Pipe::new(Tls::new(script(), identity()), Cut::Whole);
        let (error, _) = refused(pipe, login(SslMode::VerifyFull)).await;
        let found =
            matches!(&error, Error::Auth(AuthError::ServerNotProven(found)) if *found == unproven);
        assert!(found, "{info:?}: {error:?}");
        // Where no proof is due, there is none either.
        let pipe = Pipe::new(Tls::new(script(), identity()), Cut::Whole);
        let config = login(SslMode::Prefer).build().unwrap();
        let connection = Connection::connect_over(pipe, &config).await.unwrap();
        let tls = connection.tls().unwrap();
        assert!(matches!(tls.proof, TlsProof::Unproven { .. }), "{info:?}");
    }
}

#[tokio::test]
async fn the_words_of_an_unproven_server_are_told_as_those_of_anybody() {
    let denied = ErrPacket::new(
        1045,
        *b"28000",
        "Access denied: connect to evil.example.org",
    );
    let script = Script::new()
        .login(Reply::new().packet(&denied))
        .behind_tls();
    let pipe = Pipe::new(Tls::new(script, identity()), Cut::Whole);
    let (error, _) = refused(pipe, login(SslMode::VerifyFull)).await;
    let unproven = matches!(
        error,
        Error::Auth(AuthError::UnprovenServer { code: 1045, .. })
    );
    assert!(unproven, "{error:?}");
}

#[tokio::test]
async fn a_wrong_fingerprint_is_refused_before_anything_else_is_sent_in_every_mode() {
    let other: Fingerprint = "ab".repeat(32).parse().unwrap();
    for mode in MODES {
        let script = Script::new()
            .login(Reply::new().raw(b"a login has come"))
            .behind_tls();
        let pipe = Pipe::new(Tls::new(script, identity()), Cut::Whole);
        let (error, handle) = refused(pipe, login(mode).ssl_fingerprint(other.clone())).await;
        let wrong = TlsError::Certificate(CertificateProblem::WrongFingerprint);
        assert!(
            matches!(&error, Error::Tls(error) if *error == wrong),
            "{mode}: {error:?}"
        );
        assert!(!contains(&handle.received(), USER), "{mode}");
    }
}

#[tokio::test]
async fn a_change_of_user_in_clear_is_refused_as_a_login_is() {
    for (plugin, data) in REVEALING {
        let asks = asks_for_password(plugin, data);
        let script =
            Script::new().answer(move |payload| (payload[0] == 0x11).then(|| asks.clone()));
        let heard = script.heard();
        let pipe = Pipe::new(script, Cut::Whole);
        let config = login(SslMode::Prefer).build().unwrap();
        let mut connection = Connection::connect_over(pipe, &config).await.unwrap();
        let password = String::from_utf8_lossy(PASSWORD);
        let error = connection
            .change_user("v", password.as_ref(), None)
            .await
            .unwrap_err();
        assert!(is_refusal_to_reveal(&error), "{plugin}: {error:?}");
        assert!(connection.close_reason().is_some(), "{plugin}");
        assert!(!contains(&heard.take().concat(), PASSWORD), "{plugin}");
    }
}

/// The error of a login to a server that greets like this.
async fn greeted(greeting: &InitialHandshake<'_>) -> (Error, PipeHandle) {
    let script = Script::new().greet(Reply::new().packet(greeting));
    refused(Pipe::new(script, Cut::Whole), login(SslMode::Prefer)).await
}

#[tokio::test]
async fn a_server_that_lacks_what_hides_the_password_is_refused_before_anything_is_sent() {
    for lacks in [Capabilities::PROTOCOL_41, Capabilities::SECURE_CONNECTION] {
        let greeting = greeting();
        let capabilities = greeting.capabilities - lacks;
        let (error, handle) = greeted(&InitialHandshake {
            capabilities,
            ..greeting
        })
        .await;
        let refused = matches!(error, Error::Auth(AuthError::UnsupportedServer { .. }));
        assert!(refused, "{}", chain(&error));
        assert!(handle.received().is_empty());
    }
}

#[tokio::test]
async fn a_scramble_that_is_too_short_is_refused_and_what_is_behind_it_is_not_looked_at() {
    let long = vec![b's'; 100_000];
    for (plugin, bytes) in [
        ("mysql_native_password", 20),
        ("client_ed25519", 32),
        ("parsec", 32),
        ("caching_sha2_password", 20),
    ] {
        for found in [0, 1, bytes - 1] {
            let script = Script::new().login(switch_to(plugin, &long[..found]));
            let (error, _) = refused(Pipe::new(script, Cut::Whole), login(SslMode::Prefer)).await;
            let AuthError::ScrambleTooShort {
                expected,
                found: told,
                ..
            } = auth(&error)
            else {
                panic!("{plugin} {found}: {error:?}")
            };
            assert_eq!((*expected, *told), (bytes, found), "{plugin}");
        }
        let answered = switch_to(plugin, &long).then_answer(Reply::err(1045, *b"28000", "no"));
        let script = Script::new().login(answered);
        let heard = script.heard();
        let (error, _) = refused(Pipe::new(script, Cut::Whole), login(SslMode::Prefer)).await;
        assert!(
            matches!(auth(&error), AuthError::Server { code: 1045, .. }),
            "{plugin}: {error:?}"
        );
        assert!(heard.take().concat().len() <= 96, "{plugin}");
    }
}

fn auth(error: &Error) -> &AuthError {
    match error {
        Error::Auth(error) => error,
        error => panic!("{error:?}"),
    }
}

#[tokio::test]
async fn parsec_iterations_without_bound_are_refused() {
    for factor in [11, 20, 31, 64, 255] {
        let salt = [&[0x01, b'P', factor][..], &[b's'; 18]].concat();
        let salt = Reply::new().payload(salt).then_answer(Reply::ok());
        let script = Script::new().login(switch_to("parsec", &[7; 32]).then_answer(salt));
        let (error, _) = refused(Pipe::new(script, Cut::Whole), login(SslMode::Prefer)).await;
        let AuthError::TooManyRounds {
            factor: told,
            limit,
        } = auth(&error)
        else {
            panic!("{factor}: {error:?}")
        };
        assert_eq!((*told, *limit <= 10), (factor, true));
    }
}
