//! What is claimed of the dates and times of every crate.

/// Tests by the types, and the names of functions that make values of them.
macro_rules! claims {
    (
        types: $date:ty, $datetime:ty, $time:ty, $interval:ty;
        made by: $at:ident, $from_micros:ident;
        points in time by: $instant:ident, $local:ident;
        beyond the server: $beyond:expr;
        with nanoseconds: $nanos:expr;
    ) => {
        use proptest::prelude::*;

        use super::*;
        use crate::testing::{Written, read_back, refused, written};
        use crate::{FromSql, ValueRef};

        const OUT_OF_RANGE: FromSqlError = FromSqlError::OutOfRange;

        fn server(year: u16, month: u8, day: u8) -> Date {
            Date::new(year, month, day).unwrap()
        }

        #[test]
        fn dates_are_read_and_written_at_their_limits() {
            for (year, month, day) in [
                (0, 1, 1),
                (1, 1, 1),
                (1970, 1, 1),
                (2024, 2, 29),
                (9999, 12, 31),
            ] {
                let date = date_of(year, month, day);
                let on_server = server(year, month, day);
                assert_eq!(<$date>::from_sql(ValueRef::Date(on_server)), Ok(date));
                assert_eq!(written(&date), Written::Date(on_server));
            }
            assert_eq!(refused(&$beyond), ToSqlError::OutOfRange);
            assert_eq!(<$date>::from_sql(ValueRef::Null), Err(FromSqlError::Null));
            assert_eq!(written(&None::<$date>), Written::Null);
        }

        #[test]
        fn zero_dates_and_partial_zero_dates_are_an_error_of_their_own() {
            for date in [
                Date::ZERO,
                server(2024, 0, 0),
                server(2024, 2, 0),
                server(0, 0, 1),
            ] {
                let zero = Err(FromSqlError::ZeroDate);
                assert_eq!(<$date>::from_sql(ValueRef::Date(date)).map(|_| ()), zero);
                let midnight = ValueRef::DateTime(DateTime::midnight(date));
                assert_eq!(<$datetime>::from_sql(midnight).map(|_| ()), zero);
                assert_eq!($instant(DateTime::midnight(date), 0).map(|_| ()), zero);
            }
        }

        #[test]
        fn a_date_that_no_calendar_has_is_out_of_range() {
            for date in [server(2024, 2, 31), server(2023, 2, 29), server(0, 2, 29)] {
                assert_eq!(<$date>::from_sql(ValueRef::Date(date)), Err(OUT_OF_RANGE));
            }
        }

        #[test]
        fn the_server_has_no_leap_day_in_the_year_0() {
            assert_eq!(refused(&date_of(0, 2, 29)), ToSqlError::OutOfRange);
        }

        #[test]
        fn a_date_is_read_as_its_midnight_and_a_datetime_is_no_date() {
            let on_server = server(2024, 2, 29);
            let midnight = date_of(2024, 2, 29).$at(time_of(0, 0, 0, 0));
            let date = ValueRef::Date(on_server);
            assert_eq!(<$datetime>::from_sql(date), Ok(midnight));
            let datetime = ValueRef::DateTime(DateTime::midnight(on_server));
            let mismatch = FromSqlError::Mismatch { value: "datetime" };
            assert_eq!(<$date>::from_sql(datetime), Err(mismatch));
        }

        #[test]
        fn a_time_of_day_is_a_time_of_less_than_24_hours() {
            for (hour, minute, second, micro) in [(0, 0, 0, 0), (23, 59, 59, 999_999)] {
                let time = time_of(hour, minute, second, micro);
                let on_server = Time::new(false, hour.into(), minute, second, micro).unwrap();
                assert_eq!(<$time>::from_sql(ValueRef::Time(on_server)), Ok(time));
                assert_eq!(written(&time), Written::Time(on_server));
            }
            let beyond = [Time::MIN, Time::MAX, Time::new(false, 24, 0, 0, 0).unwrap()];
            for time in beyond.into_iter().chain(Time::from_micros(-1)) {
                assert_eq!(<$time>::from_sql(ValueRef::Time(time)), Err(OUT_OF_RANGE));
            }
            assert_eq!(<$time>::from_sql(ValueRef::Null), Err(FromSqlError::Null));
        }

        #[test]
        fn an_interval_is_any_time() {
            for time in [Time::MIN, Time::ZERO, Time::MAX] {
                let interval = <$interval>::$from_micros(time.as_micros());
                assert_eq!(<$interval>::from_sql(ValueRef::Time(time)), Ok(interval));
                assert_eq!(written(&interval), Written::Time(time));
            }
            for micros in [Time::MIN.as_micros() - 1, Time::MAX.as_micros() + 1] {
                let beyond = <$interval>::$from_micros(micros);
                assert_eq!(refused(&beyond), ToSqlError::OutOfRange);
            }
            assert_eq!(refused(&<$interval>::MAX), ToSqlError::OutOfRange);
            assert_eq!(refused(&<$interval>::MIN), ToSqlError::OutOfRange);
        }

        #[test]
        fn what_is_less_than_a_microsecond_is_left_out() {
            let time = $nanos;
            let on_server = Time::new(false, 1, 2, 3, 4).unwrap();
            assert_eq!(written(&time), Written::Time(on_server));
        }

        proptest! {
            #[test]
            fn what_is_written_is_read_back(
                (year, month, day) in (0_u16..10_000, 1_u8..13, 1_u8..29),
                (hour, minute, second, micro) in (0_u8..24, 0_u8..60, 0_u8..60, 0_u32..1_000_000),
                micros in Time::MIN.as_micros()..=Time::MAX.as_micros(),
                offset in -46_800..50_400,
            ) {
                let date = date_of(year, month, day);
                let time = time_of(hour, minute, second, micro);
                let datetime = date.$at(time);
                prop_assert_eq!(read_back(&date), Ok(date));
                prop_assert_eq!(read_back(&datetime), Ok(datetime));
                prop_assert_eq!(read_back(&time), Ok(time));
                let interval = <$interval>::$from_micros(micros);
                prop_assert_eq!(read_back(&interval), Ok(interval));
                if (1..9999).contains(&year) {
                    let Written::DateTime(clock) = written(&datetime) else {
                        panic!("it is written as something else");
                    };
                    let instant = $instant(clock, offset).unwrap();
                    prop_assert_eq!($local(instant, offset), Ok(clock));
                }
            }
        }
    };
}

pub(in crate::foreign) use claims;
