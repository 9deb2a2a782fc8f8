//! Futures dropped at every poll: whatever a call leaves behind, the next one gets its own response,
//! and no statement stays open that nobody keeps.

use otaria::{Config, Connection, Error, Rows};
use protocol_tests::pipe::{Cut, PipeHandle};
use protocol_tests::polls::{at_every_poll, poll_times};
use protocol_tests::script::{FakeStatement, FakeStatements, Layers, Reply, Script};

use crate::{INSERT, NEW, OLD, ONE, SEVERAL, next_query_is_whole, statements};

const BROKEN: &str = "SELEKT ?";
const UNCERTAIN: &str = "SELECT c /*!50000 , ? */ FROM t";

fn server() -> FakeStatements {
    let uncertain = FakeStatement::rows(1, &["c"], &[&["1"], &["2"]]);
    statements()
        .with(BROKEN, FakeStatement::refused(1064, *b"42000", "syntax"))
        .with(UNCERTAIN, uncertain)
}

async fn connection_to(
    statements: &FakeStatements,
    config: &Config,
    layers: Layers,
    cut: &Cut,
) -> (Connection, PipeHandle) {
    let script = statements.serve(Script::new());
    let script = script.on(&otaria_text::ComPing, Reply::ok());
    layers.connect(script, config, cut.clone()).await
}

/// Ways to cut a stream. TLS has so many bytes that not each of them is worth a login.
fn cuts(layers: Layers) -> [Cut; 2] {
    match layers {
        Layers::None | Layers::Compression => [Cut::Whole, Cut::Every(1)],
        Layers::Tls | Layers::CompressionInTls => [Cut::Whole, Cut::Every(13)],
    }
}

/// Drops the future of `call` at every poll, with every cut, layer and cache, and checks what
/// follows.
async fn leaves_the_next_query_whole(call: impl AsyncFn(&mut Connection) -> Result<(), Error>) {
    for layers in Layers::ALL {
        for cut in cuts(layers) {
            for capacity in [128, 0] {
                let config = layers.config().to_builder();
                let config = config.statement_cache_capacity(capacity).build().unwrap();
                let polls = at_every_poll(async |polls| {
                    let statements = server();
                    let (mut connection, _) =
                        connection_to(&statements, &config, layers, &cut).await;
                    let result = poll_times(call(&mut connection), polls).await;
                    let done = result.is_some_and(|result| {
                        result.expect("the call succeeds when it is not dropped");
                        true
                    });
                    assert!(statements.executed().len() <= 1);
                    next_query_is_whole(&mut connection).await;
                    connection.ping().await.unwrap();
                    let kept = if capacity == 0 {
                        0
                    } else {
                        statements.prepares()
                    };
                    let refused = usize::from(statements.prepares() > statements.open());
                    let open = statements.open();
                    assert!(
                        open == kept || (capacity > 0 && open + refused == kept),
                        "{open}"
                    );
                    done
                })
                .await;
                if matches!(cut, Cut::Every(1)) {
                    assert!(polls > 50, "only {polls} polls: the future was not cut");
                }
            }
        }
    }
}

#[tokio::test]
async fn cancel_at_every_await_point_and_after_every_received_byte_query() {
    leaves_the_next_query_whole(async |connection| connection.query(OLD, (1,)).await.map(drop))
        .await;
}

#[tokio::test]
async fn cancel_at_every_await_point_and_after_every_received_byte_execute() {
    leaves_the_next_query_whole(async |connection| {
        connection.execute(INSERT, (1, "x")).await.map(drop)
    })
    .await;
}

#[tokio::test]
async fn cancel_at_every_await_point_and_after_every_received_byte_prepare() {
    leaves_the_next_query_whole(async |connection| connection.prepare(OLD).await.map(drop)).await;
}

#[tokio::test]
async fn cancel_at_every_await_point_and_after_every_received_byte_two_round_trips() {
    leaves_the_next_query_whole(async |connection| {
        let rows = connection.query(UNCERTAIN, (1,)).await?;
        assert_eq!(rows.collect::<(String,)>().await?.len(), 2);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn cancel_at_every_await_point_and_after_every_received_byte_held_statement() {
    leaves_the_next_query_whole(async |connection| {
        let statement = connection.prepare(OLD).await?;
        connection.execute(&statement, (1,)).await.map(drop)
    })
    .await;
}

#[tokio::test]
async fn cancel_at_every_await_point_and_after_every_received_byte_refused_prepare() {
    leaves_the_next_query_whole(
        async |connection| match connection.query(BROKEN, (1,)).await {
            Err(Error::Server(error)) if error.code() == 1064 => Ok(()),
            other => panic!("{other:?}"),
        },
    )
    .await;
}

#[tokio::test]
async fn cancel_at_every_await_point_and_after_every_received_byte_query_one() {
    leaves_the_next_query_whole(async |connection| {
        let (value,): (String,) = connection.query_one(ONE, (1,)).await?;
        assert_eq!(value, "old");
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn cancel_at_every_await_point_and_after_every_received_byte_query_opt() {
    leaves_the_next_query_whole(async |connection| {
        match connection.query_opt::<(String,)>(OLD, (1,)).await {
            Err(Error::RowCount {
                more_than_one: true,
            }) => Ok(()),
            other => panic!("{other:?}"),
        }
    })
    .await;
}

#[tokio::test]
async fn cancel_at_every_await_point_and_after_every_received_byte_query_all() {
    leaves_the_next_query_whole(async |connection| {
        let rows: Vec<(String,)> = connection.query_all(SEVERAL, (1,)).await?;
        assert_eq!(rows.len(), 2);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn cancel_at_every_await_point_and_after_every_received_byte_binary_rows_next() {
    leaves_the_next_query_whole(async |connection| {
        let mut rows = connection.query(OLD, (1,)).await?;
        while rows.next().await?.is_some() {}
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn cancel_at_every_await_point_and_after_every_received_byte_next_chunk() {
    leaves_the_next_query_whole(async |connection| {
        let mut rows = connection.query(OLD, (1,)).await?;
        let mut count = 0;
        while let Some(chunk) = rows.next_chunk().await? {
            count += chunk.count();
        }
        assert_eq!(count, 3);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn cancel_at_every_await_point_and_after_every_received_byte_binary_next_result_set() {
    leaves_the_next_query_whole(async |connection| {
        let mut rows = connection.query(SEVERAL, (1,)).await?;
        while rows.next_result_set().await? {}
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn cancel_at_every_await_point_and_after_every_received_byte_binary_finish() {
    leaves_the_next_query_whole(async |connection| {
        connection.query(SEVERAL, (1,)).await?.finish().await
    })
    .await;
}

#[tokio::test]
async fn cancel_at_every_await_point_and_after_every_received_byte_binary_for_each() {
    leaves_the_next_query_whole(async |connection| {
        let rows = connection.query(SEVERAL, (1,)).await?;
        rows.for_each(|row| row.get::<&str>("old").map(drop)).await
    })
    .await;
}

#[tokio::test]
async fn a_dropped_next_or_next_chunk_loses_no_binary_row() {
    at_every_poll(async |polls| {
        let config = Layers::None.config();
        let (mut connection, _) =
            connection_to(&server(), &config, Layers::None, &Cut::Every(1)).await;
        let mut rows = connection.query(OLD, (1,)).await.unwrap();
        let mut values: Vec<String> = Vec::new();
        let first = poll_times(rows.next(), polls).await;
        let done = first.is_some();
        if let Some(row) = first {
            values.push(row.unwrap().unwrap().get(0).unwrap());
        }
        let chunk = poll_times(rows.next_chunk(), polls).await;
        if let Some(chunk) = chunk {
            // Of a chunk only the first row is taken: the others are in the next one.
            let mut chunk = chunk.unwrap().expect("rows are left");
            values.push(chunk.next().expect("a chunk has a row").get(0).unwrap());
        }
        while let Some(chunk) = rows.next_chunk().await.unwrap() {
            for row in chunk {
                values.push(row.get(0).unwrap());
            }
        }
        assert_eq!(values, ["old 1", "old 2", "old 3"]);
        done
    })
    .await;
}

#[tokio::test]
async fn pipelined_prepare_and_execute_cut_after_each_byte_written_leave_the_count_right() {
    let config = Layers::None.config();
    let mut whole = None;
    let (mut withdrawn, mut half, mut both) = (0, 0, 0);
    for bytes in 0_usize.. {
        let statements = server();
        let (mut connection, handle) =
            connection_to(&statements, &config, Layers::None, &Cut::Every(1)).await;
        let before = handle.received().len();
        let query = poll_times(connection.query(OLD, (1,)), bytes).await;
        let written = handle.received().len() - before;
        assert!(query.is_none());
        let (prepares, executed) = (statements.prepares(), statements.executed().len());
        handle.set_cut(Cut::Whole);
        next_query_is_whole(&mut connection).await;
        let kept = statements.prepares();
        assert_eq!(statements.open(), kept, "after {written} bytes");
        let executed_late = statements.executed().len() - executed;
        match (written, kept) {
            // Nothing of it was sent, or only the prepare, to its end.
            (0, 1) => withdrawn += 1,
            (_, 2) if executed + executed_late == 1 => half += 1,
            (_, 2) if executed + executed_late == 2 => both += 1,
            other => panic!("{other:?}"),
        }
        // It is kept: no prepare for it, and its rows are its own.
        let rows: Vec<(String,)> = connection.query_all(OLD, (1,)).await.unwrap();
        assert_eq!(rows.len(), 3);
        assert_eq!(statements.prepares(), 2);
        if executed == 1 {
            whole = Some((prepares, written));
            break;
        }
    }
    let (prepares, written) = whole.expect("all of it is written at last");
    assert_eq!(prepares, 1);
    assert!(
        withdrawn > 0 && half > OLD.len() && both > 10,
        "{withdrawn} {half} {both}"
    );
    assert!(written > OLD.len() + 20, "{written}");
}

#[tokio::test]
async fn cancelled_prepares_leave_no_more_statements_open_than_the_cache_holds() {
    let config = Layers::None.config().to_builder();
    let config = config.statement_cache_capacity(2).build().unwrap();
    let statements = server();
    let (mut connection, handle) =
        connection_to(&statements, &config, Layers::None, &Cut::Every(1)).await;
    for round in 0..300 {
        let sql = format!("SELECT {round}, ?");
        statements.set(&sql, FakeStatement::rows(1, &["a"], &[&["1"]]));
        let polls = round % 150;
        poll_times(connection.prepare(&sql), polls).await;
        poll_times(connection.query(&sql, (1,)), polls).await;
        // One more than are kept, the one that is due to be closed.
        assert!(
            statements.open() <= 4,
            "{} in round {round}",
            statements.open()
        );
    }
    handle.set_cut(Cut::Whole);
    connection.ping().await.unwrap();
    connection.ping().await.unwrap();
    assert_eq!(statements.open(), 2);
    assert!(statements.prepares() > 100);
}

#[tokio::test]
async fn a_statement_held_while_its_connection_forgets_it_is_prepared_again_at_every_poll() {
    at_every_poll(async |polls| {
        let statements = server();
        let config = Layers::None.config();
        let (mut connection, _) =
            connection_to(&statements, &config, Layers::None, &Cut::Every(1)).await;
        let held = connection.prepare(OLD).await.unwrap();
        let reset = poll_times(connection.reset(), polls).await;
        let rows: Vec<(String,)> = connection.query_all(&held, (1,)).await.unwrap();
        assert_eq!(rows.len(), 3);
        drop(held);
        next_query_is_whole(&mut connection).await;
        reset.is_some_and(|reset| reset.is_ok())
    })
    .await;
}

#[tokio::test]
async fn a_dropped_next_result_set_passes_over_no_binary_result() {
    async fn results(rows: &mut Rows<'_>) -> Vec<String> {
        let mut names = Vec::new();
        while rows.next_result_set().await.unwrap() {
            names.extend(rows.columns().iter().map(|column| column.name().to_owned()));
        }
        names
    }
    at_every_poll(async |polls| {
        let config = Layers::None.config();
        let (mut connection, _) =
            connection_to(&server(), &config, Layers::None, &Cut::Every(1)).await;
        let mut rows = connection.query(SEVERAL, (1,)).await.unwrap();
        let dropped = poll_times(rows.next_result_set(), polls).await.is_none();
        if dropped {
            assert_eq!(results(&mut rows).await, ["older"]);
        } else {
            assert_eq!(rows.columns()[0].name(), "older");
        }
        !dropped
    })
    .await;
}

#[tokio::test]
async fn random_cuts_and_drops_never_give_a_statement_the_rows_of_another() {
    let seed = protocol_tests::chaos::seed();
    let mut random = fastrand::Rng::with_seed(seed);
    let config = Layers::None.config().to_builder();
    let config = config.statement_cache_capacity(3).build().unwrap();
    let statements = server();
    let cut = Cut::Random(random.fork());
    let (mut connection, _) = connection_to(&statements, &config, Layers::None, &cut).await;
    let mut held = None;
    for _ in 0..3_000 {
        let number = random.usize(0..6);
        let sql = format!("SELECT {number}, ? FROM t");
        let columns = random.usize(1..4);
        let names: Vec<String> = (0..columns).map(|column| format!("c{column}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let row: Vec<String> = (0..columns)
            .map(|column| format!("{sql} {column}"))
            .collect();
        let row: Vec<&str> = row.iter().map(String::as_str).collect();
        statements.set(&sql, FakeStatement::rows(1, &names, &[&row, &row]));
        let polls = if random.bool() {
            usize::MAX
        } else {
            random.usize(0..30)
        };
        if random.u8(..) < 20 {
            held = poll_times(connection.prepare(&sql), polls)
                .await
                .or(held.take());
        }
        let query = async {
            let mut rows = connection.query(sql.as_str(), (1,)).await.unwrap();
            let mut count = 0;
            while let Some(found) = rows.next().await.unwrap() {
                let found: Vec<&str> = (0..found.len()).map(|i| found.get(i).unwrap()).collect();
                assert_eq!(found, row);
                count += 1;
            }
            count
        };
        if let Some(count) = poll_times(query, polls).await {
            assert_eq!(count, 2);
        }
        assert!(statements.open() <= 8, "{}", statements.open());
    }
    drop(held);
    assert!(statements.prepares() > 10);
    assert!(statements.executed().iter().all(|sql| sql != NEW));
}
