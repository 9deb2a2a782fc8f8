//! A `mysqld` of one's own, which all tests share.

use std::io::Read;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{self, Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use otaria::{Config, ConfigBuilder, Connection, Error, Pem, SslMode};
use tempfile::TempDir;

/// A server that accepts connections. It ends with this process.
pub(crate) struct Server {
    /// Stops the server when its standard input closes.
    watchdog: Child,
    directory: TempDir,
    port: u16,
}

/// The server that the tests share.
pub(crate) fn server() -> &'static Server {
    static SHARED: OnceLock<Server> = OnceLock::new();
    SHARED.get_or_init(Server::start)
}

impl Server {
    fn start() -> Self {
        let named = env::var_os("OTARIA_MYSQLD").map(PathBuf::from);
        let named = named.expect(MISSING);
        let program = named.canonicalize();
        let program = program.unwrap_or_else(|error| panic!("{}: {error}", named.display()));
        let base = program.ancestors().nth(2).expect("a folder above sbin");
        let directory = tempfile::Builder::new().prefix("otaria-live-").tempdir();
        let directory = directory.unwrap();
        let port = free_port();
        let watchdog = watchdog(&program, base, directory.path(), port);
        let mut server = Self {
            watchdog,
            directory,
            port,
        };
        server.wait_until_it_accepts();
        server
    }

    fn wait_until_it_accepts(&mut self) {
        let deadline = Instant::now() + START_LIMIT;
        while !greets(&self.path("socket")) {
            if self.watchdog.try_wait().unwrap().is_some() {
                let mut log = String::new();
                let output = self.watchdog.stdout.as_mut().expect("a pipe");
                output.read_to_string(&mut log).unwrap();
                panic!("the server ended before it accepted connections:\n{log}");
            }
            let log = || fs::read_to_string(self.path("log")).unwrap_or_default();
            assert!(Instant::now() < deadline, "no greeting:\n{}", log());
            thread::sleep(Duration::from_millis(10));
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// A file that the server has made for itself.
    pub(crate) fn own_file(&self, name: &str) -> PathBuf {
        self.path("data").join(name)
    }

    /// The way by TCP.
    pub(crate) fn tcp(&self) -> ConfigBuilder {
        Config::builder().host("127.0.0.1").port(self.port)
    }

    /// The way by TCP without TLS.
    pub(crate) fn plain(&self) -> ConfigBuilder {
        self.tcp().ssl_mode(SslMode::Disable)
    }

    /// The way by TLS that proves the server by the authority that it has made for itself. Its
    /// certificate names no host.
    pub(crate) fn proven(&self) -> ConfigBuilder {
        let ca = Pem::File(self.own_file("ca.pem"));
        self.tcp().ssl_mode(SslMode::VerifyCa).ssl_ca(ca)
    }

    /// The way over the Unix socket.
    pub(crate) fn unix(&self) -> ConfigBuilder {
        Config::builder().socket(self.path("socket"))
    }

    /// Runs each statement as an administrator, and gives the rows of the last one.
    pub(crate) async fn administer(&self, statements: &[&str]) -> Vec<(String,)> {
        let mut root = connect(self.unix().user("root")).await.unwrap();
        let mut rows = Vec::new();
        for sql in statements {
            rows = root
                .simple_query(sql)
                .await
                .unwrap()
                .collect()
                .await
                .unwrap();
        }
        root.close().await.unwrap();
        rows
    }

    /// A schema of a name that no other has.
    pub(crate) async fn schema(&self) -> String {
        let name = unique("schema");
        self.administer(&[&format!("CREATE SCHEMA {name}")]).await;
        name
    }

    /// An account of a name that no other has, for logins from anywhere, which may do all.
    pub(crate) async fn account(&self, plugin: &str, password: &str) -> String {
        let user = unique("user");
        let create = format!("CREATE USER {user} IDENTIFIED WITH {plugin} BY '{password}'");
        let grant = format!("GRANT ALL ON *.* TO {user}");
        self.administer(&[&create, &grant]).await;
        user
    }
}

pub(crate) async fn connect(config: ConfigBuilder) -> Result<Connection, Error> {
    Connection::connect(&config.build().unwrap()).await
}

/// The only row of `sql`, which has one column.
pub(crate) async fn value(connection: &mut Connection, sql: &str) -> String {
    let rows = connection.simple_query(sql).await.unwrap();
    let rows: Vec<(String,)> = rows.collect().await.unwrap();
    assert_eq!(rows.len(), 1, "{sql}");
    rows[0].0.clone()
}

fn unique(kind: &str) -> String {
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    let count = COUNTER.fetch_add(1, Ordering::Relaxed);
    format!("otaria_{kind}_{}_{count}", process::id())
}

/// A process that makes the server's data, runs the server until its standard input closes, and
/// then removes `directory`.
fn watchdog(program: &Path, base: &Path, directory: &Path, port: u16) -> Child {
    // mysqld refuses to run as root unless it is told to.
    let user = if directory.metadata().unwrap().uid() == 0 {
        "root"
    } else {
        ""
    };
    let install = directory.join("install");
    fs::write(&install, INSTALL).unwrap();
    fs::set_permissions(&install, fs::Permissions::from_mode(0o700)).unwrap();
    let mut command = Command::new("sh");
    command
        .args(["-c", WATCHDOG, "watchdog"])
        .arg(program)
        .arg("--no-defaults")
        .arg(format!("--basedir={}", base.display()));
    if !user.is_empty() {
        command.arg(format!("--user={user}"));
    }
    for (option, file) in [
        ("datadir", "data"),
        ("socket", "socket"),
        ("pid-file", "pid"),
    ] {
        command.arg(format!("--{option}={}", directory.join(file).display()));
    }
    command
        .arg(format!("--port={port}"))
        .args(SERVER_OPTIONS)
        .env("DIRECTORY", directory)
        .env("INSTALL", &install)
        .env("MYSQLD", program)
        .env("BASE_DIRECTORY", base)
        .env("SYSTEM_USER", user)
        .env("TMPDIR", directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        // A Ctrl-C for the tests must not take the watchdog before it has cleaned up.
        .process_group(0);
    command.spawn().unwrap()
}

/// Whether the server sends the first byte of its greeting.
fn greets(socket: &Path) -> bool {
    UnixStream::connect(socket).is_ok_and(|mut stream| {
        let limit = Some(Duration::from_secs(5));
        stream.set_read_timeout(limit).is_ok() && stream.read_exact(&mut [0]).is_ok()
    })
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap().port()
}

/// That of the private servers of MariaDB. What it calls to make the data is given by `INSTALL`.
const WATCHDOG: &str = include_str!("../../src/live/watchdog.sh");

/// Makes the data of a MySQL server; the arguments are for MariaDB's.
const INSTALL: &str = r#"#!/bin/sh
exec "$MYSQLD" --no-defaults --initialize-insecure --basedir="$BASE_DIRECTORY" \
    ${SYSTEM_USER:+"--user=$SYSTEM_USER"} --datadir="$DIRECTORY/data"
"#;

/// What tests need, then what makes a server that is thrown away start and stop fast.
const SERVER_OPTIONS: [&str; 11] = [
    "--bind-address=127.0.0.1",
    "--skip-name-resolve",
    "--local-infile=ON",
    "--secure-file-priv=NULL",
    "--mysqlx=OFF",
    "--gtid-mode=ON",
    "--enforce-gtid-consistency=ON",
    "--innodb-buffer-pool-size=32M",
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-doublewrite=OFF",
    "--innodb-fast-shutdown=2",
];

/// A cold machine takes seconds; a server that needs a minute is not going to come.
const START_LIMIT: Duration = Duration::from_secs(60);

const MISSING: &str = "there is no MySQL server to test with: let OTARIA_MYSQLD be the path of a \
                       mysqld, such as that of OTARIA_MYSQLD=$(ci/mysql-9), which fetches one";
