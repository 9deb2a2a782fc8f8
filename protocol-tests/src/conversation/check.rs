//! What a client may be told: what is its own, or that it failed.

use otaria::{ColumnDefinition, Error, Executed, Row, Rows, ValueRef};

use super::marker::{Kind, Marker};
use super::server::Shared;
use crate::fixture;

/// What is known of a call, to judge what comes of it.
#[derive(Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each may be so whatever the others are"
)]
pub(super) struct Check {
    pub(super) shared: Shared,
    pub(super) marker: Marker,
    /// How the rows are read.
    pub(super) style: u8,
    /// Whether the call may fail though the line is whole: the client rather closes the connection
    /// than read much that an earlier one has left.
    pub(super) may_be_closed: bool,
    /// Whether a statement of the transaction may have ended it.
    pub(super) may_be_aborted: bool,
    /// Whether a prepare may be refused.
    pub(super) may_be_unprepared: bool,
    /// Whether one row is wanted.
    pub(super) wants_one: bool,
}

impl Check {
    fn is_spoiled(&self) -> bool {
        self.shared.server().line.is_spoiled
    }

    /// Reads the rows as `style` says, and checks them.
    pub(super) async fn read(&self, rows: Rows<'_>) -> Result<(), Error> {
        let take = usize::from(self.style / 8 % 8);
        match self.style % 8 {
            0 | 1 => self.read_all(rows, false).await,
            2 | 3 => self.read_all(rows, true).await,
            4 => {
                self.read_some(rows, take).await?.finish().await?;
                Ok(())
            }
            5 => {
                let mut index = 0;
                rows.for_each(|row| {
                    self.row(&row, 0, index);
                    index += 1;
                    Ok::<(), Error>(())
                })
                .await?;
                self.ended(0, index);
                Ok(())
            }
            6 => {
                let rows = self.read_some(rows, take).await?;
                self.read_received(rows, take)
            }
            _ => {
                self.read_some(rows, take).await?;
                Ok(())
            }
        }
    }

    async fn read_all(&self, mut rows: Rows<'_>, in_chunks: bool) -> Result<(), Error> {
        for result in 0.. {
            let mut index = 0;
            if in_chunks {
                while let Some(chunk) = rows.next_chunk().await? {
                    for row in chunk {
                        self.row(&row, result, index);
                        index += 1;
                    }
                }
            } else {
                while let Some(row) = rows.next().await? {
                    self.row(&row, result, index);
                    index += 1;
                }
            }
            self.ended(result, index);
            if result + 1 == self.results() || self.is_spoiled() {
                self.executed(rows.executed());
            }
            if !rows.next_result_set().await? {
                let count = result + 1;
                assert!(
                    count == self.results() || self.is_spoiled(),
                    "{count} results"
                );
                return Ok(());
            }
        }
        Ok(())
    }

    async fn read_some<'c>(&self, mut rows: Rows<'c>, take: usize) -> Result<Rows<'c>, Error> {
        for index in 0..take {
            let Some(row) = rows.next().await? else { break };
            self.row(&row, 0, index);
        }
        Ok(rows)
    }

    /// What there is without waiting.
    fn read_received(&self, mut rows: Rows<'_>, from: usize) -> Result<(), Error> {
        let mut index = from;
        while let Some(row) = rows.try_next()? {
            self.row(&row, 0, index);
            index += 1;
        }
        if rows.is_at_end() && index > from {
            self.ended(0, index);
        }
        Ok(())
    }

    /// How many results there are.
    fn results(&self) -> usize {
        if self.marker.kind == Kind::Call { 3 } else { 1 }
    }

    /// The first row of a result, and the one behind its last.
    fn bounds(&self, result: usize) -> (usize, usize) {
        let rows = usize::from(self.marker.rows);
        match (self.marker.kind, result) {
            (Kind::Rows | Kind::Call, 0) => (0, rows),
            (Kind::Call, 1) => (rows / 2, rows),
            _ => (0, 0),
        }
    }

    /// The row of this index is the request's own.
    fn row(&self, row: &Row<'_>, result: usize, index: usize) {
        for cell in 0..row.len() {
            if let Ok(ValueRef::Text(text)) = row.get(cell) {
                self.is_mine(text.as_bytes());
            } else if let Ok(ValueRef::Bytes(bytes)) = row.get(cell) {
                self.is_mine(bytes);
            }
        }
        if self.is_spoiled() {
            return;
        }
        let (first, end) = self.bounds(result);
        let index = first + index;
        assert!(index < end, "row {index} of {end}");
        let names: Vec<&str> = row.columns().iter().map(ColumnDefinition::name).collect();
        assert!(
            names == ["m", "i", "p"] || names == ["i", "p", "m"],
            "{names:?}"
        );
        let cells: (&str, usize, &str) = (
            row.get("m").expect("the marker"),
            row.get("i").expect("the number"),
            row.get("p").expect("the padding"),
        );
        let marker = self.marker.to_string();
        assert_eq!(cells, (&*marker, index, &*self.marker.padding(index)));
    }

    /// The only row is the request's own.
    pub(super) fn only_row(&self, row: Option<(String, i64, String)>) {
        let Some((text, number, padding)) = row else {
            let has_none = self.marker.kind != Kind::Rows || self.marker.rows == 0;
            assert!(has_none || self.is_spoiled(), "there is a row");
            return;
        };
        self.is_mine(text.as_bytes());
        self.is_mine(padding.as_bytes());
        if !self.is_spoiled() {
            let expected = (self.marker.to_string(), 0, self.marker.padding(0));
            assert_eq!((text, number, padding), expected);
        }
    }

    /// No other request's marker stands in `text`.
    fn is_mine(&self, text: &[u8]) {
        let server = self.shared.server();
        if server.line.is_unnumbered() {
            return;
        }
        // What is behind it in an error may be what the packet should have left.
        let most = if server.line.has_false_header {
            1
        } else {
            usize::MAX
        };
        for (found, _) in Marker::all(text).take(most) {
            assert_eq!(found.number, self.marker.number, "another's answer");
        }
    }

    /// The rows of a result have ended behind so many.
    fn ended(&self, result: usize, rows: usize) {
        let (first, end) = self.bounds(result);
        assert!(first + rows == end || self.is_spoiled(), "{rows} rows");
    }

    /// What the last result says that it has done.
    pub(super) fn executed(&self, executed: &Executed) {
        if self.marker.kind != Kind::Rows && !self.is_spoiled() {
            assert_eq!(executed.affected_rows, u64::from(self.marker.number));
            assert_eq!(executed.last_insert_id, self.marker.id(0));
        }
    }

    /// The call is done: so is the request, once, and in this transaction.
    pub(super) fn done(&self, rows: u32, transaction: Option<u32>) {
        let server = self.shared.server();
        if server.line.is_spoiled {
            return;
        }
        for row in 0..rows {
            let done = server.done(self.marker, row);
            // What only reads may be read again, in a pipeline whose transaction was in doubt.
            let is_done = done == [transaction]
                || self.marker.kind == Kind::Rows && done.contains(&transaction);
            assert!(is_done, "row {row} in {done:?}, not {transaction:?}");
        }
    }

    /// The call failed, as it may.
    pub(super) fn error(&self, error: &Error) {
        self.is_mine(fixture::chain(error).as_bytes());
        let server = self.shared.server();
        if server.line.is_spoiled {
            return;
        }
        let is_expected = match cause(error) {
            Error::Server(refused) => match Marker::find(refused.message().as_bytes()) {
                Some(marker) => {
                    let is_refused = matches!(marker.kind, Kind::Refused | Kind::Deadlock);
                    assert!(is_refused || marker.is_broken());
                    true
                }
                None => self.may_be_unprepared && refused.code() == 1064,
            },
            Error::TransactionAborted { .. } => self.may_be_aborted,
            Error::RowCount { .. } => {
                self.wants_one && (self.marker.kind != Kind::Rows || self.marker.rows != 1)
            }
            _ => false,
        };
        let may_fail = server.line.is_broken || self.may_be_closed;
        assert!(is_expected || may_fail, "{error:?}");
        if error.is_safe_to_retry() && self.marker.kind != Kind::Rows {
            assert!(!server.has_done(self.marker), "{error:?}, and it was done");
        }
    }
}

/// The error inside the error of a batch or a pipeline.
fn cause(error: &Error) -> &Error {
    match error {
        Error::Batch(batch) => cause(&batch.source),
        Error::Pipeline { source, .. } => cause(source),
        error => error,
    }
}
