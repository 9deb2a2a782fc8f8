use std::time::Duration;

/// How often something that failed is tried again, and how long is waited before: each time twice as
/// long as before it, less a random part, so that those who were in each other's way do not meet again.
///
/// ```
/// use std::time::Duration;
/// use otaria_connection::RetryPolicy;
///
/// let policy = RetryPolicy::new().attempts(10).max(Duration::from_millis(200));
/// assert_eq!(policy, policy.attempts(10));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RetryPolicy {
    attempts: u32,
    base: Duration,
    max: Duration,
    jitter: f64,
}

impl RetryPolicy {
    /// 5 attempts, 10 ms before the second, at most a second before any, all of it at random.
    pub const fn new() -> Self {
        Self {
            attempts: 5,
            base: Duration::from_millis(10),
            max: Duration::from_secs(1),
            jitter: 1.0,
        }
    }

    /// One attempt.
    pub const fn never() -> Self {
        Self::new().attempts(1)
    }

    /// How often it is tried in all; 0 is 1.
    #[must_use]
    pub const fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }

    /// How long is waited before the second attempt.
    #[must_use]
    pub const fn base(mut self, base: Duration) -> Self {
        self.base = base;
        self
    }

    /// How long is waited at most.
    #[must_use]
    pub const fn max(mut self, max: Duration) -> Self {
        self.max = max;
        self
    }

    /// Which part of each wait is random: from 0 for none of it to 1 for all.
    #[must_use]
    pub const fn jitter(mut self, jitter: f64) -> Self {
        self.jitter = jitter;
        self
    }

    /// How long is to be waited when so many attempts have failed; `None` if no other is to be made.
    /// It is another time in each call, but for a [`jitter`](Self::jitter) of 0.
    pub fn delay(&self, failed: u32) -> Option<Duration> {
        if failed >= self.attempts {
            return None;
        }
        let doubled = failed.saturating_sub(1).min(MAX_DOUBLED);
        let full = self.base.saturating_mul(1 << doubled).min(self.max);
        let part = self.jitter.clamp(0.0, 1.0) * fastrand::f64();
        // What is no number is no jitter.
        let part = if part.is_nan() { 0.0 } else { part };
        // What is more than a Duration can be is no more than the longest wait.
        let wait = Duration::try_from_secs_f64(full.as_secs_f64() * (1.0 - part));
        Some(wait.unwrap_or(full).min(full))
    }
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self::new()
    }
}

/// 2^31 times any base that is worth waiting for is more than any maximum.
const MAX_DOUBLED: u32 = 31;

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn the_wait_doubles_up_to_its_maximum() {
        let policy = RetryPolicy::new().attempts(9).max(100 * MS).jitter(0.0);
        let delays: Vec<u128> = (1..9)
            .map(|failed| policy.delay(failed).unwrap().as_millis())
            .collect();
        assert_eq!(delays, [10, 20, 40, 80, 100, 100, 100, 100]);
        assert_eq!(policy.delay(9), None);
    }

    #[test]
    fn a_part_of_the_wait_is_random() {
        let policy = RetryPolicy::new().jitter(0.5);
        let delays: Vec<_> = (0..100).map(|_| policy.delay(1).unwrap()).collect();
        assert!(
            delays
                .iter()
                .all(|delay| (5 * MS..=10 * MS).contains(delay))
        );
        assert!(delays.iter().any(|delay| *delay != delays[0]));
    }

    #[test]
    fn no_value_makes_it_panic_or_wait_for_ever() {
        let policy = RetryPolicy::new()
            .attempts(u32::MAX)
            .base(Duration::MAX)
            .max(Duration::MAX);
        for jitter in [f64::NAN, f64::INFINITY, -1.0, 2.0] {
            for failed in [0, 1, 32, u32::MAX - 1] {
                assert!(policy.jitter(jitter).delay(failed).is_some());
            }
        }
        assert_eq!(RetryPolicy::never().delay(1), None);
        assert_eq!(RetryPolicy::new().attempts(0).delay(1), None);
    }
}
