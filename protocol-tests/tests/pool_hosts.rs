//! A pool over several hosts, and a server that became read-only.

use otaria::{Config, ConfigBuilder, Error, ErrorKind, Pool, RetryPolicy, Role, SslMode};
use otaria_text::{ComPing, ComQuery};
use protocol_tests::fake_server::FakeServer;
use protocol_tests::script::{Reply, Script};

const WRITE: &str = "DELETE FROM t";

/// A server that tells of no changes of a session, and refuses writes if it is read-only.
fn script(is_read_only: bool) -> Script {
    let refused = Reply::err(1193, *b"HY000", "Unknown system variable");
    let message = "The MariaDB server is running with the --read-only option so …";
    let (value, written) = if is_read_only {
        ("1", Reply::err(1290, *b"HY000", message))
    } else {
        ("0", Reply::ok())
    };
    Script::new()
        .on(&ComPing, Reply::ok())
        .on(&ComQuery::new(WRITE), written)
        .on(
            &ComQuery::new("SELECT @@read_only"),
            Reply::rows(&["@@read_only"], [[value]]),
        )
        .answer(move |command| match command {
            [0x03, sql @ ..] if sql.starts_with(b"SET ") => Some(refused.clone()),
            // COM_RESET_CONNECTION
            [0x1f] => Some(Reply::ok()),
            _ => None,
        })
}

fn config(servers: &[&FakeServer]) -> ConfigBuilder {
    let config = Config::builder().ssl_mode(SslMode::Disable).user("u");
    let add =
        |config: ConfigBuilder, server: &&FakeServer| config.add_host("127.0.0.1", server.port());
    servers.iter().fold(config, add)
}

#[tokio::test]
async fn a_pool_leaves_a_host_alone_that_failed() -> Result<(), Error> {
    let full = || Script::new().login(Reply::err(1040, *b"08004", "Too many connections"));
    let (full, well) = (
        FakeServer::start(full).await,
        FakeServer::start(|| script(false)).await,
    );
    let pool = Pool::builder(config(&[&full, &well]).build()?).build();
    let held = [pool.get().await?, pool.get().await?, pool.get().await?];
    assert_eq!((full.visits(), well.visits()), (1, 3));
    drop(held);
    pool.close().await;
    Ok(())
}

#[tokio::test]
async fn a_connection_whose_server_became_read_only_is_handed_to_nobody_else() -> Result<(), Error>
{
    let mut visits = 0;
    let server = FakeServer::start(move || {
        visits += 1;
        script(visits == 1)
    });
    let server = server.await;
    let pool = Pool::builder(config(&[&server]).build()?)
        .max_size(1)
        .build();
    let mut connection = pool.get().await?;
    let error = connection.simple_execute(WRITE).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ReadOnly, "{error}");
    // It is not for reading, either.
    connection.ping().await?;
    drop(connection);
    let mut connection = pool.get().await?;
    connection.simple_execute(WRITE).await?;
    assert_eq!((server.visits(), pool.status().retired), (2, 1));
    drop(connection);
    // One that was never refused goes on.
    pool.get().await?.simple_execute(WRITE).await?;
    assert_eq!(server.visits(), 2);
    pool.close().await;
    Ok(())
}

#[tokio::test]
async fn what_is_repeated_through_a_pool_finds_the_server_that_takes_writes() -> Result<(), Error> {
    let mut visits = 0;
    // The first one was the writer when the pool connected to it.
    let first = FakeServer::start(move || {
        visits += 1;
        let written = Reply::err(1290, *b"HY000", "… the --read-only option …");
        if visits == 1 {
            let rows = Reply::rows(&["@@read_only"], [["0"]]);
            Script::new()
                .on(&ComQuery::new("SELECT @@read_only"), rows)
                .on(&ComQuery::new(WRITE), written)
                .answer(|command| match command {
                    [0x03, ..] => Some(Reply::err(1193, *b"HY000", "Unknown system variable")),
                    _ => Some(Reply::ok()),
                })
        } else {
            script(true)
        }
    });
    let (first, next) = (first.await, FakeServer::start(|| script(false)).await);
    let config = config(&[&first, &next]).role(Role::Writer).build()?;
    let pool = Pool::builder(config).max_size(1).build();
    let done = RetryPolicy::new()
        .run(async || {
            let mut connection = pool.get().await?;
            connection.simple_execute(WRITE).await
        })
        .await;
    done.unwrap();
    assert_eq!((first.visits(), next.visits()), (2, 1));
    pool.close().await;
    Ok(())
}
