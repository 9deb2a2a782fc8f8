//! Reading responses that nobody wants any more.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::time::Duration;

use otaria_session::{CancelPolicy, Config, Error};
use tokio::time::{Instant, timeout, timeout_at};

use crate::io::Step;
use crate::{Connection, Stopped};

/// How much of what nobody wants is read: for [`Connection::drain`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct DrainLimit {
    /// For how long.
    pub time: Duration,
    /// How many bytes, or a little more; `None` for all.
    pub bytes: Option<u64>,
}

impl DrainLimit {
    pub(crate) const NONE: Self = Self {
        time: Duration::MAX,
        bytes: None,
    };
}

impl Connection {
    /// Reads what earlier calls that were dropped have left behind, and throws it away. Commands of
    /// which nothing was sent are taken back. `true` if nothing is left; `false` when the limit is
    /// reached, and the connection stays open: call this again, [`stop`](Self::stop) the statement,
    /// or leave it to the next call.
    ///
    /// # Errors
    /// Those of the transport, and [`Error::Closed`].
    ///
    /// # Cancel safety
    /// Safe. What was read counts, and the next call goes on.
    pub async fn drain(&mut self, limit: DrainLimit) -> Result<bool, Error> {
        self.end_deadline();
        // The future is large, and rarely needed.
        let answered = timeout(limit.time, Box::pin(self.wait_for_kills())).await;
        match answered {
            Ok(answered) => answered?,
            Err(_) => return Ok(false),
        }
        self.drain_within(limit).await
    }

    /// The same, while the call may go on.
    pub(crate) async fn drain_within(&mut self, limit: DrainLimit) -> Result<bool, Error> {
        self.close_if_in_doubt();
        self.check_open()?;
        self.session.abandon();
        self.drain_while(limit, While::NotDone).await
    }

    /// What the configuration says.
    pub(crate) fn drain_limit(&self) -> DrainLimit {
        DrainLimit {
            time: self.config.drain_timeout(),
            bytes: self.config.drain_bytes(),
        }
    }

    /// Takes care of what an earlier call left behind: what was not sent is taken back, and what was
    /// is ended as the configuration wants it.
    pub(crate) async fn settle(&mut self) -> Result<(), Error> {
        self.wait_for_kills().await?;
        self.session.abandon();
        match self.settle_by_policy().await {
            Ok(true) => {
                self.limits.left_behind = None;
                Ok(())
            }
            Ok(false) => {
                let error = self.session.drain_timed_out();
                Err(self.closed(error))
            }
            Err(error) => Err(self.not_sent(error)),
        }
    }

    async fn settle_by_policy(&mut self) -> Result<bool, Error> {
        if self.session.unwritten().is_empty() && self.session.discard()? {
            return Ok(true);
        }
        if self.session.is_abandoned() && !self.end_abandoned().await? {
            return Ok(false);
        }
        // What cleans up or begins a transaction is wanted, however long it takes.
        self.drain_while(DrainLimit::NONE, While::NotDone).await
    }

    /// Ends the responses that nobody wants. `true` if none of them is left.
    async fn end_abandoned(&mut self) -> Result<bool, Error> {
        let limit = self.drain_limit();
        match self.config.cancel_policy() {
            CancelPolicy::Close => Ok(false),
            CancelPolicy::Stop if self.can_be_stopped() => {
                let limit = DrainLimit {
                    bytes: limit.bytes.or(Some(MAX_BYTES_BEFORE_STOP)),
                    ..limit
                };
                if self.drain_while(limit, While::Heard(QUIET_TIME)).await? {
                    return Ok(true);
                }
                Ok(self.has_stops_left() && self.stop_left_behind().await != Stopped::NotFound)
            }
            _ => self.drain_while(limit, While::Abandoned).await,
        }
    }

    /// The type tells the compiler that the future does not contain itself: to stop a statement takes
    /// another connection.
    fn stop_left_behind(&mut self) -> Pin<Box<dyn Future<Output = Stopped> + Send + '_>> {
        Box::pin(async {
            // Whatever it is that keeps it from being stopped, the connection is closed.
            let limit = self.config.stop_timeout();
            let stopped = self.stop_from(None, limit).await;
            stopped.unwrap_or(Stopped::NotFound)
        })
    }

    /// Whether what was left behind may be tried to be stopped once more.
    fn has_stops_left(&mut self) -> bool {
        let new = || LeftBehind::new(Instant::now());
        let left_behind = self.limits.left_behind.get_or_insert_with(new);
        left_behind.stops += 1;
        left_behind.stops <= MAX_STOPS
    }

    /// Reads within `limit`, and for as long as it is of use. `true` if nothing is left.
    pub(crate) async fn drain_while(
        &mut self,
        limit: DrainLimit,
        of_use: While,
    ) -> Result<bool, Error> {
        let quiet = of_use.quiet();
        let mut so_far = self.so_far(quiet.is_some());
        let end = so_far.since.checked_add(limit.time);
        let mut is_over = false;
        loop {
            let is_settled = match self.session.discard() {
                Ok(is_settled) => is_settled,
                Err(error) => return Err(self.closed(error)),
            };
            if is_settled && self.is_flushed() {
                self.take_changed_config();
                return Ok(true);
            }
            let is_wanted = self.session.is_response_due() && !self.session.is_abandoned();
            if is_wanted && of_use.is_for_abandoned() {
                return Ok(true);
            }
            // A response may have asked for something on its way.
            self.finish_change_of_user().await?;
            is_over |= of_use.is_over(self.session.all_responses_due());
            if is_over || limit.bytes.is_some_and(|limit| so_far.bytes >= limit) {
                return Ok(false);
            }
            let io_timeout = of_use.io_timeout(&self.config);
            let io_end = io_timeout.and_then(|timeout| Instant::now().checked_add(timeout));
            let quiet_end = quiet.and_then(|quiet| so_far.heard.checked_add(quiet));
            let wait_end = end.into_iter().chain(quiet_end).chain(io_end).min();
            let step = self.drain_step(is_settled);
            let step = match wait_end {
                Some(end) => timeout_at(end, step).await,
                None => Ok(step.await),
            };
            match step {
                Ok(step) => {
                    so_far.bytes += step?;
                    so_far.heard = Instant::now();
                    is_over = end.is_some_and(|end| so_far.heard >= end);
                    if quiet.is_some() {
                        self.limits.left_behind = Some(so_far);
                    }
                }
                Err(_) if wait_end == io_end => return Err(self.timed_out()),
                Err(_) => return Ok(false),
            }
        }
    }

    /// How far earlier calls have come with what is read now, if that is what is `left_behind`.
    fn so_far(&mut self, left_behind: bool) -> LeftBehind {
        let new = || LeftBehind::new(Instant::now());
        if !left_behind {
            return new();
        }
        // A call that ends before this does is followed by one that looks at it.
        self.is_limited = true;
        *self.limits.left_behind.get_or_insert_with(new)
    }

    /// Writes or reads once, and says how many bytes have come. The time of the call is not looked
    /// at: it may be over, or that of an earlier one.
    async fn drain_step(&mut self, is_settled: bool) -> Result<u64, Error> {
        if self.transport.is_none() {
            return Err(self.is_closed_error());
        }
        let step = poll_fn(|context| {
            if is_settled {
                self.poll_flush(context)
            } else {
                self.poll_exchange(true, context)
            }
        });
        match step.await {
            Step::Read(read) => {
                let bytes = read.as_ref().copied().unwrap_or_default();
                self.received(read)?;
                Ok(u64::try_from(bytes).unwrap_or(u64::MAX))
            }
            Step::Written(Ok(_)) => Ok(0),
            Step::Written(Err(error)) => Err(self.write_failed(error).await),
        }
    }
}

/// A response that nobody wants, and that is being read, over all calls that had too little time for
/// it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LeftBehind {
    since: Instant,
    /// When the server has said something last.
    heard: Instant,
    bytes: u64,
    /// How often it was tried to stop it.
    stops: u32,
}

impl LeftBehind {
    const fn new(now: Instant) -> Self {
        Self {
            since: now,
            heard: now,
            bytes: 0,
            stops: 0,
        }
    }
}

/// For how long it is of use to read on.
#[derive(Clone, Copy, Debug)]
pub(crate) enum While {
    /// As long as anything is left.
    NotDone,
    /// As long as a response is due that nobody wants.
    Abandoned,
    /// The same, and the server says something, and never nothing for so long.
    Heard(Duration),
    /// As long as so many responses are due.
    Due(usize),
}

impl While {
    const fn quiet(self) -> Option<Duration> {
        match self {
            Self::Heard(quiet) => Some(quiet),
            Self::NotDone | Self::Abandoned | Self::Due(_) => None,
        }
    }

    /// How long the server may say nothing. Who stops a statement waits for as long as that may take.
    fn io_timeout(self, config: &Config) -> Option<Duration> {
        match self {
            Self::Due(_) => None,
            Self::NotDone | Self::Abandoned | Self::Heard(_) => config.io_timeout(),
        }
    }

    const fn is_for_abandoned(self) -> bool {
        matches!(self, Self::Abandoned | Self::Heard(_))
    }

    const fn is_over(self, responses_due: usize) -> bool {
        match self {
            Self::Due(due) => responses_due < due,
            Self::NotDone | Self::Abandoned | Self::Heard(_) => false,
        }
    }
}

/// How long a server may say nothing before a statement that nobody waits for is stopped: longer than
/// most statements take.
const QUIET_TIME: Duration = Duration::from_millis(100);
/// How many calls may try to stop a statement and end before that is done.
const MAX_STOPS: u32 = 10;
/// Where the statement can be stopped, that is less work than to read more.
const MAX_BYTES_BEFORE_STOP: u64 = 16 * 1024 * 1024;
