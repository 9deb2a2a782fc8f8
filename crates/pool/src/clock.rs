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
