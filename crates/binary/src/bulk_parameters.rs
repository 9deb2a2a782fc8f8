use std::fmt;

use otaria_codec::{
    Capabilities, ColumnDefinition, Encode, InvalidPacket, PayloadReader, PayloadWriter,
};
use otaria_types::{CellError, Indicated, Params, ParamsError, SessionTimeZone, ValueRef};

use crate::parameter_type::ParameterType;
use crate::parameters::{KEPT_BYTES, limited};
use crate::value;

mod row;

use row::Row;

/// The parameters of one
/// [`COM_STMT_BULK_EXECUTE`](https://mariadb.com/docs/server/reference/clientserver-protocol/3-binary-protocol-prepared-statements/com_stmt_bulk_execute):
/// the types, and the rows, in which each parameter is an indicator and, behind the indicator 0, a
/// value.
///
/// All rows of a packet have the same types. A parameter takes that of its first value, so that
/// NULL, DEFAULT and IGNORE go with any; an integer without a sign is also sent as one with a sign,
/// and the other way round, where both can hold it. Rows are encoded once, into the memory of the
/// rows before them, and none allocates by itself.
///
/// ```
/// use otaria_binary::{BulkParameters, Push};
///
/// # fn main() -> Result<(), otaria_types::ParamsError> {
/// # let mut sent = 0;
/// # let mut send = |_: &[u8]| sent += 1;
/// let limit_bytes = 16_777_215;
/// let mut parameters = BulkParameters::new();
/// for row in [(1, "a"), (2, "b")] {
///     while parameters.push(&row, limit_bytes)? != Push::Taken {
///         send(parameters.as_bytes());
///         parameters.clear();
///     }
/// }
/// send(parameters.as_bytes());
/// # assert_eq!(sent, 1);
/// # Ok(())
/// # }
/// ```
#[derive(Default)]
pub struct BulkParameters {
    /// How many parameters a row has; none are known before the first row.
    len: Option<usize>,
    /// The types, then the rows; nothing where there are no rows.
    bytes: Vec<u8>,
    rows: usize,
    /// The parameters that have their type from the row that is written.
    typed: Vec<usize>,
    limit_bytes: usize,
    time_zone: SessionTimeZone,
}

/// What has become of a row.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use = "a row that was not taken has to be pushed again"]
pub enum Push {
    /// It is the last row of the packet.
    Taken,
    /// It was not taken: the payload would be too long. The rows before it are to be sent first.
    Full,
    /// It was not taken: one of its values is of another type than those before it. The rows before
    /// it are to be sent first.
    TypesDiffer,
}

impl BulkParameters {
    /// No rows.
    pub const fn new() -> Self {
        Self {
            len: None,
            bytes: Vec::new(),
            rows: 0,
            typed: Vec::new(),
            limit_bytes: 0,
            time_zone: SessionTimeZone::Unknown,
        }
    }

    /// Sets the session's zone, in which points in time are written from now on. At first it is not
    /// known, and they are refused.
    pub const fn set_time_zone(&mut self, time_zone: SessionTimeZone) {
        self.time_zone = time_zone;
    }

    /// Adds `row`, if the payload of the whole command has no more than `limit_bytes` with it.
    ///
    /// The payload is that of `COM_STMT_BULK_EXECUTE` with its head of 7 bytes. MariaDB takes
    /// payloads shorter than `max_allowed_packet`: the limit is `max_allowed_packet` - 1.
    ///
    /// A row that is not taken leaves those before it as they are, be it by an error or not. What
    /// comes first into an empty packet is taken or an error.
    ///
    /// # Errors
    /// [`ParamsError`] if the row has no parameters, too many, or another number than the rows
    /// before, those before the last [`clear`](Self::clear) included; if one of them has no value
    /// for the server; or if the row alone is longer than the limit.
    #[inline]
    pub fn push(&mut self, row: &impl Params, limit_bytes: usize) -> Result<Push, ParamsError> {
        let expected = self.len_of(row.len())?;
        self.limit_bytes = limit_bytes;
        let before = self.bytes.len();
        if before == 0 {
            self.write_no_types(expected);
        }
        self.typed.clear();
        let zone = self.time_zone;
        let mut out = Row::new(&mut self.bytes, &mut self.typed, expected, zone);
        let written = row.write(&mut out);
        let (found, types_differ) = (out.written(), out.types_differ());
        let push = written.and_then(|()| {
            if found != expected {
                return Err(ParamsError::RowLength { expected, found });
            }
            self.judge(types_differ)
        });
        if push == Ok(Push::Taken) {
            self.rows += 1;
            self.len = Some(expected);
        } else {
            self.take_back(before);
        }
        push
    }

    /// Removes the rows and their types, and gives back memory beyond what a packet of the last
    /// limit needs. The rows to come must have as many parameters.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.bytes
            .shrink_to(self.limit_bytes.saturating_add(KEPT_BYTES));
        self.rows = 0;
    }

    /// How many rows there are.
    pub const fn rows(&self) -> usize {
        self.rows
    }

    /// How many parameters each row has; 0 before the first.
    pub const fn parameters(&self) -> usize {
        match self.len {
            Some(len) => len,
            None => 0,
        }
    }

    /// Whether there are no rows.
    pub const fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// The types and the rows, as `COM_STMT_BULK_EXECUTE` has them behind its flags, of which
    /// `SEND_TYPES_TO_SERVER` is one; nothing where there are no rows.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How many bytes they encode to.
    pub const fn encoded_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Reads rows of so many parameters, behind their types, from the end of a packet.
    ///
    /// # Errors
    /// [`InvalidPacket`] if they are cut, have an indicator that does not exist, or are none.
    pub fn decode(payload: &[u8], len: usize) -> Result<Self, InvalidPacket> {
        let mut reader = PayloadReader::new(PACKET, payload);
        let columns = columns(reader.bytes(len.saturating_mul(ParameterType::BYTES))?);
        let mut rows = 0;
        while len > 0 && (reader.remaining() > 0 || rows == 0) {
            for column in &columns {
                if read_indicator(&mut reader)? == Indicated::Value(()) {
                    value::skip(&mut reader, column.field_type())?;
                }
            }
            rows += 1;
        }
        reader.finish()?;
        Ok(Self {
            len: (len > 0).then_some(len),
            bytes: payload.into(),
            rows,
            ..Self::new()
        })
    }

    /// The values, row by row.
    ///
    /// # Errors
    /// [`CellError`] for a value that its type does not have; only decoded parameters can be so.
    pub fn values(&self) -> impl Iterator<Item = Result<Indicated<ValueRef<'_>>, CellError>> {
        let types = self.len.unwrap_or_default() * ParameterType::BYTES;
        let (types, rows) = self.bytes.split_at_checked(types).unwrap_or_default();
        let mut reader = PayloadReader::new(PACKET, rows);
        let columns = columns(types);
        let mut index = 0;
        std::iter::from_fn(move || {
            let column = columns.get(index).filter(|_| reader.remaining() > 0)?;
            index = (index + 1) % columns.len();
            Some(read_value(&mut reader, column))
        })
    }

    /// How many parameters a row must have, of which this one says that it has so many.
    #[inline]
    fn len_of(&self, found: usize) -> Result<usize, ParamsError> {
        match self.len {
            Some(expected) if expected != found => Err(ParamsError::RowLength { expected, found }),
            Some(expected) => Ok(expected),
            None if found == 0 => Err(ParamsError::NoParameters),
            None => limited(found).map(|()| found),
        }
    }

    #[cold]
    fn write_no_types(&mut self, len: usize) {
        for _ in 0..len {
            self.bytes.extend_from_slice(&ParameterType::NULL.0);
        }
    }

    /// Whether the row that was written can stay.
    #[inline]
    fn judge(&self, types_differ: bool) -> Result<Push, ParamsError> {
        let payload_bytes = HEAD_BYTES + self.bytes.len();
        let limit_bytes = self.limit_bytes;
        if types_differ {
            return Ok(Push::TypesDiffer);
        }
        if payload_bytes <= limit_bytes {
            return Ok(Push::Taken);
        }
        if self.rows > 0 {
            return Ok(Push::Full);
        }
        Err(ParamsError::RowTooLong {
            payload_bytes,
            limit_bytes,
        })
    }

    /// Removes what a row has written.
    #[cold]
    fn take_back(&mut self, before: usize) {
        self.bytes.truncate(before);
        for &index in &self.typed {
            row::set_type(&mut self.bytes, index, ParameterType::NULL);
        }
    }
}

impl Encode for BulkParameters {
    fn encode(&self, _: Capabilities, out: &mut PayloadWriter<'_>) {
        out.bytes(&self.bytes);
    }
}

/// Shows how much there is and no value.
impl fmt::Debug for BulkParameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (rows, bytes) = (self.rows, self.bytes.len());
        write!(f, "BulkParameters({rows} rows, {bytes} bytes)")
    }
}

fn columns(types: &[u8]) -> Vec<ColumnDefinition> {
    let types = types.chunks_exact(ParameterType::BYTES);
    types
        .filter_map(|bytes| Some(ParameterType(bytes.try_into().ok()?).column()))
        .collect()
}

fn read_value<'a>(
    reader: &mut PayloadReader<'a>,
    column: &ColumnDefinition,
) -> Result<Indicated<ValueRef<'a>>, CellError> {
    Ok(match read_indicator(reader)? {
        Indicated::Value(()) => Indicated::Value(value::read(reader, column)?),
        Indicated::Null => Indicated::Null,
        Indicated::Default => Indicated::Default,
        Indicated::Ignore => Indicated::Ignore,
    })
}

fn read_indicator(reader: &mut PayloadReader<'_>) -> Result<Indicated<()>, InvalidPacket> {
    match reader.int1()? {
        row::VALUE => Ok(Indicated::Value(())),
        row::NULL => Ok(Indicated::Null),
        row::DEFAULT => Ok(Indicated::Default),
        row::IGNORE => Ok(Indicated::Ignore),
        found => Err(reader.invalid_field("parameter indicator", found.into())),
    }
}

const PACKET: &str = "bulk parameters";

/// The command's byte, the statement's id and the flags.
const HEAD_BYTES: usize = 7;

#[cfg(test)]
mod tests;
