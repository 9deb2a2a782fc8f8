//! The forms of single values, the same in rows and in parameters.

use otaria_codec::{ColumnDefinition, FieldType, InvalidPacket, PayloadReader, PayloadWriter};
use otaria_types::{CellError, Date, DateTime, FromSqlError, Time, ValueRef};

/// Reads a value that is not NULL as what `column` says that it is.
#[expect(
    clippy::inline_always,
    reason = "a call a cell costs more than the cell"
)]
#[inline(always)]
pub(crate) fn read<'a>(
    reader: &mut PayloadReader<'a>,
    column: &ColumnDefinition,
) -> Result<ValueRef<'a>, CellError> {
    Ok(match (column.field_type(), column.is_unsigned()) {
        (FieldType::LongLong, false) => ValueRef::Int(i64::from_le_bytes(reader.array()?)),
        (FieldType::LongLong, true) => ValueRef::UInt(u64::from_le_bytes(reader.array()?)),
        (FieldType::Long | FieldType::Int24, false) => {
            ValueRef::Int(i32::from_le_bytes(reader.array()?).into())
        }
        (FieldType::Long | FieldType::Int24, true) => {
            ValueRef::UInt(u32::from_le_bytes(reader.array()?).into())
        }
        (FieldType::Short, false) => ValueRef::Int(i16::from_le_bytes(reader.array()?).into()),
        (FieldType::Short, true) | (FieldType::Year, _) => {
            ValueRef::UInt(u16::from_le_bytes(reader.array()?).into())
        }
        (FieldType::Tiny, false) => ValueRef::Int(i8::from_le_bytes(reader.array()?).into()),
        (FieldType::Tiny, true) => ValueRef::UInt(u8::from_le_bytes(reader.array()?).into()),
        (FieldType::Float, _) => ValueRef::Float(f32::from_le_bytes(reader.array()?)),
        (FieldType::Double, _) => ValueRef::Double(f64::from_le_bytes(reader.array()?)),
        (FieldType::Date, _) => ValueRef::Date(read_date(reader)?),
        (FieldType::DateTime | FieldType::Timestamp, _) => {
            ValueRef::DateTime(read_datetime(reader)?)
        }
        (FieldType::Time, _) => ValueRef::Time(read_time(reader)?),
        _ => ValueRef::from_bytes(read_bytes(reader)?, column)?,
    })
}

/// Reads bytes behind their length, which is mostly one byte.
#[expect(
    clippy::inline_always,
    reason = "a call a cell costs more than the cell"
)]
#[inline(always)]
pub(crate) fn read_bytes<'a>(reader: &mut PayloadReader<'a>) -> Result<&'a [u8], InvalidPacket> {
    match reader.peek() {
        Some(short @ 0..=0xfa) => {
            reader.int1()?;
            reader.bytes(short.into())
        }
        _ => read_long_bytes(reader),
    }
}

#[cold]
#[inline(never)]
fn read_long_bytes<'a>(reader: &mut PayloadReader<'a>) -> Result<&'a [u8], InvalidPacket> {
    reader.bytes_lenenc()
}

/// Passes a value that is not NULL.
#[inline]
pub(crate) fn skip(
    reader: &mut PayloadReader<'_>,
    field_type: FieldType,
) -> Result<(), InvalidPacket> {
    let length = match field_type {
        FieldType::Tiny => 1,
        FieldType::Short | FieldType::Year => 2,
        FieldType::Long | FieldType::Int24 | FieldType::Float => 4,
        FieldType::LongLong | FieldType::Double => 8,
        FieldType::Date | FieldType::DateTime | FieldType::Timestamp | FieldType::Time => {
            usize::from(reader.int1()?)
        }
        _ => return reader.bytes_lenenc().map(|_| ()),
    };
    reader.bytes(length).map(|_| ())
}

/// Reads a DATE: nothing for the zero date, or year, month and day.
#[inline]
pub(crate) fn read_date(reader: &mut PayloadReader<'_>) -> Result<Date, CellError> {
    match *read_parts(reader)? {
        [] => Ok(Date::ZERO),
        [y1, y2, month, day] => date([y1, y2], month, day),
        _ => Err(FromSqlError::Malformed.into()),
    }
}

/// Reads a DATETIME or TIMESTAMP: nothing for the zero date, a date, a date and a time to the
/// second, or that and microseconds.
#[inline]
pub(crate) fn read_datetime(reader: &mut PayloadReader<'_>) -> Result<DateTime, CellError> {
    let (date, time, micros) = match *read_parts(reader)? {
        [] => return Ok(DateTime::ZERO),
        [y1, y2, month, day] => return date([y1, y2], month, day).map(DateTime::midnight),
        [y1, y2, month, day, h, m, s] => (date([y1, y2], month, day)?, [h, m, s], 0),
        [y1, y2, month, day, h, m, s, u1, u2, u3, u4] => {
            let micros = u32::from_le_bytes([u1, u2, u3, u4]);
            (date([y1, y2], month, day)?, [h, m, s], micros)
        }
        _ => return Err(FromSqlError::Malformed.into()),
    };
    let [hour, minute, second] = time;
    DateTime::new(date, hour, minute, second, micros).ok_or_else(|| FromSqlError::OutOfRange.into())
}

/// Reads a TIME: nothing for 0, sign, days and a time to the second, or that and microseconds.
#[inline]
pub(crate) fn read_time(reader: &mut PayloadReader<'_>) -> Result<Time, CellError> {
    let (negative, days, [hours, minutes, seconds], micros) = match *read_parts(reader)? {
        [] => return Ok(Time::ZERO),
        [sign, d1, d2, d3, d4, h, m, s] => (sign != 0, [d1, d2, d3, d4], [h, m, s], 0),
        [sign, d1, d2, d3, d4, h, m, s, u1, u2, u3, u4] => {
            let micros = u32::from_le_bytes([u1, u2, u3, u4]);
            (sign != 0, [d1, d2, d3, d4], [h, m, s], micros)
        }
        _ => return Err(FromSqlError::Malformed.into()),
    };
    let hours = u16::try_from(u32::from_le_bytes(days))
        .ok()
        .and_then(|days| days.checked_mul(24)?.checked_add(hours.into()));
    hours
        .and_then(|hours| Time::new(negative, hours, minutes, seconds, micros))
        .ok_or_else(|| FromSqlError::OutOfRange.into())
}

/// Writes a DATE in the shortest form.
pub(crate) fn write_date(date: Date, out: &mut PayloadWriter<'_>) {
    if date.is_zero() {
        return out.int1(0);
    }
    out.int1(4);
    write_date_parts(date, out);
}

/// Writes a DATETIME or TIMESTAMP in the shortest form.
pub(crate) fn write_datetime(datetime: DateTime, out: &mut PayloadWriter<'_>) {
    if datetime == DateTime::midnight(datetime.date()) {
        return write_date(datetime.date(), out);
    }
    let micros = datetime.microsecond();
    out.int1(if micros == 0 { 7 } else { 11 });
    write_date_parts(datetime.date(), out);
    out.bytes(&[datetime.hour(), datetime.minute(), datetime.second()]);
    if micros != 0 {
        out.int4(micros);
    }
}

/// Writes a TIME in the shortest form.
pub(crate) fn write_time(time: Time, out: &mut PayloadWriter<'_>) {
    if time == Time::ZERO {
        return out.int1(0);
    }
    let micros = time.microseconds();
    out.int1(if micros == 0 { 8 } else { 12 });
    out.int1(time.is_negative().into());
    let (days, [hours, _]) = (time.hours() / 24, (time.hours() % 24).to_le_bytes());
    out.int4(days.into());
    out.bytes(&[hours, time.minutes(), time.seconds()]);
    if micros != 0 {
        out.int4(micros);
    }
}

fn write_date_parts(date: Date, out: &mut PayloadWriter<'_>) {
    out.int2(date.year());
    out.bytes(&[date.month(), date.day()]);
}

/// The bytes behind a length of one byte.
#[inline]
fn read_parts<'a>(reader: &mut PayloadReader<'a>) -> Result<&'a [u8], InvalidPacket> {
    let length = reader.int1()?;
    reader.bytes(length.into())
}

#[inline]
fn date(year: [u8; 2], month: u8, day: u8) -> Result<Date, CellError> {
    Date::new(u16::from_le_bytes(year), month, day).ok_or_else(|| FromSqlError::OutOfRange.into())
}

#[cfg(test)]
mod tests;
