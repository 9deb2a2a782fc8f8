use otaria_session::{BatchError, BatchWay, Error, Executed};

use super::{BatchExecuted, UnitResult};

/// What is known of the rows of a batch.
pub(super) struct Tally {
    pub(super) executed: BatchExecuted,
    /// How many rows have been pulled.
    pub(super) pulled: u64,
    /// How many are in commands that are queued or sent and have no answer.
    pub(super) in_flight: u64,
    refused: u64,
    /// The unit results of the command that is being answered.
    pub(super) units: Vec<UnitResult>,
    /// Whether a command had none, so that those of the others are of no use.
    pub(super) lacks_units: bool,
    /// The row at fault, if it is known.
    pub(super) row: Option<u64>,
    may_remain: bool,
}

impl Tally {
    pub(super) const fn new() -> Self {
        Self {
            executed: BatchExecuted {
                rows: 0,
                affected_rows: 0,
                last_insert_id: 0,
                warnings: 0,
                way: BatchWay::Bulk,
                unit_results: Vec::new(),
            },
            pulled: 0,
            in_flight: 0,
            refused: 0,
            units: Vec::new(),
            lacks_units: false,
            row: None,
            may_remain: false,
        }
    }

    /// How many rows have an answer.
    pub(super) const fn answered(&self) -> u64 {
        self.executed.rows + self.refused
    }

    /// The server has executed a command of so many rows.
    pub(super) fn confirm(&mut self, rows: u64, done: &Executed) {
        self.executed.rows += rows;
        self.in_flight = self.in_flight.saturating_sub(rows);
        self.add(done);
    }

    /// The server has refused a command of so many rows, of which some may have been executed.
    pub(super) const fn refuse(&mut self, rows: u64, may_remain: bool) {
        self.refused += rows;
        self.in_flight = self.in_flight.saturating_sub(rows);
        self.may_remain |= may_remain;
    }

    /// So many rows were not sent, or have to be sent again.
    pub(super) const fn take_back(&mut self, rows: u64) {
        self.in_flight = self.in_flight.saturating_sub(rows);
    }

    /// One more result of the command that is being answered.
    fn add(&mut self, done: &Executed) {
        let affected_rows = &mut self.executed.affected_rows;
        *affected_rows = affected_rows.saturating_add(done.affected_rows);
        self.executed.warnings += u64::from(done.warnings);
        if self.executed.last_insert_id == 0 {
            self.executed.last_insert_id = done.last_insert_id;
        }
    }

    /// The batch has ended by `source`.
    pub(super) fn error(self, source: Error) -> Error {
        let mut error = BatchError::new(source, self.executed.way);
        error.row = self.row;
        error.rows_confirmed = self.executed.rows;
        error.rows_refused = self.refused;
        // Closed says that nothing of the commands without an answer had left.
        let was_sent = !matches!(error.source, Error::Closed { .. });
        error.rows_unknown = if was_sent { self.in_flight } else { 0 };
        error.may_remain = self.may_remain;
        Error::Batch(Box::new(error))
    }
}
