use otaria_statement::{ComStmtPrepareOk, StatementId};

use super::*;
use crate::{Executable, Queued};

fn prepare_ok(id: u32) -> ComStmtPrepareOk {
    ComStmtPrepareOk {
        statement: StatementId(id),
        columns: 0,
        parameters: 0,
        warnings: 0,
    }
}

#[test]
fn sql_is_running_until_its_response_has_ended() {
    let mut session = logged_in();
    assert_eq!(session.running_sql(), None);
    session.simple_query("SELECT 1").unwrap();
    session.simple_query("SELECT 2").unwrap();
    assert_eq!(session.running_sql(), Some("SELECT 1"));
    write_all(&mut session);
    receive(&mut session, &result_set(&["1"]));
    receive(&mut session, &packets(1, &[&ok()]));
    for _ in 0..2 {
        session.poll().unwrap();
        assert_eq!(session.running_sql(), Some("SELECT 1"));
    }
    session.poll().unwrap();
    assert_eq!(session.running_sql(), Some("SELECT 2"));
    session.poll().unwrap();
    assert_eq!(session.running_sql(), None);
    session.ping().unwrap();
    assert_eq!(session.running_sql(), None);
}

#[test]
fn long_sql_is_cut_between_two_characters() {
    let mut session = logged_in();
    let sql = "ä€😀".repeat(100);
    session.simple_query(&sql).unwrap();
    let running = session.running_sql().unwrap();
    assert!(sql.starts_with(running));
    assert!((197..=200).contains(&running.len()), "{}", running.len());
}

#[test]
fn a_prepared_statement_is_known_by_its_sql_while_it_is_prepared_and_executed() {
    let mut session = logged_in();
    let queued = session.execute(Executable::Sql("SELECT 3"), &()).unwrap();
    assert_eq!(queued, Queued::Prepare);
    assert_eq!(session.running_sql(), Some("SELECT 3"));
    write_all(&mut session);
    receive(&mut session, &packets(1, &[&prepare_ok(5)]));
    assert!(matches!(session.poll(), Ok(Some(Event::Prepared(_)))));
    assert_eq!(session.running_sql(), None);
    assert!(
        session
            .execute_prepared(Executable::Sql("SELECT 3"), &())
            .unwrap()
    );
    assert_eq!(session.running_sql(), Some("SELECT 3"));
    write_all(&mut session);
    receive(&mut session, &packets(1, &[&ok()]));
    session.poll().unwrap();
    assert_eq!(session.running_sql(), None);
}

#[test]
fn a_command_is_under_way_between_its_first_byte_and_its_last() {
    let mut session = logged_in();
    session.simple_query("SELECT 1").unwrap();
    session.simple_query("SELECT 2").unwrap();
    for (written, is_under_way) in [(0, false), (1, true), (12, false), (7, true), (6, false)] {
        session.written(written);
        assert_eq!(
            session.is_in_command(),
            is_under_way,
            "{written} more bytes"
        );
    }
}
