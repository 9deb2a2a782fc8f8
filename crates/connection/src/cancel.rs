//! Giving up, from elsewhere, what a connection runs.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use otaria_session::{Error, Found, Kill, Session};
use tokio::time::{sleep, timeout};

use crate::beside::{Beside, Refusals, Route};
use crate::kills::{Kills, SentKill};
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
    /// Those of the tokens.
    kills: Arc<Kills>,
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
}

impl CancelToken {
    /// Ends the statement that the connection runs at this moment. The call that waits for it returns
    /// the server's error 1317 ([`ErrorKind::Cancelled`](otaria_session::ErrorKind::Cancelled)), or, if
    /// the statement came to its end all the same, its result. The connection stays usable, and a
    /// transaction open.
    ///
    /// The statement is found and told from others as by [`Connection::stop`], and if that cannot be
    /// done, nothing is: the connection is not closed. It can hit no later call of the connection, which
    /// waits until the server has answered. Of what one call sends, such as a pipeline or a batch, it may
    /// end the statement behind the one that was found. A ROLLBACK that does not wait, that of a
    /// transaction which is dropped, may be hit: the connection is closed then. A server that gives
    /// statements no numbers, such as MySQL, is told to end what the connection runs: the connection is
    /// then closed when its next call begins, and its transaction is rolled back.
    ///
    /// [`Stopped::NotRunning`] if the connection runs nothing, or has gone on to something else.
    ///
    /// # Errors
    /// Those of [`Connection::connect`]: no other connection could be made. [`Error::Timeout`] after
    /// [`stop_timeout`](otaria_session::ConfigBuilder::stop_timeout), for which a server that has no room
    /// for another connection is asked again.
    ///
    /// # Cancel safety
    /// Safe. The statement may have been ended. If the server has not answered what ends it, the
    /// connection's next call waits for that, for
    /// [`stop_timeout`](otaria_session::ConfigBuilder::stop_timeout) at most. Where the answer does not
    /// come, or this is kept and not polled until then, that call closes the connection, for it could be
    /// hit: it is [`Error::Closed`], and nothing of it was sent.
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
        let mut refusals = Refusals::new(limit);
        let ending = Box::pin(self.end(call, &sql, &route, &mut refusals));
        match timeout(limit, ending).await {
            Ok(stopped) => stopped,
            Err(_) => Err(refusals.not_stopped()),
        }
    }

    async fn end(
        &self,
        call: u64,
        sql: &str,
        route: &Route,
        refusals: &mut Refusals,
    ) -> Result<Stopped, Error> {
        let mut beside = loop {
            match route.beside(None).await {
                Ok(Some(beside)) => break beside,
                Ok(None) => return Ok(Stopped::NotFound),
                Err(_) if self.watched.sql_of(call).is_none() => return Ok(Stopped::NotRunning),
                Err(error) => refusals.refused(error, route)?,
            }
            sleep(refusals.wait()).await;
            if self.watched.sql_of(call).is_none() {
                return Ok(Stopped::NotRunning);
            }
        };
        refusals.admitted();
        let mut sql: Box<str> = sql.into();
        let mut killed = None;
        for _ in 0..MAX_LOOKS {
            let found = beside.look(&sql).await?;
            // What was found is the statement only if the call was the same from before to behind.
            let Some(running) = self.watched.sql_of(call) else {
                return Ok(stopped(killed));
            };
            // What runs behind the one that was ended is not meant.
            if killed.is_some_and(|kill| found != Found::Running { kill }) {
                return Ok(Stopped::Killed);
            }
            if found == Found::Nothing && running != sql {
                sql = running;
                continue;
            }
            let kill = match found {
                Found::Running { kill } => kill,
                Found::Idle => return Ok(Stopped::NotRunning),
                Found::Nothing => return Ok(Stopped::NotFound),
            };
            let has_number = matches!(kill, Kill::Query { .. });
            let Some(sent) = self.watched.begin_kill(call, has_number, beside) else {
                return Ok(stopped(killed));
            };
            // It goes on: another connection may have had the number.
            let is_last = !has_number || killed == Some(kill);
            let kill = if is_last { kill.of_connection() } else { kill };
            let (is_killed, Some(unused)) = sent.send(kill).await? else {
                return Ok(stopped(killed));
            };
            beside = unused;
            if is_killed {
                if is_last {
                    return Ok(Stopped::Killed);
                }
                killed = Some(kill);
            }
        }
        // It consists of many short ones, each of which was over.
        let kill = Kill::Connection(route.connection());
        if let Some(sent) = self.watched.begin_kill(call, true, beside)
            && let (true, _) = sent.send(kill).await?
        {
            return Ok(Stopped::Killed);
        }
        Ok(stopped(killed))
    }
}

fn stopped(killed: Option<Kill>) -> Stopped {
    killed.map_or(Stopped::NotRunning, |_| Stopped::Killed)
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
    /// A call begins, and what the one before has run is over: no kill is sent for that any more.
    pub(crate) fn begin_call(&self) {
        let mut running = self.running();
        running.call += 1;
        running.sql = None;
    }

    /// The kills that were meant for what the connection has run.
    pub(crate) const fn kills(&self) -> &Arc<Kills> {
        &self.kills
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

    /// Notes, if the call is still this one, that a kill is sent. On a server that gives no numbers it may
    /// come late even when it has been answered.
    fn begin_kill(&self, call: u64, has_number: bool, beside: Beside) -> Option<SentKill> {
        let running = self.running();
        if running.call != call {
            return None;
        }
        if !has_number {
            self.kills.doubt();
        }
        Some(self.kills.begin(beside))
    }

    /// Nothing that is done under this lock panics.
    fn running(&self) -> MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
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
