//! What calls did, what they were told, and whether the tables agree.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::iter::successors;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fastrand::Rng;
use otaria::{Error, ErrorKind};
use protocol_tests::outcome::{Outcome, check_rows, is_of_faults};
use protocol_tests::traces::Watch;
use tokio::time::timeout;

use super::calls::{Call, KINDS, Kind};
use super::lanes::Lane;

/// The calls of a soak. What they wrote is kept until it is settled.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    next: AtomicU64,
    outcomes: Mutex<BTreeMap<u64, Outcome>>,
    tallies: Mutex<BTreeMap<Kind, Tally>>,
    errors: Mutex<BTreeMap<String, usize>>,
}

/// What became of the calls of a kind.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    succeeded: usize,
    failed: usize,
    given_up: usize,
}

impl Ledger {
    /// Makes one call, which is given up now and then, and notes what it was told. Returns whether it
    /// has failed.
    ///
    /// # Panics
    /// If it is told something wrong, or nothing for too long.
    pub(crate) async fn call(&self, lane: &Lane, random: &mut Rng) -> bool {
        let id = 1 + self.next.fetch_add(1, Ordering::SeqCst);
        let kind = Kind::any(random);
        let mut call = Call::new(lane, kind, id, random.fork());
        // Most of the places to give up at are in the first moments.
        let patience = Duration::from_micros(1 << random.u32(0..16));
        let is_given_up = random.u8(0..6) == 0;
        let call = async {
            if is_given_up {
                timeout(patience, call.run()).await.ok()
            } else {
                Some(call.run().await)
            }
        };
        // On the heap: the futures of all kinds are one.
        let Ok(result) = timeout(CALL_LIMIT, Box::pin(call)).await else {
            panic!("{kind:?} {id} hangs on {}", lane.name);
        };
        self.note(lane, kind, id, result.as_ref());
        matches!(result, Some(Err(_)))
    }

    fn note(&self, lane: &Lane, kind: Kind, id: u64, result: Option<&Result<(), Error>>) {
        let mut tallies = lock(&self.tallies);
        let tally = tallies.entry(kind).or_default();
        match result {
            Some(Ok(())) => tally.succeeded += 1,
            Some(Err(_)) => tally.failed += 1,
            None => tally.given_up += 1,
        }
        drop(tallies);
        let outcome = match result {
            Some(Ok(())) => kind.told(),
            Some(Err(error)) => {
                self.note_error(lane, kind, error);
                // Of several statements, that of the last one says nothing of those before.
                if error.is_safe_to_retry() && kind.is_one_statement_or_transaction() {
                    Outcome::All(0)
                } else {
                    kind.in_doubt()
                }
            }
            None => kind.in_doubt(),
        };
        // What is not written down is expected not to be there.
        if outcome != Outcome::All(0) {
            lock(&self.outcomes).insert(id, outcome);
        }
    }

    /// An error of a server or a network that is gone, or of a session that was killed, has to say so.
    fn note_error(&self, lane: &Lane, kind: Kind, error: &Error) {
        let is_of_locks = matches!(error.kind(), ErrorKind::Deadlock | ErrorKind::LockTimeout);
        let is_told = is_of_faults(error)
            || is_of_locks && kind == Kind::Transfer
            // Of two changes the first may refuse the second.
            || error.kind() == ErrorKind::ReadOnly && kind == Kind::ChangeSession;
        assert!(is_told, "{kind:?} on {}: {error:?}", lane.name);
        let what = format!("{:?}: {}", error.kind(), without_numbers(&chain(error)));
        *lock(&self.errors).entry(what).or_default() += 1;
    }

    /// Checks what is in the tables against what calls were told, and empties them. Nothing may be
    /// under way. Returns how many rows there were.
    pub(crate) async fn settle(&self, watch: &mut Watch) -> u64 {
        let rows = watch.counts("soak.written").await.unwrap();
        let outcomes = std::mem::take(&mut *lock(&self.outcomes));
        check_rows(&outcomes, &rows);
        for (what, sql) in CONSISTENT {
            assert_eq!(watch.number(sql).await.unwrap(), 0, "{what}");
        }
        for sql in EMPTY {
            watch.execute(sql).await.unwrap();
        }
        rows.values().sum()
    }

    /// How many calls were made, in words.
    pub(crate) fn counts(&self) -> String {
        let tallies = lock(&self.tallies);
        let sum = |of: fn(&Tally) -> usize| tallies.values().map(of).sum::<usize>();
        format!(
            "{} calls succeeded, {} failed, {} given up",
            sum(|tally| tally.succeeded),
            sum(|tally| tally.failed),
            sum(|tally| tally.given_up)
        )
    }

    /// What became of the calls of each kind, and the errors.
    pub(crate) fn table(&self) -> String {
        let mut table = format!(
            "{:>16} {:>10} {:>10} {:>10}\n",
            "call", "succeeded", "failed", "given up"
        );
        for (kind, tally) in &*lock(&self.tallies) {
            let kind = format!("{kind:?}");
            writeln!(
                table,
                "{kind:>16} {:>10} {:>10} {:>10}",
                tally.succeeded, tally.failed, tally.given_up
            )
            .unwrap();
        }
        for (error, count) in &*lock(&self.errors) {
            writeln!(table, "{count:>8} × {error}").unwrap();
        }
        table
    }

    /// Checks that the load was what it says: with `all`, that calls of each kind have succeeded.
    ///
    /// # Panics
    /// If it was not.
    pub(crate) fn expect_some_of_each(&self, all: bool) {
        let tallies = lock(&self.tallies);
        let missing = KINDS.into_iter().filter(|kind| {
            let tally = tallies.get(kind);
            tally.is_none_or(|tally| tally.succeeded == 0)
        });
        let missing: Vec<_> = missing.collect();
        assert!(!all || missing.is_empty(), "none of {missing:?} succeeded");
        let failed: usize = tallies.values().map(|tally| tally.failed).sum();
        let given_up: usize = tallies.values().map(|tally| tally.given_up).sum();
        assert!(failed > 0 && given_up > 0, "there were faults");
    }
}

/// The error and its causes.
fn chain(error: &Error) -> String {
    let causes = successors(Some(error as &dyn std::error::Error), |error| {
        error.source()
    });
    causes
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}

/// Those of threads and the like make an error of each.
fn without_numbers(text: &str) -> String {
    let parts = text.split_inclusive(|c: char| c.is_ascii_digit());
    let parts = parts.map(|part| part.trim_end_matches(|c: char| c.is_ascii_digit()));
    parts.collect()
}

/// All that is written down stays true when a task panics.
fn lock<T>(state: &Mutex<T>) -> MutexGuard<'_, T> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What is counted here does not exist.
const CONSISTENT: [(&str, &str); 2] = [
    (
        "each transfer has written one row, and added 1 to two accounts",
        "SELECT CAST((SELECT SUM(n) FROM soak.account)
           - 2 * (SELECT COUNT(*) FROM soak.written WHERE part = -1) AS SIGNED)",
    ),
    (
        "parts that nobody has written",
        "SELECT COUNT(*) FROM soak.written WHERE part < -1 OR part >= 50",
    ),
];

const EMPTY: [&str; 2] = [
    "TRUNCATE TABLE soak.written",
    "UPDATE soak.account SET n = 0",
];

/// How long a call may take, whatever is done to it: several calls of the driver, each of which has
/// a limit, and attempts to stop statements.
const CALL_LIMIT: Duration = Duration::from_secs(40);
