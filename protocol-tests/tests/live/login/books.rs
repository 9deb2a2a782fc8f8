//! What a login and a goodbye leave in the server's books.

use std::net::{Shutdown, TcpStream};

use otaria::{Config, Connection, Error};
use protocol_tests::live::{self, LiveServer};

use super::account::{Account, connect, until, value};

#[tokio::test]
async fn the_default_database_is_selected_at_login() -> Result<(), Error> {
    let schema = live::shared().schema("default").unwrap();
    let account = Account::new(live::shared());
    grant_all(&account);
    let mut connection = connect(account.config().database(schema.name())).await?;
    let database = value(&mut connection, "SELECT DATABASE()").await?;
    assert_eq!(database, schema.name());
    connection.close().await
}

#[tokio::test]
async fn without_a_database_none_is_selected_at_login() -> Result<(), Error> {
    let account = Account::new(live::shared());
    let mut connection = connect(account.config()).await?;
    let is_null = value(&mut connection, "SELECT CAST(DATABASE() IS NULL AS CHAR)").await?;
    assert_eq!(is_null, "1");
    connection.close().await
}

#[tokio::test]
async fn the_longest_attributes_that_a_configuration_takes_are_accepted() -> Result<(), Error> {
    let account = Account::new(live::shared());
    let named = |bytes| account.config().program_name("x".repeat(bytes)).build();
    let longest = (0..60_000).rev().find_map(|bytes| named(bytes).ok());
    let mut connection = Connection::connect(&longest.unwrap()).await?;
    connection.ping().await?;
    connection.close().await
}

#[tokio::test]
async fn private_server_connection_attributes_arrive() -> Result<(), Error> {
    let server = LiveServer::builder().option("--performance-schema=ON");
    let server = server.start().unwrap();
    let account = Account::new(&server);
    let config = account.config().program_name("login test");
    let config = config.attribute("größe", "密码").build()?;
    let mut connection = Connection::connect(&config).await?;
    let sql = "SELECT ATTR_NAME, ATTR_VALUE FROM performance_schema.session_account_connect_attrs \
        WHERE PROCESSLIST_ID = CONNECTION_ID() ORDER BY ORDINAL_POSITION";
    let rows = connection.simple_query(sql).await?;
    let rows: Vec<(String, String)> = rows.collect().await?;
    assert_eq!(rows, config.attributes());
    for name in [
        "_client_name",
        "_client_version",
        "_os",
        "_platform",
        "program_name",
        "größe",
    ] {
        assert!(
            rows.iter().any(|(other, _)| other == name),
            "{name}: {rows:?}"
        );
    }
    connection.close().await
}

#[tokio::test]
async fn private_server_a_connection_dropped_idle_is_not_an_aborted_client() -> Result<(), Error> {
    let server = LiveServer::start().unwrap();
    let account = Account::new(&server);
    for config in both_channels(&server, &account) {
        let mut idle = Connection::connect(&config).await?;
        idle.ping().await?;
        drop(idle);
        drop(Connection::connect(&config).await?);
    }
    until_gone(&account).await;
    assert_eq!(aborted_clients(&server), 0);
    Ok(())
}

#[tokio::test]
async fn private_server_a_closed_connection_is_not_an_aborted_client() -> Result<(), Error> {
    let server = LiveServer::start().unwrap();
    let account = Account::new(&server);
    for config in both_channels(&server, &account) {
        Connection::connect(&config).await?.close().await?;
    }
    until_gone(&account).await;
    assert_eq!(aborted_clients(&server), 0);
    Ok(())
}

/// Without this the two above could pass on a server that does not count.
#[tokio::test]
async fn private_server_a_connection_that_is_cut_is_an_aborted_client() -> Result<(), Error> {
    let server = LiveServer::start().unwrap();
    let account = Account::new(&server);
    let stream = TcpStream::connect((server.host(), server.port())).unwrap();
    let knife = stream.try_clone().unwrap();
    stream.set_nonblocking(true).unwrap();
    let stream = tokio::net::TcpStream::from_std(stream).unwrap();
    let connection = Connection::connect_over(stream, &account.config().build()?).await?;
    knife.shutdown(Shutdown::Both).unwrap();
    until_gone(&account).await;
    assert_eq!(aborted_clients(&server), 1);
    drop(connection);
    Ok(())
}

#[tokio::test]
async fn private_server_no_hidden_query_at_connect_and_no_hidden_second_connection()
-> Result<(), Error> {
    let server = with_general_log();
    let account = Account::new(&server);
    grant_all(&account);
    grant_all(&account.local());
    let schema = server.schema("hidden").unwrap();
    for config in both_channels(&server, &account) {
        let config = config.to_builder().database(schema.name()).build()?;
        let connection = Connection::connect(&config).await?;
        let id = connection.thread_id();
        connection.close().await?;
        until_quit(&server, id).await;
        assert_eq!(log_of(&server, id), ["Connect", "Quit"], "{config:?}");
    }
    assert_eq!(connects_of(&server, &account), 2);
    Ok(())
}

#[tokio::test]
async fn private_server_a_dropped_connection_says_quit_and_nothing_else() -> Result<(), Error> {
    let server = with_general_log();
    let account = Account::new(&server);
    let connection = connect(account.config()).await?;
    let id = connection.thread_id();
    drop(connection);
    until_quit(&server, id).await;
    assert_eq!(log_of(&server, id), ["Connect", "Quit"]);
    Ok(())
}

#[tokio::test]
async fn private_server_init_commands_run_in_the_order_given() -> Result<(), Error> {
    let server = with_general_log();
    let account = Account::new(&server);
    let config = account.config().init_command("SET @a = 1");
    let config = config.init_command("SET @b = @a + 1").init_command("DO 3");
    let connection = connect(config).await?;
    let id = connection.thread_id();
    connection.close().await?;
    until_quit(&server, id).await;
    let sql = format!(
        "SELECT argument FROM mysql.general_log \
         WHERE thread_id = {id} AND command_type = 'Query'"
    );
    let queries = server.sql(&sql).unwrap();
    assert_eq!(queries, "SET @a = 1\nSET @b = @a + 1\nDO 3\n");
    assert_eq!(
        log_of(&server, id),
        ["Connect", "Query", "Query", "Query", "Quit"]
    );
    Ok(())
}

/// By TCP, and by the Unix socket, for which the user gets one more account.
fn both_channels(server: &LiveServer, account: &Account<'_>) -> [Config; 2] {
    account.local();
    let config = account.config();
    let socket = config.clone().socket(server.socket().unwrap());
    [config.build().unwrap(), socket.build().unwrap()]
}

fn with_general_log() -> LiveServer {
    let server = LiveServer::builder().option("--log-output=TABLE");
    server.option("--general-log=ON").start().unwrap()
}

fn grant_all(account: &Account<'_>) {
    let sql = format!("GRANT ALL ON *.* TO {}", account.sql_name());
    account.server().sql(&sql).unwrap();
}

/// Waits until the server has no connection of `account`: it has been counted by then.
async fn until_gone(account: &Account<'_>) {
    let sql = format!(
        "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE USER = '{}'",
        account.name()
    );
    until(account.server(), &sql, "0").await;
}

async fn until_quit(server: &LiveServer, id: u32) {
    let sql = format!(
        "SELECT COUNT(*) FROM mysql.general_log \
         WHERE thread_id = {id} AND command_type = 'Quit'"
    );
    until(server, &sql, "1").await;
}

/// The commands of connection `id`. The log is a file in whose order it is read.
fn log_of(server: &LiveServer, id: u32) -> Vec<String> {
    let sql = format!("SELECT command_type FROM mysql.general_log WHERE thread_id = {id}");
    let log = server.sql(&sql).unwrap();
    log.lines().map(str::to_owned).collect()
}

/// How often the user of `account` has connected.
fn connects_of(server: &LiveServer, account: &Account<'_>) -> usize {
    let sql = format!(
        "SELECT argument FROM mysql.general_log \
         WHERE command_type = 'Connect' AND argument LIKE '{}@%'",
        account.name()
    );
    server.sql(&sql).unwrap().lines().count()
}

fn aborted_clients(server: &LiveServer) -> u32 {
    let status = server.sql("SHOW GLOBAL STATUS LIKE 'Aborted_clients'");
    let status = status.unwrap();
    status.split_whitespace().nth(1).unwrap().parse().unwrap()
}
