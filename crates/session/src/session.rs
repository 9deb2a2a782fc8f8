mod failure;
mod log_in;
#[cfg(feature = "tls")]
mod tls;

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use otaria_auth::{Channel, Handshake, ServerInfo, ServerVersion};
use otaria_codec::{
    Capabilities, ColumnDefinition, Decode, Encode, ErrPacket, InvalidPacket, ResponseEvent,
    ResponseReader,
};
use otaria_text::{ComInitDb, ComPing, ComQuery, ComQuit, ComResetConnection};

use crate::commands::CommandQueue;
use crate::error::{CloseReason, Error, ServerError};
use crate::event::{Event, Executed, PacketRange};
use crate::receiver::Receiver;
use crate::{Config, Row, SessionState, TlsInfo, login};

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
    /// The columns of a result set whose definitions are still coming.
    head: Vec<ColumnDefinition>,
    head_bytes: usize,
    columns: Arc<[ColumnDefinition]>,
    server: Option<ServerInfo>,
    capabilities: Capabilities,
    state: SessionState,
    database: Option<String>,
    max_payload_bytes: usize,
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

/// A response that is due.
#[derive(Debug)]
struct Expected {
    reader: ResponseReader,
    /// The sequence number of its first packet: the one after that of the command's last.
    sequence_number: u8,
    /// Whether its OK resets the session's state, and says nothing about it.
    resets: bool,
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
            head: Vec::new(),
            head_bytes: 0,
            columns: Arc::new([]),
            server: None,
            capabilities: Capabilities::empty(),
            state: SessionState::default(),
            database: config.database().map(str::to_owned),
            max_payload_bytes: config.max_payload_bytes(),
        }
    }

    /// Where the transport appends what it receives. Rows lent before are void after this call.
    pub fn read_buffer(&mut self) -> &mut Vec<u8> {
        #[cfg(feature = "tls")]
        if let Some(tls) = &mut self.tls {
            return tls.buffer_mut();
        }
        self.received.buffer_mut()
    }

    /// The bytes to send next.
    pub fn unwritten(&mut self) -> &[u8] {
        #[cfg(feature = "tls")]
        {
            self.encrypt();
            if let Some(tls) = &self.tls {
                return tls.unwritten();
            }
        }
        self.commands.unwritten()
    }

    /// The first `bytes` of [`unwritten`](Self::unwritten) have been sent.
    pub fn written(&mut self, bytes: usize) {
        #[cfg(feature = "tls")]
        if let Some(tls) = &mut self.tls {
            tls.advance(bytes);
            return;
        }
        self.commands.advance(bytes);
    }

    /// Whether nothing is to be sent and no response is due.
    pub fn is_idle(&self) -> bool {
        #[cfg(feature = "tls")]
        if self
            .tls
            .as_ref()
            .is_some_and(|tls| !tls.unwritten().is_empty())
        {
            return false;
        }
        matches!(self.phase, Phase::Ready) && self.commands.is_empty() && self.expected.is_empty()
    }

    /// Whether a response is due, or part of one.
    pub fn is_response_due(&self) -> bool {
        !self.expected.is_empty()
    }

    /// Whether the next event is a row or ends the rows.
    pub fn is_in_rows(&self) -> bool {
        self.expected
            .front()
            .is_some_and(|expected| expected.reader.is_in_rows())
    }

    /// Why the session is closed, if it is.
    pub const fn close_reason(&self) -> Option<CloseReason> {
        match self.phase {
            Phase::Closed(reason) => Some(reason),
            _ => None,
        }
    }

    /// The columns of the latest result set.
    pub fn columns(&self) -> &Arc<[ColumnDefinition]> {
        &self.columns
    }

    /// The row that [`Event::Row`] told of.
    pub fn row(&self, row: PacketRange) -> Row<'_> {
        Row::new(self.received.packets().payload(row.0), &self.columns)
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
        self.command(&ComQuery::new(sql), reader, false)
    }

    /// Queues `COM_PING`.
    ///
    /// # Errors
    /// [`Error::Closed`].
    pub fn ping(&mut self) -> Result<(), Error> {
        let reader = ResponseReader::for_ok(self.capabilities);
        self.command(&ComPing, reader, false)
    }

    /// Queues `COM_RESET_CONNECTION`.
    ///
    /// # Errors
    /// [`Error::Closed`].
    pub fn reset(&mut self) -> Result<(), Error> {
        let reader = ResponseReader::for_ok(self.capabilities);
        self.command(&ComResetConnection, reader, true)
    }

    /// Queues `COM_INIT_DB`: another default database.
    ///
    /// # Errors
    /// [`Error::Closed`].
    pub fn init_db(&mut self, schema: &str) -> Result<(), Error> {
        let reader = ResponseReader::for_ok(self.capabilities);
        self.command(&ComInitDb::new(schema), reader, false)
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
    /// responses to the others are for [`discard`](Self::discard).
    pub fn abandon(&mut self) {
        if !matches!(self.phase, Phase::Ready) {
            return;
        }
        for _ in 0..self.commands.withdraw() {
            self.expected.pop_back();
        }
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
    /// [`Error::InvalidPacket`], [`Error::Auth`], [`Error::Tls`] and [`Error::EndedByServer`] close
    /// the session; [`Error::Closed`] if it had been closed before.
    pub fn poll(&mut self) -> Result<Option<Event>, Error> {
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

    fn command(
        &mut self,
        command: &impl Encode,
        reader: ResponseReader,
        resets: bool,
    ) -> Result<(), Error> {
        match self.phase {
            Phase::Ready => {}
            Phase::Closed(reason) => return Err(Error::Closed { reason }),
            _ => {
                let reason = CloseReason::NotLoggedIn;
                return Err(Error::Closed { reason });
            }
        }
        let sequence_number = self.commands.push(command, self.capabilities);
        if self.expected.is_empty() {
            self.received
                .packets_mut()
                .set_sequence_number(sequence_number);
        }
        self.expected.push_back(Expected {
            reader,
            sequence_number,
            resets,
        });
        Ok(())
    }

    fn read_response(&mut self, packet: Range<usize>) -> Result<Option<Event>, Error> {
        let payload = self.received.packets().payload(packet.clone());
        let Some(expected) = self.expected.front_mut() else {
            return Err(self.unasked(packet));
        };
        let event = match expected.reader.read(payload) {
            Ok(ResponseEvent::Row(_)) => return Ok(Some(Event::Row(PacketRange(packet)))),
            Ok(ResponseEvent::Ok(ok)) => {
                if expected.resets {
                    self.state.reset();
                }
                self.state
                    .update(ok.status, ok.session_state)
                    .map(|()| Some(Event::Ok(Executed::from(ok))))
            }
            Ok(ResponseEvent::ResultSetEnd {
                status,
                warnings,
                session_state,
            }) => {
                let executed = Executed {
                    warnings,
                    ..Executed::default()
                };
                self.state
                    .update(status, session_state)
                    .map(|()| Some(Event::ResultSetEnd(executed)))
            }
            Ok(ResponseEvent::Err(err)) => Ok(Some(Event::Err(ServerError::from(err)))),
            Ok(ResponseEvent::ColumnCount(_)) => {
                self.head.clear();
                self.head_bytes = 0;
                Ok(self.head_end())
            }
            Ok(ResponseEvent::ColumnDefinition(column)) => {
                self.head.push(column);
                self.head_bytes += payload.len();
                match self.head_bytes {
                    0..=MAX_HEAD_BYTES => Ok(self.head_end()),
                    bytes => Err(InvalidPacket::Field {
                        packet: "column definition packet",
                        field: "length of all definitions",
                        value: u64::try_from(bytes).unwrap_or(u64::MAX),
                    }),
                }
            }
            Ok(ResponseEvent::MetadataEnd(_)) => Ok(self.head_end()),
            Ok(ResponseEvent::Progress(_)) => Ok(None),
            Ok(ResponseEvent::LocalInfile(_)) => Err(InvalidPacket::NotNegotiated {
                packet: "LOCAL_INFILE Packet",
                capability: "LOCAL_FILES",
            }),
            Err(invalid) => Err(invalid),
        };
        let event = event.map_err(|invalid| self.invalid(invalid))?;
        self.advance(event)
    }

    /// The event of a head that is complete, whose columns are now those of the session.
    fn head_end(&mut self) -> Option<Event> {
        self.is_in_rows().then(|| {
            self.columns = std::mem::take(&mut self.head).into();
            Event::ResultSet
        })
    }

    /// Goes on to the next response if this one is complete.
    fn advance(&mut self, event: Option<Event>) -> Result<Option<Event>, Error> {
        if let Some(Event::Err(error)) = event {
            if self.received.packets().is_out_of_sequence() || ENDS_SESSION.contains(&error.code())
            {
                self.close(CloseReason::EndedByServer { code: error.code() });
                return Err(Error::EndedByServer(error));
            }
            self.next_response();
            return Ok(Some(Event::Err(error)));
        }
        if matches!(event, Some(Event::Ok(_))) && !self.columns.is_empty() {
            self.columns = Arc::new([]);
        }
        if self
            .expected
            .front()
            .is_some_and(|expected| expected.reader.is_done())
        {
            self.next_response();
        }
        Ok(event)
    }

    fn next_response(&mut self) {
        self.expected.pop_front();
        if let Some(next) = self.expected.front() {
            self.received
                .packets_mut()
                .set_sequence_number(next.sequence_number);
        }
        self.received.shrink();
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

    fn invalid(&mut self, invalid: InvalidPacket) -> Error {
        self.close(CloseReason::InvalidPacket);
        Error::InvalidPacket(invalid)
    }

    fn close(&mut self, reason: CloseReason) {
        if self.close_reason().is_none() {
            self.phase = Phase::Closed(reason);
        }
        self.expected.clear();
        self.head.clear();
    }
}

/// 4,096 columns, the most that a server has, with names of the greatest length take 7 MiB.
const MAX_HEAD_BYTES: usize = 16 * 1024 * 1024;
/// Errors behind which a server closes the connection: a packet that is too long or out of order,
/// trouble on the network, a connection that was killed or was idle for too long.
const ENDS_SESSION: [u16; 9] = [1153, 1156, 1157, 1158, 1159, 1160, 1161, 1927, 4031];
/// Enough for a greeting, an answer of any plugin, and an OK with all that a server tracks.
const MAX_LOGIN_PAYLOAD_BYTES: usize = 1024 * 1024;

#[cfg(test)]
mod tests;
