//! Reads rows of nine columns out of memory: the cost of a row without a server, a socket or a
//! runtime.
//!
//! `decode9 CELLS ROWS`, the texts as `str` or `bytes`: the rows of a block that is made once are read again and again, so
//! that the difference of two counts is that of the reading alone.

use std::env;
use std::hint::black_box;

use otaria_benches::lineitem;
use otaria_binary::BinaryRow;
use otaria_types::{Columns, FromRow, FromRowError, RowReader};

type WithText<'a> = (
    i64,
    i32,
    i32,
    i32,
    &'a str,
    &'a str,
    &'a str,
    &'a str,
    &'a str,
);
type WithBytes<'a> = (
    i64,
    i32,
    i32,
    i32,
    &'a [u8],
    &'a [u8],
    &'a [u8],
    &'a [u8],
    &'a [u8],
);

fn main() {
    let mut arguments = env::args().skip(1);
    let cells = arguments.next();
    let rows = arguments.next().and_then(|rows| rows.parse().ok());
    let rows = rows.expect("how many rows to read");

    let columns = lineitem::columns();
    let block: Vec<Vec<u8>> = (1..=BLOCK_ROWS).map(lineitem::binary_row).collect();
    let payloads = block.iter().cycle().take(rows);
    let sum = match cells.as_deref() {
        Some("str") => read_text(payloads, black_box(&columns)),
        Some("bytes") => read_bytes(payloads, black_box(&columns)),
        _ => panic!("texts are read as str or as bytes"),
    };
    println!("{rows} rows, sum {}", sum.expect("all rows can be read"));
}

fn read_text<'a>(
    payloads: impl Iterator<Item = &'a Vec<u8>>,
    columns: &'a Columns,
) -> Result<usize, FromRowError> {
    let mut sum = 0_usize;
    let plan = WithText::plan(columns)?;
    for payload in payloads {
        let row: WithText<'a> = read(payload, columns, &plan)?;
        sum += odd(row.0, [row.1, row.2, row.3]);
        sum += row.4.len() + row.5.len() + row.6.len() + row.7.len() + row.8.len();
    }
    Ok(sum)
}

fn read_bytes<'a>(
    payloads: impl Iterator<Item = &'a Vec<u8>>,
    columns: &'a Columns,
) -> Result<usize, FromRowError> {
    let mut sum = 0_usize;
    let plan = WithBytes::plan(columns)?;
    for payload in payloads {
        let row: WithBytes<'a> = read(payload, columns, &plan)?;
        sum += odd(row.0, [row.1, row.2, row.3]);
        sum += row.4.len() + row.5.len() + row.6.len() + row.7.len() + row.8.len();
    }
    Ok(sum)
}

#[inline]
fn read<'a, T: FromRow<'a>>(
    payload: &'a [u8],
    columns: &'a Columns,
    plan: &T::Plan,
) -> Result<T, FromRowError> {
    let mut row = BinaryRow::new(payload, columns.len())?;
    T::from_row(&mut row, columns, plan)
}

/// How many of the numbers are odd: a use for them that costs little.
#[inline]
fn odd(key: i64, numbers: [i32; 3]) -> usize {
    usize::from(key & 1 == 1) + numbers.iter().filter(|number| *number & 1 == 1).count()
}

/// Rows enough that no two neighbours are alike, few enough for the cache.
const BLOCK_ROWS: u32 = 1000;
