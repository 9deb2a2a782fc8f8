//! What the server of a conversation says, and what it understands of a request.

use std::ops::Range;

use otaria::ValueRef;
use otaria_binary::{BinaryCell, BinaryRowPacket};
use otaria_codec::{ColumnDefinition, FieldType};
use otaria_text::TextRowPacket;

use super::marker::Marker;
use crate::script::Reply;

/// What rows look like.
#[derive(Clone, Copy)]
pub(super) struct Form {
    pub(super) is_binary: bool,
    pub(super) is_altered: bool,
}

/// Goes on with rows of the answer to a request.
pub(super) fn rows(reply: Reply, marker: Marker, rows: Range<usize>, form: Form) -> Reply {
    rows.fold(reply, |reply, row| {
        let (text, padding) = (marker.to_string(), marker.padding(row));
        if form.is_binary {
            let number = BinaryCell::from(i64::try_from(row).expect("few rows"));
            let mut cells = [text.into(), number, padding.into()];
            cells.rotate_left(usize::from(form.is_altered));
            return reply.packet(&BinaryRowPacket::of(cells));
        }
        let mut cells = [text, row.to_string(), padding];
        cells.rotate_left(usize::from(form.is_altered));
        reply.packet(&TextRowPacket::of(cells))
    })
}

pub(super) fn refused(marker: Marker) -> Reply {
    Reply::err(1062, *b"23000", &marker.to_string())
}

pub(super) fn interrupted(marker: Marker) -> Reply {
    Reply::err(1028, *b"HY000", &marker.to_string())
}

pub(super) fn columns(is_altered: bool) -> Vec<ColumnDefinition> {
    let text = |name| ColumnDefinition::new(name, FieldType::VarString).with_collation(45);
    let number = ColumnDefinition::new("i", FieldType::LongLong);
    let mut columns = vec![text("m"), number, text("p")];
    columns.rotate_left(usize::from(is_altered));
    columns
}

pub(super) fn placeholders(sql: &str) -> u16 {
    sql.matches('?').count() as u16
}

pub(super) fn row_number(value: ValueRef<'_>) -> u32 {
    match value {
        ValueRef::Int(number) => number.try_into().expect("a row"),
        ValueRef::UInt(number) => number.try_into().expect("a row"),
        other => panic!("the number of a row is {other:?}"),
    }
}

pub(super) fn first_number(text: &[u8]) -> u32 {
    let digits = text.iter().skip_while(|byte| !byte.is_ascii_digit());
    let digits = digits.take_while(|byte| byte.is_ascii_digit());
    digits.fold(0, |number, digit| number * 10 + u32::from(digit - b'0'))
}
