mod time_zone;
mod transaction;

use std::collections::BTreeMap;

use otaria_codec::{InvalidPacket, ServerStatus, SessionChange, SessionChanges};
use otaria_types::SessionTimeZone;

pub(crate) use transaction::Harm;
pub use transaction::TransactionWatch;

/// What the server has told about the session: its status, and the [session
/// state](https://mariadb.com/docs/server/reference/clientserver-protocol/4-server-response-packets/ok_packet#session-state-info)
/// it tracks. Nothing is asked for: what the server does not track is not known.
#[derive(Clone, Debug, Default)]
pub struct SessionState {
    status: ServerStatus,
    transaction: TransactionWatch,
    current: Tracked,
    /// What was known after the login: a reset goes back to it.
    after_login: Tracked,
    /// What was known when its next user was to find it like that.
    expected: Option<Box<Tracked>>,
    /// The zone of the session. A reset leaves it open: it is then the server's, which may have
    /// changed since the login.
    time_zone: TimeZone,
}

/// Who has said which zone the session has.
#[derive(Clone, Copy, Debug, Default)]
enum TimeZone {
    #[default]
    Nobody,
    /// This side has set it, and the server has said nothing.
    Client(SessionTimeZone),
    Server(SessionTimeZone),
}

#[derive(Clone, Debug, Default)]
struct Tracked {
    schema: Option<String>,
    /// Whether the server has told a change of the default database.
    tells_schema: bool,
    /// Whether it may have been told since to tell less.
    may_tell_less: bool,
    system_variables: BTreeMap<String, String>,
    /// What the variables take, so that their number and length are limited.
    variables_bytes: usize,
    transaction_characteristics: String,
    transaction_state: String,
    changed: bool,
    /// Whether the server has told a schema, a variable or a state of the transaction since it was
    /// watched first.
    has_told: bool,
}

impl SessionState {
    /// The server's status, as the latest response gave it. An error carries none.
    pub const fn status(&self) -> ServerStatus {
        self.status
    }

    /// The default database: that of the configuration, of a change of user or of `init_db`, until
    /// the server names another. `USE` in SQL is known if the server tracks it
    /// (`session_track_schema`, on by default).
    pub fn schema(&self) -> Option<&str> {
        self.current.schema.as_deref()
    }

    /// The value of a tracked system variable (`session_track_system_variables`), if the server
    /// has told it. MariaDB tells all of them at login from 11.5.1 on, earlier servers only what
    /// changes.
    pub fn system_variable(&self, name: &str) -> Option<&str> {
        self.current.system_variables.get(name).map(String::as_str)
    }

    /// Whether the server reads SQL as UTF-8, as it does after the login.
    pub(crate) fn has_utf8_client(&self) -> bool {
        self.foreign_client().is_none()
    }

    /// The character set as which the server reads SQL, if it has told one that is not UTF-8.
    pub(crate) fn foreign_client(&self) -> Option<&str> {
        let client = self.system_variable("character_set_client");
        client.filter(|charset| !charset.starts_with("utf8"))
    }

    /// All tracked system variables that the server has told, by name.
    pub fn system_variables(&self) -> impl Iterator<Item = (&str, &str)> {
        let variables = self.current.system_variables.iter();
        variables.map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The zone of the session's TIMESTAMP values, if it is UTC or a fixed offset: the tracked
    /// system variable `time_zone`, which the server tells as in
    /// [`system_variable`](Self::system_variable).
    ///
    /// A server that does not track it, and a proxy that does not pass it on, leave the configured
    /// zone in force, and `SET time_zone` is then not seen. `SYSTEM` and names of places are unknown
    /// offsets. After a reset or a change of the user the zone is unknown until it is told or set
    /// again.
    ///
    /// The server tells a change behind the rows of the statement that made it: those that a
    /// procedure selects after it has set another zone, and those of `SET STATEMENT time_zone=… FOR`,
    /// are read by the zone from before.
    pub const fn time_zone(&self) -> SessionTimeZone {
        match self.time_zone {
            TimeZone::Client(zone) | TimeZone::Server(zone) => zone,
            TimeZone::Nobody => SessionTimeZone::Unknown,
        }
    }

    /// The SQL that would open the current transaction again
    /// (`session_track_transaction_info=CHARACTERISTICS`); empty outside one, or untracked.
    pub fn transaction_characteristics(&self) -> &str {
        &self.current.transaction_characteristics
    }

    /// The eight characters of the transaction's state (`session_track_transaction_info`), such as
    /// `T_______`; empty until the server tells it.
    pub fn transaction_state(&self) -> &str {
        &self.current.transaction_state
    }

    /// Whether the server has said since the login or the last reset that the session's state
    /// changed (`session_track_state_change`).
    pub const fn is_changed(&self) -> bool {
        self.current.changed
    }

    /// What is known now is what the session is expected to be from now on.
    pub(crate) fn watch(&mut self) {
        self.current.changed = false;
        self.current.has_told = false;
        self.expected = Some(Box::new(self.current.clone()));
    }

    /// Whether the server has told something else than was known when it was watched first.
    #[inline]
    pub(crate) fn differs(&self) -> bool {
        let differs = |expected: &Tracked| {
            self.current.schema != expected.schema
                || self.current.system_variables != expected.system_variables
                || self.current.transaction_state.contains(TABLES_ARE_LOCKED)
        };
        self.current.changed
            || (self.current.has_told && self.expected.as_deref().is_none_or(differs))
    }

    /// Takes what the response to the login says.
    pub(crate) fn log_in(
        &mut self,
        database: Option<&str>,
        status: ServerStatus,
        session_state: &[u8],
    ) -> Result<(), InvalidPacket> {
        self.current.schema = database.map(str::to_owned);
        self.update(status, session_state)?;
        self.after_login = self.current.clone();
        Ok(())
    }

    /// Whether the server tells when the default database changes. It is not known before it has done
    /// so once (`session_track_schema`).
    pub(crate) const fn tells_schema(&self) -> bool {
        self.current.tells_schema && !self.current.may_tell_less
    }

    /// The server may tell less from now on. Its word for the change of that very setting is no proof.
    pub(crate) const fn may_tell_less(&mut self) {
        self.current.may_tell_less = true;
    }

    /// Takes the status of a response that says no more.
    pub(crate) const fn set_status(&mut self, status: ServerStatus) {
        self.status = status;
    }

    /// What is known of the transaction that is watched.
    pub(crate) fn transaction(&self) -> TransactionWatch {
        let mut transaction = self.transaction;
        transaction.told_if_open(self.status);
        transaction
    }

    /// The same, without the latest status of a response that said no more.
    #[inline]
    pub(crate) const fn watched(&self) -> TransactionWatch {
        self.transaction
    }

    pub(crate) const fn watch_transaction(&mut self, transaction: TransactionWatch) {
        self.transaction = transaction;
    }

    /// The server has said that no transaction is open, if not by a status.
    pub(crate) fn transaction_is_gone(&mut self) {
        self.transaction.told(ServerStatus::empty());
    }

    /// The transaction that was open is not the one that is.
    pub(crate) fn transaction_is_replaced(&mut self) {
        if self.transaction == TransactionWatch::Open {
            self.transaction = TransactionWatch::Aborted { code: None };
        }
    }

    /// The server has refused or ended a statement by the error with this code.
    pub(crate) fn statement_refused(&mut self, code: u16, harm: Harm) {
        self.transaction = self.transaction();
        self.transaction.refused(code, harm);
    }

    /// Takes what a response says.
    pub(crate) fn update(
        &mut self,
        status: ServerStatus,
        session_state: &[u8],
    ) -> Result<(), InvalidPacket> {
        self.status = status;
        self.transaction.told(status);
        if session_state.len() > MAX_VARIABLES_BYTES {
            return Err(too_long(session_state.len()));
        }
        SessionChanges::new(session_state).try_for_each(|change| {
            let change = change?;
            if let SessionChange::SystemVariable {
                name: b"time_zone",
                value,
            } = change
            {
                self.time_zone = TimeZone::Server(time_zone::parse(value));
            }
            if let SessionChange::TransactionState(state) = change
                && is_another(self.current.transaction_state.as_bytes(), state)
            {
                self.transaction_is_replaced();
            }
            self.current.change(&change)
        })
    }

    /// The client has given the session the zone `name`, of which the server may say nothing.
    pub(crate) fn set_time_zone(&mut self, name: &str) {
        if !matches!(self.time_zone, TimeZone::Server(_)) {
            self.time_zone = TimeZone::Client(time_zone::parse(name.as_bytes()));
        }
    }

    /// The client has made `schema` the default database, of which the server may say nothing.
    pub(crate) fn set_schema(&mut self, schema: String) {
        self.current.has_told = true;
        self.current.schema = Some(schema);
    }

    /// Like [`reset`](Self::reset), by a server that says nothing of its status: no transaction is
    /// open any longer.
    pub(crate) fn roll_back(&mut self) {
        self.reset();
        self.status
            .remove(ServerStatus::IN_TRANS | ServerStatus::IN_TRANS_READONLY);
        self.transaction.told(self.status);
    }

    /// The server has reset the session: all is as after the login, but the default database stays.
    pub(crate) fn reset(&mut self) {
        let schema = self.current.schema.take();
        self.time_zone = TimeZone::Nobody;
        self.current = Tracked {
            schema,
            ..self.after_login.clone()
        };
    }
}

impl Tracked {
    fn change(&mut self, change: &SessionChange<'_>) -> Result<(), InvalidPacket> {
        self.has_told = true;
        match *change {
            SessionChange::SystemVariable { name, value } => {
                let (name, value) = (text(name), text(value));
                self.variables_bytes += VARIABLE_BYTES + name.len() + value.len();
                let name_bytes = name.len();
                if let Some(replaced) = self.system_variables.insert(name, value) {
                    self.variables_bytes -= VARIABLE_BYTES + name_bytes + replaced.len();
                }
                // A server may track all of its variables, and must not fill the client's memory
                // with more.
                if self.variables_bytes > MAX_VARIABLES_BYTES {
                    return Err(too_long(self.variables_bytes));
                }
            }
            SessionChange::Schema(schema) => {
                self.tells_schema = true;
                self.schema = Some(text(schema)).filter(|schema| !schema.is_empty());
            }
            SessionChange::StateChange { changed } => self.changed |= changed,
            SessionChange::TransactionCharacteristics(sql) => {
                self.transaction_characteristics = text(sql);
            }
            SessionChange::TransactionState(state) => self.transaction_state = text(state),
            // GTIDs of MySQL, and what is not known here.
            _ => {}
        }
        Ok(())
    }
}

fn too_long(bytes: usize) -> InvalidPacket {
    InvalidPacket::Field {
        packet: "session state info",
        field: "length of all system variables",
        value: u64::try_from(bytes).unwrap_or(u64::MAX),
    }
}

/// Whether a transaction in this state is another one than that which was in the state `before`: what
/// has been read and written in a transaction stays so to its end.
fn is_another(before: &[u8], state: &[u8]) -> bool {
    let pairs = before.iter().zip(state);
    let mut read_or_written = pairs.skip(1).take(4);
    read_or_written.any(|(before, now)| *before != b'_' && *now == b'_')
}

/// "L: Tables have been explicitly locked".
const TABLES_ARE_LOCKED: char = 'L';

/// What a variable takes beside its name and value, about.
const VARIABLE_BYTES: usize = 64;
/// All 700 variables of a server take 30 KiB.
const MAX_VARIABLES_BYTES: usize = 1024 * 1024;

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logged_in() -> SessionState {
        let mut state = SessionState::default();
        let login = b"\x00\x0e\x0aautocommit\x02ON";
        state
            .log_in(Some("shop"), ServerStatus::AUTOCOMMIT, login)
            .unwrap();
        state
    }

    #[test]
    fn what_the_server_tracks_is_kept() {
        let mut state = logged_in();
        assert_eq!(state.schema(), Some("shop"));
        let changes =
            b"\x01\x06\x05mysql\x00\x0f\x0aautocommit\x03OFF\x02\x01\x31\x05\x09\x08T_______";
        state.update(ServerStatus::IN_TRANS, changes).unwrap();
        assert_eq!(state.schema(), Some("mysql"));
        assert_eq!(state.system_variable("autocommit"), Some("OFF"));
        assert_eq!(state.system_variables().count(), 1);
        assert_eq!(state.transaction_state(), "T_______");
        assert!(state.is_changed());
        assert_eq!(state.status(), ServerStatus::IN_TRANS);
    }

    #[test]
    fn a_reset_goes_back_to_the_login_but_keeps_the_schema() {
        let mut state = logged_in();
        let changes = b"\x01\x06\x05mysql\x00\x0f\x0aautocommit\x03OFF\x02\x01\x31";
        state.update(ServerStatus::empty(), changes).unwrap();
        state.reset();
        assert_eq!(state.schema(), Some("mysql"));
        assert_eq!(state.system_variable("autocommit"), Some("ON"));
        assert!(!state.is_changed());
    }

    const UTC: SessionTimeZone = SessionTimeZone::Offset { seconds: 0 };
    const TO_UTC: &[u8] = b"\x00\x11\x09time_zone\x06+00:00";
    const TO_SYSTEM: &[u8] = b"\x00\x11\x09time_zone\x06SYSTEM";

    #[test]
    fn set_time_zone_mid_session_seen_via_tracking_counts_from_then_on() {
        let mut state = logged_in();
        assert_eq!(state.time_zone(), SessionTimeZone::Unknown);
        state.update(ServerStatus::empty(), TO_UTC).unwrap();
        assert_eq!(state.time_zone(), UTC);
        state.update(ServerStatus::empty(), b"").unwrap();
        assert_eq!(state.time_zone(), UTC);
        state.update(ServerStatus::empty(), TO_SYSTEM).unwrap();
        assert_eq!(state.time_zone(), SessionTimeZone::Unknown);
    }

    #[test]
    fn the_zone_that_was_set_counts_where_the_server_tells_none() {
        let mut state = logged_in();
        state.set_time_zone("+00:00");
        assert_eq!(state.time_zone(), UTC);
        state.update(ServerStatus::empty(), TO_SYSTEM).unwrap();
        assert_eq!(state.time_zone(), SessionTimeZone::Unknown);
        state.set_time_zone("+00:00");
        assert_eq!(state.time_zone(), SessionTimeZone::Unknown);
    }

    #[test]
    fn a_reset_leaves_the_zone_open_until_it_is_told_or_set_again() {
        let mut state = SessionState::default();
        state.log_in(None, ServerStatus::empty(), TO_UTC).unwrap();
        assert_eq!(state.time_zone(), UTC);
        state.reset();
        assert_eq!(state.time_zone(), SessionTimeZone::Unknown);
        state.set_time_zone("UTC");
        assert_eq!(state.time_zone(), UTC);
        state.roll_back();
        assert_eq!(state.time_zone(), SessionTimeZone::Unknown);
        state.update(ServerStatus::empty(), TO_UTC).unwrap();
        assert_eq!(state.time_zone(), UTC);
    }

    #[test]
    fn variables_without_end_are_an_error() {
        let mut state = logged_in();
        let mut told = (0..100).map(|number| {
            let (name, value) = (format!("variable {number}"), "x".repeat(60_000));
            let mut entry = Vec::new();
            SessionChange::SystemVariable {
                name: name.as_bytes(),
                value: value.as_bytes(),
            }
            .encode(&mut otaria_codec::PayloadWriter::new(&mut entry));
            state.update(ServerStatus::empty(), &entry)
        });
        assert_eq!(told.position(|result| result.is_err()), Some(17));
    }

    #[test]
    fn a_variable_that_is_told_again_takes_no_more() {
        let mut state = logged_in();
        for _ in 0..100_000 {
            state
                .update(ServerStatus::empty(), b"\x00\x0f\x0aautocommit\x03OFF")
                .unwrap();
        }
        assert_eq!(state.system_variables().count(), 1);
    }

    #[test]
    fn a_block_longer_than_all_variables_may_be_is_refused_unread() {
        let block = vec![0; MAX_VARIABLES_BYTES + 1];
        assert!(logged_in().update(ServerStatus::empty(), &block).is_err());
    }

    #[test]
    fn a_broken_entry_is_an_error() {
        assert!(
            logged_in()
                .update(ServerStatus::empty(), b"\x01\x06\x06mysql")
                .is_err()
        );
    }
}
