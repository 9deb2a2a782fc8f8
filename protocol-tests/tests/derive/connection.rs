//! Derived rows out of a connection.

use otaria::{Config, Connection, Error, FromRow};
use otaria_text::ComQuery;
use protocol_tests::pipe::{Cut, Pipe};
use protocol_tests::script::{Reply, Script};

#[derive(Debug, FromRow, PartialEq)]
struct Item {
    name: String,
    #[otaria(default)]
    note: Option<String>,
}

#[derive(FromRow)]
struct Lent<'r> {
    name: &'r str,
}

const SQL: &str = "SELECT other, name FROM item";

async fn connection() -> Connection {
    let rows = [["x", "kettle"], ["y", "pot"]];
    let script = Script::new().on(&ComQuery::new(SQL), Reply::rows(&["other", "name"], rows));
    let config = Config::builder().build().unwrap();
    Connection::connect_over(Pipe::new(script, Cut::Whole), &config)
        .await
        .unwrap()
}

#[tokio::test]
async fn all_rows_are_collected() -> Result<(), Error> {
    let mut connection = connection().await;
    let reading = async {
        let rows = connection.simple_query(SQL).await?;
        rows.collect::<Item>().await
    };
    let items = send(reading).await?;
    let item = |name: &str| Item {
        name: name.into(),
        note: None,
    };
    assert_eq!(items, [item("kettle"), item("pot")]);
    Ok(())
}

#[tokio::test]
async fn rows_are_read_one_by_one_and_by_chunks() -> Result<(), Error> {
    let mut connection = connection().await;
    let mut bytes = 0;
    let mut rows = connection.simple_query(SQL).await?;
    while let Some(row) = rows.next().await? {
        bytes += row.read::<Lent<'_>>()?.name.len();
    }
    let mut rows = connection.simple_query(SQL).await?;
    while let Some(chunk) = rows.next_chunk().await? {
        for row in chunk.read::<Lent<'_>>()? {
            bytes += row?.name.len();
        }
    }
    assert_eq!(bytes, 2 * "kettlepot".len());
    Ok(())
}

#[tokio::test]
async fn a_missing_column_is_an_unknown_one_and_the_connection_stays_usable() -> Result<(), Error> {
    #[derive(Debug, FromRow)]
    #[expect(dead_code, reason = "never read")]
    struct Priced {
        name: String,
        price: u32,
    }
    let mut connection = connection().await;
    let rows = connection.simple_query(SQL).await?;
    let error = rows.collect::<Priced>().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "no column `price`; the row has 2 columns"
    );
    let rows = connection.simple_query(SQL).await?;
    assert_eq!(rows.collect::<Item>().await?.len(), 2);
    Ok(())
}

fn send<F: Future + Send>(future: F) -> F {
    future
}
