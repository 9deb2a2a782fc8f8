//! `Decimal` of `rust_decimal` 1.

use rust_decimal::Decimal;

use crate::from_sql::mismatch;
use crate::{FromSql, FromSqlError, ParameterSink, ToSql, ToSqlError, ValueRef};

impl FromSql<'_> for Decimal {
    /// Takes DECIMAL and integers, if no digit of them is lost: this type holds 28 or 29 digits, up
    /// to 28 of them after the point.
    fn from_sql(value: ValueRef<'_>) -> Result<Self, FromSqlError> {
        match value {
            ValueRef::Decimal(text) => parse(text),
            ValueRef::Int(value) => Ok(Self::from(value)),
            ValueRef::UInt(value) => Ok(Self::from(value)),
            other => Err(mismatch(other)),
        }
    }
}

impl ToSql for Decimal {
    /// Writes a DECIMAL of the same scale.
    fn to_sql(&self, out: &mut dyn ParameterSink) -> Result<(), ToSqlError> {
        let scale = u8::try_from(self.scale()).ok();
        let decimal = scale.and_then(|scale| crate::Decimal::from_i128(self.mantissa(), scale));
        out.decimal(&decimal.ok_or(ToSqlError::OutOfRange)?);
        Ok(())
    }
}

/// Zeros at the end are left out if that makes the number fit.
fn parse(text: &str) -> Result<Decimal, FromSqlError> {
    if let Ok(decimal) = Decimal::from_str_exact(text) {
        return Ok(decimal);
    }
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let whole_alone = Decimal::from_str_exact(whole).map_err(|_| FromSqlError::OutOfRange)?;
    if fraction.bytes().all(|digit| digit == b'0') {
        return Ok(whole_alone);
    }
    Decimal::from_str_exact(text.trim_end_matches('0')).map_err(|_| FromSqlError::Inexact)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{Written, read_back, written};

    fn read(text: &str) -> Result<Decimal, FromSqlError> {
        Decimal::from_sql(ValueRef::Decimal(text))
    }

    #[test]
    fn decimals_are_read_and_written_at_their_limits() {
        for text in [
            "0",
            "0.00",
            "-1.50",
            "79228162514264337593543950335",
            "-79228162514264337593543950335",
            "7.9228162514264337593543950335",
            "0.0000000000000000000000000001",
        ] {
            let decimal = read(text).unwrap();
            assert_eq!(decimal.to_string(), text);
            assert_eq!(written(&decimal), Written::Decimal(text.into()));
        }
        assert_eq!(read_back(&Decimal::MAX), Ok(Decimal::MAX));
        assert_eq!(read_back(&Decimal::MIN), Ok(Decimal::MIN));
    }

    #[test]
    fn integers_are_decimals() {
        let least = Decimal::from(i64::MIN);
        assert_eq!(Decimal::from_sql(ValueRef::Int(i64::MIN)), Ok(least));
        let greatest = Decimal::from(u64::MAX);
        assert_eq!(Decimal::from_sql(ValueRef::UInt(u64::MAX)), Ok(greatest));
    }

    #[test]
    fn a_decimal_is_never_rounded() {
        for text in [
            "0.00000000000000000000000000001",
            "79228162514264337593543950335.5",
            "1.00000000000000000000000000000000000001",
        ] {
            assert_eq!(read(text), Err(FromSqlError::Inexact), "{text}");
        }
    }

    #[test]
    fn zeros_at_the_end_are_no_loss() {
        let text = "1.50000000000000000000000000000000000000";
        assert_eq!(read(text), Ok(Decimal::new(15, 1)));
        let text = "79228162514264337593543950335.000000000000000000000000000000";
        assert_eq!(read(text), Ok(Decimal::MAX));
    }

    #[test]
    fn a_decimal_beyond_the_limits_is_out_of_range() {
        for text in ["79228162514264337593543950336", &"9".repeat(65)] {
            assert_eq!(read(text), Err(FromSqlError::OutOfRange), "{text}");
        }
    }

    #[test]
    fn null_and_floats_are_no_decimals() {
        assert_eq!(Decimal::from_sql(ValueRef::Null), Err(FromSqlError::Null));
        let mismatch = FromSqlError::Mismatch { value: "double" };
        assert_eq!(Decimal::from_sql(ValueRef::Double(0.5)), Err(mismatch));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(
            mantissa in -(1_i128 << 96) + 1..1_i128 << 96,
            scale in 0_u32..=28,
        ) {
            let decimal = Decimal::from_i128_with_scale(mantissa, scale);
            let read = read_back(&decimal).unwrap();
            prop_assert_eq!((read.mantissa(), read.scale()), (mantissa, scale));
        }
    }
}
