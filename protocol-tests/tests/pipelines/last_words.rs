//! A server that closes the connection while something is being sent, and has said why.

use otaria::{Config, Connection, Error, Executed, Pipeline};
use otaria_text::ComQuery;
use protocol_tests::fixture::chain;
use protocol_tests::pipe::{Cut, Pipe};
use protocol_tests::script::{Layers, Reply, Script};

/// What became of `DO 1`, `DO 2` and `DO 3` in a pipeline, of which so many bytes are written at a time.
async fn in_pieces(script: Script, bytes: usize) -> Vec<Result<Executed, Error>> {
    let pipe = Pipe::new(script, Cut::Whole);
    let handle = pipe.handle();
    let config = Config::builder()
        .user("u")
        .server_prepared_statements(false)
        .build()
        .unwrap();
    let mut connection = Connection::connect_over(pipe, &config).await.unwrap();
    handle.set_cut(Cut::Every(bytes));
    let mut pipeline = Pipeline::new();
    pipeline.push("DO 1", ()).push("DO 2", ()).push("DO 3", ());
    connection.execute_pipeline(&pipeline).await.unwrap()
}

fn told(result: &Result<Executed, Error>) -> String {
    result.as_ref().err().map(chain).unwrap_or_default()
}

/// As MariaDB does where `init_connect` fails: the first command is answered by that.
#[tokio::test(start_paused = true)]
async fn a_server_that_refuses_the_first_of_several_commands_and_closes_is_heard() {
    for bytes in 1..60 {
        let aborted = Reply::err(1184, *b"08S01", "init_connect failed").close();
        let script = Script::new()
            .on(&ComQuery::new("DO 1"), aborted)
            .on(&ComQuery::new("DO 2"), Reply::ok())
            .on(&ComQuery::new("DO 3"), Reply::ok());
        let results = in_pieces(script, bytes).await;
        assert_eq!(results.len(), 3, "{bytes}: {results:?}");
        assert!(
            told(&results[0]).contains("init_connect"),
            "{bytes}: {results:?}"
        );
        for result in &results[1..] {
            let told = told(result);
            assert!(
                !told.is_empty() && !told.contains("1184"),
                "{bytes}: {told}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_that_came_before_a_write_failed_is_told_to_no_other_command() {
    for bytes in 1..60 {
        let refused = Reply::err(1062, *b"23000", "answer 2").close();
        let script = Script::new()
            .on(&ComQuery::new("DO 1"), Reply::ok())
            .on(&ComQuery::new("DO 2"), refused)
            .on(&ComQuery::new("DO 3"), Reply::ok());
        let results = in_pieces(script, bytes).await;
        let told: Vec<_> = results.iter().map(told).collect();
        let is_told: Vec<_> = told.iter().map(|told| told.contains("answer")).collect();
        assert_eq!(is_told, [false, true, false], "{bytes}: {told:?}");
        assert!(
            results[0].is_ok() && results[2].is_err(),
            "{bytes}: {told:?}"
        );
    }
}

/// The first has run, whatever becomes of the connection.
#[tokio::test(start_paused = true)]
async fn a_statement_that_has_run_is_not_told_why_the_server_refuses_the_next() {
    for bytes in 1..60 {
        let too_long = Reply::err(1153, *b"08S01", "too long").close();
        let script = Script::new()
            .on(&ComQuery::new("DO 1"), Reply::ok())
            .on(&ComQuery::new("DO 2"), too_long)
            .on(&ComQuery::new("DO 3"), Reply::ok());
        let results = in_pieces(script, bytes).await;
        assert_eq!(results.len(), 3, "{bytes}: {results:?}");
        assert!(results[0].is_ok(), "{bytes}: {results:?}");
        assert!(
            told(&results[1]).contains("too long"),
            "{bytes}: {results:?}"
        );
        let of_third = told(&results[2]);
        assert!(!of_third.contains("too long"), "{bytes}: {results:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_execution_is_told_why_its_prepare_was_refused_by_a_server_that_closes() {
    for bytes in [1, 5, 20, 1_000] {
        let script = Script::new().answer(|command| {
            let is_prepare = command.first() == Some(&0x16);
            let aborted = || Reply::err(1184, *b"08S01", "init_connect").close();
            is_prepare.then(aborted).or(Some(Reply::new()))
        });
        let layers = Layers::None;
        let cut = Cut::Every(bytes);
        let (mut connection, _) = layers.connect(script, &layers.config(), cut).await;
        let error = connection.execute("DO ?", (1,)).await.unwrap_err();
        assert!(chain(&error).contains("1184"), "{bytes}: {error:?}");
        assert!(connection.close_reason().is_some(), "{bytes}");
    }
}

/// All of the command has been given to the stream.
#[tokio::test(start_paused = true)]
async fn a_server_that_has_gone_with_a_word_is_heard_where_the_flush_fails() {
    let layers = Layers::None;
    let cut = Cut::UntilFlush;
    let (mut connection, handle) = layers.connect(Script::new(), &layers.config(), cut).await;
    let goodbye = Reply::err(1053, *b"08S01", "Server shutdown in progress");
    handle.act(goodbye.close().actions(1));
    let error = connection.ping().await.unwrap_err();
    assert!(chain(&error).contains("1053"), "{error:?}");
}
