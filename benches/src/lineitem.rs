//! The rows of the table `lineitem` as a server sends them, none of their cells ever NULL: nine of
//! its columns, four integers and five texts, or all 16, with four decimals and three dates.

use otaria_binary::{BinaryCell, BinaryRowPacket};
use otaria_codec::{Capabilities, ColumnDefinition, Encode, FieldFlags, FieldType, PayloadWriter};
use otaria_text::TextRowPacket;
use otaria_types::{Columns, Date, Decimal};

/// The columns, with the field types and flags that MariaDB gives them.
pub fn columns() -> Columns {
    let columns = [
        ("l_orderkey", FieldType::LongLong),
        ("l_partkey", FieldType::Long),
        ("l_suppkey", FieldType::Long),
        ("l_linenumber", FieldType::Long),
        ("l_returnflag", FieldType::String),
        ("l_linestatus", FieldType::String),
        ("l_shipinstruct", FieldType::String),
        ("l_shipmode", FieldType::String),
        ("l_comment", FieldType::VarString),
    ]
    .map(|(name, field_type)| {
        let column = ColumnDefinition::new(name, field_type).with_flags(FieldFlags::NOT_NULL);
        match field_type {
            FieldType::String | FieldType::VarString => column.with_collation(UTF8MB4_GENERAL_CI),
            _ => column,
        }
    });
    Columns::new(columns.into())
}

/// All 16 columns.
pub fn all_columns() -> Columns {
    let nine = columns();
    let column = |name, field_type, length, decimals| {
        ColumnDefinition::new(name, field_type)
            .with_flags(FieldFlags::NOT_NULL)
            .with_length(length, decimals)
    };
    let decimals = ["l_quantity", "l_extendedprice", "l_discount", "l_tax"]
        .map(|name| column(name, FieldType::NewDecimal, 17, 2));
    let dates = ["l_shipdate", "l_commitdate", "l_receiptdate"]
        .map(|name| column(name, FieldType::Date, 10, 0));
    Columns::new([&nine[..4], &decimals, &nine[4..6], &dates, &nine[6..]].concat())
}

/// The cells of the row `sequence`, from 1, in all columns, as the text and the binary protocol
/// have them.
fn all_cells(sequence: u32) -> Vec<(String, BinaryCell)> {
    fn cell<T: ToString + Into<BinaryCell>>(value: T) -> (String, BinaryCell) {
        (value.to_string(), value.into())
    }
    let decimal = |hundredths: u32| cell(Decimal::from_i128(hundredths.into(), 2).unwrap());
    let date = |first, days| cell(day(first + sequence % days));
    let comment = usize_of(sequence % 20);
    let end = (comment + 10 + usize_of(sequence % 34)).min(COMMENT.len());
    vec![
        cell(i64::from(sequence / 4)),
        cell(i32_of(u64::from(sequence) * 7919 % 200_000)),
        cell(i32_of(u64::from(sequence) * 104_729 % 10_000)),
        cell(i32_of(u64::from(sequence) % 4)),
        decimal(100 + sequence % 50 * 100),
        decimal(90_100 + sequence % 10_494_950 * 31 % 10_494_950),
        decimal(sequence % 11),
        decimal(sequence % 9),
        cell(one_of(&["A", "N", "R"], sequence)),
        cell(one_of(&["O", "F"], sequence)),
        date(1, 2526),
        date(31, 2466),
        date(3, 2550),
        cell(one_of(&INSTRUCTIONS, sequence)),
        cell(one_of(&MODES, sequence)),
        cell(&COMMENT[comment..end]),
    ]
}

/// The day so many days after 1992-01-01, if all years had twelve months of 28 days: each of them
/// exists.
fn day(days: u32) -> Date {
    let (months, day) = (days / 28, days % 28 + 1);
    let year = u16::try_from(1992 + months / 12).unwrap();
    let part = |number: u32| u8::try_from(number).unwrap();
    Date::new(year, part(months % 12 + 1), part(day)).unwrap()
}

/// The payload of the row `sequence` of all columns, as the text protocol has it.
pub fn all_text_row(sequence: u32) -> Vec<u8> {
    let cells = all_cells(sequence).into_iter().map(|(text, _)| text);
    encoded(&TextRowPacket::of(cells))
}

/// The payload of the row `sequence` of all columns, as the binary protocol has it.
pub fn all_binary_row(sequence: u32) -> Vec<u8> {
    let cells = all_cells(sequence).into_iter().map(|(_, binary)| binary);
    encoded(&BinaryRowPacket::of(cells))
}

fn encoded(packet: &impl Encode) -> Vec<u8> {
    let mut payload = Vec::new();
    packet.encode(Capabilities::empty(), &mut PayloadWriter::new(&mut payload));
    payload
}

/// The payload of the row `sequence`, from 1, as the binary protocol has it.
pub fn binary_row(sequence: u32) -> Vec<u8> {
    let mut payload = Vec::new();
    let comment = usize_of(sequence % 20);
    let end = (comment + 10 + usize_of(sequence % 34)).min(COMMENT.len());
    BinaryRowPacket::default()
        .with(i64::from(sequence / 4))
        .with(i32_of(u64::from(sequence) * 7919 % 200_000))
        .with(i32_of(u64::from(sequence) * 104_729 % 10_000))
        .with(i32_of(u64::from(sequence) % 4))
        .with(one_of(&["A", "N", "R"], sequence))
        .with(one_of(&["O", "F"], sequence))
        .with(one_of(&INSTRUCTIONS, sequence))
        .with(one_of(&MODES, sequence))
        .with(&COMMENT[comment..end])
        .encode(Capabilities::empty(), &mut PayloadWriter::new(&mut payload));
    payload
}

fn one_of<'a>(texts: &[&'a str], sequence: u32) -> &'a str {
    texts[usize_of(sequence) % texts.len()]
}

fn usize_of(number: u32) -> usize {
    number.try_into().unwrap()
}

fn i32_of(number: u64) -> i32 {
    number.try_into().unwrap()
}

const UTF8MB4_GENERAL_CI: u16 = 45;
const INSTRUCTIONS: [&str; 4] = [
    "DELIVER IN PERSON",
    "COLLECT COD",
    "NONE",
    "TAKE BACK RETURN",
];
const MODES: [&str; 7] = ["REG AIR", "AIR", "RAIL", "SHIP", "TRUCK", "MAIL", "FOB"];
const COMMENT: &str = "the quickly ironic deposits haggle among the furiously even packages";
