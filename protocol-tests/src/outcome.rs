//! What calls were told under faults, beside what is in the table they wrote to.

use std::collections::BTreeMap;

use otaria::{Error, ErrorKind, PoolError, TlsError};

use crate::certificates::{Identity, Leaf};
use crate::live::LiveServer;

/// How many rows of a call are in the table, as far as it was told.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// As many as this.
    All(u64),
    /// Nobody knows: none or as many as this.
    AllOrNone(u64),
    /// Nobody knows: at most as many as this.
    UpTo(u64),
}

impl Outcome {
    const fn allows(self, found: u64) -> bool {
        match self {
            Self::All(rows) => found == rows,
            Self::AllOrNone(rows) => found == 0 || found == rows,
            Self::UpTo(rows) => found <= rows,
        }
    }
}

/// Checks how many rows of each call there are.
///
/// # Panics
/// If there are more or fewer than a call was told, or rows of no call.
pub fn check_rows(outcomes: &BTreeMap<u64, Outcome>, rows: &BTreeMap<u64, u64>) {
    let wrong: Vec<_> = outcomes
        .iter()
        .map(|(id, outcome)| (id, outcome, rows.get(id).copied().unwrap_or(0)))
        .filter(|(_, outcome, found)| !outcome.allows(*found))
        .collect();
    assert!(wrong.is_empty(), "(id, outcome, rows found): {wrong:?}");
    let strangers: Vec<_> = rows
        .keys()
        .filter(|id| !outcomes.contains_key(id))
        .collect();
    assert!(strangers.is_empty(), "rows of no call: {strangers:?}");
}

/// Whether the error is what a call may be told whose server or network is gone, or whose session was
/// killed.
pub fn is_of_faults(error: &Error) -> bool {
    let is_told = matches!(
        error.kind(),
        ErrorKind::Disconnected
            | ErrorKind::Timeout
            | ErrorKind::Unavailable
            | ErrorKind::Cancelled
            | ErrorKind::TransactionAborted
    );
    // What was cut at the login may say many things, and no statement was sent.
    is_told || matches!(error, Error::Pool(PoolError::Connect(_))) || is_alert(error)
}

/// What is cut within a record of TLS is answered by an alert.
fn is_alert(error: &(dyn std::error::Error + 'static)) -> bool {
    let boxed = error.downcast_ref::<Box<Error>>().map(|error| &**error);
    let is_one = matches!(
        boxed.or_else(|| error.downcast_ref()),
        Some(Error::Tls(TlsError::Record(_)))
    );
    is_one || error.source().is_some_and(is_alert)
}

/// A server of one's own that offers TLS and can be ended at any moment: what is committed survives
/// the end of the process, and so do pages that it has half written.
///
/// # Panics
/// If there is no server.
pub fn start_server() -> LiveServer {
    let identity = Identity::self_signed(&Leaf::server(["localhost"]));
    let server = LiveServer::builder()
        .tls(&identity)
        .option("--innodb-flush-log-at-trx-commit=2")
        .option("--innodb-doublewrite=ON")
        .option("--max-connections=300");
    let server = server.start();
    server.unwrap_or_else(|error| panic!("no server to test with: {error:?}"))
}
