//! TLS with a real server: what proves who it is, what a man in the middle gets, what is refused.

mod attackers;
mod certificates;
mod clients;
mod modes;
mod silence;
mod zero_configuration;

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use otaria::{Config, ConfigBuilder, Connection, Error, Pem, SslMode, TlsInfo};
use protocol_tests::certificates::{Authority, Leaf};
use protocol_tests::live::LiveServer;
use protocol_tests::tls_proxy::{Builder, TlsProxy};

/// A server with a certificate for this machine, who issued it and what else it trusts.
struct Place {
    authority: Authority,
    server: LiveServer,
}

/// The one that all these tests share.
fn place() -> &'static Place {
    static PLACE: OnceLock<Place> = OnceLock::new();
    PLACE.get_or_init(|| {
        let authority = Authority::new("the tests of TLS");
        let identity = authority.issue(&Leaf::server(["localhost", "127.0.0.1"]));
        let server = LiveServer::builder().tls(&identity);
        let server = server.tls_clients_of(&authority).start().unwrap();
        if let Err(error) = server.sql("INSTALL SONAME 'auth_parsec'") {
            println!("{error}");
        }
        Place { authority, server }
    })
}

impl Place {
    /// How to log in, without TLS so far, and never for long.
    fn config(&self) -> ConfigBuilder {
        let config = Config::builder().host("127.0.0.1").port(self.server.port());
        let config = config.user(self.server.user());
        config
            .password(self.server.password())
            .connect_timeout(Duration::from_secs(30))
    }

    /// The same, where the server has to be proven by this authority.
    fn verified(&self) -> ConfigBuilder {
        self.config()
            .ssl_mode(SslMode::VerifyFull)
            .ssl_ca(self.ca())
    }

    fn ca(&self) -> Pem {
        Pem::bytes(self.authority.pem().into_bytes())
    }

    /// A user of a new name that is `IDENTIFIED` so, on a server that is thrown away.
    fn user(&self, identified: &str) -> String {
        static COUNTER: AtomicU32 = AtomicU32::new(0);
        let count = COUNTER.fetch_add(1, Ordering::Relaxed);
        let name = format!("tls_{count}");
        let sql = format!("CREATE USER {name}@'%' {identified}");
        self.server.sql(&sql).unwrap();
        name
    }

    /// Whether the server proves itself by the password.
    fn proves_itself(&self) -> bool {
        self.server.is_at_least((11, 4))
    }
}

async fn connect(config: ConfigBuilder) -> Result<Connection, Error> {
    Connection::connect(&config.build()?).await
}

/// Logs in and out. Says how the connection was encrypted.
async fn tls_of(config: ConfigBuilder) -> Result<TlsInfo, Error> {
    let connection = connect(config).await?;
    let tls = connection.tls().cloned().expect("TLS");
    connection.close().await?;
    Ok(tls)
}

/// Starts a man in the middle, and leads `config` to it.
async fn by(proxy: Builder, config: ConfigBuilder) -> (TlsProxy, ConfigBuilder) {
    let proxy = proxy.start().await.unwrap();
    let config = config.port(proxy.port());
    (proxy, config)
}

/// The modes that ask for TLS.
const TLS_MODES: [SslMode; 4] = [
    SslMode::Prefer,
    SslMode::Trust,
    SslMode::VerifyCa,
    SslMode::VerifyFull,
];
