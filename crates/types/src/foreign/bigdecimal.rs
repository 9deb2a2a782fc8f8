//! `BigDecimal` of bigdecimal 0.4.

use std::str::FromStr;

use bigdecimal::BigDecimal;

use crate::from_sql::mismatch;
use crate::{Decimal, FromSql, FromSqlError, ParameterSink, ToSql, ToSqlError, ValueRef};

impl FromSql<'_> for BigDecimal {
    /// Takes DECIMAL and integers.
    fn from_sql(value: ValueRef<'_>) -> Result<Self, FromSqlError> {
        match value {
            ValueRef::Decimal(text) => Self::from_str(text).map_err(|_| FromSqlError::Malformed),
            ValueRef::Int(value) => Ok(Self::from(value)),
            ValueRef::UInt(value) => Ok(Self::from(value)),
            other => Err(mismatch(other)),
        }
    }
}

impl ToSql for BigDecimal {
    /// Writes a DECIMAL, of the same scale if the server has such a one.
    fn to_sql(&self, out: &mut dyn ParameterSink) -> Result<(), ToSqlError> {
        let decimal = match decimal(self) {
            Err(ToSqlError::OutOfRange) => decimal(&self.normalized())?,
            decimal => decimal?,
        };
        out.decimal(&decimal);
        Ok(())
    }
}

/// The same number with the same scale, or with none where that is less than 0.
fn decimal(number: &BigDecimal) -> Result<Decimal, ToSqlError> {
    let (digits, scale) = number.as_bigint_and_scale();
    // A number of few digits may have a text of any length.
    if digits.bits() > MAX_BITS || !SCALES.contains(&scale) {
        return Err(ToSqlError::OutOfRange);
    }
    Ok(Decimal::parse(number.to_plain_string().as_bytes())?)
}

/// What 65 digits take.
const MAX_BITS: u64 = 216;
/// A number that has as many zeros in front of its point as a DECIMAL has digits is beyond it.
const SCALES: std::ops::RangeInclusive<i64> = -65..=38;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{Written, read_back, refused, written};

    fn number(text: &str) -> BigDecimal {
        text.parse().unwrap()
    }

    #[test]
    fn decimals_are_read_and_written_at_their_limits() {
        let greatest = "9".repeat(65);
        let finest = format!("{}.{}", "9".repeat(27), "9".repeat(38));
        for text in [
            "0",
            "0.00",
            "-1.50",
            &greatest,
            &format!("-{finest}"),
            &finest,
        ] {
            let decimal = BigDecimal::from_sql(ValueRef::Decimal(text)).unwrap();
            assert_eq!(decimal.to_plain_string(), text);
            assert_eq!(written(&decimal), Written::Decimal(text.into()));
        }
    }

    #[test]
    fn integers_are_decimals() {
        let least = BigDecimal::from(i64::MIN);
        assert_eq!(BigDecimal::from_sql(ValueRef::Int(i64::MIN)), Ok(least));
        let greatest = BigDecimal::from(u64::MAX);
        assert_eq!(BigDecimal::from_sql(ValueRef::UInt(u64::MAX)), Ok(greatest));
    }

    #[test]
    fn a_number_that_no_decimal_is_is_out_of_range() {
        for text in ["1e65", "-1e65", "1e-39", "1e1000000000", "1e-1000000000"] {
            assert_eq!(refused(&number(text)), ToSqlError::OutOfRange, "{text}");
        }
        let long = number(&"9".repeat(66));
        assert_eq!(refused(&long), ToSqlError::OutOfRange);
    }

    #[test]
    fn a_scale_that_the_server_has_not_is_left_out_where_nothing_is_lost() {
        for (text, expected) in [
            ("1e64", format!("1{}", "0".repeat(64))),
            ("2.50e-1", "0.250".to_owned()),
            (&format!("1.5{}", "0".repeat(100)), "1.5".to_owned()),
            (
                &format!("1{}.{}", "0".repeat(60), "0".repeat(20)),
                format!("1{}", "0".repeat(60)),
            ),
            ("0e1000000000", "0".to_owned()),
            ("0e-1000000000", "0".to_owned()),
        ] {
            assert_eq!(written(&number(text)), Written::Decimal(expected), "{text}");
        }
    }

    #[test]
    fn null_and_floats_are_no_decimals() {
        assert_eq!(
            BigDecimal::from_sql(ValueRef::Null),
            Err(FromSqlError::Null)
        );
        let mismatch = FromSqlError::Mismatch { value: "double" };
        assert_eq!(BigDecimal::from_sql(ValueRef::Double(0.5)), Err(mismatch));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(unscaled: i128, scale in 0_i64..=38) {
            let decimal = BigDecimal::new(unscaled.into(), scale);
            let read = read_back(&decimal).unwrap();
            prop_assert_eq!(read.as_bigint_and_exponent(), decimal.as_bigint_and_exponent());
        }
    }
}
