//! What a pool needs of a connection.

use std::{io, mem};

use otaria_codec::Capabilities;
use otaria_session::{CleanUp, Error, Executed, TransactionWatch};

use crate::kills::KillsBefore;
use crate::transport::Transport;
use crate::{Connection, Rows};

/// Whether a connection is reset when it comes back to its pool.
///
/// A transaction that is open is rolled back in any case.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum ResetPolicy {
    /// If its user may have changed the session: the server has told so (variables, user variables,
    /// `LOCK TABLES`, `PREPARE` in SQL, the default database), or the text of a statement says so
    /// (`GET_LOCK`, `:=`, `INTO @…`, `CALL p(@…)`, `TEMPORARY`, `SET TRANSACTION`, `FLUSH`,
    /// `BACKUP`, `HANDLER`), or one that is no plain reading or writing of rows has failed halfway.
    /// A connection on which the role was changed is closed: a reset does not change it back.
    ///
    /// A lock that a procedure or a function takes by `GET_LOCK` is not seen, nor a temporary table
    /// that it creates by `AS SELECT`, nor its `SET TRANSACTION` or `SET ROLE`, nor a variable that a
    /// function sets by `SELECT … INTO`, nor what a function or a trigger sets in a statement that
    /// fails. The role of a procedure stays for those who come next, reset or not: where procedures
    /// set roles, take such a connection out of the pool (`detach`). What `LAST_INSERT_ID()`,
    /// `LASTVAL()` and `FOUND_ROWS()` return is left as it is. What is seen without need costs a reset.
    ///
    /// Where the server does not tell of changes, as some proxies do not, it is reset always.
    #[default]
    WhenChanged,
    /// Every time. The server forgets the statements that are prepared, too.
    Always,
    /// Never. The next user finds what the one before has left.
    Never,
}

/// What has become of a connection whose user is done with it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum HandedBack {
    /// It is as it was.
    Clean,
    /// What cleans it up is under way, and nothing else: [`Connection::clean`] reads the answers.
    Cleaning {
        /// Whether the session is reset by that.
        resets: bool,
    },
    /// A response is being received that nobody wants.
    Busy,
    /// It is closed, or cannot be made what it was.
    Unusable,
}

impl Connection {
    /// Whether nothing speaks against using the connection: it is open and ready for a command, and
    /// the server has neither closed it nor said anything that nobody asked for, such as that it
    /// ends the session; and the runtime that it was made on is there.
    ///
    /// What has come is looked at without waiting, and nothing is sent. A server that has gone
    /// without a word, or to which the network is cut, is noticed by [`ping`](Self::ping) only.
    pub fn is_usable(&mut self) -> bool {
        self.is_ready()
            && self.is_quiet()
            && self.transport.as_ref().is_some_and(Transport::is_driven)
    }

    /// The same of a connection that was [clean](HandedBack::Clean) when it was handed back, and with
    /// which nothing has been done since; but that the runtime may be gone that it was made on.
    #[inline]
    pub fn is_quiet(&mut self) -> bool {
        let Some(transport) = &self.transport else {
            return false;
        };
        match transport.peek() {
            Some(Err(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                // What the operating system says owns nothing that it would take time to drop.
                mem::forget(error);
                true
            }
            Some(Ok(0) | Err(_)) => false,
            Some(Ok(_)) | None => self.hears_nothing_new(),
        }
    }

    /// Has the server tell from now on what its users change in the session. Says whether it does
    /// so.
    ///
    /// # Errors
    /// Those of the transport.
    ///
    /// # Cancel safety
    /// Like [`simple_query`](Self::simple_query).
    pub async fn track_changes(&mut self) -> Result<bool, Error> {
        if !self.capabilities().contains(TRACKING) {
            return Ok(false);
        }
        match self.simple_execute(TRACK_CHANGES).await {
            Ok(_) => Ok(self.session.tells_changes()),
            Err(Error::Server(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// What the session is now is what each user is to find.
    pub fn watch_changes(&mut self) {
        self.session.watch_changes();
    }

    /// The rows of the result that is under way, if what lent them was dropped and nothing else was
    /// called since.
    pub fn resume_rows(&mut self) -> Rows<'_> {
        Rows::new(self, Executed::default())
    }

    /// The user is done: gives up what is under way, and sends what makes the session again what it
    /// was, as far as neither needs waiting.
    #[inline]
    pub fn hand_back(&mut self, policy: ResetPolicy) -> HandedBack {
        self.end_calls();
        let is_quiet = self.is_ready() && !self.status().is_in_transaction();
        if is_quiet && !self.session.has_changed_user() && !self.is_reset_due(policy) {
            return HandedBack::Clean;
        }
        self.clean_up(policy)
    }

    /// Reads the answers to what was sent by [`hand_back`](Self::hand_back).
    ///
    /// # Errors
    /// [`Error::Closed`] if the server has refused a part of it, or the transport has failed.
    ///
    /// # Cancel safety
    /// Safe. Call it again to go on.
    pub async fn clean(&mut self) -> Result<(), Error> {
        self.ready_within_call().await
    }

    #[inline]
    fn is_reset_due(&self, policy: ResetPolicy) -> bool {
        match policy {
            ResetPolicy::WhenChanged => self.session.may_have_changed(),
            ResetPolicy::Always => true,
            ResetPolicy::Never => false,
        }
    }

    #[cold]
    fn clean_up(&mut self, policy: ResetPolicy) -> HandedBack {
        self.session.abandon();
        if self.close_reason().is_some() || !self.hears_the_rest() {
            return HandedBack::Unusable;
        }
        let kills = self.limits.kills_before.as_ref();
        if !self.session.is_only_clean_up_due() || kills.is_some_and(KillsBefore::are_given_up) {
            return HandedBack::Busy;
        }
        let is_other = match policy {
            ResetPolicy::Never => self.session.has_changed_user(),
            ResetPolicy::WhenChanged | ResetPolicy::Always => self.session.is_beyond_reset(),
        };
        if is_other {
            return HandedBack::Unusable;
        }
        let resets = self.is_reset_due(policy);
        if resets {
            if !self.session.clean_up_all(&self.config) {
                return HandedBack::Unusable;
            }
            if self.capabilities().contains(TRACKING) && policy == ResetPolicy::WhenChanged {
                self.session
                    .clean_up(CleanUp::Sql(TRACK_CHANGES.to_owned()));
            }
        } else if self.status().is_in_transaction()
            || self.session.transaction() != TransactionWatch::Outside
        {
            self.session.clean_up(CleanUp::Rollback);
        }
        self.write_clean_up();
        HandedBack::Cleaning { resets }
    }

    /// Takes in what has come of responses that nobody wants, as far as it has come; whether the
    /// connection is open.
    fn hears_the_rest(&mut self) -> bool {
        for _ in 0..MAX_READS {
            match self.session.discard() {
                Ok(true) => return true,
                Ok(false) => {}
                Err(error) => {
                    self.closed(error);
                    return false;
                }
            }
            let Some(transport) = &mut self.transport else {
                return false;
            };
            match transport.read_now(self.session.read_buffer()) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return true,
                Ok(0) | Err(_) => return false,
                Ok(_) => {}
            }
        }
        true
    }

    /// Whether what has come is of no concern to the session, such as the tickets of TLS.
    #[cold]
    fn hears_nothing_new(&mut self) -> bool {
        for _ in 0..MAX_READS {
            let Some(transport) = &mut self.transport else {
                return false;
            };
            match transport.read_now(self.session.read_buffer()) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return self.is_ready(),
                Ok(0) | Err(_) => return false,
                Ok(_) => {}
            }
            match self.session.poll() {
                Ok(None) => {}
                Ok(Some(_)) => return false,
                Err(error) => {
                    self.closed(error);
                    return false;
                }
            }
        }
        false
    }
}

/// Without the one the server tells nothing, and without the other nothing behind rows.
const TRACKING: Capabilities = Capabilities::SESSION_TRACK.union(Capabilities::DEPRECATE_EOF);

/// By default the server tells of a few variables and the default database.
const TRACK_CHANGES: &str =
    "SET session_track_state_change=1, session_track_transaction_info='STATE'";

/// How often is read without waiting: enough for the tickets of TLS, which come once, and for a
/// response of a few rows.
const MAX_READS: usize = 16;
