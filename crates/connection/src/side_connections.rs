//! How many connections are made beside those that somebody uses.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How many connections may be made at a time beside those that share this, to stop what they run.
/// Clones are the same limit. A pool has one.
#[derive(Clone, Debug)]
pub struct SideConnections {
    /// Closed if there is no place at all.
    free: Arc<Semaphore>,
}

/// The place of one of them.
#[derive(Debug)]
pub struct SidePlace {
    _permit: OwnedSemaphorePermit,
}

impl SideConnections {
    /// At most so many. With 0, nothing is stopped.
    pub fn new(limit: usize) -> Self {
        let free = Semaphore::new(limit.min(Semaphore::MAX_PERMITS));
        if limit == 0 {
            free.close();
        }
        Self {
            free: Arc::new(free),
        }
    }

    /// Waits for a place, in turn; `None` if there is none at all.
    ///
    /// # Cancel safety
    /// Safe. Whoever waits next gets the place.
    pub async fn place(&self) -> Option<SidePlace> {
        let permit = Arc::clone(&self.free).acquire_owned().await.ok()?;
        Some(SidePlace { _permit: permit })
    }

    /// A place, if there is one and nobody waits for it.
    pub(crate) fn place_now(&self) -> Option<SidePlace> {
        let permit = Arc::clone(&self.free).try_acquire_owned().ok()?;
        Some(SidePlace { _permit: permit })
    }

    pub(crate) fn is_none(&self) -> bool {
        self.free.is_closed()
    }
}
