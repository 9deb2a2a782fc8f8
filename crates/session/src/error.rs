use std::fmt;
use std::io;

use otaria_auth::AuthError;
use otaria_codec::{ErrPacket, FieldType, InvalidPacket};
use otaria_types::{FromSqlError, ParamsError};

use crate::{BatchError, CallbackError, ConfigError, EndpointErrors, PlaceError};

/// What can go wrong on a connection, sorted by whose fault it is.
///
/// No variant holds a value of a row, the text of a statement or a secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The server refused or ended the command. The connection stays usable.
    #[error(transparent)]
    Server(ServerError),
    /// The server ended the session on its own account, as when it is shut down or an operator
    /// kills the connection. The connection is closed; whether a statement that was sent has run
    /// is not known.
    #[error("the server ended the session with error {}", .0.code())]
    EndedByServer(#[source] ServerError),
    /// The server refused the login, or its way of authentication cannot be used.
    #[error("cannot log in")]
    Auth(#[from] AuthError),
    /// The [`CredentialsProvider`](crate::CredentialsProvider) has no credentials. Nothing was
    /// sent.
    #[error("cannot get the credentials to log in by")]
    Credentials(#[source] CallbackError),
    /// The server asked something in the course of the login, such as a one-time code, and the
    /// [`PromptHandler`](crate::PromptHandler) has no answer; without a source there is no
    /// handler. The connection is closed.
    #[error(
        "the server asks for more than the password{}",
        if .source.is_some() { "" } else { ": set a prompt_handler to answer it" }
    )]
    Prompt {
        /// What the handler failed with.
        source: Option<CallbackError>,
    },
    /// The connection could not be encrypted, or the server's certificate does not prove who it is.
    /// The connection is closed.
    #[cfg(feature = "tls")]
    #[error("cannot use TLS")]
    Tls(#[from] crate::TlsError),
    /// The server broke the protocol. The connection is closed.
    #[error("the server broke the protocol")]
    InvalidPacket(#[from] InvalidPacket),
    /// A row is not in the form of the protocol. The connection stays usable, for where the row
    /// ends is known.
    #[error("the server sent a row that is none")]
    InvalidRow(#[source] InvalidPacket),
    /// The content of a file was asked for or given in vain. The connection stays usable.
    #[error(transparent)]
    LocalInfile(LocalInfileError),
    /// The transport failed. The connection is closed.
    #[error("cannot {action}")]
    Io {
        /// What was being done, such as `connect to db.example.org:3306`.
        action: String,
        /// What the operating system says.
        source: io::Error,
    },
    /// The server closed the connection in the middle of an exchange. Whether a statement that
    /// was sent has run is not known.
    #[error("the server closed the connection in place of: {expected}")]
    ConnectionLost {
        /// The packet that was due, in the words of the protocol documentation.
        expected: &'static str,
    },
    /// Nothing came, or nothing could be sent, for as long as the configuration allows. The
    /// connection is closed; a statement that was sent may still run on the server.
    #[error("timed out while waiting to {phase}")]
    Timeout {
        /// What was waited for.
        phase: TimeoutPhase,
    },
    /// The connection was closed before the result of this statement of a pipeline came. Whether the
    /// statement has run is not known.
    #[error("whether the statement has run is not known, for the connection is closed: {reason}")]
    OutcomeUnknown {
        /// Why it was closed.
        reason: CloseReason,
    },
    /// A statement of a pipeline cannot be sent. Nothing of the pipeline was.
    #[error("statement {number} of the pipeline cannot be sent")]
    Pipeline {
        /// Its place in the pipeline, from 1.
        number: usize,
        /// Why it cannot.
        source: Box<Self>,
    },
    /// The connection had been closed before the call. Nothing was sent: it is safe to call again
    /// on another connection.
    #[error("the connection is closed: {reason}")]
    Closed {
        /// Why it was closed.
        reason: CloseReason,
    },
    /// The configuration has several endpoints, and none of them can be used.
    #[error(transparent)]
    Endpoints(EndpointErrors),
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The server refused the collation, the time zone or the limit of a statement's time that the
    /// configuration asks for.
    #[error("cannot give the session its collation, time zone and max_statement_time")]
    SessionSettings(#[source] ServerError),
    /// A command of the configuration that runs after the login failed.
    #[error("init command {number} failed")]
    InitCommand {
        /// Its place in the configuration, from 1.
        number: usize,
        /// What the server says.
        source: ServerError,
    },
    /// A value of a row does not fit the Rust type it was asked for. The connection stays usable.
    #[error(transparent)]
    FromSql(Box<ColumnError>),
    /// A parameter has no value for the server, or there are too many of them. Nothing was sent.
    #[error(transparent)]
    Params(#[from] ParamsError),
    /// Names, lists or literals do not go into the statement. Nothing was sent.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// The statement has another number of placeholders. It was not executed.
    #[error("the statement has {expected} placeholders, and {given} parameters were given")]
    ParameterCount {
        /// How many placeholders the server has found.
        expected: usize,
        /// How many parameters were given.
        given: usize,
    },
    /// The server has found another number of placeholders than were counted here, when the
    /// parameters had been sent. The statement may have run, with values in the wrong places. The
    /// connection is closed.
    #[error(
        "{sent} parameters were sent, and the server has found {found} placeholders: the statement \
         may have run with wrong values"
    )]
    MiscountedPlaceholders {
        /// How many parameters were sent.
        sent: usize,
        /// How many placeholders the server has found.
        found: usize,
    },
    /// A batch has not run to its end.
    #[error(transparent)]
    Batch(Box<BatchError>),
    /// What gives the rows of a batch has failed.
    #[error("there are no more rows for the batch")]
    BatchRows(#[source] CallbackError),
    /// The parameters of a row of a batch have other names than those of the first row, or one of them
    /// is a list, which a batch does not take.
    #[error("the row's parameters have other names than the first row's, or one of them is a list")]
    BatchRowShape,
    /// The row of values in the statement cannot be repeated: it is no
    /// `INSERT INTO … VALUES (…)` or `REPLACE INTO … VALUES (…)` whose placeholders all stand in one
    /// row, or it is not certain where they stand. Nothing was sent.
    #[error(
        "the statement is not for certain an INSERT of one row of placeholders: run it without multi_row_values"
    )]
    NoInsertRow,
    /// The statement was prepared on another connection. Nothing was sent.
    #[error("the statement was prepared on another connection")]
    ForeignStatement,
    /// A cursor was asked for, and the statement is not for certain a SELECT that sends its rows:
    /// MariaDB servers crash if they are asked for a cursor of some other statements. Nothing was
    /// sent.
    #[error(
        "a cursor was asked for, and the statement is not for certain a SELECT: run it without a \
         cursor, by `query`"
    )]
    CursorRefused,
    /// Values of parameters that are sent ahead, and the parameters of the execution, do not fit
    /// together. The statement was not executed; the connection stays usable.
    #[error(transparent)]
    LongData(LongDataError),
    /// The server did not reset a statement whose cursor, or whose values sent ahead, had been given
    /// up. A command that was sent behind that may have run, with such values if it executed the
    /// same statement. The connection is closed.
    #[error("the server did not reset a statement in front of the command")]
    StatementNotReset(#[source] ServerError),
    /// One row was asked for, and there is none, or more than one. The connection stays usable.
    #[error("one row was asked for, and there {}", if *.more_than_one { "are more" } else { "is none" })]
    RowCount {
        /// Whether there are more rows, not none.
        more_than_one: bool,
    },
    /// No column has this index or name. The connection stays usable.
    #[error("no column {column}; the row has {columns} columns")]
    UnknownColumn {
        /// The index, or the name in quotation marks.
        column: String,
        /// How many columns there are.
        columns: usize,
    },
    /// A row was asked for as a type with another number of columns. The connection stays usable.
    #[error("a row of {found} columns cannot be read as a type with {expected}")]
    ColumnCount {
        /// How many columns the type has.
        expected: usize,
        /// How many columns the row has.
        found: usize,
    },
}

/// Why the content of a file was not sent for `LOAD DATA LOCAL`. The name of the file is never
/// looked at: it is whatever the server says, and a hostile one may name any.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum LocalInfileError {
    /// Client and server do not both allow `LOAD DATA LOCAL`. The statement was not sent.
    #[error(
        "LOAD DATA LOCAL is not enabled: it needs `local_infile` in the configuration of the \
         connection and the variable local_infile on the server"
    )]
    NotEnabled,
    /// The server asked for the content of a file and the call had none, or had sent it already:
    /// nothing was sent. The statement and what follows it have run without it.
    #[error(
        "the server asked for a file of the client, and the statement came with the content of \
         none, or of one before: run LOAD DATA LOCAL by `load_data_local`, one file a call"
    )]
    NotAttached,
    /// The statement ran and did not ask for the content that it came with: it is no
    /// `LOAD DATA LOCAL`. The content was not read.
    #[error("the statement did not ask for the data that it came with: it is no LOAD DATA LOCAL")]
    NotRequested,
}

/// What is wrong with values that are sent ahead of an execution.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum LongDataError {
    /// The parameters say that the value of this one was sent ahead, and it was not: not even an
    /// empty piece.
    #[error(
        "parameter {index} is marked as sent ahead and was not sent: send it by `long_data`, an \
         empty value as well"
    )]
    NotSent {
        /// The parameter, from 0 on.
        index: usize,
    },
    /// A value was sent ahead for this parameter, and the parameters of the execution have another
    /// one.
    #[error("parameter {index} was sent ahead: give `LongData` in its place")]
    NotMarked {
        /// The parameter, from 0 on.
        index: usize,
    },
    /// The statement has no such placeholder. Nothing was sent.
    #[error("there is no parameter {index}: the statement has {parameters}, counted from 0")]
    NoSuchParameter {
        /// The parameter, from 0 on.
        index: usize,
        /// How many there are.
        parameters: usize,
    },
    /// The value of this parameter was sent in part only, for what it came from could not be read
    /// or the call that sent it was dropped. The execution has to be begun again.
    #[error("the value of parameter {index} was not sent to its end: begin the execution again")]
    Incomplete {
        /// The parameter, from 0 on.
        index: usize,
    },
}

/// What the server says about a command that it refused or ended.
#[derive(Clone, Eq, PartialEq)]
pub struct ServerError {
    code: u16,
    sqlstate: Option<[u8; 5]>,
    message: String,
}

impl ServerError {
    /// The server's [error code](https://mariadb.com/docs/server/reference/error-codes), such as
    /// 1062.
    pub const fn code(&self) -> u16 {
        self.code
    }

    /// The SQLSTATE, such as `23000`; `None` in errors from before the login.
    pub fn sqlstate(&self) -> Option<&str> {
        self.sqlstate
            .as_ref()
            .and_then(|sqlstate| std::str::from_utf8(sqlstate).ok())
    }

    /// The server's words. They may quote values of the statement: think before logging them.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl From<ErrPacket<'_>> for ServerError {
    fn from(packet: ErrPacket<'_>) -> Self {
        Self {
            code: packet.code,
            sqlstate: packet.sqlstate,
            message: packet.message_lossy().into_owned(),
        }
    }
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.sqlstate() {
            Some(sqlstate) => write!(f, "error {} ({sqlstate}): {}", self.code, self.message),
            None => write!(f, "error {}: {}", self.code, self.message),
        }
    }
}

impl fmt::Debug for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerError")
            .field("code", &self.code)
            .field("sqlstate", &self.sqlstate())
            .field("message", &self.message)
            .finish()
    }
}

impl std::error::Error for ServerError {}

/// A value that does not fit: which column, how it travels, and what it was asked for as.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("column {index} `{name}` ({field_type:?}) cannot be read as {rust_type}")]
pub struct ColumnError {
    index: usize,
    name: String,
    field_type: FieldType,
    rust_type: &'static str,
    source: FromSqlError,
}

impl ColumnError {
    pub(crate) fn new(
        index: usize,
        column: &otaria_codec::ColumnDefinition,
        rust_type: &'static str,
        source: FromSqlError,
    ) -> Self {
        Self {
            index,
            name: column.name().to_owned(),
            field_type: column.field_type(),
            rust_type,
            source,
        }
    }

    /// The column's place in the row, from 0.
    pub const fn index(&self) -> usize {
        self.index
    }

    /// The column's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How the column's values travel.
    pub const fn field_type(&self) -> FieldType {
        self.field_type
    }

    /// The Rust type that the value was asked for as.
    pub const fn rust_type(&self) -> &'static str {
        self.rust_type
    }

    /// Why it does not fit.
    pub const fn reason(&self) -> FromSqlError {
        self.source
    }
}

/// What a call was waiting for when its time was over.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum TimeoutPhase {
    /// Name resolution, the connection, the login and the init commands.
    Connect,
    /// The server to take what is sent.
    Write,
    /// The server to send this packet.
    Read(&'static str),
}

impl fmt::Display for TimeoutPhase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect => f.write_str("connect"),
            Self::Write => f.write_str("send a command"),
            Self::Read(expected) => write!(f, "receive: {expected}"),
        }
    }
}

/// Why a connection was closed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum CloseReason {
    /// The server closed it, or the transport failed.
    Lost,
    /// The server broke the protocol.
    InvalidPacket,
    /// The server ended the session by an error of its own, such as 1927.
    EndedByServer {
        /// The server's error code.
        code: u16,
    },
    /// A read or write took too long.
    TimedOut,
    /// The server found other placeholders in a statement than parameters were sent for.
    MiscountedPlaceholders,
    /// The server did not reset a statement that was to be used again.
    StatementNotReset {
        /// The server's error code.
        code: u16,
    },
    /// The server refused a command by which the session was to be made what its next user expects.
    CleanUpFailed {
        /// The server's error code.
        code: u16,
    },
    /// A response that nobody wanted any more could not be read to its end within the limit.
    AbandonedResponse,
    /// The login did not succeed.
    LoginFailed,
    /// The login is not done: the session is not open yet.
    NotLoggedIn,
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lost => f.write_str("it was lost"),
            Self::InvalidPacket => f.write_str("the server broke the protocol"),
            Self::EndedByServer { code } => write!(f, "the server ended it with error {code}"),
            Self::TimedOut => f.write_str("an earlier call timed out"),
            Self::MiscountedPlaceholders => {
                f.write_str("parameters were sent for another number of placeholders")
            }
            Self::StatementNotReset { code } => {
                write!(f, "the server did not reset a statement, with error {code}")
            }
            Self::CleanUpFailed { code } => {
                write!(
                    f,
                    "the server did not clean the session up, with error {code}"
                )
            }
            Self::AbandonedResponse => {
                f.write_str("an abandoned response was too long to be read to its end")
            }
            Self::LoginFailed => f.write_str("the login failed"),
            Self::NotLoggedIn => f.write_str("the login is not done"),
        }
    }
}
