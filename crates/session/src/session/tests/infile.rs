use otaria_codec::{LocalInfilePacket, ProgressReport};

use super::*;
use crate::LocalInfileError;

const SQL: &str = "LOAD DATA LOCAL INFILE 'f' INTO TABLE t";

fn request() -> LocalInfilePacket<'static> {
    LocalInfilePacket { file_name: b"f" }
}

fn more_results() -> OkPacket<'static> {
    OkPacket {
        status: ServerStatus::MORE_RESULTS_EXISTS,
        ..OkPacket::default()
    }
}

fn willing() -> Session {
    logged_in_by(&Config::builder().local_infile(true).build().unwrap())
}

/// A session whose statement was sent, which came with the content of a file.
fn loading() -> Session {
    let mut session = willing();
    session.load_data_local(SQL).unwrap();
    write_all(&mut session);
    session
}

/// One that the server has asked for the content.
fn asked() -> Session {
    let mut session = loading();
    receive(&mut session, &packets(1, &[&request()]));
    assert!(matches!(session.poll(), Ok(Some(Event::LocalInfile))));
    session
}

#[test]
fn content_goes_on_counting_and_ends_with_an_empty_packet() {
    let mut session = asked();
    assert!(session.is_uploading());
    session.upload(b"1\n");
    assert_eq!(write_all(&mut session), b"\x02\0\0\x021\n");
    session.upload(b"");
    session.upload(b"2\n");
    session.end_upload();
    assert_eq!(write_all(&mut session), b"\x02\0\0\x032\n\0\0\0\x04");
    assert!(!session.is_uploading());
    session.end_upload();
    assert!(session.unwritten().is_empty());
    receive(&mut session, &packets(5, &[&ok()]));
    assert!(matches!(session.poll(), Ok(Some(Event::Ok(_)))));
    assert!(session.is_idle());
}

#[test]
fn content_longer_than_a_packet_is_split_into_packets_that_end_by_themselves() {
    let mut session = asked();
    session.upload(&vec![b'x'; 0xff_ffff]);
    let sent = write_all(&mut session);
    let mut rest = sent.as_slice();
    let (mut number, mut length) = (2, 0);
    while let [a, b, c, found, body @ ..] = rest {
        let body_bytes = usize::from(*a) | usize::from(*b) << 8 | usize::from(*c) << 16;
        assert!((1..0xff_ffff).contains(&body_bytes));
        assert_eq!(*found, number);
        number += 1;
        length += body_bytes;
        rest = &body[body_bytes..];
    }
    assert_eq!((length, number), (0xff_ffff, 18));
}

#[test]
fn a_request_for_a_file_that_no_call_has_given_is_answered_by_an_empty_packet() {
    for sql in ["SELECT 1", "select 1 FROM t", SQL] {
        let mut session = willing();
        session.simple_query(sql).unwrap();
        write_all(&mut session);
        receive(&mut session, &packets(1, &[&request()]));
        assert!(matches!(session.poll(), Ok(None)));
        assert_eq!(write_all(&mut session), b"\0\0\0\x02");
        receive(&mut session, &packets(3, &[&ok()]));
        assert!(matches!(
            session.poll(),
            Ok(Some(Event::LocalInfileRefused))
        ));
        assert!(session.is_idle());
    }
}

#[test]
fn results_behind_a_refused_file_are_for_nobody() {
    let mut session = willing();
    session.simple_query("CALL p()").unwrap();
    write_all(&mut session);
    receive(&mut session, &packets(1, &[&more_results(), &request()]));
    assert!(matches!(session.poll(), Ok(Some(Event::Ok(_)))));
    assert!(matches!(session.poll(), Ok(None)));
    assert_eq!(write_all(&mut session), b"\0\0\0\x03");
    let mut rest = packets(4, &[&more_results()]);
    let mut rows = result_set(&["1", "2"]);
    // The numbers go on.
    let mut at = 0;
    let mut number = 5;
    while at < rows.len() {
        rows[at + 3] = number;
        number += 1;
        at += 4 + usize::from(rows[at]);
    }
    rest.extend(rows);
    for byte in rest.iter().take(rest.len() - 1) {
        receive(&mut session, &[*byte]);
        assert!(matches!(session.poll(), Ok(None)));
        assert!(!session.is_in_rows());
    }
    receive(&mut session, &rest[rest.len() - 1..]);
    assert!(matches!(
        session.poll(),
        Ok(Some(Event::LocalInfileRefused))
    ));
    assert!(session.is_idle());
}

#[test]
fn an_error_behind_a_refused_file_is_still_a_refused_file() {
    let mut session = willing();
    session.simple_query(SQL).unwrap();
    write_all(&mut session);
    receive(&mut session, &packets(1, &[&request()]));
    assert!(matches!(session.poll(), Ok(None)));
    write_all(&mut session);
    let err = ErrPacket::new(1261, *b"01000", "no data");
    receive(&mut session, &packets(3, &[&err]));
    assert!(matches!(
        session.poll(),
        Ok(Some(Event::LocalInfileRefused))
    ));
    assert!(session.is_idle());
}

#[test]
fn the_second_file_of_a_statement_is_refused() {
    let mut session = asked();
    session.upload(b"1\n");
    session.end_upload();
    write_all(&mut session);
    receive(&mut session, &packets(4, &[&more_results(), &request()]));
    assert!(matches!(session.poll(), Ok(Some(Event::Ok(_)))));
    assert!(matches!(session.poll(), Ok(None)));
    assert_eq!(write_all(&mut session), b"\0\0\0\x06");
    receive(&mut session, &packets(7, &[&ok()]));
    assert!(matches!(
        session.poll(),
        Ok(Some(Event::LocalInfileRefused))
    ));
}

#[test]
fn a_file_asked_of_a_client_that_did_not_allow_it_is_a_broken_protocol() {
    let mut session = logged_in();
    session.simple_query("SELECT 1").unwrap();
    write_all(&mut session);
    receive(&mut session, &packets(1, &[&request()]));
    assert!(matches!(
        session.poll(),
        Err(Error::InvalidPacket(InvalidPacket::NotNegotiated { .. }))
    ));
    assert!(session.unwritten().is_empty(), "not a byte is answered");
    assert_eq!(session.close_reason(), Some(CloseReason::InvalidPacket));
}

#[test]
fn a_file_asked_in_answer_to_a_ping_is_a_broken_protocol() {
    let mut session = willing();
    session.ping().unwrap();
    write_all(&mut session);
    receive(&mut session, &packets(1, &[&request()]));
    assert!(matches!(session.poll(), Err(Error::InvalidPacket(_))));
    assert!(session.unwritten().is_empty());
}

#[test]
fn a_file_asked_in_a_pipeline_is_not_given_what_is_queued_behind() {
    let mut session = loading();
    session.simple_query("SELECT 'secret'").unwrap();
    receive(&mut session, &packets(1, &[&request()]));
    assert!(matches!(
        session.poll(),
        Err(Error::InvalidPacket(InvalidPacket::Unexpected {
            found: 0xfb,
            ..
        }))
    ));
}

#[test]
fn a_client_that_did_not_allow_files_sends_no_statement_for_one() {
    let mut session = logged_in();
    assert!(matches!(
        session.load_data_local(SQL),
        Err(Error::LocalInfile(LocalInfileError::NotEnabled))
    ));
    assert!(session.is_idle());
}

#[test]
fn an_ok_in_the_middle_of_the_content_is_a_broken_protocol() {
    for end in [false, true] {
        let mut session = asked();
        session.upload(b"1\n");
        if end {
            session.end_upload();
        }
        receive(&mut session, &packets(2, &[&ok()]));
        assert!(matches!(session.poll(), Err(Error::InvalidPacket(_))));
    }
}

#[test]
fn an_error_in_the_middle_of_the_content_ends_the_session() {
    // The number is that of the packet that the server has read last, or of none of the content.
    for (number, end) in [(2, false), (3, false), (2, true), (3, true)] {
        let mut session = asked();
        session.upload(b"1\n");
        if end {
            session.end_upload();
        }
        write_all(&mut session);
        receive(&mut session, &packets(number, &[&read_only()]));
        ends_by_an_error(&mut session);
    }
}

#[test]
fn an_error_in_the_middle_of_the_content_is_not_that_of_the_next_command() {
    let mut session = asked();
    session.upload(b"1\n");
    session.end_upload();
    session.ping().unwrap();
    write_all(&mut session);
    receive(&mut session, &packets(1, &[&read_only()]));
    assert!(matches!(session.poll(), Err(Error::InvalidPacket(_))));
}

/// No goodbye by its code.
fn read_only() -> ErrPacket<'static> {
    ErrPacket::new(1290, *b"HY000", "read only")
}

fn ends_by_an_error(session: &mut Session) {
    assert!(matches!(
        session.poll(),
        Err(Error::EndedByServer(error)) if error.code() == 1290
    ));
    let reason = CloseReason::EndedByServer { code: 1290 };
    assert_eq!(session.close_reason(), Some(reason));
}

#[cfg(feature = "compression")]
#[test]
fn an_error_in_the_middle_of_compressed_content_ends_the_session() {
    for sent in [false, true] {
        let config = Config::builder().local_infile(true);
        let config = config.compression(crate::Compression::default()).build();
        let mut session = compressed_by(&config.unwrap());
        session.load_data_local(SQL).unwrap();
        write_all(&mut session);
        receive(&mut session, &compressed(1, &packets(1, &[&request()])));
        assert!(matches!(session.poll(), Ok(Some(Event::LocalInfile))));
        session.upload(b"1\n");
        if sent {
            write_all(&mut session);
        } else {
            session.end_upload();
        }
        receive(&mut session, &compressed(2, &packets(2, &[&read_only()])));
        ends_by_an_error(&mut session);
    }
}

#[test]
fn an_error_behind_the_content_leaves_the_session_usable() {
    let mut session = asked();
    session.upload(b"1\n");
    session.end_upload();
    write_all(&mut session);
    let err = ErrPacket::new(1644, *b"45000", "of a trigger");
    receive(&mut session, &packets(4, &[&err]));
    assert!(matches!(session.poll(), Ok(Some(Event::Err(error))) if error.code() == 1644));
    assert!(session.is_idle());
}

#[test]
fn an_abandoned_upload_ends_where_it_is() {
    let mut session = asked();
    session.upload(b"1\n");
    session.written(3);
    session.abandon();
    assert_eq!(write_all(&mut session), b"\x021\n\0\0\0\x03");
    assert!(matches!(session.discard(), Ok(false)));
    receive(&mut session, &packets(4, &[&ok()]));
    assert!(matches!(session.discard(), Ok(true)));
    assert!(session.is_idle());
}

#[test]
fn a_file_that_is_asked_for_when_nobody_waits_any_more_is_refused() {
    let mut session = loading();
    session.abandon();
    receive(&mut session, &packets(1, &[&request()]));
    assert!(matches!(session.discard(), Ok(false)));
    assert_eq!(write_all(&mut session), b"\0\0\0\x02");
    receive(&mut session, &packets(3, &[&ok()]));
    assert!(matches!(session.discard(), Ok(true)));
}

#[test]
fn so_it_is_when_another_response_was_due_before_it() {
    let mut session = willing();
    session.ping().unwrap();
    session.load_data_local(SQL).unwrap();
    write_all(&mut session);
    session.abandon();
    receive(&mut session, &packets(1, &[&ok()]));
    receive(&mut session, &packets(1, &[&request()]));
    assert!(matches!(session.discard(), Ok(false)));
    assert_eq!(write_all(&mut session), b"\0\0\0\x02");
    receive(&mut session, &packets(3, &[&ok()]));
    assert!(matches!(session.discard(), Ok(true)));
}

#[test]
fn progress_is_told_and_only_to_those_who_asked() {
    let report = ProgressReport {
        stage: 1,
        max_stage: 2,
        progress: 50_000,
        info: b"copy to tmp table",
    };
    let told = packets(1, &[&report, &report, &ok()]);
    let config = Config::builder().on_progress(|_| ()).build().unwrap();
    let mut session = logged_in_by(&config);
    session.simple_query("ALTER TABLE t FORCE").unwrap();
    write_all(&mut session);
    receive(&mut session, &told);
    for _ in 0..2 {
        let Ok(Some(Event::Progress(progress))) = session.poll() else {
            panic!("no progress");
        };
        assert_eq!((progress.stage, progress.max_stage), (1, 2));
        assert_eq!(progress.info, "copy to tmp table");
    }
    assert!(matches!(session.poll(), Ok(Some(Event::Ok(_)))));

    let mut session = logged_in();
    session.simple_query("ALTER TABLE t FORCE").unwrap();
    write_all(&mut session);
    receive(&mut session, &told);
    assert!(matches!(session.poll(), Err(Error::InvalidPacket(_))));
}
