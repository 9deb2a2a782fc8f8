use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// The time in milliseconds since the pool was built, as of when it was last looked at: in each round of
/// the maintenance, and where waiting begins. Two looks at the system's clock would be a third of what a
/// checkout and a return cost.
#[derive(Debug)]
pub(crate) struct Clock {
    start: Instant,
    now: AtomicU64,
}

impl Clock {
    pub(crate) fn new() -> Self {
        Self {
            start: Instant::now(),
            now: AtomicU64::new(0),
        }
    }

    /// The time of the latest look.
    #[inline]
    pub(crate) fn now(&self) -> u64 {
        self.now.load(Ordering::Relaxed)
    }

    /// Looks at the system's clock.
    pub(crate) fn look(&self) -> u64 {
        let now = milliseconds(self.start.elapsed());
        self.now.fetch_max(now, Ordering::Relaxed).max(now)
    }
}

/// As many milliseconds as there are in `time`.
pub(crate) fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn time_passes_when_somebody_looks() {
        let clock = Clock::new();
        assert_eq!(clock.now(), 0);
        advance(Duration::from_millis(1500)).await;
        assert_eq!(clock.now(), 0);
        assert_eq!(clock.look(), 1500);
        assert_eq!(clock.now(), 1500);
        advance(Duration::from_millis(7)).await;
        assert_eq!((clock.now(), clock.look(), clock.now()), (1500, 1507, 1507));
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_looked_earlier_does_not_turn_it_back() {
        let clock = Clock::new();
        clock.now.store(9, Ordering::Relaxed);
        assert_eq!((clock.look(), clock.now()), (9, 9));
    }

    #[test]
    fn no_time_is_too_long() {
        assert_eq!(milliseconds(Duration::from_micros(1999)), 1);
        assert_eq!(milliseconds(Duration::MAX), u64::MAX);
    }
}
