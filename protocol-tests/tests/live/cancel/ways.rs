//! Stopping over every kind of connection.

use otaria::{Compression, SslMode, Stopped, TlsProof};

use super::*;

async fn stops_over(config: &Config) -> Connection {
    let mut connection = Connection::connect(config).await.unwrap();
    let thread_id = connection.thread_id();
    for sql in [SLEEP, &millions()] {
        let call = async { connection.simple_execute(sql).await.map(drop) };
        give_up(call).await;
        assert_eq!(connection.stop().await.unwrap(), Stopped::Killed, "{sql}");
        goes_on(&mut connection, thread_id).await;
    }
    connection
}

#[tokio::test]
async fn a_statement_is_stopped_over_a_unix_socket() {
    let Some(socket) = live::shared().socket() else {
        panic!("OTARIA_TEST_URL has no socket");
    };
    let config = config("").to_builder().socket(socket).build().unwrap();
    stops_over(&config).await;
}

/// A container shows its socket at one path to its server and at another one to clients.
#[tokio::test]
async fn private_server_a_statement_is_stopped_over_a_unix_socket_that_the_server_knows_by_another_path()
 {
    let server = live::LiveServer::start().unwrap();
    let own = server.socket().expect("a socket");
    let moved = own.with_file_name("moved");
    std::fs::rename(own, &moved).unwrap();
    let config: Config = server.url("").parse().unwrap();
    let config = config.to_builder().socket(&moved).build().unwrap();
    stops_over(&config).await;
}

#[tokio::test]
async fn a_statement_is_stopped_over_compressed_packets() {
    let compression = Compression::default().with_threshold(0);
    let config = config("")
        .to_builder()
        .compression(compression)
        .build()
        .unwrap();
    stops_over(&config).await;
}

#[tokio::test]
async fn what_a_procedure_runs_is_not_told_from_others_over_a_unix_socket() {
    let schema = live::shared().schema("procedure_socket").unwrap();
    let socket = live::shared().socket().expect("a socket");
    let config = config(schema.name())
        .to_builder()
        .socket(socket)
        .build()
        .unwrap();
    let mut connection = Connection::connect(&config).await.unwrap();
    let thread_id = connection.thread_id();
    let create = "CREATE PROCEDURE sleeps(n INT) SELECT SLEEP(n)";
    connection.simple_execute(create).await.unwrap();
    give_up(async { connection.execute("CALL sleeps(?)", (60,)).await.map(drop) }).await;
    assert_eq!(connection.stop().await.unwrap(), Stopped::NotFound);
    assert!(connection.close_reason().is_some());
    is_gone(thread_id, &config).await;
}

#[tokio::test]
async fn a_statement_is_stopped_over_tls_that_is_proven() {
    let authority = protocol_tests::certificates::Authority::new("the tests of stopping");
    let leaf = protocol_tests::certificates::Leaf::server(["localhost", "127.0.0.1"]);
    let identity = authority.issue(&leaf);
    let server = live::LiveServer::builder().tls(&identity).start().unwrap();
    let config: Config = server.url("").parse().unwrap();
    let config = config
        .to_builder()
        .ssl_mode(SslMode::VerifyFull)
        .ssl_ca(otaria::Pem::bytes(authority.pem().into_bytes()))
        .build()
        .unwrap();
    let connection = stops_over(&config).await;
    let tls = connection.tls().expect("it is encrypted");
    assert_eq!(tls.proof, TlsProof::Certificate);
}
