//! Literals: any values in the places of any statement leave the rest of it as it is, and no string
//! open, in each of the server's modes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use otaria_fuzz::{Input, are_placeholders_in_all_modes};
use otaria_session::with_literals;
use otaria_statement::{NamedSql, placeholder_positions};
use otaria_text::SqlLiterals;
use otaria_types::{Date, DateTime, Decimal, ParameterSink, Time};

fuzz_target!(|data: &[u8]| {
    let mut input = Input::new(data);
    let kinds = input.bytes();
    let value = input.bytes();
    let Ok(sql) = std::str::from_utf8(input.rest()) else {
        return;
    };
    let Ok(positions) = placeholder_positions(sql) else {
        return;
    };
    assert!(are_placeholders_in_all_modes(sql, &positions));
    let mut literals = SqlLiterals::new();
    for index in 0..positions.len() {
        let kind = kinds.get(index % kinds.len().max(1)).copied();
        write(&mut literals, kind.unwrap_or_default(), value);
    }
    assert_eq!(literals.len(), positions.len());
    assert_eq!(
        literals.iter().map(str::len).sum::<usize>(),
        literals.bytes()
    );
    for literal in literals.iter() {
        assert!(!literal.contains('\\'));
        assert_eq!(placeholder_positions(literal), Ok(vec![]));
    }
    let placed = with_literals(sql, &positions, &literals).unwrap();
    assert_eq!(placeholder_positions(&placed), Ok(vec![]));
    assert!(are_placeholders_in_all_modes(&placed, &[]));
    // What has names beside them has the same with any other value.
    let mut ones = String::new();
    let mut copied = 0;
    for &at in &positions {
        ones += &sql[copied..at];
        ones += "(1)";
        copied = at + 1;
    }
    ones += &sql[copied..];
    let [placed, ones] = [&placed, &ones].map(|sql| NamedSql::parse(sql).unwrap());
    assert_eq!(placed.names(), ones.names());
    more_is_an_error(sql, &positions, literals);
});

fn more_is_an_error(sql: &str, positions: &[usize], mut literals: SqlLiterals) {
    literals.null();
    assert!(with_literals(sql, positions, &literals).is_err());
}

fn write(literals: &mut SqlLiterals, kind: u8, value: &[u8]) {
    let mut number = [0; 8];
    let length = value.len().min(8);
    number[..length].copy_from_slice(&value[..length]);
    let text = String::from_utf8_lossy(value);
    match kind % 12 {
        0 => literals.text(&text),
        1 => literals.bytes(value),
        2 => literals.int(i64::from_le_bytes(number)),
        3 => literals.uint(u64::from_le_bytes(number)),
        4 => literals.double(f64::from_le_bytes(number)),
        5 => literals.float(f32::from_bits(u32::from_le_bytes(
            number[..4].try_into().unwrap(),
        ))),
        6 => literals.decimal(&Decimal::parse(value).unwrap_or(Decimal::ZERO)),
        7 => literals.date(Date::parse(value).unwrap_or(Date::ZERO)),
        8 => literals.datetime(DateTime::parse(value).unwrap_or(DateTime::ZERO)),
        9 => literals.time(Time::parse(value).unwrap_or(Time::MIN)),
        10 => literals.column_default().unwrap(),
        _ => literals.null(),
    }
}
