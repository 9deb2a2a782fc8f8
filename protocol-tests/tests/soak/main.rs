//! A soak: mixed load on pools, through a network that cuts, delays and falls silent, while sessions
//! are killed and the server is restarted. Rounds of load, each followed by a rest in which everything
//! has to be back where it was. A few seconds of it by default; `OTARIA_SOAK` is its length in
//! seconds, which `ci/soak` sets.

mod calls;
mod faults;
mod lanes;
mod ledger;
mod rest;
mod vitals;

use std::env;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use fastrand::Rng;
use otaria::{Config, ConfigBuilder, SslMode};
use protocol_tests::chaos::seed;
use protocol_tests::live::{Ending, LiveServer};
use protocol_tests::outcome::start_server;
use protocol_tests::traces::Watch;
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::{Instant, sleep, sleep_until};

use faults::{Faults, restart};
use lanes::Lane;
use ledger::Ledger;
use vitals::Series;

/// What one soak consists of.
struct Soak {
    server: Arc<LiveServer>,
    lanes: Vec<Lane>,
    ledger: Arc<Ledger>,
    faults: Arc<Faults>,
    random: Rng,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mixed_load_with_faults_has_no_wrong_row_and_leaks_no_statement_connection_or_memory() {
    let length = length();
    // The last of two rounds at least can be compared with the first.
    let rounds = u32::try_from(length.as_secs() / 60).unwrap().max(2);
    let start = Instant::now();
    let mut soak = Soak::start(seed()).await;
    let mut series = Series::default();
    for round in 0..rounds {
        let end = start + length * (round + 1) / rounds;
        soak.load(round, end.max(Instant::now() + LEAST_LOAD)).await;
        soak.rest(start.elapsed(), &mut series).await;
    }
    soak.print_table();
    series.print();
    soak.ledger
        .expect_some_of_each(length >= Duration::from_secs(60));
    series.expect_flat();
}

/// How long the load is to last.
fn length() -> Duration {
    let seconds = match env::var("OTARIA_SOAK") {
        Ok(seconds) if !seconds.is_empty() => seconds.parse().expect("OTARIA_SOAK in seconds"),
        _ => 10,
    };
    Duration::from_secs(seconds)
}

impl Soak {
    async fn start(seed: u64) -> Self {
        let server = Arc::new(spawn_blocking(start_server).await.unwrap());
        for sql in SET_UP {
            server.sql(sql).unwrap();
        }
        println!("MariaDB {}, seed {seed}", server.version());
        let lanes = lanes::start(&server, seed).await;
        Self {
            server,
            lanes,
            ledger: Arc::default(),
            faults: Arc::default(),
            random: Rng::with_seed(seed),
        }
    }

    /// Has all lanes make calls until then. In every second round the server is restarted.
    async fn load(&mut self, round: u32, end: Instant) {
        let stop = Arc::new(AtomicBool::new(false));
        let mut tasks = JoinSet::new();
        for lane in &self.lanes {
            for _ in 0..CALLERS {
                let (lane, stop) = (lane.clone(), Arc::clone(&stop));
                let (ledger, mut random) = (Arc::clone(&self.ledger), self.random.fork());
                tasks.spawn(async move {
                    while !stop.load(Ordering::SeqCst) {
                        let failed = ledger.call(&lane, &mut random).await;
                        if failed {
                            // Who retries without a pause keeps a server from starting.
                            sleep(Duration::from_millis(random.u64(0..50))).await;
                        }
                    }
                });
            }
        }
        let killer = self.faults.kill(self.direct(), self.random.fork());
        let killer = tokio::spawn(killer);
        if round % 2 == 1 {
            sleep((end - Instant::now()) / 2).await;
            let how = [Ending::Kill, Ending::Shutdown][round as usize / 2 % 2];
            let down = Duration::from_millis(self.random.u64(0..1_000));
            restart(&self.server, how, down).await;
            self.faults.restarted();
        }
        sleep_until(end).await;
        stop.store(true, Ordering::SeqCst);
        while let Some(task) = tasks.join_next().await {
            task.expect("no call has found anything wrong");
        }
        killer.abort();
        assert!(killer.await.is_err_and(|error| error.is_cancelled()));
    }

    /// How to connect without a network in between.
    fn direct(&self) -> Config {
        config(&self.server, self.server.port()).build().unwrap()
    }

    async fn watch(&self) -> Watch {
        let watch = Watch::connect(&self.direct()).await;
        watch.expect("nobody is between us and the server")
    }

    fn print_table(&self) {
        let (came, cut) = self.network();
        println!("{}", self.ledger.table());
        println!(
            "{came} connections, {cut} of them ended by the network; {}",
            self.faults
        );
        for lane in &self.lanes {
            println!("{:>16}: {:?}", lane.name, lane.pool.status());
        }
    }

    /// How many connections have come to the proxies, and how many those have ended.
    fn network(&self) -> (usize, usize) {
        let proxies = self.lanes.iter().map(|lane| &lane.proxy);
        proxies.fold((0, 0), |(came, ended), proxy| {
            (came + proxy.came(), ended + proxy.ended())
        })
    }
}

/// How to connect to `server` in clear.
fn config(server: &LiveServer, port: u16) -> ConfigBuilder {
    Config::builder()
        .host("127.0.0.1")
        .port(port)
        .user(server.user())
        .password(server.password())
        .ssl_mode(SslMode::Disable)
        .connect_timeout(Duration::from_secs(5))
}

const SET_UP: [&str; 6] = [
    "CREATE SCHEMA soak CHARACTER SET utf8mb4",
    // What calls write: rows with the number of the call.
    "CREATE TABLE soak.written (id BIGINT NOT NULL, part INT NOT NULL, note LONGBLOB, KEY (id))
     ENGINE = InnoDB",
    // What they read.
    "CREATE TABLE soak.point (id BIGINT PRIMARY KEY, name VARCHAR(40) NOT NULL) ENGINE = InnoDB;
     INSERT INTO soak.point SELECT seq, CONCAT('name ', seq) FROM soak.seq_1_to_1000",
    // What they quarrel about.
    "CREATE TABLE soak.account (id INT PRIMARY KEY, n BIGINT NOT NULL) ENGINE = InnoDB;
     INSERT INTO soak.account SELECT seq, 0 FROM soak.seq_1_to_8",
    "DELIMITER //
     CREATE PROCEDURE soak.two_results(n BIGINT)
     BEGIN SELECT n, seq FROM soak.seq_1_to_3; SELECT n + 1, 'two'; END//",
    // From wherever a proxy comes.
    "CREATE USER soak@'127.%' IDENTIFIED BY 'p'; GRANT ALL ON *.* TO soak@'127.%'",
];

/// How many tasks make calls on each lane: more than it has connections.
const CALLERS: usize = 6;

/// A round has some load, however long the rest before it has taken.
const LEAST_LOAD: Duration = Duration::from_secs(2);
