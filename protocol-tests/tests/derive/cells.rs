use std::fmt::Debug;

use otaria::{ColumnDefinition, FieldFlags, FieldType, FromRow, FromRowError};
use otaria_binary::{BinaryCell, BinaryRow, BinaryRowPacket};
use otaria_codec::{Capabilities, Encode, PayloadWriter};
use otaria_text::{TextRow, TextRowPacket};
use otaria_types::{Columns, RowReader};

/// A cell and its column, as both protocols send it.
#[derive(Clone)]
pub struct Cell {
    pub column: ColumnDefinition,
    text: Option<Vec<u8>>,
    binary: BinaryCell,
}

/// Of the collation `utf8mb4_general_ci`: text, not binary data.
const UTF8MB4: u16 = 45;

impl Cell {
    fn new(
        column: ColumnDefinition,
        text: impl Into<Vec<u8>>,
        binary: impl Into<BinaryCell>,
    ) -> Self {
        Self {
            column,
            text: Some(text.into()),
            binary: binary.into(),
        }
    }

    /// The same, but NULL.
    pub fn null(self) -> Self {
        Self {
            text: None,
            binary: BinaryCell::NULL,
            ..self
        }
    }
}

/// A cell of INT.
pub fn int(name: &str, value: i32) -> Cell {
    Cell::new(
        ColumnDefinition::new(name, FieldType::Long),
        value.to_string(),
        value,
    )
}

/// A cell of INT UNSIGNED.
pub fn unsigned(name: &str, value: u32) -> Cell {
    let column = ColumnDefinition::new(name, FieldType::Long).with_flags(FieldFlags::UNSIGNED);
    Cell::new(column, value.to_string(), value)
}

/// A cell of BIGINT.
pub fn bigint(name: &str, value: i64) -> Cell {
    Cell::new(
        ColumnDefinition::new(name, FieldType::LongLong),
        value.to_string(),
        value,
    )
}

/// A cell of VARCHAR.
pub fn text(name: &str, value: &str) -> Cell {
    text_of_bytes(name, value.as_bytes())
}

/// The same, of bytes that need not be text.
pub fn text_of_bytes(name: &str, value: &[u8]) -> Cell {
    let column = ColumnDefinition::new(name, FieldType::VarString).with_collation(UTF8MB4);
    Cell::new(column, value, value)
}

/// A cell of BLOB.
pub fn blob(name: &str, value: &[u8]) -> Cell {
    Cell::new(ColumnDefinition::new(name, FieldType::Blob), value, value)
}

/// A row of both protocols.
pub struct Sample {
    pub columns: Columns,
    pub text: Vec<u8>,
    pub binary: Vec<u8>,
}

impl Sample {
    pub fn new(cells: &[Cell]) -> Self {
        let text = TextRowPacket::of(cells.iter().map(|cell| cell.text.clone()));
        let binary = BinaryRowPacket::of(cells.iter().map(|cell| cell.binary.clone()));
        Self {
            columns: cells
                .iter()
                .map(|cell| cell.column.clone())
                .collect::<Vec<_>>()
                .into(),
            text: encoded(&text),
            binary: encoded(&binary),
        }
    }

    /// The row as both protocols give it, which is the same.
    pub fn read<'r, T: FromRow<'r> + Debug + PartialEq>(&'r self) -> Result<T, FromRowError> {
        let text = read_as::<T, TextRow<'r>>(&self.text, &self.columns);
        let binary = read_as::<T, BinaryRow<'r>>(&self.binary, &self.columns);
        assert_eq!(text, binary, "text and binary");
        binary
    }
}

/// Reads the row that `payload` is, as a session does.
pub fn read_as<'r, T: FromRow<'r>, R: RowReader<'r>>(
    payload: &'r [u8],
    columns: &'r Columns,
) -> Result<T, FromRowError> {
    let plan = T::plan(columns)?;
    T::from_row(&mut R::new(payload, columns.len())?, columns, &plan)
}

fn encoded(packet: &impl Encode) -> Vec<u8> {
    let mut payload = Vec::new();
    packet.encode(Capabilities::empty(), &mut PayloadWriter::new(&mut payload));
    payload
}
