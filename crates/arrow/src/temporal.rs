#![expect(
    clippy::inline_always,
    reason = "a call a cell costs more than the cell"
)]

use otaria_types::Time;

use crate::CellReason;
use crate::cell::{Fault, ReadCell, split_cell};
use crate::words;

/// The days from 1970-01-01 to a date, if a calendar has it.
#[inline(always)]
pub(crate) fn days(year: u32, month: u32, day: u32) -> Option<i32> {
    let month_index = usize::try_from(month).unwrap_or(usize::MAX);
    let &(before, last) = MONTHS.get(month_index)?;
    if day.wrapping_sub(1) >= last && !is_leap_day(year, month, day) {
        return None;
    }
    // A year begins in March here, so that what a leap day moves lies behind it; 400 years more,
    // which is a whole number of weeks and leap years, keep all above zero.
    let year = year + 400 - u32::from(month < 3);
    let century = year / 100;
    let days = 1461 * year / 4 - century + century / 4 + before + day;
    // Years have four digits: the days are far from what a sign would change.
    Some(days.cast_signed() - DAYS_BEFORE_1970)
}

#[cold]
const fn is_leap_day(year: u32, month: u32, day: u32) -> bool {
    // As on the server, the year 0 is no leap year.
    let is_leap = year != 0
        && year.is_multiple_of(4)
        && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    month == 2 && day == 29 && is_leap
}

/// For each month the days of the year before it, from 1 March, and its last day.
const MONTHS: [(u32, u32); 13] = [
    (0, 0),
    (306, 31),
    (337, 28),
    (0, 31),
    (31, 30),
    (61, 31),
    (92, 30),
    (122, 31),
    (153, 31),
    (184, 30),
    (214, 31),
    (245, 30),
    (275, 31),
];

/// From 1 March of the year -400 to 1 January 1970, and the day by which days are counted from 1.
const DAYS_BEFORE_1970: i32 = 719_468 + 146_097 + 1;

/// The date that ten characters are, `YYYY-MM-DD`: year, month, day.
#[inline(always)]
fn date_text(cell: &[u8]) -> Option<(u32, u32, u32)> {
    let first = u64::from_le_bytes(*cell.first_chunk()?);
    let second = u64::from_le_bytes(*cell.get(2..)?.first_chunk()?);
    // YYYY, MM out of "YYYY-MM-", DD out of "YY-MM-DD", one behind the other.
    let digits =
        first & 0xffff_ffff | first >> 8 & 0x0000_ffff_0000_0000 | second & 0xffff_0000_0000_0000;
    let digits = digits ^ 0x3030_3030_3030_3030;
    let hyphens = first & 0xff00_00ff_0000_0000 ^ 0x2d00_002d_0000_0000;
    if words::not_digits(digits) | hyphens != 0 {
        return None;
    }
    let [century, _, year, _, month, _, day, _] = words::pairs(digits).to_le_bytes();
    let year = 100 * u32::from(century) + u32::from(year);
    Some((year, month.into(), day.into()))
}

/// What becomes of what is not read as most are. A cell that an option makes NULL is a date: it is
/// in its type's form.
#[derive(Clone, Copy)]
pub(crate) struct OddDates {
    /// Whether dates that no calendar has become NULL.
    pub(crate) are_null: bool,
}

impl OddDates {
    const fn no_date(self) -> Fault {
        if self.are_null {
            Fault::MadeNull
        } else {
            Fault::Cell(CellReason::ZeroDate)
        }
    }

    /// Why a cell of the text protocol is no date.
    #[cold]
    fn in_text<T>(self, rest: &[u8], parse: impl Fn(&[u8]) -> Option<T>) -> Fault {
        match split_cell(rest) {
            Err(fault) => fault,
            Ok((cell, _)) if parse(cell).is_some() => self.no_date(),
            Ok(_) => CellReason::Malformed.into(),
        }
    }

    /// Why a cell of the binary protocol is no date, and whose parts are in their ranges if it is
    /// in one of the `forms`, which are lengths.
    #[cold]
    fn in_binary(self, rest: &[u8], forms: &[u8]) -> Fault {
        let Some((&length, behind)) = rest.split_first() else {
            return Fault::Truncated;
        };
        if behind.len() < length.into() {
            return Fault::Truncated;
        }
        if !forms.contains(&length) {
            return CellReason::Malformed.into();
        }
        let date = match *behind {
            _ if length == 0 => return self.no_date(),
            [y1, y2, month, day, ..] => (u16::from_le_bytes([y1, y2]), month, day),
            _ => return Fault::Truncated,
        };
        let date = otaria_types::Date::new(date.0, date.1, date.2);
        let is_date = date.is_some_and(|date| !date.is_calendar_date());
        // The rest of a date that no calendar has says nothing more.
        if is_date {
            self.no_date()
        } else {
            CellReason::OutOfRange.into()
        }
    }
}

/// Reads DATE as days from 1970-01-01.
pub(crate) struct Dates(pub(crate) OddDates);

impl ReadCell for Dates {
    type Value<'a> = i32;

    #[inline(always)]
    fn binary<'a>(&self, rest: &'a [u8]) -> Result<(i32, &'a [u8]), Fault> {
        if let Some((&[4, y1, y2, month, day], behind)) = rest.split_first_chunk()
            && let year = u16::from_le_bytes([y1, y2])
            && year <= MAX_YEAR
            && let Some(days) = days(year.into(), month.into(), day.into())
        {
            return Ok((days, behind));
        }
        Err(self.0.in_binary(rest, &[0, 4]))
    }

    #[inline(always)]
    fn text<'a>(&self, rest: &'a [u8]) -> Result<(i32, &'a [u8]), Fault> {
        if let Some((&[10, ref cell @ ..], behind)) = rest.split_first_chunk::<11>()
            && let Some((year, month, day)) = date_text(cell)
            && let Some(days) = days(year, month, day)
        {
            return Ok((days, behind));
        }
        Err(self
            .0
            .in_text(rest, |cell| otaria_types::Date::parse(cell).ok()))
    }
}

/// What a timestamp counts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Unit {
    Second,
    Millisecond,
    Microsecond,
}

impl Unit {
    /// So many microseconds, if the unit holds them without a rest.
    #[inline(always)]
    fn exact(self, micros: i64) -> Option<i64> {
        let unit = match self {
            Self::Microsecond => return Some(micros),
            Self::Millisecond => 1000,
            Self::Second => 1_000_000,
        };
        (micros % unit == 0).then_some(micros / unit)
    }
}

/// Reads DATETIME or TIMESTAMP as a count of units from 1970-01-01.
pub(crate) struct Timestamps {
    pub(crate) odd_dates: OddDates,
    pub(crate) unit: Unit,
    /// How far the clocks of the values are ahead of those of the result.
    pub(crate) offset_micros: i64,
}

impl Timestamps {
    #[inline(always)]
    fn value(&self, days: i32, [hour, minute, second]: [u8; 3], micros: u32) -> Option<i64> {
        if hour > 23 || minute > 59 || second > 59 || micros > 999_999 {
            return None;
        }
        let seconds = 3600 * u32::from(hour) + 60 * u32::from(minute) + u32::from(second);
        let seconds = 86_400 * i64::from(days) + i64::from(seconds);
        let micros = 1_000_000 * seconds + i64::from(micros) - self.offset_micros;
        self.unit.exact(micros)
    }

    #[inline(always)]
    fn text_value(&self, cell: &[u8]) -> Option<i64> {
        let (date, time) = cell.split_at_checked(10)?;
        let (year, month, day) = date_text(date)?;
        let days = days(year, month, day)?;
        let (&[b' ', h1, h2, b':', m1, m2, b':', s1, s2], fraction) = time.split_first_chunk()?
        else {
            return None;
        };
        let digits = words::whole([h1, h2, m1, m2, s1, s2, b'0', b'0']);
        if words::not_digits(digits) != 0 {
            return None;
        }
        let [hour, _, minute, _, second, ..] = words::pairs(digits).to_le_bytes();
        self.value(days, [hour, minute, second], micros_text(fraction)?)
    }
}

impl ReadCell for Timestamps {
    type Value<'a> = i64;

    #[inline(always)]
    fn binary<'a>(&self, rest: &'a [u8]) -> Result<(i64, &'a [u8]), Fault> {
        let unusual = || self.odd_dates.in_binary(rest, &[0, 4, 7, 11]);
        let (&length, wide) = rest.split_first().ok_or(Fault::Truncated)?;
        let (cell, behind) = wide
            .split_at_checked(length.into())
            .ok_or(Fault::Truncated)?;
        let (&[y1, y2, month, day], time) = cell.split_first_chunk().ok_or_else(unusual)?;
        let (time, micros) = match *time {
            [] => ([0; 3], 0),
            [h, m, s] => ([h, m, s], 0),
            [h, m, s, u1, u2, u3, u4] => ([h, m, s], u32::from_le_bytes([u1, u2, u3, u4])),
            _ => return Err(unusual()),
        };
        let year = u16::from_le_bytes([y1, y2]);
        if year <= MAX_YEAR
            && let Some(days) = days(year.into(), month.into(), day.into())
            && let Some(value) = self.value(days, time, micros)
        {
            return Ok((value, behind));
        }
        Err(unusual())
    }

    #[inline(always)]
    fn text<'a>(&self, rest: &'a [u8]) -> Result<(i64, &'a [u8]), Fault> {
        if let Some((&length, wide)) = rest.split_first()
            && length <= MAX_DATETIME_BYTES
            && let Some((cell, behind)) = wide.split_at_checked(length.into())
            && let Some(value) = self.text_value(cell)
        {
            return Ok((value, behind));
        }
        let parse = |cell: &[u8]| {
            let parsed = otaria_types::DateTime::parse(cell).ok()?;
            (!parsed.date().is_calendar_date()).then_some(())
        };
        Err(self.odd_dates.in_text(rest, parse))
    }
}

/// The microseconds of nothing, or of a point and one to six digits.
#[inline(always)]
fn micros_text(fraction: &[u8]) -> Option<u32> {
    let digits = match fraction {
        [] => return Some(0),
        [b'.', digits @ ..] if (1..=6).contains(&digits.len()) => digits,
        _ => return None,
    };
    let mut word = [b'0'; 8];
    for (to, from) in word.iter_mut().skip(2).zip(digits) {
        *to = *from;
    }
    let digits = words::whole(word);
    if words::not_digits(digits) != 0 {
        return None;
    }
    u32::try_from(words::number(digits)).ok()
}

/// Reads TIME as a count of units.
pub(crate) struct Durations(pub(crate) Unit);

impl ReadCell for Durations {
    type Value<'a> = i64;

    fn binary<'a>(&self, rest: &'a [u8]) -> Result<(i64, &'a [u8]), Fault> {
        let (time, behind) = time_binary(rest)?;
        Ok((self.value(time)?, behind))
    }

    fn text<'a>(&self, rest: &'a [u8]) -> Result<(i64, &'a [u8]), Fault> {
        let (time, behind) = time_text(rest)?;
        Ok((self.value(time)?, behind))
    }
}

impl Durations {
    fn value(&self, time: Time) -> Result<i64, CellReason> {
        self.0.exact(time.as_micros()).ok_or(CellReason::Malformed)
    }
}

/// Reads TIME as a time of day, in microseconds.
pub(crate) struct TimesOfDay {
    /// Whether what is none becomes NULL.
    pub(crate) others_are_null: bool,
}

impl TimesOfDay {
    fn value(&self, time: Time) -> Result<i64, Fault> {
        match time.as_micros() {
            micros @ 0..MICROS_OF_A_DAY => Ok(micros),
            _ if self.others_are_null => Err(Fault::MadeNull),
            _ => Err(CellReason::TimeOfDay.into()),
        }
    }
}

impl ReadCell for TimesOfDay {
    type Value<'a> = i64;

    fn binary<'a>(&self, rest: &'a [u8]) -> Result<(i64, &'a [u8]), Fault> {
        let (time, behind) = time_binary(rest)?;
        Ok((self.value(time)?, behind))
    }

    fn text<'a>(&self, rest: &'a [u8]) -> Result<(i64, &'a [u8]), Fault> {
        let (time, behind) = time_text(rest)?;
        Ok((self.value(time)?, behind))
    }
}

/// A TIME of the binary protocol: nothing for 0, sign, days and a time to the second, or that and
/// microseconds.
pub(crate) fn time_binary(rest: &[u8]) -> Result<(Time, &[u8]), Fault> {
    let (&length, wide) = rest.split_first().ok_or(Fault::Truncated)?;
    let (cell, behind) = wide
        .split_at_checked(length.into())
        .ok_or(Fault::Truncated)?;
    let (negative, days, [hours, minutes, seconds], micros) = match *cell {
        [] => return Ok((Time::ZERO, behind)),
        [sign, d1, d2, d3, d4, h, m, s] => (sign != 0, [d1, d2, d3, d4], [h, m, s], 0),
        [sign, d1, d2, d3, d4, h, m, s, u1, u2, u3, u4] => {
            let micros = u32::from_le_bytes([u1, u2, u3, u4]);
            (sign != 0, [d1, d2, d3, d4], [h, m, s], micros)
        }
        _ => return Err(CellReason::Malformed.into()),
    };
    let hours = u16::try_from(u32::from_le_bytes(days))
        .ok()
        .and_then(|days| days.checked_mul(24)?.checked_add(hours.into()));
    let time = hours.and_then(|hours| Time::new(negative, hours, minutes, seconds, micros));
    let time = time.ok_or(Fault::Cell(CellReason::OutOfRange))?;
    Ok((time, behind))
}

/// A TIME of the text protocol.
pub(crate) fn time_text(rest: &[u8]) -> Result<(Time, &[u8]), Fault> {
    let (cell, behind) = split_cell(rest)?;
    let time = Time::parse(cell).map_err(|_| Fault::Cell(CellReason::Malformed))?;
    Ok((time, behind))
}

/// "The supported range is '0000-01-01' to '9999-12-31'."
const MAX_YEAR: u16 = 9999;

/// `YYYY-MM-DD hh:mm:ss.ffffff`.
const MAX_DATETIME_BYTES: u8 = 26;

const MICROS_OF_A_DAY: i64 = 86_400_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    const ODD: OddDates = OddDates { are_null: false };

    fn cell(text: &str) -> Vec<u8> {
        [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat()
    }

    fn date(text: &str) -> Result<i32, Fault> {
        Dates(ODD).text(&cell(text)).map(|(days, _)| days)
    }

    fn timestamp(unit: Unit, text: &str) -> Result<i64, Fault> {
        let reader = Timestamps {
            odd_dates: ODD,
            unit,
            offset_micros: 0,
        };
        reader.text(&cell(text)).map(|(value, _)| value)
    }

    #[test]
    fn every_day_is_one_more_than_the_day_before() {
        let mut expected = date("0001-01-01").unwrap();
        assert_eq!(expected, -719_162);
        for year in 1..=9999_u16 {
            for month in 1..=12_u8 {
                for day in 1..=31_u8 {
                    let text = format!("{year:04}-{month:02}-{day:02}");
                    let calendar = otaria_types::Date::new(year, month, day).unwrap();
                    if !calendar.is_calendar_date() {
                        assert_eq!(date(&text), Err(CellReason::ZeroDate.into()), "{text}");
                        continue;
                    }
                    assert_eq!(date(&text), Ok(expected), "{text}");
                    let [y1, y2] = year.to_le_bytes();
                    let row = [4, y1, y2, month, day, 9];
                    assert_eq!(Dates(ODD).binary(&row), Ok((expected, &[9][..])));
                    expected += 1;
                }
            }
        }
        assert_eq!(expected, 2_932_897);
        assert_eq!(date("1970-01-01"), Ok(0));
    }

    #[test]
    fn the_year_0_has_days_and_no_leap_day() {
        assert_eq!(date("0000-01-01"), Ok(-719_528));
        assert_eq!(date("0000-03-01"), Ok(-719_468));
        assert_eq!(date("0000-02-29"), Err(CellReason::ZeroDate.into()));
    }

    #[test]
    fn what_is_no_date_is_malformed() {
        for text in [
            "",
            "2024-01-1",
            "2024-01-011",
            "2024/01/01",
            "2024-1-001",
            "x024-01-01",
            "2024-13-01",
            "2024-01-32",
            "2024-01-0x",
            "-024-01-01",
        ] {
            assert_eq!(date(text), Err(CellReason::Malformed.into()), "{text}");
        }
    }

    #[test]
    fn a_unit_takes_only_what_it_holds() {
        let text = "1970-01-01 00:00:01.5";
        assert_eq!(timestamp(Unit::Microsecond, text), Ok(1_500_000));
        assert_eq!(timestamp(Unit::Millisecond, text), Ok(1500));
        assert_eq!(
            timestamp(Unit::Second, text),
            Err(CellReason::Malformed.into())
        );
        assert_eq!(timestamp(Unit::Second, "1969-12-31 23:59:59"), Ok(-1));
        assert_eq!(
            timestamp(Unit::Millisecond, "1969-12-31 23:59:59.999"),
            Ok(-1)
        );
    }

    #[test]
    fn fractions_count_from_the_point() {
        for (text, micros) in [
            ("", 0),
            (".5", 500_000),
            (".05", 50_000),
            (".123456", 123_456),
            (".000001", 1),
        ] {
            assert_eq!(micros_text(text.as_bytes()), Some(micros), "{text}");
        }
        for text in [".", ".1234567", ".1x", "5", " 5"] {
            assert_eq!(micros_text(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn what_is_no_timestamp_is_malformed() {
        for text in [
            "1970-01-01",
            "1970-01-01T00:00:00",
            "1970-01-01 24:00:00",
            "1970-01-01 00:60:00",
            "1970-01-01 00:00:60",
            "1970-01-01 00:00:00.",
            "1970-01-01 00-00-00",
        ] {
            let value = timestamp(Unit::Microsecond, text);
            assert_eq!(value, Err(CellReason::Malformed.into()), "{text}");
        }
        let value = timestamp(Unit::Microsecond, "0000-00-00 00:00:00");
        assert_eq!(value, Err(CellReason::ZeroDate.into()));
    }
}
