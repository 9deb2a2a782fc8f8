//! Rows that a real server has sent.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Decimal128Type, Int16Type, TimeUnit};
use otaria_arrow::{ArrowOptions, RecordBatchDecoder, RowForm};
use otaria_codec::{Capabilities, ColumnDefinition, Decode};

/// The payloads that the server has sent in a recorded exchange.
fn payloads(fixture: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../protocol-tests/fixtures");
    let text = std::fs::read_to_string(folder.join(fixture)).unwrap();
    let lines = text.lines().filter_map(|line| line.strip_prefix("< "));
    let bytes = |line: &str| {
        let hex = line.split('#').next().unwrap().split_whitespace();
        hex.skip(4)
            .map(|byte| u8::from_str_radix(byte, 16).unwrap())
            .collect()
    };
    lines.map(bytes).collect()
}

/// The one result set of the exchange.
fn batch(fixture: &str, form: RowForm) -> RecordBatch {
    let all = payloads(fixture);
    let extended = Capabilities::MARIADB_CLIENT_EXTENDED_METADATA;
    let columns: Vec<ColumnDefinition> = all
        .iter()
        .filter(|payload| payload.starts_with(b"\x03def"))
        .filter_map(|payload| ColumnDefinition::decode(payload, extended).ok())
        .collect();
    let mut columns = columns;
    // A statement's parameters and columns come with its preparation, too.
    let own: Vec<ColumnDefinition> = columns.split_off(columns.len().saturating_sub(25));
    let rows: Vec<&[u8]> = match form {
        RowForm::Text => all
            .iter()
            .filter(|payload| text_row(payload))
            .map(Vec::as_slice)
            .collect(),
        RowForm::Binary => {
            let rows = all.iter().rev().skip(1).take(3).map(Vec::as_slice);
            rows.collect::<Vec<_>>().into_iter().rev().collect()
        }
    };
    let mut decoder = RecordBatchDecoder::try_new(&own, &ArrowOptions::default()).unwrap();
    assert_eq!(decoder.decode(form, rows).unwrap(), 3);
    decoder.flush().unwrap().unwrap()
}

/// The recorded rows begin with the number of the row.
fn text_row(payload: &[u8]) -> bool {
    matches!(payload, [1, b'1'..=b'3', ..])
}

#[test]
fn all_types_of_a_server_are_the_same_in_both_forms() {
    let text = batch("query/02_all_types.hex", RowForm::Text);
    let binary = batch("statement/02_all_types.hex", RowForm::Binary);
    assert_eq!(text.num_columns(), 25);
    for (index, field) in text.schema().fields().iter().enumerate() {
        assert_eq!(text.column(index), binary.column(index), "{field}");
        assert_eq!(**field, *binary.schema().field(index), "{field}");
        assert!(text.column(index).is_null(2) != (index == 0), "{field}");
    }
    assert_eq!(text, binary);
}

#[test]
fn a_server_s_columns_have_their_types() {
    let batch = batch("query/02_all_types.hex", RowForm::Text);
    let types: Vec<DataType> = batch
        .schema()
        .fields()
        .iter()
        .map(|field| field.data_type().clone())
        .collect();
    let expected = [
        DataType::Int32,
        DataType::Int8,
        DataType::UInt16,
        DataType::Int32,
        DataType::UInt64,
        DataType::Decimal128(20, 5),
        DataType::Float32,
        DataType::Float64,
        DataType::Int16,
        DataType::Date32,
        DataType::Timestamp(TimeUnit::Microsecond, None),
        DataType::Timestamp(TimeUnit::Microsecond, None),
        DataType::Duration(TimeUnit::Microsecond),
        DataType::UInt64,
        DataType::Utf8,
        DataType::Utf8,
        DataType::Utf8,
        DataType::Utf8,
        DataType::Utf8,
        DataType::Binary,
        DataType::Binary,
        DataType::Utf8,
        DataType::FixedSizeBinary(16),
        DataType::Utf8,
        DataType::Binary,
    ];
    assert_eq!(types, expected);
    let decimals = batch.column(5).as_primitive::<Decimal128Type>();
    assert_eq!(decimals.value(0), -1_234_567_890);
    assert_eq!(batch.column(8).as_primitive::<Int16Type>().value(0), 2024);
    let text: Arc<dyn Array> = Arc::clone(batch.column(17));
    assert_eq!(text.as_string::<i32>().value(0), "Zoë 🦭");
    assert_eq!(batch.column(24).as_binary::<i32>().value(0).len(), 21);
}
