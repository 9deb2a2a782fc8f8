use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use deadpool::managed::Object;
use otaria_connection::Connection;

use crate::entry::{Entry, Fate};
use crate::manager::Manager;
use crate::reaper::Abandoned;

/// A connection taken from a [`Pool`](crate::Pool), which goes back to it when this is dropped.
///
/// One that cannot be used any more is closed then, and makes room for another. A statement that a
/// dropped call has left running is ended in the background, as when a call of the pool is dropped
/// ([`Pool::query_one`](crate::Pool::query_one)); until that is done the connection keeps its place.
#[must_use]
pub struct PooledConnection {
    /// `None` only while it is dropped.
    object: Option<Object<Manager>>,
}

impl PooledConnection {
    /// Takes the connection out of the pool for good: it does not count any more, and is closed when
    /// it is dropped.
    pub fn detach(mut self) -> Connection {
        Object::take(self.take()).connection
    }

    #[expect(
        clippy::expect_used,
        reason = "who takes the object ends this value, and nothing is called on it after that"
    )]
    fn take(&mut self) -> Object<Manager> {
        self.object.take().expect(IS_THERE)
    }
}

impl From<Object<Manager>> for PooledConnection {
    fn from(object: Object<Manager>) -> Self {
        Self {
            object: Some(object),
        }
    }
}

impl Deref for PooledConnection {
    type Target = Connection;

    #[inline]
    #[expect(
        clippy::expect_used,
        reason = "who takes the object ends this value, and nothing is called on it after that"
    )]
    fn deref(&self) -> &Connection {
        let entry: &Entry = self.object.as_ref().expect(IS_THERE);
        &entry.connection
    }
}

impl DerefMut for PooledConnection {
    #[inline]
    #[expect(
        clippy::expect_used,
        reason = "who takes the object ends this value, and nothing is called on it after that"
    )]
    fn deref_mut(&mut self) -> &mut Connection {
        let entry: &mut Entry = self.object.as_mut().expect(IS_THERE);
        &mut entry.connection
    }
}

impl Drop for PooledConnection {
    fn drop(&mut self) {
        if let Some(object) = self.object.take() {
            give_back(object);
        }
    }
}

/// Gives a connection back to its pool, to the reaper, or up.
pub(crate) fn give_back(mut object: Object<Manager>) {
    match object.come_back() {
        Fate::Kept => keep(object),
        Fate::Reaped => {
            let abandoned = object.shared().abandoned.clone();
            // It is closed if there is no reaper any more.
            drop(abandoned.send(Abandoned::new(object)));
        }
        Fate::Broken => {
            object.shared().counters.broken.count();
            drop(Object::take(object));
        }
        Fate::Retired => {
            object.shared().counters.retired.count();
            drop(Object::take(object));
        }
    }
}

fn keep(object: Object<Manager>) {
    let shared = Arc::clone(object.shared());
    // There may be too many of them.
    let for_deadpool = if shared.live() > shared.max_size() {
        Some(object)
    } else {
        shared.idle().push(object)
    };
    drop(for_deadpool);
}

impl fmt::Debug for PooledConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let connection = self.object.as_ref().map(|object| &object.connection);
        f.debug_tuple("PooledConnection")
            .field(&connection)
            .finish()
    }
}

const IS_THERE: &str = "the connection is there until it goes back";
