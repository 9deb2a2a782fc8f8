use otaria_codec::PayloadWriter;
use otaria_types::{Date, DateTime, Decimal, ParameterSink, SessionTimeZone, Time, ToSqlError};

use crate::parameter_type::ParameterType;
use crate::value;

/// The row that is being written behind the types and the rows before it.
///
/// What does not fit the types or the number of parameters is counted and not written: such a row
/// is taken back.
pub(super) struct Row<'a> {
    bytes: &'a mut Vec<u8>,
    /// The parameters whose type was set.
    typed: &'a mut Vec<usize>,
    /// How many parameters there are to be.
    due: usize,
    written: usize,
    types_differ: bool,
    time_zone: SessionTimeZone,
}

impl<'a> Row<'a> {
    #[inline]
    pub(super) const fn new(
        bytes: &'a mut Vec<u8>,
        typed: &'a mut Vec<usize>,
        due: usize,
        time_zone: SessionTimeZone,
    ) -> Self {
        Self {
            bytes,
            typed,
            due,
            written: 0,
            types_differ: false,
            time_zone,
        }
    }

    /// How many parameters were written.
    pub(super) const fn written(&self) -> usize {
        self.written
    }

    /// Whether one of them is of another type than in the rows before.
    pub(super) const fn types_differ(&self) -> bool {
        self.types_differ
    }

    #[inline]
    fn indicator(&mut self, indicator: u8) {
        self.bytes.push(indicator);
        self.written += 1;
    }

    /// Adds a parameter of this type, or else of `other`, whose value is what is written next:
    /// `None` where there is no place for it.
    #[inline]
    fn value(
        &mut self,
        parameter_type: ParameterType,
        other: Option<ParameterType>,
    ) -> Option<PayloadWriter<'_>> {
        let index = self.written;
        self.written += 1;
        if index >= self.due {
            return None;
        }
        let found = type_at(self.bytes, index)?;
        if found == ParameterType::NULL {
            set_type(self.bytes, index, parameter_type);
            self.typed.push(index);
        } else if found != parameter_type && Some(found) != other {
            self.types_differ = true;
            return None;
        }
        self.bytes.push(VALUE);
        Some(PayloadWriter::new(self.bytes))
    }

    /// Adds a parameter of this type, whose value has always as many bytes.
    #[inline]
    fn fixed<const N: usize>(
        &mut self,
        parameter_type: ParameterType,
        other: Option<ParameterType>,
        value: [u8; N],
    ) {
        if let Some(mut out) = self.value(parameter_type, other) {
            out.bytes(&value);
        }
    }

    /// Adds a parameter of this type, whose value stands behind its length.
    #[inline]
    fn lenenc(&mut self, parameter_type: ParameterType, value: &[u8]) {
        if let Some(mut out) = self.value(parameter_type, None) {
            out.bytes_lenenc(value);
        }
    }
}

impl ParameterSink for Row<'_> {
    #[inline]
    fn null(&mut self) {
        self.indicator(NULL);
    }

    #[inline]
    fn int(&mut self, value: i64) {
        let other = (value >= 0).then_some(ParameterType::UINT);
        self.fixed(ParameterType::INT, other, value.to_le_bytes());
    }

    #[inline]
    fn uint(&mut self, value: u64) {
        let other = i64::try_from(value).is_ok().then_some(ParameterType::INT);
        self.fixed(ParameterType::UINT, other, value.to_le_bytes());
    }

    #[inline]
    fn float(&mut self, value: f32) {
        self.fixed(ParameterType::FLOAT, None, value.to_le_bytes());
    }

    #[inline]
    fn double(&mut self, value: f64) {
        self.fixed(ParameterType::DOUBLE, None, value.to_le_bytes());
    }

    fn decimal(&mut self, value: &Decimal) {
        self.lenenc(ParameterType::DECIMAL, value.to_string().as_bytes());
    }

    #[inline]
    fn text(&mut self, value: &str) {
        self.lenenc(ParameterType::TEXT, value.as_bytes());
    }

    #[inline]
    fn bytes(&mut self, value: &[u8]) {
        self.lenenc(ParameterType::BLOB, value);
    }

    fn date(&mut self, value: Date) {
        if let Some(mut out) = self.value(ParameterType::DATE, None) {
            value::write_date(value, &mut out);
        }
    }

    fn datetime(&mut self, value: DateTime) {
        if let Some(mut out) = self.value(ParameterType::DATETIME, None) {
            value::write_datetime(value, &mut out);
        }
    }

    fn time(&mut self, value: Time) {
        if let Some(mut out) = self.value(ParameterType::TIME, None) {
            value::write_time(value, &mut out);
        }
    }

    #[inline]
    fn column_default(&mut self) -> Result<(), ToSqlError> {
        self.indicator(DEFAULT);
        Ok(())
    }

    #[inline]
    fn ignore(&mut self) -> Result<(), ToSqlError> {
        self.indicator(IGNORE);
        Ok(())
    }

    fn time_zone(&self) -> SessionTimeZone {
        self.time_zone
    }

    #[inline]
    fn len(&self) -> usize {
        self.written
    }
}

/// The type of the parameter at `index`, from 0, of the types that `bytes` begins with.
#[inline]
fn type_at(bytes: &[u8], index: usize) -> Option<ParameterType> {
    let rest = bytes.get(index * ParameterType::BYTES..)?;
    rest.first_chunk().copied().map(ParameterType)
}

pub(super) fn set_type(bytes: &mut [u8], index: usize, parameter_type: ParameterType) {
    let rest = bytes.get_mut(index * ParameterType::BYTES..);
    if let Some(place) = rest.and_then(|rest| rest.first_chunk_mut()) {
        *place = parameter_type.0;
    }
}

/// The [parameter
/// indicators](https://mariadb.com/docs/server/reference/clientserver-protocol/3-binary-protocol-prepared-statements/com_stmt_bulk_execute#parameter-indicator).
pub(super) const VALUE: u8 = 0;
pub(super) const NULL: u8 = 1;
pub(super) const DEFAULT: u8 = 2;
pub(super) const IGNORE: u8 = 3;
