use std::io::Read;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::{fmt, io};

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

/// A byte stream that a connection can run over, such as a tunnel: see
/// [`Connection::connect_over`](crate::Connection::connect_over).
pub trait Stream: AsyncRead + AsyncWrite + Send + Sync + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin> Stream for T {}

/// What carries the bytes of a connection.
pub(crate) enum Transport {
    Tcp(TcpStream),
    Unix(UnixStream),
    Boxed(Box<dyn Stream>),
}

impl Transport {
    /// Writes, like [`poll_write`](AsyncWrite::poll_write), but tries before it asks the runtime
    /// whether it can: a socket that nothing is sent to has room as a rule.
    pub(crate) fn poll_write_now(
        &mut self,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = match self {
            Self::Tcp(stream) => stream.try_write(bytes),
            Self::Unix(stream) => stream.try_write(bytes),
            Self::Boxed(stream) => return Pin::new(stream).poll_write(context, bytes),
        };
        match written {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                Pin::new(self).poll_write(context, bytes)
            }
            written => Poll::Ready(written),
        }
    }

    /// Whether it may be worth to read, as far as the runtime knows. The task is woken when that
    /// changes.
    pub(crate) fn poll_readable(&self, context: &mut Context<'_>) -> Poll<()> {
        match self {
            Self::Tcp(stream) => stream.poll_read_ready(context).map(drop),
            Self::Unix(stream) => stream.poll_read_ready(context).map(drop),
            Self::Boxed(_) => Poll::Ready(()),
        }
    }

    /// Looks at what the socket has received, without taking it: 0 is its end, and `WouldBlock` is
    /// nothing. The runtime is not asked, for it does not know before its driver has run. `None` if
    /// there is no socket.
    #[inline]
    pub(crate) fn peek(&self) -> Option<io::Result<usize>> {
        let mut byte = [MaybeUninit::uninit(); 1];
        match self {
            Self::Tcp(stream) => Some(SockRef::from(stream).peek(&mut byte)),
            Self::Unix(stream) => Some(SockRef::from(stream).peek(&mut byte)),
            Self::Boxed(_) => None,
        }
    }

    /// Whether the runtime that the socket was made on is still there.
    #[inline]
    pub(crate) fn is_driven(&self) -> bool {
        let mut context = Context::from_waker(Waker::noop());
        let ready = match self {
            Self::Tcp(stream) => stream.poll_read_ready(&mut context),
            Self::Unix(stream) => stream.poll_read_ready(&mut context),
            Self::Boxed(_) => Poll::Pending,
        };
        !matches!(ready, Poll::Ready(Err(_)))
    }

    /// Reads what there is without waiting, and without asking the runtime whether there is anything;
    /// `WouldBlock` if there is nothing.
    pub(crate) fn read_now(&mut self, buffer: &mut Vec<u8>) -> io::Result<usize> {
        let mut bytes = [0; READ_BYTES];
        let read = match self {
            Self::Tcp(stream) => (&*SockRef::from(&*stream)).read(&mut bytes)?,
            Self::Unix(stream) => (&*SockRef::from(&*stream)).read(&mut bytes)?,
            Self::Boxed(stream) => {
                let mut bytes = ReadBuf::new(&mut bytes);
                let mut context = Context::from_waker(Waker::noop());
                match Pin::new(stream).poll_read(&mut context, &mut bytes) {
                    Poll::Ready(read) => read.map(|()| bytes.filled().len())?,
                    Poll::Pending => return Err(io::ErrorKind::WouldBlock.into()),
                }
            }
        };
        buffer.extend(bytes.iter().take(read));
        Ok(read)
    }

    /// Whether what was written may still lie in the transport until it is flushed.
    pub(crate) const fn holds_back(&self) -> bool {
        matches!(self, Self::Boxed(_))
    }

    /// Writes what can be written without waiting. What cannot is lost: for farewells only.
    pub(crate) fn write_now(&mut self, bytes: &[u8]) {
        let mut context = Context::from_waker(Waker::noop());
        // There is nobody left whom a failure would concern.
        let _ = Pin::new(&mut *self).poll_write(&mut context, bytes);
        let _ = Pin::new(self).poll_flush(&mut context);
    }
}

impl AsyncRead for Transport {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Unix(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Boxed(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Transport {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Unix(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Boxed(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_flush(context),
            Self::Unix(stream) => Pin::new(stream).poll_flush(context),
            Self::Boxed(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Unix(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Boxed(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp(_) => "Tcp",
            Self::Unix(_) => "Unix",
            Self::Boxed(_) => "Boxed",
        })
    }
}

/// What is read at once without waiting: on the stack, so not much.
const READ_BYTES: usize = 4 * 1024;
