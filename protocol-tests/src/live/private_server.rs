//! A `mariadbd` of one's own.
//!
//! ```text
//! test process ──(pipe)── sh: watchdog.sh ── mariadbd
//!                          └─ reads the pipe; at its end stops mariadbd, removes the directory
//! ```

use std::fs::{self, File};
use std::io::{self, Read};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use std::{iter, thread};

use tempfile::TempDir;

use super::programs::Programs;
use super::{LiveError, LiveServer};
use crate::certificates::{Authority, Identity};

/// A private server that is yet to be started.
#[derive(Clone, Debug, Default)]
pub struct Builder {
    options: Vec<String>,
    /// Options that take a file, their files' names beside the data, and contents.
    files: Vec<(&'static str, &'static str, String)>,
}

impl Builder {
    /// Adds an option of `mariadbd` (`--max-allowed-packet=1G`). It wins over those set here.
    #[must_use]
    pub fn option(mut self, option: impl Into<String>) -> Self {
        self.options.push(option.into());
        self
    }

    /// Shows `identity` to clients that ask for TLS. Without this, servers from 11.4 on show a
    /// certificate of their own making, and older ones offer no TLS.
    #[must_use]
    pub fn tls(self, identity: &Identity) -> Self {
        self.file("ssl-cert", CERTIFICATE_FILE, identity.certificate_pem())
            .file("ssl-key", KEY_FILE, identity.key_pem())
    }

    /// Trusts clients for whom `authority` vouches: accounts may `REQUIRE X509`.
    #[must_use]
    pub fn tls_clients_of(self, authority: &Authority) -> Self {
        self.file("ssl-ca", CLIENT_CA_FILE, authority.pem())
    }

    /// Adds `option` with the path of a file of that name and content.
    fn file(mut self, option: &'static str, name: &'static str, content: String) -> Self {
        self.files.push((option, name, content));
        self
    }

    /// Starts the server and waits until it accepts connections.
    ///
    /// # Errors
    /// [`LiveError::MissingProgram`] without a `mariadbd`, [`LiveError::Exited`] with the end of
    /// the server's log if it does not like an option.
    pub fn start(&self) -> Result<LiveServer, LiveError> {
        self.start_on(iter::repeat_with(free_port).take(PORT_ATTEMPTS))
    }

    fn start_on(
        &self,
        ports: impl IntoIterator<Item = io::Result<u16>>,
    ) -> Result<LiveServer, LiveError> {
        let programs = Programs::find()?;
        let mut refused = None;
        for port in ports {
            match self.start_at(&programs, port?) {
                Err(LiveError::Exited { log }) if log.contains(PORT_TAKEN) => refused = Some(log),
                started => return started,
            }
        }
        Err(LiveError::Exited {
            log: refused.unwrap_or_default(),
        })
    }

    fn start_at(&self, programs: &Programs, port: u16) -> Result<LiveServer, LiveError> {
        let directory = tempfile::Builder::new().prefix("otaria-live-").tempdir()?;
        let password = random_password()?;
        fs::write(directory.path().join(INIT_FILE), init_statements(&password))?;
        for (_, name, content) in &self.files {
            fs::write(directory.path().join(name), content)?;
        }

        let mut command = self.watchdog(programs, directory.path(), port)?;
        let program = PathBuf::from(command.get_program());
        let watchdog = command
            .spawn()
            .map_err(|source| LiveError::Program { program, source })?;
        let private = PrivateServer {
            watchdog: Mutex::new(watchdog),
            directory,
            process_id: AtomicU32::new(0),
        };
        private.wait_until_it_accepts()?;

        let mut server = LiveServer::at(&format!("mariadb://root:{password}@127.0.0.1:{port}/"))?;
        server.socket = Some(private.path("socket"));
        server.private = Some(private);
        Ok(server)
    }

    fn watchdog(&self, programs: &Programs, path: &Path, port: u16) -> io::Result<Command> {
        // mariadbd refuses to run as root unless it is told to.
        let user = if path.metadata()?.uid() == 0 {
            "root"
        } else {
            ""
        };
        let mut command = Command::new("sh");
        command
            .args(["-c", WATCHDOG, "watchdog"])
            .arg(&programs.server)
            .arg("--no-defaults");
        if let Some(base) = &programs.base_directory {
            command.arg(format!("--basedir={}", base.display()));
        }
        if !user.is_empty() {
            command.arg(format!("--user={user}"));
        }
        let paths = [
            ("datadir", "data"),
            ("socket", "socket"),
            ("pid-file", "pid"),
            ("init-file", INIT_FILE),
        ];
        let files = self.files.iter().map(|(option, file, _)| (*option, *file));
        for (option, file) in paths.into_iter().chain(files) {
            command.arg(format!("--{option}={}", path.join(file).display()));
        }
        command
            .arg(format!("--port={port}"))
            .args(SERVER_OPTIONS)
            .args(&self.options);
        command
            .env("DIRECTORY", path)
            .env("INSTALL", &programs.install)
            .env(
                "BASE_DIRECTORY",
                programs.base_directory.as_deref().unwrap_or(Path::new("")),
            )
            .env("SYSTEM_USER", user)
            // A server that starts deletes the temporary tables of all that share its directory.
            .env("TMPDIR", path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            // A Ctrl-C for the tests must not take the watchdog before it has cleaned up.
            .process_group(0);
        Ok(command)
    }
}

/// How a private server is ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Ending {
    /// It is asked to: it tells its clients and writes down what it has.
    Shutdown,
    /// It is killed, and recovers from its logs when it starts again.
    Kill,
}

/// The processes and the directory of a private server.
#[derive(Debug)]
pub(super) struct PrivateServer {
    /// Stops the server when its standard input closes.
    watchdog: Mutex<Child>,
    directory: TempDir,
    process_id: AtomicU32,
}

impl PrivateServer {
    pub(super) fn process_id(&self) -> u32 {
        self.process_id.load(Ordering::SeqCst)
    }

    /// Ends the process and waits for its end.
    pub(super) fn end(&self, how: Ending) -> Result<(), LiveError> {
        let signal = match how {
            Ending::Shutdown => "-TERM",
            Ending::Kill => "-KILL",
        };
        fs::write(self.path(DOWN_FILE), "")?;
        self.signal(signal)?;
        let deadline = Instant::now() + END_LIMIT;
        while self.signal("-0")? {
            if Instant::now() > deadline {
                return Err(self.timed_out());
            }
            thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    /// Starts what has been ended, on the same port and the same data.
    pub(super) fn start_again(&self) -> Result<(), LiveError> {
        // Those of a process that was killed.
        for name in ["socket", "pid"] {
            if let Err(error) = fs::remove_file(self.path(name))
                && error.kind() != io::ErrorKind::NotFound
            {
                return Err(error.into());
            }
        }
        fs::remove_file(self.path(DOWN_FILE))?;
        self.wait_until_it_accepts()
    }

    /// Whether there was still a process to send it to.
    fn signal(&self, signal: &str) -> io::Result<bool> {
        let process_id = self.process_id().to_string();
        let mut kill = Command::new("sh");
        kill.args(["-c", "kill \"$1\" \"$2\"", "sh", signal, &process_id])
            .stderr(Stdio::null());
        Ok(kill.status()?.success())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn wait_until_it_accepts(&self) -> Result<(), LiveError> {
        let deadline = Instant::now() + START_LIMIT;
        while !greets(&self.path("socket")) {
            let mut watchdog = self.watchdog.lock().unwrap_or_else(PoisonError::into_inner);
            if watchdog.try_wait()?.is_some() {
                return Err(LiveError::Exited {
                    log: last_words(&mut watchdog)?,
                });
            }
            if Instant::now() > deadline {
                return Err(self.timed_out());
            }
            thread::sleep(Duration::from_millis(10));
        }
        let process_id = fs::read_to_string(self.path("pid"))?;
        let process_id = process_id.trim().parse().map_err(io::Error::other)?;
        self.process_id.store(process_id, Ordering::SeqCst);
        Ok(())
    }

    fn timed_out(&self) -> LiveError {
        let log = fs::read(self.path("log")).unwrap_or_default();
        let tail = &log[log.len().saturating_sub(8000)..];
        LiveError::TimedOut {
            log: String::from_utf8_lossy(tail).into(),
        }
    }
}

/// The end of the log, which the watchdog prints when the server has ended by itself.
fn last_words(watchdog: &mut Child) -> io::Result<String> {
    let mut log = Vec::new();
    if let Some(mut output) = watchdog.stdout.take() {
        output.read_to_end(&mut log)?;
    }
    Ok(String::from_utf8_lossy(&log).into())
}

impl Drop for PrivateServer {
    fn drop(&mut self) {
        // Closes its standard input; the watchdog has limits of its own for what follows.
        let process_id = self.process_id();
        let watchdog = self.watchdog.get_mut();
        if let Err(error) = watchdog.unwrap_or_else(PoisonError::into_inner).wait() {
            eprintln!("the watchdog of server {process_id} is lost: {error}");
        }
    }
}

/// Whether the server sends the first byte of its greeting. To connect is not enough: the kernel
/// accepts for a server that is still at its init file.
fn greets(socket: &Path) -> bool {
    UnixStream::connect(socket)
        .and_then(|mut stream| {
            stream.set_read_timeout(Some(Duration::from_secs(5)))?;
            stream.read_exact(&mut [0])
        })
        .is_ok()
}

/// A port that was free a moment ago. None of those that clients get: while a server is down, one
/// that connects to such a port may get that very port, and is then connected to itself.
fn free_port() -> io::Result<u16> {
    let port = fastrand::u16(10_000..32_768);
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .or_else(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?
        .local_addr()?
        .port())
}

/// Other accounts of the machine can connect too, so the password is not a known one.
fn random_password() -> io::Result<String> {
    let mut bytes = [0; 16];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(format!("{:032x}", u128::from_ne_bytes(bytes)))
}

fn init_statements(password: &str) -> String {
    // A replica keeps the password that it has.
    let statements = ["localhost", "127.0.0.1"]
        .map(|host| format!("ALTER USER root@'{host}' IDENTIFIED BY '{password}';\n"));
    "SET sql_log_bin = 0;\n".to_owned() + &statements.concat()
}

const WATCHDOG: &str = include_str!("watchdog.sh");

/// While it is there, a server that ends stays down.
const DOWN_FILE: &str = "down";

const INIT_FILE: &str = "init.sql";
const CERTIFICATE_FILE: &str = "certificate.pem";
const KEY_FILE: &str = "key.pem";
const CLIENT_CA_FILE: &str = "client-ca.pem";

/// What tests need, then what makes a server that is thrown away start and stop fast.
const SERVER_OPTIONS: [&str; 15] = [
    "--bind-address=127.0.0.1",
    "--skip-name-resolve",
    "--character-set-server=utf8mb4",
    "--max-allowed-packet=64M",
    "--local-infile=ON",
    "--plugin-load-add=auth_ed25519",
    "--skip-log-bin",
    "--performance-schema=OFF",
    "--key-buffer-size=1M",
    "--innodb-buffer-pool-size=32M",
    "--innodb-log-file-size=16M",
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-doublewrite=OFF",
    "--innodb-fast-shutdown=2",
    "--loose-innodb-use-native-aio=OFF",
];

/// A cold machine takes seconds; a server that needs a minute is not going to come.
const START_LIMIT: Duration = Duration::from_secs(60);

/// A server that is asked to end has clients to tell and pages to write.
const END_LIMIT: Duration = Duration::from_secs(60);

/// A free port is taken between our look and the server's once in a blue moon, not five times.
const PORT_ATTEMPTS: usize = 5;

/// What `mariadbd` logs when its port is taken.
const PORT_TAKEN: &str = "Bind on TCP/IP port";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn taken_port_leads_to_the_next_one() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        let server = Builder::default()
            .start_on([Ok(port), free_port()])
            .unwrap();
        assert_ne!(server.port(), port);
    }
}
