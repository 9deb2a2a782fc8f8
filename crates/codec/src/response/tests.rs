use super::*;
use crate::testing::encoded;
use crate::{Encode, FieldType};

const MODERN: Capabilities = Capabilities::DEPRECATE_EOF.union(Capabilities::SESSION_TRACK);
const CLASSIC: Capabilities = Capabilities::PROTOCOL_41;

fn count(columns: u16) -> ColumnCount {
    ColumnCount {
        columns,
        metadata_follows: true,
    }
}

fn column() -> ColumnDefinition {
    ColumnDefinition::new("c", FieldType::Long)
}

fn rows_end(status: ServerStatus) -> OkPacket<'static> {
    OkPacket {
        ends_result_set: true,
        status,
        ..OkPacket::default()
    }
}

/// Reads packets one after the other, and asserts that none is refused.
struct Reading {
    reader: ResponseReader,
    capabilities: Capabilities,
}

impl Reading {
    fn new(capabilities: Capabilities) -> Self {
        Self {
            reader: ResponseReader::new(capabilities),
            capabilities,
        }
    }

    #[track_caller]
    fn read(&mut self, packet: &impl Encode, check: impl FnOnce(ResponseEvent<'_>)) -> &mut Self {
        self.payload(&encoded(packet, self.capabilities), check)
    }

    #[track_caller]
    fn payload(&mut self, payload: &[u8], check: impl FnOnce(ResponseEvent<'_>)) -> &mut Self {
        check(self.reader.read(payload).unwrap());
        self
    }

    #[track_caller]
    fn refused(&mut self, payload: &[u8]) -> InvalidPacket {
        self.reader.read(payload).unwrap_err()
    }

    /// Reads the head of a result set with one column.
    #[track_caller]
    fn head(&mut self) -> &mut Self {
        self.read(&count(1), |event| {
            assert_eq!(event, ResponseEvent::ColumnCount(count(1)));
        });
        self.read(&column(), |event| {
            assert_eq!(event, ResponseEvent::ColumnDefinition(column()));
        });
        if !self.capabilities.contains(Capabilities::DEPRECATE_EOF) {
            self.read(&EofPacket::default(), |event| {
                assert_eq!(event, ResponseEvent::MetadataEnd(EofPacket::default()));
            });
        }
        assert!(self.reader.is_in_rows());
        self
    }

    #[track_caller]
    fn row(&mut self, payload: &[u8]) -> &mut Self {
        self.payload(payload, |event| {
            assert!(event == ResponseEvent::Row(payload));
        })
    }

    #[track_caller]
    fn done(&mut self) {
        assert!(self.reader.is_done());
    }
}

#[test]
fn an_ok_is_a_whole_response() {
    let ok = OkPacket {
        affected_rows: 3,
        ..OkPacket::default()
    };
    Reading::new(MODERN)
        .read(&ok, |event| assert_eq!(event, ResponseEvent::Ok(ok)))
        .done();
}

#[test]
fn a_result_set_is_read_with_and_without_deprecate_eof() {
    Reading::new(MODERN)
        .head()
        .row(b"\x011")
        .read(&rows_end(ServerStatus::empty()), |event| {
            assert!(matches!(event, ResponseEvent::ResultSetEnd { .. }));
        })
        .done();
    Reading::new(CLASSIC)
        .head()
        .row(b"\x011")
        .read(&EofPacket::default(), |event| {
            assert!(matches!(event, ResponseEvent::ResultSetEnd { .. }));
        })
        .done();
}

#[test]
fn text_row_whose_first_column_is_16_mib_and_whose_first_byte_is_0xfe_is_data() {
    let mut row = b"\xfe\x00\x00\x00\x01\x00\x00\x00\x00".to_vec();
    row.resize(0x0100_0000 + 9, b'a');
    Reading::new(MODERN).head().row(&row);
    Reading::new(CLASSIC).head().row(&row);
}

#[test]
fn without_deprecate_eof_9_bytes_that_begin_with_0xfe_are_a_row_and_8_are_none() {
    Reading::new(CLASSIC).head().row(b"\xfe12345678");
    assert!(
        Reading::new(CLASSIC)
            .head()
            .reader
            .read(b"\xfe1234567")
            .is_err()
    );
}

#[test]
fn ok_as_eof_longer_than_8_bytes_ends_the_set() {
    let end = OkPacket {
        session_state: b"\x01\x06\x05mysql",
        ..rows_end(ServerStatus::SESSION_STATE_CHANGED)
    };
    Reading::new(MODERN)
        .head()
        .read(&end, |event| {
            let expected = ResponseEvent::ResultSetEnd {
                status: ServerStatus::SESSION_STATE_CHANGED,
                warnings: 0,
                session_state: b"\x01\x06\x05mysql",
            };
            assert_eq!(event, expected);
        })
        .done();
}

#[test]
fn byte_0xfb_is_null_in_a_row_and_a_local_infile_request_in_front() {
    Reading::new(MODERN).head().row(b"\xfb");
    let capabilities = MODERN | Capabilities::LOCAL_FILES;
    let mut reading = Reading::new(capabilities);
    reading.payload(b"\xfb/etc/passwd", |event| {
        let infile = LocalInfilePacket {
            file_name: b"/etc/passwd",
        };
        assert_eq!(event, ResponseEvent::LocalInfile(infile));
    });
    assert!(
        reading.reader.read(b"\x01").is_err(),
        "only OK or ERR may follow"
    );
    reading.read(&OkPacket::default(), |_| ()).done();
}

#[test]
fn hostile_server_local_infile_to_select_of_a_disabled_client_is_refused() {
    assert_eq!(
        Reading::new(MODERN).refused(b"\xfb/etc/passwd"),
        InvalidPacket::NotNegotiated {
            packet: "LOCAL_INFILE Packet",
            capability: "LOCAL_FILES"
        }
    );
}

#[test]
fn err_in_the_middle_of_rows_ends_the_response() {
    let err = ErrPacket::new(1317, *b"70100", "Query execution was interrupted");
    Reading::new(MODERN)
        .head()
        .row(b"\x011")
        .read(&err, |event| assert_eq!(event, ResponseEvent::Err(err)))
        .done();
}

#[test]
fn err_in_place_of_column_definitions_ends_the_response() {
    let err = ErrPacket::new(1317, *b"70100", "Query execution was interrupted");
    Reading::new(MODERN)
        .read(&count(2), |_| ())
        .read(&err, |_| ())
        .done();
}

#[test]
fn err_as_second_result_of_a_multi_result_ends_the_response() {
    let more = OkPacket {
        status: ServerStatus::MORE_RESULTS_EXISTS,
        ..OkPacket::default()
    };
    let err = ErrPacket::new(1064, *b"42000", "You have an error in your SQL syntax");
    Reading::new(MODERN)
        .read(&more, |_| ())
        .read(&err, |_| ())
        .done();
}

#[test]
fn more_results_exists_after_ok_and_after_rows_continues() {
    let more = OkPacket {
        status: ServerStatus::MORE_RESULTS_EXISTS,
        ..OkPacket::default()
    };
    Reading::new(MODERN)
        .read(&more, |_| ())
        .head()
        .read(&rows_end(ServerStatus::MORE_RESULTS_EXISTS), |_| ())
        .head()
        .row(b"\x012")
        .read(&rows_end(ServerStatus::MORE_RESULTS_EXISTS), |_| ())
        .read(&OkPacket::default(), |_| ())
        .done();
}

#[test]
fn metadata_follows_0_goes_to_the_rows_at_once() {
    let capabilities = MODERN | Capabilities::MARIADB_CLIENT_CACHE_METADATA;
    let count = ColumnCount {
        columns: 2,
        metadata_follows: false,
    };
    Reading::new(capabilities)
        .read(&count, |_| ())
        .row(b"\x00\x00\x01\x02");
}

#[test]
fn without_deprecate_eof_an_eof_follows_definitions_that_were_skipped() {
    let capabilities = CLASSIC | Capabilities::MARIADB_CLIENT_CACHE_METADATA;
    let count = ColumnCount {
        columns: 2,
        metadata_follows: false,
    };
    Reading::new(capabilities)
        .read(&count, |_| ())
        .read(&EofPacket::default(), |_| ())
        .row(b"\x00\x00\x01\x02");
}

#[test]
fn err_code_0xffff_is_a_progress_report() {
    let capabilities = MODERN | Capabilities::MARIADB_CLIENT_PROGRESS;
    let report = ProgressReport {
        stage: 1,
        max_stage: 2,
        progress: 50_000,
        info: b"copy",
    };
    Reading::new(capabilities)
        .read(&report, |event| {
            assert_eq!(event, ResponseEvent::Progress(report));
        })
        .read(&report, |_| ())
        .read(&OkPacket::default(), |_| ())
        .done();
}

#[test]
fn empty_packet_is_an_error_everywhere() {
    let empty = |packet| InvalidPacket::Empty { packet };
    assert_eq!(Reading::new(MODERN).refused(b""), empty("response"));
    let mut reading = Reading::new(MODERN);
    reading.read(&count(1), |_| ());
    assert_eq!(reading.refused(b""), empty("column definition packet"));
    assert_eq!(
        Reading::new(MODERN).head().refused(b""),
        empty("result set row")
    );
}

#[test]
fn a_packet_after_the_end_is_an_error() {
    let mut reading = Reading::new(MODERN);
    reading.read(&OkPacket::default(), |_| ()).done();
    assert_eq!(
        reading.refused(b"\x00\x00\x00\x00\x00\x00\x00"),
        InvalidPacket::Unexpected {
            packet: "response that is complete",
            found: 0
        }
    );
}

#[test]
fn the_eof_after_definitions_must_be_one() {
    let mut reading = Reading::new(CLASSIC);
    reading.read(&count(1), |_| ()).read(&column(), |_| ());
    let packet = "EOF_Packet after column definitions";
    assert_eq!(
        reading.refused(b"\x011"),
        InvalidPacket::Unexpected { packet, found: 1 }
    );
}

#[test]
fn a_progress_report_that_was_not_negotiated_is_an_error() {
    let report = b"\xff\xff\xff\x01\x01\x04\x05\x0d\x00\x04copy";
    let error = InvalidPacket::NotNegotiated {
        packet: "progress report",
        capability: "MARIADB_CLIENT_PROGRESS",
    };
    assert_eq!(Reading::new(MODERN).refused(report), error);
    assert_eq!(Reading::new(MODERN).head().refused(report), error);
}

#[test]
fn a_command_that_is_answered_by_an_ok_is_answered_by_nothing_else() {
    let ok = |payload: &[u8]| {
        let mut reader = ResponseReader::for_ok(MODERN);
        reader.read(payload).map(|_| reader.is_done())
    };
    assert_eq!(ok(b"\x00\x00\x00\x02\x00\x00\x00"), Ok(true));
    assert_eq!(
        ok(b"\x00\x00\x00\x0a\x00\x00\x00"),
        Ok(true),
        "MORE_RESULTS_EXISTS means nothing"
    );
    assert_eq!(ok(b"\xff\x28\x04#42000no"), Ok(true));
    assert_eq!(
        ok(b"\x01"),
        Err(InvalidPacket::Unexpected {
            packet: "OK_Packet",
            found: 1
        })
    );
}
