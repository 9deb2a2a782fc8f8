use std::fmt;
use std::io::Write;

use otaria_types::{Date, DateTime, Decimal, ParameterSink, SessionTimeZone, Time};

use super::number_text::{push_digits, push_int, push_uint};
use super::plan::LoadForm;
use super::{BatchRows, WriteError, WritePlan};

/// Rows as the text that the statement of [`WritePlan::load_data`] reads: fields with tabs between
/// them, one row a line, NULL as `\N`; a tab, a line feed and a backslash stand behind a backslash.
/// Bytes are written as they are, or in hexadecimal where the statement says so.
pub struct LoadDataText {
    bytes: Vec<u8>,
    forms: Box<[LoadForm]>,
    time_zone: SessionTimeZone,
}

impl LoadDataText {
    /// No rows yet.
    pub fn new(plan: &WritePlan) -> Self {
        Self {
            bytes: Vec::new(),
            forms: plan.load_forms(),
            time_zone: SessionTimeZone::Unknown,
        }
    }

    /// Sets the session's zone, in which points in time are written. At first it is not known, and
    /// they are refused.
    pub const fn set_time_zone(&mut self, time_zone: SessionTimeZone) {
        self.time_zone = time_zone;
    }

    /// Adds the row of `rows` at `row`, from 0.
    ///
    /// # Errors
    /// [`WriteError::Cell`] if a cell has no value that the server holds; nothing is added.
    #[inline]
    pub fn push(&mut self, rows: &BatchRows, row: usize) -> Result<(), WriteError> {
        let before = self.bytes.len();
        let mut out = Fields {
            bytes: &mut self.bytes,
            forms: &self.forms,
            written: 0,
            time_zone: self.time_zone,
        };
        match rows.write_row(row, &mut out) {
            Ok(()) => {
                self.bytes.push(b'\n');
                Ok(())
            }
            Err((index, refusal)) => {
                self.bytes.truncate(before);
                Err(rows.cell_error(row, index, refusal))
            }
        }
    }

    /// The text of the rows.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Removes the rows, and keeps their memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
    }
}

/// Shows how much there is and no value.
impl fmt::Debug for LoadDataText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LoadDataText({} bytes)", self.bytes.len())
    }
}

/// The fields of a row.
struct Fields<'a> {
    bytes: &'a mut Vec<u8>,
    forms: &'a [LoadForm],
    written: usize,
    time_zone: SessionTimeZone,
}

impl Fields<'_> {
    /// Begins the next field.
    #[inline]
    fn next(&mut self) -> &mut Vec<u8> {
        if self.written > 0 {
            self.bytes.push(b'\t');
        }
        self.written += 1;
        self.bytes
    }

    /// Writes a number; one of many digits has an exponent.
    fn number(&mut self, value: f64) {
        let out = self.next();
        let size = value.abs();
        // Writing into memory does not fail.
        let _ = if size != 0.0 && !(1e-5..1e17).contains(&size) {
            write!(out, "{value:e}")
        } else {
            write!(out, "{value}")
        };
    }

    #[inline]
    fn escaped(&mut self, mut value: &[u8]) {
        let out = self.next();
        while let Some(place) = value.iter().position(|byte| is_special(*byte)) {
            let (before, behind) = value.split_at(place);
            out.extend_from_slice(before);
            out.push(b'\\');
            out.extend(behind.first());
            value = behind.get(1..).unwrap_or_default();
        }
        out.extend_from_slice(value);
    }

    fn hex(&mut self, value: &[u8]) {
        let out = self.next();
        out.reserve(2 * value.len());
        for byte in value {
            out.extend_from_slice(&[hex_digit(byte >> 4), hex_digit(byte & 0xf)]);
        }
    }
}

#[inline]
const fn is_special(byte: u8) -> bool {
    matches!(byte, b'\t' | b'\n' | b'\\')
}

#[inline]
const fn hex_digit(value: u8) -> u8 {
    match value {
        0..=9 => b'0' + value,
        _ => b'A' - 10 + value,
    }
}

impl ParameterSink for Fields<'_> {
    #[inline]
    fn null(&mut self) {
        self.next().extend_from_slice(b"\\N");
    }

    #[inline]
    fn int(&mut self, value: i64) {
        push_int(self.next(), value);
    }

    #[inline]
    fn uint(&mut self, value: u64) {
        push_uint(self.next(), value);
    }

    fn float(&mut self, value: f32) {
        // Its digits as a double: read as one, and rounded to the float, they are it again.
        self.number(value.into());
    }

    fn double(&mut self, value: f64) {
        self.number(value);
    }

    fn decimal(&mut self, value: &Decimal) {
        let out = self.next();
        // Writing into memory does not fail.
        let _ = write!(out, "{value}");
    }

    #[inline]
    fn text(&mut self, value: &str) {
        self.escaped(value.as_bytes());
    }

    #[inline]
    fn bytes(&mut self, value: &[u8]) {
        if self.forms.get(self.written) == Some(&LoadForm::Hex) {
            self.hex(value);
        } else {
            self.escaped(value);
        }
    }

    #[inline]
    fn date(&mut self, value: Date) {
        push_date(self.next(), value);
    }

    #[inline]
    fn datetime(&mut self, value: DateTime) {
        let out = self.next();
        push_date(out, value.date());
        out.push(b' ');
        push_digits::<2>(out, value.hour().into());
        push_time(out, value.minute(), value.second(), value.microsecond());
    }

    #[inline]
    fn time(&mut self, value: Time) {
        let out = self.next();
        if value.is_negative() {
            out.push(b'-');
        }
        match value.hours() {
            hours @ ..=99 => push_digits::<2>(out, hours.into()),
            hours => push_digits::<3>(out, hours.into()),
        }
        push_time(out, value.minutes(), value.seconds(), value.microseconds());
    }

    fn time_zone(&self) -> SessionTimeZone {
        self.time_zone
    }

    #[inline]
    fn len(&self) -> usize {
        self.written
    }
}

#[inline]
fn push_date(out: &mut Vec<u8>, date: Date) {
    push_digits::<4>(out, date.year().into());
    out.push(b'-');
    push_digits::<2>(out, date.month().into());
    out.push(b'-');
    push_digits::<2>(out, date.day().into());
}

/// Writes what follows the hours.
#[inline]
fn push_time(out: &mut Vec<u8>, minute: u8, second: u8, microsecond: u32) {
    out.push(b':');
    push_digits::<2>(out, minute.into());
    out.push(b':');
    push_digits::<2>(out, second.into());
    if microsecond != 0 {
        out.push(b'.');
        push_digits::<6>(out, microsecond);
    }
}

#[cfg(test)]
mod tests {
    use otaria_types::ToSql;

    use super::*;

    fn fields(values: &[&dyn ToSql], forms: &[LoadForm]) -> String {
        let mut bytes = Vec::new();
        let mut out = Fields {
            bytes: &mut bytes,
            forms,
            written: 0,
            time_zone: SessionTimeZone::Unknown,
        };
        for value in values {
            value.to_sql(&mut out).unwrap();
        }
        assert_eq!(out.len(), values.len());
        String::from_utf8(bytes).unwrap()
    }

    fn field(value: impl ToSql) -> String {
        fields(&[&value], &[LoadForm::Field])
    }

    #[test]
    fn what_would_end_a_field_stands_behind_a_backslash() {
        assert_eq!(field("a\tb\nc\\d"), "a\\\tb\\\nc\\\\d");
        assert_eq!(field("\\N"), "\\\\N");
        assert_eq!(field(""), "");
        assert_eq!(field([0, b'\t', 0]), "\0\\\t\0");
        assert_eq!(field(None::<i32>), "\\N");
    }

    #[test]
    fn bytes_are_hexadecimal_where_the_statement_says_so() {
        let forms = [LoadForm::Field, LoadForm::Hex];
        let bytes = [0x00_u8, 0x5c, 0xff];
        assert_eq!(fields(&[&1, &bytes], &forms), "1\t005CFF");
    }

    #[test]
    fn numbers_have_all_their_digits() {
        assert_eq!(field(f64::MAX), "1.7976931348623157e308");
        assert_eq!(field(5e-324), "5e-324");
        assert_eq!(field(0.1_f32), "0.10000000149011612");
        assert_eq!(field(-0.0), "-0");
        assert_eq!(field(1e16), "10000000000000000");
        assert_eq!(field(i64::MIN), i64::MIN.to_string());
        assert_eq!(field(Decimal::parse(b"-1.50").unwrap()), "-1.50");
    }

    #[test]
    fn dates_and_times_are_in_the_server_s_form() {
        let date = Date::new(7, 2, 9).unwrap();
        assert_eq!(field(date), "0007-02-09");
        let datetime = DateTime::new(date, 1, 2, 3, 40).unwrap();
        assert_eq!(field(datetime), "0007-02-09 01:02:03.000040");
        assert_eq!(field(Time::MIN), "-838:59:59.999999");
        assert_eq!(field(Time::ZERO), "00:00:00");
        let hours = |hours: i64| Time::from_micros(hours * 3_600_000_000).unwrap();
        assert_eq!(field(hours(99)), "99:00:00");
        assert_eq!(field(hours(-100)), "-100:00:00");
    }
}
