//! Dates and times of chrono 0.4.

use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Timelike, Utc};

use super::temporal::{
    calendar_date, converted, points_in_time, server_date, server_datetime, server_interval,
    server_time, time_of_day,
};
use crate::{Date, DateTime, FromSqlError, Time, ToSqlError};

converted! {
    /// Takes DATE.
    NaiveDate = Date by date: naive_date, date;
    /// Takes DATETIME and TIMESTAMP, and DATE as its midnight.
    NaiveDateTime = DateTime by datetime: naive_datetime, datetime;
    /// Takes TIME from `00:00:00` to `23:59:59.999999`.
    NaiveTime = Time by time: naive_time, time;
    /// Takes TIME.
    TimeDelta = Time by time: time_delta, interval;
}

points_in_time! {
    chrono::DateTime<Utc>: utc, local;
}

fn naive_date(date: Date) -> Result<NaiveDate, FromSqlError> {
    let (year, month, day) = calendar_date(date)?;
    NaiveDate::from_ymd_opt(year.into(), month.into(), day.into()).ok_or(FromSqlError::OutOfRange)
}

fn date(date: NaiveDate) -> Result<Date, ToSqlError> {
    server_date(date.year(), date.month(), date.day())
}

fn naive_time(time: Time) -> Result<NaiveTime, FromSqlError> {
    let (hour, minute, second, microsecond) = time_of_day(time)?;
    NaiveTime::from_hms_micro_opt(hour.into(), minute.into(), second.into(), microsecond)
        .ok_or(FromSqlError::OutOfRange)
}

/// A leap second, which chrono has as the nanoseconds of a billion and more, is out of range.
fn time(time: NaiveTime) -> Result<Time, ToSqlError> {
    let parts = [time.hour(), time.minute(), time.second()];
    server_time(parts, time.nanosecond())
}

fn naive_datetime(datetime: DateTime) -> Result<NaiveDateTime, FromSqlError> {
    let date = naive_date(datetime.date())?;
    let (hour, minute, second) = (datetime.hour(), datetime.minute(), datetime.second());
    date.and_hms_micro_opt(
        hour.into(),
        minute.into(),
        second.into(),
        datetime.microsecond(),
    )
    .ok_or(FromSqlError::OutOfRange)
}

fn datetime(datetime: NaiveDateTime) -> Result<DateTime, ToSqlError> {
    server_datetime(date(datetime.date())?, time(datetime.time())?)
}

#[expect(clippy::unnecessary_wraps, reason = "those of other types may fail")]
fn time_delta(time: Time) -> Result<TimeDelta, FromSqlError> {
    Ok(TimeDelta::microseconds(time.as_micros()))
}

fn interval(delta: TimeDelta) -> Result<Time, ToSqlError> {
    server_interval(delta.num_microseconds().ok_or(ToSqlError::OutOfRange)?)
}

fn utc(local: DateTime, offset_seconds: i32) -> Result<chrono::DateTime<Utc>, FromSqlError> {
    let offset = TimeDelta::seconds(offset_seconds.into());
    let utc = naive_datetime(local)?.checked_sub_signed(offset);
    Ok(utc.ok_or(FromSqlError::OutOfRange)?.and_utc())
}

fn local(utc: chrono::DateTime<Utc>, offset_seconds: i32) -> Result<DateTime, ToSqlError> {
    let offset = TimeDelta::seconds(offset_seconds.into());
    let local = utc.naive_utc().checked_add_signed(offset);
    datetime(local.ok_or(ToSqlError::OutOfRange)?)
}

#[cfg(test)]
mod tests {
    super::super::temporal::tests::claims! {
        types: NaiveDate, NaiveDateTime, NaiveTime, TimeDelta;
        made by: and_time, microseconds;
        points in time by: utc, local;
        beyond the server: NaiveDate::MAX;
        with nanoseconds: NaiveTime::from_hms_nano_opt(1, 2, 3, 4_999).unwrap();
    }

    fn date_of(year: u16, month: u8, day: u8) -> NaiveDate {
        NaiveDate::from_ymd_opt(year.into(), month.into(), day.into()).unwrap()
    }

    fn time_of(hour: u8, minute: u8, second: u8, micro: u32) -> NaiveTime {
        NaiveTime::from_hms_micro_opt(hour.into(), minute.into(), second.into(), micro).unwrap()
    }

    #[test]
    fn a_leap_second_is_out_of_range() {
        let leap = NaiveTime::from_hms_micro_opt(23, 59, 59, 1_000_000).unwrap();
        assert_eq!(refused(&leap), ToSqlError::OutOfRange);
    }

    #[test]
    fn a_point_in_time_goes_by_the_offset() {
        let clock = DateTime::new(server(1970, 1, 1), 5, 30, 0, 7).unwrap();
        let instant = utc(clock, 5 * 3600 + 1800).unwrap();
        assert_eq!(instant.timestamp_micros(), 7);
        assert_eq!(local(instant, 5 * 3600 + 1800), Ok(clock));
        let last = DateTime::midnight(server(9999, 12, 31));
        let beyond = utc(last, 0).unwrap() + TimeDelta::hours(23);
        assert_eq!(local(beyond, 3600), Err(ToSqlError::OutOfRange));
    }
}
