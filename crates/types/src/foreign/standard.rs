//! Types of the standard library that are not in `from_sql` and `to_sql`.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::rc::Rc;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use super::text::{from_text, to_text};
use crate::from_sql::{integer, mismatch};
use crate::{
    CellError, CellKind, Decimal, FromSql, FromSqlError, ParameterSink, RowReader, Time, ToSql,
    ToSqlError, ValueRef,
};

/// Types that are made of another one, which says what is taken.
macro_rules! made_of {
    ($($type:ty = $from:ty;)+) => {$(
        impl<'a> FromSql<'a> for $type {
            const CELLS: Option<CellKind> = <$from>::CELLS;

            #[inline]
            fn from_known_cell<R: RowReader<'a>>(row: &mut R) -> Result<Self, CellError> {
                <$from>::from_known_cell(row).map(Self::from)
            }

            #[inline]
            fn from_text(text: &'a str) -> Result<Self, FromSqlError> {
                <$from>::from_text(text).map(Self::from)
            }

            #[doc = concat!("Takes what `", stringify!($from), "` takes.")]
            #[inline]
            fn from_sql(value: ValueRef<'a>) -> Result<Self, FromSqlError> {
                <$from>::from_sql(value).map(Self::from)
            }
        }
    )+};
}

made_of! {
    Box<str> = &'a str;
    Rc<str> = &'a str;
    Arc<str> = &'a str;
    Cow<'a, str> = &'a str;
    Box<[u8]> = &'a [u8];
    Rc<[u8]> = &'a [u8];
    Arc<[u8]> = &'a [u8];
    Cow<'a, [u8]> = &'a [u8];
}

impl<'a, const N: usize> FromSql<'a> for [u8; N] {
    const CELLS: Option<CellKind> = Some(CellKind::Bytes);

    #[inline]
    fn from_known_cell<R: RowReader<'a>>(row: &mut R) -> Result<Self, CellError> {
        Ok(array(row.bytes()?)?)
    }

    /// Takes so many bytes, and the bytes of text.
    #[inline]
    fn from_sql(value: ValueRef<'_>) -> Result<Self, FromSqlError> {
        <&[u8]>::from_sql(value).and_then(array)
    }
}

fn array<const N: usize>(bytes: &[u8]) -> Result<[u8; N], FromSqlError> {
    bytes.try_into().map_err(|_| FromSqlError::Form)
}

impl FromSql<'_> for i128 {
    /// Takes integers, and DECIMAL without a fraction, in range.
    fn from_sql(value: ValueRef<'_>) -> Result<Self, FromSqlError> {
        match value {
            ValueRef::Int(value) => Ok(value.into()),
            ValueRef::UInt(value) => Ok(value.into()),
            ValueRef::Decimal(text) => integer(text),
            other => Err(mismatch(other)),
        }
    }
}

impl FromSql<'_> for u128 {
    /// Takes integers, and DECIMAL without a fraction, in range.
    fn from_sql(value: ValueRef<'_>) -> Result<Self, FromSqlError> {
        match value {
            ValueRef::Int(value) => Self::try_from(value).map_err(|_| FromSqlError::OutOfRange),
            ValueRef::UInt(value) => Ok(value.into()),
            ValueRef::Decimal(text) if text.starts_with('-') => {
                Self::try_from(integer::<i128>(text)?).map_err(|_| FromSqlError::OutOfRange)
            }
            ValueRef::Decimal(text) => integer(text),
            other => Err(mismatch(other)),
        }
    }
}

macro_rules! pointer_sized {
    ($($integer:ident: $wide:ident;)+) => {$(
        impl<'a> FromSql<'a> for $integer {
            const CELLS: Option<CellKind> = $wide::CELLS;

            #[inline]
            fn from_known_cell<R: RowReader<'a>>(row: &mut R) -> Result<Self, CellError> {
                Self::try_from(row.$wide()?).map_err(|_| FromSqlError::OutOfRange.into())
            }

            /// Takes integers, and DECIMAL without a fraction, in range.
            #[inline]
            fn from_sql(value: ValueRef<'_>) -> Result<Self, FromSqlError> {
                Self::try_from($wide::from_sql(value)?).map_err(|_| FromSqlError::OutOfRange)
            }
        }
    )+};
}

pointer_sized! {
    isize: i64;
    usize: u64;
}

macro_rules! decimals {
    ($($integer:ident)+) => {$(
        impl ToSql for $integer {
            /// Writes a DECIMAL: integers of the server have 64 bits.
            fn to_sql(&self, out: &mut dyn ParameterSink) -> Result<(), ToSqlError> {
                out.decimal(&Decimal::from(*self));
                Ok(())
            }
        }
    )+};
}

decimals!(i128 u128);

impl<'a> FromSql<'a> for Duration {
    const CELLS: Option<CellKind> = Some(CellKind::Time);

    #[inline]
    fn from_known_cell<R: RowReader<'a>>(row: &mut R) -> Result<Self, CellError> {
        Ok(Self::try_from(row.time()?)?)
    }

    /// Takes TIME that is not negative.
    #[inline]
    fn from_sql(value: ValueRef<'_>) -> Result<Self, FromSqlError> {
        Ok(Self::try_from(Time::from_sql(value)?)?)
    }
}

impl ToSql for Duration {
    /// Writes a TIME, without what is less than a microsecond.
    fn to_sql(&self, out: &mut dyn ParameterSink) -> Result<(), ToSqlError> {
        out.time(Time::try_from(*self).map_err(|_| ToSqlError::OutOfRange)?);
        Ok(())
    }
}

from_text! {
    /// Takes the text of an IPv4 address, as that of the type INET4 is.
    Ipv4Addr: parse;
    /// Takes the text of an IPv6 address, as that of the type INET6 is.
    Ipv6Addr: parse;
    /// Takes the text of an address.
    IpAddr: parse;
    /// Takes text of one character. A CHAR column loses a space at its end, and has then none.
    char: parse;
}

to_text! {
    /// Writes text: for a column of the type INET4. INET6 takes it as
    /// [`to_ipv6_mapped`](Ipv4Addr::to_ipv6_mapped).
    Ipv4Addr;
    /// Writes text: for a column of the type INET6.
    Ipv6Addr;
    /// Writes text. The type INET4 takes addresses of IPv4 only, INET6 those of IPv6 only.
    IpAddr;
}

impl ToSql for char {
    /// Writes text.
    fn to_sql(&self, out: &mut dyn ParameterSink) -> Result<(), ToSqlError> {
        out.text(self.encode_utf8(&mut [0; 4]));
        Ok(())
    }
}

fn parse<T: FromStr>(text: &str) -> Result<T, FromSqlError> {
    text.parse().map_err(|_| FromSqlError::Form)
}

#[cfg(test)]
mod tests;
