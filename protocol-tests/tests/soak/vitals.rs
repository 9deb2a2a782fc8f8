//! What a process and its server hold at rest.

use std::fs;
use std::time::Duration;

use otaria::Error;
use protocol_tests::traces::{Watch, descriptors, open_sockets};
use tokio::runtime::Handle;

/// What is held at one moment.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Vitals {
    pub(crate) at: Duration,
    /// Those of the server, that of the watch included.
    pub(crate) connections: u64,
    /// Prepared statements of the server, that of the watch included.
    pub(crate) statements: u64,
    pub(crate) sockets: usize,
    pub(crate) descriptors: usize,
    pub(crate) tasks: usize,
    pub(crate) memory_kib: u64,
}

impl Vitals {
    pub(crate) async fn of(watch: &mut Watch, at: Duration) -> Result<Self, Error> {
        Ok(Self {
            at,
            connections: watch.status("Threads_connected").await?,
            statements: watch.status("Prepared_stmt_count").await?,
            sockets: open_sockets().unwrap(),
            descriptors: descriptors().unwrap().len(),
            tasks: Handle::current().metrics().num_alive_tasks(),
            memory_kib: memory_kib(),
        })
    }
}

/// What this process has in memory.
fn memory_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("a system with /proc");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    number
        .and_then(|number| number.parse().ok())
        .expect("a number of KiB")
}

/// What was held at each rest.
#[derive(Debug, Default)]
pub(crate) struct Series {
    pub(crate) all: Vec<Vitals>,
}

impl Series {
    pub(crate) fn print(&self) {
        let memory: Vec<_> = self.all.iter().map(|vitals| vitals.memory_kib).collect();
        println!("memory at each rest in KiB: {memory:?}");
    }

    /// Checks that memory has stopped to grow. The allocator keeps what was freed, and the longer the
    /// load the greater is the greatest that was held at once: what counts is whether the end of the
    /// run is higher than its middle.
    ///
    /// # Panics
    /// If it has not.
    pub(crate) fn expect_flat(&self) {
        let rounds = self.all.len();
        if rounds < 6 {
            println!("memory: not judged, {rounds} rounds are too few");
            return;
        }
        let least = |vitals: &[Vitals]| vitals.iter().map(|vitals| vitals.memory_kib).min();
        let third = rounds / 3;
        let middle = least(&self.all[third..2 * third]).unwrap();
        let end = least(&self.all[2 * third..]).unwrap();
        println!("memory: {middle} KiB at least in the middle third, {end} KiB in the last");
        assert!(end <= middle + middle / 20 + 1024, "memory grows");
    }
}
