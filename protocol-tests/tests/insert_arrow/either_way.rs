//! What must not depend on the way, nor on the session.

use std::sync::Arc;

use otaria::arrow::array::{
    ArrayRef, BinaryArray, Float64Array, Int32Array, RecordBatch, StringArray,
    Time64MicrosecondArray, TimestampMicrosecondArray, UInt64Array,
};
use otaria::{
    CellRefusal, ColumnRefusal, InsertArrow, InsertErrorKind, InsertMode, InsertOptions, InsertWay,
    WriteError,
};
use protocol_tests::live;

use crate::{WAYS, content, item_table, items, reader, with_schema};

fn of_one(array: &ArrayRef) -> RecordBatch {
    RecordBatch::try_from_iter([("a", array.clone())]).unwrap()
}

#[tokio::test]
async fn a_file_is_loaded_whatever_the_language_of_the_server_s_messages() {
    let options = InsertOptions::new().with_way(InsertWay::LoadData);
    for language in ["de_DE", "zh_CN", "ko_KR", "ro_RO", "hi_IN"] {
        let (mut connection, _schema) = with_schema("language").await;
        item_table(&mut connection).await;
        let sql = format!("SET lc_messages='{language}'");
        connection.simple_execute(&sql).await.unwrap();
        let inserted = connection.insert_arrow("item", reader([items(0..12)]), &options);
        assert_eq!(inserted.await.unwrap().affected_rows, 12, "{language}");
        let error = connection
            .insert_arrow("item", reader([items(10..13)]), &options)
            .await
            .unwrap_err();
        assert!(
            matches!(error.kind, InsertErrorKind::Warnings { count: 2, .. }),
            "{language}: {error}"
        );
        assert_eq!(content(&mut connection).await.0, 12);
    }
}

#[tokio::test]
async fn each_way_makes_the_same_of_a_value() {
    let doubles = |values: &[f64]| Arc::new(Float64Array::from(values.to_vec())) as ArrayRef;
    let bytes = |value: &[u8]| Arc::new(BinaryArray::from(vec![Some(value), None])) as ArrayRef;
    let unsigned = Arc::new(UInt64Array::from(vec![u64::MAX, 1 << 63, 0])) as ArrayRef;
    let times = Arc::new(Time64MicrosecondArray::from(vec![0, 3_600_000_001])) as ArrayRef;
    for (table, array, expected) in [
        (
            "a BIT(64)",
            &unsigned,
            "18446744073709551615,9223372036854775808,0",
        ),
        (
            "a BIGINT",
            &doubles(&[72_057_594_037_927_936.0, -9_223_372_036_854_775_808.0]),
            "72057594037927936,-9223372036854775808",
        ),
        (
            "a BIGINT UNSIGNED",
            &doubles(&[9_007_199_254_740_992.0, 9_223_372_036_854_775_808.0]),
            "9007199254740992,9223372036854775808",
        ),
        ("a BIT(61)", &doubles(&[1e18, 1.0]), "1000000000000000000,1"),
        ("a VARCHAR(20)", &times, "00:00:00,01:00:00.000001"),
        (
            "a VARCHAR(20) CHARACTER SET latin1",
            &bytes("ö\\\t".as_bytes()),
            "Ã¶\\\t,-",
        ),
        (
            "a INET6",
            &bytes(&[0, 1, 9, 10, 92, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255]),
            "1:90a:5c00::ff,-",
        ),
    ] {
        if !live::shared().has_type(table.trim_start_matches("a ")) {
            continue;
        }
        for way in WAYS {
            let (mut connection, _schema) = with_schema("same").await;
            let sql = format!("CREATE TABLE t ({table}, n INT AUTO_INCREMENT PRIMARY KEY)");
            connection.simple_execute(&sql).await.unwrap();
            let options = InsertOptions::new().with_way(way);
            connection
                .insert_arrow("t", reader([of_one(array)]), &options)
                .await
                .unwrap();
            let value = if table.contains("BIT") { "a + 0" } else { "a" };
            let sql = format!(
                "SELECT GROUP_CONCAT(COALESCE(CONVERT({value} USING utf8mb4), '-') ORDER BY n) FROM t"
            );
            let (found,): (String,) = connection.query_one(&sql, ()).await.unwrap();
            assert_eq!(found, expected, "{table} by {way:?}");
        }
    }
}

#[tokio::test]
async fn what_no_column_of_the_type_can_hold_is_refused_by_each_way() {
    let time = Arc::new(Time64MicrosecondArray::from(vec![1_000_000])) as ArrayRef;
    let datetime = Arc::new(TimestampMicrosecondArray::from(vec![86_400_000_001])) as ArrayRef;
    let instant = TimestampMicrosecondArray::from(vec![86_400_000_000]).with_timezone("UTC");
    let double = Arc::new(Float64Array::from(vec![9_223_372_036_854_775_808.0])) as ArrayRef;
    for way in WAYS {
        let (mut connection, schema) = with_schema("refused").await;
        let sql = "SET time_zone='+02:00'";
        connection.simple_execute(sql).await.unwrap();
        for (sql_type, array) in [
            ("datetime(6)", &time),
            ("timestamp", &time),
            ("date", &time),
            ("date", &datetime),
            ("date", &(Arc::new(instant.clone()) as ArrayRef)),
            ("bigint(20)", &double),
        ] {
            let create = format!("CREATE TABLE t (a {sql_type} NULL)");
            for sql in ["DROP TABLE IF EXISTS t", &create] {
                connection.simple_execute(sql).await.unwrap();
            }
            let options = InsertOptions::new().with_way(way);
            let error = connection
                .insert_arrow("t", reader([of_one(array)]), &options)
                .await
                .unwrap_err();
            match (&error.kind, sql_type) {
                (InsertErrorKind::Driver(_) | InsertErrorKind::Warnings { .. }, "bigint(20)") => {}
                (InsertErrorKind::Write(WriteError::Column { reason, .. }), _)
                    if Arc::ptr_eq(array, &time) =>
                {
                    let sql_type = sql_type.into();
                    assert_eq!(*reason, ColumnRefusal::TimeAsDate { sql_type });
                }
                (InsertErrorKind::Write(WriteError::Cell { reason, .. }), "date") => {
                    assert_eq!(*reason, CellRefusal::PartOfDay);
                }
                _ => panic!("{sql_type} by {way:?}: {error:?}"),
            }
            assert_eq!(schema.sql("SELECT * FROM t").unwrap(), "");
        }
    }
}

#[tokio::test]
async fn dates_may_come_with_a_midnight() {
    let days = Arc::new(TimestampMicrosecondArray::from(vec![86_400_000_000])) as ArrayRef;
    for way in WAYS {
        let (mut connection, schema) = with_schema("midnight").await;
        let sql = "CREATE TABLE t (a DATE)";
        connection.simple_execute(sql).await.unwrap();
        let options = InsertOptions::new().with_way(way);
        connection
            .insert_arrow("t", reader([of_one(&days)]), &options)
            .await
            .unwrap();
        assert_eq!(schema.sql("SELECT * FROM t").unwrap(), "1970-01-02\n");
    }
}

#[tokio::test]
async fn no_table_is_made_in_a_transaction_that_sql_began() {
    for begin in ["START TRANSACTION", "SET autocommit=0"] {
        let (mut connection, schema) = with_schema("begun").await;
        item_table(&mut connection).await;
        connection.simple_execute(begin).await.unwrap();
        let sql = "INSERT INTO item VALUES (1, 'mine', 1)";
        connection.simple_execute(sql).await.unwrap();
        let ints = Arc::new(Int32Array::from(vec![1])) as ArrayRef;
        let error = connection
            .insert_arrow("t", reader([of_one(&ints)]), InsertMode::Create)
            .await
            .unwrap_err();
        assert!(
            matches!(error.kind, InsertErrorKind::WouldCommit),
            "{error}"
        );
        // What the caller has begun is neither committed nor undone.
        assert_eq!(schema.sql("SELECT * FROM item").unwrap(), "");
        assert_eq!(content(&mut connection).await.0, 1);
        connection.simple_execute("ROLLBACK").await.unwrap();
    }
}

#[tokio::test]
async fn strings_of_the_server_s_own_words_are_values() {
    for way in WAYS {
        let (mut connection, schema) = with_schema("words").await;
        connection
            .simple_execute("CREATE TABLE t (a VARCHAR(9) CHARACTER SET utf16)")
            .await
            .unwrap();
        let words = ["NULL", "\\N", "\\", "", "\r", "表😀"];
        let words = Arc::new(StringArray::from(words.to_vec())) as ArrayRef;
        let options = InsertOptions::new().with_way(way);
        connection
            .insert_arrow("t", reader([of_one(&words)]), &options)
            .await
            .unwrap();
        let sql = "SELECT GROUP_CONCAT(HEX(CONVERT(a USING utf8mb4))) FROM t";
        assert_eq!(
            schema.sql(sql).unwrap(),
            "4E554C4C,5C4E,5C,,0D,E8A1A8F09F9880\n"
        );
    }
}
