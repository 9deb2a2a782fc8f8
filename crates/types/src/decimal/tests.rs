use std::{collections::HashSet, hash::BuildHasher};

use proptest::prelude::*;

use super::*;

/// The greatest DECIMAL(65,30).
const GREATEST: &str = "99999999999999999999999999999999999.999999999999999999999999999999";

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

#[test]
fn the_least_and_the_greatest_decimal_come_back() {
    assert_eq!(decimal(GREATEST).to_string(), GREATEST);
    let least = format!("-{GREATEST}");
    assert_eq!(decimal(&least).to_string(), least);
    let smallest = "-0.00000000000000000000000000000000000001";
    assert_eq!(decimal(smallest).to_string(), smallest);
    let nines = "9".repeat(65);
    assert_eq!(decimal(&nines).to_string(), nines);
}

#[test]
fn the_scale_is_kept() {
    for text in ["0", "0.00", "1.50", "-0.50", "100", "-15.500"] {
        assert_eq!(decimal(text).to_string(), text);
    }
    assert_eq!(decimal("1.50").scale(), 2);
    assert_eq!(format!("{:?}", decimal("-1.50")), "Decimal(-1.50)");
}

#[test]
fn signs_and_zeros_that_say_nothing_are_dropped() {
    for (text, shown) in [
        ("+1", "1"),
        ("007.50", "7.50"),
        ("-0.00", "0.00"),
        (".5", "0.5"),
        ("5.", "5"),
    ] {
        assert_eq!(decimal(text).to_string(), shown);
    }
    assert!(!decimal("-0").is_negative());
    assert_eq!(decimal(&format!("{:0>200}", 1)), decimal("1"));
}

#[test]
fn too_many_digits_are_an_error() {
    for text in [
        "1".repeat(66),
        format!("{GREATEST}0"),
        format!("0.{}", "0".repeat(39)),
        "1".repeat(1000),
    ] {
        assert_eq!(
            text.parse::<Decimal>(),
            Err(DecimalError::TooManyDigits),
            "{text}"
        );
    }
}

#[test]
fn what_is_no_decimal_is_an_error() {
    for text in [
        "", "-", ".", "-.", "1e5", "1.2.3", "--1", "1,5", " 1", "NaN", "\u{661}",
    ] {
        assert_eq!(
            text.parse::<Decimal>(),
            Err(DecimalError::Malformed),
            "{text}"
        );
    }
}

#[test]
fn numbers_compare_by_value() {
    let ascending = [
        "-99999999999999999999999999999999999999999999999999999999999999999",
        "-2.5",
        "-2.49",
        "-0.00000000000000000000000000000000000001",
        "0.00",
        "0.1",
        "0.12",
        "1",
        "10.0",
        "18446744073709551616",
        GREATEST,
    ];
    for (index, text) in ascending.iter().enumerate() {
        for (other_index, other) in ascending.iter().enumerate() {
            let expected = index.cmp(&other_index);
            assert_eq!(
                decimal(text).cmp(&decimal(other)),
                expected,
                "{text} {other}"
            );
        }
    }
}

#[test]
fn equal_numbers_have_the_same_hash() {
    let state = std::hash::RandomState::new();
    for (one, other) in [("1.0", "1.00"), ("0", "0.000"), ("-100.50", "-100.5")] {
        let (one, other) = (decimal(one), decimal(other));
        assert_eq!(one, other);
        assert_eq!(state.hash_one(one), state.hash_one(other));
    }
    let set: HashSet<_> = [decimal("1"), decimal("10"), decimal("1.0")].into();
    assert_eq!(set.len(), 2);
}

#[test]
fn a_decimal_is_made_of_an_integer_and_a_scale() {
    assert_eq!(Decimal::from_i128(-50, 2).unwrap().to_string(), "-0.50");
    assert_eq!(Decimal::from_i128(1, 39), None);
    assert_eq!(decimal("-0.50").unscaled(), Some(-50));
    for limit in [i128::MIN, i128::MAX] {
        assert_eq!(Decimal::from(limit).unscaled(), Some(limit));
        assert_eq!(Decimal::from(limit).to_string(), limit.to_string());
    }
    assert_eq!(decimal(GREATEST).unscaled(), None);
    let beyond = decimal("170141183460469231731687303715884105728");
    assert_eq!(beyond.unscaled(), None);
    assert_eq!(
        decimal("-170141183460469231731687303715884105729").unscaled(),
        None
    );
}

#[test]
fn an_integral_decimal_converts_to_integers() {
    assert_eq!(i64::try_from(decimal("-42.00")), Ok(-42));
    assert_eq!(u64::try_from(Decimal::from(u64::MAX)), Ok(u64::MAX));
    assert_eq!(i64::try_from(Decimal::from(i64::MIN)), Ok(i64::MIN));
    assert_eq!(i128::try_from(Decimal::from(i128::MIN)), Ok(i128::MIN));
    assert_eq!(i64::try_from(decimal("0.5")), Err(DecimalError::Inexact));
    let out_of_range = DecimalError::OutOfRange;
    assert_eq!(u8::try_from(decimal("256")), Err(out_of_range));
    assert_eq!(u64::try_from(decimal("-1")), Err(out_of_range));
    let nines = decimal(&"9".repeat(65));
    assert_eq!(i128::try_from(nines), Err(out_of_range));
    let integral = format!("{}.{}", "1".repeat(30), "0".repeat(35));
    let ones = "1".repeat(30).parse::<i128>().unwrap();
    assert_eq!(i128::try_from(decimal(&integral)), Ok(ones));
}

#[test]
fn the_nearest_float_is_found() {
    for text in ["0.1", "-15.50", GREATEST, "9007199254740993"] {
        let float = decimal(text).to_f64();
        assert_eq!(float.to_bits(), text.parse::<f64>().unwrap().to_bits());
    }
}

proptest! {
    #[test]
    fn every_decimal_comes_back(text in "-?[1-9][0-9]{0,26}\\.[0-9]{1,38}") {
        prop_assert_eq!(decimal(&text).to_string(), text);
    }

    #[test]
    fn integers_compare_as_decimals(one: i128, other: i128, scale in 0..=38_u8) {
        let scaled = |unscaled| Decimal::from_i128(unscaled, scale).unwrap();
        prop_assert_eq!(scaled(one).cmp(&scaled(other)), one.cmp(&other));
        prop_assert_eq!(scaled(one).unscaled(), Some(one));
        prop_assert_eq!(scaled(one).to_string().parse(), Ok(scaled(one)));
    }

    #[test]
    fn a_scale_does_not_matter_to_comparisons(one: i64, other: i64, zeros in 0..=38_usize) {
        let longer = decimal(&format!("{one}.{}", "0".repeat(zeros)));
        prop_assert_eq!(longer.cmp(&Decimal::from(other)), one.cmp(&other));
        let state = std::hash::RandomState::new();
        prop_assert_eq!(state.hash_one(longer), state.hash_one(Decimal::from(one)));
    }

    #[test]
    fn no_bytes_make_the_parser_panic(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
        prop_assert!(Decimal::parse(&bytes).is_err() || bytes.is_ascii());
    }
}
