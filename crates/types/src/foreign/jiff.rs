//! Dates and times of jiff 0.2.

use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp, civil};

use super::temporal::{
    calendar_date, converted, points_in_time, server_date, server_datetime, server_interval,
    server_time, time_of_day,
};
use crate::{Date, DateTime, FromSqlError, Time, ToSqlError};

converted! {
    /// Takes DATE.
    civil::Date = Date by date: civil_date, date;
    /// Takes DATETIME and TIMESTAMP, and DATE as its midnight.
    civil::DateTime = DateTime by datetime: civil_datetime, datetime;
    /// Takes TIME from `00:00:00` to `23:59:59.999999`.
    civil::Time = Time by time: civil_time, time;
    /// Takes TIME.
    SignedDuration = Time by time: signed_duration, interval;
}

points_in_time! {
    Timestamp: timestamp, local;
}

fn civil_date(date: Date) -> Result<civil::Date, FromSqlError> {
    let (year, month, day) = calendar_date(date)?;
    let year = i16::try_from(year).map_err(|_| FromSqlError::OutOfRange)?;
    civil::Date::new(year, month.cast_signed(), day.cast_signed())
        .map_err(|_| FromSqlError::OutOfRange)
}

fn date(date: civil::Date) -> Result<Date, ToSqlError> {
    server_date(date.year(), date.month(), date.day())
}

fn civil_time(time: Time) -> Result<civil::Time, FromSqlError> {
    let (hour, minute, second, microsecond) = time_of_day(time)?;
    clock([hour, minute, second], microsecond)
}

fn time(time: civil::Time) -> Result<Time, ToSqlError> {
    let parts = [time.hour(), time.minute(), time.second()];
    server_time(parts, time.subsec_nanosecond())
}

fn civil_datetime(datetime: DateTime) -> Result<civil::DateTime, FromSqlError> {
    let parts = [datetime.hour(), datetime.minute(), datetime.second()];
    let time = clock(parts, datetime.microsecond())?;
    Ok(civil_date(datetime.date())?.to_datetime(time))
}

fn datetime(datetime: civil::DateTime) -> Result<DateTime, ToSqlError> {
    server_datetime(date(datetime.date())?, time(datetime.time())?)
}

fn clock(parts: [u8; 3], microsecond: u32) -> Result<civil::Time, FromSqlError> {
    let [hour, minute, second] = parts.map(u8::cast_signed);
    let nanosecond = (microsecond * 1000).cast_signed();
    civil::Time::new(hour, minute, second, nanosecond).map_err(|_| FromSqlError::OutOfRange)
}

#[expect(clippy::unnecessary_wraps, reason = "those of other types may fail")]
fn signed_duration(time: Time) -> Result<SignedDuration, FromSqlError> {
    Ok(SignedDuration::from_micros(time.as_micros()))
}

fn interval(duration: SignedDuration) -> Result<Time, ToSqlError> {
    server_interval(duration.as_micros())
}

fn timestamp(local: DateTime, offset_seconds: i32) -> Result<Timestamp, FromSqlError> {
    let local = civil_datetime(local)?;
    Offset::from_seconds(offset_seconds)
        .and_then(|offset| offset.to_timestamp(local))
        .map_err(|_| FromSqlError::OutOfRange)
}

fn local(timestamp: Timestamp, offset_seconds: i32) -> Result<DateTime, ToSqlError> {
    let offset = Offset::from_seconds(offset_seconds).map_err(|_| ToSqlError::OutOfRange)?;
    datetime(offset.to_datetime(timestamp))
}

#[cfg(test)]
mod tests {
    super::super::temporal::tests::claims! {
        types: civil::Date, civil::DateTime, civil::Time, SignedDuration;
        made by: to_datetime, from_micros;
        points in time by: timestamp, local;
        beyond the server: civil::Date::MIN;
        with nanoseconds: civil::Time::constant(1, 2, 3, 4_999);
    }

    fn date_of(year: u16, month: u8, day: u8) -> civil::Date {
        civil::date(year.cast_signed(), month.cast_signed(), day.cast_signed())
    }

    fn time_of(hour: u8, minute: u8, second: u8, micro: u32) -> civil::Time {
        let nano = (micro * 1000).cast_signed();
        civil::time(
            hour.cast_signed(),
            minute.cast_signed(),
            second.cast_signed(),
            nano,
        )
    }

    #[test]
    fn a_point_in_time_goes_by_the_offset() {
        let clock = DateTime::new(server(1970, 1, 1), 5, 30, 0, 7).unwrap();
        let instant = timestamp(clock, 5 * 3600 + 1800).unwrap();
        assert_eq!(instant.as_microsecond(), 7);
        assert_eq!(local(instant, 5 * 3600 + 1800), Ok(clock));
        assert_eq!(local(Timestamp::MIN, 0), Err(ToSqlError::OutOfRange));
    }
}
