use otaria_codec::{Capabilities, Encode, FieldFlags, FieldType, PayloadWriter};
use otaria_types::{Columns, Decimal, FromRow, FromRowError, FromSqlError};
use proptest::prelude::*;

use super::*;
use crate::{BinaryCell, BinaryRowPacket};

fn encoded(row: &BinaryRowPacket) -> Vec<u8> {
    let mut out = Vec::new();
    row.encode(Capabilities::empty(), &mut PayloadWriter::new(&mut out));
    out
}

fn column(field_type: FieldType) -> ColumnDefinition {
    ColumnDefinition::new("c", field_type)
}

fn columns(types: impl IntoIterator<Item = FieldType>) -> Columns {
    Columns::new(types.into_iter().map(column).collect())
}

fn tuple<'a, T: FromRow<'a>>(payload: &'a [u8], columns: &'a Columns) -> Result<T, FromRowError> {
    let plan = T::plan(columns)?;
    T::from_row(&mut BinaryRow::new(payload, columns.len())?, columns, &plan)
}

type Case = (ColumnDefinition, BinaryCell, ValueRef<'static>);

fn case(column: ColumnDefinition, cell: impl Into<BinaryCell>, value: ValueRef<'static>) -> Case {
    (column, cell.into(), value)
}

fn unsigned(field_type: FieldType) -> ColumnDefinition {
    column(field_type).with_flags(FieldFlags::UNSIGNED)
}

fn text(field_type: FieldType) -> ColumnDefinition {
    column(field_type).with_collation(45)
}

/// A cell of each type of numbers, each with its column and its value.
fn numbers() -> Vec<Case> {
    let decimal: Decimal = "-15.50".parse().unwrap();
    vec![
        case(column(FieldType::Tiny), -1_i8, ValueRef::Int(-1)),
        case(unsigned(FieldType::Tiny), 255_u8, ValueRef::UInt(255)),
        case(column(FieldType::Short), -2_i16, ValueRef::Int(-2)),
        case(unsigned(FieldType::Short), 2_u16, ValueRef::UInt(2)),
        case(column(FieldType::Year), 2024_u16, ValueRef::UInt(2024)),
        case(column(FieldType::Int24), -3_i32, ValueRef::Int(-3)),
        case(unsigned(FieldType::Int24), 3_u32, ValueRef::UInt(3)),
        case(column(FieldType::Long), -4_i32, ValueRef::Int(-4)),
        case(unsigned(FieldType::Long), 4_u32, ValueRef::UInt(4)),
        case(column(FieldType::LongLong), -5_i64, ValueRef::Int(-5)),
        case(unsigned(FieldType::LongLong), 5_u64, ValueRef::UInt(5)),
        case(column(FieldType::Float), 1.5_f32, ValueRef::Float(1.5)),
        case(column(FieldType::Double), 2.5_f64, ValueRef::Double(2.5)),
        case(
            column(FieldType::NewDecimal),
            decimal,
            ValueRef::Decimal("-15.50"),
        ),
    ]
}

/// A cell of each type that is no number.
fn others() -> Vec<Case> {
    let date: Date = "2024-02-29".parse().unwrap();
    let datetime: DateTime = "2024-02-29 01:02:03.000004".parse().unwrap();
    let time: Time = "-100:01:02.5".parse().unwrap();
    vec![
        case(column(FieldType::Date), date, ValueRef::Date(date)),
        case(
            column(FieldType::DateTime),
            datetime,
            ValueRef::DateTime(datetime),
        ),
        case(
            column(FieldType::Timestamp),
            DateTime::ZERO,
            ValueRef::DateTime(DateTime::ZERO),
        ),
        case(column(FieldType::Time), time, ValueRef::Time(time)),
        case(
            unsigned(FieldType::Bit),
            &[2, 1][..],
            ValueRef::UInt(0x0201),
        ),
        case(text(FieldType::VarString), "größe", ValueRef::Text("größe")),
        case(text(FieldType::Blob), "{}", ValueRef::Text("{}")),
        case(
            column(FieldType::Blob),
            vec![0xff],
            ValueRef::Bytes(&[0xff]),
        ),
        case(column(FieldType::Geometry), vec![0], ValueRef::Bytes(&[0])),
        case(text(FieldType::String), String::new(), ValueRef::Text("")),
    ]
}

fn every_type() -> Vec<Case> {
    [numbers(), others()].concat()
}

fn every_column() -> Vec<ColumnDefinition> {
    every_type()
        .into_iter()
        .map(|(column, ..)| column)
        .collect()
}

/// A row of all types; those whose bit is set in `nulls` are NULL.
fn row_of_every_type(nulls: u32) -> (Vec<u8>, Vec<ValueRef<'static>>) {
    let cells = every_type().into_iter().enumerate();
    let (cells, values): (Vec<_>, Vec<_>) = cells
        .map(|(index, (_, cell, value))| match nulls >> index & 1 {
            0 => (cell, value),
            _ => (BinaryCell::NULL, ValueRef::Null),
        })
        .unzip();
    (encoded(&BinaryRowPacket::of(cells)), values)
}

fn read_all<'a>(
    payload: &'a [u8],
    columns: &[ColumnDefinition],
) -> Result<Vec<ValueRef<'a>>, CellError> {
    let mut row = BinaryRow::new(payload, columns.len())?;
    let values = columns
        .iter()
        .map(|column| row.value(column))
        .collect::<Result<_, _>>()?;
    row.finish()?;
    Ok(values)
}

#[test]
fn numbers_are_read_by_type_in_column_order() {
    let payload = encoded(&BinaryRowPacket::of(
        numbers().into_iter().map(|case| case.1),
    ));
    let mut row = BinaryRow::new(&payload, 14).unwrap();
    assert_eq!((row.i8(), row.u8()), (Ok(-1), Ok(255)));
    assert_eq!((row.i16(), row.u16(), row.u16()), (Ok(-2), Ok(2), Ok(2024)));
    assert_eq!((row.i32(), row.u32()), (Ok(-3), Ok(3)));
    assert_eq!((row.i32(), row.u32()), (Ok(-4), Ok(4)));
    assert_eq!((row.i64(), row.u64()), (Ok(-5), Ok(5)));
    assert_eq!((row.f32(), row.f64()), (Ok(1.5), Ok(2.5)));
    assert_eq!(row.bytes(), Ok(&b"-15.50"[..]));
    assert_eq!(row.finish(), Ok(()));
}

#[test]
fn other_cells_are_read_by_type_in_column_order() {
    let payload = encoded(&BinaryRowPacket::of(
        others().into_iter().map(|case| case.1),
    ));
    let mut row = BinaryRow::new(&payload, 10).unwrap();
    assert_eq!(row.date().unwrap().to_string(), "2024-02-29");
    assert_eq!(row.datetime().unwrap().microsecond(), 4);
    assert_eq!(row.datetime(), Ok(DateTime::ZERO));
    assert_eq!(row.time().unwrap().as_micros(), -360_062_500_000);
    assert_eq!(row.bytes(), Ok(&[2, 1][..]));
    assert_eq!((row.str(), row.str()), (Ok("größe"), Ok("{}")));
    assert_eq!((row.bytes(), row.bytes()), (Ok(&[0xff][..]), Ok(&[0][..])));
    assert_eq!(row.str(), Ok(""));
    assert_eq!(row.finish(), Ok(()));
}

#[test]
fn null_is_read_by_asking_for_it() {
    let payload = encoded(&BinaryRowPacket::of([None, Some(7_i64), None]));
    let mut row = BinaryRow::new(&payload, 3).unwrap();
    assert!(row.has_null());
    assert_eq!(row.is_null(), Ok(true));
    assert_eq!(row.is_null(), Ok(false));
    assert_eq!(row.i64(), Ok(7));
    assert_eq!(row.is_null(), Ok(true));
    assert_eq!(row.finish(), Ok(()));
}

#[test]
fn a_cell_behind_the_bitmap_is_an_invalid_packet() {
    let payload = encoded(&BinaryRowPacket::of([1_i8; 6]));
    let mut row = BinaryRow::new(&payload, 6).unwrap();
    for _ in 0..6 {
        assert_eq!(row.is_null(), Ok(false));
        assert_eq!(row.i8(), Ok(1));
    }
    assert!(matches!(
        row.is_null(),
        Err(InvalidPacket::Truncated { .. })
    ));
    assert!(row.value(&column(FieldType::Tiny)).is_err());
}

#[test]
fn a_row_without_a_null_says_so() {
    let (payload, _) = row_of_every_type(0);
    assert!(!BinaryRow::new(&payload, 24).unwrap().has_null());
    let (payload, _) = row_of_every_type(1 << 23);
    assert!(BinaryRow::new(&payload, 24).unwrap().has_null());
}

#[test]
fn null_of_every_type_is_a_null_value() {
    for byte in 0..=255 {
        let mut row = BinaryRow::new(&[0, 0b100], 1).unwrap();
        let column = column(FieldType::from(byte));
        assert_eq!(row.value(&column), Ok(ValueRef::Null));
        assert_eq!(row.finish(), Ok(()));
    }
}

#[test]
fn a_row_is_read_as_a_tuple() {
    let columns = columns([FieldType::Long, FieldType::Double, FieldType::Blob]);
    let packet = BinaryRowPacket::of([42_i32]).with(None::<f64>).with("abc");
    let payload = encoded(&packet);
    let tuple: (i64, Option<f64>, &[u8]) = tuple(&payload, &columns).unwrap();
    assert_eq!(tuple, (42, None, &b"abc"[..]));
}

/// An integer, a text, an integer and three texts, of which these are the last two.
fn of_known_kinds(third: &str, fourth: &str) -> (Vec<u8>, Columns) {
    let packet = BinaryRowPacket::of([-1_i64]).with("a").with(2_i64);
    let packet = packet.with("").with(third).with(fourth);
    let text = FieldType::VarString;
    let types = [
        FieldType::LongLong,
        text,
        FieldType::LongLong,
        text,
        text,
        text,
    ];
    let columns = types.map(|field_type| column(field_type).with_collation(45));
    (encoded(&packet), Columns::new(columns.into()))
}

type Known<'a> = (i64, &'a str, i64, String, Option<&'a str>, &'a str);

#[test]
fn text_at_the_end_of_a_row_is_read_whatever_its_length_and_its_characters() {
    let (short, long) = ("x".repeat(127), "x".repeat(128));
    let umlauts = "\u{e4}".repeat(70);
    let longer = "y".repeat(0x1_0000);
    for third in ["", "c", "\u{e4}\u{10348}", &short, &long, &umlauts, &longer] {
        for fourth in ["", "d", "\u{fc}", &short, &long, &umlauts, &longer] {
            let (payload, columns) = of_known_kinds(third, fourth);
            let row: Known<'_> = tuple(&payload, &columns).unwrap();
            assert_eq!(row, (-1, "a", 2, String::new(), Some(third), fourth));
        }
    }
}

#[test]
fn text_at_the_end_of_a_row_that_is_not_utf_8_is_an_error_that_names_its_column() {
    for (cell, index) in [(2, 4), (1, 5)] {
        let (mut payload, columns) = of_known_kinds("c", "d");
        let at = payload.len() + 1 - 2 * cell;
        payload[at] = 0xff;
        let error = tuple::<Known<'_>>(&payload, &columns).unwrap_err();
        assert!(
            matches!(error, FromRowError::Column { index: found, .. } if found == index),
            "{error}"
        );
    }
}

#[test]
fn text_that_is_utf_8_only_with_the_length_behind_it_is_an_error() {
    // 0xc3 0x84 is one character; here 0xc3 ends a text and 0x84 is the length of the next.
    let (mut payload, columns) = of_known_kinds("c", &"d".repeat(0x84));
    let at = payload.len() - 0x86;
    assert_eq!(payload[at..at + 2], [b'c', 0x84]);
    payload[at] = 0xc3;
    assert!(std::str::from_utf8(&payload[at..]).is_ok());
    let error = tuple::<Known<'_>>(&payload, &columns).unwrap_err();
    assert!(
        matches!(error, FromRowError::Column { index: 4, .. }),
        "{error}"
    );
}

#[test]
fn every_cut_row_of_known_kinds_is_an_invalid_packet_and_so_is_one_that_goes_on() {
    for fourth in ["d", "\u{e4}", &"x".repeat(200)] {
        let (mut payload, columns) = of_known_kinds("c", fourth);
        for end in 0..payload.len() {
            let error = tuple::<Known<'_>>(&payload[..end], &columns).unwrap_err();
            let is_cut = matches!(error, FromRowError::InvalidPacket(_));
            let splits_a_character = matches!(
                error,
                FromRowError::Column {
                    error: FromSqlError::Utf8,
                    ..
                }
            );
            assert!(is_cut || splits_a_character, "{end}: {error}");
        }
        payload.push(0);
        let error = tuple::<Known<'_>>(&payload, &columns).unwrap_err();
        assert!(matches!(error, FromRowError::InvalidPacket(_)), "{error}");
    }
}

#[test]
fn a_null_among_known_kinds_is_none_or_an_error() {
    let columns = columns([FieldType::LongLong, FieldType::Double]);
    let payload = encoded(&BinaryRowPacket::of([1_i64]).with(None::<f64>));
    assert_eq!(tuple(&payload, &columns), Ok((1_i64, None::<f64>)));
    assert_eq!(
        tuple::<(i64, f64)>(&payload, &columns),
        Err(FromRowError::Column {
            index: 1,
            rust_type: "f64",
            error: FromSqlError::Null
        })
    );
}

/// Reads each cell as a `T`, by way of its value and directly.
fn assert_read_as<T>(payload: &[u8], columns: &[ColumnDefinition])
where
    T: for<'a> FromSql<'a> + fmt::Debug + PartialEq,
{
    let mut values = BinaryRow::new(payload, columns.len()).unwrap();
    let mut cells = values;
    for column in columns {
        let value = values.value(column).unwrap();
        let expected = T::from_sql(value).map_err(CellError::from);
        assert_eq!(cells.read::<T>(column), expected, "{column:?}");
        assert_eq!(cells.position(), values.position());
    }
}

#[test]
fn a_cell_of_every_type_is_read_as_its_value_converts() {
    let columns = every_column();
    for nulls in [0, 0x55_5555, 0xaa_aaaa] {
        let (payload, _) = row_of_every_type(nulls);
        assert_read_as::<i8>(&payload, &columns);
        assert_read_as::<i64>(&payload, &columns);
        assert_read_as::<u8>(&payload, &columns);
        assert_read_as::<u64>(&payload, &columns);
        assert_read_as::<Option<i32>>(&payload, &columns);
        assert_read_as::<f64>(&payload, &columns);
        assert_read_as::<String>(&payload, &columns);
        assert_read_as::<Option<String>>(&payload, &columns);
        assert_read_as::<Vec<u8>>(&payload, &columns);
        assert_read_as::<DateTime>(&payload, &columns);
    }
}

#[test]
fn a_cell_that_does_not_convert_leaves_the_rest_readable() {
    let payload = encoded(
        &BinaryRowPacket::of(["\u{fc}"])
            .with(BinaryCell::raw(&[1, 9]))
            .with(8_i64),
    );
    let mut row = BinaryRow::new(&payload, 3).unwrap();
    let decimal = row.value(&column(FieldType::NewDecimal));
    assert_eq!(decimal, Err(FromSqlError::Malformed.into()));
    assert_eq!(row.date(), Err(FromSqlError::Malformed.into()));
    assert_eq!(row.i64(), Ok(8));
}

#[test]
fn reading_goes_on_where_a_cell_begins() {
    for nulls in [0, 0b101, 0x55_5555, 0xaa_aaaa, 0xff_ffff] {
        let (payload, values) = row_of_every_type(nulls);
        let columns = every_column();
        let mut reader = BinaryRow::new(&payload, columns.len()).unwrap();
        for (index, column) in columns.iter().enumerate() {
            let mut resumed = BinaryRow::at(&payload, reader.position(), index).unwrap();
            assert_eq!(resumed.value(column), Ok(values[index]));
            assert_eq!(reader.value(column), Ok(values[index]));
            assert_eq!(resumed.position(), reader.position());
        }
        assert_eq!(reader.position(), payload.len());
        assert!(BinaryRow::at(&payload, payload.len() + 1, 24).is_err());
    }
}

#[test]
fn no_place_to_read_at_makes_the_reader_panic() {
    let (payload, _) = row_of_every_type(0b1010);
    let columns = every_column();
    for position in 0..=payload.len() {
        for index in [0, 1, 5, 23, 24, 1000, usize::MAX] {
            for column in &columns {
                let mut row = BinaryRow::at(&payload, position, index).unwrap();
                while row.value(column).is_ok_and(|value| !value.is_null()) {}
                assert!(row.position() <= payload.len());
            }
        }
    }
}

#[test]
fn a_skipped_cell_ends_where_a_read_one_does() {
    let (payload, _) = row_of_every_type(0b1001_0010);
    let columns = every_column();
    let mut read = BinaryRow::new(&payload, columns.len()).unwrap();
    let mut skipped = read;
    for column in &columns {
        read.value(column).unwrap();
        skipped.skip(column).unwrap();
        assert_eq!(read.position(), skipped.position());
    }
    assert_eq!(skipped.finish(), Ok(()));
}

#[test]
fn every_cut_row_is_an_invalid_packet() {
    let columns = every_column();
    for nulls in [0, 0b101, 0xaa_aaaa] {
        let (payload, _) = row_of_every_type(nulls);
        for end in 0..payload.len() {
            let error = read_all(&payload[..end], &columns).unwrap_err();
            assert!(matches!(error, CellError::InvalidPacket(_)), "{end}");
        }
    }
}

#[test]
fn a_row_that_goes_on_is_an_invalid_packet() {
    let payload = encoded(&BinaryRowPacket::of([1_i32, 2]));
    let columns = columns([FieldType::Long]);
    let error = tuple::<(i32,)>(&payload, &columns);
    let trailing = InvalidPacket::TrailingData {
        packet: PACKET,
        bytes: 4,
    };
    assert_eq!(error, Err(FromRowError::InvalidPacket(trailing)));
}

#[test]
fn another_first_byte_is_an_invalid_packet() {
    let header = InvalidPacket::Header {
        packet: PACKET,
        found: 0xfe,
    };
    assert_eq!(BinaryRow::new(&[0xfe, 0, 1], 1).unwrap_err(), header);
    let empty = InvalidPacket::Empty { packet: PACKET };
    assert_eq!(BinaryRow::new(&[], 0).unwrap_err(), empty);
}

#[test]
fn a_length_beyond_the_row_is_an_invalid_packet() {
    let payload = [
        0, 0, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, b'a',
    ];
    let mut row = BinaryRow::new(&payload, 1).unwrap();
    assert!(matches!(row.bytes(), Err(InvalidPacket::Truncated { .. })));
}

#[test]
fn a_length_of_null_is_an_invalid_packet() {
    let mut row = BinaryRow::new(&[0, 0, 0xfb], 1).unwrap();
    assert!(matches!(
        row.bytes(),
        Err(InvalidPacket::LengthPrefix { .. })
    ));
}

#[test]
fn more_columns_than_memory_has_are_an_invalid_packet() {
    assert!(BinaryRow::new(&[0, 0, 0], usize::MAX).is_err());
}

#[test]
fn debug_shows_no_values() {
    let payload = encoded(&BinaryRowPacket::of(["secret"]));
    let row = BinaryRow::new(&payload, 1).unwrap();
    assert_eq!(format!("{row:?}"), "BinaryRow(2 of 9 bytes)");
}

proptest! {
    #[test]
    fn every_row_comes_back_whatever_is_null(nulls: u32) {
        let (payload, values) = row_of_every_type(nulls);
        let columns = every_column();
        prop_assert_eq!(read_all(&payload, &columns), Ok(values));
        let packet = BinaryRowPacket::decode(&payload, &columns).unwrap();
        prop_assert_eq!(encoded(&packet), payload);
    }

    #[test]
    fn wide_rows_come_back(cells in proptest::collection::vec(any::<Option<i16>>(), 0..300)) {
        let payload = encoded(&BinaryRowPacket::of(cells.iter().copied()));
        let columns = vec![column(FieldType::Short); cells.len()];
        let expected = cells.iter().map(|cell| cell.map_or(ValueRef::Null, |cell| ValueRef::Int(cell.into())));
        prop_assert_eq!(read_all(&payload, &columns), Ok(expected.collect()));
    }

    #[test]
    fn no_bytes_make_the_reader_panic(
        types in proptest::collection::vec(any::<u8>(), 0..20),
        bytes in proptest::collection::vec(any::<u8>(), 0..60),
    ) {
        let columns: Vec<_> = types.into_iter().map(|byte| column(FieldType::from(byte))).collect();
        let payload = [vec![0], bytes].concat();
        let read = read_all(&payload, &columns);
        let packet = BinaryRowPacket::decode(&payload, &columns);
        prop_assert!(read.is_err() || packet.is_ok());
    }
}
