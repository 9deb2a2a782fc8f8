//! The login, inside TLS or not, and a change of user: whatever a server sends, the client sends whole
//! packets, and its password only where nobody can listen.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use otaria_auth::{
    AuthError, AuthPlugin, AuthPluginFactory, AuthStep, Channel, ClearPassword, ComChangeUser,
    Dialog, Handshake, HandshakeResponse, HandshakeStep, InitialHandshake, LoginConfig, Parsec,
    Password, ServerInfo, ServerProof, ServerProofOutcome, SslRequest, TlsRequest,
};
use otaria_codec::{Capabilities, Decode, PacketDecoder, PacketEncoder, PayloadWriter};
use otaria_fuzz::{Input, comes_back};

fuzz_target!(|data: &[u8]| {
    let mut input = Input::new(data);
    let mut client = Client::new(Flags(input.byte()));
    let mut handshake = Handshake::new(client.login(), [0; 32]);
    let mut connected = false;
    for payload in input.payloads() {
        comes_back!(InitialHandshake<'_>, payload, Capabilities::empty());
        client.received();
        let step = client.step(|channel, out| handshake.handle(payload, channel, out));
        match step.and_then(|step| client.finish(step)) {
            Some(Next::Packet(next)) => handshake = *next,
            Some(Next::Connected(server)) if client.flags.has(Flags::CHANGE_USER) && !connected => {
                connected = true;
                let Some(next) = client.change_user(&server) else {
                    return;
                };
                handshake = next;
            }
            Some(Next::Connected(_)) | None => return,
        }
    }
});

/// What a run is about.
#[derive(Clone, Copy, Debug)]
struct Flags(u8);

impl Flags {
    const UNIX_SOCKET: u8 = 0x01;
    const NO_PASSWORD: u8 = 0x02;
    const DATABASE: u8 = 0x04;
    const TLS: u8 = 0x08;
    const PROVEN: u8 = 0x10;
    const PROOF_WANTED: u8 = 0x20;
    const PROOF_REQUIRED: u8 = 0x40;
    const CHANGE_USER: u8 = 0x80;

    const fn has(self, flag: u8) -> bool {
        self.0 & flag != 0
    }

    fn proof(self) -> ServerProof {
        let certificate_sha256 = [0xcc; 32];
        if self.has(Self::PROOF_REQUIRED) {
            ServerProof::Required { certificate_sha256 }
        } else if self.has(Self::PROOF_WANTED) {
            ServerProof::Wanted { certificate_sha256 }
        } else {
            ServerProof::NotNeeded
        }
    }
}

/// What comes after a step and all that it asks for.
enum Next {
    Packet(Box<Handshake>),
    Connected(ServerInfo),
}

struct Client {
    flags: Flags,
    channel: Channel,
    sequence_number: u8,
    /// How many packets have come.
    packets: usize,
}

impl Client {
    fn new(flags: Flags) -> Self {
        Self {
            flags,
            channel: if flags.has(Flags::UNIX_SOCKET) {
                Channel::UnixSocket
            } else {
                Channel::Plain
            },
            sequence_number: 0,
            packets: 0,
        }
    }

    fn login(&self) -> LoginConfig {
        let password = if self.flags.has(Flags::NO_PASSWORD) {
            b""
        } else {
            PASSWORD
        };
        let mut login = LoginConfig::new(USER, Password::new(password.to_vec()));
        let parsec = Parsec::default().with_max_iteration_factor(0);
        login.plugins = login.plugins.with(Arc::new(Clear));
        login.plugins = login.plugins.with(Arc::new(ClearPassword));
        login.plugins = login.plugins.with(Arc::new(Dialog));
        login.plugins = login.plugins.with(Arc::new(parsec));
        if self.flags.has(Flags::DATABASE) {
            login.database = Some("shop".to_owned());
            login.attributes = vec![("_client_name".to_owned(), "fuzz".to_owned())];
        }
        if self.flags.has(Flags::TLS) {
            login.tls = TlsRequest::IfOffered;
        }
        login
    }

    fn received(&mut self) {
        self.packets += 1;
        self.sequence_number = self.sequence_number.wrapping_add(1);
    }

    /// Takes one step, which sends one packet at most, and none if it fails.
    fn step(
        &mut self,
        step: impl FnOnce(Channel, &mut PacketEncoder) -> Result<HandshakeStep, AuthError>,
    ) -> Option<HandshakeStep> {
        let mut out = PacketEncoder::new();
        out.set_sequence_number(self.sequence_number);
        let step = step(self.channel, &mut out);
        let sent = self.check_sent(&out);
        self.sequence_number = out.sequence_number();
        match step {
            Ok(step) => {
                self.check_step(&step, &sent);
                Some(step)
            }
            Err(error) => {
                assert!(sent.is_empty() && !error.to_string().is_empty());
                None
            }
        }
    }

    fn check_sent(&self, out: &PacketEncoder) -> Vec<Vec<u8>> {
        let sent = sent(out.bytes(), self.sequence_number);
        assert!(sent.len() <= 1);
        if !self.channel.is_proven() {
            let mut windows = out.bytes().windows(PASSWORD.len());
            assert!(!windows.any(|part| part == PASSWORD));
        }
        sent
    }

    fn check_step(&self, step: &HandshakeStep, sent: &[Vec<u8>]) {
        match step {
            HandshakeStep::StartTls(_) => {
                let request = SslRequest::decode(&sent[0], Capabilities::empty()).unwrap();
                assert!(request.capabilities.contains(Capabilities::SSL));
            }
            HandshakeStep::Continue(_) if self.packets == 1 => {
                let response = HandshakeResponse::decode(&sent[0], Capabilities::empty());
                let user = response.map(|response| response.user.to_owned());
                assert_eq!(user, Ok(USER.to_owned()));
            }
            HandshakeStep::Connected(server) => {
                assert!(sent.is_empty());
                let asked = matches!(self.channel, Channel::Tls { .. })
                    && self.flags.proof() != ServerProof::NotNeeded;
                let outcome = server.server_proof;
                assert_eq!(asked, outcome != ServerProofOutcome::NotAsked);
                if asked && self.flags.has(Flags::PROOF_REQUIRED) {
                    assert_eq!(outcome, ServerProofOutcome::Proven);
                }
            }
            HandshakeStep::Prompt(..) | HandshakeStep::Derive(..) => assert!(sent.is_empty()),
            _ => {}
        }
    }

    /// Does what `step` asks for, until a packet of the server is due.
    fn finish(&mut self, mut step: HandshakeStep) -> Option<Next> {
        loop {
            step = match step {
                HandshakeStep::Continue(next) => return Some(Next::Packet(Box::new(next))),
                HandshakeStep::Connected(server) => return Some(Next::Connected(server)),
                HandshakeStep::StartTls(next) => {
                    let proven = self.flags.has(Flags::PROVEN);
                    self.channel = Channel::Tls { proven };
                    let proof = self.flags.proof();
                    self.step(|channel, out| next.tls_established(channel, proof, out))?
                }
                HandshakeStep::Prompt(next, prompt) => {
                    let answer = Password::from(prompt.message());
                    self.step(|channel, out| next.answer(&answer, channel, out))?
                }
                HandshakeStep::Derive(next, key) => {
                    assert_eq!(key.rounds(), 1024);
                    let key = key.derive();
                    self.step(|channel, out| next.derived(key, channel, out))?
                }
                other => unreachable!("{other:?}"),
            }
        }
    }

    /// Begins a change of user.
    fn change_user(&mut self, server: &ServerInfo) -> Option<Handshake> {
        let mut out = PacketEncoder::new();
        let handshake =
            Handshake::change_user(self.login(), server, [1; 32], self.channel, &mut out);
        self.sequence_number = 0;
        let sent = self.check_sent(&out);
        self.sequence_number = 1;
        let handshake = handshake.ok()?;
        let command = ComChangeUser::decode(&sent[0], server.capabilities).unwrap();
        assert_eq!(command.user, USER);
        Some(handshake)
    }
}

/// The payloads that were sent, which are whole packets in sequence.
fn sent(bytes: &[u8], sequence_number: u8) -> Vec<Vec<u8>> {
    let mut decoder = PacketDecoder::new(bytes.len());
    decoder.set_sequence_number(sequence_number);
    decoder.buffer_mut().extend_from_slice(bytes);
    let mut payloads = Vec::new();
    while let Some(packet) = decoder.poll_packet().expect("packets in sequence") {
        payloads.push(decoder.payload(packet).to_vec());
    }
    assert_eq!(decoder.unread(), 0);
    payloads
}

/// A plugin that sends the password as it is, and waits where it is asked to.
#[derive(Debug)]
struct Clear;

impl AuthPluginFactory for Clear {
    fn name(&self) -> &'static str {
        "clear"
    }

    fn needs_proven_channel(&self) -> bool {
        true
    }

    fn start(&self, password: &Password, _: &[u8; 32]) -> Box<dyn AuthPlugin> {
        Box::new(Dialogue(password.clone()))
    }
}

#[derive(Debug)]
struct Dialogue(Password);

impl AuthPlugin for Dialogue {
    fn respond(
        &mut self,
        data: &[u8],
        _: Channel,
        out: &mut PayloadWriter<'_>,
    ) -> Result<AuthStep, AuthError> {
        if data.first() == Some(&b'w') {
            return Ok(AuthStep::Wait);
        }
        out.bytes(self.0.as_bytes());
        Ok(AuthStep::Respond)
    }

    fn server_proof_hash(&self) -> Option<&[u8]> {
        None
    }
}

const USER: &str = "user";
const PASSWORD: &[u8] = b"correct horse battery staple";
