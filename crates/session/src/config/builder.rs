use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use otaria_auth::{AuthPluginFactory, Password};
use otaria_types::ZeroDates;

use super::check::check;
use super::settings::Settings;
use super::{
    CancelPolicy, CredentialsProvider, Endpoint, Fingerprint, Pem, Progress, PromptHandler, SslMode,
};
use crate::{Config, ConfigError};

/// Makes a [`Config`].
#[derive(Clone, Default)]
#[must_use]
pub struct ConfigBuilder {
    pub(crate) settings: Settings,
}

/// Where to connect to, and as whom.
impl ConfigBuilder {
    /// What `url` says, over what was set before: its hosts are in place of all endpoints, and of
    /// user, password, database and options those count that it names. So a URL can stand beside
    /// option files.
    ///
    /// ```
    /// # use otaria_session::{Config, ConfigError};
    /// let defaults = Config::builder().user("app").password("secret");
    /// let config = defaults.url("mariadb://db.example.org/shop")?.build()?;
    /// assert_eq!((config.user(), config.database()), ("app", Some("shop")));
    /// # Ok::<(), ConfigError>(())
    /// ```
    ///
    /// # Errors
    /// [`ConfigError`] if it is no URL of the form of [`Config`], or has an option that does not
    /// exist or has such a value.
    pub fn url(self, url: &str) -> Result<Self, ConfigError> {
        crate::url::parse(url, self)
    }

    /// A host name or IP address to connect to by TCP, in place of all endpoints given before.
    /// `localhost` by default, and always TCP.
    pub fn host(mut self, host: impl Into<String>) -> Self {
        self.settings.set_host(host);
        self
    }

    /// The TCP port of the first host, 3306 by default.
    pub fn port(mut self, port: u16) -> Self {
        self.settings.set_port(port);
        self
    }

    /// A Unix socket to connect to, in place of all endpoints given before.
    pub fn socket(mut self, path: impl AsRef<Path>) -> Self {
        self.settings.set_socket(path.as_ref());
        self
    }

    /// A further host to connect to by TCP, tried when those given before it cannot be used.
    pub fn add_host(mut self, host: impl Into<String>, port: u16) -> Self {
        let host = host.into();
        self.settings.endpoints.push(Endpoint::Tcp { host, port });
        self
    }

    /// A further Unix socket, tried when the endpoints given before it cannot be used.
    pub fn add_socket(mut self, path: impl AsRef<Path>) -> Self {
        let path = path.as_ref().to_owned();
        self.settings.endpoints.push(Endpoint::UnixSocket(path));
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
}

/// How the connection behaves.
impl ConfigBuilder {
    /// How long connecting may take, from the name's resolution to the last init command, all
    /// endpoints together. The time that a [`prompt_handler`](Self::prompt_handler) waits for a
    /// person counts as well. 10 s by default, `None` for no limit.
    pub fn connect_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.settings.connect_timeout = timeout.into();
        self
    }

    /// How long one read or write may wait. A read waits for as long as a statement runs, so
    /// there is no limit by default. A connection whose time is over is closed. The end of a statement
    /// that is being stopped is waited for within [`stop_timeout`](Self::stop_timeout) instead.
    pub fn io_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.settings.io_timeout = timeout.into();
        self
    }

    /// How long one call may take in all: to wait for what an earlier one has left behind, to send
    /// the command, and to receive the response, up to the last of the rows that are read through
    /// what the call has returned. What becomes of a statement whose time is over is said by
    /// [`cancel_policy`](Self::cancel_policy): the call returns when that is done, so that to stop it
    /// the call may take up to [`stop_timeout`](Self::stop_timeout) longer, and to read the rest up to
    /// [`drain_timeout`](Self::drain_timeout). No limit by default; connecting has its own.
    ///
    /// Unlike [`max_statement_time`](Self::max_statement_time) it needs no help of the server as long as all
    /// goes well, and also ends a call whose server is out of reach.
    pub fn call_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.settings.call_timeout = timeout.into();
        self
    }

    /// What becomes of a statement that nobody waits for any more: of one whose call was dropped, when
    /// the connection is used again, and of one whose time is over. By default
    /// [`Stop`](CancelPolicy::Stop).
    pub fn cancel_policy(mut self, policy: CancelPolicy) -> Self {
        self.settings.cancel_policy = policy;
        self
    }

    /// How long the rest of a response that nobody wants any more is read before its statement is
    /// stopped, or the connection closed: [`cancel_policy`](Self::cancel_policy). 5 s by default.
    pub fn drain_timeout(mut self, timeout: Duration) -> Self {
        self.settings.drain_timeout = timeout;
        self
    }

    /// How many bytes of such a response are read at most. No limit by default; a statement that can
    /// be stopped is stopped after 16 MiB.
    pub fn drain_bytes(mut self, bytes: impl Into<Option<u64>>) -> Self {
        self.settings.drain_bytes = bytes.into();
        self
    }

    /// How long it may take to stop a statement, from the connection that is made for that to the end
    /// of the statement's response; then the connection is closed. 5 s by default. For a call whose
    /// time is over the connection is made in the time that the call had, or in a second if that is
    /// longer. A server that has no room for it is asked again in that time.
    pub fn stop_timeout(mut self, timeout: Duration) -> Self {
        self.settings.stop_timeout = timeout;
        self
    }

    /// How many prepared statements a connection keeps, the most recently used ones. 128 by default;
    /// 0 to keep none. The server has a limit for all connections together
    /// (`max_prepared_stmt_count`, 16,382 by default).
    pub fn statement_cache_capacity(mut self, capacity: usize) -> Self {
        self.settings.statement_cache_capacity = capacity;
        self
    }

    /// Whether statements with parameters are prepared on the server, which is the default. If not,
    /// their parameters are written into the SQL as literals, for proxies that cannot prepare.
    pub fn server_prepared_statements(mut self, prepared: bool) -> Self {
        self.settings.server_prepared_statements = prepared;
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
        self.settings.set_attribute(name, value);
        self
    }

    /// The program's name, the attribute `program_name`.
    pub fn program_name(self, name: impl Into<String>) -> Self {
        self.attribute("program_name", name)
    }

    /// Whether the server may ask for files of this machine (`LOAD DATA LOCAL INFILE`). False by
    /// default. Where it is true, a statement's own handler says what is sent: no file is opened
    /// only because a server asks for it.
    pub fn local_infile(mut self, local_infile: bool) -> Self {
        self.settings.local_infile = local_infile;
        self
    }

    /// The session's collation, one of `utf8mb4`: text is exchanged in no other character set. By
    /// default that of the server.
    pub fn collation(mut self, collation: impl Into<String>) -> Self {
        self.settings.collation = Some(collation.into());
        self
    }

    /// The session's time zone, an offset such as `+02:00` or a name such as `Europe/Helsinki`. By
    /// default that of the server.
    pub fn time_zone(mut self, time_zone: impl Into<String>) -> Self {
        self.settings.time_zone = Some(time_zone.into());
        self
    }

    /// What becomes of `0000-00-00`, and of dates whose month or day is zero, when they are read as
    /// a type that has no such dates, such as those of other crates: [`ZeroDates::Null`] makes them
    /// NULL, which an `Option` takes as `None`. An error by default.
    pub fn zero_dates(mut self, zero_dates: ZeroDates) -> Self {
        self.settings.zero_dates = zero_dates;
        self
    }

    /// How long one statement may run before the server stops it (`max_statement_time`; on MySQL,
    /// which limits SELECT only, `max_execution_time`); [`Duration::ZERO`] lifts the server's limit.
    /// By default, and with `None`, as the server is set.
    pub fn max_statement_time(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.settings.max_statement_time = limit.into();
        self
    }

    /// A function to call when the server tells how far a long statement is. It runs on the task
    /// that waits for the statement, and must not block. None by default: no reports are asked for.
    pub fn on_progress(mut self, report: impl Fn(&Progress) + Send + Sync + 'static) -> Self {
        self.settings.on_progress = Some(Arc::new(report));
        self
    }

    /// Compresses packets, where the server offers it. `None` by default: it costs more time than
    /// it saves on a fast network. Needs the feature `compression`.
    #[cfg(feature = "compression")]
    pub fn compression(mut self, compression: impl Into<Option<crate::Compression>>) -> Self {
        self.settings.compression = compression.into();
        self
    }
}

/// Who the server is.
impl ConfigBuilder {
    /// Whether the connection is encrypted, and what the server has to prove. By default
    /// [`Prefer`](SslMode::Prefer), or [`VerifyFull`](SslMode::VerifyFull) if an authority or a
    /// fingerprint is given. What is more than `Prefer` needs the feature `tls`.
    pub fn ssl_mode(mut self, mode: SslMode) -> Self {
        self.settings.tls.mode = Some(mode);
        self
    }

    /// The certificates of the authorities that are trusted, in place of those of the system.
    pub fn ssl_ca(mut self, ca: impl Into<Pem>) -> Self {
        self.settings.tls.ca = Some(ca.into());
        self
    }

    /// The certificate by which the client proves who it is, and those between it and its
    /// authority. Goes with [`ssl_key`](Self::ssl_key).
    pub fn ssl_cert(mut self, cert: impl Into<Pem>) -> Self {
        self.settings.tls.cert = Some(cert.into());
        self
    }

    /// The private key of the client's certificate.
    pub fn ssl_key(mut self, key: impl Into<Pem>) -> Self {
        self.settings.tls.key = Some(key.into());
        self
    }

    /// A certificate that proves the server, whoever has signed it; besides those given before.
    /// A server that has none of them is refused.
    pub fn ssl_fingerprint(mut self, fingerprint: Fingerprint) -> Self {
        self.settings.tls.fingerprints.push(fingerprint);
        self
    }

    /// Whether a TLS session may go on in the next connection, which saves time. True by default.
    pub fn ssl_resumption(mut self, resumption: bool) -> Self {
        self.settings.tls.resumption = resumption;
        self
    }
}

/// How the client shows who it is.
impl ConfigBuilder {
    /// Whether the password may be sent as it is (`mysql_clear_password` and PAM's `dialog`). Even
    /// then it is sent over a Unix socket, or over TLS to a server that has proven itself, and
    /// nowhere else. False by default.
    pub fn clear_password(mut self, clear_password: bool) -> Self {
        self.settings.authentication.clear_password = clear_password;
        self
    }

    /// Whether a MySQL server without TLS may send its public key, by which the password is then
    /// encrypted. Who can change what is sent on the way can send a key of their own. False by
    /// default.
    pub fn public_key_retrieval(mut self, retrieval: bool) -> Self {
        self.settings.authentication.public_key_retrieval = retrieval;
        self
    }

    /// The public key of a MySQL server, by which a password is encrypted where there is no TLS.
    pub fn server_public_key(mut self, key: impl Into<Pem>) -> Self {
        self.settings.authentication.server_public_key = Some(key.into());
        self
    }

    /// Whether to log in with an expired password, in order to change it: the server allows
    /// nothing else. False by default.
    pub fn expired_password(mut self, expired_password: bool) -> Self {
        self.settings.authentication.expired_password = expired_password;
        self
    }

    /// An authentication plugin besides those built in, or in place of one of the same name.
    pub fn auth_plugin(mut self, factory: Arc<dyn AuthPluginFactory>) -> Self {
        self.settings.authentication.plugins.push(factory);
        self
    }

    /// The names of the only plugins that a server may ask for. All by default.
    pub fn restrict_auth<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        let names = names.into_iter().map(S::into).collect();
        self.settings.authentication.restrict_auth = Some(names);
        self
    }

    /// Where user and password come from at each login, in place of those given here.
    pub fn credentials_provider(mut self, provider: impl CredentialsProvider + 'static) -> Self {
        self.settings.authentication.credentials_provider = Some(Arc::new(provider));
        self
    }

    /// Who answers what a plugin such as PAM's `dialog` asks besides the password.
    pub fn prompt_handler(mut self, handler: impl PromptHandler + 'static) -> Self {
        self.settings.authentication.prompt_handler = Some(Arc::new(handler));
        self
    }
}

impl ConfigBuilder {
    /// The configuration.
    ///
    /// # Errors
    /// [`ConfigError`] names the setting that the protocol cannot carry, that contradicts another,
    /// or that this build leaves out.
    pub fn build(self) -> Result<Config, ConfigError> {
        check(&self.settings)?;
        Ok(Config {
            settings: Arc::new(self.settings),
            #[cfg(feature = "tls")]
            tls_context: Arc::default(),
        })
    }
}

impl fmt::Debug for ConfigBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ConfigBuilder")
            .field(&self.settings)
            .finish()
    }
}
