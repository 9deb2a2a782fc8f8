//! `COM_CHANGE_USER`, in which each plugin has its dialogue once more.

use std::time::Duration;

use otaria::{AuthError, CloseReason, Connection, Error};

use crate::server::{connect, server, value};

const PLUGIN: &str = "caching_sha2_password";

async fn current_user(connection: &mut Connection) -> String {
    value(connection, "SELECT SUBSTRING_INDEX(CURRENT_USER(), '@', 1)").await
}

#[tokio::test]
async fn the_user_changes_on_every_channel_with_and_without_the_sha2_cache() {
    let server = server();
    let schema = server.schema().await;
    for config in [
        server.proven(),
        server.unix(),
        server.plain().public_key_retrieval(true),
    ] {
        let first = server.account(PLUGIN, "of the first").await;
        let second = server.account(PLUGIN, "of the second").await;
        let without = server.account(PLUGIN, "").await;
        let config = config.user(&first).password("of the first");
        let mut connection = connect(config).await.unwrap();
        connection.simple_execute("SET @a = 1").await.unwrap();
        for _ in 0..2 {
            for (user, password) in [
                (&second, "of the second"),
                (&without, ""),
                (&first, "of the first"),
            ] {
                connection
                    .change_user(user, password, Some(&schema))
                    .await
                    .unwrap();
                assert_eq!(&current_user(&mut connection).await, user);
                assert_eq!(value(&mut connection, "SELECT DATABASE()").await, schema);
                assert_eq!(connection.session_state().schema(), Some(&*schema));
                assert_eq!(
                    value(&mut connection, "SELECT CAST(@a IS NULL AS CHAR)").await,
                    "1"
                );
            }
        }
        connection.close().await.unwrap();
    }
}

#[tokio::test]
async fn the_plugin_changes_with_the_user() {
    let caching = server().account(PLUGIN, "of the first").await;
    let sha256 = server().account("sha256_password", "of the second").await;
    let config = server().proven().user(&caching).password("of the first");
    let mut connection = connect(config).await.unwrap();
    for _ in 0..2 {
        connection
            .change_user(&sha256, "of the second", None)
            .await
            .unwrap();
        assert_eq!(current_user(&mut connection).await, sha256);
        connection
            .change_user(&caching, "of the first", None)
            .await
            .unwrap();
        assert_eq!(current_user(&mut connection).await, caching);
    }
}

#[tokio::test]
async fn a_password_that_would_be_revealed_closes_the_connection() {
    let user = server().account(PLUGIN, "of the user").await;
    let without = server().account(PLUGIN, "").await;
    let mut connection = connect(server().plain().user(&without)).await.unwrap();
    let error = connection
        .change_user(&user, "of the user", None)
        .await
        .unwrap_err();
    assert!(
        matches!(error, Error::Auth(AuthError::UnprovenChannel { .. })),
        "{error:?}"
    );
    assert!(connection.close_reason().is_some());
}

/// MariaDB goes on with the old user; MySQL says no and closes the connection.
#[tokio::test]
async fn a_wrong_password_is_denied_whatever_would_come_after_the_change() {
    let user = server().account(PLUGIN, "of the user").await;
    let config = server().proven().user(&user).password("of the user");
    let limit = Duration::from_secs(1);
    for config in [
        config.clone(),
        config.clone().init_command("SET @a = 1"),
        config.max_statement_time(limit),
    ] {
        let mut connection = connect(config).await.unwrap();
        let error = connection
            .change_user(&user, "wrong", None)
            .await
            .unwrap_err();
        let is_denied = matches!(&error, Error::Server(error) if error.code() == 1045);
        assert!(is_denied, "{error:?}");
        connection.ping().await.unwrap_err();
        assert_eq!(connection.close_reason(), Some(CloseReason::Lost));
    }
}
