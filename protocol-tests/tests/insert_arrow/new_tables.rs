//! What a table that is made for batches takes from its database.

use std::sync::Arc;

use otaria::arrow::array::{RecordBatch, StringArray};
use otaria::{Connection, InsertArrow, InsertMode, InsertOptions};
use protocol_tests::live::{self, Schema};

use crate::{WAYS, connect, reader};

const TEXT: &str = "日本 🎁 Åbo";

fn texts() -> RecordBatch {
    let texts = StringArray::from(vec![TEXT]);
    RecordBatch::try_from_iter([("text", Arc::new(texts) as _)]).unwrap()
}

/// A schema of these characters. Sessions know those of their database from the time that they chose it.
async fn in_database_of(characters: &str) -> (Connection, Schema<'static>) {
    let schema = live::shared().schema("characters").unwrap();
    let name = schema.name();
    let sql = format!("ALTER DATABASE {name} CHARACTER SET {characters}");
    schema.sql(&sql).unwrap();
    (connect(&schema).await, schema)
}

#[tokio::test]
async fn a_new_table_takes_all_texts_whatever_the_characters_of_its_database() {
    for way in WAYS {
        for length in [None, Some(20)] {
            let (mut connection, schema) = in_database_of("latin1").await;
            let name = schema.name();
            let options = InsertOptions::from(InsertMode::Create)
                .with_way(way)
                .with_text_length(length);
            for table in ["t".to_owned(), format!("{name}.u")] {
                let inserted = connection.insert_arrow(&table, reader([texts()]), &options);
                inserted.await.unwrap();
                let sql = format!("SELECT text FROM {table}");
                assert_eq!(schema.sql(&sql).unwrap(), format!("{TEXT}\n"), "{way:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_new_table_has_the_collation_of_a_database_that_takes_all_texts() {
    let (mut connection, schema) = in_database_of("utf8mb4 COLLATE utf8mb4_czech_ci").await;
    let name = schema.name();
    for table in ["t".to_owned(), format!("{name}.u")] {
        let inserted = connection.insert_arrow(&table, reader([texts()]), InsertMode::Create);
        inserted.await.unwrap();
    }
    let sql = format!(
        "SELECT TABLE_COLLATION FROM information_schema.TABLES WHERE TABLE_SCHEMA = '{name}'"
    );
    let found = schema.sql(&sql).unwrap();
    assert_eq!(found, "utf8mb4_czech_ci\nutf8mb4_czech_ci\n");
}
