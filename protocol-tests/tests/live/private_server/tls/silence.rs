//! Servers that close or fall silent at each point of a login over TLS.

use std::time::Duration;

use otaria::{Error, TimeoutPhase};
use protocol_tests::certificates::Leaf;
use protocol_tests::tls_proxy::{End, Stop, TlsProxy};
use tokio::task::JoinSet;

use super::{by, place, tls_of};

const STOPS: [Stop; 4] = [
    Stop::Greeting,
    Stop::SslRequest,
    Stop::TlsHandshake,
    Stop::HandshakeResponse,
];

#[tokio::test]
async fn a_server_that_closes_during_the_tls_handshake_or_around_it_is_an_error() {
    let identity = place().authority.issue(&Leaf::server(["127.0.0.1"]));
    for stop in STOPS {
        let proxy = TlsProxy::showing(&place().server, &identity).stop(stop, End::Close);
        let (_proxy, config) = by(proxy, place().verified()).await;
        let error = tls_of(config).await.unwrap_err();
        let expected = matches!(error, Error::ConnectionLost { .. } | Error::Io { .. });
        assert!(expected, "{stop:?}: {error:?}");
    }
}

#[tokio::test]
async fn a_server_that_falls_silent_in_a_login_over_tls_is_a_timeout_of_connect() {
    let identity = place().authority.issue(&Leaf::server(["127.0.0.1"]));
    // All at once: it is mostly waiting.
    let logins = STOPS.into_iter().map(|stop| {
        let proxy = TlsProxy::showing(&place().server, &identity).stop(stop, End::Silence);
        async move {
            let config = place().verified().connect_timeout(SHORT);
            let (_proxy, config) = by(proxy, config).await;
            is_timeout(&tls_of(config).await, &stop);
        }
    });
    logins.collect::<JoinSet<()>>().join_all().await;
}

fn is_timeout(result: &Result<otaria::TlsInfo, Error>, what: &impl std::fmt::Debug) {
    let phase = TimeoutPhase::Connect;
    let expected = matches!(result, Err(Error::Timeout { phase: found, .. }) if *found == phase);
    assert!(expected, "{what:?}: {result:?}");
}

/// Long enough to come to the point of silence.
const SHORT: Duration = Duration::from_millis(1500);
