//! From the greeting to the OK that ends the login.

use std::ops::Range;

use otaria_auth::{AuthError, DerivedKey, HandshakeStep, Password, ServerInfo};
use otaria_codec::PacketEncoder;

use super::{Phase, Session};
use crate::Config;
use crate::error::{CloseReason, Error};
use crate::event::Event;

impl Session {
    /// The server has executed what [`Config::session_settings_sql`] says of `config`: its zone is
    /// that of the session wherever the server does not tell another.
    pub fn settings_are_set(&mut self, config: &Config) {
        if let Some(name) = config.time_zone() {
            self.state.set_time_zone(name);
        }
    }

    /// Answers [`Event::Prompt`].
    ///
    /// # Errors
    /// [`Error::Auth`] if the plugin cannot use the answer, which closes the session;
    /// [`Error::Closed`] if nothing was asked.
    pub fn answer(&mut self, answer: &Password) -> Result<Option<Event>, Error> {
        if self.is_change_paused() {
            return self
                .change_step(|handshake, channel, out| handshake.answer(answer, channel, out));
        }
        let handshake = self.take_paused()?;
        let channel = self.channel;
        let step = self.push_login_packets(|out| handshake.answer(answer, channel, out));
        self.take_step(step)
    }

    /// Answers [`Event::Derive`].
    ///
    /// # Errors
    /// Those of [`answer`](Self::answer).
    pub fn derived(&mut self, key: DerivedKey) -> Result<Option<Event>, Error> {
        if self.is_change_paused() {
            return self
                .change_step(|handshake, channel, out| handshake.derived(key, channel, out));
        }
        let handshake = self.take_paused()?;
        let channel = self.channel;
        let step = self.push_login_packets(|out| handshake.derived(key, channel, out));
        self.take_step(step)
    }

    /// Reads a packet of the server.
    pub(super) fn read_handshake(&mut self, packet: Range<usize>) -> Result<Option<Event>, Error> {
        let failed = Phase::Closed(CloseReason::LoginFailed);
        let Phase::Handshake(handshake) = std::mem::replace(&mut self.phase, failed) else {
            return Ok(None);
        };
        let channel = self.channel;
        let mut due = self.received.packets().sequence_number();
        let payload = self.received.packets().payload(packet);
        let step = self.commands.push_packets(|out| {
            out.set_sequence_number(due);
            let step = handshake.handle(payload, channel, out);
            due = out.sequence_number();
            step
        });
        self.received.packets_mut().set_sequence_number(due);
        self.take_step(step)
    }

    /// Writes packets behind the one that was received last.
    pub(super) fn push_login_packets<T>(
        &mut self,
        write: impl FnOnce(&mut PacketEncoder) -> T,
    ) -> T {
        let mut due = self.received.packets().sequence_number();
        let written = self.commands.push_packets(|out| {
            out.set_sequence_number(due);
            let written = write(out);
            due = out.sequence_number();
            written
        });
        self.received.packets_mut().set_sequence_number(due);
        written
    }

    /// The handshake that waits for the shell. Until it goes on, the login has failed.
    pub(super) fn take_paused(&mut self) -> Result<otaria_auth::Handshake, Error> {
        let failed = Phase::Closed(CloseReason::LoginFailed);
        match std::mem::replace(&mut self.phase, failed) {
            Phase::Paused(handshake) => Ok(*handshake),
            other => {
                let reason = match other {
                    Phase::Closed(reason) => reason,
                    _ => CloseReason::NotLoggedIn,
                };
                self.phase = other;
                Err(Error::Closed { reason })
            }
        }
    }

    /// The shell has no answer to what the login, or the change of the user, asks.
    pub fn log_in_failed(&mut self) {
        self.close(CloseReason::LoginFailed);
    }

    pub(super) fn take_step(
        &mut self,
        step: Result<HandshakeStep, AuthError>,
    ) -> Result<Option<Event>, Error> {
        let step = step.map_err(|error| match error {
            AuthError::InvalidPacket(invalid) => self.invalid(invalid),
            error => Error::Auth(error),
        })?;
        let (handshake, event) = match step {
            HandshakeStep::Continue(handshake) => {
                self.phase = Phase::Handshake(Box::new(handshake));
                return Ok(None);
            }
            HandshakeStep::Connected(server) => return self.connected(server).map(Some),
            HandshakeStep::Prompt(handshake, prompt) => (handshake, Event::Prompt(prompt)),
            HandshakeStep::Derive(handshake, key) => (handshake, Event::Derive(key)),
            #[cfg(feature = "tls")]
            HandshakeStep::StartTls(handshake) => {
                self.refuse_bytes_before_tls()?;
                (handshake, Event::StartTls)
            }
            // Without TLS none is asked for.
            _ => {
                let packet = "login";
                return Err(self.invalid(otaria_codec::InvalidPacket::Empty { packet }));
            }
        };
        self.phase = Phase::Paused(Box::new(handshake));
        Ok(Some(event))
    }

    fn connected(&mut self, server: ServerInfo) -> Result<Event, Error> {
        self.phase = Phase::Ready;
        self.capabilities = server.capabilities;
        self.received
            .packets_mut()
            .set_max_payload_bytes(self.max_payload_bytes);
        #[cfg(feature = "compression")]
        self.begin_compression();
        #[cfg(feature = "tls")]
        self.proven_by_password(&server);
        let database = self.database.as_deref();
        let told = self
            .state
            .log_in(database, server.status, &server.session_state);
        self.server = Some(server);
        told.map_err(|invalid| self.invalid(invalid))?;
        Ok(Event::Connected)
    }

    /// "Compression takes effect after the OK packet that ends the login."
    #[cfg(feature = "compression")]
    fn begin_compression(&mut self) {
        let Some(compression) = self.compression else {
            return;
        };
        let algorithm = compression.algorithm;
        if !self.capabilities.contains(algorithm.capability()) {
            return;
        }
        self.received.decompress(algorithm.decoder());
        self.commands.compress(compression.encoder());
    }
}
