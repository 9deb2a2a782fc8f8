use std::borrow::Cow;
use std::collections::{HashMap, HashSet, VecDeque};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, RecordBatchReader, StringArray, StringBuilder};
use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef};
use arrow::error::ArrowError;
use serde_json::value::RawValue;

use super::conversion::{AS_THE_FIRST_ONES, converted, find, has_default, sql_kind};
use super::inference::{SAMPLE_ROWS, data_type};
use super::members::{Kind, Members, text};
use super::objects::Objects;
use super::{BATCH_BYTES, BATCH_ROWS, Batches, Reading, Source, source};
use crate::failure::Failure;

/// Objects, one a line or those of one array. Their keys are the columns; types are those of the
/// table, or of the first objects.
pub(crate) fn open(
    path: &Path,
    reading: &Reading,
    fails: impl Fn(ArrowError) -> Failure,
) -> Result<Option<Batches>, Failure> {
    let fails_io = |error| fails(ArrowError::from(error));
    let mut objects = Objects::new(source(path)?).map_err(fails_io)?;
    let mut sample = VecDeque::new();
    while sample.len() < SAMPLE_ROWS {
        match objects.next_object().map_err(fails_io)? {
            Some(object) => sample.push_back(object.to_vec()),
            None => break,
        }
    }
    if sample.is_empty() {
        let is_json = path.extension().is_some_and(|ending| ending == "json");
        if is_json && !objects.has_array() {
            return Err(Failure::content(
                path,
                "it is empty: JSON has an array at least",
            ));
        }
        return Ok(None);
    }
    let names = names(&sample).map_err(&fails)?;
    if names.is_empty() {
        return Err(Failure::content(path, "its objects have no keys"));
    }
    let is_inferred = reading.table.is_none();
    let schema = match &reading.table {
        Some(table) => of_table(&names, table),
        None => inferred(&names, &sample).map_err(&fails)?,
    };
    let columns = schema.fields().iter();
    let columns = columns.map(|field| Column::of(field, is_inferred));
    let columns = Columns::new(names, columns.collect());
    Ok(Some(Box::new(Json {
        objects,
        sample,
        columns,
        schema: SchemaRef::new(schema),
        is_inferred,
        rows: 0,
    })))
}

struct Json {
    objects: Objects<Source>,
    /// Objects that were read to see what they hold.
    sample: VecDeque<Vec<u8>>,
    columns: Columns,
    schema: SchemaRef,
    is_inferred: bool,
    rows: u64,
}

impl Json {
    fn next_batch(&mut self) -> Result<Option<RecordBatch>, ArrowError> {
        let first_row = self.rows + 1;
        let mut texts = self.columns.texts();
        let (mut rows, mut bytes) = (0, 0);
        while rows < BATCH_ROWS && bytes < BATCH_BYTES {
            let sampled = self.sample.pop_front();
            let object = match &sampled {
                Some(object) => object,
                None => match self.objects.next_object()? {
                    Some(object) => object,
                    None => break,
                },
            };
            self.rows += 1;
            self.columns.push(object, self.rows, &mut texts)?;
            rows += 1;
            bytes += object.len();
        }
        if rows == 0 {
            return Ok(None);
        }
        let batch = self.columns.batch(&mut texts)?;
        converted(&batch, &self.schema, first_row, self.is_inferred).map(Some)
    }
}

impl Iterator for Json {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_batch().transpose()
    }
}

impl RecordBatchReader for Json {
    fn schema(&self) -> SchemaRef {
        SchemaRef::clone(&self.schema)
    }
}

/// The columns that objects are taken apart into.
struct Columns {
    names: Vec<String>,
    places: HashMap<String, usize>,
    list: Vec<Column>,
}

impl Columns {
    fn new(names: Vec<String>, list: Vec<Column>) -> Self {
        let places = names.iter().cloned().zip(0..).collect();
        Self {
            names,
            places,
            list,
        }
    }

    fn texts(&self) -> Vec<StringBuilder> {
        self.names.iter().map(|_| StringBuilder::new()).collect()
    }

    /// Adds an object, which is this row of the file.
    fn push(&self, object: &[u8], row: u64, texts: &mut [StringBuilder]) -> Result<(), ArrowError> {
        let Members(members) = parsed(object, row)?;
        let mut values: Vec<Option<&RawValue>> = vec![None; self.names.len()];
        for (place, (name, value)) in members.into_iter().enumerate() {
            let place = self.place(place, &name).ok_or_else(|| {
                wrong(format!(
                    "row {row} has the key `{name}`, which none of the first {SAMPLE_ROWS} objects has: \
                     write it into one of them, such as with null"
                ))
            })?;
            let value_before = values.get_mut(place).and_then(|place| place.replace(value));
            if value_before.is_some() {
                return Err(wrong(format!("row {row} has the key `{name}` twice")));
            }
        }
        let columns = self.names.iter().zip(&self.list);
        for ((name, column), (value, texts)) in columns.zip(values.into_iter().zip(texts)) {
            let text = column.text(value).map_err(|what| {
                let text = format!("row {row}, column `{name}`: {what}");
                wrong(text)
            })?;
            texts.append_option(text);
        }
        Ok(())
    }

    /// Where the column of this name is: mostly in the place where it is in the object.
    fn place(&self, expected: usize, name: &str) -> Option<usize> {
        let is_there = self.names.get(expected).is_some_and(|known| known == name);
        if is_there {
            return Some(expected);
        }
        self.places.get(name).copied()
    }

    fn batch(&self, texts: &mut [StringBuilder]) -> Result<RecordBatch, ArrowError> {
        let fields = self
            .names
            .iter()
            .map(|name| Field::new(name, DataType::Utf8, true));
        let columns = texts
            .iter_mut()
            .map(|texts| -> ArrayRef { Arc::new(texts.finish()) });
        let schema = Schema::new(fields.collect::<Fields>());
        RecordBatch::try_new(Arc::new(schema), columns.collect())
    }
}

/// What a column takes of JSON, and what it is where there is no key.
struct Column {
    takes: &'static [Kind],
    /// What that is called.
    expected: &'static str,
    is_inferred: bool,
    has_default: bool,
}

impl Column {
    fn of(field: &Field, is_inferred: bool) -> Self {
        use Kind::{Flag, Nested, Number, Text};

        let (takes, expected): (&'static [Kind], _) = match (sql_kind(field), field.data_type()) {
            (_, DataType::Binary) => (&[Text], "a string of hexadecimal digits"),
            (_, DataType::FixedSizeList(..)) => (&[Text, Nested], "a list of numbers"),
            (Some("date" | "datetime" | "timestamp" | "time"), _) => {
                (&[Text], "dates and times as strings")
            }
            (None, DataType::Boolean) => (&[Flag], "true and false"),
            (None, DataType::Utf8) if is_json(field) => {
                (&[Nested, Number, Flag], "objects and arrays")
            }
            (None, data_type) if data_type.is_numeric() => (&[Number], "numbers"),
            (Some(kind), _) if !is_text(kind) => (&[Text, Number, Flag], "a single value"),
            _ => (&[Text, Number, Flag, Nested], "text"),
        };
        Self {
            takes,
            expected,
            is_inferred,
            has_default: has_default(field),
        }
    }

    /// Takes anything.
    const fn any() -> Self {
        Self {
            takes: &[Kind::Text, Kind::Number, Kind::Flag, Kind::Nested],
            expected: "",
            is_inferred: true,
            has_default: false,
        }
    }

    fn text<'a>(&self, value: Option<&'a RawValue>) -> Result<Option<Cow<'a, str>>, String> {
        let Some(value) = value else {
            if self.has_default {
                return Err(NO_KEY.to_owned());
            }
            return Ok(None);
        };
        let kind = Kind::of(value);
        if kind == Kind::Null {
            return Ok(None);
        }
        if !self.takes.contains(&kind) {
            let (found, expected) = (called(kind), self.expected);
            let first = if self.is_inferred {
                AS_THE_FIRST_ONES
            } else {
                ""
            };
            return Err(format!(
                "it is {found}, and the column takes {expected}{first}"
            ));
        }
        let text = text(value).ok_or_else(|| "the string is not made of characters".to_owned())?;
        Ok(Some(text))
    }
}

/// The names of all members, as they come first.
fn names(sample: &VecDeque<Vec<u8>>) -> Result<Vec<String>, ArrowError> {
    let mut known = HashSet::new();
    let mut names = Vec::new();
    for (object, row) in sample.iter().zip(1..) {
        let Members(members) = parsed(object, row)?;
        for (name, _) in members {
            if !known.contains(&*name) {
                known.insert(name.to_string());
                names.push(name.into_owned());
            }
        }
    }
    Ok(names)
}

/// The columns of the file with the types of the table's, where it has such columns.
fn of_table(names: &[String], table: &Schema) -> Schema {
    let fields = names.iter().map(|name| match find(table, name) {
        Some(known) => known.as_ref().clone().with_name(name),
        None => Field::new(name, DataType::Utf8, true),
    });
    Schema::new(fields.collect::<Fields>())
}

/// The types that all values of the first objects have.
fn inferred(names: &[String], sample: &VecDeque<Vec<u8>>) -> Result<Schema, ArrowError> {
    let any = names.iter().map(|_| Column::any()).collect();
    let columns = Columns::new(names.to_vec(), any);
    let mut texts = columns.texts();
    let mut kinds = vec![HashSet::new(); names.len()];
    for (object, row) in sample.iter().zip(1..) {
        columns.push(object, row, &mut texts)?;
        let Members(members) = parsed(object, row)?;
        for (name, value) in members {
            let kinds = columns.places.get(&*name).and_then(|at| kinds.get_mut(*at));
            if let Some(kinds) = kinds {
                kinds.insert(Kind::of(value));
            }
        }
    }
    let batch = columns.batch(&mut texts)?;
    let columns = names.iter().zip(batch.columns()).zip(kinds);
    let fields = columns.map(|((name, column), mut kinds)| {
        kinds.remove(&Kind::Null);
        let is = |kind| kinds.len() == 1 && kinds.contains(&kind);
        let texts: &StringArray = column.as_string();
        let field = |data_type| Field::new(name, data_type, true);
        if is(Kind::Flag) || is(Kind::Number) {
            return field(data_type(&[texts]));
        }
        let field = field(DataType::Utf8);
        if !is(Kind::Nested) {
            return field;
        }
        let json = (EXTENSION.to_owned(), JSON.to_owned());
        field.with_metadata(HashMap::from([json]))
    });
    Ok(Schema::new(fields.collect::<Fields>()))
}

fn parsed(object: &[u8], row: u64) -> Result<Members<'_>, ArrowError> {
    Members::parse(object)
        .map_err(|error| wrong(format!("row {row} is no JSON: {}", reason(&error))))
}

/// What is wrong, with its place: that which the parser tells is in this object, and no line of the file.
fn reason(error: &serde_json::Error) -> String {
    let (line, column) = (error.line(), error.column());
    let text = error.to_string();
    match text.strip_suffix(&format!(" at line {line} column {column}")) {
        Some(reason) if line == 1 => format!("{reason}, at its character {column}"),
        Some(reason) => format!("{reason}, at character {column} of its line {line}"),
        None => text,
    }
}

fn is_json(field: &Field) -> bool {
    let extension = field.metadata().get(EXTENSION);
    extension.is_some_and(|name| name == JSON)
}

fn is_text(sql_kind: &str) -> bool {
    let kinds = [
        "char",
        "varchar",
        "tinytext",
        "text",
        "mediumtext",
        "longtext",
        "json",
    ];
    kinds.contains(&sql_kind)
}

const fn called(kind: Kind) -> &'static str {
    match kind {
        Kind::Null => "null",
        Kind::Flag => "true or false",
        Kind::Number => "a number",
        Kind::Text => "a string",
        Kind::Nested => "an object or an array",
    }
}

const fn wrong(message: String) -> ArrowError {
    ArrowError::ParseError(message)
}

const NO_KEY: &str = "the object lacks the key, and the column has a default: write the value, or null, \
    into each object, or the key into none";
const EXTENSION: &str = "ARROW:extension:name";
const JSON: &str = "arrow.json";
