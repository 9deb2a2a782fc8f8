//! Finding a connection's statement in the server's process list, and telling it from those of
//! others.

use std::fmt;

use otaria_auth::ServerVersion;

use crate::session::{MAX_COMPARED_BYTES, cut};

/// A connection as its server's process list should show it, and what it runs.
///
/// A thread id alone says nothing: behind a proxy it may be that of another server, where somebody
/// else has it. So the list is read by a connection of our own beside it, and the statement under
/// that id is ours only if
///
/// - the user is ours;
/// - the server sees both connections by their own ports, so that nobody on the way gives them
///   others; or both have come by the same Unix socket;
/// - the list shows the statement that was sent, or one of several. Where the server shows what a
///   procedure runs in place of CALL, the ports alone have to do.
///
/// `Debug` shows no SQL, since values may stand in it.
#[derive(Clone, Eq, PartialEq)]
pub struct Process<'a> {
    /// The connection's id on the server, its low 32 bits.
    pub thread_id: u32,
    /// The user's name.
    pub user: &'a str,
    /// Where the connection, and that beside it, come from.
    pub origin: Origin,
    /// What [`Session::running_sql`](crate::Session::running_sql) says.
    pub sql: &'a str,
}

/// Where a connection, and that beside it, come from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Origin {
    /// From these ports of this machine, by TCP.
    Ports {
        /// That of the connection.
        own: u16,
        /// That of the connection beside it.
        beside: u16,
    },
    /// By the same Unix socket.
    UnixSocket,
}

/// A line of the process list.
///
/// `Debug` shows no SQL, since values may stand in it.
#[derive(Clone, Eq, PartialEq)]
pub struct ProcessLine {
    /// The connection's id.
    pub id: u64,
    /// Whether it is that of the connection by which the list was read.
    pub is_beside: bool,
    /// The user's name.
    pub user: String,
    /// Where the server sees the connection come from: `name:port`, or `localhost`.
    pub host: String,
    /// What kind of command the server runs, such as `Sleep` for none.
    pub command: String,
    /// The number of the statement; no server but MariaDB has them.
    pub query_id: Option<u64>,
    /// The beginning of the statement, cut behind [`ProcessLine::INFO_BYTES`].
    pub info: Option<Vec<u8>>,
}

/// What the process list says of a connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Found {
    /// It runs the statement.
    Running {
        /// By this SQL the statement is stopped.
        kill: Kill,
    },
    /// It runs nothing.
    Idle,
    /// It is not there, or what is there is not for certain ours.
    Nothing,
}

/// What stops a statement.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kill {
    /// `KILL QUERY ID`: what has this number, and nothing that runs later.
    Query {
        /// Its number.
        id: u64,
        /// The id of the connection that runs it.
        connection: u64,
    },
    /// `KILL QUERY`: whatever the connection runs by then.
    Connection(u64),
}

impl Kill {
    /// That of whatever the same connection runs. Two connections can have one number on MariaDB: a
    /// `COM_PING` takes that of the server's next statement, and the one that came last is hit.
    #[must_use]
    pub const fn of_connection(self) -> Self {
        match self {
            Self::Query { connection, .. } | Self::Connection(connection) => {
                Self::Connection(connection)
            }
        }
    }

    /// The statement that does it.
    pub fn sql(self) -> String {
        match self {
            Self::Query { id, .. } => format!("KILL QUERY ID {id}"),
            Self::Connection(id) => format!("KILL QUERY {id}"),
        }
    }
}

impl Process<'_> {
    /// The query whose rows, each read as a [`ProcessLine`] in the order of its fields, are for
    /// [`find`](Self::find).
    pub fn query(&self, version: &ServerVersion) -> String {
        let (query_id, info) = if version.is_mariadb {
            ("QUERY_ID", "INFO_BINARY")
        } else {
            ("NULL", "INFO")
        };
        let (id, bytes) = (self.thread_id, ProcessLine::INFO_BYTES);
        // The id in the handshake has 32 bits.
        format!(
            "SELECT ID, ID = CONNECTION_ID(), USER, HOST, COMMAND, {query_id}, LEFT({info}, {bytes}) \
             FROM information_schema.PROCESSLIST \
             WHERE ID & 4294967295 = {id} OR ID = CONNECTION_ID()"
        )
    }

    /// Finds the connection among `lines`, and says what it runs.
    pub fn find(&self, lines: &[ProcessLine]) -> Found {
        let mut beside = lines.iter().filter(|line| line.is_beside);
        let is_ours = |line: &&ProcessLine| {
            !line.is_beside && line.id & u64::from(u32::MAX) == u64::from(self.thread_id)
        };
        let mut ours = lines.iter().filter(is_ours);
        let (Some(beside), None) = (beside.next(), beside.next()) else {
            return Found::Nothing;
        };
        let (Some(line), None) = (ours.next(), ours.next()) else {
            return Found::Nothing;
        };
        let is_user = line.user == self.user || line.user == beside.user;
        if !is_user || !self.origin.is_of(line, beside) {
            return Found::Nothing;
        }
        let Some(info) = &line.info else {
            return Found::Idle;
        };
        let beginning = cut(self.sql, MAX_COMPARED_BYTES);
        if !(shows(info, beginning) || self.may_show(info)) {
            return Found::Nothing;
        }
        let kill = match line.query_id {
            Some(id) => Kill::Query {
                id,
                connection: line.id,
            },
            None => Kill::Connection(line.id),
        };
        Found::Running { kill }
    }

    /// Whether `info` may be shown in place of the statement that was sent: as one of those that it
    /// consists of, or whatever a procedure runs. By a Unix socket nothing but the statement tells
    /// whether there is a proxy on the way.
    fn may_show(&self, info: &[u8]) -> bool {
        let sql = self.sql.trim_start_matches(SPACE);
        let end = sql.find(|character: char| !character.is_ascii_alphabetic());
        let word = sql.get(..end.unwrap_or(sql.len())).unwrap_or_default();
        let mut named_elsewhere = ["CALL", "EXECUTE"].iter();
        let is_named_elsewhere = named_elsewhere.any(|known| word.eq_ignore_ascii_case(known));
        let is_part =
            sql.contains(';') && !info.is_empty() && position(sql.as_bytes(), info).is_some();
        matches!(self.origin, Origin::Ports { .. }) && (is_named_elsewhere || is_part)
    }
}

impl Origin {
    /// Whether `line` and `beside` are of connections that come from here.
    fn is_of(self, line: &ProcessLine, beside: &ProcessLine) -> bool {
        match self {
            Self::Ports { own, beside: port } => {
                line.port() == Some(own) && beside.port() == Some(port)
            }
            Self::UnixSocket => !line.host.contains(':') && !beside.host.contains(':'),
        }
    }
}

impl ProcessLine {
    /// How much of a statement is asked for: values that the server has put into the places of
    /// placeholders can make it longer than it was sent.
    pub const INFO_BYTES: usize = 2000;

    /// The port that the server sees.
    fn port(&self) -> Option<u16> {
        let (_, port) = self.host.rsplit_once(':')?;
        port.parse().ok()
    }
}

impl fmt::Debug for Process<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Process")
            .field("thread_id", &self.thread_id)
            .field("user", &self.user)
            .field("origin", &self.origin)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ProcessLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProcessLine")
            .field("id", &self.id)
            .field("is_beside", &self.is_beside)
            .field("user", &self.user)
            .field("host", &self.host)
            .field("command", &self.command)
            .field("query_id", &self.query_id)
            .field("runs", &self.info.is_some())
            .finish()
    }
}

/// Whether `info` is what the process list shows of the statement that begins with `sql`.
///
/// The server leaves white space around it, and semicolons behind it, away. A log makes it write
/// values in the places of placeholders, and some servers write what is beyond 3 bytes of UTF-8 as
/// `?`: what stands there is not compared.
fn shows(info: &[u8], sql: &str) -> bool {
    let mut sql = sql.trim_start_matches(SPACE);
    let is_whole = sql.len() < MIN_CUT_BYTES && info.len() < ProcessLine::INFO_BYTES;
    if is_whole {
        sql = sql.trim_end_matches(|character| SPACE.contains(&character) || character == ';');
    }
    let is_open = |character: char| character == '?' || character.len_utf8() > 3;
    let mut pieces = sql.split(is_open).map(str::as_bytes);
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = info.strip_prefix(first).filter(|_| !first.is_empty()) else {
        return false;
    };
    let last = pieces.next_back();
    for piece in pieces.chain(last.filter(|_| !is_whole)) {
        match position(rest, piece) {
            Some(start) => rest = rest.get(start + piece.len()..).unwrap_or_default(),
            // The values are longer than what was asked for.
            None => return info.len() >= ProcessLine::INFO_BYTES,
        }
    }
    match last {
        _ if !is_whole => true,
        Some(last) => rest.ends_with(last),
        None => rest.is_empty(),
    }
}

/// Where the first `piece` in `bytes` begins.
fn position(bytes: &[u8], piece: &[u8]) -> Option<usize> {
    if piece.is_empty() {
        return Some(0);
    }
    let mut windows = bytes.windows(piece.len());
    windows.position(|window| window == piece)
}

/// What servers take for white space.
const SPACE: [char; 6] = [' ', '\t', '\n', '\u{b}', '\u{c}', '\r'];
/// A statement of so many bytes may have been cut in the middle of its last character.
const MIN_CUT_BYTES: usize = 197;

#[cfg(test)]
mod tests;
