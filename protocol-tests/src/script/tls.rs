//! A fake server behind TLS.

use std::fmt;
use std::io::{Read, Write};
use std::sync::Arc;

use tokio_rustls::rustls::{ServerConfig, ServerConnection};

use crate::certificates::Identity;
use crate::pipe::{Action, Peer};

/// A peer that wants an `SSLRequest` behind its greeting and then speaks inside TLS.
///
/// ```
/// use protocol_tests::certificates::{Identity, Leaf};
/// use protocol_tests::pipe::{Cut, Pipe};
/// use protocol_tests::script::{Script, Tls};
///
/// let identity = Identity::self_signed(&Leaf::server(["localhost"]));
/// let pipe = Pipe::new(Tls::new(Script::new().behind_tls(), &identity), Cut::Every(1));
/// # drop(pipe);
/// ```
pub struct Tls<P> {
    peer: P,
    connection: ServerConnection,
    /// What has come of the `SSLRequest`; `None` when all of it has.
    ssl_request: Option<Vec<u8>>,
    says_goodbye: bool,
    failed: bool,
}

impl<P: Peer> Tls<P> {
    /// Puts `peer` behind TLS with the certificate of `identity`. A script is to be
    /// [`behind_tls`](super::Script::behind_tls).
    pub fn new(peer: P, identity: &Identity) -> Self {
        Self::with_config(peer, &identity.server_config())
    }

    /// The same with this configuration. One that several connections have lets a client resume.
    pub fn with_config(peer: P, config: &Arc<ServerConfig>) -> Self {
        let mut connection =
            ServerConnection::new(Arc::clone(config)).expect("a configuration that works");
        connection.set_buffer_limit(None);
        Self {
            peer,
            connection,
            ssl_request: Some(Vec::new()),
            says_goodbye: false,
            failed: false,
        }
    }

    /// Ends TLS by a `close_notify` before it closes the connection, which MariaDB does not.
    #[must_use]
    pub fn with_close_notify(mut self) -> Self {
        self.says_goodbye = true;
        self
    }

    /// Takes the bytes up to the end of the `SSLRequest` off `bytes`; whether it is complete.
    fn take_ssl_request(&mut self, bytes: &mut &[u8]) -> bool {
        let Some(request) = &mut self.ssl_request else {
            return true;
        };
        let missing = SSL_REQUEST_BYTES - request.len();
        let (taken, rest) = bytes.split_at(missing.min(bytes.len()));
        request.extend_from_slice(taken);
        *bytes = rest;
        if request.len() < SSL_REQUEST_BYTES {
            return false;
        }
        let header = u32::from_le_bytes(request[..4].try_into().expect("4 bytes"));
        assert_eq!(header, SSL_REQUEST_HEADER, "the client wants no TLS");
        assert_ne!(
            request[5] & CLIENT_SSL,
            0,
            "an SSLRequest without CLIENT_SSL"
        );
        self.ssl_request = None;
        true
    }

    /// Gives `bytes` to TLS, and what they hold to the peer. Returns what the peer does.
    fn decrypt(&mut self, mut bytes: &[u8]) -> Vec<Action> {
        let mut actions = Vec::new();
        while !bytes.is_empty() {
            self.connection
                .read_tls(&mut bytes)
                .expect("a slice can be read");
            let Ok(state) = self.connection.process_new_packets() else {
                // The alert is among what is to be sent.
                self.failed = true;
                return vec![Action::Close];
            };
            let mut plain = vec![0; state.plaintext_bytes_to_read()];
            let mut reader = self.connection.reader();
            reader.read_exact(&mut plain).expect("so many bytes");
            if !plain.is_empty() {
                actions.extend(self.peer.receive(&plain));
            }
        }
        actions
    }

    /// What TLS has to send.
    fn encrypted(&mut self) -> Action {
        let mut bytes = Vec::new();
        while self.connection.wants_write() {
            self.connection
                .write_tls(&mut bytes)
                .expect("a vector grows");
        }
        Action::Send(bytes)
    }
}

impl<P: Peer> Peer for Tls<P> {
    fn greet(&mut self) -> Vec<Action> {
        self.peer.greet()
    }

    fn receive(&mut self, mut bytes: &[u8]) -> Vec<Action> {
        if self.failed || !self.take_ssl_request(&mut bytes) {
            return Vec::new();
        }
        let mut actions = Vec::new();
        for action in self.decrypt(bytes) {
            match action {
                Action::Send(plain) => {
                    let mut writer = self.connection.writer();
                    writer.write_all(&plain).expect("TLS takes all of it");
                    actions.push(self.encrypted());
                }
                end => {
                    if self.says_goodbye && end == Action::Close {
                        self.connection.send_close_notify();
                    }
                    actions.push(self.encrypted());
                    actions.push(end);
                }
            }
        }
        actions.push(self.encrypted());
        actions
    }
}

impl<P: fmt::Debug> fmt::Debug for Tls<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("peer", &self.peer)
            .field("connection", &self.connection)
            .finish_non_exhaustive()
    }
}

/// The first 32 bytes of a handshake response, with their header.
const SSL_REQUEST_BYTES: usize = 36;

/// 32 bytes, sequence number 1.
const SSL_REQUEST_HEADER: u32 = 0x0100_0020;

/// The capability in the second byte of the capabilities.
const CLIENT_SSL: u8 = 0x08;

#[cfg(test)]
mod tests {
    use tokio_rustls::rustls::ClientConnection;

    use super::*;
    use crate::certificates::{Authority, Leaf};

    /// Answers every byte with the next one, and a `z` by closing.
    #[derive(Debug)]
    struct Successor;

    impl Peer for Successor {
        fn greet(&mut self) -> Vec<Action> {
            vec![Action::Send(b"hello".to_vec())]
        }

        fn receive(&mut self, bytes: &[u8]) -> Vec<Action> {
            if bytes.contains(&b'z') {
                return vec![Action::Close];
            }
            let next = bytes.iter().map(|byte| byte + 1).collect();
            vec![Action::Send(next)]
        }
    }

    /// Everything that `client` has to say, a byte at a time, and the answers to it. Whether the
    /// server has closed.
    fn exchange<P: Peer>(client: &mut ClientConnection, server: &mut Tls<P>) -> bool {
        let mut closed = false;
        loop {
            let mut bytes = Vec::new();
            while client.wants_write() {
                client.write_tls(&mut bytes).unwrap();
            }
            if bytes.is_empty() {
                return closed;
            }
            for byte in bytes {
                for action in server.receive(&[byte]) {
                    match action {
                        Action::Send(bytes) => {
                            let mut bytes = bytes.as_slice();
                            while !bytes.is_empty() {
                                client.read_tls(&mut bytes).unwrap();
                                client.process_new_packets().unwrap();
                            }
                        }
                        end => closed = end == Action::Close,
                    }
                }
            }
        }
    }

    fn ssl_request() -> Vec<u8> {
        let mut request = vec![0; SSL_REQUEST_BYTES];
        request[..4].copy_from_slice(&SSL_REQUEST_HEADER.to_le_bytes());
        request[5] = CLIENT_SSL;
        request
    }

    fn connected(close_notify: bool) -> (ClientConnection, Tls<Successor>) {
        let authority = Authority::new("root");
        let identity = authority.issue(&Leaf::server(["localhost"]));
        let mut server = Tls::new(Successor, &identity);
        if close_notify {
            server = server.with_close_notify();
        }
        assert_eq!(server.greet(), [Action::Send(b"hello".to_vec())]);
        for byte in ssl_request() {
            let answered = server.receive(&[byte]);
            let empty = |action| action == Action::Send(Vec::new());
            assert!(answered.into_iter().all(empty));
        }
        let name = "localhost".try_into().unwrap();
        let mut client = ClientConnection::new(authority.client_config(), name).unwrap();
        assert!(!exchange(&mut client, &mut server));
        assert!(!client.is_handshaking());
        (client, server)
    }

    fn read(client: &mut ClientConnection) -> std::io::Result<Vec<u8>> {
        let mut bytes = vec![0; 100];
        let length = client.reader().read(&mut bytes)?;
        bytes.truncate(length);
        Ok(bytes)
    }

    #[test]
    fn a_peer_behind_tls_is_spoken_to_inside_tls() {
        let (mut client, mut server) = connected(false);
        client.writer().write_all(b"abc").unwrap();
        assert!(!exchange(&mut client, &mut server));
        assert_eq!(read(&mut client).unwrap(), b"bcd");
    }

    #[test]
    fn a_close_has_a_close_notify_where_that_is_asked_for() {
        for close_notify in [false, true] {
            let (mut client, mut server) = connected(close_notify);
            client.writer().write_all(b"z").unwrap();
            assert!(exchange(&mut client, &mut server));
            // The end of the stream is clean with it; without, more may come.
            assert_eq!(read(&mut client).is_ok(), close_notify);
        }
    }

    #[test]
    #[should_panic(expected = "the client wants no TLS")]
    fn a_login_in_clear_is_noticed() {
        let identity = Identity::self_signed(&Leaf::server(["localhost"]));
        let mut server = Tls::new(Successor, &identity);
        server.receive(&[0x40; SSL_REQUEST_BYTES]);
    }
}
