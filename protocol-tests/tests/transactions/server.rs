use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};

use otaria_codec::{Decode, OkPacket, ServerStatus};
use otaria_statement::{ComStmtExecute, ComStmtPrepare, StatementId};
use otaria_text::ComQuery;
use protocol_tests::script::{CAPABILITIES, Reply, Script, text_columns, unknown_statement};

/// A fake server that keeps to what MariaDB does in and out of transactions: SELECT has a column `sum`
/// and three rows, all else no rows.
#[derive(Clone, Default)]
pub struct Bank {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    in_transaction: bool,
    savepoints: Vec<String>,
    prepared: BTreeMap<u32, String>,
    last: u32,
    log: Vec<Ran>,
    /// What the next statement with such a beginning is answered, and what becomes of the
    /// transaction.
    refusals: Vec<Refusal>,
    silent_at: Option<String>,
    /// What the connection does behind the next such statement.
    closes_at: Option<String>,
    pings: usize,
}

struct Refusal {
    beginning: String,
    error: (u16, [u8; 5]),
    then: Then,
}

/// What a statement that is refused does to the transaction.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Then {
    Stays,
    Ends,
}

/// What begins so cannot be prepared.
pub const UNPREPARABLE: &str = "CHECKSUM";

/// A statement that was run.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Ran {
    pub sql: String,
    pub in_transaction: bool,
}

impl Bank {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn script(&self) -> Script {
        self.behind(Script::new())
    }

    /// What `script` has no answer for is answered by the bank.
    pub fn behind(&self, script: Script) -> Script {
        let bank = self.clone();
        script.answer(move |payload| Some(bank.state().answer(payload)))
    }

    /// Refuses the next statement that begins so.
    pub fn refuse(&self, beginning: &str, code: u16, sqlstate: [u8; 5], then: Then) {
        self.state().refusals.push(Refusal {
            beginning: beginning.to_owned(),
            error: (code, sqlstate),
            then,
        });
    }

    /// Does the next statement that begins so, and gives no answer.
    pub fn be_silent_at(&self, beginning: &str) {
        self.state().silent_at = Some(beginning.to_owned());
    }

    /// Does the next statement that begins so, and closes the connection behind its rows, if it has any.
    pub fn close_at(&self, beginning: &str) {
        self.state().closes_at = Some(beginning.to_owned());
    }

    pub fn is_in_transaction(&self) -> bool {
        self.state().in_transaction
    }

    /// The statements that were run, those that begin and end transactions included.
    pub fn ran(&self) -> Vec<String> {
        let log = &self.state().log;
        log.iter().map(|ran| ran.sql.clone()).collect()
    }

    /// Those of them that read or write rows.
    pub fn data(&self) -> Vec<Ran> {
        let is_data = |ran: &&Ran| {
            ["UPDATE", "SELECT", "INSERT", "CREATE"]
                .iter()
                .any(|word| ran.sql.starts_with(word))
        };
        self.state().log.iter().filter(is_data).cloned().collect()
    }

    pub fn pings(&self) -> usize {
        self.state().pings
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .expect("no test panics while it holds the lock")
    }
}

impl fmt::Debug for Bank {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bank")
    }
}

impl State {
    fn answer(&mut self, payload: &[u8]) -> Reply {
        match payload[0] {
            0x03 => {
                let query = ComQuery::decode(payload, CAPABILITIES).unwrap();
                let sql = String::from_utf8(query.sql.to_vec()).unwrap();
                self.run(&sql, false)
            }
            0x0e => {
                self.pings += 1;
                self.ok()
            }
            0x16 => {
                let prepare = ComStmtPrepare::decode(payload, CAPABILITIES).unwrap();
                let sql = String::from_utf8(prepare.sql.to_vec()).unwrap();
                if sql.starts_with(UNPREPARABLE) {
                    self.last = 0;
                    return Reply::err(1295, *b"HY000", "not in the prepared protocol");
                }
                self.last = self.prepared.len() as u32 + 1;
                let parameters = sql.matches('?').count();
                let columns = if sql.starts_with("SELECT") {
                    text_columns(&["sum"])
                } else {
                    Vec::new()
                };
                self.prepared.insert(self.last, sql);
                Reply::prepared(self.last, u16::try_from(parameters).unwrap(), &columns)
            }
            0x17 => {
                let execute = ComStmtExecute::decode(payload, CAPABILITIES).unwrap();
                let id = match execute.statement {
                    StatementId::LAST_PREPARED => self.last,
                    StatementId(id) => id,
                };
                match self.prepared.get(&id).cloned() {
                    Some(sql) => self.run(&sql, true),
                    None => unknown_statement(),
                }
            }
            0x19 => Reply::new(),
            0x1a => self.ok(),
            0x1f => {
                self.in_transaction = false;
                self.savepoints.clear();
                self.prepared.clear();
                self.ok()
            }
            command => panic!("command {command:#x}"),
        }
    }

    fn status(&self) -> ServerStatus {
        let mut status = ServerStatus::AUTOCOMMIT;
        status.set(ServerStatus::IN_TRANS, self.in_transaction);
        status
    }

    fn ok(&self) -> Reply {
        Reply::new().packet(&OkPacket {
            status: self.status(),
            ..OkPacket::default()
        })
    }

    fn run(&mut self, sql: &str, is_binary: bool) -> Reply {
        let mut refusals = self.refusals.iter();
        if let Some(at) = refusals.position(|refusal| sql.starts_with(&refusal.beginning)) {
            let Refusal { error, then, .. } = self.refusals.remove(at);
            if then == Then::Ends {
                self.end();
            }
            return Reply::err(error.0, error.1, "refused");
        }
        let in_transaction = self.in_transaction;
        self.log.push(Ran {
            sql: sql.to_owned(),
            in_transaction,
        });
        let words: Vec<&str> = sql.split(' ').collect();
        match words[..] {
            ["START", "TRANSACTION", "READ", "WRITE"] if in_transaction => {
                self.savepoints.clear();
            }
            ["START", "TRANSACTION", ..] => {
                assert!(!in_transaction, "it would be committed");
                self.in_transaction = true;
            }
            ["BEGIN"] | ["COMMIT", "AND", "CHAIN"] => self.savepoints.clear(),
            ["ROLLBACK", "TO", "SAVEPOINT", name] => {
                let Some(at) = self.savepoint(name) else {
                    return no_savepoint();
                };
                self.savepoints.truncate(at + 1);
            }
            ["COMMIT" | "ROLLBACK" | "CREATE", ..] => self.end(),
            ["SAVEPOINT", name] => {
                if let Some(at) = self.savepoint(name) {
                    self.savepoints.remove(at);
                }
                if in_transaction {
                    self.savepoints.push(name.to_owned());
                }
            }
            ["RELEASE", "SAVEPOINT", name] => {
                let Some(at) = self.savepoint(name) else {
                    return no_savepoint();
                };
                self.savepoints.truncate(at);
            }
            ["SELECT", ..] => {
                let is_this = |beginning: &mut String| sql.starts_with(beginning.as_str());
                let closes = self.closes_at.take_if(is_this).is_some();
                let rows = self.rows(is_binary);
                return if closes { rows.close() } else { rows };
            }
            _ => {}
        }
        let is_next = |beginning: &mut String| sql.starts_with(beginning.as_str());
        if self.silent_at.take_if(is_next).is_some() {
            Reply::new()
        } else if self.closes_at.take_if(is_next).is_some() {
            Reply::new().close()
        } else {
            self.ok()
        }
    }

    fn rows(&self, is_binary: bool) -> Reply {
        let rows = [["1"], ["2"], ["3"]];
        if is_binary {
            Reply::new().binary_result_set(&["sum"], rows, self.status())
        } else {
            Reply::new().result_set(&["sum"], rows, self.status())
        }
    }

    fn savepoint(&self, name: &str) -> Option<usize> {
        self.savepoints
            .iter()
            .position(|savepoint| savepoint == name)
    }

    fn end(&mut self) {
        self.in_transaction = false;
        self.savepoints.clear();
    }
}

fn no_savepoint() -> Reply {
    Reply::err(1305, *b"42000", "SAVEPOINT does not exist")
}
