use std::{borrow::Cow, rc::Rc, sync::Arc};

use crate::{Date, DateTime, Decimal, SessionTimeZone, Time, ToSqlError, ValueRef};

mod indicated;

pub use indicated::{Indicated, LongData};

/// A type whose values can be parameters of a statement.
///
/// ```
/// use otaria_types::{ParameterSink, ToSql, ToSqlError};
///
/// struct UserId(u32);
///
/// impl ToSql for UserId {
///     fn to_sql(&self, out: &mut dyn ParameterSink) -> Result<(), ToSqlError> {
///         self.0.to_sql(out)
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the value of a parameter",
    note = "types of other crates are behind features, such as `chrono-04` and `uuid-1`; a type of your own \
            implements `ToSql`"
)]
pub trait ToSql {
    /// Writes the value to `out`: exactly one value, NULL included, unless it is a
    /// [list](Self::list_len).
    ///
    /// # Errors
    /// [`ToSqlError`] if the server has no such value.
    fn to_sql(&self, out: &mut dyn ParameterSink) -> Result<(), ToSqlError>;

    /// How many values [`to_sql`](Self::to_sql) writes if it is a list for `IN`, as an
    /// [`InList`](crate::InList) is; `None` for all that is exactly one value.
    #[inline]
    fn list_len(&self) -> Option<usize> {
        None
    }
}

/// Takes the values of parameters, one after the other, in a form that the server reads.
///
/// Each method writes one value. There is none for types that the server takes for NULL without
/// saying so (`Int24`, `Year`, `Bit`, `Geometry`): integers go as [`int`](Self::int) or
/// [`uint`](Self::uint), geometry as [`bytes`](Self::bytes).
pub trait ParameterSink {
    /// Writes NULL.
    fn null(&mut self);

    /// Writes an integer.
    fn int(&mut self, value: i64);

    /// Writes an integer without a sign.
    fn uint(&mut self, value: u64);

    /// Writes a number, which must be finite.
    fn float(&mut self, value: f32);

    /// Writes a number, which must be finite.
    fn double(&mut self, value: f64);

    /// Writes a DECIMAL.
    fn decimal(&mut self, value: &Decimal);

    /// Writes text.
    fn text(&mut self, value: &str);

    /// Writes binary data.
    fn bytes(&mut self, value: &[u8]);

    /// Writes a DATE.
    fn date(&mut self, value: Date);

    /// Writes a DATETIME.
    fn datetime(&mut self, value: DateTime);

    /// Writes a TIME.
    fn time(&mut self, value: Time);

    /// Writes the default of the column: for a bulk execution.
    ///
    /// # Errors
    /// [`ToSqlError::NotHere`] where there is no such value, which is so unless a sink takes it.
    fn column_default(&mut self) -> Result<(), ToSqlError> {
        let (value, place) = ("DEFAULT", BULK);
        Err(ToSqlError::NotHere { value, place })
    }

    /// Writes that the column has its default in an INSERT and stays as it is in an UPDATE: for a
    /// bulk execution.
    ///
    /// # Errors
    /// [`ToSqlError::NotHere`] where there is no such value, which is so unless a sink takes it.
    fn ignore(&mut self) -> Result<(), ToSqlError> {
        let (value, place) = ("IGNORE", BULK);
        Err(ToSqlError::NotHere { value, place })
    }

    /// Writes that the value was sent ahead by `COM_STMT_SEND_LONG_DATA`: for a single execute
    /// of a prepared statement.
    ///
    /// # Errors
    /// [`ToSqlError::NotHere`] where no data is sent ahead, which is so unless a sink takes it.
    fn long_data(&mut self) -> Result<(), ToSqlError> {
        let (value, place) = ("long data", "a single execute of a prepared statement");
        Err(ToSqlError::NotHere { value, place })
    }

    /// The zone that the server takes DATETIME parameters to be in where it needs one: that of the
    /// session. Not known unless a sink says otherwise.
    fn time_zone(&self) -> SessionTimeZone {
        SessionTimeZone::Unknown
    }

    /// How many values have been written.
    fn len(&self) -> usize;

    /// Whether no value has been written.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

const BULK: &str = "a bulk execution";

macro_rules! copied {
    ($($type:ty => $method:ident($($wide:ty)?);)+) => {$(
        impl ToSql for $type {
            #[inline]
            fn to_sql(&self, out: &mut dyn ParameterSink) -> Result<(), ToSqlError> {
                out.$method($(<$wide>::from)?(*self));
                Ok(())
            }
        }
    )+};
}

copied! {
    bool => int(i64);
    i8 => int(i64);
    i16 => int(i64);
    i32 => int(i64);
    i64 => int();
    u8 => uint(u64);
    u16 => uint(u64);
    u32 => uint(u64);
    u64 => uint();
    Date => date();
    DateTime => datetime();
    Time => time();
}

impl ToSql for isize {
    /// Writes an integer of 64 bits.
    #[inline]
    fn to_sql(&self, out: &mut dyn ParameterSink) -> Result<(), ToSqlError> {
        out.int(i64::try_from(*self).map_err(|_| ToSqlError::OutOfRange)?);
        Ok(())
    }
}

impl ToSql for usize {
    /// Writes an integer of 64 bits without a sign.
    #[inline]
    fn to_sql(&self, out: &mut dyn ParameterSink) -> Result<(), ToSqlError> {
        out.uint(u64::try_from(*self).map_err(|_| ToSqlError::OutOfRange)?);
        Ok(())
    }
}

impl ToSql for f32 {
    /// Writes a finite number; the server has no others.
    #[inline]
    fn to_sql(&self, out: &mut dyn ParameterSink) -> Result<(), ToSqlError> {
        if !self.is_finite() {
            return Err(ToSqlError::NotFinite);
        }
        out.float(*self);
        Ok(())
    }
}

impl ToSql for f64 {
    /// Writes a finite number; the server has no others.
    #[inline]
    fn to_sql(&self, out: &mut dyn ParameterSink) -> Result<(), ToSqlError> {
        if !self.is_finite() {
            return Err(ToSqlError::NotFinite);
        }
        out.double(*self);
        Ok(())
    }
}

macro_rules! by_reference {
    ($($type:ty $(, const $length:ident)? => $method:ident;)+) => {$(
        impl $(<const $length: usize>)? ToSql for $type {
            #[inline]
            fn to_sql(&self, out: &mut dyn ParameterSink) -> Result<(), ToSqlError> {
                out.$method(self);
                Ok(())
            }
        }
    )+};
}

by_reference! {
    Decimal => decimal;
    str => text;
    String => text;
    [u8] => bytes;
    Vec<u8> => bytes;
    [u8; N], const N => bytes;
}

impl<T: ToSql> ToSql for Option<T> {
    /// Writes the value, or NULL for none.
    #[inline]
    fn to_sql(&self, out: &mut dyn ParameterSink) -> Result<(), ToSqlError> {
        if let Some(value) = self {
            return value.to_sql(out);
        }
        out.null();
        Ok(())
    }

    #[inline]
    fn list_len(&self) -> Option<usize> {
        self.as_ref()?.list_len()
    }
}

impl ToSql for ValueRef<'_> {
    /// Writes the value as it was read.
    #[inline]
    fn to_sql(&self, out: &mut dyn ParameterSink) -> Result<(), ToSqlError> {
        match *self {
            ValueRef::Null => out.null(),
            ValueRef::Int(value) => out.int(value),
            ValueRef::UInt(value) => out.uint(value),
            ValueRef::Float(value) => value.to_sql(out)?,
            ValueRef::Double(value) => value.to_sql(out)?,
            ValueRef::Decimal(text) => out.decimal(&Decimal::parse(text.as_bytes())?),
            ValueRef::Text(text) => out.text(text),
            ValueRef::Bytes(bytes) => out.bytes(bytes),
            ValueRef::Date(date) => out.date(date),
            ValueRef::DateTime(datetime) => out.datetime(datetime),
            ValueRef::Time(time) => out.time(time),
        }
        Ok(())
    }
}

impl<T: ToOwned + ToSql + ?Sized> ToSql for Cow<'_, T> {
    #[inline]
    fn to_sql(&self, out: &mut dyn ParameterSink) -> Result<(), ToSqlError> {
        T::to_sql(self, out)
    }

    #[inline]
    fn list_len(&self) -> Option<usize> {
        T::list_len(self)
    }
}

macro_rules! pointers {
    ($($pointer:ty),+) => {$(
        impl<T: ToSql + ?Sized> ToSql for $pointer {
            #[inline]
            fn to_sql(&self, out: &mut dyn ParameterSink) -> Result<(), ToSqlError> {
                T::to_sql(self, out)
            }

            #[inline]
            fn list_len(&self) -> Option<usize> {
                T::list_len(self)
            }
        }
    )+};
}

pointers!(&T, &mut T, Box<T>, Rc<T>, Arc<T>);

#[cfg(test)]
mod tests;
