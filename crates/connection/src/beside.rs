//! Connections beside another one, to the same server: they find and end what that one runs.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use otaria_session::{
    Channel, Config, Endpoint, Error, ErrorKind, Found, Kill, Origin, Process, ProcessLine,
};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::{Instant, timeout};

use crate::Connection;
use crate::dial::set_options;
use crate::drain::DrainLimit;
use crate::stop::not_stopped;
use crate::transport::Transport;
use crate::{SideConnections, SidePlace};

impl Connection {
    /// How another connection comes to the same server; `None` if that cannot be told.
    pub(crate) fn route(&self) -> Option<Route> {
        Some(Route {
            way: self.way()?,
            endpoint: self.endpoint.clone(),
            config: self.config.beside(),
            is_proven: self.is_proven(),
            thread_id: self.thread_id(),
            side_connections: self.limits.side_connections.clone(),
        })
    }

    pub(crate) fn way(&self) -> Option<Way> {
        match self.transport.as_ref()? {
            Transport::Tcp(stream) => Some(Way::Tcp {
                server: stream.peer_addr().ok()?,
                own_port: stream.local_addr().ok()?.port(),
            }),
            // The peer's address is the path that the server has given it, in a container of its own
            // perhaps.
            Transport::Unix(_) => match &self.endpoint {
                Endpoint::UnixSocket(path) => Some(Way::Unix(path.clone())),
                Endpoint::Tcp { .. } => None,
            },
            Transport::Boxed(_) => None,
        }
    }

    fn is_proven(&self) -> bool {
        self.tls().is_some_and(|tls| tls.proof.is_proven())
    }
}

/// How a connection comes to its server, so that another one comes to the same.
#[derive(Clone, Debug)]
pub(crate) struct Route {
    way: Way,
    /// Whose name the server's certificate is for.
    endpoint: Endpoint,
    config: Config,
    /// Whether TLS has proven who the server is.
    is_proven: bool,
    thread_id: u32,
    side_connections: Option<SideConnections>,
}

#[derive(Clone, Debug)]
pub(crate) enum Way {
    Tcp { server: SocketAddr, own_port: u16 },
    Unix(PathBuf),
}

impl Route {
    /// Connects to the same server, in this place or as soon as there is one; `None` if that proves
    /// itself less, and if there is no place.
    pub(crate) async fn beside(&self, place: Option<SidePlace>) -> Result<Option<Beside>, Error> {
        let place = match (place, &self.side_connections) {
            (None, Some(places)) => match places.place().await {
                Some(place) => Some(place),
                None => return Ok(None),
            },
            (place, _) => place,
        };
        let failed = |source| Error::Io {
            action: "connect to the server once more, to stop a statement".to_owned(),
            source,
        };
        let (transport, channel, origin) = self.open().await.map_err(failed)?;
        let log_in = Connection::log_in(transport, channel, &self.endpoint, &self.config);
        let connection = log_in.await.map_err(crate::connect::Failure::into_error)?;
        if self.is_proven && !connection.is_proven() {
            return Ok(None);
        }
        Ok(Some(Beside {
            ends_in_time: connection
                .server_version()
                .is_some_and(|version| version.is_mariadb),
            connection,
            origin,
            thread_id: self.thread_id,
            user: self.config.user().to_owned(),
            _place: place,
        }))
    }

    pub(crate) async fn beside_within(
        &self,
        limit: Duration,
        place: Option<SidePlace>,
    ) -> Result<Option<Beside>, Error> {
        let connected = timeout(limit, self.beside(place)).await;
        connected.unwrap_or_else(|_| Err(not_stopped()))
    }

    /// How long it may take to stop a statement.
    pub(crate) fn limit(&self) -> Duration {
        self.config.stop_timeout()
    }

    /// The connection's id on the server.
    pub(crate) fn connection(&self) -> u64 {
        self.thread_id.into()
    }

    async fn open(&self) -> io::Result<(Transport, Channel, Origin)> {
        match &self.way {
            Way::Tcp { server, own_port } => {
                let stream = TcpStream::connect(server).await?;
                set_options(&stream, &self.config)?;
                let origin = Origin::Ports {
                    own: *own_port,
                    beside: stream.local_addr()?.port(),
                };
                Ok((Transport::Tcp(stream), Channel::Plain, origin))
            }
            Way::Unix(path) => {
                let transport = Transport::Unix(UnixStream::connect(path).await?);
                Ok((transport, Channel::UnixSocket, Origin::UnixSocket))
            }
        }
    }
}

/// A connection beside another one, which finds and ends what that runs.
#[derive(Debug)]
pub(crate) struct Beside {
    connection: Connection,
    origin: Origin,
    thread_id: u32,
    user: String,
    /// Whether a `KILL QUERY` that has been answered is no danger to what follows: on MariaDB it does
    /// nothing to a connection that runs nothing.
    pub(crate) ends_in_time: bool,
    /// Behind the connection, which is to be gone first.
    _place: Option<SidePlace>,
}

impl Beside {
    /// Looks for the statement that begins with `sql`.
    pub(crate) async fn look(&mut self, sql: &str) -> Result<Found, Error> {
        let process = Process {
            thread_id: self.thread_id,
            user: &self.user,
            origin: self.origin,
            sql,
        };
        let Some(version) = self.connection.server_version() else {
            return Ok(Found::Nothing);
        };
        let query = process.query(version);
        let mut rows = self.connection.simple_query(&query).await?;
        let mut lines = Vec::new();
        while let Some(row) = rows.next().await? {
            // One of each is enough, and more of them are nobody's.
            if lines.len() == MAX_LINES {
                return Ok(Found::Nothing);
            }
            let (id, is_beside, user, host, command, query_id, info) = row.read()?;
            // MySQL says that it is never NULL, and it is while a connection logs in.
            let user: Option<String> = user;
            lines.push(ProcessLine {
                id,
                is_beside,
                user: user.unwrap_or_default(),
                host,
                command,
                query_id,
                info,
            });
        }
        Ok(process.find(&lines))
    }

    /// The same, in the place of which another one may be made.
    pub(crate) fn without_place(self) -> Self {
        Self {
            _place: None,
            ..self
        }
    }

    /// Waits for the answer to what was sent last. `false` if the connection was lost before.
    pub(crate) async fn hear_answer(&mut self) -> bool {
        matches!(
            self.connection.drain_within(DrainLimit::NONE).await,
            Ok(true)
        )
    }

    /// Tells the server to end a statement, and says whether it was still running.
    pub(crate) async fn kill(&mut self, kill: Kill) -> Result<bool, Error> {
        match self.connection.simple_execute(&kill.sql()).await {
            Ok(_) => Ok(true),
            Err(Error::Server(error)) if error.code() == NO_SUCH_QUERY => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// What a server has refused that had no room for a connection beside another. What is to be stopped may
/// be what takes the room, and others go: the server is asked again.
#[derive(Debug)]
pub(crate) struct Refusals {
    start: Instant,
    /// For how long it is asked again.
    limit: Duration,
    last: Option<Error>,
    /// When it is asked again.
    next: Instant,
    pause: Duration,
}

impl Refusals {
    pub(crate) fn new(limit: Duration) -> Self {
        let start = Instant::now();
        Self {
            start,
            limit,
            last: None,
            next: start,
            pause: Duration::ZERO,
        }
    }

    /// Whether there was one.
    pub(crate) const fn is_refused(&self) -> bool {
        self.last.is_some()
    }

    /// The server has refused a connection, or it could not be made.
    ///
    /// # Errors
    /// What the caller is to be told, if the server is not asked again.
    pub(crate) fn refused(&mut self, error: Error, route: &Route) -> Result<(), Error> {
        if matches!(error, Error::Timeout { .. }) {
            return Err(self.last.take().unwrap_or(error));
        }
        // Nobody is to be asked for a second factor again and again.
        let is_asked_again = error.kind() == ErrorKind::TooManyConnections
            && route.config.prompt_handler().is_none();
        if !is_asked_again || self.start.elapsed() >= self.limit {
            return Err(error);
        }
        self.last = Some(error);
        self.wait_longer();
        Ok(())
    }

    /// There was room: what fails from now on has another reason.
    pub(crate) fn admitted(&mut self) {
        self.last = None;
    }

    pub(crate) fn wait_longer(&mut self) {
        self.pause = (self.pause * 2).clamp(FIRST_PAUSE, LAST_PAUSE);
        self.next = Instant::now() + self.pause;
    }

    /// How long to wait until the server is asked again.
    pub(crate) fn wait(&self) -> Duration {
        self.next.saturating_duration_since(Instant::now())
    }

    /// The time is over: the last refusal, if there was one.
    pub(crate) fn not_stopped(&mut self) -> Error {
        self.last.take().unwrap_or_else(not_stopped)
    }
}

/// `ER_NO_SUCH_QUERY`: the statement had ended.
const NO_SUCH_QUERY: u16 = 1957;
/// How many lines of a process list are looked at where two are asked for.
const MAX_LINES: usize = 16;
/// How long to wait for room.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LAST_PAUSE: Duration = Duration::from_millis(200);
