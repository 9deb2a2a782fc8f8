//! Values sent ahead of an execution, to a real server.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use otaria::{Compression, Config, Connection, Error, LongData, LongDataError};
use protocol_tests::live::{self, Schema};
use protocol_tests::polls::poll_times;
use protocol_tests::slow::Slow;
use tokio::io::{AsyncRead, AsyncReadExt, ReadBuf};

use crate::connect;

const INSERT: &str = "INSERT INTO t (id, data, text) VALUES (?, ?, ?)";

fn schema(hint: &str) -> Schema<'static> {
    let schema = live::shared().schema(hint).unwrap();
    schema
        .sql("CREATE TABLE t (id INT PRIMARY KEY, data LONGBLOB, text LONGTEXT)")
        .unwrap();
    schema
}

async fn row(connection: &mut Connection, id: i32) -> (Option<Vec<u8>>, Option<String>) {
    let sql = "SELECT data, text FROM t WHERE id = ?";
    connection.query_one(sql, (id,)).await.unwrap()
}

/// How often the session has sent this command.
async fn count(connection: &mut Connection, command: &str) -> u64 {
    let sql = format!("SHOW SESSION STATUS LIKE 'Com_stmt_{command}'");
    let rows = connection.simple_query(&sql).await.unwrap();
    let rows: Vec<(String, String)> = rows.collect().await.unwrap();
    rows[0].1.parse().unwrap()
}

/// Fails at once.
struct Broken;

impl AsyncRead for Broken {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        _: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

#[tokio::test]
async fn values_arrive_as_they_were_sent_from_bytes_and_from_readers() -> Result<(), Error> {
    let schema = schema("long_data_arrives");
    let long: Vec<u8> = (0..1_500_000_u32).flat_map(u32::to_le_bytes).collect();
    let text = "\u{e4}\u{1f600} \0 text ".repeat(20_000);
    for (round, compression) in [None, Some(Compression::default())].into_iter().enumerate() {
        let id = i32::try_from(round).unwrap() * 10;
        let config: Config = schema.url().parse().unwrap();
        let config = config.to_builder().compression(compression).build()?;
        let mut connection = Connection::connect(&config).await?;
        let mut insert = connection.long_data(INSERT).await?;
        assert_eq!(insert.parameters(), 3);
        insert.send(1, &long).await?;
        insert.send(2, text.as_bytes()).await?;
        let executed = insert.execute((id, LongData, LongData)).await?;
        assert_eq!(executed.affected_rows, 1);
        assert!(row(&mut connection, id).await == (Some(long.clone()), Some(text.clone())));
        // From readers, in pieces, one value between the pieces of the other.
        let mut insert = connection.long_data(INSERT).await?;
        let (first, second) = long.split_at(3_000_001);
        let sent = insert.send_from(1, Slow::new(first, 100_000)).await?;
        assert_eq!(sent, 3_000_001);
        insert.send_from(2, text.as_bytes()).await?;
        insert.send(1, b"").await?;
        insert.send_from(1, tokio::io::empty()).await?;
        insert.send_from(1, second).await?;
        insert.execute((id + 1, LongData, LongData)).await?;
        assert!(row(&mut connection, id + 1).await == (Some(long.clone()), Some(text.clone())));
        assert_eq!(count(&mut connection, "reset").await, 0, "all was used");
    }
    Ok(())
}

#[tokio::test]
async fn an_empty_value_is_no_null_and_takes_one_empty_piece() -> Result<(), Error> {
    let schema = schema("long_data_empty");
    let mut connection = connect(schema.name()).await;
    let mut insert = connection.long_data(INSERT).await?;
    insert.send(1, b"").await?;
    insert.send_from(2, tokio::io::empty()).await?;
    insert.execute((1, LongData, LongData)).await?;
    let empty = (Some(Vec::new()), Some(String::new()));
    assert_eq!(row(&mut connection, 1).await, empty);
    let mut insert = connection.long_data(INSERT).await?;
    insert.send(1, b"").await?;
    insert.execute((2, LongData, None::<&str>)).await?;
    assert_eq!(row(&mut connection, 2).await, (Some(Vec::new()), None));
    Ok(())
}

#[tokio::test]
async fn a_value_that_was_sent_is_used_once() -> Result<(), Error> {
    let schema = schema("long_data_once");
    let mut connection = connect(schema.name()).await;
    let statement = connection.prepare(INSERT).await?;
    let mut insert = connection.long_data(&statement).await?;
    insert.send(1, b"old").await?;
    insert.execute((1, LongData, "t")).await?;
    // Sent to a statement that opens no row, to one that is refused, and never executed.
    let mut insert = connection.long_data(&statement).await?;
    insert.send(1, b"older").await?;
    let error = insert.execute((1, LongData, "t")).await;
    assert!(matches!(error, Err(Error::Server(error)) if error.code() == 1062));
    let mut insert = connection.long_data(&statement).await?;
    insert.send(1, b"oldest").await?;
    insert.send(2, b"oldest").await?;
    drop(insert);
    let mut insert = connection.long_data(&statement).await?;
    insert.send(1, b"new").await?;
    insert.execute((2, LongData, "t")).await?;
    let expected = |data: &str| (Some(data.into()), Some("t".to_owned()));
    assert_eq!(row(&mut connection, 1).await, expected("old"));
    assert_eq!(row(&mut connection, 2).await, expected("new"));
    // By values of its own, in place of those.
    let mut insert = connection.long_data(&statement).await?;
    insert.send(1, b"old").await?;
    insert.send(2, b"old").await?;
    drop(insert);
    connection.execute(&statement, (3, b"new", "t")).await?;
    assert_eq!(row(&mut connection, 3).await, expected("new"));
    let mut insert = connection.long_data(&statement).await?;
    insert.send(1, b"old").await?;
    drop(insert);
    connection.execute(INSERT, (4, None::<&str>, "t")).await?;
    assert_eq!(row(&mut connection, 4).await, (None, Some("t".to_owned())));
    Ok(())
}

#[tokio::test]
async fn parameters_have_to_say_what_was_sent() -> Result<(), Error> {
    let schema = schema("long_data_marks");
    let mut connection = connect(schema.name()).await;
    let statement = connection.prepare(INSERT).await?;
    let executes = count(&mut connection, "execute").await;
    let mut insert = connection.long_data(&statement).await?;
    insert.send(1, b"data").await?;
    let error = insert.execute((1, LongData, LongData)).await.err();
    assert!(
        matches!(
            error,
            Some(Error::LongData(LongDataError::NotSent { index: 2 }))
        ),
        "{error:?}"
    );
    let mut insert = connection.long_data(&statement).await?;
    insert.send(2, b"data").await?;
    insert.send(1, b"data").await?;
    let error = insert.execute((1, "data", LongData)).await.err();
    assert!(
        matches!(
            error,
            Some(Error::LongData(LongDataError::NotMarked { index: 1 }))
        ),
        "{error:?}"
    );
    let error = connection.execute(&statement, (1, "data", LongData)).await;
    assert!(matches!(
        error,
        Err(Error::LongData(LongDataError::NotSent { index: 2 }))
    ));
    let error = connection.execute("SELECT ?", (LongData,)).await;
    assert!(matches!(
        error,
        Err(Error::LongData(LongDataError::NotSent { index: 0 }))
    ));
    let mut insert = connection.long_data(&statement).await?;
    for index in [3, 65_536, usize::MAX] {
        let error = insert.send(index, b"data").await.err();
        let parameters = 3;
        assert!(matches!(error, Some(Error::LongData(found))
                if found == LongDataError::NoSuchParameter { index, parameters }));
    }
    // That was no value cut: it can go on.
    insert.send(1, b"data").await?;
    let error = insert.execute((1, LongData)).await;
    assert!(matches!(
        error,
        Err(Error::ParameterCount {
            expected: 3,
            given: 2
        })
    ));
    assert_eq!(count(&mut connection, "execute").await, executes);
    connection.execute(&statement, (1, "new", "t")).await?;
    assert_eq!(
        row(&mut connection, 1).await,
        (Some(b"new".to_vec()), Some("t".to_owned()))
    );
    Ok(())
}

#[tokio::test]
async fn an_error_in_a_piece_comes_with_the_execution_and_not_with_the_next() -> Result<(), Error> {
    let schema = schema("long_data_too_long");
    let mut connection = connect(schema.name()).await;
    let sql = "SELECT @@max_allowed_packet";
    let (longest,): (u64,) = connection.query_one(sql, ()).await?;
    let statement = connection.prepare(INSERT).await?;
    let mut insert = connection.long_data(&statement).await?;
    let reader = tokio::io::repeat(b'x').take(longest + 1);
    assert_eq!(insert.send_from(1, reader).await?, longest + 1);
    let error = insert.execute((1, LongData, "t")).await;
    let Err(Error::Server(error)) = error else {
        panic!("{error:?}");
    };
    assert_eq!(error.code(), 1105, "{error}");
    assert!(error.message().contains("max_allowed_packet"), "{error}");
    assert!(connection.is_idle());
    connection.execute(&statement, (1, "new", "t")).await?;
    let mut insert = connection.long_data(&statement).await?;
    insert.send(1, b"newer").await?;
    insert.execute((2, LongData, "t")).await?;
    let new = (Some(b"new".to_vec()), Some("t".to_owned()));
    assert_eq!(row(&mut connection, 1).await, new);
    let newer = (Some(b"newer".to_vec()), Some("t".to_owned()));
    assert_eq!(row(&mut connection, 2).await, newer);
    Ok(())
}

#[tokio::test]
async fn a_value_that_was_not_sent_to_its_end_is_never_executed() -> Result<(), Error> {
    let schema = schema("long_data_cut");
    let mut connection = connect(schema.name()).await;
    let mut insert = connection.long_data(INSERT).await?;
    let half = b"half".as_slice().chain(Broken);
    let error = insert.send_from(1, half).await;
    let Err(Error::LocalIo { action, source }) = error else {
        panic!("{error:?}");
    };
    assert_eq!(action, "read the value of parameter 1");
    assert_eq!(source.kind(), io::ErrorKind::TimedOut);
    for index in [1, 2] {
        let error = insert.send(index, b"more").await;
        assert!(matches!(
            error,
            Err(Error::LongData(LongDataError::Incomplete { index: 1 }))
        ));
    }
    let error = insert.execute((1, LongData, "t")).await;
    assert!(matches!(
        error,
        Err(Error::LongData(LongDataError::Incomplete { index: 1 }))
    ));
    // A future dropped at every poll, until there are no more.
    for polls in 0..100 {
        let id = polls + 10;
        let mut insert = connection.long_data(INSERT).await?;
        let data = Slow::new(b"0123456789abcdef".as_slice(), 1);
        let polls = usize::try_from(polls).unwrap();
        let sent = poll_times(insert.send_from(1, data), polls).await;
        let is_sent = sent.is_some();
        let executed = insert.execute((id, LongData, "t")).await;
        if is_sent {
            assert_eq!(executed?.affected_rows, 1);
            let expected = (Some(b"0123456789abcdef".to_vec()), Some("t".to_owned()));
            assert_eq!(row(&mut connection, id).await, expected);
            break;
        }
        assert!(matches!(
            executed,
            Err(Error::LongData(
                LongDataError::Incomplete { index: 1 } | LongDataError::NotSent { index: 1 }
            ))
        ));
        connection.execute(INSERT, (id, "new", "t")).await?;
        let expected = (Some(b"new".to_vec()), Some("t".to_owned()));
        assert_eq!(row(&mut connection, id).await, expected);
        assert!(polls < 99, "it was never sent");
    }
    let sql = "SELECT COUNT(*) FROM t WHERE data NOT IN ('new', '0123456789abcdef')";
    let (cut,): (i64,) = connection.query_one(sql, ()).await?;
    assert_eq!(cut, 0);
    Ok(())
}

#[tokio::test]
async fn a_select_takes_values_sent_ahead_and_so_does_a_statement_held_across_a_reset()
-> Result<(), Error> {
    let mut connection = connect("").await;
    let statement = connection.prepare("SELECT LENGTH(?), SHA2(?, 256)").await?;
    for _ in 0..2 {
        let mut select = connection.long_data(&statement).await?;
        select.send(0, &vec![7; 100_000]).await?;
        select.send(1, b"abc").await?;
        let mut rows = select.query((LongData, LongData)).await?;
        let row: (u64, String) = rows.next().await?.unwrap().read()?;
        let hash = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(row, (100_000, hash.to_owned()));
        assert!(rows.next().await?.is_none());
        connection.reset().await?;
    }
    let mut other = connect("").await;
    let error = other.long_data(&statement).await.err();
    assert!(matches!(error, Some(Error::ForeignStatement)));
    let error = connection.long_data("SELEKT ?").await.err();
    assert!(matches!(error, Some(Error::Server(error)) if error.code() == 1064));
    Ok(())
}
