//! An in-memory stream between a client and a fake server that runs inside it, without a task or
//! a clock: what the client writes is answered when it reads.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The other end of a [`Pipe`].
pub trait Peer: Send {
    /// What the peer sends before it receives anything.
    fn greet(&mut self) -> Vec<Action>;

    /// The peer has received these bytes. Returns what it does.
    fn receive(&mut self, bytes: &[u8]) -> Vec<Action>;
}

impl Peer for Box<dyn Peer> {
    fn greet(&mut self) -> Vec<Action> {
        (**self).greet()
    }

    fn receive(&mut self, bytes: &[u8]) -> Vec<Action> {
        (**self).receive(bytes)
    }
}

/// What a peer does.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Action {
    /// It sends bytes.
    Send(Vec<u8>),
    /// It closes the connection: the client reads to the end of what was sent.
    Close,
    /// It resets the connection: the client gets an error behind what was sent.
    Reset,
}

/// How a pipe cuts what passes through it.
#[derive(Clone, Debug)]
pub enum Cut {
    /// Everything at once.
    Whole,
    /// At most so many bytes a poll, and `Pending` before each of them.
    Every(usize),
    /// Everything up to that byte of what the peer sends, `Pending` once, and then the rest.
    Once(usize),
    /// What the client writes is never taken, and it is never told to try again.
    NoWrites,
    /// What the client writes reaches the peer when it flushes, at the second poll.
    UntilFlush,
    /// Seeded: any number of bytes, with or without `Pending` before them.
    Random(fastrand::Rng),
}

/// The client's end of the stream.
pub struct Pipe {
    shared: Arc<Mutex<Shared>>,
}

/// What a test sees of a [`Pipe`] that a connection owns.
#[derive(Clone)]
pub struct PipeHandle {
    shared: Arc<Mutex<Shared>>,
}

struct Shared {
    peer: Box<dyn Peer>,
    cut: Cut,
    to_client: VecDeque<u8>,
    end: Option<Action>,
    sent: usize,
    received: Vec<u8>,
    writes: usize,
    /// Written and not flushed.
    held: Vec<u8>,
    /// The next poll of this direction gets something.
    read_turn: bool,
    write_turn: bool,
    client_is_gone: bool,
}

impl Pipe {
    /// A stream to `peer`.
    pub fn new(mut peer: impl Peer + 'static, cut: Cut) -> Self {
        let greeting = peer.greet();
        let mut shared = Shared {
            peer: Box::new(peer),
            cut,
            to_client: VecDeque::new(),
            end: None,
            sent: 0,
            received: Vec::new(),
            writes: 0,
            held: Vec::new(),
            read_turn: false,
            write_turn: false,
            client_is_gone: false,
        };
        shared.act(greeting);
        Self {
            shared: Arc::new(Mutex::new(shared)),
        }
    }

    /// A handle that outlives the stream's move into a connection.
    pub fn handle(&self) -> PipeHandle {
        PipeHandle {
            shared: Arc::clone(&self.shared),
        }
    }

    /// A peer may have panicked; the connection that is dropped then must not panic as well.
    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PipeHandle {
    /// Cuts differently from here on.
    pub fn set_cut(&self, cut: Cut) {
        let mut shared = self.shared();
        shared.sent = 0;
        shared.read_turn = false;
        shared.cut = cut;
    }

    /// Lets the peer act on its own account.
    pub fn act(&self, actions: Vec<Action>) {
        self.shared().act(actions);
    }

    /// All bytes that the client has written.
    pub fn received(&self) -> Vec<u8> {
        self.shared().received.clone()
    }

    /// How many bytes the client has read since the last cut was set.
    pub fn sent(&self) -> usize {
        self.shared().sent
    }

    /// How many times the client has written something.
    pub fn writes(&self) -> usize {
        self.shared().writes
    }

    /// Whether the client has dropped its end.
    pub fn client_is_gone(&self) -> bool {
        self.shared().client_is_gone
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared
            .lock()
            .expect("no test panics while it holds the lock")
    }
}

impl Shared {
    fn act(&mut self, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Send(bytes) if self.end.is_none() => self.to_client.extend(bytes),
                Action::Send(_) => {}
                end => self.end = Some(end),
            }
        }
    }

    /// How many of `available` bytes pass now; `None` for `Pending`.
    fn passes(&mut self, available: usize, reading: bool) -> Option<usize> {
        let turn = if reading {
            &mut self.read_turn
        } else {
            &mut self.write_turn
        };
        match &mut self.cut {
            Cut::Whole | Cut::NoWrites | Cut::UntilFlush => Some(available),
            Cut::Every(bytes) => {
                *turn = !*turn;
                (!*turn).then_some(available.min(*bytes))
            }
            Cut::Once(_) if !reading => Some(available),
            Cut::Once(byte) if self.sent < *byte => Some(available.min(*byte - self.sent)),
            Cut::Once(byte) => {
                if self.sent == *byte && !*turn {
                    *turn = true;
                    return None;
                }
                Some(available)
            }
            Cut::Random(random) => random
                .bool()
                .then(|| random.usize(1..=available.clamp(1, RANDOM_BYTES))),
        }
    }
}

impl AsyncRead for Pipe {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut shared = self.shared();
        let available = shared.to_client.len().min(buffer.remaining());
        if available == 0 {
            return match shared.end {
                // Nobody will ever wake the reader: a server that hangs.
                None => Poll::Pending,
                Some(Action::Reset) => Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
                Some(_) => Poll::Ready(Ok(())),
            };
        }
        let Some(passing) = shared.passes(available, true) else {
            context.waker().wake_by_ref();
            return Poll::Pending;
        };
        let passing = passing.min(available);
        let bytes: Vec<u8> = shared.to_client.drain(..passing).collect();
        buffer.put_slice(&bytes);
        shared.sent += passing;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Pipe {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut shared = self.shared();
        if matches!(shared.cut, Cut::UntilFlush) {
            shared.held.extend_from_slice(bytes);
            return Poll::Ready(Ok(bytes.len()));
        }
        if shared.end.is_some() {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        if matches!(shared.cut, Cut::NoWrites) {
            return Poll::Pending;
        }
        let Some(passing) = shared.passes(bytes.len(), false) else {
            context.waker().wake_by_ref();
            return Poll::Pending;
        };
        let passing = &bytes[..passing.min(bytes.len())];
        shared.received.extend_from_slice(passing);
        shared.writes += 1;
        let actions = shared.peer.receive(passing);
        shared.act(actions);
        Poll::Ready(Ok(passing.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut shared = self.shared();
        if shared.held.is_empty() {
            return Poll::Ready(Ok(()));
        }
        if shared.end.is_some() {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        shared.write_turn = !shared.write_turn;
        if shared.write_turn {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let held = std::mem::take(&mut shared.held);
        shared.received.extend_from_slice(&held);
        shared.writes += 1;
        let actions = shared.peer.receive(&held);
        shared.act(actions);
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        self.shared().client_is_gone = true;
    }
}

impl fmt::Debug for Pipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pipe")
    }
}

impl fmt::Debug for PipeHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PipeHandle")
    }
}

/// Random cuts are this long at most, so that there are many of them.
const RANDOM_BYTES: usize = 64;
