//! A MariaDB connection on tokio: a thin shell that moves bytes between a socket and an
//! [`otaria_session::Session`]. It spawns no task; the task that uses a connection drives it.

mod connect;
mod connection;
mod dial;
mod io;
mod rows;
mod transport;

pub use connection::{Connection, Warning};
pub use otaria_codec::{
    Capabilities, ColumnDefinition, FieldFlags, FieldType, InvalidPacket, ServerStatus,
};
#[cfg(feature = "compression")]
pub use otaria_session::Compression;
pub use otaria_session::{
    AuthError, AuthPlugin, AuthPluginFactory, AuthStep, CallbackError, CallbackFuture, Channel,
    CloseReason, ColumnError, ColumnIndex, Config, ConfigBuilder, ConfigError, Credentials,
    CredentialsProvider, Endpoint, EndpointError, EndpointErrors, Error, Executed, Fingerprint,
    OwnedRow, Password, Pem, PluginRegistry, Progress, Prompt, PromptHandler, Row, ServerError,
    ServerVersion, SessionState, SslMode, TimeoutPhase,
};
pub use rows::Rows;
pub use transport::Stream;
