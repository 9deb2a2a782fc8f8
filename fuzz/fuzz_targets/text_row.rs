//! Rows of the text protocol: a cell is the same in whatever order cells are read, and no cell
//! makes a conversion panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use otaria_codec::{Capabilities, ColumnDefinition, FieldFlags, FieldType};
use otaria_fuzz::{Input, comes_back};
use otaria_text::{TextRow, TextRowPacket};
use otaria_types::{
    CellError, Columns, Date, DateTime, Decimal, FromRow, FromRowError, FromSql, RowReader, Time,
    ValueRef,
};

fuzz_target!(|data: &[u8]| {
    let mut input = Input::new(data);
    let count = usize::from(input.byte() % 17);
    let columns: Vec<_> = (0..count).map(|_| column(&mut input)).collect();
    let payload = input.rest();
    let cells = in_order(payload, &columns);
    if let Ok(cells) = &cells {
        any_order(payload, &columns, cells);
    }
    tuples(payload, &Columns::new(columns.clone()), &cells);
    row_packet(payload, &columns, &cells);
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
    let mut row = TextRow::new(payload, columns.len())?;
    let mut cells = Vec::new();
    for column in columns {
        let position = row.position();
        let cell = row.value(column);
        if let Err(CellError::InvalidPacket(_)) = cell {
            cell?;
        } else {
            cells.push((position, cell));
        }
        assert!(row.position() > position && row.position() <= payload.len());
    }
    row.finish()?;
    Ok(cells)
}

fn any_order(payload: &[u8], columns: &[ColumnDefinition], cells: &[(usize, Cell<'_>)]) {
    for (index, &(position, cell)) in cells.iter().enumerate().rev() {
        let column = &columns[index];
        let mut row = TextRow::new(payload, columns.len()).unwrap();
        columns[..index]
            .iter()
            .for_each(|column| row.skip(column).unwrap());
        assert_eq!(row.position(), position);
        assert_eq!(row.value(column), cell);
        let mut row = TextRow::at(payload, position, index).unwrap();
        assert_eq!(row.value(column), cell);
        let mut row = TextRow::at(payload, position, index).unwrap();
        assert_eq!(typed(&mut row, column), cell);
        if let Ok(value) = cell {
            conversions(value);
        }
    }
}

/// The cell by the method for its column's type.
fn typed<'a>(row: &mut TextRow<'a>, column: &ColumnDefinition) -> Cell<'a> {
    if row.is_null()? {
        return Ok(ValueRef::Null);
    }
    Ok(match column.field_type() {
        FieldType::Tiny
        | FieldType::Short
        | FieldType::Int24
        | FieldType::Long
        | FieldType::LongLong
            if column.is_unsigned() =>
        {
            ValueRef::UInt(row.u64()?)
        }
        FieldType::Tiny
        | FieldType::Short
        | FieldType::Int24
        | FieldType::Long
        | FieldType::LongLong => ValueRef::Int(row.i64()?),
        FieldType::Year => ValueRef::UInt(row.u64()?),
        FieldType::Float => ValueRef::Float(row.f32()?),
        FieldType::Double => ValueRef::Double(row.f64()?),
        FieldType::Date => ValueRef::Date(row.date()?),
        FieldType::DateTime | FieldType::Timestamp => ValueRef::DateTime(row.datetime()?),
        FieldType::Time => ValueRef::Time(row.time()?),
        // These have no method of their own.
        FieldType::NewDecimal | FieldType::OldDecimal | FieldType::Bit => row.value(column)?,
        FieldType::Geometry | FieldType::Vector => ValueRef::Bytes(row.bytes()?),
        FieldType::Json => ValueRef::Text(row.str()?),
        _ if column.is_binary() => ValueRef::Bytes(row.bytes()?),
        _ => ValueRef::Text(row.str()?),
    })
}

fn conversions(value: ValueRef<'_>) {
    let decimal = Decimal::from_sql(value);
    let int = i64::from_sql(value);
    if let (Ok(decimal), Ok(int)) = (&decimal, int) {
        assert_eq!(i64::try_from(*decimal), Ok(int));
    }
    if let (Ok(decimal), Ok(float)) = (&decimal, f64::from_sql(value)) {
        assert!(decimal.to_f64().total_cmp(&float).is_eq() || float == 0.0);
    }
    if let Ok(small) = i8::from_sql(value) {
        assert_eq!(int, Ok(small.into()));
    }
    if let Ok(narrow) = f32::from_sql(value) {
        assert_eq!(f64::from_sql(value), Ok(narrow.into()));
    }
    if let Ok(text) = String::from_sql(value) {
        assert_eq!(<&str>::from_sql(value), Ok(&*text));
    }
    assert_eq!(
        Option::<Vec<u8>>::from_sql(value).is_ok(),
        value.is_null() || <&[u8]>::from_sql(value).is_ok()
    );
    if let Ok(date) = Date::from_sql(value) {
        assert_eq!(DateTime::from_sql(value), Ok(DateTime::midnight(date)));
    }
    let _ = (
        bool::from_sql(value),
        u64::from_sql(value),
        Time::from_sql(value),
    );
}

/// Reads the row as tuples, which must say what the cells say one by one.
fn tuples<'a>(payload: &'a [u8], columns: &'a Columns, cells: &Cells<'a>) {
    type V<'a> = ValueRef<'a>;
    let tuple = match columns.len() {
        1 => tuple::<(V<'_>,)>(payload, columns).map(|(a,)| vec![a]),
        2 => tuple::<(V<'_>, V<'_>)>(payload, columns).map(|(a, b)| vec![a, b]),
        3 => tuple::<(V<'_>, V<'_>, V<'_>)>(payload, columns).map(|(a, b, c)| vec![a, b, c]),
        _ => {
            let refused = tuple::<(V<'_>,)>(payload, columns);
            return assert!(refused.is_err());
        }
    };
    let one_by_one = cells.as_ref().map_or_else(
        |_| None,
        |cells| {
            cells
                .iter()
                .map(|(_, cell)| cell.ok())
                .collect::<Option<Vec<_>>>()
        },
    );
    assert_eq!(tuple.ok(), one_by_one);
}

fn tuple<'a, T: FromRow<'a>>(payload: &'a [u8], columns: &'a Columns) -> Result<T, FromRowError> {
    let plan = T::plan(columns)?;
    T::from_row(&mut TextRow::new(payload, columns.len())?, columns, &plan)
}

fn row_packet(payload: &[u8], columns: &[ColumnDefinition], cells: &Cells<'_>) {
    let packet = comes_back!(TextRowPacket, payload, Capabilities::empty());
    let has_all = packet.is_some_and(|packet| packet.cells().len() == columns.len());
    assert_eq!(
        cells.is_ok(),
        has_all || payload.is_empty() && columns.is_empty()
    );
}
