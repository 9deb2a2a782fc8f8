//! What a server has to prove before it is told to stop a statement of another connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use otaria::{Pem, TlsProof};
use protocol_tests::certificates::{Identity, Leaf};
use protocol_tests::fake_server::FakePort;
use protocol_tests::script::Tls;

use super::stops::{Numbers, process_list};
use super::*;

/// What the connection beside the first one comes to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Beside {
    /// A server that proves itself by the same certificate.
    Same,
    /// One with a certificate that nobody trusts.
    Stranger,
    /// One without TLS.
    InClear,
}

fn identity() -> Identity {
    Identity::self_signed(&Leaf::server(["127.0.0.1"]))
}

/// A server that has the certificate of `identity` for the connection that comes first. To the others it
/// shows that one's statement, and it counts what they tell it to end.
async fn serve(identity: &Identity, beside: Beside, kills: &Arc<AtomicUsize>) -> FakeServer {
    let kills = Arc::clone(kills);
    let first = identity.server_config();
    let stranger = self::identity().server_config();
    let mut first_port = None;
    let serve = move |port| -> Box<dyn Peer> {
        let ports = (*first_port.get_or_insert(port), port);
        let kills = Arc::clone(&kills);
        let script = script().answer(move |command| {
            let said = String::from_utf8_lossy(command.get(1..)?);
            if said.contains("PROCESSLIST") {
                return Some(process_list(ports, Numbers::Kept, Some(ENDLESS)));
            }
            said.starts_with("KILL").then(|| {
                kills.fetch_add(1, Ordering::SeqCst);
                Reply::ok()
            })
        });
        let is_first = ports.0 == port;
        match beside {
            Beside::InClear if !is_first => Box::new(script),
            Beside::Stranger if !is_first => {
                Box::new(Tls::with_config(script.behind_tls(), &stranger))
            }
            _ => Box::new(Tls::with_config(script.behind_tls(), &first)),
        }
    };
    FakePort::new().await.serve_ports(serve)
}

#[tokio::test]
async fn a_server_that_proves_itself_less_than_that_of_the_statement_is_not_told_to_stop_it() {
    for beside in [Beside::Same, Beside::Stranger, Beside::InClear] {
        let identity = identity();
        let kills = Arc::default();
        let server = serve(&identity, beside, &kills).await;
        // By it each of them is good enough for a login.
        let config = Config::builder()
            .host("127.0.0.1")
            .port(server.port())
            .user("u")
            .ssl_mode(SslMode::Prefer)
            .ssl_ca(Pem::bytes(identity.certificate_pem().into_bytes()));
        let mut connection = Connection::connect(&config.build().unwrap()).await.unwrap();
        assert_eq!(connection.tls().unwrap().proof, TlsProof::Certificate);
        let token = connection.cancel_token();
        let stopped = tokio::select! {
            biased;
            done = connection.simple_execute(ENDLESS) => panic!("{done:?}"),
            stopped = token.cancel() => stopped.unwrap(),
        };
        let expected = match beside {
            Beside::Same => Stopped::Killed,
            Beside::Stranger | Beside::InClear => Stopped::NotFound,
        };
        assert_eq!(stopped, expected, "{beside:?}");
        let is_told = kills.load(Ordering::SeqCst) > 0;
        assert_eq!(is_told, beside == Beside::Same, "{beside:?}");
        assert!(server.visits() > 1, "{beside:?}");
    }
}
