use std::fmt;

use otaria_codec::{
    Capabilities, ColumnDefinition, Encode, FieldType, InvalidPacket, PayloadReader, PayloadWriter,
};
use otaria_types::{
    CellError, Date, DateTime, Decimal, ParameterSink, Params, ParamsError, SessionTimeZone, Time,
    ToSqlError, ValueRef,
};

use crate::parameter_type::ParameterType;
use crate::{NullBitmap, value};

/// The parameters of one
/// [`COM_STMT_EXECUTE`](https://mariadb.com/docs/server/reference/clientserver-protocol/3-binary-protocol-prepared-statements/com_stmt_execute):
/// the NULL-bitmap, the types, and the values of those that are not NULL; nothing where there are no
/// parameters.
///
/// The types are always sent, which the server asks for in a first execution and wherever they have
/// changed. Integers are sent as BIGINT whatever their width, so that the types seldom change; the
/// types that the server takes for NULL without saying so are never sent. One value may be used for many
/// executions and keeps its memory.
#[derive(Clone, Default, Eq, PartialEq)]
pub struct Parameters {
    null_bitmap: Vec<u8>,
    types: Vec<u8>,
    values: Vec<u8>,
    len: usize,
    /// Whether the value of one of them was sent ahead.
    has_long_data: bool,
    time_zone: SessionTimeZone,
}

impl Parameters {
    /// No parameters.
    pub const fn new() -> Self {
        Self {
            null_bitmap: Vec::new(),
            types: Vec::new(),
            values: Vec::new(),
            len: 0,
            has_long_data: false,
            time_zone: SessionTimeZone::Unknown,
        }
    }

    /// Sets the session's zone, in which points in time are written from now on. At first it is not
    /// known, and they are refused.
    pub const fn set_time_zone(&mut self, time_zone: SessionTimeZone) {
        self.time_zone = time_zone;
    }

    /// Replaces the parameters by `params`.
    ///
    /// # Errors
    /// [`ParamsError`] if there are too many or one of them has no value for the server. There are
    /// none then.
    #[inline]
    pub fn set(&mut self, params: &impl Params) -> Result<(), ParamsError> {
        self.clear();
        let result = limited(params.len())
            .and_then(|()| params.write(self))
            .and_then(|()| limited(self.len));
        if result.is_err() {
            self.clear();
        }
        result
    }

    /// Removes all parameters, and gives back memory that a long value has taken.
    pub fn clear(&mut self) {
        self.null_bitmap.clear();
        self.types.clear();
        self.values.clear();
        if self.values.capacity() > KEPT_BYTES {
            self.values.shrink_to(KEPT_BYTES);
        }
        self.len = 0;
        self.has_long_data = false;
    }

    /// How many parameters there are.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether there is one whose value was sent ahead.
    #[inline]
    pub const fn has_long_data(&self) -> bool {
        self.has_long_data
    }

    /// The indexes, from 0 on, of those whose values were sent ahead.
    pub fn long_data(&self) -> impl Iterator<Item = usize> {
        let types = self.types.chunks_exact(ParameterType::BYTES).enumerate();
        types
            .filter(|(_, bytes)| *bytes == ParameterType::LONG_DATA.0)
            .map(|(index, _)| index)
    }

    /// How many bytes they encode to.
    pub const fn encoded_bytes(&self) -> usize {
        if self.is_empty() {
            return 0;
        }
        1 + self.null_bitmap.len() + self.types.len() + self.values.len()
    }

    /// Reads so many parameters from the end of a packet. Those of the type `LONG_BLOB` are taken
    /// to have been sent ahead, and to have no bytes here.
    ///
    /// # Errors
    /// [`InvalidPacket`] if they are cut, go on behind the last, or come without their types.
    pub fn decode(payload: &[u8], len: usize) -> Result<Self, InvalidPacket> {
        let mut reader = PayloadReader::new(PACKET, payload);
        if len == 0 {
            reader.finish()?;
            return Ok(Self::new());
        }
        let null_bitmap = reader.bytes(len.div_ceil(8))?;
        // "Send type to server (0 / 1)"
        match reader.int1()? {
            1 => {}
            found => return Err(reader.invalid_field("send type to server", found.into())),
        }
        let types = reader.bytes(len.saturating_mul(ParameterType::BYTES))?;
        let mut parameters = Self {
            null_bitmap: null_bitmap.into(),
            types: types.into(),
            values: Vec::new(),
            len,
            has_long_data: false,
            time_zone: SessionTimeZone::Unknown,
        };
        let has_long_data = parameters.long_data().next().is_some();
        parameters.has_long_data = has_long_data;
        let mut rest = reader;
        for column in parameters.columns().flatten() {
            if column.field_type() != FieldType::LongBlob {
                value::skip(&mut rest, column.field_type())?;
            }
        }
        rest.finish()?;
        parameters.values = reader.bytes_eof().into();
        Ok(parameters)
    }

    /// The values in order; one that was sent ahead is empty here.
    ///
    /// # Errors
    /// [`CellError`] for a value that its type does not have; only decoded parameters can be so.
    pub fn values(&self) -> impl Iterator<Item = Result<ValueRef<'_>, CellError>> {
        let mut reader = PayloadReader::new(PACKET, &self.values);
        self.columns().map(move |column| match column {
            None => Ok(ValueRef::Null),
            Some(column) if column.field_type() == FieldType::LongBlob => Ok(ValueRef::Bytes(&[])),
            Some(column) => value::read(&mut reader, &column),
        })
    }

    /// For each parameter the column that its value could stand in, `None` for NULL.
    fn columns(&self) -> impl Iterator<Item = Option<ColumnDefinition>> {
        let mut reader = PayloadReader::new(PACKET, &self.null_bitmap);
        let bitmap = NullBitmap::of_parameters(&mut reader, self.len).ok();
        let types = self.types.chunks_exact(ParameterType::BYTES).enumerate();
        types.map(move |(index, bytes)| {
            if bitmap?.is_null(index)? {
                return None;
            }
            let bytes = bytes.try_into().ok()?;
            Some(ParameterType(bytes).column())
        })
    }

    /// Adds a parameter of this type, whose value is what is written next.
    #[inline]
    fn parameter(&mut self, parameter_type: ParameterType, null: u8) -> PayloadWriter<'_> {
        let bit = self.len % 8;
        match self.null_bitmap.last_mut() {
            Some(byte) if bit != 0 => *byte |= null << bit,
            _ => self.null_bitmap.push(null),
        }
        self.types.extend_from_slice(&parameter_type.0);
        self.len += 1;
        PayloadWriter::new(&mut self.values)
    }
}

impl ParameterSink for Parameters {
    #[inline]
    fn null(&mut self) {
        self.parameter(ParameterType::NULL, 1);
    }

    #[inline]
    fn int(&mut self, value: i64) {
        self.parameter(ParameterType::INT, 0)
            .bytes(&value.to_le_bytes());
    }

    #[inline]
    fn uint(&mut self, value: u64) {
        self.parameter(ParameterType::UINT, 0).int8(value);
    }

    #[inline]
    fn float(&mut self, value: f32) {
        self.parameter(ParameterType::FLOAT, 0)
            .bytes(&value.to_le_bytes());
    }

    #[inline]
    fn double(&mut self, value: f64) {
        self.parameter(ParameterType::DOUBLE, 0)
            .bytes(&value.to_le_bytes());
    }

    fn decimal(&mut self, value: &Decimal) {
        self.parameter(ParameterType::DECIMAL, 0)
            .bytes_lenenc(value.to_string().as_bytes());
    }

    /// Writes text, which the server reads in the character set of the connection.
    #[inline]
    fn text(&mut self, value: &str) {
        self.parameter(ParameterType::TEXT, 0)
            .bytes_lenenc(value.as_bytes());
    }

    /// Writes a BLOB: bytes of another type would be text to the server.
    #[inline]
    fn bytes(&mut self, value: &[u8]) {
        self.parameter(ParameterType::BLOB, 0).bytes_lenenc(value);
    }

    fn date(&mut self, value: Date) {
        value::write_date(value, &mut self.parameter(ParameterType::DATE, 0));
    }

    fn datetime(&mut self, value: DateTime) {
        value::write_datetime(value, &mut self.parameter(ParameterType::DATETIME, 0));
    }

    fn time(&mut self, value: Time) {
        value::write_time(value, &mut self.parameter(ParameterType::TIME, 0));
    }

    /// Writes a `LONG_BLOB` without a value: [`Parameters`] sends no other value as this type.
    fn long_data(&mut self) -> Result<(), ToSqlError> {
        self.parameter(ParameterType::LONG_DATA, 0);
        self.has_long_data = true;
        Ok(())
    }

    fn time_zone(&self) -> SessionTimeZone {
        self.time_zone
    }

    #[inline]
    fn len(&self) -> usize {
        self.len
    }
}

impl Encode for Parameters {
    #[inline]
    fn encode(&self, _: Capabilities, out: &mut PayloadWriter<'_>) {
        if self.is_empty() {
            return;
        }
        out.bytes(&self.null_bitmap);
        out.int1(1);
        out.bytes(&self.types);
        out.bytes(&self.values);
    }
}

/// Shows how much there is and no value.
impl fmt::Debug for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Parameters({}, {} bytes)", self.len, self.values.len())
    }
}

#[inline]
pub(crate) fn limited(found: usize) -> Result<(), ParamsError> {
    if found > MAX_PARAMETERS {
        return Err(ParamsError::TooMany { found });
    }
    Ok(())
}

/// The most parameters of a statement: their number is an int<2>.
pub const MAX_PARAMETERS: usize = 65_535;

const PACKET: &str = "parameters";

/// How much memory for values is kept from one execution to the next.
pub(crate) const KEPT_BYTES: usize = 0x10_0000;

#[cfg(test)]
mod tests;
