//! What an error says of the call: whether its statement may have run, and whether the connection
//! is still one.

use otaria::{CloseReason, Connection, Error, ErrorKind, Pipeline, Role};
use otaria_codec::{Capabilities, ErrPacket, PacketEncoder};
use otaria_text::{ComPing, ComQuery};
use protocol_tests::pipe::{Action, Cut, PipeHandle};
use protocol_tests::polls::poll_times;
use protocol_tests::script::{FakeStatement, FakeStatements, Layers, Reply, Script, greeting};

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
            for (call, error) in errors(layers, std::slice::from_ref(&end)).await {
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

const READ_ONLY: &str =
    "The MariaDB server is running with the --read-only option so it cannot execute this statement";

/// A connection of this role to a server that refuses [`QUERY`] and [`INSERT`] by this error.
async fn refusing(role: Role, code: u16, message: &str) -> Connection {
    let insert = FakeStatement::refused(code, *b"HY000", message);
    let script = FakeStatements::new().with(INSERT, insert).serve(
        Script::new()
            .on(&ComQuery::new(QUERY), Reply::err(code, *b"HY000", message))
            .on(
                &ComQuery::new("SELECT @@read_only"),
                Reply::rows(&["@@read_only"], [["1"]]),
            )
            .on(&ComPing, Reply::ok()),
    );
    let config = Layers::None.config().to_builder().role(role).build();
    let (connection, _) = Layers::None
        .connect(script, &config.unwrap(), Cut::Whole)
        .await;
    connection
}

#[tokio::test]
async fn a_server_that_became_read_only_or_goes_away_retires_the_connection() {
    let cases = [
        (1290, READ_ONLY, true, false),
        (1836, "Running in read-only mode", true, false),
        (1053, "Server shutdown in progress", true, true),
        (
            1047,
            "WSREP has not yet prepared node for application use",
            true,
            true,
        ),
        (
            1792,
            "Cannot execute statement in a READ ONLY transaction",
            false,
            false,
        ),
        (1062, "Duplicate entry", false, false),
    ];
    for (code, message, of_writer, of_reader) in cases {
        for (role, expected) in [(Role::Any, of_writer), (Role::Reader, of_reader)] {
            for prepared in [false, true] {
                let mut connection = refusing(role, code, message).await;
                assert!(!connection.is_retired());
                let error = if prepared {
                    connection.execute(INSERT, (1,)).await.unwrap_err()
                } else {
                    connection.simple_execute(QUERY).await.unwrap_err()
                };
                assert!(!error.is_disconnect(), "{error}");
                assert_eq!(connection.is_retired(), expected, "{role:?} {error}");
                // It is open all the same, and stays as it is.
                connection.ping().await.unwrap();
                assert_eq!(connection.is_retired(), expected, "{role:?} {error}");
            }
        }
    }
}

#[tokio::test]
async fn error_4031_ends_the_session_on_mysql_and_on_mariadb_tells_of_a_trigger_only() {
    for is_mariadb in [true, false] {
        let mut greeting = greeting();
        if !is_mariadb {
            greeting.server_version = b"9.1.0";
            greeting.capabilities |= Capabilities::CLIENT_MYSQL;
        }
        let script = Script::new()
            .greet(Reply::new().packet(&greeting))
            .on(&ComQuery::new(QUERY), Reply::err(4031, *b"HY000", "…"));
        let pipe = protocol_tests::pipe::Pipe::new(script, Cut::Whole);
        let config = Layers::None.config();
        let mut connection = Connection::connect_over(pipe, &config).await.unwrap();
        let version = connection.server_version().unwrap();
        assert_eq!(version.is_mariadb, is_mariadb);
        let error = connection.simple_execute(QUERY).await.unwrap_err();
        assert_eq!(error.is_disconnect(), !is_mariadb, "{error:?}");
        assert_eq!(connection.close_reason().is_some(), !is_mariadb);
    }
}
