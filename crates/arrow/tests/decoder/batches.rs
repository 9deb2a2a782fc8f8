//! Batches: their limits, and rows that come in pieces.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Int32Type, UInt64Type};
use otaria_arrow::{ArrowOptions, ColumnType, RecordBatchDecoder, RowForm};
use otaria_codec::{ColumnDefinition, FieldType};
use proptest::prelude::*;

use crate::rows::{Cell, cell, column, null, row, same, text_column, unsigned};

fn numbers(rows: i32) -> Vec<Vec<u8>> {
    (0..rows)
        .map(|number| row(RowForm::Binary, &[&cell(number.to_string(), number)]))
        .collect()
}

fn decoder(options: &ArrowOptions) -> RecordBatchDecoder {
    RecordBatchDecoder::try_new(&[column(FieldType::Long)], options).unwrap()
}

#[test]
fn a_full_batch_leaves_the_other_rows_where_they_are() {
    let rows = numbers(1000);
    let mut payloads = rows.iter().map(Vec::as_slice);
    let mut decoder = decoder(&ArrowOptions::default().with_max_rows(300));
    let mut batches = Vec::new();
    loop {
        let taken = decoder.decode(RowForm::Binary, payloads.by_ref()).unwrap();
        assert_eq!(taken, decoder.rows());
        let Some(batch) = decoder.flush().unwrap() else {
            break;
        };
        batches.push(batch);
    }
    let lengths: Vec<_> = batches.iter().map(RecordBatch::num_rows).collect();
    assert_eq!(lengths, [300, 300, 300, 100]);
    let values = batches.iter().flat_map(|batch| {
        let column = batch.column(0).as_primitive::<Int32Type>();
        column.values().to_vec()
    });
    assert!(values.eq(0..1000));
}

#[test]
fn a_batch_ends_with_the_row_that_reaches_its_bytes() {
    let rows = numbers(100);
    let length = rows[0].len();
    let options = ArrowOptions::default().with_max_bytes(10 * length - 1);
    let mut decoder = decoder(&options);
    let taken = decoder.decode(RowForm::Binary, rows.iter().map(Vec::as_slice));
    assert_eq!(taken.unwrap(), 10);
    assert!(decoder.is_full());
    let again = decoder.decode(RowForm::Binary, rows.iter().map(Vec::as_slice));
    assert_eq!(again.unwrap(), 0);
    decoder.flush().unwrap();
    assert!(!decoder.is_full());
}

#[test]
fn a_row_longer_than_the_limit_is_a_batch_of_its_own() {
    let options = ArrowOptions::default().with_max_bytes(0);
    let mut decoder = decoder(&options);
    let rows = numbers(2);
    let taken = decoder.decode(RowForm::Binary, rows.iter().map(Vec::as_slice));
    assert_eq!(taken.unwrap(), 1);
}

#[test]
fn nulls_that_take_memory_count_towards_the_limit() {
    let dimensions = Some(10_000);
    let options = ArrowOptions::default()
        .with_max_bytes(1 << 20)
        .with_column("c", ColumnType::Vector { dimensions });
    let mut decoder = RecordBatchDecoder::try_new(&[column(FieldType::Blob)], &options).unwrap();
    let payloads = std::iter::repeat_n(&b"\xfb"[..], 100_000);
    let taken = decoder.decode(RowForm::Text, payloads).unwrap();
    // Looked at behind each block of rows.
    assert!((27..=128).contains(&taken), "{taken}");
    assert!(decoder.is_full());
}

#[test]
fn no_rows_are_no_batch() {
    let mut decoder = decoder(&ArrowOptions::default());
    assert_eq!(decoder.decode(RowForm::Text, []).unwrap(), 0);
    assert!(decoder.flush().unwrap().is_none());
}

#[test]
fn debug_shows_no_value() {
    let mut decoder = decoder(&ArrowOptions::default());
    decoder.decode(RowForm::Text, [&b"\x0542424"[..]]).unwrap();
    let shown = format!("{decoder:?}");
    assert_eq!(
        shown,
        r#"RecordBatchDecoder { columns: ["c"], rows: 1, .. }"#
    );
}

#[test]
fn a_decoder_can_be_sent_between_threads() {
    fn is_send_and_sync<T: Send + Sync>() {}
    is_send_and_sync::<RecordBatchDecoder>();
    is_send_and_sync::<ArrowOptions>();
}

fn columns() -> Vec<ColumnDefinition> {
    let kinds = [
        unsigned(FieldType::LongLong),
        text_column(FieldType::VarString),
        column(FieldType::Long),
        column(FieldType::Blob),
    ];
    // More columns than the bitmap's first word has bits for.
    kinds.iter().cycle().take(70).cloned().collect()
}

fn cells(seed: u64) -> Vec<Cell> {
    (0..70_u64)
        .map(|place| {
            let value = seed
                .wrapping_mul(0x9e37_79b9_7f4a_7c15)
                .rotate_left(u32::try_from(place).unwrap());
            let small = i32::from_le_bytes(*value.to_le_bytes().first_chunk().unwrap());
            match (value % 5, place % 4) {
                (0, _) => null(),
                (_, 0) => cell(value.to_string(), value),
                (_, 1) => same(value.to_string()),
                (_, 2) => cell(small.to_string(), small),
                _ => same(value.to_le_bytes()),
            }
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn rows_in_pieces_and_in_either_form_make_the_same_batches(
        seeds in prop::collection::vec(any::<u64>(), 1..300),
        pieces in prop::collection::vec(1..200_usize, 1..10),
        max_rows in 1..400_u32,
    ) {
        let options = ArrowOptions::default().with_max_rows(max_rows);
        let columns = columns();
        let batches = |form, pieces: &[usize]| {
            let rows: Vec<_> = seeds
                .iter()
                .map(|seed| cells(*seed))
                .map(|cells| row(form, &cells.iter().collect::<Vec<_>>()))
                .collect();
            let mut decoder = RecordBatchDecoder::try_new(&columns, &options).unwrap();
            let mut batches = Vec::new();
            let mut rest = &rows[..];
            for piece in pieces.iter().cycle() {
                let (now, later) = rest.split_at(rest.len().min(*piece));
                let mut payloads = now.iter().map(Vec::as_slice);
                while payloads.len() > 0 {
                    decoder.decode(form, payloads.by_ref()).unwrap();
                    if decoder.is_full() {
                        batches.push(decoder.flush().unwrap().unwrap());
                    }
                }
                rest = later;
                if rest.is_empty() {
                    break;
                }
            }
            batches.extend(decoder.flush().unwrap());
            batches
        };
        let whole = batches(RowForm::Text, &[usize::MAX]);
        prop_assert_eq!(&whole, &batches(RowForm::Text, &pieces));
        prop_assert_eq!(&whole, &batches(RowForm::Binary, &pieces));
        let first = whole[0].column(0).as_primitive::<UInt64Type>();
        let expected = cells(seeds[0]);
        let is_null = row(RowForm::Text, &[&expected[0]]) == b"\xfb";
        prop_assert_eq!(first.is_null(0), is_null);
    }
}
