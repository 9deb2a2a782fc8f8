//! What the command-line client prints, in its form that tells NULL from text and one result from
//! another: XML.

use std::fmt::Write;

use protocol_tests::live::Schema;

use super::Topic;
use super::answer::{Answer, Cell, Set};

/// Runs the statements of a topic in one session of the client's.
pub(super) fn by_client(schema: &Schema<'_>, topic: &Topic) -> Vec<Answer> {
    let mut script = format!("{SESSION};\ndelimiter {DELIMITER}\n");
    let mut lines = Vec::new();
    for (number, sql) in topic.statements.iter().enumerate() {
        let first = script.lines().count() + 1;
        // The comment comes back with each result, and keeps the client from taking a word of the
        // statement for one of its own.
        writeln!(script, "/*{number}*/{sql}\n{DELIMITER}").unwrap();
        lines.push(first..=script.lines().count());
    }
    let printed = schema.printed(&script).unwrap();
    let mut answers = vec![Answer::default(); topic.statements.len()];
    for (number, set) in sets(&printed.results) {
        answers[number].sets.push(set);
    }
    for (code, line) in printed.errors.lines().filter_map(error) {
        let number = lines.iter().position(|lines| lines.contains(&line));
        let number = number.unwrap_or_else(|| panic!("{}: {}", topic.name, printed.errors));
        answers[number].error = Some(code);
    }
    answers
}

/// The code of an error, and in which line the statement began.
fn error(line: &str) -> Option<(u16, usize)> {
    let (code, rest) = line.strip_prefix("ERROR ")?.split_once(' ')?;
    let (_, rest) = rest.split_once("at line ")?;
    let (line, _) = rest.split_once(':')?;
    Some((code.parse().ok()?, line.parse().ok()?))
}

/// Each result with the number of its statement.
fn sets(mut xml: &[u8]) -> Vec<(usize, Set)> {
    let mut sets = Vec::new();
    while let Some(start) = after(xml, b"<resultset statement=\"") {
        let (set, rest) = until(start, b"</resultset>");
        let number = after(set, b"/*").expect("the comment with its number");
        let (number, _) = until(number, b"*/");
        let number = str::from_utf8(number).unwrap().parse().unwrap();
        sets.push((number, rows(set)));
        xml = rest;
    }
    sets
}

fn rows(mut xml: &[u8]) -> Set {
    let mut set = Set::default();
    while let Some(start) = after(xml, b"<row>\n") {
        let (mut row, rest) = until(start, b"</row>");
        let mut names = Vec::new();
        let mut cells = Vec::new();
        while let Some(field) = after(row, b"<field name=\"") {
            let (name, value) = until(field, b"\"");
            names.push(decoded(name));
            if let Some(rest) = value.strip_prefix(b" xsi:nil=\"true\" />") {
                cells.push(Cell::Null);
                row = rest;
            } else {
                let (value, rest) = until(&value[1..], b"</field>");
                cells.push(Cell::Bytes(decoded(value)));
                row = rest;
            }
        }
        set.names = Some(names);
        set.rows.push(cells);
        xml = rest;
    }
    set
}

/// What follows the first `text`.
fn after<'a>(bytes: &'a [u8], text: &[u8]) -> Option<&'a [u8]> {
    find(bytes, text).map(|at| &bytes[at + text.len()..])
}

/// What comes before the first `text`, and what follows it.
fn until<'a>(bytes: &'a [u8], text: &[u8]) -> (&'a [u8], &'a [u8]) {
    let at = find(bytes, text).expect("XML that is whole");
    (&bytes[..at], &bytes[at + text.len()..])
}

fn find(bytes: &[u8], text: &[u8]) -> Option<usize> {
    bytes.windows(text.len()).position(|window| window == text)
}

/// Without the entities that the client writes.
fn decoded(mut xml: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::new();
    while let Some(at) = xml.iter().position(|byte| *byte == b'&') {
        decoded.extend_from_slice(&xml[..at]);
        let entities = [
            ("&amp;", b'&'),
            ("&lt;", b'<'),
            ("&gt;", b'>'),
            ("&quot;", b'"'),
        ];
        let entity = entities
            .iter()
            .find(|(name, _)| xml[at..].starts_with(name.as_bytes()));
        let (name, byte) = entity.expect("an entity of the client's");
        decoded.push(*byte);
        xml = &xml[at + name.len()..];
    }
    decoded.extend_from_slice(xml);
    decoded
}

/// What the client and the driver might have set otherwise.
pub(super) const SESSION: &str = "SET NAMES utf8mb4 COLLATE utf8mb4_general_ci";

const DELIMITER: &str = "//end//";

#[test]
fn the_xml_of_the_client_is_read() {
    let xml = b"<?xml version=\"1.0\"?>\n\n<resultset statement=\"/*3*/SELECT &lt;1\n\" \
        xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">\n  <row>\n\t<field name=\"a&amp;b\">\
        \xff\0 &quot;</field>\n\t<field name=\"n\" xsi:nil=\"true\" />\n\t<field name=\"e\"></field>\n  \
        </row>\n</resultset>\n<resultset statement=\"/*4*/x\" xmlns:xsi=\"y\"></resultset>\n";
    let [(3, set), (4, empty)] = &sets(xml)[..] else {
        panic!("two results");
    };
    let cells = [
        Cell::Bytes(b"\xff\0 \"".into()),
        Cell::Null,
        Cell::Bytes(b"".into()),
    ];
    assert_eq!(set.rows, [cells]);
    let names = set.names.as_ref().unwrap();
    assert_eq!(names, &[&b"a&b"[..], b"n", b"e"]);
    assert_eq!(*empty, Set::default());
    assert_eq!(
        error("ERROR 1054 (42S22) at line 12: Unknown"),
        Some((1054, 12))
    );
}
