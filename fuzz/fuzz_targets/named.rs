//! Statements: names become as many placeholders, lists one for each value, and nothing else
//! changes; what a statement is for certain does not depend on what stands before it, and it is the
//! only one.
#![no_main]

use libfuzzer_sys::fuzz_target;
use otaria_fuzz::{Input, are_placeholders_in_all_modes};
use otaria_session::{PlaceError, place};
use otaria_statement::{NamedSql, NamedSqlError, StatementKind, count_placeholders, placeholders};
use otaria_types::{InList, ToSql};

fuzz_target!(|data: &[u8]| {
    let mut input = Input::new(data);
    let lists = input.byte();
    let Ok(sql) = std::str::from_utf8(input.rest()) else {
        return;
    };
    kind(sql);
    let count = count_placeholders(sql);
    match NamedSql::parse(sql) {
        Ok(named) if named.names().is_empty() => assert_eq!(named.sql(), sql),
        Ok(named) => {
            assert!(count.is_none_or(|count| count == 0));
            rewritten(sql, &named);
            lists_by_name(sql, &named, lists);
        }
        Err(NamedSqlError::Positional { at }) => {
            assert_eq!(sql.as_bytes()[at], b'?');
            assert_ne!(count, Some(0));
        }
        Err(NamedSqlError::Unclear { at }) => {
            assert!(count.is_none() && at < sql.len());
            assert!(placeholders(sql).is_err());
        }
        Err(error) => panic!("{error}"),
    }
    lists_by_place(sql, lists);
});

fn kind(sql: &str) {
    let kind = StatementKind::of(sql);
    let behind_comment = format!("/* DELETE */ {sql}");
    assert_eq!(StatementKind::of(&behind_comment), kind);
    let followed = format!("{sql}\n; SET NAMES latin1");
    assert!(!StatementKind::of(&followed).keeps_session());
    if kind.can_open_cursor() {
        assert!(kind.keeps_session());
        assert!(sql.to_ascii_uppercase().contains("SELECT"));
    }
}

/// How many values the list at `index` has; `None` for what is no list.
fn list_len(lists: u8, index: usize) -> Option<usize> {
    (lists >> 2 >> (index % 4) & 1 != 0).then(|| usize::from(lists >> 6) + index % 4)
}

/// A value, or a list of so many.
fn value(list_len: Option<usize>) -> Box<dyn ToSql> {
    match list_len {
        None => Box::new(1),
        Some(len) => Box::new(InList(&[1; 8][..len])),
    }
}

/// What a placeholder for that becomes.
fn expansion(list_len: Option<usize>) -> String {
    match list_len {
        None => "?".to_owned(),
        Some(0) => "SELECT NULL FROM DUAL WHERE FALSE".to_owned(),
        Some(len) => vec!["?"; len.next_power_of_two()].join(", "),
    }
}

fn lists_by_place(sql: &str, lists: u8) {
    let Ok(places) = placeholders(sql) else {
        return;
    };
    let positions: Vec<_> = places.iter().map(|place| place.at).collect();
    assert!(are_placeholders_in_all_modes(sql, &positions));
    let lens: Vec<_> = (0..places.len()).map(|i| list_len(lists, i)).collect();
    let values: Vec<_> = lens.iter().map(|&len| value(len)).collect();
    let mut expected = String::new();
    let mut copied = 0;
    let mut wrong = None;
    for (place, &len) in places.iter().zip(&lens) {
        expected += &sql[copied..place.at];
        expected += &expansion(len);
        copied = place.at + 1;
        if len.is_some() && !place.takes_list {
            wrong = wrong.or(Some(PlaceError::NoList { at: place.at }));
        }
    }
    expected += &sql[copied..];
    match place(sql, &values) {
        Ok(placed) => assert_eq!((placed.sql(), wrong), (expected.as_str(), None)),
        Err(error) => assert_eq!(Some(error), wrong),
    }
}

fn lists_by_name(sql: &str, named: &NamedSql<'_>, lists: u8) {
    let mut names = named.names().to_vec();
    names.sort_unstable();
    names.dedup();
    let lens: Vec<_> = (0..names.len()).map(|i| list_len(lists, i)).collect();
    let values = lens.iter().map(|&len| value(len));
    let pairs: Vec<_> = names.iter().zip(values).collect();
    let Ok(placed) = place(sql, &pairs) else {
        return;
    };
    let values = named.names().iter().map(|name| {
        let len = lens[names.iter().position(|other| other == name).unwrap()];
        expansion(len).matches('?').count()
    });
    if let Some(count) = count_placeholders(placed.sql()) {
        assert_eq!(usize::from(count), values.sum::<usize>());
    }
}

fn rewritten(sql: &str, named: &NamedSql<'_>) {
    let names: usize = named.names().iter().map(|name| name.len()).sum();
    assert_eq!(named.sql().len() + names, sql.len());
    if let Some(count) = count_placeholders(named.sql()) {
        assert_eq!(usize::from(count), named.names().len());
    }
    if let Ok(again) = NamedSql::parse(named.sql()) {
        assert_eq!((again.sql(), again.names().len()), (named.sql(), 0));
    }
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
