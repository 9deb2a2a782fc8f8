use otaria_types::{Indicated, LongData, ToSql};
use proptest::prelude::*;

use super::*;

fn literal_of(value: &(impl ToSql + ?Sized)) -> String {
    let mut literals = SqlLiterals::new();
    literals.set(&[value]).unwrap();
    assert_eq!(literals.len(), 1);
    let literal = literals.iter().next().unwrap().to_owned();
    assert_eq!(literals.bytes(), literal.len());
    literal
}

fn literal(value: impl ToSql) -> String {
    literal_of(&value)
}

/// The characters of a literal of text, as the server takes them in every mode; `None` if it is not
/// one, or does not end with `literal`.
fn text_of(literal: &str) -> Option<String> {
    let inner = literal.strip_prefix('(')?.strip_suffix(')')?;
    if literal.contains('\\') {
        return None;
    }
    if let Some(concatenated) = inner.strip_prefix("SUBSTRING(") {
        let text = concatenation(concatenated.strip_suffix(",2)")?)?;
        return text.strip_prefix(' ').map(str::to_owned);
    }
    concatenation(inner).or_else(|| match string(inner)? {
        (text, "") => Some(text),
        _ => None,
    })
}

fn concatenation(sql: &str) -> Option<String> {
    let mut rest = sql.strip_prefix("CONCAT(")?;
    let mut text = String::new();
    loop {
        let (part, behind) = match rest.strip_prefix("_ascii x'") {
            Some(digits) => {
                let (digits, behind) = digits.split_once('\'')?;
                (String::from_utf8(bytes(digits)).ok()?, behind)
            }
            None => string(rest)?,
        };
        // In sql_mode=EMPTY_STRING_IS_NULL all would be NULL.
        assert!(!part.is_empty());
        text += &part;
        if behind == ")" {
            return Some(text);
        }
        rest = behind.strip_prefix(',')?;
    }
}

/// The characters of the string in quotes that `sql` begins with, and what is behind it.
fn string(sql: &str) -> Option<(String, &str)> {
    let mut rest = sql.strip_prefix('\'')?;
    let mut text = String::new();
    loop {
        let (part, behind) = rest.split_once('\'')?;
        text += part;
        let Some(behind_quotes) = behind.strip_prefix('\'') else {
            return Some((text, behind));
        };
        text.push('\'');
        rest = behind_quotes;
    }
}

fn bytes(digits: &str) -> Vec<u8> {
    let pairs = digits.as_bytes().chunks(2);
    let byte = |pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    pairs.map(byte).collect()
}

fn in_parentheses(literal: &str) -> &str {
    literal
        .strip_prefix('(')
        .unwrap()
        .strip_suffix(')')
        .unwrap()
}

#[test]
fn integers_are_digits_at_their_limits() {
    assert_eq!(literal(0), "0");
    assert_eq!(literal(true), "1");
    assert_eq!(literal(i64::MAX), "9223372036854775807");
    assert_eq!(literal(-1), "(-1)");
    assert_eq!(literal(i64::MIN), "(-9223372036854775808)");
    assert_eq!(literal(0_u64), "0");
    assert_eq!(literal(u64::MAX), "18446744073709551615");
}

#[test]
fn doubles_have_an_exponent() {
    assert_eq!(literal(0.0), "(0e0)");
    assert_eq!(literal(-0.0), "(-0e0)");
    assert_eq!(literal(0.1), "(1e-1)");
    assert_eq!(literal(-1.5), "(-1.5e0)");
    assert_eq!(literal(f64::MAX), "(1.7976931348623157e308)");
    assert_eq!(literal(f64::from_bits(1)), "(5e-324)");
}

#[test]
fn floats_are_doubles_of_exactly_their_value() {
    assert_eq!(literal(0.5_f32), "(5e-1)");
    assert_eq!(literal(0.1_f32), "(1.0000000149011612e-1)");
    assert_eq!(literal(f32::MAX), "(3.4028234663852886e38)");
}

#[test]
fn a_number_that_is_not_finite_is_one_that_the_server_refuses() {
    let mut literals = SqlLiterals::new();
    literals.double(f64::NAN);
    literals.double(f64::NEG_INFINITY);
    literals.float(f32::INFINITY);
    assert!(literals.iter().all(|literal| literal == "(1e999)"));
}

#[test]
fn decimals_keep_every_digit_and_have_a_point() {
    let decimal = |text: &str| literal(text.parse::<Decimal>().unwrap());
    assert_eq!(decimal("0"), "(0.)");
    assert_eq!(decimal("-15"), "(-15.)");
    assert_eq!(decimal("1.50"), "(1.50)");
    let small = format!("0.{}1", "0".repeat(37));
    assert_eq!(decimal(&small), format!("({small})"));
    let great = "9".repeat(65);
    assert_eq!(decimal(&great), format!("({great}.)"));
}

#[test]
fn text_is_a_string_in_which_quotes_are_doubled() {
    assert_eq!(
        literal("a'b\"c`d\0e\nf\rg\x1ah%_ größe 🦭"),
        "('a''b\"c`d\0e\nf\rg\x1ah%_ größe 🦭')"
    );
    assert_eq!(literal(""), "('')");
    assert_eq!(literal("'"), "('''')");
    assert_eq!(literal("''"), "('''''')");
}

#[test]
fn a_backslash_in_text_stands_as_digits_beside_strings() {
    assert_eq!(literal("a\\b"), "(CONCAT('a',_ascii x'5c','b'))");
    assert_eq!(literal("ß\\"), "(CONCAT('ß',_ascii x'5c'))");
    assert_eq!(literal("\\'"), "(CONCAT(_ascii x'5c',''''))");
    assert_eq!(
        literal("é\\\\n\\é\\"),
        "(CONCAT('é',_ascii x'5c5c6e5c','é',_ascii x'5c'))"
    );
}

#[test]
fn backslashes_alone_still_have_the_character_set_of_a_string() {
    assert_eq!(literal("\\"), "(SUBSTRING(CONCAT(' ',_ascii x'5c'),2))");
    assert_eq!(
        literal("\\a'\\"),
        "(SUBSTRING(CONCAT(' ',_ascii x'5c61275c'),2))"
    );
}

#[test]
fn ascii_between_backslashes_stands_as_digits_unless_it_is_long() {
    let gap = "x".repeat(GAP_BYTES);
    let digits = "78".repeat(GAP_BYTES);
    assert_eq!(
        literal(format!("é\\{gap}\\")),
        format!("(CONCAT('é',_ascii x'5c{digits}5c'))")
    );
    assert_eq!(
        literal(format!("é\\{gap}x\\")),
        format!("(CONCAT('é',_ascii x'5c','{gap}x',_ascii x'5c'))")
    );
}

#[test]
fn text_of_nothing_but_what_is_written_as_digits_takes_a_few_times_its_length() {
    for piece in ["\\", "\\'", "é\\", "\\xxxxxxxxxxxxxxxxx"] {
        let text = piece.repeat(100_000);
        let literal = literal(text.as_str());
        assert!(literal.len() < 10 * text.len(), "{piece}");
        assert_eq!(text_of(&literal), Some(text));
    }
}

#[test]
fn bytes_are_binary_strings() {
    assert_eq!(literal(b"\x00\x7f\xff"), "(_binary x'007fff')");
    assert_eq!(literal(b"'\\"), "(_binary x'275c')");
    assert_eq!(literal(b""), "(_binary'')");
}

#[test]
fn calendar_dates_are_date_literals_and_others_are_text() {
    let date = |year, month, day| Date::new(year, month, day).unwrap();
    assert_eq!(literal(date(2024, 2, 29)), "(DATE'2024-02-29')");
    assert_eq!(literal(date(9999, 12, 31)), "(DATE'9999-12-31')");
    assert_eq!(literal(date(0, 1, 1)), "(DATE'0000-01-01')");
    assert_eq!(literal(Date::ZERO), "('0000-00-00')");
    assert_eq!(literal(date(2024, 0, 0)), "('2024-00-00')");
    assert_eq!(literal(date(2023, 2, 29)), "('2023-02-29')");
    let at = |date| DateTime::new(date, 1, 2, 3, 40).unwrap();
    assert_eq!(
        literal(at(date(2024, 2, 29))),
        "(TIMESTAMP'2024-02-29 01:02:03.000040')"
    );
    assert_eq!(literal(DateTime::ZERO), "('0000-00-00 00:00:00')");
}

#[test]
fn times_are_time_literals_at_their_limits() {
    assert_eq!(literal(Time::ZERO), "(TIME'00:00:00')");
    assert_eq!(literal(Time::MAX), "(TIME'838:59:59.999999')");
    assert_eq!(literal(Time::MIN), "(TIME'-838:59:59.999999')");
}

#[test]
fn null_and_what_a_column_does_by_itself_are_keywords() {
    assert_eq!(literal(None::<i32>), "(NULL)");
    assert_eq!(literal(Indicated::<i32>::Default), "DEFAULT");
    assert_eq!(literal(Indicated::<i32>::Ignore), "IGNORE");
}

#[test]
fn data_sent_ahead_has_no_literal() {
    let mut literals = SqlLiterals::new();
    let error = literals.set(&(1, LongData)).unwrap_err();
    assert!(
        matches!(
            error,
            ParamsError::Parameter {
                index: 1,
                error: ToSqlError::NotHere { .. }
            }
        ),
        "{error:?}"
    );
    assert!(literals.is_empty() && literals.bytes() == 0);
}

#[test]
fn literals_come_in_their_order_and_are_replaced() {
    let mut literals = SqlLiterals::new();
    assert_eq!(literals.iter().count(), 0);
    literals.set(&(1, "a", None::<u8>)).unwrap();
    let found: Vec<&str> = literals.iter().collect();
    assert_eq!(found, ["1", "('a')", "(NULL)"]);
    literals.set(&["b"]).unwrap();
    let found: Vec<&str> = literals.iter().collect();
    assert_eq!(found, ["('b')"]);
    literals.set(&["x".repeat(2 * KEPT_BYTES)]).unwrap();
    literals.clear();
    assert!(literals.is_empty() && literals.sql.capacity() <= KEPT_BYTES);
}

#[test]
fn debug_shows_no_values() {
    let mut literals = SqlLiterals::new();
    literals.set(&("secret", 42)).unwrap();
    assert_eq!(format!("{literals:?}"), "SqlLiterals(2, 12 bytes)");
}

/// Strings in which every other character is one that ends strings, escapes or comments.
fn hostile_text() -> impl Strategy<Value = String> {
    let special = prop::sample::select(vec![
        '\'', '"', '`', '\\', '\0', '\n', '\r', '\x1a', '-', '#', '/', '*', '?', ';', '(', ')',
        '¿', '你',
    ]);
    prop::collection::vec(prop_oneof![special, any::<char>()], 0..40)
        .prop_map(|characters| characters.into_iter().collect())
}

proptest! {
    #[test]
    fn any_text_comes_back_from_its_literal_in_every_mode(text in hostile_text()) {
        let literal = literal(text.as_str());
        prop_assert_eq!(text_of(&literal), Some(text));
    }

    #[test]
    fn any_bytes_come_back_from_their_literal(
        bytes in prop::collection::vec(any::<u8>(), 1..40)
    ) {
        let literal = literal(&bytes);
        let digits = literal.strip_prefix("(_binary x'").unwrap().strip_suffix("')").unwrap();
        prop_assert_eq!(self::bytes(digits), bytes);
    }

    #[test]
    fn any_number_comes_back_from_its_literal(bits in any::<u64>(), int in any::<i64>()) {
        let double = f64::from_bits(bits);
        prop_assume!(double.is_finite());
        let back: f64 = in_parentheses(&literal(double)).parse().unwrap();
        prop_assert_eq!(back.to_bits(), bits);
        let back: i64 = literal(int).trim_matches(['(', ')']).parse().unwrap();
        prop_assert_eq!(back, int);
    }

    #[test]
    fn any_float_comes_back_from_its_literal(bits in any::<u32>()) {
        let float = f32::from_bits(bits);
        prop_assume!(float.is_finite());
        let back: f64 = in_parentheses(&literal(float)).parse().unwrap();
        prop_assert_eq!(back.to_bits(), f64::from(float).to_bits());
    }
}

/// A value that depends on the zone that date and time literals are in.
struct Zoned;

impl ToSql for Zoned {
    fn to_sql(&self, out: &mut dyn ParameterSink) -> Result<(), ToSqlError> {
        let SessionTimeZone::Offset { seconds } = out.time_zone() else {
            return Err(ToSqlError::TimeZone);
        };
        seconds.to_sql(out)
    }
}

#[test]
fn values_are_told_the_zone_of_the_session() {
    let mut literals = SqlLiterals::new();
    let error = literals.set(&(Zoned,)).unwrap_err();
    let expected = ParamsError::Parameter {
        index: 0,
        error: ToSqlError::TimeZone,
    };
    assert_eq!(error, expected);
    literals.set_time_zone(SessionTimeZone::Offset { seconds: 3600 });
    for _ in 0..2 {
        literals.set(&(Zoned,)).unwrap();
        assert_eq!(literals.iter().collect::<Vec<_>>(), ["3600"]);
    }
}
