//! TLS over a pipe that cuts where it is told to: futures dropped at every poll, servers that end
//! or lie at every byte, and that nothing is sent to a server before it has proven who it is.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use otaria::{
    AuthError, CallbackError, CertificateProblem, Config, ConfigBuilder, Connection, Credentials,
    Error, Fingerprint, Pem, SslMode, TlsError, TlsProof,
};
use otaria_auth::AuthSwitchRequest;
use otaria_codec::{Capabilities, OkPacket};
use otaria_text::{ComPing, ComQuery};
use protocol_tests::certificates::{Identity, Leaf};
use protocol_tests::pipe::{Action, Cut, Peer, Pipe, PipeHandle};
use protocol_tests::polls::{at_every_byte, at_every_poll, poll_times};
use protocol_tests::script::{Compressed, Reply, Script, Tls, greeting};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::{CertifiedKey, SingleCertAndKey};
use tokio_rustls::rustls::version::{TLS12, TLS13};

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
    assert!(polls > 400, "{polls}");
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

/// A man in the middle can show the certificate of the real server, and relay its proof.
#[tokio::test]
async fn the_certificate_of_a_server_without_its_key_proves_nothing_in_any_mode() {
    let (real, thief) = (identity(), identity());
    for version in [&TLS12, &TLS13] {
        let provider = Arc::new(ring::default_provider());
        let key = PrivateKeyDer::from_pem_slice(thief.key_pem().as_bytes()).unwrap();
        let key = provider.key_provider.load_private_key(key).unwrap();
        let shown = CertifiedKey::new(vec![CertificateDer::from(real.der().to_vec())], key);
        let server = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[version])
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(shown)));
        let server = Arc::new(server);
        for config in [
            trusting(&real),
            builder().ssl_fingerprint(fingerprint(&real)),
            builder(),
            builder().ssl_mode(SslMode::Trust),
            builder().ssl_mode(SslMode::Prefer),
        ] {
            let peer = Tls::with_config(never_logged_in().behind_tls(), &server);
            let pipe = Pipe::new(peer, Cut::Whole);
            let result = Connection::connect_over(pipe, &config.build().unwrap()).await;
            let error = result.unwrap_err();
            let refused = matches!(error, Error::Tls(TlsError::Handshake(_)));
            assert!(refused, "{error:?}");
        }
    }
}

fn fingerprint(identity: &Identity) -> Fingerprint {
    let bytes = identity.fingerprint();
    let digits: Vec<_> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    digits.join(":").parse().unwrap()
}

/// Counts the reads of a stream.
struct Counting {
    pipe: Pipe,
    reads: Arc<AtomicUsize>,
}

impl AsyncRead for Counting {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        Pin::new(&mut self.pipe).poll_read(context, buffer)
    }
}

impl AsyncWrite for Counting {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.pipe).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipe).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipe).poll_shutdown(context)
    }
}

#[tokio::test]
async fn a_read_over_tls_takes_a_whole_record() {
    let identity = identity();
    let reads = Arc::new(AtomicUsize::new(0));
    let stream = Counting {
        pipe: Pipe::new(serve(&identity, script()), Cut::Whole),
        reads: Arc::clone(&reads),
    };
    let config = trusting(&identity).build().unwrap();
    let mut connection = Connection::connect_over(stream, &config).await.unwrap();
    reads.store(0, Ordering::Relaxed);
    assert_eq!(names(&mut connection, LONG).await[0].len(), 100_000);
    // 100,000 bytes are seven records.
    assert!(reads.load(Ordering::Relaxed) <= 10, "{reads:?}");
}

#[tokio::test]
async fn a_renewed_ca_file_is_read_for_the_next_connection_and_a_missing_one_sends_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ca.pem");
    let config = builder().ssl_ca(path.as_path()).build().unwrap();
    for _ in 0..2 {
        let identity = identity();
        std::fs::write(&path, identity.certificate_pem() + "\n").unwrap();
        let pipe = Pipe::new(serve(&identity, script()), Cut::Whole);
        Connection::connect_over(pipe, &config).await.unwrap();
    }
    std::fs::remove_file(&path).unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let config = config.to_builder().host("127.0.0.1").port(port);
    let error = Connection::connect(&config.build().unwrap())
        .await
        .unwrap_err();
    assert!(error.to_string().contains("ssl_ca"), "{error}");
    assert_eq!(
        listener.accept().unwrap_err().kind(),
        io::ErrorKind::WouldBlock
    );
}

#[tokio::test]
async fn a_host_that_tls_cannot_name_is_no_harm_where_names_are_not_compared() {
    let identity = identity();
    for host in ["127.1 ", "größe.example.org", "fe80::1%eth0"] {
        for mode in [SslMode::Prefer, SslMode::Trust, SslMode::VerifyCa] {
            let pipe = Pipe::new(serve(&identity, script()), Cut::Whole);
            let config = trusting(&identity)
                .host(host)
                .ssl_mode(mode)
                .build()
                .unwrap();
            let connection = Connection::connect_over(pipe, &config).await.unwrap();
            let proven = connection.tls().unwrap().proof.is_proven();
            assert_eq!(proven, mode == SslMode::VerifyCa, "{host} {mode}");
        }
        let pipe = Pipe::new(serve(&identity, never_logged_in()), Cut::Whole);
        let config = trusting(&identity).host(host).build().unwrap();
        let error = Connection::connect_over(pipe, &config).await.unwrap_err();
        assert!(matches!(error, Error::Tls(_)), "{host}: {error:?}");
    }
}

#[tokio::test]
async fn a_session_is_resumed_where_credentials_are_asked_for_too() {
    let identity = identity();
    let server = identity.server_config();
    let provider = || async { Ok::<_, CallbackError>(Credentials::new("u", "p")) };
    let config = trusting(&identity)
        .credentials_provider(provider)
        .build()
        .unwrap();
    for resumed in [false, true] {
        let pipe = Pipe::new(Tls::with_config(script().behind_tls(), &server), Cut::Whole);
        let mut connection = Connection::connect_over(pipe, &config).await.unwrap();
        assert_eq!(connection.tls().unwrap().resumed, resumed);
        assert_eq!(names(&mut connection, NEW).await, ["new"]);
    }
}

/// The records of TLS that a client has sent behind its `SSLRequest`: type and length.
fn records(sent: &[u8]) -> Vec<(u8, usize)> {
    let mut left = &sent[36..];
    let mut records = Vec::new();
    while let [kind, _, _, high, low, rest @ ..] = left {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        records.push((*kind, length));
        left = &rest[length..];
    }
    records
}

/// Two bytes, their type and a tag: inside TLS 1.3 an alert looks like data.
const ALERT: (u8, usize) = (0x17, 19);

#[tokio::test]
async fn tls_is_ended_by_an_alert_whether_the_connection_is_closed_dropped_or_refused() {
    let identity = identity();
    let (connection, handle) = connected(&identity).await;
    connection.close().await.unwrap();
    assert_eq!(records(&handle.received()).last(), Some(&ALERT));
    let (connection, handle) = connected(&identity).await;
    drop(connection);
    assert_eq!(records(&handle.received()).last(), Some(&ALERT));

    let pipe = Pipe::new(serve(&self::identity(), never_logged_in()), Cut::Whole);
    let handle = pipe.handle();
    let config = trusting(&identity).build().unwrap();
    Connection::connect_over(pipe, &config).await.unwrap_err();
    assert_eq!(records(&handle.received()).last(), Some(&ALERT));
}

/// What a server of 11.4 proves itself by, for the password `p`.
fn proof_by_password(identity: &Identity) -> String {
    let stored = Sha1::digest(Sha1::digest("p"));
    let proof = Sha256::new()
        .chain_update(stored)
        .chain_update([b's'; 20])
        .chain_update(identity.fingerprint())
        .finalize();
    let digits: Vec<_> = proof.iter().map(|byte| format!("{byte:02X}")).collect();
    format!("\x01{}", digits.concat())
}

#[tokio::test]
async fn a_server_that_the_password_has_proven_may_get_another_one_in_clear() {
    let identity = identity();
    let log_in = |proof: String| {
        let login = Reply::new().packet(&OkPacket {
            info: proof.as_bytes(),
            ..OkPacket::default()
        });
        let clear = Reply::new().packet(&AuthSwitchRequest {
            auth_plugin: "mysql_clear_password",
            plugin_data: b"",
        });
        let change = move |payload: &[u8]| {
            (payload[0] == 0x11).then(|| clear.clone().then_answer(Reply::ok()))
        };
        let script = script().login(login).answer(change).behind_tls();
        let heard = script.heard();
        (Pipe::new(Tls::new(script, &identity), Cut::Whole), heard)
    };
    let config = builder().clear_password(true).ssl_mode(SslMode::Prefer);
    let config = config.build().unwrap();
    let (pipe, heard) = log_in(proof_by_password(&identity));
    let mut connection = Connection::connect_over(pipe, &config).await.unwrap();
    assert_eq!(connection.tls().unwrap().proof, TlsProof::Password);
    connection
        .change_user("other", "in clear", None)
        .await
        .unwrap();
    assert_eq!(heard.take(), [b"in clear\0"]);

    let (pipe, heard) = log_in(proof_by_password(&self::identity()));
    let mut connection = Connection::connect_over(pipe, &config).await.unwrap();
    assert!(!connection.tls().unwrap().proof.is_proven());
    let error = connection.change_user("other", "in clear", None).await;
    let refused = matches!(error, Err(Error::Auth(AuthError::UnprovenChannel { .. })));
    assert!(refused, "{error:?}");
    assert!(heard.take().is_empty());
}
