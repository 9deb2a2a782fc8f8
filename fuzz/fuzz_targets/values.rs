//! Dates, times and decimals: text that is read is written as an equal value, in one form.
#![no_main]

use std::cmp::Ordering;
use std::fmt::{Debug, Display};
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::str::FromStr;
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use otaria_types::{Date, DateTime, Decimal, Time};

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else {
        assert!(Date::parse(data).is_err() && DateTime::parse(data).is_err());
        assert!(Time::parse(data).is_err() && Decimal::parse(data).is_err());
        return;
    };
    if let Some(date) = comes_back::<Date>(text) {
        assert_eq!(Date::new(date.year(), date.month(), date.day()), Some(date));
        assert_eq!(date.to_string(), text);
        assert!(!date.is_zero() || !date.is_calendar_date());
    }
    if let Some(moment) = comes_back::<DateTime>(text) {
        assert_eq!(moment.is_zero(), moment == DateTime::ZERO);
        assert!(moment >= DateTime::midnight(moment.date()));
        assert_eq!(moment.to_string()[..19], text[..19]);
    }
    if let Some(time) = comes_back::<Time>(text) {
        assert!(Time::MIN <= time && time <= Time::MAX);
        assert_eq!(Time::from_micros(time.as_micros()), Some(time));
        let duration = Duration::try_from(time);
        assert_eq!(duration.is_err(), time.is_negative());
        assert!(duration.is_err() || Time::try_from(duration.unwrap()) == Ok(time));
    }
    if let Some(decimal) = comes_back::<Decimal>(text) {
        decimals(decimal, text);
    }
    // Two numbers in one text are compared.
    if let Some((a, b)) = text.split_once(' ')
        && let (Ok(a), Ok(b)) = (a.parse::<Decimal>(), b.parse::<Decimal>())
    {
        assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
        assert!(a != b || hash(a) == hash(b));
        assert!(a > b || a.to_f64() <= b.to_f64());
    }
});

fn comes_back<T: FromStr + Display + PartialEq + Debug>(text: &str) -> Option<T> {
    let value = text.parse::<T>().ok()?;
    let shown = value.to_string();
    let back = shown.parse::<T>().ok();
    assert_eq!(back.as_ref(), Some(&value), "{shown}");
    assert_eq!(back.map(|back| back.to_string()), Some(shown));
    Some(value)
}

fn decimals(decimal: Decimal, text: &str) {
    assert_eq!(
        decimal.scale(),
        decimal.to_string().parse::<Decimal>().unwrap().scale()
    );
    assert_eq!(decimal.is_negative(), decimal < Decimal::ZERO);
    if let Some(unscaled) = decimal.unscaled() {
        let again = Decimal::from_i128(unscaled, decimal.scale()).unwrap();
        assert_eq!(again.to_string(), decimal.to_string());
    }
    if let Ok(integer) = i128::try_from(decimal) {
        assert_eq!(Decimal::from(integer), decimal);
        assert_eq!(hash(Decimal::from(integer)), hash(decimal));
    }
    // Rust reads what is a number here as the same number.
    let float: f64 = text.parse().unwrap();
    let same = float.partial_cmp(&decimal.to_f64()) == Some(Ordering::Equal);
    assert!(same, "{float} {decimal}");
}

fn hash(decimal: Decimal) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one(decimal)
}
