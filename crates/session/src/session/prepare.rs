//! The response to a prepare.

use std::ops::Range;
use std::sync::Arc;

use otaria_codec::InvalidPacket;
use otaria_statement::{ComStmtPrepareOk, PrepareEvent, Statement};
use otaria_types::Columns;

use super::Session;
use super::expected::{Expected, PrepareReply, Reply};
use crate::error::{CloseReason, Error, ServerError};
use crate::event::Event;
use crate::statements::TOO_MANY_STATEMENTS;

impl Session {
    /// The columns of a statement's rows, as the server told them last; none if it has no rows.
    /// `None` if the statement is not prepared any more.
    pub fn statement_columns(&self, statement: &Statement) -> Option<&Arc<Columns>> {
        self.statements.columns(statement.id())
    }

    pub(super) fn read_prepare(&mut self, packet: Range<usize>) -> Result<Option<Event>, Error> {
        let payload = self.received.packets().payload(packet);
        let Some(Reply::Prepare(reply)) = self.expected.front_mut().map(|front| &mut front.reply)
        else {
            return Ok(None);
        };
        match reply.reader.read(payload) {
            Ok(PrepareEvent::PrepareOk(ok)) => {
                reply.prepare.statement = Some(self.statements.prepared(&reply.prepare, &ok));
                self.head.clear();
                self.check_placeholders(&ok)?;
            }
            Ok(PrepareEvent::ColumnDefinition(column)) => {
                let added = self.head.add(column, payload.len());
                added.map_err(|invalid| self.invalid(invalid))?;
            }
            // The definitions of parameters say nothing about their types.
            Ok(
                PrepareEvent::ParameterDefinition(_)
                | PrepareEvent::ParametersEnd(_)
                | PrepareEvent::ColumnsEnd(_),
            ) => {}
            Ok(PrepareEvent::Progress(report)) => return Ok(Some(Event::Progress(report.into()))),
            Ok(PrepareEvent::Err(err)) => {
                let error = ServerError::from(err);
                return self.not_prepared(error);
            }
            Err(invalid) => return Err(self.invalid(invalid)),
        }
        Ok(self.end_prepare())
    }

    /// The statement is prepared, if its response is complete.
    fn end_prepare(&mut self) -> Option<Event> {
        let front = self.expected.front_mut()?;
        let Reply::Prepare(reply) = &mut front.reply else {
            return None;
        };
        let PrepareReply { reader, prepare } = &mut **reply;
        if !reader.is_done() {
            return None;
        }
        let statement = prepare.statement.take()?;
        let columns = Columns::new(self.head.take());
        self.statements.keep(prepare, &statement, columns);
        Some(self.end_response(Event::Prepared(statement)))
    }

    /// The executions that were sent behind the prepare are refused as well, by errors that say
    /// less: this one is told in their place.
    fn not_prepared(&mut self, error: ServerError) -> Result<Option<Event>, Error> {
        self.statements.not_prepared(error.code());
        let event = self.refused(error, false)?;
        let Event::Err(error) = event else {
            return Ok(Some(event));
        };
        let mut is_told_later = false;
        let behind = self.expected.iter_mut();
        let behind = behind.take_while(|due| due.prepare_due().is_none());
        let executions = behind.filter_map(Expected::execution_mut);
        for execution in executions.filter(|execution| execution.is_of_last_prepared()) {
            execution.prepare_error = Some(Box::new(error.clone()));
            is_told_later = true;
        }
        Ok((!is_told_later).then_some(Event::NotPrepared(error)))
    }

    /// An execution whose prepare was refused is answered by something else than an error: the
    /// server has executed another statement. It does so where it has no room for one more.
    pub(super) fn executed_another(&mut self, found: u8) -> Error {
        let execution = self.expected.front_mut().and_then(Expected::execution_mut);
        match execution.and_then(|execution| execution.prepare_error.take()) {
            Some(error) if error.code() == TOO_MANY_STATEMENTS => self.ended(*error),
            _ => self.invalid(InvalidPacket::Unexpected {
                packet: "error for an execution whose prepare was refused",
                found,
            }),
        }
    }

    /// The executions that were sent behind the prepare, all of which have the same number of
    /// parameters, have as many as the server has found placeholders; if not, it reads them from
    /// the wrong places.
    fn check_placeholders(&mut self, ok: &ComStmtPrepareOk) -> Result<(), Error> {
        let execution = self.expected.get_mut(1).and_then(Expected::execution_mut);
        let Some(execution) = execution.filter(|execution| execution.is_of_last_prepared()) else {
            return Ok(());
        };
        let (sent, found) = (execution.parameters, usize::from(ok.parameters));
        if sent == found {
            return Ok(());
        }
        self.close(CloseReason::MiscountedPlaceholders);
        Err(Error::MiscountedPlaceholders { sent, found })
    }
}
