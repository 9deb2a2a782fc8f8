//! Responses that break the protocol, one by one.

use allocation_counter::measure;
use otaria::{CloseReason, Config, Connection, Error, InvalidPacket, Pipeline};
use otaria_codec::{
    ColumnCount, ColumnDefinition, Encode, ErrPacket, FieldType, OkPacket, PacketEncoder,
    ProgressReport, ServerStatus,
};
use otaria_text::{ComPing, ComQuery};
use protocol_tests::fixture::chain;
use protocol_tests::pipe::{Action, Cut, Pipe, PipeHandle};
use protocol_tests::script::{CAPABILITIES, Reply, Script};

use crate::exchange::{CONNECT_TIMEOUT, IO_TIMEOUT, in_time, paused_clock};

const QUERY: &str = "SELECT a FROM t";

/// A server that answers [`QUERY`] with `reply`, and pings.
fn script(reply: Reply) -> Script {
    Script::new()
        .on(&ComQuery::new(QUERY), reply)
        .on(&ComPing, Reply::ok())
}

async fn connected(reply: Reply) -> (Connection, PipeHandle) {
    let pipe = Pipe::new(script(reply), Cut::Whole);
    let handle = pipe.handle();
    let config = Config::builder()
        .user("u")
        .password("p")
        .connect_timeout(CONNECT_TIMEOUT)
        .io_timeout(IO_TIMEOUT)
        .drain_timeout(IO_TIMEOUT);
    let config = config.build().unwrap();
    let connection = Connection::connect_over(pipe, &config).await.unwrap();
    (connection, handle)
}

/// The text of the first cell of each row, up to the first error.
async fn query(connection: &mut Connection) -> (Vec<String>, Result<(), Error>) {
    let mut cells = Vec::new();
    let result = async {
        let mut rows = connection.simple_query(QUERY).await?;
        while let Some(row) = rows.next().await? {
            cells.push(row.get(0)?);
        }
        rows.finish().await
    };
    let result = in_time(IO_TIMEOUT, result).await;
    (cells, result)
}

/// The error of a query that `reply` answers; the connection is then closed.
async fn fatal(reply: Reply) -> Error {
    let (mut connection, _) = connected(reply).await;
    let error = query(&mut connection).await.1.unwrap_err();
    assert!(connection.close_reason().is_some(), "{}", chain(&error));
    let next = connection.ping().await;
    assert!(matches!(next, Err(Error::Closed { .. })), "{next:?}");
    error
}

fn column() -> ColumnDefinition {
    ColumnDefinition::new("a", FieldType::VarString).with_collation(45)
}

fn bytes(sequence_number: u8, packet: &impl Encode) -> Vec<u8> {
    let mut encoder = PacketEncoder::new();
    encoder.set_sequence_number(sequence_number);
    encoder.packet(packet, CAPABILITIES);
    encoder.take()
}

fn packet(sequence_number: u8, packet: &impl Encode) -> Action {
    Action::Send(bytes(sequence_number, packet))
}

const KILLED: ErrPacket<'_> = ErrPacket::new(1927, *b"70100", "Connection was killed");

#[tokio::test(start_paused = true)]
async fn server_closes_during_header_error_no_spin() {
    let error = fatal(Reply::new().raw(&[1, 0]).close()).await;
    assert!(matches!(error, Error::ConnectionLost { expected } if expected == "response"));
}

#[tokio::test(start_paused = true)]
async fn server_closes_during_payload_error_no_spin() {
    let cut_row = Reply::new().head(&["a"]).raw(&[2, 0, 0, 3, 1]).close();
    let error = fatal(cut_row).await;
    assert!(matches!(error, Error::ConnectionLost { expected } if expected == "result set row"));
}

#[tokio::test(start_paused = true)]
async fn server_resets_during_payload_error_no_spin() {
    let error = fatal(Reply::new().head(&["a"]).raw(&[2, 0, 0, 3, 1]).reset()).await;
    assert!(matches!(error, Error::ConnectionLost { expected } if expected == "result set row"));
}

/// The error of a ping, and that of the one after it.
async fn ping_twice(connection: &mut Connection) -> (Error, Error) {
    let first = in_time(IO_TIMEOUT, connection.ping()).await.unwrap_err();
    let second = in_time(IO_TIMEOUT, connection.ping()).await.unwrap_err();
    (first, second)
}

fn is_closed_by_1927(error: &Error) -> bool {
    let ended = CloseReason::EndedByServer { code: 1927 };
    matches!(error, Error::Closed { reason } if *reason == ended)
}

fn is_closed_by_an_invalid_packet(error: &Error) -> bool {
    let reason = CloseReason::InvalidPacket;
    matches!(error, Error::Closed { reason: told } if *told == reason)
}

#[tokio::test(start_paused = true)]
async fn err_with_seq_id_0_arriving_while_idle_closes_with_the_servers_code() {
    let (mut connection, handle) = connected(Reply::ok()).await;
    handle.act(vec![packet(0, &KILLED)]);
    let (first, second) = ping_twice(&mut connection).await;
    assert!(chain(&first).contains("1927"), "{}", chain(&first));
    assert!(is_closed_by_1927(&second), "{}", chain(&second));
}

#[tokio::test(start_paused = true)]
async fn err_with_seq_id_0_racing_with_a_write_is_the_servers_last_word() {
    let (mut connection, handle) = connected(Reply::ok()).await;
    // The write fails, and the reason lies in the receive buffer of the socket.
    handle.act(vec![packet(0, &KILLED), Action::Close]);
    let (first, second) = ping_twice(&mut connection).await;
    assert!(chain(&first).contains("1927"), "{}", chain(&first));
    assert!(is_closed_by_1927(&second), "{}", chain(&second));
}

#[tokio::test(start_paused = true)]
async fn err_with_seq_id_0_behind_a_response_is_noticed_before_the_next_command() {
    let reply = Reply::ok().raw(&bytes(0, &KILLED));
    let (mut connection, handle) = connected(reply).await;
    query(&mut connection).await.1.unwrap();
    let sent = handle.received().len();
    let (first, _) = ping_twice(&mut connection).await;
    assert!(is_closed_by_1927(&first), "{}", chain(&first));
    assert_eq!(handle.received().len(), sent, "nothing is sent");
}

#[tokio::test(start_paused = true)]
async fn fin_while_idle_is_a_lost_connection() {
    let (mut connection, handle) = connected(Reply::ok()).await;
    handle.act(vec![Action::Close]);
    let (first, second) = ping_twice(&mut connection).await;
    let is_lost = |error: &Error| {
        let reason = CloseReason::Lost;
        matches!(error, Error::Closed { reason: told } if *told == reason)
    };
    assert!(is_lost(&first) && is_lost(&second));
}

#[tokio::test(start_paused = true)]
async fn reset_while_idle_is_a_lost_connection() {
    let (mut connection, handle) = connected(Reply::ok()).await;
    handle.act(vec![Action::Reset]);
    let (first, second) = ping_twice(&mut connection).await;
    assert!(matches!(first, Error::Closed { .. }));
    assert!(matches!(second, Error::Closed { .. }));
}

#[tokio::test(start_paused = true)]
async fn empty_packet_anywhere_in_a_response_is_an_error() {
    let empty = |reply: Reply| reply.payload(Vec::new());
    let count = ColumnCount {
        columns: 1,
        metadata_follows: true,
    };
    for (reply, packet) in [
        (empty(Reply::new()), "response"),
        (
            empty(Reply::new().packet(&count)),
            "column definition packet",
        ),
        (empty(Reply::new().head(&["a"])), "result set row"),
    ] {
        let error = fatal(reply).await;
        let expected = InvalidPacket::Empty { packet };
        assert!(matches!(error, Error::InvalidPacket(found) if found == expected));
    }
}

#[tokio::test(start_paused = true)]
async fn column_count_2_63_is_an_error_and_no_huge_allocation() {
    let error = fatal(Reply::new().payload(vec![0xfe, 0, 0, 0, 0, 0, 0, 0, 0x80])).await;
    assert!(chain(&error).contains("column count packet"));
}

/// What a server sends unasked before it has read the command cannot be told from the answer, but
/// it is one response too many, and no caller after that one gets another's.
#[tokio::test(start_paused = true)]
async fn result_for_a_command_nobody_sent_closes_the_connection_by_the_next_call() {
    let rows = Reply::rows(&["a"], [["unasked"]]);
    for (unasked, told) in [(Reply::ok(), None), (rows, Some("unasked"))] {
        let (mut connection, handle) = connected(Reply::rows(&["a"], [["mine"]])).await;
        handle.act(unasked.actions(1));
        let (cells, first) = query(&mut connection).await;
        first.unwrap();
        assert_eq!(cells, told.as_slice());
        let sent = handle.received().len();
        let (cells, second) = query(&mut connection).await;
        assert!(cells.is_empty(), "{cells:?}");
        let error = second.unwrap_err();
        assert!(is_closed_by_an_invalid_packet(&error), "{}", chain(&error));
        assert_eq!(handle.received().len(), sent, "nothing is sent");
    }
}

#[tokio::test(start_paused = true)]
async fn next_command_is_not_sent_behind_a_second_response() {
    let twice = Reply::ok().packet(&OkPacket::default());
    let (mut connection, handle) = connected(twice).await;
    query(&mut connection).await.1.unwrap();
    let sent = handle.received().len();
    let (first, second) = ping_twice(&mut connection).await;
    assert!(is_closed_by_an_invalid_packet(&first), "{}", chain(&first));
    assert!(
        is_closed_by_an_invalid_packet(&second),
        "{}",
        chain(&second)
    );
    assert_eq!(handle.received().len(), sent, "nothing is sent");
}

#[tokio::test(start_paused = true)]
async fn hostile_server_local_infile_to_select_is_refused_and_nothing_sent() {
    let (mut connection, handle) = connected(Reply::new().payload(b"\xfb/etc/passwd".into())).await;
    let before = handle.received().len();
    let error = query(&mut connection).await.1.unwrap_err();
    let (packet, capability) = ("LOCAL_INFILE Packet", "LOCAL_FILES");
    let refused = InvalidPacket::NotNegotiated { packet, capability };
    assert!(matches!(error, Error::InvalidPacket(found) if found == refused));
    assert!(matches!(connection.ping().await, Err(Error::Closed { .. })));
    let command = 4 + 1 + QUERY.len();
    assert_eq!(handle.received().len(), before + command);
}

#[tokio::test(start_paused = true)]
async fn err_in_the_middle_of_rows_leaves_the_connection_usable() {
    let reply = Reply::new()
        .head(&["a"])
        .payload(b"\x011".to_vec())
        .packet(&ErrPacket::new(1317, *b"70100", "interrupted"));
    let (mut connection, _) = connected(reply).await;
    for _ in 0..2 {
        let (cells, result) = query(&mut connection).await;
        assert_eq!(cells, ["1"]);
        assert!(matches!(result, Err(Error::Server(error)) if error.code() == 1317));
        connection.ping().await.unwrap();
    }
}

fn fails_late() -> Reply {
    Reply::new()
        .result_set(&["a"], [["1"]], ServerStatus::MORE_RESULTS_EXISTS)
        .packet(&ErrPacket::new(1644, *b"45000", "late"))
}

#[tokio::test(start_paused = true)]
async fn err_as_2nd_result_of_a_multi_result_leaves_the_connection_usable() {
    let (mut connection, _) = connected(fails_late()).await;
    let (cells, result) = query(&mut connection).await;
    assert_eq!(cells, ["1"]);
    assert!(matches!(result, Err(Error::Server(error)) if error.code() == 1644));
    connection.ping().await.unwrap();
    assert!(connection.is_idle());
}

#[tokio::test(start_paused = true)]
async fn dropped_multi_result_with_pending_error_leaves_the_connection_usable() {
    let (mut connection, _) = connected(fails_late()).await;
    let mut rows = connection.simple_query(QUERY).await.unwrap();
    assert!(rows.next().await.unwrap().is_some());
    drop(rows);
    connection.ping().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn more_rows_than_were_asked_for_do_not_become_columns() {
    let reply = Reply::new()
        .head(&["a"])
        .packet(&column())
        .packet(&column());
    let (mut connection, _) = connected(reply).await;
    let rows = connection.simple_query(QUERY).await.unwrap();
    assert_eq!(rows.columns().len(), 1);
}

#[test]
fn endless_column_definitions_are_bounded_by_the_count() {
    let clock = paused_clock();
    let count = ColumnCount {
        columns: u16::MAX,
        metadata_follows: true,
    };
    let definitions = |number| {
        (0..number).fold(Reply::new().packet(&count), |reply, _| {
            reply.packet(&column())
        })
    };
    let used = |reply: Reply| {
        let bytes = reply.bytes().len();
        let used = measure(|| clock.block_on(async { drop(fatal(reply).await) }));
        (used.bytes_max, bytes)
    };
    // A count alone costs nothing; what comes is held once, with its names.
    assert!(used(definitions(0)).0 < 256 * 1024);
    let (held, sent) = used(definitions(1000));
    assert!(held < 20 * sent as u64, "{held} bytes for {sent}");
}

#[tokio::test(start_paused = true)]
async fn server_that_never_ends_its_rows_is_waited_for_no_longer_than_the_timeout() {
    let error = fatal(Reply::new().head(&["a"]).payload(b"\x011".to_vec())).await;
    assert_eq!(
        chain(&error),
        "timed out while waiting to receive: result set row"
    );
}

#[tokio::test(start_paused = true)]
async fn payload_above_the_limit_is_an_error_before_it_is_received() {
    let pipe = Pipe::new(script(Reply::new().raw(&[1, 4, 0, 1])), Cut::Whole);
    let builder = Config::builder().user("u").max_payload_bytes(1024);
    let config = builder.io_timeout(IO_TIMEOUT).build().unwrap();
    let mut connection = Connection::connect_over(pipe, &config).await.unwrap();
    let error = query(&mut connection).await.1.unwrap_err();
    let expected = InvalidPacket::PayloadTooLong { limit: 1024 };
    assert!(matches!(error, Error::InvalidPacket(found) if found == expected));
}

fn progress() -> ProgressReport<'static> {
    ProgressReport {
        stage: 1,
        max_stage: 2,
        progress: 0,
        info: b"copy",
    }
}

#[tokio::test(start_paused = true)]
async fn progress_report_that_was_not_negotiated_is_an_error() {
    let reply = Reply::new().packet(&progress());
    let reply = reply.result_set(&["a"], [["1"]], ServerStatus::AUTOCOMMIT);
    let (mut connection, _) = connected(reply).await;
    let error = query(&mut connection).await.1.unwrap_err();
    assert!(
        chain(&error).contains("progress report"),
        "{}",
        chain(&error)
    );
    assert_eq!(connection.close_reason(), Some(CloseReason::InvalidPacket));
}

#[tokio::test(start_paused = true)]
async fn progress_report_between_rows_is_an_error_or_leaves_the_columns() {
    let reply = Reply::new()
        .head(&["a"])
        .payload(b"\x011".to_vec())
        .packet(&progress())
        .payload(b"\x012".to_vec())
        .packet(&OkPacket {
            ends_result_set: true,
            ..OkPacket::default()
        });
    let (mut connection, _) = connected(reply).await;
    let (cells, result) = query(&mut connection).await;
    match result {
        Ok(()) => assert_eq!(cells, ["1", "2"]),
        Err(Error::InvalidPacket(_)) => assert_eq!(cells, ["1"]),
        Err(error) => panic!("{}", chain(&error)),
    }
}

#[tokio::test(start_paused = true)]
async fn row_that_is_cut_is_an_error_and_leaves_the_connection_usable() {
    let end = OkPacket {
        ends_result_set: true,
        ..OkPacket::default()
    };
    let cut = Reply::new().head(&["a"]).payload(b"\x05ab".to_vec());
    let (mut connection, _) = connected(cut.packet(&end)).await;
    let error = query(&mut connection).await.1.unwrap_err();
    assert!(matches!(error, Error::InvalidRow(_)), "{}", chain(&error));
    connection.ping().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn row_with_more_cells_than_columns_cannot_be_read_as_a_whole() {
    let (mut connection, _) = connected(Reply::rows(&["a"], [["1", "2"]])).await;
    let rows = connection.simple_query(QUERY).await.unwrap();
    let error = rows.collect::<(String,)>().await.unwrap_err();
    assert!(matches!(error, Error::InvalidRow(_)), "{}", chain(&error));
    connection.ping().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn ping_that_is_answered_by_rows_is_an_error() {
    let script = Script::new().on(&ComPing, Reply::rows(&["a"], [["1"]]));
    let pipe = Pipe::new(script, Cut::Whole);
    let config = Config::builder().user("u").build().unwrap();
    let mut connection = Connection::connect_over(pipe, &config).await.unwrap();
    let result = connection.ping().await;
    assert!(matches!(result, Err(Error::InvalidPacket(_))), "{result:?}");
}

#[tokio::test(start_paused = true)]
async fn half_a_header_while_idle_does_not_become_part_of_the_next_response() {
    let (mut connection, _) = connected(Reply::ok().raw(&[7])).await;
    query(&mut connection).await.1.unwrap();
    // Its rest is waited for, and the ping is not sent before it has come.
    let (first, _) = ping_twice(&mut connection).await;
    assert!(matches!(first, Error::Closed { .. }), "{}", chain(&first));
    assert_eq!(connection.close_reason(), Some(CloseReason::TimedOut));
}

/// `Error::Server` says that the connection stays usable.
#[tokio::test(start_paused = true)]
async fn err_that_ends_the_session_is_no_error_that_leaves_it_usable() {
    let (mut connection, handle) = connected(Reply::ok()).await;
    handle.act(vec![packet(0, &KILLED)]);
    let error = connection.ping().await.unwrap_err();
    assert!(
        !matches!(error, Error::Server(_)) || connection.close_reason().is_none(),
        "{}",
        chain(&error)
    );
}

/// A status that says falsely that more results follow, or that none do, puts each answer of a pipeline in
/// the place of another's.
#[tokio::test(start_paused = true)]
async fn a_false_status_tells_no_command_of_a_pipeline_what_belongs_to_another() {
    let ok = |number: u64, more: bool| {
        let mut status = ServerStatus::AUTOCOMMIT;
        status.set(ServerStatus::MORE_RESULTS_EXISTS, more);
        OkPacket {
            affected_rows: number,
            status,
            ..OkPacket::default()
        }
    };
    let err = |of: &'static str| ErrPacket::new(1062, *b"23000", of);
    let more = || Reply::new().packet(&ok(1, true));
    let progress = || Reply::new().packet(&progress());
    let done = || Reply::new().packet(&ok(2, false));
    let cases = [
        (more(), done()),
        (more(), Reply::new().packet(&err("answer 2"))),
        (more(), progress().packet(&ok(2, false))),
        (more(), progress().packet(&err("answer 2"))),
        (
            Reply::new().packet(&ok(1, false)).packet(&err("answer 1")),
            done(),
        ),
    ];
    for (number, (first, second)) in cases.into_iter().enumerate() {
        let script = Script::new()
            .on(&ComQuery::new("DO 1"), first)
            .on(&ComQuery::new("DO 2"), second)
            .on(&ComQuery::new("DO 3"), Reply::new().packet(&ok(3, false)));
        let pipe = Pipe::new(script, Cut::Whole);
        let config = Config::builder().user("u").io_timeout(IO_TIMEOUT);
        let config = config.server_prepared_statements(false).on_progress(|_| ());
        let mut connection = Connection::connect_over(pipe, &config.build().unwrap())
            .await
            .unwrap();
        let mut pipeline = Pipeline::new();
        pipeline.push("DO 1", ()).push("DO 2", ()).push("DO 3", ());
        let results = connection.execute_pipeline(&pipeline).await.unwrap();
        for (own, result) in (1..).zip(results) {
            match result {
                Ok(executed) => assert_eq!(executed.affected_rows, own, "case {number}"),
                Err(error) => assert!(
                    !chain(&error).contains("answer"),
                    "case {number}: {error:?}"
                ),
            }
        }
        assert_eq!(
            connection.close_reason(),
            Some(CloseReason::InvalidPacket),
            "case {number}"
        );
    }
}

/// A report out of sequence is no ERR by which the server ends the session.
#[tokio::test(start_paused = true)]
async fn progress_report_out_of_sequence_does_not_make_the_next_err_fatal() {
    let refused = ErrPacket::new(1064, *b"42000", "no");
    let reply = Reply::new().raw(&bytes(9, &progress()));
    let (mut connection, _) = connected(reply.raw(&bytes(10, &refused))).await;
    match query(&mut connection).await.1.unwrap_err() {
        Error::Server(_) => connection.ping().await.unwrap(),
        error => assert!(
            matches!(error, Error::InvalidPacket(_)),
            "{}",
            chain(&error)
        ),
    }
}
