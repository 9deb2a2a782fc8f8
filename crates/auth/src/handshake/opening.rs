use std::fmt::{self, Debug, Formatter};

use otaria_codec::Capabilities;
use sha2::{Digest, Sha256};

use super::negotiation::negotiate;
use super::{ServerInfo, ServerProofOutcome};
use crate::plugin::NATIVE_PASSWORD;
use crate::{
    AuthError, InitialHandshake, LoginConfig, SCRAMBLE_BYTES, ServerVersion, SslRequest, TlsRequest,
};

/// What is known of the server when an exchange begins.
#[derive(Debug)]
pub(super) struct Opening {
    pub(super) version: ServerVersion,
    pub(super) thread_id: u32,
    /// That of the greeting.
    pub(super) scramble: [u8; SCRAMBLE_BYTES],
    /// What the client and the server have in common.
    pub(super) capabilities: Capabilities,
    /// The plugin that the scramble was made for.
    pub(super) auth_plugin: String,
    /// What an earlier exchange of the connection has proven.
    pub(super) server_proof: ServerProofOutcome,
    pub(super) nonces: Nonces,
}

impl Opening {
    /// Reads `greeting`, and decides about TLS: `SSL` is among the capabilities if it begins.
    pub(super) fn new(
        login: &LoginConfig,
        greeting: &InitialHandshake<'_>,
        nonces: Nonces,
    ) -> Result<Self, AuthError> {
        let offered = greeting.capabilities.contains(Capabilities::SSL);
        let ssl = match login.tls {
            TlsRequest::Never => Capabilities::empty(),
            TlsRequest::Required if !offered => return Err(AuthError::TlsNotOffered),
            TlsRequest::IfOffered | TlsRequest::Required => Capabilities::SSL,
        };
        Ok(Self {
            version: greeting.version(),
            thread_id: greeting.thread_id,
            scramble: greeting.scramble,
            capabilities: negotiate(login, greeting.capabilities, ssl)?,
            auth_plugin: greeting.default_auth_plugin.to_owned(),
            server_proof: ServerProofOutcome::NotAsked,
            nonces,
        })
    }

    /// What a login has told already.
    pub(super) fn of_connected(server: &ServerInfo, nonces: Nonces) -> Self {
        Self {
            version: server.version.clone(),
            thread_id: server.thread_id,
            scramble: server.scramble,
            capabilities: server.capabilities,
            auth_plugin: NATIVE_PASSWORD.to_owned(),
            server_proof: server.server_proof,
            nonces,
        }
    }

    /// Whether TLS begins before the handshake response.
    pub(super) const fn begins_tls(&self) -> bool {
        self.capabilities.contains(Capabilities::SSL)
    }

    /// The `SSLRequest`, which is the beginning of the handshake response as well: "the client
    /// sends the handshake response packet again", so they must not differ.
    pub(super) const fn ssl_request(&self, login: &LoginConfig) -> SslRequest {
        SslRequest {
            capabilities: self.capabilities,
            max_packet_bytes: MAX_PACKET_BYTES,
            collation: login.collation,
        }
    }
}

/// The random bytes that plugins answer with: of one source, and not the same ones twice.
pub(super) struct Nonces {
    entropy: [u8; 32],
    taken: u64,
}

impl Nonces {
    pub(super) const fn new(entropy: [u8; 32]) -> Self {
        Self { entropy, taken: 0 }
    }

    /// Bytes for one plugin.
    pub(super) fn take(&mut self) -> [u8; 32] {
        self.taken += 1;
        Sha256::new()
            .chain_update(self.entropy)
            .chain_update(self.taken.to_le_bytes())
            .finalize()
            .into()
    }
}

impl Debug for Nonces {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Nonces")
            .field("taken", &self.taken)
            .finish_non_exhaustive()
    }
}

/// What the handshake response tells the server about the longest payload: the greatest value of
/// `max_allowed_packet`. Servers only note it.
const MAX_PACKET_BYTES: u32 = 1024 * 1024 * 1024;
