//! The client of the tests: a handshake and what it has sent.

use super::*;

/// One call of a handshake.
pub(super) trait Turn:
    FnOnce(Handshake, Channel, &mut PacketEncoder) -> Result<HandshakeStep, AuthError>
{
}

impl<T> Turn for T where
    T: FnOnce(Handshake, Channel, &mut PacketEncoder) -> Result<HandshakeStep, AuthError>
{
}

/// What a login waits for.
#[derive(Debug)]
pub(super) enum Due {
    Packet,
    Tls,
    Answer(Prompt),
    Key(KeyDerivation),
}

/// A client that logs in, and the payloads that it has sent.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) handshake: Handshake,
    pub(super) channel: Channel,
    pub(super) sent: Vec<Vec<u8>>,
}

impl Client {
    pub(super) fn new(login: LoginConfig) -> Self {
        Self {
            handshake: Handshake::new(login, [0; 32]),
            channel: Channel::Plain,
            sent: Vec::new(),
        }
    }

    /// A client that has answered the greeting of a MariaDB server.
    pub(super) fn greeted(login: LoginConfig) -> Self {
        Self::new(login).receive(&greeting())
    }

    pub(super) fn over(mut self, channel: Channel) -> Self {
        self.channel = channel;
        self
    }

    /// Takes a step of the login: what follows, and the packet that was sent.
    pub(super) fn step(
        self,
        step: impl Turn,
    ) -> Result<(HandshakeStep, Option<Vec<u8>>), AuthError> {
        let mut out = PacketEncoder::new();
        out.set_sequence_number(7);
        let step = step(self.handshake, self.channel, &mut out)?;
        let sent = (!out.is_empty()).then(|| {
            let (header, sent) = out.bytes().split_at(4);
            assert_eq!(
                usize::from(header[0]) | usize::from(header[1]) << 8,
                sent.len()
            );
            assert_eq!(header[3], 7, "sequence number");
            sent.to_vec()
        });
        Ok((step, sent))
    }

    /// Takes a step of the login that leads to another one.
    pub(super) fn advance(self, turn: impl Turn) -> (Self, Due) {
        let (channel, mut all) = (self.channel, self.sent.clone());
        let (step, sent) = self.step(turn).unwrap();
        all.extend(sent);
        let (handshake, due) = match step {
            HandshakeStep::Continue(handshake) => (handshake, Due::Packet),
            HandshakeStep::StartTls(handshake) => (handshake, Due::Tls),
            HandshakeStep::Prompt(handshake, prompt) => (handshake, Due::Answer(prompt)),
            HandshakeStep::Derive(handshake, key) => (handshake, Due::Key(key)),
            HandshakeStep::Connected(info) => panic!("connected: {info:?}"),
        };
        let client = Self {
            handshake,
            channel,
            sent: all,
        };
        (client, due)
    }

    pub(super) fn handle(
        self,
        payload: &[u8],
    ) -> Result<(HandshakeStep, Option<Vec<u8>>), AuthError> {
        self.step(|handshake, channel, out| handshake.handle(payload, channel, out))
    }

    /// The server sends `payload`, and its next packet is due.
    pub(super) fn receive_bytes(self, payload: &[u8]) -> Self {
        let (client, due) = self.receive_due(payload);
        assert!(matches!(due, Due::Packet), "{due:?}");
        client
    }

    /// The server sends `payload`, and something is due.
    pub(super) fn receive_due(self, payload: &[u8]) -> (Self, Due) {
        self.advance(|handshake, channel, out| handshake.handle(payload, channel, out))
    }

    /// The server's greeting came, and TLS began.
    pub(super) fn start_tls(self, greeting: &InitialHandshake<'_>) -> Self {
        let (client, due) = self.receive_due(&payload(greeting));
        assert!(matches!(due, Due::Tls), "{due:?}");
        client
    }

    /// TLS stands.
    pub(super) fn establish(self, proven: bool, proof: ServerProof) -> Self {
        let client = self.over(Channel::Tls { proven });
        let (client, due) = client
            .advance(|handshake, channel, out| handshake.tls_established(channel, proof, out));
        assert!(matches!(due, Due::Packet), "{due:?}");
        client
    }

    /// The server sends `payload`, which makes the plugin derive a key.
    pub(super) fn derive(self, payload: &[u8]) -> Self {
        let (client, due) = self.receive_due(payload);
        let Due::Key(key) = due else {
            panic!("{due:?}");
        };
        let key = key.derive();
        let (client, due) =
            client.advance(|handshake, channel, out| handshake.derived(key, channel, out));
        assert!(matches!(due, Due::Packet), "{due:?}");
        client
    }

    /// The server sends `payload`, a question that a person answers.
    pub(super) fn ask(self, payload: &[u8], answer: &str) -> (Self, Prompt) {
        let (client, due) = self.receive_due(payload);
        let Due::Answer(prompt) = due else {
            panic!("{due:?}");
        };
        let answer = Password::from(answer);
        let (client, due) =
            client.advance(|handshake, channel, out| handshake.answer(&answer, channel, out));
        assert!(matches!(due, Due::Packet), "{due:?}");
        (client, prompt)
    }

    /// The server sends `payload`, and whatever follows is done, if the login goes on.
    pub(super) fn endure(self, payload: &[u8]) -> Option<Self> {
        let channel = self.channel;
        let mut out = PacketEncoder::new();
        let mut step = self.handshake.handle(payload, channel, &mut out);
        loop {
            step = match step {
                Ok(HandshakeStep::Continue(handshake)) => {
                    return Some(Self {
                        handshake,
                        channel,
                        sent: Vec::new(),
                    });
                }
                Ok(HandshakeStep::StartTls(handshake)) => {
                    let proof = ServerProof::Wanted {
                        certificate_sha256: NONCE,
                    };
                    let channel = Channel::Tls { proven: false };
                    handshake.tls_established(channel, proof, &mut out)
                }
                Ok(HandshakeStep::Prompt(handshake, prompt)) => {
                    let answer = Password::from(prompt.message());
                    handshake.answer(&answer, channel, &mut out)
                }
                Ok(HandshakeStep::Derive(handshake, key)) => {
                    handshake.derived(key.derive(), channel, &mut out)
                }
                Ok(HandshakeStep::Connected(_)) | Err(_) => return None,
            }
        }
    }

    /// The server sends `packet`, and the login goes on.
    pub(super) fn receive(self, packet: &impl Encode) -> Self {
        self.receive_bytes(&payload(packet))
    }

    /// The server sends `payload`, and the login fails.
    pub(super) fn fail_bytes(self, payload: &[u8]) -> AuthError {
        self.handle(payload).unwrap_err()
    }

    /// The server sends `packet`, and the login fails.
    pub(super) fn fail(self, packet: &impl Encode) -> AuthError {
        self.fail_bytes(&payload(packet))
    }

    /// The server sends `packet`, and the login succeeds.
    pub(super) fn connect(self, packet: &OkPacket<'_>) -> ServerInfo {
        let (step, sent) = self.handle(&payload(packet)).unwrap();
        assert_eq!(sent, None);
        match step {
            HandshakeStep::Connected(info) => info,
            other => panic!("{other:?}"),
        }
    }

    /// The handshake response that was sent.
    pub(super) fn response(&self) -> HandshakeResponse<'_> {
        HandshakeResponse::decode(&self.sent[0], Capabilities::empty()).unwrap()
    }

    /// The packet sent last.
    pub(super) fn last(&self) -> &[u8] {
        self.sent.last().unwrap()
    }
}
