//! A man in the middle: it ends the client's TLS with a certificate of its own, goes on to a real
//! server inside another TLS, and writes down what the client has sent.
//!
//! ```text
//! client ── greeting, SSLRequest ── proxy ── greeting, SSLRequest ── server
//!        ══ TLS, our certificate ══       ══ TLS, its certificate ══
//! ```

mod tap;
mod verifier;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::certificates::Identity;
use crate::live::LiveServer;

use tap::Tap;

/// What is done to the clients of a proxy.
#[derive(Clone, Debug)]
pub struct Builder {
    server: SocketAddr,
    config: Option<Arc<ServerConfig>>,
    injected: Vec<u8>,
    answer: Option<Vec<u8>>,
    stop: Option<(Stop, End)>,
}

/// Where a proxy stops.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Stop {
    /// The greeting is sent.
    Greeting,
    /// The `SSLRequest` is read.
    SslRequest,
    /// TLS is established.
    TlsHandshake,
    /// The handshake response is read, inside TLS.
    HandshakeResponse,
}

/// What a proxy does where it stops.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum End {
    /// It closes the connection.
    Close,
    /// It reads on, and answers nothing.
    Silence,
}

/// What one client has sent, and how far it has come.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// What it has sent outside TLS, other than the messages of TLS itself.
    pub in_clear: Vec<u8>,
    /// What it has sent inside TLS.
    pub inside_tls: Vec<u8>,
    /// Whether TLS was established, as far as a server can tell.
    pub tls: bool,
    /// What has gone wrong, the alert of a client that does not like the certificate included.
    pub error: Option<String>,
    over: bool,
}

impl Seen {
    /// Whether the client has sent nothing but an `SSLRequest` and the messages of TLS.
    pub fn is_silent_but_for_tls(&self) -> bool {
        self.inside_tls.is_empty() && is_ssl_request(&self.in_clear)
    }

    /// Whether `bytes` are among those that the client has sent, in clear or inside TLS.
    pub fn contains(&self, bytes: &[u8]) -> bool {
        let finds = |sent: &[u8]| sent.windows(bytes.len()).any(|window| window == bytes);
        finds(&self.in_clear) || finds(&self.inside_tls)
    }
}

/// A man in the middle. It runs in the runtime that it was started in, until it is dropped.
#[derive(Debug)]
pub struct TlsProxy {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    task: JoinHandle<()>,
}

impl TlsProxy {
    /// A proxy that shows clients the certificate of `identity`.
    pub fn showing(server: &LiveServer, identity: &Identity) -> Builder {
        Builder {
            config: Some(identity.server_config()),
            ..Self::stripping(server)
        }
    }

    /// A proxy that takes TLS out of the server's greeting.
    pub fn stripping(server: &LiveServer) -> Builder {
        let host = server.host().parse().unwrap_or(Ipv4Addr::LOCALHOST);
        Builder {
            server: SocketAddr::from((host, server.port())),
            config: None,
            injected: Vec::new(),
            answer: None,
            stop: None,
        }
    }

    /// Where clients connect to.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its port on the loopback interface.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// What each client has sent, in the order in which they came, once all of them have gone.
    ///
    /// # Panics
    /// If there was no client, or one stays.
    pub async fn seen(&self) -> Vec<Seen> {
        for _ in 0..POLLS {
            let seen = lock(&self.seen).clone();
            if !seen.is_empty() && seen.iter().all(|seen| seen.over) {
                return seen;
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
        panic!("no client of the proxy, or one that stays");
    }

    /// What the only client has sent.
    ///
    /// # Panics
    /// If there was no client, more than one, or one that stays.
    pub async fn seen_once(&self) -> Seen {
        let mut seen = self.seen().await;
        assert_eq!(seen.len(), 1, "clients of the proxy");
        seen.remove(0)
    }
}

impl Drop for TlsProxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Builder {
    /// Speaks TLS to clients by `config`.
    #[must_use]
    pub fn with_config(mut self, config: Arc<ServerConfig>) -> Self {
        self.config = Some(config);
        self
    }

    /// Sends `bytes` in clear with the greeting.
    #[must_use]
    pub fn inject(mut self, bytes: &[u8]) -> Self {
        self.injected = bytes.to_vec();
        self
    }

    /// Answers the `SSLRequest` with these bytes in clear in place of TLS.
    #[must_use]
    pub fn answer_ssl_request(mut self, bytes: &[u8]) -> Self {
        self.answer = Some(bytes.to_vec());
        self
    }

    /// Goes no further than `stop`.
    #[must_use]
    pub fn stop(mut self, stop: Stop, end: End) -> Self {
        self.stop = Some((stop, end));
        self
    }

    /// Listens, and serves whoever connects.
    ///
    /// # Errors
    /// If there is no port for it.
    pub async fn start(self) -> io::Result<TlsProxy> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let seen = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::clone(&seen);
        let task = tokio::spawn(async move {
            let mut clients = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let log = Log::new(&shared);
                let builder = self.clone();
                clients.spawn(async move {
                    let result = builder.serve(stream, &log).await;
                    log.with(|seen| {
                        seen.over = true;
                        if let Err(error) = result {
                            seen.error.get_or_insert(error.to_string());
                        }
                    });
                });
            }
        });
        Ok(TlsProxy {
            address,
            seen,
            task,
        })
    }

    async fn serve(&self, client: TcpStream, log: &Log) -> io::Result<()> {
        let mut server = TcpStream::connect(self.server).await?;
        let mut greeting = read_packet(&mut server).await?;
        if self.config.is_none() {
            strip_tls(&mut greeting);
        }
        greeting.extend_from_slice(&self.injected);
        let mut client = Tap::new(client, log, |seen| &mut seen.in_clear);
        client.write_all(&greeting).await?;
        if self.stops(Stop::Greeting, &mut client).await? {
            return Ok(());
        }
        let request = read_packet(&mut client).await?;
        if self.stops(Stop::SslRequest, &mut client).await? {
            return Ok(());
        }
        if let Some(answer) = &self.answer {
            client.write_all(answer).await?;
            return drain(&mut client).await;
        }
        server.write_all(&request).await?;
        match &self.config {
            Some(config) if is_ssl_request(&request) => {
                let acceptor = TlsAcceptor::from(Arc::clone(config));
                self.serve_tls(acceptor, client.into_inner(), server, log)
                    .await
            }
            _ => relay(&mut client, &mut server).await,
        }
    }

    async fn serve_tls(
        &self,
        acceptor: TlsAcceptor,
        client: TcpStream,
        server: TcpStream,
        log: &Log,
    ) -> io::Result<()> {
        let client = acceptor.accept(client).await?;
        log.with(|seen| seen.tls = true);
        let mut client = Tap::new(client, log, |seen| &mut seen.inside_tls);
        if self.stops(Stop::TlsHandshake, &mut client).await? {
            return Ok(());
        }
        let name = self.server.ip().into();
        let connector = TlsConnector::from(verifier::trusting_all());
        let mut server = connector.connect(name, server).await?;
        if self.stop.is_some() {
            read_packet(&mut client).await?;
            if self.stops(Stop::HandshakeResponse, &mut client).await? {
                return Ok(());
            }
        }
        relay(&mut client, &mut server).await
    }

    /// Whether this is where it stops. If so, the client is gone then, or is to go.
    async fn stops(&self, stop: Stop, client: &mut (impl AsyncRead + Unpin)) -> io::Result<bool> {
        match self.stop {
            Some((here, End::Close)) if here == stop => Ok(true),
            Some((here, End::Silence)) if here == stop => drain(client).await.map(|()| true),
            _ => Ok(false),
        }
    }
}

/// Where what one client does is written down.
#[derive(Clone, Debug)]
struct Log {
    seen: Arc<Mutex<Vec<Seen>>>,
    index: usize,
}

impl Log {
    /// The log of one more client.
    fn new(seen: &Arc<Mutex<Vec<Seen>>>) -> Self {
        let mut all = lock(seen);
        all.push(Seen::default());
        let index = all.len() - 1;
        let seen = Arc::clone(seen);
        Self { seen, index }
    }

    fn with<T>(&self, act: impl FnOnce(&mut Seen) -> T) -> T {
        act(&mut lock(&self.seen)[self.index])
    }
}

/// All that is written down stays true when a test panics.
fn lock(seen: &Mutex<Vec<Seen>>) -> MutexGuard<'_, Vec<Seen>> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The next packet of `stream` with its header.
async fn read_packet(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Vec<u8>> {
    let mut packet = vec![0; HEADER_BYTES];
    stream.read_exact(&mut packet).await?;
    let body = u32::from_le_bytes([packet[0], packet[1], packet[2], 0]);
    packet.resize(HEADER_BYTES + body as usize, 0);
    stream.read_exact(&mut packet[HEADER_BYTES..]).await?;
    Ok(packet)
}

/// Reads and forgets until the client has gone.
async fn drain(client: &mut (impl AsyncRead + Unpin)) -> io::Result<()> {
    tokio::io::copy(client, &mut tokio::io::sink()).await?;
    Ok(())
}

async fn relay(
    client: &mut (impl AsyncRead + tokio::io::AsyncWrite + Unpin),
    server: &mut (impl AsyncRead + tokio::io::AsyncWrite + Unpin),
) -> io::Result<()> {
    match copy_bidirectional(client, server).await {
        // A side that goes without a goodbye of TLS.
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(()),
        relayed => relayed.map(|_| ()),
    }
}

/// Whether `bytes` are an `SSLRequest`, with its header.
fn is_ssl_request(bytes: &[u8]) -> bool {
    bytes.len() == SSL_REQUEST_BYTES && bytes[..4] == [32, 0, 0, 1] && bytes[5] & SSL != 0
}

/// Takes `CLIENT_SSL` out of the capabilities of a greeting with its header.
fn strip_tls(greeting: &mut [u8]) {
    let version = greeting[HEADER_BYTES + 1..].iter();
    let version_bytes = version.take_while(|byte| **byte != 0).count();
    // Behind the version: its NUL, the thread id, half of the scramble and a filler.
    let capabilities = HEADER_BYTES + 1 + version_bytes + 1 + 4 + 8 + 1;
    greeting[capabilities + 1] &= !SSL;
}

const HEADER_BYTES: usize = 4;

/// The first 32 bytes of a handshake response, with their header.
const SSL_REQUEST_BYTES: usize = 36;

/// `CLIENT_SSL` in the second byte of the capabilities.
const SSL: u8 = 0x08;

/// Ten seconds.
const POLLS: u32 = 2000;

const POLL_INTERVAL: Duration = Duration::from_millis(5);

#[cfg(test)]
mod tests;
