//! A MariaDB connection on tokio: a thin shell that moves bytes between a socket and an
//! [`otaria_session::Session`]. It spawns no task; the task that uses a connection drives it.

mod batch;
mod beside;
mod cancel;
mod change_user;
mod clean_up;
mod connect;
mod connection;
mod cursor;
mod deadline;
mod dial;
mod drain;
mod files;
mod hosts;
mod io;
mod kills;
mod local_infile;
mod log_in;
mod long_data;
mod option_files;
mod pipeline;
mod pooled;
mod procedures;
mod redirect;
mod repeat;
mod retry;
mod role;
mod row_stream;
mod rows;
mod side_connections;
mod statements;
mod stop;
#[cfg(feature = "tls")]
mod tls;
mod transaction;
mod transport;

pub use batch::{Batch, BatchExecuted, UnitResult};
pub use cancel::CancelToken;
pub use connection::{Connection, Warning};
pub use deadline::CallLimit;
pub use drain::DrainLimit;
pub use hosts::HostStates;
pub use long_data::LongDataExecution;
pub use option_files::{read_option_files, standard_option_files};
pub use otaria_codec::{
    Capabilities, ColumnDefinition, FieldFlags, FieldType, InvalidPacket, PayloadWriter, Printable,
    ServerStatus,
};
#[cfg(feature = "tls")]
pub use otaria_session::TlsError;
pub use otaria_session::{
    AuthError, AuthPlugin, AuthPluginFactory, AuthStep, BatchError, BatchWay, CachingSha2Password,
    CallbackError, CallbackFuture, CancelPolicy, CertificateProblem, Channel, Chunk, ClearPassword,
    CloseReason, ColumnError, ColumnIndex, Config, ConfigBuilder, ConfigError, Credentials,
    CredentialsProvider, DerivedKey, Dialog, Ed25519, Endpoint, EndpointError, EndpointErrors,
    Error, ErrorKind, Executed, Fingerprint, HostOrder, IsolationLevel, KeyDerivation,
    LocalInfileError, LongDataError, NamedSqlError, NativePassword, OptionFiles, OwnedRow, Parsec,
    Password, PasswordProblem, Payloads, Pem, PlaceError, PlaceholderError, PluginRegistry,
    PoolError, PoolPhase, Progress, Prompt, PromptHandler, RedirectError, Role, Row, ServerError,
    ServerVersion, SessionState, Sha256Password, SslMode, Statement, TimeoutPhase, TlsInfo,
    TlsProof, ToExecutable, TransactionOptions, Unproven,
};
#[cfg(feature = "compression")]
pub use otaria_session::{Compression, CompressionAlgorithm};
pub use otaria_types::{FromRow, Params, RowContext};
pub use pipeline::{Pipeline, PipelineResults};
pub use pooled::{HandedBack, ResetPolicy};
pub use retry::RetryPolicy;
pub use row_stream::RowStream;
pub use rows::Rows;
pub use side_connections::{SideConnections, SidePlace};
pub use stop::Stopped;
pub use transaction::Transaction;
pub use transport::Stream;
