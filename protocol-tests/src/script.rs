//! A fake server that logs a client in and answers its commands from a script.

mod compressed;
mod layers;
mod reply;
mod statements;
mod tls;

use std::fmt;
use std::sync::{Arc, Mutex};

use otaria_auth::{InitialHandshake, SCRAMBLE_BYTES};
use otaria_codec::{Capabilities, Encode, EofPacket, PacketDecoder, PacketEncoder, ServerStatus};

use crate::pipe::{Action, Peer};

use reply::Awaited;

pub use compressed::Compressed;
pub use layers::Layers;
pub use reply::Reply;
pub use statements::{FakeStatement, FakeStatements, text_columns, unknown_statement};
pub use tls::Tls;

type Answer = Box<dyn FnMut(&[u8]) -> Option<Reply> + Send>;

/// A server: it greets, accepts any login, and answers commands.
pub struct Script {
    greeting: Reply,
    login: Reply,
    answers: Vec<Answer>,
    decoder: PacketDecoder,
    /// Of the handshake response.
    sequence_number: u8,
    logged_in: bool,
    quit: bool,
    hearing: Hearing,
    /// What the reply under way waits for, and how it goes on.
    awaited: Option<(Awaited, Reply)>,
    file: Vec<u8>,
    heard: Heard,
    /// Whether a client that sends something else than packets is only left.
    forgives: Box<dyn Fn() -> bool + Send>,
}

/// What a server makes of what it is sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Hearing {
    /// Packets, which have the right sequence numbers.
    Strict,
    /// Packets with any sequence number.
    AnyNumber,
    Nothing,
}

/// What a client has said inside exchanges: answers, and the content of files, each as one.
#[derive(Clone, Debug, Default)]
pub struct Heard(Arc<Mutex<Vec<Vec<u8>>>>);

impl Heard {
    /// Takes all of it.
    pub fn take(&self) -> Vec<Vec<u8>> {
        std::mem::take(
            &mut *self
                .0
                .lock()
                .expect("no test panics while it holds the lock"),
        )
    }

    fn push(&self, said: Vec<u8>) {
        let mut heard = self
            .0
            .lock()
            .expect("no test panics while it holds the lock");
        heard.push(said);
    }
}

impl Script {
    /// A server that accepts every login and knows no command but `COM_QUIT`; it panics on others.
    pub fn new() -> Self {
        Self {
            greeting: Reply::new().packet(&greeting()),
            login: Reply::ok(),
            answers: Vec::new(),
            decoder: PacketDecoder::new(64 * 1024 * 1024),
            sequence_number: 1,
            logged_in: false,
            quit: false,
            hearing: Hearing::Strict,
            awaited: None,
            file: Vec::new(),
            heard: Heard::default(),
            forgives: Box::new(|| false),
        }
    }

    /// Offers TLS, and expects the handshake response behind an `SSLRequest`, which [`Tls`] takes.
    #[must_use]
    pub fn behind_tls(self) -> Self {
        let greeting = InitialHandshake {
            capabilities: greeting().capabilities | Capabilities::SSL,
            ..greeting()
        };
        let mut script = self.greet(Reply::new().packet(&greeting));
        script.sequence_number = 2;
        script
    }

    /// What the client says inside exchanges, for a test that has given the server away.
    pub fn heard(&self) -> Heard {
        self.heard.clone()
    }

    /// Closes the connection, in place of a panic, when the client sends something else than packets
    /// while `forgives` says so: it may then have been told nonsense.
    #[must_use]
    pub fn forgive(mut self, forgives: impl Fn() -> bool + Send + 'static) -> Self {
        self.forgives = Box::new(forgives);
        self
    }

    /// Greets with `reply`.
    #[must_use]
    pub fn greet(mut self, reply: Reply) -> Self {
        self.greeting = reply;
        self
    }

    /// Answers the handshake response with `reply`.
    #[must_use]
    pub fn login(mut self, reply: Reply) -> Self {
        self.login = reply;
        self
    }

    /// Answers `command`, whenever it comes, with `reply`.
    #[must_use]
    pub fn on(mut self, command: &impl Encode, reply: Reply) -> Self {
        let mut encoder = PacketEncoder::new();
        encoder.packet(command, CAPABILITIES);
        let expected = encoder.bytes()[4..].to_vec();
        self.answers.push(Box::new(move |payload| {
            (payload == expected).then(|| reply.clone())
        }));
        self
    }

    /// Answers commands as `answer` says; `None` leaves one to the other answers.
    #[must_use]
    pub fn answer(mut self, answer: impl FnMut(&[u8]) -> Option<Reply> + Send + 'static) -> Self {
        self.answers.push(Box::new(answer));
        self
    }

    /// Takes whatever the client sends behind the login for commands, whatever its sequence number is:
    /// a server that has asked for something and hears what was on its way already.
    #[must_use]
    pub fn taking_any_number(mut self) -> Self {
        self.hearing = Hearing::AnyNumber;
        self
    }

    /// Whether the next packet begins a command.
    fn is_between_commands(&self) -> bool {
        self.awaited.is_none() && self.decoder.unread() == 0
    }

    /// The reply to a packet, or to the last one of a file.
    fn reply_to(&mut self, payload: Vec<u8>) -> Option<Reply> {
        match self.awaited.take() {
            None if self.logged_in => Some(self.reply(&payload)),
            None => {
                self.logged_in = true;
                Some(self.login.clone())
            }
            Some((Awaited::Answer, reply)) => {
                self.heard.push(payload);
                Some(reply)
            }
            Some((Awaited::StartOfFile, reply)) => {
                self.hearing = Hearing::Nothing;
                self.heard.push(payload);
                Some(reply)
            }
            Some((Awaited::File, reply)) if payload.is_empty() => {
                self.heard.push(std::mem::take(&mut self.file));
                Some(reply)
            }
            awaited => {
                self.file.extend(payload);
                self.awaited = awaited;
                None
            }
        }
    }

    fn reply(&mut self, payload: &[u8]) -> Reply {
        assert!(!self.quit, "a command after COM_QUIT");
        if payload == [0x01] {
            self.quit = true;
            return Reply::new().close();
        }
        let reply = self.answers.iter_mut().find_map(|answer| answer(payload));
        reply.unwrap_or_else(|| {
            panic!(
                "no answer to the command {}",
                String::from_utf8_lossy(payload)
            )
        })
    }
}

impl Default for Script {
    fn default() -> Self {
        Self::new()
    }
}

impl Peer for Script {
    fn greet(&mut self) -> Vec<Action> {
        self.decoder.set_sequence_number(self.sequence_number);
        self.greeting.actions(0)
    }

    fn receive(&mut self, bytes: &[u8]) -> Vec<Action> {
        let mut actions = Vec::new();
        if self.hearing == Hearing::Nothing {
            return actions;
        }
        self.decoder.buffer_mut().extend_from_slice(bytes);
        loop {
            let packet = match self.decoder.poll_packet() {
                Ok(Some(packet)) => packet,
                Ok(None) => break,
                Err(error) => {
                    assert!((self.forgives)(), "the client sends no packets: {error}");
                    self.hearing = Hearing::Nothing;
                    actions.push(Action::Close);
                    break;
                }
            };
            let sequence_number = self.decoder.sequence_number();
            if self.hearing == Hearing::AnyNumber {
                self.decoder.ignore_sequence_numbers();
            }
            let payload = self.decoder.payload(packet).to_vec();
            let Some(reply) = self.reply_to(payload) else {
                continue;
            };
            let (sent, next) = reply.numbered_actions(sequence_number);
            actions.extend(sent);
            self.awaited = reply.then.map(|then| *then);
            let in_exchange = self.awaited.is_some();
            self.decoder
                .set_sequence_number(if in_exchange { next } else { 0 });
            if self.hearing == Hearing::Nothing {
                break;
            }
        }
        actions
    }
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Script")
            .field("answers", &self.answers.len())
            .finish_non_exhaustive()
    }
}

/// A greeting like that of MariaDB 11.8.
pub fn greeting() -> InitialHandshake<'static> {
    InitialHandshake {
        server_version: b"11.8.6-MariaDB",
        thread_id: 7,
        scramble: [b's'; SCRAMBLE_BYTES],
        capabilities: Capabilities::from_words(0x81ff_f7fe, 0x3d),
        collation: 45,
        status: ServerStatus::AUTOCOMMIT,
        default_auth_plugin: "mysql_native_password",
    }
}

/// An EOF packet without warnings.
pub fn eof() -> EofPacket {
    EofPacket {
        warnings: 0,
        status: ServerStatus::AUTOCOMMIT,
    }
}

/// What the client and the server of a [`Script`] negotiate.
pub const CAPABILITIES: Capabilities = Capabilities::DEPRECATE_EOF
    .union(Capabilities::SESSION_TRACK)
    .union(Capabilities::MARIADB_CLIENT_STMT_BULK_OPERATIONS)
    .union(Capabilities::MARIADB_CLIENT_EXTENDED_METADATA)
    .union(Capabilities::MARIADB_CLIENT_CACHE_METADATA)
    .union(Capabilities::PROTOCOL_41)
    .union(Capabilities::PLUGIN_AUTH)
    .union(Capabilities::SECURE_CONNECTION);
