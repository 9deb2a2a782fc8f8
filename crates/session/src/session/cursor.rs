//! Cursors on the server, whose rows are fetched some at a time.

use std::num::NonZeroU32;

use otaria_codec::{Capabilities, InvalidPacket, ResponseReader, ServerStatus};
use otaria_statement::{ComStmtFetch, StatementId, StatementKind};
use otaria_types::Params;

use super::Session;
use super::execute::Queued;
use super::expected::{Expected, Subject};
use crate::Executable;
use crate::error::Error;
use crate::event::Event;

/// A cursor that is open on the server.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor {
    statement: StatementId,
    fetch_size: NonZeroU32,
    /// Whether the fetch under way has brought a row.
    has_rows: bool,
}

impl Cursor {
    #[inline]
    pub(super) const fn row_came(&mut self) {
        self.has_rows = true;
    }
}

impl Session {
    /// Queues the execution of a SELECT like [`execute`](Self::execute), and asks for a cursor.
    ///
    /// If the server opens one, [`Event::CursorOpened`] comes in place of rows, and these are for
    /// [`fetch`](Self::fetch), `fetch_size` at a time. If it does not, the rows come as always. When
    /// another command is queued the cursor is given up.
    ///
    /// # Errors
    /// [`Error::CursorRefused`] and those of [`execute`](Self::execute). Nothing is queued then.
    pub fn open_cursor<P: Params>(
        &mut self,
        executable: Executable<'_>,
        params: &P,
        fetch_size: NonZeroU32,
    ) -> Result<Queued, Error> {
        self.check_cursor(executable)?;
        self.execute_by(executable, params, Some(fetch_size))
    }

    /// Whether a cursor may be asked for: that the statement is a SELECT for certain.
    ///
    /// # Errors
    /// [`Error::CursorRefused`].
    pub fn check_cursor(&self, executable: Executable<'_>) -> Result<(), Error> {
        let kind = StatementKind::of(executable.sql());
        if kind.can_open_cursor() && self.state.has_utf8_client() {
            Ok(())
        } else {
            Err(Error::CursorRefused)
        }
    }

    /// Queues the fetch of the next rows of the cursor, and says whether one is open.
    ///
    /// # Errors
    /// [`Error::Closed`].
    pub fn fetch(&mut self) -> Result<bool, Error> {
        self.check_open()?;
        let Some(cursor) = &mut self.cursor else {
            return Ok(false);
        };
        cursor.has_rows = false;
        let command = ComStmtFetch {
            statement: cursor.statement,
            rows: cursor.fetch_size.get(),
        };
        // No close goes in front of it: it could be that of the cursor's own statement.
        let sequence_number = self.commands.push(&command, self.capabilities);
        let expected = Expected::response(ResponseReader::for_fetch(self.capabilities))
            .about(Subject::Fetch(command.statement));
        self.expect(expected.numbered_from(sequence_number));
        // That of the statement has.
        self.has_left = true;
        Ok(true)
    }

    /// Whether a cursor is open, and not all of its rows have been fetched.
    pub const fn has_cursor(&self) -> bool {
        self.cursor.is_some()
    }

    /// Nobody wants more rows of the cursor: it is closed in front of the next command.
    pub const fn leave_cursor(&mut self) {
        self.cursor = None;
    }

    /// The server has opened a cursor in place of sending rows.
    pub(super) fn cursor_opened(&mut self) -> Event {
        if !self.capabilities.contains(Capabilities::DEPRECATE_EOF) {
            self.take_head();
        }
        let execution = self.expected.front_mut().and_then(Expected::execution_mut);
        if let Some(execution) = execution
            && let Some(fetch_size) = execution.fetch_size
            && let Some(statement) = self.statements.resolve(execution.statement)
        {
            self.statements.reset_due(statement);
            if self.is_mysql() {
                // It answers an execution without a cursor by an OK then, in place of the rows.
                self.statements.spend(statement);
            }
            self.cursor = Some(Cursor {
                statement,
                fetch_size,
                has_rows: false,
            });
        }
        Event::CursorOpened
    }

    /// Rows have ended; those of a fetch, if there is a cursor.
    pub(super) fn rows_fetched(&mut self, status: ServerStatus) -> Result<(), InvalidPacket> {
        let Some(cursor) = self.cursor else {
            return Ok(());
        };
        let is_last = status.contains(ServerStatus::LAST_ROW_SENT);
        if is_last || !status.contains(ServerStatus::CURSOR_EXISTS) {
            self.cursor = None;
        } else if !cursor.has_rows {
            // It would be fetched from for ever.
            return Err(InvalidPacket::Field {
                packet: "response to COM_STMT_FETCH without rows",
                field: "status",
                value: status.bits().into(),
            });
        }
        if is_last {
            self.statements.settled(cursor.statement);
        }
        Ok(())
    }
}
