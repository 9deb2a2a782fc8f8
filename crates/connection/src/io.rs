//! The only awaits on the transport.
//!
//! Every function here can be dropped at each of its awaits: what was read lies in the session's
//! buffer, what was not written in its queue, and nothing in the future.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use otaria_session::{CloseReason, Error, Event, PacketRange, Progress, Session};
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{timeout, timeout_at};

use crate::Connection;
use crate::deadline::{not_ready, until};
use crate::transport::Transport;

impl Connection {
    /// Waits for the next event of the login or of the response that is due.
    pub(crate) async fn event(&mut self) -> Result<Event, Error> {
        loop {
            match self.session.poll() {
                Ok(Some(Event::Progress(progress))) => {
                    self.report(&progress);
                    continue;
                }
                Ok(Some(event)) => return Ok(event),
                Ok(None) => {}
                Err(error) => return Err(self.closed(error)),
            }
            self.exchange().await?;
        }
    }

    /// Tells the caller how far the server is, if the configuration wants that.
    pub(crate) fn report(&self, progress: &Progress) {
        if let Some(on_progress) = self.config.on_progress() {
            on_progress(progress);
        }
    }

    /// Makes the connection ready for a command, of a call that has begun: what an earlier call left
    /// behind is taken back if it was not sent, and ended if it was.
    pub(crate) async fn ready_within_call(&mut self) -> Result<(), Error> {
        if self.is_ready() {
            return Ok(());
        }
        let deadline = self.deadline();
        // The future is large, and rarely needed.
        let settle = Box::pin(self.settle());
        let settled = match deadline {
            None => settle.await,
            // What is left is for the next call.
            Some(end) => match timeout_at(end, settle).await {
                Ok(settled) => settled,
                Err(_) => Err(not_ready()),
            },
        };
        self.take_changed_config();
        settled?;
        self.resolve_doubt().await?;
        self.session.check_transaction()
    }

    /// Whether the connection is ready for a command already, as it is unless the call before was
    /// dropped or ended by a token.
    #[inline]
    pub(crate) fn is_ready(&self) -> bool {
        self.session.is_settled()
            && self.session.is_transaction_open()
            && !self.needs_flush
            && self.limits.kills_before.is_none()
    }

    /// Sends what is queued and reads once; for a transport with a time limit it may stop before.
    ///
    /// While commands are being sent the responses to those before are taken in: a server that
    /// cannot send them stops reading, and both sides would wait for each other.
    pub(crate) async fn exchange(&mut self) -> Result<(), Error> {
        if self.transport.is_none() {
            return Err(self.is_closed_error());
        }
        let step = if self.is_patient() {
            poll_fn(|context| self.poll_exchange(false, context)).await
        } else {
            self.step_in_time().await?
        };
        self.exchanged(step).await
    }

    /// Notes what an exchange has come to.
    pub(crate) async fn exchanged(&mut self, step: Step) -> Result<(), Error> {
        match step {
            Step::Read(read) => self.received(read),
            Step::Written(Ok(_)) => Ok(()),
            Step::Written(Err(error)) => self.hear_before(error).await,
        }
    }

    /// What has come before a write failed is read as long as there is something: the answers to
    /// commands that the server has taken, which are for who has sent these. The next write fails again.
    async fn hear_before(&mut self, error: io::Error) -> Result<(), Error> {
        if self.session.all_responses_due() > 1
            && let Some(transport) = &mut self.transport
        {
            let read = transport.read_buf(self.session.read_buffer());
            if let Ok(Ok(1..)) = timeout(LAST_WORDS_TIME, read).await {
                return Ok(());
            }
        }
        Err(self.write_failed(error).await)
    }

    /// Does what [`exchange`](Self::exchange) does, and takes the row that has come if it is all of
    /// the response. What the exchange has come to is the error where it was not a read.
    ///
    /// A function and no future: `query_one` of a statement that is prepared, which programs do most,
    /// costs a tenth less without one for each step.
    pub(crate) fn poll_only_row(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Result<Option<PacketRange>, Step>> {
        self.poll_exchange(false, context).map(|step| match step {
            Step::Read(Ok(1..)) => Ok(self.session.take_only_row()),
            step => Err(step),
        })
    }

    /// Writes all and reads once, in as few polls as possible; or, for a `single_step`, does the one
    /// or the other, as far as it goes at once.
    #[inline]
    pub(crate) fn poll_exchange(
        &mut self,
        single_step: bool,
        context: &mut Context<'_>,
    ) -> Poll<Step> {
        let has_more = !self.is_flushed();
        if has_more && let Poll::Ready(step) = self.poll_write_all(single_step, context) {
            return Poll::Ready(step);
        }
        let Some(transport) = &mut self.transport else {
            return Poll::Ready(Step::Read(Ok(0)));
        };
        // What answers a command that was just sent has not come yet as a rule, and the runtime says
        // so at half the cost of a read that it holds back.
        if has_more && transport.poll_readable(context).is_pending() {
            return Poll::Pending;
        }
        poll_read(&mut self.session, transport, context).map(Step::Read)
    }

    /// Writes all, as far as it goes at once; ready with a failure, and for a `single_step` when
    /// something was written.
    fn poll_write_all(&mut self, single_step: bool, context: &mut Context<'_>) -> Poll<Step> {
        let Some(transport) = &mut self.transport else {
            return Poll::Pending;
        };
        loop {
            let bytes = self.session.unwritten();
            if bytes.is_empty() {
                break;
            }
            match transport.poll_write_now(context, bytes) {
                Poll::Ready(Ok(written @ 1..)) => {
                    self.session.written(written);
                    self.needs_flush = transport.holds_back();
                    if single_step {
                        return Poll::Ready(Step::Written(Ok(written)));
                    }
                }
                Poll::Ready(Ok(_)) => {
                    let error = io::ErrorKind::WriteZero.into();
                    return Poll::Ready(Step::Written(Err(error)));
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Step::Written(Err(error))),
                Poll::Pending => break,
            }
        }
        if self.needs_flush {
            match Pin::new(transport).poll_flush(context) {
                Poll::Ready(Ok(())) => self.needs_flush = false,
                Poll::Ready(Err(error)) => return Poll::Ready(Step::Written(Err(error))),
                Poll::Pending => {}
            }
        }
        Poll::Pending
    }

    /// Writes once, as far as it goes at once, until all has been sent.
    pub(crate) fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<Step> {
        match self.poll_write_all(true, context) {
            Poll::Pending if self.is_flushed() => Poll::Ready(Step::Written(Ok(0))),
            step => step,
        }
    }

    /// Whether all that was queued has been sent.
    #[inline]
    pub(crate) fn is_flushed(&mut self) -> bool {
        !self.needs_flush && self.session.unwritten().is_empty()
    }

    pub(crate) fn timed_out(&mut self) -> Error {
        let error = if self.is_flushed() {
            self.session.read_timed_out()
        } else {
            self.session.write_timed_out()
        };
        self.closed(error)
    }

    /// Sends all that is queued. While that is the content of a file the server is listened to as
    /// well: one that refuses the rest of it would else wait for the client to read, and the
    /// client for the server.
    pub(crate) async fn flush(&mut self) -> Result<(), Error> {
        while !self.session.unwritten().is_empty() {
            let limit = self.wait_limit();
            let Some(transport) = &mut self.transport else {
                return Err(self.is_closed_error());
            };
            let session = &mut self.session;
            let listens = session.is_uploading();
            let step = poll_fn(|context| poll_step(session, transport, listens, context));
            match until(limit, step).await {
                Some(Step::Read(read)) => self.heard(read)?,
                Some(Step::Written(written)) => self.written(written).await?,
                None => return Err(self.wait_is_over(limit).await),
            }
        }
        if self.needs_flush {
            let limit = self.wait_limit();
            let Some(transport) = &mut self.transport else {
                return Err(self.is_closed_error());
            };
            match until(limit, transport.flush()).await {
                Some(Ok(())) => self.needs_flush = false,
                Some(Err(error)) => return Err(self.write_failed(error).await),
                None => return Err(self.wait_is_over(limit).await),
            }
        }
        Ok(())
    }

    /// Notes what was written.
    async fn written(&mut self, written: io::Result<usize>) -> Result<(), Error> {
        match written {
            Ok(0) => Err(self.write_failed(io::ErrorKind::WriteZero.into()).await),
            Ok(written) => {
                self.session.written(written);
                self.needs_flush = self.transport.as_ref().is_some_and(Transport::holds_back);
                Ok(())
            }
            Err(error) => Err(self.write_failed(error).await),
        }
    }

    pub(crate) fn received(&mut self, read: io::Result<usize>) -> Result<(), Error> {
        let error = match read {
            Ok(0) => self.session.lost(),
            Ok(_) => return Ok(()),
            Err(error) if is_end(&error) => self.session.lost(),
            Err(error) => self.session.failed("receive from the server", error),
        };
        Err(self.closed(error))
    }

    /// What came while the content of a file is sent. No response to it can have come, so no event
    /// is passed over.
    pub(crate) fn heard(&mut self, read: io::Result<usize>) -> Result<(), Error> {
        self.received(read)?;
        loop {
            match self.session.poll() {
                Ok(Some(Event::Progress(progress))) => self.report(&progress),
                Ok(Some(_)) => {}
                Ok(None) => return Ok(()),
                Err(error) => return Err(self.closed(error)),
            }
        }
    }

    /// The error for a failed write: that of the server, if it has said why it went.
    ///
    /// A server that refuses a long command closes the connection while the command is still
    /// being sent; its ERR packet is there to be read. Behind the answers to commands before: an ERR among
    /// these is for who has sent that command.
    pub(crate) async fn write_failed(&mut self, error: io::Error) -> Error {
        let last_words = timeout(LAST_WORDS_TIME, self.last_words()).await;
        let error = match last_words {
            Ok(Some(last_words)) => last_words,
            _ if self.session.close_reason().is_some() || is_end(&error) => self.session.lost(),
            _ => self.session.failed("send to the server", error),
        };
        self.closed(error)
    }

    async fn last_words(&mut self) -> Option<Error> {
        loop {
            let is_of_last = self.session.all_responses_due() == 1 && !self.is_flushed();
            match self.session.poll() {
                Ok(Some(Event::Err(error))) if is_of_last => {
                    return Some(self.session.ended(error));
                }
                Ok(Some(_)) => continue,
                Ok(None) => {}
                Err(error) => return Some(error),
            }
            let transport = self.transport.as_mut()?;
            match transport.read_buf(self.session.read_buffer()).await {
                Ok(0) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    /// Drops the transport if `error` has closed the session.
    pub(crate) fn closed(&mut self, error: Error) -> Error {
        if self.session.close_reason().is_some() {
            #[cfg(feature = "tls")]
            self.send_alert(&error);
            self.transport = None;
        }
        error
    }

    /// Tells a server whose TLS is refused why, if that can be done without waiting.
    #[cfg(feature = "tls")]
    fn send_alert(&mut self, error: &Error) {
        if let Some(transport) = &mut self.transport
            && matches!(error, Error::Tls(_))
        {
            transport.write_now(self.session.unwritten());
        }
    }

    /// The error of a command that was not sent because what came before it failed.
    pub(crate) fn not_sent(&mut self, error: Error) -> Error {
        let error = match self.session.close_reason() {
            Some(reason) => Error::Closed { reason },
            None => error,
        };
        self.closed(error)
    }

    pub(crate) fn is_closed_error(&self) -> Error {
        Error::Closed {
            reason: self.session.close_reason().unwrap_or(CloseReason::Lost),
        }
    }
}

/// What was done first of writing and reading.
pub(crate) enum Step {
    Written(io::Result<usize>),
    Read(io::Result<usize>),
}

/// Writes once; or reads once, if nothing can be written and the server is to be listened to.
fn poll_step(
    session: &mut Session,
    transport: &mut Transport,
    listens: bool,
    context: &mut Context<'_>,
) -> Poll<Step> {
    let write = Pin::new(&mut *transport).poll_write(context, session.unwritten());
    if let Poll::Ready(written) = write {
        return Poll::Ready(Step::Written(written));
    }
    if !listens {
        return Poll::Pending;
    }
    poll_read(session, transport, context).map(Step::Read)
}

/// Reads once.
pub(crate) fn poll_read(
    session: &mut Session,
    transport: &mut Transport,
    context: &mut Context<'_>,
) -> Poll<io::Result<usize>> {
    pin!(transport.read_buf(session.read_buffer())).poll(context)
}

/// Awaits `future`, for at most as long as `limit`.
pub(crate) async fn within<F: Future>(limit: Option<Duration>, future: F) -> Option<F::Output> {
    match limit {
        Some(limit) => timeout(limit, future).await.ok(),
        None => Some(future.await),
    }
}

/// Whether the error only says that the peer is gone.
fn is_end(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::UnexpectedEof
            | io::ErrorKind::WriteZero
    )
}

/// How long a server that has closed the connection may take to say why.
const LAST_WORDS_TIME: Duration = Duration::from_millis(200);
