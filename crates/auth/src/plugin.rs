mod caching_sha2_password;
mod clear_password;
mod dialog;
mod ed25519;
mod full_authentication;
mod key_derivation;
mod native_password;
mod parsec;
mod prompt;
#[cfg(feature = "rsa")]
mod public_key;
mod registry;
mod sha256_password;

use std::fmt::Debug;

use otaria_codec::PayloadWriter;

use crate::{AuthError, Password};

pub use caching_sha2_password::CachingSha2Password;
pub use clear_password::ClearPassword;
pub use dialog::Dialog;
pub use ed25519::Ed25519;
pub use key_derivation::{DerivedKey, KeyDerivation};
pub(crate) use native_password::NAME as NATIVE_PASSWORD;
pub use native_password::NativePassword;
pub use parsec::Parsec;
pub use prompt::Prompt;
pub use registry::PluginRegistry;
pub use sha256_password::Sha256Password;

/// A method of [authentication](https://mariadb.com/docs/server/reference/clientserver-protocol/1-connecting/connection#plugin-list)
/// that accounts can have.
pub trait AuthPluginFactory: Send + Sync + Debug {
    /// The name by which servers ask for the plugin, such as `client_ed25519`.
    fn name(&self) -> &str;

    /// Whether the plugin reveals the password to the peer, so that it must be known for sure
    /// who that is.
    fn needs_proven_channel(&self) -> bool;

    /// Whether a server can prove by the plugin that it knows the password:
    /// [`AuthPlugin::server_proof_hash`] gives one in the end if there is a password.
    fn can_prove_server(&self) -> bool {
        false
    }

    /// A plugin at the start of its dialogue. `nonce` is random bytes for it alone.
    fn start(&self, password: &Password, nonce: &[u8; 32]) -> Box<dyn AuthPlugin>;
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

    /// Goes on after [`AuthStep::Prompt`] with what the person has said.
    ///
    /// # Errors
    /// [`AuthError`], which ends the login; from a plugin that asks nobody,
    /// [`AuthError::OutOfTurn`].
    fn answer(
        &mut self,
        _answer: &Password,
        _channel: Channel,
        _out: &mut PayloadWriter<'_>,
    ) -> Result<AuthStep, AuthError> {
        Err(SERVER_IS_DUE)
    }

    /// Goes on after [`AuthStep::Derive`] with the key.
    ///
    /// # Errors
    /// [`AuthError`], which ends the login; from a plugin that derives none,
    /// [`AuthError::OutOfTurn`].
    fn derived(
        &mut self,
        _key: DerivedKey,
        _channel: Channel,
        _out: &mut PayloadWriter<'_>,
    ) -> Result<AuthStep, AuthError> {
        Err(SERVER_IS_DUE)
    }

    /// The hash of the password that the server has stored, by which a server can prove that it
    /// knows it; `None` for plugins and passwords that prove nothing.
    fn server_proof_hash(&self) -> Option<&[u8]>;
}

/// What follows when a plugin has seen data of the server.
#[derive(Debug)]
#[non_exhaustive]
pub enum AuthStep {
    /// What the plugin has written is sent, be it nothing at all.
    Respond,
    /// Nothing is sent; the server speaks next.
    Wait,
    /// A person is asked, and the plugin goes on by [`AuthPlugin::answer`]. Nothing is sent yet.
    Prompt(Prompt),
    /// A key is derived, and the plugin goes on by [`AuthPlugin::derived`]. Nothing is sent yet.
    Derive(KeyDerivation),
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

/// The error for what no plugin has asked for.
pub(crate) const SERVER_IS_DUE: AuthError = AuthError::OutOfTurn {
    awaited: "a packet of the server",
};

/// The error for data that comes after a plugin's last word.
fn unexpected_data(plugin: &str) -> AuthError {
    AuthError::UnexpectedPluginData {
        plugin: plugin.to_owned(),
    }
}

/// Writes what a person knows and a NUL, for a server to which the NUL is its end.
fn write_clear(
    field: &'static str,
    secret: &Password,
    out: &mut PayloadWriter<'_>,
) -> Result<(), AuthError> {
    if secret.as_bytes().contains(&0) {
        return Err(AuthError::NulCharacter { field });
    }
    out.bytes_nul(secret.as_bytes());
    Ok(())
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
