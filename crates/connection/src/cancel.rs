//! Giving up, from elsewhere, what a connection runs.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use otaria_session::{Error, Found, Kill, Session, TimeoutPhase};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout, timeout_at};

use crate::stop::{Beside, Route};
use crate::{Connection, Stopped};

/// Ends what a connection runs, from another task or thread: see [`Connection::cancel_token`].
#[derive(Clone)]
pub struct CancelToken {
    watched: Arc<Watched>,
}

/// What a connection tells its tokens.
#[derive(Debug, Default)]
pub(crate) struct Watched {
    running: Mutex<Running>,
    /// The server has answered all kills.
    answered: Notify,
}

/// `Debug` shows no SQL, since values may stand in it.
#[derive(Default)]
struct Running {
    /// The number of the call, by which one statement is told from the next with the same text.
    call: u64,
    /// The beginning of what the server runs for it.
    sql: Option<Box<str>>,
    /// `None` once the connection is closed, and where there is no other way to the server.
    route: Option<Route>,
    /// How many kills are on their way that the server has not answered.
    kills: usize,
    /// Whether a kill was sent that may come late, and hit the next statement.
    kill_is_in_doubt: bool,
}

/// A kill, from before it is sent until the server has answered it.
///
/// The server compares the number of the statement and marks the connection in two steps. A statement
/// that begins between them is the one that ends, but the mark of a connection that runs nothing is
/// taken away when the next one begins. So the next call waits for the answer.
struct KillOnItsWay<'a> {
    watched: &'a Watched,
    is_answered: bool,
}

/// What has become of the kills that were sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kills {
    Answered,
    OnTheirWay,
    /// One may come late, and hit the next statement.
    InDoubt,
}

/// The kills that were meant for calls before, and may hit the next one.
#[derive(Debug)]
pub(crate) struct KillsBefore {
    watched: Arc<Watched>,
    /// How long they are waited for: a token may be dropped, or not polled.
    until: Option<Instant>,
}

impl CancelToken {
    /// Ends the statement that the connection runs at this moment. The call that waits for it returns
    /// the server's error 1317 ([`ErrorKind::Cancelled`](otaria_session::ErrorKind::Cancelled)), or, if
    /// the statement came to its end all the same, its result. The connection stays usable, and a
    /// transaction open.
    ///
    /// The statement is found and told from others as by [`Connection::stop`], and if that cannot be
    /// done, nothing is: the connection is not closed. It can hit no later statement of the
    /// connection, nor one of another: the connection's next call waits until the server has answered,
    /// for as long as this may take. A server that gives statements no numbers, such as MySQL, is told
    /// to end what the connection runs, and so is one where that is many short statements, as in a
    /// procedure: the connection is then closed when its next call begins, and its transaction is
    /// rolled back.
    ///
    /// [`Stopped::NotRunning`] if the connection runs nothing, or has gone on to something else.
    ///
    /// # Errors
    /// Those of [`Connection::connect`]: no other connection could be made. [`Error::Timeout`] after
    /// [`stop_timeout`](otaria_session::ConfigBuilder::stop_timeout).
    ///
    /// # Cancel safety
    /// Safe. The statement may have been ended. Dropped before, or not polled until, the server has
    /// answered what ends it, this closes the connection when its next call begins: that could be hit.
    /// Else nothing of the connection has changed.
    pub async fn cancel(&self) -> Result<Stopped, Error> {
        let (call, sql, route) = {
            let running = self.watched.running();
            let Some(sql) = &running.sql else {
                return Ok(Stopped::NotRunning);
            };
            let Some(route) = &running.route else {
                return Ok(Stopped::NotFound);
            };
            (running.call, sql.clone(), route.clone())
        };
        let limit = route.limit();
        match timeout(limit, Box::pin(self.end(call, &sql, &route))).await {
            Ok(stopped) => stopped,
            Err(_) => Err(Error::Timeout {
                phase: TimeoutPhase::Stop,
                statement_stopped: false,
            }),
        }
    }

    async fn end(&self, call: u64, sql: &str, route: &Route) -> Result<Stopped, Error> {
        let Some(mut beside) = route.beside(None).await? else {
            return Ok(Stopped::NotFound);
        };
        let mut sql: Box<str> = sql.into();
        for _ in 0..MAX_LOOKS {
            let found = beside.look(&sql).await?;
            // What was found is the statement only if the call was the same from before to behind.
            let Some(running) = self.watched.sql_of(call) else {
                return Ok(Stopped::NotRunning);
            };
            if found == Found::Nothing && running != sql {
                sql = running;
                continue;
            }
            let kill = match found {
                Found::Running { kill } => kill,
                Found::Idle => return Ok(Stopped::NotRunning),
                Found::Nothing => return Ok(Stopped::NotFound),
            };
            if let Some(stopped) = self.kill(call, kill, &mut beside).await? {
                return Ok(stopped);
            }
        }
        // It consists of many short ones, each of which was over.
        let kill = Kill::Connection(route.connection());
        let stopped = self.kill(call, kill, &mut beside).await?;
        Ok(stopped.unwrap_or(Stopped::NotRunning))
    }

    /// Ends a statement of this call; `None` if that was over, and the call may have gone on to another.
    async fn kill(
        &self,
        call: u64,
        kill: Kill,
        beside: &mut Beside,
    ) -> Result<Option<Stopped>, Error> {
        let Some(mut on_its_way) = self.watched.begin_kill(call, kill) else {
            return Ok(Some(Stopped::NotRunning));
        };
        let is_killed = beside.kill(kill).await?;
        on_its_way.is_answered = true;
        Ok(is_killed.then_some(Stopped::Killed))
    }
}

impl Connection {
    /// What ends the statements of this connection while a task waits for them, from another one:
    ///
    /// ```no_run
    /// # use otaria_connection::{Connection, Error, Stopped};
    /// # async fn report(mut connection: Connection, given_up: impl Future<Output = ()>) -> Result<(), Error> {
    /// let token = connection.cancel_token();
    /// let report = async move {
    ///     let sql = "SELECT SUM(amount) FROM sale";
    ///     connection.query_one::<(f64,)>(sql, ()).await
    /// };
    /// let cancel = async {
    ///     given_up.await;
    ///     token.cancel().await
    /// };
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// What a dropped call has left running is [stopped](Connection#cancel-safety) when the connection
    /// is used next, if at all; a token does it at once, and is for a call that is to go on, and
    /// return. As long as there is a token, the connection notes what it runs.
    pub fn cancel_token(&mut self) -> CancelToken {
        if self.limits.watched.is_none() {
            let watched = Watched::default();
            watched.running().route = self.route();
            self.limits.watched = Some(Arc::new(watched));
        }
        self.is_limited = true;
        let watched = self.limits.watched.clone().unwrap_or_default();
        CancelToken { watched }
    }
}

impl Watched {
    /// A call begins, and what the one before has run is over. Says what has become of the kills that
    /// were meant for that.
    pub(crate) fn begin_call(&self) -> Kills {
        let mut running = self.running();
        running.call += 1;
        running.sql = None;
        running.kills()
    }

    /// The server is about to run what the session says.
    pub(crate) fn note(&self, session: &Session) {
        let sql = session.running_sql();
        let mut running = self.running();
        if running.sql.as_deref() != sql {
            running.sql = sql.map(Into::into);
        }
    }

    /// The connection has another user.
    pub(crate) fn set_route(&self, route: Option<Route>) {
        self.running().route = route;
    }

    /// What runs, if the call is still this one.
    fn sql_of(&self, call: u64) -> Option<Box<str>> {
        let running = self.running();
        running.sql.clone().filter(|_| running.call == call)
    }

    /// Notes, if the call is still this one, that a kill is sent.
    fn begin_kill(&self, call: u64, kill: Kill) -> Option<KillOnItsWay<'_>> {
        let mut running = self.running();
        if running.call != call {
            return None;
        }
        running.kills += 1;
        running.kill_is_in_doubt |= matches!(kill, Kill::Connection(_));
        Some(KillOnItsWay {
            watched: self,
            is_answered: false,
        })
    }

    /// Nothing that is done under this lock panics.
    fn running(&self) -> MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for KillOnItsWay<'_> {
    fn drop(&mut self) {
        let mut running = self.watched.running();
        running.kills -= 1;
        running.kill_is_in_doubt |= !self.is_answered;
        drop(running);
        self.watched.answered.notify_one();
    }
}

impl KillsBefore {
    pub(crate) fn new(watched: &Arc<Watched>, limit: Duration) -> Self {
        Self {
            watched: Arc::clone(watched),
            until: Instant::now().checked_add(limit),
        }
    }

    /// Waits until the server has answered them, and says whether one is in doubt. No other one is sent
    /// while no call runs anything.
    ///
    pub(crate) async fn are_in_doubt(&self) -> bool {
        let answered = async {
            loop {
                // The guard is gone before the wait.
                let kills = self.watched.running().kills();
                match kills {
                    Kills::OnTheirWay => self.watched.answered.notified().await,
                    Kills::Answered => return false,
                    Kills::InDoubt => return true,
                }
            }
        };
        match self.until {
            Some(until) => timeout_at(until, answered).await.unwrap_or(true),
            None => answered.await,
        }
    }
}

impl Running {
    const fn kills(&self) -> Kills {
        match self.kills {
            _ if self.kill_is_in_doubt => Kills::InDoubt,
            0 => Kills::Answered,
            _ => Kills::OnTheirWay,
        }
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running")
            .field("call", &self.call)
            .field("runs", &self.sql.is_some())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for CancelToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CancelToken")
    }
}

/// How often a statement is looked for that has another number by the time it is told.
const MAX_LOOKS: usize = 5;
