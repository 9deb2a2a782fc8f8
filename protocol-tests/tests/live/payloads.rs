//! Payloads around the length at which they are split.

use otaria::{Compression, Config, Connection, Error, Pem, SslMode, TlsProof};
use otaria_codec::{Capabilities, MAX_BODY_BYTES};
use protocol_tests::certificates::{Authority, Leaf};
use protocol_tests::live::{self, LiveServer};
use protocol_tests::polls::poll_times;

use crate::connect;

const PATTERN: &str = "0123456789abcdefg";

const LENGTHS: [usize; 4] = [
    MAX_BODY_BYTES - 1,
    MAX_BODY_BYTES,
    MAX_BODY_BYTES + 1,
    2 * MAX_BODY_BYTES,
];

fn pattern(bytes: usize) -> String {
    PATTERN.chars().cycle().take(bytes).collect()
}

/// SQL for the same text. RPAD would count four bytes a character and give NULL.
fn pattern_sql(bytes: usize) -> String {
    let (whole, rest) = (bytes / PATTERN.len(), bytes % PATTERN.len());
    format!("CONCAT(REPEAT('{PATTERN}', {whole}), LEFT('{PATTERN}', {rest}))")
}

/// The one value of one row.
async fn value(connection: &mut Connection, sql: &str) -> Result<String, Error> {
    let mut rows = connection.simple_query(sql).await?;
    let value = rows.next().await?.expect("a row").get(0)?;
    assert!(rows.next().await?.is_none());
    Ok(value)
}

/// A connection that compresses everything.
async fn compressed() -> Connection {
    let config: Config = live::shared().url("mysql").parse().unwrap();
    let config = config.to_builder().compression(everything()).build();
    let connection = Connection::connect(&config.unwrap()).await.unwrap();
    assert!(connection.capabilities().contains(Capabilities::COMPRESS));
    connection
}

fn everything() -> Compression {
    Compression::default().with_threshold(0)
}

/// A server with a certificate, and what its connections are to be like.
struct Encrypted {
    server: LiveServer,
    ca: String,
}

impl Encrypted {
    fn start() -> Self {
        let authority = Authority::new("of the payloads");
        let identity = authority.issue(&Leaf::server(["127.0.0.1"]));
        // Twice 16 MiB, and what is around them.
        let server = LiveServer::builder().option("--max-allowed-packet=64M");
        Self {
            server: server.tls(&identity).start().unwrap(),
            ca: authority.pem(),
        }
    }

    async fn connect(&self, compression: Option<Compression>) -> Connection {
        let config: Config = self.server.url("mysql").parse().unwrap();
        let config = config.to_builder().ssl_mode(SslMode::VerifyFull);
        let config = config.ssl_ca(Pem::bytes(self.ca.as_bytes()));
        let config = config.compression(compression).build().unwrap();
        let connection = Connection::connect(&config).await.unwrap();
        let tls = connection.tls().unwrap();
        assert_eq!(tls.proof, TlsProof::Certificate);
        let negotiated = connection.capabilities().contains(Capabilities::COMPRESS);
        assert_eq!(negotiated, compression.is_some());
        connection
    }
}

async fn payloads_are_written(mut connection: Connection) {
    for payload in LENGTHS {
        let (before, after) = ("SELECT SHA2('", "', 256)");
        let text = pattern(payload - 1 - before.len() - after.len());
        let sql = format!("{before}{text}{after}");
        assert_eq!(sql.len() + 1, payload);
        let same = format!("SELECT SHA2({}, 256)", pattern_sql(text.len()));
        let expected = value(&mut connection, &same).await.unwrap();
        assert_eq!(
            value(&mut connection, &sql).await.unwrap(),
            expected,
            "{payload} bytes"
        );
    }
}

async fn payloads_are_read(mut connection: Connection) {
    for payload in LENGTHS {
        // The length of the text takes 4 bytes below 16 MiB and 9 bytes from there on.
        let length = if payload - 4 < 0x0100_0000 {
            payload - 4
        } else {
            payload - 9
        };
        let sql = format!("SELECT {}", pattern_sql(length));
        let text = value(&mut connection, &sql).await.unwrap();
        assert!(text == pattern(length), "{payload} bytes");
        assert_eq!(
            value(&mut connection, "SELECT 'next'").await.unwrap(),
            "next"
        );
    }
}

#[tokio::test]
async fn payload_of_exactly_0xffffff_and_its_neighbours_on_write_comes_back_whole() {
    payloads_are_written(connect("").await).await;
}

#[tokio::test]
async fn payload_of_exactly_0xffffff_and_its_neighbours_on_read_comes_back_whole() {
    payloads_are_read(connect("").await).await;
}

#[tokio::test]
async fn payload_of_exactly_0xffffff_and_its_neighbours_on_write_compressed_comes_back_whole() {
    payloads_are_written(compressed().await).await;
}

#[tokio::test]
async fn payload_of_exactly_0xffffff_and_its_neighbours_on_read_compressed_comes_back_whole() {
    payloads_are_read(compressed().await).await;
}

#[tokio::test]
async fn private_server_payload_of_exactly_0xffffff_and_its_neighbours_over_tls_comes_back_whole() {
    let encrypted = Encrypted::start();
    payloads_are_written(encrypted.connect(None).await).await;
    payloads_are_read(encrypted.connect(None).await).await;
}

#[tokio::test]
async fn private_server_payload_of_exactly_0xffffff_and_its_neighbours_over_tls_and_compression_comes_back_whole()
 {
    let encrypted = Encrypted::start();
    payloads_are_written(encrypted.connect(Some(everything())).await).await;
    payloads_are_read(encrypted.connect(Some(everything())).await).await;
}

#[tokio::test]
async fn many_rows_and_dropped_queries_over_compression_leave_the_next_query_whole() {
    let mut connection = compressed().await;
    for polls in (0..100).map(|round| round % 10) {
        let query = async {
            let sql = &live::shared().dialect("SELECT seq, REPEAT('old', 20) FROM seq_1_to_3000");
            let rows = connection.simple_query(sql).await?;
            rows.collect::<(i64, String)>().await
        };
        if let Some(rows) = poll_times(query, polls).await {
            assert_eq!(rows.unwrap().len(), 3000);
        }
        assert_eq!(
            value(&mut connection, "SELECT 'next'").await.unwrap(),
            "next"
        );
    }
    connection.reset().await.unwrap();
    connection.ping().await.unwrap();
    connection.close().await.unwrap();
}

#[tokio::test]
async fn text_row_whose_first_column_is_16_mib_and_whose_first_byte_is_0xfe_is_data() {
    let mut connection = connect("").await;
    for length in [0x0100_0000_usize, 0x0100_0001] {
        let sql = format!("SELECT {}, 'second'", pattern_sql(length));
        let mut rows = connection.simple_query(&sql).await.unwrap();
        let row = rows.next().await.unwrap().expect("it is a row");
        assert!(row.get::<&str>(0).unwrap() == pattern(length));
        assert_eq!(row.get::<&str>(1).unwrap(), "second");
        assert!(rows.next().await.unwrap().is_none());
    }
}

#[tokio::test]
async fn a_query_longer_than_max_allowed_packet_gets_the_servers_words() {
    let mut connection = connect("").await;
    let limit: usize = value(&mut connection, "SELECT CAST(@@max_allowed_packet AS CHAR)")
        .await
        .unwrap()
        .parse()
        .unwrap();
    // So little more that the server reads it all, and so much more that it hangs up on the way.
    for more in [0, 16 * 1024 * 1024] {
        let mut connection = connect("").await;
        let sql = format!("SELECT '{}'", "x".repeat(limit + more));
        let error = value(&mut connection, &sql).await.unwrap_err();
        assert!(
            matches!(&error, Error::EndedByServer(error) if error.code() == 1153),
            "{error:?}"
        );
    }
    let sql = format!("SELECT '{}'", "x".repeat(limit));
    let error = value(&mut connection, &sql).await.unwrap_err();
    assert!(
        matches!(&error, Error::EndedByServer(error) if error.code() == 1153),
        "{error:?}"
    );
    let error = connection.ping().await.unwrap_err();
    assert!(
        matches!(error, Error::Closed { .. } | Error::ConnectionLost { .. }),
        "{error:?}"
    );
}
