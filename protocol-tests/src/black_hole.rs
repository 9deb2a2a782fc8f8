//! Servers that stop answering, each at its point. They run in threads, on the loopback interface,
//! and need no runtime and no clock of the test's.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio_rustls::rustls::{ServerConfig, ServerConnection};

use crate::certificates::{Identity, Leaf};
use crate::pipe::{Action, Peer};
use crate::script::Script;

/// How far a server goes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Until {
    /// The connection is accepted.
    Accept,
    /// The greeting is sent, all but its last byte.
    MostOfTheGreeting,
    /// The greeting is sent. It offers TLS.
    Greeting,
    /// The client's `SSLRequest` and the first message of its TLS handshake are read.
    ClientHello,
    /// Half of the server's first TLS messages are sent.
    HalfOfTheServerHello,
}

/// A server that does no more from some point on.
#[derive(Debug)]
pub struct BlackHole {
    address: SocketAddr,
    state: Arc<State>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct State {
    streams: Mutex<Vec<TcpStream>>,
    ends: AtomicBool,
}

impl BlackHole {
    /// A server that goes as far as `until` with every client.
    ///
    /// # Errors
    /// If there is no port for it.
    pub fn start(until: Until) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        let config = Identity::self_signed(&Leaf::server(["localhost"])).server_config();
        let thread = thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                if shared.ends.load(Ordering::SeqCst) {
                    break;
                }
                let kept = stream.try_clone();
                // The client may go away at any point.
                let _ = go(stream, until, &config);
                let mut streams = shared
                    .streams
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner);
                streams.extend(kept);
            }
        });
        Ok(Self {
            address,
            state,
            thread: Some(thread),
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many clients have been brought to the point where it stops.
    pub fn clients(&self) -> usize {
        let streams = self.state.streams.lock();
        streams.unwrap_or_else(PoisonError::into_inner).len()
    }
}

impl Drop for BlackHole {
    fn drop(&mut self) {
        self.state.ends.store(true, Ordering::SeqCst);
        if TcpStream::connect(self.address).is_ok()
            && let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            eprintln!("the thread of a black hole has panicked");
        }
    }
}

/// A port where connecting takes for ever: the server's backlog is full, and it accepts nobody.
#[derive(Debug)]
pub struct FullBacklog {
    address: SocketAddr,
    _listener: tokio::net::TcpListener,
    _streams: Vec<TcpStream>,
}

impl FullBacklog {
    /// Fills the backlog, which takes a fraction of a second. To be called inside a runtime.
    ///
    /// # Errors
    /// If there is no port for it, or no end of its backlog.
    pub fn start() -> io::Result<Self> {
        let socket = tokio::net::TcpSocket::new_v4()?;
        socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
        let listener = socket.listen(1)?;
        let address = listener.local_addr()?;
        let mut streams = Vec::new();
        while streams.len() < BACKLOG_LIMIT {
            match TcpStream::connect_timeout(&address, FULL_AFTER) {
                Ok(stream) => streams.push(stream),
                Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                    return Ok(Self {
                        address,
                        _listener: listener,
                        _streams: streams,
                    });
                }
                Err(error) => return Err(error),
            }
        }
        Err(io::Error::other("the backlog has no end"))
    }

    /// Where nobody gets an answer.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// Goes as far as `until` with a client.
fn go(mut stream: TcpStream, until: Until, config: &Arc<ServerConfig>) -> io::Result<()> {
    if until == Until::Accept {
        return Ok(());
    }
    // The client that sends nothing must not keep the server from the next one, or from its end.
    stream.set_read_timeout(Some(READ_LIMIT))?;
    let mut greeting = Vec::new();
    for action in Peer::greet(&mut Script::new().behind_tls()) {
        if let Action::Send(bytes) = action {
            greeting.extend(bytes);
        }
    }
    if until == Until::MostOfTheGreeting {
        return stream.write_all(&greeting[..greeting.len() - 1]);
    }
    stream.write_all(&greeting)?;
    if until == Until::Greeting {
        return Ok(());
    }
    stream.read_exact(&mut [0; SSL_REQUEST_BYTES])?;
    let mut tls = ServerConnection::new(Arc::clone(config)).map_err(io::Error::other)?;
    while !tls.wants_write() {
        tls.read_tls(&mut stream)?;
        tls.process_new_packets().map_err(io::Error::other)?;
    }
    if until == Until::HalfOfTheServerHello {
        let mut messages = Vec::new();
        while tls.wants_write() {
            tls.write_tls(&mut messages)?;
        }
        stream.write_all(&messages[..messages.len() / 2])?;
    }
    Ok(())
}

const SSL_REQUEST_BYTES: usize = 36;

/// A client that is connected on the loopback interface is so at once.
const FULL_AFTER: Duration = Duration::from_millis(200);

/// Linux has room for one more than it is told.
const BACKLOG_LIMIT: usize = 1000;

const READ_LIMIT: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use tokio_rustls::rustls::ClientConnection;

    use super::*;
    use crate::certificates::Authority;

    fn bytes_until_silence(stream: &mut TcpStream) -> Vec<u8> {
        stream
            .set_read_timeout(Some(Duration::from_millis(300)))
            .unwrap();
        let mut bytes = Vec::new();
        let silence = stream.read_to_end(&mut bytes).unwrap_err();
        assert_eq!(
            silence.kind(),
            io::ErrorKind::WouldBlock,
            "closed, not silent"
        );
        bytes
    }

    #[test]
    fn a_black_hole_is_silent_from_its_point_on_and_does_not_close() {
        let [nothing, most, all] =
            [Until::Accept, Until::MostOfTheGreeting, Until::Greeting].map(|until| {
                let hole = BlackHole::start(until).unwrap();
                let mut stream = TcpStream::connect(hole.address()).unwrap();
                let bytes = bytes_until_silence(&mut stream);
                assert_eq!(hole.clients(), 1, "{until:?}");
                bytes
            });
        assert!(nothing.is_empty());
        assert_eq!(all[..4], [(all.len() - 4) as u8, 0, 0, 0]);
        assert_eq!(most, all[..all.len() - 1]);
    }

    #[test]
    fn a_black_hole_in_the_tls_handshake_is_silent_there() {
        for (until, answered) in [
            (Until::ClientHello, false),
            (Until::HalfOfTheServerHello, true),
        ] {
            let hole = BlackHole::start(until).unwrap();
            let mut stream = TcpStream::connect(hole.address()).unwrap();
            let greeting = bytes_until_silence(&mut stream);
            stream.write_all(&[0; SSL_REQUEST_BYTES]).unwrap();
            let config = Authority::new("root").client_config();
            let name = "localhost".try_into().unwrap();
            let mut client = ClientConnection::new(config, name).unwrap();
            client.write_tls(&mut stream).unwrap();
            let bytes = bytes_until_silence(&mut stream);
            assert!(!greeting.is_empty());
            // A handshake message.
            assert_eq!(bytes.first(), answered.then_some(&0x16));
            client.read_tls(&mut bytes.as_slice()).unwrap();
            client.process_new_packets().unwrap();
            assert!(client.is_handshaking());
        }
    }

    #[test]
    fn a_full_backlog_connects_nobody() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build();
        let runtime = runtime.unwrap();
        let _guard = runtime.enter();
        let full = FullBacklog::start().unwrap();
        let error = TcpStream::connect_timeout(&full.address(), FULL_AFTER).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
