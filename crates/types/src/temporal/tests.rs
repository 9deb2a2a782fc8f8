use proptest::prelude::*;

use super::*;

const MALFORMED: TemporalError = TemporalError::Malformed;
const OUT_OF_RANGE: TemporalError = TemporalError::OutOfRange;

fn date(year: u16, month: u8, day: u8) -> Date {
    Date::new(year, month, day).unwrap()
}

fn time(text: &str) -> Time {
    text.parse().unwrap()
}

#[test]
fn the_least_and_the_greatest_date_come_back() {
    for text in ["0000-00-00", "0001-01-01", "9999-12-31", "2024-02-29"] {
        assert_eq!(text.parse::<Date>().unwrap().to_string(), text);
    }
    assert_eq!("2024-02-29".parse(), Ok(date(2024, 2, 29)));
}

#[test]
fn dates_with_zeros_are_held_and_are_no_calendar_dates() {
    for text in ["0000-00-00", "2024-00-00", "2024-01-00", "2024-00-07"] {
        let date: Date = text.parse().unwrap();
        assert_eq!(date.to_string(), text);
        assert!(!date.is_calendar_date(), "{text}");
        assert_eq!(date.is_zero(), date == Date::ZERO);
    }
    assert!(Date::ZERO.is_zero());
    assert!(!date(2024, 0, 0).is_zero());
}

#[test]
fn the_calendar_knows_leap_years() {
    for (year, days) in [
        (2023, 28),
        (2024, 29),
        (1900, 28),
        (2000, 29),
        (0, 28),
        (4, 29),
    ] {
        assert!(date(year, 2, days).is_calendar_date(), "{year}");
        assert!(!date(year, 2, days + 1).is_calendar_date(), "{year}");
    }
    assert!(date(2024, 12, 31).is_calendar_date());
    assert!(!date(2024, 11, 31).is_calendar_date());
}

#[test]
fn a_date_out_of_range_is_refused() {
    assert_eq!(Date::new(10_000, 1, 1), None);
    assert_eq!(Date::new(2024, 13, 1), None);
    assert_eq!(Date::new(2024, 1, 32), None);
    assert_eq!("2024-13-01".parse::<Date>(), Err(OUT_OF_RANGE));
    assert_eq!("2024-01-32".parse::<Date>(), Err(OUT_OF_RANGE));
}

#[test]
fn what_is_no_date_is_an_error() {
    for text in [
        "",
        "2024-1-01",
        "2024/01/01",
        "2024-01-01 ",
        "2024-01-0x",
        "-024-01-01",
        "20240101",
        "2024-01-01 00:00:00",
        "２024-01-1",
    ] {
        assert_eq!(text.parse::<Date>(), Err(MALFORMED), "{text}");
    }
}

#[test]
fn the_least_and_the_greatest_datetime_come_back() {
    for text in [
        "0000-00-00 00:00:00",
        "2024-00-00 00:00:00",
        "9999-12-31 23:59:59.999999",
        "2024-02-29 01:02:03.000001",
    ] {
        assert_eq!(text.parse::<DateTime>().unwrap().to_string(), text);
    }
    assert!(
        "0000-00-00 00:00:00.000"
            .parse::<DateTime>()
            .unwrap()
            .is_zero()
    );
}

#[test]
fn a_datetime_has_one_to_six_digits_of_a_fraction() {
    let second = date(2024, 1, 1);
    for (text, microsecond) in [
        (".5", 500_000),
        (".05", 50_000),
        (".000", 0),
        (".123456", 123_456),
    ] {
        let text = format!("2024-01-01 12:34:56{text}");
        assert_eq!(
            text.parse(),
            Ok(DateTime::new(second, 12, 34, 56, microsecond).unwrap())
        );
    }
    for text in [".", ".1234567", ".x", " ", "Z"] {
        let text = format!("2024-01-01 12:34:56{text}");
        assert_eq!(text.parse::<DateTime>(), Err(MALFORMED), "{text}");
    }
}

#[test]
fn a_datetime_out_of_range_is_refused() {
    for time in ["24:00:00", "23:60:00", "23:59:60"] {
        let text = format!("2024-01-01 {time}");
        assert_eq!(text.parse::<DateTime>(), Err(OUT_OF_RANGE), "{text}");
    }
    assert_eq!(DateTime::new(Date::ZERO, 0, 0, 0, 1_000_000), None);
}

#[test]
fn what_is_no_datetime_is_an_error() {
    for text in [
        "",
        "2024-01-01",
        "2024-01-01 ",
        "2024-01-01T00:00:00",
        "2024-01-01 0:00:00",
        "2024-01-01 00:00",
        "2024-01-01 00-00-00",
        "2024-01-é 00:00:00",
    ] {
        assert_eq!(text.parse::<DateTime>(), Err(MALFORMED), "{text}");
    }
}

#[test]
fn a_datetime_is_made_of_its_parts() {
    let datetime = DateTime::new(date(2024, 2, 29), 1, 2, 3, 4).unwrap();
    assert_eq!(datetime.date().year(), 2024);
    assert_eq!((datetime.date().month(), datetime.date().day()), (2, 29));
    assert_eq!((datetime.hour(), datetime.minute()), (1, 2));
    assert_eq!((datetime.second(), datetime.microsecond()), (3, 4));
    assert!(datetime > DateTime::midnight(datetime.date()));
}

#[test]
fn the_least_and_the_greatest_time_come_back() {
    assert_eq!(time("-838:59:59.999999"), Time::MIN);
    assert_eq!(time("838:59:59.999999"), Time::MAX);
    assert_eq!(time("00:00:00"), Time::ZERO);
    assert_eq!(Time::MIN.to_string(), "-838:59:59.999999");
    assert_eq!(Time::MAX.to_string(), "838:59:59.999999");
    assert_eq!(Time::ZERO.to_string(), "00:00:00");
}

#[test]
fn a_time_less_than_a_second_below_zero_keeps_its_sign() {
    let half = time("-00:00:00.5");
    assert!(half.is_negative());
    assert_eq!(half.as_micros(), -500_000);
    assert_eq!(half.to_string(), "-00:00:00.500000");
    assert!(half < Time::ZERO);
    assert_eq!(time("-00:00:00"), Time::ZERO);
}

#[test]
fn a_time_over_a_day_comes_back() {
    let long = time("-100:01:02.50");
    assert_eq!(long, Time::new(true, 100, 1, 2, 500_000).unwrap());
    assert_eq!((long.hours(), long.minutes(), long.seconds()), (100, 1, 2));
    assert_eq!(long.microseconds(), 500_000);
    assert_eq!(long.to_string(), "-100:01:02.500000");
}

#[test]
fn a_time_out_of_range_is_refused() {
    for text in ["839:00:00", "-999:00:00", "00:60:00", "00:00:60"] {
        assert_eq!(text.parse::<Time>(), Err(OUT_OF_RANGE), "{text}");
    }
    assert_eq!(Time::new(false, 0, 0, 0, 1_000_000), None);
    assert_eq!(Time::from_micros(Time::MAX.as_micros() + 1), None);
    assert_eq!(Time::from_micros(Time::MIN.as_micros() - 1), None);
    assert_eq!(Time::from_micros(i64::MIN), None);
}

#[test]
fn what_is_no_time_is_an_error() {
    for text in [
        "",
        "-",
        "0:00:00",
        "0000:00:00",
        "00:00",
        "00:00:00.",
        "00:00:00.1234567",
        "--1:00:00",
        "+00:00:00",
        "00:00:0x",
        "x00:00:00",
    ] {
        assert_eq!(text.parse::<Time>(), Err(MALFORMED), "{text}");
    }
}

#[test]
fn a_time_that_is_not_negative_is_a_duration() {
    let duration = Duration::from_millis(1500);
    assert_eq!(Duration::try_from(time("00:00:01.5")), Ok(duration));
    assert_eq!(Time::try_from(duration), Ok(time("00:00:01.5")));
    assert_eq!(Duration::try_from(time("-00:00:01")), Err(OUT_OF_RANGE));
    assert_eq!(Time::try_from(Duration::MAX), Err(OUT_OF_RANGE));
    assert_eq!(
        Time::try_from(Duration::from_nanos(1_999)),
        Ok(Time::from_micros(1).unwrap())
    );
}

proptest! {
    #[test]
    fn every_date_comes_back(year in 0..=9999_u16, month in 0..=12_u8, day in 0..=31_u8) {
        let date = date(year, month, day);
        prop_assert_eq!(date.to_string().parse(), Ok(date));
    }

    #[test]
    fn every_datetime_comes_back(
        hour in 0..24_u8,
        minute in 0..60_u8,
        second in 0..60_u8,
        microsecond in 0..1_000_000_u32,
    ) {
        let datetime = DateTime::new(date(2024, 2, 29), hour, minute, second, microsecond).unwrap();
        prop_assert_eq!(datetime.to_string().parse(), Ok(datetime));
    }

    #[test]
    fn every_time_comes_back(micros in -MAX_MICROS..=MAX_MICROS) {
        let time = Time::from_micros(micros).unwrap();
        prop_assert_eq!(time.to_string().parse(), Ok(time));
        let parts = (time.hours(), time.minutes(), time.seconds(), time.microseconds());
        let (hours, minutes, seconds, microseconds) = parts;
        let made = Time::new(time.is_negative(), hours, minutes, seconds, microseconds);
        prop_assert_eq!(made, Some(time));
    }

    #[test]
    fn what_parses_is_in_mariadb_s_form(text in "-?[0-9]{2,4}[-:][0-9]{2}[-:][0-9]{2}") {
        if let Ok(date) = text.parse::<Date>() {
            prop_assert_eq!(date.to_string(), text.as_str());
        }
        if let Ok(time) = text.parse::<Time>() {
            prop_assert_eq!(time.to_string().parse(), Ok(time));
        }
    }

    #[test]
    fn no_bytes_make_the_parsers_panic(bytes in proptest::collection::vec(any::<u8>(), 0..30)) {
        let refused = Date::parse(&bytes).is_err()
            && DateTime::parse(&bytes).is_err()
            && Time::parse(&bytes).is_err();
        prop_assert!(refused || bytes.is_ascii());
    }
}
