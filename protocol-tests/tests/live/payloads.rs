//! Payloads around the length at which they are split.

use otaria::{Connection, Error};
use otaria_codec::MAX_BODY_BYTES;

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

#[tokio::test]
async fn payload_of_exactly_0xffffff_and_its_neighbours_on_write_comes_back_whole() {
    let mut connection = connect("").await;
    for payload in LENGTHS {
        let (before, after) = ("SELECT MD5('", "')");
        let text = pattern(payload - 1 - before.len() - after.len());
        let sql = format!("{before}{text}{after}");
        assert_eq!(sql.len() + 1, payload);
        let same = format!("SELECT MD5({})", pattern_sql(text.len()));
        let expected = value(&mut connection, &same).await.unwrap();
        assert_eq!(
            value(&mut connection, &sql).await.unwrap(),
            expected,
            "{payload} bytes"
        );
    }
}

#[tokio::test]
async fn payload_of_exactly_0xffffff_and_its_neighbours_on_read_comes_back_whole() {
    let mut connection = connect("").await;
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
    let sql = format!("SELECT '{}'", "x".repeat(limit));
    let error = value(&mut connection, &sql).await.unwrap_err();
    assert!(
        matches!(&error, Error::Server(error) if error.code() == 1153),
        "{error:?}"
    );
    let error = connection.ping().await.unwrap_err();
    assert!(
        matches!(error, Error::Closed { .. } | Error::ConnectionLost { .. }),
        "{error:?}"
    );
}
