//! Trying again.

use otaria_session::{Config, Error};
use tokio::time::sleep;

use crate::{Connection, HostStates, RetryPolicy};

impl RetryPolicy {
    /// Does `call`, and does it again for as long as its error
    /// [may pass](Error::is_transient) and [nothing can be done twice](Error::is_safe_to_retry) by
    /// that.
    ///
    /// `call` has to get a connection itself, as the verbs of a pool do: what is left of one that is
    /// lost answers every call by [`Error::Closed`]. A transaction that was open then is not open on
    /// another connection.
    ///
    /// ```no_run
    /// # use otaria_connection::{Config, Connection, Error, RetryPolicy};
    /// # async fn take(config: &Config, mut connection: Connection) -> Result<(), Error> {
    /// let policy = RetryPolicy::new();
    /// policy
    ///     .run(async || {
    ///         if connection.close_reason().is_some() {
    ///             connection = Connection::connect(config).await?;
    ///         }
    ///         connection.execute("UPDATE stock SET left = left - 1", ()).await
    ///     })
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The last one of `call`.
    ///
    /// # Cancel safety
    /// That of `call`.
    pub async fn run<T>(&self, call: impl AsyncFnMut() -> Result<T, Error>) -> Result<T, Error> {
        let is_for_retry = |error: &Error| error.is_safe_to_retry() && error.is_transient();
        self.run_while(is_for_retry, call).await
    }

    /// Does `call` like [`run`](Self::run), and does it again also where it is not known whether it
    /// has been done: for what may be done twice, such as a statement that only reads, or one that
    /// sets a value to what it is to be.
    ///
    /// # Errors
    /// The last one of `call`.
    ///
    /// # Cancel safety
    /// That of `call`.
    pub async fn repeat<T>(&self, call: impl AsyncFnMut() -> Result<T, Error>) -> Result<T, Error> {
        self.run_while(Error::is_transient, call).await
    }

    async fn run_while<T>(
        &self,
        is_for_retry: impl Fn(&Error) -> bool,
        mut call: impl AsyncFnMut() -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut failed = 0;
        loop {
            let error = match call().await {
                Ok(done) => return Ok(done),
                Err(error) => error,
            };
            failed += 1;
            match self.delay(failed) {
                Some(delay) if is_for_retry(&error) => sleep(delay).await,
                _ => return Err(error),
            }
        }
    }
}

impl Connection {
    /// Connects like [`connect`](Self::connect), and tries it again as `policy` says while the error
    /// is one that may pass ([`Error::is_transient`]): a server that is starting, out of reach or has
    /// no room is waited for, and not one that denies access. Each attempt has all of
    /// [`connect_timeout`](otaria_session::ConfigBuilder::connect_timeout).
    ///
    /// # Errors
    /// That of the last attempt.
    ///
    /// # Cancel safety
    /// Like [`connect`](Self::connect).
    pub async fn connect_with_retry(config: &Config, policy: &RetryPolicy) -> Result<Self, Error> {
        let hosts = HostStates::new();
        // No statement of the caller's is part of it.
        let connect = async || Self::connect_with_hosts(config, &hosts).await;
        policy.repeat(connect).await
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use otaria_session::CloseReason;
    use tokio::time::Instant;

    use super::*;

    const LOST: Error = Error::ConnectionLost { expected: "OK" };
    const CLOSED: Error = Error::Closed {
        reason: CloseReason::Lost,
    };
    const WRONG: Error = Error::CursorRefused;

    fn policy() -> RetryPolicy {
        RetryPolicy::new().attempts(4).jitter(0.0)
    }

    /// How often a call that fails by these errors, and then succeeds, is done; whether it succeeds.
    async fn calls(repeats: bool, errors: &[fn() -> Error]) -> (usize, bool) {
        let mut calls = 0;
        let call = async || {
            calls += 1;
            match errors.get(calls - 1) {
                Some(error) => Err(error()),
                None => Ok(()),
            }
        };
        let done = if repeats {
            policy().repeat(call).await
        } else {
            policy().run(call).await
        };
        (calls, done.is_ok())
    }

    #[tokio::test(start_paused = true)]
    async fn what_may_have_run_is_done_again_only_by_the_caller_s_word() {
        assert_eq!(calls(false, &[|| CLOSED, || CLOSED]).await, (3, true));
        assert_eq!(calls(false, &[|| CLOSED, || LOST]).await, (2, false));
        assert_eq!(calls(true, &[|| CLOSED, || LOST]).await, (3, true));
    }

    #[tokio::test(start_paused = true)]
    async fn what_does_not_pass_is_not_tried_again() {
        for repeats in [false, true] {
            assert_eq!(calls(repeats, &[|| WRONG]).await, (1, false));
            assert_eq!(calls(repeats, &[|| CLOSED, || WRONG]).await, (2, false));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn there_are_as_many_attempts_as_the_policy_says_and_the_waits_between_them() {
        let start = Instant::now();
        let never: [fn() -> Error; 9] = [|| CLOSED; 9];
        assert_eq!(calls(false, &never).await, (4, false));
        // 10, 20 and 40 ms; the clock of a test counts whole milliseconds.
        let waited = start.elapsed();
        assert!((70..75).contains(&waited.as_millis()), "{waited:?}");
        let start = Instant::now();
        assert_eq!(calls(true, &[]).await, (1, true));
        assert_eq!(start.elapsed(), Duration::ZERO);
    }
}
