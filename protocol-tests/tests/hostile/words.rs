//! What a server says, in errors that people read: on a terminal, in a log.

use otaria::{Connection, Error, InvalidPacket};
use otaria_auth::AuthSwitchRequest;
use otaria_codec::{ErrPacket, PacketEncoder};
use otaria_text::{ComPing, ComQuery};
use protocol_tests::fixture::chain;
use protocol_tests::pipe::{Action, Cut, Pipe};
use protocol_tests::script::{CAPABILITIES, Reply, Script};

use crate::calls::config;

/// Clears a terminal, sets its title, forges a line of a log, and turns what follows around.
const WORDS: &str = "\x1b[2J\x1b]0;gone\x07\x7f\u{9b}2J\r\n2026-01-01 all is well\u{202e}\0";
const QUERY: &str = "SELECT 1";

async fn connect(script: Script) -> Result<Connection, Error> {
    let pipe = Pipe::new(script, Cut::Whole);
    Connection::connect_over(pipe, &config().build().unwrap()).await
}

fn err() -> ErrPacket<'static> {
    ErrPacket::new(1064, *b"\x1b[2J\n", WORDS)
}

/// The error, with its causes, is one line of text that can be printed.
#[track_caller]
fn assert_printable(error: &Error) {
    for text in [chain(error), format!("{error:?}")] {
        let commands = |character: char| character.is_control() || character == '\u{202e}';
        assert!(!text.contains(commands), "{text:?}");
        assert!(text.len() < 300_000, "{} bytes", text.len());
    }
}

#[tokio::test(start_paused = true)]
async fn words_of_a_server_in_an_error_command_no_terminal() {
    let before_login = ErrPacket {
        sqlstate: None,
        ..err()
    };
    let switch = AuthSwitchRequest {
        auth_plugin: "\x1b[2J\u{202e}\n",
        plugin_data: b"",
    };
    for script in [
        Script::new().greet(Reply::new().packet(&before_login)),
        Script::new().greet(Reply::new().packet(&err())),
        Script::new().login(Reply::new().packet(&err())),
        Script::new().login(Reply::new().packet(&switch)),
    ] {
        assert_printable(&connect(script).await.unwrap_err());
    }
    let refuses = || Script::new().on(&ComQuery::new(QUERY), Reply::new().packet(&err()));
    let mut connection = connect(refuses()).await.unwrap();
    let error = connection.simple_execute(QUERY).await.unwrap_err();
    assert_printable(&error);
    // A program can have them as they are.
    assert!(matches!(error, Error::Server(error) if error.message() == WORDS));
    let connecting = config().init_command(QUERY).build().unwrap();
    let pipe = Pipe::new(refuses(), Cut::Whole);
    let connected = Connection::connect_over(pipe, &connecting).await;
    assert_printable(&connected.unwrap_err());
}

#[tokio::test(start_paused = true)]
async fn last_words_of_a_server_in_an_error_command_no_terminal() {
    let pipe = Pipe::new(Script::new().on(&ComPing, Reply::ok()), Cut::Whole);
    let handle = pipe.handle();
    let config = config().build().unwrap();
    let mut connection = Connection::connect_over(pipe, &config).await.unwrap();
    let killed = ErrPacket {
        code: 1927,
        ..err()
    };
    let mut packets = PacketEncoder::new();
    packets.packet(&killed, CAPABILITIES);
    handle.act(vec![Action::Send(packets.take())]);
    assert_printable(&connection.ping().await.unwrap_err());
}

#[tokio::test(start_paused = true)]
async fn names_of_columns_in_an_error_command_no_terminal() {
    let rows = Reply::rows(&[WORDS], [["no number"]]);
    let mut connection = connect(Script::new().on(&ComQuery::new(QUERY), rows))
        .await
        .unwrap();
    let mut rows = connection.simple_query(QUERY).await.unwrap();
    let row = rows.next().await.unwrap().unwrap();
    let error = row.get::<i64>(0).unwrap_err();
    assert!(matches!(error, Error::FromSql(_)));
    assert_printable(&error);
    assert_printable(&row.get::<i64>("b").unwrap_err());
}

#[tokio::test(start_paused = true)]
async fn words_without_end_in_an_error_are_cut() {
    let words = "x\x1b".repeat(5_000_000);
    let err = ErrPacket::new(1064, *b"42000", &words);
    let script = Script::new().on(&ComQuery::new(QUERY), Reply::new().packet(&err));
    let mut connection = connect(script).await.unwrap();
    let error = connection.simple_execute(QUERY).await.unwrap_err();
    let Error::Server(error) = error else {
        panic!("{error:?}")
    };
    assert_eq!(error.message().len(), 64 * 1024);
    connection.simple_execute(QUERY).await.unwrap_err();

    let plugin = "x".repeat(100_000);
    let switch = AuthSwitchRequest {
        auth_plugin: &plugin,
        plugin_data: b"",
    };
    let script = Script::new().login(Reply::new().packet(&switch));
    let error = connect(script).await.unwrap_err();
    let refused = matches!(
        error,
        Error::InvalidPacket(InvalidPacket::Field { value: 100_000, .. })
    );
    assert!(refused, "{error:?}");
}
