//! Results and numbers for people to read.

use std::time::Duration;

use otaria::{ColumnDefinition, Error, Rows, ValueRef};

/// Prints what is left of the current result under a header, in columns as wide as their widest
/// cell, numbers to the right.
pub async fn print(mut rows: Rows<'_>) -> Result<(), Error> {
    let names = rows.columns().iter().map(ColumnDefinition::name);
    let header: Vec<Cell> = names.map(Cell::left).collect();
    let mut lines = Vec::new();
    while let Some(row) = rows.next().await? {
        let cells = (0..row.len()).map(|index| Ok(Cell::of(row.get(index)?)));
        lines.push(cells.collect::<Result<Vec<_>, Error>>()?);
    }
    rows.finish().await?;
    lines.insert(0, header);
    let widths = widths(&lines);
    let rule: Vec<Cell> = widths
        .iter()
        .map(|&width| Cell::left("─".repeat(width)))
        .collect();
    lines.insert(1, rule);
    for line in &lines {
        let cells: Vec<String> = line
            .iter()
            .zip(&widths)
            .map(|(cell, &width)| cell.padded(width))
            .collect();
        println!("  {}", cells.join("  ").trim_end());
    }
    Ok(())
}

/// `number` in groups of three digits.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .filter_map(|group| std::str::from_utf8(group).ok())
        .collect();
    groups.join(",")
}

/// How many a second `count` in `elapsed` are.
pub fn per_second(count: u64, elapsed: Duration) -> String {
    let rate = u128::from(count) * 1_000_000 / elapsed.as_micros().max(1);
    grouped(u64::try_from(rate).unwrap_or(u64::MAX))
}

/// A cell as it is printed.
struct Cell {
    text: String,
    is_number: bool,
}

impl Cell {
    fn left(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            is_number: false,
        }
    }

    fn of(value: ValueRef<'_>) -> Self {
        let (text, is_number) = match value {
            ValueRef::Null => ("NULL".to_owned(), false),
            ValueRef::Int(number) => (number.to_string(), true),
            ValueRef::UInt(number) => (number.to_string(), true),
            ValueRef::Float(number) => (number.to_string(), true),
            ValueRef::Double(number) => (number.to_string(), true),
            ValueRef::Decimal(number) => (number.to_owned(), true),
            ValueRef::Text(text) => (text.to_owned(), false),
            ValueRef::Bytes(bytes) => (format!("{} bytes", bytes.len()), false),
            ValueRef::Date(date) => (date.to_string(), false),
            ValueRef::DateTime(datetime) => (datetime.to_string(), false),
            ValueRef::Time(time) => (time.to_string(), false),
        };
        Self { text, is_number }
    }

    /// How many columns of a terminal it takes.
    fn width(&self) -> usize {
        self.text
            .chars()
            .map(|c| if is_wide(c) { 2 } else { 1 })
            .sum()
    }

    fn padded(&self, width: usize) -> String {
        let padding = " ".repeat(width.saturating_sub(self.width()));
        if self.is_number {
            format!("{padding}{}", self.text)
        } else {
            format!("{}{padding}", self.text)
        }
    }
}

fn widths(lines: &[Vec<Cell>]) -> Vec<usize> {
    let columns = lines.first().map_or(0, Vec::len);
    let mut widths = vec![0; columns];
    for line in lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = cell.width().max(*width);
        }
    }
    widths
}

/// Whether a terminal gives the character two columns: the blocks of East Asian scripts and of
/// emoji.
fn is_wide(character: char) -> bool {
    matches!(character, '\u{2e80}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}' | '\u{1f300}'..='\u{1faff}')
}
