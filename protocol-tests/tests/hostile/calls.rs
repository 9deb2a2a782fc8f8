//! Each call that sends something, for attacks that each of them meets.

use std::num::NonZeroU32;

use otaria::{Config, ConfigBuilder, Connection, Error, Pipeline};
use otaria_statement::{ComStmtPrepareOk, StatementId};
use protocol_tests::script::{Reply, Script, text_columns};

use crate::exchange::{CONNECT_TIMEOUT, IO_TIMEOUT};

/// Has one placeholder, and rows of one column.
pub const SELECT: &str = "SELECT ?";
/// Has one placeholder, and no rows.
pub const INSERT: &str = "INSERT INTO t VALUES (?)";

/// A call of a connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Call {
    SimpleQuery,
    SimpleExecute,
    Ping,
    Reset,
    InitDb,
    Warnings,
    ChangeUser,
    Prepare,
    Query,
    Execute,
    Pipeline,
    Batch,
    Cursor,
    Begin,
}

impl Call {
    pub const ALL: [Self; 14] = [
        Self::SimpleQuery,
        Self::SimpleExecute,
        Self::Ping,
        Self::Reset,
        Self::InitDb,
        Self::Warnings,
        Self::ChangeUser,
        Self::Prepare,
        Self::Query,
        Self::Execute,
        Self::Pipeline,
        Self::Batch,
        Self::Cursor,
        Self::Begin,
    ];

    /// Makes the call, and reads all that it returns.
    pub async fn run(self, connection: &mut Connection) -> Result<(), Error> {
        match self {
            Self::SimpleQuery => connection.simple_query("SELECT 1").await?.finish().await,
            Self::SimpleExecute => connection.simple_execute("DO 1").await.map(drop),
            Self::Ping => connection.ping().await,
            Self::Reset => connection.reset().await,
            Self::InitDb => connection.init_db("shop").await,
            Self::Warnings => connection.warnings().await.map(drop),
            Self::ChangeUser => connection.change_user("v", "q", None).await,
            Self::Prepare => connection.prepare(SELECT).await.map(drop),
            Self::Query => connection.query(SELECT, (1,)).await?.finish().await,
            Self::Execute => connection.execute(INSERT, (1,)).await.map(drop),
            Self::Pipeline => {
                let mut pipeline = Pipeline::new();
                pipeline.push(SELECT, (1,)).push(INSERT, (2,));
                let results = connection.execute_pipeline(&pipeline).await?;
                results.into_iter().try_for_each(|result| result.map(drop))
            }
            Self::Batch => connection
                .execute_batch(INSERT, [(1,), (2,)])
                .await
                .map(drop),
            Self::Cursor => {
                let rows = connection.query_with_cursor(SELECT, (1,), NonZeroU32::MIN);
                rows.await?.finish().await
            }
            Self::Begin => {
                let mut transaction = connection.transaction().await?;
                transaction.simple_execute("DO 1").await?;
                transaction.commit().await
            }
        }
    }
}

/// Where a hostile server attacks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum At {
    /// In the answer to whatever comes first.
    Command,
    /// In the answer to the execution of what was prepared.
    Execution,
}

/// A server that knows [`SELECT`] and [`INSERT`], and attacks by `attack`.
pub fn attacking(at: At, attack: Reply) -> Script {
    attacking_by(at, move |_| attack.clone())
}

/// The same, by what `attack` says to each command.
pub fn attacking_by(at: At, mut attack: impl FnMut(&[u8]) -> Reply + Send + 'static) -> Script {
    Script::new().answer(move |payload| {
        Some(match (at, payload.first()) {
            (_, Some(&CLOSE)) => Reply::new(),
            (At::Execution, Some(&PREPARE)) => prepared(&payload[1..]),
            _ => attack(payload),
        })
    })
}

fn prepared(sql: &[u8]) -> Reply {
    let names: &[&str] = if sql == SELECT.as_bytes() {
        &["a"]
    } else {
        &[]
    };
    Reply::prepared(1, 1, &text_columns(names))
}

/// An answer to a prepare that tells these numbers, and no definitions.
pub fn prepare_ok(statement: u32, parameters: u16, columns: u16) -> Reply {
    Reply::new().packet(&ComStmtPrepareOk {
        statement: StatementId(statement),
        columns,
        parameters,
        warnings: 0,
    })
}

pub fn config() -> ConfigBuilder {
    Config::builder()
        .user("u")
        .password("p")
        .connect_timeout(CONNECT_TIMEOUT)
        .io_timeout(IO_TIMEOUT)
        .drain_timeout(IO_TIMEOUT)
        .stop_timeout(IO_TIMEOUT)
}

/// The error as it is without what says where in a batch or a transaction it occurred.
pub fn cause(error: &Error) -> &Error {
    match error {
        Error::Batch(batch) => cause(&batch.source),
        Error::Pipeline { source, .. } | Error::CommitUnknown { source } => cause(source),
        error => error,
    }
}

const PREPARE: u8 = 0x16;
const CLOSE: u8 = 0x19;
