//! Rows of the binary protocol: a cell is the same in whatever order cells are read, none reaches
//! beyond the row, and what is written again is the same row. The values are sent back as
//! parameters, and come out as they went in.
#![no_main]

use libfuzzer_sys::fuzz_target;
use otaria_binary::{BinaryRow, BinaryRowPacket, BulkParameters, Parameters, Push};
use otaria_codec::{Capabilities, ColumnDefinition, FieldFlags, FieldType};
use otaria_fuzz::{Input, encoded};
use otaria_types::{CellError, Decimal, Indicated, RowReader, ValueRef};

fuzz_target!(|data: &[u8]| {
    let mut input = Input::new(data);
    let count = usize::from(input.byte() % 33);
    let columns: Vec<_> = (0..count).map(|_| column(&mut input)).collect();
    let payload = input.rest();
    let cells = in_order(payload, &columns);
    if let Ok(cells) = &cells {
        any_order(payload, &columns, cells);
        let values: Vec<_> = cells.iter().filter_map(|(_, cell)| cell.ok()).collect();
        parameters(&values);
        bulk_parameters(&values);
    }
    row_packet(payload, &columns, cells.is_ok());
    received_parameters(payload, count);
});

type Cell<'a> = Result<ValueRef<'a>, CellError>;
type Cells<'a> = Result<Vec<(usize, Cell<'a>)>, CellError>;

fn column(input: &mut Input<'_>) -> ColumnDefinition {
    let field_type = FieldType::from(input.byte());
    let flags = FieldFlags::from_bits_retain(input.byte().into());
    ColumnDefinition::new("c", field_type)
        .with_flags(flags)
        .with_collation(input.byte().into())
}

/// The cells with their positions; an error if the row is cut.
fn in_order<'a>(payload: &'a [u8], columns: &[ColumnDefinition]) -> Cells<'a> {
    let mut row = BinaryRow::new(payload, columns.len())?;
    let mut cells = Vec::new();
    let has_null = row.has_null();
    for column in columns {
        let position = row.position();
        let cell = row.value(column);
        if let Err(CellError::InvalidPacket(_)) = cell {
            cell?;
        }
        let is_null = matches!(cell, Ok(ValueRef::Null));
        assert!(has_null || !is_null);
        assert_eq!(row.position() == position, is_null);
        assert!(row.position() <= payload.len());
        cells.push((position, cell));
    }
    row.finish()?;
    Ok(cells)
}

fn any_order(payload: &[u8], columns: &[ColumnDefinition], cells: &[(usize, Cell<'_>)]) {
    for (index, &(position, cell)) in cells.iter().enumerate().rev() {
        let column = &columns[index];
        let mut row = BinaryRow::new(payload, columns.len()).unwrap();
        columns[..index]
            .iter()
            .for_each(|column| row.skip(column).unwrap());
        assert_eq!(row.position(), position);
        assert_same(row.value(column), cell);
        let mut row = BinaryRow::at(payload, position, index).unwrap();
        assert_same(row.value(column), cell);
        let end = row.position();
        let mut row = BinaryRow::at(payload, position, index).unwrap();
        assert_same(typed(&mut row, column), cell);
        assert_eq!(row.position(), end);
    }
}

/// The cell by the method for its column's type.
fn typed<'a>(row: &mut BinaryRow<'a>, column: &ColumnDefinition) -> Cell<'a> {
    if row.is_null()? {
        return Ok(ValueRef::Null);
    }
    Ok(match (column.field_type(), column.is_unsigned()) {
        (FieldType::Tiny, false) => ValueRef::Int(row.i8()?.into()),
        (FieldType::Tiny, true) => ValueRef::UInt(row.u8()?.into()),
        (FieldType::Short, false) => ValueRef::Int(row.i16()?.into()),
        (FieldType::Short, true) | (FieldType::Year, _) => ValueRef::UInt(row.u16()?.into()),
        (FieldType::Int24 | FieldType::Long, false) => ValueRef::Int(row.i32()?.into()),
        (FieldType::Int24 | FieldType::Long, true) => ValueRef::UInt(row.u32()?.into()),
        (FieldType::LongLong, false) => ValueRef::Int(row.i64()?),
        (FieldType::LongLong, true) => ValueRef::UInt(row.u64()?),
        (FieldType::Float, _) => ValueRef::Float(row.f32()?),
        (FieldType::Double, _) => ValueRef::Double(row.f64()?),
        (FieldType::Date, _) => ValueRef::Date(row.date()?),
        (FieldType::DateTime | FieldType::Timestamp, _) => ValueRef::DateTime(row.datetime()?),
        (FieldType::Time, _) => ValueRef::Time(row.time()?),
        _ => ValueRef::from_bytes(row.bytes()?, column)?,
    })
}

/// Equal, where a NaN is equal to itself.
fn assert_same(one: Cell<'_>, other: Cell<'_>) {
    match (one, other) {
        (Ok(ValueRef::Float(one)), Ok(ValueRef::Float(other))) => {
            assert_eq!(one.to_bits(), other.to_bits());
        }
        (Ok(ValueRef::Double(one)), Ok(ValueRef::Double(other))) => {
            assert_eq!(one.to_bits(), other.to_bits());
        }
        _ => assert_eq!(one, other),
    }
}

fn row_packet(payload: &[u8], columns: &[ColumnDefinition], is_row: bool) {
    let packet = BinaryRowPacket::decode(payload, columns);
    assert_eq!(packet.is_ok(), is_row);
    if let Ok(packet) = packet {
        // The bits of the bitmap that belong to no column are zero again.
        let again = encoded(&packet, Capabilities::empty());
        assert_eq!(again.len(), payload.len());
        assert_eq!(
            BinaryRowPacket::decode(&again, columns).as_ref(),
            Ok(&packet)
        );
    }
}

fn parameters(values: &[ValueRef<'_>]) {
    let mut parameters = Parameters::new();
    let can_be_sent = values.iter().all(|value| match value {
        ValueRef::Float(value) => value.is_finite(),
        ValueRef::Double(value) => value.is_finite(),
        ValueRef::Decimal(text) => Decimal::parse(text.as_bytes()).is_ok(),
        _ => true,
    });
    assert_eq!(parameters.set(&values).is_ok(), can_be_sent);
    if !can_be_sent {
        return assert!(parameters.is_empty());
    }
    let payload = encoded(&parameters, Capabilities::empty());
    let received = Parameters::decode(&payload, values.len()).unwrap();
    assert_eq!(received, parameters);
    for (sent, received) in values.iter().zip(received.values()) {
        match (sent, received.unwrap()) {
            (ValueRef::Decimal(sent), ValueRef::Decimal(received)) => {
                assert_eq!(sent.parse::<Decimal>(), received.parse());
            }
            (sent, received) => assert_eq!(*sent, received),
        }
    }
}

/// Two rows of which the second has the types of the first, and one that does not fit.
fn bulk_parameters(values: &[ValueRef<'_>]) {
    let mut parameters = BulkParameters::new();
    let Ok(push) = parameters.push(&values, usize::MAX) else {
        return assert!(parameters.as_bytes().is_empty());
    };
    assert_eq!(push, Push::Taken);
    assert_eq!(parameters.push(&values, usize::MAX), Ok(Push::Taken));
    let payload = encoded(&parameters, Capabilities::empty());
    let limit_bytes = payload.len() + 7;
    assert_eq!(parameters.push(&values, limit_bytes), Ok(Push::Full));
    assert_eq!(parameters.as_bytes(), payload);
    let received = BulkParameters::decode(&payload, values.len()).unwrap();
    assert_eq!(received.rows(), 2);
    for (sent, received) in values.iter().cycle().zip(received.values()) {
        match (sent, received.unwrap()) {
            (ValueRef::Null, received) => assert_eq!(received, Indicated::Null),
            (ValueRef::Decimal(sent), Indicated::Value(ValueRef::Decimal(received))) => {
                assert_eq!(sent.parse::<Decimal>(), received.parse());
            }
            (sent, received) => assert_eq!(received, Indicated::Value(*sent)),
        }
    }
}

fn received_parameters(payload: &[u8], count: usize) {
    if let Ok(parameters) = Parameters::decode(payload, count) {
        assert_eq!(encoded(&parameters, Capabilities::empty()), payload);
        assert_eq!(parameters.values().count(), count);
    }
    if let Ok(parameters) = BulkParameters::decode(payload, count) {
        assert_eq!(parameters.as_bytes(), payload);
        assert_eq!(parameters.values().count(), count * parameters.rows());
    }
}
