//! Servers that send their clients on by `redirect_url`, honest ones and others.

use std::time::{Duration, Instant};

use otaria::RedirectError::{Again, Invalid, Unproven};
use otaria::{
    Config, ConfigBuilder, Connection, Error, HostStates, Pem, RedirectError, Role, SslMode,
};
use otaria_codec::{OkPacket, PayloadWriter, ServerStatus, SessionChange};
use otaria_text::{ComPing, ComQuery};
use protocol_tests::black_hole::{BlackHole, Until};
use protocol_tests::certificates::{Authority, Identity, Leaf};
use protocol_tests::fake_server::{FakePort, FakeServer};
use protocol_tests::polls::poll_times;
use protocol_tests::script::{Reply, Script, Tls};

const READ_ONLY: &str = "SELECT @@read_only";

/// Who vouches for the servers, and what they show.
struct Trust {
    authority: Authority,
    identity: Identity,
}

impl Trust {
    fn new() -> Self {
        let authority = Authority::new("the tests of redirections");
        let identity = authority.issue(&Leaf::server(["localhost", "127.0.0.1"]));
        Self {
            authority,
            identity,
        }
    }

    /// Follows redirections, and trusts the authority.
    fn config(&self, port: u16) -> ConfigBuilder {
        let config = Config::builder().host("localhost").port(port);
        config
            .user("u")
            .password("p")
            .ssl_ca(Pem::bytes(self.authority.pem().into_bytes()))
            .permit_redirect(true)
    }

    /// A server behind TLS.
    fn serve(&self, at: FakePort, script: impl Fn() -> Script + Send + 'static) -> FakeServer {
        let config = self.identity.server_config();
        at.serve(move || Tls::with_config(script().behind_tls(), &config))
    }

    /// A server behind TLS that sends its clients to this URL.
    fn redirect(&self, at: FakePort, url: impl Into<String>) -> FakeServer {
        let url = url.into();
        self.serve(at, move || redirecting(&url))
    }

    async fn plain(&self) -> FakeServer {
        self.serve(FakePort::new().await, script)
    }
}

fn script() -> Script {
    Script::new().on(&ComPing, Reply::ok())
}

/// The login's OK tells of the variable.
fn redirecting(url: &str) -> Script {
    let mut state = Vec::new();
    let change = SessionChange::SystemVariable {
        name: b"redirect_url",
        value: url.as_bytes(),
    };
    change.encode(&mut PayloadWriter::new(&mut state));
    let ok = OkPacket {
        status: ServerStatus::AUTOCOMMIT | ServerStatus::SESSION_STATE_CHANGED,
        session_state: &state,
        ..OkPacket::default()
    };
    script().login(Reply::new().packet(&ok))
}

fn to(port: u16) -> String {
    format!("mariadb://localhost:{port}")
}

fn port(connection: &Connection) -> u16 {
    let endpoint = connection.endpoint().to_string();
    endpoint.rsplit_once(':').unwrap().1.parse().unwrap()
}

/// Why a connection was sent on in vain.
#[derive(Debug, PartialEq)]
enum Stays {
    Refused(RedirectError),
    /// The other server could not be used.
    Failed,
}

fn refused(why: RedirectError) -> Stays {
    Stays::Refused(why)
}

/// Where a connection is that works, and why it stays there though it was sent on.
async fn arrives(config: ConfigBuilder) -> (u16, Option<Stays>) {
    let config = config.build().unwrap();
    let mut connection = Connection::connect(&config).await.unwrap();
    connection.ping().await.unwrap();
    let stays = connection.redirect_error().map(|error| match error {
        Error::Redirect(refused) => Stays::Refused(*refused),
        _ => Stays::Failed,
    });
    (port(&connection), stays)
}

#[tokio::test]
async fn a_redirect_from_proven_tls_to_proven_tls_is_followed_if_it_is_permitted() {
    let trust = Trust::new();
    let target = trust.plain().await;
    let first = trust.redirect(FakePort::new().await, to(target.port()));
    let config = trust.config(first.port());
    assert_eq!(arrives(config.clone()).await, (target.port(), None));
    assert_eq!((first.visits(), target.visits()), (1, 1));
    let stays = config.permit_redirect(false);
    assert_eq!(arrives(stays).await, (first.port(), None));
    let default = Config::builder().build().unwrap();
    assert!(!default.permit_redirect());
    assert_eq!((first.visits(), target.visits()), (2, 1));
}

#[tokio::test]
async fn a_redirect_without_tls_is_refused() {
    let trust = Trust::new();
    let target = trust.plain().await;
    let url = to(target.port());
    let first = FakeServer::start(move || redirecting(&url)).await;
    let config = Config::builder().host("localhost").port(first.port());
    let config = config.user("u").password("p").permit_redirect(true);
    for mode in [SslMode::Disable, SslMode::Prefer] {
        let config = config.clone().ssl_mode(mode);
        assert_eq!(
            arrives(config).await,
            (first.port(), Some(refused(Unproven)))
        );
    }
    assert_eq!(target.visits(), 0);
}

#[tokio::test]
async fn a_redirect_by_a_server_that_tls_has_not_proven_is_refused() {
    let trust = Trust::new();
    let target = trust.plain().await;
    let first = trust.redirect(FakePort::new().await, to(target.port()));
    let config = Config::builder().host("localhost").port(first.port());
    let config = config.user("u").password("p").permit_redirect(true);
    for mode in [SslMode::Prefer, SslMode::Trust] {
        let config = config.clone().ssl_mode(mode);
        assert_eq!(
            arrives(config).await,
            (first.port(), Some(refused(Unproven)))
        );
    }
    assert_eq!(target.visits(), 0);
}

#[tokio::test]
async fn a_redirect_loop_is_ended() {
    let trust = Trust::new();
    let (one, two) = (FakePort::new().await, FakePort::new().await);
    let (to_one, to_two) = (to(one.number()), to(two.number()));
    let (one, two) = (trust.redirect(one, to_two), trust.redirect(two, to_one));
    let config = trust.config(one.port());
    assert_eq!(arrives(config).await, (two.port(), Some(refused(Again))));
    assert_eq!((one.visits(), two.visits()), (1, 1));
    // To itself.
    let itself = FakePort::new().await;
    let url = format!("mysql://LOCALHOST:{}/", itself.number());
    let itself = trust.redirect(itself, url);
    let config = trust.config(itself.port());
    assert_eq!(arrives(config).await, (itself.port(), None));
    assert_eq!(itself.visits(), 1);
}

#[tokio::test]
async fn what_is_no_redirect_leaves_the_connection_where_it_is() {
    let trust = Trust::new();
    for url in [
        "",
        "nowhere",
        "http://localhost:1",
        "mariadb://a,b",
        "mariadb://b\n.evil",
    ] {
        let first = trust.redirect(FakePort::new().await, url);
        let config = trust.config(first.port());
        let stays = (!url.is_empty()).then_some(refused(Invalid));
        assert_eq!(arrives(config).await, (first.port(), stays), "{url:?}");
    }
}

#[tokio::test]
async fn a_redirect_to_a_server_that_cannot_be_used_leaves_the_connection_where_it_is() {
    let trust = Trust::new();
    let closed = FakePort::new().await;
    let gone = closed.number();
    drop(closed);
    let in_clear = FakeServer::start(script).await;
    let stranger = Identity::self_signed(&Leaf::server(["localhost"])).server_config();
    let stranger =
        FakeServer::start(move || Tls::with_config(script().behind_tls(), &stranger)).await;
    let refuse = || script().login(Reply::err(1045, *b"28000", "Access denied"));
    let refusing = trust.serve(FakePort::new().await, refuse);
    for target in [gone, in_clear.port(), stranger.port(), refusing.port()] {
        let first = trust.redirect(FakePort::new().await, to(target));
        // A mode that would let them pass where the first server is concerned.
        for mode in [SslMode::Prefer, SslMode::VerifyCa, SslMode::VerifyFull] {
            let config = trust.config(first.port()).ssl_mode(mode);
            assert_eq!(arrives(config).await, (first.port(), Some(Stays::Failed)));
        }
    }
}

#[tokio::test]
async fn a_redirect_to_a_server_that_says_nothing_takes_half_of_the_time_and_no_more() {
    let trust = Trust::new();
    let hole = BlackHole::start(Until::Accept).unwrap();
    let first = trust.redirect(FakePort::new().await, to(hole.address().port()));
    let config = trust.config(first.port());
    let config = config.connect_timeout(Duration::from_secs(4));
    let start = Instant::now();
    assert_eq!(arrives(config).await, (first.port(), Some(Stays::Failed)));
    let elapsed = start.elapsed();
    assert!(elapsed >= Duration::from_millis(1500), "{elapsed:?}");
}

#[tokio::test]
async fn the_user_of_a_redirect_logs_in_there() {
    let trust = Trust::new();
    let target = trust.plain().await;
    let url = format!("mariadb://v%40w:q@localhost:{}/db?ttl=0", target.port());
    let first = trust.redirect(FakePort::new().await, url);
    let config = trust.config(first.port()).database("shop").build().unwrap();
    let connection = Connection::connect(&config).await.unwrap();
    assert_eq!(port(&connection), target.port());
    assert_eq!(connection.config().user(), "v@w");
    assert_eq!(connection.config().database(), Some("shop"));
}

#[tokio::test]
async fn a_redirect_with_a_ttl_is_kept_and_forgotten_when_it_is_of_no_use() {
    let trust = Trust::new();
    let target = trust.plain().await;
    let url = format!("{}/?ttl=3600000", to(target.port()));
    let first = trust.redirect(FakePort::new().await, url);
    let config = trust.config(first.port()).build().unwrap();
    let hosts = HostStates::new();
    let connect = || async {
        let connected = Connection::connect_with_hosts(&config, &hosts).await;
        port(&connected.unwrap())
    };
    for visits in 1..=3 {
        assert_eq!(connect().await, target.port());
        assert_eq!((first.visits(), target.visits()), (1, visits));
    }
    // Others know nothing of it.
    assert_eq!(arrives(config.to_builder()).await, (target.port(), None));
    assert_eq!(first.visits(), 2);
    drop(target);
    assert_eq!(connect().await, first.port());
    assert_eq!(first.visits(), 3);
}

#[tokio::test]
async fn a_redirect_without_a_ttl_is_asked_for_each_time() {
    let trust = Trust::new();
    let target = trust.plain().await;
    let first = trust.redirect(FakePort::new().await, to(target.port()));
    let config = trust.config(first.port()).build().unwrap();
    let hosts = HostStates::new();
    for visits in 1..=3 {
        Connection::connect_with_hosts(&config, &hosts)
            .await
            .unwrap();
        assert_eq!((first.visits(), target.visits()), (visits, visits));
    }
}

#[tokio::test]
async fn a_redirect_to_a_server_of_the_wrong_role_is_not_followed() {
    let trust = Trust::new();
    let of_role = |value: &'static str, script: Script| {
        let rows = Reply::rows(&["@@read_only"], [[value]]);
        script.on(&ComQuery::new(READ_ONLY), rows)
    };
    let target = trust.serve(FakePort::new().await, move || of_role("1", script()));
    let url = to(target.port());
    let first = trust.serve(FakePort::new().await, move || {
        of_role("0", redirecting(&url))
    });
    let config = trust.config(first.port());
    for (role, expected) in [
        (Role::Writer, (first.port(), Some(Stays::Failed))),
        (Role::Reader, (target.port(), None)),
    ] {
        assert_eq!(arrives(config.clone().role(role)).await, expected, "{role}");
    }
}

#[tokio::test]
async fn a_redirect_is_dropped_at_every_poll_and_the_next_connection_arrives() {
    let trust = Trust::new();
    let target = trust.plain().await;
    let url = format!("{}/?ttl=1", to(target.port()));
    let first = trust.redirect(FakePort::new().await, url);
    let config = trust.config(first.port()).build().unwrap();
    let hosts = HostStates::new();
    for polls in 0.. {
        let connect = Connection::connect_with_hosts(&config, &hosts);
        let is_done = poll_times(connect, polls).await.is_some();
        let next = Connection::connect_with_hosts(&config, &hosts).await;
        assert_eq!(port(&next.unwrap()), target.port());
        if is_done {
            break;
        }
    }
}
