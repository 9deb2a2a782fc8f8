use std::num::NonZeroU32;

use otaria::{CloseReason, Connection, Error, InvalidPacket, Rows};
use otaria_codec::{OkPacket, ServerStatus};
use protocol_tests::pipe::{Action, Cut};
use protocol_tests::polls::{at_every_poll, poll_times};
use protocol_tests::script::{Layers, Reply};

use crate::server::{Heard, Manners, NEW, SELECT, Server, rows};

const SIZE: NonZeroU32 = NonZeroU32::new(2).unwrap();

async fn open(connection: &mut Connection) -> Result<Rows<'_>, Error> {
    connection.query_with_cursor(SELECT, (100,), SIZE).await
}

async fn read(mut rows: Rows<'_>) -> Result<Vec<i64>, Error> {
    let mut read = Vec::new();
    while let Some(row) = rows.next().await? {
        read.push(row.get("n")?);
    }
    Ok(read)
}

/// The same statement, which has all of its rows, and another one.
async fn next_queries_are_whole(connection: &mut Connection) {
    let all = connection.query(SELECT, (100,)).await.unwrap();
    assert_eq!(read(all).await.unwrap(), [1, 2, 3, 4, 5]);
    assert_eq!(
        connection.query_one::<(i64,)>(NEW, ()).await.unwrap(),
        (42,)
    );
    let fetched = open(connection).await.unwrap();
    assert_eq!(read(fetched).await.unwrap(), [1, 2, 3, 4, 5]);
    assert!(connection.is_idle());
}

/// Drops the future of `call` at every poll, with every cut and through all layers, and checks what
/// follows. The server looks after the cursor.
async fn leaves_the_next_queries_whole(call: impl AsyncFn(&mut Connection) -> Result<(), Error>) {
    for layers in Layers::ALL {
        for cut in [Cut::Whole, Cut::Every(1), Cut::Every(7)] {
            // Each byte is many polls inside TLS.
            if layers != Layers::None && matches!(cut, Cut::Every(1)) {
                continue;
            }
            at_every_poll(async |polls| {
                let server = Server::new(Manners::default());
                let (mut connection, _) = server.connect(layers, cut.clone()).await;
                let result = poll_times(call(&mut connection), polls).await;
                let done = result.is_some_and(|result| {
                    result.expect("the call succeeds when it is not dropped");
                    true
                });
                next_queries_are_whole(&mut connection).await;
                done
            })
            .await;
        }
    }
}

#[tokio::test]
async fn cancel_at_every_await_point_and_after_every_received_byte_query_with_cursor() {
    leaves_the_next_queries_whole(async |connection| open(connection).await.map(drop)).await;
}

#[tokio::test]
async fn cancel_at_every_await_point_and_after_every_received_byte_fetch() {
    leaves_the_next_queries_whole(async |connection| {
        let rows = open(connection).await?;
        assert_eq!(read(rows).await?, [1, 2, 3, 4, 5]);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn cancel_at_every_await_point_and_after_every_received_byte_chunks_of_a_cursor() {
    leaves_the_next_queries_whole(async |connection| {
        let rows = open(connection).await?;
        let rows: Vec<(i64,)> = rows.collect().await?;
        assert_eq!(rows.len(), 5);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn cancel_at_every_await_point_and_after_every_received_byte_finish_of_a_cursor() {
    leaves_the_next_queries_whole(async |connection| {
        let mut rows = open(connection).await?;
        rows.next().await?;
        rows.finish().await
    })
    .await;
}

#[tokio::test]
async fn cancel_at_every_await_point_and_after_every_received_byte_next_result_set_of_a_cursor() {
    leaves_the_next_queries_whole(async |connection| {
        let mut rows = open(connection).await?;
        rows.next().await?;
        assert!(!rows.next_result_set().await?);
        assert!(rows.is_at_end());
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn the_command_behind_a_cursor_may_be_dropped_at_every_poll() {
    for cut in [Cut::Whole, Cut::Every(1), Cut::Every(3)] {
        at_every_poll(async |polls| {
            let server = Server::new(Manners::default());
            let (mut connection, _) = server.connect(Layers::None, cut.clone()).await;
            let mut rows = open(&mut connection).await.unwrap();
            rows.next().await.unwrap().unwrap();
            let done = poll_times(connection.ping(), polls).await.is_some();
            next_queries_are_whole(&mut connection).await;
            let heard = server.heard();
            let resets = heard.iter().filter(|heard| **heard == Heard::Reset);
            assert_eq!(resets.count(), 1, "{heard:?}");
            done
        })
        .await;
    }
}

#[tokio::test]
async fn a_row_that_was_not_waited_for_comes_with_the_next_call() {
    let server = Server::new(Manners::default());
    let (mut connection, _) = server.connect(Layers::None, Cut::Every(1)).await;
    let mut rows = open(&mut connection).await.unwrap();
    let mut read = Vec::new();
    loop {
        match poll_times(rows.next(), 3).await {
            Some(row) => match row.unwrap() {
                Some(row) => read.push(row.get::<i64>(0).unwrap()),
                None => break,
            },
            None => assert!(!rows.is_at_end()),
        }
    }
    assert_eq!(read, [1, 2, 3, 4, 5]);
    let fetches = server.heard().into_iter();
    assert_eq!(fetches.filter(|heard| *heard == Heard::Fetch(2)).count(), 3);
}

#[tokio::test]
async fn a_cursor_is_opened_in_one_round_trip_and_each_fetch_takes_one() {
    for deprecates_eof in [true, false] {
        let manners = Manners {
            deprecates_eof,
            ..Manners::default()
        };
        let server = Server::new(manners);
        let (mut connection, handle) = server.connect(Layers::None, Cut::Whole).await;
        let writes = handle.writes();
        let mut rows = open(&mut connection).await.unwrap();
        assert_eq!(handle.writes() - writes, 1);
        assert_eq!(server.heard(), [Heard::Prepare, Heard::Open]);
        assert_eq!(rows.columns()[0].name(), "n");
        assert!(!rows.is_at_end());
        assert!(rows.try_next().unwrap().is_none(), "nothing was fetched");
        for (row, round_trips) in [(1, 2), (2, 2), (3, 3), (4, 3), (5, 4)] {
            let found = rows.next().await.unwrap().unwrap();
            assert_eq!(found.get::<i64>(0).unwrap(), row);
            assert_eq!(handle.writes() - writes, round_trips, "row {row}");
        }
        assert!(rows.next().await.unwrap().is_none());
        assert!(rows.is_at_end());
        assert_eq!(handle.writes() - writes, 4, "the last fetch said so");
        assert_eq!(server.heard(), vec![Heard::Fetch(2); 3]);
        // The statement is kept, and what it returns is known.
        let all = open(&mut connection).await.unwrap();
        assert_eq!(read(all).await.unwrap(), [1, 2, 3, 4, 5]);
        assert_eq!(server.heard()[0], Heard::Open);
    }
}

#[tokio::test]
async fn rows_that_end_exactly_on_a_batch_boundary_take_a_fetch_that_brings_none() {
    for (count, fetches) in [(0, 1), (1, 1), (2, 2), (3, 2), (4, 3)] {
        let manners = Manners {
            rows: (0..count).collect(),
            ..Manners::default()
        };
        let server = Server::new(manners);
        let (mut connection, _) = server.connect(Layers::None, Cut::Every(5)).await;
        let all = open(&mut connection).await.unwrap();
        let expected: Vec<i64> = (0..count).collect();
        assert_eq!(read(all).await.unwrap(), expected);
        let heard = server.heard();
        assert_eq!(heard.len(), 2 + fetches, "{heard:?}");
    }
}

#[tokio::test]
async fn where_no_cursor_is_opened_the_rows_simply_come() {
    for deprecates_eof in [true, false] {
        for rows in [vec![], vec![1, 2, 3, 4, 5]] {
            let manners = Manners {
                rows: rows.clone(),
                opens_cursors: false,
                deprecates_eof,
                ..Manners::default()
            };
            let server = Server::new(manners);
            let (mut connection, _) = server.connect(Layers::None, Cut::Every(1)).await;
            for _ in 0..2 {
                let all = open(&mut connection).await.unwrap();
                assert_eq!(all.columns().len(), 1);
                assert_eq!(read(all).await.unwrap(), rows);
            }
            let expected = [Heard::Prepare, Heard::Open, Heard::Open];
            assert_eq!(server.heard(), expected);
            assert!(connection.is_idle());
        }
    }
}

#[tokio::test]
async fn every_way_out_of_a_cursor_works_without_deprecate_eof() {
    let manners = Manners {
        deprecates_eof: false,
        ..Manners::default()
    };
    let server = Server::new(manners);
    for taken in 0..6 {
        at_every_poll(async |polls| {
            let (mut connection, _) = server.connect(Layers::None, Cut::Every(2)).await;
            let reading = async {
                let mut rows = open(&mut connection).await.unwrap();
                for _ in 0..taken {
                    rows.next().await.unwrap().unwrap();
                }
            };
            let done = poll_times(reading, polls).await.is_some();
            next_queries_are_whole(&mut connection).await;
            done
        })
        .await;
    }
}

#[tokio::test]
async fn an_error_in_the_middle_of_a_fetch_ends_the_rows_and_leaves_the_connection_usable() {
    let manners = Manners {
        fetch: Some(
            rows(Reply::new(), &[1]).packet(&otaria_codec::ErrPacket::new(
                1317,
                *b"70100",
                "Query execution was interrupted",
            )),
        ),
        ..Manners::default()
    };
    let server = Server::new(manners);
    let (mut connection, _) = server.connect(Layers::None, Cut::Whole).await;
    let mut rows = open(&mut connection).await.unwrap();
    assert!(rows.next().await.unwrap().is_some());
    let error = rows.next().await.err();
    assert!(matches!(error, Some(Error::Server(error)) if error.code() == 1317));
    assert!(rows.is_at_end());
    assert!(rows.next().await.unwrap().is_none());
    assert!(connection.is_idle());
    let all = connection.query(SELECT, (100,)).await.unwrap();
    assert_eq!(read(all).await.unwrap(), [1, 2, 3, 4, 5]);
    let expected = [Heard::Prepare, Heard::Open, Heard::Fetch(2), Heard::Reset];
    assert_eq!(server.heard()[..4], expected);
}

#[tokio::test]
async fn a_cursor_without_rows_that_never_ends_breaks_the_protocol() {
    let end = OkPacket {
        ends_result_set: true,
        status: ServerStatus::CURSOR_EXISTS,
        ..OkPacket::default()
    };
    let manners = Manners {
        fetch: Some(Reply::new().packet(&end)),
        ..Manners::default()
    };
    let server = Server::new(manners);
    let (mut connection, handle) = server.connect(Layers::None, Cut::Whole).await;
    let mut rows = open(&mut connection).await.unwrap();
    let error = rows.next().await.err();
    assert!(
        matches!(
            error,
            Some(Error::InvalidPacket(InvalidPacket::Field { .. }))
        ),
        "{error:?}"
    );
    assert!(handle.client_is_gone());
}

#[tokio::test]
async fn a_fetch_that_says_nothing_of_a_cursor_was_the_last() {
    let end = OkPacket {
        ends_result_set: true,
        status: ServerStatus::AUTOCOMMIT,
        ..OkPacket::default()
    };
    let manners = Manners {
        fetch: Some(rows(Reply::new(), &[1, 2]).packet(&end)),
        ..Manners::default()
    };
    let server = Server::new(manners);
    let (mut connection, _) = server.connect(Layers::None, Cut::Whole).await;
    let fetched = open(&mut connection).await.unwrap();
    assert_eq!(read(fetched).await.unwrap(), [1, 2]);
    connection.ping().await.unwrap();
    // It may be open all the same.
    assert_eq!(server.heard()[3..], [Heard::Reset, Heard::Ping]);
}

#[tokio::test]
async fn a_reset_that_is_refused_closes_the_connection() {
    let manners = Manners {
        reset: Reply::err(1243, *b"HY000", "Unknown prepared statement handler"),
        ..Manners::default()
    };
    let server = Server::new(manners);
    let (mut connection, handle) = server.connect(Layers::None, Cut::Whole).await;
    drop(open(&mut connection).await.unwrap());
    let error = connection.query(NEW, ()).await.err();
    assert!(
        matches!(&error, Some(Error::StatementNotReset(error)) if error.code() == 1243),
        "{error:?}"
    );
    assert!(handle.client_is_gone());
    let reason = CloseReason::StatementNotReset { code: 1243 };
    assert_eq!(connection.close_reason(), Some(reason));
}

#[tokio::test]
async fn a_statement_that_is_no_select_for_certain_is_refused_before_anything_is_sent() {
    let server = Server::new(Manners::default());
    let (mut connection, _) = server.connect(Layers::None, Cut::Whole).await;
    for sql in [
        "DELETE FROM t RETURNING n",
        "INSERT INTO t VALUES (1) RETURNING n",
    ] {
        let statement = connection.prepare(sql).await.unwrap();
        server.heard();
        let error = connection.query_with_cursor(sql, (), SIZE).await.err();
        assert!(matches!(error, Some(Error::CursorRefused)));
        let error = connection.query_with_cursor(&statement, (), SIZE).await;
        assert!(matches!(error.err(), Some(Error::CursorRefused)));
        assert_eq!(server.heard(), []);
    }
}

#[tokio::test]
async fn a_server_that_goes_in_the_middle_of_a_fetch_is_an_error() {
    let manners = Manners {
        fetch: Some(rows(Reply::new(), &[1])),
        ..Manners::default()
    };
    let server = Server::new(manners);
    let (mut connection, handle) = server.connect(Layers::None, Cut::Whole).await;
    let mut rows = open(&mut connection).await.unwrap();
    assert!(rows.next().await.unwrap().is_some());
    handle.act(vec![Action::Close]);
    let error = rows.next().await.err();
    assert!(
        matches!(error, Some(Error::ConnectionLost { .. })),
        "{error:?}"
    );
    let error = rows.next().await.err();
    assert!(matches!(error, Some(Error::OutcomeUnknown { .. })));
}

#[tokio::test]
async fn a_cursor_whose_connection_is_lost_before_its_reset_says_so_and_is_not_safe_to_retry() {
    for is_told in [false, true] {
        let server = Server::new(Manners::default());
        let (mut connection, handle) = server.connect(Layers::None, Cut::Whole).await;
        let mut rows = open(&mut connection).await.unwrap();
        assert!(rows.next().await.unwrap().is_some());
        // The other row of the first fetch has come as well.
        handle.act(vec![if is_told {
            Action::Reset
        } else {
            Action::Close
        }]);
        handle.set_cut(Cut::NoWrites);
        let error = rows.finish().await.unwrap_err();
        let is_lost = matches!(error, Error::ConnectionLost { .. });
        assert!(is_lost, "{error:?}");
        assert!(!error.is_safe_to_retry() && error.is_disconnect());
    }
}
