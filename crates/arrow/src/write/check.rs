//! Which values a column takes as they are, which have to be looked at one by one, and which none of
//! its kind.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field};

use super::ColumnRefusal;
use super::plan::{is_float_list, is_number, value_type};
use super::table::TableColumn;
use super::words::Words;
use crate::metadata;

/// What the values of a column have to be like, where the server would make others of some without a
/// word.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Check {
    /// Whole numbers; `true` and `false`, too, if it is so said.
    Whole {
        takes_flags: bool,
    },
    /// The same for a column of bits, where they have no sign.
    Bits {
        takes_flags: bool,
    },
    /// Numbers with so many digits behind the point.
    Decimal {
        scale: u8,
    },
    /// Numbers for a FLOAT: whole ones exactly, others the nearest.
    Float,
    /// The same for a DOUBLE.
    Double,
    /// Numbers that go as their text, the same by each way.
    NumberText,
    /// `true` and `false`, as these words.
    FlagText,
    /// Dates and times, as their text: MySQL leaves the fraction of those away that are sent as such.
    TemporalText,
    /// Years of four digits.
    Year,
    Words(Words),
    Date,
    DateTime {
        decimals: u8,
    },
    Instant {
        decimals: u8,
    },
    Time {
        decimals: u8,
    },
    /// Texts without a space at the end, which CHAR loses.
    Unpadded,
    /// So many bytes, to which BINARY would fill them up.
    Length {
        bytes: u32,
    },
}

/// The kinds of columns that differ in what they take.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Place {
    /// Integers; of one digit, as BOOLEAN is declared, if it is so said.
    Integer {
        is_flag: bool,
    },
    Decimal {
        scale: u8,
    },
    Float,
    Double,
    Bits {
        is_flag: bool,
    },
    Year,
    Words,
    Date,
    DateTime {
        decimals: u8,
    },
    Instant {
        decimals: u8,
    },
    Time {
        decimals: u8,
    },
    /// UUID, INET4 and INET6.
    Rendered,
    Binary {
        bytes: u32,
    },
    Bytes,
    Vector,
    Geometry,
    Char,
    Text,
    /// Of a type that is not known here.
    Other,
}

impl Place {
    fn of(column: &TableColumn) -> Self {
        let decimals = || {
            let length = column.length().unwrap_or_default();
            u8::try_from(length).unwrap_or_default()
        };
        match column.kind() {
            "tinyint" => Self::Integer {
                is_flag: column.length() == Some(1),
            },
            "smallint" | "mediumint" | "int" | "bigint" => Self::Integer { is_flag: false },
            "decimal" | "float" | "double" => Self::of_number(column),
            "bit" => Self::Bits {
                is_flag: column.length() == Some(1),
            },
            "year" => Self::Year,
            "enum" | "set" => Self::Words,
            "date" => Self::Date,
            "datetime" => Self::DateTime {
                decimals: decimals(),
            },
            "timestamp" => Self::Instant {
                decimals: decimals(),
            },
            "time" => Self::Time {
                decimals: decimals(),
            },
            _ => Self::of_string(column),
        }
    }

    fn of_number(column: &TableColumn) -> Self {
        match (column.kind(), column.scale()) {
            // FLOAT(7,2) and DOUBLE(10,2) round as DECIMAL does.
            (_, Some(scale)) => Self::Decimal { scale },
            ("decimal", None) => Self::Decimal { scale: 0 },
            ("float", None) => Self::Float,
            _ => Self::Double,
        }
    }

    fn of_string(column: &TableColumn) -> Self {
        match column.kind() {
            "uuid" | "inet4" | "inet6" => Self::Rendered,
            "binary" => Self::Binary {
                bytes: column.length().unwrap_or(1),
            },
            "varbinary" | "tinyblob" | "blob" | "mediumblob" | "longblob" => Self::Bytes,
            "vector" => Self::Vector,
            "geometry" | "point" | "linestring" | "polygon" | "multipoint" | "multilinestring"
            | "multipolygon" | "geometrycollection" => Self::Geometry,
            "char" => Self::Char,
            "varchar" | "tinytext" | "text" | "mediumtext" | "longtext" | "json" => Self::Text,
            _ => Self::Other,
        }
    }
}

/// What has to be looked at in the values of a field that go into a column; nothing where it takes all
/// of them as they are, or says itself that it does not.
pub(super) fn check(
    field: &Field,
    column: &TableColumn,
) -> Result<Option<Arc<Check>>, ColumnRefusal> {
    let place = Place::of(column);
    let data_type = value_type(field.data_type());
    let refused = || ColumnRefusal::Kind {
        sql_type: column.sql_type().into(),
    };
    if place == Place::Other || data_type == &DataType::Null {
        return Ok(None);
    }
    let check = match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => of_text(place, column),
        DataType::Boolean => of_flags(place),
        data_type if data_type.is_integer() => of_integers(data_type, place, column),
        DataType::Float16 | DataType::Float32 | DataType::Float64 => of_floats(data_type, place),
        DataType::Decimal32(_, scale)
        | DataType::Decimal64(_, scale)
        | DataType::Decimal128(_, scale)
        | DataType::Decimal256(_, scale) => of_decimals(*scale, place),
        data_type if data_type.is_temporal() => of_temporals(data_type, place),
        data_type if is_float_list(data_type) => of_vectors(place),
        DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..) => {
            of_lists(place, column)
        }
        data_type => of_bytes(field, data_type, place),
    };
    match check {
        Taken::AsIs => Ok(None),
        Taken::If(check) => Ok(Some(Arc::new(check))),
        Taken::No => {
            // What has a reason of its own.
            if is_number(data_type) && column.is_temporal() {
                let sql_type = column.sql_type().into();
                return Err(ColumnRefusal::NumberAsTemporal { sql_type });
            }
            Err(refused())
        }
    }
}

/// What a column takes.
enum Taken {
    AsIs,
    If(Check),
    No,
}

fn of_text(place: Place, column: &TableColumn) -> Taken {
    Taken::If(match place {
        Place::Integer { is_flag } => Check::Whole {
            takes_flags: is_flag,
        },
        Place::Bits { is_flag } => Check::Bits {
            takes_flags: is_flag,
        },
        Place::Decimal { scale } => Check::Decimal { scale },
        Place::Float => Check::Float,
        Place::Double => Check::Double,
        Place::Year => Check::Year,
        Place::Words => Check::Words(Words::of(column.sql_type())),
        Place::Date => Check::Date,
        Place::DateTime { decimals } => Check::DateTime { decimals },
        Place::Instant { decimals } => Check::Instant { decimals },
        Place::Time { decimals } => Check::Time { decimals },
        Place::Char => Check::Unpadded,
        Place::Binary { bytes } => Check::Length { bytes },
        Place::Rendered | Place::Bytes | Place::Text | Place::Other => return Taken::AsIs,
        Place::Vector | Place::Geometry => return Taken::No,
    })
}

fn of_flags(place: Place) -> Taken {
    match place {
        Place::Integer { is_flag: true } => Taken::AsIs,
        Place::Bits { is_flag: true } => Taken::If(Check::Bits { takes_flags: true }),
        Place::Char | Place::Text => Taken::If(Check::FlagText),
        _ => Taken::No,
    }
}

fn of_integers(data_type: &DataType, place: Place, column: &TableColumn) -> Taken {
    let bytes = data_type.primitive_width().unwrap_or(8);
    Taken::If(match place {
        Place::Integer { .. } | Place::Decimal { .. } | Place::Char | Place::Text => {
            return Taken::AsIs;
        }
        Place::Float if bytes <= 2 => return Taken::AsIs,
        Place::Double if bytes <= 4 => return Taken::AsIs,
        Place::Bits { .. } if data_type.is_unsigned_integer() => return Taken::AsIs,
        Place::Float => Check::Float,
        Place::Double => Check::Double,
        Place::Bits { .. } => Check::Bits { takes_flags: false },
        Place::Year => Check::Year,
        Place::Words => Check::Words(Words::of(column.sql_type())),
        _ => return Taken::No,
    })
}

fn of_floats(data_type: &DataType, place: Place) -> Taken {
    Taken::If(match place {
        Place::Integer { .. } | Place::Double => return Taken::AsIs,
        Place::Float if data_type != &DataType::Float64 => return Taken::AsIs,
        Place::Float => Check::Float,
        Place::Decimal { scale } => Check::Decimal { scale },
        Place::Bits { .. } => Check::Bits { takes_flags: false },
        Place::Char | Place::Text => Check::NumberText,
        _ => return Taken::No,
    })
}

fn of_decimals(scale: i8, place: Place) -> Taken {
    Taken::If(match place {
        Place::Char | Place::Text => return Taken::AsIs,
        Place::Integer { .. } if scale <= 0 => return Taken::AsIs,
        Place::Decimal { scale: kept } if i16::from(scale) <= i16::from(kept) => {
            return Taken::AsIs;
        }
        Place::Integer { .. } => Check::Whole { takes_flags: false },
        Place::Decimal { scale } => Check::Decimal { scale },
        Place::Float => Check::Float,
        Place::Double => Check::Double,
        Place::Bits { .. } => Check::Bits { takes_flags: false },
        _ => return Taken::No,
    })
}

/// What has a date goes into columns that have one, what has none into others. Other refusals are
/// those of the plan.
fn of_temporals(data_type: &DataType, place: Place) -> Taken {
    let is_time = matches!(
        data_type,
        DataType::Time32(_) | DataType::Time64(_) | DataType::Duration(_)
    );
    match place {
        Place::Time { .. } if !is_time => Taken::No,
        Place::Char | Place::Text => Taken::If(Check::TemporalText),
        Place::Rendered
        | Place::Binary { .. }
        | Place::Bytes
        | Place::Vector
        | Place::Geometry
        | Place::Other => Taken::No,
        _ => Taken::AsIs,
    }
}

fn of_vectors(place: Place) -> Taken {
    match place {
        Place::Vector | Place::Bytes => Taken::AsIs,
        Place::Binary { bytes } => Taken::If(Check::Length { bytes }),
        _ => Taken::No,
    }
}

/// Lists of texts are sets.
fn of_lists(place: Place, column: &TableColumn) -> Taken {
    match place {
        Place::Text => Taken::AsIs,
        Place::Char => Taken::If(Check::Unpadded),
        Place::Words => Taken::If(Check::Words(Words::of(column.sql_type()))),
        _ => Taken::No,
    }
}

fn of_bytes(field: &Field, data_type: &DataType, place: Place) -> Taken {
    let extension = field.metadata().get(metadata::EXTENSION_NAME);
    let is_uuid = extension.is_some_and(|name| name == "arrow.uuid");
    match place {
        Place::Binary { bytes } => match data_type {
            DataType::FixedSizeBinary(length) if u32::try_from(*length) == Ok(bytes) => Taken::AsIs,
            _ => Taken::If(Check::Length { bytes }),
        },
        Place::Char if is_uuid => Taken::AsIs,
        Place::Char => Taken::If(Check::Unpadded),
        Place::Text | Place::Rendered | Place::Bytes => Taken::AsIs,
        Place::Vector | Place::Geometry | Place::Bits { .. } if !is_uuid => Taken::AsIs,
        _ => Taken::No,
    }
}
