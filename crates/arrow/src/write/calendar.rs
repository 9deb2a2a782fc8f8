//! Dates and times that are written as text.

use std::fmt::Write;

use arrow::datatypes::TimeUnit;
use otaria_types::SessionTimeZone;

use super::CellRefusal;
use super::temporal::Clock;
use crate::temporal::days;

/// What the server would make of a text, and another may not: the text in the server's own form.
pub(super) struct Written(pub(super) String);

/// A date, also with a time, for a column of dates and times whose seconds have so many digits.
pub(super) fn datetime(text: &str, decimals: u8) -> Result<Written, CellRefusal> {
    let moment = Moment::parse(text)?;
    if moment.offset.is_some() {
        return Err(expected("date and time without a zone"));
    }
    moment.written(decimals)
}

/// The same, for a column of points in time: where the text has a zone, in that of the session.
pub(super) fn instant(
    text: &str,
    decimals: u8,
    zone: SessionTimeZone,
) -> Result<Written, CellRefusal> {
    let moment = Moment::parse(text)?;
    let Some(offset) = moment.offset else {
        return moment.written(decimals);
    };
    let fraction = moment.clock.fraction(decimals)?;
    let clock = Clock::new(TimeUnit::Microsecond, MICROSECONDS, false);
    let micros = moment.seconds().ok_or(CellRefusal::Date)? - i64::from(offset);
    let micros = micros * 1_000_000 + micros_of(fraction);
    let datetime = clock.datetime(micros, Some(zone))?;
    Ok(Written(datetime.to_string()))
}

/// A date for a column of dates, which has no place for a time of day.
pub(super) fn date(text: &str) -> Result<Written, CellRefusal> {
    let moment = Moment::parse(text)?;
    if moment.offset.is_some() || !moment.clock.is_zero() {
        return Err(expected("date without a time of day"));
    }
    Ok(Written(moment.date()))
}

/// A time, which may be negative and longer than a day.
pub(super) fn time(text: &str, decimals: u8) -> Result<Written, CellRefusal> {
    let no_time = || expected("time such as 12:30:00");
    let text = text.trim();
    let (is_negative, rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (days, rest) = match rest.split_once(' ') {
        Some((days, rest)) => (digits(days, 1..=2).ok_or_else(no_time)?, rest),
        None => (0, rest),
    };
    let (mut clock, behind) = ClockText::parse(rest, 1..=3).ok_or_else(no_time)?;
    if !behind.is_empty() || clock.minute > 59 || clock.second > 59 {
        return Err(no_time());
    }
    clock.hour += 24 * days;
    if clock.hour > 838 {
        return Err(CellRefusal::Time);
    }
    let sign = if is_negative && !clock.is_zero() {
        "-"
    } else {
        ""
    };
    clock.fraction(decimals)?;
    Ok(Written(format!("{sign}{}", clock.written())))
}

/// A year of four digits: of 70 the server makes 1970.
pub(super) fn year(text: &str) -> Result<i64, CellRefusal> {
    let is_year = text == "0" || text == "0000" || text.len() == 4 && !text.starts_with('0');
    let year = digits(text, 1..=4).filter(|_| is_year);
    year.map(i64::from).ok_or(NO_YEAR)
}

/// A date and time as its parts say.
struct Moment<'t> {
    year: u32,
    month: u32,
    day: u32,
    clock: ClockText<'t>,
    /// How many seconds its zone's clocks are ahead of UTC, if it names one.
    offset: Option<i32>,
}

impl<'t> Moment<'t> {
    fn parse(text: &'t str) -> Result<Self, CellRefusal> {
        let text = text.trim();
        // 2024-02-29, 20240229, 20240229123000: of all others the year has two digits.
        let leading = text.bytes().take_while(u8::is_ascii_digit).count();
        if ![4, 8, 14].contains(&leading) {
            return Err(expected("date with a year of four digits"));
        }
        let moment = Self::of_parts(text, leading);
        moment.ok_or_else(|| expected("date and time such as 2024-02-29 12:30:00"))
    }

    fn of_parts(text: &'t str, leading: usize) -> Option<Self> {
        let (date, rest) = if leading == 4 {
            separated(text)?
        } else {
            let (date, rest) = text.split_at_checked(8)?;
            let (year, date) = date.split_at_checked(4)?;
            let (month, day) = date.split_at_checked(2)?;
            let number = |text: &str| text.parse::<u32>().ok();
            ([number(year)?, number(month)?, number(day)?], rest)
        };
        let [year, month, day] = date;
        let (clock, zone) = match rest.strip_prefix(['T', ' ']) {
            None if leading == 14 => ClockText::compact(rest)?,
            None if rest.is_empty() => (ClockText::default(), ""),
            None => return None,
            Some(time) => ClockText::parse(time.trim_start(), 1..=2)?,
        };
        let is_in_range = month <= 12
            && day <= 31
            && clock.hour <= 23
            && clock.minute <= 59
            && clock.second <= 59;
        let offset = if zone.is_empty() {
            None
        } else {
            Some(offset(zone)?)
        };
        is_in_range.then_some(Self {
            year,
            month,
            day,
            clock,
            offset,
        })
    }

    fn date(&self) -> String {
        let Self {
            year, month, day, ..
        } = self;
        format!("{year:04}-{month:02}-{day:02}")
    }

    fn written(&self, decimals: u8) -> Result<Written, CellRefusal> {
        self.clock.fraction(decimals)?;
        Ok(Written(format!("{} {}", self.date(), self.clock.written())))
    }

    /// Those from the beginning of 1970, by the clocks of its zone.
    fn seconds(&self) -> Option<i64> {
        let days = days(self.year, self.month, self.day)?;
        let ClockText {
            hour,
            minute,
            second,
            ..
        } = self.clock;
        Some(i64::from(days) * 86_400 + i64::from(hour * 3600 + minute * 60 + second))
    }
}

/// What stands between the parts of a time of day.
#[derive(Default)]
struct ClockText<'t> {
    hour: u32,
    minute: u32,
    second: u32,
    /// Digits behind the point, without zeros at the end.
    fraction: &'t str,
}

impl<'t> ClockText<'t> {
    /// Reads `12:30`, `12:30:00` or `12:30:00.5`, whose hours have so many digits, and gives what
    /// follows.
    fn parse(
        text: &'t str,
        hour_digits: std::ops::RangeInclusive<usize>,
    ) -> Option<(Self, &'t str)> {
        let (hour, rest) = leading(text, hour_digits)?;
        let (minute, rest) = leading(rest.strip_prefix(':')?, 1..=2)?;
        let (second, rest) = match rest.strip_prefix(':') {
            Some(rest) => leading(rest, 1..=2)?,
            None => (0, rest),
        };
        let (fraction, rest) = fraction(rest);
        let clock = Self {
            hour,
            minute,
            second,
            fraction,
        };
        Some((clock, rest))
    }

    /// Reads `123000` or `123000.5`.
    fn compact(text: &'t str) -> Option<(Self, &'t str)> {
        let (hour, rest) = text.split_at_checked(2)?;
        let (minute, rest) = rest.split_at_checked(2)?;
        let (second, rest) = rest.split_at_checked(2)?;
        let (fraction, rest) = fraction(rest);
        let clock = Self {
            hour: digits(hour, 2..=2)?,
            minute: digits(minute, 2..=2)?,
            second: digits(second, 2..=2)?,
            fraction,
        };
        Some((clock, rest))
    }

    const fn is_zero(&self) -> bool {
        self.hour == 0 && self.minute == 0 && self.second == 0 && self.fraction.is_empty()
    }

    /// The digits behind the point, if the column has so many.
    fn fraction(&self, decimals: u8) -> Result<&'t str, CellRefusal> {
        let is_kept = self.fraction.len() <= decimals.into();
        is_kept
            .then_some(self.fraction)
            .ok_or_else(|| expected("second of no more digits than the column has"))
    }

    fn written(&self) -> String {
        let Self {
            hour,
            minute,
            second,
            fraction,
        } = self;
        let mut text = format!("{hour:02}:{minute:02}:{second:02}");
        if !fraction.is_empty() {
            // Writing into memory does not fail.
            let _ = write!(text, ".{fraction}");
        }
        text
    }
}

/// The parts of `2024-02-29` or `2024/2/29`, and what follows.
fn separated(text: &str) -> Option<([u32; 3], &str)> {
    let (year, rest) = leading(text, 4..=4)?;
    let separators = ['-', '/', '.'];
    let (month, rest) = leading(rest.strip_prefix(separators)?, 1..=2)?;
    let (day, rest) = leading(rest.strip_prefix(separators)?, 1..=2)?;
    Some(([year, month, day], rest))
}

/// The number at the beginning, of so many digits, and what follows.
fn leading(text: &str, length: std::ops::RangeInclusive<usize>) -> Option<(u32, &str)> {
    let count = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at_checked(count)?;
    Some((digits(number, length)?, rest))
}

fn digits(text: &str, length: std::ops::RangeInclusive<usize>) -> Option<u32> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    let is_number = is_number && length.contains(&text.len());
    text.parse().ok().filter(|_| is_number)
}

/// The digits behind a point, without zeros at the end, and what follows them.
fn fraction(text: &str) -> (&str, &str) {
    let Some(behind) = text.strip_prefix('.') else {
        return ("", text);
    };
    let count = behind.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, rest) = behind.split_at_checked(count).unwrap_or((behind, ""));
    (digits.trim_end_matches('0'), rest)
}

/// Of up to six digits.
fn micros_of(fraction: &str) -> i64 {
    format!("{fraction:0<6}").parse().unwrap_or(0)
}

/// The seconds of `Z` or `+02:00`.
fn offset(zone: &str) -> Option<i32> {
    if zone == "Z" || zone == "z" {
        return Some(0);
    }
    let (sign, rest) = match zone.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, zone.strip_prefix('+')?),
    };
    let (hours, rest) = leading(rest, 2..=2)?;
    let (minutes, rest) = leading(rest.strip_prefix(':')?, 2..=2)?;
    let seconds = i32::try_from(hours * 3600 + minutes * 60).ok()?;
    (rest.is_empty() && hours <= 23 && minutes <= 59).then_some(sign * seconds)
}

const fn expected(expected: &'static str) -> CellRefusal {
    CellRefusal::Text { expected }
}

pub(super) const NO_YEAR: CellRefusal = expected("year of four digits");
const MICROSECONDS: u8 = super::plan::MICROSECONDS;

#[cfg(test)]
mod tests {
    use super::*;

    const UTC: SessionTimeZone = SessionTimeZone::Offset { seconds: 0 };

    fn kind(refusal: CellRefusal) -> &'static str {
        match refusal {
            CellRefusal::Text { expected } => expected,
            _ => "other",
        }
    }

    fn shown(written: Result<Written, CellRefusal>) -> Result<String, &'static str> {
        written.map(|Written(text)| text).map_err(kind)
    }

    #[test]
    fn dates_have_years_of_four_digits_and_no_time_of_day() {
        for (text, expected) in [
            ("2024-02-29", "2024-02-29"),
            ("0000-00-00", "0000-00-00"),
            ("20240229", "2024-02-29"),
            ("2024/2/9", "2024-02-09"),
            ("2024.02.29 00:00", "2024-02-29"),
        ] {
            assert_eq!(shown(date(text)).as_deref(), Ok(expected), "{text}");
        }
        for text in [
            "24-02-29",
            "240229",
            "70-1-1",
            "10:11:12",
            "today",
            "",
            "2024-13-01",
            "2024-02-32",
            "2024-02",
            "2024-02-29x",
            "2024-02-29 00:00:01",
            "2024-02-29T00:00:00Z",
        ] {
            assert!(date(text).is_err(), "{text}");
        }
    }

    #[test]
    fn seconds_have_no_more_digits_than_the_column_but_zeros() {
        for (text, decimals, expected) in [
            ("2024-02-29", 0, "2024-02-29 00:00:00"),
            ("2024-02-29T12:30:00.000", 0, "2024-02-29 12:30:00"),
            ("20240229123000.1230000", 3, "2024-02-29 12:30:00.123"),
            (" 2024-02-29  1:2:3 ", 0, "2024-02-29 01:02:03"),
        ] {
            let written = shown(datetime(text, decimals));
            assert_eq!(written.as_deref(), Ok(expected), "{text}");
        }
        for text in ["2024-02-29 12:30:00.5", "20240229123000.5"] {
            let refusal = shown(datetime(text, 0)).unwrap_err();
            assert_eq!(refusal, "second of no more digits than the column has");
        }
        for text in [
            "2024-02-29 12:30:60",
            "2024-02-29 24:00:00",
            "2024-02-29 12",
        ] {
            assert!(datetime(text, 6).is_err(), "{text}");
        }
    }

    #[test]
    fn a_zone_is_one_for_points_in_time_only() {
        let east = SessionTimeZone::Offset { seconds: 3600 };
        for (text, zone, expected) in [
            ("2024-02-29T12:30:00Z", UTC, "2024-02-29 12:30:00"),
            ("2024-02-29T00:30:00+02:00", UTC, "2024-02-28 22:30:00"),
            (
                "2024-02-29 23:30:00.5-00:30",
                east,
                "2024-03-01 01:00:00.500000",
            ),
            ("2024-02-29 12:30:00", east, "2024-02-29 12:30:00"),
        ] {
            let written = shown(instant(text, 1, zone));
            assert_eq!(written.as_deref(), Ok(expected), "{text}");
        }
        let unknown = instant("2024-02-29T12:30:00Z", 0, SessionTimeZone::Unknown);
        assert_eq!(unknown.err(), Some(CellRefusal::TimeZone));
        let none = instant("2023-02-29T12:30:00Z", 0, UTC);
        assert_eq!(none.err(), Some(CellRefusal::Date));
        for text in [
            "2024-02-29T12:30:00CET",
            "2024-02-29T12:30:00+2",
            "2024-02-29Z",
        ] {
            assert!(instant(text, 0, UTC).is_err(), "{text}");
        }
        let naive = shown(datetime("2024-02-29T12:30:00Z", 0)).unwrap_err();
        assert_eq!(naive, "date and time without a zone");
    }

    #[test]
    fn times_are_up_to_the_longest_of_the_server_s() {
        for (text, decimals, expected) in [
            ("-838:59:59.999999", 6, "-838:59:59.999999"),
            ("1 10:00:00", 0, "34:00:00"),
            ("12:30", 0, "12:30:00"),
            ("-00:00:00.000", 0, "00:00:00"),
            ("12:00:00.0000000", 0, "12:00:00"),
        ] {
            let written = shown(time(text, decimals));
            assert_eq!(written.as_deref(), Ok(expected), "{text}");
        }
        for text in [
            "12:30:00.5",
            "1230",
            "12",
            "12:30:60",
            "12:60:00",
            "2024-02-29 12:30:00",
            "noon",
            "839:00:00",
            "35 00:00:00",
            "12:30:00Z",
        ] {
            assert!(time(text, 0).is_err(), "{text}");
        }
    }

    #[test]
    fn years_have_four_digits() {
        for (text, expected) in [("1970", 1970), ("2155", 2155), ("0", 0), ("0000", 0)] {
            assert_eq!(year(text), Ok(expected));
        }
        for text in ["70", "00", "0070", "19700", "197", "x", "", "+197"] {
            assert_eq!(year(text), Err(NO_YEAR), "{text}");
        }
    }
}
