//! The commands by which a session is made what its next user expects.

use std::fmt;
use std::ops::Range;

use otaria_codec::{
    Capabilities, Encode, InvalidPacket, ResponseEvent, ResponseReader, ServerStatus,
};
use otaria_statement::{may_change_meaning, may_set_schema};
use otaria_text::{ComInitDb, ComQuery, ComResetConnection};

use super::Session;
use super::expected::{Expected, Reply};
use crate::error::{CloseReason, Error, ServerError};
use crate::event::Event;
use crate::{Config, TransactionWatch};

/// A command by which a session is made what its next user expects: see [`Session::clean_up`].
///
/// `Debug` shows no SQL, since values may stand in it.
#[derive(Clone, Eq, PartialEq)]
#[non_exhaustive]
pub enum CleanUp {
    /// The transaction is rolled back and none is begun, whatever `completion_type` says. Outside a
    /// transaction nothing happens.
    Rollback,
    /// What was done since this savepoint is undone, and the savepoint is gone.
    RollbackTo(SavepointId),
    /// The session is as it was after the login, but for its default database
    /// (`COM_RESET_CONNECTION`).
    Reset,
    /// This is the default database (`COM_INIT_DB`).
    InitDb(String),
    /// The settings of a [`Config`], made by this statement.
    Settings {
        /// What [`Config::session_settings_after_reset_sql`] says.
        sql: String,
        /// The zone that it gives the session, if it gives one.
        time_zone: Option<String>,
    },
    /// SQL, such as an init command. Its rows are thrown away.
    Sql(String),
}

/// A savepoint of a transaction: one for each level of nesting, from 1.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SavepointId(pub u32);

/// The name that the savepoint has in SQL.
impl fmt::Display for SavepointId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "otaria_{}", self.0)
    }
}

impl fmt::Debug for CleanUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rollback => f.write_str("Rollback"),
            Self::RollbackTo(savepoint) => f.debug_tuple("RollbackTo").field(savepoint).finish(),
            Self::Reset => f.write_str("Reset"),
            Self::InitDb(schema) => f.debug_tuple("InitDb").field(schema).finish(),
            Self::Settings { sql, .. } => write!(f, "Settings({} bytes)", sql.len()),
            Self::Sql(sql) => write!(f, "Sql({} bytes)", sql.len()),
        }
    }
}

/// The response to a command that cleans up.
#[derive(Debug)]
pub(super) struct CleanUpReply {
    reader: ResponseReader,
    of: CleanUp,
}

impl CleanUpReply {
    pub(super) const fn expects(&self) -> &'static str {
        self.reader.expects()
    }
}

impl Session {
    /// Gives up what is under way, as [`abandon`](Self::abandon) does, and queues `due` behind what
    /// has been sent. From then on it is not taken back, and an error of the server in answer to it
    /// closes the session with [`CloseReason::CleanUpFailed`]. Nothing is queued in a session that is
    /// closed or not logged in.
    ///
    /// **No other command may be queued before the response to it has been read**
    /// ([`is_clean_up_due`](Self::is_clean_up_due)): an error for one command does not keep the
    /// server from running the next, which would then run in a session that is not what it should
    /// be. [`discard`](Self::discard) reads it.
    ///
    /// Where the server may ask for a file in a response that is due, or a change of the user is
    /// under way, it would take a command for the answer: `due` is set aside then, and queued when
    /// that response has been read.
    pub fn clean_up(&mut self, due: CleanUp) {
        if matches!(due, CleanUp::Rollback | CleanUp::Reset) {
            // Also where the session is closed: what is asked of it next is no part of the transaction.
            self.leave_transaction();
        }
        if self.check_open().is_err() {
            return;
        }
        self.abandon();
        if self.set_aside.is_empty() && !self.may_be_asked() {
            self.queue_clean_up(due);
        } else {
            self.set_aside.push_back(due);
        }
    }

    /// Cleans up by a reset, the default database of `config`, its settings and its init commands:
    /// the session is then what it is after a login. `false`, and nothing is queued, if that is not
    /// possible: a session that has a default database, or may get one by what is under way, cannot
    /// be left without one.
    pub fn clean_up_all(&mut self, config: &Config) -> bool {
        let is_kept =
            self.set_aside.is_empty() && self.expected.iter().all(Expected::keeps_session);
        if config.database().is_none() && (self.state.schema().is_some() || !is_kept) {
            return false;
        }
        let is_certain = is_kept && self.state.tells_schema();
        let differs = self.state.schema() != config.database();
        self.clean_up(CleanUp::Reset);
        if let Some(schema) = config.database()
            && (differs || !is_certain)
        {
            self.clean_up(CleanUp::InitDb(schema.to_owned()));
        }
        let version = self.server_version();
        let settings = version.and_then(|version| config.session_settings_after_reset_sql(version));
        if let Some(sql) = settings {
            let time_zone = config.time_zone().map(str::to_owned);
            self.clean_up(CleanUp::Settings { sql, time_zone });
        }
        for sql in config.init_commands() {
            self.clean_up(CleanUp::Sql(sql.clone()));
        }
        true
    }

    /// Whether a command that cleans up is queued, or was sent and has not been answered.
    pub fn is_clean_up_due(&self) -> bool {
        !self.set_aside.is_empty() || self.expected.iter().any(Expected::is_clean_up)
    }

    /// Whether a response is due that somebody has given up. That to a command that cleans up, or begins
    /// or ends a transaction, is wanted.
    pub fn is_abandoned_due(&self) -> bool {
        self.expected.iter().any(|due| !due.is_wanted())
    }

    /// Queues what was set aside, if the server can read it for what it is.
    pub(super) fn queue_set_aside(&mut self) {
        while !self.may_be_asked()
            && let Some(due) = self.set_aside.pop_front()
        {
            self.queue_clean_up(due);
        }
    }

    /// Whether the server may take what is sent for the answer to something else.
    fn may_be_asked(&self) -> bool {
        let has_local_files = self.capabilities.contains(Capabilities::LOCAL_FILES);
        let several = self.capabilities.contains(Capabilities::MULTI_STATEMENTS);
        let mut expected = self.expected.iter();
        // To what reads or writes rows, and is no LOAD DATA, only a server that lies asks for a file. It
        // gets none: a request with a command behind the statement closes the session.
        expected.any(|due| due.may_ask(has_local_files && !self.is_certainly_data(due), several))
    }

    fn queue_clean_up(&mut self, due: CleanUp) {
        if due != CleanUp::Reset {
            self.queue_closes();
        }
        match &due {
            CleanUp::Rollback => self.push_clean_up(&ComQuery::new(ROLLBACK), due),
            CleanUp::RollbackTo(savepoint) => {
                let rollback = format!("ROLLBACK TO SAVEPOINT {savepoint}");
                let release = format!("RELEASE SAVEPOINT {savepoint}");
                self.push_clean_up(&ComQuery::new(&rollback), due.clone());
                self.push_clean_up(&ComQuery::new(&release), due);
            }
            CleanUp::Reset => self.push_clean_up(&ComResetConnection, due),
            CleanUp::InitDb(schema) => {
                let schema = schema.clone();
                self.push_clean_up(&ComInitDb::new(&schema), due);
            }
            CleanUp::Settings { sql, .. } | CleanUp::Sql(sql) => {
                let sql = sql.clone();
                self.push_clean_up(&ComQuery::new(&sql), due);
            }
        }
    }

    fn push_clean_up(&mut self, command: &impl Encode, of: CleanUp) {
        let reader = match &of {
            CleanUp::Settings { .. } | CleanUp::Sql(_) => ResponseReader::new(self.capabilities),
            _ => ResponseReader::for_ok(self.capabilities),
        };
        let keeps_session = matches!(of, CleanUp::Rollback | CleanUp::RollbackTo(_));
        let sequence_number = self.commands.push_kept(command, self.capabilities);
        let expected = Expected::clean_up(CleanUpReply { reader, of }, keeps_session);
        self.expect(expected.numbered_from(sequence_number));
    }

    pub(super) fn read_clean_up(&mut self, packet: Range<usize>) -> Result<Option<Event>, Error> {
        let payload = self.received.packets().payload(packet);
        let Some(Reply::CleanUp(reply)) = self.expected.front_mut().map(|due| &mut due.reply)
        else {
            return Ok(None);
        };
        let (status, session_state) = match reply.reader.read(payload) {
            Ok(ResponseEvent::Ok(ok)) => (ok.status, ok.session_state.to_vec()),
            Ok(ResponseEvent::ResultSetEnd {
                status,
                session_state,
                ..
            }) => (status, session_state.to_vec()),
            Ok(ResponseEvent::Progress(report)) => return Ok(Some(Event::Progress(report.into()))),
            Ok(ResponseEvent::Err(err)) => {
                let (error, of) = (ServerError::from(err), reply.of.clone());
                return self.not_cleaned_up(error, &of).map(Some);
            }
            Ok(ResponseEvent::LocalInfile(_)) => {
                let packet = "response to a command that has no file";
                return Err(self.invalid(InvalidPacket::Unexpected {
                    packet,
                    found: 0xfb,
                }));
            }
            // Rows, which nobody wants.
            Ok(_) => return Ok(None),
            Err(invalid) => return Err(self.invalid(invalid)),
        };
        let done = reply.reader.is_done().then(|| reply.of.clone());
        let taken = self.take_clean_up(done, status, &session_state);
        taken.map_err(|invalid| self.invalid(invalid))
    }

    /// A result has come, and with it the end of the response to `done`, if that is something.
    fn take_clean_up(
        &mut self,
        done: Option<CleanUp>,
        status: ServerStatus,
        session_state: &[u8],
    ) -> Result<Option<Event>, InvalidPacket> {
        let mut time_zone_set = None;
        match done.as_ref() {
            Some(CleanUp::Reset) => {
                self.state.reset();
                self.statements.forget();
            }
            Some(CleanUp::InitDb(schema)) => self.state.set_schema(schema.clone()),
            // Not when it was queued: a reset in front of it would have wiped it out again.
            Some(CleanUp::Settings { sql, time_zone }) => {
                self.note_meaning_of(sql);
                time_zone_set = time_zone.as_deref();
            }
            Some(CleanUp::Sql(sql)) => self.note_meaning_of(sql),
            Some(CleanUp::Rollback | CleanUp::RollbackTo(_)) | None => {}
        }
        self.state.update(status, session_state)?;
        if let Some(name) = time_zone_set {
            self.state.set_time_zone(name);
        }
        Ok(done.map(|_| self.end_response(Event::CleanedUp)))
    }

    /// Notes that what is prepared may mean something else behind `sql`, if it may.
    pub(super) fn note_meaning_of(&mut self, sql: &str) {
        let several = self.capabilities.contains(Capabilities::MULTI_STATEMENTS);
        self.note_meaning(may_change_meaning(sql, several), || {
            may_set_schema(sql, several)
        });
    }

    /// The session is not what its next user expects: nobody may use it. Only where a savepoint is
    /// gone with the transaction that is watched, it is that which is not used any more; and nothing is
    /// left of it where all is rolled back behind it.
    fn not_cleaned_up(&mut self, error: ServerError, of: &CleanUp) -> Result<Event, Error> {
        let code = error.code();
        let watched = self.transaction();
        self.refused(error, false)?;
        let is_gone = matches!(of, CleanUp::RollbackTo(_)) && code == NO_SUCH_SAVEPOINT;
        if is_gone && watched != TransactionWatch::Outside {
            // By what it was in doubt before, not by this error.
            self.state.watch_transaction(watched);
            self.state.transaction_is_gone();
            return Ok(Event::CleanedUp);
        }
        if is_gone && self.is_rollback_due() {
            return Ok(Event::CleanedUp);
        }
        let reason = CloseReason::CleanUpFailed { code };
        self.close(reason);
        Err(Error::Closed { reason })
    }

    /// Whether a command that rolls the whole transaction back has been sent, or is to be.
    fn is_rollback_due(&self) -> bool {
        let due = self.expected.iter().filter_map(|due| match &due.reply {
            Reply::CleanUp(reply) => Some(&reply.of),
            _ => None,
        });
        due.chain(&self.set_aside)
            .any(|of| matches!(of, CleanUp::Rollback | CleanUp::Reset))
    }
}

/// Ends the transaction and begins no other, nor ends the session, whatever `completion_type` says.
const ROLLBACK: &str = "ROLLBACK AND NO CHAIN NO RELEASE";
/// `ER_SP_DOES_NOT_EXIST`, which is said of savepoints as well.
const NO_SUCH_SAVEPOINT: u16 = 1305;
