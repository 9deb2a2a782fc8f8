//! A fake server's prepared statements, kept as MariaDB keeps them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};

use otaria_binary::{BinaryCell, BinaryRowPacket, Parameters};
use otaria_codec::{ColumnDefinition, Decode, ErrPacket, FieldType, ServerStatus};
use otaria_statement::{
    ComStmtClose, ComStmtExecute, ComStmtPrepare, ComStmtPrepareOk, StatementId,
};

use super::{CAPABILITIES, Reply, Script};

impl Reply {
    /// A `COM_STMT_PREPARE_OK` with definitions of so many parameters and of these columns.
    pub fn prepared(statement: u32, parameters: u16, columns: &[ColumnDefinition]) -> Self {
        let ok = ComStmtPrepareOk {
            statement: StatementId(statement),
            columns: u16::try_from(columns.len()).expect("few columns"),
            parameters,
            warnings: 0,
        };
        let placeholder = ColumnDefinition::new("?", FieldType::Null);
        let reply = (0..parameters).fold(Self::new().packet(&ok), |reply, _| {
            reply.packet(&placeholder)
        });
        columns.iter().fold(reply, Self::packet)
    }

    /// Goes on with binary rows of as many text columns as there are names, their definitions in
    /// front, and ends them with `status`.
    #[must_use]
    pub fn binary_result_set<R, C>(
        self,
        names: &[&str],
        rows: impl IntoIterator<Item = R>,
        status: ServerStatus,
    ) -> Self
    where
        R: IntoIterator<Item = C>,
        C: Into<BinaryCell>,
    {
        let reply = self.head_of(&text_columns(names), true);
        reply.binary_rows(rows).rows_end(status)
    }

    /// Goes on with binary rows.
    #[must_use]
    pub fn binary_rows<R, C>(self, rows: impl IntoIterator<Item = R>) -> Self
    where
        R: IntoIterator<Item = C>,
        C: Into<BinaryCell>,
    {
        let rows = rows.into_iter();
        rows.fold(self, |reply, row| reply.packet(&BinaryRowPacket::of(row)))
    }
}

/// Columns of text with these names.
pub fn text_columns(names: &[&str]) -> Vec<ColumnDefinition> {
    let column = |name: &&str| ColumnDefinition::new(name, FieldType::VarString).with_collation(45);
    names.iter().map(column).collect()
}

/// What a statement of the fake server does.
#[derive(Clone, Debug)]
pub struct FakeStatement {
    parameters: u16,
    /// Those that the response to the prepare tells.
    prepared_columns: Vec<ColumnDefinition>,
    /// Those of the first result; none if it has no rows.
    columns: Vec<ColumnDefinition>,
    /// What follows the head of the first result.
    rest: Reply,
    refused: Option<(u16, Reply)>,
}

impl FakeStatement {
    /// A statement that returns rows of text.
    pub fn rows(parameters: u16, names: &[&str], rows: &[&[&str]]) -> Self {
        let rows = rows.iter().map(|row| row.iter().copied());
        let rest = Reply::new().binary_rows(rows);
        Self::new(parameters, names, rest.rows_end(ServerStatus::AUTOCOMMIT))
    }

    /// A statement whose first result has these columns; `rest` follows its head.
    pub fn new(parameters: u16, names: &[&str], rest: Reply) -> Self {
        let columns = text_columns(names);
        Self {
            parameters,
            prepared_columns: columns.clone(),
            columns,
            rest,
            refused: None,
        }
    }

    /// A statement that cannot be prepared.
    pub fn refused(code: u16, sqlstate: [u8; 5], message: &str) -> Self {
        let refused = Reply::err(code, sqlstate, message);
        Self {
            refused: Some((code, refused)),
            ..Self::new(0, &[], Reply::new())
        }
    }

    /// The same, of whose columns the response to the prepare says nothing, as with `RETURNING`.
    #[must_use]
    pub fn told_late(mut self) -> Self {
        self.prepared_columns.clear();
        self
    }
}

/// The statements of a fake server, seen by a test.
///
/// Definitions are sent where they are not those that were sent last for the statement, whether
/// the client has read them or not. The statement prepared last is forgotten when it is closed or
/// when a prepare fails, except by error 1461.
#[derive(Clone, Default)]
pub struct FakeStatements {
    shared: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    known: BTreeMap<String, FakeStatement>,
    open: BTreeMap<u32, Open>,
    last: Option<u32>,
    next: u32,
    prepares: usize,
    executed: Vec<String>,
}

struct Open {
    sql: String,
    told: Vec<ColumnDefinition>,
}

impl FakeStatements {
    /// None that could be prepared.
    pub fn new() -> Self {
        Self::default()
    }

    /// Knows a statement from here on, in place of one of the same SQL.
    pub fn set(&self, sql: &str, statement: FakeStatement) {
        self.state().known.insert(sql.to_owned(), statement);
    }

    /// The same, for a chain.
    #[must_use]
    pub fn with(self, sql: &str, statement: FakeStatement) -> Self {
        self.set(sql, statement);
        self
    }

    /// `script` with these statements.
    pub fn serve(&self, script: Script) -> Script {
        let shared = self.clone();
        script.answer(move |payload| shared.state().answer(payload))
    }

    /// How many statements are open.
    pub fn open(&self) -> usize {
        self.state().open.len()
    }

    /// How many prepares have come.
    pub fn prepares(&self) -> usize {
        self.state().prepares
    }

    /// What was executed, in order.
    pub fn executed(&self) -> Vec<String> {
        self.state().executed.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared
            .lock()
            .expect("no test panics while it holds the lock")
    }
}

impl fmt::Debug for FakeStatements {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FakeStatements")
    }
}

impl State {
    fn answer(&mut self, payload: &[u8]) -> Option<Reply> {
        match payload.first()? {
            0x16 => {
                let prepare = ComStmtPrepare::decode(payload, CAPABILITIES).ok()?;
                let sql = String::from_utf8(prepare.sql.to_vec()).ok()?;
                Some(self.prepare(sql))
            }
            0x17 => {
                let execute = ComStmtExecute::decode(payload, CAPABILITIES).ok()?;
                Some(self.execute(&execute))
            }
            0x19 => {
                let close = ComStmtClose::decode(payload, CAPABILITIES).ok()?;
                self.close(close.statement.0);
                Some(Reply::new())
            }
            0x1f => {
                self.open.clear();
                self.last = None;
                Some(Reply::ok())
            }
            _ => None,
        }
    }

    fn prepare(&mut self, sql: String) -> Reply {
        self.prepares += 1;
        let known = self.known.get(&sql).cloned();
        let known = known.unwrap_or_else(|| panic!("no statement {sql}"));
        if let Some((code, refused)) = known.refused {
            if code != TOO_MANY_STATEMENTS {
                self.last = None;
            }
            return refused;
        }
        self.next += 1;
        self.last = Some(self.next);
        let told = known.prepared_columns.clone();
        self.open.insert(self.next, Open { sql, told });
        Reply::prepared(self.next, known.parameters, &known.prepared_columns)
    }

    fn execute(&mut self, execute: &ComStmtExecute<'_>) -> Reply {
        let id = match execute.statement {
            StatementId::LAST_PREPARED => self.last,
            StatementId(id) => Some(id),
        };
        let Some(open) = id.and_then(|id| self.open.get_mut(&id)) else {
            return unknown_statement();
        };
        let known = &self.known[&open.sql];
        let parameters = Parameters::decode(execute.parameters, known.parameters.into());
        if parameters.is_err() {
            return Reply::err(
                1210,
                *b"HY000",
                "Incorrect arguments to mysqld_stmt_execute",
            );
        }
        self.executed.push(open.sql.clone());
        if known.columns.is_empty() {
            return known.rest.clone();
        }
        let metadata_follows = open.told != known.columns;
        open.told.clone_from(&known.columns);
        let head = Reply::new().head_of(&known.columns, metadata_follows);
        head.followed_by(&known.rest)
    }

    fn close(&mut self, id: u32) {
        assert!(
            self.open.remove(&id).is_some(),
            "a close of what is not open"
        );
        if self.last == Some(id) {
            self.last = None;
        }
    }
}

/// The error for a statement that the server does not have.
pub fn unknown_statement() -> Reply {
    Reply::new().packet(&ErrPacket::new(
        1243,
        *b"HY000",
        "Unknown prepared statement handler",
    ))
}

/// `ER_MAX_PREPARED_STMT_COUNT_REACHED`.
const TOO_MANY_STATEMENTS: u16 = 1461;
