use std::num::NonZeroU32;

use otaria_binary::BinaryRowPacket;
use otaria_codec::EofPacket;
use otaria_statement::{ComStmtPrepareOk, StatementId};

use super::*;
use crate::{Executable, Statement};

const SQL: &str = "SELECT c FROM t";
const SIZE: NonZeroU32 = NonZeroU32::new(3).unwrap();

/// The commands that follow, each in a packet of its own.
const EXECUTE: &[u8] = b"\x0a\0\0\0\x17\x05\0\0\0\x01\x01\0\0\0";
const FETCH: &[u8] = b"\x09\0\0\0\x1c\x05\0\0\0\x03\0\0\0";
const RESET: &[u8] = b"\x05\0\0\0\x1a\x05\0\0\0";
const PING: &[u8] = b"\x01\0\0\0\x0e";

/// Statement 5, prepared from `sql`, which has so many placeholders.
pub(super) fn prepared(session: &mut Session, sql: &str, parameters: u16) -> Statement {
    assert!(session.prepare(sql).unwrap().is_none());
    write_all(session);
    let ok = ComStmtPrepareOk {
        statement: StatementId(5),
        columns: 0,
        parameters,
        warnings: 0,
    };
    let placeholder = ColumnDefinition::new("?", FieldType::Null);
    let mut all: Vec<&dyn Encode> = vec![&ok];
    for _ in 0..parameters {
        all.push(&placeholder);
    }
    receive(session, &packets(1, &all));
    let Ok(Some(Event::Prepared(statement))) = session.poll() else {
        panic!("not prepared")
    };
    statement
}

fn status(status: ServerStatus) -> OkPacket<'static> {
    OkPacket {
        status,
        ..rows_end()
    }
}

fn head() -> ColumnCount {
    ColumnCount {
        columns: 1,
        metadata_follows: true,
    }
}

/// A session with an open cursor, and its statement.
fn opened() -> (Session, Statement) {
    opened_in(logged_in())
}

fn opened_in(mut session: Session) -> (Session, Statement) {
    let statement = prepared(&mut session, SQL, 0);
    let executable = Executable::Statement(&statement);
    session.open_cursor(executable, &(), SIZE).unwrap();
    assert_eq!(write_all(&mut session), EXECUTE);
    let end = status(ServerStatus::CURSOR_EXISTS);
    receive(&mut session, &packets(1, &[&head(), &column(), &end]));
    assert!(matches!(session.poll(), Ok(Some(Event::ResultSet))));
    assert!(session.is_in_rows());
    assert!(matches!(session.poll(), Ok(Some(Event::CursorOpened))));
    assert!(session.has_cursor() && session.is_idle());
    (session, statement)
}

fn fetch(session: &mut Session, rows: &[i64], end: ServerStatus) {
    assert!(session.fetch().unwrap());
    assert_eq!(write_all(session), FETCH);
    let packets_of_rows: Vec<_> = rows.iter().map(|row| BinaryRowPacket::of([*row])).collect();
    let end = status(end);
    let mut all: Vec<&dyn Encode> = Vec::new();
    for row in &packets_of_rows {
        all.push(row);
    }
    all.push(&end);
    receive(session, &packets(1, &all));
    for expected in rows {
        let Ok(Some(Event::Row(row))) = session.poll() else {
            panic!("no row")
        };
        assert_eq!(session.row(row).get::<i64>("c").unwrap(), *expected);
    }
    assert!(matches!(session.poll(), Ok(Some(Event::ResultSetEnd(_)))));
}

#[test]
fn rows_are_fetched_until_the_server_has_sent_the_last() {
    let (mut session, _statement) = opened();
    fetch(&mut session, &[1, 2, 3], ServerStatus::CURSOR_EXISTS);
    fetch(&mut session, &[4], ServerStatus::LAST_ROW_SENT);
    assert!(!session.has_cursor());
    assert!(!session.fetch().unwrap());
    session.ping().unwrap();
    assert_eq!(write_all(&mut session), PING, "there is nothing to reset");
}

#[test]
fn a_cursor_is_known_from_the_eof_that_follows_its_definitions() {
    let mut session = logged_in();
    session.capabilities -= Capabilities::DEPRECATE_EOF;
    let executable = Executable::Sql(SQL);
    session.open_cursor(executable, &(), SIZE).unwrap();
    let statement = prepared_from_queue(&mut session);
    let executable = Executable::Statement(&statement);
    session.open_cursor(executable, &(), SIZE).unwrap();
    write_all(&mut session);
    let end = EofPacket {
        warnings: 0,
        status: ServerStatus::CURSOR_EXISTS,
    };
    receive(&mut session, &packets(1, &[&head(), &column(), &end]));
    assert!(matches!(session.poll(), Ok(Some(Event::CursorOpened))));
    assert_eq!(session.columns()[0].name(), "c");
    assert!(session.has_cursor());
}

/// The statement whose prepare has been queued.
fn prepared_from_queue(session: &mut Session) -> Statement {
    write_all(session);
    let ok = ComStmtPrepareOk {
        statement: StatementId(5),
        columns: 0,
        parameters: 0,
        warnings: 0,
    };
    receive(session, &packets(1, &[&ok]));
    let Ok(Some(Event::Prepared(statement))) = session.poll() else {
        panic!("not prepared")
    };
    statement
}

#[test]
fn a_reset_that_was_taken_back_is_due_again() {
    let (mut session, _statement) = opened();
    for _ in 0..2 {
        session.ping().unwrap();
        assert_eq!(session.unwritten(), [RESET, PING].concat());
        session.abandon();
        assert!(session.is_idle());
    }
    session.ping().unwrap();
    write_all(&mut session);
    receive(&mut session, &packets(1, &[&ok()]));
    receive(&mut session, &packets(1, &[&ok()]));
    assert!(matches!(session.poll(), Ok(Some(Event::StatementReset))));
    assert!(matches!(session.poll(), Ok(Some(Event::Ok(_)))));
    assert!(session.is_idle());
    session.ping().unwrap();
    assert_eq!(session.unwritten(), PING);
}

#[test]
fn a_reset_that_has_begun_is_not_taken_back() {
    let (mut session, _statement) = opened();
    session.ping().unwrap();
    session.written(1);
    session.abandon();
    assert_eq!(session.unwritten(), &RESET[1..]);
    write_all(&mut session);
    receive(&mut session, &packets(1, &[&ok()]));
    assert!(session.discard().unwrap());
    session.ping().unwrap();
    assert_eq!(session.unwritten(), PING);
}

#[test]
fn a_statement_that_is_closed_or_forgotten_is_not_reset() {
    let (mut session, statement) = opened();
    drop(statement);
    session.statements.forget();
    session.ping().unwrap();
    assert_eq!(session.unwritten(), PING);
    let config = Config::builder().statement_cache_capacity(0).build();
    let mut session = logged_in_by(&config.unwrap());
    let statement = prepared(&mut session, SQL, 0);
    session.statements.reset_due(statement.id());
    drop(statement);
    session.ping().unwrap();
    let close = b"\x05\0\0\0\x19\x05\0\0\0".as_slice();
    assert_eq!(session.unwritten(), [close, PING].concat());
}

#[test]
fn a_cursor_is_refused_where_the_server_may_read_another_statement() {
    let mut session = logged_in();
    for sql in [
        "DELETE FROM t RETURNING c",
        "SELECT 1 /*!50000 INTO @x */",
        "",
    ] {
        let executable = Executable::Sql(sql);
        let refused = session.open_cursor(executable, &(), SIZE);
        assert!(matches!(refused, Err(Error::CursorRefused)), "{sql}");
        assert!(session.unwritten().is_empty());
    }
}

#[test]
fn a_reset_that_is_refused_closes_the_session() {
    let (mut session, _statement) = opened();
    session.ping().unwrap();
    write_all(&mut session);
    let error = ErrPacket::new(1243, *b"HY000", "Unknown prepared statement handler");
    receive(&mut session, &packets(1, &[&error]));
    let told = session.poll();
    assert!(
        matches!(&told, Err(Error::StatementNotReset(error)) if error.code() == 1243),
        "{told:?}"
    );
    let reason = CloseReason::StatementNotReset { code: 1243 };
    assert_eq!(session.close_reason(), Some(reason));
}

#[test]
fn a_connection_lost_before_a_fetch_leaves_not_the_statement_unsent() {
    let (mut session, _statement) = opened();
    assert!(session.fetch().unwrap());
    let error = session.lost();
    assert!(matches!(error, Error::ConnectionLost { .. }), "{error:?}");
    assert!(!error.is_safe_to_retry());
}

#[test]
fn behind_the_reset_of_a_cursor_it_is_the_next_statement_that_runs() {
    let (mut session, _statement) = opened();
    session.abandon();
    session.simple_query("SELECT 2").unwrap();
    assert_eq!(session.running_sql(), Some("SELECT 2"));
}

#[test]
fn mysql_prepares_a_statement_anew_that_had_a_cursor() {
    let config = Config::builder().user("u").build().unwrap();
    let mysql = logged_in_to(&greeting_of(b"9.7.0", Capabilities::CLIENT_MYSQL), &config);
    for (session, is_mysql) in [(mysql, true), (logged_in_by(&config), false)] {
        let (mut session, statement) = opened_in(session);
        fetch(&mut session, &[1], ServerStatus::LAST_ROW_SENT);
        for executable in [Executable::Sql(SQL), Executable::Statement(&statement)] {
            let found = session.prepared(executable).unwrap();
            assert_eq!(found.is_none(), is_mysql, "{executable:?}");
            let was_prepared = session.execute_prepared(executable, &()).unwrap();
            assert_eq!(was_prepared, !is_mysql);
            session.abandon();
        }
        // It is closed when nobody holds it.
        drop(statement);
        session.ping().unwrap();
        let sent = write_all(&mut session);
        assert_eq!(sent.starts_with(CLOSE), is_mysql, "{sent:?}");
    }
}

const CLOSE: &[u8] = b"\x05\0\0\0\x19\x05\0\0\0";
