use std::ops::Range;

use otaria_auth::{KeyDerivation, Prompt};
use otaria_codec::OkPacket;
use otaria_statement::Statement;

use crate::Progress;
use crate::error::ServerError;

/// What the server has answered.
#[derive(Clone, Debug)]
pub enum Event {
    /// TLS is to begin: send what is unwritten, then call
    /// [`Session::start_tls`](crate::Session::start_tls).
    #[cfg(feature = "tls")]
    StartTls,
    /// The server asks the user something, for [`Session::answer`](crate::Session::answer).
    Prompt(Prompt),
    /// A key is to be made of the password, which may take long, for
    /// [`Session::derived`](crate::Session::derived).
    Derive(KeyDerivation),
    /// The login is done.
    Connected,
    /// A statement is prepared.
    Prepared(Statement),
    /// The server refused to prepare a statement, which was not executed either.
    NotPrepared(ServerError),
    /// A statement was reset in front of a command: its cursor is closed, and the values sent ahead
    /// for it are gone.
    StatementReset,
    /// A command that [cleans up](crate::Session::clean_up) was executed.
    CleanedUp,
    /// A command that begins or ends a transaction, or a part of one, was answered:
    /// [`Session::transaction`](crate::Session::transaction) tells how.
    TransactionStep,
    /// A result without rows.
    Ok(Executed),
    /// A result with rows, whose columns [`Session::columns`](crate::Session::columns) tells.
    ResultSet,
    /// The server has opened a cursor for the statement, whose columns
    /// [`Session::columns`](crate::Session::columns) tells: its rows come when they are fetched, by
    /// [`Session::fetch`](crate::Session::fetch).
    CursorOpened,
    /// A row, for [`Session::row`](crate::Session::row).
    Row(PacketRange),
    /// The rows of a result have ended.
    ResultSetEnd(Executed),
    /// The server refused or ended the command.
    Err(ServerError),
    /// The server says how far it is with the command.
    Progress(Progress),
    /// The server asks for the content of the file that the command came with: it is for
    /// [`Session::upload`](crate::Session::upload).
    LocalInfile,
    /// The response has ended, and the server had asked in it for a file that the command did not
    /// come with. What the results from there on said was thrown away.
    LocalInfileRefused,
}

/// Where a row lies in the receive buffer, until the next read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PacketRange(pub(crate) Range<usize>);

/// What a statement has done.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Executed {
    /// How many rows were changed, inserted or deleted; found, if
    /// [`found_rows`](crate::ConfigBuilder::found_rows) is on.
    pub affected_rows: u64,
    /// The first value that an `AUTO_INCREMENT` column was given, or 0.
    pub last_insert_id: u64,
    /// How many warnings there are; `SHOW WARNINGS` tells them.
    pub warnings: u16,
    /// The server's words, such as `Rows matched: 1  Changed: 0  Warnings: 0`; often empty.
    pub info: String,
}

impl From<OkPacket<'_>> for Executed {
    fn from(ok: OkPacket<'_>) -> Self {
        Self {
            affected_rows: ok.affected_rows,
            last_insert_id: ok.last_insert_id,
            warnings: ok.warnings,
            info: String::from_utf8_lossy(ok.info).into_owned(),
        }
    }
}
