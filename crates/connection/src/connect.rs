use otaria_session::{Channel, Config, Endpoint, Error, Event, Session, TimeoutPhase};
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
            Self::log_in(transport, channel, config).await
        };
        limited(config, connect).await
    }

    /// Logs in over a stream that is connected already, such as a tunnel, and runs the init
    /// commands. The stream is taken as one that others can read: a password is never sent over
    /// it in clear. The endpoint of `config` is not used.
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
        limited(config, Self::log_in(transport, Channel::Plain, config)).await
    }

    async fn log_in(
        transport: Transport,
        channel: Channel,
        config: &Config,
    ) -> Result<Self, Error> {
        let mut entropy = [0; 32];
        getrandom::fill(&mut entropy).map_err(|error| Error::Io {
            action: "get random bytes from the operating system".to_owned(),
            source: error.into(),
        })?;
        let mut connection = Self {
            session: Session::new(config, channel, entropy),
            transport: Some(transport),
            config: config.clone(),
            needs_flush: false,
        };
        while !matches!(connection.event().await?, Event::Connected) {}
        connection.run_init_commands().await?;
        Ok(connection)
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
            set_options(&stream, config).map_err(failed)?;
            Ok((Transport::Tcp(stream), Channel::Plain))
        }
    }
}

/// Tries the addresses of `host` in the order of the name's resolution.
async fn connect_tcp(host: &str, port: u16, endpoint: &Endpoint) -> Result<TcpStream, Error> {
    let resolved = lookup_host((host, port)).await;
    let resolve = |source| Error::Io {
        action: format!("resolve {endpoint}"),
        source,
    };
    let mut failure = resolve(std::io::ErrorKind::NotFound.into());
    for address in resolved.map_err(resolve)? {
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(source) => {
                let action = format!("connect to {endpoint} at {address}");
                failure = Error::Io { action, source };
            }
        }
    }
    Err(failure)
}

fn set_options(stream: &TcpStream, config: &Config) -> std::io::Result<()> {
    stream.set_nodelay(config.tcp_nodelay())?;
    if let Some(time) = config.tcp_keepalive() {
        SockRef::from(stream).set_tcp_keepalive(&TcpKeepalive::new().with_time(time))?;
    }
    Ok(())
}
