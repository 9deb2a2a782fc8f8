//! Makes record batches of rows of sixteen columns out of memory: the cost of a row without a server,
//! a socket or a runtime.
//!
//! `arrow16 FORM ROWS`, `binary` or `text`: the rows of a block that is made once are decoded again and
//! again, in pieces as long as a read brings them, so that the difference of two counts is that of the
//! decoding alone.

use std::env;
use std::hint::black_box;

use otaria_arrow::{ArrowOptions, DecodeError, RecordBatchDecoder, RowForm};
use otaria_benches::lineitem;

fn main() {
    let mut arguments = env::args().skip(1);
    let (form, row): (_, fn(u32) -> Vec<u8>) = match arguments.next().as_deref() {
        Some("binary") => (RowForm::Binary, lineitem::all_binary_row),
        Some("text") => (RowForm::Text, lineitem::all_text_row),
        _ => panic!("rows are binary or text"),
    };
    let rows = arguments.next().and_then(|rows| rows.parse().ok());
    let rows: usize = rows.expect("how many rows to read");

    let block: Vec<Vec<u8>> = (1..=BLOCK_ROWS).map(row).collect();
    let bytes: usize = block.iter().map(Vec::len).sum();
    let payloads = block.iter().cycle().take(rows).map(Vec::as_slice);
    let (batches, cells) = batches(form, black_box(payloads)).expect("all rows can be read");
    let mean = bytes / block.len();
    println!("{rows} rows of {mean} bytes in {batches} batches, {cells} cells");
}

fn batches<'a>(
    form: RowForm,
    mut payloads: impl Iterator<Item = &'a [u8]>,
) -> Result<(usize, usize), DecodeError> {
    let columns = lineitem::all_columns();
    let mut decoder = RecordBatchDecoder::try_new(&columns, &ArrowOptions::default())?;
    let (mut batches, mut cells) = (0, 0);
    loop {
        let taken = decoder.decode(form, payloads.by_ref().take(READ_ROWS))?;
        if decoder.is_full() || taken == 0 {
            let Some(batch) = decoder.flush()? else {
                return Ok((batches, cells));
            };
            batches += 1;
            cells += black_box(&batch).num_rows() * batch.num_columns();
        }
    }
}

/// Rows enough that no two neighbours are alike, few enough for the cache.
const BLOCK_ROWS: u32 = 1000;

/// What 16 KiB hold, as which the server sends rows.
const READ_ROWS: usize = 140;
