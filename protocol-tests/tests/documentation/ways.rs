//! The ways of the driver, and its values in the client's words.

use otaria::arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use otaria::arrow::datatypes::{DataType, Field};
use otaria::{
    ArrowOptions, ColumnDefinition, Connection, Error, FieldFlags, FieldType, GeometryType,
    RecordBatchError, RecordBatches, Rows, TimestampZone, ValueRef, ZeroDateMode,
};

use super::Topic;
use super::answer::{Answer, Cell, Set};
use super::cells::of_array;
use super::client::SESSION;
use super::connect;

/// How a statement is run and its rows are read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Way {
    Text,
    Binary,
    ArrowByText,
    ArrowByBinary,
}

pub(super) const WAYS: [Way; 4] = [Way::Text, Way::Binary, Way::ArrowByText, Way::ArrowByBinary];

/// A session for each way.
pub(super) struct Sessions {
    schema: String,
    connections: Vec<Connection>,
}

impl Sessions {
    pub(super) async fn start(schema: &str) -> Self {
        let mut connections = Vec::new();
        for _ in WAYS {
            connections.push(connect(schema).await);
        }
        let schema = schema.to_owned();
        Self {
            schema,
            connections,
        }
    }

    /// Runs the statements of a topic in a session that is as new.
    pub(super) async fn run(&mut self, way: Way, topic: &Topic) -> Vec<Answer> {
        let connection = &mut self.connections[way as usize];
        connection.init_db(&self.schema).await.unwrap();
        connection.simple_execute(SESSION).await.unwrap();
        let mut answers = Vec::new();
        for sql in &topic.statements {
            let mut answer = Answer::default();
            match run(way, connection, sql, &mut answer).await {
                Ok(()) => {}
                Err(RecordBatchError::Driver(Error::Server(error))) => {
                    answer.error = Some(error.code());
                }
                Err(error) => answer.refused = Some(chain(&error)),
            }
            answers.push(answer);
        }
        // Others wait for what a transaction holds that the topic has not ended.
        connection.reset().await.unwrap();
        answers
    }
}

/// The error and its causes.
fn chain(error: &RecordBatchError) -> String {
    let causes = std::iter::successors(Some(error as &dyn std::error::Error), |error| {
        error.source()
    });
    causes
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}

async fn run(
    way: Way,
    connection: &mut Connection,
    sql: &str,
    answer: &mut Answer,
) -> Result<(), RecordBatchError> {
    let rows = match way {
        Way::Text | Way::ArrowByText => connection.simple_query(sql).await?,
        Way::Binary | Way::ArrowByBinary => connection.query(sql, ()).await?,
    };
    match way {
        Way::Text | Way::Binary => Ok(read_rows(rows, answer).await?),
        Way::ArrowByText | Way::ArrowByBinary => read_batches(rows, answer).await,
    }
}

async fn read_rows(mut rows: Rows<'_>, answer: &mut Answer) -> Result<(), Error> {
    loop {
        let columns = rows.columns().to_vec();
        let mut set = Set {
            names: Some(names(&columns)),
            rows: Vec::new(),
        };
        let read = async {
            while let Some(row) = rows.next().await? {
                let cell = |(number, column): (usize, &ColumnDefinition)| {
                    Ok(of_value(column, row.get::<ValueRef<'_>>(number)?))
                };
                let cells = columns.iter().enumerate().map(cell);
                set.rows.push(cells.collect::<Result<_, Error>>()?);
            }
            Ok::<_, Error>(())
        };
        read.await?;
        if !columns.is_empty() {
            answer.sets.push(set);
        }
        if !rows.next_result_set().await? {
            return Ok(());
        }
    }
}

/// Of several results the first alone, for the others have columns that batches do not tell.
async fn read_batches(rows: Rows<'_>, answer: &mut Answer) -> Result<(), RecordBatchError> {
    let columns = rows.columns().to_vec();
    // The client shows the SRID, the zone of the session, and dates as they are.
    let options = ArrowOptions::default()
        .with_geometry_type(GeometryType::Binary)
        .with_timestamp_zone(TimestampZone::Naive)
        .with_zero_dates(ZeroDateMode::Null);
    let mut batches = RecordBatches::from_rows(rows, &options).await?;
    let mut set = Set {
        names: Some(names(&columns)),
        rows: Vec::new(),
    };
    while let Some(batch) = batches.next().await? {
        set.rows
            .extend((0..batch.num_rows()).map(|row| of_batch(&columns, &batch, row)));
    }
    if !columns.is_empty() {
        answer.sets.push(set);
    }
    while batches.next_result_set().await? {
        let schema = batches.schema();
        let mut set = Set {
            names: Some(
                schema
                    .fields()
                    .iter()
                    .map(|field| field.name().clone().into_bytes())
                    .collect(),
            ),
            rows: Vec::new(),
        };
        let columns: Vec<_> = schema.fields().iter().map(|field| plain(field)).collect();
        while let Some(batch) = batches.next().await? {
            set.rows
                .extend((0..batch.num_rows()).map(|row| of_batch(&columns, &batch, row)));
        }
        if !columns.is_empty() {
            answer.sets.push(set);
        }
    }
    Ok(())
}

/// A column of which nothing is known but its name.
fn plain(field: &Field) -> ColumnDefinition {
    ColumnDefinition::new(field.name(), FieldType::VarString)
}

fn names(columns: &[ColumnDefinition]) -> Vec<Vec<u8>> {
    columns
        .iter()
        .map(|column| column.name().as_bytes().to_vec())
        .collect()
}

fn of_value(column: &ColumnDefinition, value: ValueRef<'_>) -> Cell {
    match value {
        ValueRef::Null => Cell::Null,
        ValueRef::Int(number) => number_of(column, &number.to_string()),
        ValueRef::UInt(number) => number_of(column, &number.to_string()),
        ValueRef::Float(number) => float(column, number),
        ValueRef::Double(number) => double(column, number),
        ValueRef::Decimal(text) | ValueRef::Text(text) => Cell::text(text),
        ValueRef::Bytes(bytes) => Cell::Bytes(bytes.to_vec()),
        ValueRef::Date(date) => Cell::text(date.to_string()),
        ValueRef::DateTime(datetime) => time(column, &datetime.to_string()),
        ValueRef::Time(time) => self::time(column, &time.to_string()),
    }
}

fn of_batch(columns: &[ColumnDefinition], batch: &RecordBatch, row: usize) -> Vec<Cell> {
    let schema = batch.schema();
    let cells = columns.iter().zip(batch.columns()).zip(schema.fields());
    cells
        .map(|((column, array), field)| of_cell(column, field, array, row))
        .collect()
}

fn of_cell(column: &ColumnDefinition, field: &Field, array: &ArrayRef, row: usize) -> Cell {
    use otaria::arrow::datatypes::{Float32Type, Float64Type};
    let is_date = matches!(
        array.data_type(),
        DataType::Date32 | DataType::Timestamp(..)
    );
    match array.data_type() {
        _ if array.is_null(row) && is_date => Cell::NoDate,
        _ if array.is_null(row) || *array.data_type() == DataType::Null => Cell::Null,
        DataType::Float32 => float(column, array.as_primitive::<Float32Type>().value(row)),
        DataType::Float64 => double(column, array.as_primitive::<Float64Type>().value(row)),
        DataType::Utf8 => Cell::text(array.as_string::<i32>().value(row)),
        DataType::Binary => Cell::Bytes(array.as_binary::<i32>().value(row).to_vec()),
        DataType::Timestamp(..) | DataType::Duration(_) => {
            let words = of_array(field, array, row);
            let words = words.trim_end_matches('0').trim_end_matches('.');
            time(column, words)
        }
        data_type if data_type.is_numeric() => number_of(column, &of_array(field, array, row)),
        _ => Cell::text(of_array(field, array, row)),
    }
}

/// A time with the digits that the column has.
fn time(column: &ColumnDefinition, text: &str) -> Cell {
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
    match usize::from(column.decimals().min(6)) {
        0 => Cell::text(seconds),
        digits => Cell::text(format!("{seconds}.{fraction:0<digits$.digits$}")),
    }
}

/// An exact number as the column shows it.
fn number_of(column: &ColumnDefinition, digits: &str) -> Cell {
    let width = column.column_length() as usize;
    match column.field_type() {
        FieldType::Bit => {
            let bytes = digits.parse::<u64>().unwrap().to_be_bytes();
            Cell::Bytes(bytes[8 - width.div_ceil(8)..].to_vec())
        }
        FieldType::Year => Cell::text(format!("{digits:0>4}")),
        _ if column.flags().contains(FieldFlags::ZEROFILL) => {
            Cell::text(format!("{digits:0>width$}"))
        }
        _ => Cell::text(digits),
    }
}

fn float(column: &ColumnDefinition, number: f32) -> Cell {
    Cell::Float {
        number,
        decimals: decimals(column),
    }
}

fn double(column: &ColumnDefinition, number: f64) -> Cell {
    Cell::Double {
        number,
        decimals: decimals(column),
    }
}

/// `None` where the server prints as many digits as it takes.
fn decimals(column: &ColumnDefinition) -> Option<u8> {
    Some(column.decimals()).filter(|decimals| *decimals < 31)
}
