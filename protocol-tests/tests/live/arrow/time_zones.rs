//! TIMESTAMP, and the zone of the session.

use otaria::arrow::array::AsArray;
use otaria::arrow::datatypes::{DataType, TimeUnit, TimestampMicrosecondType};
use otaria::{ArrowOptions, Config, Connection, Error, QueryArrow, SessionTimeZone};
use protocol_tests::live;

use super::{PROTOCOLS, read};
use crate::connect;

const TABLE: &str = "CREATE TABLE t (at TIMESTAMP(6) NOT NULL, local DATETIME NOT NULL);
    SET time_zone = '+00:00'; INSERT INTO t VALUES ('2024-02-29 12:00:00.000001', '2024-02-29 12:00:00')";
const SELECT: &str = "SELECT at, local FROM t";

/// Noon of that day, and a microsecond.
const INSTANT: i64 = 1_709_208_000_000_001;
const HOUR: i64 = 3_600_000_000;

/// The type, the zone in the metadata and the value of `at`, by both protocols alike.
async fn at(connection: &mut Connection, options: &ArrowOptions) -> (DataType, String, i64) {
    let mut found = Vec::new();
    for protocol in PROTOCOLS {
        let (batch, _) = read(connection, SELECT, (protocol, options)).await.unwrap();
        let schema = batch.schema();
        let field = schema.field(0);
        let zone = field.metadata().get("MARIADB:time_zone").unwrap().clone();
        let at = batch.column(0).as_primitive::<TimestampMicrosecondType>();
        found.push((field.data_type().clone(), zone, at.value(0)));
        let local = schema.field(1).data_type();
        assert_eq!(*local, naive(), "DATETIME has no zone");
    }
    assert_eq!(found[0], found[1]);
    found.remove(0)
}

fn naive() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, None)
}

fn utc() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

#[tokio::test]
async fn a_timestamp_is_in_utc_where_the_zone_of_the_session_is_known_also_after_it_is_set()
-> Result<(), Error> {
    let schema = live::shared().schema("zones").unwrap();
    schema.sql(TABLE).unwrap();
    let mut connection = connect(schema.name()).await;
    let options = ArrowOptions::default();
    for (zone, hours) in [("+00:00", 0), ("+05:30", 0), ("-12:00", 0), ("+13:00", 0)] {
        connection.execute("SET time_zone = ?", (zone,)).await?;
        let found = at(&mut connection, &options).await;
        assert_eq!(found, (utc(), zone.to_owned(), INSTANT + hours));
    }
    connection
        .simple_execute("SET time_zone = 'SYSTEM'")
        .await?;
    let system = at(&mut connection, &options).await;
    assert_eq!((system.0, system.1.as_str()), (naive(), "SYSTEM"));

    // The statement is prepared once, and the zone is that of the session all the same.
    connection
        .simple_execute("SET time_zone = '+01:00'")
        .await?;
    assert_eq!(at(&mut connection, &options).await.2, INSTANT);
    Ok(())
}

#[tokio::test]
async fn a_timestamp_without_a_known_zone_is_what_the_server_gives() -> Result<(), Error> {
    let schema = live::shared().schema("zones").unwrap();
    schema.sql(TABLE).unwrap();
    let mut connection = connect(schema.name()).await;
    connection
        .simple_execute("SET time_zone = '+02:00'")
        .await?;
    let naive_option = ArrowOptions::default().with_timestamp_zone(otaria::TimestampZone::Naive);
    let found = at(&mut connection, &naive_option).await;
    assert_eq!(found, (naive(), "+02:00".to_owned(), INSTANT + 2 * HOUR));

    // Who knows what zone the server's own is can say so.
    connection
        .simple_execute("SET time_zone = 'SYSTEM'")
        .await?;
    let system = at(&mut connection, &ArrowOptions::default()).await.2;
    let known = ArrowOptions::default().with_time_zone(SessionTimeZone::Offset { seconds: 0 });
    assert_eq!(
        at(&mut connection, &known).await,
        (utc(), "SYSTEM".to_owned(), system)
    );
    Ok(())
}

#[tokio::test]
async fn the_zone_of_the_configuration_counts_and_comes_back_after_a_reset() -> Result<(), Error> {
    let schema = live::shared().schema("zones").unwrap();
    schema.sql(TABLE).unwrap();
    let config: Config = schema.url().parse()?;
    let config = config.to_builder().time_zone("+03:00").build()?;
    let mut connection = Connection::connect(&config).await?;
    let options = ArrowOptions::default();
    let found = at(&mut connection, &options).await;
    assert_eq!(found, (utc(), "+03:00".to_owned(), INSTANT));
    connection.reset().await?;
    assert_eq!(at(&mut connection, &options).await, found);
    Ok(())
}

#[tokio::test]
async fn in_a_transaction_the_zone_is_that_of_its_session() -> Result<(), otaria::RecordBatchError>
{
    let schema = live::shared().schema("zones").unwrap();
    schema.sql(TABLE).unwrap();
    let mut connection = connect(schema.name()).await;
    let mut transaction = connection.transaction().await?;
    transaction.execute("SET time_zone = '-03:00'", ()).await?;
    let mut batches = transaction.query_arrow(SELECT, ()).await?;
    assert_eq!(*batches.schema().field(0).data_type(), utc());
    let batch = batches.next().await?.expect("a row");
    let at = batch.column(0).as_primitive::<TimestampMicrosecondType>();
    assert_eq!(at.value(0), INSTANT);
    transaction.rollback().await?;
    Ok(())
}
