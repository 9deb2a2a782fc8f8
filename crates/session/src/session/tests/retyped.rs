//! Parameters that are text where the statement was given something else before.

use otaria_types::ValueRef;

use super::cursor::prepared;
use super::*;
use crate::{Executable, Pipelined, Queued, Statement};

const SQL: &str = "DO ?, ?";
const TEXT: ValueRef<'_> = ValueRef::Text("007");
const BYTES: ValueRef<'_> = ValueRef::Bytes(b"007");
const NUMBER: ValueRef<'_> = ValueRef::Int(7);
const NULL: ValueRef<'_> = ValueRef::Null;

/// A session, and a statement of which the first parameter was given text and a number, and the second
/// text only.
fn given(is_mysql: bool) -> (Session, Statement) {
    let config = Config::builder().user("u").build().unwrap();
    let mut session = if is_mysql {
        let greeting = greeting_of(b"9.7.0", Capabilities::CLIENT_MYSQL);
        logged_in_to(&greeting, &config)
    } else {
        logged_in_by(&config)
    };
    let statement = prepared(&mut session, SQL, 2);
    for params in [[TEXT, NULL], [NUMBER, TEXT], [NULL, BYTES], [NUMBER, NULL]] {
        let executable = Executable::Statement(&statement);
        let is_queued = session.execute_prepared(executable, &params).unwrap();
        assert!(is_queued, "{params:?}");
        write_all(&mut session);
        receive(&mut session, &packets(1, &[&OkPacket::default()]));
        while session.poll().unwrap().is_some() {}
    }
    (session, statement)
}

/// What a call of the session queues: the bytes of its command's code.
fn sent(session: &mut Session) -> Option<u8> {
    write_all(session).get(4).copied()
}

const PREPARE: Option<u8> = Some(0x16);
const EXECUTE: Option<u8> = Some(0x17);

#[test]
fn mysql_prepares_a_statement_anew_for_text_in_the_place_of_a_number() {
    for params in [[TEXT, NULL], [BYTES, TEXT]] {
        for by_sql in [false, true] {
            let (mut session, statement) = given(true);
            let executable = if by_sql {
                Executable::Sql(SQL)
            } else {
                Executable::Statement(&statement)
            };
            assert!(!session.execute_prepared(executable, &params).unwrap());
            assert_eq!(sent(&mut session), None);
            assert_eq!(
                session.execute(executable, &params).unwrap(),
                Queued::Prepare
            );
            assert_eq!(sent(&mut session), PREPARE);

            let (mut session, statement) = given(true);
            let executable = if by_sql {
                Executable::Sql(SQL)
            } else {
                Executable::Statement(&statement)
            };
            let queued = session.execute_behind(executable, &params).unwrap();
            assert_eq!(queued, Pipelined::Queued(Queued::Prepare));
            assert_eq!(sent(&mut session), PREPARE);
        }
    }
}

#[test]
fn a_statement_is_not_prepared_anew_while_its_text_is_where_text_was_nor_by_mariadb() {
    for (is_mysql, params) in [
        (true, [NUMBER, TEXT]),
        (true, [NULL, NUMBER]),
        (false, [TEXT, TEXT]),
    ] {
        let (mut session, statement) = given(is_mysql);
        let executable = Executable::Statement(&statement);
        assert!(session.execute_prepared(executable, &params).unwrap());
        assert_eq!(sent(&mut session), EXECUTE, "{is_mysql} {params:?}");
    }
}
