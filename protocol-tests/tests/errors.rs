//! What an error says of the call: whether its statement may have run, and whether the connection
//! is still one.

use otaria::{CloseReason, Connection, Error, ErrorKind, Pipeline};
use otaria_codec::{Capabilities, ErrPacket, PacketEncoder};
use otaria_text::ComQuery;
use protocol_tests::pipe::{Action, Cut, PipeHandle};
use protocol_tests::polls::poll_times;
use protocol_tests::script::{FakeStatement, FakeStatements, Layers, Reply, Script};

const QUERY: &str = "SELECT 'x'";
const INSERT: &str = "INSERT INTO t VALUES (?)";

async fn connected(layers: Layers) -> (Connection, PipeHandle) {
    let insert = FakeStatement::new(1, &[], Reply::ok());
    let script = FakeStatements::new()
        .with(INSERT, insert)
        .serve(Script::new().on(&ComQuery::new(QUERY), Reply::rows(&["x"], [["x"]])));
    layers.connect(script, &layers.config(), Cut::Whole).await
}

/// What each of the calls that send something fails with, on a connection of its own to a server
/// that does `actions` before.
async fn errors(layers: Layers, actions: &[Action]) -> Vec<(&'static str, Error)> {
    let mut errors = Vec::new();
    for call in [
        "simple_query",
        "execute",
        "ping",
        "prepare",
        "pipeline",
        "batch",
        "reset",
    ] {
        let (mut connection, server) = connected(layers).await;
        server.act(actions.to_vec());
        let received = server.received().len();
        let mut pipeline = Pipeline::new();
        pipeline.push(INSERT, (1,)).push(INSERT, (2,));
        let error = match call {
            "simple_query" => connection.simple_query(QUERY).await.err(),
            "execute" => connection.execute(INSERT, (1,)).await.err(),
            "ping" => connection.ping().await.err(),
            "prepare" => connection.prepare(INSERT).await.err(),
            "pipeline" => match connection.execute_pipeline(&pipeline).await {
                Ok(results) => results.into_iter().find_map(Result::err),
                Err(error) => Some(error),
            },
            "batch" => connection.execute_batch(INSERT, [(1,), (2,)]).await.err(),
            _ => connection.reset().await.err(),
        };
        assert_eq!(
            server.received().len(),
            received,
            "{call} through {layers:?}"
        );
        errors.push((call, error.expect(call)));
    }
    errors
}

#[tokio::test(start_paused = true)]
async fn a_write_that_fails_before_the_first_byte_left_is_safe_to_retry() {
    for layers in Layers::ALL {
        for end in [Action::Close, Action::Reset] {
            for (call, error) in errors(layers, &[end.clone()]).await {
                let context = format!("{call} through {layers:?}: {error:?}");
                assert!(error.is_safe_to_retry(), "{context}");
                assert!(error.is_transient() && error.is_disconnect(), "{context}");
                assert_eq!(error.kind(), ErrorKind::Disconnected, "{context}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_err_that_lies_there_when_the_first_write_fails_says_why_and_is_safe_to_retry() {
    let killed = ErrPacket::new(1927, *b"70100", "Connection was killed");
    let mut packets = PacketEncoder::new();
    packets.packet(&killed, Capabilities::all());
    let actions = [Action::Send(packets.take()), Action::Close];
    for (call, error) in errors(Layers::None, &actions).await {
        let error = match &error {
            Error::Batch(batch) => &batch.source,
            error => error,
        };
        let reason = CloseReason::EndedByServer { code: 1927 };
        let is_closed = matches!(error, Error::Closed { reason: found } if *found == reason);
        assert!(is_closed && error.is_safe_to_retry(), "{call}: {error:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_command_of_which_a_byte_left_is_not_safe_to_retry_and_one_of_which_none_did_is() {
    for layers in Layers::ALL {
        let (mut left, mut unsent) = (0, 0);
        for polls in 0.. {
            let (mut connection, server) = connected(layers).await;
            server.set_cut(Cut::Every(1));
            let before = server.received().len();
            let mut call = Box::pin(connection.simple_execute(QUERY));
            let done = poll_times(call.as_mut(), polls).await;
            if done.is_some() {
                break;
            }
            server.act(vec![Action::Close]);
            let Err(error) = call.await else {
                continue;
            };
            let has_left = server.received().len() > before;
            *(if has_left { &mut left } else { &mut unsent }) += 1;
            assert_eq!(
                error.is_safe_to_retry(),
                !has_left,
                "{polls} through {layers:?}: {error:?}"
            );
            assert!(error.is_transient() && error.is_disconnect(), "{error:?}");
        }
        assert!(
            left > 10 && unsent > 0,
            "{left}, {unsent} through {layers:?}"
        );
    }
}
