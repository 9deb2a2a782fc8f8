//! What columns become.

use clap::ValueEnum;
use otaria::{
    ArrowOptions, ColumnType, Config, DecimalType, GeometryType, Nullability, SetType, TimeType,
    UuidType, VectorLookup, ZeroDateMode,
};

use crate::arguments::ColumnArguments;
use crate::failure::Failure;
use crate::login;
use crate::output::Format;

/// What becomes of dates that no calendar has.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum ZeroDates {
    Error,
    Null,
    /// All columns of dates are text
    Text,
}

/// What DECIMAL is.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Decimals {
    Exact,
    /// The nearest number of 64 bits
    Float,
    Text,
}

/// What TIME is.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Times {
    /// From -838:59:59 to 838:59:59, as the server has it
    Duration,
    /// A time of day; others are errors
    Day,
    Text,
}

/// What GEOMETRY is.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Geometries {
    /// WKB with the SRID in the schema
    Wkb,
    /// 4 bytes of SRID, and WKB
    Binary,
}

/// What VECTOR is.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Vectors {
    /// As many numbers of 32 bits as the column has; `[1.5, 2.0]` in CSV
    Lists,
    /// The bytes of these numbers, as the server sends them
    Binary,
}

/// `config` in the time zone `time_zone`, else in that of its URL, else in UTC, so that TIMESTAMP is
/// a point in time.
pub(crate) fn in_zone(config: &Config, time_zone: Option<&str>) -> Result<Config, Failure> {
    let zone = time_zone.or_else(|| config.time_zone()).unwrap_or("+00:00");
    let config = config.to_builder().time_zone(zone).build();
    config.map_err(|error| login::unusable("the time zone", error))
}

/// How rows become batches for a file of `format`.
pub(crate) fn of(arguments: &ColumnArguments, format: Format) -> ArrowOptions {
    let is_text = format.is_text();
    let time_type = match arguments.times {
        Some(Times::Day) => TimeType::Time64,
        Some(Times::Text) => TimeType::Utf8,
        None if is_text => TimeType::Utf8,
        Some(Times::Duration) | None => TimeType::Duration,
    };
    let geometry_type = match arguments.geometries {
        Some(Geometries::Binary) => GeometryType::Binary,
        None if is_text => GeometryType::Binary,
        Some(Geometries::Wkb) | None => GeometryType::Wkb,
    };
    let options = ArrowOptions::default()
        .with_max_bytes(BATCH_BYTES)
        .with_nullability(if arguments.keep_not_null && !is_text {
            Nullability::Declared
        } else {
            Nullability::All
        })
        .with_zero_dates(match arguments.zero_dates {
            ZeroDates::Error => ZeroDateMode::Error,
            ZeroDates::Null => ZeroDateMode::Null,
            ZeroDates::Text => ZeroDateMode::Utf8,
        })
        .with_decimal_type(match arguments.decimals {
            Decimals::Exact => DecimalType::Decimal,
            Decimals::Float => DecimalType::Float64,
            Decimals::Text => DecimalType::Utf8,
        })
        .with_set_type(if arguments.sets_as_lists {
            SetType::List
        } else {
            SetType::Utf8
        })
        .with_uuid_type(if is_text {
            UuidType::Utf8
        } else {
            UuidType::FixedSizeBinary
        })
        .with_tinyint1_as_bool(arguments.tinyint1_as_bool)
        .with_time_type(time_type)
        .with_geometry_type(geometry_type);
    let vector = ColumnType::Vector { dimensions: None };
    let columns = arguments.vector_columns.iter();
    let options = columns.fold(options, |options, column| {
        options.with_column(column, vector)
    });
    match arguments.vectors {
        Vectors::Lists => options.with_vector_lookup(&VectorLookup::new()),
        Vectors::Binary => options,
    }
}

/// Some batches are held at a time.
const BATCH_BYTES: usize = 8 << 20;
