//! What a configuration gives to each session, and asks for with each login.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use otaria::{CallbackError, Config, ConfigBuilder, Connection, Credentials, Error, Password};
use protocol_tests::live;

fn builder() -> ConfigBuilder {
    let config: Config = live::shared().url("").parse().unwrap();
    config.to_builder()
}

async fn settings(connection: &mut Connection) -> (String, String, String) {
    let sql = live::shared()
        .dialect("SELECT @@collation_connection, @@time_zone, CAST(@@max_statement_time AS CHAR)");
    let rows = connection.simple_query(&sql).await.unwrap();
    rows.collect().await.unwrap().remove(0)
}

#[tokio::test]
async fn collation_time_zone_and_max_statement_time_are_those_of_the_configuration() {
    let config = builder()
        .collation("utf8mb4_unicode_ci")
        .time_zone("+05:30")
        .max_statement_time(Duration::from_millis(1500))
        .build()
        .unwrap();
    let mut connection = Connection::connect(&config).await.unwrap();
    let expected = ["utf8mb4_unicode_ci", "+05:30", "1.500000"].map(str::to_owned);
    assert_eq!(
        <[String; 3]>::from(settings(&mut connection).await),
        expected
    );
    let change = "SET time_zone = 'SYSTEM', max_statement_time = 0, NAMES latin1";
    let change = live::shared().dialect(change);
    connection.simple_execute(&change).await.unwrap();
    connection.reset().await.unwrap();
    assert_eq!(
        <[String; 3]>::from(settings(&mut connection).await),
        expected
    );
    connection.close().await.unwrap();
}

#[tokio::test]
async fn a_statement_that_takes_longer_than_max_statement_time_is_ended_and_the_connection_goes_on()
{
    let limit = Duration::from_millis(200);
    let config = builder().database("mysql").max_statement_time(limit);
    let config = config.build().unwrap();
    let mut connection = Connection::connect(&config).await.unwrap();
    let start = Instant::now();
    let error = connection
        .simple_execute(
            &live::shared()
                .dialect("SELECT SUM(a.seq * b.seq) FROM seq_1_to_1000000 a, seq_1_to_1000000 b"),
        )
        .await;
    let error = error.unwrap_err();
    assert!(
        matches!(&error, Error::Server(error) if [1969, 3024].contains(&error.code())),
        "{error:?}"
    );
    assert!(start.elapsed() >= limit);
    connection.ping().await.unwrap();
}

#[tokio::test]
async fn settings_that_the_server_refuses_are_an_error_of_their_own() {
    for config in [
        builder().collation("utf8mb4_no_such_ci"),
        builder().time_zone("Nowhere/Here"),
    ] {
        let config = config.build().unwrap();
        let error = Connection::connect(&config).await.unwrap_err();
        assert!(matches!(error, Error::SessionSettings(_)), "{error:?}");
    }
}

#[tokio::test]
async fn the_status_follows_the_session() {
    let mut connection = Connection::connect(&builder().build().unwrap())
        .await
        .unwrap();
    assert!(connection.status().is_autocommit() && !connection.status().is_in_transaction());
    connection
        .simple_execute("START TRANSACTION READ ONLY")
        .await
        .unwrap();
    assert!(connection.status().is_in_transaction());
    assert!(connection.status().is_in_read_only_transaction());
    connection.simple_execute("COMMIT").await.unwrap();
    connection
        .simple_execute("SET autocommit = 0")
        .await
        .unwrap();
    assert!(!connection.status().is_autocommit() && !connection.status().is_in_transaction());
    connection.reset().await.unwrap();
    assert!(connection.status().is_autocommit());
}

#[tokio::test]
async fn credentials_are_asked_for_with_each_new_connection() {
    let server = live::shared();
    let user = format!("otaria_credentials_{}", std::process::id());
    let set_password = |password: &str| {
        let sql = format!("CREATE OR REPLACE USER {user} IDENTIFIED BY '{password}'");
        server.sql(&sql).unwrap();
    };
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let name = user.clone();
    let config = builder()
        .password("never used")
        .credentials_provider(move || {
            let number = counter.fetch_add(1, Ordering::SeqCst);
            let credentials = Credentials::new(name.clone(), format!("token {number}"));
            async move {
                tokio::task::yield_now().await;
                Ok::<_, CallbackError>(credentials)
            }
        })
        .build()
        .unwrap();
    for number in 0..3 {
        set_password(&format!("token {number}"));
        let mut connection = Connection::connect(&config).await.unwrap();
        // A reset needs no login.
        connection.reset().await.unwrap();
        connection.close().await.unwrap();
        assert_eq!(asked.load(Ordering::SeqCst), number + 1);
    }
    set_password("another");
    let refused = Connection::connect(&config).await;
    server.sql(&format!("DROP USER {user}")).unwrap();
    assert!(matches!(refused, Err(Error::Auth(_))), "{refused:?}");
}

#[tokio::test]
async fn a_provider_without_credentials_fails_the_connection_by_its_own_error() {
    let config = builder()
        .credentials_provider(|| async { Err::<Credentials, _>("the vault is sealed") })
        .build()
        .unwrap();
    let error = Connection::connect(&config).await.unwrap_err();
    assert!(matches!(error, Error::Credentials(_)), "{error:?}");
    let source = std::error::Error::source(&error).unwrap();
    assert_eq!(source.to_string(), "the vault is sealed");
}

#[tokio::test]
async fn private_server_an_expired_password_is_refused_unless_the_configuration_can_handle_it() {
    let server = live::LiveServer::builder().option("--disconnect-on-expired-password=ON");
    let server = server.start().unwrap();
    server
        .sql("CREATE USER late IDENTIFIED BY 'old' PASSWORD EXPIRE")
        .unwrap();
    let config = Config::builder().host("127.0.0.1").port(server.port());
    let config = config.user("late").password(Password::from("old"));
    let refused = Connection::connect(&config.clone().build().unwrap()).await;
    let refused = refused.unwrap_err();
    assert!(
        matches!(
            refused,
            Error::Auth(otaria::AuthError::Server { code: 1862, .. })
        ),
        "{refused:?}"
    );
    let config = config.expired_password(true).build().unwrap();
    let mut connection = Connection::connect(&config).await.unwrap();
    let error = connection.simple_execute("DO 1").await.unwrap_err();
    assert!(
        matches!(&error, Error::Server(error) if error.code() == 1820),
        "{error:?}"
    );
    let change = "SET PASSWORD = PASSWORD('new')";
    connection.simple_execute(change).await.unwrap();
    connection.simple_execute("DO 1").await.unwrap();
}
