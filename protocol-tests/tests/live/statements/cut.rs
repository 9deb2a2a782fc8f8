//! A prepare and its execution, cut after each byte written to a real server.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use otaria::{Connection, Error};
use protocol_tests::live;
use protocol_tests::polls::poll_times;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::{id, prepared};

/// A stream that takes a byte at every second attempt to write.
struct Reluctant {
    stream: TcpStream,
    takes: bool,
}

impl AsyncRead for Reluctant {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Reluctant {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.takes = !self.takes;
        if !self.takes {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let byte = &bytes[..bytes.len().min(1)];
        Pin::new(&mut self.stream).poll_write(context, byte)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[tokio::test]
async fn pipelined_prepare_and_execute_cut_after_each_byte_written_the_statement_count_on_the_server_and_the_next_query_are_right()
-> Result<(), Error> {
    let schema = live::shared().schema("cut").unwrap();
    schema.sql("CREATE TABLE t (id INT)").unwrap();
    let config = live::shared().in_clear(schema.name()).unwrap();
    let config = config.statement_cache_capacity(4).build().unwrap();
    let server = live::shared();
    let stream = TcpStream::connect((server.host(), server.port()))
        .await
        .unwrap();
    stream.set_nodelay(true).unwrap();
    let stream = Reluctant {
        stream,
        takes: false,
    };
    let mut connection = Connection::connect_over(stream, &config).await?;
    let (mut dropped, mut done) = (0, 0);
    // The statements are known to the server by then; four of them are kept.
    for polls in 0..100 {
        let sql = format!("SELECT {polls} + ? AS a, '{polls}' AS text");
        let query = async {
            let rows = connection.query(&sql, (1,)).await?;
            rows.collect::<(i64, String)>().await
        };
        match poll_times(query, polls).await {
            Some(rows) => {
                assert_eq!(
                    rows?,
                    [(i64::try_from(polls).unwrap() + 1, polls.to_string())]
                );
                done += 1;
            }
            None => dropped += 1,
        }
        let insert = format!("INSERT INTO t VALUES (? + {polls})");
        poll_times(connection.execute(&insert, (1,)), polls).await;
        assert_eq!(
            id(&mut connection, "SELECT ? * 2", (polls,)).await?,
            2 * i64::try_from(polls).unwrap()
        );
        let open = prepared(&mut connection).await?;
        assert!(open <= 4, "{open} after {polls} polls");
    }
    println!("{dropped} dropped, {done} done");
    assert!(dropped > 60, "{dropped}");
    // What was sent to its end has run, and no more than once.
    let twice = "SELECT COUNT(*) - COUNT(DISTINCT id) FROM t";
    assert_eq!(id(&mut connection, twice, ()).await?, 0);
    Ok(())
}
