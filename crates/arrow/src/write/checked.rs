use otaria_types::{Date, DateTime, Decimal, ParameterSink, SessionTimeZone, Time};

use super::CellRefusal;
use super::calendar::{self, Written};
use super::check::Check;
use super::digits::Digits;

/// Where values go that have to be looked at: on to `out` if the column takes them, in the form in
/// which each way makes the same of them.
pub(super) struct Checking<'a> {
    out: &'a mut dyn ParameterSink,
    check: &'a Check,
    refusal: Option<CellRefusal>,
}

impl<'a> Checking<'a> {
    pub(super) fn new(out: &'a mut dyn ParameterSink, check: &'a Check) -> Self {
        Self {
            out,
            check,
            refusal: None,
        }
    }

    /// Why the value was not taken.
    pub(super) fn refusal(self) -> Result<(), CellRefusal> {
        self.refusal.map_or(Ok(()), Err)
    }

    fn keep(&mut self, outcome: Result<(), CellRefusal>) {
        self.refusal = outcome.err();
    }

    /// Takes a whole number of a type of such.
    fn whole(&mut self, text: &str) -> Result<(), CellRefusal> {
        match self.check {
            Check::Words(_) => self.word(text),
            Check::Year => {
                // What has one or two digits is a year of this century, or of the one before.
                let year = text.parse().ok();
                let year = year.filter(|year: &i64| *year == 0 || *year > 99);
                self.out.int(year.ok_or(calendar::NO_YEAR)?);
                Ok(())
            }
            _ => self.number(text, true),
        }
    }

    /// Takes a number as it is written: by a type of whole ones, if it is so said.
    fn number(&mut self, text: &str, is_whole: bool) -> Result<(), CellRefusal> {
        match self.check {
            Check::Float | Check::Double => self.nearest(text, is_whole),
            Check::NumberText => {
                self.out.text(text);
                Ok(())
            }
            _ => self.digits(text),
        }
    }

    fn digits(&mut self, text: &str) -> Result<(), CellRefusal> {
        let expected = match self.check {
            Check::Decimal { .. } => "number",
            _ => WHOLE,
        };
        let digits = Digits::parse(text).ok_or(CellRefusal::Text { expected })?;
        match self.check {
            Check::Decimal { scale } if digits.decimals() > usize::from(*scale) => {
                return Err(CellRefusal::FractionDigits { decimals: *scale });
            }
            Check::Decimal { .. } => {}
            _ if !digits.is_whole() => return Err(CellRefusal::Fraction),
            Check::Bits { .. } if digits.is_negative() => return Err(CellRefusal::Negative),
            Check::Bits { .. } => {
                let bits = digits.to_string().parse().ok();
                self.out.uint(bits.ok_or(CellRefusal::Range)?);
                return Ok(());
            }
            _ => {}
        }
        self.out.text(&digits.to_string());
        Ok(())
    }

    fn nearest(&mut self, text: &str, is_whole: bool) -> Result<(), CellRefusal> {
        let expected = "number";
        let digits = Digits::parse(text).ok_or(CellRefusal::Text { expected })?;
        // With a point, too, a whole number is that or the one that is written so.
        let is_written_whole = digits.is_whole() && !text.contains(['e', 'E']);
        let is_exact = |shown: String, shortest: String| {
            !(is_whole || is_written_whole)
                || shown == digits.to_string()
                || !is_whole && Digits::parse(&shortest).as_ref() == Some(&digits)
        };
        // What is no zero does not become one.
        let is_kept = |is_finite: bool, is_zero: bool| is_finite && is_zero == digits.is_zero();
        if *self.check == Check::Float {
            let nearest = text.parse().unwrap_or(f32::NAN);
            if !is_kept(nearest.is_finite(), nearest == 0.0) {
                return Err(CellRefusal::Range);
            }
            if !is_exact(format!("{nearest:.0}"), nearest.to_string()) {
                return Err(CellRefusal::Inexact);
            }
            self.out.float(nearest);
            return Ok(());
        }
        let nearest = text.parse().unwrap_or(f64::NAN);
        if !is_kept(nearest.is_finite(), nearest == 0.0) {
            return Err(CellRefusal::Range);
        }
        if !is_exact(format!("{nearest:.0}"), nearest.to_string()) {
            return Err(CellRefusal::Inexact);
        }
        self.out.double(nearest);
        Ok(())
    }

    fn word(&mut self, text: &str) -> Result<(), CellRefusal> {
        match self.check {
            Check::Words(words) if !words.has(text) => Err(CellRefusal::Word),
            _ => {
                self.out.text(text);
                Ok(())
            }
        }
    }

    fn written(&mut self, written: Result<Written, CellRefusal>) -> Result<(), CellRefusal> {
        let Written(text) = written?;
        self.out.text(&text);
        Ok(())
    }

    fn checked_text(&mut self, text: &str) -> Result<(), CellRefusal> {
        match self.check {
            Check::Whole { takes_flags: true } | Check::Bits { takes_flags: true } => {
                self.digits(flag(text).unwrap_or(text))
            }
            Check::Year => {
                let year = calendar::year(text)?;
                self.out.int(year);
                Ok(())
            }
            Check::Date => self.written(calendar::date(text)),
            Check::DateTime { decimals } => self.written(calendar::datetime(text, *decimals)),
            Check::Instant { decimals } => {
                let zone = self.out.time_zone();
                self.written(calendar::instant(text, *decimals, zone))
            }
            Check::Time { decimals } => self.written(calendar::time(text, *decimals)),
            Check::Unpadded if text.ends_with(' ') => Err(CellRefusal::Padding),
            Check::Length { bytes } if usize::try_from(*bytes) != Ok(text.len()) => {
                Err(CellRefusal::Length { bytes: *bytes })
            }
            Check::Words(_) => self.word(text),
            Check::Unpadded | Check::Length { .. } | Check::NumberText | Check::FlagText => {
                self.out.text(text);
                Ok(())
            }
            _ => self.number(text, !text.contains(['.', 'e', 'E'])),
        }
    }

    fn checked_bytes(&mut self, bytes: &[u8]) -> Result<(), CellRefusal> {
        match self.check {
            Check::Length { bytes: length } if usize::try_from(*length) != Ok(bytes.len()) => {
                Err(CellRefusal::Length { bytes: *length })
            }
            Check::Unpadded if bytes.ends_with(b" ") => Err(CellRefusal::Padding),
            _ => {
                self.out.bytes(bytes);
                Ok(())
            }
        }
    }

    fn checked_double(&mut self, value: f64) -> Result<(), CellRefusal> {
        let size = value.abs();
        if *self.check == Check::Float
            && (size == 0.0 || (f32::MIN_POSITIVE.into()..=f32::MAX.into()).contains(&size))
        {
            // The server takes the nearest.
            self.out.double(value);
            return Ok(());
        }
        self.number(&shortest(value, size), false)
    }
}

impl ParameterSink for Checking<'_> {
    fn null(&mut self) {
        self.out.null();
    }

    fn int(&mut self, value: i64) {
        let outcome = match self.check {
            Check::FlagText => {
                self.out.text(if value == 0 { "false" } else { "true" });
                Ok(())
            }
            Check::Double if value.unsigned_abs() <= EXACT_INTEGERS => {
                self.out.int(value);
                Ok(())
            }
            _ => self.whole(&value.to_string()),
        };
        self.keep(outcome);
    }

    fn uint(&mut self, value: u64) {
        let outcome = if *self.check == Check::Double && value <= EXACT_INTEGERS {
            self.out.uint(value);
            Ok(())
        } else {
            self.whole(&value.to_string())
        };
        self.keep(outcome);
    }

    fn float(&mut self, value: f32) {
        let outcome = self.number(&shortest(value, value.abs().into()), false);
        self.keep(outcome);
    }

    fn double(&mut self, value: f64) {
        let outcome = self.checked_double(value);
        self.keep(outcome);
    }

    fn decimal(&mut self, value: &Decimal) {
        let outcome = self.number(&value.to_string(), value.scale() == 0);
        self.keep(outcome);
    }

    fn text(&mut self, value: &str) {
        let outcome = self.checked_text(value);
        self.keep(outcome);
    }

    fn bytes(&mut self, value: &[u8]) {
        let outcome = self.checked_bytes(value);
        self.keep(outcome);
    }

    fn date(&mut self, value: Date) {
        match self.check {
            Check::TemporalText => self.out.text(&value.to_string()),
            _ => self.out.date(value),
        }
    }

    fn datetime(&mut self, value: DateTime) {
        match self.check {
            Check::TemporalText => self.out.text(&value.to_string()),
            _ => self.out.datetime(value),
        }
    }

    fn time(&mut self, value: Time) {
        match self.check {
            Check::TemporalText => self.out.text(&value.to_string()),
            _ => self.out.time(value),
        }
    }

    fn time_zone(&self) -> SessionTimeZone {
        self.out.time_zone()
    }

    fn len(&self) -> usize {
        self.out.len()
    }
}

/// The shortest digits of a number of this size that make it again.
fn shortest(value: impl std::fmt::Display + std::fmt::LowerExp, size: f64) -> String {
    if size != 0.0 && !(1e-5..1e17).contains(&size) {
        format!("{value:e}")
    } else {
        value.to_string()
    }
}

/// The number that `true` or `false` is.
fn flag(text: &str) -> Option<&'static str> {
    if text.eq_ignore_ascii_case("true") {
        return Some("1");
    }
    text.eq_ignore_ascii_case("false").then_some("0")
}

/// 2^53: up to it a DOUBLE has all whole numbers.
const EXACT_INTEGERS: u64 = 1 << 53;
const WHOLE: &str = "whole number that the column takes";
