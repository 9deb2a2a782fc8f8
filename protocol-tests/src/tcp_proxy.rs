//! A proxy on the loopback interface between clients and one or more real servers. It hands each
//! connection to the next server, as a balancer does, and does to the bytes what networks do:
//! delays, small segments, connections that are closed, reset or fall silent.
//!
//! What it does is decided by the seed, the number of the connection, the direction and the byte,
//! and not by the time: the same seed makes the same faults.

mod log;
mod plan;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use crate::live::LiveServer;

pub use plan::{Direction, End};

use log::Log;
use plan::{Plan, Rules, Step};

/// What is done to the connections of a proxy.
#[derive(Clone, Debug)]
pub struct Builder {
    servers: Vec<SocketAddr>,
    rules: Rules,
    keeps_ports: bool,
    remembered: usize,
}

/// A proxy. It runs in the runtime that it was started in, until it is dropped; its connections
/// end with it.
#[derive(Debug)]
pub struct TcpProxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

/// One connection that has come.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Passed {
    /// Which of the servers it was handed to, counted from 0.
    pub server: usize,
    /// Where the client comes from.
    pub client: SocketAddr,
    /// Where the server sees it come from. `None` if the server could not be reached.
    pub seen_by_server: Option<SocketAddr>,
    /// Where and how it was ended by the proxy: in which direction, behind how many bytes.
    pub ended: Option<(Direction, u64, End)>,
}

#[derive(Debug, Default)]
struct Shared {
    log: Mutex<Log>,
    next: Mutex<Next>,
    spares: AtomicBool,
}

/// What the next connection is to be handed to.
#[derive(Debug, Default)]
struct Next {
    server: usize,
    from: Option<SocketAddr>,
}

impl TcpProxy {
    /// A proxy in front of `server`.
    pub fn to(server: &LiveServer) -> Builder {
        Self::balancing([server])
    }

    /// A proxy that hands each connection to the next of these servers.
    ///
    /// # Panics
    /// Without a server, or with one that is not reached by an IP address.
    pub fn balancing<'a>(servers: impl IntoIterator<Item = &'a LiveServer>) -> Builder {
        Self::to_addresses(servers.into_iter().map(|server| {
            let host = server.host();
            let ip = if host == "localhost" {
                "127.0.0.1"
            } else {
                host
            };
            SocketAddr::new(ip.parse().expect("an IP address"), server.port())
        }))
    }

    /// The same in front of these addresses.
    ///
    /// # Panics
    /// Without an address.
    pub fn to_addresses(servers: impl IntoIterator<Item = SocketAddr>) -> Builder {
        let servers: Vec<_> = servers.into_iter().collect();
        assert!(!servers.is_empty(), "a proxy in front of nothing");
        Builder {
            servers,
            rules: Rules::default(),
            keeps_ports: false,
            remembered: usize::MAX,
        }
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Where clients connect to.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The connections that have come, in their order, as far as they are
    /// [remembered](Builder::remember).
    pub fn passed(&self) -> Vec<Passed> {
        lock(&self.shared.log).passed()
    }

    /// How many connections have come.
    pub fn came(&self) -> usize {
        lock(&self.shared.log).came()
    }

    /// How many connections it has ended.
    pub fn ended(&self) -> usize {
        lock(&self.shared.log).ended()
    }

    /// The next connection goes to this server, and those behind it to the servers behind.
    pub fn hand_next_to(&self, server: usize) {
        lock(&self.shared.next).server = server;
    }

    /// The next connection is seen by its server as one from this address.
    pub fn bind_next_to(&self, from: SocketAddr) {
        lock(&self.shared.next).from = Some(from);
    }

    /// From now on all bytes pass as they come, on the connections there are as well. What is
    /// silent stays so.
    pub fn spare(&self) {
        self.shared.spares.store(true, Ordering::SeqCst);
    }

    /// From now on there are faults again, though not those whose byte has passed.
    pub fn spare_no_longer(&self) {
        self.shared.spares.store(false, Ordering::SeqCst);
    }
}

impl Drop for TcpProxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Builder {
    /// Where faults come from.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.rules.seed = seed;
        self
    }

    /// Passes on at most so many bytes at once, often fewer.
    #[must_use]
    pub fn split(mut self, longest_segment: usize) -> Self {
        self.rules.longest_segment = Some(longest_segment);
        self
    }

    /// Holds back so many of 1,000 segments for up to that time.
    #[must_use]
    pub fn delay(mut self, per_thousand: u32, longest: Duration) -> Self {
        self.rules.delays = (per_thousand, longest);
        self
    }

    /// Ends so many of 1,000 connections in one of these ways, behind up to `within` bytes in one
    /// direction. A third of them in the login.
    #[must_use]
    pub fn end(mut self, per_thousand: u32, within: u64, ends: &[End]) -> Self {
        self.rules.ends = (per_thousand, within, ends.to_vec());
        self
    }

    /// Ends this connection, counted from 0, behind so many bytes in this direction.
    #[must_use]
    pub fn end_at(mut self, connection: usize, direction: Direction, bytes: u64, end: End) -> Self {
        self.rules.told.push((connection, direction, bytes, end));
        self
    }

    /// Has servers see each connection come from the port of its client, at 127.0.0.2, as a proxy
    /// does that cannot be seen.
    #[must_use]
    pub fn keep_ports(mut self) -> Self {
        self.keeps_ports = true;
        self
    }

    /// Remembers only so many connections, the latest that have come, and not all of them.
    #[must_use]
    pub fn remember(mut self, connections: usize) -> Self {
        self.remembered = connections;
        self
    }

    /// Listens, and serves whoever connects.
    ///
    /// # Errors
    /// If there is no port for it.
    pub async fn start(self) -> io::Result<TcpProxy> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::default());
        let state = Arc::clone(&shared);
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                tokio::select! {
                    accepted = listener.accept() => match accepted {
                        Ok((client, _)) => connections.spawn(self.pass(client, &state)),
                        // Out of descriptors, say: those who come next may fare better.
                        Err(_) => continue,
                    },
                    Some(_) = connections.join_next() => continue,
                };
            }
        });
        Ok(TcpProxy {
            address,
            shared,
            task,
        })
    }

    /// What serves one connection.
    fn pass(
        &self,
        client: TcpStream,
        shared: &Arc<Shared>,
    ) -> impl Future<Output = ()> + Send + use<> {
        let client_address = client.peer_addr().unwrap_or(NOWHERE);
        let kept = SocketAddr::from(([127, 0, 0, 2], client_address.port()));
        let Next { server, from } = {
            let mut next = lock(&shared.next);
            let from = next.from.take().or(self.keeps_ports.then_some(kept));
            let server = next.server % self.servers.len();
            next.server = server + 1;
            Next { server, from }
        };
        let passed = Passed {
            server,
            client: client_address,
            seen_by_server: None,
            ended: None,
        };
        let number = lock(&shared.log).add(passed, self.remembered);
        let address = self.servers[server];
        let plans = Direction::BOTH.map(|direction| Plan::new(&self.rules, number, direction));
        let connection = Connection {
            number,
            shared: Arc::clone(shared),
        };
        async move {
            // Nobody is told of an error: a server that cannot be reached is a client that loses
            // its connection.
            let _ = connection.serve(client, address, from, plans).await;
        }
    }
}

/// One connection that passes.
struct Connection {
    number: usize,
    shared: Arc<Shared>,
}

impl Connection {
    async fn serve(
        &self,
        mut client: TcpStream,
        address: SocketAddr,
        from: Option<SocketAddr>,
        [to_server, to_client]: [Plan; 2],
    ) -> io::Result<()> {
        let mut server = dial(address, from).await?;
        if let Ok(address) = server.local_addr() {
            lock(&self.shared.log).seen(self.number, address);
        }
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;

        let (from_client, into_client) = client.split();
        let (from_server, into_server) = server.split();
        let ended = tokio::try_join!(
            self.relay(from_client, into_server, to_server),
            self.relay(from_server, into_client, to_client),
        );
        match ended {
            Ok(_) | Err(End::Close) => {}
            Err(End::Reset) => {
                client.set_zero_linger()?;
                server.set_zero_linger()?;
            }
            Err(End::Silence) => {
                tokio::io::copy(&mut client, &mut tokio::io::sink()).await?;
            }
        }
        Ok(())
    }

    /// Passes on what comes from `source`, until it ends or the plan ends the connection both ways.
    async fn relay(
        &self,
        mut source: ReadHalf<'_>,
        mut sink: WriteHalf<'_>,
        mut plan: Plan,
    ) -> Result<(), End> {
        let mut buffer = vec![0; BUFFER_BYTES];
        loop {
            let read = match source.read(&mut buffer).await {
                Ok(0) => return sink.shutdown().await.or(Ok(())),
                Ok(read) => read,
                Err(_) => return Err(End::Reset),
            };
            let mut bytes = &buffer[..read];
            while !bytes.is_empty() {
                let spares = self.shared.spares.load(Ordering::SeqCst);
                match plan.step(bytes.len()) {
                    Step::Pass(count) => {
                        let (now, later) = bytes.split_at(count);
                        bytes = later;
                        if sink.write_all(now).await.is_err() {
                            // Its own last words are on their way in the other direction.
                            return Ok(());
                        }
                    }
                    Step::Delay(_) | Step::End(_) if spares => {}
                    Step::Delay(time) => tokio::time::sleep(time).await,
                    Step::End(end) => {
                        let ended = (plan.direction(), plan.bytes(), end);
                        lock(&self.shared.log).end(self.number, ended);
                        if end != End::Close {
                            return Err(end);
                        }
                        // The peer closes in its turn when it has read the end.
                        let _ = sink.shutdown().await;
                        let _ = tokio::io::copy(&mut source, &mut tokio::io::sink()).await;
                        return Ok(());
                    }
                }
            }
        }
    }
}

async fn dial(address: SocketAddr, from: Option<SocketAddr>) -> io::Result<TcpStream> {
    let Some(from) = from else {
        return TcpStream::connect(address).await;
    };
    let socket = TcpSocket::new_v4()?;
    // The port may be that of another connection of this machine, to elsewhere.
    socket.set_reuseaddr(true)?;
    socket.bind(from)?;
    socket.connect(address).await
}

/// All that is written down stays true when a test panics.
fn lock<T>(state: &Mutex<T>) -> MutexGuard<'_, T> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

const BUFFER_BYTES: usize = 64 * 1024;

/// A client that has gone before it could be asked.
const NOWHERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);

#[cfg(test)]
mod tests;
