//! How many writes a statement takes. The server answers what each write brings, and the client
//! cannot write again on behalf of an answer in less than a round trip.

use otaria::{Config, Connection};
use otaria_auth::InitialHandshake;
use otaria_codec::{Capabilities, OkPacket, ServerStatus, SessionChange};
use otaria_text::ComQuery;
use protocol_tests::pipe::{Cut, PipeHandle};
use protocol_tests::script::{FakeStatement, FakeStatements, Layers, Reply, Script, greeting};

use crate::{INSERT, NEW, OLD, connected, next_query_is_whole, statements};

/// How many writes `call` takes.
async fn writes(
    connection: &mut Connection,
    handle: &PipeHandle,
    call: impl AsyncFnOnce(&mut Connection),
) -> usize {
    let before = handle.writes();
    call(connection).await;
    handle.writes() - before
}

async fn query_old(connection: &mut Connection) {
    let rows = connection.query(OLD, (1,)).await.unwrap();
    assert_eq!(rows.collect::<(String,)>().await.unwrap().len(), 3);
}

#[tokio::test]
async fn the_first_parametrised_query_on_a_fresh_statement_is_one_round_trip() {
    for layers in [Layers::None, Layers::Compression] {
        let statements = statements();
        let script = statements.serve(Script::new());
        let (mut connection, handle) = layers.connect(script, &layers.config(), Cut::Whole).await;
        assert_eq!(writes(&mut connection, &handle, query_old).await, 1);
        assert_eq!(writes(&mut connection, &handle, query_old).await, 1);
        let insert = async |connection: &mut Connection| {
            connection.execute(INSERT, (1, "x")).await.unwrap();
        };
        assert_eq!(writes(&mut connection, &handle, insert).await, 1);
        assert_eq!(writes(&mut connection, &handle, insert).await, 1);
        assert_eq!(statements.prepares(), 2);
        assert_eq!(statements.executed(), [OLD, OLD, INSERT, INSERT]);
    }
}

#[tokio::test]
async fn a_held_statement_is_prepared_and_executed_in_one_round_trip_each() {
    let statements = statements();
    let (mut connection, handle) = connected(&statements).await;
    let mut held = None;
    let prepare = async |connection: &mut Connection| {
        held = Some(connection.prepare(OLD).await.unwrap());
    };
    assert_eq!(writes(&mut connection, &handle, prepare).await, 1);
    let statement = held.unwrap();
    let execute = async |connection: &mut Connection| {
        connection.execute(&statement, (1,)).await.unwrap();
    };
    assert_eq!(writes(&mut connection, &handle, execute).await, 1);
    let again = async |connection: &mut Connection| {
        connection.prepare(OLD).await.unwrap();
    };
    assert_eq!(writes(&mut connection, &handle, again).await, 0);
    assert_eq!(statements.prepares(), 1);
}

#[tokio::test]
async fn placeholders_in_executable_comments_take_two_round_trips() {
    for sql in [
        "SELECT a /*!50000 , ? */ FROM t",
        "SELECT a /*M!100000 , ?*/ FROM t",
    ] {
        // The server knows which it is: here it reads the comment, there it does not.
        for parameters in [0, 1] {
            let statement = FakeStatement::rows(parameters, &["a"], &[&["1"]]);
            let statements = FakeStatements::new().with(sql, statement);
            let (mut connection, handle) = connected(&statements).await;
            let query = async |connection: &mut Connection| {
                let params = vec![7; usize::from(parameters)];
                connection.execute(sql, params).await.unwrap();
            };
            assert_eq!(writes(&mut connection, &handle, query).await, 2, "{sql}");
            assert_eq!(writes(&mut connection, &handle, query).await, 1, "{sql}");
            assert_eq!(statements.executed(), [sql, sql]);
        }
    }
}

#[tokio::test]
async fn a_count_that_differs_from_the_arguments_executes_nothing() {
    let statements = statements();
    let (mut connection, handle) = connected(&statements).await;
    let query = async |connection: &mut Connection| {
        let error = connection.query(OLD, (1, 2)).await.unwrap_err();
        let text = error.to_string();
        assert!(text.contains("1 placeholders"), "{text}");
        assert!(connection.is_idle());
    };
    // The server's count decides, which takes a prepare.
    assert_eq!(writes(&mut connection, &handle, query).await, 1);
    assert_eq!(writes(&mut connection, &handle, query).await, 0);
    assert!(statements.executed().is_empty());
    assert_eq!((statements.prepares(), statements.open()), (1, 1));
}

pub fn without(capabilities: Capabilities) -> Script {
    let greeting = InitialHandshake {
        capabilities: greeting().capabilities - capabilities - Capabilities::COMPRESS,
        ..greeting()
    };
    Script::new().greet(Reply::new().packet(&greeting))
}

#[tokio::test]
async fn a_server_that_does_not_know_the_statement_prepared_last_takes_two_round_trips() {
    let statements = statements();
    let script = statements.serve(without(Capabilities::MARIADB_CLIENT_STMT_BULK_OPERATIONS));
    let config = Config::builder().build().unwrap();
    let pipe = protocol_tests::pipe::Pipe::new(script, Cut::Whole);
    let handle = pipe.handle();
    let mut connection = Connection::connect_over(pipe, &config).await.unwrap();
    assert_eq!(writes(&mut connection, &handle, query_old).await, 2);
    assert_eq!(writes(&mut connection, &handle, query_old).await, 1);
    next_query_is_whole(&mut connection).await;
}

#[tokio::test]
async fn a_client_that_does_not_speak_utf_8_takes_two_round_trips() {
    let mut state = Vec::new();
    SessionChange::SystemVariable {
        name: b"character_set_client",
        value: b"sjis",
    }
    .encode(&mut otaria_codec::PayloadWriter::new(&mut state));
    let ok = OkPacket {
        status: ServerStatus::AUTOCOMMIT | ServerStatus::SESSION_STATE_CHANGED,
        session_state: &state,
        ..OkPacket::default()
    };
    let statements = statements();
    let set = "SET NAMES sjis";
    let script = statements.serve(Script::new());
    let script = script.on(&ComQuery::new(set), Reply::new().packet(&ok));
    let layers = Layers::None;
    let (mut connection, handle) = layers.connect(script, &layers.config(), Cut::Whole).await;
    connection.simple_execute(set).await.unwrap();
    assert_eq!(writes(&mut connection, &handle, query_old).await, 2);
    assert_eq!(writes(&mut connection, &handle, query_old).await, 1);
}

#[tokio::test]
async fn closes_of_evicted_statements_ride_in_front_of_the_next_command() {
    let statements = statements();
    let script = statements.serve(Script::new());
    let layers = Layers::None;
    let config = layers.config().to_builder().statement_cache_capacity(1);
    let config = config.build().unwrap();
    let (mut connection, handle) = layers.connect(script, &config, Cut::Whole).await;
    for sql in [OLD, NEW, OLD, NEW] {
        let query = async |connection: &mut Connection| {
            connection.execute(sql, (1,)).await.unwrap();
        };
        assert_eq!(writes(&mut connection, &handle, query).await, 1);
        assert!(statements.open() <= 2, "{}", statements.open());
    }
    connection.execute(INSERT, (1, 2)).await.unwrap();
    assert!(statements.open() <= 2);
    assert_eq!(statements.prepares(), 5);
}

#[tokio::test]
async fn three_queued_closes_and_a_query_over_a_compressed_connection_are_one_write() {
    for layers in [Layers::Compression, Layers::CompressionInTls] {
        let statements = statements();
        let script = statements.serve(Script::new());
        let config = layers.config().to_builder().statement_cache_capacity(0);
        let config = config.build().unwrap();
        let (mut connection, handle) = layers.connect(script, &config, Cut::Whole).await;
        let mut held = Vec::new();
        for sql in [OLD, NEW, INSERT] {
            held.push(connection.prepare(sql).await.unwrap());
        }
        assert_eq!(statements.open(), 3);
        drop(held);
        // The fake server checks that each of the four frames begins at 0.
        let query = async |connection: &mut Connection| {
            connection.execute(OLD, (1,)).await.unwrap();
        };
        let writes = writes(&mut connection, &handle, query).await;
        if layers == Layers::Compression {
            assert_eq!(writes, 1);
        }
        assert_eq!(statements.open(), 1);
    }
}
