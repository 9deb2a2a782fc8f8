//! What was sent to end a statement, until the server has answered.
//!
//! MariaDB compares the number of `KILL QUERY ID` with that of the statement, and then marks the
//! connection that runs it. A statement that begins between the two is the one that ends. The mark of a
//! connection that runs nothing is taken away when the next statement begins: once the kill has been
//! answered, it can hit nothing any more.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use otaria_session::{Error, Kill};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use crate::beside::Beside;

/// The kills that were sent for one connection.
#[derive(Debug, Default)]
pub(crate) struct Kills {
    state: Mutex<State>,
    /// One more has been answered, or given up.
    ended: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// How many are waited for by those who sent them.
    awaited: usize,
    /// By which connections those were sent for which nobody waits any more.
    given_up: Vec<Beside>,
    /// Whether one may come late, and hit the next statement.
    in_doubt: bool,
}

/// A kill, from before it is sent until the server has answered it. Dropped before, it is given up.
#[derive(Debug)]
pub(crate) struct SentKill {
    kills: Arc<Kills>,
    /// By which it is sent; `None` once that has been answered.
    beside: Option<Beside>,
}

/// Kills of what came before, which could hit what comes next.
#[derive(Debug)]
pub(crate) struct KillsBefore {
    kills: Arc<Kills>,
    /// How long they are waited for: who sends one may never be polled again.
    until: Option<Instant>,
}

impl Kills {
    /// A kill is about to be sent by this connection.
    pub(crate) fn begin(self: &Arc<Self>, beside: Beside) -> SentKill {
        self.state().awaited += 1;
        SentKill {
            kills: Arc::clone(self),
            beside: Some(beside),
        }
    }

    /// One may come at any time.
    pub(crate) fn doubt(&self) {
        self.state().in_doubt = true;
    }

    pub(crate) fn are_in_doubt(&self) -> bool {
        self.state().in_doubt
    }

    /// Whether one has not been answered.
    pub(crate) fn are_due(&self) -> bool {
        let state = self.state();
        state.awaited > 0 || !state.given_up.is_empty()
    }

    fn take_up(self: &Arc<Self>) -> Option<SentKill> {
        let given_up = self.state().given_up.pop();
        given_up.map(|beside| self.begin(beside))
    }

    /// Nothing that is done under this lock panics.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SentKill {
    /// Sends it, and says whether the statement was still running; by what it was sent can be used on.
    pub(crate) async fn send(mut self, kill: Kill) -> Result<(bool, Option<Beside>), Error> {
        let is_killed = match &mut self.beside {
            Some(beside) => beside.kill(kill).await?,
            None => false,
        };
        Ok((is_killed, self.beside.take()))
    }

    /// Waits for the answer in place of who sent it.
    async fn answer(mut self) {
        if let Some(beside) = &mut self.beside {
            let is_answered = beside.hear_answer().await;
            self.beside = None;
            if !is_answered {
                self.kills.doubt();
            }
        }
    }
}

impl Drop for SentKill {
    fn drop(&mut self) {
        // What nobody waits for holds up nobody who has something to stop.
        let given_up = self.beside.take().map(Beside::without_place);
        let mut state = self.kills.state();
        state.awaited -= 1;
        state.given_up.extend(given_up);
        drop(state);
        self.kills.ended.notify_one();
    }
}

impl KillsBefore {
    pub(crate) fn new(kills: &Arc<Kills>, limit: Duration) -> Self {
        Self {
            kills: Arc::clone(kills),
            until: Instant::now().checked_add(limit),
        }
    }

    pub(crate) const fn kills(&self) -> &Arc<Kills> {
        &self.kills
    }

    /// Whether nobody waits for one of them.
    pub(crate) fn are_given_up(&self) -> bool {
        !self.kills.state().given_up.is_empty()
    }

    /// Waits until all have been answered. `false` if one may still come.
    pub(crate) async fn are_answered(&self) -> bool {
        let answered = async {
            while self.kills.are_due() && !self.kills.are_in_doubt() {
                match self.kills.take_up() {
                    Some(given_up) => given_up.answer().await,
                    None => self.kills.ended.notified().await,
                }
            }
        };
        let is_in_time = if let Some(until) = self.until {
            timeout_at(until, answered).await.is_ok()
        } else {
            answered.await;
            true
        };
        is_in_time && !self.kills.are_in_doubt()
    }
}
