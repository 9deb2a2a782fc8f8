//! What a test may not leave behind: statements that run on, connections, descriptors.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io};

use otaria::{Config, Connection, Error};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// Looks at a server by a connection of its own.
#[derive(Debug)]
pub struct Watch {
    connection: Connection,
}

/// A line of the server's process list.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Process {
    /// The thread id of the connection.
    pub id: u64,
    /// Whose connection it is; nobody's while it logs in to MySQL.
    pub user: String,
    /// Where it comes from.
    pub host: String,
    /// What it does: `Query`, `Execute`, `Sleep`.
    pub command: String,
    /// For how long.
    pub time: Duration,
    /// The statement that runs, its first 100 characters.
    pub info: Option<String>,
}

impl Process {
    /// Whether a statement whose text contains `part` runs here.
    pub fn runs(&self, part: &str) -> bool {
        self.info.as_ref().is_some_and(|info| info.contains(part))
    }
}

/// How long it took until something was gone.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Gone {
    /// From the first look to the one that found nothing.
    pub after: Duration,
    /// For how long the oldest of the statements that were seen had run.
    pub longest: Duration,
    /// How often the server was looked at.
    pub looks: u32,
}

impl Watch {
    /// Connects to the server of `config`.
    ///
    /// # Errors
    /// Those of [`Connection::connect`].
    pub async fn connect(config: &Config) -> Result<Self, Error> {
        Ok(Self {
            connection: Connection::connect(config).await?,
        })
    }

    /// What the clients of the server do, less this one.
    ///
    /// # Errors
    /// Those of a query.
    pub async fn processes(&mut self) -> Result<Vec<Process>, Error> {
        let sql = if self.is_mysql() {
            PROCESSES_OF_MYSQL
        } else {
            PROCESSES
        };
        let rows = self.connection.simple_query(sql).await?;
        // MySQL says that a user is never NULL, and it is while a connection logs in.
        let processes =
            rows.collect::<(u64, Option<String>, String, String, f64, Option<String>)>();
        let processes = processes.await?.into_iter();
        Ok(processes
            .map(|(id, user, host, command, time_ms, info)| Process {
                id,
                user: user.unwrap_or_default(),
                host,
                command,
                // It is below zero for a moment when a command begins.
                time: Duration::from_secs_f64(time_ms.max(0.0) / 1000.0),
                info,
            })
            .collect())
    }

    /// A counter of the server (`SHOW GLOBAL STATUS`).
    ///
    /// # Errors
    /// Those of a query, and of a name that the server does not know.
    pub async fn status(&mut self, name: &str) -> Result<u64, Error> {
        let schema = if self.is_mysql() {
            "performance_schema"
        } else {
            "information_schema"
        };
        let sql = format!(
            "SELECT CAST(VARIABLE_VALUE AS UNSIGNED) FROM {schema}.global_status \
             WHERE VARIABLE_NAME = ?"
        );
        let rows = self.connection.query(&sql, (name,)).await?;
        let values: Vec<(u64,)> = rows.collect().await?;
        Ok(values.first().expect("a status variable").0)
    }

    /// The number that a query of the test's own returns.
    ///
    /// # Errors
    /// Those of a query.
    ///
    /// # Panics
    /// If it returns no row.
    pub async fn number(&mut self, sql: &str) -> Result<i64, Error> {
        let rows = self.connection.simple_query(sql).await?;
        let numbers: Vec<(i64,)> = rows.collect().await?;
        Ok(numbers.first().expect("a row").0)
    }

    /// How many rows of `table` have which `id`.
    ///
    /// # Errors
    /// Those of a query.
    pub async fn counts(&mut self, table: &str) -> Result<BTreeMap<u64, u64>, Error> {
        let sql = format!("SELECT id, COUNT(*) FROM {table} GROUP BY id");
        let rows = self.connection.simple_query(&sql).await?;
        Ok(rows.collect::<(u64, u64)>().await?.into_iter().collect())
    }

    /// Runs a statement of the test's own.
    ///
    /// # Errors
    /// Those of [`Connection::simple_execute`].
    pub async fn execute(&mut self, sql: &str) -> Result<(), Error> {
        self.connection.simple_execute(sql).await.map(drop)
    }

    fn is_mysql(&self) -> bool {
        let version = self.connection.server_version();
        version.is_some_and(|version| !version.is_mariadb)
    }

    /// Looks until no line of the process list is one of `these`. Prints how long that took.
    ///
    /// # Errors
    /// Those of a query.
    ///
    /// # Panics
    /// If one is still there when `limit` is over.
    pub async fn wait_until_gone(
        &mut self,
        what: &str,
        limit: Duration,
        these: impl Fn(&Process) -> bool,
    ) -> Result<Gone, Error> {
        let start = Instant::now();
        let mut gone = Gone::default();
        loop {
            let mut processes = self.processes().await?;
            processes.retain(&these);
            gone.looks += 1;
            gone.after = start.elapsed();
            let longest = processes.iter().map(|process| process.time).max();
            gone.longest = gone.longest.max(longest.unwrap_or_default());
            if processes.is_empty() {
                println!(
                    "{what}: gone after {:?} and {} looks, the oldest had run for {:?}",
                    gone.after, gone.looks, gone.longest
                );
                return Ok(gone);
            }
            assert!(
                gone.after < limit,
                "{what}: {} still there after {:?}, such as {:?}",
                processes.len(),
                gone.after,
                processes[0]
            );
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
    }
}

/// Looks at a server all the time.
#[derive(Debug)]
pub struct Sampler {
    task: JoinHandle<Result<(Watch, Looks), Error>>,
    stop: oneshot::Sender<()>,
}

/// What was seen in many looks.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Looks {
    /// How many they were.
    pub number: usize,
    /// The greatest number of connections at once, less that of the watch: of those that were there
    /// in the look before as well, for a server goes on showing one for a moment that has ended.
    pub connections: usize,
    /// The greatest number of TCP sockets that this process had open at once.
    pub sockets: usize,
    /// For how long the oldest statement had run.
    pub longest: Duration,
}

impl Sampler {
    /// Looks until it is [stopped](Self::stop).
    pub fn start(mut watch: Watch) -> Self {
        let (stop, mut stopped) = oneshot::channel();
        let task = tokio::spawn(async move {
            let mut looks = Looks::default();
            let mut before = BTreeSet::new();
            while stopped.try_recv().is_err() {
                let processes = watch.processes().await?;
                looks.number += 1;
                let ids: BTreeSet<_> = processes.iter().map(|process| process.id).collect();
                looks.connections = looks.connections.max(ids.intersection(&before).count());
                before = ids;
                looks.sockets = looks.sockets.max(open_sockets().unwrap_or_default());
                let running = processes.iter().filter(|process| process.info.is_some());
                let longest = running.map(|process| process.time).max();
                looks.longest = looks.longest.max(longest.unwrap_or_default());
                tokio::time::sleep(LOOK_INTERVAL / 2).await;
            }
            Ok((watch, looks))
        });
        Self { task, stop }
    }

    /// Gives the watch back, and what was seen.
    ///
    /// # Errors
    /// Those of a query.
    ///
    /// # Panics
    /// If the runtime is going away.
    pub async fn stop(self) -> Result<(Watch, Looks), Error> {
        // It has stopped by itself behind an error.
        let _ = self.stop.send(());
        self.task.await.expect("the sampler does not panic")
    }
}

/// The descriptors of this process that are open, and what they are: files by their paths, sockets
/// by their numbers.
///
/// # Errors
/// If this system has no `/proc/self/fd`.
pub fn descriptors() -> io::Result<BTreeMap<u32, PathBuf>> {
    let mut descriptors = BTreeMap::new();
    for entry in fs::read_dir("/proc/self/fd")? {
        let entry = entry?;
        // The one that lists them is gone by now, and so is its link.
        if let Ok(target) = fs::read_link(entry.path())
            && let Ok(number) = entry.file_name().to_string_lossy().parse()
            && !target.starts_with("/proc")
        {
            descriptors.insert(number, target);
        }
    }
    Ok(descriptors)
}

/// How many TCP sockets of this process are open. Runtimes have sockets of other kinds.
///
/// # Errors
/// If this system has no `/proc/self`.
pub fn open_sockets() -> io::Result<usize> {
    let descriptors = descriptors()?;
    let sockets: BTreeSet<_> = descriptors
        .values()
        .filter_map(|path| inode(path))
        .collect();
    // One that was read while it was changed can show a socket twice.
    let mut open = BTreeSet::new();
    for table in ["/proc/self/net/tcp", "/proc/self/net/tcp6"] {
        // A system may have no IPv6.
        let table = fs::read_to_string(table).unwrap_or_default();
        let inodes = table
            .lines()
            .filter_map(|line| line.split_whitespace().nth(9));
        open.extend(
            inodes
                .filter(|inode| sockets.contains(inode))
                .map(str::to_owned),
        );
    }
    Ok(open.len())
}

/// The number of a socket, of which `path` is `socket:[number]`.
fn inode(path: &Path) -> Option<&str> {
    path.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')
}

const PROCESSES: &str = "SELECT ID, USER, HOST, COMMAND, TIME_MS, LEFT(INFO, 100) \
    FROM information_schema.PROCESSLIST \
    WHERE ID != CONNECTION_ID() AND USER NOT IN ('system user', 'event_scheduler')";

/// Its own list counts seconds. The times of statements are those of what a client sent, whatever runs
/// beneath that.
const PROCESSES_OF_MYSQL: &str = "SELECT ID, USER, HOST, COMMAND, \
    CAST(IF(INFO IS NULL, COALESCE(TIME, 0) * 1000, COALESCE(TIMER_WAIT / 1000000000, 0)) AS DOUBLE), \
    LEFT(INFO, 100) FROM performance_schema.processlist \
    JOIN performance_schema.threads ON PROCESSLIST_ID = ID \
    LEFT JOIN performance_schema.events_statements_current AS sent \
    ON sent.THREAD_ID = threads.THREAD_ID AND COALESCE(sent.NESTING_EVENT_TYPE, '') <> 'STATEMENT' \
    WHERE ID != CONNECTION_ID() AND COMMAND != 'Daemon'";

/// How often a server is looked at.
pub const LOOK_INTERVAL: Duration = Duration::from_millis(20);
