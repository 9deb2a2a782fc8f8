//! The server of a conversation: it answers each request with its marker, and keeps statements,
//! cursors and transactions as MariaDB does.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::panicking;

use otaria::{Indicated, ValueRef};
use otaria_binary::{BulkParameters, Parameters};
use otaria_codec::{
    ColumnCount, ColumnDefinition, Decode, FieldType, OkPacket, ProgressReport, ServerStatus,
};
use otaria_statement::{
    BulkFlags, ComStmtBulkExecute, ComStmtClose, ComStmtExecute, ComStmtFetch, ComStmtReset,
    ComStmtSendLongData, CursorFlags, StatementId,
};
use otaria_text::TextRowPacket;

use super::answers::{
    Form, columns, first_number, interrupted, placeholders, refused, row_number, rows,
};
use super::line::Line;
use super::marker::{Course, Kind, Marker};
use crate::script::{CAPABILITIES, Reply, Script, unknown_statement};

/// A server, shared by the script that answers and the one who looks at what was done.
#[derive(Clone, Default)]
pub(super) struct Shared(Arc<Mutex<Server>>);

#[derive(Default)]
pub(super) struct Server {
    pub(super) line: Line,
    statements: BTreeMap<u32, Prepared>,
    prepared: u32,
    last: Option<u32>,
    /// How many of the next prepares are refused.
    pub(super) refuses_prepares: u8,
    /// Whether the table has its columns the other way round.
    pub(super) is_altered: bool,
    pub(super) transaction: Option<u32>,
    transactions: u32,
    pub(super) committed: Vec<u32>,
    /// Each row of each request that was done, and in which transaction.
    done: BTreeMap<(u32, u32), Vec<Option<u32>>>,
    /// The requests whose files were asked for.
    pub(super) files: VecDeque<Marker>,
}

struct Prepared {
    sql: String,
    /// Whether the definitions that were sent last are those of the altered table.
    told: Option<bool>,
    /// Whose rows are left to be fetched, from which on, and of what form.
    cursor: Option<(Marker, usize, Form)>,
    /// What was sent ahead for the parameter of the next execution.
    long_data: Option<Vec<u8>>,
}

impl Shared {
    pub(super) fn server(&self) -> MutexGuard<'_, Server> {
        // A test that fails drops its connection, which says goodbye.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn script(&self) -> Script {
        let shared = self.clone();
        Script::new().answer(move |payload| {
            let answers = !panicking();
            Some(if answers {
                shared.server().answer(payload)
            } else {
                Reply::new()
            })
        })
    }
}

impl Server {
    /// In which transactions row `index` of a request was done: as many as times.
    pub(super) fn done(&self, marker: Marker, index: u32) -> &[Option<u32>] {
        let done = self.done.get(&(marker.number, index));
        done.map_or(&[], Vec::as_slice)
    }

    /// Whether anything of a request was done.
    pub(super) fn has_done(&self, marker: Marker) -> bool {
        let number = marker.number;
        self.done
            .range((number, 0)..=(number, u32::MAX))
            .next()
            .is_some()
    }

    /// How many statements are open.
    pub(super) fn open_statements(&self) -> usize {
        self.statements.len()
    }

    fn answer(&mut self, payload: &[u8]) -> Reply {
        match payload[0] {
            0x03 => {
                let sql = std::str::from_utf8(&payload[1..]).expect("SQL in UTF-8");
                self.query(sql)
            }
            0x02 | 0x0e => self.ok(0, 0),
            0x11 | 0x1f => {
                self.statements.clear();
                self.last = None;
                self.transaction = None;
                self.ok(0, 0)
            }
            0x16 => self.prepare(std::str::from_utf8(&payload[1..]).expect("SQL in UTF-8")),
            0x17 => {
                let command = ComStmtExecute::decode(payload, CAPABILITIES);
                self.execute(command.expect("an execute"))
            }
            0x18 => {
                let command = ComStmtSendLongData::decode(payload, CAPABILITIES);
                self.keep_long_data(command.expect("long data"));
                Reply::new()
            }
            0x19 => {
                let close = ComStmtClose::decode(payload, CAPABILITIES).expect("a close");
                let id = close.statement.0;
                let open = self.statements.remove(&id);
                assert!(open.is_some() || self.line.is_spoiled, "it was open");
                self.last = self.last.filter(|last| *last != id);
                Reply::new()
            }
            0x1a => {
                let reset = ComStmtReset::decode(payload, CAPABILITIES).expect("a reset");
                match self.statement(reset.statement) {
                    Some(statement) => {
                        statement.cursor = None;
                        statement.long_data = None;
                    }
                    None => return unknown_statement(),
                }
                self.ok(0, 0)
            }
            0x1c => {
                let fetch = ComStmtFetch::decode(payload, CAPABILITIES).expect("a fetch");
                self.fetch(fetch)
            }
            0xfa => {
                let command = ComStmtBulkExecute::decode(payload, CAPABILITIES);
                self.execute_bulk(command.expect("a bulk execute"))
            }
            other => panic!("command {other:#x}"),
        }
    }

    fn query(&mut self, sql: &str) -> Reply {
        let word = sql.split(' ').next().unwrap_or_default();
        match word {
            "START" => {
                // One that is open is committed.
                self.committed.extend(self.transaction);
                self.transactions += 1;
                self.transaction = Some(self.transactions);
                return self.ok(0, 0);
            }
            "COMMIT" => {
                self.committed.extend(self.transaction.take());
                return self.ok(0, 0);
            }
            "ROLLBACK" if !sql.contains("SAVEPOINT") => {
                self.transaction = None;
                return self.ok(0, 0);
            }
            "ROLLBACK" | "RELEASE" if self.transaction.is_none() => {
                return Reply::err(1305, *b"42000", "SAVEPOINT does not exist");
            }
            "ROLLBACK" | "RELEASE" | "SAVEPOINT" => return self.ok(0, 0),
            _ if sql == "SELECT @@max_allowed_packet" => return self.max_allowed_packet(),
            // Behind the reset of a session on MySQL, which a spoiled greeting can name.
            _ if sql.starts_with("SET NAMES utf8mb4 COLLATE ") => return self.ok(0, 0),
            _ => {}
        }
        let marker = Marker::find(sql.as_bytes());
        let marker = marker.unwrap_or_else(|| panic!("a statement of nobody: {sql}"));
        if word == "LOAD" {
            self.files.push_back(marker);
            let loaded = self.do_rows(marker, &[0], false);
            return Reply::new().then_file(b"f", loaded);
        }
        if word == "INSERT" && sql.contains("INTO b") {
            let rows: Vec<u32> = Marker::all(sql.as_bytes())
                .map(|(_, behind)| first_number(behind))
                .collect();
            return self.do_rows(marker, &rows, false);
        }
        self.result(marker, None)
    }

    fn prepare(&mut self, sql: &str) -> Reply {
        if self.refuses_prepares > 0 {
            self.refuses_prepares -= 1;
            self.last = None;
            return Reply::err(1064, *b"42000", "You have an error in your SQL syntax");
        }
        self.prepared += 1;
        let columns = if sql.starts_with("SELECT") {
            columns(self.is_altered)
        } else {
            Vec::new()
        };
        let prepared = Prepared {
            sql: sql.to_owned(),
            told: (!columns.is_empty()).then_some(self.is_altered),
            cursor: None,
            long_data: None,
        };
        self.last = Some(self.prepared);
        self.statements.insert(self.prepared, prepared);
        Reply::prepared(self.prepared, placeholders(sql), &columns)
    }

    fn statement(&mut self, id: StatementId) -> Option<&mut Prepared> {
        let id = match id {
            StatementId::LAST_PREPARED => self.last?,
            StatementId(id) => id,
        };
        let found = self.statements.get_mut(&id);
        assert!(found.is_some() || self.line.is_spoiled, "statement {id}");
        found
    }

    fn execute(&mut self, command: ComStmtExecute<'_>) -> Reply {
        let is_spoiled = self.line.is_spoiled;
        let Some(statement) = self.statement(command.statement) else {
            return unknown_statement();
        };
        let sql = statement.sql.clone();
        assert!(statement.cursor.is_none() || is_spoiled, "a cursor is open");
        statement.cursor = None;
        let long_data = statement.long_data.take();
        let parameters = Parameters::decode(command.parameters, placeholders(&sql).into());
        let Ok(parameters) = parameters else {
            assert!(is_spoiled, "parameters that do not fit");
            return Reply::err(1210, *b"HY000", "Incorrect arguments");
        };
        let is_sent_ahead = parameters.long_data().next().is_some();
        if is_sent_ahead != long_data.is_some() {
            assert!(is_spoiled, "a value that was sent ahead for another");
            return Reply::err(1210, *b"HY000", "Incorrect arguments");
        }
        let values: Vec<ValueRef<'_>> = parameters.values().map_while(Result::ok).collect();
        let text = match (&long_data, values.first()) {
            (Some(sent_ahead), _) => &sent_ahead[..],
            (None, Some(ValueRef::Text(text))) => text.as_bytes(),
            _ => panic!("a statement of nobody: {values:?}"),
        };
        let marker = Marker::find(text).expect("a marker");
        assert_eq!(marker.to_string().as_bytes(), text, "more than a marker");
        if let Some(row) = values.get(1) {
            return self.do_rows(marker, &[row_number(*row)], false);
        }
        if command.flags.contains(CursorFlags::READ_ONLY) && marker.kind == Kind::Rows {
            return self.open_cursor(command.statement, marker);
        }
        self.result(marker, Some(command.statement))
    }

    fn keep_long_data(&mut self, command: ComStmtSendLongData<'_>) {
        if let Some(statement) = self.statement(command.statement) {
            let kept = statement.long_data.get_or_insert_default();
            kept.extend_from_slice(command.data);
        }
    }

    fn execute_bulk(&mut self, command: ComStmtBulkExecute<'_>) -> Reply {
        let Some(statement) = self.statement(command.statement) else {
            return unknown_statement();
        };
        let parameters = placeholders(&statement.sql);
        let rows = BulkParameters::decode(command.parameters, parameters.into());
        let Ok(rows) = rows else {
            assert!(self.line.is_spoiled, "parameters that do not fit");
            return Reply::err(1210, *b"HY000", "Incorrect arguments");
        };
        let values: Vec<Indicated<ValueRef<'_>>> = rows.values().map_while(Result::ok).collect();
        let mut marker = None;
        let mut numbers = Vec::new();
        for row in values.chunks_exact(2) {
            let [
                Indicated::Value(ValueRef::Text(text)),
                Indicated::Value(number),
            ] = row
            else {
                panic!("a row of nobody: {row:?}")
            };
            let found = Marker::find(text.as_bytes()).expect("a marker");
            assert_eq!(*marker.get_or_insert(found), found, "rows of two requests");
            numbers.push(row_number(*number));
        }
        let marker = marker.expect("rows");
        let unit_results = command.flags.contains(BulkFlags::SEND_UNIT_RESULTS);
        self.do_rows(marker, &numbers, unit_results)
    }

    /// Does rows of a batch, or refuses all of them if one is refused.
    fn do_rows(&mut self, marker: Marker, rows: &[u32], unit_results: bool) -> Reply {
        let is_refused = rows.contains(&u32::from(marker.rows));
        match marker.kind {
            Kind::Refused if is_refused => return refused(marker),
            Kind::Deadlock if is_refused => return self.deadlock(marker),
            _ => {}
        }
        for row in rows {
            self.note(marker, *row);
        }
        if !unit_results {
            let first = rows.first().copied().unwrap_or_default();
            return self.ok(rows.len() as u64, marker.id(first));
        }
        let column = |name| ColumnDefinition::new(name, FieldType::LongLong);
        let columns = [column("Id"), column("Affected_rows")];
        let units = rows.iter().map(|row| [marker.id(*row), 1_u64]);
        Reply::new()
            .head_of(&columns, true)
            .binary_rows(units)
            .rows_end(self.status())
    }

    /// The answer to a request, in the binary protocol if it executes a statement.
    fn result(&mut self, marker: Marker, statement: Option<StatementId>) -> Reply {
        if marker.course == Course::Reported {
            let report = ProgressReport {
                stage: 1,
                max_stage: 2,
                progress: 50_000,
                info: b"copy to tmp table",
            };
            let report = Reply::new().packet(&report);
            return report.followed_by(&self.answer_to(marker, statement));
        }
        self.answer_to(marker, statement)
    }

    fn answer_to(&mut self, marker: Marker, statement: Option<StatementId>) -> Reply {
        let more = self.status() | ServerStatus::MORE_RESULTS_EXISTS;
        let form = Form {
            is_binary: statement.is_some(),
            is_altered: self.is_altered,
        };
        match marker.kind {
            Kind::Refused => return refused(marker),
            Kind::Deadlock => return self.deadlock(marker),
            Kind::Done | Kind::Rows | Kind::Call => self.note(marker, 0),
        }
        match marker.kind {
            Kind::Rows => {
                let follows = statement.is_none_or(|id| self.metadata_follows(id));
                let head = self.head(Reply::new(), follows);
                let count = usize::from(marker.rows);
                if marker.is_broken() {
                    return rows(head, marker, 0..count / 2, form)
                        .followed_by(&interrupted(marker));
                }
                rows(head, marker, 0..count, form).rows_end(self.status())
            }
            Kind::Call => {
                let count = usize::from(marker.rows);
                let first = rows(self.head(Reply::new(), true), marker, 0..count, form);
                let first = first.rows_end(more);
                if marker.is_broken() {
                    return first.followed_by(&interrupted(marker));
                }
                let second = self.head(first, true);
                let second = rows(second, marker, count / 2..count, form).rows_end(more);
                second.followed_by(&self.ok(u64::from(marker.number), marker.id(0)))
            }
            _ => self.ok(u64::from(marker.number), marker.id(0)),
        }
    }

    /// Goes on with the head of a result.
    fn head(&self, reply: Reply, metadata_follows: bool) -> Reply {
        reply.head_of(&columns(self.is_altered), metadata_follows)
    }

    fn open_cursor(&mut self, id: StatementId, marker: Marker) -> Reply {
        self.note(marker, 0);
        let follows = self.metadata_follows(id);
        let form = Form {
            is_binary: true,
            is_altered: self.is_altered,
        };
        if let Some(statement) = self.statement(id) {
            statement.cursor = Some((marker, 0, form));
        }
        let head = self.head(Reply::new(), follows);
        head.rows_end(self.status() | ServerStatus::CURSOR_EXISTS)
    }

    fn fetch(&mut self, command: ComStmtFetch) -> Reply {
        let status = self.status();
        let is_spoiled = self.line.is_spoiled;
        let Some(statement) = self.statement(command.statement) else {
            return unknown_statement();
        };
        let Some((marker, from, form)) = statement.cursor.take() else {
            assert!(is_spoiled, "no cursor is open");
            return Reply::err(1421, *b"HY000", "The statement has no open cursor");
        };
        let to = usize::from(marker.rows).min(from + command.rows as usize);
        let status = if to - from < command.rows as usize {
            status | ServerStatus::LAST_ROW_SENT
        } else {
            statement.cursor = Some((marker, to, form));
            status | ServerStatus::CURSOR_EXISTS
        };
        rows(Reply::new(), marker, from..to, form).rows_end(status)
    }

    /// Whether the definitions of the table are others than those that the statement's client knows.
    fn metadata_follows(&mut self, id: StatementId) -> bool {
        let is_altered = Some(self.is_altered);
        self.statement(id).is_none_or(|statement| {
            std::mem::replace(&mut statement.told, is_altered) != is_altered
        })
    }

    fn note(&mut self, marker: Marker, row: u32) {
        let transaction = self.transaction;
        let times = self.done.entry((marker.number, row)).or_default();
        times.push(transaction);
    }

    fn deadlock(&mut self, marker: Marker) -> Reply {
        self.transaction = None;
        Reply::err(1213, *b"40001", &marker.to_string())
    }

    fn status(&self) -> ServerStatus {
        let mut status = ServerStatus::AUTOCOMMIT;
        status.set(ServerStatus::IN_TRANS, self.transaction.is_some());
        status
    }

    fn ok(&self, affected_rows: u64, last_insert_id: u64) -> Reply {
        Reply::new().packet(&OkPacket {
            affected_rows,
            last_insert_id,
            status: self.status(),
            ..OkPacket::default()
        })
    }

    fn max_allowed_packet(&self) -> Reply {
        let count = ColumnCount {
            columns: 1,
            metadata_follows: true,
        };
        Reply::new()
            .packet(&count)
            .packet(&ColumnDefinition::new("n", FieldType::LongLong))
            .packet(&TextRowPacket::of(["16777216"]))
            .rows_end(self.status())
    }
}
