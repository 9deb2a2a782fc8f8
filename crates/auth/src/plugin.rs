mod ed25519;
mod native_password;
mod registry;

use std::fmt::Debug;

use otaria_codec::PayloadWriter;

use crate::{AuthError, Password};

pub use ed25519::Ed25519;
pub(crate) use native_password::NAME as NATIVE_PASSWORD;
pub use native_password::NativePassword;
pub use registry::PluginRegistry;

/// A method of [authentication](https://mariadb.com/docs/server/reference/clientserver-protocol/1-connecting/connection#plugin-list)
/// that accounts can have.
pub trait AuthPluginFactory: Send + Sync + Debug {
    /// The name by which servers ask for the plugin, such as `client_ed25519`.
    fn name(&self) -> &str;

    /// Whether the plugin reveals the password to the peer, so that it must be known for sure
    /// who that is.
    fn needs_proven_channel(&self) -> bool;

    /// A plugin at the start of its dialogue.
    fn start(&self, password: &Password) -> Box<dyn AuthPlugin>;
}

/// One dialogue of an authentication plugin with the server. Its `Debug` must show no secret.
pub trait AuthPlugin: Send + Sync + Debug {
    /// Answers `data`, which for most plugins begins with a scramble: that of the greeting, of the
    /// request to switch, or, without the byte `0x01` that may stand before it, of the packet
    /// that followed.
    ///
    /// # Errors
    /// [`AuthError`], which ends the login.
    fn respond(
        &mut self,
        data: &[u8],
        channel: Channel,
        out: &mut PayloadWriter<'_>,
    ) -> Result<AuthStep, AuthError>;

    /// The hash of the password that the server has stored, by which a server can prove that it
    /// knows it; `None` for plugins and passwords that prove nothing.
    fn server_proof_hash(&self) -> Option<&[u8]>;
}

/// What follows when a plugin has seen data of the server.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum AuthStep {
    /// What the plugin has written is sent, be it nothing at all.
    Respond,
    /// Nothing is sent; the server speaks next.
    Wait,
}

/// What the connection runs over.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Channel {
    /// TCP that anybody on the way can read.
    Plain,
    /// A Unix socket, which ends in the same machine.
    UnixSocket,
    /// TLS.
    Tls {
        /// Whether a certificate has proven who the server is. One that proves it only after
        /// authentication has not.
        proven: bool,
    },
}

impl Channel {
    /// Whether a secret sent here can reach nobody but the server.
    pub const fn is_proven(self) -> bool {
        match self {
            Self::Plain => false,
            Self::UnixSocket => true,
            Self::Tls { proven } => proven,
        }
    }
}

/// The first `N` bytes of `data`. A NUL may follow a scramble, and is one inside it.
fn scramble<const N: usize>(plugin: &str, data: &[u8]) -> Result<[u8; N], AuthError> {
    let scramble = data.first_chunk::<N>().copied();
    scramble.ok_or_else(|| AuthError::ScrambleTooShort {
        plugin: plugin.to_owned(),
        expected: N,
        found: data.len(),
    })
}
