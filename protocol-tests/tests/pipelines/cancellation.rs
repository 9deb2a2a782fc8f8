//! Futures of a pipeline, dropped at every poll.

use otaria::{Connection, Error, Pipeline};
use protocol_tests::pipe::Cut;
use protocol_tests::polls::{at_every_poll, poll_times};
use protocol_tests::script::{FakeStatements, Layers, Reply, Script};

use crate::{
    BROKEN, FAILS, INSERT, LOCK, ONE, SEVERAL, TWO, UNCERTAIN, next_query_is_whole, statements,
    texts,
};

fn pipeline() -> Pipeline<'static> {
    let mut pipeline = Pipeline::new();
    pipeline.push(ONE, (1,)).push(BROKEN, (1,)).push(TWO, (2,));
    pipeline
        .push(SEVERAL, (1,))
        .push(UNCERTAIN, (1,))
        .push(LOCK, ());
    pipeline
        .push(INSERT, (1, "x"))
        .push(INSERT, (2, "y"))
        .push(FAILS, (1,));
    pipeline
}

fn cuts(layers: Layers) -> [Cut; 2] {
    match layers {
        Layers::None | Layers::Compression => [Cut::Whole, Cut::Every(3)],
        Layers::Tls | Layers::CompressionInTls => [Cut::Whole, Cut::Every(41)],
    }
}

async fn connection_to(statements: &FakeStatements, layers: Layers, cut: &Cut) -> Connection {
    let script = statements.serve(Script::new());
    let script = script.on(&otaria_text::ComPing, Reply::ok());
    layers
        .connect(script, &layers.config(), cut.clone())
        .await
        .0
}

/// Drops the future of `call` at every poll, and checks what follows.
async fn leaves_the_next_query_whole(call: impl AsyncFn(&mut Connection) -> Result<(), Error>) {
    for layers in Layers::ALL {
        for cut in cuts(layers) {
            let polls = at_every_poll(async |polls| {
                let statements = statements();
                let mut connection = connection_to(&statements, layers, &cut).await;
                let result = poll_times(call(&mut connection), polls).await;
                let done = result.is_some_and(|result| result.map(|()| true).unwrap());
                next_query_is_whole(&mut connection).await;
                connection.ping().await.unwrap();
                // Whatever was prepared is kept, and what was refused is not.
                let refused = statements.prepares() - statements.open();
                assert!(refused <= 1, "{refused} have leaked or were closed");
                let mut executed = statements.executed();
                assert_eq!(executed.pop().as_deref(), Some(TWO));
                let order = [ONE, TWO, SEVERAL, UNCERTAIN, LOCK, INSERT, INSERT, FAILS];
                assert_eq!(executed, order[..executed.len()], "{polls} polls");
                done
            })
            .await;
            assert!(polls > 0 || matches!(cut, Cut::Whole));
        }
    }
}

#[tokio::test]
async fn cancel_at_every_await_point_execute_pipeline() {
    leaves_the_next_query_whole(async |connection| {
        let executed = connection.execute_pipeline(&pipeline()).await?;
        assert_eq!(executed.len(), 9);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn cancel_at_every_await_point_query_pipeline_and_its_results() {
    leaves_the_next_query_whole(async |connection| {
        let pipeline = pipeline();
        let mut results = connection.query_pipeline(&pipeline).await?;
        while let Some(result) = results.next().await {
            if let Ok(mut rows) = result {
                rows.next().await?;
            }
        }
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn results_that_are_dropped_between_the_commands_leave_the_next_query_whole() {
    for taken in [0, 1, 5] {
        leaves_the_next_query_whole(async |connection| {
            let pipeline = pipeline();
            let mut results = connection.query_pipeline(&pipeline).await?;
            for _ in 0..taken {
                drop(results.next().await);
            }
            Ok(())
        })
        .await;
    }
}

#[tokio::test]
async fn a_result_whose_future_was_dropped_is_the_next_one_s() {
    for layers in Layers::ALL {
        for cut in cuts(layers) {
            for polls in 1..7 {
                let statements = statements();
                let mut connection = connection_to(&statements, layers, &cut).await;
                let pipeline = pipeline();
                let mut results = connection.query_pipeline(&pipeline).await.unwrap();
                let mut all = Vec::new();
                while results.remaining() > 0 {
                    let Some(result) = poll_times(results.next(), polls).await else {
                        continue;
                    };
                    let mut rows = match result.unwrap() {
                        Ok(rows) => rows,
                        Err(Error::Server(error)) => {
                            all.push(Err(error.code()));
                            continue;
                        }
                        Err(error) => panic!("{error:?}"),
                    };
                    let mut values = Vec::new();
                    loop {
                        match poll_times(rows.next(), polls).await {
                            None => {}
                            Some(row) => match row.unwrap() {
                                Some(row) => values.push(row.get::<String>(0).unwrap()),
                                None => break,
                            },
                        }
                    }
                    all.push(Ok(values));
                }
                let expected = [
                    texts(&["one 1", "one 2"]),
                    Err(1064),
                    texts(&["two"]),
                    texts(&["several 1", "several 2"]),
                    texts(&["c"]),
                    texts(&[]),
                    texts(&[]),
                    texts(&[]),
                    Err(1305),
                ];
                assert_eq!(all, expected, "{layers:?}, {polls} polls");
                next_query_is_whole(&mut connection).await;
            }
        }
    }
}

#[tokio::test]
async fn the_futures_of_a_pipeline_and_its_streams_are_send() {
    fn is_send<T: Send>(future: T) -> T {
        future
    }
    let statements = statements();
    let mut connection = connection_to(&statements, Layers::None, &Cut::Whole).await;
    let pipeline = is_send(pipeline());
    is_send(connection.execute_pipeline(&pipeline))
        .await
        .unwrap();
    let mut results = is_send(connection.query_pipeline(&pipeline)).await.unwrap();
    let rows = is_send(results.next()).await.unwrap().unwrap();
    drop(is_send(rows.into_stream()));
}
