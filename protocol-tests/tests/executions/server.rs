//! A fake server that keeps statements, cursors and values sent ahead as MariaDB does, and panics
//! where one of them would get into an execution that it is not for.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use otaria::{Compression, Config, Connection, ValueRef};
use otaria_binary::{BinaryRowPacket, Parameters};
use otaria_codec::{
    Capabilities, ColumnCount, ColumnDefinition, Decode, EofPacket, FieldType, OkPacket,
    ServerStatus,
};
use otaria_statement::{
    ComStmtClose, ComStmtExecute, ComStmtFetch, ComStmtPrepare, ComStmtPrepareOk, ComStmtReset,
    ComStmtSendLongData, CursorFlags, StatementId,
};
use protocol_tests::pipe::{Cut, Pipe, PipeHandle};
use protocol_tests::script::{CAPABILITIES, Layers, Reply, Script, greeting};

/// Returns the rows of the server.
pub const SELECT: &str = "SELECT n FROM t WHERE n < ?";
/// Returns one row, 42.
pub const NEW: &str = "SELECT 42";
/// Takes two values.
pub const INSERT: &str = "INSERT INTO t VALUES (?, ?)";
/// Is refused when it is executed.
pub const REFUSED: &str = "INSERT INTO other VALUES (?, ?)";
/// Returns two rows, then one, then its parameters.
pub const CALL: &str = "CALL p(?, ?)";

/// How the server behaves.
#[derive(Clone, Debug)]
pub struct Manners {
    pub rows: Vec<i64>,
    /// Whether it opens cursors that it is asked for.
    pub opens_cursors: bool,
    pub deprecates_eof: bool,
    /// What a fetch is answered by in place of rows.
    pub fetch: Option<Reply>,
    pub reset: Reply,
}

impl Default for Manners {
    fn default() -> Self {
        Self {
            rows: vec![1, 2, 3, 4, 5],
            opens_cursors: true,
            deprecates_eof: true,
            fetch: None,
            reset: Reply::ok(),
        }
    }
}

/// What the server has heard.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Heard {
    Prepare,
    /// The values of the parameters, those sent ahead included.
    Execute(Vec<Vec<u8>>),
    /// With a cursor asked for.
    Open,
    Fetch(u32),
    /// The parameter, and how long the piece is.
    Piece(u16, usize),
    Reset,
    Close,
    Ping,
}

/// The server, seen by a test.
#[derive(Clone, Debug)]
pub struct Server(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    manners: Manners,
    statements: BTreeMap<u32, Prepared>,
    last: u32,
    heard: Vec<Heard>,
}

#[derive(Debug)]
struct Prepared {
    sql: String,
    parameters: u16,
    /// The rows that are left to be fetched.
    cursor: Option<Vec<i64>>,
    sent_ahead: BTreeMap<u16, Vec<u8>>,
}

impl Server {
    pub fn new(manners: Manners) -> Self {
        Self(Arc::new(Mutex::new(State {
            manners,
            statements: BTreeMap::new(),
            last: 0,
            heard: Vec::new(),
        })))
    }

    /// A connection to it through `layers`, cut as `cut` says from now on.
    pub async fn connect(&self, layers: Layers, cut: Cut) -> (Connection, PipeHandle) {
        let server = self.clone();
        let script = Script::new().answer(move |payload| server.state().answer(payload));
        let pipe = if self.state().manners.deprecates_eof {
            layers.serve(script)
        } else {
            let mut greeting = greeting();
            greeting.capabilities -= Capabilities::DEPRECATE_EOF | Capabilities::COMPRESS;
            Pipe::new(script.greet(Reply::new().packet(&greeting)), Cut::Whole)
        };
        let handle = pipe.handle();
        let connection = Connection::connect_over(pipe, &config()).await.unwrap();
        handle.set_cut(cut);
        (connection, handle)
    }

    /// What it has heard since the last time.
    pub fn heard(&self) -> Vec<Heard> {
        std::mem::take(&mut self.state().heard)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("the server has not panicked")
    }
}

/// One for all: each new one reads the authorities of the system.
fn config() -> Config {
    static CONFIG: OnceLock<Config> = OnceLock::new();
    let config = CONFIG.get_or_init(|| {
        let compression = Compression::default().with_threshold(0);
        let builder = Config::builder().compression(compression);
        builder.build().unwrap()
    });
    config.clone()
}

impl State {
    fn answer(&mut self, payload: &[u8]) -> Option<Reply> {
        Some(match payload.first()? {
            0x0e => {
                self.heard.push(Heard::Ping);
                Reply::ok()
            }
            0x16 => self.prepare(&ComStmtPrepare::decode(payload, CAPABILITIES).unwrap()),
            0x17 => self.execute(&ComStmtExecute::decode(payload, CAPABILITIES).unwrap()),
            0x18 => {
                let piece = ComStmtSendLongData::decode(payload, CAPABILITIES).unwrap();
                let heard = Heard::Piece(piece.parameter, piece.data.len());
                self.heard.push(heard);
                let statement = self.statement(piece.statement);
                let value = statement.sent_ahead.entry(piece.parameter).or_default();
                value.extend_from_slice(piece.data);
                Reply::new()
            }
            0x19 => {
                let close = ComStmtClose::decode(payload, CAPABILITIES).unwrap();
                self.heard.push(Heard::Close);
                assert!(self.statements.remove(&close.statement.0).is_some());
                Reply::new()
            }
            0x1a => {
                let reset = ComStmtReset::decode(payload, CAPABILITIES).unwrap();
                self.heard.push(Heard::Reset);
                let statement = self.statement(reset.statement);
                statement.cursor = None;
                statement.sent_ahead.clear();
                self.manners.reset.clone()
            }
            0x1c => self.fetch(ComStmtFetch::decode(payload, CAPABILITIES).unwrap()),
            _ => return None,
        })
    }

    fn statement(&mut self, id: StatementId) -> &mut Prepared {
        let id = if id == StatementId::LAST_PREPARED {
            self.last
        } else {
            id.0
        };
        self.statements.get_mut(&id).expect("an open statement")
    }

    fn prepare(&mut self, command: &ComStmtPrepare<'_>) -> Reply {
        self.heard.push(Heard::Prepare);
        self.last += 1;
        let sql = String::from_utf8(command.sql.to_vec()).unwrap();
        let parameters = u16::try_from(sql.matches('?').count()).unwrap();
        let columns = u16::from(sql.starts_with("SELECT"));
        let ok = ComStmtPrepareOk {
            statement: StatementId(self.last),
            columns,
            parameters,
            warnings: 0,
        };
        let prepared = Prepared {
            sql,
            parameters,
            cursor: None,
            sent_ahead: BTreeMap::new(),
        };
        self.statements.insert(self.last, prepared);
        let placeholder = ColumnDefinition::new("?", FieldType::Null);
        let mut reply = Reply::new().packet(&ok);
        for (count, definition) in [(parameters, placeholder), (columns, column())] {
            for _ in 0..count {
                reply = reply.packet(&definition);
            }
            if count > 0 {
                reply = self.head_end(reply);
            }
        }
        reply
    }

    fn execute(&mut self, command: &ComStmtExecute<'_>) -> Reply {
        let manners = self.manners.clone();
        let statement = self.statement(command.statement);
        assert!(statement.cursor.is_none(), "a cursor is open");
        let values = values(statement, command.parameters);
        let sql = statement.sql.clone();
        let opens = command.flags.contains(CursorFlags::READ_ONLY);
        if opens && manners.opens_cursors {
            assert!(sql.starts_with("SELECT"), "the server has crashed");
            statement.cursor = Some(manners.rows.clone());
        }
        self.heard.push(if opens {
            Heard::Open
        } else {
            Heard::Execute(values)
        });
        if opens && manners.opens_cursors {
            // The definitions are those of the prepare, and there is no EOF of their own.
            let status = ServerStatus::AUTOCOMMIT | ServerStatus::CURSOR_EXISTS;
            return self.rows_end(Reply::new().packet(&count(false)), status);
        }
        let (auto, more) = (ServerStatus::AUTOCOMMIT, ServerStatus::MORE_RESULTS_EXISTS);
        match sql.as_str() {
            SELECT => self.result_set(Reply::new(), false, &manners.rows, auto),
            NEW => self.result_set(Reply::new(), false, &[42], auto),
            REFUSED => Reply::err(
                1210,
                *b"HY000",
                "Incorrect arguments to mysqld_stmt_execute",
            ),
            CALL => {
                let reply = self.result_set(Reply::new(), true, &[1, 2], more);
                let reply = self.result_set(reply, true, &[3], more);
                let parameters = more | ServerStatus::PS_OUT_PARAMS;
                let reply = self.result_set(reply, true, &[7], parameters);
                reply.packet(&OkPacket::default())
            }
            _ => Reply::ok(),
        }
    }

    fn fetch(&mut self, command: ComStmtFetch) -> Reply {
        self.heard.push(Heard::Fetch(command.rows));
        if let Some(reply) = &self.manners.fetch {
            return reply.clone();
        }
        let statement = self.statement(command.statement);
        let left = statement.cursor.take().expect("a cursor that is open");
        let wanted = left.len().min(command.rows as usize);
        let (fetched, left) = left.split_at(wanted);
        // The server looks for no row behind those that were asked for.
        let is_last = fetched.len() < command.rows as usize;
        let status = if is_last {
            ServerStatus::LAST_ROW_SENT
        } else {
            statement.cursor = Some(left.to_vec());
            ServerStatus::CURSOR_EXISTS
        };
        self.rows_end(rows(Reply::new(), fetched), status)
    }

    fn result_set(
        &self,
        reply: Reply,
        metadata_follows: bool,
        values: &[i64],
        status: ServerStatus,
    ) -> Reply {
        let mut reply = reply.packet(&count(metadata_follows));
        if metadata_follows {
            reply = reply.packet(&column());
        }
        self.rows_end(rows(self.head_end(reply), values), status)
    }

    /// The end of definitions.
    fn head_end(&self, reply: Reply) -> Reply {
        if self.manners.deprecates_eof {
            reply
        } else {
            reply.packet(&EofPacket::default())
        }
    }

    fn rows_end(&self, reply: Reply, status: ServerStatus) -> Reply {
        if self.manners.deprecates_eof {
            reply.packet(&OkPacket {
                ends_result_set: true,
                status,
                ..OkPacket::default()
            })
        } else {
            let warnings = 0;
            reply.packet(&EofPacket { warnings, status })
        }
    }
}

/// The values of an execution, which takes what was sent ahead for just the parameters that say so.
fn values(statement: &mut Prepared, payload: &[u8]) -> Vec<Vec<u8>> {
    let count = usize::from(statement.parameters);
    let parameters = Parameters::decode(payload, count).unwrap();
    let sent = std::mem::take(&mut statement.sent_ahead);
    let marked: Vec<u16> = parameters.long_data().map(|index| index as u16).collect();
    let found: Vec<u16> = sent.keys().copied().collect();
    assert_eq!(found, marked, "what was sent ahead is of this execution");
    let bytes = |index| sent.get(&(index as u16)).cloned();
    let values = parameters.values().enumerate();
    values
        .map(|(index, value)| match value.unwrap() {
            ValueRef::Null => b"NULL".to_vec(),
            ValueRef::Int(value) => value.to_string().into_bytes(),
            ValueRef::Text(text) => text.as_bytes().to_vec(),
            // Those sent ahead are binary, and nothing else here is.
            _ => bytes(index).expect("a value sent ahead"),
        })
        .collect()
}

fn column() -> ColumnDefinition {
    ColumnDefinition::new("n", FieldType::LongLong)
}

fn count(metadata_follows: bool) -> ColumnCount {
    ColumnCount {
        columns: 1,
        metadata_follows,
    }
}

/// Goes on with a row for each value.
pub fn rows(reply: Reply, values: &[i64]) -> Reply {
    values.iter().fold(reply, |reply, value| {
        reply.packet(&BinaryRowPacket::of([*value]))
    })
}
