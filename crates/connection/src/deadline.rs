//! How long a call may take.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use otaria_session::{CancelPolicy, Error, TimeoutPhase};
use tokio::time::{Instant, timeout_at};

use crate::cancel::Watched;
use crate::drain::LeftBehind;
use crate::io::Step;
use crate::kills::KillsBefore;
use crate::{Connection, SideConnections, Stopped};

/// What limits the calls of a connection.
#[derive(Debug, Default)]
pub(crate) struct Limits {
    /// How long the next call may take, in place of what the configuration says.
    next: Option<Duration>,
    /// Of what the next call is a part, if it is one.
    whole: Option<CallLimit>,
    /// When the time of the call is over. It stays until the next call begins: rows are read, and
    /// values sent, by futures of their own.
    deadline: Option<Instant>,
    /// How much time the call had in all.
    time: Duration,
    /// What calls have had too little time to end that an earlier one has left behind.
    pub(crate) left_behind: Option<LeftBehind>,
    /// What tokens are told, if there are any.
    pub(crate) watched: Option<Arc<Watched>>,
    /// What has to be answered before anything more is sent.
    pub(crate) kills_before: Option<KillsBefore>,
    /// How many connections may be made to stop what this one and others run, if that is limited.
    pub(crate) side_connections: Option<SideConnections>,
}

/// How long a call may take that consists of several: see [`Connection::begin_calls`].
#[derive(Clone, Copy, Debug)]
pub struct CallLimit {
    deadline: Option<Instant>,
    time: Duration,
}

/// When a wait has to end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WaitLimit {
    pub(crate) at: Instant,
    /// Whether the call has no more time then. If it has, it is the server that took too long for
    /// one read or write.
    of_call: bool,
}

impl Connection {
    /// Gives the next call at most so much time, in place of
    /// [`call_timeout`](otaria_session::ConfigBuilder::call_timeout), which says what that covers:
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # async fn report(connection: &mut otaria_connection::Connection)
    /// # -> Result<(), otaria_session::Error> {
    /// let limit = Duration::from_secs(30);
    /// let sql = "SELECT SUM(amount) FROM sale WHERE year = ?";
    /// let (total,): (f64,) = connection.with_timeout(limit).query_one(sql, (2026,)).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// The call begins when its method is called; one that is never polled takes its limit along.
    ///
    /// When the time is over the call returns [`Error::Timeout`], as soon as the statement has been
    /// stopped or the connection closed, as
    /// [`cancel_policy`](otaria_session::ConfigBuilder::cancel_policy) wants it. To stop it takes up to
    /// [`stop_timeout`](otaria_session::ConfigBuilder::stop_timeout) more, but a server that is out of
    /// reach is given up after as much time again as the call had, or after a second if that is
    /// longer; to read the rest it takes up to
    /// [`drain_timeout`](otaria_session::ConfigBuilder::drain_timeout). Of the methods that take no
    /// time, such as [`status`](Self::status), none is a call, nor are [`drain`](Self::drain) and
    /// [`stop`](Self::stop), which have limits of their own.
    pub const fn with_timeout(&mut self, limit: Duration) -> &mut Self {
        self.limits.next = Some(limit);
        self.is_limited = true;
        self
    }

    /// Begins a call that consists of several, such as one that asks for something before it runs a
    /// statement. Each of them is made [`within`](Self::within) what this returns, so that all of them
    /// together take no longer than one call may.
    pub fn begin_calls(&mut self) -> CallLimit {
        self.begin_call();
        CallLimit {
            deadline: self.limits.deadline,
            time: self.limits.time,
        }
    }

    /// Makes the next call one of those that [`begin_calls`](Self::begin_calls) has begun.
    pub const fn within(&mut self, whole: CallLimit) -> &mut Self {
        if whole.deadline.is_some() {
            self.limits.whole = Some(whole);
            self.is_limited = true;
        }
        self
    }

    /// Whether nothing limits how long the server may take, and nobody wants to know what it runs.
    #[inline]
    pub(crate) const fn is_patient(&self) -> bool {
        !self.is_limited
    }

    /// A call begins: what limits the one before is over. It begins when its method is called, and not
    /// when it is first polled, so that a limit is never that of another call.
    #[inline]
    pub(crate) fn begin_call(&mut self) {
        if self.is_limited {
            self.begin_limited_call();
        }
    }

    #[cold]
    fn begin_limited_call(&mut self) {
        if let Some(watched) = self.limits.watched.take() {
            self.end_watched_call(&watched);
            self.limits.watched = Some(watched).filter(|watched| Arc::strong_count(watched) > 1);
        }
        self.close_if_in_doubt();
        if self.is_ready() {
            self.limits.left_behind = None;
        }
        let limit = self.limits.next.take();
        let limit = limit.or_else(|| self.config.call_timeout());
        let whole = self.limits.whole.take().unwrap_or_else(|| CallLimit {
            deadline: limit.and_then(|limit| Instant::now().checked_add(limit)),
            time: limit.unwrap_or_default(),
        });
        self.limits.deadline = whole.deadline;
        self.limits.time = whole.time;
        self.is_limited = whole.deadline.is_some() || self.is_always_limited();
    }

    /// Takes up what the configuration says of limits.
    pub(crate) fn take_limits(&mut self) {
        self.is_limited |= self.is_always_limited();
    }

    fn is_always_limited(&self) -> bool {
        self.config.call_timeout().is_some()
            || self.config.io_timeout().is_some()
            || self.limits.watched.is_some()
            || self.limits.left_behind.is_some()
            || self.limits.kills_before.is_some()
    }

    /// Takes what was said of the next call, which consists of several.
    pub(crate) const fn take_next_limit(&mut self) -> Option<Duration> {
        self.limits.next.take()
    }

    /// Says so of the next call.
    pub(crate) const fn set_next_limit(&mut self, limit: Option<Duration>) {
        self.limits.next = limit;
        self.is_limited |= limit.is_some();
    }

    /// The call is over, whatever time it had: what follows has a limit of its own.
    pub(crate) const fn end_deadline(&mut self) {
        self.limits.deadline = None;
    }

    /// Closes the connection if its next statement may be the one that is killed.
    pub(crate) fn close_if_in_doubt(&mut self) {
        if self.kill_is_in_doubt {
            self.session.cancelled();
            self.transport = None;
        }
    }

    /// Whoever had the connection is done with it: there is no call whose time could be over, none
    /// that has been given a time, and what follows is not for the tokens that there are.
    #[inline]
    pub(crate) fn end_calls(&mut self) {
        if self.is_limited {
            self.end_limited_calls();
        }
    }

    #[cold]
    fn end_limited_calls(&mut self) {
        self.end_deadline();
        self.limits.left_behind = None;
        self.limits.next = None;
        self.limits.whole = None;
        if let Some(watched) = self.limits.watched.take() {
            watched.set_route(None);
            self.end_watched_call(&watched);
        }
        self.close_if_in_doubt();
    }

    /// What tokens were told of is over, and what they have sent may hit what follows.
    fn end_watched_call(&mut self, watched: &Arc<Watched>) {
        watched.begin_call();
        let kills = watched.kills();
        self.kill_is_in_doubt |= kills.are_in_doubt();
        if kills.are_due() {
            let new = || KillsBefore::new(kills, self.config.stop_timeout());
            self.limits.kills_before.get_or_insert_with(new);
        }
    }

    /// Waits until no kill is on its way that was meant for an earlier call.
    pub(crate) async fn wait_for_kills(&mut self) -> Result<(), Error> {
        if let Some(kills) = &self.limits.kills_before {
            self.kill_is_in_doubt |= !kills.are_answered().await;
            self.limits.kills_before = None;
            self.close_if_in_doubt();
            self.check_open()?;
        }
        Ok(())
    }

    pub(crate) const fn deadline(&self) -> Option<Instant> {
        self.limits.deadline
    }

    /// When a wait for the caller's own data has to end.
    pub(crate) fn call_limit(&self) -> Option<WaitLimit> {
        let limit = |at| WaitLimit { at, of_call: true };
        self.limits.deadline.map(limit)
    }

    /// When a wait that begins now has to end.
    pub(crate) fn wait_limit(&self) -> Option<WaitLimit> {
        if self.is_patient() {
            return None;
        }
        let deadline = self.limits.deadline;
        let io = self.config.io_timeout();
        let io = io.and_then(|timeout| Instant::now().checked_add(timeout));
        match (deadline, io) {
            (Some(at), io) if io.is_none_or(|io| at <= io) => Some(WaitLimit { at, of_call: true }),
            (_, Some(at)) => Some(WaitLimit { at, of_call: false }),
            (_, None) => None,
        }
    }

    /// The error of a wait that has ended by its limit.
    pub(crate) async fn wait_is_over(&mut self, limit: Option<WaitLimit>) -> Error {
        if limit.is_some_and(|limit| limit.of_call) {
            self.call_timed_out().await
        } else {
            self.timed_out()
        }
    }

    /// Writes or reads once, before the time is over.
    pub(crate) async fn step_in_time(&mut self) -> Result<Step, Error> {
        if let Some(watched) = &self.limits.watched {
            watched.note(&self.session);
        }
        if self.is_over() {
            return Err(self.call_timed_out().await);
        }
        // What is done at once needs no timer.
        let step = poll_fn(|context| Poll::Ready(self.poll_exchange(true, context))).await;
        if let Poll::Ready(step) = step {
            return Ok(step);
        }
        let limit = self.wait_limit();
        // What waits takes its time, and the timer much room.
        let step = Box::pin(until(
            limit,
            poll_fn(|context| self.poll_exchange(true, context)),
        ));
        match step.await {
            Some(step) => Ok(step),
            None => Err(self.wait_is_over(limit).await),
        }
    }

    /// Whether the time of the call is over. A server that never lets the client wait would else
    /// never be looked at the clock for, and a call that is first polled when its time is over
    /// would be sent.
    fn is_over(&self) -> bool {
        let deadline = self.limits.deadline;
        deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }

    /// Ends a call whose time is over. Should this be dropped, the deadline is still there: rows of
    /// which some were thrown away are never taken for whole.
    ///
    /// The type tells the compiler that the future of a call does not contain itself.
    pub(crate) fn call_timed_out(&mut self) -> Pin<Box<dyn Future<Output = Error> + Send + '_>> {
        Box::pin(async {
            let phase = self.session.timeout_phase();
            let statement_stopped = self.end_statement().await;
            if !statement_stopped {
                self.session.timed_out();
                self.transport = None;
            }
            Error::Timeout {
                phase,
                statement_stopped,
            }
        })
    }

    /// Ends what the server runs as the configuration wants it, and says whether the connection can
    /// be used.
    async fn end_statement(&mut self) -> bool {
        let is_ended = match self.config.cancel_policy() {
            CancelPolicy::Drain => {
                let limit = self.drain_limit();
                matches!(self.drain_within(limit).await, Ok(true))
            }
            CancelPolicy::Stop => {
                // A server that is out of reach is not waited for much longer than the caller wanted
                // to.
                let limit = self.limits.time.max(MIN_TIME_BESIDE);
                let stopped = self.stop_from(None, limit).await;
                matches!(stopped, Ok(Stopped::Killed | Stopped::NotRunning))
            }
            _ => false,
        };
        is_ended && self.close_reason().is_none()
    }
}

/// How long the connection by which a call's statement is stopped may take at least: the login has many
/// round trips, and the server is busy.
const MIN_TIME_BESIDE: Duration = Duration::from_secs(1);

/// The error of a call whose time was over before anything of it was sent.
pub(crate) const fn not_ready() -> Error {
    Error::Timeout {
        phase: TimeoutPhase::Ready,
        statement_stopped: true,
    }
}

/// Awaits `future`, until the limit at most.
pub(crate) async fn until<F: Future>(limit: Option<WaitLimit>, future: F) -> Option<F::Output> {
    match limit {
        Some(limit) => timeout_at(limit.at, future).await.ok(),
        None => Some(future.await),
    }
}
