//! The connection phase of the MariaDB client/server protocol: from the server's greeting to the
//! OK packet that ends the login.
//!
//! [`Handshake`] is the client's side as a state machine: payloads in, packets out. It does no
//! I/O, reads no clock and draws no random numbers. The *authentication plugins* it runs are
//! those of a [`PluginRegistry`], which takes a user's own ([`AuthPluginFactory`]) as well.

mod attributes;
mod auth_switch;
mod change_user;
mod error;
mod handshake;
mod handshake_response;
mod initial_handshake;
mod login;
mod password;
mod plugin;
mod server_version;
#[cfg(test)]
mod testing;

pub use attributes::MAX_ATTRIBUTES_BYTES;
pub use auth_switch::{AuthMoreData, AuthSwitchRequest};
pub use change_user::ComChangeUser;
pub use error::AuthError;
pub use handshake::{
    Handshake, HandshakeStep, ServerInfo, ServerProof, ServerProofOutcome, Unproven,
};
pub use handshake_response::{HandshakeResponse, SslRequest};
pub use initial_handshake::{InitialHandshake, SCRAMBLE_BYTES};
pub use login::{LoginConfig, TlsRequest};
pub use password::Password;
pub use plugin::{
    AuthPlugin, AuthPluginFactory, AuthStep, CachingSha2Password, Channel, ClearPassword,
    DerivedKey, Dialog, Ed25519, KeyDerivation, NativePassword, Parsec, PluginRegistry, Prompt,
    Sha256Password,
};
pub use server_version::ServerVersion;
