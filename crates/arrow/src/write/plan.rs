use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{RecordBatch, new_empty_array};
use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema, TimeUnit};

use super::cells::{Cells, Floats};
use super::check::{Check, check};
use super::rows::BatchRows;
use super::srid;
use super::table::{TableColumn, TypeClass};
use super::temporal::Clock;
use super::{CellRefusal, ColumnRefusal, FieldLabel, WriteError};
use crate::metadata;

/// What becomes of values that the server has no place for, unless that is an error.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct WriteOptions {
    /// Of numbers that are not finite.
    pub non_finite: NonFinite,
    /// Of digits of a second.
    pub sub_microseconds: SubMicroseconds,
}

/// What becomes of NaN and the infinities, which the server does not have.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum NonFinite {
    /// They are an error.
    #[default]
    Error,
    /// They are NULL, and counted; in a vector they are an error.
    Null,
}

/// What becomes of digits of a second that the server's type does not hold: nanoseconds, and what is
/// beyond the `n` of the table's DATETIME(n), TIMESTAMP(n) or TIME(n), where the server would cut it
/// without a word.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum SubMicroseconds {
    /// They are an error.
    #[default]
    Error,
    /// They are cut, towards the past, and the values that lose some are counted.
    Truncate,
}

impl WriteOptions {
    /// These options with another treatment of numbers that are not finite.
    #[must_use]
    pub const fn with_non_finite(mut self, non_finite: NonFinite) -> Self {
        self.non_finite = non_finite;
        self
    }

    /// These options with another treatment of digits that the server's type does not hold.
    #[must_use]
    pub const fn with_sub_microseconds(mut self, sub_microseconds: SubMicroseconds) -> Self {
        self.sub_microseconds = sub_microseconds;
        self
    }
}

/// How the columns of a schema are written.
#[derive(Clone, Debug)]
pub struct WritePlan {
    pub(crate) fields: Fields,
    pub(crate) columns: Box<[PlannedColumn]>,
}

#[derive(Clone, Debug)]
pub(crate) struct PlannedColumn {
    meaning: Meaning,
    /// What has to be looked at in each value.
    check: Option<Arc<Check>>,
    /// Whether a NULL would become another value.
    refuses_null: bool,
    /// The name, as the table has it.
    pub(crate) name: Box<str>,
    pub(crate) load_form: LoadForm,
    pub(crate) is_primary: bool,
}

/// How `LOAD DATA` reads a field.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum LoadForm {
    /// As the column's value.
    Field,
    /// As hexadecimal digits.
    Hex,
    /// As a number where the server would take digits for characters.
    Integer,
    /// The same of one that is never negative, and may be beyond the greatest that has a sign.
    Unsigned,
}

/// What the values of a column are to the server, beyond their type.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Meaning {
    /// No more than their type says.
    Plain,
    /// UUIDs, as text.
    Uuid,
    /// Geometries with this SRID.
    Geometry { srid: u32 },
    /// Numbers for a column of integers, or others.
    Number(Floats),
    /// Times with so many digits of a second.
    Temporal {
        decimals: u8,
        truncates: bool,
        /// They go into a column of dates.
        is_date: bool,
    },
}

impl Meaning {
    pub(crate) fn clock(self, unit: TimeUnit) -> Clock {
        match self {
            Self::Temporal {
                decimals,
                truncates,
                is_date,
            } => Clock::new(unit, decimals, truncates).for_dates(is_date),
            _ => Clock::new(unit, MICROSECONDS, false),
        }
    }

    pub(crate) fn floats(self) -> Floats {
        match self {
            Self::Number(floats) => floats,
            _ => Floats::default(),
        }
    }
}

impl WritePlan {
    /// How the columns of `schema` are written: to those of the same names of a table, which are
    /// compared without case where no name is exactly the same; or to a table that they make.
    ///
    /// # Errors
    /// [`WriteError::Column`] names the first column that cannot be written, and says why.
    pub fn try_new(
        schema: &Schema,
        table: Option<&[TableColumn]>,
        options: &WriteOptions,
    ) -> Result<Self, WriteError> {
        let fields = schema.fields();
        if fields.is_empty() {
            return Err(WriteError::NoColumns);
        }
        let mut names = HashSet::new();
        let columns = fields.iter().enumerate().map(|(index, field)| {
            let column = planned(field, table, *options);
            column
                .and_then(|column| {
                    let is_new = names.insert(column.name.to_lowercase());
                    is_new.then_some(column).ok_or(ColumnRefusal::Twice)
                })
                .map_err(|reason| refused(index, field, reason))
        });
        Ok(Self {
            columns: columns.collect::<Result<_, _>>()?,
            fields: fields.clone(),
        })
    }

    /// The rows of a batch, of which the first is `first_row`, counted from 0 over all batches.
    ///
    /// # Errors
    /// [`WriteError::Schema`] if the batch has other columns than the plan is for, and
    /// [`WriteError::Cell`] for a NULL of which the server would make another value.
    pub fn rows(&self, batch: &RecordBatch, first_row: u64) -> Result<BatchRows, WriteError> {
        let other_schema = || WriteError::Schema { row: first_row };
        let schema = batch.schema_ref();
        let is_same = schema.fields() == &self.fields
            || schema.fields().len() == self.fields.len()
                && schema.fields().iter().zip(&self.fields).all(is_alike);
        if !is_same {
            return Err(other_schema());
        }
        let columns = batch.columns().iter().zip(&self.columns);
        let cells = columns
            .map(|(array, column)| {
                Cells::new(array.as_ref(), column.meaning, column.check.as_ref())
            })
            .collect::<Option<Box<[_]>>>()
            .ok_or_else(other_schema)?;
        let fields = self.fields.clone();
        let rows = BatchRows::new(cells, fields, first_row, batch.num_rows());
        match self.refused_null(batch) {
            Some((row, column)) => Err(rows.cell_error(row, column, CellRefusal::Null)),
            None => Ok(rows),
        }
    }

    /// The first row with a NULL in a column that takes none, and that column.
    fn refused_null(&self, batch: &RecordBatch) -> Option<(usize, usize)> {
        let columns = batch.columns().iter().zip(&self.columns).enumerate();
        let refused = columns.filter(|(_, (_, column))| column.refuses_null);
        let first = refused.filter_map(|(index, (array, _))| {
            let nulls = array.logical_nulls()?;
            let row = (0..nulls.len()).find(|&row| nulls.is_null(row))?;
            Some((row, index))
        });
        first.min()
    }

    /// The first column of points in time, which can be written only where the zone of the session
    /// is known.
    pub fn instants(&self) -> Option<FieldLabel> {
        let mut fields = self.fields.iter().enumerate();
        fields.find_map(|(index, field)| {
            let is_instant = matches!(
                value_type(field.data_type()),
                DataType::Timestamp(_, Some(_))
            );
            is_instant.then(|| FieldLabel::new(index, field))
        })
    }

    /// The same with all bytes as hexadecimal digits for `LOAD DATA`, for a server that would take
    /// them for text in the character set of the file: MariaDB 10.5 then stores others, and MySQL
    /// refuses them.
    #[must_use]
    pub fn with_hex_bytes(mut self) -> Self {
        for (field, column) in self.fields.iter().zip(&mut self.columns) {
            let data_type = value_type(field.data_type());
            let is_text = matches!(column.meaning, Meaning::Uuid);
            if is_bytes(data_type) && !is_text {
                column.load_form = LoadForm::Hex;
            }
        }
        self
    }

    /// How many columns there are.
    pub const fn columns(&self) -> usize {
        self.columns.len()
    }

    pub(crate) fn load_forms(&self) -> Box<[LoadForm]> {
        self.columns.iter().map(|column| column.load_form).collect()
    }
}

fn is_alike((found, expected): (&FieldRef, &FieldRef)) -> bool {
    found.name() == expected.name() && found.data_type() == expected.data_type()
}

pub(crate) fn refused(index: usize, field: &Field, reason: ColumnRefusal) -> WriteError {
    WriteError::Column {
        column: Box::new(FieldLabel::new(index, field)),
        reason,
    }
}

/// How a column is written to the column of its name.
fn planned(
    field: &Field,
    table: Option<&[TableColumn]>,
    options: WriteOptions,
) -> Result<PlannedColumn, ColumnRefusal> {
    let target = table.map(|table| find(table, field.name())).transpose()?;
    if target.is_some_and(|target| target.is_generated) {
        return Err(ColumnRefusal::Generated);
    }
    let class = target.map(TableColumn::class);
    let meaning = meaning(field, target, options)?;
    let sample = new_empty_array(field.data_type());
    if Cells::new(sample.as_ref(), meaning, None).is_none() {
        return Err(ColumnRefusal::Type);
    }
    let is_geometry = matches!(meaning, Meaning::Geometry { .. });
    let target_of_others = target.filter(|_| !is_geometry);
    let check = target_of_others.map(|target| check(field, target));
    Ok(PlannedColumn {
        meaning,
        check: check.transpose()?.flatten(),
        refuses_null: target.is_some_and(TableColumn::makes_time_of_null),
        name: target
            .map_or_else(|| field.name().as_str(), TableColumn::name)
            .into(),
        load_form: load_form(value_type(field.data_type()), meaning, class),
        is_primary: target.is_some_and(|target| target.is_primary),
    })
}

/// How `LOAD DATA` reads the values for a column of this class.
fn load_form(data_type: &DataType, meaning: Meaning, class: Option<TypeClass>) -> LoadForm {
    match class {
        Some(TypeClass::Vector) => LoadForm::Hex,
        // What would be taken for text in the character set of the file.
        Some(TypeClass::Other | TypeClass::Rendered)
            if is_bytes(data_type) && matches!(meaning, Meaning::Plain) =>
        {
            LoadForm::Hex
        }
        Some(TypeClass::Bits) if !is_bytes(data_type) => LoadForm::Unsigned,
        Some(TypeClass::Year) => LoadForm::Integer,
        None if is_float_list(data_type) => LoadForm::Hex,
        _ => LoadForm::Field,
    }
}

/// The table's column of the name, or of the name that differs by case only.
fn find<'t>(table: &'t [TableColumn], name: &str) -> Result<&'t TableColumn, ColumnRefusal> {
    let lower = name.to_lowercase();
    table
        .iter()
        .find(|column| column.name() == name)
        .or_else(|| {
            table
                .iter()
                .find(|column| column.name().to_lowercase() == lower)
        })
        .ok_or(ColumnRefusal::NotInTable)
}

fn meaning(
    field: &Field,
    target: Option<&TableColumn>,
    options: WriteOptions,
) -> Result<Meaning, ColumnRefusal> {
    let class = target.map(TableColumn::class);
    let extension = field.metadata().get(metadata::EXTENSION_NAME);
    match extension.map(String::as_str) {
        Some("arrow.uuid") if is_uuid(field.data_type()) => {
            return Ok(if class == Some(TypeClass::Bytes) {
                Meaning::Plain
            } else {
                Meaning::Uuid
            });
        }
        Some("geoarrow.wkb") if matches!(class, None | Some(TypeClass::Geometry)) => {
            let parameters = field.metadata().get(metadata::EXTENSION_METADATA);
            let srid = srid::of(parameters.map_or("", String::as_str));
            return srid
                .map(|srid| Meaning::Geometry { srid })
                .ok_or(ColumnRefusal::Crs);
        }
        _ => {}
    }
    if let Some(target) = target.filter(|target| target.is_temporal())
        && is_number(value_type(field.data_type()))
    {
        let sql_type = target.sql_type().into();
        return Err(ColumnRefusal::NumberAsTemporal { sql_type });
    }
    match value_type(field.data_type()) {
        DataType::Float16 | DataType::Float32 | DataType::Float64 => Ok(Meaning::Number(Floats {
            odd_are_null: options.non_finite == NonFinite::Null,
            are_whole: matches!(class, Some(TypeClass::Integer | TypeClass::Bits)),
        })),
        DataType::Timestamp(..)
        | DataType::Time32(_)
        | DataType::Time64(_)
        | DataType::Duration(_)
        | DataType::Date32
        | DataType::Date64 => temporal(field.data_type(), target, options),
        _ => Ok(Meaning::Plain),
    }
}

fn temporal(
    data_type: &DataType,
    target: Option<&TableColumn>,
    options: WriteOptions,
) -> Result<Meaning, ColumnRefusal> {
    let truncates = options.sub_microseconds == SubMicroseconds::Truncate;
    let kind = target.map_or("", TableColumn::kind);
    if let (Some(target), "date" | "datetime" | "timestamp") = (target, kind)
        && is_time(data_type)
    {
        let sql_type = target.sql_type().into();
        return Err(ColumnRefusal::TimeAsDate { sql_type });
    }
    let decimals = match target.map(|target| (target.class(), target)) {
        Some((TypeClass::Temporal, target)) => target.length().unwrap_or_default(),
        Some((
            TypeClass::Integer
            | TypeClass::Number
            | TypeClass::Bits
            | TypeClass::Year
            | TypeClass::Words,
            target,
        )) => {
            let sql_type = target.sql_type().into();
            return Err(ColumnRefusal::TemporalAsNumber { sql_type });
        }
        _ => MICROSECONDS.into(),
    };
    Ok(Meaning::Temporal {
        decimals: u8::try_from(decimals).unwrap_or(MICROSECONDS),
        truncates,
        is_date: kind == "date",
    })
}

fn is_time(data_type: &DataType) -> bool {
    matches!(
        value_type(data_type),
        DataType::Time32(_) | DataType::Time64(_) | DataType::Duration(_)
    )
}

/// The type of the values, where those of a dictionary are meant.
pub(crate) fn value_type(data_type: &DataType) -> &DataType {
    match data_type {
        DataType::Dictionary(_, values) => value_type(values),
        data_type => data_type,
    }
}

fn is_uuid(data_type: &DataType) -> bool {
    matches!(value_type(data_type), DataType::FixedSizeBinary(16))
}

pub(crate) fn is_float_list(data_type: &DataType) -> bool {
    match data_type {
        DataType::FixedSizeList(item, _) | DataType::List(item) | DataType::LargeList(item) => {
            item.data_type() == &DataType::Float32
        }
        _ => false,
    }
}

fn is_bytes(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Binary
            | DataType::LargeBinary
            | DataType::BinaryView
            | DataType::FixedSizeBinary(_)
    ) || is_float_list(data_type)
}

/// Whether values are numbers, of which the table's column may not read the text.
pub(crate) fn is_number(data_type: &DataType) -> bool {
    data_type.is_numeric() || data_type == &DataType::Boolean
}

/// How many digits a second has in the server at most.
pub(crate) const MICROSECONDS: u8 = 6;
