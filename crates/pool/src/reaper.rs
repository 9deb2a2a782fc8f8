use std::time::Duration;

use otaria_connection::{CancelPolicy, Config, DrainLimit, Stopped};

use crate::entry::Entry;
use crate::pooled_connection::Taken;

/// A connection whose user has left it inside a response. It keeps its place in the pool until it is
/// settled; dropped before, it is closed.
#[derive(Debug)]
pub(crate) struct Abandoned(Option<Taken>);

impl Abandoned {
    pub(crate) const fn new(taken: Taken) -> Self {
        Self(Some(taken))
    }

    /// Reads the response to its end, or has the server stop the statement, and gives the connection
    /// back. If neither can be done, it is closed.
    pub(crate) async fn reap(mut self) {
        let Some(taken) = &mut self.0 else {
            return;
        };
        if settle(taken).await
            && let Some(taken) = self.0.take()
        {
            taken.come_back();
        }
    }
}

impl Drop for Abandoned {
    fn drop(&mut self) {
        if let Some(taken) = self.0.take() {
            taken.shared().counters.broken.count();
            drop(taken.detach());
        }
    }
}

/// Whether nothing is left of the response, and the connection can be used.
async fn settle(entry: &mut Entry) -> bool {
    let policy = entry.shared().config.cancel_policy();
    if policy == CancelPolicy::Close {
        return false;
    }
    let limit = drain_limit(&entry.shared().config);
    match entry.connection.drain(limit).await {
        Ok(true) => true,
        Ok(false) if policy == CancelPolicy::Stop => stop(entry).await,
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
async fn stop(entry: &mut Entry) -> bool {
    let side_connections = entry.shared().side_connections.clone();
    let Some(place) = side_connections.place().await else {
        return false;
    };
    let stopped = entry.connection.stop_in(place).await;
    matches!(stopped, Ok(Stopped::Killed | Stopped::NotRunning))
        && entry.connection.close_reason().is_none()
}

/// How long the rest of a response may take that nobody wants, before its statement is stopped.
const DRAIN_TIME: Duration = Duration::from_millis(100);
/// How long the rest may be. To read more costs more than to stop the statement.
const DRAIN_BYTES: u64 = 1 << 20;
