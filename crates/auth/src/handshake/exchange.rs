use std::borrow::Cow;

use otaria_codec::{Capabilities, OkPacket, PacketEncoder, PayloadWriter};
use zeroize::Zeroizing;

use super::negotiation::negotiate;
use super::{ServerInfo, unexpected};
use crate::handshake_response::MAX_INT1_BYTES;
use crate::plugin::NATIVE_PASSWORD;
use crate::{
    AuthError, AuthPlugin, AuthPluginFactory, AuthStep, AuthSwitchRequest, Channel,
    HandshakeResponse, InitialHandshake, LoginConfig, ServerVersion, SslRequest,
};

/// The part of the connection phase from the handshake response to the OK packet.
#[derive(Debug)]
pub(super) struct Exchange {
    version: ServerVersion,
    thread_id: u32,
    capabilities: Capabilities,
    /// The plugin that answers; `None` until the server asks for one.
    plugin: Option<Box<dyn AuthPlugin>>,
    switches: usize,
    plugin_packets: usize,
}

impl Exchange {
    /// Answers the greeting with a handshake response.
    pub(super) fn begin(
        login: &LoginConfig,
        greeting: &InitialHandshake<'_>,
        channel: Channel,
        out: &mut PacketEncoder,
    ) -> Result<Self, AuthError> {
        let capabilities = negotiate(login, greeting.capabilities)?;
        let first = FirstResponse::new(login, greeting, channel)?;
        first.check(capabilities)?;
        let response = HandshakeResponse {
            header: SslRequest {
                capabilities,
                max_packet_bytes: MAX_PACKET_BYTES,
                collation: login.collation,
            },
            user: &login.user,
            auth_response: Cow::Borrowed(&first.response),
            database: login.database.as_deref().unwrap_or_default(),
            auth_plugin: first.plugin_name,
            attributes: Cow::Borrowed(&login.attributes),
        };
        out.packet(&response, capabilities);
        Ok(Self {
            version: greeting.version(),
            thread_id: greeting.thread_id,
            capabilities,
            plugin: first.plugin,
            switches: 0,
            plugin_packets: 0,
        })
    }

    /// What the client and the server have in common.
    pub(super) const fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    /// Begins anew with the plugin that the server asks for.
    pub(super) fn switch(
        mut self,
        login: &LoginConfig,
        request: &AuthSwitchRequest<'_>,
        channel: Channel,
        out: &mut PacketEncoder,
    ) -> Result<Self, AuthError> {
        self.switches += 1;
        if self.switches > login.max_auth_switches {
            return Err(AuthError::TooManySwitches {
                limit: login.max_auth_switches,
            });
        }
        let plugin = || request.auth_plugin.to_owned();
        let factory = login
            .plugins
            .find(request.auth_plugin)
            .ok_or_else(|| AuthError::UnknownPlugin { plugin: plugin() })?;
        if !may_run(factory, channel) {
            return Err(AuthError::UnprovenChannel { plugin: plugin() });
        }
        let mut plugin = factory.start(&login.password);
        respond(plugin.as_mut(), request.plugin_data, channel, out)?;
        self.plugin = Some(plugin);
        Ok(self)
    }

    /// Goes on with the plugin: `data` is the payload without the byte that may stand before it.
    pub(super) fn more_data(
        mut self,
        payload: &[u8],
        data: &[u8],
        channel: Channel,
        out: &mut PacketEncoder,
    ) -> Result<Self, AuthError> {
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
        respond(plugin, data, channel, out)?;
        Ok(self)
    }

    /// What `packet`, which ends the exchange, and the greeting have told.
    pub(super) fn connected(self, packet: &OkPacket<'_>) -> ServerInfo {
        ServerInfo {
            version: self.version,
            thread_id: self.thread_id,
            capabilities: self.capabilities,
            status: packet.status,
            session_state: packet.session_state.to_vec(),
            info: packet.info.to_vec(),
        }
    }
}

/// What the handshake response says to the scramble of the greeting. A guess: the server has not
/// looked up the account, and asks for a switch where the account has another plugin.
struct FirstResponse<'a> {
    plugin: Option<Box<dyn AuthPlugin>>,
    plugin_name: &'a str,
    response: Zeroizing<Vec<u8>>,
}

impl<'a> FirstResponse<'a> {
    /// The response of the plugin that the greeting names. Where that may not run here, or cannot
    /// use the greeting's scramble, it is that of `mysql_native_password`, and where that may not
    /// run either, an empty one.
    fn new(
        login: &'a LoginConfig,
        greeting: &InitialHandshake<'_>,
        channel: Channel,
    ) -> Result<Self, AuthError> {
        for name in [greeting.default_auth_plugin, NATIVE_PASSWORD] {
            let factory = login.plugins.find(name);
            let Some(factory) = factory.filter(|factory| may_run(*factory, channel)) else {
                continue;
            };
            let mut plugin = factory.start(&login.password);
            let mut response = Zeroizing::new(Vec::new());
            let mut out = PayloadWriter::new(&mut response);
            match plugin.respond(&greeting.scramble, channel, &mut out) {
                Ok(AuthStep::Respond) => {}
                Ok(AuthStep::Wait) => response.clear(),
                Err(AuthError::ScrambleTooShort { .. }) => continue,
                Err(error) => return Err(error),
            }
            return Ok(Self {
                plugin: Some(plugin),
                plugin_name: factory.name(),
                response,
            });
        }
        Ok(Self {
            plugin: None,
            plugin_name: NATIVE_PASSWORD,
            response: Zeroizing::default(),
        })
    }

    fn check(&self, capabilities: Capabilities) -> Result<(), AuthError> {
        let any_length = capabilities.contains(Capabilities::PLUGIN_AUTH_LENENC_CLIENT_DATA);
        if !any_length && self.response.len() > MAX_INT1_BYTES {
            return Err(AuthError::ResponseTooLong {
                plugin: self.plugin_name.to_owned(),
                limit: MAX_INT1_BYTES,
            });
        }
        Ok(())
    }
}

fn may_run(factory: &dyn AuthPluginFactory, channel: Channel) -> bool {
    channel.is_proven() || !factory.needs_proven_channel()
}

/// Writes the packet by which `plugin` answers `data`, if it does.
fn respond(
    plugin: &mut dyn AuthPlugin,
    data: &[u8],
    channel: Channel,
    out: &mut PacketEncoder,
) -> Result<(), AuthError> {
    let mut response = Zeroizing::new(Vec::new());
    let mut writer = PayloadWriter::new(&mut response);
    match plugin.respond(data, channel, &mut writer)? {
        AuthStep::Respond => out.payload(|out| out.bytes(&response)),
        AuthStep::Wait => {}
    }
    Ok(())
}

/// What the handshake response tells the server about the longest payload: the greatest value of
/// `max_allowed_packet`. Servers only note it.
const MAX_PACKET_BYTES: u32 = 1024 * 1024 * 1024;

/// How many packets of plugin data a login may take. A conversation asks a person a few questions;
/// a server that goes on for ever must not.
const MAX_PLUGIN_PACKETS: usize = 64;
