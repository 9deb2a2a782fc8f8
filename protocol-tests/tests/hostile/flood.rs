//! Servers whose answers do not end, or come a byte at a time.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use protocol_tests::pipe::{Cut, Peer, Pipe, PipeHandle};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

/// A stream from a server that says what a peer does, and behind that never stops, as far as a
/// client with limits can tell. Without them it panics before the test hangs or takes all memory.
pub struct Flood<F> {
    pipe: Pipe,
    handle: PipeHandle,
    /// The flood begins when the client has written so often.
    after_writes: usize,
    /// Gives what comes next.
    more: F,
    interval: Duration,
    pause: Pin<Box<Sleep>>,
    /// What did not fit into a read.
    rest: Vec<u8>,
    pieces_left: usize,
    bytes_left: usize,
}

impl<F: FnMut() -> Vec<u8> + Unpin> Flood<F> {
    /// Floods with what `more` gives, a piece in every `interval`, when the client has written
    /// `after_writes` times.
    pub fn new(
        peer: impl Peer + 'static,
        after_writes: usize,
        interval: Duration,
        more: F,
    ) -> Self {
        let pipe = Pipe::new(peer, Cut::Whole);
        Self {
            handle: pipe.handle(),
            pipe,
            after_writes,
            more,
            interval,
            pause: Box::pin(tokio::time::sleep(interval)),
            rest: Vec::new(),
            pieces_left: MAX_PIECES,
            bytes_left: MAX_BYTES,
        }
    }

    fn next_piece(&mut self) -> Vec<u8> {
        let piece = (self.more)();
        let pieces = self.pieces_left.checked_sub(1);
        self.pieces_left = pieces.expect("a client that ends the flood");
        let bytes = self.bytes_left.checked_sub(piece.len());
        self.bytes_left = bytes.expect("a client that ends the flood");
        piece
    }
}

impl<F: FnMut() -> Vec<u8> + Unpin> AsyncRead for Flood<F> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let flood = &mut *self;
        let polled = Pin::new(&mut flood.pipe).poll_read(context, buffer);
        if polled.is_ready() || flood.handle.writes() < flood.after_writes {
            return polled;
        }
        if flood.rest.is_empty() {
            if flood.pause.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
            flood.pause.as_mut().reset(Instant::now() + flood.interval);
            flood.rest = flood.next_piece();
        }
        let taken = flood.rest.len().min(buffer.remaining());
        buffer.put_slice(&flood.rest[..taken]);
        flood.rest.drain(..taken);
        Poll::Ready(Ok(()))
    }
}

impl<F: FnMut() -> Vec<u8> + Unpin> AsyncWrite for Flood<F> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.pipe).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipe).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipe).poll_shutdown(context)
    }
}

/// Payloads as packets, numbered from `sequence_number` on.
pub fn packets(
    mut sequence_number: u8,
    mut payload: impl FnMut() -> Vec<u8>,
) -> impl FnMut() -> Vec<u8> {
    move || {
        let payload = payload();
        let [a, b, c, ..] = payload.len().to_le_bytes();
        let packet = [&[a, b, c, sequence_number], payload.as_slice()].concat();
        sequence_number = sequence_number.wrapping_add(1);
        packet
    }
}

/// One byte of `bytes` after the other, and then zeros.
pub fn bytes(bytes: Vec<u8>) -> impl FnMut() -> Vec<u8> {
    let mut bytes = bytes.into_iter();
    move || vec![bytes.next().unwrap_or_default()]
}

/// At one in a millisecond, more than twice as many as the longest call here may take.
const MAX_PIECES: usize = 20_000;
/// Four times the greatest limit, that of warnings.
const MAX_BYTES: usize = 256 * 1024 * 1024;
