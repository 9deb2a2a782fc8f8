//! Two servers behind one address, which count their connections alike: the number of ours is that
//! of somebody else's on the other server.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use otaria::{Config, Connection, Error, Pool, Stopped};
use protocol_tests::chaos::seed;
use protocol_tests::live::LiveServer;
use protocol_tests::outcome::start_server;
use protocol_tests::tcp_proxy::TcpProxy;
use protocol_tests::traces::Watch;
use tokio::sync::OnceCell;
use tokio::task::{JoinHandle, JoinSet, spawn_blocking};
use tokio::time::{sleep, timeout};

use super::{alone, config, dose};

/// Two servers with the same accounts.
struct Servers {
    servers: &'static [LiveServer; 2],
    direct: [Config; 2],
}

impl Servers {
    async fn start() -> Self {
        static SERVERS: OnceCell<[LiveServer; 2]> = OnceCell::const_new();
        let started = SERVERS.get_or_init(|| async {
            let [one, two] = [(); 2].map(|()| spawn_blocking(start_server));
            let servers = [one.await.unwrap(), two.await.unwrap()];
            for server in &servers {
                // From wherever a proxy comes.
                for user in [USER, OTHER_USER] {
                    let sql = format!(
                        "CREATE USER {user}@'127.%' IDENTIFIED BY 'p';
                         GRANT ALL ON *.* TO {user}@'127.%'"
                    );
                    server.sql(&sql).unwrap();
                }
            }
            servers
        });
        let servers = started.await;
        let direct = servers
            .each_ref()
            .map(|server| Self::config(server, server.port()));
        Self { servers, direct }
    }

    fn config(server: &LiveServer, port: u16) -> Config {
        let config = config(server, port).user(USER).password("p");
        config.stop_timeout(Duration::from_secs(5)).build().unwrap()
    }

    /// The configuration that leads to one of them by way of `proxy`.
    fn through(&self, proxy: &TcpProxy) -> Config {
        Self::config(&self.servers[0], proxy.port())
    }

    /// Has both give the same number to their next connection.
    async fn align(&self) {
        loop {
            let mut numbers = [0; 2];
            for (config, number) in self.direct.iter().zip(&mut numbers) {
                *number = Connection::connect(config).await.unwrap().thread_id();
            }
            let behind = match numbers[0].cmp(&numbers[1]) {
                std::cmp::Ordering::Equal => return,
                std::cmp::Ordering::Less => 0,
                std::cmp::Ordering::Greater => 1,
            };
            for _ in 1..numbers[0].abs_diff(numbers[1]) {
                drop(Connection::connect(&self.direct[behind]).await.unwrap());
            }
            // One more than the loop begins with.
            drop(Connection::connect(&self.direct[behind]).await.unwrap());
        }
    }
}

/// Somebody else's statement. It says whether it was left alone.
fn victim(mut connection: Connection, sql: &'static str) -> JoinHandle<Result<(), Error>> {
    tokio::spawn(async move {
        let rows = connection.simple_query(sql).await?;
        let rows: Vec<(u8,)> = rows.collect().await?;
        assert_eq!(rows, [(0,)], "SLEEP says 1 if it is killed");
        Ok(())
    })
}

/// Leaves a statement running, and waits until the server has it.
async fn leave_running(connection: &mut Connection, config: &Config) {
    let id = u64::from(connection.thread_id());
    let query = connection.simple_query(SLEEP);
    assert!(timeout(Duration::from_millis(50), query).await.is_err());
    wait_until_it_runs(config, id).await;
}

async fn wait_until_it_runs(config: &Config, id: u64) {
    let mut watch = Watch::connect(config).await.unwrap();
    for _ in 0..500 {
        let processes = watch.processes().await.unwrap();
        if processes
            .iter()
            .any(|process| process.id == id && process.runs("SLEEP"))
        {
            return;
        }
        sleep(Duration::from_millis(10)).await;
    }
    panic!("the statement of {id} does not run");
}

/// What the victim has in common with us, besides the number of its connection and its user.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Alike {
    Nothing,
    Statement,
    StatementAndPort,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_never_hits_another_session_behind_a_proxy_the_thread_id_belongs_to_another_server() {
    let _alone = alone().await;
    let servers = Servers::start().await;
    let balancer = TcpProxy::balancing(servers.servers).start().await.unwrap();
    let gate = TcpProxy::to(&servers.servers[1]).start().await.unwrap();
    for alike in [Alike::Nothing, Alike::Statement, Alike::StatementAndPort] {
        servers.align().await;
        balancer.hand_next_to(0);
        let ours = Connection::connect(&servers.through(&balancer)).await;
        let mut ours = ours.unwrap();
        let our_port = balancer.passed().last().unwrap().client.port();
        if alike == Alike::StatementAndPort {
            gate.bind_next_to(([127, 0, 0, 3], our_port).into());
        }
        let theirs = Connection::connect(&servers.through(&gate)).await.unwrap();
        assert_eq!(ours.thread_id(), theirs.thread_id());
        if alike == Alike::StatementAndPort {
            let seen = gate.passed().last().unwrap().seen_by_server;
            assert_eq!(seen.unwrap().port(), our_port);
        }
        let id = u64::from(theirs.thread_id());
        let sql = match alike {
            Alike::Nothing => OTHER_SLEEP,
            _ => SLEEP,
        };
        let victim = victim(theirs, sql);
        wait_until_it_runs(&servers.direct[1], id).await;
        leave_running(&mut ours, &servers.direct[0]).await;

        // Who looks for our statement comes to the other server.
        balancer.hand_next_to(1);
        let stopped = ours.stop().await.unwrap();
        assert_eq!(balancer.passed().last().unwrap().server, 1);
        assert_eq!(stopped, Stopped::NotFound, "{alike:?}");
        assert!(ours.close_reason().is_some(), "{alike:?}");
        victim.await.unwrap().unwrap();
    }
}

/// The only thing by which the victim is told from us; all else is alike.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Differs {
    Port,
    User,
    Statement,
}

impl Differs {
    fn config(self, ours: &Config) -> Config {
        match self {
            Self::User => ours.to_builder().user(OTHER_USER).build().unwrap(),
            Self::Port | Self::Statement => ours.clone(),
        }
    }

    fn sql(self) -> &'static str {
        match self {
            Self::Statement => OTHER_SLEEP,
            Self::Port | Self::User => SLEEP,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_only_where_the_process_list_shows_our_port_user_and_statement_under_that_id() {
    let _alone = alone().await;
    let servers = Servers::start().await;
    // A proxy that cannot be seen: what it hands to the right server is found and killed.
    let balancer = TcpProxy::balancing(servers.servers).keep_ports();
    let balancer = balancer.start().await.unwrap();
    let gate = TcpProxy::to(&servers.servers[1]).start().await.unwrap();
    for differs in [Differs::Port, Differs::User, Differs::Statement] {
        for server in [1, 0] {
            servers.align().await;
            balancer.hand_next_to(0);
            let ours = Connection::connect(&servers.through(&balancer)).await;
            let mut ours = ours.unwrap();
            if differs != Differs::Port {
                let our_port = balancer.passed().last().unwrap().client.port();
                gate.bind_next_to(([127, 0, 0, 3], our_port).into());
            }
            let theirs = differs.config(&servers.through(&gate));
            let theirs = Connection::connect(&theirs).await.unwrap();
            assert_eq!(ours.thread_id(), theirs.thread_id());
            let id = u64::from(theirs.thread_id());
            let victim = victim(theirs, differs.sql());
            wait_until_it_runs(&servers.direct[1], id).await;
            leave_running(&mut ours, &servers.direct[0]).await;
            balancer.hand_next_to(server);
            let stopped = ours.stop().await.unwrap();
            if server == 0 {
                assert_eq!(stopped, Stopped::Killed);
                let (answer,): (u8,) = ours.query_one("SELECT ?", (7_u8,)).await.unwrap();
                assert_eq!(answer, 7);
            } else {
                assert_eq!(stopped, Stopped::NotFound, "{differs:?}");
            }
            victim.await.unwrap().unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_never_cancels_another_session_behind_a_proxy() {
    let _alone = alone().await;
    let servers = Servers::start().await;
    let balancer = TcpProxy::balancing(servers.servers).start().await.unwrap();
    servers.align().await;
    balancer.hand_next_to(0);
    let ours = Connection::connect(&servers.through(&balancer)).await;
    let mut ours = ours.unwrap();
    let theirs = Connection::connect(&servers.direct[1]).await.unwrap();
    let id = u64::from(theirs.thread_id());
    assert_eq!(u64::from(ours.thread_id()), id);
    let token = ours.cancel_token();
    let [victim, ours] = [theirs, ours].map(|connection| victim(connection, SLEEP));
    for direct in &servers.direct {
        wait_until_it_runs(direct, id).await;
    }
    balancer.hand_next_to(1);
    assert_eq!(token.cancel().await.unwrap(), Stopped::NotFound);
    victim.await.unwrap().unwrap();
    ours.await.unwrap().expect("it could not be found either");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_foreign_statement_is_killed_while_a_pool_behind_a_balancer_gives_up_its_own() {
    let _alone = alone().await;
    let mut random = fastrand::Rng::with_seed(seed());
    let servers = Servers::start().await;
    servers.align().await;
    for keeps_ports in [false, true] {
        let balancer = TcpProxy::balancing(servers.servers);
        let balancer = if keeps_ports {
            balancer.keep_ports()
        } else {
            balancer
        };
        let balancer = balancer.start().await.unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let unharmed = Arc::new(AtomicUsize::new(0));
        let mut victims = JoinSet::new();
        for number in 0..40 {
            let config = servers.direct[number % 2].clone();
            let (stop, unharmed) = (Arc::clone(&stop), Arc::clone(&unharmed));
            victims.spawn(async move {
                while !stop.load(Ordering::SeqCst) {
                    let connection = Connection::connect(&config).await.unwrap();
                    victim(connection, SLEEP).await.unwrap().unwrap();
                    unharmed.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
        let pool = Pool::builder(servers.through(&balancer))
            .max_size(8)
            .build();
        let mut watches = Vec::new();
        for direct in &servers.direct {
            watches.push(Watch::connect(direct).await.unwrap());
        }
        let mut equal = 0;
        let kills = kills(&mut watches).await;
        for _ in 0..dose(30, 1_000) {
            let mut connection = pool.get().await.unwrap();
            let after = Duration::from_millis(random.u64(1..40));
            let _ = timeout(after, connection.simple_query(SLEEP)).await;
            drop(connection);
            if random.u8(0..4) == 0 {
                let [one, two] = watches.as_mut_slice() else {
                    unreachable!("two servers");
                };
                let (one, two) = (
                    one.processes().await.unwrap(),
                    two.processes().await.unwrap(),
                );
                equal += one
                    .iter()
                    .filter(|one| two.iter().any(|two| one.id == two.id))
                    .count();
            }
        }
        stop.store(true, Ordering::SeqCst);
        while let Some(victim) = victims.join_next().await {
            victim.unwrap();
        }
        let unharmed = unharmed.load(Ordering::SeqCst);
        let kills = self::kills(&mut watches).await - kills;
        println!(
            "{unharmed} statements unharmed, equal numbers seen {equal} times, {kills} kills of ours"
        );
        assert!(unharmed >= 40 && equal > 0);
        // What the proxy hides is not killed; what it does not hide is, on the right server.
        assert_eq!(kills > 0, keeps_ports);
        pool.close().await;
    }
}

async fn kills(watches: &mut [Watch]) -> u64 {
    let mut kills = 0;
    for watch in watches {
        kills += watch.status("Com_kill").await.unwrap();
    }
    kills
}

const USER: &str = "somebody";
const OTHER_USER: &str = "somebody_else";

const SLEEP: &str = "SELECT SLEEP(0.5)";
const OTHER_SLEEP: &str = "SELECT SLEEP(0.5) FROM DUAL";
