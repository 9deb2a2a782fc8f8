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

    /// Of a response to an execute that asks for a cursor.
    fn for_cursor(capabilities: Capabilities) -> Self {
        Self {
            reader: ResponseReader::for_cursor(capabilities),
            capabilities,
        }
    }

    /// Of a response to a fetch.
    fn for_fetch(capabilities: Capabilities) -> Self {
        Self {
            reader: ResponseReader::for_fetch(capabilities),
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

/// The end of rows, or what stands for a cursor, with this status.
fn end(status: u16, capabilities: Capabilities) -> Vec<u8> {
    let status = ServerStatus::from_bits_retain(status);
    if capabilities.contains(Capabilities::DEPRECATE_EOF) {
        encoded(&rows_end(status), capabilities)
    } else {
        let eof = EofPacket {
            status,
            ..EofPacket::default()
        };
        encoded(&eof, capabilities)
    }
}

fn is_cursor(event: &ResponseEvent<'_>) -> bool {
    matches!(event, ResponseEvent::CursorOpened { .. })
}

fn is_end(event: &ResponseEvent<'_>) -> bool {
    matches!(event, ResponseEvent::ResultSetEnd { .. })
}

#[test]
fn a_cursor_is_opened_by_the_packet_behind_the_definitions() {
    for capabilities in [MODERN, CLASSIC] {
        Reading::for_cursor(capabilities)
            .read(&count(1), |_| ())
            .read(&column(), |_| ())
            .payload(&end(0x0062, capabilities), |event| {
                let expected = ResponseEvent::CursorOpened {
                    status: ServerStatus::from_bits_retain(0x0062),
                    warnings: 0,
                    session_state: &[],
                };
                assert_eq!(event, expected);
            })
            .done();
    }
}

#[test]
fn a_cursor_is_opened_where_the_definitions_are_skipped() {
    let count = ColumnCount {
        columns: 2,
        metadata_follows: false,
    };
    for capabilities in [MODERN, CLASSIC] {
        let capabilities = capabilities | Capabilities::MARIADB_CLIENT_CACHE_METADATA;
        Reading::for_cursor(capabilities)
            .read(&count, |_| ())
            .payload(&end(0x0042, capabilities), |event| {
                assert!(is_cursor(&event), "{event:?}");
            })
            .done();
    }
}

#[test]
fn what_a_cursor_s_statement_has_changed_in_the_session_is_told() {
    let state = b"\x01\x06\x05mysql";
    let opened = OkPacket {
        session_state: state,
        warnings: 3,
        ..rows_end(ServerStatus::SESSION_STATE_CHANGED | ServerStatus::CURSOR_EXISTS)
    };
    Reading::for_cursor(MODERN)
        .read(&count(1), |_| ())
        .read(&column(), |_| ())
        .read(&opened, |event| {
            let expected = ResponseEvent::CursorOpened {
                status: opened.status,
                warnings: 3,
                session_state: state,
            };
            assert_eq!(event, expected);
        })
        .done();
}

#[test]
fn a_statement_without_rows_opens_no_cursor() {
    Reading::for_cursor(MODERN)
        .read(&OkPacket::default(), |event| {
            assert!(matches!(event, ResponseEvent::Ok(_)));
        })
        .done();
    let err = ErrPacket::new(1323, *b"42000", "Cursor SELECT must not have INTO");
    Reading::for_cursor(MODERN)
        .read(&err, |event| assert_eq!(event, ResponseEvent::Err(err)))
        .done();
}

#[test]
fn a_statement_that_asks_for_a_cursor_and_gets_none_sends_its_rows() {
    for capabilities in [MODERN, CLASSIC] {
        let (row, end) = (b"\0\0\x01\0\0\0", end(0x0022, capabilities));
        let mut reading = Reading::for_cursor(capabilities);
        reading.head().row(row).row(row);
        reading.payload(&end, |event| assert!(is_end(&event), "{event:?}"));
        reading.done();
        let mut reading = Reading::for_cursor(capabilities);
        reading.head();
        reading.payload(&end, |event| assert!(is_end(&event), "{event:?}"));
        reading.done();
    }
}

#[test]
fn a_cursor_that_a_row_s_function_has_opened_is_not_one_of_the_response() {
    Reading::for_cursor(MODERN)
        .head()
        .row(b"\0\0\x01\0\0\0")
        .payload(&end(0x0062, MODERN), |event| {
            assert!(is_end(&event), "{event:?}");
        })
        .done();
}

/// What MariaDB sends for a CALL whose procedure reads a cursor of its own and then selects a row,
/// and no row.
#[test]
fn results_of_a_procedure_that_reads_a_cursor_are_no_cursor() {
    let end = |capabilities| end(0x006a, capabilities);
    let mut modern = Reading::for_cursor(MODERN);
    modern
        .head()
        .row(b"\0\0\x01\0\0\0")
        .payload(&end(MODERN), |event| assert!(is_end(&event)));
    modern
        .head()
        .payload(&end(MODERN), |event| assert!(is_end(&event)));
    modern.read(&OkPacket::default(), |_| ()).done();

    let metadata_end = |event: ResponseEvent<'_>| {
        assert!(matches!(event, ResponseEvent::MetadataEnd(_)), "{event:?}");
    };
    let mut classic = Reading::for_cursor(CLASSIC);
    classic
        .read(&count(1), |_| ())
        .read(&column(), |_| ())
        .payload(&end(CLASSIC), metadata_end)
        .row(b"\0\0\x01\0\0\0")
        .payload(&end(CLASSIC), |event| assert!(is_end(&event)));
    classic
        .read(&count(1), |_| ())
        .read(&column(), |_| ())
        .payload(&end(CLASSIC), metadata_end)
        .payload(&end(CLASSIC), |event| assert!(is_end(&event)));
    classic.read(&OkPacket::default(), |_| ()).done();
}

#[test]
fn without_deprecate_eof_a_row_in_place_of_a_cursor_is_an_error() {
    let mut reading = Reading::for_cursor(CLASSIC);
    reading.read(&count(1), |_| ()).read(&column(), |_| ());
    assert!(!reading.reader.is_in_rows());
    let packet = "EOF_Packet after column definitions";
    assert_eq!(
        reading.refused(b"\0\0\x01"),
        InvalidPacket::Unexpected { packet, found: 0 }
    );
}

#[test]
fn fetched_rows_have_no_definitions_and_their_end_says_whether_there_are_more() {
    for capabilities in [MODERN, CLASSIC] {
        for status in [0x0042, 0x0082] {
            let mut reading = Reading::for_fetch(capabilities);
            assert!(reading.reader.is_in_rows());
            reading
                .row(b"\0\0\x01\0\0\0")
                .row(b"\0\0\x02\0\0\0")
                .payload(&end(status, capabilities), |event| {
                    let expected = ResponseEvent::ResultSetEnd {
                        status: ServerStatus::from_bits_retain(status),
                        warnings: 0,
                        session_state: &[],
                    };
                    assert_eq!(event, expected);
                })
                .done();
        }
    }
}

#[test]
fn a_fetch_may_bring_no_rows_or_an_error() {
    Reading::for_fetch(MODERN)
        .payload(&end(0x0082, MODERN), |event| assert!(is_end(&event)))
        .done();
    let err = ErrPacket::new(1421, *b"HY000", "The statement (1) has no open cursor.");
    Reading::for_fetch(MODERN)
        .row(b"\0\0\x01\0\0\0")
        .read(&err, |event| assert_eq!(event, ResponseEvent::Err(err)))
        .done();
}

#[test]
fn nothing_follows_fetched_rows_whatever_their_end_says() {
    for capabilities in [MODERN, CLASSIC] {
        Reading::for_fetch(capabilities)
            .payload(&end(0x008a, capabilities), |event| assert!(is_end(&event)))
            .done();
    }
}

#[test]
fn the_end_of_out_parameters_is_told_by_its_status() {
    Reading::new(MODERN)
        .head()
        .row(b"\0\0\x01\0\0\0")
        .payload(b"\xfe\0\0\x0a\x10\0\0", |event| {
            let ResponseEvent::ResultSetEnd { status, .. } = event else {
                panic!("{event:?}");
            };
            assert!(status.contains(ServerStatus::PS_OUT_PARAMS));
        })
        .read(&OkPacket::default(), |_| ())
        .done();
}

#[test]
fn debug_shows_no_values_and_no_session_state() {
    let mut reader = ResponseReader::for_fetch(MODERN);
    assert_eq!(
        format!("{:?}", reader.read(b"\0secret").unwrap()),
        "Row(7 bytes)"
    );
    let end = OkPacket {
        session_state: b"secret",
        ..rows_end(ServerStatus::SESSION_STATE_CHANGED)
    };
    let end = encoded(&end, MODERN);
    let shown = format!("{:?}", reader.read(&end).unwrap());
    assert!(
        shown.starts_with("ResultSetEnd") && shown.contains("SESSION_STATE_CHANGED"),
        "{shown}"
    );
    assert!(!shown.contains("115"), "{shown}");
}

/// What `read` says of the payloads, one after the other.
fn ends_by_read(mut reader: ResponseReader, payloads: &[&[u8]]) -> bool {
    payloads.iter().all(|payload| reader.read(payload).is_ok()) && reader.is_done()
}

#[test]
fn one_row_of_known_columns_is_read_at_once_as_it_is_one_by_one() {
    let capabilities = Capabilities::DEPRECATE_EOF
        | Capabilities::MARIADB_CLIENT_CACHE_METADATA
        | Capabilities::SESSION_TRACK;
    let (head, row, end): (&[u8], &[u8], &[u8]) =
        (&[2, 0], &[0, 0, 1, 1], &[0xfe, 0, 0, 2, 0, 7, 0]);
    let mut reader = ResponseReader::new(capabilities);
    assert!(ends_by_read(reader.clone(), &[head, row, end]));
    let status = reader.read_only_row([head, row, end], 2);
    assert_eq!(status, Some(ServerStatus::AUTOCOMMIT));
    assert!(reader.is_done());
    assert_eq!(reader.read_only_row([head, row, end], 2), None);
}

#[test]
fn what_is_not_one_row_of_known_columns_is_left_to_be_read_one_by_one() {
    let all = Capabilities::DEPRECATE_EOF | Capabilities::MARIADB_CLIENT_CACHE_METADATA;
    let (head, row, end): (&[u8], &[u8], &[u8]) = (&[2, 0], &[0, 0], &[0xfe, 0, 0, 2, 0, 0, 0]);
    let new = ResponseReader::new;
    let others: [(ResponseReader, [&[u8]; 3], usize); 12] = [
        (new(all), [head, row, end], 3),
        (new(all), [&[2, 1], row, end], 2),
        (new(all), [&[2], row, end], 2),
        (new(all), [&[0, 0], row, end], 0),
        (new(all), [&[0xfb, 0], row, end], 0xfb),
        (new(all), [head, end, end], 2),
        (new(all), [head, &[0xff, 1, 4], end], 2),
        (new(all), [head, &[], end], 2),
        (new(all), [head, row, row], 2),
        (new(all), [head, row, &[0xfe, 0, 0, 8, 0, 0, 0]], 2),
        (new(all), [head, row, &[0xfe, 0, 0, 2, 0x40, 0, 0, 0, 0]], 2),
        (ResponseReader::for_cursor(all), [head, row, end], 2),
    ];
    for (mut reader, payloads, columns) in others {
        assert_eq!(
            reader.read_only_row(payloads, columns),
            None,
            "{payloads:?}"
        );
        assert_eq!(reader.expects(), "response", "{payloads:?}");
    }
    for missing in [
        Capabilities::DEPRECATE_EOF,
        Capabilities::MARIADB_CLIENT_CACHE_METADATA,
    ] {
        let mut reader = new(all - missing);
        assert_eq!(reader.read_only_row([head, row, end], 2), None);
    }
}
