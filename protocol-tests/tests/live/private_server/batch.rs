use otaria::{BatchWay, Config, Connection, Error};
use protocol_tests::live::LiveServer;

#[tokio::test]
async fn a_batch_goes_through_whatever_max_allowed_packet_is() -> Result<(), Error> {
    let server = LiveServer::start().unwrap();
    server.sql("SET GLOBAL max_allowed_packet = 1024").unwrap();
    server
        .sql("CREATE DATABASE small; CREATE TABLE small.t (id INT PRIMARY KEY, v TEXT)")
        .unwrap();
    let config: Config = server.url("small").parse().unwrap();
    let mut connection = Connection::connect(&config).await?;
    let rows = (0..1000).map(|id| (id, "x".repeat(100)));
    let executed = connection
        .execute_batch("INSERT INTO t VALUES (?, ?)", rows)
        .await?;
    assert_eq!((executed.rows, executed.affected_rows), (1000, 1000));
    assert_eq!(executed.way, BatchWay::Bulk);
    let told: (u64,) = connection
        .query_one("SELECT @@max_allowed_packet", ())
        .await?;
    assert_eq!(told, (1024,));
    Ok(())
}
