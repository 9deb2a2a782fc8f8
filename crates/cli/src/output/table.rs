use std::io::Write;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Schema};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use unicode_width::UnicodeWidthChar;

use crate::redaction::commands_terminal;

use super::{BatchWriter, Destination, WriteError};

/// Writes a table for people to read: its columns are as wide as the first rows need, and no cell is
/// longer than some dozens of characters. What would command the terminal is shown, not done.
pub(crate) struct Table {
    destination: Destination,
    names: Vec<String>,
    is_number: Vec<bool>,
    /// Lines that are held back until it is known how wide the columns are; `None` when it is.
    head: Option<Vec<Vec<String>>>,
    widths: Vec<usize>,
}

impl Table {
    pub(crate) fn new(schema: &Schema, destination: Destination) -> Self {
        let fields = schema.fields();
        let is_number = |data_type: &DataType| data_type.is_numeric();
        Self {
            destination,
            names: fields.iter().map(|field| shown(field.name())).collect(),
            is_number: fields
                .iter()
                .map(|field| is_number(field.data_type()))
                .collect(),
            head: Some(Vec::new()),
            widths: Vec::new(),
        }
    }

    /// Writes what was held back.
    fn settle(&mut self) -> Result<(), WriteError> {
        let Some(lines) = self.head.take() else {
            return Ok(());
        };
        self.widths = self.names.iter().map(|name| width(name)).collect();
        for line in &lines {
            for (widest, cell) in self.widths.iter_mut().zip(line) {
                *widest = width(cell).max(*widest);
            }
        }
        let names = std::mem::take(&mut self.names);
        self.line(&names)?;
        let rules: Vec<String> = self.widths.iter().map(|&width| "─".repeat(width)).collect();
        writeln!(self.destination, "{}", rules.join("──"))?;
        lines.iter().try_for_each(|line| self.line(line))
    }

    fn line(&mut self, cells: &[String]) -> Result<(), WriteError> {
        let mut text = String::new();
        let columns = cells.iter().zip(&self.widths).zip(&self.is_number);
        for ((cell, &column_width), is_number) in columns {
            let padding = " ".repeat(column_width.saturating_sub(width(cell)));
            if *is_number {
                text.extend([padding.as_str(), cell, "  "]);
            } else {
                text.extend([cell, padding.as_str(), "  "]);
            }
        }
        Ok(writeln!(self.destination, "{}", text.trim_end())?)
    }
}

impl BatchWriter for Table {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), WriteError> {
        let options = FormatOptions::new().with_null("NULL");
        let columns = batch.columns().iter();
        let columns = columns.map(|column| ArrayFormatter::try_new(column, &options));
        let columns = columns.collect::<Result<Vec<_>, _>>()?;
        for row in 0..batch.num_rows() {
            let cells = columns.iter().map(|column| {
                let cell = column.value(row).try_to_string()?;
                Ok(shown(&cell))
            });
            let cells = cells.collect::<Result<Vec<String>, WriteError>>()?;
            match &mut self.head {
                Some(head) => {
                    head.push(cells);
                    if head.len() >= HEAD_ROWS {
                        self.settle()?;
                    }
                }
                None => self.line(&cells)?,
            }
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), WriteError> {
        self.settle()?;
        Ok(self.destination.flush()?)
    }
}

/// A cell as it is shown: one line without characters that command a terminal, and not too long.
fn shown(text: &str) -> String {
    let mut shown = String::new();
    let mut columns = 0;
    for character in text.chars() {
        columns += character.width().unwrap_or(1);
        if columns > MAX_CELL_WIDTH {
            shown.push('…');
            break;
        }
        match character {
            '\n' => shown.push('␊'),
            '\r' => shown.push('␍'),
            '\t' => shown.push('␉'),
            _ if commands_terminal(character) => shown.push(char::REPLACEMENT_CHARACTER),
            _ => shown.push(character),
        }
    }
    shown
}

/// How many columns of a terminal it takes.
fn width(text: &str) -> usize {
    text.chars()
        .map(|character| character.width().unwrap_or(1))
        .sum()
}

/// How many rows decide how wide columns are.
const HEAD_ROWS: usize = 1000;
const MAX_CELL_WIDTH: usize = 64;
