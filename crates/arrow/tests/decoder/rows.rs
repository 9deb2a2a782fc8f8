//! What the tests share: columns, rows, and their decoding in both forms.

use arrow::array::{Array, ArrayRef, RecordBatch};
use otaria_arrow::{ArrowOptions, DecodeError, RecordBatchDecoder, RowForm};
use otaria_binary::{BinaryCell, BinaryRowPacket};
use otaria_codec::{Capabilities, ColumnDefinition, Encode, FieldFlags, FieldType, PayloadWriter};
use otaria_text::{TextCell, TextRowPacket};

pub(crate) const UTF8MB4: u16 = 45;

pub(crate) fn column(field_type: FieldType) -> ColumnDefinition {
    ColumnDefinition::new("c", field_type)
}

pub(crate) fn unsigned(field_type: FieldType) -> ColumnDefinition {
    column(field_type).with_flags(FieldFlags::UNSIGNED)
}

pub(crate) fn text_column(field_type: FieldType) -> ColumnDefinition {
    column(field_type).with_collation(UTF8MB4)
}

/// A column of DECIMAL(precision, scale).
pub(crate) fn decimal(precision: u8, scale: u8) -> ColumnDefinition {
    let length = u32::from(precision) + u32::from(scale > 0) + 1;
    column(FieldType::NewDecimal).with_length(length, scale)
}

pub(crate) fn encoded(packet: &impl Encode) -> Vec<u8> {
    let mut out = Vec::new();
    packet.encode(Capabilities::empty(), &mut PayloadWriter::new(&mut out));
    out
}

pub(crate) fn text_row<T: Into<TextCell>>(cells: impl IntoIterator<Item = T>) -> Vec<u8> {
    encoded(&TextRowPacket::of(cells))
}

/// A cell in both forms.
#[derive(Clone)]
pub(crate) struct Cell {
    pub(crate) text: TextCell,
    pub(crate) binary: BinaryCell,
}

pub(crate) fn cell(text: impl Into<TextCell>, binary: impl Into<BinaryCell>) -> Cell {
    Cell {
        text: text.into(),
        binary: binary.into(),
    }
}

/// A cell whose two forms are the same bytes.
pub(crate) fn same(bytes: impl AsRef<[u8]>) -> Cell {
    cell(bytes.as_ref(), bytes.as_ref())
}

pub(crate) fn null() -> Cell {
    cell(None::<&str>, BinaryCell::NULL)
}

pub(crate) fn decode(
    columns: &[ColumnDefinition],
    options: &ArrowOptions,
    form: RowForm,
    rows: &[Vec<u8>],
) -> Result<RecordBatch, DecodeError> {
    let mut decoder = RecordBatchDecoder::try_new(columns, options)?;
    let taken = decoder.decode(form, rows.iter().map(Vec::as_slice))?;
    assert_eq!(taken, rows.len());
    Ok(decoder.flush()?.expect("there are rows"))
}

/// Decodes cells of one column in each form, alone and in front of another column, and with and
/// without other rows around them; all of it must come to the same.
pub(crate) fn column_of(
    definition: &ColumnDefinition,
    options: &ArrowOptions,
    cells: &[Cell],
) -> Result<ArrayRef, DecodeError> {
    let one = |form| {
        let rows: Vec<Vec<u8>> = cells.iter().map(|cell| row(form, &[cell])).collect();
        decode(std::slice::from_ref(definition), options, form, &rows)
            .map(|batch| batch.column(0).clone())
    };
    let (text, binary) = (one(RowForm::Text), one(RowForm::Binary));
    let same = match (&text, &binary) {
        (Ok(text), Ok(binary)) => text.as_ref() == binary.as_ref(),
        (Err(text), Err(binary)) => text.to_string() == binary.to_string(),
        _ => false,
    };
    assert!(same, "text {text:?}, binary {binary:?}");
    if let Ok(array) = &text {
        assert_eq!(array.len(), cells.len());
        between_others(definition, options, cells, array);
    }
    text
}

/// The same cells between other columns and in more rows than a block has.
fn between_others(
    definition: &ColumnDefinition,
    options: &ArrowOptions,
    cells: &[Cell],
    expected: &ArrayRef,
) {
    let other = ColumnDefinition::new("other", FieldType::VarString).with_collation(UTF8MB4);
    let columns = [other.clone(), definition.clone(), other];
    let around = same("0123456789.0123456789");
    for form in [RowForm::Text, RowForm::Binary] {
        let rows = cells.iter().cycle().take(300);
        let rows: Vec<Vec<u8>> = rows
            .map(|cell| row(form, &[&around, cell, &around]))
            .collect();
        let batch = decode(&columns, options, form, &rows).unwrap();
        let array = batch.column(1);
        if !matches!(
            array.data_type(),
            arrow::datatypes::DataType::Dictionary(..)
        ) {
            assert_eq!(&array.slice(0, cells.len()), expected);
            let last = 300 / cells.len() - 1;
            assert_eq!(&array.slice(last * cells.len(), cells.len()), expected);
        }
        assert_eq!(batch.column(2).null_count(), 0);
    }
}

pub(crate) fn row(form: RowForm, cells: &[&Cell]) -> Vec<u8> {
    match form {
        RowForm::Text => text_row(cells.iter().map(|cell| cell.text.clone())),
        RowForm::Binary => encoded(&BinaryRowPacket::of(
            cells.iter().map(|cell| cell.binary.clone()),
        )),
    }
}
