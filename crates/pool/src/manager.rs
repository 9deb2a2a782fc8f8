use std::sync::Arc;

use deadpool::managed::{self, Metrics, RecycleError, RecycleResult};
use otaria_connection::{Error, PoolPhase};

use crate::entry::Entry;
use crate::phase::in_phase;
use crate::shared::Shared;

/// Makes the pool's connections, and makes those that come back fit for the next user.
#[derive(Debug)]
pub(crate) struct Manager {
    pub(crate) shared: Arc<Shared>,
}

impl managed::Manager for Manager {
    // In a box, for deadpool moves it a few times for each checkout.
    type Type = Box<Entry>;
    type Error = Error;

    async fn create(&self) -> Result<Box<Entry>, Error> {
        // The future is large, and a checkout that needs none of it moves it all the same.
        Box::pin(in_phase(PoolPhase::Create, self.shared.connection())).await
    }

    async fn recycle(&self, entry: &mut Box<Entry>, _: &Metrics) -> RecycleResult<Error> {
        let recycle = entry.recycle();
        let recycled = Box::pin(in_phase(PoolPhase::Recycle, recycle)).await;
        recycled.map_err(RecycleError::Backend)
    }
}

/// The pool is gone: nothing is left to be maintained.
impl Drop for Manager {
    fn drop(&mut self) {
        let idle = self.shared.idle().close();
        drop(idle);
        self.shared.close_made();
        self.shared.wanted.notify_one();
    }
}
