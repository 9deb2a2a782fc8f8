mod auth_plugins;
mod builder;
mod callbacks;
mod cancel_policy;
mod check;
#[cfg(feature = "serde")]
mod deserialize;
mod endpoint;
mod hosts;
mod options;
mod progress;
mod session_settings;
mod settings;
#[cfg(test)]
mod tests;
mod tls;

use std::fmt;
use std::sync::{Arc, LazyLock};
#[cfg(feature = "tls")]
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use otaria_auth::{Password, PluginRegistry};
use otaria_types::ZeroDates;

use crate::{ConfigError, url};
use settings::Settings;

pub use builder::ConfigBuilder;
pub use callbacks::{
    CallbackError, CallbackFuture, Credentials, CredentialsProvider, PromptHandler,
};
pub use cancel_policy::CancelPolicy;
pub use endpoint::Endpoint;
pub use hosts::{HostOrder, Role};
pub use progress::Progress;
pub use tls::{Fingerprint, Pem, SslMode};

pub(crate) use endpoint::DEFAULT_PORT;
pub(crate) use options::{Options, Source};

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
/// in a URL is percent-encoded. Several hosts, each with its port, stand between commas, and are
/// tried in their order: `mariadb://user@a,b:3307,[::1]:3308/database`.
///
/// # Options
/// Each is named like the method of [`ConfigBuilder`] that tells more; case, `-` and `_` do not
/// count. Names of other drivers for the same are accepted. An unknown option is an error, and so
/// is one that is given twice.
///
/// | option, and other names | value |
/// |---|---|
/// | `socket`, `unix_socket`, `localSocket` | path of a Unix socket, in place of host and port |
/// | `connect_timeout` | `500ms`, `10s`, `2m`, or seconds up to `999`, for other drivers mean milliseconds; `0` for none |
/// | `io_timeout` | the same |
/// | `host_order` | `in-order` or `spread` |
/// | `role`, `targetServerType` | `any`, `writer` (`primary`) or `reader` (`secondary`) |
/// | `host_cool_down` | as `connect_timeout`; `0` for none |
/// | `permit_redirect` | `true` or `false` |
/// | `call_timeout` | the same |
/// | `cancel_policy` | `drain`, `stop` or `close` |
/// | `drain_timeout` | as `connect_timeout`; `0` to read nothing |
/// | `drain_bytes` | bytes, or `64K`, `16M`, `1G` |
/// | `stop_timeout` | as `connect_timeout`; `0` to stop nothing |
/// | `tcp_keepalive` | as `connect_timeout`, in whole seconds; `0` for none |
/// | `tcp_nodelay` | `true` or `false`, as for all that follows without a value |
/// | `max_payload_bytes`, `max_allowed_packet` | bytes, or `64K`, `16M`, `1G` |
/// | `compression`, `compress`, `useCompression` | with the feature `compression` |
/// | `compression_algorithm` | `zlib`, or with the feature `zstd` `zstd`; compresses unless `compression` is `false` |
/// | `compression_level` | 0 to 9 of zlib, 1 to 22 of zstd; the same |
/// | `compression_threshold` | bytes; the same |
/// | `statement_cache_capacity`, `prepStmtCacheSize`, `stmt_cache_size` | a number; `0` for no cache |
/// | `server_prepared_statements`, `useServerPrepStmts` | |
/// | `init_command`, `initSql` | SQL; may be repeated |
/// | `found_rows`, `client_found_rows` | |
/// | `multi_statements`, `allowMultiQueries` | |
/// | `local_infile`, `allowLocalInfile` | |
/// | `program_name` | any text |
/// | `charset`, `character_set`, `characterEncoding` | `utf8mb4`, the only one: all text is Unicode |
/// | `collation`, `connectionCollation` | one of `utf8mb4` |
/// | `time_zone`, `timezone` | an offset such as `+02:00`, or a name such as `Europe/Helsinki` |
/// | `zero_dates`, `zeroDateTimeBehavior` | `error` (`exception`) or `null` (`convertToNull`) |
/// | `max_statement_time` | as `connect_timeout`, and any number of seconds; `0` lifts the server's limit |
/// | `ssl_mode`, `tls` | `disable` (`disabled`), `prefer` (`preferred`), `trust` (`require`, `required`), `verify-ca`, `verify-full` (`verify-identity`) |
/// | `require_ssl`, `ssl` | in place of `ssl_mode`: `true` is `verify-full` |
/// | `verify_ca`, `ssl_verify_server_cert` | with it, or with `ssl_ca` or `ssl_fingerprint`: `false` is `trust` |
/// | `verify_identity` | the same: `false` is `verify-ca` |
/// | `ssl_ca`, `tls_ca` | path of a PEM file |
/// | `ssl_cert`, `tls_cert` | the same |
/// | `ssl_key`, `tls_key` | the same |
/// | `ssl_fingerprint`, `ssl_fp`, `tls_fp`, `tls_peer_fp` | [`Fingerprint`]s between commas |
/// | `ssl_resumption`, or the opposite `disable_tls_resumption` | |
/// | `clear_password`, `enable_cleartext_plugin`, `allowCleartextPasswords` | |
/// | `public_key_retrieval`, `allowPublicKeyRetrieval`, `get_server_public_key` | with the feature `rsa` |
/// | `server_public_key`, `serverRsaPublicKeyFile`, `server_public_key_path` | path of a PEM file; the same |
/// | `expired_password`, `connect_expired_password` | |
/// | `restrict_auth`, `restrictedAuth` | names of authentication plugins between commas |
///
/// Option files ([`OptionFiles`](crate::OptionFiles)) and maps (`Deserialize`, with the feature
/// `serde`) have these as well:
///
/// | option | value |
/// |---|---|
/// | `user`, `username` | any text |
/// | `password` | any text |
/// | `host`, `hostname` | hosts between commas, each with its port if it has one |
/// | `port` | of the hosts that have none of their own |
/// | `protocol` | `tcp` or `socket`, where both could be meant: else a socket stands for `localhost` |
/// | `database`, `dbname`, `schema` | any text |
///
/// Environment variables: [`from_env`](Self::from_env).
#[derive(Clone)]
pub struct Config {
    pub(crate) settings: Arc<Settings>,
    /// Made when it is first needed, and shared by all connections of this configuration.
    #[cfg(feature = "tls")]
    tls_context: Arc<Mutex<Option<crate::TlsContext>>>,
}

impl Config {
    /// A builder with the defaults.
    pub fn builder() -> ConfigBuilder {
        ConfigBuilder::default()
    }

    /// A builder that starts from this configuration.
    pub fn to_builder(&self) -> ConfigBuilder {
        ConfigBuilder {
            settings: (*self.settings).clone(),
        }
    }

    /// Where the server listens, or the first of several.
    pub fn endpoint(&self) -> &Endpoint {
        self.settings.endpoints.first().unwrap_or(&LOCALHOST)
    }

    /// Where servers listen, in the order in which they are tried; never empty.
    pub fn endpoints(&self) -> &[Endpoint] {
        if self.settings.endpoints.is_empty() {
            std::slice::from_ref(&*LOCALHOST)
        } else {
            &self.settings.endpoints
        }
    }

    /// The user's name.
    pub fn user(&self) -> &str {
        &self.settings.user
    }

    /// Whether there is a password, and not an empty one. What it is, nobody is told.
    pub fn has_password(&self) -> bool {
        !self.settings.password.is_empty()
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

    /// See [`ConfigBuilder::statement_cache_capacity`].
    pub fn statement_cache_capacity(&self) -> usize {
        self.settings.statement_cache_capacity
    }

    /// See [`ConfigBuilder::server_prepared_statements`].
    pub fn server_prepared_statements(&self) -> bool {
        self.settings.server_prepared_statements
    }

    /// How long one call may take in all.
    pub fn call_timeout(&self) -> Option<Duration> {
        self.settings.call_timeout
    }

    /// What becomes of a statement that nobody waits for any more.
    pub fn cancel_policy(&self) -> CancelPolicy {
        self.settings.cancel_policy
    }

    /// How much of an abandoned response is read at most.
    pub fn drain_bytes(&self) -> Option<u64> {
        self.settings.drain_bytes
    }

    /// How long it may take to stop a statement.
    pub fn stop_timeout(&self) -> Duration {
        self.settings.stop_timeout
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

    /// Whether the server may ask for files of this machine.
    pub fn local_infile(&self) -> bool {
        self.settings.local_infile
    }

    /// The session's collation; `None` for that of the server.
    pub fn collation(&self) -> Option<&str> {
        self.settings.collation.as_deref()
    }

    /// The session's time zone; `None` for that of the server.
    pub fn time_zone(&self) -> Option<&str> {
        self.settings.time_zone.as_deref()
    }

    /// What becomes of dates with zeros in them where a type has no such dates.
    pub fn zero_dates(&self) -> ZeroDates {
        self.settings.zero_dates
    }

    /// How long one statement may run; zero without a limit, `None` for as long as the server is
    /// set to.
    pub fn max_statement_time(&self) -> Option<Duration> {
        self.settings.max_statement_time
    }

    /// What is called when the server tells how far a long statement is.
    #[expect(clippy::type_complexity, reason = "it is a function, no more")]
    pub fn on_progress(&self) -> Option<&Arc<dyn Fn(&Progress) + Send + Sync>> {
        self.settings.on_progress.as_ref()
    }
}

/// Who the server is, and how the client shows who it is.
impl Config {
    /// Whether the connection is encrypted, and what the server has to prove.
    pub fn ssl_mode(&self) -> SslMode {
        self.settings.tls.effective_mode()
    }

    /// The certificates of the trusted authorities; `None` for those of the system.
    pub fn ssl_ca(&self) -> Option<&Pem> {
        self.settings.tls.ca.as_ref()
    }

    /// The client's certificate. There is a key if there is one.
    pub fn ssl_cert(&self) -> Option<&Pem> {
        self.settings.tls.cert.as_ref()
    }

    /// The key of the client's certificate.
    pub fn ssl_key(&self) -> Option<&Pem> {
        self.settings.tls.key.as_ref()
    }

    /// The certificates of which the server must have one; none for any.
    pub fn ssl_fingerprints(&self) -> &[Fingerprint] {
        &self.settings.tls.fingerprints
    }

    /// Whether a TLS session may go on in the next connection.
    pub fn ssl_resumption(&self) -> bool {
        self.settings.tls.resumption
    }

    /// Whether the password may be sent as it is, to a server that has proven itself.
    pub fn clear_password(&self) -> bool {
        self.settings.authentication.clear_password
    }

    /// Whether a server without TLS may send its public key.
    pub fn public_key_retrieval(&self) -> bool {
        self.settings.authentication.public_key_retrieval
    }

    /// The server's public key.
    pub fn server_public_key(&self) -> Option<&Pem> {
        self.settings.authentication.server_public_key.as_ref()
    }

    /// Whether to log in with an expired password.
    pub fn expired_password(&self) -> bool {
        self.settings.authentication.expired_password
    }

    /// The authentication plugins that the server may ask for.
    pub fn auth_plugins(&self) -> PluginRegistry {
        auth_plugins::allowed(&self.settings.authentication)
    }

    /// Where user and password come from at each login.
    pub fn credentials_provider(&self) -> Option<&Arc<dyn CredentialsProvider>> {
        self.settings.authentication.credentials_provider.as_ref()
    }

    /// Who answers what a plugin asks besides the password.
    pub fn prompt_handler(&self) -> Option<&Arc<dyn PromptHandler>> {
        self.settings.authentication.prompt_handler.as_ref()
    }

    /// The same configuration with the credentials for one login.
    ///
    /// # Errors
    /// [`ConfigError::InvalidOption`] for a user name that the protocol cannot carry.
    pub fn with_credentials(&self, credentials: Credentials) -> Result<Self, ConfigError> {
        let mut builder = self.to_builder().password(credentials.password);
        if let Some(user) = credentials.user {
            builder = builder.user(user);
        }
        self.remade(builder)
    }

    /// The same configuration for another user, without a
    /// [credentials provider](ConfigBuilder::credentials_provider).
    ///
    /// # Errors
    /// [`ConfigError::InvalidOption`] for a name that the protocol cannot carry.
    pub fn for_user(
        &self,
        user: &str,
        password: impl Into<Password>,
        database: Option<&str>,
    ) -> Result<Self, ConfigError> {
        let mut builder = self.to_builder().user(user).password(password);
        builder.settings.database = database.map(str::to_owned);
        builder.settings.authentication.credentials_provider = None;
        self.remade(builder)
    }

    /// The same login for a connection beside one of this configuration, which reads the process list
    /// and no more: without a default database, which may be gone, and without what is about rows.
    #[must_use]
    pub fn beside(&self) -> Self {
        let mut settings = (*self.settings).clone();
        settings.database = None;
        settings.init_commands = Vec::new();
        settings.call_timeout = None;
        settings.cancel_policy = CancelPolicy::Close;
        settings.local_infile = false;
        settings.multi_statements = false;
        settings.on_progress = None;
        #[cfg(feature = "compression")]
        {
            settings.compression = None;
        }
        let mut config = self.clone();
        config.settings = Arc::new(settings);
        config
    }

    /// The same configuration with the server's public key itself in place of its file.
    ///
    /// # Errors
    /// [`ConfigError::InvalidOption`] if it is no such key.
    pub fn with_server_public_key(&self, pem: &[u8]) -> Result<Self, ConfigError> {
        self.remade(self.to_builder().server_public_key(Pem::bytes(pem)))
    }

    /// What was changed has nothing to do with what the TLS of all connections shares.
    pub(crate) fn remade(&self, builder: ConfigBuilder) -> Result<Self, ConfigError> {
        let mut config = self.clone();
        config.settings = builder.build()?.settings;
        Ok(config)
    }

    /// What the TLS of all connections shares, once a shell has made it.
    #[cfg(feature = "tls")]
    pub fn tls_context(&self) -> Option<crate::TlsContext> {
        let context = self.tls_context.lock();
        context.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Keeps what the TLS of all connections from now on is to share.
    #[cfg(feature = "tls")]
    pub fn keep_tls_context(&self, context: crate::TlsContext) {
        let kept = self.tls_context.lock();
        *kept.unwrap_or_else(PoisonError::into_inner) = Some(context);
    }

    pub(crate) fn password(&self) -> &Password {
        &self.settings.password
    }
}

impl std::str::FromStr for Config {
    type Err = ConfigError;

    /// Reads a URL.
    fn from_str(url: &str) -> Result<Self, ConfigError> {
        url::parse(url, Self::builder())?.build()
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.settings.fmt(f)
    }
}

/// The endpoint of a configuration that names none.
static LOCALHOST: LazyLock<Endpoint> = LazyLock::new(Endpoint::default);
