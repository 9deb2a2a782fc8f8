//! What is read four ways has to be the same.

use otaria::arrow::array::{Array, RecordBatch};
use otaria::{
    ArrowOptions, BitType, ColumnType, Connection, DecimalType, EnumType, Error, GeometryType,
    Nullability, SetType, StringType, TemporalUnit, TimeType, TimestampZone, UuidType, ValueRef,
    ZeroDateMode,
};
use proptest::prelude::*;
use proptest::sample::select;

use super::Table;
use super::expected::words;
use super::geometry::DEGREES;
use crate::arrow::cells::of_array;
use crate::arrow::{PROTOCOLS, Protocol, read};

/// Options of the batches.
#[derive(Clone, Debug)]
pub(super) struct Options {
    zero_dates: ZeroDateMode,
    /// Any, for batches that are compared with each other only.
    any: ArrowOptions,
    /// Its most rows in a batch.
    max_rows: u32,
}

impl Options {
    /// Any, and the SRID of geometries that the first batch has none of.
    fn any(&self, table: &Table) -> ArrowOptions {
        let max_rows = usize::try_from(self.max_rows).unwrap();
        let mut any = self.any.clone();
        for (number, column) in table.columns.iter().enumerate() {
            if column.is_in_degrees() && column.nulls().take(max_rows).all(|is_null| is_null) {
                let geometry = ColumnType::Geometry { srid: DEGREES };
                any = any.with_column(&format!("c{number}"), geometry);
            }
        }
        any
    }
}

pub(super) fn options() -> impl Strategy<Value = Options> {
    let zero_dates = select(&[ZeroDateMode::Null, ZeroDateMode::Utf8][..]);
    let texts = (
        select(
            &[
                StringType::Utf8,
                StringType::LargeUtf8,
                StringType::Utf8View,
            ][..],
        ),
        select(&[EnumType::Utf8, EnumType::Dictionary][..]),
        select(&[SetType::Utf8, SetType::List][..]),
        select(&[UuidType::FixedSizeBinary, UuidType::Utf8][..]),
        select(&[GeometryType::Wkb, GeometryType::Binary][..]),
    );
    let numbers = (
        select(&[BitType::UInt64, BitType::Binary][..]),
        select(
            &[
                DecimalType::Decimal,
                DecimalType::Float64,
                DecimalType::Utf8,
            ][..],
        ),
        any::<[bool; 3]>(),
        1..30_u32,
    );
    let times = (
        select(&[TemporalUnit::Microsecond, TemporalUnit::Native][..]),
        select(&[TimeType::Duration, TimeType::Time64OrNull, TimeType::Utf8][..]),
        select(&[TimestampZone::Utc, TimestampZone::Naive][..]),
        select(&[Nullability::All, Nullability::Declared][..]),
    );
    (zero_dates, texts, numbers, times).prop_map(|(zero_dates, texts, numbers, times)| {
        let [tinyint1, bit1, fixed] = numbers.2;
        // A date that becomes NULL has no place in a column that takes none.
        let nullability = match zero_dates {
            ZeroDateMode::Null => Nullability::All,
            _ => times.3,
        };
        let any = ArrowOptions::default()
            .with_zero_dates(zero_dates)
            .with_string_type(texts.0)
            .with_enum_type(texts.1)
            .with_set_type(texts.2)
            .with_uuid_type(texts.3)
            .with_geometry_type(texts.4)
            .with_bit_type(numbers.0)
            .with_decimal_type(numbers.1)
            .with_tinyint1_as_bool(tinyint1)
            .with_bit1_as_bool(bit1)
            .with_fixed_size_binary(fixed)
            .with_max_rows(numbers.3)
            .with_temporal_unit(times.0)
            .with_time_type(times.1)
            .with_timestamp_zone(times.2)
            .with_nullability(nullability);
        Options {
            zero_dates,
            any,
            max_rows: numbers.3,
        }
    })
}

/// Reads the table `random` as typed rows and as batches, by both protocols, and says what differs.
pub(super) async fn compare(connection: &mut Connection, table: &Table) -> Result<(), String> {
    let zero_dates = &table.options.zero_dates;
    let any = &table.options.any(table);
    let plain = ArrowOptions::default().with_zero_dates(*zero_dates);
    let [text, binary] = both(connection, &plain).await?;
    if text != binary {
        return Err(format!("by text {text:?}, by binary {binary:?}"));
    }
    check_nulls(table, &text, *zero_dates)?;
    for protocol in PROTOCOLS {
        let rows = rows(connection, &text, protocol, *zero_dates).await;
        let rows = rows.map_err(|error| format!("{protocol:?}: {error}"))?;
        for (row, found) in rows.iter().enumerate() {
            for (column, found) in found.iter().enumerate() {
                let expected = of_array(text.schema().field(column), text.column(column), row);
                if *found != expected {
                    return Err(format!(
                        "row {row}, column {column}: {found:?} by {protocol:?}, {expected:?} in the batch"
                    ));
                }
            }
        }
        if rows.len() != text.num_rows() {
            return Err(format!("{} rows by {protocol:?}", rows.len()));
        }
    }
    let [text, binary] = both(connection, any).await?;
    if text != binary {
        return Err(format!("{any:?}: by text {text:?}, by binary {binary:?}"));
    }
    Ok(())
}

async fn both(
    connection: &mut Connection,
    options: &ArrowOptions,
) -> Result<[RecordBatch; 2], String> {
    let [text, binary] = PROTOCOLS;
    let text = read(connection, SELECT, (text, options)).await;
    let text =
        text.map_err(|error| format!("by text: {error}: {:?}", std::error::Error::source(&error)))?;
    let binary = read(connection, SELECT, (binary, options)).await;
    let binary = binary.map_err(|error| {
        format!(
            "by binary: {error}: {:?}",
            std::error::Error::source(&error)
        )
    })?;
    if text.1 != binary.1 {
        return Err(format!(
            "made NULL: {} by text, {} by binary",
            text.1, binary.1
        ));
    }
    Ok([text.0, binary.0])
}

/// NULL is where it was stored, and elsewhere for dates at most.
fn check_nulls(table: &Table, batch: &RecordBatch, zero_dates: ZeroDateMode) -> Result<(), String> {
    if batch.num_rows() != table.rows {
        return Err(format!("{} rows for {}", batch.num_rows(), table.rows));
    }
    let columns = table.columns.iter().zip(&batch.columns()[1..]);
    for (number, (column, array)) in columns.enumerate() {
        for (row, is_null) in column.nulls().enumerate() {
            let is_date = array.data_type().is_temporal() && zero_dates == ZeroDateMode::Null;
            if array.is_null(row) != is_null && !(is_date && array.is_null(row)) {
                return Err(format!("NULL in row {row} of column {number}: {is_null}"));
            }
        }
    }
    Ok(())
}

/// The words of the typed rows.
async fn rows(
    connection: &mut Connection,
    batch: &RecordBatch,
    protocol: Protocol,
    zero_dates: ZeroDateMode,
) -> Result<Vec<Vec<String>>, Error> {
    let mut rows = match protocol {
        Protocol::Text => connection.simple_query(SELECT).await?,
        Protocol::Binary => connection.query(SELECT, ()).await?,
    };
    let schema = batch.schema();
    let columns = rows.columns().to_vec();
    let mut all = Vec::new();
    while let Some(row) = rows.next().await? {
        let cells = schema.fields().iter().zip(&columns).enumerate();
        let cells = cells.map(|(number, (field, column))| {
            let value = row.get::<ValueRef<'_>>(number)?;
            Ok::<_, Error>(words((field, column), value, zero_dates))
        });
        all.push(cells.collect::<Result<_, _>>()?);
    }
    Ok(all)
}

const SELECT: &str = "SELECT * FROM random ORDER BY place";
