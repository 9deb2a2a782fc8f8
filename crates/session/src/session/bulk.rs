//! Statements that are executed for many rows of parameters at once.

use otaria_binary::BulkParameters;
use otaria_codec::{Capabilities, InvalidPacket, ResponseReader};
use otaria_statement::{BulkFlags, ComStmtBulkExecute, InsertRows, StatementId};

use super::Session;
use super::execute::Queued;
use super::expected::{Execution, Expected};
use crate::error::Error;
use crate::{Executable, MultiRowInsert};

impl Session {
    /// Whether the server takes `COM_STMT_BULK_EXECUTE`.
    pub const fn can_execute_bulk(&self) -> bool {
        self.capabilities
            .contains(Capabilities::MARIADB_CLIENT_STMT_BULK_OPERATIONS)
    }

    /// Whether the response to `COM_STMT_BULK_EXECUTE` can say what each row did.
    pub const fn has_unit_results(&self) -> bool {
        self.capabilities
            .contains(Capabilities::MARIADB_CLIENT_BULK_UNIT_RESULTS)
    }

    /// Queues the execution of a statement for `rows`, of which there has to be one, by
    /// [`COM_STMT_BULK_EXECUTE`](https://mariadb.com/docs/server/reference/clientserver-protocol/3-binary-protocol-prepared-statements/com_stmt_bulk_execute).
    /// A statement that is not prepared is prepared first, as by [`execute`](Self::execute). With
    /// `unit_results`, only where [they are to be had](Self::has_unit_results), the last result set
    /// says what each row did.
    ///
    /// # Errors
    /// [`Error::ParameterCount`], [`Error::ForeignStatement`] and [`Error::Closed`]. Nothing is queued
    /// then.
    pub fn execute_bulk(
        &mut self,
        executable: Executable<'_>,
        rows: &BulkParameters,
        unit_results: bool,
    ) -> Result<Queued, Error> {
        self.check_open()?;
        let Some(statement) = self.open_statement(executable, rows.parameters())? else {
            return Ok(Queued::Prepare);
        };
        self.queue_bulk(statement, rows, unit_results);
        Ok(Queued::Execute)
    }

    /// `sql` as an INSERT of many rows by the text protocol, for
    /// [`insert_rows`](Self::insert_rows).
    ///
    /// # Errors
    /// [`Error::NoInsertRow`] if it is not certain how to repeat its row of values.
    pub fn multi_row_insert(&self, sql: &str) -> Result<MultiRowInsert, Error> {
        InsertRows::find(sql)
            .and_then(|insert| MultiRowInsert::new(sql, &insert, self.state.time_zone()))
            .ok_or(Error::NoInsertRow)
    }

    /// Queues the INSERT of the rows that `insert` has.
    ///
    /// # Errors
    /// [`Error::Place`] and [`Error::Closed`], as of
    /// [`query_with_literals`](Self::query_with_literals). Nothing is queued then.
    pub fn insert_rows(&mut self, insert: &mut MultiRowInsert) -> Result<(), Error> {
        self.check_literals()?;
        self.simple_query(insert.complete())
    }

    /// The server's `max_allowed_packet`, if [`set_max_allowed_packet`](Self::set_max_allowed_packet)
    /// has said it since the session was last reset.
    pub const fn max_allowed_packet(&self) -> Option<usize> {
        self.statements.max_allowed_packet
    }

    /// The server has told its `max_allowed_packet`, in bytes.
    pub const fn set_max_allowed_packet(&mut self, bytes: usize) {
        self.statements.max_allowed_packet = Some(bytes);
    }

    /// How many commands wait for their response, the one that is being answered included. Resets
    /// of statements, which go ahead of commands and of which nobody is told, do not count.
    pub fn responses_due(&self) -> usize {
        let is_reset = |due: &&Expected| due.reset_statement().is_some();
        self.expected.len() - self.expected.iter().take_while(is_reset).count()
    }

    /// The server has sent `found` unit results, which is not one for each row.
    pub fn unit_results_miscounted(&mut self, found: usize) -> Error {
        self.invalid(InvalidPacket::Field {
            packet: "unit results of COM_STMT_BULK_EXECUTE",
            field: "number of rows",
            value: u64::try_from(found).unwrap_or(u64::MAX),
        })
    }

    fn queue_bulk(&mut self, statement: StatementId, rows: &BulkParameters, unit_results: bool) {
        let reader = ResponseReader::new(self.capabilities);
        let execution = Execution::of(statement, rows.parameters());
        let expected = Expected::execution(reader, execution);
        let mut flags = BulkFlags::SEND_TYPES_TO_SERVER;
        flags.set(BulkFlags::SEND_UNIT_RESULTS, unit_results);
        let command = ComStmtBulkExecute {
            statement,
            flags,
            parameters: rows.as_bytes(),
        };
        let sequence_number = self.commands.push(&command, self.capabilities);
        self.expect(expected.numbered_from(sequence_number));
    }
}
