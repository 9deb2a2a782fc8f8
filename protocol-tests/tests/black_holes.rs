//! Servers that stop answering, each at another point: the timeouts fire, and nothing hangs.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use otaria::{Config, ConfigBuilder, Connection, Error, SslMode, TimeoutPhase};
use protocol_tests::black_hole::{BlackHole, FullBacklog, Until};
use tokio::task::JoinSet;

const TIMEOUT: Duration = Duration::from_secs(2);
/// A machine that is busy may be late, and must not be early.
const LATEST: Duration = Duration::from_secs(20);

const POINTS: [(Until, &str); 5] = [
    (Until::Accept, "Initial handshake packet"),
    (Until::MostOfTheGreeting, "Initial handshake packet"),
    (Until::Greeting, "TLS handshake"),
    (Until::ClientHello, "TLS handshake"),
    (Until::HalfOfTheServerHello, "TLS handshake"),
];

fn config(address: SocketAddr) -> ConfigBuilder {
    let config = Config::builder().host(address.ip().to_string());
    config.port(address.port()).user("u").password("p")
}

/// Waits for all at once.
async fn all(waits: impl IntoIterator<Item = impl Future<Output = ()> + Send + 'static>) {
    let waits: JoinSet<()> = waits.into_iter().collect();
    waits.join_all().await;
}

/// The phase of the timeout by which connecting fails, which takes as long as the timeout.
async fn timed_out(config: ConfigBuilder) -> TimeoutPhase {
    let start = Instant::now();
    let connect = Connection::connect(&config.build().unwrap()).await;
    let elapsed = start.elapsed();
    assert!((TIMEOUT..LATEST).contains(&elapsed), "{elapsed:?}");
    match connect {
        Err(Error::Timeout { phase, .. }) => phase,
        other => panic!("no timeout: {other:?}"),
    }
}

#[tokio::test]
async fn the_connect_timeout_fires_wherever_the_server_stops_answering() {
    let waits = POINTS.map(|(until, _)| async move {
        let hole = BlackHole::start(until).unwrap();
        for mode in [SslMode::Prefer, SslMode::VerifyFull] {
            let config = config(hole.address()).ssl_mode(mode);
            let phase = timed_out(config.connect_timeout(TIMEOUT)).await;
            assert_eq!(phase, TimeoutPhase::Connect, "{until:?}");
        }
        assert_eq!(hole.clients(), 2, "{until:?}");
    });
    all(waits).await;
}

#[tokio::test]
async fn the_connect_timeout_fires_while_a_server_does_not_accept() {
    let hole = FullBacklog::start().unwrap();
    let config = config(hole.address()).connect_timeout(TIMEOUT);
    assert_eq!(timed_out(config).await, TimeoutPhase::Connect);
}

#[tokio::test]
async fn the_io_timeout_fires_wherever_the_server_stops_answering_and_names_what_was_due() {
    let waits = POINTS.map(|(until, due)| async move {
        let hole = BlackHole::start(until).unwrap();
        let config = config(hole.address()).connect_timeout(None);
        let phase = timed_out(config.io_timeout(TIMEOUT)).await;
        assert_eq!(phase, TimeoutPhase::Read(due), "{until:?}");
    });
    all(waits).await;
}

#[tokio::test]
async fn without_tls_the_io_timeout_fires_behind_the_handshake_response() {
    let hole = BlackHole::start(Until::Greeting).unwrap();
    let config = config(hole.address()).ssl_mode(SslMode::Disable);
    let config = config.connect_timeout(None).io_timeout(TIMEOUT);
    let due = TimeoutPhase::Read("response to the login");
    assert_eq!(timed_out(config).await, due);
}

#[tokio::test]
async fn hosts_that_do_not_answer_share_the_connect_timeout_and_all_are_named() {
    let holes = [Until::Accept, Until::Greeting].map(|until| BlackHole::start(until).unwrap());
    let full = FullBacklog::start().unwrap();
    let [first, second] = holes.each_ref().map(BlackHole::address);
    let config = config(first)
        .add_host(second.ip().to_string(), second.port())
        .add_host(full.address().ip().to_string(), full.address().port())
        .connect_timeout(TIMEOUT);
    let start = Instant::now();
    let error = Connection::connect(&config.build().unwrap())
        .await
        .unwrap_err();
    let elapsed = start.elapsed();
    assert!((TIMEOUT..LATEST).contains(&elapsed), "{elapsed:?}");
    let text = format!("{error:?}");
    for address in [first, second, full.address()] {
        assert!(text.contains(&address.port().to_string()), "{text}");
    }
}
