//! MySQL's default plugin, on every channel.

use otaria::{AuthError, ConfigBuilder, Connection, Error, Pem, SslMode};

use super::tls::by_fingerprint;
use crate::server::{connect, server, value};

const PLUGIN: &str = "caching_sha2_password";

/// The ways on which the password itself may go.
fn ways() -> [(&'static str, ConfigBuilder); 5] {
    let server = server();
    let public_key = Pem::File(server.own_file("public_key.pem"));
    [
        ("TLS proven by an authority", server.proven()),
        ("TLS proven by a fingerprint", by_fingerprint()),
        ("Unix socket", server.unix()),
        ("key retrieved", server.plain().public_key_retrieval(true)),
        ("key known", server.plain().server_public_key(public_key)),
    ]
}

/// The ways on which it may not: without TLS, and by TLS where nothing proves the server.
fn ways_that_reveal_it() -> [(&'static str, ConfigBuilder); 3] {
    let server = server();
    [
        ("plain", server.plain()),
        ("prefer", server.tcp()),
        ("trust", server.tcp().ssl_mode(SslMode::Trust)),
    ]
}

/// Passwords around the length of a scramble, one longer than any, and one that is not ASCII.
fn passwords() -> [String; 6] {
    let of = |length: usize| {
        "a password of many bytes "
            .chars()
            .cycle()
            .take(length)
            .collect()
    };
    [
        of(1),
        of(19),
        of(20),
        of(21),
        of(255),
        "pässwörd-密码".to_owned(),
    ]
}

async fn assert_is(mut connection: Connection, user: &str, way: &str) {
    let current = value(&mut connection, "SELECT CURRENT_USER()").await;
    assert_eq!(current, format!("{user}@%"), "{way}");
    connection.close().await.unwrap();
}

fn assert_denied(result: Result<Connection, Error>, way: &str) {
    let error = result.unwrap_err();
    let is_denied = matches!(&error, Error::Auth(AuthError::Server { code: 1045, .. }));
    assert!(is_denied, "{way}: {error:?}");
}

fn assert_would_reveal(result: Result<Connection, Error>, way: &str) {
    let error = result.unwrap_err();
    let would =
        matches!(&error, Error::Auth(AuthError::UnprovenChannel { plugin }) if plugin == PLUGIN);
    assert!(would, "{way}: {error:?}");
}

#[tokio::test]
async fn second_connect_uses_the_sha2_cache_whatever_the_first_one_took() {
    for (way, config) in ways() {
        for password in passwords() {
            let user = server().account(PLUGIN, &password).await;
            let of = |config: ConfigBuilder| config.user(&user).password(password.as_str());
            for (reveals, config) in ways_that_reveal_it() {
                assert_would_reveal(connect(of(config)).await, reveals);
            }
            let first = connect(of(config.clone())).await;
            if password.len() == 255 && way.starts_with("key") {
                // An RSA key of 256 bytes, less 42 of OAEP with SHA-1, less the NUL.
                let error = first.unwrap_err();
                let limit = matches!(
                    error,
                    Error::Auth(AuthError::PasswordTooLong { limit: 213 })
                );
                assert!(limit, "{way}: {error:?}");
                continue;
            }
            let first =
                first.unwrap_or_else(|error| panic!("{way}, {}: {error:?}", password.len()));
            assert_is(first, &user, way).await;
            // Where the password may not go, only its hash can have been enough.
            for (reveals, config) in ways_that_reveal_it() {
                let second = connect(of(config)).await;
                let second = second.unwrap_or_else(|error| panic!("{way}, {reveals}: {error:?}"));
                assert_is(second, &user, reveals).await;
            }
            assert_is(connect(of(config.clone())).await.unwrap(), &user, way).await;
        }
    }
}

#[tokio::test]
async fn a_changed_password_is_cached_anew() {
    let user = server().account(PLUGIN, "before").await;
    let of = |config: ConfigBuilder, password: &str| config.user(&user).password(password);
    connect(of(server().proven(), "before")).await.unwrap();
    connect(of(server().plain(), "before")).await.unwrap();
    let alter = format!("ALTER USER {user} IDENTIFIED BY 'after'");
    server().administer(&[&alter]).await;
    assert_would_reveal(connect(of(server().plain(), "after")).await, "not cached");
    assert_denied(connect(of(server().proven(), "before")).await, "no longer");
    connect(of(server().proven(), "after")).await.unwrap();
    connect(of(server().plain(), "after")).await.unwrap();
}

#[tokio::test]
async fn a_wrong_password_is_denied_before_and_after_the_right_one_is_cached() {
    for (way, config) in ways() {
        let user = server().account(PLUGIN, "right").await;
        let of =
            |config: &ConfigBuilder, password: &str| config.clone().user(&user).password(password);
        for _ in 0..2 {
            assert_denied(connect(of(&config, "wrong")).await, way);
            assert_denied(connect(of(&config, "")).await, way);
            assert_is(connect(of(&config, "right")).await.unwrap(), &user, way).await;
        }
        // The server asks for the password itself to be sure; what is wrong may be right elsewhere.
        for (reveals, config) in ways_that_reveal_it() {
            assert_would_reveal(connect(of(&config, "wrong")).await, reveals);
        }
    }
}

#[tokio::test]
async fn an_empty_password_is_never_asked_for() {
    for (way, config) in ways().into_iter().chain(ways_that_reveal_it()) {
        let user = server().account(PLUGIN, "").await;
        let connection = connect(config.clone().user(&user)).await;
        assert_is(connection.unwrap(), &user, way).await;
    }
}

#[tokio::test]
async fn a_password_for_an_account_without_one_is_denied() {
    for (way, config) in ways() {
        let user = server().account(PLUGIN, "").await;
        assert_denied(connect(config.user(&user).password("given")).await, way);
    }
}

#[tokio::test]
async fn a_user_who_does_not_exist_is_denied() {
    // A host from which nobody may come is refused before it has named a user.
    server().account(PLUGIN, "any").await;
    for (way, config) in ways() {
        let config = config.user("otaria_nobody").password("any");
        assert_denied(connect(config).await, way);
    }
}

#[tokio::test]
async fn a_key_that_is_not_the_servers_gives_nothing_away_and_is_denied() {
    let user = server().account(PLUGIN, "secret").await;
    let other = Pem::bytes(OTHER_KEY.as_bytes());
    let config = server().plain().user(&user).password("secret");
    let result = connect(config.server_public_key(other)).await;
    assert_denied(result, "another key");
}

/// A key of 2048 bits that no server has.
const OTHER_KEY: &str = "\
-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAqMtYEksEYGFCumgfsdfm
RmRLp4eT8wF+OSd6S1PEbsulITBu/KXOeJuDjg/vlh6zC1SF9ESIy2GTF8BL1HR9
T9HJhPIv068R0kcrd8Ag6IDQ3/oLlwiD4/NRpt2kQmkTUAnznEwdvgs2kXp4gqCs
F214o1njrwjKcRQurFoxdyjR/rRs5x5igg6HpQaB3oLF2hRlAzxFfD8LLQPrD+0p
euw4eN0KZGchuVc/fiLZk3mrCaQjPIbgxJDoFdwc/NOqVIteFwqaJGj3TTHWtyVu
UoWXZC4+wfINow75Ss040q0cAahVSqx4RQ4j47MLbAB1bRQhmBxrNbhsoH3d/NVD
QQIDAQAB
-----END PUBLIC KEY-----
";
