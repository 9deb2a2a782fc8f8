use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use otaria_connection::{CloseReason, Connection, Error, HandedBack, PoolError, ResetPolicy};
use tokio::time::timeout;

use crate::builder::Options;
use crate::clock::milliseconds;
use crate::shared::{Live, Shared};

/// A connection of the pool, and what the pool keeps about it.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) connection: Connection,
    /// When it is too old, by the pool's clock.
    retire_at: u64,
    /// When it came back.
    idle_since: u64,
    /// After which time it may be gone without a word.
    verify_after: u64,
    reset_policy: ResetPolicy,
    /// Whether its session was reset when it came back, and has to be set up again.
    was_reset: bool,
    /// Whether it was made on the runtime of the pool's background, and there is no hook to be asked.
    has_plain_checkout: bool,
    /// Whether it is known to be of no use.
    is_broken: bool,
    /// Until when nothing but a look at the socket is needed before it is taken.
    fit_until: u64,
    /// Behind the connection, which is to be gone first.
    live: Live,
}

/// What is to be done with a connection that came back.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Fate {
    /// It is for the next user.
    Kept,
    /// It is inside a response.
    Reaped,
    /// It cannot be used any more.
    Broken,
    /// It could be used, and is not to be.
    Retired,
}

impl Entry {
    pub(crate) fn new(connection: Connection, live: Live) -> Self {
        let now = live.shared().clock().look();
        let options = &live.shared().options;
        let lifetime = lifetime(options).map_or(u64::MAX, milliseconds);
        Self {
            connection,
            retire_at: now.saturating_add(lifetime),
            idle_since: now,
            // The clock may be late by one round of the maintenance, a tenth of it.
            verify_after: options
                .verify_after
                .map_or(u64::MAX, |limit| milliseconds(limit / 10 * 9)),
            reset_policy: options.reset_policy,
            was_reset: false,
            is_broken: false,
            fit_until: 0,
            has_plain_checkout: options.hooks.before_get.is_none() && live.shared().is_at_home(),
            live,
        }
    }

    #[inline]
    pub(crate) fn shared(&self) -> &Arc<Shared> {
        self.live.shared()
    }

    /// Makes the session what every user is to find: behind the login, and behind a reset, in whose
    /// course the server was told to track changes.
    pub(crate) async fn set_up(&mut self) -> Result<(), Error> {
        let options = &self.live.shared().options;
        let watches = self.reset_policy == ResetPolicy::WhenChanged;
        if watches && !self.was_reset && !self.connection.track_changes().await? {
            self.reset_policy = ResetPolicy::Always;
        }
        if let Some(hook) = &options.hooks.after_connect {
            let prepared = hook(&mut self.connection).await;
            prepared.map_err(|error| Error::Pool(PoolError::Hook(error)))?;
        }
        self.connection.watch_changes();
        self.was_reset = false;
        Ok(())
    }

    /// Its user is done. Does what needs no waiting to make it fit for the next one, and says what
    /// else is to be done.
    #[inline]
    pub(crate) fn come_back(&mut self) -> Fate {
        let now = self.shared().clock().now();
        let handed_back = self.connection.hand_back(self.reset_policy);
        match handed_back {
            HandedBack::Clean => {}
            HandedBack::Cleaning { resets } => self.was_reset |= resets,
            HandedBack::Busy => return Fate::Reaped,
            HandedBack::Unusable => return Fate::Broken,
        }
        let is_retired = self.connection.is_retired() || self.is_too_old(now);
        if is_retired || !self.is_kept_by_judge() {
            return Fate::Retired;
        }
        self.idle_since = now;
        self.fit_until = if handed_back == HandedBack::Clean && self.has_plain_checkout {
            self.retire_at.min(now.saturating_add(self.verify_after))
        } else {
            0
        };
        Fate::Kept
    }

    /// Whether it is fit for the next user as it is, which nothing but a look at the socket tells.
    #[inline]
    pub(crate) fn is_fit(&mut self) -> bool {
        if self.shared().clock().now() >= self.fit_until || !self.shared().has_background() {
            return false;
        }
        let is_quiet = self.connection.is_quiet();
        // Nothing is due, so that what was heard is the end, or what nobody has asked for.
        self.is_broken = !is_quiet;
        is_quiet
    }

    /// Makes it fit for the next user, as far as it is not.
    pub(crate) async fn recycle(&mut self) -> Result<(), Error> {
        let now = self.shared().clock().now();
        if self.is_too_old(now) {
            self.shared().counters.retired.count();
            return Err(closed(&self.connection));
        }
        let made_fit = self.make_fit(now).await;
        if made_fit.is_err() {
            self.shared().counters.broken.count();
        }
        made_fit
    }

    async fn make_fit(&mut self, now: u64) -> Result<(), Error> {
        if self.is_broken {
            return Err(closed(&self.connection));
        }
        let cleaned = timeout(CLEAN_UP_TIME, self.connection.clean()).await;
        cleaned.unwrap_or_else(|_| Err(closed(&self.connection)))?;
        if !self.connection.is_usable() {
            return Err(closed(&self.connection));
        }
        if self.was_reset {
            self.set_up().await?;
        }
        // Without maintenance, no time passes.
        if self.is_to_be_verified(now) || !self.shared().has_background() {
            let ping = timeout(PING_TIME, self.connection.ping()).await;
            ping.unwrap_or_else(|_| Err(closed(&self.connection)))?;
        }
        let options = &self.live.shared().options;
        if let Some(hook) = &options.hooks.before_get {
            let seen = hook(&mut self.connection).await;
            seen.map_err(|error| Error::Pool(PoolError::Hook(error)))?;
        }
        Ok(())
    }

    /// Whether it has been idle for so long that it may be gone without a word.
    #[inline]
    fn is_to_be_verified(&self, now: u64) -> bool {
        now.saturating_sub(self.idle_since) >= self.verify_after
    }

    /// Whether it has been idle for longer than connections may be.
    pub(crate) fn is_idle_for_too_long(&self, now: u64) -> bool {
        let limit = self.shared().options.idle_timeout;
        limit.is_some_and(|limit| now.saturating_sub(self.idle_since) >= milliseconds(limit))
    }

    pub(crate) const fn is_too_old(&self, now: u64) -> bool {
        now >= self.retire_at
    }

    /// Whether the pool's owner wants to keep it. A judge who panics does not: what a connection is
    /// dropped by may be another panic, which is not to end the process for that.
    #[inline]
    fn is_kept_by_judge(&self) -> bool {
        let judge = &self.shared().options.hooks.after_return;
        judge.as_ref().is_none_or(|judge| {
            let judged = catch_unwind(AssertUnwindSafe(|| judge(&self.connection)));
            judged.unwrap_or(false)
        })
    }
}

/// How old a new connection may become.
fn lifetime(options: &Options) -> Option<Duration> {
    let max = options.max_lifetime?;
    let jitter = options.lifetime_jitter.min(max);
    Some(max.saturating_sub(jitter.mul_f64(fastrand::f64())))
}

fn closed(connection: &Connection) -> Error {
    let reason = connection.close_reason().unwrap_or(CloseReason::Lost);
    Error::Closed { reason }
}

/// How long the server may take to answer what was sent when the connection came back, from when
/// somebody wants it on. One that still rolls back goes on doing so when the connection is closed.
const CLEAN_UP_TIME: Duration = Duration::from_secs(2);

/// How long a connection that has been idle for long may take to answer. Another one is taken then,
/// so that it need not be the time that a slow network may take.
const PING_TIME: Duration = Duration::from_secs(2);
