mod change_user;
mod clean_up;
#[cfg(feature = "compression")]
mod compression;
mod cursor;
mod infile;
mod literals;
mod long_data;
mod retyped;
mod running;
#[cfg(feature = "tls-ring")]
mod tls;

use otaria_auth::{InitialHandshake, SCRAMBLE_BYTES};
use otaria_codec::{
    ColumnCount, ColumnDefinition, ErrPacket, FieldType, OkPacket, PacketEncoder, ProgressReport,
    ServerStatus,
};
use otaria_text::TextRowPacket;

use super::*;
use crate::{TimeoutPhase, TransactionOptions};
#[cfg(feature = "compression")]
use compression::{compressed, compressed_by};

const CAPABILITIES: Capabilities = Capabilities::DEPRECATE_EOF
    .union(Capabilities::SESSION_TRACK)
    .union(Capabilities::PROTOCOL_41);

fn packets(sequence_number: u8, packets: &[&dyn Encode]) -> Vec<u8> {
    let mut encoder = PacketEncoder::new();
    encoder.set_sequence_number(sequence_number);
    for packet in packets {
        encoder.packet(*packet, CAPABILITIES);
    }
    encoder.take()
}

fn greeting() -> Vec<u8> {
    greeting_of(b"11.8.6-MariaDB", Capabilities::empty())
}

/// That of a server which can do more than others.
fn greeting_of(server_version: &[u8], more: Capabilities) -> Vec<u8> {
    let greeting = InitialHandshake {
        server_version,
        thread_id: 7,
        scramble: [b's'; SCRAMBLE_BYTES],
        capabilities: CAPABILITIES
            | more
            | Capabilities::SECURE_CONNECTION
            | Capabilities::CONNECT_WITH_DB
            | Capabilities::LOCAL_FILES
            | Capabilities::MARIADB_CLIENT_PROGRESS
            | Capabilities::PLUGIN_AUTH,
        collation: 45,
        status: ServerStatus::AUTOCOMMIT,
        default_auth_plugin: "mysql_native_password",
    };
    packets(0, &[&greeting])
}

fn ok() -> OkPacket<'static> {
    OkPacket {
        status: ServerStatus::AUTOCOMMIT,
        ..OkPacket::default()
    }
}

fn rows_end() -> OkPacket<'static> {
    OkPacket {
        ends_result_set: true,
        ..ok()
    }
}

fn column() -> ColumnDefinition {
    ColumnDefinition::new("c", FieldType::LongLong)
}

fn receive(session: &mut Session, bytes: &[u8]) {
    session.read_buffer().extend_from_slice(bytes);
}

fn write_all(session: &mut Session) -> Vec<u8> {
    let bytes = session.unwritten().to_vec();
    session.written(bytes.len());
    bytes
}

fn logged_in() -> Session {
    let config = Config::builder()
        .user("u")
        .password("hunter2")
        .database("shop")
        .build()
        .unwrap();
    logged_in_by(&config)
}

fn logged_in_by(config: &Config) -> Session {
    logged_in_to(&greeting(), config)
}

fn logged_in_to(greeting: &[u8], config: &Config) -> Session {
    let mut session = Session::new(config, Channel::Plain, [0; 32]);
    receive(&mut session, greeting);
    assert!(session.poll().unwrap().is_none());
    assert!(!write_all(&mut session).is_empty());
    receive(&mut session, &packets(2, &[&ok()]));
    assert!(matches!(session.poll(), Ok(Some(Event::Connected))));
    session
}

/// The head of a result set of one column and these rows.
fn result_set(rows: &[&str]) -> Vec<u8> {
    let count = ColumnCount {
        columns: 1,
        metadata_follows: true,
    };
    let (column, end) = (column(), rows_end());
    let rows: Vec<TextRowPacket> = rows.iter().map(|row| TextRowPacket::of([*row])).collect();
    let mut all: Vec<&dyn Encode> = vec![&count, &column];
    for row in &rows {
        all.push(row);
    }
    all.push(&end);
    packets(1, &all)
}

#[test]
fn a_login_leads_to_an_idle_session_that_knows_its_server() {
    let session = logged_in();
    assert!(session.is_idle());
    assert_eq!(session.thread_id(), 7);
    assert_eq!(session.server_version().unwrap().major, 11);
    assert_eq!(session.state().schema(), Some("shop"));
    assert!(session.capabilities().contains(Capabilities::DEPRECATE_EOF));
}

#[test]
fn a_query_gives_its_events_in_order() {
    let mut session = logged_in();
    session.simple_query("SELECT c FROM t").unwrap();
    assert!(!session.is_idle());
    assert_eq!(write_all(&mut session), b"\x10\0\0\0\x03SELECT c FROM t");
    receive(&mut session, &result_set(&["41", "42"]));
    assert!(matches!(session.poll(), Ok(Some(Event::ResultSet))));
    assert_eq!(session.columns()[0].name(), "c");
    for expected in [41, 42] {
        let Ok(Some(Event::Row(row))) = session.poll() else {
            panic!("no row")
        };
        assert_eq!(session.row(row).get::<i64>("c").unwrap(), expected);
    }
    assert!(matches!(session.poll(), Ok(Some(Event::ResultSetEnd(_)))));
    assert!(session.is_idle());
}

#[test]
fn a_ping_answered_by_rows_closes_the_session() {
    let mut session = logged_in();
    session.ping().unwrap();
    write_all(&mut session);
    receive(&mut session, &result_set(&["1"]));
    assert!(matches!(session.poll(), Err(Error::InvalidPacket(_))));
    assert_eq!(session.close_reason(), Some(CloseReason::InvalidPacket));
}

#[test]
fn part_of_a_packet_that_nobody_asked_for_is_waited_for() {
    let mut session = logged_in();
    let killed = packets(
        1,
        &[&ErrPacket::new(1927, *b"70100", "Connection was killed")],
    );
    receive(&mut session, &killed[..7]);
    assert!(!session.discard().unwrap());
    receive(&mut session, &killed[7..]);
    assert!(matches!(session.discard(), Err(Error::Closed { .. })));
}

#[test]
fn an_unsent_command_is_taken_back_and_a_sent_one_discarded() {
    let mut session = logged_in();
    session.simple_query("SELECT 1").unwrap();
    session.abandon();
    assert!(session.is_idle() && session.unwritten().is_empty());

    session.simple_query("SELECT 1").unwrap();
    session.written(1);
    session.abandon();
    assert_eq!(session.unwritten().len(), 12, "the rest must be sent");
    write_all(&mut session);
    let response = result_set(&["1"]);
    let (first, rest) = response.split_at(response.len() - 1);
    receive(&mut session, first);
    assert!(!session.discard().unwrap());
    receive(&mut session, rest);
    assert!(session.discard().unwrap());
    assert!(session.is_idle());
}

#[test]
fn several_commands_may_be_under_way_and_are_answered_in_order() {
    let mut session = logged_in();
    session.ping().unwrap();
    session.simple_query("SELECT 1").unwrap();
    session.reset().unwrap();
    write_all(&mut session);
    receive(&mut session, &packets(1, &[&ok()]));
    receive(&mut session, &result_set(&["1"]));
    receive(&mut session, &packets(1, &[&ok()]));
    assert!(session.discard().unwrap());
    assert!(session.is_idle());
}

#[test]
fn the_response_to_a_command_of_two_packets_begins_at_sequence_number_2() {
    let mut session = logged_in();
    session
        .simple_query(&"x".repeat(otaria_codec::MAX_BODY_BYTES))
        .unwrap();
    write_all(&mut session);
    receive(&mut session, &packets(2, &[&ok()]));
    assert!(matches!(session.poll(), Ok(Some(Event::Ok(_)))));
}

#[test]
fn a_reset_whose_response_is_discarded_still_resets_what_is_known() {
    let mut session = logged_in();
    session.simple_query("SET autocommit = 0").unwrap();
    write_all(&mut session);
    let changed = OkPacket {
        status: ServerStatus::SESSION_STATE_CHANGED,
        session_state: b"\x00\x0f\x0aautocommit\x03OFF",
        ..OkPacket::default()
    };
    receive(&mut session, &packets(1, &[&changed]));
    assert!(session.discard().unwrap());
    assert_eq!(session.state().system_variable("autocommit"), Some("OFF"));
    session.reset().unwrap();
    write_all(&mut session);
    session.abandon();
    receive(&mut session, &packets(1, &[&ok()]));
    assert!(session.discard().unwrap());
    assert_eq!(session.state().system_variable("autocommit"), None);
}

#[test]
fn the_default_database_is_known_though_the_server_does_not_track_it() {
    let mut session = logged_in();
    session.init_db("reports").unwrap();
    write_all(&mut session);
    assert_eq!(session.state().schema(), Some("shop"));
    receive(&mut session, &packets(1, &[&ok()]));
    assert!(session.discard().unwrap());
    assert_eq!(session.state().schema(), Some("reports"));

    session.init_db("NAMED").unwrap();
    write_all(&mut session);
    let named = OkPacket {
        status: ServerStatus::SESSION_STATE_CHANGED,
        session_state: b"\x01\x06\x05named",
        ..OkPacket::default()
    };
    receive(&mut session, &packets(1, &[&named]));
    assert!(session.discard().unwrap());
    assert_eq!(session.state().schema(), Some("named"));

    session.init_db("nowhere").unwrap();
    write_all(&mut session);
    let unknown = ErrPacket::new(1049, *b"42000", "Unknown database");
    receive(&mut session, &packets(1, &[&unknown]));
    assert!(session.discard().unwrap());
    assert_eq!(session.state().schema(), Some("named"));
}

#[test]
fn an_err_with_sequence_number_0_ends_the_session() {
    let killed = ErrPacket::new(1927, *b"70100", "Connection was killed");
    // While nothing is due.
    let mut session = logged_in();
    receive(&mut session, &packets(0, &[&killed]));
    let reason = CloseReason::EndedByServer { code: 1927 };
    assert!(matches!(session.discard(), Err(Error::Closed { reason: found }) if found == reason));
    assert!(matches!(session.ping(), Err(Error::Closed { .. })));
    // In place of a response.
    let mut session = logged_in();
    session.ping().unwrap();
    write_all(&mut session);
    receive(&mut session, &packets(0, &[&killed]));
    let error = session.poll().unwrap_err();
    assert!(matches!(error, Error::EndedByServer(error) if error.code() == 1927));
    assert_eq!(session.close_reason(), Some(reason));
}

#[test]
fn a_result_for_a_command_nobody_sent_closes_the_session() {
    let mut session = logged_in();
    session.ping().unwrap();
    write_all(&mut session);
    receive(&mut session, &packets(1, &[&ok(), &ok()]));
    assert!(matches!(session.poll(), Ok(Some(Event::Ok(_)))));
    let error = session.discard().unwrap_err();
    let packet = "no packet, for nothing was asked";
    assert!(
        matches!(error, Error::InvalidPacket(InvalidPacket::Unexpected { packet: found, .. })
            if found == packet)
    );
    assert_eq!(session.close_reason(), Some(CloseReason::InvalidPacket));
}

#[test]
fn column_definitions_longer_than_any_server_has_are_refused() {
    let mut session = logged_in();
    session.simple_query("SELECT 1").unwrap();
    write_all(&mut session);
    let count = ColumnCount {
        columns: 100,
        metadata_follows: true,
    };
    receive(&mut session, &packets(1, &[&count]));
    assert!(session.poll().unwrap().is_none());
    let long = ColumnDefinition::new(&"n".repeat(1_000_000), FieldType::Long);
    for sequence_number in 2..18 {
        receive(&mut session, &packets(sequence_number, &[&long]));
        assert!(session.poll().unwrap().is_none());
    }
    receive(&mut session, &packets(18, &[&long]));
    assert!(matches!(
        session.poll(),
        Err(Error::InvalidPacket(InvalidPacket::Field { .. }))
    ));
}

#[test]
fn an_err_behind_which_servers_hang_up_ends_the_session() {
    let mut session = logged_in();
    session.ping().unwrap();
    write_all(&mut session);
    let too_long = ErrPacket::new(1153, *b"08S01", "Got a packet bigger than allowed");
    receive(&mut session, &packets(1, &[&too_long]));
    let error = session.poll().unwrap_err();
    assert_eq!(
        error.to_string(),
        "the server ended the session with error 1153"
    );
    assert_eq!(
        session.close_reason(),
        Some(CloseReason::EndedByServer { code: 1153 })
    );
}

#[test]
fn an_err_out_of_sequence_is_told_only_as_a_goodbye() {
    let more = OkPacket {
        status: ServerStatus::MORE_RESULTS_EXISTS,
        ..OkPacket::default()
    };
    // Whether the first of two responses goes on, and what comes in place of its rest, or of the second.
    let answer = |first: &OkPacket<'_>, sequence_number: u8, code| {
        let mut session = logged_in();
        session.simple_query("SELECT 1").unwrap();
        session.simple_query("SELECT 2").unwrap();
        write_all(&mut session);
        receive(&mut session, &packets(1, &[first]));
        assert!(matches!(session.poll(), Ok(Some(Event::Ok(_)))));
        let err = ErrPacket::new(code, *b"23000", "of another");
        receive(&mut session, &packets(sequence_number, &[&err]));
        let error = session.poll().unwrap_err();
        assert!(session.close_reason().is_some());
        error
    };
    // The answer to the second; what may be that to the second; and to the first, which had ended.
    for (first, sequence_number) in [(&more, 1), (&more, 7), (&ok(), 2)] {
        let error = answer(first, sequence_number, 1062);
        assert!(
            matches!(&error, Error::InvalidPacket(InvalidPacket::SequenceNumber { found, .. })
                if *found == sequence_number),
            "{error:?}"
        );
    }
    let goodbyes = [
        (1, 1053),
        (1, 1317),
        (1, 1927),
        (9, 1927),
        (0, 1062),
        (0, 1053),
    ];
    for (sequence_number, code) in goodbyes {
        let error = answer(&more, sequence_number, code);
        let is_ended = matches!(&error, Error::EndedByServer(error) if error.code() == code);
        assert!(is_ended, "{sequence_number} {code}: {error:?}");
    }
    let error = answer(&ok(), 0, 1040);
    assert!(matches!(&error, Error::EndedByServer(_)), "{error:?}");
}

/// The answer to a command of 16 MB begins with the number 2.
#[test]
fn an_err_in_place_of_the_first_packet_of_a_response_is_not_that_of_the_next() {
    let mut session = logged_in();
    let long = format!("SELECT '{}'", "x".repeat(0x100_0000));
    session.simple_query(&long).unwrap();
    session.ping().unwrap();
    write_all(&mut session);
    let err = ErrPacket::new(1041, *b"HY000", "Out of memory");
    receive(&mut session, &packets(1, &[&err]));
    let error = session.poll().unwrap_err();
    assert!(matches!(&error, Error::EndedByServer(_)), "{error:?}");
}

/// The server cannot know yet what it is to answer.
#[test]
fn a_response_to_a_command_that_is_not_sent_whole_closes_the_session() {
    // Both in one write, of which all but the last byte has gone.
    let in_the_middle = || {
        let mut session = logged_in();
        session.simple_query("SELECT 1").unwrap();
        session.simple_query("SELECT 2").unwrap();
        let bytes = session.unwritten().len();
        session.written(bytes - 1);
        receive(&mut session, &packets(1, &[&ok()]));
        assert!(matches!(session.poll(), Ok(Some(Event::Ok(_)))));
        session
    };
    let mut session = in_the_middle();
    receive(&mut session, &packets(1, &[&ok()]));
    let unexpected = "no response, for the command is still being sent";
    assert!(matches!(
        session.poll(),
        Err(Error::InvalidPacket(InvalidPacket::Unexpected { packet, found: 0 })) if packet == unexpected
    ));
    // The server does not read the rest, or takes it for another command.
    let mut session = in_the_middle();
    receive(
        &mut session,
        &packets(1, &[&ErrPacket::new(1064, *b"42000", "no")]),
    );
    assert!(matches!(session.poll(), Err(Error::EndedByServer(_))));
    assert!(session.close_reason().is_some());
    let mut session = in_the_middle();
    write_all(&mut session);
    receive(&mut session, &packets(1, &[&ok()]));
    assert!(matches!(session.poll(), Ok(Some(Event::Ok(_)))));
    assert!(session.is_idle());
}

/// MariaDB numbers what it says in the middle of a command by the packet that it has read last.
#[test]
fn a_server_that_has_no_memory_for_a_long_command_says_so() {
    for code in [5, 1037, 1041] {
        let mut session = logged_in();
        let long = format!("SELECT '{}'", "x".repeat(3 * 0x100_0000));
        session.simple_query(&long).unwrap();
        session.written(2 * 0x100_0000);
        let err = ErrPacket::new(code, *b"HY000", "Out of memory");
        receive(&mut session, &packets(2, &[&err]));
        let error = session.poll().unwrap_err();
        assert!(matches!(&error, Error::EndedByServer(_)), "{error:?}");
    }
}

#[test]
fn an_err_that_is_refused_says_nothing_of_the_transaction() {
    let mut session = logged_in();
    session
        .begin_transaction(&TransactionOptions::default())
        .unwrap();
    write_all(&mut session);
    let status = ServerStatus::AUTOCOMMIT | ServerStatus::IN_TRANS;
    let open = OkPacket {
        status,
        ..OkPacket::default()
    };
    receive(&mut session, &packets(1, &[&open]));
    while session.poll().unwrap().is_some() {}
    session.simple_query("SELECT 1").unwrap();
    session.simple_query("SELECT 2").unwrap();
    write_all(&mut session);
    let more = OkPacket {
        status: status | ServerStatus::MORE_RESULTS_EXISTS,
        ..OkPacket::default()
    };
    receive(&mut session, &packets(1, &[&more]));
    assert!(session.poll().is_ok());
    let deadlock = ErrPacket::new(1213, *b"40001", "of the second");
    receive(&mut session, &packets(1, &[&deadlock]));
    assert!(matches!(session.poll(), Err(Error::InvalidPacket(_))));
    session.check_transaction().unwrap();
}

#[test]
fn a_progress_report_out_of_sequence_is_refused_with_what_follows_it() {
    let config = Config::builder().on_progress(|_| ()).build().unwrap();
    let mut session = logged_in_by(&config);
    session.simple_query("SELECT 1").unwrap();
    session.simple_query("ALTER TABLE t FORCE").unwrap();
    write_all(&mut session);
    let more = OkPacket {
        status: ServerStatus::MORE_RESULTS_EXISTS,
        ..OkPacket::default()
    };
    let report = ProgressReport {
        stage: 1,
        max_stage: 2,
        progress: 3,
        info: b"x",
    };
    receive(&mut session, &packets(1, &[&more]));
    assert!(matches!(session.poll(), Ok(Some(Event::Ok(_)))));
    receive(&mut session, &packets(1, &[&report, &ok()]));
    let error = session.poll().unwrap_err();
    let expected = InvalidPacket::SequenceNumber {
        expected: 2,
        found: 1,
    };
    assert!(
        matches!(&error, Error::InvalidPacket(found) if *found == expected),
        "{error:?}"
    );
}

#[test]
fn no_command_is_queued_into_the_login() {
    let mut session = Session::new(&Config::builder().build().unwrap(), Channel::Plain, [0; 32]);
    let reason = CloseReason::NotLoggedIn;
    assert!(matches!(session.ping(), Err(Error::Closed { reason: found }) if found == reason));
    assert!(session.unwritten().is_empty());
}

#[test]
fn com_quit_is_queued_only_where_the_server_can_read_it() {
    let mut session = logged_in();
    assert!(session.quit());
    assert_eq!(write_all(&mut session), [1, 0, 0, 0, 1]);
    let mut session = logged_in();
    session.ping().unwrap();
    session.written(1);
    assert!(!session.quit(), "behind half a command");
    let mut session = logged_in();
    session.ping().unwrap();
    write_all(&mut session);
    assert!(!session.quit(), "while a response is due");
}

#[test]
fn what_was_due_is_named_when_the_connection_is_lost() {
    let mut session = logged_in();
    session.simple_query("SELECT 1").unwrap();
    session.written(1);
    assert!(matches!(
        session.lost(),
        Error::ConnectionLost {
            expected: "response"
        }
    ));
    let mut session = logged_in();
    session.simple_query("SELECT 1").unwrap();
    write_all(&mut session);
    receive(&mut session, &result_set(&[])[..6]);
    assert!(session.poll().unwrap().is_none());
    let expected = "column definition packet";
    let error = session.read_timed_out();
    assert!(
        matches!(error, Error::Timeout { phase: TimeoutPhase::Read(found), .. } if found == expected)
    );
    let mut session = Session::new(&Config::builder().build().unwrap(), Channel::Plain, [0; 32]);
    let expected = "Initial handshake packet";
    assert!(
        matches!(session.lost(), Error::ConnectionLost { expected: found } if found == expected)
    );
}

#[test]
fn a_connection_lost_before_a_byte_of_the_command_left_is_closed_to_it() {
    let mut session = logged_in();
    session.simple_query("SELECT 1").unwrap();
    let reason = CloseReason::Lost;
    assert!(matches!(session.lost(), Error::Closed { reason: found } if found == reason));
    // The command before has its response.
    let mut session = logged_in();
    session.ping().unwrap();
    write_all(&mut session);
    receive(&mut session, &packets(1, &[&OkPacket::default()]));
    assert!(session.discard().unwrap());
    session.ping().unwrap();
    let reset = std::io::ErrorKind::ConnectionReset.into();
    let error = session.failed("send", reset);
    assert!(matches!(error, Error::Closed { reason: found } if found == reason));
}

#[test]
fn debug_shows_no_password_no_sql_and_no_value() {
    let mut session = logged_in();
    session.simple_query("SELECT 'xyzzy'").unwrap();
    let queued = format!("{session:?}");
    write_all(&mut session);
    receive(&mut session, &result_set(&["plugh"]));
    session.poll().unwrap();
    let Ok(Some(Event::Row(row))) = session.poll() else {
        panic!("no row")
    };
    let row = format!("{:?}", session.row(row));
    for text in [queued, format!("{session:?}"), row] {
        for secret in ["hunter2", "xyzzy", "plugh", "120, 121", "112, 108"] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }
}
