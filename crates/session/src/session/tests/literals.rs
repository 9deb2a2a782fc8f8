use otaria_codec::SessionChange;
use otaria_types::params;

use super::*;
use crate::PlaceError;

/// An OK by which the server tells its `character_set_client`.
fn charset_told(charset: &[u8]) -> Vec<u8> {
    let mut session_state = Vec::new();
    SessionChange::SystemVariable {
        name: b"character_set_client",
        value: charset,
    }
    .encode(&mut otaria_codec::PayloadWriter::new(&mut session_state));
    let ok = OkPacket {
        status: ServerStatus::AUTOCOMMIT | ServerStatus::SESSION_STATE_CHANGED,
        session_state: &session_state,
        ..OkPacket::default()
    };
    packets(1, &[&ok])
}

fn set_names(session: &mut Session, charset: &str) {
    let sql = format!("SET NAMES {charset}");
    session.simple_query(&sql).unwrap();
    write_all(session);
    receive(session, &charset_told(charset.as_bytes()));
    assert!(matches!(session.poll(), Ok(Some(Event::Ok(_)))));
}

fn refusal(session: &mut Session) -> PlaceError {
    match session.query_with_literals("SELECT ?", &("a",)) {
        Err(Error::Place(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn literals_stand_in_the_places_of_placeholders() {
    let mut session = logged_in();
    let params = ("it's", -1);
    session.query_with_literals("SELECT ?, ?", &params).unwrap();
    assert_eq!(
        write_all(&mut session),
        b"\x1b\0\0\0\x03SELECT  ('it''s') ,  (-1) "
    );
}

#[test]
fn charset_switched_to_gbk_no_literals_are_written_until_it_is_utf8_again() {
    let mut session = logged_in();
    for charset in ["gbk", "latin1", "sjis"] {
        set_names(&mut session, charset);
        let expected = PlaceError::ClientCharacterSet {
            character_set_client: charset.to_owned(),
        };
        assert_eq!(refusal(&mut session), expected);
        assert!(session.is_idle());
    }
    for charset in ["utf8mb4", "utf8mb3", "utf8"] {
        set_names(&mut session, charset);
        session.query_with_literals("SELECT ?", &("a",)).unwrap();
        session.abandon();
    }
}

#[test]
fn no_literals_are_written_behind_a_command_that_may_change_what_they_mean() {
    for command in ["SET NAMES gbk", "SELECT 1"] {
        let mut session = logged_in();
        session.simple_query(command).unwrap();
        assert_eq!(refusal(&mut session), PlaceError::ResponseDue);
    }
    let mut session = logged_in();
    session
        .query_with_literals("SET NAMES ?", &("gbk",))
        .unwrap();
    assert_eq!(refusal(&mut session), PlaceError::ResponseDue);
    let mut session = logged_in();
    session.reset().unwrap();
    assert_eq!(refusal(&mut session), PlaceError::ResponseDue);
}

#[test]
fn literals_are_written_behind_statements_that_leave_the_session_as_it_is() {
    let mut session = logged_in();
    for number in 0..3 {
        let params = params! { a: number };
        let placed = crate::place("INSERT INTO t VALUES (:a)", &params).unwrap();
        let params = placed.params(&params);
        session.query_with_literals(placed.sql(), &params).unwrap();
    }
    assert_eq!(session.expected.len(), 3);
    session.abandon();
    assert!(session.is_idle());
}
