//! Logins that break the protocol, one by one.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use otaria::{
    AuthError, CallbackError, ConfigBuilder, Connection, Error, Password, Pem, Prompt, SslMode,
};
use otaria_auth::{AuthSwitchRequest, InitialHandshake};
use otaria_codec::{Capabilities, Encode, ErrPacket, InvalidPacket, PacketEncoder};
use protocol_tests::certificates::{Identity, Leaf};
use protocol_tests::fixture::chain;
use protocol_tests::pipe::{Action, Cut, Peer, Pipe};
use protocol_tests::script::{CAPABILITIES, Reply, Script, Tls, greeting};

use crate::calls::config;
use crate::exchange::{CONNECT_TIMEOUT, in_time};

/// The error of a login to `peer`.
async fn refused(peer: impl Peer + 'static) -> Error {
    refused_by(peer, config()).await
}

/// The same of a client that is configured so.
async fn refused_by(peer: impl Peer + 'static, config: ConfigBuilder) -> Error {
    let config = config.build().unwrap();
    let pipe = Pipe::new(peer, Cut::Whole);
    let connected = in_time(CONNECT_TIMEOUT, Connection::connect_over(pipe, &config)).await;
    connected.expect_err("the login fails")
}

/// A server that greets, asks for a plugin, and answers whatever it gets then with the same
/// packet: for ever, as far as a client with limits can tell.
struct Endless {
    greeting: InitialHandshake<'static>,
    switch: Option<Vec<u8>>,
    answer: Vec<u8>,
    sequence_number: u8,
    answers_left: usize,
}

impl Endless {
    fn new(switch: &AuthSwitchRequest<'_>, answer: &[u8]) -> Self {
        Self {
            greeting: greeting(),
            switch: Some(payload(switch)),
            answer: answer.to_vec(),
            sequence_number: 2,
            answers_left: MAX_ANSWERS,
        }
    }

    fn behind_tls(mut self) -> Self {
        self.greeting.capabilities |= Capabilities::SSL;
        self.sequence_number += 1;
        self
    }
}

impl Peer for Endless {
    fn greet(&mut self) -> Vec<Action> {
        Reply::new().packet(&self.greeting).actions(0)
    }

    fn receive(&mut self, _: &[u8]) -> Vec<Action> {
        let left = self.answers_left.checked_sub(1);
        self.answers_left = left.expect("a login that nothing limits");
        let answer = self.switch.take().unwrap_or_else(|| self.answer.clone());
        let reply = Reply::new().payload(answer);
        let actions = reply.actions(self.sequence_number);
        self.sequence_number = self.sequence_number.wrapping_add(2);
        actions
    }
}

fn payload(packet: &impl Encode) -> Vec<u8> {
    let mut encoder = PacketEncoder::new();
    encoder.packet(packet, CAPABILITIES);
    encoder.bytes()[4..].to_vec()
}

#[tokio::test(start_paused = true)]
async fn endless_auth_switches_end_at_the_limit() {
    let switch = AuthSwitchRequest {
        auth_plugin: "mysql_native_password",
        plugin_data: b"01234567890123456789\0",
    };
    let error = refused(Endless::new(&switch, &payload(&switch))).await;
    let Error::Auth(AuthError::TooManySwitches { limit }) = error else {
        panic!("{}", chain(&error));
    };
    assert!(limit <= 10, "{limit}");
}

#[tokio::test(start_paused = true)]
async fn endless_plugin_data_ends_the_login() {
    let identity = Identity::self_signed(&Leaf::server(["db.example.org"]));
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    // Most plugins are done by their first word; this one answers whatever it is asked.
    let config = config()
        .host("db.example.org")
        .ssl_mode(SslMode::VerifyFull)
        .ssl_ca(Pem::bytes(identity.certificate_pem().into_bytes()))
        .clear_password(true)
        .prompt_handler(move |_: Prompt| {
            counter.fetch_add(1, Ordering::SeqCst);
            async { Ok::<_, CallbackError>(Password::from("123 456")) }
        });
    let question = b"\x04Password: ";
    let switch = AuthSwitchRequest {
        auth_plugin: "dialog",
        plugin_data: question,
    };
    let endless = Endless::new(&switch, question).behind_tls();
    let error = refused_by(Tls::new(endless, &identity), config).await;
    let Error::Auth(AuthError::TooMuchPluginData { limit }) = error else {
        panic!("{}", chain(&error));
    };
    assert!(limit <= 100, "{limit}");
    // The password of the configuration answers the question of the switch.
    assert_eq!(asked.load(Ordering::SeqCst), limit);
}

#[tokio::test(start_paused = true)]
async fn err_as_the_very_first_packet_without_sqlstate_reports_the_servers_own_words() {
    let too_many = ErrPacket {
        code: 1040,
        sqlstate: None,
        message: b"Too many connections",
    };
    let script = Script::new().greet(Reply::new().packet(&too_many).close());
    let text = chain(&refused(script).await);
    assert!(text.contains("Too many connections"), "{text}");
    assert!(text.contains("1040"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn err_in_place_of_the_greeting_too_many_connections_host_blocked_or_not_allowed() {
    for (code, message) in [
        (1040, "Too many connections"),
        (
            1129,
            "Host 'h' is blocked because of many connection errors",
        ),
        (
            1130,
            "Host 'h' is not allowed to connect to this MariaDB server",
        ),
    ] {
        let err = ErrPacket {
            code,
            sqlstate: None,
            message: message.as_bytes(),
        };
        let error = refused(Script::new().greet(Reply::new().packet(&err).close())).await;
        let expected = AuthError::Server {
            code,
            sqlstate: None,
            message: message.to_owned(),
        };
        assert!(
            matches!(&error, Error::Auth(found) if *found == expected),
            "{}",
            chain(&error)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn empty_packet_in_place_of_the_greeting_or_the_answer_is_an_error() {
    let empty = || Reply::new().payload(Vec::new());
    for script in [Script::new().greet(empty()), Script::new().login(empty())] {
        let error = refused(script).await;
        let invalid = matches!(error, Error::InvalidPacket(InvalidPacket::Empty { .. }));
        assert!(invalid, "{}", chain(&error));
    }
}

#[tokio::test(start_paused = true)]
async fn hostile_server_local_infile_during_login_is_refused() {
    let script = Script::new().login(Reply::new().payload(b"\xfb/etc/passwd".to_vec()));
    let error = refused(script).await;
    assert!(chain(&error).contains("Authentication exchange"));
}

#[tokio::test(start_paused = true)]
async fn greeting_that_never_comes_names_what_was_waited_for() {
    let error = refused(Script::new().greet(Reply::new())).await;
    assert_eq!(
        chain(&error),
        "timed out while waiting to receive: Initial handshake packet"
    );
}

#[tokio::test(start_paused = true)]
async fn greeting_of_a_mebibyte_is_refused_before_it_is_received() {
    let error = refused(Script::new().greet(Reply::new().raw(&[0xff, 0xff, 0xff, 0, 10]))).await;
    assert!(chain(&error).contains("longer than the limit"));
}

/// A broken packet is the server's fault in the login too, so a caller finds it in one place.
#[tokio::test(start_paused = true)]
async fn broken_packet_of_a_login_is_an_invalid_packet_error() {
    let error = refused(Script::new().greet(Reply::new().payload(vec![9]))).await;
    assert!(matches!(error, Error::InvalidPacket(_)), "{error:?}");
}

/// A few times as many as a client lets a server send of anything in a login.
const MAX_ANSWERS: usize = 300;
