//! VECTOR columns that nobody names.

use otaria::arrow::array::AsArray;
use otaria::arrow::datatypes::{DataType, Float32Type};
use otaria::{
    ArrowOptions, Config, Connection, Pool, PoolQueryArrow, QueryArrow, RecordBatchError,
    VectorLookup, params,
};
use protocol_tests::live::{self, Schema};
use protocol_tests::polls::{at_every_poll, poll_times};

use super::has_vectors;
use crate::connect;

/// Two tables whose columns have the same names, but not the same types.
fn fill(schema: &Schema<'_>) {
    let (vector, value) = if has_vectors() {
        ("VECTOR(3)", "VEC_FromText('[1,2,3]')")
    } else {
        ("VARBINARY(12)", "x'0000803f0000004000004040'")
    };
    schema
        .sql(&format!(
            "CREATE TABLE one (id INT, e {vector} NOT NULL, raw VARBINARY(12));
             CREATE TABLE other (id INT, e VARBINARY(12), raw {vector} NOT NULL);
             INSERT INTO one VALUES (1, {value}, x'00112233');
             INSERT INTO other VALUES (1, x'44', {value})"
        ))
        .unwrap();
}

fn is_vector(data_type: &DataType) -> bool {
    matches!(data_type, DataType::FixedSizeList(item, 3) if *item.data_type() == DataType::Float32)
}

/// Which columns of the result are vectors.
async fn vectors(
    connection: &mut Connection,
    sql: &str,
    options: &ArrowOptions,
) -> Result<Vec<bool>, RecordBatchError> {
    let mut batches = connection.query_arrow_with(sql, (), options).await?;
    let batch = batches.next().await?.expect("a row");
    let schema = batch.schema();
    let fields = schema.fields().iter();
    let vectors: Vec<bool> = fields.map(|field| is_vector(field.data_type())).collect();
    for (place, _) in vectors
        .iter()
        .enumerate()
        .filter(|(_, is_vector)| **is_vector)
    {
        let numbers = batch.column(place).as_fixed_size_list().value(0);
        let numbers = numbers.as_primitive::<Float32Type>();
        assert_eq!(numbers.values()[..], [1.0, 2.0, 3.0]);
    }
    Ok(vectors)
}

/// How many statements the session has run.
async fn questions(connection: &mut Connection) -> u64 {
    let sql = "SHOW SESSION STATUS LIKE 'Questions'";
    let (_, questions): (String, String) = connection.query_one(sql, ()).await.unwrap();
    questions.parse().unwrap()
}

#[tokio::test]
async fn vectors_are_looked_up_by_the_table_that_they_are_of_and_once()
-> Result<(), RecordBatchError> {
    let schema = live::shared().schema("vectors").unwrap();
    fill(&schema);
    let mut connection = connect(schema.name()).await;
    let options = ArrowOptions::default().with_vector_lookup(&VectorLookup::new());
    let (yes, no) = (has_vectors(), false);
    let sql =
        "SELECT a.e AS x, a.raw, b.e, b.raw AS y, a.id FROM one AS a JOIN other AS b USING (id)";
    let expected = [yes, no, no, yes, no];
    assert_eq!(vectors(&mut connection, sql, &options).await?, expected);
    assert_eq!(vectors(&mut connection, sql, &options).await?, expected);

    let before = questions(&mut connection).await;
    assert_eq!(vectors(&mut connection, sql, &options).await?, expected);
    let after = questions(&mut connection).await;
    assert_eq!(after - before, 2, "the query, and what asks for the number");

    // What is derived is of no table, by what the server says.
    let derived = "SELECT d.v FROM (SELECT e AS v, id FROM one) AS d";
    assert_eq!(vectors(&mut connection, derived, &options).await?, [no]);
    let without = ArrowOptions::default();
    assert_eq!(vectors(&mut connection, sql, &without).await?, [no; 5]);
    Ok(())
}

#[tokio::test]
async fn views_and_other_connections_and_transactions_find_them_too() -> Result<(), RecordBatchError>
{
    let schema = live::shared().schema("vectors").unwrap();
    fill(&schema);
    schema
        .sql("CREATE VIEW seen AS SELECT e AS v FROM one")
        .unwrap();
    let yes = has_vectors();
    let options = ArrowOptions::default().with_vector_lookup(&VectorLookup::new());
    let mut connection = connect(schema.name()).await;
    assert_eq!(
        vectors(&mut connection, "SELECT * FROM seen", &options).await?,
        [yes]
    );

    let mut transaction = connection.transaction().await?;
    let sql = "SELECT e FROM one WHERE id = :id";
    let batches = transaction.query_arrow_with(sql, params! { id: 1 }, &options);
    let is_one = is_vector(batches.await?.schema().field(0).data_type());
    assert_eq!(is_one, yes);
    transaction.rollback().await?;

    let config: Config = schema.url().parse().unwrap();
    let pool = Pool::builder(config).max_size(1).build();
    for _ in 0..2 {
        let stream = pool
            .query_arrow_with("SELECT e FROM one", (), &options)
            .await?;
        assert_eq!(is_vector(stream.schema().field(0).data_type()), yes);
    }
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_prepared_or_is_wrong_is_said_as_without_a_look_up() {
    let mut connection = connect("").await;
    let options = ArrowOptions::default().with_vector_lookup(&VectorLookup::new());
    let wrong = connection
        .query_arrow_with("SELECT nothing FROM", (), &options)
        .await;
    assert!(wrong.is_err());
    let sql = "SHOW MASTER LOGS WHERE 1";
    drop(connection.query_arrow_with(sql, (), &options).await);
    let set = connection
        .query_arrow_with("SET @x = 1", (), &options)
        .await;
    assert_eq!(set.unwrap().schema().fields().len(), 0);
    connection.ping().await.unwrap();
}

#[tokio::test]
async fn a_look_up_dropped_at_every_poll_leaves_the_next_query_whole() {
    let schema = live::shared().schema("vectors").unwrap();
    fill(&schema);
    let mut connection = connect(schema.name()).await;
    let polls = at_every_poll(async |polls| {
        let options = ArrowOptions::default().with_vector_lookup(&VectorLookup::new());
        let sql = "SELECT e FROM one";
        let looked_up = vectors(&mut connection, sql, &options);
        let is_done = poll_times(looked_up, polls).await.is_some();
        let (seven,): (i64,) = connection.query_one("SELECT 7", ()).await.unwrap();
        assert_eq!(seven, 7);
        is_done
    })
    .await;
    assert!(polls >= 2, "{polls}");
}
