use std::mem;
use std::ops::Range;
use std::sync::Arc;

use otaria_codec::{
    ColumnCount, Decode, ErrPacket, InvalidPacket, OkPacket, ResponseEvent, ServerStatus,
};
use otaria_types::Columns;

use super::Session;
use super::expected::{Expected, Reply, Response, Subject};
use super::infile::Infile;
use crate::error::{CloseReason, Error, ServerError};
use crate::event::{Event, Executed, PacketRange};
use crate::statements::Statements;
use crate::{SessionState, TransactionWatch};

/// What the packets of a response do to the session.
impl Session {
    /// Whether the server is certainly no MariaDB.
    pub(super) fn is_mysql(&self) -> bool {
        self.server_version()
            .is_some_and(|version| !version.is_mariadb)
    }

    pub(super) fn read_response(&mut self, packet: Range<usize>) -> Result<Option<Event>, Error> {
        let is_uploading = self.is_uploading();
        if self.is_answered_early() {
            self.check_refuses(packet.clone())?;
        }
        let payload = self.received.packets().payload(packet.clone());
        let response = match self.expected.front_mut().map(|due| &mut due.reply) {
            Some(Reply::Response(response)) => response,
            Some(Reply::Prepare(_)) => return self.read_prepare(packet),
            Some(Reply::ChangeUser(_)) => return self.read_change_user(packet),
            Some(Reply::StatementReset(_)) => return self.read_statement_reset(packet),
            Some(Reply::CleanUp(_)) => return self.read_clean_up(packet),
            Some(Reply::Transaction(_)) => return self.read_transaction(packet),
            None => return Err(self.unasked(packet)),
        };
        if response.is_refused() && payload.first() != Some(&0xff) {
            let found = payload.first().copied().unwrap_or_default();
            return Err(self.executed_another(found));
        }
        let event = match response.reader.read(payload) {
            Ok(ResponseEvent::Row(_)) if response.infile.is_refused() => return Ok(None),
            Ok(ResponseEvent::Row(_)) => {
                if let Some(cursor) = &mut self.cursor {
                    cursor.row_came();
                }
                return Ok(Some(Event::Row(PacketRange(packet))));
            }
            Ok(ResponseEvent::Ok(_)) if is_uploading => Err(InvalidPacket::Unexpected {
                packet: "no response, for the file is still being sent",
                found: 0x00,
            }),
            Ok(ResponseEvent::Ok(ok)) => {
                let taken = response.take_ok(&ok, &mut self.state, &mut self.statements);
                taken.map(|()| Some(Event::Ok(Executed::from(ok))))
            }
            Ok(ResponseEvent::ResultSetEnd {
                status,
                warnings,
                session_state,
            }) => {
                let updated = self.state.update(status, session_state);
                updated.and_then(|()| self.rows_end(status, warnings).map(Some))
            }
            Ok(ResponseEvent::CursorOpened {
                status,
                session_state,
                ..
            }) => {
                let updated = self.state.update(status, session_state);
                updated.map(|()| Some(self.cursor_opened()))
            }
            Ok(ResponseEvent::Err(err)) => Ok(Some(Event::Err(ServerError::from(err)))),
            Ok(ResponseEvent::ColumnCount(count)) => {
                self.head.clear();
                self.begin_head(count).map(|()| self.head_end())
            }
            Ok(ResponseEvent::ColumnDefinition(column)) => {
                let added = self.head.add(column, payload.len());
                added.map(|()| self.head_end())
            }
            Ok(ResponseEvent::MetadataEnd(_)) => Ok(self.head_end()),
            Ok(ResponseEvent::Progress(report)) => Ok(Some(Event::Progress(report.into()))),
            Ok(ResponseEvent::LocalInfile(_)) => return self.infile_requested(),
            Err(invalid) => Err(invalid),
        };
        match event.map_err(|invalid| self.invalid(invalid))? {
            Some(Event::Err(error)) => self.refused(error, is_uploading).map(Some),
            event => Ok(self.advance(event)),
        }
    }

    /// The rows of a result have ended, and those of a fetch if there is a cursor.
    fn rows_end(&mut self, status: ServerStatus, warnings: u16) -> Result<Event, InvalidPacket> {
        self.rows_fetched(status)?;
        Ok(Event::ResultSetEnd(Executed {
            warnings,
            ..Executed::default()
        }))
    }

    /// A result set begins. Where its definitions are left out, they are those that the server sent
    /// last for the statement.
    fn begin_head(&mut self, count: ColumnCount) -> Result<(), InvalidPacket> {
        if count.metadata_follows {
            return Ok(());
        }
        let execution = self.expected.front_mut().and_then(Expected::execution_mut);
        let columns = execution
            .filter(|execution| execution.is_first)
            .and_then(|execution| self.statements.columns(execution.statement));
        match columns {
            Some(columns) if columns.len() == usize::from(count.columns) => {
                self.head.set_known(Arc::clone(columns));
                Ok(())
            }
            _ => Err(InvalidPacket::Field {
                packet: "column count packet",
                field: "columns whose definitions are left out",
                value: count.columns.into(),
            }),
        }
    }

    /// The event of a head that is complete, whose columns are now those of the session.
    fn head_end(&mut self) -> Option<Event> {
        let expected = self.expected.front()?;
        if !expected.is_in_rows() {
            return None;
        }
        self.take_head();
        Some(Event::ResultSet)
    }

    /// The columns of the head are those of the session from now on.
    pub(super) fn take_head(&mut self) {
        let front = self.expected.front_mut();
        let is_binary = front.and_then(Expected::execution_mut).is_some();
        self.form = self.row_form(is_binary);
        let execution = self.expected.front_mut().and_then(Expected::execution_mut);
        let is_known = self.head.take_known();
        self.columns = if let Some(columns) = is_known {
            columns
        } else {
            let columns = Arc::new(Columns::new(self.head.take()));
            if let Some(execution) = execution
                && execution.is_first
            {
                let told = Arc::clone(&columns);
                self.statements.set_columns(execution.statement, told);
            }
            columns
        };
        if let Some(execution) = self.expected.front_mut().and_then(Expected::execution_mut) {
            execution.is_first = false;
            self.statements.data_taken(execution.statement);
        }
    }

    /// Goes on to the next response if this one is complete. What is left of one in which a file
    /// was refused is for nobody.
    fn advance(&mut self, event: Option<Event>) -> Option<Event> {
        if let Some(Event::Ok(executed)) = &event {
            if !self.columns.is_empty() {
                self.columns = Arc::default();
            }
            let is_watched = self.state.watched() == TransactionWatch::Open;
            if is_watched && executed.affected_rows == 0 {
                self.note_replaced();
            }
        }
        match self.expected.front_mut().map(|due| &mut due.reply) {
            Some(Reply::Response(response)) if response.reader.is_done() => {
                Some(self.end_response(event?))
            }
            Some(Reply::Response(response)) if response.infile.is_refused() => None,
            Some(Reply::Response(response)) => {
                response.is_begun |= matches!(event, Some(Event::Ok(_) | Event::ResultSet));
                event
            }
            _ => event,
        }
    }

    /// The server has refused or ended the command, and the session with it if that is what the
    /// error means, or if it came in the middle of the command or of a file: what the server takes for
    /// the next command is then not known.
    pub(super) fn refused(
        &mut self,
        error: ServerError,
        is_uploading: bool,
    ) -> Result<Event, Error> {
        let out_of_sequence = self.received.packets().out_of_sequence();
        if let Some(numbers) = out_of_sequence
            && !self.is_goodbye(error.code(), numbers)
        {
            return Err(self.invalid(numbers));
        }
        self.cursor = None;
        self.note_failure();
        self.note_refusal(&error);
        self.is_retired |= error.retires_connection(self.is_for_reading);
        // Of MariaDB it is another error.
        let was_idle = error.code() == MYSQL_WAS_IDLE && self.is_mysql();
        let is_early = is_uploading || self.is_answered_early();
        let out_of_sequence = out_of_sequence.is_some();
        if is_early || out_of_sequence || was_idle || ENDS_SESSION.contains(&error.code()) {
            return Err(self.ended(error));
        }
        let execution = self.expected.front_mut().and_then(Expected::execution_mut);
        let event = match execution.and_then(|execution| execution.prepare_error.take()) {
            // The execution says only that there is no such statement.
            Some(error) => Event::NotPrepared(*error),
            None => Event::Err(error),
        };
        Ok(self.end_response(event))
    }

    /// Whether an ERR that is out of sequence is the server's goodbye: by its code, or because it is
    /// numbered as goodbyes are, or said from somewhere in the middle of a file, and is not the next
    /// response. Any other is that of another command.
    fn is_goodbye(&self, code: u16, numbers: InvalidPacket) -> bool {
        if ENDS_SESSION.contains(&code) || GOODBYES.contains(&code) {
            return true;
        }
        let InvalidPacket::SequenceNumber { expected, found } = numbers else {
            return false;
        };
        let first = |index| self.expected.get(index).map(Expected::sequence_number);
        // Responses come in order: the next one does not come in place of this one.
        let may_be_next = first(1) == Some(found) && first(0) != Some(expected);
        let infile = self.expected.front().and_then(Expected::infile);
        let is_in_file = infile.is_some_and(Infile::is_asked_for);
        (found <= 1 || is_in_file) && !may_be_next
    }

    /// Goes on to the next response; `event` was the last of this one.
    pub(super) fn end_response(&mut self, event: Event) -> Event {
        let infile = self.expected.front().and_then(Expected::infile);
        self.next_response();
        if infile.is_some_and(Infile::is_refused) {
            Event::LocalInfileRefused
        } else {
            event
        }
    }

    pub(super) fn next_response(&mut self) {
        self.leave_response();
        self.received.shrink();
    }

    /// Goes on to the next response, and leaves what was received where it lies.
    #[inline]
    pub(super) fn leave_response(&mut self) {
        self.expected.pop_front();
        if let Some(next) = self.expected.front() {
            self.received
                .packets_mut()
                .set_sequence_number(next.sequence_number());
        }
        if !self.set_aside.is_empty() {
            self.queue_set_aside();
        }
    }

    /// A packet came while no response was due: an ERR by which the server ends the session, or
    /// what the protocol does not allow.
    fn unasked(&mut self, packet: Range<usize>) -> Error {
        let payload = self.received.packets().payload(packet);
        let found = payload.first().copied().unwrap_or_default();
        let Ok(err) = ErrPacket::decode(payload, self.capabilities) else {
            let packet = "no packet, for nothing was asked";
            return self.invalid(InvalidPacket::Unexpected { packet, found });
        };
        let reason = CloseReason::EndedByServer { code: err.code };
        self.close(reason);
        Error::Closed { reason }
    }
}

impl Response {
    /// A result without rows has come.
    fn take_ok(
        &mut self,
        ok: &OkPacket<'_>,
        state: &mut SessionState,
        statements: &mut Statements,
    ) -> Result<(), InvalidPacket> {
        if self.resets {
            state.reset();
            statements.forget();
        }
        if let Subject::Schema(schema) = &mut self.subject {
            state.set_schema(mem::take(schema));
            self.subject = Subject::None;
        }
        if let Some(execution) = &self.execution {
            statements.data_taken(execution.statement);
        }
        state.update(ok.status, ok.session_state)
    }
}

/// Errors behind which a server closes the connection: a packet that is too long or out of order,
/// trouble on the network, a connection that was killed.
const ENDS_SESSION: [u16; 9] = [1153, 1156, 1157, 1158, 1159, 1160, 1161, 1927, 3169];
/// What a server says behind a response that is not over, or before a command is, of itself and not of
/// that: it has no memory, is shut down, the connection was killed, or it has waited for too long.
const GOODBYES: [u16; 6] = [5, 1037, 1041, 1053, 1317, MYSQL_WAS_IDLE];
/// The connection was idle for too long.
const MYSQL_WAS_IDLE: u16 = 4031;
