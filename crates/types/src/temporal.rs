use std::{fmt, str::FromStr, time::Duration};

use crate::TemporalError;

/// A DATE: a year from 0 to 9999, a month from 0 to 12 and a day from 0 to 31.
///
/// MariaDB stores dates that no calendar has: the zero date `0000-00-00`, dates with zeros in them
/// such as `2024-00-00`, and under `ALLOW_INVALID_DATES` days such as `2024-02-31`.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
}

impl Date {
    /// The zero date, `0000-00-00`.
    pub const ZERO: Self = Self {
        year: 0,
        month: 0,
        day: 0,
    };

    /// A date, or `None` if the year is over 9999, the month over 12 or the day over 31.
    pub const fn new(year: u16, month: u8, day: u8) -> Option<Self> {
        if year > 9999 || month > 12 || day > 31 {
            return None;
        }
        Some(Self { year, month, day })
    }

    /// The year, 0 in the zero date.
    pub const fn year(self) -> u16 {
        self.year
    }

    /// The month from 1, or 0 where the date leaves it open.
    pub const fn month(self) -> u8 {
        self.month
    }

    /// The day of the month from 1, or 0 where the date leaves it open.
    pub const fn day(self) -> u8 {
        self.day
    }

    /// Whether this is the zero date, `0000-00-00`.
    pub const fn is_zero(self) -> bool {
        self.year == 0 && self.month == 0 && self.day == 0
    }

    /// Whether the calendar has this date: no zero month or day, and no day beyond the month's
    /// end. As on the server, the year 0 is no leap year.
    pub const fn is_calendar_date(self) -> bool {
        self.day >= 1 && self.day <= days_in_month(self.year, self.month)
    }

    /// Reads a date in MariaDB's form, `YYYY-MM-DD`.
    ///
    /// # Errors
    /// [`TemporalError::Malformed`] if it is in another form, [`TemporalError::OutOfRange`] if the
    /// month or the day is too great.
    #[inline]
    pub fn parse(text: &[u8]) -> Result<Self, TemporalError> {
        let &[y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = text else {
            return Err(TemporalError::Malformed);
        };
        let year = 100 * u16::from(two_digits(y1, y2)?) + u16::from(two_digits(y3, y4)?);
        Self::new(year, two_digits(m1, m2)?, two_digits(d1, d2)?).ok_or(TemporalError::OutOfRange)
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

impl FromStr for Date {
    type Err = TemporalError;

    fn from_str(text: &str) -> Result<Self, TemporalError> {
        Self::parse(text.as_bytes())
    }
}

/// A DATETIME or TIMESTAMP: a [`Date`] and a time of day, without a time zone.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct DateTime {
    date: Date,
    hour: u8,
    minute: u8,
    second: u8,
    microsecond: u32,
}

impl DateTime {
    /// The zero date at midnight, `0000-00-00 00:00:00`.
    pub const ZERO: Self = Self::midnight(Date::ZERO);

    /// A date and time, or `None` if the hour is over 23, the minute or the second over 59 or the
    /// microsecond over 999,999.
    pub const fn new(
        date: Date,
        hour: u8,
        minute: u8,
        second: u8,
        microsecond: u32,
    ) -> Option<Self> {
        if hour > 23 || minute > 59 || second > 59 || microsecond > 999_999 {
            return None;
        }
        Some(Self {
            date,
            hour,
            minute,
            second,
            microsecond,
        })
    }

    /// The first moment of `date`.
    pub const fn midnight(date: Date) -> Self {
        Self {
            date,
            hour: 0,
            minute: 0,
            second: 0,
            microsecond: 0,
        }
    }

    /// The date.
    pub const fn date(self) -> Date {
        self.date
    }

    /// The hour of the day, 0 to 23.
    pub const fn hour(self) -> u8 {
        self.hour
    }

    /// The minute of the hour, 0 to 59.
    pub const fn minute(self) -> u8 {
        self.minute
    }

    /// The second of the minute, 0 to 59.
    pub const fn second(self) -> u8 {
        self.second
    }

    /// The microsecond of the second, 0 to 999,999.
    pub const fn microsecond(self) -> u32 {
        self.microsecond
    }

    /// Whether this is the zero date at midnight, `0000-00-00 00:00:00`.
    pub fn is_zero(self) -> bool {
        self == Self::ZERO
    }

    /// Reads a date and time in MariaDB's form, `YYYY-MM-DD hh:mm:ss` and up to six digits of a
    /// fraction.
    ///
    /// # Errors
    /// [`TemporalError::Malformed`] if it is in another form, [`TemporalError::OutOfRange`] if a
    /// part is too great.
    #[inline]
    pub fn parse(text: &[u8]) -> Result<Self, TemporalError> {
        let Some((date, [b' ', time @ ..])) = text.split_at_checked(DATE_BYTES) else {
            return Err(TemporalError::Malformed);
        };
        let &[h1, h2, b':', m1, m2, b':', s1, s2, ref fraction @ ..] = time else {
            return Err(TemporalError::Malformed);
        };
        let date = Date::parse(date)?;
        let (hour, minute, second) = (
            two_digits(h1, h2)?,
            two_digits(m1, m2)?,
            two_digits(s1, s2)?,
        );
        Self::new(date, hour, minute, second, microseconds(fraction)?)
            .ok_or(TemporalError::OutOfRange)
    }
}

impl fmt::Display for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            date,
            hour,
            minute,
            second,
            microsecond,
        } = self;
        write!(f, "{date} {hour:02}:{minute:02}:{second:02}")?;
        write_fraction(f, *microsecond)
    }
}

impl FromStr for DateTime {
    type Err = TemporalError;

    fn from_str(text: &str) -> Result<Self, TemporalError> {
        Self::parse(text.as_bytes())
    }
}

/// A TIME: a time of day or an interval, from `-838:59:59.999999` to `838:59:59.999999`.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Time {
    micros: i64,
}

impl Time {
    /// The least, `-838:59:59.999999`.
    pub const MIN: Self = Self {
        micros: -MAX_MICROS,
    };

    /// `00:00:00`.
    pub const ZERO: Self = Self { micros: 0 };

    /// The greatest, `838:59:59.999999`.
    pub const MAX: Self = Self { micros: MAX_MICROS };

    /// A time, or `None` if there are more than 838 hours, 59 minutes, 59 seconds or 999,999
    /// microseconds. The sign is that of the whole.
    pub fn new(
        negative: bool,
        hours: u16,
        minutes: u8,
        seconds: u8,
        microseconds: u32,
    ) -> Option<Self> {
        if hours > MAX_HOURS || minutes > 59 || seconds > 59 || microseconds > 999_999 {
            return None;
        }
        let whole = i64::from(hours) * 3600 + i64::from(minutes) * 60 + i64::from(seconds);
        let micros = whole * 1_000_000 + i64::from(microseconds);
        Some(Self {
            micros: if negative { -micros } else { micros },
        })
    }

    /// A time of so many microseconds, or `None` if it is beyond [`MIN`](Self::MIN) or
    /// [`MAX`](Self::MAX).
    pub const fn from_micros(micros: i64) -> Option<Self> {
        if micros < -MAX_MICROS || micros > MAX_MICROS {
            return None;
        }
        Some(Self { micros })
    }

    /// The whole time in microseconds, with its sign.
    pub const fn as_micros(self) -> i64 {
        self.micros
    }

    /// Whether the time is less than zero.
    pub const fn is_negative(self) -> bool {
        self.micros < 0
    }

    /// The hours without the sign, 0 to 838.
    pub fn hours(self) -> u16 {
        narrow(self.micros.unsigned_abs() / 3_600_000_000)
    }

    /// The minutes of the hour without the sign, 0 to 59.
    pub fn minutes(self) -> u8 {
        narrow(self.micros.unsigned_abs() / 60_000_000 % 60)
    }

    /// The seconds of the minute without the sign, 0 to 59.
    pub fn seconds(self) -> u8 {
        narrow(self.micros.unsigned_abs() / 1_000_000 % 60)
    }

    /// The microseconds of the second without the sign, 0 to 999,999.
    pub fn microseconds(self) -> u32 {
        narrow(self.micros.unsigned_abs() % 1_000_000)
    }

    /// Reads a time in MariaDB's form, `hh:mm:ss` with two or three digits of hours, a minus in
    /// front if it is negative, and up to six digits of a fraction.
    ///
    /// # Errors
    /// [`TemporalError::Malformed`] if it is in another form, [`TemporalError::OutOfRange`] if a
    /// part is too great.
    #[inline]
    pub fn parse(text: &[u8]) -> Result<Self, TemporalError> {
        let (negative, unsigned) = match text {
            [b'-', unsigned @ ..] => (true, unsigned),
            unsigned => (false, unsigned),
        };
        let (h0, rest) = match unsigned {
            [h0, rest @ ..] if rest.get(2) == Some(&b':') => (*h0, rest),
            rest => (b'0', rest),
        };
        let &[h1, h2, b':', m1, m2, b':', s1, s2, ref fraction @ ..] = rest else {
            return Err(TemporalError::Malformed);
        };
        let hours = 100 * u16::from(two_digits(b'0', h0)?) + u16::from(two_digits(h1, h2)?);
        let (minutes, seconds) = (two_digits(m1, m2)?, two_digits(s1, s2)?);
        Self::new(negative, hours, minutes, seconds, microseconds(fraction)?)
            .ok_or(TemporalError::OutOfRange)
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.is_negative() { "-" } else { "" };
        let (hours, minutes, seconds) = (self.hours(), self.minutes(), self.seconds());
        write!(f, "{sign}{hours:02}:{minutes:02}:{seconds:02}")?;
        write_fraction(f, self.microseconds())
    }
}

impl FromStr for Time {
    type Err = TemporalError;

    fn from_str(text: &str) -> Result<Self, TemporalError> {
        Self::parse(text.as_bytes())
    }
}

impl TryFrom<Time> for Duration {
    type Error = TemporalError;

    /// The same length of time, unless it is negative.
    fn try_from(time: Time) -> Result<Self, TemporalError> {
        match u64::try_from(time.micros) {
            Ok(micros) => Ok(Self::from_micros(micros)),
            Err(_) => Err(TemporalError::OutOfRange),
        }
    }
}

impl TryFrom<Duration> for Time {
    type Error = TemporalError;

    /// The same length of time in whole microseconds, unless it is too long.
    fn try_from(duration: Duration) -> Result<Self, TemporalError> {
        i64::try_from(duration.as_micros())
            .ok()
            .and_then(Self::from_micros)
            .ok_or(TemporalError::OutOfRange)
    }
}

const fn days_in_month(year: u16, month: u8) -> u8 {
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if is_leap_year(year) => 29,
        2 => 28,
        _ => 0,
    }
}

/// Whether `year` has a 29 February. The server gives the year 0 none.
const fn is_leap_year(year: u16) -> bool {
    year != 0 && year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

#[inline]
fn two_digits(tens: u8, ones: u8) -> Result<u8, TemporalError> {
    match (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0')) {
        (tens @ 0..=9, ones @ 0..=9) => Ok(10 * tens + ones),
        _ => Err(TemporalError::Malformed),
    }
}

/// The microseconds of nothing, or of a point and one to six digits.
#[inline]
fn microseconds(fraction: &[u8]) -> Result<u32, TemporalError> {
    let digits = match fraction {
        [] => return Ok(0),
        [b'.', digits @ ..] if (1..=6).contains(&digits.len()) => digits,
        _ => return Err(TemporalError::Malformed),
    };
    let mut unit = 1_000_000;
    let mut microseconds = 0;
    for &byte in digits {
        unit /= 10;
        microseconds += unit * u32::from(two_digits(b'0', byte)?);
    }
    Ok(microseconds)
}

fn write_fraction(f: &mut fmt::Formatter<'_>, microseconds: u32) -> fmt::Result {
    match microseconds {
        0 => Ok(()),
        _ => write!(f, ".{microseconds:06}"),
    }
}

/// `value` in the type of a part of a time, whose range the division before has ensured.
fn narrow<T: TryFrom<u64> + Default>(value: u64) -> T {
    let part = T::try_from(value);
    debug_assert!(part.is_ok(), "a part of a time is out of its range");
    part.unwrap_or_default()
}

const DATE_BYTES: usize = 10;

/// "TIME: the range is '-838:59:59.999999' to '838:59:59.999999'."
const MAX_HOURS: u16 = 838;
const MAX_MICROS: i64 = (839 * 3600) * 1_000_000 - 1;

#[cfg(test)]
mod tests;
