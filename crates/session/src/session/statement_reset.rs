//! The resets of statements that are given up with a cursor open, or with values sent ahead.

use std::ops::Range;

use otaria_codec::{ResponseEvent, ResponseReader};
use otaria_statement::ComStmtReset;

use super::Session;
use super::expected::{Expected, Reply};
use crate::error::{CloseReason, Error, ServerError};
use crate::event::Event;

impl Session {
    /// Queues the reset of every statement for which the server holds a cursor or values sent ahead,
    /// as it goes in front of other commands, and says whether there was one.
    /// [`Event::StatementReset`] comes for each.
    ///
    /// # Errors
    /// [`Error::Closed`].
    pub fn reset_statements(&mut self) -> Result<bool, Error> {
        self.check_open()?;
        let queued = self.expected.len();
        self.cursor = None;
        self.queue_resets();
        // That of the statement has.
        self.has_left = true;
        Ok(self.expected.len() > queued)
    }

    #[inline]
    pub(super) fn queue_resets(&mut self) {
        if self.statements.is_reset_due() {
            self.queue_due_resets();
        }
    }

    #[cold]
    fn queue_due_resets(&mut self) {
        while let Some(statement) = self.statements.next_reset() {
            let reader = ResponseReader::for_ok(self.capabilities);
            let expected = Expected::statement_reset(reader, statement);
            let command = ComStmtReset { statement };
            let sequence_number = self.commands.push(&command, self.capabilities);
            self.expect(expected.numbered_from(sequence_number));
        }
    }

    pub(super) fn read_statement_reset(
        &mut self,
        packet: Range<usize>,
    ) -> Result<Option<Event>, Error> {
        let payload = self.received.packets().payload(packet);
        let Some(Reply::StatementReset(reset)) =
            self.expected.front_mut().map(|front| &mut front.reply)
        else {
            return Ok(None);
        };
        let updated = match reset.reader.read(payload) {
            Ok(ResponseEvent::Progress(report)) => return Ok(Some(Event::Progress(report.into()))),
            Ok(ResponseEvent::Err(err)) => {
                let error = ServerError::from(err);
                return Err(self.not_reset(error));
            }
            Ok(ResponseEvent::Ok(ok)) => self.state.update(ok.status, ok.session_state),
            // None of them comes where an OK is due.
            Ok(_) => Ok(()),
            Err(invalid) => Err(invalid),
        };
        updated.map_err(|invalid| self.invalid(invalid))?;
        Ok(Some(self.end_response(Event::StatementReset)))
    }

    /// What the server still holds for the statement could get into another execution of it.
    fn not_reset(&mut self, error: ServerError) -> Error {
        let code = error.code();
        match self.refused(error, false) {
            Ok(Event::Err(error)) => {
                self.close(CloseReason::StatementNotReset { code });
                Error::StatementNotReset(error)
            }
            Ok(_) => {
                let reason = CloseReason::StatementNotReset { code };
                self.close(reason);
                Error::Closed { reason }
            }
            Err(error) => error,
        }
    }
}
