//! TLS over a pipe that cuts where it is told to: futures dropped at every poll, servers that end
//! or lie at every byte, and that nothing is sent to a server before it has proven who it is.

use std::sync::{Arc, Mutex};

use otaria::{
    CertificateProblem, Config, ConfigBuilder, Connection, Error, Pem, SslMode, TlsError, TlsProof,
};
use otaria_codec::Capabilities;
use otaria_text::{ComPing, ComQuery};
use protocol_tests::certificates::{Identity, Leaf};
use protocol_tests::pipe::{Action, Cut, Peer, Pipe, PipeHandle};
use protocol_tests::polls::{at_every_byte, at_every_poll, poll_times};
use protocol_tests::script::{Compressed, Reply, Script, Tls, greeting};
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;

const OLD: &str = "SELECT 'old'";
const NEW: &str = "SELECT 'new'";
const LONG: &str = "SELECT REPEAT('x', 100000)";

fn identity() -> Identity {
    Identity::self_signed(&Leaf::server(["db.example.org"]))
}

/// A configuration that trusts the certificate of `identity` and no other.
fn trusting(identity: &Identity) -> ConfigBuilder {
    builder().ssl_ca(Pem::bytes(identity.certificate_pem().into_bytes()))
}

fn serve(identity: &Identity, script: Script) -> Tls<Script> {
    Tls::new(script.behind_tls(), identity)
}

fn builder() -> ConfigBuilder {
    let builder = Config::builder().host("db.example.org").user("u");
    builder.password("p").ssl_mode(SslMode::VerifyFull)
}

fn script() -> Script {
    Script::new()
        .on(&ComQuery::new(OLD), Reply::rows(&["old"], [["1"], ["2"]]))
        .on(&ComQuery::new(NEW), Reply::rows(&["new"], [["new"]]))
        .on(
            &ComQuery::new(LONG),
            Reply::rows(&["long"], [["x".repeat(100_000)]]),
        )
        .on(&ComPing, Reply::ok())
}

/// A server that nobody may log in to.
fn never_logged_in() -> Script {
    Script::new().login(Reply::new().raw(b"the client has sent a handshake response"))
}

async fn names(connection: &mut Connection, sql: &str) -> Vec<String> {
    let rows = connection.simple_query(sql).await.unwrap();
    let rows: Vec<(String,)> = rows.collect().await.unwrap();
    rows.into_iter().map(|(name,)| name).collect()
}

async fn connected(identity: &Identity) -> (Connection, PipeHandle) {
    let pipe = Pipe::new(serve(identity, script()), Cut::Whole);
    let handle = pipe.handle();
    let config = trusting(identity).build().unwrap();
    let connection = Connection::connect_over(pipe, &config).await.unwrap();
    (connection, handle)
}

#[tokio::test]
async fn a_connection_says_how_it_is_encrypted_and_how_the_server_was_proven() {
    let identity = identity();
    let (mut connection, handle) = connected(&identity).await;
    let tls = connection.tls().unwrap();
    assert_eq!(tls.version, "TLSv1.3");
    assert!(tls.cipher_suite.starts_with("TLS_AES_"), "{tls:?}");
    assert_eq!((&tls.proof, tls.resumed), (&TlsProof::Certificate, false));
    assert_eq!(names(&mut connection, LONG).await[0].len(), 100_000);
    let sent = handle.received();
    assert!(!sent.windows(OLD.len()).any(|bytes| bytes == OLD.as_bytes()));
    connection.close().await.unwrap();
}

#[tokio::test]
async fn a_later_connection_of_a_configuration_resumes_and_is_judged_anew() {
    let identity = identity();
    let server = identity.server_config();
    let config = trusting(&identity).build().unwrap();
    for resumed in [false, true, true] {
        let pipe = Pipe::new(Tls::with_config(script().behind_tls(), &server), Cut::Whole);
        let mut connection = Connection::connect_over(pipe, &config).await.unwrap();
        let tls = connection.tls().unwrap();
        assert_eq!((&tls.proof, tls.resumed), (&TlsProof::Certificate, resumed));
        // The tickets come with the first answer.
        assert_eq!(names(&mut connection, NEW).await, ["new"]);
        connection.close().await.unwrap();
    }
    let without = config.to_builder().ssl_resumption(false).build().unwrap();
    for _ in 0..2 {
        let pipe = Pipe::new(Tls::with_config(script().behind_tls(), &server), Cut::Whole);
        let mut connection = Connection::connect_over(pipe, &without).await.unwrap();
        assert!(!connection.tls().unwrap().resumed);
        assert_eq!(names(&mut connection, NEW).await, ["new"]);
    }
}

#[tokio::test]
async fn a_certificate_of_a_stranger_is_refused_before_anything_else_is_sent() {
    let (identity, stranger) = (identity(), identity());
    for mode in [SslMode::VerifyCa, SslMode::VerifyFull] {
        let pipe = Pipe::new(serve(&stranger, never_logged_in()), Cut::Whole);
        let config = trusting(&identity).ssl_mode(mode).build().unwrap();
        let error = Connection::connect_over(pipe, &config).await.unwrap_err();
        let refused = TlsError::Certificate(CertificateProblem::UntrustedIssuer);
        assert!(
            matches!(&error, Error::Tls(error) if *error == refused),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn bytes_before_the_tls_upgrade_are_an_error() {
    let identity = identity();
    let injected = [
        &[7, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0][..],
        &[0xff],
        b"\x16\x03\x03\x00\x7a",
    ];
    for bytes in injected {
        let mut greeting = greeting();
        greeting.capabilities |= Capabilities::SSL;
        let script = never_logged_in().behind_tls();
        let script = script.greet(Reply::new().packet(&greeting).raw(bytes));
        let peer = Tls::new(script, &identity);
        let config = trusting(&identity).build().unwrap();
        let result = Connection::connect_over(Pipe::new(peer, Cut::Whole), &config).await;
        let refused = TlsError::BytesBeforeTls { bytes: bytes.len() };
        let error = result.unwrap_err();
        assert!(
            matches!(&error, Error::Tls(error) if *error == refused),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn a_server_without_tls_is_refused_before_anything_is_sent_where_tls_is_required() {
    for mode in [SslMode::Trust, SslMode::VerifyCa, SslMode::VerifyFull] {
        let pipe = Pipe::new(script(), Cut::Whole);
        let handle = pipe.handle();
        let config = builder().ssl_mode(mode).build().unwrap();
        let error = Connection::connect_over(pipe, &config).await.unwrap_err();
        assert!(matches!(error, Error::Auth(_)), "{error:?}");
        assert!(handle.received().is_empty());
    }
}

#[tokio::test]
async fn a_connect_dropped_at_every_poll_sends_nothing_in_clear_but_the_request_for_tls() {
    let identity = identity();
    let config = trusting(&identity).build().unwrap();
    let polls = at_every_poll(async |polls| {
        let pipe = Pipe::new(serve(&identity, script()), Cut::Every(3));
        let handle = pipe.handle();
        let connection = poll_times(Connection::connect_over(pipe, &config), polls).await;
        let sent = handle.received();
        let rest = sent.get(36..).unwrap_or_default();
        // A handshake record, or nothing yet.
        assert!(rest.is_empty() || rest[0] == 0x16, "{rest:?}");
        let Some(connection) = connection else {
            assert!(handle.client_is_gone());
            return false;
        };
        assert_eq!(names(&mut connection.unwrap(), NEW).await, ["new"]);
        true
    })
    .await;
    assert!(polls > 500, "{polls}");
}

#[tokio::test]
async fn a_connect_dropped_at_every_byte_of_the_server() {
    let identity = identity();
    // A resumed handshake is shorter, and its messages differ in length by a few bytes.
    let config = trusting(&identity).ssl_resumption(false).build().unwrap();
    let pipe = Pipe::new(serve(&identity, script()), Cut::Whole);
    let handle = pipe.handle();
    let connection = Connection::connect_over(pipe, &config).await.unwrap();
    let bytes = handle.sent();
    drop(connection);
    at_every_byte(bytes, async |byte| {
        let pipe = Pipe::new(serve(&identity, script()), Cut::Once(byte));
        let mut connection = Connection::connect_over(pipe, &config).await.unwrap();
        assert_eq!(names(&mut connection, NEW).await, ["new"]);
    })
    .await;
}

#[tokio::test]
async fn a_query_over_tls_dropped_at_every_poll_leaves_the_next_its_own_rows() {
    let identity = identity();
    for sql in [OLD, LONG] {
        at_every_poll(async |polls| {
            let (mut connection, handle) = connected(&identity).await;
            handle.set_cut(Cut::Every(if sql == OLD { 1 } else { 997 }));
            let query = async {
                let rows = connection.simple_query(sql).await?;
                rows.collect::<(String,)>().await
            };
            let done = poll_times(query, polls).await;
            assert_eq!(names(&mut connection, NEW).await, ["new"]);
            assert!(connection.is_idle());
            done.is_some_and(|rows| !rows.unwrap().is_empty())
        })
        .await;
    }
}

#[tokio::test]
async fn a_query_over_tls_and_compression_dropped_at_every_poll_leaves_the_next_its_own_rows() {
    let identity = identity();
    let config = trusting(&identity);
    let config = config.compression(otaria::Compression::default());
    let config = config.build().unwrap();
    at_every_poll(async |polls| {
        let peer = Compressed::new(script().behind_tls());
        let pipe = Pipe::new(Tls::new(peer, &identity), Cut::Whole);
        let handle = pipe.handle();
        let mut connection = Connection::connect_over(pipe, &config).await.unwrap();
        handle.set_cut(Cut::Every(1));
        let done = poll_times(connection.simple_execute(OLD), polls).await;
        assert_eq!(names(&mut connection, NEW).await, ["new"]);
        done.is_some_and(|executed| executed.is_ok())
    })
    .await;
}

#[tokio::test]
async fn a_query_over_tls_of_which_nothing_was_encrypted_is_taken_back() {
    let identity = identity();
    let (mut connection, handle) = connected(&identity).await;
    let before = handle.received().len();
    drop(connection.simple_query(OLD));
    assert_eq!(names(&mut connection, NEW).await, ["new"]);
    // One command in one record: its header, its bytes, its type and its tag.
    let record = 5 + 5 + NEW.len() + 1 + 16;
    assert_eq!(handle.received().len() - before, record);
}

/// Notes the names that clients ask for.
#[derive(Debug)]
struct Recorder {
    certificates: Arc<dyn ResolvesServerCert>,
    names: Arc<Mutex<Vec<Option<String>>>>,
}

impl ResolvesServerCert for Recorder {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let name = hello.server_name().map(str::to_owned);
        self.names.lock().unwrap().push(name);
        self.certificates.resolve(hello)
    }
}

#[tokio::test]
async fn sni_names_a_host_and_no_ip_address_host() {
    let hosts = ["db.example.org", "127.0.0.1", "::1"];
    let identity = Identity::self_signed(&Leaf::server(hosts));
    let names = Arc::new(Mutex::new(Vec::new()));
    let mut server = ServerConfig::clone(&identity.server_config());
    server.cert_resolver = Arc::new(Recorder {
        certificates: Arc::clone(&server.cert_resolver),
        names: Arc::clone(&names),
    });
    let server = Arc::new(server);
    for host in hosts {
        let pipe = Pipe::new(Tls::with_config(script().behind_tls(), &server), Cut::Whole);
        let config = trusting(&identity).host(host).build().unwrap();
        let connection = Connection::connect_over(pipe, &config).await.unwrap();
        let proof = &connection.tls().unwrap().proof;
        assert_eq!(*proof, TlsProof::Certificate, "{host}");
    }
    let dns_name = Some("db.example.org".to_owned());
    assert_eq!(*names.lock().unwrap(), [dns_name, None, None]);
}

#[tokio::test]
async fn a_server_that_closes_during_the_tls_handshake_is_an_error_at_every_byte() {
    let identity = identity();
    let config = trusting(&identity).ssl_resumption(false).build().unwrap();
    for bytes in (0..4000).step_by(7) {
        let peer = serve(&identity, script());
        let pipe = Pipe::new(CutOff { peer, left: bytes }, Cut::Whole);
        match Connection::connect_over(pipe, &config).await {
            Ok(_) => assert!(bytes > 1000, "{bytes}"),
            Err(error) => assert!(
                matches!(error, Error::ConnectionLost { .. }),
                "{bytes}: {error:?}"
            ),
        }
    }
}

/// A peer that closes the connection when it has sent so many bytes.
struct CutOff<P> {
    peer: P,
    left: usize,
}

impl<P> CutOff<P> {
    fn cut(&mut self, actions: Vec<Action>) -> Vec<Action> {
        let mut cut = Vec::new();
        for action in actions {
            match action {
                Action::Send(bytes) if bytes.len() >= self.left => {
                    cut.push(Action::Send(bytes[..self.left].to_vec()));
                    cut.push(Action::Close);
                    self.left = 0;
                    return cut;
                }
                Action::Send(bytes) => {
                    self.left -= bytes.len();
                    cut.push(Action::Send(bytes));
                }
                end => cut.push(end),
            }
        }
        cut
    }
}

impl<P: Peer> Peer for CutOff<P> {
    fn greet(&mut self) -> Vec<Action> {
        let actions = self.peer.greet();
        self.cut(actions)
    }

    fn receive(&mut self, bytes: &[u8]) -> Vec<Action> {
        if self.left == 0 {
            return Vec::new();
        }
        let actions = self.peer.receive(bytes);
        self.cut(actions)
    }
}
