use std::future::pending;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use otaria::{CloseReason, Connection, Error, LongData, LongDataError, LongDataExecution};
use protocol_tests::pipe::Cut;
use protocol_tests::polls::{at_every_poll, poll_times};
use protocol_tests::script::{Layers, Reply};
use protocol_tests::slow::Slow;
use tokio::io::{AsyncRead, AsyncReadExt, ReadBuf};

use crate::server::{Heard, INSERT, Manners, REFUSED, SELECT, Server};

/// Gives nothing, and fails never.
struct Stuck;

impl AsyncRead for Stuck {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        _: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Poll::Pending
    }
}

/// Executions of the same statement, with values of their own and with values sent ahead, in this
/// order or the other: the server panics if it has a value for them that is not theirs.
async fn next_executions_are_whole(
    connection: &mut Connection,
    server: &Server,
    ahead_first: bool,
) {
    for ahead in [ahead_first, !ahead_first] {
        server.heard();
        let expected = if ahead {
            let mut insert = connection.long_data(INSERT).await.unwrap();
            insert.send(0, b"newer").await.unwrap();
            insert.execute((LongData, 2)).await.unwrap();
            [b"newer".to_vec(), b"2".to_vec()]
        } else {
            connection.execute(INSERT, (1, "new")).await.unwrap();
            [b"1".to_vec(), b"new".to_vec()]
        };
        let last = server.heard().pop();
        assert_eq!(last, Some(Heard::Execute(expected.to_vec())));
        assert!(connection.is_idle());
    }
}

async fn leaves_the_next_executions_whole(
    call: impl AsyncFn(&mut Connection) -> Result<(), Error>,
) {
    for layers in Layers::ALL {
        for cut in [Cut::Whole, Cut::Every(1), Cut::Every(7)] {
            // Each byte is many polls inside TLS.
            if layers != Layers::None && matches!(cut, Cut::Every(1)) {
                continue;
            }
            for ahead_first in [true, false] {
                at_every_poll(async |polls| {
                    let server = Server::new(Manners::default());
                    let (mut connection, _) = server.connect(layers, cut.clone()).await;
                    let result = poll_times(call(&mut connection), polls).await;
                    let done = result.is_some_and(|result| {
                        result.expect("the call succeeds when it is not dropped");
                        true
                    });
                    next_executions_are_whole(&mut connection, &server, ahead_first).await;
                    done
                })
                .await;
            }
        }
    }
}

#[tokio::test]
async fn cancel_at_every_await_point_and_after_every_received_byte_long_data() {
    leaves_the_next_executions_whole(async |connection| {
        connection.long_data(INSERT).await.map(drop)
    })
    .await;
}

#[tokio::test]
async fn cancel_at_every_await_point_and_after_every_received_byte_send() {
    leaves_the_next_executions_whole(async |connection| {
        let mut insert = connection.long_data(INSERT).await?;
        insert.send(0, b"old").await?;
        insert.send(1, b"older").await?;
        insert.send(0, b"oldest").await
    })
    .await;
}

#[tokio::test]
async fn cancel_at_every_await_point_and_after_every_received_byte_send_from() {
    leaves_the_next_executions_whole(async |connection| {
        let mut insert = connection.long_data(INSERT).await?;
        insert.send_from(1, Slow::new(b"old".as_slice(), 1)).await?;
        insert
            .send_from(0, Slow::new(b"".as_slice(), 1))
            .await
            .map(|_| ())
    })
    .await;
}

#[tokio::test]
async fn cancel_at_every_await_point_and_after_every_received_byte_execute_with_long_data() {
    leaves_the_next_executions_whole(async |connection| {
        let mut insert = connection.long_data(INSERT).await?;
        insert.send(1, b"old").await?;
        insert.execute((7, LongData)).await.map(|_| ())
    })
    .await;
}

#[tokio::test]
async fn cancel_at_every_await_point_and_after_every_received_byte_query_with_long_data() {
    leaves_the_next_executions_whole(async |connection| {
        let mut select = connection.long_data(SELECT).await?;
        select.send(0, b"old").await?;
        let rows: Vec<(i64,)> = select.query((LongData,)).await?.collect().await?;
        assert_eq!(rows.len(), 5);
        Ok(())
    })
    .await;
}

/// Drops the future of `next` at every poll, behind values that were given up.
async fn behind_a_value_that_was_given_up(
    next: impl AsyncFn(&mut Connection) -> Result<(), Error>,
) {
    for cut in [Cut::Whole, Cut::Every(1), Cut::Every(3)] {
        for ahead_first in [true, false] {
            at_every_poll(async |polls| {
                let server = Server::new(Manners::default());
                let (mut connection, _) = server.connect(Layers::None, cut.clone()).await;
                let mut insert = connection.long_data(INSERT).await.unwrap();
                insert.send(1, b"old").await.unwrap();
                drop(insert);
                let done = poll_times(next(&mut connection), polls).await.is_some();
                next_executions_are_whole(&mut connection, &server, ahead_first).await;
                done
            })
            .await;
        }
    }
}

#[tokio::test]
async fn an_execution_behind_a_value_that_was_given_up_may_be_dropped_at_every_poll() {
    behind_a_value_that_was_given_up(async |connection| {
        connection.execute(INSERT, (1, "new")).await.map(|_| ())
    })
    .await;
}

#[tokio::test]
async fn a_value_behind_a_value_that_was_given_up_may_be_dropped_at_every_poll() {
    behind_a_value_that_was_given_up(async |connection| {
        let mut insert = connection.long_data(INSERT).await?;
        insert.send(0, b"x").await?;
        insert.execute((LongData, 1)).await.map(|_| ())
    })
    .await;
}

#[tokio::test]
async fn a_value_that_was_not_sent_to_its_end_goes_no_further() {
    let server = Server::new(Manners::default());
    at_every_poll(async |polls| {
        let (mut connection, _) = server.connect(Layers::None, Cut::Every(3)).await;
        let mut insert = connection.long_data(INSERT).await.unwrap();
        insert.send(1, b"begun").await.unwrap();
        let done = poll_times(insert.send_from(1, Slow::new(b"half".as_slice(), 1)), polls).await;
        let more = insert.send(1, b"more").await;
        let executed = insert.execute((1, LongData)).await;
        let is_cut = |result: &Result<(), Error>| {
            matches!(
                result,
                Err(Error::LongData(LongDataError::Incomplete { index: 1 }))
            )
        };
        let executed = executed.map(|_| ());
        match &done {
            Some(sent) => {
                assert!(matches!(sent, Ok(4)));
                more.unwrap();
                executed.unwrap();
            }
            // The future was not even begun.
            None if polls == 0 => assert!(more.is_ok() && executed.is_ok()),
            None => assert!(is_cut(&more) && is_cut(&executed), "{polls} polls"),
        }
        next_executions_are_whole(&mut connection, &server, polls % 2 == 0).await;
        done.is_some()
    })
    .await;
}

#[tokio::test]
async fn values_are_sent_in_pieces_of_64_kib() {
    const PIECE: usize = 64 * 1024;
    let cases: [(usize, &[usize]); 6] = [
        (0, &[0]),
        (1, &[1]),
        (PIECE - 1, &[PIECE - 1]),
        (PIECE, &[PIECE]),
        (PIECE + 1, &[PIECE, 1]),
        (3 * PIECE, &[PIECE, PIECE, PIECE]),
    ];
    let pieces = |server: &Server| -> Vec<usize> {
        let heard = server.heard().into_iter();
        let pieces = heard.filter_map(|heard| match heard {
            Heard::Piece(1, bytes) => Some(bytes),
            _ => None,
        });
        pieces.collect()
    };
    for layers in Layers::ALL {
        let server = Server::new(Manners::default());
        let (mut connection, _) = server.connect(layers, Cut::Whole).await;
        for (bytes, expected) in cases {
            let value: Vec<u8> = (0..bytes).map(|byte| byte as u8).collect();
            let mut insert = connection.long_data(INSERT).await.unwrap();
            insert.send(1, &value).await.unwrap();
            assert_eq!(pieces(&server), expected);
            insert.execute((1, LongData)).await.unwrap();
            let sent = [b"1".to_vec(), value.clone()];
            assert!(server.heard() == [Heard::Execute(sent.to_vec())]);
            let mut insert = connection.long_data(INSERT).await.unwrap();
            let read = insert.send_from(1, value.as_slice()).await.unwrap();
            assert_eq!(read, bytes as u64);
            assert_eq!(pieces(&server), expected);
            insert.execute((1, LongData)).await.unwrap();
            assert!(server.heard() == [Heard::Execute(sent.to_vec())]);
        }
    }
}

#[tokio::test]
async fn a_statement_is_reset_only_where_the_server_may_hold_something_for_it() {
    let server = Server::new(Manners::default());
    let (mut connection, handle) = server.connect(Layers::None, Cut::Whole).await;
    let send = async |insert: &mut LongDataExecution<'_>| insert.send(0, b"x").await;
    for _ in 0..2 {
        let mut insert = connection.long_data(INSERT).await.unwrap();
        send(&mut insert).await.unwrap();
        let writes = handle.writes();
        insert.execute((LongData, 1)).await.unwrap();
        assert_eq!(handle.writes() - writes, 1);
    }
    drop(connection.long_data(INSERT).await.unwrap());
    connection.ping().await.unwrap();
    assert!(!server.heard().contains(&Heard::Reset));
    // Refused: the server may go on to refuse it until it is reset.
    for _ in 0..2 {
        let mut insert = connection.long_data(REFUSED).await.unwrap();
        send(&mut insert).await.unwrap();
        let error = insert.execute((LongData, 1)).await;
        assert!(matches!(error, Err(Error::Server(error)) if error.code() == 1210));
        server.heard();
        let writes = handle.writes();
        connection.ping().await.unwrap();
        assert_eq!(server.heard(), [Heard::Reset, Heard::Ping]);
        assert_eq!(handle.writes() - writes, 1);
        connection.ping().await.unwrap();
        assert_eq!(server.heard(), [Heard::Ping]);
    }
}

#[tokio::test]
async fn a_server_that_ends_the_session_is_heard_while_the_reader_has_nothing() {
    for code in [1927, 1317] {
        let server = Server::new(Manners::default());
        let (mut connection, handle) = server.connect(Layers::None, Cut::Whole).await;
        let mut insert = connection.long_data(INSERT).await.unwrap();
        insert.send(1, b"begun").await.unwrap();
        let killed = Reply::err(code, *b"70100", "Connection was killed").close();
        handle.act(killed.actions(0));
        let data = b"some".as_slice().chain(Stuck);
        let error = insert.send_from(1, data).await.err();
        assert!(
            matches!(error, Some(Error::Closed { reason: CloseReason::EndedByServer { code: found } })
                if found == code)
                || matches!(error, Some(Error::EndedByServer(ref error)) if error.code() == code),
            "{error:?}"
        );
        assert!(handle.client_is_gone());
    }
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_takes_its_time_is_waited_for() {
    let server = Server::new(Manners::default());
    let (mut connection, _) = server.connect(Layers::None, Cut::Whole).await;
    let mut insert = connection.long_data(INSERT).await.unwrap();
    let (mut writer, reader) = tokio::io::duplex(16);
    let sending = insert.send_from(1, reader);
    let writing = async {
        use tokio::io::AsyncWriteExt;
        for _ in 0..3 {
            tokio::time::sleep(Duration::from_secs(3600)).await;
            writer.write_all(b"slow").await.unwrap();
        }
        drop(writer);
        pending::<()>().await;
    };
    tokio::select! {
        sent = sending => assert_eq!(sent.unwrap(), 12),
        () = writing => unreachable!("it never ends"),
    }
    insert.execute((1, LongData)).await.unwrap();
    let expected = [b"1".to_vec(), b"slowslowslow".to_vec()];
    let last = server.heard().pop();
    assert_eq!(last, Some(Heard::Execute(expected.to_vec())));
}
