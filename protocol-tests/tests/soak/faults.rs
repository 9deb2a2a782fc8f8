//! What is done to the server and its sessions, beside what the network does.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use fastrand::Rng;
use otaria::{Config, Error};
use protocol_tests::live::{Ending, LiveServer};
use protocol_tests::traces::Watch;
use tokio::task::spawn_blocking;
use tokio::time::sleep;

/// How often what was done.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    connections_killed: AtomicUsize,
    queries_killed: AtomicUsize,
    restarts: AtomicUsize,
}

impl Faults {
    pub(crate) fn restarted(&self) {
        self.restarts.fetch_add(1, Ordering::SeqCst);
    }

    /// Kills connections and statements, whosever they are, until it is dropped.
    pub(crate) fn kill(
        self: &Arc<Self>,
        direct: Config,
        mut random: Rng,
    ) -> impl Future<Output = ()> + Send + use<> {
        let faults = Arc::clone(self);
        async move {
            loop {
                // The server may be down, for a while.
                if let Ok(mut watch) = Watch::connect(&direct).await {
                    let _ = faults.kill_by(&mut watch, &mut random).await;
                }
                sleep(Duration::from_millis(100)).await;
            }
        }
    }

    async fn kill_by(&self, watch: &mut Watch, random: &mut Rng) -> Result<(), Error> {
        loop {
            sleep(Duration::from_millis(random.u64(0..600))).await;
            let processes = watch.processes().await?;
            if processes.is_empty() {
                continue;
            }
            let id = processes[random.usize(0..processes.len())].id;
            let (counter, what) = match random.u8(0..3) {
                0 => (&self.connections_killed, "CONNECTION"),
                _ => (&self.queries_killed, "QUERY"),
            };
            match watch.execute(&format!("KILL {what} {id}")).await {
                Ok(()) => counter.fetch_add(1, Ordering::SeqCst),
                // It has gone by itself.
                Err(Error::Server(error)) if error.code() == 1094 => continue,
                Err(error) => return Err(error),
            };
        }
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counters = [
            &self.connections_killed,
            &self.queries_killed,
            &self.restarts,
        ];
        let [connections, queries, restarts] =
            counters.map(|counter| counter.load(Ordering::SeqCst));
        write!(
            f,
            "{connections} connections and {queries} statements killed, {restarts} restarts"
        )
    }
}

/// Ends the server and starts it again.
pub(crate) async fn restart(server: &Arc<LiveServer>, how: Ending, down: Duration) {
    let ended = Arc::clone(server);
    let ended = spawn_blocking(move || ended.end(how)).await;
    ended.unwrap().unwrap();
    sleep(down).await;
    let started = Arc::clone(server);
    let started = spawn_blocking(move || started.start_again()).await;
    started.unwrap().unwrap();
}
