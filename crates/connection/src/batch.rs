//! One statement for many rows of parameters.

mod commands;
mod one_by_one;
mod run;
mod source;
mod tally;
mod target;

use std::pin::pin;

use futures_core::Stream;
use otaria_session::{BatchWay, Error, Executable, ToExecutable};
use otaria_types::Params;

use crate::Connection;
use source::{Iterated, Streamed};

/// What a batch has done.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct BatchExecuted {
    /// How many rows of parameters the statement was executed for.
    pub rows: u64,
    /// How many rows of tables were changed, inserted or deleted, as the server counts them for the
    /// statement; with RETURNING it counts none.
    pub affected_rows: u64,
    /// What the server says first of a value of an `AUTO_INCREMENT` column, or 0: as a rule the first
    /// that it has generated. Of rows that come with values of their own it tells one of these, and of
    /// rows that were updated it may tell theirs. The others need not follow it without gaps:
    /// [`unit_results`](Batch::unit_results) tells them all.
    pub last_insert_id: u64,
    /// How many warnings there were in all.
    pub warnings: u64,
    /// How the rows were sent.
    pub way: BatchWay,
    /// What each row did, if [`unit_results`](Batch::unit_results) was asked for and the server has told
    /// it, which it does not of an UPDATE of several tables; else none.
    pub unit_results: Vec<UnitResult>,
}

/// What one row of a batch did.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct UnitResult {
    /// The value that an `AUTO_INCREMENT` column was given, or 0; 0 for a row that was left as it was.
    /// For a row that INSERT … ON DUPLICATE KEY UPDATE has updated it is 0 in bulk, and else what
    /// `LAST_INSERT_ID()` says.
    pub last_insert_id: u64,
    /// How many rows of tables were changed, inserted or deleted.
    pub affected_rows: u64,
}

/// A statement that is about to be executed for many rows, and how:
///
/// ```no_run
/// # async fn insert(connection: &mut otaria_connection::Connection) -> Result<(), otaria_connection::Error> {
/// let executed = connection
///     .batch("INSERT INTO item (name) VALUES (?)")
///     .unit_results(true)
///     .run(["a", "b"].map(|name| (name,)))
///     .await?;
/// let ids = executed.unit_results.iter().map(|row| row.last_insert_id);
/// # drop(ids);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "a batch does nothing before it is run"]
pub struct Batch<'c, 's> {
    connection: &'c mut Connection,
    executable: Executable<'s>,
    options: Options,
}

#[derive(Clone, Copy, Debug)]
struct Options {
    unit_results: bool,
    last_insert_id: bool,
    stop_at_warnings: bool,
    bulk: bool,
    multi_row_values: bool,
    max_command_bytes: usize,
}

/// One statement for many rows of parameters.
impl Connection {
    /// Executes a statement for each of `rows`, such as tuples, and throws rows that it returns away.
    ///
    /// On MariaDB INSERT, REPLACE, UPDATE and DELETE take many rows in each command
    /// ([`COM_STMT_BULK_EXECUTE`](https://mariadb.com/docs/server/reference/clientserver-protocol/3-binary-protocol-prepared-statements/com_stmt_bulk_execute)),
    /// [`Indicated::Default`](otaria_types::Indicated::Default) and
    /// [`Ignore`](otaria_types::Indicated::Ignore) among their values. Other statements, other
    /// servers, and rows without parameters are executed one by one, without waiting for each answer
    /// before the next is sent; so is INSERT … ON DUPLICATE KEY UPDATE before MariaDB 11.5.1, whose IDs
    /// in bulk may be those of rows that were updated. The outcome says which way was taken.
    ///
    /// Rows are pulled as they are sent and never held in memory all together: no more than two
    /// commands, each of 1 MiB if no row is longer. A batch of more than 16 KiB asks the server once a session for
    /// `max_allowed_packet`, by a statement of its own. A batch is no transaction: see
    /// [`BatchError`](otaria_session::BatchError).
    ///
    /// # Errors
    /// [`Error::Batch`] says why the batch has ended, and what is known of its rows. After an error of
    /// the server or of a row the connection stays usable. No row is sent behind one that cannot be.
    ///
    /// # Cancel safety
    /// Safe for the connection. Rows that were sent may have been executed, all or some of them, since
    /// the [next call](Connection#cancel-safety) may stop what takes long; rows that were pulled are
    /// lost. Use a transaction where that matters.
    pub fn execute_batch<R>(
        &mut self,
        statement: &(impl ToExecutable + ?Sized),
        rows: R,
    ) -> impl Future<Output = Result<BatchExecuted, Error>>
    where
        R: IntoIterator<Item: Params>,
    {
        self.batch(statement).run(rows)
    }

    /// A statement to be executed for many rows as [`execute_batch`](Self::execute_batch) does it,
    /// with options.
    pub fn batch<'c, 's>(
        &'c mut self,
        statement: &'s (impl ToExecutable + ?Sized),
    ) -> Batch<'c, 's> {
        Batch {
            connection: self,
            executable: statement.to_executable(),
            options: Options {
                unit_results: false,
                last_insert_id: true,
                stop_at_warnings: false,
                bulk: true,
                multi_row_values: false,
                max_command_bytes: DEFAULT_COMMAND_BYTES,
            },
        }
    }
}

impl Batch<'_, '_> {
    /// Whether to tell what each row did: all generated ids, and how many rows were affected. It
    /// takes 16 bytes of memory a row. Servers that cannot tell it in bulk, which is possible from
    /// MariaDB 11.5.1 on, get the rows one by one; of rows that return rows nothing is known then.
    pub const fn unit_results(mut self, wanted: bool) -> Self {
        self.options.unit_results = wanted;
        self
    }

    /// Whether [`last_insert_id`](BatchExecuted::last_insert_id) is wanted; on by default. Without it
    /// INSERT … ON DUPLICATE KEY UPDATE goes in bulk on MariaDB before 11.5.1 as well, and tells whatever
    /// the server says.
    pub const fn last_insert_id(mut self, wanted: bool) -> Self {
        self.options.last_insert_id = wanted;
        self
    }

    /// Whether to end the batch behind a command of many rows that the server has warnings about, so that
    /// [`Connection::warnings`] tells which; off by default. No more rows are sent then, and
    /// [`rows`](BatchExecuted::rows) says how many were.
    pub const fn stop_at_warnings(mut self, wanted: bool) -> Self {
        self.options.stop_at_warnings = wanted;
        self
    }

    /// Whether to send many rows in a command where the server takes that; on by default.
    pub const fn bulk(mut self, wanted: bool) -> Self {
        self.options.bulk = wanted;
        self
    }

    /// Where rows cannot be sent in bulk, whether to write
    /// `INSERT INTO … VALUES (…)` and `REPLACE INTO … VALUES (…)` for many rows at once, with literals for
    /// the parameters, instead of executing them one by one. Other statements are then an error,
    /// [`Error::NoInsertRow`]. [`unit_results`](Self::unit_results) go before it.
    pub const fn multi_row_values(mut self, wanted: bool) -> Self {
        self.options.multi_row_values = wanted;
        self
    }

    /// How long the payload of a command of many rows may be, if no single row is longer: 1 MiB by
    /// default, and always less than the server's `max_allowed_packet`.
    pub const fn max_command_bytes(mut self, bytes: usize) -> Self {
        self.options.max_command_bytes = bytes;
        self
    }

    /// Executes the statement for each of `rows`.
    ///
    /// # Errors
    /// Those of [`Connection::execute_batch`].
    ///
    /// # Cancel safety
    /// Like [`Connection::execute_batch`].
    pub fn run<R>(self, rows: R) -> impl Future<Output = Result<BatchExecuted, Error>>
    where
        R: IntoIterator<Item: Params>,
    {
        self.connection.begin_call();
        async move {
            let rows = Iterated(rows.into_iter());
            run::run(self, rows).await
        }
    }

    /// Executes the statement for each row of a stream. Rows are sent when a command is full and when
    /// the stream has ended; those that go one by one are sent while the stream has no other. That the
    /// server has refused a command in bulk is noticed when the next one is full, or the stream ends.
    /// The stream is one of the crate `futures-core`.
    ///
    /// # Errors
    /// Those of [`Connection::execute_batch`], and [`Error::BatchRows`] as the source of an
    /// [`Error::Batch`] for an error of the stream, at which the batch ends.
    ///
    /// # Cancel safety
    /// Like [`Connection::execute_batch`].
    pub fn run_stream<P, E>(
        self,
        rows: impl Stream<Item = Result<P, E>>,
    ) -> impl Future<Output = Result<BatchExecuted, Error>>
    where
        P: Params,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        self.connection.begin_call();
        async move {
            let rows = Streamed(pin!(rows));
            run::run(self, rows).await
        }
    }
}

/// Long enough that what a command costs by itself does not count.
const DEFAULT_COMMAND_BYTES: usize = 1024 * 1024;
