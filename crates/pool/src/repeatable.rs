//! Statements that may be run more than once.

use std::time::Duration;

use otaria_connection::{Error, Executed, FromRow, Params, RetryPolicy};
use tokio::time::{Instant, sleep};

use crate::{Pool, PooledConnection};

/// Evaluates to the first success of `$call`, with `$connection` bound to a connection of its own for
/// each attempt that `$repeatable` makes.
macro_rules! attempt {
    ($repeatable:expr, $connection:ident => $call:expr) => {{
        let mut attempts = Attempts::new($repeatable);
        loop {
            let failed = match attempts.connection().await {
                Ok(mut $connection) => match $call.await {
                    Ok(done) => break Ok(done),
                    Err(error) => error,
                },
                Err(error) => error,
            };
            // The connection is back in the pool by now.
            attempts.wait_behind(failed).await?;
        }
    }};
}

/// The verbs of a [`Pool`] for statements that may be run more than once, such as those that only read,
/// or set a value to what it is to be: see [`Pool::repeatable`].
///
/// A statement is run again, on a connection that the pool gives for it then, if it failed by an error
/// that [may pass](Error::is_transient): the connection was lost or could not be made, another
/// transaction was in the way, the statement took longer than
/// [`call_timeout`](otaria_connection::ConfigBuilder::call_timeout). Whether it has run before the
/// connection was lost, wholly or in part, nobody knows. It is never run on two connections at a time as
/// far as the pool can tell; but a server that has lost its client may take a while to notice.
///
/// One deadline is over all attempts: [`within`](Self::within), else
/// [`get_timeout`](crate::PoolBuilder::get_timeout).
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Repeatable<'p> {
    pool: &'p Pool,
    policy: RetryPolicy,
    limit: Option<Duration>,
}

impl Pool {
    /// The verbs for statements of which the caller says that they may be run more than once: they are
    /// run again as `policy` says, as long as that may help.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # use otaria_connection::{Error, RetryPolicy};
    /// # async fn stock(pool: otaria_pool::Pool) -> Result<(), Error> {
    /// // For as long as a server takes to start again.
    /// let patient = RetryPolicy::new().attempts(u32::MAX);
    /// let sql = "SELECT number FROM stock WHERE item = ?";
    /// let (number,): (u32,) = pool
    ///     .repeatable(&patient)
    ///     .within(Duration::from_secs(20))
    ///     .query_one(sql, (7,))
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    pub const fn repeatable(&self, policy: &RetryPolicy) -> Repeatable<'_> {
        Repeatable {
            pool: self,
            policy: *policy,
            limit: None,
        }
    }
}

impl Repeatable<'_> {
    /// Gives each call at most so much time for all of its attempts and the waits between them. What a
    /// statement runs for is part of it, so that no attempt has more than is left, nor more than
    /// [`call_timeout`](otaria_connection::ConfigBuilder::call_timeout); as there, to end one whose time
    /// is over may take a while longer.
    ///
    /// Without it, all connections together are to be had within the pool's
    /// [`get_timeout`](crate::PoolBuilder::get_timeout) of the call, behind which no attempt begins, and
    /// each attempt has its `call_timeout`.
    pub const fn within(mut self, limit: Duration) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Runs a statement and reads the one row that it returns.
    ///
    /// # Errors
    /// Those of [`Pool::query_one`]: that of the last attempt.
    ///
    /// # Cancel safety
    /// That of [`Pool::query_one`]: no attempt is made behind the one that was dropped.
    pub async fn query_one<T: for<'r> FromRow<'r>>(
        &self,
        sql: &str,
        params: impl Params,
    ) -> Result<T, Error> {
        attempt!(self, connection => connection.query_one(sql, &params))
    }

    /// Runs a statement and reads the one row that it returns, or `None` if it returns none.
    ///
    /// # Errors
    /// Those of [`Pool::query_opt`]: that of the last attempt.
    ///
    /// # Cancel safety
    /// Like [`query_one`](Self::query_one).
    pub async fn query_opt<T: for<'r> FromRow<'r>>(
        &self,
        sql: &str,
        params: impl Params,
    ) -> Result<Option<T>, Error> {
        attempt!(self, connection => connection.query_opt(sql, &params))
    }

    /// Runs a statement and reads all rows of its first result, which are held in memory.
    ///
    /// # Errors
    /// Those of [`Pool::query_all`]: that of the last attempt.
    ///
    /// # Cancel safety
    /// Like [`query_one`](Self::query_one).
    pub async fn query_all<T: for<'r> FromRow<'r>>(
        &self,
        sql: &str,
        params: impl Params,
    ) -> Result<Vec<T>, Error> {
        attempt!(self, connection => connection.query_all(sql, &params))
    }

    /// Runs a statement, throws rows away, and says what it did: the last attempt, that is. What one
    /// before it has changed unseen is not counted.
    ///
    /// # Errors
    /// Those of [`Pool::execute`]: that of the last attempt.
    ///
    /// # Cancel safety
    /// Like [`query_one`](Self::query_one).
    pub async fn execute(&self, sql: &str, params: impl Params) -> Result<Executed, Error> {
        attempt!(self, connection => connection.execute(sql, &params))
    }
}

/// The attempts of one call.
#[derive(Debug)]
struct Attempts<'p> {
    repeatable: &'p Repeatable<'p>,
    failed: u32,
    /// Whether a connection was found closed, for which another was taken at once.
    was_closed: bool,
    /// Behind it no attempt begins.
    deadline: Option<Instant>,
}

impl<'p> Attempts<'p> {
    fn new(repeatable: &'p Repeatable<'_>) -> Self {
        let options = &repeatable.pool.shared().options;
        let limit = repeatable.limit.or(options.get_timeout);
        Self {
            repeatable,
            failed: 0,
            was_closed: false,
            deadline: limit.and_then(|limit| Instant::now().checked_add(limit)),
        }
    }

    /// A connection for the next attempt, whose next call has the time that is left.
    async fn connection(&self) -> Result<PooledConnection, Error> {
        let pool = self.repeatable.pool;
        let mut connection = pool.get_within(self.time_left()).await?;
        if self.repeatable.limit.is_some()
            && let Some(left) = self.time_left()
        {
            let call_timeout = pool.shared().config.call_timeout();
            connection.with_timeout(call_timeout.map_or(left, |limit| limit.min(left)));
        }
        Ok(connection)
    }

    /// Waits for as long as is to be waited behind `error`, which is returned if no other attempt is to
    /// be made.
    async fn wait_behind(&mut self, error: Error) -> Result<(), Error> {
        // Nothing was sent: so do all verbs of a pool.
        if matches!(error, Error::Closed { .. }) && !self.was_closed {
            self.was_closed = true;
            return Ok(());
        }
        self.failed = self.failed.saturating_add(1);
        match self.repeatable.policy.delay(self.failed) {
            Some(delay) if error.is_transient() && self.is_in_time(delay) => {
                sleep(delay).await;
                Ok(())
            }
            _ => Err(error),
        }
    }

    /// Whether there is time left when so much of it has passed.
    fn is_in_time(&self, delay: Duration) -> bool {
        self.time_left().is_none_or(|left| delay < left)
    }

    fn time_left(&self) -> Option<Duration> {
        let deadline = self.deadline?;
        Some(deadline.saturating_duration_since(Instant::now()))
    }
}
