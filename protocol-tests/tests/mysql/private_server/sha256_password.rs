//! The plugin that caches nothing, as long as MySQL has it.

use otaria::{AuthError, ConfigBuilder, Error, Pem, SslMode};

use super::tls::by_fingerprint;
use crate::server::{connect, server, value};

const PLUGIN: &str = "sha256_password";

/// Each way on which the password may go, and whether it is encrypted with the server's key there.
fn ways() -> [(ConfigBuilder, bool); 5] {
    let server = server();
    let public_key = Pem::File(server.own_file("public_key.pem"));
    [
        (server.proven(), false),
        (by_fingerprint(), false),
        (server.unix(), true),
        (server.plain().public_key_retrieval(true), true),
        (server.plain().server_public_key(public_key), true),
    ]
}

#[tokio::test]
async fn the_password_goes_by_proven_tls_or_encrypted_each_time() {
    let pattern = "a password of many bytes ".repeat(11);
    for password in [0, 1, 19, 20, 21, 213, 255].map(|bytes| &pattern[..bytes]) {
        let user = server().account(PLUGIN, password).await;
        for (config, is_encrypted) in ways() {
            let config = config.user(&user);
            for _ in 0..2 {
                let result = connect(config.clone().password(password)).await;
                if is_encrypted && password.len() == 255 {
                    let error = result.unwrap_err();
                    let limit = matches!(
                        error,
                        Error::Auth(AuthError::PasswordTooLong { limit: 213 })
                    );
                    assert!(limit, "{error:?}");
                    continue;
                }
                let mut connection = result.unwrap();
                let current = value(&mut connection, "SELECT CURRENT_USER()").await;
                assert_eq!(current, format!("{user}@%"));
            }
            let error = connect(config.password("wrong")).await.unwrap_err();
            let is_denied = matches!(error, Error::Auth(AuthError::Server { code: 1045, .. }));
            assert!(is_denied, "{error:?}");
        }
    }
}

#[tokio::test]
async fn the_password_goes_nowhere_where_it_would_be_revealed() {
    let user = server().account(PLUGIN, "secret").await;
    let without = server().account(PLUGIN, "").await;
    for config in [
        server().plain(),
        server().tcp(),
        server().tcp().ssl_mode(SslMode::Trust),
    ] {
        connect(config.clone().user(&without)).await.unwrap();
        for _ in 0..2 {
            let result = connect(config.clone().user(&user).password("secret")).await;
            let error = result.unwrap_err();
            let would = matches!(error, Error::Auth(AuthError::UnprovenChannel { .. }));
            assert!(would, "{error:?}");
            // There is no cache for it to be in.
            connect(server().proven().user(&user).password("secret"))
                .await
                .unwrap();
        }
    }
}
