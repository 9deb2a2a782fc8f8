use std::ops::Range;
use std::sync::Arc;

use otaria_auth::{AuthError, Handshake, HandshakeStep, KeyDerivation, Prompt, ServerInfo};
use otaria_codec::{Decode, ErrPacket, InvalidPacket, PacketEncoder};

use super::Session;
use super::expected::{Expected, Reply};
use crate::error::{CloseReason, Error, ServerError};
use crate::event::Event;
use crate::{Channel, Config, SessionState, login};

/// The dialogue of `COM_CHANGE_USER`: a login on an open connection.
#[derive(Debug)]
pub(super) struct ChangeUser {
    /// `None` only while a step is being taken.
    handshake: Option<Handshake>,
    awaited: Awaited,
    /// What the connection is configured by if the change succeeds.
    config: Config,
}

/// Whose turn it is.
#[derive(Debug)]
enum Awaited {
    Server,
    /// Somebody who answers a question.
    Answer(Prompt),
    /// Somebody who derives a key.
    Key(KeyDerivation),
}

/// Changes of the user.
impl Session {
    /// Queues `COM_CHANGE_USER`: a login as `config` says, of which only what the login carries
    /// matters. [`Event::Connected`] says that it is done, [`Event::Err`] that the user is the one
    /// before, and [`Event::Prompt`] and [`Event::Derive`] ask what they ask in a login. `entropy`
    /// is the source of the login's nonces and must not be used twice. No command may be queued
    /// behind it before it has ended.
    ///
    /// # Errors
    /// [`Error::Auth`] if the login cannot be sent, in which case nothing was; [`Error::Closed`].
    pub fn change_user(&mut self, config: &Config, entropy: [u8; 32]) -> Result<(), Error> {
        self.check_open()?;
        let Some(server) = &self.server else {
            return Err(Error::Closed {
                reason: CloseReason::NotLoggedIn,
            });
        };
        let (login, channel) = (login::config(config, self.channel), self.channel);
        let (handshake, next) = self
            .commands
            .push_with(|out| Handshake::change_user(login, server, entropy, channel, out));
        self.commands.keep_secret();
        let change = ChangeUser {
            handshake: Some(handshake?),
            awaited: Awaited::Server,
            config: config.clone(),
        };
        self.expect(Expected::change_user(change).numbered_from(next));
        Ok(())
    }

    /// The question of [`Event::Prompt`] that a change of the user still waits for.
    pub fn prompt(&self) -> Option<&Prompt> {
        match self.awaited()? {
            Awaited::Answer(prompt) => Some(prompt),
            Awaited::Server | Awaited::Key(_) => None,
        }
    }

    /// The key of [`Event::Derive`] that a change of the user still waits for.
    pub fn key_derivation(&self) -> Option<&KeyDerivation> {
        match self.awaited()? {
            Awaited::Key(key) => Some(key),
            Awaited::Server | Awaited::Answer(_) => None,
        }
    }

    /// The configuration of the user that the latest change has led to, once.
    pub fn take_changed_config(&mut self) -> Option<Config> {
        self.changed_config.take()
    }

    /// A packet of the server in the dialogue.
    pub(super) fn read_change_user(
        &mut self,
        packet: Range<usize>,
    ) -> Result<Option<Event>, Error> {
        let payload = self.received.packets().payload(packet);
        if payload.first() == Some(&0xff) {
            return match ErrPacket::decode(payload, self.capabilities) {
                Ok(err) => {
                    let error = ServerError::from(err);
                    // The server resets the session before it looks at the login.
                    self.state.roll_back();
                    self.statements.forget();
                    self.is_watched = false;
                    self.has_changed_user = true;
                    self.refused(error, false).map(Some)
                }
                Err(invalid) => Err(self.invalid(invalid)),
            };
        }
        // It would take what is queued behind the command for the answer.
        if self.expected.len() > 1 || !self.commands.is_empty() {
            return Err(self.invalid(InvalidPacket::Unexpected {
                packet: "response in a pipeline, where nothing can be answered",
                found: payload.first().copied().unwrap_or_default(),
            }));
        }
        let payload = payload.to_vec();
        self.change_step(|handshake, channel, out| handshake.handle(&payload, channel, out))
    }

    /// Whether a change of the user waits for the shell.
    pub(super) fn is_change_paused(&self) -> bool {
        matches!(self.awaited(), Some(Awaited::Answer(_) | Awaited::Key(_)))
    }

    /// Takes a step of the dialogue, and sends what it says.
    pub(super) fn change_step(
        &mut self,
        step: impl FnOnce(Handshake, Channel, &mut PacketEncoder) -> Result<HandshakeStep, AuthError>,
    ) -> Result<Option<Event>, Error> {
        let Some(handshake) = self.change_mut().and_then(|change| change.handshake.take()) else {
            return Ok(None);
        };
        let (numbers, channel) = (self.received.sequence_numbers(), self.channel);
        let (step, next) = self
            .commands
            .push_answer(numbers, |out| step(handshake, channel, out));
        self.commands.keep_secret();
        self.received.packets_mut().set_sequence_number(next.packet);
        let (handshake, awaited, event) = match step {
            Ok(HandshakeStep::Continue(handshake)) => (handshake, Awaited::Server, None),
            Ok(HandshakeStep::Prompt(handshake, prompt)) => {
                let event = Event::Prompt(prompt.clone());
                (handshake, Awaited::Answer(prompt), Some(event))
            }
            Ok(HandshakeStep::Derive(handshake, key)) => {
                let event = Event::Derive(key.clone());
                (handshake, Awaited::Key(key), Some(event))
            }
            Ok(HandshakeStep::Connected(server)) => return self.user_changed(server).map(Some),
            Ok(_) => return Err(self.invalid(InvalidPacket::Empty { packet: "login" })),
            Err(AuthError::InvalidPacket(invalid)) => return Err(self.invalid(invalid)),
            // The server waits for an answer that it will not get.
            Err(error) => {
                self.close(CloseReason::LoginFailed);
                return Err(Error::Auth(error));
            }
        };
        if let Some(change) = self.change_mut() {
            change.handshake = Some(handshake);
            change.awaited = awaited;
        }
        Ok(event)
    }

    /// The session is that of another user, as after a login.
    fn user_changed(&mut self, server: ServerInfo) -> Result<Event, Error> {
        if let Some(change) = self.change_mut() {
            let config = change.config.clone();
            self.database = config.database().map(str::to_owned);
            self.changed_config = Some(config);
        }
        self.columns = Arc::default();
        self.statements.forget();
        self.state = SessionState::default();
        self.is_watched = false;
        self.has_changed_user = true;
        let database = self.database.as_deref();
        let told = self
            .state
            .log_in(database, server.status, &server.session_state);
        self.server = Some(server);
        told.map_err(|invalid| self.invalid(invalid))?;
        Ok(self.end_response(Event::Connected))
    }

    fn change_mut(&mut self) -> Option<&mut ChangeUser> {
        match self
            .expected
            .front_mut()
            .map(|expected| &mut expected.reply)
        {
            Some(Reply::ChangeUser(change)) => Some(change),
            _ => None,
        }
    }

    fn awaited(&self) -> Option<&Awaited> {
        match self.expected.front().map(|expected| &expected.reply) {
            Some(Reply::ChangeUser(change)) => Some(&change.awaited),
            _ => None,
        }
    }
}
