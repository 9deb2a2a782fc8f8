//! Several real servers, of which one takes no writes, and servers that send their clients on.

use std::sync::OnceLock;

use otaria::{
    Config, ConfigBuilder, Connection, Error, ErrorKind, HostStates, Pem, RedirectError, Role,
};
use protocol_tests::certificates::{Authority, Leaf};
use protocol_tests::live::{self, LiveServer};

/// A server that takes writes and one that does not, both with a certificate for `localhost`.
struct Pair {
    authority: Authority,
    writer: LiveServer,
    reader: LiveServer,
}

fn pair() -> &'static Pair {
    static PAIR: OnceLock<Pair> = OnceLock::new();
    PAIR.get_or_init(|| {
        let authority = Authority::new("the tests of several hosts");
        let identity = authority.issue(&Leaf::server(["localhost"]));
        let start = |option: &str| {
            let server = LiveServer::builder().tls(&identity).option(option);
            let server = server.start().unwrap();
            server
                .sql("CREATE USER IF NOT EXISTS hosts@'%' IDENTIFIED BY 'secret'; GRANT ALL ON test_hosts.* TO hosts@'%'; CREATE DATABASE IF NOT EXISTS test_hosts; CREATE TABLE IF NOT EXISTS test_hosts.t (a INT PRIMARY KEY) ENGINE=InnoDB")
                .unwrap();
            server
        };
        let writer = start("--read-only=0");
        let reader = start("--read-only=1");
        Pair { authority, writer, reader }
    })
}

impl Pair {
    fn config<'a>(&self, servers: impl IntoIterator<Item = &'a LiveServer>) -> ConfigBuilder {
        let config = Config::builder()
            .ssl_ca(Pem::bytes(self.authority.pem().into_bytes()))
            .user("hosts")
            .password("secret")
            .database("test_hosts");
        let add = |config: ConfigBuilder, server: &LiveServer| {
            config.add_host("localhost", server.port())
        };
        servers.into_iter().fold(config, add)
    }
}

fn is_at(connection: &Connection, server: &LiveServer) -> bool {
    let end = format!(":{}", server.port());
    connection.endpoint().to_string().ends_with(&end)
}

#[tokio::test]
async fn the_role_of_a_server_is_what_its_read_only_says() {
    let pair = pair();
    let hosts = HostStates::new();
    for role in [Role::Writer, Role::Reader, Role::Any] {
        let config = pair.config([&pair.reader, &pair.writer]).role(role);
        let config = config.build().unwrap();
        let connection = Connection::connect(&config).await.unwrap();
        let server = if role == Role::Writer {
            &pair.writer
        } else {
            &pair.reader
        };
        assert!(is_at(&connection, server), "{role}");
    }
    let config = pair
        .config([&pair.reader])
        .role(Role::Writer)
        .build()
        .unwrap();
    let error = Connection::connect_with_hosts(&config, &hosts)
        .await
        .unwrap_err();
    assert!(
        matches!(
            error,
            Error::WrongRole {
                found: Role::Reader,
                ..
            }
        ),
        "{error}"
    );
}

#[tokio::test]
async fn a_write_to_a_server_that_became_read_only_retires_the_connection() {
    let pair = pair();
    for prepared in [false, true] {
        let config = pair.config([&pair.reader]).build().unwrap();
        let mut connection = Connection::connect(&config).await.unwrap();
        let insert = "INSERT INTO t VALUES (1)";
        let error = if prepared {
            connection
                .execute("INSERT INTO t VALUES (?)", (1,))
                .await
                .unwrap_err()
        } else {
            connection.simple_execute(insert).await.unwrap_err()
        };
        println!("{error}");
        assert_eq!(error.kind(), ErrorKind::ReadOnly);
        assert!(error.is_safe_to_retry() && error.is_transient(), "{error}");
        assert!(!error.is_disconnect() && connection.is_retired(), "{error}");
        connection.ping().await.unwrap();
    }
    // The transaction's own is none of the server's.
    let config = pair.config([&pair.writer]).build().unwrap();
    let mut connection = Connection::connect(&config).await.unwrap();
    connection
        .simple_execute("START TRANSACTION READ ONLY")
        .await
        .unwrap();
    let error = connection
        .simple_execute("INSERT INTO t VALUES (1)")
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ReadOnly, "{error}");
    assert!(!connection.is_retired() && !error.is_transient(), "{error}");
}

#[tokio::test]
async fn the_commit_of_a_transaction_on_a_server_that_became_read_only_leaves_nothing() {
    // A server of its own: it is made read-only.
    let server = LiveServer::builder().start().unwrap();
    server
        .sql("CREATE DATABASE d; CREATE TABLE d.t (a INT) ENGINE=InnoDB; CREATE USER hosts@'%' IDENTIFIED BY 'secret'; GRANT ALL ON d.* TO hosts@'%'")
        .unwrap();
    let config = Config::builder().host("127.0.0.1").port(server.port());
    let config = config.user("hosts").password("secret").database("d");
    let mut connection = Connection::connect(&config.build().unwrap()).await.unwrap();
    connection.simple_execute("BEGIN").await.unwrap();
    connection
        .simple_execute("INSERT INTO t VALUES (1)")
        .await
        .unwrap();
    server.sql("SET GLOBAL read_only = 1").unwrap();
    let error = connection.simple_execute("COMMIT").await.unwrap_err();
    println!(
        "{error}; in a transaction: {}",
        connection.status().is_in_transaction()
    );
    assert_eq!(error.kind(), ErrorKind::ReadOnly);
    assert!(
        error.is_safe_to_retry() && connection.is_retired(),
        "{error}"
    );
    drop(connection);
    let count = server.sql("SELECT COUNT(*) FROM d.t").unwrap();
    assert_eq!(count.trim(), "0");
}

/// What a server of this version says to `SET GLOBAL redirect_url`.
fn has_redirect_url(server: &LiveServer) -> bool {
    server.is_at_least((11, 3))
}

#[tokio::test]
async fn redirect_url_of_a_real_server_is_followed_over_proven_tls_and_not_else() {
    let authority = Authority::new("the tests of redirections");
    let identity = authority.issue(&Leaf::server(["localhost"]));
    let builder = LiveServer::builder().tls(&identity);
    let (first, target) = (builder.start().unwrap(), builder.start().unwrap());
    for server in [&first, &target] {
        server
            .sql("CREATE USER hosts@'%' IDENTIFIED BY 'secret'")
            .unwrap();
    }
    let set = first.sql(&format!(
        "SET GLOBAL redirect_url = 'mariadb://localhost:{}'",
        target.port()
    ));
    if !has_redirect_url(&first) {
        let error = set.unwrap_err().to_string();
        assert!(error.contains("1193"), "{error}");
        return live::not_applicable("the server has not got redirect_url");
    }
    set.unwrap();
    let config = Config::builder().host("localhost").port(first.port());
    let config = config
        .user("hosts")
        .password("secret")
        .permit_redirect(true);
    let verified = config
        .clone()
        .ssl_ca(Pem::bytes(authority.pem().into_bytes()));
    let cases = [
        (verified.clone(), &target, None),
        (verified.permit_redirect(false), &first, None),
        (
            config.clone().ssl_mode(otaria::SslMode::Disable),
            &first,
            Some(RedirectError::Unproven),
        ),
    ];
    for (config, server, refused) in cases {
        let config = config.build().unwrap();
        let mut connection = Connection::connect(&config).await.unwrap();
        assert!(is_at(&connection, server), "{}", connection.endpoint());
        let found = connection.redirect_error().map(|error| match error {
            Error::Redirect(found) => *found,
            error => panic!("{error:?}"),
        });
        assert_eq!(found, refused);
        connection.ping().await.unwrap();
    }
    // The certificate is vouched for by nobody, and the password proves both servers.
    let by_password = config
        .ssl_mode(otaria::SslMode::VerifyFull)
        .build()
        .unwrap();
    let connection = Connection::connect(&by_password).await.unwrap();
    assert!(is_at(&connection, &target), "{}", connection.endpoint());
}
