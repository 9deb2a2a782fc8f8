//! What the session, and what stands in the table, make of rows.

use std::num::NonZeroU64;
use std::sync::Arc;

use otaria::arrow::array::{
    ArrayRef, Decimal128Array, Float64Array, Int32Array, RecordBatch, StringArray,
};
use otaria::{
    CellRefusal, ColumnRefusal, Commit, Connection, InsertArrow, InsertErrorKind, InsertMode,
    InsertOptions, InsertWay, WriteError,
};

use crate::{WAYS, config, content, item_table, items, reader, with_schema};

fn of_one(array: &ArrayRef) -> RecordBatch {
    RecordBatch::try_from_iter([("a", array.clone())]).unwrap()
}

#[tokio::test]
async fn numbers_do_not_go_into_columns_of_dates_and_times_by_any_way() {
    let integers = Arc::new(Int32Array::from(vec![20_240_229])) as ArrayRef;
    let doubles = Arc::new(Float64Array::from(vec![101.0])) as ArrayRef;
    for way in WAYS {
        let (mut connection, schema) = with_schema("numbers").await;
        for sql_type in ["date", "datetime(6)", "timestamp", "time"] {
            let create = format!("CREATE TABLE t (a {sql_type} NULL)");
            for sql in ["DROP TABLE IF EXISTS t", &create] {
                connection.simple_execute(sql).await.unwrap();
            }
            for array in [&integers, &doubles] {
                let options = InsertOptions::new().with_way(way);
                let error = connection.insert_arrow("t", reader([of_one(array)]), options);
                let InsertErrorKind::Write(WriteError::Column { reason, .. }) =
                    error.await.unwrap_err().kind
                else {
                    panic!("{sql_type} by {way:?}");
                };
                let sql_type = sql_type.into();
                assert_eq!(reason, ColumnRefusal::NumberAsTemporal { sql_type });
            }
            assert_eq!(schema.sql("SELECT * FROM t").unwrap(), "");
        }
        // A year is a number.
        for sql in ["DROP TABLE t", "CREATE TABLE t (a YEAR)"] {
            connection.simple_execute(sql).await.unwrap();
        }
        let years = Arc::new(Int32Array::from(vec![1999, 0])) as ArrayRef;
        let options = InsertOptions::new().with_way(way);
        let inserted = connection.insert_arrow("t", reader([of_one(&years)]), options);
        inserted.await.unwrap();
        assert_eq!(schema.sql("SELECT * FROM t").unwrap(), "1999\n0000\n");
    }
}

#[tokio::test]
async fn an_empty_text_is_null_where_the_sql_mode_says_so_but_not_by_load_data() {
    for (way, expected) in WAYS.into_iter().zip(["1\n0\n", "0\n0\n"]) {
        let (mut connection, schema) = with_schema("empty").await;
        let sql = "CREATE TABLE t (a VARCHAR(5))";
        connection.simple_execute(sql).await.unwrap();
        let sql = "SET sql_mode = 'STRICT_TRANS_TABLES,EMPTY_STRING_IS_NULL'";
        connection.simple_execute(sql).await.unwrap();
        let texts = Arc::new(StringArray::from(vec!["", "x"])) as ArrayRef;
        let options = InsertOptions::new().with_way(way);
        let inserted = connection.insert_arrow("t", reader([of_one(&texts)]), options);
        inserted.await.unwrap();
        let found = schema.sql("SELECT a IS NULL FROM t ORDER BY a").unwrap();
        assert_eq!(found, expected, "{way:?}");
    }
}

#[tokio::test]
async fn what_a_trigger_warns_of_is_counted_in_bulk_and_kept_back_by_load_data() {
    for way in WAYS {
        let (mut connection, schema) = with_schema("trigger").await;
        item_table(&mut connection).await;
        let sql = "CREATE TRIGGER warns BEFORE INSERT ON item FOR EACH ROW \
            SIGNAL SQLSTATE '01000' SET MESSAGE_TEXT = 'take care', MYSQL_ERRNO = 1642";
        schema.sql(sql).unwrap();
        let options = InsertOptions::new().with_way(way);
        let inserted = connection.insert_arrow("item", reader([items(0..5)]), &options);
        match (way, inserted.await) {
            (InsertWay::LoadData, inserted) => assert_eq!(inserted.unwrap().rows, 5),
            (_, inserted) => {
                let kind = inserted.unwrap_err().kind;
                let InsertErrorKind::Warnings { count: 5, warnings } = kind else {
                    panic!("{kind}");
                };
                assert!(warnings.is_empty(), "the server keeps none of them");
                let options = options.with_warnings_allowed(true);
                let inserted = connection.insert_arrow("item", reader([items(0..5)]), options);
                assert_eq!(inserted.await.unwrap().warnings, 5);
            }
        }
        assert_eq!(content(&mut connection).await.0, 5);
    }
}

#[tokio::test]
async fn rounding_is_an_error_though_the_session_tells_no_notes() {
    let prices = Decimal128Array::from(vec![125]).with_precision_and_scale(5, 2);
    let prices = Arc::new(prices.unwrap()) as ArrayRef;
    for way in WAYS {
        let (mut connection, schema) = with_schema("notes").await;
        let sql = "CREATE TABLE t (a DECIMAL(4, 1))";
        connection.simple_execute(sql).await.unwrap();
        let options = InsertOptions::new().with_way(way);
        let batches = || reader([of_one(&prices)]);
        for notes in [1, 0] {
            let sql = format!("SET sql_notes = {notes}");
            connection.simple_execute(&sql).await.unwrap();
            let error = connection.insert_arrow("t", batches(), &options).await;
            let InsertErrorKind::Write(WriteError::Cell { reason, .. }) = error.unwrap_err().kind
            else {
                panic!("{way:?}");
            };
            assert_eq!(reason, CellRefusal::FractionDigits { decimals: 1 });
            assert_eq!(schema.sql("SELECT * FROM t").unwrap(), "");
        }
    }
}

#[tokio::test]
async fn rows_that_are_left_out_are_counted_over_all_commits() {
    let (mut connection, _schema) = with_schema("skipped").await;
    item_table(&mut connection).await;
    let batches = NonZeroU64::new(1).unwrap();
    let options = InsertOptions::from(InsertMode::Ignore).with_commit(Commit::Every { batches });
    let rows = [0..4, 3..6, 4..8].map(items);
    let inserted = connection.insert_arrow("item", reader(rows), options);
    let inserted = inserted.await.unwrap();
    assert_eq!((inserted.rows, inserted.affected_rows), (11, 8));
    assert_eq!(inserted.skipped_rows, Some(3));
}

#[tokio::test]
async fn where_found_rows_are_counted_nobody_knows_what_was_left_out() {
    let (mut connection, schema) = with_schema("found").await;
    item_table(&mut connection).await;
    let found_rows = config(&schema).to_builder().found_rows(true);
    let mut finding = Connection::connect(&found_rows.build().unwrap())
        .await
        .unwrap();
    for (connection, expected) in [(&mut finding, None), (&mut connection, Some(2))] {
        let rows = reader([items(0..2)]);
        let inserted = connection
            .insert_arrow("item", rows, InsertMode::Ignore)
            .await;
        assert_eq!(inserted.unwrap().skipped_rows, expected);
    }
}

#[tokio::test]
async fn a_table_that_was_made_stays_where_rows_of_it_are_committed() {
    for way in WAYS {
        let (mut connection, schema) = with_schema("stays").await;
        let batches = NonZeroU64::new(1).unwrap();
        let options = InsertOptions::from(InsertMode::Create)
            .with_way(way)
            .with_primary_key(["id"])
            .with_commit(Commit::Every { batches });
        let rows = reader([0..3, 2..5].map(items));
        let error = connection
            .insert_arrow("item", rows, options)
            .await
            .unwrap_err();
        assert_eq!((error.rows_committed, error.table_is_left), (3, true));
        let said = error.to_string();
        let expected = "; the 3 rows before are committed; the table that was made is still there";
        assert!(said.ends_with(expected), "{said}");
        assert_eq!(schema.sql("SELECT COUNT(*) FROM item").unwrap(), "3\n");
    }
}

#[tokio::test]
async fn a_batch_of_other_types_than_the_schema_s_is_named_by_its_first_row() {
    for way in WAYS {
        let (mut connection, _schema) = with_schema("other_types").await;
        item_table(&mut connection).await;
        let names = Arc::new(StringArray::from(vec!["a", "b"])) as ArrayRef;
        let other = RecordBatch::try_from_iter([("id", names.clone()), ("name", names)]);
        let fewer = items(7..9).project(&[0]);
        for wrong in [other.unwrap(), fewer.unwrap()] {
            let schema = items([]).schema();
            let rows = futures_util::stream::iter([Ok(items(0..3)), Ok(wrong)]);
            let options = InsertOptions::new().with_way(way);
            let inserted = connection.insert_arrow_stream("item", schema, rows, options);
            let kind = inserted.await.unwrap_err().kind;
            let InsertErrorKind::Write(WriteError::Schema { row: 3 }) = kind else {
                panic!("{kind} by {way:?}");
            };
            assert_eq!(content(&mut connection).await.0, 0);
        }
    }
}

#[tokio::test]
async fn a_value_that_is_refused_is_named_by_its_row_over_all_batches() {
    for way in WAYS {
        let (mut connection, schema) = with_schema("row").await;
        schema.sql("CREATE TABLE t (a DOUBLE)").unwrap();
        let doubles =
            |values: &[f64]| of_one(&(Arc::new(Float64Array::from(values.to_vec())) as _));
        let rows = reader([doubles(&[1.0, 2.0]), doubles(&[3.0, 4.0, f64::NAN, 5.0])]);
        let options = InsertOptions::new().with_way(way);
        let kind = connection
            .insert_arrow("t", rows, options)
            .await
            .unwrap_err()
            .kind;
        let InsertErrorKind::Write(WriteError::Cell { row: 4, .. }) = kind else {
            panic!("{kind} by {way:?}");
        };
        assert_eq!(schema.sql("SELECT * FROM t").unwrap(), "");
    }
}
