//! What a server says of a `LOAD DATA`, and what it means.

use std::sync::Arc;

use otaria::arrow::array::{Int32Array, RecordBatch, RecordBatchIterator};
use otaria::{
    Connection, InsertArrow, InsertError, InsertErrorKind, InsertOptions, InsertWay, Inserted,
};
use otaria_codec::{ColumnCount, ColumnDefinition, FieldType, OkPacket, ServerStatus};
use otaria_text::TextRowPacket;
use protocol_tests::pipe::{Cut, PipeHandle};
use protocol_tests::script::{Layers, Reply, Script};

use crate::rows_end;

/// A server that loads files and says this of each.
async fn server(info: &'static str, warnings: u16) -> (Connection, PipeHandle) {
    let script = Script::new().answer(move |payload| {
        let sql = std::str::from_utf8(payload.strip_prefix(&[3])?).ok()?;
        Some(answer(sql, info, warnings))
    });
    let layers = Layers::None;
    let config = layers.config().to_builder().local_infile(true).build();
    layers.connect(script, &config.unwrap(), Cut::Whole).await
}

fn answer(sql: &str, info: &str, warnings: u16) -> Reply {
    let in_transaction = OkPacket {
        status: ServerStatus::IN_TRANS | ServerStatus::AUTOCOMMIT,
        ..OkPacket::default()
    };
    if sql.starts_with("SHOW COLUMNS") {
        let columns = ["Field", "Type", "Null", "Key", "Default", "Extra"];
        Reply::rows(&columns, [["id", "int(11)", "NO", "", "", ""]])
    } else if sql.starts_with("SELECT @@local_infile") {
        let count = ColumnCount {
            columns: 1,
            metadata_follows: true,
        };
        Reply::new()
            .packet(&count)
            .packet(&ColumnDefinition::new("local_infile", FieldType::LongLong))
            .packet(&TextRowPacket::of(["1"]))
            .packet(&rows_end())
    } else if sql.starts_with("SHOW WARNINGS") {
        let rows: [[&str; 3]; 0] = [];
        let columns = ["Level", "Code", "Message"];
        Reply::new().result_set(&columns, rows, in_transaction.status)
    } else if sql.starts_with("LOAD DATA") {
        let loaded = Reply::new().packet(&OkPacket {
            affected_rows: 2,
            info: info.as_bytes(),
            warnings,
            ..in_transaction
        });
        Reply::new().then_file(b"record batches", loaded)
    } else if sql.starts_with("START") {
        Reply::new().packet(&in_transaction)
    } else {
        // The transaction has ended.
        Reply::ok()
    }
}

async fn load(
    info: &'static str,
    warnings: u16,
    is_allowed: bool,
) -> (Result<Inserted, InsertError>, String) {
    let (mut connection, handle) = server(info, warnings).await;
    let ids = Arc::new(Int32Array::from(vec![1, 2])) as _;
    let batch = RecordBatch::try_from_iter([("id", ids)]).unwrap();
    let schema = batch.schema();
    let batches = RecordBatchIterator::new([Ok(batch)], schema);
    let options = InsertOptions::new()
        .with_way(InsertWay::LoadData)
        .with_warnings_allowed(is_allowed);
    let inserted = connection.insert_arrow("item", batches, options).await;
    let said = String::from_utf8_lossy(&handle.received()).into_owned();
    (inserted, said)
}

fn warned(inserted: &Result<Inserted, InsertError>) -> Option<u64> {
    match inserted {
        Err(InsertError {
            kind: InsertErrorKind::Warnings { count, .. },
            rows_committed: 0,
            ..
        }) => Some(*count),
        _ => None,
    }
}

#[tokio::test]
async fn rows_that_a_server_has_not_read_are_an_error_also_where_warnings_are_allowed() {
    for (info, missing) in [
        ("Records: 1  Deleted: 0  Skipped: 0  Warnings: 0", 1),
        ("Records: 0  Deleted: 0  Skipped: 0  Warnings: 0", 2),
        ("Records: 7  Deleted: 0  Skipped: 0  Warnings: 0", 5),
        ("", 2),
    ] {
        for is_allowed in [false, true] {
            let (inserted, said) = load(info, 0, is_allowed).await;
            assert_eq!(warned(&inserted), Some(missing), "{info}: {inserted:?}");
            assert!(
                said.contains("ROLLBACK") && !said.contains("COMMIT"),
                "{info}"
            );
        }
    }
}

#[tokio::test]
async fn rows_that_a_server_leaves_out_without_a_warning_are_an_error_unless_that_is_allowed() {
    let info = "Records: 2  Deleted: 0  Skipped: 2  Warnings: 0";
    let (inserted, said) = load(info, 0, false).await;
    assert_eq!(warned(&inserted), Some(2), "{inserted:?}");
    assert!(said.contains("ROLLBACK"));
    let (inserted, said) = load(info, 0, true).await;
    assert_eq!(inserted.unwrap().rows, 2);
    assert!(said.contains("COMMIT"));
}

#[tokio::test]
async fn warnings_are_those_that_are_told_either_way() {
    let info = "Records: 2  Deleted: 0  Skipped: 0  Warnings: 3";
    for (info, count, told) in [
        (info, 0, 3),
        ("Records: 2  Deleted: 0  Skipped: 0  Warnings: 0", 4, 4),
        (info, 1, 3),
    ] {
        let (inserted, _) = load(info, count, false).await;
        assert_eq!(warned(&inserted), Some(told), "{inserted:?}");
        let (inserted, _) = load(info, count, true).await;
        assert_eq!(inserted.unwrap().warnings, told);
    }
    let (inserted, _) = load("Records: 2  Deleted: 0  Skipped: 0  Warnings: 0", 0, false).await;
    let inserted = inserted.unwrap();
    assert_eq!(
        (inserted.rows, inserted.affected_rows, inserted.warnings),
        (2, 2, 0)
    );
}
