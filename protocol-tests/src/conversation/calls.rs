//! The calls of a conversation that have a marker.

use std::num::NonZeroU32;

use otaria::{
    Batch, BatchExecuted, Connection, Error, Executed, FromRow, LongData, Pipeline, Statement,
    Transaction,
};

use super::check::Check;
use super::marker::{Kind, Marker};
use super::{Client, nobody};

/// What a call is made on.
pub(super) enum On<'a, 'c> {
    Connection(&'a mut Connection),
    Transaction(&'a mut Transaction<'c>),
}

/// The same call on the one or the other.
macro_rules! on {
    ($on:expr, $target:ident => $call:expr) => {
        match $on {
            On::Connection($target) => $call,
            On::Transaction($target) => $call,
        }
    };
}

/// A row, its cells found by their names.
#[derive(Debug, FromRow)]
struct Cells {
    m: String,
    i: i64,
    p: String,
}

/// What a call has come to.
enum Came {
    Rows,
    Executed(Executed),
    Row(Option<Cells>),
    Prepared(Statement),
}

/// In which transaction a call is made: none, or one whose number may not be known yet.
pub(super) type Within = Option<Option<u32>>;

impl Client<'_> {
    /// A call as the next byte says.
    pub(super) async fn call(&mut self, on: &mut On<'_, '_>, within: Within) {
        match self.input.byte() % 16 {
            0..=7 => self.query(on, within).await,
            8 => self.prepare(on).await,
            9 | 10 => self.pipeline(on, within).await,
            11 | 12 => self.batch(on, within).await,
            13 => self.load(on, within).await,
            14 => self.execute_pipeline(on, within).await,
            _ => self.simple(on, within).await,
        }
    }

    /// SQL by the text protocol.
    async fn simple(&mut self, on: &mut On<'_, '_>, within: Within) {
        let marker = self.marker(|kind| kind);
        let mut check = self.check(marker);
        check.style = self.input.byte();
        let sql = match marker.kind {
            Kind::Call => format!("CALL p('{marker}')"),
            Kind::Rows => format!("SELECT m, i, p FROM t WHERE m = '{marker}'"),
            _ => format!("UPDATE t SET m = '{marker}'"),
        };
        let without_rows = self.input.byte().is_multiple_of(4);
        let call = async {
            if without_rows {
                let executed = on!(on, c => c.simple_execute(&sql).await)?;
                return Ok(Came::Executed(executed));
            }
            let rows = on!(on, c => c.simple_query(&sql).await)?;
            check.read(rows).await?;
            Ok(Came::Rows)
        };
        let came = self.limited(call).await;
        self.came(came, &check, within);
    }

    /// A statement with a parameter.
    pub(super) async fn query(&mut self, on: &mut On<'_, '_>, within: Within) {
        let (sql, marker) = self.statement();
        let mut check = self.check(marker);
        check.style = self.input.byte();
        let way = self.input.byte() % 8;
        check.wants_one = matches!(way, 1 | 2);
        let fetch = NonZeroU32::new(1 + u32::from(self.input.byte() % 4)).expect("not 0");
        let held = self.held.last().cloned();
        let text = marker.to_string();
        let call = async {
            let rows = match (way, held) {
                (0, _) => {
                    let executed = on!(on, c => c.execute(sql, (&text,)).await)?;
                    return Ok(Came::Executed(executed));
                }
                (1 | 2, _) => {
                    let row = on!(on, c => c.query_opt(sql, (&text,)).await)?;
                    return Ok(Came::Row(row));
                }
                (3, _) if sql.starts_with("SELECT") => {
                    on!(on, c => c.query_with_cursor(sql, (&text,), fetch).await)?
                }
                (4 | 5, Some(held)) if **held.sql() == *sql => {
                    on!(on, c => c.query(&held, (&text,)).await)?
                }
                _ => on!(on, c => c.query(sql, (&text,)).await)?,
            };
            check.read(rows).await?;
            Ok(Came::Rows)
        };
        let came = self.limited(call).await;
        self.came(came, &check, within);
    }

    /// A statement whose parameter is sent ahead in two pieces, if it is executed at all.
    pub(super) async fn long_data(&mut self, connection: &mut Connection) {
        let (sql, marker) = self.statement();
        let mut check = self.check(marker);
        check.style = self.input.byte();
        let way = self.input.byte();
        let text = marker.to_string();
        let (first, rest) = text.as_bytes().split_at(usize::from(way / 8) % text.len());
        let call = async {
            let mut execution = connection.long_data(sql).await?;
            execution.send(0, first).await?;
            if way & 1 == 0 {
                execution.send(0, rest).await?;
            } else {
                execution.send_from(0, rest).await?;
            }
            match way / 2 % 4 {
                0 => return Ok(None),
                1 => {
                    let executed = execution.execute((LongData,)).await?;
                    return Ok(Some(Came::Executed(executed)));
                }
                _ => {}
            }
            let rows = execution.query((LongData,)).await?;
            check.read(rows).await?;
            Ok(Some(Came::Rows))
        };
        let came = self.limited(call).await.and_then(Result::transpose);
        self.came(came, &check, None);
    }

    async fn prepare(&mut self, on: &mut On<'_, '_>) {
        let check = self.check(nobody());
        let sql = STATEMENTS[usize::from(self.input.byte()) % STATEMENTS.len()];
        let call = async {
            let prepared = on!(on, c => c.prepare(sql).await)?;
            Ok(Came::Prepared(prepared))
        };
        match self.limited(call).await {
            Some(Ok(Came::Prepared(statement))) => {
                self.held.truncate(2);
                self.held.push(statement);
            }
            Some(Err(error)) => check.error(&error),
            _ => {}
        }
    }

    /// Statements without waiting for each other's results.
    async fn pipeline(&mut self, on: &mut On<'_, '_>, within: Within) {
        let (requests, checks) = self.requests();
        let pipeline = of(&requests);
        let take = usize::from(self.input.byte() % 8);
        let mut done = vec![false; checks.len()];
        let call = async {
            let mut results = on!(on, c => c.query_pipeline(&pipeline).await)?;
            for (index, check) in checks.iter().enumerate() {
                assert_eq!(results.remaining(), checks.len() - index);
                if take < 4 && take == index {
                    return Ok(());
                }
                let result = results.next().await.expect("a result for each");
                let read = match result {
                    Ok(rows) => check.read(rows).await,
                    Err(error) => Err(error),
                };
                match read {
                    Ok(()) => done[index] = true,
                    Err(error) => check.error(&error),
                }
            }
            assert!(results.next().await.is_none());
            Ok(())
        };
        let came: Option<Result<(), Error>> = self.limited(call).await;
        for (check, done) in checks.iter().zip(done) {
            match &came {
                Some(Err(error)) => check.error(error),
                _ if done => check.done(1, self.transaction_of(within, check)),
                _ => {}
            }
        }
    }

    async fn execute_pipeline(&mut self, on: &mut On<'_, '_>, within: Within) {
        let (requests, checks) = self.requests();
        let pipeline = of(&requests);
        let call = async { on!(on, c => c.execute_pipeline(&pipeline).await) };
        let results = match self.limited(call).await {
            Some(Ok(results)) => results,
            Some(Err(error)) => return checks.iter().for_each(|check| check.error(&error)),
            None => return,
        };
        assert_eq!(results.len(), checks.len());
        for (check, result) in checks.iter().zip(results) {
            self.came(Some(result.map(Came::Executed)), check, within);
        }
    }

    /// Statements, each with the text of its marker.
    fn requests(&mut self) -> (Vec<(&'static str, String)>, Vec<Check>) {
        let mut requests = Vec::new();
        for _ in 0..self.input.byte() % 6 {
            requests.push((self.statement(), self.input.byte()));
        }
        // Each may be ended by one before it.
        let check = |((_, marker), style): &((_, Marker), u8)| Check {
            style: *style,
            ..self.check(*marker)
        };
        let checks = requests.iter().map(check).collect();
        let texts = requests.into_iter();
        let texts = texts.map(|((sql, marker), _)| (sql, marker.to_string()));
        (texts.collect(), checks)
    }

    /// A statement for many rows.
    async fn batch(&mut self, on: &mut On<'_, '_>, within: Within) {
        let marker = self.marker(|kind| match kind {
            Kind::Rows | Kind::Call => Kind::Done,
            kind => kind,
        });
        let check = self.check(marker);
        let (rows, form) = (u32::from(self.input.byte() % 32), self.input.byte());
        let text = marker.to_string();
        let call = async {
            let sql = "INSERT INTO b (m, i) VALUES (?, ?)";
            let batch = on!(on, c => c.batch(sql));
            let rows = (0..rows).map(|row| (&text, row));
            with_form(batch, form).run(rows).await
        };
        match self.limited(call).await {
            Some(Ok(executed)) => {
                batch_is(&check, &executed, rows);
                if rows > 0 {
                    check.done(rows, self.transaction_of(within, &check));
                }
            }
            Some(Err(error)) => check.error(&error),
            None => {}
        }
    }

    async fn load(&mut self, on: &mut On<'_, '_>, within: Within) {
        let marker = self.marker(|kind| match kind {
            Kind::Rows | Kind::Call => Kind::Done,
            kind => kind,
        });
        let check = self.check(marker);
        let sql = format!("LOAD DATA LOCAL INFILE '{marker}' INTO TABLE t");
        let content = file(marker);
        let call = async { on!(on, c => c.load_data_local(&sql, &content[..]).await) };
        match self.limited(call).await {
            Some(Ok(executed)) => {
                check.done(1, self.transaction_of(within, &check));
                assert!(executed.affected_rows == 1 || self.shared.server().line.is_spoiled);
            }
            Some(Err(error)) => check.error(&error),
            None => {}
        }
    }

    /// One of the statements, and a marker whose kind it can have.
    fn statement(&mut self) -> (&'static str, Marker) {
        let sql = STATEMENTS[usize::from(self.input.byte()) % STATEMENTS.len()];
        let marker = self.marker(|kind| match (sql.as_bytes()[0], kind) {
            (_, Kind::Refused | Kind::Deadlock) => kind,
            (b'S', _) => Kind::Rows,
            (b'C', _) => Kind::Call,
            _ => Kind::Done,
        });
        (sql, marker)
    }

    fn came(&self, came: Option<Result<Came, Error>>, check: &Check, within: Within) {
        match came {
            None => return,
            Some(Err(error)) => return check.error(&error),
            Some(Ok(Came::Executed(executed))) => check.executed(&executed),
            Some(Ok(Came::Row(row))) => check.only_row(row.map(|row| (row.m, row.i, row.p))),
            Some(Ok(Came::Rows | Came::Prepared(_))) => {}
        }
        check.done(1, self.transaction_of(within, check));
    }

    /// The transaction that a call was made in: that in which it was done first, where its number was
    /// not known before.
    fn transaction_of(&self, within: Within, check: &Check) -> Option<u32> {
        let number = within?;
        number.or_else(|| {
            let server = self.shared.server();
            let first = server.done(check.marker, 0).first().copied();
            let first = first.flatten();
            assert!(first.is_some() || server.line.is_spoiled, "done outside");
            first
        })
    }
}

fn of<'p>(requests: &'p [(&'static str, String)]) -> Pipeline<'p> {
    let mut pipeline = Pipeline::new();
    for (sql, text) in requests {
        pipeline.push(*sql, (text,));
    }
    pipeline
}

fn with_form<'c, 's>(batch: Batch<'c, 's>, form: u8) -> Batch<'c, 's> {
    let batch = batch
        .unit_results(form & 1 != 0)
        .bulk(form & 2 == 0)
        .multi_row_values(form & 4 != 0)
        .last_insert_id(form & 8 != 0);
    match form >> 4 & 3 {
        0 => batch.max_command_bytes(100),
        _ => batch,
    }
}

/// A batch has done all of its rows, as it says.
fn batch_is(check: &Check, executed: &BatchExecuted, rows: u32) {
    if check.shared.server().line.is_spoiled {
        return;
    }
    assert_eq!(executed.rows, u64::from(rows));
    assert_eq!(executed.affected_rows, u64::from(rows));
    for (row, unit) in executed.unit_results.iter().enumerate() {
        assert_eq!(unit.last_insert_id, check.marker.id(row as u32));
        assert_eq!(unit.affected_rows, 1);
    }
    assert!([0, rows as usize].contains(&executed.unit_results.len()));
}

/// The content of the file of a request.
pub(super) fn file(marker: Marker) -> Vec<u8> {
    let times = usize::from(marker.rows) * (1 + marker.padding(0).len() / 20);
    marker
        .to_string()
        .repeat(times.min(MOST_TIMES))
        .into_bytes()
}

/// More of it takes a fuzzer seconds, byte by byte.
const MOST_TIMES: usize = 2_000;

const STATEMENTS: [&str; 6] = [
    "SELECT m, i, p FROM t WHERE m = ?",
    "SELECT m, i, p FROM u WHERE m = ?",
    "SELECT m, i, p FROM v WHERE m = ?",
    "UPDATE t SET m = ?",
    "INSERT INTO t (m) VALUES (?)",
    "CALL p(?)",
];
