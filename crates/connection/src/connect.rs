use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use otaria_session::{Channel, Config, Endpoint, Error, TimeoutPhase};
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpStream, UnixStream, lookup_host};

use crate::Connection;
use crate::io::within;
use crate::transport::{Stream, Transport};

impl Connection {
    /// Connects, logs in and runs the init commands. Nothing else is sent: what the login cannot
    /// carry is for the init commands.
    ///
    /// The runtime needs its I/O and time drivers (`enable_all`).
    ///
    /// # Errors
    /// [`Error::Io`] if the server cannot be reached, [`Error::Auth`] if it refuses the login,
    /// [`Error::InitCommand`] if it refuses an init command, [`Error::Timeout`] when
    /// [`connect_timeout`](otaria_session::ConfigBuilder::connect_timeout) is over.
    ///
    /// # Cancel safety
    /// Safe. The socket is closed; an init command that was sent may run to its end.
    pub async fn connect(config: &Config) -> Result<Self, Error> {
        let connect = async {
            let (transport, channel) = open(config).await?;
            Self::log_in(transport, channel, config.endpoint(), config).await
        };
        // Large, and needed once.
        limited(config, Box::pin(connect)).await
    }

    /// Logs in over a stream that is connected already, such as a tunnel, and runs the init
    /// commands. The stream is taken as one that others can read: a password is never sent over
    /// it in clear. Of the endpoint of `config` only the host is used, for TLS: the server's
    /// certificate must be for it.
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
        let log_in = Self::log_in(transport, Channel::Plain, config.endpoint(), config);
        limited(config, Box::pin(log_in)).await
    }
}

async fn limited<T>(
    config: &Config,
    connect: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let connected = within(config.connect_timeout(), connect).await;
    connected.unwrap_or(Err(Error::Timeout {
        phase: TimeoutPhase::Connect,
    }))
}

async fn open(config: &Config) -> Result<(Transport, Channel), Error> {
    let endpoint = config.endpoint();
    let failed = |source| Error::Io {
        action: format!("connect to {endpoint}"),
        source,
    };
    match endpoint {
        Endpoint::UnixSocket(path) => {
            let stream = UnixStream::connect(path).await.map_err(failed)?;
            Ok((Transport::Unix(stream), Channel::UnixSocket))
        }
        Endpoint::Tcp { host, port } => {
            let stream = connect_tcp(host, *port, endpoint).await?;
            set_options(&stream, config).map_err(|source| Error::Io {
                action: format!("set the options of the connection to {endpoint}"),
                source,
            })?;
            Ok((Transport::Tcp(stream), Channel::Plain))
        }
    }
}

/// Resolves `host` and tries its addresses.
async fn connect_tcp(host: &str, port: u16, endpoint: &Endpoint) -> Result<TcpStream, Error> {
    let resolve = |source| Error::Io {
        action: format!("resolve {endpoint}"),
        source,
    };
    let addresses: Vec<_> = lookup_host((host, port)).await.map_err(resolve)?.collect();
    connect_any(&addresses, endpoint).await
}

/// Tries addresses in their order. One that does not answer holds the next one up only so long.
async fn connect_any(addresses: &[SocketAddr], endpoint: &Endpoint) -> Result<TcpStream, Error> {
    let mut failure = Error::Io {
        action: format!("resolve {endpoint}"),
        source: io::ErrorKind::NotFound.into(),
    };
    for (index, address) in addresses.iter().enumerate() {
        let is_last = index + 1 == addresses.len();
        let limit = (!is_last).then_some(ADDRESS_TIME);
        let source = match within(limit, TcpStream::connect(address)).await {
            Some(Ok(stream)) => return Ok(stream),
            Some(Err(source)) => source,
            None => io::ErrorKind::TimedOut.into(),
        };
        let action = format!("connect to {endpoint} at {address}");
        failure = Error::Io { action, source };
    }
    Err(failure)
}

fn set_options(stream: &TcpStream, config: &Config) -> io::Result<()> {
    stream.set_nodelay(config.tcp_nodelay())?;
    if let Some(time) = config.tcp_keepalive() {
        SockRef::from(stream).set_tcp_keepalive(&TcpKeepalive::new().with_time(time))?;
    }
    Ok(())
}

/// How long an address may take before the next one is tried.
const ADDRESS_TIME: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    fn endpoint(port: u16) -> Endpoint {
        Endpoint::Tcp {
            host: "127.0.0.1".to_owned(),
            port,
        }
    }

    #[tokio::test]
    async fn an_address_that_refuses_is_followed_by_the_next_one() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let open = listener.local_addr().unwrap();
        let closed = TcpListener::bind("127.0.0.1:0")
            .await
            .unwrap()
            .local_addr()
            .unwrap();
        let stream = connect_any(&[closed, open], &endpoint(1)).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), open);
        let error = connect_any(&[closed], &endpoint(1)).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("cannot connect to 127.0.0.1:1 at {closed}")
        );
        assert!(connect_any(&[], &endpoint(1)).await.is_err());
    }

    #[tokio::test]
    async fn nodelay_and_keepalive_are_set_as_configured() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let builder = Config::builder().host("127.0.0.1");
        let builder = builder.port(listener.local_addr().unwrap().port());
        for on in [true, false] {
            let time = on.then_some(Duration::from_secs(7));
            let config = builder
                .clone()
                .tcp_nodelay(on)
                .tcp_keepalive(time)
                .build()
                .unwrap();
            let (transport, channel) = open(&config).await.unwrap();
            assert_eq!(channel, Channel::Plain);
            let Transport::Tcp(stream) = transport else {
                panic!("{transport:?}")
            };
            let socket = SockRef::from(&stream);
            assert_eq!(
                (socket.tcp_nodelay().unwrap(), socket.keepalive().unwrap()),
                (on, on)
            );
            if on {
                assert_eq!(socket.tcp_keepalive_time().unwrap(), Duration::from_secs(7));
            }
        }
    }
}
