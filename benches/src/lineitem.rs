//! The rows of the table `lineitem` as a server sends them: nine of its columns, four integers and
//! five texts, none of them ever NULL.

use otaria_binary::BinaryRowPacket;
use otaria_codec::{Capabilities, ColumnDefinition, Encode, FieldFlags, FieldType, PayloadWriter};
use otaria_types::Columns;

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
