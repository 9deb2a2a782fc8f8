//! Fake servers that listen on the loopback interface, for what a pipe cannot show: which of several
//! hosts is gone to.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use crate::pipe::{Action, Peer};

/// A port at which nobody is served so far.
#[derive(Debug)]
pub struct FakePort {
    listener: TcpListener,
    port: u16,
}

/// A server that gives each of its clients a peer of its own, until it is dropped; its connections
/// end with it.
#[derive(Debug)]
pub struct FakeServer {
    port: u16,
    visits: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl FakePort {
    /// A port that is free.
    ///
    /// # Panics
    /// If there is none.
    pub async fn new() -> Self {
        Self::at(0).await
    }

    /// This port, or any for 0.
    ///
    /// # Panics
    /// If it is not free.
    pub async fn at(port: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await;
        let listener = listener.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        Self { listener, port }
    }

    /// Its number.
    pub const fn number(&self) -> u16 {
        self.port
    }

    /// Serves whoever comes.
    pub fn serve<P: Peer + 'static>(
        self,
        mut peer: impl FnMut() -> P + Send + 'static,
    ) -> FakeServer {
        self.serve_ports(move |_| peer())
    }

    /// The same, and tells the port that each comes from.
    pub fn serve_ports<P: Peer + 'static>(
        self,
        mut peer: impl FnMut(u16) -> P + Send + 'static,
    ) -> FakeServer {
        let visits = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&visits);
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, client)) = self.listener.accept().await {
                counter.fetch_add(1, Ordering::SeqCst);
                connections.spawn(converse(stream, peer(client.port())));
            }
        });
        FakeServer {
            port: self.port,
            visits,
            task,
        }
    }
}

impl FakeServer {
    /// A server at a port of its own.
    ///
    /// # Panics
    /// If there is no port for it.
    pub async fn start<P: Peer + 'static>(peer: impl FnMut() -> P + Send + 'static) -> Self {
        FakePort::new().await.serve(peer)
    }

    /// Where it listens, on 127.0.0.1.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// How many clients have come.
    pub fn visits(&self) -> usize {
        self.visits.load(Ordering::SeqCst)
    }
}

impl Drop for FakeServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "nothing is done after the server's future is dropped"
)]
async fn converse(mut stream: TcpStream, mut peer: impl Peer) {
    let mut actions = peer.greet();
    let mut buffer = vec![0; 16 * 1024];
    loop {
        for action in actions {
            let sent = match action {
                Action::Send(bytes) => stream.write_all(&bytes).await,
                Action::Close | Action::Reset => return,
            };
            if sent.is_err() {
                return;
            }
        }
        actions = match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(read) => peer.receive(&buffer[..read]),
        };
    }
}
