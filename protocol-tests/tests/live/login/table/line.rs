//! Lines of the table, and the place where they are tried.

use std::process::Command;

use otaria::{Compression, Config, ConfigBuilder, Connection, Pem, SslMode, TlsProof};
use protocol_tests::certificates::Authority;
use protocol_tests::live::{self, LiveServer, PamService};

use super::super::account::{Account, connect, tcp, value};
use super::outcome::{Outcome, refused, shows};

/// A line: who logs in, how the account is `IDENTIFIED VIA`, over what, what comes of it.
pub(super) struct Line {
    pub(super) user: User,
    pub(super) via: &'static str,
    pub(super) channels: &'static [Channel],
    pub(super) cells: [Outcome; 8],
    /// Whether the configuration has `clear_password`.
    clear_password: bool,
}

pub(super) const fn line(
    user: User,
    via: &'static str,
    channels: &'static [Channel],
    cells: [Outcome; 8],
) -> Line {
    Line {
        user,
        via,
        channels,
        cells,
        clear_password: false,
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum User {
    /// One that nobody else uses.
    Fresh,
    /// The one who runs the tests.
    OperatingSystem,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Channel {
    /// TCP without TLS.
    InClear,
    /// The same with compressed packets.
    Compressed,
    /// `verify-full` with the CA of the server's certificate.
    TlsProven,
    /// `prefer`, without that CA.
    TlsUnproven,
    /// `verify-full` without that CA: what is left is the password.
    TlsByPassword,
    UnixSocket,
}

impl Channel {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::InClear => "TCP",
            Self::Compressed => "TCP, compressed",
            Self::TlsProven => "TLS, CA",
            Self::TlsUnproven => "TLS, unproven",
            Self::TlsByPassword => "TLS, password",
            Self::UnixSocket => "Unix socket",
        }
    }

    const fn is_tls(self) -> bool {
        matches!(
            self,
            Self::TlsProven | Self::TlsUnproven | Self::TlsByPassword
        )
    }

    /// Whether `connection` is what this is.
    fn is_that_of(self, connection: &Connection) -> bool {
        let proof = connection.tls().map(|tls| &tls.proof);
        match self {
            Self::TlsProven => proof == Some(&TlsProof::Certificate),
            Self::TlsByPassword => proof == Some(&TlsProof::Password),
            Self::TlsUnproven => proof.is_some(),
            Self::InClear | Self::Compressed | Self::UnixSocket => proof.is_none(),
        }
    }
}

/// A server, and what is known of it.
pub(super) struct Place<'a> {
    pub(super) server: &'a LiveServer,
    authority: Option<&'a Authority>,
    services: Option<[Option<&'a PamService>; 2]>,
    plugins: Vec<String>,
}

impl<'a> Place<'a> {
    pub(super) fn new(server: &'a LiveServer) -> Self {
        Self {
            server,
            authority: None,
            services: None,
            plugins: Vec::new(),
        }
        .asked()
    }

    /// The server's certificate is of `authority`.
    pub(super) fn tls(mut self, authority: &'a Authority) -> Self {
        self.authority = Some(authority);
        self
    }

    /// Its PAM has these services, of which nobody has a password in the second.
    pub(super) fn pam(
        mut self,
        service: Option<&'a PamService>,
        other: Option<&'a PamService>,
    ) -> Self {
        self.services = Some([service, other]);
        self
    }

    fn asked(mut self) -> Self {
        let sql = "SELECT LOWER(PLUGIN_NAME) FROM information_schema.PLUGINS \
            WHERE PLUGIN_TYPE = 'AUTHENTICATION' AND PLUGIN_STATUS = 'ACTIVE'";
        let plugins = self.server.sql(sql).unwrap();
        self.plugins = plugins.lines().map(str::to_owned).collect();
        self
    }

    /// Whether there is a way to the server by `channel`.
    pub(super) fn leads(&self, channel: Channel) -> bool {
        match channel {
            Channel::UnixSocket => self.server.socket().is_some(),
            tls => !tls.is_tls() || self.authority.is_some(),
        }
    }

    pub(super) fn plugins(&self) -> impl Iterator<Item = &str> {
        self.plugins.iter().map(String::as_str)
    }

    pub(super) fn has_plugin(&self, name: &str) -> bool {
        self.plugins().any(|plugin| plugin == name)
    }

    /// The same, and says so if it has not.
    pub(super) fn has(&self, plugin: &str) -> bool {
        let has = self.has_plugin(plugin);
        if !has {
            live::not_applicable(&format!("the server has not got the plugin {plugin}"));
        }
        has
    }

    /// How to get there by `channel`.
    pub(super) fn config(&self, channel: Channel) -> ConfigBuilder {
        let tcp = || tcp(self.server);
        match (channel, self.server.socket(), self.authority) {
            (Channel::UnixSocket, Some(path), _) => Config::builder().socket(path),
            (Channel::Compressed, ..) => tcp()
                .ssl_mode(SslMode::Disable)
                .compression(Compression::default()),
            (Channel::TlsProven, _, Some(authority)) => tcp()
                .ssl_mode(SslMode::VerifyFull)
                .ssl_ca(Pem::bytes(authority.pem().into_bytes())),
            (Channel::TlsUnproven, ..) => tcp().ssl_mode(SslMode::Prefer),
            (Channel::TlsByPassword, ..) => tcp().ssl_mode(SslMode::VerifyFull),
            _ => tcp().ssl_mode(SslMode::Disable),
        }
    }
}

impl Line {
    /// The same with a configuration that lets passwords go in clear.
    pub(super) const fn in_clear(mut self) -> Self {
        self.clear_password = true;
        self
    }

    /// The plugins, and whose account it is.
    pub(super) fn name(&self) -> String {
        let plugins = self.via.replace(" USING PASSWORD('{}')", "");
        let plugins = plugins.replace(" USING PASSWORD('third')", " (another password)");
        let plugins = plugins.replace(" USING '{service}'", "");
        let plugins = plugins.replace(" USING '{other service}'", " (no password)");
        let whose = match self.user {
            User::Fresh => "",
            User::OperatingSystem => ", own account",
        };
        let clear = if self.clear_password { ", allowed" } else { "" };
        format!("{plugins}{whose}{clear}")
    }

    /// Whether it is about this plugin, which may be one of two.
    pub(super) fn is_of(&self, plugin: &str) -> bool {
        let rarest = PLUGINS.into_iter().find(|name| {
            let mut methods = self.via.split(" OR ");
            methods.any(|method| method.split(' ').next() == Some(name))
        });
        rarest == Some(plugin)
    }

    /// Whether it takes a service of PAM that there is not.
    pub(super) fn lacks_service(&self, place: &Place<'_>) -> bool {
        let has_service = place.services.is_some_and(|[service, _]| service.is_some());
        self.via.contains("service}") && !has_service
    }

    /// What comes of a login with `given` to an account with `password`, channel by channel.
    pub(super) async fn found(
        &self,
        place: &Place<'_>,
        channels: &[Channel],
        password: &str,
        given: &str,
    ) -> Vec<String> {
        let mut found = Vec::new();
        let mut account: Option<Account<'_>> = None;
        for channel in channels {
            let host = self.host(*channel);
            // One for all channels by TCP.
            let account = match &mut account {
                Some(account) if account.host() == host => account,
                other => other.insert(self.account(place, host, password)),
            };
            let config = place.config(*channel).user(account.name()).password(given);
            let config = config.clear_password(self.clear_password);
            found.push(match connect(config).await {
                Ok(connection) => logged_in(connection, account, *channel).await,
                Err(error) if shows(&error, given) || shows(&error, password) => {
                    "an error that shows the password".to_owned()
                }
                Err(error) => refused(&error),
            });
        }
        found
    }

    /// Whence an account lets its user in.
    const fn host(&self, channel: Channel) -> &'static str {
        match (self.user, channel) {
            (_, Channel::UnixSocket) => "localhost",
            (User::Fresh, _) => "%",
            (User::OperatingSystem, _) => "127.0.0.1",
        }
    }

    fn account<'a>(&self, place: &Place<'a>, host: &'static str, password: &str) -> Account<'a> {
        let mut via = self.via.replace("{}", password);
        let service = |index: usize| place.services.and_then(|all| all[index]);
        for (index, name) in ["{service}", "{other service}"].into_iter().enumerate() {
            if let Some(service) = service(index) {
                via = via.replace(name, service.name());
            }
        }
        let account = match self.user {
            User::Fresh => Account::identified(place.server, host, &via),
            User::OperatingSystem => Account::named(place.server, &whoami(), host, &via),
        };
        if let Some(service) = service(0) {
            service.set_password(account.name(), password).unwrap();
        }
        account
    }
}

/// What has come of a login, which is to be as `account` over `channel`.
async fn logged_in(mut connection: Connection, account: &Account<'_>, channel: Channel) -> String {
    let user = match value(&mut connection, "SELECT CURRENT_USER()").await {
        Ok(user) => user,
        // 11.8 may close a connection right behind a login, where `parsec` had failed over TLS.
        Err(error) => return refused(&error),
    };
    let tls = connection.tls().cloned();
    let is_right = channel.is_that_of(&connection);
    connection.close().await.unwrap();
    if user != account.shown() {
        format!("logs in as {user}")
    } else if !is_right {
        format!("logs in over {tls:?}")
    } else {
        Outcome::LogsIn.to_string()
    }
}

/// The user of the operating system who runs the tests.
fn whoami() -> String {
    let output = Command::new("id").arg("-un").output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// The fewer servers have it, the further to the front: a line of two is about the first.
const PLUGINS: [&str; 8] = [
    "caching_sha2_password",
    "parsec",
    "gssapi",
    "pam",
    "mysql_old_password",
    "ed25519",
    "unix_socket",
    "mysql_native_password",
];
