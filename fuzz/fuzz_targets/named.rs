//! Statements: names become as many placeholders, and nothing else changes; what a statement is for
//! certain does not depend on what stands before it, and it is the only one.
#![no_main]

use libfuzzer_sys::fuzz_target;
use otaria_codec::ServerStatus;
use otaria_fuzz::Input;
use otaria_statement::{NamedSql, NamedSqlError, StatementKind, count_placeholders};

fuzz_target!(|data: &[u8]| {
    let mut input = Input::new(data);
    let modes = input.byte();
    let mut status = ServerStatus::AUTOCOMMIT;
    status.set(ServerStatus::ANSI_QUOTES, modes & 1 != 0);
    status.set(ServerStatus::NO_BACKSLASH_ESCAPES, modes & 2 != 0);
    let Ok(sql) = std::str::from_utf8(input.rest()) else {
        return;
    };
    kind(sql, status);
    let count = count_placeholders(sql, status);
    match NamedSql::parse(sql, status) {
        Ok(named) => {
            assert!(count.is_none_or(|count| count == 0));
            rewritten(sql, &named, status);
        }
        Err(NamedSqlError::Positional { at }) => {
            assert_eq!(sql.as_bytes()[at], b'?');
            assert_ne!(count, Some(0));
        }
        Err(NamedSqlError::Unclear { at }) => assert!(count.is_none() && at < sql.len()),
        Err(error) => panic!("{error}"),
    }
});

fn kind(sql: &str, status: ServerStatus) {
    let kind = StatementKind::of(sql, status);
    let behind_comment = format!("/* DELETE */ {sql}");
    assert_eq!(StatementKind::of(&behind_comment, status), kind);
    let followed = format!("{sql}\n; SET NAMES latin1");
    assert!(!StatementKind::of(&followed, status).keeps_session());
    if kind.can_open_cursor() {
        assert!(kind.keeps_session());
        assert!(sql.to_ascii_uppercase().contains("SELECT"));
    }
}

fn rewritten(sql: &str, named: &NamedSql<'_>, status: ServerStatus) {
    let names: usize = named.names().iter().map(|name| name.len()).sum();
    assert_eq!(named.sql().len() + names, sql.len());
    if let Some(count) = count_placeholders(named.sql(), status) {
        assert_eq!(usize::from(count), named.names().len());
    }
    let again = NamedSql::parse(named.sql(), status);
    assert_eq!(again.is_ok(), named.names().is_empty());
    let mut given = named.names().to_vec();
    given.sort_unstable();
    given.dedup();
    let places = named.places(&given).unwrap();
    let back: Vec<&str> = places.iter().map(|&place| given[place]).collect();
    assert_eq!(back, named.names());
    if let Some((&last, others)) = given.split_last() {
        let name = last.to_owned();
        assert_eq!(
            named.places(others),
            Err(NamedSqlError::NotGiven { name: name.clone() })
        );
        let twice = [&given[..], &[last]].concat();
        assert_eq!(
            named.places(&twice),
            Err(NamedSqlError::GivenTwice { name })
        );
    }
    given.push("");
    let name = String::new();
    assert_eq!(named.places(&given), Err(NamedSqlError::NotUsed { name }));
}
