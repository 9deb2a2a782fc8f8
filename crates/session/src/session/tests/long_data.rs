use otaria_types::{LongData, ParameterSink, SessionTimeZone, ToSql, ToSqlError};

use super::cursor::prepared;
use super::*;
use crate::{Executable, LongDataError, Statement};

const SQL: &str = "INSERT INTO t VALUES (?, ?)";

fn session() -> (Session, Statement) {
    let mut session = logged_in();
    let statement = prepared(&mut session, SQL, 2);
    (session, statement)
}

const PIECE: &[u8] = b"\x09\0\0\0\x18\x05\0\0\0\x01\0ab";
const RESET: &[u8] = b"\x05\0\0\0\x1a\x05\0\0\0";
const PING: &[u8] = b"\x01\0\0\0\x0e";

#[test]
fn a_value_is_sent_ahead_and_left_out_of_the_execution() {
    let (mut session, statement) = session();
    session.send_long_data(&statement, 1, b"ab").unwrap();
    assert_eq!(write_all(&mut session), PIECE);
    assert!(!session.is_response_due());
    session
        .execute_with_long_data(&statement, &(None::<i32>, LongData))
        .unwrap();
    let execute = b"\x10\0\0\0\x17\x05\0\0\0\0\x01\0\0\0\x01\x01\x06\0\xfb\0";
    assert_eq!(write_all(&mut session), execute);
    receive(&mut session, &packets(1, &[&ok()]));
    assert!(matches!(session.poll(), Ok(Some(Event::Ok(_)))));
    session.ping().unwrap();
    assert_eq!(session.unwritten(), PING, "the value was used");
}

#[test]
fn a_value_that_no_execution_takes_is_reset_in_front_of_the_next_command() {
    let (mut session, statement) = session();
    session.send_long_data(&statement, 1, b"ab").unwrap();
    write_all(&mut session);
    session.ping().unwrap();
    assert_eq!(session.unwritten(), [RESET, PING].concat());
    let (mut session, statement) = self::session();
    session.send_long_data(&statement, 1, b"ab").unwrap();
    write_all(&mut session);
    let executable = Executable::Statement(&statement);
    session.execute(executable, &(1, 2)).unwrap();
    assert!(session.unwritten().starts_with(RESET));
}

#[test]
fn a_value_that_was_given_up_is_no_part_of_the_next() {
    let (mut session, statement) = session();
    session.send_long_data(&statement, 1, b"ab").unwrap();
    session.abandon();
    session.send_long_data(&statement, 1, b"ab").unwrap();
    assert_eq!(session.unwritten(), [PIECE, RESET, PIECE].concat());
    session.abandon();
    assert_eq!(session.unwritten(), [PIECE, RESET, PIECE].concat());
    let parameters = (1, LongData);
    let error = session.execute_with_long_data(&statement, &parameters);
    let expected = LongDataError::NotSent { index: 1 };
    assert!(matches!(error, Err(Error::LongData(found)) if found == expected));
}

#[test]
fn long_values_are_split_and_an_empty_one_is_an_empty_piece() {
    let (mut session, statement) = session();
    session.send_long_data(&statement, 0, b"").unwrap();
    let empty = b"\x07\0\0\0\x18\x05\0\0\0\0\0";
    assert_eq!(write_all(&mut session), empty);
    let long = vec![7; 65_537];
    session.send_long_data(&statement, 0, &long).unwrap();
    let sent = write_all(&mut session);
    assert_eq!(sent.len(), 65_537 + 2 * empty.len());
    assert!(sent.starts_with(b"\x07\0\x01\0\x18"));
    assert!(sent.ends_with(b"\x08\0\0\0\x18\x05\0\0\0\0\0\x07"));
}

#[test]
fn parameters_and_what_was_sent_have_to_fit_together() {
    type Outcome = Result<(), LongDataError>;
    let cases: [(&[usize], [bool; 2], Outcome); 6] = [
        (&[], [false, false], Ok(())),
        (&[1, 0], [true, true], Ok(())),
        (
            &[0],
            [false, false],
            Err(LongDataError::NotMarked { index: 0 }),
        ),
        (
            &[1],
            [true, false],
            Err(LongDataError::NotSent { index: 0 }),
        ),
        (
            &[0],
            [false, true],
            Err(LongDataError::NotMarked { index: 0 }),
        ),
        (&[0], [true, true], Err(LongDataError::NotSent { index: 1 })),
    ];
    for (sent, marked, expected) in cases {
        let (mut session, statement) = session();
        for index in sent {
            session.send_long_data(&statement, *index, b"x").unwrap();
        }
        write_all(&mut session);
        let parameters: Vec<Box<dyn ToSql>> = marked
            .iter()
            .map(|marked| -> Box<dyn ToSql> {
                if *marked {
                    Box::new(LongData)
                } else {
                    Box::new(1)
                }
            })
            .collect();
        let queued = session.execute_with_long_data(&statement, &parameters);
        match expected {
            Ok(()) => queued.unwrap(),
            Err(expected) => {
                assert!(matches!(queued, Err(Error::LongData(found)) if found == expected));
                assert!(session.unwritten().is_empty());
            }
        }
    }
}

#[test]
fn a_parameter_that_is_none_is_an_error_and_so_is_a_statement_that_is_gone() {
    let (mut session, statement) = session();
    for index in [2, 65_536 + 1, usize::MAX] {
        let error = session.send_long_data(&statement, index, b"x");
        let parameters = 2;
        let expected = LongDataError::NoSuchParameter { index, parameters };
        assert!(matches!(error, Err(Error::LongData(found)) if found == expected));
    }
    session.statements.forget();
    let error = session.send_long_data(&statement, 0, b"x");
    assert!(matches!(error, Err(Error::ForeignStatement)));
    assert!(session.unwritten().is_empty());
    let parameters = (LongData, 1);
    let error = session.execute(Executable::Sql(SQL), &parameters);
    let expected = LongDataError::NotSent { index: 0 };
    assert!(matches!(error, Err(Error::LongData(found)) if found == expected));
}

/// Needs the zone of the session.
struct Zoned;

impl ToSql for Zoned {
    fn to_sql(&self, out: &mut dyn ParameterSink) -> Result<(), ToSqlError> {
        if out.time_zone() == SessionTimeZone::Unknown {
            return Err(ToSqlError::TimeZone);
        }
        out.null();
        Ok(())
    }
}

#[test]
fn the_zone_is_certain_while_the_response_to_a_reset_is_due() {
    let (mut session, statement) = session();
    session.state.set_time_zone("+00:00");
    session.statements.reset_due(statement.id());
    session.send_long_data(&statement, 1, b"x").unwrap();
    assert!(session.is_response_due());
    session
        .execute_with_long_data(&statement, &(Zoned, LongData))
        .unwrap();
}
