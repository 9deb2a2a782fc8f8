//! Rows that are cut, that lie, or that hold what a column cannot.

use otaria_arrow::{ArrowOptions, CellReason, DecodeError, RecordBatchDecoder, RowForm};
use otaria_binary::BinaryCell;
use otaria_codec::{ColumnDefinition, FieldType, InvalidPacket};

use crate::rows::{Cell, cell, column, decimal, decode, null, row, same, text_column, unsigned};

/// One column of each kind, and a row of them.
fn all() -> (Vec<ColumnDefinition>, Vec<Cell>) {
    let raw = |text: &str, binary: &[u8]| cell(text, BinaryCell::raw(binary));
    let (columns, cells) = [
        (column(FieldType::Tiny), cell("-1", -1_i8)),
        (column(FieldType::Short), cell("300", 300_i16)),
        (column(FieldType::Long), cell("70000", 70_000)),
        (
            unsigned(FieldType::LongLong),
            cell("18446744073709551615", u64::MAX),
        ),
        (column(FieldType::Float), cell("1.5", 1.5_f32)),
        (column(FieldType::Double), cell("2.5", 2.5_f64)),
        (decimal(15, 2), same("123456789012.34")),
        (decimal(65, 30), same("1.5")),
        (
            column(FieldType::Date),
            raw("2024-02-29", b"\x04\xe8\x07\x02\x1d"),
        ),
        (
            column(FieldType::DateTime),
            raw("2024-02-29 10:11:12", b"\x07\xe8\x07\x02\x1d\x0a\x0b\x0c"),
        ),
        (
            column(FieldType::Time),
            raw("01:02:03", b"\x08\0\0\0\0\0\x01\x02\x03"),
        ),
        (column(FieldType::Bit), same([1, 2])),
        (text_column(FieldType::VarString), same("text")),
        (text_column(FieldType::Blob), same("long text".repeat(40))),
        (
            text_column(FieldType::String).with_extended_metadata("uuid", ""),
            same("123e4567-e89b-12d3-a456-426655440000"),
        ),
        (column(FieldType::Geometry), same([0; 13])),
        (column(FieldType::Blob), same("bytes")),
        (column(FieldType::Null), null()),
        (column(FieldType::Long), null()),
    ]
    .into_iter()
    .unzip();
    (columns, cells)
}

fn whole(form: RowForm) -> (Vec<ColumnDefinition>, Vec<u8>) {
    let (columns, cells) = all();
    let payload = row(form, &cells.iter().collect::<Vec<_>>());
    (columns, payload)
}

#[test]
fn every_cut_row_is_refused_wherever_it_is_cut() {
    for form in [RowForm::Text, RowForm::Binary] {
        let (columns, payload) = whole(form);
        let good = vec![payload.clone(); 3];
        decode(&columns, &ArrowOptions::default(), form, &good).unwrap();
        for end in 0..payload.len() {
            let rows = [payload.clone(), payload[..end].to_vec(), payload.clone()];
            let error = decode(&columns, &ArrowOptions::default(), form, &rows).unwrap_err();
            assert!(
                matches!(error, DecodeError::InvalidRow { row: 1, .. }),
                "{end}: {error:?}"
            );
        }
    }
}

#[test]
fn a_row_that_goes_on_is_refused() {
    for form in [RowForm::Text, RowForm::Binary] {
        let (columns, payload) = whole(form);
        let rows = [payload.clone(), [&payload[..], b"ab"].concat()];
        let error = decode(&columns, &ArrowOptions::default(), form, &rows).unwrap_err();
        let DecodeError::InvalidRow { row: 1, invalid } = error else {
            panic!("{error:?}");
        };
        assert!(matches!(
            invalid,
            InvalidPacket::TrailingData { bytes: 2, .. }
        ));
    }
}

#[test]
fn a_length_beyond_the_row_is_refused_and_takes_no_memory() {
    let columns = [text_column(FieldType::VarString)];
    for payload in [
        &b"\xfe\xff\xff\xff\xff\xff\xff\xff\x7fa"[..],
        b"\xfd\xff\xff\xffa",
        b"\xfaa",
        b"\xffa",
    ] {
        for (form, head) in [(RowForm::Text, &b""[..]), (RowForm::Binary, b"\0\0")] {
            let rows = [[head, payload].concat()];
            let error = decode(&columns, &ArrowOptions::default(), form, &rows).unwrap_err();
            assert!(matches!(error, DecodeError::InvalidRow { row: 0, .. }));
        }
    }
}

#[test]
fn a_cell_of_a_binary_row_cannot_be_null_by_its_length() {
    let columns = [text_column(FieldType::VarString)];
    let rows = [b"\0\0\xfb".to_vec()];
    let error = decode(&columns, &ArrowOptions::default(), RowForm::Binary, &rows).unwrap_err();
    assert!(matches!(error, DecodeError::InvalidRow { row: 0, .. }));
}

#[test]
fn a_binary_row_of_another_header_is_refused() {
    let columns = [column(FieldType::LongLong)];
    for header in [1, 0xfb, 0xff] {
        let rows = [[&[header, 0][..], &[0; 8]].concat()];
        let error = decode(&columns, &ArrowOptions::default(), RowForm::Binary, &rows);
        let error = error.unwrap_err();
        let DecodeError::InvalidRow { row: 0, invalid } = error else {
            panic!("{error:?}");
        };
        assert!(matches!(invalid, InvalidPacket::Header { found, .. } if found == header));
    }
}

#[test]
fn rows_are_counted_over_all_batches() {
    let columns = [text_column(FieldType::VarString), column(FieldType::Tiny)];
    let options = ArrowOptions::default().with_max_rows(200);
    let mut decoder = RecordBatchDecoder::try_new(&columns, &options).unwrap();
    let good = row(RowForm::Text, &[&same("a"), &cell("1", 1_i8)]);
    let bad = row(RowForm::Text, &[&same("a"), &cell("1000", 1_i8)]);
    let mut payloads = std::iter::repeat_n(&good[..], 350).chain([&bad[..]]);
    assert_eq!(
        decoder.decode(RowForm::Text, payloads.by_ref()).unwrap(),
        200
    );
    assert_eq!(decoder.flush().unwrap().unwrap().num_rows(), 200);
    let error = decoder
        .decode(RowForm::Text, payloads.by_ref())
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "row 351, column 1 `c` (TINYINT): the value is out of the range of the column's type"
    );
    assert!(matches!(
        error,
        DecodeError::Cell {
            reason: CellReason::OutOfRange,
            ..
        }
    ));
}

#[test]
fn text_that_is_not_utf_8_is_found_when_the_batch_ends() {
    let columns = [text_column(FieldType::VarString)];
    let mut decoder = RecordBatchDecoder::try_new(&columns, &ArrowOptions::default()).unwrap();
    let rows = [&b"\x01a"[..], b"\x01\xff", b"\x01b"];
    decoder.decode(RowForm::Text, rows).unwrap();
    let error = decoder.flush().unwrap_err();
    let DecodeError::Cell {
        row: 1,
        column,
        reason: CellReason::Utf8,
    } = error
    else {
        panic!("{error:?}");
    };
    assert_eq!((column.index(), column.name()), (0, "c"));
    // The next batch is not touched by it.
    decoder.decode(RowForm::Text, [&b"\x01a"[..]]).unwrap();
    assert_eq!(decoder.flush().unwrap().unwrap().num_rows(), 1);
    assert!(decoder.flush().unwrap().is_none());
}

#[test]
fn after_an_error_the_decoder_begins_a_batch() {
    let columns = [text_column(FieldType::VarString), column(FieldType::Long)];
    let mut decoder = RecordBatchDecoder::try_new(&columns, &ArrowOptions::default()).unwrap();
    let rows = [&b"\x01a\x011"[..], b"\x01b\x01x"];
    assert!(decoder.decode(RowForm::Text, rows).is_err());
    assert_eq!(decoder.rows(), 0);
    decoder.decode(RowForm::Text, [&b"\x01c\x012"[..]]).unwrap();
    let batch = decoder.flush().unwrap().unwrap();
    assert_eq!(batch.num_rows(), 1);
    // The rows that were lost count.
    let error = decoder.decode(RowForm::Text, [&b"\x01d\x01y"[..]]);
    assert!(
        error
            .unwrap_err()
            .to_string()
            .starts_with("row 4, column 1")
    );
}

#[test]
fn a_value_in_a_column_of_the_literal_null_is_refused() {
    let rows = [row(RowForm::Text, &[&same("a")])];
    let columns = [column(FieldType::Null)];
    let error = decode(&columns, &ArrowOptions::default(), RowForm::Text, &rows).unwrap_err();
    assert!(matches!(
        error,
        DecodeError::Cell {
            reason: CellReason::Malformed,
            ..
        }
    ));
}

#[test]
fn parts_of_dates_beyond_their_ranges_are_errors_whatever_zero_dates_become() {
    let options = ArrowOptions::default().with_zero_dates(otaria_types::ZeroDates::Null);
    for (field_type, binary) in [
        (FieldType::Date, &b"\x04\x10\x27\x01\x01"[..]),
        (FieldType::Date, b"\x04\xe8\x07\x0d\x01"),
        (FieldType::Date, b"\x04\xe8\x07\x01\x20"),
        (FieldType::DateTime, b"\x07\xe8\x07\x01\x01\x18\x00\x00"),
        (FieldType::DateTime, b"\x07\xe8\x07\x01\x01\x00\x3c\x00"),
        (
            FieldType::DateTime,
            b"\x0b\xe8\x07\x01\x01\x00\x00\x00\x40\x42\x0f\x00",
        ),
        (FieldType::Time, b"\x08\x00\xff\xff\xff\xff\x00\x00\x00"),
        (FieldType::Time, b"\x08\x00\x23\x00\x00\x00\x00\x00\x00"),
    ] {
        let rows = [[b"\0\0", binary].concat()];
        let error = decode(&[column(field_type)], &options, RowForm::Binary, &rows).unwrap_err();
        let DecodeError::Cell { reason, .. } = error else {
            panic!("{error:?}");
        };
        assert_eq!(reason, CellReason::OutOfRange, "{binary:?}");
    }
}

#[test]
fn dates_of_another_length_are_malformed() {
    for field_type in [FieldType::Date, FieldType::DateTime, FieldType::Time] {
        for length in 0..=12_u8 {
            let known: &[u8] = match field_type {
                FieldType::Date => &[0, 4],
                FieldType::DateTime => &[0, 4, 7, 11],
                _ => &[0, 8, 12],
            };
            if known.contains(&length) {
                continue;
            }
            let cell = [&b"\0\0"[..], &[length], &vec![1; length.into()]].concat();
            let columns = [column(field_type)];
            let options = ArrowOptions::default();
            let error = decode(&columns, &options, RowForm::Binary, &[cell]).unwrap_err();
            let DecodeError::Cell { reason, .. } = error else {
                panic!("{error:?}");
            };
            assert_eq!(reason, CellReason::Malformed, "{field_type:?} {length}");
        }
    }
}
