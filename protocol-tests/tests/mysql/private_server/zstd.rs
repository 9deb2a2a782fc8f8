//! What the server sends compressed by zstd.

use otaria::{Compression, CompressionAlgorithm, ConfigBuilder, Connection};
use otaria_codec::{Capabilities, MAX_BODY_BYTES};
use protocol_tests::polls::poll_times;

use crate::server::{connect, server, value};

fn zstd() -> Compression {
    Compression::default().with_algorithm(CompressionAlgorithm::Zstd)
}

async fn compressed(config: ConfigBuilder, compression: Compression) -> Connection {
    let connection = connect(config.compression(compression)).await.unwrap();
    let capabilities = connection.capabilities();
    assert!(capabilities.contains(Capabilities::ZSTD_COMPRESSION_ALGORITHM));
    assert!(!capabilities.contains(Capabilities::COMPRESS));
    connection
}

/// A variable of the session's status.
async fn status(connection: &mut Connection, name: &str) -> String {
    let sql = format!(
        "SELECT VARIABLE_VALUE FROM performance_schema.session_status WHERE VARIABLE_NAME = '{name}'"
    );
    value(connection, &sql).await
}

#[tokio::test]
async fn the_server_compresses_by_zstd_at_the_level_that_it_is_told() {
    for (level, told) in [(1, "1"), (22, "22"), (99, "22")] {
        let mut connection =
            compressed(server().unix().user("root"), zstd().with_level(level)).await;
        let algorithm = status(&mut connection, "Compression_algorithm").await;
        assert_eq!(algorithm, "zstd");
        let found = status(&mut connection, "Compression_level").await;
        assert_eq!(found, told);
        let sent: u64 = status(&mut connection, "Bytes_sent").await.parse().unwrap();
        let text = value(&mut connection, "SELECT REPEAT('text', 1000000)").await;
        assert_eq!(text, "text".repeat(1_000_000));
        let after = status(&mut connection, "Bytes_sent").await;
        let after: u64 = after.parse().unwrap();
        assert!(after - sent < 100_000, "{} bytes", after - sent);
    }
}

#[tokio::test]
async fn payloads_of_two_packets_go_both_ways_and_rows_of_every_length_come() {
    let mut connection = compressed(server().unix().user("root"), zstd()).await;
    for length in [
        0,
        1,
        100,
        65_536,
        MAX_BODY_BYTES - 4,
        MAX_BODY_BYTES,
        MAX_BODY_BYTES + 10,
    ] {
        let text = "é".repeat(length / 2) + &"x".repeat(length % 2);
        let found: (String,) = connection.query_one("SELECT ?", (&text,)).await.unwrap();
        assert!(found.0 == text, "{length}");
    }
    let sql = "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers \
               WHERE n < 1000) SELECT n, RANDOM_BYTES(n) FROM numbers";
    let mut rows = connection.simple_query(sql).await.unwrap();
    let mut expected = 1;
    while let Some(row) = rows.next().await.unwrap() {
        let (number, bytes): (usize, Vec<u8>) = row.read().unwrap();
        assert_eq!((number, bytes.len()), (expected, expected));
        expected += 1;
    }
    assert_eq!(expected, 1_001);
}

#[tokio::test]
async fn dropped_queries_inside_tls_leave_the_next_one_whole() {
    let user = server().account("caching_sha2_password", "secret").await;
    let config = server().proven().user(user).password("secret");
    let mut connection = compressed(config, zstd()).await;
    let sql = "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers \
               WHERE n < 1000) SELECT n, REPEAT('old', 50) FROM numbers";
    for polls in (0..100).map(|round| round % 10) {
        let query = async {
            let rows = connection.simple_query(sql).await?;
            rows.collect::<(i64, String)>().await
        };
        if let Some(rows) = poll_times(query, polls).await {
            assert_eq!(rows.unwrap().len(), 1_000);
        }
        assert_eq!(value(&mut connection, "SELECT 'next'").await, "next");
    }
    connection.reset().await.unwrap();
    connection.close().await.unwrap();
}
