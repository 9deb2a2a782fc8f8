//! Memory: rows read as tuples and derived structs allocate only what the user's types own.

use otaria::FromRow;
use otaria_binary::BinaryRow;
use otaria_text::TextRow;

use crate::cells::{Cell, Sample, bigint, blob, int, read_as, text};

#[derive(Debug, FromRow, PartialEq)]
struct Lent<'r> {
    id: i64,
    stock: Option<i32>,
    name: &'r str,
    raw: &'r [u8],
}

#[derive(Debug, FromRow)]
#[otaria(by_position)]
#[expect(dead_code, reason = "read and thrown away")]
struct ByPosition<'r> {
    id: i64,
    #[otaria(flatten)]
    rest: (Option<i32>, &'r str, &'r [u8]),
}

#[derive(Debug, FromRow)]
#[expect(dead_code, reason = "read and thrown away")]
struct Flattened<'r> {
    id: i64,
    #[otaria(flatten)]
    all: Lent<'r>,
}

#[derive(Debug, FromRow)]
#[expect(dead_code, reason = "read and thrown away")]
struct Owned {
    name: String,
}

fn cells() -> [Cell; 4] {
    [
        bigint("id", 7),
        int("stock", 3),
        text("name", "kettle"),
        blob("raw", b"\x00\xff"),
    ]
}

/// The allocations of reading a row so many times, as a text row and as a binary one.
fn allocations<T>(sample: &Sample, rows: u32) -> u64
where
    T: for<'r> Read<'r>,
{
    let read = || {
        for _ in 0..rows {
            T::read(sample);
        }
    };
    read(); // What is made once a result set.
    allocation_counter::measure(read).count_total
}

trait Read<'r> {
    fn read(sample: &'r Sample);
}

macro_rules! read {
    ($($name:ident: $row:ty,)+) => {$(
        struct $name;

        impl<'r> Read<'r> for $name {
            fn read(sample: &'r Sample) {
                read_as::<$row, TextRow<'r>>(&sample.text, &sample.columns).unwrap();
                read_as::<$row, BinaryRow<'r>>(&sample.binary, &sample.columns).unwrap();
            }
        }
    )+};
}

read! {
    ReadTuple: (i64, Option<i32>, &'r str, &'r [u8]),
    ReadLent: Lent<'r>,
    ReadByPosition: ByPosition<'r>,
    ReadFlattened: Flattened<'r>,
    ReadOwned: Owned,
}

#[test]
fn tuples_and_derived_structs_allocate_nothing_per_row() {
    let in_order = Sample::new(&cells());
    let [id, stock, name, raw] = cells();
    let with_null = Sample::new(&[id.clone(), stock.clone().null(), name.clone(), raw.clone()]);
    let reversed = Sample::new(&[raw, name, int("other", 1), stock, id]);
    for sample in [&in_order, &with_null] {
        assert_eq!(allocations::<ReadTuple>(sample, 1000), 0);
        assert_eq!(allocations::<ReadByPosition>(sample, 1000), 0);
    }
    for sample in [&in_order, &with_null, &reversed] {
        assert_eq!(allocations::<ReadLent>(sample, 1000), 0);
        assert_eq!(allocations::<ReadFlattened>(sample, 1000), 0);
    }
}

#[test]
fn a_string_is_one_allocation_per_row() {
    let sample = Sample::new(&cells());
    assert_eq!(allocations::<ReadOwned>(&sample, 1000), 2 * 1000);
}
