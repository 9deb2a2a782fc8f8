//! Where an account has no room for the connection by which its statement is stopped.

use otaria::{ErrorKind, Stopped};
use protocol_tests::live::Schema;
use tokio::time::sleep;

use super::*;

/// An account that may have two connections.
async fn account(schema: &Schema<'_>) -> Config {
    let user = schema.name();
    let create =
        format!("CREATE USER {user}@'%' IDENTIFIED BY 'secret' WITH MAX_USER_CONNECTIONS 2");
    connect("").await.simple_execute(&create).await.unwrap();
    let config = config("").to_builder().user(user).password("secret");
    let config = config.stop_timeout(Duration::from_secs(60));
    config.build().unwrap()
}

/// There is no room for another connection.
async fn is_refused(config: &Config) {
    let error = Connection::connect(config).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooManyConnections, "{error}");
}

async fn drop_account(schema: &Schema<'_>) {
    let drop = format!("DROP USER {}@'%'", schema.name());
    connect("").await.simple_execute(&drop).await.unwrap();
}

#[tokio::test]
async fn a_statement_is_stopped_as_soon_as_its_account_has_room_for_another_connection() {
    let schema = live::shared().schema("stop_room").unwrap();
    let config = account(&schema).await;
    let mut connection = Connection::connect(&config).await.unwrap();
    let thread_id = connection.thread_id();
    let other = Connection::connect(&config).await.unwrap();
    is_refused(&config).await;
    give_up_running(thread_id, async {
        connection.execute(BENCHMARK, ()).await.map(drop)
    })
    .await;
    let make_room = async {
        sleep(Duration::from_millis(300)).await;
        other.close().await.unwrap();
    };
    let (stopped, ()) = tokio::join!(connection.stop(), make_room);
    assert_eq!(stopped.unwrap(), Stopped::Killed);
    is_gone(thread_id, &super::config("")).await;
    drop(connection);
    drop_account(&schema).await;
}

#[tokio::test]
async fn a_token_waits_until_its_account_has_room_for_another_connection() {
    let schema = live::shared().schema("token_room").unwrap();
    let config = account(&schema).await;
    let mut connection = Connection::connect(&config).await.unwrap();
    let other = Connection::connect(&config).await.unwrap();
    is_refused(&config).await;
    let token = connection.cancel_token();
    let cancel = async {
        sleep(Duration::from_millis(150)).await;
        let make_room = async {
            sleep(Duration::from_millis(300)).await;
            other.close().await.unwrap();
        };
        tokio::join!(token.cancel(), make_room).0
    };
    let (result, stopped) = tokio::join!(connection.execute(BENCHMARK, ()), cancel);
    assert_eq!(stopped.unwrap(), Stopped::Killed);
    // It may come to its end all the same, as BENCHMARK does.
    if let Err(error) = result {
        assert_eq!(error.kind(), ErrorKind::Cancelled, "{error}");
    }
    drop(connection);
    drop_account(&schema).await;
}
