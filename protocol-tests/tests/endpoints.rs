//! Which of several hosts is connected to, and what makes another one be tried.

use std::time::Duration;

use otaria::{
    Config, ConfigBuilder, Connection, EndpointError, Error, ErrorKind, HostOrder, HostStates,
    RetryPolicy, Role, SslMode,
};
use otaria_text::{ComPing, ComQuery};
use protocol_tests::fake_server::{FakePort, FakeServer};
use protocol_tests::polls::poll_times;
use protocol_tests::script::{Reply, Script};

const INIT: &str = "SET @a = 1";
const READ_ONLY: &str = "SELECT @@read_only";

async fn server(script: impl Fn() -> Script + Send + 'static) -> FakeServer {
    FakeServer::start(script).await
}

/// A server whose `@@read_only` is `value`.
async fn of_read_only(value: &'static str) -> FakeServer {
    server(move || {
        Script::new()
            .on(
                &ComQuery::new(READ_ONLY),
                Reply::rows(&["@@read_only"], [[value]]),
            )
            .on(&ComPing, Reply::ok())
    })
    .await
}

/// A server that has no room.
async fn full() -> FakeServer {
    server(|| Script::new().login(Reply::err(1040, *b"08004", "Too many connections"))).await
}

fn config(ports: &[u16]) -> ConfigBuilder {
    let config = Config::builder().ssl_mode(SslMode::Disable).user("u");
    let add = |config: ConfigBuilder, port: &u16| config.add_host("127.0.0.1", *port);
    ports.iter().fold(config, add)
}

fn port(connection: &Connection) -> u16 {
    let endpoint = connection.endpoint().to_string();
    endpoint.rsplit_once(':').unwrap().1.parse().unwrap()
}

#[tokio::test]
async fn a_connection_lost_in_an_init_command_is_not_tried_on_the_next_host() {
    let close = || Script::new().on(&ComQuery::new(INIT), Reply::new().close());
    let (first, next) = (server(close).await, server(Script::new).await);
    let config = config(&[first.port(), next.port()]).init_command(INIT);
    let error = Connection::connect(&config.build().unwrap()).await;
    let error = error.unwrap_err();
    assert!(matches!(error, Error::ConnectionLost { .. }), "{error}");
    assert_eq!(next.visits(), 0);
}

#[tokio::test]
async fn an_init_command_that_hangs_is_not_tried_on_the_next_host() {
    let hang = || Script::new().on(&ComQuery::new(INIT), Reply::new());
    let (first, next) = (server(hang).await, server(Script::new).await);
    let config = config(&[first.port(), next.port()]).init_command(INIT);
    let config = config.connect_timeout(Duration::from_secs(2));
    let error = Connection::connect(&config.build().unwrap()).await;
    let error = error.unwrap_err();
    assert!(matches!(error, Error::Timeout { .. }), "{error}");
    assert_eq!(next.visits(), 0);
}

#[tokio::test]
async fn a_server_of_the_wrong_role_is_followed_by_the_next_and_the_error_says_what_it_is() {
    let (reader, writer) = (of_read_only("1").await, of_read_only("0").await);
    let ports = [reader.port(), writer.port()];
    for (role, expected) in [(Role::Writer, writer.port()), (Role::Reader, reader.port())] {
        for ports in [ports, [ports[1], ports[0]]] {
            let config = config(&ports).role(role).build().unwrap();
            let mut connection = Connection::connect(&config).await.unwrap();
            assert_eq!(port(&connection), expected, "{role}");
            connection.ping().await.unwrap();
        }
    }
    for (server, wanted, found, kind) in [
        (&reader, Role::Writer, Role::Reader, ErrorKind::ReadOnly),
        (&writer, Role::Reader, Role::Writer, ErrorKind::Unavailable),
    ] {
        let config = config(&[server.port()]).role(wanted).build().unwrap();
        let error = Connection::connect(&config).await.unwrap_err();
        let is_told =
            matches!(error, Error::WrongRole { wanted: w, found: f } if w == wanted && f == found);
        assert!(is_told, "{error:?}");
        assert_eq!(error.kind(), kind);
        assert!(error.is_safe_to_retry() && error.is_transient(), "{error}");
        // Another may have been elected in the meantime.
        let config = config.to_builder().add_host("127.0.0.1", server.port());
        let error = Connection::connect(&config.build().unwrap()).await;
        let error = error.unwrap_err();
        assert_eq!(
            error.to_string().matches(&found.to_string()).count(),
            2,
            "{error}"
        );
        assert_eq!(error.kind(), kind);
    }
}

#[tokio::test]
async fn nothing_is_asked_of_a_server_of_any_role() {
    // A script without an answer to the question would panic, and close.
    let server = server(|| Script::new().on(&ComPing, Reply::ok())).await;
    let config = config(&[server.port()]).build().unwrap();
    let mut connection = Connection::connect(&config).await.unwrap();
    connection.ping().await.unwrap();
}

#[tokio::test]
async fn a_server_that_does_not_know_what_read_only_is_is_an_error_and_not_of_any_role() {
    let refuse = || {
        let unknown = Reply::err(1193, *b"HY000", "Unknown system variable 'read_only'");
        Script::new().on(&ComQuery::new(READ_ONLY), unknown)
    };
    let server = server(refuse).await;
    for role in [Role::Writer, Role::Reader] {
        let config = config(&[server.port()]).role(role).build().unwrap();
        let error = Connection::connect(&config).await.unwrap_err();
        assert!(
            matches!(&error, Error::Server(error) if error.code() == 1193),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_host_that_failed_is_left_alone_by_those_who_share_what_they_know() {
    let (first, next) = (full().await, server(Script::new).await);
    let hosts = HostStates::new();
    let config = config(&[first.port(), next.port()]);
    let config = config.host_cool_down(Duration::from_secs(3600)).build();
    let config = config.unwrap();
    for _ in 0..3 {
        let connection = Connection::connect_with_hosts(&config, &hosts).await;
        assert_eq!(port(&connection.unwrap()), next.port());
    }
    assert_eq!((first.visits(), next.visits()), (1, 3));
    let cooling = config.endpoints().iter().map(|it| hosts.is_cooling(it));
    assert_eq!(cooling.collect::<Vec<_>>(), [true, false]);
    // By itself a connection knows of none.
    Connection::connect(&config).await.unwrap();
    assert_eq!(first.visits(), 2);
}

#[tokio::test]
async fn hosts_that_all_failed_lately_are_tried_all_the_same() {
    let (first, next) = (full().await, full().await);
    let hosts = HostStates::new();
    let config = config(&[first.port(), next.port()]).build().unwrap();
    for visits in 1..=3 {
        let error = Connection::connect_with_hosts(&config, &hosts).await;
        let Err(Error::Endpoints(errors)) = error else {
            panic!("{error:?}")
        };
        let kinds: Vec<_> = errors.iter().map(EndpointError::error).collect();
        assert!(
            kinds
                .iter()
                .all(|it| it.kind() == ErrorKind::TooManyConnections)
        );
        assert_eq!((first.visits(), next.visits()), (visits, visits));
    }
}

#[tokio::test]
async fn a_host_that_is_cooling_is_tried_when_the_others_have_failed_and_is_then_well() {
    let closed = FakePort::new().await;
    let gone = closed.number();
    drop(closed);
    let close = || Script::new().on(&ComQuery::new(READ_ONLY), Reply::new().close());
    let first = server(close).await;
    let hosts = HostStates::new();
    let both = config(&[first.port(), gone])
        .role(Role::Reader)
        .build()
        .unwrap();
    Connection::connect_with_hosts(&both, &hosts)
        .await
        .unwrap_err();
    assert!(hosts.is_cooling(&both.endpoints()[0]));
    let both = both.to_builder().role(Role::Any).build().unwrap();
    let connection = Connection::connect_with_hosts(&both, &hosts).await;
    assert_eq!(port(&connection.unwrap()), first.port());
    assert!(!hosts.is_cooling(&both.endpoints()[0]));
    assert!(hosts.is_cooling(&both.endpoints()[1]));
}

#[tokio::test]
async fn spread_connections_go_to_all_hosts_and_past_one_that_fails() {
    let (a, b, broken) = (
        server(Script::new).await,
        server(Script::new).await,
        full().await,
    );
    let config = config(&[a.port(), b.port(), broken.port()]);
    let config = config.host_order(HostOrder::Spread).build().unwrap();
    for _ in 0..60 {
        Connection::connect(&config).await.unwrap();
    }
    let visits = [a.visits(), b.visits()];
    assert_eq!(visits.iter().sum::<usize>(), 60);
    assert!(visits.iter().all(|visits| *visits > 5), "{visits:?}");
    assert!(broken.visits() > 5, "{}", broken.visits());
}

#[tokio::test]
async fn connecting_is_dropped_at_every_poll_and_the_next_connection_is_whole() {
    let (first, next) = (full().await, of_read_only("0").await);
    let hosts = HostStates::new();
    let config = config(&[first.port(), next.port()]).role(Role::Writer);
    let config = config.host_cool_down(Duration::ZERO).build().unwrap();
    for polls in 0.. {
        let connect = Connection::connect_with_hosts(&config, &hosts);
        let connected = poll_times(connect, polls).await;
        let mut connection = Connection::connect_with_hosts(&config, &hosts)
            .await
            .unwrap();
        assert_eq!(port(&connection), next.port());
        connection.ping().await.unwrap();
        if let Some(connected) = connected {
            connected.unwrap().ping().await.unwrap();
            break;
        }
    }
}

/// A server that has no room for the first two of every three who come.
async fn busy() -> FakeServer {
    let mut visits = 0;
    FakeServer::start(move || {
        visits += 1;
        let script = Script::new().on(&ComPing, Reply::ok());
        if visits % 3 == 0 {
            script
        } else {
            script.login(Reply::err(1040, *b"08004", "Too many connections"))
        }
    })
    .await
}

const POLICY: RetryPolicy = RetryPolicy::new().base(Duration::from_millis(1));

#[tokio::test]
async fn a_server_that_has_no_room_is_tried_again_and_one_that_denies_access_is_not() {
    let server = busy().await;
    let config = config(&[server.port()]).build().unwrap();
    let never = RetryPolicy::never();
    let error = Connection::connect_with_retry(&config, &never).await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::TooManyConnections);
    assert_eq!(server.visits(), 1);
    let connection = Connection::connect_with_retry(&config, &POLICY).await;
    connection.unwrap().ping().await.unwrap();
    assert_eq!(server.visits(), 3);
    let error = Connection::connect_with_retry(&config, &POLICY.attempts(2)).await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::TooManyConnections);
    assert_eq!(server.visits(), 5);

    let deny = || Script::new().login(Reply::err(1045, *b"28000", "Access denied"));
    let denying = FakeServer::start(deny).await;
    let config = config_to(&denying);
    let error = Connection::connect_with_retry(&config, &POLICY).await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::AccessDenied);
    assert_eq!(denying.visits(), 1);
}

fn config_to(server: &FakeServer) -> Config {
    config(&[server.port()]).build().unwrap()
}

#[tokio::test]
async fn a_server_that_is_starting_is_waited_for() {
    let later = FakePort::new().await;
    let port = later.number();
    drop(later);
    let config = config(&[port]).build().unwrap();
    let policy = RetryPolicy::new()
        .attempts(100)
        .base(Duration::from_millis(20));
    let start = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        FakePort::at(port).await.serve(Script::new)
    };
    let (connection, server) =
        tokio::join!(Connection::connect_with_retry(&config, &policy), start);
    assert!(connection.is_ok() && server.visits() == 1);
}

#[tokio::test]
async fn connecting_with_retry_is_dropped_at_every_poll_and_the_next_connection_is_whole() {
    for polls in 0.. {
        let server = busy().await;
        let config = config_to(&server);
        let connect = Connection::connect_with_retry(&config, &POLICY);
        let connected = poll_times(connect, polls).await;
        let next = Connection::connect_with_retry(&config, &POLICY).await;
        next.unwrap().ping().await.unwrap();
        if let Some(connected) = connected {
            connected.unwrap().ping().await.unwrap();
            break;
        }
    }
}
