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
    taken: Option<Taken>,
}

impl PooledConnection {
    /// Takes the connection out of the pool for good: it does not count any more, and is closed when
    /// it is dropped.
    pub fn detach(mut self) -> Connection {
        self.take().detach()
    }

    #[expect(
        clippy::expect_used,
        reason = "who takes it ends this value, and nothing is called on it after that"
    )]
    fn take(&mut self) -> Taken {
        self.taken.take().expect(IS_THERE)
    }
}

impl From<Taken> for PooledConnection {
    #[inline]
    fn from(taken: Taken) -> Self {
        Self { taken: Some(taken) }
    }
}

impl From<Object<Manager>> for PooledConnection {
    fn from(object: Object<Manager>) -> Self {
        Self::from(Taken(Box::new(object)))
    }
}

impl Deref for PooledConnection {
    type Target = Connection;

    #[inline]
    #[expect(
        clippy::expect_used,
        reason = "who takes it ends this value, and nothing is called on it after that"
    )]
    fn deref(&self) -> &Connection {
        &self.taken.as_ref().expect(IS_THERE).connection
    }
}

impl DerefMut for PooledConnection {
    #[inline]
    #[expect(
        clippy::expect_used,
        reason = "who takes it ends this value, and nothing is called on it after that"
    )]
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.taken.as_mut().expect(IS_THERE).connection
    }
}

impl Drop for PooledConnection {
    #[inline]
    fn drop(&mut self) {
        if let Some(taken) = self.taken.take() {
            taken.come_back();
        }
    }
}

impl fmt::Debug for PooledConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let connection = self.taken.as_ref().map(|taken| &taken.connection);
        f.debug_tuple("PooledConnection")
            .field(&connection)
            .finish()
    }
}

/// What was taken from deadpool, in a box because it is moved a few times for each checkout.
#[derive(Debug)]
pub(crate) struct Taken(Box<Object<Manager>>);

impl Taken {
    /// The connection's user is done: it is kept for the next one, given to the reaper, or closed.
    #[inline]
    pub(crate) fn come_back(mut self) {
        let fate = Entry::come_back(&mut self);
        if fate != Fate::Kept {
            return self.end(fate);
        }
        let shared = Arc::clone(self.shared());
        let for_deadpool = shared.idle().push(self);
        if let Some(taken) = for_deadpool {
            taken.leave_to_deadpool();
        }
    }

    #[cold]
    fn end(self, fate: Fate) {
        let counters = &self.shared().counters;
        match fate {
            // It is closed if there is no reaper any more.
            Fate::Reaped => {
                let abandoned = self.shared().abandoned.clone();
                drop(abandoned.send(Abandoned::new(self)));
                return;
            }
            Fate::Broken => counters.broken.count(),
            Fate::Retired | Fate::Kept => counters.retired.count(),
        }
        drop(self.detach());
    }

    /// Gives it back to deadpool, for the next one who waits.
    #[cold]
    pub(crate) fn leave_to_deadpool(self) {
        drop(self.0);
    }

    /// Takes the connection out of the pool for good.
    pub(crate) fn detach(self) -> Connection {
        Object::take(*self.0).connection
    }
}

impl Deref for Taken {
    type Target = Entry;

    #[inline]
    fn deref(&self) -> &Entry {
        &self.0
    }
}

impl DerefMut for Taken {
    #[inline]
    fn deref_mut(&mut self) -> &mut Entry {
        &mut self.0
    }
}

const IS_THERE: &str = "the connection is there until it goes back";
