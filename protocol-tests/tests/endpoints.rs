//! What makes another endpoint be tried, and what does not.

use std::time::Duration;

use otaria::{Config, ConfigBuilder, Connection, Error};
use otaria_text::ComQuery;
use protocol_tests::pipe::{Action, Peer};
use protocol_tests::script::{Reply, Script};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const INIT: &str = "SET @a = 1";

/// Serves one client after another, and counts them.
struct Server {
    listener: TcpListener,
    port: u16,
}

impl Server {
    async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        Self { listener, port }
    }

    /// Serves with `script` the one client that comes, if it does.
    #[expect(
        clippy::disallowed_methods,
        reason = "nothing is done after the server's future is dropped"
    )]
    async fn serve(self, mut script: Script) {
        let (mut stream, _) = self.listener.accept().await.unwrap();
        let mut actions = Peer::greet(&mut script);
        loop {
            for action in actions.drain(..) {
                match action {
                    Action::Send(bytes) => stream.write_all(&bytes).await.unwrap(),
                    Action::Close | Action::Reset => return,
                }
            }
            let mut buffer = [0; 1024];
            match stream.read(&mut buffer).await {
                Ok(0) | Err(_) => return,
                Ok(read) => actions = script.receive(&buffer[..read]),
            }
        }
    }

    async fn visits(self) -> usize {
        let visit = tokio::time::timeout(Duration::from_millis(100), self.listener.accept()).await;
        usize::from(visit.is_ok())
    }
}

fn config(servers: [&Server; 2]) -> ConfigBuilder {
    let config = Config::builder().ssl_mode(otaria::SslMode::Disable);
    servers
        .into_iter()
        .fold(config.user("u"), |config, server| {
            config.add_host("127.0.0.1", server.port)
        })
}

#[tokio::test]
async fn a_connection_lost_in_an_init_command_is_not_tried_on_the_next_host() {
    let (first, next) = (Server::new().await, Server::new().await);
    let config = config([&first, &next]).init_command(INIT).build().unwrap();
    let script = Script::new().on(&ComQuery::new(INIT), Reply::new().close());
    let (connected, ()) = tokio::join!(Connection::connect(&config), first.serve(script));
    let error = connected.unwrap_err();
    assert!(matches!(error, Error::ConnectionLost { .. }), "{error}");
    assert_eq!(next.visits().await, 0);
}

#[tokio::test]
async fn an_init_command_that_hangs_is_not_tried_on_the_next_host() {
    let (first, next) = (Server::new().await, Server::new().await);
    let config = config([&first, &next]).init_command(INIT);
    let config = config.connect_timeout(Duration::from_secs(2));
    let config = config.build().unwrap();
    let script = Script::new().on(&ComQuery::new(INIT), Reply::new());
    let (connected, ()) = tokio::join!(Connection::connect(&config), first.serve(script));
    let error = connected.unwrap_err();
    assert!(matches!(error, Error::Timeout { .. }), "{error}");
    assert_eq!(next.visits().await, 0);
}
