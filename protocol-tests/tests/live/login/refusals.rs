//! Logins that the server refuses for other reasons than a plugin's.

use otaria::{AuthError, ConfigBuilder, Connection, Error};
use protocol_tests::live::{self, LiveServer};

use super::account::{
    Account, PASSWORD, POLL_INTERVAL, POLLS, all_words, connect, refusal, tcp, value,
};

#[tokio::test]
async fn an_unknown_database_is_refused_with_1049() {
    let account = Account::new(live::shared());
    // A schema that one may not see is denied (1044) whether it is there or not.
    let sql = format!("GRANT SELECT ON *.* TO {}", account.sql_name());
    live::shared().sql(&sql).unwrap();
    let refused = connect(account.config().database("otaria_no_such_schema")).await;
    let (code, sqlstate, message) = refusal(refused);
    assert_eq!((code, sqlstate), (1049, Some(*b"42000")));
    assert!(message.contains("otaria_no_such_schema"), "{message}");
}

#[tokio::test]
async fn a_database_that_the_account_may_not_use_is_refused_with_1044() {
    let schema = live::shared().schema("denied").unwrap();
    let account = Account::new(live::shared());
    let refused = connect(account.config().database(schema.name())).await;
    let (code, sqlstate, message) = refusal(refused);
    assert_eq!((code, sqlstate), (1044, Some(*b"42000")));
    assert!(message.contains(schema.name()), "{message}");
}

#[tokio::test]
async fn a_locked_account_is_refused_with_4151() {
    let account = Account::new(live::shared());
    let sql = format!("ALTER USER {} ACCOUNT LOCK", account.sql_name());
    live::shared().sql(&sql).unwrap();
    let (code, _, message) = refusal(connect(account.config()).await);
    assert_eq!(code, 4151);
    assert!(message.contains("locked"), "{message}");
}

#[tokio::test]
async fn an_unknown_user_is_refused_with_1045() {
    let config = tcp(live::shared()).user("otaria_nobody").password(PASSWORD);
    let (code, sqlstate, message) = refusal(connect(config).await);
    assert_eq!((code, sqlstate), (1045, Some(*b"28000")));
    assert!(message.contains("otaria_nobody"), "{message}");
}

#[tokio::test]
async fn the_error_of_a_refused_login_shows_no_password() {
    let config = tcp(live::shared()).user("otaria_nobody").password(PASSWORD);
    let error = connect(config).await.unwrap_err();
    assert!(!all_words(&error).contains(PASSWORD), "{error:?}");
}

#[tokio::test]
async fn private_server_an_unknown_user_plugin_is_a_named_error() {
    let server = LiveServer::start().unwrap();
    server.sql("INSTALL SONAME 'auth_pam'").unwrap();
    let account = Account::identified(&server, "%", "pam USING 'mariadb'");
    let error = connect(account.config()).await.unwrap_err();
    let words = all_words(&error);
    assert!(words.contains("plugin dialog is not known"), "{words}");
    assert!(!words.contains(PASSWORD), "{words}");
    let Error::Auth(AuthError::UnknownPlugin { plugin }) = error else {
        panic!("{words}");
    };
    assert_eq!(plugin, "dialog");
}

#[tokio::test]
async fn private_server_an_expired_password_is_refused_with_1862() {
    let server = LiveServer::builder().option("--disconnect-on-expired-password=ON");
    let server = server.start().unwrap();
    let account = expired(&server);
    let (code, _, message) = refusal(connect(account.config()).await);
    assert_eq!(code, 1862);
    assert!(message.contains("expired"), "{message}");
}

#[tokio::test]
async fn private_server_an_expired_password_that_does_not_disconnect_leaves_a_sandbox() {
    let server = LiveServer::builder().option("--disconnect-on-expired-password=OFF");
    let server = server.start().unwrap();
    let account = expired(&server);
    is_a_sandbox(connect(account.config()).await.unwrap()).await;
}

#[tokio::test]
async fn private_server_an_expired_password_leaves_a_sandbox_to_a_configuration_that_wants_it() {
    let server = LiveServer::builder().option("--disconnect-on-expired-password=ON");
    let server = server.start().unwrap();
    let account = expired(&server);
    let config = account.config().expired_password(true);
    is_a_sandbox(connect(config).await.unwrap()).await;
}

/// Nothing can be done over `connection` but to set a new password, and then everything.
async fn is_a_sandbox(mut connection: Connection) {
    let error = value(&mut connection, "SELECT 'one'").await.unwrap_err();
    assert!(matches!(error, Error::Server(error) if error.code() == 1820));
    let sql = "SET PASSWORD = PASSWORD('another-password')";
    connection.simple_execute(sql).await.unwrap();
    assert_eq!(value(&mut connection, "SELECT 'one'").await.unwrap(), "one");
    connection.close().await.unwrap();
}

#[tokio::test]
async fn private_server_an_err_in_place_of_the_greeting_1040_reports_the_server_s_own_words() {
    let server = LiveServer::builder().option("--max-connections=10");
    let server = server.start().unwrap();
    let account = Account::new(&server);
    let mut connections = fill(&account).await;
    // One more than max_connections gets a greeting, and may stay if its account is a
    // superuser's.
    let root = tcp(&server).user(server.user()).password(server.password());
    let root = once_there_is_room(root).await;

    let error = connect(account.config()).await.unwrap_err();
    assert!(
        all_words(&error).contains("Too many connections"),
        "{error:?}"
    );
    let (code, sqlstate, message) = refusal(Err(error));
    assert_eq!((code, sqlstate), (1040, None));
    assert_eq!(message, "Too many connections");

    root.close().await.unwrap();
    connections.pop().unwrap().close().await.unwrap();
    let next = once_there_is_room(account.config()).await;
    next.close().await.unwrap();
}

#[tokio::test]
async fn private_server_too_many_connections_after_the_greeting_is_an_err_with_sqlstate() {
    let server = LiveServer::builder().option("--max-connections=10");
    let server = server.start().unwrap();
    let account = Account::new(&server);
    let connections = fill(&account).await;
    // A refused login that the server has not done with yet takes the one place with a greeting.
    let mut refused = refusal(connect(account.config()).await);
    for _ in 0..POLLS {
        if refused.1.is_some() {
            break;
        }
        tokio::time::sleep(POLL_INTERVAL).await;
        refused = refusal(connect(account.config()).await);
    }
    let words = "Too many connections".to_owned();
    assert_eq!(refused, (1040, Some(*b"08004"), words));
    drop(connections);
}

#[tokio::test]
async fn private_server_an_err_in_place_of_the_greeting_1130_reports_the_server_s_own_words() {
    let server = LiveServer::start().unwrap();
    let sql = "SELECT CONCAT('DROP USER ', QUOTE(User), '@', QUOTE(Host), ';') \
        FROM mysql.user WHERE Host <> 'localhost'";
    let sql = server.sql(sql).unwrap();
    server.sql(&sql).unwrap();

    let error = connect(tcp(&server).user("root").password(PASSWORD)).await;
    let error = error.unwrap_err();
    let words = "Host '127.0.0.1' is not allowed to connect to this MariaDB server";
    assert!(all_words(&error).contains(words), "{error:?}");
    assert_eq!(refusal(Err(error)), (1130, None, words.to_owned()));
}

fn expired(server: &LiveServer) -> Account<'_> {
    let account = Account::new(server);
    let sql = format!("ALTER USER {} PASSWORD EXPIRE", account.sql_name());
    server.sql(&sql).unwrap();
    account
}

/// All the connections that the server gives to accounts that are no superuser's. Those that have
/// ended just before count until the server notices.
async fn fill(account: &Account<'_>) -> Vec<Connection> {
    let mut connections = Vec::new();
    for _ in 0..MAX_CONNECTIONS {
        connections.push(once_there_is_room(account.config()).await);
    }
    connections
}

/// Connects as soon as the server has noticed that others are gone.
async fn once_there_is_room(config: ConfigBuilder) -> Connection {
    for _ in 0..POLLS {
        match connect(config.clone()).await {
            Ok(connection) => return connection,
            refused => assert_eq!(refusal(refused).0, 1040),
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
    panic!("there is still no room");
}

/// The least that a server can be told.
const MAX_CONNECTIONS: usize = 10;
