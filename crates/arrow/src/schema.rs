use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::ArrowPrimitiveType;
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Decimal256Type, DurationMicrosecondType,
    DurationMillisecondType, DurationSecondType, Field, Float32Type, Float64Type, Int8Type,
    Int16Type, Int32Type, Int64Type, Time64MicrosecondType, TimeUnit, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use otaria_codec::{ColumnDefinition, FieldFlags, FieldType};
use otaria_types::SessionTimeZone;

use crate::bytes::{ByteValues, Bytes};
use crate::cell::{CellSink, ReadCell};
use crate::column::{Bools, Cells, Column, NullColumn, Primitives, Values};
use crate::decimal::Decimals;
use crate::enumerated::{Labels, Members, Sets};
use crate::fixed::{FixedBinaries, FixedBytes, Uuids, Vectors};
use crate::geometry::Geometries;
use crate::metadata;
use crate::nulls::Nulls;
use crate::number::{BitBools, Bits, DecimalFloats, Floats, Integers, TinyBools};
use crate::rendered::{Rendered, TemporalKind};
use crate::sql_type::{common_metadata, is_enum, is_set};
use crate::temporal::{Dates, Durations, OddDates, TimesOfDay, Timestamps, Unit};
use crate::{
    ArrowOptions, BitType, ColumnReason, ColumnType, DecimalType, EnumType, GeometryType,
    Nullability, SetType, StringType, TemporalUnit, TimeType, TimestampZone, UuidType,
    ZeroDateMode,
};

/// A column of MariaDB as one of Arrow.
pub(crate) struct Mapped {
    pub(crate) field: Field,
    pub(crate) column: Box<dyn Column>,
}

/// Maps `definition` as the options ask for.
pub(crate) fn map(
    definition: &ColumnDefinition,
    options: &ArrowOptions,
) -> Result<Mapped, ColumnReason> {
    let mapping = Mapping {
        definition,
        options,
        metadata: common_metadata(definition),
        nullable: options.nullability == Nullability::All || !is_declared_not_null(definition),
    };
    match options.column(definition.name()) {
        Some(ColumnType::Vector { dimensions }) => mapping.vector(dimensions),
        Some(ColumnType::Geometry { srid }) => {
            if definition.field_type() == FieldType::Geometry {
                Ok(mapping.wkb(Some(srid)))
            } else {
                Err(ColumnReason::NotGeometry)
            }
        }
        Some(ColumnType::Binary) => {
            Ok(mapping.cells(DataType::Binary, Bytes, ByteValues::default()))
        }
        None if options.is_vector(definition) => mapping.vector(None),
        None => Ok(mapping.by_type()),
    }
}

/// Whether it is a column of a table that has no NULLs. The server says so of constants, too, which
/// are of no schema, and is wrong where they come from the optional side of a join.
fn is_declared_not_null(definition: &ColumnDefinition) -> bool {
    definition.flags().contains(FieldFlags::NOT_NULL) && !definition.schema().is_empty()
}

/// One column on its way.
struct Mapping<'m> {
    definition: &'m ColumnDefinition,
    options: &'m ArrowOptions,
    metadata: HashMap<String, String>,
    nullable: bool,
}

impl Mapping<'_> {
    fn by_type(self) -> Mapped {
        let definition = self.definition;
        let unsigned = definition.is_unsigned();
        match definition.field_type() {
            FieldType::Tiny if self.options.tinyint1_as_bool && definition.column_length() == 1 => {
                self.cells(DataType::Boolean, TinyBools, Bools::default())
            }
            FieldType::Tiny if unsigned => self.primitive::<UInt8Type, _>(Integers::NEW),
            FieldType::Tiny => self.primitive::<Int8Type, _>(Integers::NEW),
            FieldType::Short if unsigned => self.primitive::<UInt16Type, _>(Integers::NEW),
            FieldType::Short | FieldType::Year => self.primitive::<Int16Type, _>(Integers::NEW),
            FieldType::Long | FieldType::Int24 if unsigned => {
                self.primitive::<UInt32Type, _>(Integers::NEW)
            }
            FieldType::Long | FieldType::Int24 => self.primitive::<Int32Type, _>(Integers::NEW),
            FieldType::LongLong if unsigned => self.primitive::<UInt64Type, _>(Integers::NEW),
            FieldType::LongLong => self.primitive::<Int64Type, _>(Integers::NEW),
            FieldType::Float => self.primitive::<Float32Type, _>(Floats::NEW),
            FieldType::Double => self.primitive::<Float64Type, _>(Floats::NEW),
            FieldType::NewDecimal | FieldType::OldDecimal => self.decimal(),
            FieldType::Null => self.null(),
            FieldType::Date => self.date(),
            FieldType::DateTime => self.datetime(),
            FieldType::Timestamp => self.timestamp(),
            FieldType::Time => self.time(),
            FieldType::Bit => self.bit(),
            FieldType::Geometry => match self.options.geometry_type {
                GeometryType::Wkb => self.wkb(None),
                GeometryType::Binary => self.binary(),
            },
            // MySQL sends JSON with the collation of binary data.
            FieldType::Json => self.json(),
            // MySQL names vectors, but leaves their length open.
            FieldType::Vector => self.binary(),
            _ if definition.is_binary() => self.binary(),
            _ => self.text(),
        }
    }

    fn primitive<T, R>(self, reader: R) -> Mapped
    where
        T: ArrowPrimitiveType,
        R: ReadCell + Send + Sync + 'static,
        Primitives<T>: for<'a> CellSink<R::Value<'a>>,
    {
        self.cells(T::DATA_TYPE, reader, Primitives::<T>::default())
    }

    fn cells<R, S>(self, data_type: DataType, reader: R, values: S) -> Mapped
    where
        R: ReadCell + Send + Sync + 'static,
        S: Values + for<'a> CellSink<R::Value<'a>> + 'static,
    {
        let nulls = Nulls::new(self.nullable);
        let column = Cells::new(reader, values, nulls, data_type.clone());
        self.field(data_type, Box::new(column))
    }

    fn field(self, data_type: DataType, column: Box<dyn Column>) -> Mapped {
        let field = Field::new(self.definition.name(), data_type, self.nullable);
        Mapped {
            field: field.with_metadata(self.metadata),
            column,
        }
    }

    fn with_metadata(mut self, key: &str, value: impl Into<String>) -> Self {
        self.metadata.insert(key.into(), value.into());
        self
    }

    fn with_extension(self, name: &str) -> Self {
        self.with_metadata(metadata::EXTENSION_NAME, name)
    }

    fn null(mut self) -> Mapped {
        self.nullable = true;
        self.field(DataType::Null, Box::new(NullColumn))
    }

    fn decimal(self) -> Mapped {
        match self.options.decimal_type {
            DecimalType::Float64 => self.primitive::<Float64Type, _>(DecimalFloats),
            DecimalType::Utf8 => self.string(),
            DecimalType::Decimal => {
                let (precision, scale) = precision_and_scale(self.definition);
                let arrow_scale = i8::try_from(scale).unwrap_or_default();
                if precision <= DECIMAL128_DIGITS {
                    let data_type = DataType::Decimal128(precision, arrow_scale);
                    let reader = Decimals::<i128>::new(precision, scale);
                    self.cells(data_type, reader, Primitives::<Decimal128Type>::default())
                } else {
                    let data_type = DataType::Decimal256(precision, arrow_scale);
                    let reader = Decimals::<arrow::datatypes::i256>::new(precision, scale);
                    self.cells(data_type, reader, Primitives::<Decimal256Type>::default())
                }
            }
        }
    }

    fn bit(self) -> Mapped {
        if self.options.bit1_as_bool && self.definition.column_length() == 1 {
            return self.cells(DataType::Boolean, BitBools, Bools::default());
        }
        match self.options.bit_type {
            BitType::UInt64 => self.primitive::<UInt64Type, _>(Bits),
            BitType::Binary => self.binary(),
        }
    }

    fn date(mut self) -> Mapped {
        let reader = match self.odd_dates() {
            Some(odd_dates) => Dates(odd_dates),
            None => return self.rendered(TemporalKind::Date),
        };
        self.nullable |= reader.0.are_null;
        self.primitive::<Date32Type, _>(reader)
    }

    fn datetime(self) -> Mapped {
        self.instant(None)
    }

    fn timestamp(self) -> Mapped {
        let zone = self.options.time_zone;
        let name = match (&self.options.time_zone_name, zone) {
            (Some(name), _) => name.to_string(),
            (None, SessionTimeZone::Offset { seconds }) => offset_name(seconds),
            (None, SessionTimeZone::Unknown) => "unknown".into(),
        };
        let offset = match (zone, self.options.timestamp_zone) {
            (SessionTimeZone::Offset { seconds }, TimestampZone::Utc) => Some(seconds),
            _ => None,
        };
        self.with_metadata(metadata::TIME_ZONE, name)
            .instant(offset)
    }

    /// A date with a time; a point in time where its zone's offset is given.
    fn instant(mut self, offset_seconds: Option<i32>) -> Mapped {
        let Some(odd_dates) = self.odd_dates() else {
            return self.rendered(TemporalKind::DateTime);
        };
        self.nullable |= odd_dates.are_null;
        let unit = self.unit();
        let zone = offset_seconds.map(|_| Arc::from("UTC"));
        let reader = Timestamps {
            odd_dates,
            unit,
            offset_micros: 1_000_000 * i64::from(offset_seconds.unwrap_or_default()),
        };
        match unit {
            Unit::Microsecond => {
                let values = Primitives::<TimestampMicrosecondType>::default();
                let data_type = DataType::Timestamp(TimeUnit::Microsecond, zone);
                self.cells(data_type, reader, values)
            }
            Unit::Millisecond => {
                let values = Primitives::<TimestampMillisecondType>::default();
                let data_type = DataType::Timestamp(TimeUnit::Millisecond, zone);
                self.cells(data_type, reader, values)
            }
            Unit::Second => {
                let values = Primitives::<TimestampSecondType>::default();
                self.cells(DataType::Timestamp(TimeUnit::Second, zone), reader, values)
            }
        }
    }

    fn time(mut self) -> Mapped {
        let others_are_null = match self.options.time_type {
            TimeType::Duration => {
                let unit = self.unit();
                return match unit {
                    Unit::Microsecond => {
                        self.primitive::<DurationMicrosecondType, _>(Durations(unit))
                    }
                    Unit::Millisecond => {
                        self.primitive::<DurationMillisecondType, _>(Durations(unit))
                    }
                    Unit::Second => self.primitive::<DurationSecondType, _>(Durations(unit)),
                };
            }
            TimeType::Utf8 => return self.rendered(TemporalKind::Time),
            TimeType::Time64 => false,
            TimeType::Time64OrNull => true,
        };
        self.nullable |= others_are_null;
        self.primitive::<Time64MicrosecondType, _>(TimesOfDay { others_are_null })
    }

    /// What becomes of dates that no calendar has; `None` if dates are text.
    const fn odd_dates(&self) -> Option<OddDates> {
        match self.options.zero_dates() {
            ZeroDateMode::Error => Some(OddDates { are_null: false }),
            ZeroDateMode::Null => Some(OddDates { are_null: true }),
            ZeroDateMode::Utf8 => None,
        }
    }

    /// The unit of this column's times.
    const fn unit(&self) -> Unit {
        match (self.options.temporal_unit, self.definition.decimals()) {
            (TemporalUnit::Native, 0) => Unit::Second,
            (TemporalUnit::Native, 1..=3) => Unit::Millisecond,
            _ => Unit::Microsecond,
        }
    }

    fn rendered(self, kind: TemporalKind) -> Mapped {
        let reader = Rendered {
            kind,
            decimals: self.definition.decimals(),
        };
        let data_type = self.string_type();
        self.cells(data_type, reader, ByteValues::default())
    }

    fn binary(self) -> Mapped {
        let definition = self.definition;
        let width = i32::try_from(definition.column_length())
            .ok()
            .filter(|width| (1..=MAX_FIXED_BYTES).contains(width));
        match width {
            Some(width)
                if self.options.fixed_size_binary
                    && definition.field_type() == FieldType::String =>
            {
                let bytes = definition.column_length();
                let values = FixedBinaries::new(usize::try_from(bytes).unwrap_or_default());
                self.cells(
                    DataType::FixedSizeBinary(width),
                    FixedBytes { bytes },
                    values,
                )
            }
            _ => self.cells(DataType::Binary, Bytes, ByteValues::default()),
        }
    }

    fn text(self) -> Mapped {
        let definition = self.definition;
        match (definition.type_name(), definition.format_name()) {
            (_, Some("json")) => self.json(),
            (Some("uuid"), _) if self.options.uuid_type == UuidType::FixedSizeBinary => {
                let data_type = DataType::FixedSizeBinary(UUID_BYTES);
                let values = FixedBinaries::new(usize::try_from(UUID_BYTES).unwrap_or_default());
                let extended = self.with_extension("arrow.uuid");
                extended.cells(data_type, Uuids, values)
            }
            _ if is_enum(definition) && self.options.enum_type == EnumType::Dictionary => {
                let (keys, labels) = (DataType::UInt16, self.string_type());
                let data_type = DataType::Dictionary(Box::new(keys), Box::new(labels));
                self.cells(data_type, Bytes, Labels::default())
            }
            _ if is_set(definition) && self.options.set_type == SetType::List => {
                let item = Field::new("item", self.string_type(), true);
                self.cells(DataType::List(Arc::new(item)), Sets, Members::default())
            }
            _ => self.string(),
        }
    }

    fn json(self) -> Mapped {
        // "metadata is either an empty string or a JSON string with an empty object"
        self.with_extension("arrow.json")
            .with_metadata(metadata::EXTENSION_METADATA, "")
            .string()
    }

    fn string(self) -> Mapped {
        let data_type = self.string_type();
        self.cells(data_type, Bytes, ByteValues::default())
    }

    const fn string_type(&self) -> DataType {
        match self.options.string_type {
            StringType::Utf8 => DataType::Utf8,
            StringType::LargeUtf8 => DataType::LargeUtf8,
            StringType::Utf8View => DataType::Utf8View,
        }
    }

    fn wkb(self, srid: Option<u32>) -> Mapped {
        let extended = self
            .with_extension("geoarrow.wkb")
            .with_metadata(metadata::EXTENSION_METADATA, crs(srid.unwrap_or_default()));
        let column = Geometries::new(srid, Nulls::new(extended.nullable));
        extended.field(DataType::Binary, Box::new(column))
    }

    fn vector(mut self, dimensions: Option<u32>) -> Result<Mapped, ColumnReason> {
        let definition = self.definition;
        let is_bytes = definition.is_binary()
            && matches!(
                definition.field_type(),
                FieldType::VarString | FieldType::String | FieldType::Blob | FieldType::Vector
            );
        if !is_bytes {
            return Err(ColumnReason::NotBinary);
        }
        let length = definition.column_length();
        let (dimensions, bytes) = match dimensions {
            Some(dimensions) => (dimensions, 4 * u64::from(dimensions)),
            None => (length / 4, length.into()),
        };
        let is_vector =
            bytes.is_multiple_of(4) && (1..=ColumnReason::MAX_DIMENSIONS).contains(&dimensions);
        let counts = (i32::try_from(dimensions), usize::try_from(dimensions));
        let (true, (Ok(size), Ok(length))) = (is_vector, counts) else {
            return Err(ColumnReason::Dimensions { bytes });
        };
        self.metadata.insert(metadata::TYPE.into(), "VECTOR".into());
        let item = Field::new("item", DataType::Float32, true);
        let data_type = DataType::FixedSizeList(Arc::new(item), size);
        let reader = FixedBytes {
            bytes: 4 * dimensions,
        };
        Ok(self.cells(data_type, reader, Vectors::new(length)))
    }
}

/// The metadata of `geoarrow.wkb` for geometries of this SRID.
pub(crate) fn crs(srid: u32) -> String {
    match srid {
        0 => "{}".into(),
        srid => format!(r#"{{"crs":"{srid}","crs_type":"srid"}}"#),
    }
}

/// The digits of a DECIMAL, and how many of them are behind the point. The server tells the length
/// of the text.
fn precision_and_scale(definition: &ColumnDefinition) -> (u8, u8) {
    let scale = definition.decimals().min(MAX_SCALE);
    let point = u32::from(scale > 0);
    let sign = u32::from(!definition.is_unsigned());
    let digits = definition.column_length().saturating_sub(point + sign);
    let digits = u8::try_from(digits).unwrap_or(u8::MAX);
    (digits.clamp(scale.max(1), MAX_DIGITS), scale)
}

fn offset_name(seconds: i32) -> String {
    let sign = if seconds < 0 { '-' } else { '+' };
    let minutes = seconds.unsigned_abs() / 60;
    format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60)
}

/// The greatest DECIMAL of MariaDB.
const MAX_DIGITS: u8 = 65;
const MAX_SCALE: u8 = 38;

const DECIMAL128_DIGITS: u8 = 38;
const UUID_BYTES: i32 = 16;

/// The greatest BINARY(n); an expression may be longer, and of any length.
const MAX_FIXED_BYTES: i32 = 255;
