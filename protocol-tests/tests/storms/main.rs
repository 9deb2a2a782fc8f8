//! Storms over real servers: many tasks at once that are cancelled, cut off, or have the server
//! restarted under them. A few seconds of each by default; `OTARIA_STORM=full`, which `ci/storm`
//! sets, is the full dose.

mod balancer;
mod cancel;
mod ledger;
mod network;
mod repeatable;
mod restart;
mod waiters;

use std::env;
use std::sync::OnceLock;
use std::time::Duration;

use otaria::{Config, ConfigBuilder, Error, Pool, PooledConnection, SslMode};
use protocol_tests::live::LiveServer;
use protocol_tests::outcome::start_server;
use tokio::sync::{Mutex, MutexGuard};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

/// One storm at a time: they count the descriptors of this process and the connections of a server.
async fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::const_new(());
    ALONE.lock().await
}

/// How much of something there is to be: a little by default.
fn dose(little: usize, full: usize) -> usize {
    match env::var("OTARIA_STORM").as_deref() {
        Ok("full") => full,
        Ok(other) if !other.is_empty() => panic!("OTARIA_STORM is {other:?}, not \"full\""),
        _ => little,
    }
}

/// The server that those storms share that leave it alone.
fn server() -> &'static LiveServer {
    static SERVER: OnceLock<LiveServer> = OnceLock::new();
    SERVER.get_or_init(start_server)
}

/// How to connect to `server` in clear.
fn config(server: &LiveServer, port: u16) -> ConfigBuilder {
    Config::builder()
        .host("127.0.0.1")
        .port(port)
        .user(server.user())
        .password(server.password())
        .database("mysql")
        .ssl_mode(SslMode::Disable)
        .connect_timeout(Duration::from_secs(5))
}

/// Takes all connections of `pool` at once, and has each of them answer. Returns how long it took.
async fn take_all(pool: &Pool, connections: usize) -> Duration {
    let start = Instant::now();
    let mut taken: Vec<PooledConnection> = Vec::new();
    while taken.len() < connections {
        let mut connection = pool.get().await.expect("a connection");
        let number = taken.len() as u64;
        let (answer,): (u64,) = connection.query_one("SELECT ?", (number,)).await.unwrap();
        assert_eq!(answer, number);
        taken.push(connection);
    }
    let status = pool.status();
    assert_eq!(
        (status.size, status.idle, status.waiting),
        (connections, 0, 0),
        "{status:?}"
    );
    start.elapsed()
}

/// Has `pool` work again after faults: connections of which it could not know that they are
/// gone may still fail once each.
async fn recovers(pool: &Pool, connections: usize) -> Duration {
    let start = Instant::now();
    let mut in_a_row = 0;
    while in_a_row < 10 * connections {
        assert!(start.elapsed() < RECOVERY_LIMIT, "{:?}", pool.status());
        let all = (0..connections).map(|number| {
            let pool = pool.clone();
            tokio::spawn(async move {
                let mut connection = pool.get().await?;
                let (answer,): (usize,) = connection.query_one("SELECT ?", (number,)).await?;
                assert_eq!(answer, number);
                Ok::<_, Error>(())
            })
        });
        for answer in all.collect::<Vec<JoinHandle<_>>>() {
            match answer.await.unwrap() {
                Ok(()) => in_a_row += 1,
                Err(_) => in_a_row = 0,
            }
        }
    }
    start.elapsed()
}

/// Awaits what may take long, and not for ever.
async fn within<F: Future>(limit: Duration, what: &str, future: F) -> F::Output {
    let Ok(output) = timeout(limit, future).await else {
        panic!("{what} takes longer than {limit:?}");
    };
    output
}

/// How long a pool may take to get over what was done to it.
const RECOVERY_LIMIT: Duration = Duration::from_secs(20);
