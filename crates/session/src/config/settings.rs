use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use otaria_auth::{AuthPluginFactory, Password};
use otaria_types::ZeroDates;

use super::endpoint::{DEFAULT_HOST, DEFAULT_PORT};
use super::hosts::Hosts;
use super::{
    CancelPolicy, CredentialsProvider, Endpoint, Fingerprint, Pem, Progress, PromptHandler, SslMode,
};

/// What [`Config`](crate::Config) and [`ConfigBuilder`](crate::ConfigBuilder) hold.
#[derive(Clone)]
pub(crate) struct Settings {
    /// Empty in a builder that has been told none.
    pub(crate) endpoints: Vec<Endpoint>,
    pub(crate) hosts: Hosts,
    pub(crate) user: String,
    pub(crate) password: Password,
    pub(crate) database: Option<String>,
    pub(crate) connect_timeout: Option<Duration>,
    pub(crate) io_timeout: Option<Duration>,
    pub(crate) call_timeout: Option<Duration>,
    pub(crate) cancel_policy: CancelPolicy,
    pub(crate) drain_timeout: Duration,
    pub(crate) drain_bytes: Option<u64>,
    pub(crate) stop_timeout: Duration,
    pub(crate) tcp_keepalive: Option<Duration>,
    pub(crate) tcp_nodelay: bool,
    pub(crate) init_commands: Vec<String>,
    pub(crate) found_rows: bool,
    pub(crate) multi_statements: bool,
    pub(crate) local_infile: bool,
    pub(crate) max_payload_bytes: usize,
    pub(crate) statement_cache_capacity: usize,
    pub(crate) server_prepared_statements: bool,
    pub(crate) attributes: Vec<(String, String)>,
    pub(crate) collation: Option<String>,
    pub(crate) time_zone: Option<String>,
    pub(crate) zero_dates: ZeroDates,
    pub(crate) max_statement_time: Option<Duration>,
    pub(crate) tls: Tls,
    pub(crate) authentication: Authentication,
    #[expect(clippy::type_complexity, reason = "it is a function, no more")]
    pub(crate) on_progress: Option<Arc<dyn Fn(&Progress) + Send + Sync>>,
    #[cfg(feature = "compression")]
    pub(crate) compression: Option<crate::Compression>,
}

/// How a connection is encrypted, and what proves its server.
#[derive(Clone, Debug)]
pub(crate) struct Tls {
    /// `None` if it follows from the rest.
    pub(crate) mode: Option<SslMode>,
    pub(crate) ca: Option<Pem>,
    pub(crate) cert: Option<Pem>,
    pub(crate) key: Option<Pem>,
    pub(crate) fingerprints: Vec<Fingerprint>,
    pub(crate) resumption: bool,
}

/// How the client shows who it is.
#[derive(Clone, Default)]
pub(crate) struct Authentication {
    pub(crate) clear_password: bool,
    pub(crate) public_key_retrieval: bool,
    pub(crate) server_public_key: Option<Pem>,
    pub(crate) expired_password: bool,
    pub(crate) plugins: Vec<Arc<dyn AuthPluginFactory>>,
    /// `None` for all.
    pub(crate) restrict_auth: Option<Vec<String>>,
    pub(crate) credentials_provider: Option<Arc<dyn CredentialsProvider>>,
    pub(crate) prompt_handler: Option<Arc<dyn PromptHandler>>,
}

impl Settings {
    /// A host in place of all endpoints, at the port of the first.
    pub(crate) fn set_host(&mut self, host: impl Into<String>) {
        let port = match self.endpoints.first() {
            Some(Endpoint::Tcp { port, .. }) => *port,
            _ => DEFAULT_PORT,
        };
        let host = host.into();
        self.endpoints = vec![Endpoint::Tcp { host, port }];
    }

    /// The port of the first endpoint.
    pub(crate) fn set_port(&mut self, new_port: u16) {
        if let Some(Endpoint::Tcp { port, .. }) = self.endpoints.first_mut() {
            *port = new_port;
        } else {
            self.endpoints = vec![Endpoint::Tcp {
                host: DEFAULT_HOST.to_owned(),
                port: new_port,
            }];
        }
    }

    /// A Unix socket in place of all endpoints.
    pub(crate) fn set_socket(&mut self, path: &Path) {
        self.endpoints = vec![Endpoint::UnixSocket(path.to_owned())];
    }

    /// What the client says about itself, in place of what it said under that name.
    pub(crate) fn set_attribute(&mut self, name: impl Into<String>, value: impl Into<String>) {
        let name = name.into();
        self.attributes.retain(|(other, _)| *other != name);
        self.attributes.push((name, value.into()));
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            endpoints: Vec::new(),
            hosts: Hosts::default(),
            user: String::new(),
            password: Password::from(""),
            database: None,
            connect_timeout: Some(Duration::from_secs(10)),
            io_timeout: None,
            call_timeout: None,
            cancel_policy: CancelPolicy::default(),
            drain_timeout: Duration::from_secs(5),
            drain_bytes: None,
            stop_timeout: Duration::from_secs(5),
            tcp_keepalive: Some(Duration::from_secs(60)),
            tcp_nodelay: true,
            init_commands: Vec::new(),
            found_rows: false,
            multi_statements: false,
            local_infile: false,
            max_payload_bytes: DEFAULT_MAX_PAYLOAD_BYTES,
            statement_cache_capacity: DEFAULT_STATEMENT_CACHE_CAPACITY,
            server_prepared_statements: true,
            attributes: default_attributes(),
            collation: None,
            time_zone: None,
            zero_dates: ZeroDates::default(),
            max_statement_time: None,
            tls: Tls::default(),
            authentication: Authentication::default(),
            on_progress: None,
            #[cfg(feature = "compression")]
            compression: None,
        }
    }
}

impl Default for Tls {
    fn default() -> Self {
        Self {
            mode: None,
            ca: None,
            cert: None,
            key: None,
            fingerprints: Vec::new(),
            resumption: true,
        }
    }
}

impl Tls {
    /// The mode given; else what is named as trusted must prove itself.
    pub(crate) fn effective_mode(&self) -> SslMode {
        self.mode.unwrap_or_else(|| {
            if self.ca.is_some() || !self.fingerprints.is_empty() {
                SslMode::VerifyFull
            } else {
                SslMode::default()
            }
        })
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Config");
        debug
            .field("endpoints", &self.endpoints)
            .field("hosts", &self.hosts)
            .field("user", &self.user)
            .field("database", &self.database)
            .field("connect_timeout", &self.connect_timeout)
            .field("io_timeout", &self.io_timeout)
            .field("call_timeout", &self.call_timeout)
            .field("cancel_policy", &self.cancel_policy)
            .field("drain_timeout", &self.drain_timeout)
            .field("drain_bytes", &self.drain_bytes)
            .field("stop_timeout", &self.stop_timeout)
            .field("tcp_keepalive", &self.tcp_keepalive)
            .field("tcp_nodelay", &self.tcp_nodelay)
            // Their text may hold values.
            .field("init_commands", &self.init_commands.len())
            .field("found_rows", &self.found_rows)
            .field("multi_statements", &self.multi_statements)
            .field("local_infile", &self.local_infile)
            .field("max_payload_bytes", &self.max_payload_bytes)
            .field("statement_cache_capacity", &self.statement_cache_capacity)
            .field(
                "server_prepared_statements",
                &self.server_prepared_statements,
            )
            .field("attributes", &self.attributes)
            .field("collation", &self.collation)
            .field("time_zone", &self.time_zone)
            .field("zero_dates", &self.zero_dates)
            .field("max_statement_time", &self.max_statement_time)
            .field("tls", &self.tls)
            .field("authentication", &self.authentication);
        #[cfg(feature = "compression")]
        debug.field("compression", &self.compression);
        debug.finish_non_exhaustive()
    }
}

impl fmt::Debug for Authentication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let provider = self.credentials_provider.is_some();
        f.debug_struct("Authentication")
            .field("clear_password", &self.clear_password)
            .field("public_key_retrieval", &self.public_key_retrieval)
            .field("server_public_key", &self.server_public_key)
            .field("expired_password", &self.expired_password)
            .field("plugins", &self.plugins)
            .field("restrict_auth", &self.restrict_auth)
            .field("credentials_provider", &provider)
            .field("prompt_handler", &self.prompt_handler.is_some())
            .finish()
    }
}

/// A server keeps 16,382 statements for all of its connections by default
/// (`max_prepared_stmt_count`): room for 127 that have filled their caches.
const DEFAULT_STATEMENT_CACHE_CAPACITY: usize = 128;

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

/// The greatest `max_allowed_packet` of any server.
const DEFAULT_MAX_PAYLOAD_BYTES: usize = 1024 * 1024 * 1024;
