//! Stopping a statement on the server, by a connection beside the one that has sent it.

use std::sync::Arc;
use std::time::Duration;

use otaria_session::{Error, Found, Kill, TimeoutPhase};
use tokio::time::{Instant, timeout};

use crate::Connection;
use crate::beside::{Beside, Refusals};
use crate::drain::{DrainLimit, While};
use crate::kills::KillsBefore;
use crate::{SideConnections, SidePlace};

/// What became of a statement that was to be stopped.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Stopped {
    /// The server was told to end it. It may all the same have come to its end.
    Killed,
    /// Nothing of the connection's was running any more.
    NotRunning,
    /// The server's list of processes does not show the statement as that of the connection: there
    /// may be a proxy between. Nothing was stopped.
    NotFound,
}

impl Connection {
    /// Ends what an earlier call that was dropped has left running: the server is told to stop it,
    /// and the rest of the response is thrown away. Commands of which nothing was sent are taken
    /// back. An open transaction stays open, without what the statement has done.
    ///
    /// A server goes on with a statement whatever happens to the client. So another connection is
    /// made to the same server, as the same user, which looks the statement up in
    /// `information_schema.PROCESSLIST`, and ends it (`KILL QUERY ID`) if it is for certain that of this
    /// connection: if the user, the port that the connection comes from, and the statement are the
    /// ones that are expected. It takes
    /// [`stop_timeout`](otaria_session::ConfigBuilder::stop_timeout) at most, and a server that has no
    /// room for another connection is asked again until then.
    ///
    /// MariaDB gives a connection that is pinged the number of the next statement of all. Such a
    /// connection, as long as it has run nothing since, may be found by the number in place of this one. It
    /// takes no harm, unless it begins a statement in the very moment between the server's comparison and
    /// its mark: that statement would end with error 1317. This connection's is then told to end by the
    /// connection's own id.
    ///
    /// Where it cannot be told from the statements of others it goes on, and **the connection is
    /// closed**: behind a proxy that has ports and numbers of its own, over a stream that was given
    /// ([`connect_over`](Self::connect_over)), or in a procedure that runs with the rights of somebody
    /// else. So it is if no other connection can be made, or if the response does not end in time. A server
    /// that gives statements no numbers, such as MySQL, is told `KILL QUERY`, and the connection is
    /// closed as well, for that may come too late and hit the next statement.
    ///
    /// # Errors
    /// [`Error::Closed`] if the connection was closed before. Those of
    /// [`connect`](Self::connect), of the transport, and [`Error::Timeout`]: the statement may run on,
    /// and the connection is closed.
    ///
    /// # Cancel safety
    /// Safe. The statement may have been stopped, and the connection beside is closed; the rest is
    /// for the [next call](Connection#cancel-safety), which waits until the server has answered what ends
    /// the statement. If that may be a `KILL QUERY` without its number, the call closes the connection.
    pub async fn stop(&mut self) -> Result<Stopped, Error> {
        self.end_deadline();
        let limit = self.config.stop_timeout();
        self.stop_from(None, limit).await
    }

    /// The same by a connection in this place, which had to be waited for for longer. Where the server has
    /// no room the place is left to others, and the next try is made in the next that is free.
    ///
    /// # Errors
    /// Those of [`stop`](Self::stop).
    ///
    /// # Cancel safety
    /// Like [`stop`](Self::stop).
    pub async fn stop_in(&mut self, place: SidePlace) -> Result<Stopped, Error> {
        self.end_deadline();
        let limit = self.config.stop_timeout();
        self.stop_from(Some(place), limit).await
    }

    /// From now on the connections that are made to stop what this one runs are counted by these.
    pub fn limit_side_connections(&mut self, limit: SideConnections) {
        self.limits.side_connections = Some(limit);
    }

    /// Stops what runs by a connection that is made within `beside_limit`.
    pub(crate) async fn stop_from(
        &mut self,
        place: Option<SidePlace>,
        beside_limit: Duration,
    ) -> Result<Stopped, Error> {
        self.check_open()?;
        self.session.abandon();
        let limit = self.config.stop_timeout();
        let mut search = Search::new(limit, beside_limit, self.session.all_responses_due());
        let stopping = Box::pin(self.stop_running(&mut search, place));
        let stopped = match timeout(limit, stopping).await {
            Ok(stopped) => stopped,
            Err(_) => Err(search.refusals.not_stopped()),
        };
        if !matches!(stopped, Ok(Stopped::Killed | Stopped::NotRunning)) || self.kill_is_in_doubt {
            self.session.cancelled();
            self.transport = None;
        }
        stopped
    }

    /// Whether there is a way to the server besides this connection.
    pub(crate) fn can_be_stopped(&self) -> bool {
        let side_connections = self.limits.side_connections.as_ref();
        self.way().is_some()
            && !self.config.stop_timeout().is_zero()
            && !side_connections.is_some_and(SideConnections::is_none)
    }

    /// Stops one statement after the other, until no response is due. Nothing is written but what
    /// ends the content of a file: the rest of a command that is not sent whole would run.
    async fn stop_running(
        &mut self,
        search: &mut Search,
        mut place: Option<SidePlace>,
    ) -> Result<Stopped, Error> {
        let mut stopped = Stopped::NotRunning;
        let mut beside = None;
        let mut killed = None;
        loop {
            if self.session.is_in_command() && !self.session.is_uploading() {
                return Ok(Stopped::NotFound);
            }
            let left = search.left();
            let time = match self.session.running_sql() {
                Some(_) => search.pause.max(search.refusals.wait()),
                // What cleans up is not stopped, nor what is no statement.
                None => left,
            };
            let end = DrainLimit { time, bytes: None };
            if self.drain_while(end, While::Due(search.due)).await? {
                return Ok(stopped);
            }
            if left.is_zero() {
                return Err(search.refusals.not_stopped());
            }
            search.goes_on(self.session.all_responses_due());
            let Some(sql) = self.session.running_sql().map(str::to_owned) else {
                continue;
            };
            let mut found_by = match beside.take() {
                Some(beside) => beside,
                None => match self.connect_beside(search, place.take()).await? {
                    Side::Connected(beside) => *beside,
                    Side::NoRoom => continue,
                    Side::NoWay => return Ok(Stopped::NotFound),
                },
            };
            let found = found_by.look(&sql).await?;
            beside = match found {
                // It may have gone on to the next one, and the response is on its way.
                Found::Nothing if search.strangers < MAX_STRANGERS && search.due > 1 => {
                    search.strangers += 1;
                    Some(found_by)
                }
                Found::Nothing => return Ok(Stopped::NotFound),
                Found::Running { kill } => {
                    // It goes on: another connection may have had the number.
                    let kill = if killed == Some(kill) {
                        kill.of_connection()
                    } else {
                        killed = Some(kill);
                        self.choose(kill, search.misses)
                    };
                    self.doubt(kill);
                    let (is_killed, unused) = self.kill(kill, found_by).await?;
                    if is_killed {
                        stopped = Stopped::Killed;
                    } else {
                        search.misses += 1;
                    }
                    unused
                }
                Found::Idle => Some(found_by),
            };
            search.wait_longer();
        }
    }

    /// What is to end the statement. One that consists of many short ones, such as a procedure, has
    /// another number by the time it is told: what the connection runs is ended then, if there is
    /// nothing but that.
    fn choose(&self, kill: Kill, misses: u32) -> Kill {
        let is_alone = self.session.all_responses_due() == 1;
        if misses >= MAX_MISSES && is_alone {
            kill.of_connection()
        } else {
            kill
        }
    }

    /// Notes that a kill without a number may come late.
    const fn doubt(&mut self, kill: Kill) {
        if matches!(kill, Kill::Connection(_)) {
            self.kill_is_in_doubt = true;
            self.is_limited = true;
        }
    }

    /// Sends a kill and waits for the answer. Should this be dropped, the next call waits for it.
    async fn kill(&mut self, kill: Kill, beside: Beside) -> Result<(bool, Option<Beside>), Error> {
        let limit = self.config.stop_timeout();
        let ends_in_time = beside.ends_in_time;
        let new = || KillsBefore::new(&Arc::default(), limit);
        let before = self.limits.kills_before.get_or_insert_with(new);
        let kills = Arc::clone(before.kills());
        let sent = kills.begin(beside).send(kill).await?;
        if !kills.are_due() {
            self.limits.kills_before = None;
        }
        self.kill_is_in_doubt &= !ends_in_time;
        Ok(sent)
    }

    /// Connects to the server once more, in this place if it is the first time.
    async fn connect_beside(
        &self,
        search: &mut Search,
        mut place: Option<SidePlace>,
    ) -> Result<Side, Error> {
        if !search.refusals.wait().is_zero() {
            return Ok(Side::NoRoom);
        }
        let Some(route) = self.route() else {
            return Ok(Side::NoWay);
        };
        if search.refusals.is_refused()
            && let Some(places) = &self.limits.side_connections
        {
            // Who waits for a place in turn does not see that the response ends.
            let Some(free) = places.place_now() else {
                search.refusals.wait_longer();
                return Ok(Side::NoRoom);
            };
            place = Some(free);
        }
        match route.beside_within(search.beside_limit, place).await {
            Ok(Some(beside)) => {
                search.refusals.admitted();
                Ok(Side::Connected(Box::new(beside)))
            }
            Ok(None) => Ok(Side::NoWay),
            Err(error) => {
                search.refusals.refused(error, &route)?;
                Ok(Side::NoRoom)
            }
        }
    }
}

/// What became of connecting to the server once more.
enum Side {
    Connected(Box<Beside>),
    /// The server has no room for it now, and will be asked again.
    NoRoom,
    /// Where it comes from and where it leads cannot be told.
    NoWay,
}

/// How the statement that runs is looked for again and again.
struct Search {
    start: Instant,
    limit: Duration,
    /// How long it may take to connect to the server once more.
    beside_limit: Duration,
    refusals: Refusals,
    /// How many responses are due.
    due: usize,
    /// How long to wait for the response before the next look.
    pause: Duration,
    /// How often its number was over by the time that the server was told it.
    misses: u32,
    /// How often something else was found.
    strangers: u32,
}

impl Search {
    fn new(limit: Duration, beside_limit: Duration, due: usize) -> Self {
        Self {
            start: Instant::now(),
            limit,
            beside_limit,
            refusals: Refusals::new(beside_limit),
            due,
            pause: Duration::ZERO,
            misses: 0,
            strangers: 0,
        }
    }

    fn left(&self) -> Duration {
        self.limit.saturating_sub(self.start.elapsed())
    }

    /// So many responses are due now: another statement runs if they have become fewer.
    fn goes_on(&mut self, due: usize) {
        if due < self.due {
            self.due = due;
            self.pause = FIRST_PAUSE;
            self.misses = 0;
            self.strangers = 0;
        }
    }

    fn wait_longer(&mut self) {
        self.pause = (self.pause * 2).clamp(FIRST_PAUSE, LAST_PAUSE);
    }
}

pub(crate) const fn not_stopped() -> Error {
    Error::Timeout {
        phase: TimeoutPhase::Stop,
        statement_stopped: false,
    }
}

/// How often a statement may have had another number by the time it was told.
const MAX_MISSES: u32 = 3;
/// How often something else may be found than what should run.
const MAX_STRANGERS: u32 = 4;
/// How long the response of a statement that was stopped may take before it is looked for again.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LAST_PAUSE: Duration = Duration::from_secs(1);
