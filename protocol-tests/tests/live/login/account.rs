//! Accounts of one test each, and what the tests of logins ask a server.

use std::error::Error as _;
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use otaria::{AuthError, Config, ConfigBuilder, Connection, Error};
use protocol_tests::live::LiveServer;

/// An account that is dropped with this.
pub(super) struct Account<'a> {
    server: &'a LiveServer,
    name: String,
    host: &'static str,
    stays: bool,
}

impl<'a> Account<'a> {
    /// An account for logins from anywhere by TCP, with [`PASSWORD`].
    pub(super) fn new(server: &'a LiveServer) -> Self {
        Self::identified(server, "%", &native_password())
    }

    /// One more account of the same user, for logins over the Unix socket, with [`PASSWORD`].
    pub(super) fn local(&self) -> Self {
        Self::named(self.server, &self.name, "localhost", &native_password())
    }

    /// An account of a name that no other has, `IDENTIFIED VIA` what is given.
    pub(super) fn identified(server: &'a LiveServer, host: &'static str, via: &str) -> Self {
        static COUNTER: AtomicU32 = AtomicU32::new(0);
        let count = COUNTER.fetch_add(1, Ordering::Relaxed);
        let account = Self {
            server,
            name: format!("otaria_login_{}_{count}", process::id()),
            host,
            stays: false,
        };
        account.identify(via);
        account
    }

    /// The account of a name that may be taken. It stays: the server is to be a private one.
    pub(super) fn named(server: &'a LiveServer, name: &str, host: &'static str, via: &str) -> Self {
        let account = Self {
            server,
            name: name.to_owned(),
            host,
            stays: true,
        };
        account.identify(via);
        account
    }

    fn identify(&self, via: &str) {
        let account = self.sql_name();
        let create = format!("CREATE USER IF NOT EXISTS {account}");
        let how = if self.server.is_mysql() {
            assert_eq!(via, native_password(), "plugins of MariaDB");
            format!("BY '{PASSWORD}'")
        } else {
            format!("VIA {via}")
        };
        let sql = format!("{create}; ALTER USER {account} IDENTIFIED {how}");
        self.server.sql(&sql).unwrap();
    }

    pub(super) fn server(&self) -> &'a LiveServer {
        self.server
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn host(&self) -> &'static str {
        self.host
    }

    /// As it stands in SQL.
    pub(super) fn sql_name(&self) -> String {
        format!("'{}'@'{}'", self.name, self.host)
    }

    /// As `CURRENT_USER()` shows it.
    pub(super) fn shown(&self) -> String {
        format!("{}@{}", self.name, self.host)
    }

    /// How to log in by TCP, with [`PASSWORD`].
    pub(super) fn config(&self) -> ConfigBuilder {
        tcp(self.server).user(&self.name).password(PASSWORD)
    }
}

impl Drop for Account<'_> {
    fn drop(&mut self) {
        let sql = format!("DROP USER {}", self.sql_name());
        if !self.stays
            && let Err(error) = self.server.sql(&sql)
        {
            eprintln!("account {} stays: {error}", self.shown());
        }
    }
}

pub(super) fn tcp(server: &LiveServer) -> ConfigBuilder {
    if server.is_mysql() {
        // Its passwords go to a server that is known.
        let config: Config = server.url("").parse().unwrap();
        return config.to_builder();
    }
    Config::builder().host(server.host()).port(server.port())
}

pub(super) async fn connect(config: ConfigBuilder) -> Result<Connection, Error> {
    Connection::connect(&config.build().unwrap()).await
}

/// The only row of `sql`, which has one column.
pub(super) async fn value(connection: &mut Connection, sql: &str) -> Result<String, Error> {
    let rows = connection.simple_query(sql).await?;
    let rows: Vec<(String,)> = rows.collect().await?;
    assert_eq!(rows.len(), 1, "{sql}");
    Ok(rows[0].0.clone())
}

/// The code, the SQLSTATE and the words of a login's refusal by the server.
pub(super) fn refusal(result: Result<Connection, Error>) -> (u16, Option<[u8; 5]>, String) {
    match result {
        Err(Error::Auth(AuthError::Server {
            code,
            sqlstate,
            message,
        })) => (code, sqlstate, message),
        Err(error) => panic!("not a refusal by the server: {error:?}"),
        Ok(_) => panic!("logged in"),
    }
}

/// All that `error` and its causes say, for users and for developers.
pub(super) fn all_words(error: &Error) -> String {
    let mut words = vec![format!("{error}\n{error:?}\n{error:#?}")];
    let mut cause = error.source();
    while let Some(error) = cause {
        words.push(format!("{error}\n{error:?}"));
        cause = error.source();
    }
    words.join("\n")
}

fn native_password() -> String {
    format!("mysql_native_password USING PASSWORD('{PASSWORD}')")
}

/// Asks until `sql` answers `expected`: a server notices the end of a connection when it gets to
/// it.
pub(super) async fn until(server: &LiveServer, sql: &str, expected: &str) {
    for _ in 0..POLLS {
        if server.sql(sql).unwrap().trim() == expected {
            return;
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
    panic!("still not {expected}: {sql}");
}

/// The password of accounts where nothing depends on it.
pub(super) const PASSWORD: &str = "the-usual-password";

/// Ten seconds and what the queries take.
pub(super) const POLLS: u32 = 1000;

pub(super) const POLL_INTERVAL: Duration = Duration::from_millis(10);
