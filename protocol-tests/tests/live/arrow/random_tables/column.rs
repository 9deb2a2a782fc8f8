//! Columns of random types, and literals for random values of each.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use protocol_tests::live;

use super::geometry::{DEGREES, collection, geometry, in_srid, point, polygon};

/// A column of a type, with a literal for each row.
#[derive(Clone, Debug)]
pub(super) struct Column {
    sql_type: String,
    is_nullable: bool,
    literals: Vec<String>,
}

impl Column {
    pub(super) fn declaration(&self) -> String {
        let null = if self.is_nullable { "NULL" } else { "NOT NULL" };
        format!("{} {null}", self.sql_type)
    }

    /// Whether its geometries are in [`DEGREES`].
    pub(super) fn is_in_degrees(&self) -> bool {
        self.sql_type == "GEOMETRY"
    }

    pub(super) fn literal(&self, row: usize) -> &str {
        &self.literals[row]
    }

    /// In which rows it is NULL.
    pub(super) fn nulls(&self) -> impl Iterator<Item = bool> {
        self.literals.iter().map(|literal| literal == "NULL")
    }
}

type Literals = BoxedStrategy<String>;

/// A column of any type, with so many rows.
pub(super) fn column(rows: usize) -> impl Strategy<Value = Column> {
    let sql_type = prop_oneof![
        4 => integer(),
        2 => bits(),
        3 => fraction(),
        5 => temporal(),
        5 => text(),
        3 => binary(),
        3 => of_other_types(),
    ];
    (sql_type, 0..4_u8).prop_flat_map(move |((sql_type, literals), nulls)| {
        // None, some, most or all.
        let is_nullable = nulls > 0;
        let weight = u32::from(nulls).pow(2);
        let literals = if nulls == 3 && rows.is_multiple_of(2) {
            Just("NULL".to_owned()).boxed()
        } else if is_nullable {
            prop_oneof![4 => literals, weight => Just("NULL".to_owned())].boxed()
        } else {
            literals
        };
        vec(literals, rows).prop_map(move |literals| Column {
            sql_type: sql_type.clone(),
            is_nullable,
            literals,
        })
    })
}

/// A type and what gives its values.
type Typed = (String, Literals);

fn integer() -> impl Strategy<Value = Typed> {
    let signed = [
        ("TINYINT", 7),
        ("TINYINT(1)", 7),
        ("SMALLINT", 15),
        ("MEDIUMINT", 23),
        ("INT", 31),
        ("BIGINT", 63),
    ];
    let signed = select(signed.to_vec()).prop_map(|(name, bits)| {
        let limit = 1_i128 << bits;
        (name.to_owned(), number(-limit, limit - 1))
    });
    let unsigned = [
        ("TINYINT UNSIGNED", 8),
        ("SMALLINT UNSIGNED", 16),
        ("MEDIUMINT UNSIGNED", 24),
        ("INT UNSIGNED", 32),
        ("INT(8) ZEROFILL", 32),
        ("BIGINT UNSIGNED", 64),
    ];
    let unsigned = select(unsigned.to_vec())
        .prop_map(|(name, bits)| (name.to_owned(), number(0, (1_i128 << bits) - 1)));
    let year = prop_oneof![Just(0_u16), Just(1901), Just(2155), 1901_u16..=2155];
    let year = year.prop_map(|year| year.to_string()).boxed();
    prop_oneof![4 => signed, 4 => unsigned, 1 => Just(("YEAR".to_owned(), year))]
}

/// Numbers from `least` to `greatest`, both of which come often.
fn number(least: i128, greatest: i128) -> Literals {
    let few = prop_oneof![
        Just(least),
        Just(greatest),
        Just(0),
        Just(1),
        Just(greatest / 2 + 1)
    ];
    prop_oneof![few, least..=greatest]
        .prop_map(|number| number.to_string())
        .boxed()
}

fn bits() -> impl Strategy<Value = Typed> {
    (1..=64_u32).prop_map(|bits| (format!("BIT({bits})"), number(0, (1_i128 << bits) - 1)))
}

fn fraction() -> impl Strategy<Value = Typed> {
    // The text protocol has six digits of a FLOAT.
    let float = (-999_999..=999_999_i32, -36..=32_i8)
        .prop_map(|(digits, exponent)| format!("{digits}e{exponent}"));
    let float = prop_oneof![
        float,
        select(&["0", "-0e0", "3.40282e38", "-3.40282e38"][..]).prop_map(str::to_owned)
    ];
    let double = any::<f64>().prop_filter("a finite number", |number| number.is_finite());
    let double = double.prop_map(|number| format!("{number:e}"));
    let decimal = (1..=65_usize).prop_flat_map(|precision| {
        (Just(precision), 0..=precision.min(38), any::<bool>()).prop_map(
            |(precision, scale, is_unsigned)| {
                let unsigned = if is_unsigned { " UNSIGNED" } else { "" };
                let name = format!("DECIMAL({precision},{scale}){unsigned}");
                (name, decimals(precision, scale, is_unsigned))
            },
        )
    });
    prop_oneof![
        1 => Just(("FLOAT".to_owned(), float.boxed())),
        1 => Just(("DOUBLE".to_owned(), double.boxed())),
        3 => decimal,
    ]
}

fn decimals(precision: usize, scale: usize, is_unsigned: bool) -> Literals {
    let digit = prop_oneof![Just(0_u8), Just(9), 0..=9_u8];
    let digits = prop_oneof![
        vec(digit, precision),
        Just(vec![0; precision]),
        Just(vec![9; precision])
    ];
    (digits, any::<bool>())
        .prop_map(move |(digits, is_negative)| {
            let sign = if is_negative && !is_unsigned { "-" } else { "" };
            let digits: String = digits
                .iter()
                .map(|digit| char::from(b'0' + digit))
                .collect();
            let (whole, fraction) = digits.split_at(precision - scale);
            format!("{sign}0{whole}.{fraction}")
        })
        .boxed()
}

fn temporal() -> impl Strategy<Value = Typed> {
    let fraction = 0..=6_usize;
    let date = date().prop_map(|date| format!("'{date}'")).boxed();
    let datetime = fraction.clone().prop_map(|digits| {
        let literals = (self::date(), time_of_day(digits));
        let literals = literals.prop_map(|(date, time)| format!("'{date} {time}'"));
        (format!("DATETIME({digits})"), literals.boxed())
    });
    let timestamp = fraction.clone().prop_map(|digits| {
        // What 32 bits hold.
        let seconds = prop_oneof![Just(1), Just(i32::MAX), 1..=i32::MAX];
        let literals = seconds.prop_map(|seconds| format!("FROM_UNIXTIME({seconds})"));
        let literals = prop_oneof![4 => literals, 1 => Just("0".to_owned())];
        (format!("TIMESTAMP({digits})"), literals.boxed())
    });
    let time = fraction.prop_map(|digits| {
        let hours = prop_oneof![Just(838), Just(0), 0..=838_u16];
        let parts = (
            any::<bool>(),
            hours,
            0..60_u8,
            0..60_u8,
            fraction_of_a_second(digits),
        );
        let literals = parts.prop_map(|(is_negative, hours, minutes, seconds, fraction)| {
            let sign = if is_negative { "-" } else { "" };
            format!("'{sign}{hours}:{minutes:02}:{seconds:02}{fraction}'")
        });
        (format!("TIME({digits})"), literals.boxed())
    });
    prop_oneof![Just(("DATE".to_owned(), date)), datetime, timestamp, time]
}

/// Dates of the calendar, and such as no calendar has.
fn date() -> impl Strategy<Value = String> {
    let few = [
        "0000-00-00",
        "2024-00-00",
        "2024-02-00",
        "2023-02-31",
        "0000-01-01",
        "0001-01-01",
        "9999-12-31",
        "1970-01-01",
    ];
    let dates = (0..=9999_u16, 1..=12_u8, 1..=31_u8);
    let dates = dates.prop_map(|(year, month, day)| format!("{year:04}-{month:02}-{day:02}"));
    prop_oneof![1 => select(few.to_vec()).prop_map(str::to_owned), 2 => dates]
}

fn time_of_day(digits: usize) -> impl Strategy<Value = String> {
    let time = (0..24_u8, 0..60_u8, 0..60_u8, fraction_of_a_second(digits));
    let time = time.prop_map(|(hours, minutes, seconds, fraction)| {
        format!("{hours:02}:{minutes:02}:{seconds:02}{fraction}")
    });
    prop_oneof![1 => Just("00:00:00".to_owned()), 3 => time]
}

fn fraction_of_a_second(digits: usize) -> impl Strategy<Value = String> {
    let micros = prop_oneof![Just(0), Just(999_999), 0..=999_999_u32];
    micros.prop_map(move |micros| match digits {
        0 => String::new(),
        // Cut, for what is rounded may be out of range.
        _ => format!(".{}", &format!("{micros:06}")[..digits]),
    })
}

fn text() -> impl Strategy<Value = Typed> {
    let name = select(
        &[
            "CHAR(20)",
            "VARCHAR(60)",
            "TINYTEXT",
            "TEXT",
            "MEDIUMTEXT",
            "LONGTEXT",
        ][..],
    );
    let charset = select(CHARSETS);
    let string = (name, charset).prop_map(|(name, charset)| {
        let literals = characters().prop_map(|text| literal(&text));
        (format!("{name} CHARACTER SET {charset}"), literals.boxed())
    });
    let members = [("ENUM", 4_u32), ("SET", 16)];
    let member = select(members.to_vec()).prop_map(|(name, values)| {
        let literals = (0..values).prop_map(|number| number.to_string());
        // 0 is the empty one, of an ENUM the one that stands for an error.
        (format!("{name}('a','größe','x y','🦭')"), literals.boxed())
    });
    prop_oneof![6 => string, 1 => member]
}

/// Text of up to 20 characters: each column takes it, some with question marks for what they lack.
fn characters() -> impl Strategy<Value = String> {
    let character = prop_oneof![
        4 => any::<char>(),
        4 => proptest::char::range(' ', '~'),
        2 => select(vec!['\0', '\t', '\n', '\r', '\\', '\'', '"', 'ä', 'ß', '€', 'Ж', '漢', 'ก', '🦭']),
    ];
    vec(character, 0..=20).prop_map(String::from_iter)
}

fn literal(text: &str) -> String {
    format!("CONVERT({} USING utf8mb4)", hex(text.as_bytes()))
}

fn hex(bytes: &[u8]) -> String {
    let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("x'{}'", digits.concat())
}

fn binary() -> impl Strategy<Value = Typed> {
    let names = [
        "BINARY(9)",
        "VARBINARY(30)",
        "TINYBLOB",
        "BLOB",
        "MEDIUMBLOB",
        "LONGBLOB",
    ];
    let names = [&names[..], &["VARCHAR(30) CHARACTER SET binary"]].concat();
    select(names).prop_map(|name| {
        let limit = if name.starts_with("BINARY") { 9 } else { 30 };
        let literals = vec(any::<u8>(), 0..=limit).prop_map(|bytes| hex(&bytes));
        (name.to_owned(), literals.boxed())
    })
}

fn of_other_types() -> impl Strategy<Value = Typed> {
    let has = |name| live::shared().has_type(name);
    let mut types: Vec<Typed> = vec![
        ("JSON".to_owned(), json().boxed()),
        ("POINT".to_owned(), point().prop_map(in_srid(0)).boxed()),
        ("POLYGON".to_owned(), polygon().prop_map(in_srid(0)).boxed()),
        (
            "GEOMETRYCOLLECTION".to_owned(),
            collection().prop_map(in_srid(0)).boxed(),
        ),
        (
            "GEOMETRY".to_owned(),
            geometry().prop_map(in_srid(DEGREES)).boxed(),
        ),
        ("INET6".to_owned(), inet6().boxed()),
    ];
    if has("INET4") {
        let literals = any::<[u8; 4]>().prop_map(|[a, b, c, d]| format!("'{a}.{b}.{c}.{d}'"));
        types.push(("INET4".to_owned(), literals.boxed()));
    }
    if has("UUID") {
        types.push(("UUID".to_owned(), uuid().boxed()));
    }
    if has("VECTOR") {
        // What is no number is no vector's.
        let numbers =
            vec(any::<i16>(), 3).prop_map(|n| n.iter().map(|n| f32::from(*n) / 8.0).collect());
        let literals = numbers.prop_map(|numbers: Vec<f32>| format!("VEC_FromText('{numbers:?}')"));
        types.push(("VECTOR(3)".to_owned(), literals.boxed()));
    }
    select_typed(types)
}

fn select_typed(types: Vec<Typed>) -> impl Strategy<Value = Typed> {
    (0..types.len()).prop_map(move |number| types[number].clone())
}

fn json() -> impl Strategy<Value = String> {
    (any::<i32>(), characters()).prop_map(|(number, text)| {
        // No quote and nothing to escape within the text of the text.
        let text: String = text.chars().filter(|c| c.is_alphanumeric()).collect();
        literal(&format!("{{\"a\": [{number}, null, \"{text}\"]}}"))
    })
}

fn inet6() -> impl Strategy<Value = String> {
    let few = select(&["::", "::1", "::ffff:192.0.2.1"][..]).prop_map(str::to_owned);
    let address = any::<u128>().prop_map(|bits| std::net::Ipv6Addr::from_bits(bits).to_string());
    prop_oneof![few, address].prop_map(|address| format!("'{address}'"))
}

fn uuid() -> impl Strategy<Value = String> {
    any::<[u8; 16]>().prop_map(|mut bytes| {
        // The server refuses versions that nobody has defined.
        bytes[6] = bytes[6] & 0xf | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        format!("'{}'", uuid::Uuid::from_bytes(bytes))
    })
}

/// Of each family: one byte, two, up to four, and such as do not contain ASCII.
const CHARSETS: &[&str] = &[
    "ascii", "latin1", "latin2", "latin5", "latin7", "cp1250", "cp1251", "cp1256", "cp1257",
    "cp850", "cp852", "cp866", "koi8r", "koi8u", "greek", "hebrew", "tis620", "armscii8",
    "geostd8", "keybcs2", "macce", "macroman", "dec8", "hp8", "swe7", "big5", "gb2312", "gbk",
    "sjis", "cp932", "euckr", "ujis", "eucjpms", "utf8mb3", "utf8mb4", "ucs2", "utf16", "utf16le",
    "utf32",
];
