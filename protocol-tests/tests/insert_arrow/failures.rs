//! What cannot be inserted, and what it leaves behind.

use std::sync::Arc;

use otaria::arrow::array::{
    ArrayRef, Date32Array, Decimal128Array, Float64Array, Int32Array, RecordBatch,
    RecordBatchIterator, StringArray, TimestampMicrosecondArray, TimestampNanosecondArray,
};
use otaria::arrow::error::ArrowError;
use otaria::{
    CellRefusal, ColumnRefusal, Connection, Error, InsertArrow, InsertError, InsertErrorKind,
    InsertMode, InsertOptions, NonFinite, SubMicroseconds, WriteError,
};

use crate::{WAYS, content, item_table, items, reader, with_schema};

fn of_one(name: &str, array: ArrayRef) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable([(name, array, true)]).unwrap()
}

#[tokio::test]
async fn a_failure_in_the_second_batch_leaves_nothing_behind() {
    for way in WAYS {
        let (mut connection, _schema) = with_schema("nothing").await;
        item_table(&mut connection).await;
        let options = InsertOptions::new().with_way(way);
        let batches = reader([items(0..5000), items(4999..6000)]);
        let error = connection
            .insert_arrow("item", batches, &options)
            .await
            .unwrap_err();
        assert_eq!(error.rows_committed, 0);
        assert_eq!(content(&mut connection).await, (0, 0, 0));
        // A value that cannot be sent names its row, counted over all batches.
        connection
            .simple_execute("CREATE TABLE day (d DATE)")
            .await
            .unwrap();
        let days = |days: Vec<i32>| of_one("d", Arc::new(Date32Array::from(days)));
        let batches = reader([days(vec![0; 1000]), days(vec![0, i32::MAX])]);
        let error = connection
            .insert_arrow("day", batches, &options)
            .await
            .unwrap_err();
        match error.kind {
            InsertErrorKind::Write(WriteError::Cell {
                row,
                column,
                reason,
            }) => {
                assert_eq!((row, column.name(), reason), (1001, "d", CellRefusal::Date));
            }
            kind => panic!("{kind:?}"),
        }
        let found: (u64,) = connection
            .query_one("SELECT COUNT(*) FROM day", ())
            .await
            .unwrap();
        assert_eq!(found.0, 0);
    }
}

/// Inserts one batch into a table `t` by each way, and hands back what comes of it.
async fn each_way(
    table: &str,
    mode: &str,
    batch: RecordBatch,
    options: InsertOptions,
) -> Vec<Result<(u64, String), InsertErrorKind>> {
    let mut outcomes = Vec::new();
    for way in WAYS {
        let (mut connection, schema) = with_schema("each_way").await;
        connection
            .simple_execute(&format!("SET sql_mode='{mode}'"))
            .await
            .unwrap();
        connection
            .simple_execute(&format!("CREATE TABLE t ({table})"))
            .await
            .unwrap();
        let inserted = connection
            .insert_arrow("t", reader([batch.clone()]), options.clone().with_way(way))
            .await;
        let rows = schema.sql("SELECT * FROM t").unwrap();
        outcomes.push(match inserted {
            Ok(inserted) => Ok((inserted.changed_values, rows)),
            Err(error) => {
                assert_eq!(rows, "", "{way:?}: {error}");
                assert_usable(&mut connection).await;
                Err(error.kind)
            }
        });
    }
    outcomes
}

async fn assert_usable(connection: &mut Connection) {
    assert_eq!(
        connection
            .query_one::<(i32,)>("SELECT 1", ())
            .await
            .unwrap()
            .0,
        1
    );
}

const STRICT: &str = "STRICT_TRANS_TABLES";

#[tokio::test]
async fn what_the_server_would_change_is_an_error_in_every_sql_mode() {
    let text = |text: &str| Arc::new(StringArray::from(vec![text])) as ArrayRef;
    let cases: [(&str, ArrayRef); 8] = [
        ("a VARCHAR(3)", text("four")),
        ("a TINYINT", Arc::new(Int32Array::from(vec![300]))),
        ("a INT UNSIGNED", Arc::new(Int32Array::from(vec![-1]))),
        (
            "a INT NOT NULL",
            Arc::new(Int32Array::from(vec![None::<i32>])),
        ),
        ("a ENUM('b')", text("c")),
        ("a VARCHAR(3) CHARACTER SET latin1", text("😀")),
        ("a DATE", text("2024-02-30")),
        (
            "a DECIMAL(4,1)",
            Arc::new(
                Decimal128Array::from(vec![125])
                    .with_precision_and_scale(5, 2)
                    .unwrap(),
            ),
        ),
    ];
    for mode in [STRICT, ""] {
        for (table, array) in &cases {
            let batch = of_one("a", array.clone());
            for (way, outcome) in WAYS
                .iter()
                .zip(each_way(table, mode, batch, InsertOptions::new()).await)
            {
                match outcome {
                    Err(InsertErrorKind::Driver(_) | InsertErrorKind::Warnings { .. }) => {}
                    // What need not be sent to see it.
                    Err(InsertErrorKind::Write(WriteError::Cell { row: 0, .. }))
                        if ["a ENUM('b')", "a DECIMAL(4,1)"].contains(table) => {}
                    outcome => panic!("{table} in '{mode}' by {way:?}: {outcome:?}"),
                }
            }
        }
    }
}

#[tokio::test]
async fn warnings_are_counted_where_they_are_allowed() {
    let batch = of_one("a", Arc::new(StringArray::from(vec!["four", "5"])));
    let options = InsertOptions::new().with_warnings_allowed(true);
    for outcome in each_way("a VARCHAR(3)", "", batch, options).await {
        assert_eq!(outcome.unwrap(), (0, "fou\n5\n".to_owned()));
    }
}

#[tokio::test]
async fn what_a_column_cannot_hold_is_refused_before_it_is_sent() {
    let doubles = |value| Arc::new(Float64Array::from(vec![value])) as ArrayRef;
    let micros = Arc::new(TimestampMicrosecondArray::from(vec![1])) as ArrayRef;
    let nanos = Arc::new(TimestampNanosecondArray::from(vec![1])) as ArrayRef;
    let digits = |decimals| CellRefusal::SecondDigits { decimals };
    for (table, array, refusal) in [
        ("a DOUBLE", doubles(f64::NAN), CellRefusal::NotFinite),
        ("a BIGINT", doubles(0.5), CellRefusal::Fraction),
        ("a DATETIME(3)", micros, digits(3)),
        ("a DATETIME(6)", nanos, digits(6)),
    ] {
        let batch = of_one("a", array);
        for outcome in each_way(table, STRICT, batch, InsertOptions::new()).await {
            match outcome {
                Err(InsertErrorKind::Write(WriteError::Cell { row: 0, reason, .. })) => {
                    assert_eq!(reason, refusal);
                }
                outcome => panic!("{table}: {outcome:?}"),
            }
        }
    }
}

#[tokio::test]
async fn a_null_for_a_timestamp_that_is_not_null_is_refused_and_no_present_time() {
    let noon = 1_709_208_000_000_000;
    let array: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![Some(noon), None]));
    for table in [
        "a TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP",
        "a TIMESTAMP(6) NOT NULL DEFAULT '2000-01-01' ON UPDATE CURRENT_TIMESTAMP(6)",
    ] {
        let batch = of_one("a", Arc::clone(&array));
        for outcome in each_way(table, STRICT, batch, InsertOptions::new()).await {
            match outcome {
                Err(InsertErrorKind::Write(WriteError::Cell { row: 1, reason, .. })) => {
                    assert_eq!(reason, CellRefusal::Null);
                }
                outcome => panic!("{table}: {outcome:?}"),
            }
        }
    }
    let batch = of_one("a", array);
    for outcome in each_way("a TIMESTAMP NULL", STRICT, batch, InsertOptions::new()).await {
        let (_, rows) = outcome.unwrap();
        assert_eq!(rows, "2024-02-29 12:00:00\nNULL\n");
    }
}

#[tokio::test]
async fn what_the_options_allow_is_changed_and_counted() {
    let options = InsertOptions::new()
        .with_non_finite(NonFinite::Null)
        .with_sub_microseconds(SubMicroseconds::Truncate);
    let doubles = Arc::new(Float64Array::from(vec![Some(f64::NAN), Some(-1.5), None]));
    for outcome in each_way("a DOUBLE", STRICT, of_one("a", doubles), options.clone()).await {
        assert_eq!(outcome.unwrap(), (1, "NULL\n-1.5\nNULL\n".to_owned()));
    }
    let nanos = Arc::new(TimestampNanosecondArray::from(vec![
        1_999_999, 0, 1_000_000,
    ]));
    for outcome in each_way("a DATETIME(3)", STRICT, of_one("a", nanos), options).await {
        let expected =
            "1970-01-01 00:00:00.001\n1970-01-01 00:00:00.000\n1970-01-01 00:00:00.001\n";
        assert_eq!(outcome.unwrap(), (1, expected.to_owned()));
    }
}

#[tokio::test]
async fn columns_that_do_not_fit_the_table_are_refused() {
    let int = || Arc::new(Int32Array::from(vec![1])) as ArrayRef;
    let micros = || Arc::new(TimestampMicrosecondArray::from(vec![1])) as ArrayRef;
    let time = ColumnRefusal::TemporalAsNumber {
        sql_type: "bigint(20)".into(),
    };
    for (table, columns, refusal) in [
        (
            "a INT",
            vec![("a", int()), ("b", int())],
            ColumnRefusal::NotInTable,
        ),
        (
            "a INT",
            vec![("a", int()), ("A", int())],
            ColumnRefusal::Twice,
        ),
        (
            "a INT, b INT AS (a)",
            vec![("a", int()), ("b", int())],
            ColumnRefusal::Generated,
        ),
        ("a INT, b BIGINT", vec![("a", int()), ("b", micros())], time),
    ] {
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        for outcome in each_way(table, STRICT, batch, InsertOptions::new()).await {
            match outcome {
                Err(InsertErrorKind::Write(WriteError::Column { column, reason })) => {
                    assert_eq!((column.index(), reason), (1, refusal.clone()));
                }
                outcome => panic!("{table}: {outcome:?}"),
            }
        }
    }
}

#[tokio::test]
async fn points_in_time_need_a_zone_that_is_known() {
    for way in WAYS {
        let (mut connection, _schema) = with_schema("zone").await;
        connection
            .simple_execute("CREATE TABLE t (a TIMESTAMP(6) NULL)")
            .await
            .unwrap();
        let instants =
            TimestampMicrosecondArray::from(vec![1_700_000_000_000_001]).with_timezone("UTC");
        let batch = of_one("a", Arc::new(instants));
        let options = InsertOptions::new().with_way(way);
        let sql = "SELECT CAST(UNIX_TIMESTAMP(a) * 1000000 AS SIGNED) FROM t";
        for zone in ["+00:00", "-07:30"] {
            connection.simple_execute("DELETE FROM t").await.unwrap();
            connection
                .simple_execute(&format!("SET time_zone='{zone}'"))
                .await
                .unwrap();
            connection
                .insert_arrow("t", reader([batch.clone()]), &options)
                .await
                .unwrap();
            let found: (i64,) = connection.query_one(sql, ()).await.unwrap();
            assert_eq!(found.0, 1_700_000_000_000_001, "{zone}");
        }
        connection
            .simple_execute("SET time_zone='SYSTEM'")
            .await
            .unwrap();
        let error = connection
            .insert_arrow("t", reader([batch]), &options)
            .await
            .unwrap_err();
        assert!(
            matches!(error.kind, InsertErrorKind::TimeZone { .. }),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_table_that_is_not_there_is_an_error_of_the_server() {
    let (mut connection, _schema) = with_schema("missing").await;
    let missing = connection.insert_arrow("no_such", reader([items(0..1)]), InsertMode::Append);
    let error = missing.await.unwrap_err();
    assert!(matches!(error.driver(), Some(Error::Server(error)) if error.code() == 1146));
    for name in ["", "a.b.c", "`a"] {
        let error = connection.insert_arrow(name, reader([items(0..1)]), InsertMode::Append);
        let kind = error.await.unwrap_err().kind;
        assert!(
            matches!(kind, InsertErrorKind::Write(WriteError::TableName)),
            "{name}"
        );
    }
    assert_usable(&mut connection).await;
}

#[tokio::test]
async fn an_error_and_its_sources_say_each_thing_once() {
    let (mut connection, _schema) = with_schema("chain").await;
    item_table(&mut connection).await;
    let mut errors: Vec<InsertError> = Vec::new();
    let missing = connection.insert_arrow("no_such", reader([items(0..1)]), InsertMode::Append);
    errors.push(missing.await.unwrap_err());
    let wrong =
        RecordBatch::try_from_iter([("x", Arc::new(Int32Array::from(vec![1])) as ArrayRef)]);
    let wrong = connection.insert_arrow("item", reader([wrong.unwrap()]), InsertMode::Append);
    errors.push(wrong.await.unwrap_err());
    let none = RecordBatchIterator::new(
        [Err(ArrowError::ComputeError("no more".into()))],
        items([]).schema(),
    );
    let none = connection.insert_arrow("item", none, InsertMode::Append);
    errors.push(none.await.unwrap_err());
    for error in &errors {
        let mut said = vec![error.to_string()];
        let mut source = std::error::Error::source(error);
        while let Some(error) = source {
            said.push(error.to_string());
            source = error.source();
        }
        assert_eq!(said.len(), 2, "{said:?}");
        assert!(
            !said[0].contains(&said[1]) && !said[1].contains(&said[0]),
            "{said:?}"
        );
    }
}
