use std::time::Duration;

use otaria_session::{
    Channel, Config, Endpoint, EndpointError, EndpointErrors, Error, TimeoutPhase,
};
use tokio::time::Instant;

use crate::dial::open;
use crate::io::within;
use crate::log_in::with_public_key;
use crate::redirect::attempt;
use crate::transport::{Stream, Transport};
use crate::{Connection, HostStates};

impl Connection {
    /// Connects, logs in, gives the session the collation, time zone and limit of the configuration
    /// by one statement, if it asks for any, and runs the init commands. Nothing else is sent, but
    /// for the question whether the server takes writes, if the configuration asks for one of a
    /// [`role`](otaria_session::ConfigBuilder::role).
    ///
    /// Endpoints are tried in their order, or in that of
    /// [`host_order`](otaria_session::ConfigBuilder::host_order). One that cannot be reached, does not
    /// answer within its share of the time that is left, says that it has no room, or has another
    /// role, is followed by the next; one that refuses the login is not, nor is one that fails once
    /// the login is done, in an init command.
    ///
    /// The runtime needs its I/O and time drivers (`enable_all`).
    ///
    /// # Errors
    /// [`Error::Io`] if the server cannot be reached, [`Error::LocalIo`] if a file of the
    /// configuration cannot be read, `Error::Tls` if the server's certificate is refused,
    /// [`Error::Auth`] if it refuses the login or does not prove who it is, [`Error::WrongRole`] if it
    /// takes writes and should not, or the other way round,
    /// [`Error::SessionSettings`] if it refuses the settings,
    /// [`Error::InitCommand`] if it refuses an init command, [`Error::Timeout`] when
    /// [`connect_timeout`](otaria_session::ConfigBuilder::connect_timeout) is over;
    /// [`Error::Endpoints`] if there are several endpoints, and none can be used.
    ///
    /// # Cancel safety
    /// Safe. The socket is closed; an init command that was sent may run to its end.
    pub async fn connect(config: &Config) -> Result<Self, Error> {
        Self::connect_with_hosts(config, &HostStates::new()).await
    }

    /// Connects like [`connect`](Self::connect), with what earlier connections have found out about
    /// the hosts of the configuration: one that failed lately is tried last.
    ///
    /// # Errors
    /// Those of [`connect`](Self::connect).
    ///
    /// # Cancel safety
    /// Like [`connect`](Self::connect).
    pub async fn connect_with_hosts(config: &Config, hosts: &HostStates) -> Result<Self, Error> {
        // The future is large, and needed once.
        Box::pin(Self::connect_to_any(config, hosts)).await
    }

    /// Logs in over a stream that is connected already, such as a tunnel, and runs the init
    /// commands. The stream is taken as one that others can read: a password is never sent over
    /// it in clear. Of the endpoint of `config` only the host is used, for TLS: the server's
    /// certificate must be for it. No redirection is followed.
    ///
    /// # Errors
    /// Those of [`connect`](Self::connect).
    ///
    /// # Cancel safety
    /// Like [`connect`](Self::connect).
    pub async fn connect_over(
        stream: impl Stream + 'static,
        config: &Config,
    ) -> Result<Self, Error> {
        let transport = Transport::Boxed(Box::new(stream));
        let connect = async {
            let config = with_files(config).await?;
            let log_in = Self::log_in(transport, Channel::Plain, config.endpoint(), &config);
            let mut connection = log_in.await.map_err(Failure::into_error)?;
            connection.check_role().await?;
            connection.prepare_session().await?;
            Ok(connection)
        };
        limited(config.connect_timeout(), Box::pin(connect)).await
    }

    /// Connects to the first endpoint that can be used.
    async fn connect_to_any(config: &Config, hosts: &HostStates) -> Result<Self, Error> {
        let deadline = Deadline::new(config.connect_timeout());
        let config = limited(deadline.share(0), with_files(config)).await?;
        let mut failures = Vec::new();
        for group in hosts.in_order(&config)? {
            let mut endpoints = group.iter();
            while let Some(endpoint) = endpoints.next() {
                let limit = deadline.share(endpoints.len());
                let attempt = attempt(endpoint, &config, hosts, Deadline::new(limit));
                match limited(limit, Box::pin(attempt)).await {
                    Ok(mut connection) => {
                        hosts.succeeded(endpoint);
                        let prepare = Box::pin(connection.prepare_session());
                        limited(deadline.share(0), prepare).await?;
                        return Ok(connection);
                    }
                    Err(failure) if failure.is_of_endpoint && config.endpoints().len() > 1 => {
                        hosts.failed(endpoint, &config);
                        failures.push(EndpointError::new(endpoint.clone(), failure.error));
                    }
                    Err(failure) => return Err(failure.error),
                }
            }
        }
        Err(Error::Endpoints(EndpointErrors::new(failures)))
    }

    /// Connects to one endpoint, and no other.
    pub(crate) async fn attempt(endpoint: &Endpoint, config: &Config) -> Result<Self, Failure> {
        let (transport, channel) = open(endpoint, config).await?;
        Self::log_in(transport, channel, endpoint, config).await
    }
}

/// Why a login failed, and whether another endpoint may be of use.
pub(crate) struct Failure {
    error: Error,
    is_of_endpoint: bool,
}

impl Failure {
    /// One on this side, which every endpoint would see.
    pub(crate) const fn local(error: Error) -> Self {
        Self {
            error,
            is_of_endpoint: false,
        }
    }

    /// Why.
    pub(crate) fn into_error(self) -> Error {
        self.error
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self {
            is_of_endpoint: error.is_of_endpoint(),
            error,
        }
    }
}

/// `config` with the files that it names read, or at least found to be what they should be.
async fn with_files(config: &Config) -> Result<Config, Error> {
    #[cfg(feature = "tls")]
    crate::tls::check_files(config).await?;
    with_public_key(config.clone()).await
}

/// When connecting must be done; `None` for never.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline(Option<Instant>);

impl Deadline {
    /// A deadline from now on. One too far away for a clock is none.
    fn new(timeout: Option<Duration>) -> Self {
        Self(timeout.and_then(|timeout| Instant::now().checked_add(timeout)))
    }

    /// How long one endpoint may take, where `others` follow: as long as each of them.
    pub(crate) fn share(self, others: usize) -> Option<Duration> {
        let left = self.0?.saturating_duration_since(Instant::now());
        let endpoints = u32::try_from(others).unwrap_or(u32::MAX).saturating_add(1);
        Some(left / endpoints)
    }
}

/// Awaits `connect`, for at most as long as `limit`.
pub(crate) async fn limited<T, E: From<Error>>(
    limit: Option<Duration>,
    connect: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    let timed_out = Error::Timeout {
        phase: TimeoutPhase::Connect,
        statement_stopped: false,
    };
    within(limit, connect)
        .await
        .unwrap_or_else(|| Err(timed_out.into()))
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use tokio::net::TcpListener;

    use super::*;

    /// The greeting of a server that has no room: error 1040, without a SQLSTATE.
    const TOO_MANY_CONNECTIONS: &[u8] = b"\x17\0\0\0\xff\x10\x04Too many connections";
    /// The same with error 1045.
    const ACCESS_DENIED: &[u8] = b"\x10\0\0\0\xff\x15\x04Access denied";

    /// A server that says `greeting` to whoever comes.
    async fn server(greeting: &'static [u8]) -> (u16, impl Future<Output = usize>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let serve = async move {
            let mut streams = Vec::new();
            let mut visits = 0;
            while let Ok(Ok((stream, _))) =
                tokio::time::timeout(Duration::from_secs(2), listener.accept()).await
            {
                assert_eq!(stream.try_write(greeting).unwrap(), greeting.len());
                streams.push(stream);
                visits += 1;
            }
            visits
        };
        (port, serve)
    }

    async fn closed_port() -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap().port()
    }

    fn config(ports: &[u16]) -> Config {
        let builder = Config::builder().connect_timeout(Duration::from_secs(20));
        let add = |builder: otaria_session::ConfigBuilder, port: &u16| {
            builder.add_host("127.0.0.1", *port)
        };
        ports.iter().fold(builder, add).build().unwrap()
    }

    #[tokio::test]
    async fn the_error_tells_of_every_host_that_was_tried() {
        let closed = closed_port().await;
        let (full, serve) = server(TOO_MANY_CONNECTIONS).await;
        let config = config(&[closed, full]);
        let (connected, visits) = tokio::join!(Connection::connect(&config), serve);
        let error = connected.unwrap_err();
        assert_eq!(visits, 1);
        let text = error.to_string();
        let start = format!("none of 2 servers can be used: 127.0.0.1:{closed}: cannot connect");
        assert!(text.starts_with(&start), "{text}");
        let end = format!("127.0.0.1:{full}: cannot log in: Too many connections (error 1040)");
        assert!(text.ends_with(&end), "{text}");
        let Error::Endpoints(errors) = &error else {
            panic!("{error:?}")
        };
        assert!(matches!(errors.last(), Some(last) if matches!(last.error(), Error::Auth(_))));
        assert!(error.source().is_none());
    }

    #[tokio::test]
    async fn a_host_that_denies_access_is_not_followed_by_the_next() {
        let (denying, serve) = server(ACCESS_DENIED).await;
        let (next, serve_next) = server(ACCESS_DENIED).await;
        let config = config(&[denying, next]);
        let (connected, visits, next_visits) =
            tokio::join!(Connection::connect(&config), serve, serve_next);
        assert!(matches!(connected, Err(Error::Auth(_))));
        assert_eq!((visits, next_visits), (1, 0));
    }

    #[cfg(feature = "rsa")]
    #[tokio::test]
    async fn a_public_key_that_cannot_be_read_is_the_error_and_no_host_is_tried() {
        let (first, serve) = server(TOO_MANY_CONNECTIONS).await;
        let (next, serve_next) = server(TOO_MANY_CONNECTIONS).await;
        let config = config(&[first, next]).to_builder();
        let config = config.server_public_key("/nowhere/key.pem").build();
        let config = config.unwrap();
        let (connected, visits, next_visits) =
            tokio::join!(Connection::connect(&config), serve, serve_next);
        let error = connected.unwrap_err();
        assert!(matches!(error, Error::LocalIo { .. }), "{error}");
        assert!(error.to_string().contains("server_public_key"), "{error}");
        assert_eq!((visits, next_visits), (0, 0));
    }

    #[tokio::test]
    async fn a_single_host_has_an_error_of_its_own() {
        let config = config(&[closed_port().await]);
        let error = Connection::connect(&config).await.unwrap_err();
        assert!(matches!(error, Error::Io { .. }), "{error:?}");
    }

    #[tokio::test]
    async fn a_silent_host_gets_its_share_of_the_time_and_no_more() {
        let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let config = config(&[silent.local_addr().unwrap().port(), closed_port().await]);
        let config = config.to_builder();
        let config = config
            .connect_timeout(Duration::from_secs(2))
            .build()
            .unwrap();
        let started = Instant::now();
        let error = Connection::connect(&config).await.unwrap_err();
        assert!(started.elapsed() < Duration::from_secs(20));
        let Error::Endpoints(errors) = error else {
            panic!("{error:?}")
        };
        let errors: Vec<_> = errors.iter().map(EndpointError::error).collect();
        assert!(
            matches!(errors[..], [Error::Timeout { .. }, Error::Io { .. }]),
            "{errors:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_host_gets_all_the_time_that_is_left() {
        let deadline = Deadline::new(Some(Duration::from_secs(9)));
        assert_eq!(deadline.share(2), Some(Duration::from_secs(3)));
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(deadline.share(1), Some(Duration::from_secs(4)));
        assert_eq!(deadline.share(0), Some(Duration::from_secs(8)));
        tokio::time::sleep(Duration::from_secs(10)).await;
        assert_eq!(deadline.share(0), Some(Duration::ZERO));
        assert_eq!(Deadline::new(None).share(0), None);
        assert_eq!(Deadline::new(Some(Duration::MAX)).share(0), None);
    }
}
