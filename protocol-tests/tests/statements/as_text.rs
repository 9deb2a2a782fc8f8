//! Statements whose parameters are written into the SQL: where the server cannot prepare them, and
//! where nothing is to be prepared.

use otaria::{Config, Connection, Error, InList, Params, PlaceError, params};
use otaria_codec::Capabilities;
use otaria_text::ComQuery;
use protocol_tests::pipe::{Cut, PipeHandle};
use protocol_tests::polls::{at_every_poll, poll_times};
use protocol_tests::script::{FakeStatement, FakeStatements, Layers, Reply, Script};

use crate::round_trips::without;
use crate::{INSERT, NEW, OLD, connected, next_query_is_whole, statements};

/// What the server does not prepare, and what comes in its place.
const UNSUPPORTED: &str = "EXECUTE s USING ?";
const AS_TEXT: &str = "EXECUTE s USING  ('it''s') ";
const VALUE: &str = "it's";

fn answers(script: Script) -> Script {
    let rows = Reply::rows(&["old"], [["old 1"], ["old 2"]]);
    script.on(&ComQuery::new(AS_TEXT), rows)
}

fn unsupporting() -> FakeStatements {
    let refused = FakeStatement::refused(1295, *b"HY000", "not supported");
    statements().with(UNSUPPORTED, refused)
}

/// Servers of which a new statement takes one round trip, and two.
fn servers() -> [Script; 2] {
    let last_prepared = Capabilities::MARIADB_CLIENT_STMT_BULK_OPERATIONS;
    [Script::new(), without(last_prepared)].map(answers)
}

async fn connection_to(statements: &FakeStatements, script: Script, cut: Cut) -> Connection {
    let layers = Layers::None;
    let script = statements.serve(script);
    layers.connect(script, &layers.config(), cut).await.0
}

async fn run(connection: &mut Connection) -> Result<(), Error> {
    let rows: Vec<(String,)> = connection.query_all(UNSUPPORTED, (VALUE,)).await?;
    assert_eq!(rows, [("old 1".to_owned(),), ("old 2".to_owned(),)]);
    Ok(())
}

#[tokio::test]
async fn statement_not_preparable_text_fallback_in_one_and_two_round_trips() {
    for script in servers() {
        let statements = unsupporting();
        let mut connection = connection_to(&statements, script, Cut::Whole).await;
        for _ in 0..2 {
            run(&mut connection).await.unwrap();
            assert!(connection.is_idle());
            next_query_is_whole(&mut connection).await;
        }
        assert_eq!(statements.executed(), [NEW, NEW]);
        assert_eq!(statements.open(), 1);
    }
}

#[tokio::test]
async fn statement_not_preparable_text_fallback_dropped_at_every_poll_leaves_the_next_query_whole()
{
    for which in 0..2 {
        for cut in [Cut::Whole, Cut::Every(1)] {
            at_every_poll(async |polls| {
                let statements = unsupporting();
                let [one, two] = servers();
                let script = if which == 0 { one } else { two };
                let mut connection = connection_to(&statements, script, cut.clone()).await;
                let done = poll_times(run(&mut connection), polls).await;
                let done = done.is_some_and(|result| {
                    result.expect("it succeeds when it is not dropped");
                    true
                });
                next_query_is_whole(&mut connection).await;
                assert_eq!(statements.executed(), [NEW]);
                assert_eq!(statements.open(), 1);
                done
            })
            .await;
        }
    }
}

#[tokio::test]
async fn what_cannot_be_prepared_and_is_not_clear_is_an_error_and_not_sent() {
    let statements = unsupporting();
    let sql = r"EXECUTE s USING 'it\'s', ?";
    let refused = FakeStatement::refused(1295, *b"HY000", "not supported");
    statements.set(sql, refused);
    let (mut connection, _) = connected(&statements).await;
    let error = connection.query(sql, (1,)).await.unwrap_err();
    assert!(
        matches!(&error, Error::Place(PlaceError::Placeholders(_))),
        "{error}"
    );
    assert!(
        error.to_string().contains("write `''` for a quote"),
        "{error}"
    );
    assert!(connection.is_idle());
    next_query_is_whole(&mut connection).await;
}

#[derive(Params)]
#[otaria(crate = "otaria")]
struct Filter<'a> {
    least: i32,
    names: InList<'a, &'a str>,
}

#[tokio::test]
async fn fields_of_a_struct_go_into_the_places_of_their_names() {
    let placed = "SELECT b FROM t WHERE b IN (?, ?) AND a >= ? OR b = ':least'";
    let rows = FakeStatement::rows(3, &["new"], &[&["new"]]);
    let statements = statements().with(placed, rows);
    let (mut connection, _) = connected(&statements).await;
    let sql = "SELECT b FROM t WHERE b IN (:names) AND a >= :least OR b = ':least'";
    for _ in 0..2 {
        let filter = Filter {
            least: 1,
            names: InList(&["a", "b"]),
        };
        let found: (String,) = connection.query_one(sql, filter).await.unwrap();
        assert_eq!(found.0, "new");
    }
    assert_eq!(statements.executed(), [placed, placed]);
    assert_eq!(statements.prepares(), 1);
    let error = connection
        .query(sql, params! { least: 1 })
        .await
        .unwrap_err();
    assert!(
        matches!(&error, Error::Place(PlaceError::Named(_))),
        "{error}"
    );
    assert!(connection.is_idle());
    assert_eq!(statements.executed().len(), 2);
}

/// A connection that prepares nothing by itself.
async fn unprepared(statements: &FakeStatements, script: Script) -> (Connection, PipeHandle) {
    let layers = Layers::None;
    let config: Config = layers
        .config()
        .to_builder()
        .server_prepared_statements(false)
        .build()
        .unwrap();
    layers
        .connect(statements.serve(script), &config, Cut::Whole)
        .await
}

#[tokio::test]
async fn without_server_prepared_statements_all_but_prepare_goes_as_text() {
    let select = "SELECT a FROM t WHERE a >  ('\u{e9}') ";
    let insert = "INSERT INTO t VALUES ( 1 ,  (CONCAT('a',_ascii x'5c',''' OR 1')) )";
    let named = "SELECT a FROM t WHERE a IN ( 1 ,  (-2) ) AND b =  1 ";
    let one = || Reply::rows(&["old"], [["one"]]);
    let script = Script::new()
        .on(&ComQuery::new(select), one())
        .on(&ComQuery::new(insert), Reply::ok())
        .on(&ComQuery::new(named), one());
    let statements = statements();
    let (mut connection, handle) = unprepared(&statements, script).await;
    let rows = connection.query(OLD, ("\u{e9}",)).await.unwrap();
    assert_eq!(rows.collect::<(String,)>().await.unwrap().len(), 1);
    let found: (String,) = connection.query_one(OLD, ("\u{e9}",)).await.unwrap();
    assert_eq!(found.0, "one");
    connection.execute(INSERT, (1, "a\\' OR 1")).await.unwrap();
    let sql = "SELECT a FROM t WHERE a IN (:list) AND b = :b";
    let params = params! { b: 1, list: InList(&[1, -2]) };
    let found: (String,) = connection.query_one(sql, params).await.unwrap();
    assert_eq!(found.0, "one");
    assert_eq!(statements.prepares(), 0);

    let before = handle.received().len();
    let error = connection.query(INSERT, (1,)).await.unwrap_err();
    assert!(
        matches!(
            error,
            Error::Place(PlaceError::Count {
                expected: 2,
                given: 1
            })
        ),
        "{error}"
    );
    assert_eq!(handle.received().len(), before);

    let statement = connection.prepare(NEW).await.unwrap();
    let found: (String,) = connection.query_one(&statement, (1,)).await.unwrap();
    assert_eq!(found.0, "new");
    assert_eq!(statements.executed(), [NEW]);
}
