//! One MariaDB connection without its socket: from the login to the last row, as a state machine.
//!
//! [`Session`] takes bytes in and gives events out. It knows no socket, and, but for what TLS needs,
//! no clock and no randomness, so every shell can drive it: `otaria-connection` does from tokio.
//! [`Config`] says how to connect.

mod batch_error;
mod commands;
#[cfg(feature = "compression")]
mod compression;
mod config;
mod config_error;
mod endpoint_error;
mod environment;
mod error;
mod event;
mod executable;
mod literals;
mod login;
mod multi_row;
mod option_file;
mod placed;
mod placed_error;
mod process_list;
mod receiver;
mod redirect;
mod rows;
mod session;
mod statements;
#[cfg(feature = "tls")]
mod tls;
mod tls_info;
mod tracking;
mod transaction_options;
mod url;

pub use batch_error::{BatchError, BatchWay};
#[cfg(feature = "compression")]
pub use compression::{Compression, CompressionAlgorithm};
pub use config::{
    CallbackError, CallbackFuture, CancelPolicy, Config, ConfigBuilder, Credentials,
    CredentialsProvider, Endpoint, Fingerprint, HostOrder, Pem, Progress, PromptHandler, Role,
    SslMode,
};
pub use config_error::ConfigError;
pub use endpoint_error::{EndpointError, EndpointErrors};
pub use error::{
    CloseReason, ColumnError, Error, ErrorKind, LocalInfileError, LongDataError, PoolError,
    PoolPhase, RedirectError, ServerError, TimeoutPhase,
};
pub use event::{Event, Executed, PacketRange};
pub use executable::{Executable, ToExecutable};
pub use literals::with_literals;
pub use multi_row::MultiRowInsert;
pub use option_file::{OptionFileSource, OptionFiles};
pub use otaria_auth::{
    AuthError, AuthPlugin, AuthPluginFactory, AuthStep, CachingSha2Password, Channel,
    ClearPassword, DerivedKey, Dialog, Ed25519, KeyDerivation, NativePassword, Parsec, Password,
    PluginRegistry, Prompt, ServerVersion, Sha256Password, Unproven,
};
pub use otaria_binary::{BulkParameters, Push};
pub use otaria_statement::{NamedSqlError, PlaceholderError, Statement};
pub use placed::{Placed, PlacedParams, place};
pub use placed_error::PlaceError;
pub use process_list::{Found, Kill, Origin, Process, ProcessLine};
pub use redirect::Redirect;
pub use rows::{Chunk, ColumnIndex, OwnedRow, Payloads, Row};
pub use session::{CleanUp, Pipelined, Queued, SavepointId, Session};
#[cfg(feature = "tls")]
pub use tls::{TlsContext, TlsError, TlsMaterial};
pub use tls_info::{CertificateProblem, PasswordProblem, TlsInfo, TlsProof};
pub use tracking::{SessionState, TransactionWatch};
pub use transaction_options::{IsolationLevel, TransactionOptions};
