mod exchange;
mod negotiation;
mod server_info;

use otaria_codec::{Capabilities, Decode, ErrPacket, InvalidPacket, OkPacket, PacketEncoder};

use crate::{AuthError, AuthSwitchRequest, Channel, InitialHandshake, LoginConfig};
use exchange::Exchange;

pub use server_info::ServerInfo;

/// The [connection phase](https://mariadb.com/docs/server/reference/clientserver-protocol/1-connecting/connection)
/// of the client, as a state machine that consumes itself: a step cannot be taken twice, and
/// after an error there is no step to take.
///
/// ```text
///           ┌── ERR ──► error
/// Greeting ─┤                        ┌── switch, more data ──┐
///           └── greeting ─► Exchange ◄───────────────────────┘
///                              ├── OK ──► Connected
///                              └── ERR ─► error
/// ```
#[derive(Debug)]
pub struct Handshake {
    login: LoginConfig,
    state: State,
}

/// What follows when a packet of the server has been handled.
#[derive(Debug)]
#[non_exhaustive]
pub enum HandshakeStep {
    /// What was written is sent, and the server's next packet goes to this handshake.
    Continue(Handshake),
    /// The login has succeeded.
    Connected(ServerInfo),
}

#[derive(Debug)]
enum State {
    /// Nothing has come from the server.
    Greeting,
    /// The handshake response was sent.
    Exchange(Exchange),
}

impl Handshake {
    /// A handshake that waits for the server's greeting.
    ///
    /// `_entropy` is for plugins that answer with random bytes of their own. None of the built-in
    /// ones does.
    pub const fn new(login: LoginConfig, _entropy: [u8; 32]) -> Self {
        Self {
            login,
            state: State::Greeting,
        }
    }

    /// Handles one payload of the server, and writes to `out` what is to be sent. The sequence
    /// number of `out` must be the one after the payload's.
    ///
    /// # Errors
    /// [`AuthError`]: the login has failed, and nothing more was written.
    pub fn handle(
        self,
        payload: &[u8],
        channel: Channel,
        out: &mut PacketEncoder,
    ) -> Result<HandshakeStep, AuthError> {
        let Self { login, state } = self;
        let exchange = match (state, payload) {
            (_, [0xff, ..]) => return Err(server_error(payload)),
            (State::Greeting, _) => {
                login.check()?;
                let greeting = InitialHandshake::decode(payload, Capabilities::empty())?;
                Exchange::begin(&login, &greeting, channel, out)?
            }
            (State::Exchange(exchange), [0x00, ..]) => {
                let packet = OkPacket::decode(payload, exchange.capabilities())?;
                return Ok(HandshakeStep::Connected(exchange.connected(&packet)));
            }
            (State::Exchange(_), [0xfe]) => return Err(AuthError::OldPassword),
            (State::Exchange(exchange), [0xfe, ..]) => {
                let request = AuthSwitchRequest::decode(payload, exchange.capabilities())?;
                exchange.switch(&login, &request, channel, out)?
            }
            // Here 0xfb is no plugin's data but a hostile server's request for a file.
            (State::Exchange(_), [0xfb, ..]) => return Err(unexpected(0xfb).into()),
            // "This optional first 0x01 byte must always be skipped by the client."
            (State::Exchange(exchange), [0x01, data @ ..] | data @ [_, ..]) => {
                exchange.more_data(payload, data, channel, out)?
            }
            (State::Exchange(_), []) => return Err(InvalidPacket::Empty { packet: PHASE }.into()),
        };
        let state = State::Exchange(exchange);
        Ok(HandshakeStep::Continue(Self { login, state }))
    }
}

fn server_error(payload: &[u8]) -> AuthError {
    match ErrPacket::decode(payload, Capabilities::empty()) {
        Ok(packet) => packet.into(),
        Err(error) => error.into(),
    }
}

/// The error for a packet that has no place in the exchange.
const fn unexpected(found: u8) -> InvalidPacket {
    InvalidPacket::Unexpected {
        packet: PHASE,
        found,
    }
}

/// What errors call the packets between the handshake response and the OK packet.
const PHASE: &str = "Authentication exchange";

#[cfg(test)]
mod tests;
