//! How far it is, for whoever looks on.

use std::io::{IsTerminal, stderr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// Rows, bytes and their rate, on standard error if that is a terminal.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    start: Instant,
    rows: u64,
    bytes: Arc<AtomicU64>,
}

impl Progress {
    pub(crate) fn new(quiet: bool) -> Self {
        let is_shown = !quiet && stderr().is_terminal();
        Self {
            bar: is_shown.then(bar),
            start: Instant::now(),
            rows: 0,
            bytes: Arc::default(),
        }
    }

    /// `bytes` says from now on how many bytes there have been.
    pub(crate) fn count_bytes(&mut self, bytes: Arc<AtomicU64>) {
        self.bytes = bytes;
    }

    pub(crate) fn add(&mut self, rows: u64) {
        self.rows += rows;
        if let Some(bar) = &self.bar {
            bar.set_message(format!(
                "{} rows, {}, {} rows/s",
                count(self.rows),
                size(self.bytes()),
                count(rate(self.rows, self.start.elapsed())),
            ));
        }
    }

    pub(crate) const fn rows(&self) -> u64 {
        self.rows
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn bar() -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed}  {msg}") {
        bar.set_style(style);
    }
    bar.set_message("waiting for the server");
    bar.enable_steady_tick(TICK);
    bar
}

/// `number` in groups of three digits.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let groups = digits.as_bytes().rchunks(3).rev();
    let groups: Vec<&str> = groups
        .filter_map(|group| std::str::from_utf8(group).ok())
        .collect();
    groups.join(",")
}

/// A number of bytes with three digits and a unit.
pub(crate) fn size(bytes: u64) -> String {
    let mut value = bytes;
    let mut rest = 0;
    let mut units = ["B", "KiB", "MiB", "GiB", "TiB"].iter();
    let mut unit = units.next();
    while value >= 1024 {
        let Some(next) = units.next() else {
            break;
        };
        unit = Some(next);
        rest = value % 1024 * 10 / 1024;
        value /= 1024;
    }
    let unit = unit.unwrap_or(&"B");
    if value < 10 && bytes >= 1024 {
        format!("{value}.{rest} {unit}")
    } else {
        format!("{value} {unit}")
    }
}

/// How many a second.
pub(crate) fn rate(count: u64, elapsed: Duration) -> u64 {
    let rate = u128::from(count) * 1_000_000 / elapsed.as_micros().max(1);
    u64::try_from(rate).unwrap_or(u64::MAX)
}

const TICK: Duration = Duration::from_millis(120);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_for_people() {
        assert_eq!(
            [0, 999, 1000, 1_234_567].map(count),
            ["0", "999", "1,000", "1,234,567"]
        );
        let sizes = [0, 1023, 1024, 1536, 10 << 20, u64::MAX].map(size);
        assert_eq!(
            sizes,
            [
                "0 B",
                "1023 B",
                "1.0 KiB",
                "1.5 KiB",
                "10 MiB",
                "16777215 TiB"
            ]
        );
        assert_eq!(rate(10, Duration::from_secs(2)), 5);
        assert_eq!(rate(10, Duration::ZERO), 10_000_000);
    }
}
