use arrow::datatypes::TimeUnit;
use otaria_types::{Date, DateTime, SessionTimeZone, Time};

use super::CellRefusal;

/// How numbers of a temporal type become the server's values.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    pub(crate) unit: TimeUnit,
    /// How many microseconds a value of the table's column is a multiple of.
    step: i64,
    /// What is less is cut off, and not an error.
    pub(crate) truncates: bool,
    /// The column holds dates, in which a time of day would be lost.
    is_date: bool,
}

impl Clock {
    /// For a column whose seconds have so many digits behind the point.
    pub(crate) fn new(unit: TimeUnit, decimals: u8, truncates: bool) -> Self {
        Self {
            unit,
            step: 10_i64.pow(u32::from(6_u8.saturating_sub(decimals))),
            truncates,
            is_date: false,
        }
    }

    /// The same, for a column of dates if it is so said.
    pub(crate) const fn for_dates(mut self, is_date: bool) -> Self {
        self.is_date = is_date;
        self
    }

    /// The value in microseconds, a multiple of the step; `None` if there are too many for 64 bits.
    #[inline]
    fn micros(self, value: i64) -> Result<Option<i64>, CellRefusal> {
        let micros = match self.unit {
            TimeUnit::Second => value.checked_mul(1_000_000),
            TimeUnit::Millisecond => value.checked_mul(1000),
            TimeUnit::Microsecond => Some(value),
            TimeUnit::Nanosecond => {
                if value % 1000 != 0 && !self.truncates {
                    return Err(CellRefusal::SecondDigits { decimals: 6 });
                }
                Some(value.div_euclid(1000))
            }
        };
        match micros {
            Some(micros) if self.step > 1 && micros % self.step != 0 => {
                if self.truncates {
                    return Ok(Some(micros - micros.rem_euclid(self.step)));
                }
                Err(CellRefusal::SecondDigits {
                    decimals: decimals(self.step),
                })
            }
            micros => Ok(micros),
        }
    }

    /// Whether a value loses digits by being truncated.
    pub(crate) fn cuts(self, value: i64) -> bool {
        let exact = Self {
            truncates: false,
            ..self
        };
        exact.micros(value).is_err()
    }

    /// The date and time so long after the beginning of 1970, and as much later as the session's
    /// clocks are ahead where the value is a point in time.
    #[inline]
    pub(crate) fn datetime(
        self,
        value: i64,
        zone: Option<SessionTimeZone>,
    ) -> Result<DateTime, CellRefusal> {
        let offset = match zone {
            None => 0,
            Some(SessionTimeZone::Offset { seconds }) => 1_000_000 * i64::from(seconds),
            Some(SessionTimeZone::Unknown) => return Err(CellRefusal::TimeZone),
        };
        let micros = self
            .micros(value)?
            .and_then(|micros| micros.checked_add(offset))
            .ok_or(CellRefusal::Date)?;
        if self.is_date && micros % DAY_MICROS != 0 {
            return Err(CellRefusal::PartOfDay);
        }
        datetime(micros).ok_or(CellRefusal::Date)
    }

    #[inline]
    pub(crate) fn time(self, value: i64) -> Result<Time, CellRefusal> {
        self.micros(value)?
            .and_then(Time::from_micros)
            .ok_or(CellRefusal::Time)
    }
}

fn decimals(step: i64) -> u8 {
    (0..6)
        .find(|decimals| step == 10_i64.pow(6 - u32::from(*decimals)))
        .unwrap_or(6)
}

#[inline]
fn datetime(micros: i64) -> Option<DateTime> {
    let days = i32::try_from(micros.div_euclid(DAY_MICROS)).ok()?;
    let micros = u64::try_from(micros.rem_euclid(DAY_MICROS)).ok()?;
    let date = date(days)?;
    let (seconds, micros) = (micros / 1_000_000, micros % 1_000_000);
    let [hour, minute, second] = [seconds / 3600, seconds / 60 % 60, seconds % 60]
        .map(|part| u8::try_from(part).unwrap_or(u8::MAX));
    DateTime::new(date, hour, minute, second, u32::try_from(micros).ok()?)
}

/// The date so many days after 1 January 1970, if it is of the years 0 to 9999.
#[inline]
pub(crate) fn date(days: i32) -> Option<Date> {
    // Years begin in March here, so that a leap day is the last of one; 400 years more keep all above
    // zero.
    let days = u32::try_from(days.checked_add(DAYS_TO_1970)?).ok()?;
    let (era, day_of_era) = (days / ERA_DAYS, days % ERA_DAYS);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let (month, next_year) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    let year = (400 * era + year_of_era + next_year).checked_sub(400)?;
    let date = Date::new(
        u16::try_from(year).ok()?,
        u8::try_from(month).ok()?,
        u8::try_from(day).ok()?,
    )?;
    // The server has no 29 February of the year 0.
    date.is_calendar_date().then_some(date)
}

pub(crate) const DAY_MILLIS: i64 = 86_400_000;
const DAY_MICROS: i64 = 1000 * DAY_MILLIS;
const ERA_DAYS: u32 = 146_097;

/// From 1 March of the year -400 to 1 January 1970.
const DAYS_TO_1970: i32 = 719_468 + 146_097;

#[cfg(test)]
mod tests {
    use super::*;

    fn text(days: i32) -> Option<String> {
        date(days).map(|date| date.to_string())
    }

    #[test]
    fn every_day_is_the_day_behind_the_one_before() {
        let mut before = date(-719_528).unwrap();
        assert_eq!(before.to_string(), "0000-01-01");
        for days in -719_527..=2_932_896 {
            let Some(next) = date(days) else {
                assert_eq!(before.to_string(), "0000-02-28");
                continue;
            };
            let follows = Date::new(before.year(), before.month(), before.day() + 1)
                .filter(|date| date.is_calendar_date())
                .or_else(|| Date::new(before.year(), before.month() + 1, 1))
                .unwrap_or_else(|| Date::new(before.year() + 1, 1, 1).unwrap());
            assert_eq!(next, follows);
            before = next;
        }
        assert_eq!(before.to_string(), "9999-12-31");
    }

    #[test]
    fn days_out_of_the_calendar_are_refused() {
        for days in [i32::MIN, -719_529, 2_932_897, i32::MAX] {
            assert_eq!(text(days), None, "{days}");
        }
        assert_eq!(text(0).as_deref(), Some("1970-01-01"));
    }

    #[test]
    fn each_unit_is_a_part_of_a_day() {
        let utc = Some(SessionTimeZone::Offset { seconds: 0 });
        for (unit, value, expected) in [
            (TimeUnit::Second, -1, "1969-12-31 23:59:59"),
            (TimeUnit::Millisecond, 1, "1970-01-01 00:00:00.001000"),
            (TimeUnit::Microsecond, -1, "1969-12-31 23:59:59.999999"),
            (TimeUnit::Nanosecond, -1000, "1969-12-31 23:59:59.999999"),
        ] {
            let clock = Clock::new(unit, 6, false);
            for zone in [None, utc] {
                assert_eq!(clock.datetime(value, zone).unwrap().to_string(), expected);
            }
        }
        let clock = Clock::new(TimeUnit::Second, 6, false);
        let east = Some(SessionTimeZone::Offset { seconds: 7200 });
        let datetime = clock.datetime(0, east).unwrap();
        assert_eq!(datetime.to_string(), "1970-01-01 02:00:00");
        let unknown = Some(SessionTimeZone::Unknown);
        assert_eq!(clock.datetime(0, unknown), Err(CellRefusal::TimeZone));
        assert_eq!(clock.datetime(i64::MAX, None), Err(CellRefusal::Date));
        assert_eq!(clock.time(839 * 3600), Err(CellRefusal::Time));
    }

    #[test]
    fn digits_that_the_column_lacks_are_an_error_or_cut_towards_the_past() {
        let exact = Clock::new(TimeUnit::Nanosecond, 3, false);
        let decimals = |decimals| Err(CellRefusal::SecondDigits { decimals });
        assert_eq!(exact.time(1_000_001), decimals(6));
        assert_eq!(exact.time(1_001_000), decimals(3));
        assert_eq!(exact.time(1_000_000), Ok(Time::from_micros(1000).unwrap()));
        let cut = Clock::new(TimeUnit::Nanosecond, 3, true);
        assert_eq!(cut.time(1_999_999), Ok(Time::from_micros(1000).unwrap()));
        assert_eq!(
            cut.datetime(-1, None).unwrap().to_string(),
            "1969-12-31 23:59:59.999000"
        );
        assert!(cut.cuts(1) && cut.cuts(1000) && !cut.cuts(1_000_000));
    }

    #[test]
    fn a_column_of_dates_takes_midnight_of_the_session_s_zone() {
        let clock = Clock::new(TimeUnit::Second, 6, true).for_dates(true);
        let east = Some(SessionTimeZone::Offset { seconds: 7200 });
        for (value, zone) in [(86_400, None), (79_200, east)] {
            let datetime = clock.datetime(value, zone).unwrap();
            assert_eq!(datetime.to_string(), "1970-01-02 00:00:00");
        }
        for (value, zone) in [(86_401, None), (-1, None), (86_400, east)] {
            assert_eq!(clock.datetime(value, zone), Err(CellRefusal::PartOfDay));
        }
    }
}
