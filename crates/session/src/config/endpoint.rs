use std::fmt;
use std::path::PathBuf;

/// Where a server listens.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Endpoint {
    /// A host name or IP address, and a port.
    Tcp {
        /// The name or address; an IPv6 address has no brackets.
        host: String,
        /// The port, 3306 by default.
        port: u16,
    },
    /// A Unix socket.
    UnixSocket(PathBuf),
}

impl Endpoint {
    pub(crate) const fn has_port_0(&self) -> bool {
        matches!(self, Self::Tcp { port: 0, .. })
    }

    pub(crate) fn is_nowhere(&self) -> bool {
        match self {
            Self::Tcp { host, .. } => host.is_empty(),
            Self::UnixSocket(path) => path.as_os_str().is_empty(),
        }
    }
}

impl Default for Endpoint {
    fn default() -> Self {
        Self::Tcp {
            host: DEFAULT_HOST.to_owned(),
            port: DEFAULT_PORT,
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "{host}:{port}"),
            Self::UnixSocket(path) => write!(f, "{}", path.display()),
        }
    }
}

/// The host of an endpoint that names none.
pub(crate) const DEFAULT_HOST: &str = "localhost";
/// The port that MariaDB listens on by default.
pub(crate) const DEFAULT_PORT: u16 = 3306;
