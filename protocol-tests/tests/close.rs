//! Closing a connection whose transport does not come to an end.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use otaria::{Config, Connection};
use protocol_tests::pipe::{Cut, Pipe};
use protocol_tests::script::Script;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, timeout};

/// A stream that is never shut down.
struct Endless(Pipe);

impl AsyncRead for Endless {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl AsyncWrite for Endless {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Pending
    }
}

#[tokio::test(start_paused = true)]
async fn close_does_not_wait_for_ever_for_the_transport_to_shut_down() {
    for (io_timeout, expected) in [
        (None, Duration::from_secs(1)),
        (Some(Duration::from_secs(7)), Duration::from_secs(7)),
    ] {
        let pipe = Pipe::new(Script::new(), Cut::Whole);
        let handle = pipe.handle();
        let config = Config::builder().io_timeout(io_timeout).build().unwrap();
        let connected = Connection::connect_over(Endless(pipe), &config).await;
        let start = Instant::now();
        let closed = timeout(Duration::from_secs(100), connected.unwrap().close()).await;
        closed.expect("close comes to an end").unwrap();
        let elapsed = start.elapsed();
        assert!((expected..expected * 2).contains(&elapsed), "{elapsed:?}");
        assert!(handle.client_is_gone());
        assert!(handle.received().ends_with(&[1, 0, 0, 0, 1]), "COM_QUIT");
    }
}
