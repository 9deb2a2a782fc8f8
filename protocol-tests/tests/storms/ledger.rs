//! Calls that write rows with numbers of their own, what each of them was told, and whether the
//! table agrees.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use fastrand::Rng;
use otaria::{Error, Pool};
use protocol_tests::outcome::{Outcome, check_rows, is_of_faults};
use protocol_tests::traces::Watch;
use tokio::time::{Instant, timeout};

/// The calls of one storm.
#[derive(Debug)]
pub(crate) struct Ledger {
    /// The name of the table, with its schema.
    table: String,
    /// How long a call may take, whatever is done to it.
    limit: Duration,
    next: AtomicU64,
    outcomes: Mutex<BTreeMap<u64, Outcome>>,
    errors: Mutex<BTreeMap<String, usize>>,
    slowest: Mutex<Duration>,
    succeeded: AtomicUsize,
    failed: AtomicUsize,
}

/// What a call does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    Insert,
    InsertAsText,
    Transaction,
    Batch,
    /// An insert that is given up after a while.
    GivenUp,
    /// It writes nothing, and checks that its rows are its own.
    Query,
}

impl Ledger {
    /// Makes the table.
    pub(crate) async fn new(watch: &mut Watch, table: &str, limit: Duration) -> Self {
        let schema = table.split('.').next().unwrap_or_default();
        let statements = [
            format!("CREATE SCHEMA IF NOT EXISTS {schema}"),
            format!("CREATE TABLE {table} (id BIGINT NOT NULL, KEY (id)) ENGINE = InnoDB"),
        ];
        for sql in statements {
            watch.execute(&sql).await.unwrap();
        }
        Self {
            table: table.to_owned(),
            limit,
            next: AtomicU64::new(1),
            outcomes: Mutex::default(),
            errors: Mutex::default(),
            slowest: Mutex::default(),
            succeeded: AtomicUsize::new(0),
            failed: AtomicUsize::new(0),
        }
    }

    /// How many calls have been made.
    pub(crate) fn calls(&self) -> usize {
        self.succeeded() + self.failed()
    }

    pub(crate) fn succeeded(&self) -> usize {
        self.succeeded.load(Ordering::SeqCst)
    }

    pub(crate) fn failed(&self) -> usize {
        self.failed.load(Ordering::SeqCst)
    }

    /// Makes one call, and writes down what it was told.
    pub(crate) async fn call(&self, pool: &Pool, random: &mut Rng) {
        let id = self.next.fetch_add(1, Ordering::SeqCst);
        let kind = match random.u8(0..10) {
            0 | 1 => Kind::Insert,
            2 => Kind::InsertAsText,
            3 | 4 => Kind::Transaction,
            5 => Kind::Batch,
            6 => Kind::GivenUp,
            _ => Kind::Query,
        };
        let start = Instant::now();
        let patience = Duration::from_micros(random.u64(0..3_000));
        let call = async {
            if kind == Kind::GivenUp {
                timeout(patience, self.run(pool, kind, id)).await.ok()
            } else {
                Some(self.run(pool, kind, id).await)
            }
        };
        let Ok(result) = timeout(self.limit, call).await else {
            panic!("{kind:?} {id} hangs");
        };
        let took = start.elapsed();
        let mut slowest = self.slowest.lock().unwrap_or_else(PoisonError::into_inner);
        *slowest = took.max(*slowest);
        drop(slowest);
        self.note(kind, id, result.as_ref());
    }

    async fn run(&self, pool: &Pool, kind: Kind, id: u64) -> Result<(), Error> {
        let mut connection = match pool.get().await {
            Ok(connection) => connection,
            Err(error) => {
                // No statement was sent, whatever the reason.
                assert!(error.is_safe_to_retry(), "{id}: no connection: {error:?}");
                return Err(error);
            }
        };
        let table = &self.table;
        let insert = format!("INSERT INTO {table} VALUES (?)");
        match kind {
            Kind::Insert | Kind::GivenUp => connection.execute(&insert, (id,)).await.map(drop),
            Kind::InsertAsText => {
                let sql = insert.replace('?', &id.to_string());
                connection.simple_execute(&sql).await.map(drop)
            }
            Kind::Transaction => {
                let mut transaction = connection.transaction().await?;
                transaction.execute(&insert, (id,)).await?;
                transaction.execute(&insert, (id,)).await?;
                transaction.commit().await
            }
            Kind::Batch => {
                let rows = [(id,); BATCH_ROWS as usize];
                connection.execute_batch(&insert, rows).await.map(drop)
            }
            Kind::Query => {
                let sql = "SELECT ?, seq, @@in_transaction FROM seq_1_to_50";
                let rows: Vec<(u64, u64, u8)> = connection.query_all(sql, (id,)).await?;
                let expected: Vec<_> = (1..=50).map(|seq| (id, seq, 0)).collect();
                assert_eq!(rows, expected, "rows of another");
                Ok(())
            }
        }
    }

    fn note(&self, kind: Kind, id: u64, result: Option<&Result<(), Error>>) {
        let rows = match kind {
            Kind::Insert | Kind::InsertAsText | Kind::GivenUp => 1,
            Kind::Transaction => 2,
            Kind::Batch => BATCH_ROWS,
            Kind::Query => 0,
        };
        let unknown = match kind {
            // What the server has read of a batch when its client goes may be a part.
            Kind::Batch => Outcome::UpTo(rows),
            _ => Outcome::AllOrNone(rows),
        };
        let outcome = match result {
            Some(Ok(())) => Outcome::All(rows),
            Some(Err(error)) => {
                self.note_error(kind, error);
                if error.is_safe_to_retry() {
                    Outcome::All(0)
                } else {
                    unknown
                }
            }
            None => unknown,
        };
        let succeeded = matches!(result, Some(Ok(())));
        let counter = if succeeded {
            &self.succeeded
        } else {
            &self.failed
        };
        counter.fetch_add(1, Ordering::SeqCst);
        let mut outcomes = self.outcomes.lock().unwrap_or_else(PoisonError::into_inner);
        outcomes.insert(id, outcome);
    }

    /// An error of a server or a network that is gone has to say so.
    fn note_error(&self, kind: Kind, error: &Error) {
        let told = is_of_faults(error);
        let says = [
            error.is_safe_to_retry(),
            error.is_transient(),
            error.is_disconnect(),
        ];
        assert!(told && says.contains(&true), "{kind:?}: {says:?} {error:?}");
        let [safe, ..] = says;
        let what = format!("{error} [{:?}, safe to retry: {safe}]", error.kind());
        let mut errors = self.errors.lock().unwrap_or_else(PoisonError::into_inner);
        *errors.entry(what).or_default() += 1;
    }

    /// Prints what calls were told, and checks it against what is in the table.
    pub(crate) async fn settle(&self, watch: &mut Watch) {
        for (error, count) in &*self.errors.lock().unwrap_or_else(PoisonError::into_inner) {
            println!("{count:6} × {error}");
        }
        let (succeeded, failed) = (self.succeeded(), self.failed());
        println!(
            "{succeeded} calls succeeded, {failed} failed or were given up; the slowest took {:?}",
            self.slowest.lock().unwrap_or_else(PoisonError::into_inner)
        );
        let rows = watch.counts(&self.table).await.unwrap();
        let outcomes = self.outcomes.lock().unwrap_or_else(PoisonError::into_inner);
        check_rows(&outcomes, &rows);
    }
}

const BATCH_ROWS: u64 = 5;
