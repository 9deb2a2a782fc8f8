//! Parameters of one statement whose types change between its executions.

use otaria::{Connection, Error, Pipeline, ValueRef};

use crate::server::{connect, server};

async fn table() -> Result<Connection, Error> {
    let mut connection = connect(server().unix().user("root")).await?;
    let create =
        "CREATE TEMPORARY TABLE mysql.given (id INT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(30))";
    connection.simple_execute(create).await?;
    Ok(connection)
}

const INSERT: &str = "INSERT INTO mysql.given (v) VALUES (?)";

async fn stored(connection: &mut Connection) -> Result<Vec<Option<String>>, Error> {
    let rows = connection
        .query_all::<(Option<String>,)>("SELECT v FROM mysql.given ORDER BY id", ())
        .await?;
    connection.simple_execute("DELETE FROM mysql.given").await?;
    Ok(rows.into_iter().map(|(v,)| v).collect())
}

fn texts(texts: &[&str]) -> Vec<Option<String>> {
    texts.iter().map(|text| Some((*text).to_owned())).collect()
}

/// The server makes a text what the parameter was in an execution before: `7` of `007`.
#[tokio::test]
async fn a_text_behind_a_number_is_stored_as_it_is() -> Result<(), Error> {
    let mut connection = table().await?;
    connection.execute(INSERT, (7,)).await?;
    connection.execute(INSERT, ("007",)).await?;
    connection.execute(INSERT, (Option::<i64>::None,)).await?;
    connection.execute(INSERT, ("+7",)).await?;
    connection.execute(INSERT, (1.5,)).await?;
    connection.execute(INSERT, (&b"1e-400"[..],)).await?;
    connection.execute(INSERT, ("08",)).await?;
    let mut expected = texts(&["7", "007", "", "+7", "1.5", "1e-400", "08"]);
    expected[2] = None;
    assert_eq!(stored(&mut connection).await?, expected);
    Ok(())
}

#[tokio::test]
async fn a_text_behind_a_number_is_stored_as_it_is_by_a_statement_that_is_held() -> Result<(), Error>
{
    let mut connection = table().await?;
    let statement = connection.prepare(INSERT).await?;
    for _ in 0..2 {
        connection.execute(&statement, (7,)).await?;
        connection.execute(&statement, ("007",)).await?;
    }
    assert_eq!(
        stored(&mut connection).await?,
        texts(&["7", "007", "7", "007"])
    );
    // While the types stay, nothing is prepared anew. Behind a text the server does so itself.
    connection.execute(&statement, (7,)).await?;
    let prepares = "SHOW SESSION STATUS LIKE 'Com_stmt_prepare'";
    let before: Vec<(String, String)> = connection.simple_query(prepares).await?.collect().await?;
    for number in 0..5 {
        connection.execute(&statement, (number,)).await?;
    }
    let after: Vec<(String, String)> = connection.simple_query(prepares).await?.collect().await?;
    assert_eq!(before, after);
    Ok(())
}

#[tokio::test]
async fn a_text_behind_a_number_is_stored_as_it_is_by_a_batch_and_a_pipeline() -> Result<(), Error>
{
    let mut connection = table().await?;
    let rows = [
        ValueRef::Int(7),
        ValueRef::Text("007"),
        ValueRef::Int(8),
        ValueRef::Null,
        ValueRef::Text("+8"),
    ];
    connection
        .execute_batch(INSERT, rows.map(|value| (value,)))
        .await?;
    let mut expected = texts(&["7", "007", "8", "", "+8"]);
    expected[3] = None;
    assert_eq!(stored(&mut connection).await?, expected);

    let mut pipeline = Pipeline::new();
    pipeline.push(INSERT, (7,));
    pipeline.push(INSERT, ("007",));
    pipeline.push(INSERT, ("+7",));
    for executed in connection.execute_pipeline(&pipeline).await? {
        assert_eq!(executed?.affected_rows, 1);
    }
    assert_eq!(stored(&mut connection).await?, texts(&["7", "007", "+7"]));
    Ok(())
}
