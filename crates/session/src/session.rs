mod bulk;
mod change_user;
mod clean_up;
mod cursor;
mod early;
mod execute;
mod expected;
mod failure;
mod head;
mod infile;
mod log_in;
mod long_data;
mod pipeline;
mod prepare;
mod response;
mod running;
mod simple;
mod statement_reset;
#[cfg(feature = "tls")]
mod tls;
mod transaction;
mod watch;

use std::collections::VecDeque;
use std::sync::Arc;

use otaria_auth::{Channel, Handshake, ServerInfo, ServerVersion};
use otaria_codec::{Capabilities, Encode, InvalidPacket, ResponseReader};
use otaria_statement::Leftovers;
use otaria_text::{ComInitDb, ComPing, ComQuery, ComQuit, ComResetConnection};
use otaria_types::{Columns, RowContext, ZeroDates};

use crate::commands::CommandQueue;
use crate::error::{CloseReason, Error, ServerError};
use crate::event::{Event, PacketRange};
use crate::receiver::Receiver;
use crate::rows::{Chunk, RowForm};
use crate::statements::Statements;
use crate::{Config, Role, Row, SessionState, TlsInfo, login};
use cursor::Cursor;
use expected::Expected;
use head::Head;

pub use clean_up::{CleanUp, SavepointId};
pub use execute::Queued;
pub use pipeline::Pipelined;
pub(crate) use running::{MAX_BYTES as MAX_COMPARED_BYTES, cut};

/// One connection without its socket: what was received and not yet read, what is to be sent, and
/// the place in the grammar of every response that is due.
///
/// A shell moves bytes and asks for events. All that outlives one of its awaits is here, so a
/// future of a shell that is dropped loses nothing:
///
/// ```text
///            read_buffer  ┌─────────┐ poll, discard
///   socket ──────────────►│ Session │──────────────► events
///          ◄──────────────│         │◄────────────── commands
///       unwritten, written└─────────┘
/// ```
#[derive(Debug)]
pub struct Session {
    phase: Phase,
    channel: Channel,
    received: Receiver,
    #[cfg(feature = "tls")]
    tls: Option<crate::tls::TlsLayer>,
    tls_info: Option<TlsInfo>,
    #[cfg(feature = "compression")]
    compression: Option<crate::Compression>,
    commands: CommandQueue,
    expected: VecDeque<Expected>,
    /// What cleans up and cannot be queued yet.
    set_aside: VecDeque<CleanUp>,
    /// Why the transaction that is watched could not be begun or ended, until it is told.
    transaction_refused: Option<ServerError>,
    statements: Statements,
    /// That whose rows are being fetched.
    cursor: Option<Cursor>,
    head: Head,
    columns: Arc<Columns>,
    /// How the rows of the latest result set are read.
    form: RowForm,
    /// Whether a byte of the commands whose responses are due has left.
    has_left: bool,
    /// Whether the connection is to be used by those only who read.
    is_for_reading: bool,
    is_retired: bool,
    /// A row that was lent in a chunk and not taken out of it: it is the next one again.
    lent: Option<PacketRange>,
    server: Option<ServerInfo>,
    capabilities: Capabilities,
    state: SessionState,
    is_watched: bool,
    /// Whether somebody else may have been logged in since.
    has_changed_user: bool,
    /// What the commands since then may have left behind untold.
    leftovers: Leftovers,
    database: Option<String>,
    /// That of the user that the latest change has led to, until it is taken.
    changed_config: Option<Config>,
    max_payload_bytes: usize,
    zero_dates: ZeroDates,
}

/// ```text
///   Tls ◄─start_tls─ Paused
///    │      ┌─────────▲ │ answer, derived
///    ▼      │ StartTls, Prompt, Derive
/// Handshake ┴─Connected──► Ready ──┐
///     └────────error───────────────┴──► Closed
/// ```
#[derive(Debug)]
enum Phase {
    Handshake(Box<Handshake>),
    /// The shell has something to do before the login goes on.
    Paused(Box<Handshake>),
    /// The TLS handshake.
    #[cfg(feature = "tls")]
    Tls(Box<Handshake>),
    Ready,
    Closed(CloseReason),
}

impl Session {
    /// A session before the server's greeting. `entropy` is the source of the login's nonces and
    /// must not be used twice.
    pub fn new(config: &Config, channel: Channel, entropy: [u8; 32]) -> Self {
        let login = login::config(config, channel);
        Self {
            phase: Phase::Handshake(Box::new(Handshake::new(login, entropy))),
            channel,
            received: Receiver::new(config.max_payload_bytes().min(MAX_LOGIN_PAYLOAD_BYTES)),
            #[cfg(feature = "tls")]
            tls: None,
            tls_info: None,
            #[cfg(feature = "compression")]
            compression: config.compression(),
            commands: CommandQueue::default(),
            expected: VecDeque::new(),
            set_aside: VecDeque::new(),
            transaction_refused: None,
            statements: Statements::new(config.statement_cache_capacity()),
            cursor: None,
            head: Head::default(),
            columns: Arc::default(),
            form: RowForm::default(),
            has_left: true,
            is_for_reading: config.role() == Role::Reader,
            is_retired: false,
            lent: None,
            server: None,
            capabilities: Capabilities::empty(),
            state: SessionState::default(),
            is_watched: false,
            has_changed_user: false,
            leftovers: Leftovers::None,
            database: config.database().map(str::to_owned),
            changed_config: None,
            max_payload_bytes: config.max_payload_bytes(),
            zero_dates: config.zero_dates(),
        }
    }

    /// Where the transport appends what it receives. Rows lent before are void after this call.
    #[inline]
    pub fn read_buffer(&mut self) -> &mut Vec<u8> {
        self.lent = None;
        #[cfg(feature = "tls")]
        if let Some(tls) = &mut self.tls {
            return tls.buffer_mut();
        }
        self.received.buffer_mut()
    }

    /// The bytes to send next.
    #[inline]
    pub fn unwritten(&mut self) -> &[u8] {
        #[cfg(feature = "tls")]
        if self.tls.is_some() {
            return self.unwritten_ciphertext();
        }
        self.commands.unwritten()
    }

    /// The first `bytes` of [`unwritten`](Self::unwritten) have been sent.
    #[inline]
    pub fn written(&mut self, bytes: usize) {
        self.has_left = true;
        #[cfg(feature = "tls")]
        if let Some(tls) = &mut self.tls {
            tls.advance(bytes);
            return;
        }
        self.commands.advance(bytes);
    }

    /// Whether all that was queued has been sent.
    #[inline]
    pub fn is_written(&self) -> bool {
        #[cfg(feature = "tls")]
        if self.tls.as_ref().is_some_and(|tls| !tls.is_written()) {
            return false;
        }
        self.commands.is_empty()
    }

    /// Whether nothing is to be sent and no response is due.
    #[inline]
    pub fn is_idle(&self) -> bool {
        matches!(self.phase, Phase::Ready) && self.is_written() && self.expected.is_empty()
    }

    /// Whether nothing is left of earlier commands: a new one can be queued.
    #[inline]
    pub fn is_settled(&self) -> bool {
        self.is_idle() && self.received.unread() == 0 && self.changed_config.is_none()
    }

    /// Whether a response is due, or part of one.
    pub fn is_response_due(&self) -> bool {
        !self.expected.is_empty()
    }

    /// Whether the next event is a row or ends the rows.
    pub fn is_in_rows(&self) -> bool {
        self.expected.front().is_some_and(Expected::is_in_rows)
    }

    /// Whether the server has said, in an error of some command, that it is of no more use, though
    /// the session is open: it has become read-only, where the configuration asks for no
    /// [`Role::Reader`], or it is about to go.
    pub const fn is_retired(&self) -> bool {
        self.is_retired
    }

    /// Why the session is closed, if it is.
    pub const fn close_reason(&self) -> Option<CloseReason> {
        match self.phase {
            Phase::Closed(reason) => Some(reason),
            _ => None,
        }
    }

    /// The columns of the latest result set.
    pub const fn columns(&self) -> &Arc<Columns> {
        &self.columns
    }

    /// Whether the rows of the latest result set are in the binary protocol.
    pub const fn has_binary_rows(&self) -> bool {
        self.form.is_binary
    }

    /// What the cells of the latest result set mean beyond their bytes.
    pub const fn row_context(&self) -> RowContext {
        self.form.context
    }

    /// How the rows of a result set that begins now are to be read.
    #[inline]
    const fn row_form(&self, is_binary: bool) -> RowForm {
        RowForm {
            is_binary,
            context: RowContext {
                time_zone: self.state.time_zone(),
                zero_dates: self.zero_dates,
            },
        }
    }

    /// The row that [`Event::Row`] told of.
    pub fn row(&self, row: PacketRange) -> Row<'_> {
        let payload = self.received.packets().payload(row.0);
        Row::new(payload, &self.columns, self.form)
    }

    /// The row that [`Event::Row`] told of, and those behind it that have been received whole. What
    /// is not taken out of the chunk comes again.
    pub fn chunk(&mut self, first: PacketRange) -> Chunk<'_> {
        let (payload, packets) = self
            .received
            .packets_mut()
            .payload_and_whole_packets(first.0.clone());
        self.lent = Some(first);
        Chunk::new(payload, &mut self.lent, packets, (&self.columns, self.form))
    }

    /// What the server has told about the session.
    pub const fn state(&self) -> &SessionState {
        &self.state
    }

    /// How the connection is encrypted; `None` if it is not.
    pub const fn tls(&self) -> Option<&TlsInfo> {
        self.tls_info.as_ref()
    }

    /// What both sides can do; empty before the login is done.
    pub const fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    /// The server's version; `None` before the login is done.
    pub fn server_version(&self) -> Option<&ServerVersion> {
        self.server.as_ref().map(|server| &server.version)
    }

    /// The low 32 bits of the connection's id on the server; 0 before the login is done.
    pub fn thread_id(&self) -> u32 {
        self.server.as_ref().map_or(0, |server| server.thread_id)
    }

    /// Queues SQL, sent by the text protocol.
    ///
    /// # Errors
    /// [`Error::Closed`].
    pub fn simple_query(&mut self, sql: &str) -> Result<(), Error> {
        let reader = ResponseReader::new(self.capabilities);
        self.query(sql, Expected::response(reader))
    }

    /// Queues `COM_PING`.
    ///
    /// # Errors
    /// [`Error::Closed`].
    pub fn ping(&mut self) -> Result<(), Error> {
        let reader = ResponseReader::for_ok(self.capabilities);
        self.command(&ComPing, Expected::response(reader))
    }

    /// Queues `COM_RESET_CONNECTION`.
    ///
    /// # Errors
    /// [`Error::Closed`].
    pub fn reset(&mut self) -> Result<(), Error> {
        self.leave_transaction();
        let reader = ResponseReader::for_ok(self.capabilities);
        self.command(&ComResetConnection, Expected::reset(reader))
    }

    /// Queues `COM_INIT_DB`: another default database.
    ///
    /// # Errors
    /// [`Error::Closed`].
    pub fn init_db(&mut self, schema: &str) -> Result<(), Error> {
        let reader = ResponseReader::for_ok(self.capabilities);
        self.command(&ComInitDb::new(schema), Expected::init_db(reader, schema))
    }

    /// Gives up what is under way and queues `COM_QUIT`, if the server could read it as one: not
    /// behind half a command, nor while it is busy with another. Says whether it was queued.
    pub fn quit(&mut self) -> bool {
        self.abandon();
        let can_quit = self.is_idle();
        if can_quit {
            self.commands.push(&ComQuit, self.capabilities);
            #[cfg(feature = "tls")]
            self.close_tls();
        }
        can_quit
    }

    /// Gives up what is under way: commands of which no byte was sent are taken back, the
    /// responses to the others are for [`discard`](Self::discard). A cursor is closed, and values
    /// sent ahead are dropped, in front of the next command. What [cleans up](Self::clean_up) stays.
    pub fn abandon(&mut self) {
        if !matches!(self.phase, Phase::Ready) {
            return;
        }
        for _ in 0..self.commands.withdraw() {
            let withdrawn = self.expected.pop_back();
            if let Some(statement) = withdrawn.and_then(|command| command.reset_statement()) {
                self.statements.reset_due(statement);
            }
        }
        self.cursor = None;
        self.statements.forget_sent_ahead();
        self.abandon_upload();
    }

    /// Reads responses that nobody wants any more, as far as they have been received. `true` when
    /// none is due any longer and no part of a packet that was not asked for has come. An error of
    /// the server ends its response like any other.
    ///
    /// # Errors
    /// Those of [`poll`](Self::poll).
    pub fn discard(&mut self) -> Result<bool, Error> {
        while self.is_response_due() {
            if self.poll()?.is_none() {
                return Ok(false);
            }
        }
        match self.received.unread() {
            0 => Ok(true),
            // An error by which the server ends the session, or what nobody has asked for.
            _ => self.poll().map(|event| event.is_some()),
        }
    }

    /// The next event of the login or of the first response that is due, or `None` until more
    /// bytes have been received.
    ///
    /// # Errors
    /// [`Error::InvalidPacket`], [`Error::Auth`], `Error::Tls` and [`Error::EndedByServer`] close
    /// the session; [`Error::Closed`] if it had been closed before.
    pub fn poll(&mut self) -> Result<Option<Event>, Error> {
        if let Some(row) = self.lent.take() {
            return Ok(Some(Event::Row(row)));
        }
        loop {
            match self.phase {
                Phase::Closed(reason) => return Err(Error::Closed { reason }),
                Phase::Paused(_) => return Ok(None),
                #[cfg(feature = "tls")]
                Phase::Tls(_) => return self.shake_hands(),
                Phase::Handshake(_) | Phase::Ready => {}
            }
            let packet = match self.received.poll_packet() {
                Ok(Some(packet)) => packet,
                #[cfg(feature = "tls")]
                Ok(None) if self.decrypt()? => continue,
                Ok(None) => return Ok(None),
                Err(invalid) => return Err(self.invalid(invalid)),
            };
            let event = match self.phase {
                Phase::Ready => self.read_response(packet)?,
                _ => self.read_handshake(packet)?,
            };
            if event.is_some() {
                return Ok(event);
            }
        }
    }

    /// Queues SQL, sent by the text protocol.
    fn query(&mut self, sql: &str, expected: Expected) -> Result<(), Error> {
        self.check_open()?;
        self.note_leftovers(sql);
        self.note_meaning_of(sql);
        let several = self.capabilities.contains(Capabilities::MULTI_STATEMENTS);
        let expected = expected.about(running::beginning(sql, several));
        self.command(&ComQuery::new(sql), expected)
    }

    fn command(&mut self, command: &impl Encode, expected: Expected) -> Result<(), Error> {
        self.check_open()?;
        self.queue_closes();
        let sequence_number = self.commands.push(command, self.capabilities);
        self.expect(expected.numbered_from(sequence_number));
        Ok(())
    }

    fn check_open(&self) -> Result<(), Error> {
        match self.phase {
            Phase::Ready => Ok(()),
            Phase::Closed(reason) => Err(Error::Closed { reason }),
            _ => Err(Error::Closed {
                reason: CloseReason::NotLoggedIn,
            }),
        }
    }

    fn expect(&mut self, expected: Expected) {
        if self.expected.is_empty() {
            self.has_left = false;
            self.received
                .packets_mut()
                .set_sequence_number(expected.sequence_number());
        }
        self.expected
            .push_back(expected.behind(self.commands.end_of_last()));
    }

    fn invalid(&mut self, invalid: InvalidPacket) -> Error {
        self.close(CloseReason::InvalidPacket);
        Error::InvalidPacket(invalid)
    }

    fn close(&mut self, reason: CloseReason) {
        if self.close_reason().is_none() {
            self.phase = Phase::Closed(reason);
        }
        self.expected.clear();
        self.set_aside.clear();
        self.cursor = None;
        self.head.clear();
    }
}

/// Enough for a greeting, an answer of any plugin, and an OK with all that a server tracks.
const MAX_LOGIN_PAYLOAD_BYTES: usize = 1024 * 1024;

#[cfg(test)]
mod tests;
