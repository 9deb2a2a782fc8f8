use otaria::{Config, Connection, Error};
use protocol_tests::live;

async fn connect() -> Connection {
    let config: Config = live::shared().url("").parse().unwrap();
    Connection::connect(&config).await.unwrap()
}

#[tokio::test]
async fn a_query_returns_its_rows() -> Result<(), Error> {
    let mut connection = connect().await;
    let rows = connection.simple_query("SELECT 1, 'a', NULL, 2.50").await?;
    let rows: Vec<(i64, String, Option<i32>, otaria::Decimal)> = rows.collect().await?;
    assert_eq!(rows.len(), 1);
    assert_eq!((rows[0].0, rows[0].1.as_str(), rows[0].2), (1, "a", None));
    assert_eq!(rows[0].3.to_string(), "2.50");
    connection.close().await
}
