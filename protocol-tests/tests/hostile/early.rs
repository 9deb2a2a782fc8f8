//! Servers that answer a command before it has been sent whole.

use std::time::Duration;

use otaria::{CloseReason, Config, Connection, Error, InvalidPacket, Pipeline};
use otaria_codec::LocalInfilePacket;
use protocol_tests::fixture::chain;
use protocol_tests::pipe::{Action, Cut, Peer, Pipe};
use protocol_tests::script::{Reply, Script};

use crate::exchange::{IO_TIMEOUT, in_time};

/// Sends the answer as soon as the first bytes of a command have come.
struct Early {
    script: Script,
    is_logged_in: bool,
    answer: fn() -> Reply,
}

impl Peer for Early {
    fn greet(&mut self) -> Vec<Action> {
        Peer::greet(&mut self.script)
    }

    fn receive(&mut self, bytes: &[u8]) -> Vec<Action> {
        if self.is_logged_in {
            return (self.answer)().actions(1);
        }
        let actions = self.script.receive(bytes);
        self.is_logged_in = !actions.is_empty();
        actions
    }
}

async fn connected(answer: fn() -> Reply) -> Connection {
    let early = Early {
        script: Script::new(),
        is_logged_in: false,
        answer,
    };
    let pipe = Pipe::new(early, Cut::Whole);
    let handle = pipe.handle();
    let config = Config::builder()
        .user("u")
        .server_prepared_statements(false)
        .io_timeout(IO_TIMEOUT);
    let config = config.build().unwrap();
    let connection = Connection::connect_over(pipe, &config).await.unwrap();
    handle.set_cut(Cut::Every(8));
    connection
}

fn is_early(error: &Error) -> bool {
    matches!(
        error,
        Error::InvalidPacket(InvalidPacket::Unexpected { packet, .. })
            if *packet == "no response, for the command is still being sent"
    )
}

#[tokio::test(start_paused = true)]
async fn a_response_before_the_command_has_been_sent_closes_the_connection() {
    let answers: [fn() -> Reply; 3] = [
        Reply::ok,
        || Reply::rows(&["a"], [[Some("1")]]),
        || Reply::new().packet(&LocalInfilePacket { file_name: b"f" }),
    ];
    for answer in answers {
        let mut connection = connected(answer).await;
        let call = connection.simple_execute("UPDATE t SET a = 1 WHERE b = 2");
        let error = in_time(IO_TIMEOUT, call).await.unwrap_err();
        assert!(is_early(&error), "{}", chain(&error));
        assert_eq!(connection.close_reason(), Some(CloseReason::InvalidPacket));
        let next = connection.ping().await;
        assert!(matches!(next, Err(Error::Closed { .. })), "{next:?}");
    }
}

/// The server may have refused it for its length alone; what it takes for the next command is not known.
#[tokio::test(start_paused = true)]
async fn an_error_before_the_command_has_been_sent_is_told_and_closes_the_connection() {
    let mut connection = connected(|| Reply::err(1064, *b"42000", "no")).await;
    let call = connection.simple_execute("UPDATE t SET a = 1 WHERE b = 2");
    let error = in_time(IO_TIMEOUT, call).await.unwrap_err();
    assert!(
        matches!(&error, Error::EndedByServer(error) if error.code() == 1064),
        "{}",
        chain(&error)
    );
    assert!(connection.close_reason().is_some());
}

#[tokio::test(start_paused = true)]
async fn responses_before_their_statements_have_been_sent_end_a_pipeline() {
    let mut connection = connected(Reply::ok).await;
    let mut pipeline = Pipeline::new();
    // What follows a CALL waits for its answer.
    pipeline.push("CALL p('aaaaaaaaaaaaaaaaaaaaaaaaa')", ());
    pipeline.push("CALL q('bbbbbbbbb')", ());
    let hour = Duration::from_secs(3600);
    let ended = tokio::time::timeout(hour, connection.execute_pipeline(&pipeline)).await;
    let results = ended.expect("an end").unwrap();
    let [Err(first), Err(Error::Closed { .. })] = results.as_slice() else {
        panic!("{results:?}");
    };
    assert!(is_early(first), "{}", chain(first));
}
