use std::borrow::Cow;

use otaria_codec::{Capabilities, Decode, ErrPacket, OkPacket, PacketEncoder, PayloadWriter};
use zeroize::Zeroizing;

use super::first_response::{FirstResponse, may_run};
use super::opening::Opening;
use super::server_proof::{self, ServerProof};
use super::{ServerInfo, ServerProofOutcome, unexpected};
use crate::handshake_response::MAX_INT1_BYTES;
use crate::plugin::SERVER_IS_DUE;
use crate::{
    AuthError, AuthPlugin, AuthStep, AuthSwitchRequest, Channel, ComChangeUser, DerivedKey,
    HandshakeResponse, LoginConfig, Password,
};

/// The part of the connection phase from the handshake response, or from `COM_CHANGE_USER`, to
/// the OK packet.
#[derive(Debug)]
pub(super) struct Exchange {
    opening: Opening,
    proof: ServerProof,
    /// The plugin that answers; `None` until the server asks for one.
    plugin: Option<Box<dyn AuthPlugin>>,
    switches: usize,
    plugin_packets: usize,
}

impl Exchange {
    /// Answers the greeting with a handshake response.
    pub(super) fn begin(
        login: &LoginConfig,
        mut opening: Opening,
        proof: ServerProof,
        channel: Channel,
        out: &mut PacketEncoder,
    ) -> Result<Self, AuthError> {
        if proof.is_required() && login.password.is_empty() {
            return Err(AuthError::NoPasswordToProveBy);
        }
        let first = FirstResponse::new(login, &mut opening, proof, channel);
        let capabilities = opening.capabilities;
        if !capabilities.contains(Capabilities::PLUGIN_AUTH_LENENC_CLIENT_DATA) {
            first.check_length(MAX_INT1_BYTES)?;
        }
        let response = HandshakeResponse {
            header: opening.ssl_request(login),
            user: &login.user,
            auth_response: Cow::Borrowed(&first.response),
            database: login.database.as_deref().unwrap_or_default(),
            auth_plugin: first.plugin_name,
            attributes: Cow::Borrowed(&login.attributes),
            zstd_level: login.zstd_level,
        };
        out.packet(&response, capabilities);
        Ok(Self::new(opening, proof, first.plugin))
    }

    /// Begins anew on an open connection.
    pub(super) fn change_user(
        login: &LoginConfig,
        mut opening: Opening,
        channel: Channel,
        out: &mut PacketEncoder,
    ) -> Result<Self, AuthError> {
        let first = FirstResponse::new(login, &mut opening, ServerProof::NotNeeded, channel);
        first.check_length(MAX_INT1_BYTES)?;
        let command = ComChangeUser {
            user: &login.user,
            auth_response: &first.response,
            database: login.database.as_deref().unwrap_or_default(),
            collation: login.collation.into(),
            auth_plugin: first.plugin_name,
            attributes: Cow::Borrowed(&login.attributes),
        };
        out.set_sequence_number(0);
        out.packet(&command, opening.capabilities);
        Ok(Self::new(opening, ServerProof::NotNeeded, first.plugin))
    }

    const fn new(
        opening: Opening,
        proof: ServerProof,
        plugin: Option<Box<dyn AuthPlugin>>,
    ) -> Self {
        Self {
            opening,
            proof,
            plugin,
            switches: 0,
            plugin_packets: 0,
        }
    }

    /// What the client and the server have in common.
    pub(super) const fn capabilities(&self) -> Capabilities {
        self.opening.capabilities
    }

    /// The error for an ERR packet. From a server that has to prove itself and has not, its words
    /// are those of anybody.
    pub(super) fn refused(&self, payload: &[u8]) -> AuthError {
        match ErrPacket::decode(payload, Capabilities::empty()) {
            Ok(packet) if self.proof.is_required() => AuthError::UnprovenServer {
                code: packet.code,
                sqlstate: packet.sqlstate,
                message: packet.message_lossy().into_owned(),
            },
            Ok(packet) => packet.into(),
            Err(error) => error.into(),
        }
    }

    /// Begins anew with the plugin that the server asks for.
    pub(super) fn switch(
        &mut self,
        login: &LoginConfig,
        request: &AuthSwitchRequest<'_>,
        channel: Channel,
        out: &mut PacketEncoder,
    ) -> Result<AuthStep, AuthError> {
        self.switches += 1;
        if self.switches > login.max_auth_switches {
            return Err(AuthError::TooManySwitches {
                limit: login.max_auth_switches,
            });
        }
        let factory = login.plugins.find(request.auth_plugin);
        let factory = factory.ok_or_else(|| AuthError::UnknownPlugin {
            plugin: request.auth_plugin.to_owned(),
        })?;
        may_run(factory, self.proof, channel)?;
        let nonce = self.opening.nonces.take();
        let plugin = factory.start(&login.password, &nonce);
        let plugin = self.plugin.insert(plugin);
        respond(out, |out| plugin.respond(request.plugin_data, channel, out))
    }

    /// Goes on with the plugin: `data` is the payload without the byte that may stand before it.
    pub(super) fn more_data(
        &mut self,
        payload: &[u8],
        data: &[u8],
        channel: Channel,
        out: &mut PacketEncoder,
    ) -> Result<AuthStep, AuthError> {
        let Some(plugin) = self.plugin.as_deref_mut() else {
            let found = payload.first().copied().unwrap_or_default();
            return Err(unexpected(found).into());
        };
        self.plugin_packets += 1;
        if self.plugin_packets > MAX_PLUGIN_PACKETS {
            return Err(AuthError::TooMuchPluginData {
                limit: MAX_PLUGIN_PACKETS,
            });
        }
        respond(out, |out| plugin.respond(data, channel, out))
    }

    /// Goes on with what the plugin has asked a person for.
    pub(super) fn answer(
        &mut self,
        answer: &Password,
        channel: Channel,
        out: &mut PacketEncoder,
    ) -> Result<AuthStep, AuthError> {
        let plugin = self.plugin.as_deref_mut().ok_or(SERVER_IS_DUE)?;
        respond(out, |out| plugin.answer(answer, channel, out))
    }

    /// Goes on with the key that the plugin has asked for.
    pub(super) fn derived(
        &mut self,
        key: DerivedKey,
        channel: Channel,
        out: &mut PacketEncoder,
    ) -> Result<AuthStep, AuthError> {
        let plugin = self.plugin.as_deref_mut().ok_or(SERVER_IS_DUE)?;
        respond(out, |out| plugin.derived(key, channel, out))
    }

    /// What `packet`, which ends the exchange, and the greeting have told.
    pub(super) fn connected(self, packet: &OkPacket<'_>) -> Result<ServerInfo, AuthError> {
        let server_proof = self.judge(packet.info);
        if let ServerProofOutcome::Unproven(reason) = server_proof
            && self.proof.is_required()
        {
            return Err(AuthError::ServerNotProven(reason));
        }
        Ok(ServerInfo {
            version: self.opening.version,
            thread_id: self.opening.thread_id,
            scramble: self.opening.scramble,
            capabilities: self.opening.capabilities,
            server_proof,
            status: packet.status,
            session_state: packet.session_state.to_vec(),
            info: packet.info.to_vec(),
        })
    }

    fn judge(&self, info: &[u8]) -> ServerProofOutcome {
        let Some(certificate_sha256) = self.proof.certificate_sha256() else {
            return self.opening.server_proof;
        };
        let plugin = self.plugin.as_deref();
        let stored_hash = plugin.and_then(AuthPlugin::server_proof_hash);
        server_proof::judge(
            info,
            stored_hash,
            &self.opening.scramble,
            &certificate_sha256,
        )
    }
}

/// Writes the packet by which a plugin responds, if it does.
fn respond(
    out: &mut PacketEncoder,
    plugin: impl FnOnce(&mut PayloadWriter<'_>) -> Result<AuthStep, AuthError>,
) -> Result<AuthStep, AuthError> {
    let mut response = Zeroizing::new(Vec::new());
    let step = plugin(&mut PayloadWriter::new(&mut response))?;
    if matches!(step, AuthStep::Respond) {
        out.payload(|out| out.bytes(&response));
    }
    Ok(step)
}

/// How many packets of plugin data a login may take. A conversation asks a person a few questions;
/// a server that goes on for ever must not.
const MAX_PLUGIN_PACKETS: usize = 64;
