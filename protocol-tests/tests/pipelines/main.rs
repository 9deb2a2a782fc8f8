//! Several statements in one write, on a fake server that counts what the client writes.

mod cancellation;
mod errors;
mod last_words;
mod long;
mod streams;

use otaria::{Connection, Error, Executed, Pipeline, PipelineResults};
use otaria_codec::ServerStatus;
use otaria_text::ComQuery;
use protocol_tests::pipe::{Cut, PipeHandle};
use protocol_tests::script::{FakeStatement, FakeStatements, Layers, Reply, Script};

const ONE: &str = "SELECT a FROM one WHERE a = ?";
const TWO: &str = "SELECT a FROM two WHERE a = ?";
const BROKEN: &str = "SELECT broken FROM t WHERE a = ?";
const FAILS: &str = "SELECT fails FROM t WHERE a = ?";
const INSERT: &str = "INSERT INTO t VALUES (?, ?)";
const SEVERAL: &str = "CALL several(?)";
const LOCK: &str = "LOCK TABLES t READ";
const UNCERTAIN: &str = "SELECT c /*!50000 , ? */ FROM t";

fn statements() -> FakeStatements {
    let more = ServerStatus::MORE_RESULTS_EXISTS;
    let several = Reply::new()
        .binary_rows([["several 1"], ["several 2"]])
        .rows_end(more)
        .binary_result_set(&["older"], [["older 1"]], more)
        .followed_by(&Reply::ok());
    let fails = Reply::err(1305, *b"42000", "FUNCTION fails does not exist");
    FakeStatements::new()
        .with(
            ONE,
            FakeStatement::rows(1, &["a"], &[&["one 1"], &["one 2"]]),
        )
        .with(TWO, FakeStatement::rows(1, &["a"], &[&["two"]]))
        .with(BROKEN, FakeStatement::refused(1064, *b"42000", "syntax"))
        .with(FAILS, FakeStatement::new(1, &[], fails))
        .with(INSERT, FakeStatement::new(2, &[], Reply::ok()))
        .with(SEVERAL, FakeStatement::new(1, &["s"], several).told_late())
        .with(LOCK, FakeStatement::new(0, &[], Reply::ok()))
        .with(UNCERTAIN, FakeStatement::rows(1, &["c"], &[&["c"]]))
}

async fn connected(statements: &FakeStatements) -> (Connection, PipeHandle) {
    let script = statements.serve(Script::new());
    Layers::None
        .connect(script, &Layers::None.config(), Cut::Whole)
        .await
}

/// What is left: the first column of each first result, or the code of the error in its place.
async fn all(results: &mut PipelineResults<'_, '_>) -> Vec<Result<Vec<String>, u16>> {
    let mut all = Vec::new();
    while let Some(result) = results.next().await {
        all.push(match result {
            Ok(mut rows) => {
                let mut values = Vec::new();
                while let Some(row) = rows.next().await.unwrap() {
                    values.push(row.get(0).unwrap());
                }
                Ok(values)
            }
            Err(Error::Server(error)) => Err(error.code()),
            Err(error) => panic!("{error:?}"),
        });
    }
    assert_eq!(results.remaining(), 0);
    all
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "it stands beside the codes of errors"
)]
fn texts(values: &[&str]) -> Result<Vec<String>, u16> {
    Ok(values.iter().map(|&value| value.to_owned()).collect())
}

async fn next_query_is_whole(connection: &mut Connection) {
    let rows: Vec<(String,)> = connection.query_all(TWO, (1,)).await.unwrap();
    assert_eq!(rows, [("two".to_owned(),)]);
    assert!(connection.is_idle());
}

fn codes(results: Vec<Result<Executed, Error>>) -> Vec<Result<u64, u16>> {
    let code = |result| match result {
        Ok(Executed { affected_rows, .. }) => Ok(affected_rows),
        Err(Error::Server(error)) => Err(error.code()),
        Err(error) => panic!("{error:?}"),
    };
    results.into_iter().map(code).collect()
}

#[tokio::test]
async fn a_pipeline_that_fits_is_one_write_whether_its_statements_are_prepared_or_new() {
    for layers in Layers::ALL {
        let statements = statements();
        let script = statements.serve(Script::new());
        let (mut connection, handle) = layers.connect(script, &layers.config(), Cut::Whole).await;
        let held = connection.prepare(TWO).await.unwrap();
        let mut pipeline = Pipeline::new();
        pipeline.push(ONE, (1,)).push(&held, (2,)).push(ONE, (3,));
        pipeline.push(FAILS, (4,)).push(&held, (5,));
        for round in 0..3 {
            let before = handle.writes();
            let mut results = connection.query_pipeline(&pipeline).await.unwrap();
            assert_eq!(
                handle.writes(),
                before,
                "nothing is sent before it is asked for"
            );
            let one = texts(&["one 1", "one 2"]);
            let (two, fails) = (texts(&["two"]), Err(1305));
            assert_eq!(
                all(&mut results).await,
                [one.clone(), two.clone(), one, fails, two]
            );
            if layers == Layers::None {
                assert_eq!(handle.writes() - before, 1, "round {round}");
            }
            assert!(connection.is_idle());
        }
        assert_eq!((statements.prepares(), statements.open()), (3, 3));
        assert_eq!(statements.executed().len(), 15);
    }
}

#[tokio::test]
async fn an_error_of_one_does_not_stop_the_others_and_a_refused_prepare_is_one_error_each() {
    let statements = statements();
    let (mut connection, _) = connected(&statements).await;
    let mut pipeline = Pipeline::new();
    pipeline
        .push(ONE, (1,))
        .push(BROKEN, (1,))
        .push(BROKEN, (2,));
    pipeline
        .push(TWO, (1,))
        .push(BROKEN, (3,))
        .push(FAILS, (1,))
        .push(ONE, (2,));
    for _ in 0..2 {
        let executed = connection.execute_pipeline(&pipeline).await.unwrap();
        let (ok, broken, fails) = (Ok(0), Err(1064), Err(1305));
        assert_eq!(codes(executed), [ok, broken, broken, ok, broken, fails, ok]);
        next_query_is_whole(&mut connection).await;
    }
    assert_eq!(statements.open(), 3);
}

#[tokio::test]
async fn the_same_new_statement_is_prepared_once_though_others_stand_between() {
    let statements = statements();
    let (mut connection, _) = connected(&statements).await;
    let mut pipeline = Pipeline::new();
    for number in 0..300 {
        pipeline.push(INSERT, (number, "x")).push(ONE, (number,));
        pipeline.push(INSERT, (number, "y"));
    }
    let executed = connection.execute_pipeline(&pipeline).await.unwrap();
    assert_eq!(codes(executed), [Ok(0); 900]);
    assert_eq!((statements.prepares(), statements.open()), (2, 2));
    let expected: Vec<&str> = (0..300).flat_map(|_| [INSERT, ONE, INSERT]).collect();
    assert_eq!(statements.executed(), expected);
}

#[tokio::test]
async fn what_follows_a_statement_that_may_change_the_session_is_sent_behind_its_result() {
    let statements = statements();
    let (mut connection, handle) = connected(&statements).await;
    for sql in [ONE, TWO, LOCK] {
        connection.prepare(sql).await.unwrap();
    }
    let mut pipeline = Pipeline::new();
    pipeline
        .push(ONE, (1,))
        .push(LOCK, ())
        .push(ONE, (2,))
        .push(TWO, (3,));
    let before = handle.writes();
    let mut results = connection.query_pipeline(&pipeline).await.unwrap();
    let one = texts(&["one 1", "one 2"]);
    assert_eq!(
        all(&mut results).await,
        [one.clone(), texts(&[]), one, texts(&["two"])]
    );
    assert_eq!(handle.writes() - before, 2);
}

#[tokio::test]
async fn several_results_in_the_middle_belong_to_their_statement() {
    let statements = statements();
    let (mut connection, _) = connected(&statements).await;
    let mut pipeline = Pipeline::new();
    pipeline
        .push(ONE, (1,))
        .push(SEVERAL, (1,))
        .push(SEVERAL, (2,))
        .push(TWO, (3,));
    let mut results = connection.query_pipeline(&pipeline).await.unwrap();
    // Its rows are left unread.
    drop(results.next().await.unwrap().unwrap());
    let mut rows = results.next().await.unwrap().unwrap();
    let mut values: Vec<String> = Vec::new();
    loop {
        while let Some(row) = rows.next().await.unwrap() {
            values.push(row.get(0).unwrap());
        }
        if !rows.next_result_set().await.unwrap() {
            break;
        }
    }
    rows.finish().await.unwrap();
    assert_eq!(values, ["several 1", "several 2", "older 1"]);
    let expected = [texts(&["several 1", "several 2"]), texts(&["two"])];
    assert_eq!(all(&mut results).await, expected);
    next_query_is_whole(&mut connection).await;
}

#[tokio::test]
async fn a_statement_whose_placeholders_are_not_certain_is_prepared_before_it_is_executed() {
    let statements = statements();
    let (mut connection, handle) = connected(&statements).await;
    let mut pipeline = Pipeline::new();
    pipeline
        .push(ONE, (1,))
        .push(UNCERTAIN, (2,))
        .push(UNCERTAIN, (3,))
        .push(TWO, (4,));
    // The first time, what follows one that may write something is prepared by itself, too.
    for writes in [6, 3] {
        let before = handle.writes();
        let mut results = connection.query_pipeline(&pipeline).await.unwrap();
        let (c, two) = (texts(&["c"]), texts(&["two"]));
        let one = texts(&["one 1", "one 2"]);
        assert_eq!(all(&mut results).await, [one, c.clone(), c, two]);
        assert_eq!(handle.writes() - before, writes);
    }
    assert_eq!(statements.executed().len(), 8);
    assert_eq!((statements.prepares(), statements.open()), (3, 3));
}

#[tokio::test]
async fn the_count_of_statements_on_the_server_stays_bounded_while_a_pipeline_goes_on() {
    for capacity in [0, 1, 128] {
        let statements = statements();
        let all: Vec<String> = (0..1000)
            .map(|n| format!("SELECT a FROM t{n} WHERE a = ?"))
            .collect();
        for sql in &all {
            statements.set(sql, FakeStatement::rows(1, &["a"], &[&["x"]]));
        }
        let script = statements
            .serve(Script::new())
            .on(&otaria_text::ComPing, Reply::ok());
        let config = Layers::None.config().to_builder();
        let config = config.statement_cache_capacity(capacity).build().unwrap();
        let (mut connection, _) = Layers::None.connect(script, &config, Cut::Whole).await;
        let mut pipeline = Pipeline::new();
        for sql in &all {
            pipeline.push(sql, (1,));
        }
        let mut most = 0;
        let mut results = connection.query_pipeline(&pipeline).await.unwrap();
        let mut count = 0;
        while let Some(result) = results.next().await {
            result.unwrap();
            count += 1;
            most = most.max(statements.open());
        }
        assert_eq!(count, 1000);
        // Those that are kept, those whose close is due, and those whose prepare is.
        assert!(most <= capacity + 64 + 256, "{most}");
        connection.ping().await.unwrap();
        assert_eq!(statements.open(), capacity);
        assert_eq!(statements.executed(), all);
    }
}

#[tokio::test]
async fn statements_that_are_no_longer_held_are_closed_in_front_of_the_first_command_only() {
    let (statements, log) = (
        statements(),
        std::sync::Arc::new(std::sync::Mutex::new(Vec::new())),
    );
    let seen = std::sync::Arc::clone(&log);
    let script = Script::new().answer(move |payload| {
        seen.lock().unwrap().push(payload[0]);
        None
    });
    let config = Layers::None
        .config()
        .to_builder()
        .statement_cache_capacity(0);
    let script = statements.serve(script);
    let (mut connection, _) = Layers::None
        .connect(script, &config.build().unwrap(), Cut::Whole)
        .await;
    let held = connection.prepare(TWO).await.unwrap();
    drop(connection.prepare(ONE).await.unwrap());
    log.lock().unwrap().clear();
    let mut pipeline = Pipeline::new();
    pipeline
        .push(&held, (1,))
        .push(ONE, (2,))
        .push(&held, (3,))
        .push(FAILS, (3,));
    connection.execute_pipeline(&pipeline).await.unwrap();
    let log = log.lock().unwrap().clone();
    assert_eq!(log, [0x19, 0x17, 0x16, 0x17, 0x17, 0x16, 0x17]);
}

#[tokio::test]
async fn statements_without_prepared_ones_are_sent_as_text_in_one_write() {
    let script = Script::new()
        .on(&ComQuery::new("SELECT  1 "), Reply::rows(&["a"], [["1"]]))
        .on(
            &ComQuery::new("SELECT  ('x''y') "),
            Reply::rows(&["a"], [["xy"]]),
        )
        .on(&ComQuery::new("SET NAMES latin1"), Reply::ok());
    let config = Layers::None
        .config()
        .to_builder()
        .server_prepared_statements(false);
    let (mut connection, handle) = Layers::None
        .connect(script, &config.build().unwrap(), Cut::Whole)
        .await;
    let mut pipeline = Pipeline::new();
    pipeline.push("SELECT ?", (1,)).push("SELECT ?", ("x'y",));
    pipeline.push("SET NAMES latin1", ()).push("SELECT ?", (1,));
    let before = handle.writes();
    let mut results = connection.query_pipeline(&pipeline).await.unwrap();
    let (one, xy) = (texts(&["1"]), texts(&["xy"]));
    assert_eq!(all(&mut results).await, [one.clone(), xy, texts(&[]), one]);
    assert_eq!(handle.writes() - before, 2);
}

#[tokio::test]
async fn a_statement_that_cannot_be_prepared_goes_as_text_where_nothing_was_sent_behind_it() {
    let statements = statements();
    let unprepared = FakeStatement::refused(1295, *b"HY000", "not in the prepared protocol");
    for sql in ["LOCK TABLES t READ", FAILS] {
        statements.set(sql, unprepared.clone());
    }
    let script = statements.serve(Script::new());
    let script = script.on(&ComQuery::new("LOCK TABLES t READ"), Reply::ok());
    let (mut connection, _) = Layers::None
        .connect(script, &Layers::None.config(), Cut::Whole)
        .await;
    let mut pipeline = Pipeline::new();
    pipeline
        .push(ONE, (1,))
        .push("LOCK TABLES t READ", ())
        .push(ONE, (1,));
    pipeline.push(FAILS, (1,)).push(ONE, (1,));
    let executed = connection.execute_pipeline(&pipeline).await.unwrap();
    // Behind the last refused one another has run already.
    assert_eq!(codes(executed), [Ok(0), Ok(0), Ok(0), Err(1295), Ok(0)]);
    next_query_is_whole(&mut connection).await;
}

#[tokio::test]
async fn an_empty_pipeline_has_no_results_and_sends_nothing() {
    let (mut connection, handle) = connected(&statements()).await;
    let (before, pipeline) = (handle.writes(), Pipeline::new());
    assert!(pipeline.is_empty());
    assert!(
        connection
            .query_pipeline(&pipeline)
            .await
            .unwrap()
            .next()
            .await
            .is_none()
    );
    assert!(
        connection
            .execute_pipeline(&pipeline)
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(handle.writes(), before);
}

#[test]
fn debug_shows_no_sql_and_no_values() {
    let mut pipeline = Pipeline::new();
    pipeline.push("SELECT 'secret', ?", ("hidden",));
    assert_eq!(format!("{pipeline:?}"), "Pipeline(1 statements)");
}
