//! `LOAD DATA LOCAL` against a fake server: what is sent, what never is, and futures dropped at
//! every poll.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use otaria::{CloseReason, Compression, Config, Connection, Error, LocalInfileError};
use otaria_codec::{Capabilities, Decode, OkPacket, ProgressReport, ServerStatus};
use otaria_text::{ComPing, ComQuery};
use protocol_tests::pipe::{Action, Cut, Peer, Pipe, PipeHandle};
use protocol_tests::polls::{at_every_poll, poll_times};
use protocol_tests::script::{Heard, Layers, Reply, Script};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, DuplexStream, ReadBuf};

const LOAD: &str = "LOAD DATA LOCAL INFILE 'items.csv' INTO TABLE item";
const TWICE: &str = "CALL loads_twice()";
const SELECT: &str = "SELECT 'new'";

/// An OK that says how many rows were loaded.
fn loaded(rows: u64) -> Reply {
    Reply::new().packet(&OkPacket {
        affected_rows: rows,
        status: ServerStatus::AUTOCOMMIT,
        ..OkPacket::default()
    })
}

fn script() -> Script {
    let more = OkPacket {
        status: ServerStatus::MORE_RESULTS_EXISTS,
        ..OkPacket::default()
    };
    let second = Reply::new().packet(&more).then_file(b"b", loaded(2));
    Script::new()
        .on(
            &ComQuery::new(LOAD),
            Reply::new().then_file(b"items.csv", loaded(3)),
        )
        .on(&ComQuery::new(TWICE), Reply::new().then_file(b"a", second))
        .on(&ComQuery::new(SELECT), Reply::rows(&["new"], [["new"]]))
}

/// One for all: each new one reads the authorities of the system.
fn config() -> Config {
    static CONFIG: OnceLock<Config> = OnceLock::new();
    let config = CONFIG.get_or_init(|| {
        let compression = Compression::default().with_threshold(0);
        let builder = Config::builder().local_infile(true);
        builder.compression(compression).build().unwrap()
    });
    config.clone()
}

/// A connection that is cut as `cut` says from now on, and what the server hears on it.
async fn connected(cut: Cut, layers: Layers) -> (Connection, PipeHandle, Heard) {
    let script = script();
    let heard = script.heard();
    let pipe = layers.serve(script);
    let handle = pipe.handle();
    let connection = Connection::connect_over(pipe, &config()).await.unwrap();
    handle.set_cut(cut);
    (connection, handle, heard)
}

fn without_compression(script: Script) -> Script {
    let mut greeting = protocol_tests::script::greeting();
    greeting.capabilities -= Capabilities::COMPRESS;
    script.greet(Reply::new().packet(&greeting))
}

async fn next_query_is_whole(connection: &mut Connection) {
    let rows = connection.simple_query(SELECT).await.unwrap();
    let rows: Vec<(String,)> = rows.collect().await.unwrap();
    assert_eq!(rows[0].0, "new");
    assert!(connection.is_idle());
}

/// Gives its pieces one a poll, with `Pending` before each, and then an error or its end.
struct Slow {
    pieces: Vec<&'static [u8]>,
    ready: bool,
    fails: bool,
}

impl Slow {
    fn new(pieces: &[&'static [u8]]) -> Self {
        let mut pieces = pieces.to_vec();
        pieces.reverse();
        Self {
            pieces,
            ready: false,
            fails: false,
        }
    }
}

impl AsyncRead for Slow {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.ready = !self.ready;
        if self.ready {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        match self.pieces.pop() {
            Some(piece) => buffer.put_slice(piece),
            None if self.fails => return Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            None => {}
        }
        Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn the_content_arrives_as_it_was_given() {
    let long: Vec<u8> = (0..300_000_u32).flat_map(u32::to_le_bytes).collect();
    for layers in Layers::ALL {
        let (mut connection, _, heard) = connected(Cut::Whole, layers).await;
        let executed = connection.load_data_local(LOAD, long.as_slice()).await;
        assert_eq!(executed.unwrap().affected_rows, 3);
        assert!(heard.take() == [long.clone()]);
        let slow = Slow::new(&[b"1\n", b"2\n", b"3\n"]);
        connection.load_data_local(LOAD, slow).await.unwrap();
        assert_eq!(heard.take(), [b"1\n2\n3\n"]);
        connection
            .load_data_local(LOAD, tokio::io::empty())
            .await
            .unwrap();
        assert_eq!(heard.take(), [b""]);
        next_query_is_whole(&mut connection).await;
    }
}

#[tokio::test]
async fn pieces_that_are_there_at_once_share_a_packet_and_a_slow_one_is_sent_at_once() {
    let (mut connection, handle, _) = connected(Cut::Whole, Layers::None).await;
    let before = handle.received().len() + 5 + LOAD.len();
    let pieces = b"ab"
        .as_slice()
        .chain(b"cd".as_slice())
        .chain(Slow::new(&[b"e"]));
    connection.load_data_local(LOAD, pieces).await.unwrap();
    let sent = &handle.received()[before..];
    assert_eq!(sent, b"\x04\0\0\x02abcd\x01\0\0\x03e\0\0\0\x04");
}

#[tokio::test]
async fn cancel_at_every_await_point_and_after_every_received_byte_infile() {
    for layers in Layers::ALL {
        for cut in [Cut::Whole, Cut::Every(1), Cut::Every(3)] {
            let polls = at_every_poll(async |polls| {
                let (mut connection, _, heard) = connected(cut.clone(), layers).await;
                let data = Slow::new(&[b"first\n", b"second\n"]);
                let load = poll_times(connection.load_data_local(LOAD, data), polls).await;
                next_query_is_whole(&mut connection).await;
                let heard = heard.take();
                assert!(heard.len() <= 1, "one file at most");
                for file in &heard {
                    assert!(b"first\nsecond\n".starts_with(file), "{file:?}");
                }
                if let Some(result) = load {
                    assert_eq!(result.unwrap().affected_rows, 3);
                    assert_eq!(heard, [b"first\nsecond\n"]);
                    return true;
                }
                false
            })
            .await;
            if matches!(cut, Cut::Every(1)) {
                assert!(polls > 50, "only {polls} polls: the future was not cut");
            }
        }
    }
}

#[tokio::test]
async fn cancel_at_every_await_point_and_after_every_received_byte_of_a_refused_infile() {
    for layers in Layers::ALL {
        for cut in [Cut::Whole, Cut::Every(1)] {
            at_every_poll(async |polls| {
                let (mut connection, _, heard) = connected(cut.clone(), layers).await;
                let query = poll_times(connection.simple_execute(TWICE), polls).await;
                next_query_is_whole(&mut connection).await;
                assert!(heard.take().iter().all(Vec::is_empty));
                let Some(result) = query else { return false };
                let refused = LocalInfileError::NotAttached;
                assert!(matches!(result, Err(Error::LocalInfile(error)) if error == refused));
                true
            })
            .await;
        }
    }
}

#[tokio::test]
async fn data_that_cannot_be_read_ends_the_file_and_is_an_error_that_says_so() {
    let (mut connection, _, heard) = connected(Cut::Every(2), Layers::None).await;
    let mut data = Slow::new(&[b"1\n"]);
    data.fails = true;
    let error = connection.load_data_local(LOAD, data).await.unwrap_err();
    assert_eq!(error.to_string(), "cannot read the data to load");
    assert!(
        matches!(error, Error::LocalIo { source, .. } if source.kind() == io::ErrorKind::TimedOut)
    );
    assert_eq!(heard.take(), [b"1\n"]);
    next_query_is_whole(&mut connection).await;
}

#[tokio::test]
async fn a_statement_that_asks_for_nothing_is_an_error_and_leaves_the_data_unread() {
    let (mut connection, _, _) = connected(Cut::Whole, Layers::None).await;
    let mut data = b"1\n".as_slice();
    let error = connection.load_data_local(SELECT, &mut data).await;
    let expected = LocalInfileError::NotRequested;
    assert!(matches!(error, Err(Error::LocalInfile(error)) if error == expected));
    assert_eq!(data, b"1\n");
    next_query_is_whole(&mut connection).await;
}

#[tokio::test]
async fn a_statement_that_asks_for_two_files_gets_the_first_and_an_error() {
    let (mut connection, _, heard) = connected(Cut::Every(1), Layers::None).await;
    let error = connection.load_data_local(TWICE, b"1\n".as_slice()).await;
    let expected = LocalInfileError::NotAttached;
    assert!(matches!(error, Err(Error::LocalInfile(error)) if error == expected));
    assert_eq!(heard.take(), [b"1\n".as_slice(), b""]);
    next_query_is_whole(&mut connection).await;
}

#[tokio::test]
async fn hostile_server_local_infile_to_select_or_with_other_path_case_gets_an_empty_file() {
    for file_name in [
        "/etc/passwd",
        "/ETC/PASSWD",
        "ITEMS.CSV",
        "items.csv",
        "",
        "\0",
    ] {
        for sql in [SELECT, LOAD] {
            let script = Script::new().on(
                &ComQuery::new(sql),
                Reply::new().then_file(file_name.as_bytes(), loaded(0)),
            );
            let heard = script.heard();
            let pipe = Pipe::new(without_compression(script), Cut::Whole);
            let mut connection = Connection::connect_over(pipe, &config()).await.unwrap();
            let error = connection.simple_query(sql).await.unwrap_err();
            assert!(!file_name.contains("asswd") || !error.to_string().contains(file_name));
            let expected = LocalInfileError::NotAttached;
            assert!(matches!(error, Error::LocalInfile(error) if error == expected));
            assert_eq!(heard.take(), [b""]);
            assert!(connection.is_idle());
        }
    }
}

#[tokio::test]
async fn hostile_server_local_infile_to_a_disabled_client_gets_not_a_byte() {
    let asks = || Reply::new().then_file(b"/etc/passwd", loaded(0));
    let script = Script::new()
        .on(&ComQuery::new(SELECT), asks())
        .on(&ComPing, asks());
    let pipe = Pipe::new(script, Cut::Whole);
    let handle = pipe.handle();
    let config = Config::builder().build().unwrap();
    let mut connection = Connection::connect_over(pipe, &config).await.unwrap();
    let error = connection
        .load_data_local(SELECT, b"secret".as_slice())
        .await;
    let expected = LocalInfileError::NotEnabled;
    assert!(matches!(error, Err(Error::LocalInfile(error)) if error == expected));
    let error = connection.simple_query(SELECT).await.unwrap_err();
    assert!(matches!(error, Error::InvalidPacket(_)), "{error}");
    assert!(handle.received().ends_with(SELECT.as_bytes()));
    assert_eq!(connection.close_reason(), Some(CloseReason::InvalidPacket));
}

#[tokio::test]
async fn hostile_server_local_infile_to_a_ping_the_login_or_an_init_command_gets_not_a_byte() {
    let asks = || Reply::new().then_file(b"/etc/passwd", loaded(0));
    let script = Script::new().on(&ComPing, asks());
    let pipe = Pipe::new(without_compression(script), Cut::Whole);
    let handle = pipe.handle();
    let mut connection = Connection::connect_over(pipe, &config()).await.unwrap();
    let error = connection.ping().await.unwrap_err();
    assert!(matches!(error, Error::InvalidPacket(_)), "{error}");
    assert!(handle.received().ends_with(b"\x01\0\0\0\x0e"));

    let script = without_compression(Script::new()).login(asks());
    let pipe = Pipe::new(script, Cut::Whole);
    let error = Connection::connect_over(pipe, &config()).await.unwrap_err();
    assert!(
        matches!(error, Error::InvalidPacket(_) | Error::Auth(_)),
        "{error}"
    );

    let script = without_compression(Script::new()).on(&ComQuery::new("SET @a = 1"), asks());
    let heard = script.heard();
    let config = config().to_builder().init_command("SET @a = 1");
    let pipe = Pipe::new(script, Cut::Whole);
    let connected = Connection::connect_over(pipe, &config.build().unwrap()).await;
    assert!(matches!(connected, Err(Error::LocalInfile(_))));
    assert_eq!(heard.take(), [b""]);
}

/// What a stream holds: a handshake of TLS, in which both sides may write at once, and less than the
/// content and the error of a test.
const STREAM_BYTES: usize = 8 * 1024;

/// A server at the other end of such a stream: it logs a client in, asks for a file
/// in answer to the first command, reads the first packet of it, and then says `last` without
/// reading any more. Returns its end, which is open.
#[expect(
    clippy::disallowed_methods,
    reason = "the server's future is not dropped"
)]
async fn refuses_in_the_middle(
    mut stream: DuplexStream,
    last: Reply,
    layers: Layers,
) -> DuplexStream {
    let asks = Reply::new().then_start_of_file(b"f", last);
    let script = Script::new().on(&ComQuery::new(LOAD), asks);
    let heard = script.heard();
    let mut peer = layers.peer(script);
    let mut actions = Peer::greet(&mut peer);
    loop {
        for action in actions.drain(..) {
            if let Action::Send(bytes) = action {
                stream.write_all(&bytes).await.unwrap();
            }
        }
        if !heard.take().is_empty() {
            return stream;
        }
        let mut buffer = [0; 50];
        let read = stream.read(&mut buffer).await.unwrap();
        actions = peer.receive(&buffer[..read]);
    }
}

#[tokio::test]
async fn an_error_in_the_middle_of_the_content_is_heard_though_nobody_takes_the_rest() {
    // Longer than what the stream holds.
    let message = "read only ".repeat(3_000);
    for layers in Layers::ALL {
        let last = Reply::err(1290, *b"HY000", &message);
        let (client, server) = tokio::io::duplex(STREAM_BYTES);
        let endless = tokio::io::repeat(b'x');
        let load = async {
            let mut connection = Connection::connect_over(client, &config()).await.unwrap();
            let error = connection.load_data_local(LOAD, endless).await.unwrap_err();
            let Error::EndedByServer(error) = error else {
                panic!("{layers:?}: {error}");
            };
            assert_eq!((error.code(), error.message()), (1290, message.as_str()));
            let reason = CloseReason::EndedByServer { code: 1290 };
            assert_eq!(connection.close_reason(), Some(reason));
        };
        let both = async { tokio::join!(load, refuses_in_the_middle(server, last, layers)) };
        let done = tokio::time::timeout(Duration::from_secs(60), both).await;
        assert!(done.is_ok(), "{layers:?}: the error was not heard");
    }
}

#[tokio::test]
async fn an_error_is_heard_while_the_data_keeps_the_upload_waiting() {
    for layers in Layers::ALL {
        let (client, server) = tokio::io::duplex(STREAM_BYTES);
        let last = Reply::err(1290, *b"HY000", "read only");
        let data = tokio::io::repeat(b'x').take(2_000).chain(Never);
        let load = async {
            let mut connection = Connection::connect_over(client, &config()).await.unwrap();
            let error = connection.load_data_local(LOAD, data).await.unwrap_err();
            assert!(matches!(error, Error::EndedByServer(error) if error.code() == 1290));
        };
        let both = async { tokio::join!(load, refuses_in_the_middle(server, last, layers)) };
        let done = tokio::time::timeout(Duration::from_secs(60), both).await;
        assert!(done.is_ok(), "{layers:?}: the error was not heard");
    }
}

/// Never gives anything.
struct Never;

impl AsyncRead for Never {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        _: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Poll::Pending
    }
}

#[tokio::test]
async fn a_connection_lost_in_the_middle_of_the_content_is_an_error_at_once() {
    let (client, server) = tokio::io::duplex(STREAM_BYTES);
    let data = tokio::io::repeat(b'x').take(2_000).chain(Never);
    let load = async {
        let mut connection = Connection::connect_over(client, &config()).await.unwrap();
        let error = connection.load_data_local(LOAD, data).await.unwrap_err();
        assert!(matches!(error, Error::ConnectionLost { .. }), "{error}");
        assert_eq!(connection.close_reason(), Some(CloseReason::Lost));
    };
    let server = async { drop(refuses_in_the_middle(server, Reply::new(), Layers::None).await) };
    tokio::join!(load, server);
}

#[tokio::test]
async fn close_in_the_middle_of_the_content_closes_without_ending_the_file() {
    let (mut connection, handle, heard) = connected(Cut::Whole, Layers::None).await;
    let data = b"half\n".as_slice().chain(Never);
    let load = connection.load_data_local(LOAD, data);
    assert!(poll_times(load, 1).await.is_none());
    connection.close().await.unwrap();
    assert!(handle.received().ends_with(b"half\n"));
    assert!(handle.client_is_gone() && heard.take().is_empty());
}

#[tokio::test]
async fn progress_reports_reach_the_configured_function_at_every_poll() {
    let report = ProgressReport {
        stage: 2,
        max_stage: 3,
        progress: 33_250,
        info: b"copy to tmp table",
    };
    at_every_poll(async |polls| {
        let reply = Reply::new().packet(&report).packet(&report);
        let reply = reply.result_set(&["new"], [["new"]], ServerStatus::AUTOCOMMIT);
        let pipe = Pipe::new(Script::new().on(&ComQuery::new(SELECT), reply), Cut::Whole);
        let handle = pipe.handle();
        let told = Arc::new(Mutex::new(Vec::new()));
        let tell = Arc::clone(&told);
        let config = Config::builder()
            .on_progress(move |progress| tell.lock().unwrap().push(progress.clone()))
            .build()
            .unwrap();
        let mut connection = Connection::connect_over(pipe, &config).await.unwrap();
        let negotiated = Capabilities::MARIADB_CLIENT_PROGRESS;
        assert!(connection.capabilities().contains(negotiated));
        handle.set_cut(Cut::Every(1));
        let done = poll_times(connection.simple_execute(SELECT), polls).await;
        let before = told.lock().unwrap().len();
        assert!(before == 2 || done.is_none());
        if before == 2 {
            let told = told.lock().unwrap();
            assert_eq!((told[1].stage, told[1].max_stage), (2, 3));
            assert!((told[1].percent() - 33.25).abs() < 1e-9);
        }
        next_query_is_whole(&mut connection).await;
        done.is_some()
    })
    .await;
}

#[test]
fn the_request_of_the_fake_server_is_one() {
    let bytes = Reply::new().then_file(b"f", Reply::ok()).bytes();
    let packet = otaria_codec::LocalInfilePacket::decode(&bytes[4..], Capabilities::empty());
    assert_eq!(packet.unwrap().file_name, b"f");
}
