//! A session inside of TLS, whose other end is in the same test.

use std::io::{Read, Write};
use std::sync::Arc;

use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection};

use super::*;
use crate::SslMode;
use crate::tls::{TlsContext, TlsMaterial};

struct TlsServer(ServerConnection);

impl TlsServer {
    fn new() -> Self {
        let key = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let der = PrivatePkcs8KeyDer::from(key.signing_key.serialize_der());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![key.cert.der().clone()], PrivateKeyDer::Pkcs8(der))
            .unwrap();
        Self(ServerConnection::new(Arc::new(config)).unwrap())
    }

    /// What it has to send, with `plain` behind it.
    fn say(&mut self, plain: &[u8]) -> Vec<u8> {
        self.0.writer().write_all(plain).unwrap();
        let mut bytes = Vec::new();
        while self.0.wants_write() {
            self.0.write_tls(&mut bytes).unwrap();
        }
        bytes
    }

    /// How many plain bytes these were.
    fn hear(&mut self, mut bytes: &[u8]) -> usize {
        let mut plain = Vec::new();
        while !bytes.is_empty() {
            self.0.read_tls(&mut bytes).unwrap();
            let ready = self.0.process_new_packets().unwrap();
            let length = ready.plaintext_bytes_to_read();
            let start = plain.len();
            plain.resize(start + length, 0);
            self.0.reader().read_exact(&mut plain[start..]).unwrap();
        }
        plain.len()
    }
}

fn logged_in_by_tls() -> (Session, TlsServer) {
    let mut server = TlsServer::new();
    let config = Config::builder().user("u").password("p");
    let config = config.ssl_mode(SslMode::Trust).build().unwrap();
    let context = TlsContext::new(&config, &TlsMaterial::default()).unwrap();
    let mut session = Session::new(&config, Channel::Plain, [0; 32]);
    receive(
        &mut session,
        &greeting_of(b"11.8.6-MariaDB", Capabilities::SSL),
    );
    assert!(matches!(session.poll(), Ok(Some(Event::StartTls))));
    session.start_tls(&context, "localhost").unwrap();
    // The request for TLS, in clear: 32 bytes behind a header.
    let mut sent = write_all(&mut session).split_off(36);
    while server.hear(&sent) == 0 {
        receive(&mut session, &server.say(b""));
        assert!(session.poll().unwrap().is_none());
        sent = write_all(&mut session);
    }
    receive(&mut session, &server.say(&packets(3, &[&ok()])));
    assert!(matches!(session.poll(), Ok(Some(Event::Connected))));
    (session, server)
}

#[test]
fn a_response_to_a_command_that_is_encrypted_and_not_sent_whole_closes_the_session() {
    let (mut session, mut server) = logged_in_by_tls();
    session.simple_query("SELECT 1").unwrap();
    let bytes = session.unwritten().len();
    session.written(bytes - 1);
    receive(&mut session, &server.say(&packets(1, &[&ok()])));
    assert!(matches!(session.poll(), Err(Error::InvalidPacket(_))));
}

#[test]
fn a_response_to_the_command_before_one_that_is_not_sent_whole_is_taken() {
    let (mut session, mut server) = logged_in_by_tls();
    session.simple_query("SELECT 1").unwrap();
    write_all(&mut session);
    session.simple_query("SELECT 2").unwrap();
    let bytes = session.unwritten().len();
    session.written(bytes - 1);
    receive(&mut session, &server.say(&packets(1, &[&ok()])));
    assert!(matches!(session.poll(), Ok(Some(Event::Ok(_)))));
    write_all(&mut session);
    receive(&mut session, &server.say(&packets(1, &[&ok()])));
    assert!(matches!(session.poll(), Ok(Some(Event::Ok(_)))));
    assert!(session.is_idle());
}
