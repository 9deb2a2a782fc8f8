use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use otaria_auth::Password;

use crate::{ConfigError, url};

/// How to reach a server, log in and behave: made by [`Config::builder`] or from a URL by
/// [`str::parse`]. Cheap to clone.
///
/// ```
/// # use otaria_session::{Config, ConfigError};
/// let config: Config = "mariadb://app:secret@db.example.org/shop?connect_timeout=3s".parse()?;
/// let config = config.to_builder().init_command("SET time_zone = '+00:00'").build()?;
/// assert_eq!(config.database(), Some("shop"));
/// assert!(!format!("{config:?}").contains("secret"));
/// # Ok::<(), ConfigError>(())
/// ```
///
/// # URL
/// `mariadb://user:password@host:port/database?option=value&…`, or `mysql://…`. What is special
/// in a URL is percent-encoded. The options, each named like the method of [`ConfigBuilder`]:
///
/// | option | value |
/// |---|---|
/// | `socket`, `unix_socket` | path of a Unix socket, in place of host and port |
/// | `connect_timeout`, `io_timeout`, `tcp_keepalive` | `500ms`, `10s`, `2m`, or seconds; `0` for none |
/// | `drain_timeout` | the same; `0` to close the connection at once |
/// | `tcp_nodelay`, `found_rows`, `multi_statements` | `true` or `false` |
/// | `init_command` | SQL; may be repeated |
/// | `max_payload_bytes` | bytes |
/// | `program_name` | any text |
/// | `compression` | `true` or `false`; with the feature `compression` |
#[derive(Clone)]
pub struct Config {
    pub(crate) settings: Arc<Settings>,
}

#[derive(Clone)]
pub(crate) struct Settings {
    endpoint: Endpoint,
    user: String,
    password: Password,
    database: Option<String>,
    connect_timeout: Option<Duration>,
    io_timeout: Option<Duration>,
    drain_timeout: Duration,
    tcp_keepalive: Option<Duration>,
    tcp_nodelay: bool,
    init_commands: Vec<String>,
    found_rows: bool,
    multi_statements: bool,
    max_payload_bytes: usize,
    attributes: Vec<(String, String)>,
    #[cfg(feature = "compression")]
    compression: Option<crate::Compression>,
}

/// Where a server listens.
#[derive(Clone, Debug, Eq, PartialEq)]
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
    const fn has_port_0(&self) -> bool {
        matches!(self, Self::Tcp { port: 0, .. })
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

impl Config {
    /// A builder with the defaults.
    pub fn builder() -> ConfigBuilder {
        ConfigBuilder {
            settings: Settings::default(),
        }
    }

    /// A builder that starts from this configuration.
    pub fn to_builder(&self) -> ConfigBuilder {
        ConfigBuilder {
            settings: (*self.settings).clone(),
        }
    }

    /// Where the server listens.
    pub fn endpoint(&self) -> &Endpoint {
        &self.settings.endpoint
    }

    /// The user's name.
    pub fn user(&self) -> &str {
        &self.settings.user
    }

    /// The default database after the login.
    pub fn database(&self) -> Option<&str> {
        self.settings.database.as_deref()
    }

    /// How long connecting may take in all.
    pub fn connect_timeout(&self) -> Option<Duration> {
        self.settings.connect_timeout
    }

    /// How long one read or write may wait.
    pub fn io_timeout(&self) -> Option<Duration> {
        self.settings.io_timeout
    }

    /// How long an abandoned response is read.
    pub fn drain_timeout(&self) -> Duration {
        self.settings.drain_timeout
    }

    /// How long a TCP connection may be silent before the operating system probes it.
    pub fn tcp_keepalive(&self) -> Option<Duration> {
        self.settings.tcp_keepalive
    }

    /// Whether small packets are sent at once.
    pub fn tcp_nodelay(&self) -> bool {
        self.settings.tcp_nodelay
    }

    /// SQL that runs after each login, in this order.
    pub fn init_commands(&self) -> &[String] {
        &self.settings.init_commands
    }

    /// Whether affected rows are the rows found.
    pub fn found_rows(&self) -> bool {
        self.settings.found_rows
    }

    /// Whether one query may hold several statements.
    pub fn multi_statements(&self) -> bool {
        self.settings.multi_statements
    }

    /// The greatest payload that is received.
    pub fn max_payload_bytes(&self) -> usize {
        self.settings.max_payload_bytes
    }

    /// What the client says about itself.
    pub fn attributes(&self) -> &[(String, String)] {
        &self.settings.attributes
    }

    /// How packets are compressed, where the server offers it.
    #[cfg(feature = "compression")]
    pub fn compression(&self) -> Option<crate::Compression> {
        self.settings.compression
    }

    pub(crate) fn password(&self) -> &Password {
        &self.settings.password
    }
}

impl std::str::FromStr for Config {
    type Err = ConfigError;

    /// Reads a URL.
    fn from_str(url: &str) -> Result<Self, ConfigError> {
        url::parse(url)?.build()
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let settings = &*self.settings;
        f.debug_struct("Config")
            .field("endpoint", &settings.endpoint)
            .field("user", &settings.user)
            .field("database", &settings.database)
            .field("connect_timeout", &settings.connect_timeout)
            .field("io_timeout", &settings.io_timeout)
            .field("drain_timeout", &settings.drain_timeout)
            .field("tcp_keepalive", &settings.tcp_keepalive)
            .field("tcp_nodelay", &settings.tcp_nodelay)
            // Their text may hold values.
            .field("init_commands", &settings.init_commands.len())
            .field("found_rows", &settings.found_rows)
            .field("multi_statements", &settings.multi_statements)
            .field("max_payload_bytes", &settings.max_payload_bytes)
            .field("attributes", &settings.attributes)
            .finish_non_exhaustive()
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            endpoint: Endpoint::Tcp {
                host: "localhost".to_owned(),
                port: DEFAULT_PORT,
            },
            user: String::new(),
            password: Password::from(""),
            database: None,
            connect_timeout: Some(Duration::from_secs(10)),
            io_timeout: None,
            drain_timeout: Duration::from_secs(5),
            tcp_keepalive: Some(Duration::from_secs(60)),
            tcp_nodelay: true,
            init_commands: Vec::new(),
            found_rows: false,
            multi_statements: false,
            max_payload_bytes: DEFAULT_MAX_PAYLOAD_BYTES,
            attributes: default_attributes(),
            #[cfg(feature = "compression")]
            compression: None,
        }
    }
}

/// Makes a [`Config`].
#[derive(Clone)]
#[must_use]
pub struct ConfigBuilder {
    settings: Settings,
}

impl ConfigBuilder {
    /// A host name or IP address to connect to by TCP. `localhost` by default, and always TCP.
    pub fn host(mut self, host: impl Into<String>) -> Self {
        let port = match self.settings.endpoint {
            Endpoint::Tcp { port, .. } => port,
            Endpoint::UnixSocket(_) => DEFAULT_PORT,
        };
        self.settings.endpoint = Endpoint::Tcp {
            host: host.into(),
            port,
        };
        self
    }

    /// The TCP port, 3306 by default.
    pub fn port(mut self, new_port: u16) -> Self {
        self.settings.endpoint = match self.settings.endpoint {
            Endpoint::Tcp { host, .. } => Endpoint::Tcp {
                host,
                port: new_port,
            },
            Endpoint::UnixSocket(_) => Endpoint::Tcp {
                host: "localhost".to_owned(),
                port: new_port,
            },
        };
        self
    }

    /// A Unix socket to connect to, in place of host and port.
    pub fn socket(mut self, path: impl AsRef<Path>) -> Self {
        self.settings.endpoint = Endpoint::UnixSocket(path.as_ref().to_owned());
        self
    }

    /// The user's name. Empty by default: the anonymous user.
    pub fn user(mut self, user: impl Into<String>) -> Self {
        self.settings.user = user.into();
        self
    }

    /// The user's password. Empty by default.
    pub fn password(mut self, password: impl Into<Password>) -> Self {
        self.settings.password = password.into();
        self
    }

    /// The default database after the login; none by default.
    pub fn database(mut self, database: impl Into<String>) -> Self {
        self.settings.database = Some(database.into());
        self
    }

    /// How long connecting may take, from the name's resolution to the last init command. 10 s
    /// by default, `None` for no limit.
    pub fn connect_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.settings.connect_timeout = timeout.into();
        self
    }

    /// How long one read or write may wait. A read waits for as long as a statement runs, so
    /// there is no limit by default. A connection whose time is over is closed.
    pub fn io_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.settings.io_timeout = timeout.into();
        self
    }

    /// How long the rest of a response that nobody wants any more is read before the connection
    /// is closed. 5 s by default.
    pub fn drain_timeout(mut self, timeout: Duration) -> Self {
        self.settings.drain_timeout = timeout;
        self
    }

    /// How long a TCP connection may be silent before the operating system probes it. 60 s by
    /// default, `None` for no probes.
    pub fn tcp_keepalive(mut self, time: impl Into<Option<Duration>>) -> Self {
        self.settings.tcp_keepalive = time.into();
        self
    }

    /// Whether small packets are sent at once (`TCP_NODELAY`). True by default.
    pub fn tcp_nodelay(mut self, nodelay: bool) -> Self {
        self.settings.tcp_nodelay = nodelay;
        self
    }

    /// SQL to run after each login, behind those given before. One that the server refuses makes
    /// the connection fail.
    pub fn init_command(mut self, sql: impl Into<String>) -> Self {
        self.settings.init_commands.push(sql.into());
        self
    }

    /// Whether affected rows are the rows found (`FOUND_ROWS`), not the rows changed. False by
    /// default.
    pub fn found_rows(mut self, found_rows: bool) -> Self {
        self.settings.found_rows = found_rows;
        self
    }

    /// Whether one query may hold several statements, separated by semicolons
    /// (`MULTI_STATEMENTS`). False by default: it lets SQL that is put together carelessly do
    /// anything.
    pub fn multi_statements(mut self, multi_statements: bool) -> Self {
        self.settings.multi_statements = multi_statements;
        self
    }

    /// The greatest payload that is received, 1 GiB by default: no value of a row is longer on
    /// any server.
    pub fn max_payload_bytes(mut self, bytes: usize) -> Self {
        self.settings.max_payload_bytes = bytes;
        self
    }

    /// What the client says about itself, seen in `performance_schema.session_connect_attrs`. A
    /// name given before is replaced.
    pub fn attribute(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let name = name.into();
        self.settings.attributes.retain(|(other, _)| *other != name);
        self.settings.attributes.push((name, value.into()));
        self
    }

    /// The program's name, the attribute `program_name`.
    pub fn program_name(self, name: impl Into<String>) -> Self {
        self.attribute("program_name", name)
    }

    /// Compresses packets, where the server offers it. `None` by default: it costs more time than
    /// it saves on a fast network. Needs the feature `compression`.
    #[cfg(feature = "compression")]
    pub fn compression(mut self, compression: impl Into<Option<crate::Compression>>) -> Self {
        self.settings.compression = compression.into();
        self
    }

    /// The configuration.
    ///
    /// # Errors
    /// [`ConfigError`] names the setting that the protocol cannot carry.
    pub fn build(self) -> Result<Config, ConfigError> {
        let settings = self.settings;
        let database = settings.database.as_deref().unwrap_or_default();
        for (option, value) in [("user", settings.user.as_str()), ("database", database)] {
            if value.contains('\0') {
                return Err(ConfigError::InvalidOption {
                    option,
                    expected: "no NUL character",
                });
            }
        }
        if settings.max_payload_bytes < MIN_PAYLOAD_BYTES {
            return Err(ConfigError::InvalidOption {
                option: "max_payload_bytes",
                expected: "at least 1024",
            });
        }
        if settings.endpoint.has_port_0() {
            return Err(ConfigError::InvalidOption {
                option: "port",
                expected: "a number from 1 to 65535",
            });
        }
        if settings
            .tcp_keepalive
            .is_some_and(|time| !is_keepalive(time))
        {
            return Err(ConfigError::InvalidOption {
                option: "tcp_keepalive",
                expected: "whole seconds, from 1s to 32767s, or 0",
            });
        }
        let attributes = settings.attributes.iter();
        if attributes
            .map(|(name, value)| name.len() + value.len() + 18)
            .sum::<usize>()
            > MAX_ATTRIBUTES_BYTES
        {
            return Err(ConfigError::InvalidOption {
                option: "attribute",
                expected: "at most 60000 bytes of names and values in all",
            });
        }
        Ok(Config {
            settings: Arc::new(settings),
        })
    }
}

impl fmt::Debug for ConfigBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let config = Config {
            settings: Arc::new(self.settings.clone()),
        };
        f.debug_tuple("ConfigBuilder").field(&config).finish()
    }
}

/// Whether operating systems take it: they count whole seconds, Linux up to 32,767.
fn is_keepalive(time: Duration) -> bool {
    time.subsec_nanos() == 0 && (1..=32_767).contains(&time.as_secs())
}

fn default_attributes() -> Vec<(String, String)> {
    [
        ("_client_name", "otaria"),
        ("_client_version", env!("CARGO_PKG_VERSION")),
        ("_os", std::env::consts::OS),
        ("_platform", std::env::consts::ARCH),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

/// The port that MariaDB listens on by default.
pub(crate) const DEFAULT_PORT: u16 = 3306;
/// The greatest `max_allowed_packet` of any server.
const DEFAULT_MAX_PAYLOAD_BYTES: usize = 1024 * 1024 * 1024;
/// Less than this cannot hold an error message.
const MIN_PAYLOAD_BYTES: usize = 1024;
/// A server refuses the login ("Bad handshake") if they take 64 KiB.
const MAX_ATTRIBUTES_BYTES: usize = 60_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_password_and_no_sql() {
        let builder = Config::builder()
            .user("u")
            .password("hunter2")
            .init_command("SET @a='xyzzy'");
        for text in [
            format!("{builder:?}"),
            format!("{:?}", builder.clone().build().unwrap()),
        ] {
            assert!(
                !text.contains("hunter2") && !text.contains("xyzzy"),
                "{text}"
            );
        }
    }

    #[test]
    fn a_nul_in_a_name_is_refused() {
        let error = Config::builder().user("a\0b").build().unwrap_err();
        assert_eq!(
            error,
            ConfigError::InvalidOption {
                option: "user",
                expected: "no NUL character"
            }
        );
    }

    #[test]
    fn init_commands_keep_the_order_given() {
        let config = Config::builder()
            .init_command("a")
            .init_command("b")
            .build()
            .unwrap();
        assert_eq!(config.init_commands(), ["a", "b"]);
    }

    #[test]
    fn too_long_attributes_are_refused() {
        let config = Config::builder().program_name("x".repeat(60_000)).build();
        assert!(matches!(
            config,
            Err(ConfigError::InvalidOption {
                option: "attribute",
                ..
            })
        ));
    }

    #[test]
    fn host_port_and_socket_replace_each_other() {
        let config = Config::builder()
            .socket("/s")
            .host("h")
            .port(1)
            .build()
            .unwrap();
        assert_eq!(
            config.endpoint(),
            &Endpoint::Tcp {
                host: "h".to_owned(),
                port: 1
            }
        );
        let config = config.to_builder().socket("/s").build().unwrap();
        assert_eq!(config.endpoint(), &Endpoint::UnixSocket("/s".into()));
    }
}
