//! Dates and times of time 0.3.

use time::{Duration, Month, OffsetDateTime, PrimitiveDateTime, UtcDateTime, UtcOffset};

use super::temporal::{
    calendar_date, converted, points_in_time, server_date, server_datetime, server_interval,
    server_time, time_of_day,
};
use crate::{Date, DateTime, FromSqlError, Time, ToSqlError};

converted! {
    /// Takes DATE.
    time::Date = Date by date: calendar, date;
    /// Takes DATETIME and TIMESTAMP, and DATE as its midnight.
    PrimitiveDateTime = DateTime by datetime: primitive, datetime;
    /// Takes TIME from `00:00:00` to `23:59:59.999999`.
    time::Time = Time by time: clock, time;
    /// Takes TIME.
    Duration = Time by time: duration, interval;
}

points_in_time! {
    UtcDateTime: utc, local;
    OffsetDateTime: at_utc, local_of_offset;
}

fn calendar(date: Date) -> Result<time::Date, FromSqlError> {
    let (year, month, day) = calendar_date(date)?;
    Month::try_from(month)
        .and_then(|month| time::Date::from_calendar_date(year.into(), month, day))
        .map_err(|_| FromSqlError::OutOfRange)
}

fn date(date: time::Date) -> Result<Date, ToSqlError> {
    server_date(date.year(), u8::from(date.month()), date.day())
}

fn clock(time: Time) -> Result<time::Time, FromSqlError> {
    let (hour, minute, second, microsecond) = time_of_day(time)?;
    time::Time::from_hms_micro(hour, minute, second, microsecond)
        .map_err(|_| FromSqlError::OutOfRange)
}

fn time(time: time::Time) -> Result<Time, ToSqlError> {
    let parts = [time.hour(), time.minute(), time.second()];
    server_time(parts, time.nanosecond())
}

fn primitive(datetime: DateTime) -> Result<PrimitiveDateTime, FromSqlError> {
    let (hour, minute, second) = (datetime.hour(), datetime.minute(), datetime.second());
    calendar(datetime.date())?
        .with_hms_micro(hour, minute, second, datetime.microsecond())
        .map_err(|_| FromSqlError::OutOfRange)
}

fn datetime(datetime: PrimitiveDateTime) -> Result<DateTime, ToSqlError> {
    server_datetime(date(datetime.date())?, time(datetime.time())?)
}

#[expect(clippy::unnecessary_wraps, reason = "those of other types may fail")]
fn duration(time: Time) -> Result<Duration, FromSqlError> {
    Ok(Duration::microseconds(time.as_micros()))
}

fn interval(duration: Duration) -> Result<Time, ToSqlError> {
    server_interval(duration.whole_microseconds())
}

fn utc(local: DateTime, offset_seconds: i32) -> Result<UtcDateTime, FromSqlError> {
    let offset = Duration::seconds(offset_seconds.into());
    let utc = primitive(local)?.checked_sub(offset);
    Ok(utc.ok_or(FromSqlError::OutOfRange)?.as_utc())
}

fn local(utc: UtcDateTime, offset_seconds: i32) -> Result<DateTime, ToSqlError> {
    local_of_offset(utc.to_offset(UtcOffset::UTC), offset_seconds)
}

fn at_utc(local: DateTime, offset_seconds: i32) -> Result<OffsetDateTime, FromSqlError> {
    Ok(utc(local, offset_seconds)?.to_offset(UtcOffset::UTC))
}

fn local_of_offset(instant: OffsetDateTime, offset_seconds: i32) -> Result<DateTime, ToSqlError> {
    let local = UtcOffset::from_whole_seconds(offset_seconds)
        .ok()
        .and_then(|offset| instant.checked_to_offset(offset))
        .ok_or(ToSqlError::OutOfRange)?;
    datetime(PrimitiveDateTime::new(local.date(), local.time()))
}

#[cfg(test)]
mod tests {
    super::super::temporal::tests::claims! {
        types: time::Date, PrimitiveDateTime, time::Time, Duration;
        made by: with_time, microseconds;
        points in time by: utc, local;
        beyond the server: time::Date::MIN;
        with nanoseconds: time::Time::from_hms_nano(1, 2, 3, 4_999).unwrap();
    }

    fn date_of(year: u16, month: u8, day: u8) -> time::Date {
        let month = Month::try_from(month).unwrap();
        time::Date::from_calendar_date(year.into(), month, day).unwrap()
    }

    fn time_of(hour: u8, minute: u8, second: u8, micro: u32) -> time::Time {
        time::Time::from_hms_micro(hour, minute, second, micro).unwrap()
    }

    #[test]
    fn a_point_in_time_goes_by_the_offset() {
        let clock = DateTime::new(server(1970, 1, 1), 5, 30, 0, 7).unwrap();
        let instant = at_utc(clock, 5 * 3600 + 1800).unwrap();
        assert_eq!(instant.unix_timestamp_nanos(), 7_000);
        assert_eq!(instant.offset(), UtcOffset::UTC);
        assert_eq!(utc(clock, 5 * 3600 + 1800).unwrap(), instant);
        let elsewhere = instant.to_offset(UtcOffset::from_hms(-8, 0, 0).unwrap());
        assert_eq!(local_of_offset(elsewhere, 5 * 3600 + 1800), Ok(clock));
        let last = at_utc(DateTime::midnight(server(9999, 12, 31)), 0).unwrap();
        let beyond = last + Duration::hours(23);
        assert_eq!(local_of_offset(beyond, 3600), Err(ToSqlError::OutOfRange));
    }
}
