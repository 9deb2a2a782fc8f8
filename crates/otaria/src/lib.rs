//! Otaria is an async MariaDB driver: from the wire straight to typed rows.
//!
//! ```no_run
//! use otaria::{Config, Connection, Error};
//!
//! async fn names() -> Result<Vec<(i64, String)>, Error> {
//!     let config: Config = "mariadb://app:secret@db.example.org/shop".parse()?;
//!     let mut connection = Connection::connect(&config).await?;
//!     let rows = connection.simple_query("SELECT id, name FROM customer").await?;
//!     rows.collect().await
//! }
//! ```
//!
//! A future may be dropped at any time: the connection's next call settles what it left behind.
//! [`Connection`] says how.

#[cfg(feature = "arrow")]
mod batches;
mod derived;
#[cfg(feature = "arrow")]
mod insert;
#[cfg(feature = "arrow")]
mod partitions;
#[cfg(feature = "arrow")]
mod sealed;

#[cfg(feature = "arrow")]
pub use batches::{
    BlockingRecordBatches, PoolQueryArrow, QueryArrow, RecordBatchError, RecordBatchStream,
    RecordBatches,
};
pub use derived::{FromRow, Params};
#[cfg(feature = "arrow")]
pub use insert::{
    Commit, InsertArrow, InsertError, InsertErrorKind, InsertMode, InsertOptions, InsertWay,
    Inserted, PoolInsertArrow, SentBy, WhyNot,
};
#[cfg(feature = "arrow")]
pub use otaria_arrow::write::{
    CellRefusal, ColumnRefusal, FieldLabel, NonFinite, SubMicroseconds, TableName, WriteError,
    WriteOptions,
};
#[cfg(feature = "arrow")]
pub use otaria_arrow::{
    ArrowOptions, BitType, CellReason, ColumnLabel, ColumnReason, ColumnType, DecimalType,
    DecodeError, EnumType, GeometryType, Nullability, SetType, StringType, TemporalUnit, TimeType,
    TimestampZone, UuidType, VectorLookup, ZeroDateMode, arrow,
    partition::{self, Partition, PartitionSource},
};
#[cfg(feature = "tls")]
pub use otaria_connection::TlsError;
pub use otaria_connection::{
    AuthError, AuthPlugin, AuthPluginFactory, AuthStep, Batch, BatchError, BatchExecuted, BatchWay,
    CachingSha2Password, CallLimit, CallbackError, CallbackFuture, CancelPolicy, CancelToken,
    Capabilities, CertificateProblem, Channel, Chunk, ClearPassword, CloseReason, ColumnDefinition,
    ColumnError, ColumnIndex, Config, ConfigBuilder, ConfigError, Connection, Credentials,
    CredentialsProvider, DerivedKey, Dialog, DrainLimit, Ed25519, Endpoint, EndpointError,
    EndpointErrors, Error, ErrorKind, Executed, FieldFlags, FieldType, Fingerprint, HostOrder,
    HostStates, InvalidPacket, IsolationLevel, KeyDerivation, LocalInfileError, LongDataError,
    LongDataExecution, NamedSqlError, NativePassword, OptionFiles, OwnedRow, Parsec, Password,
    PasswordProblem, PayloadWriter, Payloads, Pem, Pipeline, PipelineResults, PlaceError,
    PlaceholderError, PluginRegistry, PoolError, PoolPhase, Printable, Progress, Prompt,
    PromptHandler, RedirectError, RetryPolicy, Role, Row, RowStream, Rows, ServerError,
    ServerStatus, ServerVersion, SessionState, Sha256Password, SslMode, Statement, Stopped, Stream,
    TimeoutPhase, TlsInfo, TlsProof, ToExecutable, Transaction, TransactionOptions, UnitResult,
    Unproven, Warning, read_option_files, standard_option_files,
};
#[cfg(feature = "compression")]
pub use otaria_connection::{Compression, CompressionAlgorithm};
pub use otaria_pool::{
    Pool, PoolBuilder, PoolRows, PoolStatus, PooledConnection, Repeatable, ResetPolicy,
};
#[cfg(feature = "uuid-1")]
pub use otaria_types::BinaryUuid;
#[cfg(feature = "serde_json-1")]
pub use otaria_types::Json;
#[doc(hidden)]
pub use otaria_types::derive;
pub use otaria_types::{
    Columns, Date, DateTime, Decimal, DecimalError, FromRow, FromRowError, FromSql, FromSqlError,
    InList, Indicated, LongData, NamedValues, ParameterSink, Params, ParamsError, RowContext,
    SessionTimeZone, TemporalError, Time, ToSql, ToSqlError, ValueRef, Vector, ZeroDates, params,
};
#[cfg(feature = "arrow")]
pub use partitions::{
    BlockingPartitionBatches, PartitionBatches, PartitionDepth, PartitionError, PartitionOptions,
    PartitionPlan, PoolPartitions,
};

#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
