//! The login: whatever a server sends, the client sends whole packets, and its password only
//! where nobody can listen.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use otaria_auth::{
    AuthError, AuthPlugin, AuthPluginFactory, AuthStep, Channel, Handshake, HandshakeResponse,
    HandshakeStep, InitialHandshake, LoginConfig, Password,
};
use otaria_codec::{Capabilities, Decode, PacketDecoder, PacketEncoder, PayloadWriter};
use otaria_fuzz::{Input, comes_back};

fuzz_target!(|data: &[u8]| {
    let mut input = Input::new(data);
    let flags = input.byte();
    let channel = if flags & 1 == 0 {
        Channel::Plain
    } else {
        Channel::UnixSocket
    };
    let mut handshake = Handshake::new(login(flags), [0; 32]);
    let mut sequence_number = 0_u8;
    for payload in input.payloads() {
        comes_back!(InitialHandshake<'_>, payload, Capabilities::empty());
        let mut out = PacketEncoder::new();
        out.set_sequence_number(sequence_number.wrapping_add(1));
        let step = handshake.handle(payload, channel, &mut out);
        let sent = sent(out.bytes(), sequence_number.wrapping_add(1));
        if channel == Channel::Plain {
            assert!(
                !out.bytes()
                    .windows(PASSWORD.len())
                    .any(|part| part == PASSWORD)
            );
        }
        match step {
            Ok(HandshakeStep::Continue(next)) => handshake = next,
            Ok(HandshakeStep::Connected(_)) => return assert!(sent.is_empty()),
            Ok(_) => unreachable!("another step"),
            Err(error) => {
                assert!(sent.is_empty() && !error.to_string().is_empty());
                return;
            }
        }
        if sequence_number == 0 {
            let response = HandshakeResponse::decode(&sent[0], Capabilities::empty());
            assert_eq!(
                response.map(|response| response.user.to_owned()),
                Ok(USER.to_owned())
            );
        }
        assert!(sent.len() <= 1);
        sequence_number = out.sequence_number();
    }
});

fn login(flags: u8) -> LoginConfig {
    let password = if flags & 2 == 0 { PASSWORD } else { b"" };
    let mut login = LoginConfig::new(USER, Password::new(password.to_vec()));
    login.plugins = login.plugins.with(Arc::new(Clear));
    if flags & 4 != 0 {
        login.database = Some("shop".to_owned());
        login.attributes = vec![("_client_name".to_owned(), "fuzz".to_owned())];
    }
    login
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
