//! Logins of several packets, by plugins that ask and derive, dropped at every poll.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use otaria::{
    AuthError, CallbackError, Config, ConfigBuilder, Connection, Credentials, Error, Password, Pem,
    Prompt, SslMode,
};
use otaria_auth::AuthSwitchRequest;
use otaria_text::ComPing;
use protocol_tests::certificates::{Identity, Leaf};
use protocol_tests::pipe::{Cut, Pipe};
use protocol_tests::polls::{at_every_poll, poll_times};
use protocol_tests::script::{Heard, Reply, Script, Tls};

fn switch_to(auth_plugin: &'static str, plugin_data: &[u8]) -> Reply {
    Reply::new().packet(&AuthSwitchRequest {
        auth_plugin,
        plugin_data,
    })
}

/// A server whose accounts have `parsec`, with `1024 << factor` rounds.
fn parsec(factor: u8) -> Script {
    let salt = [&[0x01, b'P', factor][..], b"eighteen bytes ..."].concat();
    // It asks for the salt by an empty packet, and signs with the key that it makes of it.
    let login = switch_to("parsec", &[7; 32])
        .then_answer(Reply::new().payload(salt).then_answer(Reply::ok()));
    Script::new().login(login).on(&ComPing, Reply::ok())
}

/// A server whose accounts have PAM, which asks for the password and then for a code.
fn pam() -> Script {
    let code = Reply::new().payload(b"\x03Code: ".to_vec());
    let login = switch_to("dialog", b"\x04Password: ").then_answer(code.then_answer(Reply::ok()));
    Script::new().login(login).on(&ComPing, Reply::ok())
}

fn config() -> ConfigBuilder {
    let config = Config::builder().host("db.example.org");
    config.user("u").password("the password")
}

/// Logs in over a pipe that gives one byte a poll, dropped after each number of polls. Returns how
/// many polls it takes, and what the last server heard.
async fn dropped_at_every_poll(
    config: ConfigBuilder,
    mut pipe: impl FnMut() -> (Pipe, Heard),
) -> (usize, Vec<Vec<u8>>) {
    let config = config.build().unwrap();
    let mut said = Vec::new();
    let polls = at_every_poll(async |polls| {
        let (pipe, heard) = pipe();
        let handle = pipe.handle();
        let login = Connection::connect_over(pipe, &config);
        let Some(connection) = poll_times(login, polls).await else {
            assert!(handle.client_is_gone(), "after {polls} polls");
            return false;
        };
        connection.unwrap().ping().await.unwrap();
        said = heard.take();
        true
    })
    .await;
    (polls, said)
}

fn served(script: Script) -> (Pipe, Heard) {
    let heard = script.heard();
    (Pipe::new(script, Cut::Every(1)), heard)
}

#[tokio::test]
async fn a_login_by_parsec_dropped_at_every_poll() {
    let (polls, heard) = dropped_at_every_poll(config(), || served(parsec(0))).await;
    assert!(polls > 200, "{polls}");
    // The request for the salt, and 32 random bytes with their signature.
    let lengths: Vec<_> = heard.iter().map(Vec::len).collect();
    assert_eq!(lengths, [0, 96]);
}

#[tokio::test]
async fn a_login_that_asks_a_person_dropped_at_every_poll() {
    let identity = Identity::self_signed(&Leaf::server(["db.example.org"]));
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let config = config()
        .ssl_mode(SslMode::VerifyFull)
        .ssl_ca(Pem::bytes(identity.certificate_pem().into_bytes()))
        .ssl_resumption(false)
        .clear_password(true)
        .prompt_handler(move |prompt: Prompt| {
            counter.fetch_add(1, Ordering::SeqCst);
            async move {
                tokio::task::yield_now().await;
                assert_eq!((prompt.message(), prompt.echo()), ("Code: ", true));
                Ok::<_, CallbackError>(Password::from("123 456"))
            }
        });
    let (_, heard) = dropped_at_every_poll(config, || {
        let script = pam().behind_tls();
        let heard = script.heard();
        (
            Pipe::new(Tls::new(script, &identity), Cut::Every(29)),
            heard,
        )
    })
    .await;
    assert_eq!(heard, [&b"the password\0"[..], b"123 456\0"]);
    assert!(asked.load(Ordering::SeqCst) > 1);
}

#[tokio::test]
async fn a_question_without_a_handler_is_an_error_that_says_what_to_set() {
    let identity = Identity::self_signed(&Leaf::server(["db.example.org"]));
    let config = config()
        .ssl_mode(SslMode::VerifyFull)
        .ssl_ca(Pem::bytes(identity.certificate_pem().into_bytes()))
        .clear_password(true);
    let log_in = async |config: ConfigBuilder| {
        let peer = Tls::new(pam().behind_tls(), &identity);
        let pipe = Pipe::new(peer, Cut::Whole);
        Connection::connect_over(pipe, &config.build().unwrap())
            .await
            .unwrap_err()
    };
    let error = log_in(config.clone()).await;
    assert!(error.to_string().contains("prompt_handler"), "{error}");
    let failing = |_: Prompt| async { Err::<Password, _>("nobody is there") };
    let error = log_in(config.prompt_handler(failing)).await;
    assert!(
        matches!(error, Error::Prompt { source: Some(_) }),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_password_in_clear_is_refused_over_what_is_not_proven_and_the_error_names_the_ways_out() {
    for plugin in ["mysql_clear_password", "dialog"] {
        let script = || Script::new().login(switch_to(plugin, b"").then_answer(Reply::ok()));
        let config = config().clear_password(true);
        let plain = script();
        let heard = plain.heard();
        let pipe = Pipe::new(plain, Cut::Whole);
        let config = config.build().unwrap();
        let error = Connection::connect_over(pipe, &config).await.unwrap_err();
        let Error::Auth(error @ AuthError::UnprovenChannel { .. }) = error else {
            panic!("{plugin}: {error:?}")
        };
        for way in ["verify-full", "fingerprint", "Unix socket"] {
            assert!(error.to_string().contains(way), "{error}");
        }
        // TLS that nothing proves is no better.
        let tls = script().behind_tls();
        let heard_inside = tls.heard();
        let identity = Identity::self_signed(&Leaf::server(["db.example.org"]));
        let pipe = Pipe::new(Tls::new(tls, &identity), Cut::Whole);
        let error = Connection::connect_over(pipe, &config).await.unwrap_err();
        let refused = matches!(error, Error::Auth(AuthError::UnprovenChannel { .. }));
        assert!(refused, "{plugin}: {error:?}");
        assert!(heard.take().is_empty() && heard_inside.take().is_empty());
    }
}

/// Otherwise a server could take the executor's thread for as long as it likes.
#[tokio::test]
async fn a_key_of_many_rounds_is_derived_while_other_tasks_run() {
    let running = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&running);
    let other = tokio::spawn(async move {
        loop {
            counter.fetch_add(1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    let pipe = Pipe::new(parsec(7), Cut::Whole);
    let config = config().connect_timeout(Duration::from_secs(300));
    let mut connection = Connection::connect_over(pipe, &config.build().unwrap())
        .await
        .unwrap();
    connection.ping().await.unwrap();
    other.abort();
    // The 131,072 rounds take a tenth of a second at the least.
    assert!(running.load(Ordering::SeqCst) > 20);
}

#[tokio::test]
async fn a_key_of_more_rounds_than_are_allowed_is_refused() {
    for factor in [11, 31, 63, 255] {
        let pipe = Pipe::new(parsec(factor), Cut::Whole);
        let error = Connection::connect_over(pipe, &config().build().unwrap()).await;
        let error = error.unwrap_err();
        let refused = matches!(error, Error::Auth(AuthError::TooManyRounds { .. }));
        assert!(refused, "{factor}: {error:?}");
    }
}

#[tokio::test]
async fn a_provider_of_credentials_is_dropped_with_the_login() {
    let config = config().credentials_provider(|| async {
        for _ in 0..3 {
            tokio::task::yield_now().await;
        }
        Ok::<_, CallbackError>(Credentials::new("u", "p"))
    });
    let script = || Script::new().on(&ComPing, Reply::ok());
    let (polls, _) = dropped_at_every_poll(config, || served(script())).await;
    assert!(polls > 100, "{polls}");
}
