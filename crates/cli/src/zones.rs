//! Points in time as text.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{
    DataType, Field, Fields, Schema, SchemaRef, TimeUnit, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampSecondType,
};
use arrow::error::ArrowError;

/// The zone of points in time as its offset: to know others by name takes a database of zones.
pub(crate) const UTC: &str = "+00:00";

/// `data_type` with the zone `UTC` by its offset.
pub(crate) fn by_offset(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Timestamp(unit, Some(zone)) if &**zone == "UTC" => {
            DataType::Timestamp(*unit, Some(UTC.into()))
        }
        other => other.clone(),
    }
}

/// `schema` with the zone `UTC` by its offset.
pub(crate) fn schema_by_offset(schema: &Schema) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| {
        let data_type = by_offset(field.data_type());
        Field::clone(field).with_data_type(data_type)
    });
    Arc::new(Schema::new(fields.collect::<Fields>()))
}

/// `batch` with the columns of `schema`, which is its own [`schema_by_offset`].
pub(crate) fn batch_by_offset(
    batch: &RecordBatch,
    schema: &SchemaRef,
) -> Result<RecordBatch, ArrowError> {
    let columns = batch
        .columns()
        .iter()
        .map(|column| match column.data_type() {
            DataType::Timestamp(unit, Some(zone)) if &**zone == "UTC" => in_utc(column, *unit),
            _ => Arc::clone(column),
        });
    RecordBatch::try_new(SchemaRef::clone(schema), columns.collect())
}

fn in_utc(column: &ArrayRef, unit: TimeUnit) -> ArrayRef {
    match unit {
        TimeUnit::Second => {
            let array = column.as_primitive::<TimestampSecondType>().clone();
            Arc::new(array.with_timezone(UTC))
        }
        TimeUnit::Millisecond => {
            let array = column.as_primitive::<TimestampMillisecondType>().clone();
            Arc::new(array.with_timezone(UTC))
        }
        TimeUnit::Microsecond => {
            let array = column.as_primitive::<TimestampMicrosecondType>().clone();
            Arc::new(array.with_timezone(UTC))
        }
        // The driver makes none of these.
        TimeUnit::Nanosecond => Arc::clone(column),
    }
}
