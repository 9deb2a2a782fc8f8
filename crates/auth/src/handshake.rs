mod exchange;
mod first_response;
mod negotiation;
mod opening;
mod server_info;
mod server_proof;

use otaria_codec::{Capabilities, Decode, ErrPacket, InvalidPacket, OkPacket, PacketEncoder};

use crate::plugin::SERVER_IS_DUE;
use crate::{
    AuthError, AuthStep, AuthSwitchRequest, Channel, DerivedKey, InitialHandshake, KeyDerivation,
    LoginConfig, Password, Prompt,
};
use exchange::Exchange;
use opening::{Nonces, Opening};

pub use server_info::ServerInfo;
pub use server_proof::{ServerProof, ServerProofOutcome, Unproven};

/// The [connection phase](https://mariadb.com/docs/server/reference/clientserver-protocol/1-connecting/connection)
/// of the client, as a state machine that consumes itself: a step cannot be taken twice, and
/// after an error there is no step to take.
///
/// ```text
/// Greeting ─┬─────────────────────────┐
///           └─► Tls, tls_established ─┤     ┌─ switch, more data ─┐
/// change_user ────────────────────────┴► Exchange ◄───────────────┤
///                                        │ │ │ └─► Answer, answer ┤
///                          Connected ◄─ OK │ └───► Key, derived ──┘
///                                 error ◄─ ERR
/// ```
#[derive(Debug)]
pub struct Handshake {
    login: LoginConfig,
    state: State,
}

/// What follows when a step of the login has been taken.
#[derive(Debug)]
#[non_exhaustive]
pub enum HandshakeStep {
    /// What was written is sent, and the server's next packet goes to this handshake.
    Continue(Handshake),
    /// What was written, an `SSLRequest`, is sent, then TLS begins, and when it stands the login
    /// goes on by [`tls_established`](Handshake::tls_established). Nothing may have come from the
    /// server after its greeting: bytes in clear that are there already are an attack.
    StartTls(Handshake),
    /// A person is asked, and the login goes on by [`answer`](Handshake::answer).
    Prompt(Handshake, Prompt),
    /// A key is derived, which may take long, and the login goes on by
    /// [`derived`](Handshake::derived).
    Derive(Handshake, KeyDerivation),
    /// The login has succeeded.
    Connected(ServerInfo),
}

#[derive(Debug)]
enum State {
    /// Nothing has come from the server.
    Greeting(Nonces),
    /// The `SSLRequest` was sent.
    Tls(Opening),
    /// The handshake response or `COM_CHANGE_USER` was sent.
    Exchange(Exchange),
    /// A person is being asked.
    Answer(Exchange),
    /// A key is being derived.
    Key(Exchange),
}

impl Handshake {
    /// A handshake that waits for the server's greeting.
    ///
    /// `entropy` is the source of the random bytes that plugins answer with, and must not be used
    /// twice.
    pub const fn new(login: LoginConfig, entropy: [u8; 32]) -> Self {
        Self {
            login,
            state: State::Greeting(Nonces::new(entropy)),
        }
    }

    /// Begins a new login on an open connection: writes
    /// [`COM_CHANGE_USER`](crate::ComChangeUser), with which `out` begins at sequence number 0.
    /// What the server answers goes to [`handle`](Self::handle).
    ///
    /// The capabilities and the proof of who the server is stay what they are; `login` changes
    /// neither, nor does it begin TLS. Attributes are sent if the connection has begun with some.
    /// While the server refuses by [`AuthError::Server`], the connection and its user stay as they
    /// are; after any other error the connection cannot be used.
    ///
    /// # Errors
    /// [`AuthError`], and nothing was written: the connection stays as it is.
    pub fn change_user(
        login: LoginConfig,
        server: &ServerInfo,
        entropy: [u8; 32],
        channel: Channel,
        out: &mut PacketEncoder,
    ) -> Result<Self, AuthError> {
        login.check()?;
        let opening = Opening::of_connected(server, Nonces::new(entropy));
        let exchange = Exchange::change_user(&login, opening, channel, out)?;
        let state = State::Exchange(exchange);
        Ok(Self { login, state })
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
        let mut exchange = match state {
            State::Greeting(nonces) => return greeted(login, nonces, payload, channel, out),
            State::Exchange(exchange) => exchange,
            State::Tls(_) | State::Answer(_) | State::Key(_) => return Err(state.out_of_turn()),
        };
        let step = match payload {
            [0xff, ..] => return Err(exchange.refused(payload)),
            [0x00, ..] => {
                let packet = OkPacket::decode(payload, exchange.capabilities())?;
                return exchange.connected(&packet).map(HandshakeStep::Connected);
            }
            [0xfe] => return Err(AuthError::OldPassword),
            [0xfe, ..] => {
                let request = AuthSwitchRequest::decode(payload, exchange.capabilities())?;
                exchange.switch(&login, &request, channel, out)?
            }
            // Here 0xfb is no plugin's data but a hostile server's request for a file.
            [0xfb, ..] => return Err(unexpected(0xfb).into()),
            // "This optional first 0x01 byte must always be skipped by the client."
            [0x01, data @ ..] | data @ [_, ..] => {
                exchange.more_data(payload, data, channel, out)?
            }
            [] => return Err(InvalidPacket::Empty { packet: PHASE }.into()),
        };
        Ok(next(login, exchange, step))
    }

    /// Goes on after [`HandshakeStep::StartTls`]: writes the handshake response, which is the first
    /// packet inside TLS. Its sequence number is the one after that of the `SSLRequest`.
    ///
    /// `proof` is what the server has to prove beyond what its certificate has.
    ///
    /// # Errors
    /// [`AuthError`]: the login has failed, and nothing was written.
    pub fn tls_established(
        self,
        channel: Channel,
        proof: ServerProof,
        out: &mut PacketEncoder,
    ) -> Result<HandshakeStep, AuthError> {
        let Self { login, state } = self;
        match (state, channel) {
            (State::Tls(opening), Channel::Tls { .. }) => {
                let exchange = Exchange::begin(&login, opening, proof, channel, out)?;
                Ok(next(login, exchange, AuthStep::Respond))
            }
            (state, _) => Err(state.out_of_turn()),
        }
    }

    /// Goes on after [`HandshakeStep::Prompt`] with what the person has said. The sequence number
    /// of `out` must be the one after that of the server's last packet.
    ///
    /// # Errors
    /// [`AuthError`]: the login has failed, and nothing was written.
    pub fn answer(
        self,
        answer: &Password,
        channel: Channel,
        out: &mut PacketEncoder,
    ) -> Result<HandshakeStep, AuthError> {
        let Self { login, state } = self;
        let State::Answer(mut exchange) = state else {
            return Err(state.out_of_turn());
        };
        let step = exchange.answer(answer, channel, out)?;
        Ok(next(login, exchange, step))
    }

    /// Goes on after [`HandshakeStep::Derive`]. The sequence number of `out` must be the one after
    /// that of the server's last packet.
    ///
    /// # Errors
    /// [`AuthError`]: the login has failed, and nothing was written.
    pub fn derived(
        self,
        key: DerivedKey,
        channel: Channel,
        out: &mut PacketEncoder,
    ) -> Result<HandshakeStep, AuthError> {
        let Self { login, state } = self;
        let State::Key(mut exchange) = state else {
            return Err(state.out_of_turn());
        };
        let step = exchange.derived(key, channel, out)?;
        Ok(next(login, exchange, step))
    }
}

impl State {
    /// The error for a step that is not the one that is due.
    const fn out_of_turn(&self) -> AuthError {
        AuthError::OutOfTurn {
            awaited: match self {
                Self::Greeting(_) | Self::Exchange(_) => return SERVER_IS_DUE,
                Self::Tls(_) => "TLS",
                Self::Answer(_) => "the answer to a question",
                Self::Key(_) => "a derived key",
            },
        }
    }
}

/// Answers the first payload of the server.
fn greeted(
    login: LoginConfig,
    nonces: Nonces,
    payload: &[u8],
    channel: Channel,
    out: &mut PacketEncoder,
) -> Result<HandshakeStep, AuthError> {
    if payload.first() == Some(&0xff) {
        return match ErrPacket::decode(payload, Capabilities::empty()) {
            Ok(packet) => Err(packet.into()),
            Err(error) => Err(error.into()),
        };
    }
    login.check()?;
    let greeting = InitialHandshake::decode(payload, Capabilities::empty())?;
    let opening = Opening::new(&login, &greeting, nonces)?;
    if opening.begins_tls() {
        out.packet(&opening.ssl_request(&login), opening.capabilities);
        let state = State::Tls(opening);
        return Ok(HandshakeStep::StartTls(Handshake { login, state }));
    }
    let exchange = Exchange::begin(&login, opening, ServerProof::NotNeeded, channel, out)?;
    Ok(next(login, exchange, AuthStep::Respond))
}

/// What follows when a plugin has taken `step`.
fn next(login: LoginConfig, exchange: Exchange, step: AuthStep) -> HandshakeStep {
    let handshake = |state| Handshake { login, state };
    match step {
        AuthStep::Respond | AuthStep::Wait => {
            HandshakeStep::Continue(handshake(State::Exchange(exchange)))
        }
        AuthStep::Prompt(prompt) => {
            HandshakeStep::Prompt(handshake(State::Answer(exchange)), prompt)
        }
        AuthStep::Derive(key) => HandshakeStep::Derive(handshake(State::Key(exchange)), key),
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
