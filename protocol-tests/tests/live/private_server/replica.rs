//! A primary and its replica: those of `OTARIA_TEST_PRIMARY_URL` and `OTARIA_TEST_REPLICA_URL`, else
//! private ones.

use std::env;
use std::sync::OnceLock;
use std::time::Duration;

use otaria::{Config, ConfigBuilder, Connection, Error, Role};
use protocol_tests::live::{LiveServer, Schema};
use protocol_tests::tcp_proxy::{End, TcpProxy};

struct Pair {
    primary: LiveServer,
    replica: LiveServer,
}

fn pair() -> &'static Pair {
    static PAIR: OnceLock<Pair> = OnceLock::new();
    PAIR.get_or_init(|| {
        let named = |variable| env::var(variable).ok().filter(|url| !url.is_empty());
        let primary = named("OTARIA_TEST_PRIMARY_URL");
        let replica = named("OTARIA_TEST_REPLICA_URL");
        if let (Some(primary), Some(replica)) = (primary, replica) {
            let at = |url: &str| LiveServer::at(url).unwrap();
            return Pair {
                primary: at(&primary),
                replica: at(&replica),
            };
        }
        let start = |options: &[&str]| {
            let builder = LiveServer::builder();
            let builder = options.iter().fold(builder, |it, option| it.option(*option));
            builder.start().unwrap()
        };
        let primary = start(&["--server-id=1", "--log-bin", "--sync-binlog=0"]);
        let replica = start(&["--server-id=2", "--read-only"]);
        let (port, user, password) = (primary.port(), primary.user(), primary.password());
        replica
            .sql(&format!(
                "CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT={port}, MASTER_USER='{user}', \
                 MASTER_PASSWORD='{password}', MASTER_SSL=0, MASTER_CONNECT_RETRY=1, \
                 MASTER_USE_GTID=slave_pos; START SLAVE"
            ))
            .unwrap();
        Pair { primary, replica }
    })
}

/// In front of the primary: the proxy of the port `OTARIA_TEST_CUT_PORT`, else one of this process.
enum CuttingProxy {
    Named(u16),
    Own(TcpProxy),
}

impl CuttingProxy {
    async fn start() -> Self {
        let named = env::var("OTARIA_TEST_CUT_PORT").ok();
        if let Some(port) = named.filter(|port| !port.is_empty()) {
            return Self::Named(port.parse().expect("a port"));
        }
        let seed = env::var("SEED").map_or(7, |seed| seed.parse().unwrap());
        println!("SEED={seed}");
        let proxy = TcpProxy::to(&pair().primary).seed(seed).split(64);
        let proxy = proxy.end(900, 1_000, &[End::Close, End::Reset]);
        Self::Own(proxy.start().await.unwrap())
    }

    fn port(&self) -> u16 {
        match self {
            Self::Named(port) => *port,
            Self::Own(proxy) => proxy.port(),
        }
    }
}

/// A schema of the primary, and so of the replica, with an account that may use it and has no more
/// rights on a server that is read-only than others.
fn schema(name: &str, create: &str) -> Schema<'static> {
    let primary = &pair().primary;
    let schema = primary.schema(name).unwrap();
    let grant = "CREATE USER IF NOT EXISTS pair@'%' IDENTIFIED BY 'secret'; GRANT ALL ON";
    primary
        .sql(&format!("{grant} {}.* TO pair@'%'", schema.name()))
        .unwrap();
    schema.sql(create).unwrap();
    schema
}

fn config(schema: &Schema<'_>) -> ConfigBuilder {
    let config = Config::builder().user("pair").password("secret");
    config.database(schema.name())
}

async fn connect(server: &LiveServer, schema: &Schema<'_>) -> Connection {
    let config = config(schema).host(server.host()).port(server.port());
    Connection::connect(&config.build().unwrap()).await.unwrap()
}

/// A connection to the replica that has what the primary has written so far.
async fn follow(schema: &Schema<'_>) -> Connection {
    let position = pair().primary.sql("SELECT @@gtid_binlog_pos").unwrap();
    caught_up(position.trim());
    connect(&pair().replica, schema).await
}

fn caught_up(position: &str) {
    let waited = format!("SELECT MASTER_GTID_WAIT('{position}', 60)");
    let waited = pair().replica.sql(&waited).unwrap();
    assert_eq!(waited, "0\n", "the replica does not get to {position}");
}

type Line = (u64, Option<String>, Option<Vec<u8>>, Option<f64>);

const LINES: &str = "SELECT a, b, c, d FROM t ORDER BY a";

#[tokio::test]
async fn what_each_way_of_sending_writes_on_a_primary_is_read_from_its_replica() {
    let create = "CREATE TABLE t (a BIGINT UNSIGNED PRIMARY KEY, b VARCHAR(40), c BLOB, d DOUBLE)";
    let schema = schema("replicated", create);
    let mut primary = connect(&pair().primary, &schema).await;
    let insert = "INSERT INTO t VALUES (?, ?, ?, ?)";
    let line = |a: u64| -> Line {
        let some = !a.is_multiple_of(3);
        let text = format!("'ä\\😀\0{a}");
        let bytes = vec![0, b'\'', b'\\', 0xff, a.to_le_bytes()[0]];
        (
            a,
            some.then_some(text),
            some.then_some(bytes),
            some.then_some(0.1),
        )
    };
    let mut written: Vec<Line> = (0..1_000).map(line).collect();
    primary
        .execute_batch(insert, written.clone())
        .await
        .unwrap();
    let last = line(u64::MAX);
    primary.execute(insert, last.clone()).await.unwrap();
    written.push(last);
    let update = "UPDATE t SET b = 'text' WHERE a = 1";
    primary.simple_execute(update).await.unwrap();
    written[1].1 = Some("text".to_owned());
    let lines: Vec<Line> = primary.query_all(LINES, ()).await.unwrap();
    assert_eq!(lines, written);

    let mut replica = follow(&schema).await;
    let lines: Vec<Line> = replica.query_all(LINES, ()).await.unwrap();
    assert_eq!(lines, written);
}

#[tokio::test]
async fn a_write_is_read_from_the_replica_by_the_gtid_that_was_tracked() {
    let schema = schema("gtid", "CREATE TABLE t (a INT PRIMARY KEY)");
    let mut primary = connect(&pair().primary, &schema).await;
    let track = "SET session_track_system_variables = \
                 CONCAT(@@session_track_system_variables, ',last_gtid')";
    primary.simple_execute(track).await.unwrap();
    let mut replica = connect(&pair().replica, &schema).await;
    for a in 0..20 {
        primary
            .execute("INSERT INTO t VALUES (?)", (a,))
            .await
            .unwrap();
        let state = primary.session_state();
        let gtid = state.system_variable("last_gtid").expect("it is tracked");
        caught_up(gtid);
        let count = "SELECT COUNT(*) FROM t WHERE a = ?";
        let (count,): (u32,) = replica.query_one(count, (a,)).await.unwrap();
        assert_eq!(count, 1, "{a} behind {gtid}");
    }
}

#[tokio::test]
async fn a_write_to_a_replica_is_refused_with_1290_and_the_connection_goes_on() {
    let schema = schema("refused", "CREATE TABLE t (a INT PRIMARY KEY)");
    let mut replica = follow(&schema).await;
    for _ in 0..2 {
        let refused = replica.execute("INSERT INTO t VALUES (?)", (1,)).await;
        let Err(Error::Server(error)) = refused else {
            panic!("{refused:?}");
        };
        assert_eq!(error.code(), 1290);
        let (count,): (u32,) = replica
            .query_one("SELECT COUNT(*) FROM t", ())
            .await
            .unwrap();
        assert_eq!(count, 0);
    }
    let hosts = |role| {
        let Pair { primary, replica } = pair();
        let config = config(&schema)
            .add_host(replica.host(), replica.port())
            .add_host(primary.host(), primary.port())
            .role(role);
        config.build().unwrap()
    };
    for (role, read_only) in [(Role::Writer, 0), (Role::Reader, 1)] {
        let mut connection = Connection::connect(&hosts(role)).await.unwrap();
        let (found,): (u8,) = connection
            .query_one("SELECT @@read_only", ())
            .await
            .unwrap();
        assert_eq!(found, read_only, "{role}");
    }
}

#[tokio::test]
async fn what_is_acknowledged_through_a_proxy_that_cuts_is_on_the_replica_once() {
    let create = "CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, token INT)";
    let schema = schema("cuts", create);
    let proxy = CuttingProxy::start().await;
    let config = config(&schema)
        .host("127.0.0.1")
        .port(proxy.port())
        .connect_timeout(Duration::from_secs(10))
        .build()
        .unwrap();
    let (mut acknowledged, mut lost) = (Vec::new(), Vec::new());
    let (mut connection, mut connected) = (None, 0);
    for token in 0..4_000_u32 {
        // How many bytes pass before a cut is not the same on each server.
        if token >= 400 && connected > 5 {
            break;
        }
        loop {
            let Some(open) = &mut connection else {
                // A login that is cut has written nothing.
                connection = Connection::connect(&config).await.ok();
                connected += 1;
                continue;
            };
            match Connection::execute(open, "INSERT INTO t (token) VALUES (?)", (token,)).await {
                Ok(_) => acknowledged.push(token),
                Err(error) => {
                    connection = None;
                    if error.is_safe_to_retry() {
                        continue;
                    }
                    lost.push(token);
                }
            }
            break;
        }
    }
    println!(
        "{} acknowledged, {} in doubt, {connected} connections",
        acknowledged.len(),
        lost.len()
    );
    assert!(
        connected > 5 && acknowledged.len() > 100,
        "{connected} connections"
    );

    let mut replica = follow(&schema).await;
    let counts = "SELECT token, COUNT(*) FROM t GROUP BY token ORDER BY token";
    let counts: Vec<(u32, u32)> = replica.query_all(counts, ()).await.unwrap();
    assert!(counts.iter().all(|(_, count)| *count == 1), "{counts:?}");
    let found = |token: &u32| counts.iter().any(|(other, _)| other == token);
    assert!(acknowledged.iter().all(found));
    assert!(counts.len() <= acknowledged.len() + lost.len());
}
