//! A fake server behind TLS, without a task or a clock like the others.

use std::fmt;
use std::io::{Read, Write};
use std::sync::Arc;

use otaria_auth::SslRequest;
use otaria_codec::{Capabilities, Decode};
use rustls::{ServerConfig, ServerConnection};

use crate::pipe::{Action, Peer};

/// A peer that begins TLS when its client asks for it by an `SSLRequest`.
pub struct Encrypted<P> {
    peer: P,
    config: Arc<ServerConfig>,
    state: State,
    /// Sent in clear right behind the greeting.
    injected: Vec<u8>,
}

enum State {
    Clear(Vec<u8>),
    Tls(Box<ServerConnection>),
}

impl<P: Peer> Encrypted<P> {
    /// `peer`, which must offer TLS, behind the TLS of `config`.
    pub fn new(peer: P, config: Arc<ServerConfig>) -> Self {
        Self {
            peer,
            config,
            state: State::Clear(Vec::new()),
            injected: Vec::new(),
        }
    }

    /// Sends `bytes` in clear right behind the greeting, as somebody could who stands between.
    #[must_use]
    pub fn inject(mut self, bytes: &[u8]) -> Self {
        self.injected = bytes.to_vec();
        self
    }
}

impl<P: Peer> Peer for Encrypted<P> {
    fn greet(&mut self) -> Vec<Action> {
        let mut actions = self.peer.greet();
        if !self.injected.is_empty() {
            actions.push(Action::Send(self.injected.clone()));
        }
        actions
    }

    fn receive(&mut self, bytes: &[u8]) -> Vec<Action> {
        match &mut self.state {
            State::Clear(received) => {
                received.extend_from_slice(bytes);
                let Some(request) = received.get(4..SSL_REQUEST_END) else {
                    return Vec::new();
                };
                let request = SslRequest::decode(request, Capabilities::empty());
                let request = request.expect("the client asks for TLS first");
                assert!(request.capabilities.contains(Capabilities::SSL));
                let rest = received.split_off(SSL_REQUEST_END);
                let actions = self.peer.receive(received);
                assert!(actions.is_empty(), "an answer in clear");
                let tls = ServerConnection::new(Arc::clone(&self.config));
                let mut tls = tls.expect("the configuration is good");
                tls.set_buffer_limit(None);
                self.state = State::Tls(Box::new(tls));
                self.receive(&rest)
            }
            State::Tls(tls) => receive_tls(tls, &mut self.peer, bytes),
        }
    }
}

fn receive_tls(tls: &mut ServerConnection, peer: &mut impl Peer, mut bytes: &[u8]) -> Vec<Action> {
    let mut ends = Vec::new();
    while !bytes.is_empty() {
        tls.read_tls(&mut bytes).expect("memory can be read");
        let Ok(state) = tls.process_new_packets() else {
            // An alert of a client that does not like what it sees.
            return vec![Action::Close];
        };
        let mut plain = vec![0; state.plaintext_bytes_to_read()];
        tls.reader()
            .read_exact(&mut plain)
            .expect("as many as told");
        if plain.is_empty() {
            continue;
        }
        for action in peer.receive(&plain) {
            match action {
                Action::Send(bytes) => tls.writer().write_all(&bytes).expect("there is no limit"),
                end => ends.push(end),
            }
        }
    }
    let mut sent = Vec::new();
    while tls.wants_write() {
        tls.write_tls(&mut sent).expect("memory can be written");
    }
    let mut actions = vec![Action::Send(sent)];
    actions.extend(ends);
    actions
}

impl<P> fmt::Debug for Encrypted<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encrypted").finish_non_exhaustive()
    }
}

/// The header and the 32 bytes of an `SSLRequest`.
const SSL_REQUEST_END: usize = 36;
