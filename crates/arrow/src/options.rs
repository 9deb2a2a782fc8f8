use otaria_codec::ColumnDefinition;
use otaria_types::{RowContext, SessionTimeZone, ZeroDates};

use crate::VectorLookup;

/// What the columns of MariaDB become, and how long batches are.
///
/// ```
/// use otaria_arrow::{ArrowOptions, ColumnType, StringType};
///
/// let options = ArrowOptions::default()
///     .with_string_type(StringType::Utf8View)
///     .with_column("embedding", ColumnType::Vector { dimensions: None });
/// ```
#[derive(Clone, Debug, Default)]
pub struct ArrowOptions {
    pub(crate) limits: BatchLimits,
    pub(crate) nullability: Nullability,
    pub(crate) tinyint1_as_bool: bool,
    pub(crate) bit1_as_bool: bool,
    pub(crate) fixed_size_binary: bool,
    pub(crate) bit_type: BitType,
    pub(crate) decimal_type: DecimalType,
    pub(crate) string_type: StringType,
    pub(crate) enum_type: EnumType,
    pub(crate) set_type: SetType,
    pub(crate) uuid_type: UuidType,
    pub(crate) geometry_type: GeometryType,
    pub(crate) temporal_unit: TemporalUnit,
    pub(crate) time_type: TimeType,
    pub(crate) timestamp_zone: TimestampZone,
    pub(crate) time_zone: SessionTimeZone,
    pub(crate) time_zone_name: Option<Box<str>>,
    pub(crate) zero_dates: Option<ZeroDateMode>,
    pub(crate) columns: Vec<(Box<str>, ColumnType)>,
    pub(crate) vector_lookup: Option<VectorLookup>,
}

/// When a batch is full.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BatchLimits {
    pub(crate) rows: u32,
    pub(crate) bytes: usize,
}

impl Default for BatchLimits {
    fn default() -> Self {
        // Of rows that are about 100 bytes long, a batch stays in the cache of a core.
        Self {
            rows: 8192,
            bytes: 32 << 20,
        }
    }
}

macro_rules! setters {
    ($($(#[$doc:meta])+ $setter:ident: $field:ident: $type:ty;)+) => {$(
        $(#[$doc])+
        #[must_use]
        pub const fn $setter(mut self, $field: $type) -> Self {
            self.$field = $field;
            self
        }
    )+};
}

impl ArrowOptions {
    /// A batch has at most so many rows; 8,192 by default, from 1 to 16,777,216.
    #[must_use]
    pub fn with_max_rows(mut self, rows: u32) -> Self {
        self.limits.rows = rows.clamp(1, MAX_BATCH_ROWS);
        self
    }

    /// A batch is full when its rows have had so many bytes on the wire (and what vectors take in
    /// place of NULL); 32 MiB by default, up to 1 GiB. It has at least one row, whatever its length.
    #[must_use]
    pub fn with_max_bytes(mut self, bytes: usize) -> Self {
        self.limits.bytes = bytes.clamp(1, MAX_BATCH_BYTES);
        self
    }

    setters! {
        /// Which fields may be NULL: all, by default.
        with_nullability: nullability: Nullability;
        /// Whether TINYINT(1), as which BOOLEAN is stored, is a Boolean. All but 0 are true.
        with_tinyint1_as_bool: tinyint1_as_bool: bool;
        /// Whether BIT(1) is a Boolean.
        with_bit1_as_bool: bit1_as_bool: bool;
        /// Whether BINARY(n) is `FixedSizeBinary(n)`.
        with_fixed_size_binary: fixed_size_binary: bool;
        /// What BIT is.
        with_bit_type: bit_type: BitType;
        /// What DECIMAL is.
        with_decimal_type: decimal_type: DecimalType;
        /// What all that is text is.
        with_string_type: string_type: StringType;
        /// What ENUM is.
        with_enum_type: enum_type: EnumType;
        /// What SET is.
        with_set_type: set_type: SetType;
        /// What UUID is.
        with_uuid_type: uuid_type: UuidType;
        /// What GEOMETRY is.
        with_geometry_type: geometry_type: GeometryType;
        /// The unit of DATETIME, TIMESTAMP, and of TIME as a duration.
        with_temporal_unit: temporal_unit: TemporalUnit;
        /// What TIME is.
        with_time_type: time_type: TimeType;
        /// Whether TIMESTAMP is a point in time.
        with_timestamp_zone: timestamp_zone: TimestampZone;
        /// The zone of the session, in which the server gives TIMESTAMP values; unknown by default.
        with_time_zone: time_zone: SessionTimeZone;
    }

    /// What the server calls the session's zone, for the fields' metadata; such as `SYSTEM`.
    #[must_use]
    pub fn with_time_zone_name(mut self, name: &str) -> Self {
        self.time_zone_name = Some(name.into());
        self
    }

    /// What becomes of dates that no calendar has; they are errors by default.
    #[must_use]
    pub fn with_zero_dates(mut self, zero_dates: impl Into<ZeroDateMode>) -> Self {
        self.zero_dates = Some(zero_dates.into());
        self
    }

    /// The same options for the rows of a session. Its zone holds where it is known. That of
    /// [`with_time_zone`](Self::with_time_zone) holds where the server has told none, or only that it
    /// is its own, `SYSTEM`. What the session's configuration says of dates with zeros holds unless
    /// [`with_zero_dates`](Self::with_zero_dates) was called. `time_zone_name` is what the server calls
    /// the zone, if it has told that.
    #[must_use]
    pub fn in_session(&self, context: RowContext, time_zone_name: Option<&str>) -> Self {
        let mut options = self.clone();
        let is_known = context.time_zone != SessionTimeZone::Unknown;
        if is_known || time_zone_name.is_some_and(|name| name != "SYSTEM") {
            options.time_zone = context.time_zone;
        }
        if is_known || time_zone_name.is_some() {
            options.time_zone_name = time_zone_name.map(Into::into);
        }
        let zero_dates = || context.zero_dates.into();
        options.zero_dates.get_or_insert_with(zero_dates);
        options
    }

    /// What the columns of this name are, in place of what their type says. Of two words on one
    /// name the later holds.
    #[must_use]
    pub fn with_column(mut self, name: &str, column_type: ColumnType) -> Self {
        self.columns.retain(|(known, _)| **known != *name);
        self.columns.push((name.into(), column_type));
        self
    }

    /// VECTOR columns of tables are `FixedSizeList` of Float32 without being named, as far as
    /// `lookup` knows them.
    #[must_use]
    pub fn with_vector_lookup(mut self, lookup: &VectorLookup) -> Self {
        self.vector_lookup = Some(lookup.clone());
        self
    }

    /// What VECTOR columns are known by, if they are looked up.
    pub const fn vector_lookup(&self) -> Option<&VectorLookup> {
        self.vector_lookup.as_ref()
    }

    pub(crate) const fn zero_dates(&self) -> ZeroDateMode {
        match self.zero_dates {
            Some(zero_dates) => zero_dates,
            None => ZeroDateMode::Error,
        }
    }

    pub(crate) fn is_vector(&self, column: &ColumnDefinition) -> bool {
        let lookup = self.vector_lookup.as_ref();
        lookup.is_some_and(|lookup| lookup.is_vector(column))
    }

    pub(crate) fn column(&self, name: &str) -> Option<ColumnType> {
        let mut columns = self.columns.iter();
        columns
            .find(|(known, _)| **known == *name)
            .map(|(_, column_type)| *column_type)
    }
}

/// What a column is, whatever its type says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ColumnType {
    /// A VECTOR, which the protocol does not tell from VARBINARY: `FixedSizeList` of Float32.
    Vector {
        /// How many numbers each has; `None` takes the column's length for it, which is right for
        /// VECTOR(n) and VARBINARY(4 × n).
        dimensions: Option<u32>,
    },
    /// A GEOMETRY of this SRID, so that the schema is known before the first row.
    Geometry {
        /// The SRID; 0 stands for none.
        srid: u32,
    },
    /// The bytes as they come: of a GEOMETRY 4 bytes of SRID and WKB.
    Binary,
}

/// Which fields may be NULL.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Nullability {
    /// All. What the server says of a column does not hold for all results: see
    /// [`Declared`](Self::Declared).
    #[default]
    All,
    /// All but columns of tables that are declared NOT NULL. A NULL in one of those is an error, for no
    /// batch could hold it: the server sends some for columns of `GROUP BY … WITH ROLLUP`, of which it
    /// says NOT NULL all the same.
    Declared,
}

/// What BIT is.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum BitType {
    /// `UInt64`.
    #[default]
    UInt64,
    /// Binary, the most significant byte first.
    Binary,
}

/// What DECIMAL is.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum DecimalType {
    /// Decimal128 up to 38 digits, Decimal256 beyond; exact.
    #[default]
    Decimal,
    /// Float64, the nearest.
    Float64,
    /// Text, as the server prints it.
    Utf8,
}

/// What text is.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum StringType {
    /// Utf8. Its offsets are always enough, for batches are limited by their bytes.
    #[default]
    Utf8,
    /// `LargeUtf8`.
    LargeUtf8,
    /// `Utf8View`.
    Utf8View,
}

/// What ENUM is.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum EnumType {
    /// Text.
    #[default]
    Utf8,
    /// `Dictionary(UInt16, Utf8)`, the labels in the order in which they first come; each batch has a
    /// dictionary of its own, for the server does not send the labels.
    Dictionary,
}

/// What SET is.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum SetType {
    /// Text, the members with commas between them.
    #[default]
    Utf8,
    /// List of text.
    List,
}

/// What UUID is.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum UuidType {
    /// `FixedSizeBinary(16)` with the extension `arrow.uuid`.
    #[default]
    FixedSizeBinary,
    /// Text, as the server prints it.
    Utf8,
}

/// What GEOMETRY is.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum GeometryType {
    /// WKB in Binary with the extension `geoarrow.wkb`; all geometries of a column have one SRID.
    #[default]
    Wkb,
    /// Binary: the SRID in 4 bytes, the least significant first, and WKB.
    Binary,
}

/// The unit of dates with times.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum TemporalUnit {
    /// Microseconds, whatever the column's digits.
    #[default]
    Microsecond,
    /// The greatest that holds the column's digits: seconds without any, milliseconds up to three.
    Native,
}

/// What TIME is.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum TimeType {
    /// Duration, which holds all from `-838:59:59.999999` to `838:59:59.999999`.
    #[default]
    Duration,
    /// Time64(µs); what is no time of day is an error.
    Time64,
    /// Time64(µs); what is no time of day becomes NULL and is counted.
    Time64OrNull,
    /// Text, as the server prints it.
    Utf8,
}

/// Whether TIMESTAMP is a point in time.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum TimestampZone {
    /// It is one in `UTC` where the session's zone is UTC or a fixed offset, and without a zone
    /// elsewhere.
    #[default]
    Utc,
    /// It is without a zone, as the server gives it.
    Naive,
}

/// What becomes of dates that no calendar has: `0000-00-00`, those whose month or day is zero, and
/// those like `2024-02-31`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum ZeroDateMode {
    /// They are errors.
    #[default]
    Error,
    /// They become NULL and are counted.
    Null,
    /// All DATE, DATETIME and TIMESTAMP columns are text.
    Utf8,
}

impl From<ZeroDates> for ZeroDateMode {
    fn from(zero_dates: ZeroDates) -> Self {
        match zero_dates {
            ZeroDates::Error => Self::Error,
            ZeroDates::Null => Self::Null,
        }
    }
}

const MAX_BATCH_ROWS: u32 = 1 << 24;

/// With a row of 1 GiB behind it, the longest that a server sends, offsets of 31 bits are enough.
const MAX_BATCH_BYTES: usize = 1 << 30;

#[cfg(test)]
mod tests {
    use super::*;

    const UTC: SessionTimeZone = SessionTimeZone::Offset { seconds: 0 };
    const TWO_HOURS: SessionTimeZone = SessionTimeZone::Offset { seconds: 7200 };

    fn context(time_zone: SessionTimeZone) -> RowContext {
        RowContext {
            time_zone,
            zero_dates: ZeroDates::Null,
        }
    }

    #[test]
    fn the_zone_of_the_session_holds_where_it_is_known() {
        let options = ArrowOptions::default().with_time_zone(UTC);
        let unknown = SessionTimeZone::Unknown;
        for (told, name, holds) in [
            (TWO_HOURS, Some("+02:00"), TWO_HOURS),
            (TWO_HOURS, None, TWO_HOURS),
            (unknown, None, UTC),
            (unknown, Some("SYSTEM"), UTC),
            (unknown, Some("Europe/Paris"), unknown),
        ] {
            let in_session = options.in_session(context(told), name);
            assert_eq!(in_session.time_zone, holds, "{told:?} {name:?}");
            assert_eq!(in_session.time_zone_name.as_deref(), name);
        }
    }

    #[test]
    fn what_the_options_say_of_zero_dates_goes_before_the_configuration() {
        let session = context(UTC);
        let options = ArrowOptions::default();
        assert_eq!(
            options.in_session(session, None).zero_dates(),
            ZeroDateMode::Null
        );
        let options = options.with_zero_dates(ZeroDateMode::Error);
        assert_eq!(
            options.in_session(session, None).zero_dates(),
            ZeroDateMode::Error
        );
    }
}
