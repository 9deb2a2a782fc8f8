//! The plugins of MySQL that no password goes to.

use std::process::Command;

use otaria::{AuthError, ConfigBuilder, Error};

use crate::server::{connect, server, value};

/// MySQL's own, and those that the tests of this folder install.
const TESTED: [&str; 4] = [
    "auth_socket",
    "caching_sha2_password",
    "mysql_no_login",
    "sha256_password",
];

#[tokio::test]
async fn auth_socket_lets_in_whom_the_operating_system_knows() {
    install("auth_socket").await;
    let me = Command::new("id").arg("-un").output().unwrap();
    let me = String::from_utf8(me.stdout).unwrap();
    let user = account(&format!("auth_socket AS '{}'", me.trim())).await;
    // Any password will do, for none is asked for.
    for config in [server().unix(), server().unix().password("any")] {
        let mut connection = connect(config.user(&user)).await.unwrap();
        let current = value(&mut connection, "SELECT CURRENT_USER()").await;
        assert_eq!(current, format!("{user}@%"));
    }
    is_denied(server().proven().user(&user), 1698).await;
    let other = account("auth_socket AS 'nobody else'").await;
    is_denied(server().unix().user(&other), 1698).await;
}

#[tokio::test]
async fn mysql_no_login_lets_nobody_in() {
    install("mysql_no_login").await;
    let user = account("mysql_no_login").await;
    for config in [server().unix(), server().proven(), server().plain()] {
        is_denied(config.user(&user).password("any"), 1045).await;
    }
}

/// One that a server comes with and nobody has thought of is found by this.
#[tokio::test]
async fn every_plugin_that_is_active_is_tested() {
    let sql = "SELECT GROUP_CONCAT(PLUGIN_NAME) FROM information_schema.PLUGINS \
        WHERE PLUGIN_TYPE = 'AUTHENTICATION' AND PLUGIN_STATUS = 'ACTIVE'";
    let rows = server().administer(&[sql]).await;
    for plugin in rows[0].0.split(',') {
        assert!(TESTED.contains(&plugin), "{plugin}");
    }
}

async fn install(plugin: &str) {
    let install = format!("INSTALL PLUGIN {plugin} SONAME '{plugin}.so'");
    server().administer(&[&install]).await;
}

async fn account(identified_with: &str) -> String {
    let user = server().account("caching_sha2_password", "").await;
    let alter = format!("ALTER USER {user} IDENTIFIED WITH {identified_with}");
    server().administer(&[&alter]).await;
    user
}

async fn is_denied(config: ConfigBuilder, code: u16) {
    let error = connect(config).await.unwrap_err();
    let denied =
        matches!(&error, Error::Auth(AuthError::Server { code: found, .. }) if *found == code);
    assert!(denied, "{error:?}");
}
