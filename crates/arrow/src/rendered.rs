use std::fmt::{self, Write};

use otaria_types::{Date, DateTime, Time};

use crate::CellReason;
use crate::bytes::ByteValues;
use crate::cell::{CellSink, Fault, ReadCell, split_cell};
use crate::temporal::{time_binary, time_text};

/// Reads dates and times as the text that the server prints: the same in both forms of rows.
pub(crate) struct Rendered {
    pub(crate) kind: TemporalKind,
    /// How many digits a second has behind the point.
    pub(crate) decimals: u8,
}

/// What is printed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum TemporalKind {
    Date,
    DateTime,
    Time,
}

/// A text that is not longer than a date with a time.
#[derive(Clone, Copy, Default)]
pub(crate) struct ShortText {
    bytes: [u8; MAX_BYTES],
    length: usize,
}

impl ShortText {
    fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

impl Write for ShortText {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let rest = self.bytes.get_mut(self.length..).ok_or(fmt::Error)?;
        let (to, _) = rest.split_at_mut_checked(text.len()).ok_or(fmt::Error)?;
        to.copy_from_slice(text.as_bytes());
        self.length += text.len();
        Ok(())
    }
}

impl Rendered {
    fn date(date: Date) -> Result<ShortText, fmt::Error> {
        let mut text = ShortText::default();
        write!(text, "{date}")?;
        Ok(text)
    }

    fn datetime(&self, value: DateTime) -> Result<ShortText, fmt::Error> {
        let mut text = ShortText::default();
        let (date, hour) = (value.date(), value.hour());
        let (minute, second) = (value.minute(), value.second());
        write!(text, "{date} {hour:02}:{minute:02}:{second:02}")?;
        self.fraction(value.microsecond(), &mut text)?;
        Ok(text)
    }

    fn time(&self, value: Time) -> Result<ShortText, fmt::Error> {
        let mut text = ShortText::default();
        let sign = if value.is_negative() { "-" } else { "" };
        let (hours, minutes, seconds) = (value.hours(), value.minutes(), value.seconds());
        write!(text, "{sign}{hours:02}:{minutes:02}:{seconds:02}")?;
        self.fraction(value.microseconds(), &mut text)?;
        Ok(text)
    }

    /// As many digits as the column has, and all of them where it has not said.
    fn fraction(&self, micros: u32, text: &mut ShortText) -> fmt::Result {
        match self.decimals {
            decimals @ 1..=6 => {
                let dropped = 10_u32.pow(6 - u32::from(decimals));
                if micros.is_multiple_of(dropped) {
                    let width = decimals.into();
                    return write!(text, ".{:0width$}", micros / dropped);
                }
            }
            _ if micros == 0 => return Ok(()),
            _ => {}
        }
        write!(text, ".{micros:06}")
    }
}

impl ReadCell for Rendered {
    type Value<'a> = ShortText;

    fn binary<'a>(&self, rest: &'a [u8]) -> Result<(ShortText, &'a [u8]), Fault> {
        let (rendered, behind) = match self.kind {
            TemporalKind::Time => {
                let (time, behind) = time_binary(rest)?;
                (self.time(time), behind)
            }
            TemporalKind::Date => {
                let (datetime, behind) = datetime_binary(rest, &[0, 4])?;
                (Self::date(datetime.date()), behind)
            }
            TemporalKind::DateTime => {
                let (datetime, behind) = datetime_binary(rest, &[0, 4, 7, 11])?;
                (self.datetime(datetime), behind)
            }
        };
        Ok((rendered.map_err(|_| CellReason::OutOfRange)?, behind))
    }

    fn text<'a>(&self, rest: &'a [u8]) -> Result<(ShortText, &'a [u8]), Fault> {
        let (cell, behind) = split_cell(rest)?;
        let malformed = |_| Fault::Cell(CellReason::Malformed);
        let rendered = match self.kind {
            TemporalKind::Time => self.time(time_text(rest)?.0),
            TemporalKind::Date => Self::date(Date::parse(cell).map_err(malformed)?),
            TemporalKind::DateTime => self.datetime(DateTime::parse(cell).map_err(malformed)?),
        };
        Ok((rendered.map_err(|_| CellReason::OutOfRange)?, behind))
    }
}

/// A date, with or without a time, in one of the forms that are so many bytes long.
fn datetime_binary<'a>(rest: &'a [u8], forms: &[u8]) -> Result<(DateTime, &'a [u8]), Fault> {
    let (&length, wide) = rest.split_first().ok_or(Fault::Truncated)?;
    let (cell, behind) = wide
        .split_at_checked(length.into())
        .ok_or(Fault::Truncated)?;
    if !forms.contains(&length) {
        return Err(CellReason::Malformed.into());
    }
    let (date, [hour, minute, second], micros) = match *cell {
        [] => return Ok((DateTime::ZERO, behind)),
        [y1, y2, m, d] => ([y1, y2, m, d], [0; 3], 0),
        [y1, y2, m, d, hour, minute, second] => ([y1, y2, m, d], [hour, minute, second], 0),
        [y1, y2, m, d, hour, minute, second, u1, u2, u3, u4] => {
            let micros = u32::from_le_bytes([u1, u2, u3, u4]);
            ([y1, y2, m, d], [hour, minute, second], micros)
        }
        _ => return Err(CellReason::Malformed.into()),
    };
    let [y1, y2, month, day] = date;
    Date::new(u16::from_le_bytes([y1, y2]), month, day)
        .and_then(|date| DateTime::new(date, hour, minute, second, micros))
        .map(|datetime| (datetime, behind))
        .ok_or_else(|| CellReason::OutOfRange.into())
}

impl CellSink<ShortText> for ByteValues {
    fn put(&mut self, _: usize, text: ShortText) {
        self.push(text.as_bytes());
    }
}

/// `YYYY-MM-DD hh:mm:ss.ffffff`.
const MAX_BYTES: usize = 26;
