//! What becomes of the table and of the rows in it.

use std::num::NonZeroU64;
use std::sync::Arc;

use otaria::arrow::array::{Int32Array, RecordBatch, RecordBatchIterator};
use otaria::arrow::datatypes::{DataType, Field, Schema};
use otaria::arrow::error::ArrowError;
use otaria::{
    BatchWay, ColumnRefusal, Commit, Error, InsertArrow, InsertErrorKind, InsertMode,
    InsertOptions, InsertWay, Pool, PoolInsertArrow, SentBy, WhyNot, WriteError,
};

use crate::{WAYS, config, content, item_table, items, reader, with_schema};

#[tokio::test]
async fn batches_are_appended_by_each_way() {
    for way in WAYS {
        let (mut connection, _schema) = with_schema("append").await;
        item_table(&mut connection).await;
        let batches = reader([items(0..40_000), items([]), items(40_000..50_000)]);
        let options = InsertOptions::new().with_way(way);
        let inserted = connection
            .insert_arrow("item", batches, &options)
            .await
            .unwrap();
        assert_eq!((inserted.rows, inserted.affected_rows), (50_000, 50_000));
        let expected = match way {
            InsertWay::LoadData => SentBy::LoadData,
            _ => SentBy::Statement(BatchWay::Bulk),
        };
        assert_eq!(
            (inserted.sent_by, inserted.why_not),
            (expected, WhyNot::Asked)
        );
        assert_eq!(
            content(&mut connection).await,
            (50_000, 1_249_975_000, 50_000)
        );
        let sql = "SELECT COUNT(*) FROM item WHERE price = 7";
        assert_eq!(
            connection.query_one::<(u64,)>(sql, ()).await.unwrap().0,
            50_000
        );
    }
}

#[tokio::test]
async fn the_report_says_why_a_file_was_not_loaded() {
    let (mut connection, schema) = with_schema("why_not").await;
    item_table(&mut connection).await;
    let off = config(&schema)
        .to_builder()
        .local_infile(false)
        .build()
        .unwrap();
    let mut without = otaria::Connection::connect(&off).await.unwrap();
    let append = InsertMode::Append;
    let inserted = without
        .insert_arrow("item", reader([items(0..2)]), append)
        .await
        .unwrap();
    assert_eq!(inserted.why_not, WhyNot::OffInConfiguration);
    assert_eq!(
        inserted.why_not.to_string(),
        "local_infile is off in the configuration"
    );
    let inserted = connection
        .insert_arrow("item", reader([items([])]), InsertMode::Append)
        .await
        .unwrap();
    assert_eq!(inserted.why_not, WhyNot::Slower);
    let update = InsertMode::OnDuplicateUpdate;
    let inserted = connection
        .insert_arrow("item", reader([items(0..2)]), update)
        .await
        .unwrap();
    assert_eq!(inserted.why_not, WhyNot::Mode);
    let options = InsertOptions::new().with_way(InsertWay::LoadData);
    let error = without
        .insert_arrow("item", reader([items(2..3)]), &options)
        .await
        .unwrap_err();
    let why_not = WhyNot::OffInConfiguration;
    assert!(matches!(error.kind, InsertErrorKind::Way { why_not: found } if found == why_not));
    let options = options.clone().with_mode(InsertMode::Ignore);
    let error = connection
        .insert_arrow("item", reader([items(2..3)]), &options)
        .await
        .unwrap_err();
    assert!(matches!(
        error.kind,
        InsertErrorKind::Way {
            why_not: WhyNot::Mode
        }
    ));
    assert_eq!(content(&mut connection).await, (2, 1, 2));
}

#[tokio::test]
async fn a_table_is_made_also_for_no_batches() {
    let (mut connection, schema) = with_schema("create").await;
    let arrow = items([]).schema();
    let name = format!("{}.`of`` all`", schema.name());
    let none = RecordBatchIterator::new(Vec::new(), arrow.clone());
    let create = InsertMode::Create;
    let inserted = connection.insert_arrow(&name, none, create).await.unwrap();
    assert_eq!((inserted.rows, inserted.affected_rows), (0, 0));
    let sql = "SELECT COUNT(*) FROM `of`` all`";
    assert_eq!(connection.query_one::<(u64,)>(sql, ()).await.unwrap().0, 0);
    let error = connection
        .insert_arrow(&name, reader([items(0..2)]), create)
        .await
        .unwrap_err();
    assert!(matches!(error.driver(), Some(Error::Server(error)) if error.code() == 1050));
    for way in WAYS {
        let options = InsertOptions::from(create).with_way(way);
        let inserted = connection.insert_arrow("item", reader([items(0..2)]), &options);
        assert_eq!(inserted.await.unwrap().rows, 2);
        assert_eq!(content(&mut connection).await, (2, 1, 2));
        connection.simple_execute("DROP TABLE item").await.unwrap();
    }
}

#[tokio::test]
async fn a_table_that_was_made_is_dropped_again_after_an_error() {
    for way in WAYS {
        let (mut connection, schema) = with_schema("drop").await;
        let batches = RecordBatchIterator::new(
            [
                Ok(items(0..2)),
                Err(ArrowError::ComputeError("no more".into())),
            ],
            items([]).schema(),
        );
        let options = InsertOptions::from(InsertMode::Create).with_way(way);
        let error = connection
            .insert_arrow("item", batches, &options)
            .await
            .unwrap_err();
        assert!(matches!(
            error.kind,
            InsertErrorKind::Source(ArrowError::ComputeError(_))
        ));
        assert!(!error.table_is_left);
        assert_eq!(schema.sql("SHOW TABLES").unwrap(), "");
    }
}

#[tokio::test]
async fn duplicates_in_each_mode() {
    for way in WAYS {
        let (mut connection, _schema) = with_schema("duplicates").await;
        item_table(&mut connection).await;
        let sql = "INSERT INTO item VALUES (1, 'old', 1), (2, 'old', 2)";
        connection.simple_execute(sql).await.unwrap();
        let options = InsertOptions::new().with_way(way);
        let batches = || reader([items(2..5)]);

        let error = connection
            .insert_arrow("item", batches(), &options)
            .await
            .unwrap_err();
        match error.kind {
            InsertErrorKind::Driver(Error::Server(error)) => assert_eq!(error.code(), 1062),
            InsertErrorKind::Warnings { count, warnings } => {
                assert_eq!((count, warnings[0].code), (1, 1062));
            }
            kind => panic!("{kind:?}"),
        }
        assert_eq!(content(&mut connection).await, (2, 3, 0));

        let replace = options.clone().with_mode(InsertMode::Replace);
        let inserted = connection
            .insert_arrow("item", batches(), replace)
            .await
            .unwrap();
        assert_eq!((inserted.rows, inserted.affected_rows), (3, 4));
        let sql = "SELECT id, name, price FROM item WHERE id < 4 ORDER BY id";
        let found: Vec<(i32, String, i32)> = connection.query_all(sql, ()).await.unwrap();
        let row = |id, name: &str, price| (id, name.to_owned(), price);
        assert_eq!(
            found,
            [
                row(1, "old", 1),
                row(2, "name of 2", 7),
                row(3, "name of 3", 7)
            ]
        );
    }
}

#[tokio::test]
async fn duplicates_are_left_out_or_updated() {
    let (mut connection, _schema) = with_schema("keep").await;
    item_table(&mut connection).await;
    let sql = "INSERT INTO item VALUES (1, 'old', 1), (2, 'old', 2)";
    connection.simple_execute(sql).await.unwrap();
    let batches = || reader([items(2..5)]);
    let sql = "SELECT id, name, price FROM item WHERE id < 4 ORDER BY id";
    let row = |id, name: &str, price| (id, name.to_owned(), price);

    let inserted = connection
        .insert_arrow("item", batches(), InsertMode::Ignore)
        .await
        .unwrap();
    assert_eq!(inserted.sent_by, SentBy::Statement(BatchWay::Bulk));
    assert_eq!((inserted.rows, inserted.skipped_rows), (3, Some(1)));
    let found: Vec<(i32, String, i32)> = connection.query_all(sql, ()).await.unwrap();
    assert_eq!(
        found,
        [row(1, "old", 1), row(2, "old", 2), row(3, "name of 3", 7)]
    );

    let update = InsertMode::OnDuplicateUpdate;
    let inserted = connection
        .insert_arrow("item", batches(), update)
        .await
        .unwrap();
    assert_eq!(inserted.sent_by, SentBy::Statement(BatchWay::Bulk));
    assert_eq!(
        (inserted.rows, inserted.affected_rows, inserted.skipped_rows),
        (3, 2, None)
    );
    let found: Vec<(i32, String, i32)> = connection.query_all(sql, ()).await.unwrap();
    assert_eq!(
        found,
        [
            row(1, "old", 1),
            row(2, "name of 2", 2),
            row(3, "name of 3", 7)
        ]
    );
}

#[tokio::test]
async fn batches_are_committed_in_between_where_it_is_asked_for() {
    for way in WAYS {
        let (mut connection, _schema) = with_schema("partial").await;
        item_table(&mut connection).await;
        let batches = NonZeroU64::new(2).unwrap();
        let options = InsertOptions::new()
            .with_way(way)
            .with_commit(Commit::Every { batches });
        let ids = [0..10, 10..20, 20..30, 30..40, 35..50];
        let error = connection
            .insert_arrow("item", reader(ids.map(items)), &options)
            .await
            .unwrap_err();
        assert_eq!(error.rows_committed, 40);
        assert!(
            error
                .to_string()
                .ends_with("the 40 rows before are committed"),
            "{error}"
        );
        assert_eq!(content(&mut connection).await.0, 40);
        let inserted = connection
            .insert_arrow(
                "item",
                reader([40..45, 45..50, 50..51].map(items)),
                &options,
            )
            .await
            .unwrap();
        assert_eq!((inserted.rows, inserted.affected_rows), (11, 11));
    }
}

#[tokio::test]
async fn a_transaction_of_the_caller_s_holds_the_rows() {
    for way in WAYS {
        let (mut connection, _schema) = with_schema("inside").await;
        item_table(&mut connection).await;
        let options = InsertOptions::new().with_way(way);
        let mut transaction = connection.transaction().await.unwrap();
        transaction
            .insert_arrow("item", reader([items(0..2)]), &options)
            .await
            .unwrap();
        // What fails is undone, and nothing else.
        let batches = reader([items(2..4), items(1..2)]);
        let error = transaction
            .insert_arrow("item", batches, &options)
            .await
            .unwrap_err();
        assert_eq!(error.rows_committed, 0);
        transaction
            .insert_arrow("item", reader([items(5..6)]), &options)
            .await
            .unwrap();
        let create = options.clone().with_mode(InsertMode::Create);
        let error = transaction
            .insert_arrow("new", reader([items(0..2)]), create)
            .await;
        assert!(matches!(
            error.unwrap_err().kind,
            InsertErrorKind::WouldCommit
        ));
        transaction.commit().await.unwrap();
        assert_eq!(content(&mut connection).await, (3, 6, 3));

        let mut transaction = connection.transaction().await.unwrap();
        transaction
            .insert_arrow("item", reader([items(7..8)]), &options)
            .await
            .unwrap();
        transaction.rollback().await.unwrap();
        assert_eq!(content(&mut connection).await, (3, 6, 3));
    }
}

#[tokio::test]
async fn a_pool_inserts_and_has_its_connection_back() {
    let (mut connection, schema) = with_schema("pool").await;
    item_table(&mut connection).await;
    let pool = Pool::builder(config(&schema)).max_size(1).build();
    let inserted = pool.insert_arrow("item", reader([items(0..3)]), InsertMode::Append);
    assert_eq!(inserted.await.unwrap().rows, 3);
    let batches = futures_util::stream::iter([Ok(items(3..4)), Ok(items(4..6))]);
    let schema = items([]).schema();
    let inserted = pool.insert_arrow_stream("item", schema, batches, InsertMode::Append);
    assert_eq!(inserted.await.unwrap().rows, 3);
    let mut taken = pool.get().await.unwrap();
    taken
        .insert_arrow("item", reader([items(6..7)]), InsertMode::Append)
        .await
        .unwrap();
    drop(taken);
    assert_eq!(content(&mut connection).await, (7, 21, 7));
    pool.close().await;
}

#[tokio::test]
async fn columns_go_by_name_and_in_any_case() {
    for way in WAYS {
        let (mut connection, _schema) = with_schema("names").await;
        let sql = "CREATE TABLE t (`a``b` INT, `Größe` INT, `select` INT, g INT AS (`a``b`))";
        connection.simple_execute(sql).await.unwrap();
        let fields = ["GRÖSSE", "größe", "select", "a`b"]
            .map(|name| Field::new(name, DataType::Int32, true));
        let column = |value| Arc::new(Int32Array::from(vec![value])) as _;
        let schema = Arc::new(Schema::new(fields[1..].to_vec()));
        let batch = RecordBatch::try_new(schema, vec![column(1), column(2), column(3)]).unwrap();
        let options = InsertOptions::new().with_way(way);
        connection
            .insert_arrow("t", reader([batch]), &options)
            .await
            .unwrap();
        let found: (i32, i32, i32, i32) =
            connection.query_one("SELECT * FROM t", ()).await.unwrap();
        assert_eq!(found, (3, 1, 2, 3));
    }
}

#[tokio::test]
async fn a_table_is_made_with_a_primary_key() {
    for way in WAYS {
        let (mut connection, schema) = with_schema("key").await;
        let options = InsertOptions::from(InsertMode::Create)
            .with_way(way)
            .with_text_length(Some(20))
            .with_primary_key(["NAME", "id"]);
        let inserted = connection.insert_arrow("t", reader([items(0..3)]), &options);
        assert_eq!(inserted.await.unwrap().rows, 3);
        let sql = "SELECT GROUP_CONCAT(COLUMN_NAME ORDER BY SEQ_IN_INDEX) FROM \
            information_schema.STATISTICS WHERE TABLE_SCHEMA = DATABASE() AND INDEX_NAME = 'PRIMARY'";
        assert_eq!(schema.sql(sql).unwrap(), "name,id\n");
        let twice = reader([items(0..3), items(2..4)]);
        let error = connection.insert_arrow("twice", twice, &options).await;
        assert!(!error.unwrap_err().table_is_left);
        assert_eq!(schema.sql("SHOW TABLES").unwrap(), "t\n");
    }
}

#[tokio::test]
async fn a_primary_key_that_cannot_be_is_refused_before_anything_is_sent() {
    let (mut connection, schema) = with_schema("no_key").await;
    for key in ["nmae", "name"] {
        let options = InsertOptions::from(InsertMode::Create).with_primary_key([key]);
        let error = connection
            .insert_arrow("t", reader([items(0..3)]), options)
            .await;
        let InsertErrorKind::Write(error) = error.unwrap_err().kind else {
            panic!("the server was asked for {key}");
        };
        let is_expected = match &error {
            WriteError::PrimaryKey { column } => **column == *"nmae",
            WriteError::Column { column, reason } => {
                column.name() == "name" && *reason == ColumnRefusal::KeyLength
            }
            _ => false,
        };
        assert!(is_expected, "{key}: {error}");
    }
    assert_eq!(schema.sql("SHOW TABLES").unwrap(), "");
}
