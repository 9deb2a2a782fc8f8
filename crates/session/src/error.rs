mod close_reason;
mod column;
mod kind;
mod local_infile;
mod long_data;
mod pool;
mod redirect;
mod retry;
mod server;
mod timeout;

use std::io;

use otaria_auth::AuthError;
use otaria_codec::InvalidPacket;
use otaria_types::ParamsError;

use crate::{BatchError, CallbackError, ConfigError, EndpointErrors, PlaceError, Role};

pub use close_reason::CloseReason;
pub use column::ColumnError;
pub use kind::ErrorKind;
pub use local_infile::LocalInfileError;
pub use long_data::LongDataError;
pub use pool::{PoolError, PoolPhase};
pub use redirect::RedirectError;
pub use server::ServerError;
pub use timeout::TimeoutPhase;

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
    /// Something on this side could not be read, and no server is to blame: a file that the
    /// configuration names, an option file, what the content of a file or a long value is read from,
    /// or the operating system's random bytes. A connection stays usable.
    #[error("cannot {action}")]
    LocalIo {
        /// What was being done, such as `read the file of ssl_ca, ca.pem`.
        action: String,
        /// What the operating system, or what is read from, says.
        source: io::Error,
    },
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
    /// Nothing came, or nothing could be sent, for as long as the configuration allows. Unless the
    /// statement was stopped, the connection is closed, and a statement that was sent may still run
    /// on the server.
    #[error(
        "timed out while waiting to {phase}{}",
        if *.statement_stopped && *.phase != TimeoutPhase::Ready { ", and the statement was stopped" } else { "" }
    )]
    Timeout {
        /// What was waited for.
        phase: TimeoutPhase,
        /// Whether the server has ended the statement on our demand: it runs no longer, and the
        /// connection stays usable. Whether something of it stays is not known. Also where it was not
        /// sent ([`TimeoutPhase::Ready`]).
        statement_stopped: bool,
    },
    /// The transaction has ended before its end, so that the statement, or the COMMIT, would run
    /// outside of it: nothing was sent. The connection stays usable, and the transaction can be
    /// begun again.
    #[error(
        "the transaction {}: what follows would run outside of it",
        .code.map_or_else(
            || "was ended by a statement in it, and may be committed".to_owned(),
            |code| format!("was rolled back at error {code}"),
        )
    )]
    TransactionAborted {
        /// The code of the server's error at which all of it was rolled back, such as 1213. `None` if
        /// a statement in it has ended it: what came before that may be committed, as it is by a
        /// COMMIT, and by a CREATE TABLE or ALTER TABLE even if that fails.
        code: Option<u16>,
    },
    /// A transaction was to be begun while one is open, which the server would commit for that: one
    /// that was begun by SQL, or by a statement while `autocommit` is off. Nothing was sent.
    #[error("a transaction is open on the connection: commit it or roll it back first")]
    TransactionOpen,
    /// The COMMIT was sent, and its answer did not come. Whether the transaction is committed is not
    /// known: look before it is done again.
    #[error("whether the transaction is committed is not known")]
    CommitUnknown {
        /// Why the answer did not come.
        source: Box<Self>,
    },
    /// The pool gives no connection. Nothing was sent.
    #[error(transparent)]
    Pool(#[from] PoolError),
    /// The connection was closed before all results of this statement came, or before that of a
    /// statement of a pipeline. Whether the statement has run is not known.
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
    /// The connection had been closed before the call, or was found closed when nothing of the call
    /// had been sent: it is safe to call again on another connection.
    #[error("the connection is closed: {reason}")]
    Closed {
        /// Why it was closed.
        reason: CloseReason,
    },
    /// The configuration asks for a server of another [`Role`] than this one has. The connection is
    /// closed; of the caller's nothing was sent.
    #[error("{wanted} was asked for, and this is {found}")]
    WrongRole {
        /// What was asked for.
        wanted: Role,
        /// What the server is, by its `@@read_only`.
        found: Role,
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
    /// The server sends its clients elsewhere, and that was not followed. The connection stays usable.
    #[error("the redirection by the server was not followed")]
    Redirect(#[source] RedirectError),
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
