//! Reading responses that nobody wants any more.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::time::Duration;

use otaria_session::{CancelPolicy, Error};
use tokio::time::{Instant, timeout_at};

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
    const NONE: Self = Self {
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
        self.session.abandon();
        match self.settle_by_policy().await {
            Ok(true) => Ok(()),
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
                Ok(self.stop_left_behind().await != Stopped::NotFound)
            }
            _ => self.drain_while(limit, While::Abandoned).await,
        }
    }

    /// The type tells the compiler that the future does not contain itself: to stop a statement takes
    /// another connection.
    fn stop_left_behind(&mut self) -> Pin<Box<dyn Future<Output = Stopped> + Send + '_>> {
        Box::pin(async {
            // Whatever it is that keeps it from being stopped, the connection is closed.
            self.stop().await.unwrap_or(Stopped::NotFound)
        })
    }

    /// Reads within `limit`, and for as long as it is of use. `true` if nothing is left.
    pub(crate) async fn drain_while(
        &mut self,
        limit: DrainLimit,
        of_use: While,
    ) -> Result<bool, Error> {
        let quiet = of_use.quiet();
        let start = Instant::now();
        let end = start.checked_add(limit.time);
        let mut quiet_end = quiet.and_then(|quiet| start.checked_add(quiet));
        let mut bytes = 0;
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
            if is_over || limit.bytes.is_some_and(|limit| bytes >= limit) {
                return Ok(false);
            }
            let io_timeout = self.config.io_timeout();
            let io_end = io_timeout.and_then(|timeout| Instant::now().checked_add(timeout));
            let wait_end = end.into_iter().chain(quiet_end).chain(io_end).min();
            let step = self.drain_step(is_settled);
            let step = match wait_end {
                Some(end) => timeout_at(end, step).await,
                None => Ok(step.await),
            };
            match step {
                Ok(step) => {
                    bytes += step?;
                    let now = Instant::now();
                    is_over = end.is_some_and(|end| now >= end);
                    quiet_end = quiet.and_then(|quiet| now.checked_add(quiet));
                }
                Err(_) if wait_end == io_end => return Err(self.timed_out()),
                Err(_) => return Ok(false),
            }
        }
    }

    /// Writes or reads once, and says how many bytes have come.
    async fn drain_step(&mut self, is_settled: bool) -> Result<u64, Error> {
        if self.transport.is_none() {
            return Err(self.is_closed_error());
        }
        if is_settled {
            self.flush().await?;
            return Ok(0);
        }
        match poll_fn(|context| self.poll_exchange(true, context)).await {
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
/// Where the statement can be stopped, that is less work than to read more.
const MAX_BYTES_BEFORE_STOP: u64 = 16 * 1024 * 1024;
