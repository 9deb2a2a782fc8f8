use std::time::Duration;

use deadpool::managed::Object;
use tokio::time::timeout;

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

    /// Reads the response to its end and gives the connection back, or closes it if that takes too
    /// long.
    pub(crate) async fn reap(mut self) {
        let Some(object) = &mut self.0 else {
            return;
        };
        let drained = timeout(REAP_TIME, object.connection.clean()).await;
        if matches!(drained, Ok(Ok(())))
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

/// How long the rest of a response may take that nobody wants.
const REAP_TIME: Duration = Duration::from_millis(100);
