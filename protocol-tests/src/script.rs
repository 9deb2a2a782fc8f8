//! A fake server that logs a client in and answers its commands from a script.

mod layers;
mod statements;
mod tls;

use std::fmt;
use std::sync::{Arc, Mutex};

use otaria_auth::{InitialHandshake, SCRAMBLE_BYTES};
use otaria_codec::{
    Capabilities, ColumnCount, ColumnDefinition, CompressedDecoder, CompressedEncoder, Encode,
    EofPacket, ErrPacket, FieldType, LocalInfilePacket, OkPacket, PacketDecoder, PacketEncoder,
    ServerStatus,
};
use otaria_text::{TextCell, TextRowPacket};

use crate::pipe::{Action, Peer};

pub use layers::Layers;
pub use statements::{FakeStatement, FakeStatements, text_columns, unknown_statement};
pub use tls::Tls;

/// What the server answers to a command.
#[derive(Clone, Debug, Default)]
pub struct Reply {
    parts: Vec<Part>,
    then: Option<Box<(Awaited, Reply)>>,
}

/// What the server waits for in the middle of its reply.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Awaited {
    /// One packet.
    Answer,
    /// The content of a file: packets up to an empty one.
    File,
    /// The first packet of the content of a file, of which the rest is not read.
    StartOfFile,
}

#[derive(Clone, Debug)]
enum Part {
    /// A payload, in packets of its own.
    Payload(Vec<u8>),
    /// Bytes as they are.
    Raw(Vec<u8>),
    Close,
    Reset,
}

impl Reply {
    /// Nothing: the server hangs.
    pub fn new() -> Self {
        Self::default()
    }

    /// An OK packet.
    pub fn ok() -> Self {
        Self::new().packet(&OkPacket {
            status: ServerStatus::AUTOCOMMIT,
            ..OkPacket::default()
        })
    }

    /// An ERR packet.
    pub fn err(code: u16, sqlstate: [u8; 5], message: &str) -> Self {
        Self::new().packet(&ErrPacket::new(code, sqlstate, message))
    }

    /// A result set of text columns.
    pub fn rows<R, C>(names: &[&str], rows: impl IntoIterator<Item = R>) -> Self
    where
        R: IntoIterator<Item = C>,
        C: Into<TextCell>,
    {
        Self::new().result_set(names, rows, ServerStatus::AUTOCOMMIT)
    }

    /// Goes on with a result set of text columns, which ends with `status`.
    #[must_use]
    pub fn result_set<R, C>(
        self,
        names: &[&str],
        rows: impl IntoIterator<Item = R>,
        status: ServerStatus,
    ) -> Self
    where
        R: IntoIterator<Item = C>,
        C: Into<TextCell>,
    {
        let reply = rows.into_iter().fold(self.head(names), |reply, row| {
            reply.packet(&TextRowPacket::of(row))
        });
        reply.packet(&OkPacket {
            ends_result_set: true,
            status,
            ..OkPacket::default()
        })
    }

    /// Goes on with the head of a result set of text columns.
    #[must_use]
    pub fn head(self, names: &[&str]) -> Self {
        let columns = u16::try_from(names.len()).expect("few columns");
        let count = ColumnCount {
            columns,
            metadata_follows: true,
        };
        names.iter().fold(self.packet(&count), |reply, name| {
            reply.packet(&ColumnDefinition::new(name, FieldType::VarString).with_collation(45))
        })
    }

    /// Goes on with a packet.
    #[must_use]
    pub fn packet(self, packet: &impl Encode) -> Self {
        self.packet_for(packet, CAPABILITIES)
    }

    /// Goes on with a packet for a client that has negotiated something else.
    #[must_use]
    pub fn packet_for(self, packet: &impl Encode, capabilities: Capabilities) -> Self {
        let mut encoder = PacketEncoder::new();
        encoder.packet(packet, capabilities);
        let payload = encoder.bytes()[4..].to_vec();
        self.payload(payload)
    }

    /// Goes on with a payload that fits into one packet.
    #[must_use]
    pub fn payload(mut self, payload: Vec<u8>) -> Self {
        self.parts.push(Part::Payload(payload));
        self
    }

    /// Goes on with bytes as they are.
    #[must_use]
    pub fn raw(mut self, bytes: &[u8]) -> Self {
        self.parts.push(Part::Raw(bytes.to_vec()));
        self
    }

    /// Waits for one packet of the client, and goes on with `reply`.
    #[must_use]
    pub fn then_answer(mut self, reply: Self) -> Self {
        self.then = Some(Box::new((Awaited::Answer, reply)));
        self
    }

    /// Asks for the content of a file, and goes on with `reply` when it has come.
    #[must_use]
    pub fn then_file(self, file_name: &[u8], reply: Self) -> Self {
        let mut asking = self.packet(&LocalInfilePacket { file_name });
        asking.then = Some(Box::new((Awaited::File, reply)));
        asking
    }

    /// Asks for the content of a file, and goes on with `reply` when its first packet has come.
    /// Nothing is heard any more after that.
    #[must_use]
    pub fn then_start_of_file(self, file_name: &[u8], reply: Self) -> Self {
        let mut asking = self.packet(&LocalInfilePacket { file_name });
        asking.then = Some(Box::new((Awaited::StartOfFile, reply)));
        asking
    }

    /// Closes the connection.
    #[must_use]
    pub fn close(mut self) -> Self {
        self.parts.push(Part::Close);
        self
    }

    /// Resets the connection.
    #[must_use]
    pub fn reset(mut self) -> Self {
        self.parts.push(Part::Reset);
        self
    }

    /// The packets of the reply, whose first one has this sequence number, up to where it waits for
    /// the client.
    pub fn actions(&self, sequence_number: u8) -> Vec<Action> {
        self.numbered_actions(sequence_number).0
    }

    /// The same, and the sequence number after the last.
    fn numbered_actions(&self, sequence_number: u8) -> (Vec<Action>, u8) {
        let mut encoder = PacketEncoder::new();
        encoder.set_sequence_number(sequence_number);
        let actions = self
            .parts
            .iter()
            .map(|part| match part {
                Part::Payload(payload) => {
                    encoder.payload(|out| out.bytes(payload));
                    Action::Send(encoder.take())
                }
                Part::Raw(bytes) => Action::Send(bytes.clone()),
                Part::Close => Action::Close,
                Part::Reset => Action::Reset,
            })
            .collect();
        (actions, encoder.sequence_number())
    }

    /// The bytes of the reply to a command.
    pub fn bytes(&self) -> Vec<u8> {
        self.actions(1)
            .into_iter()
            .flat_map(|action| match action {
                Action::Send(bytes) => bytes,
                _ => Vec::new(),
            })
            .collect()
    }
}

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

/// A [`Script`] that speaks compressed packets once it has logged a client in.
#[derive(Debug)]
pub struct Compressed {
    script: Script,
    decoder: CompressedDecoder,
    encoder: CompressedEncoder,
    /// The number of the next compressed packet, whichever side sends it.
    sequence_number: u8,
    logged_in: bool,
}

impl Compressed {
    /// Compresses every answer of `script`.
    pub fn new(script: Script) -> Self {
        let (decoder, encoder) = (CompressedDecoder::new(), CompressedEncoder::new(6, 0));
        Self {
            script,
            decoder,
            encoder,
            sequence_number: 0,
            logged_in: false,
        }
    }
}

impl Peer for Compressed {
    fn greet(&mut self) -> Vec<Action> {
        Peer::greet(&mut self.script)
    }

    fn receive(&mut self, bytes: &[u8]) -> Vec<Action> {
        if !self.logged_in {
            let actions = self.script.receive(bytes);
            self.logged_in = self.script.logged_in;
            return actions;
        }
        self.decoder.buffer_mut().extend_from_slice(bytes);
        let mut actions = Vec::new();
        let mut plain = Vec::new();
        loop {
            match self.decoder.poll_packet(&mut plain) {
                Ok(true) => self.sequence_number = self.sequence_number.wrapping_add(1),
                Ok(false) => return actions,
                Err(error) => {
                    assert!((self.script.forgives)(), "no compressed packets: {error}");
                    actions.push(Action::Close);
                    return actions;
                }
            }
            let found = self.decoder.sequence_number();
            let is_next = found == self.sequence_number;
            let takes_any = self.script.hearing == Hearing::AnyNumber;
            if !is_next && !takes_any {
                assert!((self.script.forgives)(), "compressed packets count up");
                actions.push(Action::Close);
                return actions;
            }
            self.sequence_number = found;
            actions.extend(self.answer(&plain));
            plain.clear();
        }
    }
}

impl Compressed {
    fn answer(&mut self, plain: &[u8]) -> Vec<Action> {
        let mut answer = Vec::new();
        let mut actions = Vec::new();
        for action in self.script.receive(plain) {
            match action {
                Action::Send(bytes) => answer.extend(bytes),
                end => actions.push(end),
            }
        }
        let mut compressed = Vec::new();
        self.sequence_number = self
            .encoder
            .encode(&answer, self.sequence_number, &mut compressed);
        if self.script.is_between_commands() {
            self.sequence_number = 0;
        }
        actions.insert(0, Action::Send(compressed));
        actions
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
