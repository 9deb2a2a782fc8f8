//! What a statement returns, and when two of those are the same.

use chrono::NaiveDate;

/// What became of a statement.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Answer {
    pub(super) sets: Vec<Set>,
    /// The code of the server's error, behind the results that came before it.
    pub(super) error: Option<u16>,
    /// What the driver refused, with no word of the server's.
    pub(super) refused: Option<String>,
}

/// A result.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Set {
    /// `None` if there is no row to say them.
    pub(super) names: Option<Vec<Vec<u8>>>,
    pub(super) rows: Vec<Vec<Cell>>,
}

/// A value in the words of the client, as far as it can be told.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cell {
    Null,
    Bytes(Vec<u8>),
    /// A number of which the client prints so many digits behind the point, or as many as it takes.
    Double {
        number: f64,
        decimals: Option<u8>,
    },
    /// The same, and at most six digits in all.
    Float {
        number: f32,
        decimals: Option<u8>,
    },
    /// A date that no calendar has, which record batches do not hold.
    NoDate,
}

impl Answer {
    pub(super) fn cells(&self) -> usize {
        let rows = self.sets.iter().flat_map(|set| &set.rows);
        rows.map(Vec::len).sum()
    }
}

/// What differs, if anything does. `expected` is what the client has printed.
pub(super) fn difference(expected: &Answer, found: &Answer) -> Option<String> {
    if let Some(refused) = &found.refused {
        return Some(refused.clone());
    }
    if expected.error != found.error {
        return Some(format!("error {:?} for {:?}", found.error, expected.error));
    }
    if expected.sets.len() != found.sets.len() {
        let (found, expected) = (found.sets.len(), expected.sets.len());
        return Some(format!("{found} results for {expected}"));
    }
    let mut sets = expected.sets.iter().zip(&found.sets);
    sets.find_map(|(expected, found)| of_sets(expected, found))
}

fn of_sets(expected: &Set, found: &Set) -> Option<String> {
    if expected.rows.len() != found.rows.len() {
        let (found, expected) = (found.rows.len(), expected.rows.len());
        return Some(format!("{found} rows for {expected}"));
    }
    if !expected.rows.is_empty() && expected.names != found.names {
        return Some(format!("{:?} for {:?}", found.names, expected.names));
    }
    let mut left: Vec<_> = found.rows.iter().collect();
    for (number, row) in expected.rows.iter().enumerate() {
        // The next one, or where the statement leaves their order open any that is left.
        let same = left.iter().position(|found| is_same_row(row, found));
        let Some(same) = same else {
            let found = left.first();
            return Some(format!("row {number}: {found:?} for {row:?}"));
        };
        left.remove(same);
    }
    None
}

fn is_same_row(expected: &[Cell], found: &[Cell]) -> bool {
    let mut cells = expected.iter().zip(found);
    expected.len() == found.len() && cells.all(|(expected, found)| is_same(expected, found))
}

fn is_same(expected: &Cell, found: &Cell) -> bool {
    match (expected, found) {
        (Cell::Null, Cell::NoDate) => true,
        (Cell::Bytes(printed), Cell::Bytes(found)) => {
            // XML has no zero bytes: the client writes spaces for them.
            let found = found
                .iter()
                .map(|byte| if *byte == 0 { b' ' } else { *byte });
            printed.iter().copied().eq(found)
        }
        (Cell::Bytes(printed), _) => {
            str::from_utf8(printed).is_ok_and(|text| is_printed(text, found))
        }
        _ => expected == found,
    }
}

fn is_printed(text: &str, found: &Cell) -> bool {
    match found {
        Cell::Double { number, decimals } => is_number(text, *number, *decimals, f64::EPSILON),
        // The sixth digit, rounded.
        Cell::Float { number, decimals } => is_number(text, f64::from(*number), *decimals, 5e-6),
        Cell::NoDate => text
            .get(..10)
            .is_none_or(|date| date.parse::<NaiveDate>().is_err()),
        Cell::Null | Cell::Bytes(_) => false,
    }
}

/// Whether `text` is the number, but for what is rounded.
fn is_number(text: &str, number: f64, decimals: Option<u8>, relative: f64) -> bool {
    let Ok(printed) = text.parse::<f64>() else {
        return false;
    };
    let rounded = decimals.map_or(0.0, |decimals| 0.5 * 10_f64.powi(-i32::from(decimals)));
    (printed - number).abs() <= rounded + number.abs() * relative
}

impl Cell {
    /// The bytes of a text.
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Bytes(text.into().into_bytes())
    }
}
