//! Real servers: a private `mariadbd` in a temporary directory, or the one `OTARIA_TEST_URL` names.
//!
//! ```no_run
//! # fn main() -> Result<(), protocol_tests::live::LiveError> {
//! let schema = protocol_tests::live::shared().schema("readme")?;
//! assert_eq!(schema.sql("SELECT 1 + 1")?, "2\n");
//! # Ok(())
//! # }
//! ```

mod dialect;
mod error;
mod pam;
mod private_server;
mod programs;

use std::fs::File;
use std::io::{Seek, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::{env, process};

use url::{Url, form_urlencoded};

pub use error::LiveError;
pub use pam::PamService;
pub use private_server::{Builder, Ending};

use private_server::PrivateServer;

/// A server that accepts connections. One that was started here is stopped, and its directory
/// removed, when this is dropped or when the process that holds it ends in whatever way.
#[derive(Debug)]
pub struct LiveServer {
    url: Url,
    host: String,
    port: u16,
    user: String,
    password: String,
    socket: Option<PathBuf>,
    version: String,
    is_mysql: bool,
    private: Option<PrivateServer>,
}

impl LiveServer {
    /// Starts a private server with the options most tests want.
    ///
    /// # Errors
    /// [`LiveError::MissingProgram`] without a `mariadbd`; it says how to get one.
    pub fn start() -> Result<Self, LiveError> {
        Self::builder().start()
    }

    /// A private server that is yet to be started.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Uses the server behind `mariadb://user:password@host:port/?socket=path`. Other options of that
    /// URL, such as `ssl_ca`, are those of the driver.
    ///
    /// # Errors
    /// [`LiveError::Url`] if `url` is none of that form, [`LiveError::Sql`] if the server refuses.
    pub fn at(url: &str) -> Result<Self, LiveError> {
        let mut url = Url::parse(url).map_err(|_| LiveError::Url)?;
        let host = url
            .host_str()
            .filter(|_| url.scheme() == "mariadb")
            .ok_or(LiveError::Url)?;
        let host = host.trim_matches(['[', ']']).to_owned();
        let socket = url.query_pairs().find(|(key, _)| key == "socket");
        let socket = socket.map(|(_, path)| PathBuf::from(path.as_ref()));
        // The way of tests that do not say another one is TCP.
        let others = url.clone();
        let others = others.query_pairs().filter(|(key, _)| key != "socket");
        url.query_pairs_mut().clear().extend_pairs(others);
        if url.query() == Some("") {
            url.set_query(None);
        }
        let mut server = Self {
            host,
            port: url.port().unwrap_or(3306),
            user: percent_decoded(url.username()),
            password: percent_decoded(url.password().unwrap_or_default()),
            socket,
            version: String::new(),
            is_mysql: false,
            private: None,
            url,
        };
        let version = server.sql("SELECT VERSION()")?;
        server.is_mysql = !version.contains("MariaDB");
        version
            .trim()
            .split('-')
            .next()
            .unwrap_or_default()
            .clone_into(&mut server.version);
        Ok(server)
    }

    /// The address to connect to over TCP.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The TCP port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The Unix socket. A server of `OTARIA_TEST_URL` has one if the URL names it.
    pub fn socket(&self) -> Option<&Path> {
        self.socket.as_deref()
    }

    /// An account that may create schemas and users.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The password of [`user`](Self::user).
    pub fn password(&self) -> &str {
        &self.password
    }

    /// The URL of `database` on this server, by TCP; `""` for none.
    pub fn url(&self, database: &str) -> String {
        let mut url = self.url.clone();
        url.set_path(database);
        url.into()
    }

    /// The server's version without its suffixes: `10.11.19`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Whether columns may be of this type: some are younger than others, and MySQL has none of those.
    pub fn has_type(&self, column: &str) -> bool {
        let name = column.split('(').next().unwrap_or_default();
        let since = match name {
            "INET6" => (10, 5),
            "UUID" => (10, 7),
            "INET4" => (10, 10),
            "VECTOR" => (11, 7),
            _ => return true,
        };
        self.is_at_least(since)
    }

    /// Whether the version's first two numbers are these or higher ones.
    pub fn is_at_least(&self, version: (u32, u32)) -> bool {
        let mut numbers = self.version.split('.').map(str::parse);
        let mut next = || numbers.next().and_then(Result::ok).unwrap_or_default();
        (next(), next()) >= version
    }

    /// The process of a private server.
    pub fn process_id(&self) -> Option<u32> {
        self.private.as_ref().map(PrivateServer::process_id)
    }

    /// Ends a private server, which stays down until it is [started again](Self::start_again).
    ///
    /// # Errors
    /// If it does not end in time.
    ///
    /// # Panics
    /// With a server that was not started here.
    pub fn end(&self, how: Ending) -> Result<(), LiveError> {
        self.own().end(how)
    }

    /// Starts a private server that was ended: on the same port and socket, with the same data.
    ///
    /// # Errors
    /// Those of [`Builder::start`].
    ///
    /// # Panics
    /// With a server that was not started here.
    pub fn start_again(&self) -> Result<(), LiveError> {
        self.own().start_again()
    }

    fn own(&self) -> &PrivateServer {
        self.private.as_ref().expect("a private server")
    }

    /// Runs `sql`, one statement or many, with the `mariadb` command-line client, in the
    /// [words of the server](Self::dialect). Returns what it prints: a line a row, columns by tabs,
    /// no names.
    ///
    /// # Errors
    /// [`LiveError::Sql`] if a statement fails; those before it have run.
    pub fn sql(&self, sql: &str) -> Result<String, LiveError> {
        self.sql_in("", sql)
    }

    /// Creates a schema for one test; `name_hint` is there to be found in the server's logs.
    ///
    /// # Errors
    /// [`LiveError::Sql`] if the account may not create schemas.
    pub fn schema(&self, name_hint: &str) -> Result<Schema<'_>, LiveError> {
        static COUNTER: AtomicU32 = AtomicU32::new(0);
        let hint: String = name_hint
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .take(32)
            .collect();
        loop {
            let count = COUNTER.fetch_add(1, Ordering::Relaxed);
            let name = format!("otaria_{hint}_{}_{count}", process::id()).to_ascii_lowercase();
            match self.sql(&format!("CREATE SCHEMA {name} CHARACTER SET utf8mb4")) {
                // Left on a long-lived server by a killed process that had our number.
                Err(LiveError::Sql { message }) if message.starts_with(SCHEMA_EXISTS) => {}
                created => return created.map(|_| Schema { server: self, name }),
            }
        }
    }

    fn sql_in(&self, database: &str, sql: &str) -> Result<String, LiveError> {
        let output = self.client(["--batch", "--skip-column-names"], database, sql)?;
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        } else {
            // The client repeats the statement between two lines, then says what is wrong with it.
            let text = String::from_utf8_lossy(&output.stderr);
            let message = text
                .rsplit_once("--------------\n\n")
                .map_or(&*text, |(_, end)| end);
            let message = message.trim().to_owned();
            Err(LiveError::Sql { message })
        }
    }

    /// Runs the command-line client with these options, and `sql` as what it reads.
    fn client<const N: usize>(
        &self,
        options: [&str; N],
        database: &str,
        sql: &str,
    ) -> Result<Output, LiveError> {
        let client = programs::client()?;
        let io = |source| LiveError::Program {
            program: client.clone(),
            source,
        };
        let mut command = Command::new(&client);
        command.arg("--no-defaults").args(options);
        command.args(["--default-character-set=utf8mb4", "--max-allowed-packet=1G"]);
        // Clients from 11.4 on insist on a certificate, which test servers do not have.
        command.arg("--disable-ssl-verify-server-cert");
        command
            .arg(format!("--user={}", self.user))
            .env("MYSQL_PWD", &self.password);
        match &self.socket {
            Some(socket) => command.arg("--protocol=socket").arg("--socket").arg(socket),
            None => command
                .args(["--protocol=tcp", &format!("--host={}", self.host)])
                .arg(format!("--port={}", self.port)),
        };
        command.arg(format!("--database={database}"));
        let input = file_of(&self.dialect(sql)).map_err(io)?;
        command.stdin(input).output().map_err(io)
    }
}

/// A schema of one test's own, dropped with its tables when this is dropped.
#[derive(Debug)]
pub struct Schema<'a> {
    server: &'a LiveServer,
    name: String,
}

impl Schema<'_> {
    /// Its name, which needs no quotes.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The URL that connects to the server with this schema as the current one.
    pub fn url(&self) -> String {
        self.server.url(&self.name)
    }

    /// [`LiveServer::sql`] with this schema as the current one.
    ///
    /// # Errors
    /// [`LiveError::Sql`] if a statement fails; those before it have run.
    pub fn sql(&self, sql: &str) -> Result<String, LiveError> {
        self.server.sql_in(&self.name, sql)
    }

    /// What the command-line client prints for `sql`, in this schema: all statements run, whatever
    /// becomes of those before them. Comments are sent to the server, too.
    ///
    /// # Errors
    /// If the client cannot be run.
    pub fn printed(&self, sql: &str) -> Result<Printed, LiveError> {
        let options = ["--xml", "--force", "--comments"];
        let output = self.server.client(options, &self.name, sql)?;
        Ok(Printed {
            results: output.stdout,
            errors: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }
}

/// What the command-line client has printed.
#[derive(Debug)]
pub struct Printed {
    /// The results in XML, each with its statement; the values as they come from the server.
    pub results: Vec<u8>,
    /// The errors, each with the line in which its statement begins.
    pub errors: String,
}

impl Drop for Schema<'_> {
    fn drop(&mut self) {
        // A connection that the test forgot may hold locks; the default is to wait for a day.
        let sql = format!("SET lock_wait_timeout = 5; DROP SCHEMA {}", self.name);
        if let Err(error) = self.server.sql(&sql) {
            eprintln!("schema {} stays: {error}", self.name);
        }
    }
}

/// The server that the tests of this process share: that of `OTARIA_TEST_URL`, else a private one.
///
/// # Panics
/// Without a server; the message says how to get one. A live test does not pass by not running.
pub fn shared() -> &'static LiveServer {
    static SHARED: OnceLock<LiveServer> = OnceLock::new();
    SHARED.get_or_init(|| {
        // A variable that is empty is as good as none.
        let url = env::var(TEST_URL).ok().filter(|url| !url.is_empty());
        let server = url.map_or_else(LiveServer::start, |url| LiveServer::at(&url));
        server.unwrap_or_else(|error| panic!("no server to test with: {error:?}"))
    })
}

/// Says that a test has nothing to test here, and why. In the table of `ci/conformance` that is not a
/// test that has passed: it fails there, and `expectations.toml` has the reason.
///
/// # Panics
/// In `ci/conformance`.
pub fn not_applicable(why: &str) {
    assert!(env::var_os(CONFORMANCE).is_none(), "not applicable: {why}");
    println!("not applicable: {why}");
}

/// A nameless file that reads as `text`: unlike a pipe, it needs nobody to feed it.
fn file_of(text: &str) -> std::io::Result<Stdio> {
    let mut file: File = tempfile::tempfile()?;
    file.write_all(text.as_bytes())?;
    file.rewind()?;
    Ok(file.into())
}

/// `text` with its `%41`s decoded. Forms also write a space as `+` and end a value with `&`,
/// which URLs do not.
fn percent_decoded(text: &str) -> String {
    let form = text.replace('+', "%2B").replace('&', "%26");
    form_urlencoded::parse(format!("={form}").as_bytes())
        .map(|(_, value)| value)
        .collect()
}

/// The variable that `ci/conformance` sets.
const CONFORMANCE: &str = "OTARIA_CONFORMANCE";

/// The variable that names a server to use in place of a private one.
const TEST_URL: &str = "OTARIA_TEST_URL";

/// How the client reports error 1007, `ER_DB_CREATE_EXISTS`.
const SCHEMA_EXISTS: &str = "ERROR 1007 ";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_of_urls_are_percent_decoded() {
        assert_eq!(percent_decoded("p%40ss%2fw+r=d&%c3%a9"), "p@ss/w+r=d&é");
        assert_eq!(percent_decoded(""), "");
    }

    #[test]
    fn url_without_host_or_of_another_scheme_is_refused() {
        for url in [
            "mariadb:/database",
            "http://root@localhost/",
            "localhost:3306",
        ] {
            assert!(matches!(LiveServer::at(url), Err(LiveError::Url)), "{url}");
        }
    }
}
