//! What the crates of dates and times have in common.

use otaria_codec::{ColumnDefinition, FieldType};

use crate::from_sql::mismatch;
use crate::{
    CellError, Date, DateTime, FromSqlError, ParameterSink, RowReader, SessionTimeZone, Time,
    ToSqlError, ValueRef,
};

/// Implements both conversions for a type that goes by [`Date`], [`DateTime`] or
/// [`Time`]: by the method of readers and sinks, the function from that type and the
/// one to it.
macro_rules! converted {
    ($($(#[$doc:meta])* $type:ty = $ours:ident by $method:ident: $from:path, $to:path;)+) => {$(
        impl<'a> $crate::FromSql<'a> for $type {
            const CELLS: Option<$crate::CellKind> = Some($crate::CellKind::$ours);

            #[inline]
            fn from_known_cell<R: $crate::RowReader<'a>>(
                row: &mut R,
            ) -> Result<Self, $crate::CellError> {
                Ok($from(row.$method()?)?)
            }

            $(#[$doc])*
            #[inline]
            fn from_sql(value: $crate::ValueRef<'_>) -> Result<Self, $crate::FromSqlError> {
                $from(<$crate::$ours as $crate::FromSql<'_>>::from_sql(value)?)
            }
        }

        impl $crate::ToSql for $type {
            /// Writes the value, without what is less than a microsecond of it.
            #[inline]
            fn to_sql(
                &self,
                out: &mut dyn $crate::ParameterSink,
            ) -> Result<(), $crate::ToSqlError> {
                out.$method($to(*self)?);
                Ok(())
            }
        }
    )+};
}

/// Implements both conversions for points in time: by the function from a [`DateTime`] whose clock
/// is so many seconds ahead of UTC, and the one to it.
macro_rules! points_in_time {
    ($($type:ty: $from:path, $to:path;)+) => {$(
        impl<'a> $crate::FromSql<'a> for $type {
            /// Takes nothing: a value alone does not say which point in time it is.
            fn from_sql(value: $crate::ValueRef<'_>) -> Result<Self, $crate::FromSqlError> {
                match value {
                    $crate::ValueRef::DateTime(_) => Err($crate::FromSqlError::TimeZone),
                    other => Err($crate::from_sql::mismatch(other)),
                }
            }

            /// Takes TIMESTAMP, where the session's `time_zone` is known to be UTC or a fixed
            /// offset.
            #[inline]
            fn from_cell<R: $crate::RowReader<'a>>(
                row: &mut R,
                column: &otaria_codec::ColumnDefinition,
            ) -> Result<Self, $crate::CellError> {
                let (datetime, offset_seconds) =
                    $crate::foreign::temporal::timestamp(row, column)?;
                Ok($from(datetime, offset_seconds)?)
            }
        }

        impl $crate::ToSql for $type {
            /// Writes the date and time that it is in the session's time zone, which must be known
            /// to be UTC or a fixed offset, without what is less than a microsecond of it.
            fn to_sql(
                &self,
                out: &mut dyn $crate::ParameterSink,
            ) -> Result<(), $crate::ToSqlError> {
                let offset_seconds = $crate::foreign::temporal::offset_seconds(out)?;
                out.datetime($to(*self, offset_seconds)?);
                Ok(())
            }
        }
    )+};
}

pub(super) use {converted, points_in_time};

/// Reads a TIMESTAMP, and how many seconds its clock is ahead of UTC.
pub(super) fn timestamp<'a, R: RowReader<'a>>(
    row: &mut R,
    column: &ColumnDefinition,
) -> Result<(DateTime, i32), CellError> {
    let value = row.value(column)?;
    match (value, column.field_type(), row.context().time_zone) {
        (
            ValueRef::DateTime(datetime),
            FieldType::Timestamp,
            SessionTimeZone::Offset { seconds },
        ) => Ok((datetime, seconds)),
        (ValueRef::DateTime(_), FieldType::Timestamp, SessionTimeZone::Unknown) => {
            Err(FromSqlError::TimeZone.into())
        }
        (other, ..) => Err(mismatch(other).into()),
    }
}

/// How many seconds the clock of DATETIME parameters is ahead of UTC.
pub(super) fn offset_seconds(out: &dyn ParameterSink) -> Result<i32, ToSqlError> {
    match out.time_zone() {
        SessionTimeZone::Offset { seconds } => Ok(seconds),
        SessionTimeZone::Unknown => Err(ToSqlError::TimeZone),
    }
}

/// The year, month and day of a date that the calendar has.
#[inline]
pub(super) fn calendar_date(date: Date) -> Result<(u16, u8, u8), FromSqlError> {
    let (year, month, day) = (date.year(), date.month(), date.day());
    if month == 0 || day == 0 {
        Err(FromSqlError::ZeroDate)
    } else if date.is_calendar_date() {
        Ok((year, month, day))
    } else {
        Err(FromSqlError::OutOfRange)
    }
}

/// A date of the server's calendar.
pub(super) fn server_date(
    year: impl TryInto<u16>,
    month: impl TryInto<u8>,
    day: impl TryInto<u8>,
) -> Result<Date, ToSqlError> {
    let date = year.try_into().ok().and_then(|year| {
        let date = Date::new(year, month.try_into().ok()?, day.try_into().ok()?)?;
        date.is_calendar_date().then_some(date)
    });
    date.ok_or(ToSqlError::OutOfRange)
}

/// The hour, minute, second and microsecond of a time of day.
#[inline]
pub(super) fn time_of_day(time: Time) -> Result<(u8, u8, u8, u32), FromSqlError> {
    match u8::try_from(time.hours()) {
        Ok(hour @ 0..24) if !time.is_negative() => {
            Ok((hour, time.minutes(), time.seconds(), time.microseconds()))
        }
        _ => Err(FromSqlError::OutOfRange),
    }
}

/// The time of day of these parts, without what is less than a microsecond.
pub(super) fn server_time(
    [hour, minute, second]: [impl TryInto<u8>; 3],
    nanosecond: impl TryInto<u32>,
) -> Result<Time, ToSqlError> {
    let time = hour.try_into().ok().and_then(|hour| {
        let (minute, second) = (minute.try_into().ok()?, second.try_into().ok()?);
        let microsecond = nanosecond.try_into().ok()? / 1000;
        Time::new(false, hour.into(), minute, second, microsecond)
    });
    time.ok_or(ToSqlError::OutOfRange)
}

/// The `time` of day on `date`.
pub(super) fn server_datetime(date: Date, time: Time) -> Result<DateTime, ToSqlError> {
    let (minute, second, microsecond) = (time.minutes(), time.seconds(), time.microseconds());
    u8::try_from(time.hours())
        .ok()
        .and_then(|hour| DateTime::new(date, hour, minute, second, microsecond))
        .ok_or(ToSqlError::OutOfRange)
}

/// The TIME of so many microseconds.
pub(super) fn server_interval(micros: impl TryInto<i64>) -> Result<Time, ToSqlError> {
    let micros = micros.try_into().ok();
    micros
        .and_then(Time::from_micros)
        .ok_or(ToSqlError::OutOfRange)
}

#[cfg(test)]
pub(super) mod tests;
