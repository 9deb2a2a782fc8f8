use otaria_codec::{ColumnDefinition, FieldType, InvalidPacket, PayloadReader};

use crate::{
    CellError, Columns, Date, DateTime, Decimal, FromSql, FromSqlError, ParameterSink, RowContext,
    RowReader, Time, ToSql, ToSqlError, ValueRef,
};

/// A row in a form of its own: a cell is a byte, `0xff` is NULL, and other bytes are integers.
#[derive(Clone)]
pub(crate) struct ByteRow<'a> {
    reader: PayloadReader<'a>,
    context: RowContext,
}

impl<'a> RowReader<'a> for ByteRow<'a> {
    fn new(payload: &'a [u8], _: usize) -> Result<Self, InvalidPacket> {
        Ok(Self {
            reader: PayloadReader::new("byte row", payload),
            context: RowContext::default(),
        })
    }

    fn at(payload: &'a [u8], position: usize, _: usize) -> Result<Self, InvalidPacket> {
        Self::new(&payload[position..], 0)
    }

    fn with_context(self, context: RowContext) -> Self {
        Self { context, ..self }
    }

    fn context(&self) -> RowContext {
        self.context
    }

    fn position(&self) -> usize {
        0
    }

    fn is_null(&mut self) -> Result<bool, InvalidPacket> {
        Ok(self.reader.take_if(0xff))
    }

    fn bytes(&mut self) -> Result<&'a [u8], InvalidPacket> {
        self.reader.bytes(1)
    }

    fn i64(&mut self) -> Result<i64, CellError> {
        Ok(i64::from(self.reader.int1()?))
    }

    fn u64(&mut self) -> Result<u64, CellError> {
        Ok(u64::from(self.reader.int1()?))
    }

    fn f32(&mut self) -> Result<f32, CellError> {
        self.reader.int1().map(f32::from).map_err(CellError::from)
    }

    fn f64(&mut self) -> Result<f64, CellError> {
        self.reader.int1().map(f64::from).map_err(CellError::from)
    }

    fn date(&mut self) -> Result<Date, CellError> {
        Err(FromSqlError::Malformed.into())
    }

    fn datetime(&mut self) -> Result<DateTime, CellError> {
        Err(FromSqlError::Malformed.into())
    }

    fn time(&mut self) -> Result<Time, CellError> {
        Err(FromSqlError::Malformed.into())
    }

    fn value(&mut self, _: &ColumnDefinition) -> Result<ValueRef<'a>, CellError> {
        if self.is_null()? {
            return Ok(ValueRef::Null);
        }
        self.i64().map(ValueRef::Int)
    }

    fn skip(&mut self, _: &ColumnDefinition) -> Result<(), InvalidPacket> {
        self.bytes().map(|_| ())
    }

    fn finish(&self) -> Result<(), InvalidPacket> {
        self.reader.finish()
    }
}

/// So many columns of the type TINYINT.
pub(crate) fn columns(count: usize) -> Columns {
    Columns::new(vec![ColumnDefinition::new("c", FieldType::Tiny); count])
}

/// A value that was written to a sink.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Written {
    Null,
    Int(i64),
    UInt(u64),
    Float(f32),
    Double(f64),
    Decimal(String),
    Text(String),
    Bytes(Vec<u8>),
    Date(Date),
    DateTime(DateTime),
    Time(Time),
}

impl Written {
    /// The value that a server would send back.
    fn as_value(&self) -> ValueRef<'_> {
        match self {
            Self::Null => ValueRef::Null,
            Self::Int(value) => ValueRef::Int(*value),
            Self::UInt(value) => ValueRef::UInt(*value),
            Self::Float(value) => ValueRef::Float(*value),
            Self::Double(value) => ValueRef::Double(*value),
            Self::Decimal(text) => ValueRef::Decimal(text),
            Self::Text(text) => ValueRef::Text(text),
            Self::Bytes(bytes) => ValueRef::Bytes(bytes),
            Self::Date(date) => ValueRef::Date(*date),
            Self::DateTime(datetime) => ValueRef::DateTime(*datetime),
            Self::Time(time) => ValueRef::Time(*time),
        }
    }
}

impl ParameterSink for Vec<Written> {
    fn null(&mut self) {
        self.push(Written::Null);
    }

    fn int(&mut self, value: i64) {
        self.push(Written::Int(value));
    }

    fn uint(&mut self, value: u64) {
        self.push(Written::UInt(value));
    }

    fn float(&mut self, value: f32) {
        self.push(Written::Float(value));
    }

    fn double(&mut self, value: f64) {
        self.push(Written::Double(value));
    }

    fn decimal(&mut self, value: &Decimal) {
        self.push(Written::Decimal(value.to_string()));
    }

    fn text(&mut self, value: &str) {
        self.push(Written::Text(value.into()));
    }

    fn bytes(&mut self, value: &[u8]) {
        self.push(Written::Bytes(value.into()));
    }

    fn date(&mut self, value: Date) {
        self.push(Written::Date(value));
    }

    fn datetime(&mut self, value: DateTime) {
        self.push(Written::DateTime(value));
    }

    fn time(&mut self, value: Time) {
        self.push(Written::Time(value));
    }

    fn len(&self) -> usize {
        self.as_slice().len()
    }
}

/// The value as it is written.
pub(crate) fn written<T: ToSql + ?Sized>(value: &T) -> Written {
    let mut out = Vec::new();
    value.to_sql(&mut out).unwrap();
    let [written] = out.try_into().unwrap();
    written
}

/// What is read from the value as it is written.
pub(crate) fn read_back<T: ToSql + for<'a> FromSql<'a>>(value: &T) -> Result<T, FromSqlError> {
    T::from_sql(written(value).as_value())
}

/// Why the value is not written.
pub(crate) fn refused<T: ToSql>(value: &T) -> ToSqlError {
    value.to_sql(&mut Vec::new()).unwrap_err()
}
