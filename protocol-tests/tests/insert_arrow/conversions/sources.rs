//! A value of each type, with the odd ones among them.

use std::sync::Arc;

use fastrand::Rng;
use otaria::arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Decimal256Array,
    DictionaryArray, DurationMicrosecondArray, FixedSizeBinaryArray, Float32Array, Float64Array,
    Int8Array, Int16Array, Int32Array, Int64Array, LargeStringArray, StringArray, StringViewArray,
    Time64MicrosecondArray, TimestampMicrosecondArray, TimestampSecondArray, UInt8Array,
    UInt64Array,
};
use otaria::arrow::datatypes::{Int32Type, i256};
use otaria::{Date, DateTime, Time};

use super::meaning::Meant;

pub type Sourced = (&'static str, ArrayRef, Meant);

/// Some texts, or all of them.
pub fn values(random: &mut Rng, is_part: bool) -> Vec<Sourced> {
    let mut values = integers(random);
    values.extend(binaries(random));
    values.extend(decimals(random));
    values.extend(temporals(random));
    values.extend(texts(random, is_part));
    values.extend(bytes(random));
    values
}

fn pick<T: Clone>(random: &mut Rng, odd: &[T]) -> T {
    odd[random.usize(0..odd.len())].clone()
}

fn integers(random: &mut Rng) -> Vec<Sourced> {
    let flag = random.bool();
    let i8s = pick(random, &[-1_i8, 0, 1, 2, 70, i8::MIN, i8::MAX]);
    let u8s = pick(random, &[0_u8, 1, 3, 99, 255]);
    let i16s = pick(random, &[0_i16, 1, 70, 1901, 2024, 2155, i16::MIN]);
    let i32s = pick(
        random,
        &[2, 3, 16_777_217, -16_777_217, 20_240_229, 123_000, i32::MIN],
    );
    let any = random.i64(..);
    let i64s = [
        5,
        4095,
        4096,
        9_007_199_254_740_993,
        i64::MIN,
        i64::MAX,
        any,
    ];
    let i64s = pick(random, &i64s);
    let any = random.u64(..);
    let u64s = pick(
        random,
        &[0, 1, 12, 1 << 63, u64::MAX, 20_240_229_123_000, any],
    );
    let exact = |text: String| Meant::Exact(text);
    vec![
        (
            "Boolean",
            Arc::new(BooleanArray::from(vec![flag])),
            Meant::Flag(flag),
        ),
        (
            "Int8",
            Arc::new(Int8Array::from(vec![i8s])),
            exact(i8s.to_string()),
        ),
        (
            "UInt8",
            Arc::new(UInt8Array::from(vec![u8s])),
            exact(u8s.to_string()),
        ),
        (
            "Int16",
            Arc::new(Int16Array::from(vec![i16s])),
            exact(i16s.to_string()),
        ),
        (
            "Int32",
            Arc::new(Int32Array::from(vec![i32s])),
            exact(i32s.to_string()),
        ),
        (
            "Int64",
            Arc::new(Int64Array::from(vec![i64s])),
            exact(i64s.to_string()),
        ),
        (
            "UInt64",
            Arc::new(UInt64Array::from(vec![u64s])),
            exact(u64s.to_string()),
        ),
    ]
}

fn binaries(random: &mut Rng) -> Vec<Sourced> {
    let any = f64::from_bits(random.u64(..));
    let any = if any.is_finite() { any } else { 0.25 };
    let doubles = [
        0.0,
        -1.0,
        1.5,
        0.1,
        2.675,
        70.0,
        2024.0,
        16_777_217.0,
        1e15,
        1e22,
        1e-50,
        1e39,
        f64::MAX,
        5e-324,
        9_007_199_254_740_993.0,
        any,
    ];
    let double = pick(random, &doubles);
    let floats = [
        0.0,
        0.1,
        -2.5,
        1e10,
        f32::MAX,
        f32::MIN_POSITIVE,
        1e-45,
        3.0,
        2155.0,
        100.25,
    ];
    let float = pick(random, &floats);
    vec![
        (
            "Float64",
            Arc::new(Float64Array::from(vec![double])),
            Meant::Binary(format!("{double:e}")),
        ),
        (
            "Float32",
            Arc::new(Float32Array::from(vec![float])),
            Meant::Single(float),
        ),
    ]
}

fn decimals(random: &mut Rng) -> Vec<Sourced> {
    let unscaled = pick(
        random,
        &[0_i128, 1, 150, -150, 100, 12_345, 7000, 202_402_290_000],
    );
    let (scale, places) = pick(random, &[(0, 1), (1, 10), (3, 1000), (4, 10_000)]);
    let sign = if unscaled < 0 { "-" } else { "" };
    let (whole, rest) = (unscaled.abs() / places, unscaled.abs() % places);
    let text = match usize::try_from(scale).unwrap() {
        0 => format!("{unscaled}"),
        width => format!("{sign}{whole}.{rest:0width$}"),
    };
    let long: String = "9".repeat(random.usize(20..66));
    let array = Decimal128Array::from(vec![unscaled]);
    let array = array.with_precision_and_scale(20, scale).unwrap();
    let wide = Decimal256Array::from(vec![i256::from_string(&long).unwrap()]);
    let wide = wide.with_precision_and_scale(65, 0).unwrap();
    vec![
        ("Decimal128", Arc::new(array), Meant::Exact(text)),
        ("Decimal256", Arc::new(wide), Meant::Exact(long)),
    ]
}

fn temporals(random: &mut Rng) -> Vec<Sourced> {
    const DAY: i64 = 86_400_000_000;
    let days = random.i32(1..24_000);
    let date = |days: i32| -> Date {
        let shown = Date32Array::from(vec![days]).value_as_date(0).unwrap();
        Date::parse(shown.to_string().as_bytes()).unwrap()
    };
    let seconds = [0, DAY / 2, 1_000_000, 500_000, 1, 1000, DAY - 1];
    let micros = i64::from(days) * DAY + pick(random, &seconds);
    let datetime = |micros: i64| {
        let day = date(i32::try_from(micros / DAY).unwrap());
        let rest = Time::from_micros(micros % DAY).unwrap();
        let [hour, minute, second] = [
            u8::try_from(rest.hours()).unwrap(),
            rest.minutes(),
            rest.seconds(),
        ];
        DateTime::new(day, hour, minute, second, rest.microseconds()).unwrap()
    };
    let whole = micros / 1_000_000;
    let of_day = pick(random, &seconds);
    let duration = pick(
        random,
        &[0, -1_000_000, 100 * 3_600_000_000, 3_020_399_999_999, 1500],
    );
    let time = |micros| Meant::Temporal(Time::from_micros(micros).unwrap().to_string());
    let at = |micros| Meant::Temporal(datetime(micros).to_string());
    let instants = TimestampMicrosecondArray::from(vec![micros]).with_timezone("UTC");
    vec![
        (
            "Date32",
            Arc::new(Date32Array::from(vec![days])),
            Meant::Temporal(date(days).to_string()),
        ),
        (
            "Timestamp(us)",
            Arc::new(TimestampMicrosecondArray::from(vec![micros])),
            at(micros),
        ),
        (
            "Timestamp(s)",
            Arc::new(TimestampSecondArray::from(vec![whole])),
            at(whole * 1_000_000),
        ),
        ("Timestamp(us, UTC)", Arc::new(instants), at(micros)),
        (
            "Time64",
            Arc::new(Time64MicrosecondArray::from(vec![of_day])),
            time(of_day),
        ),
        (
            "Duration",
            Arc::new(DurationMicrosecondArray::from(vec![duration])),
            time(duration),
        ),
    ]
}

const TEXTS: &[&str] = &[
    "",
    " ",
    "a",
    "a ",
    "A",
    "2",
    "3",
    "x,y",
    "y,x",
    "x,x",
    "Word",
    "word",
    "b c",
    "Ä",
    "日",
    "true",
    "false",
    "1",
    "0",
    "-1",
    "007",
    "+7",
    "1.5",
    "1.50",
    "2.0",
    "1.005",
    "1e2",
    "1e-2",
    "1.5abc",
    "0x10",
    " 7",
    "70",
    "2024",
    "0000",
    "20240229",
    "20240229123000",
    "2024-02-29",
    "24-02-29",
    "2024/02/29",
    "2024-02-29 12:30:00",
    "2024-02-29T12:30:00",
    "2024-02-29T12:30:00Z",
    "2024-02-29T12:30:00+02:00",
    "2024-02-29 12:30:00.5",
    "2024-02-29 12:30:00.1234567",
    "2024-02-29 12:30:00.1230000",
    "2024-02-29 12:30:60",
    "2024-02-29 24:00:00",
    "2023-02-29",
    "12:30:00",
    "12:30",
    "12:30:60",
    "12:30:00.5",
    "12:30:00.0000000",
    "-12:30:00",
    "1 10:00:00",
    "838:59:59",
    "839:00:00",
    "1230",
    "16777217",
    "9007199254740993",
    "9007199254740992",
    "18446744073709551615",
    "99999999999999999999",
    "1e39",
    "1e400",
    "1e-400",
    "nan",
    "inf",
    "::1",
    "FE80::1",
    "{\"a\": 1}",
    "[1, 2]",
    "abcd",
    "null",
];

fn texts(random: &mut Rng, is_part: bool) -> Vec<Sourced> {
    let mut texts = Vec::new();
    let some: Vec<_> = (0..6).map(|_| pick(random, TEXTS)).collect();
    let chosen = if is_part { &*some } else { TEXTS };
    for &text in chosen {
        let array: ArrayRef = match random.u8(0..4) {
            0 => Arc::new(LargeStringArray::from(vec![text])),
            1 => Arc::new(StringViewArray::from(vec![text])),
            2 => Arc::new([text].into_iter().collect::<DictionaryArray<Int32Type>>()),
            _ => Arc::new(StringArray::from(vec![text])),
        };
        texts.push(("text", array, Meant::Text(text.to_owned())));
    }
    texts
}

fn bytes(random: &mut Rng) -> Vec<Sourced> {
    let odd: [&[u8]; 8] = [
        b"",
        b"1.5",
        b"5",
        b"\0\x01",
        b"abcd",
        b"2024-02-29",
        b"\xff",
        b"a ",
    ];
    let value = pick(random, &odd);
    let fixed = pick(random, &[*b"abcd", *b"2024", [0; 4]]);
    let fixed_array = FixedSizeBinaryArray::try_from_iter([fixed].into_iter()).unwrap();
    vec![
        (
            "Binary",
            Arc::new(BinaryArray::from(vec![value])),
            Meant::Bytes(value.to_vec()),
        ),
        (
            "FixedSizeBinary",
            Arc::new(fixed_array),
            Meant::Bytes(fixed.to_vec()),
        ),
    ]
}
