//! The command-line client as the one in whose middle the proxy is.

use std::process::{Output, Stdio};

use tokio::process::Command;

use super::*;
use crate::certificates::{Authority, Files, Leaf};

/// Runs `SELECT 'inside'` by the proxy. A client that hangs is killed when this is dropped.
async fn client(server: &LiveServer, proxy: &TlsProxy, options: &[&str]) -> Output {
    let mut command = Command::new("mariadb");
    command
        .args([
            "--no-defaults",
            "--batch",
            "--skip-column-names",
            "--protocol=tcp",
        ])
        .arg("--host=127.0.0.1")
        .arg(format!("--port={}", proxy.port()))
        .arg(format!("--user={}", server.user()))
        .args(options)
        .args(["--execute", "SELECT 'inside'"])
        .env("MYSQL_PWD", server.password())
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command.output().await.unwrap()
}

fn tls_server() -> (Authority, LiveServer) {
    let authority = Authority::new("root");
    let identity = authority.issue(&Leaf::server(["localhost", "127.0.0.1"]));
    let server = LiveServer::builder().tls(&identity).start().unwrap();
    (authority, server)
}

#[tokio::test]
async fn private_server_a_server_with_a_certificate_is_reached_and_verified_without_the_proxy() {
    let (authority, server) = tls_server();
    let unused = Identity::self_signed(&Leaf::client("unused"));
    let files = Files::new(&authority, &unused);
    let ca = format!("--ssl-ca={}", files.ca().display());
    let mut command = Command::new("mariadb");
    let port = format!("--port={}", server.port());
    command.args([
        "--no-defaults",
        "--protocol=tcp",
        "--host=127.0.0.1",
        &port,
        &ca,
    ]);
    command.args(["--ssl-verify-server-cert", "--user=root"]);
    command.args(["--execute", "SHOW STATUS LIKE 'Ssl_version'"]);
    let output = command.env("MYSQL_PWD", server.password()).output().await;
    let output = output.unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("TLSv1.3"), "{output:?}");
}

#[tokio::test]
async fn private_server_the_proxy_reads_what_a_client_says_inside_tls() {
    let (_, server) = tls_server();
    let identity = Identity::self_signed(&Leaf::server(["elsewhere"]));
    let proxy = TlsProxy::showing(&server, &identity).start().await.unwrap();
    let options = ["--ssl", "--disable-ssl-verify-server-cert"];
    let output = client(&server, &proxy, &options).await;
    assert_eq!(output.stdout, b"inside\n", "{output:?}");
    let seen = proxy.seen_once().await;
    assert!(seen.tls && !seen.is_silent_but_for_tls(), "{seen:?}");
    assert!(is_ssl_request(&seen.in_clear));
    assert!(seen.contains(b"SELECT 'inside'"));
}

#[tokio::test]
async fn private_server_a_client_that_verifies_sends_nothing_to_the_proxy() {
    let (authority, server) = tls_server();
    let identity = Identity::self_signed(&Leaf::server(["127.0.0.1"]));
    let files = Files::new(&authority, &identity);
    let proxy = TlsProxy::showing(&server, &identity).start().await.unwrap();
    let ca = format!("--ssl-ca={}", files.ca().display());
    let output = client(&server, &proxy, &[&ca, "--ssl-verify-server-cert"]).await;
    assert!(!output.status.success());
    let seen = proxy.seen_once().await;
    assert!(seen.is_silent_but_for_tls(), "{seen:?}");
    assert!(seen.error.is_some_and(|error| error.contains("alert")));
}

#[tokio::test]
async fn private_server_a_proxy_that_strips_tls_reads_all_in_clear() {
    let (_, server) = tls_server();
    let proxy = TlsProxy::stripping(&server).start().await.unwrap();
    let options = ["--disable-ssl-verify-server-cert"];
    let output = client(&server, &proxy, &options).await;
    assert_eq!(output.stdout, b"inside\n", "{output:?}");
    let seen = proxy.seen_once().await;
    assert!(!seen.tls && seen.contains(b"SELECT 'inside'"), "{seen:?}");
    assert!(seen.inside_tls.is_empty());
}

#[tokio::test]
async fn private_server_a_proxy_stops_where_it_is_told_to() {
    let (_, server) = tls_server();
    let identity = Identity::self_signed(&Leaf::server(["127.0.0.1"]));
    let options = [
        "--ssl",
        "--disable-ssl-verify-server-cert",
        "--connect-timeout=1",
    ];
    for end in [End::Close, End::Silence] {
        for (stop, in_clear, inside_tls) in [
            // Read while the proxy is silent, not when it has closed.
            (Stop::Greeting, end == End::Silence, false),
            (Stop::SslRequest, true, false),
            (Stop::TlsHandshake, true, end == End::Silence),
            (Stop::HandshakeResponse, true, true),
        ] {
            let proxy = TlsProxy::showing(&server, &identity).stop(stop, end);
            let proxy = proxy.start().await.unwrap();
            let client = client(&server, &proxy, &options);
            // Its own timeout does not reach into the login.
            let patience = async {
                if end == End::Silence {
                    sends(&proxy, (in_clear, inside_tls)).await;
                    tokio::time::sleep(Duration::from_millis(200)).await;
                } else {
                    std::future::pending::<()>().await;
                }
            };
            let failed = tokio::select! {
                output = client => Some(!output.status.success()),
                () = patience => None,
            };
            assert_eq!(failed, (end == End::Close).then_some(true), "{stop:?}");
            let seen = proxy.seen_once().await;
            assert_eq!(
                sent(&seen),
                (in_clear, inside_tls),
                "{stop:?} {end:?}: {seen:?}"
            );
        }
    }
}

/// Whether something was sent in clear, and inside TLS.
fn sent(seen: &Seen) -> (bool, bool) {
    (!seen.in_clear.is_empty(), !seen.inside_tls.is_empty())
}

/// Waits until a client has sent that much.
async fn sends(proxy: &TlsProxy, much: (bool, bool)) {
    while lock(&proxy.seen).first().map(sent) != Some(much) {
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}
