use std::sync::Arc;
use std::time::Duration;

use deadpool::managed::Object;
use otaria_connection::{CancelPolicy, Config, DrainLimit, Stopped};

use crate::manager::Manager;
use crate::pooled_connection::give_back;

/// A connection whose user has left it inside a response. It keeps its place in the pool until it is
/// settled; dropped before, it is closed.
#[derive(Debug)]
pub(crate) struct Abandoned(Option<Object<Manager>>);

impl Abandoned {
    pub(crate) const fn new(object: Object<Manager>) -> Self {
        Self(Some(object))
    }

    /// Reads the response to its end, or has the server stop the statement, and gives the connection
    /// back. If neither can be done, it is closed.
    pub(crate) async fn reap(mut self) {
        let Some(object) = &mut self.0 else {
            return;
        };
        if settle(object).await
            && let Some(object) = self.0.take()
        {
            give_back(object);
        }
    }
}

impl Drop for Abandoned {
    fn drop(&mut self) {
        if let Some(object) = self.0.take() {
            object.shared().counters.broken.count();
            drop(Object::take(object));
        }
    }
}

/// Whether nothing is left of the response, and the connection can be used.
async fn settle(object: &mut Object<Manager>) -> bool {
    let policy = object.shared().config.cancel_policy();
    if policy == CancelPolicy::Close {
        return false;
    }
    let limit = drain_limit(&object.shared().config);
    match object.connection.drain(limit).await {
        Ok(true) => true,
        Ok(false) if policy == CancelPolicy::Stop => stop(object).await,
        Ok(false) | Err(_) => false,
    }
}

/// How much of a response is read before its statement is stopped, or the connection closed.
fn drain_limit(config: &Config) -> DrainLimit {
    match config.cancel_policy() {
        CancelPolicy::Stop => DrainLimit {
            time: DRAIN_TIME.min(config.drain_timeout()),
            bytes: Some(config.drain_bytes().unwrap_or(DRAIN_BYTES)),
        },
        _ => DrainLimit {
            time: config.drain_timeout(),
            bytes: config.drain_bytes(),
        },
    }
}

/// Has the server stop the statement, when it is this connection's turn to.
async fn stop(object: &mut Object<Manager>) -> bool {
    let beside = Arc::clone(&object.shared().beside);
    if object.shared().options.reaper_limit == 0 {
        return false;
    }
    let Ok(_place) = beside.acquire().await else {
        return false;
    };
    let stopped = object.connection.stop().await;
    matches!(stopped, Ok(Stopped::Killed | Stopped::NotRunning))
        && object.connection.close_reason().is_none()
}

/// How long the rest of a response may take that nobody wants, before its statement is stopped.
const DRAIN_TIME: Duration = Duration::from_millis(100);
/// How long the rest may be. To read more costs more than to stop the statement.
const DRAIN_BYTES: u64 = 1 << 20;
