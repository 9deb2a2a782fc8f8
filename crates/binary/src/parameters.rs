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
    /// As they are sent, so that one copy takes them into a packet: the NULL-bitmap, the 1 that says
    /// that types follow, the types, and the values.
    encoded: Vec<u8>,
    /// How many parameters there is room for in front of the values: as many as there are, but while
    /// they are written.
    room: usize,
    /// Where the values begin.
    values_start: usize,
    len: usize,
    /// Whether the value of one of them was sent ahead.
    has_long_data: bool,
    time_zone: SessionTimeZone,
}

impl Parameters {
    /// No parameters.
    pub const fn new() -> Self {
        Self {
            encoded: Vec::new(),
            room: 0,
            values_start: 0,
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
        let count = params.len();
        let result = limited(count).and_then(|()| {
            self.begin(count);
            params.write(&mut Writer(self))?;
            limited(self.len)
        });
        if result.is_err() {
            self.clear();
        } else if self.len != self.room {
            self.lay_out(self.len);
        }
        result
    }

    /// Removes all parameters.
    fn clear(&mut self) {
        self.encoded.clear();
        self.room = 0;
        self.values_start = 0;
        self.len = 0;
        self.has_long_data = false;
    }

    /// Makes room for so many parameters in place of those that there are, and gives back memory that
    /// a long value has taken. For as many as there were, nothing moves, and what stands there is
    /// written over.
    #[inline]
    fn begin(&mut self, count: usize) {
        self.encoded.truncate(self.values_start);
        self.len = 0;
        self.has_long_data = false;
        if count != self.room || self.encoded.capacity() > KEPT_BYTES {
            self.lay_out(count);
            self.encoded.shrink_to(KEPT_BYTES);
        }
    }

    /// Moves what is written to where it stands in front of `room` parameters' values.
    #[cold]
    fn lay_out(&mut self, room: usize) {
        let mut encoded = Vec::new();
        if room > 0 {
            let written = self.len.div_ceil(8);
            encoded.extend_from_slice(self.null_bitmap().get(..written).unwrap_or_default());
            encoded.resize(room.div_ceil(8), 0);
            encoded.push(1);
            let written = self.len * ParameterType::BYTES;
            encoded.extend_from_slice(self.types().get(..written).unwrap_or_default());
            encoded.resize(values_start(room), 0);
        }
        encoded.extend_from_slice(self.value_bytes());
        self.encoded = encoded;
        self.room = room;
        self.values_start = values_start(room);
    }

    fn null_bitmap(&self) -> &[u8] {
        let end = self.room.div_ceil(8);
        self.encoded.get(..end).unwrap_or_default()
    }

    fn types(&self) -> &[u8] {
        let start = self.types_start();
        self.encoded
            .get(start..self.values_start)
            .unwrap_or_default()
    }

    const fn types_start(&self) -> usize {
        self.values_start - self.room * ParameterType::BYTES
    }

    /// The values of those that are not NULL and were not sent ahead.
    fn value_bytes(&self) -> &[u8] {
        self.encoded.get(self.values_start..).unwrap_or_default()
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
        let types = self.types().chunks_exact(ParameterType::BYTES).enumerate();
        types
            .filter(|(_, bytes)| *bytes == ParameterType::LONG_DATA.0)
            .map(|(index, _)| index)
    }

    /// For each one whether it is text or bytes; `None` for NULL.
    pub fn are_text(&self) -> impl Iterator<Item = Option<bool>> {
        const TEXT: [ParameterType; 3] = [
            ParameterType::TEXT,
            ParameterType::BLOB,
            ParameterType::LONG_DATA,
        ];
        let types = self.types().chunks_exact(ParameterType::BYTES);
        types.map(|bytes| match bytes {
            bytes if bytes == ParameterType::NULL.0 => None,
            bytes => Some(TEXT.iter().any(|text| text.0 == bytes)),
        })
    }

    /// How many bytes they encode to.
    pub const fn encoded_bytes(&self) -> usize {
        self.encoded.len()
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
        reader.bytes(len.div_ceil(8))?;
        // "Send type to server (0 / 1)"
        match reader.int1()? {
            1 => {}
            found => return Err(reader.invalid_field("send type to server", found.into())),
        }
        reader.bytes(len.saturating_mul(ParameterType::BYTES))?;
        let mut parameters = Self {
            encoded: payload.into(),
            room: len,
            values_start: values_start(len),
            len,
            has_long_data: false,
            time_zone: SessionTimeZone::Unknown,
        };
        let has_long_data = parameters.long_data().next().is_some();
        parameters.has_long_data = has_long_data;
        for column in parameters.columns().flatten() {
            if column.field_type() != FieldType::LongBlob {
                value::skip(&mut reader, column.field_type())?;
            }
        }
        reader.finish()?;
        Ok(parameters)
    }

    /// The values in order; one that was sent ahead is empty here.
    ///
    /// # Errors
    /// [`CellError`] for a value that its type does not have; only decoded parameters can be so.
    pub fn values(&self) -> impl Iterator<Item = Result<ValueRef<'_>, CellError>> {
        let mut reader = PayloadReader::new(PACKET, self.value_bytes());
        self.columns().map(move |column| match column {
            None => Ok(ValueRef::Null),
            Some(column) if column.field_type() == FieldType::LongBlob => Ok(ValueRef::Bytes(&[])),
            Some(column) => value::read(&mut reader, &column),
        })
    }

    /// For each parameter the column that its value could stand in, `None` for NULL.
    fn columns(&self) -> impl Iterator<Item = Option<ColumnDefinition>> {
        let mut reader = PayloadReader::new(PACKET, self.null_bitmap());
        let bitmap = NullBitmap::of_parameters(&mut reader, self.len).ok();
        let types = self.types().chunks_exact(ParameterType::BYTES).enumerate();
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
        if self.len == self.room {
            // A list is one parameter of several values.
            self.lay_out((2 * self.room).max(8));
        }
        let (index, bit) = (self.len, self.len % 8);
        if let Some(byte) = self.encoded.get_mut(index / 8) {
            let before = if bit == 0 { 0 } else { *byte };
            *byte = before | null << bit;
        }
        let type_start = self.types_start() + index * ParameterType::BYTES;
        let rest = self.encoded.get_mut(type_start..).unwrap_or_default();
        if let Some(bytes) = rest.first_chunk_mut() {
            *bytes = parameter_type.0;
        }
        self.len += 1;
        PayloadWriter::new(&mut self.encoded)
    }
}

/// Writes parameters one after the other.
struct Writer<'p>(&'p mut Parameters);

impl ParameterSink for Writer<'_> {
    #[inline]
    fn null(&mut self) {
        self.0.parameter(ParameterType::NULL, 1);
    }

    #[inline]
    fn int(&mut self, value: i64) {
        self.0
            .parameter(ParameterType::INT, 0)
            .bytes(&value.to_le_bytes());
    }

    #[inline]
    fn uint(&mut self, value: u64) {
        self.0.parameter(ParameterType::UINT, 0).int8(value);
    }

    #[inline]
    fn float(&mut self, value: f32) {
        self.0
            .parameter(ParameterType::FLOAT, 0)
            .bytes(&value.to_le_bytes());
    }

    #[inline]
    fn double(&mut self, value: f64) {
        self.0
            .parameter(ParameterType::DOUBLE, 0)
            .bytes(&value.to_le_bytes());
    }

    fn decimal(&mut self, value: &Decimal) {
        self.0
            .parameter(ParameterType::DECIMAL, 0)
            .bytes_lenenc(value.to_string().as_bytes());
    }

    /// Writes text, which the server reads in the character set of the connection.
    #[inline]
    fn text(&mut self, value: &str) {
        self.0
            .parameter(ParameterType::TEXT, 0)
            .bytes_lenenc(value.as_bytes());
    }

    /// Writes a BLOB: bytes of another type would be text to the server.
    #[inline]
    fn bytes(&mut self, value: &[u8]) {
        self.0.parameter(ParameterType::BLOB, 0).bytes_lenenc(value);
    }

    fn date(&mut self, value: Date) {
        value::write_date(value, &mut self.0.parameter(ParameterType::DATE, 0));
    }

    fn datetime(&mut self, value: DateTime) {
        value::write_datetime(value, &mut self.0.parameter(ParameterType::DATETIME, 0));
    }

    fn time(&mut self, value: Time) {
        value::write_time(value, &mut self.0.parameter(ParameterType::TIME, 0));
    }

    /// Writes a `LONG_BLOB` without a value: [`Parameters`] sends no other value as this type.
    fn long_data(&mut self) -> Result<(), ToSqlError> {
        self.0.parameter(ParameterType::LONG_DATA, 0);
        self.0.has_long_data = true;
        Ok(())
    }

    fn time_zone(&self) -> SessionTimeZone {
        self.0.time_zone
    }

    #[inline]
    fn len(&self) -> usize {
        self.0.len
    }
}

impl Encode for Parameters {
    #[inline]
    fn encode(&self, _: Capabilities, out: &mut PayloadWriter<'_>) {
        out.bytes(&self.encoded);
    }
}

/// Shows how much there is and no value.
impl fmt::Debug for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Parameters({}, {} bytes)",
            self.len,
            self.value_bytes().len()
        )
    }
}

/// Where the values of so many parameters begin.
const fn values_start(parameters: usize) -> usize {
    match parameters {
        0 => 0,
        _ => parameters.div_ceil(8) + 1 + parameters * ParameterType::BYTES,
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
