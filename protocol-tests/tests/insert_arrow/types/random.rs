//! Random columns of each type.

use std::sync::Arc;

use fastrand::Rng;
use otaria::arrow::array::{
    ArrayRef, ArrowPrimitiveType, BinaryArray, BinaryViewArray, BooleanArray, Date32Array,
    Date64Array, Decimal32Array, Decimal64Array, Decimal128Array, Decimal256Array, DictionaryArray,
    DurationMicrosecondArray, DurationNanosecondArray, FixedSizeBinaryArray, FixedSizeListArray,
    Float16Array, Float32Array, Float64Array, Int8Array, Int16Array, Int32Array, Int64Array,
    LargeBinaryArray, LargeStringArray, NullArray, StringArray, StringViewArray,
    Time32MillisecondArray, Time64MicrosecondArray, TimestampMicrosecondArray,
    TimestampNanosecondArray, TimestampSecondArray, UInt8Array, UInt16Array, UInt32Array,
    UInt64Array,
};
use otaria::arrow::buffer::NullBuffer;
use otaria::arrow::datatypes::{DataType, Field, Float16Type, Int8Type, i256};
use protocol_tests::live;

/// Of the vectors.
pub const DIMENSIONS: u32 = 3;

/// A column as it is written, and as it is read.
pub struct Column {
    pub field: Field,
    pub written: ArrayRef,
    pub read: ArrayRef,
}

impl Column {
    fn new(name: &str, written: ArrayRef, read: ArrayRef) -> Self {
        Self {
            field: Field::new(name, written.data_type().clone(), true),
            written,
            read,
        }
    }

    fn with_metadata(mut self, metadata: &[(&str, &str)]) -> Self {
        let metadata = metadata
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        self.field.set_metadata(metadata.collect());
        self
    }
}

/// Values for so many rows: some, all or none of them NULL.
fn some<T>(random: &mut Rng, rows: usize, mut value: impl FnMut(&mut Rng) -> T) -> Vec<Option<T>> {
    let nulls = [0, 0, 3, 10][random.usize(0..4)];
    (0..rows)
        .map(|_| (random.u32(0..10) >= nulls).then(|| value(random)))
        .collect()
}

/// A column that is read as it is written.
fn same(name: &str, array: impl otaria::arrow::array::Array + 'static) -> Column {
    let array: ArrayRef = Arc::new(array);
    Column::new(name, array.clone(), array)
}

fn mapped<A, B>(values: &[Option<A>], of: impl Fn(&A) -> B) -> Vec<Option<B>> {
    values.iter().map(|value| value.as_ref().map(&of)).collect()
}

/// One column of each type.
pub fn columns(random: &mut Rng, rows: usize) -> Vec<Column> {
    let mut columns = numbers(random, rows);
    columns.extend(decimals(random, rows));
    columns.extend(numbers_of_server_types(random, rows));
    columns.extend(floats(random, rows));
    columns.extend(dates(random, rows));
    columns.extend(times(random, rows));
    columns.extend(texts(random, rows));
    columns.extend(others(random, rows));
    // Those before 10.7 make a column of bytes for it.
    let has_uuids = live::shared().has_type("UUID");
    columns.retain(|column| has_uuids || column.field.name() != "uuid");
    columns
}

fn numbers(random: &mut Rng, rows: usize) -> Vec<Column> {
    vec![
        same("bool", BooleanArray::from(some(random, rows, Rng::bool))),
        same(
            "i8",
            Int8Array::from(some(random, rows, |random| random.i8(..))),
        ),
        same(
            "i16",
            Int16Array::from(some(random, rows, |random| random.i16(..))),
        ),
        same(
            "i32",
            Int32Array::from(some(random, rows, |random| random.i32(..))),
        ),
        same(
            "i64",
            Int64Array::from(some(random, rows, |random| random.i64(..))),
        ),
        same(
            "u8",
            UInt8Array::from(some(random, rows, |random| random.u8(..))),
        ),
        same(
            "u16",
            UInt16Array::from(some(random, rows, |random| random.u16(..))),
        ),
        same(
            "u32",
            UInt32Array::from(some(random, rows, |random| random.u32(..))),
        ),
        same(
            "u64",
            UInt64Array::from(some(random, rows, |random| random.u64(..))),
        ),
    ]
}

/// Columns whose types stand in their metadata.
fn numbers_of_server_types(random: &mut Rng, rows: usize) -> Vec<Column> {
    let year = |random: &mut Rng| {
        if random.bool() {
            0
        } else {
            random.i16(1901..2156)
        }
    };
    let bits = (crate::types::TYPE, "BIT");
    vec![
        same(
            "medium",
            Int32Array::from(some(random, rows, |random| {
                random.i32(-8_388_608..8_388_608)
            })),
        )
        .with_metadata(&[(crate::types::TYPE, "MEDIUMINT")]),
        same("year", Int16Array::from(some(random, rows, year)))
            .with_metadata(&[(crate::types::TYPE, "YEAR")]),
        same(
            "bit",
            UInt64Array::from(some(random, rows, |random| random.u64(..1 << 12))),
        )
        .with_metadata(&[bits, (crate::types::LENGTH, "12")]),
    ]
}

fn floats(random: &mut Rng, rows: usize) -> Vec<Column> {
    let finite = |random: &mut Rng| loop {
        let number = f64::from_bits(random.u64(..));
        if number.is_finite() {
            return number;
        }
    };
    let finite_f32 = |random: &mut Rng| loop {
        let number = f32::from_bits(random.u32(..));
        if number.is_finite() {
            return number;
        }
    };
    let halves = some(random, rows, |random| f32::from(random.i8(..)) / 8.0);
    let half = mapped(&halves, |value| {
        <Float16Type as ArrowPrimitiveType>::Native::from_f32(*value)
    });
    vec![
        Column::new(
            "f16",
            Arc::new(Float16Array::from(half)),
            Arc::new(Float32Array::from(halves)),
        ),
        same("f32", Float32Array::from(some(random, rows, finite_f32))),
        same("f64", Float64Array::from(some(random, rows, finite))),
    ]
}

fn decimals(random: &mut Rng, rows: usize) -> Vec<Column> {
    let small = some(random, rows, |random| random.i32(-99_999..100_000));
    let middle = some(random, rows, |random| {
        random.i64(-999_999_999..1_000_000_000)
    });
    let most = 10_i128.pow(38);
    let digits = |random: &mut Rng| {
        let digits: String = (0..random.usize(1..66)).map(|_| random.digit(10)).collect();
        let sign = if random.bool() { "-" } else { "" };
        i256::from_string(&format!("{sign}{digits}")).unwrap()
    };
    vec![
        Column::new(
            "decimal32",
            Arc::new(
                Decimal32Array::from(small.clone())
                    .with_precision_and_scale(5, 2)
                    .unwrap(),
            ),
            Arc::new(
                Decimal128Array::from(mapped(&small, |value| i128::from(*value)))
                    .with_precision_and_scale(5, 2)
                    .unwrap(),
            ),
        ),
        Column::new(
            "decimal64",
            Arc::new(
                Decimal64Array::from(middle.clone())
                    .with_precision_and_scale(9, -2)
                    .unwrap(),
            ),
            Arc::new(
                Decimal128Array::from(mapped(&middle, |value| i128::from(*value) * 100))
                    .with_precision_and_scale(11, 0)
                    .unwrap(),
            ),
        ),
        same(
            "decimal128",
            Decimal128Array::from(some(random, rows, |random| random.i128(1 - most..most)))
                .with_precision_and_scale(38, 20)
                .unwrap(),
        ),
        same(
            "decimal256",
            Decimal256Array::from(some(random, rows, digits))
                .with_precision_and_scale(65, 30)
                .unwrap(),
        ),
    ]
}

fn dates(random: &mut Rng, rows: usize) -> Vec<Column> {
    const FIRST: i32 = -719_162;
    const LAST: i32 = 2_932_896;
    const DAY: i64 = 86_400_000_000;
    let days = some(random, rows, |random| random.i32(FIRST..=LAST));
    let micros = |random: &mut Rng| random.i64(i64::from(FIRST) * DAY..(i64::from(LAST) + 1) * DAY);
    let seconds = some(random, rows, |random| {
        random.i64(-62_135_596_800..253_402_300_800)
    });
    // What a TIMESTAMP holds.
    let instant = |random: &mut Rng| random.i64(1_000_000..2_147_483_647_999_999);
    // What 64 bits of nanoseconds hold.
    let nanos = some(random, rows, |random| {
        random.i64(-9_000_000_000_000_000..9_000_000_000_000_000)
    });
    vec![
        same("date32", Date32Array::from(days.clone())),
        Column::new(
            "date64",
            Arc::new(Date64Array::from(mapped(&days, |days| {
                i64::from(*days) * 86_400_000
            }))),
            Arc::new(Date32Array::from(days)),
        ),
        same(
            "datetime",
            TimestampMicrosecondArray::from(some(random, rows, micros)),
        ),
        Column::new(
            "datetime_s",
            Arc::new(TimestampSecondArray::from(seconds.clone())),
            Arc::new(TimestampMicrosecondArray::from(mapped(&seconds, |value| {
                value * 1_000_000
            }))),
        ),
        Column::new(
            "datetime_ns",
            Arc::new(TimestampNanosecondArray::from(mapped(&nanos, |value| {
                value * 1000
            }))),
            Arc::new(TimestampMicrosecondArray::from(nanos)),
        ),
        same(
            "timestamp",
            TimestampMicrosecondArray::from(some(random, rows, instant)).with_timezone("UTC"),
        ),
    ]
}

fn times(random: &mut Rng, rows: usize) -> Vec<Column> {
    const DAY: i64 = 86_400_000_000;
    // MySQL takes no parameter beyond it.
    let longest = if live::shared().is_mysql() {
        3_016_800_000_000
    } else {
        3_020_399_999_999
    };
    let durations = move |random: &mut Rng| random.i64(-longest..=longest);
    let nano_durations = some(random, rows, durations);
    let times = some(random, rows, |random| random.i32(0..86_400_000));
    let times_64 = some(random, rows, |random| random.i64(0..DAY));
    let duration =
        |values: Vec<Option<i64>>| -> ArrayRef { Arc::new(DurationMicrosecondArray::from(values)) };
    vec![
        same(
            "duration",
            DurationMicrosecondArray::from(some(random, rows, durations)),
        ),
        Column::new(
            "duration_ns",
            Arc::new(DurationNanosecondArray::from(mapped(
                &nano_durations,
                |value| value * 1000,
            ))),
            duration(nano_durations),
        ),
        Column::new(
            "time32",
            Arc::new(Time32MillisecondArray::from(times.clone())),
            duration(mapped(&times, |value| i64::from(*value) * 1000)),
        ),
        Column::new(
            "time64",
            Arc::new(Time64MicrosecondArray::from(times_64.clone())),
            duration(times_64),
        ),
    ]
}

/// Text with what has to be escaped, and characters of every length.
fn text(random: &mut Rng) -> String {
    let characters = [
        'a', '\t', '\n', '\\', 'N', '\0', '\'', '"', 'ä', '€', '😀', ',', '\r', '\u{1a}',
    ];
    let length = [0, 1, 2, 5, 300][random.usize(0..5)];
    (0..length)
        .map(|_| characters[random.usize(0..characters.len())])
        .collect()
}

fn bytes(random: &mut Rng) -> Vec<u8> {
    let length = [0, 1, 2, 16, 300][random.usize(0..5)];
    (0..length).map(|_| random.u8(..)).collect()
}

fn texts(random: &mut Rng, rows: usize) -> Vec<Column> {
    let utf8 =
        |texts: &[Option<String>]| -> ArrayRef { Arc::new(StringArray::from(texts.to_vec())) };
    let large = some(random, rows, text);
    let views = some(random, rows, text);
    let labels = some(random, rows, |random| {
        ["a", "b", "\t"][random.usize(0..3)].to_owned()
    });
    let dictionary: DictionaryArray<Int8Type> = labels.iter().map(Option::as_deref).collect();
    let binary = |values: &[Option<Vec<u8>>]| -> ArrayRef {
        Arc::new(values.iter().map(Option::as_deref).collect::<BinaryArray>())
    };
    let plain = some(random, rows, bytes);
    let long = some(random, rows, bytes);
    let viewed = some(random, rows, bytes);
    let chars = some(random, rows, |random| "ä".repeat(random.usize(0..9)));
    vec![
        Column::new("utf8", utf8(&large), utf8(&large)),
        Column::new(
            "large_utf8",
            Arc::new(LargeStringArray::from(large.clone())),
            utf8(&large),
        ),
        Column::new(
            "utf8_view",
            Arc::new(StringViewArray::from_iter(&views)),
            utf8(&views),
        ),
        Column::new("varchar", utf8(&chars), utf8(&chars)).with_metadata(&[
            (crate::types::TYPE, "VARCHAR"),
            (crate::types::LENGTH, "32"),
        ]),
        Column::new("dictionary", Arc::new(dictionary), utf8(&labels)),
        Column::new("binary", binary(&plain), binary(&plain)),
        Column::new(
            "large_binary",
            Arc::new(
                long.iter()
                    .map(Option::as_deref)
                    .collect::<LargeBinaryArray>(),
            ),
            binary(&long),
        ),
        Column::new(
            "binary_view",
            Arc::new(
                viewed
                    .iter()
                    .map(Option::as_deref)
                    .collect::<BinaryViewArray>(),
            ),
            binary(&viewed),
        ),
    ]
}

fn others(random: &mut Rng, rows: usize) -> Vec<Column> {
    let extension = |name| [(crate::types::EXTENSION, name)];
    let sixteen = |random: &mut Rng| -> [u8; 16] { random.u128(..).to_le_bytes() };
    let fixed = |values: &[Option<[u8; 16]>]| -> FixedSizeBinaryArray {
        FixedSizeBinaryArray::try_from_sparse_iter_with_size(values.iter().copied(), 16).unwrap()
    };
    // The server refuses versions that nobody has defined.
    let uuids = some(random, rows, |random| {
        let mut uuid = sixteen(random);
        uuid[6] = uuid[6] & 0xf | 0x40;
        uuid[8] = uuid[8] & 0x3f | 0x80;
        uuid
    });
    let plain = some(random, rows, sixteen);
    let json = some(random, rows, |random| {
        format!("{{\"a\": [{}, \"\\\\\\t\"]}}", random.i32(..))
    });
    let points = some(random, rows, |random| {
        let mut wkb = b"\x01\x01\0\0\0".to_vec();
        wkb.extend(f64::from(random.i32(..)).to_le_bytes());
        wkb.extend((f64::from(random.i32(..)) / 7.0).to_le_bytes());
        wkb
    });
    let points: BinaryArray = points.iter().map(Option::as_deref).collect();
    let crs = r#"{"crs":"4326","crs_type":"srid"}"#;
    let vectors = some(random, rows, |_| ());
    let floats = (0..rows * DIMENSIONS as usize).map(|_| random.f32() * 1e9 - 5e8);
    let floats = Arc::new(Float32Array::from_iter_values(floats));
    let nulls = vectors.iter().map(Option::is_some).collect::<NullBuffer>();
    let item = Arc::new(Field::new_list_field(DataType::Float32, true));
    let vectors = FixedSizeListArray::new(item, DIMENSIONS.cast_signed(), floats, Some(nulls));
    vec![
        same("uuid", fixed(&uuids)).with_metadata(&extension("arrow.uuid")),
        Column::new(
            "fixed",
            Arc::new(fixed(&plain)),
            Arc::new(
                plain
                    .iter()
                    .map(|value| value.as_ref().map(|value| &value[..]))
                    .collect::<BinaryArray>(),
            ),
        ),
        same("json", StringArray::from(json)).with_metadata(&extension("arrow.json")),
        same("point", points).with_metadata(&[
            (crate::types::EXTENSION, "geoarrow.wkb"),
            ("ARROW:extension:metadata", crs),
            (crate::types::TYPE, "POINT"),
        ]),
        same("vector", vectors),
        Column::new(
            "null",
            Arc::new(NullArray::new(rows)),
            Arc::new(Int8Array::from(vec![None; rows])),
        ),
    ]
}
