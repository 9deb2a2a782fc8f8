//! Keys that the server would choose.

use std::sync::Arc;

use otaria::arrow::array::{Int32Array, RecordBatch, StringArray};
use otaria::{Connection, InsertArrow, InsertErrorKind, InsertOptions, InsertWay, SentBy, WhyNot};
use protocol_tests::live;
use protocol_tests::polls::{at_every_poll, poll_times};

use crate::{WAYS, reader, with_schema};

/// Numbers for a column `ID`, which the tables here call `id`.
fn numbered(ids: impl IntoIterator<Item = Option<i32>>) -> RecordBatch {
    let ids = Int32Array::from_iter(ids);
    let names = ids.iter().map(|id| Some(format!("{id:?}")));
    let names: StringArray = names.collect();
    RecordBatch::try_from_iter([("ID", Arc::new(ids) as _), ("name", Arc::new(names) as _)])
        .unwrap()
}

async fn sql_mode(connection: &mut Connection) -> String {
    connection
        .query_one::<(String,)>("SELECT @@sql_mode", ())
        .await
        .unwrap()
        .0
}

/// A table in which a key may be there many times.
const TABLE: &str = "CREATE TABLE t (id INT AUTO_INCREMENT, name VARCHAR(20), KEY (id))";

/// The ways that keep a key of 0.
fn ways() -> Vec<InsertWay> {
    let keeps = |way: &InsertWay| *way == InsertWay::Bulk || !live::shared().is_mysql();
    WAYS.into_iter().filter(keeps).collect()
}

#[tokio::test]
async fn a_key_of_0_is_inserted_as_0_and_one_of_null_is_the_next_number() {
    for way in ways() {
        for mode in ["", "ANSI,NO_BACKSLASH_ESCAPES,TRADITIONAL"] {
            let (mut connection, schema) = with_schema("zero_key").await;
            schema.sql(TABLE).unwrap();
            let sql = format!("SET sql_mode = '{mode}'");
            connection.simple_execute(&sql).await.unwrap();
            let before = sql_mode(&mut connection).await;
            // Several commands' worth, but for MySQL, where each row is one.
            let count = if live::shared().is_mysql() {
                100
            } else {
                40_000
            };
            let zeros = || std::iter::repeat_n(Some(0), count);
            let batches = [
                numbered([Some(-3), Some(7)]),
                numbered(zeros()),
                numbered([None, Some(0), None]),
                numbered(zeros()),
            ];
            let options = InsertOptions::new().with_way(way);
            let inserted = connection.insert_arrow("t", reader(batches), options);
            let rows = u64::try_from(2 * count + 5).unwrap();
            assert_eq!(inserted.await.unwrap().rows, rows);
            assert_eq!(
                schema
                    .sql("SELECT id, COUNT(*) FROM t GROUP BY id ORDER BY id")
                    .unwrap(),
                format!("-3\t1\n0\t{}\n7\t1\n8\t1\n9\t1\n", 2 * count + 1),
                "{way:?}"
            );
            assert_eq!(sql_mode(&mut connection).await, before);
            // What is inserted otherwise is as it was.
            connection
                .simple_execute("INSERT INTO t VALUES (0, 'next')")
                .await
                .unwrap();
            let sql = "SELECT id > 9 FROM t WHERE name = 'next'";
            assert_eq!(schema.sql(sql).unwrap(), "1\n");
        }
    }
}

#[tokio::test]
async fn an_insertion_of_keys_dropped_at_every_poll_leaves_the_sql_mode_as_it_was() {
    for way in ways() {
        let (mut connection, schema) = with_schema("zero_key_dropped").await;
        schema.sql(TABLE).unwrap();
        let before = sql_mode(&mut connection).await;
        let options = InsertOptions::new().with_way(way);
        at_every_poll(async |polls| {
            let batches = reader([
                numbered([Some(0)]),
                numbered(std::iter::repeat_n(Some(0), 100)),
            ]);
            let inserted = connection.insert_arrow("t", batches, &options);
            let ended = poll_times(inserted, polls).await;
            assert_eq!(
                sql_mode(&mut connection).await,
                before,
                "{way:?} at poll {polls}"
            );
            ended.is_some()
        })
        .await;
    }
}

#[tokio::test]
async fn an_error_in_an_insertion_of_keys_leaves_the_sql_mode_as_it_was() {
    for way in ways() {
        let (mut connection, schema) = with_schema("zero_key_error").await;
        schema
            .sql("CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(20))")
            .unwrap();
        let before = sql_mode(&mut connection).await;
        let options = InsertOptions::new().with_way(way);
        let batches = reader([numbered([Some(0), Some(0)])]);
        connection
            .insert_arrow("t", batches, options)
            .await
            .unwrap_err();
        assert_eq!(sql_mode(&mut connection).await, before);
        assert_eq!(schema.sql("SELECT COUNT(*) FROM t").unwrap(), "0\n");
    }
}

#[tokio::test]
async fn a_key_of_0_is_loaded_but_by_mysql_which_would_make_it_another() {
    let (mut connection, schema) = with_schema("zero_key_loaded").await;
    schema.sql(TABLE).unwrap();
    let batches = || reader([numbered([Some(0)])]);
    let inserted = connection.insert_arrow("t", batches(), InsertOptions::new());
    let why_not = inserted.await.unwrap().why_not;
    let options = InsertOptions::new().with_way(InsertWay::LoadData);
    let loaded = connection.insert_arrow("t", batches(), options).await;
    if live::shared().is_mysql() {
        assert_eq!(why_not, WhyNot::AutoIncrement);
        let kind = loaded.unwrap_err().kind;
        let why_not = WhyNot::AutoIncrement;
        let expected = InsertErrorKind::Way { why_not };
        assert_eq!(format!("{kind:?}"), format!("{expected:?}"));
        assert_eq!(schema.sql("SELECT id FROM t").unwrap(), "0\n");
    } else {
        assert_ne!(why_not, WhyNot::AutoIncrement);
        assert_eq!(loaded.unwrap().sent_by, SentBy::LoadData);
        assert_eq!(schema.sql("SELECT id FROM t").unwrap(), "0\n0\n");
    }
}
